//! Which pose of a motion's skeleton stands for the rest pose of the model. Pure.
//!
//! Two skeletons agree on where a thigh points, not on how its axes lie. So every joint needs one orientation of the
//! motion's that means the model's rest; from there both turn alike. Motions tell it in three ways, tried in order:
//!
//! 1. The first frame is a T-pose (or A-pose) like the model's: it is the reference.
//! 2. The pose of all channels zero is one.
//! 3. Neither is, as where a library cut the T-pose off and zero is a bundle of bones along one axis. Then it is put
//!    together: the trunk and everything not named below stand as they do on average over the motion, turned so that
//!    hips and shoulders face as the model's do; an arm or leg is a bone and a hinge, and both are known: the bone
//!    from the offsets, the hinge from how the motion bends it, and in the model from anatomy (elbows bend forward,
//!    knees back); hands stand by their knuckles, heads by their eyes, feet as the motion plants them (`anatomy`);
//!    collars and fingers are swung onto the model's.
//!
//! In the first two cases arms and legs are swung onto the model's, so that an A-pose serves a T-pose.

use std::collections::BTreeMap;

use glam::{DQuat, DVec3};

use super::anatomy::frame;
use super::motion::Motion;
use super::names::{Part, Parts, SIDES};
use super::skeleton::{Placed, Skeleton};

/// How far a limb of a T-pose may point from the model's, as a cosine: 50°, which an A-pose keeps.
const LIKE_REST: f64 = 0.64;

/// Where the reference was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The first frame.
    FirstFrame,
    /// All channels zero.
    Zero,
    /// Put together.
    Built,
}

/// The reference.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reference {
    /// From the motion's world to the model's.
    pub(crate) world_from_motion: DQuat,
    /// For each pair, the orientation of the motion's joint, in the model's world, that means the model's rest.
    pub(crate) rotations: Vec<DQuat>,
    pub(crate) found: Found,
}

/// The two bodies.
pub(crate) struct Bodies<'a> {
    pub(crate) motion: &'a Motion,
    pub(crate) motion_parts: &'a Parts,
    pub(crate) model: &'a Skeleton,
    pub(crate) model_parts: &'a Parts,
    /// The model at rest.
    pub(crate) rest: &'a [Placed],
    pub(crate) pairs: &'a [(Part, usize, usize)],
}

/// The two bones of every limb, and what follows the second.
pub(crate) fn limbs() -> impl Iterator<Item = [Part; 3]> {
    SIDES.into_iter().flat_map(|side| {
        [
            [Part::UpperArm(side), Part::LowerArm(side), Part::Hand(side)],
            [Part::UpperLeg(side), Part::LowerLeg(side), Part::Foot(side)],
        ]
    })
}

/// Finds the reference; `None` if the bodies have no hips with two legs in common.
pub(crate) fn find(bodies: &Bodies<'_>) -> Option<Reference> {
    let first = bodies.motion.skeleton.place(&bodies.motion.pose(0));
    let zero = bodies.motion.skeleton.place(&bodies.motion.skeleton.rest());
    for (pose, found) in [(first, Found::FirstFrame), (zero, Found::Zero)] {
        let stance = bodies.upright(&pose)?;
        let facing = bodies.facing(&pose, stance)?;
        if bodies.is_like_rest(&pose, facing) {
            return Some(bodies.taken_from(&pose, facing, found));
        }
    }
    bodies.build()
}

