//! The segments that are on the GPU: one buffer a full plane and one for all packed planes, shared by all clips, in
//! slots of one cluster.
//!
//! A segment takes a contiguous run of cluster slots (first fit). Segments that no frame in flight shows make way for
//! new ones, the longest unused first. What is live is written at once; what comes next is written in small pieces, a
//! few hundred kilobytes a frame, so that nothing is left to do when its time comes. On devices with unified memory the
//! planes are written in place; elsewhere they go through staging buffers and copies: what is live at the start of its
//! frame, what comes beside the frames where the device has a queue for that ([`Transfer`]). No upload waits for the GPU.

use std::sync::Arc;

use vivant_shaders::generated::binding;

use super::FRAMES_IN_FLIGHT;
use crate::error::{Error, Result};
use crate::frame::{CLUSTER_SPLATS, Cluster, Plane, SegmentData};
use crate::gpu::{BATCHES, Buffer, BufferKind, Encoder, Gpu, Transfer, Waits};

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
    id: (u64, u32),
    first: u32,
    count: u32,
    last_used: u64,
    /// How many of the segment's bytes are written or about to be copied, of how many.
    written: usize,
    bytes: usize,
    /// The newest transfer that carries bytes of it; 0 for none.
    transfer: u64,
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
    /// What is live and late: through a buffer of one frame in flight, copied by that frame.
    Late(usize),
    /// What comes next: through a buffer of one frame in flight, or of one transfer.
    Ahead(usize),
}

/// [`FRAMES_IN_FLIGHT`] as a length.
const FRAMES: usize = 2;
const _: () = assert!(FRAMES as u64 == FRAMES_IN_FLIGHT);
/// Staging buffers for what comes next: one a transfer, or one a frame in flight.
const LANES: usize = if BATCHES > FRAMES { BATCHES } else { FRAMES };

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
    late: [Option<Buffer>; FRAMES],
    ahead: [Option<Buffer>; LANES],
    /// Copies beside the frames, where the device has a queue for them.
    transfer: Option<Transfer>,
    pending: Vec<PendingCopy>,
    generation: u32,
    uploaded_bytes: u64,
}

impl Resident {
    fn new(segment: &SegmentData, first: u32, frame: u64) -> Self {
        let bytes = (0..=Plane::ALL.len()).map(|part| segment_part(segment, part).len()).sum();
        Self {
            id: segment.id,
            first,
            count: cluster_count(segment),
            last_used: frame,
            written: 0,
            bytes,
            transfer: 0,
        }
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
            late: [const { None }; FRAMES],
            ahead: [const { None }; LANES],
            transfer: gpu.capabilities().transfer_queue.then(|| Transfer::new(gpu)).transpose()?,
            pending: Vec::with_capacity(PENDING_COPIES),
            generation: 0,
            uploaded_bytes: 0,
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

    /// First cluster slot of a resident segment.
    pub(super) fn first_cluster(&self, id: (u64, u32)) -> Option<u32> {
        self.residents.iter().find(|r| r.id == id).map(|r| r.first)
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
            if let Some(resident) = self.residents.iter_mut().find(|r| r.id == segment.id) {
                resident.last_used = frame;
            }
        }
        for segment in live {
            if !segment.clusters.is_empty() && self.first_cluster(segment.id).is_none() {
                let Some(first) = self.find_room(cluster_count(segment), completed) else { return false };
                self.residents.push(Resident::new(segment, first, frame));
            }
        }
        true
    }

