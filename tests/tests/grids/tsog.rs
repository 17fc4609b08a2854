//! TSOG: continuous with motion of 8 and 16 bits, discrete, still, with sound.

use std::path::Path;

use serde_json::json;
use vivant::clip::{Clip, WriterOptions};
use vivant::splat::{Life, Motion, Performance};
use vivant::time::TickRate;
use vivant_convert::{Foreign, Options, Whole};
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::performances;
use vivant_tests::pictures::{LEAST, assert_shows, worst};

use crate::common::{assert_near, open, read_count, time};
use crate::sog_writer::{Files, quantise, save_archive, split, version_2, webp};

const SECONDS: f64 = 2.0;
const WIDTH: usize = 60;

/// The ball, each splat with a life and a motion.
fn moving(count: u32) -> Performance {
    let mut ball = performances::still(count, 1);
    let mut random = vivant_tests::random::Random::new(4);
    for _ in 0..count {
        ball.splats.life.push(Life {
            t0: f64::from(random.range(-0.2, 2.2)),
            sigma_t: random.range(0.2, 0.8),
            ..Life::ALWAYS
        });
        let velocity = [0; 3].map(|_| random.range(-0.1, 0.1));
        ball.splats.motion.push(Motion { velocity, ..Motion::default() });
    }
    ball.info.duration = 60_000;
    ball.info.fps = (30, 1);
    ball
}

/// Adds the pictures of a continuous timeline; velocities of `bits`.
fn continuous(performance: &Performance, bits: u32) -> Files {
    let splats = &performance.splats;
    let mut files = version_2(splats, WIDTH, splats.len());
    let (centres, deviations) = ([-0.1, 1.1], [0.1, 0.4]);
    let codes: Vec<[u32; 3]> = splats
        .life
        .iter()
        .map(|life| {
            let sigma = f64::from(life.sigma_t) / SECONDS;
            [quantise(centres, life.t0 / SECONDS, 65535.0), quantise(deviations, sigma, 65535.0), 0]
        })
        .collect();
    let most = f64::from((1_u32 << bits) - 1);
    let velocities: Vec<[u32; 3]> = splats
        .motion
        .iter()
        .map(|motion| motion.velocity.map(|v| quantise([-0.2, 0.2], f64::from(v) * SECONDS, most)))
        .collect();
    let ([tl, th], [vl, vh]) = (split(&codes), split(&velocities));
    for (name, pixels) in [("tl", &tl), ("th", &th), ("vl", &vl), ("vh", &vh)] {
        files.pictures.push((name.to_owned(), webp(pixels, WIDTH)));
    }
    files.meta["version"] = json!(4);
    files.meta["profile"] = json!({"id": "org.opsiclear.tsog-playback", "version": 1});
    files.meta["timeline"] = json!({"type": 1, "mins": [centres[0], deviations[0]],
        "maxs": [centres[1], deviations[1]], "files": ["tl", "th"]});
    let names = if bits == 16 { json!(["vl", "vh"]) } else { json!(["vl"]) };
    files.meta["temporal"] =
        json!({"means": {"mins": [[-0.2, -0.2, -0.2]], "maxs": [[0.2, 0.2, 0.2]], "files": names}});
    files.meta["playback"] = json!({"duration": SECONDS, "fps": 30, "loop": false});
    files
}

fn whole(path: &Path) -> Foreign {
    let foreign = open(path, &Options::default()).unwrap();
    assert_eq!(foreign.format().name, "tsog");
    foreign
}

fn read(path: &Path) -> Whole {
    whole(path).whole().unwrap().clone()
}

#[test]
fn lives_and_motions_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tsog");
    let wanted = moving(1500);
    for (bits, near) in [(8, 0.0005), (16, 2e-6)] {
        save_archive(&path, &continuous(&wanted, bits), bits == 8);
        let read = read(&path).performance;
        assert_eq!(read.info, wanted.info);
        assert_near(&read.splats, &wanted.splats, [2e-5, 0.06, 0.0021, 0.004, 0.0012]);
        for (a, b) in read.splats.life.iter().zip(&wanted.splats.life) {
            assert!((a.t0 - b.t0).abs() < 2e-5 && (a.sigma_t - b.sigma_t).abs() < 1e-5, "{a:?} {b:?}");
        }
        let apart = |(a, b): (&Motion, &Motion)| {
            a.velocity.iter().zip(b.velocity).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        let worst = read.splats.motion.iter().zip(&wanted.splats.motion).map(apart).fold(0.0, f32::max);
        assert!(worst < near && worst > near * 0.1, "{bits} bits: {worst}");
    }
}

