//! NumPy archives (`.npz`) and single arrays (`.npy`), read array by array: nothing is evaluated, nothing is unpickled.
//!
//! An archive is a zip of `NAME.npy` entries, stored (`np.savez`) or deflated (`np.savez_compressed`). Opening reads the
//! list of entries alone; [`Npz::array`] reads one header; [`Array::read`] reads one array, [`Array::read_rows`] a range of
//! its first axis, for which a stored array is read at that place and nowhere else. Values come in C order whatever the
//! file's.
//!
//! Every size is held against another before anything is allocated: the entry's place against the length of the file, its
//! unpacked size against what deflate can pack at most, the header's shape and type against that size exactly. What is
//! read whole is held against its CRC. Objects are pickles: their bytes are handed on by [`Array::pickle`] to whoever
//! dares.

mod header;
mod number;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use flate2::Crc;
use flate2::read::DeflateDecoder;
use vivant::{Error, Result};
use zip::CompressionMethod;

use header::Header;
pub use header::{Dtype, Kind};
pub use number::Number;

/// Most bytes a deflated byte can stand for: a match of 258 bytes takes two bits at least.
const MOST_PACKED: u64 = 1032;
/// Most bytes of one array that are read at a time.
const MAX_READ: u64 = 16 << 30;
/// Most bytes of a pickle.
const MAX_PICKLE: u64 = 256 << 20;
/// Most entries of an archive.
const MAX_ENTRIES: usize = 4096;
/// Bytes converted at a time.
const BLOCK: usize = 256 * 1024;

/// An archive whose entries are known.
#[derive(Debug, Clone)]
pub struct Npz {
    path: Arc<Path>,
    entries: Vec<Entry>,
}

/// Where an array lies in its file.
#[derive(Debug, Clone)]
struct Entry {
    /// Without `.npy`.
    name: String,
    /// First byte of it in the file.
    start: u64,
    /// Bytes it takes in the file.
    packed: u64,
    /// Bytes of it when unpacked.
    size: u64,
    deflated: bool,
    crc: Option<u32>,
}

/// One array: its header has been read, its values have not.
#[derive(Debug, Clone)]
pub struct Array {
    path: Arc<Path>,
    entry: Entry,
    header: Header,
}

impl Npz {
    /// Opens an archive, or a single array as an archive that holds it under the name `array`.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Malformed`] for what is neither, or whose entries lie outside the file or promise more than
    /// they can hold; [`Error::LimitExceeded`]; [`Error::Unsupported`] for encrypted entries and other compressions.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = File::open(path).map_err(|source| Error::io(path, "cannot open", source))?;
        let metadata = file.metadata().map_err(|source| Error::io(path, "cannot open", source))?;
        let mut magic = Vec::new();
        let start = file.by_ref().take(header::MAGIC.len() as u64).read_to_end(&mut magic);
        start.map_err(|source| Error::io(path, "cannot read", source))?;
        let length = metadata.len();
        let entries = if magic == header::MAGIC {
            let name = "array".to_owned();
            vec![Entry { name, start: 0, packed: length, size: length, deflated: false, crc: None }]
        } else {
            list(path, file, length)?
        };
        Ok(Self { path: path.into(), entries })
    }

    /// The names of its arrays, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// Whether it holds an array of this name.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        self.names().any(|own| own == name)
    }

    /// The first array whose name ends so.
    #[must_use]
    pub fn ending(&self, end: &str) -> Option<&str> {
        self.names().find(|own| own.ends_with(end))
    }

    /// The array of this name: reads its header and no value.
    ///
    /// # Errors
    /// [`Error::Malformed`] when there is none, or its header is damaged or does not fit its size;
    /// [`Error::Unsupported`] for structures, texts, complex numbers and times.
    pub fn array(&self, name: &str) -> Result<Array> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name == name) else {
            let file = self.path.display().to_string();
            const SHOWN: usize = 12;
            let names: Vec<&str> = self.names().take(SHOWN).collect();
            let why =
                format!("there is no array of that name, only: {}; save it with the others", names.join(" "));
            return Err(Error::malformed(&file, &format!("array {name}"), 0, why));
        };
        let mut array = Array { path: self.path.clone(), entry: entry.clone(), header: Header::default() };
        let mut start = Vec::new();
        let reader = array.stream()?.take(header::MAX_LENGTH as u64);
        BufReader::new(reader).read_to_end(&mut start).map_err(|source| array.broken(0, &source))?;
        array.header = Header::parse(&start).map_err(|why| array.wrong(&why))?;
        if let Kind::Other(type_name) = &array.header.dtype.kind {
            let file = self.path.display();
            return Err(Error::unsupported(format!(
                "{file}: array {name}: elements of type {type_name}; only numbers are read: save it as a numeric array"
            )));
        }
        array.check_size()?;
        Ok(array)
    }
}

