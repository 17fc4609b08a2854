//! Dumps of Temporal Gaussian Hierarchy, and the same splats as Yang has them.

use std::path::Path;

use vivant_convert::{Axes, Options};
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::pictures::{assert_shows, worst};
use vivant_tests::stage::clip_of;

use crate::formula::{self, Moment, of_model};
use crate::numpy::{self, Npy};
use crate::scene::{self, Trained, ball, column, wide};
use crate::yang::Kind;
use crate::{count, open, whole, writer, yang};

const SECONDS: f64 = 6.0;
const UPRIGHT: [f32; 4] = [1.0, 0.0, 0.0, 0.0];
const KIND: Kind = Kind { turns: true, rest: 15, sh_degree_t: 0, strength: [0.2, 0.0] };

fn arrays(splats: &[Trained]) -> Vec<(String, Npy)> {
    let rows = splats.len();
    let rest: Vec<f32> = (0..rows).flat_map(|index| yang::rest(index, KIND)).collect();
    let named = |name: &str, shape: &[usize], values: Vec<f32>| {
        let shape: Vec<usize> = std::iter::once(rows).chain(shape.iter().copied()).collect();
        (format!("model.gaussians.{name}"), Npy::f32(&shape, &values))
    };
    vec![
        named("_xyz", &[3], column(splats, |s| s.mean)),
        named("_t", &[1], column(splats, |s| [s.centre])),
        named("_scaling", &[3], column(splats, |s| s.log_scale)),
        named("_scaling_t", &[1], column(splats, |s| [s.log_length])),
        named("_rotation_l", &[4], column(splats, |s| s.turns[0])),
        named("_rotation_r", &[4], column(splats, |s| s.turns[1])),
        named("_opacity", &[1], column(splats, |s| [s.logit])),
        named("_features_dc", &[1, 3], column(splats, |s| s.base)),
        named("_features_rest", &[15, 3], rest),
    ]
}

fn save(path: &Path, arrays: &[(String, Npy)]) {
    let named: Vec<(&str, Npy)> = arrays.iter().map(|(name, array)| (name.as_str(), array.clone())).collect();
    numpy::save(path, &named, false);
}

/// A splat at a time from 0 to 1; `window` is where its segment lies.
fn formula(splat: &Trained, index: usize, t: f64, window: Option<[f64; 2]>) -> Moment {
    let [x, y, z] = wide(splat.log_scale).map(f64::exp);
    let [l, r] = splat.turns.map(|turn| formula::unit(wide(turn)));
    let sigma = formula::sigma(&formula::hierarchy(l, r), [x, y, z, f64::from(splat.log_length).exp()]);
    let (variance, v, covariance) = formula::slice(&sigma);
    let dt = t - f64::from(splat.centre);
    let marginal = (-0.5 * dt * dt / variance).exp();
    let opacity = scene::sigmoid(splat.logit) * marginal;
    let live = window.map_or(marginal >= 0.05, |[start, end]| start <= t && t < end);
    Moment {
        mean: std::array::from_fn(|axis| f64::from(splat.mean[axis]) + v[axis] * dt),
        covariance,
        opacity: if live && opacity >= 1.0 / 255.0 { opacity } else { 0.0 },
        colour: scene::base_colour(splat.base),
        rest: yang::rest(index, KIND).into_iter().map(f64::from).collect(),
    }
}

fn as_is() -> Options {
    Options { axes: Some(Axes::RUB), seconds: Some(SECONDS), ..Options::default() }
}

const TIMES: [f64; 5] = [0.003, 0.21, 0.48, 0.77, 0.98];

#[test]
fn every_number_is_the_papers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latest.npz");
    let splats = ball(500, 1.0, UPRIGHT, 1);
    save(&path, &arrays(&splats));
    let foreign = open(&path, &as_is()).unwrap();
    assert_eq!((foreign.format().name, foreign.frames()), ("tgh", 180));
    let performance = &whole(&foreign).performance;
    let mut far = 0.0_f64;
    let mut other = 0.0_f64;
    for t in TIMES {
        for (index, splat) in splats.iter().enumerate() {
            let got = of_model(performance, index, t * SECONDS);
            far = far.max(formula::distance(&got, &formula(splat, index, t, None)));
            other = other.max(formula::distance(&got, &formula(splat, index, t + 0.05, None)));
        }
    }
    assert!(far < 1e-5 && other > 0.05, "{far} {other}");
}

