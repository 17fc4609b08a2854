//! `vivant info` in full and `vivant verify --repair`, as a user meets them.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may fail, and its numbers are chosen to fit"
)]

mod ply_sheet;
mod vivant_binary;

use std::path::Path;

use ply_sheet::{ENCODINGS, gaussians, write};
use vivant::clip::{Access, ChunkKind, Clip, Segment, verify};
use vivant_binary::{run, stderr, stdout};

/// A take of 40 frames of 2000 splats and the clip of it, and a still.
fn workplace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("take")).unwrap();
    write(&folder.path().join("still.ply"), ENCODINGS[0], &[gaussians(300, 2, 1)]);
    for number in 0..40 {
        let table = gaussians(2000, 1, number);
        write(&folder.path().join(format!("take/f{number}.ply")), ENCODINGS[0], &[table]);
    }
    let output = run(folder.path(), &["convert", "take", "-o", "take.vvt", "--fps", "20"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    folder
}

fn json(folder: &Path, arguments: &[&str]) -> serde_json::Value {
    let output = run(folder, arguments);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()), "{arguments:?}");
    serde_json::from_str(&stdout(&output)).unwrap()
}

#[test]
fn info_adds_up() {
    let folder = workplace();
    let told = json(folder.path(), &["info", "take.vvt", "--json"]);
    let clip = Clip::open(&folder.path().join("take.vvt"), Access::Auto).unwrap();
    let levels = told["by_level"].as_array().unwrap();
    let sum = |key: &str| levels.iter().map(|level| level[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("segments"), sum("splats")), (clip.nodes().len() as u64, clip.splats()));
    assert_eq!(sum("stored_bytes"), clip.nodes().iter().map(|node| node.stored_bytes).sum::<u64>());
    let seconds: f64 = levels.iter().map(|level| level["seconds"].as_f64().unwrap()).sum();
    assert!((seconds - 2.0).abs() < 1e-9, "{seconds}");
    // By attribute, against every chunk of the file.
    let attributes = told["by_attribute"].as_array().unwrap();
    for attribute in attributes {
        let (mut stored, mut raw) = (0, 0);
        for node in 0..u32::try_from(clip.nodes().len()).unwrap() {
            for chunk in Segment::read(&clip, node).unwrap().chunks {
                let name = match chunk.kind {
                    ChunkKind::Plane(plane) => format!("{plane:?}"),
                    other => format!("{other:?}"),
                };
                if attribute["attribute"] == name.as_str() {
                    stored += u64::from(chunk.stored_len);
                    raw += u64::from(chunk.raw_len);
                }
            }
        }
        assert!(stored > 0);
        assert_eq!((&attribute["stored_bytes"], &attribute["raw_bytes"]), (&stored.into(), &raw.into()));
        let a_frame = attribute["stored_kilobytes_per_frame"].as_f64().unwrap();
        let wanted = stored as f64 / 40_000.0;
        assert!((a_frame - wanted).abs() < 1e-9, "{a_frame} {wanted}");
    }
    assert_eq!(told["peak_live_bytes"], clip.limits().max_live_bytes);
    let live = &told["live_splats"];
    assert_eq!(live["max"], clip.limits().max_live_splats);
    let [min, mean, max] = ["min", "mean", "max"].map(|key| live[key].as_f64().unwrap());
    assert!(0.0 < min && min <= mean && mean <= max, "{live}");
    let text = stdout(&run(folder.path(), &["info", "take.vvt"]));
    for word in ["level  segments", "kB a frame", "Rotation", "live splats  ", "peak memory  ", "\nall "] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn the_plot_is_a_picture_of_three_panels() {
    let folder = workplace();
    let output = run(folder.path(), &["info", "take.vvt", "--plot", "p.svg"]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    let svg = std::fs::read_to_string(folder.path().join("p.svg")).unwrap();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.ends_with("</svg>\n"));
    assert_eq!(svg.matches("<path ").count(), 3);
    for word in ["take.vvt over time", "Mb/s", "thousand", "MB", ">seconds<"] {
        assert!(svg.contains(word), "{word}");
    }
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    for (arguments, says) in [
        (&["info", "still.ply", "--plot", "s.svg"][..], "static scene"),
        (&["info", "take.vvt", "--plot", "take.vvt"], "replace"),
        (&["info", "take.vvt", "--plot", "no/folder/p.svg"], "cannot write"),
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
}

#[test]
fn repair_saves_what_is_whole_and_says_what_is_not() {
    let folder = workplace();
    let path = folder.path().join("take.vvt");
    let mut bytes = std::fs::read(&path).unwrap();
    let clip = Clip::open(&path, Access::Memory).unwrap();
    let nodes = clip.nodes().len();
    let hurt = clip.nodes()[nodes / 2];
    let at = usize::try_from(hurt.offset + hurt.stored_bytes / 2).unwrap();
    bytes[at..at + 64].fill(0xa5);
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(run(folder.path(), &["verify", "take.vvt"]).status.code(), Some(1));
    let output = run(folder.path(), &["verify", "take.vvt", "--repair", "saved.vvt"]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    let said = stdout(&output);
    assert!(
        said.contains("take.vvt: left out: level ") && said.contains(&format!("byte {}", hurt.offset)),
        "{said}"
    );
    assert!(said.contains(&format!("wrote saved.vvt: {} segments saved, 1 lost", nodes - 1)), "{said}");
    assert!(std::fs::read(&path).unwrap() == bytes, "the damaged clip stays as it is");
    assert_eq!(run(folder.path(), &["verify", "saved.vvt"]).status.code(), Some(0));
    // Half a clip, as JSON.
    std::fs::write(&path, &bytes[..bytes.len() / 3]).unwrap();
    let told = json(folder.path(), &["verify", "take.vvt", "--repair", "half.vvt", "--json"]);
    let half = Clip::open(&folder.path().join("half.vvt"), Access::Auto).unwrap();
    assert!(verify(&half).unwrap().is_whole());
    assert_eq!(told["kept"], half.nodes().len());
    let lost = told["left_out"].as_array().unwrap().len() as u64 + told["missing"].as_u64().unwrap();
    assert_eq!(lost + half.nodes().len() as u64, nodes as u64);
    assert!(half.duration_nanos() < 1_000_000_000);
    // Neither the input nor what is no clip.
    let own = run(folder.path(), &["verify", "take.vvt", "--repair", "./take.vvt"]);
    assert_eq!(own.status.code(), Some(2));
    assert!(stderr(&own).contains("would replace this input"), "{}", stderr(&own));
    let none = run(folder.path(), &["verify", "still.ply", "--repair", "none.vvt"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(stderr(&none).starts_with("error: still.ply: superblock.magic"), "{}", stderr(&none));
    assert!(!folder.path().join("none.vvt").exists());
}
