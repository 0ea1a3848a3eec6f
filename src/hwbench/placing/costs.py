"""What a rewrite saves beside bytes: memory that is touched for the first time, a parallel loop, a call of NumPy.

Predictions need them. They are kept as records beside the roofs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..bench import Bench, Work
from ..devices import Device
from ..measurement.cases import Group
from ..measurement.engine import Engine
from ..record.model import Case, Policy, Record

FRESH, FORK, CALL = "cost.fresh", "cost.fork", "cost.call"
FRESH_BYTES = 64 * 2**20  # above the 32 MiB up to which glibc gives freed memory out again
PAGE = 4096


def fresh_pages() -> None:
    """Touch each page of a new array."""
    np.empty(FRESH_BYTES, np.uint8)[::PAGE] = 1


def _bench(name: str, question: str, counts: Mapping[str, float], call: Callable[[], object]) -> Bench:
    bench = Bench(name, question=question, axes={}, baseline="cost")
    bench.variant("cost")(lambda: Work(call, output=lambda: 0))
    bench.counts(lambda: dict(counts))
    bench.reference(lambda: 0)
    return bench


def benches() -> list[Bench]:
    """The costs as benches of one variant."""
    from ..benches.parallel.overhead import add_together, arrays  # imports Numba

    tiny, alone = arrays(64), np.ones(1)
    return [
        _bench(FRESH, "What does memory cost that is touched for the first time?", {"bytes": FRESH_BYTES}, fresh_pages),
        _bench(FORK, "What does a parallel loop of Numba cost?", {"calls": 1}, lambda: add_together(*tiny)),
        _bench(CALL, "What does a call of NumPy cost?", {"calls": 1}, lambda: np.add(alone, alone)),
    ]


def measure(devices: Mapping[str, Device], policy: Policy) -> list[Record]:
    """A record for each cost."""
    engine = Engine(devices, policy)
    groups = [Group(bench, (Case(bench.name, "cost", "cpu", {}),)) for bench in benches()]
    return [record for group in groups for record in engine.measure(group)]
