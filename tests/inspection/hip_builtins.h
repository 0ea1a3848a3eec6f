// Built-ins that hiprtc brings and clang alone lacks, as far as hwbench's kernels use them and in few words: after HIP's
// headers (amd_hip_vector_types.h, amd_device_functions.h …). Only the check of the assembly includes this file.

#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(threads) __attribute__((amdgpu_flat_work_group_size(1, threads)))
#define HIP_BUILTIN static __device__ inline __attribute__((always_inline))

// --- where a thread is ------------------------------------------------------------------------------------------------

#define HIP_PLACE(name, value)                        \
    struct hip_##name {                               \
        __declspec(property(get = get)) unsigned x;   \
        __device__ unsigned get() const { return value; }  \
    };                                                \
    extern const __device__ __attribute__((weak)) hip_##name name;

HIP_PLACE(threadIdx, __builtin_amdgcn_workitem_id_x())
HIP_PLACE(blockIdx, __builtin_amdgcn_workgroup_id_x())
HIP_PLACE(blockDim, __builtin_amdgcn_workgroup_size_x())
HIP_PLACE(gridDim, __builtin_amdgcn_grid_size_x() / __builtin_amdgcn_workgroup_size_x())

// --- vectors ----------------------------------------------------------------------------------------------------------

template <typename type, int count> struct hip_vector;
template <typename type> struct hip_vector<type, 2> {
    typedef type native __attribute__((ext_vector_type(2)));
    union {
        native data;
        struct {
            type x, y;
        };
    };
};
template <typename type> struct hip_vector<type, 4> {
    typedef type native __attribute__((ext_vector_type(4)));
    union {
        native data;
        struct {
            type x, y, z, w;
        };
    };
};
typedef hip_vector<float, 2> float2;
typedef hip_vector<float, 4> float4;
typedef hip_vector<double, 2> double2;
typedef hip_vector<unsigned, 4> uint4;
HIP_BUILTIN float2 make_float2(float x, float y) { return float2{{{x, y}}}; }
HIP_BUILTIN float4 make_float4(float x, float y, float z, float w) { return float4{{{x, y, z, w}}}; }

// --- arithmetic -------------------------------------------------------------------------------------------------------

HIP_BUILTIN float fmaf(float x, float a, float b) { return __builtin_fmaf(x, a, b); }
HIP_BUILTIN double fma(double x, double a, double b) { return __builtin_fma(x, a, b); }
HIP_BUILTIN unsigned __float_as_uint(float x) { return __builtin_bit_cast(unsigned, x); }

// --- threads and one another ------------------------------------------------------------------------------------------

HIP_BUILTIN void __syncthreads() {
    __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
    __builtin_amdgcn_s_barrier();
    __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
}
HIP_BUILTIN void __threadfence() { __builtin_amdgcn_fence(__ATOMIC_SEQ_CST, "agent"); }
HIP_BUILTIN void __threadfence_system() { __builtin_amdgcn_fence(__ATOMIC_SEQ_CST, ""); }
HIP_BUILTIN unsigned atomicAdd(unsigned* at, unsigned value) {
    return __hip_atomic_fetch_add(at, value, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT);
}
HIP_BUILTIN unsigned atomicExch(unsigned* at, unsigned value) {
    return __hip_atomic_exchange(at, value, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT);
}
HIP_BUILTIN unsigned lane() { return __builtin_amdgcn_mbcnt_hi(~0u, __builtin_amdgcn_mbcnt_lo(~0u, 0u)); }
HIP_BUILTIN unsigned __shfl_xor(unsigned value, int apart) {
    return __builtin_amdgcn_ds_bpermute((lane() ^ apart) * 4, value);
}
HIP_BUILTIN unsigned long long __ballot(int yes) {
#if WARP == 64
    return __builtin_amdgcn_uicmpl(yes, 0, 33);
#else
    return __builtin_amdgcn_uicmp(yes, 0, 33);
#endif
}

// --- clocks -----------------------------------------------------------------------------------------------------------

HIP_BUILTIN long long clock64() { return __builtin_readcyclecounter(); }
HIP_BUILTIN long long wall_clock64() {
#if __gfx1100__
    return __builtin_amdgcn_s_sendmsg_rtnl(0x83);
#else
    return __builtin_amdgcn_s_memrealtime();
#endif
}
HIP_BUILTIN unsigned __smid() { return __builtin_amdgcn_s_getreg(0xf804); }
