//! The typist of the real content: 48 frames of coloured points, out of the NumPy archive they come in.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use half::f16;
use zip::ZipArchive;

/// One frame: places in metres as the file has them, and sRGB colours.
pub type Frame = (Vec<[f32; 3]>, Vec<[u8; 3]>);

/// Reads frame `index` of `points.npz`.
///
/// # Panics
/// When the archive is not what its README says.
#[must_use]
pub fn frame(archive: &Path, index: usize) -> Frame {
    let places = array(archive, &format!("xyz{index:03}.npy"));
    let places = places
        .as_chunks::<6>()
        .0
        .iter()
        .map(|p| [0, 2, 4].map(|i| f16::from_le_bytes([p[i], p[i + 1]]).to_f32()))
        .collect();
    (places, array(archive, &format!("rgb{index:03}.npy")).as_chunks::<3>().0.to_vec())
}

/// The data of one array, behind its header.
fn array(archive: &Path, name: &str) -> Vec<u8> {
    let mut zip = ZipArchive::new(File::open(archive).expect("open")).expect("a zip archive");
    let mut bytes = Vec::new();
    zip.by_name(name).expect("the array").read_to_end(&mut bytes).expect("read");
    assert_eq!(&bytes[..6], b"\x93NUMPY", "{name} is no NumPy array");
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes.split_off(10 + header)
}
