//! A splat carried by an affine map, in f64: what the slice kernel does, for writers and tools.
//!
//! A map F takes a splat with the axes R·S to one with the covariance (F·R·S)(F·R·S)ᵀ. Its new axes are the left singular
//! vectors of F·R·S, found by turning pairs of columns until all are orthogonal (Hestenes, "Inversion of matrices by
//! biorthogonalization", 1958: one-sided Jacobi, exact to rounding even for discs a thousand times wider than thick).
//! The columns of a similarity are orthogonal already. The rotation nearest to F is U·Vᵀ of the same decomposition of F.

use glam::{DAffine3, DMat3, DQuat, DVec3};

use super::{Affine, Binding, wide};

/// Sweeps over the three pairs; convergence is quadratic.
const SWEEPS: usize = 12;

/// A splat that was carried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Carried {
    /// Where it came to be.
    pub mean: DVec3,
    /// How it lies.
    pub rotation: DQuat,
    /// Its standard deviations along those axes.
    pub scale: DVec3,
}

/// What a binding's joints do together; `maps` as of [`super::Rig::carry`]. Joints that are not there do nothing.
#[must_use]
pub fn blended(binding: &Binding, maps: &[Affine]) -> DAffine3 {
    let mut sum = DAffine3 { matrix3: DMat3::ZERO, translation: DVec3::ZERO };
    for (joint, weight) in binding.terms() {
        let Some(map) = maps.get(usize::from(joint)).map(wide) else { continue };
        sum.matrix3 += map.matrix3 * f64::from(weight);
        sum.translation += map.translation * f64::from(weight);
    }
    sum
}

/// A splat carried by a map.
#[must_use]
pub fn carried(mean: [f32; 3], rotation: [f32; 4], scale: [f32; 3], by: &DAffine3) -> Carried {
    let turn = DMat3::from_quat(DQuat::from_array(rotation.map(f64::from)));
    let axes = by.matrix3 * turn * DMat3::from_diagonal(DVec3::from_array(scale.map(f64::from)));
    let (columns, _) = orthogonal(axes);
    let (frame, scale) = framed(columns);
    let mean = by.transform_point3(DVec3::from_array(mean.map(f64::from)));
    Carried { mean, rotation: DQuat::from_mat3(&frame), scale }
}

/// The rotation R and the symmetric P with R·P = `map`: R is the rotation nearest to it, or to its negative where it
/// mirrors.
#[must_use]
pub fn polar(map: DMat3) -> (DMat3, DMat3) {
    let sign = if map.determinant() < 0.0 { -1.0 } else { 1.0 };
    let (columns, right) = orthogonal(map * sign);
    let (frame, _) = framed(columns);
    // Where a column vanished its axis is free; V is a rotation, so the frame's handedness is right as it is.
    let rotation = frame * right.transpose();
    let symmetric = rotation.transpose() * map;
    (rotation, (symmetric + symmetric.transpose()) * 0.5)
}

/// Turns `map`'s columns among themselves until they are orthogonal: gives `map · V` and the rotation V.
fn orthogonal(map: DMat3) -> (DMat3, DMat3) {
    let (mut columns, mut right) =
        (map.to_cols_array_2d().map(DVec3::from_array), [DVec3::X, DVec3::Y, DVec3::Z]);
    for _ in 0..SWEEPS {
        let mut turned = false;
        for (a, b) in [(0, 1), (1, 2), (0, 2)] {
            let (p, q) = (columns[a], columns[b]);
            let (pp, qq, pq) = (p.length_squared(), q.length_squared(), p.dot(q));
            if pq.abs() <= 1e-15 * (pp * qq).sqrt() {
                continue;
            }
            turned = true;
            let slope = (qq - pp) / (2.0 * pq);
            let tangent = slope.signum() / (slope.abs() + slope.hypot(1.0));
            let cosine = tangent.hypot(1.0).recip();
            let sine = cosine * tangent;
            (columns[a], columns[b]) = (p * cosine - q * sine, p * sine + q * cosine);
            (right[a], right[b]) = (right[a] * cosine - right[b] * sine, right[a] * sine + right[b] * cosine);
        }
        if !turned {
            break;
        }
    }
    let matrix = |[x, y, z]: [DVec3; 3]| DMat3::from_cols(x, y, z);
    (matrix(columns), matrix(right))
}

