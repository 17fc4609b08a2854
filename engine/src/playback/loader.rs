//! The loader: one thread that has decoded what [`super::schedule`] asks for and hands it to the player.
//!
//! It and the player share no lock. The player leaves its newest course in a mailbox of one and wakes the thread; the
//! loader puts what was decoded, and what it takes back, into a bounded queue. It keeps a reference to every segment and
//! clip until nobody else has one, so memory is freed on this thread and never on the host's frame path. Reading and
//! decoding happen in [`super::decoders`], so that this thread itself never waits for a disk.
//!
//! A read that fails is told once and tried again, after 10 ms and then at doubling pauses up to 80 ms, so that playback
//! resumes within 0.1 s of the fault's end. A damaged segment is told once and given up.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam::queue::ArrayQueue;

use super::budget::Share;
use super::controls::palette_bytes;
use super::decoders::{DECODERS, Decoders};
use super::schedule::{Course, Id, MAX_RESIDENT, bytes_of, wanted};
use crate::clip::Clip;
use crate::error::{Error, Result};
use crate::frame::SegmentData;

/// Messages that can wait for the player; it takes all of them every frame.
const QUEUE_LEN: usize = 256;
/// Errors that can wait for the host; more are dropped, the first ones tell.
const ERRORS_LEN: usize = 16;
/// Clips that can be on their way to the loader.
const CLIPS_LEN: usize = 64;
/// How long the thread sleeps when there is nothing to do and nobody wakes it.
const IDLE: Duration = Duration::from_millis(100);
/// How long it waits for the player to take something or let something go.
const SHORT: Duration = Duration::from_millis(4);
/// The first and the longest pause before a failed read is tried again.
const RETRY: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(80));

/// What the loader tells the player.
#[derive(Debug)]
pub(super) enum Message {
    /// A segment is there.
    Loaded(Arc<SegmentData>),
    /// Let go of a segment.
    Evict(Id),
    /// A segment is damaged and will never be there.
    Lost(Id),
}

/// What the player and the loader share.
#[derive(Debug)]
pub(super) struct Shared {
    /// The newest course; one that nobody read is replaced.
    courses: ArrayQueue<Course>,
    /// Clips that follow, with their number in the programme.
    clips: ArrayQueue<(u64, Arc<Clip>)>,
    pub(super) stop: AtomicBool,
    pub(super) messages: ArrayQueue<Message>,
    pub(super) errors: ArrayQueue<Error>,
    pub(super) failed_reads: AtomicU64,
    /// Errors told so far.
    pub(super) told: AtomicU64,
    pub(super) share: Share,
}

impl Shared {
    pub(super) fn new(share: Share) -> Self {
        Self {
            courses: ArrayQueue::new(1),
            clips: ArrayQueue::new(CLIPS_LEN),
            stop: AtomicBool::new(false),
            messages: ArrayQueue::new(QUEUE_LEN),
            errors: ArrayQueue::new(ERRORS_LEN),
            failed_reads: AtomicU64::new(0),
            told: AtomicU64::new(0),
            share,
        }
    }

    /// Leaves a course for the loader. Neither waits nor allocates.
    pub(super) fn steer(&self, course: Course) {
        self.courses.force_push(course);
    }

    /// Hands over a clip that follows; `false` when too many are on their way.
    pub(super) fn enqueue(&self, number: u64, clip: Arc<Clip>) -> bool {
        self.clips.push((number, clip)).is_ok()
    }
}

/// A segment in memory.
struct Held {
    id: Id,
    data: Arc<SegmentData>,
    bytes: u64,
    /// The player was told to let it go; freed when nobody else has it.
    evicted: bool,
}

/// A segment that could not be read.
struct Failed {
    /// When to try again; never for damage.
    again: Option<Instant>,
    pause: Duration,
    /// Whether the player knows that it is lost.
    told: bool,
}

/// The thread's state.
pub(super) struct Loader {
    shared: Arc<Shared>,
    course: Course,
    /// The clip that plays and those that follow, with their numbers.
    programme: VecDeque<(u64, Arc<Clip>)>,
    /// Clips that others may still use.
    retired: Vec<Arc<Clip>>,
    /// Clips whose palettes count against the budget, with their bytes.
    palettes: Vec<(u64, u64)>,
    decoders: Decoders,
    in_flight: Vec<(Id, u64)>,
    held: Vec<Held>,
    failed: BTreeMap<Id, Failed>,
}

/// What came of asking for a segment.
enum Step {
    Worked,
    /// Every decoder is busy.
    Busy,
    /// Waiting for the player to let something go.
    Blocked,
}

