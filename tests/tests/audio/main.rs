//! Sound: in and out of a clip without loss of a sample's place, by the player's clock without drift, and against
//! everything a file can do to it.
//!
//! The instrument is a click track: bursts at known media times, at uneven distances so that none passes for another.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tests panic where they are wrong, and their numbers are chosen to fit"
)]

mod cli;
mod damage;
mod master;
#[path = "../ply_sheet/mod.rs"]
mod ply_sheet;
mod ranges;
mod stored;
#[path = "../support/mod.rs"]
mod support;
mod sync;
#[path = "../vivant_binary/mod.rs"]
mod vivant_binary;
mod wav;

use std::sync::Arc;

use support::sequence;
use vivant::audio::{Pcm, PcmSource, Placement, push_audio};
use vivant::clip::{Clip, Writer, WriterOptions};

const SECOND: i64 = 1_000_000_000;

/// When click `number` sounds, seconds: one a second, 0.1 to 0.6 s into it.
fn click_at(number: usize) -> f64 {
    number as f64 + 0.1 + ((number * 37) % 50) as f64 * 0.01
}

/// A click: 5 ms of 2 kHz, from its loudest on.
fn click(since: f64) -> f32 {
    if (0.0..0.005).contains(&since) {
        (0.8 * (since * 2000.0 * std::f64::consts::TAU).cos()) as f32
    } else {
        0.0
    }
}

/// A click track of whole seconds, the same in all channels.
fn click_track(seconds: usize, rate: u32, channels: u8) -> Pcm {
    let frames = seconds * rate as usize;
    let value = |frame: usize| {
        let at = frame as f64 / f64::from(rate);
        click(at - click_at(at as usize))
    };
    let samples = (0..frames).flat_map(|frame| std::iter::repeat_n(value(frame), usize::from(channels)));
    Pcm::new(rate, channels, samples.collect()).unwrap()
}

/// The bytes of a clip of so many seconds, with almost no splats, and a sound.
fn clip_bytes(seconds: i64, source: &mut dyn PcmSource, placement: &Placement) -> Vec<u8> {
    let picture = sequence(1, 1, seconds * 30);
    let mut writer = Writer::in_memory(&picture.info, &WriterOptions::default()).unwrap();
    writer.push_segment(0, 0, picture.info.duration, &picture.splats).unwrap();
    push_audio(&mut writer, source, placement).unwrap();
    writer.finish_bytes().unwrap().0
}

fn clip_with(seconds: i64, source: &mut dyn PcmSource, placement: &Placement) -> Arc<Clip> {
    Arc::new(Clip::from_bytes("clip", clip_bytes(seconds, source, placement)).unwrap())
}

/// The frames at which sound sets in after 20 ms of quiet.
struct Onsets {
    rate: u32,
    quiet: u32,
}

impl Onsets {
    fn new(rate: u32) -> Self {
        Self { rate, quiet: u32::MAX / 2 }
    }

    /// Whether it sets in at this frame.
    fn hear(&mut self, value: f32) -> bool {
        let loud = value.abs() > 0.25;
        let sets_in = loud && self.quiet > self.rate / 50;
        self.quiet = if loud { 0 } else { self.quiet.saturating_add(1) };
        sets_in
    }
}
