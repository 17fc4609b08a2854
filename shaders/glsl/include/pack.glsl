// The planes' words to numbers: the GPU's half of the layout that frame::Plane describes. Pure functions.
#ifndef VIVANT_PACK
#define VIVANT_PACK

vec4 unpack_quaternion(uvec2 words) {
    vec4 q = vec4(unpackSnorm2x16(words.x), unpackSnorm2x16(words.y));
    float length_squared = dot(q, q);
    return length_squared > 0.0 ? q * inversesqrt(length_squared) : vec4(0.0, 0.0, 0.0, 1.0);
}

uvec2 pack_quaternion(vec4 q) {
    return uvec2(packSnorm2x16(q.xy), packSnorm2x16(q.zw));
}

// Linear standard deviations from unorm16 logarithms over [-20, 8].
vec3 unpack_scale(uvec2 words) {
    vec3 u = vec3(unpackUnorm2x16(words.x), unpackUnorm2x16(words.y).x);
    return exp(u * 28.0 - 20.0);
}

float unpack_opacity(uvec2 words) {
    return unpackUnorm2x16(words.y).y;
}

uvec2 pack_colour_opacity(vec3 colour, float opacity) {
    return uvec2(packHalf2x16(colour.rg), (packHalf2x16(vec2(colour.b, 0.0)) & 0xFFFFu) | (uint(opacity * 65535.0 + 0.5) << 16u));
}

vec4 unpack_colour_opacity(uvec2 words) {
    return vec4(unpackHalf2x16(words.x), unpackHalf2x16(words.y).x, float(words.y >> 16u) / 65535.0);
}

vec3 unpack_half3(uvec2 words) {
    return vec3(unpackHalf2x16(words.x), unpackHalf2x16(words.y).x);
}
#endif
