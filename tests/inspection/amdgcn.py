"""The assembly that clang makes for AMD's GPUs, read: instructions to count, registers, and what was spilled.

Neither HIP nor a card is needed: `hip_builtins.h` stands for the built-ins that hiprtc brings.
"""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

LEAST = 17  # the first LLVM that knows gfx942
BUILTINS = Path(__file__).with_name("hip_builtins.h")
KERNEL = re.compile(r"^(\w+):\s*; @\1\n(.*?)^\.Lfunc_end", re.MULTILINE | re.DOTALL)
WIDTHS = {"dword": 32, "dwordx2": 64, "dwordx4": 128, "b32": 32, "b64": 64, "b128": 128, "u32": 32}
ENCODINGS = ("_e32", "_e64", "_dpp", "_sdwa", "_vi")


@dataclass(frozen=True)
class Instruction:
    """`global_load_dwordx4` and `v[2:5], v[0:1], off glc`."""

    opcode: str
    operands: str

    @property
    def bits(self) -> int:
        """How wide an access to memory is."""
        return WIDTHS.get(self.opcode.rpartition("_")[2], 0)

    @property
    def flags(self) -> set[str]:
        """What it says to the caches: glc, slc, dlc, sc0, sc1, nt."""
        return {*self.operands.split()} & {"glc", "slc", "dlc", "sc0", "sc1", "nt"}


@dataclass(frozen=True)
class Kernel:
    """A kernel's instructions in order, and what its metadata say."""

    code: Sequence[Instruction]
    facts: dict[str, int]

    @property
    def spilled(self) -> int:
        """Registers that did not suffice, and bytes of memory that a thread has of its own."""
        return sum(self.facts[name] for name in ("vgpr_spill_count", "sgpr_spill_count", "private_segment_fixed_size"))


def compiler() -> str:
    """The newest clang that compiles for all of them; "" where there is none."""
    names = ["clang", *(f"clang-{number}" for number in range(40, LEAST - 1, -1))]
    return next((found for name in names if (found := shutil.which(name)) and _fits(found)), "")


def lacking() -> str:
    """Why nothing can be compiled here; "" where it can."""
    return "" if compiler() else f"needs clang {LEAST} or later with AMD's GPUs (Debian: apt-get install clang-19)"


def _fits(clang: str) -> bool:
    def said(option: str) -> str:
        return subprocess.run([clang, option], capture_output=True, text=True).stdout

    version = re.search(r"version (\d+)", said("--version"))
    return version is not None and int(version[1]) >= LEAST and "amdgcn" in said("--print-targets")


def assembly(source: str, arch: str, warp: int, options: Sequence[str] = ()) -> str:
    """The assembly of HIP source for wavefronts of so many threads; RuntimeError with clang's words where it fails."""
    wide = ["-mwavefrontsize64"] if (warp, arch[:5]) == (64, "gfx11") else []  # RDNA has both
    command = [
        compiler(), "-x", "hip", f"--offload-arch={arch}", *wide, "--cuda-device-only", "-nogpuinc", "-nogpulib",
        "-O3", "-S", *options, "-include", str(BUILTINS), "-", "-o", "-",
    ]  # fmt: skip
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{arch}: {done.stderr[:4000]}")
    return done.stdout


def kernels(text: str) -> dict[str, Kernel]:
    """The kernels of an assembly by name."""
    code = {name: [*_instructions(body)] for name, body in KERNEL.findall(text)}
    found = {}
    for entry in text.partition("amdhsa.kernels:")[2].split("\n  - .")[1:]:
        said = dict(re.findall(r"^\s*\.?(\w+):\s+(\S+)$", entry, re.MULTILINE))
        facts = {key: int(value) for key, value in said.items() if value.isdigit()}
        found[said["name"]] = Kernel(code[said["name"]], facts)
    return found


def _instructions(body: str) -> Iterable[Instruction]:
    for line in body.splitlines():
        text = line.partition(";")[0].strip()
        if not text or text.endswith(":") or text.startswith("."):
            continue
        for part in text.split("::"):  # RDNA 3 issues two at once
            opcode, _, operands = part.strip().partition(" ")
            for ending in ENCODINGS:
                opcode = opcode.removesuffix(ending)
            yield Instruction(opcode.replace("v_dual_", "v_"), operands.strip())


def count(code: Iterable[Instruction], pattern: str, bits: int | None = None, flags: Iterable[str] = ()) -> int:
    """How many have an opcode like this, of this width, with one of these flags, where such are given."""
    wanted = {*flags}
    return sum(
        bool(re.fullmatch(pattern, one.opcode))
        and bits in (None, one.bits)
        and (not wanted or bool(wanted & one.flags))
        for one in code
    )


def fused(code: Iterable[Instruction], kind: str) -> int:
    """Fused multiply-adds of a type (`f32`, `f64`, `f16` in pairs); those on two float32 at once are two."""
    code = [*code]
    one = count(code, rf"v_fma(c|ak|mk)?_{kind}") if kind != "f16" else 0
    return one + count(code, f"v_pk_fma_{kind}") * (1 + (kind == "f32"))


def chained(code: Sequence[Instruction]) -> int:
    """How many loads take their address from the load before, by the name of its registers."""
    loads = [one for one in code if re.fullmatch(r"(global|flat)_load_\w+", one.opcode)]
    names = [[part.strip() for part in one.operands.split(",")] for one in loads]
    return sum(before[0] == now[1].split()[0] for before, now in itertools.pairwise(names))
