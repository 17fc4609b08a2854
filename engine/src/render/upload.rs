//! What is loaded into the pool, a segment, a clip's palette or a segment's labels, and how its bytes travel: as one run that may be cut
//! anywhere, so that a few hundred kilobytes can go a frame.
//!
//! The run is the full planes in order, then the tiles one cluster after the other, the poses, the cluster table. Tiles are
//! told as they stand on the GPU, so that pieces that follow one another in the run mostly follow one another there, and
//! become one copy.

use std::sync::Arc;

use super::arena::{ARENAS, HARMONIC_PLANES, HARMONICS, PACKED, Run, SLOTS, tile_units, units};
use crate::frame::{CLUSTER_SPLATS, Cluster, FULL_LOD, Palette, Plane, SegmentData};
use crate::look::Labels;

/// Bytes of a unit of packed words.
pub(super) const PACKED_UNIT: usize = CLUSTER_SPLATS * 4;

/// Which buffer of the pool bytes go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// A full plane, by its index.
    Plane(usize),
    /// The tiles of packed planes.
    Packed,
    /// The cluster table.
    Clusters,
}

/// What takes room in the pool.
#[derive(Debug, Clone, Copy)]
pub(super) enum Load<'a> {
    Segment(&'a SegmentData),
    /// A palette, and the number of its clip.
    Palette(&'a Palette, u64),
    /// The labels of a segment, for a look.
    Labels(&'a Labels),
}

/// What identifies a load: a segment's [`SegmentData::key`], or a palette's clip and a number no segment has.
pub(super) type LoadId = (u64, u32, u8);

/// The identity of a segment's labels in a channel: no level of detail has such a number.
pub(super) const fn labels_id(labels: &Labels) -> LoadId {
    (labels.id.0, labels.id.1, 128 | labels.channel)
}

/// The identity of a clip's palette.
pub(super) const fn palette_id(clip: u64) -> LoadId {
    (clip, u32::MAX, FULL_LOD)
}

/// What segments need in the pool: each behind the palette it refers to, which may come more than once.
pub(super) fn loads<'a>(
    segments: impl Iterator<Item = &'a Arc<SegmentData>> + Clone,
) -> impl Iterator<Item = Load<'a>> + Clone {
    // Joints have nothing to draw.
    segments.filter(|segment| !segment.drives()).flat_map(|segment| {
        let palette = segment.palette.iter().map(|palette| Load::Palette(palette, segment.id.0));
        palette.chain(std::iter::once(Load::Segment(segment)))
    })
}

impl<'a> Load<'a> {
    pub(super) fn id(self) -> LoadId {
        match self {
            Self::Segment(segment) => segment.key(),
            Self::Palette(_, clip) => palette_id(clip),
            Self::Labels(labels) => labels_id(labels),
        }
    }

    /// Units to keep for the labels of its splats, should a look be asked for.
    pub(super) fn label_units(self) -> u32 {
        match self {
            Self::Segment(segment) if segment.carries => Labels::units_of(segment.full_splats),
            _ => 0,
        }
    }

    /// Units it takes in each arena.
    pub(super) fn units(self) -> [u32; ARENAS] {
        match self {
            Self::Segment(segment) => units(segment),
            Self::Palette(palette, _) => {
                [0, 0, u32::try_from(palette.entries.div_ceil(CLUSTER_SPLATS)).unwrap_or(u32::MAX)]
            }
            Self::Labels(labels) => [0, labels.units(), 0],
        }
    }

    /// Its planes.
    pub(super) fn planes(self) -> u32 {
        match self {
            Self::Segment(segment) => segment.plane_mask(),
            Self::Palette(palette, _) => palette.harmonics().fold(0, |mask, plane| mask | plane.bit()),
            Self::Labels(_) => 0,
        }
    }

