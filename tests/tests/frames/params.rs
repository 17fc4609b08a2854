//! `params.npz`: the layout of Dynamic3DGaussians, and what the export script adds to it.

use std::path::{Path, PathBuf};

use vivant::clip::Profile;
use vivant::splat::Splats;
use vivant_convert::Options;
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::pictures::assert_shows;

use crate::numpy::{Npy, save};
use crate::scene::{self, apart, assert_near, clip, limb_frames, logit, moments, open, ours, performance};

const SPLATS: usize = 1500;
const FRAMES: usize = 12;

/// The numbers of all frames, one after the other.
fn stacked(frames: &[Splats], of: impl Fn(&Splats) -> Vec<f32>) -> Vec<f32> {
    frames.iter().flat_map(of).collect()
}

/// What every file has; rotations of any length.
fn common(frames: &[Splats]) -> Vec<(&'static str, Npy)> {
    let (count, splats) = (frames.len(), frames[0].len());
    let turns = stacked(frames, |frame| {
        let longer = |(row, [x, y, z, w]): (usize, &[f32; 4])| {
            [w, x, y, z].map(|part| part * (0.3 + (row % 7) as f32))
        };
        frame.rotation.iter().enumerate().flat_map(longer).collect()
    });
    let flat =
        |of: fn(&Splats) -> &Vec<[f32; 3]>| stacked(frames, move |frame| of(frame).as_flattened().to_vec());
    vec![
        ("means3D", Npy::f32(&[count, splats, 3], &flat(|frame| &frame.mean))),
        ("rgb_colors", Npy::f32(&[count, splats, 3], &flat(|frame| &frame.colour))),
        ("unnorm_rotations", Npy::f32(&[count, splats, 4], &turns)),
    ]
}

fn logs(scale: &[[f32; 3]]) -> Vec<f32> {
    scale.as_flattened().iter().map(|scale| scale.ln()).collect()
}

/// The trainer's own layout: scales and opacities once.
fn original(frames: &[Splats]) -> Vec<(&'static str, Npy)> {
    let splats = frames[0].len();
    let mut arrays = common(frames);
    let logits: Vec<f32> = frames[0].opacity.iter().copied().map(logit).collect();
    arrays.extend([
        ("seg_colors", Npy::f32(&[splats, 3], &vec![1.0; splats * 3])),
        ("logit_opacities", Npy::f32(&[splats, 1], &logits)),
        ("log_scales", Npy::f32(&[splats, 3], &logs(&frames[0].scale))),
        ("cam_m", Npy::f32(&[50, 3], &[0.0; 150])),
        ("cam_c", Npy::f32(&[50, 3], &[0.0; 150])),
    ]);
    arrays
}

/// Everything for every frame.
fn extended(frames: &[Splats]) -> Vec<(&'static str, Npy)> {
    let (count, splats) = (frames.len(), frames[0].len());
    let mut arrays = common(frames);
    let logits = stacked(frames, |frame| frame.opacity.iter().copied().map(logit).collect());
    let scales = stacked(frames, |frame| logs(&frame.scale));
    let harmonics = stacked(frames, |frame| frame.sh_rest.clone());
    arrays.extend([
        ("logit_opacities", Npy::f32(&[count, splats, 1], &logits)),
        ("log_scales", Npy::f32(&[count, splats, 3], &scales)),
        ("sh_rest", Npy::f32(&[count, splats, harmonics.len() / (count * splats * 3), 3], &harmonics)),
    ]);
    arrays
}

fn saved(folder: &Path, arrays: &[(&str, Npy)], deflated: bool) -> PathBuf {
    let path = folder.join("params.npz");
    save(&path, arrays, deflated);
    path
}

/// Frames whose scales never change.
fn rigid(degree: u8) -> Vec<Splats> {
    let mut frames = limb_frames(SPLATS, FRAMES, degree);
    let scale = frames[0].scale.clone();
    frames.iter_mut().for_each(|frame| frame.scale.clone_from(&scale));
    frames
}

#[test]
fn the_trainers_own_layout_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = rigid(0);
    for deflated in [false, true] {
        let path = saved(folder.path(), &original(&wanted), deflated);
        let foreign = open(&path, &ours()).unwrap();
        assert_eq!((foreign.format().name, foreign.frames()), ("params", FRAMES));
        let sequence = foreign.sequence().unwrap();
        assert!(sequence.keeps_identity().unwrap());
        assert_eq!(sequence.report().notes, ["arrays not used: seg_colors cam_m cam_c"]);
        for index in [7, 0, 11] {
            assert_near(&sequence.read_frame(index).unwrap().splats, &wanted[index], 2e-6);
        }
        let off =
            apart(sequence.read_frame(7).unwrap().splats.mean.as_flattened(), wanted[8].mean.as_flattened());
        assert!(off > 1e-3, "another frame is seen to differ");
        assert!(sequence.read_frame(12).is_err());
        // By custom the axes are COLMAP's: y down, z forward.
        let turned = scene::frames(&path, &Options::default()).unwrap();
        for (found, wanted) in turned[3].mean.iter().zip(&wanted[3].mean) {
            assert!(apart(found, &[wanted[0], -wanted[1], -wanted[2]]) < 1e-6);
        }
    }
    let path = saved(folder.path(), &original(&wanted), false);
    assert!(scene::has_tracks(&clip(&path, &ours(), Profile::Local)));
    let shown = clip(&path, &ours(), Profile::Raw);
    assert_shows("params", &shown, &performance(&wanted), &moments(FRAMES));
}