    /// Writes what is missing of the live segments. `slot` is the frame in flight that is about to be recorded: the GPU
    /// has done with its staging buffer.
    pub(super) fn write_live<'a>(
        &mut self,
        gpu: &Gpu,
        live: impl Iterator<Item = &'a Arc<SegmentData>> + Clone,
        slot: usize,
    ) -> Result<()> {
        let staging = if self.unified { Staging::InPlace } else { Staging::Late(slot) };
        let missing = |id| self.residents.iter().find(|r| r.id == id).map_or(0, |r| r.bytes - r.written);
        let needed: u64 = live.clone().map(|s| missing(s.id) as u64).sum();
        if needed == 0 {
            return Ok(());
        }
        if let (false, Some(late)) = (self.unified, self.late.get_mut(slot))
            && needed > late.as_ref().map_or(0, Buffer::bytes)
        {
            let bytes = needed.saturating_add(needed / 4);
            *late = Some(Buffer::new(gpu, "late segment staging", bytes, BufferKind::Staging)?);
        }
        let mut cursor = 0;
        for segment in live {
            self.write_some(segment, usize::MAX, staging, &mut cursor)?;
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
            if self.first_cluster(segment.id).is_none() && planes_fit && !segment.clusters.is_empty() {
                // Only what has long been unused makes way: the segments of the last second may be wanted again.
                let Some(first) = self.find_room(cluster_count(segment), completed) else { continue };
                self.residents.push(Resident::new(segment, first, frame));
            }
            if let Some(resident) = self.residents.iter_mut().find(|r| r.id == segment.id) {
                resident.last_used = frame;
                missing += resident.bytes - resident.written;
            }
        }
        if missing == 0 {
            return Ok(());
        }
        // While all transfers are on their way, what comes waits and the frame does not.
        let lane = self.transfer.as_mut().map_or(Some(slot), |transfer| transfer.free(completed));
        let Some(lane) = lane else { return Ok(()) };
        let staging = if self.unified { Staging::InPlace } else { Staging::Ahead(lane) };
        if let (Staging::Ahead(_), Some(None)) = (staging, self.ahead.get(lane)) {
            let buffer = Buffer::new(gpu, "coming segment staging", PRELOAD_MAX as u64, BufferKind::Staging)?;
            self.ahead[lane] = Some(buffer);
        }
        let before = self.pending.len();
        let mut budget = (missing / PRELOAD_FRAMES).next_multiple_of(4).clamp(PRELOAD_BYTES, PRELOAD_MAX);
        let mut cursor = 0;
        for segment in coming {
            let wrote = self.write_some(segment, budget, staging, &mut cursor)?;
            budget -= wrote;
            if wrote > 0
                && let Some(transfer) = &self.transfer
                && let Some(resident) = self.residents.iter_mut().find(|r| r.id == segment.id)
            {
                resident.transfer = transfer.next_serial();
            }
        }
        self.send_ahead(lane, before)
    }

    /// Submits the pending copies from number `from` on as a transfer, where there are transfers.
    fn send_ahead(&mut self, lane: usize, from: usize) -> Result<()> {
        let Some(mut transfer) = self.transfer.take() else { return Ok(()) };
        let mut send = || {
            transfer.begin(lane)?;
            for copy in &self.pending[from..] {
                if let Some(source) = self.staging(copy.staging) {
                    transfer.copy(lane, (source, copy.from), (self.target(copy.buffer), copy.to), copy.bytes);
                }
            }
            transfer.submit(lane)
        };
        let sent = send();
        self.pending.truncate(from);
        self.transfer = Some(transfer);
        sent
    }

    /// What the frame that draws `live` has to wait for on the GPU; it must be submitted with it.
    pub(super) fn waits<'a>(
        &mut self,
        live: impl Iterator<Item = &'a Arc<SegmentData>>,
        frame: u64,
    ) -> Waits {
        let Some(transfer) = &mut self.transfer else { return Waits::default() };
        let carried = |id| self.residents.iter().find(|r| r.id == id).map_or(0, |r| r.transfer);
        transfer.waits(live.map(|segment| carried(segment.id)).max().unwrap_or(0), frame)
    }

    /// Waits until every transfer has been executed. Not for the frame path.
    pub(super) fn wait(&self) -> Result<()> {
        self.transfer.as_ref().map_or(Ok(()), Transfer::wait)
    }

    /// Writes up to `budget` bytes of what is missing of one resident segment; returns how many.
    fn write_some(
        &mut self,
        segment: &SegmentData,
        budget: usize,
        staging: Staging,
        cursor: &mut u64,
    ) -> Result<usize> {
        let Some(index) = self.residents.iter().position(|r| r.id == segment.id) else { return Ok(0) };
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
            Staging::Late(slot) => self.late.get_mut(slot).and_then(Option::as_mut),
            Staging::Ahead(lane) => self.ahead.get_mut(lane).and_then(Option::as_mut),
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

    /// The first run of `count` free slots, evicting what no frame in flight shows and no transfer writes until there is
    /// one.
    fn find_room(&mut self, count: u32, completed: u64) -> Option<u32> {
        let done = self.transfer.as_ref().map_or(u64::MAX, Transfer::done_serial);
        loop {
            if self.residents.len() < MAX_RESIDENT
                && let Some(first) = self.first_fit(count)
            {
                return Some(first);
            }
            let oldest = (0..self.residents.len())
                .filter(|&i| self.residents[i].last_used <= completed && self.residents[i].transfer <= done)
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
        for copy in &self.pending {
            if let Some(source) = self.staging(copy.staging) {
                encoder.copy((source, copy.from), (self.target(copy.buffer), copy.to), copy.bytes);
            }
        }
        self.pending.clear();
        encoder.barrier();
    }

    fn staging(&self, staging: Staging) -> Option<&Buffer> {
        match staging {
            Staging::InPlace => None,
            Staging::Late(slot) => self.late.get(slot).and_then(Option::as_ref),
            Staging::Ahead(lane) => self.ahead.get(lane).and_then(Option::as_ref),
        }
    }

    /// The buffer of a part of a segment.
    fn target(&self, part: usize) -> &Buffer {
        match part {
            part if part < Plane::FULL => &self.planes[part],
            part if part < Plane::ALL.len() => &self.packed,
            _ => &self.clusters,
        }
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
    let kind = if unified { BufferKind::Shared } else { BufferKind::Filled };
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
