//! Predictions 12 to 14 of codec 2: where the splats of a cluster were in one key leads to where they are in the next.
//!
//! Splats of a cluster are neighbours on a body, so they move nearly as one. For each key but the first the writer fits
//! one *move* a cluster: an affine map of its means, or one turn of its rotations; what it leaves is stored as in
//! [`super::fields`], along the curve. After the skin of DualGS (Jiang et al., "Robust Dual Gaussian Splatting for
//! Immersive Human-centric Volumetric Videos", 2024), whose few joints carry many Gaussians; here the clusters are the
//! joints, and the map is in whole numbers, so that every reader gets the same ones.
//!
//! Means: `n' = n + b + ⌊A·(n − c) / 2¹⁴ + ½⌋` with `c` the mean of the cluster in the key before. Rotations: the four
//! components as whole numbers of radius `R`, the largest by a square root rounded down; then `⌊D·q / 2¹⁴ + ½⌋`, where
//! `D` multiplies with the turn from the left; then with the sign that makes the new largest component positive.

use crate::frame::{CLUSTER_SPLATS, Plane};

/// Numbers of a move of means: `A` by rows, then `b`.
const AFFINE: usize = 12;
/// Numbers of a turn: x, y, z, w, and `R`.
const TURN: usize = 5;
/// What one is worth in a move.
const ONE: f64 = 16_384.0;
const HALF: i64 = 8192;
const SHIFT: u32 = 14;

/// Numbers of one key of a record: the fields of its plane, unsigned.
pub(super) type Numbers = [u32; 4];

/// Numbers of a cluster's move in a plane; 0 where moves are not for it.
pub(super) const fn move_len(plane: Plane) -> usize {
    match plane {
        Plane::PackedMean => AFFINE,
        Plane::PackedRotation => TURN,
        _ => 0,
    }
}

/// The move that leads best from `before` to `now`, the same cluster in two neighbouring keys. `radius` is that of the
/// rotations.
pub(super) fn fit(plane: Plane, before: &[Numbers], now: &[Numbers], radius: u16) -> Vec<u16> {
    match plane {
        Plane::PackedMean => fit_affine(before, now),
        _ => fit_turn(before, now, radius),
    }
}

/// What the move leads to expect of a cluster: for each record its numbers in the key after `before`. `largest` are
/// the numbers of the largest component that the records have there.
pub(super) fn expect(
    plane: Plane,
    step: &[u16],
    before: &[Numbers],
    largest: &[u32],
    out: &mut Vec<Numbers>,
) {
    match plane {
        Plane::PackedMean => expect_affine(step, before, out),
        _ => expect_turn(step, before, largest, out),
    }
}

/// Runs of records that are a cluster each.
pub(super) fn clusters(count: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..count).step_by(CLUSTER_SPLATS).map(move |first| first..count.min(first + CLUSTER_SPLATS))
}

