//! Cull: which sliced splats any view can see, and their keys. See `cull/cull.comp`.

use std::sync::Arc;

use vivant_shaders::generated::CULL;

use crate::error::Result;
use crate::gpu::{BindLayouts, ComputePipeline, Encoder};

/// The pass.
#[derive(Debug)]
pub(in crate::render) struct Cull {
    kernel: ComputePipeline,
}

impl Cull {
    pub(in crate::render) fn new(layouts: &Arc<BindLayouts>) -> Result<Self> {
        Ok(Self { kernel: ComputePipeline::new(layouts, &CULL)? })
    }

    /// One workgroup a cluster.
    pub(in crate::render) fn record(&self, encoder: &mut Encoder<'_>, groups: u32) {
        if groups > 0 {
            encoder.span(self.kernel.name);
            encoder.dispatch(&self.kernel, groups);
            encoder.barrier();
        }
    }
}
