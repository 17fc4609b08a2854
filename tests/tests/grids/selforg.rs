//! Self-Organizing Gaussians: every kind of picture that the system writes, and the two texts, written as its code does.

use std::fmt::Write as _;
use std::path::Path;

use exr::prelude::{
    AnyChannel, AnyChannels, Compression, Encoding, FlatSamples, Image, Layer, LayerAttributes,
    WritableImage as _, f16,
};
use vivant::clip::{Clip, WriterOptions};
use vivant::splat::Splats;
use vivant_convert::{Axes, Options, Source};
use vivant_tests::gpu::assert_fails;
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::performances;
use vivant_tests::pictures::{LEAST, assert_shows, worst};
use zune_core::bit_depth::BitDepth;
use zune_core::colorspace::ColorSpace;
use zune_core::options::EncoderOptions;

use crate::common::{assert_near, open, read_count, time};
use crate::npz_writer::{array, save_npz, singles};

/// How one attribute is saved.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Png8,
    Png16,
    ExrHalf,
    ExrFloat,
    Npz,
    Jxl16,
}

impl Kind {
    fn method(self) -> &'static str {
        match self {
            Self::Png8 | Self::Png16 => "png",
            Self::ExrHalf | Self::ExrFloat => "exr",
            Self::Npz => "npz",
            Self::Jxl16 => "jpeg-xl",
        }
    }

    fn ending(self) -> &'static str {
        if self == Self::Jxl16 { "jxl" } else { self.method() }
    }

    /// Integers hold 0..1 alone.
    fn normalized(self) -> bool {
        matches!(self, Self::Png8 | Self::Png16 | Self::Jxl16)
    }
}

/// The trainer's parameters as flat arrays: name, channels, values.
fn parameters(splats: &Splats, logarithmic: bool) -> Vec<(&'static str, usize, Vec<f32>)> {
    let log =
        |x: f32| if logarithmic { (f64::from(x).signum() * f64::from(x).abs().ln_1p()) as f32 } else { x };
    let logit = |o: f32| {
        let o = f64::from(o).clamp(0.003, 0.999);
        (o / (1.0 - o)).ln() as f32
    };
    let mut all = vec![
        ("_xyz", 3, splats.mean.as_flattened().iter().map(|&x| log(x)).collect::<Vec<f32>>()),
        ("_features_dc", 3, splats.colour.as_flattened().iter().map(|&c| (c - 0.5) / 0.282_094_8).collect()),
        ("_scaling", 3, splats.scale.as_flattened().iter().map(|s| s.ln()).collect()),
        ("_rotation", 4, splats.rotation.iter().flat_map(|&[x, y, z, w]| [w, x, y, z]).collect()),
        ("_opacity", 1, splats.opacity.iter().map(|&o| logit(o)).collect()),
    ];
    if splats.sh_degree > 0 {
        all.push(("_features_rest", splats.sh_stride(), splats.sh_rest.clone()));
    }
    all
}

/// The ends between which the system normalises.
fn ends(name: &str, values: &[f32]) -> [f32; 2] {
    match name {
        "_xyz" => values.iter().fold([f32::MAX, f32::MIN], |[a, b], &v| [a.min(v), b.max(v)]),
        "_features_dc" => [-2.0, 4.0],
        "_features_rest" => [-1.0, 1.0],
        "_scaling" => [-13.0, 3.0],
        "_rotation" => [-1.0, 2.0],
        _ => [-6.0, 12.0],
    }
}

/// As `OpenCV` turns the channels of a pixel.
fn turned(values: &[f32], channels: usize) -> Vec<f32> {
    let mut out = values.to_vec();
    if channels >= 3 {
        out.chunks_exact_mut(channels).for_each(|pixel| pixel.swap(0, 2));
    }
    out
}

