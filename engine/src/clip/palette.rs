//! The palette: harmonics that all splats of a clip share, in a part of the file of its own.
//!
//! The part says itself what it is, so that it can be found where the index is lost: a header, a directory like a
//! segment's, and the pages of the planes `Sh1` to `Sh3` as independent chunks. The index names the part once. A clip
//! whose palette is damaged or gone plays without it: its splats keep their base colour, and the reader says so.

use std::sync::Arc;

use super::bytes::{array_at, put, u8_at, u16_at, u32_at, u64_at, word};
use super::chunk::{ChunkReader, Compression, Packed, pack};
use super::header::{MAX_CHUNK_BYTES, PAGE_SPLATS};
use super::segment::{Chunk, ChunkKind, DIRECTORY_ENTRY_BYTES};
use super::write::ALIGN;
use super::{ByteSource, Writer, read_run};
use crate::error::{Error, Result};
use crate::frame::{Keys, Palette, Plane};

/// Bytes of the entry in the index.
pub(super) const GLOBAL_BYTES: usize = 64;
/// Kind of the entry.
const KIND_PALETTE: u32 = 1;
const PALETTE_MAGIC: [u8; 4] = *b"PAL1";
const PALETTE_HEADER_BYTES: usize = 64;
/// Under which number chunks of the palette go instead of that of a segment: no index has so many.
pub(super) const PALETTE_NODE: u32 = u32::MAX;
/// Alignment of a chunk in the palette, as in a segment.
const ALIGNMENT: usize = 256;
/// Entries of a page.
const PAGE_ENTRIES: usize = PAGE_SPLATS;

/// Where the palette lies, as the index knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PaletteExtent {
    pub(super) degree: u32,
    pub(super) entries: u32,
    pub(super) offset: u64,
    pub(super) stored_bytes: u64,
    pub(super) header_bytes: u32,
    pub(super) header_crc: u32,
}

impl PaletteExtent {
    pub(super) fn bytes(&self) -> [u8; GLOBAL_BYTES] {
        let mut out = [0; GLOBAL_BYTES];
        put(&mut out, 0x00, &KIND_PALETTE.to_le_bytes());
        put(&mut out, 0x04, &self.degree.to_le_bytes());
        put(&mut out, 0x08, &self.offset.to_le_bytes());
        put(&mut out, 0x10, &self.stored_bytes.to_le_bytes());
        put(&mut out, 0x18, &self.entries.to_le_bytes());
        put(&mut out, 0x1c, &self.header_bytes.to_le_bytes());
        put(&mut out, 0x20, &self.header_crc.to_le_bytes());
        out
    }

