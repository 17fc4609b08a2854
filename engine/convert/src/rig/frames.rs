//! A rig as a sequence of frames whose splats keep their identity, which is their index.

use std::path::PathBuf;

use vivant::Result;
use vivant::clip::{Writer, WriterOptions};
use vivant::splat::ClipInfo;

use super::Rig;
use crate::clip::push_sequence;
use crate::report::Report;
use crate::sequence::Sequence;
use crate::source::Imported;

impl Sequence for Rig {
    fn info(&self) -> ClipInfo {
        self.info()
    }

    fn frame_count(&self) -> usize {
        self.frames()
    }

    fn files(&self) -> &[PathBuf] {
        self.files()
    }

    fn splats_in(&self, _index: usize) -> u64 {
        self.splats() as u64
    }

    fn read_frame(&self, index: usize) -> Result<Imported> {
        Ok(Imported { splats: self.frame(index)?, ids: None, report: Report::default() })
    }

    fn keeps_identity(&self) -> Result<bool> {
        Ok(true)
    }

    fn report(&self) -> Report {
        self.report()
    }
}

impl Rig {
    /// Converts into a writer that the caller started with [`Rig::info`] and finishes. `progress` gets the number of
    /// frames done.
    ///
    /// # Errors
    /// [`vivant::Error::Io`] for the clip.
    pub fn push_frames(
        &self,
        writer: &mut Writer,
        options: &WriterOptions,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Report> {
        push_sequence(self, writer, options, progress)
    }
}
