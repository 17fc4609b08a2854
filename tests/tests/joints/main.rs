//! Splats that joints carry: kernels against twins, pictures against the f64 reference, what is stored against what was
//! given, the host's own joints, and damaged files. `rigged` in the test library poses splats by other ways than the engine.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tests panic where they are wrong, and their numbers are chosen to fit"
)]

#[path = "../support/bytes.rs"]
mod bytes;
mod damage;
mod host;
mod import;
mod kernels;
mod live;
#[path = "../frames/numpy.rs"]
mod numpy;
mod pictures;
mod stored;

use glam::{DAffine3, DMat3, DVec3};

/// The frame of a face as `GaussianAvatars` has it, written out anew.
fn face([a, b, c]: [DVec3; 3]) -> DAffine3 {
    let unit = |v: DVec3| v / v.dot(v).sqrt();
    let along = unit(b - a);
    let up = unit(along.cross(c - a));
    let side = -unit(up.cross(along));
    let size = ((b - a).length() + side.dot(c - a).abs()) / 2.0;
    DAffine3 { matrix3: DMat3::from_cols(along, up, side) * size, translation: (a + b + c) / 3.0 }
}
