//! Buffers. Each has its own kind, which says where it lives and who touches it.

use std::sync::{Arc, PoisonError};

use ash::vk;
use gpu_allocator::MemoryLocation;
use gpu_allocator::vulkan::{Allocation, AllocationCreateDesc, AllocationScheme};

use super::create::{Device, Gpu};
use super::vk_error;
use crate::error::{Error, Result};

/// Where a buffer lives and what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BufferKind {
    /// Shaders read and write it; the host does not see it.
    Device,
    /// As [`BufferKind::Device`], and the transfer queue may copy to it while shaders read other parts of it.
    Filled,
    /// The host writes it, shaders read it in place.
    Shared,
    /// The host writes it, a copy takes it to one of the device's.
    Staging,
    /// A copy fills it, the host reads it.
    Readback,
}

/// A buffer with its memory.
#[derive(Debug)]
pub struct Buffer {
    device: Arc<Device>,
    pub(super) raw: vk::Buffer,
    allocation: Option<Allocation>,
    bytes: u64,
}

impl Buffer {
    /// A buffer of `bytes` bytes (at least 16, so that an empty plane can still be bound).
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] naming the buffer; [`Error::LimitExceeded`] when a shader could not see all of it.
    #[expect(unsafe_code, reason = "Vulkan")]
    pub fn new(gpu: &Gpu, name: &str, bytes: u64, kind: BufferKind) -> Result<Self> {
        let bytes = bytes.max(16);
        let device = Arc::clone(&gpu.0);
        let shader_visible = matches!(kind, BufferKind::Device | BufferKind::Filled | BufferKind::Shared);
        if shader_visible && bytes > device.capabilities.storage_range {
            return Err(Error::LimitExceeded {
                what: format!("the buffer `{name}` on {}", device.report.name),
                value: bytes,
                limit: device.capabilities.storage_range,
            });
        }
        let usage = match kind {
            BufferKind::Device | BufferKind::Filled => {
                vk::BufferUsageFlags::STORAGE_BUFFER
                    | vk::BufferUsageFlags::INDIRECT_BUFFER
                    | vk::BufferUsageFlags::TRANSFER_DST
                    | vk::BufferUsageFlags::TRANSFER_SRC
            }
            BufferKind::Shared => {
                vk::BufferUsageFlags::STORAGE_BUFFER | vk::BufferUsageFlags::INDIRECT_BUFFER
            }
            BufferKind::Staging => vk::BufferUsageFlags::TRANSFER_SRC,
            BufferKind::Readback => vk::BufferUsageFlags::TRANSFER_DST,
        };
        let location = match kind {
            BufferKind::Device | BufferKind::Filled => MemoryLocation::GpuOnly,
            BufferKind::Shared | BufferKind::Staging => MemoryLocation::CpuToGpu,
            BufferKind::Readback => MemoryLocation::GpuToCpu,
        };
        let families = [device.family, device.transfer.as_ref().map_or(device.family, |(_, family)| *family)];
        let mut info = vk::BufferCreateInfo::default().size(bytes).usage(usage);
        if kind == BufferKind::Filled && families[0] != families[1] {
            // Owned by both families. Handing ranges to and fro would take a release and an acquire a segment, in
            // both queues, and the acquire would bring a wait back into frames that do not need what is copied. It
            // buys nothing: what ownership protects is compression, and buffers have none.
            info = info.sharing_mode(vk::SharingMode::CONCURRENT).queue_family_indices(&families);
        }
        // SAFETY: contracts 1 and 3.
        let raw = unsafe { device.raw.create_buffer(&info, None) }.map_err(vk_error("creating a buffer"))?;
        let mut buffer = Self { device, raw, allocation: None, bytes };
        // SAFETY: contract 1.
        let requirements = unsafe { buffer.device.raw.get_buffer_memory_requirements(raw) };
        let allocation = allocate(&buffer.device, name, requirements, location, true)?;
        // SAFETY: the handle is only bound, never freed.
        let memory = unsafe { allocation.memory() };
        // SAFETY: contracts 1 and 3; the allocation was made for these requirements and is not bound yet.
        let bound = unsafe { buffer.device.raw.bind_buffer_memory(raw, memory, allocation.offset()) };
        buffer.allocation = Some(allocation);
        bound.map_err(vk_error("binding a buffer's memory"))?;
        buffer.device.name(raw, name);
        Ok(buffer)
    }

    /// Size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The buffer's memory as the host sees it; empty where it sees none.
    pub fn mapped(&mut self) -> &mut [u8] {
        let bytes = usize::try_from(self.bytes).unwrap_or(0);
        let mapped = self.allocation.as_mut().and_then(Allocation::mapped_slice_mut);
        // The allocation may be longer than the buffer.
        mapped.and_then(|slice| slice.get_mut(..bytes)).unwrap_or_default()
    }

    /// Copies `words` to byte `offset` of a mapped buffer.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when they do not fit.
    pub fn write<T: bytemuck::Pod>(&mut self, offset: usize, data: &[T]) -> Result<()> {
        let bytes: &[u8] = bytemuck::cast_slice(data);
        let end = offset.saturating_add(bytes.len());
        let size = self.bytes;
        let Some(target) = self.mapped().get_mut(offset..end) else {
            return Err(Error::invalid(format!(
                "a write of bytes {offset}..{end} to a mapped buffer of {size}"
            )));
        };
        target.copy_from_slice(bytes);
        Ok(())
    }
}

impl Drop for Buffer {
    #[expect(unsafe_code, reason = "Vulkan")]
    fn drop(&mut self) {
        // SAFETY: contracts 1 and 2.
        unsafe { self.device.raw.destroy_buffer(self.raw, None) };
        release(&self.device, self.allocation.take());
    }
}

/// Takes memory for one object from the device's allocator.
pub(super) fn allocate(
    device: &Device,
    name: &str,
    requirements: vk::MemoryRequirements,
    location: MemoryLocation,
    linear: bool,
) -> Result<Allocation> {
    let mut guard = device.allocator.lock().unwrap_or_else(PoisonError::into_inner);
    let allocator = guard.as_mut().ok_or(Error::DeviceLost { doing: "allocating memory" })?;
    allocator
        .allocate(&AllocationCreateDesc {
            name,
            requirements,
            location,
            linear,
            allocation_scheme: AllocationScheme::GpuAllocatorManaged,
        })
        .map_err(|e| Error::OutOfMemory {
            what: format!("{name}, {} bytes of GPU memory: {e}", requirements.size),
        })
}

/// Gives memory back.
pub(super) fn release(device: &Device, allocation: Option<Allocation>) {
    let mut guard = device.allocator.lock().unwrap_or_else(PoisonError::into_inner);
    if let (Some(allocator), Some(allocation)) = (guard.as_mut(), allocation) {
        // Freeing fails only for a foreign allocation, which cannot be here.
        let _foreign = allocator.free(allocation);
    }
}
