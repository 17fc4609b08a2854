//! Saves what can be saved of a damaged, truncated or never finished clip: its whole segments, in a new clip.
//!
//! Sound goes with it (`repair_sound.rs`). A segment is kept if every byte of it that counts is right: header, directory, and both checksums of every chunk.
//! Kept segments are copied as they are. What one right form exists for is written anew: padding, tails, index,
//! superblock and footer. The clip keeps its length, so that times keep their meaning, unless its end is missing: then
//! it ends with the last segment saved. Memory is a few chunks and the index, however long the clip.

use std::path::Path;

use super::chunk::ChunkReader;
use super::header::{MAX_NODES, SUPERBLOCK_BYTES, Superblock, Which};
use super::index::rig_planes;
use super::intervals::Intervals;
use super::repair_sound::{self, KeptTrack};
use super::salvage::{self, Found};
use super::segment::{SEGMENT_TAIL_BYTES, Segment, SegmentHeader, tail_bytes};
use super::source::{self, Access, ByteSource};
use super::write::{WriteReport, Writer, WriterOptions};
use super::{Clip, Node};
use crate::error::{Error, Result};
use crate::frame::Plane;
use crate::splat::ClipInfo;

/// Means beyond this are no segment's: the box of the clip could not be one.
const MAX_BOUND: f32 = 1e15;

/// A segment that was found and could not be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Level of the temporal hierarchy.
    pub level: u8,
    /// First tick.
    pub start: i64,
    /// First tick after it.
    pub end: i64,
    /// Byte offset in the damaged file.
    pub offset: u64,
    /// What is wrong with it.
    pub why: String,
}

impl LeftOut {
    pub(super) fn of(header: &SegmentHeader, offset: u64, why: String) -> Self {
        Self { level: header.level, start: header.start, end: header.end, offset, why }
    }

    pub(super) fn because(header: &SegmentHeader, offset: u64, error: Error) -> Self {
        Self::of(header, offset, reason(error))
    }

    fn node(node: &Node, why: String) -> Self {
        Self { level: node.level, start: node.start, end: node.end, offset: node.offset, why }
    }
}

/// An error in the words of a report that names the file and the place itself.
fn reason(error: Error) -> String {
    match error {
        Error::Malformed { field, why, .. } => {
            // "get another copy", "convert again": good advice, but not for what is being saved just now.
            let why = why.split(';').next().unwrap_or_default();
            if field == "segment" { why.to_owned() } else { format!("{field}: {why}") }
        }
        Error::Io { what, source, .. } => format!("{what}: {source}"),
        other => other.to_string(),
    }
}

/// What a repair finds and does.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RepairReport {
    /// Segments saved.
    pub kept: u32,
    /// Segments that were found but are damaged, in the order of the file.
    pub left_out: Vec<LeftOut>,
    /// Segments that the clip should have and of which nothing was found.
    pub missing: u32,
    /// Sound saved.
    pub tracks: Vec<KeptTrack>,
    /// What else was lost, changed or written anew, a sentence each; empty for a whole clip.
    pub notes: Vec<String>,
    /// The new clip; zeros until it is written.
    pub written: WriteReport,
}

/// A damaged clip, looked through: what can be saved is known, nothing is written yet.
#[derive(Debug)]
pub struct Repair {
    clip: Clip,
    info: ClipInfo,
    /// Nodes to keep, in the order of the file.
    kept: Vec<u32>,
    report: RepairReport,
}

