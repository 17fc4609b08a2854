//! The skirt: a bell hung from the waist, simulated as a coarse ring of particles that swings with the hips, with flutes
//! laid on finer than the grid. A sheer overskirt rides on the same sheet.

use super::{lay, print};
use crate::anatomy::Body;
use crate::dance::Pose;
use crate::number::{count, lerp, noise3, step, through};
use crate::rig::{self, Bind, PELVIS, Side, of, rest};
use crate::shade::{Material, Seed, srgb};
use crate::sheet::{Carrier, Grid};
use crate::solver::{Cone, Drive, Link, Mesh, RATE, Tie, Track, simulate};
use glam::{Vec2, Vec3};
use std::f32::consts::TAU;

const COLUMNS: usize = 36;
const ROWS: usize = 12;
/// Height of the seam under the sash, and the skirt's length down the bell.
const WAIST: f32 = 1.060;
const LENGTH: f32 = 0.560;

/// The skirt before it moves.
#[derive(Debug, Clone)]
pub(crate) struct Skirt {
    grid: Grid,
    rest: Vec<Vec3>,
    binds: Vec<Bind>,
}

/// The bell at rest: u around from the front towards her left, v down.
fn bell(u: f32, v: f32) -> Vec3 {
    let (sin, cos) = (u * TAU).sin_cos();
    let side =
        through(&[[0.0, 0.127], [0.10, 0.150], [0.22, 0.176], [0.38, 0.197], [0.70, 0.240], [1.0, 0.290]], v);
    let front =
        through(&[[0.0, 0.098], [0.10, 0.112], [0.22, 0.130], [0.38, 0.158], [0.70, 0.222], [1.0, 0.285]], v);
    let behind =
        through(&[[0.0, 0.098], [0.10, 0.126], [0.22, 0.156], [0.38, 0.178], [0.70, 0.228], [1.0, 0.285]], v);
    let z = if cos > 0.0 { front } else { behind } * cos;
    Vec3::new(side * sin, WAIST - v * LENGTH * (1.0 - 0.07 * v), z - 0.004)
}

/// Flutes: outward displacement at a place; deeper and rounder towards the hem.
fn flutes(u: f32, v: f32) -> f32 {
    let a = u * TAU;
    let phase =
        15.0 * a + 1.3 * (2.0 * a + 0.7).sin() + 0.9 * (3.0 * a + 2.0).sin() + 0.5 * v * (5.0 * a).sin();
    let depth = 0.0026 * step(0.0, 0.06, v) + 0.024 * v.max(0.0).powf(1.25);
    depth * (phase.sin() + 0.22 * (2.0 * phase + 1.0).sin() + 0.25) * (0.85 + 0.3 * (2.0 * a + 1.0).sin())
}

/// Flutes of the sheer layer, which hangs free of those below.
fn veil(u: f32, v: f32) -> f32 {
    let a = u * TAU;
    let phase = 11.0 * a + 1.1 * (3.0 * a).sin() + 0.8 * (2.0 * a + 1.0).sin();
    0.006 + 0.026 * v + (0.002 + 0.020 * v) * phase.sin()
}

impl Skirt {
    pub(crate) fn new(body: &Body, sheet: usize) -> Self {
        let grid = Grid { sheet, columns: COLUMNS, rows: ROWS, round: true };
        let rest: Vec<Vec3> = (0..ROWS * COLUMNS)
            .map(|i| bell((i % COLUMNS) as f32 / COLUMNS as f32, (i / COLUMNS) as f32 / (ROWS - 1) as f32))
            .collect();
        let binds = rest.iter().map(|&p| if p.y > 1.0 { body.bind(p) } else { Bind::to(PELVIS) }).collect();
        Self { grid, rest, binds }
    }

