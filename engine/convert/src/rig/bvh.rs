//! Biovision hierarchy files: a tree of joints with offsets, then one line of channel values a frame. Pure.
//!
//! The format has no standard; this reads what motion libraries write: `HIERARCHY`, one `ROOT`, nested `JOINT`s and
//! `End Site`s, 0 to 6 `CHANNELS` in any order, `MOTION`, `Frames:`, `Frame Time:`, then values separated by any
//! white space. Rotations are degrees and apply in the order they are listed, the first outermost (Meredith & Maddock,
//! *Motion Capture File Formats Explained*, 2001). Names may hold spaces.
//!
//! Every error names the line. Nothing is allocated by a number of the file: tables grow with what was really read,
//! so memory is bounded by the file's length.

use std::path::Path;
use std::str::SplitWhitespace;

use glam::{DQuat, DVec3};
use vivant::{Error, Result};

/// Most joints: ten times what the largest hands-and-face rig has.
const MAX_JOINTS: usize = 4096;

/// Deepest nesting.
const MAX_DEPTH: usize = 256;

/// The largest number a file may hold: kilometres in millimetres, or a hundred thousand turns.
const MAX_VALUE: f64 = 1e8;

/// The shortest frame, seconds.
const MIN_FRAME_SECONDS: f64 = 1e-4;

/// The longest frame, seconds.
const MAX_FRAME_SECONDS: f64 = 100.0;

/// What one channel of a joint drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    /// A position along an axis.
    Position(usize),
    /// A turn about an axis.
    Rotation(usize),
}

/// A joint: where it is from its parent, and which channels move it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BvhJoint {
    pub(crate) name: String,
    /// Index of the parent, which comes earlier.
    pub(crate) parent: Option<usize>,
    /// From the parent's origin, in the parent's axes, in the file's unit.
    pub(crate) offset: DVec3,
    /// Where the bone ends if no joint follows it.
    pub(crate) end: Option<DVec3>,
    channels: Vec<Channel>,
    /// Number of the first of its channels in a frame.
    first: usize,
}

/// A motion: a hierarchy and its frames.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bvh {
    pub(crate) joints: Vec<BvhJoint>,
    /// Seconds a frame.
    pub(crate) frame_seconds: f64,
    /// Channel values, `stride` a frame.
    values: Vec<f32>,
    stride: usize,
}

