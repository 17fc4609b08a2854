//! Writes a clip: segments as they come, then metadata, index and footer, and the superblock last.
//!
//! A file is written under a temporary name beside its own, synced, and renamed when it is whole, so that the final
//! name never shows half a clip; dropping the writer removes the temporary. Equal input gives equal bytes: nothing
//! here asks the time or a random source, and the identity of the content is made of its checksums.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use super::Clip;
use super::bytes::word;
use super::chunk::{CODEC_RAW, Compression};
use super::header::{
    Extent, Limits, MAX_CHUNK_BYTES, MAX_LEVELS, MAX_METADATA_BYTES, MAX_NODES, PACKED_PLANES, PALETTE,
    SUPERBLOCK_BYTES,
};
use super::header::{Superblock, Which};
use super::index::{Index, Node, features, keys_sound, planes_sound};
use super::intervals::Intervals;
use super::pack::{PackedSegment, pack_chunks};
use super::palette::PaletteExtent;
use super::rig_part::RigExtent;
use super::segment::{
    CHECKED_BYTES, CHUNK_ALIGN, Chunk, DIRECTORY_ENTRY_BYTES, RAW_ALIGN, SEGMENT_HEADER_BYTES,
    SEGMENT_TAIL_BYTES, Segment, SegmentHeader, tail_bytes,
};
use super::sink::Sink;
use super::track::{Track, Tracks};
use crate::channel::Channel;
use crate::error::{Error, Result};
use crate::frame::{Keys, POSE_WORDS, Palette, Plane, SegmentData};
use crate::rig::Rig;
use crate::splat::ClipInfo;

/// Alignment of segments, index and metadata in the file: one page of the smallest systems.
pub(super) const ALIGN: u32 = 4096;

/// How much of a performance's precision a clip keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// All that the full planes hold: for editing and archives.
    #[default]
    Raw,
    /// What nobody sees missing, at half the size: for playing from a disk.
    Local,
    /// As small as still looks right: for sending.
    Network,
}

impl std::str::FromStr for Profile {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        match name {
            "raw" => Ok(Self::Raw),
            "local" => Ok(Self::Local),
            "network" => Ok(Self::Network),
            _ => Err("there are the profiles raw, local and network".to_owned()),
        }
    }
}

/// How to write a clip.
#[derive(Debug, Clone, PartialEq)]
pub struct WriterOptions {
    /// How precisely splats are stored.
    pub profile: Profile,
    /// How chunks are stored.
    pub compression: Compression,
    /// The metadata, a JSON object of at most 1 MiB: generator, source, fit error, whatever describes the clip.
    pub metadata: String,
    /// Length of the segments of level 1 in ticks; `None` for one second in whole frames.
    pub segment_ticks: Option<u32>,
    /// Splats below which a segment is merged into its parent: each segment costs about 6 KB of its own.
    pub min_node_splats: u32,
    /// Whether a splat that would have to live in level 0 is cut at the edges of level 1 where that keeps it out of
    /// memory for at least seven eighths of the clip. Without it, the memory a clip needs grows with its length.
    pub cut_long_clips: bool,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            profile: Profile::Raw,
            compression: Compression::Zstd(3),
            metadata: "{}".to_owned(),
            segment_ticks: None,
            min_node_splats: 1024,
            cut_long_clips: true,
        }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WriteReport {
    /// Length of the file.
    pub file_bytes: u64,
    /// Bytes of all segments once decoded.
    pub raw_bytes: u64,
    /// Segments written.
    pub nodes: u32,
    /// Splats stored, pieces of cut ones counted each.
    pub splats: u64,
    /// Pieces beyond the first of splats that were cut at segment edges.
    pub cut_pieces: u64,
    /// Splats left out because no tick of the clip shows them above 1/255 opacity.
    pub dropped_unseen: u64,
    /// Splats left out because a value is not finite or beyond what the planes hold.
    pub dropped_out_of_range: u64,
    /// What playing asks of memory at most.
    pub limits: Limits,
}

