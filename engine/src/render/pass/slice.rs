//! Slice: live clusters at the media time, moved into the world. See `slice/slice.comp`.

use std::sync::Arc;

use vivant_shaders::generated::SLICE;

use crate::error::Result;
use crate::gpu::{BindLayouts, ComputePipeline, Encoder};

/// The pass.
#[derive(Debug)]
pub(in crate::render) struct Slice {
    kernel: ComputePipeline,
}

impl Slice {
    pub(in crate::render) fn new(layouts: &Arc<BindLayouts>) -> Result<Self> {
        Ok(Self { kernel: ComputePipeline::new(layouts, &SLICE)? })
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
