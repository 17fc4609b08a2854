//! The palette of a clip: harmonics by vector quantisation, made from a sample of its splats.
//!
//! A splat has up to 45 coefficients and most are noise of the training, so a few thousand rows stand for all: each
//! splat keeps the number of the row nearest to it. Rows are found by k-means in two steps, coarse groups and rows
//! within each, weighted by how much of a picture a splat makes, and then improved together. How many rows: the fewest
//! of three numbers that keep the error the profile allows; if none does, a clip keeps its full planes.
//!
//! The method: Lloyd, "Least squares quantization in PCM" (1982); the tree after Nistér and Stewénius, "Scalable
//! recognition with a vocabulary tree" (2006). Everything is in one order whatever the number of threads, so equal input
//! gives an equal palette.

use std::sync::Arc;

use rayon::prelude::*;

use super::rows::{Rows, Search};
use super::sh;
use super::words::{from_halves, halves};
use crate::clip::Profile;
use crate::frame::{Palette, Plane, SegmentData};
use crate::splat::Splats;

/// Clips of fewer splats keep full planes: the palette would be half of them.
const LEAST_SPLATS: u64 = 512;
/// Splats a row, the fewest rows first.
const SHARES: [u64; 3] = [16, 8, 4];
/// Rounds of k-means for groups, for rows in a group, for all rows together.
const ROUNDS: [usize; 3] = [6, 6, 2];

/// What a profile asks of a palette.
#[derive(Debug, Clone, Copy)]
struct Aim {
    /// Error of a colour channel over all directions, root mean square of the splats by their weight, sRGB-encoded. A
    /// picture shows a half to a third of it, since several splats make a pixel and their errors are not alike.
    error: f32,
    /// Step to which rows are rounded.
    step: f32,
}

impl Aim {
    const fn of(profile: Profile) -> Option<Self> {
        match profile {
            Profile::Raw => None,
            Profile::Local => Some(Self { error: 0.0075, step: 1.0 / 256.0 }),
            Profile::Network => Some(Self { error: 0.015, step: 1.0 / 128.0 }),
        }
    }
}

/// Gathers the splats that a palette is made from.
#[derive(Debug)]
pub struct PaletteSampler {
    rows: Rows,
    weights: Vec<f32>,
    every: u64,
    seen: u64,
}

impl PaletteSampler {
    /// Splats of a sample, at most: 50 MB of them.
    pub const MOST_SAMPLES: u64 = 1 << 18;

    /// A sampler of harmonics up to `degree` that expects to be shown so many splats, of which it keeps evenly many.
    #[must_use]
    pub fn new(degree: u8, expected: u64) -> Self {
        let floats = sh::DEGREES.iter().take(usize::from(degree)).map(|(_, floats)| floats.len()).sum();
        let every = expected.div_ceil(Self::MOST_SAMPLES).max(1);
        Self { rows: Rows::new(floats), weights: Vec::new(), every, seen: 0 }
    }

    /// Shows it splats.
    pub fn add(&mut self, splats: &Splats) {
        for index in 0..splats.len() {
            self.seen += 1;
            let rest = splats.sh_rest_of(index);
            if !self.seen.is_multiple_of(self.every) || !sh::fits(rest) || rest.is_empty() {
                continue;
            }
            let [mut a, mut b, mut c] = splats.scale[index];
            // The two longer axes are what a splat mostly shows of itself.
            if a > b {
                std::mem::swap(&mut a, &mut b);
            }
            if a > c {
                std::mem::swap(&mut a, &mut c);
            }
            let weight = splats.opacity[index] * (b * c).sqrt();
            if weight.is_finite() && weight > 0.0 {
                self.rows.push(rest);
                self.weights.push(weight);
            }
        }
    }

