//! Twin of `sort/scatter.comp`.

use super::Buffers;
use crate::generated::{DIGITS, SLOT_BITS, SORT_GROUP};

/// Each word of sort pass `pass` to its place, stably.
pub fn scatter(buffers: &mut Buffers, pass: u32) {
    let blocks = buffers.block.frame.blocks;
    let mut moved = vec![0_u32; if pass == 0 { buffers.partial.len() } else { buffers.order.len() }];
    for block in 0..blocks {
        let (block_row, group_row) =
            ((block * DIGITS) as usize, ((block / SORT_GROUP + 1) * DIGITS) as usize);
        let mut next: Vec<u32> = (0..DIGITS as usize)
            .map(|digit| {
                buffers.totals[digit]
                    + buffers.totals[group_row + digit]
                    + buffers.histogram[block_row + digit]
            })
            .collect();
        for (digit, word) in Buffers::block_range(block).filter_map(|i| buffers.sort_input(pass, i)) {
            let place = &mut next[digit as usize];
            moved[*place as usize] = if pass == 0 { word } else { word & ((1 << SLOT_BITS) - 1) };
            *place += 1;
        }
    }
    if pass == 0 {
        buffers.partial = moved;
    } else {
        buffers.order = moved;
    }
}
