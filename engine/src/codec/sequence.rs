//! A sequence whose splats keep their identity → a clip, frame by frame, in constant memory.
//!
//! Frames are gathered until a *block* of about a second and a few frames behind it are there. The tracks of the block go
//! into one segment of the hierarchy, as splines ([`super::tracks`]); those that move too fast for it go on into the two
//! segments of half the length below, and so on, so that slow splats are stored once where fast ones are stored often.
//! What rests is stored above, once for many blocks ([`super::resting`]).
//!
//! What splats carry besides, in channels, does not change within a segment: it is what each had at the frame in the middle,
//! so a label that changes between frames changes at an edge of a segment, by less than a second.

use super::encode::check_lengths;
use super::packed::Steps;
use super::palette::with_palette;
use super::partition::Hierarchy;
use super::resting::{Block, Resting};
use super::samples::{Frame, Samples, Track, tracks_in};
use super::tracks::{Span, encode_tracks};
use super::{colour, mean, rotation, scale_opacity, sh};
use crate::channel::{self, Channel};
use crate::clip::Writer;
use crate::error::{Error, Result};
use crate::splat::Splats;

/// Frames of the neighbours that a spline is fitted to.
const CONTEXT: i64 = 8;
/// Levels above that of blocks.
const LEVELS_ABOVE: u8 = 4;
/// Bytes of the frames that are held while a block is gathered, at most; blocks become shorter for it.
const MOST_BYTES: usize = 512 << 20;

/// Writes a sequence into a clip. Give it every frame in order, then [`Self::finish`].
#[derive(Debug)]
pub struct SequenceWriter<'w> {
    writer: &'w mut Writer,
    hierarchy: Hierarchy,
    steps: Steps,
    least: usize,
    /// Ticks of a frame.
    frame_ticks: i64,
    /// The level whose segments are blocks, and the next of them.
    level: u8,
    block: i64,
    /// The frames at hand, of which the first has this number.
    window: Vec<Frame>,
    first: i64,
    given: i64,
    dropped: u64,
    resting: Resting,
    /// Whether no frame follows.
    ending: bool,
}

impl<'w> SequenceWriter<'w> {
    /// For frames of about `splats` splats. `least` is the number of splats below which a segment is not worth making.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the writer's profile does not pack planes: frames of such a clip are windows.
    pub fn new(writer: &'w mut Writer, splats: usize, least: u32) -> Result<Self> {
        let steps = Steps::of(writer.options().profile).ok_or_else(|| {
            Error::invalid("the profile raw stores every frame whole; use local or network")
        })?;
        let info = *writer.info();
        // Four levels above a second for what rests.
        let second = info.rate.ticks_from_seconds(1.0).max(1);
        let frame = Hierarchy::new(&info, None).frame_ticks();
        let longest = ((second + frame / 2) / frame * frame).max(frame).saturating_mul(1 << LEVELS_ABOVE);
        let hierarchy = Hierarchy::new(&info, Some(u32::try_from(longest).unwrap_or(u32::MAX)));
        let frame_ticks = hierarchy.frame_ticks();
        let frame_bytes = splats.saturating_mul(56 + usize::from(info.sh_degree) * 60).max(1);
        // The coarsest level whose blocks can be held, with what is needed around them.
        let most_frames = (MOST_BYTES / frame_bytes).max(1);
        let fits = |level: &u8| {
            let frames = (hierarchy.edge(*level, 1) / frame_ticks) + 2 * CONTEXT;
            usize::try_from(frames).is_ok_and(|frames| frames <= most_frames)
        };
        let first = (1 + LEVELS_ABOVE).min(hierarchy.levels() - 1);
        let level = (first..hierarchy.levels()).find(fits).unwrap_or(hierarchy.levels() - 1);
        Ok(Self {
            writer,
            hierarchy,
            steps,
            least: least as usize,
            frame_ticks,
            level,
            block: 0,
            window: Vec::new(),
            first: 0,
            given: 0,
            dropped: 0,
            resting: Resting::new(info.sh_degree),
            ending: false,
        })
    }

