//! Sequences whose splats keep their identity: stored as splines, near what was given, small, born and dying anywhere.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "tests panic where they are wrong, and figures are printed"
)]

use glam::DVec3;
use vivant::clip::{Clip, Profile, Writer, WriterOptions};
use vivant::codec::{SequenceWriter, decode_segment, performance_of, performance_to_bytes, splats_at};
use vivant::frame::SegmentData;
use vivant::gpu::GpuOptions;
use vivant::splat::{Life, Performance, Splats};
use vivant::view::View;
use vivant_tests::limb;
use vivant_tests::stage::{Order, Stage, distance, live_at, reference_of};

fn options(profile: Profile) -> WriterOptions {
    WriterOptions { profile, ..WriterOptions::default() }
}

/// A clip of frames whose splats are told apart by `ids`, or by their index.
fn clip_of(frames: &[Splats], ids: Option<&[Vec<u32>]>, profile: Profile) -> Clip {
    let mut writer = Writer::in_memory(&limb::info(frames.len()), &options(profile)).unwrap();
    let mut sequence = SequenceWriter::new(&mut writer, frames[0].len(), 1024).unwrap();
    for (number, frame) in frames.iter().enumerate() {
        sequence.push(frame.clone(), ids.map(|ids| ids[number].as_slice())).unwrap();
    }
    sequence.finish().unwrap();
    let (bytes, _) = writer.finish_bytes().unwrap();
    Clip::from_bytes("sequence.vvt", bytes).unwrap()
}

/// The same as windows, as a sequence without correspondence is stored.
fn windows_of(frames: &[Splats], profile: Profile) -> Clip {
    let info = limb::info(frames.len());
    let mut splats = Splats::new(0);
    for (number, frame) in (0_i64..).zip(frames) {
        let mut frame = frame.clone();
        let (start, end) = (number * 1000, number * 1000 + 1000);
        let t0 = info.rate.seconds_from_ticks(start);
        frame.life = vec![Life { t0, sigma_t: f32::INFINITY, start, end }; frame.len()];
        splats.append(&frame).unwrap();
    }
    let (bytes, _) = performance_to_bytes(&Performance { info, splats }, &options(profile)).unwrap();
    Clip::from_bytes("windows.vvt", bytes).unwrap()
}

/// What shows of a clip at the middle of a tick's time.
fn shown(clip: &Clip, seconds: f64) -> Splats {
    let mut out = Splats::new(0);
    let live = live_at(clip, seconds);
    for segment in &live.segments {
        let splats = splats_at(segment, clip.info().rate, seconds);
        for splat in (0..splats.len()).map(|index| splats.get(index)) {
            if (splat.life.start..splat.life.end).contains(&live.tick) {
                out.push(&splat, &[]);
            }
        }
    }
    out
}

/// For each splat of `found` the distance to the nearest of `wanted`, root mean square and worst, metres.
fn distances(found: &Splats, wanted: &Splats) -> (f32, f32) {
    let mut cells = std::collections::HashMap::<[i32; 3], Vec<usize>>::new();
    let cell = |mean: [f32; 3]| mean.map(|value| (value * 100.0).floor() as i32);
    for index in 0..wanted.len() {
        cells.entry(cell(wanted.mean[index])).or_default().push(index);
    }
    let mut worst = 0.0_f32;
    let mut sum = 0.0_f32;
    for &mean in &found.mean {
        let [x, y, z] = cell(mean);
        let around =
            (-1..=1).flat_map(|i| (-1..=1).flat_map(move |j| (-1..=1).map(move |k| [x + i, y + j, z + k])));
        let near = around.filter_map(|cell| cells.get(&cell)).flatten();
        let distance = near
            .map(|&at| (0..3).map(|axis| (mean[axis] - wanted.mean[at][axis]).powi(2)).sum::<f32>())
            .fold(1e-4, f32::min);
        worst = worst.max(distance.sqrt());
        sum += distance;
    }
    ((sum / found.len().max(1) as f32).sqrt(), worst)
}

#[test]
fn frames_come_back_and_what_lies_between_them_moves() {
    let frames = limb::frames(8000, 75);
    for (profile, rms, most) in [(Profile::Local, 1.5e-4, 2e-3), (Profile::Network, 6e-4, 9e-3)] {
        let clip = clip_of(&frames, None, profile);
        for time in [0.0, 0.5, 31.0 / 30.0, 1.05, 2.0, 2.45] {
            let found = shown(&clip, time);
            assert_eq!(found.len(), 8000, "every splat shows once at {time}");
            let (off, worst) = distances(&found, &limb::at(8000, time as f32));
            assert!(off < rms && worst < most, "{profile:?} at {time}: {off} {worst}");
        }
        // A comparison that is seen to fail: a frame late.
        let (late, _) = distances(&shown(&clip, 0.5), &limb::at(8000, 0.5 + 1.0 / 30.0));
        assert!(late > 10.0 * rms, "{late}");
    }
}

