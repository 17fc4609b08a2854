//! The buffers that one pass writes and the next reads. All frames share them: frames follow each other on the queue.

use vivant_shaders::generated::{DIGITS, SLOT_BITS, SORT_BLOCK, SORT_GROUP, binding};
use vivant_shaders::layout::{Counts, Projected, Sliced};

use crate::error::{Error, Result};
use crate::gpu::{Buffer, BufferKind, Gpu};

/// Most slots a frame can have: what the sort's words hold beside a digit, in whole sort blocks.
const MAX_SLOTS: u32 = (1 << SLOT_BITS) - SORT_BLOCK;

/// Intermediate buffers, sized for some number of slots and views.
#[derive(Debug)]
pub(super) struct Scratch {
    buffers: Vec<(u32, Buffer)>,
    slots: u32,
    views: usize,
    generation: u32,
}

impl Scratch {
    pub(super) fn new(gpu: &Gpu, slots: u32, views: usize) -> Result<Self> {
        let mut scratch = Self { buffers: Vec::new(), slots: 0, views: 0, generation: 0 };
        scratch.grow(gpu, slots, views)?;
        Ok(scratch)
    }

    pub(super) fn holds(&self, slots: u32, views: usize) -> bool {
        slots <= self.slots && views <= self.views
    }

    /// Makes room for `slots` and `views`, and a quarter more slots, so that a growing crowd grows in few steps.
    pub(super) fn grow(&mut self, gpu: &Gpu, slots: u32, views: usize) -> Result<()> {
        if slots > MAX_SLOTS {
            return Err(Error::LimitExceeded {
                what: "splats live at once".to_owned(),
                value: u64::from(slots),
                limit: u64::from(MAX_SLOTS),
            });
        }
        let views = views.max(self.views);
        let generous = slots.saturating_add(slots / 4).min(MAX_SLOTS);
        // A buffer must stay visible to shaders as a whole: where the generous size would not, take the exact one.
        let widest = size_of::<Projected>() as u64 * views as u64;
        let fits = u64::from(generous) * widest <= gpu.capabilities().storage_range;
        let slots = if fits { generous } else { slots }.max(self.slots);
        let count = u64::from(slots);
        let (blocks, digits) = (u64::from(slots.div_ceil(SORT_BLOCK)), u64::from(DIGITS));
        self.buffers.clear();
        for (slot, name, bytes) in [
            (binding::SLICED, "sliced splats", count * size_of::<Sliced>() as u64),
            (binding::KEY, "sort keys", count * 4),
            (binding::HISTOGRAM, "sort histogram", blocks * digits * 4),
            (binding::TOTAL, "sort totals", (1 + blocks.div_ceil(u64::from(SORT_GROUP))) * digits * 4),
            (binding::PARTIAL, "half sorted", count * 4),
            (binding::ORDER, "drawing order", count * 4),
            (binding::COUNTS, "visible counts", size_of::<Counts>() as u64),
            (binding::PROJECTED, "projected splats", count * widest),
        ] {
            self.buffers.push((slot, Buffer::new(gpu, name, bytes, BufferKind::Device)?));
        }
        self.slots = slots;
        self.views = views;
        self.generation += 1;
        Ok(())
    }

    /// Changes whenever the buffers do.
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    pub(super) fn bindings<'a>(&'a self, out: &mut Vec<(u32, &'a Buffer)>) {
        out.extend(self.buffers.iter().map(|(slot, buffer)| (*slot, buffer)));
    }

    /// The buffer with the arguments of indirect dispatches and draws.
    pub(super) fn counts(&self) -> Option<&Buffer> {
        self.buffers.iter().find(|(slot, _)| *slot == binding::COUNTS).map(|(_, buffer)| buffer)
    }
}
