//! PlayCanvas' compressed PLY, written from the description of its writer.

use vivant::splat::{Splats, sh_rest_len};
use vivant_tests::gpu::assert_fails;
use vivant_tests::hostile::Cut;

use crate::scene::{
    Place, assert_near, assert_pictured, assert_survives, ball, error_of, format_of, print_speed, put, read,
    read_bytes, turned,
};

/// A number of `bits` bits for a part of a range, and the value that stands for.
fn step(value: f64, range: (f64, f64), bits: u32) -> (u32, f64) {
    let most = f64::from((1_u32 << bits) - 1);
    let width = range.1 - range.0;
    let part = if width > 0.0 { ((value - range.0) / width).clamp(0.0, 1.0) } else { 0.0 };
    let whole = (part * most).round();
    (whole as u32, range.0 + width * whole / most)
}

fn range_of(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (least, most) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), value| (a.min(value), b.max(value)));
    (f64::from(least as f32), f64::from(most as f32))
}

/// What is written beside the splats themselves.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    pub(crate) ranged_colours: bool,
    pub(crate) big_endian: bool,
}

/// A file of splats on our axes, and what a reader must make of it.
pub(crate) fn write(scene: &Splats, form: Form) -> (Vec<u8>, Splats) {
    let splats = turned(scene);
    let mut wanted = splats.clone();
    let (mut chunks, mut words, mut harmonics) = (Vec::new(), Vec::new(), Vec::new());
    let coefficients = sh_rest_len(splats.sh_degree);
    for first in (0..splats.len()).step_by(256) {
        let here = first..(first + 256).min(splats.len());
        let of = |value: &dyn Fn(usize, usize) -> f64| {
            [0, 1, 2].map(|axis| range_of(here.clone().map(|index| value(index, axis))))
        };
        let mean = of(&|index, axis| f64::from(splats.mean[index][axis]));
        let scale = of(&|index, axis| f64::from(splats.scale[index][axis]).ln());
        let colour = if form.ranged_colours {
            of(&|index, axis| f64::from(splats.colour[index][axis]))
        } else {
            [(0.0, 1.0); 3]
        };
        let mut groups = vec![mean, scale];
        groups.extend(form.ranged_colours.then_some(colour));
        for group in groups {
            chunks.extend(group.map(|range| range.0 as f32));
            chunks.extend(group.map(|range| range.1 as f32));
        }
        for index in here {
            let thirds = |values: [f64; 3], ranges: [(f64, f64); 3], out: &mut [f32; 3], log: bool| {
                let mut word = 0;
                for (axis, bits) in [11, 10, 11].into_iter().enumerate() {
                    let (whole, value) = step(values[axis], ranges[axis], bits);
                    word = word << bits | whole;
                    out[axis] = if log { value.exp() } else { value } as f32;
                }
                word
            };
            let position = thirds(splats.mean[index].map(f64::from), mean, &mut wanted.mean[index], false);
            let logs = splats.scale[index].map(|scale| f64::from(scale).ln());
            let size = thirds(logs, scale, &mut wanted.scale[index], true);
            let [x, y, z, w] = splats.rotation[index].map(f64::from);
            let mut q = [w, x, y, z];
            let largest = (0..4).max_by(|&a, &b| q[a].abs().total_cmp(&q[b].abs())).unwrap();
            let sign = q[largest].signum();
            q = q.map(|part| part * sign);
            let mut rotation = largest as u32;
            let mut rest = 0.0;
            for part in (0..4).filter(|&part| part != largest) {
                let half = 0.5_f64.sqrt();
                let (whole, value) = step(q[part], (-half, half), 10);
                rotation = rotation << 10 | whole;
                q[part] = value;
                rest += value * value;
            }
            q[largest] = (1.0 - rest).max(0.0).sqrt();
            wanted.rotation[index] = [q[1], q[2], q[3], q[0]].map(|part| part as f32);
            let mut bytes = 0;
            for axis in 0..3 {
                let (whole, value) = step(f64::from(splats.colour[index][axis]), colour[axis], 8);
                bytes = bytes << 8 | whole;
                wanted.colour[index][axis] = value as f32;
            }
            let (whole, value) = step(f64::from(splats.opacity[index]), (0.0, 1.0), 8);
            wanted.opacity[index] = value as f32;
            words.extend([position, rotation, size, bytes << 8 | whole]);
            for channel in 0..3 {
                for coefficient in 0..coefficients {
                    let at = index * coefficients * 3 + coefficient * 3 + channel;
                    let byte = ((splats.sh_rest[at] / 8.0 + 0.5) * 256.0).floor().clamp(0.0, 255.0);
                    harmonics.push(byte as u8);
                    wanted.sh_rest[at] = ((byte + 0.5) / 256.0 - 0.5) * 8.0;
                }
            }
        }
    }
    let order = if form.big_endian { "big" } else { "little" };
    let mut header = format!("ply\nformat binary_{order}_endian 1.0\ncomment a test\n");
    let axes = |before: &str| ["x", "y", "z"].map(|axis| format!("{before}_{axis}"));
    let mut names = [axes("min"), axes("max"), axes("min_scale"), axes("max_scale")].concat();
    if form.ranged_colours {
        names.extend(["min_r", "min_g", "min_b", "max_r", "max_g", "max_b"].map(str::to_owned));
    }
    header += &format!("element chunk {}\n", splats.len().div_ceil(256));
    names.iter().for_each(|name| header += &format!("property float {name}\n"));
    header += &format!("element vertex {}\n", splats.len());
    for name in ["position", "rotation", "scale", "color"] {
        header += &format!("property uint packed_{name}\n");
    }
    if coefficients > 0 {
        header += &format!("element sh {}\n", splats.len());
        (0..coefficients * 3).for_each(|number| header += &format!("property uchar f_rest_{number}\n"));
    }
    let mut out = (header + "end_header\n").into_bytes();
    if form.big_endian {
        chunks.iter().for_each(|value: &f32| out.extend(value.to_be_bytes()));
        words.iter().for_each(|word: &u32| out.extend(word.to_be_bytes()));
    } else {
        put(&mut out, chunks);
        words.iter().for_each(|word| out.extend(word.to_le_bytes()));
    }
    out.extend(harmonics);
    (out, turned(&wanted))
}

