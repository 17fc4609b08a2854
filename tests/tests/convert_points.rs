//! Bare points become splats that cover what was scanned.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may fail, and its numbers are chosen to fit"
)]

mod ply_sheet;

use ply_sheet::Noise;
use vivant::splat::Splats;
use vivant_convert::{Axes, Imported, Options, ply};

/// The file's own axes.
fn as_is() -> Options {
    Options { axes: Some(Axes::RUB), ..Options::default() }
}

/// What is left of the background at each pixel of a 512² orthographic picture along −z of the square ±`half`.
fn transmittance(splats: &Splats, half: f32) -> Vec<f32> {
    const SIZE: usize = 512;
    let mut left = vec![1.0_f32; SIZE * SIZE];
    let pixels = SIZE as f32 / (2.0 * half);
    for index in 0..splats.len() {
        let splat = splats.get(index);
        let sigma = splat.scale[0] * pixels;
        let [x, y] = [0, 1].map(|axis| (splat.mean[axis] + half) * pixels - 0.5);
        let reach = (3.0 * sigma).ceil();
        let span = |centre: f32| {
            ((centre - reach).max(0.0) as usize)..=((centre + reach).clamp(0.0, 511.0) as usize)
        };
        for row in span(y) {
            for column in span(x) {
                let square = (row as f32 - y).powi(2) + (column as f32 - x).powi(2);
                left[row * SIZE + column] *= 1.0 - splat.opacity * (-0.5 * square / (sigma * sigma)).exp();
            }
        }
    }
    left
}

#[test]
fn scanned_surfaces_have_no_holes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.ply");
    let mut noise = Noise(9);
    // A depth camera's grid with noise, and a surface sampled at random.
    let mut grid = Vec::new();
    for row in 0..150 {
        for column in 0..150 {
            let place = |number: i32, noise: &mut Noise| {
                ((f64::from(number) + 0.4 * noise.next()) / 75.0 - 1.0) as f32
            };
            grid.push([place(column, &mut noise), place(row, &mut noise), 0.002 * noise.next() as f32]);
        }
    }
    let random: Vec<[f32; 3]> =
        (0..30_000).map(|_| [noise.next() as f32, noise.next() as f32, 0.0]).collect();
    for (name, points, open) in [("grid", grid, 0.0), ("random", random, 0.02)] {
        ply::write_points(&path, &points, &vec![[255; 3]; points.len()]).unwrap();
        let Imported { splats, .. } = ply::read(&path, &as_is()).unwrap();
        let left = transmittance(&splats, 0.9);
        let holes = left.iter().filter(|left| **left > 0.1).count() as f64 / left.len() as f64;
        let mean = left.iter().map(|left| f64::from(*left)).sum::<f64>() / left.len() as f64;
        assert!(holes <= open, "{name}: {:.4} of the pixels show more than 10 % of the background", holes);
        assert!(mean < 0.02, "{name}: {mean} shines through");
        // And yet not a blur: the size follows the spacing, 1/75 or 2/√30000.
        let mut sizes: Vec<f32> = splats.scale.iter().map(|scale| scale[0]).collect();
        sizes.sort_by(f32::total_cmp);
        let median = sizes[sizes.len() / 2];
        assert!((0.004..0.016).contains(&median), "{name}: {median}");
    }
}

#[test]
fn points_have_sensible_sizes_in_odd_clouds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.ply");
    let sizes = |points: &[[f32; 3]]| {
        ply::write_points(&path, points, &vec![[9; 3]; points.len()]).unwrap();
        let splats = ply::read(&path, &as_is()).unwrap().splats;
        assert_eq!(splats.len(), points.len());
        assert!(splats.scale.iter().all(|[x, y, z]| x == y && y == z && *x > 0.0 && x.is_finite()));
        splats.scale.iter().map(|scale| scale[0]).collect::<Vec<f32>>()
    };
    assert_eq!(sizes(&[[1.0; 3]]), [0.01]);
    assert_eq!(sizes(&[[1.0; 3]; 50]), [0.01; 50]);
    let mut grid: Vec<[f32; 3]> =
        (0..400_u16).map(|n| [f32::from(n % 20) * 0.01, f32::from(n / 20) * 0.01, 0.0]).collect();
    grid.push([80.0, 0.0, 0.0]);
    let with_stray = sizes(&grid);
    assert!(with_stray[400] < 0.05, "a stray point became a balloon of {}", with_stray[400]);
    assert!((0.004..0.012).contains(&with_stray[210]), "{}", with_stray[210]);
}
