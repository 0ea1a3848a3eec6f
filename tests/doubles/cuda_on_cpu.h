// CUDA C++ on the CPU, for tests: the very sources that NVRTC compiles, compiled by g++ and run one fiber a thread.
//
// What it keeps of CUDA: grids and blocks with several blocks resident at once, barriers, warp shuffles and votes,
// atomics, static and dynamic shared memory, a clock that moves. What it does not: time, real concurrency, weak memory.
// Fibers give way only at barriers, warp operations, atomics, fences, `clock64` and `__nanosleep`, so that every run of
// the same order is the same run. `launch` returns what went wrong: a barrier that not all threads reach, a deadlock,
// a loop that never ends. Shared memory starts as garbage, since on a GPU it does too.
#ifndef CUDA_ON_CPU_H  // it may be included compiled and as text in one source
#define CUDA_ON_CPU_H

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <type_traits>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __constant__ static
#define __align__(n) alignas(n)
#define __grid_constant__
#define __restrict__ __restrict
// All static shared memory in one section: blocks that are resident together take turns in it.
#define __shared__ static __attribute__((section("cuda_shared")))

struct uint3 { unsigned x, y, z; };
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
    constexpr size_t size() const { return size_t(x) * y * z; }
};

// Vector types with the alignment that the GPU's vector accesses need: UBSan reports what a GPU would fault on.
#define COC_VECTORS(T, NAME, MAKE)                                                                                   \
    struct alignas(2 * sizeof(T)) NAME##2 { T x, y; };                                                               \
    struct alignas(4 * sizeof(T) > 16 ? 16 : 4 * sizeof(T)) NAME##4 { T x, y, z, w; };                               \
    inline NAME##2 make_##NAME##2(T x, T y) { return {x, y}; }                                                       \
    inline NAME##4 make_##NAME##4(T x, T y, T z, T w) { return {x, y, z, w}; }
COC_VECTORS(float, float, )
COC_VECTORS(double, double, )
COC_VECTORS(int, int, )
COC_VECTORS(unsigned, uint, )
COC_VECTORS(short, short, )
COC_VECTORS(unsigned short, ushort, )
COC_VECTORS(long long, longlong, )
COC_VECTORS(unsigned long long, ulonglong, )
#undef COC_VECTORS

namespace cuda_on_cpu {

enum class State { ready, barrier, warp, done };

struct Block;
struct Fiber;

struct Thread {
    Fiber* fiber = nullptr;
    dim3 index;
    Block* block = nullptr;
    unsigned number = 0;  // within its block
    State state = State::ready;
    int line = 0;                            // of the barrier or warp operation that it waits at
    unsigned mask = 0;                       // lanes that it waits for
    unsigned long long value = 0;            // what it hands to its warp or barrier
    unsigned long long lanes[32] = {};       // what its warp handed over at the last warp operation
    unsigned arrived = 0;                    // lanes that took part in it
    unsigned long long total = 0;            // sum of the values at the last barrier
    unsigned spins = 0;
    void* fake_stack = nullptr;              // AddressSanitizer's
};

struct Body {  // what each thread does: a kernel with its arguments
    void (*call)(const void*);
    const void* with;
};

struct Block {
    dim3 index;
    char* dynamic = nullptr;                 // shared memory of exactly the size asked for, so that an overrun is found
};

extern struct Gpu {
    dim3 grid, block;
    Thread* current = nullptr;
    long long clock = 0;
    char error[256] = "";
} gpu;

template <class... A>
inline void fail(const char* format, A... values) {
    if (!gpu.error[0]) std::snprintf(gpu.error, sizeof gpu.error, format, values...);
}

// --- what cuda_on_cpu.cpp does -----------------------------------------------------------------------------------

void to_scheduler(Thread& self, bool last = false);
void wait(State state, int line);
unsigned long long barrier(int line, unsigned long long value = 0);
unsigned active();
const char* run(dim3 grid, dim3 shape, size_t dynamic, bool reverse, bool together, const Body& body);

// Lets the others run, now and then: what a loop that waits for another thread must call.
inline void give_way(unsigned every = 16) {
    Thread& self = *gpu.current;
    if (++self.spins % every == 0) to_scheduler(self);
}

// Hands a value to the lanes of `mask` and returns theirs, by lane.
template <class T>
inline const unsigned long long* exchange(unsigned mask, T value, int line) {
    static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
    Thread& self = *gpu.current;
    if (!(mask >> (self.number % 32) & 1)) fail("line %d: a lane calls a warp operation whose mask leaves it out", line);
    self.value = 0;
    std::memcpy(&self.value, &value, sizeof value);
    self.mask = mask;
    wait(State::warp, line);
    return self.lanes;
}

template <class T>
inline T lane_value(const unsigned long long* lanes, int lane, unsigned mask, int line) {
    // On a GPU the value of a lane that does not take part is undefined.
    if (!(gpu.current->arrived >> lane & 1)) {
        fail("line %d: a shuffle reads lane %d, which does not take part (mask %08x)", line, lane, mask);
    }
    T value;
    std::memcpy(&value, &lanes[lane], sizeof value);
    return value;
}

// --- launching ---------------------------------------------------------------------------------------------------

// As cuLaunchKernel: `values` points to each argument.
template <class... A, size_t... I>
inline const char* launch(const unsigned* grid, const unsigned* block, size_t dynamic, int reverse, int together,
                          void (*kernel)(A...), void** values, std::index_sequence<I...>) {
    const auto thread = [=] { kernel(*static_cast<std::remove_const_t<A>*>(values[I])...); };
    const Body body{[](const void* one) { (*static_cast<decltype(&thread)>(one))(); }, &thread};
    return run(dim3(grid[0], grid[1], grid[2]), dim3(block[0], block[1], block[2]), dynamic, reverse, together, body);
}
template <class... A>
inline const char* launch(const unsigned* grid, const unsigned* block, size_t dynamic, int reverse, int together,
                          void (*kernel)(A...), void** values) {
    return launch(grid, block, dynamic, reverse, together, kernel, values, std::index_sequence_for<A...>{});
}

// What each parameter is: its size and its kind, `p`ointer, `f`loating point, `i`nteger, `s`truct; for the caller to check.
template <class... A>
inline int parameters(void (*)(A...), int* sizes, char* kinds) {
    int n = 0;
    ((sizes[n] = int(sizeof(A)),
      kinds[n++] = std::is_pointer_v<A> ? 'p' : std::is_floating_point_v<A> ? 'f' : std::is_integral_v<A> ? 'i' : 's'),
     ...);
    return n;
}

inline char* dynamic_shared() { return gpu.current->block->dynamic; }

}  // namespace cuda_on_cpu

