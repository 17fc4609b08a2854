//! `vivant export`: moments of a clip, or all of it, as files that other programs read.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::bail;
use vivant::clip::{Access, Clip};
use vivant::splat::ClipInfo;
use vivant_convert::export::{EXPORTS, Export, moment};

use crate::exit::{Outcome, Result};
use crate::progress::Progress;
use crate::{input, output};

/// Export moments of a clip as splats that stand still, or all of it with its motion
///
/// The ending of the output says what it becomes: .ply (the INRIA layout), .spz (Niantic's, compressed) or .glb
/// (KHR_gaussian_splatting). One moment (--at) is one file. A range, or a whole clip, is a file a frame, numbered:
/// `OUT.spz` becomes `OUT_0000.spz` and so on, `OUT_%04d.glb` says where the number stands, and a folder gets PLYs.
///
/// A .4dgs holds the whole clip, its motion and its sound.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The clip
    file: PathBuf,
    /// The file to write, or a folder for a PLY a frame
    #[arg(short, long, value_name = "OUT.{ply,spz,glb,4dgs}")]
    output: PathBuf,
    /// The moment, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, conflicts_with = "range")]
    at: Option<f64>,
    /// The frames from one time up to another, in seconds: 1..2.5, 1.. or ..2.5 [default: all]
    #[arg(long, value_name = "A..B")]
    range: Option<Span>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> std::result::Result<f64, String> {
    let number: f64 = text.parse().map_err(|_not_a_number| "give a number of seconds".to_owned())?;
    if number >= 0.0 && number.is_finite() { Ok(number) } else { Err("give 0 seconds or more".to_owned()) }
}

/// A range of time, open at either end.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: f64,
    to: f64,
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (from, to) = text.split_once("..").ok_or("give two times, such as 1..2.5")?;
        let or = |text: &str, open| if text.is_empty() { Ok(open) } else { seconds(text) };
        let span = Self { from: or(from, 0.0)?, to: or(to, f64::INFINITY)? };
        if span.from < span.to { Ok(span) } else { Err("give a range that ends after it begins".to_owned()) }
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result {
    if input::same_file(&args.output, &args.file) {
        bail!("{}: the output would replace the clip; give another name with -o", args.output.display());
    }
    let clip = Clip::open(&args.file, Access::Auto)?;
    if let Some(export) = Export::of(&args.output).filter(|export| export.is_whole()) {
        return whole(args, export, &clip);
    }
    let info = clip.info();
    let times = times(args, &clip)?;
    let single = args.at.is_some() || info.duration == 0;
    let names = Names::new(&args.output, single)?;
    let mut progress = Progress::new("exporting", times.end - times.start);
    let (mut files, mut written) = (Vec::new(), 0);
    for frame in times.clone() {
        let path = names.of(frame);
        if input::same_file(&path, &args.file) {
            bail!("{}: the output would replace the clip; give another name with -o", path.display());
        }
        let seconds = args.at.unwrap_or_else(|| frame_seconds(&info, frame));
        let splats = moment(&clip, seconds)?;
        names.export.write(&path, &splats, &info.appearance)?;
        written += splats.len() as u64;
        files.push(path);
        progress.set(frame + 1 - times.start);
    }
    drop(progress);
    let shown = |path: &PathBuf| path.display().to_string();
    if args.json {
        output::json(&serde_json::json!({
            "files": files.iter().map(shown).collect::<Vec<_>>(),
            "splats": written,
        }));
    } else {
        let splats = output::count(written, "splat");
        output::text(&match files.as_slice() {
            [only] => format!("wrote {}: {splats}", only.display()),
            [first, .., last] => format!(
                "wrote {} to {}: {splats} in {}",
                first.display(),
                last.display(),
                output::count(files.len() as u64, "file")
            ),
            [] => "wrote nothing".to_owned(),
        });
    }
    Ok(Outcome::Done)
}

/// All of a clip in one file.
fn whole(args: &Args, export: &Export, clip: &Clip) -> Result {
    if args.at.is_some() || args.range.is_some() {
        bail!("{}: holds the whole clip; leave --at and --range out", args.output.display());
    }
    let exported = export.write_whole(&args.output, clip)?;
    let file = args.output.display().to_string();
    if args.json {
        output::json(&serde_json::json!({
            "files": [file],
            "splats": exported.splats,
            "gaussians": exported.gaussians,
            "off_metres": exported.off,
            "cut": exported.cut,
            "sound": exported.sound.is_some(),
        }));
        return Ok(Outcome::Done);
    }
    output::text(&format!(
        "wrote {file}: {} from {}, at most {:.2} mm off{}",
        output::count(exported.gaussians as u64, "Gaussian"),
        output::count(exported.splats as u64, "splat"),
        exported.off * 1e3,
        if exported.sound.is_some() { ", with sound" } else { "" }
    ));
    if exported.cut > 0 {
        output::note(&format!("{} colours or harmonics were cut to what the format holds", exported.cut));
    }
    Ok(Outcome::Done)
}

