//! From a source to a clip, frame by frame: the only place here that knows the container's writer.
//!
//! Splats that keep their identity go through [`SequenceWriter`], as splines. Of others each frame is a set of windows.
//! Such frames do not overlap, so every frame falls into one segment of any level of the hierarchy. One level serves the
//! whole sequence: the finest whose segments hold enough splats to be worth a segment. Then segments follow one another
//! in time. A few are gathered, as many as the processor has cores, and prepared side by side; then they are written in
//! turn. So memory is that of a few segments, however long the sequence.

use std::path::Path;

use rayon::prelude::*;
use vivant::Result;
use vivant::clip::{MAX_LEVELS, Profile, WriteReport, Writer, WriterOptions};
use vivant::codec::{Hierarchy, PaletteSampler, SequenceWriter};
use vivant::splat::{ClipInfo, Splats};
use vivant::time::TICKS_PER_FRAME;

use crate::report::Report;
use crate::sequence::Sequence;
use crate::source::{SPLATS_AHEAD, Source, for_each, frame_start, join};

/// Frames of a segment of level 1 such that one of the finest level is a frame: six halvings.
const MOST_FRAMES: u32 = 1 << (MAX_LEVELS - 2);

impl Source {
    /// Converts to the file `path`, which appears when it is whole. `progress` gets the number of frames done.
    ///
    /// # Errors
    /// Whatever is wrong with a frame, or [`vivant::Error::Io`] for the file.
    pub fn write(
        &self,
        path: &Path,
        options: &WriterOptions,
        progress: &mut dyn FnMut(usize),
    ) -> Result<(Report, WriteReport)> {
        let mut writer = Writer::create(path, &self.info(), options)?;
        let report = self.push_frames(&mut writer, options, progress)?;
        Ok((report, writer.finish()?))
    }

    /// Converts to a clip in memory: its bytes, for [`vivant::clip::Clip::from_bytes`].
    ///
    /// # Errors
    /// Whatever is wrong with a frame.
    pub fn write_to_memory(
        &self,
        options: &WriterOptions,
        progress: &mut dyn FnMut(usize),
    ) -> Result<(Vec<u8>, Report, WriteReport)> {
        let mut writer = Writer::in_memory(&self.info(), options)?;
        let report = self.push_frames(&mut writer, options, progress)?;
        let (bytes, written) = writer.finish_bytes()?;
        Ok((bytes, report, written))
    }

