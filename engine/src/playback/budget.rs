//! A budget of decoded bytes, shared by the players that play under it.
//!
//! Each player has a floor: what it needs to show any moment while it still holds the picture before. Floors are set
//! aside when a player opens, which fails if they no longer fit. What is left over is shared out in equal parts; a
//! player that joins makes the parts of the others smaller, and they let go before it can take. Bytes are taken before
//! they are allocated and given back after they are freed, so the sum never exceeds the limit.
//!
//! The lock is taken by loader threads and by opening and closing, never on the frame path.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;

use crate::error::{Error, Result};

/// A limit on decoded bytes that several players keep together. Clones are the same budget.
#[derive(Debug, Clone)]
pub struct Budget {
    shared: Arc<Mutex<Members>>,
}

#[derive(Debug)]
struct Members {
    limit: u64,
    held: u64,
    next: u64,
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    id: u64,
    floor: u64,
    held: u64,
    /// Its loader, to be told when its part changes.
    loader: Option<Thread>,
}

impl Budget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(limit_bytes: u64) -> Self {
        let members = Members { limit: limit_bytes, held: 0, next: 0, members: Vec::new() };
        Self { shared: Arc::new(Mutex::new(members)) }
    }

    /// The limit.
    #[must_use]
    pub fn limit_bytes(&self) -> u64 {
        self.lock().limit
    }

    /// What all players hold together; never more than the limit.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.lock().held
    }

    /// What is set aside for the players that are open.
    #[must_use]
    pub fn reserved_bytes(&self) -> u64 {
        self.lock().floors()
    }

    fn lock(&self) -> MutexGuard<'_, Members> {
        // Every change is one assignment after the checks, so a panic elsewhere leaves it whole.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins with a floor.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`] when the floors of all do not fit, with what they need.
    pub(super) fn join(&self, name: &str, floor: u64) -> Result<Share> {
        let mut all = self.lock();
        all.check(name, all.floors().saturating_add(floor))?;
        let id = all.next;
        all.next += 1;
        all.members.push(Member { id, floor, held: 0, loader: None });
        all.wake();
        Ok(Share { budget: self.clone(), id, held: AtomicU64::new(0) })
    }
}

impl Members {
    fn floors(&self) -> u64 {
        self.members.iter().fold(0, |sum, member| sum.saturating_add(member.floor))
    }

    fn check(&self, name: &str, needed: u64) -> Result<()> {
        if needed <= self.limit {
            return Ok(());
        }
        Err(Error::LimitExceeded {
            what: format!("{name}: decoded bytes needed in the budget (raise budget_bytes)"),
            value: needed,
            limit: self.limit,
        })
    }

    fn wake(&self) {
        for loader in self.members.iter().filter_map(|member| member.loader.as_ref()) {
            loader.unpark();
        }
    }

    /// What has to stay free so that the other members that hold more than their part, since it became smaller, can load
    /// coarser copies and come down to it. There is so much: what each held fitted its part before, with a moment at the
    /// coarsest level to spare.
    fn way_out(&self, id: u64) -> u64 {
        let over =
            self.members.iter().filter(|member| member.id != id && member.held > self.entitled(member.id));
        over.fold(0, |sum, member| sum.saturating_add(member.floor))
    }

    /// What a member may hold: its floor and an equal part of what is left over.
    fn entitled(&self, id: u64) -> u64 {
        let spare = self.limit.saturating_sub(self.floors());
        let part = spare / (self.members.len().max(1) as u64);
        let floor = self.members.iter().find(|member| member.id == id).map_or(0, |member| member.floor);
        floor.saturating_add(part)
    }
}

/// One player's part of a budget; given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Budget,
    id: u64,
    /// What this player holds, for the statistics.
    held: AtomicU64,
}

impl Share {
    /// Changes the floor.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`] when the floors of all would not fit; nothing has changed then.
    pub(super) fn set_floor(&self, name: &str, floor: u64) -> Result<()> {
        let mut all = self.budget.lock();
        let others: u64 =
            all.members.iter().filter(|member| member.id != self.id).map(|member| member.floor).sum();
        all.check(name, others.saturating_add(floor))?;
        if let Some(member) = all.members.iter_mut().find(|member| member.id == self.id) {
            member.floor = floor;
        }
        all.wake();
        Ok(())
    }

    /// Says which thread to wake when the part changes.
    pub(super) fn set_loader(&self, thread: Thread) {
        let mut all = self.budget.lock();
        if let Some(member) = all.members.iter_mut().find(|member| member.id == self.id) {
            member.loader = Some(thread);
        }
    }

    /// What this player may hold.
    pub(super) fn entitled(&self) -> u64 {
        self.budget.lock().entitled(self.id)
    }

    /// What it holds.
    pub(super) fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// Takes bytes if they fit this player's part and what is free.
    pub(super) fn take(&self, bytes: u64) -> bool {
        self.take_some(bytes, false)
    }

    /// Takes bytes for a coarser copy of what is held, by which a player comes down to its part.
    pub(super) fn take_to_shrink(&self, bytes: u64) -> bool {
        self.take_some(bytes, true)
    }

    fn take_some(&self, bytes: u64, to_shrink: bool) -> bool {
        let mut all = self.budget.lock();
        let entitled = if to_shrink { u64::MAX } else { all.entitled(self.id) };
        let limit = if to_shrink { all.limit } else { all.limit.saturating_sub(all.way_out(self.id)) };
        let sum = all.held.saturating_add(bytes);
        let Some(member) = all.members.iter_mut().find(|member| member.id == self.id) else { return false };
        let own = member.held.saturating_add(bytes);
        if own > entitled || sum > limit {
            return false;
        }
        member.held = own;
        all.held = sum;
        self.held.store(own, Ordering::Relaxed);
        true
    }

    /// Gives bytes back.
    pub(super) fn give(&self, bytes: u64) {
        let mut all = self.budget.lock();
        all.held = all.held.saturating_sub(bytes);
        if let Some(member) = all.members.iter_mut().find(|member| member.id == self.id) {
            member.held = member.held.saturating_sub(bytes);
            self.held.store(member.held, Ordering::Relaxed);
        }
        if all.members.len() > 1 {
            all.wake();
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut all = self.budget.lock();
        if let Some(at) = all.members.iter().position(|member| member.id == self.id) {
            let gone = all.members.swap_remove(at);
            all.held = all.held.saturating_sub(gone.held);
        }
        all.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_are_kept_and_the_rest_is_shared_out() {
        let budget = Budget::new(100);
        let first = budget.join("first", 20).unwrap();
        assert_eq!(first.entitled(), 100);
        assert!(first.take(90) && !first.take(11));
        let second = budget.join("second", 40).unwrap();
        assert_eq!((first.entitled(), second.entitled()), (40, 60));
        assert!(!second.take(1), "the first has not let go yet, and needs what is free to do so");
        assert!(first.take_to_shrink(10) && !first.take_to_shrink(1), "up to the limit");
        first.give(60);
        assert!(second.take(40) && !first.take(1), "no more than its part");
        assert_eq!((budget.held_bytes(), budget.reserved_bytes()), (80, 60));
        let refused = budget.join("third", 41);
        assert!(matches!(refused, Err(Error::LimitExceeded { value: 101, limit: 100, .. })), "{refused:?}");
        assert!(second.set_floor("second", 81).is_err());
        drop(first);
        assert_eq!(budget.held_bytes(), 40);
        second.set_floor("second", 81).unwrap();
        assert_eq!(second.entitled(), 100);
    }
}
