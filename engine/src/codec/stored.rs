//! One splat of a segment as the kernels read it, whichever planes it stands in.

use glam::DQuat;

use super::cluster::record;
use super::{colour, life, mean, motion, pose, rotation, scale_opacity};
use crate::frame::{CLUSTER_SPLATS, Plane, SegmentData};
use crate::splat::Motion;
use crate::spline::Place;

/// A splat without its harmonics; times are from the segment's start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stored {
    /// At `t0`.
    pub(super) mean: [f32; 3],
    pub(super) rotation: [f32; 4],
    pub(super) scale: [f32; 3],
    pub(super) opacity: f32,
    pub(super) colour: [f32; 3],
    /// Seconds from which the motion is told.
    pub(super) t0: f32,
    /// Seconds from `t0` to the envelope's peak.
    pub(super) peak: f32,
    /// 1/seconds; 0 for no envelope.
    pub(super) inverse_sigma: f32,
    /// Ticks, end exclusive.
    pub(super) window: (u32, u32),
    pub(super) motion: Motion,
}

/// Splat `index` of a segment; `None` beyond its planes. Needs the grids of the clusters, not their boxes. What follows
/// a spline is taken at `fraction` of the segment.
pub(super) fn stored_at(data: &SegmentData, index: usize, fraction: f64) -> Option<Stored> {
    let grid = &data.grid;
    let ticks = u32::try_from(data.end - data.start).unwrap_or(u32::MAX);
    let (t0, life) = life_of(data, index, ticks);
    let rotation = rotation_at(data, index, fraction)?;
    let (scale, opacity) = match record(data, Plane::ScaleOpacity, index) {
        Some(words) => scale_opacity::unpack(words),
        None => {
            let unpack = |[word]: [u32; 1]| {
                let (logs, opacity) = scale_opacity::unpack_logs(word, grid.scale_least, grid.scale_step);
                [logs[0], logs[1], logs[2], opacity]
            };
            let [x, y, z, opacity] = joined(data, Plane::PackedScaleOpacity, index, fraction, unpack)?;
            ([x, y, z].map(f32::exp), opacity)
        }
    };
    let colour = match record(data, Plane::Colour, index) {
        Some(words) => colour::unpack(words),
        None => joined(data, Plane::PackedColour, index, fraction, |[word]: [u32; 1]| {
            colour::unpack_tens(word, grid.colour_least, grid.colour_step)
        })?,
    };
    let pose = pose::at(data, patch_of(data, index), fraction);
    let mean = mean_at(data, index, fraction)?;
    let (mean, rotation) = if data.keys.poses > 0 {
        let turned = pose.turn * DQuat::from_array(rotation.map(f64::from));
        (pose.apply(mean).as_vec3().to_array(), turned.as_quat().to_array())
    } else {
        (mean, rotation)
    };
    Some(Stored {
        mean,
        rotation,
        scale,
        opacity,
        colour,
        t0,
        peak: life.peak,
        inverse_sigma: life.inverse_sigma,
        window: life.window,
        motion: motion_of(data, index, rotation, life::half_length(life.window, grid.tick_seconds)),
    })
}

/// Splat `index` of a segment in which nothing follows a spline; of another, in its middle.
pub(super) fn stored(data: &SegmentData, index: usize) -> Option<Stored> {
    stored_at(data, index, 0.5)
}

/// The words of one key of a splat.
fn key_record<const N: usize>(
    data: &SegmentData,
    plane: Plane,
    index: usize,
    key: usize,
) -> Option<[u32; N]> {
    let at = index.checked_mul(data.words(plane))? + key * plane.words();
    data.planes[plane.index()].get(at..)?.first_chunk::<N>().copied()
}

/// The numbers of a packed plane's record, joined along its spline.
#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
fn joined<const W: usize, const N: usize>(
    data: &SegmentData,
    plane: Plane,
    index: usize,
    fraction: f64,
    unpack: impl Fn([u32; W]) -> [f32; N],
) -> Option<[f32; N]> {
    let mut sum = [0.0_f64; N];
    let place = Place::at(data.keys.of(plane), plane.spline_degree().unwrap_or(0), fraction);
    for (key, weight) in place.terms() {
        let values = unpack(key_record(data, plane, index, key)?);
        for (sum, value) in sum.iter_mut().zip(values) {
            *sum += weight * f64::from(value);
        }
    }
    Some(sum.map(|value| value as f32))
}

