//! The types in which playback and render meet: a decoded segment, ready for the GPU, and the live set of a frame.
//!
//! A segment's splats stand in *planes*: arrays of 32-bit words, one array per attribute, exactly as the slice
//! kernel reads them. Splats are grouped into *clusters* of 256, each with a box and a time interval, so that one
//! workgroup can reject 256 splats unread. `codec` writes and reads planes; `shaders/glsl/include/pack.glsl` is the
//! GPU's half of the same layout. The words of each plane are described at [`Plane`].

use std::sync::Arc;

use crate::rig::{Affine, Binding, Rig};

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
    /// 2 words: the mean as three u16, `x | y<<16`, `z | patch<<16`, in the grid of the splat's cluster
    /// ([`Cluster::origin`], [`Cluster::step`]).
    PackedMean = 11,
    /// 1 word: the three smaller components of the unit quaternion as 10-bit two's complement, in the order xyzw, in
    /// steps of [`Grid::rotation_step`]; the number of the largest, which is positive, in the top two bits.
    PackedRotation = 12,
    /// 1 word: three log-scales as u8, `scale = exp(least + step·u)` metres ([`Grid::scale_least`]); the opacity as
    /// unorm8 in the top byte.
    PackedScaleOpacity = 13,
    /// 1 word: red, green and blue as 10-bit numbers, `colour = least + step·u` ([`Grid::colour_least`]).
    PackedColour = 14,
    /// 2 words: window start and end as u16 in steps of [`Grid::window_step`] ticks; the envelope's peak in seconds
    /// from the middle of the window, and `1/sigma_t`, as f16.
    PackedLife = 15,
    /// 2 words: velocity as three i16, `x | y<<16`, `z | 0<<16`: what it adds from the middle of the splat's window to
    /// its end, in steps of [`Grid::velocity_step`].
    PackedVelocity = 16,
    /// 5 words: what quadratic xyz, cubic xyz and spin add by the end of the window as nine i16, last half 0. The spin
    /// is in the splat's own axes: it adds `rotation · (x, y, z, 0)` to the quaternion.
    PackedCurve = 17,
    /// 1 word: the number of the splat's entry in the clip's [`Palette`] in the low half, 0 in the high half.
    PackedHarmonics = 18,
    /// 1 word a joint, [`Keys::joints`] of them: the joint's number as u16, its weight as unorm16 in the high half,
    /// `weight = u / 65535`; heaviest first, and all weights add up to 65535. The splat stands in canonical space and is
    /// carried by its joints: see [`crate::rig`].
    Binding = 19,
    /// 4 words a key, of which there are [`Keys::frames`]: where a joint stands, `object_from_joint = (R·s·U | T)`. R as
    /// snorm16 `x | y<<16`, `z | w<<16`, normalised after decoding; T as three i16 in steps of the grid of poses,
    /// `x | y<<16`, `z`; in the high half of the last word s, `2^(u/2048 − 24)`. A segment with it has *joints* in place of
    /// splats, all those of the clip's rig in order, and moves the splats of the others.
    Drive = 20,
    /// 3 words a key: the symmetric U as six i16 in steps of 1/16384, `xx | yy<<16`, `zz | xy<<16`, `xz | yz<<16`.
    /// The identity without the plane.
    Stretch = 21,
}

impl Plane {
    /// Number of planes there are.
    pub const COUNT: usize = 21;
    /// Number of planes that stand at full precision; the first of [`Self::ALL`], each with a buffer of its own on the
    /// GPU. The packed planes share one, in tiles.
    pub const FULL: usize = 10;

    /// Every plane, in file order.
    pub const ALL: [Self; Self::COUNT] = [
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
        Self::PackedMean,
        Self::PackedRotation,
        Self::PackedScaleOpacity,
        Self::PackedColour,
        Self::PackedLife,
        Self::PackedVelocity,
        Self::PackedCurve,
        Self::PackedHarmonics,
        Self::Binding,
        Self::Drive,
        Self::Stretch,
    ];

    /// The planes of harmonics, by degree.
    pub const HARMONICS: [Self; 3] = [Self::Sh1, Self::Sh2, Self::Sh3];

