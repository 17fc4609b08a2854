//! The `.vvt` container: one file that holds a performance in segments the GPU can take as they are.
//!
//! FORMAT.md beside this file describes every byte. In brief: a superblock says what the clip is; an index names the
//! segments; a segment holds the splats of one stretch of time as planes of 32-bit words, cut into pages of 4096 and
//! stored as chunks with checksums. Segments form a temporal hierarchy after Xu et al., "Representing Long Volumetric
//! Video with Temporal Gaussian Hierarchy" (SIGGRAPH Asia 2024): level 0 spans the clip, each finer level halves the
//! stretch, a splat lives in the finest segment that contains its life, and a time needs one segment a level.
//!
//! This folder reads and writes bytes and knows nothing of what the planes mean; [`crate::codec`] does. Everything
//! read is untrusted: it is copied out of the file, checked by CRC32C, then parsed with checked arithmetic, and no
//! allocation is larger than the checked length of the file supports.

mod bytes;
mod channel_summary;
mod channels;
mod chunk;
mod fields;
mod header;
mod index;
mod intervals;
mod mapped;
mod pack;
mod palette;
mod repair;
mod repair_sound;
mod rig_part;
mod salvage;
mod segment;
mod sink;
mod source;
mod summary;
mod track;
mod track_read;
mod track_write;
mod verify;
mod write;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use channel_summary::ChannelSummary;
pub use channels::{ChannelInfo, ChannelReader};
pub use chunk::{ChunkReader, Compression};
pub use header::{Limits, MAX_CHUNK_BYTES, MAX_LEVELS, MAX_METADATA_BYTES, MAX_NODES, PAGE_SPLATS};
pub use index::{LiveNodes, Node};
pub(crate) use pack::PackedSegment;
pub use repair::{LeftOut, Repair, RepairReport};
pub use repair_sound::KeptTrack;
pub use segment::{Chunk, ChunkKind, Segment};
pub use source::{Access, ByteSource};
pub use summary::{AttributeBytes, LevelSummary, Moment, Summary};
pub use track::{AUDIO_RATE, AudioTrack, MAX_CHUNK_PACKETS, MAX_TRACKS, PACKET_SAMPLES, Track};
pub use track_read::PacketReader;
pub use verify::{Damage, VerifyReport, verify};
pub use write::{Profile, WriteReport, Writer, WriterOptions};

use crate::error::{Error, Result};
use crate::frame::{Palette, Plane};
use crate::rig::Rig;
use crate::splat::{Appearance, ClipInfo};
use header::{Extent, SUPERBLOCK_BYTES, Superblock, Which};
use index::Index;
use palette::Loaded;
use source::Memory;

/// An open clip: its description and index in memory, its segments in the file. Shared freely between threads.
pub struct Clip {
    id: u64,
    source: Box<dyn ByteSource>,
    superblock: Superblock,
    index: Index,
    metadata: String,
    palette: Option<Arc<Palette>>,
    rig: Option<Arc<Rig>>,
    notices: Vec<String>,
}

impl std::fmt::Debug for Clip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clip")
            .field("name", &self.name())
            .field("info", &self.info())
            .field("nodes", &self.nodes().len())
            .finish_non_exhaustive()
    }
}

impl Clip {
    /// Opens a file. Reads the superblock, the metadata, the index and the palette, and checks them; no splat is read.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Malformed`] naming the field and byte; [`Error::Unsupported`] when the file needs a
    /// newer version of vivant.
    pub fn open(path: &Path, access: Access) -> Result<Self> {
        Self::from_source(source::open(path, access)?)
    }

    /// Opens a clip that is already in memory; `name` starts its error messages.
    ///
    /// # Errors
    /// As [`Self::open`], without the I/O.
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Self> {
        Self::from_source(Box::new(Memory { name: name.to_owned(), bytes }))
    }

