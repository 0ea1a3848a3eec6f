"""The machine code of the stream kernels: the vectors asked for, folded addresses, no spills, nothing dropped.

A figure is worth nothing where LLVM chose narrower vectors, called memcpy, or dropped the work. The host's code is read
for each width it has; the same IR is compiled for AArch64, read, and run by qemu-user where it is installed.
"""

import numpy as np
import pytest

from hwbench.benches.stream import _kernels
from hwbench.kernels import cpu_features
from hwbench.kernels.simd import Registers
from inspection import arm, listing

STREAM = (listing.INT,) * 6


@listing.needs_x86
@pytest.mark.parametrize("bits", listing.NAMES)
def test_load_is_eight_loads_and_in_the_last_pass_eight_additions(bits):
    """A block is eight loads of full width, or in the last pass eight additions from memory; add, compare, jump."""
    listing.needs_width(bits)
    code = listing.loops(listing.assembly(_kernels.simd_load, Registers("i8", bits, 8), STREAM))
    bodies = [body for body in code if listing.count(body, r"%[xyz]mm")]
    moves, sums = (rf"^v?{what}\s.*\(.*%{listing.NAMES[bits]}\d+$" for what in (r"mov[ad]\w+", "paddq"))
    assert sorted((listing.count(body, moves), listing.count(body, sums), len(body)) for body in bodies) == [
        (0, 8, 11),
        (8, 0, 11),
    ]


