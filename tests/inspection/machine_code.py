"""The innermost loops of a kernel as machine code, for tests of what LLVM made of its source."""

from __future__ import annotations

import platform
from typing import Any

import pytest

from inspection.assembly import assembly

needs_x86 = pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="reads x86 machine code")


def simple_loops(kernel: Any, *arguments: Any) -> list[list[str]]:
    """Each innermost loop without a branch inside: the instructions from a label to the jump back to it."""
    lines = [line.strip() for line in assembly(kernel, *arguments).splitlines()]
    labels = {line[:-1]: i for i, line in enumerate(lines) if line.endswith(":")}
    found = []
    for i, line in enumerate(lines):
        target = line.split()[-1] if line.startswith("j") else ""
        if target in labels and labels[target] < i:
            body = [x for x in lines[labels[target] + 1 : i + 1] if x and not x.startswith(("#", ".p2align", ".cfi"))]
            if not any(x.endswith(":") for x in body):
                found.append(body)
    return found


def moved_by_vectors(loop: list[str], operation: str) -> int:
    """How many instructions of a loop do this operation on whole vectors (`…pd`, `…ps`) with an operand in memory."""
    return sum(operation in line.split()[0] and line.split()[0].endswith(("pd", "ps")) and "(" in line for line in loop)
