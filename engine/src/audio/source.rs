//! Where samples come from: anything that gives interleaved frames in order.

use crate::error::{Error, Result};

/// Sound as it comes, one frame (a sample of every channel) after the other.
pub trait PcmSource {
    /// What the user calls it; the start of error messages.
    fn name(&self) -> &str;

    /// Frames a second, 8,000 to 384,000.
    fn rate(&self) -> u32;

    /// 1 or 2.
    fn channels(&self) -> u8;

    /// Frames in all.
    fn frames(&self) -> u64;

    /// Gives the next frames, a mono one in both channels; fewer than asked for only at the end.
    ///
    /// # Errors
    /// Whatever keeps it from being read.
    fn read(&mut self, frames: &mut [[f32; 2]]) -> Result<usize>;
}

/// Sound in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Pcm {
    rate: u32,
    channels: u8,
    samples: Vec<f32>,
    next: usize,
}

impl Pcm {
    /// Interleaved samples, full scale ±1.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] unless there are 1 or 2 channels and whole frames.
    pub fn new(rate: u32, channels: u8, samples: Vec<f32>) -> Result<Self> {
        if !(1..=2).contains(&channels) || !samples.len().is_multiple_of(usize::from(channels)) {
            return Err(Error::invalid(format!("{} samples of {channels} channels", samples.len())));
        }
        Ok(Self { rate, channels, samples, next: 0 })
    }
}

impl PcmSource for Pcm {
    fn name(&self) -> &'static str {
        "sound in memory"
    }

    fn rate(&self) -> u32 {
        self.rate
    }

    fn channels(&self) -> u8 {
        self.channels
    }

    fn frames(&self) -> u64 {
        self.samples.len() as u64 / u64::from(self.channels)
    }

    fn read(&mut self, frames: &mut [[f32; 2]]) -> Result<usize> {
        let channels = usize::from(self.channels);
        let rest = self.samples.get(self.next..).unwrap_or_default();
        let mut count = 0;
        for (to, from) in frames.iter_mut().zip(rest.chunks_exact(channels)) {
            *to = [from[0], from[channels - 1]];
            count += 1;
        }
        self.next += count * channels;
        Ok(count)
    }
}
