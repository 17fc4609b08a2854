//! The floor under a dancer: how far to lift or lower each frame so that the feet meet y = 0. Pure.
//!
//! A motion fitted to other proportions floats or sinks by centimetres, and captured floors drift. The least height of
//! the body over half a second either way is taken for the floor, since no leap lasts a second, and smoothed over the
//! same time; a mean of least values is never above any of them, so no foot goes under. Where the least differs from
//! the floor of the whole motion by more than a step it is meant, as on stairs, and only the whole motion's floor
//! counts.

/// Seconds before and after a frame in which a foot touches the floor.
const REACH_SECONDS: f64 = 0.5;

/// The largest drift that is mended, metres.
const DRIFT_MAX: f64 = 0.10;

/// What to add to the heights of each frame, given the lowest height of the body in each.
pub(crate) fn lifts(lowest: &[f64], fps: f64) -> Vec<f64> {
    let whole = lowest.iter().copied().fold(f64::INFINITY, f64::min);
    if !whole.is_finite() {
        return vec![0.0; lowest.len()];
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "frames in half a second; saturates"
    )]
    let reach = (fps * REACH_SECONDS).ceil().max(0.0) as usize;
    let around = |values: &[f64], at: usize| {
        let start = at.saturating_sub(reach);
        start..at.saturating_add(reach + 1).min(values.len())
    };
    let least: Vec<f64> = (0..lowest.len())
        .map(|at| lowest[around(lowest, at)].iter().copied().fold(f64::INFINITY, f64::min))
        .map(|least| least.min(whole + DRIFT_MAX))
        .collect();
    (0..least.len())
        .map(|at| {
            let range = around(&least, at);
            let count = range.len().max(1) as f64;
            -least[range].iter().sum::<f64>() / count
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drifting_floor_is_mended_and_a_leap_is_kept() {
        let fps = 60.0;
        let height = |frame: usize| {
            let drift = 0.05 * (frame as f64 / 600.0);
            let leap = if (300..330).contains(&frame) { 0.3 } else { 0.0 };
            drift + leap - 0.4
        };
        let lowest: Vec<f64> = (0..600).map(height).collect();
        let lifted: Vec<f64> = lowest.iter().zip(lifts(&lowest, fps)).map(|(low, lift)| low + lift).collect();
        assert!(lifted.iter().all(|&low| low > -1e-9), "no foot under the floor");
        let standing = lifted.iter().enumerate().filter(|(frame, _)| !(270..360).contains(frame));
        assert!(standing.clone().all(|(_, &low)| low < 0.01), "feet on the floor");
        assert!((0.28..0.32).contains(&lifted[315]), "the leap keeps its height: {}", lifted[315]);
    }

    #[test]
    fn stairs_are_not_flattened() {
        let lowest: Vec<f64> = (0..600).map(|frame| f64::from(frame / 100) * 0.2).collect();
        let lifts = lifts(&lowest, 60.0);
        assert!((lowest[550] + lifts[550] - 0.9).abs() < 1e-9);
        assert!(super::lifts(&[], 60.0).is_empty());
    }
}
