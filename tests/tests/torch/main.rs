//! Checkpoints of PyTorch and what is in them: files by a writer of our own against what was put in.

#![allow(clippy::unwrap_used, reason = "tests panic where they are wrong")]

mod archive;
mod pickles;
mod writer;

use vivant_tests::hostile::Metered;

#[global_allocator]
static ALLOCATOR: Metered = Metered;
