//! Sound as the master clock: a sound card that is not quite at its rate, timestamps that jitter, holes, and a picture that
//! follows without ever going back.

use vivant::audio::Placement;
use vivant::playback::{AudioOptions, AudioReader, LoopMode, Player, PlayerOptions};

use super::support::Random;
use super::sync::{MILLI, PATIENCE};
use super::{Onsets, SECOND, click_at, click_track, clip_with};

const FRAMES: usize = 512;
const MONO: AudioOptions = AudioOptions { sample_rate: 48_000, channels: 1 };
const LENGTH: usize = 20;

/// What a run on a sound card of a certain true rate showed.
#[derive(Debug, Default)]
struct Run {
    /// The largest distance of a click from the picture's time, media seconds.
    worst: f64,
    clicks: usize,
    /// The largest distance, in frames, of two clicks from what it is in the sound: how much it was stretched.
    stretched: f64,
    jumps: u64,
}

/// Plays `seconds` of a looped clip. The card takes `card` frames a second, its timestamps jitter by 3 ms, the picture
/// is asked for at 90 Hz. `hole` stops the card for 60 ms once.
fn run(
    open: fn(&mut Player, usize, AudioOptions) -> vivant::Result<AudioReader>,
    card: f64,
    seconds: f64,
    hole: bool,
) -> Run {
    let clip = clip_with(LENGTH as i64, &mut click_track(LENGTH, 48_000, 1), &Placement::default());
    let options = PlayerOptions { loop_mode: LoopMode::Loop, ..PlayerOptions::default() };
    let mut player = Player::open(clip, options).unwrap();
    let mut reader = open(&mut player, 0, MONO).unwrap();
    player.play(0);
    let mut random = Random::new(4);
    let mut onsets = Onsets::new(48_000);
    let mut block = [0.0; FRAMES];
    let mut out = Run::default();
    let (mut picture, mut media_before, mut laps) = (0_i64, 0_i64, 0_i64);
    let mut last: Option<(usize, f64)> = None;
    let mut stopped = 0.0;
    for number in 0..(seconds * card) as usize / FRAMES {
        let host = (number * FRAMES) as f64 / card + stopped;
        if hole && stopped == 0.0 && host > seconds / 2.0 {
            stopped = 0.06;
        }
        while (picture as f64) < host * 1e9 {
            player.update(picture);
            let media = player.media_nanos(picture);
            laps += i64::from(media + 10 * SECOND < media_before);
            let unfolded = media + laps * LENGTH as i64 * SECOND;
            let before = media_before
                + (laps - i64::from(media + 10 * SECOND < media_before)) * LENGTH as i64 * SECOND;
            assert!(unfolded >= before, "the picture went back at {picture}");
            media_before = media;
            picture += SECOND / 90;
        }
        let told = ((host * 1e9) as i64 + i64::from(random.below(6000)) * 1000 - 3 * MILLI).max(0);
        assert!(reader.settle(told, PATIENCE));
        reader.read(told, &mut block);
        for (frame, value) in block.iter().enumerate() {
            if !onsets.hear(*value) {
                continue;
            }
            let at = host + frame as f64 / card;
            let media = player.media_nanos((at * 1e9) as i64) as f64 * 1e-9;
            let error = |click: usize| (media - click_at(click)).abs();
            let click = (0..LENGTH).min_by(|a, b| error(*a).total_cmp(&error(*b))).unwrap();
            let settled = host > 3.0 && !(hole && (host - seconds / 2.0).abs() < 1.0);
            if settled {
                out.worst = out.worst.max(error(click));
                out.clicks += 1;
            }
            let position = (number * FRAMES + frame) as f64;
            if let Some((before, from)) = last
                && click == before + 1
                && settled
            {
                let wanted = (click_at(click) - click_at(before)) * 48_000.0;
                out.stretched = out.stretched.max((position - from - wanted).abs());
            }
            last = Some((click, position));
        }
    }
    out.jumps = reader.stats().jumps;
    out
}

