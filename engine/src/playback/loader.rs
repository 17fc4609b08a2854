//! The loader: one thread that has decoded what [`super::schedule`] asks for and hands it to the player.
//!
//! It and the player share no lock. The player leaves its newest course in a mailbox of one and wakes the thread; the
//! loader puts what was decoded, and what it takes back, into a bounded queue. It keeps a reference to every segment and
//! clip until nobody else has one, so memory is freed on this thread and never on the host's frame path. Reading and
//! decoding happen in [`super::decoders`], so that this thread itself never waits for a disk.
//!
//! Each segment is loaded at a level of detail: the finest that the budget allows ([`super::needs`]) and for which there is
//! time ([`super::pressure`]); what is live and missing at the coarsest first, then again in full. The player keeps the
//! newest of each, so that the one before it is let go.
//!
//! A read that fails is told once and tried again, after 10 ms and then at doubling pauses up to 80 ms, so that playback
//! resumes within 0.1 s of the fault's end. Of a damaged segment the finest level whose pages are whole is shown, if any is;
//! that is told once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam::queue::ArrayQueue;

use super::budget::Share;
use super::decoders::{DECODERS, Decoders};
use super::needs::{Needs, finest, lod_of, shared_bytes};
use super::pressure::{Ahead, Missing, Pressure};
use super::schedule::{Course, Id, MAX_RESIDENT, Wanted, bytes_of, wanted};
use crate::clip::{Clip, Node};
use crate::error::{Error, Result};
use crate::frame::{FULL_LOD, LODS, SegmentData};

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
/// What can be decoded in so many seconds is not shown coarser first: a frame at most.
const AT_ONCE: f64 = 0.008;
/// Nanoseconds of media time that a live segment may stay coarse while what comes is loaded.
const COARSE_NANOS: i64 = 250_000_000;

/// What the loader tells the player.
#[derive(Debug)]
pub(super) enum Message {
    /// A segment is there.
    Loaded(Arc<SegmentData>),
    /// Let go of a segment.
    Evict(Id),
    /// A segment is damaged and will never be there.
    Lost(Id),
    /// A segment is damaged and will never be there beyond this level of detail.
    Cut(Id, u8),
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
    /// The level of detail that the budget is enough for.
    pub(super) playable: AtomicU8,
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
            playable: AtomicU8::new(FULL_LOD),
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
    lod: u8,
    data: Arc<SegmentData>,
    bytes: u64,
    /// The player was told to let it go, or has another level of it; freed when nobody else has it.
    evicted: bool,
}

/// A segment in the hands of a decoder.
struct Begun {
    id: Id,
    /// Taken from the budget.
    bytes: u64,
    /// To decode.
    work: u64,
}

/// Something to load.
struct Task {
    /// Nanoseconds of media time by which it should be there.
    urgency: i64,
    id: Id,
    lod: u8,
    live: bool,
    /// Takes the place of a finer copy that no longer fits the budget.
    shrinks: bool,
}

/// A segment that could not be read.
struct Failed {
    /// When to try again; never for damage.
    again: Option<Instant>,
    pause: Duration,
}

