//! Recording a frame: dispatches, draws, copies, the barriers between them, and a span of time around each pass.

use ash::vk;

use super::create::Device;
use super::image::Image;
use super::memory::Buffer;
use super::pipeline::{BindLayouts, BindSet, ComputePipeline};
use super::queue::Frame;
use super::raster::{RasterPipeline, RasterTarget};
use super::timing::Timings;
use super::vk_error;
use crate::error::Result;

/// Records one frame's commands. Begin, record, finish.
pub struct Encoder<'a> {
    device: &'a Device,
    layouts: &'a BindLayouts,
    timings: &'a mut Timings,
    commands: vk::CommandBuffer,
    open_span: Option<u32>,
}

impl std::fmt::Debug for Encoder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").field("open_span", &self.open_span).finish_non_exhaustive()
    }
}

#[expect(unsafe_code, reason = "Vulkan")]
impl<'a> Encoder<'a> {
    /// Begins to record `frame`, which must not be in flight.
    ///
    /// # Errors
    /// When the device is lost or out of memory.
    pub fn begin(layouts: &'a BindLayouts, frame: &'a Frame, timings: &'a mut Timings) -> Result<Self> {
        let device: &Device = &layouts.device;
        let commands = frame.commands;
        let info = vk::CommandBufferBeginInfo::default().flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
        // SAFETY: contracts 1, 3 and 4; beginning resets the buffer, which the caller has waited for.
        unsafe { device.raw.begin_command_buffer(commands, &info) }.map_err(vk_error("beginning a frame"))?;
        timings.clear();
        if timings.pool != vk::QueryPool::null() {
            let count = u32::try_from(timings.names.capacity() * 2).unwrap_or(0);
            // SAFETY: contracts 1 and 4; the pool has twice the names' capacity.
            unsafe { device.raw.cmd_reset_query_pool(commands, timings.pool, 0, count) };
        }
        let mut encoder = Self { device, layouts, timings, commands, open_span: None };
        // The last frame's reads of buffers that this one writes.
        encoder.barrier();
        Ok(encoder)
    }

    /// Ends recording; the frame can be submitted.
    ///
    /// # Errors
    /// When the device is lost or out of memory.
    pub fn finish(mut self) -> Result<()> {
        self.end_span();
        // SAFETY: contracts 1 and 4.
        unsafe { self.device.raw.end_command_buffer(self.commands) }.map_err(vk_error("ending a frame"))
    }

    /// Starts the span `name`; the previous one ends here.
    pub fn span(&mut self, name: &'static str) {
        self.end_span();
        if let Some(query) = self.timings.open(name) {
            self.timestamp(query);
            self.open_span = Some(query + 1);
        }
    }

    fn end_span(&mut self) {
        if let Some(query) = self.open_span.take() {
            self.timestamp(query);
        }
    }

    fn timestamp(&mut self, query: u32) {
        let stage = vk::PipelineStageFlags::BOTTOM_OF_PIPE;
        // SAFETY: contracts 1 and 4; the query lies within the pool and was reset in `begin`.
        unsafe { self.device.raw.cmd_write_timestamp(self.commands, stage, self.timings.pool, query) };
    }

    /// Everything before is finished and visible to everything after.
    pub fn barrier(&mut self) {
        let barrier = [vk::MemoryBarrier::default()
            .src_access_mask(vk::AccessFlags::MEMORY_WRITE)
            .dst_access_mask(vk::AccessFlags::MEMORY_READ | vk::AccessFlags::MEMORY_WRITE)];
        let stages = vk::PipelineStageFlags::ALL_COMMANDS;
        // SAFETY: contracts 1, 3 and 4.
        unsafe {
            self.device.raw.cmd_pipeline_barrier(
                self.commands,
                stages,
                stages,
                vk::DependencyFlags::empty(),
                &barrier,
                &[],
                &[],
            );
        }
    }

    /// Binds set 0 for compute and raster.
    pub fn bind(&mut self, set: &BindSet) {
        for point in [vk::PipelineBindPoint::COMPUTE, vk::PipelineBindPoint::GRAPHICS] {
            self.bind_at(point, 0, set);
        }
    }

    /// Binds set 1, the images of the composite.
    pub fn bind_images(&mut self, set: &BindSet) {
        self.bind_at(vk::PipelineBindPoint::GRAPHICS, 1, set);
    }

    fn bind_at(&mut self, point: vk::PipelineBindPoint, first: u32, set: &BindSet) {
        // SAFETY: contracts 1, 3 and 4.
        unsafe {
            self.device.raw.cmd_bind_descriptor_sets(
                self.commands,
                point,
                self.layouts.pipeline,
                first,
                &[set.raw],
                &[],
            );
        }
    }

    /// Runs `groups` workgroups of a kernel.
    pub fn dispatch(&mut self, kernel: &ComputePipeline, groups: u32) {
        self.use_compute(kernel);
        // SAFETY: contracts 1 and 4.
        unsafe { self.device.raw.cmd_dispatch(self.commands, groups, 1, 1) };
    }

