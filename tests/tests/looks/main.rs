//! Every appearance on the GPU against the reference renderer, which knows the formulas in its own words: 45 dB over
//! covered pixels and depth within 1 cm, moving and captured splats, near and so far that most are smaller than a pixel.
//! And that it matters: drawn as another appearance the same clip is noticed.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a failure to set up is a failure of the test; its numbers fit"
)]

mod cli;
mod mixed;
mod packed;
mod pictures;
mod twins;
#[path = "../vivant_binary/mod.rs"]
mod vivant_binary;

use glam::DVec3;
use vivant::gpu::GpuOptions;
use vivant::splat::{Antialias, Appearance, ColourDomain, Kernel, Performance, ShOrigin};
use vivant::view::View;
use vivant_convert::{Options, Source};
use vivant_tests::performances;
use vivant_tests::require::content;
use vivant_tests::stage::{Distance, Order, Stage, clip_of, distance, reference_of};

const PSNR_DB: f64 = 45.0;
const DEPTH_METRES: f64 = 0.01;

const PLAIN: Appearance = Appearance {
    antialias: Antialias::Dilate,
    sh_origin: ShOrigin::Moving,
    kernel: Kernel::Gaussian,
    colour_domain: ColourDomain::Encoded,
};

/// Each choice by itself, and several at once.
fn appearances() -> [Appearance; 8] {
    [
        Appearance { antialias: Antialias::Mip, ..PLAIN },
        Appearance { antialias: Antialias::None, ..PLAIN },
        Appearance { antialias: Antialias::PixelIntegral, ..PLAIN },
        Appearance { kernel: Kernel::Surfel, ..PLAIN },
        Appearance { sh_origin: ShOrigin::Rest, ..PLAIN },
        Appearance { colour_domain: ColourDomain::Linear, ..PLAIN },
        Appearance {
            antialias: Antialias::Mip,
            sh_origin: ShOrigin::Rest,
            colour_domain: ColourDomain::Linear,
            ..PLAIN
        },
        Appearance {
            kernel: Kernel::Surfel,
            sh_origin: ShOrigin::Rest,
            colour_domain: ColourDomain::Linear,
            ..PLAIN
        },
    ]
}

fn on_stage(test: impl FnOnce(&mut Stage)) {
    let Some(mut stage) = Stage::open(&GpuOptions::default()) else { return };
    test(&mut stage);
    stage.finish();
}

/// The moving ball, seen from all sides in other colours.
fn ball(splats: u32) -> Performance {
    let mut out = performances::moving(splats);
    out.splats.sh_rest.iter_mut().for_each(|coefficient| *coefficient *= 5.0);
    // Twice as fast: harmonics notice where a splat was.
    for motion in &mut out.splats.motion {
        motion.velocity = motion.velocity.map(|v| 2.0 * v);
    }
    out
}

/// From the side and above, `metres` away.
fn views(metres: f64) -> [View; 2] {
    let eye = DVec3::new(0.5, 0.3, 0.8).normalize_or(DVec3::Z) * metres;
    View::looking_at(eye, DVec3::ZERO, 1.0, 1.0).stereo(0.063)
}

/// The performance drawn with one appearance against the reference of another.
fn measure(
    stage: &mut Stage,
    performance: &Performance,
    [drawn, wanted]: [Appearance; 2],
    seconds: f64,
    views: &[View],
    size: u32,
) -> Distance {
    let mut asked = performance.clone();
    asked.info.appearance = drawn;
    let pixels = stage.draw(&clip_of(&asked), seconds, views, size);
    asked.info.appearance = wanted;
    distance(&pixels, &reference_of(&asked, seconds, views, size, Order::Head))
}

fn assert_close(what: &str, distance: Distance) {
    let Distance { psnr, depth, covered } = distance;
    eprintln!("{what}: {psnr:.1} dB, depth {:.2} mm, {covered} px", depth * 1e3);
    assert!(covered > 1000, "{what}: hardly anything was drawn");
    assert!(psnr >= PSNR_DB, "{what}: {psnr:.1} dB is too far from the reference");
    assert!(depth <= DEPTH_METRES, "{what}: depth is off by {depth:.4} m");
}

#[test]
fn the_moving_ball_in_every_appearance() {
    on_stage(|stage| {
        let performance = ball(6000);
        for appearance in appearances() {
            let words = appearance.words().join(" ");
            for seconds in [0.31, 0.95, 1.6] {
                for metres in [1.2, 6.0] {
                    let both = [appearance; 2];
                    let found = measure(stage, &performance, both, seconds, &views(metres), 256);
                    assert_close(&format!("{words} at {seconds} s, {metres} m"), found);
                }
            }
            // Filters show from afar, where harmonics look at from near.
            let usual = [1.2, 6.0].map(|metres| {
                measure(stage, &performance, [PLAIN, appearance], 0.95, &views(metres), 256).psnr
            });
            eprintln!("  drawn as usual: {usual:.1?} dB");
            assert!(usual[0].min(usual[1]) < PSNR_DB, "{words}: as usual passes for right: {usual:.1?} dB");
        }
    });
}

#[test]
fn a_real_capture_in_every_appearance() {
    let Some(folder) = content() else { return };
    on_stage(|stage| {
        let path = folder.join("static/fruit-drops.ply");
        let source = Source::open(&[path], &Options::default()).unwrap();
        let (performance, _) = source.read_all().unwrap();
        let [low, high] = clip_of(&performance).bounds().map(|c| glam::Vec3::from_array(c).as_dvec3());
        let (middle, reach) = ((low + high) * 0.5, (high - low).length());
        for appearance in appearances() {
            for distance in [0.9, 4.0] {
                let eye = middle + DVec3::new(0.3, 0.2, 1.0) * (distance * reach);
                let views = View::looking_at(eye, middle, 1.0, 1.0).stereo(0.063);
                let found = measure(stage, &performance, [appearance; 2], 0.0, &views, 256);
                let words = appearance.words().join(" ");
                assert_close(&format!("fruit, {words} from {distance} of its size"), found);
            }
        }
    });
}

/// Discs so near and so large that they reach beside and behind the eye, and edge on.
#[test]
fn large_surfels_are_whole_to_their_edges() {
    on_stage(|stage| {
        let mut performance = performances::still(300, 0);
        for scale in &mut performance.splats.scale {
            *scale = scale.map(|s| 2.5 * s);
        }
        performance.splats.opacity.fill(0.7);
        let surfel = Appearance { kernel: Kernel::Surfel, ..PLAIN };
        // The nearest reach behind the eye and to many times their middle's depth, which f16 tilts place to half a percent.
        for (metres, scale) in [(0.42, 4.0), (0.6, 1.0), (1.5, 1.0)] {
            let mut found = measure(stage, &performance, [surfel; 2], 0.0, &views(metres), 256);
            found.depth /= scale;
            assert_close(&format!("large surfels at {metres} m"), found);
        }
        let found = measure(stage, &performance, [PLAIN, surfel], 0.0, &views(0.6), 256);
        assert!(found.psnr < PSNR_DB, "Gaussians pass for surfels: {:.1} dB", found.psnr);
    });
}
