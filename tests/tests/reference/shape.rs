//! What a splat looks like alone: its Gaussian, the low-pass filter, how it turns and shears.

use glam::DQuat;
use vivant::reference::{Options, render};
use vivant::splat::{Antialias, Appearance, Splat};
use vivant::view::{Fov, View};

use super::{FOCAL, NOW, SIZE, at, close, draw, forward, set};

#[test]
fn a_round_splat_is_the_gaussian_it_should_be() {
    let splat = Splat {
        mean: [0.0, 0.0, -2.0],
        scale: [0.125; 3],
        opacity: 0.75,
        colour: [0.25, 0.5, 1.5],
        ..Splat::DEFAULT
    };
    let picture = draw(&[splat], &forward());
    let variance = (FOCAL * 0.125 / 2.0).powi(2) + 0.3;
    let mut drawn = 0;
    for row in 0..SIZE {
        for column in 0..SIZE {
            let (dx, dy) = (f64::from(column) - 32.0, f64::from(row) - 32.0);
            let alpha = 0.75 * (-0.5 * (dx * dx + dy * dy) / variance).exp();
            let alpha = if alpha < 1.0 / 255.0 { 0.0 } else { alpha };
            let found = at(&picture, column, row);
            for (channel, colour) in [0.25, 0.5, 1.5, 1.0].into_iter().enumerate() {
                close(found[channel], alpha * colour);
            }
            let depth = picture.depth[(row * SIZE + column) as usize];
            if alpha > 0.0 {
                drawn += 1;
                close(depth, 2.0);
            } else {
                assert!(depth.is_infinite());
            }
        }
    }
    assert!(drawn > 100 && drawn < 400, "{drawn} pixels drawn");
}

#[test]
fn the_low_pass_filter_is_the_clips() {
    let splat = Splat { mean: [0.0, 0.0, -2.0], scale: [0.1; 3], ..Splat::DEFAULT };
    for (antialias, low_pass) in [(Antialias::None, 0.0), (Antialias::Dilate, 0.3)] {
        let appearance = Appearance { antialias, ..Appearance::default() };
        let options = Options { appearance, ..Options::default() };
        let picture = render(&[&set(&[splat])], NOW, &forward(), SIZE, SIZE, &options).unwrap();
        let variance = (FOCAL * f64::from(0.1_f32) / 2.0).powi(2) + low_pass;
        close(at(&picture, 35, 32)[3], (-4.5 / variance).exp());
    }
}

#[test]
fn a_turned_splat_leans_the_way_it_is_turned() {
    // A needle along +X, turned 30° about +Z (towards the viewer), points up and to the right.
    let angle = 30.0_f64.to_radians();
    let rotation = DQuat::from_rotation_z(angle).to_array().map(|v| v as f32);
    let splat = Splat { mean: [0.0, 0.0, -2.0], rotation, scale: [0.5, 0.125, 0.25], ..Splat::DEFAULT };
    let picture = draw(&[splat], &forward());
    let unit = FOCAL / 2.0;
    let (long, short) = ((0.5 * unit).powi(2), (0.125 * unit).powi(2));
    let (sin, cos) = angle.sin_cos();
    let xx = long * cos * cos + short * sin * sin + 0.3;
    let yy = long * sin * sin + short * cos * cos + 0.3;
    // Rows count downwards, so what rises to the right has a negative covariance.
    let xy = -(long - short) * sin * cos;
    for (column, row) in [(38, 32), (32, 38), (38, 29), (26, 35), (38, 35), (40, 27)] {
        let (dx, dy) = (f64::from(column) - 32.0, f64::from(row) - 32.0);
        let square = (yy * dx * dx - 2.0 * xy * dx * dy + xx * dy * dy) / (xx * yy - xy * xy);
        close(at(&picture, column, row)[3], 0.99_f64.min((-0.5 * square).exp()));
    }
    assert!(at(&picture, 38, 29)[3] > 2.0 * at(&picture, 38, 35)[3]);
}

#[test]
fn a_splat_beside_the_axis_is_sheared_and_the_shear_is_held() {
    // J V Jᵀ of a round splat at tangents (x, y) is (f·s/z)² · [1 + x², −xy; −xy, 1 + y²], with rows downwards.
    let expect = |x: f64, y: f64, held: [f64; 2], (dx, dy): (f64, f64)| {
        let unit = (FOCAL * 0.25 / 1.0_f64).powi(2);
        let xx = unit * (1.0 + held[0] * held[0]) + 0.3;
        let yy = unit * (1.0 + held[1] * held[1]) + 0.3;
        let xy = -unit * held[0] * held[1];
        let (dx, dy) = (dx - FOCAL * (x + 1.0), dy - FOCAL * (1.0 - y));
        let square = (yy * dx * dx - 2.0 * xy * dx * dy + xx * dy * dy) / (xx * yy - xy * xy);
        0.99_f64.min((-0.5 * square).exp())
    };
    for (x, y, held) in [
        (0.5, 0.75, [0.5, 0.75]),
        (-0.75, 0.5, [-0.75, 0.5]),
        // Outside the view by less and by more than 1.3.
        (1.25, 0.0, [1.25, 0.0]),
        (1.5, -1.375, [1.3, -1.3]),
        (-1.625, 0.25, [-1.3, 0.25]),
    ] {
        let mean = [x as f32, y as f32, -1.0];
        let splat = Splat { mean, scale: [0.25; 3], ..Splat::DEFAULT };
        let picture = draw(&[splat], &forward());
        let mut drawn = 0;
        for row in 0..SIZE {
            for column in 0..SIZE {
                let wanted = expect(x, y, held, (f64::from(column) + 0.5, f64::from(row) + 0.5));
                let wanted = if wanted < 1.0 / 255.0 { 0.0 } else { wanted };
                close(at(&picture, column, row)[3], wanted);
                drawn += u32::from(wanted > 0.0);
            }
        }
        assert!(drawn > 20, "at {x}, {y}: {drawn} pixels");
    }
}

#[test]
fn the_hold_is_about_the_middle_of_an_asymmetric_view() {
    // Tangents −0.5 … 2: middle 0.75, half 1.25, held at 0.75 ± 1.625.
    let fov = Fov { left: (-0.5_f64).atan(), right: 2.0_f64.atan(), ..forward().fov };
    let view = View { fov, ..forward() };
    let splat = Splat { mean: [-1.25, 0.0, -1.0], scale: [0.25; 3], ..Splat::DEFAULT };
    let picture = render(&[&set(&[splat])], NOW, &view, 100, 65, &Options::default()).unwrap();
    let focal = 40.0;
    let variance = (focal * 0.25_f64).powi(2) * (1.0 + 0.875 * 0.875) + 0.3;
    let offset: f64 = 0.5 - focal * (-1.25 + 0.5);
    close(at(&picture, 0, 32)[3], (-0.5 * offset * offset / variance).exp());
}
