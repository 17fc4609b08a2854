//! A pick against the reference renderer at the same pixel: its alpha, its depth, its colour; and what it carries.

use glam::{DMat4, DQuat, DVec3};
use vivant::channel::{Channel, ChannelValue};
use vivant::clip::{Clip, Profile, Writer, WriterOptions};
use vivant::codec::{SequenceWriter, performance_to_bytes, splats_at};
use vivant::pick::{ChannelValues, Pick, Ray, Target, pick};
use vivant::reference::{self, Moment, Rendering};
use vivant::splat::{Performance, Splat, Splats};
use vivant::view::View;
use vivant_tests::stage::live_at;
use vivant_tests::{limb, performances};

const SIDE: u32 = 96;
/// Metres from the first to the last splat along any ray here.
const DEEP: f64 = 1.6;

fn clip_of(performance: &Performance, profile: Profile) -> Clip {
    let options = WriterOptions { profile, ..WriterOptions::default() };
    Clip::from_bytes("picked.vvt", performance_to_bytes(performance, &options).unwrap().0).unwrap()
}

/// How picks and the reference's picture of one moment agree, pixel by pixel.
struct Compared {
    pixels: usize,
    /// Metres between the picture's depth and that of all splats that were met.
    depth: f64,
    alpha: f64,
    /// Metres by which a picked splat is farther from the picture's depth than its part of it allows, where nothing is
    /// deeper than [`DEEP`].
    far: f64,
}

fn compare(clip: &Clip, seconds: f64, view: &View, world_from_object: DMat4) -> Compared {
    let live = live_at(clip, seconds);
    let rate = clip.info().rate;
    let sets: Vec<Splats> = live.segments.iter().map(|segment| splats_at(segment, rate, seconds)).collect();
    let sets: Vec<&Splats> = sets.iter().collect();
    let moment = Moment { tick: live.tick, seconds };
    let options = reference::Options { world_from_object, ..reference::Options::default() };
    let drawn: Rendering = reference::render(&sets, moment, view, SIDE, SIDE, &options).unwrap();
    let target = Target { live: &live, rate, world_from_object };
    let mut out = Compared { pixels: 0, depth: 0.0, alpha: 0.0, far: 0.0 };
    let axis = |point: [f64; 3]| -view.view_from_world().transform_point3(DVec3::from_array(point)).z;
    for row in (0..SIDE).step_by(3) {
        for column in (0..SIDE).step_by(3) {
            let at = (row * SIDE + column) as usize;
            let ray =
                Ray::through(view, [SIDE, SIDE], [f64::from(column) + 0.5, f64::from(row) + 0.5]).unwrap();
            let found = pick(&[target], &ray).unwrap();
            let alpha = found.as_ref().map_or(0.0, |found| found.alpha);
            out.alpha = out.alpha.max((alpha - drawn.rgba[at][3]).abs());
            if drawn.rgba[at][3] > 0.5 {
                let found = found.unwrap();
                out.pixels += 1;
                out.depth = out.depth.max((axis(found.surface) - drawn.depth[at]).abs());
                let others = (1.0 - found.part / found.alpha) * DEEP;
                out.far = out.far.max((axis(found.position) - drawn.depth[at]).abs() - others);
            }
        }
    }
    out
}

fn agrees(name: &str, compared: &Compared) {
    let Compared { pixels, depth, alpha, far } = *compared;
    println!("{name}: {pixels} pixels, depth {depth:.5} m, alpha {alpha:.4}, {far:.4} m too far");
    assert!(pixels > 60, "{name}: {pixels} pixels");
    assert!(depth < 0.009, "{name}: depth is {depth} m off");
    assert!(alpha < 0.08, "{name}: alpha is {alpha} off");
    assert!(far < 0.009, "{name}: a picked splat is {far} m farther than the picture allows");
}

fn front() -> View {
    View::looking_at(DVec3::new(0.2, 0.1, 1.6), DVec3::ZERO, 0.6, 1.0)
}

#[test]
fn picks_are_where_the_picture_is() {
    let somewhere = DMat4::from_scale_rotation_translation(
        DVec3::splat(1.5),
        DQuat::from_rotation_y(0.7),
        DVec3::new(0.1, 0.0, -0.8),
    );
    let still = clip_of(&performances::still(12_000, 2), Profile::Raw);
    agrees("still", &compare(&still, 0.0, &front(), DMat4::IDENTITY));
    agrees("elsewhere", &compare(&still, 0.0, &front(), somewhere));
    for profile in [Profile::Raw, Profile::Local] {
        // Windows, envelopes, cubic paths and spin.
        let moving = clip_of(&performances::moving(20_000), profile);
        agrees("moving", &compare(&moving, 0.9137, &front(), DMat4::IDENTITY));
    }
}

#[test]
fn picks_of_tracks_are_where_the_picture_is() {
    let frames = limb::frames(16_000, 40);
    let options = WriterOptions { profile: Profile::Local, ..WriterOptions::default() };
    let mut writer = Writer::in_memory(&limb::info(frames.len()), &options).unwrap();
    let mut sequence = SequenceWriter::new(&mut writer, frames[0].len(), 256).unwrap();
    frames.iter().for_each(|frame| sequence.push(frame.clone(), None).unwrap());
    sequence.finish().unwrap();
    let clip = Clip::from_bytes("limb.vvt", writer.finish_bytes().unwrap().0).unwrap();
    assert!(live_at(&clip, 0.61).segments.iter().any(|segment| segment.keys.any()), "nothing has keys");
    let view = View::looking_at(DVec3::new(0.5, 0.2, 2.0), DVec3::new(0.0, -0.4, 0.0), 0.7, 1.0);
    let moment = compare(&clip, 0.61, &view, DMat4::IDENTITY);
    agrees("limb", &moment);
}

