//! Drawing: a target of one or two colour attachments that all views share (multiview), and pipelines for it.

use std::sync::Arc;

use ash::vk;
use vivant_shaders::Kernel;

use super::create::{Device, Gpu};
use super::image::{Format, Image};
use super::pipeline::{BindLayouts, Constants, MAIN, ShaderModule};
use super::vk_error;
use crate::error::Result;

/// How fragments meet what is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blend {
    /// Replace it.
    Replace,
    /// Premultiplied, over it.
    Over,
}

/// What a raster pipeline is made of.
#[derive(Debug, Clone, Copy)]
pub struct RasterDescription<'a> {
    /// Name of the pipeline.
    pub name: &'static str,
    /// Vertex shader.
    pub vertex: &'a Kernel,
    /// Fragment shader, one output an attachment.
    pub fragment: &'a Kernel,
    /// Blending of every attachment.
    pub blend: Blend,
    /// The shaders' constant `LOOKS`.
    pub looks: bool,
}

/// One or two image arrays that are drawn to together, all layers at once, cleared first.
#[derive(Debug)]
pub struct RasterTarget {
    device: Arc<Device>,
    pub(super) pass: vk::RenderPass,
    pub(super) framebuffer: vk::Framebuffer,
    pub(super) extent: vk::Extent2D,
    pub(super) attachments: u32,
}

impl RasterTarget {
    /// A target over `images`, which must agree in size and layers. They are cleared to zero when drawing begins and
    /// are left ready for sampling, or for copying when `for_copy`.
    ///
    /// # Errors
    /// When the device is out of memory or lost.
    pub fn new(gpu: &Gpu, name: &str, images: &[&Image], for_copy: bool) -> Result<Self> {
        let device = Arc::clone(&gpu.0);
        let layers = images.first().map_or(1, |i| i.layers);
        let formats: Vec<Format> = images.iter().map(|i| i.format).collect();
        let pass = create_pass(&device, &formats, layers, for_copy)?;
        let extent = vk::Extent2D {
            width: images.first().map_or(1, |i| i.width),
            height: images.first().map_or(1, |i| i.height),
        };
        let mut target = Self {
            device,
            pass,
            framebuffer: vk::Framebuffer::null(),
            extent,
            attachments: u32::try_from(images.len()).unwrap_or(0),
        };
        target.framebuffer = create_framebuffer(&target.device, pass, images, extent)?;
        target.device.name(target.pass, name);
        target.device.name(target.framebuffer, name);
        Ok(target)
    }
}

#[expect(unsafe_code, reason = "Vulkan")]
fn create_framebuffer(
    device: &Device,
    pass: vk::RenderPass,
    images: &[&Image],
    extent: vk::Extent2D,
) -> Result<vk::Framebuffer> {
    let views: Vec<_> = images.iter().map(|i| i.view).collect();
    let info = vk::FramebufferCreateInfo::default()
        .render_pass(pass)
        .attachments(&views)
        .width(extent.width)
        .height(extent.height)
        .layers(1);
    // SAFETY: contracts 1 and 3.
    unsafe { device.raw.create_framebuffer(&info, None) }.map_err(vk_error("creating a framebuffer"))
}

#[expect(unsafe_code, reason = "Vulkan")]
fn create_pass(device: &Device, formats: &[Format], layers: u32, for_copy: bool) -> Result<vk::RenderPass> {
    let (last_layout, next_stage, next_access) = if for_copy {
        (
            vk::ImageLayout::TRANSFER_SRC_OPTIMAL,
            vk::PipelineStageFlags::TRANSFER,
            vk::AccessFlags::TRANSFER_READ,
        )
    } else {
        (
            vk::ImageLayout::SHADER_READ_ONLY_OPTIMAL,
            vk::PipelineStageFlags::FRAGMENT_SHADER,
            vk::AccessFlags::SHADER_READ,
        )
    };
    let attachments: Vec<_> = formats
        .iter()
        .map(|format| {
            vk::AttachmentDescription::default()
                .format(format.vk())
                .samples(vk::SampleCountFlags::TYPE_1)
                .load_op(vk::AttachmentLoadOp::CLEAR)
                .store_op(vk::AttachmentStoreOp::STORE)
                .stencil_load_op(vk::AttachmentLoadOp::DONT_CARE)
                .stencil_store_op(vk::AttachmentStoreOp::DONT_CARE)
                .initial_layout(vk::ImageLayout::UNDEFINED)
                .final_layout(last_layout)
        })
        .collect();
    let references: Vec<_> = (0_u32..)
        .zip(formats)
        .map(|(index, _)| {
            vk::AttachmentReference::default()
                .attachment(index)
                .layout(vk::ImageLayout::COLOR_ATTACHMENT_OPTIMAL)
        })
        .collect();
    let subpasses = [vk::SubpassDescription::default()
        .pipeline_bind_point(vk::PipelineBindPoint::GRAPHICS)
        .color_attachments(&references)];
    // Before: whoever read these images last frame. After: whoever reads them next.
    let written = vk::AccessFlags::COLOR_ATTACHMENT_WRITE | vk::AccessFlags::COLOR_ATTACHMENT_READ;
    let dependencies = [
        vk::SubpassDependency::default()
            .src_subpass(vk::SUBPASS_EXTERNAL)
            .dst_subpass(0)
            .src_stage_mask(next_stage | vk::PipelineStageFlags::COLOR_ATTACHMENT_OUTPUT)
            .src_access_mask(vk::AccessFlags::COLOR_ATTACHMENT_WRITE)
            .dst_stage_mask(vk::PipelineStageFlags::COLOR_ATTACHMENT_OUTPUT)
            .dst_access_mask(written),
        vk::SubpassDependency::default()
            .src_subpass(0)
            .dst_subpass(vk::SUBPASS_EXTERNAL)
            .src_stage_mask(vk::PipelineStageFlags::COLOR_ATTACHMENT_OUTPUT)
            .src_access_mask(vk::AccessFlags::COLOR_ATTACHMENT_WRITE)
            .dst_stage_mask(next_stage)
            .dst_access_mask(next_access),
    ];
    let masks = [(1_u32 << layers) - 1];
    let mut multiview =
        vk::RenderPassMultiviewCreateInfo::default().view_masks(&masks).correlation_masks(&masks);
    let info = vk::RenderPassCreateInfo::default()
        .attachments(&attachments)
        .subpasses(&subpasses)
        .dependencies(&dependencies)
        .push_next(&mut multiview);
    // SAFETY: contracts 1 and 3.
    unsafe { device.raw.create_render_pass(&info, None) }.map_err(vk_error("creating a render pass"))
}

