// From the accumulated, premultiplied, sRGB-encoded colour to the target's encoding, over the background.
#ifndef VIVANT_ENCODE
#define VIVANT_ENCODE

vec3 linear_from_srgb(vec3 c) {
    vec3 low = c / 12.92;
    vec3 high = pow((max(c, vec3(0.0)) + 0.055) / 1.055, vec3(2.4));
    return mix(high, low, lessThanEqual(c, vec3(0.04045)));
}

vec4 encode_target(vec4 accumulated, uint flags, vec4 background) {
    vec4 colour = accumulated;
    if ((flags & ENCODE_LINEAR) != 0u && colour.a > 0.0) {
        colour.rgb = linear_from_srgb(colour.rgb / colour.a) * colour.a;
    }
    return colour + (1.0 - colour.a) * background;
}
#endif
