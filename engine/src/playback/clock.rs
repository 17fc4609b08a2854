//! The clock: host time → media time, by integers alone.
//!
//! Positions are i128 in units of 2⁻⁶⁰ ns, rates are such units a nanosecond. A rate of 2⁻⁸ or more that an f64 can
//! hold is exact in them, and so is every product and sum here, so an hour of rate changes ends where arithmetic says
//! and not where rounding drifted. The position runs *unfolded*, past the ends of the clip; looping is a fold applied
//! when it is asked for: clamp, remainder, or reflection.

use crate::error::{Error, Result};
use crate::splat::ClipInfo;

/// What happens at the ends of the clip.
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
    /// Length of the clip; 0 for a static scene.
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
}

impl Clock {
    /// A paused clock at the start of a clip.
    #[must_use]
    pub fn new(info: &ClipInfo) -> Self {
        let nanos = i128::from(info.duration) * 1_000_000_000 * i128::from(info.rate.den);
        let num = i128::from(info.rate.num.max(1));
        // Divided in two steps: the whole product would not fit 127 bits.
        let length = (nanos / num) * ONE + (nanos % num) * ONE / num;
        Self {
            length: length.max(0),
            mode: LoopMode::Once,
            rate: ONE,
            playing: false,
            anchor: 0,
            anchor_host: 0,
            laps: 0,
            last_host: 0,
        }
    }

    /// The unfolded position.
    fn position(&self, host_nanos: i64) -> i128 {
        if !self.playing {
            return self.anchor;
        }
        let elapsed = i128::from(host_nanos) - i128::from(self.anchor_host);
        // 2⁶⁴ · 4·2⁶⁰ stays below 2¹²⁷; saturating costs nothing and needs no proof.
        self.anchor.saturating_add(elapsed.saturating_mul(self.rate))
    }

    /// A position inside the clip.
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

    /// Media time at `host_nanos`, whole nanoseconds, in 0..=duration.
    #[must_use]
    pub fn media_nanos(&self, host_nanos: i64) -> i64 {
        let nanos = self.fold(self.position(host_nanos)) >> FRACTION;
        i64::try_from(nanos).unwrap_or(i64::MAX)
    }

    /// Notes a host time for calls that come without one.
    pub(super) fn hear(&mut self, host_nanos: i64) {
        self.last_host = host_nanos;
    }

    /// Runs from here. From the end of a clip that plays once, runs from the other end.
    pub fn play(&mut self, host_nanos: i64) {
        let ended = self.has_ended(host_nanos);
        self.rebase(host_nanos);
        self.playing = true;
        if ended {
            self.anchor = if self.rate > 0 { 0 } else { self.length };
        }
    }

    /// Stops here.
    pub fn pause(&mut self, host_nanos: i64) {
        self.rebase(host_nanos);
        self.playing = false;
    }

    /// Goes to a media time, clamped to the clip, and keeps running or standing.
    pub fn seek(&mut self, host_nanos: i64, media_nanos: i64) {
        self.rebase(host_nanos);
        if self.length > 0 {
            self.laps += self.anchor.div_euclid(self.length);
        }
        // In a loop the end is the start; who seeks there wants to see the end.
        let last = if self.mode == LoopMode::Loop { self.length - 1 } else { self.length };
        self.anchor = (i128::from(media_nanos) * ONE).clamp(0, last.max(0));
        if self.length > 0 {
            self.laps -= self.anchor.div_euclid(self.length);
        }
    }

    /// Changes the speed from here on; negative plays backwards, 0 holds.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] outside −4 to 4.
    pub fn set_rate(&mut self, host_nanos: i64, rate: f64) -> Result<()> {
        if !(-MAX_RATE..=MAX_RATE).contains(&rate) {
            return Err(Error::invalid(format!("a rate of {rate}: it must lie between -4 and 4")));
        }
        self.rebase(host_nanos);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most 2^62; exact from 2^-8 up, to nearest below"
        )]
        let units = (rate * ONE as f64).round() as i128;
        self.rate = units;
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
        let turned = self.mode == LoopMode::PingPong
            && self.length > 0
            && self.position(host_nanos).rem_euclid(2 * self.length) >= self.length;
        (self.rate >= 0) != turned
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
mod tests {
    use super::*;
    use crate::time::TickRate;

