"""Is what hiprtc would compile for AMD's GPUs what the benches count? clang compiles it here, and its assembly is read.

    python scripts/rocm_assembly.py [TOPIC ...] [--arch gfx90a] [--show TOPIC/KERNEL]

Each source of `hwbench.kernels.rocm` is compiled for MI200, MI300 and RDNA 3 (wavefronts of 32 and of 64), with the
prelude that hiprtc would get. `tests/inspection/hip_builtins.h` stands for HIP's headers, so neither ROCm nor a card is
needed: `apt-get install clang-19`. The code was never run on an AMD GPU, and hiprtc has not compiled it.

Exit code: 0 if each kernel has the instructions that its bench counts and spills nothing; 1 if not; 2 without clang.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from hwbench.kernels import cuda, rocm  # noqa: E402
from inspection import amdgcn  # noqa: E402
from inspection.amdgcn import Kernel  # noqa: E402

Check = Callable[[Kernel, str], str]
LOAD, STORE = r"global_load_\w+", r"global_store_\w+"
PAST_L1 = ("glc", "sc0", "sc1", "nt", "slc", "dlc")


def exactly(amount: int, pattern: str, bits: int | None = None) -> Check:
    """`amount` instructions of opcodes like this, and of this width, where one is given."""
    return between(amount, amount, pattern, bits)


def at_least(amount: int, pattern: str, bits: int | None = None) -> Check:
    """No fewer than `amount`."""
    return between(amount, 10**6, pattern, bits)


def between(least: int, most: int, pattern: str, bits: int | None = None) -> Check:
    """From `least` to `most`."""

    def check(kernel: Kernel, _arch: str) -> str:
        found = amdgcn.count(kernel.code, pattern, bits)
        wanted = str(least) if least == most else f"at least {least}" if most == 10**6 else f"{least} to {most}"
        return "" if least <= found <= most else f"{found} {pattern}{f' of {bits} bits' * bool(bits)}, not {wanted}"

    return check


def fused(amount: int, kind: str) -> Check:
    """`amount` fused multiply-adds of a type."""

    def check(kernel: Kernel, _arch: str) -> str:
        found = amdgcn.fused(kernel.code, kind)
        return "" if found == amount else f"{found} multiply-adds in {kind}, not {amount}"

    return check


def links(amount: int) -> Check:
    """As many loads that take their address from the load before."""

    def check(kernel: Kernel, _arch: str) -> str:
        found = amdgcn.chained(kernel.code)
        return "" if found == amount else f"{found} loads wait for the one before, not {amount}"

    return check


def past_l1(amount: int) -> Check:
    """As many loads that say something to the caches; the plain ones go through all of them."""

    def check(kernel: Kernel, _arch: str) -> str:
        found = amdgcn.count(kernel.code, LOAD, flags=PAST_L1)
        return "" if found == amount else f"{found} loads past the caches of a compute unit, not {amount}"

    return check


def loads_first(kernel: Kernel, _arch: str) -> str:
    """All loads of a thread are under way before its first store."""
    order = [one.opcode.split("_")[1] for one in kernel.code if one.opcode.startswith("global_")]
    return "" if order == sorted(order) else "a store comes before a load"


def timed_walk(kernel: Kernel, _arch: str) -> str:
    """The clock is read before the first load of the walk and after the store that needs the last one's result."""
    names = [one.opcode for one in kernel.code]
    clocks = [i for i, one in enumerate(kernel.code) if one.opcode == "s_memtime" or "SHADER_CYCLES" in one.operands]
    kept = [i for i, name in enumerate(names) if name.startswith("flat_store")]
    if len(clocks) != 2 or len(kept) != 1 or not clocks[0] < kept[0] < clocks[1]:
        return "the clock is not read around the walk"
    found = sum(name.startswith("global_load") for name in names[clocks[0] : kept[0]])
    return "" if found == 16 else f"{found} loads between the readings of the clock, not 16"


