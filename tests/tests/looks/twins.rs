//! The kernels that looks change, on the GPU and by their CPU twins: random splats in every look, full and packed.

use glam::Vec2;
use vivant::gpu::{ComputePipeline, GpuOptions};
use vivant_shaders::cpu::{self, Buffers, Surfel};
use vivant_shaders::generated::{
    BLEND_LINEAR, CULL, DEAD_KEY, LOOK_INTEGRAL, LOOK_LINEAR, LOOK_MIP, LOOK_REST, LOOK_SURFEL,
    PLANE_PACKED_COLOUR, PLANE_PACKED_CURVE, PLANE_PACKED_LIFE, PLANE_PACKED_MEAN, PLANE_PACKED_ROTATION,
    PLANE_PACKED_SCALE_OPACITY, PLANE_PACKED_VELOCITY, PLANE_SH1, PROJECT,
};
use vivant_shaders::layout::Projected;
use vivant_tests::gpu::{Bench, assert_fails, assert_silent, open, sabotaged};
use vivant_tests::synthetic;

const PACKED: u32 = PLANE_PACKED_MEAN
    | PLANE_PACKED_ROTATION
    | PLANE_PACKED_SCALE_OPACITY
    | PLANE_PACKED_COLOUR
    | PLANE_PACKED_LIFE
    | PLANE_PACKED_VELOCITY
    | PLANE_PACKED_CURVE
    | PLANE_SH1;

/// Low-pass and bits.
const LOOKS: [(f32, u32); 6] = [
    (0.1, LOOK_MIP),
    (0.0, 0),
    (0.0, LOOK_INTEGRAL),
    (0.0, LOOK_SURFEL),
    (0.3, LOOK_REST),
    (0.0, LOOK_SURFEL | LOOK_REST),
];

/// Frames of one look each, full and packed, and one with a segment a look; up to the sort.
fn frames() -> Vec<Buffers> {
    let alone = LOOKS.into_iter().flat_map(|(low_pass, look)| {
        [synthetic::frame(700, 256, 31), synthetic::packed_frame(257, 256, 32, PACKED)].map(|mut b| {
            b.segments.iter_mut().for_each(|segment| (segment.low_pass, segment.look) = (low_pass, look));
            b
        })
    });
    let kinds = [(0x3ff, [1; 4]), (PACKED, [4, 1, 2, 1]), (PACKED, [1; 4]), (0x0ff, [1; 4])];
    let mut mixed = synthetic::pool_frame(300, 256, 33, &kinds);
    for (segment, (low_pass, look)) in mixed.segments.iter_mut().zip(LOOKS.into_iter().skip(2)) {
        (segment.low_pass, segment.look) = (low_pass, look | LOOK_REST);
    }
    // Some are linear as the frame is, some are not; and the other way round.
    for segment in mixed.segments.iter_mut().step_by(2) {
        segment.look |= LOOK_LINEAR;
    }
    let encoded = mixed.clone();
    mixed.block.frame.flags = BLEND_LINEAR;
    alone.chain([mixed, encoded]).collect()
}

fn sorted(b: &mut Buffers) {
    cpu::slice(b);
    cpu::cull(b);
    for pass in 0..2 {
        cpu::histogram(b, pass);
        cpu::scan(b);
        cpu::offsets(b);
        cpu::scatter(b, pass);
    }
}

/// What a record says: the covariance of its ellipse in px², its tilt in px as far as it goes, its shape.
fn shape(p: &Projected) -> ([f32; 3], Vec2, u8) {
    let (along, lengths, tilt, kind) = if p.depth < 0.0 {
        let Surfel { along, lengths, tilt } = Surfel::unpack(p);
        (along, lengths, tilt, 2)
    } else {
        let major = Vec2::from_array(p.major);
        let lengths = Vec2::new(major.length(), p.minor.abs());
        (major.normalize_or(Vec2::X), lengths, Vec2::ZERO, u8::from(p.minor < 0.0))
    };
    let (u, v) = (along * lengths.x, along.perp() * lengths.y);
    ([u.x * u.x + v.x * v.x, u.x * u.y + v.x * v.y, u.y * u.y + v.y * v.y], tilt, kind)
}

