#version 460
#extension GL_GOOGLE_include_directive : require
// sort.scatter: moves each word to its place, stably. A block is taken in rounds of 256: each lane raises its bit in
// its digit's mask, so a word's rank among equals is a count of lower bits. No subgroup operations: right at any
// subgroup size, and the same order on every device and every run.
#define WRITES_PARTIAL
#define WRITES_ORDER
#include "../include/bindings.glsl"
#include "../include/sort.glsl"

layout(local_size_x = 256) in;

const uint MASK_WORDS = 8u;
shared uint masks[DIGITS * MASK_WORDS];
shared uint next_place[DIGITS];

void main() {
    uint lane = gl_LocalInvocationID.x;
    uint block = gl_WorkGroupID.x;
    uint group = block / SORT_GROUP;
    for (uint digit = lane; digit < DIGITS; digit += 256u) {
        next_place[digit] = totals[digit] + totals[(group + 1u) * DIGITS + digit] + histogram[block * DIGITS + digit];
        for (uint w = 0u; w < MASK_WORDS; ++w) {
            masks[digit * MASK_WORDS + w] = 0u;
        }
    }
    barrier();
    uint own_word = lane >> 5u;
    uint own_bit = 1u << (lane & 31u);
    for (uint first = 0u; first < SORT_BLOCK; first += 256u) {
        uint index = block * SORT_BLOCK + first + lane;
        uint digit = sort_digit(index);
        if (digit < NO_DIGIT) {
            atomicOr(masks[digit * MASK_WORDS + own_word], own_bit);
        }
        barrier();
        if (digit < NO_DIGIT) {
            uint row = digit * MASK_WORDS;
            uint place = next_place[digit] + uint(bitCount(masks[row + own_word] & (own_bit - 1u)));
            for (uint w = 0u; w < own_word; ++w) {
                place += uint(bitCount(masks[row + w]));
            }
            uint word = sort_input(index);
            if (pass_index == 0u) {
                partial_order[place] = word;
            } else {
                order[place] = word & ((1u << SLOT_BITS) - 1u);
            }
        }
        barrier();
        // The lane now speaks for its own two digits: count them off and clear their masks for the next round.
        for (uint own = lane; own < DIGITS; own += 256u) {
            uint seen = 0u;
            for (uint w = 0u; w < MASK_WORDS; ++w) {
                seen += uint(bitCount(masks[own * MASK_WORDS + w]));
                masks[own * MASK_WORDS + w] = 0u;
            }
            next_place[own] += seen;
        }
        barrier();
    }
}
