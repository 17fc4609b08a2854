// Colours sRGB-encoded and linear, and from the accumulated, premultiplied one to the target's, over the background.
#ifndef VIVANT_ENCODE
#define VIVANT_ENCODE

vec3 linear_from_srgb(vec3 c) {
    vec3 low = c / 12.92;
    vec3 high = pow((max(c, vec3(0.0)) + 0.055) / 1.055, vec3(2.4));
    return mix(high, low, lessThanEqual(c, vec3(0.04045)));
}

vec3 srgb_from_linear(vec3 c) {
    vec3 high = 1.055 * pow(max(c, vec3(0.0031308)), vec3(1.0 / 2.4)) - 0.055;
    return mix(high, c * 12.92, lessThanEqual(c, vec3(0.0031308)));
}

vec4 encode_target(vec4 accumulated, uint flags, vec4 background) {
    vec4 colour = accumulated;
    bool wants_linear = (flags & ENCODE_LINEAR) != 0u;
    bool is_linear = (flags & BLEND_LINEAR) != 0u;
    if (wants_linear != is_linear && colour.a > 0.0) {
        vec3 straight = colour.rgb / colour.a;
        colour.rgb = (wants_linear ? linear_from_srgb(straight) : srgb_from_linear(straight)) * colour.a;
    }
    return colour + (1.0 - colour.a) * background;
}
#endif
