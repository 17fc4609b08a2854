#version 460
#extension GL_GOOGLE_include_directive : require
// carry: what slice does, for splats that joints carry. A kernel of its own, so that what it takes of a core is not taken from
// slice; it runs in frames that have such splats. One workgroup a cluster, one lane a splat.
#define WRITES_SLICED
#include "../include/bindings.glsl"
#include "../include/told.glsl"
#include "../include/rig.glsl"

layout(local_size_x = 256) in;

void main() {
    uint slot = gl_GlobalInvocationID.x;
    uint lane = gl_LocalInvocationID.x;
    ClusterRef reference = cluster_refs[gl_WorkGroupID.x];
    Sliced result = Sliced(vec4(0.0), uvec2(0u), reference.cluster * CLUSTER_SPLATS + lane, reference.segment);
    if (segments[reference.segment].binding == 0u) {
        return;
    }
    if (lane < reference.count) {
        Segment segment = segments[reference.segment];
        Told told = splat_told(segment, result.source);
        mat3x4 map = carrying_map(segment, result.source);
        vec3 mean = vec4(told.mean, 1.0) * map;
        Shape shape = carried_shape(linear_part(map), Shape(told.rotation, splat_scale(segment, result.source)));
        shape.rotation = quaternion_multiply(segment.rotation, shape.rotation);
        uvec3 words = pack_shape(shape);
        result.mean_opacity = vec4((segment.world_from_object * vec4(mean, 1.0)).xyz, told.opacity);
        result.rotation = words.xy;
        result.segment |= words.z;
    }
    sliced[slot] = result;
}
