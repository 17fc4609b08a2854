//! The only folder that calls Vulkan: devices, memory, pipelines, command recording, timing.
//!
//! `render` decides what a frame does and says it in this folder's terms; nothing here knows what a splat is. The
//! objects are few: a [`Gpu`] (device, queue, allocator), [`Buffer`], [`Image`], [`BindLayouts`] and [`BindSet`],
//! [`ComputePipeline`], [`RasterPipeline`] with its [`RasterTarget`], an [`Encoder`] that records them, and a
//! [`Transfer`] that copies beside it.
//! Every object carries a name that validation and capture tools show.
//!
//! # Safety contracts
//! The `unsafe` blocks of this folder cite these by number.
//!
//! 1. **Live device.** Every object holds an `Arc` of its [`Device`]; it was created by that device, which outlives it,
//!    and is destroyed once, in `Drop`.
//! 2. **Not in use.** What `Drop` destroys is no longer used by the GPU: owners wait for their frames first
//!    ([`Device::wait_idle`], frame fences).
//! 3. **Valid structures.** `vk` structures are built by ash's builders from live slices that outlast the call.
//! 4. **Recording.** A command buffer is recorded by one thread, between begin and end, in the right pass state; an
//!    [`Encoder`] is `&mut` throughout.
//! 5. **Mapped memory.** A mapped slice covers exactly the buffer's allocation, which is host visible and outlives the
//!    borrow; the caller owns the range until the frame that reads it is submitted.

mod caps;
mod create;
mod encoder;
mod image;
mod memory;
mod pipeline;
mod queue;
mod raster;
mod timing;
mod transfer;

pub use caps::{Capabilities, DeviceReport, devices};
pub use create::{Device, Gpu, GpuOptions};
pub use encoder::Encoder;
pub use image::{Format, Image};
pub use memory::{Buffer, BufferKind};
pub use pipeline::{BindLayouts, BindSet, ComputePipeline};
pub use queue::Frame;
pub use raster::{Blend, RasterDescription, RasterPipeline, RasterTarget};
pub use timing::{Span, Timings};
pub use transfer::{BATCHES, Transfer, Waits};

use ash::vk;

use crate::error::Error;

/// A Vulkan failure as an engine error; `doing` completes the sentence "while …".
pub(crate) fn vk_error(doing: &'static str) -> impl FnOnce(vk::Result) -> Error {
    move |result| match result {
        vk::Result::ERROR_DEVICE_LOST => Error::DeviceLost { doing },
        vk::Result::ERROR_OUT_OF_HOST_MEMORY | vk::Result::ERROR_OUT_OF_DEVICE_MEMORY => {
            Error::OutOfMemory { what: doing.to_owned() }
        }
        other => Error::MissingFeature { what: format!("the Vulkan driver failed while {doing}: {other}") },
    }
}
