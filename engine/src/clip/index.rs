//! The index: every segment's place in time and in the file, read whole when a clip is opened.
//!
//! Nodes stand sorted by level, then by time. Level 0 has at most one node, over the whole clip; the nodes of a finer
//! level lie side by side and never overlap, so that a time has at most one live node a level and finding it is one
//! binary search a level. Everything a node claims is checked here: its interval, its place in the file, and that its
//! directory has room for the chunks its splats need, which ties every later allocation to the length of the file.

use std::ops::Range;

use super::bytes::{array_at, i64_at, put, u8_at, u32_at, u64_at, word};
use super::header::{
    Extent, Limits, MAX_CHUNK_BYTES, MAX_LEVELS, PACKED_PLANES, PALETTE, RIG, SUPERBLOCK_BYTES, Superblock,
};
use super::palette::{GLOBAL_BYTES, PaletteExtent};
use super::rig_part::RigExtent;
use super::segment::{DIRECTORY_ENTRY_BYTES, SEGMENT_HEADER_BYTES, SEGMENT_TAIL_BYTES};
use super::track::Tracks;
use crate::error::{Error, Result};
use crate::frame::{CLUSTER_SPLATS, Cluster, FULL_LOD, Keys, LODS, POSE_WORDS, Plane};

pub(super) const INDEX_MAGIC: [u8; 4] = *b"VIDX";
pub(super) const INDEX_HEADER_BYTES: usize = 64;
pub(super) const NODE_BYTES: usize = 64;

/// Clusters that one chunk of the cluster table holds.
pub(super) const PAGE_CLUSTERS: usize = MAX_CHUNK_BYTES as usize / size_of::<Cluster>();

/// Clusters whose poses one chunk holds.
pub(super) const PAGE_POSES: usize = 256;

/// What every segment has in one plane or the other, but not in both.
const REQUIRED: [(Plane, Plane); 4] = [
    (Plane::Mean, Plane::PackedMean),
    (Plane::Rotation, Plane::PackedRotation),
    (Plane::ScaleOpacity, Plane::PackedScaleOpacity),
    (Plane::Colour, Plane::PackedColour),
];

/// What a segment may have in one plane or the other, but not in both.
const OPTIONAL: [(Plane, Plane); 3] = [
    (Plane::Life, Plane::PackedLife),
    (Plane::Velocity, Plane::PackedVelocity),
    (Plane::Curve, Plane::PackedCurve),
];

/// Whether a segment may have just these planes.
pub(super) fn planes_sound(mask: u32) -> bool {
    let has = |plane: Plane| mask & plane.bit() != 0;
    if has(Plane::Drive) {
        // Joints in place of splats.
        return mask & !(Plane::Drive.bit() | Plane::Stretch.bit()) == 0;
    }
    !has(Plane::Stretch)
        && REQUIRED.iter().all(|&(full, packed)| has(full) != has(packed))
        && OPTIONAL.iter().all(|&(full, packed)| !(has(full) && has(packed)))
        && !(has(Plane::PackedHarmonics) && Plane::HARMONICS.into_iter().any(has))
}

/// Whether a segment of these planes may have so many keys: of packed planes that it has, and then nothing else may
/// tell how it moves.
pub(super) fn keys_sound(mask: u32, keys: Keys) -> bool {
    let absent = Plane::ALL.into_iter().filter(|plane| mask & plane.bit() == 0);
    let moving = Plane::Life.bit()
        | Plane::Velocity.bit()
        | Plane::Curve.bit()
        | Plane::PackedVelocity.bit()
        | Plane::PackedCurve.bit();
    let framed = Plane::PackedMean.bit() | Plane::PackedRotation.bit();
    // A stretch may be absent beside a drive.
    absent.into_iter().all(|plane| keys.of(plane) == 1 || plane == Plane::Stretch)
        && (!keys.any() || mask & moving == 0)
        && (keys.poses == 0 || mask & framed == framed)
        && (keys.joints > 0) == (mask & Plane::Binding.bit() != 0)
        && (keys.frames > 0) == (mask & Plane::Drive.bit() != 0)
}

