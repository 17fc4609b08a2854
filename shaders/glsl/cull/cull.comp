#version 460
#extension GL_GOOGLE_include_directive : require
// cull: which sliced splats any view can see, and their sort keys. A whole cluster is rejected by its largest splat
// first; then each splat by opacity and by its footprint on every screen. The key is the radial distance from the head
// centre, far first, quantised over the performers' own interval: it does not change when the head turns.
#define WRITES_KEYS
#include "../include/bindings.glsl"
#include "../include/attributes.glsl"
#include "../include/rig.glsl"

layout(local_size_x = 256) in;

shared bool cluster_visible;

// Where alpha falls under 1/255 for the most opaque splat: sqrt(2 ln 255), rounded up.
const float REACH = 3.34;

// Whether a splat whose largest standard deviation is `sigma` metres can touch the view's screen from `p`. A surfel's far
// and near sides are where they are, so its px may be as large as at its nearest point.
bool touches_screen(View view, vec3 p, float sigma, Segment segment) {
    bool surfel = (segment.look & LOOK_SURFEL) != 0u;
    float depth = surfel ? -p.z - REACH * sigma : -p.z;
    if (depth < NEAR_METRES) {
        return true;
    }
    vec2 ratio = p.xy / -p.z;
    float stretch = 1.0 + dot(ratio, ratio);
    vec2 f = view.screen.xy * sigma / depth;
    float reach_px = REACH * sqrt(max(f.x * f.x, f.y * f.y) * stretch + segment.low_pass) + 1.0;
    vec2 px = vec2(ratio.x - view.tangents.x, view.tangents.z - ratio.y) * view.screen.xy;
    return all(greaterThanEqual(px, vec2(-reach_px))) && all(lessThanEqual(px, view.screen.zw + reach_px));
}

// Whether any part of the ball can be in front of the near plane and inside the four side planes.
bool ball_in_frustum(View view, vec3 p, float radius) {
    vec4 t = view.tangents;
    vec4 side = vec4(p.x + t.x * p.z, -p.x - t.y * p.z, -p.y - t.z * p.z, p.y + t.w * p.z);
    vec4 norm = sqrt(vec4(1.0) + t * t);
    // A screen-space margin of the low-pass, at the ball's own depth, for splats smaller than a pixel.
    vec4 margin = vec4(radius) * norm + vec4(REACH * 2.0) * max(-p.z + radius, 0.0) / view.screen.xxyy;
    return -p.z + radius >= NEAR_METRES && all(greaterThanEqual(side, -margin));
}

void main() {
    uint slot = gl_GlobalInvocationID.x;
    ClusterRef reference = cluster_refs[gl_WorkGroupID.x];
    if (gl_LocalInvocationID.x == 0u) {
        Cluster cluster = clusters[reference.cluster];
        Segment segment = segments[reference.segment];
        vec3 low = vec3(cluster.box_min[0], cluster.box_min[1], cluster.box_min[2]);
        vec3 high = vec3(cluster.box_max[0], cluster.box_max[1], cluster.box_max[2]);
        vec3 centre = (segment.world_from_object * vec4(0.5 * (low + high), 1.0)).xyz;
        float radius = segment.scale * (0.5 * length(high - low) + REACH * segment.gain * cluster.max_scale);
        // Where joints carry splats a cluster's box says nothing of now.
        bool visible = is_carried(segment);
        for (uint v = 0u; v < frame.views; ++v) {
            visible = visible || ball_in_frustum(views[v], (views[v].view_from_world * vec4(centre, 1.0)).xyz, radius);
        }
        cluster_visible = visible;
    }
    barrier();

    uint key = DEAD_KEY;
    Sliced splat = sliced[slot];
    if (cluster_visible && splat.mean_opacity.w >= ALPHA_CUT) {
        Segment segment = segments[bitfieldExtract(splat.segment, 0, int(SEGMENT_BITS))];
        vec3 scale = is_carried(segment) ? unpack_shape(splat).scale : splat_scale(segment, splat.source);
        float sigma = max(scale.x, max(scale.y, scale.z)) * segment.scale;
        vec3 mean = splat.mean_opacity.xyz;
        bool visible = false;
        for (uint v = 0u; v < frame.views; ++v) {
            vec3 p = (views[v].view_from_world * vec4(mean, 1.0)).xyz;
            visible = visible || (-p.z >= NEAR_METRES && touches_screen(views[v], p, sigma, segment));
        }
        if (visible) {
            float steps = (distance(mean, frame.head_in_world.xyz) - frame.key_near) * frame.key_scale;
            key = KEY_MAX - uint(clamp(steps, 0.0, float(KEY_MAX)));
        }
    }
    keys[slot] = key;
}
