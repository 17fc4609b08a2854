//! VideoGS: attributes as pixels of videos. The videos are luma as it is, which a script plays back in the place of ffmpeg;
//! where ffmpeg is installed it decodes what it has encoded itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use vivant::clip::Profile;
use vivant::splat::Splats;
use vivant_convert::Options;
use vivant_tests::hostile::{Cut, attack};
use vivant_tests::pictures::assert_shows;

use crate::scene::{self, assert_near, clip, limb_frames, moments, open, ours, performance};

/// A script in the place of ffmpeg.
fn played() -> Options {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frames/ffmpeg.sh");
    Options { ffmpeg: Some(script), ..ours() }
}

/// The attributes of a splat in the order of the trainer's file.
fn attributes(splats: &Splats, row: usize) -> Vec<f64> {
    let [x, y, z, w] = splats.rotation[row];
    let dc = splats.colour[row].map(|colour| (colour - 0.5) / 0.282_094_8);
    let parts: [&[f32]; 7] = [
        &splats.mean[row],
        &[0.0; 3],
        &dc,
        splats.sh_rest_of(row),
        &[splats.opacity[row]],
        &splats.scale[row],
        &[w, x, y, z],
    ];
    parts.concat().into_iter().map(f64::from).collect()
}

/// A folder that is read, and the frames as the bits in it have them.
struct Written {
    frames: Vec<Splats>,
    /// Side of the pictures of each group.
    sides: Vec<usize>,
}

/// Writes groups of frames; frame names start at `first`.
fn written(folder: &Path, groups: &[Vec<Splats>], first: usize) -> Written {
    let (mut ranges, mut names) = (BTreeMap::new(), BTreeMap::new());
    let mut out = Written { frames: Vec::new(), sides: Vec::new() };
    let mut name = first;
    for (number, group) in groups.iter().enumerate() {
        let splats = group[0].len();
        let side = (1..).map(|step| step * 8).find(|side| side * side >= splats).unwrap();
        let count = attributes(&group[0], 0).len();
        let mut videos = vec![Vec::new(); count + 3];
        names.insert(
            number.to_string(),
            json!({"frame_index": [name - first, 0], "name_index": [name, name + group.len() - 1]}),
        );
        for frame in group {
            let rows: Vec<Vec<f64>> = (0..splats).map(|row| attributes(frame, row)).collect();
            let mut info = Vec::new();
            let mut decoded = vec![vec![0.0; count]; splats];
            for attribute in 0..count {
                let values = || rows.iter().map(|row| row[attribute]);
                let (low, high) =
                    (values().fold(f64::INFINITY, f64::min), values().fold(-f64::INFINITY, f64::max));
                info.extend([low, high]);
                let full = if attribute < 3 { 65535.0 } else { 255.0 };
                let mut planes = [vec![0_u8; side * side], vec![0_u8; side * side]];
                for (row, value) in values().enumerate() {
                    let code = if high > low { ((value - low) / (high - low) * full) as u16 } else { 0 };
                    planes[0][row] = (code & 255) as u8;
                    planes[1][row] = (code >> 8) as u8;
                    decoded[row][attribute] = low + (high - low) * f64::from(code) / full;
                }
                let [low, high] = planes;
                if attribute < 3 {
                    videos[2 * attribute].extend(low);
                    videos[2 * attribute + 1].extend(high);
                } else {
                    videos[attribute + 3].extend(low);
                }
            }
            out.frames.push(seen(frame, &decoded));
            ranges.insert(name.to_string(), json!({"num": splats, "info": info}));
            name += 1;
        }
        let at = folder.join(format!("group{number}"));
        std::fs::create_dir_all(&at).unwrap();
        for (channel, video) in videos.iter().enumerate() {
            std::fs::write(at.join(format!("{channel}.mp4")), video).unwrap();
        }
        out.sides.push(side);
    }
    std::fs::write(folder.join("viewer_min_max.json"), serde_json::to_string_pretty(&ranges).unwrap())
        .unwrap();
    std::fs::write(folder.join("group_info.json"), serde_json::to_string_pretty(&names).unwrap()).unwrap();
    out
}

/// The splats that rounded attributes mean.
fn seen(like: &Splats, rows: &[Vec<f64>]) -> Splats {
    let mut out = like.clone();
    let rest = like.sh_stride();
    for (row, values) in rows.iter().enumerate() {
        let of = |at: usize| values[at] as f32;
        out.mean[row] = [of(0), of(1), of(2)];
        out.colour[row] = [6, 7, 8].map(|at| 0.5 + 0.282_094_8 * of(at));
        (0..rest).for_each(|at| out.sh_rest[row * rest + at] = of(9 + at));
        out.opacity[row] = of(9 + rest);
        out.scale[row] = [1, 2, 3].map(|at| of(9 + rest + at).max(1e-8));
        let turn = [5, 6, 7, 4].map(|at| values[9 + rest + at]);
        let length = turn.iter().map(|part| part * part).sum::<f64>().sqrt();
        out.rotation[row] = turn.map(|part| (part / length) as f32);
    }
    out
}

/// Two groups of other splats each.
fn groups(degree: u8, splats: [usize; 2]) -> Vec<Vec<Splats>> {
    vec![limb_frames(splats[0], 5, degree), limb_frames(splats[1], 3, degree)]
}

