//! The loader: one thread that decodes what [`super::schedule`] asks for and hands it to the player.
//!
//! It and the player share no lock. The player writes where it is into atomics and wakes the thread; the loader puts
//! what it decoded, and what it takes back, into a bounded queue. The loader keeps a reference to every segment until
//! nobody else has one, so memory is freed on this thread and never on the host's frame path.
//!
//! A read that fails is told once and tried again four times a second; a damaged segment is told once and left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam::queue::ArrayQueue;

use super::clock::LoopMode;
use super::schedule::{Course, MAX_RESIDENT, wanted};
use crate::clip::Clip;
use crate::codec::Decoder;
use crate::error::Error;
use crate::frame::SegmentData;

/// Messages that can wait for the player; it takes all of them every frame.
const QUEUE_LEN: usize = 256;
/// Errors that can wait for the host; more are dropped, the first ones tell.
const ERRORS_LEN: usize = 16;
/// How long the thread sleeps when there is nothing to do and nobody wakes it.
const IDLE: Duration = Duration::from_millis(100);
/// How long it waits for the player to take something or let something go.
const SHORT: Duration = Duration::from_millis(4);
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// What the loader tells the player.
#[derive(Debug)]
pub(super) enum Message {
    /// A segment is there.
    Loaded(u32, Arc<SegmentData>),
    /// Let go of a segment.
    Evict(u32),
}

/// What the player and the loader share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) tick: AtomicI64,
    pub(super) forward: AtomicBool,
    mode: AtomicU8,
    /// Ticks to look ahead.
    pub(super) horizon: AtomicI64,
    pub(super) stop: AtomicBool,
    pub(super) messages: ArrayQueue<Message>,
    pub(super) errors: ArrayQueue<Error>,
    /// Decoded bytes held, for the statistics.
    pub(super) held_bytes: AtomicU64,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            tick: AtomicI64::new(0),
            forward: AtomicBool::new(true),
            mode: AtomicU8::new(0),
            horizon: AtomicI64::new(0),
            stop: AtomicBool::new(false),
            messages: ArrayQueue::new(QUEUE_LEN),
            errors: ArrayQueue::new(ERRORS_LEN),
            held_bytes: AtomicU64::new(0),
        }
    }

    pub(super) fn set_mode(&self, mode: LoopMode) {
        let number = match mode {
            LoopMode::Once => 0,
            LoopMode::Loop => 1,
            LoopMode::PingPong => 2,
        };
        self.mode.store(number, Ordering::Relaxed);
    }

    fn course(&self, budget_bytes: u64) -> Course {
        let mode = match self.mode.load(Ordering::Relaxed) {
            0 => LoopMode::Once,
            1 => LoopMode::Loop,
            _ => LoopMode::PingPong,
        };
        Course {
            tick: self.tick.load(Ordering::Relaxed),
            forward: self.forward.load(Ordering::Relaxed),
            mode,
            horizon: self.horizon.load(Ordering::Relaxed),
            budget_bytes,
        }
    }
}

/// A segment in memory.
struct Held {
    node: u32,
    data: Arc<SegmentData>,
    bytes: u64,
    /// The player was told to let it go; freed when nobody else has it.
    evicted: bool,
}

/// A segment that could not be read.
struct Failed {
    node: u32,
    /// When to try again; never for damage.
    again: Option<Instant>,
}

/// The thread's state.
pub(super) struct Loader {
    clip: Arc<Clip>,
    shared: Arc<Shared>,
    budget_bytes: u64,
    decoder: Decoder,
    held: Vec<Held>,
    failed: Vec<Failed>,
}

/// What the thread did in one round.
enum Round {
    Worked,
    Idle,
    /// Waiting for the player to let something go.
    Blocked,
}

impl Loader {
    pub(super) fn new(clip: Arc<Clip>, shared: Arc<Shared>, budget_bytes: u64) -> crate::error::Result<Self> {
        let decoder = Decoder::new()?;
        Ok(Self { clip, shared, budget_bytes, decoder, held: Vec::new(), failed: Vec::new() })
    }

    /// Runs until the player says stop.
    pub(super) fn run(mut self) {
        while !self.shared.stop.load(Ordering::Acquire) {
            match self.round() {
                Round::Worked => {}
                Round::Idle => std::thread::park_timeout(IDLE),
                Round::Blocked => std::thread::park_timeout(SHORT),
            }
        }
    }

