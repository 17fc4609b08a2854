//! The player: what it shows is exactly what was asked for or the last complete picture, whatever the source does, and
//! its frame path allocates nothing and waits for nobody.
//!
//! Host time is made up here, so an hour takes as long as its updates; only the loader thread is real.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests panic where they are wrong")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use support::bytes::Tampered;
use support::{performance, sequence, still};
use vivant::clip::{Access, ByteSource, Clip, Compression, Profile, WriterOptions};
use vivant::codec::{performance_to_bytes, write_performance};
use vivant::frame::{LiveSet, SegmentData};
use vivant::playback::{Event, LoopMode, PlayState, Player, PlayerOptions, live_at};
use vivant::splat::Performance;
use vivant::{Error, Result};

const MILLI: i64 = 1_000_000;
const SECOND: i64 = 1000 * MILLI;

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

fn clip_of(performance: &Performance) -> Arc<Clip> {
    let options = WriterOptions { min_node_splats: 100, ..WriterOptions::default() };
    let (bytes, _) = performance_to_bytes(performance, &options).unwrap();
    Arc::new(Clip::from_bytes("memory", bytes).unwrap())
}

fn mixed() -> Arc<Clip> {
    clip_of(&performance(41, 6000, 120, 1))
}

fn open(clip: &Arc<Clip>, options: PlayerOptions) -> Player {
    Player::open(clip.clone(), options).unwrap()
}

