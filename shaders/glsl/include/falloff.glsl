// A splat's alpha at a fragment, `deviations` standard deviations from its centre.
#ifndef VIVANT_FALLOFF
#define VIVANT_FALLOFF

float falloff_alpha(vec2 deviations, float opacity) {
    return min(opacity * exp(-0.5 * dot(deviations, deviations)), ALPHA_MAX);
}
#endif
