//! An imported performance against what it should be: our pipeline on one side, the reference renderer on the other, fed
//! by the test's own second way to the same splats. Three moments, two cameras.
//!
//! With `VIVANT_PICTURES=folder` both pictures are left there side by side, for eyes.

use std::path::Path;

use glam::DVec3;
use vivant::clip::Clip;
use vivant::gpu::GpuOptions;
use vivant::picture::{self, Image};
use vivant::splat::Performance;
use vivant::view::View;

use crate::stage::{Order, Stage, clip_of, distance, reference_of};

/// Least PSNR over covered pixels, dB.
pub const LEAST: f64 = 45.0;
/// Pixels on a side.
const SIZE: u32 = 256;

/// Two cameras that see all of a box, from opposite sides.
#[must_use]
pub fn cameras(bounds: [[f32; 3]; 2]) -> [View; 2] {
    let [low, high] = bounds.map(|corner| glam::Vec3::from_array(corner).as_dvec3());
    let (middle, reach) = ((low + high) * 0.5, (high - low).length().max(0.05));
    [DVec3::new(0.4, 0.2, 1.0), DVec3::new(-0.7, 0.5, -0.6)].map(|from| {
        let eye = middle + from.normalize_or(DVec3::Z) * reach * 1.1;
        View::looking_at(eye, middle, 1.0, 1.0)
    })
}

/// The PSNR of `clip` against `wanted` over all moments and cameras, the worst; `None`, said aloud, without Vulkan.
///
/// # Panics
/// When the device fails or the validation layer speaks.
#[must_use]
pub fn worst(name: &str, clip: &Clip, wanted: &Performance, moments: &[f64]) -> Option<f64> {
    let mut stage = Stage::open(&GpuOptions::default())?;
    let views = cameras(clip_of(wanted).bounds());
    let mut worst = f64::INFINITY;
    for &seconds in moments {
        for (camera, view) in views.iter().enumerate() {
            let view = std::slice::from_ref(view);
            let drawn = stage.draw(clip, seconds, view, SIZE);
            let reference = reference_of(wanted, seconds, view, SIZE, Order::Head);
            let measured = distance(&drawn, &reference);
            assert!(measured.covered > 300, "{name} at {seconds} s: {} pixels covered", measured.covered);
            eprintln!("{name} at {seconds} s, camera {camera}: {:.1} dB", measured.psnr);
            leave(&format!("{name}-{seconds}-{camera}"), &drawn.images[0], &reference[0].image());
            worst = worst.min(measured.psnr);
        }
    }
    stage.finish();
    Some(worst)
}

/// Fails unless `clip` shows `wanted` at `moments`, seconds.
///
/// # Panics
/// When it is farther than [`LEAST`].
pub fn assert_shows(name: &str, clip: &Clip, wanted: &Performance, moments: &[f64]) {
    if let Some(psnr) = worst(name, clip, wanted, moments) {
        assert!(psnr >= LEAST, "{name}: {psnr:.1} dB");
    }
}

/// Leaves pictures side by side where the user wants them.
fn leave(name: &str, drawn: &Image, wanted: &Image) {
    let Some(folder) = std::env::var_os("VIVANT_PICTURES") else { return };
    let path = Path::new(&folder).join(format!("{}.png", name.replace(['/', ' '], "_")));
    let both = [drawn, wanted].map(|image| image.over([0.5; 3]));
    picture::save_png(&picture::side_by_side(&both).expect("same size"), &path).expect("write a picture");
}
