//! The segments and palettes that are on the GPU: one buffer a full plane and one for all packed planes, shared by all
//! clips.
//!
//! Each takes a contiguous run of the arenas (`arena.rs`). What no frame in flight shows makes way for what is new, the
//! longest unused first; a palette is used as long as a segment that refers to it is. What is live is written at once;
//! what comes next is written in small pieces, a few hundred kilobytes a frame, so that nothing is left to do when its
//! time comes. On devices with unified memory the planes are written in place; elsewhere they go through staging buffers
//! and copies: what is live at the start of its frame, what comes beside the frames where the device has a queue for that
//! ([`Transfer`]). No upload waits for the GPU.

use std::sync::Arc;

use vivant_shaders::generated::binding;

use super::FRAMES_IN_FLIGHT;
use super::arena::{ARENAS, HARMONICS, PACKED, Run, SLOTS, first_fit};
use super::upload::{Load, LoadId, PACKED_UNIT, Piece, Target, arena_of, labels_id, palette_id};
use crate::error::{Error, Result};
use crate::frame::{CLUSTER_SPLATS, Cluster, Plane, SegmentData};
use crate::gpu::{BATCHES, Buffer, BufferKind, Encoder, Gpu, Transfer, Waits};
use crate::look::Labels;

/// Segments, palettes and labels that can be resident at once: as many segments as can be live, each with one of each.
const MAX_RESIDENT: usize = 192;

/// Least bytes of coming segments to write a frame.
const PRELOAD_BYTES: usize = 256 << 10;
/// Frames over which what is coming is spread when that is more than the least.
const PRELOAD_FRAMES: usize = 32;
/// Most bytes of coming segments to write a frame: the size of a frame's staging buffer.
const PRELOAD_MAX: usize = 2 << 20;

/// Copies to have room for: a segment needs one a buffer, and one more a packed plane where its last cluster is short.
const PENDING_COPIES: usize = MAX_RESIDENT * 2 * Plane::COUNT;

/// The run of each arena that a segment or a palette has.
#[derive(Debug, Clone, Copy)]
struct Resident {
    /// Of these bytes: a segment's with its level of detail, or a palette's.
    id: LoadId,
    runs: [Run; ARENAS],
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
    target: Target,
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
    buffers: Buffers,
    /// The full planes that have a buffer.
    plane_mask: u32,
    /// Units of each arena.
    capacity: [u32; ARENAS],
    residents: Vec<Resident>,
    unified: bool,
    late: [Option<Buffer>; FRAMES],
    ahead: [Option<Buffer>; LANES],
    /// Copies beside the frames, where the device has a queue for them.
    transfer: Option<Transfer>,
    pending: Vec<PendingCopy>,
    generation: u32,
    uploaded_bytes: u64,
    /// Whether what is live is drawn in its own level of detail, however long writing it takes.
    pub(super) exact: bool,
}

/// What the arenas consist of.
#[derive(Debug)]
struct Buffers {
    /// The full planes.
    planes: Vec<Buffer>,
    /// The packed planes, in tiles.
    packed: Buffer,
    clusters: Buffer,
}

impl Resident {
    fn new(load: Load<'_>, runs: [Run; ARENAS], frame: u64) -> Self {
        Self { id: load.id(), runs, last_used: frame, written: 0, bytes: load.bytes(), transfer: 0 }
    }
}

impl Pool {
    pub(super) fn new(gpu: &Gpu) -> Result<Self> {
        let unified = gpu.capabilities().unified_memory;
        Ok(Self {
            buffers: Buffers::new(gpu, [0; ARENAS], 0, unified)?,
            plane_mask: 0,
            capacity: [0; ARENAS],
            residents: Vec::with_capacity(MAX_RESIDENT),
            unified,
            late: [const { None }; FRAMES],
            ahead: [const { None }; LANES],
            transfer: gpu.capabilities().transfer_queue.then(|| Transfer::new(gpu)).transpose()?,
            pending: Vec::with_capacity(PENDING_COPIES),
            generation: 0,
            uploaded_bytes: 0,
            exact: false,
        })
    }

