"""L1 and shared memory: what a thread adds up, and what is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from msgspec.structs import replace

from hwbench.benches.device import cache
from made_up.gpu_records import record, said, suspect

CARD: Any = SimpleNamespace(properties=SimpleNamespace(sm=1), resident=lambda topic, kernel, block: 2)


def read(name: str, seconds: float, **more: Any) -> Any:
    return record("device.cache", name, {}, seconds, counts={"bytes": 33e9}, facts={"sm": 132}, **more)


def test_a_thread_goes_round_the_items_in_steps():
    """By a loop over turns and loads, as the kernel has it."""
    seeds = cache.words(np.random.default_rng(1))
    found = cache.sums(seeds, CARD, "l1")
    assert found.shape == (2 * 256,)
    item = seeds.reshape(-1, 4).sum(axis=1)
    thread = 77
    by_hand = sum(item[(thread + 33 * turn + 256 * k) % 1024] for turn in range(cache.TURNS) for k in range(4))
    assert found[thread] == found[256 + thread] == by_hand
    assert len(set(found.tolist())) > 100


def test_both_are_told_with_what_a_multiprocessor_reads_a_cycle():
    """By the clock of the samples, where it is known."""
    clock = {"gpu_sm_clock_hz": [1.95e9] * 3}
    rows = [replace(read("shared", 1e-3), telemetry=clock), read("l1", 1.1e-3)]
    [told] = said(cache.bench, *rows)
    assert told.startswith("The multiprocessors together read 33.")
    assert " TB/s (" in told
    assert "from shared memory (128 B a cycle and multiprocessor) and " in told
    assert told.endswith("from L1.")
    assert said(cache.bench, suspect(rows[1]))[0].endswith(
        "from L1 (suspect: the GPU was held back by its power limit)."
    )
