//! Twin of `include/attributes.glsl`: a splat's attributes out of its segment's full or packed planes.

use glam::{Quat, Vec3, Vec4};

use super::{Buffers, pack};
use crate::generated::{
    CLUSTER_SPLATS, PLACE_COLOUR, PLACE_CURVE, PLACE_HARMONICS, PLACE_LIFE, PLACE_MEAN, PLACE_ROTATION,
    PLACE_SCALE_OPACITY, PLACE_VELOCITY, PLANE_CURVE, PLANE_LIFE, PLANE_PACKED_COLOUR, PLANE_PACKED_CURVE,
    PLANE_PACKED_HARMONICS, PLANE_PACKED_LIFE, PLANE_PACKED_MEAN, PLANE_PACKED_ROTATION,
    PLANE_PACKED_SCALE_OPACITY, PLANE_PACKED_VELOCITY, PLANE_VELOCITY,
};
use crate::layout::Segment;

/// Splats a cluster.
const SPLATS: usize = CLUSTER_SPLATS as usize;

/// The words of splat `source` in the packed plane at `place`: of its only key or, where it has several, of the one that
/// stands `key` behind the first that makes the value now.
fn packed_key<const N: usize>(
    buffers: &Buffers,
    segment: &Segment,
    source: usize,
    place: u32,
    key: usize,
) -> [u32; N] {
    let place = place as usize;
    let offset = segment.places[place / 4].to_le_bytes()[place % 4];
    let byte = |word: u32| word.to_le_bytes().get(place).copied();
    let (keys, first) = (byte(segment.keys).unwrap_or(1), byte(segment.first_keys).unwrap_or(0));
    let (cluster, lane) = (source / SPLATS, source % SPLATS);
    let number = cluster - segment.first_cluster as usize;
    let tile = segment.packed_first as usize + number * segment.tile_words as usize;
    let record = (tile + usize::from(offset)) * SPLATS + lane * N * usize::from(keys);
    let at = record + (usize::from(first) + key) * N;
    std::array::from_fn(|word| buffers.packed[at + word])
}

fn packed<const N: usize>(buffers: &Buffers, segment: &Segment, source: usize, place: u32) -> [u32; N] {
    packed_key(buffers, segment, source, place, 0)
}

fn keys_of(segment: &Segment, place: u32) -> u8 {
    segment.keys.to_le_bytes()[place as usize]
}

/// The splat's place among the entries of harmonics: its own, or that in the palette that its label names.
pub(crate) fn harmonics_at(buffers: &Buffers, segment: &Segment, source: usize) -> usize {
    let first = segment.harmonics_first as usize * SPLATS;
    if segment.planes & PLANE_PACKED_HARMONICS != 0 {
        let [word] = packed::<1>(buffers, segment, source, PLACE_HARMONICS);
        return first + (word & 0xffff) as usize;
    }
    source - segment.first_cluster as usize * SPLATS + first
}

fn low_high(word: u32) -> [u32; 2] {
    [word & 0xffff, word >> 16]
}

/// In the frame of its cluster, where the segment has poses.
pub(crate) fn mean(buffers: &Buffers, segment: &Segment, source: usize) -> Vec3 {
    if segment.planes & PLANE_PACKED_MEAN != 0 {
        let cluster = &buffers.clusters[source / SPLATS];
        let mut bins = Vec3::ZERO;
        for key in 0..usize::from(keys_of(segment, PLACE_MEAN).min(4)) {
            let words = packed_key::<2>(buffers, segment, source, PLACE_MEAN, key);
            let [xy, z] = words.map(low_high);
            bins += Vec3::new(xy[0] as f32, xy[1] as f32, z[0] as f32) * segment.mean_weights[key];
        }
        return Vec3::from_array(cluster.origin) + bins * cluster.step;
    }
    let words = buffers.plane(0, source, 3);
    Vec3::new(f32::from_bits(words[0]), f32::from_bits(words[1]), f32::from_bits(words[2]))
}

/// Likewise.
pub(crate) fn rotation(buffers: &Buffers, segment: &Segment, source: usize) -> Quat {
    if segment.planes & PLANE_PACKED_ROTATION == 0 {
        return pack::quaternion(buffers.plane(1, source, 2));
    }
    let key = |key: usize| {
        let [word] = packed_key(buffers, segment, source, PLACE_ROTATION, key);
        Vec4::from(pack::three(word, segment.rotation_step))
    };
    let count = usize::from(keys_of(segment, PLACE_ROTATION).min(4));
    let mut before = key(0);
    if count == 1 {
        return Quat::from_vec4(before);
    }
    let mut sum = before * segment.rotation_weights[0];
    for at in 1..count {
        let q = key(at);
        before = if q.dot(before) < 0.0 { -q } else { q };
        sum += before * segment.rotation_weights[at];
    }
    if sum.length_squared() > 0.0 { Quat::from_vec4(sum / sum.length()) } else { Quat::IDENTITY }
}

/// Numbers of the scales and the opacity.
fn scale_opacity_bytes(buffers: &Buffers, segment: &Segment, source: usize) -> Vec4 {
    let bytes = |key: usize| {
        let [word] = packed_key::<1>(buffers, segment, source, PLACE_SCALE_OPACITY, key);
        Vec4::from_array(word.to_le_bytes().map(f32::from))
    };
    if keys_of(segment, PLACE_SCALE_OPACITY) > 1 {
        return bytes(0).lerp(bytes(1), segment.scale_weight);
    }
    bytes(0)
}

