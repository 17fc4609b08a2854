//! Hair: strands combed back over the skull to a tie, a ponytail that swings, loose wisps, brows and lashes. Every strand
//! is a chain of elongated splats, x along it.

mod brows;
mod combed;
mod tail;

pub(crate) use tail::Tail;

use crate::anatomy::{Body, HEAD_CENTRE};
use crate::number::{Random, frame, lerp};
use crate::rig::{Bind, HEAD};
use crate::shade::{Material, Seed, srgb};
use crate::sheet::Carrier;
use glam::Vec3;

/// Where the hair is tied, in head space.
const TIE: Vec3 = Vec3::new(0.0, 0.044, -0.112);

/// All hair bound to the head.
pub(crate) fn comb(body: &Body, seed: u64, detail: f32) -> Vec<Seed> {
    let mut seeds = combed::grow(body, seed, detail);
    seeds.extend(brows::grow(body, seed));
    seeds
}

/// A strand's colour: brown with auburn and lighter ones among it.
fn strand_colour(random: &mut Random) -> Vec3 {
    let base = lerp(srgb(58, 34, 22), srgb(104, 62, 36), random.unit().powi(2));
    lerp(base, srgb(150, 94, 52), if random.unit() > 0.93 { 0.6 } else { 0.0 }) * random.range(0.80, 1.15)
}

/// Splats along a polyline in head space, bound to the head.
fn chain(points: &[Vec3], outward: impl Fn(Vec3) -> Vec3, look: &Look) -> Vec<Seed> {
    let mut out = Vec::with_capacity(points.len());
    for (k, pair) in points.windows(2).enumerate() {
        let middle = (pair[0] + pair[1]) * 0.5;
        let t = (k as f32 + 0.5) / (points.len() - 1) as f32;
        let along = pair[1] - pair[0];
        let normal = outward(middle);
        let normal =
            (normal - along * (normal.dot(along) / along.length_squared().max(1e-12))).normalize_or(Vec3::Z);
        let width = look.width * (1.0 - look.taper * t);
        out.push(Seed {
            carrier: Carrier::Skin(HEAD_CENTRE + middle, frame(along, normal), Bind::to(HEAD)),
            scale: Vec3::new(along.length() * 0.52, width, width * 0.6),
            opacity: look.opacity * (1.0 - look.fade * t),
            albedo: look.colour,
            open: look.open,
            material: Material::Hair,
        });
    }
    out
}

/// How a strand looks.
#[derive(Debug, Clone, Copy)]
struct Look {
    colour: Vec3,
    width: f32,
    /// Share of the width, and of the opacity, lost at the tip.
    taper: f32,
    fade: f32,
    opacity: f32,
    open: f32,
}
