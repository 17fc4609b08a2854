// A splat's attributes out of whichever planes its segment has: the full ones, each in a buffer of its own, or the
// packed ones, which share a buffer in tiles. A tile is the packed planes of one cluster, one behind the other.
#ifndef VIVANT_ATTRIBUTES
#define VIVANT_ATTRIBUTES
#include "bindings.glsl"
#include "pack.glsl"
#include "quaternion.glsl"

// Index in plane_packed of splat `source`'s words of the plane of `words` that stands at `offset` of a tile.
uint packed_at(Segment segment, uint source, uint offset, uint words) {
    uint tile = (source / CLUSTER_SPLATS) * segment.tile_words;
    return (tile + offset) * CLUSTER_SPLATS + (source % CLUSTER_SPLATS) * words;
}

uint packed_word(Segment segment, uint source, uint offset) {
    return plane_packed[packed_at(segment, source, offset, 1u)];
}

uvec2 packed_pair(Segment segment, uint source, uint offset) {
    uint at = packed_at(segment, source, offset, 2u);
    return uvec2(plane_packed[at], plane_packed[at + 1u]);
}

vec3 splat_mean(Segment segment, uint source) {
    if ((segment.planes & PLANE_PACKED_MEAN) != 0u) {
        Cluster cluster = clusters[source / CLUSTER_SPLATS];
        uvec2 words = packed_pair(segment, source, TILE_MEAN);
        vec3 bins = vec3(words.x & 0xFFFFu, words.x >> 16u, words.y & 0xFFFFu);
        return vec3(cluster.origin[0], cluster.origin[1], cluster.origin[2]) + bins * cluster.step;
    }
    uint triple = source * 3u;
    return vec3(plane_mean[triple], plane_mean[triple + 1u], plane_mean[triple + 2u]);
}

vec4 splat_rotation(Segment segment, uint source) {
    if ((segment.planes & PLANE_PACKED_ROTATION) != 0u) {
        return unpack_three(packed_word(segment, source, TILE_ROTATION), segment.rotation_step);
    }
    return unpack_quaternion(plane_rotation[source]);
}

vec3 splat_scale(Segment segment, uint source) {
    if ((segment.planes & PLANE_PACKED_SCALE_OPACITY) != 0u) {
        uint word = packed_word(segment, source, TILE_SCALE_OPACITY);
        vec3 bytes = vec3(word & 0xFFu, (word >> 8u) & 0xFFu, (word >> 16u) & 0xFFu);
        return exp(bytes * segment.scale_step + segment.scale_least) * segment.gain;
    }
    return unpack_scale(plane_scale_opacity[source]) * segment.gain;
}

float splat_opacity(Segment segment, uint source) {
    if ((segment.planes & PLANE_PACKED_SCALE_OPACITY) != 0u) {
        return float(packed_word(segment, source, TILE_SCALE_OPACITY) >> 24u) / 255.0;
    }
    return unpack_opacity(plane_scale_opacity[source]);
}

vec3 splat_colour(Segment segment, uint source) {
    if ((segment.planes & PLANE_PACKED_COLOUR) != 0u) {
        uint word = packed_word(segment, source, TILE_COLOUR);
        vec3 tens = vec3(word & 0x3FFu, (word >> 10u) & 0x3FFu, (word >> 20u) & 0x3FFu);
        return tens * segment.colour_step + segment.colour_least;
    }
    return unpack_half3(plane_colour[source]);
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
        uvec2 words = packed_pair(segment, source, TILE_LIFE);
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

vec3 splat_velocity(Segment segment, uint source, float half_length) {
    if ((segment.planes & PLANE_VELOCITY) != 0u) {
        uint triple = source * 3u;
        return vec3(plane_velocity[triple], plane_velocity[triple + 1u], plane_velocity[triple + 2u]);
    }
    if ((segment.planes & PLANE_PACKED_VELOCITY) != 0u) {
        uvec2 words = packed_pair(segment, source, TILE_VELOCITY);
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
        uint at = packed_at(segment, source, TILE_CURVE, 5u);
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
#endif