#[test]
fn splines_are_far_smaller_than_windows() {
    let frames = limb::frames(8000, 60);
    for profile in [Profile::Local, Profile::Network] {
        let tracks = clip_of(&frames, None, profile);
        let windows = windows_of(&frames, profile);
        let bytes = |clip: &Clip| clip.nodes().iter().map(|node| node.stored_bytes).sum::<u64>() as f64;
        println!(
            "{profile:?}: {:.2} bytes a splat and frame, as windows {:.2}",
            bytes(&tracks) / 8000.0 / 60.0,
            bytes(&windows) / 8000.0 / 60.0
        );
        assert!(bytes(&tracks) < 0.3 * bytes(&windows));
    }
}

/// The picture of a clip of splines by the GPU against the reference's of what is stored, and of what was given.
#[test]
fn the_gpu_joins_keys_as_the_reference_does() {
    let Some(mut stage) = Stage::open(&GpuOptions::default()) else { return };
    let frames = limb::frames(6000, 60);
    let view = View::looking_at(DVec3::new(0.4, -0.2, 1.6), DVec3::new(0.0, -0.4, 0.0), 0.9, 0.9);
    let views = view.stereo(0.063);
    for profile in [Profile::Local, Profile::Network] {
        let clip = clip_of(&frames, None, profile);
        assert!(clip.nodes().iter().any(|node| node.keys.poses > 0), "the limb moves too fast for few keys");
        for seconds in [0.0, 0.61, 1.0, 1.49, 1.98] {
            let stored = Performance { info: clip.info(), splats: shown(&clip, seconds) };
            let pixels = stage.draw(&clip, seconds, &views, 256);
            let found = distance(&pixels, &reference_of(&stored, seconds, &views, 256, Order::Head));
            assert!(found.psnr >= 47.0 && found.depth < 0.01, "{profile:?} at {seconds}: {found:?}");
            let truth = Performance { info: clip.info(), splats: limb::at(6000, seconds as f32) };
            let given = distance(&pixels, &reference_of(&truth, seconds, &views, 256, Order::Head));
            assert!(
                given.psnr >= if profile == Profile::Local { 42.0 } else { 30.0 },
                "{profile:?} at {seconds}: {given:?}"
            );
            // A comparison that is seen to fail: two frames late.
            let late = Performance { info: clip.info(), splats: limb::at(6000, seconds as f32 + 2.0 / 30.0) };
            let late = distance(&pixels, &reference_of(&late, seconds, &views, 256, Order::Head));
            assert!(late.psnr < given.psnr - 6.0, "{late:?}");
        }
    }
    stage.finish();
}

/// Splats are told apart by identities of their own, come and go, and stand in another order in every frame.
#[test]
fn splats_are_born_and_die_anywhere() {
    let all = limb::frames(3000, 50);
    // Splat `id` is there from frame `id % 40` on, for at least 8 frames, and some come back.
    let there = |id: usize, frame: usize| {
        let first = id * 7 % 40;
        frame >= first && (frame < first + 8 + id % 30 || (id.is_multiple_of(5) && frame > first + 42))
    };
    let (mut frames, mut ids) = (Vec::new(), Vec::new());
    for (number, frame) in all.iter().enumerate() {
        let mut own: Vec<usize> = (0..frame.len()).filter(|&id| there(id, number)).collect();
        let turn = number * 131 % own.len().max(1);
        own.rotate_left(turn);
        frames.push(frame.select(&own));
        ids.push(own.iter().map(|&id| u32::try_from(id * 3 + 5).unwrap()).collect::<Vec<_>>());
    }
    let clip = clip_of(&frames, Some(&ids), Profile::Local);
    for frame in [0, 3, 15, 29, 30, 31, 44, 49] {
        let seconds = frame as f64 / 30.0;
        let found = shown(&clip, seconds);
        assert_eq!(found.len(), frames[frame].len(), "as many as there are in frame {frame}");
        let (off, worst) = distances(&found, &frames[frame]);
        assert!(off < 2e-4 && worst < 4e-3, "frame {frame}: {off} {worst}");
    }
    // A comparison that is seen to fail: another frame's.
    assert_ne!(shown(&clip, 0.5).len(), frames[29].len());
    let mut writer = Writer::in_memory(&limb::info(2), &options(Profile::Local)).unwrap();
    let mut sequence = SequenceWriter::new(&mut writer, 3000, 1024).unwrap();
    let twice = sequence.push(all[0].select(&[0, 1]), Some(&[7, 7]));
    assert!(twice.unwrap_err().to_string().contains("frame 0 names a splat twice"));
    let short = sequence.push(all[0].select(&[0, 1]), Some(&[7]));
    assert!(short.unwrap_err().to_string().contains("1 identities for 2 splats"));
}

