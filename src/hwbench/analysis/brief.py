"""A bench's main figures in one line, from its records alone: what a run says as it goes.

First its headline quantities, at the level furthest out; else the variant that is furthest from the baseline; else its
best rate. A time per call stands with the axis values that say how large the call is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from ..record import text
from ..record.estimate import Estimate, estimate
from ..record.facts import level_on, threads_of
from ..record.model import GPU_LEVELS, LEVELS, Answer, BenchInfo, Record, Scalar, contrast_key
from ..record.phrases import counted, differs
from .headline import CPU, CPU_RATES, GPU_RATES, UNITS, Rate, fastest
from .pairs import one_and_most
from .ratios import ratio
from .reading import in_unit, leading_metric

MOST = 4  # figures in a line
WORDS = {"f8": "FP64", "f4": "FP32", "bf16": "BF16", "f16": "FP16", "fp8": "FP8", "python": "Python", "numpy": "NumPy",
         "numba": "Numba", "h2d": "to the GPU", "d2h": "from it", "both": "both ways"}  # fmt: skip
PLACES = tuple(dict.fromkeys((*LEVELS[:-1], *GPU_LEVELS, LEVELS[-1])))  # from the core outwards
STREAMS = ("load", "store", "copy", "scale", "add", "triad")
SCALES = {"B/s": (1e9, "GB/s"), "FLOP/s": (1e9, "GFLOP/s"), "Hz": (1e9, "GHz")}
COMPILED = ("hardware array", "machine code")  # what facts answer, and not the seconds of a case
COUNTED = ("threads", "chains")  # axes whose names are what they count
WIDTHS = ("fma", "clock", "integer operations")  # what is measured by variants that are widths of registers
WIDE = 1.05  # times a ratio: an interval that ends further out is shown
MANY = 1e13  # FLOP/s from which TFLOP/s are read more easily


class Figure(NamedTuple):
    """A figure with what it is of, `DRAM` or `FP64`, its unit, and the threads where the quantity has several."""

    word: str
    value: str
    unit: str
    threads: int | None


def brief(records: Sequence[Record], info: BenchInfo) -> str:
    """`DRAM 33.4 / 35.0 GB/s on 1 / 2 threads`; "" where nothing was timed."""
    timed = [record for record in records if record.timed]
    if not timed:
        return ""
    if said := answered(timed, info) or _cycles(timed, info):
        return said
    if info.measures == "sustained load":
        return _sustained(timed)
    if info.measures == "integer operations":  # of which each width is no other way to do one work
        return _best(timed, info)
    figures = _headlines(timed, info) or _rates(timed, info)
    if figures and all(map(_own, timed)):
        return f"{_joined(figures)} by OpenCL on this CPU"
    return _joined(figures) or _scaling(timed, info) or _contrast(timed, info) or _best(timed, info)


def answered(records: Sequence[Record], info: BenchInfo) -> str:
    """`ecp5-85k 21.9 GOP/s, 113 MHz (array = 8x8)`: facts of what is compiled or counted; "" where a time answers.

    The seconds of such a case are those of the simulator or the compiler. The record is the best by the first fact.
    """
    if info.measures not in COMPILED or not info.answers:
        return ""
    first = info.answers[0]
    known = [(value, record) for record in records if (value := _number(record, first)) is not None]
    if not known:
        return ""
    _, best = max(known, key=lambda one: -one[0] if first.higher is False else one[0])
    said = [text.amount(value, one.unit) if one.unit else f"{text.amount(value)} {one.name}"
            for one in info.answers if (value := _number(best, one)) is not None]  # fmt: skip
    return f"{best.variant} {', '.join(said)}{_place(best, info)}"


def _cycles(records: Sequence[Record], info: BenchInfo) -> str:
    """`cycles: add-f8 3.00, multiply-f8 3.00, divide-f8 13.0, root-f8 21.0`: the first latencies of the table."""
    if info.measures != "instructions":
        return ""
    base = {contrast_key(one): one for one in records if one.variant == info.baseline}
    told = [
        f"{next(iter(one.params.values()), '')} {text.amount(ratio(one, base[contrast_key(one)]).value)}{_mark(one)}"
        for one in records
        if one.variant == "latency" and contrast_key(one) in base
    ]  # fmt: skip
    return f"cycles: {', '.join(told[:MOST])}" if told else ""


def _sustained(records: Sequence[Record]) -> str:
    """`29.4 GFLOP/s settled at 3.70 GHz, 28.9 in the first second (60 s)`."""
    found = records[-1]
    flops = found.counts.get("flops", 0.0)
    clock, boost, length = (found.facts.get(name) for name in ("settled_clock_hz", "boost_call_s", "seconds"))
    said = f"{text.amount(flops / estimate(found.samples).value / 1e9)}{_mark(found)} GFLOP/s settled"
    if isinstance(clock, float):
        said += f" at {text.rate(clock, 'GHz')}"
    if isinstance(boost, float) and boost > 0:
        said += f", {text.amount(flops / boost / 1e9)} in the first second"
    return said + (f" ({length} s)" if isinstance(length, int) else "")


def _number(record: Record, answer: Answer) -> float | None:
    """The fact in the unit of its answer; None where the record states no finite number."""
    found = record.facts.get(answer.fact)
    if not isinstance(found, int | float) or isinstance(found, bool) or not math.isfinite(found):
        return None
    return found * answer.scale


def _headlines(records: Sequence[Record], info: BenchInfo) -> list[Figure]:
    found: dict[str, tuple[Rate, Record]] = {}
    benches = {record.bench: info for record in records}
    for device in dict.fromkeys(record.device for record in records):
        here = [record for record in records if record.device == device]
        for name, rate in (CPU_RATES if device == CPU else GPU_RATES).items():
            if (record := fastest(here, rate, benches)) is not None:
                found.setdefault(name, (rate, record))
    levels = [name.partition(".")[0].upper() for name in found]
    if levels and set(levels) <= set(PLACES) and all(rate.count == "bytes" for rate, _ in found.values()):
        last = max(levels, key=PLACES.index)
        found = {name: one for (name, one), level in zip(found.items(), levels, strict=True) if level == last}
    return [_figure(_word(name, record), record, rate.count, name) for name, (rate, record) in found.items()]


def _word(name: str, record: Record) -> str:
    stem, *rest = name.split(".")
    level = stem.upper() if stem.upper() in PLACES else ""
    word = level_on(level, own=_own(record)) or next((WORDS[part] for part in (stem, *rest) if part in WORDS), "")
    if record.device.startswith("opencl"):
        word = word.replace("GPU", "device")
    kernel = "near" if name.endswith(".near") else record.params.get("kernel", "")
    return f"{word} {kernel}".strip()


def _own(record: Record) -> bool:
    """Whether the record is of an OpenCL device that is this CPU."""
    return record.facts.get("this_cpu") is True


def _variant(record: Record, info: BenchInfo) -> str:
    """The name; of a width of registers with its unit, so that it is not read as a part of the figure after it."""
    bits = "-bit" * (info.measures in WIDTHS and record.variant.isdigit())
    return record.variant + bits + " (this CPU)" * _own(record)


def _figure(word: str, record: Record, count: str, name: str) -> Figure:
    seconds, amount = estimate(record.samples).value, record.counts[count]
    threads = threads_of(record) if name.endswith((".one", ".all")) else None
    if (unit := UNITS[count]) not in SCALES:
        value, _, unit = text.seconds(seconds / amount).partition(" ")
        return Figure(word, value + _mark(record), unit, threads)
    scale, unit = (1e12, "TFLOP/s") if unit == "FLOP/s" and amount / seconds >= MANY else SCALES[unit]
    return Figure(word, text.amount(amount / seconds / scale) + _mark(record), unit, threads)


def _joined(figures: Sequence[Figure]) -> str:
    """`FP64 58.5 / 117, FP32 117 / 233 GFLOP/s on 1 / 2 threads`: what is the same of all is said once."""
    words = list(dict.fromkeys(one.word for one in figures))
    units = {one.unit for one in figures}
    said = []
    for word in words[:MOST]:
        values = [one.value + f" {one.unit}" * (len(units) > 1) for one in figures if one.word == word]
        said.append(f"{word} {' / '.join(dict.fromkeys(values))}".strip())
    threads = list(dict.fromkeys(one.threads for one in figures if one.threads is not None))
    on = f" on {' / '.join(map(str, threads))} thread{'s' * (threads != [1])}" if threads else ""
    return ", ".join(said) + (f" {figures[0].unit}" if len(units) == 1 else "") + on if said else ""


def _rates(records: Sequence[Record], info: BenchInfo) -> list[Figure]:
    """The bandwidths of a kernel that is no headline quantity, at the furthest level, by threads."""
    if info.measures not in STREAMS:
        return []
    size = _furthest(records)
    here = [record for record in records if record.params.get("size") == size and record.counts.get("bytes")]
    found = []
    for threads in sorted({threads_of(record) for record in here}):
        same = [record for record in here if threads_of(record) == threads]
        best = min(same, key=lambda record: estimate(record.samples).value / record.counts["bytes"])
        found.append(_figure(str(size), best, "bytes", ".all"))
    return found


def _furthest(records: Sequence[Record]) -> Scalar | None:
    """The size label furthest from the core; None where there are none."""
    labels = {record.params.get("size") for record in records}
    return next((level for level in reversed(PLACES) if level in labels), None)


def _scaling(records: Sequence[Record], info: BenchInfo) -> str:
    """`polynomial 1.97×, triad 1.21× on 2 threads`."""
    if info.measures != "scaling":
        return ""
    works = dict.fromkeys(record.params.get("work") for record in records)
    pairs = [(work, one_and_most(records, work=work, scaling="strong")) for work in works if isinstance(work, str)]
    said = [f"{work} {text.times(ratio(*pair).value)}{_mark(*pair)}" for work, pair in pairs if pair is not None]
    most = max((threads_of(pair[1]) for _, pair in pairs if pair is not None), default=1)
    return f"{', '.join(said)} on {counted(most, 'thread')}" if said else ""


def _mark(*records: Record) -> str:
    return text.DOUBTFUL * any(record.status == "suspect" for record in records)


def _contrast(records: Sequence[Record], info: BenchInfo) -> str:
    """The variant that is furthest from the baseline in one contrast, at the furthest level where sizes are levels."""
    base = {contrast_key(record): record for record in records if record.variant == info.baseline}
    others = [record for record in records if record.variant != info.baseline and contrast_key(record) in base]
    if (size := _furthest(others)) is not None:
        others = [record for record in others if record.params.get("size") == size]
    if info.measures == "ladder" and (loops := [record for record in others if record.variant == "loop"]):
        others = [max(loops, key=lambda record: record.counts.get("items", 0.0))]
    ratios = [(found, one) for one in others if differs(found := ratio(one, base[contrast_key(one)]))]
    if not ratios:
        return ""
    found, record = max(ratios, key=lambda pair: abs(math.log(pair[0].value)))
    factor = text.ratio(found, interval=_wide(found))
    return f"{_variant(record, info)} {factor}{_mark(record)} than {info.baseline}{_place(record, info)}"


def _wide(ratio: Estimate) -> bool:
    """Whether a paired ratio may be far from that of the medians, which stand beside it elsewhere."""
    return not ratio.low * WIDE > ratio.value > ratio.high / WIDE


def _place(record: Record, info: BenchInfo) -> str:
    """` (fma, 2 097 152 threads, 8 chains)`: the axis values, a bare number with its axis in words."""
    values = [_value(axis, value, info.axes.get(axis, "") or axis) for axis, value in record.params.items()]
    return f" ({', '.join(values)})" if values else ""


def _value(axis: str, value: Scalar, name: str) -> str:
    if axis in COUNTED and isinstance(value, int):
        return counted(value, axis.removesuffix("s"))
    shown = text.count(value) if isinstance(value, int) else str(value)
    return shown if isinstance(value, str) else f"{name} = {shown}"


def _best(records: Sequence[Record], info: BenchInfo) -> str:
    """The best of the leading rate: `numba 30.7 GFLOP/s (n = 64, f8)`."""
    measured = [(metric, record) for record in records if (metric := leading_metric(record, info)) is not None]
    if not measured:
        return ""
    first, size = measured[0][0], _furthest(records)
    same = [one for metric, one in measured if metric == first and (size is None or one.params.get("size") == size)]
    if not same:
        return ""
    best = min(same, key=lambda record: estimate(record.samples).value / record.counts[first.count])
    value, unit = in_unit(best, first).value, first.unit
    if unit == "GFLOP/s" and 1e9 * value >= MANY:
        value, unit = value / 1e3, "TFLOP/s"
    name = _variant(best, info)
    return f"{name}{':' * name[:1].isdigit()} {text.quantity(value, unit)}{_mark(best)}{_place(best, info)}"
