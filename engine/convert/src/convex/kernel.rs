//! What a smooth convex covers, seen from far away along one direction. Pure, f64.
//!
//! Held et al., "3D Convex Splatting: Radiance Field Rendering with 3D Smooth Convexes" (2024). Its points are projected
//! and their outline taken. With `L_i` the signed area between a pixel and edge i (the distance from it times its
//! length, px², negative inside), the depth z of the centroid, a smoothness δ and a sharpness σ:
//!
//! ```text
//! φ = log Σ exp(zδ·L_i)      coverage = 1 / (1 + exp(zσ·φ))      α = min(0.99, opacity · coverage)
//! ```
//!
//! Areas are in pixels, so a convex looks as its trainer's cameras saw it: it takes their focal length and distance.

use glam::{DMat3, DVec2, DVec3};

use super::hull::outline;

/// How the trainer's cameras saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Optics {
    /// Focal length, pixels.
    pub(super) focal_px: f64,
    /// Distance from a camera to what it looks at, scene units.
    pub(super) distance: f64,
}

/// One convex.
#[derive(Debug, Clone)]
pub(super) struct Convex {
    pub(super) points: Vec<DVec3>,
    /// Smoothness of corners, δ.
    pub(super) smoothness: f64,
    /// Sharpness of edges, σ.
    pub(super) sharpness: f64,
    pub(super) opacity: f64,
}

/// A convex as one direction sees it.
pub(super) struct Seen {
    /// Normal (not of unit length) and offset of each edge; px² from scene units.
    edges: Vec<(DVec2, f64)>,
    smoothness: f64,
    sharpness: f64,
    opacity: f64,
}

impl Convex {
    pub(super) fn centroid(&self) -> DVec3 {
        self.points.iter().sum::<DVec3>() / self.points.len().max(1) as f64
    }

    /// Seen along the third axis of `frame`, its places told along the first two, from the centroid; `None` edge-on.
    pub(super) fn seen(&self, frame: &DMat3, optics: Optics) -> Option<Seen> {
        let centroid = self.centroid();
        let flat = |&point: &DVec3| {
            DVec2::new(frame.x_axis.dot(point - centroid), frame.y_axis.dot(point - centroid))
        };
        let corners = outline(&self.points.iter().map(flat).collect::<Vec<_>>());
        if corners.len() < 3 {
            return None;
        }
        let scale = (optics.focal_px / optics.distance).powi(2);
        let edge = |number: usize| {
            let (from, to) = (corners[number], corners[(number + 1) % corners.len()]);
            // Outside is to the right of an edge that goes anticlockwise.
            let normal = DVec2::new(to.y - from.y, from.x - to.x) * scale;
            (normal, -normal.dot(from))
        };
        Some(Seen {
            edges: (0..corners.len()).map(edge).collect(),
            smoothness: self.smoothness * optics.distance,
            sharpness: self.sharpness * optics.distance,
            opacity: self.opacity,
        })
    }

    /// Standard deviation of how its edges fade, scene units: a logistic curve of the distance.
    pub(super) fn fade(&self, edge_length: f64, optics: Optics) -> f64 {
        let slope = self.smoothness * self.sharpness * optics.focal_px.powi(2) * edge_length;
        std::f64::consts::PI / (3.0_f64.sqrt() * slope.max(1e-12))
    }
}

impl Seen {
    /// The opacity at a place.
    pub(super) fn alpha(&self, place: DVec2) -> f64 {
        let area = |&(normal, offset): &(DVec2, f64)| self.smoothness * (normal.dot(place) + offset);
        let most = self.edges.iter().map(area).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = self.edges.iter().map(|edge| (area(edge) - most).exp()).sum();
        let coverage = 1.0 / (1.0 + (self.sharpness * (most + sum.ln())).exp());
        (self.opacity * coverage).min(0.99)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cube(sharpness: f64) -> Convex {
        let corner = |n: u32| DVec3::new(f64::from(n & 1), f64::from(n >> 1 & 1), f64::from(n >> 2)) * 0.1;
        Convex { points: (0..8).map(corner).collect(), smoothness: 0.1, sharpness, opacity: 0.8 }
    }

    const OPTICS: Optics = Optics { focal_px: 1000.0, distance: 4.0 };

    #[test]
    fn inside_is_covered_outside_is_not_and_an_edge_is_half() {
        let seen = cube(0.1).seen(&DMat3::IDENTITY, OPTICS).unwrap();
        assert!((seen.alpha(DVec2::ZERO) - 0.8).abs() < 1e-3);
        assert!(seen.alpha(DVec2::new(0.08, 0.0)) < 1e-3);
        assert!(
            (seen.alpha(DVec2::new(0.05, 0.0)) - 0.4).abs() < 1e-3,
            "{}",
            seen.alpha(DVec2::new(0.05, 0.0))
        );
    }

    #[test]
    fn edges_fade_as_the_formula_says() {
        // Near an edge the coverage is a logistic curve; at one standard deviation out it is 1 / (1 + exp(π/√3)).
        let convex = cube(0.01);
        let seen = convex.seen(&DMat3::IDENTITY, OPTICS).unwrap();
        let out = convex.fade(0.1, OPTICS);
        let wanted = 0.8 / (1.0 + (std::f64::consts::PI / 3.0_f64.sqrt()).exp());
        let got = seen.alpha(DVec2::new(0.05 + out, 0.0));
        assert!((got - wanted).abs() < 0.01, "{got} {wanted}");
        assert!(convex.fade(0.05, OPTICS) > convex.fade(0.1, OPTICS), "short edges fade slower");
    }
}
