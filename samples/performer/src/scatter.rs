//! Even sampling of a surface: candidates from the cells a level set passes through, thinned to a minimum distance.
//!
//! A box is divided until cells are a few spacings wide; cells the surface cannot reach are dropped on the way. In
//! the rest random points are moved onto the surface, then thinned so that no two are nearer than the spacing asked
//! for there (Cook, "Stochastic sampling in computer graphics", 1986). Cells draw from their own random streams, so
//! the result does not depend on the number of threads.

use crate::field::{gradient, project};
use crate::number::{Random, count, floor_i32};
use glam::Vec3;
use rayon::prelude::*;

/// A point on a surface, its outward normal, and the distance its neighbours keep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site {
    pub(crate) place: Vec3,
    pub(crate) normal: Vec3,
    pub(crate) spacing: f32,
}

/// What to sample.
pub(crate) struct Region<'a, F, S> {
    /// The field.
    pub(crate) field: &'a F,
    /// Which of its level sets, metres outside its zero.
    pub(crate) level: f32,
    /// Corners of the box to look in.
    pub(crate) bounds: [Vec3; 2],
    /// Spacing wanted at a point, metres; `None` leaves the point out.
    pub(crate) spacing: &'a S,
    /// Random stream.
    pub(crate) seed: u64,
}

/// Candidates a square of one spacing gets; more fill gaps better and cost more.
const CANDIDATES: f32 = 11.0;

