//! Three arenas in which resident segments stand, and who fits where (first fit).
//!
//! | arena | unit | holds |
//! |---|---|---|
//! | slots | a cluster | the cluster table and the full planes from mean to curve |
//! | packed | 256 words | tiles: the packed planes of a cluster together; behind them the poses |
//! | harmonics | 256 entries | the full planes of harmonics |
//!
//! They are apart because segments differ in what they have: a packed segment of few words a splat takes as many words
//! as it has, and none for harmonics, beside one that has every plane in full.

use crate::frame::{CLUSTER_SPLATS, Plane, SegmentData};

/// Number of arenas.
pub(super) const ARENAS: usize = 3;
/// Index of the arena of slots.
pub(super) const SLOTS: usize = 0;
/// Index of the arena of packed words.
pub(super) const PACKED: usize = 1;
/// Index of the arena of harmonics.
pub(super) const HARMONICS: usize = 2;

/// The planes that stand in the arena of harmonics.
pub(super) const HARMONIC_PLANES: u32 = Plane::Sh1.bit() | Plane::Sh2.bit() | Plane::Sh3.bit();

/// A contiguous run of an arena's units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Run {
    pub(super) first: u32,
    pub(super) count: u32,
}

impl Run {
    fn end(self) -> u64 {
        u64::from(self.first) + u64::from(self.count)
    }
}

/// How many units a segment takes in each arena.
pub(super) fn units(segment: &SegmentData) -> [u32; ARENAS] {
    let count = |units: usize| u32::try_from(units).unwrap_or(u32::MAX);
    let clusters = segment.clusters.len();
    let poses = segment.poses.len().div_ceil(CLUSTER_SPLATS);
    let harmonics = if segment.plane_mask() & HARMONIC_PLANES == 0 { 0 } else { clusters };
    [count(clusters), tile_units(segment, clusters).saturating_add(count(poses)), count(harmonics)]
}

/// Units of packed words that the tiles of so many of a segment's clusters take; their poses stand behind them.
pub(super) fn tile_units(segment: &SegmentData, clusters: usize) -> u32 {
    u32::try_from(clusters.saturating_mul(segment.tile_words())).unwrap_or(u32::MAX)
}

/// The first run of `count` units among `capacity` that none of `taken` has.
pub(super) fn first_fit(capacity: u32, count: u32, taken: impl Iterator<Item = Run> + Clone) -> Option<Run> {
    let taken = taken.filter(|run| run.count > 0);
    // A run can only start at 0 or right behind another: few enough to try each.
    let ends = taken.clone().filter_map(|run| u32::try_from(run.end()).ok());
    std::iter::once(0)
        .chain(ends)
        .map(|first| Run { first, count })
        .filter(|run| {
            let apart =
                |other: Run| run.end() <= u64::from(other.first) || u64::from(run.first) >= other.end();
            run.end() <= u64::from(capacity) && (run.count == 0 || taken.clone().all(apart))
        })
        .min_by_key(|run| run.first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_gap_that_is_wide_enough_is_taken() {
        let run = |first, count| Run { first, count };
        let taken = [run(10, 5), run(0, 4), run(17, 3), run(3, 0)];
        let fit = |capacity, count| first_fit(capacity, count, taken.into_iter());
        assert_eq!(fit(40, 6), Some(run(4, 6)));
        assert_eq!(fit(40, 7), Some(run(20, 7)));
        assert_eq!(fit(26, 7), None);
        assert_eq!(fit(27, 7), Some(run(20, 7)));
        assert_eq!(fit(20, 0), Some(run(0, 0)), "nothing fits anywhere");
        assert_eq!(fit(u32::MAX, u32::MAX), None);
        assert_eq!(first_fit(0, 0, [].into_iter()), Some(run(0, 0)));
    }
}