/// Writes one clip. See the module for the promises.
#[derive(Debug)]
pub struct Writer {
    sink: Sink,
    pub(super) name: String,
    pub(super) position: u64,
    info: ClipInfo,
    pub(super) options: WriterOptions,
    nodes: Vec<Node>,
    pub(super) tracks: Vec<Track>,
    pub(super) palette: Option<(PaletteExtent, Arc<Palette>)>,
    pub(super) rig: Option<(RigExtent, Arc<Rig>)>,
    taken: Intervals,
    bounds: Option<[[f32; 3]; 2]>,
    /// CRC32C under four seeds over the headers of all segments.
    pub(super) identity: [u32; 4],
    pub(crate) report: WriteReport,
}

impl Writer {
    /// Starts a file; nothing shows under `path` until [`Self::finish`].
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be written; [`Error::InvalidArgument`] for an impossible `info` or
    /// metadata that is not JSON.
    pub fn create(path: &Path, info: &ClipInfo, options: &WriterOptions) -> Result<Self> {
        check(info, options)?;
        let sink = Sink::create(path)?;
        Self::start(sink, path.display().to_string(), info, options)
    }

    /// Starts a clip in memory; [`Self::finish_bytes`] gives it out.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] as [`Self::create`].
    pub fn in_memory(info: &ClipInfo, options: &WriterOptions) -> Result<Self> {
        check(info, options)?;
        Self::start(Sink::Memory(Cursor::new(Vec::new())), "clip in memory".to_owned(), info, options)
    }

    fn start(sink: Sink, name: String, info: &ClipInfo, options: &WriterOptions) -> Result<Self> {
        // The superblock is written last. Until then its place says what is known already and that the file is not
        // finished: no reader takes it for a clip, but its segments can be saved.
        let begun = Superblock {
            incompat: match options.profile {
                Profile::Raw => 0,
                _ if info.sh_degree > 0 => PACKED_PLANES | PALETTE,
                _ => PACKED_PLANES,
            },
            ro_compat: 0,
            compat: 0,
            file_len: 0,
            index: Extent::default(),
            metadata: Extent::default(),
            info: *info,
            levels: 1,
            nodes: 0,
            splats: 0,
            limits: Limits::default(),
            bounds: [[0.0; 3]; 2],
            uuid: [0; 16],
        };
        let mut writer = Self {
            sink,
            name,
            position: 0,
            info: *info,
            options: options.clone(),
            nodes: Vec::new(),
            tracks: Vec::new(),
            palette: None,
            rig: None,
            taken: Intervals::default(),
            bounds: None,
            identity: [0x0bad_cafe, 0x5eed_0001, 0x5eed_0002, 0x5eed_0003],
            report: WriteReport::default(),
        };
        writer.put(&begun.bytes(Which::First, ALIGN))?;
        Ok(writer)
    }

    /// What the clip is, as given at the start.
    #[must_use]
    pub fn info(&self) -> &ClipInfo {
        &self.info
    }

    /// How to write, as given at the start.
    pub(crate) fn options(&self) -> &WriterOptions {
        &self.options
    }

    /// The clip's name for the words of errors.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.sink.put(bytes);
        written.map_err(|source| Error::io(&self.name, "cannot write", source))?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    pub(super) fn pad_to(&mut self, align: u64) -> Result<()> {
        self.zeros_until(self.position.next_multiple_of(align))
    }

    fn zeros_until(&mut self, position: u64) -> Result<()> {
        const ZEROS: [u8; ALIGN as usize] = [0; ALIGN as usize];
        while self.position < position {
            let short = usize::try_from(position - self.position).unwrap_or(usize::MAX);
            self.put(&ZEROS[..short.min(ZEROS.len())])?;
        }
        Ok(())
    }

    /// Writes one decoded segment into `level`. A segment without splats is not written. Segments of one level must
    /// not overlap; they may come in any order.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the segment does not fit the clip or its own numbers do not agree;
    /// [`Error::LimitExceeded`] for too many segments; [`Error::Io`].
    pub fn push_data(&mut self, level: u8, data: &SegmentData) -> Result<()> {
        self.push_data_with(level, data, &[])
    }

    /// As [`Self::push_data`], with what the segment's splats carry besides, in their order.
    ///
    /// # Errors
    /// As [`Self::push_data`], and as [`crate::channel::check`].
    pub fn push_data_with(&mut self, level: u8, data: &SegmentData, channels: &[Channel]) -> Result<()> {
        self.check_segment(level, data)?;
        let chunks = pack_chunks(data, channels, self.options.compression, &self.name)?;
        self.put_segment(level, data, &chunks)
    }

