//! What a device offers and what the player needs of it: one structure, one list of sentences.

use ash::{Instance, vk};

use super::create::{Api, GpuOptions};
use crate::error::Result;

/// Storage buffers the pipeline binds to one stage.
const STORAGE_BUFFERS: u32 = vivant_shaders::generated::binding::LEN;
/// Shared memory of the hungriest kernel (sort.scatter: 16 KiB of masks and 2 KiB of counters).
const SHARED_BYTES: u32 = 18 << 10;

/// What the renderer asks of its device at run time.
#[derive(Debug, Clone, Copy)]
pub struct Capabilities {
    /// Device-local memory is host visible: planes are written in place, without staging.
    pub unified_memory: bool,
    /// What comes next is copied by submissions of its own, beside the frames: there is a queue for it.
    pub transfer_queue: bool,
    /// Largest storage buffer a shader can see, bytes.
    pub storage_range: u64,
    /// Nanoseconds a timestamp tick; 0 when the queue has no timestamps.
    pub timestamp_nanos: f32,
    /// Whether 32-bit float colour can be blended (else depth is accumulated in 16 bits).
    pub blend_rg32f: bool,
    /// Largest image side, px.
    pub max_image: u32,
    /// Most layers of an image array and views of a multiview pass.
    pub max_views: u32,
}

/// One physical device as `vivant doctor` shows it.
#[derive(Debug, Clone)]
pub struct DeviceReport {
    /// The device's name.
    pub name: String,
    /// Kind: `discrete GPU`, `integrated GPU`, `software`, `virtual GPU` or `other`.
    pub kind: &'static str,
    /// Vulkan version the device speaks.
    pub api_version: (u32, u32, u32),
    /// Driver name and version, as the driver words them.
    pub driver: String,
    /// Lanes of a subgroup.
    pub subgroup: u32,
    /// What it lacks, one sentence each; empty when it can play.
    pub missing: Vec<String>,
    /// Its abilities, when it can play.
    pub capabilities: Option<Capabilities>,
}

/// Every Vulkan device of the system, usable or not.
///
/// # Errors
/// [`crate::Error::MissingFeature`] when there is no Vulkan loader or no driver.
pub fn devices() -> Result<Vec<DeviceReport>> {
    let api = Api::load(&GpuOptions::default())?;
    Ok(api.physical_devices()?.into_iter().map(|physical| inspect(api.instance(), physical).0).collect())
}

/// The queue families to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Families {
    /// The one that can do everything.
    pub(super) main: u32,
    timestamp_bits: u32,
    /// One that can only copy, if there is one: the GPU's copy engines, which work while it draws.
    pub(super) transfer: Option<u32>,
}

#[expect(unsafe_code, reason = "Vulkan")]
fn queue_families(instance: &Instance, physical: vk::PhysicalDevice) -> Option<Families> {
    // SAFETY: contract 1: the physical device belongs to this live instance.
    pick_families(&unsafe { instance.get_physical_device_queue_family_properties(physical) })
}

fn pick_families(families: &[vk::QueueFamilyProperties]) -> Option<Families> {
    let able = vk::QueueFlags::GRAPHICS | vk::QueueFlags::COMPUTE;
    // Queues for video or optical flow can often copy too, but they are not made for it.
    let other = able
        | vk::QueueFlags::VIDEO_DECODE_KHR
        | vk::QueueFlags::VIDEO_ENCODE_KHR
        | vk::QueueFlags::OPTICAL_FLOW_NV;
    let numbered = || (0_u32..).zip(families).filter(|(_, family)| family.queue_count > 0);
    let (main, family) = numbered().find(|(_, family)| family.queue_flags.contains(able))?;
    let only_copies =
        |flags: vk::QueueFlags| flags.contains(vk::QueueFlags::TRANSFER) && !flags.intersects(other);
    let transfer = numbered().find(|(_, family)| only_copies(family.queue_flags)).map(|(index, _)| index);
    Some(Families { main, timestamp_bits: family.timestamp_valid_bits, transfer })
}

