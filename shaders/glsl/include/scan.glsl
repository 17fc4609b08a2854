// An inclusive scan of 256 lanes through shared memory (Hillis and Steele 1986): no subgroup operations, so it is right
// at any subgroup size. Every lane of the workgroup must call it.
#ifndef VIVANT_SCAN
#define VIVANT_SCAN

shared uint scan_values[256];

uint scan_inclusive(uint value) {
    uint lane = gl_LocalInvocationID.x;
    scan_values[lane] = value;
    barrier();
    for (uint reach = 1u; reach < 256u; reach <<= 1u) {
        uint below = lane >= reach ? scan_values[lane - reach] : 0u;
        barrier();
        scan_values[lane] += below;
        barrier();
    }
    return scan_values[lane];
}
#endif
