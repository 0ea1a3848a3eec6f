// Which addresses neighbouring work-items ask for at once, as in coalescing.cu. A work-item has LOADS elements, a group's
// width apart, and loads them all before its first store.

#define LOADS 4
#define KERNEL kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
#define FIRST (get_group_id(0) * (LOADS * GROUP) + get_local_id(0))
#define ALL _Pragma("unroll") for (int k = 0; k < LOADS; ++k)

// to[i · step + offset] = from[i], outside of the time.
KERNEL void spread(global const float* restrict from, global float* restrict to, int step, int offset) {
    const size_t i = FIRST;
    ALL to[(i + k * GROUP) * step + offset] = from[i + k * GROUP];
}

// to[i] = from[i · step + offset]
KERNEL void pick(global const float* restrict from, global float* restrict to, int step, int offset) {
    const size_t i = FIRST;
    float x[LOADS];
    ALL x[k] = from[(i + k * GROUP) * step + offset];
    ALL to[i + k * GROUP] = x[k];
}

// to[i] = from[index[i]]
KERNEL void pick_index(global const float* restrict from, global const int* restrict index, global float* restrict to) {
    const size_t i = FIRST;
    int at[LOADS];
    float x[LOADS];
    ALL at[k] = index[i + k * GROUP];
    ALL x[k] = from[at[k]];
    ALL to[i + k * GROUP] = x[k];
}
