//! Every kernel on the GPU against its twin on the CPU: random data, sizes 0, 1, 255, 256, 257 and large, canaries behind
//! every buffer. Each comparison has a case in which it must fail.

#![expect(
    clippy::unwrap_used,
    clippy::cast_sign_loss,
    reason = "a failure to set up is a failure of the test"
)]

use glam::Vec2;
use vivant::gpu::{ComputePipeline, Gpu, GpuOptions};
use vivant_shaders::Kernel;
use vivant_shaders::cpu::{self, Buffers};
use vivant_shaders::generated::{
    CULL, DEAD_KEY, DIGITS, HISTOGRAM, KEY_MAX, OFFSETS, PLANE_CURVE, PLANE_LIFE, PLANE_PACKED_COLOUR,
    PLANE_PACKED_CURVE, PLANE_PACKED_HARMONICS, PLANE_PACKED_LIFE, PLANE_PACKED_MEAN, PLANE_PACKED_ROTATION,
    PLANE_PACKED_SCALE_OPACITY, PLANE_PACKED_VELOCITY, PLANE_SH1, PLANE_SH2, PLANE_SH3, PLANE_VELOCITY,
    PROJECT, SCAN, SCATTER, SLICE, SORT_GROUP,
};
use vivant_shaders::layout::{Projected, Segment, Sliced};
use vivant_tests::gpu::{Bench, assert_fails, assert_silent, open, sabotaged};
use vivant_tests::random::Random;
use vivant_tests::synthetic;

/// Plane masks with packed planes: all packed; without life; without motion as well; each
/// kind mixed with full planes; labels of a palette, with every plane packed and not.
const PACKED_MASKS: [u32; 7] = [
    PACKED,
    PACKED & !PLANE_PACKED_LIFE,
    PLANE_PACKED_MEAN | PLANE_PACKED_ROTATION | PLANE_PACKED_SCALE_OPACITY | PLANE_PACKED_COLOUR,
    PLANE_PACKED_MEAN | PLANE_PACKED_SCALE_OPACITY | PLANE_LIFE | PLANE_VELOCITY | PLANE_SH1 | PLANE_SH2,
    PLANE_PACKED_ROTATION | PLANE_PACKED_COLOUR | PLANE_PACKED_LIFE | PLANE_VELOCITY | PLANE_CURVE,
    PACKED | PLANE_PACKED_HARMONICS | PLANE_SH1 | PLANE_SH2 | PLANE_SH3,
    PLANE_PACKED_MEAN | PLANE_PACKED_SCALE_OPACITY | PLANE_PACKED_HARMONICS | PLANE_SH1,
];
const PACKED: u32 = PLANE_PACKED_MEAN
    | PLANE_PACKED_ROTATION
    | PLANE_PACKED_SCALE_OPACITY
    | PLANE_PACKED_COLOUR
    | PLANE_PACKED_LIFE
    | PLANE_PACKED_VELOCITY
    | PLANE_PACKED_CURVE;

const SIZES: [u32; 7] = [0, 1, 255, 256, 257, 2049, 70_000];

/// Runs one kernel on the GPU over `buffers`.
fn on_gpu(bench: &mut Bench, kernel: &Kernel, buffers: &Buffers, pass: u32, groups: u32) -> Buffers {
    let pipeline = ComputePipeline::new(bench.layouts(), kernel).unwrap();
    bench.run(buffers, |encoder, _| {
        encoder.push(pass);
        if groups > 0 {
            encoder.dispatch(&pipeline, groups);
        }
    })
}

fn with_gpu(test: impl FnOnce(&Gpu, &mut Bench)) {
    let Some(gpu) = open(&GpuOptions::default()) else { return };
    let mut bench = Bench::new(&gpu);
    test(&gpu, &mut bench);
    drop(bench);
    assert_silent(&gpu);
}

