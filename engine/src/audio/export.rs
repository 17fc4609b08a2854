//! A track out of a clip, as a WAV file.

use std::path::Path;

use super::decode::Decoder;
use super::wav::WavSink;
use crate::clip::{Clip, PACKET_SAMPLES};
use crate::error::Result;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExportReport {
    /// Samples a channel, 48,000 a second.
    pub samples: u64,
    /// Packets that are silence because they are damaged.
    pub damaged_packets: u64,
}

/// Decodes a whole track to a WAV file of 16 bits: all its samples from the first on, whatever media time that is, and
/// without its gain.
///
/// # Errors
/// [`crate::Error::InvalidArgument`] when the clip has no such track; [`crate::Error::LimitExceeded`] when it is longer
/// than a WAV file can be; [`crate::Error::Io`]. Damage to packets is in the report.
pub fn export_wav(clip: &Clip, track: usize, path: &Path) -> Result<ExportReport> {
    let mut decoder = Decoder::new(clip, track)?;
    let audio = *decoder.track();
    let mut sink = WavSink::create(path, &audio)?;
    let mut report = ExportReport { samples: audio.samples, ..ExportReport::default() };
    let mut frames = [[0.0; 2]; PACKET_SAMPLES];
    let mut skip = u64::from(audio.pre_skip);
    let mut left = audio.samples;
    for packet in 0..audio.packets() {
        match decoder.decode(clip, packet, &mut frames) {
            Err(error @ crate::Error::Io { .. }) => return Err(error),
            Err(_) => report.damaged_packets += 1,
            Ok(()) => {}
        }
        for frame in &frames {
            if skip > 0 {
                skip -= 1;
            } else if left > 0 {
                left -= 1;
                sink.put(*frame)?;
            }
        }
    }
    sink.finish()?;
    Ok(report)
}
