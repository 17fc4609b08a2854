//! Real-time 4D Gaussian Splatting (Yang et al., ICLR 2024) and what keeps its shape (4DGS-1K): the tuple that its
//! `capture()` saves, exact.
//!
//! Two kinds: with `rot_4d` a splat is a Gaussian in four dimensions, turned by two quaternions; without, it stands still and
//! the stored logarithm is that of its *variance* in time. Either way
//!
//! ```text
//! marginal = exp(−½ dt² / (σt² + prefilter_var))      skipped where it is ≤ 0.05
//! colour   = max(0, ½ + Σ Y_k(dir)·(sh_k + cos(2π·dt/T)·sh_{16+k} + cos(4π·dt/T)·sh_{32+k}))
//! ```
//! with `dir` from the camera to where the splat is at the centre of its life, and T the length of the performance. The
//! two cosines are those of a colour that changes while a splat lives; ours keeps one. So a splat whose colour, as it is drawn
//! (faintly at the ends of its life), changes by more than [`BOUND`] is cut in time into pieces that do not, each with the
//! middle of what the cosines are in it; most splats live so much shorter than T that they stay whole. The report says
//! what remains.

use std::f64::consts::TAU;
use std::path::Path;

use rayon::prelude::*;
use vivant::Result;
use vivant::splat::{Appearance, SH_C0, ShOrigin};

use crate::Axes;
use crate::checkpoint::{self, Columns, Span, degree_of, least_share, row};
use crate::formats::{Fidelity, Format, Open};
use crate::gaussian4::{self, Slice};
use crate::options::Options;
use crate::report::Report;
use crate::temporal::{self, Temporal, sigmoid};
use crate::torch::{self, Value};
use crate::whole::Whole;

/// The share of its peak below which a splat is not drawn.
const CULLED: f64 = 0.05;
/// How far a pixel's colour may be off because a piece keeps one, in 0..1, in the worst direction of view; a quarter of that on
/// average over all.
const BOUND: f64 = 1.0 / 64.0;
/// Coefficients of one set of harmonics of degree 3.
const SET: usize = 16;
/// Moments at which the cosines are looked at within a piece.
const CHECKS: usize = 8;
/// Length of the sixteen harmonics in any direction: √(16/4π). By Cauchy and Schwarz a colour is at most that times the length
/// of its coefficients.
const STEEPEST: f64 = std::f64::consts::FRAC_2_SQRT_PI;

/// What is read of these checkpoints.
pub(crate) const FORMAT: Format = Format {
    name: "yang-4dgs",
    system: "Real-time 4DGS (Yang et al.) and 4DGS-1K (chkpnt*.pth)",
    fidelity: Fidelity::Exact,
    limits: "colours that change while a splat lives are cut into pieces within 1/64; an environment map is left out",
    detect: |probe| probe.checkpoint.as_ref().is_some_and(|value| captured(value).is_some()),
    open: Open::Whole(open),
};

/// The tuple of `capture()`: 19 parts, the means second, their centres in time fourteenth.
fn captured(value: &Value) -> Option<&[Value]> {
    let parts = value.at(0)?.list();
    let rows = |index: usize| parts.get(index)?.tensor()?.shape().first().copied();
    let told = parts.len() == 19 && rows(1)? == rows(13)? && parts[13].tensor()?.count() == rows(13)?;
    (told && parts[16].int().is_some()).then_some(parts)
}

/// The columns of a checkpoint.
struct Model {
    columns: Columns,
    means: Vec<f32>,
    base: Vec<f32>,
    rest: Vec<f32>,
    /// Numbers of `rest` a splat.
    stored: usize,
    scales: Vec<f32>,
    left: Vec<f32>,
    /// Empty where splats stand still.
    right: Vec<f32>,
    opacities: Vec<f32>,
    centres: Vec<f32>,
    lengths: Vec<f32>,
    degree: u8,
    /// How many sets of harmonics change with time: 0, 1 or 2.
    changing: usize,
    prefilter: f64,
}

/// A splat, or a piece of one in time, with the middle of what the two cosines are in it.
#[derive(Debug, Clone, Copy)]
struct Piece {
    row: u32,
    window: [f64; 2],
    cosines: [f64; 2],
}

fn open(path: &Path, options: &Options) -> Result<Whole> {
    let mut report = Report::default();
    let model = Model::read(path, &mut report)?;
    let span = Span::find(path, &model.centres, &mut report);
    let clock = span.clock(options, &mut report)?;
    let rows = model.columns.rows();
    let (pieces, error) = model.pieces(&span, span.frame(options, &clock));
    if pieces.len() > rows {
        report.note(format!(
            "colours change with time: {rows} splats became {} pieces, whose colours are within {error:.4} (of 0..1)",
            pieces.len()
        ));
    } else if model.changing > 0 {
        report.note(format!("colours change with time by at most {error:.4} (of 0..1), which is left out"));
    }
    let splats = temporal::build(pieces.len(), model.degree, &clock, |index, sh_rest| {
        let piece = &pieces[index];
        let mut temporal = model.temporal(piece.row as usize);
        temporal.t0 -= span.start;
        temporal.window = piece.window;
        temporal.colour = model.colour(piece, sh_rest);
        temporal
    });
    let appearance = Appearance { sh_origin: ShOrigin::Rest, ..Appearance::default() };
    let info = clock.info(model.degree, appearance);
    let axes = options.axes.unwrap_or(Axes::RDF);
    let mut whole = temporal::finish(path, 0, splats, info, axes, report)?;
    whole.report.read = rows as u64;
    Ok(whole)
}

