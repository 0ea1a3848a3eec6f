// A copy by as many threads as are asked for, each with U loads of 16 bytes under way at once: how many threads, and
// how much from each, it takes until memory is busy. n counts 16-byte items, a multiple of threads · U.

#define COPY(name, U)                                                                                       \
    extern "C" __global__ void __launch_bounds__(256) name(const float4* from, float4* to, long long n) {   \
        const long long threads = (long long)gridDim.x * blockDim.x;                                        \
        const long long thread = (long long)blockIdx.x * blockDim.x + threadIdx.x;                          \
        _Pragma("unroll 1") for (long long i = thread; i < n; i += U * threads) {                           \
            float4 x[U];                                                                                    \
            _Pragma("unroll") for (int k = 0; k < U; ++k) x[k] = from[i + k * threads];                     \
            _Pragma("unroll") for (int k = 0; k < U; ++k) {                                                 \
                const float4 one = x[k]; /* in one step clang for AMD's GPUs writes x to memory, too */     \
                to[i + k * threads] = one;                                                                  \
            }                                                                                               \
        }                                                                                                   \
    }

COPY(copy_1, 1)
COPY(copy_2, 2)
COPY(copy_4, 4)
COPY(copy_8, 8)
