//! `.ftgs.ply`, written as its description says.

use std::path::Path;

use vivant_convert::Options;
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::pictures::{assert_shows, worst};
use vivant_tests::random::Random;
use vivant_tests::stage::clip_of;

use crate::bytes::{numbered, ply};
use crate::seen::{self, Seen, ball, distance, of_model};
use crate::{count, open, open_as_is, whole};

/// A splat as the file has it.
pub(crate) struct Stored {
    mean: [f32; 3],
    /// wxyz.
    rot: [f32; 4],
    log_scale: [f32; 3],
    logit: f32,
    dc: [f32; 3],
    /// Coefficient-major, as the model has them.
    rest: Vec<f32>,
    time: f32,
    log_duration: f32,
    velocity: [f32; 3],
}

/// What the comments say.
#[derive(Clone, Copy)]
pub(crate) struct Said {
    pub(crate) degree: u8,
    pub(crate) moves: bool,
    pub(crate) least: f64,
    pub(crate) floor: f64,
}

pub(crate) const SAID: Said = Said { degree: 0, moves: true, least: 0.02, floor: 1e-4 };
const FRAMES: f64 = 60.0;

pub(crate) fn scene(splats: u32, degree: u8) -> Vec<Stored> {
    let mut random = Random::new(503);
    let places = ball(splats, &mut random);
    let coefficients = usize::from(degree + 1).pow(2) - 1;
    let mut one = |(mean, [x, y, z, w], scale, colour): ([f32; 3], [f32; 4], [f32; 3], [f32; 3])| Stored {
        mean,
        rot: [w, x, y, z].map(|part| part * 0.4),
        log_scale: scale.map(f32::ln),
        logit: if random.below(10) == 0 { random.range(-6.0, 1.0) } else { random.range(2.0, 6.0) },
        dc: colour.map(|channel| (channel - 0.5) / 0.282_094_8),
        rest: (0..coefficients * 3).map(|_| random.range(-0.2, 0.2)).collect(),
        time: random.range(-0.1, 1.1),
        // Some are shorter than the file allows.
        log_duration: if random.below(3) == 0 { 2.0 } else { random.range(0.005_f32.ln(), 0.5_f32.ln()) },
        velocity: [0; 3].map(|_| random.range(-0.3, 0.3)),
    };
    places.into_iter().map(&mut one).collect()
}

pub(crate) fn write(path: &Path, splats: &[Stored], said: Said) {
    let coefficients = usize::from(said.degree + 1).pow(2) - 1;
    let names: Vec<String> = ["x", "y", "z", "nx", "ny", "nz"]
        .map(str::to_owned)
        .into_iter()
        .chain(numbered("f_dc_", 3))
        .chain(numbered("f_rest_", coefficients * 3))
        .chain(["opacity".to_owned()])
        .chain(numbered("scale_", 3))
        .chain(numbered("rot_", 4))
        .chain(["time", "log_duration"].map(str::to_owned))
        .chain(numbered("velocity_", 3))
        .collect();
    let row = |s: &Stored| {
        let mut row = s.mean.to_vec();
        row.extend([0.0; 3]);
        row.extend(s.dc);
        for channel in 0..3 {
            row.extend((0..coefficients).map(|k| s.rest[k * 3 + channel]));
        }
        row.push(s.logit);
        row.extend(s.log_scale);
        row.extend(s.rot);
        row.extend([s.time, s.log_duration]);
        row.extend(s.velocity);
        row
    };
    let comments = [
        "ftgs_version 1".to_owned(),
        "time_units normalized".to_owned(),
        format!("sh_degree {}", said.degree),
        format!("use_velocity {}", u8::from(said.moves)),
        format!("min_duration {}", said.least),
        format!("opacity_floor {}", said.floor),
        format!("n_frames {FRAMES}"),
    ];
    let rows: Vec<Vec<f32>> = splats.iter().map(row).collect();
    std::fs::write(path, ply(&comments, &names, &rows)).unwrap();
}

fn formula(s: &Stored, t: f64, said: Said) -> Seen {
    let wide = f64::from;
    let dt = t - wide(s.time);
    let duration = wide(s.log_duration).exp().max(said.least);
    let speed = if said.moves { 1.0 } else { 0.0 };
    let alpha = 1.0 / (1.0 + (-wide(s.logit)).exp()) * (-0.5 * (dt / duration).powi(2)).exp();
    let [w, x, y, z] = s.rot.map(wide);
    Seen {
        mean: std::array::from_fn(|axis| wide(s.mean[axis]) + speed * wide(s.velocity[axis]) * dt),
        rotation: seen::unit([x, y, z, w]),
        scale: s.log_scale.map(|log| wide(log).exp()),
        opacity: alpha.max(said.floor),
        colour: s.dc.map(|dc| 0.5 + 0.282_094_791_773_878_14 * wide(dc)),
        sh_rest: s.rest.clone(),
    }
}

