//! One segment in the file: header, chunk directory, chunks, tail. This module reads the directory and hands out
//! checked [`Chunk`]s; [`super::chunk`] reads those.
//!
//! The directory's order is the file's order and chunks never share a byte, so a segment decodes to at most 862 times
//! its length (a 262,144-byte chunk takes 256 bytes and a 48-byte entry at the least): memory is bounded by the file.

use super::Clip;
use super::bytes::{array_at, box_at, i64_at, put, put_box, u8_at, u16_at, u32_at, u64_at, word};
use super::channels::CHANNEL_BYTES;
use super::chunk::CODEC_FIELDS;
use super::fields::{self, Shape};
use super::header::MAX_CHUNK_BYTES;
use super::index::{Node, PAGE_CLUSTERS, PAGE_POSES};
use super::palette::PALETTE_NODE;
use crate::channel::MOST_CHANNELS;
use crate::error::{Error, Result};
use crate::frame::{Cluster, Grid, Keys, LODS, POSE_WORDS, Plane};
use crate::time::TickRate;

pub(super) const SEGMENT_HEADER_BYTES: usize = 256;
/// Bytes of the header under its own checksum, with its place; the rest stands under the directory's.
pub(super) const CHECKED_BYTES: usize = 128;
pub(super) const DIRECTORY_ENTRY_BYTES: usize = 48;
pub(super) const SEGMENT_TAIL_BYTES: usize = 16;
pub(super) const SEGMENT_MAGIC: [u8; 4] = *b"SEG1";
pub(super) const TAIL_MAGIC: [u8; 4] = *b"GES1";
/// Alignment of a raw chunk in the file, so that a later version may hand it to the GPU in place.
pub(super) const RAW_ALIGN: u64 = 4096;
/// Alignment of a compressed chunk in its segment.
pub(super) const CHUNK_ALIGN: u64 = 256;

/// Number of the cluster table among the kinds of chunks; smaller ones are [`Plane`]s.
const KIND_CLUSTERS: u8 = 32;
/// Number of the poses.
const KIND_POSES: u8 = 33;
/// Number of the table of channels; those of the channels follow it.
const KIND_CHANNELS: u8 = 64;
/// Numbers of the channels' words.
const KIND_CHANNEL: std::ops::Range<u8> = KIND_CHANNELS + 1..KIND_CHANNELS + 9;
const _: () = assert!((KIND_CHANNEL.end - KIND_CHANNEL.start) as usize == MOST_CHANNELS);

/// What a chunk holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkKind {
    /// A page of a plane.
    Plane(Plane),
    /// A run of the cluster table.
    Clusters,
    /// The poses of a run of clusters.
    Poses,
    /// What its channels are.
    Channels,
    /// A page of the words of a channel, by its number in the segment.
    Channel(u8),
}

impl ChunkKind {
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Plane(plane) => plane as u8,
            Self::Clusters => KIND_CLUSTERS,
            Self::Poses => KIND_POSES,
            Self::Channels => KIND_CHANNELS,
            Self::Channel(number) => KIND_CHANNEL.start + number,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        let plane = Plane::ALL.into_iter().find(|plane| *plane as u8 == number).map(Self::Plane);
        match number {
            KIND_CLUSTERS => Some(Self::Clusters),
            KIND_POSES => Some(Self::Poses),
            KIND_CHANNELS => Some(Self::Channels),
            _ if KIND_CHANNEL.contains(&number) => Some(Self::Channel(number - KIND_CHANNEL.start)),
            _ => plane,
        }
    }

    /// Bytes of one record: a splat's words of a plane, one cluster, or its poses.
    #[must_use]
    pub const fn record_bytes(self, keys: Keys) -> usize {
        match self {
            Self::Plane(plane) => keys.words(plane) * 4,
            Self::Clusters => size_of::<Cluster>(),
            Self::Poses => keys.poses as usize * POSE_WORDS * 4,
            Self::Channels => CHANNEL_BYTES,
            Self::Channel(_) => 4,
        }
    }

    /// What a record is made of, if it is numbers that codec 2 takes apart.
    pub(super) fn shape(self, keys: Keys) -> Option<Shape> {
        match self {
            Self::Plane(plane) => Shape::of(plane, keys),
            Self::Clusters | Self::Channels | Self::Channel(_) => None,
            Self::Poses => Some(Shape::poses(keys)),
        }
    }

    /// Records in a full chunk.
    pub(super) const fn page_records(self, keys: Keys) -> usize {
        match self {
            Self::Plane(_) | Self::Channel(_) => keys.page_splats(),
            Self::Channels => MOST_CHANNELS,
            Self::Clusters => PAGE_CLUSTERS,
            Self::Poses => PAGE_POSES,
        }
    }
}

