// CUDA C++ on the CPU, for tests: the very sources that NVRTC compiles, compiled by g++ and run one fiber a thread.
//
// What it keeps of CUDA: grids and blocks with several blocks resident at once, barriers, warp shuffles and votes,
// atomics, static and dynamic shared memory, a clock that moves. What it does not: time, real concurrency, weak memory.
// Fibers give way only at barriers, warp operations, atomics, fences, `clock64` and `__nanosleep`, so that every run of
// the same order is the same run. `launch` returns what went wrong: a barrier that not all threads reach, a deadlock,
// a loop that never ends. Shared memory starts as garbage, since on a GPU it does too.
#ifndef CUDA_ON_CPU_H  // it may be included compiled and as text in one source
#define CUDA_ON_CPU_H

#include <sys/mman.h>
#include <ucontext.h>

#include <cmath>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define COC_ASAN 1
#else
#define COC_ASAN 0
#endif

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

extern "C" __attribute__((weak, visibility("hidden"))) char __start_cuda_shared[];
extern "C" __attribute__((weak, visibility("hidden"))) char __stop_cuda_shared[];

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

constexpr size_t STACK = 256 << 10;      // bytes a fiber; only what is touched is ever backed by memory
constexpr size_t RESIDENT = 2048;        // threads that live at once, as on one multiprocessor
constexpr size_t STEPS = 2'000'000;      // switches after which a launch counts as endless
constexpr unsigned char GARBAGE = 0xA5;  // what shared memory starts with

enum class State { ready, barrier, warp, done };

struct Block;

// Where a thread runs. One that has run a thread to its end waits for the next: `swapcontext` would ask the kernel for
// the signal mask at each switch, `_setjmp` asks nothing.
struct Fiber {
    void* stack = nullptr;
    ucontext_t context;                      // how it starts
    bool started = false;
    jmp_buf place;                           // where it goes on
};

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
    std::vector<Thread> threads;
    std::vector<char> shared;                // static shared memory while another block runs
    std::unique_ptr<char[]> dynamic;         // of exactly the size asked for, so that an overrun is found
    size_t live = 0;
};

inline struct {
    dim3 grid, block;
    Thread* current = nullptr;
    Block* running = nullptr;
    ucontext_t scheduler;                    // with AddressSanitizer, which must see each switch
    jmp_buf place;                           // of the scheduler
    void* scheduler_stack = nullptr;
    const void* scheduler_bottom = nullptr;
    size_t scheduler_size = 0;
    const Body* body = nullptr;
    long long clock = 0;
    size_t steps = 0;
    char error[256] = "";
    std::vector<Fiber*> fibers;              // kept from launch to launch
} gpu;

template <class... A>
inline void fail(const char* format, A... values) {
    if (!gpu.error[0]) std::snprintf(gpu.error, sizeof gpu.error, format, values...);
}

// --- switching ---------------------------------------------------------------------------------------------------

#if COC_ASAN
inline void to_scheduler(Thread& self, bool last = false) {
    __sanitizer_start_switch_fiber(last ? nullptr : &self.fake_stack, gpu.scheduler_bottom, gpu.scheduler_size);
    swapcontext(&self.fiber->context, &gpu.scheduler);
    __sanitizer_finish_switch_fiber(self.fake_stack, &gpu.scheduler_bottom, &gpu.scheduler_size);
}

inline void to_thread(Thread& thread) {
    gpu.current = &thread;
    ++gpu.steps;
    __sanitizer_start_switch_fiber(&gpu.scheduler_stack, thread.fiber->stack, STACK);
    swapcontext(&gpu.scheduler, &thread.fiber->context);
    __sanitizer_finish_switch_fiber(gpu.scheduler_stack, nullptr, nullptr);
}
#else
inline void to_scheduler(Thread& self, bool = false) {
    if (!_setjmp(self.fiber->place)) _longjmp(gpu.place, 1);
}

inline void to_thread(Thread& thread) {
    gpu.current = &thread;
    ++gpu.steps;
    if (_setjmp(gpu.place)) return;
    if (thread.fiber->started) _longjmp(thread.fiber->place, 1);
    thread.fiber->started = true;
    setcontext(&thread.fiber->context);
}
#endif

