#version 460
#extension GL_GOOGLE_include_directive : require
// sort.scan: one workgroup a digit turns its row of the histogram into offsets within the digit, and writes the
// digit's total.
#define WRITES_HISTOGRAM
#define WRITES_TOTALS
#include "../include/bindings.glsl"
#include "../include/scan.glsl"

layout(local_size_x = 256) in;

void main() {
    uint lane = gl_LocalInvocationID.x;
    uint row = gl_WorkGroupID.x * frame.blocks;
    uint carried = 0u;
    for (uint first = 0u; first < frame.blocks; first += 256u) {
        uint column = first + lane;
        uint value = column < frame.blocks ? histogram[row + column] : 0u;
        uint inclusive = scan_inclusive(value);
        if (column < frame.blocks) {
            histogram[row + column] = carried + inclusive - value;
        }
        carried += scan_values[255];
        barrier();
    }
    if (lane == 0u) {
        totals[gl_WorkGroupID.x] = carried;
    }
}
