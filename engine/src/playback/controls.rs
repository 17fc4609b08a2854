//! The player's controls: transport, ranges, the queue, an external clock. None of it is the frame path, but none of it
//! waits for the loader either.

use std::sync::Arc;

use super::clock::LoopMode;
use super::needs::{self, Needs};
use super::player::Player;
use crate::clip::Clip;
use crate::error::{Error, Result};
use crate::frame::FULL_LOD;

/// Clips that can wait in the queue.
pub const MAX_QUEUED: usize = 16;

/// What to show until a seek's picture is in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SeekMode {
    /// The picture before.
    #[default]
    Exact,
    /// At once the moment nearest to the target that is in memory, then nearer ones as they come: for scrubbing.
    Nearest,
}

impl Player {
    /// The least budget with which a clip can be opened: the decoded bytes of its fullest moment at the coarsest level of
    /// detail, and again while that moment is held and the next is loaded, as after a seek; and its palette.
    #[must_use]
    pub fn needed_bytes(clip: &Clip) -> u64 {
        Needs::of(clip).at(0)
    }

    /// The budget from which on a clip is shown in full: two moments, and one more at the coarsest level, which a seek
    /// shows first.
    #[must_use]
    pub fn full_bytes(clip: &Clip) -> u64 {
        Needs::of(clip).at(FULL_LOD)
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

    /// Goes to a media time, clamped to the clip and the range. The picture before shows until that one is there.
    pub fn seek(&mut self, host_nanos: i64, media_nanos: i64) {
        self.seek_with(host_nanos, media_nanos, SeekMode::Exact);
    }

    /// Goes to a media time, clamped to the clip and the range.
    pub fn seek_with(&mut self, host_nanos: i64, media_nanos: i64, mode: SeekMode) {
        self.clock.seek(host_nanos, media_nanos);
        self.seeking = true;
        self.scrubbing = mode == SeekMode::Nearest;
        self.refresh(host_nanos);
        self.wake();
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

    /// Changes what happens at the ends of the clip or the range, from the last host time the player was given. While
    /// clips wait in the queue, [`LoopMode::Once`] lets the next go on where this one ends; the others keep it.
    pub fn set_loop(&mut self, mode: LoopMode) {
        self.clock.set_loop(mode);
        self.tell_sound();
    }

    /// Plays only a range of the clip: media nanoseconds, the second excluded, both taken to the nearest tick; `None` is
    /// the whole clip. With [`LoopMode::Loop`] the phrase repeats without a seam: its frames are exact for ever, and what
    /// shows at the seam stays in memory as long as the budget has room. A time outside is moved to the nearest inside.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a range without a tick of the clip.
    pub fn set_range(&mut self, host_nanos: i64, range_nanos: Option<(i64, i64)>) -> Result<()> {
        let before = self.clock.media_nanos(host_nanos);
        self.clock.set_range(host_nanos, range_nanos)?;
        self.seeking |= self.clock.media_nanos(host_nanos) != before;
        self.refresh(host_nanos);
        self.wake();
        Ok(())
    }

    /// Follows an external clock, for example of the host's audio: at `host_nanos` its media time is `media_nanos`,
    /// running at `rate`. To be called now and then, such as ten times a second; from the first call on, the player runs.
    /// Jitter is smoothed: the player never runs backwards by it. A difference of more than 100 ms is taken for a jump
    /// and followed as a seek. The media time is that of [`Self::clip`].
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a rate outside −4 to 4.
    pub fn set_external_clock(&mut self, host_nanos: i64, media_nanos: i64, rate: f64) -> Result<()> {
        self.seeking |= self.clock.follow(host_nanos, media_nanos, rate)?;
        let now = self.clock.last_host();
        self.refresh(now);
        Ok(())
    }

    /// Goes on by the host's time alone, from here, at the rate last reported.
    pub fn clear_external_clock(&mut self, host_nanos: i64) {
        self.clock.unfollow(host_nanos);
        self.refresh(host_nanos);
    }

    /// Queues a clip behind those that play. It goes on exactly where the one before it ends, to the nanosecond, if that
    /// plays once and forwards; its first segments load beforehand. Ranges do not carry over. Behind an end that has
    /// passed, it starts at the last host time the player was given.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`] when [`MAX_QUEUED`] wait already, or when the budget does not hold a moment of one clip
    /// and of another, with the bytes needed; nothing has changed then.
    pub fn enqueue(&mut self, clip: Arc<Clip>) -> Result<()> {
        let full = |value: usize| Error::LimitExceeded {
            what: format!("{}: clips in the queue", clip.name()),
            value: value as u64,
            limit: MAX_QUEUED as u64,
        };
        if self.queue.len() >= MAX_QUEUED {
            return Err(full(self.queue.len() + 1));
        }
        self.shared.share.set_floor(clip.name(), self.floor_with(Some(&clip)))?;
        if !self.shared.enqueue(self.next_entry, clip.clone()) {
            return Err(full(MAX_QUEUED + 1));
        }
        self.joints.make_room(&clip, &mut self.live);
        self.queue.push_back((self.next_entry, clip));
        self.next_entry += 1;
        self.clock.stay_at_end();
        self.refresh(self.clock.last_host());
        self.wake();
        Ok(())
    }

    /// Takes all clips out of the queue; what plays goes on to its end.
    pub fn clear_queue(&mut self) {
        self.queue.clear();
        self.refresh(self.clock.last_host());
        self.wake();
        // A smaller need always fits.
        self.shared.share.set_floor(self.clip.name(), self.floor_with(None)).ok();
    }

    /// Clips that wait in the queue.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// What the programme needs at the coarsest level, with one more clip.
    fn floor_with(&self, more: Option<&Arc<Clip>>) -> u64 {
        let shown = std::iter::once(self.shown_clip());
        let clips = std::iter::once(&self.clip).chain(self.queue.iter().map(|(_, clip)| clip));
        let needs: Vec<Needs> = clips.chain(more).chain(shown).map(|clip| Needs::of(clip)).collect();
        needs::programme(&needs, 0)
    }
}