#[test]
fn frames_are_read_in_any_order_and_followed_within_a_group() {
    for degree in [0, 3] {
        let folder = tempfile::tempdir().unwrap();
        let wanted = written(folder.path(), &groups(degree, [500, 600]), 95);
        assert_eq!(wanted.sides, [24, 32]);
        let foreign = open(folder.path(), &played()).unwrap();
        assert_eq!((foreign.format().name, foreign.frames(), foreign.info().sh_degree), ("v3", 8, degree));
        let sequence = foreign.sequence().unwrap();
        assert!(sequence.keeps_identity().unwrap());
        for index in [7, 0, 4, 5, 2] {
            let found = sequence.read_frame(index).unwrap();
            assert_near(&found.splats, &wanted.frames[index], 3e-6);
            let first = if index < 5 { 0 } else { 500 };
            assert_eq!(found.ids.unwrap()[..2], [first, first + 1]);
        }
        let off = scene::apart(
            sequence.read_frame(1).unwrap().splats.mean.as_flattened(),
            wanted.frames[2].mean.as_flattened(),
        );
        assert!(off > 1e-3, "another frame is seen to differ");
        assert!(sequence.read_frame(8).is_err());
    }
}

#[test]
fn it_shows_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = written(folder.path(), &groups(1, [1500, 1400]), 0);
    let raw = clip(folder.path(), &played(), Profile::Raw);
    assert_shows("v3", &raw, &performance(&wanted.frames), &moments(8));
    assert!(scene::has_tracks(&clip(folder.path(), &played(), Profile::Local)));
}

#[test]
fn what_is_wrong_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let options = played();
    let whole = groups(0, [100, 80]);
    let read = |options: &Options| {
        scene::frames(folder.path(), options).map(|frames| frames.len()).map_err(|error| error.to_string())
    };
    written(folder.path(), &whole, 10);
    assert_eq!(read(&options), Ok(8));

    let none = Options { ffmpeg: Some(folder.path().join("no such program")), ..ours() };
    let error = read(&none).unwrap_err();
    assert!(error.contains("need ffmpeg") && error.contains("install it"), "{error}");

    let video = folder.path().join("group1/12.mp4");
    let bytes = std::fs::read(&video).unwrap();
    let name = video.display().to_string();
    for (bytes, wanted) in [
        (bytes[..bytes.len() - 1].to_vec(), "767 bytes of luma where 768 belong"),
        ([bytes.clone(), vec![0; 100_000]].concat(), "more than 768"),
        (b"BROKEN".to_vec(), "Invalid data found"),
        (Vec::new(), "0 bytes of luma"),
    ] {
        std::fs::write(&video, bytes).unwrap();
        let error = read(&options).unwrap_err();
        assert!(error.contains(wanted) && error.contains(&name), "{error}");
    }
    std::fs::remove_file(&video).unwrap();
    assert!(read(&options).unwrap_err().contains(&name));

    written(folder.path(), &whole, 10);
    let ranges = folder.path().join("viewer_min_max.json");
    let text = std::fs::read_to_string(&ranges).unwrap();
    std::fs::write(&ranges, text.replacen("\"num\": 100", "\"num\": 99", 1)).unwrap();
    assert!(read(&options).unwrap_err().contains("splats in a group of other frames"));
    written(folder.path(), &[limb_frames(50, 1, 0), limb_frames(50, 1, 1)], 10);
    assert!(read(&options).unwrap_err().contains("52 limits"));
    let path: PathBuf = folder.path().join("viewer_min_max.json");
    std::fs::write(&path, "{\"10\": {\"num\": 9999999999, \"info\": [0, 1]}}").unwrap();
    assert!(read(&options).unwrap_err().contains("9999999999 splats"));
    std::fs::write(&path, "{\"ten\": {\"num\": 1, \"info\": []}}").unwrap();
    assert!(read(&options).unwrap_err().contains("viewer_min_max.json"));
}

#[test]
fn damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &[limb_frames(4, 1, 0)], 3);
    let count = |_: &Path| Ok(open(folder.path(), &played())?.frames());
    for name in ["viewer_min_max.json", "group_info.json"] {
        let path = folder.path().join(name);
        attack(&path, &path, Cut::Fails, &count);
    }
}

#[test]
fn ffmpeg_itself_decodes_what_it_encoded() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = written(folder.path(), &groups(0, [500, 600]), 0);
    for (number, side) in wanted.sides.iter().enumerate() {
        for channel in 0..20 {
            let video = folder.path().join(format!("group{number}/{channel}.mp4"));
            let luma = folder.path().join("luma");
            std::fs::rename(&video, &luma).unwrap();
            let size = format!("{side}x{side}");
            let made = Command::new("ffmpeg")
                .args([
                    "-y", "-v", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-s", &size, "-r", "25", "-i",
                ])
                .arg(&luma)
                .args(["-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuvj444p"])
                .arg(&video)
                .status();
            if !made.is_ok_and(|status| status.success()) {
                vivant_tests::require::skip("ffmpeg", "no ffmpeg with libx264 on the PATH");
                return;
            }
        }
    }
    let found = scene::frames(folder.path(), &ours()).unwrap();
    for (found, wanted) in found.iter().zip(&wanted.frames) {
        assert_near(found, wanted, 3e-6);
    }
}

/// `cargo test --release -p vivant-tests --test frames -- --ignored --nocapture v3_speed`
#[test]
#[ignore = "a measurement"]
fn v3_speed() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &[limb_frames(60_000, 20, 0)], 0);
    let begun = std::time::Instant::now();
    let read = |channel| std::fs::read(folder.path().join(format!("group0/{channel}.mp4"))).unwrap().len();
    let bytes: usize = (0..20).map(read).sum();
    let plain = begun.elapsed();
    let begun = std::time::Instant::now();
    let splats: usize = scene::frames(folder.path(), &played()).unwrap().iter().map(Splats::len).sum();
    println!(
        "v3 (luma as it is): {bytes} bytes, {splats} splats in {:?}; plain read {plain:?}",
        begun.elapsed()
    );
}
