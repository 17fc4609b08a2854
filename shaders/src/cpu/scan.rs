//! Twin of `sort/scan.comp`.

use super::Buffers;
use crate::generated::{DIGITS, SORT_GROUP};

/// Each digit's column of the histogram to offsets within its group of blocks; the groups' sums to the totals.
pub fn scan(buffers: &mut Buffers) {
    let row_len = DIGITS as usize;
    for (group, rows) in buffers.histogram.chunks_mut(row_len * SORT_GROUP as usize).enumerate() {
        let sums = &mut buffers.totals[(group + 1) * row_len..(group + 2) * row_len];
        sums.fill(0);
        for row in rows.chunks_mut(row_len) {
            for (entry, sum) in row.iter_mut().zip(&mut *sums) {
                let count = *entry;
                *entry = *sum;
                *sum += count;
            }
        }
    }
}
