//! The colours of a full model baked: each splat's own features through the decoder, as harmonics. Pure.
//!
//! The trainer blends features and decodes pixels; here splats are decoded and colours blended. On a surface whose splats
//! are alike the two agree; where features differ under one pixel they do not, as the decoder is not linear.
//!
//! - **Direction**: 64 directions, eight heights of Gauss and Legendre times eight azimuths, integrate the colour against
//!   the harmonics of degree 3: the least mean square over all directions. The decoder also asks where the ray starts: a
//!   camera at one distance from every splat ([`distance`]).
//! - **Time**: a feature grows with the time from the splat's centre. The part of its life that can be seen is halved until
//!   the colour at the edges of each part is within [`COLOUR_BOUND`] of that in its middle, weighed by how much of the
//!   splat is seen there.

use rayon::prelude::*;

use super::decoder::Decoder;
use crate::ply::Raw;
use crate::sh_rotate::basis;
use crate::temporal::{Temporal, narrow};

/// How far a colour may be from that of the middle of its part of a life.
const COLOUR_BOUND: f64 = 0.01;
/// Most halvings of a life.
const MOST_HALVINGS: u32 = 5;
/// Opacity that a rasteriser draws at all.
const DRAWN: f64 = 1.0 / 255.0;
/// Splats that are looked at for the median distance and for the errors.
const SAMPLES: usize = 20_000;
/// Heights and weights of the quadrature, one sign.
const HEIGHTS: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_5),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_3),
];
/// Azimuths of the quadrature.
const AZIMUTHS: u8 = 8;

/// A splat for some part of its life.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    pub(super) row: usize,
    /// In the time of the file; the outermost edges are infinite.
    pub(super) window: [f64; 2],
    /// The time from the splat's centre whose colour it has.
    pub(super) dt: f64,
}

/// How far a bake is off: in colours of 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct BakeError {
    /// Root of the mean square over directions, splats and channels.
    pub(super) rms: f64,
    /// The largest.
    pub(super) most: f64,
}

/// The features of a splat beyond its row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Features {
    /// F₀₋₂.
    albedo: [f64; 3],
    /// F₃₋₅.
    specular: [f64; 3],
    /// F₆₋₈ a unit of time.
    growing: [f64; 3],
    place: [f64; 3],
}

impl Features {
    /// Those of row `index` of a file read with [`super::FULL_COLUMNS`].
    pub(super) fn of(raw: &Raw, index: usize) -> Self {
        let (extra, first) = (raw.extra_of(index), super::COLUMNS.len());
        let three = |at: usize| std::array::from_fn(|channel| f64::from(extra[at + channel]));
        Self {
            albedo: raw.splats.colour[index].map(f64::from),
            specular: three(first),
            growing: three(first + 3),
            place: raw.splats.mean[index].map(f64::from),
        }
    }

    fn still(&self, decoder: &Decoder, dt: f64) -> [f64; 6] {
        let [a, b, c] = self.specular;
        let [d, e, f] = self.growing.map(|rate| rate * dt);
        decoder.still(&[a, b, c, d, e, f], self.place)
    }
}

/// A direction of the quadrature.
#[derive(Debug, Clone, Copy)]
struct Direction {
    /// Its share of all.
    weight: f64,
    harmonics: [f64; 15],
    /// What it adds to the hidden layer.
    turning: [f64; 6],
}

/// A decoder with what is the same for all splats.
#[derive(Debug)]
pub(super) struct Bake<'a> {
    decoder: &'a Decoder,
    directions: Vec<Direction>,
}

impl<'a> Bake<'a> {
    /// A bake for cameras at `distance`.
    pub(super) fn new(decoder: &'a Decoder, distance: f64) -> Self {
        let mut directions = Vec::with_capacity(64);
        let heights = HEIGHTS.iter().flat_map(|&(z, weight)| [(z, weight), (-z, weight)]);
        for (ring, (z, weight)) in heights.enumerate() {
            // Every other ring stands between its neighbours.
            let shift = if ring % 2 == 0 { 0.0 } else { 0.5 };
            for number in 0..AZIMUTHS {
                let azimuth = (f64::from(number) + shift) * std::f64::consts::TAU / f64::from(AZIMUTHS);
                let radius = (1.0 - z * z).sqrt();
                let direction = [radius * azimuth.cos(), radius * azimuth.sin(), z];
                directions.push(Direction {
                    weight: 0.5 * weight / f64::from(AZIMUTHS),
                    harmonics: basis(direction),
                    turning: decoder.turning(direction, distance),
                });
            }
        }
        Self { decoder, directions }
    }

