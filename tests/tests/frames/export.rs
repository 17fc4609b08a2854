//! What `guides/export_frames.py` saves: its writers, run with NumPy on frames of a file of the user's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use vivant::splat::Splats;
use vivant_tests::random::Random;
use vivant_tests::require::skip;

use crate::numpy::{Npy, save};
use crate::scene::{self, apart, limb_frames, open, ours};
use crate::truth::covariance;

const SPLATS: usize = 300;
const FRAMES: usize = 6;

/// A network's own frames: what the script's documentation asks of one.
const OWN: &str = "
import numpy as np

def frames(times, arguments):
    data = np.load(arguments[0])
    for number, time in enumerate(times):
        of = lambda name: data[f'{name}{number}']
        frame = {'xyz': of('xyz'), 'rotation': of('rotation'), 'scale': of('scale'), 'opacity': of('opacity'), 'f_dc': of('f_dc'), 'unit': False}
        if f'f_rest{number}' in data:
            frame['f_rest'] = of('f_rest')
        if f'id{number}' in data:
            frame['id'] = of('id').astype(int)
        yield frame
";

/// Frames, and the quaternions wxyz of any length that they are given with.
struct Given {
    frames: Vec<Splats>,
    turns: Vec<Vec<[f32; 4]>>,
    ids: Option<Vec<Vec<u32>>>,
}

fn given(degree: u8) -> Given {
    let mut random = Random::new(21);
    let frames = limb_frames(SPLATS, FRAMES, degree);
    let sizes: Vec<f32> = (0..SPLATS).map(|_| random.range(0.7, 1.3)).collect();
    let turn = |frame: &Splats| {
        frame
            .rotation
            .iter()
            .zip(&sizes)
            .map(|([x, y, z, w], size)| [w, x, y, z].map(|part| part * size))
            .collect()
    };
    let turns = frames.iter().map(turn).collect();
    Given { frames, turns, ids: None }
}

/// Runs the script; where it cannot run, says so.
fn exported(folder: &Path, given: &Given, out: &str) -> Option<PathBuf> {
    let mut arrays = Vec::new();
    for (number, frame) in given.frames.iter().enumerate() {
        let count = frame.len();
        let mut add = |name: &str, shape: &[usize], values: &[f32]| {
            arrays.push((format!("{name}{number}"), Npy::f32(shape, values)));
        };
        add("xyz", &[count, 3], frame.mean.as_flattened());
        add("rotation", &[count, 4], given.turns[number].as_flattened());
        add("scale", &[count, 3], frame.scale.as_flattened());
        add("opacity", &[count], &frame.opacity);
        let dc: Vec<f32> =
            frame.colour.as_flattened().iter().map(|colour| (colour - 0.5) / 0.282_094_8).collect();
        add("f_dc", &[count, 3], &dc);
        if frame.sh_degree > 0 {
            add("f_rest", &[count, frame.sh_stride() / 3, 3], &frame.sh_rest);
        }
        if let Some(ids) = &given.ids {
            let ids: Vec<f32> = ids[number].iter().map(|&id| id as f32).collect();
            add("id", &[count], &ids);
        }
    }
    let arrays: Vec<(&str, Npy)> =
        arrays.iter().map(|(name, array)| (name.as_str(), array.clone())).collect();
    save(&folder.join("data.npz"), &arrays, false);
    std::fs::write(folder.join("own.py"), OWN).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/convert/guides/export_frames.py");
    let python = std::env::var_os("VIVANT_PYTHON").unwrap_or_else(|| "python3".into());
    let numpy = Command::new(&python).args(["-c", "import numpy"]).output();
    if !numpy.is_ok_and(|output| output.status.success()) {
        skip("numpy", "no python3 with numpy (VIVANT_PYTHON names another)");
        return None;
    }
    let ran = Command::new(python)
        .arg(script.canonicalize().unwrap())
        .args(["own.py", "--frames", &FRAMES.to_string(), "--out", out, "--", "data.npz"])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    Some(folder.join(out))
}