    /// The next frame. `ids` names its splats; without, a splat's identity is its index. Lives and motions are not used.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when an identity appears twice or arrays differ in length; [`Error::Io`].
    pub fn push(&mut self, splats: Splats, ids: Option<&[u32]>) -> Result<()> {
        check_lengths(&splats)?;
        let places = match ids {
            None => None,
            Some(ids) if ids.len() == splats.len() => {
                let places: std::collections::HashMap<u32, u32> =
                    ids.iter().zip(0_u32..).map(|(&id, at)| (id, at)).collect();
                if places.len() != ids.len() {
                    return Err(Error::invalid(format!("frame {} names a splat twice", self.given)));
                }
                Some(places)
            }
            Some(ids) => {
                return Err(Error::invalid(format!("{} identities for {} splats", ids.len(), splats.len())));
            }
        };
        self.window.push(Frame { splats, places });
        self.given += 1;
        while self.given >= self.frames_of(self.level, self.block).end + CONTEXT {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::InvalidArgument`].
    pub fn finish(mut self) -> Result<()> {
        self.ending = true;
        while self.frames_of(self.level, self.block).start < self.given {
            self.flush()?;
        }
        self.writer.report.dropped_out_of_range += self.dropped;
        Ok(())
    }

    /// The frames of a segment, by number.
    fn frames_of(&self, level: u8, number: i64) -> std::ops::Range<i64> {
        let [start, end] = [number, number + 1].map(|at| self.hierarchy.edge(level, at) / self.frame_ticks);
        // The last segment may be cut off; every block has a frame, so that writing comes to an end.
        start..end.max(start + 1)
    }

    /// Writes the next block and lets go of the frames that nothing after it needs.
    fn flush(&mut self) -> Result<()> {
        let frames = self.frames_of(self.level, self.block);
        let tracks = tracks_in(&self.window, self.first, frames.start..frames.end.min(self.given));
        let before = tracks.len();
        let sound: Vec<Track> = tracks.into_iter().filter(|track| self.is_sound(track)).collect();
        self.dropped += (before - sound.len()) as u64;
        let [start, end] = [self.block, self.block + 1].map(|at| self.hierarchy.edge(self.level, at));
        let block = Block { window: &self.window, first: self.first, frames: frames.clone(), start };
        let moving = self.resting.take(sound, &block, &self.steps, self.least);
        self.segment(self.level, self.block, &moving)?;
        self.block += 1;
        let last = frames.end >= self.given && self.ending;
        if last || self.hierarchy.edge(1, self.hierarchy.locate(1, start) + 1) == end {
            self.resting.write(self.writer, &self.hierarchy, self.level, self.least, end)?;
        }
        let keep = frames.end - CONTEXT - self.first;
        let passed = usize::try_from(keep.max(0)).unwrap_or(0).min(self.window.len());
        self.window.drain(..passed);
        self.first += passed as i64;
        Ok(())
    }

    /// Whether every number of a track can be stored.
    fn is_sound(&self, track: &Track) -> bool {
        (track.first..track.end).all(|number| {
            let Some(frame) = self.frame(number) else { return false };
            let Some(at) = frame.find(track.id) else { return false };
            let splat = frame.splats.get(at);
            mean::fits(splat.mean)
                && scale_opacity::fits(splat.scale, splat.opacity)
                && colour::fits(splat.colour)
                && rotation::unit(splat.rotation).is_some()
                && sh::fits(frame.splats.sh_rest_of(at))
        })
    }

    fn frame(&self, number: i64) -> Option<&Frame> {
        self.window.get(usize::try_from(number - self.first).ok()?)
    }

    /// What tracks carry besides at a frame, or at the nearest in which each is there.
    fn channels_of<'a>(&self, tracks: impl Iterator<Item = &'a Track>, frame: i64) -> Vec<Channel> {
        let mut out = Vec::new();
        for (count, track) in tracks.enumerate() {
            let frame = self.frame(frame.clamp(track.first, track.end - 1));
            let at = frame.and_then(|frame| Some((frame, frame.find(track.id)?)));
            match at {
                Some((frame, at)) => channel::push(&mut out, count, &frame.splats.channels, at),
                None => channel::append(&mut out, count, &[], 1),
            }
        }
        out
    }

    /// Writes tracks into a segment, and what it cannot hold into those below.
    fn segment(&mut self, level: u8, number: i64, tracks: &[Track]) -> Result<()> {
        if tracks.is_empty() {
            return Ok(());
        }
        let frames = self.frames_of(level, number);
        let (start, end) = (self.hierarchy.edge(level, number), self.hierarchy.edge(level, number + 1));
        let around = (frames.start - CONTEXT).max(self.first)..(frames.end + CONTEXT).min(self.given);
        let gather = || Samples::gather(&self.window, self.first, around.clone(), &frames, tracks);
        let tick = |frame: i64| {
            let tick = (frame * self.frame_ticks).clamp(start, end) - start;
            u32::try_from(tick).unwrap_or(u32::MAX)
        };
        let windows: Vec<(u32, u32)> = tracks
            .iter()
            .map(|track| {
                let last = track.end >= frames.end || track.end >= self.given;
                let end = if last { u32::try_from(end - start).unwrap_or(u32::MAX) } else { tick(track.end) };
                (tick(track.first), end)
            })
            .collect();
        let span = Span {
            start,
            end,
            rate: self.writer.info().rate,
            divisible: level + 1 < self.hierarchy.levels() && frames.end - frames.start > 1,
            least: self.least,
        };
        let middle = (frames.start + frames.end) / 2;
        // Harmonics and channels do not change within a segment: those of the middle of each track.
        let rest = |track: usize| {
            let track = tracks[track];
            let frame = self.frame(middle.clamp(track.first, track.end - 1));
            let at = frame.and_then(|frame| Some((frame, frame.find(track.id)?)));
            at.map(|(frame, at)| frame.splats.sh_rest_of(at)).unwrap_or_default()
        };
        let (data, left) = encode_tracks(&gather, &windows, &rest, &span, &self.steps)?;
        if let Some((mut data, placed)) = data {
            let channels = self.channels_of(placed.iter().map(|&at| &tracks[at]), middle);
            if let Some(palette) = self.writer.palette() {
                data = with_palette(data, palette);
            }
            self.writer.push_data_with(level, &data, &channels)?;
        }
        if left.is_empty() {
            return Ok(());
        }
        for child in [2 * number, 2 * number + 1] {
            let frames = self.frames_of(level + 1, child);
            let part = left.iter().map(|&at| tracks[at]).filter_map(|track| {
                let (first, end) = (track.first.max(frames.start), track.end.min(frames.end));
                (first < end).then_some(Track { first, end, ..track })
            });
            self.segment(level + 1, child, &part.collect::<Vec<_>>())?;
        }
        Ok(())
    }
}
