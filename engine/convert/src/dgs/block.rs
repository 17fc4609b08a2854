//! A block of a `.dgs` performance: the geometry of every frame, and colours as numbers of entries in four codebooks.
//!
//! ```text
//! point_cloud_J.ply      x y z  rot_0..3 (unit, w first)  scale_0..2 (linear)  opacity (0..1)       frame J of the block
//! codebook_rgb.bytes     f32[C,3]  f_dc         codebook_sh_1, _2, _3.bytes   f32[C,9], [C,15], [C,21]
//! canonical_index.bytes  i32[N,4]  the entry of each splat in rgb, sh_1, sh_2, sh_3, frame 0
//! index.bytes            i32: 4(F−1) ends of lists, then the lists: (splat, entry) pairs, frame by frame, book by book
//! ```
//! A list changes the frame before. Ends count i32 words from the start of the file and add up; the writer begins to count
//! at 4(F−1) held in eight bits, so in blocks of more than 64 frames all ends lack a multiple of 256. Where the last end and
//! the size of the file disagree by just that, it is put back.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use vivant::splat::{SH_C0, Splats};
use vivant::{Error, Result};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::ply::{MAX_SPLATS, Table};
use crate::rows;

/// Bytes that an entry may unpack to for one packed: deflate's own limit.
const MOST_PACKED: u64 = 1032;
/// Most bytes of an entry.
const MAX_ENTRY: u64 = 4 << 30;

/// Floats an entry of each codebook, and their names.
const BOOKS: [(&str, usize); 4] = [
    ("codebook_rgb.bytes", 3),
    ("codebook_sh_1.bytes", 9),
    ("codebook_sh_2.bytes", 15),
    ("codebook_sh_3.bytes", 21),
];
const CANONICAL: &str = "canonical_index.bytes";
const INDEX: &str = "index.bytes";

/// What all frames of a block share.
#[derive(Debug)]
pub(super) struct Block {
    path: PathBuf,
    file: String,
    books: [Vec<f32>; 4],
    canonical: Vec<[i32; 4]>,
    /// The pairs of all lists.
    changes: Vec<[i32; 2]>,
    /// Where in `changes` each list ends, four a frame from frame 1 on.
    ends: Vec<usize>,
}

/// The number of splats of a block, by the size of an entry.
pub(super) fn splats_in(path: &Path) -> Result<u64> {
    let mut archive = archive(path)?;
    let bytes = archive.by_name(CANONICAL).map(|entry| entry.size());
    bytes.map(|bytes| bytes / 16).map_err(|error| unreadable(&path.display().to_string(), CANONICAL, &error))
}

fn archive(path: &Path) -> Result<ZipArchive<BufReader<File>>> {
    let handle = File::open(path).map_err(|source| Error::io(path, "cannot open", source))?;
    let file = path.display().to_string();
    ZipArchive::new(BufReader::new(handle))
        .map_err(|error| Error::malformed(&file, "archive", 0, format!("{error}; copy or export it again")))
}

fn unreadable(file: &str, name: &str, error: &ZipError) -> Error {
    Error::malformed(file, name, 0, format!("{error}; copy or export the block again"))
}

