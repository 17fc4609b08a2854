//! What only the inside can show: that the tile lists change no bit. The pictures themselves are tested from the
//! outside, in the `tests` crate.

use glam::DVec3;

use super::*;
use crate::splat::{Antialias, Kernel, Life, Motion, Splat};
use crate::view::Fov;

/// A small generator with a fixed seed (xorshift64*, Vigna 2016).
struct Random(u64);

impl Random {
    fn next(&mut self, low: f32, high: f32) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40;
        low + (high - low) * (bits as f32 / 16_777_216.0)
    }

    fn array<const N: usize>(&mut self, low: f32, high: f32) -> [f32; N] {
        std::array::from_fn(|_| self.next(low, high))
    }
}

/// Splats of all sizes, before, beside and behind the view, some of them moving and fading.
fn scene(count: usize) -> Splats {
    let mut random = Random(0x5EED);
    let mut splats = Splats::new(1);
    for index in 0..count {
        let size = 0.002 * 2.0_f32.powf(random.next(0.0, 8.0));
        let mut splat = Splat {
            mean: random.array(-1.5, 1.5),
            rotation: random.array(-1.0, 1.0),
            scale: random.array::<3>(0.1, 1.0).map(|s| s * size),
            opacity: random.next(0.0, 1.0),
            colour: random.array(-0.2, 1.4),
            ..Splat::DEFAULT
        };
        if index % 3 == 0 {
            splat.life = Life { t0: 0.4, sigma_t: 0.3, start: 0, end: 500 };
            splat.motion = Motion { velocity: random.array(-0.5, 0.5), ..Motion::default() };
        }
        splats.push(&splat, &random.array::<9>(-0.5, 0.5));
    }
    splats
}

fn view() -> View {
    let fov = Fov { left: -0.9, right: 0.6, up: 0.5, down: -0.7 };
    View { fov, ..View::looking_at(DVec3::new(0.3, 0.2, 1.0), DVec3::ZERO, 1.0, 1.0) }
}

/// Every way to draw a splat.
fn appearances() -> impl Iterator<Item = Appearance> {
    let plain = Appearance::default();
    let filters = Antialias::ALL.iter().map(move |&antialias| Appearance { antialias, ..plain });
    filters.chain([Appearance { kernel: Kernel::Surfel, colour_domain: ColourDomain::Linear, ..plain }])
}

#[test]
fn the_tile_lists_change_no_bit() {
    let scene = scene(700);
    let moment = Moment { tick: 450, seconds: 0.45 };
    // Neither side is a multiple of the tile's.
    let (width, height) = (75, 53);
    let backgrounds = [None, Some([0.2, 0.4, 0.6])];
    for (background, appearance) in backgrounds.into_iter().flat_map(|b| appearances().map(move |a| (b, a))) {
        let options = Options { appearance, background, ..Options::default() };
        let finish = Finish { domain: appearance.colour_domain, background };
        let tiled = render(&[&scene], moment, &view(), width, height, &options).unwrap();
        let sets = [(&scene, appearance)];
        let splats = visible(&sets, moment, &view(), width, height, &options).unwrap();
        assert!(splats.len() > 50 && splats.len() < 700, "{} splats can show", splats.len());
        let all: Vec<&Projected> = splats.iter().collect();
        for row in 0..height as usize {
            for column in 0..width as usize {
                let index = row * width as usize + column;
                let (rgba, depth) = shade(&all, column, row, finish);
                assert_eq!(
                    rgba.map(f64::to_bits),
                    tiled.rgba[index].map(f64::to_bits),
                    "column {column} row {row}"
                );
                assert_eq!(depth.to_bits(), tiled.depth[index].to_bits(), "column {column} row {row}");
            }
        }
    }
}

#[test]
fn lists_that_are_too_short_are_seen() {
    // The comparison above can fail: without the farthest tenth of the splats, pixels differ.
    let scene = scene(700);
    let moment = Moment { tick: 450, seconds: 0.45 };
    let options = Options::default();
    let splats = visible(&[(&scene, options.appearance)], moment, &view(), 75, 53, &options).unwrap();
    let finish = Finish { domain: ColourDomain::Encoded, background: None };
    let all: Vec<&Projected> = splats.iter().collect();
    let fewer = &all[..all.len() * 9 / 10];
    let differ =
        (0..75 * 53).any(|i| shade(&all, i % 75, i / 75, finish) != shade(fewer, i % 75, i / 75, finish));
    assert!(differ);
}

#[test]
fn splats_count_through_the_sets() {
    let whole = scene(300);
    let halves = [whole.select(&(0..150).collect::<Vec<_>>()), whole.select(&(150..300).collect::<Vec<_>>())];
    let moment = Moment { tick: 450, seconds: 0.45 };
    let options = Options::default();
    let one = render(&[&whole], moment, &view(), 40, 40, &options).unwrap();
    let two = render(&[&halves[0], &halves[1]], moment, &view(), 40, 40, &options).unwrap();
    assert!(one == two, "the pictures differ");
}