#define threadIdx (cuda_on_cpu::gpu.current->index)
#define blockIdx (cuda_on_cpu::gpu.current->block->index)
#define blockDim (cuda_on_cpu::gpu.block)
#define gridDim (cuda_on_cpu::gpu.grid)
#define warpSize 32

// --- what CUDA calls its functions -------------------------------------------------------------------------------

#define __syncthreads() ((void)cuda_on_cpu::barrier(__LINE__))
#define __syncthreads_count(p) (int(cuda_on_cpu::barrier(__LINE__, (p) != 0)))
#define __syncthreads_or(p) (cuda_on_cpu::barrier(__LINE__, (p) != 0) != 0)
#define __syncthreads_and(p) (cuda_on_cpu::barrier(__LINE__, (p) == 0) == 0)

inline void __syncwarp(unsigned mask = ~0u, int line = __builtin_LINE()) { cuda_on_cpu::exchange(mask, 0, line); }
inline void __threadfence() { cuda_on_cpu::give_way(); }
inline void __threadfence_block() { cuda_on_cpu::give_way(); }
inline void __threadfence_system() { cuda_on_cpu::give_way(); }
inline void __nanosleep(unsigned ns) { cuda_on_cpu::gpu.clock += ns; cuda_on_cpu::give_way(1); }
// Four cycles a call: it moves, is the same in every run, and ends what waits for it.
inline long long clock64() { cuda_on_cpu::give_way(); return cuda_on_cpu::gpu.clock += 4; }

namespace cuda_on_cpu {
inline int lane() { return int(gpu.current->number % 32); }
}  // namespace cuda_on_cpu

