//! Splats with lives and motions of their own, on their way from a trainer's numbers into the model. No I/O.
//!
//! A format fills [`Temporal`]s: f64, time in whatever unit its file counts. A [`Clock`] says what that unit is in seconds
//! and how long the clip lasts; [`build`] turns them into the model's arrays, in parallel; [`finish`] cleanses them and puts
//! them on our axes. With `dt = t − t0`:
//!
//! ```text
//! position = mean + motion₀·dt + motion₁·dt² + motion₂·dt³      opacity = opacity · exp(−½ (dt/sigma)²)
//! rotation = normalize(rotation + spin·dt)                      shown while that exponential is at least `least`
//! ```

use std::path::Path;

use rayon::prelude::*;
use vivant::splat::{Appearance, ClipInfo, Life, Motion, Performance, Splat, Splats};
use vivant::time::TickRate;
use vivant::{Error, Result};

use crate::gaussian4::{Slice, principal_axes};
use crate::options::Options;
use crate::report::Report;
use crate::whole::Whole;
use crate::{Axes, cleanse, rows};

/// Longest performance, seconds: a day.
const MAX_SECONDS: f64 = 86_400.0;

/// A splat as its trainer means it; time in the unit of its file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Temporal {
    /// Where it is at `t0`.
    pub(crate) mean: [f64; 3],
    /// The factors of dt, dt² and dt³.
    pub(crate) motion: [[f64; 3]; 3],
    /// Quaternion xyzw at `t0`, of any length.
    pub(crate) rotation: [f64; 4],
    /// What is added to it a unit of time.
    pub(crate) spin: [f64; 4],
    /// Standard deviations.
    pub(crate) scale: [f64; 3],
    /// Peak opacity.
    pub(crate) opacity: f64,
    /// Base colour.
    pub(crate) colour: [f64; 3],
    /// Centre of its life.
    pub(crate) t0: f64,
    /// Standard deviation of its life; infinity for none.
    pub(crate) sigma: f64,
    /// The share of its peak opacity below which its own renderer leaves it out; 0 for never.
    pub(crate) least: f64,
    /// The time in which it may show at all.
    pub(crate) window: [f64; 2],
}

impl Temporal {
    /// A still, grey, opaque splat without size that always shows: what is not set is this.
    pub(crate) const DEFAULT: Self = Self {
        mean: [0.0; 3],
        motion: [[0.0; 3]; 3],
        rotation: [0.0, 0.0, 0.0, 1.0],
        spin: [0.0; 4],
        scale: [0.0; 3],
        opacity: 1.0,
        colour: [0.5; 3],
        t0: 0.0,
        sigma: f64::INFINITY,
        least: 0.0,
        window: [f64::NEG_INFINITY, f64::INFINITY],
    };

    /// What a Gaussian in space and time is, but for its place, opacity and colour.
    pub(crate) fn of_slice(slice: &Slice) -> Self {
        let (scale, rotation) = principal_axes(&slice.factor);
        let motion = [slice.velocity, [0.0; 3], [0.0; 3]];
        Self { motion, rotation, scale, sigma: slice.variance.sqrt(), ..Self::DEFAULT }
    }

    /// Half the time for which the envelope is at least `share`.
    pub(crate) fn reach(&self, share: f64) -> f64 {
        if share > 0.0 { self.sigma * (-2.0 * share.min(1.0).ln()).sqrt() } else { f64::INFINITY }
    }

