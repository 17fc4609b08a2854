//! `vivant render`, `play` and `doctor` as a user meets them: pictures, depth, figures, and what is said when something is
//! wrong with a camera, a time or a size.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod vivant_binary;

use std::path::Path;

use vivant::clip::WriterOptions;
use vivant::codec::write_performance;
use vivant::gpu::{Gpu, GpuOptions};
use vivant::picture::{compare, load_png};
use vivant_binary::{run, stderr, stdout};
use vivant_tests::performances;
use vivant_tests::require::skip;

/// A folder with a still and a moving clip, or `None`, said aloud, where nothing can be drawn.
fn workplace() -> Option<tempfile::TempDir> {
    if let Err(error) = Gpu::create(&GpuOptions::default()) {
        skip("vulkan", &error.to_string());
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let options = WriterOptions::default();
    write_performance(&folder.path().join("still.vvt"), &performances::still(3000, 1), &options).unwrap();
    write_performance(&folder.path().join("moving.vvt"), &performances::moving(3000), &options).unwrap();
    Some(folder)
}

/// Runs with validation on, expects success, returns what was printed.
fn good(folder: &Path, arguments: &[&str]) -> String {
    let output = std::process::Command::new(vivant_binary::path())
        .args(arguments)
        .env("VIVANT_VALIDATION", "1")
        .current_dir(folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
    stdout(&output)
}

#[test]
fn a_stereo_pair_is_two_pictures_side_by_side_near_the_reference() {
    let Some(folder) = workplace() else { return };
    let folder = folder.path();
    let base = ["render", "moving.vvt", "--time", "0.7", "--size", "160x120", "--background", "0.2,0.3,0.4"];
    good(folder, &[&base[..], &["-o", "gpu.png"]].concat());
    good(folder, &[&base[..], &["-o", "reference.png", "--reference"]].concat());
    let (gpu, reference) =
        (load_png(folder.join("gpu.png")).unwrap(), load_png(folder.join("reference.png")).unwrap());
    assert_eq!((gpu.width, gpu.height), (320, 120));
    let compared = compare(&gpu, &reference, [0.0; 3]).unwrap();
    assert!(compared.psnr > 45.0, "{} dB", compared.psnr);
    for access in ["mapped", "pread", "memory"] {
        good(folder, &[&base[..], &["-o", "again.png", "--access", access]].concat());
        assert!(
            std::fs::read(folder.join("again.png")).unwrap()
                == std::fs::read(folder.join("gpu.png")).unwrap()
        );
    }
}

#[test]
fn depth_is_an_array_of_views_rows_and_columns() {
    let Some(folder) = workplace() else { return };
    let folder = folder.path();
    good(
        folder,
        &["render", "still.vvt", "-o", "a.png", "--size", "64x48", "--distance", "1.2", "--depth", "a.npy"],
    );
    let bytes = std::fs::read(folder.join("a.npy")).unwrap();
    let header = String::from_utf8_lossy(&bytes[..128]).into_owned();
    assert!(header.contains("'<f4'") && header.contains("(2, 48, 64)"), "{header}");
    let depth: Vec<f32> = bytes[bytes.len() - 2 * 48 * 64 * 4..]
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect();
    let middle = depth[24 * 64 + 32];
    assert!((middle - 0.88).abs() < 0.08, "the front of the ball is {middle} m away");
    assert_eq!(depth[0], f32::INFINITY);
}

#[test]
fn a_camera_file_says_where_pictures_are_taken_from() {
    let Some(folder) = workplace() else { return };
    let folder = folder.path();
    let view = r#"{"position":[0,0,1.5],"orientation":[0,0,0,1],"fov":{"left":-0.4,"right":0.4,"up":0.3,"down":-0.3}}"#;
    std::fs::write(folder.join("three.json"), format!("{{\"views\":[{view},{view},{view}]}}")).unwrap();
    good(folder, &["render", "still.vvt", "-o", "three.png", "--camera", "three.json", "--size", "40x30"]);
    assert_eq!(load_png(folder.join("three.png")).unwrap().width, 120);
    good(folder, &["render", "moving.vvt", "-o", "sheet.png", "--sheet", "6", "--mono", "--size", "40x30"]);
    let sheet = load_png(folder.join("sheet.png")).unwrap();
    assert!(sheet.width > sheet.height && sheet.width >= 3 * 40, "{}x{}", sheet.width, sheet.height);

    for (camera, words) in [
        ("{\"views\":[]}", "views: there are 0"),
        ("nonsense", "not a camera"),
        ("{\"views\":[{\"position\":[0,0,1]}]}", "missing field"),
        (&format!("{{\"views\":[{}]}}", view.replace("0,0,0,1", "0,0,0,0")), "views[0].orientation"),
        (&format!("{{\"views\":[{}]}}", view.replace("-0.4", "0.9")), "views[0].fov"),
        (&format!("{{\"views\":[{}]}}", view.replace("1.5", "1e999")), "camera"),
    ] {
        std::fs::write(folder.join("bad.json"), camera).unwrap();
        bad(folder, &["render", "still.vvt", "-o", "x.png", "--camera", "bad.json"], words);
    }
    bad(folder, &["render", "still.vvt", "-o", "x.png", "--camera", "absent.json"], "absent.json");
}

/// Expects exit code 2 and one line with `words`.
fn bad(folder: &Path, arguments: &[&str], words: &str) {
    let output = run(folder, arguments);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(said.contains(words) && said.trim_end().lines().count() == 1, "{arguments:?}: {said}");
}

#[test]
fn what_cannot_be_drawn_is_said_in_a_line() {
    let Some(folder) = workplace() else { return };
    let folder = folder.path();
    bad(folder, &["render", "moving.vvt", "-o", "x.png", "--time", "9"], "lasts from 0 to 2.000 s");
    bad(folder, &["render", "moving.vvt", "-o", "x.png", "--time", "-1"], "--time -1");
    bad(folder, &["render", "moving.vvt", "-o", "x.png", "--time", "nan"], "NaN");
    bad(folder, &["render", "moving.vvt", "-o", "x.png", "--size", "0x5"], "WIDTHxHEIGHT");
    bad(folder, &["render", "moving.vvt", "-o", "x.png", "--background", "red"], "three numbers");
    bad(folder, &["render", "moving.vvt", "-o", "absent/x.png", "--size", "8x8"], "absent/x.png");
    bad(folder, &["render", "absent.vvt", "-o", "x.png"], "absent.vvt");
    bad(folder, &["play", "moving.vvt", "--headless", "1", "--rate", "9"], "4");
    bad(folder, &["play", "moving.vvt", "--headless", "0"], "0");
    assert!(!folder.join("x.png").exists());
}

#[test]
fn a_device_that_is_not_there_is_exit_code_3() {
    let Some(folder) = workplace() else { return };
    for command in [&["render", "still.vvt", "-o", "x.png"][..], &["doctor"]] {
        let output = std::process::Command::new(vivant_binary::path())
            .args(command)
            .env("VIVANT_DEVICE", "a card nobody has")
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert!(stderr(&output).contains("no usable Vulkan device"), "{}", stderr(&output));
    }
}

#[test]
fn headless_playing_prints_figures() {
    let Some(folder) = workplace() else { return };
    let folder = folder.path();
    let text = good(folder, &["play", "moving.vvt", "--headless", "12", "--size", "64x64", "--json"]);
    let figures: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((figures["frames"].as_u64(), figures["views"].as_u64()), (Some(12), Some(2)));
    assert!(figures["wall_ms"]["median"].as_f64().unwrap() > 0.0);
    let stages: Vec<&str> =
        figures["stages"].as_array().unwrap().iter().filter_map(|s| s["name"].as_str()).collect();
    for stage in ["slice", "cull", "sort", "project", "raster", "composite"] {
        assert!(stages.contains(&stage), "{stage} has no time: {text}");
    }
    let table = good(folder, &["play", "still.vvt", "--headless", "3", "--size", "32x32", "--mono"]);
    assert!(table.contains("raster") && table.contains("median ms"), "{table}");
}

#[test]
fn doctor_names_the_device() {
    let Some(folder) = workplace() else { return };
    let text = good(folder.path(), &["doctor", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(
        report["devices"].as_array().unwrap().iter().any(|d| d["missing"].as_array().unwrap().is_empty())
    );
    assert!(good(folder.path(), &["doctor"]).contains("vivant plays on"));
}
