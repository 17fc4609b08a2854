#version 460
#extension GL_GOOGLE_include_directive : require
// sort.offsets: one workgroup turns the groups' sums into offsets within each digit and the digits' sums into the place
// where each starts, and tells the passes behind the sort how many splats are visible.
#define WRITES_TOTALS
#define WRITES_COUNTS
#include "../include/bindings.glsl"
#include "../include/scan.glsl"

layout(local_size_x = 256) in;

// Turns the groups' sums of one digit into offsets; returns their sum.
uint walk_groups(uint digit, uint groups) {
    uint sum = 0u;
    for (uint group = 1u; group <= groups; ++group) {
        uint count = totals[group * DIGITS + digit];
        totals[group * DIGITS + digit] = sum;
        sum += count;
    }
    return sum;
}

void main() {
    uint digit = gl_LocalInvocationID.x * 2u;
    uint groups = (frame.blocks + SORT_GROUP - 1u) / SORT_GROUP;
    uint even = walk_groups(digit, groups);
    uint odd = walk_groups(digit + 1u, groups);
    uint inclusive = scan_inclusive(even + odd);
    totals[digit] = inclusive - odd - even;
    totals[digit + 1u] = inclusive - odd;
    if (digit + 2u == DIGITS) {
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
