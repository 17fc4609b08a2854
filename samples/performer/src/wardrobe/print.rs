//! The printed fabric: cream blossoms with coral hearts and small buds on deep teal. A function of flat cloth
//! coordinates in metres, with the distance to the nearest printed edge, so that splats can be set closer there.

use crate::number::{floor_i32, hash2, turn2};
use crate::shade::srgb;
use glam::{Vec2, Vec3};

/// The cloth's own colour.
pub(crate) fn ground() -> Vec3 {
    srgb(18, 76, 88)
}

/// Colour of the print at a place of the cloth, and distance to the nearest edge in the print, metres.
pub(crate) fn print(at: Vec2) -> (Vec3, f32) {
    let mut best = (ground(), f32::INFINITY);
    let (cell, row) = (Vec2::new(0.070, 0.062), floor_i32(at.y / 0.062));
    for j in row - 1..=row + 1 {
        let shift = if j.rem_euclid(2) == 0 { 0.0 } else { 0.5 };
        let column = floor_i32(at.x / cell.x - shift);
        for i in column - 1..=column + 1 {
            let centre = Vec2::new(i as f32 + shift + 0.5, j as f32 + 0.5)
                + Vec2::new(hash2(i, j, 3) - 0.5, hash2(i, j, 4) - 0.5) * 0.34;
            let d = turn2(at - centre * cell, 6.3 * hash2(i, j, 5));
            let size = 0.0175 + 0.0065 * hash2(i, j, 6);
            let (colour, edge) = blossom(d, size, hash2(i, j, 8));
            if let Some(colour) = colour {
                return (colour, edge);
            }
            best.1 = best.1.min(edge);
            let bud = turn2(d, 1.0) - Vec2::new(0.033, 0.0);
            let edge = bud.length() - 0.0048;
            if edge < 0.0 {
                return (srgb(226, 106, 82), -edge);
            }
            best.1 = best.1.min(edge);
        }
    }
    best
}

/// Five petals around a heart; the colour inside, and the distance to the nearest edge.
fn blossom(d: Vec2, size: f32, tone: f32) -> (Option<Vec3>, f32) {
    let (r, angle) = (d.length(), d.y.atan2(d.x));
    let petal = (2.5 * angle).cos().abs();
    let rim = size * (0.50 + 0.50 * petal.powf(0.6));
    let edge = (r - rim) * 0.85;
    if edge >= 0.0 {
        return (None, edge);
    }
    let heart = r - 0.26 * size;
    let nearest = edge.abs().min(heart.abs());
    if heart < 0.0 {
        return (Some(srgb(226, 106, 72)), nearest);
    }
    // Petals darken towards the heart along their veins.
    let cream = srgb(246, 228, 202) * (0.92 + 0.08 * tone);
    let rose = srgb(238, 176, 150);
    let inner = (1.0 - (r / rim)).powi(2) * 0.9;
    (Some(cream.lerp(rose, inner.clamp(0.0, 1.0))), nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_changes_only_where_the_edge_is_near() {
        let step = 0.0004;
        for k in 0..4000_u16 {
            let at = Vec2::new(f32::from(k) * step, 0.031);
            let (a, near) = print(at);
            let (b, _) = print(at + Vec2::new(step, 0.0));
            assert!((a - b).length() < 0.15 || near < 3.0 * step, "{at}");
        }
    }
}