    /// Opens a clip from any source of bytes.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_source(source: Box<dyn ByteSource>) -> Result<Self> {
        let parts = Parts::read(&*source)?;
        Ok(Self::from_parts(source, parts))
    }

    fn from_parts(source: Box<dyn ByteSource>, parts: Parts) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let Parts { superblock, index, metadata, palette, rig, notices } = parts;
        Self { id, source, superblock, index, metadata, palette, rig, notices }
    }

    /// A number no other clip opened by this process has.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The file's name, as the user gave it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// What the clip is.
    #[must_use]
    pub fn info(&self) -> ClipInfo {
        self.superblock.info
    }

    /// Has it drawn in another way than it asks for; its file stays as it is.
    pub fn set_appearance(&mut self, appearance: Appearance) {
        self.superblock.info.appearance = appearance;
    }

    /// Ticks that can be shown: the duration, and 1 for a static scene.
    #[must_use]
    pub fn span(&self) -> i64 {
        self.superblock.info.duration.max(1)
    }

    /// Length in nanoseconds; 0 for a static scene.
    #[must_use]
    pub fn duration_nanos(&self) -> i64 {
        self.superblock.info.rate.nanos_from_ticks(self.superblock.info.duration)
    }

    /// Box of the means of all splats over their lives: lower corner, upper corner, metres. Zeros when empty.
    #[must_use]
    pub fn bounds(&self) -> [[f32; 3]; 2] {
        self.superblock.bounds
    }

    /// Splats stored in all segments together.
    #[must_use]
    pub fn splats(&self) -> u64 {
        self.superblock.splats
    }

    /// Length of the clip in the file, bytes.
    #[must_use]
    pub fn file_bytes(&self) -> u64 {
        self.superblock.file_len
    }

    /// What playing it asks of memory at most.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.superblock.limits
    }

    /// Most decoded bytes that are live at once if every segment is shown at the level of detail `lod`.
    #[must_use]
    pub fn live_bytes(&self, lod: u8) -> u64 {
        self.index.live_bytes.get(usize::from(lod)).copied().unwrap_or(self.limits().max_live_bytes)
    }

    /// Identity of the content: equal files have equal ones.
    #[must_use]
    pub fn uuid(&self) -> [u8; 16] {
        self.superblock.uuid
    }

    /// The metadata, a JSON object.
    #[must_use]
    pub fn meta_json(&self) -> &str {
        &self.metadata
    }

    /// What was wrong with the file but did not keep it from opening, one sentence each.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// All segments, sorted by level and time.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.index.nodes
    }

    /// The numbers of one level's nodes, by time; empty for a level the clip does not have.
    #[must_use]
    pub fn level(&self, level: usize) -> std::ops::Range<usize> {
        self.index.levels.get(level).cloned().unwrap_or_default()
    }

    /// The nodes that show at `tick`, at most one a level, coarse levels first. A tick outside the clip is taken as
    /// its first or last. Does not allocate.
    #[must_use]
    pub fn live_nodes(&self, tick: i64) -> LiveNodes {
        self.index.live(tick.clamp(0, self.span() - 1))
    }

    /// The harmonics that its splats share, if they do. Lies in memory as long as the clip or a segment does.
    #[must_use]
    pub fn palette(&self) -> Option<&Arc<Palette>> {
        self.palette.as_ref()
    }

    /// The joints that carry its splats, if they do.
    #[must_use]
    pub fn rig(&self) -> Option<&Arc<Rig>> {
        self.rig.as_ref()
    }

    /// The sound tracks.
    #[must_use]
    pub fn tracks(&self) -> &[Track] {
        &self.index.tracks.known
    }

    pub(crate) fn source(&self) -> &dyn ByteSource {
        &*self.source
    }

    /// An error about a stored chunk, by segment, plane, page and byte.
    pub(crate) fn damaged_chunk(&self, chunk: &Chunk, why: impl Into<String>) -> Error {
        chunk.damaged(self.name(), why)
    }
}

/// What is read of a clip when it is opened.
struct Parts {
    superblock: Superblock,
    index: Index,
    metadata: String,
    palette: Option<Arc<Palette>>,
    rig: Option<Arc<Rig>>,
    notices: Vec<String>,
}