/// The entries of a zip archive that are arrays.
fn list(path: &Path, file: File, length: u64) -> Result<Vec<Entry>> {
    let name_of_file = path.display().to_string();
    let damaged = |field: &str, offset: u64, why: String| {
        Error::malformed(&name_of_file, field, offset, format!("{why}; copy or save the archive again"))
    };
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|error| {
        damaged("archive", 0, format!("neither a zip archive nor a NumPy array: {error}"))
    })?;
    if archive.len() > MAX_ENTRIES {
        let what = format!("{name_of_file}: entries of the archive");
        return Err(Error::LimitExceeded { what, value: archive.len() as u64, limit: MAX_ENTRIES as u64 });
    }
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let entry = archive
            .by_index_raw(index)
            .map_err(|error| damaged(&format!("entry {index}"), 0, error.to_string()))?;
        let Some(name) = entry.name().strip_suffix(".npy").map(str::to_owned) else { continue };
        let field = format!("array {name}");
        let deflated = match entry.compression() {
            CompressionMethod::Stored => false,
            CompressionMethod::Deflated => true,
            other => {
                return Err(Error::unsupported(format!(
                    "{name_of_file}: {field}: compressed by {other}; save it with np.savez"
                )));
            }
        };
        if entry.encrypted() {
            return Err(Error::unsupported(format!(
                "{name_of_file}: {field}: encrypted; save it with np.savez"
            )));
        }
        let (start, packed, size) = (entry.data_start(), entry.compressed_size(), entry.size());
        if start.checked_add(packed).is_none_or(|end| end > length) {
            return Err(damaged(&field, start, format!("{packed} bytes where the file has {length} in all")));
        }
        let most = if deflated { packed.saturating_mul(MOST_PACKED) } else { packed };
        if size > most || (!deflated && size != packed) {
            return Err(damaged(&field, start, format!("{size} bytes out of {packed}, which cannot be")));
        }
        entries.push(Entry { name, start, packed, size, deflated, crc: Some(entry.crc32()) });
    }
    Ok(entries)
}

impl Array {
    /// Its name, without `.npy`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// Its shape; empty for a single number.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    /// The type of its elements.
    #[must_use]
    pub const fn dtype(&self) -> &Dtype {
        &self.header.dtype
    }

    /// Whether a range of rows costs no more than itself: stored, and in C order.
    #[must_use]
    pub const fn is_seekable(&self) -> bool {
        !self.entry.deflated && !self.header.fortran
    }

    /// Number of elements.
    #[must_use]
    pub fn count(&self) -> usize {
        // Held against the size of the entry by check_size.
        self.header.shape.iter().fold(1, |count, &side| count.saturating_mul(side))
    }

    /// Its sides where it has exactly those that `wanted` names, `None` standing for any length.
    ///
    /// # Errors
    /// [`Error::Malformed`], saying what was wanted.
    pub fn expect_shape(&self, wanted: &[Option<usize>]) -> Result<&[usize]> {
        let shape = self.shape();
        let fits = shape.len() == wanted.len()
            && shape.iter().zip(wanted).all(|(side, wanted)| wanted.is_none_or(|wanted| wanted == *side));
        if fits {
            return Ok(shape);
        }
        let side = |side: &Option<usize>| side.map_or_else(|| "any".to_owned(), |side| side.to_string());
        let wanted = wanted.iter().map(side).collect::<Vec<_>>().join(", ");
        Err(self.wrong(&format!("its shape is {shape:?} where [{wanted}] belongs; save it so")))
    }

