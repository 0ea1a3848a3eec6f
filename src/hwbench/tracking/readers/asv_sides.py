"""One commit of asv's results as a side of a comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ..directions import direction, kind_of
from ..history import History
from ..sides import Entry, Measurement, Side, identity_differences, measurement_of
from .asv import CI_99, Benchmark, ResultFile, Value, known_as, split_name, values_of

BY_NAME = "environment"  # the axis of environments that only their names tell apart
_Case = tuple[str, str, tuple[tuple[str, str], ...], str]  # bench, variant, parameters, environment


def side(
    files: Sequence[ResultFile], known: Mapping[str, Benchmark], history: History, axes: Sequence[str],
    machine: str = "",
) -> Side:  # fmt: skip
    """Result files of one commit on one machine; the machine's `history` gives their run-to-run noise.

    `axes` are what distinguishes environments on either side; they become parameters of the cases. A `machine` that is
    named stands for whatever the files state.
    """
    first = files[0]
    positions = _positions(files, axes)
    past, trends = _past(history, first)
    entries = []
    for file in files:
        for name, row in file.rows.items():
            stated = known_as(name, known)
            version = row.get("version")
            if None not in (stated.version, version) and str(version) != stated.version:
                continue
            version = str(version if version is not None else stated.version or "")
            way = direction(stated.unit, name)
            for combination, value in values_of(row):
                bench, variant, params = split_name(name, stated.param_names, combination)
                at = bench, variant, tuple(params.items()), file.environment
                taken = (_measurement(value, stated.unit),) if isinstance(value, Value) else ()
                entries.append(
                    Entry(
                        bench, variant, "cpu", params | positions[file.environment], version, {}, taken,
                        "" if isinstance(value, Value) else value,
                        past.get(at, ()), way.higher, unit=stated.unit, sure=way.sure, trend=trends.get(at, ()),
                    )
                )  # fmt: skip
    environment = {"environment": " + ".join(dict.fromkeys(file.environment for file in files))}
    return Side(
        f"{first.commit[:8]} on {first.machine}",
        machine or first.machine,
        {} if machine else dict(first.identity),
        entries,
        environment,
        "asv",
    )


def _measurement(value: Value, unit: str) -> Measurement:
    """A value with its error by the samples, else by asv's interval, which only times have."""
    if value.samples:
        return Measurement(value.value, measurement_of(value.samples).error, samples=value.samples)
    error = (value.high - value.low) / CI_99
    unknown = math.inf if kind_of(unit) == "time" else 0.0
    return Measurement(value.value, error if math.isfinite(error) else unknown)


def environment_axes(files: Sequence[ResultFile]) -> list[str]:
    """What distinguishes the environments of a side; what all share is no part of a case's name.

    So two versions of NumPy can be compared though both were measured with one and with four threads.
    """
    asked = {file.environment: file.asked for file in files}
    keys = [key for key in dict.fromkeys(key for one in asked.values() for key in one)
            if len({one.get(key, "") for one in asked.values()}) > 1]  # fmt: skip
    return keys or [BY_NAME] * (len(asked) > 1)


def _positions(files: Sequence[ResultFile], axes: Sequence[str]) -> dict[str, dict[str, str]]:
    """For each environment its values on these axes, as parameters."""
    return {
        file.environment: {
            axis.removeprefix("pip+"): file.environment if axis == BY_NAME else file.asked.get(axis, "")
            for axis in axes
        }
        for file in files
    }


_Values = dict[_Case, Sequence[float]]


def _past(history: History, file: ResultFile) -> tuple[_Values, _Values]:
    """The values of every case on this machine, in the order of commits; and those up to the commit of a file."""
    alike = [not identity_differences(dict(setting.identity), dict(file.identity)) for setting in history.settings]
    until = next((at for at, one in enumerate(history.commits, 1) if one.name == file.commit), len(history.commits))

    def values(last: int) -> _Values:
        return {
            (*one.case, history.settings[one.setting].environment): known[~np.isnan(known)].tolist()
            for one in history.series
            if alike[one.setting]
            for known in [one.values[:last]]
        }

    return values(len(history.commits)), values(until)
