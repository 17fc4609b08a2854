//! The arguments that say how foreign files are to be understood; shared by every command that takes one.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use vivant::splat::ClipInfo;
use vivant_convert::rig::{DEFAULT_SPLATS, MAX_SPLATS};
use vivant_convert::{Axes, Channels, Foreign, Fps, Options, RigOptions, Stored};

use crate::look::LookArgs;

/// How to import what is not a clip.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Import")]
pub(crate) struct ImportArgs {
    /// Frames a second of a sequence: 30, 29.97, 24000/1001 [default: 30; a motion's own]
    #[arg(long, value_name = "RATE")]
    fps: Option<Fps>,
    /// What moves it: a BVH file for a glTF model, instead of its own animation; a NumPy archive of vertices [T,V,3] and
    /// faces [F,3] for splats on faces
    #[arg(long, value_name = "FILE")]
    motion: Option<PathBuf>,
    /// Keep the joints of a glTF model: they move its splats as it plays, or the host moves them. Without it every frame is
    /// baked
    #[arg(long)]
    rig: bool,
    /// Splats that cover a glTF model
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_SPLATS as u64,
        value_parser = clap::value_parser!(u64).range(1..=MAX_SPLATS as u64))]
    splats: u64,
    /// Where the file's +x, +y, +z point: one letter each of r/l (right, left), u/d (up, down), f/b (forward, back)
    /// [default: rdf for PLY, .splat and .ksplat; else what the format says]
    #[arg(long, value_name = "CODE")]
    axes: Option<Axes>,
    /// Whether opacities are stored as logits (raw) or as opacities (activated)
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    opacity: Storage,
    /// Whether scales are stored as logarithms (raw) or in metres (activated)
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    scale: Storage,
    /// How long a performance lasts whose file counts time from 0 to 1, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    seconds: Option<f64>,
    /// How far a splat may be from its own path where paths have to be fitted, in metres [default: 0.001]
    #[arg(long, value_name = "METRES", value_parser = metres)]
    error: Option<f32>,
    /// Which properties that are no part of a splat are kept as its labels and numbers: all, none, or NAME,NAME
    #[arg(long, value_name = "WHICH", default_value = "all")]
    channels: Channels,
    /// The program that decodes the videos of a VideoGS performance [default: the ffmpeg on the PATH]
    #[arg(long, value_name = "PROGRAM")]
    ffmpeg: Option<PathBuf>,
    #[command(flatten)]
    look: LookArgs,
}

fn seconds(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_not_a_number| "give a number of seconds".to_owned())?;
    if number > 0.0 && number <= 86_400.0 { Ok(number) } else { Err("give 0 to 86400 seconds".to_owned()) }
}

fn metres(text: &str) -> Result<f32, String> {
    let number: f32 = text.parse().map_err(|_not_a_number| "give a number of metres".to_owned())?;
    if number > 0.0 && number <= 1.0 { Ok(number) } else { Err("give 0 to 1 metres".to_owned()) }
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
    /// The motion, if one is given.
    pub(crate) fn motion(&self) -> Option<&Path> {
        self.motion.as_deref()
    }

    /// What a clip is, drawn as the arguments say.
    pub(crate) fn drawn(&self, info: ClipInfo) -> ClipInfo {
        ClipInfo { appearance: self.look.over(info.appearance), ..info }
    }

    /// Opens what is not a clip.
    pub(crate) fn open(&self, inputs: &[PathBuf]) -> vivant::Result<Foreign> {
        let options = Options {
            axes: self.axes,
            fps: self.fps.unwrap_or_default(),
            opacity: self.opacity.into(),
            scale: self.scale.into(),
            seconds: self.seconds,
            bound: self.error,
            channels: self.channels.clone(),
            ffmpeg: self.ffmpeg.clone(),
        };
        let splats = usize::try_from(self.splats).unwrap_or(MAX_SPLATS);
        let foreign = Foreign::open(
            inputs,
            self.motion(),
            &options,
            &RigOptions { splats, fps: self.fps, live: self.rig },
        )?;
        if self.rig && foreign.format().name != "gltf" {
            return Err(vivant::Error::invalid(
                "--rig keeps the joints of a glTF model: give one, or leave it out",
            ));
        }
        if self.axes.is_some() && foreign.format().name == "gltf" {
            return Err(vivant::Error::invalid("glTF says where its axes point: leave --axes out"));
        }
        Ok(foreign)
    }
}
