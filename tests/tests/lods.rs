//! Levels of detail as pictures.

#![expect(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::print_stdout, reason = "tests")]

use glam::DVec3;
use vivant::clip::{Clip, Profile, WriterOptions};
use vivant::codec::{performance_to_bytes, splats_of};
use vivant::frame::{LODS, SegmentData, lod_splats};
use vivant::picture::{Image, psnr_covered};
use vivant::splat::{Performance, Splats};
use vivant::view::View;
use vivant_tests::random::Random;
use vivant_tests::stage::{Order, live_at, reference_of};

/// What a level shows at `seconds`, with the gain times `more`; with `seed` splats chosen at random instead.
fn level(clip: &Clip, seconds: f64, lod: usize, more: f32, seed: Option<u64>) -> Performance {
    let info = clip.info();
    let mut out = Splats::new(0);
    for data in live_at(clip, seconds).segments {
        let splats = splats_of(&data, info.rate);
        let keep = lod_splats(data.splats, lod);
        let mut numbers: Vec<usize> = (0..data.splats).collect();
        let mut gain = gain_of(&data, lod) * more;
        if let Some(seed) = seed {
            let mut random = Random::new(seed);
            for at in (1..numbers.len()).rev() {
                numbers.swap(at, random.below(at as u32 + 1) as usize);
            }
            gain = (data.splats as f32 / keep as f32).sqrt() * more;
        }
        for &number in &numbers[..keep] {
            let mut splat = splats.get(number);
            splat.scale = splat.scale.map(|scale| scale * gain);
            out.push(&splat, &[]);
        }
    }
    Performance { info, splats: out }
}

fn gain_of(data: &SegmentData, lod: usize) -> f32 {
    data.lod_gains[lod]
}

fn picture(performance: &Performance, seconds: f64, view: &View, size: u32) -> Image {
    reference_of(performance, seconds, &[*view], size, Order::EachView)[0].image()
}

/// The alphas of `image` at least `margin` px inside the silhouette of `full`, least first.
fn interior(full: &Image, image: &Image, margin: usize) -> Vec<f32> {
    let (w, h) = (full.width as usize, full.height as usize);
    let mut inside: Vec<bool> = full.pixels.iter().map(|p| p[3] >= 0.98).collect();
    for _ in 0..margin {
        let before = inside.clone();
        for y in 0..h {
            for x in 0..w {
                let edge = x == 0 || y == 0 || x + 1 == w || y + 1 == h;
                inside[y * w + x] = !edge
                    && before[y * w + x]
                    && before[y * w + x - 1]
                    && before[y * w + x + 1]
                    && before[(y - 1) * w + x]
                    && before[(y + 1) * w + x];
            }
        }
    }
    let mut alphas: Vec<f32> =
        image.pixels.iter().zip(&inside).filter(|(_, inside)| **inside).map(|(p, _)| p[3]).collect();
    alphas.sort_by(f32::total_cmp);
    alphas
}

#[test]
#[ignore]
fn explore() {
    let splats: u32 = std::env::var("N").map_or(20_000, |n| n.parse().unwrap());
    let performance = vivant_performer::generate(&vivant_performer::Options {
        splats: splats as usize as _,
        ..Default::default()
    });
    for profile in [Profile::Raw, Profile::Local, Profile::Network] {
        let options = WriterOptions { profile, ..WriterOptions::default() };
        println!("{profile:?}: {}", performance_to_bytes(&performance, &options).unwrap().0.len());
    }
    let bytes = performance_to_bytes(
        &performance,
        &WriterOptions { profile: Profile::Network, ..WriterOptions::default() },
    )
    .unwrap()
    .0;
    for a in Clip::from_bytes("x", bytes).unwrap().summary().unwrap().attributes {
        println!("{:?}: {:.2}", a.kind, a.stored_bytes as f64 / 240e3);
    }
    if std::env::var("SIZES").is_ok() {
        return;
    }
    let (bytes, _) = performance_to_bytes(&performance, &WriterOptions::default()).unwrap();
    let clip = Clip::from_bytes("performer", bytes).unwrap();
    let view = View::looking_at(DVec3::new(0.5, 1.1, 2.0), DVec3::new(0.0, 1.0, 0.0), 1.0, 1.0);
    for seconds in [0.52, 3.3] {
        for data in live_at(&clip, seconds).segments {
            println!("  {} splats, gains {:?}", data.splats, data.lod_gains);
        }
        let full = picture(&level(&clip, seconds, LODS - 1, 1.0, None), seconds, &view, 512);
        for lod in 0..LODS - 1 {
            for more in [0.93, 1.0, 1.07] {
                let mut line = format!("{seconds} s, level {lod}, x {more}: ");
                for seed in [None, Some(1)] {
                    let image = picture(&level(&clip, seconds, lod, more, seed), seconds, &view, 512);
                    let alphas = interior(&full, &image, 4);
                    line += &format!(
                        "min {:.3} 0.1% {:.3} 1% {:.3} {:.2} dB; ",
                        alphas[0],
                        alphas[alphas.len() / 1000],
                        alphas[alphas.len() / 100],
                        psnr_covered(&image, &full, [0.0; 3]).unwrap()
                    );
                }
                println!("{line}");
            }
        }
    }
}
