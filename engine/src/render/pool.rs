//! The segments that are on the GPU: one buffer a full plane and one for all packed planes, shared by all clips, in
//! slots of one cluster.
//!
//! A segment takes a contiguous run of cluster slots (first fit). Segments that no frame in flight shows make way for
//! new ones, the longest unused first. What is live is written at once; what comes next is written in small pieces, a
//! few hundred kilobytes a frame, so that nothing is left to do when its time comes. On devices with unified memory the
//! planes are written in place; elsewhere they go through staging buffers and copies at the start of the frame.

use std::sync::Arc;

use vivant_shaders::generated::binding;

use crate::error::{Error, Result};
use crate::frame::{CLUSTER_SPLATS, Cluster, Plane, SegmentData};
use crate::gpu::{Buffer, BufferKind, Encoder, Gpu};

/// Segments that can be resident at once: two clips of eight levels, four times over.
const MAX_RESIDENT: usize = 64;

/// Least bytes of coming segments to write a frame.
const PRELOAD_BYTES: usize = 256 << 10;
/// Frames over which what is coming is spread when that is more than the least.
const PRELOAD_FRAMES: usize = 32;
/// Most bytes of coming segments to write a frame: the size of a frame's staging buffer.
const PRELOAD_MAX: usize = 2 << 20;

/// Copies to have room for: packed planes through staging buffers take one a cluster and plane.
const PENDING_COPIES: usize = 4096;

/// One segment's run of cluster slots.
#[derive(Debug, Clone, Copy)]
struct Resident {
    /// Of these bytes: [`SegmentData::key`].
    key: (u64, u32, u8),
    first: u32,
    count: u32,
    last_used: u64,
    /// How many of the segment's bytes are written or about to be copied, of how many.
    written: usize,
    bytes: usize,
}

/// A copy that the next frame has to make.
#[derive(Debug, Clone, Copy)]
struct PendingCopy {
    /// Which staging buffer it comes from.
    staging: Staging,
    /// Which part of a segment it is: a plane by its index, or past the last the cluster table.
    buffer: usize,
    from: u64,
    to: u64,
    bytes: u64,
}

/// Where bytes go on their way to the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Staging {
    /// Straight into the planes.
    InPlace,
    /// Through the buffer for what is live and late, which all frames share: the GPU must be idle.
    Urgent,
    /// Through the buffer of one frame in flight.
    Frame(usize),
}

/// Plane buffers and who is in them.
#[derive(Debug)]
pub(super) struct Pool {
    /// The full planes.
    planes: Vec<Buffer>,
    /// The packed planes, in tiles of [`Self::tile_words`] words a splat.
    packed: Buffer,
    tile_words: usize,
    clusters: Buffer,
    plane_mask: u32,
    capacity: u32,
    residents: Vec<Resident>,
    unified: bool,
    urgent: Option<Buffer>,
    ahead: [Option<Buffer>; 2],
    pending: Vec<PendingCopy>,
    generation: u32,
    uploaded_bytes: u64,
    /// Whether what is live is drawn in its own level of detail, however long writing it takes.
    pub(super) exact: bool,
}

impl Resident {
    fn new(segment: &SegmentData, first: u32, frame: u64) -> Self {
        let bytes = (0..=Plane::ALL.len()).map(|part| segment_part(segment, part).len()).sum();
        Self { key: segment.key(), first, count: cluster_count(segment), last_used: frame, written: 0, bytes }
    }
}

/// The bytes of a segment's plane by index, or of its cluster table behind the planes.
fn segment_part(segment: &SegmentData, part: usize) -> &[u8] {
    match segment.planes.get(part) {
        Some(plane) => bytemuck::cast_slice(plane),
        None => bytemuck::cast_slice(&segment.clusters),
    }
}

/// Clusters of a segment as a slot count.
fn cluster_count(segment: &SegmentData) -> u32 {
    u32::try_from(segment.clusters.len()).unwrap_or(u32::MAX)
}

impl Pool {
    pub(super) fn new(gpu: &Gpu) -> Result<Self> {
        let unified = gpu.capabilities().unified_memory;
        let (planes, packed, clusters) = create(gpu, 0, 0, unified)?;
        Ok(Self {
            planes,
            packed,
            tile_words: 0,
            clusters,
            plane_mask: 0,
            capacity: 0,
            residents: Vec::with_capacity(MAX_RESIDENT),
            unified,
            urgent: None,
            ahead: [None, None],
            pending: Vec::with_capacity(PENDING_COPIES),
            generation: 0,
            uploaded_bytes: 0,
            exact: false,
        })
    }

    /// Whether there is a buffer for every plane of `mask`.
    pub(super) fn has_planes(&self, mask: u32) -> bool {
        mask & !self.plane_mask == 0
    }

