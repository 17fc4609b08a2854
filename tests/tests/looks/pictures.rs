//! Pictures of every appearance for the eye: a person far away, whose hair and shawl are thinner than a pixel, enlarged.
//! Written where `VIVANT_KEEP_PICTURES` says; always drawn, and told apart.

use glam::DVec3;
use vivant::picture::{Image, contact_sheet, psnr_covered, save_png};
use vivant::splat::{Antialias, Appearance, Kernel};
use vivant::view::View;
use vivant_tests::stage::clip_of;

use super::{PLAIN, on_stage};

/// Each pixel as a square of `times`².
fn enlarged(image: &Image, times: u32) -> Image {
    let pixel = |x: u32, y: u32| image.get(x / times, y / times).unwrap_or_default();
    Image::from_fn(image.width * times, image.height * times, pixel)
}

#[test]
fn a_person_far_away_in_five_appearances() {
    on_stage(|stage| {
        let options = vivant_performer::Options { splats: 30_000, ..Default::default() };
        let mut clip = clip_of(&vivant_performer::generate(&options));
        let target = DVec3::new(0.0, 1.25, 0.0);
        let eye = target + DVec3::new(1.2, 0.1, 6.0);
        let view = [View::looking_at(eye, target, 0.19, 1.0)];
        let mut drawn = |appearance| {
            clip.set_appearance(appearance);
            stage.draw(&clip, 2.6, &view, 96).images.swap_remove(0)
        };
        let filters = Antialias::ALL.iter().map(|&antialias| Appearance { antialias, ..PLAIN });
        let looks: Vec<_> = filters.chain([Appearance { kernel: Kernel::Surfel, ..PLAIN }]).collect();
        let pictures: Vec<Image> = looks.iter().map(|&look| drawn(look)).collect();
        for (a, first) in pictures.iter().enumerate() {
            for (b, second) in pictures.iter().enumerate().skip(a + 1) {
                let psnr = psnr_covered(first, second, [0.0; 3]).unwrap();
                eprintln!("{:?} and {:?}: {psnr:.1} dB", looks[a].words(), looks[b].words());
                assert!(psnr < 50.0, "{:?} and {:?} look the same: {psnr:.1} dB", looks[a], looks[b]);
            }
        }
        if let Some(folder) = std::env::var_os("VIVANT_KEEP_PICTURES") {
            let background = [0.16, 0.17, 0.2];
            let large: Vec<Image> =
                pictures.iter().map(|picture| enlarged(&picture.over(background), 3)).collect();
            let sheet = contact_sheet(&large, 5, 6).unwrap();
            save_png(&sheet, std::path::Path::new(&folder).join("appearances.png")).unwrap();
        }
    });
}
