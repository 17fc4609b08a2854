//! Frames one after another, whatever they come from: what every sequence of splats is to the rest of this crate.

use std::path::PathBuf;

use vivant::Result;
use vivant::splat::{Appearance, ClipInfo, Splats};
use vivant::time::{TICKS_PER_FRAME, TickRate};

use crate::options::Options;
use crate::report::Report;
use crate::source::Imported;
use crate::{Axes, Fps, cleanse};

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

/// What a clip of so many frames is; a single one always shows.
pub(crate) fn info_of(frames: usize, fps: Fps, sh_degree: u8) -> ClipInfo {
    let appearance = Appearance::default();
    if frames < 2 {
        let rate = TickRate { num: 1000, den: 1 };
        return ClipInfo { rate, duration: 0, fps: (0, 1), sh_degree, appearance };
    }
    let duration = i64::try_from(frames).unwrap_or(i64::MAX).saturating_mul(i64::from(TICKS_PER_FRAME));
    ClipInfo { rate: fps.tick_rate(), duration, fps: fps.fraction(), sh_degree, appearance }
}

/// A frame whose values are activated, on its way out: cleansed, named by index where some are dropped, and on our axes,
/// from COLMAP's unless the user says otherwise. `offset` is where `file` describes its splats.
///
/// # Errors
/// As [`cleanse::cleanse`].
pub(crate) fn finish(file: &str, offset: u64, mut splats: Splats, options: &Options) -> Result<Imported> {
    let mut report = Report { read: splats.len() as u64, ..Report::default() };
    let dropped = cleanse::cleanse(file, offset, &mut splats, &mut report)?;
    options.axes.unwrap_or(Axes::RDF).apply(&mut splats);
    let ids = cleanse::kept(splats.len() + dropped.len(), &dropped);
    Ok(Imported { splats, ids, report })
}
