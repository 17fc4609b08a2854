//! What shaders are bound to, and compute pipelines.
//!
//! Set 0 holds every buffer of the pipeline at one number in all kernels (`bindings.glsl`), so a frame binds it once.
//! Set 1 holds the images that the composite reads.

use std::ffi::CStr;
use std::sync::Arc;

use ash::vk;
use vivant_shaders::{Kernel, generated::binding};

use super::create::{Device, Gpu};
use super::image::Image;
use super::memory::Buffer;
use super::vk_error;
use crate::error::Result;

pub(super) const MAIN: &CStr = c"main";
/// Bytes of push constants every pipeline layout has room for.
pub(super) const PUSH_BYTES: u32 = 16;
/// Images of set 1: accumulated colour and depth.
const IMAGES: u32 = 2;

/// The descriptor set layouts, the pipeline layout and the sampler that all pipelines share.
#[derive(Debug)]
pub struct BindLayouts {
    pub(super) device: Arc<Device>,
    pub(super) buffers: vk::DescriptorSetLayout,
    pub(super) images: vk::DescriptorSetLayout,
    pub(super) pipeline: vk::PipelineLayout,
    sampler: vk::Sampler,
}

impl BindLayouts {
    /// The layouts on `gpu`.
    ///
    /// # Errors
    /// When the device is out of memory or lost.
    #[expect(unsafe_code, reason = "Vulkan")]
    pub fn new(gpu: &Gpu) -> Result<Arc<Self>> {
        let device = Arc::clone(&gpu.0);
        let mut layouts = Self {
            device,
            buffers: vk::DescriptorSetLayout::null(),
            images: vk::DescriptorSetLayout::null(),
            pipeline: vk::PipelineLayout::null(),
            sampler: vk::Sampler::null(),
        };
        let raw = &layouts.device.raw;
        let slots: Vec<_> = (0..binding::LEN)
            .map(|slot| {
                vk::DescriptorSetLayoutBinding::default()
                    .binding(slot)
                    .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
                    .descriptor_count(1)
                    .stage_flags(match slot {
                        binding::FRAME => {
                            vk::ShaderStageFlags::COMPUTE
                                | vk::ShaderStageFlags::VERTEX
                                | vk::ShaderStageFlags::FRAGMENT
                        }
                        binding::PROJECTED => vk::ShaderStageFlags::COMPUTE | vk::ShaderStageFlags::VERTEX,
                        _ => vk::ShaderStageFlags::COMPUTE,
                    })
            })
            .collect();
        let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&slots);
        // SAFETY: contracts 1 and 3.
        layouts.buffers = unsafe { raw.create_descriptor_set_layout(&info, None) }
            .map_err(vk_error("creating a descriptor set layout"))?;
        let slots: Vec<_> = (0..IMAGES)
            .map(|slot| {
                vk::DescriptorSetLayoutBinding::default()
                    .binding(slot)
                    .descriptor_type(vk::DescriptorType::COMBINED_IMAGE_SAMPLER)
                    .descriptor_count(1)
                    .stage_flags(vk::ShaderStageFlags::FRAGMENT)
            })
            .collect();
        let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&slots);
        // SAFETY: contracts 1 and 3.
        layouts.images = unsafe { raw.create_descriptor_set_layout(&info, None) }
            .map_err(vk_error("creating a descriptor set layout"))?;
        let sets = [layouts.buffers, layouts.images];
        let push =
            [vk::PushConstantRange::default().stage_flags(vk::ShaderStageFlags::COMPUTE).size(PUSH_BYTES)];
        let info = vk::PipelineLayoutCreateInfo::default().set_layouts(&sets).push_constant_ranges(&push);
        // SAFETY: contracts 1 and 3.
        layouts.pipeline = unsafe { raw.create_pipeline_layout(&info, None) }
            .map_err(vk_error("creating a pipeline layout"))?;
        // Texels are fetched, never filtered: the sampler only has to exist.
        // SAFETY: contracts 1 and 3.
        layouts.sampler = unsafe { raw.create_sampler(&vk::SamplerCreateInfo::default(), None) }
            .map_err(vk_error("creating a sampler"))?;
        layouts.device.name(layouts.buffers, "pipeline buffers");
        layouts.device.name(layouts.images, "composite images");
        layouts.device.name(layouts.pipeline, "pipeline layout");
        layouts.device.name(layouts.sampler, "texel fetch");
        Ok(Arc::new(layouts))
    }
}

