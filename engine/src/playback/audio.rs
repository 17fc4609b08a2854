//! The sound of a clip, by the player's clock.
//!
//! The host's audio callback asks for the frames that will be heard from a host time on and gets the sound of the
//! media times that the clock gives for them: through loops and seeks, faster or slower with the pitch that goes with
//! it, and silence while media time stands or runs backwards. [`AudioReader::read`] neither blocks nor allocates; a
//! thread decodes ahead.
//!
//! **Staying in time.** The reader keeps a position of its own, so that the frames of one call join those of the call
//! before without a seam, and compares it with the clock's at every call. A small difference, which jittering
//! timestamps and a sound card that is not quite at its rate make, is run off by reading up to 0.5 % faster or
//! slower; a difference of 8 ms is jumped, with a crossfade. The sound is thus never further than that from the clock,
//! and no error adds up: the clock's position comes from its own exact arithmetic each time.
//!
//! **Leading.** A reader opened by [`super::Player::audio_as_master`] does the opposite: its sound runs at the sound
//! card's own pace, not a sample is stretched, and the player's clock leans towards what was handed out. It still goes where
//! the host seeks; and where the card itself has left a hole of 20 ms, it jumps over it, since the picture never
//! goes back.
//!
//! **Seams.** What plays is the clip or a range of it. The thread has the start of it decoded by the time its end comes
//! near, and the sound goes on there to the sample. At an end inside the sound both sides are crossfaded.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::audio_course::{Course, Timeline, media_samples};
use super::audio_decode::{Shared, Worker};
use super::audio_feed::{ClockFeed, Heard, Line, Told};
use super::audio_voice::Window;
use super::clock::{Clock, LoopMode};
use crate::clip::{AUDIO_RATE, AudioTrack, Clip};
use crate::error::{Error, Result};

/// Media samples between sound and clock at which it jumps: 8 ms.
const MOST_ERROR: f64 = 0.008 * AUDIO_RATE as f64;
/// The same where the sound leads: more than timestamps jitter, less than a hole that is not heard.
const MOST_LEAD: f64 = 0.020 * AUDIO_RATE as f64;
/// Time in which a small difference is run off, seconds.
const CORRECTION_SECONDS: f64 = 0.5;
/// Time over which differences are averaged first, so that jitter does not become vibrato; half the other, for a loop
/// that settles without ringing.
const SMOOTHING_SECONDS: f64 = 0.25;
/// Most that the speed changes for that: a twelfth of a semitone.
const MOST_CORRECTION: f64 = 0.005;
/// Packets that are to be there before sound is written to a file: those of a block at four times the speed, on both
/// sides of a seam.
const SETTLED_PACKETS: usize = 16;
/// Frames of a fade: 2.7 ms at 48 kHz, long enough not to click.
const FADE_FRAMES: usize = 128;

/// How to give out the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioOptions {
    /// Frames a second that the host plays, 8,000 to 192,000.
    pub sample_rate: u32,
    /// 1, or 2 for left and right.
    pub channels: u8,
}

impl Default for AudioOptions {
    fn default() -> Self {
        Self { sample_rate: AUDIO_RATE, channels: 2 }
    }
}

/// What one read gave.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AudioBlock {
    /// Media time of the first frame.
    pub media_nanos: i64,
    /// Media seconds a second of sound; 0 where it is silence because media time stands or runs backwards.
    pub rate: f64,
    /// Frames that are silence because their packets were not decoded in time.
    pub missing_frames: u32,
}

/// What happened so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AudioStats {
    /// Frames that were silence because their packets were not decoded in time; seeks make some.
    pub missing_frames: u64,
    /// Packets that are silence because they are damaged, counted each time they are decoded.
    pub damaged_packets: u64,
    /// Times that the sound jumped to the clock: seeks, and timestamps that lie 8 ms apart.
    pub jumps: u64,
}

/// Sound that fades out where it was left.
#[derive(Debug, Clone, Copy)]
struct Tail {
    position: f64,
    step: f64,
    frames: usize,
}

/// Gives out the sound of one track. May be moved to the thread that plays it.
#[derive(Debug)]
pub struct AudioReader {
    audio: AudioTrack,
    options: AudioOptions,
    timeline: Timeline,
    clock: Clock,
    /// What plays, in media samples.
    span: (f64, f64),
    line: Line,
    /// The number of the clock's last edit, and whether the sound has not yet gone where it says.
    edit: u64,
    edited: bool,
    leads: bool,
    shared: Arc<Shared>,
    worker: Option<JoinHandle<()>>,
    window: Window,
    /// What the thread was last told.
    course: Course,
    /// The media sample of the next frame, while it sounds.
    position: Option<f64>,
    /// How far the clock is ahead, seconds of host time, averaged.
    drift: f64,
    /// Frames until a fade-in is done.
    rising: usize,
    tail: Option<Tail>,
    mixed: Vec<[f32; 2]>,
    missing_frames: u64,
    jumps: u64,
}

