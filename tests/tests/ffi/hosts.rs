//! C programs that use the library: the sample draws what Rust draws, playback keeps its times, and nothing a host does
//! wrong does harm, alone or from four threads, nor does valgrind see any.

use std::fs;
use std::path::Path;
use std::process::Command;

use vivant::clip::Clip;
use vivant::gpu::GpuOptions;
use vivant::playback::live_at;
use vivant::render::{CanvasDescription, Performer, Renderer, Settings};
use vivant::view::{Fov, View};
use vivant_tests::gpu::{assert_silent, open};
use vivant_tests::require::skip;

use crate::toolchain::{Language, Link, clip, clip_bytes, compile, folder, host, run, sounding_clip};

/// Side of the sample's views, px.
const SIZE: u32 = 320;
const BACKGROUND: [f32; 4] = [0.125, 0.125, 0.125, 1.0];

/// Whether there is a GPU for the programs; says so where there is none.
fn has_gpu() -> bool {
    open(&GpuOptions::default()).is_some()
}

/// What the sample is to draw, by the engine itself: a PPM with the given eyes side by side.
fn pair(eyes: [f32; 2]) -> Option<Vec<u8>> {
    let gpu = open(&GpuOptions::default())?;
    let mut renderer = Renderer::new(&gpu).unwrap();
    let clip = Clip::from_bytes("pair", clip_bytes().to_vec()).unwrap();
    let live = live_at(&clip, 0).unwrap();
    let performer = Performer::new(&live, &clip.info());
    let fov = Fov { left: -0.5, right: 0.5, up: 0.5, down: -0.5 };
    let [low, high] = clip.bounds();
    let views = eyes.map(|x| {
        let middle = [0, 1].map(|axis| 0.5 * (low[axis] + high[axis]));
        let position = [middle[0] + x, middle[1], high[2] + (high[1] - low[1])].map(f64::from);
        View { position, orientation: [0.0, 0.0, 0.0, 1.0], fov }
    });
    let mut canvas = renderer.canvas(&CanvasDescription::new(SIZE, SIZE, 2)).unwrap();
    let settings = Settings { background: BACKGROUND, ..Settings::default() };
    renderer.draw(&[performer], &views, &settings, &canvas).unwrap();
    let pixels = renderer.read(&mut canvas).unwrap();
    let mut ppm = format!("P6\n{} {SIZE}\n255\n", 2 * SIZE).into_bytes();
    let sides: Vec<Vec<u8>> = pixels.images.iter().map(|image| image.to_premultiplied_rgba8()).collect();
    let row = SIZE as usize * 4;
    for y in 0..SIZE as usize {
        for side in &sides {
            let texels = side[y * row..(y + 1) * row].chunks_exact(4);
            ppm.extend(texels.flat_map(|texel| [texel[0], texel[1], texel[2]]));
        }
    }
    drop((canvas, renderer));
    assert_silent(&gpu);
    Some(ppm)
}

#[test]
fn the_sample_draws_what_rust_draws() {
    let Some(wanted) = pair([-0.03125, 0.03125]) else { return };
    let folder = folder();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/c/minimal.c");
    assert!(fs::read_to_string(&source).unwrap().lines().count() < 60, "the smallest host is to stay small");
    for link in [Link::Shared, Link::Static] {
        let program = folder.path().join(format!("minimal {link:?}"));
        let Some(program) = compile(Language::C99, link, &source, &program) else { return };
        let picture = folder.path().join("pair.ppm");
        run(Command::new(program).arg(clip(&folder)).arg(&picture));
        let drawn = fs::read(&picture).unwrap();
        assert!(drawn == wanted, "the {link:?} host's picture differs from the engine's");
    }
    let covered = wanted[20..].iter().filter(|&&byte| byte.abs_diff(32) > 8).count();
    assert!(covered > 10_000, "hardly anything was drawn: {covered}");
    assert!(pair([0.03125, -0.03125]).unwrap() != wanted, "swapped eyes go unnoticed");
}

