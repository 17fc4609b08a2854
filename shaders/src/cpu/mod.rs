//! The CPU twin of every kernel: same name, same inputs, same outputs, plain Rust in f32.
//!
//! The tests run each kernel on the GPU and its twin here over the same [`Buffers`] and compare what they wrote. The
//! twins are written from the kernels' description, one lane after another; where a kernel's result depends on order,
//! the twin fixes the order that the kernel promises.

mod attributes;
mod carry;
mod composite;
mod cull;
mod histogram;
mod labels;
mod look;
mod offsets;
mod pack;
mod project;
mod rig;
mod scan;
mod scatter;
mod sh;
mod slice;
mod splat;

pub use carry::carry;
pub use composite::composite;
pub use cull::cull;
pub use histogram::histogram;
pub use look::Surfel;
pub use offsets::offsets;
pub use project::project;
pub use scan::scan;
pub use scatter::scatter;
pub use slice::slice;
pub use splat::{Accumulated, splat};

use crate::generated::{DEAD_KEY, DIGIT_BITS, DIGITS, SLOT_BITS, SORT_BLOCK};
use crate::layout::{Cluster, ClusterRef, Counts, FrameBlock, Projected, Segment, Sliced};

/// Every buffer of set 0, on the CPU.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Buffers {
    /// The frame and its views.
    pub block: FrameBlock,
    /// Live segments.
    pub segments: Vec<Segment>,
    /// One entry a workgroup of slice and cull.
    pub references: Vec<ClusterRef>,
    /// The pool's cluster table.
    pub clusters: Vec<Cluster>,
    /// The pool's planes: mean, rotation, scale and opacity, colour, life, velocity, curve in slots; SH 1 to 3 in an
    /// arena of their own.
    pub planes: [Vec<u32>; 10],
    /// The pool's packed planes, in tiles: see `include/attributes.glsl`.
    pub packed: Vec<u32>,
    /// What each joint does to canonical space, three rows each.
    pub joints: Vec<[f32; 4]>,
    /// Splats at the media time; one a slot.
    pub sliced: Vec<Sliced>,
    /// Sort keys; one a slot.
    pub keys: Vec<u32>,
    /// Digit counts, then offsets, `[blocks][DIGITS]`.
    pub histogram: Vec<u32>,
    /// Where each digit starts, then the offsets of each group of blocks: `[1 + groups][DIGITS]`.
    pub totals: Vec<u32>,
    /// Sorted by the low digit.
    pub partial: Vec<u32>,
    /// Slots in drawing order.
    pub order: Vec<u32>,
    /// What the sort tells the passes behind it.
    pub counts: Counts,
    /// Splats on screens, `[views][slots]`.
    pub projected: Vec<Projected>,
}

impl Buffers {
    /// The `words` words of splat `source` in plane `index`.
    pub(crate) fn plane(&self, index: usize, source: usize, words: usize) -> &[u32] {
        &self.planes[index][source * words..(source + 1) * words]
    }

    /// How many words sort pass `pass` reads.
    pub(crate) fn sort_input_count(&self, pass: u32) -> usize {
        (if pass == 0 { self.block.frame.slots } else { self.counts.visible }) as usize
    }

    /// The digit and the word at `index` in sort pass `pass`; `None` when dead or past the end.
    pub(crate) fn sort_input(&self, pass: u32, index: usize) -> Option<(u32, u32)> {
        if index >= self.sort_input_count(pass) {
            return None;
        }
        if pass == 1 {
            let word = self.partial[index];
            return Some((word >> SLOT_BITS, word));
        }
        let key = self.keys[index];
        let slot = u32::try_from(index).ok()?;
        (key != DEAD_KEY).then_some((key & (DIGITS - 1), ((key >> DIGIT_BITS) << SLOT_BITS) | slot))
    }

    /// The indices of sort block `block`.
    pub(crate) fn block_range(block: u32) -> std::ops::Range<usize> {
        let first = (block * SORT_BLOCK) as usize;
        first..first + SORT_BLOCK as usize
    }
}
