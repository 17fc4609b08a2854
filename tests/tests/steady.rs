//! A steady frame allocates nothing: player and renderer together, under a counting allocator. Alone in its file, so
//! that no other test allocates meanwhile.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use glam::DVec3;
use vivant::clip::{Clip, WriterOptions};
use vivant::gpu::{Gpu, GpuOptions};
use vivant::playback::{LoopMode, Player, PlayerOptions};
use vivant::render::{CanvasDescription, Performer, Renderer, Settings};
use vivant_tests::performances;
use vivant_tests::require::skip;
use vivant_tests::stage::{clip_of, stereo};

/// Counts what this thread asks for; the loader and the driver's threads may do as they like.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "a global allocator")]
// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // The counter may be gone when a thread ends.
        COUNT.try_with(|count| count.set(count.get() + 1)).ok();
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() -> u64 {
    COUNT.with(Cell::get)
}

#[test]
fn a_steady_frame_allocates_nothing_of_ours() {
    for force_transfer in [false, true] {
        // Without validation, whose layer allocates as it likes.
        match Gpu::create(&GpuOptions { force_transfer, ..GpuOptions::default() }) {
            Ok(gpu) => {
                play_and_count(&gpu, clip_of(&performances::moving(4000)), false);
                // Joints that the clip moves, and the host in between.
                let rigged = vivant_tests::rigged::bent_ball(4000, 1, 40, 60, true);
                play_and_count(&gpu, rigged.clip(&WriterOptions::default()).0, true);
            }
            Err(error) => return skip("vulkan", &error.to_string()),
        }
    }
}

fn play_and_count(gpu: &Gpu, clip: Clip, drives: bool) {
    let before = count();
    let boxed = std::hint::black_box(Box::new(1_u8));
    assert_eq!(count(), before + 1, "the counter does not count");
    drop(boxed);

    let clip = Arc::new(clip);
    let places: Vec<_> = clip.rig().iter().flat_map(|rig| rig.joints()).map(|joint| joint.rest).collect();
    assert_eq!(!places.is_empty(), drives);
    let options = PlayerOptions { loop_mode: LoopMode::Loop, ..PlayerOptions::default() };
    let mut player = Player::open(Arc::clone(&clip), options).expect("player");
    let mut renderer = Renderer::new(gpu).expect("renderer");
    let canvas = renderer.canvas(&CanvasDescription::new(64, 64, 2)).expect("canvas");
    let views = stereo(DVec3::ZERO, 1.5);
    while player.update(0).is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    player.play(0);
    let mut worst = 0;
    for frame in 0..300_i64 {
        // Two seconds of clip in 72 Hz frames, twice round: segments come and go.
        let before = count();
        if drives && frame % 3 == 0 {
            player.drive(&places).expect("drive");
        } else {
            player.release_drive();
        }
        let live = player.update(frame * 1_000_000_000 / 72);
        let performer = live.map(|live| Performer::new(live, &clip.info()));
        renderer.draw(performer.as_slice(), &views, &Settings::default(), &canvas).expect("draw");
        let mut ours = count() - before;
        if frame >= 150 {
            // lavapipe allocates on the calling thread while it records and submits: what it takes for a frame with
            // nothing in it is not ours. A transfer is one submission more.
            let before = count();
            renderer.draw(&[], &views, &Settings::default(), &canvas).expect("draw");
            if renderer.gpu().capabilities().transfer_queue {
                renderer.draw(&[], &views, &Settings::default(), &canvas).expect("draw");
            }
            ours = ours.saturating_sub(count() - before);
            worst = worst.max(ours);
        }
    }
    eprintln!("allocations of a steady frame beyond an empty one's: at most {worst}");
    assert_eq!(worst, 0);
    assert_eq!(renderer.statistics().growths, 2, "buffers grew after the first frames");
}

#[test]
fn what_comes_next_is_uploaded_in_small_pieces_before_its_time() {
    for (force_staging, force_transfer) in [(false, false), (true, false), (true, true)] {
        let options = GpuOptions { force_staging, force_transfer, validation: true, ..GpuOptions::default() };
        let gpu = match Gpu::create(&options) {
            Ok(gpu) => gpu,
            Err(error) => return skip("vulkan", &error.to_string()),
        };
        // Thirty frames of a ball each, in windows of one frame: something new becomes live all the time.
        let clip = Arc::new(clip_of(&performances::sequence(30)));
        let mut player = Player::open(Arc::clone(&clip), PlayerOptions::default()).unwrap();
        let mut renderer = Renderer::new(&gpu).unwrap();
        let mut canvas = renderer.canvas(&CanvasDescription::new(96, 96, 2)).unwrap();
        let views = stereo(DVec3::new(0.6, 0.0, 0.0), 2.0);
        while player.update(0).is_none_or(|live| live.coming.is_empty()) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        player.play(0);
        let (mut before, mut largest) = (0, 0);
        for frame in 0..90_i64 {
            let host = frame * 1_000_000_000 / 90;
            // The loader works in real time; the host's clock here does not.
            std::thread::sleep(std::time::Duration::from_millis(2));
            let live = player.update(host).unwrap().clone();
            let performer = Performer::new(&live, &clip.info());
            renderer.draw(&[performer], &views, &Settings::default(), &canvas).unwrap();
            let uploaded = renderer.statistics().uploaded_bytes;
            if frame > 0 {
                largest = largest.max(uploaded - before);
            }
            before = uploaded;
            if frame % 15 == 7 {
                let played = renderer.read(&mut canvas).unwrap();
                let alone = vivant::playback::live_at(&clip, player.media_nanos(host)).unwrap();
                let performer = Performer { live: &alone, ..performer };
                renderer.draw(&[performer], &views, &Settings::default(), &canvas).unwrap();
                assert!(
                    played == renderer.read(&mut canvas).unwrap(),
                    "frame {frame} is not what it should be"
                );
            }
        }
        eprintln!(
            "largest upload of a frame: {largest} bytes, staged: {force_staging}, transferred: {force_transfer}"
        );
        assert!(largest <= 2 << 20 && largest > 0, "{largest} bytes in one frame");
        drop((renderer, canvas));
        assert_eq!(gpu.validation_count(), 0, "{}", gpu.validation_messages().join("\n"));
    }
}
