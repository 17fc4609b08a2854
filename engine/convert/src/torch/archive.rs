//! The zip archive that `torch.save` writes: `data.pkl`, a record `data/KEY` for each storage, the byte order. The only
//! place here that opens files.
//!
//! All names share a prefix, the name under which the file was saved. Torch stores its records; whoever packed them
//! again may have deflated them, so what an entry unpacks to is bounded by a multiple of what it takes.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use vivant::{Error, Result};
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use super::legacy;
use super::stream::shown;
use super::tensor::{Number, Tensor};

/// Longest `data.pkl`: it describes tensors and holds none, so that a large one is a megabyte.
const MAX_PICKLE: u64 = 32 << 20;
/// Bytes that a deflated entry may unpack to for each of its own: a tensor of zeros takes a thousandth, but it is none
/// that anyone wants.
const MAX_RATIO: u64 = 200;
/// Bytes behind a view that are read only for the checksum of its record.
const MAX_REST: u64 = 1 << 20;

/// A storage's record.
#[derive(Debug, Clone, Copy)]
struct Record {
    index: usize,
    length: u64,
}

/// An opened checkpoint.
#[derive(Debug)]
pub(super) struct Archive {
    file: String,
    zip: Mutex<ZipArchive<BufReader<File>>>,
    records: HashMap<String, Record>,
    big_endian: bool,
}

/// `data.pkl`, and where it stands.
#[derive(Debug)]
pub(super) struct Pickle {
    pub(super) bytes: Vec<u8>,
    pub(super) field: &'static str,
    pub(super) base: u64,
}

impl Archive {
    pub(super) fn open(path: &Path) -> Result<(Self, Pickle)> {
        let file = path.display().to_string();
        let metadata = std::fs::metadata(path).map_err(|source| Error::io(path, "cannot open", source))?;
        if !metadata.is_file() {
            return Err(Error::invalid(format!("{file}: not an ordinary file; give a checkpoint")));
        }
        let mut handle = File::open(path).map_err(|source| Error::io(path, "cannot open", source))?;
        let mut start = Vec::new();
        let length = legacy::START.len() as u64;
        handle
            .by_ref()
            .take(length)
            .read_to_end(&mut start)
            .map_err(|e| Error::io(path, "cannot read", e))?;
        if start == legacy::START {
            return Err(Error::unsupported(format!(
                "{file}: a checkpoint as torch.save wrote it before version 1.6; load it in Python and save it again: \
                 torch.save(torch.load(a, map_location='cpu'), b)"
            )));
        }
        let zip = ZipArchive::new(BufReader::new(handle)).map_err(|error| zip_fault(&file, "zip", error))?;
        let mut archive = Self { file, zip: Mutex::new(zip), records: HashMap::new(), big_endian: false };
        let pickle = archive.list(metadata.len())?;
        Ok((archive, pickle))
    }

