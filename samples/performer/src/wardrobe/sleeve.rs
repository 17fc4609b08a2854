//! Flutter sleeves: short flared tubes around the upper arms, fuller below, open at the hem.

use super::{lay, print};
use crate::anatomy::Body;
use crate::number::{count, frame, lerp, step};
use crate::rig::{Side, rest};
use crate::shade::{Material, Seed, srgb};
use crate::sheet::Carrier;
use glam::{Vec2, Vec3};
use std::f32::consts::TAU;

const LENGTH: f32 = 0.185;

/// A place of the left sleeve: u around (0 on top), v from the shoulder to the hem.
fn place(at: Vec2, lift: f32) -> Vec3 {
    let axis = (rest::ELBOW - rest::SHOULDER).normalize_or(Vec3::X);
    let forward = Vec3::Z;
    let up = forward.cross(axis).normalize_or(Vec3::Y);
    let (sin, cos) = (at.x * TAU).sin_cos();
    let t = -0.030 + LENGTH * at.y;
    let flare = 0.0535 + 0.030 * at.y.powf(1.4);
    let wave = (at.x * TAU * 9.0 + 0.8 * (at.x * TAU * 2.0).sin()).sin() * 0.0075 * at.y.powf(1.3);
    let r = flare + wave + lift;
    // The hem hangs lower underneath, and gravity draws the whole down.
    rest::SHOULDER + axis * (t - 0.012 * cos * at.y) + (up * cos * (1.0 - 0.06 * at.y) + forward * sin) * r
        - up * (0.006 * at.y)
}

pub(super) fn sew(body: &Body, seed: u64, detail: f32) -> Vec<Seed> {
    let spacing = |at: Vec2| {
        let p = place(at, 0.0);
        let (_, near) = print::print(flat(at));
        let fine = near < 0.0028 || at.y > 0.93;
        (body.bodice(p) > 0.004 || at.y > 0.5).then_some(detail * if fine { 0.0034 } else { 0.0062 })
    };
    let sites = lay(|at| place(at, 0.0), spacing, hem(detail), 42_000, seed ^ 31);
    let mut seeds = Vec::new();
    for side in Side::BOTH {
        for &(at, spacing) in &sites {
            for inner in [false, true] {
                // The lining is coarser: every third site will do.
                if inner && (at.x * 7919.0).fract() > 0.4 {
                    continue;
                }
                seeds.push(splat(body, side, at, spacing, inner));
            }
        }
    }
    seeds
}

fn splat(body: &Body, side: Side, at: Vec2, spacing: f32, inner: bool) -> Seed {
    let lift = if inner { -0.0035 } else { 0.0 };
    let p = place(at, lift);
    let (du, dv) = (Vec2::new(0.004, 0.0), Vec2::new(0.0, 0.01));
    let u = place(at + du, lift) - place(at - du, lift);
    let v = place(at + dv, lift) - place(at - dv, lift);
    let normal = side.mirror(u.cross(v)).normalize_or(Vec3::Y);
    let outward = p - (rest::SHOULDER + (rest::ELBOW - rest::SHOULDER) * (LENGTH * at.y / 0.27));
    let normal = if normal.dot(side.mirror(outward)) < 0.0 { -normal } else { normal };
    // Bound as the arm below it is: what hangs from the arm goes with the arm, however near the trunk it is.
    let axis = (rest::ELBOW - rest::SHOULDER).normalize_or(Vec3::X);
    let foot = rest::SHOULDER + axis * (p - rest::SHOULDER).dot(axis);
    let core = foot + (p - foot) * 0.35;
    let p = side.mirror(p);
    let (colour, _) = print::print(flat(at));
    let colour = lerp(colour, srgb(206, 84, 62), step(0.955, 0.965, at.y));
    let wave = (at.x * TAU * 9.0 + 0.8 * (at.x * TAU * 2.0).sin()).sin() * at.y;
    let sigma = spacing * if inner { 1.1 } else { 0.76 };
    Seed {
        carrier: Carrier::Skin(p, frame(side.mirror(v), normal), body.bind(side.mirror(core))),
        scale: Vec3::new(sigma, sigma * 0.95, sigma * 0.28),
        opacity: 0.98,
        albedo: if inner { colour * 0.45 } else { colour },
        open: if inner { 0.5 } else { 0.86 + 0.14 * wave },
        material: Material::Cloth,
    }
}

/// Sites along the hem.
fn hem(detail: f32) -> Vec<(Vec2, f32)> {
    let spacing = 0.0028 * detail;
    let count = count(TAU * 0.095 / spacing);
    [0.993, 0.972]
        .iter()
        .flat_map(|&v| (0..count).map(move |k| (Vec2::new(k as f32 / count as f32, v), spacing)))
        .collect()
}

fn flat(at: Vec2) -> Vec2 {
    Vec2::new(at.x * 0.46 + 3.0, at.y * LENGTH)
}
