//! Each comparison is shown a pair it must tell apart, and each file format what it must give back.

use super::*;

const WIDTH: u32 = 48;
const HEIGHT: u32 = 40;

/// A picture with smooth and sharp parts, covered inside an ellipse left of the middle.
fn sample() -> Image {
    Image::from_fn(WIDTH, HEIGHT, |column, row| {
        let (x, y) = (column as f32, row as f32);
        let distance = ((x - 18.0) / 14.0).powi(2) + ((y - 20.0) / 17.0).powi(2);
        let alpha = (2.0 * (1.0 - distance)).clamp(0.0, 1.0);
        let check = if (column / 4 + row / 4).is_multiple_of(2) { 0.8 } else { 0.3 };
        [check * alpha, x / 48.0 * alpha, y / 40.0 * alpha, alpha]
    })
}

fn remapped(image: &Image, from: impl Fn(u32, u32) -> (u32, u32)) -> Image {
    Image::from_fn(image.width, image.height, |column, row| {
        let (x, y) = from(column, row);
        image.get(x, y).unwrap_or([0.0; 4])
    })
}

#[test]
fn equal_pictures_are_infinitely_close() {
    let found = compare(&sample(), &sample(), [0.5; 3]).unwrap();
    assert_eq!((found.psnr, found.psnr_covered, found.worst), (f64::INFINITY, f64::INFINITY, 0.0));
    assert!(found.covered > 600 && found.covered < 800, "{}", found.covered);
}

#[test]
fn a_known_difference_has_its_known_figure() {
    // 0.1 on one channel of three everywhere: MSE 0.01/3, so 24.77 dB.
    let a = Image::filled(10, 10, [0.5, 0.5, 0.5, 1.0]);
    let mut b = Image::filled(10, 10, [0.6, 0.5, 0.5, 1.0]);
    let found = compare(&a, &b, [0.0; 3]).unwrap();
    assert!((found.psnr - 24.7712).abs() < 1e-3 && (found.psnr_covered - found.psnr).abs() < 1e-9);
    // The same on a quarter of the pixels and nothing elsewhere in either: 6.02 dB more over all, as much inside.
    let mut a = a;
    for (pixel, other) in a.pixels.iter_mut().zip(&mut b.pixels).skip(25) {
        (*pixel, *other) = ([0.0; 4], [0.0; 4]);
    }
    let found = compare(&a, &b, [0.3; 3]).unwrap();
    assert_eq!(found.covered, 25);
    assert!((found.psnr - 30.7918).abs() < 1e-3 && (found.psnr_covered - 24.7712).abs() < 1e-3);
}

#[test]
fn what_is_wrong_does_not_pass() {
    let right = sample();
    let gamma = Image {
        pixels: right.pixels.iter().map(|&[r, g, b, a]| [r.powf(1.1), g.powf(1.1), b.powf(1.1), a]).collect(),
        ..right
    };
    let wrong = [
        ("shifted by a pixel", remapped(&right, |x, y| (x + 1, y))),
        ("mirrored", remapped(&right, |x, y| (WIDTH - 1 - x, y))),
        ("upside down", remapped(&right, |x, y| (x, HEIGHT - 1 - y))),
        ("gamma", gamma),
    ];
    for (name, wrong) in wrong {
        let found = compare(&right, &wrong, [0.0; 3]).unwrap();
        assert!(found.psnr_covered < 35.0, "{name}: {found:?}");
        assert!(found.psnr_covered < found.psnr && found.worst > 0.01, "{name}: {found:?}");
    }
}

#[test]
fn a_hole_shows_over_a_bright_background_only() {
    let right = Image::filled(8, 8, [0.0, 0.0, 0.0, 1.0]);
    let mut wrong = right.clone();
    wrong.pixels[8 * 3 + 5] = [0.0; 4];
    assert_eq!(psnr(&right, &wrong, [0.0; 3]).unwrap(), f64::INFINITY);
    let found = compare(&right, &wrong, [1.0; 3]).unwrap();
    assert_eq!((found.worst, found.worst_at), (1.0, (5, 3)));
    assert!((found.psnr - 18.0618).abs() < 1e-3, "{found:?}");
}

#[test]
fn a_value_that_is_no_number_never_passes() {
    let right = sample();
    let mut wrong = right.clone();
    wrong.pixels[900][1] = f32::NAN;
    let found = compare(&right, &wrong, [0.0; 3]).unwrap();
    assert!(found.psnr.is_nan() && found.worst.is_nan());
    assert_eq!(found.worst_at, (900 % WIDTH, 900 / WIDTH));
    wrong = right.clone();
    wrong.pixels[0][3] = f32::NAN;
    assert!(psnr_covered(&right, &wrong, [0.5; 3]).unwrap().is_nan());
}

#[test]
fn nothing_and_unlike_sizes_are_refused() {
    let empty = Image::filled(8, 8, [0.0; 4]);
    assert!(matches!(compare(&empty, &empty, [0.0; 3]), Err(Error::InvalidArgument { .. })));
    let other = Image::filled(8, 9, [1.0; 4]);
    assert!(matches!(compare(&empty, &other, [0.0; 3]), Err(Error::InvalidArgument { .. })));
}

#[test]
fn values_above_one_are_compared_as_shown() {
    let bright = Image::filled(4, 4, [1.7, 1.0, 1.0, 1.0]);
    let white = Image::filled(4, 4, [1.0; 4]);
    assert_eq!(psnr(&bright, &white, [0.0; 3]).unwrap(), f64::INFINITY);
}