#[test]
fn the_sample_says_what_is_wrong() {
    let folder = folder();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/c/minimal.c");
    let program = folder.path().join("minimal");
    let Some(program) = compile(Language::C99, Link::Shared, &source, &program) else { return };
    let output = Command::new(&program).args(["missing.vvt", "pair.ppm"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with("player: reading failed: missing.vvt: cannot open"), "{said}");
}

#[test]
fn playback_keeps_its_times_and_tells_its_events() {
    let folder = folder();
    let Some(program) = host(&folder, "playing") else { return };
    let damaged = folder.path().join("damaged.vvt");
    let mut bytes = clip_bytes().to_vec();
    // One byte of every 64 in the middle half: every segment, and neither the index nor the superblocks.
    let clip_of = Clip::from_bytes("damaged", bytes.clone()).unwrap();
    let first = clip_of.nodes().iter().map(|node| node.offset).min().unwrap();
    let last = clip_of.nodes().iter().map(|node| node.offset).max().unwrap();
    for at in (usize::try_from(first).unwrap()..=usize::try_from(last).unwrap()).step_by(64) {
        bytes[at] ^= 0xFF;
    }
    fs::write(&damaged, bytes).unwrap();
    run(Command::new(program).arg(clip(&folder)).arg(damaged));
}

#[test]
fn sound_is_heard_where_it_is_and_leads_where_it_may() {
    let folder = folder();
    let Some(program) = host(&folder, "sounding") else { return };
    run(Command::new(program).arg(sounding_clip(&folder)).arg(clip(&folder)));
}

#[test]
fn what_a_host_gets_wrong_is_told() {
    let folder = folder();
    let Some(program) = host(&folder, "misuse") else { return };
    run(Command::new(&program).arg(clip(&folder)));
    if has_gpu() {
        run(Command::new(&program).arg(clip(&folder)).arg("gpu"));
    }
}

#[test]
fn twenty_thousand_random_calls_do_no_harm() {
    let folder = folder();
    let Some(program) = host(&folder, "random") else { return };
    let answers = run(Command::new(&program).arg(sounding_clip(&folder)).args(["5000", "1"]));
    eprintln!("without a GPU:\n{}", String::from_utf8_lossy(&answers.stdout));
    if has_gpu() {
        let answers = run(Command::new(&program).arg(clip(&folder)).args(["5000", "2", "gpu"]));
        eprintln!("with a GPU:\n{}", String::from_utf8_lossy(&answers.stdout));
    }
}

#[test]
fn valgrind_sees_no_harm() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        skip("valgrind", "it is not installed");
        return;
    }
    let folder = folder();
    let valgrind = || {
        let mut command = Command::new("valgrind");
        command.args(["--quiet", "--error-exitcode=99", "--leak-check=full"]);
        command.args(["--errors-for-leak-kinds=definite", "--show-leak-kinds=definite"]);
        command
    };
    let (Some(misuse), Some(random)) = (host(&folder, "misuse"), host(&folder, "random")) else { return };
    let wrong = folder.path().join("wrong.c");
    let text = "#include <stdlib.h>\n#include <vivant.h>\nint main(void) {\n  char *room = malloc(4);\n  \
                vvt_engine_destroy(7);\n  vvt_last_error(room, 64);\n  free(room);\n  return 0;\n}\n";
    fs::write(&wrong, text).unwrap();
    let wrong = compile(Language::C99, Link::Shared, &wrong, &folder.path().join("wrong")).unwrap();
    assert_eq!(valgrind().arg(wrong).output().unwrap().status.code(), Some(99), "valgrind sees nothing");
    run(valgrind().arg(misuse).arg(clip(&folder)));
    run(valgrind().arg(random).arg(sounding_clip(&folder)).args(["250", "3"]));
}
