//! Images: arrays of colour layers, one layer a view.

use std::sync::Arc;

use ash::vk;
use gpu_allocator::MemoryLocation;
use gpu_allocator::vulkan::Allocation;

use super::create::{Device, Gpu};
use super::memory::{allocate, release};
use super::vk_error;
use crate::error::{Error, Result};

/// A colour format the renderer writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// 8-bit RGBA, stored as given.
    Rgba8,
    /// 16-bit float RGBA.
    Rgba16f,
    /// 32-bit float, one channel.
    R32f,
    /// 16-bit float, one channel.
    R16f,
}

impl Format {
    pub(super) const fn vk(self) -> vk::Format {
        match self {
            Self::Rgba8 => vk::Format::R8G8B8A8_UNORM,
            Self::Rgba16f => vk::Format::R16G16B16A16_SFLOAT,
            Self::R32f => vk::Format::R32_SFLOAT,
            Self::R16f => vk::Format::R16_SFLOAT,
        }
    }

    /// Bytes a texel.
    #[must_use]
    pub const fn texel_bytes(self) -> u64 {
        match self {
            Self::Rgba8 | Self::R32f => 4,
            Self::Rgba16f => 8,
            Self::R16f => 2,
        }
    }
}

/// A colour image array with its memory and one view of all layers.
#[derive(Debug)]
pub struct Image {
    device: Arc<Device>,
    pub(super) raw: vk::Image,
    pub(super) view: vk::ImageView,
    allocation: Option<Allocation>,
    /// Texel format.
    pub format: Format,
    /// Width, px.
    pub width: u32,
    /// Height, px.
    pub height: u32,
    /// Layers, one a view.
    pub layers: u32,
}

impl Image {
    /// An image that can be drawn to, sampled and copied from. Its contents are undefined.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a size the device cannot have; [`Error::OutOfMemory`].
    #[expect(unsafe_code, reason = "Vulkan")]
    pub fn new(gpu: &Gpu, name: &str, format: Format, size: (u32, u32), layers: u32) -> Result<Self> {
        let (width, height) = size;
        let device = Arc::clone(&gpu.0);
        let limits = device.capabilities;
        if width == 0 || height == 0 || width > limits.max_image || height > limits.max_image {
            return Err(Error::invalid(format!(
                "an image of {width}x{height} px: each side must be 1 to {} on {}",
                limits.max_image, device.report.name
            )));
        }
        if layers == 0 || layers > limits.max_views {
            return Err(Error::invalid(format!(
                "{layers} views: this device draws 1 to {} at once",
                limits.max_views
            )));
        }
        let info = vk::ImageCreateInfo::default()
            .image_type(vk::ImageType::TYPE_2D)
            .format(format.vk())
            .extent(vk::Extent3D { width, height, depth: 1 })
            .mip_levels(1)
            .array_layers(layers)
            .samples(vk::SampleCountFlags::TYPE_1)
            .tiling(vk::ImageTiling::OPTIMAL)
            .usage(
                vk::ImageUsageFlags::COLOR_ATTACHMENT
                    | vk::ImageUsageFlags::SAMPLED
                    | vk::ImageUsageFlags::TRANSFER_SRC,
            );
        // SAFETY: contracts 1 and 3.
        let raw = unsafe { device.raw.create_image(&info, None) }.map_err(vk_error("creating an image"))?;
        let view = vk::ImageView::null();
        let mut image = Self { device, raw, view, allocation: None, format, width, height, layers };
        // SAFETY: contract 1.
        let requirements = unsafe { image.device.raw.get_image_memory_requirements(raw) };
        let allocation = allocate(&image.device, name, requirements, MemoryLocation::GpuOnly, false)?;
        // SAFETY: the handle is only bound, never freed.
        let memory = unsafe { allocation.memory() };
        // SAFETY: contracts 1 and 3; the allocation was made for these requirements and is not bound yet.
        let bound = unsafe { image.device.raw.bind_image_memory(raw, memory, allocation.offset()) };
        image.allocation = Some(allocation);
        bound.map_err(vk_error("binding an image's memory"))?;
        let info = vk::ImageViewCreateInfo::default()
            .image(raw)
            .view_type(vk::ImageViewType::TYPE_2D_ARRAY)
            .format(format.vk())
            .subresource_range(all_layers(layers));
        // SAFETY: contracts 1 and 3.
        image.view = unsafe { image.device.raw.create_image_view(&info, None) }
            .map_err(vk_error("creating an image view"))?;
        image.device.name(raw, name);
        image.device.name(image.view, name);
        Ok(image)
    }

    /// Bytes of all layers, tightly packed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height) * u64::from(self.layers) * self.format.texel_bytes()
    }
}

impl Drop for Image {
    #[expect(unsafe_code, reason = "Vulkan")]
    fn drop(&mut self) {
        // SAFETY: contracts 1 and 2.
        unsafe { self.device.raw.destroy_image_view(self.view, None) };
        // SAFETY: contracts 1 and 2.
        unsafe { self.device.raw.destroy_image(self.raw, None) };
        release(&self.device, self.allocation.take());
    }
}

pub(super) fn all_layers(layers: u32) -> vk::ImageSubresourceRange {
    vk::ImageSubresourceRange::default()
        .aspect_mask(vk::ImageAspectFlags::COLOR)
        .level_count(1)
        .layer_count(layers)
}
