//! PLY, the Stanford polygon format: trained Gaussians in the INRIA layout, and plain point clouds.
//!
//! `header` parses the text on top; `plan` finds our attributes among its properties; `binary` and `ascii`
//! turn rows into splats with raw values (`body`), `filter` folds Mip-Splatting's filter into them; `gaussians` and `points`
//! make those the model; `ids` reads the numbers by which splats are followed. `packed` is the compressed form of PlayCanvas.
//! `raw` hands rows to the formats that stand on this one, `table` to those that do not. `write` is the way back.
//! Any property order, any scalar type, either byte order; elements that mean nothing here are skipped, and properties
//! that do become `channels` of the splats.

mod ascii;
mod binary;
mod body;
mod channels;
mod filter;
mod gaussians;
mod header;
mod ids;
mod packed;
mod plan;
mod points;
mod raw;
mod read;
mod table;
pub mod write;

use crate::formats::{Fidelity, Format, Open, Still};

pub(crate) use header::{MAX_HEADER, property_names};
pub use plan::Kind;
pub(crate) use raw::Raw;
pub(crate) use read::has_ids;
pub use read::{probe, read};
pub(crate) use table::{Column, Table};
pub use write::{write_points, write_splats};

/// What is read of trained Gaussians and points as PLY.
pub(crate) const FORMAT: Format = Format {
    name: "ply",
    system: "PLY: 3D Gaussian Splatting (INRIA layout) and what follows it (Mip-Splatting, 2D discs, Compact 3DGS, GES, \
             Dynamic-C3DGS); PlayCanvas compressed; bare points",
    fidelity: Fidelity::Exact,
    limits: "harmonics of degree 4 are cut to 3",
    detect: |probe| probe.starts_with(b"ply"),
    open: Open::Still(Still { probe, read, settle: read::settle }),
};

/// Most splats one file may hold: beyond it one frame would not fit the memory of the machines this runs on.
pub const MAX_SPLATS: u64 = 1 << 26;
