//! Frames one after another, whatever they come from: what every sequence of splats is to the rest of this crate.

use std::path::PathBuf;

use vivant::Result;
use vivant::splat::ClipInfo;

use crate::report::Report;
use crate::source::Imported;

/// A performance as frames that can be asked for in any order, several at a time.
pub trait Sequence: Send + Sync + std::fmt::Debug {
    /// What the clip will be; without a duration there is one frame that always shows.
    fn info(&self) -> ClipInfo;

    /// Number of frames, at least one.
    fn frame_count(&self) -> usize;

    /// The files it comes from.
    fn files(&self) -> &[PathBuf];

    /// Number of splats of frame `index`, or about so many.
    fn splats_in(&self, index: usize) -> u64;

    /// The splats of frame `index`, of the SH degree that [`Self::info`] says; their windows are set by whoever asks.
    ///
    /// # Errors
    /// Whatever is wrong with its file.
    fn read_frame(&self, index: usize) -> Result<Imported>;

    /// Whether a splat keeps its identity from frame to frame: its number among [`Imported::ids`], or else its index.
    ///
    /// # Errors
    /// Whatever is wrong with a frame that has to be read to tell.
    fn keeps_identity(&self) -> Result<bool>;

    /// What was read and assumed before the first frame.
    fn report(&self) -> Report {
        Report::default()
    }
}
