//! Clothes: a dress of printed cloth (bodice, flutter sleeves, sash, swinging skirt), a sheer overskirt, and a shawl of
//! chiffon. What is bound to the body is modelled at rest; skirt and shawl are simulated sheets.

mod bodice;
mod print;
mod shawl;
mod skirt;
mod sleeve;

pub(crate) use shawl::Shawl;
pub(crate) use skirt::Skirt;

use crate::anatomy::Body;
use crate::number::{Random, step};
use crate::rig::{Side, rest};
use crate::scatter::thin;
use crate::shade::Seed;
use glam::{Vec2, Vec3};

/// All that is sewn to the body itself.
pub(crate) fn tailor(body: &Body, seed: u64, detail: f32) -> Vec<Seed> {
    let mut seeds = bodice::sew(body, seed, detail);
    seeds.extend(bodice::piping(body, detail));
    seeds.extend(sleeve::sew(body, seed, detail));
    seeds
}

/// How far inside the edges of the bodice a rest point of the trunk lies, metres; negative outside.
pub(crate) fn dressed(p: Vec3) -> f32 {
    let q = Side::at(p.x).mirror(p);
    let arm = (rest::ELBOW - rest::SHOULDER).normalize_or(Vec3::X);
    // The armhole cuts across the arm; the trunk below it lies nearer to the middle than any part of the arm.
    let armhole = (0.022 - (q - rest::SHOULDER).dot(arm)).max((0.168 - q.x).min(1.315 - q.y));
    below_neckline(p).min(armhole)
}

/// How far below the neckline a rest point of the trunk lies, metres.
fn below_neckline(p: Vec3) -> f32 {
    let front = step(-0.02, 0.01, p.z + 0.25 * (p.y - 1.40));
    let neck = (1.318 + 9.0 * p.x * p.x) * front + (1.352 + 7.0 * p.x * p.x) * (1.0 - front);
    neck - p.y
}

/// Light that clothes leave to skin at a rest point.
pub(crate) fn covered(p: Vec3) -> f32 {
    let under_skirt = 1.0 - 0.78 * step(0.46, 0.60, p.y) * step(0.90, 0.80, p.y);
    under_skirt * (1.0 - 0.35 * step(-0.012, 0.006, dressed(p)))
}

/// Evenly spread places on a surface given by `place` over the unit square, with the spacing there. Those in `first`
/// come before all others: rows along edges.
fn lay(
    place: impl Fn(Vec2) -> Vec3,
    spacing: impl Fn(Vec2) -> Option<f32>,
    first: Vec<(Vec2, f32)>,
    candidates: usize,
    seed: u64,
) -> Vec<(Vec2, f32)> {
    let mut random = Random::new(seed, 0);
    let mut uv = first;
    uv.extend((0..candidates).filter_map(|_| {
        let at = Vec2::new(random.unit(), random.unit());
        spacing(at).map(|s| (at, s))
    }));
    let points: Vec<(Vec3, f32)> = uv.iter().map(|&(at, s)| (place(at), s)).collect();
    thin(&points).into_iter().map(|index| uv[index]).collect()
}
