"""Hold `peak.integer` and `instruction.table` against C: the same loops, compiled by g++, in turns with hwbench's.

    python scripts/more_peers.py [--pairs 11] [--json FILE]

Each case is timed in pairs, hwbench's loop and C's in random order. Printed are both medians, and the median of the
ratios with its range. C's loops are intrinsics on arrays of registers; an empty assembly statement after each step
keeps the compiler from folding steps. Both have to give the same bytes. A ratio outside of 3% is marked. `--json` keeps
the rows for docs/peers.md (see peer_rows.py).
"""

from __future__ import annotations

import argparse
import ctypes
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from peer_rows import compiler, keep

from hwbench.benches._chains import on_crew
from hwbench.benches.instruction import _operations as table
from hwbench.benches.peak import integer
from hwbench.devices.cpu import CpuDevice
from hwbench.record.estimate import estimate

SAMPLE_S = 0.01
WITHIN = 0.03
VECTORS = {128: "__m128i", 256: "__m256i", 512: "__m512i"}
PREFIX = {128: "_mm", 256: "_mm256", 512: "_mm512"}
OPS = {
    "add-int32": "{p}_add_epi32(x, a)", "add-int64": "{p}_add_epi64(x, a)",
    "multiply-int32": "{p}_mullo_epi32(x, a)", "multiply-int64": "{p}_mullo_epi64(x, a)",
    "dot-int8": "{p}_dpbusd_epi32(x, a, b)",
    "dot-bf16": "{cast_back}({p}_dpbf16_ps({cast}(x), ({bh})a, ({bh})b))",
    "aes-round": "{aes}(x, a)", "popcount-int64": "{p}_add_epi64(x, {p}_popcnt_epi64(a))",
}  # fmt: skip
SCALARS = {
    "add-int32": ("int32_t", "x + a"), "add-int64": ("int64_t", "x + a"), "multiply-int32": ("int32_t", "x * a"),
    "multiply-int64": ("int64_t", "x * a"), "popcount-int64": ("int64_t", "x + __builtin_popcountll(a)"),
}  # fmt: skip
LATENCIES = {
    "add-f8": ("__m256d", "_mm256_add_pd(x, a)"), "multiply-f8": ("__m256d", "_mm256_mul_pd(x, a)"),
    "divide-f8": ("__m256d", "_mm256_div_pd(x, a)"), "fma-f8": ("__m256d", "_mm256_fmadd_pd(a, b, x)"),
    "add-f4": ("__m256", "_mm256_add_ps(x, a)"), "multiply-f4": ("__m256", "_mm256_mul_ps(x, a)"),
    "divide-f4": ("__m256", "_mm256_div_ps(x, a)"), "fma-f4": ("__m256", "_mm256_fmadd_ps(a, b, x)"),
    "shuffle": ("__m256i", "_mm256_permutevar8x32_epi32(x, a)"), "multiply-i8": ("int64_t", "x * a"),
}  # fmt: skip
LOOP = """
extern "C" void {name}({type} *target, const {type} *source, long blocks, const {type} *operands, long count,
                       long passes)
{{
    {type} a = *operands, b = *({type} *)((char *)operands + 64);
    for (long pass = 0; pass < passes; pass++) {{
        for (long i = 0; i < blocks; i++) {{
            {type} r[{chains}];
            for (int c = 0; c < {chains}; c++) r[c] = source[i * {chains} + c];
            for (long k = 0; k < count; k++) {{
                _Pragma("GCC unroll 16") for (int t = 0; t < 16; t++)
                    _Pragma("GCC unroll 16") for (int c = 0; c < {chains}; c++) {{
                        {type} x = r[c];
                        {hold_a}
                        x = {step};
                        asm volatile("" : "+{kind}"(x));
                        r[c] = x;
                    }}
            }}
            for (int c = 0; c < {chains}; c++) target[i * {chains} + c] = r[c];
        }}
        asm volatile("" ::: "memory");
    }}
}}
"""

Timer = Callable[[int], float]


def loop(name: str, kind: str, step: str, chains: int) -> str:
    """The source of one loop."""
    held = (
        'asm volatile("" : "+{}"(a));'.format("r" if kind.startswith("int") else "v")
        if "popcnt" in step or "popcount" in step
        else ""
    )
    return LOOP.format(name=name, type=kind, chains=chains, step=step, hold_a=held,
                       kind="r" if kind.startswith("int") else "v")  # fmt: skip


def source() -> str:
    """All loops in C++."""
    parts = ["#include <immintrin.h>\n#include <stdint.h>"]
    for operation in integer.OPERATIONS:
        for bits in (0, *VECTORS):
            if integer.lacking(bits)(operation):
                continue
            name = f"{operation.replace('-', '_')}_{bits}"
            if not bits:
                parts.append(loop(name, *SCALARS[operation], integer.GENERAL))
                continue
            width = "" if bits == 128 else str(bits)
            words = {
                "p": PREFIX[bits], "cast": f"{PREFIX[bits]}_castsi{bits}_ps",
                "cast_back": f"{PREFIX[bits]}_castps_si{bits}",
                "bh": f"__m{bits}bh", "aes": "_mm_aesenc_si128" if bits == 128 else f"_mm{width}_aesenc_epi128",
            }  # fmt: skip
            parts.append(loop(name, VECTORS[bits], OPS[operation].format(**words), integer.vectors()))
    for operation, (kind, step) in LATENCIES.items():
        for way, chains in (("latency", 1), ("throughput", table.OPERATIONS[operation].chains)):
            parts.append(loop(f"{operation.replace('-', '_')}_{way}", kind, step, chains))
    return "\n".join(parts)