    /// Runs as many workgroups as `arguments` says at byte `offset`.
    pub fn dispatch_indirect(&mut self, kernel: &ComputePipeline, arguments: &Buffer, offset: u64) {
        self.use_compute(kernel);
        // SAFETY: contracts 1 and 4; the kernels before wrote the arguments.
        unsafe { self.device.raw.cmd_dispatch_indirect(self.commands, arguments.raw, offset) };
    }

    fn use_compute(&mut self, kernel: &ComputePipeline) {
        // SAFETY: contracts 1 and 4.
        unsafe {
            self.device.raw.cmd_bind_pipeline(self.commands, vk::PipelineBindPoint::COMPUTE, kernel.raw);
        }
    }

    /// Sets the kernels' push constant.
    pub fn push(&mut self, value: u32) {
        // SAFETY: contracts 1, 3 and 4; the layout has 16 bytes of push constants for compute.
        unsafe {
            self.device.raw.cmd_push_constants(
                self.commands,
                self.layouts.pipeline,
                vk::ShaderStageFlags::COMPUTE,
                0,
                &value.to_le_bytes(),
            );
        }
    }

    /// Clears `target` and begins to draw into all its layers.
    pub fn begin_raster(&mut self, target: &RasterTarget) {
        let clear = [vk::ClearValue::default(); 2];
        let area = vk::Rect2D { offset: vk::Offset2D::default(), extent: target.extent };
        let info = vk::RenderPassBeginInfo::default()
            .render_pass(target.pass)
            .framebuffer(target.framebuffer)
            .render_area(area)
            .clear_values(&clear[..(target.attachments as usize).min(clear.len())]);
        // SAFETY: contracts 1, 3 and 4.
        unsafe { self.device.raw.cmd_begin_render_pass(self.commands, &info, vk::SubpassContents::INLINE) };
        let viewport = [vk::Viewport {
            width: target.extent.width as f32,
            height: target.extent.height as f32,
            max_depth: 1.0,
            ..vk::Viewport::default()
        }];
        // SAFETY: contracts 1, 3 and 4.
        unsafe { self.device.raw.cmd_set_viewport(self.commands, 0, &viewport) };
        // SAFETY: contracts 1, 3 and 4.
        unsafe { self.device.raw.cmd_set_scissor(self.commands, 0, &[area]) };
    }

    /// Draws `vertices` vertices once.
    pub fn draw(&mut self, pipeline: &RasterPipeline, vertices: u32) {
        self.use_raster(pipeline);
        // SAFETY: contracts 1 and 4.
        unsafe { self.device.raw.cmd_draw(self.commands, vertices, 1, 0, 0) };
    }

    /// Draws what `arguments` says at byte `offset`.
    pub fn draw_indirect(&mut self, pipeline: &RasterPipeline, arguments: &Buffer, offset: u64) {
        self.use_raster(pipeline);
        // SAFETY: contracts 1 and 4; the kernels before wrote the arguments.
        unsafe { self.device.raw.cmd_draw_indirect(self.commands, arguments.raw, offset, 1, 0) };
    }

    fn use_raster(&mut self, pipeline: &RasterPipeline) {
        // SAFETY: contracts 1 and 4.
        unsafe {
            self.device.raw.cmd_bind_pipeline(self.commands, vk::PipelineBindPoint::GRAPHICS, pipeline.raw);
        }
    }

    /// Ends drawing.
    pub fn end_raster(&mut self) {
        // SAFETY: contracts 1 and 4.
        unsafe { self.device.raw.cmd_end_render_pass(self.commands) };
    }

    /// Copies `bytes` bytes between buffers.
    pub fn copy(&mut self, from: (&Buffer, u64), to: (&Buffer, u64), bytes: u64) {
        let region = [vk::BufferCopy { src_offset: from.1, dst_offset: to.1, size: bytes }];
        // SAFETY: contracts 1, 3 and 4.
        unsafe { self.device.raw.cmd_copy_buffer(self.commands, from.0.raw, to.0.raw, &region) };
    }

    /// Copies all layers of an image, ready for copying, to the start of `to`, tightly packed.
    pub fn copy_image(&mut self, from: &Image, to: &Buffer) {
        let layers = vk::ImageSubresourceLayers::default()
            .aspect_mask(vk::ImageAspectFlags::COLOR)
            .layer_count(from.layers);
        let extent = vk::Extent3D { width: from.width, height: from.height, depth: 1 };
        let region = [vk::BufferImageCopy::default().image_subresource(layers).image_extent(extent)];
        let layout = vk::ImageLayout::TRANSFER_SRC_OPTIMAL;
        // SAFETY: contracts 1, 3 and 4.
        unsafe { self.device.raw.cmd_copy_image_to_buffer(self.commands, from.raw, layout, to.raw, &region) };
    }
}
