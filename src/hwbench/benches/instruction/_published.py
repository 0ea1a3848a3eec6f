"""Published latencies and throughputs of the table's instructions, in cycles, by core; None where a source has none.

InstLatx64 (https://github.com/InstLatx64/InstLatx64, at 087af2c7d72c) keeps what AIDA64 measured on each processor; the
rows are those of the file's VEX forms. For the throughput of multiply-adds, and of divisions and roots in float64, on
Zen 4 they are the EVEX ones (0.50, 5.00, 8.42): its VEX rows (0.47, 4.75, 8.17) lie 5% below, and two units for
multiply-adds cannot do 0.47. Its chain for a compare-and-swap is of registers only. uops.info
(https://uops.info/html-instr/CMPXCHG_LOCK_M64_R64.html) has that on memory.

uops.info's figures of Zen 4 are those of its instructions.xml of 2026-03-29, read from the table that asm-dude makes of
it (https://github.com/HJLebbink/asm-dude at d8c054f0dbb1, Zen4.tsv): unrolled throughput, of the forms without a memory
operand where the table has them, else of those with one, which the same units compute; latencies are whole cycles.
LLVM's model of Zen 4 (X86ScheduleZnver4.td) is fitted to such measurements, too, and no third source.

Left out is what measures something else there than here, so that a difference says nothing of the core: InstLatx64
leaves the mask of a gather empty after the first; where its older builds divide integers in one chain, the throughput
is the latency; a general register that is stored and loaded is handed on without memory where a core has learnt that
pair, which depends on the code around it; a pause may be changed by firmware or end in a hypervisor; uops.info
divides other numbers, stores without the load that follows here, and jumps over nothing; its gathers and
compare-and-swaps in that table have other widths.
"""

from __future__ import annotations

from collections.abc import Mapping

Figures = tuple[float | None, float | None]
"""Cycles of latency and of throughput."""

SOURCES = {
    "Zen 4": "InstLatx64, EPYC 9654",  # AuthenticAMD0A10F11_K19_Genoa_01_InstLatX64.txt
    "Zen 5": "InstLatx64, Ryzen 9 9950X",  # AuthenticAMD0B40F40_K20_GraniteRidge_02_512b_InstLatX64.txt
    "Ice Lake": "InstLatx64, Ice Lake-SP",  # GenuineIntel00606A6_ICX_InstLatX64.txt
    # GenuineIntel0090672_AlderLake_01_BC_AVX512_InstLatX64.txt; uops.info calls the core Alder Lake-P
    "Golden Cove": "InstLatx64, Alder Lake; LOCK CMPXCHG: uops.info",
    "Zen 4 (uops.info)": "uops.info, instructions.xml of 2026-03-29",
}
# The columns of figures that belong to the cores of a generation of processors.
CORES = {
    "Zen 4": ("Zen 4", "Zen 4 (uops.info)"), "Zen 5": ("Zen 5",), "Ice Lake": ("Ice Lake",),
    "Ice Lake-SP": ("Ice Lake",), "Ice Lake-D": ("Ice Lake",), "Alder Lake": ("Golden Cove",),
    "Sapphire Rapids": ("Golden Cove",),
}  # fmt: skip
ROWS: Mapping[str, tuple[Figures, Figures, Figures, Figures]] = {
    # operation: Zen 4, Zen 5, Ice Lake, Golden Cove
    "add-f8": ((3.0, 0.51), (1.99, 0.497), (4.0, 0.50), (1.99, 0.498)),
    "add-f4": ((3.0, 0.51), (1.99, 0.497), (4.0, 0.50), (1.99, 0.498)),
    "multiply-f8": ((3.0, 0.51), (2.99, 0.497), (4.0, 0.50), (3.98, 0.498)),
    "multiply-f4": ((3.0, 0.51), (2.99, 0.497), (4.0, 0.50), (3.98, 0.498)),
    "divide-f8": ((13.2, 5.00), (12.93, 3.977), (14.0, 8.00), (13.94, 7.966)),
    "divide-f4": ((11.1, 3.00), (9.95, 2.486), (11.0, 5.00), (10.95, 4.979)),
    "root-f8": ((21.3, 8.42), (19.90, 7.458), (18.0, 12.00), (17.93, 11.952)),
    "root-f4": ((15.2, 5.00), (13.93, 4.473), (12.0, 6.00), (11.95, 5.975)),
    "fma-f8": ((4.0, 0.50), (3.98, 0.497), (4.0, 0.50), (3.98, 0.498)),
    "fma-f4": ((4.0, 0.50), (3.98, 0.498), (4.0, 0.50), (3.98, 0.498)),
    "multiply-i8": ((3.0, 1.00), (2.98, 0.331), (3.0, 1.00), (2.98, 0.996)),
    "divide-i8": ((20.2, None), (18.93, 13.233), (18.0, None), (17.92, 9.958)),
    "shuffle": ((4.0, 0.51), (3.98, 0.497), (3.0, 1.00), (2.99, 0.996)),
    "load": ((4.0, 0.34), (3.98, 0.250), (5.0, 0.50), (4.97, 0.332)),
    "store-forward": ((10.1, 1.00), (8.95, 1.086), (7.5, 0.92), (6.75, 0.893)),
    "store-renamed": ((None, 1.00), (None, 0.924), (None, 0.84), (None, 0.575)),
    "swap": ((None, None), (None, None), (None, None), (19.0, None)),
}
UOPS_INFO: Mapping[str, Figures] = {  # of Zen 4
    "add-f8": (3.0, 0.50), "add-f4": (3.0, 0.50), "multiply-f8": (3.0, 0.50), "multiply-f4": (3.0, 0.50),
    "divide-f8": (13.0, 5.00), "divide-f4": (11.0, 3.00), "root-f8": (21.0, 8.40), "root-f4": (15.0, 5.00),
    "fma-f8": (4.0, 0.50), "fma-f4": (4.0, 0.50), "multiply-i8": (3.0, 1.00), "shuffle": (4.0, 0.50),
    "branch-not-taken": (None, 0.50),
}  # fmt: skip
NOTHING: Figures = (None, None)


def published(operation: str, way: str) -> dict[str, float]:
    """The figures of an operation by core: of `latency` or `throughput`."""
    which = 0 if way == "latency" else 1
    rows = (*ROWS.get(operation, (NOTHING,) * (len(SOURCES) - 1)), UOPS_INFO.get(operation, NOTHING))
    found = zip(SOURCES, rows, strict=True)
    return {core: figure for core, row in found if (figure := row[which]) is not None}