fn png_file(values: &[f32], side: usize, channels: usize, wide: bool) -> Vec<u8> {
    let values = turned(values, channels);
    let raw: Vec<u8> = if wide {
        values.iter().flat_map(|v| ((v * 65535.0) as u16).to_be_bytes()).collect()
    } else {
        values.iter().map(|v| (v * 255.0) as u8).collect()
    };
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, side as u32, side as u32);
    encoder.set_color(match channels {
        1 => png::ColorType::Grayscale,
        3 => png::ColorType::Rgb,
        _ => png::ColorType::Rgba,
    });
    encoder.set_depth(if wide { png::BitDepth::Sixteen } else { png::BitDepth::Eight });
    encoder.write_header().unwrap().write_image_data(&raw).unwrap();
    out
}

fn exr_file(path: &Path, values: &[f32], side: usize, channels: usize, half: bool) {
    let names: &[&str] = match channels {
        1 => &["Y"],
        3 => &["B", "G", "R"],
        _ => &["B", "G", "R", "A"],
    };
    let planes = names.iter().enumerate().map(|(channel, name)| {
        let plane = values.chunks_exact(channels).map(|pixel| pixel[channel]);
        let samples = if half {
            FlatSamples::F16(plane.map(f16::from_f32).collect())
        } else {
            FlatSamples::F32(plane.collect())
        };
        AnyChannel::new(*name, samples)
    });
    let encoding = Encoding { compression: Compression::ZIP16, ..Encoding::default() };
    let layer =
        Layer::new((side, side), LayerAttributes::default(), encoding, AnyChannels::sort(planes.collect()));
    Image::from_layer(layer).write().non_parallel().to_file(path).unwrap();
}

/// What `np.savez_compressed` writes.
fn npz_file(path: &Path, values: &[f32], side: usize, channels: usize) {
    save_npz(path, &[("arr_0", array(&[side, side, channels], "<f4", &singles(values)))], true);
}

fn jxl_file(values: &[f32], side: usize, channels: usize) -> Vec<u8> {
    // This encoder says that alpha has 8 bits, however many it has.
    let (raw, depth): (Vec<u8>, _) = if channels == 4 {
        (values.iter().map(|v| (v * 255.0).round() as u8).collect(), BitDepth::Eight)
    } else {
        let wide = values.iter().flat_map(|v| ((v * 65535.0).round() as u16).to_ne_bytes());
        (wide.collect(), BitDepth::Sixteen)
    };
    let space = match channels {
        1 => ColorSpace::Luma,
        3 => ColorSpace::RGB,
        _ => ColorSpace::RGBA,
    };
    let options = EncoderOptions::new(side, side, space, depth);
    let mut out = Vec::new();
    zune_jpegxl::JxlSimpleEncoder::new(&raw, options).encode(&mut out).unwrap();
    out
}

/// Saves a folder, each attribute by `kind_of` it.
fn save(folder: &Path, splats: &Splats, logarithmic: bool, kind_of: &dyn Fn(&str) -> Kind) {
    std::fs::create_dir_all(folder).unwrap();
    let side = splats.len().isqrt();
    assert_eq!(side * side, splats.len());
    let mut config = format!("active_sh_degree: {}\nattributes:\n", splats.sh_degree);
    let mut info = ",min,max,file\n".to_owned();
    for (name, channels, mut values) in parameters(splats, logarithmic) {
        let kind = kind_of(name);
        let file = format!("{name}.{}", kind.ending());
        // One attribute is contracted on top, as a configuration may ask.
        let contracted = name == "_features_dc" && kind == Kind::Npz;
        if contracted {
            values.iter_mut().for_each(|v| *v = v.signum() * v.abs().ln_1p());
        }
        writeln!(config, "- contract: {contracted}\n  method: {}\n  name: {name}", kind.method()).unwrap();
        if kind.normalized() {
            let [low, high] = ends(name, &values);
            values.iter_mut().for_each(|v| *v = ((v.clamp(low, high)) - low) / (high - low));
            writeln!(config, "  normalize: true\n  params:\n    level: 101").unwrap();
            writeln!(info, "{name},{low},{high},{file}").unwrap();
        } else {
            writeln!(info, "{name},,,{file}").unwrap();
        }
        let path = folder.join(&file);
        match kind {
            Kind::Png8 => std::fs::write(path, png_file(&values, side, channels, false)).unwrap(),
            Kind::Png16 => std::fs::write(path, png_file(&values, side, channels, true)).unwrap(),
            Kind::ExrHalf => exr_file(&path, &values, side, channels, true),
            Kind::ExrFloat => exr_file(&path, &values, side, channels, false),
            Kind::Npz => npz_file(&path, &values, side, channels),
            Kind::Jxl16 => std::fs::write(path, jxl_file(&values, side, channels)).unwrap(),
        }
    }
    writeln!(
        config,
        "disable_xyz_log_activation: {}\nmax_sh_degree: {}\nname: a_test",
        !logarithmic, splats.sh_degree
    )
    .unwrap();
    std::fs::write(folder.join("compression_config.yml"), config).unwrap();
    std::fs::write(folder.join("compression_info.csv"), info).unwrap();
}