/// Segments of a hierarchy of three levels; the fourth length is no level of anyone's.
#[test]
fn splats_are_there_while_their_segment_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latest.npz");
    let splats = ball(400, 1.0, UPRIGHT, 2);
    let lengths = [0.25_f64, 0.125, 0.0625];
    let place = |splat: &Trained| {
        let variance = {
            let [l, r] = splat.turns.map(|turn| formula::unit(wide(turn)));
            let [x, y, z] = wide(splat.log_scale).map(f64::exp);
            let sigma =
                formula::sigma(&formula::hierarchy(l, r), [x, y, z, f64::from(splat.log_length).exp()]);
            formula::slice(&sigma).0
        };
        let reach = (-2.0 * 0.05_f64.ln() * variance).sqrt();
        let centre = f64::from(splat.centre);
        let (low, high) = ((centre - reach).clamp(0.0, 1.0), (centre + reach).clamp(0.0, 1.0));
        let fits = |length: &f64| (low / length).floor() as i64 == (high / length).floor() as i64;
        lengths
            .iter()
            .rposition(fits)
            .map_or((-1, 0), |level| (level as i64, (low / lengths[level]).floor() as i64))
    };
    let mut splats = splats;
    splats.iter_mut().for_each(|splat| splat.log_length -= 2.5);
    let placed: Vec<(i64, i64)> = splats.iter().map(place).collect();
    assert!((-1..3).all(|level| placed.iter().filter(|(own, _)| *own == level).count() > 10), "{placed:?}");
    let mut all = arrays(&splats);
    let whole_numbers = |values: Vec<i64>| {
        Npy::new("<i8", &[values.len()], values.iter().flat_map(|v| v.to_le_bytes()).collect())
    };
    all.push(("hierarchy.level".to_owned(), whole_numbers(placed.iter().map(|(level, _)| *level).collect())));
    all.push((
        "hierarchy.segment".to_owned(),
        whole_numbers(placed.iter().map(|(_, segment)| *segment).collect()),
    ));
    all.push((
        "hierarchy.seg_len".to_owned(),
        Npy::new("<f8", &[3], lengths.iter().flat_map(|v| v.to_le_bytes()).collect()),
    ));
    all.push(("volulab.meta".to_owned(), Npy::f32(&[2], &[180.0, 30.0])));
    save(&path, &all);
    let foreign = open(&path, &Options { axes: Some(Axes::RUB), ..Options::default() }).unwrap();
    assert_eq!(foreign.frames(), 180);
    let performance = &whole(&foreign).performance;
    let mut faint = 0;
    for t in TIMES {
        for (index, splat) in splats.iter().enumerate() {
            let (level, segment) = placed[index];
            let length = usize::try_from(level).map_or(f64::INFINITY, |level| lengths[level]);
            let window = if level < 0 {
                [-9.0, 9.0]
            } else {
                [segment as f64 * length, (segment + 1) as f64 * length]
            };
            let wanted = formula(splat, index, t, Some(window));
            faint += i32::from(wanted.opacity > 0.0 && formula(splat, index, t, None).opacity <= 0.0);
            let far = formula::distance(&of_model(performance, index, t * SECONDS), &wanted);
            assert!(far < 1e-4, "{index} at {t}: {far}");
        }
    }
    // Some show though their envelope is below what they were placed by.
    assert!(faint > 0);
    // A level that is none.
    let last = all.len() - 4;
    all[last].1 = whole_numbers(vec![7; splats.len()]);
    save(&path, &all);
    let error = count(&path).unwrap_err().to_string();
    assert!(error.contains("latest.npz") && error.contains("hierarchy.level"), "{error}");
}

#[test]
fn yangs_splats_are_the_same_with_other_signs() {
    let folder = tempfile::tempdir().unwrap();
    let mut splats = ball(300, 1.0, UPRIGHT, 6);
    splats.iter_mut().zip(0..).for_each(|(splat, index)| {
        let angle = index as f32;
        splat.turns = [[angle.cos(), 0.3, -0.2, angle.sin()], [0.5, angle.sin(), 0.4, -angle.cos()]];
    });
    let path = folder.path().join("chkpnt30000.pth");
    writer::save(&path, &yang::checkpoint(&splats, KIND));
    let yang = open(&path, &as_is()).unwrap();
    splats.iter_mut().for_each(|splat| {
        let [[a, b, c, d], [p, q, r, s]] = splat.turns;
        splat.turns = [[a, -b, c, -d], [p, -q, r, s]];
    });
    let path = folder.path().join("latest.npz");
    save(&path, &arrays(&splats));
    let hierarchy = open(&path, &as_is()).unwrap();
    let [a, b] = [&yang, &hierarchy].map(|foreign| &whole(foreign).performance);
    for index in 0..splats.len() {
        for seconds in [0.1, 2.5, 5.9] {
            let far = formula::distance(&of_model(a, index, seconds), &of_model(b, index, seconds));
            assert!(far < 1e-5, "{index}: {far}");
        }
    }
}

#[test]
fn pictures_are_the_papers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latest.npz");
    let splats = ball(4000, 1.0, UPRIGHT, 3);
    let mut all = arrays(&splats);
    all[8].1 = Npy::f32(&[4000, 0, 3], &[]);
    save(&path, &all);
    let foreign = open(&path, &as_is()).unwrap();
    let times = [0.1, 0.5, 0.9];
    let seen = |shift: f64| {
        let at = |t: f64| {
            let plain = |(index, splat): (usize, &Trained)| Moment {
                rest: vec![],
                ..formula(splat, index, t + shift, None)
            };
            splats.iter().enumerate().map(plain).collect()
        };
        formula::performance(foreign.info(), &times.map(|t| (t * SECONDS, at(t))))
    };
    let clip = clip_of(&whole(&foreign).performance);
    let moments = times.map(|t| t * SECONDS);
    assert_shows("tgh", &clip, &seen(0.0), &moments);
    if let Some(late) = worst("tgh, late", &clip, &seen(0.06), &moments) {
        assert!(late < 45.0, "{late}");
    }
}

#[test]
fn bad_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latest.npz");
    let splats = ball(20, 1.0, UPRIGHT, 4);
    save(&path, &arrays(&splats));
    attack(&path, &path, Cut::Fails, &count);
}
