//! Compact 3D Gaussians: codes, pickled codebooks and a network whose colours are known, or evaluated here in f64.

use std::path::Path;

use glam::DVec3;
use vivant::clip::{Clip, WriterOptions};
use vivant::splat::{Performance, Splats};
use vivant_convert::{Axes, Options, Source};
use vivant_tests::gpu::assert_fails;
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::performances;
use vivant_tests::pictures::{LEAST, assert_shows, worst};
use vivant_tests::random::Random;

use crate::common::{assert_near, open, read_count, time};
use crate::npz_writer::{array, halves, save_npz};

const STAGES: usize = 6;
const BITS: usize = 6;
const ENTRIES: usize = 64;

/// A model as the trainer holds it.
#[derive(Clone)]
struct Model {
    xyz: Vec<[f32; 3]>,
    opacity: Vec<f32>,
    scale_codes: Vec<[usize; STAGES]>,
    rotation_codes: Vec<[usize; STAGES]>,
    scale_books: Vec<Vec<Vec<f32>>>,
    rotation_books: Vec<Vec<Vec<f32>>>,
    log2: u32,
    hash: Vec<f32>,
    mlp: Vec<f32>,
}

/// Resolution and number of entries of a level, in f64 from the paper's rule.
fn level(number: i32, log2: u32) -> (f64, u64, u64) {
    let scale = 16.0 * 1.447_f64.powi(number) - 1.0;
    let resolution = scale.ceil() as u64 + 1;
    let dense = resolution.pow(3).div_ceil(8) * 8;
    (scale, resolution, dense.min(1 << log2))
}

fn features_of(model: &Model, place: DVec3) -> Vec<f64> {
    let mut out = Vec::new();
    let mut first = 0;
    for number in 0..16 {
        let (scale, resolution, entries) = level(number, model.log2);
        let at = place * scale + 0.5;
        let mut sums = [0.0; 2];
        for corner in 0..8_u64 {
            let step = [corner & 1, corner >> 1 & 1, corner >> 2];
            let cell = [0, 1, 2].map(|axis| at[axis].floor() as u64 + step[axis]);
            let weight: f64 = (0..3)
                .map(|axis| {
                    let share = at[axis].fract();
                    if step[axis] == 1 { share } else { 1.0 - share }
                })
                .product();
            let index = if resolution.pow(3) <= entries {
                cell[0] + cell[1] * resolution + cell[2] * resolution.pow(2)
            } else {
                let low = |value: u64| value & 0xffff_ffff;
                low(cell[0]) ^ low(cell[1] * 2_654_435_761) ^ low(cell[2] * 805_459_861)
            } % entries;
            for (feature, sum) in sums.iter_mut().enumerate() {
                *sum += weight * f64::from(model.hash[(first + index as usize) * 2 + feature]);
            }
        }
        out.extend(sums);
        first += entries as usize;
    }
    out
}

/// What the trainer's renderer shows of a splat along `d`: from the camera to it.
fn colour_of(model: &Model, index: usize, d: DVec3) -> [f64; 3] {
    let x = DVec3::from_array(model.xyz[index].map(f64::from));
    let length = x.length();
    let contracted = if length > 1.0 { x * ((2.0 - 1.0 / length) / length) } else { x };
    let mut inputs = features_of(model, contracted / 4.0 + 0.5);
    let [x, y, z] = (d * 2.0 - 1.0).to_array();
    inputs.extend([
        0.282_094_791_773_878,
        -0.488_602_511_902_92 * y,
        0.488_602_511_902_92 * z,
        -0.488_602_511_902_92 * x,
        1.092_548_430_592_08 * x * y,
        -1.092_548_430_592_08 * y * z,
        0.946_174_695_757_56 * z * z - 0.315_391_565_252_52,
        -1.092_548_430_592_08 * x * z,
        0.546_274_215_296_04 * (x * x - y * y),
    ]);
    inputs.resize(48, 1.0);
    let layer = |weights: &[f32], inputs: &[f64], outputs: usize| -> Vec<f64> {
        let row = |output: usize| {
            inputs.iter().enumerate().map(|(i, v)| v * f64::from(weights[output * inputs.len() + i])).sum()
        };
        (0..outputs).map(row).collect()
    };
    let relu = |values: Vec<f64>| values.into_iter().map(|value| value.max(0.0)).collect::<Vec<_>>();
    let first = relu(layer(&model.mlp, &inputs, 64));
    let second = relu(layer(&model.mlp[64 * 48..], &first, 64));
    let out = layer(&model.mlp[64 * 48 + 64 * 64..], &second, 3);
    [0, 1, 2].map(|channel: usize| 0.5 + 0.282_094_791_773_878 * out[channel])
}