    /// The model's splat.
    pub(crate) fn splat(&self, clock: &Clock) -> Splat {
        let unit = clock.unit;
        let rate = |term: usize| {
            let seconds = [unit, unit * unit, unit * unit * unit][term];
            self.motion[term].map(|factor| narrow(factor / seconds))
        };
        let reach = self.reach(self.least);
        let start = (self.t0 - reach).max(self.window[0]);
        // The window's end is no longer in it; a share that is just met is.
        let (end, whole) =
            if self.t0 + reach < self.window[1] { (self.t0 + reach, 1) } else { (self.window[1], 0) };
        Splat {
            mean: self.mean.map(narrow),
            rotation: self.rotation.map(narrow),
            scale: self.scale.map(narrow),
            opacity: narrow(self.opacity),
            colour: self.colour.map(narrow),
            life: Life {
                t0: self.t0 * unit,
                sigma_t: narrow(self.sigma * unit),
                start: clock.tick(start, f64::ceil),
                end: clock.tick(end, if whole == 1 { f64::floor } else { f64::ceil }).saturating_add(whole),
            },
            motion: Motion {
                velocity: rate(0),
                quadratic: rate(1),
                cubic: rate(2),
                spin: self.spin.map(|part| narrow(part / unit)),
            },
        }
    }
}

/// What the time of a file is in seconds and ticks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Clock {
    rate: TickRate,
    fps: (u32, u32),
    /// Length of the clip, seconds.
    seconds: f64,
    /// Seconds that one unit of the file's time takes.
    unit: f64,
}

impl Clock {
    /// A clip of `seconds` whose file counts in units of `unit` seconds.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] unless both are above 0 and the clip no longer than a day.
    pub(crate) fn new(options: &Options, seconds: f64, unit: f64) -> Result<Self> {
        if !(seconds > 0.0 && seconds <= MAX_SECONDS && unit > 0.0 && unit.is_finite()) {
            let why = "the length must be above 0 and at most a day; say how long it lasts in seconds";
            return Err(Error::invalid(format!("a performance of {seconds} seconds: {why}")));
        }
        Ok(Self { rate: options.fps.tick_rate(), fps: options.fps.fraction(), seconds, unit })
    }

    /// A file that counts time from 0 to 1 over `frames` frames, the next of which would be at 1. The user's own length
    /// comes first; else the report says what was assumed and that `why`.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn normalised(options: &Options, frames: u32, why: &str, report: &mut Report) -> Result<Self> {
        let seconds = options.seconds.unwrap_or_else(|| {
            let seconds = f64::from(frames) / per_second(options);
            report.note(format!(
                "time runs from 0 to 1 and is taken as {frames} frames ({why}), {seconds:.3} s at {} frames a second",
                options.fps
            ));
            seconds
        });
        Self::new(options, seconds, seconds)
    }

    /// Seconds that one unit of the file's time takes.
    pub(crate) const fn unit(&self) -> f64 {
        self.unit
    }

    /// What the clip is.
    pub(crate) fn info(&self, sh_degree: u8, appearance: Appearance) -> ClipInfo {
        let duration = self.rate.ticks_from_seconds(self.seconds).max(1);
        ClipInfo { rate: self.rate, duration, fps: self.fps, sh_degree, appearance }
    }

    /// The tick at a time of the file, `to` a whole one; infinite times are before and after all.
    fn tick(&self, time: f64, to: impl Fn(f64) -> f64) -> i64 {
        if !time.is_finite() {
            return if time < 0.0 { i64::MIN } else { i64::MAX };
        }
        // What differs from a whole tick by the rounding of an f32 alone is one.
        let exact = time * self.unit * f64::from(self.rate.num) / f64::from(self.rate.den);
        let near = exact.round();
        #[expect(clippy::cast_possible_truncation, reason = "saturates, which is wanted here")]
        let tick = if (exact - near).abs() < 0.1 { near } else { to(exact) } as i64;
        tick
    }
}

/// Frames a second as the options have them.
pub(crate) fn per_second(options: &Options) -> f64 {
    let (num, den) = options.fps.fraction();
    f64::from(num) / f64::from(den.max(1))
}

