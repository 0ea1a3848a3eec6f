// Multiply-adds on the way through memory: a thread takes two items of 16 bytes, as many pairs of multiply-adds on each
// element as are asked for, and writes the results.
//
// A pair is that of peak.cu: x = 2·x + b; x = x/2 + e adds a power of two, and nothing rounds. `loops` × PAIRS pairs: a
// body of few pairs where memory bounds, of 32 where the loop's own instructions would count. A body has 16 multiply-adds
// for each pair in float32 and 8 in float64, no two of one chain next to each other.

#define ITEMS 2

__device__ __forceinline__ void fused(float4& x, float factor, float summand) {
    x.x = fmaf(x.x, factor, summand);
    x.y = fmaf(x.y, factor, summand);
    x.z = fmaf(x.z, factor, summand);
    x.w = fmaf(x.w, factor, summand);
}
__device__ __forceinline__ void fused(double2& x, double factor, double summand) {
    x.x = fma(x.x, factor, summand);
    x.y = fma(x.y, factor, summand);
}

#define FUSED(name, item, type, PAIRS)                                                                \
    extern "C" __global__ void __launch_bounds__(256)                                                 \
        name(const item* from, item* to, int loops, type b, type e) {                                 \
        const long long i = (long long)blockIdx.x * (ITEMS * blockDim.x) + threadIdx.x;               \
        item x[ITEMS];                                                                                \
        _Pragma("unroll") for (int k = 0; k < ITEMS; ++k) x[k] = from[i + k * blockDim.x];            \
        int loop = 0;                                                                                 \
        _Pragma("unroll 1") do {                                                                      \
            _Pragma("unroll") for (int pair = 0; pair < PAIRS; ++pair) {                              \
                _Pragma("unroll") for (int k = 0; k < ITEMS; ++k) fused(x[k], (type)2, b);            \
                _Pragma("unroll") for (int k = 0; k < ITEMS; ++k) fused(x[k], (type)0.5, e);          \
            }                                                                                         \
        } while (++loop < loops);                                                                     \
        _Pragma("unroll") for (int k = 0; k < ITEMS; ++k) to[i + k * blockDim.x] = x[k];              \
    }

FUSED(fused_f4_1, float4, float, 1)
FUSED(fused_f4_8, float4, float, 8)
FUSED(fused_f4_32, float4, float, 32)
FUSED(fused_f8_1, double2, double, 1)
FUSED(fused_f8_8, double2, double, 8)
FUSED(fused_f8_32, double2, double, 32)