/// To what a half holds.
fn half(value: f32) -> f32 {
    half::f16::from_f32(value).to_f32()
}

fn model(count: u32, log2: u32, seed: u64) -> Model {
    let mut random = Random::new(seed);
    let ball = performances::ball(count, 0, seed);
    let books = |random: &mut Random, first: &[f32], spread: f32| -> Vec<Vec<Vec<f32>>> {
        (0..STAGES)
            .map(|stage| {
                let spread = if stage == 0 { spread } else { spread * 0.1 };
                let base = |at: usize| if stage == 0 { first[at] } else { 0.0 };
                (0..ENTRIES)
                    .map(|_| (0..first.len()).map(|at| base(at) + random.range(-spread, spread)).collect())
                    .collect()
            })
            .collect()
    };
    let codes = |random: &mut Random| -> Vec<[usize; STAGES]> {
        (0..count).map(|_| [0; STAGES].map(|_| random.below(64) as usize)).collect()
    };
    let entries: u64 = (0..16).map(|number| level(number, log2).2).sum();
    let hash = (0..entries * 2).map(|_| half(random.range(-4.0, 4.0))).collect();
    // Every neuron stays above zero, so that the network is a polynomial of degree 2 in the direction: what places and
    // directions add to a neuron is below 16.4, what the ones add is 17.5.
    let mut mlp: Vec<f32> = (0..64 * 48).map(|_| random.range(-0.1, 0.1)).collect();
    mlp.chunks_mut(48).for_each(|row| row[41..].fill(2.5));
    mlp.extend((0..64 * 64).map(|_| random.range(0.01, 0.09)));
    for _ in 0..16 {
        // Rows without a mean: colours stay about one half.
        let row = [0; 64].map(|_| random.range(-0.05, 0.05));
        let mean = row.iter().sum::<f32>() / 64.0;
        mlp.extend(row.map(|weight| weight - mean));
    }
    mlp.iter_mut().for_each(|weight| *weight = half(*weight));
    Model {
        xyz: ball.mean.iter().map(|mean| mean.map(|x| half(x * 6.0))).collect(),
        opacity: ball.opacity.iter().map(|&o| half(o)).collect(),
        scale_codes: codes(&mut random),
        rotation_codes: codes(&mut random),
        scale_books: books(&mut random, &[0.12, 0.09, 0.05], 0.03),
        rotation_books: books(&mut random, &[0.6, 0.0, 0.1, -0.2], 0.7),
        log2,
        hash,
        mlp,
    }
}

/// Codes as numpy packs them: least bit first, eight to a byte, the first greatest.
fn packed(codes: &[[usize; STAGES]]) -> Vec<u8> {
    let bits: Vec<u8> = codes
        .as_flattened()
        .iter()
        .flat_map(|code| (0..BITS).map(move |bit| (code >> bit & 1) as u8))
        .collect();
    bits.chunks(8).map(|bits| bits.iter().enumerate().map(|(at, bit)| bit << (7 - at)).sum()).collect()
}

/// A storage as a file of torch's old format.
fn storage(values: &[f32]) -> Vec<u8> {
    let mut old = vec![0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];
    old.extend(b"\x80\x02M\xe9\x03.");
    old.extend(b"\x80\x02}q\x00(X\x10\x00\x00\x00protocol_versionq\x01M\xe9\x03u.");
    old.extend(
        b"\x80\x02(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x03\x00\x00\x00abcX\x03\x00\x00\x00cpuJ",
    );
    old.extend((values.len() as u32).to_le_bytes());
    old.extend(b"NtQ.\x80\x02]X\x03\x00\x00\x00abca.");
    old.extend((values.len() as u64).to_le_bytes());
    old.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    old
}

