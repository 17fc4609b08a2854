//! A group of tracks → one segment whose attributes follow splines.
//!
//! For every attribute the fewest keys are chosen with which nearly all tracks stay within the profile's tolerance,
//! their control points found by least squares ([`super::fit`]) and rounded once to the profile's grid. Tracks that
//! move too fast even so are handed back, for segments of half the length.

use rayon::prelude::*;

use super::carried::carry;
use super::fit::Fit;
use super::order::{self, Order, order, places};
use super::packed::{Steps, flat_least, mean_step};
use super::samples::{COLOUR, MEAN, ROTATION, SCALE_OPACITY, Samples};
use super::{cluster, colour, life, mean, rotation, scale_opacity, sh};
use crate::error::{Error, Result};
use crate::frame::{CLUSTER_SPLATS, Cluster, FULL_LOD, Grid, Keys, LODS, Plane, SegmentData};
use crate::spline::Place;
use crate::time::TickRate;

/// Intervals of a spline that are tried, fewest first.
const INTERVALS: [u8; 9] = [1, 2, 3, 4, 5, 6, 8, 10, 13];
/// Of a thousand tracks, how many may be left to shorter segments rather than give all another key.
const LEFT_OVER: usize = 50;
/// Tracks that do not fit stay in their places unless they are more than one in so many.
const KEPT_SHARE: usize = 8;
/// How much more than the tolerance a track may be off that stays.
const SLACK: f32 = 2.0;
/// Keys of means up to which poses are not worth their bytes.
const FEW_KEYS: usize = 4;
/// Tracks looked at to choose the number of keys.
const LOOKED_AT: usize = 4096;

/// Where and how a segment is made.
pub(super) struct Span {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) rate: TickRate,
    /// Whether tracks that do not fit may be handed back.
    pub(super) divisible: bool,
    /// Tracks that are worth a segment of their own.
    pub(super) least: usize,
}

/// One attribute as a spline.
struct Spline {
    fit: Fit,
    keys: usize,
    degree: u8,
    /// Numbers a track.
    width: usize,
}

impl Spline {
    fn new(keys: usize, degree: u8, width: usize, places: &[f64]) -> Self {
        Self { fit: Fit::new(keys, degree, places), keys, degree, width }
    }

    /// Control points of the tracks `from..to`: all numbers of the first key, then of the next.
    fn control(&self, samples: &[Vec<f32>], tracks: std::ops::Range<usize>) -> Vec<Vec<f32>> {
        let numbers = tracks.start * self.width..tracks.end * self.width;
        (0..self.keys)
            .map(|key| {
                let mut out = vec![0.0; numbers.len()];
                self.fit.apply(key, samples, numbers.clone(), &mut out);
                out
            })
            .collect()
    }

    /// How far each of `tracks` is from its samples at the frames inside: root mean square, or a quarter of the worst
    /// frame where that is more.
    fn errors(&self, samples: &[Vec<f32>], places: &[f64], tracks: std::ops::Range<usize>) -> Vec<f32> {
        let control = self.control(samples, tracks.clone());
        let mut sums = vec![(0.0_f32, 0.0_f32); tracks.len()];
        let mut frames = 0.0;
        for (place, sample) in places.iter().zip(samples).filter(|(place, _)| (0.0..1.0).contains(*place)) {
            frames += 1.0;
            let at = Place::at(self.keys, self.degree, *place);
            #[expect(clippy::cast_possible_truncation, reason = "weights are between 0 and 1")]
            let weights = at.weights.map(|weight| weight as f32);
            let keys = control.get(at.first..control.len().min(at.first + 4)).unwrap_or_default();
            for (track, (sum, worst)) in sums.iter_mut().enumerate() {
                let mut off = 0.0;
                for number in 0..self.width {
                    let own = track * self.width + number;
                    let value: f32 = keys.iter().zip(weights).map(|(key, weight)| weight * key[own]).sum();
                    off += (value - sample[tracks.start * self.width + own]).powi(2);
                }
                *sum += off;
                *worst = worst.max(off);
            }
        }
        sums.into_iter()
            .map(|(sum, worst)| (sum / f32::max(frames, 1.0)).sqrt().max(worst.sqrt() * 0.25))
            .collect()
    }
}

