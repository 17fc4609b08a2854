//! Convexes: blocks in a ring, drawn by the formula of the paper on one side and as baked splats on the other.

use glam::{DQuat, DVec2, DVec3};
use vivant::clip::{Clip, WriterOptions};
use vivant::gpu::GpuOptions;
use vivant::picture::{Image, compare};
use vivant::view::View;
use vivant_convert::{Foreign, Options, RigOptions};
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::random::Random;
use vivant_tests::stage::Stage;

use super::writer::{Py, Tensor, floats, save};

const SIZE: u32 = 256;
/// Pixels of a unit at a unit's distance, of a view one radian wide.
const FOCAL: f64 = 128.0 / 0.546_302_489_843_790_5;
const EYE: DVec3 = DVec3::new(0.3, -0.4, -1.5);

struct Block {
    points: [DVec3; 6],
    delta: f64,
    sigma: f64,
    opacity: f64,
    colour: [f64; 3],
}

fn blocks() -> Vec<Block> {
    let mut random = Random::new(5);
    (0..60)
        .map(|number| {
            let (angle, height) = (f64::from(number) * 2.399_963, f64::from(number) / 30.0 - 1.0);
            let wide = (1.0 - height * height).max(0.0).sqrt();
            let middle = DVec3::new(angle.cos() * wide, height, angle.sin() * wide) * 0.45;
            let turn = DQuat::from_array(random.rotation().map(f64::from)).normalize();
            let corner = |x: f64, y: f64, z: f64| middle + turn * (DVec3::new(x, y, z) * 0.09);
            Block {
                // A skew octahedron.
                points: [
                    corner(1.0, 0.1, 0.0),
                    corner(-1.0, 0.0, 0.2),
                    corner(0.0, 1.0, 0.1),
                    corner(0.2, -1.0, 0.0),
                    corner(0.0, 0.1, 0.8),
                    corner(0.1, 0.0, -0.8),
                ],
                delta: (0.1_f64).ln(),
                sigma: (0.15_f64).ln(),
                opacity: 3.0,
                colour: [0; 3].map(|_| f64::from(random.range(0.1, 0.9))),
            }
        })
        .collect()
}

fn state(blocks: &[Block]) -> Py {
    let count = i64::try_from(blocks.len()).unwrap();
    let column = |width: i64, of: &dyn Fn(&Block) -> Vec<f64>| -> Vec<f32> {
        let all: Vec<f32> = blocks.iter().flat_map(of).map(|value| value as f32).collect();
        assert_eq!(all.len() as i64, count * width);
        all
    };
    let entry = |name: &'static str, tensor: Tensor| (Py::Text(name), Py::Parameter(tensor));
    let dc = |block: &Block| block.colour.map(|channel| (channel - 0.5) / 0.282_094_791_773_878_14).to_vec();
    Py::Dict(vec![
        entry(
            "convex_points",
            floats(&[count, 6, 3], &column(18, &|b| b.points.iter().flat_map(|p| p.to_array()).collect())),
        ),
        entry("delta", floats(&[count, 1], &column(1, &|b| vec![b.delta]))),
        entry("sigma", floats(&[count, 1], &column(1, &|b| vec![b.sigma]))),
        (Py::Text("active_sh_degree"), Py::Int(0)),
        entry("features_dc", floats(&[count, 1, 3], &column(3, &dc))),
        entry("features_rest", floats(&[count, 0, 3], &[])),
        entry("opacity", floats(&[count, 1], &column(1, &|b| vec![b.opacity]))),
    ])
}

/// Corners of the convex outline by gift wrapping, clockwise or not.
fn wrapped(points: &[DVec2]) -> Vec<DVec2> {
    let first = (0..points.len()).min_by(|&a, &b| points[a].x.total_cmp(&points[b].x)).unwrap();
    let (mut hull, mut last) = (vec![points[first]], first);
    loop {
        let mut next = usize::from(last == 0);
        for other in 0..points.len() {
            let turn = (points[next] - points[last]).perp_dot(points[other] - points[last]);
            if other != last && turn < 0.0 {
                next = other;
            }
        }
        if next == first || hull.len() > points.len() {
            return hull;
        }
        hull.push(points[next]);
        last = next;
    }
}

