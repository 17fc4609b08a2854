//! Leg and foot: thigh and calf as lofts, kneecap, ankle bones, heel, instep, toes, and a flat sole on the floor.

use crate::field::{Loft, Section, cone, ellipsoid, join};
use crate::rig::rest;
use glam::Vec3;

/// Hip to knee; u points to the midline, v forward.
const THIGH: &[Section] = &[
    [0.00, 0.086, 0.093, 0.000, -0.006],
    [0.22, 0.083, 0.090, 0.002, 0.000],
    [0.48, 0.073, 0.079, 0.002, 0.006],
    [0.72, 0.059, 0.064, 0.000, 0.004],
    [0.90, 0.0495, 0.053, 0.000, 0.000],
    [1.00, 0.0465, 0.0495, 0.000, -0.001],
];

/// Knee to ankle; the belly of the calf lies behind and a little inside.
const CALF: &[Section] = &[
    [0.00, 0.0465, 0.0490, 0.000, -0.001],
    [0.10, 0.0425, 0.0465, 0.000, -0.004],
    [0.28, 0.0445, 0.050, 0.002, -0.010],
    [0.45, 0.0415, 0.046, 0.002, -0.011],
    [0.65, 0.0325, 0.037, 0.000, -0.010],
    [0.85, 0.0265, 0.0315, 0.000, -0.005],
    [1.00, 0.0270, 0.0330, 0.000, -0.002],
];

#[derive(Debug, Clone)]
pub(super) struct Leg {
    thigh: Loft,
    calf: Loft,
}

impl Leg {
    pub(super) fn new() -> Self {
        Self {
            thigh: Loft::new(rest::HIP, rest::KNEE, Vec3::Z, [0.07, 0.02], THIGH),
            calf: Loft::new(rest::KNEE, rest::ANKLE, Vec3::Z, [0.04, 0.03], CALF),
        }
    }

    pub(super) fn at(&self, p: Vec3) -> f32 {
        let mut d = join(self.thigh.at(p), self.calf.at(p), 0.010);
        d = join(d, ellipsoid(p - Vec3::new(0.083, 0.492, 0.036), Vec3::new(0.019, 0.030, 0.012)), 0.016);
        if p.y < 0.30 { join(d, foot(p), 0.020) } else { d }
    }
}

fn foot(p: Vec3) -> f32 {
    let ankle = rest::ANKLE;
    let mut d = cone(p, ankle, Vec3::new(0.078, 0.050, -0.040), 0.032, 0.031);
    d = join(d, ellipsoid(p - Vec3::new(0.106, 0.078, -0.026), Vec3::new(0.010, 0.013, 0.013)), 0.012);
    d = join(d, ellipsoid(p - Vec3::new(0.051, 0.086, -0.018), Vec3::new(0.010, 0.013, 0.013)), 0.012);
    d = join(d, ellipsoid(p - Vec3::new(0.077, 0.030, -0.052), Vec3::new(0.027, 0.036, 0.030)), 0.020);
    d = join(d, cone(p, Vec3::new(0.077, 0.070, 0.000), Vec3::new(0.076, 0.030, 0.095), 0.033, 0.021), 0.030);
    d = join(
        d,
        cone(p, Vec3::new(0.086, 0.026, -0.020), Vec3::new(0.096, 0.020, 0.095), 0.024, 0.020),
        0.025,
    );
    d = join(d, ellipsoid(p - Vec3::new(0.080, 0.018, 0.098), Vec3::new(0.038, 0.020, 0.036)), 0.020);
    d = join(d, ellipsoid(p - Vec3::new(0.076, 0.015, 0.138), Vec3::new(0.032, 0.0155, 0.036)), 0.018);
    // The sole is flat; its edge is rounded by the same blend that joins parts.
    -join(-d, p.y, 0.010)
}
