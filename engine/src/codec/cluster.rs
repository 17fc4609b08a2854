//! The cluster table: what the slice kernel needs to reject 256 splats unread.
//!
//! Made from the planes as they will be decoded, not from the exact input, so that it holds for what the GPU
//! computes. The box holds every mean at every time its splat shows: the exact extremes of each cubic, grown by what
//! the rounding of f32 arithmetic can add.

use super::stored::{mean_keys, patch_of, stored, stored_at};
use super::{mean, motion, pose};
use crate::frame::{CLUSTER_SPLATS, Cluster, Plane, SegmentData};
use crate::time::TickRate;

/// Words of splat `index` in a plane; `None` when the plane is absent or has another size.
pub(super) fn record<const N: usize>(data: &SegmentData, plane: Plane, index: usize) -> Option<[u32; N]> {
    let at = index.checked_mul(data.words(plane))?;
    data.planes[plane.index()].get(at..)?.first_chunk::<N>().copied()
}

/// The cluster table of a segment whose planes are complete, and the grids of its packed means, if it has any.
pub(super) fn clusters(data: &SegmentData, rate: TickRate) -> Vec<Cluster> {
    (0..data.splats)
        .step_by(CLUSTER_SPLATS)
        .map(|first| cluster(data, first..data.splats.min(first + CLUSTER_SPLATS), rate))
        .collect()
}

fn cluster(data: &SegmentData, splats: std::ops::Range<usize>, rate: TickRate) -> Cluster {
    let ticks = u32::try_from(data.end - data.start).unwrap_or(u32::MAX);
    let (origin, step) = data
        .clusters
        .get(splats.start / CLUSTER_SPLATS)
        .map_or(([0.0; 3], 0.0), |known| (known.origin, known.step));
    let mut low = [f64::INFINITY; 3];
    let mut high = [f64::NEG_INFINITY; 3];
    let mut out = Cluster {
        start: ticks,
        count: u32::try_from(splats.len()).unwrap_or(0),
        origin,
        step,
        ..Cluster::default()
    };
    for index in splats {
        let Some(splat) = stored(data, index) else { continue };
        if splat.window.0 >= splat.window.1 {
            // Never shown: a track that went to shorter segments.
            continue;
        }
        // A tick shows the times up to half a tick around it.
        let clock = |ticks: f64| ticks * f64::from(rate.den) / f64::from(rate.num);
        let time = |ticks: f64| clock(ticks) - f64::from(splat.t0);
        let from = time(f64::from(splat.window.0) - 0.5);
        let to = time(f64::from(splat.window.1) - 0.5);
        let extent = if data.keys.poses > 0 {
            reach_of_poses(data, index)
        } else if data.keys.mean > 1 {
            hull(data, index)
        } else {
            motion::extent(splat.mean, &splat.motion, from, to.max(from))
        };
        let reach = from.abs().max(to.abs());
        let slack = motion::rounding(splat.mean, &splat.motion, reach, clock(f64::from(splat.window.1)));
        for axis in 0..3 {
            low[axis] = low[axis].min(extent[0][axis] - slack[axis]);
            high[axis] = high[axis].max(extent[1][axis] + slack[axis]);
        }
        out.start = out.start.min(splat.window.0);
        out.end = out.end.max(splat.window.1);
        // Between two keys a scale is between theirs.
        let keys = u32::from(data.keys.scale_opacity);
        let at_keys = (0..keys)
            .filter(|_| keys > 1)
            .filter_map(|key| stored_at(data, index, f64::from(key) / f64::from(keys - 1)));
        out.max_scale = at_keys.chain([splat]).flat_map(|splat| splat.scale).fold(out.max_scale, f32::max);
    }
    if low[0] > high[0] {
        // None of them shows.
        (low, high, out.start) = ([0.0; 3], [0.0; 3], out.end);
    }
    // The kernel's exp may round differently by a few units in the last place.
    out.max_scale *= 1.0 + 1e-5;
    for axis in 0..3 {
        #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted; the slack covers it")]
        let corner = [low[axis] as f32, high[axis] as f32];
        out.box_min[axis] = corner[0].max(f32::MIN);
        out.box_max[axis] = corner[1].min(f32::MAX);
    }
    out
}

/// The box of a spline's control points, which it never leaves.
fn hull(data: &SegmentData, index: usize) -> [[f64; 3]; 2] {
    let mut out = [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]];
    for key in mean_keys(data, index) {
        for axis in 0..3 {
            out[0][axis] = out[0][axis].min(f64::from(key[axis]));
            out[1][axis] = out[1][axis].max(f64::from(key[axis]));
        }
    }
    out
}

/// The box of a patch's way, grown on all sides by how far the splat ever is from the middle of its frame.
fn reach_of_poses(data: &SegmentData, index: usize) -> [[f64; 3]; 2] {
    let radius = mean_keys(data, index)
        .map(|key| key.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt())
        .fold(0.0, f64::max);
    let mut out = [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]];
    for shift in pose::shifts(data, patch_of(data, index)) {
        for (axis, value) in shift.to_array().into_iter().enumerate() {
            out[0][axis] = out[0][axis].min(value - radius);
            out[1][axis] = out[1][axis].max(value + radius);
        }
    }
    out
}

/// Whether an entry of a file's table can be right for a segment of `ticks`; `packed` when its means are.
pub(super) fn sound(cluster: &Cluster, expected: usize, ticks: u32, packed: bool) -> bool {
    let boxed = (0..3).all(|axis| {
        let (low, high) = (cluster.box_min[axis], cluster.box_max[axis]);
        low.is_finite() && high.is_finite() && low <= high
    });
    boxed
        && (!packed || mean::grid_sound(cluster.origin, cluster.step))
        && cluster.max_scale.is_finite()
        && cluster.max_scale >= 0.0
        && cluster.count as usize == expected
        && cluster.start <= cluster.end
        && cluster.end <= ticks
}

/// One entry from its sixteen words.
pub(super) fn unpack(words: &[u32; 16]) -> Cluster {
    let float = |at: usize| f32::from_bits(words[at]);
    Cluster {
        box_min: [float(0), float(1), float(2)],
        max_scale: float(3),
        box_max: [float(4), float(5), float(6)],
        count: words[7],
        start: words[8],
        end: words[9],
        origin: [float(10), float(11), float(12)],
        step: float(13),
        reserved: [words[14], words[15]],
    }
}