/// Updates at one host time until the picture is the one asked for, in full.
fn settle(player: &mut Player, host_nanos: i64) -> LiveSet {
    let begun = Instant::now();
    loop {
        let live = player.update(host_nanos).cloned();
        if let Some(live) = live
            && !player.stats().holding
            && !player.stats().refining
        {
            return live;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "the loader never came: {:?}", player.error());
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// The parts of a live set without its identity, for comparing across clips.
fn content(live: &LiveSet) -> (Vec<SegmentData>, i64) {
    let plain = |data: &Arc<SegmentData>| SegmentData { id: (0, data.id.1), ..(**data).clone() };
    (live.segments.iter().map(plain).collect(), live.tick)
}

#[test]
fn what_is_shown_is_what_was_asked_for() {
    let clip = mixed();
    let mut player = open(&clip, PlayerOptions::default());
    for media in [0, 1, 33_333_333, SECOND, 4 * SECOND, 1_234_567_890, 3 * SECOND + 1, 500 * MILLI] {
        player.seek(0, media);
        let live = settle(&mut player, 0);
        assert_eq!(player.media_nanos(0), media);
        assert!((live.seconds - media as f64 * 1e-9).abs() < 1e-12);
        assert_eq!(content(&live), content(&live_at(&clip, media).unwrap()));
        let nodes: Vec<u32> = live.segments.iter().map(|data| data.id.1).collect();
        assert_eq!(nodes, clip.live_nodes(live.tick).to_vec());
    }
}

#[test]
fn every_access_plays_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.vvt");
    write_performance(&path, &performance(41, 4000, 90, 0), &WriterOptions::default()).unwrap();
    let play = |access| {
        let clip = Arc::new(Clip::open(&path, access).unwrap());
        let mut player =
            open(&clip, PlayerOptions { loop_mode: LoopMode::PingPong, ..PlayerOptions::default() });
        player.play(0);
        let steps = (0..60).map(|step| content(&settle(&mut player, step * 100 * MILLI)));
        steps.collect::<Vec<_>>()
    };
    let wanted = play(Access::Memory);
    for access in [Access::Auto, Access::Mapped, Access::Pread] {
        assert!(play(access) == wanted, "{access:?}");
    }
}

#[test]
fn steady_updates_allocate_nothing() {
    let clip = mixed();
    let budget_bytes = clip.limits().max_live_bytes * 2;
    // With everything in memory, and with segments that come and go all the time.
    for budget_bytes in [512 << 20, budget_bytes] {
        let options = PlayerOptions { budget_bytes, loop_mode: LoopMode::Loop, ..PlayerOptions::default() };
        let mut player = open(&clip, options);
        player.play(0);
        settle(&mut player, 0);
        let mut pictures = 0;
        let mut segments = 0;
        let before = CALLS.with(Cell::get);
        for frame in 0..3000_i64 {
            let live = player.update(frame * 11_111_111);
            pictures += usize::from(live.is_some());
            segments += live.map_or(0, |live| live.segments.len());
            if frame % 8 == 0 {
                std::thread::sleep(Duration::from_micros(500));
            }
            while player.poll_event().is_some() {}
        }
        assert_eq!(CALLS.with(Cell::get), before, "budget {budget_bytes}");
        assert!(pictures == 3000 && segments > 3000);
    }
}

#[test]
fn a_palette_counts_against_the_budget() {
    let options = WriterOptions { profile: Profile::Network, ..WriterOptions::default() };
    let (bytes, _) = performance_to_bytes(&vivant_tests::performances::glossy(3000), &options).unwrap();
    let clip = Arc::new(Clip::from_bytes("palette.vvt", bytes).unwrap());
    let palette = clip.palette().unwrap().bytes();
    let (needed, full) = (Player::needed_bytes(&clip), Player::full_bytes(&clip));
    let (least, all) = (clip.live_bytes(0), clip.limits().max_live_bytes);
    assert_eq!((needed, full), (least + palette, all + least + palette));
    let with = |budget_bytes| {
        Player::open(Arc::clone(&clip), PlayerOptions { budget_bytes, ..PlayerOptions::default() })
    };
    assert!(matches!(with(needed - 1), Err(Error::LimitExceeded { .. })));
    for (budget, shown) in [(needed, least), (full - 1, clip.live_bytes(2)), (full, all)] {
        let mut player = with(budget).unwrap();
        settle(&mut player, 0);
        let deadline = Instant::now() + Duration::from_secs(10);
        while player.stats().held_bytes != shown + palette && Instant::now() < deadline {
            player.update(0);
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(player.stats().held_bytes, shown + palette, "a budget of {budget}");
        let live = player.update(0).unwrap();
        assert!(Arc::ptr_eq(live.segments[0].palette.as_ref().unwrap(), clip.palette().unwrap()));
    }
}

#[test]
fn the_counter_counts() {
    let before = CALLS.with(Cell::get);
    drop(std::hint::black_box(Box::new(7)));
    assert_eq!(CALLS.with(Cell::get), before + 2);
}

#[test]
fn a_warm_loop_has_no_underrun_at_its_seam() {
    let clip = mixed();
    for (mode, rate) in [(LoopMode::Loop, 1.0), (LoopMode::Loop, -2.0), (LoopMode::PingPong, 1.0)] {
        let mut player = open(&clip, PlayerOptions { loop_mode: mode, rate, ..PlayerOptions::default() });
        player.play(0);
        // One lap to warm up, at the loader's own pace.
        for step in 0..90 {
            settle(&mut player, step * 50 * MILLI);
        }
        let underruns = player.stats().underruns;
        while player.poll_event().is_some() {}
        for frame in 400..4000_i64 {
            let live = player.update(frame * 11_111_111).unwrap();
            let tick = live.tick;
            assert!(live.segments.iter().all(|data| (data.start..data.end).contains(&tick)));
        }
        assert_eq!(player.stats().underruns, underruns, "{mode:?} {rate}");
        let laps = std::iter::from_fn(|| player.poll_event()).filter(|event| *event == Event::Looped).count();
        assert!(laps >= 8, "{laps}");
    }
}

#[test]
fn the_budget_bounds_what_is_held() {
    let clip = clip_of(&sequence(5, 3000, 60));
    let one = clip.limits().max_live_bytes;
    let needed = Player::needed_bytes(&clip);
    let full = Player::full_bytes(&clip);
    assert_eq!(needed, clip.live_bytes(0) * 2, "a moment, and the one still shown");
    assert_eq!(full, one * 2 + clip.live_bytes(0), "and the first look at one sought");
    for (budget_bytes, lod) in [(needed, 0), (full - 1, 2), (full, 3), (one * 4, 3)] {
        let options = PlayerOptions { budget_bytes, loop_mode: LoopMode::Loop, ..PlayerOptions::default() };
        let mut player = open(&clip, options);
        player.play(0);
        for frame in 0..200 {
            settle(&mut player, frame * 33_333_333);
            let stats = player.stats();
            assert!(stats.held_bytes <= budget_bytes, "{stats:?}");
            assert_eq!((stats.lod, stats.playable_lod), (lod, lod), "no other level in between");
            assert!(stats.resident_segments <= 5);
        }
    }
    let options = PlayerOptions { budget_bytes: needed - 1, ..PlayerOptions::default() };
    let refused = Player::open(clip, options);
    assert!(matches!(refused, Err(Error::LimitExceeded { value, .. }) if value == needed));
}

#[test]
fn once_ends_and_starts_over() {
    let clip = clip_of(&sequence(5, 200, 10));
    let mut player = open(&clip, PlayerOptions::default());
    assert_eq!(player.state(), PlayState::Paused);
    player.play(0);
    settle(&mut player, 100 * MILLI);
    assert_eq!(player.state(), PlayState::Playing);
    let last = settle(&mut player, SECOND);
    assert_eq!((player.state(), last.tick), (PlayState::Ended, 9999));
    assert_eq!(last.segments.len(), 1, "the last picture stays");
    assert!(std::iter::from_fn(|| player.poll_event()).any(|event| event == Event::Ended));
    player.play(2 * SECOND);
    assert_eq!(settle(&mut player, 2 * SECOND).tick, 0);
    player.set_rate(2 * SECOND, -1.0).unwrap();
    settle(&mut player, 3 * SECOND);
    assert_eq!((player.state(), player.media_nanos(3 * SECOND)), (PlayState::Ended, 0));
    assert!(player.set_rate(0, 5.0).is_err());
}

#[test]
fn a_static_scene_and_an_empty_clip_play() {
    let mut player = open(&clip_of(&still(3, 500, 1)), PlayerOptions::default());
    player.play(0);
    assert_eq!(settle(&mut player, 5 * SECOND).segments.len(), 1);
    assert_eq!(player.state(), PlayState::Playing);
    let mut empty = sequence(1, 1, 10);
    empty.splats = vivant::splat::Splats::new(0);
    let mut player = open(&clip_of(&empty), PlayerOptions::default());
    assert!(settle(&mut player, 0).segments.is_empty());
}

/// A source that can be slow, and can fail.
struct Unsteady {
    bytes: Vec<u8>,
    delay_micros: Arc<AtomicU64>,
    failing: Arc<AtomicBool>,
}

impl ByteSource for Unsteady {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        std::thread::sleep(Duration::from_micros(self.delay_micros.load(Ordering::Relaxed)));
        if self.failing.load(Ordering::Relaxed) {
            return Err(Error::io("unsteady", "cannot read", std::io::Error::other("a test")));
        }
        let at = offset as usize;
        buffer.copy_from_slice(&self.bytes[at..at + buffer.len()]);
        Ok(())
    }

    fn name(&self) -> &str {
        "unsteady"
    }
}

fn unsteady(performance: &Performance) -> (Arc<Clip>, Arc<AtomicU64>, Arc<AtomicBool>) {
    let (bytes, _) = performance_to_bytes(performance, &WriterOptions::default()).unwrap();
    let (delay_micros, failing) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let source = Unsteady { bytes, delay_micros: delay_micros.clone(), failing: failing.clone() };
    (Arc::new(Clip::from_source(Box::new(source)).unwrap()), delay_micros, failing)
}

#[test]
fn a_slow_source_holds_the_picture_and_never_the_frame() {
    let (clip, delay, _) = unsteady(&sequence(6, 2000, 60));
    let budget_bytes = clip.limits().max_live_bytes * 3;
    let mut player = open(&clip, PlayerOptions { budget_bytes, ..PlayerOptions::default() });
    settle(&mut player, 0);
    delay.store(20_000, Ordering::Relaxed);
    player.play(0);
    let (mut slow, mut held) = (0, 0);
    for frame in 0..60_i64 {
        let begun = Instant::now();
        let live = player.update(frame * 33_333_333).unwrap();
        slow += usize::from(begun.elapsed() > Duration::from_millis(15));
        // Never a mix: the set shown is whole for its own time.
        let tick = live.tick;
        assert_eq!(live.segments.len(), 1);
        assert!((live.segments[0].start..live.segments[0].end).contains(&tick));
        held += u64::from(player.stats().holding);
        std::thread::sleep(Duration::from_millis(2));
    }
    let stats = player.stats();
    assert!(held > 20 && stats.underruns > 0 && stats.held_updates >= held, "{stats:?}");
    // A frame path that waited would take 20 ms and more on every held frame; a busy machine may do so to a few.
    assert!(slow < 10, "{slow} of {held}");
    delay.store(0, Ordering::Relaxed);
    player.seek(SECOND, SECOND / 2);
    player.pause(SECOND);
    assert_eq!(settle(&mut player, SECOND).tick, 15_000);
}

#[test]
fn reads_that_fail_are_told_once_and_tried_again() {
    let (clip, _, failing) = unsteady(&sequence(6, 500, 60));
    let budget_bytes = clip.limits().max_live_bytes * 2;
    let mut player = open(&clip, PlayerOptions { budget_bytes, ..PlayerOptions::default() });
    settle(&mut player, 0);
    failing.store(true, Ordering::Relaxed);
    player.seek(0, SECOND);
    let begun = Instant::now();
    let error = loop {
        let live = player.update(0).unwrap();
        assert_eq!(live.tick, 0, "the last picture is held");
        if let Some(error) = player.error() {
            break error;
        }
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(1));
    };
    assert!(matches!(error, Error::Io { .. }), "{error}");
    failing.store(false, Ordering::Relaxed);
    let mended = Instant::now();
    assert_eq!(settle(&mut player, 0).tick, 30_000);
    assert!(mended.elapsed() < Duration::from_secs(2), "{:?}", mended.elapsed());
}