/// The largest difference of two sliced splats, in metres, opacity and snorm16 steps scaled to them.
fn sliced_error(a: &Sliced, b: &Sliced) -> f32 {
    if (a.source, a.segment) != (b.source, b.segment) {
        return f32::INFINITY;
    }
    let floats = a.mean_opacity.iter().zip(&b.mean_opacity).map(|(x, y)| (x - y).abs());
    let steps = |words: [u32; 2]| words.map(|w| [(w & 0xFFFF) as u16 as i16, (w >> 16) as u16 as i16]);
    let turns = steps(a.rotation)
        .as_flattened()
        .iter()
        .zip(steps(b.rotation).as_flattened())
        .map(|(x, y)| (f32::from(*x) - f32::from(*y)).abs() * 1e-5)
        .collect::<Vec<_>>();
    floats.chain(turns).fold(0.0, f32::max)
}

fn assert_sliced(gpu: &[Sliced], twin: &[Sliced]) {
    assert_eq!(gpu.len(), twin.len());
    for (slot, (a, b)) in gpu.iter().zip(twin).enumerate() {
        let error = sliced_error(a, b);
        assert!(error <= 3e-5, "slot {slot}: {error}: {a:?} but the twin says {b:?}");
    }
}

#[test]
fn slice_is_its_twin() {
    with_gpu(|_, bench| {
        for splats in SIZES {
            let mut twin = synthetic::frame(splats, 256, 1);
            let gpu = on_gpu(bench, &SLICE, &twin, 0, twin.block.frame.slots / 256);
            cpu::slice(&mut twin);
            assert_sliced(&gpu.sliced, &twin.sliced);
        }
    });
}

#[test]
fn looks_hide_and_tint_as_their_twins_do() {
    with_gpu(|_, bench| {
        for size in SIZES.into_iter().filter(|&splats| splats < 10_000) {
            let mut twin = synthetic::looked_frame(size, 256, 9, &side_by_side());
            let plain = Buffers { segments: unlooked(&twin), ..twin.clone() };
            let sliced = on_gpu(bench, &SLICE, &twin, 0, twin.block.frame.slots / 256).sliced;
            cpu::slice(&mut twin);
            assert_sliced(&sliced, &twin.sliced);
            let mut twin = sorted_of(twin);
            let projected = on_gpu(bench, &PROJECT, &twin, 0, twin.counts.dispatch[0]).projected;
            cpu::project(&mut twin);
            let visible = twin.counts.visible as usize;
            assert_projected(&projected[..visible], &twin.projected[..visible]);
            if size > 1000 {
                let shown = sorted_of(plain).counts.visible as usize;
                assert!(
                    visible < shown * 9 / 10 && visible > shown / 2,
                    "{visible} of {shown} are not hidden"
                );
            }
        }
    });
}

fn unlooked(b: &Buffers) -> Vec<Segment> {
    b.segments.iter().map(|segment| Segment { label_look: 0, ..*segment }).collect()
}

#[test]
fn labels_of_a_neighbour_are_noticed() {
    let right = synthetic::looked_frame(300, 256, 9, &side_by_side());
    let mut sliced = right.clone();
    cpu::slice(&mut sliced);
    let mut twin = sorted_of(right.clone());
    cpu::project(&mut twin);
    let noticed = |what: &str, change: fn(&mut Buffers)| {
        let mut wrong = right.clone();
        change(&mut wrong);
        cpu::slice(&mut wrong);
        assert_fails(what, || assert_sliced(&wrong.sliced, &sliced.sliced));
        // The right splats, tinted wrongly.
        let mut tinted = sorted_of(right.clone());
        change(&mut tinted);
        cpu::project(&mut tinted);
        let visible = twin.counts.visible as usize;
        assert_fails(what, || assert_projected(&tinted.projected[..visible], &twin.projected[..visible]));
    };
    noticed("labels a cluster off", |b| b.segments[1].labels_first -= 1);
    noticed("another look", |b| b.segments[1].label_look ^= 3);
    noticed("labels a byte off", |b| {
        let first = b.segments[1].labels_first as usize * 256;
        b.packed[first..first + 75].iter_mut().for_each(|word| *word = word.rotate_left(8));
    });
}

