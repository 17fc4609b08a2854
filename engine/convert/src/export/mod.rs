//! The way back: splats of a moment of a clip as files that other programs read.
//!
//! [`moment`] takes a clip apart at one time; an [`Export`] writes what it gives. One file a format, all in one table:
//! what a format cannot hold (motion, lives) was worked out before, and how exactly it holds the rest is said there.

pub mod fourdgs;
mod glb;
mod moment;
mod ply;
mod spz;
mod straight;

use std::path::Path;

use vivant::Result;
use vivant::splat::{Appearance, Splats};

pub use moment::moment;

/// A format that is written.
#[derive(Debug)]
pub struct Export {
    /// The ending of its files, by which it is chosen.
    pub ending: &'static str,
    /// What reads it.
    pub system: &'static str,
    /// How exactly it holds splats.
    pub precision: &'static str,
    write: Write,
}

/// Writes splats on our axes, which stand still, to a file.
type Write = fn(&Path, &Splats, &Appearance) -> Result<()>;

/// All formats that are written.
pub static EXPORTS: &[Export] = &[
    Export {
        ending: "ply",
        system: "3D Gaussian Splatting (INRIA layout), x right, y down, z forward",
        precision: "floats: all of it, but for how a clip asks to be drawn",
        write: ply::write,
    },
    Export {
        ending: "spz",
        system: "Niantic's compressed splats, version 3",
        precision: "means to 0.12 mm within 2 km, scales to 3.2 %, rotations to 0.2°, colours and opacities to 8 bits, \
                    harmonics to 5 bits (degree 1) and 4 (above)",
        write: spz::write,
    },
    Export {
        ending: "glb",
        system: "glTF with KHR_gaussian_splatting (Khronos), floats",
        precision: "floats: all of it, but for how a clip asks to be drawn",
        write: glb::write,
    },
];

impl Export {
    /// The format of files whose name ends like this one's, in any case.
    #[must_use]
    pub fn of(path: &Path) -> Option<&'static Self> {
        let ending = path.extension()?.to_str()?;
        EXPORTS.iter().find(|export| export.ending.eq_ignore_ascii_case(ending))
    }

    /// Writes splats that stand still, on our axes, to `path`.
    ///
    /// # Errors
    /// [`vivant::Error::Io`] when the file cannot be written; [`vivant::Error::InvalidArgument`] for more splats than the
    /// format holds.
    pub fn write(&self, path: &Path, splats: &Splats, appearance: &Appearance) -> Result<()> {
        (self.write)(path, splats, appearance)
    }
}