/// One entry of a segment's directory, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Number of the segment's node in the index.
    pub node: u32,
    /// What it holds.
    pub kind: ChunkKind,
    /// Keys of the segment's planes.
    pub keys: Keys,
    /// Which page of that, from 0.
    pub page: u16,
    /// How it is stored; see FORMAT.md.
    pub codec: u8,
    /// What its numbers are told from, in codec 2; else 0.
    pub prediction: u8,
    /// Records in it.
    pub count: u32,
    /// Byte offset in the file.
    pub offset: u64,
    /// Bytes in the file.
    pub stored_len: u32,
    /// Bytes once decoded.
    pub raw_len: u32,
    /// CRC32C of the stored bytes.
    pub stored_crc: u32,
    /// CRC32C of the decoded bytes.
    pub raw_crc: u32,
}

impl Chunk {
    /// Bytes of one record.
    #[must_use]
    pub const fn record_bytes(&self) -> usize {
        self.kind.record_bytes(self.keys)
    }

    /// Number of the first record in its plane or table.
    #[must_use]
    pub const fn first_record(&self) -> usize {
        self.page as usize * self.kind.page_records(self.keys)
    }

    /// Bytes of the columns of all its records, in its codec.
    pub(super) fn columns_bytes(&self) -> usize {
        match self.kind.shape(self.keys) {
            Some(shape) if self.codec == CODEC_FIELDS => shape.columns_bytes(self.count as usize),
            _ => self.count as usize * self.record_bytes(),
        }
    }

    /// An error about it, by segment, plane, page and byte.
    pub(super) fn damaged(&self, file: &str, why: impl Into<String>) -> Error {
        let part = match self.node {
            PALETTE_NODE => "palette".to_owned(),
            node => format!("segment[{node}]"),
        };
        let field = format!("{part}.{:?} page {}", self.kind, self.page);
        Error::malformed(file, &field, self.offset, why.into() + "; get another copy")
    }

    /// The directory entry; `offset` becomes relative to the segment at `segment`.
    pub(super) fn bytes(&self, segment: u64) -> [u8; DIRECTORY_ENTRY_BYTES] {
        let mut out = [0; DIRECTORY_ENTRY_BYTES];
        put(&mut out, 0x00, &[self.kind.number(), 0, self.codec, self.prediction]);
        put(&mut out, 0x04, &self.page.to_le_bytes());
        put(&mut out, 0x0c, &self.count.to_le_bytes());
        put(&mut out, 0x10, &(self.offset - segment).to_le_bytes());
        put(&mut out, 0x18, &self.stored_len.to_le_bytes());
        put(&mut out, 0x1c, &self.raw_len.to_le_bytes());
        put(&mut out, 0x20, &self.stored_crc.to_le_bytes());
        put(&mut out, 0x24, &self.raw_crc.to_le_bytes());
        out
    }
}

