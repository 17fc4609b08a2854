//! A glTF file's container: the GLB frame, its JSON, and the bytes its buffers and images name. Reads files.
//!
//! The JSON goes through `gltf-json`, which checks types and enumerations; every index is looked up where it is used. A file may name others: only below its own folder, so that a foreign model reads nothing
//! else. Section numbers are those of the glTF 2.0 specification (Khronos, 2021).

use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use gltf_json::{Index, Root, buffer};
use vivant::{Error, Result};

/// Bytes of the GLB header (section 4.4).
const HEADER_BYTES: usize = 12;

/// Bytes of a chunk's own header.
const CHUNK_BYTES: usize = 8;

/// Extensions that a file may require: those whose effect is read, and one that splats have by nature.
const EXTENSIONS: [&str; 6] = [
    "KHR_texture_transform",
    "KHR_materials_unlit",
    "KHR_mesh_quantization",
    "KHR_gaussian_splatting",
    "KHR_gaussian_splatting_compression_spz",
    "KHR_gaussian_splatting_compression_spz_2",
];

/// A file taken apart.
pub(crate) struct Document {
    /// What errors call the file.
    pub(crate) name: String,
    pub(crate) root: Root,
    buffers: Vec<Vec<u8>>,
    folder: PathBuf,
}

impl Document {
    /// Reads `path` and the buffers it names.
    ///
    /// # Errors
    /// [`Error::Io`], or what is wrong with the file, naming the field.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Self::of_bytes(path, &std::fs::read(path).map_err(|why| Error::io(path, "cannot read", why))?)
    }

    /// [`Self::open`], with the JSON as it stands: for what the library does not hand on.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn open_with_json(path: &Path) -> Result<(Self, serde_json::Value)> {
        let bytes = std::fs::read(path).map_err(|why| Error::io(path, "cannot read", why))?;
        let document = Self::of_bytes(path, &bytes)?;
        let (json, _) = split(&document.name, &bytes)?;
        let value = serde_json::from_slice(json).map_err(|why| {
            Error::malformed(&document.name, "JSON", offset_in(&bytes, json), why.to_string())
        })?;
        Ok((document, value))
    }

    fn of_bytes(path: &Path, bytes: &[u8]) -> Result<Self> {
        let name = path.display().to_string();
        let (json, binary) = split(&name, bytes)?;
        let root = Root::from_slice(json)
            .map_err(|why| Error::malformed(&name, "JSON", offset_in(bytes, json), why.to_string()))?;
        check(&name, &root)?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let mut document = Self { name, root, buffers: Vec::new(), folder };
        document.buffers = document.load_buffers(binary)?;
        Ok(document)
    }

    /// An error about `field`.
    pub(crate) fn wrong(&self, field: impl std::fmt::Display, why: impl std::fmt::Display) -> Error {
        Error::invalid(format!("{}: {field}: {why}", self.name))
    }

    fn load_buffers(&self, mut binary: Option<&[u8]>) -> Result<Vec<Vec<u8>>> {
        let mut buffers = Vec::new();
        for (index, buffer) in self.root.buffers.iter().enumerate() {
            let field = format!("buffers[{index}]");
            let bytes = match &buffer.uri {
                Some(uri) => self.resolve(&field, uri)?,
                // Only the first buffer may be the file's own (section 3.6.1.2).
                None => binary.take().map(<[u8]>::to_vec).ok_or_else(|| {
                    self.wrong(&field, "has no uri, and the file has no binary chunk for it")
                })?,
            };
            let wanted = buffer.byte_length.0;
            if (bytes.len() as u64) < wanted {
                let why = format!(
                    "byteLength is {wanted}, but only {} bytes are there; get a whole copy",
                    bytes.len()
                );
                return Err(self.wrong(&field, why));
            }
            buffers.push(bytes);
        }
        Ok(buffers)
    }

    /// The bytes a uri names: in itself, or in a file below the model's folder.
    pub(crate) fn resolve(&self, field: &str, uri: &str) -> Result<Vec<u8>> {
        if let Some(data) = uri.strip_prefix("data:") {
            let (_, coded) = data
                .split_once(";base64,")
                .ok_or_else(|| self.wrong(field, "the data in its uri is not in base64"))?;
            let engine = base64::engine::general_purpose::STANDARD;
            return engine.decode(coded).map_err(|why| self.wrong(field, format_args!("uri: {why}")));
        }
        let relative = PathBuf::from(percent_decoded(uri));
        let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if uri.contains("://") || !relative.components().all(inside) {
            return Err(
                self.wrong(field, "its uri leads out of the model's folder; put the file beside the model")
            );
        }
        let path = self.folder.join(relative);
        std::fs::read(&path).map_err(|why| Error::io(&path, &format!("{field}: cannot read"), why))
    }

    /// The bytes of a view of a buffer, and how far apart its elements are if it says so.
    pub(crate) fn view(&self, index: Index<buffer::View>) -> Result<(&[u8], Option<usize>)> {
        let field = format!("bufferViews[{}]", index.value());
        let view = self.root.get(index).ok_or_else(|| self.wrong(&field, "is not there"))?;
        let start = view.byte_offset.map_or(0, |offset| offset.0);
        let range = usize::try_from(start).ok().zip(usize::try_from(view.byte_length.0).ok());
        let bytes = range
            .and_then(|(start, length)| Some(start..start.checked_add(length)?))
            .and_then(|range| self.buffers.get(view.buffer.value())?.get(range));
        let bytes = bytes.ok_or_else(|| {
            self.wrong(
                &field,
                format_args!("{} bytes at {start} reach beyond its buffer", view.byte_length.0),
            )
        })?;
        Ok((bytes, view.byte_stride.map(|stride| stride.0)))
    }
}

