//! Splats as an SPZ file.

use std::path::Path;

use vivant::splat::{Appearance, Splats};
use vivant::{Error, Result};

use crate::spz::bytes_of_splats;

/// Writes the file.
pub(super) fn write(path: &Path, splats: &Splats, appearance: &Appearance) -> Result<()> {
    let bytes = bytes_of_splats(splats, appearance)?;
    std::fs::write(path, bytes).map_err(|source| Error::io(path, "cannot write", source))
}
