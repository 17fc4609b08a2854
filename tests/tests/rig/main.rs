//! Rigs: skinned glTF models under their own animation or a BVH motion, baked to splats.
//!
//! The instrument is a body of boxes whose joints, bones and weights the tests know (`body`), written as GLB and as BVH
//! in several habits of naming, unit and axis. What the importer makes of it is held against plain f64 sums here. The
//! real avatar is looked at in `dancer`, where the content is.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tests panic where they are wrong, and their numbers are chosen to fit"
)]

mod body;
mod cli;
mod dancer;
mod hostile;
mod identity;
mod retarget;
mod skinning;
#[path = "../vivant_binary/mod.rs"]
mod vivant_binary;

use std::path::Path;

use vivant_convert::{Rig, RigOptions};

/// A rig of the body in `folder` with a motion.
fn open(folder: &Path, motion: Option<&str>, splats: usize) -> vivant::Result<Rig> {
    std::fs::write(folder.join("body.glb"), body::glb(&body::Extras::default())).unwrap();
    let path = motion.map(|text| {
        let path = folder.join("motion.bvh");
        std::fs::write(&path, text).unwrap();
        path
    });
    Rig::open(&folder.join("body.glb"), path.as_deref(), &RigOptions { splats, fps: None, live: false })
}

/// Where a joint of the body is in a frame.
fn joint(rig: &Rig, frame: usize, name: &str) -> glam::DVec3 {
    let joints = rig.joints(frame).unwrap();
    let found = joints.iter().find(|(joint, _)| joint.ends_with(name));
    glam::DVec3::from_array(found.unwrap_or_else(|| panic!("no joint {name}")).1)
}
