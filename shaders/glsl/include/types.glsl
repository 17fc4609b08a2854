// Every struct and constant that the kernels share with Rust. Members are ordered so that std430 leaves no hidden
// padding; the regenerate command reflects each offset from the SPIR-V and asserts it against src/layout.rs.
#ifndef VIVANT_TYPES
#define VIVANT_TYPES

const uint CLUSTER_SPLATS = 256u;   // splats a cluster and a workgroup
const uint MAX_VIEWS = 6u;          // the multiview count every Vulkan 1.1 device must offer
const uint DEAD_KEY = 0xFFFFFFFFu;  // a slot that is not drawn
const uint DIGIT_BITS = 9u;         // bits of a sort digit
const uint DIGITS = 512u;           // digits there are; two a lane
const uint KEY_MAX = 262143u;       // depth keys have 18 bits: two digits; 16 cost a dressed person 15 dB
const uint SLOT_BITS = 23u;         // what a digit leaves of a word for the slot: 8 million
const uint SORT_BLOCK = 2048u;      // keys a workgroup sorts at once: 8 rounds of 256
const uint SORT_GROUP = 64u;       // blocks that one workgroup of sort.scan walks through
const float NEAR_METRES = 0.05;     // nearer splats are not drawn: inside the near plane of every headset
const float ALPHA_CUT = 1.0 / 255.0;
const float ALPHA_MAX = 0.99;

const uint PLANE_LIFE = 1u << 4;    // bits of the plane mask: frame.rs
const uint PLANE_VELOCITY = 1u << 5;
const uint PLANE_CURVE = 1u << 6;
const uint PLANE_SH1 = 1u << 7;
const uint PLANE_SH2 = 1u << 8;
const uint PLANE_SH3 = 1u << 9;
const uint PLANE_PACKED_MEAN = 1u << 10;
const uint PLANE_PACKED_ROTATION = 1u << 11;
const uint PLANE_PACKED_SCALE_OPACITY = 1u << 12;
const uint PLANE_PACKED_COLOUR = 1u << 13;
const uint PLANE_PACKED_LIFE = 1u << 14;
const uint PLANE_PACKED_VELOCITY = 1u << 15;
const uint PLANE_PACKED_CURVE = 1u << 16;
const uint PLANE_PACKED_HARMONICS = 1u << 17;

const uint PLACE_MEAN = 0u;         // number of a packed plane's byte in Segment.places
const uint PLACE_ROTATION = 1u;
const uint PLACE_SCALE_OPACITY = 2u;
const uint PLACE_COLOUR = 3u;
const uint PLACE_LIFE = 4u;
const uint PLACE_VELOCITY = 5u;
const uint PLACE_CURVE = 6u;
const uint PLACE_HARMONICS = 7u;

const uint MAX_LOOKS = 4u;          // looks of a frame at once
const uint LOOK_LABELS = 256u;      // labels that a look tells apart; the last stands for all from it on
const uint LOOK_HIDDEN = 1u << 31;  // bit of a look's word: splats of that label are not drawn
const uint BINDING_TURNS = 1u << 31; // bit of Segment.binding: harmonics turn with their splats
const uint SEGMENT_BITS = 6u;       // what the index of a segment takes of Sliced.segment: 64 live at once

const uint ENCODE_LINEAR = 1u;      // bit of Frame.flags: the target takes linear light
const uint BLEND_LINEAR = 2u;       // bit of Frame.flags: splats are blended as linear light, not sRGB-encoded

const uint LOOK_MIP = 1u;           // bit of Segment.look: opacity falls by as much as the low-pass makes a splat grow
const uint LOOK_INTEGRAL = 2u;      // bit of Segment.look: splats are integrated over the pixel
const uint LOOK_SURFEL = 4u;        // bit of Segment.look: splats are discs that rays meet
const uint LOOK_REST = 8u;          // bit of Segment.look: harmonics look at where a splat is at t0
const uint LOOK_LINEAR = 16u;       // bit of Segment.look: colours are linear light, not sRGB-encoded

// What every kernel of a frame knows.
struct Frame {
    vec4 head_in_world;     // centre of all views; w = 0
    vec4 background;        // premultiplied, in the encoding of the target
    float key_near;         // radial distance from the head of key KEY_MAX, metres
    float key_scale;        // keys a metre
    float depth_reference;  // metres subtracted from depths before they are accumulated, for precision
    uint reserved;
    uint views;
    uint slots;             // entries of the sliced and key arrays: cluster references × 256
    uint blocks;            // sort blocks: ceil(slots / SORT_BLOCK)
    uint flags;
};

