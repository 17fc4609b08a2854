//! Mip-Splatting's 3D filter (Yu et al. 2024): what a splat is widened by so that no training camera could have seen
//! finer. Pure.
//!
//! Its PLY keeps the filter's width `f` apart, as `filter_3D`. Drawn is the Gaussian with `s ← √(s² + f²)`, and with as
//! much opacity as it had: `o ← o · √(∏ s² / ∏ (s² + f²))`. Folded in here row by row, before anything else, into the
//! form in which the file stores scale and opacity; the same as what the trainer's fused export would have saved.

use crate::options::{Options, Stored};
use crate::temporal::narrow;

/// In which form the values are that the filter is folded into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Filter {
    /// Opacities are logits.
    logits: bool,
    /// Scales are logarithms.
    logarithms: bool,
}

impl Filter {
    /// As the trainer saves unless the user says otherwise: what the filter stands beside is never activated.
    pub(super) fn new(options: &Options) -> Self {
        Self { logits: options.opacity != Stored::Activated, logarithms: options.scale != Stored::Activated }
    }

    /// The options with what the filter decides.
    pub(super) fn decide(self, options: &Options) -> Options {
        let stored = |raw: bool| if raw { Stored::Raw } else { Stored::Activated };
        Options { opacity: stored(self.logits), scale: stored(self.logarithms), ..options.clone() }
    }

    /// Folds a filter of `width` into the scales that are there and the opacity.
    pub(super) fn fold(self, width: f32, scales: &mut [f32], opacity: &mut f32) {
        let square = f64::from(width).powi(2);
        let mut share = 1.0;
        for scale in scales {
            let own = if self.logarithms { f64::from(*scale).exp() } else { f64::from(*scale) }.powi(2);
            let widened = own + square;
            // A splat of no width at all becomes the filter, and is not seen.
            share *= if widened > 0.0 { own / widened } else { 1.0 };
            *scale = narrow(if self.logarithms { 0.5 * widened.ln() } else { widened.sqrt() });
        }
        let share = share.sqrt();
        let value = f64::from(*opacity);
        *opacity = narrow(if self.logits {
            // logit(share · sigmoid(x)) = ln(share) − ln(1 + e⁻ˣ − share)
            share.ln() - (1.0 - share + (-value).exp()).ln()
        } else {
            share * value
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "files hold f32")]
    fn both_forms_agree_with_the_formula() {
        let (s, f, o) = ([0.01_f64, 0.02, 0.003], 0.005_f64, 0.7_f64);
        let widened = s.map(|s| (s * s + f * f).sqrt());
        let wanted = o * (s.iter().product::<f64>() / widened.iter().product::<f64>());
        let mut scales = s.map(|s| s.ln() as f32);
        let mut opacity = (o / (1.0 - o)).ln() as f32;
        Filter { logits: true, logarithms: true }.fold(f as f32, &mut scales, &mut opacity);
        let drawn = 1.0 / (1.0 + (-f64::from(opacity)).exp());
        assert!((drawn - wanted).abs() < 1e-6, "{drawn} {wanted}");
        for (scale, wanted) in scales.iter().zip(widened) {
            assert!((f64::from(*scale).exp() / wanted - 1.0).abs() < 2e-6);
        }
        let (mut scales, mut opacity) = (s.map(|s| s as f32), o as f32);
        Filter { logits: false, logarithms: false }.fold(f as f32, &mut scales, &mut opacity);
        assert!((f64::from(opacity) - wanted).abs() < 1e-6);
        assert!((f64::from(scales[2]) - widened[2]).abs() < 1e-8);
    }

    #[test]
    fn no_filter_changes_nothing_and_infinities_keep_their_meaning() {
        let filter = Filter { logits: true, logarithms: true };
        let (mut scales, mut opacity) = ([-4.0, -5.0, -6.0], 1.5);
        filter.fold(0.0, &mut scales, &mut opacity);
        assert!((opacity - 1.5).abs() < 1e-6 && (scales[1] + 5.0).abs() < 1e-6);
        let (mut scales, mut opaque, mut gone) = ([-4.0; 3], f32::INFINITY, f32::NEG_INFINITY);
        filter.fold(0.0, &mut scales, &mut opaque);
        filter.fold(0.01, &mut scales, &mut gone);
        assert!(opaque > 1e30 && gone < -1e30, "{opaque} {gone}");
    }
}
