//! What the user can say about how files are to be understood. Pure.

use std::path::PathBuf;

use vivant::channel::{MOST_CHANNELS, is_name};

use crate::{Axes, Fps};

/// Whether an attribute is stored as the trainer optimises it or as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stored {
    /// Look at all values of the file and decide.
    #[default]
    Detect,
    /// As optimised: the opacity a logit, the scale a logarithm. What the INRIA code saves.
    Raw,
    /// As drawn: the opacity in 0..=1, the scale in metres. What some pruning tools save.
    Activated,
}

/// Which of the properties that are no part of a splat are kept as its channels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Channels {
    /// All, as many as a splat may have.
    #[default]
    All,
    /// None.
    None,
    /// Those of these names.
    Named(Vec<String>),
}

impl Channels {
    /// Whether a property of that name is asked for.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Named(names) => names.iter().any(|wanted| wanted == name),
        }
    }
}

impl std::str::FromStr for Channels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        match text {
            "all" => Ok(Self::All),
            "none" => Ok(Self::None),
            _ if names.len() > MOST_CHANNELS => Err(format!("a splat has {MOST_CHANNELS} channels at most")),
            _ if names.iter().all(|name| is_name(name)) => Ok(Self::Named(names)),
            _ => Err("say none, all, or names with commas between them".to_owned()),
        }
    }
}

/// How to import.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// Where the file's axes point; `None` for the custom of the format (PLY: [`Axes::RDF`]).
    pub axes: Option<Axes>,
    /// Frames a second of a sequence.
    pub fps: Fps,
    /// How opacities are stored.
    pub opacity: Stored,
    /// How scales are stored.
    pub scale: Stored,
    /// How long a performance lasts whose file counts time from 0 to 1, seconds; `None` for the custom of the format.
    pub seconds: Option<f64>,
    /// How far a splat may be from its own path where paths are fitted, metres; `None` for a millimetre.
    pub bound: Option<f32>,
    /// What splats keep besides what they look like.
    pub channels: Channels,
    /// The program that decodes videos; `None` for the `ffmpeg` on the path.
    pub ffmpeg: Option<PathBuf>,
}
