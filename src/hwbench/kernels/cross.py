"""Machine code for other processors: LLVM IR compiled by the LLVM inside llvmlite, and its one loop read back.

Nothing of it is run. Hexagon's code comes in packets, `{ … }`, of instructions that begin in one cycle.
"""

from __future__ import annotations

import functools
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import llvmlite.binding as llvm

LOAD = {
    "hexagon": r"= v?mem[a-z]*\(",
    "aarch64": r"^ld",
    "x86_64": r"\([^)]*\),(?!.*\blea)",
    "riscv64": r"^(vl[0-9e]|f?l[bhwd]u?\b)",
    "amdgcn": r"_load_",
}
BRANCH = re.compile(r"^(j[a-z]+|b([.a-z]*)?|[ct]bn?z|s_cbranch\w*) |\bjump\b")
MULTIPLY = re.compile(r"mpy|mul|mla|madd|mac|fma|mad_|dot|vpdp|pk_")


@dataclass(frozen=True)
class Code:
    """A function's machine code: the instructions of its loop, packets among them (0 where there are none), loads.

    `nbytes` is the size of the whole function.
    """

    loop: Sequence[str]
    packets: int
    loads: int
    nbytes: int

    @property
    def multiplies(self) -> bool:
        """Whether any instruction of the loop multiplies."""
        return any(MULTIPLY.search(line) for line in self.loop)


@functools.cache
def _started() -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()


def compiled_for(text: str, triple: str, cpu: str, features: str) -> Code:
    """The one function of this IR, optimised without unrolling or vectorising: vectors are those that the IR states."""
    _started()
    module = llvm.parse_assembly(text)
    module.verify()
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, features=features, opt=3)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_unrolling = options.loop_vectorization = options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return read(machine.emit_assembly(module), triple.partition("-")[0], _size(machine.emit_object(module)))


def read(assembly: str, family: str, nbytes: int = 0) -> Code:
    """The innermost loop of a listing; ValueError where it has none."""
    lines = [line for line in (_bare(one) for one in assembly.splitlines()) if line]
    body = _loop(lines)
    packets = sum(line == "{" for line in body)
    instructions = [
        part.strip()
        for line in body
        if line not in ("{", "}") and not line.endswith(":")
        for part in line.removeprefix("}").split(";")
        if part.strip() and not part.strip().startswith(":endloop")
    ]
    loads = sum(bool(re.search(LOAD[family], line)) and not line.startswith("lea") for line in instructions)
    return Code(instructions, packets, loads, nbytes)


def _bare(line: str) -> str:
    """A line without its comment; "" for directives."""
    line = re.split(r"//|\s;|^;|\s#[ A-Z-]|^#", line)[0].strip()
    line = re.sub(r"\s+", " ", line)
    return "" if line.startswith(".") and not line.endswith(":") else line


def _loop(lines: Sequence[str]) -> list[str]:
    """From the label to the branch back to it: the shortest such stretch. A hardware loop ends at its `:endloop0`."""
    labels = {line[:-1]: at for at, line in enumerate(lines) if line.endswith(":")}
    found: list[list[str]] = []
    start = None
    for at, line in enumerate(lines):
        if hardware := re.search(r"loop0\((\S+?),", line):
            start = hardware[1]
        if ":endloop0" in line and start in labels:
            found.append(list(lines[labels[start] + 1 : at + 1]))
        target = next((word for word in re.findall(r"[.\w$]+", line) if labels.get(word, at) < at), None)
        if target is not None and BRANCH.search(line):
            end = next((i for i in range(at, len(lines)) if lines[i].startswith("}")), at) if "jump" in line else at
            found.append(list(lines[labels[target] + 1 : end + 1]))
    if not found:
        raise ValueError("the listing has no loop")
    return min(found, key=lambda body: len(body))


def _size(image: bytes) -> int:
    """Bytes of machine code in an ELF object: its executable sections."""
    wide = image[4] == 2
    offset, entry, count = (
        struct.unpack_from("<Q", image, 40)[0] if wide else struct.unpack_from("<I", image, 32)[0],
        *struct.unpack_from("<HH", image, 58 if wide else 46),
    )
    total = 0
    for at in range(offset, offset + entry * count, entry):
        _, _, flags, _, _, size = struct.unpack_from("<IIQQQQ" if wide else "<IIIIII", image, at)
        total += size if flags & 4 else 0
    return int(total)