#[test]
fn two_splats_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tsog");
    let pictures: [(&str, [[u8; 4]; 2]); 9] = [
        ("pl", [[0, 0, 0, 255], [255, 0, 0, 255]]),
        ("ph", [[0, 0, 0, 255], [255, 0, 0, 255]]),
        ("s", [[0, 1, 0, 255]; 2]),
        ("q", [[128, 128, 128, 252], [255, 128, 128, 255]]),
        ("c", [[0, 1, 2, 51], [2, 0, 1, 255]]),
        ("tl", [[0, 0, 0, 255], [255, 255, 0, 255]]),
        ("th", [[0, 0, 0, 255], [255, 255, 0, 255]]),
        ("vl", [[0, 1, 3, 255], [255, 0, 0, 255]]),
        ("vh", [[0, 0, 2, 255], [255, 0, 0, 255]]),
    ];
    let pictures = pictures.map(|(name, pixels)| (name.to_owned(), webp(&pixels, 2))).to_vec();
    let meta = json!({
        "version": 4, "count": 2,
        "means": {"mins": [-2.0_f64.ln(), 0.0, 2.0_f64.ln()], "maxs": [3.0_f64.ln(), 0.0, 2.0_f64.ln()],
            "files": ["pl", "ph"]},
        "scales": {"codebook": [0.5_f64.ln(), 0.25_f64.ln()], "files": ["s"]},
        "quats": {"files": ["q"]},
        "sh0": {"codebook": [0, 1, -1], "files": ["c"]},
        "timeline": {"type": 1, "mins": [-1, 0.5], "maxs": [1, 0.75], "files": ["tl", "th"]},
        "temporal": {"means": {"mins": [[-2, 0, 0]], "maxs": [[2, 65535, 65535]], "files": ["vl", "vh"]}},
        "playback": {"duration": 4, "fps": 25},
    });
    save_archive(&path, &Files { pictures, meta }, false);
    let Performance { info, splats } = read(&path).performance;
    assert_eq!((info.rate, info.duration, info.fps), (TickRate { num: 25_000, den: 1 }, 100_000, (25, 1)));
    let near = |a: f32, b: f64| assert!((f64::from(a) - b).abs() < 1e-5 * b.abs().max(1.0), "{a} {b}");
    let [first, second] = [splats.get(0), splats.get(1)];
    for (mean, x) in [(first.mean, -1.0), (second.mean, 2.0)] {
        [x, 0.0, 1.0].iter().zip(mean).for_each(|(b, a)| near(a, *b));
    }
    [0.5, 0.25, 0.5].iter().zip(first.scale).for_each(|(b, a)| near(a, *b));
    near(first.opacity, 0.2);
    near(first.colour[1], 0.5 + 0.282_094_791_773_878_14);
    near(second.colour[0], 0.5 - 0.282_094_791_773_878_14);
    // The largest is z: w, x, y are kept, and the first of them is at its end.
    near(second.rotation[3], std::f64::consts::FRAC_1_SQRT_2);
    near(second.rotation[2], (0.5_f64 - 2.0 * (1.0 / 255.0_f64).powi(2) / 2.0).sqrt());
    near(first.life.t0 as f32, -4.0);
    near(second.life.t0 as f32, 4.0);
    near(first.life.sigma_t, 2.0);
    near(second.life.sigma_t, 3.0);
    // In metres a second: units of the file's time are four.
    [-0.5, 0.25, 515.0 / 4.0].iter().zip(first.motion.velocity).for_each(|(b, a)| near(a, *b));
    near(second.motion.velocity[0], 0.5);
}

#[test]
fn frames_are_windows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tsog");
    let ball = performances::ball(400, 0, 2);
    let mut files = version_2(&ball, 20, 0);
    // Seven frames of 9362 codes; the last takes what is left.
    let frame_of = |index: usize| (index % 7) as u32;
    let codes: Vec<[u32; 3]> = (0..400)
        .map(|index| [if index == 6 { 65535 } else { frame_of(index) * 9362 + 4681 }, 0, 0])
        .collect();
    let [low, high] = split(&codes);
    files.pictures.push(("tl".to_owned(), webp(&low, 20)));
    files.pictures.push(("th".to_owned(), webp(&high, 20)));
    files.meta["version"] = json!(4);
    files.meta["fps"] = json!(24);
    files.meta["timeline"] = json!({"type": 0, "N": 7, "delta": 9362, "files": ["tl", "th"]});
    save_archive(&path, &files, false);
    let read = read(&path).performance;
    assert_eq!((read.info.duration, read.info.fps), (7000, (24, 1)));
    for (index, life) in read.splats.life.iter().enumerate() {
        let start = i64::from(frame_of(index)) * 1000;
        assert_eq!((life.start, life.end, life.sigma_t), (start, start + 1000, f32::INFINITY), "{index}");
    }
}

