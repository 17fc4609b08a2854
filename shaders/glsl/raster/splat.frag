#version 460
#extension GL_GOOGLE_include_directive : require
// raster: premultiplied colour, blended over what is behind, as splats were trained: nearly always sRGB-encoded.
#include "../include/types.glsl"
#include "../include/falloff.glsl"

layout(location = 0) flat in vec2 centre;
layout(location = 1) flat in vec4 deviations_from_px;
layout(location = 2) flat in vec4 colour_opacity;
layout(location = 3) flat in vec4 depth_look;
layout(location = 0) out vec4 colour;

void main() {
    float depth;
    float alpha = falloff_alpha(gl_FragCoord.xy - centre, deviations_from_px, colour_opacity.a, depth_look, depth);
    if (alpha < ALPHA_CUT) {
        discard;
    }
    colour = vec4(colour_opacity.rgb * alpha, alpha);
}