fn assert_projected(gpu: &[Projected], twin: &[Projected]) {
    for (place, (a, b)) in gpu.iter().zip(twin).enumerate() {
        let ((ca, ta, ka), (cb, tb, kb)) = (shape(a), shape(b));
        let off_centre = Vec2::from_array(a.centre).distance(Vec2::from_array(b.centre));
        let spread =
            ca.iter().zip(cb).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max) / (cb[0] + cb[2]).max(0.3);
        // The tilt has a sign that goes with the axes': where the ellipse is round they turn freely.
        let tilt = (ta.length() - tb.length()).abs();
        let words = |p: &Projected| {
            let [rg, b_opacity] = p.colour;
            [rg & 0xffff, rg >> 16, b_opacity & 0xffff]
                .map(|half| half::f16::from_bits(half as u16).to_f32())
                .into_iter()
                .chain([(b_opacity >> 16) as f32 / 65535.0])
                .collect::<Vec<_>>()
        };
        let colour = words(a).iter().zip(words(b)).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
        let depth = (a.depth - b.depth).abs();
        assert!(
            ka == kb
                && off_centre <= 2e-3
                && spread <= 1e-3
                && tilt <= 1e-3
                && colour <= 3e-3
                && depth <= 1e-5,
            "place {place}: {off_centre} px, {spread} of the spread, {tilt} of tilt, {colour} in colour, {depth} m: \
             {a:?} but the twin says {b:?}"
        );
    }
}

#[test]
fn project_is_its_twin_in_every_look() {
    let Some(gpu) = open(&GpuOptions::default()) else { return };
    let mut bench = Bench::new(&gpu);
    for (number, mut twin) in frames().into_iter().enumerate() {
        sorted(&mut twin);
        let run = |bench: &mut Bench, kernel, twin: &Buffers| {
            let pipeline = ComputePipeline::with_looks(bench.layouts(), kernel, true).unwrap();
            bench.run(twin, |encoder, _| encoder.dispatch(&pipeline, twin.counts.dispatch[0])).projected
        };
        let found = run(&mut bench, &PROJECT, &twin);
        let rougher = run(&mut bench, &sabotaged(&PROJECT, 28.0, 28.1), &twin);
        cpu::project(&mut twin);
        let (slots, visible) = (twin.block.frame.slots as usize, twin.counts.visible as usize);
        assert!(visible > 100, "frame {number}: {visible} visible");
        for view in 0..2 {
            let range = view * slots..view * slots + visible;
            assert_projected(&found[range.clone()], &twin.projected[range.clone()]);
            if number == 0 {
                let right = &twin.projected;
                assert_fails("larger splats", || assert_projected(&rougher[range.clone()], &right[range]));
            }
        }
    }
    drop(bench);
    assert_silent(&gpu);
}

#[test]
fn cull_is_its_twin_for_surfels() {
    let Some(gpu) = open(&GpuOptions::default()) else { return };
    let mut bench = Bench::new(&gpu);
    let mut twin = synthetic::frame(2049, 256, 34);
    for segment in &mut twin.segments {
        // Large ones: some reach the near plane.
        (segment.low_pass, segment.look, segment.gain) = (0.0, LOOK_SURFEL, 12.0);
    }
    cpu::slice(&mut twin);
    let mut gaussian = twin.clone();
    let pipeline = ComputePipeline::new(bench.layouts(), &CULL).unwrap();
    let groups = twin.block.frame.slots / 256;
    let keys = bench.run(&twin, |encoder, _| encoder.dispatch(&pipeline, groups)).keys;
    cpu::cull(&mut twin);
    gaussian.segments.iter_mut().for_each(|segment| segment.look = 0);
    cpu::cull(&mut gaussian);
    let alive = |keys: &[u32]| keys.iter().filter(|key| **key != DEAD_KEY).count();
    let differ = keys.iter().zip(&twin.keys).filter(|(a, b)| a.abs_diff(**b) > 2).count();
    assert!(differ <= 1, "{differ} keys differ");
    assert!(alive(&twin.keys) >= alive(&gaussian.keys), "surfels reach at least as far");
    drop(bench);
    assert_silent(&gpu);
}

#[test]
fn another_look_is_noticed() {
    let mut right = frames().swap_remove(6);
    sorted(&mut right);
    let before = right.clone();
    cpu::project(&mut right);
    let visible = right.counts.visible as usize;
    let noticed = |what: &str, change: fn(&mut Buffers)| {
        let mut other = before.clone();
        change(&mut other);
        cpu::project(&mut other);
        assert_fails(what, || assert_projected(&other.projected[..visible], &right.projected[..visible]));
    };
    noticed("Gaussians for surfels", |b| b.segments[0].look = 0);
    noticed("a low-pass", |b| b.segments[0].low_pass = 0.3);
    noticed("linear colours", |b| b.block.frame.flags = BLEND_LINEAR);
}
