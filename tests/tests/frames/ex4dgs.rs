//! Ex4DGS: keyframes, envelopes with their quirk, quaternions of any length, and settings in a file beside.

use std::path::Path;

use vivant::clip::Profile;
use vivant::splat::Antialias;
use vivant_convert::Options;
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::pictures::assert_shows;
use vivant_tests::random::Random;

use crate::ply_sheet::{ENCODINGS, Table, write};
use crate::scene::{clip, logit, open, ours};
use crate::truth::{self, Truth, apart, covariance, shown};

const FRAMES: f64 = 50.0;
const PAD: f64 = 3.0;
const VAR_PAD: f64 = 3.0;

/// How a scene is set.
#[derive(Debug, Clone, Copy)]
struct Settings {
    interval: f64,
    between: &'static str,
}

impl Settings {
    fn shift(&self) -> f64 {
        if self.between == "linear" { PAD } else { PAD + self.interval }
    }

    fn keyframes(&self) -> usize {
        ((FRAMES + self.shift() + 2.0 * PAD + 1.0) / self.interval).ceil() as usize + 5
    }
}

#[derive(Debug, Clone)]
struct Still {
    mean: [f64; 3],
    drift: [f64; 3],
    /// wxyz, of any length.
    turn: [f64; 4],
    look: Look,
}

#[derive(Debug, Clone)]
struct Moving {
    mean: Vec<[f64; 3]>,
    turn: Vec<[f64; 4]>,
    centres: [f64; 2],
    lengths: [f64; 2],
    look: Look,
}

#[derive(Debug, Clone)]
struct Look {
    scale: [f64; 3],
    opacity: f32,
    colour: [f64; 3],
    rest: Vec<f32>,
}

fn look(random: &mut Random, degree: u8) -> Look {
    let stride = vivant::splat::sh_rest_len(degree) * 3;
    Look {
        scale: [0.03, 0.02, 0.008].map(|scale| scale * f64::from(random.range(0.7, 1.3))),
        opacity: random.range(0.3, 0.99),
        colour: [0; 3].map(|_| f64::from(random.range(0.1, 0.9))),
        rest: (0..stride).map(|_| random.range(-0.1, 0.1)).collect(),
    }
}

fn scene(settings: Settings, count: usize, degree: u8) -> (Vec<Still>, Vec<Moving>) {
    let mut random = Random::new(9);
    let place = |random: &mut Random, reach: f32| [0; 3].map(|_| f64::from(random.range(-reach, reach)));
    let stills = (0..count).map(|_| Still {
        mean: place(&mut random, 0.6),
        drift: place(&mut random, 0.1),
        turn: [0; 4].map(|_| f64::from(random.range(-0.8, 0.8))),
        look: look(&mut random, degree),
    });
    let stills = stills.collect();
    let moving = (0..count).map(|number| {
        let start = place(&mut random, 0.5);
        let first: [f64; 4] = [0; 4].map(|_| f64::from(random.range(-1.0, 1.0)));
        let mut keys = (Vec::new(), Vec::new());
        for _ in 0..settings.keyframes() {
            let step = place(&mut random, 0.05);
            keys.0.push(std::array::from_fn(|axis| start[axis] + step[axis]));
            keys.1.push(first.map(|part| (part + f64::from(random.range(-0.3, 0.3))) * 1.7));
        }
        let centre = f64::from(random.range(1.0, 6.0));
        let apart = if number % 3 == 0 { 0.0 } else { f64::from(random.range(0.3, 2.5)) };
        // Either may come first.
        let centres = if number % 2 == 0 { [centre, centre + apart] } else { [centre + apart, centre] };
        let lengths = [0; 2].map(|_| f64::from(random.range(-1.0, 0.6)));
        Moving { mean: keys.0, turn: keys.1, centres, lengths, look: look(&mut random, degree) }
    });
    (stills, moving.collect())
}

fn unit(turn: [f64; 4]) -> [f64; 4] {
    let length = turn.iter().map(|part| part * part).sum::<f64>().sqrt();
    turn.map(|part| part / length)
}

impl Still {
    fn at(&self, t: f64) -> Truth {
        self.look.seen(
            std::array::from_fn(|axis| self.mean[axis] + self.drift[axis] * t / FRAMES),
            self.turn,
            1.0,
        )
    }
}

impl Look {
    fn seen(&self, mean: [f64; 3], turn: [f64; 4], envelope: f64) -> Truth {
        Truth {
            mean,
            covariance: covariance(turn, self.scale),
            opacity: f64::from(self.opacity) * envelope,
            colour: self.colour,
            sh_rest: self.rest.clone(),
        }
    }
}