    /// Swings the skirt over one loop of poses.
    pub(crate) fn simulate(&self, poses: &[Pose]) -> Track {
        let ties = (0..self.rest.len())
            .map(|i| {
                let v = (i / COLUMNS) as f32 / (ROWS - 1) as f32;
                // Stiff at the hips, loose as a pendulum at the hem.
                if i / COLUMNS < 2 { Tie::Pinned } else { Tie::Spring(lerp(30.0, 6.2, v.powf(0.55)), 0.30) }
            })
            .collect();
        let mut links = Vec::new();
        for row in 0..ROWS {
            for column in 0..COLUMNS {
                let mut link = |to: usize, stiffness: f32| {
                    let from = self.grid.index(column, row);
                    let length = (self.rest[to] - self.rest[from]).length();
                    links.push(Link { ends: [from, to], length, stiffness });
                };
                link(self.grid.index(column + 1, row), 0.12);
                if row + 1 < ROWS {
                    link(self.grid.index(column, row + 1), 0.9);
                    link(self.grid.index(column + 1, row + 1), 0.08);
                    link(self.grid.index(column + COLUMNS - 1, row + 1), 0.08);
                }
            }
        }
        let mesh = Mesh { ties, links, gravity: 0.0, drag: 1.2 };
        simulate(&mesh, poses.len(), |sample| self.drive(&poses[sample]), RATE)
    }

    fn drive(&self, pose: &Pose) -> Drive {
        let hips = pose.places[PELVIS];
        let goals = self
            .rest
            .iter()
            .zip(&self.binds)
            .map(|(&p, bind)| {
                let (turn, shift) = bind.blend(&pose.joints).parts();
                let sewn = turn * p + shift;
                // Far from the waist cloth hangs plumb below the hips and does not tilt with them.
                let plumb = hips + pose.yaw * (p - rest::PELVIS);
                sewn.lerp(plumb, 0.75 * step(WAIST - 0.06, WAIST - 0.30, p.y))
            })
            .collect();
        let mut cones = Vec::with_capacity(4);
        for side in Side::BOTH {
            let [hip, knee, ankle] = [rig::THIGH, rig::SHIN, rig::FOOT].map(|j| pose.places[of(side, j)]);
            cones.push(Cone { ends: [hip, knee], radii: [0.118, 0.092] });
            cones.push(Cone { ends: [knee, ankle], radii: [0.092, 0.080] });
        }
        Drive { goals, cones }
    }

    /// Splats of skirt, lining and overskirt.
    pub(crate) fn sew(&self, seed: u64, detail: f32) -> Vec<Seed> {
        let surface = |at: Vec2| {
            let (sin, cos) = (at.x * TAU).sin_cos();
            bell(at.x, at.y) + Vec3::new(sin, 0.0, cos) * flutes(at.x, at.y)
        };
        let spacing = |at: Vec2| {
            let (_, near) = fabric(at);
            Some(detail * if near < 0.0030 { 0.0037 } else { 0.0072 })
        };
        let mut seeds: Vec<Seed> = lay(surface, spacing, rows(detail), 300_000, seed ^ 41)
            .into_iter()
            .map(|(at, spacing)| self.splat(at, spacing * 0.76, Layer::Outer))
            .collect();
        let lining =
            lay(surface, |at: Vec2| (at.y < 0.982).then_some(0.0115 * detail), Vec::new(), 60_000, seed ^ 42);
        seeds.extend(lining.into_iter().map(|(at, spacing)| self.splat(at, spacing * 0.68, Layer::Lining)));
        let sheer = |at: Vec2| {
            let (sin, cos) = (at.x * TAU).sin_cos();
            bell(at.x, at.y) + Vec3::new(sin, 0.0, cos) * veil(at.x, at.y)
        };
        let spacing = |at: Vec2| {
            let hem = veil_hem(at.x);
            (at.y < hem && at.y > 0.02).then_some(detail * if hem - at.y < 0.009 { 0.0036 } else { 0.0085 })
        };
        let veil = lay(sheer, spacing, hem_line(detail), 120_000, seed ^ 43);
        seeds.extend(veil.into_iter().map(|(at, spacing)| self.splat(at, spacing * 0.72, Layer::Veil)));
        seeds
    }

