//! Reads the packets of a track, one chunk at a time: the chunk's packet table under the checksum in the index, each
//! packet under its own in that table.

use super::bytes::u32_at;
use super::track::{PACKET_ENTRY_BYTES, TrackChunk};
use super::{Clip, Track};
use crate::error::{Error, Result};

/// Reads packets in any order; those of one chunk cost one read. Holds one chunk.
#[derive(Debug, Default)]
pub struct PacketReader {
    /// Of which clip, track and chunk `bytes` are.
    held: Option<(u64, usize, usize)>,
    bytes: Vec<u8>,
}

impl PacketReader {
    /// A reader that holds nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes of one Opus packet of `clip.tracks()[track]`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a packet that the clip does not have; [`Error::Io`]; [`Error::Malformed`] when
    /// the packet or its chunk's table is damaged: what a player answers with silence.
    pub fn read(&mut self, clip: &Clip, track: usize, packet: u64) -> Result<&[u8]> {
        let found = clip.tracks().get(track).and_then(|track| Track::chunk_of(track, packet));
        let Some((number, chunk)) = found else {
            return Err(Error::invalid(format!("{} has no packet {packet} of track {track}", clip.name())));
        };
        let damaged = |offset: u64, why: &str| {
            let why = format!("{why}: damaged; get another copy");
            Error::malformed(clip.name(), &format!("track[{track}].packet[{packet}]"), offset, why)
        };
        let place = (clip.id(), track, number);
        if self.held != Some(place) {
            self.held = None;
            self.fetch(clip, chunk)?;
            self.held = Some(place);
        }
        let table_len = chunk.packets as usize * PACKET_ENTRY_BYTES;
        let table = self.bytes.get(..table_len).unwrap_or_default();
        if crc32c::crc32c(table) != chunk.table_crc {
            return Err(damaged(chunk.offset, "the checksum of its chunk's table does not hold"));
        }
        let index = usize::try_from(packet - chunk.first_packet).unwrap_or(usize::MAX);
        let len_of = |entry: &[u8]| u64::from(u32_at(entry, 0));
        let body: u64 = table.chunks_exact(PACKET_ENTRY_BYTES).map(len_of).sum();
        if table_len as u64 + body != self.bytes.len() as u64 {
            return Err(damaged(chunk.offset, "the packets of its chunk do not fill it"));
        }
        let before: u64 = table.chunks_exact(PACKET_ENTRY_BYTES).take(index).map(len_of).sum();
        let entry = table.chunks_exact(PACKET_ENTRY_BYTES).nth(index).unwrap_or_default();
        let start = table_len as u64 + before;
        let end = start.saturating_add(len_of(entry));
        let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
        let bytes = range.and_then(|(start, end)| self.bytes.get(start..end));
        let Some(bytes) = bytes else {
            return Err(damaged(chunk.offset, "it leaves its chunk"));
        };
        if crc32c::crc32c(bytes) != u32_at(entry, 4) {
            return Err(damaged(chunk.offset + start, "its checksum does not hold"));
        }
        Ok(bytes)
    }

    /// Reads a chunk; its length was limited when the index was checked.
    fn fetch(&mut self, clip: &Clip, chunk: &TrackChunk) -> Result<()> {
        self.bytes.clear();
        self.bytes.resize(chunk.stored_len as usize, 0);
        clip.source().read_at(chunk.offset, &mut self.bytes)
    }
}
