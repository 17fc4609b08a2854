//! Twin of `include/sh.glsl`: spherical harmonics of degree 1 to 3 from the packed planes.

use glam::Vec3;

use super::pack::halves;

/// Coefficient `k` of a splat's words.
fn coefficient(words: &[u32], k: usize) -> Vec3 {
    let half = |index: usize| halves(words[index / 2])[index % 2];
    Vec3::new(half(3 * k), half(3 * k + 1), half(3 * k + 2))
}

fn sum(words: &[u32], basis: &[f32]) -> Vec3 {
    basis.iter().enumerate().map(|(k, y)| coefficient(words, k) * *y).sum()
}

pub(crate) fn degree1(words: &[u32], d: Vec3) -> Vec3 {
    sum(words, &[-d.y, d.z, -d.x].map(|y| 0.488_602_5 * y))
}

pub(crate) fn degree2(words: &[u32], d: Vec3) -> Vec3 {
    let q = d * d;
    let basis = [
        1.092_548_4 * d.x * d.y,
        -1.092_548_4 * d.y * d.z,
        0.315_391_57 * (2.0 * q.z - q.x - q.y),
        -1.092_548_4 * d.x * d.z,
        0.546_274_2 * (q.x - q.y),
    ];
    sum(words, &basis)
}

pub(crate) fn degree3(words: &[u32], d: Vec3) -> Vec3 {
    let q = d * d;
    let basis = [
        -0.590_043_6 * d.y * (3.0 * q.x - q.y),
        2.890_611_4 * d.x * d.y * d.z,
        -0.457_045_8 * d.y * (4.0 * q.z - q.x - q.y),
        0.373_176_34 * d.z * (2.0 * q.z - 3.0 * q.x - 3.0 * q.y),
        -0.457_045_8 * d.x * (4.0 * q.z - q.x - q.y),
        1.445_305_7 * d.z * (q.x - q.y),
        -0.590_043_6 * d.x * (q.x - 3.0 * q.y),
    ];
    sum(words, &basis)
}
