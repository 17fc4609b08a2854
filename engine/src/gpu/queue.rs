//! The queues: the only file that submits and waits. A queue may one day be the host's, so a lock is held around each
//! call and around nothing else.

use std::sync::{Arc, Mutex, PoisonError};

use ash::vk;

use super::create::{Device, Gpu};
use super::transfer::{BATCHES, Waits};
use super::vk_error;
use crate::error::Result;

/// How long a frame may take before the device counts as lost: far beyond any frame, short of a hung machine.
const PATIENCE_NANOS: u64 = 60_000_000_000;

impl Device {
    /// Waits until the device has nothing to do. Not for the frame path.
    #[expect(unsafe_code, reason = "Vulkan")]
    #[expect(clippy::disallowed_methods, reason = "this is the file that may")]
    pub fn wait_idle(&self) {
        let _queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let transfer = self.transfer.as_ref();
        let _transfer = transfer.map(|(queue, _)| queue.lock().unwrap_or_else(PoisonError::into_inner));
        // SAFETY: contract 1; the queues are locked. A lost device is idle too.
        let _lost = unsafe { self.raw.device_wait_idle() };
    }

    /// Hands commands to a queue; `fence` must be unsignalled.
    #[expect(unsafe_code, reason = "Vulkan")]
    #[expect(clippy::disallowed_methods, reason = "this is the file that may")]
    pub(super) fn submit(
        &self,
        queue: &Mutex<vk::Queue>,
        info: vk::SubmitInfo<'_>,
        fence: vk::Fence,
    ) -> Result<()> {
        let queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: contracts 1, 3 and 4; the queue is locked for the call.
        unsafe { self.raw.queue_submit(*queue, &[info], fence) }.map_err(vk_error("submitting commands"))
    }
}

/// A pool for command buffers that are reset one by one.
#[expect(unsafe_code, reason = "Vulkan")]
pub(super) fn create_pool(device: &Device, family: u32) -> Result<vk::CommandPool> {
    let info = vk::CommandPoolCreateInfo::default()
        .queue_family_index(family)
        .flags(vk::CommandPoolCreateFlags::RESET_COMMAND_BUFFER);
    // SAFETY: contracts 1 and 3.
    unsafe { device.raw.create_command_pool(&info, None) }.map_err(vk_error("creating a command pool"))
}

/// Waits for a fence that was submitted.
#[expect(unsafe_code, reason = "Vulkan")]
pub(super) fn wait_for(device: &Device, fence: vk::Fence) -> Result<()> {
    // SAFETY: contracts 1 and 3.
    unsafe { device.raw.wait_for_fences(&[fence], true, PATIENCE_NANOS) }.map_err(|e| match e {
        vk::Result::TIMEOUT => crate::error::Error::DeviceLost { doing: "waiting for the GPU" },
        other => vk_error("waiting for the GPU")(other),
    })
}

/// One frame in flight: a command buffer and the fence that says when the GPU has finished it.
#[derive(Debug)]
pub struct Frame {
    device: Arc<Device>,
    pool: vk::CommandPool,
    pub(super) commands: vk::CommandBuffer,
    fence: vk::Fence,
    in_flight: bool,
}

impl Frame {
    /// A frame with nothing recorded.
    ///
    /// # Errors
    /// When the device is out of memory or lost.
    #[expect(unsafe_code, reason = "Vulkan")]
    pub fn new(gpu: &Gpu, name: &str) -> Result<Self> {
        let device = Arc::clone(&gpu.0);
        let pool = create_pool(&device, device.family)?;
        let mut frame = Self {
            device,
            pool,
            commands: vk::CommandBuffer::null(),
            fence: vk::Fence::null(),
            in_flight: false,
        };
        let info = vk::CommandBufferAllocateInfo::default().command_pool(pool).command_buffer_count(1);
        // SAFETY: contracts 1 and 3.
        let commands = unsafe { frame.device.raw.allocate_command_buffers(&info) }
            .map_err(vk_error("allocating a command buffer"))?;
        frame.commands = commands.first().copied().unwrap_or_default();
        // SAFETY: contracts 1 and 3.
        frame.fence = unsafe { frame.device.raw.create_fence(&vk::FenceCreateInfo::default(), None) }
            .map_err(vk_error("creating a fence"))?;
        frame.device.name(frame.commands, name);
        frame.device.name(frame.fence, name);
        frame.device.name(frame.pool, name);
        Ok(frame)
    }

    /// Waits until the GPU has finished this frame's last submission.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLost`] when it never does.
    pub fn wait(&mut self) -> Result<()> {
        if self.in_flight {
            wait_for(&self.device, self.fence)?;
            self.in_flight = false;
        }
        Ok(())
    }

    /// Hands the recorded commands to the GPU.
    ///
    /// # Errors
    /// When the device is lost or out of memory.
    pub fn submit(&mut self) -> Result<()> {
        self.submit_after(&Waits::default())
    }

    /// Hands the recorded commands to the GPU, which begins with them when `waits` are over.
    ///
    /// # Errors
    /// When the device is lost or out of memory.
    #[expect(unsafe_code, reason = "Vulkan")]
    pub fn submit_after(&mut self, waits: &Waits) -> Result<()> {
        // SAFETY: contract 1; `wait` has seen the fence signalled, so nothing uses it.
        unsafe { self.device.raw.reset_fences(&[self.fence]) }.map_err(vk_error("resetting a fence"))?;
        let commands = [self.commands];
        let semaphores = waits.semaphores();
        // The first command of a frame is a barrier of all stages: nothing could begin earlier.
        let stages = [vk::PipelineStageFlags::ALL_COMMANDS; BATCHES];
        let submit = vk::SubmitInfo::default()
            .command_buffers(&commands)
            .wait_semaphores(semaphores)
            .wait_dst_stage_mask(&stages[..semaphores.len()]);
        self.device.submit(&self.device.queue, submit, self.fence)?;
        self.in_flight = true;
        Ok(())
    }
}

impl Drop for Frame {
    #[expect(unsafe_code, reason = "Vulkan")]
    fn drop(&mut self) {
        let _lost = self.wait();
        // SAFETY: contracts 1 and 2: the wait above.
        unsafe { self.device.raw.destroy_fence(self.fence, None) };
        // SAFETY: contracts 1 and 2: the wait above.
        unsafe { self.device.raw.destroy_command_pool(self.pool, None) };
    }
}
