// What the kernels of the radix sort share: two stable passes of 9 bits over 18-bit keys, least significant first.
//
// The payload rides in the key's own word. Pass 0 reads the cull's keys, whose position is the payload, and writes
// `high digit << 23 | slot`; pass 1 needs only that digit and writes the bare slot. So a splat costs one word a pass,
// slots have 23 bits, and dead keys, which pass 0 does not count, are compacted away by the same scatter.
#ifndef VIVANT_SORT
#define VIVANT_SORT

layout(push_constant) uniform SortPass { uint pass_index; };

const uint NO_DIGIT = DIGITS;

// How many words this pass reads.
uint sort_input_count() {
    return pass_index == 0u ? frame.slots : counts.visible;
}

// The word at `index`, with its payload attached.
uint sort_input(uint index) {
    if (pass_index == 1u) {
        return partial_order[index];
    }
    uint key = keys[index];
    return key == DEAD_KEY ? DEAD_KEY : ((key >> DIGIT_BITS) << SLOT_BITS) | index;
}

// The digit of the word at `index` in this pass; NO_DIGIT when it is dead or past the end.
uint sort_digit(uint index) {
    if (index >= sort_input_count()) {
        return NO_DIGIT;
    }
    if (pass_index == 1u) {
        return partial_order[index] >> SLOT_BITS;
    }
    uint key = keys[index];
    return key == DEAD_KEY ? NO_DIGIT : key & (DIGITS - 1u);
}
#endif
