//! Twin of `include/attributes.glsl`: a splat's attributes out of its segment's full or packed planes.

use glam::{Quat, Vec3, Vec4};

use super::{Buffers, pack};
use crate::generated::{
    CLUSTER_SPLATS, PLANE_CURVE, PLANE_LIFE, PLANE_PACKED_COLOUR, PLANE_PACKED_CURVE, PLANE_PACKED_LIFE,
    PLANE_PACKED_MEAN, PLANE_PACKED_ROTATION, PLANE_PACKED_SCALE_OPACITY, PLANE_PACKED_VELOCITY,
    PLANE_VELOCITY, TILE_COLOUR, TILE_CURVE, TILE_LIFE, TILE_MEAN, TILE_ROTATION, TILE_SCALE_OPACITY,
    TILE_VELOCITY,
};
use crate::layout::Segment;

/// The words of splat `source` in the packed plane at `offset` of its tile.
fn packed<const N: usize>(buffers: &Buffers, segment: &Segment, source: usize, offset: u32) -> [u32; N] {
    let splats = CLUSTER_SPLATS as usize;
    let tile = source / splats * segment.tile_words as usize;
    let at = (tile + offset as usize) * splats + source % splats * N;
    std::array::from_fn(|word| buffers.packed[at + word])
}

fn low_high(word: u32) -> [u32; 2] {
    [word & 0xffff, word >> 16]
}

pub(crate) fn mean(buffers: &Buffers, segment: &Segment, source: usize) -> Vec3 {
    if segment.planes & PLANE_PACKED_MEAN != 0 {
        let cluster = &buffers.clusters[source / CLUSTER_SPLATS as usize];
        let [xy, z] = packed::<2>(buffers, segment, source, TILE_MEAN).map(low_high);
        let bins = Vec3::new(xy[0] as f32, xy[1] as f32, z[0] as f32);
        return Vec3::from_array(cluster.origin) + bins * cluster.step;
    }
    let words = buffers.plane(0, source, 3);
    Vec3::new(f32::from_bits(words[0]), f32::from_bits(words[1]), f32::from_bits(words[2]))
}

pub(crate) fn rotation(buffers: &Buffers, segment: &Segment, source: usize) -> Quat {
    if segment.planes & PLANE_PACKED_ROTATION != 0 {
        let [word] = packed(buffers, segment, source, TILE_ROTATION);
        return pack::three(word, segment.rotation_step);
    }
    pack::quaternion(buffers.plane(1, source, 2))
}

pub(crate) fn scale(buffers: &Buffers, segment: &Segment, source: usize) -> Vec3 {
    if segment.planes & PLANE_PACKED_SCALE_OPACITY != 0 {
        let [word] = packed::<1>(buffers, segment, source, TILE_SCALE_OPACITY);
        let [x, y, z, _] = word.to_le_bytes().map(f32::from);
        let v = Vec3::new(x, y, z) * segment.scale_step + segment.scale_least;
        return Vec3::new(v.x.exp(), v.y.exp(), v.z.exp()) * segment.gain;
    }
    pack::scale(buffers.plane(2, source, 2)) * segment.gain
}

pub(crate) fn opacity(buffers: &Buffers, segment: &Segment, source: usize) -> f32 {
    if segment.planes & PLANE_PACKED_SCALE_OPACITY != 0 {
        let [word] = packed::<1>(buffers, segment, source, TILE_SCALE_OPACITY);
        return (word >> 24) as f32 / 255.0;
    }
    pack::opacity(buffers.plane(2, source, 2))
}

pub(crate) fn colour(buffers: &Buffers, segment: &Segment, source: usize) -> Vec3 {
    if segment.planes & PLANE_PACKED_COLOUR != 0 {
        let [word] = packed::<1>(buffers, segment, source, TILE_COLOUR);
        let [r, g, b] = [word, word >> 10, word >> 20].map(|bits| (bits & 0x3ff) as f32);
        return Vec3::new(r, g, b) * segment.colour_step + segment.colour_least;
    }
    pack::half3(buffers.plane(3, source, 2))
}

