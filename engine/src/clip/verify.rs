//! Checks every byte of a clip: each is under a checksum or must be zero, and what is wrong is named by its place.

use super::bytes::{u32_at, word};
use super::chunk::ChunkReader;
use super::header::{SUPERBLOCK_BYTES, Superblock, Which};
use super::segment::{ChunkKind, SEGMENT_TAIL_BYTES, Segment, tail_bytes};
use super::track_read::PacketReader;
use super::{Clip, index};
use crate::error::{Error, Result};

/// One damaged part of a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The part, for example `segment[3]` or `footer`.
    pub part: String,
    /// Number of the segment in the index, where it is one.
    pub segment: Option<u32>,
    /// The plane or table, where it is one.
    pub kind: Option<ChunkKind>,
    /// Its page.
    pub page: Option<u16>,
    /// Byte offset in the file.
    pub offset: u64,
    /// What is wrong.
    pub why: String,
}

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyReport {
    /// Every damaged part, in the order of the file's structure.
    pub damages: Vec<Damage>,
    /// Chunks checked.
    pub chunks: u64,
    /// Bytes checked.
    pub bytes: u64,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damages.is_empty()
    }
}

/// The check in progress.
struct Check<'a> {
    clip: &'a Clip,
    report: VerifyReport,
    /// Every run of bytes that a checksum covers; what lies between must be zero.
    covered: Vec<(u64, u64)>,
}

/// Reads the whole clip and checks every byte of it. Damage is in the report; only a failing read is an error.
///
/// # Errors
/// [`Error::Io`] or [`Error::OutOfMemory`].
pub fn verify(clip: &Clip) -> Result<VerifyReport> {
    let mut check = Check { clip, report: VerifyReport::default(), covered: Vec::new() };
    check.blocks()?;
    check.metadata()?;
    let mut reader = ChunkReader::new()?;
    for number in 0..clip.nodes().len() {
        check.segment(word(number), &mut reader)?;
    }
    check.palette()?;
    // It was read whole when the clip was opened.
    if let Some(rig) = clip.index.rig {
        check.cover(rig.offset, rig.stored_bytes);
    }
    check.tracks()?;
    check.padding()?;
    Ok(check.report)
}

