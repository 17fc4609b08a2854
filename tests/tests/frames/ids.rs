//! `vertex_id`: splats that are followed by a number of their own, born and dying; and numbers that follow nothing.

use std::path::{Path, PathBuf};

use vivant::clip::Profile;
use vivant::splat::Splats;
use vivant_tests::pictures::assert_shows;
use vivant_tests::random::Random;

use crate::ply_sheet::{ENCODINGS, Table, write};
use crate::scene::{self, assert_near, clip, limb_frames, logit, moments, open, ours, performance};

const SPLATS: usize = 1200;
const FRAMES: usize = 20;
/// Beyond what an f32 can tell apart.
const FIRST: u32 = 20_000_000;

/// A frame in the INRIA layout with a number for every splat.
pub(crate) fn save(path: &Path, encoding: &str, splats: &Splats, kind: &'static str, ids: &[f64]) {
    let c0 = 0.282_094_791_773_878_14;
    let coefficients = splats.sh_stride() / 3;
    let mut table = Table::new("vertex", splats.len())
        .with_each("float", &["x", "y", "z"], |row, axis| f64::from(splats.mean[row][axis]))
        .with_each("float", &["f_dc_0", "f_dc_1", "f_dc_2"], |row, axis| {
            (f64::from(splats.colour[row][axis]) - 0.5) / c0
        });
    for number in 0..splats.sh_stride() {
        // Channel by channel.
        let (channel, coefficient) = (number / coefficients, number % coefficients);
        table = table.with_each("float", &[&format!("f_rest_{number}")], |row, _| {
            f64::from(splats.sh_rest_of(row)[coefficient * 3 + channel])
        });
    }
    table = table
        .with_each("float", &["opacity"], |row, _| f64::from(logit(splats.opacity[row])))
        .with_each("float", &["scale_0", "scale_1", "scale_2"], |row, axis| {
            f64::from(splats.scale[row][axis]).ln()
        })
        .with_each("float", &["rot_0", "rot_1", "rot_2", "rot_3"], |row, part| {
            f64::from(splats.rotation[row][(part + 3) % 4])
        });
    if !ids.is_empty() {
        table = table.with(kind, "vertex_id", ids);
    }
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    write(path, encoding, &[table]);
}

/// Which splats are there in frame `number`, in an order of its own.
fn alive(number: usize) -> Vec<usize> {
    let mut random = Random::new(number as u64);
    let lives = |splat: &usize| match splat % 10 {
        0 => number >= 6,
        1 => number < 11,
        2 => (4..15).contains(&number),
        _ => true,
    };
    let mut order: Vec<usize> = (0..SPLATS).filter(lives).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, random.below(at as u32 + 1) as usize);
    }
    order
}

#[test]
fn numbered_splats_are_followed_through_births_and_deaths() {
    let all = limb_frames(SPLATS, FRAMES, 2);
    for encoding in ENCODINGS {
        let folder = tempfile::tempdir().unwrap();
        let frames: Vec<PathBuf> = (0..FRAMES)
            .map(|number| folder.path().join(format!("frames/{number:04}/point_cloud.ply")))
            .collect();
        let shown: Vec<Splats> = (0..FRAMES).map(|number| all[number].select(&alive(number))).collect();
        for (number, path) in frames.iter().enumerate() {
            let ids: Vec<f64> = alive(number).iter().map(|&splat| f64::from(FIRST + splat as u32)).collect();
            save(path, encoding, &shown[number], "int", &ids);
        }
        let foreign = open(folder.path(), &ours()).unwrap();
        let sequence = foreign.sequence().unwrap();
        assert_eq!(sequence.frame_count(), FRAMES);
        assert!(sequence.keeps_identity().unwrap());
        for number in [0, 5, 19] {
            let imported = sequence.read_frame(number).unwrap();
            let wanted: Vec<u32> = alive(number).iter().map(|&splat| FIRST + splat as u32).collect();
            assert_eq!(imported.ids.unwrap(), wanted, "{encoding}");
            assert_near(&imported.splats, &shown[number], 3e-6);
        }
        if encoding != ENCODINGS[0] {
            continue;
        }
        let tracks = clip(folder.path(), &ours(), Profile::Local);
        assert!(scene::has_tracks(&tracks));
        let raw = clip(folder.path(), &ours(), Profile::Raw);
        assert!(tracks.file_bytes() * 3 < raw.file_bytes());
        assert_shows("ids", &raw, &performance(&shown), &moments(FRAMES));
    }
}

#[test]
fn numbers_of_rows_follow_nothing() {
    let all = limb_frames(SPLATS, 8, 0);
    let counted = |count: usize| (0..count).map(|row| row as f64).collect::<Vec<_>>();
    let keeps = |rows: &dyn Fn(usize) -> Vec<usize>| {
        let folder = tempfile::tempdir().unwrap();
        for (number, frame) in all.iter().enumerate() {
            let shown = frame.select(&rows(number));
            let path = folder.path().join(format!("{number}.ply"));
            save(&path, ENCODINGS[0], &shown, "int", &counted(shown.len()));
        }
        open(folder.path(), &ours()).unwrap().sequence().unwrap().keeps_identity().unwrap()
    };
    // The trainer numbers rows anew in every frame: that is right while none goes, and where new ones come last.
    assert!(keeps(&|_| (0..SPLATS).collect()));
    assert!(keeps(&|number| (0..SPLATS - 80 + 10 * number).collect()));
    // Where some go every number behind them means another.
    assert!(!keeps(&|number| (number * 100..SPLATS).collect()));
}

#[test]
fn a_splat_that_is_dropped_takes_its_number_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut frame = limb_frames(10, 1, 0).remove(0);
    frame.mean[3][0] = f32::NAN;
    let ids: Vec<f64> = (0..10).map(|row| f64::from(100 - row)).collect();
    let path = folder.path().join("0.ply");
    save(&path, ENCODINGS[0], &frame, "uint", &ids);
    let imported = open(&path, &ours()).unwrap().sequence().unwrap().read_frame(0).unwrap();
    assert_eq!(imported.ids.unwrap(), [100, 99, 98, 96, 95, 94, 93, 92, 91]);
    assert!(imported.report.notes.is_empty(), "{:?}", imported.report.notes);
}

#[test]
fn numbers_that_cannot_be_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("0.ply");
    let frame = limb_frames(4, 1, 0).remove(0);
    for (kind, ids, wanted) in [
        ("int", [5.0, 6.0, 7.0, 6.0], "6 is the number of splat 1 too"),
        ("int", [5.0, -1.0, 7.0, 8.0], "-1 is no number of a splat"),
        ("double", [5.0, 1.5, 7.0, 8.0], "1.5 is no number of a splat"),
        ("double", [5.0, 4_294_967_296.0, 7.0, 8.0], "4294967296 is no number"),
    ] {
        for encoding in ENCODINGS {
            save(&path, encoding, &frame, kind, &ids);
            let error = scene::count(&path).unwrap_err().to_string();
            assert!(error.contains(wanted) && error.contains("vertex_id"), "{encoding}: {error}");
        }
    }
}