@listing.needs_x86
@pytest.mark.parametrize("nt", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_copy_is_eight_loads_and_eight_stores(dtype, nt):
    """A block of the copy kernel is eight loads and eight stores of full width, non-temporal where asked, no memcpy."""
    bits = cpu_features.stream_width()
    code = listing.assembly(_kernels.simd_copy, Registers(dtype, bits, 8, nt), STREAM)
    body = listing.hot_loop(code)
    name = listing.NAMES[bits]
    assert listing.count(body, rf"^v?mova\w+\s.*\(.*, %{name}\d+$") == 8
    assert listing.count(body, rf"^v?mov{'nt' if nt else 'a'}\w+\s+%{name}\d+, .*\)$") == 8
    assert len(body) == 19, body
    assert listing.count(code, "^call") == listing.count(code, "hwbench_clock") == 2, "start and end alone"


@listing.needs_x86
@pytest.mark.parametrize("bits", listing.NAMES)
def test_streams_are_eight_additions_from_four_places(bits):
    """A block of the loads in four streams is eight additions from memory, two from each quarter, and four pointers."""
    listing.needs_width(bits)
    body = listing.hot_loop(listing.assembly(_kernels.simd_load_streams, Registers("i8", bits, 2), STREAM))
    assert listing.count(body, rf"^v?paddq\s.*\(.*%{listing.NAMES[bits]}\d+$") == 8
    assert listing.count(body, r"\(%") == 8, body
    assert len(body) <= 16, body


@listing.needs_x86
@pytest.mark.parametrize("nt", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("bits", [256, 512])
def test_store_is_eight_stores(bits, dtype, nt):
    """A block of the store kernel is eight stores of full width, non-temporal where asked; no memset."""
    listing.needs_width(bits)
    code = listing.assembly(_kernels.simd_store, Registers(dtype, bits, 8, nt), STREAM)
    body = listing.hot_loop(code)
    assert listing.count(body, rf"^v?mov{'nt' if nt else 'a'}\w+\s+%{listing.NAMES[bits]}\d+, .*\)$") == 8
    assert len(body) == 11, body
    assert listing.count(code, "^call") == listing.count(code, "hwbench_clock") == 2, "start and end alone"


@listing.needs_x86
@pytest.mark.parametrize("nt", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("bits", [256, 512])
@pytest.mark.parametrize(("kernel", "operation", "loads"), [("simd_scale", "mul", 0), ("simd_add", "add", 8)])
def test_scale_and_add_are_eight_operations_from_memory(kernel, operation, loads, bits, dtype, nt):
    """A block of scale is eight multiplications from memory, a block of add eight loads and additions; both store."""
    listing.needs_width(bits)
    body = listing.hot_loop(listing.assembly(getattr(_kernels, kernel), Registers(dtype, bits, 8, nt), STREAM))
    name, suffix = listing.NAMES[bits], "pd" if dtype == "f8" else "ps"
    assert listing.count(body, rf"^v{operation}{suffix}\s+[^%]*\(.*%{name}\d+$") == 8
    assert listing.count(body, rf"^vmova\w+\s.*\(.*, %{name}\d+$") == loads
    assert listing.count(body, rf"^vmov{'nt' if nt else 'a'}\w+\s+%{name}\d+, .*\)$") == 8
    assert len(body) == 19 + loads, body


@listing.needs_x86
@pytest.mark.parametrize("nt", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("bits", listing.NAMES)
def test_triad_is_eight_fused_multiply_adds(bits, dtype, nt):
    """A block of the triad kernel is eight loads, eight fused multiply-adds from memory and eight stores."""
    listing.needs_width(bits)
    if not cpu_features.has_fma():
        pytest.skip("this CPU has no fused multiply-add")
    body = listing.hot_loop(listing.assembly(_kernels.simd_triad, Registers(dtype, bits, 8, nt), STREAM))
    name, suffix = listing.NAMES[bits], "pd" if dtype == "f8" else "ps"
    assert listing.count(body, rf"^vfmadd\d+{suffix}\s+[^%]*\(.*%{name}\d+$") == 8
    assert listing.count(body, rf"^vmov{'nt' if nt else 'a'}\w+\s+%{name}\d+, .*\)$") == 8
    assert listing.count(body, rf"^vmova\w+\s.*\(.*, %{name}\d+$") == 8
    assert len(body) == 27, body


def test_arm_loads_and_adds_in_the_last_pass():
    """On AArch64 a block is sixteen loads of q registers, in the last pass eight of pairs and additions; no spill."""
    code = listing.loops(listing.for_arm(_kernels.simd_load, Registers("i8", 256, 8), STREAM))
    bodies = [body for body in code if listing.count(body, r"\bq\d+")]
    assert len(bodies) == 2
    loading, adding = sorted(bodies, key=lambda body: listing.count(body, r"^add\s+v"))
    assert listing.count(loading, r"^ldr\s+q\d+, \[") == 16
    assert len(loading) <= 20, loading
    assert listing.count(adding, r"^ldp\s+q\d+, q\d+") == 8
    assert listing.count(adding, r"^add\s+v\d+\.2d") == 16
    assert listing.count(loading + adding, r"\[sp") == 0


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("nt", [False, True])
def test_arm_copies_pairs(nt, dtype):
    """On AArch64 a copy is `ldp q` and `stp q`, or the non-temporal `stnp q`; no call of memcpy."""
    code = listing.for_arm(_kernels.simd_copy, Registers(dtype, 256, 8, nt), STREAM)
    body = listing.hot_loop(code)
    assert listing.count(body, r"^ldp\s+q\d+, q\d+") == 8
    assert listing.count(body, rf"^{'stnp' if nt else 'stp'}\s+q\d+, q\d+") == 8
    assert listing.count(code, r"^bl\b") == listing.count(code, r"^bl\s+hwbench_clock$") == 2, "start and end alone"


def test_arm_streams_load_from_four_places():
    """On AArch64 the loads in four streams are eight q registers from memory and their additions; no spill."""
    body = listing.hot_loop(listing.for_arm(_kernels.simd_load_streams, Registers("i8", 128, 2), STREAM))
    assert 2 * listing.count(body, r"^ldp\s+q\d+, q\d+") + listing.count(body, r"^ldr\s+q\d+") == 8
    assert listing.count(body, r"^add\s+v\d+\.2d") == 8
    assert listing.count(body, r"\[sp") == 0


@pytest.mark.parametrize("nt", [False, True])
def test_arm_stores_pairs(nt):
    """On AArch64 the store kernel is `stp q`, or the non-temporal `stnp q`; no call of memset."""
    code = listing.for_arm(_kernels.simd_store, Registers("f8", 256, 8, nt), STREAM)
    assert listing.count(listing.hot_loop(code), rf"^{'stnp' if nt else 'stp'}\s+q\d+, q\d+") == 8
    assert listing.count(code, r"^bl\b") == listing.count(code, r"^bl\s+hwbench_clock$") == 2, "start and end alone"


@pytest.mark.parametrize(("kernel", "operation"), [("simd_scale", "fmul"), ("simd_add", "fadd")])
def test_arm_scale_and_add_are_one_operation_a_register(kernel, operation):
    """On AArch64 scale is sixteen fmul and add sixteen fadd, and eight stores of pairs."""
    body = listing.hot_loop(listing.for_arm(getattr(_kernels, kernel), Registers("f8", 256, 8), STREAM))
    assert listing.count(body, rf"^{operation}\s+v\d+\.2d") == 16
    assert listing.count(body, r"^stp\s+q") == 8


@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_arm_triad_is_fmla(dtype):
    """On AArch64 a triad is one fmla for each of sixteen q registers."""
    body = listing.hot_loop(listing.for_arm(_kernels.simd_triad, Registers(dtype, 256, 8), STREAM))
    assert listing.count(body, rf"^fmla\s+v\d+\.{'2d' if dtype == 'f8' else '4s'}") == 16
    assert listing.count(body, r"^stp\s+q") == 8


NBYTES = 2048  # of each array: two passes of four blocks of eight pairs, of which halves and quarters are whole blocks


@arm.needs_qemu
@pytest.mark.parametrize(
    ("kernel", "nt", "expected"),
    [
        ("simd_store", False, lambda b, c, s: np.full_like(b, s)),
        ("simd_store", True, lambda b, c, s: np.full_like(b, s)),
        ("simd_copy", True, lambda b, c, s: b),
        ("simd_copy_halves", False, lambda b, c, s: b),
        ("simd_scale", False, lambda b, c, s: s * b),
        ("simd_add", False, lambda b, c, s: b + c),
        ("simd_triad", False, lambda b, c, s: b + s * c),
        ("simd_triad_halves", True, lambda b, c, s: b + s * c),
    ],
)
def test_arm_gives_numpys_answer(kernel, nt, expected, tmp_path):
    """Run on AArch64 a kernel writes what NumPy computes, and nothing else."""
    memory = np.zeros(4 * NBYTES, np.uint8)
    a, b, c, beyond = memory.view("f8").reshape(4, -1)
    rng = np.random.default_rng(3)
    b[:], c[:], beyond[:] = rng.integers(-1000, 1000, (3, len(b)))
    places = [arm.at(NBYTES * i) for i in range(3)]
    _, after = arm.run(
        getattr(_kernels, kernel), Registers("f8", 256, 8, nt), [*places, NBYTES, 2, 0], memory, tmp_path
    )
    a[:] = expected(b, c, _kernels.SCALE)
    assert after.tobytes() == memory.tobytes()


@arm.needs_qemu
@pytest.mark.parametrize(
    ("kernel", "bits", "passes", "blocks"), [("simd_load", 256, 3, 1), ("simd_load_streams", 128, 3, 0)]
)
def test_arm_loads_add_up(kernel, bits, passes, blocks, tmp_path):
    """Run on AArch64 the last pass adds up all words; of the others the last block counts, or all of them."""
    words = np.random.default_rng(4).integers(-(2**40), 2**40, NBYTES // 8)
    registers = Registers("i8", bits, 8 if blocks else 2)
    returned, after = arm.run(
        getattr(_kernels, kernel), registers, [arm.at(0)] * 3 + [NBYTES, passes, 0], words.tobytes(), tmp_path
    )
    others = words[-registers.nbytes // 8 :].sum() if blocks else words.sum()
    assert np.frombuffer(returned, "i8")[0] == words.sum() + (passes - 1) * others
    assert after.tobytes() == words.tobytes()
