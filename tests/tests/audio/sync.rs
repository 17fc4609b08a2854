//! Sound by the clock: straight, through an hour of everything a host can do, and on a sound card that is not quite at
//! its rate. Host time is made up; only the decoder's thread is real.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use vivant::audio::{Pcm, Placement};
use vivant::playback::{AudioOptions, AudioReader, AudioStats, Clock, LoopMode, Player, PlayerOptions};

use super::support::Random;
use super::{Onsets, SECOND, click_at, click_track, clip_with};

pub(super) const MILLI: i64 = 1_000_000;
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

thread_local! {
    /// Allocations and releases by this thread.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, which counts the calls of each thread.
struct Counting;

// SAFETY: every call is passed on to `System` unchanged; the count is a thread-local cell that never allocates.
#[expect(unsafe_code, reason = "an allocator cannot be written without it")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.with(|calls| calls.set(calls.get() + 1));
        // SAFETY: the caller keeps `alloc`'s contract, which is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        CALLS.with(|calls| calls.set(calls.get() + 1));
        // SAFETY: the pointer came from `System` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Reads `seconds` of sound from host time `from` on by a clock; the host times at which clicks were heard, seconds.
pub(super) fn listen(reader: &mut AudioReader, options: AudioOptions, from: i64, seconds: f64) -> Vec<f64> {
    let (rate, channels) = (i64::from(options.sample_rate), usize::from(options.channels));
    let mut onsets = Onsets::new(options.sample_rate);
    let mut heard = Vec::new();
    let mut block = vec![0.0; 441 * channels];
    let mut done = 0_i64;
    while (done as f64) < seconds * rate as f64 {
        let host = from + done * SECOND / rate;
        assert!(reader.settle(host, PATIENCE), "the decoder never came");
        assert_eq!(reader.read(host, &mut block).missing_frames, 0);
        for (frame, values) in block.chunks_exact(channels).enumerate() {
            if onsets.hear(values[0]) {
                heard.push(from as f64 * 1e-9 + (done + frame as i64) as f64 / rate as f64);
            }
        }
        done += 441;
    }
    heard
}

#[test]
fn clicks_are_heard_where_they_are() {
    let host = 77 * SECOND;
    for (start, rate, options) in [
        (0, 1.0, AudioOptions::default()),
        (0, 1.0, AudioOptions { sample_rate: 44_100, channels: 1 }),
        (0, 1.0, AudioOptions { sample_rate: 192_000, channels: 2 }),
        (SECOND * 3 / 2, 1.0, AudioOptions { sample_rate: 16_000, channels: 2 }),
        (-SECOND * 3 / 2, 1.0, AudioOptions::default()),
        (123_456_789, 0.25, AudioOptions::default()),
        (0, 0.7, AudioOptions { sample_rate: 44_100, channels: 2 }),
        (0, 2.0, AudioOptions::default()),
        (0, 4.0, AudioOptions { sample_rate: 44_100, channels: 2 }),
    ] {
        let placement = Placement { start_nanos: start, ..Placement::default() };
        let clip = clip_with(12, &mut click_track(10, 48_000, 1), &placement);
        let mut reader = AudioReader::open(clip.clone(), 0, options).unwrap();
        let mut clock = Clock::new(&clip.info());
        clock.set_rate(host, rate).unwrap();
        clock.play(host);
        reader.follow(&clock);
        let heard = listen(&mut reader, options, host, 12.5 / rate);
        let due: Vec<f64> = (0..10)
            .map(|number| click_at(number) + start as f64 * 1e-9)
            .filter(|&media| (0.0..12.0).contains(&media))
            .map(|media| 77.0 + media / rate)
            .collect();
        assert_eq!(heard.len(), due.len(), "{start} {rate} {options:?}: {heard:?}");
        for (heard, due) in heard.iter().zip(&due) {
            assert!((heard - due).abs() < 0.001, "{start} {rate} {options:?}: {heard} where {due} is due");
        }
        assert_eq!(reader.stats().jumps, 0);
    }
}

#[test]
fn blocks_of_any_size_join_without_a_seam() {
    let tone = |frame: usize| (frame as f32 * 0.05).sin() * 0.5;
    let mut source = Pcm::new(48_000, 1, (0..96_000).map(tone).collect()).unwrap();
    let clip = clip_with(2, &mut source, &Placement { channel_bits: 128_000, ..Placement::default() });
    let mut reader =
        AudioReader::open(clip.clone(), 0, AudioOptions { sample_rate: 48_000, channels: 1 }).unwrap();
    let mut clock = Clock::new(&clip.info());
    clock.play(0);
    reader.follow(&clock);
    let mut random = Random::new(5);
    let mut sound: Vec<f32> = Vec::new();
    while sound.len() < 90_000 {
        let host = sound.len() as i64 * SECOND / 48_000;
        assert!(reader.settle(host, PATIENCE));
        let mut block = vec![9.0; 1 + random.below(2000) as usize];
        let media = reader.read(host, &mut block).media_nanos;
        assert!((media - host).abs() < 2000, "{media} at {host}");
        sound.extend(block);
    }
    let worst = (2000..88_000).map(|frame| (sound[frame] - tone(frame)).abs()).fold(0.0, f32::max);
    assert!(worst < 0.05, "{worst}");
    let steepest = sound[2000..88_000].windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    assert!(steepest < 0.03, "a tone of 0.025 a sample, and no seam: {steepest}");
}

/// Seconds of 480 Hz, a whole number of periods each.
pub(super) fn tone(seconds: usize) -> Pcm {
    let value = |frame: usize| (frame as f32 * 480.0 * std::f32::consts::TAU / 48_000.0).sin() * 0.5;
    Pcm::new(48_000, 1, (0..seconds * 48_000).map(|frame| value(frame % 100)).collect()).unwrap()
}

#[test]
fn time_that_stands_or_runs_back_is_silent() {
    let mut source = tone(4);
    let clip = clip_with(4, &mut source, &Placement::default());
    let mut player = Player::open(clip.clone(), PlayerOptions::default()).unwrap();
    let mut reader = player.audio(0, AudioOptions::default()).unwrap();
    let mut block = [0.0; 960];
    let mut loudest = |host: i64| {
        assert!(reader.settle(host, PATIENCE));
        // What fades out lasts 3 ms; the second block is after it.
        reader.read(host, &mut block);
        let given = reader.read(host + 10 * MILLI, &mut block);
        (block.iter().fold(0.0_f32, |most, value| most.max(value.abs())), given.rate)
    };
    assert_eq!(loudest(0), (0.0, 0.0), "paused");
    player.play(SECOND);
    assert!(loudest(2 * SECOND).0 > 0.3);
    player.set_rate(2 * SECOND, 0.0).unwrap();
    assert_eq!(loudest(3 * SECOND), (0.0, 0.0), "rate 0");
    player.set_rate(3 * SECOND, -1.0).unwrap();
    assert_eq!(loudest(3 * SECOND + 100 * MILLI), (0.0, 0.0), "backwards");
    player.set_rate(3 * SECOND + 200 * MILLI, 2.0).unwrap();
    assert!(loudest(3 * SECOND + 300 * MILLI).0 > 0.3);
    assert_eq!(loudest(30 * SECOND), (0.0, 0.0), "ended");
    player.set_loop(LoopMode::PingPong);
    player.seek(31 * SECOND, 0);
    player.set_rate(31 * SECOND, 1.0).unwrap();
    player.play(31 * SECOND);
    assert!(loudest(32 * SECOND).0 > 0.3);
    assert_eq!(loudest(36 * SECOND), (0.0, 0.0), "on its way back");
    assert!(loudest(40 * SECOND).0 > 0.3, "and there again");
}

#[test]
fn a_loop_goes_on_without_a_gap() {
    let mut source = tone(3);
    let clip = clip_with(2, &mut source, &Placement::default());
    let options = AudioOptions { sample_rate: 48_000, channels: 1 };
    let mut reader = AudioReader::open(clip.clone(), 0, options).unwrap();
    let mut clock = Clock::new(&clip.info());
    clock.set_loop(LoopMode::Loop);
    clock.play(0);
    reader.follow(&clock);
    let mut block = [0.0; 480];
    let mut quietest = 1.0_f32;
    for number in 0..1000_i64 {
        assert!(reader.settle(number * 10 * MILLI, PATIENCE));
        reader.read(number * 10 * MILLI, &mut block);
        if number > 2 {
            // A period of the tone is 100 frames.
            for period in block.chunks_exact(120) {
                quietest = quietest.min(period.iter().fold(0.0, |most, value| most.max(*value)));
            }
        }
    }
    assert!(quietest > 0.4, "{quietest}");
    assert_eq!(reader.stats().jumps, 0);
}

/// What was due and what was heard in a run, host times in seconds.
#[derive(Default)]
struct Ledger {
    due: Vec<f64>,
    heard: Vec<(f64, f64)>,
}

impl Ledger {
    /// Every click due was heard within 10 ms; gives the largest error in media time, seconds.
    fn check(&self) -> f64 {
        for due in &self.due {
            let nearest = self.heard.iter().map(|(host, _)| (host - due).abs()).fold(f64::MAX, f64::min);
            assert!(nearest < 0.010, "the click due at {due} was not heard; the nearest is {nearest} s away");
        }
        let worst = self.heard.iter().map(|(_, error)| error.abs()).fold(0.0, f64::max);
        assert!(worst < 0.010, "{worst}");
        worst
    }
}

#[test]
fn an_hour_of_loops_seeks_and_rates_stays_within_ten_milliseconds() {
    let (due, stats) = control_at_random(3600 * SECOND, Player::audio);
    assert!(due > 1000, "{due}");
    assert_eq!(stats.missing_frames, 0, "decoded in time, always");
}

#[test]
fn sound_that_leads_goes_where_the_host_says() {
    let (due, stats) = control_at_random(1200 * SECOND, Player::audio_as_master);
    assert!(due > 300, "{due}");
    assert_eq!(stats.missing_frames, 0, "decoded in time, always");
}

type Open = fn(&mut Player, usize, AudioOptions) -> vivant::Result<AudioReader>;

/// So much host time against a player's clock: every few seconds the host seeks, changes the speed, the loop mode, the
/// range, or stops and starts. Gives how many clicks were due.
fn control_at_random(end: i64, open: Open) -> (usize, AudioStats) {
    const FRAMES: i64 = 480;
    let length = 30_i64;
    let clip = clip_with(length, &mut click_track(length as usize, 48_000, 1), &Placement::default());
    let options = PlayerOptions { loop_mode: LoopMode::Loop, ..PlayerOptions::default() };
    let mut player = Player::open(clip, options).unwrap();
    let mut reader = open(&mut player, 0, AudioOptions { sample_rate: 48_000, channels: 1 }).unwrap();
    let mut random = Random::new(2026);
    let mut ledger = Ledger::default();
    let mut onsets = Onsets::new(48_000);
    let mut block = [0.0; FRAMES as usize];
    let (mut host, mut changed, mut next_change) = (0, 0, 0);
    player.play(host);
    while host < end {
        if host >= next_change {
            match random.below(11) {
                0..=2 => player.seek(host, i64::from(random.below(length as u32 * 1000)) * MILLI),
                3..=6 => {
                    let rates = [1.0, 1.0, 0.25, 0.5, 0.9, 1.1, 1.37, 2.0, 3.0, 4.0, -1.0, 0.0];
                    player.set_rate(host, rates[random.below(12) as usize]).unwrap();
                }
                7 => player.set_loop(
                    [LoopMode::Loop, LoopMode::Loop, LoopMode::PingPong, LoopMode::Once]
                        [random.below(4) as usize],
                ),
                8 => player.pause(host),
                9 => {
                    let first = i64::from(random.below(length as u32 * 1000 - 2000)) * MILLI;
                    let range = (first, first + i64::from(500 + random.below(4000)) * MILLI);
                    player.set_range(host, (random.below(3) > 0).then_some(range)).unwrap();
                }
                _ => player.play(host),
            }
            if random.below(3) == 0 {
                player.play(host);
            }
            changed = host;
            next_change = host + i64::from(100 + random.below(4000)) * MILLI;
        }
        player.update(host);
        assert!(reader.settle(host, PATIENCE), "the decoder never came");
        let given = reader.read(host, &mut block);
        let after = host + FRAMES * SECOND / 48_000;
        let (from, to) = (player.media_nanos(host) as f64 * 1e-9, player.media_nanos(after) as f64 * 1e-9);
        // Half a fade after a change a click may be too quiet to be counted on.
        if given.rate > 0.0 && to > from && host - changed > 50 * MILLI {
            for click in (0..length as usize).map(click_at).filter(|click| (from..to).contains(click)) {
                ledger.due.push((host as f64 + (click - from) / (to - from) * (after - host) as f64) * 1e-9);
            }
        }
        for (frame, value) in block.iter().enumerate() {
            let at = host + frame as i64 * SECOND / 48_000;
            if onsets.hear(*value) && at - changed > 50 * MILLI {
                let media = player.media_nanos(at) as f64 * 1e-9;
                let error = (0..length as usize).map(|number| media - click_at(number));
                let error = error.min_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap();
                ledger.heard.push((at as f64 * 1e-9, error));
            }
        }
        host = after;
    }
    let worst = ledger.check();
    eprintln!("{} clicks due, {} heard, worst {:.3} ms", ledger.due.len(), ledger.heard.len(), worst * 1e3);
    (ledger.due.len(), reader.stats())
}

/// The comparer must be able to fail: a reader that is 12 ms late is found out.
#[test]
#[should_panic(expected = "was not heard")]
fn a_late_sound_is_noticed() {
    let clip = clip_with(
        6,
        &mut click_track(6, 48_000, 1),
        &Placement { start_nanos: 12 * MILLI, ..Placement::default() },
    );
    let options = AudioOptions { sample_rate: 48_000, channels: 1 };
    let mut reader = AudioReader::open(clip.clone(), 0, options).unwrap();
    let mut clock = Clock::new(&clip.info());
    clock.play(0);
    reader.follow(&clock);
    let heard = listen(&mut reader, options, 0, 6.0).into_iter().map(|host| (host, 0.0)).collect();
    Ledger { due: (0..6).map(click_at).collect(), heard }.check();
}

/// Ten minutes on a sound card that is 0.1 % fast or slow, with timestamps that jitter by 3 ms.
#[test]
fn a_card_off_its_rate_and_jittering_timestamps_are_followed() {
    const FRAMES: usize = 512;
    let clip = clip_with(20, &mut click_track(20, 48_000, 1), &Placement::default());
    for card in [48_048.0, 47_952.0] {
        let mut reader =
            AudioReader::open(clip.clone(), 0, AudioOptions { sample_rate: 48_000, channels: 1 }).unwrap();
        let mut clock = Clock::new(&clip.info());
        clock.set_loop(LoopMode::Loop);
        clock.play(0);
        reader.follow(&clock);
        let mut random = Random::new(9);
        let mut onsets = Onsets::new(48_000);
        let mut block = [0.0; FRAMES];
        let (mut worst, mut clicks) = (0.0_f64, 0);
        for number in 0..600 * 48_000 / FRAMES {
            let host = (number * FRAMES) as f64 / card;
            let told = (host * 1e9) as i64 + i64::from(random.below(6000)) * 1000 - 3 * MILLI;
            assert!(reader.settle(told.max(0), PATIENCE));
            reader.read(told.max(0), &mut block);
            for (frame, value) in block.iter().enumerate() {
                if onsets.hear(*value) {
                    let at = host + frame as f64 / card;
                    let media = at % 20.0;
                    let error =
                        (0..20).map(|number| (media - click_at(number)).abs()).fold(f64::MAX, f64::min);
                    worst = worst.max(error);
                    clicks += 1;
                }
            }
        }
        eprintln!("{card}: {clicks} clicks, worst {:.3} ms, {} jumps", worst * 1e3, reader.stats().jumps);
        assert!(worst < 0.010 && clicks >= 599, "{card}: {worst} s, {clicks} clicks");
        assert!(reader.stats().jumps == 0, "{} jumps", reader.stats().jumps);
    }
}

#[test]
fn reading_allocates_nothing() {
    let clip = clip_with(8, &mut click_track(8, 48_000, 2), &Placement::default());
    let options = PlayerOptions { loop_mode: LoopMode::Loop, ..PlayerOptions::default() };
    let mut player = Player::open(clip, options).unwrap();
    let mut reader = player.audio(0, AudioOptions::default()).unwrap();
    let mut block = [0.0; 1024];
    player.play(0);
    let mut random = Random::new(4);
    for number in 0..4000_i64 {
        let host = number * 512 * SECOND / 48_000;
        match random.below(40) {
            0 => player.seek(host, i64::from(random.below(8000)) * MILLI),
            1 => player.set_rate(host, f64::from(random.below(16)) * 0.5 - 4.0).unwrap(),
            2 => player.set_rate(host, 1.0).unwrap(),
            _ => {}
        }
        if random.below(20) == 0 {
            reader.settle(host, PATIENCE);
        }
        let before = CALLS.with(Cell::get);
        reader.read(host, &mut block);
        assert_eq!(CALLS.with(Cell::get) - before, 0, "at {host}");
        assert!(block.iter().all(|value| value.is_finite()));
    }
    CALLS.with(|calls| {
        let before = calls.get();
        drop(vec![1_u8; 10]);
        assert!(calls.get() > before, "the counter counts");
    });
}

#[test]
fn odd_requests_are_answered_with_silence() {
    let clip = clip_with(2, &mut click_track(2, 48_000, 1), &Placement::default());
    for options in [
        AudioOptions { sample_rate: 7_999, channels: 2 },
        AudioOptions { sample_rate: 192_001, channels: 2 },
        AudioOptions { sample_rate: 48_000, channels: 3 },
        AudioOptions { sample_rate: 48_000, channels: 0 },
    ] {
        assert!(AudioReader::open(clip.clone(), 0, options).is_err(), "{options:?}");
    }
    assert!(AudioReader::open(clip.clone(), 1, AudioOptions::default()).is_err());
    let mut reader = AudioReader::open(clip.clone(), 0, AudioOptions::default()).unwrap();
    let mut clock = Clock::new(&clip.info());
    clock.set_loop(LoopMode::Loop);
    clock.play(0);
    reader.follow(&clock);
    for host in [i64::MIN, -1, 0, i64::MAX] {
        for len in [0, 1, 2, 3, 10_000] {
            let mut block = vec![9.0; len];
            reader.read(host, &mut block);
            assert!(block.iter().all(|value| value.abs() <= 2.0));
        }
    }
}
