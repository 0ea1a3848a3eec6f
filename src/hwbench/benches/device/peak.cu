// What the arithmetic units do when nothing has to be fetched: chains of fused multiply-adds.
//
// A chain is x = 2·x + b; x = x/2 + e, over and over: each waits for the one before, so that a thread with C chains has
// C operations under way. With e = d − b/2 a pair adds d and nothing rounds. Each pass begins with x = one·x + back,
// which takes away all that a pass adds but one d: so there may be many passes, and a half still holds the sum.
//
// The factors are literals and the summands arguments. A multiprocessor reads one register from each of its two banks a
// cycle (Hopper, measured): an operation on three registers takes two cycles unless the reuse cache holds one of them.
// With a literal it reads two. Floating-point operations the compiler may not reorder, nor fold. (There is one loop a
// pass at least: for none a compiler would write another.)

__device__ __forceinline__ float fused(float x, float a, float b) { return fmaf(x, a, b); }
__device__ __forceinline__ double fused(double x, double a, double b) { return fma(x, a, b); }

#if !defined(__CUDACC__) && !defined(HWBENCH_ROCM)
static float half_of(unsigned word, int i) {
    const unsigned short bits = word >> (16 * i);
    _Float16 value;
    __builtin_memcpy(&value, &bits, 2);
    return value;
}
#endif

// Two halves in a register at once.
__device__ __forceinline__ unsigned fused(unsigned x, unsigned a, unsigned b) {
#ifdef __CUDACC__
    unsigned y;
    asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(y) : "r"(x), "r"(a), "r"(b));
    return y;
#elif defined(HWBENCH_ROCM)
    return hwbench_fma_halves(x, a, b);
#else
    unsigned y = 0;
    for (int i = 0; i < 2; ++i) {  // exact in double before it is rounded to half
        const _Float16 value = (double)half_of(x, i) * half_of(a, i) + half_of(b, i);
        unsigned short bits;
        __builtin_memcpy(&bits, &value, 2);
        y |= (unsigned)bits << (16 * i);
    }
    return y;
#endif
}

// Whole numbers, modulo 2³²: a multiplication and an addition.
__device__ __forceinline__ int fused(int x, int a, int b) { return (unsigned)x * (unsigned)a + (unsigned)b; }

// The factors in the type of a chain; halves as the bits of two of them.
template <typename type> struct factor {
    static constexpr type up = 2, down = 0.5;
};
template <> struct factor<unsigned> {
    static constexpr unsigned up = 0x40004000u, down = 0x38003800u;
};
template <> struct factor<int> {
    static constexpr int up = 1664525, down = 22695477;
};

#define SEEDS 1024
#define PAIRS 32  // 64 operations a chain in the loop's body

#define FMA(name, type, C)                                                                                  \
    extern "C" __global__ void __launch_bounds__(256)                                                       \
        name(const type* seeds, type* to, int passes, int loops, type b, type e, type one, type back) {     \
        const long long thread = (long long)blockIdx.x * blockDim.x + threadIdx.x;                          \
        const long long threads = (long long)gridDim.x * blockDim.x;                                        \
        type x[C];                                                                                          \
        _Pragma("unroll") for (int i = 0; i < C; ++i) x[i] = seeds[(thread * C + i) & (SEEDS - 1)];         \
        _Pragma("unroll 1") for (int pass = 0; pass < passes; ++pass) {                                     \
            _Pragma("unroll") for (int i = 0; i < C; ++i) x[i] = fused(x[i], one, back);                    \
            int loop = 0;                                                                                   \
            _Pragma("unroll 1") do {                                                                        \
                _Pragma("unroll") for (int pair = 0; pair < PAIRS; ++pair) {                                \
                    _Pragma("unroll") for (int i = 0; i < C; ++i) x[i] = fused(x[i], factor<type>::up, b);  \
                    _Pragma("unroll") for (int i = 0; i < C; ++i) x[i] = fused(x[i], factor<type>::down, e); \
                }                                                                                           \
            } while (++loop < loops);                                                                       \
        }                                                                                                   \
        _Pragma("unroll") for (int i = 0; i < C; ++i) to[i * threads + thread] = x[i];                      \
    }

FMA(fma_f4_1, float, 1)
FMA(fma_f4_2, float, 2)
FMA(fma_f4_4, float, 4)
FMA(fma_f4_8, float, 8)
FMA(fma_f8_1, double, 1)
FMA(fma_f8_2, double, 2)
FMA(fma_f8_4, double, 4)
FMA(fma_f8_8, double, 8)
FMA(fma_f2_1, unsigned, 1)
FMA(fma_f2_2, unsigned, 2)
FMA(fma_f2_4, unsigned, 4)
FMA(fma_f2_8, unsigned, 8)
FMA(fma_i4_1, int, 1)
FMA(fma_i4_2, int, 2)
FMA(fma_i4_4, int, 4)
FMA(fma_i4_8, int, 8)

// Never measured: the same without its stores, of which a compiler must leave nothing. Were its operations still there,
// counting them in the others would prove nothing.
extern "C" __global__ void __launch_bounds__(256)
    control(const float* seeds, float* /* to */, int loops, float b, float e) {
    float x = seeds[threadIdx.x & (SEEDS - 1)];
#pragma unroll 1
    for (int loop = 0; loop < loops; ++loop) {
#pragma unroll
        for (int pair = 0; pair < PAIRS; ++pair) x = fmaf(fmaf(x, factor<float>::up, b), factor<float>::down, e);
    }
}
