// Across the link: what a kernel does with memory that lies on the other side of it, and what it computes meanwhile.

// to = from, 16 bytes a thread at a time: the widest access there is, so that the link sees whole 128-byte requests.
// `from` or `to` may be host memory mapped into the device's address space. n counts 16-byte words, any number of them.
extern "C" __global__ void move16(const uint4* from, uint4* to, long long n) {
    const long long threads = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += threads) to[i] = from[i];
}

// Some computing for each element that crosses: loops × 16 pairs of x = up·x + b; x = down·x + e.
// With up = 2, down = 1/2 and e = d − b/2 a pair adds d and nothing rounds, so that one missing step would show.
extern "C" __global__ void chain(const float* from, float* to, int loops, float up, float b, float down, float e) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    float x = from[i];
#pragma unroll 1
    for (int loop = 0; loop < loops; ++loop) {
#pragma unroll
        for (int pair = 0; pair < 16; ++pair) {
            x = fmaf(x, up, b);
            x = fmaf(x, down, e);
        }
    }
    to[i] = x;
}