    /// Changes whenever the buffers do.
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// Words a splat of the packed planes' tiles.
    pub(super) fn tile_words(&self) -> u32 {
        u32::try_from(self.tile_words).unwrap_or(0)
    }

    pub(super) fn uploaded_bytes(&self) -> u64 {
        self.uploaded_bytes
    }

    fn find(&self, segment: &SegmentData) -> Option<&Resident> {
        self.residents.iter().find(|r| r.key == segment.key())
    }

    /// A coarser level of detail of a segment that is whole, where the segment itself is still being written; none where
    /// the picture has to be exact.
    fn stand_in(&self, segment: &SegmentData) -> Option<&Resident> {
        if self.exact || self.find(segment).is_some_and(|own| own.written >= own.bytes) {
            return None;
        }
        let coarser =
            |r: &&Resident| (r.key.0, r.key.1) == segment.id && r.key.2 < segment.lod && r.written >= r.bytes;
        self.residents.iter().filter(coarser).max_by_key(|r| r.key.2)
    }

    /// First cluster slot and level of detail of what is drawn of a live segment.
    pub(super) fn drawn(&self, segment: &SegmentData) -> Option<(u32, u8)> {
        let resident = self.stand_in(segment).or_else(|| self.find(segment))?;
        Some((resident.first, resident.key.2))
    }

