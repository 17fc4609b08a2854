//! Any length in constant memory: converting ten times the frames takes no more of it.

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
use vivant::clip::{Access, Clip};
use vivant_binary::{run_measured, stderr};

/// Splats of a frame: all frames of the long take together would be several times what is allowed.
const SPLATS: usize = 5000;

/// A take of `frames` frames, two pictures in turn.
fn take(folder: &Path, name: &str, frames: usize) {
    std::fs::create_dir(folder.join(name)).unwrap();
    for frame in 0..frames {
        let picture = folder.join(format!("picture{}.ply", frame % 2));
        std::fs::hard_link(picture, folder.join(name).join(format!("{frame}.ply"))).unwrap();
    }
}

#[test]
fn converting_ten_times_the_frames_takes_no_more_memory() {
    let folder = tempfile::tempdir().unwrap();
    for picture in 0..2 {
        let table = gaussians(SPLATS, 1, picture);
        write(&folder.path().join(format!("picture{picture}.ply")), ENCODINGS[0], &[table]);
    }
    let mut peaks = Vec::new();
    for frames in [48, 480] {
        let name = format!("take{frames}");
        take(folder.path(), &name, frames);
        let out = format!("{name}.vvt");
        let measured = run_measured(folder.path(), &["convert", &name, "-o", &out]);
        assert_eq!(measured.output.status.code(), Some(0), "{}", stderr(&measured.output));
        let clip = Clip::open(&folder.path().join(&out), Access::Auto).unwrap();
        assert_eq!(clip.info().duration, i64::try_from(frames).unwrap() * 1000);
        peaks.push((measured.peak, clip.splats()));
    }
    let [(short, few), (long, many)] = peaks[..] else { panic!("two takes") };
    assert_eq!(many, few * 10);
    // The least that the frames would take if they were kept: what the test has to notice.
    assert!(many * 60 > 3 * short, "the long take is too small to tell");
    if short == 0 {
        eprintln!("SKIP: this system does not tell what memory a program took");
        return;
    }
    eprintln!("48 frames: {} kB at most; 480 frames: {} kB", short / 1024, long / 1024);
    assert!(long * 10 <= short * 13, "{short} bytes for 48 frames, {long} for 480");
}
