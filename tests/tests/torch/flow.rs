//! Checkpoints of Gaussian-Flow, of both code bases, with all three kinds of series.

use std::f64::consts::TAU;

use vivant::splat::Performance;
use vivant_convert::{Axes, Options};
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::pictures::{assert_shows, worst};
use vivant_tests::random::Random;
use vivant_tests::stage::clip_of;

use crate::formula::{self, Moment, of_model};
use crate::scene::{self, Trained, ball, column, wide};
use crate::writer::{Py, floats, save};
use crate::{count, open, whole};

const SECONDS: f64 = 5.0;

/// What the last axis of a residual is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Both,
    Waves,
    Powers,
}

/// Factors of a residual: `[k][component][power, sine, cosine]`.
type Factors = Vec<Vec<[f32; 3]>>;

fn factors(random: &mut Random, count: usize, components: usize, size: f32, mode: Mode) -> Factors {
    let mut number = |on: bool, k: usize| if on { random.range(-size, size) / (1.0 + k as f32) } else { 0.0 };
    let mut one = |k| {
        [number(mode != Mode::Waves, k), number(mode != Mode::Powers, k), number(mode != Mode::Powers, k)]
    };
    (0..count).map(|k| (0..components).map(|_| one(k)).collect()).collect()
}

/// D(t) as the description has it.
fn residual(factors: &Factors, mode: Mode, component: usize, t: f64) -> f64 {
    let share = if mode == Mode::Powers { 1.0 } else { 1.0 / factors.len() as f64 };
    let term = |(k, row): (usize, &Vec<[f32; 3]>)| {
        let [a, f, g] = wide(row[component]);
        let angle = TAU * k as f64 * t;
        a * t.powi(k as i32) + f * angle.sin() + g * angle.cos()
    };
    share * factors.iter().enumerate().map(term).sum::<f64>()
}

struct Flow {
    splat: Trained,
    centre: f32,
    position: Factors,
    turn: Factors,
    colour: Factors,
}

fn scene(count: u32, mode: Mode) -> Vec<Flow> {
    let mut random = Random::new(9);
    let splats = ball(count, 1.0, [0.0; 4], 8);
    let mut one = |splat| Flow {
        splat,
        centre: random.range(-0.05, 0.05),
        position: factors(&mut random, 6, 3, 0.25, mode),
        turn: factors(&mut random, 4, 4, 0.5, mode),
        colour: factors(&mut random, 2, 3, 0.4, mode),
    };
    splats.into_iter().map(&mut one).collect()
}

fn packed(flows: &[Flow], of: impl Fn(&Flow) -> &Factors, mode: Mode) -> Py {
    let (rows, count, components) = (flows.len(), of(&flows[0]).len(), of(&flows[0])[0].len());
    let kept = match mode {
        Mode::Both => 0..3,
        Mode::Waves => 1..3,
        Mode::Powers => 0..1,
    };
    let values: Vec<f32> = flows
        .iter()
        .flat_map(|flow| of(flow).iter().flatten().flat_map(|f| f[kept.clone()].to_vec()))
        .collect();
    let mut shape = vec![rows as i64, count as i64, components as i64];
    if mode != Mode::Powers {
        shape.push(kept.len() as i64);
    }
    Py::Parameter(floats(&shape, &values))
}

fn rest_of(index: usize) -> Vec<f32> {
    let mut random = Random::new(index as u64);
    (0..45).map(|_| random.range(-0.1, 0.1)).collect()
}