    /// 32-bit words a splat.
    #[must_use]
    pub const fn words(self) -> usize {
        match self {
            Self::PackedRotation | Self::PackedScaleOpacity | Self::PackedColour => 1,
            Self::PackedHarmonics | Self::Binding => 1,
            Self::Rotation | Self::ScaleOpacity | Self::Colour => 2,
            Self::PackedMean | Self::PackedLife | Self::PackedVelocity => 2,
            Self::Mean | Self::Velocity | Self::Stretch => 3,
            Self::Life | Self::Drive => 4,
            Self::Curve | Self::Sh1 | Self::PackedCurve => 5,
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

    /// Whether the plane's words are numbers of a grid; on the GPU such planes share a buffer, see
    /// [`SegmentData::tile_words`].
    #[must_use]
    pub const fn is_packed(self) -> bool {
        self.index() >= Self::FULL
    }

    /// Whether the plane may hold several keys a splat, see [`Keys`], and by which degree of spline they are joined.
    #[must_use]
    pub const fn spline_degree(self) -> Option<u8> {
        match self {
            Self::PackedMean | Self::PackedRotation => Some(3),
            Self::PackedScaleOpacity | Self::PackedColour => Some(1),
            _ => None,
        }
    }

    /// Widths in bits of the numbers in a packed plane's record, from the low bit of its first word up; they fill its
    /// words. Empty for the other planes.
    #[must_use]
    pub const fn fields(self) -> &'static [u8] {
        match self {
            Self::PackedRotation | Self::PackedColour => &[10, 10, 10, 2],
            Self::PackedScaleOpacity => &[8; 4],
            Self::PackedMean | Self::PackedLife | Self::PackedVelocity => &[16; 4],
            Self::PackedCurve => &[16; 10],
            Self::PackedHarmonics | Self::Binding => &[16; 2],
            Self::Drive => &[16; 8],
            Self::Stretch => &[16; 6],
            _ => &[],
        }
    }
}

/// How many keys a splat has in each packed plane that may have several: then its attribute follows a uniform B-spline
/// over the segment whose control points they are, cubic for means and rotations, linear for the others. The keys of a
/// splat stand one behind the other. A plane of one key does not change.
///
/// The method: de Boor, C., "A Practical Guide to Splines" (1978), on a uniform grid. With `n` keys and degree `d` the
/// segment has `n − d` intervals; in interval `i` at the fraction `u` the value is `Σ_j w_j(u) · key[i + j]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// Of [`Plane::PackedMean`], 1 or 4 to [`Self::MOST`].
    pub mean: u8,
    /// Of [`Plane::PackedRotation`], 1 or 4 to [`Self::MOST`].
    pub rotation: u8,
    /// Of [`Plane::PackedScaleOpacity`], 1 to [`Self::MOST`].
    pub scale_opacity: u8,
    /// Of [`Plane::PackedColour`], 1 to [`Self::MOST`].
    pub colour: u8,
    /// Poses of each patch, 0 or 4 to [`Self::MOST_POSES`]: then splats stand in the frame of their patch, which moves
    /// along the cubic spline of these, see [`SegmentData::poses`].
    pub poses: u8,
    /// Joints that carry each splat, 1 to [`crate::rig::Binding::MOST`] with [`Plane::Binding`] and 0 without.
    pub joints: u8,
    /// Moments at which each joint is told, 2 to [`Self::MOST_FRAMES`] with [`Plane::Drive`] and 0 without: the first at
    /// the segment's start, the last at its end, evenly apart.
    pub frames: u8,
}

impl Keys {
    /// Moments of a segment that drives joints, at most: a page of 128 joints then takes half a chunk.
    pub const MOST_FRAMES: u8 = 64;
    /// Keys a plane has at most: a page of 2048 splats then fills a chunk.
    pub const MOST: u8 = 16;
    /// Poses a patch has at most: 256 patches then fill a chunk.
    pub const MOST_POSES: u8 = 64;
    /// Nothing follows a spline.
    pub const ONE: Self =
        Self { mean: 1, rotation: 1, scale_opacity: 1, colour: 1, poses: 0, joints: 0, frames: 0 };

    /// Keys of a plane; 1 for those that cannot have several.
    #[must_use]
    pub const fn of(self, plane: Plane) -> usize {
        let keys = match plane {
            Plane::PackedMean => self.mean,
            Plane::PackedRotation => self.rotation,
            Plane::PackedScaleOpacity => self.scale_opacity,
            Plane::PackedColour => self.colour,
            Plane::Binding if self.joints > 0 => self.joints,
            Plane::Drive | Plane::Stretch if self.frames > 0 => self.frames,
            _ => 1,
        };
        keys as usize
    }

    /// 32-bit words of a splat in a plane.
    #[must_use]
    pub const fn words(self, plane: Plane) -> usize {
        plane.words() * self.of(plane)
    }

    /// As bytes, in the order of the fields; the last are zero.
    #[must_use]
    pub const fn bytes(self) -> [u8; 8] {
        [self.mean, self.rotation, self.scale_opacity, self.colour, self.poses, self.joints, self.frames, 0]
    }

