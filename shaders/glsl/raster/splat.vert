#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_multiview : require
// raster: one instance a splat, four vertices a quad, all views in one draw. The quad is the ellipse's own rectangle,
// cut where alpha falls under 1/255: nothing outside it could be drawn. Fragments measure from the centre themselves:
// vertices are snapped to 1/256 px, and interpolating between snapped corners costs small splats 1 % of alpha.
#include "../include/bindings.glsl"
#include "../include/pack.glsl"

layout(location = 0) flat out vec2 centre;
layout(location = 1) flat out vec4 deviations_from_px;
layout(location = 2) flat out vec4 colour_opacity;
layout(location = 3) flat out float depth;

// px that the quad is larger than it must be, so that snapping loses no fragment.
const float MARGIN = 1.0 / 64.0;

void main() {
    Projected splat = projected[uint(gl_ViewIndex) * frame.slots + uint(gl_InstanceIndex)];
    colour_opacity = unpack_colour_opacity(splat.colour);
    centre = splat.centre;
    depth = splat.depth - frame.depth_reference;
    float reach = sqrt(max(2.0 * log(255.0 * max(colour_opacity.a, ALPHA_CUT)), 0.0));
    float major = max(length(splat.major), 1e-6);
    float minor = max(splat.minor, 1e-6);
    vec2 along = splat.major / major;
    vec2 across = vec2(-along.y, along.x);
    deviations_from_px = vec4(along / major, across / minor);
    vec2 corner = vec2(gl_VertexIndex & 1, gl_VertexIndex >> 1) * 2.0 - 1.0;
    corner *= colour_opacity.a >= ALPHA_CUT ? reach * vec2(major, minor) + MARGIN : vec2(0.0);
    vec2 px = splat.centre + corner.x * along + corner.y * across;
    gl_Position = vec4(px / views[gl_ViewIndex].screen.zw * 2.0 - 1.0, 0.0, 1.0);
}
