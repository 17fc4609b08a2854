//! The codec as a whole: what goes into a clip comes out of it within the stated errors, at every time.
//!
//! The measure is not the records but the picture they stand for: at sampled ticks the splats that show, with their
//! positions, opacities and colours then, must be the same before and after. That holds for cut and moved records too.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests panic where they are wrong")]

mod support;

use std::collections::BTreeMap;

use support::{performance, sequence, still};
use vivant::clip::{Clip, Compression, WriterOptions, verify};
use vivant::codec::{Decoder, decode_segment, encode, performance_of, performance_to_bytes, splats_of};
use vivant::frame::{CLUSTER_SPLATS, Plane, SegmentData};
use vivant::splat::{Life, Motion, Performance, Splat, Splats};
use vivant::time::TickRate;

/// One splat as it shows at one time.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    position: [f64; 3],
    opacity: f64,
    rotation: [f64; 4],
    scale: [f32; 3],
    colour: [f32; 3],
    rest: Vec<f32>,
}

/// The record's formula at a tick, in f64; `None` outside its window or below 1/255.
fn shown(splats: &Splats, index: usize, tick: i64, rate: TickRate) -> Option<Shown> {
    let splat = splats.get(index);
    if tick < splat.life.start || tick >= splat.life.end {
        return None;
    }
    let dt = rate.seconds_from_ticks(tick) - splat.life.t0;
    let opacity = f64::from(splat.opacity) * (-0.5 * (dt / f64::from(splat.life.sigma_t)).powi(2)).exp();
    let Motion { velocity, quadratic, cubic, spin } = splat.motion;
    let position = std::array::from_fn(|axis| {
        let term = |values: [f32; 3]| f64::from(values[axis]);
        term(splat.mean) + term(velocity) * dt + term(quadratic) * dt * dt + term(cubic) * dt * dt * dt
    });
    let q: [f64; 4] =
        std::array::from_fn(|axis| f64::from(splat.rotation[axis]) + f64::from(spin[axis]) * dt);
    let length = q.iter().map(|value| value * value).sum::<f64>().sqrt();
    let sign = if q[3] < 0.0 { -1.0 } else { 1.0 };
    (opacity >= 1.0 / 255.0).then(|| Shown {
        position,
        opacity,
        rotation: q.map(|value| sign * value / length),
        scale: splat.scale,
        colour: splat.colour,
        rest: splats.sh_rest_of(index).to_vec(),
    })
}

/// What shows at a tick, by its colour: the tests' splats have one of their own each, and the codec keeps it exactly.
type Picture = BTreeMap<[u32; 3], Shown>;

fn add_shown(picture: &mut Picture, splats: &Splats, tick: i64, rate: TickRate) {
    for shown in (0..splats.len()).filter_map(|index| shown(splats, index, tick, rate)) {
        let twice = picture.insert(shown.colour.map(f32::to_bits), shown);
        assert!(twice.is_none(), "a splat shows twice at tick {tick}: {twice:?}");
    }
}

fn all_shown(performance: &Performance, tick: i64) -> Picture {
    let mut picture = Picture::new();
    add_shown(&mut picture, &performance.splats, tick, performance.info.rate);
    picture
}

/// Everything a clip shows at a tick, from its live segments.
fn clip_shown(clip: &Clip, tick: i64) -> Picture {
    let mut picture = Picture::new();
    for &node in &*clip.live_nodes(tick) {
        let data = decode_segment(clip, node).unwrap();
        add_shown(&mut picture, &splats_of(&data, clip.info().rate), tick, clip.info().rate);
    }
    picture
}