#[test]
fn the_picture_follows_a_card_off_its_rate() {
    for card in [48_048.0, 47_952.0] {
        let run = run(Player::audio_as_master, card, 300.0, false);
        eprintln!("{card}: {run:?}");
        assert!(run.clicks > 290 && run.worst < 0.010, "{run:?}");
        assert_eq!(run.jumps, 0);
        // Not a frame more or less between two clicks than in the file: nothing is stretched.
        assert!(run.stretched <= 1.0, "{run:?}");
    }
}

/// The comparers must be able to fail: sound that follows keeps the same time by being stretched.
#[test]
fn sound_that_follows_is_stretched() {
    let run = run(Player::audio, 48_048.0, 60.0, false);
    eprintln!("{run:?}");
    assert!(run.worst < 0.010 && run.stretched > 20.0, "{run:?}");
}

/// A card that stops for 60 ms leaves a hole; the sound jumps over it, the picture goes on and is never led back.
#[test]
fn a_hole_is_jumped_by_the_sound() {
    let run = run(Player::audio_as_master, 48_000.0, 40.0, true);
    eprintln!("{run:?}");
    assert!(run.worst < 0.010, "{run:?}");
    assert_eq!(run.jumps, 1);
}

/// A reader that leads and is not read, or is gone, leaves time to the host's clock; the last one opened leads.
#[test]
fn silence_leaves_time_to_the_host() {
    let clip = clip_with(20, &mut click_track(20, 48_000, 1), &Placement::default());
    let mut player = Player::open(clip, PlayerOptions::default()).unwrap();
    player.play(0);
    let mut first = player.audio_as_master(0, MONO).unwrap();
    player.update(SECOND);
    assert_eq!(player.media_nanos(SECOND), SECOND, "not read");
    let mut block = [0.0; FRAMES];
    // Heard 5 ms late: the picture leans back, within a quarter of a second.
    let lead = |player: &mut Player, reader: &mut AudioReader, block: &mut [f32], from: i64| {
        for number in 0..100 {
            let host = from + number * 10 * MILLI;
            player.update(host);
            assert!(reader.settle(host, PATIENCE));
            reader.read(host + if number == 0 { 0 } else { 5 * MILLI }, block);
        }
        player.update(from + SECOND);
        player.media_nanos(from + SECOND) - from - SECOND
    };
    let behind = lead(&mut player, &mut first, &mut block[..480], SECOND);
    assert!((behind + 5 * MILLI).abs() < MILLI, "{behind}");
    let mut second = player.audio_as_master(0, MONO).unwrap();
    player.seek(2 * SECOND, 2 * SECOND);
    for number in 0..100 {
        let host = 2 * SECOND + number * 10 * MILLI;
        player.update(host);
        first.read(host + 5 * MILLI, &mut block[..480]);
    }
    assert_eq!(player.media_nanos(3 * SECOND), 3 * SECOND, "the first leads no more");
    // It follows now: 12 ms off the clock it jumps, where one that leads bears it.
    let jumps = first.stats().jumps;
    first.read(3 * SECOND + 17 * MILLI, &mut block[..480]);
    assert_eq!(first.stats().jumps, jumps + 1);
    let behind = lead(&mut player, &mut second, &mut block[..480], 3 * SECOND);
    assert!((behind + 5 * MILLI).abs() < MILLI, "{behind}");
    let jumps = second.stats().jumps;
    second.read(4 * SECOND + 17 * MILLI, &mut block[..480]);
    assert_eq!(second.stats().jumps, jumps);
    drop((first, second));
    let at = player.media_nanos(5 * SECOND);
    player.update(6 * SECOND);
    assert!((player.media_nanos(6 * SECOND) - at - SECOND).abs() < 2 * MILLI);
    // An external clock goes before.
    let mut third = player.audio_as_master(0, MONO).unwrap();
    player.set_external_clock(6 * SECOND, 10 * SECOND, 1.0).unwrap();
    for number in 0..50 {
        let host = 6 * SECOND + number * 10 * MILLI;
        player.update(host);
        third.read(host + 5 * MILLI, &mut block[..480]);
    }
    assert_eq!(player.media_nanos(7 * SECOND), 11 * SECOND);
}
