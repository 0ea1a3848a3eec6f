"""The headline quantities of a run: one value for each quantity, by fixed names and rules.

`docs/headline.md` has the names, their units and their rules. A value is the median of one record, with its 95%
interval; of several records that could give it, that of the fastest median counts, huge pages first, implausible ones
last. A ratio is one of times, paired by round. What was not measured is absent, and never replaced by something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from ..record.estimate import Estimate, estimate
from ..record.facts import threads_of
from ..record.model import LEVELS, Record, Run, Scalar
from .limits import implausible
from .measures import Benches, declared
from .pairs import pairs, penalty
from .ratios import ratio

CPU = "cpu"
UNITS = {"bytes": "B/s", "flops": "FLOP/s", "cycles": "Hz", "hops": "s", "calls": "s"}
RATES = ("bytes", "flops", "cycles")
RATIO = "1"  # the unit of a ratio
NEWER = ("order", "units")  # axes that older records lack
TWELVE = (
    "l1.latency", "l2.latency", "l3.latency", "dram.latency", "l2.read.one", "l3.read.one", "dram.read.one",
    "dram.read.all", "dram.triad.all", "peak.f8.one", "peak.f8.all", "call.numpy",
)  # fmt: skip


class Headline(msgspec.Struct, frozen=True):
    """A headline quantity in SI units.

    `threads` is None on a GPU. `record` is the case that gave it, of a ratio its numerator. `doubt` holds the codes of
    the reasons to doubt it, None without one.
    """

    name: str
    device: str
    value: float
    low: float
    high: float
    unit: str
    threads: int | None
    record: str
    doubt: list[str] | None = None
    statistic: str = "median"

    @property
    def bench(self) -> str:
        """The bench of the record."""
        return self.record.partition("/")[0]


@dataclass(frozen=True)
class Rate:
    """A quantity that one record has: a count per second, or seconds per count, of a bench that declares to measure it.

    `params` are the axis values that a record must have. `variants`: these alone. `largest`: only the records with the
    largest count.
    """

    measures: str
    count: str
    params: Mapping[str, Scalar] = field(default_factory=dict)
    variants: tuple[str, ...] = ()
    largest: bool = False


THREADS: dict[str, Scalar] = {"one": 1, "all": "all"}
STREAMS = {"read": "load", "write": "store", "copy": "copy", "triad": "triad"}


def _cpu_rates() -> dict[str, Rate]:
    found: dict[str, Rate] = {}
    for level in LEVELS:
        found[f"{level.lower()}.latency"] = Rate("latency", "hops", {"size": level, "order": "random"})
    for level in LEVELS:
        for name, kernel in STREAMS.items():
            for who, threads in THREADS.items():
                params = {"size": level, "dtype": "f8", "threads": threads}
                found[f"{level.lower()}.{name}.{who}"] = Rate(kernel, "bytes", params)
    for name, measures in (("peak", "fma"), ("matmul", "matrix product")):
        for dtype in ("f8", "f4"):
            for who, threads in THREADS.items():
                found[f"{name}.{dtype}.{who}"] = Rate(measures, "flops", {"dtype": dtype, "threads": threads})
    for who, threads in THREADS.items():
        found[".".join(("clock", who))] = Rate("clock", "cycles", {"threads": threads, "units": 1})
    found["core_to_core"] = Rate("core to core", "hops", {"pairs": "all"}, ("store",))
    for name, variant in (("python", "function"), ("numpy", "numpy"), ("numba", "numba")):
        found[f"call.{name}"] = Rate("call", "calls", variants=(variant,))
    return found


def _gpu_rates() -> dict[str, Rate]:
    found: dict[str, Rate] = {}
    for name, variant, size in (
        ("l1.latency", "l1", "16KiB"), ("l2.latency.near", "l2", "16KiB"), ("l2.latency", "l2", "L2"),
        ("hbm.latency", "l2", "HBM"),
    ):  # fmt: skip
        found[name] = Rate("gpu latency", "hops", {"size": size}, _variants(name, variant))
    for level in ("L2", "HBM"):
        for kernel in STREAMS:
            found[f"{level.lower()}.{kernel}"] = Rate("gpu {kernel}", "bytes", {"kernel": kernel, "size": level})
    for dtype in ("f8", "f4"):
        found[".".join(("peak", dtype))] = Rate("gpu fma", "flops", {"dtype": dtype})
    for precision in ("bf16", "f16", "fp8"):
        found[f"tensor.{precision}"] = Rate("gpu matmul", "flops", {"precision": precision})
    found["launch"] = Rate("gpu launch", "calls", variants=("queued", "opencl"))
    for way in ("h2d", "d2h", "both"):
        for memory in ("pinned", "pageable"):
            params = {"direction": way, "memory": memory}
            found[f"{way}.{memory}"] = Rate("{direction}", "bytes", params, largest=True)
    return found


def _variants(name: str, variant: str) -> tuple[str, ...]:
    """The variants that give a latency: OpenCL has one for all levels, and cannot go past a level 1 cache."""
    return (variant,) if name.endswith(".near") else (variant, "opencl")


CPU_RATES = _cpu_rates()
GPU_RATES = _gpu_rates()
RATIOS = ("mispredict", "loop_over_numpy", "column_over_row", "prange.triad", "prange.compute")
CPU_NAMES = (*CPU_RATES, *RATIOS)
GPU_NAMES = tuple(GPU_RATES)


def headline(run: Run) -> list[Headline]:
    """The headline quantities that the run has, device by device, in the order of the names."""
    found: list[Headline] = []
    for device in dict.fromkeys(record.device for record in run.records if record.timed):
        here = [record for record in run.records if record.timed and record.device == device]
        measuring: dict[str, list[Record]] = {}
        for record in here:
            measuring.setdefault(declared(record, run.benches), []).append(record)
        for name, rate in (CPU_RATES if device == CPU else GPU_RATES).items():
            if (best := fastest(measuring.get(rate.measures, []), rate, run.benches)) is not None:
                found.append(_of_record(name, best, rate.count))
        if device == CPU:
            found += _ratios(run, here)
    return found


def fastest(records: Sequence[Record], rate: Rate, benches: Benches) -> Record | None:
    """The record that gives the quantity; None where none was timed."""
    fitting = [record for record in records if _fits(record, rate, benches)]
    if rate.largest:
        most = max((record.counts[rate.count] for record in fitting), default=0.0)
        fitting = [record for record in fitting if record.counts[rate.count] == most]
    return min(fitting, key=lambda record: _rank(record, rate.count), default=None)


def _rank(record: Record, count: str) -> tuple[bool, bool, float]:
    """Implausible figures last, huge pages first, then the fastest median."""
    small = record.params.get("pages", "huge") != "huge"
    return implausible(record), small, estimate(record.samples).value / record.counts[count]


def _fits(record: Record, rate: Rate, benches: Benches) -> bool:
    for axis, value in rate.params.items():  # records of before an axis existed have the value that is wanted
        if record.params.get(axis, value if axis in NEWER else None) != value:
            return False
    return (
        declared(record, benches) == rate.measures
        and bool(record.counts.get(rate.count))
        and (not rate.variants or record.variant in rate.variants)
    )


def _of_record(name: str, record: Record, count: str) -> Headline:
    seconds, amount = estimate(record.samples), record.counts[count]
    value = seconds.inverse(amount) if count in RATES else seconds.scaled(1 / amount)
    return _made(name, value, UNITS[count], (record,), threads_of(record) if record.device == CPU else None)


def _made(name: str, value: Estimate, unit: str, records: Sequence[Record], threads: int | None) -> Headline:
    doubt = list(dict.fromkeys(code for record in records for code in record.codes))
    first = records[0]
    return Headline(name, first.device, *value, unit, threads, first.case.label, doubt or None)


# --- what two records give --------------------------------------------------------------------------------------------


def _ratios(run: Run, records: Sequence[Record]) -> Iterator[Headline]:
    """A CPU's quantities of two records: what a misprediction costs, and ratios of times."""
    for name, (slow, fast) in pairs(run, records).items():
        value, unit = (penalty(slow, fast), "s") if name == "mispredict" else (ratio(slow, fast), RATIO)
        yield _made(name, value, unit, (slow, fast), max(threads_of(slow), threads_of(fast)))