impl Loader {
    /// Starts the decoders; to be called on the loader's own thread.
    pub(super) fn new(clip: Arc<Clip>, shared: Arc<Shared>, course: Course) -> Result<Self> {
        let decoders = Decoders::start(clip.name(), &std::thread::current())?;
        shared.share.set_loader(std::thread::current());
        Ok(Self {
            shared,
            course,
            programme: VecDeque::from([(course.entry, clip)]),
            retired: Vec::new(),
            palettes: Vec::new(),
            decoders,
            in_flight: Vec::with_capacity(DECODERS),
            held: Vec::new(),
            failed: BTreeMap::new(),
        })
    }

    /// Runs until the player says stop.
    pub(super) fn run(mut self) {
        while !self.shared.stop.load(Ordering::Acquire) {
            let pause = self.round();
            std::thread::park_timeout(pause);
        }
    }

    /// Takes what came in and begins to load what is most urgent; gives how long to sleep.
    fn round(&mut self) -> Duration {
        self.listen();
        while let Some(done) = self.decoders.next() {
            let at = self.in_flight.iter().position(|(id, _)| *id == done.id);
            let bytes = at.map_or(0, |at| self.in_flight.swap_remove(at).1);
            match done.data {
                Ok(data) => self.publish(done.id, data, bytes),
                Err(error) => self.fail(done.id, bytes, error),
            }
        }
        self.free();
        let palettes = self.count_palettes();
        let entitled = self.shared.share.entitled().saturating_sub(palettes);
        let clips = self.programme.iter().map(|(_, clip)| clip);
        let wanted = wanted(clips, &self.course, entitled);
        let live = self.programme.front().map_or(0, |(_, clip)| clip.live_nodes(self.course.tick).len());
        self.shrink_to(entitled, &wanted);
        self.tell_lost();
        let now = Instant::now();
        let mut pause = IDLE;
        for (urgency, &id) in wanted.iter().enumerate() {
            let here = self.held.iter().any(|held| held.id == id && !held.evicted);
            if here || self.in_flight.iter().any(|(at, _)| *at == id) {
                continue;
            }
            if let Some(failed) = self.failed.get(&id) {
                let Some(again) = failed.again else { continue };
                if again > now {
                    pause = pause.min(again - now);
                    continue;
                }
            }
            match self.begin(id, &wanted, urgency < live) {
                Step::Worked => {}
                Step::Busy => break,
                Step::Blocked => {
                    pause = pause.min(SHORT);
                    break;
                }
            }
        }
        pause
    }

    /// Takes the newest course and the clips that follow.
    fn listen(&mut self) {
        let Some(course) = self.shared.courses.pop() else { return };
        self.course = course;
        // Whoever reads a course finds the clips that it speaks of: they were handed over before.
        while let Some(entry) = self.shared.clips.pop() {
            self.programme.push_back(entry);
        }
        let (mut kept, mut gone) = (VecDeque::new(), Vec::new());
        for (number, clip) in self.programme.drain(..) {
            if number == course.entry || number >= course.next {
                kept.push_back((number, clip));
            } else {
                gone.push(clip);
            }
        }
        self.programme = kept;
        if !gone.is_empty() {
            self.failed.retain(|id, _| self.programme.iter().any(|(_, clip)| clip.id() == id.0));
        }
        self.retired.append(&mut gone);
        self.retired.retain(|clip| Arc::strong_count(clip) > 1);
    }

    /// Counts the palettes of the programme, and no others, against the budget; gives their bytes. A palette lies in
    /// memory since its clip was opened, so one that does not fit yet is counted as soon as another player has let go.
    fn count_palettes(&mut self) -> u64 {
        let (programme, share) = (&self.programme, &self.shared.share);
        self.palettes.retain(|&(id, bytes)| {
            let kept = programme.iter().any(|(_, clip)| clip.id() == id);
            if !kept {
                share.give(bytes);
            }
            kept
        });
        let mut sum = 0_u64;
        for (_, clip) in programme {
            let (id, bytes) = (clip.id(), palette_bytes(clip));
            if self.palettes.iter().all(|&(counted, _)| counted != id) {
                sum = sum.saturating_add(bytes);
                if bytes > 0 && share.take(bytes) {
                    self.palettes.push((id, bytes));
                    sum -= bytes;
                }
            }
        }
        self.palettes.iter().fold(sum, |sum, (_, bytes)| sum.saturating_add(*bytes))
    }

