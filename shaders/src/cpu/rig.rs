//! Twin of `include/rig.glsl`: splats that joints carry.

use glam::{Mat3, Quat, Vec3, Vec4};

use super::Buffers;
use crate::generated::{CLUSTER_SPLATS, SEGMENT_BITS};
use crate::layout::{Segment, Sliced};

/// Sweeps of the Jacobi method.
const SWEEPS: usize = 5;
const LOG_SCALE_LEAST: f32 = -14.0;
const LOG_SCALE_STEP: f32 = 17.0 / 8191.0;
const TURN_STEP: f32 = 0.707_106_77 / 16_383.0;

/// Index of a sliced splat's segment.
pub(crate) fn segment_of(splat: &Sliced) -> usize {
    (splat.segment & ((1 << SEGMENT_BITS) - 1)) as usize
}

pub(crate) fn is_carried(segment: &Segment) -> bool {
    segment.binding != 0
}

/// An affine map: the linear part and the shift.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Map {
    pub(crate) linear: Mat3,
    pub(crate) shift: Vec3,
}

/// The joints' maps by the splat's weights.
pub(crate) fn carrying_map(buffers: &Buffers, segment: &Segment, source: usize) -> Map {
    let splats = CLUSTER_SPLATS as usize;
    let (offset, count) = ((segment.binding & 0xffff) as usize, (segment.binding >> 16 & 0xff) as usize);
    let tile = segment.packed_first as usize
        + (source / splats - segment.first_cluster as usize) * segment.tile_words as usize;
    let at = (tile + offset) * splats + (source % splats) * count;
    let mut rows = [Vec4::ZERO; 3];
    for &word in &buffers.packed[at..at + count] {
        let weight = (word >> 16) as f32 / 65_535.0;
        let first = (segment.joints_first + (word & 0xffff)) as usize * 3;
        for (row, joint) in rows.iter_mut().zip(&buffers.joints[first..first + 3]) {
            *row += weight * Vec4::from_array(*joint);
        }
    }
    let linear = Mat3::from_cols(rows[0].truncate(), rows[1].truncate(), rows[2].truncate()).transpose();
    Map { linear, shift: Vec3::new(rows[0].w, rows[1].w, rows[2].w) }
}

/// Turns the columns of `m` until they are orthogonal, and those of `v` with them.
fn orthogonalise(m: &mut [Vec3; 3], v: &mut [Vec3; 3]) {
    for _ in 0..SWEEPS {
        for (a, b) in [(0, 1), (1, 2), (0, 2)] {
            let (p, q) = (m[a], m[b]);
            let (pp, qq, pq) = (p.dot(p), q.dot(q), p.dot(q));
            if pq.abs() <= 1e-7 * pp.sqrt() * qq.sqrt() {
                continue;
            }
            let slope = (qq - pp) / (2.0 * pq);
            let sign = if slope < 0.0 { -1.0 } else { 1.0 };
            let tangent = sign / (slope.abs() + (slope * slope + 1.0).sqrt());
            let cosine = (tangent * tangent + 1.0).sqrt().recip();
            let sine = cosine * tangent;
            for columns in [&mut *m, &mut *v] {
                let (p, q) = (columns[a], columns[b]);
                columns[a] = p * cosine - q * sine;
                columns[b] = p * sine + q * cosine;
            }
        }
    }
}

/// A right-handed frame along three orthogonal columns: the two longest give it.
fn frame_along(m: &[Vec3; 3]) -> Mat3 {
    let l = m.map(Vec3::length_squared);
    let shortest = if l[0] < l[2] && l[0] <= l[1] {
        0
    } else if l[1] < l[2] && l[1] < l[0] {
        1
    } else {
        2
    };
    let (i, j) = ((shortest + 1) % 3, (shortest + 2) % 3);
    let (along, across) = if l[j] > l[i] { (j, i) } else { (i, j) };
    let mut axes = [Vec3::ZERO; 3];
    axes[along] = m[along].try_normalize().unwrap_or(Vec3::X);
    let side = m[across] - axes[along] * axes[along].dot(m[across]);
    let any = axes[along].cross(if axes[along].z.abs() < 0.7 { Vec3::Z } else { Vec3::X });
    axes[across] = side.try_normalize().or(any.try_normalize()).unwrap_or(Vec3::Y);
    axes[shortest] = axes[i].cross(axes[j]);
    Mat3::from_cols(axes[0], axes[1], axes[2])
}

fn columns(m: Mat3) -> [Vec3; 3] {
    [m.x_axis, m.y_axis, m.z_axis]
}

/// The orthogonal matrix nearest to `m`.
pub(crate) fn nearest_orthogonal(m: Mat3) -> Mat3 {
    let sign = if m.determinant() < 0.0 { -1.0 } else { 1.0 };
    let (mut turned, mut v) = (columns(m * sign), columns(Mat3::IDENTITY));
    orthogonalise(&mut turned, &mut v);
    frame_along(&turned) * Mat3::from_cols(v[0], v[1], v[2]).transpose() * sign
}

