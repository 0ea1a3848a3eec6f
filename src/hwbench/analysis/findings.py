"""Findings of a run, and what a bench's `finding` is given: its records as `BenchResults`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from ..bench import Bench
from ..record import text
from ..record.estimate import Estimate, clear, crossover, estimate
from ..record.model import Record, Run, Scalar, same_work
from ..record.phrases import listed, marked
from . import causes, fits, wording
from .headline import Headline, Rate, fastest, headline
from .hierarchy import line_of
from .limits import Limit
from .measures import declared
from .pairs import one_and_most, pairs
from .ratios import ratio
from .reading import Reading, Share


class BenchResults:
    """The records of one bench in one run; fits `protocols.Results`.

    Methods match the parameters given and return None where no such record was timed, so that a finding leaves out what
    was not measured.
    """

    fits = fits

    def __init__(self, bench: Bench, run: Run | Reading) -> None:
        self.bench = bench
        self.reading = Reading.of(run, {bench.name: bench})
        self.run = self.reading.run
        self.records = [record for record in self.reading.records if record.bench == bench.name]
        self._indexed = self.records
        self._indices: dict[tuple[str, tuple[str, ...]], dict[tuple[Scalar, ...], list[Record]]] = {}

    def beside(self, bench: Bench) -> BenchResults:
        """Another bench's records in the same run."""
        return BenchResults(bench, self.reading)

    def find(self, variant: str, **params: Scalar) -> Record | None:
        """The first timed record of a variant with these parameters."""
        return next(iter(self._matching(variant, params)), None)

    def ratio(self, variant: str, over: str, **params: Scalar) -> Estimate | None:
        """Seconds of `variant` over seconds of `over`, paired by round, at the first values where both were timed."""
        for record in self._matching(variant, params):
            for base in self._matching(over, record.params):
                if same_work(base, record):
                    return ratio(record, base)
        return None

    def _matching(self, variant: str, params: Mapping[str, Scalar]) -> list[Record]:
        """The timed records of a variant with these parameters, found by an index: a file may hold thousands."""
        if self._indexed is not self.records:
            self._indexed, self._indices = self.records, {}
        axes = tuple(params)
        index = self._indices.get((variant, axes))
        if index is None:
            index = self._indices[variant, axes] = {}
            for record in self.records:
                if record.variant == variant and record.timed and all(axis in record.params for axis in axes):
                    index.setdefault(tuple(record.params[axis] for axis in axes), []).append(record)
        return index.get(tuple(params.values()), [])

    def versus(self, record: Record, base: Record) -> Estimate:
        """Seconds of one record over those of another, paired where they were measured in the same rounds."""
        return ratio(record, base)

    def each(self, count: str, variant: str, **params: Scalar) -> Estimate | None:
        """Seconds per hop, call or item."""
        record = self.find(variant, **params)
        if record is None or not record.counts.get(count):
            return None
        return estimate(record.samples).scaled(1 / record.counts[count])

    def rate(self, variant: str, count: str, **params: Scalar) -> Estimate | None:
        """Bytes or flops per second."""
        record = self.find(variant, **params)
        if record is None or not record.counts.get(count):
            return None
        return estimate(record.samples).inverse(record.counts[count])

    def levels(self) -> tuple[str, str]:
        """Sentences on cache sizes, and on TLB reach, from the run's latency sweeps; "" where nothing is known.

        Single suspect cases move no step of a sweep; the sentences are marked where all of the bench's are suspect.
        """
        found = self.reading.hierarchy
        timed = [record for record in self.records if record.timed]
        doubted = timed if all(record.status == "suspect" for record in timed) else []
        sizes, pages = wording.sizes(found, self.run.machine.virtual), wording.pages(found)
        return _marked(sizes, doubted), _marked(pages, doubted)

    def share(self, variant: str, kind: str | None = None, **params: Scalar) -> Share | None:
        """Share of the machine's limit (the bench's own, or `kind`) that the median reaches."""
        record = self.find(variant, **params)
        return self.reading.share(record, kind) if record is not None else None

    def fastest(self, count: str, place: Mapping[str, Scalar], variants: Sequence[str] = ()) -> Record | None:
        """The record with the most of `count` a second at these parameters, as the headline chooses it."""
        measures = next((declared(record, self.reading.benches) for record in self.records), "")
        timed = [record for record in self.records if record.timed]
        return fastest(timed, Rate(measures, count, place, tuple(variants)), self.reading.benches)

    def headline(self, name: str) -> Estimate | None:
        """A headline quantity of the CPU by its name, from this bench's records."""
        found = headline(replace(self.run, records=list(self.records)))
        return next((Estimate(x.value, x.low, x.high) for x in found if (x.name, x.device) == (name, "cpu")), None)

    def pair(self, name: str) -> tuple[Record, Record] | None:
        """The two records behind such a quantity, the slower one first."""
        timed = [record for record in self.records if record.timed and record.device == "cpu"]
        return pairs(self.run, timed).get(name)

    def one_and_most(self, **params: Scalar) -> tuple[Record, Record] | None:
        """The records of one thread and of the most with these parameters; None where either is missing."""
        return one_and_most(self.records, **params)

    def own(self, stem: str) -> Headline | None:
        """The CPU's headline quantity `peak.f4` or `dram.copy`, on all threads, else on one; None without any."""
        return self.reading.get(f"{stem}.all") or self.reading.get(f"{stem}.one")

    def limit(self, record: Record, kind: str) -> Limit | None:
        """The machine's limit of this kind at a record's level, threads and dtype; None where it was not measured."""
        return self.reading.limit_for(record, kind)

    def line(self, level: str) -> Estimate | None:
        """The bytes that move at a time from a level, by the strides there."""
        return line_of(replace(self.run, records=list(self.records)), level)

    def overtakes(self, fast: str, slow: str, name: str, axis: str = "n", **params: Scalar) -> str:
        """In words, from which n on `fast` beats `slow`, which is called `name`; "" where fewer than two n have both.

        `beats NumPy from n ≈ 52 000 (48 000–57 000)`: the interval is what the intervals of the ratios leave. Where it
        spans a decade, or has no end in the measured range, there is no clear crossover.
        """
        values = sorted({n for r in self.records if isinstance(n := r.params.get(axis), int | float)})
        ratios = [(n, self.ratio(fast, slow, **{axis: n}, **params)) for n in values]
        points = [(float(n), ratio) for n, ratio in ratios if ratio is not None]
        at = crossover(points)
        if at is None:
            return ""
        first, last = points[0][0], points[-1][0]
        if math.isinf(at.value):
            return f"is not faster than {name} up to {axis} = {text.count(last)}"
        if at.value <= first:
            return f"beats {name} at every length from {axis} = {text.count(first)}"
        low, high = (min(max(x, first), last) for x in (at.low, at.high))
        if math.isinf(at.high):
            return f"does not clearly beat {name} up to {axis} = {text.count(last)}"
        if not clear(Estimate(at.value, low, high)):
            ends = f"{axis} = {text.count(round(low))} and {axis} = {text.count(round(high))}"
            return f"has no clear crossover with {name} between {ends}"
        slower = max(x for x, ratio in points if ratio.value >= 1)
        # Between lengths: one that was measured as no faster is not where it begins to win.
        low, value, high = (max(x, slower + 1) if x > slower else x for x in (low, at.value, high))
        return f"beats {name} from {axis} ≈ {text.count(Estimate(value, low, high))}"


