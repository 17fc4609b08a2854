//! The reference renderer against pictures that are known without it: each expected value is worked out here by hand
//! from the definition, so that everything else may be held against the reference.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test may panic; its constants fit"
)]

mod appearance;
mod blend;
mod place;
mod shape;

use glam::{DMat4, DVec3};
use vivant::reference::{Moment, Options, Rendering, render};
use vivant::splat::{Life, Splat, Splats};
use vivant::view::{Fov, View};

/// An odd size, so that a pixel's centre lies on the axis.
const SIZE: u32 = 65;
const NOW: Moment = Moment { tick: 0, seconds: 0.0 };

fn set(splats: &[Splat]) -> Splats {
    let mut set = Splats::new(0);
    splats.iter().for_each(|splat| set.push(splat, &[]));
    set
}

/// At the origin, looking along −Z, with tangents ±1 both ways: 32.5 pixels a unit of tangent at [`SIZE`].
fn forward() -> View {
    let quarter = std::f64::consts::FRAC_PI_4;
    let fov = Fov { left: -quarter, right: quarter, up: quarter, down: -quarter };
    View { position: [0.0; 3], orientation: [0.0, 0.0, 0.0, 1.0], fov }
}

const FOCAL: f64 = 32.5;

fn draw(splats: &[Splat], view: &View) -> Rendering {
    render(&[&set(splats)], NOW, view, SIZE, SIZE, &Options::default()).unwrap()
}

fn at(picture: &Rendering, column: u32, row: u32) -> [f64; 4] {
    picture.rgba[(row * picture.width + column) as usize]
}

/// Column and row of the pixel with the most alpha.
fn brightest(picture: &Rendering) -> (u32, u32) {
    let pixels = 0..picture.width * picture.height;
    let alpha = |pixel: u32| at(picture, pixel % picture.width, pixel / picture.width)[3];
    let best = pixels.max_by(|&a, &b| alpha(a).total_cmp(&alpha(b))).unwrap();
    assert!(alpha(best) > 0.0, "the picture is empty");
    (best % picture.width, best / picture.width)
}

/// Without the thousands of numbers `assert_eq` would print.
#[track_caller]
fn same(a: &Rendering, b: &Rendering) {
    let differ = a.rgba.iter().zip(&b.rgba).position(|(a, b)| a != b);
    assert!(a == b, "the pictures differ, first at pixel {differ:?}");
}

#[track_caller]
fn close(found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= 1e-6 * wanted.abs().max(1.0), "{found} is not {wanted}");
}

#[test]
fn splats_that_are_no_numbers_do_not_show() {
    let fine = Splat { mean: [0.0, 0.0, -1.0], opacity: 0.5, ..Splat::DEFAULT };
    let wanted = draw(&[fine], &forward());
    for broken in [
        Splat { mean: [f32::NAN, 0.0, -1.0], ..fine },
        Splat { mean: [0.0, 0.0, f32::NEG_INFINITY], ..fine },
        Splat { scale: [f32::INFINITY; 3], ..fine },
        Splat { opacity: f32::NAN, ..fine },
        Splat { colour: [f32::NAN; 3], ..fine },
        Splat { rotation: [f32::NAN; 4], ..fine },
        Splat { life: Life { sigma_t: f32::NAN, ..Life::ALWAYS }, ..fine },
    ] {
        same(&draw(&[broken, fine], &forward()), &wanted);
    }
}

#[test]
fn views_and_sizes_that_make_no_picture_are_refused() {
    let splats = set(&[Splat::DEFAULT]);
    let draw = |view: View, width, height, options: Options| {
        render(&[&splats], NOW, &view, width, height, &options).unwrap_err().to_string()
    };
    let options = Options::default();
    assert!(draw(forward(), 0, 8, options).contains("no pixels"));
    assert!(draw(forward(), 8, 20_000, options).contains("limit of 16384"));
    let fov = forward().fov;
    for fov in [
        Fov { left: fov.right, right: fov.left, ..fov },
        Fov { up: fov.down, ..fov },
        Fov { right: 1.6, ..fov },
        Fov { down: f64::NAN, ..fov },
    ] {
        assert!(draw(View { fov, ..forward() }, 8, 8, options).contains("makes no picture"));
    }
    let flat = Options { world_from_object: DMat4::from_scale(DVec3::new(1.0, 0.0, 1.0)), ..options };
    assert!(draw(forward(), 8, 8, flat).contains("invertible"));
}