    /// As [`Self::push_data`], of a segment that was compressed before, perhaps on another thread.
    ///
    /// # Errors
    /// As [`Self::push_data`].
    pub(crate) fn push_packed(&mut self, level: u8, packed: &PackedSegment) -> Result<()> {
        self.check_segment(level, &packed.data)?;
        self.put_segment(level, &packed.data, &packed.chunks)
    }

    /// Writes a segment that was checked.
    fn put_segment(&mut self, level: u8, data: &SegmentData, blobs: &[(Chunk, Vec<u8>)]) -> Result<()> {
        if data.splats == 0 {
            return Ok(());
        }
        self.pad_to(u64::from(ALIGN))?;
        let segment_at = self.position;
        let header_bytes = SEGMENT_HEADER_BYTES + blobs.len() * DIRECTORY_ENTRY_BYTES;
        let sequence = word(self.nodes.len());
        let mut at = segment_at + header_bytes as u64;
        let mut directory = Vec::with_capacity(header_bytes);
        for (chunk, _) in blobs {
            let align = if chunk.codec == CODEC_RAW { RAW_ALIGN } else { CHUNK_ALIGN };
            at = at.next_multiple_of(align);
            directory.extend_from_slice(&Chunk { offset: at, ..*chunk }.bytes(segment_at));
            at += u64::from(chunk.stored_len);
        }
        at = at.next_multiple_of(SEGMENT_TAIL_BYTES as u64) + SEGMENT_TAIL_BYTES as u64;
        let bounds = bounds_of(data);
        let mut header = SegmentHeader {
            sequence,
            level,
            start: data.start,
            end: data.end,
            stored_bytes: at - segment_at,
            splats: word(data.splats),
            plane_mask: data.plane_mask(),
            chunks: word(blobs.len()),
            bounds,
            rate: self.info.rate,
            duration: self.info.duration,
            fps: self.info.fps,
            appearance: self.info.appearance.bytes(),
            directory_crc: 0,
            grid: data.grid,
            keys: data.keys.bytes(),
            lod_gains: data.lod_gains,
        };
        let rest = crc32c::crc32c(&header.bytes()[CHECKED_BYTES..]);
        header.directory_crc = crc32c::crc32c_append(rest, &directory);
        let mut head = header.bytes().to_vec();
        head.append(&mut directory);
        self.put(&head)?;
        for (chunk, bytes) in blobs {
            self.pad_to(if chunk.codec == CODEC_RAW { RAW_ALIGN } else { CHUNK_ALIGN })?;
            self.put(bytes)?;
        }
        self.pad_to(SEGMENT_TAIL_BYTES as u64)?;
        self.put(&tail_bytes(sequence, header.stored_bytes))?;
        let node = Node {
            level,
            start: data.start,
            end: data.end,
            splats: header.splats,
            plane_mask: header.plane_mask,
            keys: data.keys,
            offset: segment_at,
            stored_bytes: header.stored_bytes,
            header_bytes: word(header_bytes),
            header_crc: crc32c::crc32c(&head),
        };
        self.enter(node, bounds, &head);
        Ok(())
    }

    /// Copies a segment of another clip, byte for byte but for its padding and tail, which have one right form. The
    /// caller has checked that it is whole and fits.
    ///
    /// # Errors
    /// [`Error::Io`] and what [`Segment::read`] finds.
    pub(super) fn push_stored(&mut self, clip: &Clip, number: u32) -> Result<()> {
        let segment = Segment::read(clip, number)?;
        let Some(node) = clip.nodes().get(number as usize) else { return Ok(()) };
        self.pad_to(u64::from(ALIGN))?;
        let segment_at = self.position;
        let mut head = vec![0; node.header_bytes as usize];
        clip.source().read_at(node.offset, &mut head)?;
        self.put(&head)?;
        let mut buffer = Vec::new();
        for &(offset, len) in &segment.extents {
            self.zeros_until(segment_at + (offset - node.offset))?;
            let mut done = 0;
            while done < len {
                let step = (len - done).min(u64::from(MAX_CHUNK_BYTES));
                buffer.resize(usize::try_from(step).unwrap_or_default(), 0);
                clip.source().read_at(offset + done, &mut buffer)?;
                self.put(&buffer)?;
                done += step;
            }
        }
        self.zeros_until(segment_at + node.stored_bytes - SEGMENT_TAIL_BYTES as u64)?;
        self.put(&tail_bytes(segment.sequence, node.stored_bytes))?;
        self.enter(Node { offset: segment_at, ..*node }, segment.bounds, &head);
        Ok(())
    }

