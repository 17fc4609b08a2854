//! From true motion to temporal Gaussians: each splat's path is cut into dyadic windows, and in each the place is fitted
//! by a cubic and the quaternion by a line (least squares), in the very form the model plays back.
//!
//! A window of one second is tried first; where the error at any sample exceeds the tolerance it is halved, down to a
//! sixteenth. Windows join end to end without a gap, so opacity never dips. Sampling is 120 Hz, 240 Hz in the shortest.

use crate::number::single;
use crate::shade::Seed;
use crate::solver::{Moment, RATE};
use glam::{Quat, Vec3, Vec4};
use vivant::splat::{Life, Motion, Splat};
use vivant::time::TickRate;

/// Largest error of a place, metres, before a window is halved.
pub(crate) const PLACE_TOLERANCE: f32 = 1.0e-3;
/// Largest error of a rotation, radians (2 degrees).
pub(crate) const TURN_TOLERANCE: f32 = 0.0349;
/// Halvings of a second below which no window goes.
const DEEPEST: u32 = 4;
/// Moments a second: the deepest windows need twice the usual rate.
pub(crate) const MOMENT_RATE: usize = 2 * RATE;

/// Errors of a fit against the samples.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Misfit {
    pub(crate) place_max: f32,
    pub(crate) turn_max: f32,
    /// Sum of squares over `samples` samples.
    pub(crate) place_squares: f64,
    pub(crate) turn_squares: f64,
    pub(crate) samples: u64,
}

impl Misfit {
    /// Whether no sample is further off than the tolerances; a NaN is not good.
    pub(crate) fn is_good(&self) -> bool {
        self.place_max <= PLACE_TOLERANCE && self.turn_max <= TURN_TOLERANCE
    }

    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            place_max: self.place_max.max(other.place_max),
            turn_max: self.turn_max.max(other.turn_max),
            place_squares: self.place_squares + other.place_squares,
            turn_squares: self.turn_squares + other.turn_squares,
            samples: self.samples + other.samples,
        }
    }
}

/// Least squares for one window size: monomial coefficients of `x` in −1..1 from equally spaced samples.
#[derive(Debug, Clone)]
struct Basis {
    x: Vec<f32>,
    cubic: [Vec<f32>; 4],
    linear: [Vec<f32>; 2],
}

impl Basis {
    fn new(intervals: usize) -> Self {
        let x: Vec<f64> = (0..=intervals).map(|k| 2.0 * k as f64 / intervals as f64 - 1.0).collect();
        // Heavier towards the ends, as Chebyshev's weight is: the error then swings evenly over the window and its
        // largest value is nearly the least possible.
        let weight: Vec<f64> = x.iter().map(|&x| (1.0 - x * x + 1.5 / intervals as f64).powf(-0.5)).collect();
        let rows = |degree: usize| {
            // Orthogonal polynomials by Gram and Schmidt, then back to monomials.
            let mut polynomials: Vec<Vec<f64>> = Vec::new();
            let value = |c: &[f64], x: f64| c.iter().rev().fold(0.0, |s, &c| s * x + c);
            for d in 0..=degree {
                let mut c = vec![0.0; degree + 1];
                c[d] = 1.0;
                for p in &polynomials {
                    let dot: f64 = x.iter().zip(&weight).map(|(&x, w)| w * value(&c, x) * value(p, x)).sum();
                    c.iter_mut().zip(p).for_each(|(c, p)| *c -= dot * p);
                }
                let norm = x.iter().zip(&weight).map(|(&x, w)| w * value(&c, x).powi(2)).sum::<f64>().sqrt();
                c.iter_mut().for_each(|c| *c /= norm);
                polynomials.push(c);
            }
            (0..=degree)
                .map(|d| {
                    let row = |(&x, w): (&f64, &f64)| {
                        w * polynomials.iter().map(|p| p[d] * value(p, x)).sum::<f64>()
                    };
                    x.iter().zip(&weight).map(|at| single(row(at))).collect::<Vec<f32>>()
                })
                .collect::<Vec<_>>()
        };
        let take = |rows: &[Vec<f32>], k: usize| rows[k].clone();
        let (three, one) = (rows(3), rows(1));
        Self {
            x: x.iter().map(|&x| single(x)).collect(),
            cubic: std::array::from_fn(|k| take(&three, k)),
            linear: std::array::from_fn(|k| take(&one, k)),
        }
    }
}

