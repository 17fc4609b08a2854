#version 460
#extension GL_GOOGLE_include_directive : require
// sort.scan: one workgroup a group of SORT_GROUP blocks, two digits a lane. Each lane walks down its columns of the
// histogram, turns counts into offsets within the group, and leaves the group's sum. Loads of a row are adjacent and
// no lane waits for another, so it is right at any subgroup size and cheap where barriers are not.
#define WRITES_HISTOGRAM
#define WRITES_TOTALS
#include "../include/bindings.glsl"

layout(local_size_x = 256) in;

void main() {
    uint group = gl_WorkGroupID.x;
    uint last = min((group + 1u) * SORT_GROUP, frame.blocks);
    for (uint digit = gl_LocalInvocationID.x; digit < DIGITS; digit += 256u) {
        uint sum = 0u;
        for (uint block = group * SORT_GROUP; block < last; ++block) {
            uint count = histogram[block * DIGITS + digit];
            histogram[block * DIGITS + digit] = sum;
            sum += count;
        }
        totals[(group + 1u) * DIGITS + digit] = sum;
    }
}
