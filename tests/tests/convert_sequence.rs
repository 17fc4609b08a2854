//! Sequences: how frames are found, ordered, timed and brought to one form.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may fail, and its numbers are chosen to fit"
)]

mod ply_sheet;
#[path = "vivant_binary/mod.rs"]
mod vivant_binary;

use std::path::{Path, PathBuf};

use ply_sheet::{ENCODINGS, Table, gaussians, write};
use vivant::clip::{Clip, Profile, WriterOptions};
use vivant::frame::Plane;
use vivant::splat::Life;
use vivant_convert::{Fps, Options, Source, ply};

fn near(a: f32, b: f64, tolerance: f64) -> bool {
    (f64::from(a) - b).abs() <= tolerance
}

fn frame(folder: &Path, name: &str, rows: usize, degree: usize) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    write(&path, ENCODINGS[0], &[gaussians(rows, degree, rows as u64)]);
    path
}

#[test]
fn sequences_are_found_by_folder_pattern_and_list() {
    let folder = tempfile::tempdir().unwrap();
    let take = folder.path().join("take");
    let counts = [(1, 10), (2, 20), (9, 5), (10, 30), (11, 1)];
    // Written out of order: the file system's own order must not matter.
    for (number, rows) in counts.into_iter().rev() {
        frame(&take, &format!("frame{number}.ply"), rows, 0);
        frame(folder.path(), &format!("nested/{number}/point_cloud.ply"), rows, 0);
    }
    std::fs::write(take.join("readme.txt"), "not a frame").unwrap();
    std::fs::write(take.join("._frame3.ply"), "a resource fork").unwrap();
    let listed: Vec<PathBuf> = ["frame10.ply", "frame1.ply", "frame11.ply", "frame2.ply", "frame9.ply"]
        .iter()
        .map(|name| take.join(name))
        .collect();
    let one = |name: &str| vec![folder.path().join(name)];
    let inputs = [
        one("take"),
        one("take/*.ply"),
        one("take/frame%d.ply"),
        one("t?ke/frame*"),
        one("nested"),
        one("nested/%d/point_cloud.ply"),
        listed,
    ];
    for input in inputs {
        let source =
            Source::open(&input, &Options { fps: Fps::new(24, 1).unwrap(), ..Options::default() }).unwrap();
        assert_eq!(source.frames().len(), 5, "{input:?}");
        let info = source.info();
        assert_eq!((info.fps, info.duration, info.rate.num, info.rate.den), ((24, 1), 5000, 24_000, 1));
        let mut seen = Vec::new();
        source
            .for_each(|index, imported| {
                seen.push((index, imported.splats.len()));
                let start = index as i64 * 1000;
                let lives = &imported.splats.life;
                assert_eq!(lives.len(), imported.splats.len());
                let wanted =
                    Life { t0: index as f64 / 24.0, sigma_t: f32::INFINITY, start, end: start + 1000 };
                assert!(lives.iter().all(|life| *life == wanted), "{:?}", lives[0]);
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, [(0, 10), (1, 20), (2, 5), (3, 30), (4, 1)], "{input:?}");
        let (performance, report) = source.read_all().unwrap();
        assert_eq!((performance.splats.len(), report.files, report.read), (66, 5, 66));
        assert_eq!(performance.splats.life.len(), 66);
        assert_eq!(performance.info, info);
    }
}

#[test]
fn degrees_of_a_sequence_are_raised_to_the_highest() {
    let folder = tempfile::tempdir().unwrap();
    for (number, degree) in [0, 2, 1].into_iter().enumerate() {
        frame(folder.path(), &format!("{number}.ply"), 4, degree);
    }
    let source = Source::open(&[folder.path().to_owned()], &Options::default()).unwrap();
    assert_eq!(source.info().sh_degree, 2);
    let own = ply::read(&folder.path().join("2.ply"), &Options::default()).unwrap().splats;
    let padded = source.read_frame(2).unwrap().splats;
    assert_eq!(padded.sh_degree, 2);
    assert_eq!(padded.sh_rest_of(3)[..9], own.sh_rest_of(3)[..]);
    assert!(padded.sh_rest_of(3)[9..].iter().all(|coefficient| *coefficient == 0.0));
    assert!(source.read_frame(3).is_err());
    assert_eq!(source.read_all().unwrap().0.splats.sh_rest.len(), 12 * 24);
}

#[test]
fn one_file_is_a_static_scene_and_an_empty_frame_is_a_frame() {
    let folder = tempfile::tempdir().unwrap();
    let only = frame(folder.path(), "0.ply", 4, 0);
    let source = Source::open(&[only], &Options::default()).unwrap();
    assert!(!source.is_sequence());
    assert_eq!((source.info().duration, source.info().fps), (0, (0, 1)));
    assert!(source.read_frame(0).unwrap().splats.life.is_empty());
    frame(folder.path(), "1.ply", 0, 0);
    let source = Source::open(&[folder.path().to_owned()], &Options::default()).unwrap();
    assert_eq!(source.read_frame(1).unwrap().splats.len(), 0);
    assert_eq!(source.read_all().unwrap().0.splats.len(), 4);
}

#[test]
fn a_sequence_is_stored_one_way() {
    let folder = tempfile::tempdir().unwrap();
    frame(folder.path(), "0.ply", 50, 0);
    // On its own this frame would pass for activated.
    let odd = Table::new("vertex", 1)
        .with_each("float", &["x", "y", "z"], |_, _| 0.0)
        .with_each("float", &["scale_0", "scale_1", "scale_2"], |_, _| -3.0)
        .with("float", "opacity", &[0.5]);
    write(&folder.path().join("1.ply"), ENCODINGS[0], &[odd]);
    let alone = ply::read(&folder.path().join("1.ply"), &Options::default()).unwrap().splats;
    assert!(near(alone.opacity[0], 0.5, 1e-7));
    let source = Source::open(&[folder.path().to_owned()], &Options::default()).unwrap();
    assert!(near(source.read_frame(1).unwrap().splats.opacity[0], 0.622_459_331_201_854_6, 1e-6));
}

#[test]
fn the_frames_of_a_sequence_share_a_palette() {
    let Some(folder) = vivant_tests::require::content() else { return };
    let frames = tempfile::tempdir().unwrap();
    for index in 0..6 {
        let path = frames.path().join(format!("frame{index}.ply"));
        std::fs::copy(folder.join("static/fruit-drops.ply"), path).unwrap();
    }
    let source = Source::open(&[frames.path().to_owned()], &Options::default()).unwrap();
    let options = WriterOptions { profile: Profile::Network, ..WriterOptions::default() };
    let (bytes, _, _) = source.write_to_memory(&options, &mut |_| {}).unwrap();
    let clip = Clip::from_bytes("sequence.vvt", bytes).unwrap();
    let palette = clip.palette().unwrap();
    assert!(palette.entries > 1000 && palette.harmonics().count() == 3);
    let labels = Plane::PackedHarmonics.bit();
    assert!(clip.nodes().iter().all(|node| node.plane_mask & labels != 0));
    let (raw, _, _) = source.write_to_memory(&WriterOptions::default(), &mut |_| {}).unwrap();
    assert!(Clip::from_bytes("raw.vvt", raw).unwrap().palette().is_none());
}

/// Frames are read, encoded and compressed side by side, and written in turn: the cores of a machine are not in its files.
#[test]
fn the_number_of_threads_changes_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    let take = folder.path().join("take");
    for number in 0..17 {
        frame(&take, &format!("{number}.ply"), if number == 5 { 0 } else { 1500 + number * 10 }, 1);
    }
    let converted = |threads: &str| {
        let mut command = std::process::Command::new(vivant_binary::path());
        command.args(["convert", "take", "-o", "out.vvt"]).current_dir(folder.path());
        assert!(command.env("RAYON_NUM_THREADS", threads).output().unwrap().status.success());
        std::fs::read(folder.path().join("out.vvt")).unwrap()
    };
    let alone = converted("1");
    assert!(alone == converted("2") && alone == converted("7"));
    // And the comparison sees a frame more and less.
    frame(&take, "17.ply", 1500, 1);
    assert!(alone != converted("2"));
}