inline void entry() {
#if COC_ASAN
    __sanitizer_finish_switch_fiber(nullptr, &gpu.scheduler_bottom, &gpu.scheduler_size);
#endif
    for (;;) {
        gpu.body->call(gpu.body->with);
        gpu.current->state = State::done;
        to_scheduler(*gpu.current, true);
    }
}

inline Fiber* take_fiber() {
    Fiber* fiber;
    if (gpu.fibers.empty()) {
        void* made = mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (made == MAP_FAILED) return nullptr;
        fiber = new Fiber;
        fiber->stack = made;
    } else {
        fiber = gpu.fibers.back();
        gpu.fibers.pop_back();
        if (!COC_ASAN) return fiber;
    }
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = STACK;
    fiber->context.uc_link = nullptr;
    makecontext(&fiber->context, entry, 0);
    return fiber;
}

inline void wait(State state, int line) {
    Thread& self = *gpu.current;
    self.state = state;
    self.line = line;
    to_scheduler(self);
}

// Lets the others run, now and then: what a loop that waits for another thread must call.
inline void give_way(unsigned every = 16) {
    Thread& self = *gpu.current;
    if (++self.spins % every == 0) to_scheduler(self);
}

inline unsigned long long barrier(int line, unsigned long long value = 0) {
    gpu.current->value = value;
    wait(State::barrier, line);
    return gpu.current->total;
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

// --- releasing those that wait -----------------------------------------------------------------------------------

inline bool release_warp(Block& block, size_t first) {
    size_t end = std::min(first + 32, block.threads.size());
    bool any = false;
    for (size_t t = first; t < end; ++t) {
        Thread& thread = block.threads[t];
        if (thread.state != State::warp) continue;
        unsigned there = 0;
        bool complete = true;
        for (size_t other = first; other < end; ++other) {
            Thread& peer = block.threads[other];
            if (!(thread.mask >> (other - first) & 1) || peer.state == State::done) continue;
            bool arrived = peer.state == State::warp && peer.mask == thread.mask && peer.line == thread.line;
            complete = complete && arrived;
            there |= unsigned(arrived) << (other - first);
        }
        if (!complete) continue;
        unsigned long long values[32] = {};
        for (size_t other = first; other < end; ++other) {
            if (there >> (other - first) & 1) values[other - first] = block.threads[other].value;
        }
        for (size_t other = first; other < end; ++other) {
            Thread& peer = block.threads[other];
            if (!(there >> (other - first) & 1)) continue;
            std::memcpy(peer.lanes, values, sizeof values);
            peer.arrived = there;
            peer.state = State::ready;
        }
        any = true;
    }
    return any;
}

inline bool release_barrier(Block& block) {
    size_t waiting = 0;
    const Thread* first = nullptr;
    for (const Thread& thread : block.threads) {
        if (thread.state != State::barrier) continue;
        ++waiting;
        if (!first) first = &thread;
        if (thread.line != first->line) {
            fail("threads of block %u wait at different barriers: lines %d and %d", block.index.x, first->line,
                 thread.line);
            return false;
        }
    }
    if (!waiting || waiting < block.live) return false;
    if (block.live < block.threads.size()) {
        fail("line %d: %zu of %zu threads of block %u had left before this barrier", first->line,
             block.threads.size() - block.live, block.threads.size(), block.index.x);
        return false;
    }
    unsigned long long total = 0;
    for (const Thread& thread : block.threads) total += thread.value;
    for (Thread& thread : block.threads) {
        thread.total = total;
        thread.state = State::ready;
    }
    return true;
}

// --- shared memory -----------------------------------------------------------------------------------------------

inline size_t shared_size() {
    return __start_cuda_shared ? size_t(__stop_cuda_shared - __start_cuda_shared) : 0;
}

// Byte by byte and unchecked: the section holds AddressSanitizer's red zones too.
__attribute__((no_sanitize("address"), noinline, optimize("no-tree-loop-distribute-patterns"))) inline void move(
    char* to, const char* from, size_t size) {
    for (size_t i = 0; i < size; ++i) to[i] = from[i];
}

inline void enter(Block& block) {
    if (gpu.running == &block) return;
    size_t size = shared_size();
    if (gpu.running) move(gpu.running->shared.data(), __start_cuda_shared, size);
    move(__start_cuda_shared, block.shared.data(), size);
    gpu.running = &block;
}

// --- launching ---------------------------------------------------------------------------------------------------

inline void start(Block& block, dim3 index, size_t dynamic) {
    block.index = index;
    block.live = gpu.block.size();
    block.threads = std::vector<Thread>(block.live);
    block.shared.assign(shared_size(), char(GARBAGE));
    block.dynamic = std::make_unique<char[]>(dynamic ? dynamic : 1);
    std::memset(block.dynamic.get(), GARBAGE, dynamic);
    for (unsigned t = 0; t < block.live; ++t) {
        Thread& thread = block.threads[t];
        thread.number = t;
        thread.index = dim3(t % gpu.block.x, t / gpu.block.x % gpu.block.y, t / gpu.block.x / gpu.block.y);
        thread.block = &block;
        if (!(thread.fiber = take_fiber())) return fail("no memory for the stack of a thread");
    }
}

// One turn of a block: every thread that can run does so until it waits, gives way or ends. Whether any could.
inline bool turn(Block& block, bool reverse) {
    enter(block);
    bool ran = false;
    size_t n = block.threads.size();
    for (size_t i = 0; i < n && !gpu.error[0]; ++i) {
        Thread& thread = block.threads[reverse ? n - 1 - i : i];
        if (thread.state != State::ready) continue;
        ran = true;
        to_thread(thread);
        if (thread.state == State::done) {
            --block.live;
            gpu.fibers.push_back(thread.fiber);
        }
    }
    bool released = false;
    for (size_t w = 0; w < n; w += 32) released |= release_warp(block, w);
    return release_barrier(block) || released || ran;
}

inline const char* run(dim3 grid, dim3 shape, size_t dynamic, bool reverse, bool together,
                       const Body& body) {
    gpu.grid = grid;
    gpu.block = shape;
    gpu.body = &body;
    gpu.error[0] = 0;
    gpu.steps = 0;
    gpu.running = nullptr;
    size_t blocks = grid.size(), threads = shape.size();
    if (!blocks || !threads || threads > 1024 || shape.z > 64) return "invalid configuration of the launch";
    size_t places = std::max<size_t>(1, RESIDENT / threads);
    if (together && blocks > places) return "too many blocks in a cooperative launch";
    std::vector<std::unique_ptr<Block>> resident;
    size_t next = 0;
    while ((next < blocks || !resident.empty()) && !gpu.error[0]) {
        for (; next < blocks && resident.size() < places; ++next) {
            size_t b = reverse ? blocks - 1 - next : next;
            resident.push_back(std::make_unique<Block>());
            start(*resident.back(), dim3(b % grid.x, b / grid.x % grid.y, b / grid.x / grid.y), dynamic);
        }
        bool ran = false;
        for (auto& block : resident) {
            ran |= turn(*block, reverse);
            if (!block->live) {
                if (gpu.running == block.get()) gpu.running = nullptr;
                block.reset();
            }
        }
        for (size_t i = resident.size(); i--;)
            if (!resident[i]) resident.erase(resident.begin() + i);
        if (!ran && !gpu.error[0]) fail("deadlock: what the threads wait for can no longer come");
        if (gpu.steps > STEPS) fail("a loop that never ends: no end after %zu switches", gpu.steps);
    }
    return gpu.error[0] ? gpu.error : nullptr;
}

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

inline char* dynamic_shared() { return gpu.current->block->dynamic.get(); }

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
inline unsigned __activemask() {
    // Fibers run one at a time; who has not left could be together with this one.
    auto& threads = cuda_on_cpu::gpu.current->block->threads;
    unsigned first = cuda_on_cpu::gpu.current->number & ~31u, mask = 0;
    for (unsigned i = 0; i < 32 && first + i < threads.size(); ++i) {
        mask |= unsigned(threads[first + i].state != cuda_on_cpu::State::done) << i;
    }
    return mask;
}
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
