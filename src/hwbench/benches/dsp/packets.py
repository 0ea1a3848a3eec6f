"""The lecture's signal processor as machine code: how many multiply-adds an instruction or a VLIW packet does.

A digital signal processor is a VLIW machine: instructions that begin together are written as one packet. Nothing is
run here. The LLVM inside llvmlite compiles a dot product, a convolution of 8 taps and a butterfly of a Fourier
transform for Hexagon, AArch64, x86-64, RISC-V and CDNA, with the vectors stated in the IR, and the innermost loop is
counted: instructions, packets, loads, multiply-adds. Hexagon's `vrmpy` does 128 in one instruction.

Seconds are the compiler's, and say nothing of the code. The counts are static: no cache, no dependence and no clock is
in them. x86's `vpdpbusd` multiplies unsigned by signed bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...bench import Bench, Work
from ...kernels import cross
from ...protocols import Array, Results, Values
from ...record import phrases, text
from ...record.model import Answer, Record
from ._loops import KINDS, ir_of
from ._targets import TARGETS

LONGEST = 60  # instructions of a loop that are kept

bench = Bench(
    "dsp.packets",
    question="How many multiply-adds does an instruction or a VLIW packet do, by instruction set (static)?",
    axes={"loop": ("dot",), "dtype": ("i1",)},
    baseline="hexagon",
    measures="machine code",
    answers=(Answer("per_issue", "multiply-adds a packet or instruction (static)", "", higher=True),),
    core=False,
    version=2,
    sweeps=({"loop": ("dot",), "dtype": ("f4",)}, {"loop": ("convolution", "butterfly"), "dtype": ("i2",)}),
    full={"loop": tuple(KINDS), "dtype": ("i1", "i2", "f4")},
    tolerance=0.0,
)


@bench.inputs
def turns(loop: str, dtype: np.dtype) -> tuple[str, str]:
    """The loop and the type of its elements."""
    return loop, dtype.str[1:]


@bench.reference
def multiplies() -> Array:
    """One loop was found, and it multiplies."""
    return np.ones(1, np.int64)


@bench.counts
def counts() -> dict[str, float]:
    """One loop."""
    return {"calls": 1}


@bench.memory
def memory() -> int:
    """A module of LLVM and its code."""
    return 1 << 24


def compiled(variant: str, loop: str, kind: str) -> Work:
    """The work of compiling a loop for one target; its facts are what the code has."""
    target = TARGETS[variant]
    source = ir_of(target, loop, kind)

    def call() -> cross.Code:
        return cross.compiled_for(source, target.triple, target.cpu, target.features)

    code = call()
    last = [code]

    def timed() -> None:
        last[0] = call()

    macs = KINDS[loop] * target.lanes[kind] * target.scale
    issues = code.packets or len(code.loop)
    facts: Values = {
        "static": True, "about": target.about, "cpu": target.cpu, "features": target.features,
        "macs": macs, "instructions": len(code.loop), "packets": code.packets or None, "loads": code.loads,
        "bytes": code.nbytes, "per_instruction": round(macs / len(code.loop), 3),
        "per_issue": round(macs / issues, 3),
        "widest": target.lanes[kind] * target.scale,
        "peak": target.peak.get(kind), "source": target.source if kind in target.peak else None,
        "assembly": list(code.loop[:LONGEST]),
    }  # fmt: skip
    return Work(timed, output=lambda: np.array([int(last[0].multiplies)]), facts=facts)


@bench.variant("hexagon")
def hexagon(loop: str, dtype: np.dtype) -> Work:
    """Hexagon V68, one element at a time."""
    return compiled("hexagon", loop, dtype.str[1:])


@bench.variant("hexagon-hvx")
def hexagon_hvx(loop: str, dtype: np.dtype) -> Work:
    """Hexagon V68 with HVX, vectors of 128 bytes; V68 has none of float32."""
    return compiled("hexagon-hvx", loop, dtype.str[1:])


@bench.variant("neon")
def neon(loop: str, dtype: np.dtype) -> Work:
    """AArch64, NEON of 128 bits and `sdot` for int8."""
    return compiled("neon", loop, dtype.str[1:])


@bench.variant("sve")
def sve(loop: str, dtype: np.dtype) -> Work:
    """AArch64, SVE counted at 256 bits (Neoverse V1)."""
    return compiled("sve", loop, dtype.str[1:])


@bench.variant("sse")
def sse(loop: str, dtype: np.dtype) -> Work:
    """x86-64, SSE2 of 128 bits."""
    return compiled("sse", loop, dtype.str[1:])


@bench.variant("avx2")
def avx2(loop: str, dtype: np.dtype) -> Work:
    """x86-64, AVX2 of 256 bits and FMA."""
    return compiled("avx2", loop, dtype.str[1:])


@bench.variant("avx512-vnni")
def avx512_vnni(loop: str, dtype: np.dtype) -> Work:
    """x86-64, AVX-512 with VNNI."""
    return compiled("avx512-vnni", loop, dtype.str[1:])


@bench.variant("rvv")
def rvv(loop: str, dtype: np.dtype) -> Work:
    """RISC-V with V, counted at 128 bits."""
    return compiled("rvv", loop, dtype.str[1:])


@bench.variant("gfx942")
def gfx942(loop: str, dtype: np.dtype) -> Work:
    """AMD CDNA 3, an instruction of a wave of 64 lanes."""
    return compiled("gfx942", loop, dtype.str[1:])


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """Multiply-adds a packet or an instruction of the int8 dot product, by instruction set."""
    place = {"loop": "dot", "dtype": "i1"}
    found = [record for name in TARGETS if (record := results.find(name, **place)) is not None]
    found.sort(key=lambda record: -float(record.facts["per_issue"]))
    if found:
        told = [f"{text.amount(record.facts['per_issue'])} {_issue(record)} ({record.variant})" for record in found]
        yield f"Multiply-adds of an int8 dot product's loop, counted in its machine code: {phrases.listed(told)}."
        hexagon = next((record for record in found if record.variant == "hexagon-hvx"), None)
        if hexagon is not None:
            yield f"One Hexagon instruction (vrmpy) does {hexagon.facts['widest']} multiply-adds."


def _issue(record: Record) -> str:
    return "a packet" if record.facts["packets"] else "an instruction"
