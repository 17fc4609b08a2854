//! The way back: moments of clips as files, through the program, read again within what each format promises.

use std::path::Path;

use vivant::clip::{Clip, WriterOptions};
use vivant::codec::performance_to_bytes;
use vivant::splat::{Antialias, Appearance, Performance, Splats};
use vivant_convert::Options;
use vivant_convert::export::{EXPORTS, Export, moment};
use vivant_tests::gpu::assert_fails;
use vivant_tests::performances;
use vivant_tests::require::content;

use crate::scene::{assert_near, ball, difference, read};
use crate::vivant_binary::{run, stderr, stdout};

/// What each format may be off by, of its own, relative for scales.
fn tolerance(ending: &str) -> f64 {
    // Steps: of a mean 1/8192, a scale e^(1/32), a harmonic 1/16, a colour 1/255 · C0 / 0.15 / 2.
    if ending == "spz" { 0.063 } else { 2e-5 }
}

fn write_and_read(export: &Export, splats: &Splats, appearance: &Appearance) -> (Splats, Appearance) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("a.{}", export.ending));
    export.write(&path, splats, appearance).unwrap();
    let source = vivant_convert::Source::open(&[path], &Options::default()).unwrap();
    (source.read_frame(0).unwrap().splats, source.info().appearance)
}

#[test]
fn every_format_holds_what_it_promises() {
    for export in EXPORTS.iter().filter(|export| !export.is_whole()) {
        for degree in [0, 1, 2, 3] {
            let mut scene = ball(500, degree);
            scene.opacity.iter_mut().for_each(|opacity| *opacity = opacity.clamp(0.01, 0.99));
            let (back, _) = write_and_read(export, &scene, &Appearance::default());
            let off = difference(&back, &scene);
            eprintln!("{} degree {degree}: off by {off:.2e}", export.ending);
            assert!(off < tolerance(export.ending), "{}: {off}", export.ending);
        }
    }
    let spz = EXPORTS.iter().find(|export| export.ending == "spz").unwrap();
    let (back, _) = write_and_read(spz, &ball(500, 1), &Appearance::default());
    assert_fails("bytes are no floats", || assert_near(&back, &ball(500, 1), 2e-5));
    let mip = Appearance { antialias: Antialias::Mip, ..Appearance::default() };
    assert_eq!(write_and_read(spz, &ball(50, 0), &mip).1, mip);
}

#[test]
fn each_attribute_of_spz_is_within_its_step() {
    let scene = ball(2000, 2);
    let spz = EXPORTS.iter().find(|export| export.ending == "spz").unwrap();
    let (back, _) = write_and_read(spz, &scene, &Appearance::default());
    for index in 0..scene.len() {
        for axis in 0..3 {
            assert!((back.mean[index][axis] - scene.mean[index][axis]).abs() < 0.000_123);
            let ratio = f64::from(back.scale[index][axis] / scene.scale[index][axis]);
            assert!(ratio.ln().abs() < 1.0 / 32.0 + 1e-5, "{ratio}");
        }
        let dot: f32 = (0..4).map(|part| back.rotation[index][part] * scene.rotation[index][part]).sum();
        assert!(dot.abs().min(1.0).acos() * 2.0 < 0.2_f32.to_radians(), "{dot}");
        assert!((back.opacity[index] - scene.opacity[index]).abs() < 0.5 / 255.0 + 1e-6);
        for (at, (back, own)) in back.sh_rest_of(index).iter().zip(scene.sh_rest_of(index)).enumerate() {
            let step = if at < 9 { 1.0 / 32.0 } else { 1.0 / 16.0 };
            assert!((back - own).abs() < step + 1e-5, "{back} {own}");
        }
    }
}

fn clip_in(folder: &Path, name: &str, performance: &Performance) {
    let (bytes, _) = performance_to_bytes(performance, &WriterOptions::default()).unwrap();
    std::fs::write(folder.join(name), bytes).unwrap();
}

#[test]
fn a_moment_is_what_the_clip_shows() {
    let performance = performances::moving(400);
    let (bytes, _) = performance_to_bytes(&performance, &WriterOptions::default()).unwrap();
    let clip = Clip::from_bytes("moving", bytes).unwrap();
    let seconds = 0.5;
    let shown = moment(&clip, seconds).unwrap();
    // The formula of the model, splat by splat, found again by its colour.
    let all = &performance.splats;
    let mut found = 0;
    for index in 0..all.len() {
        let splat = all.get(index);
        let tick = performance.info.rate.ticks_from_seconds(seconds);
        let dt = seconds - splat.life.t0;
        let opacity = f64::from(splat.opacity) * (-0.5 * (dt / f64::from(splat.life.sigma_t)).powi(2)).exp();
        if !(splat.life.start..splat.life.end).contains(&tick) || opacity < 0.02 {
            continue;
        }
        let wanted: [f64; 3] = std::array::from_fn(|axis| {
            let motion = &splat.motion;
            f64::from(splat.mean[axis])
                + dt * f64::from(motion.velocity[axis])
                + dt * dt * f64::from(motion.quadratic[axis])
                + dt * dt * dt * f64::from(motion.cubic[axis])
        });
        let near = (0..shown.len()).any(|at| {
            let off = |axis: usize| (f64::from(shown.mean[at][axis]) - wanted[axis]).abs();
            (0..3).all(|axis| off(axis) < 1e-4) && (f64::from(shown.opacity[at]) - opacity).abs() < 2e-3
        });
        assert!(near, "splat {index} is not there");
        found += 1;
    }
    assert!(found > 60, "{found}");
    assert!(shown.life.is_empty() && shown.motion.is_empty());
}

