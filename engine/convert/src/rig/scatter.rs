//! A given number of places spread evenly over a surface, from many random ones. Pure, deterministic.
//!
//! Weighted sample elimination (Yuksel, *Sample Elimination for Generating Poisson Disk Sample Sets*, CGF 2015): every
//! candidate weighs by how crowded it is, the most crowded goes, its neighbours weigh less, until the wanted number is
//! left. A heap holds the weights; since they only fall, an entry that is out of date is put back when it comes up.
//!
//! Two sheets that lie close, such as cloth on skin or the two sides of an ear, must not thin each other: candidates
//! are neighbours only on the same connected piece and where the surface faces alike.
//!
//! At the end every candidate looks for the nearest place that was kept. The farthest that looks to a place tells how
//! far its splat must reach so that there is no hole.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use glam::Vec3;
use rayon::prelude::*;

/// The exponent of the weight, and the shares of the radius below which crowding counts no more (Yuksel, section 3).
const ALPHA: i32 = 8;
const BETA: f32 = 0.65;
const GAMMA: f32 = 1.5;

/// Least cosine between the normals of neighbours.
const FACING_ALIKE: f32 = 0.3;

/// Candidates a task.
const TASK: usize = 2048;

/// A place that may be kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) place: Vec3,
    pub(crate) normal: Vec3,
    /// Which connected piece of surface it lies on.
    pub(crate) piece: u32,
}

/// A candidate that was kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Kept {
    /// Index of the candidate.
    pub(crate) candidate: usize,
    /// How far the surface lies that is nearest to it.
    pub(crate) reach: f32,
}

/// Half the distance between neighbours when `count` places fill `area` as densely as they can.
pub(crate) fn packing_radius(area: f64, count: usize) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a length in metres")]
    let radius = (area / (2.0 * 3.0_f64.sqrt() * count.max(1) as f64)).sqrt() as f32;
    radius
}

/// Candidates in cells.
struct Grid<'a> {
    candidates: &'a [Candidate],
    side: f32,
    /// Indices of candidates, by cell.
    order: Vec<u32>,
    /// Where each cell's run of `order` starts and ends.
    cells: HashMap<[i32; 3], (u32, u32)>,
}

impl<'a> Grid<'a> {
    /// Sorts candidates into cells of side `side`, so that neighbours within it are in adjacent cells.
    fn new(candidates: &'a [Candidate], side: f32) -> Self {
        let mut keyed: Vec<([i32; 3], u32)> = candidates
            .iter()
            .zip(0_u32..)
            .map(|(candidate, index)| (cell(candidate.place, side), index))
            .collect();
        keyed.par_sort_unstable();
        let mut cells = HashMap::new();
        for (at, &(key, _)) in keyed.iter().enumerate() {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            cells.entry(key).or_insert((at, at)).1 = at + 1;
        }
        let order = keyed.into_iter().map(|(_, index)| index).collect();
        Self { candidates, side, order, cells }
    }

    /// Calls `each` with every neighbour of a candidate nearer than `radius`, at most the grid's side, and its distance.
    fn neighbours(&self, index: usize, radius: f32, mut each: impl FnMut(usize, f32)) {
        let own = self.candidates[index];
        let [x, y, z] = cell(own.place, self.side);
        for dz in -1..=1 {
            for dy in -1..=1 {
                for dx in -1..=1 {
                    let key = [x.saturating_add(dx), y.saturating_add(dy), z.saturating_add(dz)];
                    let Some(&(start, end)) = self.cells.get(&key) else { continue };
                    for &other in &self.order[start as usize..end as usize] {
                        let candidate = self.candidates[other as usize];
                        let square = candidate.place.distance_squared(own.place);
                        if square < radius * radius
                            && other as usize != index
                            && candidate.piece == own.piece
                            && candidate.normal.dot(own.normal) > FACING_ALIKE
                        {
                            each(other as usize, square.sqrt());
                        }
                    }
                }
            }
        }
    }
}

/// The cell of a place; a float to int cast saturates, which only lengthens the search far from anywhere.
fn cell(place: Vec3, side: f32) -> [i32; 3] {
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    (place / side).floor().to_array().map(|value| value as i32)
}

/// A weight in the heap: the heaviest first, then the lowest index.
#[derive(PartialEq)]
struct Entry {
    weight: f32,
    index: u32,
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.weight.total_cmp(&other.weight).then(other.index.cmp(&self.index))
    }
}

