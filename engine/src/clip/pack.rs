//! A segment as chunks, ready to stand in a file: cut into pages, each page of each plane compressed by itself, all of
//! them in parallel. Knows nothing of where in the file they go, so that segments can be packed before their turn.

use rayon::prelude::*;

use super::bytes::word;
use super::channels;
use super::chunk::{Compression, Packed, pack};
use super::segment::{Chunk, ChunkKind};
use crate::channel::{self, Channel};
use crate::error::{Error, Result};
use crate::frame::{Cluster, Plane, SegmentData};

/// A decoded segment beside its chunks.
#[derive(Debug)]
pub(crate) struct PackedSegment {
    pub(super) data: SegmentData,
    pub(super) chunks: Vec<(Chunk, Vec<u8>)>,
}

impl PackedSegment {
    /// Packs a segment with its channels for a clip of that name.
    ///
    /// # Errors
    /// As [`pack_chunks`].
    pub(crate) fn new(
        data: SegmentData,
        channels: &[Channel],
        compression: Compression,
        name: &str,
    ) -> Result<Self> {
        let chunks = pack_chunks(&data, channels, compression, name)?;
        Ok(Self { data, chunks })
    }
}

/// The chunks of a segment with their bytes: the cluster table and the poses, then page by page every plane, so that the
/// pages of a coarser level of detail come first, then the channels, which nothing that is drawn needs.
///
/// # Errors
/// [`Error::Io`] when the compressor fails; `name` is the clip's. [`Error::InvalidArgument`] or
/// [`Error::LimitExceeded`] for channels that cannot be.
pub(super) fn pack_chunks(
    data: &SegmentData,
    channels: &[Channel],
    compression: Compression,
    name: &str,
) -> Result<Vec<(Chunk, Vec<u8>)>> {
    channel::check(channels, data.splats)?;
    let keys = data.keys;
    let clusters: &[u8] = &cluster_bytes(data);
    // At least a byte or a word, as a segment without poses has none a record.
    let page_bytes = |kind: ChunkKind| kind.page_records(keys).saturating_mul(kind.record_bytes(keys)).max(4);
    let words = |kind: ChunkKind, page: usize| {
        let all: &[u32] = match kind {
            ChunkKind::Plane(plane) => &data.planes[plane.index()],
            ChunkKind::Poses => &data.poses,
            ChunkKind::Channel(number) => {
                channels.get(usize::from(number)).map_or(&[], |channel| &channel.words)
            }
            ChunkKind::Clusters | ChunkKind::Channels => &[],
        };
        all.chunks(page_bytes(kind) / 4).nth(page)
    };
    let pages =
        |kind: ChunkKind, bytes: usize| (0..bytes.div_ceil(page_bytes(kind))).map(move |page| (kind, page));
    let mut parts: Vec<(ChunkKind, usize)> = pages(ChunkKind::Clusters, clusters.len()).collect();
    parts.extend(pages(ChunkKind::Poses, size_of_val(data.poses.as_slice())));
    for page in 0..data.splats.div_ceil(keys.page_splats()) {
        let kinds = Plane::ALL.into_iter().map(ChunkKind::Plane);
        parts.extend(kinds.filter(|kind| words(*kind, page).is_some()).map(|kind| (kind, page)));
    }
    let table: &[u8] = &channels::table_bytes(channels);
    parts.extend(pages(ChunkKind::Channels, table.len()));
    for (number, channel) in (0..).zip(channels) {
        parts.extend(pages(ChunkKind::Channel(number), size_of_val(channel.words.as_slice())));
    }
    let bytes_of = |kind, page| match kind {
        ChunkKind::Plane(_) | ChunkKind::Poses | ChunkKind::Channel(_) => {
            words(kind, page).unwrap_or_default().iter().flat_map(|word| word.to_le_bytes()).collect()
        }
        ChunkKind::Clusters => clusters.chunks(page_bytes(kind)).nth(page).unwrap_or_default().to_vec(),
        ChunkKind::Channels => table.to_vec(),
    };
    let packed: std::io::Result<Vec<_>> = parts
        .into_par_iter()
        .map(|(kind, page)| {
            let raw: Vec<u8> = bytes_of(kind, page);
            let Packed { codec, prediction, bytes } = pack(&raw, kind, keys, compression)?;
            let chunk = Chunk {
                node: 0,
                kind,
                keys,
                page: u16::try_from(page).unwrap_or(u16::MAX),
                codec,
                prediction,
                count: word(raw.len() / kind.record_bytes(keys)),
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
    let mut out = Vec::with_capacity(data.clusters.len() * size_of::<Cluster>());
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
