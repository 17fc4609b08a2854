//! One segment of a clip → its planes, checked.
//!
//! The container's checksums say that the bytes are the writer's; this adds that the words can be what they stand
//! for: finite, ordered, inside the segment. So no kernel ever meets a NaN, whoever wrote the file.

use super::{binding, cluster, colour, drive, life, mean, motion, pose, rotation, scale_opacity, sh};
use crate::clip::{Chunk, ChunkKind, ChunkReader, Clip, Node, Segment};
use crate::error::{Error, Result};
use crate::frame::{CLUSTER_SPLATS, Cluster, FULL_LOD, Grid, LODS, POSE_WORDS, Plane, SegmentData};

/// By how much scales may grow in a level of detail.
const MOST_GAIN: f32 = 64.0;

/// Reads segments; keeps its buffers from one to the next. One a thread.
#[derive(Debug)]
pub struct Decoder {
    reader: ChunkReader,
}

/// Reads and checks one segment by its number in the index.
///
/// # Errors
/// As [`Decoder::decode`].
pub fn decode_segment(clip: &Clip, node: u32) -> Result<SegmentData> {
    Decoder::new()?.decode(clip, node)
}

impl Decoder {
    /// A decoder with its buffers.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn new() -> Result<Self> {
        Ok(Self { reader: ChunkReader::new()? })
    }

    /// Reads and checks one segment by its number in the index.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Malformed`] naming the segment, plane, page, splat and byte; [`Error::OutOfMemory`];
    /// [`Error::Unsupported`] for a codec of a newer format; [`Error::InvalidArgument`] for a node that is not there.
    pub fn decode(&mut self, clip: &Clip, node: u32) -> Result<SegmentData> {
        self.decode_lod(clip, node, FULL_LOD)
    }

    /// Reads and checks the first splats of one segment, those of the level of detail `lod`, and no page behind them.
    ///
    /// # Errors
    /// As [`Self::decode`]; damage behind these splats is not noticed.
    pub fn decode_lod(&mut self, clip: &Clip, node: u32, lod: u8) -> Result<SegmentData> {
        let segment = Segment::read(clip, node)?;
        let Some(entry) = clip.nodes().get(node as usize).copied() else {
            return Err(Error::invalid(format!("{} has no node {node}", clip.name())));
        };
        let mut data = allocate(clip, node, &entry, lod.min(FULL_LOD))?;
        if segment.lod_gains.iter().any(|gain| !(1.0..=MOST_GAIN).contains(gain)) {
            return Err(segment.wrong_header(clip, "lod_gains", 0xb0));
        }
        data.lod_gains = segment.lod_gains;
        data.grid = checked_grid(clip, &segment, &entry)?;
        data.carries = segment.chunks.iter().any(|chunk| chunk.kind == ChunkKind::Channels);
        check_rig(clip, &segment, &entry)?;
        // Chunks of one plane come page by page, so appending puts every word in its place.
        for chunk in &segment.chunks {
            let wanted = match chunk.kind {
                ChunkKind::Plane(_) => data.splats,
                ChunkKind::Clusters => data.splats.div_ceil(CLUSTER_SPLATS),
                // A level of detail has splats of every patch.
                ChunkKind::Poses => data.full_splats.div_ceil(CLUSTER_SPLATS),
                // Nothing is drawn from them; a `ChannelReader` reads them.
                ChunkKind::Channels | ChunkKind::Channel(_) => 0,
            };
            let records = wanted.saturating_sub(chunk.first_record()).min(chunk.count as usize);
            if records == 0 {
                continue;
            }
            let bytes = self.reader.read(clip, chunk)?;
            let bytes = bytes.get(..records * chunk.record_bytes()).unwrap_or_default();
            match chunk.kind {
                ChunkKind::Plane(plane) => {
                    let words = bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
                    data.planes[plane.index()].extend(words);
                }
                ChunkKind::Channels | ChunkKind::Channel(_) => {}
                ChunkKind::Poses => {
                    data.poses.extend(bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)));
                }
                ChunkKind::Clusters => {
                    for entry in bytes.as_chunks::<64>().0 {
                        let word = |at: usize| {
                            let start = at * 4;
                            u32::from_le_bytes([
                                entry[start],
                                entry[start + 1],
                                entry[start + 2],
                                entry[start + 3],
                            ])
                        };
                        data.clusters.push(cluster::unpack(&std::array::from_fn(word)));
                    }
                }
            }
            check_chunk(clip, chunk, records, &data)?;
        }
        Ok(data)
    }
}

