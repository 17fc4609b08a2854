//! The clock against exact arithmetic: rates, ends, ranges, what follows, and an external clock that jitters.

use super::*;
use crate::splat::{Appearance, ClipInfo};
use crate::time::TickRate;

const SECOND: i64 = 1_000_000_000;

fn clock(duration: i64) -> Clock {
    Clock::new(&ClipInfo {
        rate: TickRate::for_fps(30, 1).unwrap(),
        duration,
        fps: (30, 1),
        sh_degree: 0,
        appearance: Appearance::default(),
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
        appearance: Appearance::default(),
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

#[test]
fn a_range_repeats_its_frames_for_ever() {
    let mut clock = clock(300_000);
    clock.set_loop(LoopMode::Loop);
    // Frames 1 and 2, given in rounded nanoseconds.
    clock.set_range(0, Some((33_333_333, 100_000_001))).unwrap();
    assert_eq!(clock.range_ticks(), (1000, 3000));
    clock.play(0);
    let mut host = 0_i128;
    for frame in 0..3_000_000_i64 {
        // The host shows frame n in its middle, in exact thirtieths of a second.
        host = (2 * i128::from(frame) + 1) * 1_000_000_000 / 60;
        let media = clock.media_nanos(i64::try_from(host).unwrap());
        let tick = TickRate::for_fps(30, 1).unwrap().ticks_from_nanos(media);
        assert_eq!(tick / 1000, 1 + frame % 2, "frame {frame}");
    }
    assert_eq!(clock.laps(i64::try_from(host).unwrap()), 1_499_999);
    assert!(clock.set_range(0, Some((5, 6))).is_err() && clock.set_range(0, Some((9, 2))).is_err());
    assert!(clock.set_range(0, Some((i64::MIN, i64::MAX))).is_ok());
    assert_eq!(clock.range_ticks(), (0, 300_000));
}

#[test]
fn a_range_keeps_the_time_shown_if_it_holds_it() {
    let start = 5 * SECOND;
    for mode in [LoopMode::Once, LoopMode::Loop, LoopMode::PingPong] {
        let mut clock = running(mode, 1.0);
        let laps = clock.laps(start + 3 * SECOND);
        clock.set_range(start + 3 * SECOND, Some((2 * SECOND, 6 * SECOND))).unwrap();
        assert_eq!(clock.media_nanos(start + 3 * SECOND), 3 * SECOND, "{mode:?}");
        assert_eq!(clock.laps(start + 3 * SECOND), laps, "a change passes no end");
        let after = clock.media_nanos(start + 7 * SECOND);
        let wanted = match mode {
            LoopMode::Once => 6,
            LoopMode::Loop => 3,
            LoopMode::PingPong => 5,
        };
        assert_eq!(after, wanted * SECOND, "{mode:?}");
        assert_eq!(clock.has_ended(start + 7 * SECOND), mode == LoopMode::Once);
        clock.seek(start + 7 * SECOND, 0);
        assert_eq!(clock.media_nanos(start + 7 * SECOND), 2 * SECOND, "clamped to the range");
        clock.set_range(start + 7 * SECOND, Some((7 * SECOND, 8 * SECOND))).unwrap();
        assert_eq!(clock.media_nanos(start + 7 * SECOND), 7 * SECOND, "moved inside");
        clock.set_range(start + 7 * SECOND, None).unwrap();
        assert_eq!(clock.media_nanos(start + 7 * SECOND), 7 * SECOND);
    }
    let mut back = running(LoopMode::PingPong, 1.0);
    back.set_range(start + 13 * SECOND, Some((2 * SECOND, 9 * SECOND))).unwrap();
    assert_eq!(back.media_nanos(start + 14 * SECOND), 6 * SECOND, "the way back stays one");
}

#[test]
fn what_follows_starts_where_the_end_was() {
    let start = 5 * SECOND;
    let info = ClipInfo {
        rate: TickRate::for_fps(24, 1).unwrap(),
        duration: 48_000,
        fps: (24, 1),
        sh_degree: 0,
        appearance: Appearance::default(),
    };
    let clock = running(LoopMode::Once, 1.5);
    let ends = start + 6_666_666_667;
    assert!(clock.has_ended(ends) && !clock.has_ended(ends - 1));
    let mut next = clock.follow_on(&info, ends);
    assert_eq!(next.media_nanos(ends), 0, "a third of a nanosecond past, times 1.5");
    assert_eq!(next.media_nanos(ends + SECOND), 1_500_000_000);
    assert_eq!(clock.follow_on(&info, ends + SECOND).media_nanos(ends + SECOND), 1_500_000_000);
    // Who comes late does not miss its start.
    let mut ended = running(LoopMode::Once, 1.0);
    ended.hear(start + 60 * SECOND);
    ended.stay_at_end();
    next = ended.follow_on(&info, start + 60 * SECOND + 7);
    assert_eq!(next.media_nanos(start + 60 * SECOND + 7), 7);
}

/// Reports every 20 ms with jitter, updates every 11 ms; gives the worst lag after two seconds, and the largest step.
fn follow(rate: f64, drift: f64, jitter: i64, late: i64) -> (f64, f64) {
    let mut clock = clock(300_000);
    clock.set_loop(LoopMode::Loop);
    #[expect(clippy::cast_possible_truncation, reason = "a few seconds in nanoseconds")]
    let truth = |host: i64| (2.0e9 + host as f64 * rate * drift) as i64;
    let mut random = 1_u64;
    let (mut worst, mut backwards) = (0.0_f64, 0.0_f64);
    let (mut report, mut before): (i64, Option<i64>) = (0, None);
    for update in 0..600_i64 {
        let host = update * 11_000_000;
        while report <= host {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let noise = i64::try_from(random >> 33).unwrap() % (2 * jitter + 1) - jitter;
            clock
                .follow(report - late, (truth(report - late) + noise).rem_euclid(10 * SECOND), rate)
                .unwrap();
            report += 20_000_000;
        }
        clock.hear(host);
        let media = clock.media_nanos(host);
        let wrap = |difference: i64| (difference + 5 * SECOND).rem_euclid(10 * SECOND) - 5 * SECOND;
        if let Some(before) = before {
            backwards = backwards.max(-(wrap(media - before) as f64) * rate.signum());
        }
        before = Some(media);
        if host > 2 * SECOND {
            worst = worst.max((wrap(media - truth(host)) as f64).abs());
        }
    }
    (worst, backwards)
}

#[test]
fn an_external_clock_is_followed_smoothly_and_never_backwards() {
    for rate in [1.0, 0.5, -2.0] {
        for late in [0, 60_000_000, -30_000_000] {
            let (worst, backwards) = follow(rate, 1.0, 5_000_000, late);
            assert!(worst < 3.0e6, "jitter of 5 ms leaves {worst} ns at {rate}, {late}");
            assert!(backwards <= 0.0, "{backwards} ns at {rate}, {late}");
            let (worst, backwards) = follow(rate, 1.002, 0, late);
            assert!(worst < 1.5e6 && backwards <= 0.0, "a drift of 0.2 % lags {worst} ns at {rate}, {late}");
        }
    }
}

#[test]
fn an_external_clock_jumps_stands_and_lets_go() {
    let mut clock = clock(300_000);
    assert!(clock.follow(7 * SECOND, 3 * SECOND, 1.0).unwrap(), "the first report is taken at its word");
    assert!(clock.is_external() && clock.is_playing());
    assert_eq!(clock.media_nanos(8 * SECOND), 4 * SECOND);
    clock.hear(8 * SECOND);
    assert!(!clock.follow(8 * SECOND, 4 * SECOND + 50_000_000, 1.0).unwrap());
    assert_eq!(clock.media_nanos(8 * SECOND), 4 * SECOND, "no step");
    // Reports that stop coming leave no lean behind: an eighth for a quarter of a second.
    assert_eq!(clock.media_nanos(9 * SECOND), 5 * SECOND + 31_250_000);
    clock.hear(9 * SECOND);
    assert!(clock.follow(9 * SECOND, SECOND, 1.0).unwrap(), "a jump is one");
    assert_eq!(clock.media_nanos(9 * SECOND), SECOND);
    assert!(!clock.follow(9 * SECOND, SECOND - 20_000_000, 0.0).unwrap());
    assert_eq!(clock.media_nanos(10 * SECOND), SECOND, "standing, it does not step back");
    assert!(!clock.follow(9 * SECOND, SECOND + 20_000_000, 0.0).unwrap());
    assert_eq!(clock.media_nanos(10 * SECOND), SECOND, "nor was it running");
    clock.follow(9 * SECOND, SECOND, 2.0).unwrap();
    clock.unfollow(10 * SECOND);
    assert!(!clock.is_external());
    assert_eq!(clock.media_nanos(11 * SECOND), 5 * SECOND);
    assert!(clock.follow(0, 0, 5.0).is_err() && clock.follow(i64::MIN, i64::MAX, 4.0).is_ok());
    for host in [i64::MIN, 0, i64::MAX] {
        clock.follow(host, i64::MIN, -4.0).unwrap();
        assert!((0..=10 * SECOND).contains(&clock.media_nanos(host)));
    }
}
