//! Uploads beside the frames: batches that go round under validation and synchronization validation, on whatever queue
//! there is, and late data that no frame waits for.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests panic where they are wrong, and their numbers are chosen to fit"
)]

use std::time::Instant;

use glam::DVec3;
use vivant::gpu::{
    BATCHES, BindLayouts, Buffer, BufferKind, Encoder, Frame, Gpu, GpuOptions, Timings, Transfer,
};
use vivant::render::{CanvasDescription, Performer, Renderer, Settings};
use vivant_tests::gpu::{assert_fails, assert_silent, open};
use vivant_tests::performances;
use vivant_tests::stage::{clip_of, live_at, stereo};

const WORDS: usize = 1024;

fn buffer(gpu: &Gpu, kind: BufferKind) -> Buffer {
    Buffer::new(gpu, "round", (WORDS * 4) as u64, kind).unwrap()
}

fn opened() -> Option<Gpu> {
    open(&GpuOptions { force_transfer: true, ..GpuOptions::default() })
}

/// Records and submits one batch that copies `from` to `to`.
fn send(transfer: &mut Transfer, batch: usize, from: &Buffer, to: &Buffer) {
    transfer.begin(batch).unwrap();
    transfer.copy(batch, (from, 0), (to, 0), (WORDS * 4) as u64);
    transfer.submit(batch).unwrap();
}

#[test]
fn batches_go_round_and_frames_see_what_they_wait_for() {
    let Some(gpu) = opened() else { return };
    assert!(gpu.capabilities().transfer_queue && !gpu.capabilities().unified_memory);
    let layouts = BindLayouts::new(&gpu).unwrap();
    let mut frames = [(); 2].map(|()| Frame::new(&gpu, "round").unwrap());
    let mut timings = Timings::new(&gpu).unwrap();
    let mut transfer = Transfer::new(&gpu).unwrap();
    let mut staging: Vec<Buffer> = (0..BATCHES).map(|_| buffer(&gpu, BufferKind::Staging)).collect();
    let filled = buffer(&gpu, BufferKind::Filled);
    let mut back = buffer(&gpu, BufferKind::Readback);
    let (mut sent, mut batches) = (0, 0);
    for number in 1..=60_u64 {
        let slot = (number % 2) as usize;
        frames[slot].wait().unwrap();
        let completed = number.saturating_sub(2);
        // Every third frame needs what was just sent; the others take up what is done.
        if let Some(batch) = transfer.free(completed) {
            let words: Vec<u32> = (0..WORDS as u32).map(|word| word ^ number as u32).collect();
            staging[batch].write(0, &words).unwrap();
            sent = number;
            batches += 1;
            send(&mut transfer, batch, &staging[batch], &filled);
        }
        let needed = if number % 3 == 0 { transfer.next_serial() - 1 } else { 0 };
        let mut encoder = Encoder::begin(&layouts, &frames[slot], &mut timings).unwrap();
        encoder.copy((&filled, 0), (&back, 0), (WORDS * 4) as u64);
        encoder.barrier();
        encoder.finish().unwrap();
        frames[slot].submit_after(&transfer.waits(needed, number)).unwrap();
        if number % 3 == 0 {
            frames[slot].wait().unwrap();
            let words: &[u32] = bytemuck::cast_slice(back.mapped());
            assert!((0..).zip(words).all(|(at, word)| *word == at ^ sent as u32), "frame {number}");
            assert_eq!(transfer.done_serial(), transfer.next_serial() - 1);
        }
    }
    frames.iter_mut().for_each(|frame| frame.wait().unwrap());
    drop((transfer, frames));
    eprintln!("{batches} batches in 60 frames");
    assert!(batches > 20, "batches ran out: {batches}");
    assert_silent(&gpu);
}