impl Model {
    fn read(path: &Path, report: &mut Report) -> Result<Self> {
        let checkpoint = torch::open(path)?;
        let value = checkpoint.value().clone();
        let part = |index: usize| value.at(0).and_then(|parts| parts.at(index));
        let columns = Columns::new(checkpoint, part(1))?;
        let get = |field: &str, index: usize, count: usize| columns.read(field, part(index), count);
        let number = |index: usize| part(index).and_then(Value::int).unwrap_or(0);
        let stored = columns.columns_of("f_rest", part(3))?;
        let turns = number(16) != 0;
        let active = u8::try_from(number(0).clamp(0, 3)).unwrap_or(0);
        let sets = usize::try_from(number(18).clamp(0, 2)).unwrap_or(0);
        let coefficients = stored / 3;
        let degree = degree_of(coefficients).min(active);
        // The renderer looks at the sets that change only at full degree.
        let changing = if degree == 3 { sets.min((coefficients + 1) / SET - 1) } else { 0 };
        if part(17).and_then(Value::tensor).is_some_and(|map| map.count() > 0) {
            report.note("its environment map (the background) is left out");
        }
        let prefilter =
            checkpoint::setting(path, &["prefilter_var"]).and_then(|(numbers, _)| numbers.first().copied());
        Ok(Self {
            means: get("xyz", 1, 3)?,
            base: get("f_dc", 2, 3)?,
            rest: columns.read_any("f_rest", part(3))?,
            stored,
            scales: get("scaling", 4, 3)?,
            left: get("rotation", 5, 4)?,
            opacities: get("opacity", 6, 1)?,
            centres: get("t", 13, 1)?,
            lengths: get("scaling_t", 14, 1)?,
            right: if turns { get("rotation_r", 15, 4)? } else { Vec::new() },
            degree,
            changing,
            prefilter: prefilter.unwrap_or(0.0).max(0.0),
            columns,
        })
    }

    /// A splat but for its colour; its time is the file's.
    fn temporal(&self, index: usize) -> Temporal {
        let opacity = sigmoid(f64::from(self.opacities[index]));
        let scale = row(&self.scales, index).map(f64::exp);
        let length = f64::from(self.lengths[index]).exp();
        let shape = if self.right.is_empty() {
            let [w, x, y, z] = row(&self.left, index);
            // Here the stored number is a variance.
            let sigma = (length + self.prefilter).sqrt();
            Temporal { rotation: [x, y, z, w], scale, sigma, ..Temporal::DEFAULT }
        } else {
            let rotation = gaussian4::rotation_of_yang(row(&self.left, index), row(&self.right, index));
            let slice = Slice::new(&rotation, [scale[0], scale[1], scale[2], length], 0.0);
            Temporal { sigma: (slice.variance + self.prefilter).sqrt(), ..Temporal::of_slice(&slice) }
        };
        Temporal {
            mean: row(&self.means, index),
            opacity,
            t0: f64::from(self.centres[index]),
            least: least_share(CULLED, opacity),
            ..shape
        }
    }

    /// The coefficients of set `set` of a splat, RGB interleaved; the first of set 0 is the base colour's.
    fn coefficient(&self, row: usize, set: usize, index: usize) -> f64 {
        let at = (set * SET * 3 + index).checked_sub(3);
        f64::from(at.map_or_else(|| self.base[row * 3 + index], |at| self.rest[row * self.stored + at]))
    }

    /// The base colour of a piece; fills its harmonics.
    fn colour(&self, piece: &Piece, sh_rest: &mut [f32]) -> [f64; 3] {
        let of = |index: usize| {
            let changing = (0..self.changing)
                .map(|set| piece.cosines[set] * self.coefficient(piece.row as usize, set + 1, index));
            self.coefficient(piece.row as usize, 0, index) + changing.sum::<f64>()
        };
        sh_rest.iter_mut().enumerate().for_each(|(index, value)| *value = temporal::narrow(of(index + 3)));
        [0, 1, 2].map(|channel| 0.5 + f64::from(SH_C0) * of(channel))
    }

