//! Random but sane frames for the kernel tests: splats in front of two eyes, with every plane filled.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "test data is made small on purpose"
)]

use glam::{DMat4, DQuat, DVec3, Vec3};
use half::f16;
use vivant::frame::Plane;
use vivant::view::View;
use vivant_shaders::cpu::Buffers;
use vivant_shaders::generated::{CLUSTER_SPLATS, DIGITS, KEY_MAX, LOOK_HIDDEN, SORT_BLOCK, SORT_GROUP};
use vivant_shaders::layout::{self, Cluster, ClusterRef, Segment};

use crate::random::Random;

/// Ticks at which the synthetic segment is seen; lives end and start around it.
const TICK: u32 = 500;

/// Buffers as they are before slice: `splats` random splats in one segment, and the views of a stereo pair of
/// `size` × `size` px, 1.5 m away. The outputs have the right lengths and hold garbage.
#[must_use]
pub fn frame(splats: u32, size: u32, seed: u64) -> Buffers {
    let mut random = Random::new(seed);
    let cluster_count = splats.div_ceil(CLUSTER_SPLATS);
    let mut b = Buffers {
        planes: planes(cluster_count * CLUSTER_SPLATS, &mut random),
        segments: vec![segment()],
        clusters: vec![cluster(); cluster_count as usize],
        ..Buffers::default()
    };
    refer(&mut b, splats);
    view(&mut b, size);
    b
}

/// What a segment of a [`pool_frame`] has: its plane mask, and keys of a splat's mean, rotation, scale and opacity,
/// colour.
pub type Kind = (u32, [u8; 4]);

/// A frame whose segment has its first seven attributes in packed planes: those of `planes`, bits of the plane mask; an
/// attribute in neither form is absent.
#[must_use]
pub fn packed_frame(splats: u32, size: u32, seed: u64, planes: u32) -> Buffers {
    pool_frame(splats, size, seed, &[(planes, [1; 4])])
}

/// A frame of one segment a kind, each of `splats` splats, side by side in one pool: in another order in each arena,
/// apart from one another, with garbage between them.
#[must_use]
pub fn pool_frame(splats: u32, size: u32, seed: u64, kinds: &[Kind]) -> Buffers {
    let mut random = Random::new(seed ^ 0x9a);
    let apart = splats.div_ceil(CLUSTER_SPLATS) + 1;
    let count = kinds.len() as u32;
    let mut b = Buffers {
        planes: planes(count * apart * CLUSTER_SPLATS, &mut random),
        clusters: vec![cluster(); (count * apart) as usize],
        ..Buffers::default()
    };
    for cluster in &mut b.clusters {
        cluster.origin = [0; 3].map(|_| random.range(-0.9, -0.5));
        cluster.step = random.range(1e-5, 2e-5);
    }
    for (number, &(planes, keys)) in (0..).zip(kinds) {
        // Garbage in front, of another width than a tile.
        b.packed.extend((0..3 * CLUSTER_SPLATS).map(|_| random.below(u32::MAX)));
        let packed_first = b.packed.len() as u32 / CLUSTER_SPLATS;
        let (places, tile_words) = places(planes, keys);
        for _ in 1..apart {
            let mut tile = tile(&mut random, tile_words, planes, places, (apart - 1) * CLUSTER_SPLATS);
            if planes & Plane::PackedMean.bit() != 0 {
                // The free half of a mean names one of as many patches as there are clusters.
                let record = usize::from(keys[0]) * 2;
                for splat in 0..CLUSTER_SPLATS as usize {
                    let word = &mut tile[splat * record + 1];
                    *word = *word & 0xffff | random.below(apart - 1) << 16;
                }
            }
            b.packed.extend(tile);
        }
        let joined = joined(&mut random, keys);
        // Where a mean is packed, every other segment is told in moving frames.
        let poses = if number % 2 == 1 && planes & Plane::PackedMean.bit() != 0 { 7 } else { 0 };
        let poses_first = b.packed.len() as u32 / CLUSTER_SPLATS;
        let pose_words = ((apart - 1) * poses * 4).next_multiple_of(CLUSTER_SPLATS);
        b.packed.extend((0..pose_words).map(|_| random.below(u32::MAX)));
        b.segments.push(Segment {
            planes,
            first_cluster: (count - 1 - number) * apart + 1,
            packed_first,
            tile_words,
            harmonics_first: number * apart + 1,
            places,
            keys: u32::from_le_bytes(keys),
            poses_first,
            poses,
            first_pose: if poses > 0 { random.below(poses - 3) } else { 0 },
            pose_weights: basis(&mut random),
            pose_origin: [0; 3].map(|_| random.range(-0.1, 0.1)),
            pose_step: 6e-6,
            ..joined
        });
    }
    refer(&mut b, splats);
    view(&mut b, size);
    b
}

