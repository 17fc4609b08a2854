//! The segments and palettes that are on the GPU: one buffer a full plane and one for all packed planes, shared by all
//! clips.
//!
//! Each takes a contiguous run of the arenas (`arena.rs`). What no frame in flight shows makes way for what is new, the
//! longest unused first; a palette is used as long as a segment that refers to it is. What is live is written at once; what comes next is written in small pieces, a few
//! hundred kilobytes a frame, so that nothing is left to do when its time comes. On devices with unified memory the
//! planes are written in place; elsewhere they go through staging buffers and copies at the start of the frame.

use std::sync::Arc;

use vivant_shaders::generated::binding;

use super::arena::{ARENAS, HARMONICS, PACKED, Run, SLOTS, first_fit};
use super::upload::{Load, LoadId, PACKED_UNIT, Piece, Target, arena_of, loads};
use crate::error::{Error, Result};
use crate::frame::{CLUSTER_SPLATS, Cluster, Plane, SegmentData};
use crate::gpu::{Buffer, BufferKind, Encoder, Gpu};

/// Segments and palettes that can be resident at once: as many segments as can be live, each with a palette.
const MAX_RESIDENT: usize = 128;

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
    /// Through the buffer for what is live and late, which all frames share: the GPU must be idle.
    Urgent,
    /// Through the buffer of one frame in flight.
    Frame(usize),
}

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
    urgent: Option<Buffer>,
    ahead: [Option<Buffer>; 2],
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
        Self { id: load.id(), runs, last_used: frame, written: 0, bytes: load.bytes() }
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
            urgent: None,
            ahead: [None, None],
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
    pub(super) fn grow<'a>(
        &mut self,
        gpu: &Gpu,
        live: impl Iterator<Item = &'a Arc<SegmentData>> + Clone,
    ) -> Result<()> {
        let (mut needed, mut moving) = ([0_u32; ARENAS], [0_u32; ARENAS]);
        let mut planes = self.plane_mask;
        let mut seen = Vec::with_capacity(MAX_RESIDENT);
        for load in loads(live) {
            if seen.contains(&load.id()) {
                continue;
            }
            seen.push(load.id());
            planes |= load.planes() & full_mask();
            for (arena, count) in load.units().into_iter().enumerate() {
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
        live: impl Iterator<Item = &'a Arc<SegmentData>> + Clone,
        frame: u64,
        completed: u64,
    ) -> bool {
        for load in loads(live.clone()) {
            let shown = match load {
                Load::Segment(segment) => self.stand_in(segment).map(|r| r.id),
                Load::Palette(..) => None,
            };
            for resident in &mut self.residents {
                if resident.id == load.id() || Some(resident.id) == shown {
                    resident.last_used = frame;
                }
            }
        }
        for load in loads(live) {
            if load.bytes() > 0 && self.find(load.id()).is_none() {
                let room = if self.has_planes(load) { self.find_room(load.units(), completed) } else { None };
                let Some(runs) = room else { return false };
                self.residents.push(Resident::new(load, runs, frame));
            }
        }
        true
    }

    /// Whether bytes of live segments are still missing and, since they must go through the shared staging buffer, the
    /// GPU has to be idle first.
    pub(super) fn must_wait<'a>(&self, live: impl Iterator<Item = &'a Arc<SegmentData>> + Clone) -> bool {
        !self.unified && loads(live).any(|load| self.missing_bytes(load) > 0)
    }

    /// Bytes of what is live that have to be written before it can be drawn.
    fn missing_bytes(&self, load: Load<'_>) -> usize {
        match load {
            Load::Segment(segment) if self.stand_in(segment).is_some() => 0,
            _ => self.find(load.id()).map_or(0, |r| r.bytes - r.written),
        }
    }

    /// Writes what is missing of the live segments. Where [`Self::must_wait`], the caller has waited.
    pub(super) fn write_live<'a>(
        &mut self,
        gpu: &Gpu,
        live: impl Iterator<Item = &'a Arc<SegmentData>> + Clone,
    ) -> Result<()> {
        let staging = if self.unified { Staging::InPlace } else { Staging::Urgent };
        if staging == Staging::Urgent {
            // A palette counts with each of its segments: more than is needed, and never less.
            let needed = loads(live.clone()).map(|load| self.missing_bytes(load) as u64).sum();
            if needed > self.urgent.as_ref().map_or(0, Buffer::bytes) {
                self.urgent = Some(Buffer::new(gpu, "segment staging", needed, BufferKind::Staging)?);
            }
        }
        let mut cursor = 0;
        for load in loads(live) {
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
        coming: impl Iterator<Item = &'a Arc<SegmentData>> + Clone,
        frame: u64,
        completed: u64,
        slot: usize,
    ) -> Result<()> {
        let mut missing = 0;
        for load in loads(coming.clone()) {
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
        let staging = if self.unified { Staging::InPlace } else { Staging::Frame(slot) };
        if let (Staging::Frame(_), Some(None)) = (staging, self.ahead.get(slot)) {
            let buffer = Buffer::new(gpu, "frame staging", PRELOAD_MAX as u64, BufferKind::Staging)?;
            self.ahead[slot] = Some(buffer);
        }
        let mut budget = (missing / PRELOAD_FRAMES).next_multiple_of(4).clamp(PRELOAD_BYTES, PRELOAD_MAX);
        let mut cursor = 0;
        for load in loads(coming) {
            budget -= self.write_some(load, budget, staging, &mut cursor)?;
        }
        Ok(())
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
            Staging::Urgent => self.urgent.as_mut(),
            Staging::Frame(slot) => self.ahead.get_mut(slot).and_then(Option::as_mut),
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

    /// A free run of each arena, evicting what no frame in flight shows until there is one.
    fn find_room(&mut self, counts: [u32; ARENAS], completed: u64) -> Option<[Run; ARENAS]> {
        loop {
            if self.residents.len() < MAX_RESIDENT
                && let Some(runs) = self.first_fit(counts)
            {
                return Some(runs);
            }
            let oldest = (0..self.residents.len())
                .filter(|&i| self.residents[i].last_used <= completed)
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
        for copy in self.pending.drain(..) {
            let from = match copy.staging {
                Staging::InPlace => None,
                Staging::Urgent => self.urgent.as_ref(),
                Staging::Frame(slot) => self.ahead.get(slot).and_then(Option::as_ref),
            };
            if let Some(from) = from {
                let to = match copy.target {
                    Target::Plane(index) => &self.buffers.planes[index],
                    Target::Packed => &self.buffers.packed,
                    Target::Clusters => &self.buffers.clusters,
                };
                encoder.copy((from, copy.from), (to, copy.to), copy.bytes);
            }
        }
        encoder.barrier();
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
        let kind = if unified { BufferKind::Shared } else { BufferKind::Device };
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
