//! What splats carry besides what they look like: from a foreign file through every step into a clip, and back at a pick.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    reason = "a test may fail, its numbers are chosen to fit, and figures are printed"
)]

mod command;
mod import;
mod kept;
mod look;
mod pick;
#[path = "../ply_sheet/mod.rs"]
mod ply_sheet;
#[path = "../vivant_binary/mod.rs"]
mod vivant_binary;
