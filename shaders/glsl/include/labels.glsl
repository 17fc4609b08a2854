// What a look makes of a splat by its label: a word of the frame's table, red, green and blue in its low bytes, in the next
// 7 bits how much of that colour, and the bit LOOK_HIDDEN.
#ifndef VIVANT_LABELS
#define VIVANT_LABELS
#include "bindings.glsl"

// The word for splat `source`; 0, which changes nothing, where its segment has no look.
uint label_look_of(Segment segment, uint source) {
    if (segment.label_look == 0u) {
        return 0u;
    }
    uint splat = source - segment.first_cluster * CLUSTER_SPLATS;
    uint word = plane_packed[segment.labels_first * CLUSTER_SPLATS + (splat >> 2u)];
    uint label = bitfieldExtract(word, int(splat & 3u) * 8, 8);
    return looks[(segment.label_look - 1u) * LOOK_LABELS + label];
}

vec3 tinted(uint look, vec3 colour) {
    vec3 tint = vec3(look & 0xFFu, (look >> 8u) & 0xFFu, (look >> 16u) & 0xFFu) / 255.0;
    return mix(colour, tint, float((look >> 24u) & 0x7Fu) / 127.0);
}
#endif
