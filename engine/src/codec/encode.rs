//! Splats → one segment's planes.
//!
//! In turn: drop what cannot be shown or stored and count it, move t0 into the window, normalise, order, pack each
//! attribute, leave out planes that say nothing, and make the cluster table from the packed words.

use super::order::{Order, Placed, order};
use super::{cluster, colour, life, mean, motion, rotation, scale_opacity, sh};
use crate::channel::{self, Channel};
use crate::error::{Error, Result};
use crate::frame::{FULL_LOD, Grid, Keys, Plane, SegmentData};
use crate::splat::{Motion, Splat, Splats};
use crate::time::TickRate;

/// Splats that did not make it into a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// No tick of the segment shows them above 1/255 opacity.
    pub unseen: u64,
    /// A value is not finite or beyond what the planes hold.
    pub out_of_range: u64,
}

/// A segment ready for [`crate::clip::Writer::push_data`].
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// The planes; its id is (0, 0).
    pub data: SegmentData,
    /// What its splats carry besides, in their order.
    pub channels: Vec<Channel>,
    /// What was left out.
    pub dropped: Dropped,
    /// For each splat of the segment, which of those given it is.
    pub sources: Vec<usize>,
}

/// One splat with its window in ticks of the segment.
type Windowed = (Splat, (u32, u32));

/// Why a splat was not taken.
enum Refusal {
    Unseen,
    OutOfRange,
}

/// Packs `splats` into a segment over the ticks `[start, end)`; windows are cut to it.
///
/// # Errors
/// [`Error::InvalidArgument`] when the interval is empty or longer than 2³² ticks, or when the arrays of `splats`
/// differ in length. Splats that cannot be stored are counted, not errors.
pub fn encode(splats: &Splats, start: i64, end: i64, rate: TickRate) -> Result<Encoded> {
    let ticks = end.checked_sub(start).and_then(|ticks| u32::try_from(ticks).ok()).filter(|&ticks| ticks > 0);
    let Some(ticks) = ticks else {
        return Err(Error::invalid(format!("a segment cannot span the ticks {start}..{end}")));
    };
    check_lengths(splats)?;
    let mut dropped = Dropped::default();
    let mut taken: Vec<Windowed> = Vec::with_capacity(splats.len());
    let mut sources: Vec<usize> = Vec::with_capacity(splats.len());
    for index in 0..splats.len() {
        match prepare(splats.get(index), splats.sh_rest_of(index), start, end, rate) {
            Ok(splat) => {
                taken.push(splat);
                sources.push(index);
            }
            Err(Refusal::Unseen) => dropped.unseen += 1,
            Err(Refusal::OutOfRange) => dropped.out_of_range += 1,
        }
    }
    let origin = rate.seconds_from_ticks(start);
    let Order { order, gains } =
        arrange(&taken, ticks, |tick| rate.seconds_from_ticks(start.saturating_add(i64::from(tick))));
    let mut data = SegmentData {
        id: (0, 0),
        start,
        end,
        lod: FULL_LOD,
        full_splats: taken.len(),
        splats: taken.len(),
        keys: Keys::ONE,
        lod_gains: gains,
        clusters: Vec::new(),
        planes: Default::default(),
        poses: Vec::new(),
        carries: false,
        grid: Grid::default(),
        palette: None,
        rig: None,
    };
    let splat = |at: usize| taken[order[at]].0;
    let fill = Filler { count: taken.len() };
    data.planes[Plane::Mean.index()] = fill.plane(|at| mean::pack(splat(at).mean));
    data.planes[Plane::Rotation.index()] = fill.plane(|at| rotation::pack(splat(at).rotation));
    data.planes[Plane::ScaleOpacity.index()] =
        fill.plane(|at| scale_opacity::pack(splat(at).scale, splat(at).opacity));
    data.planes[Plane::Colour.index()] = fill.plane(|at| colour::pack(splat(at).colour));
    let record = |at: usize| {
        let (splat, window) = taken[order[at]];
        life_record(&splat, window, origin)
    };
    let moving = taken.iter().any(|(splat, _)| splat.motion != Motion::default());
    let plain = life::Record { t0: 0.0, inverse_sigma: 0.0, window: (0, ticks) };
    // Without motion and envelope nothing depends on t0.
    let same =
        |found: life::Record| life::Record { t0: if moving { found.t0 } else { 0.0 }, ..found } == plain;
    if !(0..taken.len()).all(|at| same(record(at))) {
        data.planes[Plane::Life.index()] = fill.plane(|at| life::pack(record(at)));
    }
    if moving {
        data.planes[Plane::Velocity.index()] =
            fill.optional(|at| motion::pack_velocity(splat(at).motion.velocity));
        data.planes[Plane::Curve.index()] = fill.optional(|at| motion::pack_curve(&splat(at).motion));
    }
    let rest = |at: usize| splats.sh_rest_of(sources[order[at]]);
    // What the splats do not have need not be looked for: a good part of the time for a sequence without harmonics.
    let coloured = if splats.sh_degree > 0 { taken.len() } else { 0 };
    for (plane, words) in sh::planes(coloured, rest, None) {
        data.planes[plane.index()] = words;
    }
    data.clusters = cluster::clusters(&data, rate);
    let sources: Vec<usize> = order.iter().map(|&at| sources[at]).collect();
    Ok(Encoded { data, channels: channel::select(&splats.channels, &sources), dropped, sources })
}

