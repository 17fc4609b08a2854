//! Tracks told in the frames of their patches: finds the poses of a segment and takes them out of its samples.
//!
//! Tracks stand along the curve, so that 256 in a row are a patch of neighbours. For each frame the pose that takes the patch's middle
//! shape nearest to the frame is found ([`pose::fit`]); the poses become a spline of a key a frame and are rounded; and
//! what the reader will see of them is undone from the samples. So an error of a pose moves no splat.

use glam::{DQuat, DVec3};
use rayon::prelude::*;

use super::fit::Fit;
use super::pose::{self, Pose};
use super::samples::{MEAN, ROTATION, Samples, agree};
use crate::frame::{CLUSTER_SPLATS as PATCH_SPLATS, Keys, SegmentData};

/// Gives the segment poses, and turns means and rotations into those in the frames of their patches.
pub(super) fn carry(samples: &mut Samples, data: &mut SegmentData) {
    let inside = samples.places.iter().filter(|place| (0.0..1.0).contains(*place)).count();
    let count = (inside + 3).min(usize::from(Keys::MOST_POSES));
    let patches = samples.len().div_ceil(PATCH_SPLATS);
    let found: Vec<Vec<Pose>> = (0..patches).into_par_iter().map(|patch| poses_of(samples, patch)).collect();
    let fit = Fit::new(count, 3, &samples.places);
    let controls: Vec<Vec<Pose>> = found.par_iter().map(|poses| control(&fit, count, poses)).collect();
    let shifts = || controls.iter().flatten().map(|pose| pose.shift);
    let low = shifts().fold(DVec3::INFINITY, DVec3::min);
    let high = shifts().fold(DVec3::NEG_INFINITY, DVec3::max);
    (data.grid.pose_origin, data.grid.pose_step) = pose::grid(low, high);
    data.poses = controls.iter().flatten().flat_map(|control| pose::pack(control, &data.grid)).collect();
    data.keys.poses = u8::try_from(count).unwrap_or(Keys::MOST_POSES);
    undo(samples, &found, data);
}

/// The pose of a patch at each sample; the shape at rest is that of the middle one about its centre.
fn poses_of(samples: &Samples, patch: usize) -> Vec<Pose> {
    let numbers = patch * PATCH_SPLATS * MEAN..((patch + 1) * PATCH_SPLATS * MEAN).min(samples.len() * MEAN);
    let points = |sample: usize| -> Vec<DVec3> {
        let numbers = samples.mean[sample].get(numbers.clone()).unwrap_or_default();
        numbers.as_chunks::<MEAN>().0.iter().map(|point| DVec3::from_array(point.map(f64::from))).collect()
    };
    let mut rest = points(samples.middle());
    let centre = rest.iter().sum::<DVec3>() / rest.len().max(1) as f64;
    rest.iter_mut().for_each(|point| *point -= centre);
    (0..samples.places.len()).map(|sample| pose::fit(&rest, &points(sample))).collect()
}

/// The control points of a patch's spline.
fn control(fit: &Fit, count: usize, poses: &[Pose]) -> Vec<Pose> {
    let mut turns: Vec<DQuat> = poses.iter().map(|pose| pose.turn).collect();
    for at in 1..turns.len() {
        if turns[at].dot(turns[at - 1]) < 0.0 {
            turns[at] = -turns[at];
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "control points are rounded far coarser than f32")]
    let number = |of: &dyn Fn(usize) -> f64| {
        fit.control(&(0..poses.len()).map(|at| of(at) as f32).collect::<Vec<_>>())
    };
    // Around a middle, so that f32 keeps the places.
    let middle = poses.get(poses.len() / 2).map_or(DVec3::ZERO, |pose| pose.shift);
    let turn: [Vec<f32>; 4] = std::array::from_fn(|axis| number(&|at| turns[at].to_array()[axis]));
    let shift: [Vec<f32>; 3] =
        std::array::from_fn(|axis| number(&|at| (poses[at].shift - middle).to_array()[axis]));
    (0..count)
        .map(|key| {
            let [x, y, z, w] = [0, 1, 2, 3].map(|axis: usize| f64::from(turn[axis][key]));
            let q = DQuat::from_xyzw(x, y, z, w);
            let turn = if q.length() > 0.0 { q * (1.0 / q.length()) } else { DQuat::IDENTITY };
            let [x, y, z] = [0, 1, 2].map(|axis: usize| f64::from(shift[axis][key]));
            Pose { turn, shift: middle + DVec3::new(x, y, z) }
        })
        .collect()
}

/// Takes the poses out of the samples: as they are stored inside the segment, as found around it.
fn undo(samples: &mut Samples, found: &[Vec<Pose>], data: &SegmentData) {
    let places = &samples.places;
    let pose_at = |sample: usize, patch: usize| {
        if (0.0..=1.0).contains(&places[sample]) {
            pose::at(data, patch, places[sample])
        } else {
            found[patch][sample]
        }
    };
    samples.mean.par_iter_mut().enumerate().for_each(|(sample, numbers)| {
        for (patch, numbers) in numbers.chunks_mut(PATCH_SPLATS * MEAN).enumerate() {
            let pose = pose_at(sample, patch);
            for point in numbers.as_chunks_mut::<MEAN>().0 {
                *point = pose.undo(DVec3::from_array(point.map(f64::from))).as_vec3().to_array();
            }
        }
    });
    samples.rotation.par_iter_mut().enumerate().for_each(|(sample, numbers)| {
        for (patch, numbers) in numbers.chunks_mut(PATCH_SPLATS * ROTATION).enumerate() {
            let back = pose_at(sample, patch).turn.conjugate();
            for q in numbers.as_chunks_mut::<ROTATION>().0 {
                *q = (back * DQuat::from_array(q.map(f64::from))).as_quat().to_array();
            }
        }
    });
    agree(&mut samples.rotation);
}
