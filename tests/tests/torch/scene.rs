//! Splats as the trainers of temporal Gaussians optimise them: a bumpy ball whose splats come, drift and go.

use glam::Vec3;
use vivant_tests::random::Random;

/// What is optimised of a splat, quaternions and rotors aside.
#[derive(Debug, Clone)]
pub(crate) struct Trained {
    pub(crate) mean: [f32; 3],
    /// `f_dc`.
    pub(crate) base: [f32; 3],
    pub(crate) logit: f32,
    pub(crate) log_scale: [f32; 3],
    /// Centre in time, and logarithm of the length.
    pub(crate) centre: f32,
    pub(crate) log_length: f32,
    /// Two quaternions, or the halves of a rotor; near those that turn nothing.
    pub(crate) turns: [[f32; 4]; 2],
}

/// `count` splats in `length` units of time; the second half of their turns is near `upright`.
pub(crate) fn ball(count: u32, length: f32, upright: [f32; 4], seed: u64) -> Vec<Trained> {
    let mut random = Random::new(seed);
    let mut one = || {
        let normal =
            Vec3::new(random.normal(), random.normal(), random.normal()).try_normalize().unwrap_or(Vec3::X);
        let radius = 0.35 + 0.03 * (9.0 * normal.x).sin() * (7.0 * normal.y).cos();
        let spacing = 0.35 * (4.0 * std::f32::consts::PI / count as f32).sqrt();
        let stripe = if (normal.y * 24.0).sin() > 0.0 { 0.9 } else { -0.5 };
        let mut near = |q: [f32; 4]| q.map(|part| 1.3 * part + random.range(-0.02, 0.02));
        Trained {
            turns: [near([1.0, 0.0, 0.0, 0.0]), near(upright)],
            mean: (normal * radius).to_array(),
            base: (normal * 0.8 + Vec3::splat(stripe)).to_array(),
            logit: random.range(-1.0, 4.0),
            log_scale: [1.2, 0.9, 0.6].map(|share| (spacing * share * random.range(0.7, 1.3)).ln()),
            centre: random.range(-0.1, 1.1) * length,
            log_length: (random.range(0.1, 0.6) * length).ln(),
        }
    };
    (0..count).map(|_| one()).collect()
}

/// One attribute of all, as a column.
pub(crate) fn column<const N: usize>(splats: &[Trained], of: impl Fn(&Trained) -> [f32; N]) -> Vec<f32> {
    splats.iter().flat_map(of).collect()
}

pub(crate) fn sigmoid(logit: f32) -> f64 {
    1.0 / (1.0 + (-f64::from(logit)).exp())
}

pub(crate) fn wide<const N: usize>(values: [f32; N]) -> [f64; N] {
    values.map(f64::from)
}

/// 0.5 + C0·`f_dc`.
pub(crate) fn base_colour(base: [f32; 3]) -> [f64; 3] {
    base.map(|dc| 0.5 + 0.282_094_791_773_878_14 * f64::from(dc))
}
