// A splat's attributes out of whichever planes its segment has: the full ones, each in a buffer of its own, or the
// packed ones, which share a buffer in tiles. A tile is the packed planes of one cluster, one behind the other; which
// they are, and how many keys they hold, is the segment's own matter.
#ifndef VIVANT_ATTRIBUTES
#define VIVANT_ATTRIBUTES
#include "bindings.glsl"
#include "pack.glsl"
#include "quaternion.glsl"

// Index in plane_packed of the first of `words` words of splat `source` in the plane at `place`: its first key's.
uint packed_at(Segment segment, uint source, uint place, uint words) {
    uint offset = bitfieldExtract(segment.places[place >> 2u], int(place & 3u) * 8, 8);
    uint keys = place <= PLACE_COLOUR ? bitfieldExtract(segment.keys, int(place) * 8, 8) : 1u;
    uint tile = segment.packed_first + (source / CLUSTER_SPLATS - segment.first_cluster) * segment.tile_words;
    return (tile + offset) * CLUSTER_SPLATS + (source % CLUSTER_SPLATS) * words * keys;
}

uint packed_word(Segment segment, uint source, uint place) {
    return plane_packed[packed_at(segment, source, place, 1u)];
}

uvec2 packed_pair(Segment segment, uint source, uint place) {
    uint at = packed_at(segment, source, place, 2u);
    return uvec2(plane_packed[at], plane_packed[at + 1u]);
}

// Index of the splat's entry in the planes of harmonics: its own, or the one in the palette that its label names.
uint harmonics_at(Segment segment, uint source) {
    if ((segment.planes & PLANE_PACKED_HARMONICS) != 0u) {
        return segment.harmonics_first * CLUSTER_SPLATS + (packed_word(segment, source, PLACE_HARMONICS) & 0xFFFFu);
    }
    return source + (segment.harmonics_first - segment.first_cluster) * CLUSTER_SPLATS;
}

// Keys of the plane at `place`, and the first of those that make the value now.
uint keys_of(Segment segment, uint place) {
    return bitfieldExtract(segment.keys, int(place) * 8, 8);
}

uint first_key(Segment segment, uint place) {
    return bitfieldExtract(segment.first_keys, int(place) * 8, 8);
}

// In the frame of its cluster, where the segment has poses.
vec3 splat_mean(Segment segment, uint source) {
    if ((segment.planes & PLANE_PACKED_MEAN) != 0u) {
        Cluster cluster = clusters[source / CLUSTER_SPLATS];
        uint at = packed_at(segment, source, PLACE_MEAN, 2u) + first_key(segment, PLACE_MEAN) * 2u;
        uint count = min(keys_of(segment, PLACE_MEAN), 4u);
        vec3 bins = vec3(0.0);
        for (uint key = 0u; key < count; ++key) {
            uvec2 words = uvec2(plane_packed[at + key * 2u], plane_packed[at + key * 2u + 1u]);
            bins += vec3(words.x & 0xFFFFu, words.x >> 16u, words.y & 0xFFFFu) * segment.mean_weights[key];
        }
        return vec3(cluster.origin[0], cluster.origin[1], cluster.origin[2]) + bins * cluster.step;
    }
    uint triple = source * 3u;
    return vec3(plane_mean[triple], plane_mean[triple + 1u], plane_mean[triple + 2u]);
}

// Likewise.
vec4 splat_rotation(Segment segment, uint source) {
    if ((segment.planes & PLANE_PACKED_ROTATION) == 0u) {
        return unpack_quaternion(plane_rotation[source]);
    }
    uint at = packed_at(segment, source, PLACE_ROTATION, 1u) + first_key(segment, PLACE_ROTATION);
    uint count = min(keys_of(segment, PLACE_ROTATION), 4u);
    vec4 before = unpack_three(plane_packed[at], segment.rotation_step);
    if (count == 1u) {
        return before;
    }
    vec4 sum = before * segment.rotation_weights[0];
    for (uint key = 1u; key < count; ++key) {
        vec4 q = unpack_three(plane_packed[at + key], segment.rotation_step);
        // q and -q turn alike: the one nearer to the key before.
        before = dot(q, before) < 0.0 ? -q : q;
        sum += before * segment.rotation_weights[key];
    }
    float norm = dot(sum, sum);
    return norm > 0.0 ? sum * inversesqrt(norm) : vec4(0.0, 0.0, 0.0, 1.0);
}

