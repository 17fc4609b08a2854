//! How the arms are carried: directions of upper arm and forearm in the chest's space, as a dance teacher would show
//! them, interpolated by periodic splines; the wrist drags behind the forearm's motion, and fingers are relaxed.

use crate::number::looped;
use crate::rig::{FINGERS, Side, hand_axes, rest};
use glam::{Mat3, Quat, Vec3};

/// Upper arm and forearm directions for the left arm (x away from the body, y up, z forward), and the turn of the palm
/// (positive turns it down and back).
type Carry = ([f32; 3], [f32; 3], f32);

const LOW: Carry = ([0.40, -0.88, 0.10], [0.22, -0.86, 0.42], 0.2);
const OPEN_LOW: Carry = ([0.74, -0.60, 0.16], [0.72, -0.44, 0.50], 0.5);
const SECOND: Carry = ([0.92, -0.20, 0.22], [0.80, 0.02, 0.58], 0.7);
const HIGH_SIDE: Carry = ([0.82, 0.34, 0.22], [0.62, 0.72, 0.34], 0.6);
const FIFTH: Carry = ([0.55, 0.72, 0.24], [-0.18, 0.92, 0.34], 0.2);
const FIRST: Carry = ([0.46, -0.46, 0.62], [-0.42, -0.08, 0.82], -0.1);
const ACROSS: Carry = ([0.40, -0.20, 0.80], [-0.62, 0.12, 0.66], 0.1);
const BACK: Carry = ([0.78, -0.46, -0.30], [0.84, -0.22, 0.06], 0.7);

const LEFT: [Carry; 16] = [
    LOW, FIRST, ACROSS, FIRST, OPEN_LOW, SECOND, HIGH_SIDE, FIFTH, HIGH_SIDE, SECOND, FIRST, FIRST, SECOND,
    HIGH_SIDE, SECOND, OPEN_LOW,
];
const RIGHT: [Carry; 16] = [
    OPEN_LOW, SECOND, HIGH_SIDE, FIFTH, HIGH_SIDE, SECOND, FIRST, ACROSS, FIRST, FIRST, SECOND, BACK, FIRST,
    FIFTH, FIFTH, SECOND,
];

/// Rotations of one arm in the chest's space.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arm {
    pub(crate) clavicle: Quat,
    pub(crate) shoulder: Quat,
    pub(crate) upper: Quat,
    pub(crate) forearm: Quat,
    pub(crate) twist: Quat,
    pub(crate) hand: Quat,
    /// Fifteen finger joints, thumb first.
    pub(crate) fingers: [Quat; 15],
}

/// The frame of a limb: along it, the hinge of its next joint, and across.
fn limb(along: Vec3, next: Vec3) -> Mat3 {
    let along = along.normalize_or(Vec3::NEG_Y);
    let hinge = along.cross(next).normalize_or(Vec3::X);
    Mat3::from_cols(along, hinge, along.cross(hinge))
}

fn to_frame(from: Mat3, to: Mat3) -> Quat {
    Quat::from_mat3(&(to * from.transpose())).normalize()
}

/// Directions at a phase, mirrored to the side.
fn carried(side: Side, phase: f32) -> (Vec3, Vec3, f32) {
    let keys = if side == Side::Left { &LEFT } else { &RIGHT };
    // A quarter beat behind the trunk: limbs follow the body.
    let phase = phase - 0.012;
    let upper = looped(&keys.map(|k| Vec3::from(k.0)), phase);
    let fore = looped(&keys.map(|k| Vec3::from(k.1)), phase);
    (
        side.mirror(upper).normalize_or(Vec3::NEG_Y),
        side.mirror(fore).normalize_or(Vec3::NEG_Y),
        looped(&keys.map(|k| k.2), phase),
    )
}

/// One arm at a phase of the loop whose length is in seconds.
pub(crate) fn arm(side: Side, phase: f32, length: f32) -> Arm {
    let (upper_dir, fore_dir, palm) = carried(side, phase);
    let (a, b, c) = (side.mirror(rest::SHOULDER), side.mirror(rest::ELBOW), side.mirror(rest::WRIST));
    let upper = to_frame(limb(b - a, c - b), limb(upper_dir, fore_dir));
    let rest_fore = (c - b).normalize_or(Vec3::Y);
    let hinge = |along: Vec3, other: Vec3| {
        let h = other.cross(along).normalize_or(Vec3::X);
        Mat3::from_cols(along, h, along.cross(h))
    };
    let forearm = to_frame(hinge(rest_fore, b - a), hinge(fore_dir, upper_dir));
    // The shoulder blade lifts with the arm.
    let lift = (upper_dir.y + 0.75).max(0.0).powi(2) * 0.14;
    let swing = 0.22 * upper_dir.z;
    let clavicle = Quat::from_rotation_z(lift * side.sign()) * Quat::from_rotation_y(-swing * side.sign());
    let near = if clavicle.dot(upper) < 0.0 { -upper } else { upper };
    let shoulder = clavicle.slerp(near, 0.5);
    let twist = Quat::from_axis_angle(fore_dir, palm * side.sign()) * forearm;
    // Drag: the hand points to where the forearm was a moment ago.
    let step = 0.02 / length;
    let (_, later, _) = carried(side, phase + step);
    let (_, sooner, _) = carried(side, phase - step);
    let speed = (later - sooner) / 0.04;
    let dragged = (fore_dir - speed * 0.11).normalize_or(fore_dir);
    let hand = Quat::from_rotation_arc(fore_dir, dragged) * twist;
    Arm { clavicle, shoulder, upper, forearm, twist, hand, fingers: fingers(side, phase, hand) }
}

/// Relaxed fingers that open and close a little, the little finger first.
fn fingers(side: Side, phase: f32, hand: Quat) -> [Quat; 15] {
    let [along, thumbwards, palm] = hand_axes().map(|axis| side.mirror(axis));
    // Mirrored axes flip handedness, and with it the sense of a turn about them.
    let bend = |angle: f32| Quat::from_axis_angle(thumbwards, angle * side.sign());
    let spread = |angle: f32| Quat::from_axis_angle(palm, angle * side.sign());
    let roll = |angle: f32| Quat::from_axis_angle(along, angle * side.sign());
    let mut out = [hand; 15];
    for finger in 0..5_u8 {
        let lag = f32::from(finger) * 0.010;
        let shift = if side == Side::Left { 0.0 } else { 0.5 };
        let wave = looped(&[0.0, 0.35, 1.0, 0.5, 0.1, 0.6, 1.0, 0.3], phase + shift + lag);
        let base = usize::from(finger) * 3;
        let curl = if finger == 0 {
            [0.04 + 0.06 * wave, 0.10 + 0.12 * wave, 0.16 + 0.18 * wave]
        } else {
            // Long fingers: the outer ones curl more; the middle one leads, as in a dancer's hand.
            let more = [0.0, 0.02, 0.20, 0.16, 0.06][usize::from(finger)];
            [0.10 + more + 0.20 * wave, 0.20 + more + 0.26 * wave, 0.14 + 0.7 * more + 0.18 * wave]
        };
        let fan = [0.0, 0.05, 0.0, -0.03, -0.07][usize::from(finger)] * (1.2 - wave);
        let mut rotation = hand;
        if finger == 0 {
            rotation *= roll(0.10) * spread(-0.06);
        } else {
            rotation *= spread(-fan);
        }
        for (k, angle) in curl.into_iter().enumerate() {
            rotation *= bend(angle);
            out[base + k] = rotation;
        }
    }
    out
}

/// Number of the first finger joint among a side's joints, for the pose.
pub(crate) const FIRST_FINGER: usize = FINGERS;