    /// From bytes, if they are numbers of keys that there may be.
    #[must_use]
    pub const fn from_bytes(
        [mean, rotation, scale_opacity, colour, poses, joints, frames, _]: [u8; 8],
    ) -> Option<Self> {
        const fn cubic(keys: u8) -> bool {
            keys == 1 || (keys >= 4 && keys <= Keys::MOST)
        }
        const fn linear(keys: u8) -> bool {
            keys >= 1 && keys <= Keys::MOST
        }
        let posed = poses == 0 || (poses >= 4 && poses <= Self::MOST_POSES);
        let bound = joints as usize <= Binding::MOST;
        let driven = frames == 0 || (frames >= 2 && frames <= Self::MOST_FRAMES);
        if cubic(mean)
            && cubic(rotation)
            && linear(scale_opacity)
            && linear(colour)
            && posed
            && bound
            && driven
        {
            Some(Self { mean, rotation, scale_opacity, colour, poses, joints, frames })
        } else {
            None
        }
    }

    /// Whether any attribute follows a spline.
    #[must_use]
    pub const fn any(self) -> bool {
        self.mean > 1 || self.rotation > 1 || self.scale_opacity > 1 || self.colour > 1 || self.poses > 0
    }

    /// How many of a segment's splats make the level of detail `lod`; of joints always all.
    #[must_use]
    pub const fn lod_splats(self, splats: usize, lod: usize) -> usize {
        if self.frames > 0 { splats } else { lod_splats(splats, lod) }
    }

    /// Splats of a page in the file: as many as keep the largest chunk within its limit.
    #[must_use]
    pub const fn page_splats(self) -> usize {
        if self.frames > 0 {
            128
        } else if self.mean > 8 || self.rotation > 8 || self.scale_opacity > 8 || self.colour > 8 {
            2048
        } else {
            4096
        }
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self::ONE
    }
}

/// Levels of detail of a segment: level `k` is the first [`lod_splats`] of its splats.
pub const LODS: usize = 4;

/// The level of detail with all splats.
pub const FULL_LOD: u8 = 3;
const _: () = assert!(FULL_LOD as usize + 1 == LODS);

/// Splats of the smallest segment that is worth cutting: a part of fewer saves nothing and has no neighbours to fill in.
pub const LOD_LEAST_SPLATS: usize = 1024;

/// How many of a segment's splats make the level of detail `lod`, 0 the coarsest: an eighth, a quarter, a half, all, in
/// whole clusters; of a small segment always all.
#[must_use]
pub const fn lod_splats(splats: usize, lod: usize) -> usize {
    if splats < LOD_LEAST_SPLATS {
        return splats;
    }
    let shift = if lod < LODS { LODS - 1 - lod } else { 0 };
    let part = splats.div_ceil(1 << shift).next_multiple_of(CLUSTER_SPLATS);
    if part < splats { part } else { splats }
}

/// What the numbers in a segment's packed planes are worth; zero where a segment has none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Grid {
    /// Colour of number 0.
    pub colour_least: f32,
    /// Colour between two numbers.
    pub colour_step: f32,
    /// Quaternion component between two numbers.
    pub rotation_step: f32,
    /// Natural logarithm of the scale in metres of number 0.
    pub scale_least: f32,
    /// The same between two numbers.
    pub scale_step: f32,
    /// Metres between two numbers of what the velocity adds by the end of a window.
    pub velocity_step: f32,
    /// The same for the quadratic term.
    pub quadratic_step: f32,
    /// The same for the cubic term.
    pub cubic_step: f32,
    /// Quaternion component between two numbers of what the spin adds by then.
    pub spin_step: f32,
    /// Ticks between two numbers of a window.
    pub window_step: u32,
    /// Metres of the translation 0, 0, 0 of a pose, object space.
    pub pose_origin: [f32; 3],
    /// Metres between two numbers of a pose's translation.
    pub pose_step: f32,
    /// Seconds of a tick: the clip's, not stored with the segment.
    pub tick_seconds: f32,
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
    /// Mean of the numbers 0, 0, 0 of `PackedMean`, object space, metres; zero without that plane.
    pub origin: [f32; 3],
    /// Metres between two of its numbers; zero without that plane.
    pub step: f32,
    /// Zero.
    pub reserved: [u32; 2],
}

/// Harmonics that the splats of a clip share: each names its entry ([`Plane::PackedHarmonics`]).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Palette {
    /// Number of entries, 1 to [`Self::MOST`].
    pub entries: usize,
    /// Words of the entries as in the planes [`Plane::HARMONICS`]; empty beyond the palette's degree.
    pub planes: [Vec<u32>; 3],
}