    /// Bytes of its whole run.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Segment(segment) => run_bytes(segment),
            Self::Palette(palette, _) => usize::try_from(palette.bytes()).unwrap_or(usize::MAX),
            Self::Labels(labels) => labels.bytes().len(),
        }
    }

    /// Whether something of its size follows when its clip moves on.
    pub(super) fn moves(self) -> bool {
        match self {
            Self::Segment(segment) => {
                let life = segment.plane_mask() & (Plane::Life.bit() | Plane::PackedLife.bit()) != 0;
                life || segment.start != 0 || segment.keys.any()
            }
            Self::Palette(..) | Self::Labels(_) => false,
        }
    }

    /// What stands at byte `at` of its run, given its runs of the arenas, up to where it would tear; `None` behind its
    /// end.
    pub(super) fn piece(self, runs: &[Run; ARENAS], at: usize) -> Option<Piece<'a>> {
        match self {
            Self::Segment(segment) => piece(segment, runs, at),
            Self::Palette(palette, _) => {
                let planes = Plane::HARMONICS.into_iter().zip(palette.planes.iter().map(Vec::as_slice));
                full_piece(planes, runs, at).ok()
            }
            Self::Labels(labels) => {
                let data = labels.bytes().get(at..).filter(|data| !data.is_empty())?;
                let to = runs[PACKED].first as usize * PACKED_UNIT + at;
                Some(Piece { target: Target::Packed, to, data })
            }
        }
    }
}

/// Bytes that lie together in memory and on the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) target: Target,
    /// First byte in the target.
    pub(super) to: usize,
    pub(super) data: &'a [u8],
}

/// The arena in which a full plane stands.
pub(super) fn arena_of(plane: Plane) -> usize {
    if plane.bit() & HARMONIC_PLANES == 0 { SLOTS } else { HARMONICS }
}

/// Bytes of a segment's whole run.
fn run_bytes(segment: &SegmentData) -> usize {
    let planes: usize = segment.planes.iter().map(|words| size_of_val(words.as_slice())).sum();
    planes + size_of_val(segment.poses.as_slice()) + size_of_val(segment.clusters.as_slice())
}

/// What stands at byte `at` of full planes one behind the other; beyond them, how far beyond.
fn full_piece<'a>(
    planes: impl Iterator<Item = (Plane, &'a [u32])>,
    runs: &[Run; ARENAS],
    at: usize,
) -> Result<Piece<'a>, usize> {
    let mut skip = at;
    for (plane, words) in planes {
        let data: &[u8] = bytemuck::cast_slice(words);
        if skip < data.len() {
            let slot = CLUSTER_SPLATS * plane.words() * 4;
            let to = runs[arena_of(plane)].first as usize * slot + skip;
            return Ok(Piece { target: Target::Plane(plane.index()), to, data: &data[skip..] });
        }
        skip -= data.len();
    }
    Err(skip)
}

/// What stands at byte `at` of the run of a segment that has `runs` of the arenas, up to where it would tear; `None`
/// behind its end.
fn piece<'a>(segment: &'a SegmentData, runs: &[Run; ARENAS], at: usize) -> Option<Piece<'a>> {
    let first = |arena: usize| runs[arena].first as usize;
    let planes = Plane::ALL.into_iter().zip(segment.planes.iter().map(Vec::as_slice));
    let mut skip = match full_piece(planes.filter(|(plane, _)| !plane.is_packed()), runs, at) {
        Ok(piece) => return Some(piece),
        Err(skip) => skip,
    };
    let tile_words = segment.tile_words();
    let packed = segment.splats * tile_words * 4;
    if skip < packed {
        // Only the last cluster may be short, so whole tiles count up to any other.
        let tile = tile_words * PACKED_UNIT;
        return tile_piece(segment, skip / tile, skip % tile, first(PACKED) * PACKED_UNIT);
    }
    skip -= packed;
    let poses: &[u8] = bytemuck::cast_slice(&segment.poses);
    if skip < poses.len() {
        let to = (first(PACKED) + tile_units(segment, segment.clusters.len()) as usize) * PACKED_UNIT + skip;
        return Some(Piece { target: Target::Packed, to, data: &poses[skip..] });
    }
    skip -= poses.len();
    let data: &[u8] = bytemuck::cast_slice(&segment.clusters);
    let to = first(SLOTS) * size_of::<Cluster>() + skip;
    (skip < data.len()).then(|| Piece { target: Target::Clusters, to, data: &data[skip..] })
}