#[test]
fn a_batch_that_no_frame_waited_for_is_not_free() {
    let Some(gpu) = opened() else { return };
    let layouts = BindLayouts::new(&gpu).unwrap();
    let mut transfer = Transfer::new(&gpu).unwrap();
    let mut frame = Frame::new(&gpu, "one").unwrap();
    let mut timings = Timings::new(&gpu).unwrap();
    let (from, to) = (buffer(&gpu, BufferKind::Staging), buffer(&gpu, BufferKind::Filled));
    for _ in 0..BATCHES {
        let batch = transfer.free(0).expect("a fresh one");
        send(&mut transfer, batch, &from, &to);
    }
    transfer.wait().unwrap();
    assert_eq!(transfer.free(u64::MAX), None, "all are done, but their semaphores are signalled");
    Encoder::begin(&layouts, &frame, &mut timings).unwrap().finish().unwrap();
    frame.submit_after(&transfer.waits(0, 7)).unwrap();
    frame.wait().unwrap();
    assert_eq!(transfer.free(6), None, "frame 7 may not be over");
    assert_eq!(transfer.free(7), Some(0));
    drop((transfer, frame));
    assert_silent(&gpu);
}

/// The comparer must be able to fail: validation speaks up when a batch is used again though the frame that should have
/// waited for it never was submitted.
#[test]
fn a_semaphore_signalled_twice_is_noticed() {
    let Some(gpu) = opened() else { return };
    let mut transfer = Transfer::new(&gpu).unwrap();
    let (from, to) = (buffer(&gpu, BufferKind::Staging), buffer(&gpu, BufferKind::Filled));
    let batch = transfer.free(0).unwrap();
    send(&mut transfer, batch, &from, &to);
    transfer.wait().unwrap();
    let _never_submitted = transfer.waits(1, 1);
    let again = transfer.free(1).unwrap();
    assert_eq!(again, batch);
    send(&mut transfer, again, &from, &to);
    drop(transfer);
    assert_fails("a semaphore that is signalled twice", std::panic::AssertUnwindSafe(|| assert_silent(&gpu)));
}

/// A frame whose data are late is recorded while the GPU is still at the frame before: it waits for nothing.
#[test]
fn late_data_do_not_wait_for_the_gpu() {
    for options in [
        GpuOptions { force_staging: true, ..GpuOptions::default() },
        GpuOptions { force_transfer: true, ..GpuOptions::default() },
    ] {
        let Some(gpu) = open(&options) else { return };
        let clip = clip_of(&performances::sequence(30));
        let views = stereo(DVec3::ZERO, 0.5);
        let mut renderer = Renderer::new(&gpu).unwrap();
        let canvas = renderer.canvas(&CanvasDescription::new(1024, 1024, 2)).unwrap();
        let draw = |renderer: &mut Renderer, frame: u32| {
            let live = live_at(&clip, (f64::from(frame) + 0.5) / f64::from(performances::FPS));
            let performer = Performer::new(&live, &clip.info());
            let begun = Instant::now();
            renderer.draw(&[performer], &views, &Settings::default(), &canvas).unwrap();
            begun.elapsed()
        };
        // The fullest frame first, so that nothing grows later.
        draw(&mut renderer, 29);
        renderer.wait().unwrap();
        let grown = renderer.statistics().growths;
        let mut best = 0.0_f64;
        for frame in 1..10 {
            draw(&mut renderer, 29);
            let uploaded = renderer.statistics().uploaded_bytes;
            let recorded = draw(&mut renderer, frame);
            assert!(renderer.statistics().uploaded_bytes > uploaded, "frame {frame} is not late");
            let begun = Instant::now();
            renderer.wait().unwrap();
            best = best.max(begun.elapsed().as_secs_f64() / recorded.as_secs_f64());
        }
        eprintln!("the GPU was busy for {best:.1} times as long as a late frame took to record, at best");
        assert!(best > 3.0, "{best}");
        assert_eq!(renderer.statistics().growths, grown);
        drop((renderer, canvas));
        assert_silent(&gpu);
    }
}