impl AudioReader {
    /// Opens the sound of `clip.tracks()[track]` with a paused clock of its own; [`super::Player::audio`] opens one that
    /// follows a player. The thread that decodes starts here.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a track that the clip does not have or options out of range; [`Error::Io`] when
    /// the thread cannot start.
    pub fn open(clip: Arc<Clip>, track: usize, options: AudioOptions) -> Result<Self> {
        if !(8_000..=192_000).contains(&options.sample_rate) || !(1..=2).contains(&options.channels) {
            return Err(Error::invalid(format!(
                "{options:?}: sound is given out at 8000 to 192000 a second in 1 or 2 channels"
            )));
        }
        let Some(audio) = clip.tracks().get(track).map(|track| track.audio) else {
            return Err(Error::invalid(format!("{} has no sound track {track}", clip.name())));
        };
        let timeline = Timeline::new(&clip.info(), &audio);
        let shared = Arc::new(Shared::new((0.0, timeline.length)));
        let worker = Worker::new(clip.clone(), track, timeline, shared.clone())?;
        let thread = std::thread::Builder::new().name("vivant-audio".to_owned());
        let handle = thread.spawn(move || worker.run());
        let handle =
            handle.map_err(|source| Error::io(clip.name(), "cannot start the sound thread", source))?;
        Ok(Self {
            audio,
            options,
            timeline,
            clock: Clock::new(&clip.info()),
            span: (0.0, timeline.length),
            line: Line::new(),
            edit: 0,
            edited: true,
            leads: false,
            shared,
            worker: Some(handle),
            window: Window::new(timeline),
            course: timeline.course(0.0, (0.0, timeline.length), false),
            position: None,
            drift: 0.0,
            rising: 0,
            tail: None,
            mixed: vec![[0.0; 2]; FADE_FRAMES],
            missing_frames: 0,
            jumps: 0,
        })
    }

    /// The track, with its position in the scene.
    #[must_use]
    pub fn track(&self) -> &AudioTrack {
        &self.audio
    }

    /// Goes by this clock from the next read on, as of the state it has now. A reader of a player needs no telling.
    pub fn follow(&mut self, clock: &Clock) {
        self.take(Told { clock: clock.clone(), edit: self.edit + 1, leads: false });
    }

    /// The other end of the line, for the player; `leads` says who follows whom.
    pub(super) fn feed(&self, leads: bool) -> ClockFeed {
        ClockFeed::new(self.line.clone(), leads)
    }

    /// Whether the sound runs at its own pace; an external clock goes before it.
    fn leads(&self) -> bool {
        self.leads && !self.clock.is_external()
    }

