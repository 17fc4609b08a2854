//! The hash grid of tiny-cuda-nn (Müller et al., SIGGRAPH 2022), read on the CPU: features by place. No I/O.
//!
//! ```text
//! scale_l = 16·growth^l − 1     resolution_l = ⌈scale_l⌉ + 1     entries_l = min(resolution³ rounded up to 8, 2^log2)
//! p = scale·x + ½;  the 8 corners of ⌊p⌋, each weighed by its nearness
//! a corner's entry: x + y·res + z·res² where the level is dense, else (x ⊕ y·2654435761 ⊕ z·805459861) mod entries_l
//! ```
//! Entries stand level by level, two features each.

/// Levels.
const LEVELS: u32 = 16;
/// Features of an entry.
const FEATURES: usize = 2;
/// Resolution of the first level.
const BASE: f32 = 16.0;
/// How much finer each level is.
const GROWTH: f32 = 1.447;
/// What each coordinate is multiplied with in the hash.
const PRIMES: [u32; 3] = [1, 2_654_435_761, 805_459_861];

/// Features of a place.
pub(super) const WIDTH: usize = LEVELS as usize * FEATURES;

/// One level.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Level {
    scale: f32,
    resolution: u64,
    /// Index of its first entry, and number of entries.
    first: usize,
    entries: usize,
}

/// A grid and its features.
#[derive(Debug)]
pub(super) struct HashGrid {
    levels: Vec<Level>,
    features: Vec<f32>,
}

impl HashGrid {
    /// The grid that has so many features; `None` where no size of the table fits.
    pub(super) fn new(features: Vec<f32>) -> Option<Self> {
        let levels = (8..=24).map(levels).find(|levels| count(levels) * FEATURES == features.len())?;
        Some(Self { levels, features })
    }

    /// The features at a place in 0..1.
    pub(super) fn at(&self, place: [f32; 3]) -> [f32; WIDTH] {
        let mut out = [0.0; WIDTH];
        for (level, out) in self.levels.iter().zip(out.as_chunks_mut::<FEATURES>().0) {
            let scaled = place.map(|x| level.scale.mul_add(x, 0.5));
            let share = scaled.map(|x| x - x.floor());
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "saturates: what is outside is taken to the edge"
            )]
            let corner = scaled.map(|x| x.floor() as u32);
            for number in 0..8_u32 {
                let mut weight = 1.0;
                let mut at = corner;
                for (axis, (at, share)) in at.iter_mut().zip(share).enumerate() {
                    if (number >> axis) & 1 == 0 {
                        weight *= 1.0 - share;
                    } else {
                        weight *= share;
                        *at = at.saturating_add(1);
                    }
                }
                let entry = (level.first + level.entry(at)) * FEATURES;
                if let Some(features) = self.features.get(entry..entry + FEATURES) {
                    out.iter_mut().zip(features).for_each(|(out, feature)| *out += weight * feature);
                }
            }
        }
        out
    }
}

impl Level {
    fn entry(&self, [x, y, z]: [u32; 3]) -> usize {
        let entries = self.entries as u64;
        let dense = self.resolution.pow(3) <= entries;
        let index = if dense {
            u64::from(x) + (u64::from(y) + u64::from(z) * self.resolution) * self.resolution
        } else {
            let [a, b, c] = PRIMES;
            u64::from(x.wrapping_mul(a) ^ y.wrapping_mul(b) ^ z.wrapping_mul(c))
        };
        usize::try_from(index % entries.max(1)).unwrap_or(0)
    }
}

fn levels(log2: u32) -> Vec<Level> {
    let mut first = 0;
    (0..LEVELS)
        .map(|number| {
            let scale = (number as f32 * GROWTH.log2()).exp2() * BASE - 1.0;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 16 and 5,000"
            )]
            let resolution = scale.ceil() as u64 + 1;
            let wanted = resolution.pow(3).next_multiple_of(8).min(1 << log2);
            let entries = usize::try_from(wanted).unwrap_or(usize::MAX);
            let level = Level { scale, resolution, first, entries };
            first += entries;
            level
        })
        .collect()
}

fn count(levels: &[Level]) -> usize {
    levels.last().map_or(0, |last| last.first + last.entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_two_to_the_nineteen_has_the_parameters_of_the_paper() {
        // 16³, 24³ (23.15 → 24 + 1 vertices), … dense; the rest full tables.
        let levels = levels(19);
        assert_eq!(levels[0].entries, 4096);
        assert_eq!(levels[15].entries, 1 << 19);
        assert!(levels.windows(2).all(|pair| pair[1].first == pair[0].first + pair[0].entries));
        assert!(HashGrid::new(vec![0.0; count(&levels) * 2]).is_some());
        assert!(HashGrid::new(vec![0.0; count(&levels) * 2 + 2]).is_none());
    }

    #[test]
    fn corners_of_a_dense_level_are_its_entries() {
        let levels = levels(14);
        let mut features = vec![0.0; count(&levels) * 2];
        // Vertex (3, 5, 7) of the first level, whose scale is 15.
        features[(3 + 5 * 16 + 7 * 256) * 2 + 1] = 2.0;
        let grid = HashGrid::new(features).unwrap();
        let place = |offset: f32| [2.5 + offset, 4.5, 6.5].map(|p| p / 15.0);
        assert!((grid.at(place(0.0))[1] - 2.0).abs() < 1e-4);
        assert!((grid.at(place(0.25))[1] - 1.5).abs() < 1e-4);
        assert!(grid.at(place(1.0))[1].abs() < 1e-4);
        assert!(grid.at([f32::NAN, 9.0, -9.0])[1].is_nan());
    }
}