/// The 256 bytes at the start of a segment. The index repeats what playback needs; the rest serves a scan of a file
/// whose index is lost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SegmentHeader {
    pub(super) sequence: u32,
    pub(super) level: u8,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) stored_bytes: u64,
    pub(super) splats: u32,
    pub(super) plane_mask: u32,
    pub(super) chunks: u32,
    pub(super) bounds: [[f32; 3]; 2],
    /// What the superblock says of the clip's time, so that a segment can be played without it; all zero in files that
    /// are older than these fields.
    pub(super) rate: TickRate,
    pub(super) duration: i64,
    pub(super) fps: (u32, u32),
    /// What it says of how the clip is to be drawn, as bytes; scans read them, the superblock's count otherwise.
    pub(super) appearance: [u8; 4],
    /// CRC32C of the directory, which the index covers otherwise.
    pub(super) directory_crc: u32,
    pub(super) grid: Grid,
    /// As bytes; the index has checked its own.
    pub(super) keys: [u8; 8],
    pub(super) lod_gains: [f32; LODS],
}

/// Offset of the grid, zero in segments without packed planes.
const GRID_AT: usize = CHECKED_BYTES;
/// Offset of the numbers of keys.
const KEYS_AT: usize = 0xa8;
/// Offset of the grid of the poses.
const POSES_AT: usize = 0xc0;
/// Offset of the gains of the levels of detail.
const GAINS_AT: usize = 0xb0;

fn grid_words(grid: &Grid) -> [u32; 10] {
    let floats = [
        grid.colour_least,
        grid.colour_step,
        grid.rotation_step,
        grid.scale_least,
        grid.scale_step,
        grid.velocity_step,
        grid.quadratic_step,
        grid.cubic_step,
        grid.spin_step,
    ];
    let mut words = [grid.window_step; 10];
    for (word, float) in words.iter_mut().zip(floats) {
        *word = float.to_bits();
    }
    words
}

fn grid_at(bytes: &[u8]) -> Grid {
    let float = |index: usize| f32::from_bits(u32_at(bytes, GRID_AT + index * 4));
    Grid {
        colour_least: float(0),
        colour_step: float(1),
        rotation_step: float(2),
        scale_least: float(3),
        scale_step: float(4),
        velocity_step: float(5),
        quadratic_step: float(6),
        cubic_step: float(7),
        spin_step: float(8),
        window_step: u32_at(bytes, GRID_AT + 36),
        pose_origin: [0, 4, 8].map(|at| f32::from_bits(u32_at(bytes, POSES_AT + at))),
        pose_step: f32::from_bits(u32_at(bytes, POSES_AT + 12)),
        tick_seconds: 0.0,
    }
}

impl SegmentHeader {
    /// The bytes before the directory.
    pub(super) fn bytes(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut out = [0; SEGMENT_HEADER_BYTES];
        put(&mut out, 0x00, &SEGMENT_MAGIC);
        put(&mut out, 0x04, &word(SEGMENT_HEADER_BYTES).to_le_bytes());
        put(&mut out, 0x08, &self.sequence.to_le_bytes());
        put(&mut out, 0x0c, &[self.level]);
        put(&mut out, 0x10, &self.start.to_le_bytes());
        put(&mut out, 0x18, &self.end.to_le_bytes());
        put(&mut out, 0x20, &self.stored_bytes.to_le_bytes());
        put(&mut out, 0x28, &self.splats.to_le_bytes());
        put(&mut out, 0x2c, &self.plane_mask.to_le_bytes());
        put(&mut out, 0x30, &self.chunks.to_le_bytes());
        put(&mut out, 0x34, &word(DIRECTORY_ENTRY_BYTES).to_le_bytes());
        put_box(&mut out, 0x38, &self.bounds);
        put(&mut out, 0x50, &self.rate.num.to_le_bytes());
        put(&mut out, 0x54, &self.rate.den.to_le_bytes());
        put(&mut out, 0x58, &self.duration.to_le_bytes());
        put(&mut out, 0x60, &self.fps.0.to_le_bytes());
        put(&mut out, 0x64, &self.fps.1.to_le_bytes());
        put(&mut out, 0x68, &self.directory_crc.to_le_bytes());
        put(&mut out, 0x6c, &self.appearance);
        let crc = crc32c::crc32c(&out[..0x7c]);
        put(&mut out, 0x7c, &crc.to_le_bytes());
        for (at, word) in (GRID_AT..).step_by(4).zip(grid_words(&self.grid)) {
            put(&mut out, at, &word.to_le_bytes());
        }
        put(&mut out, KEYS_AT, &self.keys);
        let [x, y, z] = self.grid.pose_origin;
        for (at, value) in (POSES_AT..).step_by(4).zip([x, y, z, self.grid.pose_step]) {
            put(&mut out, at, &value.to_le_bytes());
        }
        for (at, gain) in (GAINS_AT..).step_by(4).zip(self.lod_gains) {
            put(&mut out, at, &gain.to_le_bytes());
        }
        out
    }