/// Examines one device: the report, and the queue families to use when nothing is missing.
#[expect(unsafe_code, reason = "Vulkan")]
pub(super) fn inspect(instance: &Instance, physical: vk::PhysicalDevice) -> (DeviceReport, Option<Families>) {
    let mut driver = vk::PhysicalDeviceDriverProperties::default();
    let mut subgroup = vk::PhysicalDeviceSubgroupProperties::default();
    let mut multiview_limits = vk::PhysicalDeviceMultiviewProperties::default();
    let mut properties = vk::PhysicalDeviceProperties2::default();
    // SAFETY: contract 1. Version 1.0 devices have only the plain query, so that comes first.
    let plain = unsafe { instance.get_physical_device_properties(physical) };
    let version = plain.api_version;
    let mut multiview = vk::PhysicalDeviceMultiviewFeatures::default();
    if version >= vk::API_VERSION_1_1 {
        properties = properties.push_next(&mut subgroup).push_next(&mut multiview_limits);
        if version >= vk::API_VERSION_1_2 {
            properties = properties.push_next(&mut driver);
        }
        // SAFETY: contracts 1 and 3.
        unsafe { instance.get_physical_device_properties2(physical, &mut properties) };
        let mut features = vk::PhysicalDeviceFeatures2::default().push_next(&mut multiview);
        // SAFETY: contracts 1 and 3.
        unsafe { instance.get_physical_device_features2(physical, &mut features) };
    }
    let families = queue_families(instance, physical);
    let missing = missing(&plain, multiview.multiview == vk::TRUE, families.is_some());
    let unified_memory = unified_memory(instance, physical);
    let name = text(&plain.device_name);
    let report = DeviceReport {
        kind: match plain.device_type {
            vk::PhysicalDeviceType::DISCRETE_GPU => "discrete GPU",
            vk::PhysicalDeviceType::INTEGRATED_GPU => "integrated GPU",
            vk::PhysicalDeviceType::CPU => "software",
            vk::PhysicalDeviceType::VIRTUAL_GPU => "virtual GPU",
            _ => "other",
        },
        api_version: (
            vk::api_version_major(version),
            vk::api_version_minor(version),
            vk::api_version_patch(version),
        ),
        driver: format!("{} {}", text(&driver.driver_name), text(&driver.driver_info)).trim().to_owned(),
        subgroup: subgroup.subgroup_size,
        capabilities: missing.is_empty().then(|| Capabilities {
            unified_memory,
            // In unified memory there is nothing to copy.
            transfer_queue: !unified_memory && families.is_some_and(|families| families.transfer.is_some()),
            storage_range: u64::from(plain.limits.max_storage_buffer_range),
            timestamp_nanos: match families {
                Some(families) if families.timestamp_bits > 0 => plain.limits.timestamp_period,
                _ => 0.0,
            },
            blend_rg32f: blends(instance, physical, vk::Format::R32G32_SFLOAT),
            max_image: plain.limits.max_image_dimension2_d,
            max_views: multiview_limits.max_multiview_view_count.min(vivant_shaders::generated::MAX_VIEWS),
        }),
        missing,
        name,
    };
    let usable = report.missing.is_empty();
    (report, families.filter(|_| usable))
}

/// One sentence for each thing the device lacks.
fn missing(properties: &vk::PhysicalDeviceProperties, multiview: bool, has_queue: bool) -> Vec<String> {
    let limits = &properties.limits;
    let mut out = Vec::new();
    let version = properties.api_version;
    if version < vk::API_VERSION_1_1 {
        out.push(format!(
            "Vulkan 1.1 is needed, the device has {}.{}: update the graphics driver",
            vk::api_version_major(version),
            vk::api_version_minor(version)
        ));
    } else if !multiview {
        out.push("the feature `multiview` is needed: update the graphics driver".to_owned());
    }
    if !has_queue {
        out.push("a queue with graphics and compute is needed".to_owned());
    }
    let mut at_least = |name: &str, has: u32, needs: u32| {
        if has < needs {
            out.push(format!("the limit `{name}` must be at least {needs}, the device has {has}"));
        }
    };
    at_least(
        "maxPerStageDescriptorStorageBuffers",
        limits.max_per_stage_descriptor_storage_buffers,
        STORAGE_BUFFERS,
    );
    at_least("maxDescriptorSetStorageBuffers", limits.max_descriptor_set_storage_buffers, STORAGE_BUFFERS);
    at_least("maxComputeSharedMemorySize", limits.max_compute_shared_memory_size, SHARED_BYTES);
    at_least("maxComputeWorkGroupInvocations", limits.max_compute_work_group_invocations, 256);
    out
}

