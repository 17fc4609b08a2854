//! EfficientDynamic3DGaussian: sums of sines, quaternions whose names and numbers disagree, and covariances of quaternions
//! of no length in particular.

use std::f64::consts::PI;
use std::path::Path;

use vivant::clip::Profile;
use vivant_convert::Options;
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::pictures::assert_shows;
use vivant_tests::random::Random;

use crate::ply_sheet::{ENCODINGS, Table, write};
use crate::scene::{clip, logit, open, ours};
use crate::truth::{self, Truth, apart, covariance, shown};

/// Places in the file: X₀ and eight sines, of which two are trained.
const TERMS: usize = 17;
const TRAINED: usize = 5;

/// A splat as the trainer has it.
struct Curve {
    terms: [[f64; 3]; TERMS],
    /// wxyz, of any length.
    turns: Vec<[f64; 4]>,
    scale: [f64; 3],
    opacity: f32,
    colour: [f64; 3],
    rest: Vec<f32>,
}

fn curves(count: usize, degree: u8) -> Vec<Curve> {
    let mut random = Random::new(5);
    let stride = vivant::splat::sh_rest_len(degree) * 3;
    let mut curve = || {
        let mut terms = [[0.0; 3]; TERMS];
        terms[0] = [0; 3].map(|_| f64::from(random.range(-0.5, 0.5)));
        for term in &mut terms[1..TRAINED] {
            *term = [0; 3].map(|_| f64::from(random.range(-0.06, 0.06)));
        }
        let mut turns: Vec<[f64; 4]> =
            (0..TERMS).map(|_| [0; 4].map(|_| f64::from(random.range(-1.0, 1.0)))).collect();
        // Most turn a little; then the sum stays near to length one and above.
        let first = turns[0];
        for (part, own) in turns[1].iter_mut().zip(first) {
            *part = 0.4 * *part + own;
        }
        Curve {
            terms,
            turns,
            scale: [0.03, 0.015, 0.006].map(|scale| scale * f64::from(random.range(0.7, 1.3))),
            opacity: random.range(0.4, 0.99),
            colour: [0; 3].map(|_| f64::from(random.range(0.1, 0.9))),
            rest: (0..stride).map(|_| random.range(-0.1, 0.1)).collect(),
        }
    };
    (0..count).map(|_| curve()).collect()
}

fn unit(turn: [f64; 4]) -> [f64; 4] {
    let length = turn.iter().map(|part| part * part).sum::<f64>().sqrt();
    turn.map(|part| part / length)
}

/// The trainer's own formulas.
fn at(curve: &Curve, t: f64) -> Truth {
    let mut mean = curve.terms[0];
    for l in 0..8 {
        let phase = 2.0_f64.powi(l as i32) * PI * t;
        for axis in 0..3 {
            mean[axis] +=
                curve.terms[1 + 2 * l][axis] * phase.sin() + curve.terms[2 + 2 * l][axis] * phase.cos();
        }
    }
    let (a, b) = (unit(curve.turns[0]), unit(curve.turns[1]));
    let turn = std::array::from_fn(|part| a[part] + b[part] * t);
    Truth {
        mean,
        covariance: covariance(turn, curve.scale),
        opacity: f64::from(curve.opacity),
        colour: curve.colour,
        sh_rest: curve.rest.clone(),
    }
}

fn save(path: &Path, curves: &[Curve]) {
    let mut table = Table::new("vertex", curves.len());
    for number in 0..TERMS {
        let names = ["x", "y", "z"].map(|axis| format!("{axis}{number:03}"));
        let names = names.each_ref().map(String::as_str);
        table = table.with_each("float", &names, |row, axis| curves[row].terms[number][axis]);
    }
    table = table.with_each("float", &["nx", "ny", "nz"], |_, _| 0.0);
    table = table.with_each("float", &["f_dc_0", "f_dc_1", "f_dc_2"], |row, channel| {
        (curves[row].colour[channel] - 0.5) / 0.282_094_791_773_878_14
    });
    let stride = curves[0].rest.len();
    for number in 0..stride {
        let (channel, coefficient) = (number / (stride / 3), number % (stride / 3));
        table = table.with_each("float", &[&format!("f_rest_{number}")], |row, _| {
            f64::from(curves[row].rest[coefficient * 3 + channel])
        });
    }
    table = table.with_each("float", &["opacity"], |row, _| f64::from(logit(curves[row].opacity)));
    table = table
        .with_each("float", &["scale_0", "scale_1", "scale_2"], |row, axis| curves[row].scale[axis].ln());
    // Names run over times within a component; numbers over components within a time.
    for place in 0..TERMS * 4 {
        let name = format!("rot_{:03}_{}", place % TERMS, place / TERMS);
        table = table.with_each("float", &[&name], |row, _| curves[row].turns[place / 4][place % 4]);
    }
    write(path, ENCODINGS[0], &[table]);
}