impl Moving {
    /// By `utils/interpolations.py`.
    fn at(&self, settings: Settings, t: f64) -> Truth {
        let time = t + settings.shift();
        let k = (time / settings.interval).floor() as usize;
        let x = time / settings.interval - k as f64;
        let mean = std::array::from_fn(|axis| {
            let [y0, y1, y2, y3] = [0, 1, 2, 3].map(|step: usize| self.mean[(k + step).max(1) - 1][axis]);
            let h00 = 2.0 * x.powi(3) - 3.0 * x.powi(2) + 1.0;
            let h10 = x.powi(3) - 2.0 * x.powi(2) + x;
            let h01 = -2.0 * x.powi(3) + 3.0 * x.powi(2);
            let h11 = x.powi(3) - x.powi(2);
            let (m1, m2) = match settings.between {
                "cube" => ((y2 - y0) / 2.0, (y3 - y1) / 2.0),
                "pchip" => {
                    let slope = |ahead: f64, behind: f64| {
                        if ahead * behind > 0.0 { ahead * behind / (ahead + behind) * 2.0 } else { 0.0 }
                    };
                    (slope(y2 - y1, y1 - y0), slope(y3 - y2, y2 - y1))
                }
                _ => return y1 * (1.0 - x) + y2 * x,
            };
            h00 * y1 + h10 * m1 + h01 * y2 + h11 * m2
        });
        let (a, b) = (unit(self.turn[k]), unit(self.turn[k + 1]));
        let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        let omega = dot.clamp(-1.0 + 1e-4, 1.0 - 1e-4).acos();
        let (p, q) = (((1.0 - x) * omega).sin() / omega.sin(), (x * omega).sin() / omega.sin());
        let turn = unit(std::array::from_fn(|part| (a[part] * p + b[part] * q) / (p + q)));
        // time_bigaussian: the least signed distance, so that from the later centre.
        let time = time / settings.interval;
        let [c0, c1] = self.centres;
        let envelope = if (c0 - time) * (c1 - time) < 0.0 {
            1.0
        } else {
            let m = (time - c0).min(time - c1);
            let v = if time > c0 || time > c1 { self.lengths[1] } else { self.lengths[0] };
            (-m * m / (v.exp() + VAR_PAD / settings.interval / 2.36).powi(2)).exp()
        };
        self.look.seen(mean, turn, envelope)
    }
}

fn with_look(mut table: Table, prefix: &str, looks: &[&Look]) -> Table {
    let named = |name: &str| format!("{prefix}{name}");
    for channel in 0..3 {
        table = table.with_each("float", &[&named(&format!("f_dc_{channel}"))], |row, _| {
            (looks[row].colour[channel] - 0.5) / 0.282_094_791_773_878_14
        });
    }
    let stride = looks[0].rest.len();
    for number in 0..stride {
        let (channel, coefficient) = (number / (stride / 3), number % (stride / 3));
        table = table.with_each("float", &[&named(&format!("f_rest_{number}"))], |row, _| {
            f64::from(looks[row].rest[coefficient * 3 + channel])
        });
    }
    for axis in 0..3 {
        table = table
            .with_each("float", &[&named(&format!("scale_{axis}"))], |row, _| looks[row].scale[axis].ln());
    }
    table.with_each("float", &[&named("opacity")], |row, _| f64::from(logit(looks[row].opacity)))
}

/// Writes a scene as the trainer leaves it: the settings three folders up.
fn save(model: &Path, settings: Settings, stills: &[Still], moving: &[Moving]) -> std::path::PathBuf {
    let folder = model.join("point_cloud/iteration_30000");
    std::fs::create_dir_all(&folder).unwrap();
    let (interval, between) = (settings.interval, settings.between);
    let text = format!(
        "Namespace(sh_degree=3, start_duration=10, duration={FRAMES}, time_interval={interval}, time_pad={PAD}, \
         var_pad={VAR_PAD}, interp_type='{between}', kernel_size=0.1)"
    );
    std::fs::write(model.join("cfg_args"), text).unwrap();
    let still = Table::new("vertex", stills.len())
        .with_each("float", &["x", "y", "z"], |row, axis| stills[row].mean[axis])
        .with_each("float", &["rot_0", "rot_1", "rot_2", "rot_3"], |row, part| stills[row].turn[part])
        .with_each("float", &["xyz_disp_0", "xyz_disp_1", "xyz_disp_2"], |row, axis| stills[row].drift[axis]);
    let still = with_look(still, "", &stills.iter().map(|still| &still.look).collect::<Vec<_>>());
    write(&folder.join("point_cloud.ply"), ENCODINGS[0], &[still]);
    let mut table = Table::new("vertex", moving.len());
    for key in 0..settings.keyframes() {
        for axis in 0..3 {
            let name = format!("motion_xyz_{key}_{axis}");
            table = table.with_each("float", &[&name], |row, _| moving[row].mean[key][axis]);
        }
    }
    table = with_look(table, "motion_", &moving.iter().map(|moving| &moving.look).collect::<Vec<_>>());
    table = table
        .with_each("float", &["motion_opacity_c_0", "motion_opacity_c_1"], |row, at| moving[row].centres[at])
        .with_each("float", &["motion_opacity_v_0", "motion_opacity_v_1"], |row, at| moving[row].lengths[at]);
    for key in 0..settings.keyframes() {
        for part in 0..4 {
            let name = format!("motion_rot_{key}_{part}");
            table = table.with_each("float", &[&name], |row, _| moving[row].turn[key][part]);
        }
    }
    write(&folder.join("dynamic_point_cloud.ply"), ENCODINGS[0], &[table]);
    folder
}

