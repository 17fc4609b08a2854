//! Planes `Velocity` (f32) and `Curve` (f16): how a splat moves; and the arithmetic of the motion in f64.
//!
//! f16 has 11 bits of mantissa, so a splat is off by at most 1/2048 of what its quadratic and cubic terms add to the
//! way it goes, which is why t0 is moved into the splat's window first ([`rebase`]): there they are smallest.

use super::rotation;
use super::words::{fits_half, from_halves, halves_finite, pack_halves};
use crate::splat::{Motion, Splat};

/// Whether the planes hold the values.
pub(super) fn fits(motion: &Motion) -> bool {
    let Motion { velocity, quadratic, cubic, spin } = motion;
    fits_half(velocity) && fits_half(quadratic) && fits_half(cubic) && fits_half(spin)
}

pub(super) fn pack_velocity(velocity: [f32; 3]) -> [u32; 3] {
    velocity.map(f32::to_bits)
}

pub(super) fn unpack_velocity(words: [u32; 3]) -> [f32; 3] {
    words.map(f32::from_bits)
}

pub(super) fn pack_curve(motion: &Motion) -> [u32; 5] {
    pack_halves(motion.quadratic.into_iter().chain(motion.cubic).chain(motion.spin))
}

/// The quadratic, cubic and spin of a record; its velocity stands in the other plane.
pub(super) fn unpack_curve(words: [u32; 5]) -> Motion {
    let value = |index: usize| from_halves(words[index / 2])[index % 2];
    Motion {
        velocity: [0.0; 3],
        quadratic: std::array::from_fn(value),
        cubic: std::array::from_fn(|axis| value(3 + axis)),
        spin: std::array::from_fn(|axis| value(6 + axis)),
    }
}

/// Whether the words of a file are a curve of finite terms.
pub(super) fn curve_sound(words: [u32; 5]) -> bool {
    words.into_iter().all(halves_finite)
}

/// Whether the words of a file are a velocity that [`fits`].
pub(super) fn velocity_sound(words: [u32; 3]) -> bool {
    fits_half(&unpack_velocity(words))
}

/// Where the mean is `dt` seconds from t0.
pub(super) fn position(mean: [f32; 3], motion: &Motion, dt: f64) -> [f64; 3] {
    std::array::from_fn(|axis| {
        let term = |values: [f32; 3]| f64::from(values[axis]);
        term(mean) + dt * (term(motion.velocity) + dt * (term(motion.quadratic) + dt * term(motion.cubic)))
    })
}

/// Least and greatest position over `dt` in `[from, to]`, exact: the ends and the roots of the derivative.
pub(super) fn extent(mean: [f32; 3], motion: &Motion, from: f64, to: f64) -> [[f64; 3]; 2] {
    let (a, b) = (position(mean, motion, from), position(mean, motion, to));
    let mut out = [a, b];
    for axis in 0..3 {
        let (mut low, mut high) = (a[axis].min(b[axis]), a[axis].max(b[axis]));
        let [v, q, c] = [motion.velocity, motion.quadratic, motion.cubic].map(|term| f64::from(term[axis]));
        for dt in roots(3.0 * c, 2.0 * q, v).into_iter().filter(|dt| (from..=to).contains(dt)) {
            let at = position(mean, motion, dt)[axis];
            low = low.min(at);
            high = high.max(at);
        }
        out[0][axis] = low;
        out[1][axis] = high;
    }
    out
}

/// How far f32 arithmetic can be off from [`position`] per axis, for `|dt|` up to `reach` and times up to `clock`
/// seconds from the segment's start: the terms' last places, and the clock's times the speed.
pub(super) fn rounding(mean: [f32; 3], motion: &Motion, reach: f64, clock: f64) -> [f64; 3] {
    const ULP: f64 = 1.0 / 8_388_608.0;
    std::array::from_fn(|axis| {
        let [m, v, q, c] =
            [mean, motion.velocity, motion.quadratic, motion.cubic].map(|t| f64::from(t[axis]).abs());
        let terms = m + reach * (v + reach * (q + reach * c));
        let speed = v + reach * (2.0 * q + reach * 3.0 * c);
        1e-7 + 4.0 * ULP * (terms + speed * (clock + reach))
    })
}

/// Real roots of `a·x² + b·x + c`; what is no root is NaN.
fn roots(a: f64, b: f64, c: f64) -> [f64; 2] {
    // The stable form: no difference of nearly equal numbers, and right for a = 0.
    let root = (b * b - 4.0 * a * c).sqrt();
    let sum = -0.5 * (b + root.copysign(b));
    [sum / a, c / sum]
}

