//! Checkpoints of `PyTorch` and the temporal Gaussians in them: files by a writer of our own against what was put in, and
//! against the formulas of the papers (`formula`), evaluated here in f64.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tests panic where they are wrong, and their numbers are chosen to fit"
)]

mod algebra;
mod archive;
mod convex;
mod flow;
mod formula;
mod hierarchy;
#[path = "../frames/numpy.rs"]
#[allow(dead_code, reason = "frames uses all of it")]
mod numpy;
mod pickles;
mod rotor;
mod scene;
mod writer;
mod yang;

use std::path::Path;

use vivant_convert::{Foreign, Options, RigOptions, Whole};
use vivant_tests::hostile::Metered;

#[global_allocator]
static ALLOCATOR: Metered = Metered;

fn open(path: &Path, options: &Options) -> vivant::Result<Foreign> {
    Foreign::open(&[path.to_owned()], None, options, &RigOptions::default())
}

/// The performance in a file that is read at once.
fn whole(foreign: &Foreign) -> &Whole {
    foreign.whole().expect("a whole performance")
}

/// For the attack: how many splats a file gives.
fn count(path: &Path) -> vivant::Result<usize> {
    let foreign = open(path, &Options::default())?;
    Ok(foreign.whole().map_or(1, |whole| whole.performance.splats.len()))
}
