// CUDA's runtime as far as nvcc.py's lines ask for it, where there is no GPU: launches run on fibers, and each launch
// and copy moves the clock by a millisecond.
#pragma once

#include "cuda_on_cpu.h"

enum cudaError_t { cudaSuccess = 0, cudaErrorLaunchFailure = 719 };
enum { cudaStreamNonBlocking = 1, cudaMemcpyDefault = 4, cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
using cudaStream_t = int*;
using cudaEvent_t = float*;

namespace runtime_on_cpu {
inline float clock_ms = 0;
inline const char* error = "";
inline cudaError_t ran(const char* said) {
    clock_ms += 1;
    if (said) error = said;
    return said ? cudaErrorLaunchFailure : cudaSuccess;
}
}  // namespace runtime_on_cpu

inline const char* cudaGetErrorString(cudaError_t) { return runtime_on_cpu::error; }
inline cudaError_t cudaSetDevice(int) { return cudaSuccess; }
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* made, int) { return *made = new int, cudaSuccess; }
inline cudaError_t cudaStreamDestroy(cudaStream_t stream) { return delete stream, cudaSuccess; }
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaEventCreate(cudaEvent_t* made) { return *made = new float(0), cudaSuccess; }
inline cudaError_t cudaEventDestroy(cudaEvent_t event) { return delete event, cudaSuccess; }
inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) { return *event = runtime_on_cpu::clock_ms, cudaSuccess; }
inline cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
inline cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t stop) {
    return *milliseconds = *stop - *start, cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, int, cudaStream_t) {
    return std::memcpy(to, from, bytes), runtime_on_cpu::ran(nullptr);
}
template <class Kernel> cudaError_t cudaFuncSetAttribute(Kernel, int, int) { return cudaSuccess; }
template <class Kernel> cudaError_t coc_launch(Kernel kernel, dim3 grid, dim3 block, void** values, size_t shared, int together) {
    const unsigned shape[] = {grid.x, grid.y, grid.z, block.x, block.y, block.z};
    return runtime_on_cpu::ran(cuda_on_cpu::launch(shape, shape + 3, shared, 0, together, kernel, values));
}
template <class Kernel>
cudaError_t cudaLaunchKernel(Kernel kernel, dim3 grid, dim3 block, void** values, size_t shared, cudaStream_t) {
    return coc_launch(kernel, grid, block, values, shared, 0);
}
template <class Kernel>
cudaError_t cudaLaunchCooperativeKernel(Kernel kernel, dim3 grid, dim3 block, void** values, size_t shared, cudaStream_t) {
    return coc_launch(kernel, grid, block, values, shared, 1);
}
