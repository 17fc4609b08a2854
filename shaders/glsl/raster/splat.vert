#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_multiview : require
// raster: one instance a splat, four vertices a quad, all views in one draw. The quad is the ellipse's own rectangle,
// cut where alpha falls under 1/255: nothing outside it could be drawn. Fragments measure from the centre themselves:
// vertices are snapped to 1/256 px, and interpolating between snapped corners costs small splats 1 % of alpha.
#include "../include/bindings.glsl"
#include "../include/pack.glsl"
#include "../include/look.glsl"

layout(location = 0) flat out vec2 centre;
layout(location = 1) flat out vec4 deviations_from_px;
layout(location = 2) flat out vec4 colour_opacity;
layout(location = 3) flat out vec4 depth_look; // see falloff.glsl

// px that the quad is larger than it must be, so that snapping loses no fragment.
const float MARGIN = 1.0 / 64.0;

void main() {
    Projected splat = projected[uint(gl_ViewIndex) * frame.slots + uint(gl_InstanceIndex)];
    colour_opacity = unpack_colour_opacity(splat.colour);
    centre = splat.centre;
    depth_look = vec4(splat.depth - frame.depth_reference, 0.0, 0.0, 0.0);
    float reach = sqrt(max(2.0 * log(255.0 * max(colour_opacity.a, ALPHA_CUT)), 0.0));
    float major = max(length(splat.major), 1e-6);
    float minor = max(splat.minor, 1e-6);
    vec2 along = splat.major / major;
    // Least and greatest px along and across.
    vec4 box = reach * vec4(-major, -minor, major, minor);
    if (LOOKS && splat.depth < 0.0) {
        Surfel surfel = unpack_surfel(splat);
        depth_look = vec4(-splat.depth - frame.depth_reference, -splat.depth, surfel.tilt);
        along = surfel.along;
        major = max(surfel.lengths.x, 1e-6);
        minor = max(surfel.lengths.y, 1e-6);
        box = surfel_box(surfel.tilt, reach, NEAR_METRES / -splat.depth) * vec4(major, minor, major, minor);
        // Or within the filter, whose deviation is √½ px.
        float filter_reach = 0.70710678 * reach;
        box = vec4(min(box.xy, vec2(-filter_reach)), max(box.zw, vec2(filter_reach)));
    } else if (LOOKS && splat.minor < 0.0) {
        depth_look.y = -1.0;
        minor = -splat.minor;
        // Beyond half a pixel a window sees at most the density at its near edge.
        vec2 side = sqrt(reach * reach + 2.0 * log(STEEPER)) * vec2(major, minor) + 0.5;
        box = vec4(-side, side);
    }
    vec2 across = vec2(-along.y, along.x);
    deviations_from_px = vec4(along / major, across / minor);
    vec2 corner = mix(box.xy - MARGIN, box.zw + MARGIN, vec2(gl_VertexIndex & 1, gl_VertexIndex >> 1));
    corner = colour_opacity.a >= ALPHA_CUT ? corner : vec2(0.0);
    vec2 px = splat.centre + corner.x * along + corner.y * across;
    gl_Position = vec4(px / views[gl_ViewIndex].screen.zw * 2.0 - 1.0, 0.0, 1.0);
}
