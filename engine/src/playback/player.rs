//! The player: the one handle a host has on a clip that plays.
//!
//! Controls (`controls.rs`) may be called from the thread that owns the player at any time; [`Player::update`] is the
//! frame path. It picks up what the loader has ready, and if the set for the time asked for is complete, that set is
//! shown; if not, the last complete one stays as it was, with its time, so a picture is never made of two times. A
//! segment that is damaged is left out where other levels have something to show; where none has, the picture stays.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use super::audio::{AudioOptions, AudioReader};
use super::audio_feed::ClockFeed;
use crossbeam::channel::bounded;

use super::budget::Budget;
use super::clock::{Clock, LoopMode};
use super::controls::MAX_QUEUED;
use super::joints::Joints;
use super::loader::{Loader, Message, Shared};
use super::needs::Needs;
use super::resident::{MAX_COMING, Resident};
use super::schedule::Course;
use super::tick_of;
use crate::clip::{Clip, LiveNodes, MAX_LEVELS};
use crate::error::{Error, Result};
use crate::frame::{FULL_LOD, LiveSet};

/// Events that wait for the host at most; older ones are dropped.
const EVENTS_LEN: usize = 32;

/// How to play.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlayerOptions {
    /// Decoded bytes to hold, never exceeded; at least [`Player::needed_bytes`]. From [`Player::full_bytes`] on, all
    /// detail is shown; below, the finest level that fits. More lets more of what comes load ahead. What the host keeps of live sets that it copied counts too, and leaves the player so much less.
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
    /// The first picture, or the one that a seek asked for, is there.
    Ready,
    /// Part of the clip could not be loaded; [`Player::error`] has the sentence.
    Error,
    /// The clip ended and the next of the queue goes on.
    Advanced,
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
    /// Decoded bytes in memory, those being decoded and those being let go included.
    pub held_bytes: u64,
    /// The level of detail shown, of the coarsest segment: 3 for all splats, 2, 1 and 0 for a half, a quarter and an
    /// eighth. 0 before the first picture.
    pub lod: u8,
    /// The level of detail that the budget is enough for.
    pub playable_lod: u8,
    /// Whether what shows will be finer as soon as it is loaded: after a seek, or once there is time again.
    pub refining: bool,
    /// Updates that showed less than the budget is enough for.
    pub coarse_updates: u64,
    /// Segments found damaged, which are not shown.
    pub lost_segments: u64,
    /// Segments found damaged in their finer levels of detail, of which coarser ones are shown.
    pub cut_segments: u64,
    /// Reads of segments that failed, each try counted.
    pub failed_reads: u64,
}

/// Plays a clip, and those queued behind it.
#[derive(Debug)]
pub struct Player {
    /// What plays, and its number among all that were given.
    pub(super) clip: Arc<Clip>,
    entry: u64,
    pub(super) queue: VecDeque<(u64, Arc<Clip>)>,
    /// The number of the next that is given.
    pub(super) next_entry: u64,
    pub(super) clock: Clock,
    lookahead_nanos: i64,
    pub(super) shared: Arc<Shared>,
    loader: Option<JoinHandle<()>>,
    resident: Resident,
    pub(super) live: LiveSet,
    /// What moves the joints of a rig.
    pub(super) joints: Joints,
    /// The clip that `live` is of.
    shown_clip: Arc<Clip>,
    /// The nodes of `live` with their clip; `None` before the first picture.
    shown: Option<(u64, LiveNodes)>,
    /// The nodes asked for by the last update.
    asked: (u64, LiveNodes),
    state: PlayState,
    laps: i128,
    /// A seek happened and its picture is not there yet: holding it is no underrun.
    pub(super) seeking: bool,
    /// Until it is there, anything near will do.
    pub(super) scrubbing: bool,
    /// A segment that shows has come in another level of detail.
    stale: bool,
    told_failures: u64,
    stats: PlayerStats,
    events: VecDeque<Event>,
    /// The sound that follows the clock, or leads it.
    feeds: Vec<ClockFeed>,
    /// Counts the changes of the clock that are not its leaning towards sound, and the clock as it was last looked at.
    edit: u64,
    known: Clock,
}

