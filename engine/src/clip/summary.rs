//! What a clip is made of, in figures: its levels, its bytes by attribute, and what is live over time.
//!
//! Reads the directory of every segment and no splat. The timeline is exact: the live set changes only where a segment
//! starts or ends, so it is one step for each stretch between two such edges.

use super::bytes::word;
use super::header::MAX_LEVELS;
use super::segment::{Chunk, ChunkKind, Segment};
use super::{Clip, Node};
use crate::channel::MOST_CHANNELS;
use crate::error::Result;
use crate::frame::Plane;

/// One level of the temporal hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LevelSummary {
    /// Number of the level; 0 spans the clip.
    pub level: u8,
    /// Segments.
    pub segments: u32,
    /// Splats in them.
    pub splats: u64,
    /// Ticks that they cover together.
    pub ticks: i64,
    /// Bytes in the file.
    pub stored_bytes: u64,
    /// Bytes once decoded.
    pub raw_bytes: u64,
}

/// What one attribute takes in all segments together, and in the palette: harmonics may stand in either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttributeBytes {
    /// The plane, or the cluster table.
    pub kind: ChunkKind,
    /// Splats, clusters or entries of the palette that have it.
    pub records: u64,
    /// Bytes in the file.
    pub stored_bytes: u64,
    /// Bytes once decoded.
    pub raw_bytes: u64,
}

/// What is live during `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// First tick.
    pub start: i64,
    /// First tick after it.
    pub end: i64,
    /// Splats in the live set.
    pub splats: u64,
    /// Bytes of the live set once decoded.
    pub bytes: u64,
    /// Bytes of the file a tick: those of each live segment, spread evenly over its interval.
    pub stored_bytes_per_tick: f64,
}

/// A clip in figures; see [`Clip::summary`].
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The levels that have segments, coarse first.
    pub levels: Vec<LevelSummary>,
    /// The attributes there are: the cluster table, then the planes.
    pub attributes: Vec<AttributeBytes>,
    /// The live set over time, without gaps from the first tick to the last.
    pub moments: Vec<Moment>,
    /// Segments whose directory is damaged; they are missing in `attributes`.
    pub damaged: u32,
}

impl Summary {
    /// The least splats live at a time.
    #[must_use]
    pub fn min_splats(&self) -> u64 {
        self.moments.iter().map(|moment| moment.splats).min().unwrap_or_default()
    }

    /// The most splats live at a time.
    #[must_use]
    pub fn max_splats(&self) -> u64 {
        self.moments.iter().map(|moment| moment.splats).max().unwrap_or_default()
    }

    /// Splats live on average over time.
    #[must_use]
    pub fn mean_splats(&self) -> f64 {
        let weighted = |moment: &Moment| moment.splats as f64 * (moment.end - moment.start) as f64;
        let ticks: i64 = self.moments.iter().map(|moment| moment.end - moment.start).sum();
        self.moments.iter().map(weighted).sum::<f64>() / ticks.max(1) as f64
    }

    /// The most decoded bytes live at a time.
    #[must_use]
    pub fn max_bytes(&self) -> u64 {
        self.moments.iter().map(|moment| moment.bytes).max().unwrap_or_default()
    }
}

impl Clip {
    /// The clip in figures. Reads every segment's directory: for a tool, not for the frame path.
    ///
    /// # Errors
    /// [`crate::Error::Io`] when the file cannot be read. Damaged segments are counted, not errors.
    pub fn summary(&self) -> Result<Summary> {
        let (attributes, damaged) = attributes(self)?;
        Ok(Summary { levels: levels(self.nodes()), attributes, moments: moments(self), damaged })
    }
}

fn levels(nodes: &[Node]) -> Vec<LevelSummary> {
    let mut levels: Vec<LevelSummary> = (0..MAX_LEVELS)
        .filter_map(|level| u8::try_from(level).ok())
        .map(|level| LevelSummary { level, ..LevelSummary::default() })
        .collect();
    for node in nodes {
        let Some(level) = levels.get_mut(usize::from(node.level)) else { continue };
        level.segments += 1;
        level.splats += u64::from(node.drawn_splats());
        level.ticks += node.end - node.start;
        level.stored_bytes += node.stored_bytes;
        level.raw_bytes += node.raw_bytes();
    }
    levels.retain(|level| level.segments > 0);
    levels
}

fn attributes(clip: &Clip) -> Result<(Vec<AttributeBytes>, u32)> {
    let kinds = [ChunkKind::Clusters, ChunkKind::Poses].into_iter().chain(Plane::ALL.map(ChunkKind::Plane));
    let channels = (0..).take(MOST_CHANNELS).map(ChunkKind::Channel);
    let kinds = kinds.chain([ChunkKind::Channels]).chain(channels);
    let mut attributes: Vec<AttributeBytes> =
        kinds.map(|kind| AttributeBytes { kind, records: 0, stored_bytes: 0, raw_bytes: 0 }).collect();
    let mut damaged = 0;
    let mut count = |chunk: &Chunk| {
        if let Some(attribute) = attributes.iter_mut().find(|attribute| attribute.kind == chunk.kind) {
            attribute.records += u64::from(chunk.count);
            attribute.stored_bytes += u64::from(chunk.stored_len);
            attribute.raw_bytes += u64::from(chunk.raw_len);
        }
    };
    match clip.index.palette.map(|palette| palette.directory(clip.source())) {
        Some(Err(error @ crate::Error::Io { .. })) => return Err(error),
        Some(Ok(chunks)) => chunks.iter().for_each(&mut count),
        // Damage to it is told when the clip is opened.
        None | Some(Err(_)) => {}
    }
    for number in 0..word(clip.nodes().len()) {
        let segment = match Segment::read(clip, number) {
            Ok(segment) => segment,
            Err(error @ crate::Error::Io { .. }) => return Err(error),
            Err(_) => {
                damaged += 1;
                continue;
            }
        };
        segment.chunks.iter().for_each(&mut count);
    }
    attributes.retain(|attribute| attribute.records > 0);
    Ok((attributes, damaged))
}

/// Between each pair of edges, what [`Clip::live_nodes`] says.
fn moments(clip: &Clip) -> Vec<Moment> {
    let mut edges: Vec<i64> = clip.nodes().iter().flat_map(|node| [node.start, node.end]).collect();
    edges.extend([0, clip.span()]);
    edges.sort_unstable();
    edges.dedup();
    let moment = |pair: &[i64]| {
        let mut moment =
            Moment { start: pair[0], end: pair[1], splats: 0, bytes: 0, stored_bytes_per_tick: 0.0 };
        let live = clip.live_nodes(pair[0]);
        for node in live.iter().filter_map(|&number| clip.nodes().get(number as usize)) {
            moment.splats += u64::from(node.drawn_splats());
            moment.bytes += node.raw_bytes();
            moment.stored_bytes_per_tick += node.stored_bytes as f64 / (node.end - node.start) as f64;
        }
        moment
    };
    edges.windows(2).map(moment).collect()
}
