//! Checkpoints of 4D-Rotor Gaussian Splatting.

use vivant_convert::{Axes, Options};
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::pictures::{assert_shows, worst};
use vivant_tests::random::Random;
use vivant_tests::stage::clip_of;

use crate::formula::{self, Moment, of_model};
use crate::scene::{self, Trained, ball, column, wide};
use crate::writer::{Py, floats, save};
use crate::{count, open, whole};

const SECONDS: f64 = 10.0;

/// Harmonics of splat `index`, as the file has them.
fn rest(index: usize, coefficients: usize) -> Vec<f32> {
    let mut random = Random::new(index as u64);
    (0..coefficients * 3).map(|_| random.range(-0.2, 0.2)).collect()
}

fn checkpoint(splats: &[Trained], coefficients: usize, prefix: &'static [&'static str; 9]) -> Py {
    let rows = i64::try_from(splats.len()).unwrap();
    let all: Vec<f32> = (0..splats.len()).flat_map(|index| rest(index, coefficients)).collect();
    let coefficients = i64::try_from(coefficients).unwrap();
    let columns = [
        (vec![rows, 3], column(splats, |s| s.mean)),
        (vec![rows, 1], column(splats, |s| [s.centre])),
        (vec![rows, 3], column(splats, |s| s.log_scale)),
        (vec![rows, 1], column(splats, |s| [s.log_length])),
        (vec![rows, 4], column(splats, |s| s.turns[0])),
        (vec![rows, 4], column(splats, |s| s.turns[1])),
        (vec![rows, 1, 3], column(splats, |s| s.base)),
        (vec![rows, coefficients, 3], all),
        (vec![rows, 1], column(splats, |s| [s.logit])),
    ];
    let named = prefix
        .iter()
        .zip(columns)
        .map(|(name, (shape, values))| (Py::Text(name), Py::Tensor(floats(&shape, &values))));
    let mut pipeline: Vec<(Py, Py)> = named.collect();
    pipeline.push((Py::Text("_model.device_indicator_param"), Py::Parameter(floats(&[0], &[]))));
    Py::Dict(vec![
        (Py::Text("step"), Py::Int(29_999)),
        (Py::Text("pipeline"), Py::Ordered(pipeline)),
        (Py::Text("optimizers"), Py::Dict(vec![])),
        (Py::Text("scalers"), Py::Dict(vec![])),
    ])
}

const NAMES: [&str; 9] = [
    "_model.gauss_params.xyz",
    "_model.gauss_params.t",
    "_model.gauss_params.scales_xyz",
    "_model.gauss_params.scales_t",
    "_model.gauss_params.quats1",
    "_model.gauss_params.quats2",
    "_model.gauss_params.features_dc",
    "_model.gauss_params.features_rest",
    "_model.gauss_params.opacities",
];

const OTHERS: [&str; 9] = [
    "module.xyz",
    "module.t",
    "module.scales_xyz",
    "module.scales_t",
    "module.quats1",
    "module.quats2",
    "module.features_dc",
    "module.features_rest",
    "module.opacities",
];

/// A splat at a time, by the paper; with the rotor normalised if the trainer had called that.
fn formula(splat: &Trained, index: usize, coefficients: usize, t: f64, normalise: bool) -> Moment {
    let [first, second] = splat.turns.map(wide);
    let (first, second) = if normalise { formula::normalised(first, second) } else { (first, second) };
    let [x, y, z] = wide(splat.log_scale).map(f64::exp);
    let sigma = formula::sigma(&formula::rotor(first, second), [x, y, z, f64::from(splat.log_length).exp()]);
    let (variance, v, covariance) = formula::slice(&sigma);
    let dt = t - f64::from(splat.centre);
    let exponent = 0.5 * dt * dt / variance;
    let opacity = if exponent >= 16.0 { 0.0 } else { scene::sigmoid(splat.logit) * (-exponent).exp() };
    Moment {
        mean: std::array::from_fn(|axis| f64::from(splat.mean[axis]) + v[axis] * dt),
        covariance,
        // Nothing draws what is fainter.
        opacity: if opacity < 1.0 / 255.0 { 0.0 } else { opacity },
        colour: scene::base_colour(splat.base),
        rest: rest(index, coefficients).into_iter().map(f64::from).collect(),
    }
}

