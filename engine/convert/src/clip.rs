//! From a source to a clip, frame by frame: the only place here that knows the container's writer.
//!
//! Frames of a sequence do not overlap, so every frame falls into one segment of any level of the hierarchy. One level
//! serves the whole sequence: the finest whose segments hold enough splats to be worth a segment. Then segments follow
//! one another in time. A few are gathered, as many as the processor has cores, and prepared side by side; then they are
//! written in turn. So memory is that of a few segments, however long the sequence.

use std::path::Path;

use rayon::prelude::*;
use vivant::Result;
use vivant::clip::{MAX_LEVELS, WriteReport, Writer, WriterOptions};
use vivant::codec::Hierarchy;
use vivant::splat::Splats;
use vivant::time::TICKS_PER_FRAME;

use crate::report::Report;
use crate::source::{SPLATS_AHEAD, Source, join};

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
        let hierarchy =
            Hierarchy::new(&self.info(), Some(options.segment_ticks.unwrap_or(self.segment_ticks())));
        let level = self.level(&hierarchy, options.min_node_splats);
        let mut report = Report::default();
        let mut segments = Segments { writer, hierarchy, level, ready: Vec::new() };
        self.for_each(|index, imported| {
            report.absorb(imported.report);
            segments.add(self.frame_start(index), imported.splats)?;
            progress(index + 1);
            Ok(())
        })?;
        segments.write()?;
        Ok(report)
    }

    /// A second in whole frames, but no more than the finest of eight levels can tell apart.
    fn segment_ticks(&self) -> u32 {
        let (num, den) = self.info().fps;
        let frames = (num + den / 2).checked_div(den).unwrap_or(1).clamp(1, MOST_FRAMES);
        frames * TICKS_PER_FRAME
    }

    /// The finest level whose segments hold `least` splats on average; the coarsest that is not level 0 if none does,
    /// as level 0 is always resident.
    fn level(&self, hierarchy: &Hierarchy, least: u32) -> u8 {
        let info = self.info();
        let total: u64 =
            (0..self.frames().len()).filter_map(|index| self.summary(index)).map(|s| s.splats).sum();
        let worth = |level: &u8| {
            let segments = hierarchy.locate(*level, info.duration.max(1) - 1) + 1;
            let segments = u64::try_from(segments).unwrap_or(1).min(self.frames().len() as u64).max(1);
            total / segments >= u64::from(least)
        };
        let coarsest = u8::from(hierarchy.levels() > 1);
        (coarsest..hierarchy.levels()).rev().find(worth).unwrap_or(coarsest)
    }
}

/// Segments on their way into a clip.
struct Segments<'a> {
    writer: &'a mut Writer,
    hierarchy: Hierarchy,
    level: u8,
    /// Numbers and splats of those gathered, in order; the last is not complete yet.
    ready: Vec<(i64, Splats)>,
}

impl Segments<'_> {
    /// Adds the splats of a frame; writes what is complete when there is enough to keep every core busy.
    fn add(&mut self, start: i64, splats: Splats) -> Result<()> {
        let number = self.hierarchy.locate(self.level, start);
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
