#version 460
#extension GL_GOOGLE_include_directive : require
// sort.offsets: one workgroup turns the digits' totals into the place where each digit starts, and tells the passes
// behind the sort how many splats are visible.
#define WRITES_TOTALS
#define WRITES_COUNTS
#include "../include/bindings.glsl"
#include "../include/scan.glsl"

layout(local_size_x = 256) in;

void main() {
    uint lane = gl_LocalInvocationID.x;
    uint value = totals[lane];
    uint inclusive = scan_inclusive(value);
    totals[lane] = inclusive - value;
    if (lane == 255u) {
        counts.visible = inclusive;
        counts.dispatch[0] = (inclusive + 255u) / 256u;
        counts.dispatch[1] = 1u;
        counts.dispatch[2] = 1u;
        counts.draw[0] = 4u;
        counts.draw[1] = inclusive;
        counts.draw[2] = 0u;
        counts.draw[3] = 0u;
    }
}
