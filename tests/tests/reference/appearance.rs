//! What each choice of an appearance makes of a splat, by numbers worked out here from its formula.

use std::f64::consts::TAU;

use glam::{DQuat, DVec2, DVec3};
use vivant::reference::{Moment, Options, Rendering, render, render_mixed};
use vivant::splat::{Antialias, Appearance, ColourDomain, Kernel, Life, Motion, ShOrigin, Splat, Splats};
use vivant::view::{Fov, View};

use super::{FOCAL, NOW, SIZE, at, close, forward, set};

const PLAIN: Appearance = Appearance {
    antialias: Antialias::Dilate,
    sh_origin: ShOrigin::Moving,
    kernel: Kernel::Gaussian,
    colour_domain: ColourDomain::Encoded,
};

fn filtered(antialias: Antialias) -> Appearance {
    Appearance { antialias, ..PLAIN }
}

/// A splat alone, seen along the axis, which stands `right` and `below` px of the middle pixel's centre.
fn shifted(splat: Splat, appearance: Appearance, right: f64, below: f64) -> Rendering {
    let tangent = |px: f64| (px / FOCAL).atan();
    let fov = Fov {
        left: tangent(-FOCAL - right),
        right: tangent(FOCAL - right),
        up: tangent(FOCAL + below),
        down: tangent(below - FOCAL),
    };
    let options = Options { appearance, ..Options::default() };
    render(&[&set(&[splat])], NOW, &View { fov, ..forward() }, SIZE, SIZE, &options).unwrap()
}

/// A round splat on the axis with a deviation of `px`.
fn round(px: f64, opacity: f32) -> Splat {
    Splat { mean: [0.0, 0.0, -1.0], scale: [(px / FOCAL) as f32; 3], opacity, ..Splat::DEFAULT }
}

fn sum(picture: &Rendering) -> f64 {
    picture.rgba.iter().map(|pixel| pixel[3]).sum()
}

#[test]
fn small_splats_are_as_opaque_as_their_filter_says() {
    // λ = 0.1 px², a fifth of a pixel beside the middle pixel's centre; all by hand.
    let splat = round(0.1_f64.sqrt(), 0.9);
    let alpha =
        |antialias| at(&shifted(splat, filtered(antialias), 0.2, 0.0), 32, 32)[3] / f64::from(0.9_f32);
    close(alpha(Antialias::None), (-0.2_f64).exp());
    close(alpha(Antialias::Dilate), (-0.05_f64).exp());
    close(alpha(Antialias::Mip), 0.5 * (-0.1_f64).exp());
    // 2π·0.1 · [Φ(2.2136) − Φ(−0.9487)] · [Φ(1.5811) − Φ(−1.5811)] with the logistic Φ.
    close(alpha(Antialias::PixelIntegral), 0.454_008_412_7);
    let factor = alpha(Antialias::None) / alpha(Antialias::PixelIntegral);
    assert!((factor - 1.8).abs() < 0.01, "point sampling shows {factor} times as much");
}

#[test]
fn what_a_filter_keeps_of_a_splat() {
    // Over all places a pixel has for it, a splat of a quarter px: its integral is 2π σ² of its opacity.
    let splat = round(0.25, 1.0);
    let whole = TAU * 0.0625;
    let places = (0..64).map(|place| (f64::from(place % 8) / 8.0, f64::from(place / 8) / 8.0));
    let sums = |antialias| -> Vec<f64> {
        places.clone().map(|(x, y)| sum(&shifted(splat, filtered(antialias), x, y)) / whole).collect()
    };
    let mean = |sums: &[f64]| sums.iter().sum::<f64>() / sums.len() as f64;
    let spread = |sums: &[f64]| {
        sums.iter().copied().fold(0.0, f64::max) - sums.iter().copied().fold(f64::INFINITY, f64::min)
    };
    // The filter's own splat is cut at 1/255, and alpha at 0.99: two percent.
    let mip = sums(Antialias::Mip);
    assert!((mean(&mip) - 1.0).abs() < 0.02 && spread(&mip) < 0.45, "{} {}", mean(&mip), spread(&mip));
    let integral = sums(Antialias::PixelIntegral);
    assert!((mean(&integral) - 1.0).abs() < 0.02 && spread(&integral) < 0.1, "{}", spread(&integral));
    // Not so: point samples flicker, and 0.3 px² more make it nearly six times as large.
    let none = sums(Antialias::None);
    assert!((mean(&none) - 1.0).abs() < 0.05 && spread(&none) > 2.0, "{} {}", mean(&none), spread(&none));
    assert!(mean(&sums(Antialias::Dilate)) > 5.0);
}

