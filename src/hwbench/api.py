"""For use from Python: measure a bench, load a run, place a function of your own on the roofline."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import asdict, astuple

from . import catalog, errors
from .analysis.limits import Limit
from .analysis.plausibility import concluded, judged
from .analysis.reading import Reading
from .bench import Bench, Work
from .devices import Device, selection
from .export.table import Table, table
from .host import machine
from .measurement import cases, numba_settings, policy
from .measurement.engine import Engine
from .protocols import Call
from .record import store, text
from .record.estimate import Estimate, estimate
from .record.model import Case, Record, Run, Scalar
from .record.phrases import ABOVE, counted
from .tracking import health


def measure(
    bench: str | Bench, *, preset: str = "standard", variants: tuple[str, ...] = (), **params: Scalar | Sequence[Scalar]
) -> list[Record]:
    """Measure one bench here and now and return its records.

    Parameters
    ----------
    bench
        A bench, or its name.
    preset
        `quick`, `standard` or `full`: the axis values and how long to sample.
    variants
        Only these; none: all.
    params
        Axis values, one or a list each: `size="L1"`, `threads=[1, "all"]`.

    Raises
    ------
    ValueError
        For a bench, variant, axis or value that does not exist: the message names the nearest. For an environment
        variable under which Numba cannot measure.
    """
    numba_settings.check()
    found = [bench] if isinstance(bench, Bench) else catalog.select([bench])
    if len(found) > 1:
        raise errors.UsageError(f"'{bench}' is more than one bench: {', '.join(one.name for one in found)}")
    if preset not in policy.POLICIES:
        raise errors.UsageError(f"'{preset}' is no preset{catalog.nearest(preset, policy.POLICIES)}")
    known = selection.devices(selection.needed("all", found))
    wanted = {
        name: [str(x) for x in (value if isinstance(value, list | tuple) else [value])]
        for name, value in params.items()
    }
    groups = cases.groups(
        found, preset=preset, params=wanted, variants=variants,
        devices={name: device.kind for name, device in known.items()}, spread=selection.spread(known),
    )  # fmt: skip
    engine = Engine(known, policy.POLICIES[preset])
    records = [record for group in groups for record in engine.measure(group)]
    sizes = {label: size for device in known.values() for label, size in device.sizes.items()}
    return judged(records, {one.name: one.info for one in found}, sizes, machine.describe().cpu)


class LoadedRun(Run, frozen=True, kw_only=True):
    """A run that was read, with what its limits say of its records."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and astuple(self) == astuple(other)

    __hash__ = None  # type: ignore[assignment]

    def table(self) -> Table:
        """A row for each case, for any library of data frames: `polars.DataFrame(run.table())`."""
        return table([Reading(self, catalog.LAZY)])


def load(path: str | os.PathLike[str]) -> LoadedRun:
    """The run in a file, with what its limits say of its records; `hwbench.errors.StoreError` says what is wrong."""
    run = concluded(store.read(Path(path)), catalog.LAZY)
    return LoadedRun(**asdict(run))


@dataclass(frozen=True)
class Placed:
    """A function on the roofline: its time, its rates, and the share that it reaches of the limit that bounds it.

    `bandwidth` is in B/s, `flop_rate` in FLOP/s, `intensity` in FLOP/B. `roof` is the lower of two limits: bandwidth
    times intensity, or the peak of arithmetic; `share` is the function's rate over it. `suspect` says what disturbed
    the function or the roof, or that the function is faster than its roof; "" without a doubt.
    """

    seconds: Estimate
    bandwidth: float
    flop_rate: float
    intensity: float
    roof: Limit
    share: float
    suspect: str = ""


def roofline(
    function: Call,
    *,
    bytes: float,
    flops: float,
    footprint: int,
    run: Run | None = None,
    threads: int = 1,
    dtype: str = "f8",
    out: str | os.PathLike[str] = "reports",
) -> Placed:
    """Measure a function of your own and place it under the roofs that a run measured on this machine.

    Parameters
    ----------
    function
        Does one call's work. It takes no argument; what it returns is ignored.
    bytes, flops
        What one call moves and computes.
    run
        A run that has benches of the limits `load` and `fma`, such as `stream.load` and `peak.fma`. None: the newest
        run or check of this machine below `out` that has such a roof; `hwbench check` measures them in 20 s.
    footprint
        Bytes per thread that the call touches. Together with the footprints of the threads that share a cache, they
        choose the level of the roof.
    threads, dtype
        Threads that the call runs on, and the precision that it computes in; they choose the roof.
    out
        Where `hwbench run` and `hwbench check` keep their runs; looked into where no run is given.

    Raises
    ------
    ValueError
        If the run has no limit for this level, thread count and dtype.
    """
    numba_settings.check()
    if not bytes > 0:
        raise ValueError(
            f"bytes={bytes}: a point on the roofline needs the bytes that one call moves; give more than 0"
        )

    def build() -> Work:
        return Work(function, output=lambda: 0)  # a user's function has no reference

    bench = Bench(
        "user.function", question="How much of the machine does this function get?", axes={}, baseline="function"
    )
    bench.variant("function")(build)
    known: Mapping[str, Device] = selection.devices("cpu")
    engine = Engine(known, policy.POLICIES["standard"])
    bench.counts(lambda: {"bytes": bytes, "flops": flops})
    bench.reference(lambda: 0)
    [record] = engine.measure(cases.Group(bench, (Case(bench.name, "function", "cpu", {}),)))
    if not record.timed:
        raise ValueError(f"the function could not be measured: {record.why}")
    seconds = estimate(record.samples)
    at = Record(
        bench=bench.name, version=1, variant="function", device="cpu", params={"dtype": dtype}, status="ok",
        samples=record.samples, counts=record.counts, facts={"footprint": footprint, "threads": threads},
    )  # fmt: skip
    known_benches = catalog.benches()
    readings = _of_this_machine(Path(out)) if run is None else [Reading(run, known_benches)]
    found = next(filter(None, (reading.roof(at) for reading in readings)), None)
    if found is None:
        those = [name for kind in ("load", "fma") for name, one in known_benches.items() if one.measures == kind]
        where = f"no run of this machine in {os.fspath(out)} has a" if run is None else f"run {run.id} has no"
        raise ValueError(
            f"{where} roof for {counted(threads, 'thread')}: measure {' and '.join(those)} on as many"
            + ", or run hwbench check" * (run is None)
        )
    roof = found.limit
    doubts = [record.why] if record.status == "suspect" else []
    if ABOVE in found.doubt:
        doubts.append(
            f"faster than its roof: {text.amount(found.value)} times {roof.name} "
            f"({text.amount(roof.shown, roof.metric.unit)}); check bytes, flops, footprint and threads, or measure the "
            "roof again"
        )
    elif roof.suspect:
        doubts.append(f"its roof, {roof.name}, was disturbed: {roof.suspect}")
    return Placed(
        seconds, bytes / seconds.value, flops / seconds.value, flops / bytes, roof, found.value, "; ".join(doubts)
    )


def _of_this_machine(out: Path) -> list[Reading]:
    """The runs and checks of this machine below a directory, the newest first."""
    found = health.history(out, machine.describe(), (), catalog.LAZY).own
    return sorted(found, key=lambda reading: reading.run.started, reverse=True)