fn two_seconds() -> Options {
    Options { seconds: Some(2.0), ..ours() }
}

#[test]
fn paths_are_followed_within_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("point_cloud.ply");
    for (degree, bound, far) in [(0, None, 1e-3), (3, Some(1e-4), 1e-4)] {
        let curves = curves(120, degree);
        save(&path, &curves);
        let foreign = open(&path, &Options { bound, ..two_seconds() }).unwrap();
        let report = &foreign.whole().unwrap().report;
        assert_eq!((foreign.format().name, report.read, report.dropped()), ("fourier", 120, 0));
        assert!(report.notes.iter().any(|note| note.starts_with("120 paths became")), "{:?}", report.notes);
        let performance = truth::whole(&foreign);
        assert!((performance.info.rate.seconds_from_ticks(performance.info.duration) - 2.0).abs() < 1e-9);
        for step in 0..40 {
            let t = (f64::from(step) + 0.37) / 40.0;
            let wanted: Vec<Truth> = curves.iter().map(|curve| at(curve, t)).collect();
            let [mean, shape, look] = apart(&shown(performance, 2.0 * t), &wanted);
            assert!(mean < far * 1.1 + 1e-6 && shape < 0.1 && look < 1e-5, "{t}: {mean} {shape} {look}");
            let later: Vec<Truth> = curves.iter().map(|curve| at(curve, t + 0.02)).collect();
            assert!(apart(&wanted, &later)[0] > 2e-3, "another moment is seen to differ");
        }
    }
}

#[test]
fn it_shows_what_the_trainer_means() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("point_cloud.ply");
    let curves = curves(700, 1);
    save(&path, &curves);
    let foreign = open(&path, &two_seconds()).unwrap();
    let moments = [0.11, 0.95, 1.87];
    let wanted =
        moments.map(|seconds| (seconds, curves.iter().map(|curve| at(curve, seconds / 2.0)).collect()));
    let wanted = truth::performance(truth::whole(&foreign), &wanted);
    assert_shows("fourier", &clip(&path, &two_seconds(), Profile::Raw), &wanted, &moments);
}

#[test]
fn what_is_wrong_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("point_cloud.ply");
    save(&path, &curves(3, 0));
    let whole = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
    for (from, to, wanted) in [
        ("property float x016", "property float q016", "16 terms of x"),
        ("property float y003", "property float q003", "property y003"),
        ("property float scale_2", "property float scale_7", "property scale_2"),
        ("element vertex 3", "element vertex 0", "0 rows"),
        ("format binary_little_endian 1.0", "format ascii 1.0", "numbers as text"),
    ] {
        assert!(whole.contains(from));
        let bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let changed = [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat();
        let other = folder.path().join("other.ply");
        std::fs::write(&other, changed).unwrap();
        let error = open(&other, &ours()).unwrap_err().to_string();
        assert!(error.contains(wanted) && error.contains("other.ply"), "{to}: {error}");
    }
}

#[test]
fn damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("point_cloud.ply");
    save(&path, &curves(12, 0));
    let count =
        |path: &Path| Ok(open(path, &ours())?.whole().map_or(0, |whole| whole.performance.splats.len()));
    attack(&path, &path, Cut::Fails, &count);
}

/// `cargo test --release -p vivant-tests --test frames -- --ignored --nocapture fourier_speed`
#[test]
#[ignore = "a measurement"]
fn fourier_speed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("point_cloud.ply");
    save(&path, &curves(40_000, 3));
    let begun = std::time::Instant::now();
    let bytes = std::fs::read(&path).unwrap().len();
    let plain = begun.elapsed();
    let begun = std::time::Instant::now();
    let foreign = open(&path, &two_seconds()).unwrap();
    let splats = truth::whole(&foreign).splats.len();
    println!("fourier: {bytes} bytes, {splats} splats in {:?}; plain read {plain:?}", begun.elapsed());
    println!("{}", foreign.whole().unwrap().report);
}
