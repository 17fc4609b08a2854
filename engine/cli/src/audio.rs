//! `vivant audio`: the sound of a clip as a WAV file.

use std::path::PathBuf;

use anyhow::bail;
use vivant::audio::export_wav;
use vivant::clip::{Access, Clip};

use crate::exit::{Outcome, Result};
use crate::{input, output, sound};

/// Write the sound of a clip to a WAV file
///
/// The whole track at 48 kHz and 16 bits, from its own start on; `vivant info` tells where that lies in the clip.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The clip
    file: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "OUT.wav")]
    output: PathBuf,
    /// Which track, from 0
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    track: usize,
}

/// Runs the command. Damage is silence in the file, and a failed check.
pub(crate) fn run(args: &Args) -> Result {
    if input::same_file(&args.output, &args.file) {
        bail!("{}: the output would replace the clip; give another name with -o", args.output.display());
    }
    let clip = Clip::open(&args.file, Access::Auto)?;
    let Some(track) = clip.tracks().get(args.track) else {
        bail!("{}: has {}", clip.name(), output::count(clip.tracks().len() as u64, "sound track"));
    };
    let report = export_wav(&clip, args.track, &args.output)?;
    output::text(&format!("wrote {}: {}", args.output.display(), sound::as_text(&track.audio)));
    if report.damaged_packets > 0 {
        let damaged = output::count(report.damaged_packets, "damaged packet");
        output::note(&format!("{damaged} of 20 ms each became silence; get another copy of the clip"));
        return Ok(Outcome::Failed);
    }
    Ok(Outcome::Done)
}
