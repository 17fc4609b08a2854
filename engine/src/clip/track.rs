//! Tracks: what a clip carries beside its splats, which today is sound.
//!
//! A track is an entry after the nodes of the index and a table of chunks after the entries, so one checksum covers
//! both and opening a clip opens its sound. A chunk holds about a second of Opus packets behind a small table of its
//! own, with a checksum a packet: damage silences 20 ms and not more. Packets all last equally long, so the table's
//! first packet numbers are the map from media time to bytes. Everything here is checked before it is used, and what
//! it makes a reader allocate is bounded by the length of the index.

use super::bytes::{array_at, i64_at, put, u8_at, u16_at, u32_at, u64_at, word};
use super::header::MAX_CHUNK_BYTES;
use crate::error::{Error, Result};

/// Samples a second of every audio track, as Opus has it.
pub const AUDIO_RATE: u32 = 48_000;
/// Samples a channel in every packet: 20 ms.
pub const PACKET_SAMPLES: usize = 960;
/// Packets of one chunk, at most; the writer makes chunks of a second.
pub const MAX_CHUNK_PACKETS: u32 = 256;
/// Tracks of a clip, at most.
pub const MAX_TRACKS: u32 = 64;

/// Set in `feature_ro_compat` of a clip with tracks: who rewrites it without knowing them loses them.
pub(super) const FEATURE_TRACKS: u64 = 1;

const TRACK_BYTES: usize = 96;
const CHUNK_ENTRY_BYTES: usize = 32;
/// Bytes of a packet's entry at the start of its chunk.
pub(super) const PACKET_ENTRY_BYTES: usize = 8;
/// Packets of a second, which the writer puts into one chunk.
pub(super) const CHUNK_PACKETS: usize = 50;
const KIND_AUDIO: u32 = 1;
const CODEC_OPUS: u32 = 1;
const POSITIONED: u16 = 1;
/// Times beyond eleven days from the clip's start are no real ones, and below them f64 tells samples apart.
const MAX_START_NANOS: u64 = 1_000_000_000_000_000;
const MAX_GAIN: f32 = 16.0;
const MAX_COORDINATE: f32 = 1e15;

/// A sound track: one Opus stream at 48 kHz, where it stands in time and in the scene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AudioTrack {
    /// 1 or 2.
    pub channels: u8,
    /// Samples that the decoder gives before the first of the track.
    pub pre_skip: u32,
    /// Media time of the first sample, nanoseconds; may be negative.
    pub start_nanos: i64,
    /// Samples a channel.
    pub samples: u64,
    /// Factor on every sample when it is played, 0 to 16.
    pub gain: f32,
    /// Where in the scene it sounds from, metres; `None` for sound that comes from nowhere.
    pub position: Option<[f32; 3]>,
}

impl AudioTrack {
    /// Packets that the track consists of.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.samples.saturating_add(u64::from(self.pre_skip)).div_ceil(PACKET_SAMPLES as u64)
    }

    /// Length in nanoseconds.
    #[must_use]
    pub fn duration_nanos(&self) -> i64 {
        let nanos = u128::from(self.samples) * 1_000_000_000 / u128::from(AUDIO_RATE);
        i64::try_from(nanos).unwrap_or(i64::MAX)
    }

    /// The first thing wrong with it: the field, where it stands in the entry, and why.
    pub(super) fn flaw(&self) -> Option<(&'static str, u64, &'static str)> {
        let finite = |value: f32, most: f32| value.is_finite() && value.abs() <= most;
        if !(1..=2).contains(&self.channels) {
            return Some(("channels", 0x24, "must be 1 or 2"));
        }
        if self.start_nanos.unsigned_abs() > MAX_START_NANOS {
            return Some(("start", 0x10, "lies more than eleven days from the start of the clip"));
        }
        if self.samples == 0 || self.samples > u64::from(u32::MAX) * u64::from(AUDIO_RATE) {
            return Some(("samples", 0x18, "is not a length a track can have"));
        }
        if self.pre_skip > AUDIO_RATE {
            return Some(("pre_skip", 0x2c, "is more than a second"));
        }
        if !finite(self.gain, MAX_GAIN) || self.gain < 0.0 {
            return Some(("gain", 0x30, "must lie between 0 and 16"));
        }
        if self.position.is_some_and(|position| position.iter().any(|&at| !finite(at, MAX_COORDINATE))) {
            return Some(("position", 0x34, "is not a place"));
        }
        None
    }
}

/// One stored run of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TrackChunk {
    pub(super) offset: u64,
    pub(super) stored_len: u32,
    pub(super) packets: u32,
    pub(super) first_packet: u64,
    /// Checksum of the packet table at its start.
    pub(super) table_crc: u32,
}

