//! The thread that decodes sound ahead, and what it shares with the reader.
//!
//! A fixed number of blocks goes round: empty ones to the thread, decoded ones to the reader, through two bounded
//! lock-free queues. The reader says where it is; the thread fills what is wanted and not out already. Nothing is
//! allocated and no order has to be kept: a block that came too late is wanted by nobody and goes straight back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam::queue::ArrayQueue;

use super::audio_course::{BLOCKS, Block, Course, Timeline};
use crate::audio::Decoder;
use crate::clip::{Clip, PACKET_SAMPLES};
use crate::error::{Error, Result};

/// Errors that can wait for the host; more are dropped, the first ones tell.
const ERRORS_LEN: usize = 16;
/// Packets whose failure is remembered, to be told once.
const TOLD_LEN: usize = 256;
/// How long the thread sleeps when nobody wakes it.
const IDLE: Duration = Duration::from_millis(100);
/// How long it waits for blocks to come back.
const SHORT: Duration = Duration::from_millis(4);

/// What the reader and the thread share.
#[derive(Debug)]
pub(super) struct Shared {
    /// Where playback is, in media samples, as the bits of an f64.
    media: AtomicU64,
    /// What plays, likewise. Read while it changes, it costs a packet that nobody wants.
    span: [AtomicU64; 2],
    wraps: AtomicBool,
    pub(super) stop: AtomicBool,
    pub(super) decoded: ArrayQueue<Box<Block>>,
    pub(super) empty: ArrayQueue<Box<Block>>,
    pub(super) errors: ArrayQueue<Error>,
    pub(super) damaged_packets: AtomicU64,
}

impl Shared {
    /// Of a reader that starts with `span`.
    pub(super) fn new(span: (f64, f64)) -> Self {
        let shared = Self {
            media: AtomicU64::new(0.0_f64.to_bits()),
            span: [const { AtomicU64::new(0) }; 2],
            wraps: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            decoded: ArrayQueue::new(BLOCKS),
            empty: ArrayQueue::new(BLOCKS),
            errors: ArrayQueue::new(ERRORS_LEN),
            damaged_packets: AtomicU64::new(0),
        };
        shared.steer(0.0, span, false);
        shared
    }

    pub(super) fn steer(&self, media: f64, span: (f64, f64), wraps: bool) {
        self.span[0].store(span.0.to_bits(), Ordering::Relaxed);
        self.span[1].store(span.1.to_bits(), Ordering::Relaxed);
        self.wraps.store(wraps, Ordering::Relaxed);
        self.media.store(media.to_bits(), Ordering::Release);
    }

    fn course(&self, timeline: &Timeline) -> Course {
        let media = f64::from_bits(self.media.load(Ordering::Acquire));
        let [first, end] = [0, 1].map(|side: usize| f64::from_bits(self.span[side].load(Ordering::Relaxed)));
        timeline.course(media, (first, end), self.wraps.load(Ordering::Relaxed))
    }
}

/// The thread's state.
pub(super) struct Worker {
    clip: Arc<Clip>,
    shared: Arc<Shared>,
    timeline: Timeline,
    decoder: Decoder,
    spare: Vec<Box<Block>>,
    /// Packets that the reader has, or will have when it looks.
    out: Vec<i64>,
    told: Vec<i64>,
}

impl Worker {
    pub(super) fn new(
        clip: Arc<Clip>,
        track: usize,
        timeline: Timeline,
        shared: Arc<Shared>,
    ) -> Result<Self> {
        let decoder = Decoder::new(&clip, track)?;
        let block = || Box::new(Block { packet: 0, frames: [[0.0; 2]; PACKET_SAMPLES] });
        let spare = std::iter::repeat_with(block).take(BLOCKS).collect();
        let (out, told) = (Vec::with_capacity(BLOCKS), Vec::with_capacity(TOLD_LEN));
        Ok(Self { clip, shared, timeline, decoder, spare, out, told })
    }

    /// Runs until the reader says stop.
    pub(super) fn run(mut self) {
        while !self.shared.stop.load(Ordering::Acquire) {
            if let Some(pause) = self.round() {
                std::thread::park_timeout(pause);
            }
        }
    }

    /// Decodes the most urgent packet that is not out; else how long to sleep.
    fn round(&mut self) -> Option<Duration> {
        while let Some(block) = self.shared.empty.pop() {
            self.out.retain(|&packet| packet != block.packet);
            self.spare.push(block);
        }
        let mut wanted = self.shared.course(&self.timeline).ahead();
        let missing = wanted.find(|packet| self.timeline.has(*packet) && !self.out.contains(packet));
        let Some(packet) = missing else { return Some(IDLE) };
        let Some(mut block) = self.spare.pop() else { return Some(SHORT) };
        block.packet = packet;
        let number = u64::try_from(packet).unwrap_or(u64::MAX);
        if let Err(error) = self.decoder.decode(&self.clip, number, &mut block.frames) {
            self.shared.damaged_packets.fetch_add(1, Ordering::Relaxed);
            if self.told.len() < TOLD_LEN && !self.told.contains(&packet) {
                self.told.push(packet);
                // A full queue already tells the host that something is wrong.
                self.shared.errors.push(error).ok();
            }
        }
        self.out.push(packet);
        // The queue has room for every block there is; were it full, the packet would be decoded again.
        if let Err(block) = self.shared.decoded.push(block) {
            self.out.pop();
            self.spare.push(block);
            return Some(SHORT);
        }
        None
    }
}
