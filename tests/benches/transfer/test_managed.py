"""Managed memory: pages are brought back before each call, and what is timed is one touch or one prefetch."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from doubles.fake_cupy import FakeGpu, FakeNvml, install
from hwbench.bench import Skip
from hwbench.benches.transfer import managed
from made_up.gpu_records import record, said, suspect

SIZE = 2**16


def moved(way: str, **seconds: float) -> list[Any]:
    return [
        record("transfer.managed", how, {"direction": way, "size": "16MiB"}, each, counts={"bytes": 2**24, "calls": 1})
        for how, each in seconds.items()
    ]


def test_a_prefetch_is_told_beside_the_first_touch():
    """And what the touch takes after it."""
    [there] = said(managed.bench, *moved("h2d", touch=4e-3, prefetch=5e-4, after=4e-5))
    assert there.startswith("Managed memory, 16 MiB to the GPU: 4.19")
    assert "GB/s" in there and "by the first touch; a prefetch is 8.0" in there
    assert "faster than it" in there
    assert "; the touch after one takes 1" in there and "of its time." in there
    [back] = said(managed.bench, *map(suspect, moved("d2h", touch=4e-3)))
    assert "to the host: 4.19" in back and back.endswith("(suspect: the GPU was held back by its power limit).")
    assert said(managed.bench, *moved("h2d", prefetch=1e-3)) == []


def test_what_has_no_direction_or_no_whole_words_is_refused():
    """A line each, with what would do."""
    builder = managed.bench.variants["touch"].build
    with pytest.raises(Skip, match="pages go h2d, d2h; not 'up'"):
        builder(SimpleNamespace(), np.zeros(16, np.uint8), 16, "up")
    with pytest.raises(Skip, match="16 bytes at a time, and 100 are no multiple"):
        managed.whole_words(np.random.default_rng(0), 100)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Any:
    gpu = FakeGpu({"move16": 1e-3})
    gpu.copy_bytes_s = SIZE / 0.5e-3
    install(monkeypatch, gpu, FakeNvml())
    from hwbench.devices.gpu import GpuDevice

    return gpu, GpuDevice(0)


@pytest.mark.parametrize(("how", "ran", "each"), [
    ("touch", ["move16"], 1e-3), ("prefetch", ["prefetch to 0"], 0.5e-3), ("after", ["prefetch to 0", "move16"], 1e-3),
])  # fmt: skip
def test_one_way_to_the_gpu_is_timed_by_its_events(made, how, ran, each):
    """Two calls are two moves; the prefetch before a touch is outside its time."""
    gpu, device = made
    work = managed.bench.variants[how].build(device, np.ones(SIZE, np.uint8), SIZE, "h2d")
    work.timer(1)
    gpu.log.clear()
    assert work.timer(2) == pytest.approx(2 * each, rel=0.02)
    assert [name for name, *_ in gpu.log if name in ("move16", "prefetch to 0")] == ran * 2
    assert work.facts["timed_by"] == "events"


@pytest.mark.parametrize(("how", "ran"), [
    ("touch", ["move16"]), ("prefetch", ["move16", "prefetch to -1"]), ("after", ["move16", "prefetch to -1"]),
])  # fmt: skip
def test_pages_go_to_the_gpu_before_each_way_to_the_host(made, how, ran):
    """By a kernel that writes them; NumPy's copy is timed by the host's clock, a prefetch by events."""
    gpu, device = made
    work = managed.bench.variants[how].build(device, np.ones(SIZE, np.uint8), SIZE, "d2h")
    work.timer(1)
    gpu.log.clear()
    seconds = work.timer(2)
    assert [name for name, *_ in gpu.log if name in ("move16", "prefetch to -1")] == ran * 2
    assert work.facts["timed_by"] == ("events" if how == "prefetch" else "host")
    assert (seconds == pytest.approx(1e-3, rel=0.02)) == (how == "prefetch")


def test_where_the_cpu_may_not_touch_pages_meanwhile_it_is_skipped(made):
    """A touch would end the process."""
    gpu, device = made
    gpu.attributes[89] = 0
    with pytest.raises(Skip, match="may not touch managed memory while the GPU works"):
        managed.bench.variants["touch"].build(device, np.ones(SIZE, np.uint8), SIZE, "h2d")
