//! Checkpoints of Real-time 4D Gaussian Splatting.

use std::collections::HashMap;

use vivant::splat::{Performance, ShOrigin};
use vivant_convert::{Axes, Options};
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::pictures::{assert_shows, worst};
use vivant_tests::random::Random;
use vivant_tests::stage::clip_of;

use crate::formula::{self, Moment, of_model};
use crate::scene::{self, Trained, ball, column, wide};
use crate::writer::{Py, floats, save};
use crate::{count, open, whole};

/// What a checkpoint is besides its splats.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) turns: bool,
    /// Coefficients of `f_rest`: 15, 32 or 47.
    pub(crate) rest: usize,
    pub(crate) sh_degree_t: i64,
    /// How large the harmonics are; those that change with time.
    pub(crate) strength: [f32; 2],
}

const PLAIN: Kind = Kind { turns: true, rest: 15, sh_degree_t: 0, strength: [0.2, 0.0] };

/// `f_rest` of splat `index`.
pub(crate) fn rest(index: usize, kind: Kind) -> Vec<f32> {
    let mut random = Random::new(index as u64 + 1000);
    let strength = |at: usize| if at < 45 { kind.strength[0] } else { kind.strength[1] };
    (0..kind.rest * 3).map(|at| strength(at) * random.range(-1.0, 1.0)).collect()
}

/// `(gaussians.capture(), iteration)`.
pub(crate) fn checkpoint(splats: &[Trained], kind: Kind) -> Py {
    let rows = i64::try_from(splats.len()).unwrap();
    let parameter = |shape: &[i64], values: Vec<f32>| Py::Parameter(floats(shape, &values));
    let zeros = |shape: &[i64]| Py::Tensor(floats(shape, &vec![0.0; shape.iter().product::<i64>() as usize]));
    let all: Vec<f32> = (0..splats.len()).flat_map(|index| rest(index, kind)).collect();
    let optimiser = Py::Dict(vec![
        (
            Py::Text("state"),
            Py::Dict(vec![(Py::Int(0), Py::Dict(vec![(Py::Text("exp_avg"), zeros(&[rows, 3]))]))]),
        ),
        (Py::Text("param_groups"), Py::List(vec![Py::Dict(vec![(Py::Text("lr"), Py::Numpy(0.1))])])),
    ]);
    let right = if kind.turns { parameter(&[rows, 4], column(splats, |s| s.turns[1])) } else { zeros(&[0]) };
    Py::Tuple(vec![
        Py::Tuple(vec![
            Py::Int(3),
            parameter(&[rows, 3], column(splats, |s| s.mean)),
            parameter(&[rows, 1, 3], column(splats, |s| s.base)),
            parameter(&[rows, kind.rest as i64, 3], all),
            parameter(&[rows, 3], column(splats, |s| s.log_scale)),
            parameter(&[rows, 4], column(splats, |s| s.turns[0])),
            parameter(&[rows, 1], column(splats, |s| [s.logit])),
            zeros(&[rows]),
            zeros(&[rows, 1]),
            zeros(&[rows, 1]),
            zeros(&[rows, 1]),
            optimiser,
            Py::Numpy(5.25),
            parameter(&[rows, 1], column(splats, |s| [s.centre])),
            parameter(&[rows, 1], column(splats, |s| [s.log_length])),
            right,
            Py::Bool(kind.turns),
            zeros(&[0]),
            Py::Int(kind.sh_degree_t),
        ]),
        Py::Int(30_000),
    ])
}

/// A splat at a time of the file, which is `length` long.
fn formula(splat: &Trained, index: usize, kind: Kind, t: f64, length: f64, prefilter: f64) -> Moment {
    let [x, y, z] = wide(splat.log_scale).map(f64::exp);
    let stored = f64::from(splat.log_length).exp();
    let (variance, v, covariance) = if kind.turns {
        let rotation = formula::yang(wide(splat.turns[0]), wide(splat.turns[1]));
        formula::slice(&formula::sigma(&rotation, [x, y, z, stored]))
    } else {
        let [w, i, j, k] = wide(splat.turns[0]);
        (stored, [0.0; 3], formula::covariance([i, j, k, w], [x, y, z]))
    };
    let dt = t - f64::from(splat.centre);
    let marginal = (-0.5 * dt * dt / (variance + prefilter)).exp();
    let opacity = scene::sigmoid(splat.logit) * marginal;
    let all = rest(index, kind);
    let coefficient = |set: usize, at: usize| {
        let at = set * 48 + at;
        f64::from(if at < 3 { splat.base[at] } else { all[at - 3] })
    };
    let angle = std::f64::consts::TAU * -dt / length;
    let of = |at: usize| {
        let first = if kind.sh_degree_t > 0 { angle.cos() * coefficient(1, at) } else { 0.0 };
        let second = if kind.sh_degree_t > 1 { (2.0 * angle).cos() * coefficient(2, at) } else { 0.0 };
        coefficient(0, at) + first + second
    };
    Moment {
        mean: std::array::from_fn(|axis| f64::from(splat.mean[axis]) + v[axis] * dt),
        covariance,
        opacity: if marginal <= 0.05 || opacity < 1.0 / 255.0 { 0.0 } else { opacity },
        colour: [0, 1, 2].map(|channel| 0.5 + 0.282_094_791_773_878_14 * of(channel)),
        rest: (3..48).map(of).collect(),
    }
}

