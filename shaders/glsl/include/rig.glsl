// Splats that joints carry: the affine map of a splat, what it makes of the splat's axes, and how that shape travels from
// slice to project. The axes are the left singular vectors of map · rotation · scale, found by turning pairs of columns
// until all are orthogonal (one-sided Jacobi, Hestenes 1958); those of a similarity are orthogonal already. rig/carry.rs
// does the same in f64.
#ifndef VIVANT_RIG
#define VIVANT_RIG
#include "bindings.glsl"
#include "quaternion.glsl"

const uint JACOBI_SWEEPS = 5u;      // each squares what is left: from any shear to the last bits of a float
const float LOG_SCALE_LEAST = -14.0; // a shape's log-scales: from a micrometre to 20 m, in steps of 0.2 %
const float LOG_SCALE_STEP = 17.0 / 8191.0;
const float TURN_STEP = 0.70710678 / 16383.0;

bool is_carried(Segment segment) {
    return segment.binding != 0u;
}

// The joints' maps by the splat's weights: column i is row i of the map.
mat3x4 carrying_map(Segment segment, uint source) {
    uint count = bitfieldExtract(segment.binding, 16, 8);
    uint tile = segment.packed_first + (source / CLUSTER_SPLATS - segment.first_cluster) * segment.tile_words;
    uint at = (tile + (segment.binding & 0xFFFFu)) * CLUSTER_SPLATS + (source % CLUSTER_SPLATS) * count;
    mat3x4 sum = mat3x4(0.0);
    for (uint k = 0u; k < count; ++k) {
        uint word = plane_packed[at + k];
        float weight = float(word >> 16u) / 65535.0;
        uint row = (segment.joints_first + (word & 0xFFFFu)) * 3u;
        sum += weight * mat3x4(joint_rows[row], joint_rows[row + 1u], joint_rows[row + 2u]);
    }
    return sum;
}

// The map without its shift.
mat3 linear_part(mat3x4 map) {
    return transpose(mat3(map[0].xyz, map[1].xyz, map[2].xyz));
}

// Turns two columns until they are orthogonal, and two others as far.
void turn_pair(inout vec3 p, inout vec3 q, inout vec3 r, inout vec3 s) {
    float pp = dot(p, p);
    float qq = dot(q, q);
    float pq = dot(p, q);
    if (abs(pq) <= 1e-7 * sqrt(pp) * sqrt(qq)) {
        return;
    }
    float slope = (qq - pp) / (2.0 * pq);
    float tangent = (slope < 0.0 ? -1.0 : 1.0) / (abs(slope) + sqrt(slope * slope + 1.0));
    float cosine = inversesqrt(tangent * tangent + 1.0);
    float sine = cosine * tangent;
    vec3 before = p;
    p = before * cosine - q * sine;
    q = before * sine + q * cosine;
    before = r;
    r = before * cosine - s * sine;
    s = before * sine + s * cosine;
}

// Turns the columns of `m` until they are orthogonal, and those of `v` with them.
void orthogonalise(inout mat3 m, inout mat3 v) {
    for (uint sweep = 0u; sweep < JACOBI_SWEEPS; ++sweep) {
        turn_pair(m[0], m[1], v[0], v[1]);
        turn_pair(m[1], m[2], v[1], v[2]);
        turn_pair(m[0], m[2], v[0], v[2]);
    }
}

// A right-handed frame along three orthogonal columns: the two longest give it, what has no length follows.
mat3 frame_along(mat3 m) {
    vec3 l = vec3(dot(m[0], m[0]), dot(m[1], m[1]), dot(m[2], m[2]));
    // The shortest last, in cyclic order.
    uint shift = l.x < l.z && l.x <= l.y ? 1u : l.y < l.z && l.y < l.x ? 2u : 0u;
    mat3 c = shift == 1u ? mat3(m[1], m[2], m[0]) : shift == 2u ? mat3(m[2], m[0], m[1]) : m;
    bool other_way = dot(c[1], c[1]) > dot(c[0], c[0]);
    vec3 along = other_way ? c[1] : c[0];
    vec3 across = other_way ? c[0] : c[1];
    float reach = length(along);
    along = reach > 0.0 ? along / reach : vec3(1.0, 0.0, 0.0);
    across -= along * dot(along, across);
    reach = length(across);
    vec3 any = cross(along, abs(along.z) < 0.7 ? vec3(0.0, 0.0, 1.0) : vec3(1.0, 0.0, 0.0));
    across = reach > 0.0 ? across / reach : any / length(any);
    vec3 a = other_way ? across : along;
    vec3 b = other_way ? along : across;
    vec3 k = cross(a, b);
    return shift == 1u ? mat3(k, a, b) : shift == 2u ? mat3(b, k, a) : mat3(a, b, k);
}