/// The attribute with the fewest keys that keep all but a few tracks within `tolerance`.
fn choose(
    samples: &[Vec<f32>],
    places: &[f64],
    width: usize,
    degree: u8,
    tolerance: f32,
    left_over: usize,
) -> Spline {
    let tracks = samples.first().map_or(0, |sample| sample.len() / width);
    let frames = places.iter().filter(|place| (0.0..1.0).contains(*place)).count();
    // A thinned copy: every so many tracks.
    let stride = tracks.div_ceil(LOOKED_AT).max(1);
    let thinned: Vec<Vec<f32>> = samples
        .iter()
        .map(|sample| sample.chunks_exact(width).step_by(stride).flatten().copied().collect())
        .collect();
    let looked_at = tracks.div_ceil(stride);
    let bad = |spline: &Spline| {
        let errors = spline.errors(&thinned, places, 0..looked_at);
        errors.iter().filter(|&&error| error > tolerance).count()
    };
    let few = looked_at * left_over / 1000;
    let still = Spline::new(1, degree, width, places);
    if bad(&still) == 0 {
        return still;
    }
    let mut spline = still;
    for intervals in INTERVALS {
        spline = Spline::new(usize::from(intervals + degree), degree, width, places);
        if usize::from(intervals) >= frames || bad(&spline) <= few {
            break;
        }
    }
    spline
}

/// A segment, and the tracks in the order in which their splats stand.
type Placed = (SegmentData, Vec<usize>);

/// Makes a segment of the tracks whose samples `gather` gives, as often as it is asked, with these windows (ticks from the
/// segment's start) and harmonics (`rest`, by track). Returns it, if there is a track that it can hold, with the tracks in
/// the order in which their splats stand; and the numbers of the tracks that it does not hold.
///
/// # Errors
/// [`Error::InvalidArgument`] for numbers that no plane holds.
pub(super) fn encode_tracks<'a>(
    gather: &dyn Fn() -> Samples,
    windows: &[(u32, u32)],
    rest: &dyn Fn(usize) -> &'a [f32],
    span: &Span,
    steps: &Steps,
) -> Result<(Option<Placed>, Vec<usize>)> {
    let all: Vec<usize> = (0..windows.len()).collect();
    let whole = Attempt::make(gather(), windows, span, steps, &all);
    if !span.divisible {
        return Ok((Some(whole.finish(windows, rest, span, steps, 0)?), Vec::new()));
    }
    let (taken, mut left) = whole.share_out(steps, LEFT_OVER);
    if taken.len() < span.least.min(windows.len()) {
        // Too fast nearly all of them.
        return Ok((None, all));
    }
    if left.len() < span.least && !left.is_empty() && whole.share_out(steps, 0).1.is_empty() {
        // A few are not worth segments of their own, if the keys that the fastest need do for all.
        return Ok((Some(whole.finish(windows, rest, span, steps, 0)?), Vec::new()));
    }
    // Without the fast ones clusters and their poses are others, and so is who fits: where they are few they stay in
    // their places, never shown, and in any case those that fit no longer.
    let (attempt, hidden) = if left.len() * KEPT_SHARE < windows.len() {
        (whole, left.clone())
    } else {
        drop(whole);
        let again = Attempt::make(gather(), windows, span, steps, &taken);
        let hidden = again.share_out(steps, LEFT_OVER).1;
        left.extend_from_slice(&hidden);
        (again, hidden)
    };
    let mut windows = windows.to_vec();
    hidden.iter().for_each(|&track| windows[track] = (0, 0));
    left.sort_unstable();
    Ok((Some(attempt.finish(&windows, rest, span, steps, LEFT_OVER)?), left))
}

/// Tracks in order, perhaps in the frames of their clusters, before keys are chosen.
struct Attempt {
    /// The tracks, by number among those given.
    placed: Vec<usize>,
    samples: Samples,
    /// The patch of each.
    patches: Vec<u16>,
    /// With the poses.
    data: SegmentData,
}

