//! What can be found of a clip whose superblock, index or end is lost: every segment says itself where it lies in time.
//!
//! A scan looks at each multiple of 4096 bytes for a segment's header: magic and checksum. Where the tail stands at the
//! other end too, the scan goes on behind it, so that bytes inside a whole segment are never taken for another. What
//! the clip is comes from either superblock, which is of use even in a file that was cut or never finished; if both
//! are lost, from the headers. Nothing here looks into chunks: [`super::repair`] does.

use std::sync::Arc;

use super::bytes::{array_at, u32_at, word};
use super::header::{
    Description, Extent, Limits, MAX_LEVELS, MAX_METADATA_BYTES, MAX_NODES, SUPERBLOCK_BYTES, Superblock,
    Which, check_rewritable,
};
use super::index::{Index, Node, features, known_planes, rig_planes};
use super::palette::{Loaded, PaletteExtent};
use super::repair::LeftOut;
use super::rig_part::RigExtent;
use super::segment::{
    CHECKED_BYTES, DIRECTORY_ENTRY_BYTES, SEGMENT_HEADER_BYTES, SEGMENT_MAGIC, SEGMENT_TAIL_BYTES,
    SegmentHeader, tail_bytes,
};
use super::track::Tracks;
use super::write::is_possible;
use super::{ByteSource, Parts, read_metadata, read_run};
use crate::error::{Error, Result};
use crate::frame::{Keys, Plane};
use crate::splat::{Appearance, ClipInfo};
use crate::time::{TICKS_PER_FRAME, TickRate};

/// Where a scan looks for segments: what every one of them is aligned to.
const STEP: u64 = 4096;
/// Assumed frames a second where nothing says.
const GUESSED_FPS: u32 = 30;

/// A clip as far as it could be found; its nodes are candidates.
pub(super) struct Found {
    /// As of a whole clip. The sums and maxima of the superblock are not those of the index.
    pub(super) parts: Parts,
    /// Segments the clip should have; 0 where nothing says.
    pub(super) expected: u32,
    /// Whether the end of the file is missing.
    pub(super) cut: bool,
    /// What was lost and where its substitute came from, a sentence each.
    pub(super) notes: Vec<String>,
    /// Segments that cannot be used.
    pub(super) left_out: Vec<LeftOut>,
}

/// Finds what there is, by the index if it holds.
///
/// # Errors
/// [`Error::Malformed`] when this is no clip at all; [`Error::Unsupported`] for a newer format; [`Error::Io`].
pub(super) fn find(source: &dyn ByteSource) -> Result<Found> {
    match Parts::read(source) {
        Ok(mut parts) => {
            check_rewritable(parts.superblock.ro_compat, source.name())?;
            let notes = std::mem::take(&mut parts.notices);
            let expected = parts.superblock.nodes;
            Ok(Found { parts, expected, cut: false, notes, left_out: Vec::new() })
        }
        Err(error @ Error::Malformed { .. }) => scan(source, error),
        Err(other) => Err(other),
    }
}

