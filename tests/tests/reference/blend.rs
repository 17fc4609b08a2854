//! What a pixel makes of its splats: order, blending, colour towards the view, background.

use glam::DVec3;
use vivant::reference::{Options, render};
use vivant::splat::{Splat, Splats};

use super::{NOW, SIZE, at, brightest, close, draw, forward, same, set};

#[test]
fn depth_and_colour_share_their_weights() {
    let near = Splat { mean: [0.0, 0.0, -1.0], opacity: 0.5, colour: [1.0, 0.0, 0.0], ..Splat::DEFAULT };
    let far = Splat { mean: [0.0, 0.0, -3.0], opacity: 0.8, colour: [0.0, 1.0, 0.0], ..Splat::DEFAULT };
    let far_alpha = f64::from(0.8_f32);
    for order in [[near, far], [far, near]] {
        let picture = draw(&order, &forward());
        let centre = at(&picture, 32, 32);
        close(centre[0], 0.5);
        close(centre[1], 0.5 * far_alpha);
        close(centre[3], 1.0 - 0.5 * (1.0 - far_alpha));
        let depth = picture.depth[(32 * SIZE + 32) as usize];
        close(depth, (0.5 * 1.0 + 0.5 * far_alpha * 3.0) / (0.5 + 0.5 * far_alpha));
    }
}

#[test]
fn order_is_radial_and_can_be_shared() {
    // By depth along the axis the first is nearer, by distance the second.
    let beside = Splat {
        mean: [0.6, 0.0, -1.0],
        scale: [0.4; 3],
        opacity: 0.5,
        colour: [1.0, 0.0, 0.0],
        ..Splat::DEFAULT
    };
    let ahead = Splat { mean: [0.0, 0.0, -1.1], colour: [0.0, 1.0, 0.0], ..beside };
    let splats = set(&[beside, ahead]);
    let draw = |order_from| {
        let options = Options { order_from, ..Options::default() };
        render(&[&splats], NOW, &forward(), SIZE, SIZE, &options).unwrap()
    };
    let own = draw(None);
    let shared = draw(Some(DVec3::new(0.5, 0.0, 0.0)));
    same(&own, &draw(Some(DVec3::ZERO)));
    let [own, shared] = [at(&own, 32, 32), at(&shared, 32, 32)];
    close(own[1], 0.5);
    assert!(own[0] < 0.25 && shared[0] > own[0] && shared[1] < 0.5, "{own:?} {shared:?}");
    close(own[3], shared[3]);
}

#[test]
fn equal_distances_keep_their_order() {
    let first = Splat { mean: [0.0, 0.0, -1.0], opacity: 0.5, colour: [1.0, 0.0, 0.0], ..Splat::DEFAULT };
    let second = Splat { colour: [0.0, 1.0, 0.0], ..first };
    let centre = at(&draw(&[first, second], &forward()), 32, 32);
    close(centre[0], 0.5);
    close(centre[1], 0.25);
}

#[test]
fn one_splat_never_hides_everything() {
    let wall = Splat { mean: [0.0, 0.0, -1.0], scale: [1.0; 3], colour: [1.0; 3], ..Splat::DEFAULT };
    let picture = draw(&[wall], &forward());
    close(at(&picture, 32, 32)[3], 0.99);
    let faint = Splat { opacity: 0.0039, ..wall };
    assert!(draw(&[faint], &forward()).rgba.iter().all(|&pixel| pixel == [0.0; 4]));
}

