//! The passes of a frame, one file each. A pass owns its pipelines and records its dispatches; it ends with the barrier
//! that makes its results visible to the next.

mod composite;
mod cull;
mod project;
mod raster;
mod slice;
mod sort;

use std::sync::Arc;

pub(super) use composite::Composite;
pub(super) use cull::Cull;
pub(super) use project::Project;
pub(super) use raster::Raster;
pub(super) use slice::Slice;
pub(super) use sort::Sort;

use crate::error::Result;
use crate::gpu::BindLayouts;

/// The passes that do not depend on the target.
#[derive(Debug)]
pub(super) struct Passes {
    pub(super) slice: Slice,
    pub(super) cull: Cull,
    pub(super) sort: Sort,
    pub(super) project: Project,
}

impl Passes {
    pub(super) fn new(layouts: &Arc<BindLayouts>) -> Result<Self> {
        Ok(Self {
            slice: Slice::new(layouts)?,
            cull: Cull::new(layouts)?,
            sort: Sort::new(layouts)?,
            project: Project::new(layouts)?,
        })
    }
}
