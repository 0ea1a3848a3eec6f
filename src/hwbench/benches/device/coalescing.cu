// Which addresses the 32 threads of a warp ask for at once: memory answers in sectors of 32 bytes, shared memory in 32
// banks of 4 bytes.

// A thread has LOADS elements, a block's width apart, and loads them all before its first store: with one alone a large
// GPU has too few bytes in flight to keep its memory busy.
#define LOADS 4

// to[i] = from[i · step + offset]: the same instructions for every step, so that only the addresses differ.
extern "C" __global__ void __launch_bounds__(256) pick(const float* from, float* to, int step, int offset) {
    const long long i = (long long)blockIdx.x * (LOADS * blockDim.x) + threadIdx.x;
    float x[LOADS];
#pragma unroll
    for (int k = 0; k < LOADS; ++k) x[k] = from[(i + k * blockDim.x) * step + offset];
#pragma unroll
    for (int k = 0; k < LOADS; ++k) to[i + k * blockDim.x] = x[k];
}

// to[i] = from[index[i]].
extern "C" __global__ void __launch_bounds__(256) pick_index(const float* from, const int* index, float* to) {
    const long long i = (long long)blockIdx.x * (LOADS * blockDim.x) + threadIdx.x;
    int at[LOADS];
    float x[LOADS];
#pragma unroll
    for (int k = 0; k < LOADS; ++k) at[k] = index[i + k * blockDim.x];
#pragma unroll
    for (int k = 0; k < LOADS; ++k) x[k] = from[at[k]];
#pragma unroll
    for (int k = 0; k < LOADS; ++k) to[i + k * blockDim.x] = x[k];
}

// to[i] = the sum of the fields of item i. `item` and `field` are the steps, in elements, from one item and from one
// field to the next: (fields, 1) is an array of structures, (1, items) a structure of arrays. Sixteen loads are in
// flight at a time, since there are fewer items, and so threads, the more fields they have.
extern "C" __global__ void sum_fields(const float* from, float* to, int fields, long long item, long long field) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    const float* at = from + i * item;
    float total = 0;
    int f = 0;
#pragma unroll 1
    for (; f + 16 <= fields; f += 16) {
#pragma unroll
        for (int k = 0; k < 16; ++k) total += at[(f + k) * field];
    }
#pragma unroll 4
    for (; f < fields; ++f) total += at[f * field];
    to[i] = total;
}

// Lane l of a warp reads word l · step of shared memory, then 32 words further on, and so on: always the same bank, so
// that as many lanes meet in one bank as `step` and 32 have common factors. The warp's number shifts it by a bank. Behind
// the words lie the first ones again, so that sixteen reads need one address: with one for each, computing them took
// longer than reading where no lanes meet.
#define WORDS 8192
#define AGAIN (32 * 16)
extern "C" __global__ void __launch_bounds__(256) banks(const float* seeds, float* to, int step, int rounds) {
    __shared__ float words[WORDS + AGAIN];
    for (int i = threadIdx.x; i < WORDS + AGAIN; i += blockDim.x) words[i] = seeds[i & (WORDS - 1)];
    __syncthreads();
    int at = (threadIdx.x & 31) * step + (threadIdx.x >> 5);
    float total = 0;
#pragma unroll 1
    for (int round = 0; round < rounds; round += 16) {
        const float* from = &words[at & (WORDS - 1)];
#pragma unroll
        for (int k = 0; k < 16; ++k) total += from[32 * k];
        at += AGAIN;
    }
    to[(long long)blockIdx.x * blockDim.x + threadIdx.x] = total;
}