impl Player {
    /// Starts to load the clip from its start; paused. The budget is this player's own.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`] when the budget is less than [`Self::needed_bytes`], with that number;
    /// [`Error::InvalidArgument`] for a rate outside −4 to 4; [`Error::OutOfMemory`] or [`Error::Io`] when the loader
    /// cannot start.
    pub fn open(clip: Arc<Clip>, options: PlayerOptions) -> Result<Self> {
        Self::open_within(clip, options, &Budget::new(options.budget_bytes))
    }

    /// Starts to load the clip from its start; paused. The budget is shared with the other players that were opened
    /// within it: each is sure of its [`Self::needed_bytes`], and what is left over is shared out in equal parts.
    /// `options.budget_bytes` is not used.
    ///
    /// # Errors
    /// As [`Self::open`]; [`Error::LimitExceeded`] when the needs of all do not fit, with their sum.
    pub fn open_within(clip: Arc<Clip>, options: PlayerOptions, budget: &Budget) -> Result<Self> {
        let mut clock = Clock::new(&clip.info());
        clock.set_loop(options.loop_mode);
        clock.set_rate(0, options.rate)?;
        let share = budget.join(clip.name(), Needs::of(&clip).at(0))?;
        let shared = Arc::new(Shared::new(share));
        let mut player = Self {
            lookahead_nanos: options.lookahead_nanos.max(0),
            shared: shared.clone(),
            loader: None,
            resident: Resident::new(),
            live: LiveSet {
                segments: Vec::with_capacity(MAX_LEVELS),
                tick: 0,
                seconds: 0.0,
                coming: Vec::with_capacity(MAX_COMING),
                joints: Vec::new(),
            },
            joints: Joints::default(),
            shown_clip: clip.clone(),
            shown: None,
            asked: (clip.id(), clip.live_nodes(0)),
            state: PlayState::Paused,
            laps: 0,
            seeking: true,
            scrubbing: false,
            stale: false,
            told_failures: 0,
            stats: PlayerStats::default(),
            events: VecDeque::with_capacity(EVENTS_LEN),
            feeds: Vec::new(),
            edit: 1,
            known: clock.clone(),
            clock,
            entry: 0,
            queue: VecDeque::with_capacity(MAX_QUEUED),
            next_entry: 1,
            clip: clip.clone(),
        };
        player.joints.make_room(&clip, &mut player.live);
        let course = player.course(0, 0);
        player.loader = Some(start_loader(clip, shared, course)?);
        Ok(player)
    }

    /// The clip that plays; as of the last call that had a host time.
    #[must_use]
    pub fn clip(&self) -> &Arc<Clip> {
        &self.clip
    }

    /// The clip that [`Self::live`] is of: the one before while the first picture of the next is being held up. Its
    /// tick rate is the one to draw with.
    #[must_use]
    pub fn shown_clip(&self) -> &Arc<Clip> {
        &self.shown_clip
    }

    /// Opens the sound of `clip().tracks()[track]`, which from then on follows this player from whatever thread it is
    /// read on, until the player goes on to the next clip of its queue.
    ///
    /// # Errors
    /// As [`AudioReader::open`].
    pub fn audio(&mut self, track: usize, options: AudioOptions) -> Result<AudioReader> {
        self.open_audio(track, options, false)
    }

    /// As [`Self::audio`], but the sound leads: it runs at the pace of the sound card, unstretched, and media time leans
    /// towards what the reader has handed out, as it does towards an external clock. All controls work as before, and the
    /// sound goes where they say. A reader that is not read, and the end of the sound, leave media time to the host's
    /// clock. One reader leads at a time, the last one opened so; an external clock goes before it.
    ///
    /// # Errors
    /// As [`AudioReader::open`].
    pub fn audio_as_master(&mut self, track: usize, options: AudioOptions) -> Result<AudioReader> {
        self.open_audio(track, options, true)
    }

    fn open_audio(&mut self, track: usize, options: AudioOptions, leads: bool) -> Result<AudioReader> {
        let reader = AudioReader::open(self.clip.clone(), track, options)?;
        self.feeds.retain(ClockFeed::is_heard);
        if leads {
            self.feeds.iter_mut().for_each(ClockFeed::step_back);
        }
        self.feeds.push(reader.feed(leads));
        self.tell_sound();
        Ok(reader)
    }

