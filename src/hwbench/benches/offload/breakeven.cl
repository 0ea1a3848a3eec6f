// The work that is handed over, in float32: an addition, a product of matrices, a Fourier transform. A sum is that of
// dsp/dot.cl.

kernel void add(global const float* restrict a, global const float* restrict b, global float* restrict c, uint n) {
    const size_t i = get_global_id(0);
    if (i < n) c[i] = a[i] + b[i];
}

// C = A·B of square matrices whose side ROWS and WIDTH divide: a work-item has ROWS rows of one vector of columns, so that
// ROWS chains of multiply-adds are under way for each vector of B that is loaded.
#ifdef WIDTH
#define ROWS 8
#define JOINED(name, width) name##width
#define NAMED(name, width) JOINED(name, width)
#define V NAMED(float, WIDTH)
#define ALL _Pragma("unroll") for (int r = 0; r < ROWS; ++r)

kernel void matmul(global const float* restrict a, global const float* restrict b, global float* restrict c, uint side) {
    const size_t columns = side / WIDTH, column = get_global_id(0) % columns * WIDTH;
    const size_t row = get_global_id(0) / columns * ROWS;
    V sum[ROWS];
    ALL sum[r] = (V)(0);
    for (size_t k = 0; k < side; ++k) {
        const V x = NAMED(vload, WIDTH)(0, b + k * side + column);
        ALL sum[r] = FMA((V)(a[(row + r) * side + k]), x, sum[r]);
    }
    ALL NAMED(vstore, WIDTH)(sum[r], 0, c + (row + r) * side + column);
}
#endif

float2 times(float2 a, float2 b) { return (float2)(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }

// One pass of Stockham's transform with radix 4, of which log4(n) make the whole: `done` is 1, 4, 16, …; roots[k] is
// exp(-2πik/n).
kernel void fft(global const float2* restrict from, global float2* restrict to, global const float2* restrict roots,
                uint n, uint done) {
    const uint quarter = n / 4, i = get_global_id(0);
    if (i >= quarter) return;
    const uint k = i % done, step = quarter / done * k, at = (i - k) * 4 + k;
    const float2 x0 = from[i], x1 = times(from[i + quarter], roots[step]);
    const float2 x2 = times(from[i + 2 * quarter], roots[2 * step]), x3 = times(from[i + 3 * quarter], roots[3 * step]);
    const float2 even = x0 + x2, other = x0 - x2, odd = x1 + x3, turned = (float2)(x1.y - x3.y, x3.x - x1.x);
    to[at] = even + odd;
    to[at + done] = other + turned;
    to[at + 2 * done] = even - odd;
    to[at + 3 * done] = other - turned;
}
