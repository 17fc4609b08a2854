//! The way back: splats of a moment of a clip as files that other programs read.
//!
//! [`moment`] takes a clip apart at one time; an [`Export`] writes what it gives, or the whole clip where its format holds
//! motion. One file a format, all in one table, which says how exactly each holds it.

pub mod fourdgs;
mod glb;
mod moment;
mod ply;
mod spz;
mod straight;

use std::path::Path;

use vivant::clip::Clip;
use vivant::splat::{Appearance, Splats};
use vivant::{Error, Result};

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

/// How a format is written.
#[derive(Debug)]
enum Write {
    /// Splats on our axes, which stand still.
    Moment(fn(&Path, &Splats, &Appearance) -> Result<()>),
    /// A clip with all that moves in it.
    Whole(fn(&Path, &Clip) -> Result<fourdgs::Exported>),
}

/// All formats that are written.
pub static EXPORTS: &[Export] = &[
    Export {
        ending: "ply",
        system: "3D Gaussian Splatting (INRIA layout), x right, y down, z forward",
        precision: "floats: all of it, but for how a clip asks to be drawn",
        write: Write::Moment(ply::write),
    },
    Export {
        ending: "spz",
        system: "Niantic's compressed splats, version 3",
        precision: "means to 0.12 mm within 2 km, scales to 3.2 %, rotations to 0.2°, colours and opacities to 8 bits, \
                    harmonics to 5 bits (degree 1) and 4 (above)",
        write: Write::Moment(spz::write),
    },
    Export {
        ending: "glb",
        system: "glTF with KHR_gaussian_splatting (Khronos), floats",
        precision: "floats: all of it, but for how a clip asks to be drawn",
        write: Write::Moment(glb::write),
    },
    Export {
        ending: "4dgs",
        system: "the .4dgs container (avala-ai), gaussian-birth, with motion and sound",
        precision: "paths to 1 mm, places to a fiftieth of the middle scale, colours to 8 bits, harmonics within ±4",
        write: Write::Whole(fourdgs::write),
    },
];

impl Export {
    /// The format of files whose name ends like this one's, in any case.
    #[must_use]
    pub fn of(path: &Path) -> Option<&'static Self> {
        let ending = path.extension()?.to_str()?;
        EXPORTS.iter().find(|export| export.ending.eq_ignore_ascii_case(ending))
    }

    /// Whether a file holds a whole clip with its motion, and not a moment.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        matches!(self.write, Write::Whole(_))
    }

    /// Writes splats that stand still, on our axes, to `path`.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be written; [`Error::InvalidArgument`] for more splats than the format holds, or a
    /// format of whole clips.
    pub fn write(&self, path: &Path, splats: &Splats, appearance: &Appearance) -> Result<()> {
        match self.write {
            Write::Moment(write) => write(path, splats, appearance),
            Write::Whole(_) => {
                Err(Error::invalid(format!(".{} holds a whole clip, not a moment", self.ending)))
            }
        }
    }

    /// Writes a clip with its motion to `path`.
    ///
    /// # Errors
    /// As [`fourdgs::to_bytes`]; [`Error::Io`] when the file cannot be written; [`Error::InvalidArgument`] for a format of
    /// moments.
    pub fn write_whole(&self, path: &Path, clip: &Clip) -> Result<fourdgs::Exported> {
        match self.write {
            Write::Whole(write) => write(path, clip),
            Write::Moment(_) => Err(Error::invalid(format!(".{} holds a moment, not a clip", self.ending))),
        }
    }
}

/// Refuses a clip whose splats joints carry: where they are is not in them.
pub(crate) fn refuse_rig(clip: &Clip) -> Result<()> {
    if clip.rig().is_none() {
        return Ok(());
    }
    let what = "its joints carry its splats, which is not exported; convert its source without --rig";
    Err(Error::unsupported(format!("{}: {what}", clip.name())))
}