/// A damaged segment.
struct Damaged {
    /// The finest level of detail that is whole; none for one that is lost.
    best: Option<u8>,
    /// Whether the player knows.
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
    /// Clips whose palettes and rigs count against the budget, with their bytes.
    palettes: Vec<(u64, u64)>,
    decoders: Decoders,
    in_flight: Vec<Begun>,
    held: Vec<Held>,
    failed: BTreeMap<Id, Failed>,
    damaged: BTreeMap<Id, Damaged>,
    /// What the clips of the programme need.
    needs: Vec<Needs>,
    /// The level of detail that the budget is enough for, and the one at which to load.
    base: u8,
    target: u8,
    pressure: Pressure,
    begun: Instant,
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
            needs: vec![Needs::of(&clip)],
            programme: VecDeque::from([(course.entry, clip)]),
            retired: Vec::new(),
            palettes: Vec::new(),
            decoders,
            in_flight: Vec::with_capacity(DECODERS),
            held: Vec::new(),
            failed: BTreeMap::new(),
            damaged: BTreeMap::new(),
            base: FULL_LOD,
            target: FULL_LOD,
            pressure: Pressure::new(),
            begun: Instant::now(),
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
            let at = self.in_flight.iter().position(|begun| begun.id == done.id);
            let begun = at.map(|at| self.in_flight.swap_remove(at));
            let (bytes, work) = begun.map_or((0, 0), |begun| (begun.bytes, begun.work));
            self.pressure.note(work, done.took.as_secs_f64());
            match done.data {
                Ok(data) => self.publish(done.id, data, bytes),
                Err(error) => self.fail(done.id, done.lod, bytes, error),
            }
        }
        self.free();
        let entitled = self.shared.share.entitled();
        self.base = finest(&self.needs, entitled);
        self.shared.playable.store(self.base, Ordering::Relaxed);
        let entitled = entitled.saturating_sub(self.count_palettes());
        let clips = self.programme.iter().map(|(_, clip)| clip);
        let room = entitled.saturating_sub(self.first_look_bytes());
        let wanted = wanted(clips, &self.course, self.target.min(self.base), room);
        let ahead = self.ahead(&wanted);
        self.target = self.pressure.level(self.begun.elapsed().as_secs_f64(), self.base, &ahead);
        self.shrink_to(entitled, &wanted);
        self.tell_damage();
        let now = Instant::now();
        let mut pause = IDLE;
        let mut tasks = Vec::new();
        for (at, wanted) in wanted.iter().enumerate() {
            if self.in_flight.iter().any(|begun| begun.id == wanted.id) {
                continue;
            }
            if let Some(again) = self.failed.get(&wanted.id).and_then(|failed| failed.again)
                && again > now
            {
                pause = pause.min(again - now);
                continue;
            }
            tasks.extend(self.task(wanted, at < self.live_len()));
        }
        tasks.sort_by_key(|task| (!task.live || task.urgency > 0, task.urgency));
        for task in &tasks {
            match self.begin(task, &wanted) {
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

    /// What the coarse copies of live segments take beside the finer ones that are to replace them. Without this room what
    /// comes next and what shows would push each other out.
    fn first_look_bytes(&self) -> u64 {
        let Some((_, clip)) = self.programme.front() else { return 0 };
        let goal = self.target.min(self.base);
        let live = clip.live_nodes(self.course.tick);
        let held = live.iter().map(|&node| (node, self.held_lod((clip.id(), node)).unwrap_or(0)));
        held.filter(|(_, lod)| *lod < goal).map(|(node, lod)| bytes_of(clip, node, lod)).sum()
    }

    /// How many of what is wanted shows now.
    fn live_len(&self) -> usize {
        self.programme.front().map_or(0, |(_, clip)| clip.live_nodes(self.course.tick).len())
    }

    fn node(&self, id: Id) -> Option<&Node> {
        let clip = self.programme.iter().map(|(_, clip)| clip).find(|clip| clip.id() == id.0)?;
        clip.nodes().get(id.1 as usize)
    }

    /// The level of detail in which the player has a segment.
    fn held_lod(&self, id: Id) -> Option<u8> {
        self.held.iter().find(|held| held.id == id && !held.evicted).map(|held| held.lod)
    }

    /// What there is to do for a wanted segment, if anything.
    fn task(&self, wanted: &Wanted, live: bool) -> Option<Task> {
        let (id, node) = (wanted.id, self.node(wanted.id)?);
        let cap = match self.damaged.get(&id) {
            Some(damaged) => damaged.best?,
            None => FULL_LOD,
        };
        let goal = lod_of(node, self.target).min(cap);
        let task = |urgency, lod, shrinks| Some(Task { urgency, id, lod, live, shrinks });
        let Some(held) = self.held_lod(id) else {
            let fast = self.pressure.seconds_for(node.lod_work(goal)).is_some_and(|took| took <= AT_ONCE);
            let lod = if live && !fast { lod_of(node, 0).min(goal) } else { goal };
            return task(wanted.distance, lod, false);
        };
        if held > lod_of(node, self.base) {
            return if live { task(0, goal, true) } else { None };
        }
        if held >= goal {
            return None;
        }
        if !live {
            return task(wanted.distance.saturating_add(i64::MAX / 2), goal, false);
        }
        // While media time runs, what comes next goes before what shows.
        task(if self.course.speed > 0.0 { COARSE_NANOS } else { 1 }, goal, false)
    }

    /// What lies ahead, for the control loop.
    fn ahead(&self, wanted: &[Wanted]) -> Ahead {
        let speed = self.course.speed;
        let mut out = Ahead {
            running: speed > 0.0,
            begun: self.in_flight.iter().map(|begun| begun.work).sum(),
            ..Ahead::default()
        };
        for wanted in wanted.iter().skip(self.live_len()).filter(|wanted| wanted.distance < i64::MAX) {
            let Some(node) = self.node(wanted.id) else { continue };
            let work: [u64; LODS] =
                std::array::from_fn(|lod| node.lod_work(u8::try_from(lod).unwrap_or(FULL_LOD)));
            out.flow.iter_mut().zip(work).for_each(|(flow, work)| *flow += work);
            let here = self.held_lod(wanted.id).is_some() || self.damaged.contains_key(&wanted.id);
            if speed > 0.0 && !here && !self.in_flight.iter().any(|begun| begun.id == wanted.id) {
                out.missing.push(Missing { deadline: wanted.distance as f64 * 1e-9 / speed, work });
            }
        }
        out
    }

    /// Takes the newest course and the clips that follow.
    fn listen(&mut self) {
        let Some(course) = self.shared.courses.pop() else { return };
        self.course = course;
        // Whoever reads a course finds the clips that it speaks of: they were handed over before.
        let mut changed = false;
        while let Some(entry) = self.shared.clips.pop() {
            self.programme.push_back(entry);
            changed = true;
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
            let plays = |id: &Id| self.programme.iter().any(|(_, clip)| clip.id() == id.0);
            self.failed.retain(|id, _| plays(id));
            self.damaged.retain(|id, _| plays(id));
            changed = true;
        }
        if changed {
            self.needs = self.programme.iter().map(|(_, clip)| Needs::of(clip)).collect();
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
            let (id, bytes) = (clip.id(), shared_bytes(clip));
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
    fn begin(&mut self, task: &Task, wanted: &[Wanted]) -> Step {
        let id = task.id;
        // One that was taken back but is still in use need not be read again.
        let most = self.node(id).map_or(FULL_LOD, |node| lod_of(node, self.base));
        let kept = |held: &Held| held.id == id && held.evicted && (task.lod..=most).contains(&held.lod);
        if let Some(at) = self.held.iter().position(kept) {
            if !self.send(Message::Loaded(self.held[at].data.clone())) {
                return Step::Blocked;
            }
            self.supersede(id);
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
        let bytes = bytes_of(&clip, id.1, task.lod);
        let work = self.node(id).map_or(0, |node| node.lod_work(task.lod));
        // Only this thread fills the queue, so room in it now is room for the messages after decoding.
        if self.shared.messages.len() + self.in_flight.len() >= QUEUE_LEN / 2
            || !(task.shrinks && self.shared.share.take_to_shrink(bytes)
                || self.make_room(bytes, wanted, task.live))
        {
            return Step::Blocked;
        }
        if !self.decoders.begin(&clip, id.1, task.lod) {
            self.shared.share.give(bytes);
            return Step::Busy;
        }
        self.in_flight.push(Begun { id, bytes, work });
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
    fn make_room(&mut self, bytes: u64, wanted: &[Wanted], live: bool) -> bool {
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
    fn victim(&self, wanted: &[Wanted], live: bool) -> Option<usize> {
        // `held` is in the order of loading.
        let mut here = self.held.iter().enumerate().filter(|(_, held)| !held.evicted);
        let is_wanted = |id: Id| wanted.iter().any(|wanted| wanted.id == id);
        let soon = wanted.get(self.live_len()..).unwrap_or_default();
        let place = |id: Id| self.held.iter().position(|held| held.id == id && !held.evicted);
        let unwanted = here.find(|(_, held)| !is_wanted(held.id)).map(|(at, _)| at);
        let later = || soon.iter().rev().find_map(|wanted| place(wanted.id));
        let too_fine = || {
            let held = soon.iter().rev().filter_map(|wanted| place(wanted.id));
            let above =
                |held: &Held| self.node(held.id).is_some_and(|node| held.lod > lod_of(node, self.base));
            held.into_iter().find(|&at| above(&self.held[at]))
        };
        unwanted.or_else(too_fine).or_else(|| if live { later() } else { None })
    }

    fn evict(&mut self, at: usize) -> bool {
        let sent = self.send(Message::Evict(self.held[at].id));
        self.held[at].evicted |= sent;
        sent
    }

    /// Lets go of what no longer fits this player's part of the budget, after another joined: what is wanted fits it.
    fn shrink_to(&mut self, entitled: u64, wanted: &[Wanted]) {
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
        if sent {
            self.supersede(id);
        }
        self.held.push(Held { id, lod: data.lod, data, bytes, evicted: !sent });
    }

    /// The player has another level of a segment now.
    fn supersede(&mut self, id: Id) {
        self.held.iter_mut().filter(|held| held.id == id).for_each(|held| held.evicted = true);
    }

    fn fail(&mut self, id: Id, lod: u8, bytes: u64, error: Error) {
        self.shared.share.give(bytes);
        self.shared.failed_reads.fetch_add(1, Ordering::Relaxed);
        let passing = matches!(error, Error::Io { .. } | Error::OutOfMemory { .. });
        let before = self.failed.get(&id).map(|failed| failed.pause);
        let pause = before.map_or(RETRY.0, |pause| (pause * 2).min(RETRY.1));
        let again = passing.then(|| Instant::now() + pause);
        self.failed.insert(id, Failed { again, pause });
        if !passing {
            // The damage may lie in a page that coarser levels do without.
            let fewer = |node: &Node| (0..lod).rev().find(|&less| node.lod_work(less) < node.lod_work(lod));
            let best = self.node(id).and_then(fewer);
            self.damaged.insert(id, Damaged { best, told: false });
        }
        if before.is_none() || !passing {
            // A full queue already tells the host that something is wrong.
            self.shared.errors.push(error).ok();
            self.shared.told.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Tells the player which segments are damaged.
    fn tell_damage(&mut self) {
        for (id, damaged) in self.damaged.iter_mut().filter(|(_, damaged)| !damaged.told) {
            let message = damaged.best.map_or(Message::Lost(*id), |best| Message::Cut(*id, best));
            damaged.told = self.shared.messages.push(message).is_ok();
        }
    }

    /// Hands a message to the player; `false` when the queue is full.
    fn send(&self, message: Message) -> bool {
        self.shared.messages.push(message).is_ok()
    }
}
