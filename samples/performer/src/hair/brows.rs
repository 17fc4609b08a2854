//! Eyebrows and eyelashes: single fine hairs.

use super::{Look, chain};
use crate::anatomy::{Body, EYE, EYE_RADII, HEAD_CENTRE, LID_HALF, lower_lid, upper_lid};
use crate::field::gradient;
use crate::number::{Random, step, through};
use crate::rig::Side;
use crate::shade::{Seed, srgb};
use glam::Vec3;

pub(super) fn grow(body: &Body, seed: u64) -> Vec<Seed> {
    let mut seeds = brows(body, seed);
    seeds.extend(lashes(seed));
    seeds
}

/// Hairs rise from the inner end and lie down along the arch.
fn brows(body: &Body, seed: u64) -> Vec<Seed> {
    let head = |p: Vec3| body.head(p + HEAD_CENTRE);
    let mut seeds = Vec::new();
    for index in 0..440_u16 {
        let mut random = Random::new(seed ^ 71, u64::from(index));
        let side = if index % 2 == 0 { Side::Left } else { Side::Right };
        let t = random.unit();
        let x = 0.0130 + 0.0350 * t;
        let arch = through(&[[0.0, 0.0188], [0.35, 0.0210], [0.66, 0.0230], [1.0, 0.0205]], t);
        let thick = 0.0025 * step(-0.1, 0.18, t) * (1.0 - 0.72 * t);
        let y = arch + random.bell() * 0.5 * thick;
        let (p, n) = press(&head, side.mirror(Vec3::new(x, y, 0.085)));
        let lean = through(&[[0.0, 0.70], [0.25, 0.32], [0.6, 0.08], [1.0, -0.40]], t) + 0.20 * random.bell();
        let along = side.mirror(Vec3::new(lean.cos(), lean.sin(), -0.55));
        let along = (along - n * along.dot(n)).normalize_or(Vec3::X);
        let length = random.range(0.0040, 0.0062);
        let points = [p, p + along * (0.5 * length) + n * 0.0003, p + along * length];
        let look = Look {
            colour: srgb(52, 32, 22),
            width: 0.00030,
            taper: 0.4,
            fade: 0.3,
            opacity: 0.42,
            open: 0.9,
        };
        seeds.extend(chain(&points, |_| n, &look));
    }
    seeds
}

/// Pushes a point straight back onto the face, keeping its place in the frontal plane.
fn press(head: &impl Fn(Vec3) -> f32, mut p: Vec3) -> (Vec3, Vec3) {
    for _ in 0..12 {
        let slope = gradient(head, p, 4e-4);
        p.z -= ((head(p) - 0.0005) / slope.z.max(0.4)).clamp(-0.01, 0.01);
    }
    (p, gradient(head, p, 4e-4).normalize_or(Vec3::Z))
}

/// Upper lashes sweep out and up, longer at the outer corner; lower ones are short and sparse.
fn lashes(seed: u64) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for side in Side::BOTH {
        for index in 0..96_u8 {
            let mut random = Random::new(seed ^ 72, u64::from(index) * 2 + u64::from(side == Side::Left));
            let upper = index < 70;
            let t = if upper { f32::from(index) / 69.0 } else { f32::from(index - 70) / 25.0 } * 1.84 - 0.92;
            let x = LID_HALF * t;
            let y = if upper { upper_lid(t) } else { lower_lid(t) } + 0.10 * x;
            let r = EYE_RADII + 0.0012;
            let z = r.z * (1.0 - (x / r.x).powi(2) - (y / r.y).powi(2)).max(1e-6).sqrt();
            let root = EYE + Vec3::new(x, y, z);
            let fan = 0.55 * t + 0.16 * random.bell();
            let (rise, length) =
                if upper { (0.55, (0.0044 + 0.0022 * t) * random.range(0.8, 1.1)) } else { (-0.45, 0.0030) };
            let out = Vec3::new(fan, rise * 0.5, 0.9).normalize_or(Vec3::Z);
            let end = Vec3::new(fan * 1.2, rise * 2.0, 0.55).normalize_or(Vec3::Y);
            let points =
                [root, root + out * (0.5 * length), root + out * (0.5 * length) + end * (0.5 * length)]
                    .map(|p| side.mirror(p));
            let look = Look {
                colour: srgb(20, 12, 10),
                width: if upper { 0.00022 } else { 0.00016 },
                taper: 0.5,
                fade: 0.3,
                opacity: if upper { 0.55 } else { 0.28 },
                open: 0.6,
            };
            seeds.extend(chain(&points, |p| p, &look));
        }
    }
    seeds
}