/// What a linear map makes of a splat's rotation and scale.
pub(crate) fn carried_shape(map: Mat3, rotation: Quat, scale: Vec3) -> (Quat, Vec3) {
    let mut axes = columns(map * Mat3::from_quat(rotation) * Mat3::from_diagonal(scale));
    orthogonalise(&mut axes, &mut columns(Mat3::IDENTITY));
    let [x, y, z] = axes.map(Vec3::length);
    (Quat::from_mat3(&frame_along(&axes)), Vec3::new(x, y, z))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to thirteen bits")]
fn log_bits(scale: f32) -> u32 {
    ((scale.max(1e-30).ln() - LOG_SCALE_LEAST) / LOG_SCALE_STEP).round().clamp(0.0, 8191.0) as u32
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to fifteen bits")]
fn turn_bits(value: f32) -> u32 {
    ((value / TURN_STEP).round().clamp(-16_383.0, 16_383.0) as i32).cast_unsigned() & 0x7fff
}

/// A shape in the words of a sliced splat of segment number `segment`: rotation and segment.
pub(crate) fn pack_shape(rotation: Quat, scale: Vec3, segment: u32) -> ([u32; 2], u32) {
    let q = rotation.to_array();
    let mut largest = 3;
    for at in [2, 1, 0] {
        if q[at].abs() > q[largest].abs() {
            largest = at;
        }
    }
    let sign = if q[largest] < 0.0 { -1.0 } else { 1.0 };
    let mut rest = (0..4).filter(|at| *at != largest).map(|at| turn_bits(q[at] * sign));
    let mut next = || rest.next().unwrap_or(0);
    let (a, b, c) = (next(), next(), next());
    let [x, y, z] = scale.to_array().map(log_bits);
    let number = u32::try_from(largest).unwrap_or(3);
    let words = [a | b << 15 | number << 30, c | x << 15];
    (words, segment | y << SEGMENT_BITS | z << (SEGMENT_BITS + 13))
}

/// The rotation and scale of a sliced splat that joints carry.
pub(crate) fn unpack_shape(splat: &Sliced) -> (Quat, Vec3) {
    let [first, second] = splat.rotation;
    let turn = |word: u32, at: u32| ((word << (17 - at)).cast_signed() >> 17) as f32 * TURN_STEP;
    let [a, b, c] = [turn(first, 0), turn(first, 15), turn(second, 0)];
    let rest = (1.0 - a * a - b * b - c * c).max(0.0).sqrt();
    let q = match first >> 30 {
        0 => Vec4::new(rest, a, b, c),
        1 => Vec4::new(a, rest, b, c),
        2 => Vec4::new(a, b, rest, c),
        _ => Vec4::new(a, b, c, rest),
    };
    let scale = [second >> 15, splat.segment >> SEGMENT_BITS, splat.segment >> (SEGMENT_BITS + 13)]
        .map(|bits| ((bits & 0x1fff) as f32 * LOG_SCALE_STEP + LOG_SCALE_LEAST).exp());
    (Quat::from_vec4(q / q.length()), Vec3::from_array(scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_come_back_within_a_step() {
        for at in 0..200_u16 {
            let angle = f32::from(at) * 0.7;
            let rotation = Quat::from_euler(glam::EulerRot::XYZ, angle, angle * 1.3, -angle * 0.4);
            let scale = Vec3::new(0.02, 2e-6, 1.0 + f32::from(at) * 0.05);
            let (words, segment) = pack_shape(rotation, scale, 63);
            let splat = Sliced { rotation: words, segment, ..Sliced::default() };
            assert_eq!(segment_of(&splat), 63);
            let (found, size) = unpack_shape(&splat);
            // Three components are off by half a step, the fourth by as much as they let it.
            let off = |q: Quat| (Vec4::from(q) - Vec4::from(rotation)).abs().max_element();
            assert!(off(found).min(off(-found)) < 1e-4, "{found} {rotation}");
            assert!(((size / scale) - 1.0).abs().max_element() < 1.1e-3, "{size} {scale}");
        }
    }

    #[test]
    fn the_nearest_orthogonal_matrix_may_mirror() {
        let turn = Mat3::from_quat(Quat::from_rotation_y(0.8));
        let stretch = Mat3::from_cols_array(&[2.0, 0.3, 0.0, 0.3, 1.0, 0.1, 0.0, 0.1, 0.5]);
        for m in [turn * stretch, turn * stretch * -1.0, turn * 1e-3] {
            let sign = if m.determinant() < 0.0 { -1.0 } else { 1.0 };
            assert!(nearest_orthogonal(m).abs_diff_eq(turn * sign, 1e-5), "{m}");
        }
    }
}
