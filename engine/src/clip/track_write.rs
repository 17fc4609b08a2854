//! Writes a track: packets as they come, a second of them to a chunk, so that a take of any length passes through in
//! the memory of one chunk.

use super::Writer;
use super::bytes::word;
use super::header::MAX_CHUNK_BYTES;
use super::track::{AudioTrack, CHUNK_PACKETS, MAX_TRACKS, PACKET_ENTRY_BYTES, Track, TrackChunk};
use crate::error::{Error, Result};

/// Alignment of a track's chunks, as of those of segments.
const CHUNK_ALIGN: u64 = 256;

impl Writer {
    /// Writes a sound track. `next` fills an empty buffer with one Opus packet of 20 ms and says whether there was one;
    /// it must give exactly [`AudioTrack::packets`].
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a track that cannot be, also on a static scene, which has no time to sound in;
    /// [`Error::LimitExceeded`]; [`Error::Io`]; whatever `next` fails with.
    pub fn push_track(
        &mut self,
        audio: &AudioTrack,
        next: &mut dyn FnMut(&mut Vec<u8>) -> Result<bool>,
    ) -> Result<()> {
        if self.info().duration == 0 {
            return Err(Error::invalid("a static scene has no time for a sound track: leave the sound out"));
        }
        if let Some((field, _, why)) = audio.flaw() {
            return Err(Error::invalid(format!("the sound track's {field} {why}")));
        }
        if self.tracks.len() >= MAX_TRACKS as usize {
            let what = format!("{}: tracks", self.name);
            let (value, limit) = (self.tracks.len() as u64 + 1, u64::from(MAX_TRACKS));
            return Err(Error::LimitExceeded { what, value, limit });
        }
        let mut chunks = Vec::new();
        let (mut table, mut body, mut packet) = (Vec::new(), Vec::new(), Vec::new());
        let mut packets = 0_u64;
        while next(&mut packet)? {
            table.extend_from_slice(&word(packet.len()).to_le_bytes());
            table.extend_from_slice(&crc32c::crc32c(&packet).to_le_bytes());
            body.append(&mut packet);
            packets += 1;
            if table.len() == CHUNK_PACKETS * PACKET_ENTRY_BYTES {
                chunks.push(self.put_packets(packets, &mut table, &mut body)?);
            }
        }
        if !table.is_empty() {
            chunks.push(self.put_packets(packets, &mut table, &mut body)?);
        }
        if packets != audio.packets() {
            return Err(Error::invalid(format!(
                "the sound track has {packets} packets, and {} samples take {}",
                audio.samples,
                audio.packets()
            )));
        }
        self.tracks.push(Track { audio: *audio, chunks });
        Ok(())
    }

    /// Writes one chunk, of the last packets of `packets`, and empties both buffers.
    fn put_packets(&mut self, packets: u64, table: &mut Vec<u8>, body: &mut Vec<u8>) -> Result<TrackChunk> {
        let (count, stored_len) = (table.len() / PACKET_ENTRY_BYTES, table.len() + body.len());
        if stored_len > MAX_CHUNK_BYTES as usize {
            let what = format!("{}: bytes of a second of sound", self.name);
            let (value, limit) = (stored_len as u64, u64::from(MAX_CHUNK_BYTES));
            return Err(Error::LimitExceeded { what, value, limit });
        }
        self.pad_to(CHUNK_ALIGN)?;
        let chunk = TrackChunk {
            offset: self.position,
            stored_len: word(stored_len),
            packets: word(count),
            first_packet: packets - count as u64,
            table_crc: crc32c::crc32c(table),
        };
        self.put(table)?;
        self.put(body)?;
        table.clear();
        body.clear();
        Ok(chunk)
    }
}
