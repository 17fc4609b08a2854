//! Least squares: the control points of a uniform B-spline from samples at known places, as one matrix for all splats.
//!
//! The samples of every splat of a segment lie at the same places, so the normal equations `(BᵀB + λDᵀD) c = Bᵀx` are
//! solved once, in f64, for the matrix that takes samples to control points; what is left a splat is a product. `D`
//! takes second differences; a very small λ settles control points that no sample reaches. The spline runs on beyond
//! both ends of the segment over samples of its neighbours, so that neighbouring segments meet: the influence of a
//! sample falls to a quarter with every interval.

use crate::spline::basis;

/// Weight of the second differences, against samples of weight one.
const SMOOTHING: f64 = 1e-5;

/// The matrix from samples to control points.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    samples: usize,
    /// Row by control point.
    rows: Vec<Vec<f32>>,
}

impl Fit {
    /// For `keys` control points of a spline of `degree` over 0..=1, from samples at `places`, which may lie outside.
    pub(super) fn new(keys: usize, degree: u8, places: &[f64]) -> Self {
        if keys <= 1 || places.is_empty() {
            let inside = |place: &f64| (0.0..=1.0).contains(place);
            let count = places.iter().filter(|place| inside(place)).count().max(1) as f64;
            #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
            let row =
                places.iter().map(|place| if inside(place) { (1.0 / count) as f32 } else { 0.0 }).collect();
            return Self { samples: places.len(), rows: vec![row] };
        }
        let intervals = (keys - usize::from(degree)) as f64;
        let low = places.iter().fold(0.0_f64, |low, &place| low.min(place * intervals)).floor();
        let high = places.iter().fold(intervals, |high, &place| high.max(place * intervals)).ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few intervals")]
        let (before, total) = ((-low) as usize, (high - low) as usize);
        let unknowns = total + usize::from(degree);
        let mut basis_rows = vec![vec![0.0; unknowns]; places.len()];
        for (row, place) in basis_rows.iter_mut().zip(places) {
            let along = place * intervals - low;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few intervals")]
            let first = (along.floor() as usize).min(total - 1);
            let weights = basis(degree, along - first as f64);
            for (slot, weight) in row[first..].iter_mut().zip(weights).take(usize::from(degree) + 1) {
                *slot = weight;
            }
        }
        let solved = solve(normal(&basis_rows, unknowns), &basis_rows);
        #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
        let rows = solved[before..before + keys]
            .iter()
            .map(|row| row.iter().map(|&value| value as f32).collect())
            .collect();
        Self { samples: places.len(), rows }
    }

    /// Control points of one number, from its samples.
    pub(super) fn control(&self, samples: &[f32]) -> Vec<f32> {
        let dot = |row: &Vec<f32>| row.iter().zip(samples).map(|(weight, sample)| weight * sample).sum();
        self.rows.iter().map(dot).collect()
    }

    /// Control point `key` of many numbers at once; `samples` holds one array of all numbers a sample. Adds to `out`,
    /// which holds zeros.
    pub(super) fn apply(
        &self,
        key: usize,
        samples: &[Vec<f32>],
        range: std::ops::Range<usize>,
        out: &mut [f32],
    ) {
        debug_assert_eq!(samples.len(), self.samples);
        let Some(row) = self.rows.get(key) else { return };
        for (&weight, sample) in row.iter().zip(samples) {
            // Far samples count for nothing that f32 could tell.
            if weight.abs() > 1e-7 {
                let values = sample.get(range.clone()).unwrap_or_default();
                out.iter_mut().zip(values).for_each(|(out, value)| *out += weight * value);
            }
        }
    }
}

/// `BᵀB + λDᵀD`.
fn normal(rows: &[Vec<f64>], unknowns: usize) -> Vec<Vec<f64>> {
    let mut out = vec![vec![0.0; unknowns]; unknowns];
    let mut add = |row: &[f64], scale: f64| {
        for (i, &a) in row.iter().enumerate().filter(|(_, a)| **a != 0.0) {
            for (slot, &b) in out[i].iter_mut().zip(row) {
                *slot += scale * a * b;
            }
        }
    };
    rows.iter().for_each(|row| add(row, 1.0));
    for at in 0..unknowns.saturating_sub(2) {
        let mut row = vec![0.0; unknowns];
        (row[at], row[at + 1], row[at + 2]) = (1.0, -2.0, 1.0);
        add(&row, SMOOTHING);
    }
    // Lines are free of second differences; two control points alone need a hold.
    (0..unknowns).for_each(|at| out[at][at] += 1e-9);
    out
}

