// Which addresses the 32 threads of a warp ask for at once: memory answers in sectors of 32 bytes, shared memory in 32
// banks of 4 bytes.

// to[i] = from[i · step + offset]: the same instructions for every step, so that only the addresses differ.
extern "C" __global__ void pick(const float* from, float* to, int step, int offset) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    to[i] = from[i * step + offset];
}

// to[i] = from[index[i]].
extern "C" __global__ void pick_index(const float* from, const int* index, float* to) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    to[i] = from[index[i]];
}

// to[i] = the sum of the fields of item i. `item` and `field` are the steps, in elements, from one item and from one
// field to the next: (fields, 1) is an array of structures, (1, items) a structure of arrays.
extern "C" __global__ void sum_fields(const float* from, float* to, int fields, long long item, long long field) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    const float* at = from + i * item;
    float total = 0;
#pragma unroll 4
    for (int f = 0; f < fields; ++f) total += at[f * field];
    to[i] = total;
}

// Lane l of a warp reads word l · step of shared memory, then 32 words further on, and so on: always the same bank, so
// that as many lanes meet in one bank as `step` and 32 have common factors. The warp's number shifts it by a bank.
#define WORDS 8192
extern "C" __global__ void __launch_bounds__(256) banks(const float* seeds, float* to, int step, int rounds) {
    __shared__ float words[WORDS];
    for (int i = threadIdx.x; i < WORDS; i += blockDim.x) words[i] = seeds[i];
    __syncthreads();
    int at = (threadIdx.x & 31) * step + (threadIdx.x >> 5);
    float total = 0;
#pragma unroll 1
    for (int round = 0; round < rounds; round += 16) {
#pragma unroll
        for (int k = 0; k < 16; ++k) total += words[(at + 32 * k) & (WORDS - 1)];
        at += 32 * 16;
    }
    to[(long long)blockIdx.x * blockDim.x + threadIdx.x] = total;
}
