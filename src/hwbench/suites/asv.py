"""Benches under asv: a class measures its bench once a commit, then hands asv its cases one by one.

asv starts a process for each combination of parameters, but runs `setup_cache` once for a class. hwbench's engine
measures the bench there: checked, warmed up, its variants interleaved. The processes that follow look up their case.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, ClassVar, TypeAlias

if TYPE_CHECKING:
    from ..record.model import JsonObject, Scalar

# By variant and axis values: status, reason, codes of reasons, samples, loops. The entry of () is for all other cases.
Records: TypeAlias = "dict[tuple[Scalar, ...], JsonObject]"


class Suite:
    """A bench as asv sees it. `params` are the variants, then the values of each axis, in the bench's order.

    `source` is the file, directory or package that has the bench, relative to the module of the class. The result is in
    seconds a call: asv takes every rise for a regression, so a rate would alarm at each improvement. Each class defines
    `setup_cache` itself, since asv tells caches apart by the line that does.
    """

    source: ClassVar[str]
    bench: ClassVar[str]
    version: ClassVar[int]  # the bench's own; asv drops the results of another one
    param_names: ClassVar[tuple[str, ...]]
    params: ClassVar[tuple[tuple[Scalar, ...], ...]]
    unit = "seconds"
    timeout = 600  # of `setup_cache` too, so it covers compiling

    def setup(self, records: Records, *values: Scalar) -> None:
        """NotImplementedError, which asv shows as n/a, for a case that this commit or machine does not have."""
        record = records.get(values, records[()])
        if record["status"] == "skipped":
            raise NotImplementedError(record["reason"])

    def track_seconds(self, records: Records, *values: Scalar) -> JsonObject:
        """The samples of one case; RuntimeError, which asv shows as failed, for a wrong answer or an error."""
        record = records[values]
        if not record["samples"]:
            raise RuntimeError(f"{record['status']}: {record['reason']}")
        if record["status"] == "suspect":
            print(f"suspect ({', '.join(record['codes'])}): {record['reason']}", file=sys.stderr)  # noqa: T201 - asv shows it
        return {"samples": record["samples"], "number": record["loops"]}

    def measure(self) -> Records:
        """All cases of the bench; the reason under () for those that it does not have."""
        from .. import api, catalog, own
        from ..errors import UsageError

        axes = dict(zip(self.param_names[1:], self.params[1:], strict=True))
        module = sys.modules[type(self).__module__]
        try:
            catalog.named([own.beside(self.source, module.__file__ or "")])
            [bench] = catalog.select([self.bench])
            variants = tuple(name for name in self.params[0] if name in bench.variants)
            if not variants or not set(axes) <= set(bench.axes):
                return _without(f"it has the axes {', '.join(bench.axes)} and the variants {', '.join(bench.variants)}")
            records = api.measure(bench, preset="quick", variants=variants, **axes)
        except UsageError as error:
            return _without(str(error))
        return _without("its variants and values are others") | {
            (one.variant, *(one.params[axis] for axis in axes)): {
                "status": one.status, "reason": one.why, "codes": one.codes, "samples": one.samples, "loops": one.loops,
            }
            for one in records
            if one.device in ("cpu", "gpu:0")  # one GPU stands for all
        }  # fmt: skip


def _without(reason: str) -> Records:
    """The entry for cases that there are none of."""
    return {(): {"status": "skipped", "reason": f"this commit has no such case: {reason}"}}