def built(folder: Path) -> ctypes.CDLL:
    """The loops as a library."""
    file, library = folder / "peers.cpp", folder / "peers.so"
    file.write_text(source())
    compiler = shutil.which("g++") or sys.exit("g++ is not installed")
    subprocess.run(
        [compiler, "-O3", "-march=native", "-fno-tree-vectorize", "-shared", "-fPIC", "-o", library, file], check=True
    )  # fmt: skip
    return ctypes.CDLL(str(library))


def native(
    function: Callable[..., None], x: np.ndarray, blocks: int, a: np.ndarray, b: np.ndarray, count: int
) -> tuple[Timer, np.ndarray]:
    """The timer of a C loop, and its output."""
    whole = np.zeros(2 * x.nbytes + 256 + 64, np.uint8)
    start = -whole.ctypes.data % 64
    places = whole[start:]
    places[: x.nbytes] = x.view(np.uint8)
    operands = places[2 * x.nbytes : 2 * x.nbytes + 128]
    operands[:64], operands[64:] = (np.resize(one.view(np.uint8), 64) for one in (a, b))
    address = places.ctypes.data
    arguments = [ctypes.c_void_p(address + x.nbytes), ctypes.c_void_p(address), ctypes.c_long(blocks),
                 ctypes.c_void_p(address + 2 * x.nbytes), ctypes.c_long(count)]  # fmt: skip

    def timer(loops: int) -> float:
        began = time.perf_counter()
        function(*arguments, ctypes.c_long(loops))
        return time.perf_counter() - began

    return timer, places[x.nbytes : 2 * x.nbytes]


def pairs(ours: Timer, theirs: Timer, many: int, chance: random.Random) -> tuple[float, float, list[float]]:
    """Seconds of a call of both, and the ratios of each pair: the best of five short runs on either side."""
    loops = max(1, round(SAMPLE_S / max(1e-7, min(ours(20) / 20 for _ in range(3)))))
    theirs(loops)
    found = []
    for _ in range(many):
        sides = [ours, theirs]
        chance.shuffle(sides)
        taken = {side: min(side(loops) for _ in range(5)) / loops for side in sides}
        found.append((taken[ours], taken[theirs]))
    here, there = (median(one[i] for one in found) for i in (0, 1))
    return here, there, sorted(mine / other for mine, other in found)


def main() -> int:
    """Print a line for each case; 1 where answers differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=11)
    parser.add_argument("--json", type=Path, help="keep the rows there, beside those that it has")
    arguments = parser.parse_args()
    device, chance, wrong = CpuDevice(), random.Random(7), 0  # noqa: S311 - it shuffles
    rng = np.random.default_rng(7)
    with tempfile.TemporaryDirectory() as folder:
        library = built(Path(folder))

        def compare(bench: str, name: str, unit: str, per_call: float, work, c: tuple[Timer, np.ndarray]) -> int:
            native_timer, there = c

            def timer(loops: int) -> float:
                """On the same CPU as hwbench's loop."""
                return device.crew(1).each(lambda _rank: native_timer(loops))[0]

            work.call()
            timer(1)
            here = work.output()
            same = np.asarray(here).view(np.uint8).tobytes() == there.tobytes()
            mine, other, ratios = pairs(work.timer, timer, arguments.pairs, chance)
            work.close()
            middle, spread = median(ratios), estimate(ratios)
            if arguments.json is not None:
                row = spread.value, spread.low, spread.high, arguments.pairs
                keep(arguments.json, bench, compiler(), {name: row})
            mark = "" if abs(middle - 1) <= WITHIN else "  <- apart"
            span = f"{1 / middle:.3f} ({1 / ratios[-1]:.3f}–{1 / ratios[0]:.3f})"
            figures = f"{per_call / mine * 1e-9:9.3f} {per_call / other * 1e-9:9.3f} {unit}"
            said = f"{name:28} {figures}  C/hwbench time {span}{'' if same else '  ANSWERS DIFFER'}{mark}"
            print(said, flush=True)
            return not same

        for operation in integer.OPERATIONS:
            x, a, b = integer.numbers(rng, operation)
            for bits in (0, *VECTORS):
                if integer.lacking(bits)(operation):
                    continue
                code = integer.code_of(operation, bits)
                work = integer.work_of(device, x, a, b, operation, 1, bits)
                function = getattr(library, f"{operation.replace('-', '_')}_{bits}")
                c = native(function, x, x.nbytes // code.nbytes, a, b, integer.STEPS // integer.TIMES)
                name = f"{operation} {bits or 'scalar'}"
                wrong += compare("peak.integer", name, "GOP/s", integer.counts(operation, 1)["ops"], work, c)
        for operation in LATENCIES:
            about = table.OPERATIONS[operation]
            x, a, b = about.operands(rng)
            for way in ("latency", "throughput"):
                code, turn = about.code(way)
                some = np.ascontiguousarray(x[: code.nbytes // x.itemsize])
                work = on_crew(
                    device, 1, code, 15360 // turn, some, a, b, output=lambda places: places[0].target.copy()
                )
                c = native(getattr(library, f"{operation.replace('-', '_')}_{way}"), some, 1, a, b, 15360 // turn)
                wrong += compare("instruction.table", f"{operation} {way}", "G/s", 15360, work, c)
    device.close()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