/// Samples a surface.
pub(crate) fn scatter<F, S>(region: &Region<'_, F, S>) -> Vec<Site>
where
    F: Fn(Vec3) -> f32 + Sync,
    S: Fn(Vec3) -> Option<f32> + Sync,
{
    let candidates: Vec<(Vec3, f32)> = leaves(region)
        .par_iter()
        .enumerate()
        .flat_map_iter(|(index, &(centre, size))| {
            let mut random = Random::new(region.seed, index as u64);
            let rough = (region.spacing)(centre).unwrap_or(size * 0.4);
            let tries = count((size / rough).powi(2) * CANDIDATES).clamp(6, 160);
            let mut found = Vec::with_capacity(tries);
            for _ in 0..tries {
                let mut draw = || random.range(-0.5, 0.5);
                let p = centre + Vec3::new(draw(), draw(), draw()) * size;
                let d = (region.field)(p) - region.level;
                if d.abs() > 0.6 * size {
                    continue;
                }
                let g = gradient(region.field, p, 5e-4);
                let p = p - g * (d / g.length_squared().max(0.1));
                if let Some(spacing) = (region.spacing)(p) {
                    found.push((p, spacing));
                }
            }
            found
        })
        .collect();
    let kept = thin(&candidates);
    kept.par_iter()
        .filter_map(|&index| {
            let (rough, spacing) = candidates[index];
            let (place, normal) = project(region.field, rough, region.level, 4e-4)?;
            Some(Site { place, normal, spacing })
        })
        .collect()
}

/// Cells near the surface: centre and edge.
fn leaves<F, S>(region: &Region<'_, F, S>) -> Vec<(Vec3, f32)>
where
    F: Fn(Vec3) -> f32 + Sync,
    S: Fn(Vec3) -> Option<f32> + Sync,
{
    let extent = region.bounds[1] - region.bounds[0];
    let mut size = 0.08;
    let cells = (extent / size).ceil().max(Vec3::ONE);
    let mut level = Vec::new();
    for z in 0..count(cells.z) {
        for y in 0..count(cells.y) {
            for x in 0..count(cells.x) {
                level.push(region.bounds[0] + (Vec3::new(x as f32, y as f32, z as f32) + 0.5) * size);
            }
        }
    }
    let mut done = Vec::new();
    while !level.is_empty() {
        let reach = size * 0.87 * 1.25;
        level = level
            .into_par_iter()
            .filter(|&centre| ((region.field)(centre) - region.level).abs() < reach)
            .collect();
        let (finished, rest): (Vec<Vec3>, Vec<Vec3>) = level.into_iter().partition(|&centre| {
            size < 0.0021 || (region.spacing)(centre).map_or(size < 0.011, |s| size < 3.0 * s)
        });
        done.extend(finished.into_iter().map(|centre| (centre, size)));
        size *= 0.5;
        level = rest
            .into_iter()
            .flat_map(|centre| {
                (0..8_u8).map(move |corner| {
                    let sign = |bit: u8| if corner & bit == 0 { -0.5 } else { 0.5 };
                    centre + Vec3::new(sign(1), sign(2), sign(4)) * size
                })
            })
            .collect();
    }
    done
}

/// Indices of a subset of points in which any two are at least their mean spacing apart; earlier points win.
pub(crate) fn thin(points: &[(Vec3, f32)]) -> Vec<usize> {
    const NONE: usize = usize::MAX;
    let Some(first) = points.first() else { return Vec::new() };
    let (mut low, mut high, mut cell) = (first.0, first.0, 0.0_f32);
    for (p, spacing) in points {
        (low, high, cell) = (low.min(*p), high.max(*p), cell.max(*spacing));
    }
    let size = ((high - low) / cell).floor() + 1.0;
    let size = [count(size.x), count(size.y), count(size.z)];
    let mut heads = vec![NONE; size[0] * size[1] * size[2]];
    let mut next = vec![NONE; points.len()];
    let mut kept = Vec::new();
    for (index, (p, spacing)) in points.iter().enumerate() {
        let at = (*p - low) / cell;
        let home = [at.x, at.y, at.z].map(floor_i32);
        let free = around(home, size).all(|slot| {
            let mut other = heads[slot];
            while other != NONE {
                let (q, theirs) = points[other];
                if (q - *p).length_squared() < (0.5 * (spacing + theirs)).powi(2) {
                    return false;
                }
                other = next[other];
            }
            true
        });
        if free {
            if let Some(slot) = slot_of(home, size) {
                next[index] = heads[slot];
                heads[slot] = index;
            }
            kept.push(index);
        }
    }
    kept
}

fn slot_of(cell: [i32; 3], size: [usize; 3]) -> Option<usize> {
    let inside = |k: usize| usize::try_from(cell[k]).ok().filter(|&c| c < size[k]);
    Some((inside(2)? * size[1] + inside(1)?) * size[0] + inside(0)?)
}

fn around(home: [i32; 3], size: [usize; 3]) -> impl Iterator<Item = usize> {
    (-1..=1).flat_map(move |z| {
        (-1..=1).flat_map(move |y| {
            (-1..=1).filter_map(move |x| slot_of([home[0] + x, home[1] + y, home[2] + z], size))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sphere_is_covered_evenly() {
        let field = |p: Vec3| p.length() - 0.1;
        let spacing = |_: Vec3| Some(0.006);
        let region = Region {
            field: &field,
            level: 0.0,
            bounds: [Vec3::splat(-0.13), Vec3::splat(0.13)],
            spacing: &spacing,
            seed: 5,
        };
        let sites = scatter(&region);
        let expected = 4.0 * std::f32::consts::PI * 0.01 / (0.006_f32 * 0.006);
        let ratio = sites.len() as f32 / expected;
        assert!((0.6..0.85).contains(&ratio), "{ratio}");
        for (i, a) in sites.iter().enumerate() {
            assert!(sites[..i].iter().all(|b| (a.place - b.place).length() > 0.0055));
        }
        // No hole: every direction has a site within 1.3 spacings.
        let mut random = Random::new(1, 1);
        for _ in 0..500 {
            let mut draw = || random.range(-1.0, 1.0);
            let p = Vec3::new(draw(), draw(), draw()).normalize_or(Vec3::X) * 0.1;
            let near = sites.iter().map(|s| (s.place - p).length()).fold(f32::INFINITY, f32::min);
            assert!(near < 0.0085, "{near}");
        }
    }
}
