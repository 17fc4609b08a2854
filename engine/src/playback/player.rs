//! The player: the one handle a host has on a clip that plays.
//!
//! Controls may be called from the thread that owns the player at any time; [`Player::update`] is the frame path. It
//! picks up what the loader has ready, and if the set for the time asked for is complete, that set is shown; if not,
//! the last complete one stays as it was, with its time, so a picture is never made of two times.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use super::audio::{AudioOptions, AudioReader, ClockFeed};
use super::clock::{Clock, LoopMode};
use super::loader::{Loader, Message, Shared};
use super::schedule::MAX_RESIDENT;
use super::tick_of;
use crate::clip::{Clip, LiveNodes, MAX_LEVELS};
use crate::error::{Error, Result};
use crate::frame::{LiveSet, SegmentData};

/// Events that wait for the host at most; older ones are dropped.
const EVENTS_LEN: usize = 32;

/// How to play.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlayerOptions {
    /// Decoded bytes to hold. At least the clip's [`crate::clip::Limits::max_live_bytes`]; twice that lets the next
    /// segments load while the present ones show. What a picture that is held, or the host, keeps beyond its time
    /// counts too, and may exceed the budget by itself.
    pub budget_bytes: u64,
    /// How far ahead to load, nanoseconds of playback.
    pub lookahead_nanos: i64,
    /// What happens at the ends of the clip.
    pub loop_mode: LoopMode,
    /// Speed at the start, −4 to 4.
    pub rate: f64,
}

impl Default for PlayerOptions {
    fn default() -> Self {
        Self { budget_bytes: 512 << 20, lookahead_nanos: 2_000_000_000, loop_mode: LoopMode::Once, rate: 1.0 }
    }
}

/// Whether media time runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlayState {
    /// It stands.
    #[default]
    Paused,
    /// It runs.
    Playing,
    /// It has run to the end of a clip that plays once.
    Ended,
}

/// Something the host may want to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Playback passed an end of the clip and went on.
    Looped,
    /// Playback reached its end.
    Ended,
    /// A picture had to be held because the next was not in memory.
    Underrun,
}

/// What happened so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlayerStats {
    /// Times that playback ran into a segment that was not in memory, seeks aside.
    pub underruns: u64,
    /// Updates that showed an older picture than asked for, seeks included.
    pub held_updates: u64,
    /// Whether the last update did.
    pub holding: bool,
    /// Segments ready to show.
    pub resident_segments: usize,
    /// Decoded bytes in memory, those being let go included.
    pub held_bytes: u64,
}

/// Plays one clip.
#[derive(Debug)]
pub struct Player {
    clip: Arc<Clip>,
    clock: Clock,
    lookahead_nanos: i64,
    shared: Arc<Shared>,
    loader: Option<JoinHandle<()>>,
    /// What the loader has handed over; never grows beyond its first capacity.
    resident: Vec<(u32, Arc<SegmentData>)>,
    live: LiveSet,
    /// The nodes of `live`; `None` before the first picture.
    shown: Option<LiveNodes>,
    /// The nodes asked for by the last update.
    asked: LiveNodes,
    state: PlayState,
    laps: i128,
    /// A seek happened and its picture is not there yet: holding it is no underrun.
    seeking: bool,
    stats: PlayerStats,
    events: VecDeque<Event>,
    /// The sound that follows the clock.
    feeds: Vec<ClockFeed>,
}

