//! The skeleton: joints with their rest places, dual quaternions, and smooth binding of a point to several joints.
//!
//! At rest every joint's rotation is the identity, so a pose is one world rotation a joint plus the root's place;
//! the other places follow from the chain. Points are carried by dual-quaternion blending (Kavan et al., 2008),
//! which keeps volume at bent and twisted joints where a blend of matrices collapses.
//! Left is +X: the figure stands on y = 0 and faces +Z.

use glam::{Quat, Vec3, Vec4};

/// Joints in the middle of the body.
pub(crate) const PELVIS: usize = 0;
pub(crate) const SPINE: usize = 1;
pub(crate) const CHEST: usize = 2;
pub(crate) const NECK: usize = 3;
pub(crate) const HEAD: usize = 4;
/// Joints of a side, to be named through [`of`].
pub(crate) const CLAVICLE: usize = 0;
/// Half-way between clavicle and upper arm, so that the deltoid turns in two steps.
pub(crate) const SHOULDER: usize = 1;
pub(crate) const UPPER: usize = 2;
pub(crate) const FOREARM: usize = 3;
/// The forearm with the hand's twist.
pub(crate) const TWIST: usize = 4;
pub(crate) const HAND: usize = 5;
pub(crate) const THIGH: usize = 6;
pub(crate) const SHIN: usize = 7;
pub(crate) const FOOT: usize = 8;
pub(crate) const TOE: usize = 9;
/// First of five fingers (thumb first) of three joints each.
pub(crate) const FINGERS: usize = 10;
const A_SIDE: usize = 25;
const MIDDLE: usize = 5;
/// Joints in all.
pub(crate) const JOINTS: usize = MIDDLE + 2 * A_SIDE;

/// Left (+X) or right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Left, Self::Right];

    /// The side a rest point is on.
    pub(crate) fn at(x: f32) -> Self {
        if x >= 0.0 { Self::Left } else { Self::Right }
    }

    /// +1 for left.
    pub(crate) fn sign(self) -> f32 {
        if self == Self::Left { 1.0 } else { -1.0 }
    }

    /// A point or vector of the left side, on this side.
    pub(crate) fn mirror(self, p: Vec3) -> Vec3 {
        Vec3::new(p.x * self.sign(), p.y, p.z)
    }
}

/// Index of a side's joint.
pub(crate) const fn of(side: Side, joint: usize) -> usize {
    MIDDLE + joint + if matches!(side, Side::Left) { 0 } else { A_SIDE }
}

/// Rest places of the left side, metres. A woman of 1.70 m, 7.5 heads, arms lowered 40° from the side.
pub(crate) mod rest {
    use glam::Vec3;
    pub(crate) const PELVIS: Vec3 = Vec3::new(0.0, 0.960, -0.010);
    pub(crate) const SPINE: Vec3 = Vec3::new(0.0, 1.030, -0.022);
    pub(crate) const CHEST: Vec3 = Vec3::new(0.0, 1.150, -0.025);
    pub(crate) const NECK: Vec3 = Vec3::new(0.0, 1.425, -0.022);
    pub(crate) const HEAD: Vec3 = Vec3::new(0.0, 1.520, -0.002);
    pub(crate) const CLAVICLE: Vec3 = Vec3::new(0.020, 1.390, 0.010);
    pub(crate) const SHOULDER: Vec3 = Vec3::new(0.158, 1.372, -0.014);
    pub(crate) const ELBOW: Vec3 = Vec3::new(0.335, 1.161, -0.016);
    pub(crate) const WRIST: Vec3 = Vec3::new(0.480, 0.982, 0.030);
    pub(crate) const HIP: Vec3 = Vec3::new(0.088, 0.905, -0.006);
    pub(crate) const KNEE: Vec3 = Vec3::new(0.083, 0.482, 0.006);
    pub(crate) const ANKLE: Vec3 = Vec3::new(0.078, 0.085, -0.020);
    /// The ball of the foot on the floor: the point a raised heel turns about.
    pub(crate) const BALL: Vec3 = Vec3::new(0.080, 0.012, 0.098);
}

