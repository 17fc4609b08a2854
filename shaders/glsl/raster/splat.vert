#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_multiview : require
// raster: one instance a splat, four vertices a quad, all views in one draw. The quad is the ellipse's own rectangle,
// cut where alpha falls under 1/255: nothing outside it could be drawn.
#include "../include/bindings.glsl"

layout(location = 0) out vec2 deviations;
layout(location = 1) flat out vec4 colour_opacity;
layout(location = 2) flat out float depth;

void main() {
    Projected splat = projected[uint(gl_ViewIndex) * frame.slots + uint(gl_InstanceIndex)];
    vec2 blue_opacity = unpackHalf2x16(splat.colour.y);
    colour_opacity = vec4(unpackHalf2x16(splat.colour.x), blue_opacity);
    depth = splat.depth - frame.depth_reference;
    float reach = sqrt(max(2.0 * log(255.0 * max(blue_opacity.y, ALPHA_CUT)), 0.0));
    vec2 corner = vec2(gl_VertexIndex & 1, gl_VertexIndex >> 1) * 2.0 - 1.0;
    deviations = corner * reach;
    vec2 px = splat.centre + deviations.x * unpackHalf2x16(splat.axes.x) + deviations.y * unpackHalf2x16(splat.axes.y);
    gl_Position = vec4(px / views[gl_ViewIndex].screen.zw * 2.0 - 1.0, 0.0, 1.0);
}