impl Attempt {
    fn make(
        mut samples: Samples,
        windows: &[(u32, u32)],
        span: &Span,
        steps: &Steps,
        tracks: &[usize],
    ) -> Self {
        let looked_at = looked_at(&samples, windows, span, tracks);
        // First along the curve, where neighbours are patches and share poses; then by level of detail.
        let codes = places(&looked_at.positions);
        let mut curve: Vec<usize> = (0..tracks.len()).collect();
        curve.sort_by_key(|&at| codes[at]);
        let by_curve: Vec<usize> = curve.iter().map(|&at| tracks[at]).collect();
        samples.reorder(&by_curve);
        let mut data = SegmentData {
            id: (0, 0),
            start: span.start,
            end: span.end,
            lod: FULL_LOD,
            full_splats: tracks.len(),
            splats: tracks.len(),
            keys: Keys::ONE,
            lod_gains: [1.0; LODS],
            clusters: Vec::new(),
            planes: Default::default(),
            poses: Vec::new(),
            carries: false,
            palette: None,
            rig: None,
            grid: Grid::default(),
        };
        let still = choose(&samples.mean, &samples.places, MEAN, 3, steps.mean_tolerance, LEFT_OVER);
        let patches = tracks.len().div_ceil(CLUSTER_SPLATS);
        if still.keys > FEW_KEYS && u16::try_from(patches).is_ok() {
            carry(&mut samples, &mut data);
        }
        let along = looked_at.select(&curve);
        let Order { order, gains } = along.order(u32::try_from(span.end - span.start).unwrap_or(u32::MAX));
        data.lod_gains = gains;
        let patch = |&at: &usize| u16::try_from(at / CLUSTER_SPLATS).unwrap_or(0);
        let patches =
            if data.keys.poses > 0 { order.iter().map(patch).collect() } else { vec![0; order.len()] };
        let placed = order.iter().map(|&at| by_curve[at]).collect();
        samples.reorder(&order);
        Self { placed, samples, patches, data }
    }

    /// Which tracks a spline holds well enough that leaves over so many of a thousand, and which not.
    fn share_out(&self, steps: &Steps, left_over: usize) -> (Vec<usize>, Vec<usize>) {
        let Samples { mean, rotation, places, .. } = &self.samples;
        let moving = choose(mean, places, MEAN, 3, steps.mean_tolerance, left_over);
        let turning = choose(rotation, places, ROTATION, 3, steps.rotation_tolerance, left_over);
        let count = self.placed.len();
        let starts: Vec<usize> = (0..count).step_by(LOOKED_AT).collect();
        let errors: Vec<(f32, f32)> = starts
            .into_par_iter()
            .flat_map_iter(|from| {
                let range = from..count.min(from + LOOKED_AT);
                let moving = moving.errors(mean, places, range.clone());
                moving.into_iter().zip(turning.errors(rotation, places, range))
            })
            .collect();
        let fits = |(moving, turning): (f32, f32)| {
            moving <= SLACK * steps.mean_tolerance && turning <= SLACK * steps.rotation_tolerance
        };
        let (mut taken, mut left) = (Vec::new(), Vec::new());
        for (&track, error) in self.placed.iter().zip(errors) {
            if fits(error) { taken.push(track) } else { left.push(track) }
        }
        (taken, left)
    }

    /// Chooses keys with which all but `left_over` of a thousand tracks are near enough, and packs. With the tracks in
    /// their order.
    fn finish<'a>(
        self,
        windows: &[(u32, u32)],
        rest: &dyn Fn(usize) -> &'a [f32],
        span: &Span,
        steps: &Steps,
        left_over: usize,
    ) -> Result<Placed> {
        let Self { placed, samples, patches, mut data } = self;
        let places = &samples.places;
        let mean = choose(&samples.mean, places, MEAN, 3, steps.mean_tolerance, left_over);
        let turn = choose(&samples.rotation, places, ROTATION, 3, steps.rotation_tolerance, left_over);
        let scale = choose(&samples.scale_opacity, places, SCALE_OPACITY, 1, steps.scale, LEFT_OVER);
        let colours = choose(&samples.colour, places, COLOUR, 1, steps.colour, LEFT_OVER);
        let order: Vec<usize> = (0..placed.len()).collect();
        let keyed = Keyed { samples: &samples, order: &order, patches: &patches, steps };
        #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
        let tick_seconds = span.rate.seconds_from_ticks(1) as f32;
        data.grid.tick_seconds = tick_seconds;
        keyed.means(&mean, &mut data);
        keyed.rotations(&turn, &mut data);
        keyed.scales(&scale, &mut data);
        keyed.colours(&colours, &mut data);
        lives(&placed, windows, span, &mut data)?;
        for (plane, words) in sh::planes(placed.len(), |at| rest(placed[at]), Some(steps.harmonic)) {
            data.planes[plane.index()] = words;
        }
        data.clusters = cluster::clusters(&data, span.rate);
        Ok((data, placed))
    }
}

/// What the order of tracks depends on.
struct LookedAt {
    positions: Vec<[f64; 3]>,
    coverage: Vec<f32>,
    windows: Vec<(u32, u32)>,
}

impl LookedAt {
    fn select(&self, indices: &[usize]) -> Self {
        Self {
            positions: indices.iter().map(|&at| self.positions[at]).collect(),
            coverage: indices.iter().map(|&at| self.coverage[at]).collect(),
            windows: indices.iter().map(|&at| self.windows[at]).collect(),
        }
    }