/// The mean at `fraction` of the segment in the frame of its cluster, before velocity and curve.
fn mean_at(data: &SegmentData, index: usize, fraction: f64) -> Option<[f32; 3]> {
    if let Some(words) = record(data, Plane::Mean, index) {
        return Some(mean::unpack(words));
    }
    let cluster = data.clusters.get(index / CLUSTER_SPLATS)?;
    let unpack = |words| mean::unpack_bins(words, cluster.origin, cluster.step);
    joined(data, Plane::PackedMean, index, fraction, unpack)
}

/// The patch whose poses carry a splat.
pub(super) fn patch_of(data: &SegmentData, index: usize) -> usize {
    key_record(data, Plane::PackedMean, index, 0).map_or(0, mean::patch)
}

/// The control points of a splat's mean.
pub(super) fn mean_keys(data: &SegmentData, index: usize) -> impl Iterator<Item = [f32; 3]> {
    (0..data.keys.of(Plane::PackedMean)).map_while(move |key| {
        let cluster = data.clusters.get(index / CLUSTER_SPLATS)?;
        let words = key_record(data, Plane::PackedMean, index, key)?;
        Some(mean::unpack_bins(words, cluster.origin, cluster.step))
    })
}

/// The rotation at `fraction` of the segment in the frame of its cluster, before any spin. Neighbouring keys are told with the same sign.
#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
fn rotation_at(data: &SegmentData, index: usize, fraction: f64) -> Option<[f32; 4]> {
    if let Some(words) = record(data, Plane::Rotation, index) {
        return Some(rotation::unpack(words));
    }
    let place = Place::at(data.keys.of(Plane::PackedRotation), 3, fraction);
    let mut sum = [0.0_f64; 4];
    let mut before = [0.0_f64; 4];
    for (key, weight) in place.terms() {
        let [word] = key_record(data, Plane::PackedRotation, index, key)?;
        let key = rotation::unpack_three(word, data.grid.rotation_step).map(f64::from);
        let along: f64 = (0..4).map(|at| key[at] * before[at]).sum();
        before = if along < 0.0 { key.map(|value| -value) } else { key };
        for (sum, value) in sum.iter_mut().zip(before) {
            *sum += weight * value;
        }
    }
    let sum = sum.map(|value| value as f32);
    Some(rotation::unit(sum).map_or([0.0, 0.0, 0.0, 1.0], |(unit, _)| unit))
}

/// The time from which the motion is told, and the life about it. With neither plane a window is the segment; then
/// and with `PackedLife` packed splats are told from the window's middle.
fn life_of(data: &SegmentData, index: usize, ticks: u32) -> (f32, life::Short) {
    if let Some(words) = record(data, Plane::Life, index) {
        let life::Record { t0, inverse_sigma, window } = life::unpack(words);
        return (t0, life::Short { window, peak: 0.0, inverse_sigma });
    }
    let whole = life::Short { window: (0, ticks), peak: 0.0, inverse_sigma: 0.0 };
    let packed = record(data, Plane::PackedLife, index);
    let short = packed.map_or(whole, |words| life::unpack_short(words, data.grid.window_step, ticks));
    let centred = !data.planes[Plane::PackedMean.index()].is_empty();
    (if centred { life::middle(short.window, data.grid.tick_seconds) } else { 0.0 }, short)
}

fn motion_of(data: &SegmentData, index: usize, rotation: [f32; 4], half: f32) -> Motion {
    let mut out = match record(data, Plane::Curve, index) {
        Some(words) => motion::unpack_curve(words),
        None => record(data, Plane::PackedCurve, index)
            .map(|words| motion::unpack_curve_bins(words, rotation, &data.grid, half))
            .unwrap_or_default(),
    };
    out.velocity = match record(data, Plane::Velocity, index) {
        Some(words) => motion::unpack_velocity(words),
        None => record(data, Plane::PackedVelocity, index)
            .map(|words| motion::unpack_velocity_bins(words, data.grid.velocity_step, half))
            .unwrap_or_default(),
    };
    out
}