/// The bits of the packed planes in a plane mask.
pub(super) fn packed_planes() -> u32 {
    Plane::ALL[Plane::FULL..].iter().map(|plane| plane.bit()).sum()
}

/// The bits of the planes that speak of joints.
pub(super) fn rig_planes() -> u32 {
    Plane::Binding.bit() | Plane::Drive.bit() | Plane::Stretch.bit()
}

/// The features without which segments of these planes cannot be read.
pub(super) fn features(mask: u32) -> u64 {
    let labels = Plane::PackedHarmonics.bit();
    let packed = if mask & packed_planes() & !labels & !rig_planes() == 0 { 0 } else { PACKED_PLANES };
    let labelled = if mask & labels == 0 { 0 } else { PALETTE };
    packed | labelled | if mask & rig_planes() == 0 { 0 } else { RIG }
}

/// The planes of this version.
pub(super) fn known_planes() -> u32 {
    Plane::ALL.iter().map(|plane| plane.bit()).sum()
}

/// One segment as the index knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Level of the temporal hierarchy; 0 spans the whole clip.
    pub level: u8,
    /// First tick of the interval.
    pub start: i64,
    /// First tick after it.
    pub end: i64,
    /// Number of splats, at least 1.
    pub splats: u32,
    /// Which planes are stored, by [`Plane::bit`]; bits this version does not know are cleared.
    pub plane_mask: u32,
    /// Keys of a splat in its packed planes.
    pub keys: Keys,
    /// Byte offset of the segment in the file.
    pub offset: u64,
    /// Bytes of the segment in the file.
    pub stored_bytes: u64,
    /// Bytes of the segment's header and chunk directory.
    pub header_bytes: u32,
    /// Checksum of those.
    pub header_crc: u32,
}

impl Node {
    /// Bytes of the decoded segment: all planes and the cluster table.
    #[must_use]
    pub fn raw_bytes(&self) -> u64 {
        self.bytes_of(self.splats as usize)
    }

    /// Bytes of its level of detail `lod` once decoded.
    #[must_use]
    pub fn lod_bytes(&self, lod: u8) -> u64 {
        self.bytes_of(self.keys.lod_splats(self.splats as usize, usize::from(lod)))
    }

    /// Bytes of the pages that have to be decoded for that.
    #[must_use]
    pub fn lod_work(&self, lod: u8) -> u64 {
        let splats = self.keys.lod_splats(self.splats as usize, usize::from(lod));
        self.bytes_of(splats.next_multiple_of(self.keys.page_splats()).min(self.splats as usize))
    }

    /// Decoded bytes of its first splats: all planes and the cluster table.
    fn bytes_of(&self, splats: usize) -> u64 {
        let words: usize = self.planes().map(|plane| self.keys.words(plane)).sum();
        let poses = self.clusters() * usize::from(self.keys.poses) * POSE_WORDS * 4;
        let clusters = if self.drives() { 0 } else { splats.div_ceil(CLUSTER_SPLATS) };
        (splats * words * 4 + clusters * size_of::<Cluster>() + poses) as u64
    }

    /// Entries of the cluster table.
    #[must_use]
    pub fn clusters(&self) -> usize {
        if self.drives() { 0 } else { (self.splats as usize).div_ceil(CLUSTER_SPLATS) }
    }

    /// Whether it has joints in place of splats.
    #[must_use]
    pub const fn drives(&self) -> bool {
        self.keys.frames > 0
    }

    /// Splats that can be drawn: none of a segment of joints.
    #[must_use]
    pub const fn drawn_splats(&self) -> u32 {
        if self.drives() { 0 } else { self.splats }
    }

    /// Pages of each plane.
    #[must_use]
    pub fn pages(&self) -> usize {
        (self.splats as usize).div_ceil(self.keys.page_splats())
    }