fn scan(source: &dyn ByteSource, why: Error) -> Result<Found> {
    let described = describe(source)?;
    let len = source.len();
    // Bytes after the end of the clip are not part of it.
    let whole_len = described.map(|found| found.file_len).filter(|&file_len| file_len > 0 && file_len <= len);
    let end = whole_len.unwrap_or(len);
    let scanned = segments(source, end)?;
    let mut notes = Vec::new();
    let Error::Malformed { field, why: reason, .. } = &why else { return Err(why) };
    notes.push(format!("{field}: {}", reason.split(['(', ';']).next().unwrap_or_default().trim()));
    let description = match described {
        Some(described) => described,
        None if scanned.nodes.is_empty() && scanned.left_out.is_empty() => return Err(why),
        None => {
            notes.push(
                "both copies of the superblock are lost, and the metadata with them: the clip is described by its segments".to_owned(),
            );
            from_segments(&scanned, &mut notes)
        }
    };
    if description.tracks {
        notes.push(
            "its sound cannot be found: the table that says where it lies was in the index; convert again with --audio"
                .to_owned(),
        );
    } else if description.file_len == 0 && description.info.duration > 0 {
        notes.push("if it had sound, that cannot be found: nothing says where it would lie".to_owned());
    }
    let extent = description.metadata;
    let inside = extent.offset.checked_add(extent.len).is_some_and(|extent_end| extent_end <= end);
    let metadata = if inside && extent.len <= u64::from(MAX_METADATA_BYTES) {
        read_metadata(source, extent, &mut notes)?
    } else {
        notes.push("the metadata is lost".to_owned());
        "{}".to_owned()
    };
    let planes = scanned.nodes.iter().fold(0, |mask, (node, _)| mask | node.plane_mask);
    let superblock = Superblock {
        incompat: features(planes),
        ro_compat: 0,
        compat: 0,
        file_len: end,
        index: Extent::default(),
        metadata: extent,
        info: description.info,
        levels: word(MAX_LEVELS),
        nodes: word(scanned.nodes.len()),
        splats: 0,
        limits: Limits::default(),
        bounds: [[0.0; 3]; 2],
        uuid: [0; 16],
    };
    let span = description.info.duration.max(1);
    let mut left_out = scanned.left_out;
    let mut nodes = Vec::with_capacity(scanned.nodes.len());
    for (node, header) in scanned.nodes {
        if scanned.rig.is_none() && node.plane_mask & rig_planes() != 0 {
            let why = "the rig is lost, and without it nothing says where its splats belong".to_owned();
            left_out.push(LeftOut::of(&header, node.offset, why));
            continue;
        }
        match Index::check_found(&node, &superblock, span, source.name()) {
            Ok(()) => nodes.push(node),
            Err(Error::Malformed { why, .. }) => left_out.push(LeftOut::of(&header, node.offset, why)),
            Err(other) => return Err(other),
        }
    }
    let labelled = planes & Plane::PackedHarmonics.bit() != 0;
    let Loaded { palette, notice } = Loaded::read(source, scanned.palette, labelled)?;
    notes.extend(notice);
    let rig = scanned.rig.map(|extent| extent.read(source)).transpose()?.map(Arc::new);
    let index = Index::new(nodes, Tracks::default(), scanned.palette, scanned.rig);
    let parts = Parts { superblock, index, metadata, palette, rig, notices: Vec::new() };
    Ok(Found { parts, expected: description.nodes, cut: whole_len.is_none(), notes, left_out })
}