    /// Empties the pool and makes it large enough for `live`, and for as much again to follow when clips move on.
    pub(super) fn grow<'a>(
        &mut self,
        gpu: &Gpu,
        live: impl Iterator<Item = &'a Arc<SegmentData>>,
        planes: u32,
    ) -> Result<()> {
        let mut needed = 0_u32;
        let mut moving = 0_u32;
        for segment in live {
            let count = cluster_count(segment);
            needed = needed.saturating_add(count);
            if segment.plane_mask() & (Plane::Life.bit() | Plane::PackedLife.bit()) != 0 || segment.start != 0
            {
                moving = moving.saturating_add(count);
            }
        }
        let planes = planes | self.plane_mask;
        let widest = full_planes()
            .filter(|p| planes & p.bit() != 0)
            .map(Plane::words)
            .fold(tile_words(planes), usize::max);
        let cluster_bytes = (widest.max(1) * 4 * CLUSTER_SPLATS) as u64;
        let limit = u32::try_from(gpu.capabilities().storage_range / cluster_bytes).unwrap_or(u32::MAX);
        if needed > limit {
            return Err(Error::LimitExceeded {
                what: format!("splats live at once on {}", gpu.report().name),
                value: u64::from(needed) * CLUSTER_SPLATS as u64,
                limit: u64::from(limit) * CLUSTER_SPLATS as u64,
            });
        }
        // What comes next is as large as what is live; a half more keeps the runs from being squeezed apart.
        let wanted = needed.saturating_add(moving.saturating_add(moving / 2)).min(limit).max(self.capacity);
        self.residents.clear();
        self.pending.clear();
        let (buffers, packed, clusters) = create(gpu, wanted, planes, self.unified)?;
        self.planes = buffers;
        self.packed = packed;
        self.tile_words = tile_words(planes);
        self.clusters = clusters;
        self.plane_mask = planes;
        self.capacity = wanted;
        self.generation += 1;
        Ok(())
    }

    /// Finds room for every live segment. False when there is none: grow, then try again. `completed` is the newest
    /// frame that the GPU has finished.
    pub(super) fn make_resident<'a>(
        &mut self,
        live: impl Iterator<Item = &'a Arc<SegmentData>> + Clone,
        frame: u64,
        completed: u64,
    ) -> bool {
        for segment in live.clone() {
            let shown = self.stand_in(segment).map(|r| r.key);
            for resident in &mut self.residents {
                if resident.key == segment.key() || Some(resident.key) == shown {
                    resident.last_used = frame;
                }
            }
        }
        for segment in live {
            if !segment.clusters.is_empty() && self.find(segment).is_none() {
                let Some(first) = self.find_room(cluster_count(segment), completed) else { return false };
                self.residents.push(Resident::new(segment, first, frame));
            }
        }
        true
    }

    /// Whether bytes of live segments are still missing and, since they must go through the shared staging buffer, the
    /// GPU has to be idle first.
    pub(super) fn must_wait<'a>(&self, mut live: impl Iterator<Item = &'a Arc<SegmentData>>) -> bool {
        !self.unified && live.any(|segment| self.missing_bytes(segment) > 0)
    }

    /// Bytes of a live segment that have to be written before it can be drawn.
    fn missing_bytes(&self, segment: &SegmentData) -> usize {
        let missing = self.find(segment).map_or(0, |r| r.bytes - r.written);
        if self.stand_in(segment).is_some() { 0 } else { missing }
    }

    /// Writes what is missing of the live segments. Where [`Self::must_wait`], the caller has waited.
    pub(super) fn write_live<'a>(
        &mut self,
        gpu: &Gpu,
        live: impl Iterator<Item = &'a Arc<SegmentData>> + Clone,
    ) -> Result<()> {
        let staging = if self.unified { Staging::InPlace } else { Staging::Urgent };
        if staging == Staging::Urgent {
            let needed = live.clone().map(|s| self.missing_bytes(s) as u64).sum();
            if needed > self.urgent.as_ref().map_or(0, Buffer::bytes) {
                self.urgent = Some(Buffer::new(gpu, "segment staging", needed, BufferKind::Staging)?);
            }
        }
        let mut cursor = 0;
        for segment in live {
            if self.missing_bytes(segment) > 0 {
                self.write_some(segment, usize::MAX, staging, &mut cursor)?;
            }
        }
        Ok(())
    }

    /// Writes a part of what is coming, as far as there is room that nothing else needs. `slot` is the frame in flight
    /// whose staging buffer is free.
    pub(super) fn write_ahead<'a>(
        &mut self,
        gpu: &Gpu,
        coming: impl Iterator<Item = &'a Arc<SegmentData>> + Clone,
        frame: u64,
        completed: u64,
        slot: usize,
    ) -> Result<()> {
        let mut missing = 0;
        for segment in coming.clone() {
            let planes_fit = self.has_planes(segment.plane_mask());
            if self.find(segment).is_none() && planes_fit && !segment.clusters.is_empty() {
                // Only what has long been unused makes way: the segments of the last second may be wanted again.
                let Some(first) = self.find_room(cluster_count(segment), completed) else { continue };
                self.residents.push(Resident::new(segment, first, frame));
            }
            if let Some(resident) = self.residents.iter_mut().find(|r| r.key == segment.key()) {
                resident.last_used = frame;
                missing += resident.bytes - resident.written;
            }
        }
        if missing == 0 {
            return Ok(());
        }
        let staging = if self.unified { Staging::InPlace } else { Staging::Frame(slot) };
        if let (Staging::Frame(_), Some(None)) = (staging, self.ahead.get(slot)) {
            let buffer = Buffer::new(gpu, "frame staging", PRELOAD_MAX as u64, BufferKind::Staging)?;
            self.ahead[slot] = Some(buffer);
        }
        let mut budget = (missing / PRELOAD_FRAMES).next_multiple_of(4).clamp(PRELOAD_BYTES, PRELOAD_MAX);
        let mut cursor = 0;
        for segment in coming {
            budget -= self.write_some(segment, budget, staging, &mut cursor)?;
        }
        Ok(())
    }

    /// Writes up to `budget` bytes of what is missing of one resident segment; returns how many.
    fn write_some(
        &mut self,
        segment: &SegmentData,
        budget: usize,
        staging: Staging,
        cursor: &mut u64,
    ) -> Result<usize> {
        let Some(index) = self.residents.iter().position(|r| r.key == segment.key()) else { return Ok(0) };
        let Resident { first, written, .. } = self.residents[index];
        // The segment as one run of bytes: all planes in order, then the cluster table.
        let (mut skip, mut left) = (written, budget);
        for part in 0..=Plane::ALL.len() {
            let data = segment_part(segment, part);
            let mut done = skip.min(data.len());
            skip -= done;
            while done < data.len() && left > 0 {
                let (to, room) = self.place(part, first as usize, done);
                let piece = &data[done..data.len().min(done + room.min(left))];
                self.write_piece(staging, part, to, piece, cursor)?;
                done += piece.len();
                left -= piece.len();
            }
        }
        let wrote = budget - left;
        self.residents[index].written += wrote;
        self.uploaded_bytes += wrote as u64;
        Ok(wrote)
    }

    /// Where byte `done` of a part stands in its buffer, and how many bytes from there lie together: packed planes of a
    /// cluster share a tile.
    fn place(&self, part: usize, first: usize, done: usize) -> (usize, usize) {
        let plane = Plane::ALL.get(part);
        match plane.and_then(|plane| plane.tile_offset().map(|offset| (plane.words(), offset))) {
            Some((words, offset)) => {
                let (own, tile) = (CLUSTER_SPLATS * words * 4, CLUSTER_SPLATS * self.tile_words * 4);
                let within = done % own;
                ((first + done / own) * tile + offset * CLUSTER_SPLATS * 4 + within, own - within)
            }
            None => {
                let slot = plane.map_or(size_of::<Cluster>(), |plane| CLUSTER_SPLATS * plane.words() * 4);
                (first * slot + done, usize::MAX)
            }
        }
    }

    /// Writes bytes to byte `to` of a plane or the table, or to staging with a note to copy them there.
    fn write_piece(
        &mut self,
        staging: Staging,
        buffer: usize,
        to: usize,
        data: &[u8],
        cursor: &mut u64,
    ) -> Result<()> {
        let through = match staging {
            Staging::InPlace => None,
            Staging::Urgent => self.urgent.as_mut(),
            Staging::Frame(slot) => self.ahead.get_mut(slot).and_then(Option::as_mut),
        };
        let Some(through) = through else {
            let target = match buffer {
                part if part < Plane::FULL => &mut self.planes[part],
                part if part < Plane::ALL.len() => &mut self.packed,
                _ => &mut self.clusters,
            };
            return target.write(to, data);
        };
        through.write(usize::try_from(*cursor).unwrap_or(usize::MAX), data)?;
        let bytes = data.len() as u64;
        self.pending.push(PendingCopy { staging, buffer, from: *cursor, to: to as u64, bytes });
        *cursor += bytes;
        Ok(())
    }

    /// The first run of `count` free slots, evicting what no frame in flight shows until there is one.
    fn find_room(&mut self, count: u32, completed: u64) -> Option<u32> {
        loop {
            if self.residents.len() < MAX_RESIDENT
                && let Some(first) = self.first_fit(count)
            {
                return Some(first);
            }
            let oldest = (0..self.residents.len())
                .filter(|&i| self.residents[i].last_used <= completed)
                .min_by_key(|&i| self.residents[i].last_used)?;
            self.residents.swap_remove(oldest);
        }
    }

    fn first_fit(&self, count: u32) -> Option<u32> {
        // A run can only start at 0 or right behind a resident: few enough to try each.
        let starts = std::iter::once(0).chain(self.residents.iter().map(|r| r.first + r.count));
        starts
            .filter(|&start| {
                let end = start.saturating_add(count);
                end <= self.capacity
                    && self.residents.iter().all(|r| end <= r.first || start >= r.first + r.count)
            })
            .min()
    }

    /// Records the copies that wait, if any.
    pub(super) fn record_copies(&mut self, encoder: &mut Encoder<'_>) {
        if self.pending.is_empty() {
            return;
        }
        encoder.span("upload");
        for copy in self.pending.drain(..) {
            let from = match copy.staging {
                Staging::InPlace => None,
                Staging::Urgent => self.urgent.as_ref(),
                Staging::Frame(slot) => self.ahead.get(slot).and_then(Option::as_ref),
            };
            if let Some(from) = from {
                let to = match copy.buffer {
                    part if part < Plane::FULL => &self.planes[part],
                    part if part < Plane::ALL.len() => &self.packed,
                    _ => &self.clusters,
                };
                encoder.copy((from, copy.from), (to, copy.to), copy.bytes);
            }
        }
        encoder.barrier();
    }

    pub(super) fn bindings<'a>(&'a self, out: &mut Vec<(u32, &'a Buffer)>) {
        out.push((binding::CLUSTER, &self.clusters));
        out.extend((binding::MEAN_PLANE..).zip(&self.planes));
        out.push((binding::PACKED_PLANE, &self.packed));
    }
}

