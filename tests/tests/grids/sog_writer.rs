//! A writer of SOG and of the pictures of TSOG, from the specification: pictures are tables of bytes in row order.
//!
//! It gives what it wrote back as splats (`written`), by its own arithmetic, so that nothing is compared with the reader's.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use vivant::splat::Splats;

/// Pictures by name, and the manifest.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) pictures: Vec<(String, Vec<u8>)>,
    pub(crate) meta: Value,
}

/// A lossless WebP of `rgba` pixels, `width` in a row; what is missing of the last row is black.
pub(crate) fn webp(pixels: &[[u8; 4]], width: usize) -> Vec<u8> {
    let height = pixels.len().div_ceil(width).max(1);
    let mut raw = pixels.as_flattened().to_vec();
    raw.resize(width * height * 4, 0);
    let mut out = Vec::new();
    let encoder = image_webp::WebPEncoder::new(&mut out);
    encoder.encode(&raw, width as u32, height as u32, image_webp::ColorType::Rgba8).unwrap();
    out
}

fn log(value: f32) -> f64 {
    f64::from(value).signum() * f64::from(value).abs().ln_1p()
}

fn ends(values: impl Iterator<Item = f64>) -> [f64; 2] {
    values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| [low.min(value), high.max(value)])
}

/// Number between two ends as an integer of `steps`.
pub(crate) fn quantise([low, high]: [f64; 2], value: f64, steps: f64) -> u32 {
    if high > low { ((value - low) / (high - low) * steps).round().clamp(0.0, steps) as u32 } else { 0 }
}

/// Two pictures of 16-bit numbers, three a splat: low and high bytes.
pub(crate) fn split(numbers: &[[u32; 3]]) -> [Vec<[u8; 4]>; 2] {
    [0, 8].map(|shift| {
        numbers
            .iter()
            .map(|n| [0, 1, 2, 3].map(|c| if c < 3 { (n[c] >> shift) as u8 } else { 255 }))
            .collect()
    })
}

/// The quaternion as three bytes and the tag of the largest, which is made positive; the order is w, x, y, z.
fn pack_rotation([x, y, z, w]: [f32; 4]) -> [u8; 4] {
    let q = [w, x, y, z].map(f64::from);
    let largest = (0..4).max_by(|&a, &b| q[a].abs().total_cmp(&q[b].abs())).unwrap();
    let sign = q[largest].signum();
    let mut kept = (0..4).filter(|&part| part != largest).map(|part| {
        ((q[part] * sign * std::f64::consts::SQRT_2 * 0.5 + 0.5) * 255.0).round().clamp(0.0, 255.0) as u8
    });
    [kept.next().unwrap(), kept.next().unwrap(), kept.next().unwrap(), 252 + largest as u8]
}

/// 256 numbers that span `values` evenly.
fn book(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let [low, high] = ends(values);
    (0..256).map(|entry| low + (high - low) * f64::from(entry) / 255.0).collect()
}

fn nearest(book: &[f64], value: f64) -> u8 {
    (0..book.len()).min_by(|&a, &b| (book[a] - value).abs().total_cmp(&(book[b] - value).abs())).unwrap()
        as u8
}

fn dc(colour: f32) -> f64 {
    (f64::from(colour) - 0.5) / 0.282_094_791_773_878_14
}

/// The pictures that all versions share: means, quaternions, palette rows and labels.
fn shared(splats: &Splats, width: usize) -> (Vec<(String, Vec<u8>)>, [[f64; 2]; 3]) {
    let axes = [0, 1, 2].map(|axis| ends(splats.mean.iter().map(|mean| log(mean[axis]))));
    let means: Vec<[u32; 3]> = splats
        .mean
        .iter()
        .map(|mean| [0, 1, 2].map(|axis| quantise(axes[axis], log(mean[axis]), 65535.0)))
        .collect();
    let [low, high] = split(&means);
    let quats: Vec<[u8; 4]> = splats.rotation.iter().map(|&q| pack_rotation(q)).collect();
    let pictures = vec![
        ("means_l.webp".to_owned(), webp(&low, width)),
        ("means_u.webp".to_owned(), webp(&high, width)),
        ("quats.webp".to_owned(), webp(&quats, width)),
    ];
    (pictures, axes)
}

