// A splat at its segment's media time as it is told: in object space, or in canonical space where joints carry it.
#ifndef VIVANT_TOLD
#define VIVANT_TOLD
#include "attributes.glsl"
#include "labels.glsl"

struct Told {
    vec3 mean;
    float opacity;          // under the envelope, 0 when not shown or hidden by its label
    vec4 rotation;
};

Told splat_told(Segment segment, uint source) {
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
    return Told(mean, opacity, rotation);
}
#endif
