"""The reader of machine code: what it counts, on kernels made to have it."""

from __future__ import annotations

import pytest

from inspection import nvrtc, sass

SOURCE = r"""
extern "C" __global__ void fused(float* out, float s, int n) {
    float x[8];
    for (int i = 0; i < 8; ++i) x[i] = out[8 * threadIdx.x + i];
#pragma unroll 1
    for (int k = 0; k < n; ++k)
#pragma unroll
        for (int j = 0; j < 16; ++j)
#pragma unroll
            for (int i = 0; i < 8; ++i) x[i] = fmaf(x[i], x[i], s);
    for (int i = 0; i < 8; ++i) out[8 * threadIdx.x + i] = x[i];
}
extern "C" __global__ void dead(const float* a, float s) {
    float x = a[threadIdx.x];
    for (int j = 0; j < 64; ++j) x = fmaf(x, x, s);
}
extern "C" __global__ void copy16(const float4* __restrict__ a, float4* __restrict__ b) {
    b[threadIdx.x] = a[threadIdx.x];
}
extern "C" __global__ void chase(const unsigned long long* start, int n, unsigned long long* out) {
    const unsigned long long* p = start;
#pragma unroll 1
    for (int i = 0; i < n; ++i) {
#pragma unroll
        for (int j = 0; j < 16; ++j) p = (const unsigned long long*)*p;
    }
    *out = (unsigned long long)p;
}
extern "C" __global__ void chase_index(const unsigned* next, int n, unsigned* out) {
    unsigned i = 0;
#pragma unroll 1
    for (int k = 0; k < n; ++k) {
#pragma unroll
        for (int j = 0; j < 16; ++j) i = next[i];
    }
    *out = i;
}
extern "C" __global__ void independent(const unsigned* a, unsigned* out) {
    unsigned sum = 0;
#pragma unroll
    for (int j = 0; j < 16; ++j) sum += a[threadIdx.x + 1024 * j];
    out[threadIdx.x] = sum;
}
extern "C" __global__ void spilled(float* out, int n) {
    float x[64];
    for (int i = 0; i < 64; ++i) x[i] = out[i];
    for (int i = 0; i < n; ++i) x[(i * 7) % 64] += x[(i * n) % 64];
    for (int i = 0; i < 64; ++i) out[i] = x[i];
}
"""


@pytest.fixture(scope="module", params=[75, 90, 120], ids="sm_{}".format)
def code(request):
    [code] = sass.disassemble(request.param, nvrtc.compile_source(SOURCE, request.param))
    return code


def test_fused_multiply_adds_are_counted_exactly(code):
    """An unrolled block of 16 × 8 is 128 FFMA, and the same where nothing is stored is none."""
    assert sass.count(code["fused"], "FFMA") == 128
    assert sass.count(code["dead"], "FFMA", "LDG") == 0


def test_wide_accesses_are_told_from_narrow_ones(code):
    """float4 becomes one load and one store of 128 bits; four-byte words are none of them."""
    assert sass.count(code["copy16"], "LDG", bits=128) == sass.count(code["copy16"], "STG", bits=128) == 1
    assert sass.count(code["independent"], "LDG", bits=128) == 0
    assert sass.count(code["independent"], "LDG", bits=32) == 16


@pytest.mark.parametrize("kernel", ["chase", "chase_index"])
def test_loads_that_wait_for_each_other_are_told_from_those_that_do_not(code, kernel):
    """The 16 loads of a chase are 15 links, by pointers or by indices; 16 loads of a sum are none."""
    base = "LD" if kernel == "chase" else "LDG"  # nobody says that a pointer read from memory points to global memory
    assert sass.count(code[kernel], base) == 16
    assert sass.chained(code[kernel], base) == 15
    assert sass.chained(code["independent"]) == 0


@pytest.mark.parametrize(
    ("operands", "crowded"),
    [
        (("R7,R7,0.5,R2", "R5,R4,2,R3"), 0),  # a literal and two registers of both banks
        (("R7,R7,0.5,R3",), 1),
        (("R10,R10,R8,R9",), 1),
        (("R10,R10,R8.reuse,R9.reuse", "R11,R11,R8.reuse,R9.reuse", "R12,R12,R8,R9"), 1),
        (("R10,R10,R8.reuse,R9.reuse", "R11,R11,R8,R9", "R12,R12,R8,R9"), 2),
        (("R10,R10,R8.reuse,R9.reuse", "R12,R12,R9,R8"), 2),  # kept for the place, not for the register
    ],
)
def test_operations_that_wait_for_a_bank_are_counted(operands, crowded):
    """A register from each bank a cycle, and what the operation before has left in the reuse cache."""
    assert sass.crowded([sass.Instruction("FFMA", one) for one in operands], "FFMA") == crowded


def test_local_memory_is_seen(code):
    """An array indexed at run time lies in local memory, and registers that suffice do not."""
    assert sass.spills(code["spilled"]) > 0
    assert not any(sass.spills(code[name]) for name in ("fused", "copy16", "chase"))


def test_an_error_is_told_with_its_line():
    """What NVRTC has against a source is in the message."""
    with pytest.raises(nvrtc.CompileError, match=r"wrong\.cu\(2\): error.*nothing"):
        nvrtc.compile_source('extern "C" __global__ void f(int* a) {\n  a[0] = nothing; }', 80, name="wrong.cu")


def test_every_architecture_that_is_compiled_for_is_known_to_this_nvrtc():
    """13.x compiles for Turing to Blackwell; an older or newer one that drops an architecture is noticed here."""
    from hwbench.kernels import cuda

    assert set(cuda.ARCHS) <= set(nvrtc.architectures()), nvrtc.version()