/// Every `rows`-th splat lends its harmonics to all that share its number by that modulus: the labels, and whose they are.
fn labels(splats: &Splats, rows: usize) -> Vec<usize> {
    (0..splats.len()).map(|index| index % rows).collect()
}

/// Harmonics as a palette of the first `rows` splats' own: rows of 64 entries, a pixel a coefficient.
fn palette(splats: &Splats, rows: usize, byte: &dyn Fn(f64) -> u8) -> Vec<[u8; 4]> {
    let coefficients = splats.sh_stride() / 3;
    let mut pixels = vec![[0; 4]; 64 * coefficients * rows.div_ceil(64)];
    for row in 0..rows {
        for (c, value) in splats.sh_rest_of(row).chunks(3).enumerate() {
            let at = (row / 64) * 64 * coefficients + (row % 64) * coefficients + c;
            pixels[at] = [byte(value[0].into()), byte(value[1].into()), byte(value[2].into()), 255];
        }
    }
    pixels
}

fn label_pixels(labels: &[usize]) -> Vec<[u8; 4]> {
    labels.iter().map(|&label| [label as u8, (label >> 8) as u8, 0, 255]).collect()
}

/// Version 2, or TSOG's version 4, which differs in its timeline only. `rows` is the size of the palette.
pub(crate) fn version_2(splats: &Splats, width: usize, rows: usize) -> Files {
    let (mut pictures, axes) = shared(splats, width);
    let scales = book(splats.scale.as_flattened().iter().map(|&s| f64::from(s).ln()));
    let colours = book(splats.colour.as_flattened().iter().map(|&c| dc(c)));
    let scale_pixels: Vec<[u8; 4]> = splats
        .scale
        .iter()
        .map(|s| [0, 1, 2, 3].map(|c| if c < 3 { nearest(&scales, f64::from(s[c]).ln()) } else { 255 }))
        .collect();
    let sh0: Vec<[u8; 4]> = (0..splats.len())
        .map(|index| {
            let [r, g, b] = splats.colour[index].map(|c| nearest(&colours, dc(c)));
            [r, g, b, (splats.opacity[index] * 255.0).round() as u8]
        })
        .collect();
    pictures.push(("scales.webp".to_owned(), webp(&scale_pixels, width)));
    pictures.push(("sh0.webp".to_owned(), webp(&sh0, width)));
    let mut meta = json!({
        "version": 2,
        "asset": {"generator": "a test"},
        "count": splats.len(),
        "means": {"mins": axes.map(|a| a[0]), "maxs": axes.map(|a| a[1]), "files": ["means_l.webp", "means_u.webp"]},
        "scales": {"codebook": scales, "files": ["scales.webp"]},
        "quats": {"files": ["quats.webp"]},
        "sh0": {"codebook": colours, "files": ["sh0.webp"]},
    });
    if splats.sh_degree > 0 {
        let values = book(splats.sh_rest[..rows * splats.sh_stride()].iter().map(|&v| f64::from(v)));
        let centroids = palette(splats, rows, &|value| nearest(&values, value));
        pictures.push(("shN_centroids.webp".to_owned(), webp(&centroids, 64 * splats.sh_stride() / 3)));
        pictures.push(("shN_labels.webp".to_owned(), webp(&label_pixels(&labels(splats, rows)), width)));
        meta["shN"] = json!({
            "count": rows, "bands": splats.sh_degree, "codebook": values,
            "files": ["shN_centroids.webp", "shN_labels.webp"],
        });
    }
    Files { pictures, meta }
}

