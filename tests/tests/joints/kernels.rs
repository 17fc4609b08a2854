//! The kernels on the GPU against their twins, where joints carry the splats: one to eight joints, turning or shearing.

use glam::{DAffine3, DMat3, DQuat, DVec3};
use vivant::gpu::{ComputePipeline, GpuOptions};
use vivant::rig::narrow;
use vivant_shaders::Kernel;
use vivant_shaders::cpu::{self, Buffers};
use vivant_shaders::generated::{
    BINDING_TURNS, CARRY, CLUSTER_SPLATS, CULL, DEAD_KEY, PROJECT, SEGMENT_BITS, SLICE,
};
use vivant_shaders::layout::{Projected, Sliced};
use vivant_tests::gpu::{Bench, assert_fails, assert_silent, open};
use vivant_tests::random::Random;
use vivant_tests::synthetic;

const JOINTS: u32 = 19;

/// A synthetic frame whose splats `count` joints carry each.
fn carried(splats: u32, count: u32, sheared: bool, seed: u64) -> Buffers {
    let mut b = synthetic::frame(splats, 256, seed);
    let mut random = Random::new(seed ^ 0x91);
    // Joints of another clip before these.
    let first = 5;
    b.joints = vec![[f32::NAN; 4]; first * 3];
    // And one behind.
    for _ in 0..=JOINTS {
        let turn = DQuat::from_array(random.rotation().map(f64::from)).normalize();
        let mut map = DAffine3::from_rotation_translation(
            DQuat::IDENTITY.slerp(turn, 0.5),
            DVec3::from_array([0; 3].map(|_| f64::from(random.range(-0.2, 0.2)))),
        );
        if sheared {
            let mut off = || f64::from(random.range(-0.5, 0.5));
            map.matrix3 *= DMat3::IDENTITY + DMat3::from_cols_array(&[(); 9].map(|()| off()));
        }
        b.joints.extend(narrow(&map));
    }
    b.packed = vec![u32::MAX; 2 * CLUSTER_SPLATS as usize];
    for segment in &mut b.segments {
        segment.packed_first = 2;
        segment.tile_words = count;
        segment.binding = count << 16 | BINDING_TURNS;
        segment.joints_first = first as u32;
    }
    let tiles = splats.div_ceil(CLUSTER_SPLATS) * CLUSTER_SPLATS;
    for _ in 0..tiles {
        let mut left = 65_535;
        for joint in 0..count {
            let weight = if joint + 1 == count { left } else { random.below(left + 1) };
            left -= weight;
            b.packed.push(random.below(JOINTS) | weight << 16);
        }
    }
    b
}

fn on_gpu(bench: &mut Bench, kernel: &Kernel, buffers: &Buffers, groups: u32) -> Buffers {
    let pipeline = ComputePipeline::new(bench.layouts(), kernel).unwrap();
    bench.run(buffers, |encoder, _| {
        encoder.push(0);
        if groups > 0 {
            encoder.dispatch(&pipeline, groups);
        }
    })
}

/// The covariance that the words of a carried splat stand for, by the description in `rig.glsl`.
fn covariance(splat: &Sliced) -> DMat3 {
    let [first, second] = splat.rotation;
    let turn = |word: u32, at: u32| f64::from((word << (17 - at)) as i32 >> 17) * (0.5_f64.sqrt() / 16_383.0);
    let rest = [turn(first, 0), turn(first, 15), turn(second, 0)];
    let largest = (first >> 30) as usize;
    let mut q = [0.0; 4];
    let mut others = rest.into_iter();
    for (at, slot) in q.iter_mut().enumerate() {
        *slot = if at == largest {
            (1.0 - rest.iter().map(|x| x * x).sum::<f64>()).max(0.0).sqrt()
        } else {
            others.next().unwrap()
        };
    }
    let log = |bits: u32| (f64::from(bits & 0x1fff) * 17.0 / 8191.0 - 14.0).exp();
    let scale = DVec3::new(
        log(second >> 15),
        log(splat.segment >> SEGMENT_BITS),
        log(splat.segment >> (SEGMENT_BITS + 13)),
    );
    let axes = DMat3::from_quat(DQuat::from_array(q).normalize()) * DMat3::from_diagonal(scale);
    axes * axes.transpose()
}

/// Axes of equal length may lie as they like, so shapes are compared by what they cover: to a hundredth of the largest
/// variance, four steps of a logarithm.
fn assert_shapes(gpu: &[Sliced], twin: &[Sliced]) {
    assert_eq!(gpu.len(), twin.len());
    for (slot, (a, b)) in gpu.iter().zip(twin).enumerate() {
        assert_eq!(a.source, b.source, "slot {slot}");
        let index = |splat: &Sliced| splat.segment & ((1 << SEGMENT_BITS) - 1);
        assert_eq!(index(a), index(b), "slot {slot}");
        for (x, y) in a.mean_opacity.iter().zip(&b.mean_opacity) {
            assert!((x - y).abs() < 3e-5, "slot {slot}: {a:?} but the twin says {b:?}");
        }
        if b.rotation == [0; 2] {
            assert_eq!(a, b, "slot {slot}: nothing is behind the last splat");
            continue;
        }
        let (x, y) = (covariance(a), covariance(b));
        let size = y.to_cols_array().iter().map(|v| v.abs()).fold(0.0, f64::max);
        let off = (x - y).to_cols_array().iter().map(|v| v.abs()).fold(0.0, f64::max);
        assert!(off <= 0.01 * size, "slot {slot}: {off} of {size}: {a:?} but the twin says {b:?}");
    }
}