const PLAIN: Form = Form { ranged_colours: false, big_endian: false };
const RANGED: Form = Form { ranged_colours: true, big_endian: false };

#[test]
fn every_form_is_read_back() {
    for (form, degree) in [(PLAIN, 0), (RANGED, 1), (RANGED, 3), (Form { big_endian: true, ..RANGED }, 2)] {
        // More than two chunks, the last in part.
        let mut scene = ball(600, degree);
        if !form.ranged_colours {
            scene.colour.as_flattened_mut().iter_mut().for_each(|channel| *channel = channel.clamp(0.0, 1.0));
        }
        let (bytes, wanted) = write(&scene, form);
        let imported = read_bytes("a.ply", &bytes).unwrap();
        assert_eq!((imported.report.read, imported.ids), (600, None));
        assert_near(&imported.splats, &wanted, 2e-6);
        // And what it says is the scene, within the steps of the format.
        assert_near(&imported.splats, &scene, 0.03);
    }
}

#[test]
fn a_field_in_another_place_is_found() {
    let scene = ball(300, 1);
    let (mut bytes, wanted) = write(&scene, RANGED);
    let text = |bytes: &mut Vec<u8>, from: &str, to: &str| {
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
    };
    text(&mut bytes, "min_x", "MIN_x");
    text(&mut bytes, "min_y", "min_x");
    text(&mut bytes, "MIN_x", "min_y");
    let read = read_bytes("a.ply", &bytes).unwrap();
    assert_fails("two ranges are exchanged", || assert_near(&read.splats, &wanted, 2e-6));
}

#[test]
fn what_does_not_hold_together_is_refused() {
    let (bytes, _) = write(&ball(300, 1), RANGED);
    let with = |from: &str, to: &str| {
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
    };
    for (from, to, wanted) in [
        ("element chunk 2", "element chunk 1", "for 300 splats, which need 2"),
        ("property float max_y", "property float max_q", "property max_y at byte"),
        ("uint packed_scale", "uint packed_scab", "packed_scale at byte"),
        ("uint packed_scale", "int packed_scale", "of another type"),
        ("element sh 300", "element sh 299", "299 rows for 300 splats"),
        ("f_rest_8", "f_last_8", "f_rest_8 at byte"),
    ] {
        let said = error_of("a.ply", &with(from, to));
        assert!(said.contains(wanted), "{from} {to}: {said}");
    }
    let text = "ply\nformat ascii 1.0\nelement chunk 0\nelement vertex 0\nproperty uint packed_position\nend_header\n";
    let said = error_of("a.ply", text.as_bytes());
    assert!(said.contains("a compressed PLY written as text; export it as binary"), "{said}");
}

#[test]
fn it_shows_what_it_holds() {
    let (bytes, wanted) = write(&ball(3000, 1), RANGED);
    let place = Place::new("packed.ply", &bytes);
    assert_eq!(format_of(&place.path()), "ply");
    assert!(read(&place.path(), &crate::scene::on_own_axes()).is_ok());
    assert_pictured("packed", &place.path(), &wanted);
}

#[test]
fn it_survives() {
    assert_survives("packed.ply", &write(&ball(300, 1), RANGED).0, Cut::Fails);
}

#[test]
#[ignore = "prints figures"]
fn speed() {
    print_speed("packed.ply", &write(&ball(400_000, 3), RANGED).0);
}
