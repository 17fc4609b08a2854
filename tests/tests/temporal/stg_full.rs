//! Spacetime Gaussians, full: nine features and a decoder. What is baked is held against the decoder itself, splat by splat;
//! and the picture against the trainer's way, which blends features and decodes pixels.

use std::path::{Path, PathBuf};

use glam::DVec3;
use vivant::gpu::GpuOptions;
use vivant::picture::{Image, compare};
use vivant::reference::{self, Moment};
use vivant::splat::{Performance, Splats};
use vivant::view::View;
use vivant_convert::Options;
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::pictures::cameras;
use vivant_tests::random::Random;
use vivant_tests::stage::{Order, Stage, clip_of, distance, reference_of};

use crate::bytes::ply;
use crate::checkpoint::{self, Named};
use crate::seen::{self, Seen, from_rdf};
use crate::stg::{Stored, formula, names, row, scene};
use crate::{count, open, open_as_is, whole};

const SECONDS: f64 = 50.0 / 30.0;

/// A model: splats, six further features of each, the matrices.
struct Model {
    splats: Vec<Stored>,
    /// F₃₋₅, and F₆₋₈ a unit of time.
    features: Vec<[f32; 6]>,
    first: Vec<f32>,
    second: Vec<f32>,
    sigmoid: bool,
}

impl Model {
    /// `growing` is how fast colours change over time.
    fn new(count: u32, sigmoid: bool, growing: f32) -> Self {
        let mut random = Random::new(506);
        let mut splats = scene(count);
        let mut features = Vec::new();
        for splat in &mut splats {
            // Features follow the place, as they do on a surface.
            let [x, y, z] = splat.mean;
            if sigmoid {
                splat.colour = splat.colour.map(|c| 2.5 * (c - 0.5) + 0.3 * (9.0 * x).sin());
            }
            let growth = [(5.0 * x).cos(), (4.0 * y).sin(), 0.5].map(|value| growing * value);
            features.push([(3.0 * y).sin(), z, x * 2.0, growth[0], growth[1], growth[2]]);
        }
        // The start of the ray counts for nothing here, so that the bake has nothing to guess.
        let first = (0..72)
            .map(|at| if (6..9).contains(&(at % 12)) { 0.0 } else { random.range(-0.5, 0.5) })
            .collect();
        let second = (0..18).map(|_| random.range(-0.4, 0.4)).collect();
        Self { splats, features, first, second, sigmoid }
    }

    fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join("point_cloud.ply");
        let mut names = names(6);
        names.extend(["f_t_0", "f_t_1", "f_t_2"].map(str::to_owned));
        let of = |(splat, features): (&Stored, &[f32; 6])| {
            let mut row = row(splat, &features[..3]);
            row.extend(&features[3..]);
            row
        };
        let rows: Vec<Vec<f32>> = self.splats.iter().zip(&self.features).map(of).collect();
        std::fs::write(&path, ply(&[], &names, &rows)).unwrap();
        let matrices = [
            Named { name: "mlp1.weight", shape: &[6, 12, 1, 1], values: &self.first },
            Named { name: "mlp2.weight", shape: &[3, 6, 1, 1], values: &self.second },
        ];
        checkpoint::write(&path.with_extension("pt"), &matrices);
        path
    }

    /// The nine features of a splat at `t`.
    fn nine(&self, index: usize, t: f64) -> [f64; 9] {
        let (splat, features) = (&self.splats[index], self.features[index].map(f64::from));
        let dt = t - f64::from(splat.centre);
        let [red, green, blue] = splat.colour.map(f64::from);
        let [a, b, c, d, e, f] = features;
        [red, green, blue, a, b, c, d * dt, e * dt, f * dt]
    }

    /// `act(F₀₋₂ + W₂·relu(W₁·[F₃₋₈, origin, direction]))`, by the file's axes.
    fn decode(&self, nine: &[f64; 9], origin: DVec3, direction: DVec3) -> [f64; 3] {
        let mut input = nine[3..].to_vec();
        input.extend(origin.to_array());
        input.extend(direction.to_array());
        let dot =
            |row: &[f32], with: &[f64]| row.iter().zip(with).map(|(a, b)| f64::from(*a) * b).sum::<f64>();
        let hidden: Vec<f64> = self.first.chunks_exact(12).map(|row| dot(row, &input).max(0.0)).collect();
        std::array::from_fn(|channel| {
            let sum = nine[channel] + dot(&self.second[channel * 6..channel * 6 + 6], &hidden);
            if self.sigmoid { 1.0 / (1.0 + (-sum).exp()) } else { sum }
        })
    }
}

/// A place or direction on our axes, from or to the file's.
fn flipped(vector: DVec3) -> DVec3 {
    DVec3::new(vector.x, -vector.y, -vector.z)
}

