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
