// Dot product in two launches, both in the type S: a sum for each group, then the sum of these sums.
//
// A work-item multiplies and adds vectors of WIDTH lanes: one lane on a device that makes vectors of work-items, as GPUs
// do, and a native vector on a CPU. Each group takes a run of parts, as in stream.cl, with CHAINS sums under way.

#ifdef DOUBLES
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif

#define JOINED(name, width) name##width
#define NAMED(name, width) JOINED(name, width)
#if WIDTH > 1
#define LOAD(from) NAMED(vload, WIDTH)(0, from)
#define STORE(value, to) NAMED(vstore, WIDTH)(value, 0, to)
#else
#define LOAD(from) (*(from))
#define STORE(value, to) (*(to) = (value))
#endif

#ifdef ALONE  // the sum of a alone
#define VECTORS(i, sum) (LOAD(a + i) + (sum))
#define ONES(i, sum) (a[i] + (sum))
#else
#define VECTORS(i, sum) FMA(LOAD(a + i), LOAD(b + i), sum)
#define ONES(i, sum) (a[i] * b[i] + (sum))
#endif

#define CHAINS 8
#define KERNEL kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))

// The sum over a group's work-items, for its first one; GROUP may be any number.
S over_group(S mine, local S* shared) {
    const uint item = get_local_id(0);
    shared[item] = mine;
    for (uint left = GROUP; left > 1;) {
        const uint rest = (left + 1) / 2;
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item + rest < left) shared[item] += shared[item + rest];
        left = rest;
    }
    return shared[item];
}

KERNEL void products(global const S* restrict a, global const S* restrict b, global S* sums, ulong from, ulong n) {
    local S shared[GROUP];
    const size_t groups = get_num_groups(0), item = get_local_id(0), part = (size_t)CHAINS * GROUP * WIDTH;
    const size_t parts = n / part;
    const size_t begin = get_group_id(0) * parts / groups, end = (get_group_id(0) + 1) * parts / groups;
    V sum[CHAINS];
    a += from, b += from;
    for (int k = 0; k < CHAINS; ++k) sum[k] = (V)(0);
    for (size_t at = begin; at < end; ++at) {
        const size_t first = at * part + item * WIDTH;
        _Pragma("unroll") for (int k = 0; k < CHAINS; ++k) {
            const size_t i = first + k * (size_t)(GROUP * WIDTH);
            sum[k] = VECTORS(i, sum[k]);
        }
    }
    for (int k = 1; k < CHAINS; ++k) sum[0] += sum[k];
    S lanes[WIDTH], mine = 0;
    STORE(sum[0], lanes);
    for (int lane = 0; lane < WIDTH; ++lane) mine += lanes[lane];
    for (size_t i = parts * part + get_global_id(0); i < n; i += get_global_size(0)) mine = ONES(i, mine);
    mine = over_group(mine, shared);
    if (item == 0) sums[get_group_id(0)] = mine;
}

KERNEL void total(global const S* sums, global S* to, uint count) {
    local S shared[GROUP];
    S mine = 0;
    for (uint i = get_local_id(0); i < count; i += GROUP) mine += sums[i];
    mine = over_group(mine, shared);
    if (get_local_id(0) == 0) to[0] = mine;
}