/// Export: a clip of splines as temporal Gaussians.
#[test]
fn splines_come_back_as_pieces() {
    let frames = limb::frames(2000, 100);
    let clip = clip_of(&frames, None, Profile::Network);
    assert_eq!(clip.info().duration, 100_000);
    let once = performance_of(&clip).unwrap();
    // The pieces between keys move as the splines do.
    for seconds in [0.3, 1.7, 3.2] {
        let tick = clip.info().rate.ticks_from_seconds(seconds);
        let mut moved = Splats::new(0);
        for splat in (0..once.splats.len()).map(|index| once.splats.get(index)) {
            if (splat.life.start..splat.life.end).contains(&tick) {
                let dt = (seconds - splat.life.t0) as f32;
                let mut at = splat;
                for axis in 0..3 {
                    at.mean[axis] += dt
                        * (splat.motion.velocity[axis]
                            + dt * (splat.motion.quadratic[axis] + dt * splat.motion.cubic[axis]));
                }
                moved.push(&at, &[]);
            }
        }
        assert_eq!(moved.len(), 2000, "one piece of each splat at {seconds}");
        let (off, worst) = distances(&moved, &shown(&clip, seconds));
        assert!(off < 5e-5 && worst < 1e-3, "{seconds}: {off} {worst}");
    }
}

/// A floor that rests is stored once, beside a limb that never does, and what rests for a while for that while.
#[test]
fn what_rests_is_stored_once() {
    // 16,000 splats of which the 2,000 of the floor rest; half of those are moved once, by 5 cm, after 3.2 s.
    let frames: Vec<Splats> = (0..150)
        .map(|number| {
            let mut frame = limb::at(16_000, number as f32 / limb::FPS as f32);
            for index in (0..16_000).step_by(16).filter(|_| number >= 96) {
                frame.mean[index][1] += 0.05;
            }
            frame
        })
        .collect();
    let clip = clip_of(&frames, None, Profile::Network);
    let floor = |splats: &Splats| -> Vec<usize> {
        (0..splats.len())
            .filter(|&index| splats.mean[index][1] < -0.9 && splats.scale[index][2] > 9e-4)
            .collect()
    };
    let resting = |segment: &SegmentData, seconds: f64| {
        if segment.keys.any() { Splats::new(0) } else { splats_at(segment, clip.info().rate, seconds) }
    };
    let stored: usize = (0..clip.nodes().len())
        .map(|node| decode_segment(&clip, u32::try_from(node).unwrap()).unwrap())
        .map(|segment| floor(&resting(&segment, 0.0)).len())
        .sum();
    // 1,000 once; 1,000 before and after they are moved, but for the second of the move.
    assert_eq!(stored, 3000);
    for (frame, expected) in [(0, 2000), (45, 2000), (95, 1000), (100, 1000), (149, 2000)] {
        let seconds = f64::from(frame) / 30.0;
        let given = &frames[usize::try_from(frame).unwrap()];
        let live = live_at(&clip, seconds);
        let at_rest: usize = live
            .segments
            .iter()
            .map(|segment| {
                let splats = resting(segment, seconds);
                let shows = |&index: &usize| {
                    let life = splats.get(index).life;
                    (life.start..life.end).contains(&live.tick)
                };
                floor(&splats).iter().filter(|index| shows(index)).count()
            })
            .sum();
        assert_eq!(at_rest, expected, "frame {frame}");
        assert_eq!(shown(&clip, seconds).len(), 16_000);
        let (off, worst) = distances(&shown(&clip, seconds), given);
        assert!(off < 6e-4 && worst < 9e-3, "frame {frame}: {off} {worst}");
    }
}

/// Six times the length, the same memory on the GPU.
#[test]
fn gpu_memory_does_not_follow_the_length() {
    let Some(mut stage) = Stage::open(&GpuOptions::default()) else { return };
    let view = View::looking_at(DVec3::new(0.4, -0.2, 1.6), DVec3::new(0.0, -0.4, 0.0), 0.9, 0.9);
    let swing = limb::frames(1500, 60);
    let mut bytes = Vec::new();
    for rounds in [1, 6] {
        let frames: Vec<Splats> = (0..rounds).flat_map(|_| swing.iter().cloned()).collect();
        let clip = clip_of(&frames, None, Profile::Local);
        for frame in (0..frames.len()).step_by(4) {
            stage.draw(&clip, frame as f64 / 30.0, &[view], 64);
        }
        bytes.push(stage.renderer.statistics().pool_bytes as f64);
        stage.finish();
        stage = Stage::open(&GpuOptions::default()).unwrap();
    }
    stage.finish();
    println!("pool: {bytes:?} bytes");
    assert!(bytes[0] > 0.0 && bytes[1] <= 1.05 * bytes[0], "{bytes:?}");
}