impl Parts {
    fn read(source: &dyn ByteSource) -> Result<Self> {
        let mut notices = Vec::new();
        let superblock = read_superblock(source, &mut notices)?;
        let metadata = read_metadata(source, superblock.metadata, &mut notices)?;
        let extent = superblock.index;
        let bytes = read_run(source, extent.offset, extent.len)?;
        let crc = crc32c::crc32c(&bytes);
        if crc != extent.crc {
            let why = format!(
                "the index is lost (its checksum is {crc:#010x}, not {:#010x}): get another copy, or find the segments \
                 without it with `vivant verify --repair`",
                extent.crc
            );
            return Err(Error::malformed(source.name(), "index", extent.offset, why));
        }
        let index = Index::parse(&bytes, &superblock, superblock.info.duration.max(1), source.name())?;
        if index.tracks.unknown > 0 {
            let count = index.tracks.unknown;
            notices.push(format!("{count} of its tracks need a newer version of vivant; playing without"));
        }
        let labelled = index.nodes.iter().any(|node| node.plane_mask & Plane::PackedHarmonics.bit() != 0);
        let Loaded { palette, notice } = Loaded::read(source, index.palette, labelled)?;
        notices.extend(notice);
        let rig = index.rig.map(|extent| extent.read(source)).transpose()?.map(Arc::new);
        Ok(Self { superblock, index, metadata, palette, rig, notices })
    }
}

/// Reads a run whose length was compared with the source's.
fn read_run(source: &dyn ByteSource, offset: u64, len: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let size = usize::try_from(len).ok().filter(|&size| bytes.try_reserve_exact(size).is_ok());
    let Some(size) = size else {
        return Err(Error::OutOfMemory { what: format!("{len} bytes of {}", source.name()) });
    };
    bytes.resize(size, 0);
    source.read_at(offset, &mut bytes)?;
    Ok(bytes)
}

/// Reads the superblock, or its copy at the end of the file if the first is damaged.
fn read_superblock(source: &dyn ByteSource, notices: &mut Vec<String>) -> Result<Superblock> {
    let (name, len) = (source.name(), source.len());
    let block_len = SUPERBLOCK_BYTES as u64;
    let mut block = [0; SUPERBLOCK_BYTES];
    if len < 2 * block_len {
        let mut magic = [0; header::MAGIC.len()];
        let known = usize::try_from(len).unwrap_or(usize::MAX).min(magic.len());
        source.read_at(0, &mut magic[..known])?;
        let why = if len == 0 {
            "the file is empty; copy or convert it again".to_owned()
        } else if magic[..known] == header::MAGIC[..known] {
            format!("the file has {len} bytes, less than any clip: truncated; copy it again")
        } else {
            "this is not a .vvt clip; convert the source with `vivant convert`".to_owned()
        };
        return Err(Error::malformed(name, "superblock.magic", 0, why));
    }
    source.read_at(0, &mut block)?;
    let first = match Superblock::parse(&block, Which::First, 0, len, name) {
        Err(error @ Error::Malformed { .. }) => error,
        other => return other,
    };
    let at = len - block_len;
    source.read_at(at, &mut block)?;
    match Superblock::parse(&block, Which::Footer, at, len, name) {
        Ok(superblock) if superblock.file_len == len => {
            notices.push(format!("the superblock is damaged; playing from its copy at the end ({first})"));
            Ok(superblock)
        }
        Err(error @ Error::Unsupported { .. }) => Err(error),
        _ => Err(first),
    }
}

/// Reads the metadata. It describes and does not play, so damage to it is a notice, not an error.
fn read_metadata(source: &dyn ByteSource, extent: Extent, notices: &mut Vec<String>) -> Result<String> {
    if extent.len == 0 {
        return Ok("{}".to_owned());
    }
    let bytes = read_run(source, extent.offset, extent.len)?;
    let whole = crc32c::crc32c(&bytes) == extent.crc;
    match String::from_utf8(bytes) {
        Ok(text) if whole && serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() => Ok(text),
        _ => {
            let what = format!("the metadata at byte {} is damaged and was left out", extent.offset);
            notices.push(what);
            Ok("{}".to_owned())
        }
    }
}