    /// Whether there is a buffer for every plane that needs one of its own.
    fn has_planes(&self, load: Load<'_>) -> bool {
        load.planes() & full_mask() & !self.plane_mask == 0
    }

    /// Changes whenever the buffers do.
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// Bytes of the buffers that segments and palettes stand in.
    pub(super) fn bytes(&self) -> u64 {
        let Buffers { planes, packed, clusters } = &self.buffers;
        planes.iter().chain([packed, clusters]).map(Buffer::bytes).sum()
    }

    pub(super) fn uploaded_bytes(&self) -> u64 {
        self.uploaded_bytes
    }

    fn find(&self, id: LoadId) -> Option<&Resident> {
        self.residents.iter().find(|r| r.id == id)
    }

    /// Where a resident segment or palette stands in each arena.
    pub(super) fn runs(&self, id: LoadId) -> Option<[Run; ARENAS]> {
        self.find(id).map(|r| r.runs)
    }

    /// A coarser level of detail of a segment that is whole, where the segment itself is still being written; none where
    /// the picture has to be exact.
    fn stand_in(&self, segment: &SegmentData) -> Option<&Resident> {
        if self.exact || self.find(segment.key()).is_some_and(|own| own.written >= own.bytes) {
            return None;
        }
        let coarser =
            |r: &&Resident| (r.id.0, r.id.1) == segment.id && r.id.2 < segment.lod && r.written >= r.bytes;
        self.residents.iter().filter(coarser).max_by_key(|r| r.id.2)
    }

    /// Where what is drawn of a live segment stands in each arena, and in what level of detail.
    pub(super) fn drawn(&self, segment: &SegmentData) -> Option<([Run; ARENAS], u8)> {
        let resident = self.stand_in(segment).or_else(|| self.find(segment.key()))?;
        Some((resident.runs, resident.id.2))
    }

