//! Where a splat stands in the picture: the view, the eyes, depth, the clip's own transform, motion and time.

use glam::{DMat4, DQuat, DVec3};
use vivant::reference::{Moment, Options, render};
use vivant::splat::{Life, Motion, Splat, Splats};
use vivant::view::{Fov, View};

use super::{NOW, SIZE, at, brightest, close, draw, forward, same, set};

#[test]
fn right_is_right_and_up_is_up_in_an_asymmetric_view() {
    // Tangents −1 … 2 across 90 pixels and 0.5 … −1.5 down 40: 30 and 20 pixels a unit.
    let fov =
        Fov { left: (-1.0_f64).atan(), right: 2.0_f64.atan(), up: 0.5_f64.atan(), down: (-1.5_f64).atan() };
    let view = View { fov, ..forward() };
    for (x, y, column, row) in [
        (0.0, 0.0, 30, 10),
        (1.5, 0.0, 75, 10),
        (-0.8, 0.0, 6, 10),
        (0.0, 0.25, 30, 5),
        (0.0, -1.0, 30, 30),
        (1.0, -1.25, 60, 35),
    ] {
        // Half a pixel right and down, on the centre of the pixel that begins there.
        let mean = [2.0 * (x + 1.0 / 60.0), 2.0 * (y - 1.0 / 40.0), -2.0];
        let splat = Splat { mean, opacity: 0.5, ..Splat::DEFAULT };
        let picture = render(&[&set(&[splat])], NOW, &view, 90, 40, &Options::default()).unwrap();
        assert_eq!(brightest(&picture), (column, row), "at tangent {x}, {y}");
        close(at(&picture, column, row)[3], 0.5);
    }
}

#[test]
fn a_turned_view_sees_what_it_faces() {
    // From +X looking back along −X: −Z lies to the right. (Looking along −X with +Y up, right = forward × up.)
    let view = View::looking_at(DVec3::new(3.0, 1.0, 0.0), DVec3::new(0.0, 1.0, 0.0), 1.5, 1.0);
    let right = Splat { mean: [0.0, 1.0, -1.0], ..Splat::DEFAULT };
    let above = Splat { mean: [0.0, 2.0, 0.0], ..Splat::DEFAULT };
    let (column, row) = brightest(&draw(&[right], &view));
    assert!(column > 34 && row == 32, "column {column} row {row}");
    let (column, row) = brightest(&draw(&[above], &view));
    assert!(column == 32 && row < 30, "column {column} row {row}");
}

#[test]
fn near_things_part_between_the_eyes() {
    let eyes = forward().stereo(0.064);
    assert!(eyes[0].position[0] < eyes[1].position[0]);
    let shift = |distance: f32| {
        let splat = Splat { mean: [0.0, 0.0, -distance], ..Splat::DEFAULT };
        let [left, right] = eyes.map(|eye| {
            let picture = render(&[&set(&[splat])], NOW, &eye, 1001, 21, &Options::default()).unwrap();
            f64::from(brightest(&picture).0)
        });
        left - right
    };
    // Further right in the left eye's picture, by separation · focal / distance.
    let wanted = 0.064 * 1001.0 / 2.0 / 0.5;
    assert!((shift(0.5) - wanted).abs() <= 1.0, "{} px, not {wanted}", shift(0.5));
    assert!(shift(0.5) > shift(2.0) && shift(2.0) > 0.0);
}

#[test]
fn a_wall_is_as_deep_as_it_stands() {
    // Depth is along the axis, not along the ray, and it is the same under a moved and turned view.
    let mut wall = Vec::new();
    for row in -32..=32_i16 {
        for column in -32..=32_i16 {
            let mean = [f32::from(column) * 0.1, f32::from(row) * 0.1, -1.5];
            wall.push(Splat { mean, scale: [0.05, 0.05, 0.001], opacity: 0.9, ..Splat::DEFAULT });
        }
    }
    let picture = draw(&wall, &forward());
    assert!(picture.rgba.iter().all(|pixel| pixel[3] > 0.5));
    picture.depth.iter().for_each(|&depth| close(depth, 1.5));
    let view =
        View { position: [0.2, 0.1, 0.5], orientation: DQuat::from_rotation_z(0.4).to_array(), ..forward() };
    draw(&wall, &view).depth.iter().for_each(|&depth| close(depth, 2.0));
}

#[test]
fn nothing_is_drawn_behind_or_at_the_eye() {
    for (z, shows) in [(1.0, false), (0.0, false), (-0.049, false), (-0.051, true)] {
        let splat = Splat { mean: [0.0, 0.0, z], ..Splat::DEFAULT };
        let alpha = at(&draw(&[splat], &forward()), 32, 32)[3];
        assert_eq!(alpha > 0.0, shows, "at z = {z}");
    }
}

#[test]
fn windows_count_in_ticks_and_envelopes_in_seconds() {
    let life = Life { t0: 0.5, sigma_t: 0.25, start: 250, end: 750 };
    let splat = Splat { mean: [0.0, 0.0, -1.0], opacity: 0.5, life, ..Splat::DEFAULT };
    let alpha = |tick, seconds| {
        let moment = Moment { tick, seconds };
        let picture = render(&[&set(&[splat])], moment, &forward(), SIZE, SIZE, &Options::default());
        at(&picture.unwrap(), 32, 32)[3]
    };
    close(alpha(500, 0.5), 0.5);
    close(alpha(400, 0.25), 0.5 * (-0.5_f64).exp());
    close(alpha(600, 1.0), 0.5 * (-2.0_f64).exp());
    for (tick, shows) in [(249, false), (250, true), (749, true), (750, false), (-1, false)] {
        assert_eq!(alpha(tick, 0.5) > 0.0, shows, "tick {tick}");
    }
    let rate = vivant::time::TickRate::for_fps(30, 1).unwrap();
    assert_eq!(Moment::at_nanos(rate, 33_333_333).tick, 1000);
    assert_eq!(Moment::at_seconds(rate, 1.0), Moment { tick: 30_000, seconds: 1.0 });
}

