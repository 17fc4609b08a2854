//! The ponytail: a tube of simulated guide strands, filled with strands that follow it inside.

use super::{TIE, strand_colour};
use crate::anatomy::HEAD_CENTRE;
use crate::dance::Pose;
use crate::number::{Random, count, lerp, through};
use crate::rig::{self, HEAD, Side, of};
use crate::shade::{Material, Seed};
use crate::sheet::{Carrier, Grid};
use crate::solver::{Cone, Drive, Link, Mesh, RATE, Tie, Track, simulate};
use glam::Vec3;
use std::f32::consts::TAU;

const GUIDES: usize = 8;
const ROWS: usize = 14;
const LENGTH: f32 = 0.36;

/// The ponytail before it moves.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    grid: Grid,
    /// Guides in head space.
    rest: Vec<Vec3>,
}

/// Middle line of the hanging tail: out of the tie, over, and down.
fn line(v: f32) -> Vec3 {
    let out = through(&[[0.0, 0.0], [0.08, 0.028], [0.22, 0.056], [0.5, 0.070], [1.0, 0.052]], v);
    let fall = through(&[[0.0, 0.0], [0.08, -0.004], [0.22, 0.034], [0.5, 0.140], [1.0, 0.330]], v);
    TIE + Vec3::new(0.0, -fall, -out)
}

fn radius(v: f32) -> f32 {
    through(&[[0.0, 0.011], [0.10, 0.020], [0.35, 0.030], [0.65, 0.028], [1.0, 0.010]], v)
}

impl Tail {
    pub(crate) fn new(sheet: usize) -> Self {
        let grid = Grid { sheet, columns: GUIDES, rows: ROWS, round: true };
        let rest = (0..ROWS * GUIDES)
            .map(|i| {
                let v = (i / GUIDES) as f32 / (ROWS - 1) as f32;
                let a = (i % GUIDES) as f32 / GUIDES as f32 * TAU;
                let along = (line((v + 0.02).min(1.0)) - line((v - 0.02).max(0.0))).normalize_or(Vec3::NEG_Y);
                let behind = Vec3::X.cross(along).normalize_or(Vec3::Z);
                line(v) + (Vec3::X * a.sin() + behind * a.cos() * 0.8) * radius(v)
            })
            .collect();
        Self { grid, rest }
    }

    /// Lets the tail swing over one loop of poses.
    pub(crate) fn simulate(&self, poses: &[Pose]) -> Track {
        let ties = (0..self.rest.len())
            .map(|i| {
                let v = (i / GUIDES) as f32 / (ROWS - 1) as f32;
                if i / GUIDES < 2 { Tie::Pinned } else { Tie::Spring(lerp(20.0, 4.6, v.powf(0.4)), 0.28) }
            })
            .collect();
        let mut links = Vec::new();
        for row in 0..ROWS {
            for guide in 0..GUIDES {
                let from = self.grid.index(guide, row);
                let mut link = |guide: usize, row: usize, stiffness: f32| {
                    if row < ROWS {
                        let to = self.grid.index(guide, row);
                        let length = (self.rest[to] - self.rest[from]).length();
                        links.push(Link { ends: [from, to], length, stiffness });
                    }
                };
                link(guide, row + 1, 0.95);
                link(guide, row + 2, 0.06);
                link(guide + 1, row, 0.35);
                if guide < GUIDES / 2 {
                    link(guide + GUIDES / 2, row, 0.35);
                }
            }
        }
        let mesh = Mesh { ties, links, gravity: 0.0, drag: 1.0 };
        simulate(&mesh, poses.len(), |sample| self.drive(&poses[sample]), RATE / 2)
    }

    fn drive(&self, pose: &Pose) -> Drive {
        let (turn, shift) = pose.joints[HEAD].parts();
        let tie = turn * (TIE + HEAD_CENTRE) + shift;
        // Hair hangs plumb; only its root follows the nod of the head.
        let forward = (turn * Vec3::Z).with_y(0.0).normalize_or(Vec3::Z);
        let right = Vec3::Y.cross(forward);
        let goals = self
            .rest
            .iter()
            .enumerate()
            .map(|(i, &p)| {
                let v = (i / GUIDES) as f32 / (ROWS - 1) as f32;
                let d = p - TIE;
                let plumb = tie + right * d.x + Vec3::Y * d.y + forward * d.z;
                (turn * (p + HEAD_CENTRE) + shift).lerp(plumb, crate::number::step(0.05, 0.5, v))
            })
            .collect();
        let at = |j: usize| pose.places[j];
        let back = pose.rotations[rig::CHEST] * Vec3::NEG_Z;
        let head = turn * (HEAD_CENTRE + Vec3::new(0.0, 0.02, -0.012)) + shift;
        let mut cones = vec![
            Cone { ends: [head, head + turn * Vec3::NEG_Y * 0.06], radii: [0.098, 0.080] },
            Cone { ends: [at(rig::NECK), at(HEAD)], radii: [0.075, 0.075] },
            Cone {
                ends: [at(rig::CHEST) + back * 0.01, at(rig::NECK) + Vec3::NEG_Y * 0.06],
                radii: [0.125, 0.095],
            },
        ];
        for side in Side::BOTH {
            cones.push(Cone {
                ends: [at(of(side, rig::UPPER)), at(rig::NECK) + Vec3::NEG_Y * 0.05],
                radii: [0.072, 0.085],
            });
        }
        Drive { goals, cones }
    }

    /// The strands of the tail.
    pub(crate) fn grow(&self, seed: u64, detail: f32) -> Vec<Seed> {
        let strands = count(330.0 / (detail * detail));
        let mut seeds = Vec::new();
        for index in 0..strands {
            let mut random = Random::new(seed ^ 81, index as u64);
            let loose = index % 12 == 0;
            let depth = if loose { random.range(1.0, 1.35) } else { random.unit().sqrt() };
            let u = random.unit();
            let end = random.range(0.72, 1.0);
            let segments = 16_u8;
            let (curl, phase) = (random.range(0.015, 0.05), random.range(0.0, TAU));
            let colour = strand_colour(&mut random);
            let width = if loose { 0.0007 } else { random.range(0.0014, 0.0023) };
            for k in 0..segments {
                let t = (f32::from(k) + 0.5) / f32::from(segments);
                let v = end * t;
                let wave = curl * (phase + 9.0 * v).sin() * v;
                let woven = self.grid.thread(u + wave, v, depth * (1.0 - 0.3 * t * t));
                let tip = (t - 0.7).max(0.0) / 0.3;
                seeds.push(Seed {
                    carrier: Carrier::Sheet(woven),
                    scale: Vec3::new(
                        LENGTH * end / f32::from(segments) * 0.55,
                        width * (1.0 - 0.45 * tip),
                        width * 0.6,
                    ),
                    opacity: if loose { 0.40 } else { 0.92 } * (1.0 - 0.6 * tip),
                    albedo: colour,
                    open: 0.55 + 0.45 * depth.min(1.0).powi(2),
                    material: Material::Hair,
                });
            }
        }
        seeds
    }
}
