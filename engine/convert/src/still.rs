//! What readers of splats that stand still have in common: the bytes of the file, fields in them, the last steps.

use std::path::Path;

use vivant::splat::Splats;
use vivant::{Error, Result};

use crate::report::Report;
use crate::source::Imported;
use crate::{Axes, cleanse};

/// Most bytes of a file that is read at once.
const MAX_FILE: u64 = 16 << 30;

/// All of a file.
///
/// # Errors
/// [`Error::Io`]; [`Error::InvalidArgument`] for what is no ordinary file, which might never end.
pub(crate) fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    let metadata = std::fs::metadata(path).map_err(|source| Error::io(path, "cannot open", source))?;
    if !metadata.is_file() {
        return Err(Error::invalid(format!("{}: not an ordinary file; give a file", path.display())));
    }
    if metadata.len() > MAX_FILE {
        let what = format!("{}: bytes of a file read at once", path.display());
        return Err(Error::LimitExceeded { what, value: metadata.len(), limit: MAX_FILE });
    }
    std::fs::read(path).map_err(|source| Error::io(path, "cannot read", source))
}

/// The word at a byte offset, if the bytes reach so far.
pub(crate) fn word_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|raw| u32::from_le_bytes(*raw))
}

/// The half word at a byte offset.
pub(crate) fn half_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|raw| u16::from_le_bytes(*raw))
}

/// The float at a byte offset.
pub(crate) fn float_at(bytes: &[u8], at: usize) -> Option<f32> {
    word_at(bytes, at).map(f32::from_bits)
}

/// Refuses more splats than one frame may have.
pub(crate) fn check_count(file: &str, splats: u64) -> Result<()> {
    let limit = crate::ply::MAX_SPLATS;
    if splats > limit {
        let what = format!("{file}: splats in one file");
        return Err(Error::LimitExceeded { what, value: splats, limit });
    }
    Ok(())
}

/// Cleanses activated splats and turns them from the file's axes to ours. `field` at `offset` is where the file has them.
///
/// # Errors
/// [`Error::Malformed`] when no splat can be used.
pub(crate) fn finish(
    file: &str,
    field: &str,
    offset: u64,
    mut splats: Splats,
    mut report: Report,
    axes: Axes,
) -> Result<Imported> {
    let dropped = match cleanse::cleanse(file, offset, &mut splats, &mut report) {
        Err(Error::Malformed { why, .. }) => return Err(Error::malformed(file, field, offset, why)),
        other => other?,
    };
    axes.apply(&mut splats);
    let ids = cleanse::kept(splats.len() + dropped.len(), &dropped);
    Ok(Imported { splats, ids, report })
}
