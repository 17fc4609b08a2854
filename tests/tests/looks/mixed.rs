//! Performers of different appearances in one frame: each is drawn as its own clip asks, in one order, and blended in the
//! domain of the first.

use glam::DVec3;
use vivant::clip::Clip;
use vivant::gpu::Format;
use vivant::picture::compare;
use vivant::reference::{self, Moment};
use vivant::render::{CanvasDescription, Encoding, Performer, Pixels, Settings};
use vivant::splat::{Appearance, Performance, Splats};
use vivant_tests::performances;
use vivant_tests::stage::{Stage, clip_of, live_at};

use super::{Antialias, ColourDomain, Kernel, PLAIN, PSNR_DB, on_stage, views};

const SECONDS: f64 = 0.9;
const SIZE: u32 = 256;

/// Three balls that overlap, each in its own appearance.
fn cast(looks: [Appearance; 3]) -> [Performance; 3] {
    std::array::from_fn(|index| {
        let mut performance = performances::moving(3000);
        let shift = [-0.25, 0.0, 0.25][index];
        performance.splats.mean.iter_mut().for_each(|mean| mean[0] += shift);
        performance.info.appearance = looks[index];
        performance
    })
}

fn draw(stage: &mut Stage, cast: &[Performance; 3], encoding: Encoding) -> Pixels {
    let clips = cast.each_ref().map(clip_of);
    let live = clips.each_ref().map(|clip| live_at(clip, SECONDS));
    let performers: Vec<_> =
        clips.iter().zip(&live).map(|(clip, live): (&Clip, _)| Performer::new(live, &clip.info())).collect();
    let description = CanvasDescription { format: Format::Rgba16f, ..CanvasDescription::new(SIZE, SIZE, 2) };
    let mut canvas = stage.renderer.canvas(&description).unwrap();
    let settings = Settings { exact: true, encoding, ..Settings::default() };
    stage.renderer.draw(&performers, &views(1.4), &settings, &canvas).unwrap();
    stage.renderer.read(&mut canvas).unwrap()
}

/// How far a picture is from the reference's, dB, at worst.
fn psnr(pixels: &Pixels, cast: &[Performance; 3]) -> f64 {
    let moment = Moment::at_seconds(cast[0].info.rate, SECONDS);
    let sets: Vec<(&Splats, Appearance)> = cast.iter().map(|p| (&p.splats, p.info.appearance)).collect();
    let views = views(1.4);
    let head = views.iter().map(|v| DVec3::from_array(v.position)).sum::<DVec3>() / 2.0;
    let options = reference::Options { order_from: Some(head), ..reference::Options::default() };
    let found = pixels.images.iter().zip(&views).map(|(image, view)| {
        let wanted = reference::render_mixed(&sets, moment, view, SIZE, SIZE, &options).unwrap();
        compare(image, &wanted.image(), [0.0; 3]).unwrap().psnr_covered
    });
    found.fold(f64::INFINITY, f64::min)
}

#[test]
fn each_performer_keeps_its_appearance() {
    let surfel = Appearance { kernel: Kernel::Surfel, ..PLAIN };
    let pixel = Appearance { antialias: Antialias::PixelIntegral, ..PLAIN };
    let linear = Appearance { colour_domain: ColourDomain::Linear, antialias: Antialias::Mip, ..PLAIN };
    on_stage(|stage| {
        let before = stage.renderer.statistics().mixed_domains;
        for (looks, mixed) in [
            ([PLAIN, surfel, pixel], 0),
            ([pixel, PLAIN, PLAIN], 0),
            ([linear, surfel, pixel], 1),
            ([surfel, PLAIN, linear], 2),
        ] {
            let cast = cast(looks);
            let pixels = draw(stage, &cast, Encoding::Srgb);
            let found = psnr(&pixels, &cast);
            eprintln!("{:?}: {found:.1} dB", looks.map(Appearance::words));
            assert!(found >= PSNR_DB, "{looks:?}: {found:.1} dB");
            assert_eq!(stage.renderer.statistics().mixed_domains - before, mixed);
        }
        // In each other's appearances they are not what they were.
        let wrong = draw(stage, &cast([pixel, PLAIN, surfel]), Encoding::Srgb);
        let found = psnr(&wrong, &cast([PLAIN, surfel, pixel]));
        assert!(found < PSNR_DB, "exchanged appearances pass for right: {found:.1} dB");
    });
}

#[test]
fn linear_light_reaches_a_linear_target_unchanged() {
    let linear = Appearance { colour_domain: ColourDomain::Linear, ..PLAIN };
    on_stage(|stage| {
        let cast = cast([linear; 3]);
        let encoded = draw(stage, &cast, Encoding::Srgb);
        let light = draw(stage, &cast, Encoding::Linear);
        let mut differ = 0;
        for (a, b) in light.images[0].pixels.iter().zip(&encoded.images[0].pixels) {
            if b[3] < 0.5 {
                continue;
            }
            for channel in 0..3 {
                let srgb = f64::from(b[channel] / b[3]);
                let expected =
                    if srgb <= 0.04045 { srgb / 12.92 } else { ((srgb + 0.055) / 1.055).powf(2.4) };
                let found = f64::from(a[channel] / a[3]);
                assert!((found - expected).abs() < 4e-3, "{found} is not {expected}");
                differ += u32::from((found - srgb).abs() > 0.05);
            }
        }
        assert!(differ > 1000, "the two encodings are one");
    });
}
