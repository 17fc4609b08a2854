//! Splats as a PLY in the INRIA layout.

use std::path::Path;

use vivant::Result;
use vivant::splat::{Appearance, Splats};

use crate::Axes;
use crate::ply::write_splats;

/// Writes the file, on the axes that every reader of the layout expects.
pub(super) fn write(path: &Path, splats: &Splats, _appearance: &Appearance) -> Result<()> {
    write_splats(path, splats, Axes::RDF)
}