/// The tuple of the first code base, or the dictionary of the second.
fn checkpoint(flows: &[Flow], mode: Mode, tuple: bool) -> Py {
    let rows = flows.len() as i64;
    let splats: Vec<Trained> = flows.iter().map(|flow| flow.splat.clone()).collect();
    let parameter = |shape: &[i64], values: Vec<f32>| Py::Parameter(floats(shape, &values));
    let zeros = |shape: &[i64]| Py::Tensor(floats(shape, &vec![0.0; shape.iter().product::<i64>() as usize]));
    let xyz = parameter(&[rows, 3], column(&splats, |s| s.mean));
    let base = parameter(&[rows, 1, 3], column(&splats, |s| s.base));
    let rest = parameter(&[rows, 15, 3], (0..flows.len()).flat_map(rest_of).collect());
    let scaling = parameter(&[rows, 3], column(&splats, |s| s.log_scale));
    let rotation = parameter(&[rows, 4], column(&splats, |s| s.turns[0]));
    let opacity = parameter(&[rows, 1], column(&splats, |s| [s.logit]));
    let centre = parameter(&[rows, 1], flows.iter().map(|flow| flow.centre).collect());
    let [position, turn, colour] = [
        packed(flows, |f| &f.position, mode),
        packed(flows, |f| &f.turn, mode),
        packed(flows, |f| &f.colour, mode),
    ];
    if !tuple {
        let named = [
            ("position", xyz),
            ("features", base),
            ("features_rest", rest),
            ("scaling", scaling),
            ("rotation", rotation),
            ("opacity", opacity),
            ("pos_params", position),
            ("rot_params", turn),
            ("feat_params", colour),
            ("time_center", centre),
        ];
        let named: Vec<(Py, Py)> = named.into_iter().map(|(name, value)| (Py::Text(name), value)).collect();
        return Py::Dict(vec![
            (Py::Text("global_step"), Py::Int(30_000)),
            (Py::Text("point_cloud"), Py::Ordered(named)),
        ]);
    }
    let optimiser =
        Py::Dict(vec![(Py::Text("state"), Py::Dict(vec![])), (Py::Text("param_groups"), Py::List(vec![]))]);
    let parts = vec![
        Py::Int(3),
        xyz,
        base,
        rest,
        scaling,
        rotation,
        opacity,
        zeros(&[rows]),
        zeros(&[rows, 1]),
        zeros(&[rows, 1]),
        optimiser,
        Py::Float(4.5),
        position,
        turn,
        zeros(&[rows, 2, 3, 3]),
        colour,
        zeros(&[rows, 2, 45, 3]),
        centre,
        zeros(&[rows, 1]),
    ];
    Py::Tuple(vec![Py::Tuple(parts), Py::Int(30_000)])
}

/// A splat at a time from 0 to 1.
fn formula(flow: &Flow, index: usize, mode: Mode, t: f64, [factor, offset]: [f64; 2]) -> Moment {
    let t = t * factor + offset - f64::from(flow.centre);
    let at = |of: &Factors, component: usize| residual(of, mode, component, t);
    let stored = wide(flow.splat.turns[0]);
    let [w, x, y, z]: [f64; 4] = std::array::from_fn(|part| stored[part] + at(&flow.turn, part));
    let base: [f64; 3] =
        std::array::from_fn(|channel| f64::from(flow.splat.base[channel]) + at(&flow.colour, channel));
    Moment {
        mean: std::array::from_fn(|axis| f64::from(flow.splat.mean[axis]) + at(&flow.position, axis)),
        covariance: formula::covariance([x, y, z, w], wide(flow.splat.log_scale).map(f64::exp)),
        opacity: scene::sigmoid(flow.splat.logit),
        colour: base.map(|dc| 0.5 + 0.282_094_791_773_878_14 * dc),
        rest: rest_of(index).into_iter().map(f64::from).collect(),
    }
}

/// How far positions and colours are off at most; at any moment each splat has exactly one piece.
fn greatest(performance: &Performance, flows: &[Flow], mode: Mode, map: [f64; 2]) -> [f64; 2] {
    let mut far = [0.0_f64; 2];
    for t in [0.0, 0.137, 0.45, 0.5, 0.733, 0.999] {
        let live: Vec<Moment> = (0..performance.splats.len())
            .map(|index| of_model(performance, index, t * SECONDS))
            .filter(|moment| moment.opacity > 0.0)
            .collect();
        assert_eq!(live.len(), flows.len(), "{t}");
        for (index, (got, flow)) in live.iter().zip(flows).enumerate() {
            let wanted = formula(flow, index, mode, t, map);
            let apart =
                |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            far[0] = far[0].max(apart(got.mean, wanted.mean));
            far[1] = far[1].max(apart(got.colour, wanted.colour) / 3.0_f64.sqrt());
            let [got_size, size] =
                [got, &wanted].map(|m| (m.covariance[0] + m.covariance[3] + m.covariance[5]).sqrt());
            // The outline moves no farther than the centre may.
            let turned: f64 =
                got.covariance.iter().zip(wanted.covariance).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!((got_size / size - 1.0).abs() < 1e-5 && turned.sqrt() < 4.0 * (1e-3 * size).sqrt());
            assert_eq!(got.rest.len(), 45);
        }
    }
    far
}

fn options(bound: f32) -> Options {
    Options { axes: Some(Axes::RUB), seconds: Some(SECONDS), bound: Some(bound), ..Options::default() }
}

