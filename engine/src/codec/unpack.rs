//! A segment's planes → splats again: for the reference renderer, for export, and for tests.

use super::stored::stored_at;
use super::{Decoder, motion, sh};
use crate::channel;
use crate::clip::{ChannelReader, Clip};
use crate::error::Result;
use crate::frame::{Keys, Plane, SegmentData};
use crate::splat::{Life, Motion, Performance, Splat, Splats, sh_rest_len};
use crate::time::TickRate;

/// The splats of a segment in its order, with t0 and windows on the clip's clock. Windows are the stored, effective
/// ones: cut to the segment and to where the envelope shows. Their SH degree is that of the planes present. What follows
/// a spline comes as pieces, one for each run between two keys of anything, one behind the other: the cubic through four
/// of its places, and for the rest as it is in the middle of the piece.
#[must_use]
pub fn splats_of(data: &SegmentData, rate: TickRate) -> Splats {
    pieces_of(data, rate).0
}

/// The same, and which splat of the segment each is of.
fn pieces_of(data: &SegmentData, rate: TickRate) -> (Splats, Vec<usize>) {
    let knots = knots(data.keys);
    unpacked(data, 0..data.splats, |index, out| {
        for pair in knots.windows(2) {
            out.extend(splat(data, index, rate, pair[0], pair[1]));
        }
    })
}

/// The same, one splat each, with what follows a spline as it is at `seconds` of the clip's clock.
#[must_use]
pub fn splats_at(data: &SegmentData, rate: TickRate, seconds: f64) -> Splats {
    splats_in(data, rate, seconds, 0..data.splats).0
}

/// The same of some of the splats, with the number of each in the segment.
#[must_use]
pub fn splats_in(
    data: &SegmentData,
    rate: TickRate,
    seconds: f64,
    range: std::ops::Range<usize>,
) -> (Splats, Vec<usize>) {
    let [start, end] = [data.start, data.end].map(|tick| rate.seconds_from_ticks(tick));
    let fraction = ((seconds - start) / (end - start)).clamp(0.0, 1.0);
    unpacked(data, range, |index, out| out.extend(whole(data, index, rate, fraction)))
}

/// Splats of a segment with their harmonics, and the number of each in the segment; `each` gives what one splat
/// becomes.
fn unpacked(
    data: &SegmentData,
    range: std::ops::Range<usize>,
    each: impl Fn(usize, &mut Vec<Splat>),
) -> (Splats, Vec<usize>) {
    let shown = data.shown_planes();
    let degree = sh::DEGREES.iter().filter(|(plane, _)| shown & plane.bit() != 0).count();
    let mut out = Splats::new(u8::try_from(degree).unwrap_or(0));
    let mut rest = Vec::with_capacity(45);
    let mut pieces = Vec::new();
    let mut sources = Vec::with_capacity(range.len());
    // Joints are no splats.
    let splats = if data.drives() { 0 } else { data.splats };
    for index in range.start..range.end.min(splats) {
        pieces.clear();
        each(index, &mut pieces);
        rest.clear();
        for (plane, floats) in &sh::DEGREES {
            sh::unpack(sh::words_of(data, *plane, index), floats.len(), &mut rest);
        }
        pieces.iter().for_each(|piece| out.push(piece, &rest));
        sources.extend(pieces.iter().map(|_| index));
    }
    (out, sources)
}

/// Where anything in a segment has a key: 0, 1, and what lies between, in order.
fn knots(keys: Keys) -> Vec<f64> {
    let mut out = vec![0.0, 1.0];
    for plane in Plane::ALL {
        let degree = usize::from(plane.spline_degree().unwrap_or(0));
        let intervals = keys.of(plane).saturating_sub(degree);
        out.extend((1..intervals).filter(|_| degree > 0).map(|at| at as f64 / intervals as f64));
    }
    let poses = usize::from(keys.poses).saturating_sub(3);
    out.extend((1..poses).map(|at| at as f64 / poses as f64));
    out.sort_by(f64::total_cmp);
    out.dedup_by(|a, b| (*a - *b).abs() < 1e-9);
    out
}

/// One splat without its harmonics, what follows a spline as it is at `fraction` of the segment; `None` beyond the
/// planes.
fn whole(data: &SegmentData, index: usize, rate: TickRate, fraction: f64) -> Option<Splat> {
    let found = stored_at(data, index, fraction)?;
    let origin = rate.seconds_from_ticks(data.start);
    let t0 = origin + f64::from(found.t0);
    let sigma_t = if found.inverse_sigma > 0.0 { found.inverse_sigma.recip() } else { f32::INFINITY };
    let start = data.start + i64::from(found.window.0);
    let end = data.start + i64::from(found.window.1);
    let mut splat = Splat {
        mean: found.mean,
        rotation: found.rotation,
        scale: found.scale,
        opacity: found.opacity,
        colour: found.colour,
        life: Life { t0, sigma_t, start, end },
        motion: found.motion,
    };
    // The model has one t0 for both: the motion moves to the envelope's peak.
    if found.peak != 0.0 {
        motion::move_origin(&mut splat, t0 + f64::from(found.peak));
    }
    Some(splat)
}