/// Keeps `count` of `candidates`, which lie on a surface of `area`, in the order they came; all if there are no more.
pub(crate) fn spread(candidates: &[Candidate], area: f64, count: usize) -> Vec<Kept> {
    let radius = packing_radius(area, count).max(f32::MIN_POSITIVE);
    let grid = Grid::new(candidates, 2.0 * radius);
    let mut is_kept = vec![true; candidates.len()];
    if candidates.len() > count {
        let share = count as f32 / candidates.len() as f32;
        let least = 2.0 * radius * (1.0 - share.powf(GAMMA)) * BETA;
        let pull = |distance: f32| (1.0 - distance.max(least) / (2.0 * radius)).powi(ALPHA);
        eliminate(&grid, 2.0 * radius, pull, count, &mut is_kept);
    }
    let nearest: Vec<(u32, f32)> = (0..candidates.len())
        .into_par_iter()
        .with_min_len(TASK)
        .map(|index| nearest_kept(&grid, index, 2.0 * radius, &is_kept))
        .collect();
    let mut reach = vec![0.0_f32; candidates.len()];
    for (kept, distance) in nearest {
        reach[kept as usize] = reach[kept as usize].max(distance);
    }
    let kept = is_kept.into_iter().zip(reach).enumerate().filter(|(_, (kept, _))| *kept);
    kept.map(|(candidate, (_, reach))| Kept { candidate, reach }).collect()
}

fn eliminate(
    grid: &Grid<'_>,
    radius: f32,
    pull: impl Fn(f32) -> f32 + Sync,
    count: usize,
    is_kept: &mut [bool],
) {
    let weigh = |index: usize| {
        let mut weight = 0.0;
        grid.neighbours(index, radius, |_, distance| weight += pull(distance));
        weight
    };
    let mut weights: Vec<f32> = (0..is_kept.len()).into_par_iter().with_min_len(TASK).map(weigh).collect();
    let entries = weights.iter().zip(0_u32..).map(|(&weight, index)| Entry { weight, index });
    let mut heap: BinaryHeap<Entry> = entries.collect();
    let mut left = is_kept.len();
    while left > count {
        let Some(Entry { weight, index }) = heap.pop() else { return };
        let current = weights[index as usize];
        if current < weight {
            heap.push(Entry { weight: current, index });
            continue;
        }
        is_kept[index as usize] = false;
        left -= 1;
        grid.neighbours(index as usize, radius, |other, distance| {
            // Never below zero by rounding: an order by weight must stay an order.
            weights[other] = (weights[other] - pull(distance)).max(0.0);
        });
    }
}

/// The kept candidate nearest to one, itself if it is kept or none is near.
fn nearest_kept(grid: &Grid<'_>, index: usize, radius: f32, is_kept: &[bool]) -> (u32, f32) {
    let own = u32::try_from(index).unwrap_or(u32::MAX);
    let mut best = (own, 0.0);
    if !is_kept[index] {
        let mut least = f32::INFINITY;
        grid.neighbours(index, radius, |other, distance| {
            if is_kept[other] && distance < least {
                least = distance;
                best = (u32::try_from(other).unwrap_or(u32::MAX), distance);
            }
        });
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A square metre with candidates on a jittered lattice.
    fn square(side: u32, piece: u32, height: f32) -> Vec<Candidate> {
        let mut word = 1_u32;
        let mut jitter = || {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (word >> 8) as f32 / 16_777_216.0
        };
        let step = 1.0 / side as f32;
        (0..side * side)
            .map(|at| {
                let (x, z) = ((at % side) as f32 + jitter(), (at / side) as f32 + jitter());
                Candidate { place: Vec3::new(x * step, height, z * step), normal: Vec3::Y, piece }
            })
            .collect()
    }

    #[test]
    fn places_are_spread_and_their_reach_covers_the_surface() {
        let candidates = square(64, 0, 0.0);
        let kept = spread(&candidates, 1.0, 1000);
        assert_eq!(kept.len(), 1000);
        assert_eq!(kept, spread(&candidates, 1.0, 1000), "twice the same");
        let radius = packing_radius(1.0, 1000);
        let place = |kept: &Kept| candidates[kept.candidate].place;
        let nearest = |from: &Kept| {
            kept.iter()
                .filter(|other| *other != from)
                .map(|other| place(other).distance(place(from)))
                .fold(9.0, f32::min)
        };
        let least = kept.iter().map(nearest).fold(9.0, f32::min);
        // White noise has pairs a hundred times nearer than this.
        assert!(least > 1.1 * radius, "{least} of {radius}");
        for candidate in &candidates {
            let covered = kept.iter().any(|kept| place(kept).distance(candidate.place) <= kept.reach + 1e-6);
            assert!(covered, "{candidate:?}");
        }
        assert!(kept.iter().all(|kept| kept.reach < 2.0 * radius));
    }

    #[test]
    fn sheets_do_not_thin_each_other() {
        let mut both = square(32, 0, 0.0);
        both.extend(square(32, 1, 0.001));
        let kept = spread(&both, 2.0, 400);
        let lower = kept.iter().filter(|kept| kept.candidate < 1024).count();
        assert!((180..=220).contains(&lower), "{lower} of 400 on one of two equal sheets");
        assert_eq!(spread(&both, 2.0, 5000).len(), 2048, "no more than there are");
        assert!(spread(&[], 1.0, 10).is_empty());
    }
}
