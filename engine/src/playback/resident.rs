//! The player's table of what the loader has handed over, and the question it answers: is all of a moment here?
//!
//! Sorted by identity, with room for everything that the loader ever hands over, so that keeping it allocates nothing.

use std::sync::Arc;

use super::schedule::{Id, MAX_RESIDENT};
use crate::clip::{Clip, LiveNodes};
use crate::frame::{FULL_LOD, SegmentData};

/// Places looked at around a target, at most: the finest segments nearest to it, so that scrubbing stays cheap.
const CANDIDATES: usize = 16;

/// Segments named as coming at most: more than a renderer prepares for.
pub(super) const MAX_COMING: usize = 16;

/// Segments in memory, and those known to be damaged.
#[derive(Debug)]
pub(super) struct Resident {
    segments: Vec<Arc<SegmentData>>,
    lost: Vec<Id>,
    /// Segments that are whole only up to a level of detail.
    cut: Vec<(Id, u8)>,
}

impl Resident {
    pub(super) fn new() -> Self {
        Self {
            segments: Vec::with_capacity(MAX_RESIDENT),
            lost: Vec::with_capacity(MAX_RESIDENT),
            cut: Vec::with_capacity(MAX_RESIDENT),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.segments.len()
    }

    fn find(&self, id: Id) -> Result<usize, usize> {
        self.segments.binary_search_by_key(&id, |data| data.id)
    }

    pub(super) fn insert(&mut self, data: Arc<SegmentData>) {
        match self.find(data.id) {
            Ok(at) => self.segments[at] = data,
            // The loader keeps to the capacity; what would pass it is not worth an allocation here.
            Err(at) if self.segments.len() < MAX_RESIDENT => self.segments.insert(at, data),
            Err(_) => {}
        }
    }

    /// Lets go of a segment. The loader holds another reference, so this frees nothing here.
    pub(super) fn remove(&mut self, id: Id) {
        if let Ok(at) = self.find(id) {
            self.segments.remove(at);
        }
    }

    /// Notes a damaged segment; gives whether it is news.
    pub(super) fn lose(&mut self, id: Id) -> bool {
        let news = !self.lost.contains(&id) && self.lost.len() < MAX_RESIDENT;
        if news {
            self.lost.push(id);
        }
        news
    }

    /// Notes a segment that is whole only up to a level of detail; gives whether it is news.
    pub(super) fn cut(&mut self, id: Id, best: u8) -> bool {
        if let Some((_, known)) = self.cut.iter_mut().find(|(cut, _)| *cut == id) {
            *known = best;
            return false;
        }
        let room = self.cut.len() < MAX_RESIDENT;
        if room {
            self.cut.push((id, best));
        }
        room
    }

    /// Whether a segment is shown coarser than it will be where `playable` is the finest level.
    pub(super) fn will_be_finer(&self, data: &SegmentData, playable: u8) -> bool {
        let known = self.cut.iter().find(|(id, _)| *id == data.id);
        data.lod < known.map_or(FULL_LOD, |(_, best)| *best).min(playable)
    }

    /// Forgets the damage of all clips but one.
    pub(super) fn forget_others(&mut self, clip: u64) {
        self.cut.retain(|(id, _)| id.0 == clip);
        self.lost.retain(|id| id.0 == clip);
    }

    /// Whether all that can ever be shown of a moment is here, and something is.
    pub(super) fn has(&self, clip: &Clip, nodes: &LiveNodes) -> bool {
        let mut here = 0;
        for &node in nodes.iter() {
            let id = (clip.id(), node);
            if self.find(id).is_ok() {
                here += 1;
            } else if !self.lost.contains(&id) {
                return false;
            }
        }
        here > 0 || nodes.is_empty()
    }

    /// Puts the segments of a moment into `out`, coarse levels first.
    pub(super) fn collect(&self, clip: &Clip, nodes: &LiveNodes, out: &mut Vec<Arc<SegmentData>>) {
        out.clear();
        let here = nodes.iter().filter_map(|&node| self.find((clip.id(), node)).ok());
        out.extend(here.filter_map(|at| self.segments.get(at).cloned()));
    }

    /// Names the segments of a clip that are here but not `live`, soonest first in the direction of play; those already
    /// passed, which a loop would need again, last.
    pub(super) fn coming(
        &self,
        live: &[Arc<SegmentData>],
        clip: u64,
        tick: i64,
        forward: bool,
        out: &mut Vec<Arc<SegmentData>>,
    ) {
        const PASSED: i64 = i64::MAX / 2;
        let wait = |data: &SegmentData| match forward {
            true if data.start >= tick => data.start - tick,
            true => PASSED + (data.start / 2).max(0),
            false if data.end <= tick => tick - data.end,
            false => PASSED - (data.end / 2).max(0),
        };
        out.clear();
        for data in self.segments.iter().filter(|data| data.id.0 == clip) {
            // Few of each, so a search costs less than a set would.
            if live.iter().any(|segment| Arc::ptr_eq(segment, data)) {
                continue;
            }
            let at = out.partition_point(|other| wait(other) <= wait(data));
            if at < MAX_COMING {
                if out.len() == MAX_COMING {
                    out.pop();
                }
                out.insert(at, data.clone());
            }
        }
    }

    /// The tick nearest to `tick` inside `range` of which all is here, if one is nearer than `within` ticks. Such a tick
    /// is the target itself or stands at an edge of a resident segment; the nearest few of those are tried.
    pub(super) fn nearest(&self, clip: &Clip, tick: i64, range: (i64, i64), within: i64) -> Option<i64> {
        let mut nearest = [(i64::MAX, 0_i64); CANDIDATES];
        let first = self.segments.partition_point(|data| data.id < (clip.id(), 0));
        let own = self.segments.iter().skip(first).take_while(|data| data.id.0 == clip.id());
        for data in own {
            let at = tick.clamp(data.start, (data.end - 1).max(data.start)).clamp(range.0, range.1 - 1);
            let entry = ((at - tick).abs(), at);
            let worst = &mut nearest[CANDIDATES - 1];
            if entry.0 < within && entry < *worst {
                *worst = entry;
                nearest.sort_unstable();
            }
        }
        let candidates = nearest.iter().filter(|(distance, _)| *distance < within);
        candidates.map(|(_, at)| *at).find(|&at| self.has(clip, &clip.live_nodes(at)))
    }
}
