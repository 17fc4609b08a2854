#version 460
#extension GL_GOOGLE_include_directive : require
// project: every visible splat, in drawing order, onto every view with the newest poses: its ellipse, its colour from
// the direction that view sees it in, its depth. Writes [view][place] so that a view's quads are read in sequence.
#define WRITES_PROJECTED
#include "../include/bindings.glsl"
#include "../include/attributes.glsl"
#include "../include/labels.glsl"
#include "../include/rig.glsl"
#include "../include/sh.glsl"
#include "../include/covariance.glsl"

layout(local_size_x = 256) in;

// sRGB-encoded colour of splat `source` seen along `direction` (object space, from the eye to the splat).
vec3 colour_along(Segment segment, uint source, vec3 direction) {
    uint planes = segment.planes;
    uint entry = harmonics_at(segment, source);
    vec3 colour = splat_colour(segment, source);
    if ((planes & PLANE_SH1) != 0u) {
        colour += sh_degree1(entry, direction);
    }
    if ((planes & PLANE_SH2) != 0u) {
        colour += sh_degree2(entry, direction);
    }
    if ((planes & PLANE_SH3) != 0u) {
        colour += sh_degree3(entry, direction);
    }
    return tinted(label_look_of(segment, source), max(colour, vec3(0.0)));
}

void main() {
    uint place = gl_GlobalInvocationID.x;
    if (place >= counts.visible) {
        return;
    }
    Sliced splat = sliced[order[place]];
    Segment segment = segments[bitfieldExtract(splat.segment, 0, int(SEGMENT_BITS))];
    vec3 mean = splat.mean_opacity.xyz;
    vec3 scale;
    vec4 rotation;
    // Harmonics that turn stay as they were told, and the direction turns back with the splat.
    mat3 told_from_object = mat3(1.0);
    if (is_carried(segment)) {
        Shape shape = unpack_shape(splat);
        scale = shape.scale * segment.scale;
        rotation = shape.rotation;
        bool turns = (segment.binding & BINDING_TURNS) != 0u;
        if (turns && (segment.planes & (PLANE_SH1 | PLANE_SH2 | PLANE_SH3)) != 0u) {
            told_from_object = transpose(nearest_orthogonal(linear_part(carrying_map(segment, splat.source))));
        }
    } else {
        scale = splat_scale(segment, splat.source) * segment.scale;
        rotation = unpack_quaternion(splat.rotation);
    }
    mat3 axes = quaternion_matrix(rotation);
    axes = mat3(axes[0] * scale.x, axes[1] * scale.y, axes[2] * scale.z);
    for (uint v = 0u; v < frame.views; ++v) {
        View view = views[v];
        vec3 p = (view.view_from_world * vec4(mean, 1.0)).xyz;
        Projected result = Projected(vec2(0.0), vec2(0.0), uvec2(0u), 0.0, -p.z);
        if (-p.z >= NEAR_METRES) {
            vec3 covariance = screen_covariance(view, p, mat3(view.view_from_world) * axes, frame.low_pass);
            vec3 half_axes = ellipse_axes(covariance, frame.low_pass);
            vec3 along = mean - view.position_in_world.xyz;
            float reach = length(along);
            vec3 direction = reach > 0.0 ? quaternion_rotate_inverse(segment.rotation, along / reach) : vec3(0.0, 0.0, 1.0);
            vec3 colour = min(colour_along(segment, splat.source, told_from_object * direction), vec3(65504.0));
            result.centre = pixel_from_view_space(view, p);
            result.major = half_axes.xy;
            result.minor = half_axes.z;
            result.colour = pack_colour_opacity(colour, splat.mean_opacity.w);
        }
        projected[v * frame.slots + place] = result;
    }
}
