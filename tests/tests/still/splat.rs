//! `.splat`: 32 bytes a splat.

use vivant::splat::Splats;
use vivant_tests::gpu::assert_fails;
use vivant_tests::hostile::Cut;
use vivant_tests::require::content;

use crate::scene::{
    Place, assert_near, assert_pictured, assert_survives, ball, error_of, format_of, on_own_axes,
    print_speed, put, read, read_bytes, turned,
};

/// The nearest byte, and what it stands for.
fn byte(value: f32) -> (u8, f32) {
    let byte = (value * 255.0).round().clamp(0.0, 255.0);
    (byte as u8, byte / 255.0)
}

/// A file of splats on our axes, and what a reader must make of it.
fn write(scene: &Splats) -> (Vec<u8>, Splats) {
    let mut splats = turned(scene);
    let mut out = Vec::new();
    for index in 0..splats.len() {
        put(&mut out, splats.mean[index]);
        put(&mut out, splats.scale[index]);
        for channel in &mut splats.colour[index] {
            let (whole, value) = byte(*channel);
            out.push(whole);
            *channel = value;
        }
        let (whole, value) = byte(splats.opacity[index]);
        out.push(whole);
        splats.opacity[index] = value;
        let [x, y, z, w] = splats.rotation[index];
        let bytes = [w, x, y, z].map(|part| (part * 128.0 + 128.0).round().clamp(0.0, 255.0) as u8);
        out.extend(bytes);
        let [w, x, y, z] = bytes.map(|byte| (f64::from(byte) - 128.0) / 128.0);
        let length = (w * w + x * x + y * y + z * z).sqrt();
        splats.rotation[index] = [x, y, z, w].map(|part| (part / length) as f32);
    }
    (out, turned(&splats))
}

#[test]
fn it_is_read_back() {
    let scene = ball(500, 0);
    let (bytes, wanted) = write(&scene);
    let read = read_bytes("a.splat", &bytes).unwrap();
    assert_near(&read.splats, &wanted, 1e-6);
    assert_fails("another scene", || assert_near(&read.splats, &scene, 1e-6));
}

#[test]
fn it_is_told_without_a_magic_and_without_its_name() {
    let (bytes, _) = write(&ball(500, 0));
    assert_eq!(format_of(&Place::new("nameless", &bytes).path()), "splat");
    // Noise whose length would do is nothing.
    let mut random = vivant_tests::random::Random::new(3);
    let noise: Vec<u8> = (0..3200).map(|_| random.below(256) as u8).collect();
    let said = error_of("noise", &noise);
    assert!(
        said.ends_with("magic at byte 0: something unknown; 'vivant formats' lists what is read"),
        "{said}"
    );
    let text = b"0.1 0.2 0.3 200 100 50 and so on".repeat(100);
    assert!(error_of("points.txt", &text).contains("'vivant formats'"));
    assert!(error_of("zeros", &[0; 3200]).contains("'vivant formats'"));
    // One record with half a quaternion among the first is enough.
    let mut spoilt = bytes.clone();
    spoilt[32 * 9 + 28..32 * 10].fill(128);
    assert!(error_of("spoilt", &spoilt).contains("'vivant formats'"));
    // By its name it is read all the same, and that splat is dropped.
    assert_eq!(read_bytes("spoilt.splat", &spoilt).unwrap().report.no_rotation, 1);
    let said = error_of("cut.splat", &bytes[..1000]);
    assert!(said.contains("last splat at byte 992: 8 bytes are left"), "{said}");
}

#[test]
fn a_real_file_is_read() {
    let Some(content) = content() else { return };
    let path = content.join("static/minimal/minimal.splat");
    let splats = read(&path, &on_own_axes()).unwrap().splats;
    assert_eq!(splats.mean, [[-1., 0., -1.], [0., 0., -1.], [-1., 0., 0.], [0., 0., 0.]]);
    assert_eq!(splats.scale[2], [0.1; 3]);
    assert_eq!(splats.colour[1], [170, 85, 128].map(|byte| byte as f32 / 255.0));
    assert!((splats.opacity[0] - 230.0 / 255.0).abs() < 1e-6);
    // Half a turn about z, which a round splat does not show.
    assert_eq!(splats.rotation[3], [0.0, 0.0, 1.0, 0.0]);
    let turned = read(&path, &vivant_convert::Options::default()).unwrap().splats;
    assert_eq!(turned.mean[0], [-1.0, 0.0, 1.0]);
}

#[test]
fn it_shows_what_it_holds() {
    let (bytes, wanted) = write(&ball(3000, 0));
    assert_pictured("splat", &Place::new("a.splat", &bytes).path(), &wanted);
}

#[test]
fn it_survives() {
    assert_survives("a.splat", &write(&ball(200, 0)).0, Cut::MayRead);
}

#[test]
#[ignore = "prints figures"]
fn speed() {
    print_speed("a.splat", &write(&ball(800_000, 0)).0);
}
