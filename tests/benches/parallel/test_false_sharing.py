"""False sharing: every thread counts to the end, in memory where it should, and as far apart as is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from hwbench.analysis.findings import BenchResults
from hwbench.benches.parallel import false_sharing
from hwbench.benches.parallel.false_sharing import ADDITIONS, bench
from hwbench.devices.cpu import CpuDevice
from inspection.answers import reading, verdict, work_of
from inspection.machine_code import needs_x86, simple_loops
from inspection.told import STOLEN, doubt, said, spread


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
    short = lambda counters, at, times, *rest: real(counters, at, times - 1, *rest)  # noqa: E731
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


def counted_on(threads: Sequence[int], shared: float = 20.0) -> BenchResults:
    """A reading in which one line makes each addition so many times slower for two threads, more for more."""
    cost = {"one-line": shared, "line-each": 1.0, "pair-each": 1.0, "register": 0.5}
    rows: list[tuple[str, dict[str, Any], float]] = [
        (name, {"threads": t}, 1.0 if t == 1 else each * (t / 2 if name == "one-line" else 1))
        for name, each in cost.items()
        for t in threads
    ]
    return spread(reading(bench, rows, {"items": 10**9}))


def test_the_finding() -> None:
    """The factor of one line at two threads, the comparison with one thread, and the remedies."""
    read = counted_on((1, 2))
    assert said(read) == [
        "2 threads counting in one cache line take 20.0 ns (…) per addition, 20.0× slower than with a line per "
        "thread (…); together they do less than 1 thread alone, since each is 20.0× slower (…).",
        "Compared with a cache line per thread (2 threads): two lines per thread, no difference (…); a sum in a "
        "register, 2.00× faster (…).",
    ]
    assert [one.endswith(STOLEN) for one in said(doubt(read, "register"))] == [False, True]
    assert said(counted_on((1,))) == []


def test_all_threads_come_first_where_they_lose_most() -> None:
    """Two and four threads were measured: the largest effects, three sentences at most."""
    sentences = said(counted_on((1, 2, 4)))
    assert [one[:40] for one in sentences[:2]] == [
        "4 threads counting in one cache line tak", "2 threads counting in one cache line tak",
    ]  # fmt: skip
    assert len(sentences) == 3


def test_a_small_factor_is_no_loss_against_one_thread() -> None:
    """Where two threads in one line still do more than one, the sentence ends with the factor."""
    told = next(one for one in said(counted_on((1, 2), shared=1.5)) if "one cache line" in one)
    assert told.endswith("per addition, 1.50× slower than with a line per thread (…).")
