//! What the user can say about how files are to be understood. Pure.

use std::path::PathBuf;

use crate::{Axes, Fps};

/// Whether an attribute is stored as the trainer optimises it or as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stored {
    /// Look at all values of the file and decide.
    #[default]
    Detect,
    /// As optimised: the opacity a logit, the scale a logarithm. What the INRIA code saves.
    Raw,
    /// As drawn: the opacity in 0..=1, the scale in metres. What some pruning tools save.
    Activated,
}

/// How to import.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// Where the file's axes point; `None` for the custom of the format (PLY: [`Axes::RDF`]).
    pub axes: Option<Axes>,
    /// Frames a second of a sequence.
    pub fps: Fps,
    /// How opacities are stored.
    pub opacity: Stored,
    /// How scales are stored.
    pub scale: Stored,
    /// How long a performance lasts whose file counts time from 0 to 1, seconds; `None` for the custom of the format.
    pub seconds: Option<f64>,
    /// How far a splat may be from its own path where paths are fitted, metres; `None` for a millimetre.
    pub bound: Option<f32>,
    /// The program that decodes videos; `None` for the `ffmpeg` on the path.
    pub ffmpeg: Option<PathBuf>,
}