    /// Finds the records; gives the pickle.
    fn list(&mut self, file_length: u64) -> Result<Pickle> {
        let file = self.file.as_str();
        let zip = self.zip.get_mut().unwrap_or_else(PoisonError::into_inner);
        let whole = |name: &str| name == "data.pkl" || name.ends_with("/data.pkl");
        let Some(name) = zip.file_names().find(|name| whole(name)).map(str::to_owned) else {
            let why = "the archive has no data.pkl; give a file that torch.save wrote";
            return Err(Error::malformed(file, "data.pkl", 0, why));
        };
        let prefix = name.strip_suffix("data.pkl").unwrap_or_default().to_owned();
        let (folder, order) = (format!("{prefix}data/"), format!("{prefix}byteorder"));
        for index in 0..zip.len() {
            let entry = zip.by_index_raw(index).map_err(|error| zip_fault(file, "zip entry", error))?;
            if let Some(key) = entry.name().strip_prefix(&folder) {
                let length = checked_length(file, &entry, file_length)?;
                self.records.insert(key.to_owned(), Record { index, length });
            }
        }
        if zip.index_for_name(&order).is_some() {
            let mut entry = zip.by_name(&order).map_err(|error| zip_fault(file, "byteorder", error))?;
            let mut text = String::new();
            entry
                .by_ref()
                .take(16)
                .read_to_string(&mut text)
                .map_err(|e| Error::io(file, "cannot read byteorder", e))?;
            self.big_endian = match text.trim() {
                "little" => false,
                "big" => true,
                other => {
                    let why = format!("'{}' is neither little nor big; the file is damaged", shown(other));
                    return Err(Error::malformed(file, "byteorder", entry.data_start(), why));
                }
            };
        }
        let mut entry = zip.by_name(&name).map_err(|error| zip_fault(file, "data.pkl", error))?;
        let length = checked_length(file, &entry, file_length)?;
        if length > MAX_PICKLE {
            let what = format!("{file}: bytes of data.pkl");
            return Err(Error::LimitExceeded { what, value: length, limit: MAX_PICKLE });
        }
        let stored = entry.compression() == zip::CompressionMethod::Stored;
        let base = if stored { entry.data_start() } else { 0 };
        let mut bytes = Vec::new();
        entry
            .by_ref()
            .take(length)
            .read_to_end(&mut bytes)
            .map_err(|e| damaged(file, "data.pkl", base, &e))?;
        finish_record(&mut entry, 0).map_err(|e| damaged(file, "data.pkl", base, &e))?;
        Ok(Pickle { bytes, field: if stored { "data.pkl" } else { "data.pkl (unpacked)" }, base })
    }

    /// Bytes of a record.
    pub(super) fn length_of(&self, key: &str) -> Option<u64> {
        self.records.get(key).map(|record| record.length)
    }

    /// The elements of a tensor whose bytes are the record of `key`.
    pub(super) fn read<T: Number>(&self, key: &str, tensor: &Tensor) -> Result<Vec<T>> {
        let file = self.file.as_str();
        let field = format!("data/{}", shown(key));
        let Some(record) = self.records.get(key) else {
            return Err(Error::malformed(file, &field, 0, "is not in the file; copy it again"));
        };
        let Range { start, end } = tensor.span();
        let mut zip = self.zip.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entry = zip.by_index(record.index).map_err(|error| zip_fault(file, &field, error))?;
        let base = entry.data_start();
        let mut read = || {
            std::io::copy(&mut entry.by_ref().take(start as u64), &mut std::io::sink())?;
            let values = tensor.read(&mut entry, self.big_endian)?;
            finish_record(&mut entry, record.length.saturating_sub(end as u64))?;
            Ok(values)
        };
        read().map_err(|error| damaged(file, &field, base, &error))
    }
}

/// Reads a little of what is left, so that the checksum of a record that was read in full is looked at.
fn finish_record(entry: &mut impl Read, rest: u64) -> std::io::Result<()> {
    if rest <= MAX_REST {
        std::io::copy(entry, &mut std::io::sink())?;
    }
    Ok(())
}

/// What an entry unpacks to, if that can be.
fn checked_length<R: Read>(file: &str, entry: &ZipFile<'_, R>, file_length: u64) -> Result<u64> {
    let (packed, length) = (entry.compressed_size(), entry.size());
    let limit = match entry.compression() {
        zip::CompressionMethod::Stored => packed,
        _ => packed.saturating_mul(MAX_RATIO),
    };
    if packed > file_length || length > limit {
        let what =
            format!("{file}: {}: unpacked bytes of {packed} in a file of {file_length}", shown(entry.name()));
        return Err(Error::LimitExceeded { what, value: length, limit: limit.min(file_length) });
    }
    Ok(length)
}

fn zip_fault(file: &str, field: &str, error: ZipError) -> Error {
    match error {
        ZipError::Io(source) if source.kind() != std::io::ErrorKind::UnexpectedEof => {
            Error::io(file, "cannot read the archive", source)
        }
        error => Error::malformed(
            file,
            field,
            0,
            format!("{error}; the file is cut or no checkpoint of torch: copy it again"),
        ),
    }
}

fn damaged(file: &str, field: &str, base: u64, error: &std::io::Error) -> Error {
    Error::malformed(file, field, base, format!("{error}; the file is damaged: copy it again"))
}
