//! The segments that are on the GPU: one buffer a full plane and one for all packed planes, shared by all clips, in
//! slots of one cluster.
//!
//! A segment takes a contiguous run of cluster slots (first fit). Segments that no frame in flight shows make way for
//! new ones, the longest unused first. On devices with unified memory the planes are written in place; elsewhere they
//! go through one staging buffer and copies at the start of the frame.

use std::sync::Arc;

use vivant_shaders::generated::binding;

use crate::error::{Error, Result};
use crate::frame::{CLUSTER_SPLATS, Cluster, Plane, SegmentData};
use crate::gpu::{Buffer, BufferKind, Encoder, Gpu};

/// Segments that can be resident at once: two clips of eight levels, four times over.
const MAX_RESIDENT: usize = 64;

/// One segment's run of cluster slots.
#[derive(Debug, Clone, Copy)]
struct Resident {
    id: (u64, u32),
    first: u32,
    count: u32,
    last_used: u64,
    staged: bool,
}

/// Where a copy goes.
#[derive(Debug, Clone, Copy)]
enum Target {
    Plane(usize),
    Packed,
    Clusters,
}

/// A copy that the next frame has to make.
#[derive(Debug, Clone, Copy)]
struct PendingCopy {
    to_buffer: Target,
    from: u64,
    to: u64,
    bytes: u64,
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
    staging: Option<Buffer>,
    pending: Vec<PendingCopy>,
    generation: u32,
    uploaded_bytes: u64,
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
            staging: None,
            pending: Vec::with_capacity(MAX_RESIDENT * (Plane::FULL + 2)),
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

    /// Finds room for every live segment and writes those that are new. False when there is no room: grow, then try
    /// again. `completed` is the newest frame that the GPU has finished.
    pub(super) fn make_resident<'a>(
        &mut self,
        live: impl Iterator<Item = &'a Arc<SegmentData>> + Clone,
        frame: u64,
        completed: u64,
    ) -> Result<bool> {
        for segment in live.clone() {
            if let Some(resident) = self.residents.iter_mut().find(|r| r.id == segment.id) {
                resident.last_used = frame;
            }
        }
        for segment in live {
            if segment.clusters.is_empty() || self.first_cluster(segment.id).is_some() {
                continue;
            }
            let Some(first) = self.find_room(cluster_count(segment), completed) else { return Ok(false) };
            let resident = Resident {
                id: segment.id,
                first,
                count: cluster_count(segment),
                last_used: frame,
                staged: false,
            };
            if self.unified {
                self.write_in_place(segment, first)?;
            }
            self.residents.push(Resident { staged: self.unified, ..resident });
        }
        Ok(true)
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

    fn write_in_place(&mut self, segment: &SegmentData, first: u32) -> Result<()> {
        for plane in full_planes() {
            let words = &segment.planes[plane.index()];
            if !words.is_empty() {
                let offset = first as usize * CLUSTER_SPLATS * plane.words() * 4;
                self.planes[plane.index()].write(offset, words)?;
                self.uploaded_bytes += words.len() as u64 * 4;
            }
        }
        let tile_bytes = CLUSTER_SPLATS * self.tile_words * 4;
        self.uploaded_bytes +=
            write_tiles(&mut self.packed, first as usize * tile_bytes, tile_bytes, segment)?;
        self.clusters.write(first as usize * size_of::<Cluster>(), &segment.clusters)
    }

    /// Whether segments wait to go through the staging buffer.
    pub(super) fn wants_staging(&self) -> bool {
        self.residents.iter().any(|r| !r.staged)
    }

    /// Puts every waiting segment into the staging buffer and notes the copies for the next frame.
    pub(super) fn stage<'a>(
        &mut self,
        gpu: &Gpu,
        live: impl Iterator<Item = &'a Arc<SegmentData>> + Clone,
    ) -> Result<()> {
        let waiting = |residents: &[Resident], id| residents.iter().any(|r| r.id == id && !r.staged);
        let tile_bytes = (CLUSTER_SPLATS * self.tile_words * 4) as u64;
        let tiles = |s: &SegmentData| if has_packed(s) { s.clusters.len() as u64 * tile_bytes } else { 0 };
        let segment_bytes = |s: &SegmentData| {
            let full = s.planes[..Plane::FULL].iter().map(|p| p.len() as u64 * 4).sum::<u64>();
            full + tiles(s) + s.clusters.len() as u64 * 64
        };
        let needed: u64 =
            live.clone().filter(|s| waiting(&self.residents, s.id)).map(|s| segment_bytes(s)).sum();
        if self.staging.as_ref().is_none_or(|b| b.bytes() < needed) {
            self.staging = Some(Buffer::new(gpu, "segment staging", needed, BufferKind::Staging)?);
        }
        let Some(staging) = &mut self.staging else { return Ok(()) };
        let mut from = 0_u64;
        for segment in live {
            let Some(resident) = self.residents.iter_mut().find(|r| r.id == segment.id && !r.staged) else {
                continue;
            };
            resident.staged = true;
            let first = u64::from(resident.first);
            let planes = full_planes().map(|p| {
                let slot_bytes = (CLUSTER_SPLATS * p.words() * 4) as u64;
                let words = bytemuck::cast_slice::<u32, u8>(&segment.planes[p.index()]);
                (Target::Plane(p.index()), slot_bytes, words)
            });
            let table = (Target::Clusters, 64, bytemuck::cast_slice::<Cluster, u8>(&segment.clusters));
            for (to_buffer, slot_bytes, data) in planes.chain([table]) {
                if data.is_empty() {
                    continue;
                }
                staging.write(usize::try_from(from).unwrap_or(usize::MAX), data)?;
                let bytes = data.len() as u64;
                self.pending.push(PendingCopy { to_buffer, from, to: first * slot_bytes, bytes });
                from += bytes;
                self.uploaded_bytes += bytes;
            }
            let bytes = tiles(segment);
            if bytes > 0 {
                let at = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
                self.uploaded_bytes += write_tiles(staging, at(from), at(tile_bytes), segment)?;
                let to_buffer = Target::Packed;
                self.pending.push(PendingCopy { to_buffer, from, to: first * tile_bytes, bytes });
                from += bytes;
            }
        }
        Ok(())
    }

    /// Records the copies that wait, if any.
    pub(super) fn record_copies(&mut self, encoder: &mut Encoder<'_>) {
        let Some(staging) = self.staging.as_ref().filter(|_| !self.pending.is_empty()) else { return };
        encoder.span("upload");
        for copy in self.pending.drain(..) {
            let to = match copy.to_buffer {
                Target::Plane(index) => &self.planes[index],
                Target::Packed => &self.packed,
                Target::Clusters => &self.clusters,
            };
            encoder.copy((staging, copy.from), (to, copy.to), copy.bytes);
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

fn has_packed(segment: &SegmentData) -> bool {
    segment.planes[Plane::FULL..].iter().any(|plane| !plane.is_empty())
}

/// Writes a segment's packed planes as tiles of `tile_bytes` from the byte `at`; returns how many bytes they have.
fn write_tiles(buffer: &mut Buffer, at: usize, tile_bytes: usize, segment: &SegmentData) -> Result<u64> {
    let mut bytes = 0;
    for plane in Plane::ALL {
        let Some(offset) = plane.tile_offset() else { continue };
        let clusters = segment.planes[plane.index()].chunks(CLUSTER_SPLATS * plane.words());
        for (number, words) in clusters.enumerate() {
            buffer.write(at + number * tile_bytes + offset * CLUSTER_SPLATS * 4, words)?;
            bytes += words.len() as u64 * 4;
        }
    }
    Ok(bytes)
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