/// Whether all device-local memory that matters can be written by the host.
#[expect(unsafe_code, reason = "Vulkan")]
fn unified_memory(instance: &Instance, physical: vk::PhysicalDevice) -> bool {
    // SAFETY: contract 1.
    let memory = unsafe { instance.get_physical_device_memory_properties(physical) };
    let largest = memory
        .memory_heaps_as_slice()
        .iter()
        .enumerate()
        .filter(|(_, heap)| heap.flags.contains(vk::MemoryHeapFlags::DEVICE_LOCAL))
        .max_by_key(|(_, heap)| heap.size)
        .map(|(index, _)| index);
    let wanted = vk::MemoryPropertyFlags::DEVICE_LOCAL
        | vk::MemoryPropertyFlags::HOST_VISIBLE
        | vk::MemoryPropertyFlags::HOST_COHERENT;
    memory
        .memory_types_as_slice()
        .iter()
        .any(|kind| kind.property_flags.contains(wanted) && Some(kind.heap_index as usize) == largest)
}

#[expect(unsafe_code, reason = "Vulkan")]
fn blends(instance: &Instance, physical: vk::PhysicalDevice, format: vk::Format) -> bool {
    // SAFETY: contract 1.
    let properties = unsafe { instance.get_physical_device_format_properties(physical, format) };
    properties.optimal_tiling_features.contains(vk::FormatFeatureFlags::COLOR_ATTACHMENT_BLEND)
}

fn text(bytes: &[std::ffi::c_char]) -> String {
    #[expect(clippy::cast_sign_loss, reason = "c_char is i8 on some targets; the bytes are UTF-8")]
    let bytes: Vec<u8> = bytes.iter().take_while(|&&c| c != 0).map(|&c| c as u8).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn able() -> vk::PhysicalDeviceProperties {
        vk::PhysicalDeviceProperties {
            api_version: vk::API_VERSION_1_1,
            limits: vk::PhysicalDeviceLimits {
                max_per_stage_descriptor_storage_buffers: STORAGE_BUFFERS,
                max_descriptor_set_storage_buffers: STORAGE_BUFFERS,
                max_compute_shared_memory_size: SHARED_BYTES,
                max_compute_work_group_invocations: 256,
                ..Default::default()
            },
            ..Default::default()
        }
    }

    #[test]
    fn a_queue_that_only_copies_is_found_and_no_other_taken_for_one() {
        use vk::QueueFlags as F;
        let family =
            |flags| vk::QueueFamilyProperties { queue_flags: flags, queue_count: 1, ..Default::default() };
        let all = family(F::GRAPHICS | F::COMPUTE | F::TRANSFER);
        let compute = family(F::COMPUTE | F::TRANSFER);
        let video = family(F::TRANSFER | F::VIDEO_DECODE_KHR);
        let copies = family(F::TRANSFER | F::SPARSE_BINDING);
        let none = vk::QueueFamilyProperties { queue_count: 0, ..copies };
        let pick = |families: &[_]| pick_families(families).map(|found| (found.main, found.transfer));
        assert_eq!(pick(&[all]), Some((0, None)));
        assert_eq!(pick(&[compute, all, video, none, copies]), Some((1, Some(4))));
        assert_eq!(pick(&[all, compute, video]), Some((0, None)));
        assert_eq!(pick(&[compute, copies]), None);
    }

    #[test]
    fn an_able_device_lacks_nothing() {
        assert!(missing(&able(), true, true).is_empty());
    }

    #[test]
    fn each_lack_is_named() {
        let old = vk::PhysicalDeviceProperties { api_version: vk::API_VERSION_1_0, ..able() };
        assert!(missing(&old, false, true)[0].contains("Vulkan 1.1 is needed, the device has 1.0"));
        assert!(missing(&able(), false, true)[0].contains("`multiview`"));
        assert!(missing(&able(), true, false)[0].contains("queue"));
        let mut small = able();
        small.limits.max_compute_shared_memory_size = 8 << 10;
        assert!(
            missing(&small, true, true)[0].contains("`maxComputeSharedMemorySize` must be at least 18432")
        );
    }
}
