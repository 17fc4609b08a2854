//! Rigs: splats that are told once, at rest, and carried by joints.
//!
//! A *canonical* splat names up to eight joints with weights. A joint is a place that moves: a bone of a skeleton, a
//! free point on a body (`DualGS`), or a face of a mesh (`GaussianAvatars`), of which a splat names just one. All of them
//! move the same way: by an affine map F = Σ wₖ Aₖ, with Aₖ = (joint now) · (joint at rest)⁻¹; then
//!
//! ```text
//! mean' = F · mean        Σ' = F Σ Fᵀ        colour'(d) = colour(Rᵀ d),  R the rotation nearest to F, or none
//! ```
//!
//! So vertices and skeletons never reach a player: what moves a rig is one affine map a joint, from the clip or from the
//! host. This file says what a rig is; `carry.rs` moves splats on the CPU, in f64, for what writes clips.

mod carry;

use glam::{DAffine3, DMat3, DVec3};

pub use carry::{Carried, blended, carried, polar};

use crate::error::{Error, Result};

/// An affine map of space by rows: row `i` gives coordinate `i` as `[x, y, z, 1]` times it.
pub type Affine = [[f32; 4]; 3];

/// The map that changes nothing.
pub const IDENTITY: Affine = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];

/// Joints of a rig, at most: what 16 bits tell apart.
pub const MAX_JOINTS: usize = 65_536;

/// Bytes of a joint's name, at most.
pub const MAX_NAME_BYTES: usize = 255;

/// What the joints of a rig are; they move alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Bones of a skeleton, or free points on a body.
    #[default]
    Joints,
    /// Faces of a mesh, each with a frame of its own; canonical splats are told in the frame of theirs.
    Faces,
}

/// What becomes of a splat's harmonics when joints turn it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Harmonics {
    /// They turn with it: what shows from one side of a splat shows from that side wherever it is turned.
    #[default]
    Turn,
    /// They are told along the axes of the object, however the splat lies: so `GaussianAvatars` and `GaMeS` train them.
    Stay,
}

/// One joint.
#[derive(Debug, Clone, PartialEq)]
pub struct Joint {
    /// Its name; empty where it has none.
    pub name: String,
    /// The joint that it hangs on, which stands before it; for hosts that move skeletons, nothing here needs it.
    pub parent: Option<u16>,
    /// `object_from_joint` at rest: the pose in which the canonical splats are told. The identity for a face.
    pub rest: Affine,
    /// A ball round the canonical means of the splats that it moves: centre, radius in metres; negative for none.
    /// [`crate::codec::RigWriter`] sets it.
    pub ball: [f32; 4],
}

impl Joint {
    /// A joint that moves nothing yet.
    #[must_use]
    pub fn new(name: &str, parent: Option<u16>, rest: Affine) -> Self {
        Self { name: name.to_owned(), parent, rest, ball: [0.0, 0.0, 0.0, -1.0] }
    }
}

/// Which joints move a splat, and how much each: weights are not negative and add up to 1; 0 where it has fewer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Binding {
    /// Numbers of joints.
    pub joints: [u16; Self::MOST],
    /// Their weights.
    pub weights: [f32; Self::MOST],
}

impl Binding {
    /// Joints that may move a splat.
    pub const MOST: usize = 8;

    /// Moved by one joint alone: the face it lies on.
    #[must_use]
    pub const fn one(joint: u16) -> Self {
        let mut weights = [0.0; Self::MOST];
        weights[0] = 1.0;
        Self { joints: [joint; Self::MOST], weights }
    }

    /// Of pairs of joint and weight, those of one joint added up: the heaviest of them, made to add up to 1. `None` without
    /// any weight.
    #[must_use]
    pub fn of(pairs: &[(u16, f32)]) -> Option<Self> {
        let mut given: Vec<(u16, f32)> =
            pairs.iter().copied().filter(|(_, weight)| weight.is_finite() && *weight > 0.0).collect();
        given.sort_by_key(|(joint, _)| *joint);
        let mut pairs: Vec<(u16, f32)> = Vec::with_capacity(given.len());
        for (joint, weight) in given {
            match pairs.last_mut() {
                Some((last, sum)) if *last == joint => *sum += weight,
                _ => pairs.push((joint, weight)),
            }
        }
        pairs.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        pairs.truncate(Self::MOST);
        let sum: f32 = pairs.iter().map(|(_, weight)| weight).sum();
        let mut out = Self::one(pairs.first()?.0);
        out.weights = [0.0; Self::MOST];
        for (at, (joint, weight)) in pairs.into_iter().enumerate() {
            (out.joints[at], out.weights[at]) = (joint, weight / sum);
        }
        Some(out)
    }