#[test]
fn a_large_splat_looks_the_same_under_every_filter() {
    let picture = |antialias| shifted(round(9.0, 0.8), filtered(antialias), 0.3, 0.1);
    let none = picture(Antialias::None);
    for antialias in [Antialias::Dilate, Antialias::Mip, Antialias::PixelIntegral] {
        let other = picture(antialias);
        let worst = none.rgba.iter().zip(&other.rgba).map(|(a, b)| (a[3] - b[3]).abs()).fold(0.0, f64::max);
        assert!(worst > 0.0 && worst < 0.01, "{antialias:?}: {worst}");
    }
}

#[test]
fn the_integral_turns_with_the_ellipse() {
    // A needle at 45°, thinner than a pixel: what it covers depends little on where it lies. (Not at all only along the
    // pixels' own sides, where the windows of neighbours meet.)
    let rotation = DQuat::from_rotation_z(0.25 * std::f64::consts::PI).to_array().map(|v| v as f32);
    let scale = [4.0 / FOCAL, 0.15 / FOCAL, 0.15 / FOCAL].map(|v| v as f32);
    let needle = Splat { mean: [0.0, 0.0, -1.0], rotation, scale, ..Splat::DEFAULT };
    let sums = |antialias| [0.0, 0.25, 0.5].map(|x| sum(&shifted(needle, filtered(antialias), x, 0.0)));
    let whole = TAU * 4.0 * 0.15;
    let integral = sums(Antialias::PixelIntegral);
    assert!(integral.iter().all(|sum| (sum / whole - 1.0).abs() < 0.2), "{integral:?} of {whole}");
    let [least, .., most] = sums(Antialias::None);
    assert!(least > 1.5 * most || most > 1.5 * least, "point samples: {least} {most}");
}

/// Alpha and depth of a disc by a plane and a ray.
fn disc(splat: &Splat, axes: [DVec3; 2], column: u32, row: u32) -> (f64, f64) {
    let mean = DVec3::from_array(splat.mean.map(f64::from));
    let px = DVec2::new(f64::from(column) + 0.5, f64::from(row) + 0.5);
    let ray = DVec3::new(px.x / FOCAL - 1.0, 1.0 - px.y / FOCAL, -1.0);
    let normal = axes[0].cross(axes[1]);
    let met = ray * (normal.dot(mean) / normal.dot(ray)) - mean;
    let s = [0, 1].map(|axis| met.dot(axes[axis]) / f64::from(splat.scale[axis]));
    let in_disc = s[0] * s[0] + s[1] * s[1];
    let centre = DVec2::new(mean.x / -mean.z + 1.0, 1.0 - mean.y / -mean.z) * FOCAL;
    let in_filter = 2.0 * px.distance_squared(centre);
    let depth = if in_disc <= in_filter { -(mean + met).z } else { -mean.z };
    let alpha = 0.99_f64.min(f64::from(splat.opacity) * (-0.5 * in_disc.min(in_filter)).exp());
    if alpha < 1.0 / 255.0 { (0.0, f64::INFINITY) } else { (alpha, depth) }
}

#[test]
fn a_surfel_is_where_rays_meet_it() {
    // Facing, leaning, nearly edge on; beside the axis; and too small for any ray but the filter's.
    for (turn, mean, scale) in [
        (0.0, [0.0, 0.0, -2.0], [0.3, 0.2, 0.5]),
        (1.0, [0.25, -0.25, -2.0], [0.5, 0.25, 0.5]),
        (-1.4, [-0.5, 0.125, -1.5], [0.4, 0.5, 0.001]),
        (1.55, [0.0, 0.5, -2.0], [0.5, 0.5, 0.5]),
        (0.7, [0.0, 0.0, -2.0], [0.001, 0.002, 0.5]),
    ] {
        let turned = DQuat::from_rotation_y(turn) * DQuat::from_rotation_z(0.4);
        let rotation = turned.to_array().map(|v| v as f32);
        let kept = DQuat::from_array(rotation.map(f64::from)).normalize();
        let axes = [kept * DVec3::X, kept * DVec3::Y];
        let splat = Splat { mean, rotation, scale, opacity: 0.9, ..Splat::DEFAULT };
        let appearance = Appearance { kernel: Kernel::Surfel, ..PLAIN };
        let options = Options { appearance, ..Options::default() };
        let picture = render(&[&set(&[splat])], NOW, &forward(), SIZE, SIZE, &options).unwrap();
        let (mut drawn, mut depths) = (0, Vec::new());
        for row in 0..SIZE {
            for column in 0..SIZE {
                let (alpha, depth) = disc(&splat, axes, column, row);
                close(at(&picture, column, row)[3], alpha);
                if alpha > 0.0 {
                    drawn += 1;
                    let found = picture.depth[(row * SIZE + column) as usize];
                    close(found, depth);
                    depths.push(found);
                }
            }
        }
        assert!(drawn > 4, "turned by {turn}: {drawn} pixels");
        let far = depths.iter().copied().fold(0.0, f64::max) - depths.iter().copied().fold(9.0, f64::min);
        assert!(turn == 0.0 || scale[0] < 0.01 || far > 0.05, "turned by {turn}: {far} m deep");
    }
}

