//! Spacetime Gaussians, lite: written as the trainer's `save_ply` does, in its order.

use std::path::Path;

use vivant::splat::Performance;
use vivant_convert::Options;
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::pictures::{assert_shows, worst};
use vivant_tests::random::Random;
use vivant_tests::stage::clip_of;

use crate::bytes::{numbered, ply};
use crate::seen::{self, Seen, ball, distance, of_model, unit};
use crate::{count, open, open_as_is, whole};

/// A splat as the file has it; quaternions wxyz.
pub(crate) struct Stored {
    pub(crate) mean: [f32; 3],
    pub(crate) centre: f32,
    pub(crate) log_width: f32,
    pub(crate) motion: [f32; 9],
    pub(crate) colour: [f32; 3],
    pub(crate) logit: f32,
    pub(crate) log_scale: [f32; 3],
    pub(crate) rot: [f32; 4],
    pub(crate) omega: [f32; 4],
}

pub(crate) fn scene(splats: u32) -> Vec<Stored> {
    let mut random = Random::new(501);
    let places = ball(splats, &mut random);
    let mut one = |(mean, [x, y, z, w], scale, colour): ([f32; 3], [f32; 4], [f32; 3], [f32; 3])| {
        // Quaternions as they are optimised: of any length.
        let length = random.range(0.3, 3.0);
        let long = random.below(3) == 0;
        Stored {
            mean,
            centre: random.range(-0.1, 1.1),
            log_width: if long { 3.0 } else { random.range(-2.0, 0.5) },
            motion: std::array::from_fn(|term| random.range(-1.0, 1.0) * [0.2, 0.1, 0.05][term / 3]),
            colour,
            logit: if random.below(10) == 0 { random.range(-1.0, 1.0) } else { random.range(2.0, 6.0) },
            log_scale: scale.map(f32::ln),
            rot: [w, x, y, z].map(|part| part * length),
            omega: [0; 4].map(|_| random.range(-0.4, 0.4)),
        }
    };
    places.into_iter().map(&mut one).collect()
}

pub(crate) fn names(colours: usize) -> Vec<String> {
    let first = ["x", "y", "z", "trbf_center", "trbf_scale", "nx", "ny", "nz"].map(str::to_owned);
    let middle = numbered("motion_", 9).chain(numbered("f_dc_", colours)).chain(["opacity".to_owned()]);
    let last = numbered("scale_", 3).chain(numbered("rot_", 4)).chain(numbered("omega_", 4));
    first.into_iter().chain(middle).chain(last).collect()
}

pub(crate) fn row(splat: &Stored, further_colours: &[f32]) -> Vec<f32> {
    let mut row = splat.mean.to_vec();
    row.extend([splat.centre, splat.log_width, 0.0, 0.0, 0.0]);
    row.extend(splat.motion);
    row.extend(splat.colour);
    row.extend(further_colours);
    row.push(splat.logit);
    row.extend(splat.log_scale);
    row.extend(splat.rot);
    row.extend(splat.omega);
    row
}

pub(crate) fn write(path: &Path, splats: &[Stored]) {
    let rows: Vec<Vec<f32>> = splats.iter().map(|splat| row(splat, &[])).collect();
    std::fs::write(path, ply(&[], &names(3), &rows)).unwrap();
}

/// The paper's formulas at `t` of the file; `sigma_factor` is 1 where they are right.
pub(crate) fn formula(splat: &Stored, t: f64, sigma_factor: f64) -> Seen {
    let wide = f64::from;
    let dt = t - wide(splat.centre);
    let mean = std::array::from_fn(|axis| {
        let term = |power: usize| wide(splat.motion[power * 3 + axis]);
        wide(splat.mean[axis]) + term(0) * dt + term(1) * dt * dt + term(2) * dt * dt * dt
    });
    let [w, x, y, z] = std::array::from_fn(|part| wide(splat.rot[part]) + wide(splat.omega[part]) * dt);
    let width = wide(splat.log_width).exp() * sigma_factor;
    Seen {
        mean,
        rotation: unit([x, y, z, w]),
        scale: splat.log_scale.map(|log| wide(log).exp()),
        opacity: 1.0 / (1.0 + (-wide(splat.logit)).exp()) * (-(dt / width).powi(2)).exp(),
        colour: splat.colour.map(wide),
        sh_rest: Vec::new(),
    }
}

/// Fifty frames at 30 a second.
const SECONDS: f64 = 50.0 / 30.0;

fn greatest(performance: &Performance, splats: &[Stored], sigma_factor: f64) -> f64 {
    let mut far = 0.0_f64;
    for t in [0.0, 0.1, 0.37, 0.9, 0.98] {
        for (index, splat) in splats.iter().enumerate() {
            let got = of_model(performance, index, t * SECONDS);
            far = far.max(distance(&got, &formula(splat, t, sigma_factor)));
        }
    }
    far
}

#[test]
fn every_number_is_the_papers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("point_cloud.ply");
    let splats = scene(500);
    write(&path, &splats);
    let foreign = open_as_is(&path).unwrap();
    assert_eq!(foreign.format().name, "stg-lite");
    assert_eq!(foreign.frames(), 50);
    let whole = whole(&foreign);
    let far = greatest(&whole.performance, &splats, 1.0);
    assert!(far < 3e-6, "{far}");
    // A half in the exponent, as other systems have it, is told apart.
    assert!(greatest(&whole.performance, &splats, std::f64::consts::SQRT_2) > 0.05);
    assert!(whole.report.to_string().contains("50 frames"), "{}", whole.report);
    // The user's own length.
    let options = Options { seconds: Some(10.0), ..Options::default() };
    let longer = open(&path, &options).unwrap();
    assert_eq!(longer.frames(), 300);
    let (a, b) = (&whole.performance.splats, &longer.whole().unwrap().performance.splats);
    assert!((a.motion[7].velocity[0] / b.motion[7].velocity[0] - 6.0).abs() < 1e-5);
    assert!((a.motion[7].cubic[0] / b.motion[7].cubic[0] - 216.0).abs() < 1e-3);
    // COLMAP's axes unless said otherwise.
    assert!((a.mean[3][1] + b.mean[3][1]).abs() < 1e-9);
}

#[test]
fn pictures_are_the_formulas() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("point_cloud.ply");
    let splats = scene(4000);
    write(&path, &splats);
    let foreign = open(&path, &Options::default()).unwrap();
    let times = [0.12, 0.5, 0.9];
    let seen = |shift: f64| {
        let at = |t: f64| splats.iter().map(|s| seen::from_rdf(&formula(s, t + shift, 1.0))).collect();
        seen::performance(foreign.info(), &times.map(|t| (t * SECONDS, at(t))))
    };
    let moments = times.map(|t| t * SECONDS);
    let clip = clip_of(&whole(&foreign).performance);
    assert_shows("stg-lite", &clip, &seen(0.0), &moments);
    if let Some(late) = worst("stg-lite, two frames late", &clip, &seen(0.04), &moments) {
        assert!(late < 45.0, "{late}");
    }
}

#[test]
fn bad_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("point_cloud.ply");
    write(&path, &scene(40));
    attack(&path, &path, Cut::Fails, &count);
    // A property of a run that is missing.
    let bytes = std::fs::read(&path).unwrap();
    let text = String::from_utf8_lossy(&bytes).replace("omega_2", "omega_x");
    std::fs::write(&path, text.as_bytes()).unwrap();
    let error = count(&path).unwrap_err().to_string();
    assert!(error.contains("omega_2") && error.contains("point_cloud.ply"), "{error}");
}