impl Bodies<'_> {
    fn between(&self, parts: &Parts, placed: &[Placed], from: Part, to: Part) -> Option<DVec3> {
        let at = |part| Some(placed.get(*parts.get(&part)?)?.position());
        (at(to)? - at(from)?).try_normalize()
    }

    /// A direction in the motion's skeleton.
    pub(crate) fn in_motion(&self, placed: &[Placed], from: Part, to: Part) -> Option<DVec3> {
        self.between(self.motion_parts, placed, from, to)
    }

    /// A direction in the model at rest.
    pub(crate) fn in_rest(&self, from: Part, to: Part) -> Option<DVec3> {
        self.between(self.model_parts, self.rest, from, to)
    }

    /// The turn that brings the axis nearest to the trunk up: motions come with y or z up.
    fn upright(&self, pose: &[Placed]) -> Option<DQuat> {
        let up = trunk(self.motion_parts, pose)?;
        Some(DQuat::from_rotation_arc(nearest_axis(up), DVec3::Y))
    }

    /// `upright`, and turned about the vertical so that the legs stand as the model's.
    fn facing(&self, pose: &[Placed], upright: DQuat) -> Option<DQuat> {
        let [left, right] = SIDES.map(Part::UpperLeg);
        let flat = |v: DVec3| DVec3::new(v.x, 0.0, v.z).try_normalize();
        let from = flat(upright * self.in_motion(pose, right, left)?)?;
        let to = flat(self.in_rest(right, left)?)?;
        let angle = from.cross(to).y.atan2(from.dot(to));
        Some(DQuat::from_rotation_y(angle) * upright)
    }

    fn is_like_rest(&self, pose: &[Placed], facing: DQuat) -> bool {
        let alike = |from: Part, to: Part| {
            let both = self.in_motion(pose, from, to).zip(self.in_rest(from, to));
            both.is_none_or(|(motion, rest)| (facing * motion).dot(rest) > LIKE_REST)
        };
        let trunks = trunk(self.motion_parts, pose).zip(trunk(self.model_parts, self.rest));
        limbs().all(|[upper, lower, end]| alike(upper, lower) && alike(lower, end))
            && trunks.is_some_and(|(motion, rest)| (facing * motion).dot(rest) > LIKE_REST)
    }

    /// The reference from a pose that is like the model's rest.
    fn taken_from(&self, pose: &[Placed], facing: DQuat, found: Found) -> Reference {
        let rotations = self.walk(pose, facing, |part, turned| match part {
            Part::UpperArm(_) | Part::LowerArm(_) | Part::UpperLeg(_) | Part::LowerLeg(_) => {
                self.swung(pose, part, turned.carried)
            }
            // Feet are flat on the floor in every rest pose, however the leg above was swung.
            Part::Foot(_) | Part::Toe(_) => turned.plain,
            _ => turned.carried,
        });
        Reference { world_from_motion: facing, rotations, found }
    }

    /// Goes through the pairs from the root out; `each` gets the part and where it stands if it only follows.
    fn walk(&self, pose: &[Placed], hips: DQuat, mut each: impl FnMut(Part, Turned) -> DQuat) -> Vec<DQuat> {
        let mut done: BTreeMap<usize, DQuat> = BTreeMap::new();
        for &(part, source, _) in self.pairs {
            let above =
                self.motion.skeleton.upwards(source).skip(1).find_map(|at| Some((at, *done.get(&at)?)));
            let plain = hips * pose[source].rotation;
            let local = |at: usize| pose[at].rotation.inverse() * pose[source].rotation;
            let carried = above.map_or(plain, |(at, turned)| turned * local(at));
            let rotation = each(part, Turned { carried, plain });
            done.entry(source).or_insert(rotation);
        }
        self.pairs.iter().map(|(_, source, _)| done.get(source).copied().unwrap_or(DQuat::IDENTITY)).collect()
    }

    /// The direction of a part's bone in its own axes, in the motion, whose joints stand as in `pose`, and in the model.
    pub(crate) fn tips(&self, pose: &[Placed], part: Part) -> Option<(DVec3, DVec3)> {
        let next = match part {
            Part::Collar(side) => Part::UpperArm(side),
            Part::UpperArm(side) => Part::LowerArm(side),
            Part::LowerArm(side) => Part::Hand(side),
            Part::UpperLeg(side) => Part::LowerLeg(side),
            Part::LowerLeg(side) => Part::Foot(side),
            Part::Foot(side) => Part::Toe(side),
            Part::Finger(side, finger, number) => Part::Finger(side, finger, number + 1),
            _ => part,
        };
        let motion = tip(&self.motion.skeleton, pose, self.motion_parts, part, next)?;
        let model = tip(self.model, self.rest, self.model_parts, part, next)?;
        Some((motion, model))
    }

    /// `turned`, swung so that the bone points as the model's does at rest.
    fn swung(&self, pose: &[Placed], part: Part, turned: DQuat) -> DQuat {
        let target = self.model_parts.get(&part).and_then(|&joint| self.rest.get(joint));
        let (Some(target), Some((motion, model))) = (target, self.tips(pose, part)) else { return turned };
        DQuat::from_rotation_arc(turned * motion, target.rotation * model) * turned
    }

    /// The reference put together from the average pose and anatomy.
    fn build(&self) -> Option<Reference> {
        let samples = self.motion.placed_samples();
        let hips = *self.motion_parts.get(&Part::Hips)?;
        let ups = samples.iter().filter_map(|placed| trunk(self.motion_parts, placed));
        let world_from_motion = DQuat::from_rotation_arc(nearest_axis(ups.sum()), DVec3::Y);
        let mut mean = self.motion.mean_pose();
        for above in self.motion.skeleton.upwards(hips) {
            mean[above].rotation = DQuat::IDENTITY;
        }
        let mean = self.motion.skeleton.place(&mean);
        let [left, right] = SIDES.map(Part::UpperLeg);
        let rest_body = frame(trunk(self.model_parts, self.rest)?, self.in_rest(right, left)?)?;
        let mean_body = frame(trunk(self.motion_parts, &mean)?, self.in_motion(&mean, right, left)?)?;
        let forward = self.in_rest(right, left)?.cross(DVec3::Y).try_normalize()?;
        let hinges = self.hinges(&samples);
        let up = world_from_motion.inverse() * DVec3::Y;
        let rotations = self.walk(&mean, rest_body * mean_body.inverse(), |part, turned| {
            let known = match part {
                Part::UpperArm(_) | Part::LowerArm(_) | Part::UpperLeg(_) | Part::LowerLeg(_) => {
                    hinges.get(&part).and_then(|&hinge| self.hinged(&mean, part, hinge, forward))
                }
                Part::Hand(side) => self.by_knuckles(&mean, side),
                Part::Head => self.by_eyes(&mean),
                Part::Foot(side) | Part::Toe(side) => self.planted(&mean, part, side, &samples, up),
                _ => None,
            };
            known.unwrap_or_else(|| match part {
                Part::Hips | Part::Spine(_) | Part::Neck(_) | Part::Head | Part::Eye(_) | Part::Hand(_) => {
                    turned.carried
                }
                _ => self.swung(&mean, part, turned.carried),
            })
        });
        Some(Reference { world_from_motion, rotations, found: Found::Built })
    }
}

