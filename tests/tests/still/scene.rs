//! What the tests of every format share: a scene, turned to other axes by formulas of their own, and how two scenes are
//! compared.

use std::path::{Path, PathBuf};
use std::time::Instant;

use vivant::clip::{Clip, WriterOptions};
use vivant::splat::{Performance, Splats, sh_rest_len};
use vivant_convert::{Axes, Imported, Options, Source};
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::performances;
use vivant_tests::pictures::assert_shows;

/// A bumpy ball on our axes.
pub(crate) fn ball(splats: u32, sh_degree: u8) -> Splats {
    performances::ball(splats, sh_degree, 5)
}

/// Half a turn about x, which takes our axes (right, up, back) to right, down, forward, and back.
pub(crate) fn turned(splats: &Splats) -> Splats {
    // Y_k of (x, −y, −z): odd in y and z together changes its sign.
    const SIGNS: [f32; 15] = [-1., -1., 1., -1., 1., 1., -1., 1., -1., 1., -1., -1., 1., -1., 1.];
    let mut out = splats.clone();
    out.mean.iter_mut().for_each(|[_, y, z]| (*y, *z) = (-*y, -*z));
    out.rotation.iter_mut().for_each(|q| *q = [q[3], -q[2], q[1], -q[0]]);
    let stride = sh_rest_len(splats.sh_degree) * 3;
    for (at, value) in out.sh_rest.iter_mut().enumerate() {
        *value *= SIGNS[at % stride / 3];
    }
    out
}

/// Half a turn about y.
pub(crate) fn turned_about_y(splats: &Splats) -> Splats {
    const SIGNS: [f32; 15] = [1., -1., -1., -1., -1., 1., 1., 1., 1., 1., 1., -1., -1., -1., -1.];
    let mut out = splats.clone();
    out.mean.iter_mut().for_each(|[x, _, z]| (*x, *z) = (-*x, -*z));
    out.rotation.iter_mut().for_each(|q| *q = [q[2], q[3], -q[0], -q[1]]);
    let stride = sh_rest_len(splats.sh_degree) * 3;
    for (at, value) in out.sh_rest.iter_mut().enumerate() {
        *value *= SIGNS[at % stride / 3];
    }
    out
}

/// A file in a folder of its own.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    name: &'static str,
}

impl Place {
    pub(crate) fn new(name: &'static str, bytes: &[u8]) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap(), name };
        std::fs::write(place.path(), bytes).unwrap();
        place
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(self.name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Reads one file as anyone does.
pub(crate) fn read(path: &Path, options: &Options) -> vivant::Result<Imported> {
    Source::open(&[path.to_owned()], options)?.read_frame(0)
}

/// What a file of these bytes gives with plain options.
pub(crate) fn read_bytes(name: &'static str, bytes: &[u8]) -> vivant::Result<Imported> {
    read(&Place::new(name, bytes).path(), &Options::default())
}

/// The error that a file of these bytes gets.
pub(crate) fn error_of(name: &'static str, bytes: &[u8]) -> String {
    read_bytes(name, bytes).unwrap_err().to_string()
}

/// The format that a file is found to be of.
pub(crate) fn format_of(path: &Path) -> String {
    Source::open(&[path.to_owned()], &Options::default()).unwrap().format().to_owned()
}

/// The largest difference of any attribute, for rotations of the quaternions up to their sign; scales relative.
pub(crate) fn difference(a: &Splats, b: &Splats) -> f64 {
    assert_eq!((a.len(), a.sh_degree), (b.len(), b.sh_degree));
    let mut worst: f64 = 0.0;
    let mut at = |what: &str, index: usize, a: &[f32], b: &[f32], scale: f64| {
        for (a, b) in a.iter().zip(b) {
            let off = f64::from(a - b).abs() / scale;
            assert!(off.is_finite(), "{what} of {index}: {a} {b}");
            worst = worst.max(off);
        }
    };
    for index in 0..a.len() {
        at("mean", index, &a.mean[index], &b.mean[index], 1.0);
        at("colour", index, &a.colour[index], &b.colour[index], 1.0);
        at("opacity", index, &[a.opacity[index]], &[b.opacity[index]], 1.0);
        for axis in 0..3 {
            let scale = f64::from(b.scale[index][axis]);
            at("scale", index, &[a.scale[index][axis]], &[b.scale[index][axis]], scale);
        }
        let dot: f32 = a.rotation[index].iter().zip(&b.rotation[index]).map(|(a, b)| a * b).sum();
        let signed = b.rotation[index].map(|part| part * dot.signum());
        at("rotation", index, &a.rotation[index], &signed, 1.0);
        at("harmonics", index, a.sh_rest_of(index), b.sh_rest_of(index), 1.0);
    }
    worst
}

/// Holds two scenes against each other.
pub(crate) fn assert_near(a: &Splats, b: &Splats, most: f64) {
    let worst = difference(a, b);
    assert!(worst <= most, "{worst} is more than {most}");
}

/// The clip that a file becomes, drawn against `wanted` by the reference renderer.
pub(crate) fn assert_pictured(name: &str, path: &Path, wanted: &Splats) {
    let source = Source::open(&[path.to_owned()], &Options::default()).unwrap();
    let (bytes, _, _) = source.write_to_memory(&WriterOptions::default(), &mut |_| {}).unwrap();
    let clip = Clip::from_bytes(name, bytes).unwrap();
    let performance = Performance { info: source.info(), splats: wanted.clone() };
    assert_shows(name, &clip, &performance, &[0.0]);
}

/// Attacks a file of these bytes.
pub(crate) fn assert_survives(name: &'static str, bytes: &[u8], cut: Cut) {
    let place = Place::new(name, bytes);
    attack(&place.path(), &place.path(), cut, &|path| {
        read(path, &Options::default()).map(|imported| imported.splats.len())
    });
}

/// Prints how long reading takes beside reading the bytes alone.
pub(crate) fn print_speed(name: &'static str, bytes: &[u8]) {
    let place = Place::new(name, bytes);
    let path = place.path();
    let start = Instant::now();
    let length = std::hint::black_box(std::fs::read(&path).unwrap()).len();
    let plain = start.elapsed();
    let start = Instant::now();
    let splats = read(&path, &Options::default()).unwrap().splats.len();
    let import = start.elapsed();
    eprintln!(
        "{name}: {:.1} MB, {splats} splats: read in {plain:.1?}, imported in {import:.1?}",
        length as f64 / 1e6
    );
}

/// Options that keep the file's axes.
pub(crate) fn on_own_axes() -> Options {
    Options { axes: Some(Axes::RUB), ..Options::default() }
}

/// Bytes, little end first.
pub(crate) fn put(out: &mut Vec<u8>, values: impl IntoIterator<Item = f32>) {
    values.into_iter().for_each(|value| out.extend(value.to_le_bytes()));
}
