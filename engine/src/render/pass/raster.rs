//! Raster: all splats of all views in one draw, back to front, blended in sRGB-encoded space. See `raster/splat.vert`.

use std::mem::offset_of;
use std::sync::Arc;

use vivant_shaders::generated::{SPLAT_DEPTH_FRAG, SPLAT_FRAG, SPLAT_VERT};
use vivant_shaders::layout::Counts;

use crate::error::Result;
use crate::gpu::{BindLayouts, Blend, Buffer, Encoder, RasterDescription, RasterPipeline, RasterTarget};

/// The pass, for targets with or without a depth sum.
#[derive(Debug)]
pub(in crate::render) struct Raster {
    pipeline: RasterPipeline,
}

impl Raster {
    pub(in crate::render) fn new(
        layouts: &Arc<BindLayouts>,
        target: &RasterTarget,
        depth: bool,
    ) -> Result<Self> {
        let description = RasterDescription {
            name: "raster",
            vertex: &SPLAT_VERT,
            fragment: if depth { &SPLAT_DEPTH_FRAG } else { &SPLAT_FRAG },
            blend: Blend::Over,
        };
        Ok(Self { pipeline: RasterPipeline::new(layouts, target, &description)? })
    }

    /// One instance a visible splat; the sort has written how many there are.
    pub(in crate::render) fn record(
        &self,
        encoder: &mut Encoder<'_>,
        target: &RasterTarget,
        counts: &Buffer,
    ) {
        encoder.span("raster");
        encoder.begin_raster(target);
        encoder.draw_indirect(&self.pipeline, counts, offset_of!(Counts, draw) as u64);
        encoder.end_raster();
    }
}
