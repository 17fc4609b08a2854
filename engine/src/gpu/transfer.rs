//! Copies beside the frames: what comes next goes to the GPU by submissions of their own, on the queue that only
//! copies where there is one, so that no frame gets longer by it.
//!
//! A few *batches* go round, each a command buffer with a fence and a semaphore. One is recorded and submitted, and
//! signals both. The host asks the fence, which never waits, whether the copies are done. A frame that needs a batch
//! waits for its semaphore on the GPU; every other batch is left alone until its fence says that it is done, and
//! the next frame then waits for a semaphore that is signalled already, which costs nothing, makes the copies visible
//! to its kernels and leaves the semaphore unsignalled. When that frame is over, the batch is free. Binary semaphores
//! do for this, so that Vulkan 1.1 does; and where no batch is free, what would be copied comes a frame later.
//!
//! There are no timestamps here: a queue that only copies need not have any.

use std::sync::Arc;

use ash::vk;

use super::create::{Device, Gpu};
use super::memory::Buffer;
use super::queue::{create_pool, wait_for};
use super::vk_error;
use crate::error::Result;

/// Batches that go round. One a frame is submitted; it takes a frame until it is seen done and two more until the
/// frame that waited for it is over.
pub const BATCHES: usize = 4;

/// Where a batch is on its way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    /// Submitted, and no frame has waited for it.
    Submitted,
    /// The frame of this number waits for it.
    Awaited(u64),
}

#[derive(Debug)]
struct Batch {
    commands: vk::CommandBuffer,
    fence: vk::Fence,
    copied: vk::Semaphore,
    state: State,
    /// Its number among all that were submitted, from 1.
    serial: u64,
}

/// Semaphores that a frame's submission waits for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Waits {
    semaphores: [vk::Semaphore; BATCHES],
    count: usize,
}

impl Waits {
    pub(super) fn semaphores(&self) -> &[vk::Semaphore] {
        &self.semaphores[..self.count]
    }

    fn add(&mut self, semaphore: vk::Semaphore) {
        // There are no more of them than batches.
        self.semaphores[self.count] = semaphore;
        self.count += 1;
    }
}

/// The batches and what they are recorded with.
#[derive(Debug)]
pub struct Transfer {
    device: Arc<Device>,
    pool: vk::CommandPool,
    batches: Vec<Batch>,
    submitted: u64,
}

#[expect(unsafe_code, reason = "Vulkan")]
impl Transfer {
    /// Batches for the device's transfer queue; on a device that has none they go to its only queue.
    ///
    /// # Errors
    /// When the device is out of memory or lost.
    pub fn new(gpu: &Gpu) -> Result<Self> {
        let device = Arc::clone(&gpu.0);
        let family = device.transfer.as_ref().map_or(device.family, |(_, family)| *family);
        let pool = create_pool(&device, family)?;
        device.name(pool, "transfers");
        let mut transfer = Self { device, pool, batches: Vec::with_capacity(BATCHES), submitted: 0 };
        let device = &transfer.device;
        for number in 0..BATCHES {
            let mut batch = Batch {
                commands: vk::CommandBuffer::null(),
                fence: vk::Fence::null(),
                copied: vk::Semaphore::null(),
                state: State::Free,
                serial: 0,
            };
            let info = vk::CommandBufferAllocateInfo::default().command_pool(pool).command_buffer_count(1);
            // SAFETY: contracts 1 and 3.
            let commands = unsafe { device.raw.allocate_command_buffers(&info) };
            // SAFETY: contracts 1 and 3.
            let fence = unsafe { device.raw.create_fence(&vk::FenceCreateInfo::default(), None) };
            let info = vk::SemaphoreCreateInfo::default();
            // SAFETY: contracts 1 and 3.
            let copied = unsafe { device.raw.create_semaphore(&info, None) };
            // What there is is kept before anything can fail, so that Drop finds it.
            batch.commands =
                commands.as_ref().ok().and_then(|list| list.first().copied()).unwrap_or_default();
            batch.fence = fence.unwrap_or_default();
            batch.copied = copied.unwrap_or_default();
            let name = format!("transfer {number}");
            device.name(batch.commands, &name);
            device.name(batch.fence, &name);
            device.name(batch.copied, &name);
            transfer.batches.push(batch);
            commands.map_err(vk_error("allocating a command buffer"))?;
            fence.map_err(vk_error("creating a fence"))?;
            copied.map_err(vk_error("creating a semaphore"))?;
        }
        Ok(transfer)
    }

    /// Whether a submitted batch has been executed; asks, does not wait.
    fn is_done(&self, batch: &Batch) -> bool {
        // SAFETY: contract 1. A lost device is found out by the next frame.
        unsafe { self.device.raw.get_fence_status(batch.fence) }.unwrap_or(false)
    }

    /// The number of a batch that can be recorded, if there is one. `completed` is the newest frame that is over.
    pub fn free(&mut self, completed: u64) -> Option<usize> {
        (0..self.batches.len()).find(|&number| {
            let batch = &self.batches[number];
            match batch.state {
                State::Free => true,
                State::Submitted => false,
                State::Awaited(frame) => frame <= completed && self.is_done(batch),
            }
        })
    }

