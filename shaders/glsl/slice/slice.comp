#version 460
#extension GL_GOOGLE_include_directive : require
// slice: every splat of the live clusters at the frame's media time, moved into the world. Runs at content rate: what
// follows sees an ordinary static cloud. One workgroup a cluster, one lane a splat. What joints carry is left to carry.
#define WRITES_SLICED
#include "../include/bindings.glsl"
#include "../include/told.glsl"

layout(local_size_x = 256) in;

void main() {
    uint slot = gl_GlobalInvocationID.x;
    uint lane = gl_LocalInvocationID.x;
    ClusterRef reference = cluster_refs[gl_WorkGroupID.x];
    Sliced result = Sliced(vec4(0.0), uvec2(0u), reference.cluster * CLUSTER_SPLATS + lane, reference.segment);
    if (segments[reference.segment].binding != 0u) {
        return;
    }
    if (lane < reference.count) {
        Segment segment = segments[reference.segment];
        Told told = splat_told(segment, result.source);
        result.mean_opacity = vec4((segment.world_from_object * vec4(told.mean, 1.0)).xyz, told.opacity);
        result.rotation = pack_quaternion(quaternion_multiply(segment.rotation, told.rotation));
    }
    sliced[slot] = result;
}
