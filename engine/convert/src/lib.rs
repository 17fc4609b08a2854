//! Importers: foreign files become the common model of [`vivant::splat`]. No GPU, no clip container.
//!
//! [`source::Source`] is the door: it takes what the user named (a file, a folder, a pattern, a list), finds the
//! frames, and hands them out one by one, so that a sequence of any length converts in the memory of a few frames.
//! [`Rig`] is the other door: a skinned model and its motion, as splats that keep their identity; [`Foreign`] is either.
//! One folder a foreign format ([`ply`], [`rig`]), one file a concern. Every file is hostile until read: sizes are checked
//! against the length of the file before anything is allocated, and errors name the field and the byte.

pub mod axes;
mod cleanse;
mod clip;
pub mod correspondence;
pub mod foreign;
pub mod fps;
mod inputs;
mod natural;
mod neighbours;
pub mod options;
mod pattern;
pub mod ply;
pub mod report;
pub mod rig;
mod rows;
mod sh_rotate;
pub mod source;

pub use axes::Axes;
pub use foreign::Foreign;
pub use fps::Fps;
pub use options::{Options, Stored};
pub use report::Report;
pub use rig::{Rig, RigOptions};
pub use source::{Imported, Source};
