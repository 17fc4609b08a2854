//! How the keys of a segment are joined at a moment: which of them, and how much of each. The same for all its splats, so
//! it is found once a frame and not once a splat.

use crate::frame::{Plane, SegmentData};
use crate::spline::Place;

/// First keys and weights, as the kernels take them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Joined {
    /// A byte a spline plane: how many keys.
    pub(super) keys: u32,
    /// A byte a spline plane: the first that counts.
    pub(super) first_keys: u32,
    pub(super) mean: [f32; 4],
    pub(super) rotation: [f32; 4],
    pub(super) scale: [f32; 4],
    pub(super) colour: [f32; 4],
    pub(super) first_pose: u32,
    pub(super) pose: [f32; 4],
}

impl Joined {
    /// At `fraction` of the segment.
    pub(super) fn at(segment: &SegmentData, fraction: f64) -> Self {
        let planes =
            [Plane::PackedMean, Plane::PackedRotation, Plane::PackedScaleOpacity, Plane::PackedColour];
        let places = planes
            .map(|plane| Place::at(segment.keys.of(plane), plane.spline_degree().unwrap_or(0), fraction));
        let first = places.map(|place| u8::try_from(place.first).unwrap_or(0));
        let pose = Place::at(usize::from(segment.keys.poses), 3, fraction);
        let [mean, rotation, scale, colour, ..] = segment.keys.bytes();
        Self {
            keys: u32::from_le_bytes([mean, rotation, scale, colour]),
            first_keys: u32::from_le_bytes(first),
            mean: weights(&places[0]),
            rotation: weights(&places[1]),
            scale: weights(&places[2]),
            colour: weights(&places[3]),
            first_pose: u32::try_from(pose.first).unwrap_or(0),
            pose: weights(&pose),
        }
    }
}

fn weights(place: &Place) -> [f32; 4] {
    #[expect(clippy::cast_possible_truncation, reason = "weights are between 0 and 1")]
    place.weights.map(|weight| weight as f32)
}
