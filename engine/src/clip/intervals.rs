//! Which stretches of time each level already has a segment for: segments of one level never overlap.

use std::collections::BTreeMap;

use super::header::MAX_LEVELS;

/// The intervals taken in each level.
#[derive(Debug, Default)]
pub(super) struct Intervals {
    /// End by start.
    levels: [BTreeMap<i64, i64>; MAX_LEVELS],
}

impl Intervals {
    /// Whether no interval of `level` shares a tick with `[start, end)`; never for a level that cannot be.
    pub(super) fn is_free(&self, level: u8, start: i64, end: i64) -> bool {
        let Some(taken) = self.levels.get(usize::from(level)) else { return false };
        taken.range(..end).next_back().is_none_or(|(_, &before)| before <= start)
    }

    /// Takes `[start, end)`.
    pub(super) fn insert(&mut self, level: u8, start: i64, end: i64) {
        if let Some(taken) = self.levels.get_mut(usize::from(level)) {
            taken.insert(start, end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_touch_and_do_not_overlap() {
        let mut intervals = Intervals::default();
        intervals.insert(1, 10, 20);
        intervals.insert(1, 30, 40);
        for (start, end, free) in [
            (0, 10, true),
            (20, 30, true),
            (40, 50, true),
            (0, 11, false),
            (19, 20, false),
            (25, 45, false),
            (0, 99, false),
        ] {
            assert_eq!(intervals.is_free(1, start, end), free, "{start}..{end}");
        }
        assert!(intervals.is_free(2, 10, 20));
        assert!(!intervals.is_free(8, 0, 1));
    }
}
