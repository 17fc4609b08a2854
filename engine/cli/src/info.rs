//! `vivant info`: what a clip is, and what playing it asks for.

use std::path::PathBuf;

use vivant::clip::Clip;

use crate::exit::{Outcome, Result};
use crate::import::ImportArgs;
use crate::{input, output, sound};

/// Describe a clip, or what a foreign file would become
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A clip, or anything that can be converted
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    import: ImportArgs,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result {
    let opened = input::open(&args.file, &args.import)?;
    let clip = &opened.clip;
    clip.notices().iter().for_each(|notice| output::note(notice));
    if args.json {
        let mut value = as_json(clip);
        if let Some(report) = &opened.report {
            value["imported"] = serde_json::json!({ "read": report.read, "dropped": report.dropped(), "notes": report.notes });
        }
        output::json(&value);
    } else {
        if let Some(report) = &opened.report {
            output::text(&format!("not a clip; imported to describe it: {report}"));
        }
        output::text(&as_text(clip));
    }
    Ok(Outcome::Done)
}

/// Whole frames of the clip; 1 for a static scene.
fn frames(clip: &Clip) -> u64 {
    let info = clip.info();
    let (num, den) = info.fps;
    let frames = clip.duration_nanos() as f64 * 1e-9 * f64::from(num) / f64::from(den.max(1));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of frames: not negative, and casts saturate"
    )]
    let whole = frames.round() as u64;
    whole.max(1)
}

fn levels(clip: &Clip) -> usize {
    clip.nodes().last().map_or(0, |node| usize::from(node.level) + 1)
}

fn as_text(clip: &Clip) -> String {
    let info = clip.info();
    let [low, high] = clip.bounds();
    let limits = clip.limits();
    let seconds = clip.duration_nanos() as f64 * 1e-9;
    let length = if info.duration == 0 {
        "static scene".to_owned()
    } else {
        let rate = f64::from(info.fps.0) / f64::from(info.fps.1.max(1));
        let stream = clip.file_bytes() as f64 * 8e-6 / seconds;
        format!(
            "{seconds:.3} s, {} at {rate:.3} a second, {stream:.1} Mb/s",
            output::count(frames(clip), "frame")
        )
    };
    let sound: String =
        clip.tracks().iter().map(|track| format!("\nsound     {}", sound::line(track))).collect();
    let sides: Vec<String> = low.iter().zip(high).map(|(low, high)| format!("{:.3}", high - low)).collect();
    format!(
        "{}\n\
         length    {length}\n\
         splats    {} stored, at most {} at once, SH degree {}\n\
         size      {} in {} on {}\n\
         playing   at most {} decoded at once\n\
         box       {} m, from {low:?} to {high:?}{sound}",
        clip.name(),
        clip.splats(),
        limits.max_live_splats,
        info.sh_degree,
        output::bytes(clip.file_bytes()),
        output::count(clip.nodes().len() as u64, "segment"),
        output::count(levels(clip) as u64, "level"),
        output::bytes(limits.max_live_bytes),
        sides.join(" x "),
    )
}

fn as_json(clip: &Clip) -> serde_json::Value {
    let info = clip.info();
    let limits = clip.limits();
    let uuid: String = clip.uuid().iter().map(|byte| format!("{byte:02x}")).collect();
    let metadata: serde_json::Value = serde_json::from_str(clip.meta_json()).unwrap_or_default();
    serde_json::json!({
        "file": clip.name(),
        "uuid": uuid,
        "static": info.duration == 0,
        "duration_nanos": clip.duration_nanos(),
        "duration_ticks": info.duration,
        "ticks_per_second": [info.rate.num, info.rate.den],
        "fps": [info.fps.0, info.fps.1],
        "frames": frames(clip),
        "splats": clip.splats(),
        "sh_degree": info.sh_degree,
        "bounds": clip.bounds(),
        "file_bytes": clip.file_bytes(),
        "levels": levels(clip),
        "segments": clip.nodes().len(),
        "max_live_splats": limits.max_live_splats,
        "max_live_bytes": limits.max_live_bytes,
        "max_segment_bytes": limits.max_segment_bytes,
        "audio": clip.tracks().iter().map(sound::track_json).collect::<Vec<_>>(),
        "metadata": metadata,
        "notices": clip.notices(),
    })
}
