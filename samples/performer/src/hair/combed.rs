//! Hair on the skull: roots spread over the scalp, each strand following the skull to the tie. Loose strands frame the
//! face, and short half-transparent ones soften the hairline.

use super::{Look, TIE, chain, strand_colour};
use crate::anatomy::{Body, HEAD_CENTRE, hairline};
use crate::field::project;
use crate::number::{Random, count, frame, noise3, step};
use crate::rig::{Bind, HEAD, Side};
use crate::scatter::{Region, scatter};
use crate::shade::{Material, Seed, srgb};
use crate::sheet::Carrier;
use glam::Vec3;
use rayon::prelude::*;
use std::f32::consts::TAU;

const STEP: f32 = 0.0125;

pub(super) fn grow(body: &Body, seed: u64, detail: f32) -> Vec<Seed> {
    let scalp = |p: Vec3| body.scalp(p + HEAD_CENTRE);
    let roots_at = |spacing: f32, level: f32, inset: f32, stream: u64| {
        let spacing = |p: Vec3| {
            let q = Vec3::new(p.x.abs(), p.y, p.z);
            let rooted =
                q.y > hairline(q.z) + inset && (q - Vec3::new(0.074, -0.006, -0.012)).length() > 0.028;
            rooted.then_some(spacing)
        };
        let bounds = [Vec3::new(-0.1, -0.09, -0.13), Vec3::new(0.1, 0.14, 0.11)];
        scatter(&Region { field: &scalp, level, bounds, spacing: &spacing, seed: seed ^ stream })
    };
    // A dark ground below the strands, so that nothing pale shows between them.
    let mut seeds: Vec<Seed> = roots_at(0.0052 * detail, 0.0035, 0.006, 61)
        .iter()
        .map(|site| Seed {
            carrier: Carrier::Skin(
                HEAD_CENTRE + site.place,
                frame(TIE - site.place, site.normal),
                Bind::to(HEAD),
            ),
            scale: Vec3::new(0.0046, 0.0036, 0.0010) * detail,
            opacity: 0.98,
            albedo: srgb(52, 31, 20),
            open: 0.75,
            material: Material::Cloth,
        })
        .collect();
    let roots = roots_at(0.0066 * detail, 0.0045, 0.0, 62);
    let strands: Vec<Vec<Seed>> = roots
        .par_iter()
        .enumerate()
        .map(|(index, site)| {
            let mut random = Random::new(seed ^ 63, index as u64);
            strand(&scalp, site.place, &mut random)
        })
        .collect();
    seeds.extend(strands.into_iter().flatten());
    seeds.extend(hairline_down(body, seed));
    seeds.extend(wisps(seed));
    seeds.extend(scrunchie(seed));
    seeds
}

/// One strand from its root over the skull to the tie.
fn strand(scalp: &(impl Fn(Vec3) -> f32 + Sync), root: Vec3, random: &mut Random) -> Vec<Seed> {
    let mut points = vec![root];
    let mut p = root;
    let lift = random.range(0.0, 0.0045);
    let sway = random.range(-0.25, 0.25);
    let start = (TIE - root).length();
    for k in 0..26_u8 {
        let rest = TIE - p;
        if rest.length() < STEP * 1.2 {
            points.push(TIE);
            break;
        }
        let g = crate::field::gradient(scalp, p, 1e-3).normalize_or(Vec3::Y);
        let tangent = (rest - g * rest.dot(g)).normalize_or(rest);
        let side = tangent.cross(g);
        let wave = sway + 0.16 * noise3(p * 45.0);
        let next = p + (tangent + side * wave * 0.6).normalize_or(tangent) * STEP;
        // Volume over the crown, close at the roots and at the tie.
        let t = 1.0 - (TIE - next).length() / start.max(0.02);
        let crown = step(0.0, 0.09, next.y) * 0.007;
        let level =
            0.0045 + (lift + crown) * step(0.0, 0.25, t.max(f32::from(k) * 0.08)) * step(1.0, 0.75, t);
        let Some((q, _)) = project(scalp, next, level, 1e-3) else { break };
        points.push(q);
        p = q;
    }
    let look = Look {
        colour: strand_colour(random),
        width: random.range(0.0013, 0.0020),
        taper: 0.2,
        fade: 0.0,
        opacity: 0.90,
        open: random.range(0.80, 1.0),
    };
    chain(&points, |p| p - Vec3::new(0.0, 0.02, -0.01), &look)
}

