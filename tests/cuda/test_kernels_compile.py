"""Every kernel that hwbench ships, compiled for every architecture, and its machine code held against what is meant.

A benchmark that the compiler has emptied, or whose loads it has split or merged, still gives an answer and a time. What
it times is only in the machine code.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from doubles import on_cpu
from hwbench.benches import _gpu
from hwbench.benches.device import peak, tensor
from hwbench.kernels import cuda
from inspection import nvrtc, sass

TOPICS = [*cuda.OWN, *cuda.topics()]
Code = Sequence[sass.Instruction]


@functools.cache
def compiled(arch: int) -> dict[str, dict[str, list[sass.Instruction]]]:
    """By topic the machine code of its kernels, compiled with the options that CuPy is given and those it adds."""
    options = (*cuda.OPTIONS, *cuda.CUPY_OPTIONS)
    cubins = [nvrtc.compile_source(cuda.source(topic), arch, options, f"{topic}.cu") for topic in TOPICS]
    return dict(zip(TOPICS, sass.disassemble(arch, *cubins), strict=True))


def exactly(amount: int, *opcodes: str, bits: int | None = None) -> Callable[[Code], str]:
    """`amount` instructions of these opcodes, and of this width, where one is given."""

    def check(code: Code) -> str:
        found = sass.count(code, *opcodes, bits=bits)
        return "" if found == amount else f"{found} {'/'.join(opcodes)} of {bits or 'any'} bits, not {amount}"

    return check


def at_least(amount: int, *opcodes: str, bits: int | None = None) -> Callable[[Code], str]:
    """No fewer than `amount` instructions of these opcodes."""

    def check(code: Code) -> str:
        found = sass.count(code, *opcodes, bits=bits)
        return "" if found >= amount else f"{found} {'/'.join(opcodes)} of {bits or 'any'} bits, fewer than {amount}"

    return check


def between(least: int, most: int, *opcodes: str) -> Callable[[Code], str]:
    """From `least` to `most` instructions of these opcodes."""

    def check(code: Code) -> str:
        found = sass.count(code, *opcodes)
        return "" if least <= found <= most else f"{found} {'/'.join(opcodes)}, not {least} to {most}"

    return check


def links(amount: int) -> Callable[[Code], str]:
    """As many loads that take their address from the load before."""

    def check(code: Code) -> str:
        found = sass.chained(code, "LDG" if sass.count(code, "LDG") else "LD")
        return "" if found == amount else f"{found} loads wait for the one before, not {amount}"

    return check


def only(bits: int, *opcodes: str) -> Callable[[Code], str]:
    """All accesses of these opcodes have this width."""

    def check(code: Code) -> str:
        widths = {one.bits for one in code if one.base in opcodes}
        return "" if widths == {bits} else f"{'/'.join(opcodes)} of {sorted(widths)} bits, not {bits}"

    return check


def loop_of(amount: int, opcode: str, most: int) -> Callable[[Code], str]:
    """From the first of `amount` instructions of an opcode to the last no more than `most` in all."""

    def check(code: Code) -> str:
        places = [i for i, one in enumerate(code) if one.base == opcode][:amount]
        found = places[-1] - places[0] + 1
        return "" if found <= most else f"{amount} {opcode} among {found} instructions, more than {most}"

    return check


def past_l1(least: int) -> Callable[[Code], str]:
    """No fewer loads than this that L1 does not answer (ld.cg); none at all where it is 0."""

    def check(code: Code) -> str:
        found = sum(one.base == "LDG" and "STRONG.GPU" in one.opcode for one in code)
        return "" if found >= least and (least or not found) else f"{found} loads past L1, not {least}"

    return check


def seen_by_all(least: int, *opcodes: str) -> Callable[[Code], str]:
    """No fewer accesses than this that the host sees, and that nothing may move or keep in a register (volatile)."""

    def check(code: Code) -> str:
        found = sum(one.base in opcodes and "STRONG.SYS" in one.opcode for one in code)
        return "" if found >= least else f"{found} {'/'.join(opcodes)} are volatile, not {least}"

    return check


def evicted_first(least: int) -> Callable[[Code], str]:
    """No fewer loads than this of what the caches are to give up first (ld.cs)."""

    def check(code: Code) -> str:
        found = sum(one.base == "LDG" and "EF" in one.opcode.split(".") for one in code)
        return "" if found >= least else f"{found} loads are evicted first, not {least}"

    return check


def uncrowded(opcode: str, but: int = 0) -> Callable[[Code], str]:
    """No operation but so many needs a second cycle to read its registers."""

    def check(code: Code) -> str:
        found = sass.crowded(code, opcode)
        return "" if found <= but else f"{found} {opcode} read two registers from one bank, more than {but}"

    return check


# The walk begins by one volatile load and ends by a volatile store, which the clock's second reading stays behind.
WALK = (seen_by_all(1, "LDG", "LD"), seen_by_all(1, "STG", "ST"))
FACTS: dict[tuple[str, str], Sequence[Callable[[Code], str]]] = {
    ("transfer.copy", "move16"): (at_least(1, "LDG", bits=128), at_least(1, "STG", bits=128), only(128, "LDG", "STG")),
    ("transfer.copy", "chain"): (exactly(32, "FFMA"), exactly(1, "LDG"), exactly(1, "STG")),
    # 16 bytes of each array a thread, whatever the width.
    **{
        ("device.stream", f"{kernel}{width}"): (
            exactly(arrays * 16 // width, "LDG"),
            exactly(16 // width, "STG"),
            only(8 * width, "STG"),
            *([only(8 * width, "LDG")] if arrays else []),
            exactly(4 * (kernel == "triad"), "FFMA"),
            past_l1(0),
        )
        for kernel, arrays in (("copy", 1), ("triad", 2), ("write", 0))
        for width in (4, 8, 16)
    },
    **{
        ("device.stream", f"{kernel}{width}_again"): (
            exactly(4 * arrays, "LDG", bits=8 * width),
            exactly(4, "STG", bits=8 * width),
            past_l1(4 * arrays),
        )
        for kernel, arrays in (("copy", 1), ("triad", 2), ("write", 0))
        for width in (4, 8, 16)
    },
    **{
        ("device.stream", f"read{width}"): (exactly(4, "LDG", bits=8 * width), exactly(1, "STG", bits=32), past_l1(4))
        for width in (4, 8, 16)
    },
    ("device.latency", "link"): (at_least(2, "LDG", bits=64), at_least(1, "STG", bits=64), only(64, "LDG", "STG")),
    ("device.latency", "warm"): (at_least(3, "LDG", bits=64), only(64, "LDG", "STG"), evicted_first(1), past_l1(1)),
    # The walk, and the threads that fill the cache before it: as through L1 or past it as the walk.
    ("device.latency", "chase_ca"): (links(16), at_least(17, "LDG"), at_least(1, "BAR"), past_l1(0), *WALK),
    ("device.latency", "chase_cg"): (links(16), at_least(17, "LDG"), at_least(1, "BAR"), past_l1(17), *WALK),
    ("device.coalescing", "pick"): (exactly(4, "LDG"), exactly(4, "STG"), links(0)),
    ("device.coalescing", "pick_index"): (exactly(8, "LDG"), exactly(4, "STG")),
    # Sixteen fields a turn, and those left over; none waits for the one before.
    ("device.coalescing", "sum_fields"): (at_least(20, "LDG", bits=32), exactly(1, "STG"), only(32, "LDG"), links(0)),
    ("device.coalescing", "banks"): (
        exactly(16, "LDS", bits=32),
        at_least(1, "STS"),
        at_least(16, "FADD"),
        loop_of(16, "LDS", 48),
    ),
    ("device.cache", "read_l1"): (exactly(4, "LDG", bits=128), past_l1(0), links(0), at_least(16, "FADD")),
    ("device.cache", "read_shared"): (exactly(4, "LDS", bits=128), at_least(1, "BAR"), at_least(16, "FADD")),
    # Two items of 16 bytes a thread, and each pair of multiply-adds on each of their elements; at the full rate.
    **{
        ("device.roofline", f"fused_{dtype}_{pairs}"): (
            exactly(2, "LDG", bits=128),
            exactly(2, "STG", bits=128),
            exactly(2 * pairs * chains, opcode),
            # But for those that begin a row with a new summand, which the reuse cache does not have yet.
            *([uncrowded(opcode, but=2)] if opcode == "FFMA" else []),
            links(0),
            past_l1(0),
        )
        for dtype, opcode, chains in (("f4", "FFMA", 8), ("f8", "DFMA", 4))
        for pairs in (1, 8, 32)
    },
    ("device.divergence", "paths"): (exactly(1024, "FFMA"), at_least(1, "BRX", "BRA")),
    **{
        ("device.occupancy", f"copy_{loads}"): (exactly(loads, "LDG", bits=128), exactly(loads, "STG", bits=128))
        for loads in (1, 2, 4, 8)
    },
    **{
        ("device.peak", f"fma_{dtype}_{chains}"): (exactly(65 * chains, opcode), exactly(chains, "STG"))
        for dtype, opcode in (("f8", "DFMA"), ("f2", "HFMA2"))
        for chains in (1, 2, 4, 8)
    },
    # An address takes an IMAD, too: there may be more, but none may be missing.
    **{
        ("device.peak", f"fma_i4_{chains}"): (between(65 * chains, 65 * chains + 8, "IMAD"), exactly(chains, "STG"))
        for chains in (1, 2, 4, 8)
    },
    # All at the full rate but the first of a pass, whose factor is an argument.
    **{
        ("device.peak", f"fma_f4_{chains}"): (
            exactly(65 * chains, "FFMA"),
            uncrowded("FFMA", but=chains),
            exactly(chains, "STG"),
        )
        for chains in (1, 2, 4, 8)
    },
    # Not stored, so not computed: were it otherwise, counts would say nothing about what reaches memory.
    ("device.peak", "control"): (exactly(0, "FFMA", "FMUL", "FADD", "LDG", "STG"),),
    ("device.sync", "barriers_block"): (between(16, 18, "BAR"),),
    ("device.sync", "barriers_grid"): (at_least(2, "ATOM", "ATOMG"), at_least(2, "MEMBAR"), at_least(2, "BAR")),
    ("device.sync", "step"): (exactly(1, "LDG"), exactly(1, "STG"), exactly(0, "BAR", "MEMBAR", "ATOM", "ATOMG")),
    ("device.graph", "advance"): (at_least(1, "LDG", bits=32), at_least(1, "STG"), past_l1(1), exactly(0, "BAR")),
    # What the steps load, and the barrier's two loads, of which one is in the loop that waits.
    ("device.graph", "advance_all"): (
        past_l1(3),
        seen_by_all(2, "LDG", "LD"),
        at_least(1, "NANOSLEEP"),
        at_least(2, "BAR"),
        at_least(3, "MEMBAR"),
        at_least(2, "ATOM", "ATOMG", "RED", "REDG"),
    ),
    ("device.sync", "mark"): (exactly(1, "STG"),),
    ("device.sync", "atomic_global"): (at_least(1, "RED", "REDG", "ATOMG"), exactly(0, "ATOMS")),
    ("device.sync", "atomic_shared"): (at_least(1, "ATOMS"), at_least(1, "BAR")),
    ("device.sync", "atomic_warp"): (at_least(1, "SHFL"), at_least(1, "RED", "REDG", "ATOMG")),
    # The loop's look, and the first; the answer, and what says that it gave up; no fence between two numbers.
    ("transfer.mailbox", "reply"): (
        seen_by_all(1, "LD", "LDG"),
        seen_by_all(2, "ST", "STG"),
        only(64, "LD", "LDG", "ST", "STG"),
        exactly(1, "MEMBAR"),
    ),
    ("gpu_gate", "gate"): (
        seen_by_all(2, "LD", "LDG"),
        seen_by_all(1, "ST", "STG"),
        at_least(1, "NANOSLEEP"),
        at_least(1, "MEMBAR"),
    ),
    ("gpu_gate", "stamp"): (
        exactly(3, "STG", "ST", bits=64),
        seen_by_all(3, "STG", "ST"),
        at_least(2, "CS2R", "S2UR", "S2R"),
        at_least(1, "MEMBAR"),
    ),
    ("gpu_gate", "burn"): (at_least(64, "FFMA"),),
}
MATRIX = ("HMMA", "QMMA", "IMMA")
# Multiplications by tensor cores by architecture: 64 a turn of the loop where the instruction exists, none elsewhere.
TENSOR = {
    "mma_f16": {arch: 64 * (1 + (arch < 80)) for arch in cuda.ARCHS},  # Turing's is half as deep
    "mma_f16_sums": {arch: 64 * (arch >= 80) for arch in cuda.ARCHS},
    "mma_int8": {arch: 64 * (arch >= 80) for arch in cuda.ARCHS},
    "mma_bf16": {arch: 64 * (arch >= 80) for arch in cuda.ARCHS},
    "mma_tf32": {arch: 64 * (arch >= 80) for arch in cuda.ARCHS},
    "mma_fp8": {arch: 64 * (arch >= 120) for arch in cuda.ARCHS},
}


@pytest.mark.parametrize("arch", cuda.ARCHS, ids="sm_{}".format)
@pytest.mark.parametrize("topic", TOPICS)
def test_every_kernel_compiles_and_spills_nothing(topic, arch):
    """Each source gives machine code for each architecture, all of its kernels in it, none with local memory."""
    code = compiled(arch)[topic]
    assert set(code) == set(on_cpu.kernels(cuda.source(topic)))
    assert {kernel: sass.spills(one) for kernel, one in code.items() if sass.spills(one)} == {}


@pytest.mark.parametrize("arch", cuda.ARCHS, ids="sm_{}".format)
@pytest.mark.parametrize(("topic", "kernel"), FACTS, ids=lambda name: name)
def test_the_machine_code_is_what_is_timed(topic, kernel, arch):
    """Loads, stores and arithmetic are there in the number and width that the bench counts."""
    code = compiled(arch)[topic][kernel]
    assert [said for fact in FACTS[topic, kernel] if (said := fact(code))] == []


@pytest.mark.parametrize("arch", cuda.ARCHS, ids="sm_{}".format)
@pytest.mark.parametrize("kernel", TENSOR)
def test_tensor_cores_do_the_multiplying(kernel, arch):
    """A matrix instruction is 64 times in the loop where the architecture has it, and the kernel is empty elsewhere."""
    assert sass.count(compiled(arch)["device.tensor"][kernel], *MATRIX) == TENSOR[kernel][arch]


CARD: Any = SimpleNamespace(properties=SimpleNamespace(sm=1), resident=lambda topic, kernel, block: 1)


@pytest.mark.parametrize(("dtype", "opcode", "each"), [("f8", "DFMA", 2), ("f4", "FFMA", 2), ("f2", "HFMA2", 4)])
@pytest.mark.parametrize("chains", [1, 8])
def test_the_flops_of_chains_are_those_of_their_machine_code(dtype, opcode, each, chains):
    """What stands in the loop of 32 pairs, and before it, by how often both are gone through by a block's threads."""
    found = sass.count(compiled(90)["device.peak"][f"fma_{dtype}_{chains}"], opcode)
    loop = found - chains  # the first operation of a pass is outside of it
    in_all = (loop * (_gpu.PAIRS // _gpu.UNROLLED) + chains) * peak.PASSES * each * 256
    assert peak.flops(CARD, np.dtype(dtype), chains) == {"flops": in_all}


@pytest.mark.parametrize("kernel", TENSOR)
def test_the_flops_of_tensor_cores_are_those_of_their_machine_code(kernel):
    """Instructions of the loop x 2 x 16 x 8 x K, by how often a block's eight warps go through it."""
    precision = kernel.removeprefix("mma_")
    arch = next(arch for arch in (90, 120) if TENSOR[kernel][arch])
    found = sass.count(compiled(arch)["device.tensor"][kernel], *MATRIX)
    depth = {"tf32": 8, "f16": 16, "bf16": 16, "fp8": 32, "int8": 32, "f16_sums": 16}[precision]
    assert tensor.tensor_flops(CARD, precision) == {"flops": found * 2 * 16 * 8 * depth * tensor.MMA_LOOPS * 8}


def test_every_kernel_that_is_shipped_has_its_facts():
    """None is shipped of which nobody says what its machine code is to be; no fact is left behind when one goes."""
    shipped = {(topic, kernel) for topic in TOPICS for kernel in on_cpu.kernels(cuda.source(topic))}
    assert set(FACTS) | {("device.tensor", kernel) for kernel in TENSOR} == shipped


def test_the_real_cupy_adds_the_options_that_are_compiled_with_here(monkeypatch):
    """Beside where its headers lie and the architecture: what a release of CuPy changes there would be seen here."""
    pytest.importorskip("cupy", reason="needs CuPy (tox -e gpu)")
    from cupy._core import core
    from cupy.cuda import compiler

    class Seen(Exception):
        pass

    asked, plain = [], compiler._NVRTCProgram.compile

    def spy(self, options=(), log_stream=None):
        if self.src:  # an empty source comes first, for the compiler's version
            asked.extend(options)
            raise Seen
        return plain(self, options, log_stream)

    monkeypatch.setattr(compiler._NVRTCProgram, "compile", spy)
    monkeypatch.setattr(compiler, "_get_arch_for_options_for_nvrtc", lambda arch=None: ("-arch=sm_90", "cubin"))
    with pytest.raises(Seen):  # as RawModule compiles, which asks for the GPU first
        core.compile_with_cache(cuda.source("gpu_gate"), cuda.OPTIONS, arch="90", prepend_cupy_headers=False)
    added = [option for option in asked if not option.startswith(("-I", "-arch="))]
    assert sorted(added) == sorted((*cuda.OPTIONS, *cuda.CUPY_OPTIONS))


BROKEN = [
    ("device.peak", "fma_f4_8", "fused(x[i], factor<type>::up, b)", "fused(x[i], one + one, b)", "bank"),
    ("device.stream", "copy16_again", "= __ldcg(&from[i + k * blockDim.x])", "= from[i + k * blockDim.x]", "L1"),
    ("gpu_gate", "gate", "volatile unsigned *flag", "unsigned *flag", "volatile"),
    ("device.latency", "warm", "__ldcs(order + at)", "order[at]", "evicted first"),
    ("device.latency", "chase_cg", "return __ldcg(at)", "return *at", "L1"),
    ("device.stream", "copy16", "COPY(copy16, float4)", "COPY(copy16, float2)", "LDG"),
    ("device.peak", "fma_f4_8", "to[i * threads + thread] = x[i]", "to[i * threads + thread] = x[0]", "FFMA"),
    ("device.latency", "chase_cg", "at = load((const address*)at)", "at += load((const address*)state)", "wait"),
    (
        "device.coalescing",
        "sum_fields",
        "total += at[(f + k) * field]",
        "total += at[(f + (int)total) * field]",
        "wait",
    ),
    ("device.sync", "step", "*to = *to + 1", "*to = 1", "LDG"),
]


@functools.cache
def broken() -> list[dict[str, list[sass.Instruction]]]:
    """The machine code of each source in which one thing is broken."""
    cubins = []
    for topic, _, right, wrong, _ in BROKEN:
        source = cuda.source(topic)
        assert right in source
        cubins.append(nvrtc.compile_source(source.replace(right, wrong), 90, cuda.OPTIONS))
    return sass.disassemble(90, *cubins)


@pytest.mark.parametrize("case", range(len(BROKEN)), ids=lambda case: "-".join(BROKEN[case][:2]))
def test_machine_code_that_is_not_what_is_meant_is_noticed(case):
    """Narrower accesses, arithmetic whose result nobody needs, and loads that need not wait each break a fact."""
    topic, kernel, _, _, said = BROKEN[case]
    code = broken()[case][kernel]
    assert any(said in fact(code) for fact in FACTS[topic, kernel])
