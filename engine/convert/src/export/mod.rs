//! The way back: splats as files that other programs read.

pub mod fourdgs;
mod straight;
