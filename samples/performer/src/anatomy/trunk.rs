//! Torso and neck. The silhouette is two lofts (torso, neck); muscles and bones are laid on and blended.
//! Breadths and depths follow a woman of 1.70 m in the anthropometric tables (biacromial 0.36, waist 0.70 around).

use crate::field::{Loft, Section, carve, cone, ellipsoid, join};
use glam::Vec3;

/// From y = 0.80 to 1.43: half breadth, half depth, centre in depth.
const TORSO: &[Section] = &[
    [0.000, 0.140, 0.090, 0.0, -0.012],
    [0.095, 0.170, 0.110, 0.0, -0.014],
    [0.206, 0.166, 0.104, 0.0, -0.012],
    [0.317, 0.138, 0.094, 0.0, -0.006],
    [0.420, 0.116, 0.083, 0.0, -0.002],
    [0.540, 0.120, 0.088, 0.0, -0.003],
    [0.667, 0.138, 0.096, 0.0, -0.008],
    [0.778, 0.146, 0.094, 0.0, -0.014],
    [0.873, 0.140, 0.078, 0.0, -0.020],
    [0.944, 0.100, 0.060, 0.0, -0.022],
    [1.000, 0.060, 0.050, 0.0, -0.022],
];

/// Base to skull.
const NECK: &[Section] = &[
    [0.00, 0.066, 0.062, 0.0, 0.000],
    [0.35, 0.048, 0.052, 0.0, 0.000],
    [0.70, 0.0445, 0.050, 0.0, 0.000],
    [1.00, 0.047, 0.054, 0.0, 0.000],
];

#[derive(Debug, Clone)]
pub(super) struct Trunk {
    torso: Loft,
    neck: Loft,
}

impl Trunk {
    pub(super) fn new() -> Self {
        Self {
            torso: Loft::new(
                Vec3::new(0.0, 0.80, 0.0),
                Vec3::new(0.0, 1.43, 0.0),
                Vec3::Z,
                [0.045, 0.03],
                TORSO,
            ),
            neck: Loft::new(
                Vec3::new(0.0, 1.385, -0.026),
                Vec3::new(0.0, 1.535, 0.000),
                Vec3::Z,
                [0.03, 0.04],
                NECK,
            ),
        }
    }

    /// The mirrored point's distance.
    pub(super) fn at(&self, p: Vec3) -> f32 {
        let mut d = self.torso.at(p);
        d = join(d, ellipsoid(p - Vec3::new(0.074, 0.872, -0.078), Vec3::new(0.076, 0.074, 0.058)), 0.040);
        d = join(d, self.breast(p), 0.036);
        d = join(
            d,
            cone(p, Vec3::new(0.030, 1.452, -0.040), Vec3::new(0.150, 1.388, -0.022), 0.022, 0.024),
            0.050,
        );
        d = join(d, ellipsoid(p - Vec3::new(0.078, 1.300, -0.082), Vec3::new(0.050, 0.062, 0.022)), 0.040);
        // The spine's furrow and the dip above the breastbone.
        d = carve(
            d,
            cone(p, Vec3::new(0.0, 0.98, -0.118), Vec3::new(0.0, 1.30, -0.128), 0.010, 0.010),
            0.045,
        );
        d = join(d, self.neck.at(p), 0.030);
        d = join(
            d,
            cone(p, Vec3::new(0.010, 1.392, 0.034), Vec3::new(0.138, 1.402, 0.004), 0.0065, 0.0075),
            0.014,
        );
        d = join(
            d,
            cone(p, Vec3::new(0.011, 1.396, 0.032), Vec3::new(0.047, 1.512, -0.016), 0.006, 0.007),
            0.022,
        );
        d = carve(d, ellipsoid(p - Vec3::new(0.0, 1.400, 0.046), Vec3::new(0.009, 0.011, 0.014)), 0.014);
        // Larynx: a hint only.
        join(d, ellipsoid(p - Vec3::new(0.0, 1.452, 0.033), Vec3::new(0.008, 0.014, 0.008)), 0.018)
    }

    /// The same trunk as cloth sees it: no furrows, hollows bridged.
    pub(super) fn draped(&self, p: Vec3) -> f32 {
        let mut d = self.torso.at(p);
        d = join(d, ellipsoid(p - Vec3::new(0.074, 0.872, -0.078), Vec3::new(0.076, 0.074, 0.058)), 0.060);
        d = join(d, self.breast(p), 0.060);
        d = join(d, ellipsoid(p - Vec3::new(0.078, 1.300, -0.082), Vec3::new(0.052, 0.064, 0.024)), 0.050);
        // Cloth spans from one breast to the other and falls clear of the ribs below them.
        d = join(
            d,
            cone(p, Vec3::new(0.0, 1.235, 0.050), Vec3::new(0.072, 1.230, 0.080), 0.040, 0.046),
            0.040,
        );
        d = join(
            d,
            cone(p, Vec3::new(0.040, 1.225, 0.068), Vec3::new(0.050, 1.110, 0.052), 0.038, 0.030),
            0.060,
        );
        d = join(
            d,
            cone(p, Vec3::new(0.030, 1.448, -0.040), Vec3::new(0.150, 1.392, -0.022), 0.022, 0.024),
            0.050,
        );
        join(d, self.neck.at(p) + 0.004, 0.030)
    }

    fn breast(&self, p: Vec3) -> f32 {
        let low = ellipsoid(p - Vec3::new(0.071, 1.226, 0.070), Vec3::new(0.055, 0.050, 0.050));
        let high = ellipsoid(p - Vec3::new(0.066, 1.275, 0.048), Vec3::new(0.052, 0.062, 0.036));
        join(low, high, 0.040)
    }
}
