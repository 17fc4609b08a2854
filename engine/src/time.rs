//! Media time: nanoseconds at the interface, ticks in the file.
//!
//! A clip has a tick rate (a rational number of ticks a second) chosen so that its frame edges fall on whole
//! ticks. The host asks in nanoseconds; windows are tested in ticks, after rounding to the *nearest* tick, so
//! that 33,333,333 ns is frame 1 of a 30 fps clip and not the last instant of frame 0.

/// Ticks a second, as a reduced fraction `num / den`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TickRate {
    /// Ticks in `den` seconds; never 0.
    pub num: u32,
    /// Seconds; never 0.
    pub den: u32,
}

/// Ticks per frame that [`TickRate::for_fps`] makes: fine enough for windows inside a frame, coarse enough that
/// 32 bits hold more than a day of ticks at 30 fps.
pub const TICKS_PER_FRAME: u32 = 1000;

const NANOS: i128 = 1_000_000_000;

impl TickRate {
    /// A rate whose frames are exactly [`TICKS_PER_FRAME`] ticks long. `None` if the rate is zero or too high.
    #[must_use]
    pub fn for_fps(fps_num: u32, fps_den: u32) -> Option<Self> {
        let num = fps_num.checked_mul(TICKS_PER_FRAME)?;
        (num > 0 && fps_den > 0).then_some(Self { num, den: fps_den })
    }

    /// The tick nearest to a time in nanoseconds.
    #[must_use]
    pub fn ticks_from_nanos(self, nanos: i64) -> i64 {
        let scaled = i128::from(nanos) * i128::from(self.num);
        let unit = NANOS * i128::from(self.den);
        clamp_i64((scaled + unit / 2).div_euclid(unit))
    }

    /// The first nanosecond of a tick (rounded up, so that it maps back to the same tick).
    #[must_use]
    pub fn nanos_from_ticks(self, ticks: i64) -> i64 {
        let unit = i128::from(self.num);
        clamp_i64((i128::from(ticks) * NANOS * i128::from(self.den) + unit / 2).div_euclid(unit))
    }

    /// Seconds of a tick count.
    #[must_use]
    pub fn seconds_from_ticks(self, ticks: i64) -> f64 {
        ticks as f64 * f64::from(self.den) / f64::from(self.num)
    }

    /// The tick nearest to a time in seconds.
    #[must_use]
    pub fn ticks_from_seconds(self, seconds: f64) -> i64 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "float to int casts saturate, which is wanted here"
        )]
        let ticks = (seconds * f64::from(self.num) / f64::from(self.den)).round() as i64;
        ticks
    }
}

fn clamp_i64(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_edges_round_trip_at_awkward_rates() {
        for (num, den) in [(30, 1), (24, 1), (30_000, 1001), (90, 1), (12, 1)] {
            let rate = TickRate::for_fps(num, den).unwrap();
            for frame in [0_i64, 1, 2, 29, 30, 1799, 107_999] {
                let tick = frame * i64::from(TICKS_PER_FRAME);
                assert_eq!(
                    rate.ticks_from_nanos(rate.nanos_from_ticks(tick)),
                    tick,
                    "{num}/{den} frame {frame}"
                );
                assert_eq!(rate.ticks_from_seconds(rate.seconds_from_ticks(tick)), tick);
            }
        }
    }

    #[test]
    fn a_third_of_a_tenth_is_frame_one() {
        let rate = TickRate::for_fps(30, 1).unwrap();
        assert_eq!(rate.ticks_from_nanos(33_333_333), 1000);
        assert_eq!(rate.ticks_from_nanos(33_000_000), 990);
        assert_eq!(rate.ticks_from_nanos(-33_333_333), -1000);
    }

    #[test]
    fn rates_that_cannot_be_are_refused() {
        assert!(TickRate::for_fps(0, 1).is_none());
        assert!(TickRate::for_fps(30, 0).is_none());
        assert!(TickRate::for_fps(u32::MAX, 1).is_none());
    }
}