impl TrackChunk {
    fn parse(record: &[u8]) -> Self {
        Self {
            offset: u64_at(record, 0x00),
            stored_len: u32_at(record, 0x08),
            packets: u32_at(record, 0x0c),
            first_packet: u64_at(record, 0x10),
            table_crc: u32_at(record, 0x18),
        }
    }

    fn bytes(&self) -> [u8; CHUNK_ENTRY_BYTES] {
        let mut out = [0; CHUNK_ENTRY_BYTES];
        put(&mut out, 0x00, &self.offset.to_le_bytes());
        put(&mut out, 0x08, &self.stored_len.to_le_bytes());
        put(&mut out, 0x0c, &self.packets.to_le_bytes());
        put(&mut out, 0x10, &self.first_packet.to_le_bytes());
        put(&mut out, 0x18, &self.table_crc.to_le_bytes());
        out
    }
}

/// A track and where its packets are.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// What it is.
    pub audio: AudioTrack,
    pub(super) chunks: Vec<TrackChunk>,
}

impl Track {
    /// Bytes of the track in the file, its tables in the index aside.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.stored_len)).sum()
    }

    /// The chunk that holds a packet, with its number.
    pub(super) fn chunk_of(&self, packet: u64) -> Option<(usize, &TrackChunk)> {
        let number = self.chunks.partition_point(|chunk| chunk.first_packet <= packet).checked_sub(1)?;
        let chunk = self.chunks.get(number)?;
        (packet - chunk.first_packet < u64::from(chunk.packets)).then_some((number, chunk))
    }

    fn bytes(&self) -> [u8; TRACK_BYTES] {
        let mut out = [0; TRACK_BYTES];
        let audio = &self.audio;
        let flags = if audio.position.is_some() { POSITIONED } else { 0 };
        put(&mut out, 0x00, &KIND_AUDIO.to_le_bytes());
        put(&mut out, 0x04, &CODEC_OPUS.to_le_bytes());
        put(&mut out, 0x08, &word(self.chunks.len()).to_le_bytes());
        put(&mut out, 0x0c, &word(CHUNK_ENTRY_BYTES).to_le_bytes());
        put(&mut out, 0x10, &audio.start_nanos.to_le_bytes());
        put(&mut out, 0x18, &audio.samples.to_le_bytes());
        put(&mut out, 0x20, &AUDIO_RATE.to_le_bytes());
        put(&mut out, 0x24, &[audio.channels]);
        put(&mut out, 0x26, &flags.to_le_bytes());
        put(&mut out, 0x28, &word(PACKET_SAMPLES).to_le_bytes());
        put(&mut out, 0x2c, &audio.pre_skip.to_le_bytes());
        put(&mut out, 0x30, &audio.gain.to_le_bytes());
        for (axis, value) in audio.position.unwrap_or_default().iter().enumerate() {
            put(&mut out, 0x34 + axis * 4, &value.to_le_bytes());
        }
        out
    }
}

/// All tracks of a clip.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Tracks {
    /// Those this version plays.
    pub(super) known: Vec<Track>,
    /// Byte ranges (offset, length) of the chunks of all tracks, known or not.
    pub(super) extents: Vec<(u64, u64)>,
    /// How many it does not.
    pub(super) unknown: usize,
}

impl Tracks {
    pub(super) fn new(known: Vec<Track>) -> Self {
        Self { known, ..Self::default() }
    }

    /// Number of entries and their length, for the header of the index; zeros when there are none.
    pub(super) fn header(&self) -> [u32; 2] {
        if self.known.is_empty() { [0; 2] } else { [word(self.known.len()), word(TRACK_BYTES)] }
    }

    /// The feature bits to set in `feature_ro_compat`.
    pub(super) fn features(&self) -> u64 {
        if self.known.is_empty() { 0 } else { FEATURE_TRACKS }
    }

