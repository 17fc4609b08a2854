//! Files whose splats keep their identity: found by themselves, and stored as tracks; those that do not, as windows.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may fail, and its numbers are small"
)]

mod ply_sheet;

use std::path::Path;

use ply_sheet::{ENCODINGS, Table, write};
use vivant::clip::{Clip, Profile, WriterOptions};
use vivant::codec::splats_at;
use vivant::splat::Splats;
use vivant_convert::{Axes, Options, Source};
use vivant_tests::limb;
use vivant_tests::stage::live_at;

const SPLATS: usize = 2000;
const FRAMES: usize = 40;

/// A frame as INRIA's trainer saves it, in the order of `turn`.
fn save(path: &Path, splats: &Splats, turn: usize, broken: Option<usize>) {
    let at = |row: usize| (row + turn) % splats.len();
    let c0 = 0.282_094_791_773_878_14;
    let table = Table::new("vertex", splats.len())
        .with_each("float", &["x", "y", "z"], |row, axis| {
            if broken == Some(row) { f64::NAN } else { f64::from(splats.mean[at(row)][axis]) }
        })
        .with_each("float", &["f_dc_0", "f_dc_1", "f_dc_2"], |row, axis| {
            (f64::from(splats.colour[at(row)][axis]) - 0.5) / c0
        })
        .with_each("float", &["opacity"], |row, _| {
            let opacity = f64::from(splats.opacity[at(row)]).clamp(0.01, 0.99);
            (opacity / (1.0 - opacity)).ln()
        })
        .with_each("float", &["scale_0", "scale_1", "scale_2"], |row, axis| {
            f64::from(splats.scale[at(row)][axis]).ln()
        })
        .with_each("float", &["rot_0", "rot_1", "rot_2", "rot_3"], |row, part| {
            // w first.
            f64::from(splats.rotation[at(row)][(part + 3) % 4])
        });
    write(path, ENCODINGS[0], &[table]);
}

/// A clip of saved frames; `turn` and `broken` by frame.
fn converted(
    profile: Profile,
    turn: impl Fn(usize) -> usize,
    broken: impl Fn(usize) -> Option<usize>,
) -> Clip {
    let folder = tempfile::tempdir().unwrap();
    for (number, splats) in limb::frames(SPLATS, FRAMES).iter().enumerate() {
        save(&folder.path().join(format!("frame{number:03}.ply")), splats, turn(number), broken(number));
    }
    let import = Options { axes: Some("rub".parse::<Axes>().unwrap()), ..Options::default() };
    let source = Source::open(&[folder.path().to_owned()], &import).unwrap();
    let options = WriterOptions { profile, ..WriterOptions::default() };
    let (bytes, _, _) = source.write_to_memory(&options, &mut |_| {}).unwrap();
    Clip::from_bytes("tracks.vvt", bytes).unwrap()
}

fn shown(clip: &Clip, frame: usize) -> Vec<[f32; 3]> {
    let seconds = frame as f64 / 30.0;
    let live = live_at(clip, seconds);
    let mut out = Vec::new();
    for segment in &live.segments {
        let splats = splats_at(segment, clip.info().rate, seconds);
        let shows = |splat: &vivant::splat::Splat| (splat.life.start..splat.life.end).contains(&live.tick);
        out.extend((0..splats.len()).map(|at| splats.get(at)).filter(shows).map(|splat| splat.mean));
    }
    out
}

fn worst(found: &[[f32; 3]], frame: usize) -> f32 {
    let wanted = limb::at(SPLATS, frame as f32 / 30.0);
    let off = |a: &[f32; 3], b: &[f32; 3]| (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f32>().sqrt();
    found
        .iter()
        .map(|mean| wanted.mean.iter().map(|at| off(mean, at)).fold(f32::INFINITY, f32::min))
        .fold(0.0, f32::max)
}

#[test]
fn a_fixed_order_becomes_tracks_and_another_windows() {
    let tracks = converted(Profile::Local, |_| 0, |_| None);
    assert!(tracks.nodes().iter().any(|node| node.keys.any()), "detected, not asked for");
    let windows = converted(Profile::Local, |frame| frame * 611 % SPLATS, |_| None);
    assert!(
        windows.nodes().iter().all(|node| !node.keys.any()),
        "the same splats in another order each frame"
    );
    let raw = converted(Profile::Raw, |_| 0, |_| None);
    assert!(raw.nodes().iter().all(|node| !node.keys.any()), "raw keeps every frame as it is");
    for frame in [0, 13, 31, 39] {
        for clip in [&tracks, &windows, &raw] {
            let found = shown(clip, frame);
            assert_eq!(found.len(), SPLATS);
            assert!(worst(&found, frame) < 2e-3, "frame {frame}: {}", worst(&found, frame));
        }
        assert!(
            worst(&shown(&tracks, frame), (frame + 5) % FRAMES) > 1e-2,
            "another frame is seen to differ"
        );
    }
    assert!(tracks.file_bytes() * 2 < windows.file_bytes());
}

#[test]
fn a_splat_that_is_dropped_from_a_frame_moves_no_other() {
    let clip = converted(Profile::Local, |_| 0, |frame| (frame == 12).then_some(7));
    assert!(clip.nodes().iter().any(|node| node.keys.any()));
    for frame in [5, 11, 12, 13, 20] {
        let found = shown(&clip, frame);
        assert_eq!(found.len(), if frame == 12 { SPLATS - 1 } else { SPLATS }, "frame {frame}");
        assert!(worst(&found, frame) < 3e-3, "frame {frame}: {}", worst(&found, frame));
    }
}
