//! Whatever the user named that is no clip: found out by its content, and converted.
//!
//! The command line asks nothing else: what it is, how many frames it has, and into which clip it goes.

use std::path::{Path, PathBuf};

use vivant::clip::{AudioTrack, WriteReport, Writer, WriterOptions};
use vivant::codec::push_performance;
use vivant::splat::ClipInfo;
use vivant::time::TICKS_PER_FRAME;
use vivant::{Error, Result};

use crate::clip::push_sequence;
use crate::formats::{Format, Open, format_of, required_format_of};
use crate::inputs;
use crate::options::Options;
use crate::probe::Probe;
use crate::report::Report;
use crate::rig::{LiveRig, Rig, RigOptions};
use crate::rigged::{Rigged, push_rigged};
use crate::sequence::Sequence;
use crate::source::Source;
use crate::whole::Whole;

/// A foreign performance of any kind.
#[derive(Debug)]
pub struct Foreign {
    format: &'static Format,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Frames(Box<dyn Sequence>),
    Whole(Box<Whole>),
    Rigged(Box<dyn Rigged>),
}

impl Foreign {
    /// Opens `inputs`: a file or folder of any of the formats, or several files that are a frame each; a glTF model with
    /// the BVH `motion` if one is given.
    ///
    /// # Errors
    /// Whatever is wrong with a file; [`Error::InvalidArgument`] for a motion without a model, or for several inputs of
    /// a format that is converted alone.
    pub fn open(
        inputs: &[PathBuf],
        motion: Option<&Path>,
        options: &Options,
        rig_options: &RigOptions,
    ) -> Result<Self> {
        // A folder may be one thing; else it holds frames.
        let alone = match inputs {
            [only] if only.exists() => format_of(&Probe::open(only)?).map(|format| (format, only.clone())),
            _ => None,
        };
        let (format, files) = match alone {
            Some((format, only)) => (format, vec![only]),
            None => {
                let files = inputs::resolve(inputs)?;
                let first = files.first().map(|first| Probe::open(first)).transpose()?;
                (required_format_of(first.as_ref())?, files)
            }
        };
        if motion.is_some() && !matches!(format.open, Open::Rig | Open::Rigged(_)) {
            let first = files.first().map(|first| first.display().to_string()).unwrap_or_default();
            return Err(Error::invalid(format!(
                "{first}: a motion moves a glTF model, or splats on faces: give a .glb, a .gltf or such a PLY with it"
            )));
        }
        let alone = match (inputs, files.as_slice()) {
            ([_], [only]) => Ok(only.as_path()),
            _ => {
                let first = files.first().map(|first| first.display().to_string()).unwrap_or_default();
                let what = format.system;
                Err(Error::invalid(format!("{first}: {what}: is converted alone: give one input")))
            }
        };
        let content = match &format.open {
            Open::Still(still) => {
                Content::Frames(Box::new(Source::of_frames(format.name, *still, files, options)?))
            }
            Open::Sequence(open) => Content::Frames(open(alone?, options)?),
            Open::Whole(open) => Content::Whole(Box::new(open(alone?, options)?)),
            Open::Rig => {
                let model = Rig::open(alone?, motion, rig_options)?;
                if rig_options.live {
                    Content::Rigged(Box::new(LiveRig::new(model)?))
                } else {
                    Content::Frames(Box::new(model))
                }
            }
            Open::Rigged(open) => Content::Rigged(open(alone?, motion, options)?),
        };
        Ok(Self { format, content })
    }

    /// What the clip will be.
    #[must_use]
    pub fn info(&self) -> ClipInfo {
        match &self.content {
            Content::Frames(frames) => frames.info(),
            Content::Whole(whole) => whole.performance.info,
            Content::Rigged(rigged) => rigged.info(),
        }
    }

    /// Number of frames, at least 1.
    #[must_use]
    pub fn frames(&self) -> usize {
        match &self.content {
            Content::Frames(frames) => frames.frame_count(),
            Content::Rigged(rigged) => rigged.frame_count(),
            Content::Whole(whole) => {
                usize::try_from(whole.performance.info.duration / i64::from(TICKS_PER_FRAME))
                    .unwrap_or(1)
                    .max(1)
            }
        }
    }

    /// Its frames, where it has some.
    #[must_use]
    pub fn sequence(&self) -> Option<&dyn Sequence> {
        match &self.content {
            Content::Frames(frames) => Some(frames.as_ref()),
            Content::Whole(_) | Content::Rigged(_) => None,
        }
    }

    /// The files that are read.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        match &self.content {
            Content::Frames(frames) => frames.files(),
            Content::Rigged(rigged) => rigged.files(),
            Content::Whole(whole) => &whole.files,
        }
    }

    /// What it was found to be.
    #[must_use]
    pub const fn format(&self) -> &'static Format {
        self.format
    }

    /// The performance, where it is read at once: splats with lives and motions of their own.
    #[must_use]
    pub fn whole(&self) -> Option<&Whole> {
        match &self.content {
            Content::Frames(_) | Content::Rigged(_) => None,
            Content::Whole(whole) => Some(whole),
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
        match &self.content {
            Content::Frames(frames) => push_sequence(frames.as_ref(), writer, options, progress),
            Content::Rigged(rigged) => push_rigged(rigged.as_ref(), writer, progress),
            Content::Whole(whole) => {
                let frames = self.frames() as f64;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a share of a count is a count"
                )]
                let mut done = |share: f64| progress((share * frames) as usize);
                push_performance(writer, &whole.performance, options, &mut done)?;
                Ok(whole.report.clone())
            }
        }
    }

    /// Puts the sound that is in the file, if any, into a writer as [`Self::push_frames`] takes it.
    ///
    /// # Errors
    /// As [`vivant::audio::push_audio`].
    pub fn push_sound(&self, writer: &mut Writer) -> Result<Option<AudioTrack>> {
        let sound = self.whole().and_then(|whole| whole.sound.as_ref());
        sound.map(|sound| sound.push(writer)).transpose()
    }

    /// Converts to a clip in memory, with its sound.
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
        self.push_sound(&mut writer)?;
        let (bytes, written) = writer.finish_bytes()?;
        Ok((bytes, report, written))
    }
}
