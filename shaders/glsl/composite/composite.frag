#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_multiview : require
// composite: the accumulated colour into the host's target, converted once.
#include "../include/bindings.glsl"
#include "../include/encode.glsl"

layout(set = 1, binding = 0) uniform sampler2DArray accumulated_colour;
layout(location = 0) out vec4 colour;

void main() {
    ivec3 texel = ivec3(ivec2(gl_FragCoord.xy), gl_ViewIndex);
    colour = encode_target(texelFetch(accumulated_colour, texel, 0), frame.flags, frame.background);
}
