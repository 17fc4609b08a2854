//! What to have in memory: the segments live now, then those that playback comes to, nearest first.
//!
//! Earliest deadline first: the distance of a segment is how far media time has to run before it shows. Playback goes
//! on in its direction to the end of what plays and from there, by the loop mode, from the other end or back, or into
//! the clips that follow. Behind these stands the seam of a loop: it stays in memory as long as the budget has room.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::clock::LoopMode;
use crate::clip::{Clip, MAX_LEVELS};

/// Segments wanted at once, at most: what the player's table holds.
pub(super) const MAX_RESIDENT: usize = 1024;

/// A segment: the clip's number in this process and the node's in its index, as [`crate::frame::SegmentData::id`].
pub(super) type Id = (u64, u32);

/// A segment that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) id: Id,
    /// Nanoseconds of media time until it shows.
    pub(super) distance: i64,
}

/// Where playback stands and where it goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Course {
    /// Which clip of the programme plays, counted from the first since the player opened.
    pub(super) entry: u64,
    /// The first of those that follow; numbers between the two were taken out of the queue.
    pub(super) next: u64,
    pub(super) tick: i64,
    /// What plays of the clip, in ticks: the first, and the first after it.
    pub(super) range: (i64, i64),
    pub(super) forward: bool,
    pub(super) mode: LoopMode,
    /// Ticks to look ahead.
    pub(super) horizon: i64,
    /// Media seconds that pass in a second of the host, whichever way; 0 while it stands.
    pub(super) speed: f64,
}

/// A segment that shows at some distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Coming {
    distance: i64,
    node: u32,
}

/// What is wanted, most urgent first, until a budget is spent.
struct Wish {
    found: Vec<Wanted>,
    seen: BTreeSet<Id>,
    bytes: u64,
    lod: u8,
    budget_bytes: u64,
}

impl Wish {
    /// Adds a segment; `false` when there is no room for it, and so for nothing less urgent.
    fn add(&mut self, clip: &Clip, node: u32, distance: i64, live: bool) -> bool {
        let id = (clip.id(), node);
        if !self.seen.insert(id) {
            return true;
        }
        self.bytes = self.bytes.saturating_add(bytes_of(clip, node, self.lod));
        let fits = self.bytes <= self.budget_bytes && self.found.len() < MAX_RESIDENT;
        if live || fits {
            self.found.push(Wanted { id, distance });
        }
        live || fits
    }

    /// `before` are the nanoseconds until the clip starts.
    fn add_all(&mut self, clip: &Clip, before: i64, mut coming: Vec<Coming>) -> bool {
        coming.sort_unstable();
        let nanos = |ticks: i64| before.saturating_add(clip.info().rate.nanos_from_ticks(ticks));
        coming.into_iter().all(|coming| self.add(clip, coming.node, nanos(coming.distance), false))
    }
}

/// Decoded bytes of a node at a level of detail.
pub(super) fn bytes_of(clip: &Clip, node: u32, lod: u8) -> u64 {
    clip.nodes().get(node as usize).map_or(0, |node| node.lod_bytes(lod))
}

/// The segments to have, most urgent first. The live ones are always among them; at the level of detail `lod` the rest fit
/// the budget. `programme` is the clip that plays and those that follow.
pub(super) fn wanted<'a>(
    programme: impl IntoIterator<Item = &'a Arc<Clip>>,
    course: &Course,
    lod: u8,
    budget_bytes: u64,
) -> Vec<Wanted> {
    let mut wish = Wish { found: Vec::new(), seen: BTreeSet::new(), bytes: 0, lod, budget_bytes };
    let mut programme = programme.into_iter();
    let Some(clip) = programme.next() else { return wish.found };
    for &node in clip.live_nodes(course.tick).iter() {
        wish.add(clip, node, 0, true);
    }
    let mut coming = Vec::new();
    let leg = Leg { range: course.range, horizon: course.horizon, forward: course.forward };
    leg.walk(clip, course.tick, 0, &mut coming);
    let (first, end) = course.range;
    let to_edge = if course.forward { end - course.tick } else { course.tick - first };
    // One more leg spans all that plays, after which nothing is left to come.
    let edge = |forward: bool| if forward { first } else { end - 1 };
    match course.mode {
        LoopMode::Once => {}
        LoopMode::Loop => leg.walk(clip, edge(course.forward), to_edge, &mut coming),
        LoopMode::PingPong => {
            let back = Leg { forward: !course.forward, ..leg };
            back.walk(clip, edge(!course.forward), to_edge, &mut coming);
        }
    }
    let mut room = wish.add_all(clip, 0, coming);
    match course.mode {
        LoopMode::Once if course.forward => {
            let rate = clip.info().rate;
            let mut before = rate.nanos_from_ticks(to_edge);
            let horizon = rate.nanos_from_ticks(course.horizon);
            for clip in programme {
                if !room || before > horizon {
                    break;
                }
                let rate = clip.info().rate;
                let ahead = rate.ticks_from_nanos(horizon - before);
                let leg = Leg { range: (0, clip.span()), horizon: ahead, forward: true };
                let mut coming = Vec::new();
                leg.walk(clip, 0, 0, &mut coming);
                room = wish.add_all(clip, before, coming);
                before = before.saturating_add(clip.duration_nanos().max(1));
            }
        }
        LoopMode::Loop => {
            for &node in clip.live_nodes(edge(course.forward)).iter() {
                room = room && wish.add(clip, node, i64::MAX, false);
            }
        }
        _ => {}
    }
    wish.found
}

