//! Planes `Velocity` (f32) and `Curve` (f16): how a splat moves; and the arithmetic of the motion in f64.
//!
//! f16 has 11 bits of mantissa, so a splat is off by at most 1/2048 of what its quadratic and cubic terms add to the
//! way it goes, which is why t0 is moved into the splat's window first ([`rebase`]): there they are smallest.
//! Planes `PackedVelocity` and `PackedCurve` count what the same terms add from the middle of the
//! window, which is t0, to its end: metres all of them, whatever the window's length.

use super::rotation;
use super::words::{fits_half, from_halves, from_pair, halves_finite, pack_halves, pair};
use crate::frame::Grid;
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
pub(super) fn rebase(splat: &mut Splat, from: f64, to: f64) {
    let t0 = splat.life.t0.clamp(from, to);
    if splat.life.sigma_t.is_infinite() {
        move_origin(splat, t0);
    }
}

/// Tells the motion from `t0` (seconds), whatever the envelope.
#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
pub(super) fn move_origin(splat: &mut Splat, t0: f64) {
    let dt = t0 - splat.life.t0;
    if dt == 0.0 {
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

/// The largest number of a packed term either way.
pub(super) const BIN_LIMIT: f32 = 32_767.0;

/// What the velocity adds by the end of the window, as i16 in steps of `step`.
pub(super) fn pack_velocity_bins(added: [f32; 3], step: f32) -> [u32; 2] {
    let [x, y, z] = added.map(|value| signed16(value / step));
    [pair(x, y), pair(z, 0)]
}

/// The velocity of a splat whose window lasts twice `half` seconds.
pub(super) fn unpack_velocity_bins(words: [u32; 2], step: f32, half: f32) -> [f32; 3] {
    let [x, y] = from_pair(words[0]);
    [x, y, from_pair(words[1])[0]].map(|bits| f32::from(bits.cast_signed()) * (step / half))
}

/// What quadratic, cubic and spin (in the splat's own axes, [`own_spin`]) add by the end of the window, as i16.
pub(super) fn pack_curve_bins([quadratic, cubic, spin]: [[f32; 3]; 3], grid: &Grid) -> [u32; 5] {
    let [a, b, c] = quadratic.map(|value| signed16(value / grid.quadratic_step));
    let [d, e, f] = cubic.map(|value| signed16(value / grid.cubic_step));
    let [g, h, i] = spin.map(|value| signed16(value / grid.spin_step));
    [pair(a, b), pair(c, d), pair(e, f), pair(g, h), pair(i, 0)]
}

/// The quadratic, cubic and spin of a splat with this rotation whose window lasts twice `half` seconds.
pub(super) fn unpack_curve_bins(words: [u32; 5], rotation: [f32; 4], grid: &Grid, half: f32) -> Motion {
    let value = |at: usize| f32::from(from_pair(words[at / 2])[at % 2].cast_signed());
    let spin = std::array::from_fn(|axis| value(6 + axis) * (grid.spin_step / half));
    Motion {
        velocity: [0.0; 3],
        quadratic: std::array::from_fn(|axis| value(axis) * (grid.quadratic_step / half / half)),
        cubic: std::array::from_fn(|axis| value(3 + axis) * (grid.cubic_step / half / half / half)),
        spin: full_spin(rotation, spin),
    }
}

/// A spin in the splat's own axes: the vector part of `conjugate(rotation) · spin`. What is left out points along the
/// rotation itself and, to first order, turns nothing.
pub(super) fn own_spin([x, y, z, w]: [f32; 4], [a, b, c, d]: [f32; 4]) -> [f32; 3] {
    [w * a - d * x - (y * c - z * b), w * b - d * y - (z * a - x * c), w * c - d * z - (x * b - y * a)]
}

/// `rotation · (spin, 0)`.
pub(super) fn full_spin([x, y, z, w]: [f32; 4], [a, b, c]: [f32; 3]) -> [f32; 4] {
    [w * a + y * c - z * b, w * b + z * a - x * c, w * c + x * b - y * a, -(x * a + y * b + z * c)]
}

/// Whether the steps lead to terms that the full planes hold.
pub(super) fn steps_sound(steps: [f32; 4]) -> bool {
    steps.into_iter().all(|step| step >= 0.0 && fits_half(&[step * BIN_LIMIT]))
}

fn signed16(value: f32) -> u16 {
    // A step of zero says that all are zero; 0/0 becomes 0.
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the type's range")]
    let bits = value.clamp(-BIN_LIMIT, BIN_LIMIT).round() as i16;
    bits.cast_unsigned()
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

    #[test]
    fn packed_terms_are_off_by_half_a_step() {
        let rotation = [0.1, -0.7, 0.3, 0.640_312_4];
        let spin = full_spin(rotation, [0.5, -1.5, 0.25]);
        for (got, want) in own_spin(rotation, spin).into_iter().zip([0.5, -1.5, 0.25]) {
            assert!((got - want).abs() < 1e-5, "{got} {want}");
        }
        let along: f32 = (0..4).map(|at| rotation[at] * spin[at]).sum();
        assert!(along.abs() < 1e-6, "a spin in own axes is across the rotation");
        let grid = Grid {
            velocity_step: 1e-3,
            quadratic_step: 2e-3,
            cubic_step: 4e-3,
            spin_step: 1e-3,
            ..Grid::default()
        };
        let motion = Motion {
            velocity: [1.0, -2.5, 0.125],
            quadratic: [0.1, 0.2, -0.3],
            cubic: [-1.0, 2.0, 3.0],
            spin,
        };
        // A window of one second: half of it, squared, cubed.
        let half = 0.5_f32;
        let added = |values: [f32; 3], power: i32| values.map(|value| value * half.powi(power));
        let velocity = unpack_velocity_bins(pack_velocity_bins(added(motion.velocity, 1), 1e-3), 1e-3, half);
        let terms = [added(motion.quadratic, 2), added(motion.cubic, 3), added([0.5, -1.5, 0.25], 1)];
        let back = unpack_curve_bins(pack_curve_bins(terms, &grid), rotation, &grid, half);
        for axis in 0..3 {
            assert!((velocity[axis] - motion.velocity[axis]).abs() < 1.01e-3);
            assert!((back.quadratic[axis] - motion.quadratic[axis]).abs() < 4.04e-3);
            assert!((back.cubic[axis] - motion.cubic[axis]).abs() < 16.2e-3);
            assert!((back.spin[axis] - spin[axis]).abs() < 2.02e-3);
        }
        assert!(steps_sound([1.0, 0.0, 0.5, 1.9]) && !steps_sound([2.1, 0.0, 0.0, 0.0]));
        assert!(!steps_sound([f32::NAN, 0.0, 0.0, 0.0]) && !steps_sound([-1.0, 0.0, 0.0, 0.0]));
        assert_eq!(pack_velocity_bins([0.0; 3], 0.0), [0, 0]);
    }
}
