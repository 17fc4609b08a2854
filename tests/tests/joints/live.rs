//! The real avatar, live: what its joints carry is what baking every frame gives.

use glam::DVec3;
use vivant::clip::{Clip, WriterOptions};
use vivant::gpu::GpuOptions;
use vivant::picture::{self, Image};
use vivant::playback::live_at;
use vivant::reference::{self, Moment};
use vivant::rig::{Kind, blended};
use vivant::splat::Splats;
use vivant::view::View;
use vivant_convert::{Foreign, Fps, Options, Rig, RigOptions, Rigged};
use vivant_tests::performances::rate;
use vivant_tests::require::content;
use vivant_tests::stage::{self, Stage};

const SPLATS: usize = 20_000;
const SIZE: u32 = 384;

fn options() -> RigOptions {
    RigOptions { splats: SPLATS, fps: Some(Fps::new(30, 1).unwrap()), live: true }
}

#[test]
fn she_dances_live_as_she_is_baked() {
    let Some(folder) = content().map(|content| content.join("avatar")) else { return };
    let (model, motion) = (folder.join("dancer.glb"), folder.join("005_16.bvh"));
    let foreign =
        Foreign::open(std::slice::from_ref(&model), Some(&motion), &Options::default(), &options()).unwrap();
    let (bytes, report, written) = foreign.write_to_memory(&WriterOptions::default(), &mut |_| {}).unwrap();
    eprintln!("{report}; {} bytes", written.file_bytes);
    let clip = Clip::from_bytes("dancer.vvt", bytes).unwrap();
    let rig = clip.rig().unwrap();
    assert_eq!(rig.kind(), Kind::Joints);
    let head = rig.joints().iter().position(|joint| joint.name.ends_with("Head")).unwrap();
    assert!(rig.joints()[head].parent.is_some() && rig.joints().len() < 150, "{}", rig.joints().len());
    let baked = Rig::open(&model, Some(&motion), &options()).unwrap();
    carried_as_baked(&baked);
    let Some(mut stage) = Stage::open(&GpuOptions::default()) else { return };
    let mut kept: Vec<Image> = Vec::new();
    for frame in [0, 66, 128] {
        let wanted = baked.frame(frame).unwrap();
        let low = wanted.mean.iter().map(|mean| mean[1]).fold(f32::INFINITY, f32::min);
        assert!((-0.02..0.4).contains(&low), "frame {frame}: she is on the floor or jumps: {low}");
        for away in [DVec3::new(0.4, 0.1, 2.3), DVec3::new(-2.2, 0.4, -0.7)] {
            let middle = middle_of(&wanted);
            let views = View::looking_at(middle + away, middle, 0.8, 0.9).stereo(0.063);
            let pixels = stage.draw(&clip, frame as f64 / 30.0, &views, SIZE);
            let pictures = reference_of(&wanted, &views);
            let found = stage::distance(&pixels, &pictures);
            eprintln!("frame {frame}: {:.1} dB from the baked one, {} pixels", found.psnr, found.covered);
            assert!(found.covered > 8000 && found.psnr > 30.0, "frame {frame}: {found:?}");
            // A neighbouring moment is farther.
            let late = reference_of(&baked.frame(frame + 3).unwrap(), &views);
            assert!(frame == 0 || stage::distance(&pixels, &late).psnr < found.psnr, "frame {frame}");
            kept.extend([pixels.images[0].clone(), pictures[0].image()]);
        }
    }
    if let Some(folder) = std::env::var_os("VIVANT_PICTURES") {
        for (at, image) in kept.iter().enumerate() {
            let path = std::path::Path::new(&folder).join(format!("live-{at}.png"));
            picture::save_png(&image.over([1.0; 3]), &path).unwrap();
        }
    }
    stage.finish();
}

fn middle_of(splats: &Splats) -> DVec3 {
    splats.mean.iter().map(|mean| DVec3::from_array(mean.map(f64::from))).sum::<DVec3>() / splats.len() as f64
}

fn reference_of(splats: &Splats, views: &[View]) -> Vec<reference::Rendering> {
    let head = views.iter().map(|view| DVec3::from_array(view.position)).sum::<DVec3>() / views.len() as f64;
    let options = reference::Options { order_from: Some(head), ..reference::Options::default() };
    let moment = Moment::at_seconds(rate(), 0.0);
    views
        .iter()
        .map(|view| reference::render(&[splats], moment, view, SIZE, SIZE, &options).unwrap())
        .collect()
}

/// Every splat comes to be where its triangle takes it: to well under its width, as weights vary within a triangle.
fn carried_as_baked(baked: &Rig) {
    let live = vivant_convert::LiveRig::new(open()).unwrap();
    let (splats, bindings) = live.splats().unwrap();
    let rig = live.rig().unwrap();
    for frame in [0, 60, 120] {
        let mut maps = Vec::new();
        rig.carry(&live.joints(frame).unwrap(), &mut maps);
        let wanted = baked.frame(frame).unwrap();
        let mut off: Vec<f64> = (0..splats.len())
            .map(|at| {
                let told = DVec3::from_array(splats.mean[at].map(f64::from));
                let found = blended(&bindings[at], &maps).transform_point3(told);
                (found - DVec3::from_array(wanted.mean[at].map(f64::from))).length()
            })
            .collect();
        off.sort_by(f64::total_cmp);
        let (middle, most) = (off[off.len() / 2], off[off.len() * 999 / 1000]);
        eprintln!(
            "frame {frame}: {:.3} mm from baked in the middle, {:.2} mm in 999 of 1000",
            middle * 1e3,
            most * 1e3
        );
        assert!(middle < 5e-4 && most < 1e-2, "frame {frame}: {middle} m, {most} m");
    }
}

fn open() -> Rig {
    let folder = content().unwrap().join("avatar");
    Rig::open(&folder.join("dancer.glb"), Some(&folder.join("005_16.bvh")), &options()).unwrap()
}

#[test]
fn without_a_motion_she_waits_for_the_host() {
    let Some(folder) = content().map(|content| content.join("avatar")) else { return };
    let rig = RigOptions { splats: 2000, ..options() };
    let foreign = Foreign::open(&[folder.join("dancer.glb")], None, &Options::default(), &rig).unwrap();
    let (bytes, _, _) = foreign.write_to_memory(&WriterOptions::default(), &mut |_| {}).unwrap();
    let clip = Clip::from_bytes("dancer.vvt", bytes).unwrap();
    assert_eq!((clip.info().duration, clip.splats()), (0, 2000));
    let [low, high] = clip.bounds();
    assert!((high[1] - low[1] - 1.7).abs() < 0.05 && low[1].abs() < 0.03, "{low:?} to {high:?}");
    // At rest joints do nothing that the model's rest does not.
    let live = live_at(&clip, 0).unwrap();
    assert_eq!(live.joints.len(), clip.rig().unwrap().joints().len());
}