    /// All values, in C order.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Malformed`] for damage, and for values that `T` cannot hold; [`Error::Unsupported`] for
    /// objects; [`Error::LimitExceeded`] beyond 16 GiB.
    pub fn read<T: Number>(&self) -> Result<Vec<T>> {
        let mut reader = Checked { inner: self.stream()?, crc: Crc::new() };
        self.pass_over(&mut reader, self.header.length)?;
        let values = self.values(&mut reader, self.count())?;
        self.check_end(reader)?;
        Ok(if self.header.fortran { header::to_c_order(self.shape(), &values) } else { values })
    }

    /// `count` rows of the first axis from row `first` on, in C order. Of a deflated array all that comes before is
    /// unpacked and thrown away; one in Fortran order is read whole: see [`Self::is_seekable`].
    ///
    /// # Errors
    /// As [`Self::read`]; [`Error::InvalidArgument`] for rows it has not.
    pub fn read_rows<T: Number>(&self, first: usize, count: usize) -> Result<Vec<T>> {
        let rows = self.shape().first().copied().unwrap_or(0);
        let Some(end) = first.checked_add(count).filter(|&end| end <= rows) else {
            let file = self.path.display();
            return Err(Error::invalid(format!(
                "{file}: array {}: rows {first}.. of {rows}: there are not {count}",
                self.name()
            )));
        };
        let each: usize = self.count().checked_div(rows).unwrap_or(0);
        if self.header.fortran {
            return Ok(self.read::<T>()?[first * each..end * each].to_vec());
        }
        let before = self.header.length + (first * each) as u64 * self.header.dtype.size() as u64;
        if self.entry.deflated {
            let mut reader = self.stream()?;
            self.pass_over(&mut reader, before)?;
            return self.values(&mut reader, count * each);
        }
        self.values(&mut self.stored_from(before)?, count * each)
    }

    /// The pickle of an array of objects, which nobody has looked at.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Malformed`]; [`Error::LimitExceeded`] beyond 256 MiB; [`Error::InvalidArgument`] for an
    /// array of numbers.
    pub fn pickle(&self) -> Result<Vec<u8>> {
        if self.header.dtype.kind != Kind::Object {
            return Err(Error::invalid(format!(
                "{}: array {}: numbers and no pickle",
                self.path.display(),
                self.name()
            )));
        }
        let size = self.entry.size - self.header.length;
        if size > MAX_PICKLE {
            let what = format!("{}: array {}: bytes of its pickle", self.path.display(), self.name());
            return Err(Error::LimitExceeded { what, value: size, limit: MAX_PICKLE });
        }
        let mut reader = Checked { inner: self.stream()?, crc: Crc::new() };
        self.pass_over(&mut reader, self.header.length)?;
        let mut bytes = Vec::new();
        let read = reader.by_ref().take(size).read_to_end(&mut bytes);
        read.map_err(|source| self.broken(self.header.length, &source))?;
        self.check_end(reader)?;
        Ok(bytes)
    }

    /// Holds shape and type against the size of the entry.
    fn check_size(&self) -> Result<()> {
        let (header, size) = (&self.header, self.entry.size);
        if header.length > size {
            return Err(self.wrong("the array ends within its header; save it again"));
        }
        if header.dtype.kind == Kind::Object {
            return Ok(());
        }
        let mut sides = header.shape.iter().map(|&side| side as u64);
        let bytes = sides.try_fold(header.dtype.size() as u64, u64::checked_mul);
        let held = size - header.length;
        if bytes != Some(held) {
            let (shape, dtype) = (&header.shape, &header.dtype);
            return Err(
                self.wrong(&format!("shape {shape:?} of {dtype} does not make {held} bytes; save it again"))
            );
        }
        Ok(())
    }