/// What either superblock says, if one is whole; that of a cut file is still at its start.
fn describe(source: &dyn ByteSource) -> Result<Option<Description>> {
    let block_len = SUPERBLOCK_BYTES as u64;
    let footer_at = source.len().saturating_sub(block_len);
    for (which, offset) in [(Which::First, 0), (Which::Footer, footer_at)] {
        let mut block = [0; SUPERBLOCK_BYTES];
        let read = source.read_at(offset, &mut block);
        match read.and_then(|()| Description::read(&block, which, offset, source.name())) {
            Ok(description) => return Ok(Some(description)),
            // A block that is damaged, or that cannot be read at all, is not the last hope.
            Err(Error::Malformed { .. } | Error::Io { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(None)
}

/// What a scan found, in the order of the file.
#[derive(Default)]
struct Scanned {
    nodes: Vec<(Node, SegmentHeader)>,
    left_out: Vec<LeftOut>,
    palette: Option<PaletteExtent>,
    rig: Option<RigExtent>,
}

fn segments(source: &dyn ByteSource, end: u64) -> Result<Scanned> {
    let mut scanned = Scanned::default();
    let mut at = SUPERBLOCK_BYTES as u64;
    while at.saturating_add(SEGMENT_HEADER_BYTES as u64) <= end && scanned.nodes.len() < MAX_NODES as usize {
        let mut next = at + STEP;
        if let Some((header, head_bytes)) = header_at(source, at) {
            // A directory holds no segment; so every byte is read as part of one directory at most.
            next = (at + head_bytes).next_multiple_of(STEP);
            match node_of(source, at, end, &header, head_bytes) {
                Ok(node) => {
                    scanned.nodes.push((node, header));
                    if has_tail(source, at, &header) {
                        next = (at + header.stored_bytes).next_multiple_of(STEP);
                    }
                }
                Err(error @ Error::OutOfMemory { .. }) => return Err(error),
                Err(error) => scanned.left_out.push(LeftOut::because(&header, at, error)),
            }
        }
        if scanned.palette.is_none() {
            scanned.palette = PaletteExtent::found_at(source, at, end);
            // Its bytes hold no segment; what else begins here is one.
            next = scanned.palette.map_or(next, |found| (at + found.stored_bytes).next_multiple_of(STEP));
        }
        if scanned.rig.is_none() {
            scanned.rig = RigExtent::found_at(source, at, end);
            next = scanned.rig.map_or(next, |found| (at + found.stored_bytes).next_multiple_of(STEP));
        }
        at = next;
    }
    Ok(scanned)
}

/// The header that stands at `at`, and the bytes that it and its directory have; `None` if none whole does.
fn header_at(source: &dyn ByteSource, at: u64) -> Option<(SegmentHeader, u64)> {
    let mut bytes = [0; SEGMENT_HEADER_BYTES];
    source.read_at(at, &mut bytes).ok()?;
    let whole =
        array_at::<4>(&bytes, 0) == SEGMENT_MAGIC && crc32c::crc32c(&bytes[..0x7c]) == u32_at(&bytes, 0x7c);
    let header = SegmentHeader::parse(&bytes);
    let (header_len, entry_len) = (u64::from(u32_at(&bytes, 4)), u64::from(u32_at(&bytes, 0x34)));
    let head_bytes = header_len + u64::from(header.chunks) * entry_len;
    let sane = header_len >= SEGMENT_HEADER_BYTES as u64
        && entry_len >= DIRECTORY_ENTRY_BYTES as u64
        && at.checked_add(header.stored_bytes)?.checked_sub(SEGMENT_TAIL_BYTES as u64)?
            >= at.checked_add(head_bytes)?;
    (whole && sane).then_some((header, head_bytes))
}

/// The index's entry for a segment whose header is whole.
fn node_of(
    source: &dyn ByteSource,
    at: u64,
    end: u64,
    header: &SegmentHeader,
    head_bytes: u64,
) -> Result<Node> {
    let wrong = |why: String| Err(Error::malformed(source.name(), "segment", at, why));
    if at + header.stored_bytes > end {
        return wrong(format!("the file ends {} bytes before it does", at + header.stored_bytes - end));
    }
    let head = read_run(source, at, head_bytes)?;
    // What of the header its own checksum leaves out, and the directory.
    let directory = &head[CHECKED_BYTES..];
    if header.rate.num != 0 && crc32c::crc32c(directory) != header.directory_crc {
        return wrong("its directory is damaged".to_owned());
    }
    let Ok(header_bytes) = u32::try_from(head_bytes) else {
        return wrong(format!("a directory of {head_bytes} bytes cannot be"));
    };
    let Some(keys) = Keys::from_bytes(header.keys) else {
        return wrong("its numbers of keys cannot be".to_owned());
    };
    Ok(Node {
        keys,
        level: header.level,
        start: header.start,
        end: header.end,
        splats: header.splats,
        plane_mask: header.plane_mask & known_planes(),
        offset: at,
        stored_bytes: header.stored_bytes,
        header_bytes,
        header_crc: crc32c::crc32c(&head),
    })
}

fn has_tail(source: &dyn ByteSource, at: u64, header: &SegmentHeader) -> bool {
    let mut tail = [0; SEGMENT_TAIL_BYTES];
    let read = source.read_at(at + header.stored_bytes - SEGMENT_TAIL_BYTES as u64, &mut tail);
    read.is_ok() && tail == tail_bytes(header.sequence, header.stored_bytes)
}

/// The description that the segments give together.
fn from_segments(scanned: &Scanned, notes: &mut Vec<String>) -> Description {
    let headers = || scanned.nodes.iter().map(|(_, header)| header);
    let planes = headers().fold(0, |all, header| all | header.plane_mask);
    let sh_degree = Plane::HARMONICS.iter().filter(|plane| planes & plane.bit() != 0).count();
    let shared = scanned.palette.map_or(0, |palette| palette.degree as usize);
    let sh_degree = u8::try_from(sh_degree.max(shared)).unwrap_or_default();
    let told = headers().find_map(|header| Appearance::from_bytes(header.appearance).ok());
    if told.is_none() {
        notes.push("nothing known says how the clip is to be drawn: as usual is assumed".to_owned());
    }
    let appearance = told.unwrap_or_default();
    let said = headers()
        .map(|header| ClipInfo {
            rate: header.rate,
            duration: header.duration,
            fps: header.fps,
            sh_degree,
            appearance,
        })
        .find(is_possible);
    let info = said.unwrap_or_else(|| {
        notes
            .push(format!("nothing says how fast the clip plays: {GUESSED_FPS} frames a second are assumed"));
        let rate = TickRate { num: GUESSED_FPS * TICKS_PER_FRAME, den: 1 };
        // One tick is all that a static scene has. A length that cannot be leaves its segment out.
        let last = headers().map(|header| header.end).max().unwrap_or_default().clamp(1, i64::from(u32::MAX));
        let (duration, fps) = if last == 1 { (0, (0, 1)) } else { (last, (GUESSED_FPS, 1)) };
        ClipInfo { rate, duration, fps, sh_degree, appearance }
    });
    Description { info, nodes: 0, file_len: 0, metadata: Extent::default(), tracks: false }
}