impl Player {
    /// Starts to load the clip from its start; paused.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`] when one moment of the clip needs more than the budget; [`Error::InvalidArgument`] for
    /// a rate outside −4 to 4; [`Error::OutOfMemory`] or [`Error::Io`] when the loader cannot start.
    pub fn open(clip: Arc<Clip>, options: PlayerOptions) -> Result<Self> {
        let needed = clip.limits().max_live_bytes;
        if needed > options.budget_bytes {
            return Err(Error::LimitExceeded {
                what: format!("{}: decoded bytes of one moment (raise budget_bytes)", clip.name()),
                value: needed,
                limit: options.budget_bytes,
            });
        }
        let mut clock = Clock::new(&clip.info());
        clock.set_loop(options.loop_mode);
        clock.set_rate(0, options.rate)?;
        let shared = Arc::new(Shared::new());
        let mut player = Self {
            clock,
            lookahead_nanos: options.lookahead_nanos.max(0),
            shared: shared.clone(),
            loader: None,
            resident: Vec::with_capacity(MAX_RESIDENT),
            live: LiveSet {
                segments: Vec::with_capacity(MAX_LEVELS),
                tick: 0,
                seconds: 0.0,
                coming: Vec::with_capacity(MAX_RESIDENT),
            },
            shown: None,
            asked: clip.live_nodes(0),
            state: PlayState::Paused,
            laps: 0,
            seeking: true,
            stats: PlayerStats::default(),
            events: VecDeque::with_capacity(EVENTS_LEN),
            feeds: Vec::new(),
            clip: clip.clone(),
        };
        player.steer(0, 0);
        let loader = Loader::new(clip.clone(), shared, options.budget_bytes)?;
        let thread = std::thread::Builder::new().name("vivant-loader".to_owned());
        let handle = thread.spawn(move || loader.run());
        player.loader =
            Some(handle.map_err(|source| Error::io(clip.name(), "cannot start the loader thread", source))?);
        Ok(player)
    }

    /// The clip.
    #[must_use]
    pub fn clip(&self) -> &Arc<Clip> {
        &self.clip
    }

    /// Runs from here; from the end of a clip that plays once, from the other end.
    pub fn play(&mut self, host_nanos: i64) {
        self.seeking |= self.clock.has_ended(host_nanos);
        self.clock.play(host_nanos);
        self.refresh(host_nanos);
    }

    /// Stands here.
    pub fn pause(&mut self, host_nanos: i64) {
        self.clock.pause(host_nanos);
        self.refresh(host_nanos);
    }

    /// Goes to a media time, clamped to the clip.
    pub fn seek(&mut self, host_nanos: i64, media_nanos: i64) {
        self.clock.seek(host_nanos, media_nanos);
        self.seeking = true;
        self.refresh(host_nanos);
    }

    /// Changes the speed; negative plays backwards, 0 holds.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] outside −4 to 4.
    pub fn set_rate(&mut self, host_nanos: i64, rate: f64) -> Result<()> {
        self.clock.set_rate(host_nanos, rate)?;
        self.refresh(host_nanos);
        Ok(())
    }

    /// Changes what happens at the ends of the clip, from the last host time the player was given.
    pub fn set_loop(&mut self, mode: LoopMode) {
        self.clock.set_loop(mode);
        self.feeds.iter_mut().for_each(|feed| feed.publish(&self.clock));
    }

    /// Opens the sound of `clip().tracks()[track]`, which from then on follows this player from whatever thread it is
    /// read on.
    ///
    /// # Errors
    /// As [`AudioReader::open`].
    pub fn audio(&mut self, track: usize, options: AudioOptions) -> Result<AudioReader> {
        let mut reader = AudioReader::open(self.clip.clone(), track, options)?;
        reader.follow(&self.clock);
        self.feeds.retain(ClockFeed::is_heard);
        self.feeds.push(reader.feed());
        Ok(reader)
    }

    /// The media time that an update at `host_nanos` shows.
    #[must_use]
    pub fn media_nanos(&self, host_nanos: i64) -> i64 {
        self.clock.media_nanos(host_nanos)
    }

