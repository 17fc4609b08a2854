// Every buffer of the pipeline, each at one number in all kernels, so that a frame binds one descriptor set.
// A kernel that writes a buffer defines WRITES_<NAME> before it includes this; all others see it read-only.
#ifndef VIVANT_BINDINGS
#define VIVANT_BINDINGS
#include "types.glsl"

#ifndef WRITES_SLICED
#define WRITES_SLICED readonly
#endif
#ifndef WRITES_KEYS
#define WRITES_KEYS readonly
#endif
#ifndef WRITES_HISTOGRAM
#define WRITES_HISTOGRAM readonly
#endif
#ifndef WRITES_TOTALS
#define WRITES_TOTALS readonly
#endif
#ifndef WRITES_PARTIAL
#define WRITES_PARTIAL readonly
#endif
#ifndef WRITES_ORDER
#define WRITES_ORDER readonly
#endif
#ifndef WRITES_COUNTS
#define WRITES_COUNTS readonly
#endif
#ifndef WRITES_PROJECTED
#define WRITES_PROJECTED readonly
#endif

layout(std430, set = 0, binding = 0) readonly buffer FrameBlock {
    Frame frame;
    View views[MAX_VIEWS];
    uint looks[MAX_LOOKS * LOOK_LABELS];    // by look, then by label; see labels.glsl
};
layout(std430, set = 0, binding = 1) readonly buffer SegmentBlock { Segment segments[]; };
layout(std430, set = 0, binding = 2) readonly buffer ClusterRefBlock { ClusterRef cluster_refs[]; };
layout(std430, set = 0, binding = 3) readonly buffer ClusterBlock { Cluster clusters[]; };
layout(std430, set = 0, binding = 4) readonly buffer MeanPlane { float plane_mean[]; };
layout(std430, set = 0, binding = 5) readonly buffer RotationPlane { uvec2 plane_rotation[]; };
layout(std430, set = 0, binding = 6) readonly buffer ScaleOpacityPlane { uvec2 plane_scale_opacity[]; };
layout(std430, set = 0, binding = 7) readonly buffer ColourPlane { uvec2 plane_colour[]; };
layout(std430, set = 0, binding = 8) readonly buffer LifePlane { uvec4 plane_life[]; };
layout(std430, set = 0, binding = 9) readonly buffer VelocityPlane { float plane_velocity[]; };
layout(std430, set = 0, binding = 10) readonly buffer CurvePlane { uint plane_curve[]; };
layout(std430, set = 0, binding = 11) readonly buffer Sh1Plane { uint plane_sh1[]; };
layout(std430, set = 0, binding = 12) readonly buffer Sh2Plane { uint plane_sh2[]; };
layout(std430, set = 0, binding = 13) readonly buffer Sh3Plane { uint plane_sh3[]; };
layout(std430, set = 0, binding = 14) WRITES_SLICED buffer SlicedBlock { Sliced sliced[]; };
layout(std430, set = 0, binding = 15) WRITES_KEYS buffer KeyBlock { uint keys[]; };
layout(std430, set = 0, binding = 16) WRITES_HISTOGRAM buffer HistogramBlock { uint histogram[]; };
layout(std430, set = 0, binding = 17) WRITES_TOTALS buffer TotalBlock { uint totals[]; };
layout(std430, set = 0, binding = 18) WRITES_PARTIAL buffer PartialBlock { uint partial_order[]; };
layout(std430, set = 0, binding = 19) WRITES_ORDER buffer OrderBlock { uint order[]; };
layout(std430, set = 0, binding = 20) WRITES_COUNTS buffer CountsBlock { Counts counts; };
layout(std430, set = 0, binding = 21) WRITES_PROJECTED buffer ProjectedBlock { Projected projected[]; };
layout(std430, set = 0, binding = 22) readonly buffer PackedPlane { uint plane_packed[]; };
layout(std430, set = 0, binding = 23) readonly buffer JointBlock { vec4 joint_rows[]; };  // three a joint: an affine map
#endif
