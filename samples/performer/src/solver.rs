//! Offline simulation of sheets and strands: particles with distance links, springs to a goal, and collision with
//! round cones, by position-based dynamics (Müller et al., 2007) at a fixed rate. Sequential, so it repeats to the bit.
//!
//! The drive is periodic, so a run-in of one loop brings the motion near its periodic course; the last half second
//! is then blended into the run-in's, and the whole is smoothed over a few samples, which takes out the solver's
//! jitter that no cubic could follow.

use crate::number::step;
use crate::rig::{Dual, JOINTS};
use glam::{Quat, Vec3};

/// Samples of all motion a second.
pub(crate) const RATE: usize = 120;
const DT: f32 = 1.0 / RATE as f32;
const ITERATIONS: usize = 8;

/// A distance to keep: stiffness is the share of an error undone each iteration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) ends: [usize; 2],
    pub(crate) length: f32,
    pub(crate) stiffness: f32,
}

/// A collider: a cone between two points with two radii.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cone {
    pub(crate) ends: [Vec3; 2],
    pub(crate) radii: [f32; 2],
}

/// A particle's tie to its goal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Tie {
    /// Moves with the goal.
    Pinned,
    /// A damped spring: angular frequency in rad/s, damping ratio.
    Spring(f32, f32),
    /// None.
    Free,
}

/// What to simulate.
#[derive(Debug, Clone)]
pub(crate) struct Mesh {
    pub(crate) ties: Vec<Tie>,
    pub(crate) links: Vec<Link>,
    /// m/s², downwards.
    pub(crate) gravity: f32,
    /// Drag of the air, 1/s.
    pub(crate) drag: f32,
}

/// What drives it at one sample of the loop.
#[derive(Debug, Clone)]
pub(crate) struct Drive {
    pub(crate) goals: Vec<Vec3>,
    pub(crate) cones: Vec<Cone>,
}

/// Places of all particles at each sample of one loop.
#[derive(Debug, Clone, Default)]
pub(crate) struct Track {
    samples: Vec<Vec<Vec3>>,
}

/// All that carries splats at one time.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    pub(crate) joints: [Dual; JOINTS],
    pub(crate) sheets: Vec<Vec<Vec3>>,
    /// Turn of the body about the vertical.
    pub(crate) yaw: Quat,
}

impl Track {
    /// A track from its samples.
    pub(crate) fn of(samples: Vec<Vec<Vec3>>) -> Self {
        Self { samples }
    }

    /// Places at a sample number that may lie between samples and outside the loop (Catmull–Rom between samples).
    pub(crate) fn at(&self, sample: f64) -> Vec<Vec3> {
        let n = self.samples.len();
        let f = crate::number::single(sample - sample.floor());
        let base = crate::number::single(sample.floor().rem_euclid(n as f64));
        let base = crate::number::count(base) % n;
        if f < 1e-6 {
            return self.samples[base].clone();
        }
        let [a, b, c, d] = [n - 1, 0, 1, 2].map(|k| &self.samples[(base + k) % n]);
        (0..b.len())
            .map(|i| {
                let (p, q, r, s) = (a[i], b[i], c[i], d[i]);
                let (m, k) = ((r - p) * 0.5, (s - q) * 0.5);
                let (f2, f3) = (f * f, f * f * f);
                q * (2.0 * f3 - 3.0 * f2 + 1.0)
                    + m * (f3 - 2.0 * f2 + f)
                    + r * (3.0 * f2 - 2.0 * f3)
                    + k * (f3 - f2)
            })
            .collect()
    }
}

/// Runs the mesh over one loop of `samples` samples after a run-in of the same length.
pub(crate) fn simulate(
    mesh: &Mesh,
    samples: usize,
    drive: impl Fn(usize) -> Drive,
    smoothing: usize,
) -> Track {
    let mut place = drive(0).goals;
    let mut before = place.clone();
    let mut runs = [Vec::with_capacity(samples), Vec::with_capacity(samples)];
    for run in &mut runs {
        for sample in 0..samples {
            let drive = drive(sample);
            advance(mesh, &drive, &mut place, &mut before);
            run.push(place.clone());
        }
    }
    let [run_in, mut run] = runs;
    // Close the loop.
    let fade = RATE / 2;
    for k in 0..fade.min(samples) {
        let sample = samples - fade.min(samples) + k;
        let t = step(0.0, 1.0, (k + 1) as f32 / fade as f32);
        for (p, q) in run[sample].iter_mut().zip(&run_in[sample]) {
            *p = p.lerp(*q, t);
        }
    }
    Track { samples: smooth(&run, smoothing) }
}