    /// All splats in pieces, and the greatest error of a colour. `frame` is the shortest piece.
    fn pieces(&self, span: &Span, frame: f64) -> (Vec<Piece>, f64) {
        let whole = |row: u32| Piece { row, window: [f64::NEG_INFINITY, f64::INFINITY], cosines: [1.0; 2] };
        let count = u32::try_from(self.columns.rows()).unwrap_or(u32::MAX);
        if self.changing == 0 {
            return ((0..count).map(whole).collect(), 0.0);
        }
        let cut = |row: u32| {
            let mut pieces = Vec::new();
            let error = self.cut(row, span, frame, &mut pieces);
            (pieces, error)
        };
        let cut: Vec<(Vec<Piece>, f64)> = (0..count).into_par_iter().map(cut).collect();
        let error = cut.iter().fold(0.0, |error: f64, (_, own)| error.max(*own));
        (cut.into_iter().flat_map(|(pieces, _)| pieces).collect(), error)
    }

    /// One splat in pieces; the error of its colour.
    fn cut(&self, row: u32, span: &Span, frame: f64, pieces: &mut Vec<Piece>) -> f64 {
        let temporal = self.temporal(row as usize);
        let centre = temporal.t0 - span.start;
        let reach = temporal.reach(temporal.least);
        let (start, end) = ((centre - reach).max(0.0), (centre + reach).min(span.length));
        if start >= end {
            pieces.push(Piece { row, window: [f64::NEG_INFINITY, f64::INFINITY], cosines: [1.0; 2] });
            return 0.0;
        }
        let weights = self.weights(row as usize, temporal.opacity);
        let from = pieces.len();
        let at = |t: f64| {
            let angle = TAU * (t - centre) / span.length;
            let marginal = (-0.5 * ((t - centre) / temporal.sigma).powi(2)).exp();
            ([angle.cos(), (2.0 * angle).cos()], marginal)
        };
        let error = halve(row, [start, end], &at, weights, frame, pieces);
        // The first and the last go on to where the envelope ends.
        pieces[from].window[0] = f64::NEG_INFINITY;
        if let Some(last) = pieces.last_mut() {
            last.window[1] = f64::INFINITY;
        }
        error
    }

    /// How much a pixel's colour changes at most when a cosine changes by one, for each of the two.
    fn weights(&self, row: usize, opacity: f64) -> [f64; 2] {
        [0, 1].map(|set| {
            if set >= self.changing {
                return 0.0;
            }
            let channel = |channel: usize| {
                let part = |index: usize| self.coefficient(row, set + 1, index * 3 + channel).powi(2);
                (0..SET).map(part).sum::<f64>().sqrt()
            };
            opacity * STEEPEST * channel(0).max(channel(1)).max(channel(2))
        })
    }
}

/// One piece, or both halves; `at` gives both cosines and the envelope at a moment. The error of its colour as it is drawn.
fn halve(
    row: u32,
    window: [f64; 2],
    at: &impl Fn(f64) -> ([f64; 2], f64),
    weights: [f64; 2],
    frame: f64,
    pieces: &mut Vec<Piece>,
) -> f64 {
    let [start, end] = window;
    let samples: [([f64; 2], f64); CHECKS + 1] =
        std::array::from_fn(|check| at(start + (end - start) * check as f64 / CHECKS as f64));
    let centres =
        [0, 1].map(|set: usize| centre(&samples.map(|(cosines, envelope)| (cosines[set], envelope))));
    let error = weights[0] * centres[0].1 + weights[1] * centres[1].1;
    if error <= BOUND || error.is_nan() || end - start <= frame {
        pieces.push(Piece { row, window, cosines: centres.map(|(value, _)| value) });
        return error;
    }
    let middle = (start + end) * 0.5;
    let first = halve(row, [start, middle], at, weights, frame, pieces);
    first.max(halve(row, [middle, end], at, weights, frame, pieces))
}

/// The number that is nearest to all of these values, each distance times its weight; and the largest of those.
fn centre(values: &[(f64, f64)]) -> (f64, f64) {
    let mut found = (values.first().map_or(0.0, |(value, _)| *value), 0.0);
    for (index, (a, weight_a)) in values.iter().enumerate() {
        for (b, weight_b) in &values[index + 1..] {
            // Two values alone would be served best by what is as far from both; the worst pair decides for all.
            let sum = weight_a + weight_b;
            let error = weight_a * weight_b * (a - b).abs() / sum;
            if error > found.1 {
                found = ((weight_a * a + weight_b * b) / sum, error);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_weighted_values_is_nearest_to_all() {
        let values = [(1.0, 1.0), (0.4, 0.2), (0.9, 0.7), (-1.0, 0.05), (0.0, 0.0)];
        let (middle, error) = centre(&values);
        let worst =
            |at: f64| values.iter().map(|(value, weight)| weight * (value - at).abs()).fold(0.0, f64::max);
        assert!((worst(middle) - error).abs() < 1e-12);
        for step in -20..=20 {
            assert!(worst(middle + f64::from(step) * 0.01) >= error - 1e-12);
        }
        assert!((centre(&[(0.3, 1.0)]).0 - 0.3).abs() < 1e-15);
    }
}