#[test]
fn the_program_exports_moments_ranges_and_whole_clips() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    clip_in(at, "clip.vvt", &performances::moving(300));
    clip_in(at, "still.vvt", &performances::still(300, 1));
    let ok = |arguments: &[&str]| {
        let output = run(at, arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    };
    for export in EXPORTS.iter().filter(|export| !export.is_whole()) {
        let name = format!("one.{}", export.ending);
        let said = ok(&["export", "clip.vvt", "-o", &name, "--at", "0.2"]);
        assert!(said.starts_with(&format!("wrote {name}: ")), "{said}");
        let back = read(&at.join(&name), &Options::default()).unwrap().splats;
        let clip = Clip::open(&at.join("clip.vvt"), vivant::clip::Access::Auto).unwrap();
        assert_near(&back, &moment(&clip, 0.2).unwrap(), tolerance(export.ending).max(0.02));
        let name = format!("all.{}", export.ending);
        ok(&["export", "still.vvt", "-o", &name]);
        assert_eq!(read(&at.join(&name), &Options::default()).unwrap().splats.len(), 300);
    }
    let said = ok(&["export", "clip.vvt", "-o", "frames"]);
    assert!(said.contains("frame_0000.ply to") && said.contains("in 60 files"), "{said}");
    let said = ok(&["convert", "frames", "-o", "again.vvt"]);
    assert!(said.contains("from 60 files"), "{said}");
    let said = ok(&["export", "clip.vvt", "-o", "part.spz", "--range", "0.1..0.2", "--json"]);
    assert!(
        said.contains("part_0003.spz") && said.contains("part_0005.spz") && !said.contains("0006"),
        "{said}"
    );
    ok(&["export", "clip.vvt", "-o", "f-%02d.glb", "--range", "..0.05"]);
    assert!(at.join("f-00.glb").exists() && at.join("f-01.glb").exists() && !at.join("f-02.glb").exists());
    ok(&["convert", "f-%02d.glb", "-o", "glb.vvt"]);
}

#[test]
fn what_cannot_be_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    clip_in(at, "clip.vvt", &performances::moving(100));
    clip_in(at, "still.vvt", &performances::still(100, 0));
    std::fs::copy(at.join("clip.vvt"), at.join("clip.ply")).unwrap();
    for (arguments, wanted) in [
        (&["clip.vvt", "-o", "a.obj"][..], "a.obj: the output is named by what it becomes: .ply, .spz, .glb"),
        (&["clip.vvt", "-o", "a.ply", "--at", "5"], "is 2.000 s long and has nothing at 5 s"),
        (&["clip.vvt", "-o", "a.ply", "--at=-1"], "give 0 seconds or more"),
        (&["clip.vvt", "-o", "a.ply", "--range", "3..4"], "has no frame in this range"),
        (&["clip.vvt", "-o", "a.ply", "--range", "4..3"], "ends after it begins"),
        (&["clip.vvt", "-o", "a.ply", "--range", "0..1", "--at", "0"], "cannot be used with"),
        (&["still.vvt", "-o", "a.ply", "--range", "0..1"], "leave --range out"),
        (&["clip.vvt", "-o", "folder", "--at", "0"], "the output is named by what it becomes"),
        (&["clip.ply", "-o", "clip.ply", "--at", "0"], "would replace the clip"),
        (&["gone.vvt", "-o", "a.ply"], "gone.vvt"),
        (&["clip.vvt", "-o", "none/a.ply", "--at", "0"], "none/a.ply: cannot create"),
    ] {
        let output = run(at, &[&["export"], arguments].concat());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(wanted) && said.lines().count() == 1, "{arguments:?}: {said}");
    }
    assert!(!at.join("a.ply").exists());
}

#[test]
fn real_files_go_round() {
    let Some(content) = content() else { return };
    let folder = tempfile::tempdir().unwrap();
    for name in ["train-1000.ply", "fruit-drops.ply"] {
        let first = read(&content.join("static").join(name), &Options::default()).unwrap().splats;
        for export in EXPORTS.iter().filter(|export| !export.is_whole()) {
            let path = folder.path().join(format!("a.{}", export.ending));
            export.write(&path, &first, &Appearance::default()).unwrap();
            let back = read(&path, &Options::default()).unwrap().splats;
            assert_eq!(back.len(), first.len(), "{name} {}", export.ending);
            // Trained harmonics and scales leave the range of bytes now and then; means do not.
            let worst = back.mean.as_flattened().iter().zip(first.mean.as_flattened());
            let worst = worst.fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
            assert!(worst < 0.000_13, "{name} {}: {worst}", export.ending);
        }
    }
}

#[test]
fn a_whole_clip_goes_into_a_4dgs() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, _) = performance_to_bytes(&performances::moving(300), &WriterOptions::default()).unwrap();
    std::fs::write(folder.path().join("a.vvt"), bytes).unwrap();
    let output = run(folder.path(), &["export", "a.vvt", "-o", "a.4dgs"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("wrote a.4dgs: ") && stdout(&output).contains("mm off"));
    let again = run(folder.path(), &["convert", "a.4dgs", "-o", "b.vvt"]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    let clip = Clip::open(&folder.path().join("b.vvt"), vivant::clip::Access::Auto).unwrap();
    let seconds = clip.info().rate.seconds_from_ticks(clip.info().duration);
    assert!((seconds - 2.0).abs() < 0.04 && clip.splats() >= 300, "{seconds} s, {}", clip.splats());
    let refused = run(folder.path(), &["export", "a.vvt", "--at", "1", "-o", "c.4dgs"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("leave --at and --range out"), "{}", stderr(&refused));
}
