//! Rigs of other systems, written as they write them: `GaussianAvatars` and `DualGS`. What comes out is held against the
//! formulas; what is damaged is an error with the file's name.

use std::path::{Path, PathBuf};

use glam::{DAffine3, DMat3, DQuat, DVec3};
use vivant::clip::{Clip, WriterOptions};
use vivant::codec::{binding_of, decode_segment};
use vivant::gpu::GpuOptions;
use vivant::playback::live_at;
use vivant::reference::{self, Moment};
use vivant::rig::{Harmonics, Kind, wide};
use vivant::splat::{SH_C0, Splats};
use vivant_convert::rig::faces;
use vivant_convert::{Foreign, Options, RigOptions};
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::performances::{ball, rate};
use vivant_tests::rigged::{self, Rigged};
use vivant_tests::stage::{self, Stage};

use super::numpy::{Npy, save};

const RINGS: u16 = 8;

/// A PLY in the INRIA layout, with a column `binding_0` where there are faces.
fn ply(path: &Path, splats: &Splats, faces: Option<&[u16]>) {
    let floats = splats.sh_stride();
    let mut names: Vec<String> = ["x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2"].map(str::to_owned).to_vec();
    names.extend((0..floats).map(|at| format!("f_rest_{at}")));
    names.push("opacity".to_owned());
    names.extend((0..3).map(|at| format!("scale_{at}")));
    names.extend((0..4).map(|at| format!("rot_{at}")));
    let mut header = format!("ply\nformat binary_little_endian 1.0\nelement vertex {}\n", splats.len());
    names.iter().for_each(|name| header += &format!("property float {name}\n"));
    if faces.is_some() {
        header += "property int binding_0\n";
    }
    let mut bytes = (header + "end_header\n").into_bytes();
    for at in 0..splats.len() {
        let splat = splats.get(at);
        let [x, y, z, w] = splat.rotation;
        let rest = splats.sh_rest_of(at);
        let mut row = splat.mean.to_vec();
        row.extend(splat.colour.map(|channel| (channel - 0.5) / SH_C0));
        // All of red, then green, then blue.
        row.extend((0..3).flat_map(|channel| rest.iter().skip(channel).step_by(3)));
        row.push((splat.opacity / (1.0 - splat.opacity)).ln());
        row.extend(splat.scale.map(f32::ln));
        row.extend([w, x, y, z]);
        row.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        if let Some(faces) = faces {
            bytes.extend(i32::from(faces[at]).to_le_bytes());
        }
    }
    std::fs::write(path, bytes).unwrap();
}

/// The files of an avatar, and what it is.
fn avatar(folder: &Path, a_face: u32, frames: u32) -> (PathBuf, PathBuf, Rigged) {
    let mut rigged = rigged::faces(RINGS, a_face, 1, frames, super::face);
    rigged.splats.opacity.iter_mut().for_each(|opacity| *opacity = opacity.min(0.99));
    rigged.rig = rigged.rig.with_harmonics(Harmonics::Stay);
    let path = folder.join("point_cloud.ply");
    let bound: Vec<u16> = rigged.bindings.iter().map(|binding| binding.joints[0]).collect();
    ply(&path, &rigged.splats, Some(&bound));
    let corners = |frame: u32| rigged::face_corners(RINGS, f64::from(frame) / 30.0);
    let count = corners(0).len();
    let values: Vec<f32> = (0..frames)
        .flat_map(|frame| corners(frame).concat().into_iter().flat_map(|corner| corner.as_vec3().to_array()))
        .collect();
    let vertices = Npy::f32(&[frames as usize, count * 3, 3], &values);
    let indices = (0..count as i32 * 3).flat_map(i32::to_le_bytes).collect();
    let archive = folder.join("vertices.npz");
    save(&archive, &[("vertices", vertices), ("faces", Npy::new("<i4", &[count, 3], indices))], false);
    (path, archive, rigged)
}

fn convert(input: &Path, motion: Option<&Path>, options: &Options) -> vivant::Result<Clip> {
    let foreign = Foreign::open(&[input.to_owned()], motion, options, &RigOptions::default())?;
    let (bytes, _, _) = foreign.write_to_memory(&WriterOptions::default(), &mut |_| {})?;
    Clip::from_bytes("imported.vvt", bytes)
}

