// Copy and triad on the device with accesses of 4, 8 and 16 bytes.
//
// A thread takes four items, a block's width apart, so that each access of a warp is one contiguous stretch (128, 256
// or 512 bytes) and four loads are in flight before the first store. Arrays are cut to whole blocks of 4 × 256 items:
// no kernel needs a bounds check. A warp's request of 512 bytes is four of 128; fewer, wider instructions leave the
// load-store units room, which is what 16 bytes gain where memory itself is not the limit.

__device__ __forceinline__ float triad(float b, float c, float s) { return fmaf(s, c, b); }
__device__ __forceinline__ float2 triad(float2 b, float2 c, float s) {
    return make_float2(fmaf(s, c.x, b.x), fmaf(s, c.y, b.y));
}
__device__ __forceinline__ float4 triad(float4 b, float4 c, float s) {
    return make_float4(fmaf(s, c.x, b.x), fmaf(s, c.y, b.y), fmaf(s, c.z, b.z), fmaf(s, c.w, b.w));
}

#define ITEMS 4

#define COPY(name, type)                                                                        \
    extern "C" __global__ void name(const type* from, type* to) {                               \
        const long long i = (long long)blockIdx.x * (ITEMS * blockDim.x) + threadIdx.x;         \
        type x[ITEMS];                                                                          \
        _Pragma("unroll") for (int k = 0; k < ITEMS; ++k) x[k] = from[i + k * blockDim.x];      \
        _Pragma("unroll") for (int k = 0; k < ITEMS; ++k) to[i + k * blockDim.x] = x[k];        \
    }

// The same over and over, for arrays that a single pass takes hardly longer than a launch: as many blocks as are on the
// device at a time go through `blocks` parts, `passes` times. Loads go past L1, where a block would find what it has
// just read; stores go to L2 anyway.
#define COPY_AGAIN(name, type)                                                                            \
    extern "C" __global__ void __launch_bounds__(256)                                                     \
        name(const type* from, type* to, long long blocks, int passes) {                                  \
        _Pragma("unroll 1") for (int pass = 0; pass < passes; ++pass)                                     \
            _Pragma("unroll 1") for (long long block = blockIdx.x; block < blocks; block += gridDim.x) {  \
                const long long i = block * (ITEMS * blockDim.x) + threadIdx.x;                           \
                type x[ITEMS];                                                                            \
                _Pragma("unroll") for (int k = 0; k < ITEMS; ++k) x[k] = __ldcg(&from[i + k * blockDim.x]); \
                _Pragma("unroll") for (int k = 0; k < ITEMS; ++k) to[i + k * blockDim.x] = x[k];          \
            }                                                                                             \
    }

#define TRIAD_AGAIN(name, type)                                                                           \
    extern "C" __global__ void __launch_bounds__(256)                                                     \
        name(const type* b, const type* c, type* a, float s, long long blocks, int passes) {              \
        _Pragma("unroll 1") for (int pass = 0; pass < passes; ++pass)                                     \
            _Pragma("unroll 1") for (long long block = blockIdx.x; block < blocks; block += gridDim.x) {  \
                const long long i = block * (ITEMS * blockDim.x) + threadIdx.x;                           \
                type x[ITEMS], y[ITEMS];                                                                  \
                _Pragma("unroll") for (int k = 0; k < ITEMS; ++k) {                                       \
                    x[k] = __ldcg(&b[i + k * blockDim.x]);                                                \
                    y[k] = __ldcg(&c[i + k * blockDim.x]);                                                \
                }                                                                                         \
                _Pragma("unroll") for (int k = 0; k < ITEMS; ++k)                                         \
                    a[i + k * blockDim.x] = triad(x[k], y[k], s);                                         \
            }                                                                                             \
    }

#define TRIAD(name, type)                                                                       \
    extern "C" __global__ void name(const type* b, const type* c, type* a, float s) {           \
        const long long i = (long long)blockIdx.x * (ITEMS * blockDim.x) + threadIdx.x;         \
        type x[ITEMS], y[ITEMS];                                                                \
        _Pragma("unroll") for (int k = 0; k < ITEMS; ++k) {                                     \
            x[k] = b[i + k * blockDim.x];                                                       \
            y[k] = c[i + k * blockDim.x];                                                       \
        }                                                                                       \
        _Pragma("unroll") for (int k = 0; k < ITEMS; ++k)                                       \
            a[i + k * blockDim.x] = triad(x[k], y[k], s);                                       \
    }

COPY(copy4, float)
COPY(copy8, float2)
COPY(copy16, float4)
TRIAD(triad4, float)
TRIAD(triad8, float2)
TRIAD(triad16, float4)
COPY_AGAIN(copy4_again, float)
COPY_AGAIN(copy8_again, float2)
COPY_AGAIN(copy16_again, float4)
TRIAD_AGAIN(triad4_again, float)
TRIAD_AGAIN(triad8_again, float2)
TRIAD_AGAIN(triad16_again, float4)
