//! Smooth surfaces over grids of simulated particles, and what carries a splat.
//!
//! A sheet is a uniform cubic B-spline over its grid, so it and its tangents are fixed linear combinations of the
//! particles: a splat keeps the coefficients and needs no lookup later. A displacement along the normal adds folds
//! finer than the grid, with the tangents tilted accordingly.

use crate::number::{bspline, count};
use crate::rig::Bind;
use crate::solver::Moment;
use glam::{Mat3, Quat, Vec3};

/// Shape of a grid of particles: columns around or across, rows along; stored row by row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    pub(crate) sheet: usize,
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    /// Whether the last column meets the first.
    pub(crate) round: bool,
}

/// One particle's share in a place and its tangents (per unit of u and v).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Term {
    particle: u16,
    place: f32,
    u: f32,
    v: f32,
}

/// A splat's place on a sheet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Woven {
    pub(crate) sheet: usize,
    terms: Vec<Term>,
    /// Displacement along the normal, metres, and its derivatives by u and v.
    pub(crate) lift: [f32; 3],
    /// Turn of the splat in its plane, radians, from the v direction.
    pub(crate) angle: f32,
}

/// What carries a splat.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Carrier {
    /// The skeleton: rest place, rest rotation, binding.
    Skin(Vec3, Quat, Bind),
    /// A sheet.
    Sheet(Woven),
}

impl Carrier {
    /// Place and rotation at a moment; the rotation's z is the surface normal.
    pub(crate) fn at(&self, moment: &Moment) -> (Vec3, Quat) {
        match self {
            Self::Skin(place, rotation, bind) => {
                let (turn, shift) = bind.blend(&moment.joints).parts();
                (turn * *place + shift, turn * *rotation)
            }
            Self::Sheet(woven) => woven.at(&moment.sheets[woven.sheet]),
        }
    }
}

impl Grid {
    /// Index of a particle.
    pub(crate) fn index(&self, column: usize, row: usize) -> usize {
        row * self.columns + column % self.columns
    }

    /// Coefficients at `u` in 0..1 across and `v` in 0..1 along.
    pub(crate) fn weave(&self, u: f32, v: f32) -> Woven {
        let mut terms: Vec<Term> = Vec::with_capacity(16);
        let across = span(u, self.columns, self.round);
        for &(row, wv, dv) in &span(v, self.rows, false) {
            for &(column, wu, du) in &across {
                let particle = u16::try_from(self.index(column, row)).unwrap_or(0);
                terms.push(Term { particle, place: wu * wv, u: du * wv, v: wu * dv });
            }
        }
        Woven { sheet: self.sheet, terms: merged(terms), lift: [0.0; 3], angle: 0.0 }
    }

    /// A place inside a round sheet: `depth` 1 on it, 0 at the middle of its section.
    pub(crate) fn thread(&self, u: f32, v: f32, depth: f32) -> Woven {
        let mut woven = self.weave(u, v);
        for term in &mut woven.terms {
            term.place *= depth;
            term.v *= depth;
        }
        let share = (1.0 - depth) / self.columns as f32;
        for &(row, wv, dv) in &span(v, self.rows, false) {
            for column in 0..self.columns {
                let particle = u16::try_from(self.index(column, row)).unwrap_or(0);
                woven.terms.push(Term { particle, place: wv * share, u: 0.0, v: dv * share });
            }
        }
        woven.terms = merged(woven.terms);
        woven
    }
}

fn merged(mut terms: Vec<Term>) -> Vec<Term> {
    terms.sort_by_key(|t| t.particle);
    terms.dedup_by(|b, a| {
        let same = a.particle == b.particle;
        if same {
            a.place += b.place;
            a.u += b.u;
            a.v += b.v;
        }
        same
    });
    terms
}

/// B-spline coefficients along one direction; at an open end the control beyond it continues the line.
fn span(t: f32, n: usize, round: bool) -> Vec<(usize, f32, f32)> {
    let spans = if round { n } else { n - 1 };
    let x = if round { t.rem_euclid(1.0) } else { t.clamp(0.0, 1.0) } * spans as f32;
    let base = count(x.floor()).min(spans - 1);
    let (w, d) = bspline(x - base as f32);
    let scale = spans as f32;
    let mut out = Vec::with_capacity(6);
    for k in 0..4 {
        let (w, d) = (w[k], d[k] * scale);
        let at = base + k;
        if round {
            out.push(((at + n - 1) % n, w, d));
        } else if at == 0 {
            out.extend([(0, 2.0 * w, 2.0 * d), (1, -w, -d)]);
        } else if at > n {
            out.extend([(n - 1, 2.0 * w, 2.0 * d), (n - 2, -w, -d)]);
        } else {
            out.push((at - 1, w, d));
        }
    }
    out
}

impl Woven {
    /// Place and tangents by u and v without the displacement.
    pub(crate) fn surface(&self, particles: &[Vec3]) -> [Vec3; 3] {
        let mut out = [Vec3::ZERO; 3];
        for term in &self.terms {
            let p = particles[usize::from(term.particle)];
            out[0] += p * term.place;
            out[1] += p * term.u;
            out[2] += p * term.v;
        }
        out
    }

    /// Place and rotation: z along the normal, x along v turned by the angle.
    pub(crate) fn at(&self, particles: &[Vec3]) -> (Vec3, Quat) {
        let [place, u, v] = self.surface(particles);
        let normal = v.cross(u).normalize_or(Vec3::Z);
        let [h, hu, hv] = self.lift;
        let v = v + normal * hv;
        let tilted = v.cross(u + normal * hu).normalize_or(normal);
        let x = v.normalize_or(Vec3::NEG_Y);
        let y = tilted.cross(x);
        let (sin, cos) = self.angle.sin_cos();
        let x = x * cos + y * sin;
        (place + normal * h, Quat::from_mat3(&Mat3::from_cols(x, tilted.cross(x), tilted)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_grid_weaves_a_flat_sheet_to_its_edges() {
        let grid = Grid { sheet: 0, columns: 5, rows: 4, round: false };
        let particles: Vec<Vec3> =
            (0..20_u8).map(|i| Vec3::new(f32::from(i % 5) * 0.25, -f32::from(i / 5) / 3.0, 0.0)).collect();
        for (u, v) in [(0.0, 0.0), (1.0, 1.0), (0.3, 0.9), (0.51, 0.02)] {
            let mut woven = grid.weave(u, v);
            let [p, pu, pv] = woven.surface(&particles);
            assert!((p - Vec3::new(u, -v, 0.0)).length() < 1e-5, "{p}");
            assert!((pu - Vec3::X).length() < 1e-4 && (pv + Vec3::Y).length() < 1e-4);
            woven.lift = [0.1, 0.0, 0.0];
            let (p, q) = woven.at(&particles);
            assert!((p.z - 0.1).abs() < 1e-5 && (q * Vec3::Z - Vec3::Z).length() < 1e-4);
        }
    }
}