    /// The clock, for its rate and loop mode.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether media time runs, as of the last call that had a host time.
    #[must_use]
    pub fn state(&self) -> PlayState {
        self.state
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> PlayerStats {
        let held_bytes = self.shared.held_bytes.load(Ordering::Relaxed);
        PlayerStats { resident_segments: self.resident.len(), held_bytes, ..self.stats }
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next error of the loader, each once. Playback goes on; a picture that cannot be loaded is held.
    pub fn error(&mut self) -> Option<Error> {
        self.shared.errors.pop()
    }

    /// What to show at `host_nanos`: the live set of that time if it is in memory, else the last one that was; `None`
    /// until the first is. The frame path: does not block, read or allocate.
    pub fn update(&mut self, host_nanos: i64) -> Option<&LiveSet> {
        self.receive();
        self.refresh(host_nanos);
        let media_nanos = self.clock.media_nanos(host_nanos);
        let tick = tick_of(&self.clip, media_nanos);
        let asked = self.clip.live_nodes(tick);
        let moved = asked != self.asked;
        self.asked = asked;
        let ready = self.shown == Some(asked) || self.take(asked);
        self.list_coming();
        if moved || !ready {
            self.wake();
        }
        if ready {
            self.live.tick = tick;
            self.live.seconds = media_nanos as f64 * 1e-9;
            self.seeking = false;
        } else if self.shown.is_some() {
            self.stats.held_updates += 1;
            if !self.seeking && !self.stats.holding {
                self.stats.underruns += 1;
                self.note(Event::Underrun);
            }
        }
        self.stats.holding = !ready;
        self.shown.is_some().then_some(&self.live)
    }

    /// Takes what the loader has put into the queue.
    fn receive(&mut self) {
        let mut any = false;
        while let Some(message) = self.shared.messages.pop() {
            any = true;
            match message {
                Message::Loaded(node, data) => match self.resident.iter_mut().find(|(at, _)| *at == node) {
                    Some((_, old)) => *old = data,
                    None => self.resident.push((node, data)),
                },
                Message::Evict(node) => {
                    if let Some(at) = self.resident.iter().position(|(at, _)| *at == node) {
                        // The loader holds another reference, so this frees nothing here.
                        self.resident.swap_remove(at);
                    }
                }
            }
        }
        if any {
            self.wake();
        }
    }

    /// Makes `asked` the live set if all of it is resident.
    fn take(&mut self, asked: LiveNodes) -> bool {
        let find = |node: u32| self.resident.iter().find(|(at, _)| *at == node).map(|(_, data)| data);
        if !asked.iter().all(|&node| find(node).is_some()) {
            return false;
        }
        self.live.segments.clear();
        self.live.segments.extend(asked.iter().filter_map(|&node| find(node).cloned()));
        self.shown = Some(asked);
        true
    }

    /// Names what is in memory but not live, in the order it came, which is the order it will be needed in.
    fn list_coming(&mut self) {
        let live = &self.live.segments;
        let waiting = self.resident.iter().map(|(_, data)| data).filter(|data| {
            // Few of each, so a search costs less than a set would.
            !live.iter().any(|segment| Arc::ptr_eq(segment, data))
        });
        self.live.coming.clear();
        self.live.coming.extend(waiting.cloned());
    }

    /// Brings state, events and the loader's course up to a host time.
    fn refresh(&mut self, host_nanos: i64) {
        self.clock.hear(host_nanos);
        let state = match (self.clock.is_playing(), self.clock.has_ended(host_nanos)) {
            (false, _) => PlayState::Paused,
            (true, false) => PlayState::Playing,
            (true, true) => PlayState::Ended,
        };
        if state == PlayState::Ended && self.state == PlayState::Playing {
            self.note(Event::Ended);
        }
        self.state = state;
        let laps = self.clock.laps(host_nanos);
        if laps != self.laps {
            self.laps = laps;
            self.note(Event::Looped);
        }
        self.feeds.iter_mut().for_each(|feed| feed.publish(&self.clock));
        let tick = tick_of(&self.clip, self.clock.media_nanos(host_nanos));
        self.steer(tick, host_nanos);
    }

    /// Tells the loader where playback is and where it goes.
    fn steer(&mut self, tick: i64, host_nanos: i64) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "float to int casts saturate, which is wanted here"
        )]
        let ahead = (self.lookahead_nanos as f64 * self.clock.rate().abs().max(1.0)) as i64;
        let shared = &self.shared;
        shared.tick.store(tick, Ordering::Relaxed);
        shared.forward.store(self.clock.runs_forward(host_nanos), Ordering::Relaxed);
        shared.horizon.store(self.clip.info().rate.ticks_from_nanos(ahead), Ordering::Relaxed);
        shared.set_mode(self.clock.loop_mode());
    }

    fn note(&mut self, event: Event) {
        if self.events.len() == EVENTS_LEN {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    fn wake(&self) {
        if let Some(loader) = &self.loader {
            loader.thread().unpark();
        }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.wake();
        if let Some(loader) = self.loader.take() {
            // A loader that panicked has nothing left to say that matters now.
            loader.join().ok();
        }
    }
}
