//! Whatever the user named that is no clip: files of splats, or a model with what moves it.
//!
//! The command line asks nothing else: what it is, how many frames it has, and into which clip it goes.

use std::path::{Path, PathBuf};

use vivant::clip::{WriteReport, Writer, WriterOptions};
use vivant::splat::ClipInfo;
use vivant::{Error, Result};

use crate::options::Options;
use crate::report::Report;
use crate::rig::{self, Rig, RigOptions};
use crate::source::Source;

/// A foreign performance of any kind.
#[derive(Debug)]
pub enum Foreign {
    /// Splats or coloured points, a file a frame.
    Files(Source),
    /// A model, baked.
    Rig(Box<Rig>),
}

impl Foreign {
    /// Opens `inputs`: one glTF model, with the BVH `motion` if one is given; or what [`Source::open`] takes.
    ///
    /// # Errors
    /// Whatever is wrong with a file; [`Error::InvalidArgument`] for a motion without a model, or several models.
    pub fn open(
        inputs: &[PathBuf],
        motion: Option<&Path>,
        options: &Options,
        rig_options: &RigOptions,
    ) -> Result<Self> {
        match inputs {
            [model] if rig::is_gltf(model) => Ok(Self::Rig(Box::new(Rig::open(model, motion, rig_options)?))),
            _ if inputs.iter().any(|input| rig::is_gltf(input)) => {
                Err(Error::invalid("a glTF model is converted alone: give one input"))
            }
            _ if motion.is_some() => {
                Err(Error::invalid("a motion moves a glTF model: give a .glb or .gltf with it"))
            }
            files => Ok(Self::Files(Source::open(files, options)?)),
        }
    }

    /// What the clip will be.
    #[must_use]
    pub fn info(&self) -> ClipInfo {
        match self {
            Self::Files(source) => source.info(),
            Self::Rig(rig) => rig.info(),
        }
    }

    /// Number of frames.
    #[must_use]
    pub fn frames(&self) -> usize {
        match self {
            Self::Files(source) => source.frames().len(),
            Self::Rig(rig) => rig.frames(),
        }
    }

    /// The files that are read.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        match self {
            Self::Files(source) => source.frames(),
            Self::Rig(rig) => rig.files(),
        }
    }

    /// The format, by its usual name.
    #[must_use]
    pub const fn format(&self) -> &'static str {
        match self {
            Self::Files(_) => "ply",
            Self::Rig(_) => "gltf",
        }
    }

    /// Converts into a writer that the caller started with [`Self::info`] and finishes.
    ///
    /// # Errors
    /// Whatever is wrong with a frame, or [`Error::Io`] for the clip.
    pub fn push_frames(
        &self,
        writer: &mut Writer,
        options: &WriterOptions,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Report> {
        match self {
            Self::Files(source) => source.push_frames(writer, options, progress),
            Self::Rig(rig) => rig.push_frames(writer, options, progress),
        }
    }

    /// Converts to a clip in memory.
    ///
    /// # Errors
    /// Whatever is wrong with a frame.
    pub fn write_to_memory(
        &self,
        options: &WriterOptions,
        progress: &mut dyn FnMut(usize),
    ) -> Result<(Vec<u8>, Report, WriteReport)> {
        let mut writer = Writer::in_memory(&self.info(), options)?;
        let report = self.push_frames(&mut writer, options, progress)?;
        let (bytes, written) = writer.finish_bytes()?;
        Ok((bytes, report, written))
    }
}