    /// The serial that the next batch will have.
    #[must_use]
    pub fn next_serial(&self) -> u64 {
        self.submitted + 1
    }

    /// The newest serial up to which every batch has been executed.
    #[must_use]
    pub fn done_serial(&self) -> u64 {
        let running = self.batches.iter().filter(|batch| batch.state != State::Free && !self.is_done(batch));
        running.map(|batch| batch.serial - 1).min().unwrap_or(self.submitted)
    }

    /// Begins to record a free batch.
    ///
    /// # Errors
    /// When the device is out of memory or lost.
    pub fn begin(&mut self, number: usize) -> Result<()> {
        let device = &self.device;
        let batch = &mut self.batches[number];
        batch.state = State::Free;
        // SAFETY: contract 1; `free` has seen the fence signalled or never used.
        unsafe { device.raw.reset_fences(&[batch.fence]) }.map_err(vk_error("resetting a fence"))?;
        let info = vk::CommandBufferBeginInfo::default().flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
        // SAFETY: contracts 1, 3 and 4; beginning resets the buffer, which is not in use.
        unsafe { device.raw.begin_command_buffer(batch.commands, &info) }
            .map_err(vk_error("beginning a transfer"))?;
        // Copies of batches before may have gone to the same place.
        let barrier = [vk::MemoryBarrier::default()
            .src_access_mask(vk::AccessFlags::TRANSFER_WRITE)
            .dst_access_mask(vk::AccessFlags::TRANSFER_WRITE)];
        let copying = vk::PipelineStageFlags::TRANSFER;
        let flags = vk::DependencyFlags::empty();
        // SAFETY: contracts 1, 3 and 4.
        unsafe {
            device.raw.cmd_pipeline_barrier(batch.commands, copying, copying, flags, &barrier, &[], &[]);
        }
        Ok(())
    }

    /// Records a copy of `bytes` bytes between buffers; where the queue is another than the frames', `to` must be
    /// [`super::BufferKind::Filled`].
    pub fn copy(&mut self, number: usize, from: (&Buffer, u64), to: (&Buffer, u64), bytes: u64) {
        let region = [vk::BufferCopy { src_offset: from.1, dst_offset: to.1, size: bytes }];
        let commands = self.batches[number].commands;
        // SAFETY: contracts 1, 3 and 4.
        unsafe { self.device.raw.cmd_copy_buffer(commands, from.0.raw, to.0.raw, &region) };
    }

    /// Hands the recorded batch to the GPU.
    ///
    /// # Errors
    /// When the device is lost or out of memory.
    pub fn submit(&mut self, number: usize) -> Result<()> {
        let device = &self.device;
        let batch = &mut self.batches[number];
        // SAFETY: contracts 1 and 4.
        unsafe { device.raw.end_command_buffer(batch.commands) }.map_err(vk_error("ending a transfer"))?;
        let (commands, signals) = ([batch.commands], [batch.copied]);
        let submit = vk::SubmitInfo::default().command_buffers(&commands).signal_semaphores(&signals);
        let queue = device.transfer.as_ref().map_or(&device.queue, |(queue, _)| queue);
        device.submit(queue, submit, batch.fence)?;
        self.submitted += 1;
        batch.serial = self.submitted;
        batch.state = State::Submitted;
        Ok(())
    }

    /// What frame `frame` has to wait for if it needs the batches up to serial `needed`. The frame must then be
    /// submitted with it.
    pub fn waits(&mut self, needed: u64, frame: u64) -> Waits {
        let mut waits = Waits::default();
        for number in 0..self.batches.len() {
            let batch = &self.batches[number];
            if batch.state == State::Submitted && (batch.serial <= needed || self.is_done(batch)) {
                waits.add(batch.copied);
                self.batches[number].state = State::Awaited(frame);
            }
        }
        waits
    }

    /// Waits until every batch has been executed. Not for the frame path.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLost`] when one never is.
    pub fn wait(&self) -> Result<()> {
        let used = self.batches.iter().filter(|batch| batch.state != State::Free);
        used.map(|batch| batch.fence).try_for_each(|fence| wait_for(&self.device, fence))
    }
}

impl Drop for Transfer {
    #[expect(unsafe_code, reason = "Vulkan")]
    fn drop(&mut self) {
        // Frames that wait for a semaphore must be over too: their owner has seen to that.
        let _lost = self.wait();
        for batch in self.batches.drain(..) {
            // SAFETY: contracts 1 and 2: the wait above; null handles are ignored.
            unsafe { self.device.raw.destroy_fence(batch.fence, None) };
            // SAFETY: contracts 1 and 2: the wait above.
            unsafe { self.device.raw.destroy_semaphore(batch.copied, None) };
        }
        // SAFETY: contracts 1 and 2: the wait above.
        unsafe { self.device.raw.destroy_command_pool(self.pool, None) };
    }
}