    pub(super) fn parse(bytes: &[u8]) -> Self {
        Self {
            sequence: u32_at(bytes, 0x08),
            level: u8_at(bytes, 0x0c),
            start: i64_at(bytes, 0x10),
            end: i64_at(bytes, 0x18),
            stored_bytes: u64_at(bytes, 0x20),
            splats: u32_at(bytes, 0x28),
            plane_mask: u32_at(bytes, 0x2c),
            chunks: u32_at(bytes, 0x30),
            bounds: box_at(bytes, 0x38),
            rate: TickRate { num: u32_at(bytes, 0x50), den: u32_at(bytes, 0x54) },
            duration: i64_at(bytes, 0x58),
            fps: (u32_at(bytes, 0x60), u32_at(bytes, 0x64)),
            directory_crc: u32_at(bytes, 0x68),
            appearance: array_at(bytes, 0x6c),
            grid: grid_at(bytes),
            keys: array_at(bytes, KEYS_AT),
            lod_gains: std::array::from_fn(|lod| f32::from_bits(u32_at(bytes, GAINS_AT + lod * 4))),
        }
    }
}

/// The 16 bytes at the end of a segment: lets a scan find whole segments backwards.
pub(super) fn tail_bytes(sequence: u32, stored_bytes: u64) -> [u8; SEGMENT_TAIL_BYTES] {
    let mut out = [0; SEGMENT_TAIL_BYTES];
    put(&mut out, 0, &TAIL_MAGIC);
    put(&mut out, 4, &sequence.to_le_bytes());
    put(&mut out, 8, &stored_bytes.to_le_bytes()[..4]);
    let crc = crc32c::crc32c(&out[..12]);
    put(&mut out, 12, &crc.to_le_bytes());
    out
}

/// A segment's directory, checked: every page of every plane once, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Number of the node in the index.
    pub node: u32,
    /// Box of the means over the segment's interval.
    pub bounds: [[f32; 3]; 2],
    /// The grid as it stands in the file; the codec checks what it uses of it.
    pub grid: Grid,
    /// The gains of the levels of detail as they stand in the file; the codec checks them.
    pub lod_gains: [f32; LODS],
    /// Number of the segment in the order of writing.
    pub(super) sequence: u32,
    /// The chunks that this version knows.
    pub chunks: Vec<Chunk>,
    /// Byte ranges (offset, length) of all chunks, known or not.
    pub(super) extents: Vec<(u64, u64)>,
}

impl Segment {
    /// Reads and checks the header and directory of a node.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a node the clip does not have, [`Error::Io`], or [`Error::Malformed`] naming
    /// the field and byte.
    pub fn read(clip: &Clip, node_number: u32) -> Result<Self> {
        let Some(node) = clip.nodes().get(node_number as usize) else {
            return Err(Error::invalid(format!("{} has no node {node_number}", clip.name())));
        };
        // The index was checked: these bytes lie inside the file, so the allocation is bounded by its length.
        let mut bytes = vec![0; node.header_bytes as usize];
        clip.source().read_at(node.offset, &mut bytes)?;
        let check = Check { clip, node, number: node_number };
        let header = check.header(&bytes)?;
        let directory_at = u32_at(&bytes, 4) as usize;
        let mut segment = Self {
            node: node_number,
            bounds: header.bounds,
            grid: header.grid,
            lod_gains: header.lod_gains,
            sequence: header.sequence,
            chunks: Vec::with_capacity(node.chunks()),
            extents: Vec::with_capacity(header.chunks as usize),
        };
        let mut free = u64::from(node.header_bytes);
        let entries = bytes[directory_at..].chunks_exact(u32_at(&bytes, 0x34) as usize);
        for (number, entry) in entries.take(header.chunks as usize).enumerate() {
            let at = directory_at + number * u32_at(&bytes, 0x34) as usize;
            let (end, chunk) = check.entry(number, at as u64, entry, free)?;
            let stored_len = u64::from(u32_at(entry, 0x18));
            segment.extents.push((node.offset + end - stored_len, stored_len));
            segment.chunks.extend(chunk);
            free = end;
        }
        check.complete(&segment.chunks)?;
        Ok(segment)
    }

