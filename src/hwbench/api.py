"""For use from Python: measure a bench, load a run, place a function of your own on the roofline."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import asdict, astuple

from . import catalog, errors
from .analysis.plausibility import concluded, judged
from .analysis.reading import Reading
from .bench import Bench
from .devices import selection
from .export.table import Table, table
from .host import machine
from .measurement import cases, numba_settings, policy
from .measurement.engine import Engine
from .placing import engine, on_gpu
from .placing import roofs as measured
from .placing.model import Placed
from .placing.result import Decorated, Placement
from .placing.roofs import Roofs
from .placing.subject import Function, Inputs, name_of, needed
from .record import store
from .record.model import Record, Run, Scalar


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


def place(function: Function, /, *args: object, **kwargs: object) -> Any:
    """Place a function of your own under the measured roofs of this machine: `hwbench.place(f, x, y)`.

    It is called once or twice to be counted and looked at, and then timed. The roofs are measured the first time, in
    half a minute. As a decorator (`@hwbench.place` above a function with parameters) it leaves the function as it is,
    and `f.share`, `f.roof`, `f.bytes`, `f.advice` and `f.placed` place it with the arguments of its last call.

    Raises
    ------
    ValueError
        For a function that cannot be placed; the message is one line.
    """
    if not args and not kwargs and needed(function):
        return Decorated(function, place)
    return placed(function, args, kwargs)


def roofline(
    function: Function, /, *args: object, bytes: float | None = None, flops: float | None = None, **kwargs: object
) -> Placement:
    """Place a function by bytes and flops that you declare, where the count does not see what it does.

    Raises
    ------
    ValueError
        For bytes below those of its arguments and results, and for amounts above 1.05 of the roof.
    """
    return placed(function, args, kwargs, engine.Declared(bytes, flops))


def roofs(*, refresh: bool = False) -> Roofs:
    """The measured roofs of this machine: from the cache, else measured now in half a minute."""
    numba_settings.check()
    if refresh or "roofs" not in _kept:
        _kept["roofs"] = measured.get(_say, refresh=refresh)
    return _kept["roofs"]


_kept: dict[str, Roofs] = {}


def _say(line: str) -> None:
    print(f"hwbench: {line}", file=sys.stderr)  # noqa: T201


def placed(
    function: Function, args: Sequence[object], kwargs: Mapping[str, object],
    declared: engine.Declared = engine.NOTHING_DECLARED,
) -> Placement:  # fmt: skip
    """A function with these arguments: what `place`, `roofline`, the pytest fixture and asv's helper give."""
    name = name_of(function)
    setting = engine.Setting(roofs, selection.devices("cpu"))
    found = engine.place(name, function, Inputs(tuple(args), kwargs), setting, declared=declared)
    return Placement(Placed(name, (found[name],)), on_gpu.roofs_for([found[name]], roofs))