    /// Empties the pool and makes it large enough for `live`, and for as much again to follow when clips move on.
    pub(super) fn grow<'a>(&mut self, gpu: &Gpu, live: impl Iterator<Item = Load<'a>>) -> Result<()> {
        let (mut needed, mut moving) = ([0_u32; ARENAS], [0_u32; ARENAS]);
        let mut planes = self.plane_mask;
        let mut seen = Vec::with_capacity(MAX_RESIDENT);
        for load in live {
            if seen.contains(&load.id()) {
                continue;
            }
            seen.push(load.id());
            planes |= load.planes() & full_mask();
            let mut units = load.units();
            units[PACKED] = units[PACKED].saturating_add(load.label_units());
            for (arena, count) in units.into_iter().enumerate() {
                needed[arena] = needed[arena].saturating_add(count);
                moving[arena] = moving[arena].saturating_add(if load.moves() { count } else { 0 });
            }
        }
        let limits = limits(gpu.capabilities().storage_range, planes);
        let mut wanted = self.capacity;
        for arena in 0..ARENAS {
            let (needed_here, limit) = (needed[arena], limits[arena]);
            if needed_here > limit {
                let splats = u64::from(needed[SLOTS]) * CLUSTER_SPLATS as u64;
                return Err(Error::LimitExceeded {
                    what: format!("splats live at once on {}", gpu.report().name),
                    value: splats,
                    // As many of these as would fit.
                    limit: splats.saturating_mul(u64::from(limit)) / u64::from(needed_here),
                });
            }
            // What comes next is as large as what is live; a half more keeps the runs from being squeezed apart.
            let next = moving[arena].saturating_add(moving[arena] / 2);
            wanted[arena] = needed_here.saturating_add(next).max(self.capacity[arena]).min(limit);
        }
        self.residents.clear();
        self.pending.clear();
        self.buffers = Buffers::new(gpu, wanted, planes, self.unified)?;
        self.plane_mask = planes;
        self.capacity = wanted;
        self.generation += 1;
        Ok(())
    }

    /// Finds room for every live segment and its palette. False when there is none: grow, then try again. `completed` is the newest
    /// frame that the GPU has finished.
    pub(super) fn make_resident<'a>(
        &mut self,
        live: impl Iterator<Item = Load<'a>> + Clone,
        frame: u64,
        completed: u64,
    ) -> bool {
        for load in live.clone() {
            let shown = match load {
                Load::Segment(segment) => self.stand_in(segment).map(|r| r.id),
                Load::Palette(..) | Load::Labels(_) => None,
            };
            for resident in &mut self.residents {
                if resident.id == load.id() || Some(resident.id) == shown {
                    resident.last_used = frame;
                }
            }
        }
        for load in live {
            if load.bytes() > 0 && self.find(load.id()).is_none() {
                let room = if self.has_planes(load) { self.find_room(load.units(), completed) } else { None };
                let Some(runs) = room else { return false };
                self.residents.push(Resident::new(load, runs, frame));
            }
        }
        true
    }

    /// Bytes of what is live that have to be written before it can be drawn.
    fn missing_bytes(&self, load: Load<'_>) -> usize {
        match load {
            Load::Segment(segment) if self.stand_in(segment).is_some() => 0,
            _ => self.find(load.id()).map_or(0, |r| r.bytes - r.written),
        }
    }

    /// Writes what is missing of the live segments. `slot` is the frame in flight that is about to be recorded: the GPU
    /// has done with its staging buffer.
    pub(super) fn write_live<'a>(
        &mut self,
        gpu: &Gpu,
        live: impl Iterator<Item = Load<'a>> + Clone,
        slot: usize,
    ) -> Result<()> {
        let staging = if self.unified { Staging::InPlace } else { Staging::Late(slot) };
        // A palette counts with each of its segments: more than is needed, and never less.
        let needed: u64 = live.clone().map(|load| self.missing_bytes(load) as u64).sum();
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
        for load in live {
            if self.missing_bytes(load) > 0 {
                self.write_some(load, usize::MAX, staging, &mut cursor)?;
            }
        }
        Ok(())
    }

    /// Writes a part of what is coming, as far as there is room that nothing else needs. `slot` is the frame in flight
    /// whose staging buffer is free.
    pub(super) fn write_ahead<'a>(
        &mut self,
        gpu: &Gpu,
        coming: impl Iterator<Item = Load<'a>> + Clone,
        frame: u64,
        completed: u64,
        slot: usize,
    ) -> Result<()> {
        let mut missing = 0;
        for load in coming.clone() {
            if self.find(load.id()).is_none() && self.has_planes(load) && load.bytes() > 0 {
                // Only what has long been unused makes way: the segments of the last second may be wanted again.
                let Some(runs) = self.find_room(load.units(), completed) else { continue };
                self.residents.push(Resident::new(load, runs, frame));
            }
            if let Some(resident) = self.residents.iter_mut().find(|r| r.id == load.id()) {
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
        for load in coming {
            let wrote = self.write_some(load, budget, staging, &mut cursor)?;
            budget -= wrote;
            if wrote > 0
                && let Some(transfer) = &self.transfer
                && let Some(resident) = self.residents.iter_mut().find(|r| r.id == load.id())
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
                    transfer.copy(lane, (source, copy.from), (self.target(copy.target), copy.to), copy.bytes);
                }
            }
            transfer.submit(lane)
        };
        let sent = send();
        self.pending.truncate(from);
        self.transfer = Some(transfer);
        sent
    }

    /// Where the labels of a segment start in the packed words, once all of them are written.
    pub(super) fn labels(&self, labels: &Labels) -> Option<u32> {
        let whole = self.find(labels_id(labels)).filter(|r| r.written >= r.bytes)?;
        Some(whole.runs[PACKED].first)
    }

    /// What the frame that draws `live` with these `labels` has to wait for on the GPU; it must be submitted with it.
    pub(super) fn waits<'a>(
        &mut self,
        live: impl Iterator<Item = &'a Arc<SegmentData>>,
        labels: impl Iterator<Item = &'a Arc<Labels>>,
        frame: u64,
    ) -> Waits {
        let carried = |r: Option<&Resident>| r.map_or(0, |r| r.transfer);
        let shown = live.map(|segment| {
            let own = carried(self.stand_in(segment).or_else(|| self.find(segment.key())));
            let palette = segment.palette.as_ref().and_then(|_| self.find(palette_id(segment.id.0)));
            own.max(carried(palette))
        });
        let looked_at = labels.filter(|labels| self.labels(labels).is_some());
        let looked_at = looked_at.map(|labels| carried(self.find(labels_id(labels))));
        let newest = shown.chain(looked_at).max().unwrap_or(0);
        self.transfer.as_mut().map_or_else(Waits::default, |transfer| transfer.waits(newest, frame))
    }

    /// Waits until every transfer has been executed. Not for the frame path.
    pub(super) fn wait(&self) -> Result<()> {
        self.transfer.as_ref().map_or(Ok(()), Transfer::wait)
    }

    /// Writes up to `budget` bytes of what is missing of one resident; returns how many.
    fn write_some(
        &mut self,
        load: Load<'_>,
        budget: usize,
        staging: Staging,
        cursor: &mut u64,
    ) -> Result<usize> {
        let Some(index) = self.residents.iter().position(|r| r.id == load.id()) else { return Ok(0) };
        let Resident { runs, written, .. } = self.residents[index];
        let mut done = 0;
        while done < budget
            && let Some(piece) = load.piece(&runs, written + done)
        {
            let most = piece.data.len().min(budget - done);
            self.write_piece(staging, Piece { data: &piece.data[..most], ..piece }, cursor)?;
            done += most;
        }
        self.residents[index].written += done;
        self.uploaded_bytes += done as u64;
        Ok(done)
    }

    /// Writes bytes to where they belong, or to staging with a note to copy them there.
    fn write_piece(&mut self, staging: Staging, piece: Piece<'_>, cursor: &mut u64) -> Result<()> {
        let Piece { target, to, data } = piece;
        let through = match staging {
            Staging::InPlace => None,
            Staging::Late(slot) => self.late.get_mut(slot).and_then(Option::as_mut),
            Staging::Ahead(lane) => self.ahead.get_mut(lane).and_then(Option::as_mut),
        };
        let Some(through) = through else {
            return match target {
                Target::Plane(index) => self.buffers.planes[index].write(to, data),
                Target::Packed => self.buffers.packed.write(to, data),
                Target::Clusters => self.buffers.clusters.write(to, data),
            };
        };
        through.write(usize::try_from(*cursor).unwrap_or(usize::MAX), data)?;
        let (from, to, bytes) = (*cursor, to as u64, data.len() as u64);
        *cursor += bytes;
        match self.pending.last_mut() {
            Some(last) if last.is_followed_by(staging, target, from, to) => last.bytes += bytes,
            _ => self.pending.push(PendingCopy { staging, target, from, to, bytes }),
        }
        Ok(())
    }

    /// A free run of each arena, evicting what no frame in flight shows and no transfer writes until there is one.
    fn find_room(&mut self, counts: [u32; ARENAS], completed: u64) -> Option<[Run; ARENAS]> {
        let done = self.transfer.as_ref().map_or(u64::MAX, Transfer::done_serial);
        loop {
            if self.residents.len() < MAX_RESIDENT
                && let Some(runs) = self.first_fit(counts)
            {
                return Some(runs);
            }
            let oldest = (0..self.residents.len())
                .filter(|&i| self.residents[i].last_used <= completed && self.residents[i].transfer <= done)
                .min_by_key(|&i| self.residents[i].last_used)?;
            self.residents.swap_remove(oldest);
        }
    }

    fn first_fit(&self, counts: [u32; ARENAS]) -> Option<[Run; ARENAS]> {
        let mut runs = [Run::default(); ARENAS];
        for (arena, run) in runs.iter_mut().enumerate() {
            let taken = self.residents.iter().map(|r| r.runs[arena]);
            *run = first_fit(self.capacity[arena], counts[arena], taken)?;
        }
        Some(runs)
    }

    /// Records the copies that wait, if any.
    pub(super) fn record_copies(&mut self, encoder: &mut Encoder<'_>) {
        if self.pending.is_empty() {
            return;
        }
        encoder.span("upload");
        for copy in &self.pending {
            if let Some(source) = self.staging(copy.staging) {
                encoder.copy((source, copy.from), (self.target(copy.target), copy.to), copy.bytes);
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

    fn target(&self, target: Target) -> &Buffer {
        match target {
            Target::Plane(index) => &self.buffers.planes[index],
            Target::Packed => &self.buffers.packed,
            Target::Clusters => &self.buffers.clusters,
        }
    }

    pub(super) fn bindings<'a>(&'a self, out: &mut Vec<(u32, &'a Buffer)>) {
        out.push((binding::CLUSTER, &self.buffers.clusters));
        out.extend((binding::MEAN_PLANE..).zip(&self.buffers.planes));
        out.push((binding::PACKED_PLANE, &self.buffers.packed));
    }
}

impl PendingCopy {
    /// Whether bytes that stand at `from` in the staging buffer and go to `to` only lengthen this copy.
    fn is_followed_by(&self, staging: Staging, target: Target, from: u64, to: u64) -> bool {
        (self.staging, self.target) == (staging, target)
            && (self.from + self.bytes, self.to + self.bytes) == (from, to)
    }
}

impl Buffers {
    /// One buffer a full plane of `mask` (a token one for the others), the tiles of the packed planes, and the cluster
    /// table, for `capacity` units.
    fn new(gpu: &Gpu, capacity: [u32; ARENAS], mask: u32, unified: bool) -> Result<Self> {
        let kind = if unified { BufferKind::Shared } else { BufferKind::Filled };
        let bytes = |arena: usize, unit: usize| u64::from(capacity[arena]) * unit as u64;
        let planes = full_planes()
            .map(|plane| {
                let present = mask & plane.bit() != 0;
                let bytes = if present { bytes(arena_of(plane), slot_bytes(plane)) } else { 0 };
                Buffer::new(gpu, &format!("plane {plane:?}"), bytes, kind)
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            planes,
            packed: Buffer::new(gpu, "packed planes", bytes(PACKED, PACKED_UNIT), kind)?,
            clusters: Buffer::new(gpu, "cluster table", bytes(SLOTS, size_of::<Cluster>()), kind)?,
        })
    }
}

/// The planes that have a buffer of their own.
fn full_planes() -> impl Iterator<Item = Plane> {
    Plane::ALL.into_iter().filter(|plane| !plane.is_packed())
}

/// Their bits.
fn full_mask() -> u32 {
    full_planes().fold(0, |mask, plane| mask | plane.bit())
}

/// Bytes of a unit in a full plane.
fn slot_bytes(plane: Plane) -> usize {
    CLUSTER_SPLATS * plane.words() * 4
}

/// Units that each arena can have where a shader sees `range` bytes of a buffer and there are the full planes of `mask`.
fn limits(range: u64, mask: u32) -> [u32; ARENAS] {
    let widest = |arena: usize, least: usize| {
        let planes = full_planes().filter(|p| mask & p.bit() != 0 && arena_of(*p) == arena);
        planes.map(slot_bytes).fold(least, usize::max)
    };
    [widest(SLOTS, size_of::<Cluster>()), PACKED_UNIT, widest(HARMONICS, slot_bytes(Plane::Sh1))]
        .map(|unit| u32::try_from(range / unit as u64).unwrap_or(u32::MAX))
}

const _: () = assert!(size_of::<Cluster>() == size_of::<vivant_shaders::layout::Cluster>());
