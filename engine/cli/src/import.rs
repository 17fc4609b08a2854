//! The arguments that say how foreign files are to be understood; shared by every command that takes one.

use clap::ValueEnum;
use vivant_convert::{Axes, Fps, Options, Stored};

/// How to import what is not a clip.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Import")]
pub(crate) struct ImportArgs {
    /// Frames a second of a sequence: 30, 29.97, 24000/1001
    #[arg(long, value_name = "RATE", default_value = "30")]
    fps: Fps,
    /// Where the file's +x, +y, +z point: one letter each of r/l (right, left), u/d (up, down), f/b (forward, back)
    /// [default: rdf for PLY]
    #[arg(long, value_name = "CODE")]
    axes: Option<Axes>,
    /// Whether opacities are stored as logits (raw) or as opacities (activated)
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    opacity: Storage,
    /// Whether scales are stored as logarithms (raw) or in metres (activated)
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    scale: Storage,
}

/// [`Stored`] as an argument.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Storage {
    #[default]
    Detect,
    Raw,
    Activated,
}

impl From<Storage> for Stored {
    fn from(storage: Storage) -> Self {
        match storage {
            Storage::Detect => Self::Detect,
            Storage::Raw => Self::Raw,
            Storage::Activated => Self::Activated,
        }
    }
}

impl ImportArgs {
    /// As the importers take them.
    pub(crate) fn options(&self) -> Options {
        Options { axes: self.axes, fps: self.fps, opacity: self.opacity.into(), scale: self.scale.into() }
    }
}