/// `count` splats: `each` gives one by its index and fills its harmonics, which are zero before.
pub(crate) fn build(
    count: usize,
    sh_degree: u8,
    clock: &Clock,
    each: impl Fn(usize, &mut [f32]) -> Temporal + Sync,
) -> Splats {
    let mut splats = rows::zeroed_moving(count, sh_degree);
    rows::all(&mut splats).into_par_iter().for_each(|rows| {
        let stride = rows.sh_stride;
        for index in 0..rows.len() {
            let sh_rest = &mut rows.sh_rest[index * stride..(index + 1) * stride];
            let splat = each(rows.first + index, sh_rest).splat(clock);
            rows.mean[index] = splat.mean;
            rows.rotation[index] = splat.rotation;
            rows.scale[index] = splat.scale;
            rows.opacity[index] = splat.opacity;
            rows.colour[index] = splat.colour;
            rows.life[index] = splat.life;
            rows.motion[index] = splat.motion;
        }
    });
    splats
}

/// Cleanses splats, puts them on our axes, and makes them a performance. `offset` is where the file describes its splats.
///
/// # Errors
/// [`Error::Malformed`] when no splat is left.
pub(crate) fn finish(
    path: &Path,
    offset: u64,
    mut splats: Splats,
    info: ClipInfo,
    axes: Axes,
    mut report: Report,
) -> Result<Whole> {
    report.files = 1;
    report.read = splats.len() as u64;
    cleanse::cleanse(&path.display().to_string(), offset, &mut splats, &mut report)?;
    axes.apply(&mut splats);
    let performance = Performance { info, splats };
    Ok(Whole { performance, report, files: vec![path.to_owned()], sound: None })
}

/// What the model stores of an f64.
pub(crate) fn narrow(value: f64) -> f32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the model is f32; what is beyond becomes infinite and is dropped"
    )]
    let narrow = value as f32;
    narrow
}

/// The opacity of a logit.
pub(crate) fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> Clock {
        // Two seconds; time counts from 0 to 1.
        Clock::new(&Options::default(), 2.0, 2.0).unwrap()
    }

    #[test]
    fn time_is_stretched_to_seconds() {
        let temporal = Temporal {
            motion: [[4.0, 0.0, 0.0], [0.0, 8.0, 0.0], [0.0, 0.0, 16.0]],
            spin: [0.2, 0.0, 0.0, 0.0],
            t0: 0.25,
            sigma: 0.1,
            ..Temporal::DEFAULT
        };
        let splat = temporal.splat(&clock());
        assert_eq!(splat.motion.velocity, [2.0, 0.0, 0.0]);
        assert_eq!(splat.motion.quadratic, [0.0, 2.0, 0.0]);
        assert_eq!(splat.motion.cubic, [0.0, 0.0, 2.0]);
        assert_eq!(splat.motion.spin, [0.1, 0.0, 0.0, 0.0]);
        assert_eq!(splat.life, Life { t0: 0.5, sigma_t: 0.2, start: i64::MIN, end: i64::MAX });
    }

    #[test]
    fn a_cull_is_a_window_that_holds_its_edges() {
        // A reach of √(2·ln 2)·σ; σ such that it is a quarter second: 7,500 ticks.
        let sigma = 0.125 / (2.0 * 2.0_f64.ln()).sqrt();
        let temporal = Temporal { t0: 0.5, sigma, least: 0.5, ..Temporal::DEFAULT };
        let life = temporal.splat(&clock()).life;
        assert_eq!((life.start, life.end), (22_500, 37_501));
        // Its own window is half open.
        let life = Temporal { window: [0.45, 0.55], ..temporal }.splat(&clock()).life;
        assert_eq!((life.start, life.end), (27_000, 33_000));
        let life = Temporal { window: [0.0, 0.500_01], ..temporal }.splat(&clock()).life;
        assert_eq!((life.start, life.end), (22_500, 30_001));
    }

    #[test]
    fn lengths_that_cannot_be_are_refused() {
        for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e6] {
            assert!(Clock::new(&Options::default(), seconds, 1.0).is_err(), "{seconds}");
        }
    }
}