/// The colour of the model's splat `index` from `direction`, if it shows at `t`.
fn shown(performance: &Performance, index: usize, t: f64, direction: DVec3) -> Option<[f64; 3]> {
    let splat = performance.splats.get(index);
    let tick = performance.info.rate.ticks_from_seconds(t * SECONDS);
    if !(splat.life.start <= tick && tick < splat.life.end) {
        return None;
    }
    // The reference renderer evaluates harmonics: one splat, seen from one side, in one pixel.
    let mut one = Splats::new(3);
    one.push(
        &vivant::splat::Splat {
            mean: [0.0; 3],
            scale: [1.0; 3],
            colour: splat.colour,
            ..vivant::splat::Splat::DEFAULT
        },
        performance.splats.sh_rest_of(index),
    );
    let up = if direction.y.abs() > 0.9 { DVec3::new(0.1, 0.0, 0.0) } else { DVec3::ZERO };
    let view = View::looking_at(-direction * 10.0, up * 0.0, 0.2, 0.2);
    let moment = Moment { tick: 0, seconds: 0.0 };
    let picture = reference::render(&[&one], moment, &view, 1, 1, &reference::Options::default()).unwrap();
    let [red, green, blue, alpha] = picture.rgba[0];
    Some([red, green, blue].map(|channel| channel / alpha))
}

#[test]
fn every_colour_is_nearly_the_decoders() {
    let folder = tempfile::tempdir().unwrap();
    for sigmoid in [true, false] {
        let model = Model::new(120, sigmoid, 1.5);
        let path = model.write(folder.path());
        let foreign = open_as_is(&path).unwrap();
        assert_eq!((foreign.format().name, foreign.files().len()), ("stg-full", 2));
        let whole = whole(&foreign);
        let performance = &whole.performance;
        assert!(performance.splats.len() > 300, "colours that change are cut: {}", performance.splats.len());
        let said = whole.report.to_string();
        assert!(said.contains("root mean square"), "{said}");
        assert_eq!(said.contains("end in a sigmoid"), sigmoid, "{said}");
        // Which parts are of which splat is told by the place.
        let (mut square, mut most, mut number) = (0.0, 0.0_f64, 0.0);
        for (index, splat) in model.splats.iter().enumerate() {
            let parts: Vec<usize> = (0..performance.splats.len())
                .filter(|&part| performance.splats.mean[part] == splat.mean)
                .collect();
            for t in [0.1, 0.45, 0.8] {
                let seen = formula(splat, t, 1.0);
                if seen.opacity < 0.1 {
                    continue;
                }
                for direction in [DVec3::X, DVec3::new(0.3, -0.4, 0.866), DVec3::new(-0.6, 0.0, -0.8)] {
                    let colours: Vec<_> =
                        parts.iter().filter_map(|&part| shown(performance, part, t, direction)).collect();
                    let [colour] = &colours[..] else {
                        panic!("{} parts of splat {index} at {t}", colours.len())
                    };
                    let wanted = model.decode(&model.nine(index, t), DVec3::ZERO, direction);
                    for (got, wanted) in colour.iter().zip(wanted) {
                        // What hardly shows may be cut more coarsely.
                        let off = (got - wanted.max(0.0)) * seen.opacity;
                        square += off * off;
                        most = most.max(off.abs());
                        number += 1.0;
                    }
                }
            }
        }
        let rms = f64::sqrt(square / number);
        eprintln!("sigmoid {sigmoid}: {rms:.4} rms, {most:.3} at most; {}", said.replace('\n', "; "));
        assert!(rms < 0.01 && most < 0.08 && number > 500.0, "{rms} {most} {number}");
    }
}

/// The trainer's picture: features blended in three pictures of three, decoded pixel by pixel.
fn trainers(
    model: &Model,
    sets: &[Vec<Seen>; 3],
    info: vivant::splat::ClipInfo,
    t: f64,
    view: &View,
    size: u32,
) -> Image {
    // The reference shows no negative colour: features are lifted, and what that adds is taken off again.
    const LIFT: f64 = 20.0;
    let pictures = sets.each_ref().map(|set| {
        let lifted =
            set.iter().map(|seen| Seen { colour: seen.colour.map(|c| c + LIFT), ..seen.clone() }).collect();
        let info = vivant::splat::ClipInfo { sh_degree: 0, ..info };
        let performance = seen::performance(info, &[(t * SECONDS, lifted)]);
        reference_of(&performance, t * SECONDS, std::slice::from_ref(view), size, Order::Head).remove(0)
    });
    let side = size as usize;
    let tan = [view.fov.left, view.fov.right, view.fov.up, view.fov.down].map(f64::tan);
    let turn = glam::DQuat::from_array(view.orientation);
    let pixel = |at: usize| {
        let alpha = pictures[0].rgba[at][3];
        let nine: [f64; 9] = std::array::from_fn(|f| pictures[f / 3].rgba[at][f % 3] - LIFT * alpha);
        let [x, y] = [at % side, at / side].map(|pixel| (pixel as f64 + 0.5) / side as f64);
        let ray = DVec3::new(tan[0] + x * (tan[1] - tan[0]), tan[2] + y * (tan[3] - tan[2]), -1.0);
        let direction = flipped((turn * ray).normalize_or(DVec3::Z));
        let colour = model.decode(&nine, flipped(DVec3::from_array(view.position)), direction);
        // The trainer decodes on black and knows no alpha; here it is put over it.
        let [red, green, blue] = colour.map(|c| (c.clamp(0.0, 1.0) * alpha) as f32);
        [red, green, blue, alpha as f32]
    };
    Image { width: size, height: size, pixels: (0..side * side).map(pixel).collect() }
}

