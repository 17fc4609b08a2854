#version 460
#extension GL_GOOGLE_include_directive : require
// slice: every splat of the live clusters at the frame's media time, moved into the world. Runs at content rate: what
// follows sees an ordinary static cloud. One workgroup a cluster, one lane a splat.
#define WRITES_SLICED
#include "../include/bindings.glsl"
#include "../include/pack.glsl"
#include "../include/quaternion.glsl"

layout(local_size_x = 256) in;

void main() {
    uint slot = gl_GlobalInvocationID.x;
    uint lane = gl_LocalInvocationID.x;
    ClusterRef reference = cluster_refs[gl_WorkGroupID.x];
    Sliced result = Sliced(vec4(0.0), uvec2(0u), reference.cluster * CLUSTER_SPLATS + lane, reference.segment);
    if (lane < reference.count) {
        uint source = result.source;
        Segment segment = segments[reference.segment];
        uint triple = source * 3u;
        vec3 mean = vec3(plane_mean[triple], plane_mean[triple + 1u], plane_mean[triple + 2u]);
        vec4 rotation = unpack_quaternion(plane_rotation[source]);
        float opacity = unpack_opacity(plane_scale_opacity[source]);
        float dt = segment.seconds;
        if ((segment.planes & PLANE_LIFE) != 0u) {
            uvec4 life = plane_life[source];
            dt -= uintBitsToFloat(life.x);
            float deviations = dt * uintBitsToFloat(life.y);
            opacity *= exp(-0.5 * deviations * deviations);
            if (segment.tick < life.z || segment.tick >= life.w) {
                opacity = 0.0;
            }
        }
        if ((segment.planes & PLANE_VELOCITY) != 0u) {
            mean += vec3(plane_velocity[triple], plane_velocity[triple + 1u], plane_velocity[triple + 2u]) * dt;
        }
        if ((segment.planes & PLANE_CURVE) != 0u) {
            uint base = source * 5u;
            vec2 a = unpackHalf2x16(plane_curve[base]);
            vec2 b = unpackHalf2x16(plane_curve[base + 1u]);
            vec2 c = unpackHalf2x16(plane_curve[base + 2u]);
            vec3 quadratic = vec3(a, b.x);
            vec3 cubic = vec3(b.y, c);
            mean += (quadratic + cubic * dt) * (dt * dt);
            vec4 spin = vec4(unpackHalf2x16(plane_curve[base + 3u]), unpackHalf2x16(plane_curve[base + 4u]));
            vec4 turned = rotation + spin * dt;
            float norm = dot(turned, turned);
            rotation = norm > 0.0 ? turned * inversesqrt(norm) : rotation;
        }
        result.mean_opacity = vec4((segment.world_from_object * vec4(mean, 1.0)).xyz, opacity);
        result.rotation = pack_quaternion(quaternion_multiply(segment.rotation, rotation));
    }
    sliced[slot] = result;
}