/// Version 1: everything evenly between two ends, the opacity as a logit, no count and no bands.
pub(crate) fn version_1(splats: &Splats, width: usize, rows: usize) -> Files {
    let (mut pictures, axes) = shared(splats, width);
    let scale_ends = [0, 1, 2].map(|c| ends(splats.scale.iter().map(|s| f64::from(s[c]).ln())));
    let logit = |opacity: f32| {
        let o = f64::from(opacity).clamp(0.002, 0.998);
        (o / (1.0 - o)).ln()
    };
    let mut colour_ends = [0, 1, 2].map(|c| ends(splats.colour.iter().map(|s| dc(s[c])))).to_vec();
    colour_ends.push(ends(splats.opacity.iter().map(|&o| logit(o))));
    let scale_pixels: Vec<[u8; 4]> = splats
        .scale
        .iter()
        .map(|s| {
            [0, 1, 2, 3]
                .map(|c| if c < 3 { quantise(scale_ends[c], f64::from(s[c]).ln(), 255.0) as u8 } else { 255 })
        })
        .collect();
    let sh0: Vec<[u8; 4]> = (0..splats.len())
        .map(|i| {
            let values = [
                dc(splats.colour[i][0]),
                dc(splats.colour[i][1]),
                dc(splats.colour[i][2]),
                logit(splats.opacity[i]),
            ];
            [0, 1, 2, 3].map(|c: usize| quantise(colour_ends[c], values[c], 255.0) as u8)
        })
        .collect();
    pictures.push(("scales.webp".to_owned(), webp(&scale_pixels, width)));
    pictures.push(("sh0.webp".to_owned(), webp(&sh0, width)));
    let n = splats.len();
    let side = |ends: &[[f64; 2]], which: usize| ends.iter().map(|e| e[which]).collect::<Vec<_>>();
    let mut meta = json!({
        "means": {"shape": [n, 3], "dtype": "float32", "mins": axes.map(|a| a[0]), "maxs": axes.map(|a| a[1]),
            "files": ["means_l.webp", "means_u.webp"]},
        "scales": {"shape": [n, 3], "dtype": "float32", "mins": side(&scale_ends, 0), "maxs": side(&scale_ends, 1),
            "files": ["scales.webp"]},
        "quats": {"shape": [n, 4], "dtype": "uint8", "encoding": "quaternion_packed", "files": ["quats.webp"]},
        "sh0": {"shape": [n, 1, 4], "dtype": "float32", "mins": side(&colour_ends, 0), "maxs": side(&colour_ends, 1),
            "files": ["sh0.webp"]},
    });
    if splats.sh_degree > 0 {
        let span = ends(splats.sh_rest[..rows * splats.sh_stride()].iter().map(|&v| f64::from(v)));
        let centroids = palette(splats, rows, &|value| quantise(span, value, 255.0) as u8);
        pictures.push(("shN_centroids.webp".to_owned(), webp(&centroids, 64 * splats.sh_stride() / 3)));
        pictures.push(("shN_labels.webp".to_owned(), webp(&label_pixels(&labels(splats, rows)), width)));
        meta["shN"] = json!({"mins": span[0], "maxs": span[1], "quantization": 8,
            "files": ["shN_centroids.webp", "shN_labels.webp"]});
    }
    Files { pictures, meta }
}

/// The splats with the harmonics that their labels give them.
pub(crate) fn with_palette(splats: &Splats, rows: usize) -> Splats {
    let mut out = splats.clone();
    let stride = splats.sh_stride();
    for (index, row) in labels(splats, rows).into_iter().enumerate() {
        out.sh_rest[index * stride..(index + 1) * stride].copy_from_slice(splats.sh_rest_of(row));
    }
    out
}

/// Saves the files side by side.
pub(crate) fn save_folder(folder: &Path, files: &Files) {
    std::fs::create_dir_all(folder).unwrap();
    for (name, bytes) in &files.pictures {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    std::fs::write(folder.join("meta.json"), serde_json::to_vec(&files.meta).unwrap()).unwrap();
}

/// Saves the files as an archive, stored or deflated.
pub(crate) fn save_archive(path: &Path, files: &Files, deflated: bool) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    let method = if deflated { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    let meta = serde_json::to_vec(&files.meta).unwrap();
    let entries = files.pictures.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    for (name, bytes) in entries.chain([("meta.json", meta.as_slice())]) {
        archive.start_file(name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}