/// Where the trunk points: from the hips to between the shoulders, or to the head of a body without arms.
fn trunk(parts: &Parts, placed: &[Placed]) -> Option<DVec3> {
    let at = |part| Some(placed.get(*parts.get(&part)?)?.position());
    let shoulders = SIDES.map(|side| at(Part::UpperArm(side)));
    let top = if let [Some(left), Some(right)] = shoulders { left.midpoint(right) } else { at(Part::Head)? };
    (top - at(Part::Hips)?).try_normalize()
}

/// Where a joint of the motion stands while the reference is walked through.
#[derive(Clone, Copy)]
struct Turned {
    /// As its parent carries it.
    carried: DQuat,
    /// As the pose has it, whatever was done to its parent.
    plain: DQuat,
}

/// The direction of a part's bone in its own axes: to `next`, or to the middle of what hangs on it.
fn tip(skeleton: &Skeleton, placed: &[Placed], parts: &Parts, part: Part, next: Part) -> Option<DVec3> {
    let joint = *parts.get(&part)?;
    let own = placed.get(joint)?;
    let next = parts.get(&next).filter(|&&next| next != joint);
    let along = if let Some(&next) = next {
        placed.get(next)?.position() - own.position()
    } else {
        let joints = skeleton.joints.iter().zip(placed);
        joints.filter(|(at, _)| at.parent == Some(joint)).map(|(_, at)| at.position() - own.position()).sum()
    };
    (own.rotation.inverse() * along).try_normalize()
}

/// Of ±x, ±y, ±z the one nearest to a direction.
fn nearest_axis(direction: DVec3) -> DVec3 {
    let size = direction.abs();
    let axis = if size.y >= size.x && size.y >= size.z {
        DVec3::Y
    } else if size.z >= size.x {
        DVec3::Z
    } else {
        DVec3::X
    };
    axis * direction.dot(axis).signum()
}
