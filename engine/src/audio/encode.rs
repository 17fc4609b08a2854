//! Sound into a clip: resampled, encoded, and written packet by packet.

use ropus::{Application, Bitrate, Channels, Encoder};

use super::resample::Resampler;
use super::source::PcmSource;
use crate::clip::{AUDIO_RATE, AudioTrack, PACKET_SAMPLES, Writer};
use crate::error::{Error, Result};

/// Bytes that one packet of one frame can have, and more than that.
const PACKET_BYTES: usize = 1500;

/// Where the sound goes and how well it is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// Media time of its first sample, nanoseconds; may be negative.
    pub start_nanos: i64,
    /// Where in the scene it sounds from, metres; `None` for sound that comes from nowhere.
    pub position: Option<[f32; 3]>,
    /// Factor on every sample when it is played, 0 to 16.
    pub gain: f32,
    /// Bits a second of each channel, 6,000 to 256,000.
    pub channel_bits: u32,
}

impl Default for Placement {
    fn default() -> Self {
        Self { start_nanos: 0, position: None, gain: 1.0, channel_bits: 64_000 }
    }
}

/// Encodes all of `source` into `writer`, in the memory of a second of it.
///
/// # Errors
/// [`Error::InvalidArgument`] for a source or a placement that cannot be, or a static scene; whatever the source or the
/// writer fails with.
pub fn push_audio(
    writer: &mut Writer,
    source: &mut dyn PcmSource,
    placement: &Placement,
) -> Result<AudioTrack> {
    let name = source.name().to_owned();
    let channels = source.channels();
    let mut pcm = Resampler::new(source)?;
    if !(6_000..=256_000).contains(&placement.channel_bits) {
        let bits = placement.channel_bits;
        return Err(Error::invalid(format!("{bits} bits a second a channel: must be 6000 to 256000")));
    }
    let layout = if channels == 1 { Channels::Mono } else { Channels::Stereo };
    let mut encoder = Encoder::builder(AUDIO_RATE, layout, Application::Audio)
        .bitrate(Bitrate::Bits(placement.channel_bits * u32::from(channels)))
        .complexity(10)
        .build()
        .map_err(|error| Error::invalid(format!("{name}: the Opus encoder refuses it: {error}")))?;
    let track = AudioTrack {
        channels,
        pre_skip: encoder.lookahead(),
        start_nanos: placement.start_nanos,
        samples: pcm.frames(),
        gain: placement.gain,
        position: placement.position,
    };
    let mut left = track.packets();
    let mut frames = [[0.0; 2]; PACKET_SAMPLES];
    let mut samples = Vec::with_capacity(PACKET_SAMPLES * 2);
    let mut bytes = [0; PACKET_BYTES];
    writer.push_track(&track, &mut |packet| {
        if left == 0 {
            return Ok(false);
        }
        left -= 1;
        pcm.read(&mut frames)?;
        samples.clear();
        samples.extend(frames.iter().flat_map(|frame| &frame[..usize::from(channels)]));
        let len = encoder.encode_float(&samples, &mut bytes).map_err(|error| {
            Error::invalid(format!("{name}: the Opus encoder failed {left} packets before the end: {error}"))
        })?;
        packet.extend_from_slice(bytes.get(..len).unwrap_or_default());
        Ok(true)
    })?;
    Ok(track)
}
