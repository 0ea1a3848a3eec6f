// Tensor cores that multiply what already lies in registers.
//
// One instruction of a warp: d (16 × 8, float) += a (16 × K) · b (K × 8), with K = 32 bytes of elements. Each lane holds
// four registers of a, two of b and four of d; lane l = 4·g + t. Of E elements in a register,
//   a[r], element i: row g + 8·(r % 2), column E·t + i + 4·E·(r / 2)
//   b[r], element i: row E·t + i + 4·E·r, column g
//   d[r]:            row g + 8·(r / 2), column 2·t + r % 2
// (PTX ISA, "Matrix fragments for mma.m16n8k8/k16/k32"). Of whole numbers d is a whole number; sums in half precision lie
// two in a register, columns 2·t and 2·t + 1 of a row.

#ifdef __CUDACC__
#define MULTIPLY(format, type, letter, shape, least)                                                        \
    struct format {                                                                                         \
        typedef type sum;                                                                                   \
        static constexpr int D = 4;                                                                         \
        static __device__ __forceinline__ void multiply(type* d, const unsigned* a, const unsigned* b) {    \
            AVAILABLE_##least(asm volatile(                                                                 \
                "mma.sync.aligned." shape " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
                : letter(d[0]), letter(d[1]), letter(d[2]), letter(d[3])                                    \
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
static float half_of(unsigned word, int i) {
    const unsigned short bits = word >> (16 * i);
    _Float16 value;
    __builtin_memcpy(&value, &bits, 2);
    return value;
}
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
static int byte_of(unsigned word, int i) { return (signed char)(word >> (8 * i)); }
// The same by shuffles: what the instruction means, for the tests on machines without tensor cores.
#define MULTIPLY(format, type, E, decode)                                                                   \
    struct format {                                                                                         \
        typedef type sum;                                                                                   \
        static constexpr int D = 4;                                                                         \
        static void multiply(type* d, const unsigned* a, const unsigned* b) {                               \
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
#if __CUDA_ARCH__ == 750
// Turing multiplies half as deep an a at a time.
struct F16 {
    typedef float sum;
    static constexpr int D = 4;
    static __device__ __forceinline__ void multiply(float* d, const unsigned* a, const unsigned* b) {
#pragma unroll
        for (int half = 0; half < 2; ++half)
            asm volatile(
                "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
                : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                : "r"(a[2 * half]), "r"(a[2 * half + 1]), "r"(b[half]));
    }
};
#else
MULTIPLY(F16, float, "+f", "m16n8k16.row.col.f32.f16.f16.f32", 80)
#endif
MULTIPLY(BF16, float, "+f", "m16n8k16.row.col.f32.bf16.bf16.f32", 80)
MULTIPLY(TF32, float, "+f", "m16n8k8.row.col.f32.tf32.tf32.f32", 80)
MULTIPLY(FP8, float, "+f", "m16n8k32.row.col.f32.e4m3.e4m3.f32", 89)
MULTIPLY(INT8, int, "+r", "m16n8k32.row.col.s32.s8.s8.s32", 80)
struct F16_SUMS {
    typedef unsigned sum;
    static constexpr int D = 2;
    static __device__ __forceinline__ void multiply(unsigned* d, const unsigned* a, const unsigned* b) {
        AVAILABLE_80(asm volatile(
            "mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%0, %1}, {%2, %3, %4, %5}, {%6, %7}, {%0, %1};"
            : "+r"(d[0]), "+r"(d[1])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1])))
    }
};
#else
MULTIPLY(F16, float, 2, half_of)
MULTIPLY(BF16, float, 2, bfloat_of)
MULTIPLY(TF32, float, 1, tf32_of)
MULTIPLY(FP8, float, 4, e4m3_of)
MULTIPLY(INT8, int, 4, byte_of)
struct F16_SUMS {
    typedef unsigned sum;
    static constexpr int D = 2;
    static void multiply(unsigned* d, const unsigned* a, const unsigned* b) {
        float wide[4] = {half_of(d[0], 0), half_of(d[0], 1), half_of(d[1], 0), half_of(d[1], 1)};
        F16::multiply(wide, a, b);
        const _Float16 rounded[4] = {(_Float16)wide[0], (_Float16)wide[1], (_Float16)wide[2], (_Float16)wide[3]};
        __builtin_memcpy(d, rounded, 8);
    }
};
#endif

// Eight independent sums a warp, d[j] += a · b[j]; d[j] += a2 · b[j], so that an instruction need not wait for the one
// before. a + a2 is small, and so are the sums, which stay exact however few bits the accumulator really has.
// Fragments lie as [register][lane], b as [j][register][lane], the result as [warp][j][register][lane].
#define SUMS 8
#define TENSOR(name, format)                                                                                \
    extern "C" __global__ void __launch_bounds__(256)                                                       \
        name(const unsigned* a, const unsigned* a2, const unsigned* b, format::sum* to, int loops) {        \
        const int lane = threadIdx.x & 31;                                                                  \
        const long long warp = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / 32;                     \
        unsigned first[4], second[4], right[SUMS][2];                                                       \
        format::sum d[SUMS][format::D] = {};                                                                \
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
            _Pragma("unroll") for (int r = 0; r < format::D; ++r)                                           \
                to[(((warp * SUMS) + j) * format::D + r) * 32 + lane] = d[j][r];                            \
    }

TENSOR(mma_f16, F16)
TENSOR(mma_bf16, BF16)
TENSOR(mma_tf32, TF32)
TENSOR(mma_fp8, FP8)
TENSOR(mma_int8, INT8)
TENSOR(mma_f16_sums, F16_SUMS)