#[test]
fn a_face_carries_as_the_formula_says() {
    let corners = [DVec3::ZERO, DVec3::X, DVec3::new(0.2, 0.8, 0.1)];
    let place = faces::frame(corners).transform_point3(DVec3::new(0.1, 0.2, 0.3));
    let wanted = DVec3::new(0.490_311_288_741_492_7, -0.024_578_488_299_304_37, 0.178_955_910_816_318_84);
    assert!((place - wanted).length() < 1e-9, "{place}");
    for time in [0.0, 0.4] {
        for corners in rigged::face_corners(6, time) {
            let (ours, theirs) = (faces::frame(corners), super::face(corners));
            assert!(ours.abs_diff_eq(theirs, 1e-12), "{corners:?}");
        }
    }
}

#[test]
fn gaussian_avatars_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let (path, archive, rigged) = avatar(folder.path(), 12, 20);
    let elsewhere = folder.path().join("motion.npz");
    std::fs::rename(&archive, &elsewhere).unwrap();
    let error = convert(&path, None, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("point_cloud.ply") && error.contains("--motion"), "{error}");
    let clip = convert(&path, Some(&elsewhere), &Options::default()).unwrap();
    std::fs::rename(&elsewhere, &archive).unwrap();
    assert_eq!(
        convert(&path, None, &Options::default()).unwrap().uuid(),
        clip.uuid(),
        "found beside the PLY"
    );
    let rig = clip.rig().unwrap();
    assert_eq!((rig.kind(), rig.harmonics()), (Kind::Faces, Harmonics::Stay));
    assert_eq!((clip.splats(), clip.info().duration), (rigged.splats.len() as u64, 20_000));
    let Some(mut stage) = Stage::open(&GpuOptions::default()) else { return };
    let views = stage::stereo(DVec3::ZERO, 1.3);
    let head = views.iter().map(|view| DVec3::from_array(view.position)).sum::<DVec3>() / 2.0;
    for frame in [0.0, 13.0] {
        let pixels = stage.draw(&clip, frame / 30.0, &views, 256);
        let mut turned = rigged.clone();
        turned.rig = turned.rig.with_harmonics(Harmonics::Turn);
        let psnr = |rigged: &Rigged| {
            let posed = rigged.posed(&rigged.places(frame));
            let options = reference::Options { order_from: Some(head), ..reference::Options::default() };
            let moment = Moment::at_seconds(rate(), 0.0);
            let draw = |view| reference::render(&[&posed], moment, view, 256, 256, &options).unwrap();
            stage::distance(&pixels, &views.iter().map(draw).collect::<Vec<_>>()).psnr
        };
        let (right, wrong) = (psnr(&rigged), psnr(&turned));
        eprintln!("frame {frame}: {right:.1} dB, with harmonics that turn {wrong:.1} dB");
        assert!(right > 45.0 && wrong < 40.0, "{right} dB, {wrong} dB");
    }
    stage.finish();
}

#[test]
fn axes_turn_the_mesh_and_the_harmonics() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _, _) = avatar(folder.path(), 2, 3);
    let plain = convert(&path, None, &Options::default()).unwrap();
    let axes = Some("rdf".parse().unwrap());
    let turned = convert(&path, None, &Options { axes, ..Options::default() }).unwrap();
    let joints = |clip: &Clip| live_at(clip, 0).unwrap().joints;
    let half = DAffine3::from_quat(DQuat::from_rotation_x(std::f64::consts::PI));
    for (a, b) in joints(&plain).iter().zip(&joints(&turned)) {
        assert!((half * wide(a)).abs_diff_eq(wide(b), 2e-4));
    }
    let mirrored = Options { axes: Some("lub".parse().unwrap()), ..Options::default() };
    assert!(convert(&path, None, &mirrored).unwrap_err().to_string().contains("mirror"));
}