    /// Begins to load a segment.
    fn begin(&mut self, id: Id, wanted: &[Id], live: bool) -> Step {
        // One that was taken back but is still in use need not be read again.
        if let Some(at) = self.held.iter().position(|held| held.id == id) {
            if !self.send(Message::Loaded(self.held[at].data.clone())) {
                return Step::Blocked;
            }
            self.held[at].evicted = false;
            return Step::Worked;
        }
        if self.in_flight.len() >= DECODERS {
            return Step::Busy;
        }
        let Some(clip) = self.programme.iter().map(|(_, clip)| clip).find(|clip| clip.id() == id.0).cloned()
        else {
            return Step::Worked;
        };
        let bytes = bytes_of(&clip, id.1);
        // Only this thread fills the queue, so room in it now is room for the messages after decoding.
        if self.shared.messages.len() + self.in_flight.len() >= QUEUE_LEN / 2
            || !self.make_room(bytes, wanted, live)
        {
            return Step::Blocked;
        }
        if !self.decoders.begin(&clip, id.1) {
            self.shared.share.give(bytes);
            return Step::Busy;
        }
        self.in_flight.push((id, bytes));
        Step::Worked
    }

    /// Frees what the player has let go.
    fn free(&mut self) {
        let share = &self.shared.share;
        self.held.retain(|held| {
            let used = !held.evicted || Arc::strong_count(&held.data) > 1;
            if !used {
                share.give(held.bytes);
            }
            used
        });
    }

    /// Takes bytes from the budget. Where they do not fit, takes segments back: first those not wanted, the oldest
    /// first; for one that shows now also those that are only wanted soon, the last first. What then still does not fit
    /// waits for the player to let go of what it holds.
    fn make_room(&mut self, bytes: u64, wanted: &[Id], live: bool) -> bool {
        loop {
            let count = self.held.iter().filter(|held| !held.evicted).count() + self.in_flight.len();
            if count < MAX_RESIDENT && self.shared.share.take(bytes) {
                return true;
            }
            let Some(at) = self.victim(wanted, live) else { return false };
            if !self.evict(at) {
                return false;
            }
            self.free();
        }
    }

    /// The segment that can go first.
    fn victim(&self, wanted: &[Id], live: bool) -> Option<usize> {
        // `held` is in the order of loading.
        let unwanted = self.held.iter().position(|held| !held.evicted && !wanted.contains(&held.id));
        let live_len = self.programme.front().map_or(0, |(_, clip)| clip.live_nodes(self.course.tick).len());
        let later = || {
            let soon = wanted.get(live_len..).unwrap_or_default();
            soon.iter().rev().find_map(|id| self.held.iter().position(|held| held.id == *id && !held.evicted))
        };
        unwanted.or_else(|| if live { later() } else { None })
    }

    fn evict(&mut self, at: usize) -> bool {
        let sent = self.send(Message::Evict(self.held[at].id));
        self.held[at].evicted |= sent;
        sent
    }

    /// Lets go of what no longer fits this player's part of the budget, after another joined: what is wanted fits it.
    fn shrink_to(&mut self, entitled: u64, wanted: &[Id]) {
        loop {
            let kept: u64 = self.held.iter().filter(|held| !held.evicted).map(|held| held.bytes).sum();
            if kept <= entitled {
                break;
            }
            let Some(at) = self.victim(wanted, false) else { break };
            if !self.evict(at) {
                break;
            }
        }
        self.free();
    }

    fn publish(&mut self, id: Id, data: SegmentData, bytes: u64) {
        self.failed.remove(&id);
        let data = Arc::new(data);
        let sent = self.send(Message::Loaded(data.clone()));
        self.held.push(Held { id, data, bytes, evicted: !sent });
    }

    fn fail(&mut self, id: Id, bytes: u64, error: Error) {
        self.shared.share.give(bytes);
        self.shared.failed_reads.fetch_add(1, Ordering::Relaxed);
        let passing = matches!(error, Error::Io { .. } | Error::OutOfMemory { .. });
        let before = self.failed.get(&id).map(|failed| failed.pause);
        let pause = before.map_or(RETRY.0, |pause| (pause * 2).min(RETRY.1));
        let again = passing.then(|| Instant::now() + pause);
        self.failed.insert(id, Failed { again, pause, told: false });
        if before.is_none() || !passing {
            // A full queue already tells the host that something is wrong.
            self.shared.errors.push(error).ok();
            self.shared.told.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Tells the player which segments are lost.
    fn tell_lost(&mut self) {
        for (id, failed) in self.failed.iter_mut().filter(|(_, f)| f.again.is_none() && !f.told) {
            failed.told = self.shared.messages.push(Message::Lost(*id)).is_ok();
        }
    }

    /// Hands a message to the player; `false` when the queue is full.
    fn send(&self, message: Message) -> bool {
        self.shared.messages.push(message).is_ok()
    }
}
