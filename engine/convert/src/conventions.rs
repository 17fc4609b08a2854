//! How trainers lay out the files of a sequence in folders, so that the folder alone need be named. Looks at names only.
//!
//! ```text
//! frames/0001/point_cloud.ply                                            QUEEN
//! checkpoint/F/point_cloud/iteration_N/point_cloud.ply                   VideoGS; the highest N
//! point_cloud/iteration_N/point_cloud.ply                                INRIA's trainer: one scene; the highest N
//! gaussian_pertimestamp/time_00001.ply, ckt/point_cloud_F.ply            4DGaussians, DualGS
//! ```
//! The folder around `frames`, `checkpoint`, `gaussian_pertimestamp` or `ckt` means that folder, unless it holds several PLY
//! files itself.

use std::path::{Path, PathBuf};

use vivant::Result;

use crate::probe::names_in;

/// Folders that trainers put a sequence in.
const SEQUENCES: [&str; 4] = ["frames", "checkpoint", "gaussian_pertimestamp", "ckt"];

/// Those of them whose files all hold the same splats in the same order.
const IN_ORDER: [&str; 2] = ["gaussian_pertimestamp", "ckt"];

/// The folder meant by `folder`: itself, or the one below that holds the sequence.
pub(crate) fn folder_of(folder: &Path, files: usize) -> PathBuf {
    let below = SEQUENCES.iter().map(|name| folder.join(name)).find(|below| below.is_dir());
    below.filter(|_| files < 2).unwrap_or_else(|| folder.to_owned())
}

/// The file of highest iteration in `point_cloud/iteration_N/` below `folder`, or in `iteration_N/` where the folder
/// itself is a `point_cloud`.
///
/// # Errors
/// [`vivant::Error::Io`] when a folder cannot be listed.
pub(crate) fn last_iteration(folder: &Path) -> Result<Option<PathBuf>> {
    let below = folder.join("point_cloud");
    let holder = if below.is_dir() { below } else { folder.to_owned() };
    let iterations = names_in(&holder)?.into_iter().filter_map(|name| {
        let number: u64 = name.strip_prefix("iteration_")?.parse().ok()?;
        let file = holder.join(&name).join("point_cloud.ply");
        file.is_file().then_some((number, file))
    });
    Ok(iterations.max().map(|(_, file)| file))
}

/// Whether frames lie where a trainer puts the same splats in the same order.
pub(crate) fn in_order(frames: &[PathBuf]) -> bool {
    let named = |file: &PathBuf| {
        let folder = file.parent().and_then(Path::file_name);
        folder.is_some_and(|folder| IN_ORDER.iter().any(|name| folder == *name))
    };
    !frames.is_empty() && frames.iter().all(named)
}
