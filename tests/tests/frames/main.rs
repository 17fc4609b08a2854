//! Sequences of frames in the forms that trainers save, each by a writer of its own that knows nothing of the reader.

#![allow(
    clippy::unwrap_used,
    clippy::type_complexity,
    clippy::needless_range_loop,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::cast_lossless,
    reason = "a test may fail, and its numbers are chosen to fit"
)]

mod dgs;
mod ex4dgs;
mod export;
mod folders;
mod fourier;
mod ids;
mod npz;
mod numpy;
mod params;
#[path = "../ply_sheet/mod.rs"]
mod ply_sheet;
mod scene;
mod truth;
mod v3;