    /// The planes stored, in file order.
    pub fn planes(&self) -> impl Iterator<Item = Plane> + use<> {
        let mask = self.plane_mask;
        Plane::ALL.into_iter().filter(move |plane| mask & plane.bit() != 0)
    }

    /// Chunks the segment must have.
    pub(super) fn chunks(&self) -> usize {
        let poses = if self.keys.poses > 0 { self.clusters().div_ceil(PAGE_POSES) } else { 0 };
        self.pages() * self.planes().count() + self.clusters().div_ceil(PAGE_CLUSTERS) + poses
    }

    fn parse(bytes: &[u8]) -> Self {
        Self {
            start: i64_at(bytes, 0x00),
            end: i64_at(bytes, 0x08),
            offset: u64_at(bytes, 0x10),
            stored_bytes: u64_at(bytes, 0x18),
            splats: u32_at(bytes, 0x20),
            level: u8_at(bytes, 0x24),
            header_bytes: u32_at(bytes, 0x28),
            header_crc: u32_at(bytes, 0x2c),
            plane_mask: u32_at(bytes, 0x30) & known_planes(),
            // Numbers that cannot be are found by the check of the node.
            keys: Keys::from_bytes(array_at(bytes, 0x38)).unwrap_or_default(),
        }
    }

    fn bytes(&self) -> [u8; NODE_BYTES] {
        let mut out = [0; NODE_BYTES];
        put(&mut out, 0x00, &self.start.to_le_bytes());
        put(&mut out, 0x08, &self.end.to_le_bytes());
        put(&mut out, 0x10, &self.offset.to_le_bytes());
        put(&mut out, 0x18, &self.stored_bytes.to_le_bytes());
        put(&mut out, 0x20, &self.splats.to_le_bytes());
        put(&mut out, 0x24, &[self.level, 1]);
        put(&mut out, 0x28, &self.header_bytes.to_le_bytes());
        put(&mut out, 0x2c, &self.header_crc.to_le_bytes());
        put(&mut out, 0x30, &self.plane_mask.to_le_bytes());
        put(&mut out, 0x38, &self.keys.bytes());
        out
    }
}

/// The live nodes of one time: at most one a level, coarse levels first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LiveNodes {
    nodes: [u32; MAX_LEVELS],
    len: usize,
}

impl std::ops::Deref for LiveNodes {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        self.nodes.get(..self.len).unwrap_or_default()
    }
}

/// The parsed index.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Index {
    pub(super) nodes: Vec<Node>,
    /// The run of `nodes` that each level has.
    pub(super) levels: [Range<usize>; MAX_LEVELS],
    /// Most decoded bytes live at once, by level of detail.
    pub(super) live_bytes: [u64; LODS],
    pub(super) tracks: Tracks,
    pub(super) palette: Option<PaletteExtent>,
    pub(super) rig: Option<RigExtent>,
}

/// What lies at a place of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Index,
    Metadata,
    Node(usize),
    Track,
    Palette,
    Rig,
}

impl Index {
    /// Sorts the nodes into their order in the file.
    pub(super) fn new(
        mut nodes: Vec<Node>,
        tracks: Tracks,
        palette: Option<PaletteExtent>,
        rig: Option<RigExtent>,
    ) -> Self {
        nodes.sort_by_key(|node| (node.level, node.start));
        let levels = std::array::from_fn(|level| {
            let first = nodes.partition_point(|node| usize::from(node.level) < level);
            first..nodes.partition_point(|node| usize::from(node.level) <= level)
        });
        let mut index = Self { nodes, levels, live_bytes: [0; LODS], tracks, palette, rig };
        let mut live_bytes = [0_u64; LODS];
        index.sweep(|live| {
            for (most, lod) in live_bytes.iter_mut().zip(0_u8..) {
                *most = (*most)
                    .max(live.iter().fold(0, |sum: u64, node| sum.saturating_add(node.lod_bytes(lod))));
            }
        });
        index.live_bytes = live_bytes;
        index
    }

