//! How fine what comes can be loaded in time: levels of detail drop before frames do.
//!
//! Every read is timed. What is missing of the time ahead is a list of deadlines, at the present speed; a level is
//! possible if all of it can be decoded by them, at the rate measured. If the present level is not, the finest that is
//! takes its place at once. Back up it goes a level at a time, when the decoders have been idle enough that the next
//! finer level, which is more work, would still leave them air. A level that was tried and did not hold is tried again
//! later and later, so that nobody sees it come and go.

use super::decoders::DECODERS;
use crate::frame::{FULL_LOD, LODS};

/// The part of the time to a deadline that may be planned with.
const SLACK: f64 = 0.7;
/// The part of the decoders' time that a finer level may take.
const MOST_BUSY: f64 = 0.7;
/// Seconds over which the decoders' time is averaged.
const MEMORY: f64 = 2.0;
/// Weight of a new measurement of speed.
const NEWS: f64 = 0.25;
/// Seconds at a level before a finer one is tried: at first, and after it did not hold, at most.
const PATIENCE: (f64, f64) = (1.0, 32.0);
/// A level that held for so long, in seconds, was worth it.
const HELD: f64 = 10.0;

/// A segment that is missing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Missing {
    /// Seconds until it shows.
    pub(super) deadline: f64,
    /// Bytes to decode, by level.
    pub(super) work: [u64; LODS],
}

/// What lies ahead.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Whether media time runs.
    pub(super) running: bool,
    /// What is missing and not yet begun, most urgent first.
    pub(super) missing: Vec<Missing>,
    /// Bytes that the decoders are at.
    pub(super) begun: u64,
    /// Bytes of all that comes, missing or not, by level.
    pub(super) flow: [u64; LODS],
}

/// The control loop.
#[derive(Debug)]
pub(super) struct Pressure {
    level: u8,
    seconds_per_byte: Option<f64>,
    /// Seconds the decoders were busy, and seconds that passed, both fading.
    busy: f64,
    span: f64,
    now: f64,
    changed: f64,
    raised: f64,
    patience: f64,
}

impl Pressure {
    pub(super) fn new() -> Self {
        Self {
            level: FULL_LOD,
            seconds_per_byte: None,
            busy: 0.0,
            span: 0.0,
            now: 0.0,
            changed: 0.0,
            raised: f64::NEG_INFINITY,
            patience: PATIENCE.0,
        }
    }

    /// Notes that decoding so many bytes took so many seconds.
    pub(super) fn note(&mut self, bytes: u64, seconds: f64) {
        self.busy += seconds;
        let found = seconds / bytes.max(1) as f64;
        let before = self.seconds_per_byte.unwrap_or(found);
        self.seconds_per_byte = Some(before + NEWS * (found - before));
    }

    /// Seconds that decoding so many bytes will take; none before anything was measured.
    pub(super) fn seconds_for(&self, bytes: u64) -> Option<f64> {
        Some(self.seconds_per_byte? * bytes as f64)
    }

    /// The level at which to load, at `now` seconds, where the budget allows `base`.
    pub(super) fn level(&mut self, now: f64, base: u8, ahead: &Ahead) -> u8 {
        let passed = (now - self.now).max(0.0);
        let fade = (-passed / MEMORY).exp();
        (self.busy, self.span, self.now) = (self.busy * fade, self.span * fade + passed, now);
        if !ahead.running {
            (self.level, self.changed, self.patience) = (FULL_LOD, now, PATIENCE.0);
            return base;
        }
        let level = self.level.min(base);
        if level > 0 && !self.in_time(level, ahead) {
            self.level = (1..level).rev().find(|&lod| self.in_time(lod, ahead)).unwrap_or(0);
            self.patience =
                if now - self.raised < HELD { (self.patience * 2.0).min(PATIENCE.1) } else { PATIENCE.0 };
            self.changed = now;
        } else if level < base && now - self.changed >= self.patience && self.has_air(level, ahead) {
            self.level = level + 1;
            (self.changed, self.raised) = (now, now);
        }
        self.level.min(base)
    }

    /// Whether all that is missing is there by its deadline if it is loaded at `lod`.
    fn in_time(&self, lod: u8, ahead: &Ahead) -> bool {
        let Some(seconds_per_byte) = self.seconds_per_byte else { return true };
        let mut queue = ahead.begun as f64;
        ahead.missing.iter().all(|missing| {
            let own = missing.work.get(usize::from(lod)).map_or(0.0, |&bytes| bytes as f64);
            queue += own;
            own.max(queue / DECODERS as f64) * seconds_per_byte <= SLACK * missing.deadline
        })
    }

