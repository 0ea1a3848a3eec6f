"""False sharing: every thread counts to the end, in memory where it should, and as far apart as is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hwbench.benches.parallel import false_sharing
from hwbench.benches.parallel.false_sharing import ADDITIONS, bench
from hwbench.devices.cpu import CpuDevice
from inspection.answers import reading, verdict, work_of
from inspection.machine_code import needs_x86, simple_loops


@pytest.fixture(scope="module")
def device() -> Iterator[CpuDevice]:
    made = CpuDevice()
    yield made
    made.close()


@pytest.mark.parametrize("variant", bench.variants)
def test_every_thread_counts_to_the_end(device: CpuDevice, variant: str) -> None:
    """No addition is lost, with one thread and with all: the words are nobody else's."""
    for threads in {1, device.host.usable}:
        assert verdict(bench, variant, {"threads": threads, "device": device}) == ""


@pytest.mark.parametrize(
    ("variant", "apart"), [("one-line", 8), ("line-each", 64), ("pair-each", 128), ("register", 128)]
)
def test_counters_lie_as_far_apart_as_is_said(device: CpuDevice, variant: str, apart: int) -> None:
    """The facts tell the distance."""
    work, _ = work_of(bench, variant, {"threads": 1, "device": device})
    assert work.facts["bytes_apart"] == apart
    assert work.close is not None
    work.close()


@pytest.mark.parametrize("kernel", ["count_in_memory", "count_in_register"])
def test_repetitions_count_anew(kernel: str) -> None:
    """Each pass starts at 0, so that the answer does not depend on how often it was asked."""
    counters = np.full(4, -1)
    getattr(false_sharing, kernel)(counters, 2, 10, 3)
    assert counters.tolist() == [-1, -1, 10, -1]


def test_a_lost_addition_is_caught(device: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of a thousand missing is a wrong answer."""
    real = false_sharing.count_in_memory
    short = lambda counters, at, times, passes: real(counters, at, times - 1, passes)  # noqa: E731
    monkeypatch.setattr(false_sharing.counting, "__defaults__", (short,))
    assert "differs" in verdict(bench, "one-line", {"threads": 1, "device": device})


def writes_memory(loop: list[str]) -> bool:
    """Whether a loop has an instruction whose destination is memory."""
    return any(line.split()[0].startswith(("inc", "add", "mov")) and line.endswith(")") for line in loop)


@needs_x86
def test_the_stores_stay_in_the_loop() -> None:
    """In memory each addition is stored; in the register variant none is, and yet each is done."""
    counters = np.zeros(8, dtype=np.int64)
    [memory, register] = (
        [loop for loop in simple_loops(kernel, counters, 0, 10, 1) if any(x.startswith(("incq", "addq")) for x in loop)]
        for kernel in (false_sharing.count_in_memory, false_sharing.count_in_register)
    )
    assert memory
    assert all(writes_memory(loop) for loop in memory)
    assert register
    assert not any(writes_memory(loop) for loop in register)


def test_counts() -> None:
    """Each thread's additions, so that the time should not depend on how many threads there are."""
    assert bench.count({"threads": 4}) == {"items": ADDITIONS}


def test_the_finding() -> None:
    """The factor of one line at two threads and at all, the comparison with one thread, and the remedies."""
    cost: dict[str, dict[int, float]] = {
        "one-line": {1: 1.0, 2: 20.0, 4: 40.0}, "line-each": {1: 1.0, 2: 1.0, 4: 1.0},
        "pair-each": {1: 1.0, 2: 1.0, 4: 1.0}, "register": {1: 0.5, 2: 0.5, 4: 0.5},
    }  # fmt: skip
    rows: list[tuple[str, dict[str, Any], float]] = [
        (name, {"threads": t}, seconds) for name, each in cost.items() for t, seconds in each.items()
    ]
    said = list(bench.hooks["finding"](reading(bench, rows, {"items": 10**9})))
    assert said[0].startswith(
        "2 threads that count in one cache line take 20.0 ns for an addition, in a line each 1.00 ns: 20.0×"
    )
    assert said[1].startswith("Each is then 20.0× slower than one thread alone: 2 do less than one.")
    assert said[2] == "Two lines apart brings no more; adding up in a register is 2.00× as fast as in a line each."
    assert said[3].startswith("4 threads that count in one cache line take 40.0 ns")
    assert list(bench.hooks["finding"](reading(bench, rows[:1], {"items": 1}))) == []
