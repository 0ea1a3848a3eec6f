// What a multiprocessor reads from the memory that is its own: its L1 cache, and shared memory.
//
// A thread reads four items of 16 bytes a turn, a block's width apart: all 16 KiB by 256 threads. Each turn begins 33
// items further on, so that no load can be taken out of the loop, and lanes stay side by side: no bank conflicts.

#define ITEMS 1024
#define WIDTH 256
#define STEP 33

__device__ __forceinline__ float total(float4 x) { return x.x + x.y + (x.z + x.w); }

#define READ(from)                                                                                    \
    float sum = 0;                                                                                    \
    int at = threadIdx.x;                                                                             \
    _Pragma("unroll 1") for (int turn = 0; turn < turns; ++turn) {                                    \
        float4 x[4];                                                                                  \
        _Pragma("unroll") for (int k = 0; k < 4; ++k) x[k] = from[(at + k * WIDTH) & (ITEMS - 1)];    \
        _Pragma("unroll") for (int k = 0; k < 4; ++k) sum += total(x[k]);                             \
        at += STEP;                                                                                   \
    }                                                                                                 \
    to[(long long)blockIdx.x * blockDim.x + threadIdx.x] = sum;

extern "C" __global__ void __launch_bounds__(256) read_l1(const float4* seeds, float* to, int turns) { READ(seeds) }

extern "C" __global__ void __launch_bounds__(256) read_shared(const float4* seeds, float* to, int turns) {
    __shared__ float4 words[ITEMS];
    for (int i = threadIdx.x; i < ITEMS; i += blockDim.x) words[i] = seeds[i];
    __syncthreads();
    READ(words)
}