/// The frame's planes, packed and full, in every mixture; larger sizes add nothing but clusters. Then segments of all
/// mixtures and full ones side by side in one pool, some with several keys.
fn packed_frames(seed: u64) -> impl Iterator<Item = Buffers> {
    let sizes = SIZES.into_iter().filter(|&splats| splats < 10_000);
    sizes.flat_map(move |splats| {
        let alone = PACKED_MASKS.map(|mask| synthetic::packed_frame(splats, 256, seed, mask));
        alone.into_iter().chain([synthetic::pool_frame(splats, 256, seed, &side_by_side())])
    })
}

/// Splats of all segments.
fn splats(b: &Buffers) -> u32 {
    b.references.iter().map(|reference| reference.count).sum()
}

/// One segment a mixture, and two with full planes only.
fn side_by_side() -> Vec<synthetic::Kind> {
    let keys = [[1; 4], [5, 1, 1, 1], [4, 6, 2, 3], [1, 1, 16, 1], [1, 4, 1, 16], [1; 4], [4, 1, 2, 1]];
    let mut kinds: Vec<_> = PACKED_MASKS.into_iter().zip(keys).collect();
    kinds.insert(2, (0x3FF, [1; 4]));
    kinds.push((0x0FF, [1; 4]));
    kinds
}

#[test]
fn packed_planes_are_read_as_their_twins_read_them() {
    with_gpu(|_, bench| {
        for mut twin in packed_frames(8) {
            let groups = twin.block.frame.slots / 256;
            let sliced = on_gpu(bench, &SLICE, &twin, 0, groups).sliced;
            cpu::slice(&mut twin);
            assert_sliced(&sliced, &twin.sliced);
            let shown = twin.sliced.iter().filter(|splat| splat.mean_opacity[3] > 0.0).count();
            assert!(splats(&twin) < 255 || (shown > 100 && shown < twin.sliced.len()), "{shown} show");
            let keys = on_gpu(bench, &CULL, &twin, 0, groups).keys;
            cpu::cull(&mut twin);
            assert_keys(&keys, &twin.keys);
        }
    });
}

#[test]
#[should_panic(expected = "but the twin says")]
fn a_packed_plane_read_off_by_one_is_noticed() {
    let mut right = synthetic::packed_frame(300, 256, 8, PACKED);
    let mut wrong = right.clone();
    wrong.packed.rotate_left(1);
    cpu::slice(&mut right);
    cpu::slice(&mut wrong);
    assert_sliced(&wrong.sliced, &right.sliced);
}

#[test]
fn a_segment_read_with_its_neighbours_places_is_noticed() {
    let right = synthetic::pool_frame(300, 256, 8, &side_by_side());
    let mut twin = right.clone();
    cpu::slice(&mut twin);
    let noticed = |what: &str, change: fn(&mut Segment)| {
        let mut wrong = right.clone();
        change(&mut wrong.segments[3]);
        cpu::slice(&mut wrong);
        assert_fails(what, || assert_sliced(&wrong.sliced, &twin.sliced));
    };
    noticed("a tile too far", |segment| segment.packed_first += 1);
    noticed("a tile too narrow", |segment| segment.tile_words -= 1);
    noticed("another number of keys", |segment| segment.keys -= 1);
    noticed("a key too late", |segment| segment.first_keys ^= 1);
    noticed("the weights of another time", |segment| segment.mean_weights.swap(1, 2));
    noticed("no poses", |segment| segment.poses = 0);
    noticed("another order in the tile", |segment| segment.places[0] = segment.places[0].swap_bytes());
}

#[test]
fn harmonics_of_a_neighbour_are_noticed() {
    let mut twin = sorted_of(synthetic::pool_frame(300, 256, 8, &side_by_side()));
    let mut wrong = twin.clone();
    wrong.segments[2].harmonics_first -= 1;
    cpu::project(&mut twin);
    cpu::project(&mut wrong);
    let visible = twin.counts.visible as usize;
    assert_fails("harmonics one cluster off", || {
        assert_projected(&wrong.projected[..visible], &twin.projected[..visible]);
    });
    let mut unread = twin.clone();
    unread.segments.iter_mut().for_each(|segment| segment.planes &= !PLANE_PACKED_HARMONICS);
    cpu::project(&mut unread);
    assert_fails("labels that nobody reads", || {
        assert_projected(&unread.projected[..visible], &twin.projected[..visible]);
    });
}

