// Many small steps, each of which needs the one before: as kernels of their own, and as one that stays on the device.
//
// In a step each element takes the value of its right neighbour, plus one: what another block has written in the step
// before. A step that is missing shows, and so does one that begins too early. Loads go past L1, which would still have
// what was there two steps ago.

__device__ __forceinline__ void moved(const float* from, float* to, int n) {
    const int threads = gridDim.x * blockDim.x;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += threads)
        to[i] = __ldcg(&from[i + 1 == n ? 0 : i + 1]) + 1.0f;
}

extern "C" __global__ void __launch_bounds__(256) advance(const float* from, float* to, int n) { moved(from, to, n); }

// Wait for all blocks of a cooperative launch. The last to arrive takes the count back and lets the others pass:
// state[0] counts arrivals, state[1] barriers, of which only whether it changes matters. It is read as volatile: of
// __ldcv the compiler makes one load, and of the loop nothing.
__device__ __forceinline__ void barrier(unsigned* state) {
    __syncthreads();
    if (threadIdx.x == 0) {
        const volatile unsigned* passed = state + 1;
        const unsigned before = *passed;
        __threadfence();
        if (atomicAdd(state, 1u) == gridDim.x - 1) {
            atomicExch(state, 0u);
            __threadfence();
            atomicAdd(state + 1, 1u);
        } else {
            while (*passed == before) {
#if !defined(__CUDACC__) || __CUDA_ARCH__ >= 700
                __nanosleep(32);
#endif
            }
        }
        __threadfence();
    }
    __syncthreads();
}

// `steps` of them, the first from `from` to `a`, then to and fro between `a` and `b`.
extern "C" __global__ void __launch_bounds__(256)
    advance_all(const float* from, float* a, float* b, int n, int steps, unsigned* state) {
    moved(from, a, n);
    for (int step = 1; step < steps; ++step) {
        barrier(state);
        if (step & 1)
            moved(a, b, n);
        else
            moved(b, a, n);
    }
}
