//! Plane `Life`: when a splat shows. t0 and 1/sigma as f32, the window in whole ticks.
//!
//! The window stored is the *effective* one: the splat's own, cut to the segment, and to the time in which its
//! envelope leaves it any effect. A splat whose opacity is below 1/255 adds nothing in the rasteriser, so
//! `|dt| ≤ sigma·√(2·ln(255·opacity))` loses nothing; outside the window no kernel needs to look at it.
//!
//! Plane `PackedLife`: the window in u16, exactly or not at all; motion is told from the window's middle, and the
//! envelope's peak as a distance from there, so that rounding it to f16 moves no splat.

use super::words::{fits_half, from_halves, from_pair, halves, halves_finite, pair};
use crate::splat::Life;
use crate::time::TickRate;

/// One splat's record, relative to the segment's start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Record {
    /// Seconds.
    pub(super) t0: f32,
    /// 1/seconds; 0 for no envelope.
    pub(super) inverse_sigma: f32,
    /// Ticks, end exclusive.
    pub(super) window: (u32, u32),
}

/// Whether the plane holds the values.
pub(super) fn fits(life: &Life) -> bool {
    life.t0.abs() < 1e9 && life.sigma_t > 1e-9
}

/// The ticks of `[start, end)` in which a splat of peak `opacity` shows; `None` when there are none.
pub(super) fn effective_window(
    life: &Life,
    opacity: f32,
    start: i64,
    end: i64,
    rate: TickRate,
) -> Option<(i64, i64)> {
    // Half a step of the stored opacity, so that rounding it up cannot reach beyond the window.
    let peak = 255.0 * (f64::from(opacity) + 0.5 / 65_535.0);
    if peak < 1.0 {
        return None;
    }
    let (mut first, mut last) = (life.start.max(start), life.end.min(end));
    if life.sigma_t.is_finite() {
        let reach = f64::from(life.sigma_t) * (2.0 * peak.ln()).sqrt();
        // A tick shows times up to half a tick away, and one more covers the rounding to f32.
        first = first.max(rate.ticks_from_seconds(life.t0 - reach).saturating_sub(2));
        last = last.min(rate.ticks_from_seconds(life.t0 + reach).saturating_add(3));
    }
    (first < last).then_some((first, last))
}

pub(super) fn pack(record: Record) -> [u32; 4] {
    [record.t0.to_bits(), record.inverse_sigma.to_bits(), record.window.0, record.window.1]
}

pub(super) fn unpack(words: [u32; 4]) -> Record {
    let [t0, inverse_sigma] = [words[0], words[1]].map(f32::from_bits);
    Record { t0, inverse_sigma, window: (words[2], words[3]) }
}

/// Whether words of a file can be a life in a segment of `ticks`.
pub(super) fn sound(words: [u32; 4], ticks: u32) -> bool {
    let record = unpack(words);
    record.t0.is_finite()
        && record.inverse_sigma.is_finite()
        && record.inverse_sigma >= 0.0
        && record.window.0 <= record.window.1
        && record.window.1 <= ticks
}

/// A packed life: the window as stored, in ticks, and the envelope about its middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Short {
    /// Ticks, end exclusive.
    pub(super) window: (u32, u32),
    /// Seconds from the middle of the window to the envelope's peak.
    pub(super) peak: f32,
    /// 1/seconds; 0 for no envelope.
    pub(super) inverse_sigma: f32,
}

/// Packs a life; `None` when windows in this step are not exactly what they were, or the envelope is too narrow.
pub(super) fn pack_short(life: Short, step: u32, ticks: u32) -> Option<[u32; 2]> {
    let edge = |tick: u32| u16::try_from(tick.div_ceil(step.max(1))).ok();
    let words = [pair(edge(life.window.0)?, edge(life.window.1)?), halves(life.peak, life.inverse_sigma)];
    (fits_half(&[life.peak, life.inverse_sigma]) && unpack_short(words, step, ticks).window == life.window)
        .then_some(words)
}

pub(super) fn unpack_short(words: [u32; 2], step: u32, ticks: u32) -> Short {
    let [start, end] = from_pair(words[0]).map(|edge| u32::from(edge).saturating_mul(step).min(ticks));
    let [peak, inverse_sigma] = from_halves(words[1]);
    Short { window: (start, end), peak, inverse_sigma }
}

