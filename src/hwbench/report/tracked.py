"""A history as the page's script reads it: JSON for the names, and numbers in planes of bytes.

A page of numpy's history holds three million values with their intervals. A value is the logarithm of its ratio to the
middle of its series, in whole multiples of `fine`; a series with values that have no logarithm is kept in multiples of
a quantum. The ends of intervals are relative to the value, on a logarithmic scale of a byte: they are drawn as bands.
gzip packs planes (first bytes, second bytes, third bytes, ends) far better than digits.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..record.model import METRICS, Amount, Json, JsonObject, Metric
from ..tracking.controls import Indices
from ..tracking.history import DIRTY, History, Series, Values

MANY = 500_000  # values from which a page keeps three digits
FINE, COARSE = 2e-5, 1e-3  # relative steps between neighbouring values
STEPS = {FINE: 9, COARSE: 3}  # for each doubling of an interval's end
LINEAR = 10**5  # of the largest value of a series that is kept in multiples of a quantum
SMALLEST = 1e-6  # of an interval's end relative to the value
NO_END = 255
CHUNK = 200_000  # values that are converted at once
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))

Place: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...]]  # what the series of one case share
Marked: TypeAlias = Mapping[int, Sequence[tuple[int, str]]]  # by a series' identity: what is said at which commit


class Cases:
    """The cases of a history, numbered, and the unit in which all series of a case are shown."""

    def __init__(self, history: History) -> None:
        self.series: dict[Place, list[Series]] = {}
        for one in history.series:
            self.series.setdefault(one.case, []).append(one)
        self.number = {case: i for i, case in enumerate(self.series)}
        self._scales: dict[Place, tuple[str, Metric | float]] = {}

    def unit(self, series: Series) -> tuple[str, bool]:
        """The unit of a case, and whether more is better."""
        unit, scale = self.scale(series)
        return unit, scale.higher if isinstance(scale, Metric) else series.higher

    def shown(self, series: Series, values: Amount) -> Amount:
        """A value, or an array of them, in that unit."""
        return _converted(self.scale(series)[1], series, values)

    def scale(self, series: Series) -> tuple[str, Metric | float]:
        """The unit of a case, and the metric or the factor that gives it."""
        case = series.case
        if case not in self._scales:
            self._scales[case] = _scale(self.series[case])
        return self._scales[case]


def _converted(scale: Metric | float, series: Series, values: Amount) -> Amount:
    return scale.value(values, dict(series.counts)) if isinstance(scale, Metric) else values / scale


def _scale(series: Sequence[Series]) -> tuple[str, Metric | float]:
    """A rate where the work of a call is known for each series; else the unit of time that fits, else the own unit."""
    if any(one.unit != "s" for one in series):
        return series[0].unit, 1.0
    metric = next((metric for metric in METRICS if all(one.counts.get(metric.count) for one in series)), None)
    values = np.sort(np.concatenate([one.measured[1] for one in series]))
    if metric is not None and values[0] > 0:  # a time of 0 has no rate
        return metric.unit, metric
    middle = float(values[len(values) // 2])
    size, unit = next(((size, unit) for size, unit in UNITS if abs(middle) >= size), UNITS[-1])
    return unit, size


def packed(
    history: History, cases: Cases, marked: Marked, indices: Indices, rows: Sequence[Json], states: Sequence[str]
) -> bytes:
    """The data of a history: the length of the JSON in four bytes, the JSON, the planes. `rows` are of the list."""
    fine = FINE if sum(len(one.measured[0]) for one in history.series) < MANY else COARSE
    planes = _Planes(fine)
    kept = _Kept(indices)
    out: list[JsonObject] = []
    benches: dict[str, list[int]] = {}
    for number, every in enumerate(cases.series.values()):
        first = every[0]
        benches.setdefault(first.bench, []).append(number)
        (unit, higher), scale = cases.unit(first), cases.scale(first)[1]
        label = " ".join([first.variant, *(f"{axis}={value}" for axis, value in first.params.items())]).strip()
        lines = []
        for one in every:
            line = {"s": one.setting, **planes.add(one, scale, higher)}
            if (index := kept.index(one)) >= 0:
                line["i"] = index
            if id(one) in marked:
                line["c"] = marked[id(one)]
            if one.suspect:
                line["d"] = list(one.suspect.items())
            lines.append(line)
        out.append({"name": first.label, "label": label or first.bench, "unit": unit, "series": lines})
        if higher:
            out[-1]["higher"] = 1
    url = history.url
    data = {
        "commits": [(one.short, one.date, one.subject, one.name.rstrip(DIRTY) * bool(url)) for one in history.commits],
        "url": url, "lines": history.labels(), "benches": sorted(benches.items()), "cases": out, "indices": kept.every,
        "first": rows[0][0] if rows else 0, "changes": rows, "states": states,
        "places": planes.places, "fine": fine, "ends": STEPS[fine], "digits": 4 if fine == FINE else 3,
    }  # fmt: skip
    head = json.dumps(data, separators=(",", ":"), allow_nan=False).encode()
    return len(head).to_bytes(4, "little") + head + planes.bytes()


class _Kept:
    """The indices that series are divided by, in ten-thousandths, each once."""

    def __init__(self, indices: Indices) -> None:
        self.indices = indices
        self.numbers: dict[tuple[int, str, str], int] = {}
        self.every: list[list[int | None]] = []

    def index(self, series: Series) -> int:
        """The number of a series' index; -1 without controls."""
        index = self.indices.of(series)
        if index is None:
            return -1
        at = self.indices.key(series)
        if at not in self.numbers:
            self.numbers[at] = len(self.every)
            there = np.isfinite(index.values)
            whole = np.round(np.where(there, index.values, 0.0) * 1e4).astype(np.int64).tolist()
            self.every.append([one if known else None for one, known in zip(whole, there.tolist(), strict=True)])
        return self.numbers[at]


