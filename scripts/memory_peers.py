"""Are the loops of the further memory benches as fast as the same loops in C? Pairs in turn on the same memory.

    python scripts/memory_peers.py [--pairs 31] [--only NAME …] [--level L1 L2 DRAM] [--loops] [--likwid] [--json FILE]

One C++ file with the loops of `stream.mix`, `access.gather` and `access.translation` in intrinsics is compiled by g++
and called in this process: the same buffers, the same thread on one CPU, one sample of each in turn, the order swapped
in each pair. `numa.matrix` uses the loops of `load` and `chase`. A row is the time of hwbench's kernel over that of the
C loop, the median of the pairs with its 95% interval. `--loops` prints both innermost loops instead of timing them.

g++ may not change the order in which a block loads, computes and stores (-fno-schedule-insns2, and a barrier between
the three): another order is another loop. At -O2 alone it mixes them, and its add in L1 was 5% faster, its copy in
memory 8% slower than as written. `loop` says whether both have the same accesses in the same order.

`--likwid` compares the cases of `stream.mix` as the bench runs them with the tests of likwid-bench that have the same
ratio of reads to writes, in processes of their own, on small pages. `--json` keeps the rows for docs/peers.md (see
peer_rows.py).

Exit code: 0 where each ratio lies within 3% of 1, or its interval contains 1; else 1; 2 where nothing can be compiled.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1] / one) for one in ("src", "tests")]

from peer_rows import compiler, keep  # noqa: E402

from hwbench.benches.access import _elements, gather, translation  # noqa: E402
from hwbench.benches.latency import chase  # noqa: E402
from hwbench.benches.stream import _kernels, mix  # noqa: E402
from hwbench.crosscheck.tools import likwid  # noqa: E402
from hwbench.devices.cpu import CpuDevice  # noqa: E402
from hwbench.kernels.cpu_features import stream_width  # noqa: E402
from hwbench.kernels.gather import gather_width, scatter_width  # noqa: E402
from hwbench.kernels.simd import Registers  # noqa: E402
from hwbench.record.estimate import paired_ratio  # noqa: E402
from inspection.machine_code import simple_loops  # noqa: E402

NEAR = 0.03
SAMPLE_S = 0.02  # about
LIKWID_S = 0.2
UNROLL = 8

SOURCE = r"""
#include <immintrin.h>
#include <stdint.h>
#if defined(__AVX512F__)
typedef __m512i I; typedef __m512d D;
#define LOADI(p) _mm512_load_si512((const void*)(p))
#define ADDI _mm512_add_epi64
#define LOADD(p) _mm512_load_pd((const double*)(p))
#define ADDD _mm512_add_pd
#define STORED(p, x) _mm512_store_pd((double*)(p), x)
#define STREAMD(p, x) _mm512_stream_pd((double*)(p), x)
#define SETD _mm512_set1_pd
#define KEEP(x) asm volatile("" :: "v"(x))
#else
typedef __m256i I; typedef __m256d D;
#define LOADI(p) _mm256_load_si256((const I*)(p))
#define ADDI _mm256_add_epi64
#define LOADD(p) _mm256_load_pd((const double*)(p))
#define ADDD _mm256_add_pd
#define STORED(p, x) _mm256_store_pd((double*)(p), x)
#define STREAMD(p, x) _mm256_stream_pd((double*)(p), x)
#define SETD _mm256_set1_pd
#define KEEP(x) asm volatile("" :: "x"(x))
#endif
#define W ((int64_t)sizeof(I))
#define EACH for (int k = 0; k < 8; k++)
#define BARRIER asm volatile("" ::: "memory")
#define C extern "C" __attribute__((noinline))
typedef int64_t L;

// As hwbench's loops: all loads of a block, then what is added to them, then all its stores. A pass of loads adds its
// last block.
C L c_load(L a, L, L, L, L n, L passes) {
    I x[8] = {}, s[8] = {};
    while (passes--) {
        for (L i = 0; i < n; i += 8 * W) _Pragma("GCC unroll 8") EACH { x[k] = LOADI(a + i + k * W); KEEP(x[k]); }
        _Pragma("GCC unroll 8") EACH s[k] = ADDI(s[k], x[k]);
        BARRIER; }
    _Pragma("GCC unroll 8") EACH KEEP(s[k]);
    return 0;
}
#define BLOCK(what) _Pragma("GCC unroll 8") EACH { what; }
#define WRITES(name, loads, STORE, suffix) \
    C void c_##name##suffix(L a, L b, L c, L d, L n, L passes) { \
        D s = SETD(3), x[8]; (void)b; (void)c; (void)d; (void)s; \
        while (passes--) { for (L i = 0; i < n; i += 8 * W) { loads BARRIER; BLOCK(STORE(a + i + k * W, x[k])) } \
                           BARRIER; } \
        _mm_mfence(); }
