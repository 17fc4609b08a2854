//! The temporal hierarchy: which segment each splat of a performance goes to.
//!
//! After Xu et al., "Representing Long Volumetric Video with Temporal Gaussian Hierarchy" (SIGGRAPH Asia 2024), in
//! whole ticks. Level 0 is one segment over the clip. Level 1 cuts the clip every S ticks, each finer level halves
//! that, down to segments of about one frame; edges are moved down to whole frames, which keeps them nested and keeps
//! the frames of a sequence whole. A splat goes to the finest segment that contains its effective window
//! ([`super::life::effective_window`]), so at any time one segment a level shows everything.
//!
//! Two departures from the paper. A segment of few splats is merged into its parent, because a segment costs bytes
//! and an upload of its own. And a splat that crosses an edge of level 1, which would put it into level 0 and so into
//! memory for the whole clip, is cut there into pieces with adjacent windows, if its pieces' segments together last an
//! eighth of the clip or less: what is always resident then lives for an eighth of the clip or more, so memory is
//! bounded by the number of splats that show at once and not by the length of the clip. Clips under 16·S are not cut.

use std::collections::BTreeMap;

use super::life;
use crate::clip::{MAX_LEVELS, WriterOptions};
use crate::splat::{ClipInfo, Performance};

/// The part of a clip that a cut splat's segments may cover at most, as one over this.
const CUT_SHARE: i64 = 8;

/// The edges of all levels for one clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hierarchy {
    span: i64,
    segment: i64,
    frame: i64,
    levels: u8,
}

/// One splat, or a piece of one, with the ticks in which it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Index of the splat in the performance.
    pub splat: usize,
    /// First tick.
    pub start: i64,
    /// First tick after it.
    pub end: i64,
}

/// The pieces of every segment, by (level, number of the segment in its level).
pub(super) type Nodes = BTreeMap<(u8, i64), Vec<Piece>>;

/// What a partition made of a performance.
#[derive(Debug, Default)]
pub(super) struct Partition {
    pub(super) nodes: Nodes,
    /// Splats that no tick shows.
    pub(super) unseen: u64,
    /// Splats whose life is not a number the format holds.
    pub(super) out_of_range: u64,
    /// Pieces beyond the first of cut splats.
    pub(super) cut_pieces: u64,
}

impl Hierarchy {
    /// The hierarchy of a clip; `segment_ticks` as in [`WriterOptions::segment_ticks`].
    #[must_use]
    pub fn new(info: &ClipInfo, segment_ticks: Option<u32>) -> Self {
        let frame = frame_ticks(info);
        let second = info.rate.ticks_from_seconds(1.0).max(1);
        let segment = segment_ticks.map_or((second + frame / 2) / frame * frame, i64::from).max(frame);
        // Halve until a segment is one frame or less; that level still separates neighbouring frames.
        let mut levels = 2;
        while usize::from(levels) < MAX_LEVELS && segment >> (levels - 2) > frame {
            levels += 1;
        }
        let span = info.duration.max(1);
        // A clip that is one frame or less has nothing to divide.
        let levels = if span <= frame { 1 } else { levels };
        Self { span, segment, frame, levels }
    }

    /// Number of levels, level 0 included.
    #[must_use]
    pub fn levels(&self) -> u8 {
        self.levels
    }

    /// Ticks of a frame where that is a whole number, else 1.
    pub(super) fn frame_ticks(&self) -> i64 {
        self.frame
    }

    /// First tick of segment `index` of `level`, which is the end of the one before.
    #[must_use]
    pub fn edge(&self, level: u8, index: i64) -> i64 {
        if level == 0 {
            return if index <= 0 { 0 } else { self.span };
        }
        let exact = (index.saturating_mul(self.segment)) >> (level - 1);
        (exact - exact % self.frame).min(self.span)
    }

    /// The segment of `level` that holds `tick`.
    #[must_use]
    pub fn locate(&self, level: u8, tick: i64) -> i64 {
        if level == 0 {
            return 0;
        }
        // Edges were only ever moved down, so this is the segment or one before it.
        let mut index = (tick << (level - 1)) / self.segment;
        while self.edge(level, index + 1) <= tick && self.edge(level, index + 1) < self.span {
            index += 1;
        }
        index
    }

    /// The finest segment that contains the ticks `[start, end)`.
    #[must_use]
    pub fn place(&self, start: i64, end: i64) -> (u8, i64) {
        let fitting = (1..self.levels).rev().find_map(|level| {
            let index = self.locate(level, start);
            (self.edge(level, index + 1) >= end).then_some((level, index))
        });
        fitting.unwrap_or((0, 0))
    }

    /// Where `[start, end)` is cut to keep it out of level 0; empty when it is not worth it.
    fn cuts(&self, start: i64, end: i64) -> Vec<i64> {
        let (first, last) = (self.locate(1, start), self.locate(1, end - 1));
        let covered = self.edge(1, last + 1) - self.edge(1, first);
        if covered.saturating_mul(CUT_SHARE) > self.span {
            return Vec::new();
        }
        (first + 1..=last).map(|index| self.edge(1, index)).collect()
    }
}

/// Ticks of a frame where that is a whole number, else 1.
fn frame_ticks(info: &ClipInfo) -> i64 {
    let (fps_num, fps_den) = (i128::from(info.fps.0), i128::from(info.fps.1));
    let (ticks, frames) = (i128::from(info.rate.num) * fps_den, i128::from(info.rate.den) * fps_num);
    let whole = frames > 0 && ticks >= frames && ticks % frames == 0;
    if whole { i64::try_from(ticks / frames).unwrap_or(1) } else { 1 }
}

