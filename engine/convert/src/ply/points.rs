//! Sizes for bare points: round splats just large enough that a scanned surface has no holes. No I/O.
//!
//! On a surface with ρ points a square metre, the k-th neighbour is at `r = √(k/(π·ρ))`, so the spacing of a square
//! grid as dense is `h = 1/√ρ = r·√(π/k)`. The k-th neighbour, unlike the first, is hardly moved by noise, by pairs of
//! points, or by the rows of a depth camera being closer than its columns. The standard deviation is a fixed share of
//! `h` ([`SPREAD`]), chosen by pictures: on a grid at most 2 % of what is behind shines through, on points strewn at
//! random one pixel in a hundred shows a tenth of it; smaller opens holes, larger blurs faces.
//! Stray points have no surface around them and would become balloons, so spacings are capped by what nearly all
//! points have; points that coincide are raised to a share of the median.

use rayon::prelude::*;
use vivant::splat::{Splat, Splats};

use crate::neighbours::{K, kth_distances};
use crate::report::Report;

/// Standard deviation against the local spacing.
const SPREAD: f32 = 0.8;

/// The share of points whose spacing is believed as it is.
const TRUSTED: f64 = 0.95;

/// How far beyond the greatest trusted spacing a size may go.
const ABOVE_TRUSTED: f32 = 1.25;

/// Least size against the median's.
const BELOW_MEDIAN: f32 = 0.25;

/// Gives every splat a round size from its neighbours. Means must be finite.
pub(super) fn size(splats: &mut Splats, report: &mut Report) {
    report.note(format!("bare points: each became a round splat sized by its {K} nearest neighbours"));
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    let spacing_of_distance = (std::f32::consts::PI / K as f32).sqrt();
    let mut sizes = kth_distances(&splats.mean);
    sizes.iter_mut().for_each(|size| *size *= spacing_of_distance * SPREAD);
    let mut sorted = sizes.clone();
    sorted.par_sort_unstable_by(f32::total_cmp);
    let (least, most) = match (quantile(&sorted, 0.5), quantile(&sorted, TRUSTED)) {
        // More than half coincide, or there is one point: any size is a guess.
        (Some(median), Some(trusted)) if trusted > 0.0 => (median * BELOW_MEDIAN, trusted * ABOVE_TRUSTED),
        _ => (Splat::DEFAULT.scale[0], Splat::DEFAULT.scale[0]),
    };
    let least = least.max(crate::cleanse::MIN_SCALE);
    for (scale, size) in splats.scale.iter_mut().zip(sizes) {
        *scale = [size.clamp(least, most.max(least)); 3];
    }
}

/// The value below which the given share of a sorted list lies.
fn quantile(sorted: &[f32], share: f64) -> Option<f32> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of an index is an index"
    )]
    let index = (sorted.len().saturating_sub(1) as f64 * share) as usize;
    sorted.get(index).copied()
}