    /// An error about a field of the header, at byte `at`, that the codec uses.
    pub(crate) fn wrong_header(&self, clip: &Clip, field: &str, at: u64) -> Error {
        let at = clip.nodes().get(self.node as usize).map_or(0, |node| node.offset) + at;
        let name = format!("segment[{}].{field}", self.node);
        let why = "leads to values that cannot be right; convert the source again";
        Error::malformed(clip.name(), &name, at, why)
    }
}

/// What a directory is checked against.
struct Check<'a> {
    clip: &'a Clip,
    node: &'a Node,
    number: u32,
}

impl Check<'_> {
    fn wrong(&self, field: &str, at: u64, why: impl Into<String>) -> Error {
        let name = format!("segment[{}].{field}", self.number);
        Error::malformed(self.clip.name(), &name, self.node.offset.saturating_add(at), why)
    }

    fn header(&self, bytes: &[u8]) -> Result<SegmentHeader> {
        let crc = crc32c::crc32c(bytes);
        if crc != self.node.header_crc {
            let why = format!(
                "the checksum of header and directory is {crc:#010x}, not {:#010x}: damaged; get another copy",
                self.node.header_crc
            );
            return Err(self.wrong("header", 0, why));
        }
        if array_at::<4>(bytes, 0) != SEGMENT_MAGIC {
            return Err(self.wrong("magic", 0, "is not SEG1; convert the source again"));
        }
        let header = SegmentHeader::parse(bytes);
        let node = self.node;
        let same = header.level == node.level
            && (header.start, header.end) == (node.start, node.end)
            && header.stored_bytes == node.stored_bytes
            && header.splats == node.splats
            && header.keys == node.keys.bytes()
            && header.plane_mask & node.plane_mask == node.plane_mask;
        if !same {
            return Err(self.wrong("header", 0, "does not agree with the index; convert the source again"));
        }
        let (header_len, entry_len) = (u32_at(bytes, 4) as usize, u32_at(bytes, 0x34) as usize);
        let directory =
            entry_len.checked_mul(header.chunks as usize).and_then(|len| len.checked_add(header_len));
        if header_len < SEGMENT_HEADER_BYTES
            || entry_len < DIRECTORY_ENTRY_BYTES
            || directory.is_none_or(|directory| directory > bytes.len())
        {
            return Err(self.wrong(
                "chunks",
                0x30,
                "the directory leaves the header; convert the source again",
            ));
        }
        Ok(header)
    }

    /// Checks one directory entry; chunks start at `free` or later. Returns where the chunk ends in the segment, and
    /// the chunk if this version knows its kind.
    fn entry(&self, number: usize, at: u64, entry: &[u8], free: u64) -> Result<(u64, Option<Chunk>)> {
        let wrong = |field: &str, field_at: u64, why: &str| {
            let name = format!("chunk[{number}].{field}");
            Err(self.wrong(&name, at + field_at, format!("{why}; convert the source again")))
        };
        let offset = u64_at(entry, 0x10);
        let (stored_len, raw_len) = (u32_at(entry, 0x18), u32_at(entry, 0x1c));
        let room = self.node.stored_bytes - SEGMENT_TAIL_BYTES as u64;
        let end = offset.checked_add(u64::from(stored_len)).filter(|&end| end <= room);
        let Some(end) = end.filter(|_| offset >= free && offset.is_multiple_of(CHUNK_ALIGN)) else {
            return wrong("offset", 0x10, "is misaligned, overlaps other chunks or leaves the segment");
        };
        let lod = u8_at(entry, 0x01);
        let Some(kind) = ChunkKind::from_number(u8_at(entry, 0)).filter(|_| lod == 0) else {
            return Ok((end, None));
        };
        let (codec, prediction) = (u8_at(entry, 0x02), u8_at(entry, 0x03));
        let shape = kind.shape(self.node.keys);
        if codec == CODEC_FIELDS && shape.is_none() {
            return wrong("codec", 0x02, "is for packed planes and poses only");
        }
        let possible = match shape {
            Some(_) if codec == CODEC_FIELDS => prediction <= fields::MAX_PREDICTION,
            _ => prediction == 0,
        };
        if !possible {
            return Err(Error::unsupported(format!(
                "{}: needs a newer version of vivant (chunk prediction {prediction} at byte {})",
                self.clip.name(),
                self.node.offset + at + 3
            )));
        }
        let count = u32_at(entry, 0x0c);
        if stored_len > raw_len || raw_len > MAX_CHUNK_BYTES {
            return wrong("raw_len", 0x1c, "is smaller than the stored length or above 262144");
        }
        if u64::from(raw_len) != u64::from(count) * kind.record_bytes(self.node.keys) as u64 {
            return wrong("count", 0x0c, "does not give the decoded length");
        }
        let chunk = Chunk {
            node: self.number,
            kind,
            keys: self.node.keys,
            page: u16_at(entry, 0x04),
            codec,
            prediction,
            count,
            offset: self.node.offset + offset,
            stored_len,
            raw_len,
            stored_crc: u32_at(entry, 0x20),
            raw_crc: u32_at(entry, 0x24),
        };
        Ok((end, Some(chunk)))
    }

    /// Every page of every plane and of the cluster table is there once, with the right number of records, and the
    /// pages of one kind come in order.
    fn complete(&self, chunks: &[Chunk]) -> Result<()> {
        let posed = (self.node.keys.poses > 0).then_some(ChunkKind::Poses);
        // A segment has the channels that its table lists, if it has one.
        let listed = chunks.iter().find(|chunk| chunk.kind == ChunkKind::Channels);
        let channels = listed.map_or(0, |table| (table.count as usize).min(MOST_CHANNELS));
        let carried = (0..).take(channels).map(ChunkKind::Channel);
        let kinds = self.node.planes().map(ChunkKind::Plane).chain([ChunkKind::Clusters]).chain(posed);
        let kinds = kinds.chain(listed.map(|table| table.kind)).chain(carried);
        let mut known = 0;
        for kind in kinds {
            let mut left = match kind {
                ChunkKind::Plane(_) | ChunkKind::Channel(_) => self.node.splats as usize,
                ChunkKind::Channels => channels,
                ChunkKind::Clusters | ChunkKind::Poses => self.node.clusters(),
            };
            for (page, chunk) in chunks.iter().filter(|chunk| chunk.kind == kind).enumerate() {
                let expected = left.min(kind.page_records(self.node.keys));
                if usize::from(chunk.page) != page || chunk.count as usize != expected || expected == 0 {
                    let why =
                        format!("{kind:?} page {} does not follow; convert the source again", chunk.page);
                    return Err(self.wrong("chunks", 0x30, why));
                }
                left -= expected;
                known += 1;
            }
            if left != 0 {
                let why = format!("{kind:?} lacks {left} records; convert the source again");
                return Err(self.wrong("chunks", 0x30, why));
            }
        }
        if known != chunks.len() {
            return Err(self.wrong(
                "chunks",
                0x30,
                "has planes or channels that nothing names; convert again",
            ));
        }
        Ok(())
    }
}
