// Branches: 32 ways to go, of which the threads of one warp take one, or several.
//
// A way is 16 pairs of fused multiply-adds in an order of its own, given by 16 bits, so that no compiler can make one
// piece of code of two ways: a pair is (2x + b, x/2 + e) for a 0, which adds d = e + b/2, and (x/2 + e, 2x + b) for a 1,
// which adds 2d. All are exact, and the sum tells which way was gone how often.

#ifndef WARP
#define WARP 32
#endif

#define FIRST x = fmaf(x, up, b); x = fmaf(x, down, e);
#define SECOND x = fmaf(x, down, e); x = fmaf(x, up, b);
#define PAIR(bits, k) if constexpr (((bits) >> (k)) & 1) { SECOND } else { FIRST }
#define FOUR(bits, k) PAIR(bits, k) PAIR(bits, k + 1) PAIR(bits, k + 2) PAIR(bits, k + 3)
#define WAY(number, bits) \
    case number: { FOUR(bits, 0) FOUR(bits, 4) FOUR(bits, 8) FOUR(bits, 12) } break;

// Element i goes way i % paths. Across 0: thread t has element t, and a warp's threads go `paths` ways. Across 1: in
// each 32 · WARP the elements are handed out by columns of a rectangle of as many rows as a warp has threads, and all
// threads of a warp go the same way.
extern "C" __global__ void __launch_bounds__(256) paths(const float* from, float* to, int paths, int across, int rounds,
                                                         float up, float b, float down, float e) {
    const int thread = blockIdx.x * blockDim.x + threadIdx.x;
    const int place = thread & (32 * WARP - 1);
    const int element = across ? (thread & ~(32 * WARP - 1)) + (place & (WARP - 1)) * 32 + place / WARP : thread;
    const int way = element & (paths - 1);
    float x = from[element];
#pragma unroll 1
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
