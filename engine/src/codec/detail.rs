//! Levels of detail: which splats of a segment are the coarse performer, and how much larger they then are.
//!
//! A level is half of the next finer one, chosen along its Hilbert curve: of each run of two neighbours one stays. So
//! every region keeps its share, and nothing tears open. Which one is told by how much it covers (opacity × area), in the
//! first halving only, since below that the broadest of many would leave out what lies on top of them; and by whether it
//! shows when splats are owed: the walk keeps account of how many each stretch of the segment's time should
//! have had by now and has had. So every moment keeps its share too, and a coarse picture does not flicker. That is error diffusion, after Floyd and Steinberg, "An adaptive
//! algorithm for spatial grayscale" (1976), along the curve of Velho and Gomes, "Digital halftoning with space filling
//! curves" (SIGGRAPH 1991).
//!
//! What is left covers less, so it grows: by the square root of what a region has lost, in the region and at the moment
//! that lost more than almost any other ([`QUANTILE`]). Tests look at the pictures.

use super::order::Placed;
use crate::frame::LODS;

/// Stretches of a segment's time that are told apart.
const STRETCHES: usize = 16;
/// Splats owed beyond which a stretch is not more urgent.
const MOST_OWED: f32 = 20.0;
/// Splats of the full segment that are compared with those a level keeps of them.
const REGION: usize = 256;
/// The part of all regions and moments, by what they cover, that a gain makes whole.
const QUANTILE: f64 = 0.8;
/// Gains beyond this are no picture of the performer any more.
const MOST_GAIN: f64 = 8.0;

/// The stretches in which a window lies.
fn stretches((start, end): (u32, u32), ticks: u32) -> std::ops::Range<usize> {
    let stretch = |tick: u32| {
        let at = u64::from(tick) * STRETCHES as u64 / u64::from(ticks.max(1));
        usize::try_from(at).unwrap_or(STRETCHES).min(STRETCHES - 1)
    };
    stretch(start)..stretch(end.max(start + 1) - 1) + 1
}

/// Keeps `keep` of the splats `from`, which stand along a curve, and gives them and the others, both in that order; of
/// two the `larger` if so.
pub(super) fn thin(
    placed: &Placed<'_>,
    ticks: u32,
    from: &[usize],
    keep: usize,
    larger: bool,
) -> [Vec<usize>; 2] {
    let keep = keep.min(from.len());
    let (mut kept, mut rest) = (Vec::with_capacity(keep), Vec::with_capacity(from.len() - keep));
    let mut owed = [0.0_f32; STRETCHES];
    for run in 0..keep {
        let run = &from[from.len() * run / keep..from.len() * (run + 1) / keep];
        let share = 1.0 / run.len() as f32;
        for &splat in run {
            owed[stretches(placed.windows[splat], ticks)].iter_mut().for_each(|owed| *owed += share);
        }
        let worth = |splat: usize| {
            let shows = &owed[stretches(placed.windows[splat], ticks)];
            let owed = shows.iter().sum::<f32>() / shows.len().max(1) as f32;
            let coverage = if larger { placed.coverage[splat] } else { 1.0 };
            coverage * owed.clamp(-MOST_OWED, MOST_OWED).exp()
        };
        // The first of equals.
        let best = run.iter().copied().reduce(|a, b| if worth(b) > worth(a) { b } else { a });
        let Some(best) = best else { continue };
        owed[stretches(placed.windows[best], ticks)].iter_mut().for_each(|owed| *owed -= 1.0);
        kept.push(best);
        rest.extend(run.iter().copied().filter(|&splat| splat != best));
    }
    [kept, rest]
}

/// By how much each level has to grow. `curve` has all splats along the Hilbert curve, `levels` says for each splat the
/// coarsest level that it is in.
pub(super) fn gains(placed: &Placed<'_>, ticks: u32, curve: &[usize], levels: &[u8]) -> [f32; LODS] {
    let mut gains = [1.0; LODS];
    // What regions and moments lost, as (factor, what they covered); a level after the other.
    let mut lost: [Vec<(f64, f64)>; LODS] = Default::default();
    for region in curve.chunks(REGION) {
        let mut covered = [[0.0_f64; STRETCHES]; LODS];
        for &splat in region {
            for stretch in stretches(placed.windows[splat], ticks) {
                let from = usize::from(levels[splat]);
                covered[from..].iter_mut().for_each(|of| of[stretch] += f64::from(placed.coverage[splat]));
            }
        }
        let whole = covered[LODS - 1];
        for (lost, covered) in lost.iter_mut().zip(covered).take(LODS - 1) {
            let cells = whole.iter().zip(covered).filter(|(whole, _)| **whole > 0.0);
            lost.extend(cells.map(|(&whole, left)| (whole / left.max(whole * 1e-6), whole)));
        }
    }
    for (gain, mut lost) in gains.iter_mut().zip(lost) {
        lost.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut left = QUANTILE * lost.iter().map(|(_, whole)| whole).sum::<f64>();
        let factor = lost.iter().find(|(_, whole)| {
            left -= whole;
            left <= 0.0
        });
        #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
        let found = factor.map_or(1.0, |(factor, _)| factor.sqrt().clamp(1.0, MOST_GAIN)) as f32;
        *gain = found;
    }
    gains[LODS - 1] = 1.0;
    gains
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "coordinates are small whole numbers"
)]
mod tests {
    use super::super::order::order;
    use super::*;
    use crate::frame::lod_splats;