/// Whether the two are the same within the codec's errors. A splat near the 1/255 cut may fall on either side of it.
fn compare(before: &Picture, after: &Picture) -> Result<(), String> {
    for (wanted, pool) in [(before, after), (after, before)] {
        for (key, splat) in wanted.iter().filter(|(_, splat)| splat.opacity > 1.02 / 255.0) {
            let twin = pool.get(key).ok_or_else(|| format!("a splat is missing: {splat:?}"))?;
            let near = |a: f64, b: f64, tolerance: f64| (a - b).abs() <= tolerance;
            // Motion in f16: 1/2048 of a way of at most 2 m, and as much of the spin.
            let same = (0..3).all(|k| near(splat.position[k], twin.position[k], 1e-3))
                && (0..4).all(|k| near(splat.rotation[k], twin.rotation[k], 4e-3))
                && near(splat.opacity, twin.opacity, 2e-4)
                && (0..3).all(|k| near(f64::from(splat.scale[k] / twin.scale[k]), 1.0, 5e-4))
                && splat.rest.len() == twin.rest.len()
                && splat.rest.iter().zip(&twin.rest).all(|(a, b)| near(f64::from(*a), f64::from(*b), 2e-4));
            if !same {
                return Err(format!("{splat:?} is not {twin:?}"));
            }
        }
    }
    Ok(())
}

fn assert_same_picture(before: &Picture, after: &Picture, what: &str) {
    if let Err(error) = compare(before, after) {
        panic!("{what}: {error}");
    }
}

#[test]
fn the_comparison_finds_every_kind_of_difference() {
    let picture = all_shown(&performance(1, 500, 10, 1), 5000);
    assert_eq!(compare(&picture, &picture), Ok(()));
    let changes: [fn(&mut Shown); 5] = [
        |splat| splat.position[1] += 2e-3,
        |splat| splat.rotation[2] += 0.01,
        |splat| splat.opacity *= 0.99,
        |splat| splat.scale[0] *= 1.001,
        |splat| splat.rest[4] += 1e-3,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut other = picture.clone();
        change(other.values_mut().find(|splat| splat.opacity > 0.1).unwrap());
        assert!(compare(&picture, &other).is_err(), "change {number}");
    }
    let mut fewer = picture.clone();
    fewer.retain(|_, splat| splat.opacity < 0.9);
    assert!(compare(&picture, &fewer).is_err() && compare(&fewer, &picture).is_err());
}

fn clip_of(performance: &Performance, options: &WriterOptions) -> Clip {
    let (bytes, report) = performance_to_bytes(performance, options).unwrap();
    assert_eq!(report.dropped_out_of_range, 0);
    let clip = Clip::from_bytes("test.vvt", bytes).unwrap();
    assert_eq!(verify(&clip).unwrap().damages, []);
    clip
}

#[test]
fn a_clip_shows_what_the_performance_shows() {
    for (seed, degree) in [(1, 0), (2, 1), (3, 2), (4, 3)] {
        let before = performance(seed, 3000, 45, degree);
        let options = WriterOptions { min_node_splats: 64, ..WriterOptions::default() };
        let clip = clip_of(&before, &options);
        for tick in [0, 1, 999, 1000, 14_999, 15_000, 29_999, 30_000, 31_337, 44_999] {
            let was = all_shown(&before, tick);
            let is = clip_shown(&clip, tick);
            assert!(was.len() > 500, "the test has something to compare");
            assert_same_picture(&was, &is, &format!("degree {degree} tick {tick}"));
        }
    }
}

#[test]
fn a_long_clip_is_cut_and_shows_the_same() {
    let before = performance(9, 2000, 900, 0);
    let whole = WriterOptions { cut_long_clips: false, ..WriterOptions::default() };
    let (bytes, report) = performance_to_bytes(&before, &WriterOptions::default()).unwrap();
    let (_, whole) = performance_to_bytes(&before, &whole).unwrap();
    assert!(report.cut_pieces > 0 && whole.cut_pieces == 0);
    assert_eq!(report.splats, whole.splats + report.cut_pieces);
    assert!(report.limits.max_live_bytes < whole.limits.max_live_bytes);
    let clip = Clip::from_bytes("long", bytes).unwrap();
    for tick in [29_999, 30_000, 30_001, 450_123, 899_999] {
        let was = all_shown(&before, tick);
        assert_same_picture(&was, &clip_shown(&clip, tick), &format!("tick {tick}"));
    }
}