/// A right-handed frame along three orthogonal columns, and their lengths. The two longest give it; the third, and what
/// has no length, follow from them.
fn framed(columns: DMat3) -> (DMat3, DVec3) {
    let columns = [columns.x_axis, columns.y_axis, columns.z_axis];
    let lengths = DVec3::from_array(columns.map(DVec3::length));
    let shortest = (0..3).min_by(|&a, &b| lengths[a].total_cmp(&lengths[b])).unwrap_or(2);
    let (i, j) = ((shortest + 1) % 3, (shortest + 2) % 3);
    let (long, other) = if lengths[i] >= lengths[j] { (i, j) } else { (j, i) };
    let first = columns[long].try_normalize().unwrap_or(DVec3::X);
    let across = columns[other].reject_from_normalized(first).try_normalize();
    let second = across.unwrap_or_else(|| first.any_orthonormal_vector());
    let mut axes = [DVec3::ZERO; 3];
    (axes[long], axes[other]) = (first, second);
    axes[shortest] = axes[i].cross(axes[j]);
    let [x, y, z] = axes;
    (DMat3::from_cols(x, y, z), lengths)
}

#[cfg(test)]
mod tests {
    use super::super::narrow;
    use super::*;

    fn covariance(carried: &Carried) -> DMat3 {
        let axes = DMat3::from_quat(carried.rotation) * DMat3::from_diagonal(carried.scale);
        axes * axes.transpose()
    }

    #[test]
    fn covariances_follow_the_map() {
        let rotation = DQuat::from_euler(glam::EulerRot::XYZ, 0.4, 1.2, -0.7);
        let scale = [0.02, 0.01, 2e-5];
        let maps = [
            DMat3::IDENTITY,
            DMat3::from_quat(DQuat::from_rotation_z(2.0)) * 3.0,
            DMat3::from_cols(
                DVec3::new(1.0, 0.3, 0.0),
                DVec3::new(-0.4, 2.0, 0.1),
                DVec3::new(0.2, 0.0, 0.7),
            ),
            DMat3::from_diagonal(DVec3::new(-1.0, 1.0, 1.0)),
            DMat3::from_diagonal(DVec3::new(1.0, 0.0, 0.0)),
            DMat3::ZERO,
        ];
        for map in maps {
            let by = DAffine3 { matrix3: map, translation: DVec3::new(1.0, 2.0, 3.0) };
            let found = carried([0.1, 0.2, 0.3], rotation.as_quat().to_array(), scale, &by);
            let turn = DMat3::from_quat(rotation.as_quat().as_dquat());
            let axes = map * turn * DMat3::from_diagonal(DVec3::from_array(scale.map(f64::from)));
            let wanted = axes * axes.transpose();
            let error =
                (covariance(&found) - wanted).to_cols_array().iter().map(|x| x.abs()).fold(0.0, f64::max);
            assert!(error < 1e-14, "{map}: {error}");
            assert!((found.rotation.length() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn the_nearest_rotation_is_found() {
        let turn = DMat3::from_quat(DQuat::from_rotation_x(1.1));
        let stretch =
            DMat3::from_cols(DVec3::new(2.0, 0.3, 0.0), DVec3::new(0.3, 1.0, 0.1), DVec3::new(0.0, 0.1, 0.5));
        for (map, wanted) in [(turn * stretch, turn), (turn * 0.01, turn), (-(turn * stretch), turn)] {
            let (rotation, symmetric) = polar(map);
            assert!((rotation - wanted).to_cols_array().iter().all(|x| x.abs() < 1e-12), "{rotation}");
            assert!((rotation * symmetric - map).to_cols_array().iter().all(|x| x.abs() < 1e-12));
        }
        for flat in
            [DMat3::ZERO, DMat3::from_diagonal(DVec3::new(1.0, 2.0, 0.0)), DMat3::from_diagonal(DVec3::Z)]
        {
            let (rotation, symmetric) = polar(flat);
            assert!((rotation.determinant() - 1.0).abs() < 1e-9, "{flat}: {rotation}");
            assert!((rotation * symmetric - flat).to_cols_array().iter().all(|x| x.abs() < 1e-9), "{flat}");
        }
    }

    #[test]
    fn joints_are_blended_by_weight() {
        let shift = |x: f64| narrow(&DAffine3::from_translation(DVec3::new(x, 0.0, 0.0)));
        let binding = Binding::of(&[(0, 1.0), (2, 3.0), (9, 0.0)]).unwrap();
        let by = blended(&binding, &[shift(1.0), shift(100.0), shift(2.0)]);
        assert!((by.translation.x - 1.75).abs() < 1e-6);
    }
}
