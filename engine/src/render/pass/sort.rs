//! Sort: two stable 9-bit passes over the cull's keys, reduce then scan. See `include/sort.glsl`.
//!
//! With no slots at all the offsets still run, so that the counts that the later passes read say zero.

use std::sync::Arc;

use vivant_shaders::generated::{HISTOGRAM, OFFSETS, SCAN, SCATTER, SORT_GROUP};

use crate::error::Result;
use crate::gpu::{BindLayouts, ComputePipeline, Encoder};

/// The pass.
#[derive(Debug)]
pub(in crate::render) struct Sort {
    histogram: ComputePipeline,
    scan: ComputePipeline,
    offsets: ComputePipeline,
    scatter: ComputePipeline,
}

impl Sort {
    pub(in crate::render) fn new(layouts: &Arc<BindLayouts>) -> Result<Self> {
        Ok(Self {
            histogram: ComputePipeline::new(layouts, &HISTOGRAM)?,
            scan: ComputePipeline::new(layouts, &SCAN)?,
            offsets: ComputePipeline::new(layouts, &OFFSETS)?,
            scatter: ComputePipeline::new(layouts, &SCATTER)?,
        })
    }

    /// One workgroup a block for the histogram and the scatter, one a group of blocks for the scan.
    pub(in crate::render) fn record(&self, encoder: &mut Encoder<'_>, blocks: u32) {
        for digit in 0..2 {
            encoder.push(digit);
            for (kernel, groups) in [
                (&self.histogram, blocks),
                (&self.scan, blocks.div_ceil(SORT_GROUP)),
                (&self.offsets, 1),
                (&self.scatter, blocks),
            ] {
                if groups > 0 {
                    encoder.span(kernel.name);
                    encoder.dispatch(kernel, groups);
                    encoder.barrier();
                }
            }
        }
    }
}