impl Block {
    /// Reads what the `frames` frames of a block share.
    pub(super) fn read(path: &Path, frames: usize) -> Result<Self> {
        let mut archive = archive(path)?;
        let file = path.display().to_string();
        let wrong = |name: &str, why: String| {
            Error::malformed(&file, name, 0, format!("{why}; copy or export the block again"))
        };
        let canonical = words(&entry(&mut archive, &file, CANONICAL)?);
        let canonical = canonical.filter(|words| words.len() % 4 == 0 && !words.is_empty());
        let canonical = canonical
            .ok_or_else(|| wrong(CANONICAL, "not four numbers a splat, or none".to_owned()))?
            .as_chunks::<4>()
            .0
            .to_vec();
        if canonical.len() as u64 > MAX_SPLATS {
            let what = format!("{file}: {CANONICAL}: splats");
            return Err(Error::LimitExceeded { what, value: canonical.len() as u64, limit: MAX_SPLATS });
        }
        let mut books: [Vec<f32>; 4] = Default::default();
        for (book, (name, each)) in books.iter_mut().zip(BOOKS) {
            let floats = words(&entry(&mut archive, &file, name)?);
            let floats = floats.filter(|floats| floats.len() % each == 0 && !floats.is_empty());
            let floats =
                floats.ok_or_else(|| wrong(name, format!("not {each} numbers an entry, or none")))?;
            *book = floats.into_iter().map(|word| f32::from_bits(word.cast_unsigned())).collect();
        }
        let index = words(&entry(&mut archive, &file, INDEX)?)
            .ok_or_else(|| wrong(INDEX, "no whole number of 32-bit words".to_owned()))?;
        let heads = 4 * (frames - 1);
        let ends = list_ends(&index, heads).map_err(|why| wrong(INDEX, why))?;
        let changes = index.get(heads..).unwrap_or_default().as_chunks::<2>().0.to_vec();
        let block = Self { path: path.to_owned(), file, books, canonical, changes, ends };
        block.check().map_err(|(name, why)| {
            Error::malformed(&block.file, name, 0, format!("{why}; copy or export the block again"))
        })?;
        Ok(block)
    }

    /// Its file, as the user named it.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// Every number must name a splat or an entry that is there.
    fn check(&self) -> std::result::Result<(), (&'static str, String)> {
        let entries = [0, 1, 2, 3].map(|book| self.books[book].len() / BOOKS[book].1);
        let names = |entry: i32, book: usize| usize::try_from(entry).is_ok_and(|entry| entry < entries[book]);
        for (splat, own) in self.canonical.iter().enumerate() {
            if let Some(book) = (0..4).find(|&book| !names(own[book], book)) {
                let why = format!("splat {splat} has entry {} of {}", own[book], entries[book]);
                return Err((CANONICAL, why));
            }
        }
        let mut first = 0;
        for (list, &end) in self.ends.iter().enumerate() {
            for &[splat, entry] in &self.changes[first..end] {
                let there = usize::try_from(splat).is_ok_and(|splat| splat < self.canonical.len());
                if !there || !names(entry, list % 4) {
                    let (count, most) = (self.canonical.len(), entries[list % 4]);
                    let why = format!("list {list}: splat {splat} of {count}, entry {entry} of {most}");
                    return Err((INDEX, why));
                }
            }
            first = end;
        }
        Ok(())
    }

    /// The splats of frame `local` of the block, activated, as the file has its axes.
    pub(super) fn frame(&self, local: usize) -> Result<Splats> {
        let name = format!("point_cloud_{local}.ply");
        let bytes = entry(&mut archive(&self.path)?, &self.file, &name)?;
        let table = Table::parse(&format!("{}: {name}", self.file), &bytes)?;
        let count = self.canonical.len();
        if table.len() != count {
            let why = format!("{} splats where the block has {count}; export the block again", table.len());
            return Err(Error::malformed(&self.file, &name, table.offset(), why));
        }
        let place = table.columns(["x", "y", "z"])?;
        let rotation = table.columns(["rot_1", "rot_2", "rot_3", "rot_0"])?;
        let scale = table.columns(["scale_0", "scale_1", "scale_2"])?;
        let opacity = table.column("opacity")?;
        let mut splats = rows::zeroed(count, 3);
        #[expect(clippy::cast_possible_truncation, reason = "the file has f32")]
        let narrow = |value: f64| value as f32;
        for row in 0..count {
            splats.mean[row] = table.numbers(row, place).map(narrow);
            splats.rotation[row] = table.numbers(row, rotation).map(narrow);
            splats.scale[row] = table.numbers(row, scale).map(narrow);
            splats.opacity[row] = narrow(table.number(row, opacity));
        }
        self.colour(local, &mut splats);
        Ok(splats)
    }