#[test]
fn carry_and_cull_are_their_twins() {
    let Some(gpu) = open(&GpuOptions::default()) else { return };
    let mut bench = Bench::new(&gpu);
    for count in 1..=8 {
        for sheared in [false, true] {
            for splats in [0, 1, 255, 256, 257, 2049] {
                let mut twin = carried(splats, count, sheared, u64::from(count));
                let groups = twin.block.frame.slots / 256;
                let left = on_gpu(&mut bench, &SLICE, &twin, groups).sliced;
                assert!(left == twin.sliced, "slice touches what joints carry");
                let sliced = on_gpu(&mut bench, &CARRY, &twin, groups).sliced;
                cpu::carry(&mut twin);
                assert_shapes(&sliced, &twin.sliced);
                let keys = on_gpu(&mut bench, &CULL, &twin, groups).keys;
                cpu::cull(&mut twin);
                let apart = keys
                    .iter()
                    .zip(&twin.keys)
                    .filter(|(a, b)| (**a == DEAD_KEY) != (**b == DEAD_KEY))
                    .count();
                assert!(apart * 1000 <= keys.len(), "{apart} of {} are seen by one only", keys.len());
                for (a, b) in keys.iter().zip(&twin.keys).filter(|(a, b)| **a != DEAD_KEY && **b != DEAD_KEY)
                {
                    assert!(a.abs_diff(*b) <= 2, "{a} but the twin says {b}");
                }
            }
        }
    }
    drop(bench);
    assert_silent(&gpu);
}

fn assert_projected(gpu: &[Projected], twin: &[Projected]) {
    for (place, (a, b)) in gpu.iter().zip(twin).enumerate() {
        let centre = (0..2).map(|i| (a.centre[i] - b.centre[i]).abs()).fold(0.0, f32::max);
        let major = |p: &Projected| p.major[0].hypot(p.major[1]);
        let size = major(b).max(1.0);
        assert!(centre < 0.02 && (major(a) - major(b)).abs() < 0.01 * size, "place {place}: {a:?} but {b:?}");
        assert!((a.minor - b.minor).abs() < 0.01 * size, "place {place}: {a:?} but {b:?}");
        let halves =
            |word: u32| [word & 0xffff, word >> 16].map(|half| half::f16::from_bits(half as u16).to_f32());
        let ([r, g], [blue, _]) = (halves(a.colour[0]), halves(a.colour[1]));
        let ([wr, wg], [wb, _]) = (halves(b.colour[0]), halves(b.colour[1]));
        let colour = (r - wr).abs().max((g - wg).abs()).max((blue - wb).abs());
        assert!(colour < 4e-3, "place {place}: colour {colour}: {a:?} but {b:?}");
    }
}

/// The twins up to what project reads, all slots in order where any view sees them.
fn sorted(mut b: Buffers) -> Buffers {
    cpu::carry(&mut b);
    cpu::cull(&mut b);
    b.order = (0..b.block.frame.slots).filter(|&slot| b.keys[slot as usize] != DEAD_KEY).collect();
    b.counts.visible = b.order.len() as u32;
    b.counts.dispatch = [b.counts.visible.div_ceil(256), 1, 1];
    b.order.resize(b.block.frame.slots as usize, 0);
    b
}

#[test]
fn project_is_its_twin_where_joints_carry() {
    let Some(gpu) = open(&GpuOptions::default()) else { return };
    let mut bench = Bench::new(&gpu);
    for (count, sheared, turns) in [(1, false, true), (3, false, false), (8, true, true), (2, true, true)] {
        let mut before = carried(2049, count, sheared, 40 + u64::from(count));
        if !turns {
            before.segments[0].binding &= !BINDING_TURNS;
        }
        let mut twin = sorted(before);
        let projected = on_gpu(&mut bench, &PROJECT, &twin, twin.counts.dispatch[0]).projected;
        cpu::project(&mut twin);
        let (slots, visible) = (twin.block.frame.slots as usize, twin.counts.visible as usize);
        assert!(visible > 500, "{visible} show");
        for view in 0..2 {
            let range = view * slots..view * slots + visible;
            assert_projected(&projected[range.clone()], &twin.projected[range]);
        }
    }
    drop(bench);
    assert_silent(&gpu);
}

#[test]
fn joints_read_wrongly_are_noticed() {
    let right = carried(300, 3, true, 9);
    let mut twin = right.clone();
    cpu::carry(&mut twin);
    let noticed = |what: &str, change: fn(&mut Buffers)| {
        let mut wrong = right.clone();
        change(&mut wrong);
        cpu::carry(&mut wrong);
        assert_fails(what, || assert_shapes(&wrong.sliced, &twin.sliced));
    };
    noticed("a joint too far", |b| b.segments[0].joints_first += 1);
    noticed("a joint too few", |b| b.segments[0].binding -= 1 << 16);
    noticed("a joint that stretches more", |b| b.joints[17][0] *= 1.1);
    noticed("weights of a neighbour", |b| b.packed.rotate_left(3));
    // Harmonics that do not turn with the splat.
    let mut turned = sorted(carried(300, 1, false, 9));
    let visible = turned.counts.visible as usize;
    let mut stuck = turned.clone();
    stuck.segments[0].binding &= !BINDING_TURNS;
    cpu::project(&mut turned);
    cpu::project(&mut stuck);
    assert_fails("harmonics that stay behind", || {
        assert_projected(&stuck.projected[..visible], &turned.projected[..visible]);
    });
}
