//! `.splat`, the format of antimatter15's viewer: 32 bytes a splat, and nothing else.
//!
//! ```text
//! 0   f32 × 3   mean
//! 12  f32 × 3   scale, linear
//! 24  u8 × 4    r g b of the base colour, opacity
//! 28  u8 × 4    quaternion w x y z, (byte − 128) / 128
//! ```
//! There is no magic, so a file is one when its length is right and every splat at its start is a splat: places and
//! sizes are finite and of this world, and quaternions have length one, which no other numbers have by chance.
//! The axes are those of the PLY it was made from.

use std::path::Path;

use rayon::prelude::*;
use vivant::{Error, Result};

use crate::formats::{Fidelity, Format, Open, Still, settled};
use crate::options::Options;
use crate::probe::Probe;
use crate::report::Report;
use crate::source::{Imported, Summary};
use crate::still::{bytes_of, check_count, finish, float_at};
use crate::{Axes, rows};

/// What is read of it.
pub(crate) const FORMAT: Format = Format {
    name: "splat",
    system: ".splat: antimatter15's viewer, and what writes for it",
    fidelity: Fidelity::Exact,
    limits: "no harmonics in it; 8 bits of colour, opacity and rotation",
    detect: |probe| is_one(probe) || probe.has_extension("splat"),
    open: Open::Still(Still { probe, read, settle: settled }),
};

/// Bytes of a splat.
const RECORD: usize = 32;
/// Farther than this from the origin, or larger, is not believed of a file without a magic.
const FARTHEST: f32 = 1e5;
/// How far from one the length of a quaternion of bytes may be.
const LENGTH_ERROR: f32 = 0.05;

/// Whether a file without a magic is one.
fn is_one(probe: &Probe) -> bool {
    let records = probe.start.chunks_exact(RECORD);
    probe.length > 0 && probe.length.is_multiple_of(RECORD as u64) && records.len() > 0 && {
        let mut records = records;
        records.all(is_splat)
    }
}

/// Whether 32 bytes are one.
fn is_splat(record: &[u8]) -> bool {
    let float = |number: usize| float_at(record, number * 4).unwrap_or(f32::NAN);
    let mean = (0..3).all(|axis| float(axis).abs() <= FARTHEST);
    let scales = [3, 4, 5].map(float);
    let sized =
        scales.iter().all(|scale| (0.0..=FARTHEST).contains(scale)) && scales.iter().any(|s| *s > 0.0);
    let length = rotation(record).iter().map(|part| part * part).sum::<f32>().sqrt();
    mean && sized && (length - 1.0).abs() <= LENGTH_ERROR
}

/// The quaternion xyzw.
fn rotation(record: &[u8]) -> [f32; 4] {
    let part =
        |number: usize| (f32::from(record.get(28 + number).copied().unwrap_or_default()) - 128.0) / 128.0;
    [part(1), part(2), part(3), part(0)]
}

fn count(path: &Path, length: u64) -> Result<u64> {
    let file = path.display().to_string();
    if !length.is_multiple_of(RECORD as u64) {
        let whole = length - length % RECORD as u64;
        let why =
            format!("{} bytes are left, and a splat takes {RECORD}; copy or export it again", length - whole);
        return Err(Error::malformed(&file, "last splat", whole, why));
    }
    let splats = length / RECORD as u64;
    check_count(&file, splats)?;
    Ok(splats)
}

fn probe(path: &Path) -> Result<Summary> {
    let metadata = std::fs::metadata(path).map_err(|source| Error::io(path, "cannot open", source))?;
    Ok(Summary::gaussians(count(path, metadata.len())?, 0))
}

fn read(path: &Path, options: &Options) -> Result<Imported> {
    let bytes = bytes_of(path)?;
    let splats_read = count(path, bytes.len() as u64)?;
    let mut splats = rows::zeroed(bytes.len() / RECORD, 0);
    rows::all(&mut splats).into_par_iter().zip(bytes.par_chunks(rows::WINDOW * RECORD)).for_each(
        |(rows, bytes)| {
            for (at, record) in bytes.chunks_exact(RECORD).enumerate() {
                let float = |number: usize| float_at(record, number * 4).unwrap_or_default();
                let colour = |number: usize| f32::from(record[24 + number]) / 255.0;
                rows.mean[at] = [float(0), float(1), float(2)];
                rows.scale[at] = [float(3), float(4), float(5)];
                rows.colour[at] = [colour(0), colour(1), colour(2)];
                rows.opacity[at] = colour(3);
                rows.rotation[at] = rotation(record);
            }
        },
    );
    let report = Report { files: 1, read: splats_read, ..Report::default() };
    let file = path.display().to_string();
    finish(&file, "splats", 0, splats, report, options.axes.unwrap_or(Axes::RDF))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_splats_look_like_splats() {
        let mut record = Vec::new();
        for value in [0.5_f32, -1.0, 2.0, 0.01, 0.02, 0.03] {
            record.extend(value.to_le_bytes());
        }
        record.extend([200, 100, 50, 255, 255, 128, 128, 128]);
        let probe =
            |start: &[u8]| Probe { start: start.to_vec(), length: start.len() as u64, ..Probe::default() };
        assert!(is_one(&probe(&record)));
        assert!(!is_one(&probe(&[])));
        assert!(!is_one(&probe(&record[..31])));
        let mut wrong = record.clone();
        wrong[28] = 200;
        assert!(!is_one(&probe(&wrong)), "a quaternion that is none");
        let mut wrong = record.clone();
        wrong[15] = 0xbc;
        assert!(!is_one(&probe(&wrong)), "a negative scale");
        assert!(!is_one(&probe(&[0; 4096])) && !is_one(&probe(&[b'a'; 4096])));
        let text = b"The quick brown fox jumps over the lazy dog, and then once more.".repeat(64);
        assert!(!is_one(&probe(&text)));
    }
}
