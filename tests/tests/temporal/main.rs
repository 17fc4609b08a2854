//! Importers of temporal Gaussians that are stored as such: each against a writer of its own, made from the description of
//! the format and not from its reader, and against the format's own formulas evaluated here in f64.
//!
//! `seen` is the instrument: what a splat looks like at a moment. `bytes` writes PLY and other bytes.

#![allow(
    clippy::unwrap_used,
    clippy::type_complexity,
    clippy::needless_range_loop,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tests panic where they are wrong, and their numbers are chosen to fit"
)]

mod bytes;
mod checkpoint;
mod fourdgs;
mod fourdgs_export;
mod fourdgs_objects;
mod fourdgs_states;
mod ftgs;
mod seen;
mod speed;
mod splatv;
mod stg;
mod stg_full;

use std::path::Path;

use vivant_convert::{Axes, Foreign, Options, RigOptions, Whole};
use vivant_tests::hostile::Metered;

#[global_allocator]
static ALLOCATOR: Metered = Metered;

/// Opens one file, with the file's own axes kept.
fn open_as_is(path: &Path) -> vivant::Result<Foreign> {
    open(path, &Options { axes: Some(Axes::RUB), ..Options::default() })
}

fn open(path: &Path, options: &Options) -> vivant::Result<Foreign> {
    Foreign::open(&[path.to_owned()], None, options, &RigOptions::default())
}

/// The performance in a file that is read at once.
fn whole(foreign: &Foreign) -> &Whole {
    foreign.whole().expect("a whole performance")
}

/// For the attack: how many splats a file gives. A bit in a name makes some files another format's.
fn count(path: &Path) -> vivant::Result<usize> {
    let foreign = open(path, &Options::default())?;
    Ok(foreign.whole().map_or(1, |whole| whole.performance.splats.len()))
}
