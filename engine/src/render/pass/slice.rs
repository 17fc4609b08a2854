//! Slice: live clusters at the media time, moved into the world. See `slice/slice.comp`, and `slice/carry.comp` for splats
//! that joints carry.

use std::sync::Arc;

use vivant_shaders::generated::{CARRY, SLICE};

use crate::error::Result;
use crate::gpu::{BindLayouts, ComputePipeline, Encoder};

/// The pass.
#[derive(Debug)]
pub(in crate::render) struct Slice {
    kernel: ComputePipeline,
    carry: ComputePipeline,
}

impl Slice {
    pub(in crate::render) fn new(layouts: &Arc<BindLayouts>) -> Result<Self> {
        Ok(Self {
            kernel: ComputePipeline::new(layouts, &SLICE)?,
            carry: ComputePipeline::new(layouts, &CARRY)?,
        })
    }

    /// One workgroup a cluster; of those that joints carry, if there are any, in a second dispatch.
    pub(in crate::render) fn record(&self, encoder: &mut Encoder<'_>, groups: u32, carries: bool) {
        if groups > 0 {
            encoder.span(self.kernel.name);
            encoder.dispatch(&self.kernel, groups);
            if carries {
                // Other slots than the first's: nothing to wait for.
                encoder.span(self.carry.name);
                encoder.dispatch(&self.carry, groups);
            }
            encoder.barrier();
        }
    }
}
