"""Totals of the CPUs' time, and when they are not to be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwbench.host import cpu_time
from made_up import trees


def test_busy_steal_idle() -> None:
    """Only the wanted CPUs count: user, nice, system and interrupts as busy, idle and waiting not."""
    text = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 1 2 3 100 50 4 5 7 0 0\ncpu1 10 0 0 100 0 0 0 1 0 0\nintr cpu2 1"
    assert cpu_time.busy_steal_idle(text, [0], 1.0) == (15, 7, 150)
    assert cpu_time.busy_steal_idle(text, [0, 1], 0.5) == (12.5, 4, 125)
    assert cpu_time.busy_steal_idle(text, [2], 1.0) == (0, 0, 0)


LXCFS = {"proc/self/mountinfo": "9 1 0:2 /proc/stat /proc/stat rw - fuse.lxcfs lxcfs rw"}


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "cannot be read"),
        ({"proc/stat": ""}, "is empty"),
        ({"proc/stat": "cpu  9 0 0 9 0 0 0 0\ncpu0 9 0 0 9 0 0 0 0"}, "no line for CPU 1"),
        ({"proc/stat": "cpu  0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0"}, "counts nothing"),
        ({"proc/stat": "cpu0 1 x\ncpu1 9 0 0 9 0 0 0 0"}, "no line for CPU 0"),
        ({"proc/stat": "cpu0 0 0 0 0 0 0 0 0\ncpu1 9 0 0 9 0 0 0 0"}, ""),
        ({"proc/stat": "cpu0 9 0 0 9 0 0 0 0\ncpu1 9 0 0 9 0 0 0 0"} | LXCFS, "made up by lxcfs"),
    ],
)
def test_why_a_counter_is_not_used(tmp_path: Path, files: dict[str, str], why: str) -> None:
    """A counter of zeros, of another numbering or of the container alone would say that nobody else is there."""
    root = trees.write(tmp_path, files)
    found = cpu_time.unusable(root, [0, 1])
    assert why in found
    assert bool(found) == bool(why)


@pytest.mark.parametrize(
    ("files", "share"),
    [
        ({}, None), ({"proc/stat": ""}, None), ({"proc/stat": "cpu  0 0 0 0 0 0 0 0"}, None),
        ({"proc/stat": "cpu  1 2 3 4"}, None), ({"proc/stat": "cpu  80 0 0 15 0 0 0 5 9 9"}, 0.05),
        ({"proc/stat": "cpu  80 0 0 20 0 0 0 0"}, 0.0), ({"proc/stat": "cpu  80 0 0 15 0 0 0 5"} | LXCFS, None),
    ],
)  # fmt: skip
def test_steal_that_is_not_known_is_not_zero(tmp_path: Path, files: dict[str, str], share: float | None) -> None:
    """None where no kernel counted it."""
    assert cpu_time.steal_share(trees.write(tmp_path, files)) == share
