"""What a comparison says as a whole: the geometric mean of its ratios, and what surrounded the two runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from ..record import inherited
from ..record.estimate import Estimate
from ..record.identity import SETTINGS, differing, setup
from .comparison import Comparison
from .directions import kind_of
from .sides import Side
from .stats import t_quantile
from .verdicts import LEVEL

SURROUNDING = (*SETTINGS, "huge pages", "variables")


def geometric_mean(cases: Sequence[Comparison]) -> tuple[Estimate, int] | None:
    """The geometric mean of the ratios of all times, with its 95% interval from their scatter, and their number."""
    logs = [math.log(one.ratio) for one in cases if one.ratio and kind_of(one.unit) == "time"]
    if len(logs) < 2:
        return None
    middle = float(np.mean(logs))
    reach = t_quantile(1 - LEVEL, len(logs) - 1) * float(np.std(logs, ddof=1)) / math.sqrt(len(logs))
    return Estimate(*(math.exp(max(-700.0, min(x, 700.0))) for x in (middle, middle - reach, middle + reach))), len(
        logs
    )


def surroundings(base: Side, new: Side) -> Iterator[str]:
    """How settings of the system and inherited variables of two runs differ, with what the variables do."""
    if not (base.runs and new.runs):
        return
    one, other = base.runs[0], new.runs[0]
    before, after = (
        {name: value for name, value in setup(run).fields.items() if name in SURROUNDING} for run in (one, other)
    )
    yield from differing(before, after, ("base", "new"))
    for run, against, side in ((one, other, "base"), (other, one, "new")):
        for name, rule in inherited.lowering(run.variables or {}):
            if (run.variables or {}).get(name) != (against.variables or {}).get(name):
                yield f"{name} in {side}: {rule.affects}"
