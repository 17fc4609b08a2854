//! Where a clip is written to: a file that gets its name only when it is whole, or memory.

use std::fs::File;
use std::io::{BufWriter, Cursor, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Bytes in the order of the clip, but for the superblock, which is written over its place at the end.
#[derive(Debug)]
pub(super) enum Sink {
    File(PartialFile),
    Memory(Cursor<Vec<u8>>),
}

/// A file under a temporary name beside its own; removed when it is dropped before it was finished.
#[derive(Debug)]
pub(super) struct PartialFile {
    /// `None` once finished.
    out: Option<BufWriter<File>>,
    partial: PathBuf,
    path: PathBuf,
}

impl Sink {
    /// A file in the folder of `path`; nothing shows under `path` itself until [`Self::finish`].
    pub(super) fn create(path: &Path) -> Result<Self> {
        // A number beside the process's tells two writers of one process apart.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let Some(file_name) = path.file_name() else {
            return Err(Error::invalid(format!("{} does not name a file to write", path.display())));
        };
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(file_name);
        hidden.push(format!(".partial-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        let partial = path.with_file_name(hidden);
        let file = File::create(&partial).map_err(|source| Error::io(path, "cannot create", source))?;
        let out = Some(BufWriter::with_capacity(1 << 20, file));
        Ok(Self::File(PartialFile { out, partial, path: path.to_owned() }))
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::File(file) => file.out.as_mut().map_or(Ok(()), |out| out.write_all(bytes)),
            Self::Memory(out) => out.write_all(bytes),
        }
    }

    /// Writes over the first bytes; the last thing to be written.
    pub(super) fn put_first(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::File(PartialFile { out: Some(out), .. }) => {
                out.seek(SeekFrom::Start(0))?;
            }
            Self::File(_) => {}
            Self::Memory(out) => out.set_position(0),
        }
        self.put(bytes)
    }

    /// Syncs the file and gives it its name.
    pub(super) fn finish(&mut self) -> Result<()> {
        let Self::File(PartialFile { out, partial, path }) = self else {
            return Err(Error::invalid("this clip was written to memory: call finish_bytes"));
        };
        let failed = |source| Error::io(&*path, "cannot finish", source);
        if let Some(out) = out.take() {
            let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
            file.sync_all().map_err(failed)?;
        }
        std::fs::rename(&*partial, &*path).map_err(failed)?;
        // The rename itself is durable once the folder is; a system that cannot sync folders has its own rules.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if let Ok(folder) = File::open(folder) {
            folder.sync_all().ok();
        }
        Ok(())
    }

    /// Gives out the bytes of a clip in memory.
    pub(super) fn finish_bytes(&mut self) -> Result<Vec<u8>> {
        match self {
            Self::Memory(out) => Ok(std::mem::take(out.get_mut())),
            Self::File(_) => Err(Error::invalid("this clip is written to a file: call finish")),
        }
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        // After a successful finish the temporary has the final name, and there is nothing to remove.
        drop(self.out.take());
        std::fs::remove_file(&self.partial).ok();
    }
}
