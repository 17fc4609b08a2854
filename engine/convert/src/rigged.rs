//! What joints carry, whatever it comes from: canonical splats, a binding each, and where the joints stand in each frame.
//! What every importer of rigs is to the rest of this crate, and the only place that knows their writer.

use std::path::PathBuf;

use vivant::clip::Writer;
use vivant::codec::RigWriter;
use vivant::rig::{Affine, Binding, Rig};
use vivant::splat::{ClipInfo, Splats};
use vivant::{Error, Result};

use crate::report::Report;

/// Splats that joints carry.
pub trait Rigged: Send + Sync + std::fmt::Debug {
    /// What the clip will be; without a duration there is one frame, where it stands unless the host drives it.
    fn info(&self) -> ClipInfo;

    /// Number of frames, at least one.
    fn frame_count(&self) -> usize;

    /// The files it comes from.
    fn files(&self) -> &[PathBuf];

    /// The joints.
    ///
    /// # Errors
    /// Where they cannot be.
    fn rig(&self) -> Result<Rig>;

    /// The canonical splats, each with its binding.
    ///
    /// # Errors
    /// Whatever is wrong with their file.
    fn splats(&self) -> Result<(Splats, Vec<Binding>)>;

    /// Where each joint stands in frame `index`: `object_from_joint`.
    ///
    /// # Errors
    /// Whatever is wrong with its file.
    fn joints(&self, index: usize) -> Result<Vec<Affine>>;

    /// What was read and assumed.
    fn report(&self) -> Report {
        Report::default()
    }
}

/// Converts into a writer that was started with the source's info. `progress` gets the number of frames done.
pub(crate) fn push_rigged(
    source: &dyn Rigged,
    writer: &mut Writer,
    progress: &mut dyn FnMut(usize),
) -> Result<Report> {
    // What the writer refuses is a fault of the files.
    let named = |error: Error| match error {
        Error::InvalidArgument { what } => {
            let first = source.files().first().map(|first| first.display().to_string()).unwrap_or_default();
            Error::invalid(if what.contains(&first) { what } else { format!("{first}: {what}") })
        }
        other => other,
    };
    let (splats, bindings) = source.splats()?;
    let rig = source.rig().map_err(named)?;
    let mut report = source.report();
    let joints = rig.joints().len();
    let mut rigs = RigWriter::new(writer, rig, splats, bindings).map_err(named)?;
    for index in 0..source.frame_count() {
        rigs.push_frame(&source.joints(index)?).map_err(named)?;
        progress(index + 1);
    }
    let told = rigs.finish().map_err(named)?;
    report.note(format!(
        "{joints} joints carry the splats; storing where they stand moves none by more than {:.2} mm",
        told.joint_error_metres * 1e3
    ));
    Ok(report)
}
