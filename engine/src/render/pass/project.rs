//! Project: every visible splat onto every view, in drawing order. See `project/project.comp`.

use std::mem::offset_of;
use std::sync::Arc;

use vivant_shaders::generated::PROJECT;
use vivant_shaders::layout::Counts;

use crate::error::Result;
use crate::gpu::{BindLayouts, Buffer, ComputePipeline, Encoder};

/// The pass.
#[derive(Debug)]
pub(in crate::render) struct Project {
    plain: ComputePipeline,
    looks: ComputePipeline,
}

impl Project {
    pub(in crate::render) fn new(layouts: &Arc<BindLayouts>) -> Result<Self> {
        Ok(Self {
            plain: ComputePipeline::new(layouts, &PROJECT)?,
            looks: ComputePipeline::with_looks(layouts, &PROJECT, true)?,
        })
    }

    /// One lane a visible splat; the sort has written how many there are.
    pub(in crate::render) fn record(&self, encoder: &mut Encoder<'_>, counts: &Buffer, looks: bool) {
        let kernel = if looks { &self.looks } else { &self.plain };
        encoder.span(kernel.name);
        encoder.dispatch_indirect(kernel, counts, offset_of!(Counts, dispatch) as u64);
        encoder.barrier();
    }
}