    const SECOND: i64 = 1_000_000_000;

    fn clock(duration: i64) -> Clock {
        Clock::new(&ClipInfo {
            rate: TickRate::for_fps(30, 1).unwrap(),
            duration,
            fps: (30, 1),
            sh_degree: 0,
        })
    }

    /// A clip of ten seconds that runs from host time 5 s.
    fn running(mode: LoopMode, rate: f64) -> Clock {
        let mut clock = clock(300_000);
        clock.set_loop(mode);
        clock.set_rate(5 * SECOND, rate).unwrap();
        clock.play(5 * SECOND);
        clock
    }

    #[test]
    fn time_asked_for_is_time_shown() {
        let mut clock = clock(300_000);
        for media in [0, 1, 33_333_333, 9_999_999_999, 10_000_000_000] {
            clock.seek(77, media);
            assert_eq!(clock.media_nanos(77), media);
            assert_eq!(clock.media_nanos(i64::MAX), media, "paused");
        }
        clock.seek(77, -5);
        assert_eq!(clock.media_nanos(77), 0);
        clock.seek(77, i64::MAX);
        assert_eq!(clock.media_nanos(77), 10 * SECOND);
    }

    #[test]
    fn rates_are_exact_and_an_hour_of_changes_does_not_drift() {
        let mut clock = running(LoopMode::Once, 0.25);
        assert_eq!(clock.media_nanos(5 * SECOND + 4), 1);
        assert_eq!(clock.media_nanos(5 * SECOND + 3), 0);
        assert_eq!(clock.media_nanos(9 * SECOND), SECOND);
        // 11 ms apart, for an hour, alternating 1.5 and −0.5: on average 0.5.
        clock = running(LoopMode::Loop, 1.0);
        let mut host = 5 * SECOND;
        let steps = 3600 * 1000 / 11 / 2 * 2;
        for step in 0..steps {
            clock.set_rate(host, if step % 2 == 0 { 1.5 } else { -0.5 }).unwrap();
            host += 11_000_000;
        }
        let exact = i128::from(steps / 2) * 11_000_000;
        assert_eq!(i128::from(clock.media_nanos(host)), exact.rem_euclid(10_000_000_000));
    }

    #[test]
    fn a_third_of_the_speed_stays_within_a_nanosecond_for_a_day() {
        let mut clock = clock(i64::from(u32::MAX));
        clock.set_rate(0, 1.0 / 3.0).unwrap();
        clock.play(0);
        let day = 86_400 * SECOND;
        assert!((clock.media_nanos(day) - day / 3).abs() <= 1);
    }

    #[test]
    fn loops_wrap_at_both_ends_without_losing_a_nanosecond() {
        let mut clock = running(LoopMode::Loop, 1.0);
        let start = 5 * SECOND;
        assert_eq!(clock.media_nanos(start + 10 * SECOND - 1), 10 * SECOND - 1);
        assert_eq!(clock.media_nanos(start + 10 * SECOND), 0);
        assert_eq!(clock.media_nanos(start + 1_000_000 * SECOND + 7), 7);
        assert_eq!(clock.media_nanos(start - 1), 10 * SECOND - 1, "a host time before");
        assert_eq!(clock.laps(start + 25 * SECOND), 2);
        clock.set_rate(start, -1.0).unwrap();
        assert_eq!(clock.media_nanos(start), 0);
        assert_eq!(clock.media_nanos(start + 1), 10 * SECOND - 1);
        assert_eq!(clock.laps(start + 1), -1);
        clock.seek(start, 10 * SECOND);
        assert_eq!(clock.media_nanos(start), 10 * SECOND - 1, "the end of a loop can be looked at");
        assert_eq!(clock.laps(start), 0, "a seek passes no end");
    }

    #[test]
    fn a_loop_whose_length_is_no_whole_nanosecond_does_not_drift() {
        let info = ClipInfo {
            rate: TickRate::for_fps(30_000, 1001).unwrap(),
            duration: 1000,
            fps: (30_000, 1001),
            sh_degree: 0,
        };
        let mut clock = Clock::new(&info);
        clock.set_loop(LoopMode::Loop);
        clock.play(0);
        // One frame is 33366666.67 ns; three million loops of it are 100,100,000,000,000 ns exactly.
        let host = 100_100_000_000_000;
        assert!(
            clock.media_nanos(host) <= 1 || clock.media_nanos(host) >= 33_366_665,
            "{}",
            clock.media_nanos(host)
        );
    }