    const TICKS: u32 = 16_000;

    struct Splats {
        positions: Vec<[f64; 3]>,
        coverage: Vec<f32>,
        windows: Vec<(u32, u32)>,
    }

    impl Splats {
        /// A scrambled sheet of 64 × 64 splats, `windows` and coverage by number.
        fn sheet(windows: impl Fn(u32) -> (u32, u32)) -> Self {
            let cell = |index: u32| index * 2717 % 4096;
            Self {
                positions: (0..4096)
                    .map(|index| [f64::from(cell(index) % 64), f64::from(cell(index) / 64), 0.0])
                    .collect(),
                coverage: (0..4096_u32).map(|index| 1.0 + (index * 37 % 16) as f32).collect(),
                windows: (0..4096).map(windows).collect(),
            }
        }

        fn placed(&self) -> Placed<'_> {
            Placed { positions: &self.positions, coverage: &self.coverage, windows: &self.windows }
        }
    }

    /// How far `part` is from its share of `all` in the worst of some classes, as a factor.
    fn worst_share(all: &[usize], part: &[usize], classes: usize, class: impl Fn(usize) -> usize) -> f64 {
        let mut counts = vec![(0.0, 0.0); classes];
        all.iter().for_each(|&splat| counts[class(splat)].0 += 1.0);
        part.iter().for_each(|&splat| counts[class(splat)].1 += 1.0);
        let share = part.len() as f64 / all.len() as f64;
        let factors = counts.iter().filter(|(all, _)| *all > 0.0).map(|(all, part)| part / (all * share));
        factors.map(|factor| factor.max(1.0 / factor)).fold(1.0, f64::max)
    }

    #[test]
    fn every_region_and_every_moment_keeps_its_share() {
        // Windows of a sixteenth to a quarter of the segment, all over it.
        let splats = Splats::sheet(|index| {
            let (start, length) = (index * 811 % 14_000, 1000 + index % 4 * 1000);
            (start, (start + length).min(TICKS))
        });
        let found = order(&splats.placed(), TICKS);
        assert_eq!(found, order(&splats.placed(), TICKS), "the same every time");
        let mut all = found.order.clone();
        all.sort_unstable();
        assert!(all.iter().copied().eq(0..4096), "a permutation");
        for lod in 0..LODS - 1 {
            let part = &found.order[..lod_splats(4096, lod)];
            let region = |splat: usize| {
                let [x, y, _] = splats.positions[splat].map(|value| value as usize);
                x / 16 * 4 + y / 16
            };
            assert!(worst_share(&all, part, 16, region) < 1.2, "level {lod} by region");
            for stretch in 0..16 {
                let shows = |splat: usize| {
                    let (start, end) = splats.windows[splat];
                    let moment = stretch * 1000 + 500;
                    usize::from(start <= moment && moment < end)
                };

                assert!(worst_share(&all, part, 2, shows) < 1.15, "level {lod} in stretch {stretch}");
            }
            // What is kept is larger than what is not.
            let mean = |part: &[usize]| {
                part.iter().map(|&splat| splats.coverage[splat]).sum::<f32>() / part.len() as f32
            };
            assert!(mean(part) > 1.1 * mean(&all), "level {lod}: {} of {}", mean(part), mean(&all));
        }
        // By number, which says nothing of place or time, shares are off.
        let by_place =
            |splat: usize| (splats.positions[splat][0] + 64.0 * splats.positions[splat][1]) as usize / 256;
        let mut sorted = all.clone();
        sorted.sort_by_key(|&splat| by_place(splat));
        assert!(worst_share(&all, &sorted[..512], 16, by_place) > 2.0, "the first rows pass for all");
    }

    #[test]
    fn gains_make_up_for_what_is_left_out() {
        // Equal splats that always show: an eighth of them needs √8.
        let mut splats = Splats::sheet(|_| (0, TICKS));
        splats.coverage.fill(0.5);
        let gains = order(&splats.placed(), TICKS).gains;
        for (gain, wanted) in gains.into_iter().zip([8.0_f32, 4.0, 2.0, 1.0]) {
            assert!((gain - wanted.sqrt()).abs() < 0.02 * gain, "{gains:?}");
        }
        // Half of them cover nearly all: leaving the others out costs little.
        splats.coverage = splats
            .positions
            .iter()
            .map(|at| if (at[0] as u32).is_multiple_of(2) { 8.0 } else { 1e-3 })
            .collect();
        let gains = order(&splats.placed(), TICKS).gains;
        assert!(gains[2] < 1.3 && gains[0] >= gains[1] && gains[1] >= gains[2], "{gains:?}");
        assert_eq!(gains[3].to_bits(), 1.0_f32.to_bits());
        // Nothing that covers is no division by zero.
        splats.coverage.fill(0.0);
        assert!(order(&splats.placed(), TICKS).gains.iter().all(|gain| *gain >= 1.0));
    }
}