    /// Reads the entries of the index from byte `at` on; `base` is where the index stands in the file. Entries of
    /// other kinds are left out.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub(super) fn parse(index: &[u8], at: usize, base: u64, file: &str) -> Result<Option<Self>> {
        let (count, len) = (u32_at(index, 0x18) as usize, u32_at(index, 0x1c) as usize);
        if count == 0 {
            return Ok(None);
        }
        let wrong = |field: &str, field_at: usize, why: &str| {
            let why = format!("{why}; convert the source again");
            Err(Error::malformed(file, &format!("index.{field}"), base.saturating_add(field_at as u64), why))
        };
        let end = len.checked_mul(count).and_then(|len| len.checked_add(at));
        if len < GLOBAL_BYTES || end.is_none_or(|end| end > index.len()) {
            return wrong("globals", 0x18, "do not fit the index");
        }
        let mut found = None;
        for number in 0..count {
            let entry_at = at + number * len;
            let record = &index[entry_at..entry_at + len];
            if u32_at(record, 0) != KIND_PALETTE {
                continue;
            }
            let name = |field: &str| format!("global[{number}].{field}");
            let extent = Self {
                degree: u32_at(record, 0x04),
                offset: u64_at(record, 0x08),
                stored_bytes: u64_at(record, 0x10),
                entries: u32_at(record, 0x18),
                header_bytes: u32_at(record, 0x1c),
                header_crc: u32_at(record, 0x20),
            };
            if found.is_some() {
                return wrong(&name("kind"), entry_at, "a clip has one palette");
            }
            if let Some((field, field_at, why)) = extent.flaw() {
                return wrong(&name(field), entry_at + field_at, why);
            }
            found = Some(extent);
        }
        Ok(found)
    }

    /// The first thing wrong with it: the field, where it stands in the entry, and why.
    fn flaw(&self) -> Option<(&'static str, usize, &'static str)> {
        if !(1..=3).contains(&self.degree) {
            return Some(("degree", 0x04, "must be 1 to 3"));
        }
        if !(1..=word(Palette::MOST)).contains(&self.entries) {
            return Some(("entries", 0x18, "must be 1 to 65536"));
        }
        let chunks = self.chunks();
        if self.header_bytes as usize != PALETTE_HEADER_BYTES + chunks * DIRECTORY_ENTRY_BYTES {
            return Some(("header_bytes", 0x1c, "is not what its entries need"));
        }
        // As with segments: each chunk starts on 256 bytes of its own.
        if self.stored_bytes < u64::from(self.header_bytes) + (chunks as u64 - 1) * ALIGNMENT as u64 {
            return Some(("stored_bytes", 0x10, "has no room for the chunks that its entries need"));
        }
        None
    }

    fn chunks(&self) -> usize {
        (self.entries as usize).div_ceil(PAGE_ENTRIES) * self.degree as usize
    }

    /// The chunks' kinds, pages and records, in the order of the file: page by page.
    fn layout(&self) -> impl Iterator<Item = (Plane, usize, usize)> + use<> {
        let (entries, degree) = (self.entries as usize, self.degree as usize);
        (0..entries.div_ceil(PAGE_ENTRIES)).flat_map(move |page| {
            let count = (entries - page * PAGE_ENTRIES).min(PAGE_ENTRIES);
            Plane::HARMONICS.into_iter().take(degree).map(move |plane| (plane, page, count))
        })
    }

    /// Looks for a palette at byte `at` of a file that ends at `end`.
    pub(super) fn found_at(source: &dyn ByteSource, at: u64, end: u64) -> Option<Self> {
        let mut bytes = [0; PALETTE_HEADER_BYTES];
        source.read_at(at, &mut bytes).ok()?;
        let whole = array_at::<4>(&bytes, 0) == PALETTE_MAGIC
            && crc32c::crc32c(&bytes[..0x3c]) == u32_at(&bytes, 0x3c);
        let mut extent = Self {
            degree: u32_at(&bytes, 0x08),
            entries: u32_at(&bytes, 0x0c),
            offset: at,
            stored_bytes: u64_at(&bytes, 0x18),
            header_bytes: 0,
            header_crc: 0,
        };
        let chunks =
            usize::try_from(u32_at(&bytes, 0x10)).ok().filter(|&chunks| chunks <= extent_chunks_limit())?;
        extent.header_bytes = word(PALETTE_HEADER_BYTES + chunks * DIRECTORY_ENTRY_BYTES);
        let inside = at.checked_add(extent.stored_bytes).is_some_and(|last| last <= end);
        if !whole || !inside || extent.flaw().is_some() {
            return None;
        }
        let head = read_run(source, at, u64::from(extent.header_bytes)).ok()?;
        extent.header_crc = crc32c::crc32c(&head);
        (crc32c::crc32c(&head[PALETTE_HEADER_BYTES..]) == u32_at(&bytes, 0x20)).then_some(extent)
    }

    /// The directory, checked.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) fn directory(&self, source: &dyn ByteSource) -> Result<Vec<Chunk>> {
        let wrong = |field: &str, at: u64, why: String| {
            Error::malformed(source.name(), &format!("palette.{field}"), self.offset.saturating_add(at), why)
        };
        let head = read_run(source, self.offset, u64::from(self.header_bytes))?;
        let crc = crc32c::crc32c(&head);
        if crc != self.header_crc {
            let why = format!("its checksum is {crc:#010x}, not {:#010x}: damaged", self.header_crc);
            return Err(wrong("header", 0, why));
        }
        let same = array_at::<4>(&head, 0) == PALETTE_MAGIC
            && (u32_at(&head, 0x08), u32_at(&head, 0x0c)) == (self.degree, self.entries)
            && u64_at(&head, 0x18) == self.stored_bytes;
        if !same {
            return Err(wrong("header", 0, "does not agree with the index".to_owned()));
        }
        let entries = head[PALETTE_HEADER_BYTES..].chunks_exact(DIRECTORY_ENTRY_BYTES);
        let mut free = u64::from(self.header_bytes);
        let mut chunks = Vec::with_capacity(self.chunks());
        for (number, (entry, (plane, page, count))) in entries.zip(self.layout()).enumerate() {
            let kind = ChunkKind::Plane(plane);
            let at = (PALETTE_HEADER_BYTES + number * DIRECTORY_ENTRY_BYTES) as u64;
            let relative = u64_at(entry, 0x10);
            let chunk = Chunk {
                node: PALETTE_NODE,
                kind,
                keys: Keys::ONE,
                page: u16_at(entry, 0x04),
                codec: u8_at(entry, 0x02),
                prediction: 0,
                count: u32_at(entry, 0x0c),
                offset: self.offset.saturating_add(relative),
                stored_len: u32_at(entry, 0x18),
                raw_len: u32_at(entry, 0x1c),
                stored_crc: u32_at(entry, 0x20),
                raw_crc: u32_at(entry, 0x24),
            };
            let end = relative.checked_add(u64::from(chunk.stored_len));
            let raw_len = count * kind.record_bytes(Keys::ONE);
            let sound = u8_at(entry, 0) == kind.number()
                && u8_at(entry, 0x03) == 0
                && chunk.codec <= 1
                && usize::from(chunk.page) == page
                && (chunk.count as usize, chunk.raw_len as usize) == (count, raw_len)
                && chunk.stored_len <= chunk.raw_len.min(MAX_CHUNK_BYTES)
                && relative >= free
                && relative.is_multiple_of(ALIGNMENT as u64)
                && end.is_some_and(|end| end <= self.stored_bytes);
            if !sound {
                return Err(wrong(
                    &format!("chunk[{number}]"),
                    at,
                    "cannot be; convert the source again".to_owned(),
                ));
            }
            free = end.unwrap_or(u64::MAX);
            chunks.push(chunk);
        }
        Ok(chunks)
    }

    /// Reads the palette and checks all of it.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Malformed`] naming the place; [`Error::OutOfMemory`].
    pub(super) fn read(&self, source: &dyn ByteSource) -> Result<Palette> {
        let mut reader = ChunkReader::new()?;
        let mut palette = Palette { entries: self.entries as usize, ..Palette::default() };
        for chunk in self.directory(source)? {
            let ChunkKind::Plane(plane) = chunk.kind else { continue };
            let bytes = reader.read_from(source, &chunk)?;
            let words = &mut palette.planes[plane.index() - Plane::Sh1.index()];
            words.extend(bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)));
        }
        // An f16 whose exponent is all ones is no number.
        let finite = |word: u32| word & 0x7c00 != 0x7c00 && word & 0x7c00_0000 != 0x7c00_0000;
        for (plane, words) in Plane::HARMONICS.iter().zip(&palette.planes) {
            if let Some(bad) = words.iter().position(|&word| !finite(word)) {
                let why =
                    format!("entry {} holds a value that is not finite; convert again", bad / plane.words());
                return Err(Error::malformed(source.name(), &format!("palette.{plane:?}"), self.offset, why));
            }
        }
        Ok(palette)
    }

    /// The byte ranges (offset, length) under checksums; all of it where the directory is damaged.
    pub(super) fn covered(&self, source: &dyn ByteSource) -> Result<Vec<(u64, u64)>> {
        match self.directory(source) {
            Ok(chunks) => {
                let stored = chunks.iter().map(|chunk| (chunk.offset, u64::from(chunk.stored_len)));
                Ok(std::iter::once((self.offset, u64::from(self.header_bytes))).chain(stored).collect())
            }
            Err(Error::Malformed { .. }) => Ok(vec![(self.offset, self.stored_bytes)]),
            Err(other) => Err(other),
        }
    }
}

