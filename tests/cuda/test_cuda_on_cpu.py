"""The CPU build of CUDA C++: it runs what a GPU would run, and reports what a GPU would only suffer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from doubles import on_cpu

HERE = Path(__file__).parent

SOURCE = r"""
// extern "C" __global__ void commented_out(int x) {}
extern "C" __global__ void add(const float* __restrict__ a, const float* b, float* c, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) c[i] = a[i] + b[i];
}
extern "C" __global__ void __launch_bounds__(256) fused(const double* a, double* out, double s) {
    int i = threadIdx.x;
    out[i] = fma(a[i], a[i], s);
}
extern "C" __global__ void sum(const double* a, double* out, int n) {
    __shared__ double part[256];
    double mine = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) mine += a[i];
    part[threadIdx.x] = mine;
    __syncthreads();
    for (int half = blockDim.x / 2; half; half /= 2) {
        if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
        __syncthreads();
    }
    if (!threadIdx.x) atomicAdd(out, part[0]);
}
extern "C" __global__ void reversed(const int* a, int* b) {
    extern __shared__ int tile[];
    tile[threadIdx.x] = a[blockIdx.x * blockDim.x + threadIdx.x];
    __syncthreads();
    b[blockIdx.x * blockDim.x + threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}
extern "C" __global__ void warp_sum(const int* a, int* out) {
    int v = a[threadIdx.x];
    for (int d = 16; d; d /= 2) v += __shfl_down_sync(0xffffffffu, v, d);
    unsigned odd = __ballot_sync(0xffffffffu, a[threadIdx.x] & 1);
    if (threadIdx.x % 32 == 0) { out[2 * (threadIdx.x / 32)] = v; out[2 * (threadIdx.x / 32) + 1] = odd; }
}
extern "C" __global__ void all_blocks(unsigned* arrived, unsigned* seen) {
    __shared__ unsigned mine;
    if (!threadIdx.x) {
        mine = blockIdx.x;
        atomicAdd(arrived, 1u);
        while (atomicAdd(arrived, 0u) < gridDim.x) __nanosleep(20);
    }
    __syncthreads();
    if (threadIdx.x == 1) seen[blockIdx.x] = mine;
}
extern "C" __global__ void vectors(const float4* a, float4* b, int n) {
    for (int i = threadIdx.x; i < n; i += blockDim.x) b[i] = a[i];
}
extern "C" __global__ void timed(long long* cycles) {
    long long start = clock64();
    while (clock64() - start < 1000) {}
    cycles[threadIdx.x] = clock64() - start;
}
extern "C" __global__ void half_leave(int* out) { if (threadIdx.x < 16) return; __syncthreads(); out[0] = 1; }
extern "C" __global__ void two_barriers(int* out) {
    if (threadIdx.x < 16) { __syncthreads(); out[0] = 1; }
    else { out[1] = 1; __syncthreads(); }
}
extern "C" __global__ void lost_lane(int* out) { if (threadIdx.x < 16) out[0] = __shfl_sync(0xffffu, 7, 20); }
extern "C" __global__ void waits_for_ever(int* flag) { while (atomicAdd(flag, 0) == 0) {} }
extern "C" __global__ void left_out(int* out) { if (threadIdx.x < 2) out[0] = __shfl_sync(1u, 7, 0); }
"""


@pytest.fixture(scope="module")
def module():
    return on_cpu.Module(SOURCE)


@pytest.mark.parametrize("reverse", [False, True])
def test_threads_blocks_and_bounds(module, reverse):
    """Every element is computed once, and the tail of the last block is left alone, in whatever order threads run."""
    rng = np.random.default_rng(1)
    a, b = rng.random((2, 1000), np.float32)
    c = np.full(1024, -1, np.float32)
    module.launch("add", 8, 128, [a, b, c, np.int32(1000)], reverse=reverse)
    np.testing.assert_array_equal(c, np.append(a + b, np.full(24, -1, np.float32)))


def test_a_fused_multiply_add_is_rounded_once(module):
    """`fma` gives the bits of the exact result rounded once, and a product and a sum are never made one."""
    a = 1 + np.arange(8) * 2.0**-30
    out = np.empty(8)
    module.launch("fused", 1, 8, [a, out, np.float64(-1)])
    from fractions import Fraction

    np.testing.assert_array_equal(out, [float(Fraction(x) * Fraction(x) - 1) for x in a])
    assert (out != a * a - 1).any()


@pytest.mark.parametrize("reverse", [False, True])
def test_barriers_shared_memory_and_atomics(module, reverse):
    """A tree in shared memory and an atomic over the blocks sum an array."""
    a = np.arange(5000.0)
    out = np.zeros(1)
    module.launch("sum", 6, 256, [a, out, np.int32(5000)], reverse=reverse)
    assert out[0] == a.sum()


def test_dynamic_shared_memory(module):
    """`extern __shared__` is of the size that the launch gives, and each block has its own."""
    a = np.arange(4 * 96, dtype=np.int32)
    b = np.empty_like(a)
    module.launch("reversed", 4, 96, [a, b], shared=4 * 96)
    np.testing.assert_array_equal(b.reshape(4, 96), a.reshape(4, 96)[:, ::-1])


def test_shuffles_and_votes(module):
    """Lanes of a warp see each other's values, and only their own warp's."""
    a = np.random.default_rng(2).integers(0, 100, 96, dtype=np.int32)
    out = np.zeros(6, np.int32)
    module.launch("warp_sum", 1, 96, [a, out])
    lanes = a.reshape(3, 32)
    votes = ((lanes & 1).astype(np.uint32) << np.arange(32, dtype=np.uint32)).sum(1, dtype=np.uint32)
    np.testing.assert_array_equal(out.reshape(3, 2), np.stack([lanes.sum(1), votes.view(np.int32)], 1))


def test_resident_blocks_wait_for_each_other_and_keep_their_own_shared_memory(module):
    """Blocks that spin on a counter until all have come all come, each with the shared memory it left."""
    arrived, seen = np.zeros(1, np.uint32), np.zeros(8, np.uint32)
    module.launch("all_blocks", 8, 64, [arrived, seen], cooperative=True)
    assert arrived[0] == 8
    np.testing.assert_array_equal(seen, np.arange(8))
    with pytest.raises(on_cpu.LaunchError, match="too many blocks in a cooperative launch"):
        module.launch("all_blocks", 1000, 64, [arrived, np.zeros(1000, np.uint32)], cooperative=True)


def test_vector_types_and_the_clock(module):
    """float4 moves 16 bytes, and the clock moves on, so that a loop with a time limit ends."""
    a = np.random.default_rng(3).random(400, np.float32)
    b = np.zeros_like(a)
    module.launch("vectors", 1, 32, [a, b, np.int32(100)])
    np.testing.assert_array_equal(a, b)
    cycles = np.zeros(40, np.int64)
    module.launch("timed", 1, 40, [cycles])
    assert (cycles >= 1000).all()


@pytest.mark.parametrize(
    ("kernel", "said"),
    [
        ("half_leave", "16 of 32 threads of block 0 had left before this barrier"),
        ("two_barriers", "wait at different barriers"),
        ("lost_lane", "reads lane 20, which does not take part"),
        ("waits_for_ever", "a loop that never ends"),
        ("left_out", "whose mask leaves it out"),
    ],
)
def test_what_a_gpu_would_only_suffer_is_reported(module, kernel, said):
    """Divergent barriers, absent lanes and endless loops end the launch with a line that says so."""
    with pytest.raises(on_cpu.LaunchError, match=said):
        module.launch(kernel, 1, 32, [np.zeros(2, np.int32)])


def test_a_missing_barrier_shows_when_threads_run_in_another_order():
    """Without its barrier a kernel gives another answer in one of the two orders: the test of both finds it."""
    broken = on_cpu.Module(SOURCE.replace("    __syncthreads();\n    b[", "    b["))
    a = np.arange(96, dtype=np.int32)
    answers = []
    for reverse in (False, True):
        b = np.empty_like(a)
        broken.launch("reversed", 1, 96, [a, b], shared=4 * 96, reverse=reverse)
        answers.append(np.array_equal(b, a[::-1]))
    assert not all(answers)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([np.zeros(8), np.zeros(8)], "takes 3 arguments, not 2"),
        ([np.zeros(8), np.zeros(8), np.float32(1)], "argument 2 is float32 where the kernel takes 8 bytes of kind 'f'"),
        ([np.zeros(8), np.zeros(8), 1.0], "argument 2 is a float: pass a NumPy scalar"),
        ([np.zeros(8), np.int64(1), np.float64(1)], "argument 1 is a scalar where the kernel takes a pointer"),
        ([np.zeros(8), np.zeros(8), np.zeros(1)], "argument 2 is an array where the kernel takes a scalar"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(module, arguments, said):
    """A GPU takes whatever bytes lie there; here count, kind and size of arguments are held against the kernel's."""
    with pytest.raises(on_cpu.LaunchError, match=said):
        module.launch("fused", 1, 8, arguments)


def test_comments_define_no_kernel_and_errors_carry_the_source_line():
    """Names come from code alone, and a source that does not compile is told with its own line."""
    assert "commented_out" not in on_cpu.kernels(SOURCE)
    with pytest.raises(RuntimeError, match=r"wrong\.cu:3:"):
        on_cpu.Module('\nextern "C" __global__ void f(int* a) {\n  a[0] = nothing;\n}\n', name="wrong.cu")


PLANTED = """
import os
import sys
import numpy as np
from doubles import on_cpu
source = r'''
extern "C" __global__ void heap(float* a, int n) { a[threadIdx.x] = 1; }
extern "C" __global__ void fixed(float* a, int n) {
    __shared__ float tile[64];
    float* place = tile;
    place[threadIdx.x] = a[threadIdx.x % 64];
    __syncthreads();
    a[0] = place[n - 1];
}
extern "C" __global__ void dynamic(float* a, int n) {
    extern __shared__ float tile[];
    if (threadIdx.x < n) tile[threadIdx.x] = a[threadIdx.x % 64];
}
extern "C" __global__ void skewed(float* a, int n) { a[0] = ((const float4*)(a + 1))[0].x; }
'''
module = on_cpu.Module(source, name="planted.cu")
for case in sys.argv[1:]:
    kernel, n = case.split()
    if not (child := os.fork()):
        module.launch(kernel, 1, int(n), [np.zeros(64, np.float32), np.int32(n)], shared=4 * 64)
        print("no report", flush=True)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(f"end of {case}: {code}", flush=True)
"""
FAULTS = [
    ("heap", 64, ""),
    ("heap", 65, "heap-buffer-overflow"),
    ("fixed", 64, ""),
    ("fixed", 65, "global-buffer-overflow|insufficient space"),
    ("dynamic", 64, ""),
    ("dynamic", 65, "heap-buffer-overflow"),
    ("skewed", 64, "misaligned address"),
]


@pytest.fixture(scope="module")
def planted():
    """What each launch of PLANTED, a process of its own, says and ends with."""
    done = sanitized("-c", PLANTED, *(f"{kernel} {n}" for kernel, n, _ in FAULTS))
    assert done.returncode == 0, done.stdout
    ends = re.finditer(r"(.*?)^end of (\w+) (\d+): (-?\d+)$", done.stdout, re.S | re.M)
    return {(kernel, int(n)): (output, int(code)) for output, kernel, n, code in (end.groups() for end in ends)}


@pytest.mark.parametrize(("kernel", "n", "said"), FAULTS)
def test_a_planted_fault_is_caught(planted, kernel, n, said):
    """AddressSanitizer and UBSan name the line of an access past an array or off its alignment, and no other."""
    output, code = planted[kernel, n]
    if said:
        assert code and re.search(said, output), output
        assert "planted.cu:" in output
    else:
        assert code == 0 and "no report" in output, output


def test_every_kernel_under_the_sanitizers():
    """All that is run on the CPU is run again with every access, shift and alignment checked."""
    done = sanitized(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "gives_what_numpy and in-order",
        str(HERE / "test_kernels_on_cpu.py"),
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout and "skipped" not in done.stdout, done.stdout[-2000:]


def sanitized(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Python with AddressSanitizer loaded before all else, so that NumPy's arrays have red zones."""
    where = [subprocess.check_output(["g++", f"-print-file-name={name}"], text=True).strip()
             for name in ("libasan.so", "libubsan.so", "libstdc++.so")]  # fmt: skip
    environment = os.environ | {
        on_cpu.SANITIZE: "1",
        on_cpu.BUILD: str(on_cpu.directory()),
        "LD_PRELOAD": " ".join(where),
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0:detect_stack_use_after_return=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONPATH": os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONMALLOC": "malloc",
    }
    return subprocess.run(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
        timeout=300,
    )  # fmt: skip