    /// The joints with a weight.
    pub fn terms(&self) -> impl Iterator<Item = (u16, f32)> + '_ {
        self.joints.into_iter().zip(self.weights).filter(|(_, weight)| *weight > 0.0)
    }
}

/// The joints of a clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Rig {
    kind: Kind,
    harmonics: Harmonics,
    joints: Vec<Joint>,
    /// `joint_from_object` at rest.
    from_rest: Vec<Affine>,
}

impl Rig {
    /// A rig of these joints.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] without joints or with too many, for a parent that does not stand before its joint, a
    /// rest that is not finite or flat, or a name that is too long.
    pub fn new(kind: Kind, joints: Vec<Joint>) -> Result<Self> {
        if !(1..=MAX_JOINTS).contains(&joints.len()) {
            return Err(Error::invalid(format!("a rig of {} joints: give 1 to {MAX_JOINTS}", joints.len())));
        }
        let mut from_rest = Vec::with_capacity(joints.len());
        for (number, joint) in joints.iter().enumerate() {
            let wrong = |why: &str| Err(Error::invalid(format!("joint {number}: {why}")));
            if joint.parent.is_some_and(|parent| usize::from(parent) >= number) {
                return wrong("its parent must stand before it");
            }
            if joint.name.len() > MAX_NAME_BYTES {
                return wrong("its name is longer than 255 bytes");
            }
            if !joint.ball.iter().all(|value| value.is_finite()) {
                return wrong("its ball must be finite");
            }
            let back = wide(&joint.rest).inverse();
            if !(is_sound(&joint.rest) && is_sound(&narrow(&back))) {
                return wrong("its rest must be finite and turn back: not flat");
            }
            from_rest.push(narrow(&back));
        }
        Ok(Self { kind, harmonics: Harmonics::default(), joints, from_rest })
    }

    /// The same with other harmonics.
    #[must_use]
    pub fn with_harmonics(self, harmonics: Harmonics) -> Self {
        Self { harmonics, ..self }
    }

    /// What becomes of harmonics.
    #[must_use]
    pub const fn harmonics(&self) -> Harmonics {
        self.harmonics
    }

    /// What its joints are.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Its joints.
    #[must_use]
    pub fn joints(&self) -> &[Joint] {
        &self.joints
    }

    /// The number of the first joint of a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.joints.iter().position(|joint| joint.name == name)
    }

    /// Bytes that it takes in memory, names aside.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.joints.len() * (size_of::<Joint>() + size_of::<Affine>())) as u64
    }

    /// Sets the balls; there must be as many as joints.
    pub(crate) fn set_balls(&mut self, balls: &[[f32; 4]]) {
        for (joint, ball) in self.joints.iter_mut().zip(balls) {
            joint.ball = *ball;
        }
    }

    /// What each joint does to canonical space when it stands where `joints` (`object_from_joint`) says. Does not
    /// allocate where `out` has room.
    pub fn carry(&self, joints: &[Affine], out: &mut Vec<Affine>) {
        out.clear();
        out.extend(joints.iter().zip(&self.from_rest).map(|(now, back)| compose(now, back)));
    }

    /// The same of all joints at rest: nothing.
    pub fn carry_rest(&self, out: &mut Vec<Affine>) {
        out.clear();
        out.resize(self.joints.len(), IDENTITY);
    }

    /// Boxes round what the joints' balls become: lower and upper corner, in which every carried mean lies. `None` where
    /// nothing is bound, or a joint is farther than numbers go.
    #[must_use]
    pub fn bounds(&self, carried: &[Affine]) -> Option<[[f32; 3]; 2]> {
        let mut out: Option<[[f32; 3]; 2]> = None;
        for (joint, by) in self.joints.iter().zip(carried).filter(|(joint, _)| joint.ball[3] >= 0.0) {
            let [x, y, z, radius] = joint.ball;
            let corners = out.get_or_insert([[f32::INFINITY; 3], [f32::NEG_INFINITY; 3]]);
            for (axis, row) in by.iter().enumerate() {
                let middle = row[0] * x + row[1] * y + row[2] * z + row[3];
                let reach = radius * (row[0] * row[0] + row[1] * row[1] + row[2] * row[2]).sqrt();
                corners[0][axis] = corners[0][axis].min(middle - reach);
                corners[1][axis] = corners[1][axis].max(middle + reach);
            }
        }
        out.filter(|corners| corners.as_flattened().iter().all(|value| value.is_finite()))
    }
}

/// `a · b`: first `b`, then `a`.
#[must_use]
pub fn compose(a: &Affine, b: &Affine) -> Affine {
    a.map(|row| {
        let of = |column: usize| row[0] * b[0][column] + row[1] * b[1][column] + row[2] * b[2][column];
        [of(0), of(1), of(2), of(3) + row[3]]
    })
}