#[test]
fn a_static_scene_is_one_segment_and_comes_back_as_it_went() {
    let before = still(5, 5000, 2);
    let clip = clip_of(&before, &WriterOptions::default());
    assert_eq!(clip.nodes().len(), 1);
    let data = decode_segment(&clip, 0).unwrap();
    for plane in [Plane::Life, Plane::Velocity, Plane::Curve, Plane::Sh3] {
        assert!(data.planes[plane.index()].is_empty(), "{plane:?} says nothing and is not stored");
    }
    let after = performance_of(&clip).unwrap();
    assert_eq!(after.info, before.info);
    assert_eq!(after.splats.len(), before.splats.len());
    let always = |index| Life { t0: 0.0, ..after.splats.get(index).life } == Life::ALWAYS;
    assert!((0..after.splats.len()).all(always));
    assert_same_picture(&all_shown(&before, 0), &all_shown(&after, 0), "static");
}

#[test]
fn a_sequence_needs_one_segment_a_frame() {
    let before = sequence(6, 2000, 40);
    let clip = clip_of(&before, &WriterOptions::default());
    assert_eq!(clip.nodes().len(), 40);
    for frame in 0..40 {
        let live = clip.live_nodes(frame * 1000 + 500);
        assert_eq!(live.len(), 1);
        assert_eq!(clip.nodes()[live[0] as usize].splats, 2000);
    }
    let limits = clip.limits();
    assert_eq!(limits.max_live_splats, 2000);
    assert_eq!(limits.max_live_bytes, limits.max_segment_bytes);
}

#[test]
fn reading_and_writing_again_shows_the_same() {
    let before = performance(7, 2000, 30, 1);
    let options = WriterOptions { min_node_splats: 0, ..WriterOptions::default() };
    let once = performance_of(&clip_of(&before, &options)).unwrap();
    let twice = performance_of(&clip_of(&once, &options)).unwrap();
    assert_eq!(once.splats.len(), twice.splats.len());
    for tick in [0, 7777, 29_999] {
        assert_same_picture(&all_shown(&once, tick), &all_shown(&twice, tick), "again");
    }
}

#[test]
fn equal_input_gives_equal_bytes() {
    let before = performance(8, 1500, 30, 1);
    for compression in [Compression::Raw, Compression::Zstd(3)] {
        let options = WriterOptions { compression, ..WriterOptions::default() };
        let first = performance_to_bytes(&before, &options).unwrap();
        assert_eq!(first, performance_to_bytes(&before, &options).unwrap());
    }
}

#[test]
fn raw_and_compressed_decode_alike() {
    let before = performance(10, 6000, 30, 3);
    let decode = |compression| {
        let clip = clip_of(&before, &WriterOptions { compression, ..WriterOptions::default() });
        let mut decoder = Decoder::new().unwrap();
        let nodes = 0..u32::try_from(clip.nodes().len()).unwrap();
        let all: Vec<SegmentData> =
            nodes.map(|node| SegmentData { id: (0, node), ..decoder.decode(&clip, node).unwrap() }).collect();
        (all, clip.file_bytes())
    };
    let (raw, raw_bytes) = decode(Compression::Raw);
    let (packed, packed_bytes) = decode(Compression::Zstd(3));
    assert_eq!(raw, packed);
    assert!(packed_bytes < raw_bytes);
}

