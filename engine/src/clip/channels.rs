//! Channels in a segment: what its splats carry besides what they look like, see [`crate::channel`].
//!
//! A segment with channels has a table, a chunk that says what each is called and what its words are, and for each of them
//! a word a splat in chunks of its own, in pages like a plane. Nothing else of a clip knows of them: a reader that does not
//! care, or that is older, passes over the chunks; a segment that is copied takes them along. They are read on demand,
//! so damage to them keeps nothing from playing.

use super::Clip;
use super::bytes::{put, u8_at};
use super::chunk::ChunkReader;
use super::segment::{Chunk, ChunkKind, Segment};
use crate::channel::{Channel, ChannelKind, MOST_NAME_BYTES, is_name};
use crate::error::{Error, Result};

/// Bytes of an entry of the table.
pub(super) const CHANNEL_BYTES: usize = 8 + MOST_NAME_BYTES;
/// Number of the kind of words that are labels, and of those that are numbers.
const LABELS: u8 = 0;
const NUMBERS: u8 = 1;

/// What a channel of a segment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Its name.
    pub name: String,
    /// What its words are.
    pub kind: ChannelKind,
}

/// The table of a segment; nothing for one without channels. They were checked.
pub(super) fn table_bytes(channels: &[Channel]) -> Vec<u8> {
    let mut out = vec![0; channels.len() * CHANNEL_BYTES];
    for (entry, channel) in out.chunks_exact_mut(CHANNEL_BYTES).zip(channels) {
        let kind = match channel.kind {
            ChannelKind::Label => LABELS,
            ChannelKind::Number => NUMBERS,
        };
        let name = channel.name.as_bytes();
        put(entry, 0, &[kind, u8::try_from(name.len()).unwrap_or(u8::MAX)]);
        put(entry, 8, name);
    }
    out
}

/// One entry of a table, or what is wrong with it.
fn parse(entry: &[u8]) -> std::result::Result<ChannelInfo, String> {
    let kind = match u8_at(entry, 0) {
        LABELS => ChannelKind::Label,
        NUMBERS => ChannelKind::Number,
        other => return Err(format!("words of kind {other}, which a newer version of vivant may know")),
    };
    let name = entry.get(8..8 + usize::from(u8_at(entry, 1))).and_then(|name| std::str::from_utf8(name).ok());
    match name.filter(|name| is_name(name)) {
        Some(name) => Ok(ChannelInfo { name: name.to_owned(), kind }),
        None => Err("a name that is none".to_owned()),
    }
}

/// Reads channels; keeps its buffers from one to the next.
#[derive(Debug)]
pub struct ChannelReader {
    reader: ChunkReader,
}

impl ChannelReader {
    /// A reader with its buffers.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn new() -> Result<Self> {
        Ok(Self { reader: ChunkReader::new()? })
    }

    /// What channels a segment has; empty for none.
    ///
    /// # Errors
    /// As [`Segment::read`] and [`ChunkReader::read`]; [`Error::Malformed`] for a table that cannot be right.
    pub fn table(&mut self, clip: &Clip, node: u32) -> Result<Vec<ChannelInfo>> {
        self.table_of(clip, &Segment::read(clip, node)?)
    }

    fn table_of(&mut self, clip: &Clip, segment: &Segment) -> Result<Vec<ChannelInfo>> {
        let Some(chunk) = segment.chunks.iter().find(|chunk| chunk.kind == ChunkKind::Channels) else {
            return Ok(Vec::new());
        };
        let bytes = self.reader.read(clip, chunk)?;
        let mut out: Vec<ChannelInfo> = Vec::with_capacity(bytes.len() / CHANNEL_BYTES);
        for (number, entry) in bytes.chunks_exact(CHANNEL_BYTES).enumerate() {
            let wrong = |why: &str| clip.damaged_chunk(chunk, format!("channel {number} has {why}"));
            let info = parse(entry).map_err(|why| wrong(&why))?;
            if out.iter().any(|other| other.name == info.name) {
                return Err(wrong("the name of another"));
            }
            out.push(info);
        }
        Ok(out)
    }

    /// All channels of a segment with their words.
    ///
    /// # Errors
    /// As [`Self::table`]; [`Error::OutOfMemory`].
    pub fn read(&mut self, clip: &Clip, node: u32) -> Result<Vec<Channel>> {
        let segment = Segment::read(clip, node)?;
        let table = self.table_of(clip, &segment)?;
        let mut out = Vec::with_capacity(table.len());
        for (number, info) in (0..).zip(table) {
            let words = self.words_of(clip, &segment, number)?;
            out.push(Channel { name: info.name, kind: info.kind, words });
        }
        Ok(out)
    }

    /// The channel of a segment that is called `name`; `None` if it has none.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_named(&mut self, clip: &Clip, node: u32, name: &str) -> Result<Option<Channel>> {
        let segment = Segment::read(clip, node)?;
        let table = self.table_of(clip, &segment)?;
        let Some((number, info)) = (0..).zip(table).find(|(_, info)| info.name == name) else {
            return Ok(None);
        };
        let words = self.words_of(clip, &segment, number)?;
        Ok(Some(Channel { name: info.name, kind: info.kind, words }))
    }

    fn words_of(&mut self, clip: &Clip, segment: &Segment, number: u8) -> Result<Vec<u32>> {
        let pages: Vec<&Chunk> =
            segment.chunks.iter().filter(|chunk| chunk.kind == ChunkKind::Channel(number)).collect();
        // The directory was checked: the file's length bounds what its chunks decode to.
        let count: usize = pages.iter().map(|chunk| chunk.count as usize).sum();
        let mut words = Vec::new();
        if words.try_reserve_exact(count).is_err() {
            let what = format!("{count} words of a channel of {}", clip.name());
            return Err(Error::OutOfMemory { what });
        }
        for chunk in pages {
            let bytes = self.reader.read(clip, chunk)?;
            words.extend(bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)));
        }
        Ok(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_what_it_was_made_of() {
        let channels = [Channel::labels("part", vec![]), Channel::numbers(&"é".repeat(32), &[])];
        let bytes = table_bytes(&channels);
        let infos: Vec<_> = bytes.chunks_exact(CHANNEL_BYTES).map(|entry| parse(entry).unwrap()).collect();
        for (info, channel) in infos.iter().zip(&channels) {
            assert_eq!((info.name.as_str(), info.kind), (channel.name.as_str(), channel.kind));
        }
        let wrong = |at: usize, byte: u8| {
            let mut entry = bytes[..CHANNEL_BYTES].to_vec();
            entry[at] = byte;
            parse(&entry).unwrap_err()
        };
        assert!(wrong(0, 2).contains("kind 2"));
        assert!(
            wrong(1, 0).contains("none") && wrong(1, 65).contains("none") && wrong(1, 255).contains("none")
        );
        assert!(wrong(8, 0xff).contains("none") && wrong(9, 7).contains("none"));
    }
}
