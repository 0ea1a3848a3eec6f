// Kernels of the device itself: the gate behind which work is queued before the clock starts, the stamps that tell the
// SM's clock while it ran, and a load that brings the clocks up.

// Nanoseconds of a clock that all of the GPU shares. Its step is 32 ns to 1 us by card: fine for a limit, not for timing.
__device__ unsigned long long now_ns() {
    unsigned long long now;
#ifdef __CUDACC__
    asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
#elif defined(HWBENCH_ROCM)
    now = hwbench_now_ns();
#else
    now = clock64();  // where tests run it on a CPU
#endif
    return now;
}

// Hold the stream until the host writes `ticket` to flag[0], or until `limit_ns` have passed: then flag[1] says so.
//
// `flag` is pinned host memory mapped into the GPU, hence volatile: each turn reads it over the bus. One thread, which
// sleeps between reads where the architecture can, so that nothing else on the bus or the SM feels it.
extern "C" __global__ void gate(volatile unsigned *flag, unsigned ticket, unsigned long long limit_ns) {
    const unsigned long long start = now_ns();
    while (flag[0] != ticket) {
        if (now_ns() - start > limit_ns) {
            flag[1] = ticket;
            break;
        }
#if __CUDA_ARCH__ >= 700 || defined(HWBENCH_ROCM)
        __nanosleep(200);
#endif
    }
    __threadfence_system();
}

// What a sample's clock is told by, before it and after it: the time, the cycles of this SM and its number, which must
// be the same both times. `to` is pinned host memory mapped into the GPU.
extern "C" __global__ void stamp(volatile unsigned long long *to) {
    unsigned sm = 0;
#ifdef __CUDACC__
    asm volatile("mov.u32 %0, %smid;" : "=r"(sm));
#elif defined(HWBENCH_ROCM)
    sm = __smid();
#endif
    to[0] = now_ns();
    to[1] = clock64();
    to[2] = sm;
    __threadfence_system();
}

// Keep every SM busy for about `limit_ns` with fused multiply-adds that cannot be folded; `sink` makes them needed.
extern "C" __global__ void burn(float *sink, unsigned long long limit_ns) {
    const unsigned long long start = now_ns();
    float x = 0.5f + threadIdx.x * 1e-6f;
    do {
#pragma unroll 64
        for (int i = 0; i < 1024; ++i) x = fmaf(x, x, -0.25f);  // stays between -0.25 and 0.5
    } while (now_ns() - start < limit_ns);
    if (x == 7.0f) sink[0] = x;  // never true, which the compiler cannot know
}