    fn order(&self, ticks: u32) -> Order {
        let Self { positions, coverage, windows } = self;
        order(&order::Placed { positions, coverage, windows }, ticks)
    }
}

/// Each of the tracks `taken` as it is in the middle of the segment, or at the frame nearest to that in which it shows.
fn looked_at(samples: &Samples, windows: &[(u32, u32)], span: &Span, taken: &[usize]) -> LookedAt {
    let ticks = u32::try_from(span.end - span.start).unwrap_or(u32::MAX);
    let last = samples.places.len().saturating_sub(1);
    let frame = |(start, end): (u32, u32)| {
        let tick = (ticks / 2).clamp(start, end.max(start + 1) - 1);
        let place = f64::from(tick) / f64::from(ticks.max(1));
        let after = samples.places.partition_point(|&at| at < place);
        let before = after.saturating_sub(1);
        let off = |at: usize| samples.places.get(at).map_or(f64::INFINITY, |at| (at - place).abs());
        if off(before) < off(after) { before } else { after.min(last) }
    };
    let windows: Vec<(u32, u32)> = taken.iter().map(|&track| windows[track]).collect();
    let frames: Vec<usize> = windows.iter().map(|&window| frame(window)).collect();
    let at = |(&track, &frame): (&usize, &usize)| value::<MEAN>(&samples.mean, frame, track).map(f64::from);
    let covered = |(&track, &frame): (&usize, &usize)| {
        let [x, y, z, opacity] = value::<SCALE_OPACITY>(&samples.scale_opacity, frame, track);
        opacity.clamp(0.0, 1.0) * scale_opacity::area([x, y, z].map(f32::exp))
    };
    LookedAt {
        positions: taken.iter().zip(&frames).map(at).collect(),
        coverage: taken.iter().zip(&frames).map(covered).collect(),
        windows,
    }
}

/// Windows, where they are not all the segment.
fn lives(placed: &[usize], windows: &[(u32, u32)], span: &Span, data: &mut SegmentData) -> Result<()> {
    let ticks = u32::try_from(span.end - span.start).unwrap_or(u32::MAX);
    data.grid.window_step = life::window_step(ticks);
    if placed.iter().all(|&track| windows[track] == (0, ticks)) {
        return Ok(());
    }
    let words: Option<Vec<[u32; 2]>> = placed
        .iter()
        .map(|&track| {
            let short = life::Short { window: windows[track], peak: 0.0, inverse_sigma: 0.0 };
            life::pack_short(short, data.grid.window_step, ticks)
        })
        .collect();
    let words = words.ok_or_else(|| {
        Error::invalid(format!("the windows of a segment of {ticks} ticks are not exact in 16 bits"))
    })?;
    data.planes[Plane::PackedLife.index()] = words.into_flattened();
    Ok(())
}

/// The tracks of a segment in order, on their way into its planes.
struct Keyed<'a> {
    samples: &'a Samples,
    order: &'a [usize],
    patches: &'a [u16],
    steps: &'a Steps,
}