template <class T>
inline T __shfl_sync(unsigned mask, T value, int from, int width = 32, int line = __builtin_LINE()) {
    int lane = cuda_on_cpu::lane();
    auto lanes = cuda_on_cpu::exchange(mask, value, line);
    return cuda_on_cpu::lane_value<T>(lanes, (lane & ~(width - 1)) | (from & (width - 1)), mask, line);
}
template <class T>
inline T __shfl_xor_sync(unsigned mask, T value, int by, int width = 32, int line = __builtin_LINE()) {
    int lane = cuda_on_cpu::lane(), from = lane ^ by;
    auto lanes = cuda_on_cpu::exchange(mask, value, line);
    return cuda_on_cpu::lane_value<T>(lanes, from < (lane & ~(width - 1)) + width ? from : lane, mask, line);
}
template <class T>
inline T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32, int line = __builtin_LINE()) {
    int lane = cuda_on_cpu::lane(), from = lane + int(by);
    auto lanes = cuda_on_cpu::exchange(mask, value, line);
    return cuda_on_cpu::lane_value<T>(lanes, from < (lane & ~(width - 1)) + width ? from : lane, mask, line);
}
template <class T>
inline T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32, int line = __builtin_LINE()) {
    int lane = cuda_on_cpu::lane(), from = lane - int(by);
    auto lanes = cuda_on_cpu::exchange(mask, value, line);
    return cuda_on_cpu::lane_value<T>(lanes, from >= (lane & ~(width - 1)) ? from : lane, mask, line);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
    auto lanes = cuda_on_cpu::exchange(mask, predicate != 0, line);
    unsigned votes = 0;
    for (int i = 0; i < 32; ++i) votes |= unsigned(lanes[i] & 1) << i;
    return votes;
}
inline unsigned __activemask() { return cuda_on_cpu::active(); }
inline int __any_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
    return __ballot_sync(mask, predicate, line) != 0;
}
inline int __all_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
    return __ballot_sync(mask, !predicate, line) == 0;
}

// Fibers never run at once, so a plain read-modify-write is atomic; giving way lets the others in before it.
namespace cuda_on_cpu {
template <class T, class F>
inline T atomic(T* at, F change) {
    give_way();
    T old = *at;
    *at = change(old);
    return old;
}
}  // namespace cuda_on_cpu
template <class T>
using coc_same = std::common_type_t<T>;  // the value converts to the pointer's type, as in CUDA's overloads
#define COC_ATOMIC(NAME, CHANGE)                                                                                     \
    template <class T>                                                                                               \
    inline T NAME(T* at, coc_same<T> value) {                                                                        \
        return cuda_on_cpu::atomic(at, [=](T old) -> T { return CHANGE; });                                          \
    }                                                                                                                \
    template <class T>                                                                                               \
    inline T NAME##_block(T* at, coc_same<T> value) {                                                                \
        return NAME(at, value);                                                                                      \
    }                                                                                                                \
    template <class T>                                                                                               \
    inline T NAME##_system(T* at, coc_same<T> value) {                                                               \
        return NAME(at, value);                                                                                      \
    }
COC_ATOMIC(atomicAdd, old + value)
COC_ATOMIC(atomicSub, old - value)
COC_ATOMIC(atomicExch, value)
COC_ATOMIC(atomicMin, value < old ? value : old)
COC_ATOMIC(atomicMax, value > old ? value : old)
COC_ATOMIC(atomicAnd, old & value)
COC_ATOMIC(atomicOr, old | value)
COC_ATOMIC(atomicXor, old ^ value)
#undef COC_ATOMIC
template <class T>
inline T atomicCAS(T* at, coc_same<T> compare, coc_same<T> value) {
    return cuda_on_cpu::atomic(at, [=](T old) -> T { return old == compare ? value : old; });
}

template <class T> inline T __ldg(const T* at) { return *at; }
template <class T> inline T __ldca(const T* at) { return *at; }
template <class T> inline T __ldcg(const T* at) { return *at; }
template <class T> inline T __ldcs(const T* at) { return *at; }
template <class T> inline T __ldcv(const T* at) { cuda_on_cpu::give_way(); return *static_cast<const volatile T*>(at); }
template <class T> inline void __stwb(T* at, coc_same<T> value) { *at = value; }
template <class T> inline void __stcg(T* at, coc_same<T> value) { *at = value; }
template <class T> inline void __stcs(T* at, coc_same<T> value) { *at = value; }
template <class T> inline void __stwt(T* at, coc_same<T> value) { *at = value; }

inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x ? __builtin_clz(unsigned(x)) : 32; }
template <class To, class From>
inline To coc_bits(From value) {
    static_assert(sizeof(To) == sizeof(From));
    To bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}
inline int __float_as_int(float x) { return coc_bits<int>(x); }
inline unsigned __float_as_uint(float x) { return coc_bits<unsigned>(x); }
inline float __int_as_float(int x) { return coc_bits<float>(x); }
inline float __uint_as_float(unsigned x) { return coc_bits<float>(x); }
inline long long __double_as_longlong(double x) { return coc_bits<long long>(x); }
inline double __longlong_as_double(long long x) { return coc_bits<double>(x); }
template <class T, class U> inline auto min(T a, U b) { return b < a ? b : a; }
template <class T, class U> inline auto max(T a, U b) { return a < b ? b : a; }
inline void __trap() { cuda_on_cpu::fail("the kernel trapped"); cuda_on_cpu::wait(cuda_on_cpu::State::done, 0); }

#endif
