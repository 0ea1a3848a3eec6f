"""Loads across the link: the ring, and what is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hwbench.bench import Skip
from hwbench.benches.transfer import latency
from made_up.gpu_records import L2, record, said, suspect

SMALL: Any = SimpleNamespace(properties=SimpleNamespace(l2=2**20))
LARGE: Any = SimpleNamespace(properties=SimpleNamespace(l2=2**27))


def loads(memory: str, each: float) -> Any:
    facts = {"memory": memory, "footprint": 16 * L2}
    return record("transfer.latency", "load", {"memory": memory}, 2048 * each, counts={"hops": 2048}, facts=facts)


def test_no_cache_still_has_a_line_when_it_is_met_again():
    """The ring is 64 MiB, and twice the L2 where that is more."""
    assert latency.lines_of(SMALL) * latency.LINE == 2**26
    assert latency.lines_of(LARGE) * latency.LINE == 2**28
    assert latency.memory(LARGE) > 2**28


def test_the_ring_is_in_random_order(monkeypatch):
    """A call ends as many lines further on as it has hops."""
    monkeypatch.setattr(latency, "LEAST", 2**21)
    order = latency.ring(np.random.default_rng(0), SMALL)
    assert sorted(order) == list(range(2**14))
    assert (np.abs(np.diff(order)) == 1).mean() < 0.01
    assert latency.last_line(order) == order[2048]
    assert latency.last_line(order[:1000]) == order[48]


def test_each_memory_is_told_against_the_own():
    """Where the run has a load from the device's own memory."""
    own = [
        record("device.latency", "l2", {"size": size}, 8192 * each, counts={"hops": 8192},
               facts={"footprint": footprint, "l2_bytes": L2})
        for size, footprint, each in (("L2", L2 // 2, 2e-7), ("HBM", 16 * L2, 5e-7))
    ]  # fmt: skip
    [told] = said(latency.bench, loads("host", 1.5e-6), suspect(loads("peer", 1e-6)), *own)
    assert told.startswith("A load of the GPU across the link takes 1.50")
    assert "from the host's memory, 3.0" in told and "times one from its own memory and 1.00" in told
    assert ", 2.0" in told.partition(" and ")[2]
    assert told.endswith("(suspect: the GPU was held back by its power limit).")
    [alone] = said(latency.bench, loads("host", 1.5e-6))
    assert alone.endswith("from the host's memory.")
    assert said(latency.bench) == []


def test_other_memory_is_refused():
    """With what there is."""
    with pytest.raises(Skip, match="the ring lies in host or peer; not 'disk'"):
        latency.load(SMALL, np.arange(4), "disk")