impl Drop for BindLayouts {
    #[expect(unsafe_code, reason = "Vulkan")]
    fn drop(&mut self) {
        let raw = &self.device.raw;
        // SAFETY: contracts 1 and 2.
        unsafe { raw.destroy_sampler(self.sampler, None) };
        // SAFETY: contracts 1 and 2.
        unsafe { raw.destroy_pipeline_layout(self.pipeline, None) };
        // SAFETY: contracts 1 and 2.
        unsafe { raw.destroy_descriptor_set_layout(self.images, None) };
        // SAFETY: contracts 1 and 2.
        unsafe { raw.destroy_descriptor_set_layout(self.buffers, None) };
    }
}

/// One descriptor set with its pool.
#[derive(Debug)]
pub struct BindSet {
    layouts: Arc<BindLayouts>,
    pool: vk::DescriptorPool,
    pub(super) raw: vk::DescriptorSet,
}

impl BindSet {
    #[expect(unsafe_code, reason = "Vulkan")]
    fn empty(
        layouts: &Arc<BindLayouts>,
        name: &str,
        kind: vk::DescriptorType,
        count: u32,
        layout: vk::DescriptorSetLayout,
    ) -> Result<Self> {
        let device = &layouts.device;
        let sizes = [vk::DescriptorPoolSize::default().ty(kind).descriptor_count(count)];
        let info = vk::DescriptorPoolCreateInfo::default().max_sets(1).pool_sizes(&sizes);
        // SAFETY: contracts 1 and 3.
        let pool = unsafe { device.raw.create_descriptor_pool(&info, None) }
            .map_err(vk_error("creating a descriptor pool"))?;
        let mut set = Self { layouts: Arc::clone(layouts), pool, raw: vk::DescriptorSet::null() };
        let wanted = [layout];
        let info = vk::DescriptorSetAllocateInfo::default().descriptor_pool(pool).set_layouts(&wanted);
        // SAFETY: contracts 1 and 3.
        let sets = unsafe { device.raw.allocate_descriptor_sets(&info) }
            .map_err(vk_error("allocating a descriptor set"))?;
        set.raw = sets.first().copied().unwrap_or_default();
        device.name(set.raw, name);
        device.name(pool, name);
        Ok(set)
    }

    /// Set 0 with each buffer at its binding; every binding must be named once.
    ///
    /// # Errors
    /// When the device is out of memory or lost.
    #[expect(unsafe_code, reason = "Vulkan")]
    pub fn buffers(layouts: &Arc<BindLayouts>, name: &str, buffers: &[(u32, &Buffer)]) -> Result<Self> {
        let kind = vk::DescriptorType::STORAGE_BUFFER;
        let set = Self::empty(layouts, name, kind, binding::LEN, layouts.buffers)?;
        let infos: Vec<_> = buffers
            .iter()
            .map(|(_, buffer)| [vk::DescriptorBufferInfo::default().buffer(buffer.raw).range(vk::WHOLE_SIZE)])
            .collect();
        let writes: Vec<_> = buffers
            .iter()
            .zip(&infos)
            .map(|((slot, _), info)| {
                vk::WriteDescriptorSet::default()
                    .dst_set(set.raw)
                    .dst_binding(*slot)
                    .descriptor_type(kind)
                    .buffer_info(info)
            })
            .collect();
        // SAFETY: contracts 1 and 3; the set is new, so the GPU does not use it.
        unsafe { layouts.device.raw.update_descriptor_sets(&writes, &[]) };
        Ok(set)
    }

    /// Set 1 with the accumulated colour and, where there is one, depth (else the colour stands in for it).
    ///
    /// # Errors
    /// When the device is out of memory or lost.
    #[expect(unsafe_code, reason = "Vulkan")]
    pub fn images(
        layouts: &Arc<BindLayouts>,
        name: &str,
        colour: &Image,
        depth: Option<&Image>,
    ) -> Result<Self> {
        let kind = vk::DescriptorType::COMBINED_IMAGE_SAMPLER;
        let set = Self::empty(layouts, name, kind, IMAGES, layouts.images)?;
        let infos = [colour, depth.unwrap_or(colour)].map(|image| {
            [vk::DescriptorImageInfo::default()
                .sampler(layouts.sampler)
                .image_view(image.view)
                .image_layout(vk::ImageLayout::SHADER_READ_ONLY_OPTIMAL)]
        });
        let writes: Vec<_> = (0..IMAGES)
            .zip(&infos)
            .map(|(slot, info)| {
                vk::WriteDescriptorSet::default()
                    .dst_set(set.raw)
                    .dst_binding(slot)
                    .descriptor_type(kind)
                    .image_info(info)
            })
            .collect();
        // SAFETY: contracts 1 and 3; the set is new, so the GPU does not use it.
        unsafe { layouts.device.raw.update_descriptor_sets(&writes, &[]) };
        Ok(set)
    }
}