#[test]
fn eight_bits_go_both_ways() {
    let bytes: Vec<u8> = (0..=255).collect();
    let image = Image::from_premultiplied_rgba8(8, 8, &bytes).unwrap();
    assert_eq!(image.to_premultiplied_rgba8(), bytes);
    assert_eq!(image.get(1, 0).unwrap()[3], 7.0 / 255.0);
    assert!(Image::from_premultiplied_rgba8(8, 7, &bytes).is_err());
    let half = Image::filled(1, 1, [0.25, 0.5, 2.0, 0.5]);
    assert_eq!(half.to_straight_rgba8(), [128, 255, 255, 128]);
    let nothing = Image::filled(1, 1, [0.0; 4]);
    assert_eq!(nothing.to_straight_rgba8(), [0; 4]);
}

#[test]
fn a_background_fills_what_is_open() {
    let image = Image::filled(1, 1, [0.25, 0.0, 0.5, 0.5]).over([1.0, 0.5, 0.0]);
    assert_eq!(image.pixels, [[0.75, 0.25, 0.5, 1.0]]);
}

#[test]
fn png_gives_back_what_it_was_given() {
    let image = sample();
    let decoded = decode_png(&encode_png(&image).unwrap(), "memory").unwrap();
    assert_eq!((decoded.width, decoded.height), (WIDTH, HEIGHT));
    for (before, after) in image.pixels.iter().zip(&decoded.pixels) {
        for (a, b) in before.iter().zip(after) {
            assert!((a - b).abs() <= 1.0 / 255.0, "{before:?} {after:?}");
        }
    }
    // What is opaque is exact in 8 bits.
    let opaque = image.over([0.0; 3]);
    let decoded = decode_png(&encode_png(&opaque).unwrap(), "memory").unwrap();
    assert_eq!(decoded.to_premultiplied_rgba8(), opaque.to_premultiplied_rgba8());
}

#[test]
fn png_without_alpha_and_in_grey_is_read() {
    for (colour, samples, wanted) in [
        (png::ColorType::Rgb, vec![255, 0, 51], [1.0, 0.0, 0.2, 1.0]),
        (png::ColorType::Grayscale, vec![51], [0.2, 0.2, 0.2, 1.0]),
    ] {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
        encoder.set_color(colour);
        encoder.write_header().unwrap().write_image_data(&samples).unwrap();
        assert_eq!(decode_png(&bytes, "memory").unwrap().pixels, [wanted]);
    }
}

#[test]
fn damaged_png_is_refused_by_name() {
    let whole = encode_png(&sample()).unwrap();
    for length in [0, 7, 8, 20, 33, 60, whole.len() / 2] {
        let error = decode_png(&whole[..length], "cut.png").unwrap_err();
        assert!(matches!(&error, Error::Malformed { .. }), "{error}");
        assert!(error.to_string().starts_with("cut.png: PNG"), "{error}");
    }
    let mut vast = whole;
    vast[16..24].copy_from_slice(&[0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF]);
    // The checksum of the header, so that only the size is wrong.
    let mut crc = u32::MAX;
    for &byte in &vast[12..29] {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    vast[29..33].copy_from_slice(&(!crc).to_be_bytes());
    assert!(decode_png(&vast, "vast.png").is_err());
}

#[test]
fn sheets_put_pictures_where_they_belong() {
    let colours = [[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]];
    let images = colours.map(|colour| Image::filled(3, 2, colour));
    let row = side_by_side(&images).unwrap();
    assert_eq!((row.width, row.height), (9, 2));
    assert_eq!([0, 3, 8].map(|x| row.get(x, 1).unwrap()), colours);
    let sheet = contact_sheet(&images, 2, 1).unwrap();
    assert_eq!((sheet.width, sheet.height), (7, 5));
    let at = |x, y| sheet.get(x, y).unwrap();
    assert_eq!([at(2, 1), at(4, 0), at(0, 3)], colours);
    assert_eq!([at(3, 0), at(0, 2), at(6, 4)], [[0.0; 4]; 3]);
    assert!(contact_sheet(&[], 2, 1).is_err());
    assert!(contact_sheet(&images, 0, 1).is_err());
    assert!(contact_sheet(&images, 2, u32::MAX).is_err());
    assert!(side_by_side(&[Image::filled(1, 1, [0.0; 4]), Image::filled(2, 1, [0.0; 4])]).is_err());
}

#[test]
fn npy_has_the_layout_numpy_reads() {
    let values: Vec<f32> = (0..24).map(|v| v as f32).collect();
    let mut bytes = Vec::new();
    write_npy(&mut bytes, "memory", &[2, 3, 4], &values).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert_eq!((10 + header) % 64, 0);
    let text = std::str::from_utf8(&bytes[10..10 + header]).unwrap();
    assert!(text.ends_with(" \n") || text.ends_with("}\n"), "{text:?}");
    assert_eq!(text.trim_end(), "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4), }");
    let (quads, rest) = bytes[10 + header..].as_chunks::<4>();
    assert!(rest.is_empty());
    assert_eq!(quads.iter().map(|&quad| f32::from_le_bytes(quad)).collect::<Vec<_>>(), values);
    assert!(write_npy(&mut bytes, "memory", &[2, 3, 5], &values).is_err());
    assert!(write_npy(&mut bytes, "memory", &[usize::MAX, 2], &values).is_err());
}
