//! Axis conventions: place, shape and colour of turned and mirrored splats against formulas of the tests' own.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may fail, and its numbers are chosen to fit"
)]

mod ply_sheet;

use std::path::Path;

use ply_sheet::{ENCODINGS, Noise, Table, gaussians, write};
use vivant::splat::Splats;
use vivant_convert::{Axes, Options, ply};

fn import(folder: &Path, table: &Table, axes: Option<Axes>) -> Splats {
    let path = folder.join("axes.ply");
    write(&path, ENCODINGS[0], std::slice::from_ref(table));
    ply::read(&path, &Options { axes, ..Options::default() }).unwrap().splats
}

/// The colour of a splat seen along `direction`, from the formulas of the trainer's description.
fn colour(splats: &Splats, index: usize, [x, y, z]: [f64; 3]) -> [f64; 3] {
    let (xx, yy, zz) = (x * x, y * y, z * z);
    let basis = [
        -0.488_602_511_902_919_9 * y,
        0.488_602_511_902_919_9 * z,
        -0.488_602_511_902_919_9 * x,
        1.092_548_430_592_079_2 * x * y,
        -1.092_548_430_592_079_2 * y * z,
        0.315_391_565_252_520_05 * (2.0 * zz - xx - yy),
        -1.092_548_430_592_079_2 * x * z,
        0.546_274_215_296_039_6 * (xx - yy),
        -0.590_043_589_926_643_5 * y * (3.0 * xx - yy),
        2.890_611_442_640_554 * x * y * z,
        -0.457_045_799_464_465_8 * y * (4.0 * zz - xx - yy),
        0.373_176_332_590_115_4 * z * (2.0 * zz - 3.0 * xx - 3.0 * yy),
        -0.457_045_799_464_465_8 * x * (4.0 * zz - xx - yy),
        1.445_305_721_320_277 * z * (xx - yy),
        -0.590_043_589_926_643_5 * x * (xx - 3.0 * yy),
    ];
    let mut rgb = splats.colour[index].map(f64::from);
    for (value, coefficients) in basis.iter().zip(splats.sh_rest_of(index).chunks_exact(3)) {
        for (channel, coefficient) in rgb.iter_mut().zip(coefficients) {
            *channel += value * f64::from(*coefficient);
        }
    }
    rgb
}

/// `R·diag(s²)·Rᵀ` written out from the quaternion.
fn covariance(splats: &Splats, index: usize) -> glam::DMat3 {
    let [x, y, z, w] = splats.rotation[index].map(f64::from);
    let rotation = glam::DMat3::from_cols(
        glam::dvec3(1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y + w * z), 2.0 * (x * z - w * y)),
        glam::dvec3(2.0 * (x * y - w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z + w * x)),
        glam::dvec3(2.0 * (x * z + w * y), 2.0 * (y * z - w * x), 1.0 - 2.0 * (x * x + y * y)),
    );
    let scale = glam::DVec3::from_array(splats.scale[index].map(f64::from));
    rotation * glam::DMat3::from_diagonal(scale * scale) * rotation.transpose()
}

#[test]
fn all_48_axis_codes_turn_place_shape_and_colour() {
    let folder = tempfile::tempdir().unwrap();
    let mut codes = Vec::new();
    for a in ["r", "l", "u", "d", "b", "f"] {
        for b in ["r", "l", "u", "d", "b", "f"] {
            for c in ["r", "l", "u", "d", "b", "f"] {
                let code = format!("{a}{b}{c}");
                codes.extend(code.parse::<Axes>().ok().map(|axes| (code, axes)));
            }
        }
    }
    assert_eq!(codes.len(), 48);
    let arrow = |letter: char| match letter {
        'r' => glam::DVec3::X,
        'l' => glam::DVec3::NEG_X,
        'u' => glam::DVec3::Y,
        'd' => glam::DVec3::NEG_Y,
        'b' => glam::DVec3::Z,
        _ => glam::DVec3::NEG_Z,
    };
    for degree in [1, 3] {
        let table = gaussians(6, degree, 21);
        let before = import(folder.path(), &table, Some(Axes::RUB));
        for (code, axes) in &codes {
            let letters: Vec<char> = code.chars().collect();
            let turn = glam::DMat3::from_cols(arrow(letters[0]), arrow(letters[1]), arrow(letters[2]));
            let after = import(folder.path(), &table, Some(*axes));
            let mut noise = Noise(4);
            for index in 0..before.len() {
                let mean = turn * glam::DVec3::from_array(before.mean[index].map(f64::from));
                assert!(
                    (mean - glam::DVec3::from_array(after.mean[index].map(f64::from))).length() < 1e-9,
                    "{code}"
                );
                let wanted = turn * covariance(&before, index) * turn.transpose();
                let difference = wanted - covariance(&after, index);
                let error = difference.to_cols_array().iter().fold(0.0_f64, |worst, e| worst.max(e.abs()));
                let size = wanted.to_cols_array().iter().fold(0.0_f64, |worst, e| worst.max(e.abs()));
                assert!(error < size * 1e-5, "{code}: covariance off by {error} of {size}");
                for _ in 0..10 {
                    let direction = glam::dvec3(noise.next(), noise.next(), noise.next() + 1e-3)
                        .normalize_or(glam::DVec3::X);
                    let wanted = colour(&before, index, direction.to_array());
                    let got = colour(&after, index, (turn * direction).to_array());
                    for (wanted, got) in wanted.into_iter().zip(got) {
                        assert!((wanted - got).abs() < 2e-6, "{code} degree {degree}: {wanted} became {got}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_custom_of_ply_is_y_down_z_forward() {
    let folder = tempfile::tempdir().unwrap();
    let table = gaussians(3, 2, 8);
    let own = import(folder.path(), &table, Some(Axes::RUB));
    let ours = import(folder.path(), &table, None);
    let [x, y, z] = own.mean[1];
    assert_eq!(ours.mean[1], [x, -y, -z]);
}

#[test]
fn motion_turns_too() {
    let mut splats = Splats::new(0);
    let motion =
        vivant::splat::Motion { velocity: [1.0, 2.0, 3.0], spin: [0.0, 0.0, 0.0, 1.0], ..Default::default() };
    splats.push(&vivant::splat::Splat { motion, ..vivant::splat::Splat::DEFAULT }, &[]);
    Axes::RDF.apply(&mut splats);
    assert_eq!(splats.motion[0].velocity, [1.0, -2.0, -3.0]);
    // The turn is half about x, up to the sign that quaternions leave open.
    let dot: f32 = splats.motion[0].spin.iter().zip(splats.rotation[0]).map(|(a, b)| a * b).sum();
    assert!((dot - 1.0).abs() < 1e-6 && splats.rotation[0][0].abs() > 0.999_999);
}
