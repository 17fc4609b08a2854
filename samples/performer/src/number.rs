//! Small numeric helpers: seeded random numbers, smooth steps, splines. Pure functions, no state outside.
//!
//! The generator is a `SplitMix64` stream (Steele, Lea and Flood, 2014): one 64-bit add and a mix per number, and
//! streams for different seeds are independent, so that parallel work needs no shared state.

use glam::{Quat, Vec2, Vec3};
use std::ops::{Add, Mul};

/// A deterministic stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Random {
    /// The stream named by `seed` and `stream`.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        Self(mix(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ mix(stream.wrapping_add(0x51_7c_c1_b7))))
    }

    /// Uniform in 0..1.
    pub(crate) fn unit(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        // 24 bits are exactly what a float holds.
        (mix(self.0) >> 40) as f32 / 16_777_216.0
    }

    /// Uniform in `low..high`.
    pub(crate) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Roughly normal, standard deviation 1, bounded by ±3.5: what variation in nature looks like, without outliers.
    pub(crate) fn bell(&mut self) -> f32 {
        (self.unit() + self.unit() + self.unit() + self.unit() - 2.0) * 1.732
    }
}

/// A fixed random number in 0..1 for an integer cell.
pub(crate) fn hash2(x: i32, y: i32, salt: u64) -> f32 {
    Random::new(salt, (u64::from(x.cast_unsigned()) << 32) | u64::from(y.cast_unsigned())).unit()
}

/// Smooth value noise in −1..1 with features of size 1.
pub(crate) fn noise3(p: Vec3) -> f32 {
    let base = p.floor();
    let f = p - base;
    let f = f * f * (Vec3::splat(3.0) - 2.0 * f);
    let (x, y, z) = (floor_i32(base.x), floor_i32(base.y), floor_i32(base.z));
    let at = |dx: i32, dy: i32, dz: i32| hash2(x + dx, (y + dy).wrapping_mul(8191) ^ (z + dz), 77);
    let plane = |dz: i32| {
        let low = lerp(at(0, 0, dz), at(1, 0, dz), f.x);
        let high = lerp(at(0, 1, dz), at(1, 1, dz), f.x);
        lerp(low, high, f.y)
    };
    2.0 * lerp(plane(0), plane(1), f.z) - 1.0
}

/// The integer at or below `x`.
#[expect(clippy::cast_possible_truncation, reason = "float to int casts saturate, which is wanted here")]
pub(crate) fn floor_i32(x: f32) -> i32 {
    x.floor() as i32
}

/// The count nearest to a float; negative and NaN are 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to int casts saturate, which is wanted here"
)]
pub(crate) fn count(x: f32) -> usize {
    x.round() as usize
}

/// An f64 as f32; used where a time or a sum is kept in f64 and the model is f32.
#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the purpose")]
pub(crate) fn single(x: f64) -> f32 {
    x as f32
}

/// `a + (b − a)·t`.
pub(crate) fn lerp<T: Copy + Add<Output = T> + Mul<f32, Output = T>>(a: T, b: T, t: f32) -> T {
    a * (1.0 - t) + b * t
}