/// The order of the splats; `seconds` turns a tick of the segment into the clock of t0.
fn arrange(splats: &[Windowed], ticks: u32, seconds: impl Fn(u32) -> f64) -> Order {
    let middle = ticks / 2;
    let positions: Vec<[f64; 3]> = splats
        .iter()
        .map(|(splat, (start, end))| {
            let time = seconds(middle.clamp(*start, *end));
            motion::position(splat.mean, &splat.motion, time - splat.life.t0)
        })
        .collect();
    let coverage: Vec<f32> = splats
        .iter()
        .map(|(splat, _)| splat.opacity.clamp(0.0, 1.0) * scale_opacity::area(splat.scale))
        .collect();
    let windows: Vec<(u32, u32)> = splats.iter().map(|(_, window)| *window).collect();
    order(&Placed { positions: &positions, coverage: &coverage, windows: &windows }, ticks)
}

/// Makes planes of a fixed number of splats.
struct Filler {
    count: usize,
}

impl Filler {
    fn plane<const N: usize>(&self, words: impl Fn(usize) -> [u32; N]) -> Vec<u32> {
        (0..self.count).flat_map(words).collect()
    }

    /// The same, but empty when every word is zero.
    fn optional<const N: usize>(&self, words: impl Fn(usize) -> [u32; N]) -> Vec<u32> {
        // −0 in either half is as much nothing as 0.
        let blank = (0..self.count).all(|at| words(at).iter().all(|word| word & 0x7fff_7fff == 0));
        if blank { Vec::new() } else { self.plane(words) }
    }
}

pub(super) fn check_lengths(splats: &Splats) -> Result<()> {
    let n = splats.len();
    let optional = |len: usize| len == 0 || len == n;
    let equal = [splats.rotation.len(), splats.scale.len(), splats.opacity.len(), splats.colour.len()];
    if equal.iter().any(|&len| len != n)
        || !optional(splats.life.len())
        || !optional(splats.motion.len())
        || splats.sh_degree > 3
        || splats.sh_rest.len() != n * splats.sh_stride()
    {
        return Err(Error::invalid("the arrays of the splats differ in length"));
    }
    channel::check(&splats.channels, n)
}

/// The splat as it will be stored, and its window in ticks of the segment.
fn prepare(
    mut splat: Splat,
    rest: &[f32],
    start: i64,
    end: i64,
    rate: TickRate,
) -> std::result::Result<Windowed, Refusal> {
    let sane = life::fits(&splat.life)
        && mean::fits(splat.mean)
        && scale_opacity::fits(splat.scale, splat.opacity)
        && colour::fits(splat.colour)
        && sh::fits(rest);
    if !sane {
        return Err(Refusal::OutOfRange);
    }
    let window =
        life::effective_window(&splat.life, splat.opacity, start, end, rate).ok_or(Refusal::Unseen)?;
    if splat.motion == Motion::default() {
        // Nothing moves, so t0 matters to the envelope only; without one it is set to a value that says nothing.
        if splat.life.sigma_t.is_infinite() {
            splat.life.t0 = rate.seconds_from_ticks(start);
        }
    } else {
        motion::rebase(&mut splat, rate.seconds_from_ticks(window.0), rate.seconds_from_ticks(window.1));
    }
    if !motion::normalise(&mut splat) || !motion::fits(&splat.motion) || !mean::fits(splat.mean) {
        return Err(Refusal::OutOfRange);
    }
    let relative = |tick: i64| u32::try_from(tick - start).unwrap_or(u32::MAX);
    Ok((splat, (relative(window.0), relative(window.1))))
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
fn life_record(splat: &Splat, window: (u32, u32), origin: f64) -> life::Record {
    let inverse_sigma = if splat.life.sigma_t.is_finite() { splat.life.sigma_t.recip() } else { 0.0 };
    life::Record { t0: (splat.life.t0 - origin) as f32, inverse_sigma, window }
}
