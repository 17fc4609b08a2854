//! The sample performer: a person dancing, made from nothing but formulas and a seed, as temporal Gaussian splats.
//!
//! The way from nothing to a performance, one module a station:
//! 1. `anatomy` models the resting body as a signed distance field; `flesh`, `wardrobe` and `hair` cover it
//!    with splats (`scatter` spreads them evenly);
//! 2. `dance` poses the skeleton of `rig` for any time, feet planted by inverse kinematics; `solver` swings skirt,
//!    shawl and ponytail; `sheet` carries splats on them;
//! 3. `shade` bakes soft light; `fit` cuts every path into the longest dyadic windows in which a cubic follows it;
//! 4. `motes` adds what comes and goes.
//!
//! The same options give the same bytes on every run and any number of threads.

mod anatomy;
mod dance;
mod field;
mod fit;
mod flesh;
mod hair;
mod motes;
mod number;
mod rig;
mod scatter;
mod shade;
mod shadow;
mod sheet;
mod solver;
mod stage;
mod wardrobe;

use fit::{BLINK_HALF, Fitter, MOMENT_RATE, Misfit};
use number::{count, single};
use rayon::prelude::*;
use solver::Moment;
use stage::Stage;
use vivant::splat::{Appearance, ClipInfo, Performance, Splat, Splats};
use vivant::time::TickRate;

/// What to make.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Seed of all that is random.
    pub seed: u64,
    /// Splats to aim at being visible at any time; spacing scales with it.
    pub splats: usize,
    /// Length of the loop, whole seconds, at least 4; the dance is written for 8.
    pub seconds: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 1, splats: 103_500, seconds: 8 }
    }
}

/// Splats visible at once at the density the figure was designed for.
const DESIGN_SPLATS: usize = 124_800;

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// Fewest splats inside their windows at any frame.
    pub splats_live: usize,
    /// Records in all: a splat has one for each of its windows.
    pub records: usize,
    /// Largest distance between a fitted and a true place, metres, over all samples.
    pub max_error_m: f32,
    /// Root of the mean square of the same.
    pub rms_error_m: f32,
    /// Largest angle between a fitted and a true rotation, radians.
    pub max_error_rad: f32,
    /// Root of the mean square of the same.
    pub rms_error_rad: f32,
    /// Splats left out because not even the shortest window follows them within tolerance (sharp folds of the shawl).
    pub dropped: usize,
    /// Mean length of a window, seconds.
    pub mean_window_s: f32,
}

/// Makes the performance.
#[must_use]
pub fn generate(options: &Options) -> Performance {
    generate_with_report(options).0
}

/// Makes the performance and says how well the records follow the true motion.
#[must_use]
pub fn generate_with_report(options: &Options) -> (Performance, Report) {
    let seconds = options.seconds.max(4);
    let duration = f64::from(seconds);
    let stage = Stage::new(duration);
    let detail = single((DESIGN_SPLATS as f64 / options.splats.max(1000) as f64).sqrt());
    let moments = stage.moments();
    let seeds = stage.seeds(options.seed, detail);
    let samples: Vec<&Moment> = moments.iter().step_by(MOMENT_RATE / 2).collect();
    let rate = frame_rate();
    let fitter = Fitter::new(&moments, rate);
    let fitted: Vec<(Vec<Splat>, Misfit)> =
        seeds.par_iter().map(|seed| fitter.fit(seed, seed.colour(&samples))).collect();
    let blinks: Vec<(Vec<Splat>, Misfit)> = stage
        .lids(detail)
        .par_iter()
        .flat_map_iter(|lid| {
            blink_moments(seconds)
                .map(|middle| fitter.fit_blink(lid, lid.colour(&samples), middle))
                .collect::<Vec<_>>()
        })
        .collect();
    let motes = motes::drift(options.seed, duration, rate);
    let mut misfit = Misfit::default();
    let mut splats = Splats::new(0);
    let mut dropped = 0;
    for (records, error) in fitted.iter().chain(&blinks) {
        if !error.is_good() {
            dropped += 1;
            continue;
        }
        misfit = misfit.and(*error);
        records.iter().for_each(|record| splats.push(record, &[]));
    }
    let steady = splats.len();
    motes.iter().for_each(|mote| splats.push(mote, &[]));
    let info = ClipInfo {
        rate,
        duration: rate.ticks_from_seconds(duration),
        fps: (FPS, 1),
        sh_degree: 0,
        appearance: Appearance::default(),
    };
    let mean = |squares: f64| single((squares / misfit.samples.max(1) as f64).sqrt());
    let report = Report {
        splats_live: fewest_live(&splats, &info),
        records: splats.len(),
        max_error_m: misfit.place_max,
        rms_error_m: mean(misfit.place_squares),
        max_error_rad: misfit.turn_max,
        rms_error_rad: mean(misfit.turn_squares),
        dropped,
        mean_window_s: single((seeds.len() - dropped) as f64 * duration / steady.max(1) as f64),
    };
    (Performance { info, splats }, report)
}

const FPS: u32 = 30;

/// 30 frames a second in ticks. The fallback is the same number, written out.
fn frame_rate() -> TickRate {
    TickRate::for_fps(FPS, 1).unwrap_or(TickRate { num: 30_000, den: 1 })
}

/// Moments at which the eyes are closed.
fn blink_moments(seconds: u32) -> impl Iterator<Item = usize> {
    let last = count(seconds as f32 * MOMENT_RATE as f32);
    [1.95_f32, 4.05, 6.85]
        .into_iter()
        .map(move |t| 2 * count(t * seconds as f32 / 8.0 * MOMENT_RATE as f32 * 0.5))
        .filter(move |&m| m >= BLINK_HALF && m + BLINK_HALF <= last)
}

fn fewest_live(splats: &Splats, info: &ClipInfo) -> usize {
    let step = i64::from(vivant::time::TICKS_PER_FRAME);
    let frames = usize::try_from(info.duration / step).unwrap_or(0);
    // Windows as differences at frame boundaries, then a running sum.
    let mut change = vec![0_i64; frames + 1];
    let frame_at = |tick: i64| {
        usize::try_from(tick.max(0).div_euclid(step) + i64::from(tick.rem_euclid(step) > 0))
            .unwrap_or(0)
            .min(frames)
    };
    for life in &splats.life {
        change[frame_at(life.start)] += 1;
        change[frame_at(life.end)] -= 1;
    }
    let mut live = 0;
    let counts = change[..frames].iter().map(|c| {
        live += c;
        live
    });
    usize::try_from(counts.min().unwrap_or(0)).unwrap_or(0)
}

#[cfg(test)]
mod tests;
