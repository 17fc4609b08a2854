//! Where the bytes of a clip come from: a mapped file, positional reads, or memory; all give the same bytes.
//!
//! A source only ever copies bytes out. What is parsed is the copy, after its checksum: a file that changes while it
//! is read can give wrong bytes, which the checksum finds, but never two different answers to two looks.

use std::fs::File;
use std::path::Path;

use super::mapped::Mapped;
use crate::error::{Error, Result};

/// Random access to the bytes of one clip. Implement it to play from elsewhere; reads happen on loader threads.
pub trait ByteSource: Send + Sync {
    /// Length in bytes; constant for the life of the source.
    fn len(&self) -> u64;

    /// Whether there are no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buffer` with the bytes at `offset`.
    ///
    /// # Errors
    /// [`Error::Io`] when not all of them can be had.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()>;

    /// What the user calls it; the start of every error message.
    fn name(&self) -> &str;
}

/// How to read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// The best way that cannot crash: mapped where the system can report a failing page as an error (Linux 5.14),
    /// else positional reads.
    #[default]
    Auto,
    /// A memory map. A file that another program truncates meanwhile can end the process where the system cannot
    /// check pages beforehand; prefer [`Access::Auto`].
    Mapped,
    /// Positional reads.
    Pread,
    /// The whole file, read into memory at once.
    Memory,
}

/// Opens a regular file.
///
/// # Errors
/// [`Error::Io`] when it cannot be opened, [`Error::InvalidArgument`] when it is not a regular file.
pub(super) fn open(path: &Path, access: Access) -> Result<Box<dyn ByteSource>> {
    // Asked before opening, because opening a named pipe would wait for a writer.
    let metadata = std::fs::metadata(path).map_err(|source| Error::io(path, "cannot open", source))?;
    if !metadata.is_file() {
        return Err(Error::invalid(format!("{}: is not a regular file; name a .vvt file", path.display())));
    }
    let file = File::open(path).map_err(|source| Error::io(path, "cannot open", source))?;
    let len = file.metadata().map_err(|source| Error::io(path, "cannot read the length of", source))?.len();
    let name = path.display().to_string();
    match access {
        Access::Auto => match Mapped::checked(file, len, name)? {
            Ok(mapped) => Ok(Box::new(mapped)),
            Err((file, name)) => Ok(Box::new(Pread { file, len, name })),
        },
        Access::Mapped => Ok(Box::new(Mapped::new(file, len, name)?)),
        Access::Pread => Ok(Box::new(Pread { file, len, name })),
        Access::Memory => {
            let pread = Pread { file, len, name };
            let mut bytes = Vec::new();
            let size = usize::try_from(len).ok().filter(|&size| bytes.try_reserve_exact(size).is_ok());
            let Some(size) = size else {
                return Err(Error::OutOfMemory { what: format!("{len} bytes to hold {}", pread.name) });
            };
            bytes.resize(size, 0);
            pread.read_at(0, &mut bytes)?;
            Ok(Box::new(Memory { name: pread.name, bytes }))
        }
    }
}

/// The error for a read that leaves the source.
pub(super) fn past_end(name: &str, offset: u64, wanted: usize, len: u64) -> Error {
    let what = format!("cannot read {wanted} bytes at byte {offset} of {len}");
    Error::io(name, &what, std::io::ErrorKind::UnexpectedEof.into())
}

/// Positional reads: safe on any file system, no shared cursor.
#[derive(Debug)]
pub(super) struct Pread {
    file: File,
    len: u64,
    name: String,
}

impl ByteSource for Pread {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        read_exact_at(&self.file, offset, buffer).map_err(|source| {
            let what = format!("cannot read {} bytes at byte {offset}", buffer.len());
            Error::io(&self.name, &what, source)
        })
    }

    fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut offset: u64, mut buffer: &mut [u8]) -> std::io::Result<()> {
    use std::io::ErrorKind;
    use std::os::windows::fs::FileExt;
    while !buffer.is_empty() {
        match file.seek_read(buffer, offset) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                buffer = &mut buffer[read..];
                offset += read as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Bytes that are already in memory.
pub(super) struct Memory {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl ByteSource for Memory {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let from = usize::try_from(offset).ok().and_then(|at| self.bytes.get(at..)?.get(..buffer.len()));
        match from {
            Some(from) => {
                buffer.copy_from_slice(from);
                Ok(())
            }
            None => Err(past_end(&self.name, offset, buffer.len(), self.len())),
        }
    }

    fn name(&self) -> &str {
        &self.name
    }
}