fn as_is() -> Options {
    Options { axes: Some(Axes::RUB), ..Options::default() }
}

#[test]
fn every_number_is_the_papers() {
    let folder = tempfile::tempdir().unwrap();
    let splats = ball(500, 10.0, [0.0; 4], 1);
    for (names, coefficients) in [(&NAMES, 15), (&OTHERS, 8), (&OTHERS, 0)] {
        let path = folder.path().join("step-000029999.ckpt");
        save(&path, &checkpoint(&splats, coefficients, names));
        let foreign = open(&path, &as_is()).unwrap();
        assert_eq!(foreign.format().name, "4d-rotor");
        assert_eq!(foreign.frames(), 300);
        let performance = &whole(&foreign).performance;
        let far = |normalise: bool| {
            let mut far = 0.0_f64;
            for t in [0.0, 0.7, 3.3, 5.0, 9.97] {
                for (index, splat) in splats.iter().enumerate() {
                    let wanted = formula(splat, index, coefficients, t, normalise);
                    far = far.max(formula::distance(&of_model(performance, index, t), &wanted));
                }
            }
            far
        };
        assert!(far(false) < 1e-5, "{}", far(false));
        assert!(far(true) > 0.01);
    }
}

#[test]
fn time_may_run_from_0_to_1_and_the_axes_are_nerfstudios() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ckpt");
    let splats = ball(300, 1.0, [0.0; 4], 2);
    save(&path, &checkpoint(&splats, 0, &NAMES));
    let foreign = open(&path, &Options { seconds: Some(SECONDS), ..Options::default() }).unwrap();
    assert_eq!(foreign.frames(), 300);
    let report = whole(&foreign).report.to_string();
    assert!(report.contains("from 0 to 1"), "{report}");
    let performance = &whole(&foreign).performance;
    for (index, splat) in splats.iter().enumerate().take(50) {
        let wanted = formula(splat, index, 0, 0.5, false);
        let got = of_model(performance, index, 5.0);
        let [x, y, z] = wanted.mean;
        assert!((got.opacity - wanted.opacity).abs() < 1e-5);
        assert!(got.mean.iter().zip([x, z, -y]).all(|(got, wanted)| (got - wanted).abs() < 1e-5));
    }
}

#[test]
fn pictures_are_the_papers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ckpt");
    let splats = ball(4000, 10.0, [0.0; 4], 3);
    save(&path, &checkpoint(&splats, 0, &NAMES));
    let foreign = open(&path, &as_is()).unwrap();
    let times = [1.2, 5.0, 9.0];
    let seen = |shift: f64| {
        let at =
            |t: f64| splats.iter().enumerate().map(|(i, s)| formula(s, i, 0, t + shift, false)).collect();
        formula::performance(foreign.info(), &times.map(|t| (t, at(t))))
    };
    let clip = clip_of(&whole(&foreign).performance);
    assert_shows("4d-rotor", &clip, &seen(0.0), &times);
    if let Some(late) = worst("4d-rotor, late", &clip, &seen(0.7), &times) {
        assert!(late < 45.0, "{late}");
    }
}

#[test]
fn bad_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ckpt");
    let splats = ball(30, 10.0, [0.0; 4], 4);
    save(&path, &checkpoint(&splats, 15, &NAMES));
    attack(&path, &path, Cut::Fails, &count);
    let mut broken = checkpoint(&splats, 15, &NAMES);
    let Py::Dict(items) = &mut broken else { panic!("a dictionary") };
    let Py::Ordered(pipeline) = &mut items[1].1 else { panic!("a dictionary") };
    pipeline[0].1 = Py::Tensor(floats(&[29, 3], &[0.0; 87]));
    save(&path, &broken);
    let error = count(&path).unwrap_err().to_string();
    assert!(error.contains("a.ckpt") && error.contains("29 splats"), "{error}");
    // A checkpoint of nothing known says what it holds.
    save(&path, &Py::Dict(vec![(Py::Text("weights"), Py::Tensor(floats(&[1], &[0.0])))]));
    let error = count(&path).unwrap_err().to_string();
    assert!(error.contains("a.ckpt") && error.contains("weights"), "{error}");
    save(&path, &Py::Raw(b"cos\nsystem\n.".to_vec()));
    let error = count(&path).unwrap_err().to_string();
    assert!(error.contains("a.ckpt") && error.contains("os.system"), "{error}");
}
