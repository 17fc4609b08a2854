//! A captured motion as poses over time: a BVH's hierarchy as a skeleton, its frames as poses, between them arcs. Pure.

use glam::DQuat;

use super::bvh::Bvh;
use super::skeleton::{Joint, Local, Placed, Skeleton};

/// Frames that are looked at to learn how a body usually stands and bends.
const SAMPLES: usize = 256;

/// A motion on its own skeleton.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Motion {
    /// The joints of the file in its order, then a nameless one where each bone ends.
    pub(crate) skeleton: Skeleton,
    bvh: Bvh,
}

impl Motion {
    pub(crate) fn new(bvh: Bvh) -> Self {
        let mut joints: Vec<Joint> = bvh
            .joints
            .iter()
            .map(|joint| Joint {
                name: joint.name.clone(),
                parent: joint.parent,
                rest: Local { translation: joint.offset, ..Local::IDENTITY },
            })
            .collect();
        let ends = bvh.joints.iter().enumerate().filter_map(|(index, joint)| Some((index, joint.end?)));
        joints.extend(ends.map(|(index, end)| Joint {
            name: String::new(),
            parent: Some(index),
            rest: Local { translation: end, ..Local::IDENTITY },
        }));
        Self { skeleton: Skeleton { joints }, bvh }
    }

    /// Number of frames, at least 1.
    pub(crate) fn frames(&self) -> usize {
        self.bvh.frames()
    }

    /// Seconds a frame.
    pub(crate) fn frame_seconds(&self) -> f64 {
        self.bvh.frame_seconds
    }

    /// The pose of one frame; the last stands for all after it.
    pub(crate) fn pose(&self, frame: usize) -> Vec<Local> {
        let mut pose = self.skeleton.rest();
        for (index, local) in pose.iter_mut().take(self.bvh.joints.len()).enumerate() {
            local.translation = self.bvh.translation(frame, index);
            local.rotation = self.bvh.rotation(frame, index);
        }
        pose
    }

    /// The pose at a time in frames; between two frames rotations go the shorter way.
    pub(crate) fn pose_at(&self, frames: f64) -> Vec<Local> {
        let low = frames.max(0.0).floor();
        let part = frames.max(0.0) - low;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative; a float to int cast saturates, and the last frame stands for all after it"
        )]
        let low = low as usize;
        let mut pose = self.pose(low);
        if part > 1e-6 {
            for (local, next) in pose.iter_mut().zip(self.pose(low.saturating_add(1))) {
                local.translation = local.translation.lerp(next.translation, part);
                local.rotation = local.rotation.slerp(next.rotation, part);
            }
        }
        pose
    }

    /// Poses all over the motion, a bounded number of them.
    pub(crate) fn samples(&self) -> impl Iterator<Item = Vec<Local>> {
        let frames = self.frames();
        let count = frames.min(SAMPLES);
        (0..count).map(move |sample| self.pose(sample * frames / count))
    }

    /// The pose in which every joint turns as it does on average.
    pub(crate) fn mean_pose(&self) -> Vec<Local> {
        let mut sums = vec![glam::DVec4::ZERO; self.skeleton.joints.len()];
        for pose in self.samples() {
            for (sum, local) in sums.iter_mut().zip(&pose) {
                let turn = glam::DVec4::from(local.rotation);
                // A quaternion and its negative turn alike.
                *sum += if sum.dot(turn) < 0.0 { -turn } else { turn };
            }
        }
        let mut pose = self.skeleton.rest();
        for (local, sum) in pose.iter_mut().zip(sums) {
            local.rotation = sum.try_normalize().map_or(DQuat::IDENTITY, DQuat::from_vec4);
        }
        pose
    }

    /// Where the poses of [`Self::samples`] put the joints.
    pub(crate) fn placed_samples(&self) -> Vec<Vec<Placed>> {
        self.samples().map(|pose| self.skeleton.place(&pose)).collect()
    }
}