    /// Entries and tables, as they stand after the nodes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let entries = self.known.iter().flat_map(|track| track.bytes());
        let tables = self.known.iter().flat_map(|track| track.chunks.iter().flat_map(TrackChunk::bytes));
        entries.chain(tables).collect()
    }

    /// Parses what follows the nodes in an index whose checksum holds: `bytes` from `at` on. `index_offset` and
    /// `file` are for the words of errors.
    ///
    /// # Errors
    /// [`Error::Malformed`] naming the track and the field.
    pub(super) fn parse(bytes: &[u8], at: usize, index_offset: u64, file: &str) -> Result<Self> {
        let check = Check { bytes, index_offset, file };
        let (count, entry_len) = (u32_at(bytes, 0x10), u32_at(bytes, 0x14) as usize);
        if count == 0 {
            return Ok(Self::default());
        }
        if count > MAX_TRACKS || entry_len < TRACK_BYTES {
            return Err(check.wrong("index.tracks", 0x10, "too many, or their entries are too short"));
        }
        let tables_at = check.run(at, count as usize, entry_len, "index.tracks", 0x10)?;
        let mut tracks = Self::default();
        let mut table_at = tables_at;
        for number in 0..count as usize {
            let entry_at = at + number * entry_len;
            let entry = &bytes[entry_at..entry_at + entry_len];
            let (chunks, chunk_len) = (u32_at(entry, 0x08) as usize, u32_at(entry, 0x0c) as usize);
            let name = format!("index.track[{number}].chunks");
            if chunk_len < CHUNK_ENTRY_BYTES {
                return Err(check.wrong(&name, entry_at + 0x0c, "the entries of its table are too short"));
            }
            let end = check.run(table_at, chunks, chunk_len, &name, entry_at + 0x08)?;
            let table: Vec<_> = bytes[table_at..end].chunks_exact(chunk_len).map(TrackChunk::parse).collect();
            table_at = end;
            tracks.extents.extend(table.iter().map(|chunk| (chunk.offset, u64::from(chunk.stored_len))));
            if (u32_at(entry, 0x00), u32_at(entry, 0x04)) != (KIND_AUDIO, CODEC_OPUS) {
                tracks.unknown += 1;
                continue;
            }
            tracks.known.push(check.track(number, entry_at, entry, table)?);
        }
        Ok(tracks)
    }
}

/// What the tracks are checked against.
struct Check<'a> {
    bytes: &'a [u8],
    index_offset: u64,
    file: &'a str,
}

impl Check<'_> {
    fn wrong(&self, field: &str, at: usize, why: &str) -> Error {
        let why = format!("{why}; convert the source again");
        Error::malformed(self.file, field, self.index_offset.saturating_add(at as u64), why)
    }

    /// The end of `count` records of `len` bytes from `at`, if they fit the index.
    fn run(&self, at: usize, count: usize, len: usize, field: &str, field_at: usize) -> Result<usize> {
        let end = count.checked_mul(len).and_then(|bytes| bytes.checked_add(at));
        end.filter(|&end| end <= self.bytes.len())
            .ok_or_else(|| self.wrong(field, field_at, "they do not fit the index"))
    }

    fn track(&self, number: usize, at: usize, entry: &[u8], chunks: Vec<TrackChunk>) -> Result<Track> {
        let wrong = |field: &str, field_at: u64, why: &str| {
            let field_at = usize::try_from(field_at).unwrap_or(usize::MAX);
            Err(self.wrong(&format!("index.track[{number}].{field}"), at.saturating_add(field_at), why))
        };
        let positioned = u16_at(entry, 0x26) & POSITIONED != 0;
        let position = std::array::from_fn(|axis| f32::from_le_bytes(array_at(entry, 0x34 + axis * 4)));
        let audio = AudioTrack {
            channels: u8_at(entry, 0x24),
            pre_skip: u32_at(entry, 0x2c),
            start_nanos: i64_at(entry, 0x10),
            samples: u64_at(entry, 0x18),
            gain: f32::from_le_bytes(array_at(entry, 0x30)),
            position: positioned.then_some(position),
        };
        if u32_at(entry, 0x20) != AUDIO_RATE || u32_at(entry, 0x28) as usize != PACKET_SAMPLES {
            return wrong("sample_rate", 0x20, "must be 48000, in packets of 960");
        }
        if let Some((field, field_at, why)) = audio.flaw() {
            return wrong(field, field_at, why);
        }
        let mut packets = 0;
        for (chunk_number, chunk) in chunks.iter().enumerate() {
            let table = u64::from(chunk.packets) * PACKET_ENTRY_BYTES as u64;
            let fits = (1..=MAX_CHUNK_PACKETS).contains(&chunk.packets)
                && u64::from(chunk.stored_len) >= table
                && chunk.stored_len <= MAX_CHUNK_BYTES
                && chunk.first_packet == packets;
            if !fits {
                return wrong(
                    &format!("chunk[{chunk_number}]"),
                    0x08,
                    "its packets do not follow, or do not fit it",
                );
            }
            packets += u64::from(chunk.packets);
        }
        if packets != audio.packets() {
            return wrong("samples", 0x18, "is not what the packets of its chunks give");
        }
        Ok(Track { audio, chunks })
    }
}
