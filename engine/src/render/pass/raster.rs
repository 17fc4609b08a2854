//! Raster: all splats of all views in one draw, back to front, blended in the frame's colour domain. See `raster/splat.vert`.

use std::mem::offset_of;
use std::sync::Arc;

use vivant_shaders::generated::{SPLAT_DEPTH_FRAG, SPLAT_FRAG, SPLAT_VERT};
use vivant_shaders::layout::Counts;

use crate::error::Result;
use crate::gpu::{
    BindLayouts, BindSet, Blend, Buffer, Encoder, RasterDescription, RasterPipeline, RasterTarget,
};

/// The pass, for targets with or without a depth sum.
#[derive(Debug)]
pub(in crate::render) struct Raster {
    plain: RasterPipeline,
    looks: RasterPipeline,
}

impl Raster {
    pub(in crate::render) fn new(
        layouts: &Arc<BindLayouts>,
        target: &RasterTarget,
        depth: bool,
    ) -> Result<Self> {
        let description = |looks| RasterDescription {
            name: "raster",
            vertex: &SPLAT_VERT,
            fragment: if depth { &SPLAT_DEPTH_FRAG } else { &SPLAT_FRAG },
            blend: Blend::Over,
            looks,
        };
        Ok(Self {
            plain: RasterPipeline::new(layouts, target, &description(false))?,
            looks: RasterPipeline::new(layouts, target, &description(true))?,
        })
    }

    /// One instance a visible splat; the sort has written how many there are.
    pub(in crate::render) fn record(
        &self,
        encoder: &mut Encoder<'_>,
        target: &RasterTarget,
        set: &BindSet,
        counts: &Buffer,
        looks: bool,
    ) {
        encoder.span("raster");
        encoder.begin_raster(target, set);
        encoder.draw_indirect(
            if looks { &self.looks } else { &self.plain },
            counts,
            offset_of!(Counts, draw) as u64,
        );
        encoder.end_raster();
    }
}