    /// Gives splats the colours and harmonics of a frame.
    fn colour(&self, local: usize, splats: &mut Splats) {
        let mut entries = self.canonical.clone();
        let mut first = 0;
        for (list, &end) in self.ends.iter().take(4 * local).enumerate() {
            for &[splat, entry] in &self.changes[first..end] {
                entries[at(splat)][list % 4] = entry;
            }
            first = end;
        }
        let harmonics = splats.sh_rest.as_chunks_mut::<45>().0;
        for (row, own) in entries.into_iter().enumerate() {
            let value = |book: usize| {
                let each = BOOKS[book].1;
                &self.books[book][at(own[book]) * each..][..each]
            };
            for (to, dc) in splats.colour[row].iter_mut().zip(value(0)) {
                *to = 0.5 + SH_C0 * dc;
            }
            harmonics[row][..9].copy_from_slice(value(1));
            harmonics[row][9..24].copy_from_slice(value(2));
            harmonics[row][24..].copy_from_slice(value(3));
        }
    }
}

/// A number that has been checked, as an index.
fn at(number: i32) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// The ends of the lists, in pairs from the first list on.
fn list_ends(index: &[i32], heads: usize) -> std::result::Result<Vec<usize>, String> {
    let Some((ends, pairs)) = index.split_at_checked(heads) else {
        return Err(format!("{} words, where {heads} ends of lists belong", index.len()));
    };
    let total = i64::try_from(index.len()).unwrap_or(i64::MAX);
    let lost = i64::try_from(heads - heads % 256).unwrap_or(0);
    let last = ends.last().map_or(total, |&last| i64::from(last));
    let shift = if last + lost == total { lost } else { 0 };
    if last + shift != total || pairs.len() % 2 != 0 {
        return Err(format!("its lists end at word {last} and the file at word {total}"));
    }
    let start = i64::try_from(heads).unwrap_or(i64::MAX);
    let mut before = start;
    let pairs = ends.iter().map(|&end| {
        let end = i64::from(end) + shift;
        let fits = end >= before && end <= total && (end - start) % 2 == 0;
        before = end;
        let pair = usize::try_from((end - start) / 2).ok().filter(|_| fits);
        pair.ok_or_else(|| format!("a list ends at word {end} of {total}, before it begins or within a pair"))
    });
    pairs.collect()
}

/// Little-endian 32-bit words.
fn words(bytes: &[u8]) -> Option<Vec<i32>> {
    let (words, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| words.iter().map(|word| i32::from_le_bytes(*word)).collect())
}

/// An entry of the archive, whole.
fn entry(archive: &mut ZipArchive<BufReader<File>>, file: &str, name: &str) -> Result<Vec<u8>> {
    let packed = archive.by_name(name).map_err(|error| unreadable(file, name, &error))?;
    let (size, most) = (packed.size(), packed.compressed_size().saturating_mul(MOST_PACKED).min(MAX_ENTRY));
    if size > most {
        let what = format!("{file}: {name}: bytes unpacked");
        return Err(Error::LimitExceeded { what, value: size, limit: most });
    }
    let mut bytes = Vec::new();
    let read = packed.take(size).read_to_end(&mut bytes);
    read.map_err(|error| {
        Error::malformed(file, name, 0, format!("{error}; copy or export the block again"))
    })?;
    if bytes.len() as u64 != size {
        let why = format!("{} bytes where the archive promises {size}; copy it again", bytes.len());
        return Err(Error::malformed(file, name, 0, why));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_lists_are_put_back_where_eight_bits_lost_them() {
        // Two frames: four lists after four ends.
        assert_eq!(list_ends(&[6, 6, 8, 8, 0, 0, 0, 0], 4), Ok(vec![1, 1, 2, 2]));
        assert!(list_ends(&[6, 6, 8, 10, 0, 0, 0, 0], 4).is_err(), "past the end");
        assert!(list_ends(&[8, 6, 8, 8, 0, 0, 0, 0], 4).is_err(), "backwards");
        assert!(list_ends(&[5, 6, 8, 8, 0, 0, 0, 0], 4).is_err(), "within a pair");
        assert!(list_ends(&[6, 6], 4).is_err(), "too short");
        assert_eq!(list_ends(&[], 0), Ok(vec![]));
        // 66 frames: 260 ends, counted from 260 mod 256.
        let mut index = vec![260 + 2 - 256; 260];
        index.extend([0, 0]);
        assert_eq!(list_ends(&index, 260), Ok(vec![1; 260]));
        assert!(list_ends(&index[..261], 260).is_err());
    }
}
