// Chains of fused multiply-adds in OpenCL, as in peak.cu: x = 2·x + b; x = x/2 + e, where nothing rounds.
//
// A chain is a vector V of WIDTH lanes of the type S: one lane on a device that makes vectors of work-items, as GPUs do,
// and a native vector on a CPU. CHAINS of them are under way in each work-item. Literals and lanes are converted to S.
//
// Whole numbers of 32 bits are multiplied and added modulo 2³². Their factors are arguments: of literals a compiler makes
// shifts, or one factor of two.

#ifdef DOUBLES
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif
#ifdef HALVES
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#endif

#ifdef WHOLE
#define MAD(x, a, b) ((x) * (a) + (b))
#define UP one
#define DOWN back
#else
#define UP (S)2
#define DOWN (S)0.5f
#endif

#define PAIRS 32  // 64 operations a chain in the loop's body
#define ALL _Pragma("unroll") for (int i = 0; i < CHAINS; ++i)

kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void chains(
    global const V* seeds, uint last, global V* to, int passes, int loops, S b, S e, S one, S back) {
    const size_t thread = get_global_id(0), threads = get_global_size(0);
    V x[CHAINS];
    ALL x[i] = seeds[(i * threads + thread) & last];
    for (int pass = 0; pass < passes; ++pass) {
        ALL x[i] = FMA(x[i], (V)(one), (V)(back));
        int loop = 0;
        do {
            _Pragma("unroll") for (int pair = 0; pair < PAIRS; ++pair) {
                ALL x[i] = FMA(x[i], (V)(UP), (V)(b));
                ALL x[i] = FMA(x[i], (V)(DOWN), (V)(e));
            }
        } while (++loop < loops);
    }
    ALL to[i * threads + thread] = x[i];
}