    /// The parts into which the lives of all rows are cut.
    pub(super) fn parts(&self, raw: &Raw, splat: impl Fn(usize) -> Temporal + Sync) -> Vec<Part> {
        let of_row = |row: usize| {
            let (features, whole) = (Features::of(raw, row), splat(row));
            let reach = if whole.opacity > DRAWN { whole.reach(DRAWN / whole.opacity) } else { 0.0 };
            let [start, end] = [(whole.t0 - reach).max(0.0), (whole.t0 + reach).min(1.0)];
            let mut parts = Vec::new();
            // What is never seen, or is no number, stays in one part: it is told apart later.
            if start < end {
                self.cut(&features, &whole, [start, end], MOST_HALVINGS, &mut |window| {
                    parts.push(Part { row, window, dt: 0.5 * (window[0] + window[1]) - whole.t0 });
                });
            } else {
                parts.push(Part { row, window: [start, end], dt: 0.0 });
            }
            if let Some(first) = parts.first_mut() {
                first.window[0] = f64::NEG_INFINITY;
            }
            if let Some(last) = parts.last_mut() {
                last.window[1] = f64::INFINITY;
            }
            parts
        };
        (0..raw.len()).into_par_iter().flat_map_iter(of_row).collect()
    }

    fn cut(
        &self,
        features: &Features,
        whole: &Temporal,
        window: [f64; 2],
        halvings: u32,
        each: &mut dyn FnMut([f64; 2]),
    ) {
        let middle = 0.5 * (window[0] + window[1]);
        let seen = |time: f64| whole.opacity * (-0.5 * ((time - whole.t0) / whole.sigma).powi(2)).exp();
        let stills = [window[0], middle, window[1]].map(|time| features.still(self.decoder, time - whole.t0));
        // A direction of each ring will do.
        let off =
            self.directions.iter().step_by(usize::from(AZIMUTHS) + 1).fold(0.0_f64, |most, direction| {
                let [a, m, b] =
                    [0, 1, 2].map(|at| self.decoder.colour(features.albedo, &stills[at], &direction.turning));
                let far = |other: [f64; 3]| {
                    (0..3).map(|channel| (other[channel] - m[channel]).abs()).fold(0.0, f64::max)
                };
                most.max(far(a) * seen(window[0])).max(far(b) * seen(window[1]))
            });
        if halvings == 0 || off <= COLOUR_BOUND {
            return each(window);
        }
        self.cut(features, whole, [window[0], middle], halvings - 1, each);
        self.cut(features, whole, [middle, window[1]], halvings - 1, each);
    }

    /// The base colour of a part and its harmonics, coefficient-major.
    pub(super) fn fit(&self, features: &Features, dt: f64, sh_rest: &mut [f32]) -> [f64; 3] {
        let still = features.still(self.decoder, dt);
        let (mut base, mut rest) = ([0.0; 3], [[0.0; 3]; 15]);
        for direction in &self.directions {
            let colour = self.decoder.colour(features.albedo, &still, &direction.turning);
            for channel in 0..3 {
                let weighed = colour[channel] * direction.weight;
                base[channel] += weighed;
                for (sum, harmonic) in rest.iter_mut().zip(&direction.harmonics) {
                    // The harmonics are orthonormal over the sphere's 4π.
                    sum[channel] += weighed * harmonic * 4.0 * std::f64::consts::PI;
                }
            }
        }
        for (to, from) in sh_rest.iter_mut().zip(rest.as_flattened()) {
            *to = narrow(*from);
        }
        base
    }

    /// How far the harmonics are from the decoder, over a sample of the parts.
    pub(super) fn error(&self, raw: &Raw, parts: &[Part]) -> BakeError {
        let every = parts.len().div_ceil(SAMPLES).max(1);
        let of_part = |part: &Part| {
            let features = Features::of(raw, part.row);
            let (mut rest, still) = ([0.0_f32; 45], features.still(self.decoder, part.dt));
            let base = self.fit(&features, part.dt, &mut rest);
            let mut error = BakeError::default();
            for direction in &self.directions {
                let colour = self.decoder.colour(features.albedo, &still, &direction.turning);
                for channel in 0..3 {
                    let shown: f64 = base[channel]
                        + (0..15)
                            .map(|k| direction.harmonics[k] * f64::from(rest[k * 3 + channel]))
                            .sum::<f64>();
                    let off = (shown.max(0.0) - colour[channel].max(0.0)).abs();
                    // A splat that is no number is dropped later; it is not counted here.
                    if off.is_finite() {
                        error.rms += off * off * direction.weight / 3.0;
                        error.most = error.most.max(off);
                    }
                }
            }
            error
        };
        let errors: Vec<BakeError> = parts.par_iter().step_by(every).map(of_part).collect();
        let mean = errors.iter().map(|error| error.rms).sum::<f64>() / errors.len().max(1) as f64;
        BakeError { rms: mean.sqrt(), most: errors.iter().map(|error| error.most).fold(0.0, f64::max) }
    }
}

/// How far a camera is taken to be from every splat: as far as half of the splats are from their middle.
pub(super) fn distance(raw: &Raw) -> f64 {
    let every = raw.len().div_ceil(SAMPLES).max(1);
    let places: Vec<[f64; 3]> =
        raw.splats.mean.iter().step_by(every).map(|mean| mean.map(f64::from)).collect();
    let median = |mut values: Vec<f64>| {
        values.sort_unstable_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    let middle: [f64; 3] =
        std::array::from_fn(|axis| median(places.iter().map(|place| place[axis]).collect()));
    let far = |place: &[f64; 3]| (0..3).map(|axis| (place[axis] - middle[axis]).powi(2)).sum::<f64>().sqrt();
    let distance = median(places.iter().map(far).collect());
    if distance.is_finite() { distance } else { 0.0 }
}
