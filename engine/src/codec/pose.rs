//! The poses of a patch: where the frame stands in which its splats are told, as a cubic spline over the segment.
//!
//! Bodies move in pieces that are nearly rigid, and capture shakes them as a whole. So what a patch of 256 neighbours does
//! together is stored once for all of them, at the rate of the frames, and what a splat does beside it is small, slow and
//! cheap. After the joint Gaussians of `DualGS` (Jiang et al. 2024); here every patch is a joint of its own. The turn
//! from the middle of the segment to each frame is found by Horn, "Closed-form solution of absolute orientation using
//! unit quaternions" (1987).

use glam::{DMat4, DQuat, DVec3, DVec4};

use super::mean;
use super::words::{from_pair, pair};
use crate::frame::{Grid, POSE_WORDS, SegmentData};
use crate::spline::Place;

/// The largest number of a translation either way.
const LIMIT: f64 = 32_767.0;

/// A rotation and a translation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pose {
    pub(super) turn: DQuat,
    pub(super) shift: DVec3,
}

impl Pose {
    pub(super) const NONE: Self = Self { turn: DQuat::IDENTITY, shift: DVec3::ZERO };

    /// A point of the frame, in object space.
    pub(super) fn apply(&self, point: [f32; 3]) -> DVec3 {
        self.turn * DVec3::from_array(point.map(f64::from)) + self.shift
    }

    /// A point of object space, in the frame.
    pub(super) fn undo(&self, point: DVec3) -> DVec3 {
        self.turn.conjugate() * (point - self.shift)
    }
}

/// The grid of translations that lie in a box: origin and step.
pub(super) fn grid(low: DVec3, high: DVec3) -> ([f32; 3], f32) {
    let extent = (high - low).max_element();
    #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
    let (origin, step) =
        ((0.5 * (low + high)).as_vec3().to_array(), (0.51 * extent / LIMIT).max(1e-6) as f32);
    (origin, step)
}

/// Whether a grid leads to translations that fit means only.
pub(super) fn grid_sound(origin: [f32; 3], step: f32) -> bool {
    step > 0.0 && step < 1e9 && mean::fits(origin)
}

/// Snorm16 and i16 words of a pose.
#[expect(clippy::cast_possible_truncation, reason = "clamped to sixteen bits")]
pub(super) fn pack(pose: &Pose, grid: &Grid) -> [u32; POSE_WORDS] {
    let turn = pose
        .turn
        .to_array()
        .map(|value| ((value * LIMIT).round().clamp(-LIMIT, LIMIT) as i16).cast_unsigned());
    let origin = DVec3::from_array(grid.pose_origin.map(f64::from));
    let steps = ((pose.shift - origin) / f64::from(grid.pose_step)).to_array();
    let [x, y, z] = steps.map(|value| (value.round().clamp(-LIMIT, LIMIT) as i16).cast_unsigned());
    [pair(turn[0], turn[1]), pair(turn[2], turn[3]), pair(x, y), pair(z, 0)]
}

/// The pose of a patch at `fraction` of its segment; none where the segment has no poses.
pub(super) fn at(data: &SegmentData, patch: usize, fraction: f64) -> Pose {
    let count = usize::from(data.keys.poses);
    let own = data.poses.get(patch * count * POSE_WORDS..).unwrap_or_default();
    if count == 0 {
        return Pose::NONE;
    }
    let (mut turn, mut shift) = (DVec4::ZERO, DVec3::ZERO);
    for (key, weight) in Place::at(count, 3, fraction).terms() {
        let Some(&words) = own.get(key * POSE_WORDS..).and_then(|rest| rest.first_chunk::<POSE_WORDS>())
        else {
            return Pose::NONE;
        };
        let value = |word: u32| from_pair(word).map(|bits| f64::from(bits.cast_signed()));
        let ([a, b], [c, d], [x, y], [z, _]) =
            (value(words[0]), value(words[1]), value(words[2]), value(words[3]));
        turn += weight * DVec4::new(a, b, c, d);
        shift += weight * DVec3::new(x, y, z);
    }
    let length = turn.length();
    let turn = if length > 0.0 { DQuat::from_vec4(turn / length) } else { DQuat::IDENTITY };
    let origin = DVec3::from_array(data.grid.pose_origin.map(f64::from));
    Pose { turn, shift: origin + shift * f64::from(data.grid.pose_step) }
}

/// The control points' translations of a patch.
pub(super) fn shifts(data: &SegmentData, patch: usize) -> impl Iterator<Item = DVec3> {
    let count = usize::from(data.keys.poses);
    let origin = DVec3::from_array(data.grid.pose_origin.map(f64::from));
    let own =
        data.poses.get(patch * count * POSE_WORDS..(patch + 1) * count * POSE_WORDS).unwrap_or_default();
    own.as_chunks::<POSE_WORDS>().0.iter().map(move |words| {
        let value = |word: u32| from_pair(word).map(|bits| f64::from(bits.cast_signed()));
        let ([x, y], [z, _]) = (value(words[2]), value(words[3]));
        origin + DVec3::new(x, y, z) * f64::from(data.grid.pose_step)
    })
}