/// Chunks that the largest palette has.
const fn extent_chunks_limit() -> usize {
    Palette::MOST / PAGE_ENTRIES * 3
}

/// What a clip knows of its palette.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) palette: Option<Arc<Palette>>,
    /// What is wrong, if splats name entries and there are none.
    pub(super) notice: Option<String>,
}

impl Loaded {
    /// Reads the palette if there is one. Damage is a notice: the clip plays without.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::OutOfMemory`].
    pub(super) fn read(source: &dyn ByteSource, extent: Option<PaletteExtent>, wanted: bool) -> Result<Self> {
        let without = "the clip plays without colour that depends on the direction";
        let lost = match extent.map(|extent| extent.read(source)) {
            Some(Ok(palette)) => return Ok(Self { palette: Some(Arc::new(palette)), notice: None }),
            Some(Err(Error::Malformed { field, offset, why, .. })) => {
                format!("{field} at byte {offset}: {why}; {without}")
            }
            Some(Err(Error::Unsupported { what })) => format!("{what}; {without}"),
            Some(Err(other)) => return Err(other),
            None if wanted => format!("its palette of harmonics is lost: {without}"),
            None => return Ok(Self::default()),
        };
        Ok(Self { palette: None, notice: Some(lost) })
    }
}

impl Writer {
    /// Writes the palette whose entries the segments that follow may name; a clip has one.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a second one, or one whose planes do not have its number of entries;
    /// [`Error::Io`].
    pub fn push_palette(&mut self, palette: Palette) -> Result<()> {
        if self.palette.is_some() || !is_sound(&palette) {
            return Err(Error::invalid("a clip has one palette, of 1 to 65536 entries of degree 1 to 3"));
        }
        self.pad_to(u64::from(ALIGN))?;
        let packed = part(&palette, self.position, self.options.compression);
        let (bytes, extent) = packed.map_err(|source| Error::io(&self.name, "cannot compress", source))?;
        self.put(&bytes)?;
        for seed in &mut self.identity {
            *seed = crc32c::crc32c_append(*seed, &extent.header_crc.to_le_bytes());
        }
        self.palette = Some((extent, Arc::new(palette)));
        Ok(())
    }