def findings(run: Run | Reading, benches: Iterable[Bench]) -> dict[str, list[str]]:
    """The findings of a run by bench, in the order of `benches`; benches without findings are left out.

    So are those that measure something else than the bench of this name in the run's file.
    """
    known = list(benches)
    reading = Reading.of(run, {bench.name: bench for bench in known})
    found = {}
    for bench in known:
        hook = bench.hooks.get("finding")
        results = BenchResults(bench, reading)
        stated = reading.benches.get(bench.name)
        other = stated is not None and stated.measures != (bench.measures or "")
        if hook is None or not results.records or other:
            continue
        try:
            sentences = list(hook(results))
        except Exception as error:  # noqa: BLE001 - a file's records need not be what the bench expects
            sentences = [f"no finding: {type(error).__name__}: {error}"]
        if sentences:
            found[bench.name] = _under(causes.lowered(reading.run, results.records), sentences)
    return found


def _under(held: Sequence[str], sentences: list[str]) -> list[str]:
    """The sentences with what held their figures back."""
    return [f"{said.removesuffix('.')} (under {listed(held)})." for said in sentences] if held else sentences


def _marked(sentences: str, doubted: Sequence[Record]) -> str:
    """The sentences with the mark of these records before the last full stop; "" where there are none."""
    return marked(sentences.removesuffix("."), *doubted) if sentences else ""
