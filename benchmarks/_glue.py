"""What every class of the suite does: measure its bench once a commit, then hand asv one case after the other.

asv starts a process for each combination of parameters, but runs `setup_cache` once for a class. The bench is measured
there by hwbench's own engine: checked, warmed up, its variants interleaved. The processes that follow only look their
case up, so that a contrast stays one, and a suite of hundreds of cases takes minutes.

Nothing of hwbench is imported above `measure`: the commit under test may lack it, and a process that looks up does not
need it.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar

# By variant and axis values: status, reason, samples, loops. Under () stands what is said of all other cases.
Records = dict[tuple[Any, ...], dict[str, Any]]


class _Suite:
    """A bench as asv sees it. `params` are the variants, then the values of each axis, in the bench's order.

    An axis that has one value on each machine, whatever that be there (`pages`), is left out.

    Seconds a call, because asv takes every rise for a regression: a rate would alarm at each improvement.
    """

    bench: ClassVar[str]
    version: ClassVar[int]  # the bench's own; asv drops the results of another one
    param_names: ClassVar[tuple[str, ...]]
    params: ClassVar[tuple[tuple[Any, ...], ...]]
    unit = "seconds"
    timeout = 300  # of `setup_cache` too, so it covers compiling

    def setup(self, records: Records, *values: Any) -> None:
        """NotImplementedError, which asv shows as n/a, for what this commit or this machine has not."""
        record = records.get(values, records[()])
        if record["status"] == "skipped":
            raise NotImplementedError(record["reason"])

    def track_seconds(self, records: Records, *values: Any) -> dict[str, Any]:
        """The samples of one case; RuntimeError, which asv shows as failed, for a wrong answer or an error."""
        record = records[values]
        if not record["samples"]:
            raise RuntimeError(f"{record['status']}: {record['reason']}")
        if record["status"] == "suspect":
            print(f"suspect: {record['reason']}", file=sys.stderr)  # noqa: T201 - asv has no other place for it
        return {"samples": record["samples"], "number": record["loops"]}


def measure(suite: _Suite) -> Records:
    """Measure all cases of a suite with the installed hwbench; only why not where that has no such bench."""
    try:
        from hwbench import api
        from hwbench.catalog import select
        from hwbench.errors import UsageError
    except ImportError as error:
        return _without(suite, error)
    axes = dict(zip(suite.param_names[1:], suite.params[1:], strict=True))
    try:
        [bench] = select([suite.bench])
        if not set(axes) <= set(bench.axes):
            return _without(suite, f"its axes are {', '.join(bench.axes)}")
        variants = tuple(name for name in suite.params[0] if name in bench.variants)
        if not variants:
            return _without(suite, "it has none of the variants")
        records = api.measure(bench, preset="quick", variants=variants, **axes)
        records = [record for record in records if record.device in ("cpu", "gpu", "gpu:0")]  # one GPU stands for all
    except UsageError as error:
        return _without(suite, error)
    found = {
        (record.variant, *(record.params[axis] for axis in axes)): {
            "status": record.status, "reason": record.reason, "samples": record.samples, "loops": record.loops,
        }
        for record in records
    }  # fmt: skip
    if len(found) < len(records):
        return _without(suite, f"of its axes {', '.join(bench.axes)} one more has several values")
    return _without(suite, "its variants and values are others") | found


def _without(suite: _Suite, reason: object) -> Records:
    """What is said of the cases that the installed hwbench does not have."""
    return {(): {"status": "skipped", "reason": f"this commit has no such case of {suite.bench}: {reason}"}}