/// Seconds of the middle of a window, from the segment's start.
pub(super) fn middle(window: (u32, u32), tick_seconds: f32) -> f32 {
    let sum = window.0 as f32 + window.1 as f32;
    0.5 * tick_seconds * sum
}

/// Half the seconds that a window lasts; at least half a tick, so that it divides.
pub(super) fn half_length(window: (u32, u32), tick_seconds: f32) -> f32 {
    0.5 * tick_seconds * (window.1 as f32 - window.0 as f32).max(1.0)
}

/// The step in which windows of a segment are stored.
pub(super) fn window_step(ticks: u32) -> u32 {
    ticks.div_ceil(u32::from(u16::MAX)).max(1)
}

/// Whether the kernel's 32-bit products of numbers and step cannot overflow.
pub(super) fn step_sound(step: u32) -> bool {
    step > 0 && step.checked_mul(u32::from(u16::MAX)).is_some()
}

/// Whether words of a file can be a packed life.
pub(super) fn short_sound(words: [u32; 2]) -> bool {
    let [start, end] = from_pair(words[0]);
    start <= end && halves_finite(words[1]) && from_halves(words[1])[1] >= 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: TickRate = TickRate { num: 30_000, den: 1 };

    #[test]
    fn the_envelope_cuts_the_window_only_where_nothing_shows() {
        let life = Life { t0: 1.0, sigma_t: 0.1, start: i64::MIN, end: i64::MAX };
        let opacity = 0.8_f32;
        let (start, end) = effective_window(&life, opacity, 0, 90_000, RATE).unwrap();
        let shown = |tick: i64| {
            let dt = RATE.seconds_from_ticks(tick) - life.t0;
            f64::from(opacity) * (-0.5 * (dt / 0.1_f64).powi(2)).exp() >= 1.0 / 255.0
        };
        assert!(!shown(start - 1) && !shown(end), "nothing visible is outside");
        assert!(shown(start + 6) && shown(end - 7), "and the window is tight");
    }

    #[test]
    fn windows_are_cut_to_the_segment_and_to_visibility() {
        assert_eq!(effective_window(&Life::ALWAYS, 1.0, 5, 9, RATE), Some((5, 9)));
        assert_eq!(effective_window(&Life::ALWAYS, 0.003, 5, 9, RATE), None);
        let life = Life { start: 7, end: 8, ..Life::ALWAYS };
        assert_eq!(effective_window(&life, 1.0, 5, 9, RATE), Some((7, 8)));
        assert_eq!(effective_window(&life, 1.0, 8, 9, RATE), None);
    }

    #[test]
    fn records_round_trip_and_bad_words_are_found() {
        let record = Record { t0: -0.5, inverse_sigma: 4.0, window: (3, 9) };
        assert_eq!(unpack(pack(record)), record);
        assert!(sound(pack(record), 9));
        assert!(!sound(pack(record), 8));
        assert!(!sound(pack(Record { t0: f32::NAN, ..record }), 9));
        assert!(!sound(pack(Record { inverse_sigma: -1.0, ..record }), 9));
        assert!(!sound(pack(Record { window: (9, 3), ..record }), 9));
    }

    #[test]
    fn packed_lives_keep_their_windows_exactly_or_refuse() {
        let life = Short { window: (100, 30_000), peak: -0.25, inverse_sigma: 4.0 };
        assert_eq!(pack_short(life, 1, 30_000).map(|words| unpack_short(words, 1, 30_000)), Some(life));
        // A long segment has steps of several ticks; its own end is not a multiple.
        let (ticks, step) = (240_001, window_step(240_001));
        assert_eq!(step, 4);
        let whole = Short { window: (0, ticks), ..life };
        assert_eq!(
            pack_short(whole, step, ticks).map(|words| unpack_short(words, step, ticks).window),
            Some((0, ticks))
        );
        assert!(
            pack_short(Short { window: (2, ticks), ..life }, step, ticks).is_none(),
            "2 is no multiple of 4"
        );
        assert!(pack_short(Short { inverse_sigma: 1e6, ..life }, 1, 30_000).is_none());
        assert!(short_sound([pair(3, 9), 0]) && !short_sound([pair(9, 3), 0]));
        assert!(!short_sound([0, halves(0.0, -1.0)]) && !short_sound([0, 0x7c00]));
        assert!(step_sound(65_536) && !step_sound(65_538) && !step_sound(0));
        assert!((middle((0, 30_000), 1.0 / 30_000.0) - 0.5).abs() < 1e-6);
    }
}