impl Drop for BindSet {
    #[expect(unsafe_code, reason = "Vulkan")]
    fn drop(&mut self) {
        // SAFETY: contracts 1 and 2; the set goes with its pool.
        unsafe { self.layouts.device.raw.destroy_descriptor_pool(self.pool, None) };
    }
}

/// A compute kernel, ready to dispatch.
#[derive(Debug)]
pub struct ComputePipeline {
    layouts: Arc<BindLayouts>,
    pub(super) raw: vk::Pipeline,
    /// The kernel's name, as in the timings.
    pub name: &'static str,
}

impl ComputePipeline {
    /// Compiles `kernel` for the device.
    ///
    /// # Errors
    /// When the driver refuses it.
    pub fn new(layouts: &Arc<BindLayouts>, kernel: &Kernel) -> Result<Self> {
        Self::with_looks(layouts, kernel, false)
    }

    /// Compiles `kernel` with its constant `LOOKS` so.
    ///
    /// # Errors
    /// When the driver refuses it.
    #[expect(unsafe_code, reason = "Vulkan")]
    pub fn with_looks(layouts: &Arc<BindLayouts>, kernel: &Kernel, looks: bool) -> Result<Self> {
        let device = &layouts.device;
        let module = ShaderModule::new(device, kernel)?;
        let constants = Constants::new(looks);
        let constants = constants.info();
        let stage = vk::PipelineShaderStageCreateInfo::default()
            .stage(vk::ShaderStageFlags::COMPUTE)
            .module(module.raw)
            .specialization_info(&constants)
            .name(MAIN);
        let info = [vk::ComputePipelineCreateInfo::default().stage(stage).layout(layouts.pipeline)];
        // SAFETY: contracts 1 and 3.
        let made = unsafe { device.raw.create_compute_pipelines(vk::PipelineCache::null(), &info, None) };
        let pipelines = made.map_err(|(_, e)| vk_error("creating a compute pipeline")(e))?;
        let raw = pipelines.first().copied().unwrap_or_default();
        device.name(raw, kernel.name);
        Ok(Self { layouts: Arc::clone(layouts), raw, name: kernel.name })
    }
}

impl Drop for ComputePipeline {
    #[expect(unsafe_code, reason = "Vulkan")]
    fn drop(&mut self) {
        // SAFETY: contracts 1 and 2.
        unsafe { self.layouts.device.raw.destroy_pipeline(self.raw, None) };
    }
}

/// What pipelines are specialised by: constant 0 is `LOOKS` of `look.glsl`; kernels without it do not mind.
pub(super) struct Constants {
    looks: [u8; 4],
    entries: [vk::SpecializationMapEntry; 1],
}

impl Constants {
    pub(super) fn new(looks: bool) -> Self {
        let looks = u32::from(looks).to_ne_bytes();
        Self { looks, entries: [vk::SpecializationMapEntry::default().size(looks.len())] }
    }

    pub(super) fn info(&self) -> vk::SpecializationInfo<'_> {
        vk::SpecializationInfo::default().map_entries(&self.entries).data(&self.looks)
    }
}

/// SPIR-V handed to the driver; needed only while a pipeline is made from it.
pub(super) struct ShaderModule<'a> {
    device: &'a Device,
    pub(super) raw: vk::ShaderModule,
}

impl<'a> ShaderModule<'a> {
    #[expect(unsafe_code, reason = "Vulkan")]
    pub(super) fn new(device: &'a Device, kernel: &Kernel) -> Result<Self> {
        let words = kernel.words();
        let info = vk::ShaderModuleCreateInfo::default().code(&words);
        // SAFETY: contracts 1 and 3; the SPIR-V is our own and validated by the tests.
        let raw = unsafe { device.raw.create_shader_module(&info, None) }
            .map_err(vk_error("creating a shader module"))?;
        device.name(raw, kernel.path);
        Ok(Self { device, raw })
    }
}

impl Drop for ShaderModule<'_> {
    #[expect(unsafe_code, reason = "Vulkan")]
    fn drop(&mut self) {
        // SAFETY: contract 1; pipelines made from a module do not need it afterwards.
        unsafe { self.device.raw.destroy_shader_module(self.raw, None) };
    }
}
