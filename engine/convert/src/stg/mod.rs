//! Spacetime Gaussians (Li et al., CVPR 2024): splats on cubic paths with a linear quaternion, as PLY.
//!
//! `record` has the algebra. A *lite* model stores its colours as they are; a *full* one nine features a splat and a decoder
//! beside the file, which makes colours of them.

mod record;

use std::path::Path;

use vivant::Result;
use vivant::splat::Appearance;

use crate::Axes;
use crate::formats::{Fidelity, Format, Open};
use crate::options::Options;
use crate::ply::Raw;
use crate::report::Report;
use crate::temporal::{self, Clock};
use crate::whole::Whole;

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
