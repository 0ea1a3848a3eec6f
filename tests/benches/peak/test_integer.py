"""The integer peak: every step of every width shows in the answer; counts, machine code and sentences."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from hwbench.benches import _chains
from hwbench.benches.peak import fma, integer
from hwbench.benches.peak._integers import OPERATIONS, SCALAR
from hwbench.devices.cpu import CpuDevice
from inspection import listing
from inspection.answers import reading, verdict
from inspection.told import STOLEN, doubt, said, spread

BENCH = integer.bench
ARGUMENTS = (listing.INT,) * 8
# The instruction of each operation as it is disassembled.
MNEMONICS = {
    "add-int32": "addl|vpaddd", "add-int64": "addq|vpaddq", "multiply-int32": "imull|vpmulld",
    "multiply-int64": "imulq|vpmullq", "dot-int8": "({vex} )?vpdpbusd", "dot-bf16": "vdpbf16ps", "aes-round": "vaesenc",
    "popcount-int64": "popcntq|vpopcntq",
}  # fmt: skip


@pytest.fixture(scope="module")
def device():
    made = CpuDevice()
    yield made
    made.close()


def widest(operation):
    """The widest form that this machine has; None without any."""
    return next((bits for bits in (512, 256, 128, SCALAR) if integer.lacking(bits)(operation) is None), None)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_step_counts_on_every_thread(device, monkeypatch, operation):
    """The widest form, on all threads, ends at the closed form; with a turn of the loop less it does not."""
    bits = widest(operation)
    if bits is None:
        pytest.skip(str(integer.lacking(128)(operation)))
    variant = str(bits) if bits else "scalar"
    values = {"device": device, "operation": operation, "threads": device.host.usable}
    assert verdict(BENCH, variant, values) == ""
    right = _chains.chains
    monkeypatch.setattr(_chains, "chains", lambda *given: right(*given[:6], given[6] - 1, *given[7:]))
    assert "differs from the reference" in verdict(BENCH, variant, values)


def test_scalars_give_the_same_answer(device):
    """General registers take the numbers eight at a time."""
    if reason := integer.lacking(SCALAR)("add-int32"):
        pytest.skip(str(reason))
    assert verdict(BENCH, "scalar", {"device": device, "operation": "add-int32", "threads": 1}) == ""


def test_operations_are_counted_as_the_table_says():
    """A dot product does two for each number that it multiplies, a round of AES is of 16 bytes."""
    steps = integer.STEPS * integer.NBYTES
    for operation, per_byte in (("add-int32", 1 / 4), ("multiply-int64", 1 / 8), ("dot-int8", 2), ("dot-bf16", 1),
                                ("aes-round", 1 / 16), ("popcount-int64", 1 / 8)):  # fmt: skip
        assert integer.counts(operation, 3) == {"ops": per_byte * steps * 3}
    assert "there are add-int32" in str(integer.lacking(128)("divide"))


def test_chains_of_each_width_divide_the_numbers():
    """No number is left over, whatever the width; bfloat16's factors are stored exactly."""
    for chains in (12, 16):
        assert all(integer.NBYTES % (chains * bits // 8) == 0 for bits in (128, 256, 512))
    assert all(integer.NBYTES % (integer.GENERAL * size) == 0 for size in (4, 8))
    _, a, b = integer.numbers(np.random.default_rng(0), "dot-bf16")
    assert [one.view(np.uint16).tolist() for one in (a, b)] == [[0x3D04] * 2, [0x3CF8] * 2]


@listing.needs_x86
@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_loop_has_the_instruction_and_nothing_else(operation):
    """A step of each chain is the operation's one instruction between registers; nothing touches memory."""
    bits = widest(operation)
    if bits is None:
        pytest.skip(str(integer.lacking(128)(operation)))
    code = integer.code_of(operation, bits)
    body = listing.instructions(listing.hot_loop(listing.assembly(_chains.chains, code, ARGUMENTS)))
    steps = integer.TIMES * code.registers.count
    assert listing.count(body, rf"^({MNEMONICS[operation]})\s") == steps
    assert listing.count(body, r"^vpaddq\s") == (steps if operation in ("popcount-int64", "add-int64") and bits else 0)
    assert len(body) <= steps * (2 if operation == "popcount-int64" else 1) + 4
    assert listing.count(body, r"\(") == 0, "a spill or a load"
    if bits:
        assert listing.count(body, listing.NAMES[bits]) >= steps


def peaks(operations=("add-int32", "dot-int8", "aes-round"), floats=False):
    """10 GOP/s scalar, 40 with 512 bits on one thread and 80 on two; 20 GFLOP/s in float32 a thread."""
    rows = [
        (variant, {"operation": operation, "threads": threads}, 1e9 / (rate * (2 if threads == "all" else 1)))
        for operation in operations for variant, rate in (("scalar", 10e9), ("512", 40e9)) for threads in (1, "all")
    ]  # fmt: skip
    read = spread(reading(BENCH, rows, {"ops": 1e9}))
    read.records = [
        msgspec.structs.replace(r, facts={"threads": 2 if r.params["threads"] == "all" else 1}) for r in read.records
    ]
    if floats:
        beside = spread(
            reading(fma.bench, [("512", {"dtype": "f4", "threads": "all", "chains": 12}, 1e9 / 40e9)], {"flops": 1e9})
        )
        run = msgspec.structs.replace(read.run, records=[*read.records, *beside.records])
        read = type(read)(BENCH, run)
    return read


def test_findings_tell_the_fastest_width_on_all_threads():
    """Additions, dot products and AES with what it is in bytes; suspect records mark their sentence."""
    read = peaks()
    assert said(read) == [
        "Integer peak on 2 threads: 80.0 GOP/s (…) of 32-bit additions by 512-bit instructions.",
        "Dot products on 2 threads: 80.0 GOP/s (…) of int8 dot products by 512-bit instructions.",
        "AES on 2 threads: 80.0 GOP/s (…) of rounds of AES by 512-bit instructions, or 128 GB/s (…) of AES-128.",
    ]
    assert said(peaks(("aes-round", "popcount-int64"))) == [
        "AES on 2 threads: 80.0 GOP/s (…) of rounds of AES by 512-bit instructions, or 128 GB/s (…) of AES-128. "
        "Counts on 2 threads: 80.0 GOP/s (…) of population counts of 64 bits by 512-bit instructions.",
    ]
    assert said(peaks(("dot-bf16",)))[0].endswith("of bfloat16 (floating-point) dot products by 512-bit instructions.")
    assert [one.endswith(STOLEN) for one in said(doubt(read, "512", operation="dot-int8"))] == [False, True, False]
    assert said(reading(BENCH, [], {})) == []


def test_a_dot_product_is_told_beside_float32():
    """Where the multiply-adds were measured on as many threads."""
    assert said(peaks(("dot-int8",), floats=True))[0].startswith(
        "Dot products on 2 threads: 80.0 GOP/s (…) of int8 dot products by 512-bit instructions, 2.00× float32's"
    )