#[test]
fn clusters_hold_every_splat_while_it_shows() {
    let before = performance(11, 4000, 60, 0);
    let clip = clip_of(&before, &WriterOptions::default());
    let rate = clip.info().rate;
    let mut checked = 0;
    for node in 0..clip.nodes().len() {
        let data = decode_segment(&clip, u32::try_from(node).unwrap()).unwrap();
        let splats = splats_of(&data, rate);
        for (number, cluster) in data.clusters.iter().enumerate() {
            for index in number * CLUSTER_SPLATS..number * CLUSTER_SPLATS + cluster.count as usize {
                let life = splats.get(index).life;
                assert!(life.start >= data.start + i64::from(cluster.start));
                assert!(life.end <= data.start + i64::from(cluster.end));
                assert!(splats.scale[index].iter().all(|&scale| scale <= cluster.max_scale));
                for step in 0..=8 {
                    let tick = life.start + (life.end - 1 - life.start) * step / 8;
                    let Some(shown) = shown(&splats, index, tick, rate) else { continue };
                    checked += 1;
                    for axis in 0..3 {
                        let inside = f64::from(cluster.box_min[axis])..=f64::from(cluster.box_max[axis]);
                        assert!(inside.contains(&shown.position[axis]), "{cluster:?} {shown:?}");
                    }
                }
            }
        }
    }
    assert!(checked > 10_000);
}

#[test]
fn what_cannot_be_stored_is_counted_and_left_out() {
    let rate = TickRate::for_fps(30, 1).unwrap();
    let bad = [
        Splat { mean: [f32::NAN, 0.0, 0.0], ..Splat::DEFAULT },
        Splat { rotation: [0.0; 4], ..Splat::DEFAULT },
        Splat { scale: [f32::INFINITY; 3], ..Splat::DEFAULT },
        Splat { opacity: f32::NAN, ..Splat::DEFAULT },
        Splat { colour: [1e6, 0.0, 0.0], ..Splat::DEFAULT },
        Splat { life: Life { sigma_t: f32::NAN, ..Life::ALWAYS }, ..Splat::DEFAULT },
        Splat { life: Life { t0: f64::INFINITY, ..Life::ALWAYS }, ..Splat::DEFAULT },
        Splat { motion: Motion { velocity: [1e6; 3], ..Motion::default() }, ..Splat::DEFAULT },
        Splat { motion: Motion { spin: [f32::NAN; 4], ..Motion::default() }, ..Splat::DEFAULT },
    ];
    let mut splats = Splats::new(0);
    for splat in &bad {
        splats.push(splat, &[]);
    }
    splats.push(&Splat { opacity: 0.0, ..Splat::DEFAULT }, &[]);
    splats.push(&Splat { life: Life { start: 5000, ..Life::ALWAYS }, ..Splat::DEFAULT }, &[]);
    splats.push(&Splat::DEFAULT, &[]);
    let encoded = encode(&splats, 0, 1000, rate).unwrap();
    assert_eq!(encoded.data.splats, 1);
    assert_eq!(encoded.dropped.out_of_range, bad.len() as u64);
    assert_eq!(encoded.dropped.unseen, 2);

    let info = performance(1, 1, 1, 0).info;
    let (bytes, report) =
        performance_to_bytes(&Performance { info, splats }, &WriterOptions::default()).unwrap();
    assert_eq!((report.splats, report.dropped_out_of_range, report.dropped_unseen), (1, bad.len() as u64, 2));
    assert_eq!(Clip::from_bytes("kept", bytes).unwrap().splats(), 1);
}

#[test]
fn an_empty_performance_is_a_clip_without_segments() {
    let mut before = performance(1, 1, 30, 0);
    before.splats = Splats::new(0);
    let clip = clip_of(&before, &WriterOptions::default());
    assert_eq!((clip.nodes().len(), clip.splats()), (0, 0));
    assert!(clip.live_nodes(5).is_empty());
    assert!(performance_of(&clip).unwrap().splats.is_empty());
}

#[test]
fn arrays_that_differ_in_length_are_refused() {
    let mut before = performance(1, 10, 30, 1);
    before.splats.opacity.pop();
    assert!(performance_to_bytes(&before, &WriterOptions::default()).is_err());
    let mut before = performance(1, 10, 30, 1);
    before.info.sh_degree = 0;
    assert!(performance_to_bytes(&before, &WriterOptions::default()).is_err());
}
