//! Where the feet are: a list of steps, each a swing between two plants. Between landing and the next lift the ball
//! of the foot and the toes do not move at all; before a lift and after a landing the heel turns about the ball.

use super::body::Carriage;
use crate::number::{ease, lerp};
use crate::rig::Side;
use glam::{Quat, Vec3};
use std::f32::consts::TAU;

/// A place of the ball of the foot on the floor, and the foot's turn about the vertical.
#[derive(Debug, Clone, Copy)]
struct Plant {
    x: f32,
    z: f32,
    yaw: f32,
}

/// One step: lift and landing in seconds of the loop, and where it lands.
#[derive(Debug, Clone, Copy)]
struct Step {
    lift: f32,
    land: f32,
    to: Plant,
}

/// A foot at a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Footing {
    /// The ball of the foot.
    pub(crate) ball: Vec3,
    /// The foot's rotation.
    pub(crate) foot: Quat,
    /// The toes' rotation.
    pub(crate) toe: Quat,
}

/// Both feet's steps over the loop.
#[derive(Debug, Clone)]
pub(crate) struct Steps {
    length: f32,
    feet: [Vec<Step>; 2],
}

/// Turn-out of the feet, radians.
const TURN_OUT: f32 = 0.24;
/// Half the distance of the feet when standing.
const STANCE: f32 = 0.088;

impl Steps {
    /// The dance's steps; those of the turn are laid where the pelvis will be above them.
    pub(crate) fn new(length: f32, carriage: &Carriage) -> Self {
        // Times are written for a loop of 8 s, in eighths of a second: windows of the fit then begin where swings do.
        let scale = length / 8.0;
        let home = |side: Side| Plant { x: STANCE * side.sign(), z: 0.100, yaw: TURN_OUT * side.sign() };
        let follow = |side: Side, middle: f32, turns: f32| {
            let (centre, yaw) = carriage.ground(middle * scale);
            let place =
                centre + Quat::from_rotation_y(yaw) * Vec3::new(STANCE * 0.95 * side.sign(), 0.0, 0.095);
            Plant { x: place.x, z: place.z, yaw: yaw + TURN_OUT * 0.8 * side.sign() - turns * TAU }
        };
        let step = |lift: f32, land: f32, to: Plant| Step { lift: lift * scale, land: land * scale, to };
        let left = vec![
            step(1.375, 1.875, Plant { x: -0.035, z: 0.135, yaw: 0.20 }),
            step(2.375, 2.875, Plant { x: 0.215, z: 0.120, yaw: 0.42 }),
            step(4.0, 4.375, follow(Side::Left, 4.62, 0.0)),
            step(4.875, 5.25, follow(Side::Left, 5.46, 0.0)),
            step(5.75, 6.125, follow(Side::Left, 6.27, 0.0)),
            step(6.625, 7.0, Plant { yaw: home(Side::Left).yaw + TAU, ..home(Side::Left) }),
        ];
        let right = vec![
            step(0.375, 0.875, Plant { x: -0.225, z: 0.110, yaw: -0.40 }),
            step(3.25, 3.75, Plant { x: 0.035, z: 0.060, yaw: -0.25 }),
            step(4.375, 4.75, follow(Side::Right, 5.04, 0.0)),
            step(5.25, 5.625, follow(Side::Right, 5.87, 0.0)),
            step(6.125, 6.5, follow(Side::Right, 6.70, 0.0)),
            step(7.125, 7.625, Plant { yaw: home(Side::Right).yaw + TAU, ..home(Side::Right) }),
        ];
        Self { length, feet: [left, right] }
    }

    /// A foot at a time of the loop.
    pub(crate) fn at(&self, side: Side, time: f32) -> Footing {
        let steps = &self.feet[usize::from(side == Side::Right)];
        let time = time.rem_euclid(self.length);
        let last = steps.len() - 1;
        // The last step of the loop before stands before the first; its yaw is one turn less.
        let next = steps.iter().position(|s| time < s.land).unwrap_or(steps.len());
        let turned = |s: &Step, turns: f32| Step {
            lift: s.lift + turns * self.length,
            land: s.land + turns * self.length,
            to: Plant { yaw: s.to.yaw + turns * TAU, ..s.to },
        };
        let before = if next == 0 { turned(&steps[last], -1.0) } else { steps[next - 1] };
        let after = if next > last { turned(&steps[0], 1.0) } else { steps[next] };
        let swing = (time - after.lift) / (after.land - after.lift);
        let t = ease(swing);
        let (from, to) = (before.to, after.to);
        let hop = 64.0 * (swing.clamp(0.0, 1.0) * (1.0 - swing.clamp(0.0, 1.0))).powi(3);
        let far = (to.x - from.x).hypot(to.z - from.z);
        let ball = Vec3::new(
            lerp(from.x, to.x, t),
            super::BALL_HEIGHT + hop * (0.030 + 0.12 * far),
            lerp(from.z, to.z, t),
        );
        // The heel leads the lift and follows the landing.
        let heel = heel_lift(time, after.lift, after.land) + heel_lift(time, before.lift, before.land);
        let yaw = Quat::from_rotation_y(lerp(from.yaw, to.yaw, t));
        Footing {
            ball,
            foot: yaw * Quat::from_rotation_x(heel),
            toe: yaw * Quat::from_rotation_x(0.45 * hop),
        }
    }

    /// Planted intervals `(side, start, end)` within the loop, for tests.
    #[cfg(test)]
    pub(crate) fn plants(&self) -> Vec<(Side, f32, f32)> {
        let mut out = Vec::new();
        for (side, steps) in Side::BOTH.into_iter().zip(&self.feet) {
            for pair in steps.windows(2) {
                out.push((side, pair[0].land, pair[1].lift));
            }
        }
        out
    }
}

/// Pitch of the foot about its ball around a swing, radians; twice continuously differentiable.
fn heel_lift(time: f32, lift: f32, land: f32) -> f32 {
    let (start, end) = (lift - 0.25, land + 0.125);
    let peak = lift + 0.125;
    let t = if time < peak { (time - start) / (peak - start) } else { (end - time) / (end - peak) };
    0.52 * ease(t)
}