/// The covariances of a frame as they were given, one after the other.
fn wanted(given: &Given, number: usize) -> Vec<f32> {
    let frame = &given.frames[number];
    let each = given.turns[number].iter().zip(&frame.scale);
    each.flat_map(|(turn, scale)| flat(covariance(turn.map(f64::from), scale.map(f64::from)))).collect()
}

fn found(splats: &Splats) -> Vec<f32> {
    let each = splats.rotation.iter().zip(&splats.scale);
    each.flat_map(|([x, y, z, w], scale)| {
        flat(covariance([*w, *x, *y, *z].map(f64::from), scale.map(f64::from)))
    })
    .collect()
}

/// In tenths of millimetres squared.
fn flat(covariance: [[f64; 3]; 3]) -> [f32; 9] {
    std::array::from_fn(|at| (covariance[at / 3][at % 3] * 1e8) as f32)
}

fn assert_same(given: &Given, number: usize, splats: &Splats) {
    let frame = &given.frames[number];
    assert!(apart(splats.mean.as_flattened(), frame.mean.as_flattened()) < 1e-6);
    assert!(apart(splats.colour.as_flattened(), frame.colour.as_flattened()) < 2e-6);
    assert!(apart(&splats.opacity, &frame.opacity) < 2e-6);
    assert!(apart(&splats.sh_rest, &frame.sh_rest) < 1e-6);
    let wanted = wanted(given, number);
    let largest = wanted.iter().copied().fold(0.0, f32::max);
    assert!(apart(&found(splats), &wanted) < largest * 1e-5);
}

#[test]
fn gaussians_that_stay_become_params() {
    for degree in [0, 2] {
        let folder = tempfile::tempdir().unwrap();
        let given = given(degree);
        let Some(path) = exported(folder.path(), &given, "params.npz") else { return };
        let foreign = open(&path, &ours()).unwrap();
        assert_eq!(
            (foreign.format().name, foreign.frames(), foreign.info().sh_degree),
            ("params", FRAMES, degree)
        );
        let sequence = foreign.sequence().unwrap();
        assert!(sequence.keeps_identity().unwrap() && sequence.report().notes.is_empty());
        for number in 0..FRAMES {
            assert_same(&given, number, &sequence.read_frame(number).unwrap().splats);
        }
        assert!(apart(&wanted(&given, 0), &wanted(&given, 3)) > 1.0, "another frame is seen to differ");
        // What never changes stands once.
        let npz = vivant_convert::npz::Npz::open(&path).unwrap();
        let axes = |name: &str| npz.array(name).unwrap().shape().len();
        assert_eq!((axes("means3D"), axes("log_scales"), axes("logit_opacities")), (3, 3, 2));
        assert!(!npz.holds("sh_rest") || axes("sh_rest") == 3);
    }
}

#[test]
fn gaussians_that_come_and_go_become_numbered_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut given = given(1);
    let mut ids = Vec::new();
    for number in 0..FRAMES {
        let rows: Vec<usize> = (0..SPLATS).filter(|row| row % FRAMES != number).rev().collect();
        given.frames[number] = given.frames[number].select(&rows);
        given.turns[number] = rows.iter().map(|&row| given.turns[number][row]).collect();
        ids.push(rows.iter().map(|&row| row as u32 + 7).collect::<Vec<_>>());
    }
    given.ids = Some(ids.clone());
    let Some(path) = exported(folder.path(), &given, "frames") else { return };
    let foreign = open(&path, &ours()).unwrap();
    let sequence = foreign.sequence().unwrap();
    assert_eq!(sequence.frame_count(), FRAMES);
    assert!(sequence.keeps_identity().unwrap());
    for (number, ids) in ids.into_iter().enumerate() {
        let imported = sequence.read_frame(number).unwrap();
        assert_eq!(imported.ids.unwrap(), ids);
        assert_same(&given, number, &imported.splats);
    }
    assert_eq!(scene::count(&path).unwrap(), SPLATS * (FRAMES - 1));
}