    /// The palette that was written.
    #[must_use]
    pub fn palette(&self) -> Option<&Arc<Palette>> {
        self.palette.as_ref().map(|(_, palette)| palette)
    }
}

/// The bytes of a palette as a part of the file, and the entry of the index for it at `offset`.
///
/// # Errors
/// When the compressor fails.
fn part(
    palette: &Palette,
    offset: u64,
    compression: Compression,
) -> std::io::Result<(Vec<u8>, PaletteExtent)> {
    let mut extent = PaletteExtent {
        degree: word(palette.harmonics().count()),
        entries: word(palette.entries),
        offset,
        stored_bytes: 0,
        header_bytes: 0,
        header_crc: 0,
    };
    let head_len = PALETTE_HEADER_BYTES + extent.chunks() * DIRECTORY_ENTRY_BYTES;
    extent.header_bytes = word(head_len);
    let mut directory = Vec::with_capacity(head_len);
    let mut body = vec![0; head_len];
    for (plane, page, count) in extent.layout() {
        let kind = ChunkKind::Plane(plane);
        let first = page * PAGE_ENTRIES * plane.words();
        let words = &palette.planes[plane.index() - Plane::Sh1.index()][first..first + count * plane.words()];
        let raw: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let Packed { codec, bytes, .. } = pack(&raw, kind, Keys::ONE, compression)?;
        body.resize(body.len().next_multiple_of(ALIGNMENT), 0);
        let chunk = Chunk {
            node: PALETTE_NODE,
            kind,
            keys: Keys::ONE,
            page: u16::try_from(page).unwrap_or(u16::MAX),
            codec,
            prediction: 0,
            count: word(count),
            offset: body.len() as u64,
            stored_len: word(bytes.len()),
            raw_len: word(raw.len()),
            stored_crc: crc32c::crc32c(&bytes),
            raw_crc: crc32c::crc32c(&raw),
        };
        directory.extend_from_slice(&chunk.bytes(0));
        body.extend_from_slice(&bytes);
    }
    extent.stored_bytes = body.len() as u64;
    let mut header = [0; PALETTE_HEADER_BYTES];
    put(&mut header, 0x00, &PALETTE_MAGIC);
    put(&mut header, 0x04, &word(PALETTE_HEADER_BYTES).to_le_bytes());
    put(&mut header, 0x08, &extent.degree.to_le_bytes());
    put(&mut header, 0x0c, &extent.entries.to_le_bytes());
    put(&mut header, 0x10, &word(extent.chunks()).to_le_bytes());
    put(&mut header, 0x14, &word(DIRECTORY_ENTRY_BYTES).to_le_bytes());
    put(&mut header, 0x18, &extent.stored_bytes.to_le_bytes());
    put(&mut header, 0x20, &crc32c::crc32c(&directory).to_le_bytes());
    let crc = crc32c::crc32c(&header[..0x3c]);
    put(&mut header, 0x3c, &crc.to_le_bytes());
    put(&mut body, 0, &header);
    put(&mut body, PALETTE_HEADER_BYTES, &directory);
    extent.header_crc = crc32c::crc32c(&body[..head_len]);
    Ok((body, extent))
}

/// Whether a palette can be written: entries, and planes of them from the first degree up.
fn is_sound(palette: &Palette) -> bool {
    let degree = palette.harmonics().count();
    let planes = Plane::HARMONICS.iter().zip(&palette.planes).enumerate();
    (1..=Palette::MOST).contains(&palette.entries)
        && degree > 0
        && planes.into_iter().all(|(at, (plane, words))| {
            words.len() == if at < degree { palette.entries * plane.words() } else { 0 }
        })
}