/// An empty segment with room for what the index promises, which the file's length bounds.
fn allocate(clip: &Clip, number: u32, node: &Node, lod: u8) -> Result<SegmentData> {
    let labelled = node.plane_mask & Plane::PackedHarmonics.bit() != 0;
    let rigged = node.plane_mask & (Plane::Binding.bit() | Plane::Drive.bit()) != 0;
    let mut data = SegmentData {
        id: (clip.id(), number),
        start: node.start,
        end: node.end,
        lod,
        full_splats: node.splats as usize,
        splats: node.keys.lod_splats(node.splats as usize, usize::from(lod)),
        keys: node.keys,
        lod_gains: [1.0; LODS],
        clusters: Vec::new(),
        planes: Default::default(),
        poses: Vec::new(),
        carries: false,
        grid: Grid::default(),
        palette: if labelled { clip.palette().cloned() } else { None },
        rig: if rigged { clip.rig().cloned() } else { None },
    };
    let clusters = if node.keys.frames > 0 { 0 } else { data.splats.div_ceil(CLUSTER_SPLATS) };
    let clusters = data.clusters.try_reserve_exact(clusters);
    let planes = node.planes().try_for_each(|plane| {
        let words = data.splats.saturating_mul(node.keys.words(plane));
        data.planes[plane.index()].try_reserve_exact(words)
    });
    let poses = node.clusters() * usize::from(node.keys.poses) * POSE_WORDS;
    let poses = data.poses.try_reserve_exact(poses);
    if clusters.and(planes).and(poses).is_err() {
        let what = format!("{} bytes for segment {number} of {}", node.lod_bytes(lod), clip.name());
        return Err(Error::OutOfMemory { what });
    }
    Ok(data)
}

/// The segment's grid, if it can be right for the packed planes there are.
fn checked_grid(clip: &Clip, segment: &Segment, node: &Node) -> Result<Grid> {
    #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is wanted")]
    let grid = Grid { tick_seconds: clip.info().rate.seconds_from_ticks(1) as f32, ..segment.grid };
    let has = |plane: Plane| node.plane_mask & plane.bit() != 0;
    let steps = [grid.velocity_step, grid.quadratic_step, grid.cubic_step, grid.spin_step];
    let checks = [
        (Plane::PackedRotation, "rotation_step", rotation::step_sound(grid.rotation_step)),
        (
            Plane::PackedScaleOpacity,
            "scale_step",
            scale_opacity::grid_sound(grid.scale_least, grid.scale_step),
        ),
        (Plane::PackedColour, "colour_step", colour::grid_sound(grid.colour_least, grid.colour_step)),
        (Plane::PackedLife, "window_step", life::step_sound(grid.window_step)),
        (Plane::PackedVelocity, "velocity_step", motion::steps_sound(steps)),
        (Plane::PackedCurve, "quadratic_step", motion::steps_sound(steps)),
    ];
    if (node.keys.poses > 0 || node.keys.frames > 0) && !pose::grid_sound(grid.pose_origin, grid.pose_step) {
        return Err(segment.wrong_header(clip, "pose_step", 0xcc));
    }
    match checks.into_iter().find(|(plane, _, sound)| has(*plane) && !sound) {
        Some((_, field, _)) => Err(segment.wrong_header(clip, field, 0x80)),
        None => Ok(grid),
    }
}

/// A segment of joints has all those of the clip's rig, and one that names joints needs it.
fn check_rig(clip: &Clip, segment: &Segment, node: &Node) -> Result<()> {
    let joints = clip.rig().map_or(0, |rig| rig.joints().len());
    let wrong = if node.keys.frames > 0 {
        node.splats as usize != joints
    } else {
        node.keys.joints > 0 && joints == 0
    };
    if wrong { Err(segment.wrong_header(clip, "splats", 0x28)) } else { Ok(()) }
}

