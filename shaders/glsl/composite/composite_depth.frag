#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_multiview : require
// composite, with depth: as composite.frag, and the alpha-weighted depth in metres; infinity where nothing is.
#include "../include/bindings.glsl"
#include "../include/encode.glsl"

layout(set = 1, binding = 0) uniform sampler2DArray accumulated_colour;
layout(set = 1, binding = 1) uniform sampler2DArray accumulated_depth;
layout(location = 0) out vec4 colour;
layout(location = 1) out float depth;

void main() {
    ivec3 texel = ivec3(ivec2(gl_FragCoord.xy), gl_ViewIndex);
    vec4 accumulated = texelFetch(accumulated_colour, texel, 0);
    colour = encode_target(accumulated, frame.flags, frame.background);
    float nothing = uintBitsToFloat(0x7F800000u);
    vec2 sum = texelFetch(accumulated_depth, texel, 0).rg;
    depth = sum.g > 0.0 ? frame.depth_reference + sum.r / sum.g : nothing;
}