/// What numpy pickles of a state dictionary: an array of one object.
fn codebook(books: &[Vec<Vec<f32>>]) -> Vec<u8> {
    let mut bytes =
        b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R".to_vec();
    bytes.extend(b"(K\x01)cnumpy\ndtype\nX\x02\x00\x00\x00O8\x89\x88\x87R(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ftb");
    bytes.extend(b"\x89]ccollections\nOrderedDict\n)R(");
    for (stage, book) in books.iter().enumerate() {
        let key = format!("layers.{stage}._codebook.embed");
        bytes.push(b'X');
        bytes.extend((key.len() as u32).to_le_bytes());
        bytes.extend(key.bytes());
        let old = storage(&book.concat());
        bytes.extend(b"ctorch._utils\n_rebuild_tensor_v2\n(ctorch.storage\n_load_from_bytes\nB");
        bytes.extend((old.len() as u32).to_le_bytes());
        bytes.extend(&old);
        let width = book[0].len() as u8;
        // Offset 0, shape (1, 64, width), strides to fit.
        bytes.extend([0x85, b'R', b'K', 0]);
        bytes.extend([b'K', 1, b'K', 64, b'K', width, 0x87]);
        bytes.extend([b'M', (64 * width as u16) as u8, ((64 * width as u16) >> 8) as u8]);
        bytes.extend([b'K', width, b'K', 1, 0x87]);
        bytes.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    bytes.extend(b"uatb.");
    array(&[], "|O", &bytes)
}

fn arrays(model: &Model) -> Vec<(&'static str, Vec<u8>)> {
    let count = model.xyz.len();
    let (scale, rotation) = (packed(&model.scale_codes), packed(&model.rotation_codes));
    let info: Vec<u8> = [STAGES as i64, BITS as i64].iter().flat_map(|v| v.to_le_bytes()).collect();
    vec![
        ("xyz", array(&[count, 3], "<f2", &halves(model.xyz.as_flattened()))),
        ("opacity", array(&[count, 1], "<f2", &halves(&model.opacity))),
        ("scale", array(&[scale.len()], "|u1", &scale)),
        ("rotation", array(&[rotation.len()], "|u1", &rotation)),
        ("hash", array(&[model.hash.len()], "<f2", &halves(&model.hash))),
        ("mlp", array(&[model.mlp.len()], "<f2", &halves(&model.mlp))),
        ("codebook_scale", codebook(&model.scale_books)),
        ("codebook_rotation", codebook(&model.rotation_books)),
        ("rvq_info", array(&[2], "<i8", &info)),
    ]
}

/// The model's splats by sums of its codes, without harmonics.
fn splats_of(model: &Model) -> Splats {
    let sum = |books: &[Vec<Vec<f32>>], codes: &[usize; STAGES], at: usize| -> f32 {
        codes.iter().zip(books).map(|(&code, book)| book[code][at]).sum()
    };
    let mut out = Splats::new(3);
    for index in 0..model.xyz.len() {
        let [w, x, y, z] =
            [0, 1, 2, 3].map(|at| sum(&model.rotation_books, &model.rotation_codes[index], at));
        let length = (w * w + x * x + y * y + z * z).sqrt();
        let splat = vivant::splat::Splat {
            mean: model.xyz[index],
            scale: [0, 1, 2].map(|at| sum(&model.scale_books, &model.scale_codes[index], at)),
            rotation: [x, y, z, w].map(|part| part / length),
            opacity: model.opacity[index],
            ..vivant::splat::Splat::DEFAULT
        };
        out.push(&splat, &[0.0; 45]);
    }
    out
}

/// The colour of an imported splat along a direction, unclamped.
fn seen(splats: &Splats, index: usize, d: DVec3) -> [f64; 3] {
    let [x, y, z] = d.to_array();
    let (xx, yy, zz) = (x * x, y * y, z * z);
    let basis = [
        -0.488_602_511_902_92 * y,
        0.488_602_511_902_92 * z,
        -0.488_602_511_902_92 * x,
        1.092_548_430_592_08 * x * y,
        -1.092_548_430_592_08 * y * z,
        0.315_391_565_252_52 * (2.0 * zz - xx - yy),
        -1.092_548_430_592_08 * x * z,
        0.546_274_215_296_04 * (xx - yy),
        -0.590_043_589_926_64 * y * (3.0 * xx - yy),
        2.890_611_442_640_55 * x * y * z,
        -0.457_045_799_464_47 * y * (4.0 * zz - xx - yy),
        0.373_176_332_590_12 * z * (2.0 * zz - 3.0 * xx - 3.0 * yy),
        -0.457_045_799_464_47 * x * (4.0 * zz - xx - yy),
        1.445_305_721_320_28 * z * (xx - yy),
        -0.590_043_589_926_64 * x * (xx - 3.0 * yy),
    ];
    let rest = splats.sh_rest_of(index);
    [0, 1, 2].map(|channel: usize| {
        let above: f64 = basis.iter().enumerate().map(|(k, y)| y * f64::from(rest[k * 3 + channel])).sum();
        f64::from(splats.colour[index][channel]) + above
    })
}

fn options() -> Options {
    Options { axes: Some(Axes::RUB), ..Options::default() }
}

fn read(path: &Path) -> vivant_convert::Imported {
    assert_eq!(open(path, &options()).unwrap().format().name, "compact-3dgs");
    Source::open(&[path.to_owned()], &options()).unwrap().read_frame(0).unwrap()
}

/// The greatest difference between an import and the network, in directions that were not asked for the fit.
fn farthest(model: &Model, splats: &Splats) -> f64 {
    let mut random = Random::new(8);
    let mut worst = 0.0_f64;
    for index in 0..splats.len() {
        let d = DVec3::from_array([0; 3].map(|_| f64::from(random.normal()))).normalize_or(DVec3::X);
        let (a, b) = (seen(splats, index, d), colour_of(model, index, d));
        worst = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(worst, f64::max);
    }
    worst
}

#[test]
fn codes_grid_and_network_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("point_cloud.npz");
    // A table that is full from the second level on, and one that holds several levels whole.
    for log2 in [12, 16] {
        let model = model(300, log2, 5);
        save_npz(&path, &arrays(&model), false);
        let imported = read(&path);
        let mut wanted = splats_of(&model);
        (wanted.colour, wanted.sh_rest) = (imported.splats.colour.clone(), imported.splats.sh_rest.clone());
        assert_near(&imported.splats, &wanted, [0.0, 1e-4, 1e-6, 0.0, 0.0]);
        let off = farthest(&model, &imported.splats);
        assert!(off < 2e-4, "2^{log2}: {off}");
        let spread = |channel: usize| {
            let all = imported.splats.colour.iter().map(|colour| colour[channel]);
            all.clone().fold(f32::MIN, f32::max) - all.fold(f32::MAX, f32::min)
        };
        assert!(spread(0) > 0.005, "every place has the same colour: {}", spread(0));
        let mut other = model.clone();
        other.hash.iter_mut().for_each(|feature| *feature *= 0.9);
        assert!(farthest(&other, &imported.splats) > 2e-4, "a comparison that sees nothing");
        other.scale_codes[7][3] ^= 1;
        let mut other = splats_of(&other);
        (other.colour, other.sh_rest) = (wanted.colour, wanted.sh_rest);
        assert_fails("a bit of a code", || {
            assert_near(&imported.splats, &other, [0.0, 1e-4, 1e-6, 0.0, 0.0])
        });
        assert!(
            imported.report.notes.iter().any(|note| note.contains("off by 0.0000 of 1")),
            "{}",
            imported.report
        );
    }
}

