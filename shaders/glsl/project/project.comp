#version 460
#extension GL_GOOGLE_include_directive : require
// project: every visible splat, in drawing order, onto every view with the newest poses: its ellipse, its colour from
// the direction that view sees it in, its depth; and what else its clip's appearance asks for. Writes [view][place] so that a view's quads are read in sequence.
#define WRITES_PROJECTED
#include "../include/bindings.glsl"
#include "../include/attributes.glsl"
#include "../include/labels.glsl"
#include "../include/rig.glsl"
#include "../include/sh.glsl"
#include "../include/covariance.glsl"
#include "../include/encode.glsl"
#include "../include/look.glsl"

layout(local_size_x = 256) in;

// Colour of splat `source` seen along `direction` (object space, from the eye to the splat).
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

// The ellipse of a splat whose mean is at `p` of a view, into a record that has its depth. Returns what of its opacity is
// left.
float place_ellipse(View view, vec3 p, mat3 axes_in_view, float low_pass, uint look, inout Projected record) {
    bool surfel = LOOKS && (look & LOOK_SURFEL) != 0u;
    // A surfel is met exactly and not approximated.
    Rows rows = screen_rows(view, -p.z, surfel ? p.xy / -p.z : held_ratio(view, p), axes_in_view);
    if (surfel) {
        rows.x.z = 0.0;
        rows.y.z = 0.0;
    }
    float bare = bare_determinant(rows);
    vec3 covariance = screen_covariance(rows, low_pass);
    float determinant = bare + low_pass * (covariance.x + covariance.z - low_pass);
    vec3 half_axes = ellipse_axes(covariance, determinant);
    record.centre = pixel_from_view_space(view, p);
    record.major = half_axes.xy;
    record.minor = half_axes.z;
    if (surfel) {
        vec2 deeper = vec2(axes_in_view[0].z, axes_in_view[1].z) / p.z;
        pack_surfel(surfel_of(rows.x, rows.y, deeper, half_axes.xy, half_axes.z), record);
    }
    if (LOOKS && (look & LOOK_INTEGRAL) != 0u) {
        record.minor = -max(half_axes.z, 1e-6);
    }
    return LOOKS && (look & LOOK_MIP) != 0u ? sqrt(bare / determinant) : 1.0;
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
    float low_pass = segment.low_pass;
    uint look = segment.look;
    vec3 seen = mean;
    if (LOOKS && (look & LOOK_REST) != 0u && has_rest(segment)) {
        seen = (segment.world_from_object * vec4(splat_rest(segment, splat.source), 1.0)).xyz;
    }
    for (uint v = 0u; v < frame.views; ++v) {
        View view = views[v];
        vec3 p = (view.view_from_world * vec4(mean, 1.0)).xyz;
        Projected result = Projected(vec2(0.0), vec2(0.0), uvec2(0u), 0.0, -p.z);
        if (-p.z >= NEAR_METRES) {
            float left = place_ellipse(view, p, mat3(view.view_from_world) * axes, low_pass, look, result);
            vec3 along = seen - view.position_in_world.xyz;
            float reach = length(along);
            vec3 direction = reach > 0.0 ? quaternion_rotate_inverse(segment.rotation, along / reach) : vec3(0.0, 0.0, 1.0);
            vec3 colour = colour_along(segment, splat.source, told_from_object * direction);
            bool blend_linear = (frame.flags & BLEND_LINEAR) != 0u;
            if (LOOKS && ((look & LOOK_LINEAR) != 0u) != blend_linear) {
                colour = blend_linear ? linear_from_srgb(colour) : srgb_from_linear(colour);
            }
            result.colour = pack_colour_opacity(min(colour, vec3(65504.0)), splat.mean_opacity.w * left);
        }
        projected[v * frame.slots + place] = result;
    }
}
