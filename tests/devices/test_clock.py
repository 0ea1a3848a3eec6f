"""The clock of a CPU: a chain of additions that the compiler leaves in place."""

from __future__ import annotations

from hwbench.devices import clock
from hwbench.devices.cpu import CpuDevice
from inspection.assembly import assembly


def test_the_chain_adds(here: CpuDevice) -> None:
    """The chain's sum says that every addition happened."""
    assert clock.chain(10, 3) == 10 * clock.CHAIN * 3


def test_the_chain_is_a_chain() -> None:
    """LLVM leaves the additions in place, one after the other: as many as the chain is long, and no multiplication."""
    body = [line.split() for line in assembly(clock.chain, 1, 1).splitlines() if "\t" in line]
    adds = [words for words in body if words and words[0] in ("addq", "add")]
    assert len(adds) >= clock.CHAIN
    assert not [words for words in body if words and words[0] in ("imulq", "imul", "mul", "shlq", "lsl")]
