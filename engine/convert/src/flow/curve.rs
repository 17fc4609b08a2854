//! The residual of Gaussian-Flow: a polynomial and a Fourier series over time. Pure, f64.
//!
//! ```text
//! D(t) = (1/K) Σ_{k<K} [ a_k·tᵏ + f_k·sin(2πk·t) + g_k·cos(2πk·t) ]     last axis (a, f, g)
//! D(t) = (1/K) Σ_{k<K} [ f_k·sin(2πk·t) + g_k·cos(2πk·t) ]              last axis (f, g)
//! D(t) = Σ_{k<K} a_k·tᵏ                                                 no last axis, and no 1/K
//! ```
//! The coefficients of a splat stand by k, then by component, then by kind.

use std::f64::consts::TAU;

/// What the terms are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Terms {
    /// Powers, sines and cosines.
    Both,
    /// Sines and cosines.
    Waves,
    /// Powers.
    Powers,
}

impl Terms {
    /// By the sizes of a tensor whose rows have `components`: [rows, K, components(, kinds)].
    pub(super) fn of(shape: &[usize], components: usize) -> Option<(Self, usize)> {
        match *shape {
            [_, k, own, 3] if own == components => Some((Self::Both, k)),
            [_, k, own, 2] if own == components => Some((Self::Waves, k)),
            [_, k, own] if own == components => Some((Self::Powers, k)),
            _ => None,
        }
    }

    /// Numbers for one k and component.
    const fn kinds(self) -> usize {
        match self {
            Self::Both => 3,
            Self::Waves => 2,
            Self::Powers => 1,
        }
    }

    /// Where powers, sines and cosines stand among them.
    const fn places(self) -> (Option<usize>, Option<usize>) {
        match self {
            Self::Both => (Some(0), Some(1)),
            Self::Waves => (None, Some(0)),
            Self::Powers => (Some(0), None),
        }
    }
}

/// The residuals of an attribute of `components` numbers, of all splats.
#[derive(Debug)]
pub(super) struct Residual {
    pub(super) terms: Terms,
    /// Number of terms of each kind, K.
    pub(super) count: usize,
    pub(super) components: usize,
    pub(super) values: Vec<f32>,
}

impl Residual {
    /// Numbers of one splat.
    fn stride(&self) -> usize {
        self.count * self.components * self.terms.kinds()
    }

    fn of(&self, row: usize) -> &[f32] {
        &self.values[row * self.stride()..(row + 1) * self.stride()]
    }

    fn share(&self) -> f64 {
        if self.terms == Terms::Powers { 1.0 } else { 1.0 / self.count.max(1) as f64 }
    }

    /// Adds D(t) of splat `row` to `out`, which has a place for each component.
    pub(super) fn add(&self, row: usize, t: f64, out: &mut [f64]) {
        let kinds = self.terms.kinds();
        let (power_at, wave_at) = self.terms.places();
        let (step_sine, step_cosine) = (TAU * t).sin_cos();
        let (mut power, mut sine, mut cosine) = (1.0, 0.0, 1.0);
        let share = self.share();
        for term in self.of(row).chunks_exact(self.components * kinds) {
            for (out, factors) in out.iter_mut().zip(term.chunks_exact(kinds)) {
                let mut sum = power_at.map_or(0.0, |at| f64::from(factors[at]) * power);
                if let Some(at) = wave_at {
                    sum += f64::from(factors[at]) * sine + f64::from(factors[at + 1]) * cosine;
                }
                *out += share * sum;
            }
            power *= t;
            // The next multiple of the angle.
            (sine, cosine) =
                (sine * step_cosine + cosine * step_sine, cosine * step_cosine - sine * step_sine);
        }
    }

    /// The highest k whose waves matter: those above it move no component by more than `bound` together.
    pub(super) fn fastest(&self, row: usize, bound: f64) -> usize {
        let (kinds, (_, Some(at))) = (self.terms.kinds(), self.terms.places()) else { return 0 };
        let mut tail = vec![0.0_f64; self.components];
        let terms = self.of(row).chunks_exact(self.components * kinds).enumerate().rev();
        for (k, term) in terms {
            for (sum, factors) in tail.iter_mut().zip(term.chunks_exact(kinds)) {
                *sum += self.share() * f64::from(factors[at]).hypot(f64::from(factors[at + 1]));
            }
            // Also true for NaN.
            if !tail.iter().all(|&sum| sum <= bound) {
                return k;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// K = 3, poly(.1, .2, −.3), sin(.9, .05, −.02), cos(.01, .03, .04) at t = .3: a value of the formula by other means.
    #[test]
    fn the_golden_residual() {
        let values = vec![0.1, 0.9, 0.01, 0.2, 0.05, 0.03, -0.3, -0.02, 0.04];
        let residual = Residual { terms: Terms::Both, count: 3, components: 1, values };
        let mut out = [0.0];
        residual.add(0, 0.3, &mut out);
        assert!((out[0] - 0.053_559_113_751_453_61).abs() < 1e-9, "{}", out[0]);
        assert_eq!(residual.fastest(0, 0.0), 2);
        assert_eq!(residual.fastest(0, 0.016), 1);
        assert_eq!(residual.fastest(0, 1.0), 0);
    }

    #[test]
    fn terms_are_told_by_sizes() {
        assert_eq!(Terms::of(&[7, 8, 3, 3], 3), Some((Terms::Both, 8)));
        assert_eq!(Terms::of(&[7, 8, 4, 2], 4), Some((Terms::Waves, 8)));
        assert_eq!(Terms::of(&[7, 8, 3], 3), Some((Terms::Powers, 8)));
        assert_eq!(Terms::of(&[7, 8, 3, 3], 4), None);
        assert_eq!(Terms::of(&[7, 24], 3), None);
    }
}
