"""What a rewrite costs or saves beside bytes: a parallel loop, a call of NumPy, its pass over L2, new pages.

They are kept beside the roofs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import numpy as np

from ..bench import Bench, Work
from ..devices import Device
from ..measurement.cases import Group
from ..measurement.engine import Engine
from ..record.model import Case, Policy, Record

FORK, CALL, FRESH, PASS = "cost.fork", "cost.call", "cost.fresh", "cost.pass"
FRESH_BYTES = 64 * 2**20  # above the 32 MiB up to which glibc gives freed memory out again
PASS_BYTES = 64 * 2**10  # an array: three of them lie in L2 and in no L1


def _bench(name: str, question: str, counts: Mapping[str, float], call: Callable[[], object]) -> Bench:
    bench = Bench(name, question=question, axes={}, baseline="cost")
    bench.variant("cost")(lambda: Work(call, output=lambda: 0))
    bench.counts(lambda: dict(counts))
    bench.reference(lambda: 0)
    return bench


def benches() -> list[Bench]:
    """The costs as benches of one variant."""
    from ..benches.parallel.overhead import add_together, arrays  # both import Numba
    from ..kernels import ordinary

    tiny, alone, call = arrays(64), np.ones(1), {"calls": 1.0}
    fresh = functools.partial(ordinary.fresh, FRESH_BYTES // 8)
    x, y, out = (np.ones(PASS_BYTES // 8) for _ in range(3))
    moved = {"bytes": 3.0 * PASS_BYTES}
    return [
        _bench(FORK, "What does a parallel loop of Numba cost?", call, lambda: add_together(*tiny)),
        _bench(CALL, "What does a call of NumPy cost?", call, lambda: np.add(alone, alone)),
        _bench(FRESH, "What does memory cost that is touched for the first time?", {"bytes": FRESH_BYTES}, fresh),
        _bench(PASS, "How fast does NumPy pass over pieces in L2?", moved, lambda: np.add(x, y, out=out)),
    ]


def measure(devices: Mapping[str, Device], policy: Policy) -> list[Record]:
    """A record for each cost."""
    engine = Engine(devices, policy)
    groups = [Group(bench, (Case(bench.name, "cost", "cpu", {}),)) for bench in benches()]
    return [record for group in groups for record in engine.measure(group)]