#[test]
fn broken_kernels_are_noticed() {
    with_gpu(|_, bench| {
        let before = synthetic::frame(2049, 256, 7);
        let groups = before.block.frame.slots / 256;
        let twin = sorted(2049, 7);
        // The envelope without its half, the low-pass of the clamp, the log-scale's offset.
        let wide = on_gpu(bench, &sabotaged(&SLICE, -0.5, -0.45), &before, 0, groups);
        assert_fails("a slice with a wide envelope", || assert_sliced(&wide.sliced, &twin.sliced));
        let mut sliced = before.clone();
        cpu::slice(&mut sliced);
        let blind = on_gpu(bench, &sabotaged(&CULL, 3.34, 1.0), &sliced, 0, groups);
        assert_fails("a cull that cuts at one deviation", || assert_keys(&blind.keys, &twin.keys));
        let mut projected = twin.clone();
        cpu::project(&mut projected);
        let visible = twin.counts.visible as usize;
        let dull = sabotaged(&PROJECT, 0.488_602_52, 0.4);
        let dull = on_gpu(bench, &dull, &twin, 0, twin.counts.dispatch[0]);
        assert_fails("a projection with a wrong harmonic", || {
            assert_projected(&dull.projected[..visible], &projected.projected[..visible]);
        });
    });
}

#[test]
#[should_panic(expected = "but the twin says")]
fn a_slice_one_frame_late_is_noticed() {
    let mut on_time = synthetic::frame(300, 256, 1);
    let mut late = on_time.clone();
    late.segments[0].seconds += 1.0 / 30.0;
    cpu::slice(&mut on_time);
    cpu::slice(&mut late);
    assert_sliced(&late.sliced, &on_time.sliced);
}

/// Keys may differ by two steps, 23 µm, and a splat on the very edge of a screen may be seen by one and not the other.
fn assert_keys(gpu: &[u32], twin: &[u32]) {
    let mut edge_cases = 0;
    for (slot, (&a, &b)) in gpu.iter().zip(twin).enumerate() {
        if (a == DEAD_KEY) != (b == DEAD_KEY) {
            edge_cases += 1;
        } else {
            assert!(a.abs_diff(b) <= 2, "slot {slot}: key {a} but the twin says {b}");
        }
    }
    assert!(edge_cases <= gpu.len() / 10_000, "{edge_cases} of {} splats are seen by one only", gpu.len());
}

#[test]
fn cull_is_its_twin() {
    with_gpu(|_, bench| {
        for splats in SIZES {
            let mut twin = synthetic::frame(splats, 256, 2);
            cpu::slice(&mut twin);
            let gpu = on_gpu(bench, &CULL, &twin, 0, twin.block.frame.slots / 256);
            cpu::cull(&mut twin);
            assert_keys(&gpu.keys, &twin.keys);
            let alive = twin.keys.iter().filter(|k| **k != DEAD_KEY).count();
            assert!(
                splats < 1000 || (alive > 100 && alive < twin.keys.len()),
                "{alive} of {splats} are visible"
            );
        }
    });
}

#[test]
fn cull_rejects_whole_clusters_outside() {
    with_gpu(|_, bench| {
        let mut twin = synthetic::frame(512, 256, 3);
        cpu::slice(&mut twin);
        // The box of the second cluster moves behind the head: none of its splats may be drawn, whatever they say.
        twin.clusters[1].box_min = [-0.1, -0.1, 5.0];
        twin.clusters[1].box_max = [0.1, 0.1, 5.2];
        let gpu = on_gpu(bench, &CULL, &twin, 0, 2);
        cpu::cull(&mut twin);
        assert_keys(&gpu.keys, &twin.keys);
        assert!(gpu.keys[..256].iter().any(|k| *k != DEAD_KEY));
        assert!(gpu.keys[256..].iter().all(|k| *k == DEAD_KEY));
    });
}

