// A splat's alpha at a fragment.
#ifndef VIVANT_FALLOFF
#define VIVANT_FALLOFF

// `deviations_from_px` has two rows that turn px from the centre into standard deviations along the two half axes.
float falloff_alpha(vec2 px_from_centre, vec4 deviations_from_px, float opacity) {
    vec2 deviations = vec2(dot(px_from_centre, deviations_from_px.xy), dot(px_from_centre, deviations_from_px.zw));
    return min(opacity * exp(-0.5 * dot(deviations, deviations)), ALPHA_MAX);
}
#endif
