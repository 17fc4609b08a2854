//! Content for the figures: synthetic motion, written segment by segment, so that a performance of any length needs the
//! memory of one segment.
//!
//! Three levels, as an importer would make of a performer: what always stays, what stays for a while, what changes every
//! second. Segment `n` is drawn from `n` modulo 16, so the motion loops and the writer's work is the file's.

use std::path::Path;

use vivant::Result;
use vivant::clip::{Compression, WriteReport, Writer, WriterOptions};
use vivant::splat::{Appearance, ClipInfo, Life, Motion, Splat, Splats};
use vivant::time::{TICKS_PER_FRAME, TickRate};
use vivant_tests::random::Random;

/// Frames a second of all content here.
pub(crate) const FPS: u32 = 30;
/// Ticks a second.
pub(crate) const TICKS: i64 = FPS as i64 * TICKS_PER_FRAME as i64;
/// Different segments of a level, after which they repeat.
const REPEAT: i64 = 16;

/// A level: its number in the file, the length of its segments in ticks, the splats of each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Level(pub(crate) u8, pub(crate) i64, pub(crate) u32);

/// A performance to write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) seconds: i64,
    pub(crate) levels: [Level; 3],
    pub(crate) compression: Compression,
}

impl Plan {
    /// Splats live at once.
    pub(crate) fn live(&self) -> u32 {
        self.levels.iter().map(|level| level.2).sum()
    }
}

/// Writes it.
pub(crate) fn write(path: &Path, plan: &Plan) -> Result<WriteReport> {
    let rate = TickRate::for_fps(FPS, 1).unwrap_or(TickRate { num: 30_000, den: 1 });
    let duration = plan.seconds * TICKS;
    let info = ClipInfo { rate, duration, fps: (FPS, 1), sh_degree: 0, appearance: Appearance::default() };
    let options = WriterOptions { compression: plan.compression, ..WriterOptions::default() };
    let mut writer = Writer::create(path, &info, &options)?;
    for Level(level, length, splats) in plan.levels {
        let length = length.min(duration);
        let mut start = 0;
        while start < duration {
            let end = (start + length).min(duration);
            let splats = segment(level, start, end, splats);
            writer.push_segment(level, start, end, &splats)?;
            start = end;
        }
    }
    writer.finish()
}

fn segment(level: u8, start: i64, end: i64, count: u32) -> Splats {
    let number = start / (end - start).max(1) % REPEAT;
    let mut random = Random::new(u64::from(level) << 32 | number.unsigned_abs());
    let mut out = Splats::new(0);
    let middle = (start + end) as f64 / 2.0 / TICKS as f64;
    for _ in 0..count {
        let mut three = |size: f32| [0; 3].map(|_| random.range(-size, size));
        let splat = Splat {
            mean: three(0.6),
            colour: three(0.5).map(|c| c + 0.5),
            scale: three(0.004).map(|s| s + 0.008),
            motion: Motion {
                velocity: three(0.3),
                quadratic: three(0.1),
                cubic: [0.0; 3],
                spin: [0.1, 0.0, 0.0, 0.0],
            },
            life: Life { t0: middle, sigma_t: 2.0 + random.unit(), start, end },
            rotation: random.rotation(),
            opacity: random.range(0.3, 1.0),
        };
        out.push(&splat, &[]);
    }
    out
}
