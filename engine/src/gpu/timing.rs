//! Per-pass GPU times by name, from timestamp queries. Allocates once; a frame only writes and reads.

use std::sync::Arc;

use ash::vk;

use super::create::{Device, Gpu};
use super::vk_error;
use crate::error::Result;

/// Most spans a frame can have.
const SPANS: u32 = 32;

/// One measured span of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// `stage` or `stage.kernel`.
    pub name: &'static str,
    /// GPU time, nanoseconds.
    pub nanos: u64,
}

/// The timestamps of one frame in flight.
#[derive(Debug)]
pub struct Timings {
    device: Arc<Device>,
    pub(super) pool: vk::QueryPool,
    pub(super) names: Vec<&'static str>,
    ticks: Vec<u64>,
}

impl Timings {
    /// Room for the spans of one frame. On a queue without timestamps it stays empty.
    ///
    /// # Errors
    /// When the device is out of memory or lost.
    #[expect(unsafe_code, reason = "Vulkan")]
    pub fn new(gpu: &Gpu) -> Result<Self> {
        let device = Arc::clone(&gpu.0);
        let info =
            vk::QueryPoolCreateInfo::default().query_type(vk::QueryType::TIMESTAMP).query_count(SPANS * 2);
        let pool = if device.capabilities.timestamp_nanos > 0.0 {
            // SAFETY: contracts 1 and 3.
            unsafe { device.raw.create_query_pool(&info, None) }.map_err(vk_error("creating a query pool"))?
        } else {
            vk::QueryPool::null()
        };
        if pool != vk::QueryPool::null() {
            device.name(pool, "frame timings");
        }
        let names = Vec::with_capacity(SPANS as usize);
        Ok(Self { device, pool, names, ticks: vec![0; SPANS as usize * 2] })
    }

    /// The number of the next span, or `None` when there is no room or no clock.
    pub(super) fn open(&mut self, name: &'static str) -> Option<u32> {
        let index = u32::try_from(self.names.len()).ok()?;
        if index >= SPANS || self.pool == vk::QueryPool::null() {
            return None;
        }
        self.names.push(name);
        Some(index * 2)
    }

    /// Forgets the last frame's spans; the encoder resets the queries.
    pub(super) fn clear(&mut self) {
        self.names.clear();
    }

    /// Reads the spans of a finished frame into `out`, which is cleared first.
    #[expect(unsafe_code, reason = "Vulkan")]
    pub fn read(&mut self, out: &mut Vec<Span>) {
        out.clear();
        let count = self.names.len() * 2;
        let Some(ticks) = self.ticks.get_mut(..count).filter(|t| !t.is_empty()) else { return };
        // SAFETY: contracts 1 and 3; the slice has one u64 for each query of the range.
        let read = unsafe {
            self.device.raw.get_query_pool_results(self.pool, 0, ticks, vk::QueryResultFlags::TYPE_64)
        };
        if read.is_err() {
            return;
        }
        let period = f64::from(self.device.capabilities.timestamp_nanos);
        for (name, pair) in self.names.iter().zip(ticks.chunks_exact(2)) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a positive span of nanoseconds"
            )]
            let nanos = (pair[1].saturating_sub(pair[0]) as f64 * period) as u64;
            out.push(Span { name, nanos });
        }
    }
}

impl Drop for Timings {
    #[expect(unsafe_code, reason = "Vulkan")]
    fn drop(&mut self) {
        // SAFETY: contracts 1 and 2; destroying a null pool does nothing.
        unsafe { self.device.raw.destroy_query_pool(self.pool, None) };
    }
}