/// The picture that the convex rasteriser makes, in the file's axes mirrored to ours (y and z).
fn drawn(blocks: &[Block], view: &View) -> Image {
    let back = DQuat::from_array(view.orientation).inverse();
    let seen = |point: DVec3| {
        let ours = DVec3::new(point.x, -point.y, -point.z);
        let p = back * (ours - DVec3::from_array(view.position));
        (DVec2::new(128.0 + FOCAL * p.x / -p.z, 128.0 - FOCAL * p.y / -p.z), -p.z)
    };
    let mut all: Vec<(f64, Vec<DVec2>, &Block)> = blocks
        .iter()
        .map(|block| {
            let depth = seen(block.points.iter().sum::<DVec3>() / 6.0).1;
            (depth, wrapped(&block.points.map(|point| seen(point).0)), block)
        })
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    Image::from_fn(SIZE, SIZE, |x, y| {
        let pixel = DVec2::new(f64::from(x) + 0.5, f64::from(y) + 0.5);
        let (mut colour, mut clear) = ([0.0; 3], 1.0);
        for (z, hull, block) in &all {
            let middle = hull.iter().sum::<DVec2>() / hull.len() as f64;
            let areas: Vec<f64> = (0..hull.len())
                .map(|i| {
                    let (a, b) = (hull[i], hull[(i + 1) % hull.len()]);
                    let side = (b - a).perp_dot(pixel - a);
                    // Negative inside.
                    if (b - a).perp_dot(middle - a) > 0.0 { -side } else { side }
                })
                .collect();
            let delta = z * block.delta.exp();
            let most = areas.iter().fold(f64::NEG_INFINITY, |m, &a| m.max(a));
            let phi = delta * most + areas.iter().map(|a| (delta * (a - most)).exp()).sum::<f64>().ln();
            let cover = 1.0 / (1.0 + (z * block.sigma.exp() * phi).exp());
            let alpha = (cover / (1.0 + (-block.opacity).exp())).min(0.99);
            if alpha >= 1.0 / 255.0 {
                (0..3).for_each(|c| colour[c] += clear * alpha * block.colour[c]);
                clear *= 1.0 - alpha;
            }
        }
        [colour[0] as f32, colour[1] as f32, colour[2] as f32, (1.0 - clear) as f32]
    })
}

#[test]
fn convexes_are_baked_with_the_error_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("point_cloud_state_dict.pt");
    let blocks = blocks();
    save(&path, &state(&blocks));
    let ours = DVec3::new(EYE.x, -EYE.y, -EYE.z);
    let cameras = format!(
        r#"[{{"fx": {FOCAL}, "position": [{}, {}, {}]}}, {{"fx": {FOCAL}, "position": [{}, {}, {}]}}]"#,
        EYE.x, EYE.y, EYE.z, -EYE.x, -EYE.y, -EYE.z
    );
    let open = || {
        Foreign::open(std::slice::from_ref(&path), None, &Options::default(), &RigOptions::default()).unwrap()
    };
    let blind = open().write_to_memory(&WriterOptions::default(), &mut |_| {}).unwrap().1;
    assert!(blind.notes.iter().any(|note| note.contains("no cameras.json")), "{:?}", blind.notes);
    std::fs::write(folder.path().join("cameras.json"), cameras).unwrap();
    let foreign = open();
    assert_eq!(foreign.format().name, "convex");
    let (bytes, report, _) = foreign.write_to_memory(&WriterOptions::default(), &mut |_| {}).unwrap();
    let told =
        report.notes.iter().find_map(|note| note.rsplit_once("covers is ")).expect("the error is told").1;
    let told: f64 = told.parse().unwrap();
    assert!((0.01..0.15).contains(&told), "{told}");
    let clip = Clip::from_bytes("convex.vvt", bytes).unwrap();
    let Some(mut stage) = Stage::open(&GpuOptions::default()) else { return };
    let view = View::looking_at(ours, DVec3::ZERO, 1.0, 1.0);
    let got = stage.draw(&clip, 0.0, std::slice::from_ref(&view), SIZE);
    let wanted = drawn(&blocks, &view);
    if let Some(folder) = std::env::var_os("VIVANT_PICTURES") {
        let both = [&got.images[0], &wanted].map(|image| image.over([0.5; 3]));
        let sheet = vivant::picture::side_by_side(&both).unwrap();
        vivant::picture::save_png(&sheet, std::path::Path::new(&folder).join("convex.png")).unwrap();
    }
    let measured = compare(&got.images[0], &wanted, [0.0; 3]).unwrap();
    eprintln!("convexes: told {told}, {:.1} dB", measured.psnr_covered);
    assert!(measured.psnr_covered > 20.0, "{:.1} dB", measured.psnr_covered);
    let mirrored = View::looking_at(DVec3::new(-ours.x, ours.y, ours.z), DVec3::ZERO, 1.0, 1.0);
    let other = compare(&got.images[0], &drawn(&blocks, &mirrored), [0.0; 3]).unwrap();
    assert!(other.psnr_covered < measured.psnr_covered - 4.0, "another view is {:.1} dB", other.psnr_covered);
    stage.finish();
}

#[test]
fn damaged_convexes_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("point_cloud_state_dict.pt");
    save(&path, &state(&blocks()[..6]));
    attack(&path, &path, Cut::Fails, &|path| {
        let foreign = Foreign::open(&[path.to_owned()], None, &Options::default(), &RigOptions::default())?;
        let frames =
            foreign.sequence().map_or(0, |frames| frames.read_frame(0).map_or(0, |frame| frame.splats.len()));
        foreign.write_to_memory(&WriterOptions::default(), &mut |_| {}).map(|_| frames)
    });
}