/// Takes the GLB frame off; a plain `.gltf` is all JSON.
fn split<'a>(name: &str, bytes: &'a [u8]) -> Result<(&'a [u8], Option<&'a [u8]>)> {
    if !bytes.starts_with(b"glTF") {
        return Ok((bytes, None));
    }
    let word = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    let cut = |field: &str, at: usize| {
        Error::malformed(name, field, at as u64, "the file ends here; get a whole copy")
    };
    let version = word(4).ok_or_else(|| cut("version", 4))?;
    if version != 2 {
        let why = format!("is {version}: only glTF 2 is read; export it again");
        return Err(Error::malformed(name, "version", 4, why));
    }
    let chunk = |at: usize, field: &str, kind: &[u8]| -> Result<&'a [u8]> {
        let length = word(at).ok_or_else(|| cut(field, at))?;
        if bytes.get(at + 4..at + CHUNK_BYTES) != Some(kind) {
            return Err(Error::malformed(name, field, at as u64 + 4, "the chunk is of another kind"));
        }
        let end = usize::try_from(length).ok().and_then(|length| (at + CHUNK_BYTES).checked_add(length));
        let data = end.and_then(|end| bytes.get(at + CHUNK_BYTES..end));
        data.ok_or_else(|| {
            let why = format!("the chunk says {length} bytes, more than the file has; get a whole copy");
            Error::malformed(name, field, at as u64, why)
        })
    };
    let json = chunk(HEADER_BYTES, "JSON chunk", b"JSON")?;
    let next = HEADER_BYTES + CHUNK_BYTES + json.len().next_multiple_of(4);
    let binary =
        if next + CHUNK_BYTES <= bytes.len() { Some(chunk(next, "BIN chunk", b"BIN\0")?) } else { None };
    Ok((json, binary))
}

/// Where `part` begins in `whole`, of which it is a slice.
fn offset_in(whole: &[u8], part: &[u8]) -> u64 {
    (part.as_ptr().addr() - whole.as_ptr().addr()) as u64
}

/// Refuses what asks for more than is read. The library's own validation is not run: it trusts indices that it is
/// about to check. Every index is looked up here instead, where it is used.
fn check(name: &str, root: &Root) -> Result<()> {
    if !root.asset.version.starts_with("2.") {
        let version = &root.asset.version;
        let why = format!("{name}: asset.version: is {version:?}: only glTF 2 is read; export it again");
        return Err(Error::unsupported(why));
    }
    match root.extensions_required.iter().find(|wanted| !EXTENSIONS.contains(&wanted.as_str())) {
        None => Ok(()),
        Some(wanted) => Err(Error::unsupported(format!(
            "{name}: extensionsRequired: {wanted:?} is not read; export without it"
        ))),
    }
}

/// `%20` and the like as bytes; what is no escape stays.
fn percent_decoded(uri: &str) -> String {
    let mut out = Vec::new();
    let mut rest = uri.as_bytes();
    while let [first, tail @ ..] = rest {
        let code =
            tail.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            out.push(byte);
            rest = &tail[2..];
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