/// Checks the `records` that `chunk` has just added to `data`.
fn check_chunk(clip: &Clip, chunk: &Chunk, records: usize, data: &SegmentData) -> Result<()> {
    let ticks = u32::try_from(data.end - data.start).unwrap_or(u32::MAX);
    let packed = data.planes[Plane::PackedMean.index()].capacity() > 0;
    let bad = match chunk.kind {
        ChunkKind::Clusters => {
            let before = data.clusters.len() - records;
            let bad = (before..data.clusters.len()).find(|&at| {
                let expected = (data.splats - at * CLUSTER_SPLATS).min(CLUSTER_SPLATS);
                !cluster::sound(&data.clusters[at], expected, ticks, packed)
            });
            return match bad {
                Some(at) => Err(clip.damaged_chunk(chunk, format!("cluster {at} cannot be right"))),
                None => Ok(()),
            };
        }
        // Every word is a pose; its grid was checked.
        ChunkKind::Poses | ChunkKind::Channels | ChunkKind::Channel(_) => None,
        ChunkKind::Plane(plane) => {
            let words = &data.planes[plane.index()];
            let added = &words[words.len() - records * data.words(plane)..];
            match plane {
                Plane::Mean => first_bad(added, mean::sound),
                Plane::Rotation => first_bad(added, rotation::sound),
                Plane::PackedMean if data.keys.poses > 0 => {
                    let patches = data.full_splats.div_ceil(CLUSTER_SPLATS);
                    let records = added.chunks_exact(data.words(plane));
                    records.into_iter().position(|record| mean::patch([record[0], record[1]]) >= patches)
                }
                // Every word of these is a value; their grids were checked.
                Plane::ScaleOpacity
                | Plane::PackedMean
                | Plane::PackedRotation
                | Plane::PackedScaleOpacity
                | Plane::PackedColour
                | Plane::PackedVelocity
                | Plane::PackedCurve
                | Plane::Stretch => None,
                Plane::Drive => {
                    first_bad(added, drive::sound).map(|key| key / usize::from(data.keys.frames).max(1))
                }
                Plane::Binding => {
                    let joints = data.rig.as_ref().map_or(0, |rig| rig.joints().len());
                    added.chunks_exact(data.words(plane)).position(|words| !binding::sound(words, joints))
                }
                Plane::PackedLife => first_bad(added, life::short_sound),
                Plane::PackedHarmonics => return check_labels(clip, chunk, data, added),
                Plane::Colour => first_bad(added, colour::sound),
                Plane::Life => first_bad(added, |record| life::sound(record, ticks)),
                Plane::Velocity => first_bad(added, motion::velocity_sound),
                Plane::Curve => first_bad(added, motion::curve_sound),
                Plane::Sh1 => first_bad(added, |record: [u32; 5]| sh::sound(&record)),
                Plane::Sh2 => first_bad(added, |record: [u32; 8]| sh::sound(&record)),
                Plane::Sh3 => first_bad(added, |record: [u32; 11]| sh::sound(&record)),
            }
        }
    };
    match bad {
        Some(at) => {
            let splat = chunk.first_record() + at;
            let why =
                format!("splat {splat} of the segment holds a value that cannot be right (not finite?)");
            Err(clip.damaged_chunk(chunk, why))
        }
        None => Ok(()),
    }
}

/// Checks that every label of a chunk names an entry, if there is a palette.
fn check_labels(clip: &Clip, chunk: &Chunk, data: &SegmentData, labels: &[u32]) -> Result<()> {
    let Some(palette) = &data.palette else { return Ok(()) };
    match labels.iter().position(|&label| label as usize >= palette.entries) {
        Some(at) => {
            let (splat, label) = (chunk.first_record() + at, labels[at]);
            let why = format!(
                "splat {splat} of the segment names entry {label} of a palette of {}",
                palette.entries
            );
            Err(clip.damaged_chunk(chunk, why))
        }
        None => Ok(()),
    }
}

/// Index of the first record that is not sound.
fn first_bad<const N: usize>(words: &[u32], sound: impl Fn([u32; N]) -> bool) -> Option<usize> {
    words.as_chunks::<N>().0.iter().position(|record| !sound(*record))
}

const _: () = assert!(size_of::<Cluster>() == 64, "a cluster is sixteen words");