    /// The palette for a clip of `splats` splats; `None` where full planes are better.
    #[must_use]
    pub fn palette(&self, profile: Profile, splats: u64) -> Option<Palette> {
        let aim = Aim::of(profile)?;
        let samples = self.weights.len();
        if splats < LEAST_SPLATS || samples == 0 || self.rows.is_blank() {
            return None;
        }
        for share in SHARES {
            let most = splats.min(samples as u64) / share;
            let rows = usize::try_from(most).unwrap_or(Palette::MOST).clamp(1, Palette::MOST);
            let mut found = self.train(rows);
            found.round(aim.step);
            if self.error(&found) <= aim.error {
                return Some(found.into_palette());
            }
        }
        None
    }

    /// Root mean square of what a channel is off when each splat takes its nearest row.
    fn error(&self, rows: &Rows) -> f32 {
        let search = Search::new(rows);
        let parts: Vec<(f64, f64)> = (0..self.weights.len())
            .into_par_iter()
            .chunks(4096)
            .map(|chunk| {
                chunk.into_iter().fold((0.0, 0.0), |(sum, all), at| {
                    // What a splat adds to the picture goes with its weight, the error there with the square.
                    let weight = f64::from(self.weights[at]).powi(2);
                    let (_, distance) = search.nearest(self.rows.row(at));
                    (sum + weight * f64::from(distance), all + weight)
                })
            })
            .collect();
        let (sum, all) = parts.into_iter().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
        // The basis is orthonormal over the sphere, whose area is 4π; three channels.
        #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
        let error = (sum / all.max(f64::MIN_POSITIVE) / (3.0 * 4.0 * std::f64::consts::PI)).sqrt() as f32;
        error
    }

    /// So many rows, like ones side by side.
    fn train(&self, count: usize) -> Rows {
        let all: Vec<usize> = (0..self.weights.len()).collect();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a root of at most 65536"
        )]
        let groups = ((count as f64).sqrt().ceil() as usize).clamp(1, 256);
        let coarse = self.cluster(&all, groups, ROUNDS[0]).chained();
        let members = self.members(&coarse);
        let spread: Vec<f64> = members
            .par_iter()
            .enumerate()
            .map(|(group, own)| {
                own.iter()
                    .map(|&at| {
                        f64::from(self.weights[at]) * f64::from(self.rows.distance(at, coarse.row(group)))
                    })
                    .sum()
            })
            .collect();
        let shares = shares(&spread, &members, count);
        let fine: Vec<Rows> = members
            .par_iter()
            .zip(shares)
            .map(|(own, share)| self.cluster(own, share, ROUNDS[1]).chained())
            .collect();
        let mut rows = Rows::new(self.rows.floats());
        fine.iter().for_each(|part| rows.append(part));
        for _ in 0..ROUNDS[2] {
            let labels = self.labels(&Search::new(&rows));
            rows = self.means(&labels, &rows);
        }
        rows
    }

    /// The row nearest to each sample.
    fn labels(&self, search: &Search<'_>) -> Vec<usize> {
        (0..self.weights.len()).into_par_iter().map(|at| search.nearest(self.rows.row(at)).0).collect()
    }

    /// The samples of each row.
    fn members(&self, rows: &Rows) -> Vec<Vec<usize>> {
        let labels: Vec<usize> =
            (0..self.weights.len()).into_par_iter().map(|at| rows.nearest(self.rows.row(at)).0).collect();
        let mut members = vec![Vec::new(); rows.len()];
        for (at, label) in labels.into_iter().enumerate() {
            members[label].push(at);
        }
        members
    }

    /// The weighted means of the samples of each row; a row without any stays.
    fn means(&self, labels: &[usize], before: &Rows) -> Rows {
        let mut sums = before.weighted_sums();
        for (at, &label) in labels.iter().enumerate() {
            sums.add(label, self.rows.row(at), self.weights[at]);
        }
        sums.means(before)
    }

    /// K-means of some of the samples.
    fn cluster(&self, own: &[usize], count: usize, rounds: usize) -> Rows {
        let mut rows = Rows::new(self.rows.floats());
        let count = count.min(own.len());
        for number in 0..count {
            // Evenly chosen: neighbours in the file are often alike.
            rows.push_padded(self.rows.row(own[number * own.len() / count]));
        }
        if count == own.len() {
            return rows;
        }
        for _ in 0..rounds {
            let found: Vec<(usize, f32)> = if own.len() * count > 1 << 20 {
                own.par_iter().map(|&at| rows.nearest(self.rows.row(at))).collect()
            } else {
                own.iter().map(|&at| rows.nearest(self.rows.row(at))).collect()
            };
            let mut sums = rows.weighted_sums();
            for (&at, &(label, _)) in own.iter().zip(&found) {
                sums.add(label, self.rows.row(at), self.weights[at]);
            }
            // A row that nobody wants takes the place of the sample that is worst off.
            let mut worst: Vec<usize> = (0..own.len()).collect();
            let loss = |at: usize| self.weights[own[at]] * found[at].1;
            let free = sums.empty();
            if !free.is_empty() {
                worst.sort_by(|&a, &b| loss(b).total_cmp(&loss(a)).then(a.cmp(&b)));
            }
            let mut next = sums.means(&rows);
            for (&row, &at) in free.iter().zip(&worst) {
                next.set(row, self.rows.row(own[at]));
            }
            rows = next;
        }
        rows
    }
}