impl Repair {
    /// Opens a file and looks through it.
    ///
    /// # Errors
    /// As [`Self::from_source`], and [`Error::Io`] when it cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        Self::from_source(source::open(path, Access::Auto)?)
    }

    /// Looks through a source of bytes; reads all of it.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is no clip at all or not one segment is whole; [`Error::Unsupported`] when it
    /// needs a newer version of vivant, which would lose something here; [`Error::OutOfMemory`].
    pub fn from_source(source: Box<dyn ByteSource>) -> Result<Self> {
        let Found { parts, expected, cut, notes, left_out } = salvage::find(&*source)?;
        let clip = Clip::from_parts(source, parts);
        let info = clip.info();
        let mut repair = Self {
            clip,
            info,
            kept: Vec::new(),
            report: RepairReport { notes, left_out, ..RepairReport::default() },
        };
        repair.sift()?;
        let (tracks, lost) = repair_sound::sift(&repair.clip)?;
        let lost =
            lost.iter().map(|number| format!("sound track {number} is left out: no packet of it is whole"));
        repair.report.notes.extend(lost);
        repair.report.tracks = tracks;
        let found = repair.kept.len() + repair.report.left_out.len();
        repair.report.kept = u32::try_from(repair.kept.len()).unwrap_or(u32::MAX);
        repair.report.missing = expected.saturating_sub(u32::try_from(found).unwrap_or(u32::MAX));
        repair.report.left_out.sort_by_key(|left| left.offset);
        if repair.kept.is_empty() && (found > 0 || cut || expected > 0) {
            let why = format!("none of its {} segments is whole: nothing can be saved", expected.max(1));
            return Err(Error::malformed(repair.clip.name(), "clip", 0, why));
        }
        if cut {
            repair.shorten();
        } else {
            repair.check_blocks();
        }
        Ok(repair)
    }

    /// What was found.
    #[must_use]
    pub fn report(&self) -> &RepairReport {
        &self.report
    }

    /// What the new clip will be; its tick rate gives the times in the report.
    #[must_use]
    pub fn info(&self) -> ClipInfo {
        self.info
    }

    /// Writes the new clip to a file, which appears when it is whole.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(mut self, path: &Path) -> Result<RepairReport> {
        let mut writer = Writer::create(path, &self.info, &self.options())?;
        self.push_all(&mut writer)?;
        self.report.written = writer.finish()?;
        Ok(self.report)
    }

    /// Writes the new clip to memory.
    ///
    /// # Errors
    /// [`Error::Io`] when the damaged one cannot be read.
    pub fn into_bytes(mut self) -> Result<(Vec<u8>, RepairReport)> {
        let mut writer = Writer::in_memory(&self.info, &self.options())?;
        self.push_all(&mut writer)?;
        let (bytes, written) = writer.finish_bytes()?;
        self.report.written = written;
        Ok((bytes, self.report))
    }

    fn options(&self) -> WriterOptions {
        WriterOptions { metadata: self.clip.meta_json().to_owned(), ..WriterOptions::default() }
    }

    fn push_all(&self, writer: &mut Writer) -> Result<()> {
        let labels = |&&number: &&u32| {
            let node = self.clip.nodes().get(number as usize);
            node.is_some_and(|node| node.plane_mask & Plane::PackedHarmonics.bit() != 0)
        };
        if let Some(palette) = self.clip.palette().filter(|_| self.kept.iter().any(|number| labels(&number)))
        {
            writer.push_palette((**palette).clone())?;
        }
        let carried = |&number: &u32| {
            self.clip.nodes().get(number as usize).is_some_and(|node| node.plane_mask & rig_planes() != 0)
        };
        if let Some(rig) = self.clip.rig().filter(|_| self.kept.iter().any(carried)) {
            writer.push_rig((**rig).clone())?;
        }
        self.kept.iter().try_for_each(|&number| writer.push_stored(&self.clip, number))?;
        self.report.tracks.iter().try_for_each(|kept| repair_sound::push(writer, &self.clip, kept))
    }

    /// Sorts the candidates into whole and damaged ones.
    fn sift(&mut self) -> Result<()> {
        let nodes = self.clip.nodes();
        let mut order: Vec<u32> = (0..u32::try_from(nodes.len()).unwrap_or(u32::MAX)).collect();
        order.sort_by_key(|&number| nodes[number as usize].offset);
        let mut taken = Intervals::default();
        let mut reader = ChunkReader::new()?;
        let mut tails = 0_u32;
        for number in order {
            let node = nodes[number as usize];
            let why = match check(&self.clip, number, &node, &mut reader) {
                _ if self.kept.len() >= MAX_NODES as usize => "a clip has no room for it".to_owned(),
                Ok(_) if !taken.is_free(node.level, node.start, node.end) => {
                    "another segment covers its time".to_owned()
                }
                Ok(has_tail) => {
                    taken.insert(node.level, node.start, node.end);
                    self.kept.push(number);
                    tails += u32::from(!has_tail);
                    continue;
                }
                Err(error @ (Error::Malformed { .. } | Error::Io { .. })) => reason(error),
                Err(other) => return Err(other),
            };
            self.report.left_out.push(LeftOut::node(&node, why));
        }
        if tails > 0 {
            self.report
                .notes
                .push(format!("the tails of {tails} whole segments are damaged and are written anew"));
        }
        Ok(())
    }

    /// Ends the clip with its last segment.
    fn shorten(&mut self) {
        let nodes = self.clip.nodes();
        let last =
            self.kept.iter().filter_map(|&number| nodes.get(number as usize)).map(|node| node.end).max();
        if let Some(last) = last.filter(|&last| last < self.info.duration) {
            let seconds = |ticks| self.info.rate.seconds_from_ticks(ticks);
            let note = format!(
                "the clip ends after {:.3} of {:.3} s, with the last segment saved",
                seconds(last),
                seconds(self.info.duration)
            );
            self.report.notes.push(note);
            self.info.duration = last;
        }
    }

    /// Notes a damaged footer, which opening a clip does not look at. The superblock was noted then.
    fn check_blocks(&mut self) {
        let mut block = [0; SUPERBLOCK_BYTES];
        let clip = &self.clip;
        let at = clip.file_bytes().saturating_sub(SUPERBLOCK_BYTES as u64);
        let whole = clip.source().read_at(at, &mut block).is_ok()
            && Superblock::parse(&block, Which::Footer, at, clip.source().len(), clip.name()).is_ok();
        if !whole {
            self.report.notes.push("the footer is damaged and is written anew".to_owned());
        }
    }
}

/// Checks everything a segment holds; whether its tail is right is the answer.
fn check(clip: &Clip, number: u32, node: &Node, reader: &mut ChunkReader) -> Result<bool> {
    let segment = Segment::read(clip, number)?;
    let [low, high] = segment.bounds;
    if !(0..3).all(|axis| -MAX_BOUND <= low[axis] && low[axis] <= high[axis] && high[axis] <= MAX_BOUND) {
        return Err(Error::malformed(clip.name(), "bounds", node.offset, "is not a box"));
    }
    for chunk in &segment.chunks {
        reader.read(clip, chunk)?;
    }
    let mut tail = [0; SEGMENT_TAIL_BYTES];
    clip.source().read_at(node.offset + node.stored_bytes - SEGMENT_TAIL_BYTES as u64, &mut tail)?;
    Ok(tail == tail_bytes(segment.sequence, node.stored_bytes))
}
