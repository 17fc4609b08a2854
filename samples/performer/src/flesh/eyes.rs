//! Eyeballs: white, iris with its dark ring and spokes, pupil, the shade of the upper lid, and one catch light. Also
//! the skin of closed lids that appears for the blinks.

use crate::anatomy::{EYE, EYE_RADII, HEAD_CENTRE, lids};
use crate::number::{frame, lerp, noise3, step};
use crate::rig::{Bind, HEAD, Side};
use crate::shade::{Material, Seed, srgb};
use crate::sheet::Carrier;
use glam::Vec3;

const SPACING: f32 = 0.00062;
const IRIS: f32 = 0.0064;

pub(super) fn grow(detail: f32) -> Vec<Seed> {
    let spacing = SPACING * detail;
    let mut seeds = Vec::new();
    for side in Side::BOTH {
        // Gaze: ahead, a touch inwards.
        let gaze = Vec3::new(-0.045, 0.005, 1.0).normalize_or(Vec3::Z);
        for direction in sphere(EYE_RADII.x, spacing) {
            let q = EYE + direction * EYE_RADII;
            let (open, height) = lids(q);
            if direction.z < 0.1 || open > 0.0016 {
                continue;
            }
            let normal = (direction / EYE_RADII).normalize_or(Vec3::Z);
            let colour = colour(direction, gaze)
                * (1.0 - 0.42 * step(0.66, 1.04, height))
                * (1.0 - 0.35 * step(-0.0025, 0.0, open));
            seeds.push(splat(side, q, normal, colour, spacing * 0.70));
        }
        let light = (gaze + Vec3::new(-0.17 * side.sign(), 0.20, 0.0)).normalize_or(Vec3::Z);
        let glint =
            |d: Vec3, r: f32, c: f32| splat(side, EYE + d * (EYE_RADII + 0.0006), d, Vec3::splat(c), r);
        seeds.push(glint(light, 0.00075, 1.3));
        let low = (gaze + Vec3::new(0.20 * side.sign(), -0.16, 0.0)).normalize_or(Vec3::Z);
        seeds.push(Seed { opacity: 0.35, ..glint(low, 0.0007, 0.8) });
    }
    seeds
}

fn splat(side: Side, q: Vec3, normal: Vec3, colour: Vec3, sigma: f32) -> Seed {
    let (place, normal) = (HEAD_CENTRE + side.mirror(q), side.mirror(normal));
    Seed {
        carrier: Carrier::Skin(place, frame(Vec3::Y.cross(normal), normal), Bind::to(HEAD)),
        scale: Vec3::new(sigma, sigma, sigma * 0.35),
        opacity: 0.97,
        albedo: colour,
        open: 1.0,
        material: Material::Bare,
    }
}

fn colour(d: Vec3, gaze: Vec3) -> Vec3 {
    let r = ((d - gaze) * EYE_RADII).truncate().length();
    let white = srgb(226, 216, 208) * (0.62 + 0.36 * d.z);
    let spokes = 0.75 + 0.5 * noise3(Vec3::new(d.x, d.y, 0.0).normalize_or(Vec3::X) * 9.0).abs();
    let iris = lerp(srgb(112, 74, 38), srgb(66, 84, 62), step(0.0032, 0.0050, r)) * spokes * 1.1;
    let iris = lerp(iris, srgb(24, 20, 18), step(0.0050, IRIS, r));
    let c = lerp(iris, white, step(IRIS - 0.0002, IRIS + 0.0005, r));
    lerp(srgb(10, 8, 8), c, step(0.0023, 0.0028, r))
}

/// Directions spread evenly over a sphere (golden-angle spiral) at about `spacing` on radius `r`.
fn sphere(r: f32, spacing: f32) -> impl Iterator<Item = Vec3> {
    let n = crate::number::count(4.0 * std::f32::consts::PI * (r / spacing).powi(2) * 1.15);
    (0..n).map(move |k| {
        let z = 1.0 - 2.0 * (k as f32 + 0.5) / n as f32;
        let angle = 2.399_963_2 * k as f32;
        let s = (1.0 - z * z).max(0.0).sqrt();
        Vec3::new(s * angle.cos(), z, s * angle.sin())
    })
}

/// The skin of closed lids over both eyes, with the line of lashes where they meet.
pub(super) fn closed(detail: f32) -> Vec<Seed> {
    let spacing = 0.00095 * detail;
    let mut seeds = Vec::new();
    for side in Side::BOTH {
        for direction in sphere(EYE_RADII.x, spacing) {
            let q = EYE + direction * (EYE_RADII + 0.0011);
            let (open, height) = lids(q);
            if direction.z > 0.1 && open < 0.0012 {
                let skin = lerp(srgb(186, 118, 92), srgb(206, 140, 110), height.clamp(0.0, 1.0));
                let colour = lerp(srgb(44, 26, 20), skin, step(0.10, 0.26, height));
                seeds.push(splat(side, q, direction, colour * 0.92, spacing * 0.75));
            }
        }
    }
    seeds
}