    /// Leans towards what the sound that leads has handed out under the last edit.
    fn hear_sound(&mut self) {
        self.note_edit();
        let Some(heard) = self.feeds.iter().find_map(ClockFeed::heard) else { return };
        if heard.edit == self.edit && !self.clock.is_external() {
            self.clock.lean_to(heard.host_nanos, heard.media_nanos);
            self.known.clone_from(&self.clock);
        }
    }

    /// Counts it if the clock was changed since it was last looked at.
    fn note_edit(&mut self) {
        if !self.known.agrees(&self.clock) {
            self.edit += 1;
            self.known.clone_from(&self.clock);
        }
    }

    /// What the last update showed.
    #[must_use]
    pub fn live(&self) -> Option<&LiveSet> {
        self.shown.is_some().then_some(&self.live)
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
        PlayerStats {
            resident_segments: self.resident.len(),
            held_bytes: self.shared.share.held(),
            failed_reads: self.shared.failed_reads.load(Ordering::Relaxed),
            playable_lod: self.shared.playable.load(Ordering::Relaxed),
            ..self.stats
        }
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
        let tick = self.tick_at(media_nanos);
        let asked = (self.clip.id(), self.clip.live_nodes(tick));
        let moved = asked != self.asked;
        self.asked = asked;
        if self.stale && self.shown == Some(asked) {
            // Without it the set as it was is still whole.
            self.take(asked);
        }
        let ready = self.shown == Some(asked) || self.take(asked);
        self.look_at_detail();
        let forward = self.clock.runs_forward(host_nanos);
        self.resident.coming(&self.live.segments, self.clip.id(), tick, forward, &mut self.live.coming);
        if moved || !ready {
            self.wake();
        }
        if ready {
            self.live.tick = tick;
            self.live.seconds = media_nanos as f64 * 1e-9;
            if self.seeking {
                self.note(Event::Ready);
            }
            self.seeking = false;
            self.scrubbing = false;
        } else {
            if self.scrubbing {
                self.show_near(tick);
            }
            self.hold();
        }
        if self.shown.is_some() {
            self.joints.place(&self.shown_clip, &mut self.live);
        }
        self.stats.holding = !ready;
        self.live()
    }

    /// Notes in which level of detail the picture is.
    fn look_at_detail(&mut self) {
        let playable = self.shared.playable.load(Ordering::Relaxed);
        let segments = &self.live.segments;
        self.stats.lod = segments.iter().map(|data| data.lod).min().unwrap_or(FULL_LOD);
        self.stats.refining = segments.iter().any(|data| self.resident.will_be_finer(data, playable));
        self.stats.coarse_updates += u64::from(self.stats.refining);
    }

    /// Counts a picture that is not the one asked for.
    fn hold(&mut self) {
        if self.shown.is_none() {
            return;
        }
        self.stats.held_updates += 1;
        if !self.seeking && !self.stats.holding {
            self.stats.underruns += 1;
            self.note(Event::Underrun);
        }
    }

    /// Shows the moment nearest to `tick` that is in memory, if it is nearer than what shows.
    fn show_near(&mut self, tick: i64) {
        let same_clip = self.shown.is_some_and(|(clip, _)| clip == self.clip.id());
        let within = if same_clip { (self.live.tick - tick).abs() } else { i64::MAX };
        let Some(at) = self.resident.nearest(&self.clip, tick, self.range_ticks(), within) else { return };
        if self.take((self.clip.id(), self.clip.live_nodes(at))) {
            self.live.tick = at;
            self.live.seconds = self.clip.info().rate.seconds_from_ticks(at);
        }
    }

    /// Takes what the loader has put into the queue.
    fn receive(&mut self) {
        let mut any = false;
        while let Some(message) = self.shared.messages.pop() {
            any = true;
            match message {
                Message::Loaded(data) => {
                    self.stale |= self.live.segments.iter().any(|shown| shown.id == data.id);
                    self.resident.insert(data);
                }
                Message::Evict(id) => self.resident.remove(id),
                Message::Lost(id) => self.stats.lost_segments += u64::from(self.resident.lose(id)),
                Message::Cut(id, best) => {
                    self.stats.cut_segments += u64::from(self.resident.cut(id, best));
                }
            }
        }
        let failures = self.shared.told.load(Ordering::Relaxed);
        if failures != self.told_failures {
            self.told_failures = failures;
            self.note(Event::Error);
        }
        if any {
            self.wake();
        }
    }