/// The pose that takes `rest` (about its own centre) nearest to `now`, by least squares.
pub(super) fn fit(rest: &[DVec3], now: &[DVec3]) -> Pose {
    let count = now.len().max(1) as f64;
    let centre = now.iter().sum::<DVec3>() / count;
    let mut joint = [[0.0; 3]; 3];
    for (a, b) in rest.iter().zip(now) {
        let (a, b) = (a.to_array(), (*b - centre).to_array());
        for (row, a) in joint.iter_mut().zip(a) {
            for (slot, b) in row.iter_mut().zip(b) {
                *slot += a * b;
            }
        }
    }
    let [[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]] = joint;
    // Horn's matrix over (w, x, y, z); its greatest eigenvector is the turn.
    let matrix = DMat4::from_cols_array_2d(&[
        [xx + yy + zz, yz - zy, zx - xz, xy - yx],
        [yz - zy, xx - yy - zz, xy + yx, zx + xz],
        [zx - xz, xy + yx, yy - xx - zz, yz + zy],
        [xy - yx, zx + xz, yz + zy, zz - xx - yy],
    ]);
    // A shift makes it the greatest in size too; squaring converges in a few products.
    let bound: f64 = matrix.to_cols_array().iter().map(|value| value.abs()).sum();
    if bound <= 0.0 {
        return Pose { turn: DQuat::IDENTITY, shift: centre };
    }
    let mut power = matrix * (1.0 / bound) + DMat4::IDENTITY;
    for _ in 0..12 {
        power = power * power;
        let size = power.to_cols_array().iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        power *= 1.0 / size;
    }
    let column =
        (0..4).map(|at| power.col(at)).max_by(|a, b| a.length_squared().total_cmp(&b.length_squared()));
    let q = column.unwrap_or(DVec4::X);
    let length = q.length();
    let turn =
        if length > 0.0 { DQuat::from_xyzw(q.y, q.z, q.w, q.x) * (1.0 / length) } else { DQuat::IDENTITY };
    Pose { turn, shift: centre }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_turn_of_a_cloud_is_found() {
        let rest: Vec<DVec3> = (0..50)
            .map(|i| {
                let i = f64::from(i);
                DVec3::new((i * 0.7).sin(), (i * 1.3).cos() * 0.5, (i * 2.1).sin() * 0.2)
            })
            .collect();
        let centre = rest.iter().sum::<DVec3>() / 50.0;
        let rest: Vec<DVec3> = rest.into_iter().map(|point| point - centre).collect();
        for angle in [0.0, 0.3, 1.5, 3.1] {
            let turn = DQuat::from_axis_angle(DVec3::new(0.6, 0.0, 0.8), angle);
            let shift = DVec3::new(4.0, -2.0, 0.5);
            let now: Vec<DVec3> = rest.iter().map(|&point| turn * point + shift).collect();
            let found = fit(&rest, &now);
            assert!(found.turn.dot(turn).abs() > 1.0 - 1e-9, "{angle}: {found:?}");
            assert!((found.shift - shift).length() < 1e-9);
            assert!((found.undo(now[7]) - rest[7]).length() < 1e-6);
        }
        assert_eq!(fit(&[DVec3::ZERO], &[DVec3::X]).shift, DVec3::X);
    }

    #[test]
    fn poses_round_trip_within_a_step() {
        let (pose_origin, pose_step) = grid(DVec3::new(-1.0, 0.0, 0.0), DVec3::new(1.0, 2.0, 0.5));
        let grid = Grid { pose_origin, pose_step, ..Grid::default() };
        assert!(grid_sound(pose_origin, pose_step) && pose_step < 4e-5);
        let pose = Pose { turn: DQuat::from_rotation_y(0.7), shift: DVec3::new(0.9, 1.9, 0.1) };
        let poses: Vec<u32> = std::iter::repeat_n(pack(&pose, &grid), 4).flatten().collect();
        let data = SegmentData {
            id: (0, 0),
            start: 0,
            end: 10,
            lod: crate::frame::FULL_LOD,
            full_splats: 0,
            splats: 0,
            keys: crate::frame::Keys { poses: 4, ..Default::default() },
            lod_gains: [1.0; 4],
            clusters: Vec::new(),
            planes: Default::default(),
            poses,
            carries: false,
            palette: None,
            rig: None,
            grid,
        };
        let found = at(&data, 0, 0.3);
        assert!((found.shift - pose.shift).length() < f64::from(pose_step));
        assert!(found.turn.dot(pose.turn) > 1.0 - 1e-8);
        assert_eq!(shifts(&data, 0).count(), 4);
        assert_eq!(at(&data, 1, 0.3), Pose::NONE, "beyond the poses there are none");
        for (origin, step) in [([f32::NAN; 3], 1.0), ([0.0; 3], 0.0), ([0.0; 3], f32::INFINITY)] {
            assert!(!grid_sound(origin, step));
        }
    }
}
