//! Damaged, cut and lying files: an error that names the place or a rig, never a panic, in little memory.

use std::path::Path;
use std::time::Duration;

use glam::{DQuat, EulerRot};
use serde_json::json;
use vivant_convert::{Rig, RigOptions};
use vivant_tests::random::Random;

use super::body::{self, Extras, Habit, Pose};
use super::vivant_binary;

fn motion_text() -> String {
    let turn = |number: usize| DQuat::from_euler(EulerRot::XYZ, 0.1 * number as f64, 0.2, -0.1);
    let poses: Vec<Pose> = (0..5).map(|number| Pose::rest().turned("LeftArm", turn(number))).collect();
    body::bvh(Habit::PLAIN, &poses, 0.01)
}

fn try_motion(folder: &Path, bytes: &[u8]) -> Result<Rig, String> {
    let path = folder.join("m.bvh");
    std::fs::write(&path, bytes).unwrap();
    let rig =
        Rig::open(&folder.join("body.glb"), Some(&path), &RigOptions { splats: 5, fps: None, live: false });
    rig.map_err(|error| error.to_string())
}

/// A line that helps: one, with the file and the line in it.
fn assert_helps(error: &str) {
    assert!(error.contains("m.bvh") && error.lines().count() == 1, "{error}");
}

#[test]
fn a_motion_cut_anywhere_is_an_error_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("body.glb"), body::glb(&Extras::default())).unwrap();
    let text = motion_text();
    try_motion(folder.path(), text.as_bytes()).unwrap();
    // Short of the last number: a number cut in half is still a number.
    let whole = text.trim_end().rfind(' ').unwrap();
    for part in 0..100 {
        let cut = whole * part / 100;
        let error = try_motion(folder.path(), &text.as_bytes()[..cut]).unwrap_err();
        assert_helps(&error);
        assert!(error.contains(": line "), "cut at {cut}: {error}");
    }
}

#[test]
fn a_motion_with_flipped_bytes_is_an_error_or_a_rig() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("body.glb"), body::glb(&Extras::default())).unwrap();
    let text = motion_text();
    let mut random = Random::new(5);
    let (mut errors, mut rigs) = (0, 0);
    for _ in 0..1000 {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..=random.below(2) {
            let at = random.below(bytes.len() as u32) as usize;
            bytes[at] ^= 1 << random.below(8);
        }
        match try_motion(folder.path(), &bytes) {
            Err(error) => {
                errors += 1;
                assert_helps(&error);
            }
            Ok(rig) => {
                rigs += 1;
                let splats = rig.frame(rig.frames() - 1).unwrap();
                assert!(splats.mean.as_flattened().iter().all(|value| value.is_finite()));
            }
        }
    }
    assert!(
        errors > 100 && rigs > 100,
        "{errors} errors and {rigs} rigs: the damage is not of the right kind"
    );
}

#[test]
fn a_motion_that_lies_gets_the_line_and_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("body.glb"), body::glb(&Extras::default())).unwrap();
    let text = motion_text();
    let swapped = |from: &str, to: &str| text.replacen(from, to, 1);
    let deep = format!("HIERARCHY\nROOT a\n{{\n{}", "JOINT b\n{\n".repeat(10_000));
    let many = format!("HIERARCHY\nROOT a\n{{\n{}", "JOINT b\n{\n}\n".repeat(10_000));
    for (bytes, wanted) in [
        (String::new(), "line 0: the file ends where HIERARCHY"),
        ("PK\x03\x04".to_owned(), "line 1: HIERARCHY should stand here"),
        (swapped("Frames: 5", "Frames: 99999999999999999999"), "Frames is '99999999999999999999'"),
        (swapped("Frames: 5", "Frames: 90000000"), "the file ends where frame 5 of 90000000"),
        (text.trim_end().to_owned() + " 7", "the last frame has 1 numbers too many"),
        (swapped("Frames: 5", "Frames: 0"), "at least one"),
        (swapped("Frame Time: 0.01", "Frame Time: 0"), "Frame Time is 0"),
        (swapped("Frame Time: 0.01", "Frame Time: nan"), "Frame Time is 'nan'"),
        (swapped("CHANNELS 6", "CHANNELS 4000000000"), "the number of channels is '4000000000'"),
        (swapped("CHANNELS 6", "CHANNELS 4000"), "CHANNELS says 4000 and lists 6"),
        (swapped("Zrotation", "Wrotation"), "'Wrotation' is no channel"),
        (swapped("Zrotation", "Xrotation"), "'Xrotation' stands twice"),
        (swapped("OFFSET 0", "OFFSET inf"), "OFFSET is 'inf'"),
        (swapped("ROOT", "JOINT"), "line 2: 'JOINT Hips' cannot stand here"),
        (deep, "deeper than 256"),
        (many, "more than 4096 joints"),
    ] {
        let error = try_motion(folder.path(), bytes.as_bytes()).unwrap_err();
        assert_helps(&error);
        assert!(error.contains(wanted), "{error}\nwanted {wanted}");
    }
}

fn try_model(folder: &Path, bytes: &[u8]) -> Result<Rig, String> {
    let path = folder.join("m.glb");
    std::fs::write(&path, bytes).unwrap();
    Rig::open(&path, None, &RigOptions { splats: 5, fps: None, live: false })
        .map_err(|error| error.to_string())
}

