"""One row a case: its parameters, figures, limit, status and machine. `docs/export.md` explains each column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..analysis.reading import Reading, in_unit
from ..record import identity, microarchitectures, text
from ..record.facts import threads_of
from ..record.model import COUNTS, METRICS, Answer, Json, JsonObject, Metric, Record, metrics
from . import arrow

Kind = Literal["string", "int", "float", "bool"]
Cell: TypeAlias = str | int | float | bool | None
LARGEST = 2**63  # beyond, no integer of Arrow, Parquet or a database holds a number

# The columns of every table, in order; those of parameters and answers are beside them.
RUN: dict[str, Kind] = {
    "run": "string", "started": "string", "hwbench": "string", "commit": "string", "preset": "string",
    "machine": "string", "hardware": "string", "setup": "string", "cpu": "string", "generation": "string",
    "cores": "int", "logical_cpus": "int", "memory_bytes": "int", "gpu": "string", "virtual": "string", "os": "string",
    "python": "string", "numpy": "string", "numba": "string",
}  # fmt: skip
CASE: dict[str, Kind] = {"bench": "string", "version": "int", "variant": "string", "device": "string"}
RATES = {
    metric.count: f"{name}_{metric.unit.replace('µ', 'u').replace('/', '_per_').lower()}"
    for metric, name in zip(
        METRICS, ("clock", "latency", "bandwidth", "flop_rate", "op_rate", "item", "call"), strict=True
    )
}
FIGURES: dict[str, Kind] = {
    "status": "string", "reasons": "string", "why": "string",
    "threads": "int", "footprint_bytes": "int", "level": "string",
    "samples": "int", "loops": "int", "median_s": "float", "low_s": "float", "high_s": "float", "best_s": "float",
    **{f"count_{name}": "float" for name in COUNTS},
    **dict.fromkeys(RATES.values(), "float"),
    "metric": "string", "value": "float", "value_low": "float", "value_high": "float", "unit": "string",
    "limit": "string", "limit_value": "float", "limit_unit": "string", "share": "float", "share_doubt": "string",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column: its name, what its values are, and the values, None where a case has none."""

    name: str
    kind: Kind
    values: Sequence[Cell]


class Table:
    """Cases in rows. Any library of data frames takes it through the Arrow PyCapsule interface.

    `polars.DataFrame(table)`, `pyarrow.table(table)`, `pandas.DataFrame.from_arrow(table)`; without Arrow
    `pandas.DataFrame(table.rows())`.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)

    def __len__(self) -> int:
        return len(self.columns[0].values)

    def __repr__(self) -> str:
        return f"<Table of {len(self)} cases, {len(self.columns)} columns: {', '.join(self.names[:4])} …>"

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return [column.name for column in self.columns]

    def rows(self) -> list[dict[str, Cell]]:
        """A dictionary a case."""
        cells = zip(*(column.values for column in self.columns), strict=True)
        return [dict(zip(self.names, row, strict=True)) for row in cells]

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The table as an Arrow stream of one batch; UsageError where nanoarrow is not installed."""
        return arrow.stream(self.columns).__arrow_c_stream__(requested_schema)


def table(readings: Iterable[Reading]) -> Table:
    """The cases of runs, in their order."""
    readings = list(readings)
    rows = [row for reading in readings for row in _rows(reading)]
    params = dict.fromkeys(f"param_{axis}" for one in readings for record in one.records for axis in record.params)
    answers = dict.fromkeys(f"answer_{answer.fact}" for one in readings for answer in _answers(one).values())
    kinds: dict[str, Kind | None] = {
        **RUN, **CASE, **dict.fromkeys(params), **FIGURES, **dict.fromkeys(answers, "float")
    }  # fmt: skip
    return Table([_column(name, kind, [row.get(name) for row in rows]) for name, kind in kinds.items()])


def _column(name: str, kind: Kind | None, values: Sequence[Cell]) -> Column:
    """A column; of parameters, which may be of several kinds, the kind that holds all of them."""
    if kind is None:
        there = [value for value in values if value is not None]
        kind = "string"
        if all(type(value) is int and abs(value) < LARGEST for value in there):
            kind = "int"
        elif all(type(value) in (int, float) and abs(float(value)) < LARGEST for value in there):
            kind = "float"
    as_kind = AS_KIND[kind]
    return Column(text.printable(name), kind, [None if value is None else as_kind(value) for value in values])