    /// Whether the level above `lod` would leave the decoders idle now and then.
    fn has_air(&self, lod: u8, ahead: &Ahead) -> bool {
        let at = usize::from(lod);
        let [now, then] = [at, at + 1].map(|at| ahead.flow.get(at).copied().unwrap_or(0).max(1) as f64);
        let busy = self.busy / (self.span.max(1e-3) * DECODERS as f64);
        busy * then / now <= MOST_BUSY && self.in_time(lod + 1, ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays `seconds` of a stream whose full segments of a thirtieth of a second take `cost` of their own time on one
    /// decoder, a second ahead; gives the levels of the segments in the order in which they were loaded, and how many
    /// came late.
    fn play(pressure: &mut Pressure, from: f64, seconds: f64, cost: f64) -> (Vec<u8>, usize) {
        const STEP: f64 = 1.0 / 30.0;
        let work = [125, 250, 500, 1000];
        let (mut levels, mut late) = (Vec::new(), 0);
        // Each decoder is free from some time on; segment `next` is the first that is not begun.
        let mut free = [from; DECODERS];
        let mut next = 0_u32;
        let mut now = from;
        while now < from + seconds {
            let shows = |number: u32| from + 0.5 + f64::from(number) * STEP;
            let missing: Vec<Missing> = (next..next + 60)
                .map(|number| Missing { deadline: shows(number) - now, work })
                .take_while(|missing| missing.deadline < 1.0)
                .collect();
            let ahead = Ahead { running: true, missing, begun: 0, flow: work };
            let level = pressure.level(now, FULL_LOD, &ahead);
            for decoder in &mut free {
                if *decoder <= now && shows(next) - now < 1.0 {
                    let bytes = work[usize::from(level)];
                    let took = STEP * cost * bytes as f64 / 1000.0;
                    pressure.note(bytes, took);
                    late += usize::from(now + took > shows(next));
                    levels.push(level);
                    *decoder = now + took;
                    next += 1;
                }
            }
            now += 0.002;
        }
        (levels, late)
    }

    #[test]
    fn what_can_be_loaded_in_time_is_loaded_in_full() {
        let (levels, late) = play(&mut Pressure::new(), 0.0, 20.0, 1.2);
        assert!(levels.iter().all(|level| *level == FULL_LOD) && late == 0, "{late} late");
    }

    #[test]
    fn levels_drop_before_frames_do_and_come_back() {
        let mut pressure = Pressure::new();
        let (levels, late) = play(&mut pressure, 0.0, 60.0, 5.0);
        // The first is begun before anything was measured.
        assert!(late <= DECODERS, "{late} of {} late", levels.len());
        let changes = levels.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(changes <= 12, "{changes} changes in a minute");
        let mean = levels.iter().map(|level| f64::from(*level)).sum::<f64>() / levels.len() as f64;
        assert!((0.9..2.0).contains(&mean), "the finest that holds is 1: {mean}");
        let (levels, late) = play(&mut pressure, 60.0, 60.0, 0.5);
        assert_eq!((levels.last(), late), (Some(&FULL_LOD), 0));
        // Without the control loop every frame is late.
        let mut fixed = Pressure::new();
        fixed.note(1000, 5.0 / 30.0);
        let missing: Vec<Missing> = (1..30)
            .map(|at| Missing { deadline: f64::from(at) / 30.0, work: [125, 250, 500, 1000] })
            .collect();
        let ahead = Ahead { running: true, missing, ..Ahead::default() };
        assert!(!fixed.in_time(FULL_LOD, &ahead) && fixed.in_time(0, &ahead));
    }

    #[test]
    fn a_clip_that_stands_is_under_no_pressure() {
        let mut pressure = Pressure::new();
        pressure.note(1, 10.0);
        let missing = vec![Missing { deadline: 0.01, work: [1000; LODS] }];
        let mut ahead = Ahead { running: true, missing, ..Ahead::default() };
        assert_eq!(pressure.level(0.0, 2, &ahead), 0);
        ahead.running = false;
        assert_eq!(pressure.level(0.1, 2, &ahead), 2);
    }
}
