//! The head: skull, jaw, cheeks, ears, and the face's features from [`super::face`]. Everything in head space: origin
//! between the pupils' height and the skull's middle, metres, left half.

use super::face;
use crate::field::{carve, cone, ellipsoid, join};
use crate::number::through;
use glam::Vec3;

/// Origin of head space in the rest pose.
pub(crate) const CENTRE: Vec3 = Vec3::new(0.0, 1.5855, 0.010);

/// Skull and mass of the face, without features.
pub(super) fn scalp(p: Vec3) -> f32 {
    let mut d = ellipsoid(p - Vec3::new(0.0, 0.032, -0.014), Vec3::new(0.0735, 0.080, 0.090));
    d = join(d, ellipsoid(p - Vec3::new(0.0, 0.036, 0.030), Vec3::new(0.061, 0.056, 0.057)), 0.030);
    d = join(d, ellipsoid(p - Vec3::new(0.0, -0.022, 0.026), Vec3::new(0.0548, 0.066, 0.056)), 0.030);
    join(d, ellipsoid(p - Vec3::new(0.0, -0.015, -0.045), Vec3::new(0.052, 0.050, 0.042)), 0.040)
}

/// The head with all features but the eyeballs.
pub(super) fn at(p: Vec3) -> f32 {
    let mut d = scalp(p);
    // Jaw: from its angle under the ear to the chin.
    d = join(
        d,
        cone(p, Vec3::new(0.0375, -0.050, 0.000), Vec3::new(0.0120, -0.093, 0.056), 0.0130, 0.0120),
        0.034,
    );
    d = join(
        d,
        cone(p, Vec3::new(0.047, -0.010, 0.004), Vec3::new(0.0400, -0.050, 0.002), 0.0140, 0.0125),
        0.022,
    );
    d = join(d, ellipsoid(p - Vec3::new(0.0, -0.094, 0.067), Vec3::new(0.0135, 0.0140, 0.0135)), 0.028);
    // Cheekbone and the soft cheek below it.
    d = join(d, ellipsoid(p - Vec3::new(0.043, -0.021, 0.050), Vec3::new(0.020, 0.014, 0.022)), 0.022);
    d = join(d, ellipsoid(p - Vec3::new(0.029, -0.047, 0.052), Vec3::new(0.021, 0.024, 0.023)), 0.022);
    d = face::features(d, p);
    join(d, ear(p), 0.006)
}

fn ear(p: Vec3) -> f32 {
    // Ear space: tilted back, turned out.
    let q = p - Vec3::new(0.0735, -0.006, -0.012);
    let q = Vec3::new(q.x + 0.42 * q.z, q.y, q.z - 0.20 * q.y);
    let shell = ellipsoid(q, Vec3::new(0.0075, 0.0300, 0.0165));
    let bowl = ellipsoid(q - Vec3::new(0.008, 0.003, 0.002), Vec3::new(0.0075, 0.019, 0.0095));
    let lobe = ellipsoid(q - Vec3::new(-0.001, -0.025, 0.005), Vec3::new(0.0055, 0.009, 0.008));
    let tragus = ellipsoid(q - Vec3::new(0.002, -0.004, 0.012), Vec3::new(0.0045, 0.006, 0.004));
    join(join(carve(shell, bowl, 0.005), lobe, 0.005), tragus, 0.004)
}

/// Height of the hairline for a depth in head space: brow to temple to ear to nape.
pub(crate) fn hairline(z: f32) -> f32 {
    through(
        &[
            [-0.100, -0.058],
            [-0.060, -0.062],
            [-0.034, -0.050],
            [-0.020, 0.012],
            [-0.006, 0.030],
            [0.006, 0.012],
            [0.016, 0.004],
            [0.026, 0.014],
            [0.044, 0.044],
            [0.060, 0.056],
            [0.074, 0.066],
        ],
        z,
    )
}