/// The directions of the resting left hand: along the fingers, towards the thumb, out of the palm.
pub(crate) fn hand_axes() -> [Vec3; 3] {
    let along = (rest::WRIST - rest::ELBOW).normalize_or(Vec3::X);
    let upper = rest::ELBOW - rest::SHOULDER;
    let palm = upper.cross(rest::WRIST - rest::ELBOW).normalize_or(Vec3::NEG_X);
    [along, palm.cross(along), palm]
}

/// Finger joints and tip in hand axes from the wrist (along, thumb-wards, palm-wards), metres; then the radii.
pub(crate) const FINGER: [([[f32; 3]; 4], [f32; 4]); 5] = [
    (
        [[0.020, 0.020, 0.008], [0.055, 0.041, 0.016], [0.084, 0.052, 0.019], [0.106, 0.057, 0.018]],
        [0.0125, 0.0098, 0.0088, 0.0068],
    ),
    (
        [[0.084, 0.0265, 0.0], [0.122, 0.0300, 0.001], [0.1445, 0.0312, 0.002], [0.1620, 0.0316, 0.003]],
        [0.0088, 0.0079, 0.0070, 0.0058],
    ),
    (
        [[0.087, 0.0085, -0.001], [0.129, 0.0100, 0.0], [0.1555, 0.0106, 0.001], [0.1745, 0.0106, 0.002]],
        [0.0090, 0.0081, 0.0071, 0.0059],
    ),
    (
        [[0.083, -0.0090, 0.0], [0.121, -0.0106, 0.001], [0.1465, -0.0112, 0.002], [0.1645, -0.0114, 0.003]],
        [0.0086, 0.0077, 0.0068, 0.0056],
    ),
    (
        [
            [0.075, -0.0255, 0.002],
            [0.104, -0.0305, 0.003],
            [0.1225, -0.0326, 0.004],
            [0.1380, -0.0338, 0.005],
        ],
        [0.0078, 0.0068, 0.0060, 0.0050],
    ),
];

/// A place given in the resting left hand's axes, in the world.
pub(crate) fn in_hand(local: [f32; 3]) -> Vec3 {
    let [a, b, n] = hand_axes();
    rest::WRIST + a * local[0] + b * local[1] + n * local[2]
}

/// Parent and rest place of every joint.
#[derive(Debug, Clone)]
pub(crate) struct Rig {
    pub(crate) parent: [usize; JOINTS],
    pub(crate) place: [Vec3; JOINTS],
}

impl Rig {
    pub(crate) fn new() -> Self {
        let mut rig = Self { parent: [0; JOINTS], place: [Vec3::ZERO; JOINTS] };
        for (joint, place) in [
            (PELVIS, rest::PELVIS),
            (SPINE, rest::SPINE),
            (CHEST, rest::CHEST),
            (NECK, rest::NECK),
            (HEAD, rest::HEAD),
        ] {
            rig.parent[joint] = joint.saturating_sub(1);
            rig.place[joint] = place;
        }
        for side in Side::BOTH {
            let mut add = |joint: usize, parent: usize, place: Vec3| {
                rig.parent[of(side, joint)] = parent;
                rig.place[of(side, joint)] = side.mirror(place);
            };
            add(CLAVICLE, CHEST, rest::CLAVICLE);
            add(SHOULDER, of(side, CLAVICLE), rest::SHOULDER);
            add(UPPER, of(side, SHOULDER), rest::SHOULDER);
            add(FOREARM, of(side, UPPER), rest::ELBOW);
            add(TWIST, of(side, FOREARM), rest::ELBOW);
            add(HAND, of(side, FOREARM), rest::WRIST);
            add(THIGH, PELVIS, rest::HIP);
            add(SHIN, of(side, THIGH), rest::KNEE);
            add(FOOT, of(side, SHIN), rest::ANKLE);
            add(TOE, of(side, FOOT), rest::BALL);
            for (finger, (joints, _)) in FINGER.iter().enumerate() {
                for (k, local) in joints.iter().take(3).enumerate() {
                    let joint = FINGERS + finger * 3 + k;
                    let parent = if k == 0 { HAND } else { joint - 1 };
                    add(joint, of(side, parent), in_hand(*local));
                }
            }
        }
        rig
    }