/// What stands at byte `within` of what cluster `number` adds to the tiles that start at byte `first`.
fn tile_piece(segment: &SegmentData, number: usize, within: usize, first: usize) -> Option<Piece<'_>> {
    let splats = segment.splats.checked_sub(number * CLUSTER_SPLATS)?.min(CLUSTER_SPLATS);
    let mut skip = within;
    let mut offset = number * segment.tile_words();
    for plane in segment.tile_planes() {
        let words = segment.words(plane);
        let own = splats * words * 4;
        if skip < own {
            let data: &[u8] = bytemuck::cast_slice(&segment.planes[plane.index()]);
            let start = number * CLUSTER_SPLATS * words * 4;
            let to = first + offset * PACKED_UNIT + skip;
            return Some(Piece { target: Target::Packed, to, data: data.get(start + skip..start + own)? });
        }
        skip -= own;
        offset += words;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Grid, Keys, LODS};

    /// 300 splats with a full mean, harmonics, and two packed planes, one of them with keys.
    fn segment() -> SegmentData {
        let splats = 300;
        let keys = Keys { colour: 3, ..Keys::ONE };
        let mut planes: [Vec<u32>; Plane::COUNT] = Default::default();
        for plane in [Plane::Mean, Plane::Sh1, Plane::PackedRotation, Plane::PackedColour] {
            let words = u32::try_from(splats * keys.words(plane)).unwrap();
            planes[plane.index()] = (0..words).map(|word| (plane as u32) << 24 | word).collect();
        }
        let cluster = |count| Cluster { count, ..Cluster::default() };
        SegmentData {
            id: (1, 2),
            start: 0,
            end: 1,
            lod: FULL_LOD,
            full_splats: splats,
            splats,
            keys,
            lod_gains: [1.0; LODS],
            clusters: vec![cluster(256), cluster(44)],
            planes,
            poses: Vec::new(),
            carries: false,
            grid: Grid::default(),
            palette: None,
            rig: None,
        }
    }

    const RUNS: [Run; ARENAS] =
        [Run { first: 7, count: 2 }, Run { first: 5, count: 8 }, Run { first: 3, count: 2 }];

    /// Every target's words after the run was written in steps of at most `step` bytes.
    fn written(segment: &SegmentData, step: usize) -> Vec<(Target, Vec<u32>)> {
        let mut out: Vec<(Target, Vec<u32>)> = Vec::new();
        let mut at = 0;
        while let Some(piece) = piece(segment, &RUNS, at) {
            let data = &piece.data[..piece.data.len().min(step)];
            assert!(!data.is_empty() && at + data.len() <= run_bytes(segment));
            if out.iter().all(|(target, _)| *target != piece.target) {
                out.push((piece.target, vec![0; 20_000]));
            }
            let words = &mut out.iter_mut().find(|(target, _)| *target == piece.target).unwrap().1;
            let first = piece.to / 4;
            words[first..first + data.len() / 4].copy_from_slice(bytemuck::cast_slice(data));
            at += data.len();
        }
        assert_eq!(at, run_bytes(segment));
        out
    }

    #[test]
    fn every_word_comes_to_its_place_however_it_is_cut() {
        let segment = segment();
        let whole = written(&segment, usize::MAX);
        let of = |target: Target| &whole.iter().find(|(t, _)| *t == target).unwrap().1;
        let own = |plane: Plane, word: usize| segment.planes[plane.index()][word];
        // Splat 299 is the 44th of the second cluster.
        assert_eq!(of(Target::Plane(0))[(7 * 256 + 299) * 3 + 2], own(Plane::Mean, 299 * 3 + 2));
        assert_eq!(of(Target::Plane(Plane::Sh1.index()))[(3 * 256 + 299) * 5], own(Plane::Sh1, 299 * 5));
        let tiles = of(Target::Packed);
        assert_eq!(tiles[5 * 256 + 255], own(Plane::PackedRotation, 255));
        assert_eq!(tiles[(5 + 1) * 256 + 255 * 3 + 2], own(Plane::PackedColour, 255 * 3 + 2));
        assert_eq!(tiles[(5 + 4) * 256 + 43], own(Plane::PackedRotation, 299));
        assert_eq!(tiles[(5 + 4) * 256 + 44], 0, "a short cluster leaves its tile's end alone");
        assert_eq!(tiles[(5 + 4 + 1) * 256 + 43 * 3], own(Plane::PackedColour, 299 * 3));
        for step in [4, 12, 1000, 4096] {
            assert!(written(&segment, step) == whole, "cut every {step} bytes");
        }
    }

    #[test]
    fn tiles_lie_together() {
        let segment = segment();
        let start = segment.splats * (3 + 5) * 4;
        let mut at = start;
        let mut end = None;
        while at < start + 256 * 4 * 4 {
            let piece = piece(&segment, &RUNS, at).unwrap();
            assert_eq!(piece.target, Target::Packed);
            assert!(end.is_none_or(|end| end == piece.to), "a gap before {}", piece.to);
            end = Some(piece.to + piece.data.len());
            at += piece.data.len();
        }
    }
}
