//! Everything of the body that is not cloth or hair: skin with its colours, eyes, nails.

mod complexion;
mod eyes;

use crate::anatomy::{Body, EYE, HEAD_CENTRE, hairline};
use crate::field::openness;
use crate::number::frame;
use crate::rig::{Side, hand_axes, rest};
use crate::scatter::{Region, Site, scatter};
use crate::shade::{Material, Seed};
use crate::sheet::Carrier;
use crate::wardrobe;
use glam::Vec3;
use rayon::prelude::*;

/// Tangential standard deviation of a splat as a share of the sites' spacing: neighbours overlap without blurring.
const SPREAD: f32 = 0.78;

/// All skin and eye splats. `detail` scales every spacing; 1 is the design's.
pub(crate) fn grow(body: &Body, seed: u64, detail: f32) -> Vec<Seed> {
    let field = |p: Vec3| body.skin(p);
    let mut sites = Vec::new();
    let mut sample = |low: Vec3, high: Vec3, stream: u64, spacing: &(dyn Fn(Vec3) -> Option<f32> + Sync)| {
        let spacing = |p: Vec3| spacing(p).map(|s| s * detail);
        let region =
            Region { field: &field, level: 0.0, bounds: [low, high], spacing: &spacing, seed: seed ^ stream };
        sites.extend(scatter(&region));
    };
    sample(Vec3::new(-0.12, 1.44, -0.14), Vec3::new(0.12, 1.72, 0.15), 11, &|p| {
        (p.y > 1.445).then(|| head_spacing(p))
    });
    sample(Vec3::new(-0.56, 0.95, -0.16), Vec3::new(0.56, 1.46, 0.16), 12, &|p| {
        let q = Side::at(p.x).mirror(p);
        let bare = p.y <= 1.447 && beyond_wrist(q) < 0.0 && wardrobe::dressed(p) < 0.014;
        let s = if (q - rest::ELBOW).length() < 0.065 {
            // Bending spreads the skin of the elbow.
            0.0040
        } else if q.x < 0.16 {
            0.0046
        } else {
            0.0057
        };
        bare.then_some(s)
    });
    for (stream, side) in [(13, Side::Left), (14, Side::Right)] {
        let centre = side.mirror(rest::WRIST + hand_axes()[0] * 0.08);
        sample(centre - Vec3::splat(0.13), centre + Vec3::splat(0.13), stream, &|p| {
            (beyond_wrist(side.mirror(p)) >= 0.0).then_some(0.0023)
        });
    }
    sample(Vec3::new(-0.20, -0.02, -0.14), Vec3::new(0.20, 0.80, 0.20), 15, &|p| {
        (p.y < 0.78 && p.y > -0.01).then(|| leg_spacing(p))
    });
    let mut seeds: Vec<Seed> = sites.par_iter().filter_map(|site| skin_splat(body, site)).collect();
    seeds.extend(under(body, seed, detail));
    seeds.extend(eyes::grow(detail));
    seeds
}

/// A coarse layer below the skin, of the skin's colour: no gap between splats looks through the body.
fn under(body: &Body, seed: u64, detail: f32) -> Vec<Seed> {
    let field = |p: Vec3| body.skin(p);
    let spacing = |p: Vec3| {
        let hidden = p.y < 1.447 && p.y > 0.80 && wardrobe::dressed(p) > 0.014;
        let inside_hand = beyond_wrist(Side::at(p.x).mirror(p)) > 0.0 && p.y > 0.7;
        let elbow = (Side::at(p.x).mirror(p) - rest::ELBOW).length() < 0.06;
        let s = if inside_hand {
            0.0040
        } else if elbow || p.y > 1.45 || p.y < 0.06 {
            0.0062
        } else {
            0.0125
        };
        (!hidden && p.y < 1.66).then_some(s * detail)
    };
    let bounds = [Vec3::new(-0.64, 0.0, -0.16), Vec3::new(0.64, 1.66, 0.18)];
    let region = Region { field: &field, level: -0.0032, bounds, spacing: &spacing, seed: seed ^ 16 };
    scatter(&region)
        .par_iter()
        .filter(|site| body.eye(site.place) > 0.004)
        .map(|site| Seed {
            carrier: Carrier::Skin(
                site.place,
                frame(Vec3::Y.cross(site.normal), site.normal),
                body.bind(site.place),
            ),
            scale: Vec3::new(site.spacing * 0.72, site.spacing * 0.72, 0.0008),
            opacity: 0.97,
            albedo: complexion::albedo(site.place + site.normal * 0.0032, site.normal).0,
            open: 0.75 * wardrobe::covered(site.place),
            material: Material::Skin,
        })
        .collect()
}

fn beyond_wrist(q: Vec3) -> f32 {
    (q - rest::WRIST).dot(hand_axes()[0])
}

fn leg_spacing(p: Vec3) -> f32 {
    if p.y > 0.56 {
        0.0105
    } else if p.y > 0.12 {
        0.0058
    } else if (p.y - complexion::shoe_edge(p.z)).abs() > 0.006 || p.y < 0.004 {
        0.0046
    } else {
        0.0026
    }
}

fn head_spacing(p: Vec3) -> f32 {
    let h = p - HEAD_CENTRE;
    let q = Vec3::new(h.x.abs(), h.y, h.z);
    if q.y > hairline(q.z) + 0.010 {
        return 0.0045;
    }
    if q.y < -0.095 && q.z < 0.04 {
        return 0.0036;
    }
    let eye = (q.with_z(0.0) - EYE.with_z(0.0)) / Vec3::new(1.25, 1.0, 1.0);
    let lips = (q - Vec3::new(0.0, -0.065, 0.09)) / Vec3::new(1.5, 0.8, 1.4);
    if q.z < 0.03 {
        0.0024
    } else if eye.length() < 0.014 {
        0.00090
    } else if lips.length() < 0.017 {
        0.00105
    } else if q.x < 0.020 && q.y > -0.05 && q.y < 0.0 {
        0.00135
    } else {
        0.0017
    }
}

fn skin_splat(body: &Body, site: &Site) -> Option<Seed> {
    // Walls of the lids' opening that lie behind the eyeball's surface are never seen.
    if body.eye(site.place) < 0.0004 {
        return None;
    }
    let field = |p: Vec3| body.skin(p).min(body.eye(p));
    let (albedo, material) = complexion::albedo(site.place, site.normal);
    let near = openness(&field, site.place, site.normal, 0.012);
    let wide = openness(&field, site.place, site.normal, 0.10);
    let covered = wardrobe::covered(site.place);
    let tangent = site.spacing * SPREAD;
    // Long axis along limbs; on the head around it.
    let along = if site.place.y > 1.45 { Vec3::X } else { Vec3::Y };
    let x = along - site.normal * along.dot(site.normal);
    Some(Seed {
        carrier: Carrier::Skin(site.place, frame(x, site.normal), body.bind(site.place)),
        scale: Vec3::new(tangent * 1.12, tangent * 0.94, (tangent * 0.30).max(0.0003)),
        opacity: 0.97,
        albedo,
        open: (0.45 + 0.55 * near) * (0.25 + 0.75 * wide) * covered,
        material,
    })
}

/// Closed lids, for the blinks.
pub(crate) fn lids(detail: f32) -> Vec<Seed> {
    eyes::closed(detail)
}
