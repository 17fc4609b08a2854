//! A canvas: everything that depends on the size and number of views. Accumulation images, the picture and its depth,
//! the pipelines that draw into them, and the buffers through which the host reads them.

use std::sync::Arc;

use super::pass::{Composite, Raster};
use crate::error::{Error, Result};
use crate::gpu::{BindLayouts, Buffer, BufferKind, Encoder, Format, Gpu, Image, RasterTarget};
use crate::picture;

/// What a canvas is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CanvasDescription {
    /// Width of each view, px.
    pub width: u32,
    /// Height of each view, px.
    pub height: u32,
    /// Number of views, one layer each.
    pub views: u32,
    /// Format of the picture: [`Format::Rgba8`] or [`Format::Rgba16f`].
    pub format: Format,
    /// Format in which splats are blended: [`Format::Rgba16f`] for quality, [`Format::Rgba8`] for bandwidth.
    pub accumulation: Format,
    /// Whether depth is written too.
    pub depth: bool,
}

impl CanvasDescription {
    /// A canvas of 8-bit pictures blended in 16-bit float, without depth.
    #[must_use]
    pub const fn new(width: u32, height: u32, views: u32) -> Self {
        Self { width, height, views, format: Format::Rgba8, accumulation: Format::Rgba16f, depth: false }
    }
}

/// What a canvas shows, read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Pixels {
    /// One picture a view, premultiplied, in the encoding it was drawn with.
    pub images: Vec<picture::Image>,
    /// Depth of all views, `[views, height, width]`, metres along −Z, infinity where nothing is; empty without depth.
    pub depth: Vec<f32>,
}

/// Images and pipelines for one size and number of views. Dropping it waits for the GPU: not for the frame path.
#[derive(Debug)]
pub struct Canvas {
    raster: Raster,
    composite: Composite,
    accumulation: RasterTarget,
    output: RasterTarget,
    _accumulated: Vec<Image>,
    colour: Image,
    depth: Option<Image>,
    colour_readback: Option<Buffer>,
    depth_readback: Option<Buffer>,
    gpu: Gpu,
}

impl Canvas {
    pub(super) fn new(gpu: &Gpu, layouts: &Arc<BindLayouts>, what: &CanvasDescription) -> Result<Self> {
        let size = (what.width, what.height);
        let image = |name: &str, format: Format| Image::new(gpu, name, format, size, what.views);
        if !matches!(what.format, Format::Rgba8 | Format::Rgba16f)
            || !matches!(what.accumulation, Format::Rgba8 | Format::Rgba16f)
        {
            return Err(Error::invalid("a picture is Rgba8 or Rgba16f"));
        }
        let sum_format = if gpu.capabilities().blend_rg32f { Format::Rg32f } else { Format::Rg16f };
        let mut accumulated = vec![image("accumulated colour", what.accumulation)?];
        if what.depth {
            accumulated.push(image("accumulated depth", sum_format)?);
        }
        let colour = image("picture", what.format)?;
        let depth = what.depth.then(|| image("depth", Format::R32f)).transpose()?;
        let sources: Vec<&Image> = accumulated.iter().collect();
        let accumulation = RasterTarget::new(gpu, "accumulation", &sources, false)?;
        let outputs: Vec<&Image> = std::iter::once(&colour).chain(&depth).collect();
        let output = RasterTarget::new(gpu, "picture", &outputs, true)?;
        Ok(Self {
            raster: Raster::new(layouts, &accumulation, what.depth)?,
            composite: Composite::new(layouts, &output, sources[0], sources.get(1).copied())?,
            accumulation,
            output,
            _accumulated: accumulated,
            colour,
            depth,
            colour_readback: None,
            depth_readback: None,
            gpu: gpu.clone(),
        })
    }

    /// Number of views.
    #[must_use]
    pub fn layers(&self) -> u32 {
        self.colour.layers
    }

    /// Width and height of each view, px.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        (self.colour.width, self.colour.height)
    }

    pub(super) fn raster(&self) -> &Raster {
        &self.raster
    }

    pub(super) fn composite(&self) -> &Composite {
        &self.composite
    }

    pub(super) fn accumulation(&self) -> &RasterTarget {
        &self.accumulation
    }

    pub(super) fn output(&self) -> &RasterTarget {
        &self.output
    }

    /// Makes the buffers that [`Self::record_copies`] fills, once.
    pub(super) fn prepare_readback(&mut self) -> Result<()> {
        let buffer = |image: &Image| Buffer::new(&self.gpu, "readback", image.bytes(), BufferKind::Readback);
        if self.colour_readback.is_none() {
            self.colour_readback = Some(buffer(&self.colour)?);
        }
        if let (Some(depth), None) = (&self.depth, &self.depth_readback) {
            self.depth_readback = Some(buffer(depth)?);
        }
        Ok(())
    }

    /// Records the copies to the host.
    pub(super) fn record_copies(&self, encoder: &mut Encoder<'_>) {
        for (image, buffer) in
            [(Some(&self.colour), &self.colour_readback), (self.depth.as_ref(), &self.depth_readback)]
        {
            if let (Some(image), Some(buffer)) = (image, buffer) {
                encoder.copy_image(image, buffer);
            }
        }
        encoder.barrier();
    }

    /// What the copies brought.
    pub(super) fn pixels(&mut self) -> Result<Pixels> {
        let (width, height) = self.size();
        let texels = width as usize * height as usize;
        let format = self.colour.format;
        let bytes = self.colour_readback.as_mut().map(Buffer::mapped).unwrap_or_default();
        let mut images = Vec::new();
        for layer in bytes.chunks_exact(texels * usize::try_from(format.texel_bytes()).unwrap_or(4)) {
            images.push(if format == Format::Rgba8 {
                picture::Image::from_premultiplied_rgba8(width, height, layer)?
            } else {
                let pixels = layer.chunks_exact(8).map(half_pixel).collect();
                picture::Image { width, height, pixels }
            });
        }
        let depth = self.depth_readback.as_mut().map(Buffer::mapped).unwrap_or_default();
        let depth = depth.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        Ok(Pixels { images, depth })
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        // The last frames may still be drawing into these images.
        self.gpu.wait_idle();
    }
}

fn half_pixel(bytes: &[u8]) -> [f32; 4] {
    [0, 2, 4, 6].map(|i| half::f16::from_le_bytes([bytes[i], bytes[i + 1]]).to_f32())
}