// Numbers of the scales and the opacity: a key, or what lies between two.
vec4 scale_opacity_bytes(Segment segment, uint source) {
    uint at = packed_at(segment, source, PLACE_SCALE_OPACITY, 1u) + first_key(segment, PLACE_SCALE_OPACITY);
    vec4 bytes = unpackUnorm4x8(plane_packed[at]) * 255.0;
    if (keys_of(segment, PLACE_SCALE_OPACITY) > 1u) {
        bytes = mix(bytes, unpackUnorm4x8(plane_packed[at + 1u]) * 255.0, segment.scale_weight);
    }
    return bytes;
}

vec3 splat_scale(Segment segment, uint source) {
    if ((segment.planes & PLANE_PACKED_SCALE_OPACITY) != 0u) {
        return exp(scale_opacity_bytes(segment, source).xyz * segment.scale_step + segment.scale_least) * segment.gain;
    }
    return unpack_scale(plane_scale_opacity[source]) * segment.gain;
}

float splat_opacity(Segment segment, uint source) {
    if ((segment.planes & PLANE_PACKED_SCALE_OPACITY) != 0u) {
        return scale_opacity_bytes(segment, source).w / 255.0;
    }
    return unpack_opacity(plane_scale_opacity[source]);
}

vec3 colour_tens(uint word) {
    return vec3(word & 0x3FFu, (word >> 10u) & 0x3FFu, (word >> 20u) & 0x3FFu);
}

vec3 splat_colour(Segment segment, uint source) {
    if ((segment.planes & PLANE_PACKED_COLOUR) != 0u) {
        uint at = packed_at(segment, source, PLACE_COLOUR, 1u) + first_key(segment, PLACE_COLOUR);
        vec3 tens = colour_tens(plane_packed[at]);
        if (keys_of(segment, PLACE_COLOUR) > 1u) {
            tens = mix(tens, colour_tens(plane_packed[at + 1u]), segment.colour_weight);
        }
        return tens * segment.colour_step + segment.colour_least;
    }
    return unpack_half3(plane_colour[source]);
}

// Where the frame of a patch stands: a turn and a translation, object space.
struct Pose {
    vec4 turn;
    vec3 shift;
};

// Of a segment that has poses; the packed mean says in its free half which patch carries the splat.
Pose patch_pose(Segment segment, uint source) {
    uint patch_number = plane_packed[packed_at(segment, source, PLACE_MEAN, 2u) + 1u] >> 16u;
    uint at = segment.poses_first * CLUSTER_SPLATS + (patch_number * segment.poses + segment.first_pose) * 4u;
    vec4 turn = vec4(0.0);
    vec3 shift = vec3(0.0);
    for (uint key = 0u; key < 4u; ++key) {
        uint word = at + key * 4u;
        float weight = segment.pose_weights[key];
        turn += weight * vec4(unpack_signed(plane_packed[word]), unpack_signed(plane_packed[word + 1u]));
        shift += weight * vec3(unpack_signed(plane_packed[word + 2u]), unpack_signed(plane_packed[word + 3u]).x);
    }
    float norm = dot(turn, turn);
    turn = norm > 0.0 ? turn * inversesqrt(norm) : vec4(0.0, 0.0, 0.0, 1.0);
    vec3 origin = vec3(segment.pose_origin[0], segment.pose_origin[1], segment.pose_origin[2]);
    return Pose(turn, origin + shift * segment.pose_step);
}

// When a splat shows and how much of it.
struct Moment {
    float dt;               // seconds from the time its motion is told from
    float presence;         // what the envelope leaves of its opacity; 0 outside its window
    float half_length;      // half the window, seconds: what packed motion is measured by
};

// At least half a tick, so that it divides.
float half_length(Segment segment, uint start, uint end) {
    return 0.5 * segment.tick_seconds * max(float(end) - float(start), 1.0);
}