/// All splats at a frame's time, and those of them that can be seen.
fn wanted(settings: Settings, stills: &[Still], moving: &[Moving], t: f64) -> Vec<Truth> {
    let all =
        stills.iter().map(|still| still.at(t)).chain(moving.iter().map(|moving| moving.at(settings, t)));
    all.filter(|truth| truth.opacity >= 1.0 / 255.0).collect()
}

#[test]
fn keyframes_are_followed_and_envelopes_have_their_quirk() {
    for (interval, between, degree) in [(10.0, "cube", 3), (5.0, "pchip", 1), (10.0, "linear", 0)] {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { interval, between };
        let (stills, moving) = scene(settings, 60, degree);
        let saved = save(folder.path(), settings, &stills, &moving);
        for path in [folder.path().to_owned(), saved.clone(), saved.join("dynamic_point_cloud.ply")] {
            let foreign = open(&path, &ours()).unwrap();
            let report = &foreign.whole().unwrap().report;
            assert_eq!((foreign.format().name, report.read, report.files), ("ex4dgs", 120, 2));
            let performance = truth::whole(&foreign);
            assert_eq!(performance.info.appearance.antialias, Antialias::Mip);
            assert_eq!((performance.info.duration, performance.info.fps), (50_000, (30, 1)));
            for step in 0..49 {
                let t = f64::from(step) + 0.43;
                let wanted = wanted(settings, &stills, &moving, t);
                let mut found = shown(performance, t / 30.0);
                found.retain(|truth| truth.opacity >= 1.0 / 255.0);
                let [mean, shape, look] = apart(&found, &wanted);
                assert!(mean < 2e-5 && shape < 0.04 && look < 2e-4, "{between} {t}: {mean} {shape} {look}");
            }
        }
    }
}

#[test]
fn without_settings_those_of_the_papers_scenes_are_taken_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { interval: 10.0, between: "cube" };
    let (stills, moving) = scene(settings, 10, 0);
    let saved = save(folder.path(), settings, &stills, &moving);
    std::fs::remove_file(folder.path().join("cfg_args")).unwrap();
    let foreign = open(&saved, &ours()).unwrap();
    let notes = &foreign.whole().unwrap().report.notes;
    assert!(notes.iter().any(|note| note.contains("no cfg_args")), "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("how many frames")), "{notes:?}");
    // Settings that need more keyframes than there are.
    std::fs::write(saved.join("cfg_args"), "Namespace(time_interval=2, duration=50)").unwrap();
    let error = open(&saved, &ours()).unwrap_err().to_string();
    assert!(error.contains("need more than the") && error.contains("cfg_args"), "{error}");
    std::fs::remove_file(saved.join("dynamic_point_cloud.ply")).unwrap();
    let error = open(&saved.join("point_cloud.ply"), &ours()).unwrap_err().to_string();
    assert!(error.contains("dynamic_point_cloud.ply"), "{error}");
}

#[test]
fn it_shows_what_the_trainer_means() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { interval: 10.0, between: "cube" };
    let (stills, moving) = scene(settings, 500, 1);
    save(folder.path(), settings, &stills, &moving);
    let foreign = open(folder.path(), &ours()).unwrap();
    let moments = [0.11, 0.8, 1.55];
    let wanted = moments.map(|seconds| (seconds, wanted(settings, &stills, &moving, seconds * 30.0)));
    let wanted = truth::performance(truth::whole(&foreign), &wanted);
    assert_shows("ex4dgs", &clip(folder.path(), &ours(), Profile::Raw), &wanted, &moments);
}

#[test]
fn damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { interval: 10.0, between: "cube" };
    let (stills, moving) = scene(settings, 6, 0);
    let saved = save(folder.path(), settings, &stills, &moving);
    let options = Options { seconds: Some(1.0), ..ours() };
    let count =
        |_: &Path| Ok(open(&saved, &options)?.whole().map_or(0, |whole| whole.performance.splats.len()));
    for name in ["point_cloud.ply", "dynamic_point_cloud.ply"] {
        attack(&saved.join(name), &saved.join(name), Cut::Fails, &count);
    }
}

/// `cargo test --release -p vivant-tests --test frames -- --ignored --nocapture ex4dgs_speed`
#[test]
#[ignore = "a measurement"]
fn ex4dgs_speed() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { interval: 10.0, between: "cube" };
    let (stills, moving) = scene(settings, 30_000, 3);
    let saved = save(folder.path(), settings, &stills, &moving);
    let begun = std::time::Instant::now();
    let names = ["point_cloud.ply", "dynamic_point_cloud.ply"];
    let bytes: usize = names.iter().map(|name| std::fs::read(saved.join(name)).unwrap().len()).sum();
    let plain = begun.elapsed();
    let begun = std::time::Instant::now();
    let foreign = open(&saved, &ours()).unwrap();
    let splats = truth::whole(&foreign).splats.len();
    println!("ex4dgs: {bytes} bytes, {splats} splats in {:?}; plain read {plain:?}", begun.elapsed());
    println!("{}", foreign.whole().unwrap().report);
}
