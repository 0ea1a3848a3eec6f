"""One commit of asv's results as a side of a comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ...record.estimate import median_error
from ..directions import higher_is_better
from ..history import History
from ..sides import Entry, Measurement, Side, identity_differences, normalize_machine_keys
from .asv import CI_99, Benchmark, ResultFile, split_name, values_of

BY_NAME = "environment"  # the axis of environments that only their names tell apart
_Case = tuple[str, str, tuple[tuple[str, str], ...], str]  # bench, variant, parameters, environment


def side(files: Sequence[ResultFile], known: Mapping[str, Benchmark], history: History, axes: Sequence[str]) -> Side:
    """Result files of one commit on one machine; the machine's `history` gives their run-to-run noise.

    `axes` are what distinguishes environments on either side; they become parameters of the cases.
    """
    first = files[0]
    positions = _positions(files, axes)
    past = _past(history, first)
    entries = []
    for file in files:
        for name, row in file.rows.items():
            stated = known.get(name)
            version = row.get("version")
            if stated and None not in (stated.version, version) and str(version) != stated.version:
                continue
            version = str(version if version is not None else (stated and stated.version) or "")
            names = stated.param_names if stated else ()
            higher = bool(stated) and higher_is_better(stated.unit if stated else "")
            for combination, value in values_of(row):
                bench, variant, params = split_name(name, names, combination)
                at = params | positions[file.environment]
                if value is None or value.value <= 0:
                    unfit = "skipped or failed" if value is None else "no positive value"
                    entries.append(Entry(bench, variant, "cpu", at, version, unfit=unfit))
                    continue
                error = median_error(value.samples) if value.samples else (value.high - value.low) / CI_99
                measurements = (Measurement(value.value, error if math.isfinite(error) else math.inf),)
                entries.append(
                    Entry(
                        bench, variant, "cpu", at, version, {}, measurements,
                        earlier=past.get((bench, variant, tuple(params.items()), file.environment), ()), higher=higher,
                    )
                )  # fmt: skip
    environment = {"environment": " + ".join(dict.fromkeys(file.environment for file in files))}
    return Side(
        f"{first.commit[:8]} on {first.machine}",
        first.machine,
        normalize_machine_keys(dict(first.identity)),
        entries,
        environment,
        "asv",
    )


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


def _past(history: History, file: ResultFile) -> dict[_Case, Sequence[float]]:
    """The medians of every case on this machine, in the order of commits."""
    return {
        (*one.case, history.settings[one.setting].environment): one.values[~np.isnan(one.values)].tolist()
        for one in history.series
        if (setting := history.settings[one.setting]).machine == file.machine
        and not identity_differences(dict(setting.identity), dict(file.identity))
    }