#define FROM(p) LOADD(p + i + k * W)
#define BOTH(name, loads) WRITES(name, loads, STORED, ) WRITES(name, loads, STREAMD, _nt)
BOTH(store, BLOCK(x[k] = s))
BOTH(copy, BLOCK(x[k] = FROM(b)))
BOTH(add, BLOCK(x[k] = FROM(b)) BARRIER; BLOCK(x[k] = ADDD(x[k], FROM(c))))
BOTH(sum, BLOCK(x[k] = FROM(b)) BARRIER; BLOCK(x[k] = ADDD(x[k], FROM(c))) BARRIER; BLOCK(x[k] = ADDD(x[k], FROM(d))))

#define AT(p) (*(L*)(p))
#define HERE(x) asm volatile("" : "+r"(x))
// The gathers are in the order that LLVM has chosen: i is advanced before the last words are added. Where that comes
// last, a gather in sequence takes 4% longer from L2 (Zen 4), by LLVM's code as by GCC's.
C L c_gather(L base, L first, L last, L passes) {
    L even = 0, odd = 0;
    while (passes--) { even = odd = 0; for (L i = first; i < last;) {
        L j = AT(i), k = AT(i + 8), l = AT(i + 16);
        HERE(j); HERE(k); HERE(l); even += AT(base + j); HERE(even);
        L m = AT(i + 24); HERE(m); odd += AT(base + k); HERE(odd); i += 32; HERE(i);
        even += AT(base + l); odd += AT(base + m); } BARRIER; }
    return even + odd;
}
C void c_scatter(L base, L first, L last, L passes) {
    while (passes--) { for (L i = first; i < last; i += 32) {
        L a = AT(i), b = AT(i + 8), c = AT(i + 16), d = AT(i + 24);
        AT(base + a) = a; AT(base + b) = b; AT(base + c) = c; AT(base + d) = d; } BARRIER; }
}
#if defined(__AVX2__)
#if defined(__AVX512F__)
// GCC's intrinsic leaves the register that it gathers into as it was, so that each gather waits for the one before.
// With zeros and mask copied from other registers, a gather in sequence takes 3% longer from L2 (Zen 4).
static inline I gathered(L base, I offsets) {
    I found; __mmask8 every;
    asm("kxnorb %%k0, %%k0, %1; vpxor %x0, %x0, %x0; vpgatherqq (%2,%3,1), %0%{%1%}"
        : "=&x"(found), "=&Yk"(every) : "r"(base), "v"(offsets) : "memory");
    return found;
}
#else
static inline I gathered(L base, I offsets) {
    return _mm256_mask_i64gather_epi64(I{}, (const long long*)base, offsets, _mm256_set1_epi64x(-1), 1);
}
#endif
C L c_gather_vector(L base, L first, L last, L passes) {
    I s = {}, t = {};
    while (passes--) { s = t = I{}; for (L i = first; i < last;) {
        I a = LOADI(i); KEEP(a); I b = LOADI(i + W); KEEP(b); i += 2 * W; HERE(i);
        I x = gathered(base, a), y = gathered(base, b); s = ADDI(s, x); t = ADDI(t, y); } BARRIER; }
    s = ADDI(s, t); L out[W / 8]; __builtin_memcpy(out, &s, W); L sum = 0; for (L x : out) sum += x; return sum;
}
#endif
#if defined(__AVX512F__)
C void c_scatter_vector(L base, L first, L last, L passes) {
    while (passes--) { for (L i = first; i < last; i += 2 * W) { I a = LOADI(i), b = LOADI(i + W);
        _mm512_i64scatter_epi64((void*)base, a, a, 1); _mm512_i64scatter_epi64((void*)base, b, b, 1); } BARRIER; }
}
#endif
C L c_chase(L at, L hops) {
    for (; hops > 0; hops -= 16) { _Pragma("GCC unroll 16") for (int k = 0; k < 16; k++) at = AT(at); }
    return at;
}
"""


@dataclass(frozen=True)
class Pair:
    """The same loop twice: `ours(passes)` and `theirs(passes)` go over the same memory so often."""

    name: str
    level: str
    ours: Callable[[int], object]
    theirs: Callable[[int], object]
    loops: Callable[[], tuple[list[str], list[str]]] | None = None


FLAGS = ("-O2", "-march=native", "-fno-schedule-insns2", "-fno-ivopts", "-shared", "-fPIC")


def library() -> Any:
    """The compiled C loops, and `listing`, their machine code."""
    compiler = shutil.which("g++")
    if compiler is None:
        raise SystemExit(_refused("g++ is not installed"))
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "peers.cpp", Path(folder) / "peers.so"
        source.write_text(SOURCE)
        command = [compiler, *FLAGS, str(source), "-o", str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(_refused(done.stderr))
        made = ctypes.CDLL(str(target))
        dump = ["objdump", "-d", "--no-show-raw-insn", str(target)]
        made.listing = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
        return made


def loop_of(listing: str, name: str) -> list[str]:
    """The longest loop without a branch inside of a C function, by its listing."""
    body = listing.partition(f"<c_{name}>:")[2].partition("\n\n")[0]
    lines = [(int(at, 16), code.strip()) for at, code in re.findall(r"^\s*([0-9a-f]+):\t(.*)$", body, re.MULTILINE)]
    found: list[list[str]] = [[]]
    for number, (at, code) in enumerate(lines):
        target = re.match(r"j\w+\s+([0-9a-f]+) ", code)
        if target and (start := int(target[1], 16)) < at:
            inside = [one for place, one in lines[:number] if place >= start]
            if not any(one.startswith("j") for one in inside):
                found.append([one for one in [*inside, code] if "nop" not in one])
    return max(found, key=len)


def accesses(loop: list[str]) -> list[str]:
    """What a loop reads and writes, in its order: the instruction, and where its operand in memory stands."""
    found = []
    for line in loop:
        name, _, operands = " ".join(line.split()).partition(" ")
        if "(" in operands and not name.startswith("lea"):
            name = re.sub(r"^(mov|add)q$", r"\1", re.sub(r"^(vmov(?:a|nt))(p[sd]|dqa?(64)?)$", r"\1", name))
            found.append(f"{name} {'to' if operands.endswith(')') else 'from'}")
    return found


def ours_of(kernel: Callable[..., object], *given: object) -> list[str]:
    """The longest loop without a branch inside of a kernel of hwbench."""
    return max(simple_loops(kernel, *given), key=len, default=[])


def _refused(why: str) -> int:
    print(f"memory_peers: {why}", file=sys.stderr)
    return 2


def function(loops: Any, name: str) -> Callable[..., int]:
    """A C function of whole numbers."""
    found = getattr(loops, f"c_{name}")
    found.restype = ctypes.c_int64
    return lambda *given: found(*map(ctypes.c_int64, given))


STREAMS = {
    "load": _kernels.simd_load, "store": _kernels.simd_store, "copy": _kernels.simd_copy, "add": _kernels.simd_add,
    "sum": mix.simd_sum,
}  # fmt: skip
ARRAYS = {"load": 1, "store": 1, "copy": 2, "add": 3, "sum": 4}


def streams(loops: Any, device: CpuDevice, level: str, size: int, pages: str) -> Iterator[Pair]:
    """The loops of `stream.mix` in blocks of eight registers, plain and non-temporal."""
    buffer = device.buffer(size + 4 * 8192, pages=pages)
    buffer.array.view(np.float64)[:] = 1.0
    for name, kernel in STREAMS.items():
        block = UNROLL * stream_width() // 8
        nbytes = size // ARRAYS[name] // block * block
        apart = -(-nbytes // 4096) * 4096 + 1024
        places = [buffer.address + k * apart for k in range(ARRAYS[name])]
        ours = places + places[:1] * (3 - len(places))
        theirs = places + places[:1] * (4 - len(places))
        for nt in (False, True) if name != "load" else (False,):
            registers = Registers("i8" if name == "load" else "f8", stream_width(), UNROLL, nt=nt)
            peer = function(loops, name + "_nt" * nt)
            yield Pair(
                f"{name}{' nt' * nt}", level,
                lambda n, k=kernel, r=registers, p=ours, b=nbytes: k(r, *p, b, n, 0),
                lambda n, f=peer, p=theirs, b=nbytes: f(*p, b, n),
                lambda k=kernel, r=registers, p=ours, b=nbytes, peer=name + "_nt" * nt: (
                    ours_of(k, r, *p, b, 1, 0), loop_of(loops.listing, peer)
                ),
            )  # fmt: skip


def gathers(loops: Any, device: CpuDevice, level: str, size: int, pages: str) -> Iterator[Pair]:
    """The loops of `access.gather` in sequence and in random order."""
    n = size // 16 // 512 * 512
    words, offsets = device.buffer(8 * n, pages=pages), device.buffer(8 * n, pages=pages)
    words.array.view(np.int64)[:] = 1
    registers = Registers("i8", gather_width() or 128, gather.UNROLL)
    kernels: dict[str, tuple[Callable[..., Any], tuple[Registers, ...]]] = {
        "gather": (_elements.gather_words, ()), "scatter": (gather.scatter_words, ()),
    }  # fmt: skip
    if gather_width():
        kernels["gather_vector"] = gather.gather_vectors, (registers,)
    if scatter_width():
        kernels["scatter_vector"] = gather.scatter_vectors, (registers,)
    for order in ("sequential", "random"):
        index = offsets.array.view(np.int64)
        _elements.ascending(index) if order == "sequential" else _elements.mixed_everywhere(index, 12345)
        where = words.address, offsets.address, offsets.address + 8 * n
        for name, (kernel, first) in kernels.items():
            peer = function(loops, name)
            yield Pair(
                f"{name} {order}", level,
                lambda passes, k=kernel, p=(*first, *where): k(*p, passes, 0),
                lambda passes, f=peer, p=where: f(*p, passes),
                lambda k=kernel, p=(*first, *where), peer=name: (ours_of(k, *p, 1, 0), loop_of(loops.listing, peer)),
            )  # fmt: skip


def rings(loops: Any, device: CpuDevice) -> Iterator[Pair]:
    """Chases as `access.translation` has them, on small and on huge pages."""
    peer = function(loops, "chase")
    for layout, n in (("4K", 40), ("4K", 1280), ("4K", 20480), ("huge", 320)):
        lines = translation.places(n, translation.apart(layout, device))
        buffer = device.buffer((int(lines[-1]) + 1) * 64, pages="4K" if layout == "4K" else "huge")
        chase.write_ring(buffer, lines[np.random.default_rng(1).permutation(n)])
        at = [buffer.address + 64 * int(lines[0])] * 2

        def ours(passes: int, at: list[int] = at) -> None:
            at[0] = chase.chase(at[0], 1024 * passes, 0)

        def theirs(passes: int, at: list[int] = at) -> None:
            at[1] = peer(at[1], 1024 * passes)

        yield Pair(
            f"chase {layout} {n} pages", "", ours, theirs,
            lambda at=at: (ours_of(chase.chase, at[0], 1024, 0), loop_of(loops.listing, "chase")),
        )  # fmt: skip


# --- beside likwid-bench

TESTS = {"1:0": "load", "3:1": "triad", "2:1": "stream", "1:1": "copy", "0:1": "store"}  # by reads to writes


def beside_likwid(device: CpuDevice, levels: list[str], pairs: int, only: list[str]) -> Iterator[tuple[str, str, Any]]:
    """Seconds of a byte of `stream.mix` as the bench runs it, over those of likwid-bench's test of the same mix."""
    if missing := likwid.why_not():
        raise SystemExit(_refused(missing))
    for level in levels:
        for name, base in TESTS.items():
            for variant in ("simd", "simd-nt") if name != "1:0" and level == "DRAM" else ("simd",):
                label = f"{base}{'_mem' * (variant == 'simd-nt')} {name}"
                if only and not any(word in label for word in only):
                    continue
                values = {"size": device.size(level), "mix": name, "threads": 1, "pages": "4K"}
                given = {**values, "device": device, "variant": variant, "rng": np.random.default_rng(0)}
                work = mix.bench.build(variant, given, mix.bench.make_inputs(given))
                moved = mix.bench.count(values)["bytes"]
                test = likwid.best_test(label.split()[0], stream_width(), fma=name in ("2:1", "3:1"))
                tool = likwid.Likwid(test, values["size"], 1, LIKWID_S)
                loops = max(1, round(LIKWID_S / device.time(work, 1)))
                ours, theirs = [], []
                for number in range(pairs):
                    for mine in (True, False) if number % 2 else (False, True):
                        if mine:
                            ours.append(device.time(work, loops) / loops / moved)
                        else:
                            theirs.append(1 / tool.run(tool.iterations).bytes)
                if work.close is not None:
                    work.close()
                yield label, level, paired_ratio(ours, theirs)


