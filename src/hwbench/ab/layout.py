"""What moves code and data between processes of the same program, drawn anew for each pair of processes.

The size of the environment moves the stack, and the hash seed moves the order of sets: either alone can change the time
of a loop by several percent (Mytkowicz et al., ASPLOS 2009). A result for one layout is one of that layout. Both
processes of a pair get the same draw, so that the draws are averaged over and do not differ between the sides.
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from pathlib import Path

import msgspec

PADDING = "HWBENCH_AB_PADDING"
LARGEST = 4096  # bytes: a page of stack
SEEDED = "PYTHONHASHSEED"
ASLR = Path("/proc/sys/kernel/randomize_va_space")


class Layout(msgspec.Struct, frozen=True):
    """A draw: the hash seed as Python takes it ("": the user's own), and the bytes added to the environment."""

    hash_seed: str
    padding: int

    def variables(self) -> dict[str, str]:
        """As environment variables."""
        seed = {SEEDED: self.hash_seed} if self.hash_seed else {}
        return {**seed, PADDING: "x" * self.padding}


def drawn(source: random.Random, environment: Mapping[str, str] = os.environ) -> Layout:
    """A new layout; a hash seed that the user has set stays."""
    seed = source.randrange(2**32)
    return Layout("" if environment.get(SEEDED, "random") != "random" else str(seed), source.randrange(LARGEST))


def aslr() -> str:
    """What the system does with addresses: `random`, or `fixed` where it was told to leave them alone."""
    try:
        return "fixed" if ASLR.read_text(encoding="ascii").strip() == "0" else "random"
    except (OSError, ValueError):
        return "unknown"