/// Fine short hairs along the front hairline, half transparent.
fn hairline_down(body: &Body, seed: u64) -> Vec<Seed> {
    let scalp = |p: Vec3| body.scalp(p + HEAD_CENTRE);
    let mut seeds = Vec::new();
    for index in 0..420_u16 {
        let mut random = Random::new(seed ^ 64, u64::from(index));
        let side = if index % 2 == 0 { Side::Left } else { Side::Right };
        let z = random.range(0.012, 0.078);
        let (y, x) = (
            hairline(z) + random.range(-0.006, 0.003),
            if z > 0.070 { random.range(0.0, 0.04) } else { 0.055 },
        );
        let Some((p, n)) = project(&scalp, side.mirror(Vec3::new(x, y, z)), 0.0010, 1e-3) else { continue };
        let to = TIE - p;
        let along = (to - n * to.dot(n)).normalize_or(Vec3::Y) + Vec3::new(random.bell() * 0.25, 0.3, 0.0);
        let along = along.normalize_or(Vec3::Y);
        let points: Vec<Vec3> =
            (0..4_u8).map(|k| p + along * (0.0065 * f32::from(k)) + n * (0.0012 * f32::from(k))).collect();
        let look = Look {
            colour: strand_colour(&mut random),
            width: 0.0006,
            taper: 0.0,
            fade: -0.5,
            opacity: 0.40,
            open: 0.9,
        };
        seeds.extend(chain(&points, |_| n, &look));
    }
    seeds
}

/// Loose locks before the ears, and flyaway hairs around the crown.
fn wisps(seed: u64) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for index in 0..84_u16 {
        let mut random = Random::new(seed ^ 65, u64::from(index));
        let side = if index % 2 == 0 { Side::Left } else { Side::Right };
        let root = Vec3::new(0.0615, 0.046, 0.046) + Vec3::new(0.0, random.bell(), random.bell()) * 0.004;
        let length = random.range(0.085, 0.135);
        let (curl, drift) = (random.range(0.7, 1.4), random.bell() * 0.0045);
        let points: Vec<Vec3> = (0..13_u8)
            .map(|k| {
                let s = f32::from(k) / 12.0;
                let bow = 0.0135 * (s * 3.0).sin().max(0.0) + 0.010 * s;
                let wave = 0.0055 * (s * 7.0 * curl + 0.6).sin() * s;
                side.mirror(root + Vec3::new(bow + wave, -length * s, 0.008 * s + wave + drift * s * 1.5))
            })
            .collect();
        let look = Look {
            colour: strand_colour(&mut random),
            width: random.range(0.0007, 0.0011),
            taper: 0.5,
            fade: 0.55,
            opacity: 0.62,
            open: 0.9,
        };
        seeds.extend(chain(&points, |p| Vec3::new(p.x, 0.0, 0.03), &look));
    }
    for index in 0..150_u16 {
        let mut random = Random::new(seed ^ 66, u64::from(index));
        let a = random.range(-1.4, 1.4);
        let z = random.range(-0.07, 0.05);
        let up = Vec3::new(a.sin(), a.cos(), 0.0);
        let root = Vec3::new(up.x * 0.074, 0.034 + up.y * 0.082, z) + up * 0.007;
        let along = (Vec3::NEG_Z + up * random.range(0.15, 0.5) + Vec3::X * random.bell() * 0.25)
            .normalize_or(Vec3::NEG_Z);
        let points: Vec<Vec3> = (0..4_u8)
            .map(|k| {
                let s = f32::from(k);
                root + along * (0.011 * s) - up * (0.0016 * s * s)
            })
            .collect();
        let look = Look {
            colour: strand_colour(&mut random) * 1.2,
            width: 0.00045,
            taper: 0.3,
            fade: 0.5,
            opacity: 0.35,
            open: 1.0,
        };
        seeds.extend(chain(&points, |_| up, &look));
    }
    seeds
}

/// The band that ties the hair: a gathered ring of coral cloth.
fn scrunchie(seed: u64) -> Vec<Seed> {
    let axis = Vec3::new(0.0, 0.25, -1.0).normalize_or(Vec3::NEG_Z);
    let (u, v) = (Vec3::X, axis.cross(Vec3::X));
    let mut random = Random::new(seed, 67);
    (0..count(620.0))
        .map(|_| {
            let (a, b) = (random.range(0.0, TAU), random.range(0.0, TAU));
            let out = u * a.cos() + v * a.sin();
            let ruffle = (a * 11.0 + 0.7 * (a * 3.0).sin()).sin();
            let minor = 0.0078 + 0.0022 * ruffle;
            let normal = out * b.cos() + axis * b.sin();
            let p = TIE + axis * 0.006 + out * 0.0165 + normal * minor;
            Seed {
                carrier: Carrier::Skin(HEAD_CENTRE + p, frame(axis.cross(out), normal), Bind::to(HEAD)),
                scale: Vec3::new(0.0017, 0.0022, 0.0007),
                opacity: 0.97,
                albedo: srgb(206, 84, 62),
                open: 0.75 + 0.25 * ruffle,
                material: Material::Cloth,
            }
        })
        .collect()
}
