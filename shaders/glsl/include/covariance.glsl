// From a 3D Gaussian to its footprint on a view's screen: elliptical weighted averaging with the local affine
// approximation (Zwicker et al. 2001; Kerbl et al. 2023 for the clamp and the low-pass). Pure functions.
#ifndef VIVANT_COVARIANCE
#define VIVANT_COVARIANCE

// Pixel of a view-space point; the view looks along -Z and pixel rows grow downwards.
vec2 pixel_from_view_space(View view, vec3 p) {
    float depth = -p.z;
    return vec2(p.x / depth - view.tangents.x, view.tangents.z - p.y / depth) * view.screen.xy;
}

// Tangents of a point at which the affine approximation is evaluated: far outside the screen it explodes, so no further
// than 1.3 × the half extent.
vec2 held_ratio(View view, vec3 p) {
    vec2 middle = vec2(view.tangents.x + view.tangents.y, view.tangents.z + view.tangents.w) * 0.5;
    vec2 limit = 1.3 * 0.5 * vec2(view.tangents.y - view.tangents.x, view.tangents.z - view.tangents.w);
    return clamp(p.xy / -p.z, middle - limit, middle + limit);
}

// How many px to the right and down a standard deviation along each of a splat's axes makes, at these tangents.
struct Rows {
    vec3 x;
    vec3 y;
};

// `axes_in_view` has the splat's scaled axes as columns.
Rows screen_rows(View view, float depth, vec2 ratio, mat3 axes_in_view) {
    vec2 f = view.screen.xy / depth;
    return Rows(vec3(f.x, 0.0, f.x * ratio.x) * axes_in_view, vec3(0.0, -f.y, -f.y * ratio.y) * axes_in_view);
}

// xx, xy, yy of the screen covariance in px², low-pass included.
vec3 screen_covariance(Rows rows, float low_pass) {
    return vec3(dot(rows.x, rows.x) + low_pass, dot(rows.x, rows.y), dot(rows.y, rows.y) + low_pass);
}

// The determinant of the covariance without the low-pass (Lagrange's identity): no difference of nearly equal numbers,
// which is all that a thin splat would be.
float bare_determinant(Rows rows) {
    vec3 area = cross(rows.x, rows.y);
    return dot(area, area);
}

// The half axes of one standard deviation of a symmetric 2×2 covariance: the major in xy, the minor's length in z, px.
vec3 ellipse_axes(vec3 covariance, float determinant) {
    float mid = 0.5 * (covariance.x + covariance.z);
    float spread = length(vec2(0.5 * (covariance.x - covariance.z), covariance.y));
    float major = mid + spread;
    float minor = major > 0.0 ? determinant / major : 0.0;
    vec2 direction = covariance.x >= covariance.z ? vec2(major - covariance.z, covariance.y)
                                                  : vec2(covariance.y, major - covariance.x);
    float norm = length(direction);
    direction = norm > 0.0 ? direction / norm : vec2(1.0, 0.0);
    return vec3(direction * sqrt(major), sqrt(minor));
}
#endif
