//! Files of splats that stand still: found, measured by their headers, and handed out frame by frame.
//!
//! One file is a static scene; several are a sequence, each a frame with a window of exactly its own ticks, of any
//! number of splats. All frames get the highest SH degree of any. [`Source::for_each`] reads a few frames at a time
//! in parallel and hands them over in order, so that a sequence of any length converts in bounded memory.

use std::path::PathBuf;

use rayon::prelude::*;
use vivant::channel;
use vivant::splat::{Appearance, ClipInfo, Life, Performance, Splats};
use vivant::time::{TICKS_PER_FRAME, TickRate};
use vivant::{Error, Result};

use crate::correspondence::keeps_identity;
use crate::formats::{Open, Still, required_format_of};
use crate::options::Options;
use crate::ply::{self, Kind};
use crate::probe::Probe;
use crate::report::Report;
use crate::sequence::Sequence;
use crate::{conventions, inputs, rows};

/// Splats that are in memory at a time, if a single frame has not more: 256 MB of them at SH degree 3.
pub(crate) const SPLATS_AHEAD: u64 = 1 << 20;

/// Splats, and what was done to get them.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The splats on our axes.
    pub splats: Splats,
    /// The number that each has in its file; `None` where that is its index.
    pub ids: Option<Vec<u32>>,
    /// What was read, dropped and assumed.
    pub report: Report,
}

/// What a file says at its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Gaussians or bare points.
    pub kind: Kind,
    /// Number of splats or points.
    pub splats: u64,
    /// SH degree, 0..=3.
    pub sh_degree: u8,
    /// How it asks to be drawn.
    pub appearance: Appearance,
}

impl Summary {
    /// Of Gaussians that ask for nothing.
    #[must_use]
    pub fn gaussians(splats: u64, sh_degree: u8) -> Self {
        Self { kind: Kind::Gaussians, splats, sh_degree, appearance: Appearance::default() }
    }
}

/// A foreign performance: a file a frame.
#[derive(Debug, Clone)]
pub struct Source {
    format: &'static str,
    still: Still,
    frames: Vec<PathBuf>,
    summaries: Vec<Summary>,
    options: Options,
    sh_degree: u8,
}

impl Source {
    /// Finds the files that `inputs` name and reads their headers. A file, a folder, a pattern (`frames/*.ply`,
    /// `frame%04d.ply`) or a list of these.
    ///
    /// # Errors
    /// Any error of a file, naming it: all headers are read, so that the 9000th frame fails here and not in an hour.
    pub fn open(inputs: &[PathBuf], options: &Options) -> Result<Self> {
        let frames = inputs::resolve(inputs)?;
        let first = frames.first().map(|first| Probe::open(first)).transpose()?;
        let format = required_format_of(first.as_ref())?;
        let Open::Still(still) = format.open else {
            let first = frames[0].display();
            return Err(Error::invalid(format!(
                "{first}: {} is no still frame of a sequence: give it alone",
                format.name
            )));
        };
        Self::of_frames(format.name, still, frames, options)
    }

    /// [`Self::open`] with the files found and their format known.
    pub(crate) fn of_frames(
        format: &'static str,
        still: Still,
        frames: Vec<PathBuf>,
        options: &Options,
    ) -> Result<Self> {
        let probed: Vec<Result<Summary>> = frames.par_iter().map(|path| (still.probe)(path)).collect();
        let summaries = probed.into_iter().collect::<Result<Vec<Summary>>>()?;
        if let Some(first) = frames.first()
            && summaries.iter().all(|summary| summary.splats == 0)
        {
            let file = first.display();
            return Err(Error::invalid(format!("{file}: holds no splats; export it with them")));
        }
        let sh_degree = summaries.iter().map(|summary| summary.sh_degree).max().unwrap_or(0);
        let mut source = Self { format, still, frames, summaries, options: options.clone(), sh_degree };
        source.settle()?;
        Ok(source)
    }

