//! Hulls of a few points: in space for what a convex fills, on a plane for what it covers. Pure, f64.

use glam::{DVec2, DVec3};

/// Share of a hull's extent by which its points are moved apart, so that no four lie in a plane.
const APART: f64 = 1e-7;

/// Triangles of the hull of `points`, by their numbers; none where all lie in a plane.
pub(super) fn faces(points: &[DVec3]) -> Vec<[usize; 3]> {
    let extent = points.iter().fold(0.0_f64, |most, &p| most.max((p - points[0]).length()));
    // Fixed directions without a pattern: the golden angle.
    let apart = |(number, &point): (usize, &DVec3)| {
        let (sin, cos) = (number as f64 * 2.399_963).sin_cos();
        point + DVec3::new(cos, sin, (number as f64 * 1.7).sin()) * (extent * APART)
    };
    let points: Vec<DVec3> = points.iter().enumerate().map(apart).collect();
    let mut found = Vec::new();
    for a in 0..points.len() {
        for b in a + 1..points.len() {
            for c in b + 1..points.len() {
                let normal = (points[b] - points[a]).cross(points[c] - points[a]);
                let side = |other: usize| normal.dot(points[other] - points[a]);
                let others = (0..points.len()).filter(|&other| other != a && other != b && other != c);
                let (mut above, mut below) = (false, false);
                for other in others {
                    above |= side(other) > 0.0;
                    below |= side(other) < 0.0;
                }
                if above != below {
                    found.push([a, b, c]);
                }
            }
        }
    }
    found
}

/// The corners of the hull of points on a plane, anticlockwise (Andrew 1979); fewer than three where it has no area.
pub(super) fn outline(points: &[DVec2]) -> Vec<DVec2> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    sorted.dedup();
    let mut hull: Vec<DVec2> = Vec::new();
    let mut walk = |order: &mut dyn Iterator<Item = &DVec2>| {
        let first = hull.len();
        for &point in order {
            while hull.len() >= first + 2 {
                let (a, b) = (hull[hull.len() - 2], hull[hull.len() - 1]);
                if (b - a).perp_dot(point - a) > 0.0 {
                    break;
                }
                hull.pop();
            }
            hull.push(point);
        }
        hull.pop();
    };
    walk(&mut sorted.iter());
    walk(&mut sorted.iter().rev());
    hull
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cube_has_twelve_triangles_and_an_octahedron_eight() {
        let cube: Vec<DVec3> =
            (0..8).map(|n| DVec3::new(f64::from(n & 1), f64::from(n >> 1 & 1), f64::from(n >> 2))).collect();
        assert_eq!(faces(&cube).len(), 12);
        let octahedron = [DVec3::X, DVec3::Y, DVec3::Z, -DVec3::X, -DVec3::Y, -DVec3::Z];
        assert_eq!(faces(&octahedron).len(), 8);
    }

    #[test]
    fn an_outline_leaves_out_what_lies_within() {
        let square = [(0.0, 0.0), (1.0, 1.0), (0.5, 0.5), (1.0, 0.0), (0.0, 1.0), (0.5, 0.0)];
        let found = outline(&square.map(|(x, y)| DVec2::new(x, y)));
        assert_eq!(found, [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(x, y)| DVec2::new(x, y)));
        assert!(outline(&[DVec2::ZERO, DVec2::X, DVec2::X * 2.0]).len() < 3, "a line has no area");
    }
}
