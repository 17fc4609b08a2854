//! The line between a player and the reader of its sound: clocks one way, what was handed out the other.
//!
//! Both ends hold one place each way, and only the latest counts, so that neither ever waits for the other. A clock is
//! sent with the number of the player's last *edit*: a seek, a rate, a pause, anything but the player's own leaning
//! towards the sound. A reader that leads jumps for a new edit only; the player believes only what was handed out
//! under its last.

use std::sync::Arc;

use crossbeam::queue::ArrayQueue;

use super::clock::Clock;

/// A clock and the number of the edit that made it.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) clock: Clock,
    pub(super) edit: u64,
    /// Whether the player follows the reader that hears this.
    pub(super) leads: bool,
}

/// What is heard when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    pub(super) host_nanos: i64,
    pub(super) media_nanos: i64,
    pub(super) edit: u64,
}

/// The two places.
#[derive(Debug, Clone)]
pub(super) struct Line {
    told: Arc<ArrayQueue<Told>>,
    heard: Arc<ArrayQueue<Heard>>,
}

impl Line {
    pub(super) fn new() -> Self {
        Self { told: Arc::new(ArrayQueue::new(1)), heard: Arc::new(ArrayQueue::new(1)) }
    }

    /// The reader's end: the latest clock, if a new one was sent.
    pub(super) fn latest(&self) -> Option<Told> {
        self.told.pop()
    }

    /// The reader's end: says what it hands out.
    pub(super) fn say(&self, heard: Heard) {
        self.heard.force_push(heard);
    }
}

/// The player's end.
#[derive(Debug)]
pub(super) struct ClockFeed {
    line: Line,
    last: Option<Clock>,
    leads: bool,
}

impl ClockFeed {
    pub(super) fn new(line: Line, leads: bool) -> Self {
        Self { line, last: None, leads }
    }

    /// Tells the reader of a clock that was changed. Does not block or allocate.
    pub(super) fn publish(&mut self, clock: &Clock, edit: u64) {
        if !self.last.as_ref().is_some_and(|last| last.agrees(clock)) {
            self.last = Some(clock.clone());
            self.line.told.force_push(Told { clock: clock.clone(), edit, leads: self.leads });
        }
    }

    /// What the reader handed out last, if it leads and that is news.
    pub(super) fn heard(&self) -> Option<Heard> {
        self.line.heard.pop().filter(|_| self.leads)
    }

    /// Lets another reader lead.
    pub(super) fn step_back(&mut self) {
        if std::mem::take(&mut self.leads) {
            self.last = None;
        }
    }

    pub(super) fn is_heard(&self) -> bool {
        Arc::strong_count(&self.line.told) > 1
    }
}
