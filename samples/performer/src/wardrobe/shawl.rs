//! The shawl: a long strip of chiffon over both forearms and behind the back, its ends hanging free. Simulated.

use super::lay;
use crate::anatomy::Body;
use crate::dance::Pose;
use crate::number::{count, lerp, step};
use crate::rig::{self, Bind, Side, of, rest};
use crate::shade::{Material, Seed, srgb};
use crate::sheet::{Carrier, Grid};
use crate::solver::{Cone, Drive, Link, Mesh, RATE, Tie, Track, simulate};
use glam::{Vec2, Vec3};

const ACROSS: usize = 6;
const ALONG: usize = 56;
/// Rows that lie over the left and the right forearm.
const HELD: [usize; 2] = [11, 44];
const SPACING: f32 = 0.040;
const WIDTH: f32 = 0.34;

/// The shawl before it moves.
#[derive(Debug, Clone)]
pub(crate) struct Shawl {
    grid: Grid,
    binds: [(Vec3, Bind); 2 * ACROSS],
}

/// Sites along the two long edges.
fn border_rows(length: f32, detail: f32) -> Vec<(Vec2, f32)> {
    let spacing = 0.0048 * detail;
    let count = count(length / spacing);
    [0.0015, 1.0 - 0.0015]
        .iter()
        .flat_map(|&u| (0..count).map(move |k| (Vec2::new(u, (k as f32 + 0.5) / count as f32), spacing)))
        .collect()
}

impl Shawl {
    pub(crate) fn new(body: &Body, sheet: usize) -> Self {
        let binds = std::array::from_fn(|k| {
            let side = if k < ACROSS { Side::Left } else { Side::Right };
            // Gathered over the inside of the elbow, from the upper arm to the forearm.
            let t = (k % ACROSS) as f32 / (ACROSS - 1) as f32;
            let fore = (rest::WRIST - rest::ELBOW).normalize_or(Vec3::X);
            let p = rest::ELBOW + fore * lerp(0.005, 0.125, t) + Vec3::new(0.010, 0.010, 0.046);
            let p = side.mirror(p);
            (p, body.bind(p))
        });
        Self { grid: Grid { sheet, columns: ACROSS, rows: ALONG, round: false }, binds }
    }

    /// Lets the shawl follow one loop of poses.
    pub(crate) fn simulate(&self, poses: &[Pose]) -> Track {
        let ties = (0..ACROSS * ALONG)
            .map(|i| if HELD.contains(&(i / ACROSS)) { Tie::Pinned } else { Tie::Free })
            .collect();
        let mut links = Vec::new();
        for row in 0..ALONG {
            // Gathered where it is held.
            let near = HELD.iter().map(|&h| h.abs_diff(row)).min().unwrap_or(0) as f32;
            let across = lerp(0.120, WIDTH, step(0.0, 8.0, near)) / (ACROSS - 1) as f32;
            for column in 0..ACROSS {
                let from = self.grid.index(column, row);
                let mut link = |column: usize, row: usize, length: f32, stiffness: f32| {
                    if column < ACROSS && row < ALONG {
                        links.push(Link { ends: [from, row * ACROSS + column], length, stiffness });
                    }
                };
                link(column + 1, row, across, 0.30);
                link(column, row + 1, SPACING, 0.95);
                link(column + 1, row + 1, across.hypot(SPACING), 0.06);
                link(column, row + 2, 2.0 * SPACING, 0.10);
                link(column + 2, row, 2.0 * across, 0.15);
            }
        }
        let mesh = Mesh { ties, links, gravity: 8.5, drag: 2.6 };
        simulate(&mesh, poses.len(), |sample| self.drive(&poses[sample]), RATE)
    }