    fn take(&mut self, told: Told) {
        let (first, end) = told.clock.range_seconds();
        self.span = (first * f64::from(AUDIO_RATE), end * f64::from(AUDIO_RATE));
        self.edited |= told.edit != self.edit;
        self.edit = told.edit;
        self.leads = told.leads;
        self.clock = told.clock;
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> AudioStats {
        AudioStats {
            missing_frames: self.missing_frames,
            damaged_packets: self.shared.damaged_packets.load(Ordering::Relaxed),
            jumps: self.jumps,
        }
    }

    /// The next error of the decoder, each damaged packet once. The sound goes on.
    pub fn error(&mut self) -> Option<Error> {
        self.shared.errors.pop()
    }

    /// Fills `frames`, interleaved, with what is to be heard from `host_nanos` on: the host time at which the first of
    /// them leaves the loudspeaker. A part of a frame at the end is silence. For the audio callback: does not block,
    /// read or allocate.
    pub fn read(&mut self, host_nanos: i64, frames: &mut [f32]) -> AudioBlock {
        self.receive();
        frames.fill(0.0);
        let rate = self.clock.rate().abs();
        let ideal = self.ideal(host_nanos);
        let count = frames.len() / usize::from(self.options.channels);
        let step = self.align(ideal, rate, count as f64 / f64::from(self.options.sample_rate));
        let media_nanos = match self.position {
            Some(position) => nanos(position),
            None => self.clock.media_nanos(host_nanos),
        };
        let sounding = self.position.is_some();
        if self.leads() && sounding {
            self.line.say(Heard { host_nanos, media_nanos, edit: self.edit });
        }
        let missing_frames = self.fill(step, frames);
        self.missing_frames += u64::from(missing_frames);
        self.steer(self.heading(host_nanos));
        AudioBlock { media_nanos, rate: if sounding { rate } else { 0.0 }, missing_frames }
    }

    /// Waits until the next 320 ms of media time from `host_nanos` on are decoded, and says whether they are. Blocks: for
    /// writing sound to a file, never for an audio callback.
    pub fn settle(&mut self, host_nanos: i64, timeout: Duration) -> bool {
        let started = Instant::now();
        loop {
            self.receive();
            let media = match (self.position, self.ideal(host_nanos)) {
                (Some(position), Some(ideal)) if !self.is_near(position, ideal) => ideal,
                (None, Some(ideal)) => ideal,
                _ => self.heading(host_nanos),
            };
            self.steer(media);
            let here = |packet: i64| self.window.blocks.iter().any(|block| block.packet == packet);
            let mut next = self.course.ahead().take(SETTLED_PACKETS);
            if next.all(|packet| !self.timeline.has(packet) || here(packet)) {
                return true;
            }
            if started.elapsed() >= timeout {
                return false;
            }
            self.wake();
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Takes the clock's changes and what is decoded.
    fn receive(&mut self) {
        if let Some(told) = self.line.latest() {
            self.take(told);
        }
        while let Some(block) = self.shared.decoded.pop() {
            // There are no more blocks than it has room for.
            self.window.blocks.push(block);
        }
    }

    /// The media sample that is due at a host time; `None` while media time does not grow.
    fn ideal(&self, host_nanos: i64) -> Option<f64> {
        let clock = &self.clock;
        let grows = clock.is_playing()
            && clock.rate().abs() > 0.0
            && clock.runs_forward(host_nanos)
            && !clock.has_ended(host_nanos)
            && self.span.1 > self.span.0;
        grows.then(|| media_samples(clock.media_nanos(host_nanos)))
    }

    /// How far the clock is ahead of the position, media samples.
    fn lag(&self, position: f64, ideal: f64) -> f64 {
        let error = ideal - position;
        if !self.wraps() {
            return error;
        }
        // At a seam one may be round already and the other not.
        let length = self.span.1 - self.span.0;
        error - length * (error / length).round()
    }

    /// Whether the sound may go on from the position, though it is not exactly the clock's.
    fn is_near(&self, position: f64, ideal: f64) -> bool {
        let most = if self.leads() && !self.edited { MOST_LEAD } else { MOST_ERROR };
        let most = most * self.clock.rate().abs().min(1.0);
        // Round a loop, a place outside it can seem near.
        let inside = (self.span.0 - most..=self.span.1 + most).contains(&position);
        inside && self.lag(position, ideal).abs() <= most
    }

    /// Brings the position in line with the clock, for so many seconds of sound; the media samples from one frame to
    /// the next.
    fn align(&mut self, ideal: Option<f64>, rate: f64, seconds: f64) -> f64 {
        let step = rate * f64::from(AUDIO_RATE) / f64::from(self.options.sample_rate);
        let near =
            matches!((self.position, ideal), (Some(position), Some(ideal)) if self.is_near(position, ideal));
        self.edited = false;
        match (self.position, ideal) {
            (None, None) => step,
            (Some(_), Some(_)) if near && self.leads() => step,
            (Some(position), Some(ideal)) if near => {
                let error = self.lag(position, ideal) / (rate * f64::from(AUDIO_RATE));
                self.drift += (error - self.drift) * (seconds / SMOOTHING_SECONDS).min(1.0);
                let correction = self.drift / CORRECTION_SECONDS;
                step * (1.0 + correction.clamp(-MOST_CORRECTION, MOST_CORRECTION))
            }
            (old, new) => {
                if let Some(position) = old {
                    self.tail = Some(Tail { position, step, frames: FADE_FRAMES });
                    self.jumps += u64::from(new.is_some());
                }
                self.position = new;
                self.drift = 0.0;
                let opens = new.is_some_and(|media| self.timeline.opens(media));
                self.rising = if opens { 0 } else { FADE_FRAMES };
                step
            }
        }
    }

    /// Gives out the sound from the position on, round the loop where it ends, and what fades out beside it.
    fn fill(&mut self, step: f64, frames: &mut [f32]) -> u32 {
        let channels = usize::from(self.options.channels);
        let mut missing = 0;
        let mut rest = frames;
        while rest.len() >= channels {
            let count = (rest.len() / channels).min(FADE_FRAMES);
            let count = self.position.map_or(count, |position| count.min(self.frames_left(position, step)));
            if count == 0 {
                self.pass_end(step);
                continue;
            }
            let (block, after) = rest.split_at_mut(count * channels);
            if let Some(position) = self.position {
                missing += self.window.render(position, step, &mut self.mixed[..count]);
                self.position = Some(position + count as f64 * step);
                let rising = self.rising;
                self.add(block, |frame| fraction(frame + FADE_FRAMES - rising.min(FADE_FRAMES)).min(1.0));
                self.rising = rising.saturating_sub(count);
            }
            if let Some(tail) = self.tail {
                self.window.render(tail.position, tail.step, &mut self.mixed[..count]);
                self.add(block, |frame| 1.0 - fraction(FADE_FRAMES - tail.frames + frame).min(1.0));
                let frames = tail.frames.saturating_sub(count);
                let position = tail.position + count as f64 * tail.step;
                self.tail = (frames > 0).then_some(Tail { position, frames, ..tail });
            }
            rest = after;
        }
        missing
    }

    /// Frames until the position reaches the end of what plays.
    fn frames_left(&self, position: f64, step: f64) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and casts saturate"
        )]
        let left = ((self.span.1 - position) / step).ceil().max(0.0) as usize;
        left
    }