/// How many rows each group gets: in proportion to its share of the error, which in many dimensions falls but slowly
/// with their number; at least one where there is a sample, at most one a sample.
fn shares(spread: &[f64], members: &[Vec<usize>], count: usize) -> Vec<usize> {
    let total: f64 = spread.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let filled = members.iter().filter(|own| !own.is_empty()).count();
    let rest = count.saturating_sub(filled) as f64;
    let share = |(own, spread): (&Vec<usize>, &f64)| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most the count of rows"
        )]
        let more = (spread / total * rest) as usize;
        if own.is_empty() { 0 } else { (1 + more).min(own.len()) }
    };
    members.iter().zip(spread).map(share).collect()
}

impl Rows {
    /// Rounds every number to a multiple of `step` that an f16 holds.
    fn round(&mut self, step: f32) {
        self.each(|value| {
            let [rounded, _] = from_halves(halves((value / step).round() * step, 0.0));
            rounded
        });
    }

    fn into_palette(self) -> Palette {
        let mut palette = Palette { entries: self.len(), ..Palette::default() };
        for entry in 0..self.len() {
            let row = &self.row(entry)[..self.floats()];
            for ((plane, floats), words) in sh::DEGREES.iter().zip(&mut palette.planes) {
                if floats.end > row.len() {
                    break;
                }
                match plane {
                    Plane::Sh1 => words.extend(sh::pack::<5>(row, floats.clone())),
                    Plane::Sh2 => words.extend(sh::pack::<8>(row, floats.clone())),
                    _ => words.extend(sh::pack::<11>(row, floats.clone())),
                }
            }
        }
        palette
    }

    /// The entries of a palette.
    fn of_palette(palette: &Palette) -> Self {
        let floats = sh::DEGREES.iter().zip(&palette.planes).filter(|(_, words)| !words.is_empty());
        let mut rows = Self::new(floats.map(|((_, floats), _)| floats.len()).sum());
        let mut row = Vec::new();
        for entry in 0..palette.entries {
            row.clear();
            for ((plane, floats), words) in sh::DEGREES.iter().zip(&palette.planes) {
                let own = words.get(entry * plane.words()..(entry + 1) * plane.words());
                sh::unpack(own.unwrap_or_default(), floats.len(), &mut row);
            }
            rows.push(&row);
        }
        rows
    }
}

