//! From a source to a clip, frame by frame: the only place here that knows the container's writer.
//!
//! Frames of a sequence do not overlap, so every frame falls into one segment of any level of the hierarchy. One level
//! serves the whole sequence: the finest whose segments hold enough splats to be worth a segment. Then segments follow
//! one another in time and only one is ever gathered, however long the sequence.

use std::path::Path;

use vivant::Result;
use vivant::clip::{MAX_LEVELS, Profile, WriteReport, Writer, WriterOptions};
use vivant::codec::{Hierarchy, PaletteSampler};
use vivant::splat::Splats;
use vivant::time::TICKS_PER_FRAME;

use crate::report::Report;
use crate::source::{Source, join};

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
        self.push_palette(writer, options)?;
        let mut report = Report::default();
        let mut gathered = Splats::new(self.info().sh_degree);
        let mut current = hierarchy.locate(level, 0);
        let mut push = |number: i64, splats: &Splats| {
            writer.push_segment(
                level,
                hierarchy.edge(level, number),
                hierarchy.edge(level, number + 1),
                splats,
            )
        };
        self.for_each(|index, imported| {
            report.absorb(imported.report);
            let number = hierarchy.locate(level, self.frame_start(index));
            if number != current {
                push(current, &gathered)?;
                gathered = Splats::new(self.info().sh_degree);
                current = number;
            }
            join(&mut gathered, imported.splats);
            progress(index + 1);
            Ok(())
        })?;
        push(current, &gathered)?;
        Ok(report)
    }

    /// Makes the palette of harmonics from frames spread evenly over the sequence, as many as a sample needs.
    fn push_palette(&self, writer: &mut Writer, options: &WriterOptions) -> Result<()> {
        let (degree, frames) = (self.info().sh_degree, self.frames().len());
        if options.profile == Profile::Raw || degree == 0 {
            return Ok(());
        }
        let total = self.total_splats();
        // A frame costs its reading, so no more of them than the sample keeps splats of.
        let every = usize::try_from(total.div_ceil(PaletteSampler::MOST_SAMPLES))
            .unwrap_or(1)
            .clamp(1, frames.max(1));
        let chosen = (every / 2..frames).step_by(every);
        let shown =
            chosen.clone().filter_map(|index| self.summary(index)).map(|summary| summary.splats).sum();
        let mut sampler = PaletteSampler::new(degree, shown);
        for index in chosen {
            sampler.add(&self.read_frame(index)?.splats);
        }
        match sampler.palette(options.profile, total) {
            Some(palette) => writer.push_palette(palette),
            None => Ok(()),
        }
    }

    /// Splats of all frames, by their headers.
    fn total_splats(&self) -> u64 {
        (0..self.frames().len()).filter_map(|index| self.summary(index)).map(|s| s.splats).sum()
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
        let total = self.total_splats();
        let worth = |level: &u8| {
            let segments = hierarchy.locate(*level, info.duration.max(1) - 1) + 1;
            let segments = u64::try_from(segments).unwrap_or(1).min(self.frames().len() as u64).max(1);
            total / segments >= u64::from(least)
        };
        let coarsest = u8::from(hierarchy.levels() > 1);
        (coarsest..hierarchy.levels()).rev().find(worth).unwrap_or(coarsest)
    }
}
