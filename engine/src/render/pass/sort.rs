//! Sort: two stable 8-bit passes over the cull's keys, reduce then scan. See `include/sort.glsl`.
//!
//! With no slots at all the offsets still run, so that the counts that the later passes read say zero.

use std::sync::Arc;

use vivant_shaders::generated::{HISTOGRAM, OFFSETS, SCAN, SCATTER};

use crate::error::Result;
use crate::gpu::{BindLayouts, ComputePipeline, Encoder};

/// Digits of 8 bits: rows of the histogram, workgroups of the scan.
const DIGITS: u32 = 256;

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

    /// One workgroup a block of the histogram and the scatter.
    pub(in crate::render) fn record(&self, encoder: &mut Encoder<'_>, blocks: u32) {
        for digit in 0..2 {
            encoder.push(digit);
            for (kernel, groups) in
                [(&self.histogram, blocks), (&self.scan, DIGITS), (&self.offsets, 1), (&self.scatter, blocks)]
            {
                if groups > 0 {
                    encoder.span(kernel.name);
                    encoder.dispatch(kernel, groups);
                    encoder.barrier();
                }
            }
        }
    }
}
