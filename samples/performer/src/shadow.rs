//! The shadow on the floor: soft dark splats under the body and darker ones under each foot, so that she stands on the
//! ground and does not float. Black at partial opacity darkens whatever floor the host has.

use crate::dance::Pose;
use crate::number::floor_i32;
use crate::rig::{self, Side, of};
use crate::shade::{Material, Seed};
use crate::sheet::{Carrier, Grid};
use crate::solver::Track;
use glam::{Quat, Vec2, Vec3};

/// Height of the shadow: a little below the soles, so that these are drawn over it.
const HEIGHT: f32 = -0.002;
/// Half the edge of the square a shadow is laid on.
const HALF: f32 = 0.5;

/// Squares on the floor that follow the pelvis and the feet: the sheets the shadow lies on.
pub(crate) fn tracks(poses: &[Pose]) -> [Track; 3] {
    let square = |centre: Vec3, turn: Quat| {
        let corner = |x: f32, z: f32| (centre + turn * Vec3::new(x, 0.0, z) * HALF).with_y(HEIGHT);
        vec![corner(-1.0, -1.0), corner(1.0, -1.0), corner(-1.0, 1.0), corner(1.0, 1.0)]
    };
    let foot = |side: Side| {
        let follow = |pose: &Pose| {
            let toe = of(side, rig::TOE);
            let ahead = (pose.rotations[toe] * Vec3::Z).with_y(0.0);
            let turn = Quat::from_rotation_arc(Vec3::Z, ahead.normalize_or(Vec3::Z));
            square(pose.places[toe] - turn * Vec3::Z * 0.05, turn)
        };
        Track::of(poses.iter().map(follow).collect())
    };
    let body = Track::of(poses.iter().map(|pose| square(pose.places[rig::PELVIS], Quat::IDENTITY)).collect());
    [body, foot(Side::Left), foot(Side::Right)]
}

/// The shadow's splats on the three sheets from `first` on.
pub(crate) fn cast(first: usize) -> Vec<Seed> {
    let mut seeds = Vec::new();
    // Under body and skirt: wide and faint.
    for at in disc(0.044, 0.34) {
        let fade = 1.0 - (at.length() / 0.36).powi(2);
        seeds.push(splat(first, at + Vec2::new(0.02, -0.02), 0.040, 0.10 * fade));
    }
    for sheet in [first + 1, first + 2] {
        for at in disc(0.020, 0.09) {
            let long = Vec2::new(at.x * 0.55, at.y * 1.45);
            let fade = 1.0 - (at.length() / 0.095).powi(2);
            seeds.push(splat(sheet, long, 0.017, 0.22 * fade));
        }
    }
    seeds
}

/// Places of a square lattice within a disc.
fn disc(spacing: f32, radius: f32) -> impl Iterator<Item = Vec2> {
    let n = floor_i32(radius / spacing);
    (-n..=n)
        .flat_map(move |j| (-n..=n).map(move |i| Vec2::new(i as f32, j as f32) * spacing))
        .filter(move |p| p.length() < radius)
}

fn splat(sheet: usize, at: Vec2, sigma: f32, opacity: f32) -> Seed {
    let grid = Grid { sheet, columns: 2, rows: 2, round: false };
    Seed {
        carrier: Carrier::Sheet(grid.weave(0.5 + 0.5 * at.x / HALF, 0.5 + 0.5 * at.y / HALF)),
        scale: Vec3::new(sigma, sigma, 0.0008),
        opacity,
        albedo: Vec3::ZERO,
        open: 1.0,
        material: Material::Bare,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dance::Dance;

    #[test]
    fn the_shadow_lies_flat_under_the_dancer() {
        let poses: Vec<Pose> = (0..16_u8).map(|k| Dance::new(8.0).pose(f32::from(k) * 0.5)).collect();
        let tracks = tracks(&poses);
        for (k, pose) in poses.iter().enumerate() {
            for seed in cast(0) {
                let Carrier::Sheet(woven) = &seed.carrier else { continue };
                let (p, q) = woven.at(&tracks[woven.sheet].at(k as f64));
                assert!((p.y - HEIGHT).abs() < 1e-4 && (q * Vec3::Z).y > 0.999, "{p} {q}");
                assert!((p - pose.places[rig::PELVIS]).with_y(0.0).length() < 0.75);
            }
        }
    }
}
