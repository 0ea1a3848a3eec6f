// A ring of pointers in device memory, and the walk along it: each load has to wait for the one before.

typedef unsigned long long address;

// Write into the first word of each line where the next line of `order` lies; `words` are the 8-byte words of a line.
extern "C" __global__ void link(address* ring, const long long* order, long long lines, int words) {
    const long long threads = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < lines; i += threads)
        ring[order[i] * words] = (address)(ring + order[i + 1 == lines ? 0 : i + 1] * words);
}

// One thread goes 16 × sixteens hops on from state[0], leaves there where it came to, and in state[1] the cycles of the
// multiprocessor that it took. The store before the second reading of the clock needs the last load's result: without
// it the clock would be read while that load is still on its way.
#define CHASE(name, load)                                                                       \
    extern "C" __global__ void name(address* state, int sixteens) {                             \
        address at = *(volatile address*)state;                                                 \
        const long long start = clock64();                                                      \
        _Pragma("unroll 1") for (int i = 0; i < sixteens; ++i) {                                \
            _Pragma("unroll") for (int hop = 0; hop < 16; ++hop) at = load((const address*)at); \
        }                                                                                       \
        *(volatile address*)state = at;                                                         \
        const long long end = clock64();                                                        \
        state[1] = (address)(end - start);                                                      \
    }

// Said to be global: what came out of memory could be any address, and a generic load takes longer.
__device__ __forceinline__ address in_l1(const address* at) {
#ifdef __CUDACC__
    address next;
    asm volatile("ld.global.u64 %0, [%1];" : "=l"(next) : "l"(at) : "memory");
    return next;
#else
    return *at;
#endif
}
__device__ __forceinline__ address past_l1(const address* at) { return __ldcg(at); }

CHASE(chase_ca, in_l1)
CHASE(chase_cg, past_l1)
