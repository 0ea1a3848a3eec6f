"""What every class of the suite does: measure its bench once a commit, then hand asv its cases one by one.

asv starts a process for each combination of parameters, but runs `setup_cache` once for a class. The bench is measured
there by hwbench's engine: checked, warmed up, its variants interleaved. The processes that follow only look up their
case. So contrasts stay interleaved, and a suite of hundreds of cases takes minutes.

hwbench is imported inside `measure` only: the commit under test may lack a module, and a look-up needs none.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar

# By variant and axis values: status, reason, codes of reasons, samples, loops. The entry of () is for all other cases.
Records = dict[tuple[Any, ...], dict[str, Any]]


class _Suite:
    """A bench as asv sees it. `params` are the variants, then the values of each axis, in the bench's order.

    An axis with a single value, which depends on the machine (`pages`), is left out. The result is in seconds a call:
    asv takes every rise for a regression, so a rate would alarm at each improvement.
    """

    bench: ClassVar[str]
    version: ClassVar[int]  # the bench's own; asv drops the results of another one
    param_names: ClassVar[tuple[str, ...]]
    params: ClassVar[tuple[tuple[Any, ...], ...]]
    unit = "seconds"
    timeout = 300  # of `setup_cache` too, so it covers compiling

    def setup(self, records: Records, *values: Any) -> None:
        """NotImplementedError, which asv shows as n/a, for a case that this commit or machine does not have."""
        record = records.get(values, records[()])
        if record["status"] == "skipped":
            raise NotImplementedError(record["reason"])

    def track_seconds(self, records: Records, *values: Any) -> dict[str, Any]:
        """The samples of one case; RuntimeError, which asv shows as failed, for a wrong answer or an error."""
        record = records[values]
        if not record["samples"]:
            raise RuntimeError(f"{record['status']}: {record['reason']}")
        if record["status"] == "suspect":
            print(f"suspect ({', '.join(record['codes'])}): {record['reason']}", file=sys.stderr)  # noqa: T201 - asv has no other place for it
        return {"samples": record["samples"], "number": record["loops"]}


def measure(suite: _Suite) -> Records:
    """All cases of a suite, measured with the installed hwbench; the reason under () where it has no such bench."""
    try:
        from hwbench import api

        try:
            from hwbench.catalog import select
            from hwbench.errors import UsageError
        except ImportError:  # a commit from before modules were put into packages
            from hwbench.registry import UsageError, select
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
            "status": record.status, "reason": record.why if hasattr(record, "why") else record.reason,
            "codes": getattr(record, "codes", []), "samples": record.samples, "loops": record.loops,
        }
        for record in records
    }  # fmt: skip
    if len(found) < len(records):
        return _without(suite, f"of its axes {', '.join(bench.axes)} one more has several values")
    return _without(suite, "its variants and values are others") | found


def _without(suite: _Suite, reason: object) -> Records:
    """The entry for cases that the installed hwbench does not have."""
    return {(): {"status": "skipped", "reason": f"this commit has no such case of {suite.bench}: {reason}"}}
