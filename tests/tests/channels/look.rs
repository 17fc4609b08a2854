//! Looks on the GPU against the reference renderer, and what a look costs when it is switched on while a clip plays.

use std::sync::Arc;
use std::time::{Duration, Instant};

use glam::{DMat4, DVec3};
use vivant::channel::Channel;
use vivant::clip::{ChannelReader, Clip, Profile, Writer, WriterOptions};
use vivant::codec::{SequenceWriter, performance_to_bytes, splats_at};
use vivant::frame::LiveSet;
use vivant::gpu::{Format, GpuOptions};
use vivant::look::{ChannelLook, LabelLook, LookTable};
use vivant::picture::Image;
use vivant::playback::{Labeller, labels_of};
use vivant::reference::{self, Moment};
use vivant::render::{Canvas, CanvasDescription, Performer, Pixels, Settings};
use vivant::splat::Splats;
use vivant::view::View;
use vivant_tests::stage::{Stage, distance, live_at, stereo};
use vivant_tests::{limb, performances};

const SIDE: u32 = 256;

/// Part 1 to 4 by place, and some beyond a byte.
fn part(mean: &[f32; 3]) -> u32 {
    match (mean[0] > 0.0, mean[1] > 0.0) {
        (true, true) => 1,
        (true, false) => 2,
        (false, true) => 300,
        (false, false) => 4,
    }
}

/// The ball, moving, its quarters labelled.
fn quarters(profile: Profile) -> Clip {
    let mut performance = performances::moving(9000);
    let parts = performance.splats.mean.iter().map(part).collect();
    performance.splats.channels =
        vec![Channel::numbers("unused", &[0.0; 9000]), Channel::labels("part", parts)];
    let options = WriterOptions { profile, ..WriterOptions::default() };
    Clip::from_bytes("quarters.vvt", performance_to_bytes(&performance, &options).unwrap().0).unwrap()
}

/// Hides one quarter, tints another wholly, those beyond a byte by a half.
fn table() -> LookTable {
    let mut table = LookTable::default();
    table.set(1, LabelLook::HIDDEN);
    table.set(2, LabelLook { shown: true, tint: [1.0, 0.0, 0.0, 1.0] });
    table.set(300, LabelLook { shown: true, tint: [0.0, 0.2, 1.0, 0.5] });
    table
}

fn canvas(stage: &Stage) -> Canvas {
    let description =
        CanvasDescription { format: Format::Rgba16f, depth: true, ..CanvasDescription::new(SIDE, SIDE, 2) };
    stage.renderer.canvas(&description).unwrap()
}

fn draw(
    stage: &mut Stage,
    canvas: &mut Canvas,
    (clip, live): (&Clip, &LiveSet),
    views: &[View],
    look: Option<ChannelLook<'_>>,
    exact: bool,
) -> Pixels {
    let rate = clip.info().rate;
    let performer = Performer {
        live,
        rate,
        appearance: vivant::splat::Appearance::default(),
        world_from_object: DMat4::IDENTITY,
        look,
    };
    let settings = Settings { exact, ..Settings::default() };
    stage.renderer.draw(&[performer], views, &settings, canvas).unwrap();
    stage.renderer.read(canvas).unwrap()
}

/// The reference's pictures of a live set under a table.
fn wanted(clip: &Clip, live: &LiveSet, views: &[View], table: &LookTable) -> Vec<reference::Rendering> {
    let mut reader = ChannelReader::new().unwrap();
    let rate = clip.info().rate;
    let sets: Vec<Splats> = live
        .segments
        .iter()
        .map(|segment| {
            let mut splats = splats_at(segment, rate, live.seconds);
            let labels = reader.read_named(clip, segment.id.1, "part").unwrap().unwrap();
            table.paint(&mut splats, &labels.words);
            splats
        })
        .collect();
    let sets: Vec<&Splats> = sets.iter().collect();
    let head = views.iter().map(|view| DVec3::from_array(view.position)).sum::<DVec3>() / views.len() as f64;
    let options = reference::Options { order_from: Some(head), ..reference::Options::default() };
    let moment = Moment { tick: live.tick, seconds: live.seconds };
    views.iter().map(|view| reference::render(&sets, moment, view, SIDE, SIDE, &options).unwrap()).collect()
}

/// The share of red in what is covered.
fn red(image: &Image) -> f64 {
    let covered: Vec<_> = image.pixels.iter().filter(|pixel| pixel[3] > 0.5).collect();
    let red = covered.iter().filter(|[r, g, b, _]| *r > 0.8 && *g < 0.2 && *b < 0.2).count();
    red as f64 / covered.len().max(1) as f64
}

#[test]
fn a_look_is_as_the_reference_shows_it() {
    for options in [GpuOptions::default(), GpuOptions { force_staging: true, ..GpuOptions::default() }] {
        let Some(mut stage) = Stage::open(&options) else { return };
        let mut canvas = canvas(&stage);
        let views = stereo(DVec3::ZERO, 1.3);
        for profile in [Profile::Raw, Profile::Network] {
            let clip = quarters(profile);
            let live = live_at(&clip, 0.9137);
            let labels = labels_of(&clip, &live, "part").unwrap();
            assert_eq!(labels.len(), live.segments.len());
            let table = table();
            let look = Some(ChannelLook { table: &table, labels: &labels });
            let pixels = draw(&mut stage, &mut canvas, (&clip, &live), &views, look, true);
            let right = distance(&pixels, &wanted(&clip, &live, &views, &table));
            let plain = distance(&pixels, &wanted(&clip, &live, &views, &LookTable::default()));
            println!(
                "{profile:?}: {:.1} dB, depth {:.4} m; against the plain picture {:.1} dB",
                right.psnr, right.depth, plain.psnr
            );
            assert!(right.psnr > 45.0 && right.covered > 10_000, "{right:?}");
            assert!(plain.psnr < 25.0, "a look that nobody sees: {plain:?}");
            assert!(red(&pixels.images[0]) > 0.1, "{}", red(&pixels.images[0]));
        }
        stage.finish();
    }
}

