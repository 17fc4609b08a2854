//! One splat of a segment as the kernels read it, whichever planes it stands in.

use super::cluster::record;
use super::{colour, life, mean, motion, rotation, scale_opacity};
use crate::frame::{CLUSTER_SPLATS, Plane, SegmentData};
use crate::splat::Motion;

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

/// Splat `index` of a segment; `None` beyond its planes. Needs the grids of the clusters, not their boxes.
pub(super) fn stored(data: &SegmentData, index: usize) -> Option<Stored> {
    let grid = &data.grid;
    let ticks = u32::try_from(data.end - data.start).unwrap_or(u32::MAX);
    let mean = match record(data, Plane::Mean, index) {
        Some(words) => mean::unpack(words),
        None => {
            let cluster = data.clusters.get(index / CLUSTER_SPLATS)?;
            mean::unpack_bins(record(data, Plane::PackedMean, index)?, cluster.origin, cluster.step)
        }
    };
    let rotation = match record(data, Plane::Rotation, index) {
        Some(words) => rotation::unpack(words),
        None => {
            rotation::unpack_three(record::<1>(data, Plane::PackedRotation, index)?[0], grid.rotation_step)
        }
    };
    let (scale, opacity) = match record(data, Plane::ScaleOpacity, index) {
        Some(words) => scale_opacity::unpack(words),
        None => {
            let [word] = record(data, Plane::PackedScaleOpacity, index)?;
            scale_opacity::unpack_bytes(word, grid.scale_least, grid.scale_step)
        }
    };
    let colour = match record(data, Plane::Colour, index) {
        Some(words) => colour::unpack(words),
        None => {
            let [word] = record(data, Plane::PackedColour, index)?;
            colour::unpack_tens(word, grid.colour_least, grid.colour_step)
        }
    };
    let (t0, life) = life_of(data, index, ticks);
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
