// Copy, triad, reading alone and writing alone in OpenCL, as in stream.cu: T is the type of an access, of 4, 16 or 64
// bytes, U the whole number of its bits (BITS), GROUP the work-items of a group.
//
// The arrays are `parts` parts of ITEMS accesses for each work-item of a group. Each group takes a run of parts, so that
// a CPU, whose groups are of one work-item, reads memory in order, and side by side the work-items of a GPU's group do.
// In the next pass it takes its neighbour's run: no cache of one compute unit serves a second pass.

#ifndef ITEMS
#define ITEMS 4
#endif
#define EACH(body)                                                                                       \
    const size_t groups = get_num_groups(0);                                                             \
    for (int pass = 0; pass < passes; ++pass) {                                                          \
        const size_t mine = (get_group_id(0) + pass) % groups;                                           \
        const size_t begin = mine * parts / groups, end = (mine + 1) * parts / groups;                   \
        for (size_t part = begin; part < end; ++part) {                                                  \
            const size_t i = part * (ITEMS * GROUP) + get_local_id(0);                                   \
            body                                                                                         \
        }                                                                                                \
    }
#define KERNEL kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))

KERNEL void copy(global const T* restrict from, global T* restrict to, ulong parts, int passes) {
    EACH({
        T x[ITEMS];
        for (int k = 0; k < ITEMS; ++k) x[k] = from[i + k * GROUP];
        for (int k = 0; k < ITEMS; ++k) to[i + k * GROUP] = x[k];
    })
}

KERNEL void triad(
    global const T* restrict b, global const T* restrict c, global T* restrict a, float s, ulong parts, int passes) {
    EACH({
        T x[ITEMS];
        for (int k = 0; k < ITEMS; ++k) x[k] = FMA((T)(s), c[i + k * GROUP], b[i + k * GROUP]);
        for (int k = 0; k < ITEMS; ++k) a[i + k * GROUP] = x[k];
    })
}

KERNEL void write(global T* restrict to, float value, ulong parts, int passes) {
    EACH({ for (int k = 0; k < ITEMS; ++k) to[i + k * GROUP] = (T)(value); })
}

// The bits as whole numbers, added up modulo 2³²: exact in any order. With PLACES a run is read from ITEMS places at once,
// as stream.load reads memory: a CPU's core has more lines in flight from several streams than from one. Scalars are read
// in order, or a CPU's compiler makes no vectors of them.
KERNEL void read(global const T* restrict from, global U* restrict to, ulong parts, int passes) {
    U sum[ITEMS];
    for (int k = 0; k < ITEMS; ++k) sum[k] = 0;
    EACH({
        const size_t first = PLACES ? i - (ITEMS - 1) * (part - begin) * GROUP : i;
        const size_t apart = PLACES ? (end - begin) * GROUP : GROUP;
        for (int k = 0; k < ITEMS; ++k) sum[k] += BITS(from[first + k * apart]);
    })
    to[get_global_id(0)] = sum[0] + sum[1] + sum[2] + sum[3];
}
