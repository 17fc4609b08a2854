//! How a part of a body must lie to lie as the model's does at rest, told from anatomy where no pose tells it. Pure.
//!
//! Each answer is an orientation of the motion's joint in the model's world: an arm or leg by its bone and its hinge,
//! a hand by its knuckles, a head by its eyes, a foot by how the motion plants it.

use std::collections::BTreeMap;

use glam::{DMat3, DQuat, DVec3};

use super::names::{Finger, Part, Parts, SIDES, Side};
use super::reference::{Bodies, limbs};
use super::skeleton::Placed;

/// A hinge is known if it bends by this on average, as a sine: 3°.
const BENDS: f64 = 0.05;

/// The share of a motion in which a foot stands flattest, by the heights of ankle and toes.
const PLANTED_SHARE: usize = 10;

/// How evenly a foot must lie where it is planted, as the length of its mean upward direction.
const PLANTED_EVENLY: f64 = 0.9;

impl Bodies<'_> {
    /// About which axis, in its own, each bone of a limb is bent against the other.
    pub(crate) fn hinges(&self, samples: &[Vec<Placed>]) -> BTreeMap<Part, DVec3> {
        let mut hinges = BTreeMap::new();
        for [upper, lower, end] in limbs() {
            let bones = (self.motion_parts.get(&upper), self.motion_parts.get(&lower));
            let (Some(&first), Some(&second)) = bones else { continue };
            let mut sums = [DVec3::ZERO; 2];
            for placed in samples {
                let directions = (self.in_motion(placed, upper, lower), self.in_motion(placed, lower, end));
                let (Some(a), Some(b)) = directions else { continue };
                sums[0] += placed[first].rotation.inverse() * a.cross(b);
                sums[1] += placed[second].rotation.inverse() * a.cross(b);
            }
            for (part, sum) in [upper, lower].into_iter().zip(sums) {
                if sum.length() > BENDS * samples.len() as f64 {
                    hinges.insert(part, sum);
                }
            }
        }
        hinges
    }

    /// The orientation at which a bone and its hinge lie as the model's.
    pub(crate) fn hinged(&self, pose: &[Placed], part: Part, hinge: DVec3, forward: DVec3) -> Option<DQuat> {
        let (motion, model) = self.tips(pose, part)?;
        let direction = self.rest[*self.model_parts.get(&part)?].rotation * model;
        let bends_to = if matches!(part, Part::UpperLeg(_) | Part::LowerLeg(_)) { -forward } else { forward };
        Some(frame(direction, direction.cross(bends_to))? * frame(motion, hinge)?.inverse())
    }

    /// The orientation at which the knuckles lie as the model's.
    pub(crate) fn by_knuckles(&self, pose: &[Placed], side: Side) -> Option<DQuat> {
        let hand = Part::Hand(side);
        let knuckle = |finger| Part::Finger(side, finger, 1);
        let (middle, index, pinky) =
            (knuckle(Finger::Middle), knuckle(Finger::Index), knuckle(Finger::Pinky));
        let own = pose[*self.motion_parts.get(&hand)?].rotation.inverse();
        let motion =
            frame(own * self.in_motion(pose, hand, middle)?, own * self.in_motion(pose, pinky, index)?)?;
        let model = frame(self.in_rest(hand, middle)?, self.in_rest(pinky, index)?)?;
        Some(model * motion.inverse())
    }

    /// The orientation at which the eyes look as the model's.
    pub(crate) fn by_eyes(&self, pose: &[Placed]) -> Option<DQuat> {
        let own = pose[*self.motion_parts.get(&Part::Head)?].rotation.inverse();
        let (gaze, across) = eyes(self.motion_parts, pose)?;
        let (model_gaze, model_across) = eyes(self.model_parts, self.rest)?;
        Some(frame(model_gaze, model_across)? * frame(own * gaze, own * across)?.inverse())
    }

    /// The orientation of a foot or its toes where the motion plants them flat, `up` being up in the motion; the
    /// model's stand flat at rest.
    pub(crate) fn planted(
        &self,
        pose: &[Placed],
        part: Part,
        side: Side,
        samples: &[Vec<Placed>],
        up: DVec3,
    ) -> Option<DQuat> {
        let joint = *self.motion_parts.get(&part)?;
        let ends = [Part::Foot(side), Part::Toe(side)].map(|part| self.motion_parts.get(&part));
        let [Some(&ankle), Some(&toe)] = ends else { return None };
        let height = |placed: &Vec<Placed>| (placed[ankle].position() + placed[toe].position()).dot(up);
        let mut flattest: Vec<&Vec<Placed>> = samples.iter().collect();
        flattest.sort_by(|a, b| height(a).total_cmp(&height(b)));
        flattest.truncate(samples.len().div_ceil(PLANTED_SHARE));
        let upward: DVec3 = flattest.iter().map(|placed| placed[joint].rotation.inverse() * up).sum();
        if upward.length() < PLANTED_EVENLY * flattest.len() as f64 {
            return None;
        }
        let (motion, model) = self.tips(pose, part)?;
        let heading = self.rest[*self.model_parts.get(&part)?].rotation * model;
        Some(frame(DVec3::Y, heading)? * frame(upward, motion)?.inverse())
    }
}

/// From the head to between the eyes, and from the right eye to the left.
fn eyes(parts: &Parts, placed: &[Placed]) -> Option<(DVec3, DVec3)> {
    let at = |part| Some(placed.get(*parts.get(&part)?)?.position());
    let [left, right] = SIDES.map(|side| at(Part::Eye(side)));
    let (left, right) = (left?, right?);
    Some((left.midpoint(right) - at(Part::Head)?, left - right))
}

/// The rotation whose x axis is `direction` and whose y axis lies towards `side`.
pub(crate) fn frame(direction: DVec3, side: DVec3) -> Option<DQuat> {
    let x = direction.try_normalize()?;
    let z = x.cross(side).try_normalize()?;
    Some(DQuat::from_mat3(&DMat3::from_cols(x, z.cross(x), z)))
}