/// The planes that have a buffer of their own.
fn full_planes() -> impl Iterator<Item = Plane> {
    Plane::ALL.into_iter().take(Plane::FULL)
}

/// Words a splat of tiles with room for the packed planes of `mask`.
fn tile_words(mask: u32) -> usize {
    let ends = Plane::ALL.iter().filter(|plane| mask & plane.bit() != 0).filter_map(|plane| {
        let offset = plane.tile_offset()?;
        Some(offset + plane.words())
    });
    ends.max().unwrap_or(0)
}

/// One buffer a full plane of `mask` (a token one for the others), the tiles of the packed planes, and the cluster
/// table, for `capacity` clusters.
fn create(gpu: &Gpu, capacity: u32, mask: u32, unified: bool) -> Result<(Vec<Buffer>, Buffer, Buffer)> {
    let kind = if unified { BufferKind::Shared } else { BufferKind::Device };
    let count = u64::from(capacity);
    let planes = full_planes()
        .map(|plane| {
            let present = mask & plane.bit() != 0;
            let bytes = if present { count * (CLUSTER_SPLATS * plane.words() * 4) as u64 } else { 0 };
            Buffer::new(gpu, &format!("plane {plane:?}"), bytes, kind)
        })
        .collect::<Result<_>>()?;
    let tiles = count * (CLUSTER_SPLATS * tile_words(mask) * 4) as u64;
    let packed = Buffer::new(gpu, "packed planes", tiles, kind)?;
    Ok((planes, packed, Buffer::new(gpu, "cluster table", count * 64, kind)?))
}

const _: () = assert!(size_of::<Cluster>() == size_of::<vivant_shaders::layout::Cluster>());