/// One splat between two neighbouring knots of its segment; `None` where it does not show.
fn splat(data: &SegmentData, index: usize, rate: TickRate, from: f64, to: f64) -> Option<Splat> {
    let middle = 0.5 * (from + to);
    let mut splat = whole(data, index, rate, middle)?;
    if !data.keys.any() {
        return Some(splat);
    }
    let ticks = (data.end - data.start) as f64;
    #[expect(clippy::cast_possible_truncation, reason = "float to int casts saturate")]
    let tick = |fraction: f64| data.start + (fraction * ticks).ceil() as i64;
    splat.life.start = splat.life.start.max(tick(from));
    splat.life.end = splat.life.end.min(tick(to));
    if splat.life.start >= splat.life.end {
        return None;
    }
    splat.life.t0 = rate.seconds_from_ticks(data.start) + middle * ticks * seconds_of_tick(rate);
    splat.motion = motion_between(data, index, from, to, (to - from) * ticks * seconds_of_tick(rate))?;
    Some(splat)
}

fn seconds_of_tick(rate: TickRate) -> f64 {
    f64::from(rate.den) / f64::from(rate.num)
}

/// The motion about the middle of a run of `seconds` between two knots: the cubic through four of its points, which is
/// the spline's own where no pose turns it, and the turn from end to end.
#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
fn motion_between(data: &SegmentData, index: usize, from: f64, to: f64, seconds: f64) -> Option<Motion> {
    let at = |part: f64| from + (to - from) * part;
    let [a, b, c, d] =
        [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0].map(|part| stored_at(data, index, at(part)).map(|splat| splat.mean));
    let [a, b, c, d] = [a?, b?, c?, d?];
    let middle = stored_at(data, index, at(0.5))?.mean;
    let half = 0.5 * seconds;
    let mut motion = Motion::default();
    for axis in 0..3 {
        let [a, b, c, d, m] = [a, b, c, d, middle].map(|point| f64::from(point[axis]));
        // With x = ±1 at the ends: p(±1) and p(±1/3) give the odd and even parts.
        let (odd, inner) = (0.5 * (d - a), 0.5 * (c - b));
        let cubic = (odd - 3.0 * inner) * 9.0 / 8.0;
        motion.velocity[axis] = ((odd - cubic) / half) as f32;
        motion.quadratic[axis] = ((0.5 * (a + d) - m) / half.powi(2)) as f32;
        motion.cubic[axis] = (cubic / half.powi(3)) as f32;
    }
    let turn = [0.0, 1.0].map(|part| stored_at(data, index, at(part)).map(|splat| splat.rotation));
    let (now, [before, after]) = (stored_at(data, index, at(0.5))?.rotation, [turn[0]?, turn[1]?]);
    let signed = |q: [f32; 4]| {
        let dot: f32 = (0..4).map(|at| q[at] * now[at]).sum();
        if dot < 0.0 { q.map(|value| -value) } else { q }
    };
    let (before, after) = (signed(before), signed(after));
    motion.spin =
        std::array::from_fn(|axis| ((f64::from(after[axis]) - f64::from(before[axis])) / seconds) as f32);
    Some(motion)
}

/// The whole clip as a performance with its channels: every segment decoded, windows that fill the clip opened again. A splat that the
/// writer cut at segment edges comes back as its pieces.
///
/// # Errors
/// As [`Decoder::decode`] and [`ChannelReader::read`].
pub fn performance_of(clip: &Clip) -> Result<Performance> {
    let info = clip.info();
    let mut splats = Splats::new(info.sh_degree);
    let (mut decoder, mut reader) = (Decoder::new()?, ChannelReader::new()?);
    let floats = sh_rest_len(info.sh_degree) * 3;
    for node in 0..clip.nodes().len() {
        let node = u32::try_from(node).unwrap_or(u32::MAX);
        let data = decoder.decode(clip, node)?;
        let (part, sources) = pieces_of(&data, info.rate);
        let carried = channel::select(&reader.read(clip, node)?, &sources);
        let before = splats.len();
        channel::append(&mut splats.channels, before, &carried, part.len());
        for index in 0..part.len() {
            let mut splat = part.get(index);
            if (splat.life.start, splat.life.end) == (0, clip.span()) {
                (splat.life.start, splat.life.end) = (i64::MIN, i64::MAX);
            }
            let rest = part.sh_rest_of(index);
            splats.push(&splat, &rest[..rest.len().min(floats)]);
        }
    }
    Ok(Performance { info, splats })
}
