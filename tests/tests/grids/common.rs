//! What all grid formats are tested with: the door, a comparison that tells who is off, timings.

use std::path::{Path, PathBuf};
use std::time::Instant;

use glam::{DMat3, DQuat, DVec3};
use vivant::clip::WriterOptions;
use vivant::splat::Splats;
use vivant_convert::{Foreign, Options, RigOptions};

/// Opens an input as the command line does.
pub(crate) fn open(path: &Path, options: &Options) -> vivant::Result<Foreign> {
    Foreign::open(&[path.to_owned()], None, options, &RigOptions::default())
}

/// Converts an input to a clip and gives the number of splats read; what an attack calls.
pub(crate) fn read_count(path: &Path) -> vivant::Result<usize> {
    let foreign = open(path, &Options::default())?;
    let (_, report, _) = foreign.write_to_memory(&WriterOptions::default(), &mut |_| ())?;
    Ok((report.read - report.dropped()) as usize)
}

/// The covariance of a splat, from rotation xyzw and scale.
pub(crate) fn covariance(rotation: [f32; 4], scale: [f32; 3]) -> DMat3 {
    let [x, y, z, w] = rotation.map(f64::from);
    let turn = DMat3::from_quat(DQuat::from_xyzw(x, y, z, w));
    let squares = DVec3::from_array(scale.map(f64::from)).powf(2.0);
    turn * DMat3::from_diagonal(squares) * turn.transpose()
}

/// Fails where an attribute of `read` is farther than its tolerance from `wanted`: mean (metres), covariance (relative to its
/// size), opacity, colour, harmonics.
pub(crate) fn assert_near(read: &Splats, wanted: &Splats, tolerance: [f64; 5]) {
    assert_eq!((read.len(), read.sh_degree), (wanted.len(), wanted.sh_degree));
    let off =
        |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
    for index in 0..read.len() {
        let (a, b) = (read.get(index), wanted.get(index));
        let [sa, sb] = [covariance(a.rotation, a.scale), covariance(b.rotation, b.scale)];
        let largest = sb.to_cols_array().into_iter().map(f64::abs).fold(0.0, f64::max);
        let apart = (sa - sb).to_cols_array().into_iter().map(f64::abs).fold(0.0, f64::max) / largest;
        let measured = [
            off(&a.mean, &b.mean),
            apart,
            off(&[a.opacity], &[b.opacity]),
            off(&a.colour, &b.colour),
            off(read.sh_rest_of(index), wanted.sh_rest_of(index)),
        ];
        let fine = measured.iter().zip(tolerance).all(|(measured, most)| *measured <= most);
        assert!(fine, "splat {index}: off by {measured:?}\n{a:?}\n{b:?}");
    }
}

/// Prints how long a conversion takes beside the plain read of its files.
pub(crate) fn time(name: &str, path: &Path, files: &[PathBuf]) {
    let bytes: u64 = files.iter().map(|file| std::fs::metadata(file).unwrap().len()).sum();
    let start = Instant::now();
    let sum: u64 = files.iter().map(|file| std::fs::read(file).unwrap().len() as u64).sum();
    let plain = start.elapsed();
    assert_eq!(bytes, sum);
    let start = Instant::now();
    let foreign = open(path, &Options::default()).unwrap();
    let opened = start.elapsed();
    let (clip, report, _) = foreign.write_to_memory(&WriterOptions::default(), &mut |_| ()).unwrap();
    let whole = start.elapsed();
    println!(
        "{name}: {:.1} MB, {} splats: plain read {plain:?}, open {opened:?}, open and convert {whole:?}, clip {:.1} MB",
        bytes as f64 / 1e6,
        report.read,
        clip.len() as f64 / 1e6
    );
}