impl Check<'_> {
    /// Files damage found by another check; passes on errors of the system.
    fn damaged(
        &mut self,
        segment: Option<u32>,
        chunk: Option<(ChunkKind, u16)>,
        place: u64,
        error: Error,
    ) -> Result<()> {
        let (part, offset, why) = match error {
            Error::Malformed { field, offset, why, .. } => (field, offset, why),
            Error::Unsupported { what } => ("codec".to_owned(), place, what),
            other => return Err(other),
        };
        let (kind, page) = chunk.unzip();
        self.report.damages.push(Damage { part, segment, kind, page, offset, why });
        Ok(())
    }

    fn cover(&mut self, offset: u64, len: u64) {
        self.covered.push((offset, len));
        self.report.bytes += len;
    }

    /// Superblock and footer, each by itself and against the other.
    fn blocks(&mut self) -> Result<()> {
        let clip = self.clip;
        let (len, block_len) = (clip.file_bytes(), SUPERBLOCK_BYTES as u64);
        for (which, offset) in [(Which::First, 0), (Which::Footer, len - block_len)] {
            let mut block = [0; SUPERBLOCK_BYTES];
            clip.source().read_at(offset, &mut block)?;
            self.cover(offset, block_len);
            match Superblock::parse(&block, which, offset, clip.source().len(), clip.name()) {
                Ok(parsed) if parsed == clip.superblock => {}
                Ok(_) => {
                    let why = "differs from the other copy of the superblock";
                    let error = Error::malformed(clip.name(), which.name(), offset, why);
                    self.damaged(None, None, offset, error)?;
                }
                Err(error) => self.damaged(None, None, offset, error)?,
            }
        }
        if clip.source().len() > len {
            let why = format!("{} bytes follow the end of the clip", clip.source().len() - len);
            self.damaged(None, None, len, Error::malformed(clip.name(), "end of file", len, why))?;
        }
        // The index was checked when the clip was opened.
        self.cover(clip.superblock.index.offset, clip.superblock.index.len);
        Ok(())
    }

    fn metadata(&mut self) -> Result<()> {
        let extent = self.clip.superblock.metadata;
        let bytes = super::read_run(self.clip.source(), extent.offset, extent.len)?;
        self.cover(extent.offset, extent.len);
        if extent.len > 0 && crc32c::crc32c(&bytes) != extent.crc {
            let why = "its checksum does not hold";
            let error = Error::malformed(self.clip.name(), "metadata", extent.offset, why);
            self.damaged(None, None, extent.offset, error)?;
        }
        Ok(())
    }

    fn segment(&mut self, number: u32, reader: &mut ChunkReader) -> Result<()> {
        let clip = self.clip;
        let Some(node) = clip.nodes().get(number as usize).copied() else { return Ok(()) };
        let segment = match Segment::read(clip, number) {
            Ok(segment) => segment,
            Err(error) => {
                // Without its directory the rest of the segment cannot be told from padding.
                self.cover(node.offset, node.stored_bytes);
                return self.damaged(Some(number), None, node.offset, error);
            }
        };
        self.cover(node.offset, u64::from(node.header_bytes));
        for &(offset, len) in &segment.extents {
            self.cover(offset, len);
        }
        for chunk in &segment.chunks {
            self.report.chunks += 1;
            if let Err(error) = reader.read(clip, chunk) {
                self.damaged(Some(number), Some((chunk.kind, chunk.page)), chunk.offset, error)?;
            }
        }
        let tail_at = node.offset + node.stored_bytes - SEGMENT_TAIL_BYTES as u64;
        let mut tail = [0; SEGMENT_TAIL_BYTES];
        clip.source().read_at(tail_at, &mut tail)?;
        self.cover(tail_at, SEGMENT_TAIL_BYTES as u64);
        if tail != tail_bytes(segment.sequence, node.stored_bytes) {
            let field = format!("segment[{number}].tail");
            let why = format!("does not match its header (sequence {})", u32_at(&tail, 4));
            self.damaged(Some(number), None, tail_at, Error::malformed(clip.name(), &field, tail_at, why))?;
        }
        Ok(())
    }

    /// The palette, as a whole: a clip plays without a damaged one.
    fn palette(&mut self) -> Result<()> {
        let clip = self.clip;
        let Some(extent) = clip.index.palette else { return Ok(()) };
        for (offset, len) in extent.covered(clip.source())? {
            self.cover(offset, len);
        }
        match extent.read(clip.source()) {
            Ok(_) => Ok(()),
            Err(error) => self.damaged(None, None, extent.offset, error),
        }
    }

    /// Every packet of every track this version knows.
    fn tracks(&mut self) -> Result<()> {
        let clip = self.clip;
        for &(offset, len) in &clip.index.tracks.extents {
            self.cover(offset, len);
        }
        for (number, track) in clip.tracks().iter().enumerate() {
            let mut reader = PacketReader::new();
            for packet in 0..track.audio.packets() {
                if let Err(error) = reader.read(clip, number, packet) {
                    self.damaged(None, None, 0, error)?;
                }
            }
        }
        Ok(())
    }

    /// Everything between the covered runs must be zero.
    fn padding(&mut self) -> Result<()> {
        let clip = self.clip;
        let mut covered = std::mem::take(&mut self.covered);
        covered.sort_unstable();
        let mut buffer = [0; index::NODE_BYTES * 64];
        let mut at = 0;
        for (offset, len) in covered {
            while at < offset {
                let step = usize::try_from(offset - at).unwrap_or(usize::MAX).min(buffer.len());
                clip.source().read_at(at, &mut buffer[..step])?;
                self.report.bytes += step as u64;
                if let Some(bad) = buffer[..step].iter().position(|&byte| byte != 0) {
                    let bad_at = at + bad as u64;
                    let why = "is not zero; harmless, but the file was changed after it was written";
                    self.damaged(None, None, bad_at, Error::malformed(clip.name(), "padding", bad_at, why))?;
                }
                at += step as u64;
            }
            at = at.max(offset.saturating_add(len));
        }
        Ok(())
    }
}