NO_FLAT = exactly(0, r"flat_\w+")
FACTS: dict[tuple[str, str], Sequence[Check]] = {
    ("transfer.copy", "move16"): (at_least(1, LOAD, 128), at_least(1, STORE, 128)),
    ("transfer.copy", "chain"): (fused(32, "f32"), exactly(1, LOAD, 32), exactly(1, STORE, 32)),
    **{
        ("device.stream", f"{kernel}{width}"): (
            exactly(arrays * 16 // width, LOAD, 8 * width),
            exactly(arrays * 16 // width, LOAD),
            exactly(16 // width, STORE, 8 * width),
            exactly(16 // width, STORE),
            fused(4 * (kernel == "triad"), "f32"),
            past_l1(0),
            loads_first,
            NO_FLAT,
        )
        for kernel, arrays in (("copy", 1), ("triad", 2), ("write", 0))
        for width in (4, 8, 16)
    },
    **{
        ("device.stream", f"{kernel}{width}_again"): (
            exactly(4 * arrays, LOAD, 8 * width),
            exactly(4, STORE, 8 * width),
            past_l1(4 * arrays),
            loads_first,
            NO_FLAT,
        )
        for kernel, arrays in (("copy", 1), ("triad", 2), ("write", 0))
        for width in (4, 8, 16)
    },
    **{
        ("device.stream", f"read{width}"): (exactly(4, LOAD, 8 * width), exactly(1, STORE, 32), past_l1(4), NO_FLAT)
        for width in (4, 8, 16)
    },
    ("device.latency", "link"): (at_least(2, LOAD, 64), at_least(1, STORE, 64), NO_FLAT),
    ("device.latency", "warm"): (at_least(2, LOAD, 64), NO_FLAT),
    # By the vector unit: a scalar load would be answered by another cache. Only what is volatile is generic.
    **{
        ("device.latency", f"chase_{cache}"): (
            links(16),
            between(0, 2, r"flat_\w+"),
            exactly(1, "s_barrier"),
            past_l1(17 if cache == "cg" else 0),
            timed_walk,
        )
        for cache in ("ca", "cg")
    },
    ("device.coalescing", "pick"): (exactly(4, LOAD, 32), exactly(4, STORE, 32), links(0), loads_first),
    ("device.coalescing", "pick_index"): (exactly(8, LOAD, 32), exactly(4, STORE, 32), loads_first),
    ("device.coalescing", "sum_fields"): (at_least(20, LOAD, 32), exactly(1, STORE), links(0)),
    ("device.coalescing", "banks"): (at_least(8, r"ds_(load|read)\w+"), at_least(1, r"ds_(store|write)\w+")),
    ("device.cache", "read_l1"): (exactly(4, LOAD, 128), past_l1(0), links(0)),
    ("device.cache", "read_shared"): (exactly(4, r"ds_(load|read)_b128"), at_least(1, "s_barrier")),
    **{
        ("device.roofline", f"fused_{dtype}_{pairs}"): (
            exactly(2, LOAD, 128),
            exactly(2, STORE, 128),
            fused(2 * pairs * chains, kind),
        )
        for dtype, kind, chains in (("f4", "f32", 8), ("f8", "f64", 4))
        for pairs in (1, 8, 32)
    },
    ("device.divergence", "paths"): (fused(1024, "f32"), at_least(31, r"s_cbranch_\w+")),
    **{
        ("device.occupancy", f"copy_{loads}"): (exactly(loads, LOAD, 128), exactly(loads, STORE, 128), loads_first)
        for loads in (1, 2, 4, 8)
    },
    **{
        ("device.peak", f"fma_{dtype}_{chains}"): (fused(65 * chains, kind), exactly(chains, STORE))
        for dtype, kind in (("f4", "f32"), ("f8", "f64"), ("f2", "f16"))
        for chains in (1, 2, 4, 8)
    },
    **{
        ("device.peak", f"fma_i4_{chains}"): (
            between(65 * chains, 65 * chains + 8, r"v_(mul_lo_u32|mad_u64_u32)"),
            exactly(chains, STORE),
        )
        for chains in (1, 2, 4, 8)
    },
    ("device.peak", "control"): (fused(0, "f32"), exactly(0, LOAD), exactly(0, STORE)),
    ("device.sync", "barriers_block"): (between(16, 18, "s_barrier"),),
    # To add nothing is to load, as the whole GPU sees it.
    ("device.sync", "barriers_grid"): (at_least(1, r"global_atomic_\w+"), past_l1(1), at_least(2, "s_barrier")),
    ("device.sync", "step"): (exactly(1, STORE), exactly(0, "s_barrier")),
    ("device.sync", "mark"): (exactly(1, STORE),),
    ("device.sync", "atomic_global"): (at_least(1, r"global_atomic_\w+"), exactly(0, r"ds_add\w+")),
    ("device.sync", "atomic_shared"): (at_least(1, r"ds_add\w+"), at_least(1, "s_barrier")),
    ("device.sync", "atomic_warp"): (at_least(1, r"ds_bpermute\w+"), at_least(1, r"global_atomic_\w+")),
    ("device.graph", "advance"): (at_least(1, LOAD, 32), at_least(1, STORE), past_l1(1)),
    ("device.graph", "advance_all"): (
        at_least(2, r"global_atomic_\w+"),
        at_least(2, "s_barrier"),
        at_least(1, "s_sleep"),
    ),
    # One place each: which word a store writes is chosen before it.
    ("transfer.mailbox", "reply"): (exactly(1, r"flat_load_\w+", 64), exactly(1, r"flat_store_\w+", 64)),
    ("gpu_gate", "gate"): (at_least(1, "s_sleep"),),
    ("gpu_gate", "stamp"): (
        exactly(3, r"flat_store_\w+", 64),
        at_least(2, r"s_(memtime|memrealtime|getreg_b32|sendmsg_rtn_b64)"),
    ),
    ("gpu_gate", "burn"): (at_least(2, r"v_fma\w*"), exactly(1, STORE)),
}


def faults(topic: str, arch: str, warp: int) -> tuple[dict[str, Kernel], list[str]]:
    """The kernels of a topic as compiled, and what is wrong with them."""
    found = amdgcn.kernels(amdgcn.assembly(rocm.source(topic), arch, warp, rocm.options(warp)))
    wanted = {kernel for one, kernel in FACTS if one == topic}
    said = [f"{topic}/{name}: nobody says what it should have" for name in found.keys() - wanted]
    said += [f"{topic}/{name}: is not in the assembly" for name in wanted - found.keys()]
    for name in sorted(found.keys() & wanted):
        kernel = found[name]
        each = [check(kernel, arch) for check in FACTS[topic, name]]
        each += [f"{kernel.spilled} registers or bytes spilled"] if kernel.spilled else []
        each += [f"wavefronts of {width}" for width in [kernel.facts["wavefront_size"]] if width != warp]
        said += [f"{topic}/{name}: {one}" for one in each if one]
    return found, said


def main(arguments: Sequence[str] | None = None) -> int:
    """Compile, check, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("topics", nargs="*", metavar="TOPIC", help="as device.stream; default: all")
    parser.add_argument("--arch", choices=sorted({arch for arch, _ in rocm.ARCHS}), help="one architecture alone")
    parser.add_argument("--show", metavar="TOPIC/KERNEL", help="print the instructions of a kernel")
    given = parser.parse_args(arguments)
    if why := amdgcn.lacking():
        print(why, file=sys.stderr)
        return 2
    topics = [given.show.partition("/")[0]] if given.show else given.topics or rocm.topics()
    if unknown := [topic for topic in topics if topic not in rocm.topics()]:
        why = rocm.refused(unknown[0]) if unknown[0] in cuda.topics() else f"there are {', '.join(rocm.topics())}"
        print(f"no kernels of '{unknown[0]}' for ROCm: {why}", file=sys.stderr)
        return 2
    wrong = []
    print(f"{'topic':18} {'for':14} {'kernels':>7} {'most VGPRs':>10} {'spilled':>7}  faults")
    for topic in topics:
        for arch, warp in rocm.ARCHS:
            if given.arch not in (None, arch):
                continue
            kernels, said = faults(topic, arch, warp)
            if given.show:
                name = given.show.rpartition("/")[2]
                if name not in kernels:
                    print(f"no kernel '{name}' in {topic}: there are {', '.join(kernels)}", file=sys.stderr)
                    return 2
                for one in kernels[name].code:
                    print(f"    {one.opcode:32} {one.operands}")
            registers = max(kernel.facts["vgpr_count"] for kernel in kernels.values())
            spilled = sum(kernel.spilled for kernel in kernels.values())
            print(f"{topic:18} {f'{arch} wave{warp}':14} {len(kernels):7} {registers:10} {spilled:7}  {len(said)}")
            wrong += [f"{arch} wave{warp} {one}" for one in said]
    for topic in [] if given.topics or given.show else sorted({*cuda.topics()} - {*rocm.topics()}):
        print(f"{topic:18} refused: {rocm.refused(topic)}")
    for one in wrong:
        print(one)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
