// What hwbench's CUDA C++ needs beyond HIP's own built-ins. hiprtc is given this before a kernel's source, and
// -DWARP=THREADS, the threads of a wavefront. Compiled by clang for gfx90a, gfx942 and gfx1100; never run on an AMD GPU.

#define HWBENCH_ROCM
#ifndef WARP
#error "-DWARP says how many threads a wavefront has: 32 or 64"
#endif

// All lanes of a wavefront take part, so masks are not looked at: CUDA's have 32 bits, HIP's 64.
#define __shfl_xor_sync(mask, value, apart) __shfl_xor(value, apart)
#define __activemask() __ballot(1)
#define __nanosleep(ns) __builtin_amdgcn_s_sleep(1)  // 64 cycles, whatever was asked for: it takes a literal alone

// A wall clock of 100 MHz, as that of CDNA and RDNA is, in nanoseconds.
#define hwbench_now_ns() (10ull * wall_clock64())

#define HWBENCH_INLINE static __device__ __attribute__((always_inline))
#define HWBENCH_GLOBAL __attribute__((address_space(1)))

// Past the caches of a compute unit, as ld.cg: a load that the whole GPU agrees on. There is none of 16 bytes: those are
// non-temporal, which passes these caches on gfx90a and asks them to keep nothing on later ones.
template <typename type> HWBENCH_INLINE type hwbench_past_l1(const type* at) {
    typedef unsigned sixteen __attribute__((ext_vector_type(4)));
    type found;
    if constexpr (sizeof(type) == 16) {
        const sixteen bits = __builtin_nontemporal_load((const HWBENCH_GLOBAL sixteen*)at);
        __builtin_memcpy(&found, &bits, 16);
    } else if constexpr (sizeof(type) == 8) {
        const unsigned long long bits = __hip_atomic_load(
            (const HWBENCH_GLOBAL unsigned long long*)at, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT);
        __builtin_memcpy(&found, &bits, 8);
    } else {
        static_assert(sizeof(type) == 4, "loads of 4, 8 and 16 bytes");
        const unsigned bits =
            __hip_atomic_load((const HWBENCH_GLOBAL unsigned*)at, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT);
        __builtin_memcpy(&found, &bits, 4);
    }
    return found;
}
// Of what is read once, as ld.cs.
template <typename type> HWBENCH_INLINE type hwbench_once(const type* at) {
    return __builtin_nontemporal_load((const HWBENCH_GLOBAL type*)at);
}
#define __ldcg(at) hwbench_past_l1(at)
#define __ldcs(at) hwbench_once(at)

// A load by one thread of an address that came out of memory: global, and by the vector unit. One address for a whole
// wavefront would be loaded by the scalar unit, through a cache of its own.
HWBENCH_INLINE unsigned long long hwbench_global(const unsigned long long* at) {
    unsigned long long address = (unsigned long long)at;
    asm volatile("" : "+v"(address));
    return *(const HWBENCH_GLOBAL unsigned long long*)address;
}

// x·a + b of two halves in a register.
HWBENCH_INLINE unsigned hwbench_fma_halves(unsigned x, unsigned a, unsigned b) {
    typedef _Float16 halves __attribute__((ext_vector_type(2)));
    const halves y = __builtin_elementwise_fma(
        __builtin_bit_cast(halves, x), __builtin_bit_cast(halves, a), __builtin_bit_cast(halves, b));
    return __builtin_bit_cast(unsigned, y);
}