// One eye or camera; see view.rs for the conventions.
struct View {
    mat4 view_from_world;
    vec4 position_in_world; // w = 0
    vec4 tangents;          // of the angles left, right, up, down
    vec4 screen;            // focal length x, y; width, height; all in px
};

// One live segment, with the time it is seen at and where its clip stands in the world.
struct Segment {
    mat4 world_from_object;
    vec4 rotation;          // world_from_object's rotation, xyzw
    float seconds;          // media time from the segment's start
    uint tick;              // the same in ticks, nearest
    uint planes;            // plane mask; with labels also the planes of their palette
    float scale;            // world_from_object's uniform scale
    float colour_least;     // what the numbers of packed planes are worth: frame::Grid
    float colour_step;
    float rotation_step;
    float scale_least;
    float scale_step;
    float velocity_step;
    float quadratic_step;
    float cubic_step;
    float spin_step;
    uint window_step;
    float tick_seconds;
    uint ticks;             // length of the segment
    uint first_cluster;     // slot of its first cluster: full planes and cluster table
    uint packed_first;      // where its tiles start in plane_packed, in steps of 256 words
    uint tile_words;        // words a splat of its tiles
    uint harmonics_first;   // where its harmonics or those of its palette start, in slots of 256 entries
    uint places[2];         // a byte a packed plane: where it stands in a tile, in words a splat
    uint keys;              // a byte each: keys of a splat's mean, rotation, scale and opacity, colour
    uint first_keys;        // a byte each: the first of the keys that make the value now, as in keys
    float mean_weights[4];  // how much of each of the four keys, or of one
    float rotation_weights[4];
    float scale_weight;     // of the second of two keys
    float colour_weight;
    uint poses_first;       // where the poses of its first patch start in plane_packed, in steps of 256 words
    uint poses;             // poses a patch, 0 where means are told in object space
    uint first_pose;        // the first of the four that make the pose now
    float pose_weights[4];
    float pose_origin[3];
    float pose_step;
    float gain;             // factor on every scale, 1 unless a coarser level of detail is shown
    float low_pass;         // px², added to the diagonal of the projected covariance
    uint look;              // LOOK_* bits
    uint labels_first;      // where its labels start in plane_packed, in steps of 256 words; a byte a splat
    uint label_look;        // one more than the number of its look, 0 for none
    uint binding;           // where the joints of a splat stand in a tile, in words a splat; from bit 16 on their number
    uint joints_first;      // the clip's first joint among all; of use where binding is not 0
};

// One workgroup of slice and cull.
struct ClusterRef {
    uint cluster;           // slot of the cluster in the pool
    uint segment;           // index of its segment
    uint count;             // splats in it
    uint reserved;
};

// What is known of 256 splats before one is read; frame::Cluster.
struct Cluster {
    float box_min[3];
    float max_scale;
    float box_max[3];
    uint count;
    uint start;
    uint end;
    float origin[3];        // mean of the packed numbers 0, 0, 0, metres
    float step;             // metres between two of them
    uint reserved[2];
};

// A splat at the frame's media time, in the world.
struct Sliced {
    vec4 mean_opacity;      // mean in the world, metres; opacity under the envelope, 0 when not shown
    uvec2 rotation;         // snorm16 xyzw in the world; of a splat that joints carry, part of its shape: rig.glsl
    uint source;            // index of the splat in the pool's slots
    uint segment;           // index of its segment in the low SEGMENT_BITS; above them the rest of that shape, else 0
};

// A splat as one view sees it. The ellipse is kept in full floats: rounding it to halves moves its edge, where alpha
// meets the cut, by half a percent, which shows in the depth of translucent layers. A splat that is integrated over the
// pixel has a negative `minor`; a surfel has a negative `depth` and other things in `major` and `minor`: look.glsl.
struct Projected {
    vec2 centre;            // px, origin upper left
    vec2 major;             // the longer half axis of one standard deviation, px
    uvec2 colour;           // red and green as f16; blue as f16, opacity as unorm16: 0 where this view does not see it
    float minor;            // length of the half axis across, px
    float depth;            // metres along −Z of the view
};

// What the sort tells the passes behind it: visible splats, and the arguments of their dispatch and draw.
struct Counts {
    uint visible;
    uint dispatch[3];       // VkDispatchIndirectCommand of project
    uint draw[4];           // VkDrawIndirectCommand of raster
};
#endif
