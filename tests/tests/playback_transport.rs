//! Transport: ranges that loop without a seam, clips that follow without a gap, scrubbing, several players under one
//! budget, an external clock, events.
//!
//! Host time is made up here; only the loader's threads are real. Frames are looked at in their middle, so that "every
//! frame once, in order" can be asked for exactly.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests panic where they are wrong")]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use support::faulty;
use support::{performance, sequence, still};
use vivant::Error;
use vivant::clip::{Clip, WriterOptions};
use vivant::codec::performance_to_bytes;
use vivant::frame::LiveSet;
use vivant::playback::{Budget, Event, LoopMode, MAX_QUEUED, PlayState, Player, PlayerOptions, SeekMode};
use vivant::splat::Performance;

const MILLI: i64 = 1_000_000;
const SECOND: i64 = 1000 * MILLI;

fn clip_of(performance: &Performance) -> Arc<Clip> {
    let options = WriterOptions { min_node_splats: 100, ..WriterOptions::default() };
    let (bytes, _) = performance_to_bytes(performance, &options).unwrap();
    Arc::new(Clip::from_bytes("memory", bytes).unwrap())
}

fn open(clip: &Arc<Clip>, options: PlayerOptions) -> Player {
    Player::open(clip.clone(), options).unwrap()
}

/// The host time of the middle of frame `frame` of a display that shows 30 a second.
fn middle(frame: i64) -> i64 {
    i64::try_from((2 * i128::from(frame) + 1) * i128::from(SECOND) / 60).unwrap()
}