#[test]
fn a_disc_that_reaches_behind_the_eye_is_still_drawn() {
    // A floor 5 m wide, 20 cm under the eye, whose middle is 1 m ahead.
    let rotation = DQuat::from_rotation_x(-std::f64::consts::FRAC_PI_2).to_array().map(|v| v as f32);
    let floor = Splat { mean: [0.0, -0.25, -1.0], rotation, scale: [5.0, 5.0, 0.01], ..Splat::DEFAULT };
    let options =
        Options { appearance: Appearance { kernel: Kernel::Surfel, ..PLAIN }, ..Options::default() };
    let picture = render(&[&set(&[floor])], NOW, &forward(), SIZE, SIZE, &options).unwrap();
    // The ray through row 48 falls 16 px in 32.5: it meets the floor 0.5078 m ahead.
    close(picture.depth[(48 * SIZE + 32) as usize], 0.25 * FOCAL / 16.0);
    assert!(at(&picture, 32, 48)[3] > 0.98, "the floor is there");
    assert!(at(&picture, 32, 10)[3] < 0.01, "the sky is not");
}

#[test]
fn harmonics_look_at_where_a_splat_is_or_was() {
    let splat = Splat {
        mean: [0.5, 0.0, -1.0],
        colour: [0.5; 3],
        opacity: 0.5,
        life: Life { t0: 1.0, ..Life::ALWAYS },
        motion: Motion { velocity: [-1.0, 0.0, 0.0], ..Motion::default() },
        ..Splat::DEFAULT
    };
    let mut splats = Splats::new(1);
    // Y_3 is −C1·x of the direction.
    splats.push(&splat, &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    let moment = Moment { tick: 1500, seconds: 1.5 };
    let red = |sh_origin| {
        let options = Options { appearance: Appearance { sh_origin, ..PLAIN }, ..Options::default() };
        let [red, .., alpha] =
            at(&render(&[&splats], moment, &forward(), SIZE, SIZE, &options).unwrap(), 32, 32);
        red / alpha
    };
    // Half a second after t0 it stands straight ahead; at t0 it stood to the right.
    close(red(ShOrigin::Moving), 0.5);
    close(red(ShOrigin::Rest), 0.5 - 0.488_602_511_9 * 0.5 / 1.25_f64.sqrt());
}

#[test]
fn linear_light_is_brighter_between_two_colours() {
    let near = Splat { mean: [0.0, 0.0, -1.0], opacity: 0.5, colour: [1.0, 0.0, 0.5], ..Splat::DEFAULT };
    let far = Splat { mean: [0.0, 0.0, -2.0], colour: [0.0, 1.0, 0.5], scale: [0.5; 3], ..near };
    let linear = Appearance { colour_domain: ColourDomain::Linear, ..PLAIN };
    let draw = |background, appearances: [Appearance; 2]| {
        let sets = [set(&[near]), set(&[far])];
        let sets = [(&sets[0], appearances[0]), (&sets[1], appearances[1])];
        let options = Options { background, ..Options::default() };
        let picture = render_mixed(&sets, NOW, &forward(), SIZE, SIZE, &options).unwrap();
        at(&picture, 32, 32)
    };
    let encode = |v: f64| 1.055 * v.powf(1.0 / 2.4) - 0.055;
    let [red, green, blue, alpha] = draw(None, [linear; 2]);
    close(alpha, 0.75);
    close(red / alpha, encode(0.5 / 0.75));
    close(green / alpha, encode(0.25 / 0.75));
    close(blue / alpha, encode(0.5));
    let [red, ..] = draw(None, [PLAIN; 2]);
    close(red, 0.5);
    // The first set's domain is the picture's, and each keeps its colours; behind it the background shows as it is.
    let decoded = ((0.5 + 0.055) / 1.055_f64).powf(2.4);
    close(draw(None, [linear, PLAIN])[2] / alpha, encode((0.5 * 0.5 + 0.25 * decoded) / 0.75));
    close(draw(None, [PLAIN, linear])[2], 0.5 * 0.5 + 0.25 * encode(0.5));
    close(draw(Some([0.25, 0.0, 0.0]), [linear; 2])[0], 0.75 * encode(0.5 / 0.75) + 0.25 * 0.25);
}
