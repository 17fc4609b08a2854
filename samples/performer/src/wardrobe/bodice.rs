//! The bodice and the sash: level sets around the trunk, with neckline, folds and a trim.

use super::{below_neckline, dressed, print};
use crate::anatomy::Body;
use crate::field::{gradient, openness};
use crate::number::{count, frame, lerp, noise3, step};
use crate::scatter::{Region, scatter};
use crate::shade::{Material, Seed, srgb};
use crate::sheet::Carrier;
use glam::{Vec2, Vec3};
use rayon::prelude::*;

/// Lower edge of the sash and its upper edge, rest heights.
const SASH: [f32; 2] = [1.032, 1.092];
/// Distance of the cloth from the body.
const EASE: f32 = 0.0065;
const SPREAD: f32 = 0.76;

/// Folds of the loose cloth: gathers above the sash, drawn to the bust.
fn folds(p: Vec3) -> f32 {
    let angle = p.x.atan2(p.z);
    let gather = step(1.20, 1.10, p.y) * step(1.085, 1.10, p.y);
    let wave = (angle * 17.0 + 1.5 * (angle * 3.0).sin()).sin();
    let drape = 0.0012 * noise3(Vec3::new(p.x * 26.0, p.y * 11.0, p.z * 26.0));
    0.0034 * gather * wave + drape
}

pub(super) fn sew(body: &Body, seed: u64, detail: f32) -> Vec<Seed> {
    let bounds = [Vec3::new(-0.20, 1.02, -0.17), Vec3::new(0.20, 1.45, 0.19)];
    let cloth = |p: Vec3| body.bodice(p) - folds(p);
    let spacing = |p: Vec3| {
        let edge = dressed(p);
        let inside = edge > 0.0 && p.y > SASH[1] - 0.012;
        let (_, near) = print::print(flat(p));
        let fine = near < 0.0030 || edge < 0.006;
        inside.then_some(detail * if fine { 0.0034 } else { 0.0062 })
    };
    let region = Region { field: &cloth, level: EASE, bounds, spacing: &spacing, seed: seed ^ 21 };
    let mut sites: Vec<_> = scatter(&region).into_iter().map(|site| (site, false)).collect();
    let band = |p: Vec3| {
        let turn = p.x.atan2(p.z);
        let crease =
            0.0016 * ((p.y * 330.0) + 0.9 * (turn * 3.0).sin() + 0.6 * (turn * 7.0 + 1.0).sin()).sin();
        body.bodice(p) - crease
    };
    let spacing = |p: Vec3| (p.y > SASH[0] && p.y < SASH[1]).then_some(0.0036 * detail);
    let region = Region { field: &band, level: EASE + 0.0055, bounds, spacing: &spacing, seed: seed ^ 22 };
    sites.extend(scatter(&region).into_iter().map(|site| (site, true)));
    let spacing = |p: Vec3| (dressed(p) > 0.013 && p.y > SASH[1] - 0.02).then_some(0.0115 * detail);
    let region = Region { field: &cloth, level: EASE - 0.004, bounds, spacing: &spacing, seed: seed ^ 23 };
    // A coarse lining of the ground colour, for the same reason as under the skin.
    let lining = scatter(&region).into_iter().map(|site| Seed {
        carrier: Carrier::Skin(
            site.place,
            frame(Vec3::Y.cross(site.normal), site.normal),
            body.bind(site.place),
        ),
        scale: Vec3::new(site.spacing * 0.72, site.spacing * 0.72, 0.0008),
        opacity: 0.97,
        albedo: print::ground(),
        open: 0.7,
        material: Material::Cloth,
    });
    let mut seeds: Vec<Seed> = lining.collect();
    seeds.par_extend(sites.par_iter().map(|&(site, sash)| {
        let p = site.place;
        let field = |q: Vec3| (cloth(q) - EASE).min(body.skin(q));
        let wide = openness(&field, p, site.normal, 0.09);
        let albedo = if sash {
            srgb(206, 84, 62) * (1.0 + 0.05 * noise3(p * 120.0))
        } else {
            let (colour, _) = print::print(flat(p));
            // Trim along the neckline.
            lerp(srgb(206, 84, 62), colour, step(0.0050, 0.0065, below_neckline(p)))
        };
        let crease = if sash { 0.86 + 90.0 * (band(p) - body.bodice(p)) } else { 0.90 + 45.0 * (folds(p)) };
        let sigma = site.spacing * SPREAD;
        let x = Vec3::Y - site.normal * site.normal.y;
        Seed {
            carrier: Carrier::Skin(p, frame(x, site.normal), body.bind(p)),
            scale: Vec3::new(sigma, sigma * 0.95, sigma * 0.28),
            opacity: 0.98,
            albedo,
            open: (0.35 + 0.65 * wide) * crease.clamp(0.4, 1.0),
            material: Material::Cloth,
        }
    }));
    seeds
}