def _printable(value: Cell) -> str:
    """A text of a file without what a terminal would obey."""
    return text.printable(str(value))


AS_KIND: dict[Kind, Callable[[Json], Cell]] = {"string": _printable, "int": int, "float": float, "bool": bool}


def _rows(reading: Reading) -> Iterator[dict[str, Cell]]:
    of_run = _of_run(reading)
    answers = _answers(reading)
    for record in reading.records:
        row = of_run | _of_case(record) | {f"param_{axis}": value for axis, value in record.params.items()}
        if record.timed:
            row |= _figures(reading, record)
        for (bench, _), answer in answers.items():
            if bench == record.bench:
                row[f"answer_{answer.fact}"] = _answered(record, answer)
        yield row


def _of_run(reading: Reading) -> dict[str, Cell]:
    run, machine = reading.run, reading.run.machine
    return {
        "run": run.id, "started": run.started, "hwbench": _text(run.hwbench, "version"),
        "commit": _text(run.hwbench, "commit"), "preset": run.policy.preset,
        "machine": machine.name, "hardware": identity.hardware(machine).digest, "setup": identity.setup(run).digest,
        "cpu": machine.cpu.model, "generation": microarchitectures.generation(machine.cpu) or None,
        "cores": machine.cpu.physical, "logical_cpus": machine.cpu.logical, "memory_bytes": machine.memory.total,
        "gpu": ", ".join(gpu.name for gpu in machine.gpus) or None, "virtual": machine.virtual, "os": machine.os,
        **{name: _text(run.software, name) for name in ("python", "numpy", "numba")},
    }  # fmt: skip


def _text(found: JsonObject, name: str) -> str | None:
    value = found.get(name)
    return None if value is None else str(value)


def _of_case(record: Record) -> dict[str, Cell]:
    footprint = record.facts.get("footprint")
    return {
        "bench": record.bench, "version": record.version, "variant": record.variant, "device": record.device,
        "status": record.status, "reasons": ", ".join(record.codes), "why": record.why,
        "threads": threads_of(record) if record.device == "cpu" else None,
        "footprint_bytes": footprint if isinstance(footprint, int) else None,
        **{f"count_{name}": amount for name, amount in record.counts.items()},
    }  # fmt: skip


def _figures(reading: Reading, record: Record) -> dict[str, Cell]:
    found = reading.performance(record)
    row: dict[str, Cell] = {
        "level": reading.level(record) or None, "samples": len(record.samples), "loops": record.loops,
        "median_s": found.seconds.value, "low_s": found.seconds.low, "high_s": found.seconds.high,
        "best_s": min(record.samples),
        "metric": found.metric.name if found.metric else "time per call", "unit": found.unit,
        "value": found.value.value, "value_low": found.value.low, "value_high": found.value.high,
    }  # fmt: skip
    row |= {RATES[metric.count]: _rate(record, metric) for metric in metrics(record)}
    if (share := found.share) is not None:
        row |= {
            "limit": share.limit.name, "limit_value": share.limit.shown, "limit_unit": share.limit.metric.unit,
            "share": share.value, "share_doubt": ", ".join(share.doubt),
        }  # fmt: skip
    return row


def _rate(record: Record, metric: Metric) -> float:
    return in_unit(record, metric).value


def _answers(reading: Reading) -> Mapping[tuple[str, str], Answer]:
    """The facts that benches declare as their answers, by bench and fact."""
    return {
        (name, answer.fact): answer
        for name in dict.fromkeys(record.bench for record in reading.records)
        if (info := reading.benches.get(name)) is not None
        for answer in info.answers
    }


def _answered(record: Record, answer: Answer) -> float | None:
    """The fact in the unit of the answer; None where the case does not state it as a number."""
    value = record.facts.get(answer.fact)
    if answer.at is not None and isinstance(value, list) and -len(value) <= answer.at < len(value):
        value = value[answer.at]
    return value * answer.scale if isinstance(value, int | float) and abs(value) < LARGEST else None
