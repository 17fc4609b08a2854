//! One row of a Spacetime Gaussians PLY, and what it means. Pure, f64.
//!
//! ```text
//! dt = t − trbf_center
//! opacity  = sigmoid(opacity) · exp(−(dt / exp(trbf_scale))²)       no ½: so σ = exp(trbf_scale)/√2
//! position = xyz + motion₀₋₂·dt + motion₃₋₅·dt² + motion₆₋₈·dt³
//! rotation = normalize(rot + omega·dt), wxyz                        scale = exp(scale)
//! ```
//! The temporal envelope is drawn as far as a splat is seen at all, so there is no window.

use crate::ply::Raw;
use crate::temporal::{Temporal, sigmoid};

/// The stored numbers of a splat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row {
    pub(super) mean: [f64; 3],
    pub(super) centre: f64,
    pub(super) log_width: f64,
    /// The factors of dt, dt² and dt³.
    pub(super) motion: [[f64; 3]; 3],
    /// xyzw.
    pub(super) rotation: [f64; 4],
    /// xyzw a unit of time.
    pub(super) omega: [f64; 4],
    pub(super) logit: f64,
    pub(super) log_scale: [f64; 3],
    /// `f_dc_0..2`.
    pub(super) colour: [f64; 3],
}

impl Row {
    /// Row `index` of a file read with [`super::COLUMNS`] first.
    pub(super) fn of(raw: &Raw, index: usize) -> Self {
        let (splats, extra) = (&raw.splats, raw.extra_of(index));
        let at = |column: usize| f64::from(extra[column]);
        Self {
            mean: splats.mean[index].map(f64::from),
            centre: at(0),
            log_width: at(1),
            motion: [2, 5, 8].map(|first| [at(first), at(first + 1), at(first + 2)]),
            rotation: splats.rotation[index].map(f64::from),
            // The real part stands first.
            omega: [at(12), at(13), at(14), at(11)],
            logit: f64::from(splats.opacity[index]),
            log_scale: splats.scale[index].map(f64::from),
            colour: splats.colour[index].map(f64::from),
        }
    }

    /// What it means.
    pub(super) fn temporal(&self) -> Temporal {
        Temporal {
            mean: self.mean,
            motion: self.motion,
            rotation: self.rotation,
            spin: self.omega,
            scale: self.log_scale.map(f64::exp),
            opacity: sigmoid(self.logit),
            colour: self.colour,
            t0: self.centre,
            sigma: self.log_width.exp() / std::f64::consts::SQRT_2,
            ..Temporal::DEFAULT
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_golden_splat_stands_where_the_paper_has_it() {
        let row = Row {
            mean: [0.1, 0.2, 0.3],
            centre: 0.4,
            log_width: -1.2,
            motion: [[0.5, -0.4, 0.3], [0.2, 0.1, -0.1], [0.05, -0.05, 0.02]],
            rotation: [0.1, 0.2, -0.1, 0.9],
            omega: [-0.2, 0.3, 0.1, 0.01],
            logit: 1.5,
            log_scale: [0.0; 3],
            colour: [0.5; 3],
        };
        let splat = row.temporal();
        // The model's own formula, in f64.
        let dt = 0.6 - splat.t0;
        let position: [f64; 3] = std::array::from_fn(|axis| {
            splat.mean[axis]
                + dt * (splat.motion[0][axis] + dt * (splat.motion[1][axis] + dt * splat.motion[2][axis]))
        });
        let turned: [f64; 4] = std::array::from_fn(|part| splat.rotation[part] + splat.spin[part] * dt);
        let length = turned.iter().map(|part| part * part).sum::<f64>().sqrt();
        let opacity = splat.opacity * (-0.5 * (dt / splat.sigma).powi(2)).exp();
        let [x, y, z, w] = turned.map(|part| part / length);
        let got = [position[0], position[1], position[2], w, x, y, z, opacity];
        let wanted = [
            0.2084,
            0.1236,
            0.35616,
            0.955_472_020_624_241_6,
            0.063_556_897_159_040_48,
            0.275_413_221_022_508_65,
            -0.084_742_529_545_387_3,
            0.526_059_826_979_029_3,
        ];
        for (got, wanted) in got.into_iter().zip(wanted) {
            assert!((got - wanted).abs() < 1e-9, "{got} for {wanted}");
        }
    }
}
