//! Following an external clock: the host or its audio says now and then what its media time is and how fast it runs.
//!
//! Such reports jitter, so they are not taken at their word. The clock compares where it is with where the report says
//! it should be, and leans its rate to make up the difference within a quarter of a second: a first-order low-pass, in
//! which a jitter of 5 ms at 50 reports a second leaves 1 ms, and a drift of 0.1 % a lag of 0.25 ms. The lean is at most
//! an eighth of the rate, so the sign of the rate, and with it the order of pictures, stays. A difference beyond any
//! jitter is a jump of the external clock and is followed at once.
//!
//! Sound that leads reports in the same way, but the host still steers: only the lean is taken from it.

use super::{Clock, LoopMode, ONE, rate_units};
use crate::error::Result;

/// Differences beyond this are jumps: more than audio and display ever disagree by, less than anyone would seek.
const JUMP_NANOS: i128 = 100_000_000;
/// How long a difference is made up in.
const SMOOTH_NANOS: i64 = 250_000_000;
/// The largest part of the rate by which it leans.
const LEAN: i128 = 8;

impl Clock {
    /// Takes a report: at `host_nanos` the media time is `media_nanos`, running at `rate`. Runs from then on. Gives
    /// whether it had to jump.
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`] for a rate outside −4 to 4.
    pub fn follow(&mut self, host_nanos: i64, media_nanos: i64, rate: f64) -> Result<bool> {
        let units = rate_units(rate)?;
        // Compared where the host last looked: what it saw stays true, whenever the report was made.
        let now = if self.external { self.last_host } else { host_nanos };
        let standing = !self.playing;
        self.rebase(now);
        let back = self.turned(now);
        let reported = self.reported(now, host_nanos, media_nanos, units);
        let error = self.difference(reported);
        let jump = standing || !self.external || error.abs() > JUMP_NANOS * ONE;
        let direction = if back { -1 } else { 1 };
        if jump {
            let media = (reported + self.start).div_euclid(ONE);
            self.seek(now, i64::try_from(media).unwrap_or(if media < 0 { i64::MIN } else { i64::MAX }));
            self.rate = units;
        } else if units == 0 {
            // Standing, there is no time to catch up in: steps on if it is behind, stays if it is ahead.
            if error * direction * self.rate.signum() > 0 {
                self.anchor += error * direction;
            }
            self.rate = 0;
            self.slew = 0;
        } else {
            self.rate = direction * units;
            self.lean(now, direction * error);
        }
        self.playing = true;
        self.external = true;
        Ok(jump)
    }

    /// Leans towards sound of which `media_nanos` is heard at `host_nanos`, as far as it runs forwards. Neither jumps nor
    /// changes what the host has set.
    pub(in crate::playback) fn lean_to(&mut self, host_nanos: i64, media_nanos: i64) {
        let now = self.last_host;
        if !self.playing || self.rate == 0 || !self.runs_forward(now) || self.has_ended(now) {
            return;
        }
        self.rebase(now);
        let reported = self.reported(now, host_nanos, media_nanos, self.rate.abs());
        self.lean(now, self.difference(reported) * self.rate.signum());
    }

    /// Where a report puts `now`, counted from where what plays starts.
    fn reported(&self, now: i64, host_nanos: i64, media_nanos: i64, units: i128) -> i128 {
        let since = i128::from(now) - i128::from(host_nanos);
        (i128::from(media_nanos) * ONE).saturating_add(since.saturating_mul(units)) - self.start
    }

    /// Makes up a difference of the unfolded position from `now` on.
    fn lean(&mut self, now: i64, error: i128) {
        let most = self.rate.abs() / LEAN;
        self.slew = (error / i128::from(SMOOTH_NANOS)).clamp(-most, most);
        self.slew_until = now.saturating_add(SMOOTH_NANOS);
    }

    /// Goes on by itself from here, at the rate last reported.
    pub fn unfollow(&mut self, host_nanos: i64) {
        self.rebase(host_nanos);
        self.slew = 0;
        self.external = false;
    }

    /// Whether it follows an external clock.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.external
    }

    /// How far the position is behind a reported one; in a loop the short way round.
    fn difference(&self, reported: i128) -> i128 {
        let shown = self.fold(self.anchor);
        let error = self.fold_report(reported) - shown;
        if self.mode == LoopMode::Loop && self.length > 0 {
            let half = self.length / 2;
            return (error + half).rem_euclid(self.length) - half;
        }
        error
    }

    /// A report a little past an end, by its own or our extrapolation, is at the end, or behind the other.
    fn fold_report(&self, reported: i128) -> i128 {
        match self.mode {
            LoopMode::Loop if self.length > 0 => reported.rem_euclid(self.length),
            _ => reported.clamp(0, self.length),
        }
    }
}
