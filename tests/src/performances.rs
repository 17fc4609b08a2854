//! Small performances for the pipeline tests: a bumpy ball of flat splats, still, in motion, or as a sequence.

use glam::{Quat, Vec3};
use vivant::splat::{Appearance, ClipInfo, Life, Motion, Performance, Splat, Splats};
use vivant::time::{TICKS_PER_FRAME, TickRate};

use crate::random::Random;

/// Frames a second of every performance here.
pub const FPS: u32 = 30;

/// The tick rate of every performance here.
///
/// # Panics
/// Never: the rate is valid.
#[must_use]
pub fn rate() -> TickRate {
    TickRate::for_fps(FPS, 1).expect("a valid rate")
}

/// Splats on a bumpy ball of 0.35 m around the origin: flat along the surface, coloured by place, a tenth of them
/// translucent, with `sh_degree` harmonics that tint them by direction.
#[must_use]
pub fn ball(splats: u32, sh_degree: u8, seed: u64) -> Splats {
    let mut random = Random::new(seed);
    let mut out = Splats::new(sh_degree);
    let mut rest = vec![0.0; out.sh_stride()];
    for _ in 0..splats {
        let [x, y, z] = [0; 3].map(|_| random.normal());
        let normal = Vec3::new(x, y, z).try_normalize().unwrap_or(Vec3::X);
        let radius = 0.35 + 0.03 * (9.0 * normal.x).sin() * (7.0 * normal.y).cos();
        let spacing = 0.35 * (4.0 * std::f32::consts::PI / splats as f32).sqrt();
        let stripe = if (normal.y * 24.0).sin() > 0.0 { 0.25 } else { -0.15 };
        rest.iter_mut().for_each(|c| *c = random.range(-0.12, 0.12));
        let splat = Splat {
            mean: (normal * radius).to_array(),
            rotation: (Quat::from_rotation_arc(Vec3::Z, normal)
                * Quat::from_rotation_z(random.range(0.0, 3.0)))
            .to_array(),
            scale: [spacing * random.range(0.5, 1.2), spacing * random.range(0.4, 0.8), spacing * 0.15],
            opacity: if random.below(10) == 0 { random.range(0.1, 0.6) } else { random.range(0.85, 1.0) },
            colour: (Vec3::splat(0.45) + normal * 0.25 + Vec3::splat(stripe)).to_array(),
            ..Splat::DEFAULT
        };
        out.push(&splat, &rest);
    }
    out
}

fn performance(splats: Splats, frames: u32) -> Performance {
    let info = ClipInfo {
        rate: rate(),
        duration: i64::from(frames * TICKS_PER_FRAME),
        fps: if frames == 0 { (0, 1) } else { (FPS, 1) },
        sh_degree: splats.sh_degree,
        appearance: Appearance::default(),
    };
    Performance { info, splats }
}

/// The ball, still.
#[must_use]
pub fn still(splats: u32, sh_degree: u8) -> Performance {
    performance(ball(splats, sh_degree, 11), 0)
}

/// The ball, still, with harmonics as a shiny surface under a lamp leaves them: a lobe about the normal, tinted and as
/// strong as its patch, and a little noise of its own on every coefficient.
#[must_use]
pub fn glossy(splats: u32) -> Performance {
    let mut random = Random::new(21);
    let mut out = ball(splats, 3, 14);
    for index in 0..out.len() {
        let n = Vec3::from_array(out.mean[index]).try_normalize().unwrap_or(Vec3::Y);
        let q = n * n;
        let lobe = [
            [-n.y, n.z, -n.x].map(|y| 0.3 * y).to_vec(),
            [n.x * n.y, -n.y * n.z, 0.3 * (2.0 * q.z - q.x - q.y), -n.x * n.z, 0.5 * (q.x - q.y)]
                .map(|y| 0.4 * y)
                .to_vec(),
            [
                -n.y * (3.0 * q.x - q.y),
                5.0 * n.x * n.y * n.z,
                -0.8 * n.y * (4.0 * q.z - q.x - q.y),
                0.6 * n.z * (2.0 * q.z - 3.0 * q.x - 3.0 * q.y),
                -0.8 * n.x * (4.0 * q.z - q.x - q.y),
                2.4 * n.z * (q.x - q.y),
                -n.x * (q.x - 3.0 * q.y),
            ]
            .map(|y| 0.1 * y)
            .to_vec(),
        ]
        .concat();
        let strength = 0.4 + 0.4 * (5.0 * n.x + 3.0 * n.z).sin();
        let tint = Vec3::new(1.0, 0.9 + 0.1 * (4.0 * n.y).sin(), 0.8).to_array();
        for (number, value) in out.sh_rest[index * 45..(index + 1) * 45].iter_mut().enumerate() {
            *value = strength * lobe[number / 3] * tint[number % 3] + 0.004 * random.normal();
        }
    }
    performance(out, 0)
}

/// Two seconds of the ball whose splats move, turn and fade: cubic paths, spin, envelopes and windows of many lengths.
#[must_use]
pub fn moving(splats: u32) -> Performance {
    let frames = 2 * FPS;
    let mut random = Random::new(12);
    let still = ball(splats, 1, 13);
    let mut out = Splats::new(1);
    for index in 0..still.len() {
        let mut splat = still.get(index);
        let mut cubic = |reach: f32| [0; 3].map(|_| random.range(-reach, reach));
        splat.motion = Motion {
            velocity: cubic(0.2),
            quadratic: cubic(0.05),
            cubic: cubic(0.02),
            spin: [random.range(-0.5, 0.5), random.range(-0.5, 0.5), random.range(-0.5, 0.5), 0.0],
        };
        let frame = i64::from(random.below(frames));
        let length = 1_i64 << random.below(6);
        let always = random.below(3) == 0;
        splat.life = Life {
            t0: f64::from(random.range(0.2, 1.8)),
            sigma_t: if random.below(2) == 0 { f32::INFINITY } else { random.range(0.05, 0.8) },
            start: if always { i64::MIN } else { frame * i64::from(TICKS_PER_FRAME) },
            end: if always { i64::MAX } else { (frame + length) * i64::from(TICKS_PER_FRAME) },
        };
        out.push(&splat, still.sh_rest_of(index));
    }
    performance(out, frames)
}

/// A frame sequence without correspondence: each of `frames` frames is another ball of another size, wandering.
#[must_use]
pub fn sequence(frames: u32) -> Performance {
    let mut out = Splats::new(0);
    for frame in 0..frames {
        let ball = ball(2000 + 137 * frame, 0, u64::from(frame));
        for index in 0..ball.len() {
            let mut splat = ball.get(index);
            splat.mean[0] += 0.04 * frame as f32;
            splat.life.start = i64::from(frame * TICKS_PER_FRAME);
            splat.life.end = i64::from((frame + 1) * TICKS_PER_FRAME);
            out.push(&splat, &[]);
        }
    }
    performance(out, frames)
}