#[test]
#[should_panic(expected = "but the twin says")]
fn a_wrong_head_is_noticed() {
    let mut right = synthetic::frame(300, 256, 2);
    cpu::slice(&mut right);
    let mut wrong = right.clone();
    wrong.block.frame.head_in_world[0] += 0.0315;
    cpu::cull(&mut right);
    cpu::cull(&mut wrong);
    assert_keys(&wrong.keys, &right.keys);
}

/// The ways keys can lie that have broken sorts before.
fn key_patterns(count: usize) -> Vec<(&'static str, Vec<u32>)> {
    let mut random = Random::new(4);
    let step = |i: usize| u32::try_from(i * KEY_MAX as usize / count.max(1)).unwrap();
    vec![
        (
            "random with holes",
            (0..count)
                .map(|_| if random.below(4) == 0 { DEAD_KEY } else { random.below(KEY_MAX + 1) })
                .collect(),
        ),
        ("duplicates", (0..count).map(|_| random.below(3) * 513).collect()),
        ("all equal", vec![4242; count]),
        ("all dead", vec![DEAD_KEY; count]),
        ("sorted", (0..count).map(step).collect()),
        ("reverse", (0..count).rev().map(step).collect()),
        ("extremes", (0..count).map(|_| if random.below(2) == 0 { 0 } else { KEY_MAX }).collect()),
    ]
}

#[test]
fn the_sort_is_its_twins_and_sorts() {
    with_gpu(|_, bench| {
        for splats in [0, 1, 255, 256, 257, 2047, 2048, 2049, 66_000, 600_000] {
            for (pattern, keys) in key_patterns(splats as usize) {
                let mut b = sort_input(keys);
                let blocks = b.block.frame.blocks;
                for pass in 0..2 {
                    let mut twin = b.clone();
                    let gpu = on_gpu(bench, &HISTOGRAM, &b, pass, blocks);
                    cpu::histogram(&mut twin, pass);
                    assert_eq!(gpu.histogram, twin.histogram, "histogram, {splats} {pattern}, pass {pass}");
                    let gpu = on_gpu(bench, &SCAN, &twin, pass, blocks.div_ceil(SORT_GROUP));
                    cpu::scan(&mut twin);
                    assert_eq!(gpu.histogram, twin.histogram, "scan, {splats} {pattern}, pass {pass}");
                    assert_eq!(
                        gpu.totals[DIGITS as usize..],
                        twin.totals[DIGITS as usize..],
                        "scan totals, {splats} {pattern}, pass {pass}"
                    );
                    let gpu = on_gpu(bench, &OFFSETS, &twin, pass, 1);
                    cpu::offsets(&mut twin);
                    assert_eq!(
                        (gpu.counts, &gpu.totals),
                        (twin.counts, &twin.totals),
                        "offsets, {splats} {pattern}"
                    );
                    let gpu = on_gpu(bench, &SCATTER, &twin, pass, blocks);
                    let visible = twin.counts.visible as usize;
                    cpu::scatter(&mut twin, pass);
                    let (a, b_) =
                        if pass == 0 { (&gpu.partial, &twin.partial) } else { (&gpu.order, &twin.order) };
                    assert_eq!(a[..visible], b_[..visible], "scatter, {splats} {pattern}, pass {pass}");
                    b = twin;
                }
                assert_sorted(&b);
            }
        }
    });
}

fn sort_input(keys: Vec<u32>) -> Buffers {
    let mut b = synthetic::frame(u32::try_from(keys.len()).unwrap(), 64, 5);
    let slots = b.keys.len();
    b.keys = keys;
    b.keys.resize(slots, DEAD_KEY);
    // The sort reads neither splats nor planes.
    b.planes = Default::default();
    b.projected.clear();
    b.sliced.clear();
    b
}

/// The order is what a stable sort of the live slots gives.
fn assert_sorted(b: &Buffers) {
    let mut expected: Vec<u32> =
        (0..).zip(&b.keys).filter(|(_, k)| **k != DEAD_KEY).map(|(slot, _)| slot).collect();
    expected.sort_by_key(|slot| b.keys[*slot as usize]);
    assert_eq!(b.counts.visible as usize, expected.len());
    assert_eq!(b.order[..expected.len()], expected[..], "not the stable order");
}

