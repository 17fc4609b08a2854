//! Any rate to 48 kHz, in a stream: output frame n is the input's value at n · rate / 48000, so nothing is delayed and
//! nothing drifts, however long the take.

use super::kernel::Kernel;
use super::source::PcmSource;
use crate::clip::AUDIO_RATE;
use crate::error::{Error, Result};

/// Rates that can be read.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=384_000;
/// Frames read from the source at a time.
const READ_FRAMES: usize = 4096;

/// A source at 48 kHz.
pub(super) struct Resampler<'a> {
    source: &'a mut dyn PcmSource,
    kernel: Kernel,
    /// Input frames, from number `first` on.
    held: Vec<[f32; 2]>,
    first: u64,
    /// The next frame to give out.
    next: u64,
    ended: bool,
}

impl<'a> Resampler<'a> {
    /// # Errors
    /// [`Error::InvalidArgument`] for a rate that cannot be read or a source without sound.
    pub(super) fn new(source: &'a mut dyn PcmSource) -> Result<Self> {
        let (rate, channels) = (source.rate(), source.channels());
        if !RATES.contains(&rate) || !(1..=2).contains(&channels) || source.frames() == 0 {
            return Err(Error::invalid(format!(
                "{}: {} frames of {channels} channels at {rate} a second: it needs 1 or 2 channels at 8000 to 384000",
                source.name(),
                source.frames()
            )));
        }
        Ok(Self { source, kernel: Kernel::new(), held: Vec::new(), first: 0, next: 0, ended: false })
    }

    /// Frames at 48 kHz: as long as the source, to the nearest frame.
    pub(super) fn frames(&self) -> u64 {
        let rate = u128::from(self.source.rate());
        let frames = (u128::from(self.source.frames()) * u128::from(AUDIO_RATE) + rate / 2) / rate;
        u64::try_from(frames.max(1)).unwrap_or(u64::MAX)
    }

    /// Fills `frames`; beyond the end with silence.
    ///
    /// # Errors
    /// Whatever the source fails with.
    pub(super) fn read(&mut self, frames: &mut [[f32; 2]]) -> Result<()> {
        let rate = u64::from(self.source.rate());
        let step = f64::from(self.source.rate()) / f64::from(AUDIO_RATE);
        let reach = Kernel::reach(step) as u64;
        for frame in frames {
            // Whole and part of the position in the input, exactly.
            let scaled = self.next.saturating_mul(rate);
            let (whole, rest) = (scaled / u64::from(AUDIO_RATE), scaled % u64::from(AUDIO_RATE));
            self.hold(whole.saturating_sub(reach), whole + reach + 1)?;
            *frame = if rate == u64::from(AUDIO_RATE) {
                let index = usize::try_from(whole - self.first).unwrap_or(usize::MAX);
                self.held.get(index).copied().unwrap_or_default()
            } else {
                let position = (whole - self.first) as f64 + rest as f64 / f64::from(AUDIO_RATE);
                self.kernel.value(&self.held, position, step)
            };
            self.next += 1;
        }
        Ok(())
    }

    /// Has the input frames up to `to`, and forgets most of those before `from`.
    fn hold(&mut self, from: u64, to: u64) -> Result<()> {
        while !self.ended && self.first + (self.held.len() as u64) < to {
            let gone = usize::try_from(from.saturating_sub(self.first)).unwrap_or(0).min(self.held.len());
            self.held.drain(..gone);
            self.first += gone as u64;
            let len = self.held.len();
            self.held.resize(len + READ_FRAMES, [0.0; 2]);
            let read = self.source.read(&mut self.held[len..])?;
            self.held.truncate(len + read);
            self.ended = read < READ_FRAMES;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "tests of f32 samples")]
mod tests {
    use super::super::source::Pcm;
    use super::*;

    #[test]
    fn a_sine_keeps_its_phase_at_every_rate() {
        for rate in [8_000_u32, 22_050, 44_100, 48_000, 96_000, 192_000] {
            let tone = |seconds: f64| (seconds * 1000.0 * 2.0 * std::f64::consts::PI).sin();
            let samples =
                (0..rate / 2).map(|at| tone(f64::from(at) / f64::from(rate)) as f32).collect::<Vec<_>>();
            let mut source = Pcm::new(rate, 1, samples).unwrap();
            let mut resampler = Resampler::new(&mut source).unwrap();
            assert_eq!(resampler.frames(), 24_000);
            let mut out = vec![[0.0; 2]; 24_000];
            for block in out.chunks_mut(777) {
                resampler.read(block).unwrap();
            }
            let inner = 2_000..22_000;
            let worst = inner
                .map(|at| (f64::from(out[at][0]) - tone(at as f64 / 48_000.0)).abs())
                .fold(0.0, f64::max);
            assert!(worst < 3e-4, "{rate}: {worst}");
            assert!(out.iter().all(|[left, right]| left == right), "mono in both channels");
        }
    }

    #[test]
    fn a_long_source_is_held_in_part_only() {
        let mut source = Pcm::new(44_100, 2, vec![0.25; 44_100 * 2 * 20]).unwrap();
        let mut resampler = Resampler::new(&mut source).unwrap();
        let mut block = [[0.0; 2]; 960];
        for _ in 0..990 {
            resampler.read(&mut block).unwrap();
            assert!(resampler.held.len() < 2 * READ_FRAMES);
        }
        assert!(block.iter().flatten().all(|value| value.abs() < 0.26));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (rate, samples) in [(7_999, 100), (400_000, 100), (0, 100), (48_000, 0)] {
            let mut source = Pcm::new(rate, 1, vec![0.0; samples]).unwrap();
            assert!(Resampler::new(&mut source).is_err(), "{rate} {samples}");
        }
        assert!(Pcm::new(48_000, 3, vec![]).is_err() && Pcm::new(48_000, 2, vec![0.0; 3]).is_err());
    }
}
