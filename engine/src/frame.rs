//! The types in which playback and render meet: a decoded segment, ready for the GPU, and the live set of a frame.
//!
//! A segment's splats stand in *planes*: arrays of 32-bit words, one array per attribute, exactly as the slice
//! kernel reads them. Splats are grouped into *clusters* of 256, each with a box and a time interval, so that one
//! workgroup can reject 256 splats unread. `codec` writes and reads planes; `shaders/glsl/include/pack.glsl` is the
//! GPU's half of the same layout. The words of each plane are described at [`Plane`].

use std::sync::Arc;

/// Splats a cluster: one workgroup of the slice kernel.
pub const CLUSTER_SPLATS: usize = 256;

/// One attribute array of a segment; the discriminant is its number in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Plane {
    /// 3 words: x, y, z of the mean at t0 as f32, metres.
    Mean = 1,
    /// 2 words: quaternion as snorm16, `x | y<<16`, `z | w<<16`; normalised after decoding.
    Rotation = 2,
    /// 2 words: log-scales and opacity as unorm16, `sx | sy<<16`, `sz | opacity<<16`; a scale is
    /// `exp(u/65535·28 − 20)` metres.
    ScaleOpacity = 3,
    /// 2 words: base colour as f16, `r | g<<16`, `b | 0<<16`, sRGB-encoded.
    Colour = 4,
    /// 4 words: t0 as f32 seconds from the segment's start; `1/sigma_t` as f32 (0 for none); window start and end as
    /// u32 ticks from the segment's start, clamped to the segment.
    Life = 5,
    /// 3 words: velocity x, y, z as f32, m/s. In full, because over a long life it carries a splat far.
    Velocity = 6,
    /// 5 words: quadratic xyz, cubic xyz, spin xyzw as f16, packed low half first.
    Curve = 7,
    /// 5 words: SH coefficients 1–3 × RGB as f16, packed low half first, last half 0.
    Sh1 = 8,
    /// 8 words: SH coefficients 4–8 × RGB as f16, packed low half first, last half 0.
    Sh2 = 9,
    /// 11 words: SH coefficients 9–15 × RGB as f16, packed low half first, last half 0.
    Sh3 = 10,
}

impl Plane {
    /// Every plane, in file order.
    pub const ALL: [Self; 10] = [
        Self::Mean,
        Self::Rotation,
        Self::ScaleOpacity,
        Self::Colour,
        Self::Life,
        Self::Velocity,
        Self::Curve,
        Self::Sh1,
        Self::Sh2,
        Self::Sh3,
    ];

    /// 32-bit words a splat.
    #[must_use]
    pub const fn words(self) -> usize {
        match self {
            Self::Mean | Self::Velocity => 3,
            Self::Rotation | Self::ScaleOpacity | Self::Colour => 2,
            Self::Life => 4,
            Self::Curve | Self::Sh1 => 5,
            Self::Sh2 => 8,
            Self::Sh3 => 11,
        }
    }

    /// Position in [`Self::ALL`] and in [`SegmentData::planes`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize - 1
    }

    /// This plane's bit in a plane mask.
    #[must_use]
    pub const fn bit(self) -> u32 {
        1 << self.index()
    }
}

/// What the slice kernel knows of 256 splats before it reads one; 64 bytes, as in the file and on the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Cluster {
    /// Lower corner of the box of every mean while its splat shows, object space, metres.
    pub box_min: [f32; 3],
    /// Largest standard deviation of any splat, metres.
    pub max_scale: f32,
    /// Upper corner.
    pub box_max: [f32; 3],
    /// Number of splats, 1..=256; only the last cluster of a segment may hold fewer than 256.
    pub count: u32,
    /// First tick at which any splat shows, from the segment's start.
    pub start: u32,
    /// First tick at which none shows any more.
    pub end: u32,
    /// Zero.
    pub reserved: [u32; 6],
}

/// A decoded segment: immutable, shared between playback and render.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentData {
    /// Identity across clips and re-reads: (clip number in this process, node number in the clip's index).
    pub id: (u64, u32),
    /// First tick of the segment's interval.
    pub start: i64,
    /// First tick after it.
    pub end: i64,
    /// Number of splats; every present plane holds `splats · words` words, without padding.
    pub splats: usize,
    /// One entry per 256 splats, in order.
    pub clusters: Vec<Cluster>,
    /// The planes by [`Plane::index`]; an absent plane is empty (no motion, no envelope, no harmonics).
    pub planes: [Vec<u32>; 10],
}

impl SegmentData {
    /// The mask of planes present.
    #[must_use]
    pub fn plane_mask(&self) -> u32 {
        Plane::ALL.iter().filter(|p| !self.planes[p.index()].is_empty()).map(|p| p.bit()).sum()
    }
}

/// What one frame shows of one clip: at most one segment a level, and the exact time.
#[derive(Debug, Clone)]
pub struct LiveSet {
    /// The segments whose interval holds the time, coarse levels first.
    pub segments: Vec<Arc<SegmentData>>,
    /// The media time, nearest tick.
    pub tick: i64,
    /// The media time asked for, seconds from the clip's start; unrounded.
    pub seconds: f64,
    /// Segments in memory that will be live next, soonest first: what a renderer may put on the GPU ahead of time.
    pub coming: Vec<Arc<SegmentData>>,
}