// The orthogonal matrix nearest to `m`: a rotation, or a rotation and a mirror where it mirrors.
mat3 nearest_orthogonal(mat3 m) {
    float sign_of = dot(m[0], cross(m[1], m[2])) < 0.0 ? -1.0 : 1.0;
    mat3 columns = m * sign_of;
    mat3 v = mat3(1.0);
    orthogonalise(columns, v);
    return frame_along(columns) * transpose(v) * sign_of;
}

// How a splat lies: a unit quaternion, and standard deviations in metres.
struct Shape {
    vec4 rotation;
    vec3 scale;
};

// What a linear map makes of a splat.
Shape carried_shape(mat3 map, Shape told) {
    mat3 axes = map * quaternion_matrix(told.rotation);
    axes = mat3(axes[0] * told.scale.x, axes[1] * told.scale.y, axes[2] * told.scale.z);
    mat3 v = mat3(1.0);
    orthogonalise(axes, v);
    vec3 scale = vec3(length(axes[0]), length(axes[1]), length(axes[2]));
    return Shape(quaternion_of(frame_along(axes)), scale);
}

uint turn_bits(float value) {
    return uint(int(clamp(round(value / TURN_STEP), -16383.0, 16383.0))) & 0x7FFFu;
}

uint log_bits(float scale) {
    float steps = (log(max(scale, 1e-30)) - LOG_SCALE_LEAST) / LOG_SCALE_STEP;
    return uint(clamp(round(steps), 0.0, 8191.0));
}

// A shape in the words of a sliced splat: rotation, then what goes above the segment's index. Of the quaternion the largest
// component is left out, which is positive; the others have 15 bits, logarithms of scales 13.
uvec3 pack_shape(Shape shape) {
    vec4 q = shape.rotation;
    vec4 size = abs(q);
    uint largest = size.w >= max(size.x, max(size.y, size.z)) ? 3u
        : size.z >= max(size.x, size.y) ? 2u : size.y >= size.x ? 1u : 0u;
    q = q[largest] < 0.0 ? -q : q;
    vec3 s = largest == 0u ? q.yzw : largest == 1u ? q.xzw : largest == 2u ? q.xyw : q.xyz;
    uint x = log_bits(shape.scale.x);
    uint y = log_bits(shape.scale.y);
    uint z = log_bits(shape.scale.z);
    return uvec3(turn_bits(s.x) | turn_bits(s.y) << 15u | largest << 30u, turn_bits(s.z) | x << 15u,
        y << SEGMENT_BITS | z << (SEGMENT_BITS + 13u));
}

Shape unpack_shape(Sliced splat) {
    ivec2 words = ivec2(splat.rotation);
    vec3 s = vec3(bitfieldExtract(words.x, 0, 15), bitfieldExtract(words.x, 15, 15), bitfieldExtract(words.y, 0, 15)) * TURN_STEP;
    float rest = sqrt(max(0.0, 1.0 - dot(s, s)));
    uint largest = splat.rotation.x >> 30u;
    vec4 q = largest == 0u ? vec4(rest, s) : largest == 1u ? vec4(s.x, rest, s.yz)
        : largest == 2u ? vec4(s.xy, rest, s.z) : vec4(s, rest);
    uvec3 logs = uvec3(splat.rotation.y >> 15u, splat.segment >> SEGMENT_BITS, splat.segment >> (SEGMENT_BITS + 13u)) & 0x1FFFu;
    return Shape(q * inversesqrt(dot(q, q)), exp(vec3(logs) * LOG_SCALE_STEP + LOG_SCALE_LEAST));
}
#endif