impl Bvh {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`], or an [`Error::InvalidArgument`] that names file and line.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|why| Error::io(path, "cannot read", why))?;
        Self::parse(&path.display().to_string(), &bytes)
    }

    /// Reads the text of a file; `name` is what errors call it.
    ///
    /// # Errors
    /// An [`Error::InvalidArgument`] that names file and line.
    pub(crate) fn parse(name: &str, bytes: &[u8]) -> Result<Self> {
        // Joint names may be in an old encoding; everything else is ASCII.
        let text = String::from_utf8_lossy(bytes);
        let mut lines = Lines::new(name, &text);
        lines.expect("HIERARCHY")?;
        let (joints, stride) = hierarchy(&mut lines)?;
        let (frames, frame_seconds) = motion_header(&mut lines)?;
        let values = values(&mut lines, frames, stride)?;
        Ok(Self { joints, frame_seconds, values, stride })
    }

    /// Number of frames, at least 1.
    pub(crate) fn frames(&self) -> usize {
        self.values.len().checked_div(self.stride).unwrap_or(0)
    }

    /// Rotation of joint `joint` against its parent in frame `frame`; the last frame stands for all after it.
    pub(crate) fn rotation(&self, frame: usize, joint: usize) -> DQuat {
        let mut turn = DQuat::IDENTITY;
        for (channel, value) in self.channels(frame, joint) {
            if let Channel::Rotation(axis) = channel {
                turn *= DQuat::from_axis_angle(DVec3::AXES[axis], value.to_radians());
            }
        }
        turn
    }

    /// Place of joint `joint` against its parent in frame `frame`, in the file's unit.
    pub(crate) fn translation(&self, frame: usize, joint: usize) -> DVec3 {
        let mut place = self.joints[joint].offset;
        for (channel, value) in self.channels(frame, joint) {
            if let Channel::Position(axis) = channel {
                place[axis] = value;
            }
        }
        place
    }

    fn channels(&self, frame: usize, joint: usize) -> impl Iterator<Item = (Channel, f64)> {
        let joint = &self.joints[joint];
        let start = frame.min(self.frames().saturating_sub(1)) * self.stride + joint.first;
        let values = self.values.get(start..start + joint.channels.len()).unwrap_or_default();
        joint.channels.iter().copied().zip(values.iter().map(|&value| f64::from(value)))
    }
}

/// The lines of a file that hold something, with their numbers.
struct Lines<'a> {
    name: &'a str,
    lines: std::iter::Enumerate<std::str::Lines<'a>>,
    /// Number of the line last taken, from 1.
    number: usize,
}

impl<'a> Lines<'a> {
    fn new(name: &'a str, text: &'a str) -> Self {
        Self { name, lines: text.lines().enumerate(), number: 0 }
    }

    /// An error about the line last taken.
    fn wrong(&self, why: impl std::fmt::Display) -> Error {
        Error::invalid(format!("{}: line {}: {why}", self.name, self.number))
    }

    /// The next line that is not blank, without the space around it.
    fn next(&mut self, wanted: &str) -> Result<&'a str> {
        for (index, line) in self.lines.by_ref() {
            self.number = index + 1;
            if !line.trim().is_empty() {
                return Ok(line.trim());
            }
        }
        Err(self.wrong(format_args!("the file ends where {wanted} should follow; get a whole copy")))
    }

    /// Takes a line that must be `word`.
    fn expect(&mut self, word: &str) -> Result<()> {
        let line = self.next(word)?;
        if line.eq_ignore_ascii_case(word) {
            return Ok(());
        }
        Err(self.wrong(format_args!("{word} should stand here, not '{}'", short(line))))
    }

    /// The number in `text`, which is `what`.
    fn number_of(&self, what: &str, text: Option<&str>) -> Result<f64> {
        let text = text.ok_or_else(|| self.wrong(format_args!("{what} is missing")))?;
        let value = text.parse::<f64>().ok().filter(|value| value.abs() <= MAX_VALUE);
        value
            .ok_or_else(|| self.wrong(format_args!("{what} is '{}', which is no number of use", short(text))))
    }

    fn vector(&self, words: &mut SplitWhitespace<'_>) -> Result<DVec3> {
        let mut vector = DVec3::ZERO;
        for axis in 0..3 {
            vector[axis] = self.number_of("OFFSET", words.next())?;
        }
        Ok(vector)
    }
}

/// The start of a text, for a message.
fn short(text: &str) -> String {
    let cut: String = text.chars().take(24).collect();
    if cut.len() < text.len() { cut + "…" } else { cut }
}

/// What a brace closes.
#[derive(Clone, Copy)]
enum Open {
    Joint(usize),
    End(usize),
}

/// Reads all joints up to `MOTION`; returns them and the number of channels.
fn hierarchy(lines: &mut Lines<'_>) -> Result<(Vec<BvhJoint>, usize)> {
    let mut joints: Vec<BvhJoint> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut stride = 0;
    loop {
        let line = lines.next("a joint or MOTION")?;
        let mut words = line.split_whitespace();
        let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
        match (keyword.as_str(), open.last().copied()) {
            ("ROOT", None) if joints.is_empty() => {
                open.push(joint(lines, &mut joints, None, line)?);
            }
            ("JOINT", Some(Open::Joint(parent))) => {
                open.push(joint(lines, &mut joints, Some(parent), line)?);
            }
            ("END", Some(Open::Joint(parent))) => {
                lines.expect("{")?;
                open.push(Open::End(parent));
            }
            ("OFFSET", Some(Open::Joint(index))) => joints[index].offset = lines.vector(&mut words)?,
            ("OFFSET", Some(Open::End(index))) => joints[index].end = Some(lines.vector(&mut words)?),
            ("CHANNELS", Some(Open::Joint(index))) => {
                if !joints[index].channels.is_empty() {
                    return Err(lines.wrong("the joint has CHANNELS already"));
                }
                joints[index].channels = channels(lines, &mut words)?;
                joints[index].first = stride;
                stride += joints[index].channels.len();
            }
            ("}", Some(_)) => {
                open.pop();
            }
            ("MOTION", None) if stride > 0 => return Ok((joints, stride)),
            ("MOTION", None) => return Err(lines.wrong("no joint has a channel: nothing would move")),
            _ => {
                let why = format!("'{}' cannot stand here; export the motion again", short(line));
                return Err(lines.wrong(why));
            }
        }
        if open.len() > MAX_DEPTH {
            return Err(lines.wrong(format_args!("joints are nested deeper than {MAX_DEPTH}")));
        }
    }
}

/// Opens a joint whose line is `line`.
fn joint(
    lines: &mut Lines<'_>,
    joints: &mut Vec<BvhJoint>,
    parent: Option<usize>,
    line: &str,
) -> Result<Open> {
    let name = line.split_once(char::is_whitespace).map_or("", |(_, name)| name.trim());
    if joints.len() == MAX_JOINTS {
        return Err(lines.wrong(format_args!("more than {MAX_JOINTS} joints")));
    }
    let name = name.to_owned();
    let offset = DVec3::ZERO;
    joints.push(BvhJoint { name, parent, offset, end: None, channels: Vec::new(), first: 0 });
    lines.expect("{")?;
    Ok(Open::Joint(joints.len() - 1))
}

/// Reads what follows the word `CHANNELS`.
fn channels(lines: &Lines<'_>, words: &mut SplitWhitespace<'_>) -> Result<Vec<Channel>> {
    let count = lines.number_of("the number of channels", words.next())?;
    let mut channels = Vec::new();
    for word in words {
        let axis = match word.chars().next().map(|c| c.to_ascii_uppercase()) {
            Some('X') => 0,
            Some('Y') => 1,
            _ => 2,
        };
        let channel = match word.to_ascii_lowercase().as_str() {
            "xposition" | "yposition" | "zposition" => Channel::Position(axis),
            "xrotation" | "yrotation" | "zrotation" => Channel::Rotation(axis),
            _ => return Err(lines.wrong(format_args!("'{}' is no channel", short(word)))),
        };
        if channels.contains(&channel) {
            return Err(lines.wrong(format_args!("'{word}' stands twice")));
        }
        channels.push(channel);
    }
    if (count - channels.len() as f64).abs() > 0.0 {
        return Err(lines.wrong(format_args!("CHANNELS says {count} and lists {}", channels.len())));
    }
    Ok(channels)
}

/// Reads `Frames:` and `Frame Time:`.
fn motion_header(lines: &mut Lines<'_>) -> Result<(u64, f64)> {
    let field = |lines: &mut Lines<'_>, name: &str| -> Result<f64> {
        let line = lines.next(name)?;
        match line.split_once(':') {
            Some((key, value)) if key.trim().eq_ignore_ascii_case(name) => {
                lines.number_of(name, Some(value.trim()))
            }
            _ => Err(lines.wrong(format_args!("'{name}:' should stand here, not '{}'", short(line)))),
        }
    };
    let frames = field(lines, "Frames")?;
    if frames < 1.0 || frames.fract() > 0.0 {
        return Err(lines.wrong(format_args!("Frames is {frames}: a motion has at least one")));
    }
    let seconds = field(lines, "Frame Time")?;
    if !(MIN_FRAME_SECONDS..=MAX_FRAME_SECONDS).contains(&seconds) {
        return Err(lines.wrong(format_args!(
            "Frame Time is {seconds}: it must be {MIN_FRAME_SECONDS} to {MAX_FRAME_SECONDS} seconds"
        )));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, positive and no larger than MAX_VALUE"
    )]
    Ok((frames as u64, seconds))
}

/// Reads the values of all frames: exactly `frames · stride` numbers, however they are broken into lines.
fn values(lines: &mut Lines<'_>, frames: u64, stride: usize) -> Result<Vec<f32>> {
    let wanted = frames.saturating_mul(stride as u64);
    let mut values: Vec<f32> = Vec::new();
    while (values.len() as u64) < wanted {
        let frame = values.len() / stride;
        let line = lines.next(&format!("frame {frame} of {frames}"))?;
        for word in line.split_whitespace() {
            #[expect(clippy::cast_possible_truncation, reason = "channels are kept as f32")]
            values.push(lines.number_of("a channel", Some(word))? as f32);
        }
    }
    if values.len() as u64 > wanted {
        let extra = values.len() as u64 - wanted;
        return Err(lines.wrong(format_args!("the last frame has {extra} numbers too many")));
    }
    Ok(values)
}
