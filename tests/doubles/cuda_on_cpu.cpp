// What all CUDA C++ on the CPU shares: fibers, barriers, warps, shared memory and the launch. Compiled once.
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <memory>
#include <vector>

#if defined(COC_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif

#include "cuda_on_cpu.h"  // last: its macros are words of the library's headers

extern "C" __attribute__((weak, visibility("hidden"))) char __start_cuda_shared[];
extern "C" __attribute__((weak, visibility("hidden"))) char __stop_cuda_shared[];

namespace cuda_on_cpu {

constexpr size_t STACK = 256 << 10;      // bytes a fiber; only what is touched is ever backed by memory
constexpr size_t RESIDENT = 2048;        // threads that live at once, as on one multiprocessor
constexpr size_t STEPS = 2'000'000;      // switches after which a launch counts as endless
constexpr unsigned char GARBAGE = 0xA5;  // what shared memory starts with

// Where a thread runs. One that has run a thread to its end waits for the next: `swapcontext` would ask the kernel for
// the signal mask at each switch, `__builtin_setjmp` asks nothing.
struct Fiber {
    void* stack = nullptr;
    ucontext_t context;                      // how it starts
    bool started = false;
    void* place[5];                          // where it goes on
};

struct Resident : Block {
    std::vector<Thread> threads;
    std::vector<char> shared;                // static shared memory while another block runs
    std::unique_ptr<char[]> dynamically;
    size_t live = 0;
};

Gpu gpu;

static struct {
    Resident* running = nullptr;
    void* place[5];                          // where it goes on
    void* stack = nullptr;
    const void* bottom = nullptr;
    size_t size = 0;
    const Body* body = nullptr;
    size_t steps = 0;
    std::vector<Fiber*> fibers;              // kept from launch to launch
} scheduler;

// What AddressSanitizer is told of each switch.
#if defined(COC_ASAN)
static void leave(void** fake, const void* stack, size_t size) { __sanitizer_start_switch_fiber(fake, stack, size); }
static void arrive(void* fake, const void** stack, size_t* size) { __sanitizer_finish_switch_fiber(fake, stack, size); }
#else
static void leave(void**, const void*, size_t) {}
static void arrive(void*, const void**, size_t*) {}
#endif

// --- switching ---------------------------------------------------------------------------------------------------

// Not the library's, which AddressSanitizer replaces: its own would clear the marks of the whole stack at each switch.
__attribute__((noinline, noreturn)) static void jump(void** place) {
    __builtin_longjmp(place, 1);
}

void to_scheduler(Thread& self, bool last) {
    leave(last ? nullptr : &self.fake_stack, scheduler.bottom, scheduler.size);
    if (!__builtin_setjmp(self.fiber->place)) jump(scheduler.place);
    arrive(gpu.current->fake_stack, &scheduler.bottom, &scheduler.size);
}

static void to_thread(Thread& thread) {
    gpu.current = &thread;
    ++scheduler.steps;
    leave(&scheduler.stack, thread.fiber->stack, STACK);
    if (!__builtin_setjmp(scheduler.place)) {
        if (thread.fiber->started) jump(thread.fiber->place);
        thread.fiber->started = true;
        setcontext(&thread.fiber->context);
    }
    arrive(scheduler.stack, nullptr, nullptr);
}

static void entry() {
    arrive(nullptr, &scheduler.bottom, &scheduler.size);
    for (;;) {
        scheduler.body->call(scheduler.body->with);
        gpu.current->state = State::done;
        to_scheduler(*gpu.current, true);
    }
}

static Fiber* take_fiber() {
    Fiber* fiber;
    if (scheduler.fibers.empty()) {
        void* made = mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (made == MAP_FAILED) return nullptr;
        fiber = new Fiber;
        fiber->stack = made;
    } else {
        fiber = scheduler.fibers.back();
        scheduler.fibers.pop_back();
        return fiber;
    }
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = STACK;
    fiber->context.uc_link = nullptr;
    makecontext(&fiber->context, entry, 0);
    return fiber;
}

void wait(State state, int line) {
    Thread& self = *gpu.current;
    self.state = state;
    self.line = line;
    to_scheduler(self);
}

unsigned long long barrier(int line, unsigned long long value) {
    gpu.current->value = value;
    wait(State::barrier, line);
    return gpu.current->total;
}

// Fibers run one at a time; who has not left could be together with this one.
unsigned active() {
    const auto& threads = static_cast<Resident*>(gpu.current->block)->threads;
    unsigned first = gpu.current->number & ~31u, mask = 0;
    for (unsigned i = 0; i < 32 && first + i < threads.size(); ++i) {
        mask |= unsigned(threads[first + i].state != State::done) << i;
    }
    return mask;
}

// --- releasing those that wait -----------------------------------------------------------------------------------

static bool release_warp(Resident& block, size_t first) {
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

static bool release_barrier(Resident& block) {
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

static size_t shared_size() {
    return __start_cuda_shared ? size_t(__stop_cuda_shared - __start_cuda_shared) : 0;
}

// Byte by byte, as memcpy is checked: the section holds AddressSanitizer's red zones too.
__attribute__((noinline, optimize("no-tree-loop-distribute-patterns"))) static void move(
    char* to, const char* from, size_t size) {
    for (size_t i = 0; i < size; ++i) to[i] = from[i];
}

static void enter(Resident& block) {
    if (scheduler.running == &block) return;
    size_t size = shared_size();
    if (scheduler.running) move(scheduler.running->shared.data(), __start_cuda_shared, size);
    move(__start_cuda_shared, block.shared.data(), size);
    scheduler.running = &block;
}

// --- launching ---------------------------------------------------------------------------------------------------

static void start(Resident& block, dim3 index, size_t dynamic) {
    block.index = index;
    block.live = gpu.block.size();
    block.threads = std::vector<Thread>(block.live);
    block.shared.assign(shared_size(), char(GARBAGE));
    block.dynamically = std::make_unique<char[]>(dynamic ? dynamic : 1);
    block.dynamic = block.dynamically.get();
    std::memset(block.dynamic, GARBAGE, dynamic);
    for (unsigned t = 0; t < block.live; ++t) {
        Thread& thread = block.threads[t];
        thread.number = t;
        thread.index = dim3(t % gpu.block.x, t / gpu.block.x % gpu.block.y, t / gpu.block.x / gpu.block.y);
        thread.block = &block;
        if (!(thread.fiber = take_fiber())) return fail("no memory for the stack of a thread");
    }
}

// One turn of a block: every thread that can run does so until it waits, gives way or ends. Whether any could.
static bool turn(Resident& block, bool reverse) {
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
            scheduler.fibers.push_back(thread.fiber);
        }
    }
    bool released = false;
    for (size_t w = 0; w < n; w += 32) released |= release_warp(block, w);
    return release_barrier(block) || released || ran;
}

const char* run(dim3 grid, dim3 shape, size_t dynamic, bool reverse, bool together, const Body& body) {
    gpu.grid = grid;
    gpu.block = shape;
    scheduler.body = &body;
    gpu.error[0] = 0;
    scheduler.steps = 0;
    scheduler.running = nullptr;
    size_t blocks = grid.size(), threads = shape.size();
    if (!blocks || !threads || threads > 1024 || shape.z > 64) return "invalid configuration of the launch";
    size_t places = std::max<size_t>(1, RESIDENT / threads);
    if (together && blocks > places) return "too many blocks in a cooperative launch";
    std::vector<std::unique_ptr<Resident>> resident;
    size_t next = 0;
    while ((next < blocks || !resident.empty()) && !gpu.error[0]) {
        for (; next < blocks && resident.size() < places; ++next) {
            size_t b = reverse ? blocks - 1 - next : next;
            resident.push_back(std::make_unique<Resident>());
            start(*resident.back(), dim3(b % grid.x, b / grid.x % grid.y, b / grid.x / grid.y), dynamic);
        }
        bool ran = false;
        for (auto& block : resident) {
            ran |= turn(*block, reverse);
            if (!block->live) {
                if (scheduler.running == block.get()) scheduler.running = nullptr;
                block.reset();
            }
        }
        for (size_t i = resident.size(); i--;)
            if (!resident[i]) resident.erase(resident.begin() + i);
        if (!ran && !gpu.error[0]) fail("deadlock: what the threads wait for can no longer come");
        if (scheduler.steps > STEPS) fail("a loop that never ends: no end after %zu switches", scheduler.steps);
    }
    return gpu.error[0] ? gpu.error : nullptr;
}

}  // namespace cuda_on_cpu
