#version 460
#extension GL_GOOGLE_include_directive : require
// sort.offsets: one workgroup turns the groups' sums into offsets within each digit and the digits' sums into the place
// where each starts, and tells the passes behind the sort how many splats are visible.
#define WRITES_TOTALS
#define WRITES_COUNTS
#include "../include/bindings.glsl"
#include "../include/scan.glsl"

layout(local_size_x = 256) in;

void main() {
    uint digit = gl_LocalInvocationID.x;
    uint groups = (frame.blocks + SORT_GROUP - 1u) / SORT_GROUP;
    uint sum = 0u;
    for (uint group = 1u; group <= groups; ++group) {
        uint count = totals[group * 256u + digit];
        totals[group * 256u + digit] = sum;
        sum += count;
    }
    uint inclusive = scan_inclusive(sum);
    totals[digit] = inclusive - sum;
    if (digit == 255u) {
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
