//! From where the vertices are to splats: every disc carried along by its triangle. Pure, parallel.
//!
//! A triangle's plane map F takes the disc's two axes at rest to two vectors in the world. Their lengths stretch the
//! disc's scales. Its orientation is the rotation nearest to F (the polar decomposition, Higham 1986; for a 2 × 2
//! stretch `U = (FᵀF + √det·I) / √(tr + 2√det)`), which turns smoothly where the vectors themselves would shear.
//!
//! A quaternion and its negative are one rotation, and over time a splat must not jump between them. So each is given
//! the sign that agrees with its leading joint's turn, which was followed from frame to frame.

use glam::{Mat3, Quat, Vec2, Vec3};
use rayon::prelude::*;
use vivant::splat::Splats;

use super::surface::Disc;
use crate::rows;

/// Thickness of a disc against its width.
const THICKNESS: f32 = 0.12;

/// The thinnest a splat may be, metres: skin that folds up keeps a size.
const SCALE_MIN: f32 = 2e-5;

/// How far a splat may be stretched. Where blended joints tear a crease wider, as in a split, the splats round it overlap
/// enough, and one that went along would stand out of it as a haze.
const STRETCH_MAX: f32 = 3.0;

/// Puts every disc where its triangle is. `turns` gives for each bind how it has turned since the rest, followed in
/// sign over time; `rest` holds each disc's own orientation at rest.
pub(crate) fn splats(discs: &[Disc], vertices: &[Vec3], turns: &[Quat], rest: &[Quat]) -> Splats {
    let mut splats = rows::zeroed(discs.len(), 0);
    rows::all(&mut splats).into_par_iter().for_each(|rows| {
        for index in 0..rows.mean.len() {
            let number = rows.first + index;
            let disc = &discs[number];
            let carried = carried(disc, vertices);
            let expected = turns[disc.bind as usize] * rest[number];
            let sign = if carried.rotation.dot(expected) < 0.0 { -1.0 } else { 1.0 };
            rows.mean[index] = carried.mean.to_array();
            rows.rotation[index] = (carried.rotation * sign).to_array();
            rows.scale[index] = carried.scale;
            rows.opacity[index] = disc.opacity;
            rows.colour[index] = disc.colour;
        }
    });
    splats
}

/// A disc in the world.
pub(crate) struct Carried {
    mean: Vec3,
    /// Of either sign.
    pub(crate) rotation: Quat,
    scale: [f32; 3],
}

/// Carries a disc along with its triangle.
pub(crate) fn carried(disc: &Disc, vertices: &[Vec3]) -> Carried {
    let [a, b, c] = disc.corners.map(|corner| vertices[corner as usize]);
    let mean = a * disc.weights.x + b * disc.weights.y + c * disc.weights.z;
    let image = |axis: Vec2| (b - a) * axis.x + (c - a) * axis.y;
    let (x, y) = (image(disc.edges_from_axes.x_axis), image(disc.edges_from_axes.y_axis));
    let wide = |stretched: Vec3| (stretched.length().min(STRETCH_MAX) * disc.sigma).max(SCALE_MIN);
    // The thickness is the disc's own: a joint that bends must not make it come and go.
    let thin = (disc.sigma * THICKNESS).max(SCALE_MIN);
    Carried { mean, rotation: nearest_rotation(x, y), scale: [wide(x), wide(y), thin] }
}

/// The rotation whose first two axes are nearest to two vectors.
fn nearest_rotation(x: Vec3, y: Vec3) -> Quat {
    let (xx, xy, yy) = (x.dot(x), x.dot(y), y.dot(y));
    let root = (xx * yy - xy * xy).max(0.0).sqrt();
    let unit = (xx + yy + 2.0 * root).sqrt();
    // U = [p q; q r]; its determinant is that root.
    let (p, q, r) = ((xx + root) / unit, xy / unit, (yy + root) / unit);
    let inverse = 1.0 / (p * r - q * q);
    let first = ((x * r - y * q) * inverse).try_normalize();
    let second =
        first.and_then(|first| ((y * p - x * q) * inverse).reject_from_normalized(first).try_normalize());
    let (Some(first), Some(second)) = (first, second) else {
        // A triangle that fell together to a line or a point: any rotation about what is left will do.
        let along = if xx >= yy { x } else { y };
        return along.try_normalize().map_or(Quat::IDENTITY, |along| Quat::from_rotation_arc(Vec3::X, along));
    };
    Quat::from_mat3(&Mat3::from_cols(first, second, first.cross(second)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_rotation_ignores_stretch_and_shears_evenly() {
        let turn = Quat::from_euler(glam::EulerRot::XYZ, 0.3, -1.1, 2.0);
        for (x, y) in [(Vec2::new(1.0, 0.0), Vec2::new(0.0, 1.0)), (Vec2::new(3.0, 0.0), Vec2::new(0.0, 0.2))]
        {
            let found = nearest_rotation(turn * x.extend(0.0), turn * y.extend(0.0));
            assert!(found.dot(turn).abs() > 1.0 - 1e-6);
        }
        // A symmetric shear turns nothing.
        let found = nearest_rotation(Vec3::new(1.0, 0.4, 0.0), Vec3::new(0.4, 1.0, 0.0));
        assert!(found.w.abs() > 1.0 - 1e-6, "{found}");
        for (x, y) in [(Vec3::ZERO, Vec3::ZERO), (Vec3::Y, Vec3::Y), (Vec3::Y, Vec3::ZERO)] {
            assert!(nearest_rotation(x, y).is_normalized());
        }
    }
}