fn signed(word: u16) -> i64 {
    i64::from(word.cast_signed())
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to sixteen bits")]
fn stored(value: f64) -> u16 {
    (value.round().clamp(-32_768.0, 32_767.0) as i16).cast_unsigned()
}

/// The mean of a cluster, rounded down.
fn centre(records: &[Numbers]) -> [i64; 3] {
    let count = i64::try_from(records.len()).unwrap_or(1).max(1);
    std::array::from_fn(|axis| records.iter().map(|numbers| i64::from(numbers[axis])).sum::<i64>() / count)
}

fn expect_affine(step: &[u16], before: &[Numbers], out: &mut Vec<Numbers>) {
    let Some(step) = step.first_chunk::<AFFINE>() else { return };
    let centre = centre(before);
    out.extend(before.iter().map(|numbers| {
        let from: [i64; 3] = std::array::from_fn(|axis| i64::from(numbers[axis]) - centre[axis]);
        let mut next = *numbers;
        for (axis, next) in next.iter_mut().take(3).enumerate() {
            let row = &step[axis * 3..axis * 3 + 3];
            let turned: i64 = row.iter().zip(from).map(|(&a, from)| signed(a) * from).sum();
            let moved = ((turned + HALF) >> SHIFT) + signed(step[9 + axis]);
            #[expect(clippy::cast_possible_truncation, reason = "numbers are taken modulo their width")]
            let moved = moved as i32;
            *next = next.wrapping_add(moved.cast_unsigned()) & 0xffff;
        }
        next
    }));
}

/// Least squares: `A` from the covariances of where splats were and how they moved.
fn fit_affine(before: &[Numbers], now: &[Numbers]) -> Vec<u16> {
    let centre = centre(before).map(|value| value as f64);
    let pairs = || {
        before.iter().zip(now).map(|(before, now)| {
            let from: [f64; 3] = std::array::from_fn(|axis| f64::from(before[axis]) - centre[axis]);
            let moved: [f64; 3] = std::array::from_fn(|axis| f64::from(now[axis]) - f64::from(before[axis]));
            (from, moved)
        })
    };
    let count = before.len().max(1) as f64;
    let mut mean = [[0.0; 3]; 2];
    for (from, moved) in pairs() {
        for axis in 0..3 {
            mean[0][axis] += from[axis] / count;
            mean[1][axis] += moved[axis] / count;
        }
    }
    let mut spread = [[0.0; 3]; 3];
    let mut joint = [[0.0; 3]; 3];
    for (from, moved) in pairs() {
        for i in 0..3 {
            for j in 0..3 {
                spread[i][j] += (from[i] - mean[0][i]) * (from[j] - mean[0][j]);
                joint[i][j] += (moved[i] - mean[1][i]) * (from[j] - mean[0][j]);
            }
        }
    }
    // A flat cluster says nothing of what lies across it.
    let hold = 1e-4 * (spread[0][0] + spread[1][1] + spread[2][2]) + 1.0;
    (0..3).for_each(|axis| spread[axis][axis] += hold);
    let spread = glam::DMat3::from_cols_array_2d(&spread);
    let map = glam::DMat3::from_cols_array_2d(&joint).transpose() * spread.inverse();
    let rows = map.transpose().to_cols_array_2d();
    let mut out: Vec<u16> = rows.iter().flatten().map(|value| stored(value * ONE)).collect();
    let shift = map * glam::DVec3::from_array(mean[0]);
    out.extend((0..3).map(|axis| {
        #[expect(clippy::cast_possible_truncation, reason = "numbers are taken modulo their width")]
        let moved = (mean[1][axis] - shift[axis]).round() as i64 as i16;
        moved.cast_unsigned()
    }));
    out
}

/// The four components of a packed rotation as whole numbers of radius `radius`.
fn quaternion(numbers: &Numbers, radius: i64) -> [i64; 4] {
    let three = [0, 1, 2].map(|at: usize| i64::from(((numbers[at] << 22).cast_signed()) >> 22));
    let rest = (radius * radius - three.iter().map(|value| value * value).sum::<i64>()).max(0).isqrt();
    let mut three = three.into_iter();
    std::array::from_fn(|at| if at as u32 == numbers[3] & 3 { rest } else { three.next().unwrap_or(0) })
}

/// The product with a turn from the left, by rows.
fn multiply<T: Copy + std::ops::Neg<Output = T>>([x, y, z, w]: [T; 4]) -> [[T; 4]; 4] {
    [[w, -z, y, x], [z, w, -x, y], [-y, x, w, z], [-x, -y, -z, w]]
}

fn expect_turn(step: &[u16], before: &[Numbers], largest: &[u32], out: &mut Vec<Numbers>) {
    let Some(&[x, y, z, w, radius]) = step.first_chunk::<TURN>() else { return };
    let rows = multiply([x, y, z, w].map(signed));
    out.extend(before.iter().zip(largest).map(|(numbers, &largest)| {
        let from = quaternion(numbers, i64::from(radius));
        let turned: [i64; 4] = rows.map(|row| {
            let sum: i64 = row.iter().zip(from).map(|(a, from)| a * from).sum();
            (sum + HALF) >> SHIFT
        });
        let largest = largest & 3;
        let sign = if turned[largest as usize] < 0 { -1 } else { 1 };
        let mut next = [0, 0, 0, largest];
        let others = (0..4).filter(|&at| at != largest as usize);
        for (next, at) in next.iter_mut().zip(others) {
            #[expect(clippy::cast_possible_truncation, reason = "numbers are taken modulo their width")]
            let value = (sign * turned[at]) as i32;
            *next = value.cast_unsigned() & 0x3ff;
        }
        next
    }));
}

/// The mean of the turns of all records.
fn fit_turn(before: &[Numbers], now: &[Numbers], radius: u16) -> Vec<u16> {
    let mut sum = [0.0_f64; 4];
    for (before, now) in before.iter().zip(now) {
        let [from, to] =
            [before, now].map(|numbers| quaternion(numbers, i64::from(radius)).map(|v| v as f64));
        // to · conjugate(from).
        let rows = multiply(to);
        let conjugate = [-from[0], -from[1], -from[2], from[3]];
        let turn = rows.map(|row| row.iter().zip(conjugate).map(|(a, b)| a * b).sum::<f64>());
        let sign = if turn[3] < 0.0 { -1.0 } else { 1.0 };
        sum.iter_mut().zip(turn).for_each(|(sum, turn)| *sum += sign * turn);
    }
    let length = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
    let turn = if length > 0.0 { sum.map(|value| value / length) } else { [0.0, 0.0, 0.0, 1.0] };
    turn.into_iter().map(|value| stored(value * ONE)).chain([radius]).collect()
}

/// The radius of the rotations of a page, which the writer knows only by them: the one with which the largest component
/// is on average the largest; any number does, a wrong one costs bytes.
pub(super) fn radius_of_step(step: f32) -> Option<u16> {
    let radius = (1.0 / f64::from(step)).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in the range of u16")]
    (1.0..=65_535.0).contains(&radius).then_some(radius as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_that_turns_is_expected_where_it_comes() {
        let at =
            |index: u32| [f64::from(index * 37 % 400), f64::from(index * 91 % 300), f64::from(index % 7)];
        let turn = glam::DMat3::from_rotation_z(0.2) * glam::DMat3::from_rotation_x(0.1);
        let before: Vec<Numbers> = (0..256).map(|i| number(at(i), [30_000.0, 100.0, 65_000.0])).collect();
        let now: Vec<Numbers> = (0..256)
            .map(|i| number((turn * glam::DVec3::from_array(at(i))).to_array(), [30_500.0, 160.0, 65_030.0]))
            .collect();
        let step = fit(Plane::PackedMean, &before, &now, 0);
        let mut expected = Vec::new();
        expect(Plane::PackedMean, &step, &before, &[], &mut expected);
        for (expected, now) in expected.iter().zip(&now) {
            for axis in 0..3 {
                let off = (expected[axis].wrapping_sub(now[axis]) << 16).cast_signed() >> 16;
                assert!(off.abs() <= 2, "{expected:?} {now:?}");
            }
        }
    }

    fn number(point: [f64; 3], origin: [f64; 3]) -> Numbers {
        let [x, y, z] =
            std::array::from_fn(|axis| (point[axis] + origin[axis]).round() as i64 as u32 & 0xffff);
        [x, y, z, 0]
    }

    #[test]
    fn rotations_that_turn_together_are_expected() {
        let (radius, step) = (700_u16, 1.0_f64 / 700.0);
        let pack = |q: glam::DQuat| -> Numbers {
            let q = q.normalize().to_array();
            let largest = (0..4).fold(0, |best, at| if q[at].abs() > q[best].abs() { at } else { best });
            let mut out = [0, 0, 0, largest as u32];
            for (slot, at) in out.iter_mut().zip((0..4).filter(|&at| at != largest)) {
                *slot = ((q[at] * q[largest].signum() / step).round() as i32).cast_unsigned() & 0x3ff;
            }
            out
        };
        let own = |i: u32| {
            glam::DQuat::from_rotation_y(f64::from(i) * 0.4) * glam::DQuat::from_rotation_x(f64::from(i % 5))
        };
        let turn = glam::DQuat::from_rotation_z(0.3) * glam::DQuat::from_rotation_x(-0.2);
        let before: Vec<Numbers> = (0..200).map(|i| pack(own(i))).collect();
        let now: Vec<Numbers> = (0..200).map(|i| pack(turn * own(i))).collect();
        let step = fit(Plane::PackedRotation, &before, &now, radius);
        let largest: Vec<u32> = now.iter().map(|numbers| numbers[3]).collect();
        let mut expected = Vec::new();
        expect(Plane::PackedRotation, &step, &before, &largest, &mut expected);
        let mut far = 0;
        for (expected, now) in expected.iter().zip(&now) {
            assert_eq!(expected[3], now[3]);
            for axis in 0..3 {
                far +=
                    usize::from((expected[axis].wrapping_sub(now[axis]) << 22).cast_signed().abs() >> 22 > 3);
            }
        }
        // Where two components are nearly the largest, the sign may be the other one.
        assert!(far < 12, "{far} of 600");
    }

    #[test]
    fn hostile_moves_do_no_harm() {
        let before = [[0xffff_ffff; 4]; 3];
        for words in [[0x8000; AFFINE], [0x7fff; AFFINE], [0xffff; AFFINE]] {
            for plane in [Plane::PackedMean, Plane::PackedRotation] {
                let mut out = Vec::new();
                expect(plane, &words, &before, &[9, 2, 3], &mut out);
                assert_eq!(out.len(), 3);
            }
        }
        assert_eq!(clusters(600).collect::<Vec<_>>(), [0..256, 256..512, 512..600]);
    }
}
