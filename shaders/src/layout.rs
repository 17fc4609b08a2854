//! The Rust twins of `glsl/include/types.glsl`. [`crate::generated`] asserts every offset against the SPIR-V.

use bytemuck::{Pod, Zeroable};

use crate::generated::{LOOK_LABELS, MAX_LOOKS, MAX_VIEWS};

/// What every kernel of a frame knows; see `types.glsl` for units.
#[derive(Debug, Clone, Copy, PartialEq, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Frame {
    /// Centre of all views, world; w = 0.
    pub head_in_world: [f32; 4],
    /// Premultiplied background in the encoding of the target.
    pub background: [f32; 4],
    /// Radial distance of the nearest key, metres.
    pub key_near: f32,
    /// Keys a metre.
    pub key_scale: f32,
    /// Metres subtracted from depths before accumulation.
    pub depth_reference: f32,
    /// Zero.
    pub reserved: u32,
    /// Number of views.
    pub views: u32,
    /// Entries of the sliced and key arrays.
    pub slots: u32,
    /// Sort blocks.
    pub blocks: u32,
    /// `ENCODE_LINEAR` and `BLEND_LINEAR`.
    pub flags: u32,
}

/// One eye or camera.
#[derive(Debug, Clone, Copy, PartialEq, Default, Pod, Zeroable)]
#[repr(C)]
pub struct View {
    /// Column-major.
    pub view_from_world: [[f32; 4]; 4],
    /// w = 0.
    pub position_in_world: [f32; 4],
    /// Tangents of left, right, up, down.
    pub tangents: [f32; 4],
    /// Focal length x, y; width, height; px.
    pub screen: [f32; 4],
}

/// The frame's first buffer: the frame and its views.
#[derive(Debug, Clone, Copy, PartialEq, Default, Pod, Zeroable)]
#[repr(C)]
pub struct FrameBlock {
    /// The frame.
    pub frame: Frame,
    /// Its views; the first `frame.views` are valid.
    pub views: [View; MAX_VIEWS as usize],
    /// [`MAX_LOOKS`] looks of [`LOOK_LABELS`] words each, one behind the other.
    pub looks: [[[u32; 32]; LOOK_LABELS as usize / 32]; MAX_LOOKS as usize],
}

/// One live segment.
#[derive(Debug, Clone, Copy, PartialEq, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Segment {
    /// Column-major.
    pub world_from_object: [[f32; 4]; 4],
    /// Rotation of `world_from_object`, xyzw.
    pub rotation: [f32; 4],
    /// Media time from the segment's start, seconds.
    pub seconds: f32,
    /// The same in ticks.
    pub tick: u32,
    /// Plane mask; with labels also the planes of their palette.
    pub planes: u32,
    /// Uniform scale of `world_from_object`.
    pub scale: f32,
    /// Colour of number 0; this and what follows say what the numbers of packed planes are worth.
    pub colour_least: f32,
    /// Colour between two numbers.
    pub colour_step: f32,
    /// Quaternion component between two numbers.
    pub rotation_step: f32,
    /// Log-scale of number 0.
    pub scale_least: f32,
    /// Log-scale between two numbers.
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
    /// Seconds of a tick.
    pub tick_seconds: f32,
    /// Length of the segment in ticks.
    pub ticks: u32,
    /// Slot of its first cluster: full planes and cluster table.
    pub first_cluster: u32,
    /// Where its tiles start among the packed words, in steps of 256 words.
    pub packed_first: u32,
    /// Words a splat of its tiles.
    pub tile_words: u32,
    /// Where its harmonics or those of its palette start, in slots of 256 entries.
    pub harmonics_first: u32,
    /// A byte a packed plane, by its place among them: where it stands in a tile, in words a splat.
    pub places: [u32; 2],
    /// A byte each: keys of a splat's mean, rotation, scale and opacity, colour.
    pub keys: u32,
    /// A byte each: the first of the keys that make the value now, as in `keys`.
    pub first_keys: u32,
    /// How much of each of the four keys of a mean, or of its one.
    pub mean_weights: [f32; 4],
    /// The same of a rotation.
    pub rotation_weights: [f32; 4],
    /// How much of the second of two keys of a scale and opacity.
    pub scale_weight: f32,
    /// The same of a colour.
    pub colour_weight: f32,
    /// Where the poses of its first patch start among the packed words, in steps of 256 words.
    pub poses_first: u32,
    /// Poses a patch, 0 where means are told in object space.
    pub poses: u32,
    /// The first of the four that make the pose now.
    pub first_pose: u32,
    /// How much of each.
    pub pose_weights: [f32; 4],
    /// Translation of the numbers 0, 0, 0, metres.
    pub pose_origin: [f32; 3],
    /// Metres between two of its numbers.
    pub pose_step: f32,
    /// Factor on every scale, 1 unless a coarser level of detail is shown.
    pub gain: f32,
    /// Low-pass variance, px².
    pub low_pass: f32,
    /// `LOOK_*` bits.
    pub look: u32,
    /// Where its labels start in the packed planes, in steps of 256 words; a byte a splat.
    pub labels_first: u32,
    /// One more than the number of its look, 0 for none.
    pub label_look: u32,
    /// Where the joints of a splat stand in a tile, in words a splat; from bit 16 on how many they are. 0 without.
    pub binding: u32,
    /// The first joint of the clip among all.
    pub joints_first: u32,
}

/// One workgroup of slice and cull.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(C)]
pub struct ClusterRef {
    /// Slot of the cluster in the pool.
    pub cluster: u32,
    /// Index of its segment.
    pub segment: u32,
    /// Splats in it.
    pub count: u32,
    /// Zero.
    pub reserved: u32,
}

/// What is known of 256 splats before one is read.
#[derive(Debug, Clone, Copy, PartialEq, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Cluster {
    /// Lower corner of the means' box over the interval.
    pub box_min: [f32; 3],
    /// Largest standard deviation, metres.
    pub max_scale: f32,
    /// Upper corner.
    pub box_max: [f32; 3],
    /// Splats.
    pub count: u32,
    /// First tick shown, from the segment's start.
    pub start: u32,
    /// First tick no longer shown.
    pub end: u32,
    /// Mean of the packed numbers 0, 0, 0, metres.
    pub origin: [f32; 3],
    /// Metres between two of them.
    pub step: f32,
    /// Zero.
    pub reserved: [u32; 2],
}

/// A splat at the frame's media time, in the world.
#[derive(Debug, Clone, Copy, PartialEq, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Sliced {
    /// Mean and opacity.
    pub mean_opacity: [f32; 4],
    /// Rotation, snorm16 xyzw; of a splat that joints carry, part of its shape.
    pub rotation: [u32; 2],
    /// Index in the slots of the pool.
    pub source: u32,
    /// Index of its segment in the low `SEGMENT_BITS`, the rest of the shape above.
    pub segment: u32,
}

/// A splat as one view sees it; see `types.glsl` for what signs mean.
#[derive(Debug, Clone, Copy, PartialEq, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Projected {
    /// px, origin upper left.
    pub centre: [f32; 2],
    /// The longer half axis of one standard deviation, px.
    pub major: [f32; 2],
    /// Red and green as f16; blue as f16, opacity as unorm16.
    pub colour: [u32; 2],
    /// Length of the half axis across, px.
    pub minor: f32,
    /// Metres along −Z.
    pub depth: f32,
}

/// What the sort tells the passes behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Counts {
    /// Visible splats.
    pub visible: u32,
    /// Arguments of project's indirect dispatch.
    pub dispatch: [u32; 3],
    /// Arguments of raster's indirect draw.
    pub draw: [u32; 4],
}
