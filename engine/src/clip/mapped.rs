//! The mapped file: the only unsafe code on the file side.
//!
//! A map is fast (the page cache is the buffer) and treacherous: a page that cannot be had, because the file was cut
//! short or the disk fails, is a signal that ends the process. On Linux from 5.14 `MADV_POPULATE_READ` fetches a range
//! and *returns an error* for such a page, so every read does that first; where the call is missing,
//! [`super::Access::Auto`] reads with `pread` instead. The tail of the last page of a shortened file reads as zeros
//! without any error, so the length is asked again before each read too.
//!
//! After the copy the pages are let go again, so that the memory of a process does not grow with what it has played; the
//! page cache keeps them as long as the system sees fit.
//!
//! What remains is the moment between the check and the copy. A page lost in that moment still raises the signal;
//! files that other programs shorten while they play are for [`super::Access::Pread`].

use std::fs::File;

use memmap2::Mmap;

use super::source::{ByteSource, past_end};
use crate::error::{Error, Result};

/// With a page, Linux maps what else of its block is in the page cache: 64 KiB by default (`fault_around_bytes`), a whole
/// large folio on some file systems, which has at most this size. Letting go of 64 KiB left 71 of 91 MiB mapped.
#[cfg(target_os = "linux")]
const MAPPED_AROUND: usize = 2 << 20;

/// A file mapped read-only.
#[derive(Debug)]
pub(super) struct Mapped {
    map: Mmap,
    file: File,
    len: u64,
    name: String,
    /// Whether the kernel checks pages beforehand.
    populates: bool,
}

impl Mapped {
    /// Maps the file, whether or not pages can be checked.
    pub(super) fn new(file: File, len: u64, name: String) -> Result<Self> {
        // SAFETY: `Mmap::map` demands that nobody changes the file while it is mapped. That cannot be proved of a
        // file, so no reference into the map leaves `read_at`, which only copies raw bytes out; any bytes are valid
        // as u8, and whether they are the right ones is decided by checksums over the copy.
        #[expect(unsafe_code, reason = "mapping a file is unsafe in every form; see the contract above")]
        let map = unsafe { Mmap::map(&file) };
        let map = map.map_err(|source| Error::io(&name, "cannot map", source))?;
        let populates = populate(&map, 0, map.len().min(1)).is_ok_and(|supported| supported);
        Ok(Self { map, file, len, name, populates })
    }

    /// Maps the file if the system checks pages beforehand, else gives the file back.
    pub(super) fn checked(
        file: File,
        len: u64,
        name: String,
    ) -> Result<std::result::Result<Self, (File, String)>> {
        if len == 0 || !cfg!(target_os = "linux") {
            return Ok(Err((file, name)));
        }
        match Self::new(
            file.try_clone().map_err(|source| Error::io(&name, "cannot open", source))?,
            len,
            name.clone(),
        ) {
            Ok(mapped) if mapped.populates => Ok(Ok(mapped)),
            // No map or no check: reads will say what is wrong, if anything is.
            _ => Ok(Err((file, name))),
        }
    }
}

impl Mapped {
    /// Takes a range out of the process, with what the kernel mapped around it unasked; a page that another thread is copying from comes back with the same bytes.
    #[cfg(target_os = "linux")]
    fn let_go(&self, offset: usize, len: usize) {
        let first = offset / MAPPED_AROUND * MAPPED_AROUND;
        let end = offset.saturating_add(len).next_multiple_of(MAPPED_AROUND).min(self.map.len());
        let advice = memmap2::UncheckedAdvice::DontNeed;
        // SAFETY: the contract is that nobody may see pages change. The map is of a file and nobody writes to it, so a
        // page that is let go and touched again is read from the file again; no reference into it outlives `read_at`.
        #[expect(unsafe_code, reason = "letting go of pages is unsafe in every form; see the contract above")]
        let done = unsafe { self.map.unchecked_advise_range(advice, first, end.saturating_sub(first)) };
        // What is not let go costs memory and nothing else.
        done.ok();
    }

    #[cfg(not(target_os = "linux"))]
    fn let_go(&self, _offset: usize, _len: usize) {}
}

/// Fetches the pages of a range. `Ok(false)` when the kernel does not know how.
#[cfg(target_os = "linux")]
fn populate(map: &Mmap, offset: usize, len: usize) -> std::io::Result<bool> {
    match map.advise_range(memmap2::Advice::PopulateRead, offset, len) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(target_os = "linux"))]
fn populate(_map: &Mmap, _offset: usize, _len: usize) -> std::io::Result<bool> {
    Ok(false)
}

impl ByteSource for Mapped {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        if buffer.is_empty() {
            return Ok(());
        }
        let at = usize::try_from(offset).ok();
        let Some((at, from)) = at.and_then(|at| Some((at, self.map.get(at..)?.get(..buffer.len())?))) else {
            return Err(past_end(&self.name, offset, buffer.len(), self.len));
        };
        let failed = |source| {
            let what = format!("cannot read {} bytes at byte {offset}", buffer.len());
            Error::io(&self.name, &what, source)
        };
        let now = self.file.metadata().map_err(failed)?.len();
        if now < offset.saturating_add(buffer.len() as u64) {
            return Err(past_end(&self.name, offset, buffer.len(), now));
        }
        if self.populates {
            populate(&self.map, at, buffer.len()).map_err(failed)?;
        }
        buffer.copy_from_slice(from);
        if self.populates {
            self.let_go(at, buffer.len());
        }
        Ok(())
    }

    fn name(&self) -> &str {
        &self.name
    }
}
