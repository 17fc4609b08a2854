//! Sequences whose splats keep their identity: stored as splines, near what was given, small, born and dying anywhere.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "tests panic where they are wrong, and figures are printed"
)]

use vivant::clip::{Clip, Profile, Segment, Writer, WriterOptions};
use vivant::codec::{SequenceWriter, performance_to_bytes, splats_at};
use vivant::splat::{Life, Performance, Splats};
use vivant_tests::limb;
use vivant_tests::stage::live_at;

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
    for (profile, rms, most) in [(Profile::Local, 1.5e-4, 1.5e-3), (Profile::Network, 6e-4, 5e-3)] {
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
        for (number, node) in (0..).zip(tracks.nodes()) {
            let mut by_kind = std::collections::BTreeMap::<String, [u64; 2]>::new();
            for chunk in Segment::read(&tracks, number).unwrap().chunks {
                let entry = by_kind.entry(format!("{:?}", chunk.kind)).or_default();
                *entry = [entry[0] + u64::from(chunk.stored_len), u64::from(chunk.prediction)];
            }
            println!("  {by_kind:?}");
            println!(
                "  level {} {}..{} splats {} keys {:?} bytes {}",
                node.level, node.start, node.end, node.splats, node.keys, node.stored_bytes
            );
        }
        assert!(bytes(&tracks) < 0.3 * bytes(&windows));
    }
}
