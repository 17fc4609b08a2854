//! A motion on a model that it was not made for: every joint turns in the world as its counterpart does. Pure.
//!
//! With `B(t)` the orientation of the motion's joint, `B₀` the one that means the model's rest ([`reference`]) and `G`
//! the model's own at rest, the model's joint turns to `B(t)·B₀⁻¹·G`. Bones keep the model's lengths. The hips travel
//! as the motion's do, scaled by the lengths of the legs, starting above the model's own place; how high they are is
//! settled by the floor (`floor`).

use glam::{DQuat, DVec3};

use super::bvh::Bvh;
use super::motion::Motion;
use super::names::{self, Part, Parts, SIDES};
use super::reference::{self, Bodies, Found};
use super::skeleton::{Local, Placed, Skeleton, below};

/// One joint that follows another.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Follow {
    source: usize,
    target: usize,
    /// `B₀⁻¹·G`.
    correction: DQuat,
}

/// A motion fitted to a model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Retarget {
    motion: Motion,
    follows: Vec<Follow>,
    world_from_motion: DQuat,
    /// The motion's hips and the model's.
    hips: (usize, usize),
    /// Metres of the model a unit of the motion.
    scale: f64,
    /// The motion's hips in its first frame.
    origin: DVec3,
    /// The model's at rest.
    hips_at_rest: DVec3,
    /// Lines for the report.
    pub(crate) notes: Vec<String>,
    /// Joints of the motion that have no counterpart in the model.
    pub(crate) unmapped: Vec<String>,
}

/// Length of both legs of a body.
fn legs(parts: &Parts, placed: &[Placed]) -> f64 {
    let at = |part| Some(placed.get(*parts.get(&part)?)?.position());
    let leg = |side| {
        let (hip, knee, ankle) =
            (at(Part::UpperLeg(side))?, at(Part::LowerLeg(side))?, at(Part::Foot(side))?);
        Some(hip.distance(knee) + knee.distance(ankle))
    };
    SIDES.into_iter().filter_map(leg).sum()
}

impl Retarget {
    /// Fits a motion to a skeleton.
    ///
    /// # Errors
    /// Why it cannot be, for a message: the joints that are missing.
    pub(crate) fn new(bvh: Bvh, model: &Skeleton) -> Result<Self, String> {
        let motion = Motion::new(bvh);
        let (motion_parts, model_parts) = (names::parts(&motion.skeleton), names::parts(model));
        let mut needed = vec![Part::Hips, Part::Head];
        needed.extend(SIDES.iter().flat_map(|&s| [Part::UpperLeg(s), Part::LowerLeg(s), Part::Foot(s)]));
        for (whose, parts) in [("motion", &motion_parts), ("model", &model_parts)] {
            if let Some(part) = needed.iter().find(|part| !parts.contains_key(part)) {
                return Err(format!("the {whose} has no joint whose name says {part:?}; rename its joints"));
            }
        }
        let pairs = names::pairs(&motion_parts, &model_parts);
        let rest = model.place(&model.rest());
        let bodies = Bodies {
            motion: &motion,
            motion_parts: &motion_parts,
            model,
            model_parts: &model_parts,
            rest: &rest,
            pairs: &pairs,
        };
        let found = reference::find(&bodies)
            .ok_or("the legs of the motion or of the model lie in one place, so that it faces nowhere")?;
        let scale =
            legs(&model_parts, &rest) / legs(&motion_parts, &motion.skeleton.place(&motion.skeleton.rest()));
        if !(scale.is_finite() && scale > 0.0) {
            return Err("the legs of the motion or of the model have no length".to_owned());
        }
        let follow = |(&(_, source, target), &rotation): (&(Part, usize, usize), &DQuat)| Follow {
            source,
            target,
            correction: rotation.inverse() * rest[target].rotation,
        };
        let follows: Vec<Follow> = pairs.iter().zip(&found.rotations).map(follow).collect();
        let hips = (motion_parts[&Part::Hips], model_parts[&Part::Hips]);
        let origin = motion.skeleton.place(&motion.pose(0))[hips.0].position();
        let unmapped = unmapped(&motion.skeleton, &follows);
        let mut notes = Vec::new();
        if found.found == Found::Built {
            notes.push(
                "the motion starts in no T-pose: how its joints lie was told from its bones and bends"
                    .to_owned(),
            );
        }
        notes.push(format!(
            "{} joints follow the motion, {} of it have no counterpart",
            follows.len(),
            unmapped.len()
        ));
        let hips_at_rest = rest[hips.1].position();
        let world_from_motion = found.world_from_motion;
        Ok(Self { motion, follows, world_from_motion, hips, scale, origin, hips_at_rest, notes, unmapped })
    }

    /// Seconds from the first frame to the last.
    pub(crate) fn seconds(&self) -> f64 {
        (self.motion.frames() - 1) as f64 * self.motion.frame_seconds()
    }

    /// Seconds a frame.
    pub(crate) fn frame_seconds(&self) -> f64 {
        self.motion.frame_seconds()
    }

    /// The model's pose at a time.
    pub(crate) fn pose(&self, seconds: f64, model: &Skeleton) -> Vec<Local> {
        let source = self.motion.skeleton.place(&self.motion.pose_at(seconds / self.motion.frame_seconds()));
        let mut pose = model.rest();
        let mut placed: Vec<Placed> = Vec::with_capacity(pose.len());
        let mut follows = self.follows.iter().peekable();
        for (index, joint) in model.joints.iter().enumerate() {
            let parent = joint.parent.and_then(|parent| placed.get(parent)).copied();
            if let Some(follow) = follows.next_if(|follow| follow.target == index) {
                let turned = self.world_from_motion * source[follow.source].rotation * follow.correction;
                let above = parent.map_or(DQuat::IDENTITY, |parent| parent.rotation);
                pose[index].rotation = (above.inverse() * turned).normalize();
            }
            if index == self.hips.1 {
                let travelled = source[self.hips.0].position() - self.origin;
                let place = self.hips_at_rest + self.world_from_motion * travelled * self.scale;
                pose[index].translation =
                    parent.map_or(place, |parent| parent.world.inverse().transform_point3(place));
            }
            placed.push(below(parent.as_ref(), &pose[index]));
        }
        pose
    }
}

/// Names of the motion's joints that nothing follows, leaving out its nameless ends.
fn unmapped(motion: &Skeleton, follows: &[Follow]) -> Vec<String> {
    let is_left =
        |&(index, name): &(usize, &String)| !name.is_empty() && follows.iter().all(|f| f.source != index);
    let named = motion.joints.iter().map(|joint| &joint.name).enumerate();
    named.filter(is_left).map(|(_, name)| name.clone()).collect()
}
