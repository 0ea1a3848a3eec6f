"""What a rewrite costs or saves beside bytes: a parallel loop, a call of NumPy. Kept as records beside the roofs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..bench import Bench, Work
from ..devices import Device
from ..measurement.cases import Group
from ..measurement.engine import Engine
from ..record.model import Case, Policy, Record

FORK, CALL = "cost.fork", "cost.call"


def _bench(name: str, question: str, call: Callable[[], object]) -> Bench:
    bench = Bench(name, question=question, axes={}, baseline="cost")
    bench.variant("cost")(lambda: Work(call, output=lambda: 0))
    bench.counts(lambda: {"calls": 1})
    bench.reference(lambda: 0)
    return bench


def benches() -> list[Bench]:
    """The costs as benches of one variant."""
    from ..benches.parallel.overhead import add_together, arrays  # imports Numba

    tiny, alone = arrays(64), np.ones(1)
    return [
        _bench(FORK, "What does a parallel loop of Numba cost?", lambda: add_together(*tiny)),
        _bench(CALL, "What does a call of NumPy cost?", lambda: np.add(alone, alone)),
    ]


def measure(devices: Mapping[str, Device], policy: Policy) -> list[Record]:
    """A record for each cost."""
    engine = Engine(devices, policy)
    groups = [Group(bench, (Case(bench.name, "cost", "cpu", {}),)) for bench in benches()]
    return [record for group in groups for record in engine.measure(group)]
