/* cuBLASLt as far as hwbench asks for it, on the CPU: one product of square fp8 matrices, transposed times plain.

Signatures, numbers and sizes are those of cublasLt.h of CUDA 13. Whatever is not as NVIDIA's documentation asks for fp8
is refused, as the library would refuse it; what leaks can be counted. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, INVALID = 7, NOT_SUPPORTED = 15 };
enum { R_32F = 0, R_8F_E4M3 = 28, COMPUTE_32F = 68 };

typedef struct { int compute, scale; int32_t transa, transb; int8_t fast; } Operation;
typedef struct { int type; uint64_t rows, columns; int64_t leading; } Layout;
typedef struct { size_t workspace; } Preference;
typedef struct { uint64_t data[8]; } Algorithm;
typedef struct { Algorithm algorithm; size_t workspace; int state; float waves; int reserved[4]; } Heuristic;

int stub_alive = 0, stub_products = 0, stub_refuses = 0, stub_fast = 0;

static int made(void** at, size_t size) {
    *at = calloc(1, size);
    ++stub_alive;
    return SUCCESS;
}
static int gone(void* one) {
    free(one);
    --stub_alive;
    return SUCCESS;
}

int cublasLtCreate(void** handle) { return made(handle, 1); }
int cublasLtDestroy(void* handle) { return gone(handle); }
int cublasLtMatmulDescCreate(Operation** at, int compute, int scale) {
    made((void**)at, sizeof **at);
    (*at)->compute = compute, (*at)->scale = scale;
    return SUCCESS;
}
int cublasLtMatmulDescDestroy(Operation* one) { return gone(one); }
int cublasLtMatmulDescSetAttribute(Operation* one, int which, const void* value, size_t size) {
    if (which == 25 && size == sizeof(int8_t)) { /* CUBLASLT_MATMUL_DESC_FAST_ACCUM */
        memcpy(&one->fast, value, size);
        return SUCCESS;
    }
    if (which != 3 || size != sizeof(int32_t)) return INVALID; /* CUBLASLT_MATMUL_DESC_TRANSA */
    memcpy(&one->transa, value, size);
    return SUCCESS;
}
int cublasLtMatrixLayoutCreate(Layout** at, int type, uint64_t rows, uint64_t columns, int64_t leading) {
    made((void**)at, sizeof **at);
    **at = (Layout){type, rows, columns, leading};
    return SUCCESS;
}
int cublasLtMatrixLayoutDestroy(Layout* one) { return gone(one); }
int cublasLtMatmulPreferenceCreate(Preference** at) { return made((void**)at, sizeof **at); }
int cublasLtMatmulPreferenceDestroy(Preference* one) { return gone(one); }
int cublasLtMatmulPreferenceSetAttribute(Preference* one, int which, const void* value, size_t size) {
    if (which != 1 || size != sizeof(size_t)) return INVALID; /* CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES */
    memcpy(&one->workspace, value, size);
    return SUCCESS;
}

static int fits(const Operation* op, const Layout* a, const Layout* b, const Layout* c, const Layout* d) {
    return op->compute == COMPUTE_32F && op->scale == R_32F && op->transa == 1 && op->transb == 0 &&
           a->type == R_8F_E4M3 && b->type == R_8F_E4M3 && c->type == R_32F && d->type == R_32F && a->rows % 16 == 0 &&
           a->leading % 16 == 0 && b->leading % 16 == 0 && a->rows == b->rows && a->columns == d->rows &&
           b->columns == d->columns && c->rows == d->rows && c->columns == d->columns;
}

int cublasLtMatmulAlgoGetHeuristic(void* handle, Operation* op, Layout* a, Layout* b, Layout* c, Layout* d,
                                   Preference* preference, int asked, Heuristic* found, int* count) {
    if (!handle || asked != 1 || !preference->workspace) return INVALID;
    *count = 0;
    if (stub_refuses || !fits(op, a, b, c, d)) return NOT_SUPPORTED;
    memset(found, 0, sizeof *found);
    found->algorithm.data[7] = 0x5EED;
    *count = 1;
    return SUCCESS;
}

static float e4m3(uint8_t bits) {
    const int exponent = bits >> 3 & 15, mantissa = bits & 7;
    float value = exponent ? 8 + mantissa : mantissa;
    for (int e = exponent ? exponent : 1; e < 10; ++e) value /= 2;
    for (int e = 10; e < exponent; ++e) value *= 2;
    return bits & 128 ? -value : value;
}

int cublasLtMatmul(void* handle, Operation* op, const float* alpha, const uint8_t* a, Layout* la, const uint8_t* b,
                   Layout* lb, const float* beta, const float* c, Layout* lc, float* d, Layout* ld,
                   const Algorithm* algorithm, void* workspace, size_t size, void* stream) {
    if (!handle || !workspace || !size || !stream || algorithm->data[7] != 0x5EED || *beta != 0) return INVALID;
    if ((uintptr_t)a % 16 || (uintptr_t)b % 16 || !fits(op, la, lb, lc, ld)) return NOT_SUPPORTED;
    for (uint64_t j = 0; j < ld->columns; ++j)
        for (uint64_t i = 0; i < ld->rows; ++i) {
            float sum = 0;
            for (uint64_t k = 0; k < la->rows; ++k) sum += e4m3(a[i * la->leading + k]) * e4m3(b[j * lb->leading + k]);
            d[j * ld->leading + i] = *alpha * sum;
        }
    (void)c;
    ++stub_products, stub_fast += op->fast;
    return SUCCESS;
}