class _Planes:
    """The numbers of all series one after the other, and the lists of their commits, each once, by their gaps."""

    def __init__(self, fine: float) -> None:
        self.fine = fine
        self.known: dict[bytes, int] = {}
        self.places: list[list[int]] = []
        self.columns: tuple[list[Values], list[Values], list[Values]] = ([], [], [])
        self.scales: list[tuple[int, float, float]] = []  # how many values, the middle or 0, the quantum or 0
        self.sizes: list[float] = []  # what the ends of an interval are relative to; 0 is the value
        self.waiting = 0
        self.planes: tuple[list[bytes], ...] = ([], [], [], [], [])

    def add(self, series: Series, scale: Metric | float, higher: bool) -> JsonObject:
        """Add a series; what the script needs to know of it: commits `p`, the middle `m` or the quantum `q`."""
        at, *columns = series.measured
        key = at.tobytes()
        if key not in self.known:
            self.known[key] = len(self.places)
            self.places.append(np.diff(at, prepend=-1).tolist())
        with np.errstate(all="ignore"):
            shown, low, high = (_converted(scale, series, one) for one in columns)
        if higher and not series.higher:
            low, high = high, low
        for into, column in zip(self.columns, (shown, low, high), strict=True):
            into.append(column)
        ordered = np.sort(shown)
        middle, quantum, size = 0.0, 0.0, 0.0
        if ordered[0] > 0:
            middle = float(f"{ordered[len(ordered) // 2]:.6g}")
        else:
            size = float(max(-ordered[0], ordered[-1])) or 1.0
            quantum = 10.0 ** math.ceil(math.log10(size / LINEAR))
        self.scales.append((len(shown), middle, quantum))
        self.sizes.append(size)
        self.waiting += len(shown)
        if self.waiting > CHUNK:
            self._flush()
        return {"p": self.known[key]} | ({"q": quantum} if quantum else {"m": middle})

    def bytes(self) -> bytes:
        """Three planes of the values, the sign in the lowest bit, and one for each end."""
        self._flush()
        return b"".join(part for plane in self.planes for part in plane)

    def _flush(self) -> None:
        """Convert what was added since the last time: many short series at once, but not millions of values."""
        if not self.scales:
            return
        shown, low, high = (np.concatenate(column) for column in self.columns)
        counts = [count for count, _, _ in self.scales]
        middle, quantum, size = (
            np.repeat(one, counts) for one in ([x[1] for x in self.scales], [x[2] for x in self.scales], self.sizes)
        )
        with np.errstate(all="ignore"):
            whole = np.where(quantum > 0, shown / quantum, np.log(shown / middle) / self.fine)
            size = np.where(size > 0, size, shown)
            ends = [_codes(end / size, STEPS[self.fine]) for end in (shown - low, high - shown)]
        values = np.round(whole).astype(np.int64)
        zigzag = np.minimum((np.abs(values) << 1) - (values < 0), 2**24 - 1)
        made = [*((zigzag >> shift & 255).astype(np.uint8) for shift in (0, 8, 16)), *ends]
        for plane, part in zip(self.planes, made, strict=True):
            plane.append(part.tobytes())
        for column in (*self.columns, self.scales, self.sizes):
            column.clear()
        self.waiting = 0


def _codes(reach: Values, steps: int) -> NDArray[np.uint8]:
    """How far an end lies from its value, in steps of a logarithm; 0 is no distance, `NO_END` unknown."""
    with np.errstate(all="ignore"):
        code = np.round(np.log2(reach / SMALLEST) * steps) + 1
    code = np.where(np.isfinite(reach), np.clip(np.where(reach > 0, code, 0), 0, NO_END - 1), NO_END)
    return code.astype(np.uint8)
