//! Binding of rest points to joints: which chain, and how far along it.

use super::Body;
use crate::number::step;
use crate::rig::{self, Bind, FINGER, FINGERS, JOINTS, Side, in_hand, of, rest};
use glam::Vec3;

/// How far past `joint` a point is, measured across the plane that halves the bend between two bones.
fn past(p: Vec3, joint: Vec3, before: Vec3, after: Vec3) -> f32 {
    let along = (joint - before).normalize_or(Vec3::Y) + (after - joint).normalize_or(Vec3::Y);
    (p - joint).dot(along.normalize_or(Vec3::Y))
}

impl Body {
    /// The binding of a rest point, from its place alone.
    pub(crate) fn bind(&self, p: Vec3) -> Bind {
        let side = Side::at(p.x);
        let q = side.mirror(p);
        // Softest chain wins: weights fall off with the distance beyond the nearest group.
        let trunk = self.trunk(p);
        let (head, arm, leg, hand) = (self.head(p), self.arm(p), self.leg(p), self.hand(p));
        let near = trunk.min(head).min(arm).min(leg).min(hand);
        let soft = |d: f32, k: f32| (-(d - near) / k).exp();
        let share =
            [soft(trunk, 0.016), soft(head, 0.010), soft(arm, 0.012), soft(leg, 0.020), soft(hand, 0.003)];
        let sum: f32 = share.iter().sum();
        let share = share.map(|s| s / sum);
        let mut w = [0.0; JOINTS];
        self.walk_trunk(q, side, share[0], &mut w);
        w[rig::HEAD] += share[1];
        walk_arm(q, side, share[2], &mut w);
        walk_leg(q, side, share[3], &mut w);
        if share[4] > 0.001 {
            self.walk_fingers(p, q, side, share[4], &mut w);
        }
        Bind::strongest(&w)
    }

    fn walk_trunk(&self, q: Vec3, side: Side, share: f32, w: &mut [f32; JOINTS]) {
        let spine = step(0.95, 1.06, q.y);
        let chest = step(1.06, 1.22, q.y);
        let neck = step(1.395, 1.455, q.y + 0.25 * q.z);
        let head = step(1.470, 1.540, q.y - 0.30 * (q.z - 0.01));
        // Shoulder girdle: grows outwards over the upper chest.
        let girdle = 0.75 * step(0.03, 0.13, q.x) * step(1.22, 1.36, q.y) * (1.0 - neck);
        // Under the trunk's lower end the thighs take over, as the seat follows them.
        let thigh = 0.6 * step(0.90, 0.80, q.y) * step(0.01, 0.07, q.x);
        w[rig::PELVIS] += share * (1.0 - spine) * (1.0 - thigh);
        w[of(side, rig::THIGH)] += share * (1.0 - spine) * thigh;
        w[rig::SPINE] += share * spine * (1.0 - chest);
        let above = share * spine * chest;
        w[of(side, rig::CLAVICLE)] += above * girdle;
        w[rig::CHEST] += above * (1.0 - girdle) * (1.0 - neck);
        w[rig::NECK] += above * (1.0 - girdle) * neck * (1.0 - head);
        w[rig::HEAD] += above * (1.0 - girdle) * neck * head;
    }

    fn walk_fingers(&self, p: Vec3, q: Vec3, side: Side, share: f32, w: &mut [f32; JOINTS]) {
        let away: [f32; 5] = std::array::from_fn(|finger| self.finger(finger, p));
        let near = away.iter().copied().fold(f32::INFINITY, f32::min);
        let soft = away.map(|d| (-(d - near) / 0.0014).exp());
        let sum: f32 = soft.iter().sum();
        for (finger, (joints, radii)) in FINGER.iter().enumerate() {
            let part = share * soft[finger] / sum;
            if part < 0.001 {
                continue;
            }
            let places = joints.map(in_hand);
            let mut reached = [1.0; 4];
            for k in 0..3 {
                let before = if k == 0 { rest::WRIST } else { places[k - 1] };
                let t = past(q, places[k], before, places[k + 1]);
                reached[k] = step(-0.9 * radii[k], 0.9 * radii[k], t);
            }
            w[of(side, rig::HAND)] += part * (1.0 - reached[0]);
            for k in 0..3 {
                let next = if k == 2 { 0.0 } else { reached[k + 1] };
                let here: f32 = reached[..=k].iter().product();
                w[of(side, FINGERS + finger * 3 + k)] += part * here * (1.0 - next);
            }
        }
    }
}

fn walk_arm(q: Vec3, side: Side, share: f32, w: &mut [f32; JOINTS]) {
    let (a, b, c) = (rest::SHOULDER, rest::ELBOW, rest::WRIST);
    let t = (q - a).dot((b - a).normalize_or(Vec3::X));
    let shoulder = step(-0.05, 0.045, t);
    let upper = step(0.015, 0.150, t);
    let elbow = step(-0.052, 0.052, past(q, b, a, c));
    let down = (q - b).dot(c - b) / (c - b).length_squared();
    let twist = step(0.05, 0.95, down);
    let hand = step(-0.020, 0.016, past(q, c, b, in_hand([0.08, 0.0, 0.0])));
    w[of(side, rig::CLAVICLE)] += share * (1.0 - shoulder);
    w[of(side, rig::SHOULDER)] += share * shoulder * (1.0 - upper);
    w[of(side, rig::UPPER)] += share * shoulder * upper * (1.0 - elbow);
    let below = share * shoulder * upper * elbow;
    w[of(side, rig::FOREARM)] += below * (1.0 - hand) * (1.0 - twist);
    w[of(side, rig::TWIST)] += below * (1.0 - hand) * twist;
    w[of(side, rig::HAND)] += below * hand;
}

fn walk_leg(q: Vec3, side: Side, share: f32, w: &mut [f32; JOINTS]) {
    let thigh = step(0.06, -0.10, q.y - rest::HIP.y);
    let shin = step(-0.046, 0.046, past(q, rest::KNEE, rest::HIP, rest::ANKLE));
    let foot = step(0.125, 0.070, q.y + 0.15 * (q.z - rest::ANKLE.z));
    let toe = step(-0.018, 0.018, q.z - rest::BALL.z) * foot;
    w[rig::PELVIS] += share * (1.0 - thigh);
    w[of(side, rig::THIGH)] += share * thigh * (1.0 - shin);
    w[of(side, rig::SHIN)] += share * thigh * shin * (1.0 - foot);
    w[of(side, rig::FOOT)] += share * thigh * shin * foot * (1.0 - toe);
    w[of(side, rig::TOE)] += share * thigh * shin * foot * toe;
}
