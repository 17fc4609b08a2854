//! The face's features in head space, left half: brow, eye socket and lids, nose, mouth. The eyeball itself is a
//! separate sphere behind the opening between the lids.

use crate::field::{carve, cone, ellipsoid, join};
use glam::Vec3;

/// Centre of the left eyeball in head space.
pub(crate) const EYE: Vec3 = Vec3::new(0.0310, 0.000, 0.0685);
/// Half axes of the eyeball: wider than a ball, so that it fills the opening to its corners.
pub(crate) const EYE_RADII: Vec3 = Vec3::new(0.0180, 0.0142, 0.0122);
/// Thickness of a lid over the eyeball.
const LID: f32 = 0.0015;

/// Half the width of the opening between the lids.
pub(crate) const LID_HALF: f32 = 0.0159;

/// Height of the upper lid's edge for a share of the half width; the arch peaks inside of the middle.
pub(crate) fn upper_lid(t: f32) -> f32 {
    0.0067 * (1.0 - t * t) * (1.0 - 0.20 * t)
}

/// Height of the lower lid's edge; lowest outside of the middle.
pub(crate) fn lower_lid(t: f32) -> f32 {
    -0.0042 * (1.0 - t * t) * (1.0 + 0.25 * t)
}

/// Signed distance, in the frontal plane, to the opening between the lids: negative where the eye shows. The second
/// number is the height above the lower edge as a share, 1 at the upper edge.
pub(crate) fn lids(p: Vec3) -> (f32, f32) {
    let x = p.x - EYE.x;
    // The outer corner sits a little higher than the inner.
    let y = p.y - EYE.y - 0.10 * x;
    let a = LID_HALF;
    let t = (x / a).clamp(-1.3, 1.3);
    let upper = upper_lid(t);
    let lower = lower_lid(t);
    let open = (y - upper).max(lower - y);
    (open.max(x.abs() - a), (y - lower) / (upper - lower).abs().max(1e-4))
}

/// The head `d` with the features laid on and carved in.
pub(super) fn features(d: f32, p: Vec3) -> f32 {
    if p.z < 0.02 || p.y.abs() > 0.095 {
        return d;
    }
    mouth(nose(eyes(d, p), p), p)
}

fn eyes(mut d: f32, p: Vec3) -> f32 {
    // Socket, then brow above it.
    d = carve(d, ellipsoid(p - Vec3::new(0.031, 0.001, 0.094), Vec3::new(0.0190, 0.0120, 0.0165)), 0.018);
    d = join(
        d,
        cone(p, Vec3::new(0.012, 0.0185, 0.0820), Vec3::new(0.044, 0.0190, 0.0640), 0.0058, 0.0050),
        0.014,
    );
    let ball = ellipsoid(p - EYE, EYE_RADII);
    d = join(d, ball - LID, 0.006);
    // The fold of the upper lid.
    let (open, _) = lids(p);
    let crease = (open - 0.0042).abs() - 0.0004;
    if p.y > EYE.y && (p.x - EYE.x).abs() < 0.016 {
        let depth = 0.0009 * (-(crease / 0.0011).powi(2)).exp();
        d += depth;
    }
    let opening = open.max(EYE.z - p.z).max(-0.0006 - ball);
    carve(d, opening, 0.0010)
}

fn nose(mut d: f32, p: Vec3) -> f32 {
    d = join(
        d,
        cone(p, Vec3::new(0.0, 0.010, 0.0795), Vec3::new(0.0, -0.026, 0.0965), 0.0052, 0.0062),
        0.014,
    );
    d = join(d, ellipsoid(p - Vec3::new(0.0, -0.0315, 0.0985), Vec3::new(0.0072, 0.0066, 0.0080)), 0.010);
    d = join(d, ellipsoid(p - Vec3::new(0.0092, -0.0358, 0.0890), Vec3::new(0.0046, 0.0044, 0.0076)), 0.009);
    d = join(
        d,
        cone(p, Vec3::new(0.0, -0.040, 0.0960), Vec3::new(0.0, -0.044, 0.0850), 0.0042, 0.0050),
        0.005,
    );
    carve(d, ellipsoid(p - Vec3::new(0.0064, -0.0418, 0.0915), Vec3::new(0.0030, 0.0026, 0.0052)), 0.003)
}

fn mouth(mut d: f32, p: Vec3) -> f32 {
    // The mound of the teeth, then philtrum, then lips around a line that turns up at the corner.
    d = join(d, ellipsoid(p - Vec3::new(0.0, -0.062, 0.062), Vec3::new(0.030, 0.022, 0.0245)), 0.020);
    d = carve(
        d,
        cone(p, Vec3::new(0.0, -0.046, 0.0915), Vec3::new(0.0, -0.0555, 0.0930), 0.0020, 0.0022),
        0.005,
    );
    let corner = Vec3::new(0.0270, -0.0596, 0.0700);
    let upper = cone(p, Vec3::new(0.0045, -0.0600, 0.0865), corner, 0.0042, 0.0012);
    let lower = cone(p, Vec3::new(0.0, -0.0690, 0.0845), corner, 0.0051, 0.0012);
    d = join(d, upper, 0.0035);
    d = join(d, lower, 0.0040);
    let parting =
        cone(p, Vec3::new(0.0, -0.0645, 0.0935), corner + Vec3::new(0.002, 0.0006, 0.003), 0.0011, 0.0010);
    d = carve(d, parting, 0.0030);
    // Under the lower lip.
    d = carve(
        d,
        cone(p, Vec3::new(0.0, -0.0795, 0.0900), Vec3::new(0.010, -0.0780, 0.0880), 0.0035, 0.0030),
        0.010,
    );
    d
}
