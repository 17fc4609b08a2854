//! Pictures of rigs against the f64 reference: joints and faces, turning and shearing, at times on and between frames,
//! from two sides, in every profile.

use glam::DVec3;
use vivant::clip::{Profile, WriterOptions};
use vivant::gpu::GpuOptions;
use vivant::reference::{self, Moment};
use vivant::splat::Splats;
use vivant::view::View;
use vivant_tests::performances::{FPS, rate};
use vivant_tests::rigged::{self, Rigged};
use vivant_tests::stage::{self, Stage};

const SIZE: u32 = 256;

/// The reference's pictures of splats that stand as they are.
fn reference_of(splats: &Splats, views: &[View]) -> Vec<reference::Rendering> {
    let head = views.iter().map(|v| DVec3::from_array(v.position)).sum::<DVec3>() / views.len() as f64;
    let options = reference::Options { order_from: Some(head), ..reference::Options::default() };
    let moment = Moment::at_seconds(rate(), 0.0);
    views
        .iter()
        .map(|view| reference::render(&[splats], moment, view, SIZE, SIZE, &options).unwrap())
        .collect()
}

/// The least distance in dB of the rig's pictures at three times from two sides.
fn worst(stage: &mut Stage, rigged: &Rigged, options: &WriterOptions) -> f64 {
    let (clip, report) = rigged.clip(options);
    assert!(report.joint_error_metres < 3e-4, "{report:?}");
    let mut worst = f64::INFINITY;
    for frame in [0.0, 11.0, 40.35] {
        let posed = rigged.posed(&rigged.places(frame));
        for (side, away) in [DVec3::new(0.3, 0.2, 1.4), DVec3::new(-1.2, 0.4, -0.6)].into_iter().enumerate() {
            let middle = DVec3::new(0.05, 0.0, 0.0);
            let views = View::looking_at(middle + away, middle, 0.9, 0.9).stereo(0.063);
            let pixels = stage.draw(&clip, frame / f64::from(FPS), &views, SIZE);
            let found = stage::distance(&pixels, &reference_of(&posed, &views));
            assert!(found.covered > 5000, "{found:?}");
            eprintln!("frame {frame}, side {side}: {:.1} dB, depth {:.4} m", found.psnr, found.depth);
            worst = worst.min(found.psnr);
        }
    }
    worst
}

#[test]
fn joints_and_faces_are_what_the_reference_shows() {
    let Some(mut stage) = Stage::open(&GpuOptions::default()) else { return };
    let raw = WriterOptions::default();
    for (what, rigged) in [
        ("turning", rigged::bent_ball(8000, 3, 3, 45, false)),
        ("shearing", rigged::bent_ball(8000, 3, 8, 45, true)),
        ("faces", rigged::faces(16, 8, 3, 45, super::face)),
    ] {
        eprintln!("{what}");
        let worst = worst(&mut stage, &rigged, &raw);
        assert!(worst >= 45.0, "{what}: {worst} dB");
    }
    stage.finish();
}

#[test]
fn packed_rigs_are_near() {
    let Some(mut stage) = Stage::open(&GpuOptions::default()) else { return };
    let options = WriterOptions { profile: Profile::Local, ..WriterOptions::default() };
    for rigged in [rigged::bent_ball(8000, 3, 3, 45, false), rigged::faces(16, 8, 3, 45, super::face)] {
        let worst = worst(&mut stage, &rigged, &options);
        assert!(worst >= 38.0, "{worst} dB");
    }
    stage.finish();
}

#[test]
fn a_frame_late_is_noticed() {
    let Some(mut stage) = Stage::open(&GpuOptions::default()) else { return };
    let rigged = rigged::bent_ball(8000, 0, 3, 45, false);
    let (clip, _) = rigged.clip(&WriterOptions::default());
    let views = stage::stereo(DVec3::ZERO, 1.5);
    let pixels = stage.draw(&clip, 11.0 / f64::from(FPS), &views, SIZE);
    let posed = rigged.posed(&rigged.places(12.0));
    let late = stage::distance(&pixels, &reference_of(&posed, &views));
    assert!(late.psnr < 35.0, "{late:?}");
    // Harmonics that do not turn with their splats.
    let rigged = rigged::bent_ball(8000, 3, 1, 45, false);
    let mut stuck = rigged.posed(&rigged.places(40.0));
    stuck.sh_rest.clone_from(&rigged.splats.sh_rest);
    let (clip, _) = rigged.clip(&WriterOptions::default());
    let pixels = stage.draw(&clip, 40.0 / f64::from(FPS), &views, SIZE);
    let stuck = stage::distance(&pixels, &reference_of(&stuck, &views));
    assert!(stuck.psnr < 35.0, "{stuck:?}");
    stage.finish();
}
