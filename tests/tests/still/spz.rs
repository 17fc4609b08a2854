//! `.spz` of every version, written from its maker's description.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use half::f16;
use vivant::splat::{Antialias, Splats};
use vivant_convert::{Options, Source};
use vivant_tests::gpu::assert_fails;
use vivant_tests::hostile::Cut;
use vivant_tests::require::content;

use crate::scene::{
    Place, assert_near, assert_pictured, assert_survives, ball, error_of, format_of, print_speed, read,
    read_bytes, turned,
};

fn byte(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

/// The three parts of a quaternion that are not largest, and the word they make.
fn smallest_three(q: [f64; 4]) -> (u32, [f64; 4]) {
    let largest = (0..4).max_by(|&a, &b| q[a].abs().total_cmp(&q[b].abs())).unwrap();
    let sign = q[largest].signum();
    let (mut word, mut out, mut rest) = (largest as u32, [0.0; 4], 0.0);
    for part in (0..4).filter(|&part| part != largest) {
        let value = q[part] * sign;
        let size = (511.0 * value.abs() * 2.0_f64.sqrt() + 0.5).floor();
        word = word << 10 | u32::from(value < 0.0) << 9 | size as u32;
        out[part] = value.signum() * size / 511.0 / 2.0_f64.sqrt();
        rest += out[part] * out[part];
    }
    out[largest] = (1.0 - rest).max(0.0).sqrt();
    (word, out)
}

/// The arrays of a scene, and what they stand for.
pub(crate) fn arrays(splats: &Splats, version: u32) -> ([Vec<u8>; 6], Splats) {
    let mut wanted = splats.clone();
    let mut out = <[Vec<u8>; 6]>::default();
    for index in 0..splats.len() {
        for axis in 0..3 {
            let value = f64::from(splats.mean[index][axis]);
            if version == 1 {
                let half = f16::from_f64(value);
                out[0].extend(half.to_bits().to_le_bytes());
                wanted.mean[index][axis] = half.to_f32();
            } else {
                let whole = (value * 4096.0).round();
                out[0].extend(&(whole as i32).to_le_bytes()[..3]);
                wanted.mean[index][axis] = (whole / 4096.0) as f32;
            }
            let colour =
                byte(((f64::from(splats.colour[index][axis]) - 0.5) / 0.282_094_8 * 0.15 + 0.5) * 255.0);
            out[2].push(colour);
            wanted.colour[index][axis] =
                (0.5 + 0.282_094_8 * (f64::from(colour) / 255.0 - 0.5) / 0.15) as f32;
            let scale = byte((f64::from(splats.scale[index][axis]).ln() + 10.0) * 16.0);
            out[3].push(scale);
            wanted.scale[index][axis] = (f64::from(scale) / 16.0 - 10.0).exp() as f32;
        }
        let opacity = byte(f64::from(splats.opacity[index]) * 255.0);
        out[1].push(opacity);
        wanted.opacity[index] = f32::from(opacity) / 255.0;
        let q = splats.rotation[index].map(f64::from);
        if version >= 3 {
            let (word, kept) = smallest_three(q);
            out[4].extend(word.to_le_bytes());
            wanted.rotation[index] = kept.map(|part| part as f32);
        } else {
            let sign = if q[3] < 0.0 { -127.5 } else { 127.5 };
            let bytes = [0, 1, 2].map(|part| byte(q[part] * sign + 127.5));
            out[4].extend(bytes);
            let [x, y, z] = bytes.map(|byte| f64::from(byte) / 127.5 - 1.0);
            let w = (1.0 - x * x - y * y - z * z).max(0.0).sqrt();
            let length = (x * x + y * y + z * z + w * w).sqrt();
            wanted.rotation[index] = [x, y, z, w].map(|part| (part / length) as f32);
        }
    }
    for value in &mut wanted.sh_rest {
        let whole = byte(f64::from(*value) * 128.0 + 128.0);
        out[5].push(whole);
        *value = (f32::from(whole) - 128.0) / 128.0;
    }
    (out, wanted)
}

fn start(version: u32, splats: usize, degree: u8, flags: u8) -> Vec<u8> {
    let mut out = b"NGSP".to_vec();
    out.extend(version.to_le_bytes());
    out.extend((splats as u32).to_le_bytes());
    out.extend([degree, 12, flags]);
    out
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::new(6));
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// A record that names the coordinate system, after one of another maker.
fn records(system: u32) -> Vec<u8> {
    let words = [0x1234_0001, 3_u32].map(u32::to_le_bytes).concat();
    [words, b"abc".to_vec(), [0xadbe_0003, 4, system].map(u32::to_le_bytes).concat()].concat()
}

/// A file of arrays; `degree` may be more than the scene's.
pub(crate) fn of_arrays(
    arrays: &[Vec<u8>; 6],
    version: u32,
    splats: usize,
    degree: u8,
    flags: u8,
    records: &[u8],
) -> Vec<u8> {
    let mut out = start(version, splats, degree, flags);
    if version < 4 {
        out.push(0);
        return gzip(&[&out, arrays.concat().as_slice(), records].concat());
    }
    let there: Vec<&Vec<u8>> = arrays.iter().filter(|array| !array.is_empty()).collect();
    out.push(there.len() as u8);
    out.extend((32 + records.len() as u32).to_le_bytes());
    out.extend([0; 12]);
    out.extend(records);
    let packed: Vec<Vec<u8>> = there.iter().map(|array| zstd::bulk::compress(array, 5).unwrap()).collect();
    for (packed, array) in packed.iter().zip(&there) {
        out.extend((packed.len() as u64).to_le_bytes());
        out.extend((array.len() as u64).to_le_bytes());
    }
    out.extend(packed.concat());
    out
}

/// A file of splats on our axes, which are the format's, and what a reader must make of it.
pub(crate) fn write(scene: &Splats, version: u32, flags: u8) -> (Vec<u8>, Splats) {
    let (arrays, wanted) = arrays(scene, version);
    (of_arrays(&arrays, version, scene.len(), scene.sh_degree, flags, &[]), wanted)
}

#[test]
fn every_version_is_read_back() {
    for version in 1..=4 {
        for degree in [0, 1, 3] {
            let scene = ball(500, degree);
            let (bytes, wanted) = write(&scene, version, 0);
            let place = Place::new("nameless", &bytes);
            assert_eq!(format_of(&place.path()), "spz");
            let splats = read(&place.path(), &Options::default()).unwrap().splats;
            assert_near(&splats, &wanted, 4e-6);
            // First-three quaternions lose much where w is small.
            assert_near(&splats, &scene, if version < 3 { 0.15 } else { 0.05 });
        }
    }
    let (bytes, _) = write(&ball(500, 1), 3, 0);
    assert_fails("another scene", || {
        assert_near(&read_bytes("a.spz", &bytes).unwrap().splats, &ball(500, 1), 4e-6);
    });
}

#[test]
fn the_flag_of_mip_splatting_and_the_record_of_the_axes_are_heard() {
    let scene = ball(300, 2);
    for version in [2, 4] {
        let (arrays, wanted) = arrays(&scene, version);
        let file = |system| of_arrays(&arrays, version, 300, 2, 3, &records(system));
        let place = Place::new("a.spz", &file(4));
        let source = Source::open(&[place.path()], &Options::default()).unwrap();
        assert_eq!(source.info().appearance.antialias, Antialias::Mip);
        assert_near(&source.read_frame(0).unwrap().splats, &wanted, 4e-6);
        // Number 6 is right, down, front.
        assert_near(&read_bytes("a.spz", &file(6)).unwrap().splats, &turned(&wanted), 4e-6);
        let said = error_of("a.spz", &file(17));
        assert!(said.contains("coordinate system 17 is not known"), "{said}");
    }
}

#[test]
fn harmonics_of_degree_4_are_cut() {
    let scene = ball(200, 3);
    let (mut arrays, wanted) = arrays(&scene, 3);
    arrays[5] = arrays[5].chunks(45).flat_map(|own| [own, [99; 27].as_slice()].concat()).collect();
    let imported = read_bytes("a.spz", &of_arrays(&arrays, 3, 200, 4, 0, &[])).unwrap();
    assert_near(&imported.splats, &wanted, 4e-6);
    assert!(imported.report.notes[0].contains("degree 4"), "{:?}", imported.report.notes);
}

#[test]
fn real_files_are_read() {
    let Some(content) = content() else { return };
    for version in [2, 3] {
        let path = content.join(format!("static/minimal/minimal-v{version}.spz"));
        let splats = read(&path, &Options::default()).unwrap().splats;
        // Its writer turned z round between the two.
        let z = if version == 2 { -1. } else { 1. };
        assert_eq!(splats.mean, [[-1., 0., z], [0., 0., z], [-1., 0., 0.], [0., 0., 0.]]);
        assert!((splats.opacity[0] - 230.0 / 255.0).abs() < 1e-6);
        assert!((splats.scale[0][0] - (123.0_f32 / 16.0 - 10.0).exp()).abs() < 1e-6);
        assert!(splats.rotation.iter().all(|q| q[3] > 0.999), "{:?}", splats.rotation);
    }
}

#[test]
fn what_does_not_hold_together_is_refused() {
    let scene = ball(100, 1);
    let (own, _) = arrays(&scene, 4);
    let whole = of_arrays(&own, 4, 100, 1, 0, &[]);
    let spoilt = |at: usize, bytes: &[u8]| {
        let mut file = whole.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    for (file, wanted) in [
        (spoilt(4, &[5]), "version at byte 4: 5: 1 to 4 are read"),
        (spoilt(4, &[3]), "3 outside gzip"),
        (spoilt(8, &[0xff; 4]), "splats in one file: 4294967295 exceeds the limit"),
        (spoilt(8, &[0, 0, 16, 0]), "bytes that"),
        (spoilt(12, &[5]), "SH degree at byte 12"),
        (spoilt(13, &[25]), "fraction bits at byte 13"),
        (spoilt(15, &[5]), "array count at byte 15"),
        (spoilt(16, &[0xff; 4]), "table offset at byte 16"),
        (spoilt(32, &[0xff; 8]), "reaches beyond the file"),
        (spoilt(40, &[1]), "but its splats take 900"),
        ([whole.as_slice(), &[0]].concat(), "more bytes than the splats take"),
        (gzip(&start(3, 100, 1, 0)[..13]), "header at byte 13: the file ends here"),
        (gzip(b"NGSP is not all of it"), "version at byte 4"),
        (gzip(b"something else"), "magic at byte 0"),
    ] {
        let said = error_of("a.spz", &file);
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    // A hundred megabytes of nothing in a hundred kilobytes: more than the header promises is not unpacked.
    let (mut own, _) = arrays(&scene, 3);
    own[5].resize(100 << 20, 0);
    let said = error_of("a.spz", &of_arrays(&own, 3, 100, 1, 0, &[]));
    assert!(said.contains("end at byte"), "{said}");
    let other = gzip(b"a letter, packed, which is no splat at all");
    assert!(error_of("letter.gz", &other).contains("gzip data that are no splats; 'vivant formats'"));
}

#[test]
fn it_shows_what_it_holds() {
    let (bytes, wanted) = write(&ball(3000, 1), 4, 0);
    assert_pictured("spz", &Place::new("a.spz", &bytes).path(), &wanted);
}

#[test]
fn it_survives() {
    assert_survives("a.spz", &write(&ball(200, 1), 3, 0).0, Cut::Fails);
    assert_survives("b.spz", &write(&ball(200, 1), 4, 0).0, Cut::Fails);
}

#[test]
#[ignore = "prints figures"]
fn speed() {
    print_speed("gzip.spz", &write(&ball(500_000, 3), 3, 0).0);
    print_speed("zstd.spz", &write(&ball(500_000, 3), 4, 0).0);
}