/// The map in f64, as glam has it.
#[must_use]
pub fn wide(map: &Affine) -> DAffine3 {
    let [x, y, z] = map.map(|row| row.map(f64::from));
    let column = |at: usize| DVec3::new(x[at], y[at], z[at]);
    DAffine3 { matrix3: DMat3::from_cols(column(0), column(1), column(2)), translation: column(3) }
}

/// The map rounded to f32.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
pub fn narrow(map: &DAffine3) -> Affine {
    let (m, t) = (map.matrix3, map.translation);
    std::array::from_fn(|row| [m.x_axis[row], m.y_axis[row], m.z_axis[row], t[row]].map(|value| value as f32))
}

/// Whether a map is made of numbers that can be reckoned with: their squares must not overflow.
#[must_use]
pub fn is_sound(map: &Affine) -> bool {
    map.as_flattened().iter().all(|value| value.abs() < 1e15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::DQuat;

    fn somewhere() -> Affine {
        narrow(&DAffine3::from_scale_rotation_translation(
            DVec3::new(1.0, 2.0, 0.5),
            DQuat::from_rotation_y(0.7),
            DVec3::new(3.0, -1.0, 0.25),
        ))
    }

    #[test]
    fn a_joint_at_rest_changes_nothing() {
        let rig = Rig::new(Kind::Joints, vec![Joint::new("hip", None, somewhere())]).unwrap();
        let mut out = Vec::new();
        rig.carry(&[somewhere()], &mut out);
        for (got, wanted) in out[0].as_flattened().iter().zip(IDENTITY.as_flattened()) {
            assert!((got - wanted).abs() < 1e-6, "{out:?}");
        }
        let (a, b) = (somewhere(), narrow(&DAffine3::from_translation(DVec3::new(1.0, 2.0, 3.0))));
        let product = wide(&a) * wide(&b);
        for (got, wanted) in compose(&a, &b).as_flattened().iter().zip(narrow(&product).as_flattened()) {
            assert!((got - wanted).abs() < 1e-5);
        }
        assert_eq!(rig.find("hip"), Some(0));
        assert_eq!(rig.find("hop"), None);
    }

    #[test]
    fn what_cannot_be_a_rig_is_refused() {
        let joint = |parent, rest| Joint::new("", parent, rest);
        let mut flat = IDENTITY;
        flat[2] = [0.0; 4];
        let mut lost = IDENTITY;
        lost[0][3] = f32::NAN;
        for wrong in [
            vec![],
            vec![joint(Some(0), IDENTITY)],
            vec![joint(None, flat)],
            vec![joint(None, lost)],
            vec![Joint::new(&"x".repeat(256), None, IDENTITY)],
        ] {
            assert!(Rig::new(Kind::Joints, wrong.clone()).is_err(), "{wrong:?}");
        }
        assert!(Rig::new(Kind::Faces, vec![joint(None, IDENTITY), joint(Some(0), IDENTITY)]).is_ok());
    }

    #[test]
    fn balls_hold_what_they_carry() {
        let mut rig = Rig::new(Kind::Joints, vec![Joint::new("", None, IDENTITY); 2]).unwrap();
        assert_eq!(rig.bounds(&[IDENTITY; 2]), None);
        rig.set_balls(&[[1.0, 0.0, 0.0, 0.5], [0.0, 0.0, 0.0, -1.0]]);
        let [low, high] = rig.bounds(&[somewhere(), IDENTITY]).unwrap();
        for at in 0..200 {
            let angle = f64::from(at) * 2.4;
            let direction =
                DVec3::new(angle.sin(), (angle * 1.7).cos(), (angle * 0.3).sin()).normalize_or(DVec3::X);
            let point = wide(&somewhere()).transform_point3(DVec3::X + direction * 0.5).as_vec3();
            for axis in 0..3 {
                assert!(low[axis] - 1e-5 <= point[axis] && point[axis] <= high[axis] + 1e-5);
            }
        }
    }

    #[test]
    fn bindings_keep_the_heaviest() {
        let pairs: Vec<(u16, f32)> = (0..10).map(|at| (at, f32::from(at))).collect();
        let binding = Binding::of(&pairs).unwrap();
        assert_eq!((binding.joints[0], binding.terms().count()), (9, 8));
        assert!((binding.weights.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert_eq!(Binding::of(&[(3, 0.0), (1, f32::NAN)]), None);
        let twice = Binding::of(&[(3, 0.25), (1, 0.5), (3, 0.25)]).unwrap();
        assert_eq!(twice.terms().collect::<Vec<_>>(), [(1, 0.5), (3, 0.5)]);
        assert_eq!(Binding::one(7).terms().collect::<Vec<_>>(), [(7, 1.0)]);
    }
}
