//! The body as one signed distance field in its rest pose, and how each point of it is bound to the skeleton.
//!
//! The field is made for the left half and mirrored. Five groups (trunk, head, arm, fingers, leg) are modelled in
//! their own files; a point's binding is a soft choice between the groups by their distances, then a soft walk
//! along the chain of joints inside each. Nothing here knows about time.

mod arm;
mod bind;
mod face;
mod head;
mod leg;
mod trunk;

pub(crate) use face::{EYE, EYE_RADII, LID_HALF, lids, lower_lid, upper_lid};
pub(crate) use head::{CENTRE as HEAD_CENTRE, hairline};

use crate::field::{ellipsoid, join};
use crate::rig::rest;
use glam::Vec3;

/// Mirrors x with a rounded crease, so that the two halves meet smoothly.
fn fold(p: Vec3) -> Vec3 {
    Vec3::new((p.x * p.x + 6e-6).sqrt(), p.y, p.z)
}

/// A sphere that holds a part. Far outside, its distance stands in for the part's: cheaper, and never too large.
#[derive(Debug, Clone, Copy)]
struct Bound {
    centre: Vec3,
    radius: f32,
}

impl Bound {
    fn around(centre: Vec3, radius: f32) -> Self {
        Self { centre, radius }
    }

    fn or(self, p: Vec3, part: impl FnOnce(Vec3) -> f32) -> f32 {
        let away = (p - self.centre).length() - self.radius;
        if away > 0.04 { away } else { part(p) }
    }
}

/// The resting body.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    trunk: trunk::Trunk,
    arm: arm::Arm,
    leg: leg::Leg,
}

impl Body {
    pub(crate) fn new() -> Self {
        Self { trunk: trunk::Trunk::new(), arm: arm::Arm::new(), leg: leg::Leg::new() }
    }

    /// Torso and neck.
    pub(crate) fn trunk(&self, p: Vec3) -> f32 {
        self.trunk.at(fold(p))
    }

    /// Skull, face and ears, without the eyeballs.
    pub(crate) fn head(&self, p: Vec3) -> f32 {
        Bound::around(head::CENTRE, 0.145).or(fold(p), |q| head::at(q - head::CENTRE))
    }

    /// Head without features: what hair lies on.
    pub(crate) fn scalp(&self, p: Vec3) -> f32 {
        head::scalp(fold(p) - head::CENTRE)
    }

    /// Eyeballs.
    pub(crate) fn eye(&self, p: Vec3) -> f32 {
        let p = Vec3::new(p.x.abs(), p.y, p.z) - head::CENTRE;
        ellipsoid(p - EYE, EYE_RADII)
    }

    /// Upper arm to palm.
    pub(crate) fn arm(&self, p: Vec3) -> f32 {
        let middle = (rest::SHOULDER + rest::WRIST) * 0.5;
        Bound::around(middle, 0.36).or(fold(p), |q| self.arm.at(q))
    }

    /// One finger, thumb first.
    pub(crate) fn finger(&self, finger: usize, p: Vec3) -> f32 {
        Bound::around(rest::WRIST, 0.19).or(fold(p), |q| arm::finger(finger, q))
    }

    /// All fingers with the webs between them.
    pub(crate) fn hand(&self, p: Vec3) -> f32 {
        Bound::around(rest::WRIST, 0.19).or(fold(p), |q| {
            (1..5).fold(arm::finger(0, q), |d, finger| join(d, arm::finger(finger, q), 0.003))
        })
    }

    /// Thigh to toes.
    pub(crate) fn leg(&self, p: Vec3) -> f32 {
        // A box around both legs: above it or beside it only how far it is matters.
        let away = (p.y - 1.0).max(p.x.abs() - 0.22);
        if away > 0.05 { away } else { self.leg.at(fold(p)) }
    }

    /// All skin.
    pub(crate) fn skin(&self, p: Vec3) -> f32 {
        let torso = join(self.trunk(p), self.leg(p), 0.030);
        let torso = join(torso, self.arm(p), 0.028);
        join(join(torso, self.head(p), 0.012), self.hand(p), 0.007)
    }

    /// Where the bodice hangs: the trunk with its hollows bridged.
    pub(crate) fn bodice(&self, p: Vec3) -> f32 {
        let sleeve_root = self.arm(p) + 0.006;
        join(join(self.trunk.draped(fold(p)), self.leg(p), 0.05), sleeve_root, 0.035)
    }
}
