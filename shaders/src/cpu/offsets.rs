//! Twin of `sort/offsets.comp`.

use super::Buffers;
use crate::generated::{DIGITS, SORT_GROUP};
use crate::layout::Counts;

/// The groups' sums to offsets within each digit, the digits' sums to the place where each starts; the sum of all to
/// the counts.
pub fn offsets(buffers: &mut Buffers) {
    let groups = buffers.block.frame.blocks.div_ceil(SORT_GROUP) as usize;
    let row_len = DIGITS as usize;
    let mut place = 0;
    for digit in 0..row_len {
        let mut sum = 0;
        for group in 1..=groups {
            let count = buffers.totals[group * row_len + digit];
            buffers.totals[group * row_len + digit] = sum;
            sum += count;
        }
        buffers.totals[digit] = place;
        place += sum;
    }
    buffers.counts = Counts { visible: place, dispatch: [place.div_ceil(256), 1, 1], draw: [4, place, 0, 0] };
}