impl Drop for RasterTarget {
    #[expect(unsafe_code, reason = "Vulkan")]
    fn drop(&mut self) {
        // SAFETY: contracts 1 and 2.
        unsafe { self.device.raw.destroy_framebuffer(self.framebuffer, None) };
        // SAFETY: contracts 1 and 2.
        unsafe { self.device.raw.destroy_render_pass(self.pass, None) };
    }
}

/// A pipeline that draws into a [`RasterTarget`] (or any target of the same formats and layers).
#[derive(Debug)]
pub struct RasterPipeline {
    layouts: Arc<BindLayouts>,
    pub(super) raw: vk::Pipeline,
}

impl RasterPipeline {
    /// Compiles the shaders for `target`. Vertices are pulled from buffers: four a quad as a strip, or three.
    ///
    /// # Errors
    /// When the driver refuses it.
    #[expect(unsafe_code, reason = "Vulkan")]
    pub fn new(
        layouts: &Arc<BindLayouts>,
        target: &RasterTarget,
        what: &RasterDescription<'_>,
    ) -> Result<Self> {
        let device = &layouts.device;
        let vertex = ShaderModule::new(device, what.vertex)?;
        let fragment = ShaderModule::new(device, what.fragment)?;
        let constants = Constants::new(what.looks);
        let constants = constants.info();
        let stages = [(vk::ShaderStageFlags::VERTEX, &vertex), (vk::ShaderStageFlags::FRAGMENT, &fragment)]
            .map(|(stage, module)| {
                vk::PipelineShaderStageCreateInfo::default()
                    .stage(stage)
                    .module(module.raw)
                    .specialization_info(&constants)
                    .name(MAIN)
            });
        let input = vk::PipelineVertexInputStateCreateInfo::default();
        let assembly = vk::PipelineInputAssemblyStateCreateInfo::default()
            .topology(vk::PrimitiveTopology::TRIANGLE_STRIP);
        let viewport = vk::PipelineViewportStateCreateInfo::default().viewport_count(1).scissor_count(1);
        let rasterization = vk::PipelineRasterizationStateCreateInfo::default()
            .polygon_mode(vk::PolygonMode::FILL)
            .cull_mode(vk::CullModeFlags::NONE)
            .line_width(1.0);
        let multisample = vk::PipelineMultisampleStateCreateInfo::default()
            .rasterization_samples(vk::SampleCountFlags::TYPE_1);
        let blend = vk::PipelineColorBlendAttachmentState::default()
            .color_write_mask(vk::ColorComponentFlags::RGBA)
            .blend_enable(what.blend == Blend::Over)
            .src_color_blend_factor(vk::BlendFactor::ONE)
            .dst_color_blend_factor(vk::BlendFactor::ONE_MINUS_SRC_ALPHA)
            .color_blend_op(vk::BlendOp::ADD)
            .src_alpha_blend_factor(vk::BlendFactor::ONE)
            .dst_alpha_blend_factor(vk::BlendFactor::ONE_MINUS_SRC_ALPHA)
            .alpha_blend_op(vk::BlendOp::ADD);
        // Equal for all attachments, so `independentBlend` is not needed.
        let blends = [blend; 2];
        let attached = &blends[..(target.attachments as usize).min(blends.len())];
        let blending = vk::PipelineColorBlendStateCreateInfo::default().attachments(attached);
        let dynamic = [vk::DynamicState::VIEWPORT, vk::DynamicState::SCISSOR];
        let dynamic = vk::PipelineDynamicStateCreateInfo::default().dynamic_states(&dynamic);
        let info = [vk::GraphicsPipelineCreateInfo::default()
            .stages(&stages)
            .vertex_input_state(&input)
            .input_assembly_state(&assembly)
            .viewport_state(&viewport)
            .rasterization_state(&rasterization)
            .multisample_state(&multisample)
            .color_blend_state(&blending)
            .dynamic_state(&dynamic)
            .layout(layouts.pipeline)
            .render_pass(target.pass)];
        // SAFETY: contracts 1 and 3.
        let made = unsafe { device.raw.create_graphics_pipelines(vk::PipelineCache::null(), &info, None) };
        let pipelines = made.map_err(|(_, e)| vk_error("creating a raster pipeline")(e))?;
        let raw = pipelines.first().copied().unwrap_or_default();
        device.name(raw, what.name);
        Ok(Self { layouts: Arc::clone(layouts), raw })
    }
}

impl Drop for RasterPipeline {
    #[expect(unsafe_code, reason = "Vulkan")]
    fn drop(&mut self) {
        // SAFETY: contracts 1 and 2.
        unsafe { self.layouts.device.raw.destroy_pipeline(self.raw, None) };
    }
}