#[test]
fn damaged_avatars_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let (path, archive, _) = avatar(folder.path(), 1, 2);
    let read = |_: &Path| -> vivant::Result<usize> {
        let clip = convert(&path, Some(&archive), &Options::default())?;
        Ok(clip.splats() as usize)
    };
    attack(&path, &path, Cut::Fails, &read);
    attack(&archive, &archive, Cut::Fails, &read);
    // A face that is not there.
    let vertices = Npy::f32(&[1, 3, 3], &[0.0; 9]);
    save(&archive, &[("vertices", vertices.clone()), ("faces", Npy::new("<i4", &[1, 3], vec![0; 12]))], true);
    let error = convert(&path, Some(&archive), &Options::default()).unwrap_err().to_string();
    assert!(error.contains("binding_0") && error.contains("none of the mesh's 1 faces"), "{error}");
    let indices = [0_i32, 1, 3].iter().flat_map(|corner| corner.to_le_bytes()).collect();
    save(&archive, &[("vertices", vertices), ("faces", Npy::new("<i4", &[1, 3], indices))], true);
    let error = convert(&path, Some(&archive), &Options::default()).unwrap_err().to_string();
    assert!(error.contains("array faces") && error.contains("face 0"), "{error}");
}

#[test]
fn dual_gs_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("training");
    for part in ["ckt", "track/ckt", "joint_opt"] {
        std::fs::create_dir_all(root.join(part)).unwrap();
    }
    let (body, bones) = (ball(300, 0, 3), ball(40, 0, 4));
    ply(&root.join("ckt/point_cloud_7.ply"), &body, None);
    ply(&root.join("track/ckt/point_cloud_7.ply"), &bones, None);
    let map = |frame: u32, joint: usize| {
        let turn = DMat3::from_rotation_z(f64::from(frame) * 0.1) * (1.0 + joint as f64 * 1e-3);
        DAffine3::from_mat3_translation(turn, DVec3::new(0.0, f64::from(frame) * 0.02, joint as f64 * 1e-3))
    };
    for frame in [8, 9] {
        let rows =
            (0..40).flat_map(|joint| vivant::rig::narrow(&map(frame, joint)).concat()).collect::<Vec<_>>();
        save(
            &root.join(format!("joint_opt/joint_RT_{frame}.npz")),
            &[("arr_0", Npy::f32(&[40, 3, 4], &rows))],
            false,
        );
    }
    let options = Options { axes: Some("rub".parse().unwrap()), ..Options::default() };
    let maps = root.join("joint_opt");
    let clip = convert(&maps, None, &options).unwrap();
    assert_eq!((clip.info().duration, clip.rig().unwrap().joints().len()), (3000, 40));
    for (at, frame) in [(1, 8), (2, 9)] {
        let joints = live_at(&clip, at * 1_000_000_000 / 30 + 1).unwrap().joints;
        for (joint, found) in joints.iter().enumerate() {
            let near = DVec3::from_array(bones.mean[joint].map(f64::from));
            let off = wide(found).transform_point3(near) - map(frame, joint).transform_point3(near);
            assert!(off.length() < 2e-4, "frame {frame}, joint {joint}: {off}");
        }
    }
    // Weights by the formula, of a splat that is found again by its place.
    let data = decode_segment(&clip, 0).unwrap();
    let stored = vivant::codec::splats_of(&data, rate());
    for index in (0..300).step_by(29) {
        let place = DVec3::from_array(stored.mean[index].map(f64::from));
        let mut near: Vec<(f64, usize)> = bones
            .mean
            .iter()
            .enumerate()
            .map(|(joint, mean)| (DVec3::from_array(mean.map(f64::from)).distance_squared(place), joint))
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        let weights: Vec<f64> = near[..8].iter().map(|(away, _)| (-away / 4e-4).exp()).collect();
        let sum: f64 = weights.iter().sum();
        let binding = binding_of(&data, index).unwrap();
        for ((_, joint), weight) in near[..8].iter().zip(&weights) {
            let found = binding
                .terms()
                .find(|(own, _)| usize::from(*own) == *joint)
                .map_or(0.0, |(_, weight)| weight);
            assert!((f64::from(found) - weight / sum).abs() < 5e-5, "splat {index}, joint {joint}");
        }
    }
    std::fs::remove_file(root.join("track/ckt/point_cloud_7.ply")).unwrap();
    assert!(convert(&root, None, &options).unwrap().rig().is_none(), "the folder around is its PLYs");
    let error = convert(&maps, None, &options).unwrap_err().to_string();
    assert!(error.contains("point_cloud_7.ply"), "{error}");
}
