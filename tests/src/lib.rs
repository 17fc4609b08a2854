//! What the test crates share: when a test may skip, seeded random numbers, a GPU whose validation must stay silent, and
//! a bench that runs one kernel over the buffers of its CPU twin.

pub mod gpu;
pub mod hostile;
pub mod limb;
pub mod performances;
pub mod pictures;
pub mod random;
pub mod require;
pub mod rigged;
pub mod stage;
pub mod synthetic;
pub mod thread;
pub mod typist;
