//! Saves the sound of a damaged clip: its packets, and silence in place of those that are damaged.
//!
//! The table of a track stands in the index, under its checksum: where the index holds, every packet is found and tells
//! itself whether it is whole. Where the index is lost, chunks of sound cannot be told from other bytes, and which
//! track, time and gain they belong to is written nowhere else; so sound is not searched for.

use super::track_read::PacketReader;
use super::write::Writer;
use super::{Clip, PACKET_SAMPLES};
use crate::error::{Error, Result};

/// A track that was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptTrack {
    /// Its number in the damaged clip.
    pub number: usize,
    /// Packets of 20 ms that it has.
    pub packets: u64,
    /// Of these, how many are damaged and become silence.
    pub silent_packets: u64,
}

impl KeptTrack {
    /// How much of it is silence now, seconds.
    #[must_use]
    pub fn silent_seconds(&self) -> f64 {
        self.silent_packets as f64 * PACKET_SAMPLES as f64 / f64::from(super::AUDIO_RATE)
    }
}

/// A packet of 20 ms of silence: full band (RFC 6716, configuration 31), one frame, and in it the range coder's
/// shortest way to say so.
fn silence(channels: u8) -> [u8; 3] {
    let stereo = if channels == 2 { 0b100 } else { 0 };
    [31 << 3 | stereo, 0xff, 0xfe]
}

/// Reads every packet of every track once. A track of which nothing is left is not kept: the second list.
///
/// # Errors
/// Anything but damage and failing reads.
pub(super) fn sift(clip: &Clip) -> Result<(Vec<KeptTrack>, Vec<usize>)> {
    let mut reader = PacketReader::new();
    let (mut kept, mut lost) = (Vec::new(), Vec::new());
    for (number, track) in clip.tracks().iter().enumerate() {
        let packets = track.audio.packets();
        let mut silent_packets = 0;
        for packet in 0..packets {
            silent_packets += u64::from(whole(reader.read(clip, number, packet))?.is_none());
        }
        if silent_packets < packets {
            kept.push(KeptTrack { number, packets, silent_packets });
        } else {
            lost.push(number);
        }
    }
    Ok((kept, lost))
}

/// Writes a track anew.
///
/// # Errors
/// As [`Writer::push_track`].
pub(super) fn push(writer: &mut Writer, clip: &Clip, kept: &KeptTrack) -> Result<()> {
    let Some(track) = clip.tracks().get(kept.number) else { return Ok(()) };
    let mut reader = PacketReader::new();
    let mut packet = 0;
    writer.push_track(&track.audio, &mut |bytes| {
        if packet == kept.packets {
            return Ok(false);
        }
        match whole(reader.read(clip, kept.number, packet))? {
            Some(found) => bytes.extend_from_slice(found),
            None => bytes.extend_from_slice(&silence(track.audio.channels)),
        }
        packet += 1;
        Ok(true)
    })
}

/// A packet, or `None` for one that is damaged or cannot be read.
fn whole(read: Result<&[u8]>) -> Result<Option<&[u8]>> {
    match read {
        Ok(bytes) => Ok(Some(bytes)),
        Err(Error::Malformed { .. } | Error::Io { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}