/// A [`pool_frame`] in which every segment but the third has labels and a look, of two that hide some of them and tint
/// others.
#[must_use]
pub fn looked_frame(splats: u32, size: u32, seed: u64, kinds: &[Kind]) -> Buffers {
    let mut b = pool_frame(splats, size, seed, kinds);
    let mut random = Random::new(seed ^ 0x100c);
    for number in 0..b.segments.len() {
        // Garbage in front, and more than a byte of a label.
        b.packed.extend((0..CLUSTER_SPLATS).map(|_| random.below(u32::MAX)));
        b.segments[number].labels_first = b.packed.len() as u32 / CLUSTER_SPLATS;
        let words = splats.div_ceil(4).next_multiple_of(CLUSTER_SPLATS);
        b.packed.extend((0..words).map(|_| random.below(u32::MAX)));
        b.segments[number].label_look = if number == 2 { 0 } else { 1 + number as u32 % 2 };
    }
    for word in b.block.looks[..2].as_flattened_mut().as_flattened_mut() {
        *word = random.below(1 << 24);
        match random.below(4) {
            0 => *word |= LOOK_HIDDEN,
            1 => *word |= 127 << 24,
            2 => *word |= random.below(128) << 24,
            _ => {}
        }
    }
    b
}

/// Weights of four keys at some place of an interval.
fn basis(random: &mut Random) -> [f32; 4] {
    vivant::spline::basis(3, f64::from(random.unit())).map(|weight| weight as f32)
}

/// A packed segment with a place among the keys of each spline plane.
fn joined(random: &mut Random, keys: [u8; 4]) -> Segment {
    let one = [1.0, 0.0, 0.0, 0.0];
    let degrees = [3, 3, 1, 1];
    let first: [u8; 4] = std::array::from_fn(|plane| {
        let intervals = u32::from(keys[plane].saturating_sub(degrees[plane]));
        if intervals > 0 { random.below(intervals) as u8 } else { 0 }
    });
    Segment {
        first_keys: u32::from_le_bytes(first),
        mean_weights: if keys[0] > 1 { basis(random) } else { one },
        rotation_weights: if keys[1] > 1 { basis(random) } else { one },
        scale_weight: random.unit(),
        colour_weight: random.unit(),
        ..packed_segment()
    }
}

/// Where each packed plane of a mask stands in a tile, and the tile's words a splat.
fn places(planes: u32, keys: [u8; 4]) -> ([u32; 2], u32) {
    let mut bytes = [0_u8; 8];
    let mut offset = 0;
    for plane in Plane::ALL.into_iter().filter(|plane| plane.is_packed() && planes & plane.bit() != 0) {
        bytes[plane.index() - Plane::FULL] = offset;
        offset += plane.words() as u8 * keys.get(plane.index() - Plane::FULL).unwrap_or(&1);
    }
    let [a, b, c, d, e, f, g, h] = bytes;
    ([u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])], u32::from(offset))
}