/// Where frame `index` is in the time of the file, and in seconds.
fn frame(index: f64) -> (f64, f64) {
    (index / (FRAMES - 1.0), index / 30.0)
}

#[test]
fn every_number_is_the_formats() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("take.ftgs.ply");
    for said in [SAID, Said { degree: 3, ..SAID }, Said { moves: false, degree: 1, ..SAID }] {
        let splats = scene(300, said.degree);
        write(&path, &splats, said);
        let foreign = open_as_is(&path).unwrap();
        assert_eq!((foreign.format().name, foreign.frames()), ("ftgs", 60));
        let performance = &whole(&foreign).performance;
        assert_eq!(performance.info.sh_degree, said.degree);
        let greatest = |said: Said| {
            let mut far = 0.0_f64;
            for (t, seconds) in [0.0, 7.0, 31.5, 59.0].map(frame) {
                for (index, splat) in splats.iter().enumerate() {
                    let mut wanted = formula(splat, t, said);
                    // What is fainter than any rasteriser draws is as good as nothing.
                    if wanted.opacity <= 1e-4 {
                        wanted.opacity = 0.0;
                    }
                    far = far.max(distance(&of_model(performance, index, seconds), &wanted));
                }
            }
            far
        };
        assert!(greatest(said) < 2e-4, "{}", greatest(said));
        assert!(greatest(Said { moves: !said.moves, ..said }) > 0.05);
        assert!(greatest(Said { least: 0.001, ..said }) > 0.05, "the least duration counts");
    }
}

#[test]
fn a_floor_that_shows_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("take.ftgs.ply");
    let said = Said { floor: 0.1, ..SAID };
    let splats = scene(200, 0);
    write(&path, &splats, said);
    let foreign = open_as_is(&path).unwrap();
    let whole = whole(&foreign);
    assert_eq!((whole.report.read, whole.performance.splats.len()), (200, 600));
    for (t, seconds) in [0.0, 13.0, 40.0, 59.0].map(frame) {
        for (index, splat) in splats.iter().enumerate() {
            let pieces: Vec<Seen> = (0..3)
                .map(|piece| of_model(&whole.performance, index * 3 + piece, seconds))
                .filter(|piece| piece.opacity > 0.0)
                .collect();
            let [one] = &pieces[..] else { panic!("{} of three pieces show", pieces.len()) };
            let far = distance(one, &formula(splat, t, said));
            // At an edge between pieces ticks are rounded: the envelope may be passed by as much.
            assert!(far < 5e-4, "splat {index} at {seconds}: {far}");
        }
    }
}

#[test]
fn pictures_are_the_formulas() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("take.ftgs.ply");
    let splats = scene(4000, 0);
    write(&path, &splats, SAID);
    let foreign = open(&path, &Options::default()).unwrap();
    let frames = [6.0, 30.0, 52.0];
    let seen = |late: f64| {
        let set = |index: f64| {
            let t = frame(index + late).0;
            splats.iter().map(|s| seen::from_rdf(&formula(s, t, SAID))).collect()
        };
        seen::performance(foreign.info(), &frames.map(|index| (frame(index).1, set(index))))
    };
    let clip = clip_of(&whole(&foreign).performance);
    let moments = frames.map(|index| frame(index).1);
    assert_shows("ftgs", &clip, &seen(0.0), &moments);
    if let Some(late) = worst("ftgs, two frames late", &clip, &seen(2.0), &moments) {
        assert!(late < 45.0, "{late}");
    }
}

#[test]
fn bad_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("take.ftgs.ply");
    write(&path, &scene(40, 1), Said { degree: 1, ..SAID });
    attack(&path, &path, Cut::Fails, &count);
    let bytes = std::fs::read(&path).unwrap();
    let end = bytes.windows(11).position(|window| window == b"end_header\n").unwrap();
    for (from, to, says) in [
        ("ftgs_version 1", "ftgs_version 2", "ftgs_version 2"),
        ("time_units normalized", "time_units seconds", "time_units"),
        ("sh_degree 1", "sh_degree 2", "sh_degree"),
        ("min_duration 0.02", "min_duration -1", "min_duration"),
        ("opacity_floor 0.0001", "opacity_floor 1", "opacity_floor"),
        ("use_velocity 1", "use_velocity 7", "use_velocity"),
        ("n_frames 60", "n_frames 0", "n_frames"),
        ("n_frames 60", "n_frames 99999999999999", "n_frames"),
        ("comment min_duration", "comment max_duration", "min_duration"),
        ("float velocity_1", "float velocity_9", "velocity_1"),
    ] {
        let mut changed = String::from_utf8_lossy(&bytes[..end]).replace(from, to).into_bytes();
        changed.extend_from_slice(&bytes[end..]);
        std::fs::write(&path, changed).unwrap();
        let error = count(&path).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("take.ftgs.ply"), "{error}");
    }
}
