//! Every format that is read, in one table: how it is told, what opens it, how true the result is. `vivant formats`
//! prints it, and so does the documentation.
//!
//! A format is one file (or folder) of this crate that exports its [`Format`]. There are three kinds of door:
//!
//! - `Open::Still`: one file is one set of splats that stand still. Several of them are a sequence, by [`crate::Source`].
//! - `Open::Sequence`: one file or folder holds many frames, handed out one by one.
//! - `Open::Whole`: one file is a whole performance of splats that have lives and motions of their own.

use std::path::Path;

use vivant::{Error, Result};

use crate::options::Options;
use crate::probe::Probe;
use crate::rigged::Rigged;
use crate::sequence::Sequence;
use crate::source::{Imported, Summary};
use crate::whole::Whole;
use crate::{
    checkpoint, compact, convex, dgs, ex4dgs, flow, fourdgs, fourier, ftgs, gltf_splats, hierarchy, ksplat,
    params, ply, rig, rotor, selforg, sog, splat, splatv, spz, stg, tsog, unknown, v3, yang,
};

/// How true an import is to its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fidelity {
    /// Every splat is what its own renderer draws, up to rounding.
    Exact,
    /// Fitted or sampled; the error is bounded and said.
    Baked,
}

/// A format that is read.
#[derive(Debug)]
pub struct Format {
    /// Its short name, such as `spz`.
    pub name: &'static str,
    /// The system or tool that writes it, with what it writes.
    pub system: &'static str,
    /// How true the import is.
    pub fidelity: Fidelity,
    /// What is not read of it, or has to be known; empty if nothing.
    pub limits: &'static str,
    /// Whether an input is one.
    pub(crate) detect: fn(&Probe) -> bool,
    /// What opens it.
    pub(crate) open: Open,
}

/// What opens a format.
#[derive(Debug)]
pub(crate) enum Open {
    /// Splats that stand still, a file a frame.
    Still(Still),
    /// Frames, handed out one by one.
    Sequence(fn(&Path, &Options) -> Result<Box<dyn Sequence>>),
    /// A whole performance.
    Whole(fn(&Path, &Options) -> Result<Whole>),
    /// A model, which takes options of its own: [`rig::Rig`].
    Rig,
    /// Splats that joints carry, with what moves them where that is another file.
    Rigged(OpenRigged),
}

/// Opens splats that joints carry, with what moves them where that is another file.
pub(crate) type OpenRigged = fn(&Path, Option<&Path>, &Options) -> Result<Box<dyn Rigged>>;

/// How a set of splats that stand still is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Still {
    /// How many splats there are, by what the file says at its start; cheap.
    pub(crate) probe: fn(&Path) -> Result<Summary>,
    /// The splats: activated, cleansed, on our axes.
    pub(crate) read: fn(&Path, &Options) -> Result<Imported>,
    /// Decides by one frame what [`crate::Stored::Detect`] leaves open for a sequence; most formats leave nothing open.
    pub(crate) settle: fn(&Path, &Options) -> Result<Options>,
}

/// [`Still::settle`] of a format whose values can be read in one way only.
pub(crate) fn settled(_path: &Path, options: &Options) -> Result<Options> {
    Ok(options.clone())
}

/// All formats. The first that knows an input opens it, so what is particular comes before what is general.
#[rustfmt::skip] // One a line: branches that add formats meet here.
pub static FORMATS: &[&Format] = &[
    &fourdgs::FORMAT,
    &splatv::FORMAT,
    &stg::FULL,
    &stg::LITE,
    &ftgs::FORMAT,
    &tsog::FORMAT,
    &rotor::FORMAT,
    &flow::FORMAT,
    &yang::FORMAT,
    &hierarchy::FORMAT,
    &sog::FORMAT,
    &gltf_splats::FORMAT,
    &selforg::FORMAT,
    &compact::FORMAT,
    &rig::FORMAT,
    &params::FORMAT,
    &dgs::FORMAT,
    &v3::FORMAT,
    &ex4dgs::FORMAT,
    &fourier::FORMAT,
    &rig::avatars::FORMAT,
    &rig::dual::FORMAT,
    &convex::FORMAT,
    &checkpoint::FORMAT,
    &ply::FORMAT,
    &spz::FORMAT,
    &ksplat::FORMAT,
    &splat::FORMAT, // Without a magic: last.
];

/// The format of an input, if any knows it.
pub(crate) fn format_of(probe: &Probe) -> Option<&'static Format> {
    FORMATS.iter().find(|format| (format.detect)(probe)).copied()
}

/// The format of an input that must be of one.
///
/// # Errors
/// Says what the input looks like where no format knows it.
pub(crate) fn required_format_of(probe: Option<&Probe>) -> Result<&'static Format> {
    let probe = probe.ok_or_else(|| Error::invalid("no input: give a file, a folder or a pattern"))?;
    format_of(probe).ok_or_else(|| unknown::error(probe))
}