/// A tile in which every word is a value; but lives have an order and a range, and labels are below `entries`.
fn tile(random: &mut Random, tile_words: u32, planes: u32, places: [u32; 2], entries: u32) -> Vec<u32> {
    let mut tile: Vec<u32> = (0..CLUSTER_SPLATS * tile_words).map(|_| random.below(u32::MAX)).collect();
    let place = |byte: usize| places[1].to_le_bytes()[byte] as usize * CLUSTER_SPLATS as usize;
    if planes & Plane::PackedHarmonics.bit() != 0 {
        // The palette has as many entries as the segment has slots.
        let labels = &mut tile[place(3)..place(3) + CLUSTER_SPLATS as usize];
        labels.fill_with(|| random.below(entries));
    }
    if planes & Plane::PackedLife.bit() == 0 {
        return tile;
    }
    let first = place(0);
    for life in tile[first..first + 2 * CLUSTER_SPLATS as usize].as_chunks_mut::<2>().0 {
        let start = random.below(TICK / 8);
        let end = match random.below(4) {
            0 => TICK / 4,
            1 => 65_535,
            _ => TICK / 4 + 1 + random.below(50),
        };
        let inverse_sigma = if random.below(2) == 0 { 0.0 } else { random.range(2.0, 20.0) };
        *life = [start | end << 16, half(random.range(-0.1, 0.1)) | half(inverse_sigma) << 16];
    }
    tile
}

/// A segment with a grid.
fn packed_segment() -> Segment {
    Segment {
        colour_least: -0.2,
        colour_step: 1.5 / 1023.0,
        rotation_step: 1.0 / 720.0,
        scale_least: 0.001_f32.ln(),
        scale_step: 4.0 / 255.0,
        velocity_step: 2e-6,
        quadratic_step: 1e-6,
        cubic_step: 5e-7,
        spin_step: 3e-6,
        window_step: 4,
        tick_seconds: 0.001,
        ticks: 1001,
        ..segment()
    }
}

/// A box that holds the means with all their motion; the kernel only needs it to be large enough.
fn cluster() -> Cluster {
    let reach = 1.5;
    Cluster { box_min: [-reach; 3], box_max: [reach; 3], max_scale: 0.2, end: u32::MAX, ..Default::default() }
}

/// One reference a cluster of every segment, each of which has `splats` splats.
fn refer(b: &mut Buffers, splats: u32) {
    for (index, segment) in (0..).zip(&b.segments) {
        for number in 0..splats.div_ceil(CLUSTER_SPLATS) {
            let cluster = segment.first_cluster + number;
            let count = (splats - number * CLUSTER_SPLATS).min(CLUSTER_SPLATS);
            b.clusters[cluster as usize].count = count;
            b.references.push(ClusterRef { cluster, segment: index, count, reserved: 0 });
        }
    }
}

/// The views, the frame, and outputs as long as the references ask for.
fn view(b: &mut Buffers, size: u32) {
    let slots = b.references.len() as u32 * CLUSTER_SPLATS;
    b.sliced = vec![layout::Sliced { source: 7, segment: 7, ..Default::default() }; slots as usize];
    b.keys = vec![0x5555_5555; slots as usize];
    b.partial = vec![0x5555_5555; slots as usize];
    b.order = vec![0x5555_5555; slots as usize];
    b.projected = vec![layout::Projected { depth: -1.0, ..Default::default() }; slots as usize * 2];
    let eye = View::looking_at(DVec3::new(0.1, 0.2, 1.5), DVec3::new(0.1, 0.1, 0.0), 1.0, 1.0);
    for (slot, view) in b.block.views.iter_mut().zip(eye.stereo(0.063)) {
        *slot = shader_view(&view, f64::from(size));
    }
    b.block.frame = layout::Frame {
        head_in_world: [0.1, 0.2, 1.5, 0.0],
        background: [0.0; 4],
        key_near: 0.2,
        key_scale: KEY_MAX as f32 / 3.0,
        depth_reference: 1.5,
        views: 2,
        slots,
        blocks: slots.div_ceil(SORT_BLOCK),
        flags: 0,
        reserved: 0,
    };
    b.histogram = vec![0x5555_5555; (DIGITS * b.block.frame.blocks) as usize];
    b.totals = vec![0x5555_5555; (DIGITS * (1 + b.block.frame.blocks.div_ceil(SORT_GROUP))) as usize];
}