/// Updates at one host time until the picture is the one asked for.
fn settle(player: &mut Player, host_nanos: i64) -> LiveSet {
    let begun = Instant::now();
    loop {
        let live = player.update(host_nanos).cloned();
        if let Some(live) = live
            && !player.stats().holding
        {
            return live;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "the loader never came: {:?}", player.error());
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn events(player: &mut Player) -> Vec<Event> {
    std::iter::from_fn(|| player.poll_event()).collect()
}

/// Plays at the display's pace without waiting for the loader beyond `pause` a frame; gives the frames shown.
fn play(player: &mut Player, frames: std::ops::Range<i64>, pause: Duration) -> Vec<(u64, i64)> {
    let shown = frames.map(|frame| {
        let tick = player.update(middle(frame)).unwrap().tick;
        std::thread::sleep(pause);
        (player.shown_clip().id(), tick.div_euclid(1000))
    });
    shown.collect()
}

#[test]
fn a_phrase_loops_without_a_seam() {
    let clip = clip_of(&sequence(8, 800, 90));
    // Room for a picture, the one before, and four more: the phrase itself does not fit.
    let budget_bytes = clip.limits().max_live_bytes * 6;
    for (rate, first, count) in [(1.0, 40, 10), (-1.0, 40, 10), (1.0, 7, 3), (1.0, 0, 90)] {
        let options =
            PlayerOptions { budget_bytes, loop_mode: LoopMode::Loop, rate, ..PlayerOptions::default() };
        let mut player = open(&clip, options);
        let edge = |frame: i64| frame * SECOND / 30;
        player.set_range(0, Some((edge(first), edge(first + count)))).unwrap();
        player.play(0);
        settle(&mut player, 0);
        let frames = 300.max(count * 3);
        let shown = play(&mut player, 0..frames, Duration::from_micros(1500));
        let wanted = |at: i64| {
            let inside = at.rem_euclid(count);
            first + if rate > 0.0 { inside } else { count - 1 - inside }
        };
        let wrong: Vec<_> =
            (0..).zip(&shown).filter(|(at, (_, frame))| *frame != wanted(*at)).map(|(at, _)| at).collect();
        // On a machine that is busy with other things the loader may be late for a frame; it must not be the seam's.
        assert!(wrong.len() <= 3, "{rate} {first} {count}: {wrong:?} {:?}", player.stats());
        let looped = events(&mut player).iter().filter(|event| **event == Event::Looped).count() as i64;
        assert!(looped >= (frames / count).min(25) - 1, "{looped}");
        assert!(player.stats().held_bytes <= budget_bytes);
    }
}

#[test]
fn a_range_plays_once_and_there_and_back() {
    let clip = clip_of(&sequence(8, 200, 60));
    let mut player = open(&clip, PlayerOptions::default());
    player.set_range(0, Some((SECOND / 2, SECOND))).unwrap();
    assert_eq!(settle(&mut player, 0).tick, 15_000, "moved inside");
    player.play(0);
    assert_eq!(settle(&mut player, SECOND).tick, 29_999);
    assert_eq!(player.state(), PlayState::Ended);
    player.set_range(SECOND, None).unwrap();
    assert_eq!(player.state(), PlayState::Playing, "there is more of it now");
    player.set_loop(LoopMode::PingPong);
    player.set_range(SECOND, Some((SECOND / 2, SECOND))).unwrap();
    assert_eq!(settle(&mut player, SECOND + 200 * MILLI).tick, 24_000);
    assert!(player.set_range(0, Some((SECOND, SECOND))).is_err());
}

#[test]
fn the_next_clip_goes_on_where_the_last_one_ended() {
    let clips =
        [clip_of(&sequence(8, 700, 20)), clip_of(&sequence(9, 500, 1)), clip_of(&sequence(10, 900, 30))];
    let mut player = open(&clips[0], PlayerOptions::default());
    player.enqueue(clips[1].clone()).unwrap();
    player.enqueue(clips[2].clone()).unwrap();
    player.enqueue(clips[0].clone()).unwrap();
    assert_eq!(player.queued(), 3);
    player.play(0);
    settle(&mut player, 0);
    assert!(events(&mut player).contains(&Event::Ready));
    std::thread::sleep(Duration::from_millis(100));
    let shown = play(&mut player, 0..71, Duration::from_millis(2));
    let mut wanted = Vec::new();
    for (clip, frames) in [(0, 20), (1, 1), (2, 30), (0, 20)] {
        wanted.extend((0..frames).map(|frame| (clips[clip].id(), frame)));
    }
    assert_eq!(shown, wanted, "{:?}", player.stats());
    assert_eq!(player.stats().underruns, 0);
    player.update(middle(72));
    assert_eq!(player.state(), PlayState::Ended);
    let told = events(&mut player);
    assert_eq!(told.iter().filter(|event| **event == Event::Advanced).count(), 3, "{told:?}");
    assert_eq!(told.iter().filter(|event| **event == Event::Ended).count(), 1);
    // Queued behind an end that has passed, it starts from its start, now.
    player.update(1000 * SECOND);
    player.enqueue(clips[2].clone()).unwrap();
    assert_eq!(settle(&mut player, 1000 * SECOND).tick, 0);
    assert_eq!(settle(&mut player, 1000 * SECOND + 100 * MILLI).tick, 3000);
    assert_eq!(player.clip().id(), clips[2].id());
}

#[test]
fn a_queue_waits_behind_a_loop_and_can_be_cleared() {
    let (first, second) = (clip_of(&sequence(8, 200, 10)), clip_of(&sequence(9, 200, 10)));
    let mut player = open(&first, PlayerOptions { loop_mode: LoopMode::Loop, ..PlayerOptions::default() });
    player.enqueue(second.clone()).unwrap();
    player.play(0);
    settle(&mut player, 5 * SECOND + 1);
    assert_eq!(player.clip().id(), first.id());
    player.set_loop(LoopMode::Once);
    assert_eq!(settle(&mut player, 5 * SECOND + SECOND / 2).tick, 5000);
    assert_eq!(player.clip().id(), second.id());
    player.enqueue(first.clone()).unwrap();
    player.clear_queue();
    settle(&mut player, 9 * SECOND);
    assert_eq!((player.state(), player.clip().id(), player.queued()), (PlayState::Ended, second.id(), 0));
    // The first goes on at once, and being still never ends.
    for _ in 0..=MAX_QUEUED {
        player.enqueue(still_clip()).unwrap();
    }
    assert!(matches!(player.enqueue(first.clone()), Err(Error::LimitExceeded { .. })));
    drop(player);
    assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (1, 1), "nobody keeps a clip");
}

fn still_clip() -> Arc<Clip> {
    clip_of(&still(3, 50, 0))
}

#[test]
fn a_queue_that_the_budget_cannot_hold_is_refused() {
    let (small, large) = (clip_of(&sequence(8, 200, 10)), clip_of(&sequence(9, 4000, 10)));
    let budget_bytes = Player::needed_bytes(&small);
    let mut player = open(&small, PlayerOptions { budget_bytes, ..PlayerOptions::default() });
    let refused = player.enqueue(large.clone());
    let needed = Player::needed_bytes(&large);
    assert!(
        matches!(&refused, Err(Error::LimitExceeded { value, limit, .. }) if (*value, *limit) == (needed, budget_bytes)),
        "{refused:?}"
    );
    assert_eq!((player.queued(), Arc::strong_count(&large)), (0, 1));
    assert_eq!(settle(&mut player, 0).tick, 0);
}

#[test]
fn scrubbing_shows_what_is_near_at_once_and_then_the_target() {
    let (bytes, _) = performance_to_bytes(&sequence(8, 800, 300), &WriterOptions::default()).unwrap();
    let (clip, faults) = faulty::open(&Arc::new(bytes), 1);
    let budget_bytes = clip.limits().max_live_bytes * 12;
    let mut player =
        open(&clip, PlayerOptions { budget_bytes, lookahead_nanos: SECOND / 4, ..PlayerOptions::default() });
    settle(&mut player, 0);
    std::thread::sleep(Duration::from_millis(60));
    player.update(0);
    assert!(player.stats().resident_segments >= 5, "{:?}", player.stats());
    faults.set(&faults.delay_micros, 5000);
    // Exact waits; nearest is there at once with the nearest of the frames that were loaded ahead.
    player.seek(0, 5 * SECOND);
    assert_eq!(player.update(0).unwrap().tick, 0);
    player.seek_with(0, 5 * SECOND, SeekMode::Nearest);
    let near = player.update(0).unwrap().clone();
    assert!((3000..30_000).contains(&near.tick) && player.stats().holding, "{}", near.tick);
    assert!(near.segments.iter().all(|data| (data.start..data.end).contains(&near.tick)), "never a mix");
    assert!((near.seconds - near.tick as f64 / 30_000.0).abs() < 1e-3);
    assert_eq!(settle(&mut player, 0).tick, 150_000);
    // A hand that moves back and forth: what shows is always whole, and comes to rest on the target.
    faults.set(&faults.delay_micros, 200);
    let mut last = 0;
    for step in 0..400_i64 {
        let target = (5000.0 + 4500.0 * (step as f64 * 0.05).sin()) as i64 * MILLI;
        player.seek_with(0, target, SeekMode::Nearest);
        let live = player.update(0).unwrap();
        assert!(live.segments.iter().all(|data| (data.start..data.end).contains(&live.tick)));
        last = target;
        std::thread::sleep(Duration::from_micros(300));
    }
    assert_eq!(settle(&mut player, 0).tick, clip.info().rate.ticks_from_nanos(last));
    assert_eq!(player.stats().underruns, 0, "scrubbing is no underrun");
}

#[test]
fn several_players_keep_one_budget() {
    let clips: Vec<_> = (0..4).map(|seed| clip_of(&performance(seed, 3000, 90, 1))).collect();
    let floors: u64 = clips.iter().map(|clip| Player::needed_bytes(clip)).sum();
    for limit in [floors, floors + floors / 3, floors * 4] {
        let budget = Budget::new(limit);
        let options = PlayerOptions { loop_mode: LoopMode::Loop, ..PlayerOptions::default() };
        let mut players = Vec::new();
        for clip in &clips {
            let mut player = Player::open_within(clip.clone(), options, &budget).unwrap();
            player.play(0);
            players.push(player);
            // Each has time to fill what will later be another's.
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(budget.reserved_bytes(), floors);
        for frame in 0..150 {
            for (number, player) in players.iter_mut().enumerate() {
                if frame % 40 == number as i64 * 10 {
                    player.seek(middle(frame), (frame * 7919) % 3000 * MILLI);
                }
                let live = player.update(middle(frame));
                let whole = |live: &LiveSet| {
                    live.segments.iter().all(|data| (data.start..data.end).contains(&live.tick))
                };
                assert!(live.is_none_or(whole));
            }
            let sum: u64 = players.iter().map(|player| player.stats().held_bytes).sum();
            assert!(budget.held_bytes() <= limit && sum <= limit, "{sum} of {limit}");
            std::thread::sleep(Duration::from_micros(500));
        }
        for player in &mut players {
            settle(player, middle(150));
        }
        let refused = Player::open_within(clips[0].clone(), options, &budget);
        let needed = floors + Player::needed_bytes(&clips[0]);
        if needed > limit {
            assert!(matches!(refused, Err(Error::LimitExceeded { value, .. }) if value == needed));
        }
        drop((players, refused));
        assert_eq!((budget.held_bytes(), budget.reserved_bytes()), (0, 0));
    }
}

#[test]
fn an_external_clock_drives_the_player() {
    let clip = clip_of(&sequence(8, 300, 120));
    let mut player = open(&clip, PlayerOptions::default());
    settle(&mut player, 0);
    let mut before = -1;
    for frame in 0..90_i64 {
        let host = 50 * SECOND + frame * 11_111_111;
        if frame % 5 == 0 {
            let noise = if frame % 2 == 0 { 4 * MILLI } else { -4 * MILLI };
            player.set_external_clock(host - 40 * MILLI, frame * 11_111_111 + noise, 1.0).unwrap();
        }
        let tick = settle(&mut player, host).tick;
        assert!(tick >= before, "{tick} after {before}");
        before = tick;
        let off = player.media_nanos(host) - (frame * 11_111_111 + 40 * MILLI);
        assert!(off.abs() < 6 * MILLI, "{off}");
    }
    assert_eq!(player.state(), PlayState::Playing);
    player.clear_external_clock(51 * SECOND);
    player.pause(51 * SECOND);
    assert!(player.set_external_clock(0, 0, 9.0).is_err());
}
