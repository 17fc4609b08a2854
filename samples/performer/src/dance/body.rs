//! How pelvis, spine and head are carried: periodic splines over the loop, one control each half second of eight.

use crate::number::looped;
use glam::{Quat, Vec3};
use std::f32::consts::TAU;

/// Pelvis on the ground plane, metres: sway right, sway left, then around the turn.
const GROUND: [[f32; 2]; 16] = [
    [0.00, 0.00],
    [-0.05, 0.01],
    [-0.15, 0.01],
    [-0.17, 0.02],
    [-0.12, 0.03],
    [0.00, 0.03],
    [0.13, 0.02],
    [0.16, 0.01],
    [0.12, -0.01],
    [0.06, -0.02],
    [0.01, -0.04],
    [-0.03, -0.03],
    [-0.03, 0.00],
    [0.00, 0.02],
    [0.03, 0.01],
    [0.02, 0.00],
];

/// Lowering of the pelvis below standing, metres.
const DIP: [f32; 16] = [
    0.026, 0.038, 0.048, 0.030, 0.032, 0.042, 0.050, 0.032, 0.030, 0.022, 0.020, 0.022, 0.022, 0.024, 0.036,
    0.034,
];

/// Turn of the pelvis beyond the steady part, radians, about the vertical; positive to her left.
const YAW: [f32; 16] =
    [0.00, 0.10, 0.20, 0.10, -0.05, -0.20, -0.24, -0.10, 0.20, 0.95, 2.10, 3.40, 4.65, 5.70, 6.18, TAU];

/// Hip drop (about the forward axis) and lean forward, radians.
const TILT: [[f32; 2]; 16] = [
    [0.02, 0.02],
    [-0.06, 0.03],
    [-0.10, 0.04],
    [-0.04, 0.02],
    [0.05, 0.02],
    [0.09, 0.04],
    [0.08, 0.04],
    [0.00, 0.02],
    [-0.03, 0.01],
    [0.02, 0.00],
    [-0.02, 0.00],
    [0.02, 0.00],
    [-0.02, 0.00],
    [0.02, 0.02],
    [0.04, 0.03],
    [0.04, 0.02],
];

/// Chest against pelvis: side bend (positive to her right), twist (positive to her left), forward bend.
const CHEST: [[f32; 3]; 16] = [
    [0.00, 0.05, 0.00],
    [0.10, -0.12, 0.00],
    [0.20, -0.22, -0.03],
    [0.10, -0.18, -0.05],
    [-0.06, 0.05, -0.01],
    [-0.20, 0.22, 0.00],
    [-0.24, 0.26, -0.04],
    [-0.10, 0.16, -0.06],
    [0.02, 0.10, 0.02],
    [0.05, 0.20, 0.03],
    [0.05, 0.18, 0.00],
    [0.04, 0.12, -0.04],
    [0.00, 0.05, -0.09],
    [-0.05, -0.05, -0.11],
    [-0.06, -0.06, -0.05],
    [-0.02, 0.00, 0.00],
];

/// Head against chest: turn (positive to her left), nod (positive down), tilt (positive to her right).
const HEAD: [[f32; 3]; 16] = [
    [0.00, 0.00, 0.00],
    [-0.25, 0.06, 0.06],
    [-0.48, 0.04, 0.10],
    [-0.30, -0.06, 0.04],
    [0.05, 0.02, -0.04],
    [0.38, 0.08, -0.10],
    [0.50, 0.02, -0.08],
    [0.20, -0.04, 0.00],
    [0.22, 0.06, 0.05],
    [0.42, 0.10, 0.08],
    [0.42, 0.04, 0.06],
    [0.32, -0.06, 0.02],
    [0.15, -0.22, -0.04],
    [-0.05, -0.26, -0.07],
    [-0.12, -0.10, -0.06],
    [-0.06, 0.02, -0.02],
];

/// The carriage of the trunk over one loop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Carriage {
    length: f32,
}

/// World rotations of the trunk's joints and the place of the pelvis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trunk {
    pub(crate) root: Vec3,
    pub(crate) yaw: Quat,
    pub(crate) pelvis: Quat,
    pub(crate) spine: Quat,
    pub(crate) chest: Quat,
    pub(crate) neck: Quat,
    pub(crate) head: Quat,
}

impl Carriage {
    pub(crate) fn new(length: f32) -> Self {
        Self { length }
    }

    /// Place of the pelvis on the ground and its turn at a time; the turn gains 2π a loop.
    pub(crate) fn ground(&self, time: f32) -> (Vec3, f32) {
        let phase = time / self.length;
        let [x, z] = split(&GROUND, phase);
        (Vec3::new(x, 0.0, z), TAU * phase + self.sway(phase))
    }

    /// The periodic part of the turn.
    fn sway(&self, phase: f32) -> f32 {
        let steady: [f32; 16] = std::array::from_fn(|k| YAW[k] - TAU * k as f32 / 16.0);
        looped(&steady, phase)
    }

    /// The trunk at a time.
    pub(crate) fn at(&self, time: f32) -> Trunk {
        let phase = time / self.length;
        let (ground, turn) = self.ground(time);
        let yaw = Quat::from_rotation_y(turn);
        let [drop, lean] = split(&TILT, phase);
        let [bend, twist, fold] = split(&CHEST, phase);
        let [look, nod, tilt] = split(&HEAD, phase);
        let pelvis = yaw * Quat::from_rotation_z(drop) * Quat::from_rotation_x(lean);
        // The chest undoes the hips' drop, so that the shoulders stay nearly level.
        let back = |share: f32| {
            Quat::from_rotation_y(twist * share)
                * Quat::from_rotation_z(-(bend * 0.8 + drop * 0.9) * share)
                * Quat::from_rotation_x((fold - lean * 0.7) * share)
        };
        let (spine, chest) = (pelvis * back(0.45), pelvis * back(1.0));
        let skull = |share: f32| {
            Quat::from_rotation_y(look * share)
                * Quat::from_rotation_x((nod - fold * 0.4) * share)
                * Quat::from_rotation_z((bend * 0.5 - tilt) * share)
        };
        let dip = looped(&DIP, phase);
        let root = ground + Vec3::Y * (crate::rig::rest::PELVIS.y - dip);
        Trunk { root, yaw, pelvis, spine, chest, neck: chest * skull(0.45), head: chest * skull(1.0) }
    }
}

fn split<const N: usize>(controls: &[[f32; N]; 16], phase: f32) -> [f32; N] {
    std::array::from_fn(|c| looped(&controls.map(|k| k[c]), phase))
}