/// The real harmonics 1 to 15 from their textbook factors, in the order and with the signs of 3DGS.
fn textbook(x: f64, y: f64, z: f64) -> [f64; 15] {
    let root = |numerator: f64, factor: f64| factor * (numerator / std::f64::consts::PI).sqrt();
    let r2 = x * x + y * y + z * z;
    [
        -root(3.0, 0.5) * y,
        root(3.0, 0.5) * z,
        -root(3.0, 0.5) * x,
        root(15.0, 0.5) * x * y,
        -root(15.0, 0.5) * y * z,
        root(5.0, 0.25) * (3.0 * z * z - r2),
        -root(15.0, 0.5) * x * z,
        root(15.0, 0.25) * (x * x - y * y),
        -root(35.0 / 2.0, 0.25) * y * (3.0 * x * x - y * y),
        root(105.0, 0.5) * x * y * z,
        -root(21.0 / 2.0, 0.25) * y * (5.0 * z * z - r2),
        root(7.0, 0.25) * z * (5.0 * z * z - 3.0 * r2),
        -root(21.0 / 2.0, 0.25) * x * (5.0 * z * z - r2),
        root(105.0, 0.25) * z * (x * x - y * y),
        -root(35.0 / 2.0, 0.25) * x * (x * x - 3.0 * y * y),
    ]
}

#[test]
fn harmonics_of_every_degree_have_their_value() {
    for degree in 1..=3_u8 {
        let count = usize::from(degree + 1).pow(2) - 1;
        for coefficient in 0..count {
            let mut rest = vec![0.0; count * 3];
            rest[coefficient * 3..][..3].copy_from_slice(&[0.25, -0.125, 0.0625]);
            for mean in [[0.75, 0.5, -1.0], [-0.25, 0.5, -1.0], [0.5, -0.75, -1.25]] {
                let splat = Splat { mean, colour: [1.0; 3], scale: [0.1; 3], opacity: 0.5, ..Splat::DEFAULT };
                let mut splats = Splats::new(degree);
                splats.push(&splat, &rest);
                let picture = render(&[&splats], NOW, &forward(), SIZE, SIZE, &Options::default()).unwrap();
                let (column, row) = brightest(&picture);
                let [r, g, b, a] = at(&picture, column, row);
                // The direction from the view, at the origin, to the mean.
                let [x, y, z] = DVec3::from_array(mean.map(f64::from)).normalize_or_zero().to_array();
                let value = textbook(x, y, z)[coefficient];
                close(r / a, 1.0 + 0.25 * value);
                close(g / a, 1.0 - 0.125 * value);
                close(b / a, 1.0 + 0.0625 * value);
            }
        }
    }
}

#[test]
fn colours_stop_at_zero_and_not_at_one() {
    let splat = Splat { mean: [0.0, 0.0, -1.0], colour: [1.75, -0.5, 0.25], opacity: 0.5, ..Splat::DEFAULT };
    let mut splats = Splats::new(1);
    // Y_2 towards −Z is −C1.
    splats.push(&splat, &[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    let picture = render(&[&splats], NOW, &forward(), SIZE, SIZE, &Options::default()).unwrap();
    let [r, g, b, _] = at(&picture, 32, 32);
    close(r, 0.875);
    assert_eq!((g, b), (0.0, 0.0));
}

#[test]
fn a_background_shows_through_what_is_left() {
    let splat = Splat { mean: [0.0, 0.0, -1.0], opacity: 0.75, colour: [1.0, 0.5, 0.0], ..Splat::DEFAULT };
    let options = Options { background: Some([0.2, 0.4, 0.6]), ..Options::default() };
    let picture = render(&[&set(&[splat])], NOW, &forward(), SIZE, SIZE, &options).unwrap();
    let centre = at(&picture, 32, 32);
    for (found, wanted) in centre.into_iter().zip([0.75 + 0.05, 0.375 + 0.1, 0.15, 1.0]) {
        close(found, wanted);
    }
    assert_eq!(at(&picture, 0, 0), [0.2, 0.4, 0.6, 1.0]);
    // The same as compositing afterwards.
    let open = draw(&[splat], &forward()).image().over([0.2, 0.4, 0.6]);
    for (a, b) in open.pixels.iter().flatten().zip(picture.image().pixels.iter().flatten()) {
        assert!((a - b).abs() < 1e-6);
    }
}