#[test]
fn pieces_stay_within_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chkpnt30000.pth");
    for mode in [Mode::Both, Mode::Waves, Mode::Powers] {
        for tuple in [true, false] {
            let flows = scene(150, mode);
            save(&path, &checkpoint(&flows, mode, tuple));
            let map = if tuple { [0.8, 0.1] } else { [0.7, 0.1] };
            for bound in [1e-3, 1e-4] {
                let foreign = open(&path, &options(bound)).unwrap();
                assert_eq!((foreign.format().name, foreign.frames()), ("gaussian-flow", 150));
                let report = whole(&foreign).report.to_string();
                let [far, colour] = greatest(&whole(&foreign).performance, &flows, mode, map);
                let pieces = whole(&foreign).performance.splats.len();
                eprintln!("{mode:?} {tuple} {bound}: {pieces} pieces, {far}, {colour}: {report}");
                assert!(far <= f64::from(bound) * 1.05 + 1e-6 && colour <= 1.05 / 255.0, "{far} {colour}");
                assert!(
                    report.contains("pieces of cubic paths: within") && report.contains("configurations"),
                    "{report}"
                );
            }
            let foreign = open(&path, &options(1e-3)).unwrap();
            let [far, _] = greatest(&whole(&foreign).performance, &flows, mode, [0.75, 0.1]);
            assert!(far > 3e-3, "{far}");
        }
    }
}

#[test]
fn settings_beside_the_file_are_used_and_still_splats_stay_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chkpnt30000.pth");
    let mut flows = scene(100, Mode::Both);
    for flow in &mut flows[..50] {
        for factors in [&mut flow.position, &mut flow.turn, &mut flow.colour] {
            factors.iter_mut().flatten().for_each(|factors| *factors = factors.map(|factor| factor * 1e-5));
        }
    }
    save(&path, &checkpoint(&flows, Mode::Both, false));
    std::fs::write(
        folder.path().join("lego.yaml"),
        "point_cloud:\n  rescale_value: 0.9\n  offset_value: 0.05\n",
    )
    .unwrap();
    let foreign = open(&path, &options(1e-3)).unwrap();
    let [far, _] = greatest(&whole(&foreign).performance, &flows, Mode::Both, [0.9, 0.05]);
    assert!(far < 1.05e-3, "{far}");
    let still = whole(&foreign).performance.splats.life.iter().take(50);
    assert!(still.clone().all(|life| life.start == i64::MIN && life.end == i64::MAX));
}

#[test]
fn pictures_are_the_papers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chkpnt30000.pth");
    let mut flows = scene(3000, Mode::Both);
    // The whole ball sways, and its splats a little.
    let sway = factors(&mut Random::new(1), 6, 3, 0.6, Mode::Both);
    for flow in &mut flows {
        flow.centre = 0.0;
        for (own, sway) in flow.position.iter_mut().flatten().zip(sway.iter().flatten()) {
            *own = std::array::from_fn(|kind| own[kind] * 0.05 + sway[kind]);
        }
    }
    save(&path, &checkpoint(&flows, Mode::Both, true));
    let foreign = open(&path, &options(2e-4)).unwrap();
    let times = [0.1, 0.5, 0.9];
    let seen = |shift: f64| {
        let at = |t: f64| {
            flows.iter().enumerate().map(|(i, f)| formula(f, i, Mode::Both, t + shift, [0.8, 0.1])).collect()
        };
        formula::performance(foreign.info(), &times.map(|t| (t * SECONDS, at(t))))
    };
    let clip = clip_of(&whole(&foreign).performance);
    let moments = times.map(|t| t * SECONDS);
    assert_shows("gaussian-flow", &clip, &seen(0.0), &moments);
    if let Some(late) = worst("gaussian-flow, late", &clip, &seen(0.01), &moments) {
        assert!(late < 45.0, "{late}");
    }
}

#[test]
fn bad_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chkpnt30000.pth");
    save(&path, &checkpoint(&scene(12, Mode::Both), Mode::Both, true));
    attack(&path, &path, Cut::Fails, &count);
}

/// The time of a conversion beside the plain read of the same bytes; run with `--ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chkpnt30000.pth");
    save(&path, &checkpoint(&scene(20_000, Mode::Both), Mode::Both, true));
    let start = std::time::Instant::now();
    let bytes = std::fs::read(&path).unwrap().len();
    let plain = start.elapsed();
    let start = std::time::Instant::now();
    let foreign = open(&path, &Options::default()).unwrap();
    let report = &whole(&foreign).report;
    eprintln!("{} MB: read in {plain:?}, imported in {:?}: {report}", bytes / 1_000_000, start.elapsed());
}