fn advance(mesh: &Mesh, drive: &Drive, place: &mut [Vec3], before: &mut [Vec3]) {
    let keep = (-mesh.drag * DT).exp();
    for (i, tie) in mesh.ties.iter().enumerate() {
        let velocity = (place[i] - before[i]) / DT * keep;
        before[i] = place[i];
        let mut push = Vec3::NEG_Y * mesh.gravity;
        match *tie {
            Tie::Pinned => {
                place[i] = drive.goals[i];
                continue;
            }
            Tie::Spring(omega, ratio) => {
                push += (drive.goals[i] - place[i]) * (omega * omega) - velocity * (2.0 * ratio * omega);
            }
            Tie::Free => {}
        }
        place[i] += (velocity + push * DT) * DT;
    }
    for _ in 0..ITERATIONS {
        for link in &mesh.links {
            let [a, b] = link.ends;
            let (wa, wb) = (weight(mesh.ties[a]), weight(mesh.ties[b]));
            let apart = place[b] - place[a];
            let length = apart.length();
            if wa + wb <= 0.0 || length < 1e-6 {
                continue;
            }
            let fix = apart * (link.stiffness * (length - link.length) / (length * (wa + wb)));
            place[a] += fix * wa;
            place[b] -= fix * wb;
        }
        for (i, p) in place.iter_mut().enumerate() {
            if weight(mesh.ties[i]) > 0.0 {
                for cone in &drive.cones {
                    *p = cone.push_out(*p);
                }
                p.y = p.y.max(0.012);
            }
        }
    }
}

fn weight(tie: Tie) -> f32 {
    if tie == Tie::Pinned { 0.0 } else { 1.0 }
}

impl Cone {
    fn push_out(&self, p: Vec3) -> Vec3 {
        let axis = self.ends[1] - self.ends[0];
        let t = ((p - self.ends[0]).dot(axis) / axis.length_squared().max(1e-9)).clamp(0.0, 1.0);
        let away = p - self.ends[0] - axis * t;
        let radius = self.radii[0] + (self.radii[1] - self.radii[0]) * t;
        let length = away.length();
        if length >= radius || length < 1e-6 { p } else { p + away * ((radius - length) / length) }
    }
}

/// Periodic smoothing in time by repeated 1-2-1 kernels: variance grows by half a sample² a pass.
fn smooth(run: &[Vec<Vec3>], passes: usize) -> Vec<Vec<Vec3>> {
    let n = run.len();
    let mut now = run.to_vec();
    for _ in 0..passes {
        now = (0..n)
            .map(|k| {
                let (a, b, c) = (&now[(k + n - 1) % n], &now[k], &now[(k + 1) % n]);
                (0..b.len()).map(|i| a[i] * 0.25 + b[i] * 0.5 + c[i] * 0.25).collect()
            })
            .collect();
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pendulum_hangs_down_at_its_length() {
        let mesh = Mesh {
            ties: vec![Tie::Pinned, Tie::Free],
            links: vec![Link { ends: [0, 1], length: 0.3, stiffness: 1.0 }],
            gravity: 9.8,
            drag: 4.0,
        };
        let goals = vec![Vec3::Y, Vec3::new(0.3, 1.0, 0.0)];
        let track = simulate(&mesh, 960, |_| Drive { goals: goals.clone(), cones: Vec::new() }, 4);
        let end = track.at(900.0);
        assert!((end[1] - Vec3::new(0.0, 0.7, 0.0)).length() < 2e-3, "{:?}", end[1]);
        let between = track.at(899.5);
        assert!((between[1] - end[1]).length() < 1e-3);
    }

    #[test]
    fn nothing_stays_inside_a_collider() {
        let cone = Cone { ends: [Vec3::ZERO, Vec3::Y], radii: [0.2, 0.1] };
        for k in 0..20_u8 {
            let p = Vec3::new(0.01 * f32::from(k), 0.5, 0.003);
            assert!(cone.push_out(p).with_y(0.0).length() > 0.1499);
        }
    }
}