/// The fitter: moments over the performance at [`MOMENT_RATE`], and the bases.
#[derive(Debug)]
pub(crate) struct Fitter<'a> {
    moments: &'a [Moment],
    bases: Vec<Basis>,
    blink: Basis,
    rate: TickRate,
}

/// A fitted window.
struct Piece {
    place: [Vec3; 4],
    turn: [Vec4; 2],
    misfit: Misfit,
}

/// Half the window of an envelope in moments, and in standard deviations.
pub(crate) const BLINK_HALF: usize = 36;
const BLINK_SIGMAS: f32 = 3.2;

impl<'a> Fitter<'a> {
    pub(crate) fn new(moments: &'a [Moment], rate: TickRate) -> Self {
        let bases = (0..=DEEPEST)
            .map(|level| Basis::new(if level == DEEPEST { RATE / 8 } else { RATE >> level }))
            .collect();
        Self { moments, bases, blink: Basis::new(BLINK_HALF), rate }
    }

    /// The records of a seed that is always there.
    pub(crate) fn fit(&self, seed: &Seed, colour: [f32; 3]) -> (Vec<Splat>, Misfit) {
        let sampled = self.sample(seed, 0, self.moments.len() - 1, 2);
        let mut records = Vec::new();
        let mut misfit = Misfit::default();
        let samples = sampled.0.len() - 1;
        let mut start = 0;
        while start < samples {
            let end = (start + RATE).min(samples);
            self.descend(seed, colour, &sampled, [start, end], 0, &mut records, &mut misfit);
            start = end;
        }
        (records, misfit)
    }

    /// The record of a seed that shows for a moment around moment `middle`, under an envelope.
    pub(crate) fn fit_blink(&self, seed: &Seed, colour: [f32; 3], middle: usize) -> (Vec<Splat>, Misfit) {
        let (from, to) = (middle - BLINK_HALF, middle + BLINK_HALF);
        let (places, turns) = self.sample(seed, from, to, 2);
        let piece = piece(&self.blink, &places, &turns);
        let mut splat = self.record(seed, colour, &piece, [from, to]);
        splat.life.sigma_t = BLINK_HALF as f32 / MOMENT_RATE as f32 / BLINK_SIGMAS;
        (vec![splat], piece.misfit)
    }

    fn sample(&self, seed: &Seed, from: usize, to: usize, stride: usize) -> (Vec<Vec3>, Vec<Vec4>) {
        let mut places = Vec::with_capacity((to - from) / stride + 1);
        let mut turns: Vec<Vec4> = Vec::with_capacity(places.capacity());
        for moment in self.moments[from..=to].iter().step_by(stride) {
            let (place, turn) = seed.carrier.at(moment);
            let turn = Vec4::from(turn);
            // Of the two quaternions of a rotation, the one near its neighbour.
            let turn = if turns.last().is_some_and(|last| last.dot(turn) < 0.0) { -turn } else { turn };
            places.push(place);
            turns.push(turn);
        }
        (places, turns)
    }

