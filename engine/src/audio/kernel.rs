//! Values between samples: interpolation with a windowed sinc.
//!
//! A band-limited signal is the sum of its samples times sinc, so its value at any real position is that sum, cut off
//! by a Kaiser window; when it is read faster than it was sampled, the sinc is stretched so that what the output
//! cannot hold is filtered away (J. O. Smith, "Digital Audio Resampling", 2002). Symmetric, so it delays nothing:
//! position in, position out. Serves the import of other rates and playback at any speed.

use std::f64::consts::PI;
use std::sync::LazyLock;

/// Zero crossings of the sinc on each side.
const CROSSINGS: usize = 24;
/// Table entries from one crossing to the next; between entries linear, good to 16 bits and more.
const PHASES: usize = 512;
/// Of the Kaiser window: stops at −90 dB.
const BETA: f64 = 9.0;
/// Fastest that a signal can be read.
pub const MAX_STEP: f64 = 24.0;
/// Samples that a value depends on, on each side, at any step.
pub const MAX_REACH: usize = CROSSINGS * 24 + 1;

/// Bits below the table entry in the fixed-point distance from the centre.
const FRACTION: u32 = 16;

/// One side of the kernel: values, each with its difference to the next.
static TABLE: LazyLock<Vec<[f32; 2]>> = LazyLock::new(|| {
    let crossings = CROSSINGS as f64;
    let value = |entry: usize| {
        let x = entry as f64 / PHASES as f64;
        let sinc = if entry == 0 { 1.0 } else { (PI * x).sin() / (PI * x) };
        let inside = (1.0 - (x / crossings).powi(2)).max(0.0);
        #[expect(clippy::cast_possible_truncation, reason = "a table for f32 samples")]
        let value = (sinc * bessel(BETA * inside.sqrt()) / bessel(BETA)) as f32;
        value
    };
    (0..CROSSINGS * PHASES).map(|entry| [value(entry), value(entry + 1) - value(entry)]).collect()
});

/// The modified Bessel function of order 0, by its series.
fn bessel(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..60 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
    }
    sum
}

/// Reads interleaved samples at real positions.
#[derive(Debug, Clone, Copy)]
pub struct Kernel {
    table: &'static [[f32; 2]],
}

impl Default for Kernel {
    fn default() -> Self {
        Self::new()
    }
}

impl Kernel {
    /// The kernel; its table is made once a process, here.
    #[must_use]
    pub fn new() -> Self {
        Self { table: &TABLE }
    }

    /// Samples on each side of a position that its value depends on when read `step` samples apart.
    #[must_use]
    pub fn reach(step: f64) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small positive number"
        )]
        let reach = (CROSSINGS as f64 * step.clamp(1.0, MAX_STEP)).ceil() as usize;
        reach + 1
    }

    /// The value at `position` samples into `samples`, which hold `CHANNELS` values each, for reading `step` apart
    /// (1 to [`MAX_STEP`]; below 1 as 1). Samples outside count as zero. Does not allocate.
    #[must_use]
    pub fn value<const CHANNELS: usize>(
        &self,
        samples: &[[f32; CHANNELS]],
        position: f64,
        step: f64,
    ) -> [f32; CHANNELS] {
        let step = step.clamp(1.0, MAX_STEP);
        let reach = CROSSINGS as f64 * step;
        let mut sum = [0.0; CHANNELS];
        // Also false for what is no number.
        let touches = position > -reach && position < samples.len() as f64 + reach;
        if samples.is_empty() || !touches {
            return sum;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the number of samples"
        )]
        let split = (position.floor() + 1.0).clamp(0.0, samples.len() as f64) as usize;
        let (before, after) = samples.split_at(split);
        let unit = f64::from(1 << FRACTION) * PHASES as f64 / step;
        self.wing(before.iter().rev(), (position - split as f64 + 1.0) * unit, unit, &mut sum);
        self.wing(after.iter(), (split as f64 - position) * unit, unit, &mut sum);
        #[expect(clippy::cast_possible_truncation, reason = "between 1/24 and 1")]
        let gain = step.recip() as f32;
        sum.map(|sum| sum * gain)
    }

    /// Adds the samples of one side, the first `from` table units from the centre, the others `unit` apart.
    fn wing<'a, const CHANNELS: usize>(
        &self,
        samples: impl Iterator<Item = &'a [f32; CHANNELS]>,
        from: f64,
        unit: f64,
        sum: &mut [f32; CHANNELS],
    ) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and casts saturate"
        )]
        let (mut at, unit) = (from.round() as u64, unit.round() as u64);
        for sample in samples {
            let entry = usize::try_from(at >> FRACTION).unwrap_or(usize::MAX);
            let Some([value, slope]) = self.table.get(entry) else { return };
            #[expect(clippy::cast_possible_truncation, reason = "16 bits")]
            let part = f32::from(at as u16) / 65_536.0;
            let weight = value + slope * part;
            for (sum, value) in sum.iter_mut().zip(sample) {
                *sum += weight * value;
            }
            at += unit;
        }
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "tests of f32 samples")]
mod tests {
    use super::*;

    fn sine(cycles: f64, len: usize) -> Vec<[f32; 1]> {
        (0..len).map(|at| [(at as f64 * cycles * 2.0 * PI).sin() as f32]).collect()
    }

    #[test]
    fn whole_positions_give_the_samples() {
        let samples: Vec<[f32; 2]> = (0..100).map(|at| [at as f32, (at * at % 17) as f32]).collect();
        for at in 0..100 {
            let [a, b] = Kernel::new().value(&samples, at as f64, 1.0);
            assert!((a - samples[at][0]).abs() < 1e-3 && (b - samples[at][1]).abs() < 1e-3, "{at}: {a} {b}");
        }
    }

    #[test]
    fn a_sine_between_its_samples_is_the_sine() {
        for cycles in [0.01, 0.1, 0.3, 0.42] {
            let samples = sine(cycles, 400);
            let worst = (0..500)
                .map(|k| 100.0 + f64::from(k) * 0.377)
                .map(|at| {
                    let [value] = Kernel::new().value(&samples, at, 1.0);
                    (f64::from(value) - (at * cycles * 2.0 * PI).sin()).abs()
                })
                .fold(0.0, f64::max);
            assert!(worst < 2e-4, "{cycles}: {worst}");
        }
    }

    #[test]
    fn reading_fast_keeps_what_fits_and_filters_the_rest() {
        let level = |cycles: f64| {
            let samples = sine(cycles, 4000);
            let values = (0..200).map(|k| Kernel::new().value(&samples, 1000.0 + f64::from(k) * 4.0, 4.0)[0]);
            values.fold(0.0_f32, |most, value| most.max(value.abs()))
        };
        assert!((level(0.0503) - 1.0).abs() < 0.01, "{}", level(0.0503));
        assert!(level(0.2) < 1e-3, "{}", level(0.2));
    }

    #[test]
    fn outside_is_silence_and_no_position_panics() {
        let samples = sine(0.1, 50);
        for at in [-1e18, -60.0, 120.0, 1e18, f64::NAN, f64::INFINITY] {
            assert_eq!(Kernel::new().value(&samples, at, 1.0), [0.0], "{at}");
        }
        assert!(Kernel::reach(1.0) == 25 && Kernel::reach(99.0) == MAX_REACH);
    }
}
