// Copy, triad, reading alone and writing alone on the device, with accesses of 4, 8 and 16 bytes.
//
// In copy, triad and write a thread has 16 bytes of each array, whatever the width: a block of 256 threads has 4 KiB, and
// as many bytes are in flight with four accesses of 4 as with one of 16. Each access of a warp is one contiguous stretch
// (128, 256 or 512 bytes), and all of a thread's loads come before its first store. Arrays are cut to multiples of
// 16 KiB: no kernel needs a bounds check.

__device__ __forceinline__ float triad(float b, float c, float s) { return fmaf(s, c, b); }
__device__ __forceinline__ float2 triad(float2 b, float2 c, float s) {
    return make_float2(fmaf(s, c.x, b.x), fmaf(s, c.y, b.y));
}
__device__ __forceinline__ float4 triad(float4 b, float4 c, float s) {
    return make_float4(fmaf(s, c.x, b.x), fmaf(s, c.y, b.y), fmaf(s, c.z, b.z), fmaf(s, c.w, b.w));
}

__device__ __forceinline__ void fill(float& x, float value) { x = value; }
__device__ __forceinline__ void fill(float2& x, float value) { x = make_float2(value, value); }
__device__ __forceinline__ void fill(float4& x, float value) { x = make_float4(value, value, value, value); }

// The bits as a whole number, added up modulo 2³²: exact in any order.
__device__ __forceinline__ unsigned bits(float x) { return __float_as_uint(x); }
__device__ __forceinline__ unsigned bits(float2 x) { return bits(x.x) + bits(x.y); }
__device__ __forceinline__ unsigned bits(float4 x) { return bits(x.x) + bits(x.y) + bits(x.z) + bits(x.w); }

#define EACH(type) (16 / (int)sizeof(type))  // items of a thread

#define COPY(name, type)                                                                              \
    extern "C" __global__ void __launch_bounds__(256) name(const type* from, type* to) {              \
        const long long i = (long long)blockIdx.x * (EACH(type) * blockDim.x) + threadIdx.x;          \
        type x[EACH(type)];                                                                           \
        _Pragma("unroll") for (int k = 0; k < EACH(type); ++k) x[k] = from[i + k * blockDim.x];       \
        _Pragma("unroll") for (int k = 0; k < EACH(type); ++k) to[i + k * blockDim.x] = x[k];         \
    }

#define TRIAD(name, type)                                                                             \
    extern "C" __global__ void __launch_bounds__(256) name(const type* b, const type* c, type* a, float s) { \
        const long long i = (long long)blockIdx.x * (EACH(type) * blockDim.x) + threadIdx.x;          \
        type x[EACH(type)], y[EACH(type)];                                                            \
        _Pragma("unroll") for (int k = 0; k < EACH(type); ++k) {                                      \
            x[k] = b[i + k * blockDim.x];                                                             \
            y[k] = c[i + k * blockDim.x];                                                             \
        }                                                                                             \
        _Pragma("unroll") for (int k = 0; k < EACH(type); ++k)                                        \
            a[i + k * blockDim.x] = triad(x[k], y[k], s);                                             \
    }

#define WRITE(name, type)                                                                             \
    extern "C" __global__ void __launch_bounds__(256) name(type* to, float value) {                   \
        const long long i = (long long)blockIdx.x * (EACH(type) * blockDim.x) + threadIdx.x;          \
        type x;                                                                                       \
        fill(x, value);                                                                               \
        _Pragma("unroll") for (int k = 0; k < EACH(type); ++k) to[i + k * blockDim.x] = x;            \
    }