/// The segment with labels in place of its harmonics; as it is if it has none.
#[must_use]
pub fn with_palette(mut data: SegmentData, palette: &Arc<Palette>) -> SegmentData {
    if Plane::HARMONICS.iter().all(|plane| data.planes[plane.index()].is_empty()) {
        return data;
    }
    let rows = Rows::of_palette(palette);
    let search = Search::new(&rows);
    let labels: Vec<u32> = (0..data.splats)
        .into_par_iter()
        .map_init(
            || (Vec::with_capacity(48), Vec::new()),
            |(rest, padded), index| {
                rest.clear();
                for (plane, floats) in &sh::DEGREES {
                    let words = sh::words_of(&data, *plane, index);
                    sh::unpack(words, floats.len(), rest);
                    // Degrees that the segment lacks are zero.
                    rest.resize(floats.end, 0.0);
                }
                rows.pad(rest, padded);
                u32::try_from(search.nearest(padded).0).unwrap_or(0)
            },
        )
        .collect();
    for plane in Plane::HARMONICS {
        data.planes[plane.index()] = Vec::new();
    }
    data.planes[Plane::PackedHarmonics.index()] = labels;
    data.palette = Some(palette.clone());
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splat::Splat;

    /// Splats of degree 3 whose harmonics are one of `kinds` rows, some way off.
    fn splats(count: usize, kinds: usize, off: f32) -> Splats {
        let mut state = 5_u32;
        let mut noise = move || {
            state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            f32::from((state >> 16) as u16) / 32_768.0 - 1.0
        };
        let rows: Vec<Vec<f32>> = (0..kinds).map(|_| (0..45).map(|_| 0.2 * noise()).collect()).collect();
        let mut out = Splats::new(3);
        for index in 0..count {
            let rest: Vec<f32> = rows[index * 7 % kinds].iter().map(|value| value + off * noise()).collect();
            out.push(&Splat { opacity: 0.5 + 0.4 * noise(), ..Splat::DEFAULT }, &rest);
        }
        out
    }

    fn palette(splats: &Splats, profile: Profile) -> Option<Palette> {
        let mut sampler = PaletteSampler::new(3, splats.len() as u64);
        sampler.add(splats);
        sampler.palette(profile, splats.len() as u64)
    }

    #[test]
    fn rows_that_are_there_are_found() {
        let splats = splats(2000, 60, 0.002);
        let found = palette(&splats, Profile::Local).unwrap();
        assert!((60..=500).contains(&found.entries) && found.harmonics().count() == 3, "{}", found.entries);
        assert_eq!(palette(&splats, Profile::Local).unwrap(), found, "equal input, equal palette");
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(alone.install(|| palette(&splats, Profile::Local)).unwrap(), found, "on one thread");
        let rate = crate::time::TickRate::for_fps(30, 1).unwrap();
        let full = super::super::encode(&splats, 0, 1, rate).unwrap().data;
        let labelled = with_palette(full.clone(), &Arc::new(found));
        assert!(labelled.planes[Plane::Sh1.index()].is_empty());
        let (before, after) =
            (super::super::splats_of(&full, rate), super::super::splats_of(&labelled, rate));
        let worst = before.sh_rest.iter().zip(&after.sh_rest).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 0.01 && worst > 1e-4, "{worst}");
    }

    #[test]
    fn noise_and_few_splats_and_none_keep_full_planes() {
        assert_eq!(palette(&splats(2000, 2000, 0.0), Profile::Network), None);
        assert_eq!(palette(&splats(400, 10, 0.0), Profile::Network), None);
        assert_eq!(palette(&splats(2000, 60, 0.002), Profile::Raw), None);
        let mut blank = splats(2000, 60, 0.0);
        blank.sh_rest.fill(0.0);
        assert_eq!(palette(&blank, Profile::Network), None);
    }

    #[test]
    fn a_sample_is_bounded() {
        let splats = splats(1000, 10, 0.0);
        let mut sampler = PaletteSampler::new(3, 100 * PaletteSampler::MOST_SAMPLES);
        (0..10).for_each(|_| sampler.add(&splats));
        assert_eq!(sampler.weights.len(), 100);
    }
}