Moment splat_moment(Segment segment, uint source) {
    if ((segment.planes & PLANE_LIFE) != 0u) {
        uvec4 life = plane_life[source];
        float dt = segment.seconds - uintBitsToFloat(life.x);
        float deviations = dt * uintBitsToFloat(life.y);
        bool shown = segment.tick >= life.z && segment.tick < life.w;
        return Moment(dt, shown ? exp(-0.5 * deviations * deviations) : 0.0, half_length(segment, life.z, life.w));
    }
    if ((segment.planes & PLANE_PACKED_LIFE) != 0u) {
        uvec2 words = packed_pair(segment, source, PLACE_LIFE);
        uint start = min((words.x & 0xFFFFu) * segment.window_step, segment.ticks);
        uint end = min((words.x >> 16u) * segment.window_step, segment.ticks);
        vec2 envelope = unpackHalf2x16(words.y);
        float dt = segment.seconds - 0.5 * segment.tick_seconds * (float(start) + float(end));
        float deviations = (dt - envelope.x) * envelope.y;
        bool shown = segment.tick >= start && segment.tick < end;
        return Moment(dt, shown ? exp(-0.5 * deviations * deviations) : 0.0, half_length(segment, start, end));
    }
    bool centred = (segment.planes & PLANE_PACKED_MEAN) != 0u;
    float middle = centred ? 0.5 * segment.tick_seconds * float(segment.ticks) : 0.0;
    return Moment(segment.seconds - middle, 1.0, half_length(segment, 0u, segment.ticks));
}

// Seconds from the time a splat's motion is told from to the peak of its envelope, its t0.
float rest_dt(Segment segment, uint source) {
    bool packed_life = (segment.planes & (PLANE_LIFE | PLANE_PACKED_LIFE)) == PLANE_PACKED_LIFE;
    return packed_life ? unpackHalf2x16(packed_pair(segment, source, PLACE_LIFE).y).x : 0.0;
}

vec3 splat_velocity(Segment segment, uint source, float half_length) {
    if ((segment.planes & PLANE_VELOCITY) != 0u) {
        uint triple = source * 3u;
        return vec3(plane_velocity[triple], plane_velocity[triple + 1u], plane_velocity[triple + 2u]);
    }
    if ((segment.planes & PLANE_PACKED_VELOCITY) != 0u) {
        uvec2 words = packed_pair(segment, source, PLACE_VELOCITY);
        return vec3(unpack_signed(words.x), unpack_signed(words.y).x) * (segment.velocity_step / half_length);
    }
    return vec3(0.0);
}

// The higher terms of a splat's motion.
struct Curve {
    vec3 quadratic;
    vec3 cubic;
    vec4 spin;              // of the quaternion, 1/s
};

Curve splat_curve(Segment segment, uint source, vec4 rotation, float half_length) {
    if ((segment.planes & PLANE_CURVE) != 0u) {
        uint base = source * 5u;
        vec2 a = unpackHalf2x16(plane_curve[base]);
        vec2 b = unpackHalf2x16(plane_curve[base + 1u]);
        vec2 c = unpackHalf2x16(plane_curve[base + 2u]);
        vec4 spin = vec4(unpackHalf2x16(plane_curve[base + 3u]), unpackHalf2x16(plane_curve[base + 4u]));
        return Curve(vec3(a, b.x), vec3(b.y, c), spin);
    }
    if ((segment.planes & PLANE_PACKED_CURVE) != 0u) {
        uint at = packed_at(segment, source, PLACE_CURVE, 5u);
        vec2 a = unpack_signed(plane_packed[at]);
        vec2 b = unpack_signed(plane_packed[at + 1u]);
        vec2 c = unpack_signed(plane_packed[at + 2u]);
        vec3 spin = vec3(unpack_signed(plane_packed[at + 3u]), unpack_signed(plane_packed[at + 4u]).x);
        // The packed spin is in the splat's own axes.
        vec4 turned = quaternion_multiply(rotation, vec4(spin * (segment.spin_step / half_length), 0.0));
        float quadratic_step = segment.quadratic_step / half_length / half_length;
        float cubic_step = segment.cubic_step / half_length / half_length / half_length;
        return Curve(vec3(a, b.x) * quadratic_step, vec3(b.y, c) * cubic_step, turned);
    }
    return Curve(vec3(0.0), vec3(0.0), vec4(0.0));
}

// Whether splats have a place at their t0: what keys, poses or joints carry does not.
bool has_rest(Segment segment) {
    bool several = (segment.planes & PLANE_PACKED_MEAN) != 0u && keys_of(segment, PLACE_MEAN) > 1u;
    return !several && segment.poses == 0u && segment.binding == 0u;
}

// Where a splat is at its t0, object space.
vec3 splat_rest(Segment segment, uint source) {
    vec3 mean = splat_mean(segment, source);
    float dt = rest_dt(segment, source);
    if (dt == 0.0) {
        return mean;
    }
    float half_window = splat_moment(segment, source).half_length;
    Curve curve = splat_curve(segment, source, vec4(0.0, 0.0, 0.0, 1.0), half_window);
    return mean + (splat_velocity(segment, source, half_window) + (curve.quadratic + curve.cubic * dt) * dt) * dt;
}
#endif
