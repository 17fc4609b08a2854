//! What every format here is tested with: the swinging limb, on our own axes unless a test says otherwise, and the second way
//! from its frames to a performance.

use std::path::Path;

use vivant::clip::{Clip, Profile, WriterOptions};
use vivant::splat::{Life, Performance, Splats};
use vivant_convert::{Axes, Foreign, Options, RigOptions};
use vivant_tests::limb;
use vivant_tests::random::Random;

/// Our own axes.
pub(crate) fn ours() -> Options {
    Options { axes: Some(Axes::RUB), ..Options::default() }
}

pub(crate) fn open(path: &Path, options: &Options) -> vivant::Result<Foreign> {
    Foreign::open(&[path.to_owned()], None, options, &RigOptions::default())
}

/// Every frame of a file or folder.
pub(crate) fn frames(path: &Path, options: &Options) -> vivant::Result<Vec<Splats>> {
    let foreign = open(path, options)?;
    let sequence = foreign.sequence().unwrap();
    (0..sequence.frame_count()).map(|index| Ok(sequence.read_frame(index)?.splats)).collect()
}

/// For attacks: how many splats all frames hold.
pub(crate) fn count(path: &Path) -> vivant::Result<usize> {
    Ok(frames(path, &ours())?.iter().map(Splats::len).sum())
}

/// The limb with harmonics of degree 3 and opacities that differ.
pub(crate) fn limb_frames(splats: usize, frames: usize, degree: u8) -> Vec<Splats> {
    let mut random = Random::new(3);
    let opacity: Vec<f32> = (0..splats).map(|_| random.range(0.5, 0.99)).collect();
    let rest = vivant::splat::sh_rest_len(degree) * 3;
    let harmonics: Vec<f32> = (0..splats * rest).map(|_| random.range(-0.15, 0.15)).collect();
    let mut all = limb::frames(splats, frames);
    for frame in &mut all {
        frame.opacity.clone_from(&opacity);
        frame.sh_degree = degree;
        frame.sh_rest.clone_from(&harmonics);
    }
    all
}

/// The frames as a performance: each shows for its own frame.
pub(crate) fn performance(frames: &[Splats]) -> Performance {
    let info = vivant::splat::ClipInfo { sh_degree: frames[0].sh_degree, ..limb::info(frames.len()) };
    let mut all = Splats::new(info.sh_degree);
    for (number, frame) in frames.iter().enumerate() {
        let start = number as i64 * 1000;
        let life = Life { t0: number as f64 / 30.0, sigma_t: f32::INFINITY, start, end: start + 1000 };
        for index in 0..frame.len() {
            let splat = vivant::splat::Splat { life, ..frame.get(index) };
            all.push(&splat, frame.sh_rest_of(index));
        }
    }
    Performance { info, splats: all }
}

/// What `path` becomes as a clip.
pub(crate) fn clip(path: &Path, options: &Options, profile: Profile) -> Clip {
    let writer = WriterOptions { profile, ..WriterOptions::default() };
    let (bytes, _, _) = open(path, options).unwrap().write_to_memory(&writer, &mut |_| {}).unwrap();
    Clip::from_bytes("frames.vvt", bytes).unwrap()
}

/// Whether a clip follows splats over frames.
pub(crate) fn has_tracks(clip: &Clip) -> bool {
    clip.nodes().iter().any(|node| node.keys.any())
}

/// Three moments of a sequence, each in the middle of a frame.
pub(crate) fn moments(frames: usize) -> [f64; 3] {
    [0, frames / 2, frames - 1].map(|frame| (frame as f64 + 0.5) / 30.0)
}

pub(crate) fn logit(opacity: f32) -> f32 {
    let opacity = f64::from(opacity);
    (opacity / (1.0 - opacity)).ln() as f32
}

/// The largest difference of two arrays, which must be as long.
pub(crate) fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Fails unless two sets are the same within `error`; rotations may be of either sign.
pub(crate) fn assert_near(found: &Splats, wanted: &Splats, error: f32) {
    assert_eq!(found.len(), wanted.len());
    let differences = [
        ("mean", apart(found.mean.as_flattened(), wanted.mean.as_flattened())),
        ("scale", apart(found.scale.as_flattened(), wanted.scale.as_flattened())),
        ("opacity", apart(&found.opacity, &wanted.opacity)),
        ("colour", apart(found.colour.as_flattened(), wanted.colour.as_flattened())),
        ("sh", apart(&found.sh_rest, &wanted.sh_rest)),
        ("rotation", turned(found, wanted)),
    ];
    for (name, difference) in differences {
        assert!(difference <= error, "{name} differs by {difference}");
    }
}

fn turned(found: &Splats, wanted: &Splats) -> f32 {
    let along = |a: &[f32; 4], b: &[f32; 4]| (0..4).map(|part| a[part] * b[part]).sum::<f32>().abs();
    let turns = found.rotation.iter().zip(&wanted.rotation).map(|(a, b)| 1.0 - along(a, b));
    turns.fold(0.0, f32::max)
}
