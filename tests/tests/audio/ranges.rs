//! Ranges and loops: the start is decoded before the end is reached, and the seam is where it should be, to the sample.

use std::time::{Duration, Instant};

use vivant::audio::Placement;
use vivant::playback::{AudioOptions, AudioReader, Clock, LoopMode, Player, PlayerOptions};

use super::sync::{MILLI, PATIENCE, tone};
use super::{Onsets, SECOND, click_at, click_track, clip_with};

const MONO: AudioOptions = AudioOptions { sample_rate: 48_000, channels: 1 };

/// A reader of a looped range, playing from its start at host time 0.
fn looped(reader: &mut AudioReader, info: &vivant::splat::ClipInfo, range: (i64, i64)) -> Clock {
    let mut clock = Clock::new(info);
    clock.set_loop(LoopMode::Loop);
    clock.set_range(0, Some(range)).unwrap();
    clock.play(0);
    reader.follow(&clock);
    clock
}

/// Ten laps of a range of 2.2 s that lies far into the clip: every click is heard in every lap, where it is, and none of
/// those outside. Only before the first lap is the decoder waited for: from then on it has the start in time or not.
#[test]
fn a_range_repeats_its_clicks_and_no_others() {
    let clip = clip_with(60, &mut click_track(60, 48_000, 1), &Placement::default());
    let mut reader = AudioReader::open(clip.clone(), 0, MONO).unwrap();
    let (first, end) = (40_000 * MILLI, 42_200 * MILLI);
    looped(&mut reader, &clip.info(), (first, end));
    let length = 2.2;
    let inside: Vec<f64> = (0..60).map(click_at).filter(|at| (40.0..42.2).contains(at)).collect();
    let due: Vec<f64> =
        (0..10).flat_map(|lap| inside.iter().map(move |at| at - 40.0 + length * f64::from(lap))).collect();
    let mut onsets = Onsets::new(48_000);
    let (mut heard, mut missing) = (Vec::new(), 0);
    let mut block = [0.0; 480];
    for number in 0..2200_i64 {
        let host = number * 10 * MILLI;
        // In real time it would have 10 ms a block; here it has what it takes for the blocks from here on, not for the
        // seam, which is further away until it is there.
        assert!(reader.settle(host, PATIENCE));
        missing += reader.read(host, &mut block).missing_frames;
        for (frame, value) in block.iter().enumerate() {
            if onsets.hear(*value) {
                heard.push(host as f64 * 1e-9 + frame as f64 / 48_000.0);
            }
        }
    }
    assert_eq!((missing, reader.stats().jumps), (0, 0));
    assert_eq!(heard.len(), due.len(), "{heard:?}, due {due:?}");
    for (heard, due) in heard.iter().zip(&due) {
        assert!((heard - due).abs() < 0.001, "{heard} where {due} is due");
    }
}

/// A range of whole periods of a tone, played at many rates: louder nor quieter at the seam, and no step in it.
#[test]
fn a_seam_inside_the_sound_is_not_heard() {
    for rate in [1.0, 0.5, 2.0] {
        let placement = Placement { channel_bits: 128_000, ..Placement::default() };
        let clip = clip_with(8, &mut tone(8), &placement);
        let mut reader = AudioReader::open(clip.clone(), 0, MONO).unwrap();
        let mut clock = looped(&mut reader, &clip.info(), (3 * SECOND, 4 * SECOND));
        clock.set_rate(0, rate).unwrap();
        reader.follow(&clock);
        let mut sound = Vec::new();
        let mut block = [0.0; 480];
        for number in 0..500_i64 {
            assert!(reader.settle(number * 10 * MILLI, PATIENCE));
            assert_eq!(reader.read(number * 10 * MILLI, &mut block).missing_frames, 0);
            sound.extend(block);
        }
        let settled = &sound[1000..];
        let steepest = settled.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        // 480 Hz at half its height: 0.0314 a sample at speed 1.
        assert!(steepest < 0.04 * rate as f32, "{rate}: {steepest}");
        let period = (100.0 / rate) as usize + 20;
        let quietest = settled
            .chunks_exact(period)
            .map(|part| part.iter().fold(0.0, |most: f32, value| most.max(*value)));
        let quietest = quietest.fold(1.0, f32::min);
        assert!(quietest > 0.42, "{rate}: {quietest}");
    }
}

/// A reader half a second before the end of a range of three, when its decoder has done what there is to do.
fn waiting(range: (i64, i64)) -> AudioReader {
    let clip = clip_with(60, &mut tone(60), &Placement::default());
    let mut reader = AudioReader::open(clip.clone(), 0, MONO).unwrap();
    looped(&mut reader, &clip.info(), range);
    reader.read(2_500 * MILLI, &mut [0.0; 480]);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(800) {
        assert!(reader.settle(2_500 * MILLI, PATIENCE));
        std::thread::sleep(Duration::from_millis(20));
    }
    reader
}

/// The start of the range is decoded while its end is still to come: at the seam the decoder may sleep.
#[test]
fn the_start_is_ready_before_the_end_is_reached() {
    let (short, long) = ((40 * SECOND, 43 * SECOND), (40 * SECOND, 60 * SECOND));
    let mut block = [0.0; 480];
    for range in [short, long] {
        let mut reader = waiting(range);
        // All at once, faster than anything could be decoded: over the seam, or as far in the longer range.
        let missing: u32 =
            (0..90).map(|number| reader.read((2_500 + number * 10) * MILLI, &mut block).missing_frames).sum();
        assert_eq!(missing, 0, "{range:?}");
    }
    // Where the end is far the start is not there: the reader has what comes, and no more.
    for (range, ready) in [(short, true), (long, false)] {
        let mut reader = waiting(range);
        let info = clip_with(60, &mut tone(1), &Placement::default()).info();
        let mut there = Clock::new(&info);
        there.seek(0, 40 * SECOND);
        there.play(0);
        reader.follow(&there);
        assert_eq!(reader.read(0, &mut block).missing_frames == 0, ready, "{range:?}");
    }
}

/// Through the player, on its own: a range set while it plays, and taken away again.
#[test]
fn a_range_may_come_and_go() {
    let clip = clip_with(20, &mut click_track(20, 48_000, 1), &Placement::default());
    let options = PlayerOptions { loop_mode: LoopMode::Loop, ..PlayerOptions::default() };
    let mut player = Player::open(clip, options).unwrap();
    let mut reader = player.audio(0, MONO).unwrap();
    let mut block = [0.0; 480];
    let mut media_at = |player: &mut Player, host: i64| {
        player.update(host);
        assert!(reader.settle(host, PATIENCE));
        reader.read(host, &mut block).media_nanos
    };
    player.play(0);
    assert_eq!(media_at(&mut player, 0), 0);
    // As near to the range's end as to its start the short way round: it goes to the start all the same.
    player.set_range(MILLI, Some((10 * SECOND, 12 * SECOND))).unwrap();
    assert!((media_at(&mut player, 2 * MILLI) - 10 * SECOND).abs() < 2 * MILLI);
    assert!((media_at(&mut player, SECOND) - 11 * SECOND).abs() < 2 * MILLI);
    assert!((media_at(&mut player, 2 * SECOND + SECOND / 2) - 10 * SECOND - SECOND / 2).abs() < 2 * MILLI);
    player.set_range(2 * SECOND + SECOND / 2, None).unwrap();
    assert!((media_at(&mut player, 5 * SECOND) - 13 * SECOND).abs() < 2 * MILLI);
}
