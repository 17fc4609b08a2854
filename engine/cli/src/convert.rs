//! `vivant convert`: foreign files to a clip.

use std::path::PathBuf;

use anyhow::bail;
use vivant::clip::{AudioTrack, Compression, Profile, WriteReport, Writer, WriterOptions};
use vivant_convert::{Foreign, Report};

use crate::exit::{Outcome, Result};
use crate::import::ImportArgs;
use crate::progress::Progress;
use crate::sound::{self, AudioArgs};
use crate::{input, output};

/// Convert captured performances to a clip
///
/// Takes trained Gaussians (PLY in the INRIA layout and PlayCanvas' compressed one, .splat, .ksplat, .spz, glTF with
/// KHR_gaussian_splatting) and bare point clouds: one file is a static scene; a folder, a pattern such as
/// 'frames/*.ply' or 'frame%04d.spz', or several files are a sequence in natural order. `vivant formats` lists them all.
///
/// Takes skinned models as glTF (.glb, .gltf), moved by their own animation or by a BVH file (--motion): splats are
/// strewn over the surface once and go with it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A file, a folder of frames, a pattern, or several of these
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// The clip to write
    #[arg(short, long, value_name = "OUT.vvt")]
    output: PathBuf,
    /// How much precision to keep: raw (all of it), local (nothing visible is lost) or network (smallest)
    #[arg(long, default_value = "raw", value_name = "PROFILE")]
    profile: Profile,
    /// zstd level, 1 (fast) to 19 (small)
    #[arg(long, value_name = "ZSTD", default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=19))]
    level: i32,
    /// Store without compression: largest, fastest to read
    #[arg(long, conflicts_with = "level")]
    raw: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    audio: AudioArgs,
    #[command(flatten)]
    import: ImportArgs,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result {
    let source = args.import.open(&args.inputs)?;
    if let Some(frame) = source.files().iter().find(|frame| input::same_file(&args.output, frame)) {
        bail!("{}: the output would replace this input; give another name with -o", frame.display());
    }
    let mut audio = args.audio.open()?;
    if args.audio.path().is_some_and(|path| input::same_file(&args.output, path)) {
        bail!("{}: the output would replace the sound; give another name with -o", args.output.display());
    }
    if audio.is_some() && source.info().duration == 0 {
        bail!(
            "{}: is a static scene, which has no time to sound in; leave --audio out",
            args.inputs[0].display()
        );
    }
    let options = WriterOptions {
        profile: args.profile,
        compression: if args.raw { Compression::Raw } else { Compression::Zstd(args.level) },
        metadata: metadata(&source),
        ..WriterOptions::default()
    };
    let mut progress = Progress::new("converting", source.frames() as u64);
    let mut writer = Writer::create(&args.output, &args.import.drawn(source.info()), &options)?;
    let report = source.push_frames(&mut writer, &options, &mut |frames| progress.set(frames as u64))?;
    // The user's own sound instead of the file's.
    let track = match &mut audio {
        Some(audio) => Some(audio.push(&mut writer)?),
        None => source.push_sound(&mut writer)?,
    };
    let written = writer.finish()?;
    drop(progress);
    if args.json {
        output::json(&as_json(args, &source, &report, &written, track.as_ref()));
    } else {
        output::text(&report.to_string());
        output::text(&as_text(args, &written));
        track.iter().for_each(|track| output::text(&format!("sound: {}", sound::as_text(track))));
    }
    Ok(Outcome::Done)
}

/// What the clip says of its making; no path, as that is nobody else's business.
fn metadata(source: &Foreign) -> String {
    let name = source.files().first().and_then(|path| path.file_name()).unwrap_or_default();
    serde_json::json!({
        "generator": concat!("vivant ", env!("CARGO_PKG_VERSION")),
        "source": { "format": source.format().name, "frames": source.frames(), "first": name.to_string_lossy() },
    })
    .to_string()
}

fn as_text(args: &Args, written: &WriteReport) -> String {
    let mut text = format!(
        "wrote {}: {} in {}, {}",
        args.output.display(),
        output::count(written.splats, "splat"),
        output::count(written.nodes, "segment"),
        output::bytes(written.file_bytes)
    );
    for (count, why) in [
        (written.dropped_unseen, "never visible"),
        (written.dropped_out_of_range, "beyond what a clip holds"),
    ] {
        if count > 0 {
            text += &format!("\nleft out {count} {why}");
        }
    }
    text
}

fn as_json(
    args: &Args,
    source: &Foreign,
    report: &Report,
    written: &WriteReport,
    track: Option<&AudioTrack>,
) -> serde_json::Value {
    let first = report.first_dropped.as_ref().map(|first| {
        serde_json::json!({ "file": first.file, "splat": first.index, "attribute": first.attribute, "why": first.flaw.to_string() })
    });
    serde_json::json!({
        "output": args.output.display().to_string(),
        "frames": source.frames(),
        "read": report.read,
        "dropped": {
            "not_finite": report.not_finite,
            "absurd": report.absurd,
            "no_rotation": report.no_rotation,
            "first": first,
        },
        "raised_scales": report.thin,
        "notes": report.notes,
        "written": {
            "splats": written.splats,
            "segments": written.nodes,
            "bytes": written.file_bytes,
            "never_visible": written.dropped_unseen,
            "out_of_range": written.dropped_out_of_range,
        },
        "audio": track.map(sound::as_json),
    })
}
