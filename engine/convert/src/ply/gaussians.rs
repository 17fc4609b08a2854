//! From stored values to the model's: logits to opacities, logarithms to scales, harmonics to base colours. No I/O.
//!
//! Some tools save values that are activated already. Each attribute is decided over the whole file: opacities that
//! all lie in 0..=1, scales none of which is negative, cannot be what a trainer optimises. (A trained scene has logits
//! on both sides of zero and log-scales below it; a file of a few splats may deceive, so the user can overrule.)
//! Infinities that mean something, a logit of ±∞ or the logarithm of a zero scale, keep their meaning.

use rayon::prelude::*;
use vivant::splat::{SH_C0, Splats};

use super::plan::{Colour, Kind, Plan};
use super::read::Found;
use crate::options::{Options, Stored};
use crate::report::Report;
use crate::rows;

/// Opacity of a bare point: a hole behind it would show, so nearly opaque.
const POINT_OPACITY: f32 = 0.98;

/// Thickness of a disc (two scales, as 2D Gaussian splatting saves) against its smaller radius.
const DISC_THICKNESS: f32 = 0.01;

/// Activates all attributes in place.
pub(super) fn activate(splats: &mut Splats, plan: &Plan, options: &Options, report: &mut Report) -> Found {
    let (low, high) = range(&splats.opacity);
    let opacity = decide(options.opacity, low >= 0.0 && high <= 1.0 && high > 0.0);
    let (low, high) = scale_range(splats, plan.scales);
    let scale = decide(options.scale, low >= 0.0 && high > 0.0);
    if plan.opacity && opacity == Stored::Activated {
        report.note("opacities lie in 0..1 and are taken as they are, not as logits");
    }
    if plan.scales > 0 && scale == Stored::Activated {
        report.note("scales are not negative and are taken as they are, not as logarithms");
    }
    let full_scale = match plan.colour {
        Colour::Integer(full) => full,
        Colour::Float if range(splats.colour.as_flattened()).1 > 1.0 => 255.0,
        _ => 1.0,
    };
    let default_opacity = if plan.kind == Kind::Points { POINT_OPACITY } else { 1.0 };
    rows::all(splats).into_par_iter().for_each(|rows| {
        for value in rows.opacity.iter_mut() {
            *value = match (plan.opacity, opacity) {
                (false, _) => default_opacity,
                (true, Stored::Activated) => *value,
                (true, _) => sigmoid(*value),
            };
        }
        for value in rows.scale.iter_mut() {
            *value =
                complete(value.map(|s| if scale == Stored::Activated { s } else { s.exp() }), plan.scales);
        }
        for value in rows.colour.iter_mut() {
            *value = match plan.colour {
                Colour::Harmonic => value.map(|dc| 0.5 + SH_C0 * dc),
                Colour::None => [0.5; 3],
                Colour::Integer(_) | Colour::Float => value.map(|channel| channel / full_scale),
            };
        }
    });
    Found { opacity, scale }
}

/// What the user says, or else what the values say.
fn decide(said: Stored, looks_activated: bool) -> Stored {
    match said {
        Stored::Detect if looks_activated => Stored::Activated,
        Stored::Detect => Stored::Raw,
        said => said,
    }
}

/// Least and greatest value; NaN aside.
fn range(values: &[f32]) -> (f32, f32) {
    values
        .par_chunks(1 << 16)
        .map(|chunk| {
            chunk.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &value| {
                (low.min(value), high.max(value))
            })
        })
        .reduce(|| (f32::INFINITY, f32::NEG_INFINITY), |a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// [`range`] of the first `scales` scales of each splat.
fn scale_range(splats: &Splats, scales: usize) -> (f32, f32) {
    if scales == 3 {
        return range(splats.scale.as_flattened());
    }
    let stored: Vec<f32> = splats.scale.iter().flat_map(|scale| &scale[..scales]).copied().collect();
    range(&stored)
}

/// The scales that the file lacks: one is a ball, two are a disc.
fn complete([x, y, z]: [f32; 3], scales: usize) -> [f32; 3] {
    match scales {
        1 => [x; 3],
        2 => [x, y, x.min(y) * DISC_THICKNESS],
        _ => [x, y, z],
    }
}

fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}