#[test]
fn what_varies_may_stand_for_every_frame() {
    let folder = tempfile::tempdir().unwrap();
    for degree in [1, 3] {
        let wanted = limb_frames(SPLATS, FRAMES, degree);
        for deflated in [false, true] {
            let path = saved(folder.path(), &extended(&wanted), deflated);
            assert_eq!(open(&path, &ours()).unwrap().info().sh_degree, degree);
            for (found, wanted) in scene::frames(&path, &ours()).unwrap().iter().zip(&wanted) {
                assert_near(found, wanted, 2e-6);
            }
        }
        let path = saved(folder.path(), &extended(&wanted), false);
        let shown = clip(&path, &ours(), Profile::Raw);
        assert_shows(&format!("params-{degree}"), &shown, &performance(&wanted), &moments(FRAMES));
    }
}

#[test]
fn one_frame_always_shows() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), &original(&rigid(0)[..1]), false);
    let foreign = open(&path, &ours()).unwrap();
    assert_eq!((foreign.frames(), foreign.info().duration), (1, 0));
    assert!(!foreign.sequence().unwrap().keeps_identity().unwrap());
}

#[test]
fn splats_that_cannot_be_used_are_dropped_and_the_others_keep_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let mut frames = rigid(0);
    frames[4].mean[3][1] = f32::NAN;
    let path = saved(folder.path(), &original(&frames), false);
    let foreign = open(&path, &ours()).unwrap();
    let imported = foreign.sequence().unwrap().read_frame(4).unwrap();
    assert_eq!((imported.splats.len(), imported.report.not_finite), (SPLATS - 1, 1));
    assert_eq!(imported.ids.unwrap()[2..5], [2, 4, 5]);
}

#[test]
fn shapes_that_do_not_agree_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let frames = limb_frames(20, 3, 3);
    let whole = extended(&frames);
    let with = |name: &str, array: Option<Npy>| {
        let mut arrays = whole.clone();
        arrays.retain(|(own, _)| *own != name || array.is_some());
        for (own, slot) in &mut arrays {
            if let Some(array) = array.as_ref().filter(|_| *own == name) {
                *slot = array.clone();
            }
        }
        scene::count(&saved(folder.path(), &arrays, false)).map_err(|error| error.to_string())
    };
    assert_eq!(with("", None), Ok(60));
    for (name, shape) in [
        ("means3D", vec![3, 20, 2]),
        ("means3D", vec![60, 3]),
        ("rgb_colors", vec![2, 20, 3]),
        ("unnorm_rotations", vec![3, 20, 3]),
        ("log_scales", vec![3, 19, 3]),
        ("logit_opacities", vec![20]),
        ("sh_rest", vec![3, 20, 14, 3]),
        ("sh_rest", vec![3, 20, 15]),
    ] {
        let values = vec![0.0; shape.iter().product()];
        let error = with(name, Some(Npy::f32(&shape, &values))).unwrap_err();
        assert!(error.contains(name) && error.contains("params.npz"), "{name} {shape:?}: {error}");
    }
    let empty = with("means3D", Some(Npy::f32(&[0, 20, 3], &[]))).unwrap_err();
    assert!(empty.contains("0 frames of 20 splats"), "{empty}");
    let absent = with("log_scales", None).unwrap_err();
    assert!(absent.contains("no array of that name"), "{absent}");
}

#[test]
fn damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    for deflated in [false, true] {
        let path = saved(folder.path(), &original(&limb_frames(60, 4, 0)), deflated);
        attack(&path, &path, Cut::Fails, &scene::count);
    }
}

/// `cargo test --release -p vivant-tests --test frames -- --ignored --nocapture params_speed`
#[test]
#[ignore = "a measurement"]
fn params_speed() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), &original(&limb_frames(50_000, 24, 0)), false);
    let begun = std::time::Instant::now();
    let bytes = std::fs::read(&path).unwrap().len();
    let plain = begun.elapsed();
    let begun = std::time::Instant::now();
    let splats = scene::count(&path).unwrap();
    println!("params: {bytes} bytes, {splats} splats in {:?}; plain read {plain:?}", begun.elapsed());
}
