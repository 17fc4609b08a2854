//! The dance: a pose of the whole skeleton for any time, periodic over the loop but for one full turn.
//!
//! The trunk follows splines, the feet follow their steps, and each leg is solved between the two (two-bone inverse
//! kinematics by the law of cosines); arms are carried by directions. Everything is smooth enough that cubic pieces
//! follow it: steps are minimum-jerk, splines have continuous acceleration.

mod arms;
mod body;
mod steps;

use crate::rig::{self, Dual, JOINTS, Rig, Side, of, rest};
use body::Carriage;
use glam::{Mat3, Quat, Vec3};
use steps::Steps;

/// Height of the ball joint above the floor when the foot stands.
pub(crate) const BALL_HEIGHT: f32 = rest::BALL.y;

/// A pose: world places and rotations of all joints, and the motion of each from rest.
#[derive(Debug, Clone)]
pub(crate) struct Pose {
    pub(crate) places: [Vec3; JOINTS],
    pub(crate) rotations: [Quat; JOINTS],
    pub(crate) joints: [Dual; JOINTS],
    /// The pelvis' turn about the vertical alone.
    pub(crate) yaw: Quat,
}

/// The dance.
#[derive(Debug, Clone)]
pub(crate) struct Dance {
    rig: Rig,
    length: f32,
    carriage: Carriage,
    pub(crate) steps: Steps,
}

impl Dance {
    /// The dance stretched over `length` seconds.
    pub(crate) fn new(length: f32) -> Self {
        let carriage = Carriage::new(length);
        Self { rig: Rig::new(), length, carriage, steps: Steps::new(length, &carriage) }
    }

    /// Seconds of one loop.
    pub(crate) fn length(&self) -> f32 {
        self.length
    }

    /// The pose at a time.
    pub(crate) fn pose(&self, time: f32) -> Pose {
        let trunk = self.carriage.at(time);
        let mut rotations = [trunk.pelvis; JOINTS];
        rotations[rig::SPINE] = trunk.spine;
        rotations[rig::CHEST] = trunk.chest;
        rotations[rig::NECK] = trunk.neck;
        rotations[rig::HEAD] = trunk.head;
        for side in Side::BOTH {
            self.pose_arm(side, time, trunk.chest, &mut rotations);
            self.pose_leg(side, time, &trunk, &mut rotations);
        }
        let places = self.rig.places(trunk.root, &rotations);
        let joints = std::array::from_fn(|j| Dual::new(rotations[j], self.rig.place[j], places[j]));
        Pose { places, rotations, joints, yaw: trunk.yaw }
    }

    fn pose_arm(&self, side: Side, time: f32, chest: Quat, rotations: &mut [Quat; JOINTS]) {
        let arm = arms::arm(side, time / self.length, self.length);
        for (joint, rotation) in [
            (rig::CLAVICLE, arm.clavicle),
            (rig::SHOULDER, arm.shoulder),
            (rig::UPPER, arm.upper),
            (rig::FOREARM, arm.forearm),
            (rig::TWIST, arm.twist),
            (rig::HAND, arm.hand),
        ] {
            rotations[of(side, joint)] = chest * rotation;
        }
        for (k, finger) in arm.fingers.into_iter().enumerate() {
            rotations[of(side, arms::FIRST_FINGER + k)] = chest * finger;
        }
    }

    fn pose_leg(&self, side: Side, time: f32, trunk: &body::Trunk, rotations: &mut [Quat; JOINTS]) {
        let footing = self.steps.at(side, time);
        let (hip0, knee0, ankle0) =
            (side.mirror(rest::HIP), side.mirror(rest::KNEE), side.mirror(rest::ANKLE));
        let ball0 = side.mirror(rest::BALL);
        let hip = trunk.root + trunk.pelvis * (hip0 - rest::PELVIS);
        let ankle = footing.ball + footing.foot * (ankle0 - ball0);
        let (a, b) = ((knee0 - hip0).length(), (ankle0 - knee0).length());
        let line = ankle - hip;
        let reach = line.length().clamp(0.3, (a + b) * 0.9995);
        let down = line.normalize_or(Vec3::NEG_Y);
        // The knee looks where pelvis and foot, together, look.
        let forward = footing.foot * Vec3::Z * 0.6 + trunk.yaw * Vec3::Z * 0.6 + Vec3::Y * 0.2;
        let hinge = forward.cross(down).normalize_or(Vec3::X);
        let ahead = down.cross(hinge);
        let cos = ((a * a + reach * reach - b * b) / (2.0 * a * reach)).clamp(-1.0, 1.0);
        let knee = hip + down * (a * cos) + ahead * (a * (1.0 - cos * cos).max(0.0).sqrt());
        let turn = |from: Vec3, to: Vec3| {
            let frame = |along: Vec3, side: Vec3| {
                let x = (side - along * along.dot(side)).normalize_or(Vec3::X);
                Mat3::from_cols(x, along, x.cross(along))
            };
            let rest = frame(from.normalize_or(Vec3::NEG_Y), Vec3::X);
            let now = frame(to.normalize_or(Vec3::NEG_Y), hinge);
            Quat::from_mat3(&(now * rest.transpose())).normalize()
        };
        rotations[of(side, rig::THIGH)] = turn(knee0 - hip0, knee - hip);
        rotations[of(side, rig::SHIN)] = turn(ankle0 - knee0, hip + down * reach - knee);
        rotations[of(side, rig::FOOT)] = footing.foot;
        rotations[of(side, rig::TOE)] = footing.toe;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_feet_do_not_slide_and_are_reached() {
        let dance = Dance::new(8.0);
        for (side, start, end) in dance.steps.plants() {
            let ball = |t: f32| {
                let pose = dance.pose(t);
                let foot = of(side, rig::FOOT);
                let rest = dance.rig.place[of(side, rig::TOE)];
                pose.places[foot] + pose.rotations[foot] * (rest - dance.rig.place[foot])
            };
            let first = ball(start);
            for k in 0..=40_u8 {
                let t = start + (end - start) * f32::from(k) / 40.0;
                let drift = (ball(t) - first).length();
                assert!(drift < 0.002, "{side:?} at {t}: {drift}");
            }
        }
    }

    #[test]
    fn the_loop_closes_after_one_turn() {
        let dance = Dance::new(8.0);
        let (a, b) = (dance.pose(0.0), dance.pose(8.0));
        for j in 0..JOINTS {
            assert!((a.places[j] - b.places[j]).length() < 1e-4, "joint {j}");
            assert!(a.rotations[j].dot(b.rotations[j]).abs() > 0.999_99, "joint {j}");
        }
    }
}
