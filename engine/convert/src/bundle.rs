//! Splats in several files that a manifest names: a folder, or the same files in a zip archive.
//!
//! A name leads nowhere but into the folder or archive. What an entry unpacks to is bounded by what the caller expects and
//! by what it takes packed, so an archive cannot fill the memory; the archive's own checksums are held.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Component, Path, PathBuf};

use serde::de::DeserializeOwned;
use vivant::{Error, Result};
use zip::ZipArchive;

/// Most bytes of a manifest.
const MAX_MANIFEST: u64 = 4 << 20;

/// Bytes that an entry may unpack to for one packed, beside [`FREE`]: text packs to a fifth, pictures hardly.
const MOST_UNPACKED: u64 = 64;

/// Bytes that an entry may unpack to whatever it takes packed.
const FREE: u64 = 64 << 10;

/// The files of one scene.
#[derive(Debug)]
pub(crate) struct Bundle {
    /// What the user named.
    file: String,
    /// Name of the manifest.
    manifest: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    Archive(Box<ZipArchive<BufReader<File>>>),
}

impl Bundle {
    /// Opens a folder or archive that holds `manifest`, or the folder around a manifest of any name.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be opened, [`Error::Malformed`] for an archive without a directory.
    pub(crate) fn open(path: &Path, manifest: &str) -> Result<Self> {
        let failed = |source| Error::io(path, "cannot open", source);
        let file = path.display().to_string();
        let metadata = std::fs::metadata(path).map_err(failed)?;
        if metadata.is_dir() {
            return Ok(Self { file, manifest: manifest.to_owned(), place: Place::Folder(path.to_owned()) });
        }
        // A pipe or a device would block, or never end.
        if !metadata.is_file() {
            return Err(Error::invalid(format!("{file}: neither a file nor a folder")));
        }
        let mut handle = File::open(path).map_err(failed)?;
        let mut start = Vec::new();
        handle.by_ref().take(4).read_to_end(&mut start).map_err(failed)?;
        if start == b"PK\x03\x04" {
            let archive = ZipArchive::new(BufReader::new(handle)).map_err(|why| {
                let why = format!("{why}; get another copy of the file");
                Error::malformed(&file, "zip archive", 0, why)
            })?;
            let place = Place::Archive(Box::new(archive));
            return Ok(Self { file, manifest: manifest.to_owned(), place });
        }
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| Error::invalid(format!("{file}: a name that is no text")))?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        Ok(Self { file, manifest: name.to_owned(), place: Place::Folder(folder.to_owned()) })
    }

    /// What the user named.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// The manifest, for a message.
    pub(crate) fn manifest(&self) -> String {
        self.called(&self.manifest)
    }

    /// An entry, for a message.
    pub(crate) fn called(&self, name: &str) -> String {
        match &self.place {
            Place::Folder(folder) => folder.join(name).display().to_string(),
            Place::Archive(_) => format!("{}: {name}", self.file),
        }
    }

    /// Bytes that an entry takes where it is stored.
    pub(crate) fn stored_bytes(&mut self, name: &str) -> Result<u64> {
        let inside = self.inside(name)?;
        match &mut self.place {
            Place::Folder(_) => match std::fs::metadata(&inside) {
                Ok(metadata) => Ok(metadata.len()),
                Err(_) => Err(self.absent(name)),
            },
            Place::Archive(archive) => match archive.by_name(name).map(|entry| entry.compressed_size()) {
                Ok(bytes) => Ok(bytes),
                Err(zip::result::ZipError::FileNotFound) => Err(self.absent(name)),
                Err(why) => Err(self.unreadable(name, &why.to_string())),
            },
        }
    }

    /// Reads an entry of at most `limit` bytes.
    pub(crate) fn read(&mut self, name: &str, limit: u64) -> Result<Vec<u8>> {
        let inside = self.inside(name)?;
        let mut bytes = Vec::new();
        let (called, absent) = (self.called(name), self.absent(name));
        let too_long = |value, limit| Error::LimitExceeded { what: format!("{called}: bytes"), value, limit };
        let read = match &mut self.place {
            Place::Folder(_) => {
                if !inside.is_file() {
                    return Err(absent);
                }
                let handle =
                    File::open(&inside).map_err(|source| Error::io(&inside, "cannot open", source))?;
                handle.take(limit + 1).read_to_end(&mut bytes).map_err(|why| why.to_string())
            }
            Place::Archive(archive) => match archive.by_name(name) {
                Ok(entry) => {
                    let limit = limit.min(FREE + entry.compressed_size().saturating_mul(MOST_UNPACKED));
                    if entry.size() > limit {
                        return Err(too_long(entry.size(), limit));
                    }
                    entry.take(limit + 1).read_to_end(&mut bytes).map_err(|why| why.to_string())
                }
                Err(zip::result::ZipError::FileNotFound) => return Err(absent),
                Err(why) => Err(why.to_string()),
            },
        };
        read.map_err(|why| self.unreadable(name, &why))?;
        if bytes.len() as u64 > limit {
            return Err(too_long(bytes.len() as u64, limit));
        }
        Ok(bytes)
    }

    /// Reads the manifest, which is JSON.
    pub(crate) fn read_manifest<T: DeserializeOwned>(&mut self) -> Result<T> {
        let name = self.manifest.clone();
        let bytes = self.read(&name, MAX_MANIFEST)?;
        serde_json::from_slice(&bytes).map_err(|why| {
            let at = byte_of(&bytes, why.line(), why.column());
            Error::malformed(&self.manifest(), "JSON", at, format!("{why}; export the file again"))
        })
    }

    /// Where an entry of a folder lies; names that lead out of it are refused.
    fn inside(&self, name: &str) -> Result<PathBuf> {
        let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if name.is_empty() || name.contains(['\\', '\0']) || !plain {
            let why = format!("names '{name}', which is no file beside it; save the files side by side");
            return Err(Error::malformed(&self.manifest(), "files", 0, why));
        }
        Ok(match &self.place {
            Place::Folder(folder) => folder.join(name),
            Place::Archive(_) => PathBuf::from(name),
        })
    }

    fn absent(&self, name: &str) -> Error {
        let why = format!("'{name}' is not there; copy all files of the scene together");
        Error::malformed(&self.manifest(), "files", 0, why)
    }

    fn unreadable(&self, name: &str, why: &str) -> Error {
        Error::malformed(&self.called(name), "entry", 0, format!("{why}; get another copy of the file"))
    }
}

/// The byte at a line and column as `serde_json` counts them, from 1.
fn byte_of(bytes: &[u8], line: usize, column: usize) -> u64 {
    let before = bytes.split_inclusive(|&byte| byte == b'\n').take(line.saturating_sub(1));
    before.map(<[u8]>::len).sum::<usize>() as u64 + column.saturating_sub(1) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside() {
        let bundle = Bundle {
            file: "a".to_owned(),
            manifest: "meta.json".to_owned(),
            place: Place::Folder(PathBuf::from("a")),
        };
        assert_eq!(bundle.inside("b/c.webp").unwrap(), PathBuf::from("a/b/c.webp"));
        for name in ["", "..", "../x", "b/../../x", "/x", "b\\x", "b\0"] {
            assert!(bundle.inside(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_line_and_a_column_are_a_byte() {
        assert_eq!(byte_of(b"{\n  \"a\": x\n}", 2, 8), 9);
        assert_eq!(byte_of(b"[x", 1, 2), 1);
        assert_eq!(byte_of(b"", 0, 0), 0);
    }
}
