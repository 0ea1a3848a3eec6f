"""Caches and cores as x86 processors state them themselves, for systems that hide `/sys`.

The instruction `cpuid` answers for the CPU that executes it, so a thread asks on one CPU after the other.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

Registers = Callable[[int, int], tuple[int, int, int, int]]
"""eax, ebx, ecx and edx that `cpuid` gives for a leaf and a subleaf."""

INTEL_CACHES, AMD_CACHES = 4, 0x8000001D  # leaves of one form
INSTRUCTION, AMD_TOPOLOGY = 2, 1 << 22
MOST = 16  # subleaves: more would be an endless list


@dataclass(frozen=True)
class StatedCache:
    """A data or unified cache; `shift` bits at the end of a CPU's number do not tell it from those who share it."""

    level: int
    bytes: int
    line: int
    shift: int


@dataclass(frozen=True)
class Processor:
    """What one CPU says: its number (x2APIC), how many bits of it count threads, and threads and cores; its caches."""

    number: int
    thread_bits: int
    core_bits: int
    caches: tuple[StatedCache, ...]

    @property
    def core(self) -> tuple[int, int]:
        """The package and the core."""
        return self.number >> self.core_bits, self.number >> self.thread_bits


def processors(cpus: Collection[int], ask: Registers | None = None) -> Mapping[int, Processor]:
    """What each of the CPUs says; {} on other processors.

    Where a thread cannot be put on each, or an affinity mask is accepted and not obeyed (gVisor), so that two CPUs seem
    to be one, all have the caches of one CPU, L1 and L2 for each and the others for all.
    """
    asked = instruction() if ask is None else ask
    found: dict[int, Processor] = {}
    if asked is None:
        return found

    def visit() -> None:
        with suppress(OSError, AttributeError):  # pinning is refused, or unknown
            for cpu in cpus:
                os.sched_setaffinity(0, {cpu})
                found[cpu] = processor(asked)

    thread = threading.Thread(target=visit)  # whose mask ends with it
    thread.start()
    thread.join()
    if len({one.number for one in found.values()}) == len(set(cpus)):
        return found
    caches = tuple(replace(one, shift=0 if one.level < 3 else 32) for one in processor(asked).caches)
    return {cpu: Processor(cpu, 0, 32, caches) for cpu in cpus}


def processor(ask: Registers) -> Processor:
    """What the CPU that runs this says of itself."""
    most = ask(0, 0)[0]
    number, thread_bits, core_bits = ask(1, 0)[1] >> 24, 0, 0
    if most >= 11 and ask(11, 0)[1] & 0xFFFF:
        number = ask(11, 0)[3]
        thread_bits, core_bits = (ask(11, sub)[0] & 31 for sub in (0, 1))
    return Processor(number, thread_bits, max(thread_bits, core_bits), _caches(ask, most))


def _caches(ask: Registers, most: int) -> tuple[StatedCache, ...]:
    extended = ask(0x80000000, 0)[0]
    amd = extended >= AMD_CACHES and ask(0x80000001, 0)[2] & AMD_TOPOLOGY
    leaf = AMD_CACHES if amd else INTEL_CACHES
    found = []
    for sub in range(MOST if amd or most >= INTEL_CACHES else 0):
        eax, ebx, ecx, _ = ask(leaf, sub)
        kind, level, sharers = eax & 31, eax >> 5 & 7, (eax >> 14 & 0xFFF) + 1
        if not kind:
            break
        line, partitions, ways, sets = (ebx & 0xFFF) + 1, (ebx >> 12 & 0x3FF) + 1, (ebx >> 22) + 1, ecx + 1
        if kind != INSTRUCTION:
            found.append(StatedCache(level, line * partitions * ways * sets, line, (sharers - 1).bit_length()))
    return tuple(found)


@functools.cache
def instruction() -> Registers | None:
    """The instruction itself, as a function; None where there is no such processor, or no code can be made."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return None
    try:
        return _compiled()
    except (ImportError, OSError, RuntimeError, AttributeError):
        return None


def _compiled() -> Registers:
    """By LLVM, which Numba brings, without Numba: a hundredth of the time."""
    import llvmlite.binding as llvm

    for start in ("", "_native_target", "_native_asmprinter", "_native_asmparser"):
        with suppress(RuntimeError):  # newer ones do so by themselves, and say so
            getattr(llvm, f"initialize{start}")()
    # A function for each register, since pointers are written differently from one LLVM to the next.
    module = llvm.parse_assembly(
        "\n".join(
            f"define i32 @get{k}(i32 %leaf, i32 %sub) {{\n"
            '%all = call {i32, i32, i32, i32} asm sideeffect "cpuid", "={eax},={ebx},={ecx},={edx},{eax},{ecx}"'
            f"(i32 %leaf, i32 %sub)\n%one = extractvalue {{i32, i32, i32, i32}} %all, {k}\nret i32 %one\n}}"
            for k in range(4)
        )
    )
    engine = llvm.create_mcjit_compiler(module, llvm.Target.from_default_triple().create_target_machine())
    engine.finalize_object()
    word = ctypes.c_uint32
    kind = ctypes.CFUNCTYPE(word, word, word)
    first, second, third, fourth = (kind(engine.get_function_address(f"get{k}")) for k in range(4))

    def ask(leaf: int, sub: int, _alive: object = engine) -> tuple[int, int, int, int]:
        return first(leaf, sub), second(leaf, sub), third(leaf, sub), fourth(leaf, sub)

    return ask
