//! Playing without a window: a host clock at the display's rate, every frame drawn, and what it cost.

use std::time::Instant;

use vivant::frame::FULL_LOD;
use vivant::playback::Player;
use vivant::render::CanvasDescription;

use super::Args;
use super::figures::{Series, Stages};
use super::show::Show;
use crate::camera::{EYE_DISTANCE, Subject};
use crate::exit::{Outcome, Result};
use crate::progress::Progress;
use crate::{device, output};

/// Frames drawn before the figures count: pipelines warm up, buffers find their size.
const WARM_UP: u32 = 3;

/// Draws `frames` frames and prints the figures.
pub(super) fn run(args: &Args, mut player: Player, frames: u32) -> Result {
    if !args.display_rate.is_finite() || !(1.0..=1000.0).contains(&args.display_rate) {
        anyhow::bail!("--display-rate is 1 to 1000 frames a second");
    }
    let clip = player.clip().clone();
    let aspect = f64::from(args.size.width) / f64::from(args.size.height);
    let view = Subject::of(&clip)?.view(aspect, args.distance, 0.0);
    let views = if args.mono { vec![view] } else { view.stereo(EYE_DISTANCE).to_vec() };
    let count = if args.mono { 1 } else { 2 };
    let description = CanvasDescription::new(args.size.width, args.size.height, count);
    let mut show = Show::new(description, clip.info())?;
    wait_for_first(&mut player)?;
    player.play(0);

    let (mut wall, mut cpu, mut stages) = (Series::default(), Series::default(), Stages::default());
    let mut progress = Progress::new("playing", u64::from(frames));
    let mut steady = show.renderer.statistics();
    for frame in 0..frames + WARM_UP {
        #[expect(clippy::cast_possible_truncation, reason = "a display time of hours fits")]
        let host_nanos = (f64::from(frame) * 1e9 / args.display_rate) as i64;
        let begun = Instant::now();
        let live = player.update(host_nanos);
        show.draw(live, &views)?;
        let recorded = begun.elapsed();
        show.renderer.wait()?;
        if frame < WARM_UP {
            steady = show.renderer.statistics();
            continue;
        }
        wall.add(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
        cpu.add(u64::try_from(recorded.as_nanos()).unwrap_or(u64::MAX));
        stages.add(show.renderer.timings());
        progress.set(u64::from(frame - WARM_UP) + 1);
    }
    drop(progress);
    if let Some(error) = player.error() {
        return Err(error.into());
    }
    let statistics = show.renderer.statistics();
    let growths = statistics.growths - steady.growths;
    let stats = player.stats();
    let name = show.renderer.gpu().report().name.clone();
    if args.json {
        output::json(&serde_json::json!({
            "device": name,
            "frames": frames,
            "views": count,
            "width": args.size.width,
            "height": args.size.height,
            "slots": statistics.slots,
            "wall_ms": { "median": wall.median_ms(), "p95": wall.p95_ms() },
            "record_ms": { "median": cpu.median_ms(), "p95": cpu.p95_ms() },
            "stages": stages.iter().map(|(name, s)| serde_json::json!({
                "name": name, "median_ms": s.median_ms(), "p95_ms": s.p95_ms(),
            })).collect::<Vec<_>>(),
            "underruns": stats.underruns,
            "held_updates": stats.held_updates,
            "lod": stats.lod,
            "playable_lod": stats.playable_lod,
            "coarse_updates": stats.coarse_updates,
            "growths": growths,
        }));
    } else {
        let views = if count == 1 { "mono" } else { "stereo" };
        output::text(&format!(
            "{frames} frames, {views} at {}x{} a view, on {name}",
            args.size.width, args.size.height
        ));
        output::text(&format!("{:<12}{:>12}{:>12}", "", "median ms", "p95 ms"));
        for (stage, series) in stages.iter() {
            output::text(&format!("{stage:<12}{:>12.2}{:>12.2}", series.median_ms(), series.p95_ms()));
        }
        output::text(&format!("{:<12}{:>12.2}{:>12.2}", "frame", wall.median_ms(), wall.p95_ms()));
        output::text(&format!("{:<12}{:>12.2}{:>12.2}", "record", cpu.median_ms(), cpu.p95_ms()));
        output::text(&format!(
            "{} live slots, {} of segments uploaded, {} held, {} grown",
            statistics.slots,
            output::bytes(statistics.uploaded_bytes),
            output::count(stats.held_updates, "update"),
            output::count(u64::from(growths), "buffer")
        ));
        if stats.lod < FULL_LOD || stats.coarse_updates > 0 {
            output::text(&format!(
                "level of detail {} of {FULL_LOD}, the budget is enough for {}; {} coarser than that",
                stats.lod,
                stats.playable_lod,
                output::count(stats.coarse_updates, "update")
            ));
        }
    }
    let gpu = show.renderer.gpu().clone();
    drop(show);
    device::check_validation(&gpu)?;
    Ok(Outcome::Done)
}

/// Waits for the first picture, so that the figures are of playing and not of opening.
fn wait_for_first(player: &mut Player) -> anyhow::Result<()> {
    while player.update(0).is_none() {
        if let Some(error) = player.error() {
            return Err(error.into());
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    Ok(())
}
