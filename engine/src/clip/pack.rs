//! A segment as chunks, ready to stand in a file: cut into pages, each page of each plane compressed by itself, all of
//! them in parallel. Knows nothing of where in the file they go, so that segments can be packed before their turn.

use rayon::prelude::*;

use super::bytes::word;
use super::chunk::{Compression, Packed, pack};
use super::header::PAGE_SPLATS;
use super::index::PAGE_CLUSTERS;
use super::segment::{Chunk, ChunkKind};
use crate::error::{Error, Result};
use crate::frame::{Plane, SegmentData};

/// A decoded segment beside its chunks.
#[derive(Debug)]
pub(crate) struct PackedSegment {
    pub(super) data: SegmentData,
    pub(super) chunks: Vec<(Chunk, Vec<u8>)>,
}

impl PackedSegment {
    /// Packs a segment for a clip of that name.
    ///
    /// # Errors
    /// [`Error::Io`] when the compressor fails.
    pub(crate) fn new(data: SegmentData, compression: Compression, name: &str) -> Result<Self> {
        let chunks = pack_chunks(&data, compression, name)?;
        Ok(Self { data, chunks })
    }
}

/// The chunks of a segment with their bytes: the cluster table, then page by page every plane, so that a later
/// version can read a prefix of pages as a coarser picture.
///
/// # Errors
/// [`Error::Io`] when the compressor fails; `name` is the clip's.
pub(super) fn pack_chunks(
    data: &SegmentData,
    compression: Compression,
    name: &str,
) -> Result<Vec<(Chunk, Vec<u8>)>> {
    let clusters: &[u8] = &cluster_bytes(data);
    let cluster_page = PAGE_CLUSTERS * ChunkKind::Clusters.record_bytes();
    let mut parts: Vec<(ChunkKind, usize)> =
        (0..clusters.len().div_ceil(cluster_page)).map(|page| (ChunkKind::Clusters, page)).collect();
    let words =
        |plane: Plane, page: usize| data.planes[plane.index()].chunks(PAGE_SPLATS * plane.words()).nth(page);
    for page in 0..data.splats.div_ceil(PAGE_SPLATS) {
        let present = Plane::ALL.into_iter().filter(|plane| words(*plane, page).is_some());
        parts.extend(present.map(|plane| (ChunkKind::Plane(plane), page)));
    }
    let bytes_of = |kind, page| match kind {
        ChunkKind::Plane(plane) => {
            words(plane, page).unwrap_or_default().iter().flat_map(|word| word.to_le_bytes()).collect()
        }
        _ => clusters.chunks(cluster_page).nth(page).unwrap_or_default().to_vec(),
    };
    let packed: std::io::Result<Vec<_>> = parts
        .into_par_iter()
        .map(|(kind, page)| {
            let raw: Vec<u8> = bytes_of(kind, page);
            let Packed { codec, prediction, bytes } = pack(&raw, kind, compression)?;
            let chunk = Chunk {
                node: 0,
                kind,
                page: u16::try_from(page).unwrap_or(u16::MAX),
                codec,
                prediction,
                count: word(raw.len() / kind.record_bytes()),
                offset: 0,
                stored_len: word(bytes.len()),
                raw_len: word(raw.len()),
                stored_crc: crc32c::crc32c(&bytes),
                raw_crc: crc32c::crc32c(&raw),
            };
            Ok((chunk, bytes))
        })
        .collect();
    packed.map_err(|source| Error::io(name, "cannot compress", source))
}

fn cluster_bytes(data: &SegmentData) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.clusters.len() * ChunkKind::Clusters.record_bytes());
    for cluster in &data.clusters {
        let box_min = cluster.box_min.map(f32::to_bits);
        let box_max = cluster.box_max.map(f32::to_bits);
        let words = [
            [box_min[0], box_min[1], box_min[2], cluster.max_scale.to_bits()],
            [box_max[0], box_max[1], box_max[2], cluster.count],
            [cluster.start, cluster.end, cluster.origin[0].to_bits(), cluster.origin[1].to_bits()],
            [cluster.origin[2].to_bits(), cluster.step.to_bits(), cluster.reserved[0], cluster.reserved[1]],
        ];
        out.extend(words.iter().flatten().flat_map(|word| word.to_le_bytes()));
    }
    out
}
