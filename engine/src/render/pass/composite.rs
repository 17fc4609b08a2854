//! Composite: the accumulated picture into the target, its colour converted once. See `composite/composite.frag`.

use std::sync::Arc;

use vivant_shaders::generated::{COMPOSITE_DEPTH_FRAG, COMPOSITE_FRAG, COMPOSITE_VERT};

use crate::error::Result;
use crate::gpu::{
    BindLayouts, BindSet, Blend, Encoder, Image, RasterDescription, RasterPipeline, RasterTarget,
};

/// The pass, bound to the images it reads.
#[derive(Debug)]
pub(in crate::render) struct Composite {
    pipeline: RasterPipeline,
    images: BindSet,
}

impl Composite {
    pub(in crate::render) fn new(
        layouts: &Arc<BindLayouts>,
        target: &RasterTarget,
        colour: &Image,
        depth: Option<&Image>,
    ) -> Result<Self> {
        let description = RasterDescription {
            name: "composite",
            vertex: &COMPOSITE_VERT,
            fragment: if depth.is_some() { &COMPOSITE_DEPTH_FRAG } else { &COMPOSITE_FRAG },
            blend: Blend::Replace,
            looks: false,
        };
        Ok(Self {
            pipeline: RasterPipeline::new(layouts, target, &description)?,
            images: BindSet::images(layouts, "composite images", colour, depth)?,
        })
    }

    /// One triangle over the target.
    pub(in crate::render) fn record(&self, encoder: &mut Encoder<'_>, target: &RasterTarget, set: &BindSet) {
        encoder.span("composite");
        encoder.begin_raster(target, set);
        encoder.bind_images(&self.images);
        encoder.draw(&self.pipeline, 3);
        encoder.end_raster();
    }
}
