//! The sound of a run of frames: blocks gathered around a position and read through the interpolation kernel.

use super::audio_course::{BLOCKS, Block, Timeline, whole};
use crate::audio::kernel::{Kernel, MAX_REACH, MAX_STEP};
use crate::clip::PACKET_SAMPLES;

/// Frames made at a time; bounds the memory of a run.
const RUN_FRAMES: usize = 128;
/// Samples that a run may need: 24 a frame and the kernel's reach.
const GATHERED: usize = RUN_FRAMES * 24 + 2 * MAX_REACH + 4;

/// The decoded packets at hand, and room to read them.
#[derive(Debug)]
pub(super) struct Window {
    timeline: Timeline,
    kernel: Kernel,
    pub(super) blocks: Vec<Box<Block>>,
    gathered: Vec<[f32; 2]>,
}

impl Window {
    pub(super) fn new(timeline: Timeline) -> Self {
        let kernel = Kernel::new();
        let blocks = Vec::with_capacity(BLOCKS);
        Self { timeline, kernel, blocks, gathered: vec![[0.0; 2]; GATHERED] }
    }

    /// Gives frame i of `out` the sound at the media sample `position + i · step`, and says how many of them lack
    /// samples that are not decoded yet. Does not allocate.
    pub(super) fn render(&mut self, position: f64, step: f64, out: &mut [[f32; 2]]) -> u32 {
        let step = step.clamp(0.0, MAX_STEP);
        let mut missing = 0;
        for (run, frames) in out.chunks_mut(RUN_FRAMES).enumerate() {
            let position = position + (run * RUN_FRAMES) as f64 * step;
            missing += self.run(position, step, frames);
        }
        missing
    }

    fn run(&mut self, position: f64, step: f64, out: &mut [[f32; 2]]) -> u32 {
        let reach = Kernel::reach(step);
        let stream = self.timeline.stream(position);
        let from = whole(stream).saturating_sub(i64::try_from(reach).unwrap_or(i64::MAX));
        let span = usize::try_from(whole(out.len() as f64 * step).max(0)).unwrap_or(usize::MAX);
        let len = span.saturating_add(2 * reach + 2).min(self.gathered.len());
        let whole_run = self.gather(from, len);
        let inside = stream - from as f64;
        let samples = &self.gathered[..len];
        for (index, frame) in out.iter_mut().enumerate() {
            *frame = self.kernel.value(samples, inside + index as f64 * step, step);
        }
        // Told for a run as a whole: what lacks one packet lacks it for the ear.
        if whole_run { 0 } else { u32::try_from(out.len()).unwrap_or(u32::MAX) }
    }

    /// Copies `len` stream samples from `from` on, silence where the track has none; `false` where a packet that it
    /// has is not here.
    fn gather(&mut self, from: i64, len: usize) -> bool {
        let mut all = true;
        let mut done = 0;
        while done < len {
            let sample = from.saturating_add(i64::try_from(done).unwrap_or(i64::MAX));
            let packet = sample.div_euclid(PACKET_SAMPLES as i64);
            let inside = usize::try_from(sample.rem_euclid(PACKET_SAMPLES as i64)).unwrap_or(0);
            let count = (PACKET_SAMPLES - inside).min(len - done);
            let to = &mut self.gathered[done..done + count];
            match self.blocks.iter().find(|block| block.packet == packet) {
                Some(block) => {
                    to.copy_from_slice(&block.frames[inside..inside + count]);
                    let edge = !self.timeline.sounds(sample)
                        || !self.timeline.sounds(sample.saturating_add(count as i64 - 1));
                    for (at, frame) in (sample..).zip(to.iter_mut()).filter(|_| edge) {
                        if !self.timeline.sounds(at) {
                            *frame = [0.0; 2];
                        }
                    }
                }
                None => {
                    to.fill([0.0; 2]);
                    all &= !self.timeline.has(packet);
                }
            }
            done += count;
        }
        all
    }
}
