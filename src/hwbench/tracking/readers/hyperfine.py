"""hyperfine's JSON (`--export-json`): whole commands, with the times of all runs."""

from __future__ import annotations

import math
from pathlib import Path

from ...record import foreign
from ...record.model import Json, JsonObject
from ...record.store import LONGEST
from ..history import TrackingError
from ..sides import Entry, Measurement, measurement_of

LARGEST = 256 * 2**20
ABOUT = ("a file of hyperfine", "measure again with --export-json")


def is_results(data: Json) -> bool:
    """Whether a JSON value is what hyperfine writes."""
    return isinstance(data, dict) and isinstance(data.get("results"), list) and "commit_hash" not in data


def entries(path: Path) -> list[Entry]:
    """The commands of a file; TrackingError says what is wrong with it."""
    data = foreign.load(path, LARGEST, *ABOUT)
    if not (isinstance(data, dict) and is_results(data)):
        raise TrackingError(f"{path}: is no file of hyperfine: it has no results")
    return [_entry(one, f"{path}: results[{i}]") for i, one in enumerate(data["results"])]


def _entry(found: Json, where: str) -> Entry:
    said: JsonObject = found if isinstance(found, dict) else {}
    try:
        name = str(said["command"])
        times = [float(x) for x in said.get("times") or ()]
        median = float(said["median"] if said.get("median") is not None else said["mean"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise TrackingError(f"{where}: lacks what hyperfine writes ({foreign.fault(error)})") from None
    params = said.get("parameters")
    axes = {str(key): str(value) for key, value in params.items()} if isinstance(params, dict) else {}
    if len(times) > 2:
        taken = measurement_of(times)
    else:  # a file may have been cut down to its figures
        stated = {name: said.get(name) for name in ("min", "mean")}
        stats = {name: float(x) for name, x in stated.items() if isinstance(x, int | float) and 0 <= x <= LONGEST}
        taken = Measurement(median, math.inf, stats=stats)
    return Entry(name, "", "cpu", axes, measurements=(taken,))