#[test]
fn motion_follows_its_polynomial_and_its_spin() {
    let motion = Motion {
        velocity: [0.5, 0.0, 0.0],
        quadratic: [0.0, 0.5, 0.0],
        cubic: [0.125, 0.0, -0.25],
        spin: [0.0, 0.0, 0.25, -0.25],
    };
    let life = Life { t0: 1.0, ..Life::ALWAYS };
    let moving =
        Splat { mean: [-0.5, 0.25, -2.0], scale: [0.25, 0.0625, 0.0625], life, motion, ..Splat::DEFAULT };
    for dt in [-0.5_f64, 0.0, 0.5, 1.0] {
        let mean = [-0.5 + 0.5 * dt + 0.125 * dt.powi(3), 0.25 + 0.5 * dt * dt, -2.0 - 0.25 * dt.powi(3)];
        let (z, w) = (0.25 * dt, 1.0 - 0.25 * dt);
        let length = z.hypot(w);
        let still = Splat {
            mean: mean.map(|v| v as f32),
            rotation: [0.0, 0.0, (z / length) as f32, (w / length) as f32],
            life: Life::ALWAYS,
            motion: Motion::default(),
            ..moving
        };
        let moment = Moment { tick: 0, seconds: 1.0 + dt };
        let options = Options::default();
        let moved = render(&[&set(&[moving])], moment, &forward(), SIZE, SIZE, &options).unwrap();
        let wanted = draw(&[still], &forward());
        assert!(wanted.rgba.iter().any(|pixel| pixel[3] > 0.9));
        for (a, b) in moved.rgba.iter().zip(&wanted.rgba) {
            assert!((a[3] - b[3]).abs() < 1e-5, "{a:?} {b:?}");
        }
    }
}

#[test]
fn moving_the_clip_is_moving_the_view_the_other_way() {
    let rotation = DQuat::from_rotation_y(0.7) * DQuat::from_rotation_x(-0.3);
    let world_from_object = DMat4::from_rotation_translation(rotation, DVec3::new(0.4, -0.2, -1.0));
    let mut splats = Splats::new(2);
    for index in 0..40_u16 {
        let phase = f32::from(index);
        let splat = Splat {
            mean: [phase.sin() * 0.5, (phase * 1.7).cos() * 0.5, (phase * 2.3).sin() * 0.5 - 1.0],
            rotation: [phase.cos(), 0.3, 0.2, 0.9],
            scale: [0.05, 0.1, 0.2],
            opacity: 0.7,
            ..Splat::DEFAULT
        };
        let rest: Vec<f32> = (0..24_u16).map(|k| (phase + f32::from(k) * 1.3).sin() * 0.4).collect();
        splats.push(&splat, &rest);
    }
    let view = View { position: [0.1, 0.2, 1.0], ..forward() };
    let options = Options { world_from_object, ..Options::default() };
    let moved = render(&[&splats], NOW, &view, SIZE, SIZE, &options).unwrap();
    let object_from_view = world_from_object.inverse() * view.world_from_view();
    let (_, orientation, position) = object_from_view.to_scale_rotation_translation();
    let other = View { position: position.to_array(), orientation: orientation.to_array(), ..view };
    let wanted = render(&[&splats], NOW, &other, SIZE, SIZE, &Options::default()).unwrap();
    let drawn = wanted.rgba.iter().filter(|pixel| pixel[3] > 0.1).count();
    assert!(drawn > 300, "{drawn} pixels drawn");
    for (a, b) in moved.rgba.iter().flatten().zip(wanted.rgba.iter().flatten()) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }
}

#[test]
fn a_scaled_clip_has_scaled_splats() {
    let small = Splat { mean: [0.25, 0.125, -1.0], scale: [0.0625, 0.03125, 0.125], ..Splat::DEFAULT };
    let large = Splat { mean: small.mean.map(|v| v * 2.0), scale: small.scale.map(|v| v * 2.0), ..small };
    let options = Options { world_from_object: DMat4::from_scale(DVec3::splat(2.0)), ..Options::default() };
    let scaled = render(&[&set(&[small])], NOW, &forward(), SIZE, SIZE, &options).unwrap();
    same(&scaled, &draw(&[large], &forward()));
    // And one axis only: a round splat made twice as wide.
    let round = Splat { mean: [0.0, 0.0, -1.0], scale: [0.0625; 3], ..Splat::DEFAULT };
    let wide = Splat { scale: [0.125, 0.0625, 0.0625], ..round };
    let world_from_object = DMat4::from_scale(DVec3::new(2.0, 1.0, 1.0));
    let options = Options { world_from_object, ..Options::default() };
    let stretched = render(&[&set(&[round])], NOW, &forward(), SIZE, SIZE, &options).unwrap();
    same(&stretched, &draw(&[wide], &forward()));
}
