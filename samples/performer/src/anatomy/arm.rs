//! Arm and hand: lofts along the bones, the deltoid, the palm with the balls of thumb and little finger, and five
//! fingers of three tapering segments with knuckles.

use crate::field::{Loft, Section, cone, ellipsoid, join};
use crate::rig::{FINGER, hand_axes, in_hand, rest};
use glam::Vec3;

/// Shoulder to elbow; u points to the body, v forward.
const UPPER: &[Section] = &[
    [0.00, 0.043, 0.047, 0.000, 0.000],
    [0.18, 0.043, 0.048, 0.000, 0.002],
    [0.45, 0.039, 0.043, 0.000, 0.003],
    [0.72, 0.036, 0.038, 0.000, 0.002],
    [0.90, 0.034, 0.034, 0.000, 0.000],
    [1.00, 0.033, 0.034, 0.000, 0.000],
];

/// Elbow to wrist: full below the elbow, flat at the wrist.
const FORE: &[Section] = &[
    [0.00, 0.033, 0.035, 0.000, 0.000],
    [0.18, 0.035, 0.039, 0.000, 0.001],
    [0.45, 0.031, 0.035, 0.000, 0.000],
    [0.75, 0.023, 0.028, 0.000, 0.000],
    [0.92, 0.0195, 0.0265, 0.000, 0.000],
    [1.00, 0.0190, 0.0265, 0.000, 0.000],
];

/// Wrist to knuckles; u is the thickness, v the breadth.
const PALM: &[Section] = &[
    [0.00, 0.0175, 0.0245, 0.000, 0.000],
    [0.25, 0.0175, 0.0290, 0.000, -0.001],
    [0.65, 0.0155, 0.0370, 0.000, 0.000],
    [1.00, 0.0115, 0.0370, 0.000, 0.001],
];

#[derive(Debug, Clone)]
pub(super) struct Arm {
    upper: Loft,
    fore: Loft,
    palm: Loft,
    thumb_ball: Vec3,
    heel: Vec3,
}

impl Arm {
    pub(super) fn new() -> Self {
        let [_, b, _] = hand_axes();
        Self {
            upper: Loft::new(rest::SHOULDER, rest::ELBOW, Vec3::Z, [0.040, 0.03], UPPER),
            fore: Loft::new(rest::ELBOW, rest::WRIST, Vec3::Z, [0.03, 0.02], FORE),
            palm: Loft::new(rest::WRIST, in_hand([0.080, 0.0, 0.0]), b, [0.015, 0.012], PALM),
            thumb_ball: in_hand([0.034, 0.021, 0.011]),
            heel: in_hand([0.035, -0.019, 0.007]),
        }
    }

    pub(super) fn at(&self, p: Vec3) -> f32 {
        let mut d = join(self.upper.at(p), self.fore.at(p), 0.008);
        d = join(d, ellipsoid(p - Vec3::new(0.168, 1.362, -0.014), Vec3::new(0.045, 0.050, 0.047)), 0.045);
        if (p - rest::WRIST).length() < 0.20 {
            d = join(d, self.palm.at(p), 0.010);
            d = join(d, ellipsoid(p - self.thumb_ball, Vec3::new(0.019, 0.019, 0.017)), 0.014);
            d = join(d, ellipsoid(p - self.heel, Vec3::new(0.018, 0.020, 0.014)), 0.014);
        }
        d
    }
}

/// Distance to one finger.
pub(super) fn finger(finger: usize, p: Vec3) -> f32 {
    let (joints, radii) = &FINGER[finger];
    let places = joints.map(in_hand);
    let mut d = f32::INFINITY;
    for k in 0..3 {
        let segment = cone(p, places[k], places[k + 1], radii[k], radii[k + 1]);
        d = join(d, segment, 0.003);
    }
    d
}
