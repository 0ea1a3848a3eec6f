// Branches, as in divergence.cu: 32 ways to go, of which neighbouring work-items take one, or several. A way is 16 pairs
// of multiply-adds in an order of its own, by the same 16 bits.

#define FIRST x = FMA(x, up, b); x = FMA(x, down, e);
#define SECOND x = FMA(x, down, e); x = FMA(x, up, b);
#define PAIR(bits, k) if (((bits) >> (k)) & 1) { SECOND } else { FIRST }
#define FOUR(bits, k) PAIR(bits, k) PAIR(bits, k + 1) PAIR(bits, k + 2) PAIR(bits, k + 3)
#define WAY(number, bits) \
    case number: { FOUR(bits, 0) FOUR(bits, 4) FOUR(bits, 8) FOUR(bits, 12) } break;

// Element i goes way i % paths. Across 0: work-item t has element t. Across 1: in each 2048 the elements are handed out by
// columns of the 64 × 32 rectangle, so that each 64 neighbours go the same way: the widest wavefront of a GPU.
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void paths(
    global const float* restrict from, global float* restrict to, int paths, int across, int rounds, float up, float b,
    float down, float e) {
    const int item = get_global_id(0);
    const int place = item & 2047;
    const int element = across ? (item & ~2047) + (place & 63) * 32 + (place >> 6) : item;
    const int way = element & (paths - 1);
    float x = from[element];
    for (int round = 0; round < rounds; ++round) {
        switch (way) {
            WAY(0, 0x0001) WAY(1, 0x9a3d) WAY(2, 0x3c6e) WAY(3, 0xd5f3) WAY(4, 0x72a5) WAY(5, 0x0f8b)
            WAY(6, 0xa967) WAY(7, 0x46dc) WAY(8, 0xeb29) WAY(9, 0x8572) WAY(10, 0x1fb4) WAY(11, 0xb806)
            WAY(12, 0x534f) WAY(13, 0xfe91) WAY(14, 0x98ea) WAY(15, 0x2d38) WAY(16, 0xc77d) WAY(17, 0x61c2)
            WAY(18, 0x0a17) WAY(19, 0xa45c) WAY(20, 0x4ea1) WAY(21, 0xe9f6) WAY(22, 0x833b) WAY(23, 0x1c80)
            WAY(24, 0xb6c5) WAY(25, 0x510a) WAY(26, 0xfb5f) WAY(27, 0x95a4) WAY(28, 0x2ef9) WAY(29, 0xc83e)
            WAY(30, 0x6283) WAY(31, 0x0dc8)
        }
    }
    to[element] = x;
}