    /// Makes `asked` the live set if all of it is resident.
    fn take(&mut self, asked: (u64, LiveNodes)) -> bool {
        if !self.resident.has(&self.clip, &asked.1) {
            return false;
        }
        self.resident.collect(&self.clip, &asked.1, &mut self.live.segments);
        self.stale = false;
        if self.shown_clip.id() != asked.0 {
            // The loader holds the clip before until nobody else does.
            self.shown_clip = self.clip.clone();
        }
        self.shown = Some(asked);
        true
    }

    /// Brings state, events and the loader's course up to a host time.
    pub(super) fn refresh(&mut self, host_nanos: i64) {
        self.clock.hear(host_nanos);
        self.hear_sound();
        while self.clock.rate() > 0.0 && self.clock.has_ended(host_nanos) {
            let Some((entry, next)) = self.queue.pop_front() else { break };
            self.clock = self.clock.follow_on(&next.info(), host_nanos);
            self.clip = next;
            self.entry = entry;
            self.resident.forget_others(self.clip.id());
            // The sound of the clip before runs to its end by the clock it last heard of.
            self.feeds.clear();
            self.note(Event::Advanced);
        }
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
        self.tell_sound();
        let tick = self.tick_at(self.clock.media_nanos(host_nanos));
        self.shared.steer(self.course(tick, host_nanos));
    }

    /// Tells the sound what the clock is now.
    pub(super) fn tell_sound(&mut self) {
        self.note_edit();
        self.feeds.iter_mut().for_each(|feed| feed.publish(&self.clock, self.edit));
    }

    /// The ticks that can be shown.
    fn range_ticks(&self) -> (i64, i64) {
        let (first, end) = self.clock.range_ticks();
        (first, end.max(first + 1))
    }

    /// The tick shown at a media time: the nearest one of those that play.
    fn tick_at(&self, media_nanos: i64) -> i64 {
        let (first, end) = self.range_ticks();
        tick_of(&self.clip, media_nanos).clamp(first, end - 1)
    }

    /// Where playback is and where it goes, for the loader.
    fn course(&self, tick: i64, host_nanos: i64) -> Course {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "float to int casts saturate, which is wanted here"
        )]
        let ahead = (self.lookahead_nanos as f64 * self.clock.rate().abs().max(1.0)) as i64;
        Course {
            entry: self.entry,
            next: self.queue.front().map_or(self.next_entry, |(number, _)| *number),
            tick,
            range: self.range_ticks(),
            forward: self.clock.runs_forward(host_nanos),
            mode: self.clock.loop_mode(),
            horizon: self.clip.info().rate.ticks_from_nanos(ahead),
            speed: if self.state == PlayState::Playing { self.clock.rate().abs() } else { 0.0 },
        }
    }

    fn note(&mut self, event: Event) {
        if self.events.len() == EVENTS_LEN {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    pub(super) fn wake(&self) {
        if let Some(loader) = &self.loader {
            loader.thread().unpark();
        }
    }
}

/// Starts the loader's thread, and waits until it has what it needs.
fn start_loader(clip: Arc<Clip>, shared: Arc<Shared>, course: Course) -> Result<JoinHandle<()>> {
    let (started, answer) = bounded(1);
    let name = clip.name().to_owned();
    let run = move || match Loader::new(clip, shared, course) {
        Ok(loader) => {
            started.send(Ok(())).ok();
            loader.run();
        }
        Err(error) => {
            started.send(Err(error)).ok();
        }
    };
    let thread = std::thread::Builder::new().name("vivant-loader".to_owned()).spawn(run);
    let thread = thread.map_err(|source| Error::io(&name, "cannot start the loader thread", source))?;
    match answer.recv() {
        Ok(answer) => answer.map(|()| thread),
        Err(_) => Err(Error::OutOfMemory { what: "the loader thread".to_owned() }),
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