    /// The nodes of one level, by time.
    pub(super) fn level(&self, level: usize) -> &[Node] {
        self.levels.get(level).and_then(|range| self.nodes.get(range.clone())).unwrap_or_default()
    }

    /// The nodes live at `tick`; one binary search a level, no allocation.
    pub(super) fn live(&self, tick: i64) -> LiveNodes {
        let mut live = LiveNodes::default();
        for (level, range) in self.levels.iter().enumerate() {
            let nodes = self.level(level);
            let after = nodes.partition_point(|node| node.start <= tick);
            let Some(last) = after.checked_sub(1) else { continue };
            if nodes[last].end > tick {
                live.nodes[live.len] = word(range.start + last);
                live.len += 1;
            }
        }
        live
    }

    /// Looks at the live set at the start of every node, between which none grows.
    fn sweep(&self, mut look: impl FnMut(&[&Node])) {
        let mut order: Vec<&Node> = self.nodes.iter().collect();
        order.sort_by_key(|node| node.start);
        let mut live: Vec<&Node> = Vec::with_capacity(MAX_LEVELS);
        for node in order {
            live.retain(|other| other.level != node.level && other.end > node.start);
            live.push(node);
            look(&live);
        }
    }

    /// The most that any live set holds.
    pub(super) fn limits(&self) -> Limits {
        let mut limits =
            Limits { max_live_bytes: self.live_bytes[usize::from(FULL_LOD)], ..Limits::default() };
        self.sweep(|live| {
            let splats: u64 = live.iter().map(|node| u64::from(node.drawn_splats())).sum();
            limits.max_live_splats = limits.max_live_splats.max(u32::try_from(splats).unwrap_or(u32::MAX));
        });
        limits.max_segment_bytes = self.nodes.iter().map(Node::raw_bytes).max().unwrap_or(0);
        limits
    }

    /// Checks one node that a scan found, by itself.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub(super) fn check_found(node: &Node, superblock: &Superblock, span: i64, file: &str) -> Result<()> {
        Check { superblock, span, file }.node(0, 0, node, None)
    }

    /// The index as it stands in the file.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = vec![0; INDEX_HEADER_BYTES];
        put(&mut out, 0, &INDEX_MAGIC);
        put(&mut out, 4, &word(INDEX_HEADER_BYTES).to_le_bytes());
        put(&mut out, 8, &word(self.nodes.len()).to_le_bytes());
        put(&mut out, 12, &word(NODE_BYTES).to_le_bytes());
        let [tracks, track_len] = self.tracks.header();
        put(&mut out, 16, &tracks.to_le_bytes());
        put(&mut out, 20, &track_len.to_le_bytes());
        let globals = u32::from(self.palette.is_some()) + u32::from(self.rig.is_some());
        if globals > 0 {
            put(&mut out, 24, &globals.to_le_bytes());
            put(&mut out, 28, &word(GLOBAL_BYTES).to_le_bytes());
        }
        for node in &self.nodes {
            out.extend_from_slice(&node.bytes());
        }
        out.extend(self.palette.iter().flat_map(PaletteExtent::bytes));
        out.extend(self.rig.iter().flat_map(RigExtent::bytes));
        out.extend_from_slice(&self.tracks.bytes());
        out
    }

    /// Parses an index whose checksum holds. `span` is the clip's length in ticks, at least 1.
    ///
    /// # Errors
    /// [`Error::Malformed`] naming the node and the field.
    pub(super) fn parse(bytes: &[u8], superblock: &Superblock, span: i64, file: &str) -> Result<Self> {
        let check = Check { superblock, span, file };
        let (nodes_at, node_len) = check.header(bytes)?;
        let mut nodes = Vec::with_capacity(superblock.nodes as usize);
        for (number, record) in bytes[nodes_at..].chunks_exact(node_len).enumerate() {
            if number == superblock.nodes as usize {
                break;
            }
            let node = Node::parse(record);
            if Keys::from_bytes(array_at(record, 0x38)).is_none() {
                let at = (nodes_at + number * node_len + 0x38) as u64;
                let why = "is no number of keys that there may be; convert again";
                return Err(check.wrong(&format!("index.node[{number}].keys"), at, why));
            }
            check.node(number, (nodes_at + number * node_len) as u64, &node, nodes.last())?;
            nodes.push(node);
        }
        let globals_at = nodes_at + nodes.len() * node_len;
        let palette = PaletteExtent::parse(bytes, globals_at, superblock.index.offset, file)?;
        let rig = RigExtent::parse(bytes, globals_at, superblock.index.offset, file)?;
        // Both numbers were checked against the index's length.
        let globals = u32_at(bytes, 24) as usize * u32_at(bytes, 28) as usize;
        let tracks = Tracks::parse(bytes, globals_at + globals, superblock.index.offset, file)?;
        let index = Self::new(nodes, tracks, palette, rig);
        check.extents(&index)?;
        check.totals(&index)?;
        Ok(index)
    }
}