/// Seconds from the time the splat's motion is told from, what its envelope and window leave of its opacity, and half
/// the seconds of its window.
pub(crate) fn moment(buffers: &Buffers, segment: &Segment, source: usize) -> (f32, f32, f32) {
    let half = |start: u32, end: u32| 0.5 * segment.tick_seconds * (end as f32 - start as f32).max(1.0);
    let left =
        |shown: bool, deviations: f32| if shown { (-0.5 * deviations * deviations).exp() } else { 0.0 };
    if segment.planes & PLANE_LIFE != 0 {
        let life = buffers.plane(4, source, 4);
        let dt = segment.seconds - f32::from_bits(life[0]);
        let presence = left((life[2]..life[3]).contains(&segment.tick), dt * f32::from_bits(life[1]));
        return (dt, presence, half(life[2], life[3]));
    }
    if segment.planes & PLANE_PACKED_LIFE != 0 {
        let [window, envelope] = packed(buffers, segment, source, TILE_LIFE);
        let [start, end] = low_high(window).map(|edge| (edge * segment.window_step).min(segment.ticks));
        let envelope = pack::halves(envelope);
        let dt = segment.seconds - 0.5 * segment.tick_seconds * (start as f32 + end as f32);
        let presence = left((start..end).contains(&segment.tick), (dt - envelope.x) * envelope.y);
        return (dt, presence, half(start, end));
    }
    let centred = segment.planes & PLANE_PACKED_MEAN != 0;
    let middle = if centred { 0.5 * segment.tick_seconds * segment.ticks as f32 } else { 0.0 };
    (segment.seconds - middle, 1.0, half(0, segment.ticks))
}

pub(crate) fn velocity(buffers: &Buffers, segment: &Segment, source: usize, half: f32) -> Vec3 {
    if segment.planes & PLANE_VELOCITY != 0 {
        let words = buffers.plane(5, source, 3);
        return Vec3::new(f32::from_bits(words[0]), f32::from_bits(words[1]), f32::from_bits(words[2]));
    }
    if segment.planes & PLANE_PACKED_VELOCITY != 0 {
        let [xy, z] = packed::<2>(buffers, segment, source, TILE_VELOCITY).map(pack::signed);
        return Vec3::new(xy.x, xy.y, z.x) * (segment.velocity_step / half);
    }
    Vec3::ZERO
}

/// The higher terms of a splat's motion.
pub(crate) struct Curve {
    pub(crate) quadratic: Vec3,
    pub(crate) cubic: Vec3,
    pub(crate) spin: Vec4,
}

pub(crate) fn curve(buffers: &Buffers, segment: &Segment, source: usize, rotation: Quat, half: f32) -> Curve {
    if segment.planes & PLANE_CURVE != 0 {
        let words = buffers.plane(6, source, 5);
        let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|word: usize| pack::halves(words[word]));
        return Curve {
            quadratic: Vec3::new(a.x, a.y, b.x),
            cubic: Vec3::new(b.y, c.x, c.y),
            spin: Vec4::new(d.x, d.y, e.x, e.y),
        };
    }
    if segment.planes & PLANE_PACKED_CURVE != 0 {
        let [a, b, c, d, e] = packed(buffers, segment, source, TILE_CURVE).map(pack::signed);
        let spin = Vec3::new(d.x, d.y, e.x) * (segment.spin_step / half);
        return Curve {
            quadratic: Vec3::new(a.x, a.y, b.x) * (segment.quadratic_step / half / half),
            cubic: Vec3::new(b.y, c.x, c.y) * (segment.cubic_step / half / half / half),
            spin: Vec4::from(rotation * Quat::from_vec4(spin.extend(0.0))),
        };
    }
    Curve { quadratic: Vec3::ZERO, cubic: Vec3::ZERO, spin: Vec4::ZERO }
}
