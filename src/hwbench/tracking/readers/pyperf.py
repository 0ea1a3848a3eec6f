"""pyperf's JSON: the values of all processes that pyperf started, by benchmark."""

from __future__ import annotations

import math
from pathlib import Path

from ...record import foreign
from ...record.model import Json, JsonObject
from ..history import TrackingError
from ..sides import Entry, measurement_of

LARGEST = 256 * 2**20
ABOUT = ("a file of pyperf", "measure again")
UNITS = {"second": "s", "byte": "bytes", "integer": ""}


def is_results(data: Json) -> bool:
    """Whether a JSON value is what pyperf writes."""
    return isinstance(data, dict) and isinstance(data.get("benchmarks"), list) and "machine_info" not in data


def entries(path: Path) -> list[Entry]:
    """The benchmarks of a file; TrackingError says what is wrong with it."""
    data = foreign.load(path, LARGEST, *ABOUT)
    if not (isinstance(data, dict) and is_results(data)):
        raise TrackingError(f"{path}: is no file of pyperf: it has no benchmarks")
    shared = _mapping(data.get("metadata"))
    return [_entry(one, shared, f"{path}: benchmarks[{i}]") for i, one in enumerate(data["benchmarks"])]


def _entry(found: Json, shared: JsonObject, where: str) -> Entry:
    facts = {**shared, **_mapping(_mapping(found).get("metadata"))}
    try:
        values = [float(x) for run in _mapping(found)["runs"] for x in _mapping(run).get("values") or ()]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise TrackingError(f"{where}: lacks what pyperf writes ({foreign.fault(error)})") from None
    values = [value for value in values if math.isfinite(value)]
    unit = UNITS.get(str(facts.get("unit") or "second"), str(facts.get("unit")))
    name = str(facts.get("name") or "unnamed")
    if not values:
        return Entry(name, "", "cpu", {}, unit=unit, unfit="failed", why="pyperf kept no value")
    return Entry(name, "", "cpu", {}, measurements=(measurement_of(values),), unit=unit)


def _mapping(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}
