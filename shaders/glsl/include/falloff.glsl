// A splat's alpha at a fragment, and its depth there.
#ifndef VIVANT_FALLOFF
#define VIVANT_FALLOFF
#include "look.glsl"

// `deviations_from_px` has two rows that turn px from the centre into standard deviations along the two half axes. In
// `depth_look` stands the depth of the mean less what the frame subtracts, then 0, or below it for a splat that is
// integrated over the pixel, or a surfel's whole depth; then its tilt. `depth` is the splat's here, less the same.
float falloff_alpha(vec2 px_from_centre, vec4 deviations_from_px, float opacity, vec4 depth_look, out float depth) {
    vec2 q = vec2(dot(px_from_centre, deviations_from_px.xy), dot(px_from_centre, deviations_from_px.zw));
    float square = dot(q, q);
    depth = depth_look.x;
    if (LOOKS && depth_look.y < 0.0) {
        vec2 sigma = 1.0 / vec2(length(deviations_from_px.xy), length(deviations_from_px.zw));
        return min(opacity * pixel_window(q.x * sigma.x, sigma.x) * pixel_window(q.y * sigma.y, sigma.y), ALPHA_MAX);
    }
    if (LOOKS && depth_look.y > 0.0) {
        float nearer = 1.0 - dot(depth_look.zw, q);
        // Behind the eye or before the near plane it is not met.
        bool met = nearer > 0.0 && depth_look.y >= NEAR_METRES * nearer;
        float in_filter = 2.0 * dot(px_from_centre, px_from_centre);
        square = met ? square / (nearer * nearer) : in_filter;
        depth += met && square <= in_filter ? depth_look.y / nearer - depth_look.y : 0.0;
        square = min(square, in_filter);
    }
    return min(opacity * exp(-0.5 * square), ALPHA_MAX);
}
#endif