#[test]
fn a_damaged_segment_is_told_and_played_over() {
    let options = WriterOptions { compression: Compression::Raw, ..WriterOptions::default() };
    let (bytes, _) = performance_to_bytes(&sequence(6, 1500, 30), &options).unwrap();
    let bytes = Arc::new(bytes);
    let whole = Clip::from_source(Tampered::flipped(&bytes, &[])).unwrap();
    let damaged = whole.live_nodes(10_000)[0];
    let at = whole.nodes()[damaged as usize].offset as usize + 8192;
    let clip = Arc::new(Clip::from_source(Tampered::flipped(&bytes, &[(at, 1)])).unwrap());
    let mut player = open(&clip, PlayerOptions::default());
    settle(&mut player, 0);
    player.seek(0, 9 * SECOND / 30);
    settle(&mut player, 0);
    player.seek(0, 10 * SECOND / 30);
    for _ in 0..50 {
        assert_eq!(player.update(0).unwrap().tick, 9000, "held");
        std::thread::sleep(Duration::from_millis(1));
    }
    let error = player.error().unwrap();
    assert!(matches!(&error, Error::Malformed { field, .. } if field.starts_with("segment[")), "{error}");
    assert!(player.error().is_none(), "told once");
    player.seek(0, 11 * SECOND / 30);
    assert_eq!(settle(&mut player, 0).tick, 11_000);
    assert!(live_at(&clip, 10 * SECOND / 30).is_err());
}

#[test]
fn closing_in_the_middle_of_a_read_is_clean() {
    let (clip, delay, _) = unsteady(&sequence(6, 200, 60));
    for round in 0..20 {
        delay.store(round * 300, Ordering::Relaxed);
        let mut player = open(&clip, PlayerOptions::default());
        player.play(0);
        player.update(round as i64 * 100 * MILLI);
        drop(player);
    }
    assert_eq!(Arc::strong_count(&clip), 1, "no thread is left");
}

#[test]
fn a_player_that_nobody_updates_stays_within_its_budget() {
    let clip = clip_of(&sequence(7, 1500, 300));
    let budget_bytes = clip.limits().max_live_bytes * 8;
    let mut player = open(&clip, PlayerOptions { budget_bytes, ..PlayerOptions::default() });
    std::thread::sleep(Duration::from_millis(150));
    assert!(player.stats().held_bytes <= budget_bytes);
    // And a host that jumps about without waiting for pictures.
    for jump in 0..200_i64 {
        player.seek(0, (jump * 7919 % 300) * SECOND / 30);
        player.update(0);
        if jump % 10 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    settle(&mut player, 0);
    assert!(player.stats().held_bytes <= budget_bytes);
}