#[test]
fn a_network_with_an_edge_says_how_far_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let mut model = model(50, 12, 6);
    let mut random = Random::new(1);
    model.mlp.iter_mut().for_each(|weight| *weight = half(random.range(-0.3, 0.3)));
    save_npz(&path, &arrays(&model), false);
    let imported = read(&path);
    let note = imported.report.notes.iter().find(|note| note.contains("off by")).unwrap();
    let said: f64 = note.split("off by ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let off = farthest(&model, &imported.splats);
    assert!(said > 1e-3 && off > said && off < said * 40.0, "said {said}, found {off}");
}

#[test]
fn what_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let whole = arrays(&model(50, 12, 6));
    let after = |name: &'static str, bytes: Vec<u8>| {
        let mut arrays = whole.clone();
        arrays.retain(|(own, _)| *own != name);
        arrays.push((name, bytes));
        save_npz(&path, &arrays, false);
        open(&path, &options()).and_then(|_| read_count(&path)).unwrap_err().to_string()
    };
    let info =
        |stages: i64, bits: i64| array(&[2], "<i8", &[stages.to_le_bytes(), bits.to_le_bytes()].concat());
    let cases = [
        ("huftable_scale", array(&[1], "|u1", &[0]), "Huffman"),
        ("tcen", array(&[1], "<f2", &[0, 0]), "dynamic model"),
        ("mlp", array(&[8000], "<f2", &vec![0; 16_000]), "8000 weights"),
        ("hash", array(&[100], "<f2", &[0; 200]), "100 features"),
        ("scale", array(&[3], "|u1", &[0; 3]), "3 bytes"),
        ("opacity", array(&[49], "<f2", &[0; 98]), "49 numbers for 50 splats"),
        ("rvq_info", info(6, 60), "rvq_info"),
        ("rvq_info", info(-1, 6), "rvq_info"),
        ("codebook_scale", codebook(&[vec![vec![0.0; 4]; 64]]), "256 numbers"),
        ("codebook_scale", array(&[1], "<f4", &[0; 4]), "codebook_scale"),
    ];
    for (name, bytes, line) in cases {
        let error = after(name, bytes);
        assert!(error.contains(line) && error.contains("a.npz"), "{name}: {line}: {error}");
    }
}

