//! The path of a dynamic splat of `Ex4DGS` between its keyframes, by the trainer's own formulas. Pure, f64.
//!
//! With x from 0 at keyframe k to 1 at k+1 and the Hermite basis h:
//!
//! ```text
//! cube    h00·y_k + h10·(y_{k+1}−y_{k−1})/2 + h01·y_{k+1} + h11·(y_{k+2}−y_k)/2
//! pchip   the same, each slope 2ab/(a+b) of the differences a, b on its sides where they agree in sign, else 0
//! linear  y_k + (y_{k+1}−y_k)·x
//! rotation: sin((1−x)ω), sin(xω) of the unit quaternions as they are, no sign turned; divided by their sum; at length one
//! ```

use serde::Deserialize;

use crate::gaussian4::unit;

/// How positions lie between keyframes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Between {
    Cube,
    Pchip,
    Linear,
}

/// Factors of 1, x, x², x³ of the path between `y[1]` and `y[2]`.
pub(super) fn cubic(between: Between, y: [f64; 4]) -> [f64; 4] {
    let [before, start, end, after] = y;
    let slopes = match between {
        Between::Linear => return [start, end - start, 0.0, 0.0],
        Between::Cube => [(end - before) * 0.5, (after - start) * 0.5],
        Between::Pchip => {
            let harmonic = |a: f64, b: f64| if a * b > 0.0 { 2.0 * a * b / (a + b) } else { 0.0 };
            [harmonic(end - start, start - before), harmonic(after - end, end - start)]
        }
    };
    let [m0, m1] = slopes;
    [start, m0, 3.0 * (end - start) - 2.0 * m0 - m1, 2.0 * (start - end) + m0 + m1]
}

/// The unit quaternion at `x` between two of any length.
pub(super) fn turn(before: [f64; 4], after: [f64; 4], x: f64) -> [f64; 4] {
    const NEAR: f64 = 1e-4;
    let (a, b) = (unit(before), unit(after));
    let along = a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>().clamp(-1.0 + NEAR, 1.0 - NEAR);
    let angle = along.acos().max(NEAR);
    let sine = angle.sin().max(NEAR);
    let (p, q) = (((1.0 - x) * angle).sin() / sine, (x * angle).sin() / sine);
    let sum = (p + q).max(NEAR);
    let mixed = [0, 1, 2, 3].map(|part: usize| (a[part] * p + b[part] * q) / sum);
    let size: f64 = mixed.iter().map(|part| part.abs()).sum();
    unit(if size > NEAR { mixed } else { a })
}

/// When a dynamic splat shows: fully between two centres, and beyond under envelopes that are measured, before as after, from
/// the later centre. (So it appears at once at the earlier one: a quirk of the trainer's code, which its splats were trained
/// with.) Times and lengths in keyframes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Opacity {
    centres: [f64; 2],
    /// Lengths of the envelope exp(−(t/length)²) before and after.
    lengths: [f64; 2],
}

impl Opacity {
    /// From the stored numbers; `pad` is the trainer's `var_pad` in keyframes.
    pub(super) fn new(centres: [f64; 2], logs: [f64; 2], pad: f64) -> Self {
        Self { centres, lengths: logs.map(|log| log.exp() + pad / 2.36) }
    }

    /// The stretches of time with what envelope each has: centre and standard deviation.
    pub(super) fn stretches(&self) -> [([f64; 2], [f64; 2]); 3] {
        let (early, late) = (self.centres[0].min(self.centres[1]), self.centres[0].max(self.centres[1]));
        // exp(−(t/l)²) = exp(−½ (t/σ)²) for σ = l/√2.
        let sigma = self.lengths.map(|length| length * std::f64::consts::FRAC_1_SQRT_2);
        [
            ([f64::NEG_INFINITY, early], [late, sigma[0]]),
            ([early, late], [0.0, f64::INFINITY]),
            ([late, f64::INFINITY], [late, sigma[1]]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_go_through_their_keyframes() {
        let y = [0.3, 1.0, -0.5, 0.25];
        for between in [Between::Cube, Between::Pchip, Between::Linear] {
            let [a, b, c, d] = cubic(between, y);
            assert!((a - 1.0).abs() < 1e-15 && (a + b + c + d + 0.5).abs() < 1e-15, "{between:?}");
        }
        // Catmull-Rom's slope at the start; none where the path turns back.
        assert!((cubic(Between::Cube, y)[1] + 0.4).abs() < 1e-15);
        assert!(cubic(Between::Pchip, y)[1].abs() < 1e-15);
        let rising = cubic(Between::Pchip, [0.0, 1.0, 3.0, 4.0]);
        assert!((rising[1] - 4.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn turns_take_the_long_way_if_the_signs_say_so() {
        let (a, b) = ([0.0, 0.0, 0.6, 0.8], [0.0, 0.0, 0.0, 2.0]);
        let near = turn(a, b, 0.5);
        let far = turn(a, b.map(|part| -part), 0.5);
        assert!((near[2] - (0.5 * 0.6_f64.asin()).sin()).abs() < 1e-12);
        assert!((near[2] * far[2] + near[3] * far[3]).abs() < 1e-12, "a right angle apart");
    }
}
