// What the arithmetic units do when nothing has to be fetched: chains of fused multiply-adds, and tensor cores that
// multiply what already lies in registers.

// --- fused multiply-adds --------------------------------------------------------------------------------------------
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

#ifndef __CUDACC__
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

// The factors in the type of a chain; halves as the bits of two of them.
template <typename type> struct factor {
    static constexpr type up = 2, down = 0.5;
};
template <> struct factor<unsigned> {
    static constexpr unsigned up = 0x40004000u, down = 0x38003800u;
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

// --- tensor cores ---------------------------------------------------------------------------------------------------
// One instruction of a warp: d (16 × 8, float) += a (16 × K) · b (K × 8), with K = 32 bytes of elements. Each lane holds
// four registers of a, two of b and four of d; lane l = 4·g + t. Of E elements in a register,
//   a[r], element i: row g + 8·(r % 2), column E·t + i + 4·E·(r / 2)
//   b[r], element i: row E·t + i + 4·E·r, column g
//   d[r]:            row g + 8·(r / 2), column 2·t + r % 2
// (PTX ISA, "Matrix fragments for mma.m16n8k8/k16/k32").

#ifdef __CUDACC__
#define MULTIPLY(format, shape, least)                                                                      \
    struct format {                                                                                         \
        static __device__ __forceinline__ void multiply(float* d, const unsigned* a, const unsigned* b) {   \
            AVAILABLE_##least(asm volatile(                                                                 \
                "mma.sync.aligned." shape " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
                : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                            \
                : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1])))                        \
        }                                                                                                   \
    };
#if __CUDA_ARCH__ >= 800
#define AVAILABLE_80(code) code;
#else
#define AVAILABLE_80(code)
#endif
// Ada and the Blackwell of workstations. The data centre's Hopper (90) and Blackwell (100) have fp8 only in instructions
// of whole warp groups: they emulate this one, and compilers then take the product out of the loop.
#if __CUDA_ARCH__ == 890 || __CUDA_ARCH__ >= 1200
#define AVAILABLE_89(code) code;
#else
#define AVAILABLE_89(code)
#endif
#else
static float element(float, unsigned word, int) {  // tf32: a float whose last 13 bits are not looked at
    float value;
    __builtin_memcpy(&value, &word, 4);
    return value;
}
static float bfloat_of(unsigned word, int i) { return element(0.0f, (word >> (16 * i)) << 16, 0); }
static float e4m3_of(unsigned word, int i) {
    const int bits = word >> (8 * i), exponent = bits >> 3 & 15, mantissa = bits & 7;
    const float size = exponent ? (8 + mantissa) * exp2f(exponent - 10) : mantissa * exp2f(-9);
    return bits & 128 ? -size : size;
}
static float tf32_of(unsigned word, int i) { return element(0.0f, word, i); }
// The same by shuffles: what the instruction means, for the tests on machines without tensor cores.
#define MULTIPLY(format, E, decode)                                                                         \
    struct format {                                                                                         \
        static void multiply(float* d, const unsigned* a, const unsigned* b) {                              \
            const int lane = threadIdx.x & 31, g = lane / 4, t = lane % 4;                                  \
            for (int from = 0; from < 8; ++from) {                                                          \
                const int high = from / 4, s = from % 4;                                                    \
                const unsigned upper = __shfl_sync(~0u, a[2 * high], 4 * g + s);                            \
                const unsigned lower = __shfl_sync(~0u, a[2 * high + 1], 4 * g + s);                        \
                const unsigned left = __shfl_sync(~0u, b[high], 4 * (2 * t) + s);                           \
                const unsigned right = __shfl_sync(~0u, b[high], 4 * (2 * t + 1) + s);                      \
                for (int i = 0; i < E; ++i) {                                                               \
                    d[0] += decode(upper, i) * decode(left, i), d[1] += decode(upper, i) * decode(right, i); \
                    d[2] += decode(lower, i) * decode(left, i), d[3] += decode(lower, i) * decode(right, i); \
                }                                                                                           \
            }                                                                                               \
        }                                                                                                   \
    };
#endif

#ifdef __CUDACC__
MULTIPLY(F16, "m16n8k16.row.col.f32.f16.f16.f32", 80)
MULTIPLY(BF16, "m16n8k16.row.col.f32.bf16.bf16.f32", 80)
MULTIPLY(TF32, "m16n8k8.row.col.f32.tf32.tf32.f32", 80)
MULTIPLY(FP8, "m16n8k32.row.col.f32.e4m3.e4m3.f32", 89)
#else
MULTIPLY(F16, 2, half_of)
MULTIPLY(BF16, 2, bfloat_of)
MULTIPLY(TF32, 1, tf32_of)
MULTIPLY(FP8, 4, e4m3_of)
#endif

// Eight independent sums a warp, d[j] += a · b[j]; d[j] += a2 · b[j], so that an instruction need not wait for the one
// before. a + a2 is small, and so are the sums, which stay exact however few bits the accumulator really has.
// Fragments lie as [register][lane], b as [j][register][lane], the result as [warp][j][register][lane].
#define SUMS 8
#define TENSOR(name, format)                                                                                \
    extern "C" __global__ void __launch_bounds__(256)                                                       \
        name(const unsigned* a, const unsigned* a2, const unsigned* b, float* to, int loops) {              \
        const int lane = threadIdx.x & 31;                                                                  \
        const long long warp = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / 32;                     \
        unsigned first[4], second[4], right[SUMS][2];                                                       \
        float d[SUMS][4] = {};                                                                              \
        _Pragma("unroll") for (int r = 0; r < 4; ++r) first[r] = a[32 * r + lane], second[r] = a2[32 * r + lane]; \
        _Pragma("unroll") for (int j = 0; j < SUMS; ++j)                                                    \
            _Pragma("unroll") for (int r = 0; r < 2; ++r) right[j][r] = b[32 * (2 * j + r) + lane];         \
        _Pragma("unroll 1") for (int loop = 0; loop < loops; ++loop) {                                      \
            _Pragma("unroll") for (int turn = 0; turn < 4; ++turn) {                                        \
                _Pragma("unroll") for (int j = 0; j < SUMS; ++j) format::multiply(d[j], first, right[j]);   \
                _Pragma("unroll") for (int j = 0; j < SUMS; ++j) format::multiply(d[j], second, right[j]);  \
            }                                                                                               \
        }                                                                                                   \
        _Pragma("unroll") for (int j = 0; j < SUMS; ++j)                                                    \
            _Pragma("unroll") for (int r = 0; r < 4; ++r)                                                   \
                to[(((warp * SUMS) + j) * 4 + r) * 32 + lane] = d[j][r];                                    \
    }

TENSOR(mma_f16, F16)
TENSOR(mma_bf16, BF16)
TENSOR(mma_tf32, TF32)
TENSOR(mma_fp8, FP8)