    /// Notes a segment that was written.
    fn enter(&mut self, node: Node, bounds: [[f32; 3]; 2], head: &[u8]) {
        for seed in &mut self.identity {
            *seed = crc32c::crc32c_append(*seed, head);
        }
        self.nodes.push(node);
        self.taken.insert(node.level, node.start, node.end);
        if !node.drives() {
            self.bounds = Some(self.bounds.map_or(bounds, |all| join(all, bounds)));
        }
        self.report.splats += u64::from(node.drawn_splats());
        self.report.raw_bytes += node.raw_bytes();
    }

    fn check_segment(&self, level: u8, data: &SegmentData) -> Result<()> {
        if data.splats == 0 {
            return Ok(());
        }
        let span = self.info.duration.max(1);
        let whole = (data.start, data.end) == (0, span);
        if usize::from(level) >= MAX_LEVELS || data.start < 0 || data.start >= data.end || data.end > span {
            return Err(Error::invalid(format!(
                "a segment {}..{} at level {level} does not fit a clip of {span} ticks and {MAX_LEVELS} levels",
                data.start, data.end
            )));
        }
        if level == 0 && !whole {
            return Err(Error::invalid("the segment of level 0 must span the whole clip"));
        }
        if !self.taken.is_free(level, data.start, data.end) {
            return Err(Error::invalid(format!(
                "segment {}..{} overlaps another of level {level}",
                data.start, data.end
            )));
        }
        let counted: u64 = data.clusters.iter().map(|cluster| u64::from(cluster.count)).sum();
        let required = planes_sound(data.plane_mask())
            && keys_sound(data.plane_mask(), data.keys)
            && Keys::from_bytes(data.keys.bytes()).is_some();
        let sized = Plane::ALL.into_iter().all(|plane| {
            let words = data.planes[plane.index()].len();
            words == 0 || words == data.splats * data.words(plane)
        });
        let posed = data.poses.len() == data.clusters.len() * usize::from(data.keys.poses) * POSE_WORDS;
        // Labels are of the palette that the clip has.
        let entries = self.palette().map_or(0, |palette| palette.entries);
        let labelled =
            data.planes[Plane::PackedHarmonics.index()].iter().all(|&label| (label as usize) < entries);
        let joints = self.rig.as_ref().map_or(0, |(_, rig)| rig.joints().len());
        let rigged = if data.drives() { data.splats == joints } else { data.keys.joints == 0 || joints > 0 };
        let counted = if data.drives() { data.splats as u64 } else { counted };
        if !rigged || counted != data.splats as u64 || !(required && labelled && sized && posed) {
            return Err(Error::invalid(
                "the segment's planes and clusters do not agree with its number of splats",
            ));
        }
        let most = data.keys.page_splats() * (usize::from(u16::MAX) + 1);
        if data.splats > most || self.nodes.len() >= MAX_NODES as usize {
            return Err(Error::LimitExceeded {
                what: format!("{}: splats of a segment or segments of a clip", self.name),
                value: data.splats as u64,
                limit: most as u64,
            });
        }
        Ok(())
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// [`Error::Io`]; the final name then shows what it showed before.
    pub fn finish(mut self) -> Result<WriteReport> {
        self.complete()?;
        self.sink.finish()?;
        Ok(self.report.clone())
    }

    /// Completes a clip in memory and gives out its bytes.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the clip goes to a file.
    pub fn finish_bytes(mut self) -> Result<(Vec<u8>, WriteReport)> {
        self.complete()?;
        Ok((self.sink.finish_bytes()?, self.report.clone()))
    }

    /// Metadata, index, footer, and last the superblock.
    fn complete(&mut self) -> Result<()> {
        self.pad_to(u64::from(ALIGN))?;
        let metadata = std::mem::take(&mut self.options.metadata).into_bytes();
        let metadata_extent = self.put_extent(&metadata)?;
        let tracks = Tracks::new(std::mem::take(&mut self.tracks));
        let palette = self.palette.as_ref().map(|(extent, _)| *extent);
        let rig = self.rig.as_ref().map(|(extent, _)| *extent);
        let index = Index::new(std::mem::take(&mut self.nodes), tracks, palette, rig);
        let index_bytes = index.bytes();
        let index_extent = self.put_extent(&index_bytes)?;
        let limits = index.limits();
        let mut superblock = Superblock {
            incompat: index.nodes.iter().fold(0, |bits, node| bits | features(node.plane_mask)),
            ro_compat: index.tracks.features(),
            compat: 0,
            file_len: self.position + SUPERBLOCK_BYTES as u64,
            index: index_extent,
            metadata: metadata_extent,
            info: self.info,
            levels: index.nodes.last().map_or(1, |node| u32::from(node.level) + 1),
            nodes: word(index.nodes.len()),
            splats: self.report.splats,
            limits,
            bounds: self.bounds.unwrap_or_default(),
            uuid: [0; 16],
        };
        // Without the block's own checksum: a CRC over bytes and their CRC is the same whatever the bytes.
        let described = superblock.bytes(Which::First, ALIGN);
        let described = &described[..SUPERBLOCK_BYTES - 4];
        for (seed, bytes) in self.identity.into_iter().zip(superblock.uuid.chunks_exact_mut(4)) {
            bytes.copy_from_slice(&crc32c::crc32c_append(seed, described).to_le_bytes());
        }
        // RFC 9562 version 8: an identifier made by rules of its own.
        superblock.uuid[6] = superblock.uuid[6] & 0x0f | 0x80;
        superblock.uuid[8] = superblock.uuid[8] & 0x3f | 0x80;
        self.put(&superblock.bytes(Which::Footer, ALIGN))?;
        self.report.file_bytes = self.position;
        self.report.nodes = superblock.nodes;
        self.report.limits = limits;
        let written = self.sink.put_first(&superblock.bytes(Which::First, ALIGN));
        written.map_err(|source| Error::io(&self.name, "cannot write", source))
    }

    fn put_extent(&mut self, bytes: &[u8]) -> Result<Extent> {
        let extent = Extent { offset: self.position, len: bytes.len() as u64, crc: crc32c::crc32c(bytes) };
        self.put(bytes)?;
        self.pad_to(u64::from(ALIGN))?;
        Ok(extent)
    }
}

/// Whether a clip can be so.
pub(super) fn is_possible(info: &ClipInfo) -> bool {
    info.rate.num > 0
        && info.rate.den > 0
        && (0..=i64::from(u32::MAX)).contains(&info.duration)
        && info.rate.nanos_from_ticks(info.duration) < i64::MAX
        && info.fps.1 > 0
        && info.sh_degree <= 3
}

fn check(info: &ClipInfo, options: &WriterOptions) -> Result<()> {
    if !is_possible(info) {
        return Err(Error::invalid(format!(
            "{info:?} cannot be: the rates must not be zero, the length must lie in 0..2^32 ticks, the degree in 0..=3"
        )));
    }
    if options.metadata.len() > MAX_METADATA_BYTES as usize {
        return Err(Error::LimitExceeded {
            what: "bytes of metadata".to_owned(),
            value: options.metadata.len() as u64,
            limit: u64::from(MAX_METADATA_BYTES),
        });
    }
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&options.metadata) {
        return Err(Error::invalid(format!("the metadata is not JSON: {error}")));
    }
    Ok(())
}

fn bounds_of(data: &SegmentData) -> [[f32; 3]; 2] {
    let boxes = data.clusters.iter().map(|cluster| [cluster.box_min, cluster.box_max]);
    boxes.reduce(join).unwrap_or_default()
}

fn join(a: [[f32; 3]; 2], b: [[f32; 3]; 2]) -> [[f32; 3]; 2] {
    let low = std::array::from_fn(|axis| a[0][axis].min(b[0][axis]));
    let high = std::array::from_fn(|axis| a[1][axis].max(b[1][axis]));
    [low, high]
}