/// The frames that are wanted; one where it is a moment or nothing moves.
fn times(args: &Args, clip: &Clip) -> anyhow::Result<Range<u64>> {
    let info = clip.info();
    let length = info.rate.seconds_from_ticks(info.duration);
    if let Some(at) = args.at {
        if info.duration > 0 && at >= length {
            bail!("{}: is {length:.3} s long and has nothing at {at} s", clip.name());
        }
        return Ok(0..1);
    }
    if info.duration == 0 {
        if args.range.is_some() {
            bail!("{}: is a static scene, which has no range; leave --range out", clip.name());
        }
        return Ok(0..1);
    }
    let span = args.range.unwrap_or(Span { from: 0.0, to: f64::INFINITY });
    let frames = frame_at(&info, span.from)..frame_at(&info, span.to.min(length));
    if frames.is_empty() {
        bail!("{}: is {length:.3} s long and has no frame in this range", clip.name());
    }
    Ok(frames)
}

/// Frames a second; what has none is sampled at 30.
fn rate(info: &ClipInfo) -> f64 {
    let (frames, seconds) = info.fps;
    if frames == 0 { 30.0 } else { f64::from(frames) / f64::from(seconds.max(1)) }
}

fn frame_seconds(info: &ClipInfo, frame: u64) -> f64 {
    frame as f64 / rate(info)
}

/// The first frame at or after a time.
fn frame_at(info: &ClipInfo, seconds: f64) -> u64 {
    // A frame's own time, printed and read again, is that frame.
    const SLACK: f64 = 1e-6;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times are not negative")]
    let frame = (seconds * rate(info) - SLACK).ceil().max(0.0) as u64;
    frame
}

/// What the files are called.
struct Names {
    export: &'static Export,
    before: String,
    /// Digits of the number, if there is one.
    digits: Option<usize>,
    after: String,
}

impl Names {
    fn new(path: &Path, single: bool) -> anyhow::Result<Self> {
        let text = path.display().to_string();
        let export = Export::of(path);
        let folder =
            path.is_dir() || (export.is_none() && (path.extension().is_none() || text.ends_with('/')));
        if folder && !single {
            std::fs::create_dir_all(path)
                .map_err(|source| vivant::Error::io(path, "cannot create", source))?;
            let before = path.join("frame_").display().to_string();
            return Ok(Self { export: &EXPORTS[0], before, digits: Some(4), after: ".ply".to_owned() });
        }
        let Some(export) = export.filter(|_| !folder) else {
            let endings: Vec<&str> = EXPORTS.iter().map(|export| export.ending).collect();
            bail!("{text}: the output is named by what it becomes: .{}", endings.join(", ."));
        };
        if let Some((before, digits, after)) = numbered(&text) {
            return Ok(Self { export, before, digits: Some(digits), after });
        }
        let stem = text.len() - export.ending.len() - 1;
        let (before, after) = (text[..stem].to_owned(), text[stem..].to_owned());
        Ok(if single {
            Self { export, before, digits: None, after }
        } else {
            Self { export, before: before + "_", digits: Some(4), after }
        })
    }

    fn of(&self, frame: u64) -> PathBuf {
        let number = self.digits.map(|digits| format!("{frame:0digits$}")).unwrap_or_default();
        PathBuf::from(format!("{}{number}{}", self.before, self.after))
    }
}

/// Takes `%04d` out of a name.
fn numbered(text: &str) -> Option<(String, usize, String)> {
    let (before, rest) = text.rsplit_once('%')?;
    let (digits, after) = rest.split_once('d')?;
    let count = digits.strip_prefix('0').unwrap_or(digits);
    let count = if count.is_empty() { 1 } else { count.parse().ok().filter(|count| *count <= 9)? };
    Some((before.to_owned(), count, after.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_numbered_where_there_are_several() {
        let named = |text: &str, single| Names::new(Path::new(text), single).unwrap().of(7);
        assert_eq!(named("a.ply", true), PathBuf::from("a.ply"));
        assert_eq!(named("a.SPZ", false), PathBuf::from("a_0007.SPZ"));
        assert_eq!(named("b/f-%03d.glb", false), PathBuf::from("b/f-007.glb"));
        assert!(Names::new(Path::new("a.obj"), true).is_err());
        assert!(Names::new(Path::new("a"), true).is_err());
    }

    #[test]
    fn ranges_are_read_and_held() {
        let info = ClipInfo {
            rate: vivant::time::TickRate { num: 30_000, den: 1 },
            duration: 60_000,
            fps: (30, 1),
            sh_degree: 0,
            appearance: vivant::splat::Appearance::default(),
        };
        let frames = |text: &str| {
            let span: Span = text.parse().unwrap();
            frame_at(&info, span.from)..frame_at(&info, span.to.min(2.0))
        };
        assert_eq!(frames("0.5..1"), 15..30);
        assert_eq!(frames("..0.1"), 0..3);
        assert_eq!(frames("1.9.."), 57..60);
        assert_eq!(frames("0.333334..0.4"), 11..12);
        for bad in ["1", "2..1", "a..b", "-1..2", "1..1"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }
}
