//! What follows the INRIA layout and differs in its values: Mip-Splatting's filter, and values that are activated.

use vivant::splat::{Antialias, SH_C0, Splats};
use vivant_convert::{Options, Source, Stored};
use vivant_tests::gpu::assert_fails;

use crate::scene::{Place, assert_near, assert_pictured, ball, put, read, turned};

/// How values stand in the file.
#[derive(Clone, Copy)]
struct Habit {
    activated: bool,
    /// The filter's width of a splat by its index.
    filter: Option<fn(usize) -> f32>,
}

/// A PLY as the trainers save it.
fn write(scene: &Splats, habit: Habit) -> Vec<u8> {
    let splats = turned(scene);
    let mut header = format!("ply\nformat binary_little_endian 1.0\nelement vertex {}\n", splats.len());
    let mut names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity"].to_vec();
    names.extend(["scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]);
    names.extend(habit.filter.map(|_| "filter_3D"));
    names.iter().for_each(|name| header += &format!("property float {name}\n"));
    let mut out = (header + "end_header\n").into_bytes();
    for index in 0..splats.len() {
        let splat = splats.get(index);
        put(&mut out, splat.mean);
        put(&mut out, [0.0; 3]);
        put(&mut out, splat.colour.map(|channel| (channel - 0.5) / SH_C0));
        let o = f64::from(splat.opacity);
        put(&mut out, [if habit.activated { o } else { (o / (1.0 - o)).ln() } as f32]);
        put(&mut out, splat.scale.map(|s| if habit.activated { s } else { s.ln() }));
        let [x, y, z, w] = splat.rotation;
        put(&mut out, [w, x, y, z]);
        put(&mut out, habit.filter.map(|filter| filter(index)));
    }
    out
}

/// A ball whose opacities have a logit.
fn scene(splats: u32) -> Splats {
    let mut scene = ball(splats, 0);
    scene.opacity.iter_mut().for_each(|opacity| *opacity = opacity.min(0.99));
    scene
}

fn width(index: usize) -> f32 {
    0.002 + 0.001 * (index % 7) as f32
}

/// The formula of the paper, in f64: widened scales, and opacity by what they were over what they are.
fn filtered(scene: &Splats) -> Splats {
    let mut out = scene.clone();
    for index in 0..scene.len() {
        let f = f64::from(width(index));
        let (mut before, mut after) = (1.0, 1.0);
        for axis in 0..3 {
            let s = f64::from(scene.scale[index][axis]);
            before *= s * s;
            after *= s * s + f * f;
            out.scale[index][axis] = (s * s + f * f).sqrt() as f32;
        }
        out.opacity[index] = (f64::from(scene.opacity[index]) * (before / after).sqrt()) as f32;
    }
    out
}

#[test]
fn mip_splattings_filter_is_folded_in() {
    let scene = scene(500);
    let place = Place::new("mip.ply", &write(&scene, Habit { activated: false, filter: Some(width) }));
    let imported = read(&place.path(), &Options::default()).unwrap();
    assert_near(&imported.splats, &filtered(&scene), 5e-6);
    assert_fails("the filter left out", || assert_near(&imported.splats, &scene, 5e-6));
    assert_eq!(imported.report.notes, ["Mip-Splatting's filter_3D is folded into scales and opacities"]);
    let source = Source::open(&[place.path()], &Options::default()).unwrap();
    assert_eq!(source.info().appearance.antialias, Antialias::Mip);
}

#[test]
fn a_filter_beside_activated_values_is_folded_in_where_the_user_says_so() {
    let scene = scene(200);
    let place = Place::new("mip.ply", &write(&scene, Habit { activated: true, filter: Some(width) }));
    let options = Options { opacity: Stored::Activated, scale: Stored::Activated, ..Options::default() };
    assert_near(&read(&place.path(), &options).unwrap().splats, &filtered(&scene), 5e-6);
}

#[test]
fn a_filter_asks_for_mip_in_pictures_too() {
    let scene = scene(3000);
    let place = Place::new("mip.ply", &write(&scene, Habit { activated: false, filter: Some(width) }));
    assert_pictured("mip", &place.path(), &filtered(&scene));
}

#[test]
fn activated_values_are_found_by_themselves() {
    let scene = scene(500);
    let activated = Place::new("pruned.ply", &write(&scene, Habit { activated: true, filter: None }));
    let raw = Place::new("raw.ply", &write(&scene, Habit { activated: false, filter: None }));
    let imported = read(&activated.path(), &Options::default()).unwrap();
    assert_near(&imported.splats, &scene, 2e-6);
    assert_eq!(imported.report.notes.len(), 2, "{:?}", imported.report.notes);
    assert_near(&read(&raw.path(), &Options::default()).unwrap().splats, &scene, 5e-6);
    let said = Options { opacity: Stored::Raw, ..Options::default() };
    let wrong = read(&activated.path(), &said).unwrap();
    assert_fails("taken as logits", || assert_near(&wrong.splats, &scene, 2e-6));
}