    /// At the end of what plays: on from its start, or silence.
    fn pass_end(&mut self, step: f64) {
        let Some(position) = self.position else { return };
        let (first, end) = self.span;
        let tail = Some(Tail { position, step, frames: FADE_FRAMES });
        if !self.wraps() {
            (self.tail, self.position) = (tail, None);
            return;
        }
        let length = end - first;
        self.position = Some(position - length * ((position - first) / length).floor());
        // A whole clip is made to follow itself, but a range has neighbours.
        if !self.timeline.opens(first) {
            (self.tail, self.rising) = (tail, FADE_FRAMES);
        }
    }

    /// Mixes into `block` what was rendered, with a gain for each frame.
    fn add(&self, block: &mut [f32], gain: impl Fn(usize) -> f32) {
        let channels = usize::from(self.options.channels);
        for (index, (to, [left, right])) in block.chunks_exact_mut(channels).zip(&self.mixed).enumerate() {
            let gain = gain(index) * self.audio.gain;
            match to {
                [mono] => *mono += (left + right) * 0.5 * gain,
                [to_left, to_right, ..] => {
                    *to_left += left * gain;
                    *to_right += right * gain;
                }
                [] => {}
            }
        }
    }

    fn wraps(&self) -> bool {
        self.clock.loop_mode() == LoopMode::Loop && self.span.1 > self.span.0
    }

    /// The media sample that is heard next.
    fn heading(&self, host_nanos: i64) -> f64 {
        let turned = self.clock.loop_mode() == LoopMode::PingPong && !self.clock.runs_forward(host_nanos);
        match self.position {
            Some(position) => position,
            // On its way back it is heard again from the start.
            None if turned => self.span.0,
            None => media_samples(self.clock.media_nanos(host_nanos)),
        }
    }

    /// Tells the thread where playback is, and gives back the blocks that are behind.
    fn steer(&mut self, media: f64) {
        let course = self.timeline.course(media, self.span, self.wraps());
        if course == self.course {
            return;
        }
        self.course = course;
        self.shared.steer(media, self.span, course.wraps);
        let mut index = 0;
        while let Some(block) = self.window.blocks.get(index) {
            if course.wants(block.packet) {
                index += 1;
                continue;
            }
            // The queue has room for every block there is.
            let block = self.window.blocks.swap_remove(index);
            self.shared.empty.push(block).ok();
        }
        self.wake();
    }

    fn wake(&self) {
        if let Some(worker) = &self.worker {
            worker.thread().unpark();
        }
    }
}

impl Drop for AudioReader {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.wake();
        if let Some(worker) = self.worker.take() {
            // A thread that panicked has nothing left to say that matters now.
            worker.join().ok();
        }
    }
}

/// The time of a media sample, to the nearest nanosecond.
fn nanos(position: f64) -> i64 {
    let whole = position.floor();
    #[expect(clippy::cast_possible_truncation, reason = "float to int casts saturate, which is wanted here")]
    let (samples, rest) = (whole as i64, ((position - whole) * 1e9 / f64::from(AUDIO_RATE)).round() as i64);
    let nanos = i128::from(samples) * 1_000_000_000 / i128::from(AUDIO_RATE);
    i64::try_from(nanos).unwrap_or(i64::MAX).saturating_add(rest)
}

/// Frames of a fade as a part of it.
fn fraction(frames: usize) -> f32 {
    frames as f32 / FADE_FRAMES as f32
}