impl Keyed<'_> {
    /// The records of all splats, in order: for each splat its control points, packed.
    fn records<const N: usize, const W: usize>(
        &self,
        spline: &Spline,
        samples: &[Vec<f32>],
        pack: impl Fn(usize, usize, [f32; N]) -> [u32; W] + Sync,
    ) -> Vec<u32> {
        let all = self.control(spline, samples);
        (0..self.order.len())
            .into_par_iter()
            .flat_map_iter(|at| {
                let (all, pack) = (&all, &pack);
                (0..spline.keys).flat_map(move |key| pack(at, key, value(all, key, self.order[at])))
            })
            .collect()
    }

    /// Control points of all tracks, by key.
    fn control(&self, spline: &Spline, samples: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let tracks = samples.first().map_or(0, |sample| sample.len() / spline.width);
        let parts: Vec<Vec<Vec<f32>>> = (0..tracks)
            .step_by(LOOKED_AT)
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|from| spline.control(samples, from..tracks.min(from + LOOKED_AT)))
            .collect();
        let mut out = vec![Vec::with_capacity(tracks * spline.width); spline.keys];
        for part in parts {
            part.into_iter().zip(&mut out).for_each(|(mut part, out)| out.append(&mut part));
        }
        out
    }

    fn means(&self, spline: &Spline, data: &mut SegmentData) {
        let all = self.control(spline, &self.samples.mean);
        let scales = self.samples.scale_opacity.first();
        let scale_of = |track: usize| {
            let logs = scales.and_then(|sample| sample.get(track * SCALE_OPACITY..)?.first_chunk::<3>());
            logs.copied().unwrap_or_default().map(f32::exp)
        };
        let plane: Vec<(Cluster, Vec<u32>)> = self
            .order
            .par_chunks(CLUSTER_SPLATS)
            .map(|tracks| {
                let points: Vec<[f32; 3]> = tracks
                    .iter()
                    .flat_map(|&track| (0..spline.keys).map(move |key| (key, track)))
                    .map(|(key, track)| value(&all, key, track))
                    .collect();
                let step = mean_step(self.steps, tracks.iter().map(|&track| scale_of(track)));
                let (origin, step) = mean::grid(&points, step);
                let patches =
                    tracks.iter().flat_map(|&track| std::iter::repeat_n(self.patches[track], spline.keys));
                let pack = |(&point, patch)| mean::with_patch(mean::pack_bins(point, origin, step), patch);
                let words = points.iter().zip(patches).flat_map(pack).collect();
                (Cluster { origin, step, ..Cluster::default() }, words)
            })
            .collect();
        let words = &mut data.planes[Plane::PackedMean.index()];
        for (cluster, mut part) in plane {
            data.clusters.push(cluster);
            words.append(&mut part);
        }
        data.keys.mean = key_count(spline);
    }

    fn rotations(&self, spline: &Spline, data: &mut SegmentData) {
        let step = self.steps.rotation.max(rotation::THREE_LEAST_STEP);
        data.grid.rotation_step = step;
        data.planes[Plane::PackedRotation.index()] =
            self.records(spline, &self.samples.rotation, |_, _, q: [f32; 4]| {
                let unit = rotation::unit(q).map_or([0.0, 0.0, 0.0, 1.0], |(unit, _)| unit);
                [rotation::pack_three(unit, step)]
            });
        data.keys.rotation = key_count(spline);
    }

    fn scales(&self, spline: &Spline, data: &mut SegmentData) {
        let control = self.control(spline, &self.samples.scale_opacity);
        let logs = || {
            let tracks = self.order.iter().flat_map(|&track| (0..spline.keys).map(move |key| (key, track)));
            tracks.flat_map(|(key, track)| value::<4>(&control, key, track).into_iter().take(3))
        };
        let Some((least, step)) = flat_least(logs, self.steps) else {
            let middle = &self.samples.scale_opacity[self.samples.scale_opacity.len() / 2..][..1];
            let words = self.order.iter().map(|&track| value::<4>(middle, 0, track));
            data.planes[Plane::ScaleOpacity.index()] = words
                .flat_map(|[x, y, z, opacity]| scale_opacity::pack([x, y, z].map(f32::exp), opacity))
                .collect();
            return;
        };
        (data.grid.scale_least, data.grid.scale_step) = (least, step);
        data.planes[Plane::PackedScaleOpacity.index()] =
            self.records(spline, &self.samples.scale_opacity, |_, _, [x, y, z, opacity]: [f32; 4]| {
                [scale_opacity::pack_bytes([x, y, z].map(f32::exp), opacity.clamp(0.0, 1.0), least, step)]
            });
        data.keys.scale_opacity = key_count(spline);
    }

    fn colours(&self, spline: &Spline, data: &mut SegmentData) {
        let control = self.control(spline, &self.samples.colour);
        let channels = || control.iter().flatten().copied();
        let least = channels().fold(f32::INFINITY, f32::min);
        let most = channels().fold(f32::NEG_INFINITY, f32::max);
        let step = self.steps.colour.max((most - least) / colour::TEN_BITS);
        if !self.steps.bears(step, self.steps.colour) || !colour::grid_sound(least, step) {
            let middle = &self.samples.colour[self.samples.colour.len() / 2..][..1];
            let words = self.order.iter().map(|&track| value::<3>(middle, 0, track));
            data.planes[Plane::Colour.index()] = words.flat_map(colour::pack).collect();
            return;
        }
        (data.grid.colour_least, data.grid.colour_step) = (least, step);
        data.planes[Plane::PackedColour.index()] =
            self.records(spline, &self.samples.colour, |_, _, rgb| [colour::pack_tens(rgb, least, step)]);
        data.keys.colour = key_count(spline);
    }
}

fn key_count(spline: &Spline) -> u8 {
    u8::try_from(spline.keys).unwrap_or(1)
}

/// The numbers of one track in an array of all.
fn value<const N: usize>(all: &[Vec<f32>], key: usize, track: usize) -> [f32; N] {
    let numbers = all.get(key).and_then(|numbers| numbers.get(track * N..)?.first_chunk::<N>());
    numbers.copied().unwrap_or([0.0; N])
}
