// What some clips ask for instead of a filtered Gaussian blended sRGB-encoded: a splat's integral over the pixel, surfels,
// harmonics that look at where splats rest. Pure functions.
#ifndef VIVANT_LOOK
#define VIVANT_LOOK

// Whether any splat of the frame asks for that. Pipelines are made for both answers: for `false` the compiler removes all
// of it, so that the ordinary frame pays nothing.
layout(constant_id = 0) const bool LOOKS = false;

// 2 ln of this times 255: the logistic curve is steeper than a Gaussian by 1.6 % at most, both axes together.
const float STEEPER = 1.05;

// A surfel on a screen. With q the px from its centre counted in half axes, the ray meets it at s = q / (1 − tilt·q) of its
// deviations, where the depth is that of its centre divided by the same 1 − tilt·q.
struct Surfel {
    vec2 along;             // the longer half axis' direction; upwards in rows or level, so that its sign is known
    vec2 lengths;           // of the longer half axis and of the one across, px
    vec2 tilt;              // how much deeper a deviation along each is, in depths of the centre
};

// `x` and `y` have the px that a deviation along each of the splat's axes makes, of which two count; `deeper` how much
// deeper it is, in depths of the centre; `major` is the longer half axis of the ellipse.
Surfel surfel_of(vec3 x, vec3 y, vec2 deeper, vec2 major, float minor) {
    float reach = max(length(major), 1e-6);
    vec2 along = major / reach;
    along = along.y < 0.0 ? -along : along;
    // The singular vectors on the disc's side.
    vec2 first = along.x * x.xy + along.y * y.xy;
    float norm = length(first);
    first = norm > 0.0 ? first / norm : vec2(1.0, 0.0);
    vec2 second = x.x * y.y - x.y * y.x < 0.0 ? vec2(first.y, -first.x) : vec2(-first.y, first.x);
    return Surfel(along, vec2(reach, minor), vec2(dot(first, deeper), dot(second, deeper)));
}

// In the 32 bytes of the record: `major` holds the length and, as bits, the direction in 16 of them with the other length
// as f16 above; `minor` holds the tilt as two f16, as bits. The depth is negative.
void pack_surfel(Surfel surfel, inout Projected record) {
    // By the sum of its parts: no angle functions, which may be off by 1/2048.
    float place = surfel.along.x / (abs(surfel.along.x) + surfel.along.y);
    uint direction = uint((place * 0.5 + 0.5) * 65535.0 + 0.5);
    uint across = packHalf2x16(vec2(min(surfel.lengths.y, 65504.0), 0.0));
    record.major = vec2(surfel.lengths.x, uintBitsToFloat(direction | across << 16u));
    record.minor = uintBitsToFloat(packHalf2x16(clamp(surfel.tilt, vec2(-65504.0), vec2(65504.0))));
    record.depth = -record.depth;
}

Surfel unpack_surfel(Projected record) {
    uint bits = floatBitsToUint(record.major.y);
    float place = float(bits & 0xFFFFu) / 65535.0 * 2.0 - 1.0;
    vec2 along = normalize(vec2(place, 1.0 - abs(place)));
    return Surfel(along, vec2(record.major.x, unpackHalf2x16(bits >> 16u).x), unpackHalf2x16(floatBitsToUint(record.minor)));
}

// Least and greatest place along and across, in half axes, from which a ray can meet the disc within `reach` deviations;
// `nearest` is the near plane's depth in depths of the centre.
vec4 surfel_box(vec2 tilt, float reach, float nearest) {
    float left = 1.0 - reach * reach * dot(tilt, tilt);
    if (left < 0.02) {
        // It comes close to the eye's plane: what is beyond the near plane is all that is known.
        return vec4(-reach, -reach, reach, reach) / nearest;
    }
    vec2 middle = -reach * reach / left * tilt;
    vec2 side = reach / left * sqrt(vec2(1.0) - reach * reach * tilt.yx * tilt.yx);
    return vec4(middle - side, middle + side);
}

// The integral of exp(−½ (x/sigma)²) over the pixel about `u`, by a logistic curve for the normal distribution
// (Liang et al. 2024). Its difference over the pixel as a product: no difference of nearly equal numbers.
float pixel_window(float u, float sigma) {
    vec2 x = (vec2(u) + vec2(0.5, -0.5)) / sigma;
    vec2 p = clamp(x * (1.6 + 0.07 * x * x), vec2(-60.0), vec2(60.0));
    float rise = p.x - p.y;
    float grown = rise < 0.1 ? rise * (1.0 - rise * (0.5 - rise / 6.0)) : 1.0 - exp(-rise);
    return 2.5066283 * sigma * grown / ((1.0 + exp(-p.x)) * (1.0 + exp(p.y)));
}
#endif