/// What the index is checked against.
struct Check<'a> {
    superblock: &'a Superblock,
    span: i64,
    file: &'a str,
}

impl Check<'_> {
    fn wrong(&self, field: &str, at: u64, why: impl Into<String>) -> Error {
        Error::malformed(self.file, field, self.superblock.index.offset.saturating_add(at), why)
    }

    /// Where the nodes start in the index, and how long each record is.
    fn header(&self, bytes: &[u8]) -> Result<(usize, usize)> {
        let header_len = u32_at(bytes, 4) as usize;
        let node_len = u32_at(bytes, 12) as usize;
        if array_at::<4>(bytes, 0) != INDEX_MAGIC {
            return Err(self.wrong("index.magic", 0, "this is not an index; get another copy of the file"));
        }
        if header_len < INDEX_HEADER_BYTES || node_len < NODE_BYTES {
            return Err(self.wrong(
                "index.header_len",
                4,
                "is shorter than version 1; convert the source again",
            ));
        }
        if u32_at(bytes, 8) != self.superblock.nodes {
            let why = format!("is {} but the superblock says {}", u32_at(bytes, 8), self.superblock.nodes);
            return Err(self.wrong("index.nodes", 8, why + "; convert the source again"));
        }
        let needed =
            node_len.checked_mul(self.superblock.nodes as usize).and_then(|len| len.checked_add(header_len));
        if needed.is_none_or(|needed| needed > bytes.len()) {
            let why =
                format!("{} nodes do not fit the index of {} bytes", self.superblock.nodes, bytes.len());
            return Err(self.wrong("index.nodes", 8, why + "; convert the source again"));
        }
        Ok((header_len, node_len))
    }

    /// One node by itself and against the one before it.
    fn node(&self, number: usize, at: u64, node: &Node, before: Option<&Node>) -> Result<()> {
        let wrong = |field: &str, field_at: u64, why: &str| {
            Err(self.wrong(
                &format!("index.node[{number}].{field}"),
                at + field_at,
                format!("{why}; convert again"),
            ))
        };
        if u32::from(node.level) >= self.superblock.levels {
            return wrong("level", 0x24, "is beyond the superblock's levels");
        }
        if node.start < 0 || node.start >= node.end || node.end > self.span {
            return wrong("start", 0x00, "the interval is empty or leaves the clip");
        }
        if node.level == 0 && (node.start, node.end) != (0, self.span) {
            return wrong("start", 0x00, "a node of level 0 must span the whole clip");
        }
        if let Some(before) = before
            && (node.level < before.level || (node.level == before.level && node.start < before.end))
        {
            return wrong("start", 0x00, "nodes must be sorted by level and time and must not overlap");
        }
        if node.splats == 0 {
            return wrong("splats", 0x20, "a node must not be empty");
        }
        if !planes_sound(node.plane_mask) {
            let why = "mean, rotation, scale and colour must be stored, and nothing both in full and packed";
            return wrong("plane_mask", 0x30, why);
        }
        if features(node.plane_mask) & !self.superblock.incompat != 0 {
            return wrong(
                "plane_mask",
                0x30,
                "has packed planes or labels without the feature bit that announces them",
            );
        }
        if !keys_sound(node.plane_mask, node.keys) {
            let why = "keys are for packed planes, without velocity, curve or full life beside them";
            return wrong("keys", 0x38, why);
        }
        if node.pages() > usize::from(u16::MAX) + 1 {
            return wrong("splats", 0x20, "is more than 268435456");
        }
        let directory = node.chunks() * DIRECTORY_ENTRY_BYTES;
        if (node.header_bytes as usize) < SEGMENT_HEADER_BYTES + directory {
            return wrong("header_bytes", 0x28, "has no room for the chunks that the splats need");
        }
        // Each chunk starts on 256 bytes of its own, so the file's length bounds what a segment can claim.
        let least =
            u64::from(node.header_bytes) + (node.chunks() as u64 - 1) * 256 + SEGMENT_TAIL_BYTES as u64;
        if node.stored_bytes < least {
            return wrong("stored_bytes", 0x18, "has no room for the chunks that the splats need");
        }
        Ok(())
    }

    /// No two things of the file share a byte, and none leaves it.
    fn extents(&self, index: &Index) -> Result<()> {
        let Extent { offset, len, .. } = self.superblock.index;
        let mut extents = vec![(offset, len, Part::Index)];
        if self.superblock.metadata.len > 0 {
            let metadata = self.superblock.metadata;
            extents.push((metadata.offset, metadata.len, Part::Metadata));
        }
        let nodes = index.nodes.iter().enumerate();
        extents.extend(nodes.map(|(at, node)| (node.offset, node.stored_bytes, Part::Node(at))));
        extents.extend(index.palette.iter().map(|at| (at.offset, at.stored_bytes, Part::Palette)));
        extents.extend(index.rig.iter().map(|at| (at.offset, at.stored_bytes, Part::Rig)));
        extents.extend(index.tracks.extents.iter().map(|&(offset, len)| (offset, len, Part::Track)));
        extents.sort_unstable();
        let block = SUPERBLOCK_BYTES as u64;
        let mut free = block;
        for (offset, len, part) in extents {
            let end = offset
                .checked_add(len)
                .filter(|&end| offset >= free && end <= self.superblock.file_len - block);
            let Some(end) = end else {
                let why = format!(
                    "{len} bytes at {offset} leave the file or overlap other parts; get another copy"
                );
                let (name, at) = match part {
                    Part::Index | Part::Metadata => ("index".to_owned(), 0),
                    Part::Node(node) => {
                        let at = INDEX_HEADER_BYTES + node * NODE_BYTES + 0x10;
                        (format!("index.node[{node}].offset"), at as u64)
                    }
                    Part::Track => ("index.track".to_owned(), 0x10),
                    Part::Palette | Part::Rig => ("index.global".to_owned(), 0x18),
                };
                return Err(self.wrong(&name, at, why));
            };
            free = end;
        }
        Ok(())
    }

    /// The superblock's sums, which callers budget by, are those of the index.
    fn totals(&self, index: &Index) -> Result<()> {
        let splats: u64 = index.nodes.iter().map(|node| u64::from(node.drawn_splats())).sum();
        if index.limits() != self.superblock.limits || splats != self.superblock.splats {
            let why = format!(
                "the index gives {:?} and {splats} splats, the superblock {:?} and {}; convert the source again",
                index.limits(),
                self.superblock.limits,
                self.superblock.splats
            );
            return Err(Error::malformed(self.file, "superblock.max_live_bytes", 0x80, why));
        }
        Ok(())
    }
}
