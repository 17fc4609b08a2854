//! Formats of splats that stand still, and the way back: each read from files of a writer of its own, made from the
//! format's description and not from the reader, and compared value by value, by pictures, and under attack.

#![allow(
    clippy::unwrap_used,
    clippy::type_complexity,
    clippy::needless_range_loop,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::cast_lossless,
    reason = "a test may fail, and its numbers are chosen to fit"
)]

mod export;
mod gltf;
mod inria;
mod ksplat;
mod packed;
mod scene;
mod splat;
mod spz;
mod table;
#[path = "../vivant_binary/mod.rs"]
mod vivant_binary;

use vivant_tests::hostile::Metered;

#[global_allocator]
static ALLOCATOR: Metered = Metered;
