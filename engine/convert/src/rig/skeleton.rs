//! A tree of joints, its poses, and where a pose puts every joint. Pure, f64.
//!
//! A pose is what each joint is against its parent: translation, rotation, scale. Parents come before their children,
//! so one pass in order gives the world. Rotations are followed beside the matrices, because a matrix with an uneven
//! scale has no rotation to read off.

use glam::{DAffine3, DQuat, DVec3};

/// What a joint is against its parent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Local {
    pub(crate) translation: DVec3,
    pub(crate) rotation: DQuat,
    pub(crate) scale: DVec3,
}

impl Local {
    /// Nothing at all.
    pub(crate) const IDENTITY: Self =
        Self { translation: DVec3::ZERO, rotation: DQuat::IDENTITY, scale: DVec3::ONE };

    fn affine(&self) -> DAffine3 {
        DAffine3::from_scale_rotation_translation(self.scale, self.rotation, self.translation)
    }
}

/// One joint, or any other node of a scene.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Joint {
    pub(crate) name: String,
    /// Index of the parent, which comes earlier.
    pub(crate) parent: Option<usize>,
    /// The pose of the file itself.
    pub(crate) rest: Local,
}

/// Joints in an order in which parents come first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Skeleton {
    pub(crate) joints: Vec<Joint>,
}

/// Where a pose puts one joint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Placed {
    /// From the joint's own axes to the world.
    pub(crate) world: DAffine3,
    /// The rotations from the root down to the joint, without scale.
    pub(crate) rotation: DQuat,
}

impl Placed {
    /// Where the joint is.
    pub(crate) fn position(&self) -> DVec3 {
        self.world.translation
    }
}

impl Skeleton {
    /// The pose of the file.
    pub(crate) fn rest(&self) -> Vec<Local> {
        self.joints.iter().map(|joint| joint.rest).collect()
    }

    /// Where `pose` puts every joint.
    pub(crate) fn place(&self, pose: &[Local]) -> Vec<Placed> {
        let mut placed: Vec<Placed> = Vec::with_capacity(self.joints.len());
        for (joint, local) in self.joints.iter().zip(pose) {
            placed.push(below(joint.parent.and_then(|parent| placed.get(parent)), local));
        }
        placed
    }

    /// Whether `ancestor` stands above `joint`.
    pub(crate) fn is_above(&self, ancestor: usize, joint: usize) -> bool {
        self.upwards(joint).skip(1).any(|above| above == ancestor)
    }

    /// `joint`, its parent, and so on to the root.
    pub(crate) fn upwards(&self, joint: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(joint), |&at| self.joints.get(at).and_then(|joint| joint.parent))
    }
}

/// Where a joint comes to stand under its parent.
pub(crate) fn below(parent: Option<&Placed>, local: &Local) -> Placed {
    let (world, rotation) =
        parent.map_or((DAffine3::IDENTITY, DQuat::IDENTITY), |parent| (parent.world, parent.rotation));
    Placed { world: world * local.affine(), rotation: (rotation * local.rotation).normalize() }
}
