//! `vivant play`: a window to look at a performance in, or the figures of playing it without one.

mod figures;
mod headless;
mod hud;
mod orbit;
mod show;
#[cfg_attr(not(all(feature = "sound", unix)), path = "silent.rs")]
mod speaker;
mod window;

use std::path::PathBuf;
use std::sync::Arc;

use vivant::playback::{LoopMode, Player, PlayerOptions};

use crate::exit::Result;
use crate::import::ImportArgs;
use crate::render::{AccessArg, Size};
use crate::{input, output};

/// Play a performance in a window, or without one for its figures
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A clip, or anything that can be converted
    file: PathBuf,
    /// Draw N frames without a window and print the figures
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    headless: Option<u32>,
    /// Display rate that the host clock runs at without a window, frames a second
    #[arg(long, value_name = "HZ", default_value_t = 72.0, requires = "headless")]
    display_rate: f64,
    /// Size of each view in pixels, without a window [default there: 1024x1024]
    #[arg(long, value_name = "WxH", default_value = "1024x1024")]
    size: Size,
    /// One view instead of a stereo pair
    #[arg(long)]
    mono: bool,
    /// Metres from the performer's middle [default: as far as it takes to see all of it]
    #[arg(long, value_name = "METRES")]
    distance: Option<f64>,
    /// Speed, −4 to 4
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, allow_negative_numbers = true)]
    rate: f64,
    /// Stop at the end instead of starting over
    #[arg(long)]
    once: bool,
    /// Memory for decoded splats, MiB; levels of detail drop to keep it [default: as much as full detail needs]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    budget: Option<u64>,
    /// Print the figures as JSON
    #[arg(long, requires = "headless")]
    json: bool,
    /// How to read a clip's file: auto, mapped, pread or memory
    #[arg(long, value_name = "HOW", default_value = "auto")]
    access: AccessArg,
    #[command(flatten)]
    import: ImportArgs,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result {
    if args.distance.is_some_and(|d| !d.is_finite() || d <= 0.0) {
        anyhow::bail!("--distance must be more than 0 metres");
    }
    let opened = input::open_with(&args.file, &args.import, args.access.0)?;
    if let Some(report) = &opened.report {
        output::note(&report.to_string());
    }
    opened.clip.notices().iter().for_each(|notice| output::note(notice));
    let options = PlayerOptions {
        loop_mode: if args.once { LoopMode::Once } else { LoopMode::Loop },
        rate: args.rate,
        ..PlayerOptions::default()
    };
    // A clip that needs more than the default for all its detail gets it here: this host has nothing else to do.
    let most = opened.clip.limits().max_live_bytes.saturating_mul(3);
    let budget_bytes = args.budget.map_or(options.budget_bytes.max(most), |megabytes| megabytes << 20);
    let options = PlayerOptions { budget_bytes, ..options };
    let player = Player::open(Arc::new(opened.clip), options)?;
    match args.headless {
        Some(frames) => headless::run(args, player, frames),
        None => window::run(args, player),
    }
}
