#version 460
#extension GL_GOOGLE_include_directive : require
// slice: every splat of the live clusters at the frame's media time, moved into the world. Runs at content rate: what
// follows sees an ordinary static cloud. One workgroup a cluster, one lane a splat.
#define WRITES_SLICED
#include "../include/bindings.glsl"
#include "../include/attributes.glsl"
#include "../include/labels.glsl"
#include "../include/rig.glsl"

layout(local_size_x = 256) in;

void main() {
    uint slot = gl_GlobalInvocationID.x;
    uint lane = gl_LocalInvocationID.x;
    ClusterRef reference = cluster_refs[gl_WorkGroupID.x];
    Sliced result = Sliced(vec4(0.0), uvec2(0u), reference.cluster * CLUSTER_SPLATS + lane, reference.segment);
    if (lane < reference.count) {
        uint source = result.source;
        Segment segment = segments[reference.segment];
        vec3 mean = splat_mean(segment, source);
        vec4 rotation = splat_rotation(segment, source);
        Moment moment = splat_moment(segment, source);
        float opacity = splat_opacity(segment, source) * moment.presence;
        if ((label_look_of(segment, source) & LOOK_HIDDEN) != 0u) {
            opacity = 0.0;
        }
        float dt = moment.dt;
        mean += splat_velocity(segment, source, moment.half_length) * dt;
        if ((segment.planes & (PLANE_CURVE | PLANE_PACKED_CURVE)) != 0u) {
            Curve curve = splat_curve(segment, source, rotation, moment.half_length);
            mean += (curve.quadratic + curve.cubic * dt) * (dt * dt);
            vec4 turned = rotation + curve.spin * dt;
            float norm = dot(turned, turned);
            rotation = norm > 0.0 ? turned * inversesqrt(norm) : rotation;
        }
        if (segment.poses != 0u) {
            Pose pose = patch_pose(segment, source);
            mean = quaternion_rotate(pose.turn, mean) + pose.shift;
            rotation = quaternion_multiply(pose.turn, rotation);
        }
        if (is_carried(segment)) {
            // Everything above was in canonical space.
            mat3x4 map = carrying_map(segment, source);
            mean = vec4(mean, 1.0) * map;
            Shape shape = carried_shape(linear_part(map), Shape(rotation, splat_scale(segment, source)));
            shape.rotation = quaternion_multiply(segment.rotation, shape.rotation);
            uvec3 words = pack_shape(shape);
            result.rotation = words.xy;
            result.segment |= words.z;
        } else {
            result.rotation = pack_quaternion(quaternion_multiply(segment.rotation, rotation));
        }
        result.mean_opacity = vec4((segment.world_from_object * vec4(mean, 1.0)).xyz, opacity);
    }
    sliced[slot] = result;
}