    /// The bytes of the entry, unpacked.
    fn stream(&self) -> Result<Box<dyn Read>> {
        let stored = self.stored_from(0)?;
        Ok(if self.entry.deflated { Box::new(DeflateDecoder::new(stored)) } else { Box::new(stored) })
    }

    /// The bytes of the entry as they are in the file.
    fn stored_from(&self, offset: u64) -> Result<BufReader<std::io::Take<File>>> {
        let path = &*self.path;
        let mut file = File::open(path).map_err(|source| Error::io(path, "cannot open", source))?;
        file.seek(SeekFrom::Start(self.entry.start + offset))
            .map_err(|source| Error::io(path, "cannot seek", source))?;
        Ok(BufReader::new(file.take(self.entry.packed.saturating_sub(offset))))
    }

    fn pass_over(&self, reader: &mut dyn Read, bytes: u64) -> Result<()> {
        let passed = std::io::copy(&mut reader.take(bytes), &mut std::io::sink());
        let passed = passed.map_err(|source| self.broken(0, &source))?;
        if passed < bytes { Err(self.ends(passed)) } else { Ok(()) }
    }

    /// The next `count` values of a stream.
    fn values<T: Number>(&self, reader: &mut dyn Read, count: usize) -> Result<Vec<T>> {
        let dtype = &self.header.dtype;
        let size = dtype.size();
        let bytes = (count as u64).saturating_mul(size.max(1) as u64);
        if dtype.kind == Kind::Object {
            let file = self.path.display();
            return Err(Error::unsupported(format!(
                "{file}: array {}: Python objects; only numbers are read: save it as a numeric array",
                self.name()
            )));
        }
        if bytes > MAX_READ {
            let what = format!("{}: array {}: bytes read at a time", self.path.display(), self.name());
            return Err(Error::LimitExceeded { what, value: bytes, limit: MAX_READ });
        }
        // What is stored is there; what is deflated may not be, and its room grows with what comes out.
        let mut values = Vec::with_capacity(if self.entry.deflated { 0 } else { count });
        let mut block = vec![0; BLOCK.min(count * size)];
        while values.len() < count {
            let taken = (BLOCK / size).min(count - values.len());
            let part = &mut block[..taken * size];
            let done = (values.len() * size) as u64;
            reader.read_exact(part).map_err(|source| self.broken(self.header.length + done, &source))?;
            number::decode(dtype, part, &mut values).map_err(|why| self.wrong(why))?;
        }
        Ok(values)
    }

    /// Nothing may follow, and what was read must be what was written.
    fn check_end(&self, mut reader: Checked) -> Result<()> {
        let left = reader.read(&mut [0]).map_err(|source| self.broken(self.entry.size, &source))?;
        if left > 0 {
            return Err(self.wrong("more bytes are packed than the archive says; save it again"));
        }
        if self.entry.crc.is_some_and(|crc| crc != reader.crc.sum()) {
            return Err(self.wrong("its checksum is wrong: the file is damaged; copy or save it again"));
        }
        Ok(())
    }

    /// An error of the array as a whole.
    fn wrong(&self, why: &str) -> Error {
        let file = self.path.display().to_string();
        Error::malformed(&file, &format!("array {}", self.name()), self.entry.start, why)
    }

    fn ends(&self, offset: u64) -> Error {
        let file = self.path.display().to_string();
        let at = self.entry.start + if self.entry.deflated { 0 } else { offset };
        let why = "the array ends before its last value; copy or save it again";
        Error::malformed(&file, &format!("array {}", self.name()), at, why)
    }

    /// The error of a read that failed after `offset` bytes of the array.
    fn broken(&self, offset: u64, source: &std::io::Error) -> Error {
        match source.kind() {
            std::io::ErrorKind::UnexpectedEof => self.ends(offset),
            _ => self.wrong(&format!("cannot be read: {source}; copy or save it again")),
        }
    }
}

/// A reader that sums up what passes.
struct Checked {
    inner: Box<dyn Read>,
    crc: Crc,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.crc.update(&buffer[..read]);
        Ok(read)
    }
}
