// A splat's alpha at a fragment, and its depth there.
#ifndef VIVANT_FALLOFF
#define VIVANT_FALLOFF
#include "look.glsl"

// `deviations_from_px` has two rows that turn px from the centre into standard deviations along the two half axes. `look`
// is the shape, a surfel's tilt and the depth of the mean; `depth` is the mean's less what the frame subtracts.
float falloff_alpha(vec2 px_from_centre, vec4 deviations_from_px, float opacity, vec4 look, inout float depth) {
    vec2 q = vec2(dot(px_from_centre, deviations_from_px.xy), dot(px_from_centre, deviations_from_px.zw));
    float square = dot(q, q);
    if (LOOKS && look.x == SHAPE_INTEGRAL) {
        vec2 sigma = 1.0 / vec2(length(deviations_from_px.xy), length(deviations_from_px.zw));
        return min(opacity * pixel_window(q.x * sigma.x, sigma.x) * pixel_window(q.y * sigma.y, sigma.y), ALPHA_MAX);
    }
    if (LOOKS && look.x == SHAPE_SURFEL) {
        float nearer = 1.0 - dot(look.yz, q);
        // Behind the eye or before the near plane it is not met.
        bool met = nearer > 0.0 && look.w >= NEAR_METRES * nearer;
        float in_filter = 2.0 * dot(px_from_centre, px_from_centre);
        square = met ? square / (nearer * nearer) : in_filter;
        depth += met && square <= in_filter ? look.w / nearer - look.w : 0.0;
        square = min(square, in_filter);
    }
    return min(opacity * exp(-0.5 * square), ALPHA_MAX);
}
#endif
