//! The colour of a splat seen from a direction: real spherical harmonics up to degree 3, in the order and with the
//! signs of 3D Gaussian splatting. Pure functions.
//!
//! The factors are `√(k/π)` of the usual real harmonics (Sloan, *Stupid Spherical Harmonics Tricks*, 2008), with
//! the Condon–Shortley phase left in, as the trainers have it.

use glam::DVec3;

use crate::splat::Splats;

const C1: f64 = 0.488_602_511_902_919_9;
const C2: [f64; 3] = [1.092_548_430_592_079_2, 0.315_391_565_252_520_05, 0.546_274_215_296_039_6];
const C3: [f64; 5] = [
    0.590_043_589_926_643_5,
    2.890_611_442_640_554,
    0.457_045_799_464_465_8,
    0.373_176_332_590_115_4,
    1.445_305_721_320_277,
];

/// `Y_1 … Y_15` towards the unit vector `direction`.
fn harmonics(direction: DVec3) -> [f64; 15] {
    let DVec3 { x, y, z } = direction;
    let (xx, yy, zz) = (x * x, y * y, z * z);
    [
        -C1 * y,
        C1 * z,
        -C1 * x,
        C2[0] * x * y,
        -C2[0] * y * z,
        C2[1] * (2.0 * zz - xx - yy),
        -C2[0] * x * z,
        C2[2] * (xx - yy),
        -C3[0] * y * (3.0 * xx - yy),
        C3[1] * x * y * z,
        -C3[2] * y * (4.0 * zz - xx - yy),
        C3[3] * z * (2.0 * zz - 3.0 * xx - 3.0 * yy),
        -C3[2] * x * (4.0 * zz - xx - yy),
        C3[4] * z * (xx - yy),
        -C3[0] * x * (xx - 3.0 * yy),
    ]
}

/// The colour of splat `index` towards the unit vector `direction` (from the camera to the splat, in the clip's own
/// space): `max(0, base + Σ Y_k · sh_k)`. `None` if it is no number.
pub(crate) fn towards(splats: &Splats, index: usize, direction: DVec3) -> Option<DVec3> {
    let [r, g, b] = splats.colour[index].map(f64::from);
    let mut sum = DVec3::new(r, g, b);
    let coefficients = splats.sh_rest_of(index).chunks_exact(3);
    for (coefficient, harmonic) in coefficients.zip(harmonics(direction)) {
        sum += harmonic
            * DVec3::new(f64::from(coefficient[0]), f64::from(coefficient[1]), f64::from(coefficient[2]));
    }
    sum.is_finite().then(|| sum.max(DVec3::ZERO))
}

/// Linear light of an sRGB-encoded value (IEC 61966-2-1), which may exceed 1.
pub(super) fn linear(encoded: f64) -> f64 {
    if encoded <= 0.04045 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

/// The inverse.
pub(super) fn encoded(linear: f64) -> f64 {
    if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}