    fn drive(&self, pose: &Pose) -> Drive {
        let held = |k: usize| {
            let (p, bind) = &self.binds[k];
            let (turn, shift) = bind.blend(&pose.joints).parts();
            turn * *p + shift
        };
        let back = pose.yaw * Vec3::NEG_Z;
        let hips = pose.places[rig::PELVIS];
        let goals = (0..ACROSS * ALONG)
            .map(|i| {
                let (row, column) = (i / ACROSS, i % ACROSS);
                let (left, right) = (held(column), held(ACROSS + column));
                // Only pinned rows keep this; for the rest it is the start.
                if row <= HELD[0] {
                    left + Vec3::NEG_Y * (SPACING * (HELD[0] - row) as f32)
                } else if row >= HELD[1] {
                    right + Vec3::NEG_Y * (SPACING * (row - HELD[1]) as f32)
                } else {
                    let t = (row - HELD[0]) as f32 / (HELD[1] - HELD[0]) as f32;
                    let bow = (t * std::f32::consts::PI).sin();
                    let spread = Vec3::NEG_Y * (0.04 * (column as f32 - 2.5)) * bow;
                    left.lerp(right, t).lerp(hips + back * 0.34, 0.8 * bow) + spread
                }
            })
            .collect();
        let joint = |j: usize| pose.places[j];
        let mut cones = vec![
            Cone {
                ends: [joint(rig::PELVIS), joint(rig::PELVIS) + Vec3::NEG_Y * 0.42],
                radii: [0.215, 0.345],
            },
            Cone { ends: [joint(rig::PELVIS), joint(rig::CHEST)], radii: [0.205, 0.160] },
            Cone { ends: [joint(rig::CHEST), joint(rig::NECK) + Vec3::NEG_Y * 0.08], radii: [0.160, 0.165] },
            Cone { ends: [joint(rig::NECK), joint(rig::HEAD) + Vec3::Y * 0.08], radii: [0.090, 0.135] },
        ];
        for side in Side::BOTH {
            let [a, b, c] = [rig::UPPER, rig::FOREARM, rig::HAND].map(|j| pose.places[of(side, j)]);
            cones.push(Cone { ends: [a, b], radii: [0.075, 0.046] });
            cones.push(Cone { ends: [b, c], radii: [0.046, 0.036] });
        }
        Drive { goals, cones }
    }

    /// Splats of the shawl.
    pub(crate) fn sew(&self, seed: u64, detail: f32) -> Vec<Seed> {
        let length = SPACING * (ALONG - 1) as f32;
        let place = |at: Vec2| Vec3::new(at.x * WIDTH, at.y * length, 0.0);
        let border = |at: Vec2| (at.x.min(1.0 - at.x) * WIDTH).min(at.y.min(1.0 - at.y) * length);
        let spacing = |at: Vec2| Some(detail * if border(at) < 0.008 { 0.0052 } else { 0.0105 });
        lay(place, spacing, border_rows(length, detail), 60_000, seed ^ 51)
            .into_iter()
            .map(|(at, spacing)| {
                let mut woven = self.grid.weave(at.x, at.y);
                let phase = at.x * 19.0 + 1.5 * (at.y * 14.0).sin();
                woven.lift = [0.006 * phase.sin(), 0.006 * 19.0 * phase.cos(), 0.0];
                let hem = step(0.010, 0.006, border(at));
                // A woven stripe before each end.
                let end = at.y.min(1.0 - at.y) * length;
                let stripe = step(0.004, 0.0, (end - 0.07).abs() - 0.012)
                    + step(0.003, 0.0, (end - 0.10).abs() - 0.004);
                let gold = (hem + stripe).min(1.0);
                let sigma = spacing * 0.72;
                Seed {
                    carrier: Carrier::Sheet(woven),
                    scale: Vec3::new(sigma * 1.1, sigma * 0.92, sigma * 0.2),
                    opacity: lerp(0.30, 0.72, gold),
                    albedo: lerp(srgb(232, 150, 118), srgb(214, 150, 70), gold),
                    open: 1.0,
                    material: Material::Sheer,
                }
            })
            .collect()
    }
}
