//! Baked light. Splats of degree 0 have one colour, so light is fixed to the body's facing direction: a key from the
//! upper front at the viewer's left, a cool fill from the right, sky and floor, and a rim from behind. Each splat
//! gets the mean light over the dance, by the normals it really has, times what the surroundings leave open.

use crate::sheet::Carrier;
use crate::solver::Moment;
use glam::{Quat, Vec3};

/// How a surface answers light.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Material {
    /// Light bleeds past the terminator, redder there.
    Skin,
    /// Matte.
    Cloth,
    /// Thin: light from behind shows too.
    Sheer,
    /// Cylinders along x with a highlight across them.
    Hair,
    /// Colour as given.
    Bare,
}

/// A splat before light and time: what carries it, its shape and its own colour in linear light.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seed {
    pub(crate) carrier: Carrier,
    pub(crate) scale: Vec3,
    pub(crate) opacity: f32,
    pub(crate) albedo: Vec3,
    pub(crate) open: f32,
    pub(crate) material: Material,
}

const KEY: Vec3 = Vec3::new(-0.50, 0.62, 0.60);
const KEY_COLOUR: Vec3 = Vec3::new(1.00, 0.95, 0.87);
const FILL: Vec3 = Vec3::new(0.80, 0.15, 0.58);
const FILL_COLOUR: Vec3 = Vec3::new(0.80, 0.90, 1.00);
const RIM: Vec3 = Vec3::new(0.35, 0.45, -0.82);
const SKY: Vec3 = Vec3::new(0.30, 0.32, 0.36);
const FLOOR: Vec3 = Vec3::new(0.15, 0.125, 0.11);

/// Light arriving on a surface with this normal, in the space of the body's facing.
fn irradiance(n: Vec3, material: Material) -> Vec3 {
    let wrap = |l: Vec3, w: f32| ((n.dot(l.normalize_or(Vec3::Y)) + w) / (1.0 + w)).max(0.0);
    let ambient = FLOOR.lerp(SKY, 0.5 + 0.5 * n.y);
    let key = match material {
        Material::Skin => Vec3::new(wrap(KEY, 0.38), wrap(KEY, 0.24), wrap(KEY, 0.20)),
        Material::Sheer => Vec3::splat(0.5 * n.dot(KEY).abs() + 0.35),
        _ => Vec3::splat(wrap(KEY, 0.12)),
    };
    ambient
        + KEY_COLOUR * key * 0.86
        + FILL_COLOUR * (wrap(FILL, 0.2) * 0.20)
        + Vec3::splat(wrap(RIM, 0.0) * 0.26)
}

/// Light on a hair: a cylinder scatters by the angle of its tangent (Kajiya and Kay, 1989).
fn on_hair(tangent: Vec3, n: Vec3) -> (Vec3, f32) {
    let across = |l: Vec3| (1.0 - tangent.dot(l.normalize_or(Vec3::Y)).powi(2)).max(0.0).sqrt();
    let facing = 0.45 + 0.55 * (n.dot(KEY) * 0.7 + 0.3).clamp(0.0, 1.0);
    let half = (KEY.normalize_or(Vec3::Y) + Vec3::new(0.0, 0.1, 1.0)).normalize_or(Vec3::Z);
    let back = (RIM.normalize_or(Vec3::Y) + Vec3::new(0.0, 0.1, -1.0)).normalize_or(Vec3::NEG_Z);
    let shine = across(half).powi(28) * (n.dot(half) * 0.8 + 0.2).clamp(0.0, 1.0)
        + 0.6 * across(back).powi(28) * (n.dot(back) * 0.8 + 0.2).clamp(0.0, 1.0);
    let ambient = FLOOR.lerp(SKY, 0.5 + 0.5 * n.y);
    (ambient + KEY_COLOUR * (0.75 * across(KEY) * facing), shine)
}

impl Seed {
    /// The colour to store: sRGB-encoded.
    pub(crate) fn colour(&self, moments: &[&Moment]) -> [f32; 3] {
        if self.material == Material::Bare {
            return encode(self.albedo);
        }
        let mut sum = Vec3::ZERO;
        for moment in moments {
            let (_, rotation) = self.carrier.at(moment);
            let local: Quat = moment.yaw.conjugate() * rotation;
            let n = local * Vec3::Z;
            sum += if self.material == Material::Hair {
                let (diffuse, shine) = on_hair(local * Vec3::X, n);
                self.albedo * diffuse + (self.albedo + Vec3::splat(0.06)) * (shine * 1.1)
            } else {
                self.albedo * irradiance(n, self.material)
            };
        }
        let mean = sum / moments.len().max(1) as f32;
        // Closed places keep some light, and on skin what they keep is red.
        let dark = 1.0 - self.open;
        let kept = if self.material == Material::Skin {
            Vec3::ONE - Vec3::new(0.62, 0.80, 0.86) * dark
        } else {
            Vec3::ONE - Vec3::splat(0.80) * dark
        };
        encode(mean * kept)
    }
}

/// An sRGB colour of 0..=255 in linear light.
pub(crate) fn srgb(r: u8, g: u8, b: u8) -> Vec3 {
    Vec3::new(f32::from(r), f32::from(g), f32::from(b)).map(|c| {
        let c = c / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    })
}

fn encode(c: Vec3) -> [f32; 3] {
    // A shoulder above 0.8 keeps highlights from clipping.
    c.map(|c| {
        let c = c.max(0.0);
        let c = if c > 0.7 { 0.7 + 0.3 * (1.0 - (-(c - 0.7) / 0.3).exp()) } else { c };
        if c <= 0.003_130_8 { 12.92 * c } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 }
    })
    .to_array()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_undoes_decoding_below_the_shoulder() {
        for c in [0_u8, 5, 40, 120, 200] {
            let [r, g, b] = encode(srgb(c, c, c));
            assert!((r - f32::from(c) / 255.0).abs() < 1e-3 && (r - g).abs() < 1e-6 && (r - b).abs() < 1e-6);
        }
    }

    #[test]
    fn the_key_lights_the_side_it_is_on() {
        let left = irradiance(Vec3::new(-0.7, 0.3, 0.6).normalize_or(Vec3::X), Material::Skin);
        let right = irradiance(Vec3::new(0.7, -0.3, -0.6).normalize_or(Vec3::X), Material::Skin);
        assert!(left.y > 2.0 * right.y);
    }
}
