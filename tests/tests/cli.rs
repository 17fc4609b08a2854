//! The command line as a user meets it: what it prints, where, and how it ends.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may fail, and its numbers are chosen to fit"
)]

mod ply_sheet;
mod vivant_binary;

use std::path::Path;

use ply_sheet::{ENCODINGS, Table, gaussians, write};
use vivant::clip::{Access, Clip};
use vivant::codec::performance_of;
use vivant_binary::{run, stderr, stdout};
use vivant_convert::{Options, Source, ply};

/// A folder with a still of 300 splats and a take of 12 frames of 100 + 10·n.
fn workplace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("still.ply"), ENCODINGS[0], &[gaussians(300, 2, 1)]);
    std::fs::create_dir(folder.path().join("take")).unwrap();
    for number in 0..12 {
        let table = gaussians(100 + 10 * number, 1, number as u64);
        write(&folder.path().join(format!("take/f{number}.ply")), ENCODINGS[0], &[table]);
    }
    folder
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn convert_says_what_it_read_and_wrote() {
    let folder = workplace();
    let output = run(folder.path(), &["convert", "still.ply", "-o", "still.vvt"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    let said = stdout(&output);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "read 300 splats from 1 file");
    assert!(lines[1].starts_with("wrote still.vvt: 300 splats in 1 segment, "), "{said}");
    let clip = Clip::open(&folder.path().join("still.vvt"), Access::Auto).unwrap();
    assert_eq!((clip.splats(), clip.info().duration, clip.info().sh_degree), (300, 0, 2));
    assert_eq!(json(clip.meta_json())["source"]["first"], "still.ply");
}

#[test]
fn a_sequence_plays_the_frames_it_was_made_of() {
    let folder = workplace();
    for (fps, num, den) in [("24", 24, 1), ("29.97", 30_000, 1001), ("90", 90, 1)] {
        let output = run(folder.path(), &["convert", "take", "-o", "take.vvt", "--fps", fps]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let clip = Clip::open(&folder.path().join("take.vvt"), Access::Auto).unwrap();
        assert_eq!((clip.info().fps, clip.info().duration), ((num, den), 12_000));
        let performance = performance_of(&clip).unwrap();
        for frame in 0..12_i64 {
            let (from, to) = (frame * 1000, frame * 1000 + 1000);
            for tick in [from, from + 500, to - 1] {
                let shown =
                    performance.splats.life.iter().filter(|life| (life.start..life.end).contains(&tick));
                // Opacities below 1/255 are left out: a few of a hundred.
                let (shown, stored) = (shown.count(), 100 + 10 * frame as usize);
                assert!(
                    shown <= stored && shown + stored / 10 >= stored,
                    "{fps}: {shown} of {stored} at {tick}"
                );
            }
        }
        assert!(
            performance.splats.life.iter().all(|life| life.end - life.start == 1000),
            "windows are one frame"
        );
        let limits = clip.limits();
        let together = limits.max_live_splats;
        assert!(together <= 2500, "{fps}: {together} splats at once");
    }
}

#[test]
fn every_frame_has_its_own_segment_where_it_is_large_enough() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..70 {
        let points = Table::new("vertex", 1100)
            .with_each("float", &["x", "y", "z"], |row, axis| (row * (axis + 2) % 37) as f64 + number as f64);
        write(&folder.path().join(format!("{number}.ply")), ENCODINGS[0], &[points]);
    }
    for fps in ["1", "24", "59.94", "90", "240"] {
        let options = Options { fps: fps.parse().unwrap(), ..Options::default() };
        let source = Source::open(&[folder.path().to_owned()], &options).unwrap();
        let (bytes, report, _) =
            source.write_to_memory(&vivant::clip::WriterOptions::default(), &mut |_| {}).unwrap();
        let clip = Clip::from_bytes("memory", bytes).unwrap();
        assert_eq!((clip.nodes().len(), clip.limits().max_live_splats), (70, 1100), "{fps}");
        assert_eq!(report.read, 77_000);
        let whole = clip.nodes().iter().enumerate().all(|(frame, node)| node.start == frame as i64 * 1000);
        assert!(whole, "{fps}: segments and frames do not coincide");
    }
}

#[test]
fn convert_obeys_its_options() {
    let folder = workplace();
    let size = |arguments: &[&str]| {
        let output = run(folder.path(), &[&["convert", "still.ply", "-o", "o.vvt"], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        std::fs::metadata(folder.path().join("o.vvt")).unwrap().len()
    };
    assert!(size(&["--raw"]) > size(&["--level", "1"]));
    let mean = |arguments: &[&str]| {
        size(arguments);
        let clip = Clip::open(&folder.path().join("o.vvt"), Access::Auto).unwrap();
        clip.bounds()
    };
    let (ours, own) = (mean(&[]), mean(&["--axes", "rub"]));
    // The box turns upside down: bounds swap sign and order.
    assert!(
        (ours[0][1] + own[1][1]).abs() < 1e-4 && (ours[1][2] + own[0][2]).abs() < 1e-4,
        "{ours:?} {own:?}"
    );
    let output = run(folder.path(), &["convert", "still.ply", "-o", "o.vvt", "--json"]);
    let value = json(&stdout(&output));
    assert_eq!((&value["read"], &value["dropped"]["first"]), (&300.into(), &serde_json::Value::Null));
    // The same input makes the same bytes.
    size(&[]);
    let first = std::fs::read(folder.path().join("o.vvt")).unwrap();
    size(&[]);
    assert_eq!(first, std::fs::read(folder.path().join("o.vvt")).unwrap());
}

#[test]
fn info_describes_clips_and_what_could_become_one() {
    let folder = workplace();
    run(folder.path(), &["convert", "take", "-o", "take.vvt", "--fps", "24"]);
    let output = run(folder.path(), &["info", "take.vvt"]);
    assert!(stdout(&output).contains("0.500 s, 12 frames at 24.000 a second"), "{}", stdout(&output));
    let clip = json(&stdout(&run(folder.path(), &["info", "take.vvt", "--json"])));
    let import = json(&stdout(&run(folder.path(), &["info", "take", "--json", "--fps", "24"])));
    for key in ["frames", "duration_nanos", "fps", "splats", "sh_degree", "bounds", "segments", "static"] {
        assert_eq!(clip[key], import[key], "{key}");
        assert!(!clip[key].is_null(), "{key}");
    }
    assert_eq!((&clip["frames"], &clip["static"]), (&12.into(), &false.into()));
    assert_eq!(import["imported"]["read"], 1860);
    let still = json(&stdout(&run(folder.path(), &["info", "still.ply", "--json"])));
    assert_eq!((&still["static"], &still["frames"]), (&true.into(), &1.into()));
}

#[test]
fn verify_finds_every_flipped_byte_it_is_shown() {
    let folder = workplace();
    run(folder.path(), &["convert", "still.ply", "-o", "c.vvt"]);
    let output = run(folder.path(), &["verify", "c.vvt"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).starts_with("c.vvt: whole; "), "{}", stdout(&output));
    let path = folder.path().join("c.vvt");
    let whole = std::fs::read(&path).unwrap();
    for share in [0.001, 0.2, 0.5, 0.8, 0.999] {
        let at = (whole.len() as f64 * share) as usize;
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&path, damaged).unwrap();
        let output = run(folder.path(), &["verify", "c.vvt"]);
        assert_eq!(output.status.code(), Some(1), "byte {at}: {}{}", stdout(&output), stderr(&output));
        let value = run(folder.path(), &["verify", "c.vvt", "--json"]);
        assert_eq!(value.status.code(), Some(1));
        let value = json(&stdout(&value));
        assert_eq!(value["whole"], false);
        assert!(!value["damages"].as_array().unwrap().is_empty());
    }
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(run(folder.path(), &["verify", "c.vvt"]).status.code(), Some(1), "half a clip");
    let output = run(folder.path(), &["verify", "still.ply"]);
    assert_eq!(output.status.code(), Some(2), "not a clip at all");
    assert!(
        stderr(&output).starts_with("error: still.ply: superblock.magic at byte 0: "),
        "{}",
        stderr(&output)
    );
}

/// Arguments that cannot work, and the start of what is said.
const MISUSES: &[(&[&str], &str)] = &[
    (&[], "error: no command given; see vivant --help"),
    (&["fly"], "error: unrecognized subcommand 'fly'; see --help"),
    (
        &["convert"],
        "error: the following required arguments were not provided: --output <OUT.vvt> <INPUT>...",
    ),
    (&["convert", "still.ply"], "error: the following required arguments were not provided: --output"),
    (
        &["convert", "still.ply", "-o", "o.vvt", "--level", "20"],
        "error: invalid value '20' for '--level <ZSTD>'",
    ),
    (
        &["convert", "still.ply", "-o", "o.vvt", "--level", "3", "--raw"],
        "error: the argument '--level <ZSTD>' cannot",
    ),
    (
        &["convert", "still.ply", "-o", "o.vvt", "--axes", "xyz"],
        "error: invalid value 'xyz' for '--axes <CODE>': axes",
    ),
    (
        &["convert", "still.ply", "-o", "o.vvt", "--fps", "0"],
        "error: invalid value '0' for '--fps <RATE>': 0/1 frames",
    ),
    (&["convert", "gone.ply", "-o", "o.vvt"], "error: gone.ply: cannot open: "),
    (&["convert", "gone*.ply", "-o", "o.vvt"], "error: gone*.ply: no file matches this pattern"),
    (&["convert", "empty", "-o", "o.vvt"], "error: empty: no frames in this folder (.ply, "),
    (&["convert", "still.ply", "-o", "no/such/folder/o.vvt"], "error: no/such/folder/o.vvt: cannot create: "),
    (
        &["convert", "still.ply", "-o", "./still.ply"],
        "error: still.ply: the output would replace this input; ",
    ),
    (&["info", "gone.vvt"], "error: gone.vvt: cannot open: "),
    (&["info", "empty"], "error: empty: no frames in this folder (.ply, "),
    (&["info", "text.vvt"], "error: text.vvt: superblock.magic at byte 0: "),
    (&["verify", "gone.vvt"], "error: gone.vvt: cannot open: "),
    (&["verify", "empty"], "error: empty: is not a regular file; "),
];

#[test]
fn misuse_is_said_in_one_line_and_ends_with_2() {
    let folder = workplace();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    std::fs::write(folder.path().join("text.vvt"), "hello, this is no clip\n").unwrap();
    for (arguments, wanted) in MISUSES {
        let output = run(folder.path(), arguments);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
        assert!(said.starts_with(wanted), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!folder.path().join("o.vvt").exists(), "{arguments:?}");
    }
    assert!(ply::probe(&folder.path().join("still.ply")).is_ok(), "the input was replaced");
}

#[test]
fn a_name_cannot_forge_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["info", "a\nerror: forged\u{1b}[31m.ply"]);
    let said = stderr(&output);
    assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
    assert!(!said.contains('\u{1b}'));
}

#[test]
fn help_and_version_are_results() {
    let here = Path::new(".");
    for arguments in
        [&["--version"][..], &["--help"], &["convert", "--help"], &["info", "-h"], &["help", "verify"]]
    {
        let output = run(here, arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(stderr(&output).is_empty() && !stdout(&output).is_empty(), "{arguments:?}");
    }
    assert_eq!(stdout(&run(here, &["--version"])), format!("vivant {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_closed_pipe_is_no_crash() {
    let folder = workplace();
    let mut command = std::process::Command::new(vivant_binary::path());
    command.args(["info", "still.ply", "--json"]).current_dir(folder.path());
    let mut child =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}
