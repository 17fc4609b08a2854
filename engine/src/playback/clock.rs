//! The clock: host time → media time, by integers alone.
//!
//! Positions are i128 in units of 2⁻⁶⁰ ns, rates are such units a nanosecond. A rate of 2⁻⁸ or more that an f64 can
//! hold is exact in them, and so is every product and sum here, so an hour of rate changes ends where arithmetic says
//! and not where rounding drifted. The position runs *unfolded*, past the ends of what plays; looping is a fold applied
//! when it is asked for: clamp, remainder, or reflection. What plays is the clip, or a range of it whose ends stand on
//! whole ticks, so that a looped phrase keeps its frames for ever.
//!
//! `follow.rs` makes it follow another clock.

mod follow;

use crate::error::{Error, Result};
use crate::splat::ClipInfo;
use crate::time::TickRate;

/// What happens at the ends of what plays: the clip, or a range of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoopMode {
    /// Playback stops there.
    #[default]
    Once,
    /// It goes on from the other end.
    Loop,
    /// It turns round.
    PingPong,
}

/// Fastest playback in either direction.
pub const MAX_RATE: f64 = 4.0;

/// Bits below the nanosecond.
const FRACTION: u32 = 60;
const ONE: i128 = 1 << FRACTION;

/// The clock of one player. All host times are nanoseconds of any clock that the host keeps to.
#[derive(Debug, Clone, PartialEq)]
pub struct Clock {
    ticks: TickRate,
    /// The clip's length in ticks; 0 for a static scene.
    duration: i64,
    /// What plays, in ticks: the first, and the first after it.
    range: (i64, i64),
    /// Where what plays starts; every position here counts from there.
    start: i128,
    /// Its length; 0 for a static scene.
    length: i128,
    mode: LoopMode,
    rate: i128,
    playing: bool,
    /// The unfolded position at `anchor_host`.
    anchor: i128,
    anchor_host: i64,
    /// Ends passed before the anchor.
    laps: i128,
    /// The last host time heard of, for calls that come without one.
    last_host: i64,
    /// What is added to the rate until `slew_until`, to catch up with an external clock.
    slew: i128,
    slew_until: i64,
    external: bool,
}

/// A count of ticks in units of position.
fn units_of(ticks: i64, rate: TickRate) -> i128 {
    let nanos = i128::from(ticks) * 1_000_000_000 * i128::from(rate.den);
    let num = i128::from(rate.num.max(1));
    // Divided in two steps: the whole product would not fit 127 bits.
    (nanos / num) * ONE + (nanos % num) * ONE / num
}

