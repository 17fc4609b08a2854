#version 460
#extension GL_GOOGLE_include_directive : require
// sort.histogram: how often each digit occurs in each block of SORT_BLOCK words; a row a block, a column a digit.
// Shared-memory atomics only, so it is right at any subgroup size.
#define WRITES_HISTOGRAM
#include "../include/bindings.glsl"
#include "../include/sort.glsl"

layout(local_size_x = 256) in;

shared uint local_counts[DIGITS];

void main() {
    uint lane = gl_LocalInvocationID.x;
    uint block = gl_WorkGroupID.x;
    for (uint digit = lane; digit < DIGITS; digit += 256u) {
        local_counts[digit] = 0u;
    }
    barrier();
    for (uint first = 0u; first < SORT_BLOCK; first += 256u) {
        uint digit = sort_digit(block * SORT_BLOCK + first + lane);
        if (digit < NO_DIGIT) {
            atomicAdd(local_counts[digit], 1u);
        }
    }
    barrier();
    for (uint digit = lane; digit < DIGITS; digit += 256u) {
        histogram[block * DIGITS + digit] = local_counts[digit];
    }
}