#[test]
fn pictures_are_the_decoders_by_splat_and_near_the_trainers() {
    const SIZE: u32 = 256;
    let folder = tempfile::tempdir().unwrap();
    let model = Model::new(4000, true, 0.6);
    let path = model.write(folder.path());
    let foreign = open(&path, &Options::default()).unwrap();
    let performance = &whole(&foreign).performance;
    eprintln!("{}", whole(&foreign).report);
    let Some(mut stage) = Stage::open(&GpuOptions::default()) else { return };
    let clip = clip_of(performance);
    let mut mirrored = 0.0_f64;
    for t in [0.12, 0.5, 0.9] {
        let seen: Vec<Seen> = model.splats.iter().map(|splat| from_rdf(&formula(splat, t, 1.0))).collect();
        for (camera, view) in cameras(clip.bounds()).iter().enumerate() {
            let eye = DVec3::from_array(view.position);
            // Splat by splat, each along its own direction.
            let coloured = |sign: f64| -> Vec<Seen> {
                let one = |(index, seen): (usize, &Seen)| {
                    let direction = flipped((DVec3::from_array(seen.mean) - eye).normalize_or(DVec3::Z));
                    let colour = model.decode(&model.nine(index, t), flipped(eye), direction * sign);
                    Seen { colour, ..seen.clone() }
                };
                seen.iter().enumerate().map(one).collect()
            };
            let own_info = vivant::splat::ClipInfo { sh_degree: 0, ..foreign.info() };
            let wanted = |sign: f64| seen::performance(own_info, &[(t * SECONDS, coloured(sign))]);
            let views = std::slice::from_ref(view);
            let drawn = stage.draw(&clip, t * SECONDS, views, SIZE);
            let against = |wanted: &Performance| {
                distance(&drawn, &reference_of(wanted, t * SECONDS, views, SIZE, Order::Head)).psnr
            };
            let (psnr, other) = (against(&wanted(1.0)), against(&wanted(-1.0)));
            mirrored = mirrored.max(other);
            let sets = [0, 1, 2].map(|group| {
                let one = |(index, seen): (usize, &Seen)| {
                    let nine = model.nine(index, t);
                    Seen { colour: std::array::from_fn(|channel| nine[group * 3 + channel]), ..seen.clone() }
                };
                seen.iter().enumerate().map(one).collect::<Vec<Seen>>()
            });
            let theirs = trainers(&model, &sets, foreign.info(), t, view, SIZE);
            let trainer = compare(&drawn.images[0], &theirs, [0.0; 3]).unwrap().psnr_covered;
            eprintln!(
                "stg-full at {t}, camera {camera}: {psnr:.1} dB by splat, {trainer:.1} dB by pixel as the trainer"
            );
            assert!(psnr > 45.0 && trainer > 30.0, "{psnr} {trainer}");
        }
    }
    assert!(mirrored < 45.0, "colours from behind are told apart: {mirrored}");
    stage.finish();
}

#[test]
fn bad_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = Model::new(40, true, 1.0).write(folder.path());
    let decoder = path.with_extension("pt");
    attack(&path, &path, Cut::Fails, &count);
    attack(&decoder, &path, Cut::Fails, &count);
    let refused = |says: &str| {
        let error = count(&path).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("point_cloud"), "{error}");
    };
    checkpoint::write(&decoder, &[Named { name: "mlp1.weight", shape: &[6, 15, 1, 1], values: &[0.0; 90] }]);
    refused("sandwich");
    checkpoint::write(&decoder, &[Named { name: "mlp1.weight", shape: &[6, 12, 1, 1], values: &[0.1; 72] }]);
    refused("mlp2.weight");
    checkpoint::write(
        &decoder,
        &[Named { name: "mlp1.weight", shape: &[6, 12, 1, 1], values: &[f32::NAN; 72] }],
    );
    refused("not finite");
    std::fs::remove_file(&decoder).unwrap();
    refused("beside it");
}
