//! Formats that keep splats as pictures on a grid: written here from their specifications, read by the importers.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::type_complexity,
    clippy::needless_range_loop,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tests panic where they are wrong, and their numbers are chosen to fit"
)]

mod common;
mod compact;
mod npz_writer;
mod selforg;
mod sog;
mod sog_writer;
mod tsog;

use vivant_tests::hostile::Metered;

#[global_allocator]
static ALLOCATOR: Metered = Metered;
