//! `.ksplat` in its three levels, written from the description of its writer.

use half::f16;
use vivant::splat::Splats;
use vivant_convert::Options;
use vivant_tests::gpu::assert_fails;
use vivant_tests::hostile::Cut;
use vivant_tests::require::content;

use crate::scene::{
    Place, assert_near, assert_pictured, assert_survives, ball, error_of, format_of, on_own_axes,
    print_speed, put, read, read_bytes, turned,
};

const SIDE: f64 = 5.0;
const RANGE: f64 = 32_767.0;
const LEAST: f32 = -1.25;
const MOST: f32 = 1.75;

fn put_at(out: &mut [u8], at: usize, bytes: &[u8]) {
    out[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Splats of one section in buckets: full ones of `full`, then one of each length in `partial`.
fn section(splats: &Splats, level: u16, full: usize, wanted: &mut Splats) -> (Vec<u8>, Vec<u8>) {
    let count = splats.len();
    // The rest goes into two part-filled buckets.
    let (full_count, rest) = (count / full, count % full);
    let partial: Vec<usize> = [rest / 3, rest - rest / 3].into_iter().filter(|&length| length > 0).collect();
    let lengths = [vec![full; full_count], partial.clone()].concat();
    let harmonics = usize::from(splats.sh_degree).pow(2) * 3 + usize::from(splats.sh_degree) * 6;
    let mut body = Vec::new();
    let mut records = Vec::new();
    if level > 0 {
        partial.iter().for_each(|&length| body.extend((length as u32).to_le_bytes()));
    }
    let mut first = 0;
    for length in lengths {
        // Somewhere near, not the middle.
        let centre = splats.mean[first].map(|value| (f64::from(value) * 0.5) as f32);
        if level > 0 {
            put(&mut body, centre);
        }
        for index in first..first + length {
            let [x, y, z, w] = splats.rotation[index];
            let numbers = [splats.scale[index].to_vec(), vec![w, x, y, z]].concat();
            if level == 0 {
                put(&mut records, splats.mean[index]);
                put(&mut records, numbers);
            } else {
                let step = SIDE / 2.0 / RANGE;
                for axis in 0..3 {
                    let offset = f64::from(splats.mean[index][axis]) - f64::from(centre[axis]);
                    let whole = ((offset / step).round() + RANGE).clamp(0.0, 2.0 * RANGE + 1.0);
                    records.extend((whole as u16).to_le_bytes());
                    wanted.mean[index][axis] = (f64::from(centre[axis]) + (whole - RANGE) * step) as f32;
                }
                let halves: Vec<f16> = numbers.iter().map(|&value| f16::from_f32(value)).collect();
                halves.iter().for_each(|half| records.extend(half.to_bits().to_le_bytes()));
                wanted.scale[index] = [0, 1, 2].map(|at| halves[at].to_f32());
                let [w, x, y, z] = [3, 4, 5, 6].map(|at| halves[at].to_f64());
                let length = (w * w + x * x + y * y + z * z).sqrt();
                wanted.rotation[index] = [x, y, z, w].map(|part| (part / length) as f32);
            }
            let bytes = [splats.colour[index].to_vec(), vec![splats.opacity[index]]].concat();
            let bytes: Vec<u8> = bytes.iter().map(|v| (v * 255.0).round().clamp(0.0, 255.0) as u8).collect();
            records.extend(&bytes);
            let [r, g, b, a] = [0, 1, 2, 3].map(|at| f32::from(bytes[at]) / 255.0);
            (wanted.colour[index], wanted.opacity[index]) = ([r, g, b], a);
            // Red of a whole degree, then green, then blue.
            let mut base = 0;
            for degree in 1..=usize::from(splats.sh_degree) {
                let side = 2 * degree + 1;
                for channel in 0..3 {
                    for order in 0..side {
                        let at = index * harmonics + (base + order) * 3 + channel;
                        let value = splats.sh_rest[at];
                        match level {
                            0 => put(&mut records, [value]),
                            1 => {
                                records.extend(f16::from_f32(value).to_bits().to_le_bytes());
                                wanted.sh_rest[at] = f16::from_f32(value).to_f32();
                            }
                            _ => {
                                let byte =
                                    ((value - LEAST) / (MOST - LEAST) * 255.0).floor().clamp(0.0, 255.0);
                                records.push(byte as u8);
                                wanted.sh_rest[at] = LEAST + byte / 255.0 * (MOST - LEAST);
                            }
                        }
                    }
                }
                base += side;
            }
        }
        first += length;
    }
    let mut header = vec![0; 1024];
    let word = |value: usize| (value as u32).to_le_bytes();
    put_at(&mut header, 0, &word(count));
    put_at(&mut header, 4, &word(count));
    if level > 0 {
        put_at(&mut header, 8, &word(full));
        put_at(&mut header, 12, &word(full_count + partial.len()));
        put_at(&mut header, 16, &(SIDE as f32).to_le_bytes());
        put_at(&mut header, 20, &12_u16.to_le_bytes());
        put_at(&mut header, 24, &(RANGE as u32).to_le_bytes());
        put_at(&mut header, 32, &word(full_count));
        put_at(&mut header, 36, &word(partial.len()));
    }
    put_at(&mut header, 40, &u16::from(splats.sh_degree).to_le_bytes());
    body.extend(records);
    (header, body)
}

/// A file of splats on our axes in two sections, and what a reader must make of it.
fn write(scene: &Splats, level: u16) -> (Vec<u8>, Splats) {
    let splats = turned(scene);
    let half = splats.len() * 2 / 3;
    let mut wanted = Splats::new(splats.sh_degree);
    let (mut headers, mut bodies) = (Vec::new(), Vec::new());
    for run in [0..half, half..splats.len()] {
        let part = splats.select(&run.collect::<Vec<_>>());
        let mut stored = part.clone();
        let (header, body) = section(&part, level, 64, &mut stored);
        headers.extend(header);
        bodies.extend(body);
        wanted.append(&stored).unwrap();
    }
    let mut out = vec![0; 4096];
    out[1] = 1;
    put_at(&mut out, 4, &2_u32.to_le_bytes());
    put_at(&mut out, 8, &2_u32.to_le_bytes());
    put_at(&mut out, 12, &(splats.len() as u32).to_le_bytes());
    put_at(&mut out, 16, &(splats.len() as u32).to_le_bytes());
    put_at(&mut out, 20, &level.to_le_bytes());
    put_at(&mut out, 36, &LEAST.to_le_bytes());
    put_at(&mut out, 40, &MOST.to_le_bytes());
    out.extend(headers);
    out.extend(bodies);
    (out, turned(&wanted))
}

#[test]
fn every_level_is_read_back() {
    for level in 0..=2 {
        for degree in 0..=2 {
            let scene = ball(600, degree);
            let (bytes, wanted) = write(&scene, level);
            let place = Place::new("nameless", &bytes);
            assert_eq!(format_of(&place.path()), "ksplat");
            let splats = read(&place.path(), &Options::default()).unwrap().splats;
            assert_near(&splats, &wanted, 2e-6);
            assert_near(&splats, &scene, if level == 2 { 0.02 } else { 0.01 });
        }
    }
    let (bytes, _) = write(&ball(600, 2), 1);
    let (_, other) = write(&ball(600, 2), 2);
    assert_fails("another level", || {
        assert_near(&read_bytes("a.ksplat", &bytes).unwrap().splats, &other, 2e-6);
    });
}

#[test]
fn a_real_file_is_read() {
    let Some(content) = content() else { return };
    let splats = read(&content.join("static/minimal/minimal.ksplat"), &on_own_axes()).unwrap().splats;
    assert_eq!(splats.mean, [[-1., 0., -1.], [0., 0., -1.], [-1., 0., 0.], [0., 0., 0.]]);
    assert_eq!((splats.scale[0], splats.colour[3][0]), ([0.1; 3], 170.0 / 255.0));
}

#[test]
fn what_does_not_hold_together_is_refused() {
    let (bytes, _) = write(&ball(200, 1), 1);
    for (at, value, wanted) in [
        (1, vec![2], "version at byte 0: 0.2: only 0.1 is read"),
        (20, vec![3], "compression level at byte 20"),
        (4, vec![0xff; 4], "sections in a file of"),
        (4096 + 4, vec![0xff; 4], "reach to byte"),
        (4096 + 40, vec![3], "SH degree at byte 4136"),
        (4096 + 20, vec![13], "bucket bytes at byte 4116"),
        (4096 + 12, vec![0; 4], "no bucket says"),
        (4096 + 32, vec![0xff; 4], "bucket count at byte"),
    ] {
        let mut spoilt = bytes.clone();
        put_at(&mut spoilt, at, &value);
        let said = error_of("a.ksplat", &spoilt);
        assert!(said.contains(wanted), "{at}: {said}");
    }
}

#[test]
fn it_shows_what_it_holds() {
    let (bytes, wanted) = write(&ball(3000, 1), 1);
    assert_pictured("ksplat", &Place::new("a.ksplat", &bytes).path(), &wanted);
}

#[test]
fn it_survives() {
    assert_survives("a.ksplat", &write(&ball(200, 1), 2).0, Cut::Fails);
}

#[test]
#[ignore = "prints figures"]
fn speed() {
    print_speed("a.ksplat", &write(&ball(800_000, 1), 1).0);
}