#[test]
fn a_still_scene_may_sound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tsog");
    let mut files = version_2(&performances::ball(100, 0, 2), 12, 0);
    files.meta["version"] = json!(4);
    save_archive(&path, &files, false);
    assert_eq!(read(&path).performance.info.duration, 0);
    let wav = folder.path().join("a.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&wav, spec).unwrap();
    (0..4800_i32).for_each(|n| writer.write_sample((n % 200 * 50) as i16).unwrap());
    writer.finalize().unwrap();
    files.pictures.push(("audio/take.wav".to_owned(), std::fs::read(&wav).unwrap()));
    files.meta["playback"] = json!({"duration": 1.5});
    files.meta["audio"] = json!({"file": "audio/take.wav", "volume": 0.5});
    save_archive(&path, &files, false);
    let read_wav = read(&path);
    assert_eq!(read_wav.performance.info.duration, 45_000);
    let sound = read_wav.sound.unwrap();
    assert!((sound.placement.gain - 0.5).abs() < 1e-6);
    files.meta["audio"] = json!({"file": "sh0.webp", "mimeType": "audio/mpeg"});
    save_archive(&path, &files, false);
    let read = read(&path);
    assert!(read.sound.is_none() || read.report.notes.iter().any(|note| note.contains("sound")));
}

#[test]
fn what_would_change_the_scene_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tsog");
    let whole = continuous(&moving(100), 8);
    let after = |change: &dyn Fn(&mut Files)| {
        let mut files = whole.clone();
        change(&mut files);
        save_archive(&path, &files, false);
        open(&path, &Options::default()).map(|_| ()).unwrap_err().to_string()
    };
    let cases: [(&dyn Fn(&mut Files), &str); 7] = [
        (
            &|files| files.meta["profile"]["version"] = json!(2),
            "profile org.opsiclear.tsog-playback version 2",
        ),
        (&|files| files.meta["temporal"]["scales"] = json!({}), "temporal.scales"),
        (&|files| files.meta["timeline"]["type"] = json!(2), "timeline.type"),
        (&|files| files.meta["timeline"]["mins"] = json!([0, 0]), "timeline.mins"),
        (&|files| files.meta["timeline"] = json!({"type": 0, "N": 0, "files": ["tl", "th"]}), "timeline.N"),
        (&|files| files.meta["playback"]["duration"] = json!(-1), "playback.duration"),
        (&|files| files.meta["playback"]["fps"] = json!(1e9), "playback.fps"),
    ];
    for (change, line) in cases {
        let error = after(change);
        assert!(error.contains(line) && error.contains("a.tsog"), "{line}: {error}");
    }
}

#[test]
fn tsog_survives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tsog");
    save_archive(&path, &continuous(&moving(80), 16), false);
    attack(&path, &path, Cut::Fails, &read_count);
}

#[test]
fn pictures_move_as_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tsog");
    let mut wanted = moving(3000);
    save_archive(&path, &continuous(&wanted, 16), false);
    let (bytes, ..) = whole(&path).write_to_memory(&WriterOptions::default(), &mut |_| ()).unwrap();
    let clip = Clip::from_bytes("a.vvt", bytes).unwrap();
    assert_shows("tsog", &clip, &wanted, &[0.1, 1.0, 1.8]);
    wanted.splats.motion.iter_mut().for_each(|motion| motion.velocity = [0.0; 3]);
    if let Some(psnr) = worst("tsog-at-rest", &clip, &wanted, &[1.8]) {
        assert!(psnr < LEAST, "without motion: {psnr:.1} dB");
    }
}

#[test]
#[ignore = "a figure: time of a large file"]
fn timed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.tsog");
    let mut large = moving(900_000);
    large.splats.sh_rest.clear();
    large.splats.sh_degree = 0;
    save_archive(&path, &continuous(&large, 16), false);
    time("tsog", &path, std::slice::from_ref(&path));
}