/// A view in the kernels' form, for square pictures.
fn shader_view(view: &View, size: f64) -> layout::View {
    let [left, right, up, down] = [view.fov.left, view.fov.right, view.fov.up, view.fov.down].map(f64::tan);
    layout::View {
        view_from_world: view.view_from_world().as_mat4().to_cols_array_2d(),
        position_in_world: DVec3::from_array(view.position).as_vec3().extend(0.0).to_array(),
        tangents: [left, right, up, down].map(|t| t as f32),
        screen: [size / (right - left), size / (up - down), size, size].map(|v| v as f32),
    }
}

fn segment() -> Segment {
    let rotation = DQuat::from_rotation_y(0.4) * DQuat::from_rotation_x(0.2);
    let placed =
        DMat4::from_scale_rotation_translation(DVec3::splat(1.2), rotation, DVec3::new(0.05, 0.1, -0.1));
    Segment {
        world_from_object: placed.as_mat4().to_cols_array_2d(),
        rotation: rotation.as_quat().to_array(),
        seconds: 0.5,
        tick: TICK,
        planes: 0x3FF,
        scale: 1.2,
        gain: 1.25,
        low_pass: 0.3,
        ..Segment::default()
    }
}

fn half(value: f32) -> u32 {
    u32::from(f16::from_f32(value).to_bits())
}

fn halves(values: &[f32]) -> Vec<u32> {
    values.chunks(2).map(|pair| half(pair[0]) | half(*pair.get(1).unwrap_or(&0.0)) << 16).collect()
}

fn unorm(value: f32) -> u32 {
    (value.clamp(0.0, 1.0) * 65535.0).round() as u32
}

fn snorm(value: f32) -> u32 {
    u32::from(((value * 32767.0).round() as i16).cast_unsigned())
}

/// Every plane for `slots` splats; those past the clusters' counts are garbage that no kernel may show.
fn planes(slots: u32, random: &mut Random) -> [Vec<u32>; 10] {
    let mut planes: [Vec<u32>; 10] = Default::default();
    for _ in 0..slots {
        let mean = Vec3::new(random.range(-0.8, 0.8), random.range(-0.8, 0.8), random.range(-0.8, 0.8));
        planes[0].extend(mean.to_array().map(f32::to_bits));
        let [x, y, z, w] = random.rotation();
        planes[1].extend([snorm(x) | snorm(y) << 16, snorm(z) | snorm(w) << 16]);
        let [sx, sy, sz] = [0; 3].map(|_| unorm((random.range(0.001_f32.ln(), 0.06_f32.ln()) + 20.0) / 28.0));
        planes[2].extend([sx | sy << 16, sz | unorm(random.unit()) << 16]);
        planes[3].extend(halves(&[random.unit(), random.unit(), random.unit(), 0.0]));
        let t0 = random.range(0.3, 0.7);
        let sigma = if random.below(2) == 0 { 0.0 } else { random.range(2.0, 20.0) };
        // The window's edges fall on the tick itself now and then: start is inside, end is not.
        let (start, end) = match random.below(8) {
            0 => (TICK, TICK + 1),
            1 => (TICK - 1, TICK),
            2 => (TICK + 1, TICK + 9),
            _ => (TICK.saturating_sub(random.below(500)), TICK + 1 + random.below(500)),
        };
        planes[4].extend([t0.to_bits(), sigma.to_bits(), start, end]);
        planes[5].extend([0; 3].map(|_| random.range(-1.0, 1.0).to_bits()));
        let mut curve = [0.0; 10].map(|_: f32| random.range(-1.0, 1.0));
        curve[3..6].iter_mut().for_each(|c| *c *= 4.0);
        planes[6].extend(halves(&curve));
        for (plane, count) in [(7, 10), (8, 16), (9, 22)] {
            let coefficients: Vec<f32> = (0..count).map(|_| random.range(-0.15, 0.15)).collect();
            planes[plane].extend(halves(&coefficients));
        }
    }
    planes
}