fn animated() -> Vec<u8> {
    let picture = vivant::picture::Image::filled(4, 4, [0.5, 0.4, 0.3, 1.0]);
    let turns = vec![DQuat::IDENTITY, DQuat::from_rotation_x(1.0)];
    body::glb(&Extras {
        animation: Some((vec![0.0, 0.1], vec![("LeftArm", turns)])),
        png: Some((vivant::picture::encode_png(&picture).unwrap(), false)),
        float_joints: false,
    })
}

#[test]
fn a_damaged_model_is_an_error_or_a_rig() {
    let folder = tempfile::tempdir().unwrap();
    let whole = animated();
    try_model(folder.path(), &whole).unwrap();
    for part in 0..100 {
        let error = try_model(folder.path(), &whole[..whole.len() * part / 100]).unwrap_err();
        assert!(error.contains("m.glb") && error.lines().count() == 1, "{error}");
    }
    let json_bytes = u32::from_le_bytes(whole[12..16].try_into().unwrap());
    let mut random = Random::new(6);
    let (mut errors, mut rigs) = (0, 0);
    for round in 0..1000 {
        let mut bytes = whole.clone();
        for _ in 0..=random.below(3) {
            // Half of the damage goes into what describes the rest.
            let reach = if round % 2 == 0 { json_bytes } else { whole.len() as u32 };
            let at = random.below(reach) as usize;
            bytes[at] =
                if round % 4 == 0 { b"0123456789-"[random.below(11) as usize] } else { random.word() as u8 };
        }
        match try_model(folder.path(), &bytes) {
            Err(error) => {
                errors += 1;
                assert!(error.contains("m.glb") && error.lines().count() == 1, "{error}");
            }
            Ok(rig) => {
                rigs += 1;
                rig.frame(rig.frames() - 1).unwrap();
            }
        }
    }
    assert!(
        errors > 100 && rigs > 100,
        "{errors} errors and {rigs} rigs: the damage is not of the right kind"
    );
}

/// The body's JSON, changed.
fn changed(change: impl Fn(&mut serde_json::Value)) -> Vec<u8> {
    let whole = animated();
    let length = u32::from_le_bytes(whole[12..16].try_into().unwrap()) as usize;
    let mut root: serde_json::Value = serde_json::from_slice(&whole[20..20 + length]).unwrap();
    change(&mut root);
    body::framed(&root, whole[20 + length + 8..].to_vec())
}

#[test]
fn a_model_that_lies_is_told_which_field() {
    let folder = tempfile::tempdir().unwrap();
    type Change = fn(&mut serde_json::Value);
    let lies: [(Change, &str); 12] = [
        (
            |root| root["accessors"][0]["count"] = json!(4_000_000_000_u32),
            "primitives[0].attributes.POSITION",
        ),
        (|root| root["accessors"][0]["byteOffset"] = json!(u64::MAX), "accessors[0]"),
        (|root| root["bufferViews"][0]["byteOffset"] = json!(u64::MAX), "bufferViews[0]"),
        (|root| root["bufferViews"][0]["byteLength"] = json!(1_u64 << 40), "bufferViews[0]"),
        (|root| root["buffers"][0]["byteLength"] = json!(1_u64 << 40), "buffers[0]"),
        (|root| root["nodes"][3]["children"] = json!([0]), "nodes[0]: has two parents, or is above itself"),
        (|root| root["nodes"][3]["children"] = json!([999]), "nodes[999]: is not there"),
        (|root| root["skins"][0]["joints"] = json!([0]), "names joint"),
        (|root| root["extensionsRequired"] = json!(["KHR_draco_mesh_compression"]), "extensionsRequired"),
        (|root| root["images"] = json!([{"uri": "../../secret.png"}]), "images[0]: its uri leads out"),
        (|root| root["images"] = json!([{"uri": "data:image/png;base64,@@@"}]), "images[0]: uri"),
        (|root| root["meshes"][0]["primitives"][0]["mode"] = json!(1), "shows no triangle"),
    ];
    for (number, (lie, wanted)) in lies.into_iter().enumerate() {
        let error = try_model(folder.path(), &changed(lie)).unwrap_err();
        assert!(error.contains("m.glb") && error.contains(wanted), "{number}: {error}\nwanted {wanted}");
    }
    try_model(folder.path(), &changed(|_| ())).unwrap();
}

#[test]
fn lies_take_little_memory_and_time() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("good.glb"), body::glb(&Extras::default())).unwrap();
    let text = motion_text().replacen("Frames: 5", "Frames: 90000000", 1);
    std::fs::write(folder.path().join("m.bvh"), text).unwrap();
    let count = changed(|root| root["accessors"][0]["count"] = json!(16_000_000));
    std::fs::write(folder.path().join("count.glb"), count).unwrap();
    for arguments in [
        &["convert", "good.glb", "--motion", "m.bvh", "-o", "out.vvt"][..],
        &["convert", "count.glb", "-o", "out.vvt"],
    ] {
        let measured = vivant_binary::run_measured(folder.path(), arguments);
        assert_eq!(measured.output.status.code(), Some(2), "{}", vivant_binary::stderr(&measured.output));
        assert!(measured.peak < 200 << 20, "{arguments:?}: {} bytes", measured.peak);
        assert!(measured.took < Duration::from_secs(2), "{arguments:?}: {:?}", measured.took);
        assert!(!folder.path().join("out.vvt").exists());
    }
}