fn options() -> Options {
    Options { axes: Some(Axes::RUB), ..Options::default() }
}

fn read(folder: &Path) -> Splats {
    assert_eq!(open(folder, &options()).unwrap().format().name, "self-organizing");
    Source::open(&[folder.to_owned()], &options()).unwrap().read_frame(0).unwrap().splats
}

#[test]
fn every_kind_of_picture_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    for degree in [0, 3] {
        let splats = performances::ball(40 * 40, degree, 5);
        for (number, kind) in
            [Kind::Png16, Kind::ExrHalf, Kind::ExrFloat, Kind::Npz, Kind::Jxl16].into_iter().enumerate()
        {
            for logarithmic in [true, false] {
                let path = folder.path().join(format!("{number}-{degree}-{logarithmic}"));
                save(&path, &splats, logarithmic, &|name| {
                    if name == "_features_rest" { Kind::Npz } else { kind }
                });
                // Mean, covariance, opacity (clipped logits), colour, harmonics.
                let near = match kind {
                    Kind::Png16 => [3e-5, 2e-3, 3.1e-3, 4e-5, 1e-6],
                    Kind::Jxl16 => [2e-5, 6e-2, 3.1e-3, 4e-5, 1e-6],
                    Kind::ExrHalf => [4e-4, 2e-2, 3.1e-3, 8e-4, 1e-6],
                    _ => [1e-6, 1e-4, 3.1e-3, 1e-6, 1e-6],
                };
                assert_near(&read(&path), &splats, near);
            }
        }
    }
    let mut other = performances::ball(40 * 40, 0, 5);
    other.colour.iter_mut().for_each(|colour| colour.swap(0, 2));
    let path = folder.path().join("0-0-true");
    assert_fails("red for blue", || assert_near(&read(&path), &other, [3e-5, 2e-3, 3.1e-3, 4e-5, 1e-6]));
}

#[test]
fn eight_bits_are_eight_bits() {
    let folder = tempfile::tempdir().unwrap();
    let splats = performances::ball(400, 0, 5);
    save(folder.path(), &splats, true, &|name| if name == "_features_dc" { Kind::Png8 } else { Kind::Npz });
    assert_near(&read(folder.path()), &splats, [1e-6, 1e-4, 3.1e-3, 6.0 / 255.0 * 0.2821 + 1e-6, 0.0]);
}

#[test]
fn what_is_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let splats = performances::ball(400, 0, 5);
    let after = |change: &dyn Fn(&Path)| {
        save(&path, &splats, true, &|_| Kind::Npz);
        change(&path);
        open(&path, &options()).and_then(|_| read_count(&path)).unwrap_err().to_string()
    };
    let edit = |name: &'static str, from: &'static str, to: &'static str| {
        move |path: &Path| {
            let text = std::fs::read_to_string(path.join(name)).unwrap();
            assert!(text.contains(from));
            std::fs::write(path.join(name), text.replace(from, to)).unwrap();
        }
    };
    let cases: [(&dyn Fn(&Path), &str); 6] = [
        (&edit("compression_info.csv", "_xyz.npz", "../_xyz.npz"), "no file beside it"),
        (&edit("compression_info.csv", "_xyz,,,_xyz.npz", ""), "no line for _xyz"),
        (&edit("compression_config.yml", "name: _xyz", "name: _abc"), "line"),
        (&edit("compression_config.yml", "method: npz", "method: bmp"), "not known"),
        (&|path| npz_file(&path.join("_xyz.npz"), &[0.0; 300], 10, 3), "300 numbers for 400 splats"),
        (&|path| npz_file(&path.join("_xyz.npz"), &vec![0.0; 3_000_000], 1000, 3), "exceeds the limit"),
    ];
    for (change, line) in cases {
        let error = after(change);
        assert!(error.contains(line) && error.contains("/a"), "{line}: {error}");
    }
}