#[test]
fn compact_survives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    save_npz(&path, &arrays(&model(40, 8, 6)), true);
    attack(&path, &path, Cut::Fails, &read_count);
}

#[test]
fn pictures_are_those_of_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let model = model(2500, 14, 9);
    save_npz(&path, &arrays(&model), false);
    let (bytes, ..) =
        open(&path, &options()).unwrap().write_to_memory(&WriterOptions::default(), &mut |_| ()).unwrap();
    let clip = Clip::from_bytes("a.vvt", bytes).unwrap();
    // The reference's splats are the model's own, with harmonics by projection onto an even grid of the sphere.
    let mut wanted = Performance { info: clip.info(), splats: splats_of(&model) };
    project(&model, &mut wanted.splats);
    assert_shows("compact", &clip, &wanted, &[0.0]);
    wanted.splats.colour.iter_mut().for_each(|colour| colour.swap(0, 2));
    if let Some(psnr) = worst("compact-blue", &clip, &wanted, &[0.0]) {
        assert!(psnr < LEAST, "red for blue: {psnr:.1} dB");
    }
}

/// Harmonics up to degree 2 by quadrature (Gauss-Legendre with 6 rings of 12): exact for polynomials of that degree.
fn project(model: &Model, splats: &mut Splats) {
    let rings = [
        (0.238_619_186_083_197, 0.467_913_934_572_691),
        (0.661_209_386_466_265, 0.360_761_573_048_139),
        (0.932_469_514_203_152, 0.171_324_492_379_17),
    ];
    let mut samples = Vec::new();
    for (z, weight) in rings.into_iter().flat_map(|(z, w)| [(z, w), (-z, w)]) {
        for step in 0..12 {
            let (sin, cos) = (f64::from(step) * std::f64::consts::TAU / 12.0).sin_cos();
            let radius = (1.0_f64 - z * z).sqrt();
            samples.push((DVec3::new(radius * cos, radius * sin, z), weight * std::f64::consts::TAU / 12.0));
        }
    }
    // Each basis function alone, by the same code that shows a splat.
    let mut single = Splats::new(3);
    for k in 0..15 {
        let mut rest = [0.0; 45];
        rest[k * 3] = 1.0;
        single.push(&vivant::splat::Splat { colour: [0.0; 3], ..vivant::splat::Splat::DEFAULT }, &rest);
    }
    for index in 0..splats.len() {
        let mut colour = [0.0; 3];
        let mut rest = [0.0; 45];
        for &(d, weight) in &samples {
            let value = colour_of(model, index, d);
            for (channel, (sum, value)) in colour.iter_mut().zip(value).enumerate() {
                *sum += weight * value / (4.0 * std::f64::consts::PI);
                for k in 0..8 {
                    rest[k * 3 + channel] += (weight * value * seen(&single, k, d)[0]) as f32;
                }
            }
        }
        splats.colour[index] = colour.map(|c| c as f32);
        splats.sh_rest[index * 45..(index + 1) * 45].copy_from_slice(&rest);
    }
}

#[test]
#[ignore = "a figure: time of a large file"]
fn timed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    save_npz(&path, &arrays(&model(300_000, 19, 6)), false);
    time("compact", &path, std::slice::from_ref(&path));
}
