//! Twin of `sort/histogram.comp`.

use super::Buffers;
use crate::generated::DIGITS;

/// How often each digit of sort pass `pass` occurs in each block, `[block][digit]`.
pub fn histogram(buffers: &mut Buffers, pass: u32) {
    let blocks = buffers.block.frame.blocks;
    let mut counts = vec![0_u32; (DIGITS * blocks) as usize];
    for block in 0..blocks {
        for (digit, _) in Buffers::block_range(block).filter_map(|i| buffers.sort_input(pass, i)) {
            counts[(block * DIGITS + digit) as usize] += 1;
        }
    }
    buffers.histogram = counts;
}