/// A run in one direction.
#[derive(Clone, Copy)]
struct Leg {
    range: (i64, i64),
    horizon: i64,
    forward: bool,
}

impl Leg {
    /// Adds the segments that show between `from` and the end of the range, `from` being `before` ticks from now.
    fn walk(&self, clip: &Clip, from: i64, before: i64, coming: &mut Vec<Coming>) {
        for level in 0..MAX_LEVELS {
            let range = clip.level(level);
            let first = u32::try_from(range.start).unwrap_or(u32::MAX);
            let Some(nodes) = clip.nodes().get(range) else { continue };
            let number = |at: usize| first.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
            let mut add = |at: usize, away: i64| {
                let distance = before.saturating_add(away.max(0));
                if distance <= self.horizon {
                    coming.push(Coming { distance, node: number(at) });
                }
                distance <= self.horizon
            };
            if self.forward {
                let next = nodes.partition_point(|node| node.end <= from);
                let reached = nodes.iter().enumerate().skip(next).take_while(|(_, n)| n.start < self.range.1);
                for (at, node) in reached {
                    if !add(at, node.start - from) {
                        break;
                    }
                }
            } else {
                let next = nodes.partition_point(|node| node.start <= from);
                let reached = nodes.iter().enumerate().take(next).rev();
                for (at, node) in reached.take_while(|(_, node)| node.end > self.range.0) {
                    if !add(at, from - (node.end - 1)) {
                        break;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::WriterOptions;
    use crate::codec::performance_to_bytes;
    use crate::frame::FULL_LOD;
    use crate::splat::{Appearance, ClipInfo, Life, Performance, Splat, Splats};
    use crate::time::TickRate;

    /// Ten frames with one segment each, and one segment over all of them.
    fn clip() -> Arc<Clip> {
        let mut splats = Splats::new(0);
        splats.push(&Splat::DEFAULT, &[]);
        for frame in 0..10 {
            let life = Life { start: frame * 1000, end: frame * 1000 + 1000, ..Life::ALWAYS };
            splats.push(&Splat { life, ..Splat::DEFAULT }, &[]);
        }
        let rate = TickRate::for_fps(30, 1).unwrap();
        let info = ClipInfo {
            rate,
            duration: 10_000,
            fps: (30, 1),
            sh_degree: 0,
            appearance: Appearance::default(),
        };
        let options = WriterOptions { min_node_splats: 0, ..WriterOptions::default() };
        let (bytes, _) = performance_to_bytes(&Performance { info, splats }, &options).unwrap();
        Arc::new(Clip::from_bytes("ten frames", bytes).unwrap())
    }

    /// The frames wanted, in order; the segment over all is −1.
    fn frames(clip: &Arc<Clip>, course: &Course) -> Vec<i64> {
        frames_within(&[clip], course, u64::MAX)
    }

    /// As [`frames`]; those of the clips that follow count on from ten, from twenty, ….
    fn frames_within(clips: &[&Arc<Clip>], course: &Course, budget_bytes: u64) -> Vec<i64> {
        let frame = |Wanted { id: (id, node), .. }| {
            let at = clips.iter().position(|clip| clip.id() == id).unwrap();
            let node = clips[at].nodes()[node as usize];
            let frame = if node.end - node.start == 10_000 { -1 } else { node.start / 1000 };
            10 * i64::try_from(at).unwrap() + frame
        };
        wanted(clips.iter().copied(), course, FULL_LOD, budget_bytes).into_iter().map(frame).collect()
    }

    const COURSE: Course = Course {
        entry: 0,
        next: 1,
        tick: 7500,
        range: (0, 10_000),
        forward: true,
        mode: LoopMode::Once,
        horizon: 5000,
        speed: 1.0,
    };

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
        let within = |course, bytes| frames_within(&[&clip], course, bytes);
        assert_eq!(within(&COURSE, 0), [-1, 7]);
        assert_eq!(within(&COURSE, clip.limits().max_live_bytes + one), [-1, 7, 8]);
    }

    #[test]
    fn a_range_bounds_what_comes_and_its_seam_stays() {
        let clip = clip();
        let range = Course { tick: 4200, range: (3500, 6500), mode: LoopMode::Loop, ..COURSE };
        assert_eq!(frames(&clip, &range), [-1, 4, 5, 6, 3]);
        assert_eq!(frames(&clip, &Course { horizon: 900, ..range }), [-1, 4, 5, 3], "the seam is pinned");
        assert_eq!(frames(&clip, &Course { mode: LoopMode::Once, ..range }), [-1, 4, 5, 6]);
        let back = Course { forward: false, horizon: 300, ..range };
        assert_eq!(frames(&clip, &back), [-1, 4, 3, 6]);
        assert_eq!(frames(&clip, &Course { mode: LoopMode::PingPong, ..range }), [-1, 4, 5, 6, 3]);
    }

    #[test]
    fn what_follows_is_wanted_in_its_turn() {
        let (first, second) = (clip(), clip());
        let both = |course| frames_within(&[&first, &second], course, u64::MAX);
        assert_eq!(both(&COURSE), [-1, 7, 8, 9, 9, 10, 11, 12], "its own segment over all is 9 here");
        assert_eq!(both(&Course { horizon: 2000, ..COURSE }), [-1, 7, 8, 9]);
        assert_eq!(both(&Course { mode: LoopMode::Loop, horizon: 2000, ..COURSE }), [-1, 7, 8, 9, 0]);
        assert_eq!(both(&Course { forward: false, horizon: 1000, ..COURSE }), [-1, 7, 6]);
    }
}
