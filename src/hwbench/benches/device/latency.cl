// A ring of lines, and the walk along it, as in latency.cu. OpenCL 1.2 keeps no pointers in memory: a line holds the
// number of the next one's first word. state[0] is the word where the walk stands, state[1] is never written.

kernel void link(global ulong* ring, global const long* order, ulong lines, uint words) {
    for (size_t i = get_global_id(0); i < lines; i += get_global_size(0))
        ring[order[i] * words] = (ulong)order[i + 1 == lines ? 0 : i + 1] * words;
}

// Load every line once, outside of the time: each group of a GPU fills the cache that all share.
kernel void warm(global ulong* state, global const ulong* ring, ulong lines, uint words) {
    ulong seen = 0;
    for (size_t i = get_global_id(0); i < lines; i += get_global_size(0)) seen ^= ring[i * words];
    if (seen == 1) state[1] = seen;  // never true of multiples of `words`
}

kernel void chase(global ulong* state, global const ulong* ring, uint sixteens) {
    ulong at = state[0];
    for (uint i = 0; i < sixteens; ++i) {
        _Pragma("unroll") for (int hop = 0; hop < 16; ++hop) at = ring[at];
    }
    state[0] = at;
}
