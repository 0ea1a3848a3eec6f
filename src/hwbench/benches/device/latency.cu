// A ring of pointers in device memory, and the walk along it: each load has to wait for the one before.

typedef unsigned long long address;

// Write into the first word of each line where the next line of `order` lies; `words` are the 8-byte words of a line.
extern "C" __global__ void link(address* ring, const long long* order, long long lines, int words) {
    const long long threads = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < lines; i += threads)
        ring[order[i] * words] = (address)(ring + order[i + 1 == lines ? 0 : i + 1] * words);
}

// state[0] is the address where the walk stands, state[1] the cycles that the last call took, state[2] how many lines of
// the order lie behind it; state[3] is never written.

// Load every line into L2, beginning with the one that comes next: as after a whole walk, the lines that the walk will
// come to last were loaded last. One block, on the multiprocessor that walks: a large L2 keeps data near who asks.
extern "C" __global__ void __launch_bounds__(1024)
    warm(address* state, const address* ring, const long long* order, long long lines, int words) {
    const long long first = state[2];
    address seen = 0;
    for (long long i = threadIdx.x; i < lines; i += blockDim.x) {
        const long long at = first + i < lines ? first + i : first + i - lines;
        seen ^= __ldcg(ring + __ldcs(order + at) * words);
    }
    if (seen == 1) state[3] = seen;  // never true of pointers, which the compiler cannot know
}

// Said to be global: what came out of memory could be any address, and a generic load takes longer.
__device__ __forceinline__ address in_l1(const address* at) {
#ifdef __CUDACC__
    address next;
    asm volatile("ld.global.u64 %0, [%1];" : "=l"(next) : "l"(at) : "memory");
    return next;
#elif defined(HWBENCH_ROCM)
    return hwbench_global(at);
#else
    return *at;
#endif
}
__device__ __forceinline__ address past_l1(const address* at) { return __ldcg(at); }

// One thread goes 16 × sixteens hops on from state[0], leaves there where it came to, and in state[1] the cycles of the
// multiprocessor that it took. The store before the second reading of the clock needs the last load's result: without
// it the clock would be read while that load is still on its way. Where `fetch` is not 0 all threads of the block first
// load the whole ring: a launch finds L1 empty.
#define CHASE(name, load)                                                                                     \
    extern "C" __global__ void __launch_bounds__(256)                                                         \
        name(address* state, int sixteens, const address* ring, long long lines, int words, int fetch) {      \
        if (fetch) {                                                                                          \
            address seen = 0;                                                                                 \
            for (long long i = threadIdx.x; i < lines; i += blockDim.x) seen ^= load(ring + i * words);       \
            if (seen == 1) state[3] = seen;                                                                   \
            __syncthreads();                                                                                  \
        }                                                                                                     \
        if (threadIdx.x) return;                                                                              \
        address at = *(volatile address*)state;                                                               \
        const long long start = clock64();                                                                    \
        _Pragma("unroll 1") for (int i = 0; i < sixteens; ++i) {                                              \
            _Pragma("unroll") for (int hop = 0; hop < 16; ++hop) at = load((const address*)at);               \
        }                                                                                                     \
        *(volatile address*)state = at;                                                                       \
        const long long end = clock64();                                                                      \
        state[1] = (address)(end - start);                                                                    \
        state[2] = (state[2] + 16ull * sixteens) % lines;                                                     \
    }

CHASE(chase_ca, in_l1)
CHASE(chase_cg, past_l1)