    #[test]
    fn ping_pong_turns_at_both_ends_and_keeps_its_direction_through_changes() {
        let mut clock = running(LoopMode::PingPong, 1.0);
        let start = 5 * SECOND;
        assert_eq!(clock.media_nanos(start + 10 * SECOND), 10 * SECOND);
        assert_eq!(clock.media_nanos(start + 13 * SECOND), 7 * SECOND);
        assert!(!clock.runs_forward(start + 13 * SECOND) && clock.runs_forward(start + 23 * SECOND));
        assert_eq!(clock.media_nanos(start + 20 * SECOND + 5), 5);
        clock.set_rate(start + 13 * SECOND, 2.0).unwrap();
        assert_eq!(clock.media_nanos(start + 14 * SECOND), 5 * SECOND);
        assert_eq!(clock.laps(start + 14 * SECOND), 1);
        let mut back = running(LoopMode::PingPong, -1.0);
        assert_eq!(back.media_nanos(start + 3 * SECOND), 3 * SECOND, "backwards from 0 turns at once");
        back.set_loop(LoopMode::Once);
        assert_eq!(back.media_nanos(start), 0);
    }

    #[test]
    fn once_stops_at_the_end_it_runs_to_and_starts_over() {
        let start = 5 * SECOND;
        let mut clock = running(LoopMode::Once, 2.0);
        assert!(!clock.has_ended(start + 5 * SECOND - 1));
        assert!(clock.has_ended(start + 5 * SECOND));
        assert_eq!(clock.media_nanos(start + 100 * SECOND), 10 * SECOND);
        // Turning round after the end starts from the end, not from where the clock would have run to.
        clock.set_rate(start + 100 * SECOND, -1.0).unwrap();
        assert_eq!(clock.media_nanos(start + 101 * SECOND), 9 * SECOND);
        assert!(clock.has_ended(start + 111 * SECOND));
        assert_eq!(clock.media_nanos(start + 111 * SECOND), 0);
        clock.play(start + 120 * SECOND);
        assert_eq!(clock.media_nanos(start + 121 * SECOND), 9 * SECOND, "backwards again from the end");
        clock.set_rate(start + 121 * SECOND, 0.0).unwrap();
        assert_eq!(clock.media_nanos(start + 500 * SECOND), 9 * SECOND, "rate 0 holds");
    }

    #[test]
    fn pausing_holds_and_playing_goes_on() {
        let mut clock = running(LoopMode::Once, 1.0);
        clock.pause(6 * SECOND);
        assert_eq!(clock.media_nanos(60 * SECOND), SECOND);
        clock.play(60 * SECOND);
        clock.play(61 * SECOND);
        assert_eq!(clock.media_nanos(62 * SECOND), 3 * SECOND, "a second play changes nothing");
        clock.seek(62 * SECOND, SECOND);
        assert_eq!(clock.media_nanos(62 * SECOND + 5), SECOND + 5, "seeking into the past keeps running");
    }

    #[test]
    fn extremes_neither_panic_nor_leave_the_clip() {
        for mode in [LoopMode::Once, LoopMode::Loop, LoopMode::PingPong] {
            for duration in [0, 1, i64::from(u32::MAX)] {
                let mut clock = clock(duration);
                clock.set_loop(mode);
                for rate in [4.0, -4.0, 0.0, 1e-300] {
                    clock.set_rate(i64::MIN, rate).unwrap();
                    clock.play(i64::MIN);
                    for host in [i64::MIN, -1, 0, i64::MAX] {
                        let media = clock.media_nanos(host);
                        assert!((0..=143_165_577_000_000_000).contains(&media), "{media}");
                        clock.seek(host, media);
                        assert!(clock.laps(i64::MAX).abs() < i128::MAX / 2);
                    }
                }
            }
        }
        let mut clock = clock(1);
        assert!(clock.set_rate(0, 4.1).is_err() && clock.set_rate(0, f64::NAN).is_err());
    }
}
