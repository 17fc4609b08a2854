//! A performance that is read at once: splats with lives and motions of their own. No I/O.

use std::path::PathBuf;

use vivant::splat::Performance;

use crate::report::Report;
use crate::sound::Sound;

/// A whole performance in memory.
#[derive(Debug, Clone)]
pub struct Whole {
    /// What it is, and its splats on our axes, cleansed.
    pub performance: Performance,
    /// What was read, dropped and assumed.
    pub report: Report,
    /// The files it came from.
    pub files: Vec<PathBuf>,
    /// The sound that is in them, if any.
    pub sound: Option<Sound>,
}