    /// Decides by the first frame that has splats how the sequence stores them: a later frame with few splats must
    /// not decide differently and flicker.
    fn settle(&mut self) -> Result<()> {
        let first = self.summaries.iter().position(|summary| summary.splats > 0);
        if self.is_sequence()
            && let Some(first) = first
        {
            self.options = (self.still.settle)(&self.frames[first], &self.options)?;
        }
        Ok(())
    }

    /// The format, by its short name.
    #[must_use]
    pub const fn format(&self) -> &'static str {
        self.format
    }

    /// The files, one a frame, in order.
    #[must_use]
    pub fn frames(&self) -> &[PathBuf] {
        &self.frames
    }

    /// Whether there is more than one frame.
    #[must_use]
    pub fn is_sequence(&self) -> bool {
        self.frames.len() > 1
    }

    /// What frame `index` holds according to its header.
    #[must_use]
    pub fn summary(&self, index: usize) -> Option<Summary> {
        self.summaries.get(index).copied()
    }

    /// What the clip will be: a static scene has no duration.
    #[must_use]
    pub fn info(&self) -> ClipInfo {
        let asks = self.summaries.iter().find(|summary| summary.splats > 0);
        let appearance = asks.map(|summary| summary.appearance).unwrap_or_default();
        if !self.is_sequence() {
            let rate = TickRate { num: 1000, den: 1 };
            return ClipInfo { rate, duration: 0, fps: (0, 1), sh_degree: self.sh_degree, appearance };
        }
        ClipInfo {
            rate: self.options.fps.tick_rate(),
            duration: frame_tick(self.frames.len()),
            fps: self.options.fps.fraction(),
            sh_degree: self.sh_degree,
            appearance,
        }
    }

    /// Reads frame `index`, with the window and the SH degree it has in the clip.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when there is no such frame; else whatever is wrong with its file.
    pub fn read_frame(&self, index: usize) -> Result<Imported> {
        let Some(path) = self.frames.get(index) else {
            return Err(Error::invalid(format!("frame {index} of a sequence of {}", self.frames.len())));
        };
        let mut imported = (self.still.read)(path, &self.options)?;
        rows::raise_degree(&mut imported.splats, self.sh_degree);
        show_in_frame(&mut imported.splats, &self.info(), index);
        Ok(imported)
    }

    /// Whether the splats keep their identity from frame to frame. PLY files with a `vertex_id` say so themselves, unless
    /// that is only the number of the row; then, and without, a splat's identity is its index if the files lie where a trainer
    /// keeps their order, or if a few pairs of neighbouring frames look like it.
    ///
    /// # Errors
    /// Whatever is wrong with one of those frames.
    pub fn keeps_identity(&self) -> Result<bool> {
        let count = self.frames.len();
        let has_ids = |path: &PathBuf| ply::has_ids(path);
        let numbered = self.format == ply::FORMAT.name && self.frames.par_iter().all(has_ids);
        let same = self.summaries.windows(2).all(|pair| pair[0].splats == pair[1].splats);
        if count < 2 || !(same || numbered) {
            return Ok(false);
        }
        if same && conventions::in_order(&self.frames) {
            return Ok(true);
        }
        for first in [0, count / 2, count - 2] {
            let [before, after] = [self.read_frame(first)?, self.read_frame(first + 1)?];
            if numbered && !(counts_rows(&before) && counts_rows(&after)) {
                return Ok(true);
            }
            // What is born is put behind the others.
            let common: Vec<usize> = (0..before.splats.len().min(after.splats.len())).collect();
            let [before, after] = [before, after].map(|frame| match frame.splats.len() == common.len() {
                true => frame.splats,
                false => frame.splats.select(&common),
            });
            if !keeps_identity(&before, &after) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Hands every frame to `each` in order, reading a few ahead in parallel.
    ///
    /// # Errors
    /// The first error of a frame in order, or of `each`.
    pub fn for_each(&self, each: impl FnMut(usize, Imported) -> Result<()>) -> Result<()> {
        for_each(self, each)
    }

    /// Reads everything into memory.
    ///
    /// # Errors
    /// As [`Self::for_each`].
    pub fn read_all(&self) -> Result<(Performance, Report)> {
        let mut all = Splats::new(self.sh_degree);
        let mut report = Report::default();
        self.for_each(|_, imported| {
            report.absorb(imported.report);
            join(&mut all, imported.splats);
            Ok(())
        })?;
        Ok((Performance { info: self.info(), splats: all }, report))
    }
}

impl Sequence for Source {
    fn info(&self) -> ClipInfo {
        self.info()
    }

    fn frame_count(&self) -> usize {
        self.frames.len()
    }

    fn files(&self) -> &[PathBuf] {
        &self.frames
    }

    fn splats_in(&self, index: usize) -> u64 {
        self.summary(index).map_or(0, |summary| summary.splats)
    }

    fn read_frame(&self, index: usize) -> Result<Imported> {
        self.read_frame(index)
    }

    fn keeps_identity(&self) -> Result<bool> {
        self.keeps_identity()
    }
}

/// Whether the numbers of a frame's splats are those of the rows of its file, which would say nothing about another's.
fn counts_rows(frame: &Imported) -> bool {
    let rows = frame.splats.len() as u64 + frame.report.dropped();
    let Some(ids) = &frame.ids else { return true };
    ids.is_sorted() && ids.last().is_none_or(|&last| u64::from(last) < rows)
}

/// Hands every frame of a sequence to `each` in order, with its window, reading a few ahead in parallel.
pub(crate) fn for_each(
    sequence: &dyn Sequence,
    mut each: impl FnMut(usize, Imported) -> Result<()>,
) -> Result<()> {
    let (info, count) = (sequence.info(), sequence.frame_count());
    let read = |index| {
        let mut imported = sequence.read_frame(index)?;
        show_in_frame(&mut imported.splats, &info, index);
        Ok(imported)
    };
    let mut first = 0;
    while first < count {
        let end = batch_end(sequence, first);
        let frames: Vec<Result<Imported>> = (first..end).into_par_iter().map(read).collect();
        for (index, imported) in (first..end).zip(frames) {
            each(index, imported?)?;
        }
        first = end;
    }
    Ok(())
}

/// One past the last frame that is read together with frame `first`.
fn batch_end(sequence: &dyn Sequence, first: usize) -> usize {
    let most = rayon::current_num_threads().max(1);
    let mut splats = 0_u64;
    let fits = |index: &usize| {
        splats = splats.saturating_add(sequence.splats_in(*index));
        splats <= SPLATS_AHEAD
    };
    first + (first..sequence.frame_count()).take(most).take_while(fits).count().max(1)
}

/// First tick of a frame.
fn frame_tick(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX).saturating_mul(i64::from(TICKS_PER_FRAME))
}