fn as_is() -> Options {
    Options { axes: Some(Axes::RUB), ..Options::default() }
}

/// The greatest distance of a performance of whole splats.
fn greatest(performance: &Performance, splats: &[Trained], kind: Kind, prefilter: f64) -> f64 {
    let mut far = 0.0_f64;
    for t in [0.0, 0.7, 3.3, 5.0, 9.97] {
        for (index, splat) in splats.iter().enumerate() {
            let wanted = formula(splat, index, kind, t, 10.0, prefilter);
            far = far.max(formula::distance(&of_model(performance, index, t), &wanted));
        }
    }
    far
}

#[test]
fn every_number_is_the_papers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chkpnt30000.pth");
    let splats = ball(500, 10.0, [1.0, 0.0, 0.0, 0.0], 1);
    std::fs::write(folder.path().join("cook.yaml"), "gaussian_dim: 4\ntime_duration: [0.0, 10.0]\n").unwrap();
    let still = Kind { turns: false, ..PLAIN };
    let full = Kind { rest: 47, sh_degree_t: 0, ..PLAIN };
    for kind in [PLAIN, still, full] {
        save(&path, &checkpoint(&splats, kind));
        let foreign = open(&path, &as_is()).unwrap();
        assert_eq!((foreign.format().name, foreign.frames()), ("yang-4dgs", 300));
        assert_eq!(foreign.info().appearance.sh_origin, ShOrigin::Rest);
        let report = whole(&foreign).report.to_string();
        assert!(report.contains("cook.yaml"), "{report}");
        let performance = &whole(&foreign).performance;
        let far = greatest(performance, &splats, kind, 0.0);
        assert!(far < 1e-5, "{kind:?}: {far}");
        // One for the other is far off.
        assert!(greatest(performance, &splats, Kind { turns: !kind.turns, ..kind }, 0.0) > 0.01);
        assert!(greatest(performance, &splats, kind, 0.5) > 0.01);
    }
    std::fs::write(folder.path().join("cfg_args"), "Namespace(prefilter_var=0.5, time_duration=[0.0, 10.0])")
        .unwrap();
    let foreign = open(&path, &as_is()).unwrap();
    let far = greatest(&whole(&foreign).performance, &splats, full, 0.5);
    assert!(far < 1e-5, "{far}");
}

#[test]
fn time_is_found_or_assumed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chkpnt_best.pth");
    let frames = |length: f32, options: &Options| {
        save(&path, &checkpoint(&ball(200, length, [1.0, 0.0, 0.0, 0.0], 1), PLAIN));
        let foreign = open(&path, options).unwrap();
        (foreign.frames(), whole(&foreign).report.to_string())
    };
    let (count, report) = frames(10.0, &as_is());
    assert!(count == 300 && report.contains("taken to run from 0 to 10"), "{report}");
    let (count, report) = frames(1.0, &as_is());
    assert!(
        count == 150 && report.contains("taken to run from 0 to 1") && report.contains("150 frames"),
        "{report}"
    );
    assert_eq!(frames(1.0, &Options { seconds: Some(4.0), ..as_is() }).0, 120);
    std::fs::write(folder.path().join("a.yaml"), "time_duration:\n- -0.5\n- 0.5\n").unwrap();
    save(&path, &checkpoint(&ball(200, 1.0, [1.0, 0.0, 0.0, 0.0], 1), PLAIN));
    let foreign = open(&path, &Options { seconds: Some(4.0), ..as_is() }).unwrap();
    let (performance, splats) = (&whole(&foreign).performance, ball(200, 1.0, [1.0, 0.0, 0.0, 0.0], 1));
    let wanted = (f64::from(splats[7].centre) + 0.5) * 4.0;
    assert!((performance.splats.life[7].t0 - wanted).abs() < 1e-6);
}