    /// Fits `[start, end]` in samples, or its halves.
    #[expect(clippy::too_many_arguments, reason = "a recursion whose accumulators are clearer apart")]
    fn descend(
        &self,
        seed: &Seed,
        colour: [f32; 3],
        sampled: &(Vec<Vec3>, Vec<Vec4>),
        [start, end]: [usize; 2],
        level: u32,
        records: &mut Vec<Splat>,
        misfit: &mut Misfit,
    ) {
        let length = RATE >> level;
        if end - start == length {
            let piece = piece(
                &self.bases[usize::try_from(level).unwrap_or(0)],
                &sampled.0[start..=end],
                &sampled.1[start..=end],
            );
            if piece.misfit.is_good() {
                records.push(self.record(seed, colour, &piece, [2 * start, 2 * end]));
                *misfit = misfit.and(piece.misfit);
                return;
            }
        }
        if level + 1 < DEEPEST {
            let middle = (start + length / 2).min(end);
            self.descend(seed, colour, sampled, [start, middle], level + 1, records, misfit);
            if middle < end {
                self.descend(seed, colour, sampled, [middle, end], level + 1, records, misfit);
            }
            return;
        }
        for half in 0..2 {
            let from = 2 * start + half * (end - start);
            let (places, turns) = self.sample(seed, from, from + (end - start), 1);
            let piece = piece(&self.bases[4], &places, &turns);
            records.push(self.record(seed, colour, &piece, [from, from + (end - start)]));
            *misfit = misfit.and(piece.misfit);
        }
    }

    /// A record from a fit over `[from, to]` in moments.
    fn record(&self, seed: &Seed, colour: [f32; 3], piece: &Piece, [from, to]: [usize; 2]) -> Splat {
        let ticks = |moment: usize| self.rate.ticks_from_seconds(moment as f64 / MOMENT_RATE as f64);
        let (start, end) = (ticks(from), ticks(to));
        let half = single((to - from) as f64 / (2.0 * MOMENT_RATE as f64));
        let [mean, v, a, c] = piece.place;
        let norm = piece.turn[0].length().max(1e-6);
        let rotation = Quat::from_vec4(piece.turn[0] / norm);
        let moves = piece.place[1..].iter().any(|c| c.length_squared() > 1e-16)
            || piece.turn[1].length_squared() > 1e-12;
        let motion = Motion {
            velocity: (v / half).to_array(),
            quadratic: (a / (half * half)).to_array(),
            cubic: (c / (half * half * half)).to_array(),
            spin: (piece.turn[1] / (norm * half)).to_array(),
        };
        Splat {
            mean: mean.to_array(),
            rotation: rotation.to_array(),
            scale: seed.scale.to_array(),
            opacity: seed.opacity,
            colour,
            life: Life {
                t0: (from + to) as f64 / (2.0 * MOMENT_RATE as f64),
                sigma_t: f32::INFINITY,
                start,
                end,
            },
            motion: if moves { motion } else { Motion::default() },
        }
    }
}

fn piece(basis: &Basis, places: &[Vec3], turns: &[Vec4]) -> Piece {
    // Relative to the middle, so that single precision is enough.
    let origin = places[places.len() / 2];
    let mut place = [Vec3::ZERO; 4];
    for (c, row) in place.iter_mut().zip(&basis.cubic) {
        *c = places.iter().zip(row).fold(Vec3::ZERO, |sum, (&p, &w)| sum + (p - origin) * w);
    }
    let mut turn = [Vec4::ZERO; 2];
    for (c, row) in turn.iter_mut().zip(&basis.linear) {
        *c = turns.iter().zip(row).fold(Vec4::ZERO, |sum, (&q, &w)| sum + q * w);
    }
    let mut misfit = Misfit { samples: places.len() as u64, ..Misfit::default() };
    for ((&p, &q), &x) in places.iter().zip(turns).zip(&basis.x) {
        let fitted = origin + place[0] + x * (place[1] + x * (place[2] + x * place[3]));
        let squared = (fitted - p).length_squared();
        let fitted = (turn[0] + turn[1] * x).normalize_or(Vec4::W);
        // The angle between two rotations is four times the arcsine of half the chord between their quaternions.
        let angle = 2.0 * (fitted - q).length();
        misfit.place_max = misfit.place_max.max(squared);
        misfit.turn_max = misfit.turn_max.max(angle);
        misfit.place_squares += f64::from(squared);
        misfit.turn_squares += f64::from(angle * angle);
    }
    misfit.place_max = misfit.place_max.sqrt();
    place[0] += origin;
    Piece { place, turn, misfit }
}
