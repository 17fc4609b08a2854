//! The network that gives colours by place and direction, and the harmonics that come closest to it. No I/O.
//!
//! `FullyFusedMLP` of tiny-cuda-nn without biases: 32 features of the place, 9 harmonics of the direction, and ones up to 48
//! inputs; two layers of 64 with `ReLU`; 3 of 16 outputs. The matrices stand one after another, rows first. The trainer hands
//! the direction over as it is where the encoding takes 0..1 for −1..1, so the harmonics are those of 2·d − 1.
//!
//! What comes out is the constant harmonic of the colour, for that direction alone. It is asked for in 64 directions spread
//! over the sphere; harmonics of degree 3 are fitted by least squares, one matrix for all splats. What the place adds to the
//! first layer is counted once a splat, what the direction adds once a direction.

use vivant::splat::SH_C0;

use super::grid::WIDTH;
use crate::temporal::narrow;

/// Neurons of a layer.
const NEURONS: usize = 64;
/// Inputs, with what pads them.
const INPUTS: usize = 48;
/// Harmonics of a direction, degree 2.
const DIRECTION: usize = 9;
/// Outputs, with what pads them.
const OUTPUTS: usize = 16;
/// Directions.
const DIRECTIONS: usize = 64;
/// Coefficients of degree 3.
const COEFFICIENTS: usize = 16;

/// Weights of the network.
pub(super) const WEIGHTS: usize = NEURONS * INPUTS + NEURONS * NEURONS + OUTPUTS * NEURONS;

/// The network, and what of it is the same for all splats.
#[derive(Debug)]
pub(super) struct Colours {
    /// From features to the first layer, a row a neuron.
    place: Vec<[f32; WIDTH]>,
    /// What each direction adds to the first layer.
    directions: Vec<[f32; NEURONS]>,
    /// From the first layer to the second.
    middle: Vec<[f32; NEURONS]>,
    /// From the second to the colour.
    last: [[f32; NEURONS]; 3],
    /// The harmonics at each direction, and the least-squares matrix.
    basis: Vec<[f64; COEFFICIENTS]>,
    fit: Vec<[f64; COEFFICIENTS]>,
}

/// A splat's colour and its harmonics above, and how far they are from the network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fitted {
    /// Base colour, 0.5 included.
    pub(super) colour: [f32; 3],
    /// Coefficients 1 to 15, RGB.
    pub(super) sh_rest: [f32; 45],
    /// Sum of the squares of what is left, over directions and channels.
    pub(super) residual: f64,
}

/// Differences that one splat's residual counts.
pub(super) const SAMPLES: usize = DIRECTIONS * 3;

impl Colours {
    /// Of exactly [`WEIGHTS`] weights.
    pub(super) fn new(weights: &[f32]) -> Option<Self> {
        if weights.len() != WEIGHTS {
            return None;
        }
        let (first, rest) = weights.split_at(NEURONS * INPUTS);
        let (middle, last) = rest.split_at(NEURONS * NEURONS);
        let first = first.as_chunks::<INPUTS>().0;
        let at = directions();
        let basis: Vec<[f64; COEFFICIENTS]> = at.iter().map(|&d| harmonics(d)).collect();
        let added = |direction: &[f64; 3]| {
            let encoded = harmonics(direction.map(|part| 2.0 * part - 1.0));
            std::array::from_fn(|neuron| {
                let weights = &first[neuron][WIDTH..];
                let inputs = encoded[..DIRECTION].iter().copied().chain(std::iter::repeat(1.0));
                narrow(weights.iter().zip(inputs).map(|(weight, input)| f64::from(*weight) * input).sum())
            })
        };
        Some(Self {
            place: first.iter().map(|row| std::array::from_fn(|input| row[input])).collect(),
            directions: at.iter().map(added).collect(),
            middle: middle.as_chunks().0.to_vec(),
            last: std::array::from_fn(|channel| {
                std::array::from_fn(|neuron| last[channel * NEURONS + neuron])
            }),
            fit: least_squares(&basis),
            basis,
        })
    }

    /// The colour of a splat whose place has these features.
    pub(super) fn fit(&self, features: &[f32; WIDTH]) -> Fitted {
        let mut place = [0.0; NEURONS];
        for (sum, row) in place.iter_mut().zip(&self.place) {
            *sum = dot(row, features);
        }
        let mut seen = [[0.0_f64; 3]; DIRECTIONS];
        for (seen, direction) in seen.iter_mut().zip(&self.directions) {
            let hidden: [f32; NEURONS] =
                std::array::from_fn(|neuron| (place[neuron] + direction[neuron]).max(0.0));
            let mut second = [0.0; NEURONS];
            for (sum, row) in second.iter_mut().zip(&self.middle) {
                *sum = dot(row, &hidden).max(0.0);
            }
            *seen = self.last.each_ref().map(|row| f64::from(dot(row, &second)) * f64::from(SH_C0));
        }
        let mut coefficients = [[0.0_f64; 3]; COEFFICIENTS];
        for (seen, weights) in seen.iter().zip(&self.fit) {
            for (sum, weight) in coefficients.iter_mut().zip(weights) {
                (0..3).for_each(|channel| sum[channel] += weight * seen[channel]);
            }
        }
        let mut residual = 0.0;
        for (seen, basis) in seen.iter().zip(&self.basis) {
            for channel in 0..3 {
                let fitted: f64 = coefficients.iter().zip(basis).map(|(c, y)| c[channel] * y).sum();
                residual += (fitted - seen[channel]).powi(2);
            }
        }
        let mut sh_rest = [0.0; 45];
        for (to, from) in sh_rest.iter_mut().zip(coefficients[1..].as_flattened()) {
            *to = narrow(*from);
        }
        let colour = coefficients[0].map(|c| narrow(0.5 + c * f64::from(SH_C0)));
        Fitted { colour, sh_rest, residual }
    }
}

