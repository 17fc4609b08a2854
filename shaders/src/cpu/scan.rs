//! Twin of `sort/scan.comp`.

use super::Buffers;
use crate::generated::SORT_GROUP;

/// Each digit's column of the histogram to offsets within its group of blocks; the groups' sums to the totals.
pub fn scan(buffers: &mut Buffers) {
    for (group, rows) in buffers.histogram.chunks_mut(256 * SORT_GROUP as usize).enumerate() {
        let sums = &mut buffers.totals[(group + 1) * 256..(group + 2) * 256];
        sums.fill(0);
        for row in rows.chunks_mut(256) {
            for (entry, sum) in row.iter_mut().zip(&mut *sums) {
                let count = *entry;
                *entry = *sum;
                *sum += count;
            }
        }
    }
}
