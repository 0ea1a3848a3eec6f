"""The machine code of a cubin, read from nvdisasm's JSON: opcodes to count, and which loads wait for which.

nvdisasm comes with the `nvidia-cuda-nvdisasm` wheel and needs no GPU.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from inspection import nvrtc

REGISTER = re.compile(r"(?<![\w.])(U?R)(\d+)(\.64)?")
BYTES = 16  # an instruction has
SOURCE = re.compile(r"-?\|?R(\d+)\|?(\.reuse)?")  # a 32-bit register that an instruction reads


@dataclass(frozen=True)
class Instruction:
    """One instruction: `FFMA.FTZ` and `R5,R5,R5,R2.reuse`."""

    opcode: str
    operands: str

    @property
    def base(self) -> str:
        """The opcode without what modifies it: `FFMA`, `LDG`."""
        return self.opcode.partition(".")[0]

    @property
    def bits(self) -> int:
        """How wide a memory access is: 128 for `LDG.E.128`; 32 where nothing else is said."""
        return next((int(part) for part in self.opcode.split(".") if part in ("64", "128", "256")), 32)

    @property
    def move(self) -> bool:
        """Whether it is no arithmetic: ptxas also writes constants by 0 · 0 + c, to balance its pipes."""
        return self.base in ("HFMA2", "FFMA", "DFMA") and "RZ,RZ" in self.operands.replace("-", "").replace(
            ".reuse", ""
        )

    def writes(self) -> set[str]:
        """The registers that the result lands in; those after the first by the width of the operation."""
        head = self.operands.split(",")[0]
        match = REGISTER.fullmatch(head.strip())
        if match is None or self.base in ("ST", "STG", "STS", "STL", "RED", "BRA", "EXIT"):
            return set()
        width = (
            self.bits // 32 if self.base.startswith("LD") else 2 if "WIDE" in self.opcode or "64" in self.opcode else 1
        )
        width = max(width, 2 if self.base.startswith("D") or self.base == "CS2R" else 1)
        return {f"{match[1]}{int(match[2]) + i}" for i in range(width)}

    def reads(self) -> set[str]:
        """The registers that the operands name, pairs with both halves."""
        parts = self.operands.split(",")
        start = 0 if not self.writes() else 1
        found = set()
        for kind, number, pair in REGISTER.findall(",".join(parts[start:])):
            found |= {f"{kind}{int(number) + i}" for i in range(2 if pair else 1)}
        return found


def lacking() -> str:
    """Why nothing can be disassembled here; "" where it can."""
    return "" if _tool() else "needs nvdisasm: pip install nvidia-cuda-nvdisasm"


def _tool() -> str | None:
    shipped = nvrtc.wheels("*/bin/nvdisasm")
    return str(shipped[-1]) if shipped else shutil.which("nvdisasm")


def disassemble(arch: int, *cubins: bytes) -> list[dict[str, list[Instruction]]]:
    """Of each cubin the instructions of each kernel, in order.

    nvdisasm takes a second to start, whatever it reads, so it gets the code of all kernels as one.
    """
    kernels = [machine_code(cubin) for cubin in cubins]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "code")
        path.write_bytes(b"".join(code for one in kernels for code in one.values()))
        command = [str(_tool()), "-json", "-b", f"SM{arch}", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    _, [function] = json.loads(done.stdout)
    listed = function["sass-instructions"]
    assert len(listed) * BYTES == sum(len(code) for one in kernels for code in one.values())
    read = iter([Instruction(one["opcode"], one.get("operands", "")) for one in listed])
    return [
        {kernel: list(itertools.islice(read, len(code) // BYTES)) for kernel, code in one.items()} for one in kernels
    ]


def machine_code(cubin: bytes) -> dict[str, bytes]:
    """What the ELF sections `.text.<kernel>` hold."""
    (table,) = struct.unpack_from("<Q", cubin, 0x28)
    size, count, names = struct.unpack_from("<3H", cubin, 0x3A)
    sections = [struct.unpack_from("<II4Q", cubin, table + i * size) for i in range(count)]
    found = {}
    for name, _, _, _, offset, length in sections:
        place = sections[names][4] + name
        label = cubin[place : cubin.index(b"\0", place)].decode()
        if label.startswith(".text."):
            found[label.removeprefix(".text.")] = cubin[offset : offset + length]
    return found


def count(code: Iterable[Instruction], *bases: str, bits: int | None = None) -> int:
    """How many instructions have one of these opcodes, of this width where one is given; disguised moves are none."""
    return sum(one.base in bases and bits in (None, one.bits) and not one.move for one in code)


def crowded(code: Iterable[Instruction], base: str) -> int:
    """How many instructions with this opcode read two registers from one bank: they issue every second cycle.

    A register lies in bank 0 or 1 by its number's parity, and a bank gives one a cycle. What the instruction before
    marked `.reuse` in the same place is read from the reuse cache.
    """
    found, kept = 0, dict[int, str]()
    for one in code:
        places = enumerate(part.strip() for part in one.operands.split(",")[1:])
        sources = {place: match for place, text in places if (match := SOURCE.fullmatch(text))}
        fetched = {match[1] for place, match in sources.items() if kept.get(place) != match[1]}
        banks = [int(number) % 2 for number in fetched]
        found += one.base == base and not one.move and len(banks) > len(set(banks))
        kept = {place: match[1] for place, match in sources.items() if match[2]}
    return found


def spills(code: Iterable[Instruction]) -> int:
    """Accesses to local memory: registers that did not suffice, or an array that no register can index."""
    return count(code, "LDL", "STL")


def chained(code: Sequence[Instruction], base: str = "LDG") -> int:
    """How many loads take their address from the load before them: the links of a chase."""
    loads = [i for i, one in enumerate(code) if one.base == base]
    return sum(_depends(code[first : second + 1]) for first, second in itertools.pairwise(loads))


def _depends(code: Sequence[Instruction]) -> bool:
    """Whether the last instruction reads what the first one loaded, straight or by what lies between."""
    tainted = code[0].writes()
    for one in code[1:-1]:
        written = one.writes()
        tainted = tainted | written if one.reads() & tainted else tainted - written
    return bool(code[-1].reads() & tainted)