/// A limb whose upper half is part 1, its lower part 2, its floor 0, as tracks.
fn labelled_limb(frames: usize) -> Clip {
    let options = WriterOptions { profile: Profile::Local, ..WriterOptions::default() };
    let mut writer = Writer::in_memory(&limb::info(frames), &options).unwrap();
    let mut sequence = SequenceWriter::new(&mut writer, 20_000, 256).unwrap();
    let parts: Vec<u32> = (0..20_000)
        .map(|index| match (index % 8, index * 73 % 997) {
            (0, _) => 0,
            (_, along) => 1 + u32::from(along >= 498),
        })
        .collect();
    for mut frame in limb::frames(20_000, frames) {
        frame.channels = vec![Channel::labels("part", parts.clone())];
        sequence.push(frame, None).unwrap();
    }
    sequence.finish().unwrap();
    Clip::from_bytes("limb.vvt", writer.finish_bytes().unwrap().0).unwrap()
}

#[test]
fn a_look_switched_on_comes_without_a_stall() {
    let Some(mut stage) = Stage::open(&GpuOptions::default()) else { return };
    let mut canvas = canvas(&stage);
    let clip = Arc::new(labelled_limb(70));
    let view = View::looking_at(DVec3::new(0.5, 0.2, 2.2), DVec3::new(0.0, -0.5, 0.0), 0.8, 1.0);
    let views = view.stereo(0.063);
    let mut table = LookTable::default();
    table.set(2, LabelLook { shown: true, tint: [1.0, 0.0, 0.0, 1.0] });
    let live = live_at(&clip, 0.5);
    let plain = draw(&mut stage, &mut canvas, (&clip, &live), &views, None, false);
    let growths = stage.renderer.statistics().growths;
    // The labels are read beside the frames; until they are there the picture is the plain one.
    let mut labeller = Labeller::start(&clip, "part").unwrap();
    labeller.update(&live);
    let none = Some(ChannelLook { table: &table, labels: &[] });
    let first = draw(&mut stage, &mut canvas, (&clip, &live), &views, none, false);
    assert!(first.images == plain.images, "a look without labels shows");
    let begun = Instant::now();
    let mut frames = 0;
    loop {
        labeller.update(&live);
        let look = Some(ChannelLook { table: &table, labels: labeller.labels() });
        let pixels = draw(&mut stage, &mut canvas, (&clip, &live), &views, look, false);
        frames += 1;
        let done = labeller.labels().len() == live.segments.len();
        if done && distance(&pixels, &wanted(&clip, &live, &views, &table)).psnr > 45.0 {
            let share = [&plain, &pixels].map(|of| red(&of.images[0]));
            assert!(share[0] < 0.001 && share[1] > 0.05, "{share:?}");
            if let Some(folder) = std::env::var_os("VIVANT_PICTURES") {
                let sheet =
                    vivant::picture::side_by_side(&[plain.images[0].clone(), pixels.images[0].clone()])
                        .unwrap();
                vivant::picture::save_png(&sheet, std::path::Path::new(&folder).join("limb-look.png"))
                    .unwrap();
            }
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "labels do not come");
    }
    println!("the look was there after {frames} frames");
    assert_eq!(stage.renderer.statistics().growths, growths, "a look made the pool grow");
    // Time goes on: what went by is let go of, what comes is there, and nothing is asked of a clip that has no such label.
    let later = live_at(&clip, 2.1);
    let begun = Instant::now();
    while !(later.segments.iter().all(|s| labeller.labels().iter().any(|labels| labels.id == s.id))
        && labeller.labels().len() == later.segments.len())
    {
        labeller.update(&later);
        std::thread::yield_now();
        assert!(begun.elapsed() < Duration::from_secs(60), "labels of later segments do not come");
    }
    let mut other = Labeller::start(&clip, "material").unwrap();
    other.update(&later);
    drop(other);
    drop(canvas);
    stage.finish();
}

#[test]
fn a_fifth_look_is_refused() {
    let Some(mut stage) = Stage::open(&GpuOptions::default()) else { return };
    let canvas = canvas(&stage);
    let clip = quarters(Profile::Raw);
    let live = live_at(&clip, 0.5);
    let table = table();
    let look = Some(ChannelLook { table: &table, labels: &[] });
    let rate = clip.info().rate;
    let performer = Performer {
        live: &live,
        rate,
        appearance: vivant::splat::Appearance::default(),
        world_from_object: DMat4::IDENTITY,
        look,
    };
    let views = stereo(DVec3::ZERO, 1.3);
    let mut drawn =
        |count: usize| stage.renderer.draw(&vec![performer; count], &views, &Settings::default(), &canvas);
    drawn(4).unwrap();
    assert!(drawn(5).unwrap_err().to_string().contains("look"));
    drop(canvas);
    stage.finish();
}
