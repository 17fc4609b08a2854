//! `.splatv`: written as splaTV packs it, half floats in words, with the padding of its texture.

use std::path::Path;

use half::f16;
use vivant::splat::Antialias;
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::random::Random;

use crate::seen::{Seen, ball, distance, of_model, unit};
use crate::{count, open_as_is, whole};

/// What a record holds, after rounding.
pub(crate) struct Stored {
    mean: [f32; 3],
    /// wxyz.
    rotation: [f32; 4],
    scale: [f32; 3],
    rgba: [u8; 4],
    motion: [f32; 9],
    omega: [f32; 4],
    centre: f32,
    width: f32,
}

fn half(value: f32) -> f32 {
    f16::from_f32(value).to_f32()
}

pub(crate) fn scene(splats: u32) -> Vec<Stored> {
    let mut random = Random::new(502);
    let places = ball(splats, &mut random);
    let mut one = |(mean, [x, y, z, w], scale, colour): ([f32; 3], [f32; 4], [f32; 3], [f32; 3])| {
        let opacity = if random.below(10) == 0 { random.range(0.2, 0.7) } else { random.range(0.9, 1.0) };
        let byte = |value: f32| (value.clamp(0.0, 1.0) * 255.0) as u8;
        Stored {
            mean,
            rotation: [w, x, y, z].map(|part| half(part * 1.7)),
            scale: scale.map(half),
            rgba: [byte(colour[0]), byte(colour[1]), byte(colour[2]), byte(opacity)],
            motion: std::array::from_fn(|term| half(random.range(-1.0, 1.0) * [0.2, 0.1, 0.05][term / 3])),
            omega: [0; 4].map(|_| half(random.range(-0.4, 0.4))),
            centre: half(random.range(0.0, 1.0)),
            width: half(if random.below(3) == 0 { 20.0 } else { random.range(0.1, 0.6) }),
        }
    };
    places.into_iter().map(&mut one).collect()
}

/// Two halves in a word, the first in its lower part.
fn pair(first: f32, second: f32) -> u32 {
    u32::from(f16::from_f32(first).to_bits()) | u32::from(f16::from_f32(second).to_bits()) << 16
}

fn record(s: &Stored) -> [u32; 16] {
    let [x, y, z] = s.mean.map(f32::to_bits);
    let (r, m, o) = (s.rotation, s.motion, s.omega);
    [
        x,
        y,
        z,
        pair(r[0], r[1]),
        pair(r[2], r[3]),
        pair(s.scale[0], s.scale[1]),
        pair(s.scale[2], 0.0),
        u32::from_le_bytes(s.rgba),
        pair(m[0], m[1]),
        pair(m[2], m[3]),
        pair(m[4], m[5]),
        pair(m[6], m[7]),
        pair(m[8], 0.0),
        pair(o[0], o[1]),
        pair(o[2], o[3]),
        pair(s.centre, s.width),
    ]
}

pub(crate) fn write(path: &Path, splats: &[Stored]) {
    let width = 4096;
    let height = (splats.len() * 4).div_ceil(width);
    let mut texture = vec![0_u32; width * height * 4];
    for (place, splat) in texture.chunks_exact_mut(16).zip(splats) {
        place.copy_from_slice(&record(splat));
    }
    let size = texture.len() * 4;
    let camera =
        r#"{"id":0,"position":[1,2,3],"rotation":[[1,0,0],[0,1,0],[0,0,1]],"fy":1159.5,"fx":1159.5}"#;
    let json = format!(
        r#"[{{"type":"note","size":5}},{{"type":"splat","size":{size},"texwidth":{width},"texheight":{height},"cameras":[{camera}]}}]"#
    );
    let mut out = 0x674b_u32.to_le_bytes().to_vec();
    out.extend((json.len() as u32).to_le_bytes());
    out.extend(json.as_bytes());
    out.extend(b"hello");
    texture.iter().for_each(|word| out.extend(word.to_le_bytes()));
    std::fs::write(path, out).unwrap();
}

/// The shader's sums.
fn formula(splat: &Stored, t: f64, cull: bool) -> Seen {
    let wide = f64::from;
    let dt = t - wide(splat.centre);
    let mean = std::array::from_fn(|axis| {
        let term = |power: usize| wide(splat.motion[power * 3 + axis]);
        wide(splat.mean[axis]) + term(0) * dt + term(1) * dt * dt + term(2) * dt * dt * dt
    });
    let [w, x, y, z] = std::array::from_fn(|part| wide(splat.rotation[part]) + wide(splat.omega[part]) * dt);
    let envelope = (-(dt / wide(splat.width)).powi(2)).exp();
    let [red, green, blue, opacity] = splat.rgba.map(|byte| wide(f32::from(byte)) / 255.0);
    Seen {
        mean,
        rotation: unit([x, y, z, w]),
        scale: splat.scale.map(wide),
        opacity: if cull && envelope < 0.02 { 0.0 } else { opacity * envelope },
        colour: [red, green, blue],
        sh_rest: Vec::new(),
    }
}

#[test]
fn every_number_is_the_shaders() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.splatv");
    let splats = scene(1500);
    write(&path, &splats);
    let foreign = open_as_is(&path).unwrap();
    assert_eq!(foreign.format().name, "splatv");
    let performance = &whole(&foreign).performance;
    assert_eq!(performance.splats.len(), 1500, "the padding is no splat");
    assert_eq!(performance.info.appearance.antialias, Antialias::None);
    let seconds = 50.0 / 30.0;
    let greatest = |cull: bool| {
        let mut far = 0.0_f64;
        for t in [0.0, 0.21, 0.5, 0.77, 0.96] {
            for (index, splat) in splats.iter().enumerate() {
                far = far.max(distance(&of_model(performance, index, t * seconds), &formula(splat, t, cull)));
            }
        }
        far
    };
    assert!(greatest(true) < 3e-6, "{}", greatest(true));
    // The viewer's cut at 0.02 is part of the picture.
    assert!(greatest(false) > 0.01);
}

#[test]
fn bad_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.splatv");
    write(&path, &scene(40));
    attack(&path, &path, Cut::Fails, &count);
    let refused = |bytes: Vec<u8>, says: &str| {
        std::fs::write(&path, bytes).unwrap();
        let error = count(&path).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("model.splatv"), "{error}");
    };
    let with = |json: &str, tail: &[u8]| {
        let mut out = 0x674b_u32.to_le_bytes().to_vec();
        out.extend((json.len() as u32).to_le_bytes());
        out.extend(json.as_bytes());
        out.extend(tail);
        out
    };
    refused(
        with(r#"[{"type":"splat","size":18446744073709551615}]"#, &[1; 64]),
        "promises 18446744073709551615 bytes",
    );
    refused(with(r#"[{"type":"a","size":18446744073709551615}]"#, &[]), "beyond any file");
    refused(with(r#"[{"type":"splat","size":64,"texwidth":4096,"texheight":1}]"#, &[1; 64]), "texwidth");
    refused(with(r#"[{"type":"splat","size":64}]"#, &[0; 64]), "no splat");
    refused(with("[]", &[]), "no entry");
    refused([0x4b, 0x67, 0, 0, 255, 255, 255, 255, 1].to_vec(), "promises 4294967295 bytes");
}
