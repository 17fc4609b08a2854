//! What NumPy writes, written anew from the description of its format: `.npy` arrays and `.npz` archives.

use std::io::Write;
use std::path::Path;

use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

/// An array on its way into a file.
#[derive(Debug, Clone)]
pub(crate) struct Npy {
    /// The type, as NumPy names it.
    pub(crate) descr: String,
    pub(crate) fortran: bool,
    pub(crate) shape: Vec<usize>,
    /// The values as they lie in the file.
    pub(crate) data: Vec<u8>,
    pub(crate) version: u8,
}

impl Npy {
    pub(crate) fn new(descr: &str, shape: &[usize], data: Vec<u8>) -> Self {
        Self { descr: descr.to_owned(), fortran: false, shape: shape.to_vec(), data, version: 1 }
    }

    pub(crate) fn f32(shape: &[usize], values: &[f32]) -> Self {
        assert_eq!(shape.iter().product::<usize>(), values.len());
        Self::new("<f4", shape, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// The header text that NumPy makes.
    pub(crate) fn text(&self) -> String {
        let sides: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        let shape = match sides.as_slice() {
            [only] => format!("({only},)"),
            _ => format!("({})", sides.join(", ")),
        };
        let fortran = if self.fortran { "True" } else { "False" };
        let descr =
            if self.descr.starts_with('[') { self.descr.clone() } else { format!("'{}'", self.descr) };
        format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}")
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        with_header(self.version, &self.text(), &self.data)
    }
}

/// An array with any text for a header, padded to 64 bytes as NumPy pads.
pub(crate) fn with_header(version: u8, text: &str, data: &[u8]) -> Vec<u8> {
    let prefix = if version == 1 { 10 } else { 12 };
    let padding = (64 - (prefix + text.len() + 1) % 64) % 64;
    let length = text.len() + padding + 1;
    let mut out = b"\x93NUMPY".to_vec();
    out.extend([version, 0]);
    if version == 1 {
        out.extend(u16::try_from(length).unwrap().to_le_bytes());
    } else {
        out.extend(u32::try_from(length).unwrap().to_le_bytes());
    }
    out.extend(text.bytes());
    out.extend(std::iter::repeat_n(b' ', padding));
    out.push(b'\n');
    out.extend(data);
    out
}

/// `np.savez`, or `np.savez_compressed`.
pub(crate) fn save(path: &Path, arrays: &[(&str, Npy)], deflated: bool) {
    let raw: Vec<(String, Vec<u8>)> =
        arrays.iter().map(|(name, array)| (format!("{name}.npy"), array.bytes())).collect();
    save_raw(path, &raw, deflated);
}

/// A zip archive of anything.
pub(crate) fn save_raw(path: &Path, entries: &[(String, Vec<u8>)], deflated: bool) {
    let method = if deflated { CompressionMethod::Deflated } else { CompressionMethod::Stored };
    let options = SimpleFileOptions::default().compression_method(method).large_file(true);
    let mut zip = ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, bytes) in entries {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}