#[test]
#[should_panic(expected = "not the stable order")]
fn an_unstable_sort_is_noticed() {
    let mut b = sort_input(vec![7, 7, 3]);
    for pass in 0..2 {
        cpu::histogram(&mut b, pass);
        cpu::scan(&mut b);
        cpu::offsets(&mut b);
        cpu::scatter(&mut b, pass);
    }
    assert_sorted(&b);
    b.order.swap(1, 2);
    assert_sorted(&b);
}

fn halves(word: u32) -> Vec2 {
    let half = |bits: u32| half::f16::from_bits((bits & 0xFFFF) as u16).to_f32();
    Vec2::new(half(word), half(word >> 16))
}

/// Covariance in px² from the stored axes: the axes themselves may turn freely where the ellipse is round.
fn covariance(p: &Projected) -> [f32; 3] {
    let u = Vec2::from_array(p.major);
    let v = u.perp() * (p.minor / u.length().max(1e-6));
    [u.x * u.x + v.x * v.x, u.x * u.y + v.x * v.y, u.y * u.y + v.y * v.y]
}

/// Red, green, blue, opacity.
fn colour(p: &Projected) -> [f32; 4] {
    let [rg, b_opacity] = p.colour;
    let (rg, b) = (halves(rg), halves(b_opacity).x);
    [rg.x, rg.y, b, (b_opacity >> 16) as f32 / 65535.0]
}

fn assert_projected(gpu: &[Projected], twin: &[Projected]) {
    for (place, (a, b)) in gpu.iter().zip(twin).enumerate() {
        let off_centre = Vec2::from_array(a.centre).distance(Vec2::from_array(b.centre));
        let [axx, axy, ayy] = covariance(a);
        let [bxx, bxy, byy] = covariance(b);
        let spread = (axx - bxx).abs().max((axy - bxy).abs()).max((ayy - byy).abs()) / (bxx + byy).max(0.3);
        let colour = colour(a).iter().zip(colour(b)).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
        let depth = (a.depth - b.depth).abs();
        assert!(
            off_centre <= 2e-3 && spread <= 5e-4 && colour <= 2e-3 && depth <= 1e-5,
            "place {place}: {off_centre} px, {spread} of the spread, {colour} in colour, {depth} m: {a:?} but the twin says {b:?}"
        );
    }
}

/// A frame up to the end of the sort, by the twins.
fn sorted(splats: u32, seed: u64) -> Buffers {
    sorted_of(synthetic::frame(splats, 256, seed))
}

fn sorted_of(mut b: Buffers) -> Buffers {
    cpu::slice(&mut b);
    cpu::cull(&mut b);
    for pass in 0..2 {
        cpu::histogram(&mut b, pass);
        cpu::scan(&mut b);
        cpu::offsets(&mut b);
        cpu::scatter(&mut b, pass);
    }
    b
}

#[test]
fn project_is_its_twin() {
    with_gpu(|_, bench| {
        for frame in SIZES.map(|splats| synthetic::frame(splats, 256, 6)).into_iter().chain(packed_frames(6))
        {
            let mut twin = sorted_of(frame);
            let gpu = on_gpu(bench, &PROJECT, &twin, 0, twin.counts.dispatch[0]);
            cpu::project(&mut twin);
            let (slots, visible) = (twin.block.frame.slots as usize, twin.counts.visible as usize);
            for view in 0..2 {
                let range = view * slots..view * slots + visible;
                assert_projected(&gpu.projected[range.clone()], &twin.projected[range]);
            }
            assert!(splats(&twin) < 1000 || visible > 100);
        }
    });
}

#[test]
#[should_panic(expected = "but the twin says")]
fn a_mirrored_projection_is_noticed() {
    let mut right = sorted(300, 6);
    let mut mirrored = right.clone();
    mirrored.block.views[0].view_from_world.iter_mut().for_each(|column| column[0] = -column[0]);
    cpu::project(&mut right);
    cpu::project(&mut mirrored);
    assert_projected(&mirrored.projected, &right.projected);
}