impl Palette {
    /// Entries there may be: what a label of 16 bits tells apart.
    pub const MOST: usize = 65_536;

    /// The planes that its entries have.
    pub fn harmonics(&self) -> impl Iterator<Item = Plane> {
        Plane::HARMONICS.into_iter().zip(&self.planes).filter(|(_, words)| !words.is_empty()).map(|(p, _)| p)
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.planes.iter().map(|words| size_of_val(words.as_slice()) as u64).sum()
    }
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
    /// Which level of detail this is: [`FULL_LOD`] for the whole segment, less for the first splats of it.
    pub lod: u8,
    /// Number of splats of the whole segment.
    pub full_splats: usize,
    /// Number of splats; every present plane holds `splats · words` words, without padding.
    pub splats: usize,
    /// Keys of a splat in its packed planes.
    pub keys: Keys,
    /// By which factor the scales of each level of detail grow when it is shown alone, so that it has no holes; 1 for
    /// the last.
    pub lod_gains: [f32; LODS],
    /// One entry per 256 splats, in order.
    pub clusters: Vec<Cluster>,
    /// The planes by [`Plane::index`]; an absent plane is empty (no motion, no envelope, no harmonics).
    pub planes: [Vec<u32>; Plane::COUNT],
    /// [`Keys::poses`] poses a patch, each [`POSE_WORDS`] words: a unit quaternion xyzw as snorm16 and a translation as
    /// three i16 in steps of the grid, low half first, last half 0. There are as many patches as the whole segment has
    /// clusters; the free half of a packed mean is the number of the splat's. Where there are any, means and rotations
    /// are those in the frame of the patch: `p = R·mean + T`, `q = R·rotation`.
    pub poses: Vec<u32>,
    /// What the packed planes' numbers are worth.
    pub grid: Grid,
    /// Whether its splats carry channels: then a renderer keeps room for the labels of a look.
    pub carries: bool,
    /// What the labels in [`Plane::PackedHarmonics`] refer to; every label is below its entries. `None` without that
    /// plane, and where the clip has lost its palette: then the harmonics are zero.
    pub palette: Option<Arc<Palette>>,
    /// The joints that [`Plane::Binding`] and [`Plane::Drive`] speak of; every number of a joint is below theirs. `None`
    /// without those planes.
    pub rig: Option<Arc<Rig>>,
}

/// Words of one pose.
pub const POSE_WORDS: usize = 4;

impl SegmentData {
    /// Whether it has joints in place of splats, and so nothing to draw.
    #[must_use]
    pub fn drives(&self) -> bool {
        self.keys.frames > 0
    }

    /// Identity of these very bytes: that of the segment, and the level of detail.
    #[must_use]
    pub const fn key(&self) -> (u64, u32, u8) {
        (self.id.0, self.id.1, self.lod)
    }

    /// Splats of one of its levels of detail.
    #[must_use]
    pub const fn lod_splats(&self, lod: u8) -> usize {
        self.keys.lod_splats(self.full_splats, lod as usize)
    }

    /// The factor on every scale when these splats are shown.
    #[must_use]
    pub fn gain(&self) -> f32 {
        self.lod_gains.get(usize::from(self.lod)).copied().unwrap_or(1.0)
    }

    /// Words of a splat in a plane.
    #[must_use]
    pub const fn words(&self, plane: Plane) -> usize {
        self.keys.words(plane)
    }

    /// The packed planes present, in the order in which they follow one another in a *tile*: on the GPU, the packed
    /// planes of one cluster stand together, each as 256 splats' words of [`Self::words`].
    pub fn tile_planes(&self) -> impl Iterator<Item = Plane> {
        Plane::ALL.into_iter().filter(|plane| plane.is_packed() && !self.planes[plane.index()].is_empty())
    }

    /// 32-bit words a splat of the segment's tiles.
    #[must_use]
    pub fn tile_words(&self) -> usize {
        self.tile_planes().map(|plane| self.words(plane)).sum()
    }

    /// The mask of planes that a picture is made of: those present and those of the palette.
    #[must_use]
    pub fn shown_planes(&self) -> u32 {
        let own = self.plane_mask();
        match &self.palette {
            Some(palette) if own & Plane::PackedHarmonics.bit() != 0 => {
                palette.harmonics().fold(own, |mask, plane| mask | plane.bit())
            }
            _ => own & !Plane::PackedHarmonics.bit(),
        }
    }

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
    /// What each joint of the clip's rig does to canonical space now, [`Rig::carry`]; empty without a rig. Segments that
    /// need more joints than there are here are not drawn.
    pub joints: Vec<Affine>,
}
