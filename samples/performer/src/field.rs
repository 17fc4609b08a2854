//! Signed distance fields: the clay the body is modelled in. Pure functions of a point; metres; negative inside.
//!
//! Two primitives do most of the work. A round cone is a tapered capsule. A *loft* is a stack of elliptical cross
//! sections along an axis, the radii interpolated by a cubic, as an artist would give a limb's profile; its value
//! is the first-order distance of an ellipse, `k0 (k0 − 1) / k1`. Parts are joined by the polynomial smooth
//! minimum (Quilez, "smooth minimum"), whose blend width is a length in metres.

use crate::number::hermite;
use glam::Vec3;

/// Joins two fields with a fillet of about `k`.
pub(crate) fn join(a: f32, b: f32, k: f32) -> f32 {
    let h = (k - (a - b).abs()).max(0.0) / k;
    a.min(b) - h * h * k * 0.25
}

/// Removes `b` from `a` with a rounded edge of about `k`.
pub(crate) fn carve(a: f32, b: f32, k: f32) -> f32 {
    -join(-a, b, k)
}

/// An axis-aligned ellipsoid at the origin.
pub(crate) fn ellipsoid(p: Vec3, radii: Vec3) -> f32 {
    let k0 = (p / radii).length();
    let k1 = (p / (radii * radii)).length();
    if k1 < 1e-9 { -radii.min_element() } else { k0 * (k0 - 1.0) / k1 }
}

/// A capsule whose radius runs from `ra` at `a` to `rb` at `b`.
pub(crate) fn cone(p: Vec3, a: Vec3, b: Vec3, ra: f32, rb: f32) -> f32 {
    let ab = b - a;
    let t = ((p - a).dot(ab) / ab.length_squared()).clamp(0.0, 1.0);
    (p - a - ab * t).length() - (ra + (rb - ra) * t)
}

/// One cross section of a [`Loft`]: place along the axis in 0..1, radii along u and v, offset of its centre along u and v.
pub(crate) type Section = [f32; 5];

/// A stack of elliptical sections along an axis.
#[derive(Debug, Clone)]
pub(crate) struct Loft {
    origin: Vec3,
    axis: Vec3,
    length: f32,
    u: Vec3,
    v: Vec3,
    caps: [f32; 2],
    sections: &'static [Section],
}

impl Loft {
    /// From `a` to `b`, sections' v axis as near to `v` as can be, ellipsoidal caps of the given lengths.
    pub(crate) fn new(a: Vec3, b: Vec3, v: Vec3, caps: [f32; 2], sections: &'static [Section]) -> Self {
        let axis = (b - a).normalize_or(Vec3::Y);
        let v = (v - axis * axis.dot(v)).normalize_or(Vec3::Z);
        Self { origin: a, axis, length: (b - a).length(), u: axis.cross(v), v, caps, sections }
    }

    /// Distance to the surface, to first order.
    pub(crate) fn at(&self, p: Vec3) -> f32 {
        let d = p - self.origin;
        let along = d.dot(self.axis) / self.length;
        let s = along.clamp(0.0, 1.0);
        let last = self.sections.len() - 1;
        let i = self.sections.iter().rposition(|k| k[0] <= s).unwrap_or(0).min(last - 1);
        let get = |c: usize| hermite(self.sections, i, s, |k| k[c]);
        let excess = (along - s) * self.length;
        let cap = if excess < 0.0 { self.caps[0] } else { self.caps[1] };
        ellipsoid(
            Vec3::new(d.dot(self.u) - get(3), d.dot(self.v) - get(4), excess),
            Vec3::new(get(1), get(2), cap),
        )
    }
}

/// Gradient by central differences over ±`h`.
pub(crate) fn gradient(field: &impl Fn(Vec3) -> f32, p: Vec3, h: f32) -> Vec3 {
    let along = |e: Vec3| field(p + e) - field(p - e);
    Vec3::new(along(Vec3::X * h), along(Vec3::Y * h), along(Vec3::Z * h)) / (2.0 * h)
}

/// Moves a point onto the level set `field = level` by Newton steps; the point and the unit normal there, or `None`
/// where it does not arrive.
pub(crate) fn project(field: &impl Fn(Vec3) -> f32, mut p: Vec3, level: f32, h: f32) -> Option<(Vec3, Vec3)> {
    for _ in 0..6 {
        let g = gradient(field, p, h);
        let d = field(p) - level;
        if d.abs() < 5e-5 {
            break;
        }
        p -= g * (d / g.length_squared().max(0.05)).clamp(-0.03, 0.03);
    }
    let arrived = (field(p) - level).abs() < 4e-4;
    let normal = gradient(field, p, h).try_normalize()?;
    arrived.then_some((p, normal))
}

/// How open the space before a surface is, 0..1: compares the field with the distance walked along the normal
/// (Evans, "Fast approximations for global illumination on dynamic scenes", 2006).
pub(crate) fn openness(field: &impl Fn(Vec3) -> f32, p: Vec3, normal: Vec3, reach: f32) -> f32 {
    let mut closed = 0.0;
    let mut weight = 1.0;
    let mut total = 0.0;
    for i in 1..=5_u8 {
        let d = reach * f32::from(i) / 5.0;
        closed += weight * (d - field(p + normal * d)).max(0.0) / d;
        total += weight;
        weight *= 0.75;
    }
    (1.0 - closed / total).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projection_lands_on_a_sphere_with_its_normal() {
        let sphere = |p: Vec3| ellipsoid(p, Vec3::splat(0.2));
        let (p, n) = project(&sphere, Vec3::new(0.1, 0.25, -0.03), 0.0, 1e-3).unwrap();
        assert!((p.length() - 0.2).abs() < 5e-4);
        assert!(n.dot(p) > 0.199);
    }

    #[test]
    fn joining_never_shrinks_and_carving_never_grows() {
        for i in 0..100_u8 {
            let (a, b) = (f32::from(i) * 0.003 - 0.1, 0.07 - f32::from(i) * 0.001);
            assert!(join(a, b, 0.03) <= a.min(b) + 1e-7);
            assert!(carve(a, b, 0.03) >= a - 1e-7);
        }
    }
}