/// Cloth coordinates on the trunk, front and back pieces, nearly true to length also over the shoulder and the flank.
fn flat(p: Vec3) -> Vec2 {
    let out = p.x.signum();
    if p.z > -0.02 {
        Vec2::new(p.x + out * 0.8 * (0.05 - p.z).max(0.0), p.y - 0.6 * (p.z + 0.02))
    } else {
        Vec2::new(0.9 - p.x - out * 0.8 * (p.z + 0.09).max(0.0), p.y + 0.6 * (p.z + 0.02))
    }
}

/// Piping along the neckline: a cord of elongated splats over the edge of the cloth.
pub(super) fn piping(body: &Body, detail: f32) -> Vec<Seed> {
    let mut line: Vec<Vec3> = Vec::new();
    // Down the front from her right shoulder to the left, then back behind the neck.
    for (toward, from) in [(1.0_f32, -1.0_f32), (-1.0, 1.0)] {
        for k in 0..=140_u8 {
            let x = from * (1.0 - f32::from(k) / 70.0) * 0.125;
            if let Some(p) = on_edge(body, x, toward) {
                line.push(p);
            }
        }
    }
    let mut seeds = Vec::new();
    for pair in line.windows(2) {
        let along = pair[1] - pair[0];
        if along.length() > 0.03 || along.length() < 1e-5 {
            continue;
        }
        let pieces = count(along.length() / (0.0022 * detail)).max(1);
        let middle = (pair[0] + pair[1]) * 0.5;
        let normal = gradient(&|p: Vec3| body.bodice(p), middle, 1e-3).normalize_or(Vec3::Z);
        let across = normal.cross(along).normalize_or(Vec3::Y);
        for k in 0..pieces {
            let p = pair[0] + along * ((k as f32 + 0.5) / pieces as f32);
            for (side, lift) in [(-0.0016, 0.0002), (0.0, 0.0011), (0.0016, 0.0002)] {
                seeds.push(Seed {
                    carrier: Carrier::Skin(
                        p + across * side + normal * lift,
                        frame(along, normal),
                        body.bind(p),
                    ),
                    scale: Vec3::new(0.0022 * detail, 0.0010, 0.0008),
                    opacity: 0.97,
                    albedo: srgb(206, 84, 62),
                    open: 0.82 + 100.0 * lift,
                    material: Material::Cloth,
                });
            }
        }
    }
    seeds
}

/// The place of the neckline at `x` on the front (+1) or the back (−1) of the bodice.
fn on_edge(body: &Body, x: f32, toward: f32) -> Option<Vec3> {
    let cloth = |p: Vec3| body.bodice(p) - folds(p) - EASE;
    let mut p = Vec3::new(x, 1.38, -0.02 + 0.10 * toward);
    for _ in 0..14 {
        // Onto the surface along z, then to the edge's height.
        let slope = gradient(&cloth, p, 8e-4);
        p -= slope * (cloth(p) / slope.length_squared().max(0.1)).clamp(-0.02, 0.02);
        p.y += dressed(p).clamp(-0.02, 0.02) * 0.7;
        p.x = x;
    }
    (cloth(p).abs() < 0.0015 && dressed(p).abs() < 0.003).then_some(p)
}