/// A rate in units of position a nanosecond.
fn rate_units(rate: f64) -> Result<i128> {
    if !(-MAX_RATE..=MAX_RATE).contains(&rate) {
        return Err(Error::invalid(format!("a rate of {rate}: it must lie between -4 and 4")));
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 2^62; exact from 2^-8 up, to nearest below")]
    let units = (rate * ONE as f64).round() as i128;
    Ok(units)
}

impl Clock {
    /// A paused clock at the start of a clip.
    #[must_use]
    pub fn new(info: &ClipInfo) -> Self {
        let duration = info.duration.max(0);
        Self {
            ticks: info.rate,
            duration,
            range: (0, duration),
            start: 0,
            length: units_of(duration, info.rate),
            mode: LoopMode::Once,
            rate: ONE,
            playing: false,
            anchor: 0,
            anchor_host: 0,
            laps: 0,
            last_host: 0,
            slew: 0,
            slew_until: i64::MIN,
            external: false,
        }
    }

    /// The clock of the clip that follows: it goes on from the end of this one, to the unit. Ranges stay behind.
    pub(super) fn follow_on(&self, info: &ClipInfo, host_nanos: i64) -> Self {
        let over = self.position(host_nanos).saturating_sub(self.length);
        Self {
            mode: self.mode,
            rate: self.rate,
            playing: self.playing,
            anchor: over.max(0),
            anchor_host: host_nanos,
            laps: self.laps,
            last_host: host_nanos,
            slew: self.slew,
            slew_until: self.slew_until,
            external: self.external,
            ..Self::new(info)
        }
    }

    /// The unfolded position.
    fn position(&self, host_nanos: i64) -> i128 {
        if !self.playing {
            return self.anchor;
        }
        let elapsed = i128::from(host_nanos) - i128::from(self.anchor_host);
        // 2⁶⁴ · 4·2⁶⁰ stays below 2¹²⁷; saturating costs nothing and needs no proof.
        let run = self.anchor.saturating_add(elapsed.saturating_mul(self.rate));
        if self.slew == 0 || self.slew_until <= self.anchor_host {
            return run;
        }
        let slewed = i128::from(host_nanos.min(self.slew_until)) - i128::from(self.anchor_host);
        run.saturating_add(slewed.saturating_mul(self.slew))
    }

    /// A position inside what plays.
    fn fold(&self, position: i128) -> i128 {
        match self.mode {
            _ if self.length == 0 => 0,
            LoopMode::Once => position.clamp(0, self.length),
            LoopMode::Loop => position.rem_euclid(self.length),
            LoopMode::PingPong => {
                let phase = position.rem_euclid(2 * self.length);
                phase.min(2 * self.length - phase)
            }
        }
    }

    /// Moves the anchor to `host_nanos` without changing any time shown.
    fn rebase(&mut self, host_nanos: i64) {
        let position = self.position(host_nanos);
        let period = match self.mode {
            LoopMode::Once => 0,
            LoopMode::Loop => self.length,
            LoopMode::PingPong => 2 * self.length,
        };
        // Under PingPong the direction is part of the position, so a whole period is kept.
        self.anchor = if period > 0 { position.rem_euclid(period) } else { self.fold(position) };
        if period > 0 {
            self.laps += position.div_euclid(self.length) - self.anchor.div_euclid(self.length);
        }
        self.anchor_host = host_nanos;
        self.last_host = host_nanos;
    }

    /// Media time at `host_nanos`, whole nanoseconds, inside the clip and the range.
    #[must_use]
    pub fn media_nanos(&self, host_nanos: i64) -> i64 {
        let nanos = (self.start + self.fold(self.position(host_nanos))) >> FRACTION;
        i64::try_from(nanos).unwrap_or(i64::MAX)
    }

    /// Notes a host time for calls that come without one.
    pub(super) fn hear(&mut self, host_nanos: i64) {
        self.last_host = host_nanos;
    }

    /// The last host time heard of.
    pub(super) fn last_host(&self) -> i64 {
        self.last_host
    }

    /// Lets time that passed behind the end of a clip that plays once be past, so that what follows starts at its start.
    pub(super) fn stay_at_end(&mut self) {
        if self.has_ended(self.last_host) {
            self.rebase(self.last_host);
        }
    }

    /// The ticks that play: the first, and the first after them. The whole clip without a range.
    #[must_use]
    pub fn range_ticks(&self) -> (i64, i64) {
        self.range
    }

    /// The same in media seconds.
    pub(super) fn range_seconds(&self) -> (f64, f64) {
        (self.ticks.seconds_from_ticks(self.range.0), self.ticks.seconds_from_ticks(self.range.1))
    }

    /// Plays only a range of the clip from here on: media nanoseconds, the second excluded, both taken to the nearest
    /// tick; `None` is the whole clip. The loop mode works on its ends. A time outside is moved to the nearest inside.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a range without a tick of the clip.
    pub fn set_range(&mut self, host_nanos: i64, range: Option<(i64, i64)>) -> Result<()> {
        let ticks = match range {
            None => (0, self.duration),
            Some((first, end)) => {
                let tick = |nanos| self.ticks.ticks_from_nanos(nanos).clamp(0, self.duration);
                (tick(first), tick(end))
            }
        };
        if range.is_some() && ticks.0 >= ticks.1 {
            return Err(Error::invalid(format!("the range {range:?} ns holds no tick of the clip")));
        }
        let media = self.start + self.fold(self.position(host_nanos));
        let back = self.turned(host_nanos);
        let laps = self.laps(host_nanos);
        self.anchor_host = host_nanos;
        self.last_host = host_nanos;
        self.range = ticks;
        self.start = units_of(ticks.0, self.ticks);
        self.length = units_of(ticks.1, self.ticks) - self.start;
        let last = if self.mode == LoopMode::Loop { self.length - 1 } else { self.length };
        let inside = (media - self.start).clamp(0, last.max(0));
        self.anchor = if back { 2 * self.length - inside } else { inside };
        self.slew = 0;
        // Counted from zero again by the new length, so that the change itself passes no end.
        self.laps += laps - self.laps(host_nanos);
        Ok(())
    }

    /// Runs from here. From the end of a clip that plays once, runs from the other end.
    pub fn play(&mut self, host_nanos: i64) {
        let ended = self.has_ended(host_nanos);
        self.rebase(host_nanos);
        self.playing = true;
        self.slew = 0;
        if ended {
            self.anchor = if self.rate > 0 { 0 } else { self.length };
        }
    }

    /// Stops here.
    pub fn pause(&mut self, host_nanos: i64) {
        self.rebase(host_nanos);
        self.playing = false;
        self.slew = 0;
    }

    /// Goes to a media time, clamped to the clip and the range, and keeps running or standing.
    pub fn seek(&mut self, host_nanos: i64, media_nanos: i64) {
        self.rebase(host_nanos);
        if self.length > 0 {
            self.laps += self.anchor.div_euclid(self.length);
        }
        self.slew = 0;
        // In a loop the end is the start; who seeks there wants to see the end.
        let last = if self.mode == LoopMode::Loop { self.length - 1 } else { self.length };
        self.anchor = (i128::from(media_nanos) * ONE - self.start).clamp(0, last.max(0));
        if self.length > 0 {
            self.laps -= self.anchor.div_euclid(self.length);
        }
    }

    /// Changes the speed from here on; negative plays backwards, 0 holds.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] outside −4 to 4.
    pub fn set_rate(&mut self, host_nanos: i64, rate: f64) -> Result<()> {
        let units = rate_units(rate)?;
        self.rebase(host_nanos);
        self.rate = units;
        self.slew = 0;
        Ok(())
    }

    /// Changes what happens at the ends, from the last host time heard of.
    pub fn set_loop(&mut self, mode: LoopMode) {
        if mode == self.mode {
            return;
        }
        self.rebase(self.last_host);
        let shown = self.fold(self.anchor);
        if self.length > 0 {
            self.laps += self.anchor.div_euclid(self.length) - shown.div_euclid(self.length);
        }
        self.anchor = shown;
        self.mode = mode;
    }

    /// What happens at the ends.
    #[must_use]
    pub fn loop_mode(&self) -> LoopMode {
        self.mode
    }

    /// Media nanoseconds a host nanosecond.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.rate as f64 / ONE as f64
    }

    /// Whether it runs; true at the end of a clip that plays once, too.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        self.playing
    }

    /// Whether a clip that plays once has run to its end.
    #[must_use]
    pub fn has_ended(&self, host_nanos: i64) -> bool {
        let position = self.position(host_nanos);
        let past = (self.rate > 0 && position >= self.length) || (self.rate < 0 && position <= 0);
        self.playing && self.mode == LoopMode::Once && self.length > 0 && past
    }

    /// Whether media time grows at `host_nanos`; what a paused clock would do when it runs.
    #[must_use]
    pub fn runs_forward(&self, host_nanos: i64) -> bool {
        (self.rate >= 0) != self.turned(host_nanos)
    }

    /// Whether playback there and back is on its way back.
    fn turned(&self, host_nanos: i64) -> bool {
        self.mode == LoopMode::PingPong
            && self.length > 0
            && self.position(host_nanos).rem_euclid(2 * self.length) >= self.length
    }

    /// Whether both give every host time the same media time, as far as they can know.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        Self { last_host: other.last_host, ..self.clone() } == *other
    }

    /// Ends passed since the start, for noticing that another was; meaningful as a difference.
    pub(super) fn laps(&self, host_nanos: i64) -> i128 {
        if self.mode == LoopMode::Once || self.length == 0 {
            return self.laps;
        }
        self.laps + self.position(host_nanos).div_euclid(self.length)
    }
}

#[cfg(test)]
mod tests;
