//! What to have in memory: the segments live now, then those that playback comes to, nearest first.
//!
//! Earliest deadline first: the distance of a segment is how far media time has to run before it shows. Playback goes
//! on in its direction to the end of the clip and from there, by the loop mode, from the other end or back.

use std::collections::BTreeSet;

use super::clock::LoopMode;
use crate::clip::{Clip, MAX_LEVELS};

/// Segments wanted at once, at most: what the player's table holds.
pub(super) const MAX_RESIDENT: usize = 1024;

/// Where playback stands and where it goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Course {
    pub(super) tick: i64,
    pub(super) forward: bool,
    pub(super) mode: LoopMode,
    /// Ticks to look ahead.
    pub(super) horizon: i64,
    /// Decoded bytes to hold at most.
    pub(super) budget_bytes: u64,
}

/// The segments to have, most urgent first. The live ones are always among them; the rest fit the budget.
pub(super) fn wanted(clip: &Clip, course: &Course) -> Vec<u32> {
    let live = clip.live_nodes(course.tick);
    let mut wanted: Vec<u32> = live.to_vec();
    let mut seen: BTreeSet<u32> = live.iter().copied().collect();
    let bytes_of = |node: u32| clip.nodes().get(node as usize).map_or(0, crate::clip::Node::raw_bytes);
    let mut bytes: u64 = live.iter().map(|&node| bytes_of(node)).sum();
    for (_, node) in upcoming(clip, course) {
        if !seen.insert(node) {
            continue;
        }
        bytes = bytes.saturating_add(bytes_of(node));
        if bytes > course.budget_bytes || wanted.len() >= MAX_RESIDENT {
            break;
        }
        wanted.push(node);
    }
    wanted
}

/// The segments ahead with their distances in ticks, nearest first; coarse levels first among equals.
fn upcoming(clip: &Clip, course: &Course) -> Vec<(i64, u32)> {
    let span = clip.span();
    let mut found = Vec::new();
    leg(clip, course.tick, course.forward, 0, course.horizon, &mut found);
    let to_edge = if course.forward { span - course.tick } else { course.tick };
    // One more leg spans the whole clip, after which nothing is left to come.
    match course.mode {
        LoopMode::Once => {}
        LoopMode::Loop => {
            let from = if course.forward { -1 } else { span };
            leg(clip, from, course.forward, to_edge, course.horizon, &mut found);
        }
        LoopMode::PingPong => {
            let from = if course.forward { span } else { -1 };
            leg(clip, from, !course.forward, to_edge, course.horizon, &mut found);
        }
    }
    found.sort_unstable();
    found
}

/// Adds the segments that come up from `from` to the end of the clip in one direction, `before` ticks from now.
fn leg(clip: &Clip, from: i64, forward: bool, before: i64, horizon: i64, found: &mut Vec<(i64, u32)>) {
    for level in 0..MAX_LEVELS {
        let range = clip.level(level);
        let first = u32::try_from(range.start).unwrap_or(u32::MAX);
        let Some(nodes) = clip.nodes().get(range) else { continue };
        let number = |at: usize| first.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
        if forward {
            let next = nodes.partition_point(|node| node.start <= from);
            for (at, node) in nodes.iter().enumerate().skip(next) {
                let distance = before + node.start - from.max(0);
                if distance > horizon {
                    break;
                }
                found.push((distance, number(at)));
            }
        } else {
            let next = nodes.partition_point(|node| node.end <= from);
            for (at, node) in nodes.iter().enumerate().take(next).rev() {
                let distance = before + from - node.end;
                if distance > horizon {
                    break;
                }
                found.push((distance, number(at)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::WriterOptions;
    use crate::codec::performance_to_bytes;
    use crate::splat::{ClipInfo, Life, Performance, Splat, Splats};
    use crate::time::TickRate;

    /// Ten frames with one segment each, and one segment over all of them.
    fn clip() -> Clip {
        let mut splats = Splats::new(0);
        splats.push(&Splat::DEFAULT, &[]);
        for frame in 0..10 {
            let life = Life { start: frame * 1000, end: frame * 1000 + 1000, ..Life::ALWAYS };
            splats.push(&Splat { life, ..Splat::DEFAULT }, &[]);
        }
        let rate = TickRate::for_fps(30, 1).unwrap();
        let info = ClipInfo { rate, duration: 10_000, fps: (30, 1), sh_degree: 0 };
        let options = WriterOptions { min_node_splats: 0, ..WriterOptions::default() };
        let (bytes, _) = performance_to_bytes(&Performance { info, splats }, &options).unwrap();
        Clip::from_bytes("ten frames", bytes).unwrap()
    }

    /// The frames wanted, in order; the segment over all is −1.
    fn frames(clip: &Clip, course: &Course) -> Vec<i64> {
        let frame = |node: u32| {
            let node = clip.nodes()[node as usize];
            if node.end - node.start == 10_000 { -1 } else { node.start / 1000 }
        };
        wanted(clip, course).into_iter().map(frame).collect()
    }

    const COURSE: Course =
        Course { tick: 7500, forward: true, mode: LoopMode::Once, horizon: 5000, budget_bytes: u64::MAX };

    #[test]
    fn what_comes_is_wanted_in_the_order_it_comes() {
        let clip = clip();
        assert_eq!(frames(&clip, &COURSE), [-1, 7, 8, 9]);
        assert_eq!(frames(&clip, &Course { horizon: 600, ..COURSE }), [-1, 7, 8]);
        assert_eq!(frames(&clip, &Course { mode: LoopMode::Loop, ..COURSE }), [-1, 7, 8, 9, 0, 1, 2]);
        assert_eq!(frames(&clip, &Course { mode: LoopMode::PingPong, ..COURSE }), [-1, 7, 8, 9]);
        let far = Course { mode: LoopMode::PingPong, horizon: 8000, ..COURSE };
        assert_eq!(frames(&clip, &far), [-1, 7, 8, 9, 6, 5, 4]);
    }

    #[test]
    fn backwards_is_the_mirror_of_forwards() {
        let clip = clip();
        let back = Course { tick: 2500, forward: false, ..COURSE };
        assert_eq!(frames(&clip, &back), [-1, 2, 1, 0]);
        assert_eq!(frames(&clip, &Course { mode: LoopMode::Loop, ..back }), [-1, 2, 1, 0, 9, 8, 7]);
        let far = Course { mode: LoopMode::PingPong, horizon: 8000, ..back };
        assert_eq!(frames(&clip, &far), [-1, 2, 1, 0, 3, 4, 5]);
        let whole = Course { mode: LoopMode::Loop, horizon: i64::MAX / 4, ..back };
        assert_eq!(frames(&clip, &whole).len(), 11, "each once");
    }

    #[test]
    fn the_budget_cuts_what_is_far_and_never_what_is_live() {
        let clip = clip();
        let one = clip.nodes()[1].raw_bytes();
        assert_eq!(frames(&clip, &Course { budget_bytes: 0, ..COURSE }), [-1, 7]);
        assert_eq!(
            frames(&clip, &Course { budget_bytes: clip.limits().max_live_bytes + one, ..COURSE }),
            [-1, 7, 8]
        );
    }
}
