//! What a splat covers of the picture: its alpha and depth at a point, one formula for each way to draw it, and a box
//! outside of which it is nowhere 1/255.
//!
//! - Gaussians: EWA with Kerbl et al.'s 0.3 px² (TOG 2023), with Mip-Splatting's 2D filter (Yu et al., CVPR 2024), or
//!   with none.
//! - The integral over the pixel, along the axes of the ellipse: Analytic-Splatting (Liang et al., ECCV 2024), with its
//!   logistic curve for the normal distribution.
//! - Discs that rays meet: 2D Gaussian Splatting (Huang et al., SIGGRAPH 2024), with its screen-space filter about the
//!   projected mean.

use glam::{DVec2, DVec3};

use super::{ALPHA_MAX, ALPHA_MIN, NEAR_METRES};
use crate::splat::Antialias;

/// Variance that 3D Gaussian splatting adds, px².
const DILATION: f64 = 0.3;
/// Variance of Mip-Splatting's filter, px².
const MIP: f64 = 0.1;
/// The logistic curve is at most this much steeper than a Gaussian of the same deviation, both axes together: 1.6 %.
const STEEPER: f64 = 1.05;

/// A splat's shape in the picture.
#[derive(Debug, Clone, Copy)]
pub(super) enum Footprint {
    /// xx, xy, yy of the inverse of the covariance, 1/px².
    Gaussian([f64; 3]),
    /// The longer axis, of length 1, and the deviations along it and across, px.
    Integral(DVec2, [f64; 2]),
    /// The matrix by rows that takes a place on the disc, counted in its deviations, with a 1 behind it, to the
    /// picture's x and y times the depth, and the depth.
    Disc([DVec3; 3]),
}

/// Half the sides of the smallest upright box known to hold all points with `alpha ≥ 1/255`, px.
type Extent = [f64; 2];

/// How many deviations from its middle a Gaussian of this opacity is 1/255.
fn deviations(opacity: f64) -> f64 {
    (2.0 * (opacity / ALPHA_MIN).ln()).max(0.0).sqrt()
}

impl Footprint {
    /// Of a Gaussian with the covariance xx, xy, yy in the picture: the shape, its opacity, its extent. `None` for one
    /// that covers nothing.
    pub(super) fn gaussian(
        [xx, xy, yy]: [f64; 3],
        opacity: f64,
        antialias: Antialias,
    ) -> Option<(Self, f64, Extent)> {
        let bare = xx * yy - xy * xy;
        let added = match antialias {
            Antialias::Dilate => DILATION,
            Antialias::Mip => MIP,
            Antialias::None => 0.0,
            Antialias::PixelIntegral => return Self::integral([xx, xy, yy], opacity),
        };
        let (xx, yy) = (xx + added, yy + added);
        let determinant = xx * yy - xy * xy;
        if !(determinant > 0.0 && determinant.is_finite()) {
            return None;
        }
        let kept = if antialias == Antialias::Mip { (bare.max(0.0) / determinant).sqrt() } else { 1.0 };
        let opacity = opacity * kept;
        let reach = deviations(opacity);
        let conic = [yy / determinant, -xy / determinant, xx / determinant];
        let extent = [reach * xx.sqrt(), reach * yy.sqrt()];
        (opacity >= ALPHA_MIN).then_some((Self::Gaussian(conic), opacity, extent))
    }

    fn integral([xx, xy, yy]: [f64; 3], opacity: f64) -> Option<(Self, f64, Extent)> {
        let angle = 0.5 * (2.0 * xy).atan2(xx - yy);
        let along = DVec2::new(angle.cos(), angle.sin());
        let middle = 0.5 * (xx + yy);
        let spread = (0.5 * (xx - yy)).hypot(xy);
        let sigmas = [(middle + spread).sqrt(), (middle - spread).max(0.0).sqrt()];
        // Beyond half a pixel a window sees at most the density at its near edge.
        let reach = deviations(STEEPER * opacity);
        let half = sigmas.map(|sigma| 0.5 + reach * sigma);
        let extent = [
            along.x.abs() * half[0] + along.y.abs() * half[1],
            along.y.abs() * half[0] + along.x.abs() * half[1],
        ];
        let there = sigmas[1] > 0.0 && sigmas[0].is_finite();
        there.then_some((Self::Integral(along, sigmas), opacity, extent))
    }

    /// Of a disc with these rows, whose mean stands at `centre`.
    pub(super) fn disc(rows: [DVec3; 3], centre: [f64; 2], opacity: f64) -> Option<(Self, f64, Extent)> {
        let reach = deviations(opacity);
        let square = reach * reach;
        let [_, _, w] = rows;
        let weights = DVec3::new(square, square, -1.0);
        // Sigg et al., "GPU-Based Ray-Casting of Quadratic Surfaces" (2006): the box of a conic's image. Where the
        // disc reaches the plane of the eye there is none.
        let denominator = (weights * w).dot(w);
        let near = denominator > -1e-6 * w.z * w.z;
        let round = reach / std::f64::consts::SQRT_2;
        let extent = std::array::from_fn(|axis| {
            if near {
                return f64::INFINITY;
            }
            let middle = (weights * rows[axis]).dot(w) / denominator;
            let half = middle * middle - (weights * rows[axis]).dot(rows[axis]) / denominator;
            ((middle - centre[axis]).abs() + half.max(0.0).sqrt()).max(round)
        });
        let finite = rows.iter().all(|row| row.is_finite());
        finite.then_some((Self::Disc(rows), opacity, extent))
    }

    /// Alpha at a point of the picture, and the depth there if it is not the mean's. `centre` is where the mean is.
    pub(super) fn at(&self, point: [f64; 2], centre: [f64; 2], opacity: f64) -> (f64, Option<f64>) {
        let from = DVec2::from_array(point) - DVec2::from_array(centre);
        match self {
            Self::Gaussian([xx, xy, yy]) => {
                let square = xx * from.x * from.x + 2.0 * xy * from.x * from.y + yy * from.y * from.y;
                (ALPHA_MAX.min(opacity * (-0.5 * square).exp()), None)
            }
            Self::Integral(along, [major, minor]) => {
                let (u, v) = (from.dot(*along), from.dot(along.perp()));
                (ALPHA_MAX.min(opacity * window(u, *major) * window(v, *minor)), None)
            }
            Self::Disc([x, y, w]) => {
                let (k, l) = (point[0] * *w - *x, point[1] * *w - *y);
                let p = k.cross(l);
                let s = DVec2::new(p.x, p.y) / p.z;
                let depth = s.dot(DVec2::new(w.x, w.y)) + w.z;
                // Where the ray runs along the disc, or meets it behind the eye, only the filter is left.
                let in_disc = if depth >= NEAR_METRES { s.length_squared() } else { f64::INFINITY };
                let in_filter = 2.0 * from.length_squared();
                let alpha = ALPHA_MAX.min(opacity * (-0.5 * in_disc.min(in_filter)).exp());
                (alpha, (in_disc <= in_filter).then_some(depth))
            }
        }
    }
}

/// The integral of `exp(−½ (x/sigma)²)` over the pixel about `u`.
fn window(u: f64, sigma: f64) -> f64 {
    let below = |x: f64| 0.5 + 0.5 * (0.5 * (1.6 * x + 0.07 * x * x * x)).tanh();
    std::f64::consts::TAU.sqrt() * sigma * (below((u + 0.5) / sigma) - below((u - 0.5) / sigma))
}
