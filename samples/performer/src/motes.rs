//! Things that come and go: petals that flutter down around the dancer, and sparks of light. Each has a Gaussian
//! envelope in time, and a path that is already a cubic, so nothing is fitted.

use crate::number::{Random, count, single};
use crate::shade::srgb;
use glam::{Quat, Vec3, Vec4};
use std::f32::consts::TAU;
use vivant::splat::{Life, Motion, Splat};
use vivant::time::TickRate;

/// Petals and sparks over `seconds`; those over the end of the loop come back at its start.
pub(crate) fn drift(seed: u64, seconds: f64, rate: TickRate) -> Vec<Splat> {
    let mut out = Vec::new();
    for index in 0..count(single(seconds * 14.0)) {
        let mut random = Random::new(seed ^ 91, index as u64);
        let t0 = f64::from(random.unit()) * seconds;
        push_looped(&petal(&mut random, t0), seconds, rate, &mut out);
    }
    for index in 0..count(single(seconds * 70.0)) {
        let mut random = Random::new(seed ^ 92, index as u64);
        let t0 = f64::from(random.unit()) * seconds;
        push_looped(&spark(&mut random, t0), seconds, rate, &mut out);
    }
    out
}

/// A place around the dancer, clear of her.
fn around(random: &mut Random, low: f32, high: f32) -> Vec3 {
    let (a, r) = (random.range(0.0, TAU), random.range(0.48, 0.74));
    Vec3::new(a.sin() * r, random.range(low, high), a.cos() * r)
}

fn petal(random: &mut Random, t0: f64) -> Splat {
    let mean = around(random, 0.55, 1.75);
    let sway = Vec3::new(random.bell(), 0.0, random.bell()) * 0.10;
    let rotation = Quat::from_euler(
        glam::EulerRot::YXZ,
        random.range(-3.1, 3.1),
        random.range(-1.5, 1.5),
        random.range(-3.1, 3.1),
    );
    let spin = Vec4::new(random.bell(), random.bell(), random.bell(), 0.0) * 0.45;
    let tone = random.unit();
    let size = random.range(0.0065, 0.0100);
    Splat {
        mean: mean.to_array(),
        rotation: rotation.to_array(),
        scale: [size, size * random.range(0.55, 0.75), 0.0008],
        opacity: random.range(0.65, 0.90),
        colour: colour(srgb(240, 150, 128).lerp(srgb(250, 222, 198), tone)),
        life: Life { t0, sigma_t: random.range(0.40, 0.62), start: 0, end: 0 },
        motion: Motion {
            velocity: (sway + Vec3::NEG_Y * random.range(0.12, 0.20)).to_array(),
            quadratic: (Vec3::new(random.bell(), 0.0, random.bell()) * 0.04).to_array(),
            cubic: (-sway * 0.10).to_array(),
            spin: spin.to_array(),
        },
    }
}

fn spark(random: &mut Random, t0: f64) -> Splat {
    let mean = around(random, 0.20, 1.85);
    let size = random.range(0.0011, 0.0026);
    Splat {
        mean: mean.to_array(),
        scale: [size; 3],
        opacity: random.range(0.35, 0.85),
        colour: colour(srgb(255, 226, 170).lerp(Vec3::ONE, random.unit())),
        life: Life { t0, sigma_t: random.range(0.07, 0.22), start: 0, end: 0 },
        motion: Motion {
            velocity: (Vec3::new(random.bell(), 0.6 + random.unit(), random.bell()) * 0.05).to_array(),
            ..Motion::default()
        },
        ..Splat::DEFAULT
    }
}

fn colour(linear: Vec3) -> [f32; 3] {
    linear.powf(1.0 / 2.2).to_array()
}

/// Adds a splat with a window of ±3.2 standard deviations, cut at the ends of the loop and continued at the other.
fn push_looped(splat: &Splat, seconds: f64, rate: TickRate, out: &mut Vec<Splat>) {
    let length = rate.ticks_from_seconds(seconds);
    let reach = f64::from(splat.life.sigma_t) * 3.2;
    for shift in [-seconds, 0.0, seconds] {
        let t0 = splat.life.t0 + shift;
        let start = rate.ticks_from_seconds(t0 - reach).max(0);
        let end = rate.ticks_from_seconds(t0 + reach).min(length);
        if start < end {
            out.push(Splat { life: Life { t0, start, end, ..splat.life }, ..*splat });
        }
    }
}
