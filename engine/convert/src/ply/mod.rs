//! PLY, the Stanford polygon format: trained Gaussians in the INRIA layout, and plain point clouds.
//!
//! `header` parses the text on top; `plan` finds our attributes among its properties; `binary` and `ascii`
//! turn rows into splats with raw values; `gaussians` and `points` make those the model. `write` is the way back.
//! Any property order, any scalar type, either byte order; elements and properties that mean nothing here are skipped.

mod ascii;
mod binary;
mod gaussians;
mod header;
mod plan;
mod points;
mod read;
pub mod write;

pub use plan::Kind;
pub(crate) use read::read_and_tell;
pub use read::{Summary, probe, read};
pub use write::{write_points, write_splats};

/// Most splats one file may hold: beyond it one frame would not fit the memory of the machines this runs on.
pub const MAX_SPLATS: u64 = 1 << 26;