def seconds(call: Callable[[int], object], passes: int) -> float:
    """How long a call of so many passes takes."""
    start = time.perf_counter()
    call(passes)
    return time.perf_counter() - start


def compare(pair: Pair, pairs: int) -> tuple[list[float], list[float]]:
    """Seconds of ours and of theirs, one of each in turn."""
    pair.ours(1), pair.theirs(1)
    passes = 1
    while seconds(pair.ours, passes) < SAMPLE_S / 2 and passes < 2**24:
        passes *= 2
    ours, theirs = [], []
    for number in range(pairs):
        both = [(pair.ours, ours), (pair.theirs, theirs)]
        for call, samples in both if number % 2 else reversed(both):
            samples.append(seconds(call, passes))
    return ours, theirs


def main() -> int:
    """Print a row for each pair."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=31)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--level", nargs="*", default=["L1", "L2", "DRAM"])
    parser.add_argument("--loops", action="store_true", help="print the loops instead of timing them")
    parser.add_argument("--likwid", action="store_true", help="compare stream.mix with likwid-bench")
    parser.add_argument("--json", type=Path, help="keep the rows there, beside those that it has")
    asked = parser.parse_args()
    device = CpuDevice()
    os.sched_setaffinity(0, {device.host.order[0]})
    far = 0
    peer = "likwid-bench" if asked.likwid else "C"

    def tell(bench: str, name: str, level: str, ratio: Any, more: str = "") -> None:
        nonlocal far
        if asked.json is not None:
            row = ratio.value, ratio.low, ratio.high, asked.pairs
            keep(asked.json, bench, peer if asked.likwid else compiler(), {f"{name} {level}".strip(): row})
        good = abs(ratio.value - 1) <= NEAR or ratio.low <= 1 <= ratio.high
        far += not good
        interval = f"{ratio.low:.3f}–{ratio.high:.3f}{'' if good else '  *'}"
        print(f"{name:32} {level:5} {ratio.value:8.3f}  {interval:14}  {more}", flush=True)

    print(f"{'loop':32} {'level':5} hwbench / {peer}, 95% interval, {asked.pairs} pairs")
    if asked.likwid:
        for row in beside_likwid(device, [one for one in asked.level if one != "L2"], asked.pairs, asked.only):
            tell("stream.mix beside likwid-bench", *row)
        device.close()
        return 1 if far else 0
    loops = library()
    pages = str(device.spread(chase.bench.axes["pages"][0])[0])

    def every() -> Iterator[tuple[str, Pair]]:
        for level in asked.level:
            size = device.size(level)
            yield from (("stream.mix", one) for one in streams(loops, device, level, size, pages))
            yield from (("access.gather", one) for one in gathers(loops, device, level, size, pages))
        yield from (("access.translation", one) for one in rings(loops, device))

    for bench, pair in every():
        if asked.only and not any(word in pair.name for word in asked.only):
            continue
        both = pair.loops() if pair.loops is not None else ([], [])
        if asked.loops:
            for side, lines in zip(("hwbench", "C"), both, strict=True):
                print(f"--- {pair.name}: {side}", *lines, sep="\n")
            continue
        here, there = map(accesses, both)
        same = "" if not both[0] else f"{len(here)} accesses alike" if here == there else "other accesses"
        tell(bench, pair.name, pair.level, paired_ratio(*compare(pair, asked.pairs)), same)
    device.close()
    return 1 if far else 0


if __name__ == "__main__":
    sys.exit(main())
