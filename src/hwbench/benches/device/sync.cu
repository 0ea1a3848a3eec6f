// What it costs to start, and to wait for one another.

// A launch with nothing to do but to show that it happened.
extern "C" __global__ void mark(int* flag) { *flag = 1; }

// Barriers of a block. A token goes from thread to thread, one step every 16 barriers: a thread that does not wait
// would find it where it should not be.
extern "C" __global__ void barriers_block(int* to, int sixteens) {
    __shared__ volatile int token;
    if (threadIdx.x == 0) token = 0;
    __syncthreads();
#pragma unroll 1
    for (int i = 0; i < sixteens; ++i) {
        if (threadIdx.x == i % blockDim.x) token = token + 1;
#pragma unroll
        for (int k = 0; k < 16; ++k) __syncthreads();
    }
    if (threadIdx.x == 0) to[blockIdx.x] = 16 * token;
}

// Barriers of the whole grid, whose blocks must all be on the device at once (a cooperative launch sees to that).
// Each block counts its arrival, and waits until the count says that all have come: state[0] only ever grows, from 0
// before the first launch on, by gridDim.x a barrier, so that nothing has to be reset between barriers and launches.
// A token of the same kind goes round the blocks.
extern "C" __global__ void barriers_grid(unsigned* state, int* to, int rounds) {
    volatile int* token = to;
    for (int round = 0; round < rounds; ++round) {
        if (threadIdx.x == 0 && blockIdx.x == round % gridDim.x) *token = *token + 1;
        __syncthreads();
        if (threadIdx.x == 0) {
            __threadfence();
            const unsigned arrived = atomicAdd(state, 1u) + 1u;
            const unsigned all = (arrived + gridDim.x - 1) / gridDim.x * gridDim.x;
            while ((int)(atomicAdd(state, 0u) - all) < 0) {
            }
            __threadfence();
        }
        __syncthreads();
    }
}

// The same wait by ending a kernel and starting the next: one token step a launch.
extern "C" __global__ void step(int* to) {
    if (blockIdx.x == 0 && threadIdx.x == 0) *to = *to + 1;
}

// --- counting with atomics: rounds increments a thread, of counter (thread + round) & mask -----------------------------

extern "C" __global__ void __launch_bounds__(256) atomic_global(unsigned* counters, int mask, int rounds) {
    const int thread = blockIdx.x * blockDim.x + threadIdx.x;
    for (int round = 0; round < rounds; ++round) atomicAdd(&counters[(thread + round) & mask], 1u);
}

// Each block counts in shared memory (up to 4096 counters) and adds what it found to the global ones at its end.
extern "C" __global__ void __launch_bounds__(256) atomic_shared(unsigned* counters, int mask, int rounds) {
    __shared__ unsigned own[4096];
    for (int i = threadIdx.x; i <= mask; i += blockDim.x) own[i] = 0;
    __syncthreads();
    const int thread = blockIdx.x * blockDim.x + threadIdx.x;
    for (int round = 0; round < rounds; ++round) atomicAdd(&own[(thread + round) & mask], 1u);
    __syncthreads();
    for (int i = threadIdx.x; i <= mask; i += blockDim.x)
        if (own[i]) atomicAdd(&counters[i], own[i]);
}

#ifndef WARP
#define WARP 32
#endif

// The lanes of a warp that would meet on one counter add up among themselves first; one of them adds the sum. Counters
// are a power of two in number, so that lanes that meet are `mask + 1` apart.
extern "C" __global__ void __launch_bounds__(256) atomic_warp(unsigned* counters, int mask, int rounds) {
    const int thread = blockIdx.x * blockDim.x + threadIdx.x;
    const int lane = threadIdx.x & (WARP - 1);
    const unsigned one = __activemask() >> lane & 1;  // a 1 that no compiler knows: it would ask none of the lanes
    for (int round = 0; round < rounds; ++round) {
        unsigned sum = one;
        for (int apart = WARP / 2; apart > mask; apart /= 2) sum += __shfl_xor_sync(~0u, sum, apart);
        if (lane <= mask) atomicAdd(&counters[(thread + round) & mask], sum);
    }
}