pub(crate) fn scale(buffers: &Buffers, segment: &Segment, source: usize) -> Vec3 {
    if segment.planes & PLANE_PACKED_SCALE_OPACITY != 0 {
        let bytes = scale_opacity_bytes(buffers, segment, source).truncate();
        let v = bytes * segment.scale_step + segment.scale_least;
        return Vec3::new(v.x.exp(), v.y.exp(), v.z.exp()) * segment.gain;
    }
    pack::scale(buffers.plane(2, source, 2)) * segment.gain
}

pub(crate) fn opacity(buffers: &Buffers, segment: &Segment, source: usize) -> f32 {
    if segment.planes & PLANE_PACKED_SCALE_OPACITY != 0 {
        return scale_opacity_bytes(buffers, segment, source).w / 255.0;
    }
    pack::opacity(buffers.plane(2, source, 2))
}

pub(crate) fn colour(buffers: &Buffers, segment: &Segment, source: usize) -> Vec3 {
    if segment.planes & PLANE_PACKED_COLOUR != 0 {
        let tens = |key: usize| {
            let [word] = packed_key::<1>(buffers, segment, source, PLACE_COLOUR, key);
            Vec3::from_array([word, word >> 10, word >> 20].map(|bits| (bits & 0x3ff) as f32))
        };
        let several = keys_of(segment, PLACE_COLOUR) > 1;
        let tens = if several { tens(0).lerp(tens(1), segment.colour_weight) } else { tens(0) };
        return tens * segment.colour_step + segment.colour_least;
    }
    pack::half3(buffers.plane(3, source, 2))
}

/// Where the frame of the splat's patch stands; `None` in a segment without poses.
pub(crate) fn pose(buffers: &Buffers, segment: &Segment, source: usize) -> Option<(Quat, Vec3)> {
    if segment.poses == 0 {
        return None;
    }
    let own = Segment { first_keys: 0, ..*segment };
    let [_, word] = packed::<2>(buffers, &own, source, PLACE_MEAN);
    let first = (word >> 16) as usize * segment.poses as usize + segment.first_pose as usize;
    let (mut turn, mut shift) = (Vec4::ZERO, Vec3::ZERO);
    for (key, weight) in segment.pose_weights.into_iter().enumerate() {
        let at = segment.poses_first as usize * SPLATS + (first + key) * 4;
        let [xy, zw, shift_xy, shift_z] =
            [0, 1, 2, 3].map(|word| pack::signed(buffers.packed.get(at + word).copied().unwrap_or(0)));
        turn += weight * Vec4::from((xy, zw));
        shift += weight * shift_xy.extend(shift_z.x);
    }
    let turn =
        if turn.length_squared() > 0.0 { Quat::from_vec4(turn / turn.length()) } else { Quat::IDENTITY };
    Some((turn, Vec3::from_array(segment.pose_origin) + shift * segment.pose_step))
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
        let [window, envelope] = packed(buffers, segment, source, PLACE_LIFE);
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

/// Where a splat is at its t0, in object space; `None` where keys, poses or joints carry it.
pub(crate) fn rest(buffers: &Buffers, segment: &Segment, source: usize) -> Option<Vec3> {
    let several = segment.planes & PLANE_PACKED_MEAN != 0 && keys_of(segment, PLACE_MEAN) > 1;
    if several || segment.poses > 0 || segment.binding != 0 {
        return None;
    }
    let place = mean(buffers, segment, source);
    if segment.planes & (PLANE_LIFE | PLANE_PACKED_LIFE) != PLANE_PACKED_LIFE {
        return Some(place);
    }
    let [_, envelope] = packed(buffers, segment, source, PLACE_LIFE);
    let dt = pack::halves(envelope).x;
    let (_, _, half) = moment(buffers, segment, source);
    let curve = curve(buffers, segment, source, Quat::IDENTITY, half);
    let speed = velocity(buffers, segment, source, half) + (curve.quadratic + curve.cubic * dt) * dt;
    Some(place + speed * dt)
}

pub(crate) fn velocity(buffers: &Buffers, segment: &Segment, source: usize, half: f32) -> Vec3 {
    if segment.planes & PLANE_VELOCITY != 0 {
        let words = buffers.plane(5, source, 3);
        return Vec3::new(f32::from_bits(words[0]), f32::from_bits(words[1]), f32::from_bits(words[2]));
    }
    if segment.planes & PLANE_PACKED_VELOCITY != 0 {
        let [xy, z] = packed::<2>(buffers, segment, source, PLACE_VELOCITY).map(pack::signed);
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
        let [a, b, c, d, e] = packed(buffers, segment, source, PLACE_CURVE).map(pack::signed);
        let spin = Vec3::new(d.x, d.y, e.x) * (segment.spin_step / half);
        return Curve {
            quadratic: Vec3::new(a.x, a.y, b.x) * (segment.quadratic_step / half / half),
            cubic: Vec3::new(b.y, c.x, c.y) * (segment.cubic_step / half / half / half),
            spin: Vec4::from(rotation * Quat::from_vec4(spin.extend(0.0))),
        };
    }
    Curve { quadratic: Vec3::ZERO, cubic: Vec3::ZERO, spin: Vec4::ZERO }
}