/// `matrix⁻¹ · rowsᵀ`, by Cholesky: the matrix is symmetric and positive.
fn solve(mut matrix: Vec<Vec<f64>>, rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = matrix.len();
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = matrix[i][j] - (0..j).map(|k| matrix[i][k] * matrix[j][k]).sum::<f64>();
            matrix[i][j] = if i == j { sum.max(1e-30).sqrt() } else { sum / matrix[j][j] };
        }
    }
    let mut out = vec![vec![0.0; rows.len()]; n];
    for (sample, row) in rows.iter().enumerate() {
        let mut x = row.clone();
        for i in 0..n {
            x[i] = (x[i] - (0..i).map(|k| matrix[i][k] * x[k]).sum::<f64>()) / matrix[i][i];
        }
        for i in (0..n).rev() {
            x[i] = (x[i] - (i + 1..n).map(|k| matrix[k][i] * x[k]).sum::<f64>()) / matrix[i][i];
        }
        x.into_iter().zip(&mut out).for_each(|(value, out)| out[sample] = value);
    }
    out
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "samples are f32")]
mod tests {
    use super::*;
    use crate::spline::Place;

    fn value(control: &[f32], degree: u8, fraction: f64) -> f64 {
        let terms = Place::at(control.len(), degree, fraction).terms();
        terms.map(|(key, weight)| weight * f64::from(control[key])).sum()
    }

    /// Frames of a segment of 30 with 6 of each neighbour.
    fn places() -> Vec<f64> {
        (-6..36).map(|frame| f64::from(frame) / 30.0).collect()
    }

    #[test]
    fn lines_and_smooth_motion_come_back() {
        for (keys, degree) in [(4, 3), (13, 3), (16, 3), (2, 1), (5, 1)] {
            let fit = Fit::new(keys, degree, &places());
            let line: Vec<f32> = places().iter().map(|&x| (3.0 * x - 1.0) as f32).collect();
            let control = fit.control(&line);
            assert_eq!(control.len(), keys);
            for step in 0..=20 {
                let x = f64::from(step) / 20.0;
                assert!((value(&control, degree, x) - (3.0 * x - 1.0)).abs() < 1e-4, "{keys} {degree} {x}");
            }
        }
        let wave = |x: f64| (x * 9.0).sin();
        let samples: Vec<f32> = places().iter().map(|&x| wave(x) as f32).collect();
        let worst = |keys: usize| {
            let control = Fit::new(keys, 3, &places()).control(&samples);
            (0..=60)
                .map(|s| (value(&control, 3, f64::from(s) / 60.0) - wave(f64::from(s) / 60.0)).abs())
                .fold(0.0, f64::max)
        };
        assert!(worst(13) < 2e-3, "{}", worst(13));
        assert!(worst(4) > 0.05, "one interval cannot follow a wave and a half: {}", worst(4));
    }

    #[test]
    fn neighbouring_segments_meet() {
        let wave = |x: f64| (x * 7.0).sin() + 0.3 * (x * 17.0).cos();
        let ends: Vec<[f64; 2]> = (0..2)
            .map(|segment| {
                let samples: Vec<f32> =
                    places().iter().map(|&x| wave(x + f64::from(segment)) as f32).collect();
                let control = Fit::new(13, 3, &places()).control(&samples);
                [value(&control, 3, 0.0), value(&control, 3, 1.0)]
            })
            .collect();
        assert!((ends[0][1] - ends[1][0]).abs() < 1e-3, "{ends:?}");
    }

    #[test]
    fn few_samples_make_no_wild_points() {
        let fit = Fit::new(13, 3, &[0.0, 0.5]);
        let control = fit.control(&[1.0, 2.0]);
        assert!(control.iter().all(|value| value.abs() < 10.0), "{control:?}");
        assert!((value(&control, 3, 0.5) - 2.0).abs() < 1e-2);
        assert_eq!(Fit::new(1, 3, &[-0.1, 0.0, 0.5, 1.2]).control(&[9.0, 1.0, 2.0, 9.0]), [1.5]);
    }
}
