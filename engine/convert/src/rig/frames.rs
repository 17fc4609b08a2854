//! From a rig to a clip: a sequence whose splats keep their identity. The only place here that knows the writer.

use rayon::prelude::*;
use vivant::Result;
use vivant::clip::{Writer, WriterOptions};

use super::Rig;
use crate::clip::Frames;
use crate::report::Report;
use crate::source::show_in_frame;

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
        let info = self.info();
        let total = (self.frames() as u64).saturating_mul(self.splats() as u64);
        let mut frames = Frames::new(writer, info, options, self.frames(), total, true)?;
        let ahead = rayon::current_num_threads().max(1);
        for first in (0..self.frames()).step_by(ahead) {
            let end = (first + ahead).min(self.frames());
            let baked: Vec<Result<_>> = (first..end).into_par_iter().map(|index| self.frame(index)).collect();
            for (index, splats) in (first..end).zip(baked) {
                let mut splats = splats?;
                show_in_frame(&mut splats, &info, index);
                frames.push(index, splats, None)?;
                progress(index + 1);
            }
        }
        frames.finish()?;
        Ok(self.report())
    }
}