/// The first tick of frame `index` of a clip; a static scene has none but 0.
pub(crate) fn frame_start(info: &ClipInfo, index: usize) -> i64 {
    if info.duration > 0 { frame_tick(index) } else { 0 }
}

/// Gives splats the window of frame `index`; in a static scene they are always there.
pub(crate) fn show_in_frame(splats: &mut Splats, info: &ClipInfo, index: usize) {
    if info.duration == 0 {
        return;
    }
    let (start, end) = (frame_tick(index), frame_tick(index + 1));
    let life = Life { t0: info.rate.seconds_from_ticks(start), sigma_t: f32::INFINITY, start, end };
    splats.life = vec![life; splats.len()];
}

/// Appends whole arrays; both have the same degree, and lives where the source is a sequence. Channels are joined by
/// name.
pub(crate) fn join(all: &mut Splats, mut next: Splats) {
    if all.is_empty() {
        *all = next;
        return;
    }
    let before = all.len();
    channel::append(&mut all.channels, before, &next.channels, next.len());
    all.mean.append(&mut next.mean);
    all.rotation.append(&mut next.rotation);
    all.scale.append(&mut next.scale);
    all.opacity.append(&mut next.opacity);
    all.colour.append(&mut next.colour);
    all.sh_rest.append(&mut next.sh_rest);
    all.life.append(&mut next.life);
}