    /// Converts into a writer that the caller started with [`Source::info`] and finishes: for what a clip holds besides.
    ///
    /// # Errors
    /// Whatever is wrong with a frame, or [`vivant::Error::Io`] for the file.
    pub fn push_frames(
        &self,
        writer: &mut Writer,
        options: &WriterOptions,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Report> {
        push_sequence(self, writer, options, progress)
    }
}

/// Converts a sequence into a writer that was started with its info and that the caller finishes. `progress` gets the
/// number of frames done.
pub(crate) fn push_sequence(
    sequence: &dyn Sequence,
    writer: &mut Writer,
    options: &WriterOptions,
    progress: &mut dyn FnMut(usize),
) -> Result<Report> {
    let total = total_splats(sequence);
    let keeps = options.profile != Profile::Raw && sequence.keeps_identity()?;
    push_palette(sequence, writer, options)?;
    let mut frames = Frames::new(writer, sequence.info(), options, sequence.frame_count(), total, keeps)?;
    let mut report = sequence.report();
    for_each(sequence, |index, imported| {
        report.absorb(imported.report);
        frames.push(index, imported.splats, imported.ids.as_deref())?;
        progress(index + 1);
        Ok(())
    })?;
    frames.finish()?;
    Ok(report)
}

/// Makes the palette of harmonics from frames spread evenly over the sequence, as many as a sample needs.
fn push_palette(sequence: &dyn Sequence, writer: &mut Writer, options: &WriterOptions) -> Result<()> {
    let (degree, frames) = (sequence.info().sh_degree, sequence.frame_count());
    if options.profile == Profile::Raw || degree == 0 {
        return Ok(());
    }
    let total = total_splats(sequence);
    // A frame costs its reading, so no more of them than the sample keeps splats of.
    let every =
        usize::try_from(total.div_ceil(PaletteSampler::MOST_SAMPLES)).unwrap_or(1).clamp(1, frames.max(1));
    let chosen = (every / 2..frames).step_by(every);
    let shown = chosen.clone().map(|index| sequence.splats_in(index)).sum();
    let mut sampler = PaletteSampler::new(degree, shown);
    for index in chosen {
        sampler.add(&sequence.read_frame(index)?.splats);
    }
    match sampler.palette(options.profile, total) {
        Some(palette) => writer.push_palette(palette),
        None => Ok(()),
    }
}

/// Splats of all frames, by their headers.
fn total_splats(sequence: &dyn Sequence) -> u64 {
    (0..sequence.frame_count()).map(|index| sequence.splats_in(index)).sum()
}

/// Writes frames one after the other.
enum Frames<'a> {
    /// Each a set of windows.
    Windows(Windows<'a>),
    /// Splats that keep their identity, which is their index.
    Tracks(Box<SequenceWriter<'a>>),
}

impl<'a> Frames<'a> {
    /// Starts a sequence of `frames` frames with `total` splats in all, which may keep their identity.
    pub(crate) fn new(
        writer: &'a mut Writer,
        info: ClipInfo,
        options: &WriterOptions,
        frames: usize,
        total: u64,
        keeps: bool,
    ) -> Result<Self> {
        if keeps && info.duration > 0 && options.profile != Profile::Raw {
            let each = usize::try_from(total).unwrap_or(usize::MAX) / frames.max(1);
            let tracks = SequenceWriter::new(writer, each, options.min_node_splats)?;
            return Ok(Self::Tracks(Box::new(tracks)));
        }
        Ok(Self::Windows(Windows::new(writer, info, options, frames, total)))
    }

    /// Takes frame `index`, whose splats have its window and, where their numbers are not their indices, `ids`; frames
    /// come in order.
    pub(crate) fn push(&mut self, index: usize, splats: Splats, ids: Option<&[u32]>) -> Result<()> {
        match self {
            Self::Windows(windows) => windows.push(index, splats),
            Self::Tracks(tracks) => tracks.push(splats, ids),
        }
    }

    /// Writes what is left.
    pub(crate) fn finish(self) -> Result<()> {
        match self {
            Self::Windows(mut windows) => windows.write(),
            Self::Tracks(tracks) => tracks.finish(),
        }
    }
}

/// Frames that are gathered into segments as they are, on their way into a clip.
struct Windows<'a> {
    writer: &'a mut Writer,
    info: ClipInfo,
    hierarchy: Hierarchy,
    level: u8,
    /// Numbers and splats of the segments gathered, in order; the last is not complete yet.
    ready: Vec<(i64, Splats)>,
}

impl<'a> Windows<'a> {
    fn new(
        writer: &'a mut Writer,
        info: ClipInfo,
        options: &WriterOptions,
        frames: usize,
        total: u64,
    ) -> Self {
        let hierarchy = Hierarchy::new(&info, Some(options.segment_ticks.unwrap_or(segment_ticks(&info))));
        let level = level(&info, &hierarchy, frames, total, options.min_node_splats);
        Self { writer, info, hierarchy, level, ready: Vec::new() }
    }

    /// Adds the splats of a frame; writes what is complete when there is enough to keep every core busy.
    fn push(&mut self, index: usize, splats: Splats) -> Result<()> {
        let number = self.hierarchy.locate(self.level, frame_start(&self.info, index));
        match self.ready.last_mut() {
            Some((current, gathered)) if *current == number => join(gathered, splats),
            _ => {
                let held: u64 = self.ready.iter().map(|(_, splats)| splats.len() as u64).sum();
                if self.ready.len() >= rayon::current_num_threads() || held > SPLATS_AHEAD {
                    self.write()?;
                }
                self.ready.push((number, splats));
            }
        }
        Ok(())
    }

    /// Prepares side by side and writes in turn all that is gathered.
    fn write(&mut self) -> Result<()> {
        let preparer = self.writer.preparer();
        let (level, hierarchy) = (self.level, &self.hierarchy);
        let edge = |number| hierarchy.edge(level, number);
        let prepare = |(number, splats): (i64, Splats)| {
            preparer.prepare(level, edge(number), edge(number + 1), &splats)
        };
        let prepared: Vec<_> = self.ready.par_drain(..).map(prepare).collect();
        prepared.into_iter().try_for_each(|prepared| self.writer.push_prepared(&prepared?))
    }
}

/// A second in whole frames, but no more than the finest of eight levels can tell apart.
fn segment_ticks(info: &ClipInfo) -> u32 {
    let (num, den) = info.fps;
    let frames = (num + den / 2).checked_div(den).unwrap_or(1).clamp(1, MOST_FRAMES);
    frames * TICKS_PER_FRAME
}

/// The finest level whose segments hold `least` splats on average; the coarsest that is not level 0 if none does, as
/// level 0 is always resident.
fn level(info: &ClipInfo, hierarchy: &Hierarchy, frames: usize, total: u64, least: u32) -> u8 {
    let worth = |level: &u8| {
        let segments = hierarchy.locate(*level, info.duration.max(1) - 1) + 1;
        let segments = u64::try_from(segments).unwrap_or(1).min(frames as u64).max(1);
        total / segments >= u64::from(least)
    };
    let coarsest = u8::from(hierarchy.levels() > 1);
    (coarsest..hierarchy.levels()).rev().find(worth).unwrap_or(coarsest)
}
