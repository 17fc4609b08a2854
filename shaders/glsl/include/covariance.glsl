// From a 3D Gaussian to its footprint on a view's screen: elliptical weighted averaging with the local affine
// approximation (Zwicker et al. 2001; Kerbl et al. 2023 for the clamp and the low-pass). Pure functions.
#ifndef VIVANT_COVARIANCE
#define VIVANT_COVARIANCE

// Pixel of a view-space point; the view looks along -Z and pixel rows grow downwards.
vec2 pixel_from_view_space(View view, vec3 p) {
    float depth = -p.z;
    return vec2(p.x / depth - view.tangents.x, view.tangents.z - p.y / depth) * view.screen.xy;
}

// xx, xy, yy of the screen covariance in px², low-pass included. `axes_in_view` has the splat's scaled axes as columns.
vec3 screen_covariance(View view, vec3 p, mat3 axes_in_view, float low_pass) {
    float depth = -p.z;
    // Far outside the screen the affine approximation explodes: evaluate it no further than 1.3 × the half extent.
    vec2 middle = vec2(view.tangents.x + view.tangents.y, view.tangents.z + view.tangents.w) * 0.5;
    vec2 limit = 1.3 * 0.5 * vec2(view.tangents.y - view.tangents.x, view.tangents.z - view.tangents.w);
    vec2 ratio = clamp(p.xy / depth, middle - limit, middle + limit);
    vec2 f = view.screen.xy / depth;
    vec3 row_x = vec3(f.x, 0.0, f.x * ratio.x) * axes_in_view;
    vec3 row_y = vec3(0.0, -f.y, -f.y * ratio.y) * axes_in_view;
    return vec3(dot(row_x, row_x) + low_pass, dot(row_x, row_y), dot(row_y, row_y) + low_pass);
}

// The half axes of one standard deviation of a symmetric 2×2 covariance: the major in xy, the minor's length in z, px.
vec3 ellipse_axes(vec3 covariance, float low_pass) {
    float mid = 0.5 * (covariance.x + covariance.z);
    float spread = length(vec2(0.5 * (covariance.x - covariance.z), covariance.y));
    float major = mid + spread;
    float minor = max(mid - spread, low_pass);
    vec2 direction = covariance.x >= covariance.z ? vec2(major - covariance.z, covariance.y)
                                                  : vec2(covariance.y, major - covariance.x);
    float norm = length(direction);
    direction = norm > 0.0 ? direction / norm : vec2(1.0, 0.0);
    return vec3(direction * sqrt(major), sqrt(minor));
}
#endif