    /// Loads the most urgent segment that is missing.
    fn round(&mut self) -> Round {
        self.free();
        let wanted = wanted(&self.clip, &self.shared.course(self.budget_bytes));
        let live = self.clip.live_nodes(self.shared.tick.load(Ordering::Relaxed)).len();
        let now = Instant::now();
        let missing = wanted.iter().enumerate().find(|(_, node)| {
            let here = self.held.iter().any(|held| held.node == **node && !held.evicted);
            let hopeless =
                self.failed.iter().any(|f| f.node == **node && f.again.is_none_or(|again| again > now));
            !here && !hopeless
        });
        let Some((urgency, &node)) = missing else { return Round::Idle };
        // One that was taken back but is still in use need not be read again.
        if let Some(at) = self.held.iter().position(|held| held.node == node) {
            let data = self.held[at].data.clone();
            if !self.send(Message::Loaded(node, data)) {
                return Round::Blocked;
            }
            self.held[at].evicted = false;
            return Round::Worked;
        }
        // Only this thread fills the queue, so room in it now is room for the message after decoding.
        if !self.make_room(node, &wanted, urgency < live) || self.shared.messages.is_full() {
            return Round::Blocked;
        }
        match self.decoder.decode(&self.clip, node) {
            Ok(data) => self.publish(node, data),
            Err(error) => self.fail(node, error),
        }
        Round::Worked
    }

    fn bytes_of(&self, node: u32) -> u64 {
        self.clip.nodes().get(node as usize).map_or(0, crate::clip::Node::raw_bytes)
    }

    /// Frees what the player has let go.
    fn free(&mut self) {
        self.held.retain(|held| !held.evicted || Arc::strong_count(&held.data) > 1);
        let bytes = self.held.iter().map(|held| held.bytes).sum();
        self.shared.held_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Takes back what is not wanted until `node` fits the budget. What shows now is loaded even if it does not fit,
    /// once the player has let go of everything it was asked to: what is left is the picture being held, or kept by
    /// the host, and waiting for that could be waiting for ourselves.
    fn make_room(&mut self, node: u32, wanted: &[u32], live: bool) -> bool {
        let needed = self.bytes_of(node);
        loop {
            let kept: u64 = self.held.iter().filter(|held| !held.evicted).map(|held| held.bytes).sum();
            let count = self.held.iter().filter(|held| !held.evicted).count();
            if kept.saturating_add(needed) <= self.budget_bytes && count < MAX_RESIDENT {
                break;
            }
            // The oldest first: `held` is in the order of loading.
            let victim = self.held.iter().position(|held| !held.evicted && !wanted.contains(&held.node));
            let Some(at) = victim else { break };
            if !self.send(Message::Evict(self.held[at].node)) {
                return false;
            }
            self.held[at].evicted = true;
        }
        self.free();
        let all: u64 = self.held.iter().map(|held| held.bytes).sum();
        all.saturating_add(needed) <= self.budget_bytes || (live && self.shared.messages.is_empty())
    }

    fn publish(&mut self, node: u32, data: SegmentData) {
        self.failed.retain(|failed| failed.node != node);
        let data = Arc::new(data);
        let bytes = self.bytes_of(node);
        let sent = self.send(Message::Loaded(node, data.clone()));
        self.held.push(Held { node, data, bytes, evicted: !sent });
        let bytes = self.held.iter().map(|held| held.bytes).sum();
        self.shared.held_bytes.store(bytes, Ordering::Relaxed);
    }

    fn fail(&mut self, node: u32, error: Error) {
        let again = matches!(error, Error::Io { .. } | Error::OutOfMemory { .. })
            .then(|| Instant::now() + RETRY_AFTER);
        match self.failed.iter_mut().find(|failed| failed.node == node) {
            Some(failed) => failed.again = again,
            None => {
                self.failed.push(Failed { node, again });
                // A full queue already tells the host that something is wrong.
                self.shared.errors.push(error).ok();
            }
        }
    }

    /// Hands a message to the player; `false` when the queue is full.
    fn send(&self, message: Message) -> bool {
        self.shared.messages.push(message).is_ok()
    }
}