/// Colours that change: each splat's pieces, at any moment one, within what is promised.
#[test]
fn changing_colours_are_held_within_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chkpnt30000.pth");
    let mut splats = ball(300, 10.0, [1.0, 0.0, 0.0, 0.0], 5);
    splats[0].log_length = 40.0_f32.ln();
    let kind = Kind { rest: 47, sh_degree_t: 2, strength: [0.2, 0.04], ..PLAIN };
    save(&path, &checkpoint(&splats, kind));
    let foreign = open(&path, &as_is()).unwrap();
    let performance = &whole(&foreign).performance;
    let report = whole(&foreign).report.to_string();
    assert!(report.contains("pieces, whose colours are within 0.01"), "{report}");
    let pieces = performance.splats.len();
    assert!(pieces > 300 && pieces < 20_000, "{pieces}");
    let row_of: HashMap<[u32; 3], usize> =
        splats.iter().enumerate().map(|(row, splat)| (splat.mean.map(f32::to_bits), row)).collect();
    let error = |length: f64| {
        let (mut worst, mut shown) = (0.0_f64, 0);
        for t in [0.01, 1.7, 4.2, 5.0, 8.8] {
            let mut live = vec![0; splats.len()];
            for index in 0..pieces {
                let got = of_model(performance, index, t);
                if got.opacity <= 0.0 {
                    continue;
                }
                let row = row_of[&performance.splats.mean[index].map(f32::to_bits)];
                live[row] += 1;
                shown += 1;
                let wanted = formula(&splats[row], row, kind, t, length, 0.0);
                assert!((got.opacity - wanted.opacity).abs() < 1e-5, "{row} at {t}");
                // The most that sixteen harmonics make of a difference, in whatever direction.
                let channel = |channel: usize| {
                    let base = (got.colour[channel] - wanted.colour[channel]) / 0.282_094_791_773_878_14;
                    let part = |k: usize| (got.rest[k * 3 + channel] - wanted.rest[k * 3 + channel]).powi(2);
                    let length = (base * base + (0..15).map(part).sum::<f64>()).sqrt();
                    length * (16.0 / (4.0 * std::f64::consts::PI)).sqrt()
                };
                worst = worst.max(wanted.opacity * channel(0).max(channel(1)).max(channel(2)));
            }
            for (row, splat) in splats.iter().enumerate() {
                let wanted = formula(splat, row, kind, t, 10.0, 0.0).opacity > 0.0;
                assert_eq!(live[row], usize::from(wanted), "{row} at {t}");
            }
        }
        assert!(shown > 300);
        worst
    };
    assert!(error(10.0) < 1.0 / 64.0 + 1e-4, "{}", error(10.0));
    assert!(error(9.0) > 0.02);
}

#[test]
fn pictures_are_the_papers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chkpnt30000.pth");
    let mut splats = ball(4000, 10.0, [1.0, 0.0, 0.0, 0.0], 3);
    // A tenth of the drift: harmonics are seen from where a splat rests, which a still picture knows nothing of.
    splats.iter_mut().for_each(|splat| splat.turns[1] = [1.0, 0.0, 0.0, 0.0]);
    let kind = Kind { rest: 47, sh_degree_t: 1, strength: [0.0, 0.02], ..PLAIN };
    save(&path, &checkpoint(&splats, kind));
    let foreign = open(&path, &as_is()).unwrap();
    let times = [1.2, 5.0, 9.0];
    let seen = |shift: f64| {
        let at = |t: f64| {
            splats.iter().enumerate().map(|(i, s)| formula(s, i, kind, t + shift, 10.0, 0.0)).collect()
        };
        formula::performance(foreign.info(), &times.map(|t| (t, at(t))))
    };
    let clip = clip_of(&whole(&foreign).performance);
    assert_shows("4dgs", &clip, &seen(0.0), &times);
    if let Some(late) = worst("4dgs, late", &clip, &seen(0.7), &times) {
        assert!(late < 45.0, "{late}");
    }
}

#[test]
fn bad_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chkpnt30000.pth");
    let kind = Kind { rest: 47, sh_degree_t: 2, strength: [0.2, 0.05], ..PLAIN };
    save(&path, &checkpoint(&ball(20, 10.0, [1.0, 0.0, 0.0, 0.0], 4), kind));
    attack(&path, &path, Cut::Fails, &count);
}

/// The time of a conversion beside the plain read of the same bytes; run with `--ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chkpnt30000.pth");
    let kind = Kind { rest: 47, sh_degree_t: 2, strength: [0.1, 0.01], ..PLAIN };
    save(&path, &checkpoint(&ball(100_000, 10.0, [1.0, 0.0, 0.0, 0.0], 4), kind));
    let start = std::time::Instant::now();
    let bytes = std::fs::read(&path).unwrap().len();
    let plain = start.elapsed();
    let start = std::time::Instant::now();
    let foreign = open(&path, &Options::default()).unwrap();
    let report = &whole(&foreign).report;
    eprintln!("{} MB: read in {plain:?}, imported in {:?}: {report}", bytes / 1_000_000, start.elapsed());
}
