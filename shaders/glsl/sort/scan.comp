#version 460
#extension GL_GOOGLE_include_directive : require
// sort.scan: one workgroup a group of SORT_GROUP blocks, one lane a digit. Each lane walks down its column of the
// histogram, turns counts into offsets within the group, and leaves the group's sum. Loads of a row are adjacent and
// no lane waits for another, so it is right at any subgroup size and cheap where barriers are not.
#define WRITES_HISTOGRAM
#define WRITES_TOTALS
#include "../include/bindings.glsl"

layout(local_size_x = 256) in;

void main() {
    uint digit = gl_LocalInvocationID.x;
    uint group = gl_WorkGroupID.x;
    uint last = min((group + 1u) * SORT_GROUP, frame.blocks);
    uint sum = 0u;
    for (uint block = group * SORT_GROUP; block < last; ++block) {
        uint count = histogram[block * 256u + digit];
        histogram[block * 256u + digit] = sum;
        sum += count;
    }
    totals[(group + 1u) * 256u + digit] = sum;
}
