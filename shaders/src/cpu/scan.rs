//! Twin of `sort/scan.comp`.

use super::Buffers;

/// Each digit's row of the histogram to offsets within the digit; its sum to the totals.
pub fn scan(buffers: &mut Buffers) {
    let blocks = buffers.block.frame.blocks as usize;
    buffers.totals = vec![0; 256];
    for (digit, total) in buffers.totals.iter_mut().enumerate() {
        for entry in &mut buffers.histogram[digit * blocks..(digit + 1) * blocks] {
            let count = *entry;
            *entry = *total;
            *total += count;
        }
    }
}
