//! What the tests of the file side share: a seeded random source and performances made of it.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests panic where they are wrong")]

pub(crate) mod bytes;
pub(crate) mod faulty;

use vivant::splat::{Appearance, ClipInfo, Life, Motion, Performance, Splat, Splats};
use vivant::time::TickRate;

/// PCG-32 (O'Neill 2014): small, seeded, the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn word(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = ((self.0 >> 18) ^ self.0) >> 27;
        u32::try_from(mixed & 0xffff_ffff).unwrap().rotate_right(u32::try_from(self.0 >> 59).unwrap())
    }

    /// Uniform in `low..high`.
    pub(crate) fn float(&mut self, low: f32, high: f32) -> f32 {
        let unit = f64::from(self.word()) / 4_294_967_296.0;
        low + (high - low) * unit as f32
    }

    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        self.word() % limit.max(1)
    }

    pub(crate) fn vec3(&mut self, size: f32) -> [f32; 3] {
        std::array::from_fn(|_| self.float(-size, size))
    }
}

/// A performance in which every kind of splat occurs: static, windowed, enveloped, moving, turning.
pub(crate) fn performance(seed: u64, splats: usize, frames: i64, sh_degree: u8) -> Performance {
    let mut random = Random::new(seed);
    let rate = TickRate::for_fps(30, 1).unwrap();
    let duration = frames * 1000;
    let mut out = Splats::new(sh_degree);
    for _ in 0..splats {
        let seconds = rate.seconds_from_ticks(duration) as f32;
        let mut life = Life::ALWAYS;
        let kind = random.below(5);
        if kind >= 2 {
            life.t0 = f64::from(random.float(0.0, seconds));
            life.sigma_t = random.float(0.02, 0.5);
        }
        if kind == 1 || kind == 3 {
            let start = i64::from(random.below(u32::try_from(frames).unwrap())) * 1000;
            life.start = start;
            life.end = start + 1000 * i64::from(1 + random.below(20));
        }
        let mut motion = Motion::default();
        if kind != 0 {
            motion.velocity = random.vec3(0.5);
        }
        if kind == 4 {
            motion.quadratic = random.vec3(0.2);
            motion.cubic = random.vec3(0.1);
            motion.spin = std::array::from_fn(|_| random.float(-0.3, 0.3));
        }
        let rotation = std::array::from_fn(|_| random.float(-1.0, 1.0));
        let splat = Splat {
            mean: random.vec3(1.0),
            rotation,
            scale: std::array::from_fn(|_| random.float(0.001, 0.02)),
            opacity: random.float(0.05, 1.0),
            // Exact in f16, so that a colour names its splat before and after the codec.
            colour: std::array::from_fn(|_| random.below(2048) as f32 / 1024.0 - 1.0),
            life,
            motion,
        };
        let rest: Vec<f32> = (0..out.sh_stride()).map(|_| random.float(-0.3, 0.3)).collect();
        out.push(&splat, &rest);
    }
    Performance {
        info: ClipInfo { rate, duration, fps: (30, 1), sh_degree, appearance: Appearance::default() },
        splats: out,
    }
}

/// A static scene.
pub(crate) fn still(seed: u64, splats: usize, sh_degree: u8) -> Performance {
    let mut out = performance(seed, splats, 1, sh_degree);
    out.info.duration = 0;
    out.info.fps = (0, 1);
    out.splats.life.clear();
    out.splats.motion.clear();
    out
}

/// A sequence: `frames` frames of `splats` splats each, every one shown for its own frame only.
pub(crate) fn sequence(seed: u64, splats: usize, frames: i64) -> Performance {
    let mut out = still(seed, splats * usize::try_from(frames).unwrap(), 0);
    out.info.duration = frames * 1000;
    out.info.fps = (30, 1);
    for frame in 0..frames {
        let life = Life { t0: 0.0, sigma_t: f32::INFINITY, start: frame * 1000, end: frame * 1000 + 1000 };
        out.splats.life.extend(std::iter::repeat_n(life, splats));
    }
    out
}