    fn splat(&self, at: Vec2, sigma: f32, layer: Layer) -> Seed {
        let mut woven = self.grid.weave(at.x, at.y);
        let height = |u: f32, v: f32| match layer {
            Layer::Outer => flutes(u, v),
            Layer::Lining => flutes(u, v) - 0.005,
            Layer::Veil => veil(u, v),
        };
        let h = 1e-3;
        woven.lift = [
            height(at.x, at.y),
            (height(at.x + h, at.y) - height(at.x - h, at.y)) / (2.0 * h),
            (height(at.x, at.y + h) - height(at.x, at.y - h)) / (2.0 * h),
        ];
        let (colour, _) = fabric(at);
        // Valleys between flutes see less of the room.
        let depth = 0.0026 + 0.024 * at.y.powf(1.25);
        let valley = (flutes(at.x, at.y) / depth * 0.5 + 0.4).clamp(0.0, 1.0);
        let shaded = 0.58 + 0.42 * valley;
        let hem = veil_hem(at.x);
        let (albedo, opacity, open, material) = match layer {
            Layer::Outer => (colour, 0.98, shaded, Material::Cloth),
            Layer::Lining => (srgb(14, 46, 54), 0.98, 0.55, Material::Cloth),
            Layer::Veil => {
                let edge = step(0.008, 0.004, hem - at.y);
                let glow = 0.92 + 0.08 * noise3(Vec3::new(at.x * 60.0, at.y * 9.0, 1.0));
                (srgb(236, 206, 170) * glow, lerp(0.26, 0.85, edge), 1.0, Material::Sheer)
            }
        };
        let scale = Vec3::new(sigma * 1.08, sigma * 0.94, sigma * 0.25);
        Seed { carrier: Carrier::Sheet(woven), scale, opacity, albedo, open, material }
    }
}

/// Rows of sites along the printed lines of the border and the hem, so that these are drawn straight.
fn rows(detail: f32) -> Vec<(Vec2, f32)> {
    let spacing = 0.0030 * detail;
    let count = count(TAU * 0.34 / spacing);
    [0.0015, 0.0105, 0.0135, 0.0167, 0.0193, 0.0217, 0.0245, 0.0345, 0.0375]
        .iter()
        .flat_map(|from_hem| {
            (0..count).map(move |k| (Vec2::new(k as f32 / count as f32, 1.0 - from_hem / LENGTH), spacing))
        })
        .collect()
}

/// Sites along the edge of the overskirt.
fn hem_line(detail: f32) -> Vec<(Vec2, f32)> {
    let spacing = 0.0034 * detail;
    let count = count(TAU * 0.34 / spacing);
    (0..count)
        .map(|k| {
            let u = k as f32 / count as f32;
            (Vec2::new(u, veil_hem(u) - 0.0015), spacing)
        })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Layer {
    Outer,
    Lining,
    Veil,
}

/// Lower edge of the overskirt: short in front, long behind, like a handkerchief.
fn veil_hem(u: f32) -> f32 {
    0.62 - 0.28 * (u * TAU).cos() + 0.03 * (u * TAU * 4.0).cos()
}

/// Colour of the skirt, and the distance to the nearest printed edge.
fn fabric(at: Vec2) -> (Vec3, f32) {
    let coral = srgb(206, 84, 62);
    let from_hem = (1.0 - at.y) * LENGTH;
    if from_hem < 0.040 {
        // Border: a coral hem, a cream line.
        let near = [0.012, 0.018, 0.023, 0.036, 0.040]
            .iter()
            .fold(f32::INFINITY, |d: f32, e| d.min((from_hem - e).abs()));
        let colour = match from_hem {
            d if d < 0.012 => coral,
            d if d < 0.018 => srgb(18, 76, 88),
            d if d < 0.023 => srgb(246, 228, 202),
            d if d < 0.036 => srgb(12, 56, 68),
            _ => coral,
        };
        return (colour, near);
    }
    // The pattern piece is a sector of a ring, as a flared skirt is cut; flutes take up its fullness.
    let r = 0.42 + at.y * LENGTH;
    let a = at.x * TAU * 0.36;
    let (colour, near) = print::print(Vec2::new(r * a.sin(), r * a.cos()));
    (colour, near.min((from_hem - 0.040).abs()))
}