#[test]
fn pictures_survive() {
    let folder = tempfile::tempdir().unwrap();
    let splats = performances::ball(81, 1, 5);
    for (number, kind) in [Kind::Png16, Kind::ExrHalf, Kind::Jxl16].into_iter().enumerate() {
        let path = folder.path().join(format!("{number}"));
        save(&path, &splats, true, &|name| if name == "_features_rest" { Kind::Npz } else { kind });
        for name in ["_xyz", "_rotation"] {
            attack(&path.join(format!("{name}.{}", kind.ending())), &path, Cut::Fails, &read_count);
        }
    }
    let path = folder.path().join("0");
    for name in ["_features_rest.npz", "compression_config.yml", "compression_info.csv"] {
        let cut = if name.ends_with("npz") { Cut::Fails } else { Cut::MayRead };
        if cut == Cut::Fails {
            attack(&path.join(name), &path, cut, &read_count);
        } else {
            texts_survive(&path, name);
        }
    }
}

/// A text that is cut may still say enough: what counts is that it is read or refused, by name.
fn texts_survive(folder: &Path, name: &str) {
    let path = folder.join(name);
    let whole = std::fs::read(&path).unwrap();
    let mut random = vivant_tests::random::Random::new(3);
    for turn in 0..1100 {
        let mut bytes = whole.clone();
        if turn < 100 {
            bytes.truncate(whole.len() * turn / 100);
        } else {
            let at = random.below(whole.len() as u32) as usize;
            bytes[at] ^= 1 << random.below(8);
        }
        std::fs::write(&path, &bytes).unwrap();
        if let Err(error) = read_count(folder) {
            assert!(error.to_string().contains(folder.to_str().unwrap()), "{error}");
        }
    }
    std::fs::write(&path, whole).unwrap();
}

#[test]
fn pictures_are_those_of_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut ball = performances::still(55 * 55, 2);
    let kind = |name: &str| match name {
        "_features_rest" | "_xyz" => Kind::Npz,
        "_rotation" => Kind::Png16,
        "_scaling" => Kind::ExrHalf,
        _ => Kind::Jxl16,
    };
    save(folder.path(), &ball.splats, true, &kind);
    let foreign = open(folder.path(), &options()).unwrap();
    let (bytes, ..) = foreign.write_to_memory(&WriterOptions::default(), &mut |_| ()).unwrap();
    let clip = Clip::from_bytes("a.vvt", bytes).unwrap();
    assert_shows("self-organizing", &clip, &ball, &[0.0]);
    ball.splats.colour.iter_mut().for_each(|colour| colour.swap(0, 2));
    if let Some(psnr) = worst("self-organizing-blue", &clip, &ball, &[0.0]) {
        assert!(psnr < LEAST, "red for blue: {psnr:.1} dB");
    }
}

#[test]
#[ignore = "a figure: time of a large folder"]
fn timed() {
    let folder = tempfile::tempdir().unwrap();
    let splats = performances::ball(700 * 700, 0, 5);
    for (name, kind) in [("png", Kind::Png16), ("jxl", Kind::Jxl16), ("exr", Kind::ExrHalf)] {
        let path = folder.path().join(name);
        save(&path, &splats, true, &|_| kind);
        let files: Vec<_> = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
        time(name, &path, &files);
    }
}