/// Sends every splat of `performance` to its segment.
pub(super) fn partition(
    performance: &Performance,
    hierarchy: &Hierarchy,
    options: &WriterOptions,
) -> Partition {
    let mut out = Partition::default();
    let info = &performance.info;
    for splat in 0..performance.splats.len() {
        let found = performance.splats.get(splat);
        if !life::fits(&found.life) || !found.opacity.is_finite() {
            out.out_of_range += 1;
            continue;
        }
        let window = life::effective_window(&found.life, found.opacity, 0, hierarchy.span, info.rate);
        let Some((start, end)) = window else {
            out.unseen += 1;
            continue;
        };
        let place = hierarchy.place(start, end);
        let cuts = if place.0 == 0 && options.cut_long_clips && hierarchy.levels > 1 {
            hierarchy.cuts(start, end)
        } else {
            Vec::new()
        };
        out.cut_pieces += cuts.len() as u64;
        let edges: Vec<i64> = [start].into_iter().chain(cuts).chain([end]).collect();
        for pair in edges.windows(2) {
            let piece = Piece { splat, start: pair[0], end: pair[1] };
            out.nodes.entry(hierarchy.place(piece.start, piece.end)).or_default().push(piece);
        }
    }
    merge_small(&mut out.nodes, hierarchy.levels, options.min_node_splats as usize);
    out
}

/// Moves the splats of small segments into their parents, finest first; never into level 0, which is always resident.
fn merge_small(nodes: &mut Nodes, levels: u8, least: usize) {
    for level in (2..levels).rev() {
        let small: Vec<(u8, i64)> = nodes
            .range((level, i64::MIN)..=(level, i64::MAX))
            .filter(|(_, pieces)| pieces.len() < least)
            .map(|(key, _)| *key)
            .collect();
        for key in small {
            if let Some(pieces) = nodes.remove(&key) {
                nodes.entry((level - 1, key.1 >> 1)).or_default().extend(pieces);
            }
        }
    }
    // Merged segments are ordered again when they are encoded; this makes them independent of the merging order.
    for pieces in nodes.values_mut() {
        pieces.sort_unstable_by_key(|piece| (piece.splat, piece.start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::TickRate;

    fn info(fps: u32, duration: i64) -> ClipInfo {
        ClipInfo {
            rate: TickRate::for_fps(fps, 1).unwrap(),
            duration,
            fps: (fps, 1),
            sh_degree: 0,
            appearance: crate::splat::Appearance::default(),
        }
    }

    #[test]
    fn levels_nest_and_locate_agrees_with_the_edges() {
        for (fps, segment) in [(30, None), (24, None), (90, None), (7, Some(3333)), (30, Some(10))] {
            let hierarchy = Hierarchy::new(&info(fps, 12_345), segment);
            for level in 1..hierarchy.levels() {
                for index in 0..40 {
                    if level + 1 < hierarchy.levels() {
                        assert_eq!(hierarchy.edge(level, index), hierarchy.edge(level + 1, 2 * index));
                    }
                    assert!(hierarchy.edge(level, index) <= hierarchy.edge(level, index + 1));
                }
                for tick in 0..12_345 {
                    let at = hierarchy.locate(level, tick);
                    assert!((hierarchy.edge(level, at)..hierarchy.edge(level, at + 1)).contains(&tick));
                }
            }
        }
    }

    #[test]
    fn frames_of_a_sequence_stay_whole_and_in_the_finest_level() {
        let hierarchy = Hierarchy::new(&info(30, 300_000), None);
        for frame in 0..300 {
            let (level, index) = hierarchy.place(frame * 1000, frame * 1000 + 1000);
            assert_eq!(level + 1, hierarchy.levels());
            assert_eq!(hierarchy.edge(level, index), frame * 1000);
            assert_eq!(hierarchy.edge(level, index + 1), frame * 1000 + 1000);
        }
        assert_eq!(hierarchy.place(0, 300_000), (0, 0));
        assert_eq!(hierarchy.place(29_000, 31_000), (0, 0), "across the edge of a second");
        assert_eq!(hierarchy.place(0, 30_000), (1, 0));
    }

    #[test]
    fn long_clips_cut_what_would_stay_resident() {
        let long = Hierarchy::new(&info(30, 3_600_000), None);
        assert_eq!(long.cuts(29_000, 61_000), [30_000, 60_000]);
        assert!(long.cuts(0, 1_000_000).is_empty(), "more than an eighth of the clip");
        let short = Hierarchy::new(&info(30, 60_000), None);
        assert!(short.cuts(29_000, 31_000).is_empty());
    }

    #[test]
    fn small_segments_join_their_parents_but_not_level_0() {
        let piece = Piece { splat: 0, start: 0, end: 1 };
        let mut nodes =
            Nodes::from([((3, 5), vec![piece; 3]), ((2, 3), vec![piece; 10]), ((1, 1), vec![piece])]);
        merge_small(&mut nodes, 4, 8);
        let sizes: Vec<_> = nodes.iter().map(|(key, pieces)| (*key, pieces.len())).collect();
        assert_eq!(sizes, [((1, 1), 4), ((2, 3), 10)].map(|((l, i), n)| ((l, i), n)));
    }
}