// The same over and over, for arrays that a single pass takes hardly longer than a launch: as many blocks as are on the
// device at a time go through `parts` parts of 4 × 256 items in turns, turn t through part t % parts, so that all
// multiprocessors are busy however few parts there are: some of them then are a pass ahead, and write what is there
// already. Loads go past L1, where a block would find what it has just read; stores go to L2 anyway.
#define ITEMS 4
#define TURNS(body)                                                                                   \
    const int step = gridDim.x % parts;                                                               \
    int part = blockIdx.x % parts;                                                                    \
    _Pragma("unroll 1") for (int turn = blockIdx.x; turn < turns; turn += gridDim.x) {                \
        const long long i = (long long)part * (ITEMS * blockDim.x) + threadIdx.x;                     \
        body part += step;                                                                            \
        if (part >= parts) part -= parts;                                                             \
    }

#define COPY_AGAIN(name, type)                                                                        \
    extern "C" __global__ void __launch_bounds__(256)                                                 \
        name(const type* from, type* to, int parts, int turns) {                                      \
        TURNS({                                                                                       \
            type x[ITEMS];                                                                            \
            _Pragma("unroll") for (int k = 0; k < ITEMS; ++k) x[k] = __ldcg(&from[i + k * blockDim.x]); \
            _Pragma("unroll") for (int k = 0; k < ITEMS; ++k) to[i + k * blockDim.x] = x[k];          \
        })                                                                                            \
    }

#define TRIAD_AGAIN(name, type)                                                                       \
    extern "C" __global__ void __launch_bounds__(256)                                                 \
        name(const type* b, const type* c, type* a, float s, int parts, int turns) {                  \
        TURNS({                                                                                       \
            type x[ITEMS];                                                                            \
            type y[ITEMS];                                                                            \
            _Pragma("unroll") for (int k = 0; k < ITEMS; ++k) {                                       \
                x[k] = __ldcg(&b[i + k * blockDim.x]);                                                \
                y[k] = __ldcg(&c[i + k * blockDim.x]);                                                \
            }                                                                                         \
            _Pragma("unroll") for (int k = 0; k < ITEMS; ++k)                                         \
                a[i + k * blockDim.x] = triad(x[k], y[k], s);                                         \
        })                                                                                            \
    }

#define WRITE_AGAIN(name, type)                                                                       \
    extern "C" __global__ void __launch_bounds__(256) name(type* to, float value, int parts, int turns) { \
        type x;                                                                                       \
        fill(x, value);                                                                               \
        TURNS({ _Pragma("unroll") for (int k = 0; k < ITEMS; ++k) to[i + k * blockDim.x] = x; })      \
    }

// Reading alone, in turns for memory as for L2: what a thread has read it adds up, and stores the sum at its end.
#define READ(name, type)                                                                              \
    extern "C" __global__ void __launch_bounds__(256)                                                 \
        name(const type* from, unsigned* to, int parts, int turns) {                                  \
        unsigned sum = 0;                                                                             \
        TURNS({                                                                                       \
            type x[ITEMS];                                                                            \
            _Pragma("unroll") for (int k = 0; k < ITEMS; ++k) x[k] = __ldcg(&from[i + k * blockDim.x]); \
            _Pragma("unroll") for (int k = 0; k < ITEMS; ++k) sum += bits(x[k]);                      \
        })                                                                                            \
        to[blockIdx.x * blockDim.x + threadIdx.x] = sum;                                              \
    }

COPY(copy4, float)
COPY(copy8, float2)
COPY(copy16, float4)
TRIAD(triad4, float)
TRIAD(triad8, float2)
TRIAD(triad16, float4)
WRITE(write4, float)
WRITE(write8, float2)
WRITE(write16, float4)
COPY_AGAIN(copy4_again, float)
COPY_AGAIN(copy8_again, float2)
COPY_AGAIN(copy16_again, float4)
TRIAD_AGAIN(triad4_again, float)
TRIAD_AGAIN(triad8_again, float2)
TRIAD_AGAIN(triad16_again, float4)
WRITE_AGAIN(write4_again, float)
WRITE_AGAIN(write8_again, float2)
WRITE_AGAIN(write16_again, float4)
READ(read4, float)
READ(read8, float2)
READ(read16, float4)