    /// World places of all joints from their world rotations and the root's place.
    pub(crate) fn places(&self, root: Vec3, rotations: &[Quat; JOINTS]) -> [Vec3; JOINTS] {
        let mut places = [root; JOINTS];
        for joint in 1..JOINTS {
            let parent = self.parent[joint];
            places[joint] = places[parent] + rotations[parent] * (self.place[joint] - self.place[parent]);
        }
        places
    }
}

/// A rigid motion as a dual quaternion, xyzw each.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Dual {
    real: Vec4,
    dual: Vec4,
}

impl Dual {
    /// The motion that turns by `rotation` and takes the point `from` to `to`.
    pub(crate) fn new(rotation: Quat, from: Vec3, to: Vec3) -> Self {
        let shift = to - rotation * from;
        let pure = Quat::from_xyzw(shift.x, shift.y, shift.z, 0.0);
        Self { real: Vec4::from(rotation), dual: Vec4::from(pure * rotation) * 0.5 }
    }

    /// Rotation and translation: `p ↦ rotation·p + translation`.
    pub(crate) fn parts(self) -> (Quat, Vec3) {
        let scale = 1.0 / self.real.length().max(1e-9);
        let real = Quat::from_vec4(self.real * scale);
        let shift = Quat::from_vec4(self.dual * (2.0 * scale)) * real.conjugate();
        (real, Vec3::new(shift.x, shift.y, shift.z))
    }
}

/// Joints a binding may name.
pub(crate) const INFLUENCES: usize = 6;

/// A point's share in the motion of some joints; the weights sum to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bind {
    joints: [u8; INFLUENCES],
    weights: [f32; INFLUENCES],
}

impl Bind {
    /// Wholly to one joint.
    pub(crate) fn to(joint: usize) -> Self {
        let mut weights = [0.0; JOINTS];
        weights[joint] = 1.0;
        Self::strongest(&weights)
    }

    /// The strongest influences of a full set of weights.
    pub(crate) fn strongest(weights: &[f32; JOINTS]) -> Self {
        let mut left = *weights;
        let mut bind = Self { joints: [0; INFLUENCES], weights: [0.0; INFLUENCES] };
        for k in 0..INFLUENCES {
            let best = (0..JOINTS).fold(0, |best, j| if left[j] > left[best] { j } else { best });
            bind.joints[k] = u8::try_from(best).unwrap_or(0);
            bind.weights[k] = left[best].max(0.0);
            left[best] = 0.0;
        }
        let sum: f32 = bind.weights.iter().sum();
        bind.weights = bind.weights.map(|w| w / sum.max(1e-9));
        bind
    }

    /// The blended motion under a pose.
    pub(crate) fn blend(&self, joints: &[Dual; JOINTS]) -> Dual {
        let first = joints[usize::from(self.joints[0])];
        let mut sum = Dual { real: first.real * self.weights[0], dual: first.dual * self.weights[0] };
        for k in 1..INFLUENCES {
            if self.weights[k] <= 0.0 {
                break;
            }
            let joint = joints[usize::from(self.joints[k])];
            let w = if joint.real.dot(first.real) < 0.0 { -self.weights[k] } else { self.weights[k] };
            sum.real += joint.real * w;
            sum.dual += joint.dual * w;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dual_quaternion_is_the_rigid_motion_it_was_made_from() {
        let q = Quat::from_euler(glam::EulerRot::XYZ, 0.3, -1.2, 2.0);
        let (from, to) = (Vec3::new(0.1, 1.0, -0.3), Vec3::new(-2.0, 0.5, 0.25));
        let (r, t) = Dual::new(q, from, to).parts();
        assert!((r * from + t - to).length() < 1e-5);
        let p = Vec3::new(0.5, -0.2, 0.9);
        assert!((r * p + t - (q * (p - from) + to)).length() < 1e-5);
    }

    #[test]
    fn the_rest_pose_leaves_every_joint_where_it_was() {
        let rig = Rig::new();
        let places = rig.places(rig.place[PELVIS], &[Quat::IDENTITY; JOINTS]);
        for (a, b) in places.iter().zip(&rig.place) {
            assert!((*a - *b).length() < 1e-6);
        }
    }
}
