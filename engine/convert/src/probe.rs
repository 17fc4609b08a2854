//! What an input looks like before anything of it is believed: its first bytes, and the names of what it holds.
//!
//! Formats are told apart by content, never by the ending of a name alone: files are renamed, and `.ply` and `.npz` say
//! little. A probe reads a bounded start of a file; of a folder or an archive it lists names, and of a PLY file the names
//! of its properties. It opens nothing else, and finds no fault: that is the reader's to do, with the field and the byte.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use vivant::{Error, Result};

use crate::still::word_at;
use crate::{ply, torch};

/// Bytes that are read from the start of a file.
const START: u64 = 4096;
/// Bytes of JSON that are looked through for what a glTF file uses.
const MAX_JSON: u64 = 16 << 20;
/// Names that are listed of a folder or an archive, at most.
const MAX_NAMES: usize = 1 << 16;

/// An input, from outside.
#[derive(Debug, Clone, Default)]
pub(crate) struct Probe {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Whether it is a folder.
    pub(crate) folder: bool,
    /// The first bytes of a file; of a PLY file the whole header, of a glTF file its JSON.
    pub(crate) start: Vec<u8>,
    /// Bytes of a file; 0 for what is no ordinary file.
    pub(crate) length: u64,
    /// The names in a folder, or of the entries of a zip archive; sorted.
    pub(crate) names: Vec<String>,
    /// `element.property` of every property of a PLY file, such as `vertex.x`, in order.
    pub(crate) properties: Vec<String>,
    /// What the pickle of a `PyTorch` checkpoint holds; its tensors are not read.
    pub(crate) checkpoint: Option<torch::Value>,
}

impl Probe {
    /// Looks at `path`, which must be there.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be opened, listed or read.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path).map_err(|source| Error::io(path, "cannot open", source))?;
        let mut probe = Self { path: path.to_owned(), folder: metadata.is_dir(), ..Self::default() };
        if probe.folder {
            probe.names = names_in(path)?;
        } else if metadata.is_file() {
            probe.length = metadata.len();
            probe.read_start()?;
        }
        probe.names.sort_unstable();
        Ok(probe)
    }

    fn read_start(&mut self) -> Result<()> {
        let path = self.path.as_path();
        let mut file = File::open(path).map_err(|source| Error::io(path, "cannot open", source))?;
        let mut read = |limit: u64, start: &mut Vec<u8>| {
            file.by_ref()
                .take(limit)
                .read_to_end(start)
                .map_err(|source| Error::io(path, "cannot read", source))
        };
        read(START, &mut self.start)?;
        if self.starts_with(b"ply") {
            read(ply::MAX_HEADER as u64, &mut self.start)?;
            self.properties = ply::property_names(&self.start);
        }
        let is_gltf = self.start.starts_with(b"glTF") || self.has_extension("gltf");
        if is_gltf && self.start.len() as u64 == START {
            // The JSON of a binary file comes first, and says how long it is.
            let json = word_at(&self.start, 12).filter(|_| self.start.starts_with(b"glTF"));
            let json = json.map_or(MAX_JSON, |length| u64::from(length).saturating_add(20));
            read(json.min(MAX_JSON).saturating_sub(START), &mut self.start)?;
        }
        if self.starts_with(b"PK\x03\x04") {
            // An archive that cannot be listed has no names; its reader says what is wrong with it.
            if let Ok(archive) = zip::ZipArchive::new(file) {
                self.names = archive.file_names().take(MAX_NAMES).map(str::to_owned).collect();
            }
            if torch::is_checkpoint(&self.names) {
                self.checkpoint = torch::open(path).ok().map(|checkpoint| checkpoint.value().clone());
            }
        }
        Ok(())
    }

    /// Whether the file starts with these bytes.
    pub(crate) fn starts_with(&self, bytes: &[u8]) -> bool {
        self.start.starts_with(bytes)
    }

    /// Whether its first bytes hold these somewhere.
    pub(crate) fn mentions(&self, bytes: &[u8]) -> bool {
        self.start.windows(bytes.len().max(1)).any(|window| window == bytes)
    }

    /// Whether the name ends in `.extension`, in any case.
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|end| end.eq_ignore_ascii_case(extension))
    }

    /// Whether the folder or archive holds an entry of exactly this name.
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    /// Whether a PLY file's vertices have this property.
    pub(crate) fn has_vertex(&self, property: &str) -> bool {
        self.properties.iter().any(|own| own.strip_prefix("vertex.") == Some(property))
    }
}

/// The names in a folder that are text.
pub(crate) fn names_in(folder: &Path) -> Result<Vec<String>> {
    let failed = |source| Error::io(folder, "cannot list", source);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)?.take(MAX_NAMES) {
        names.extend(entry.map_err(failed)?.file_name().into_string());
    }
    Ok(names)
}
