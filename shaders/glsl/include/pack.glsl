// The planes' words to numbers: the GPU's half of the layout that frame::Plane describes. Pure functions.
#ifndef VIVANT_PACK
#define VIVANT_PACK

vec4 unpack_quaternion(uvec2 words) {
    vec4 q = vec4(unpackSnorm2x16(words.x), unpackSnorm2x16(words.y));
    float length_squared = dot(q, q);
    return length_squared > 0.0 ? q * inversesqrt(length_squared) : vec4(0.0, 0.0, 0.0, 1.0);
}

// Three components in ten bits each, in the order xyzw without the largest, whose number is in the top two bits.
vec4 unpack_three(uint word, float step) {
    ivec3 bins = ivec3(bitfieldExtract(int(word), 0, 10), bitfieldExtract(int(word), 10, 10), bitfieldExtract(int(word), 20, 10));
    vec3 s = vec3(bins) * step;
    float rest = sqrt(max(0.0, 1.0 - dot(s, s)));
    uint largest = word >> 30u;
    vec4 q = largest == 0u ? vec4(rest, s) : largest == 1u ? vec4(s.x, rest, s.yz)
        : largest == 2u ? vec4(s.xy, rest, s.z) : vec4(s, rest);
    float length_squared = dot(q, q);
    return length_squared > 0.0 ? q * inversesqrt(length_squared) : vec4(0.0, 0.0, 0.0, 1.0);
}

// Two signed 16-bit numbers.
vec2 unpack_signed(uint word) {
    return vec2(bitfieldExtract(int(word), 0, 16), bitfieldExtract(int(word), 16, 16));
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
