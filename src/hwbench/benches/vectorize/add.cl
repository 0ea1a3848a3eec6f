// c = a + b, a work-item an element.
#pragma OPENCL EXTENSION cl_khr_fp64 : enable

kernel void add(global const double* restrict a, global const double* restrict b, global double* restrict c, uint n) {
    const size_t i = get_global_id(0);
    if (i < n) c[i] = a[i] + b[i];
}
