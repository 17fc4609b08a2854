//! Sound that an importer finds in a file: decoded, with its time and place in the scene. No I/O.

use vivant::audio::{Pcm, PcmSource, Placement, Wav, push_audio};
use vivant::clip::{AudioTrack, Writer};
use vivant::{Error, Result};

/// Frames that are read at a time.
const BLOCK: usize = 4096;

/// A sound for a clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// Its samples.
    pub pcm: Pcm,
    /// When and where it sounds.
    pub placement: Placement,
}

impl Sound {
    /// A WAV file in memory, called `name` in errors.
    ///
    /// # Errors
    /// As [`Wav::open`].
    pub(crate) fn from_wav(name: &str, bytes: Vec<u8>, placement: Placement) -> Result<Self> {
        let mut wav = Wav::from_bytes(name, bytes)?;
        let (rate, channels) = (wav.rate(), wav.channels());
        let mut samples = Vec::new();
        let mut block = vec![[0.0; 2]; BLOCK];
        loop {
            let count = wav.read(&mut block)?;
            if count == 0 {
                break;
            }
            samples.extend(block[..count].iter().flat_map(|frame| &frame[..usize::from(channels)]));
        }
        Ok(Self { pcm: Pcm::new(rate, channels, samples)?, placement })
    }

    /// Encodes it into a clip.
    ///
    /// # Errors
    /// As [`push_audio`].
    pub fn push(&self, writer: &mut Writer) -> Result<AudioTrack> {
        push_audio(writer, &mut self.pcm.clone(), &self.placement)
    }
}

/// The start of a sound in nanoseconds, if it is within eleven days of the clip's.
pub(crate) fn start_nanos(name: &str, seconds: f64) -> Result<i64> {
    let nanos = (seconds * 1e9).round();
    if !nanos.is_finite() || nanos.abs() > 1e15 {
        return Err(Error::invalid(format!("{name}: starts at {seconds} s, which no clip reaches")));
    }
    #[expect(clippy::cast_possible_truncation, reason = "limited above")]
    let nanos = nanos as i64;
    Ok(nanos)
}
