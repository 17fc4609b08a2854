//! Spacetime Gaussians (Li et al., CVPR 2024): splats on cubic paths with a linear quaternion, as PLY.
//!
//! `record` has the algebra. A *lite* model stores its colours as they are; a *full* one nine features a splat and a decoder
//! beside the file (`decoder`), which makes colours of them: those are baked to harmonics (`bake`).

mod bake;
mod decoder;
mod record;

use std::path::Path;

use vivant::Result;
use vivant::splat::Appearance;

use crate::Axes;
use crate::formats::{Fidelity, Format, Open};
use crate::options::Options;
use crate::ply::Raw;
use crate::report::Report;
use crate::temporal::{self, Clock, Temporal};
use crate::whole::Whole;

use bake::{Bake, Features};
use decoder::{Activation, Decoder};

/// Frames over which every shipped configuration counts time from 0 to 1.
const FRAMES: u32 = 50;

/// The columns beyond the INRIA layout's that all models have; the rest stands in [`record::Row`].
const COLUMNS: [&str; 15] = [
    "trbf_center",
    "trbf_scale",
    "motion_0",
    "motion_1",
    "motion_2",
    "motion_3",
    "motion_4",
    "motion_5",
    "motion_6",
    "motion_7",
    "motion_8",
    "omega_0",
    "omega_1",
    "omega_2",
    "omega_3",
];

/// The columns of a full model: those of all, and six of its nine features; the other three are `f_dc_0..2`.
const FULL_COLUMNS: [&str; 21] = {
    let mut names = [""; 21];
    let mut number = 0;
    while number < COLUMNS.len() {
        names[number] = COLUMNS[number];
        number += 1;
    }
    let last = ["f_dc_3", "f_dc_4", "f_dc_5", "f_t_0", "f_t_1", "f_t_2"];
    while number < names.len() {
        names[number] = last[number - COLUMNS.len()];
        number += 1;
    }
    names
};

/// Share of the splats with a first feature that is no colour above which features are taken for logits.
const LOGITS: f64 = 0.02;
/// How far a value may be beyond 0 and 1 and still be a colour.
const BEYOND: f32 = 0.5;

/// What is read of the lite models.
pub(crate) const LITE: Format = Format {
    name: "stg-lite",
    system: "Spacetime Gaussians, lite model (PLY with trbf_center, motion_*, omega_*)",
    fidelity: Fidelity::Exact,
    limits: "the length is not in the file: 50 frames unless said",
    detect: |probe| probe.has_vertex("trbf_center"),
    open: Open::Whole(open_lite),
};

fn open_lite(path: &Path, options: &Options) -> Result<Whole> {
    let raw = Raw::read(path, &COLUMNS)?;
    let mut report = Report { notes: raw.notes.clone(), ..Report::default() };
    let clock = Clock::normalised(options, FRAMES, "as all shipped configurations have it", &mut report)?;
    let splats = temporal::build(raw.len(), 0, &clock, |index, _| record::Row::of(&raw, index).temporal());
    let info = clock.info(0, Appearance::default());
    temporal::finish(path, raw.offset, splats, info, options.axes.unwrap_or(Axes::RDF), report)
}

/// What is read of the full models.
pub(crate) const FULL: Format = Format {
    name: "stg-full",
    system: "Spacetime Gaussians, full model (PLY with f_t_*, and the decoder's .pt beside it)",
    fidelity: Fidelity::Baked,
    limits: "each splat is decoded by itself, to harmonics of degree 3; the length is not in the file: 50 frames unless said",
    detect: |probe| probe.has_vertex("trbf_center") && probe.has_vertex("f_t_0"),
    open: Open::Whole(open_full),
};

fn open_full(path: &Path, options: &Options) -> Result<Whole> {
    let raw = Raw::read(path, &FULL_COLUMNS)?;
    let mut report = Report { notes: raw.notes.clone(), ..Report::default() };
    let clock = Clock::normalised(options, FRAMES, "as all shipped configurations have it", &mut report)?;
    let activation = activation(&raw, &mut report);
    let decoder = Decoder::beside(path, activation)?;
    let distance = bake::distance(&raw);
    let bake = Bake::new(&decoder, distance);
    let parts = bake.parts(&raw, |row| record::Row::of(&raw, row).temporal());
    let error = bake.error(&raw, &parts);
    report.note(format!(
        "colours baked as seen from {distance:.2} m: off by {:.4} (root mean square) and {:.3} at most, of 1; {} splats became {}",
        error.rms, error.most, raw.len(), parts.len()
    ));
    let splats = temporal::build(parts.len(), 3, &clock, |index, sh_rest| {
        let part = parts[index];
        let colour = bake.fit(&Features::of(&raw, part.row), part.dt, sh_rest);
        Temporal { colour, window: part.window, ..record::Row::of(&raw, part.row).temporal() }
    });
    let info = clock.info(3, Appearance::default());
    let mut whole =
        temporal::finish(path, raw.offset, splats, info, options.axes.unwrap_or(Axes::RDF), report)?;
    whole.report.read = raw.len() as u64;
    whole.files.push(path.with_extension("pt"));
    Ok(whole)
}

/// Whether the decoder ends in a sigmoid: then the first features are logits, of which many are no colours.
fn activation(raw: &Raw, report: &mut Report) -> Activation {
    let beyond = |colour: &&[f32; 3]| colour.iter().any(|value| (value - 0.5).abs() > 0.5 + BEYOND);
    let share = raw.splats.colour.iter().filter(beyond).count() as f64 / raw.len().max(1) as f64;
    let percent = share * 100.0;
    if share > LOGITS {
        report.note(format!(
            "{percent:.0} % of the first features are no colours: the decoder is taken to end in a sigmoid"
        ));
        Activation::Sigmoid
    } else {
        report.note(format!(
            "{percent:.0} % of the first features are no colours: the decoder is taken to end without a sigmoid"
        ));
        Activation::None
    }
}