/// Moves t0 into `[from, to]` (seconds) if the splat has no envelope, without changing what it shows: the Taylor
/// series of the motion about the new t0.
#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
pub(super) fn rebase(splat: &mut Splat, from: f64, to: f64) {
    let t0 = splat.life.t0.clamp(from, to);
    let dt = t0 - splat.life.t0;
    if splat.life.sigma_t.is_finite() || dt == 0.0 {
        return;
    }
    let motion = splat.motion;
    splat.mean = position(splat.mean, &motion, dt).map(|value| value as f32);
    for axis in 0..3 {
        let [v, q, c] = [motion.velocity, motion.quadratic, motion.cubic].map(|term| f64::from(term[axis]));
        splat.motion.velocity[axis] = (v + dt * (2.0 * q + dt * 3.0 * c)) as f32;
        splat.motion.quadratic[axis] = (q + dt * 3.0 * c) as f32;
    }
    for axis in 0..4 {
        splat.rotation[axis] = (f64::from(splat.rotation[axis]) + dt * f64::from(motion.spin[axis])) as f32;
    }
    splat.life.t0 = t0;
}

/// Normalises the rotation and scales the spin alike, which leaves `normalize(rotation + spin·dt)` as it was.
/// `false` when there is no rotation.
pub(super) fn normalise(splat: &mut Splat) -> bool {
    let Some((unit, factor)) = rotation::unit(splat.rotation) else { return false };
    splat.rotation = unit;
    splat.motion.spin = splat.motion.spin.map(|value| value * factor);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splat::Life;

    #[test]
    fn records_round_trip_within_f16() {
        let motion = Motion {
            velocity: [1.0, -2.5, 0.125],
            quadratic: [0.1, 0.2, 0.3],
            cubic: [-1.0, -2.0, -3.0],
            spin: [0.01, 0.02, -0.03, 4.0],
        };
        assert_eq!(unpack_velocity(pack_velocity(motion.velocity)), motion.velocity);
        let back = unpack_curve(pack_curve(&motion));
        let flat = |m: &Motion| [&m.quadratic[..], &m.cubic[..], &m.spin[..]].concat();
        for (got, want) in flat(&back).into_iter().zip(flat(&motion)) {
            assert!((got - want).abs() <= want.abs() / 2048.0, "{got} {want}");
        }
        assert!(!fits(&Motion { cubic: [0.0, 0.0, 70_000.0], ..motion }));
    }

    #[test]
    fn the_extent_of_a_cubic_is_exact() {
        // x = dt³ − 3·dt has its extremes ±2 at ∓1; y is a parabola with its least value −1 at 1; z stands.
        let motion = Motion {
            velocity: [-3.0, -2.0, 0.0],
            quadratic: [0.0, 1.0, 0.0],
            cubic: [1.0, 0.0, 0.0],
            spin: [0.0; 4],
        };
        let [low, high] = extent([0.0, 0.0, 5.0], &motion, -1.5, 1.5);
        for (got, want) in low.into_iter().chain(high).zip([-2.0, -1.0, 5.0, 2.0, 5.25, 5.0]) {
            assert!((got - want).abs() < 1e-12, "{low:?} {high:?}");
        }
    }

    #[test]
    fn moving_t0_changes_nothing_that_shows() {
        let mut splat = Splat {
            mean: [1.0, 2.0, 3.0],
            life: Life { t0: 0.0, ..Life::ALWAYS },
            motion: Motion {
                velocity: [0.5, -0.25, 0.0],
                quadratic: [0.125, 0.0, 0.5],
                cubic: [0.0, 0.0625, -0.125],
                spin: [0.1, 0.0, 0.2, 0.05],
            },
            ..Splat::DEFAULT
        };
        let before = splat;
        rebase(&mut splat, 2.0, 3.0);
        assert!(normalise(&mut splat));
        assert!((splat.life.t0 - 2.0).abs() < 1e-12);
        for time in [2.0, 2.3, 3.0] {
            let was = position(before.mean, &before.motion, time);
            let is = position(splat.mean, &splat.motion, time - 2.0);
            assert!(was.iter().zip(is).all(|(a, b)| (a - b).abs() < 1e-5), "{was:?} {is:?}");
            let turned = |s: &Splat, dt: f64| {
                let q: [f64; 4] =
                    std::array::from_fn(|i| f64::from(s.rotation[i]) + dt * f64::from(s.motion.spin[i]));
                let length = q.iter().map(|v| v * v).sum::<f64>().sqrt();
                q.map(|v| v / length)
            };
            let (was, is) = (turned(&before, time), turned(&splat, time - 2.0));
            assert!(was.iter().zip(is).all(|(a, b)| (a - b).abs() < 1e-6), "{was:?} {is:?}");
        }
    }
}