/// Rows of discs that face the view, in front of one another.
fn discs(opacities: &[f32]) -> Performance {
    let mut performance = performances::still(1, 0);
    let mut splats = Splats::new(0);
    for (at, &opacity) in opacities.iter().enumerate() {
        let mean = [0.0, 0.0, -(at as f32) * 0.1];
        splats.push(&Splat { mean, scale: [0.05, 0.05, 0.001], opacity, ..Splat::DEFAULT }, &[]);
    }
    splats.channels = vec![
        Channel::labels("layer", (0..opacities.len() as u32).map(|at| at + 100).collect()),
        Channel::numbers("opacity", opacities),
    ];
    performance.splats = splats;
    performance
}

fn pick_ahead(clip: &Clip, times: usize) -> Option<Pick> {
    let live = live_at(clip, 0.0);
    let target = Target { live: &live, rate: clip.info().rate, world_from_object: DMat4::IDENTITY };
    let ray = Ray { origin: [0.0, 0.0, 1.0], direction: [0.0, 0.0, -2.0], footprint: 0.0 };
    pick(&vec![target; times], &ray).unwrap()
}

#[test]
fn the_one_that_shows_most_wins_and_tells_what_it_carries() {
    // Parts: 0.2, 0.8 · 0.3 = 0.24, 0.56 · 0.9 = 0.504, and nearly nothing behind.
    let clip = clip_of(&discs(&[0.2, 0.3, 0.9, 0.95]), Profile::Raw);
    let found = pick_ahead(&clip, 1).unwrap();
    assert!((found.position[2] + 0.2).abs() < 1e-6 && (found.distance - 1.2).abs() < 1e-6, "{found:?}");
    assert!((found.part - 0.504).abs() < 1e-3, "{found:?}");
    let mut values = ChannelValues::new().unwrap();
    for _ in 0..2 {
        let carried = values.of(&clip, found.segment, found.splat).unwrap();
        assert_eq!((carried[0].name.as_str(), carried[0].value), ("layer", ChannelValue::Label(102)));
        assert_eq!(carried[1].value, ChannelValue::Number(0.9));
    }
    assert_eq!(values.of(&clip, found.segment, 99).unwrap(), []);
    // Half of a half is less than a half; of two alike at one place the first performer's.
    let found = pick_ahead(&clip_of(&discs(&[0.5, 0.99]), Profile::Raw), 1).unwrap();
    assert!(found.position[2].abs() < 1e-6, "{found:?}");
    let found = pick_ahead(&clip_of(&discs(&[0.4]), Profile::Raw), 2).unwrap();
    assert_eq!(found.performer, 0);
    assert!((found.alpha - (1.0 - 0.36)).abs() < 1e-3, "{found:?}");
}

#[test]
fn nothing_is_met_beside_behind_or_through_nonsense() {
    let clip = clip_of(&discs(&[0.9]), Profile::Raw);
    let live = live_at(&clip, 0.0);
    let target = Target { live: &live, rate: clip.info().rate, world_from_object: DMat4::IDENTITY };
    let along =
        |origin: [f64; 3], direction: [f64; 3]| pick(&[target], &Ray { origin, direction, footprint: 0.0 });
    assert!(along([0.0, 0.0, 1.0], [0.0, 0.0, 1.0]).unwrap().is_none(), "behind");
    assert!(along([0.3, 0.0, 1.0], [0.0, 0.0, -1.0]).unwrap().is_none(), "beside");
    assert!(along([0.1, 0.0, 1.0], [0.0, 0.0, -1.0]).unwrap().is_some());
    assert!(along([0.0; 3], [0.0; 3]).is_err());
    assert!(along([0.0; 3], [f64::NAN; 3]).is_err());
    let flat = Target { world_from_object: DMat4::from_scale(DVec3::new(1.0, 0.0, 1.0)), ..target };
    assert!(pick(&[flat], &Ray { origin: [0.0; 3], direction: [1.0, 0.0, 0.0], footprint: 0.0 }).is_err());
    assert!(
        pick(&[], &Ray { origin: [0.0; 3], direction: [1.0, 0.0, 0.0], footprint: 0.0 }).unwrap().is_none()
    );
}

#[test]
fn a_comparison_with_another_moment_fails() {
    let moving = clip_of(&performances::moving(20_000), Profile::Raw);
    let live = live_at(&moving, 0.4);
    let rate = moving.info().rate;
    let sets: Vec<Splats> = live.segments.iter().map(|segment| splats_at(segment, rate, 0.4)).collect();
    let sets: Vec<&Splats> = sets.iter().collect();
    let moment = Moment { tick: live.tick, seconds: 0.4 };
    let drawn =
        reference::render(&sets, moment, &front(), SIDE, SIDE, &reference::Options::default()).unwrap();
    let later = live_at(&moving, 1.5);
    let target = Target { live: &later, rate, world_from_object: DMat4::IDENTITY };
    let mut worst = 0.0_f64;
    for row in (0..SIDE).step_by(5) {
        for column in (0..SIDE).step_by(5) {
            let point = [f64::from(column) + 0.5, f64::from(row) + 0.5];
            let found = pick(&[target], &Ray::through(&front(), [SIDE, SIDE], point).unwrap()).unwrap();
            let alpha = found.map_or(0.0, |found| found.alpha);
            worst = worst.max((alpha - drawn.rgba[(row * SIDE + column) as usize][3]).abs());
        }
    }
    assert!(worst > 0.2, "{worst}");
}
