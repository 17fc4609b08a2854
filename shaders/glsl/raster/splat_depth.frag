#version 460
#extension GL_GOOGLE_include_directive : require
// raster, with depth: as splat.frag, and depth and alpha accumulated under the same blend, so that the composite can
// divide one by the other. Alpha stands there a second time because the colour's may have 8 or 16 bits only.
#include "../include/types.glsl"
#include "../include/falloff.glsl"

layout(location = 0) flat in vec2 centre;
layout(location = 1) flat in vec4 deviations_from_px;
layout(location = 2) flat in vec4 colour_opacity;
layout(location = 3) flat in vec4 depth_look;
layout(location = 0) out vec4 colour;
layout(location = 1) out vec4 depth_sum;

void main() {
    float depth;
    float alpha = falloff_alpha(gl_FragCoord.xy - centre, deviations_from_px, colour_opacity.a, depth_look, depth);
    if (alpha < ALPHA_CUT) {
        discard;
    }
    colour = vec4(colour_opacity.rgb * alpha, alpha);
    depth_sum = vec4(depth * alpha, alpha, 0.0, alpha);
}
