//! Twin of `sort/offsets.comp`.

use super::Buffers;
use crate::layout::Counts;

/// The digits' totals to the place where each starts; the sum to the counts.
pub fn offsets(buffers: &mut Buffers) {
    let mut sum = 0;
    for total in &mut buffers.totals {
        let count = *total;
        *total = sum;
        sum += count;
    }
    buffers.counts = Counts { visible: sum, dispatch: [sum.div_ceil(256), 1, 1], draw: [4, sum, 0, 0] };
}