/// 0 below `low`, 1 above `high`, a cubic between.
pub(crate) fn step(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// 0 to 1 over 0..1 with no velocity and no acceleration at either end (minimum jerk).
pub(crate) fn ease(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * t * (10.0 + t * (6.0 * t - 15.0))
}

/// `exp(−|x|²)`, the soft spot of colour masks.
pub(crate) fn spot(x: f32, y: f32, rx: f32, ry: f32) -> f32 {
    (-(x / rx).powi(2) - (y / ry).powi(2)).exp()
}

/// Weights of a uniform cubic B-spline at fraction `f` of a span: value and derivative per control interval.
pub(crate) fn bspline(f: f32) -> ([f32; 4], [f32; 4]) {
    let g = 1.0 - f;
    let value = [
        g * g * g / 6.0,
        (3.0 * f * f * f - 6.0 * f * f + 4.0) / 6.0,
        (3.0 * g * g * g - 6.0 * g * g + 4.0) / 6.0,
        f * f * f / 6.0,
    ];
    let slope = [-0.5 * g * g, 1.5 * f * f - 2.0 * f, 2.0 * g - 1.5 * g * g, 0.5 * f * f];
    (value, slope)
}

/// Weights of a uniform B-spline of degree 5 at fraction `f` of a span.
fn quintic(f: f32) -> [f32; 6] {
    let (f2, g) = (f * f, 1.0 - f);
    let (f3, f4, f5, g2) = (f2 * f, f2 * f2, f2 * f2 * f, g * g);
    [
        g2 * g2 * g,
        26.0 - 50.0 * f + 20.0 * f2 + 20.0 * f3 - 20.0 * f4 + 5.0 * f5,
        66.0 - 60.0 * f2 + 30.0 * f4 - 10.0 * f5,
        26.0 + 50.0 * f + 20.0 * f2 - 20.0 * f3 - 20.0 * f4 + 10.0 * f5,
        1.0 + 5.0 * f + 10.0 * f2 + 10.0 * f3 + 5.0 * f4 - 5.0 * f5,
        f5,
    ]
    .map(|w| w / 120.0)
}

/// A periodic B-spline of degree 5 over control values spread evenly over one loop; `phase` counts loops. It never
/// leaves the hull of its controls, and its fourth derivative is continuous: long cubic pieces follow it well.
pub(crate) fn looped<T: Copy + Add<Output = T> + Mul<f32, Output = T>>(controls: &[T], phase: f32) -> T {
    let n = controls.len();
    let x = phase.rem_euclid(1.0) * n as f32;
    let base = count(x.floor()) % n;
    let w = quintic(x - x.floor());
    let at = |k: usize| controls[(base + k + 2 * n - 2) % n] * w[k];
    at(0) + at(1) + at(2) + at(3) + at(4) + at(5)
}

/// Piecewise-cubic interpolation through `(x, value)` keys in rising x; constant outside.
pub(crate) fn through(keys: &[[f32; 2]], x: f32) -> f32 {
    let last = keys.len() - 1;
    if x <= keys[0][0] {
        return keys[0][1];
    }
    if x >= keys[last][0] {
        return keys[last][1];
    }
    let i = keys.iter().rposition(|k| k[0] <= x).unwrap_or(0).min(last - 1);
    hermite(keys, i, x, |k| k[1])
}

/// One span of the interpolating cubic with finite-difference tangents (Catmull and Rom, 1974, uneven knots).
pub(crate) fn hermite<const N: usize>(
    keys: &[[f32; N]],
    i: usize,
    x: f32,
    value: impl Fn(&[f32; N]) -> f32,
) -> f32 {
    let (a, b) = (&keys[i], &keys[i + 1]);
    let h = b[0] - a[0];
    let slope = |j: usize| {
        let lo = j.saturating_sub(1);
        let hi = (j + 1).min(keys.len() - 1);
        (value(&keys[hi]) - value(&keys[lo])) / (keys[hi][0] - keys[lo][0])
    };
    let t = (x - a[0]) / h;
    let (t2, t3) = (t * t, t * t * t);
    value(a) * (2.0 * t3 - 3.0 * t2 + 1.0)
        + slope(i) * h * (t3 - 2.0 * t2 + t)
        + value(b) * (3.0 * t2 - 2.0 * t3)
        + slope(i + 1) * h * (t3 - t2)
}

/// The rotation whose x axis is `x` and whose z axis lies as near to `z` as it can.
pub(crate) fn frame(x: Vec3, z: Vec3) -> Quat {
    let x = x.normalize_or(Vec3::X);
    let y = z.cross(x).normalize_or(x.any_orthonormal_vector());
    Quat::from_mat3(&glam::Mat3::from_cols(x, y, x.cross(y)))
}

/// Rotates a 2D vector by an angle.
pub(crate) fn turn2(p: Vec2, angle: f32) -> Vec2 {
    Vec2::from_angle(angle).rotate(p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splines_reproduce_constants_and_join_smoothly() {
        let keys = [2.0_f32; 5];
        assert!((looped(&keys, 0.37) - 2.0).abs() < 1e-6);
        let keys = [0.0, 1.0, 4.0, -2.0, 0.5];
        assert!((looped(&keys, 0.999_999) - looped(&keys, 0.000_001)).abs() < 1e-3);
        assert!((through(&[[0.0, 1.0], [1.0, 3.0], [4.0, 0.0]], 1.0) - 3.0).abs() < 1e-6);
    }

    #[test]
    fn streams_differ_and_repeat() {
        let a: Vec<f32> = (0..4).map(|_| Random::new(1, 2).unit()).collect();
        assert!(a.iter().all(|&x| x.to_bits() == a[0].to_bits()));
        assert!((Random::new(1, 2).unit() - Random::new(1, 3).unit()).abs() > 1e-6);
    }
}