fn dot<const N: usize>(a: &[f32; N], b: &[f32; N]) -> f32 {
    // Eight sums side by side: the compiler may not reorder one.
    let mut sums = [0.0_f32; 8];
    for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

/// Directions spread evenly: a Fibonacci spiral.
fn directions() -> [[f64; 3]; DIRECTIONS] {
    let golden = std::f64::consts::PI * (3.0 - 5.0_f64.sqrt());
    std::array::from_fn(|number| {
        let z = 1.0 - (2.0 * number as f64 + 1.0) / DIRECTIONS as f64;
        let (sin, cos) = (golden * number as f64).sin_cos();
        let radius = (1.0 - z * z).max(0.0).sqrt();
        [radius * cos, radius * sin, z]
    })
}

/// The real harmonics up to degree 3, in the order and with the signs that all trainers share. As polynomials: the
/// encoding asks for them off the sphere too, in the form that tiny-cuda-nn has them.
fn harmonics([x, y, z]: [f64; 3]) -> [f64; COEFFICIENTS] {
    let (xx, yy, zz) = (x * x, y * y, z * z);
    [
        0.282_094_791_773_878_14,
        -0.488_602_511_902_919_87 * y,
        0.488_602_511_902_919_87 * z,
        -0.488_602_511_902_919_87 * x,
        1.092_548_430_592_079_2 * x * y,
        -1.092_548_430_592_079_2 * y * z,
        0.946_174_695_757_56 * zz - 0.315_391_565_252_52,
        -1.092_548_430_592_079_2 * x * z,
        0.546_274_215_296_039_6 * (xx - yy),
        0.590_043_589_926_643_5 * y * (yy - 3.0 * xx),
        2.890_611_442_640_554 * x * y * z,
        0.457_045_799_464_465_7 * y * (1.0 - 5.0 * zz),
        0.373_176_332_590_115_4 * z * (5.0 * zz - 3.0),
        0.457_045_799_464_465_7 * x * (1.0 - 5.0 * zz),
        1.445_305_721_320_277 * z * (xx - yy),
        0.590_043_589_926_643_5 * x * (3.0 * yy - xx),
    ]
}

/// What each sample adds to each coefficient: `(BᵀB)⁻¹·Bᵀ`, by Gauss and Jordan.
fn least_squares(basis: &[[f64; COEFFICIENTS]]) -> Vec<[f64; COEFFICIENTS]> {
    // Both matrices side by side: elimination that makes the left one the identity makes the right one its inverse.
    let mut rows: Vec<[f64; 2 * COEFFICIENTS]> = (0..COEFFICIENTS)
        .map(|row| {
            std::array::from_fn(|column| match column.checked_sub(COEFFICIENTS) {
                None => basis.iter().map(|sample| sample[row] * sample[column]).sum(),
                Some(column) => f64::from(u8::from(row == column)),
            })
        })
        .collect();
    // Even samples make it nearly diagonal, so no pivot is small.
    for pivot in 0..COEFFICIENTS {
        let scale = rows[pivot][pivot].recip();
        let own = rows[pivot].map(|value| value * scale);
        for row in &mut rows {
            let factor = row[pivot];
            row.iter_mut().zip(&own).for_each(|(value, own)| *value -= factor * own);
        }
        rows[pivot] = own;
    }
    let each = |sample: &[f64; COEFFICIENTS]| {
        std::array::from_fn(|row| rows[row][COEFFICIENTS..].iter().zip(sample).map(|(a, b)| a * b).sum())
    };
    basis.iter().map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmonics_are_fitted_exactly() {
        let basis: Vec<[f64; COEFFICIENTS]> = directions().iter().map(|&d| harmonics(d)).collect();
        let fit = least_squares(&basis);
        for wanted in 0..COEFFICIENTS {
            for got in 0..COEFFICIENTS {
                let value: f64 = basis.iter().zip(&fit).map(|(b, f)| b[wanted] * f[got]).sum();
                assert!((value - f64::from(u8::from(wanted == got))).abs() < 1e-10, "{wanted} {got} {value}");
            }
        }
    }
}
