"""The machine card: its limits beside the lecture's as headline numbers, its description, what disturbs measuring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...analysis.limits import Limit
from ...record import text
from ...record.facts import caches
from ...record.microarchitectures import title
from ...record.model import Run
from ..dataset import Runs
from ..sections import Block, Facts, Notes, Section, Table, Tile, Tiles


@dataclass(frozen=True)
class Headline:
    """A limit to head the page with; `lecture` is the slides' figure in `unit`, None where they give none."""

    label: str
    kinds: tuple[str, ...]
    levels: tuple[str, ...]
    dtype: str
    unit: str
    scale: float
    lecture: float | None
    about: str


HEADLINES = (
    Headline(
        "Memory bandwidth", ("load", "copy", "triad"), ("DRAM",), "", "GB/s", 1e-9, 30, "best of load, copy, triad"
    ),
    Headline("L1 latency", ("latency",), ("L1",), "", "ns", 1e9, 0.5, "one dependent load"),
    Headline("L2 latency", ("latency",), ("L2",), "", "ns", 1e9, 7, "one dependent load"),
    Headline("Memory latency", ("latency",), ("DRAM",), "", "ns", 1e9, 100, "one dependent load"),
    Headline("FP64 peak", ("fma",), ("",), "f8", "TFLOP/s", 1e-12, None, "fused multiply-add"),
    Headline("FP32 peak", ("fma",), ("",), "f4", "TFLOP/s", 1e-12, 0.15, "fused multiply-add"),
)


def view(runs: Runs) -> Section | None:
    """What these machines are and what they can do at best."""
    if not runs.runs:
        return None
    best = [[_best(headline, limits) for headline in HEADLINES] for limits in runs.limits]
    blocks: list[Block] = []
    if any(limit for row in best for limit in row):
        blocks.append(_table(runs, best) if runs.several else _tiles(best[0]))
    blocks.append(Facts([(label, _facts(run)) for label, run in zip(runs.labels, runs, strict=True)]))
    disturbing = [
        (f"{label}: {sentence}" if runs.several else sentence)
        for label, run in zip(runs.labels, runs, strict=True)
        for sentence in _disturbances(run)
    ]
    if disturbing:
        blocks.append(Notes("What disturbs measuring here", disturbing))
    title = "The machines" if runs.several else "The machine"
    intro = ["What was measured on, as the operating system describes it."]
    if any(limit for row in best for limit in row):
        intro = [
            "The headline numbers are this machine's own limits: the best sample of benches that do nothing but touch "
            "one. Small beside them stand the figures that the lecture gives for a desktop machine. More is better "
            "for rates, less for latencies."
        ]
    return Section("machine", "Machine", title, intro, blocks)


def _best(headline: Headline, limits: Sequence[Limit]) -> Limit | None:
    fitting = [
        limit
        for limit in limits
        if limit.kind in headline.kinds and limit.level in headline.levels and headline.dtype in ("", limit.dtype)
    ]
    if not fitting:
        return None
    choose: Callable[..., Limit] = max if fitting[0].metric.higher else min
    # A disturbed figure heads the page only where there is no other.
    return choose([x for x in fitting if not x.suspect] or fitting, key=lambda limit: limit.value)


def _tiles(best: Sequence[Limit | None]) -> Tiles:
    tiles = []
    for headline, limit in zip(HEADLINES, best, strict=True):
        if limit is None:
            continue
        notes = [headline.about if limit.kind in ("latency", "fma") else limit.kind]
        notes.append(f"{limit.threads} thread{'s' * (limit.threads != 1)}")
        if limit.suspect:
            notes.append("suspect")
        lecture = f"lecture: {headline.lecture:g} {headline.unit}" if headline.lecture else ""
        tiles.append(
            Tile(headline.label, text.amount(limit.value * headline.scale), headline.unit, ", ".join(notes), lecture)
        )
    return Tiles(tiles)


def _table(runs: Runs, best: Sequence[Sequence[Limit | None]]) -> Table:
    rows = []
    for i, headline in enumerate(HEADLINES):
        cells = [text.amount(limit.value * headline.scale) if (limit := row[i]) else text.NOTHING for row in best]
        if any(cell != text.NOTHING for cell in cells):
            lecture = f"{headline.lecture:g}" if headline.lecture else text.NOTHING
            rows.append((f"{headline.label}, {headline.unit}", *cells, lecture))
    return Table("Measured limits of each machine", ("limit", *runs.labels, "lecture"), rows)


def _facts(run: Run) -> list[tuple[str, str]]:
    machine, cpu = run.machine, run.machine.cpu
    cores = f"{cpu.physical} core{'s' * (cpu.physical != 1)}, {cpu.logical} logical CPU{'s' * (cpu.logical != 1)}"
    if cpu.allowed and len(cpu.allowed) < cpu.logical:
        cores += f", {len(cpu.allowed)} of them allowed"
    if cpu.quota is not None:
        cores += f", quota {text.amount(cpu.quota)} CPUs"
    reported = ", ".join(
        f"L{cache.level} {text.size(cache.bytes)}" + (f" (shared by {cache.shared_by})" if cache.shared_by > 1 else "")
        for cache in caches(run)
    )
    facts = [
        ("Processor", f"{title(cpu)}, {cpu.arch}"),
        ("Cores", cores),
        ("Vector extensions", _vectors(cpu.isa)),
        ("Caches, as reported", reported),
        ("Memory", text.size(machine.memory.total)),
        ("NUMA nodes", str(len(machine.numa)) if len(machine.numa) > 1 else ""),
        ("GPU", ", ".join(gpu.name for gpu in machine.gpus)),
        ("System", machine.os + (f", in {machine.virtual}" if machine.virtual else "")),
        (
            "Software",
            ", ".join(
                f"{name} {value}"
                for name, value in run.software.items()
                if isinstance(value, str | int | float) and value
            ),
        ),
        ("Measured", _when(run)),
    ]
    return [(name, value) for name, value in facts if value]


def _vectors(isa: Sequence[str]) -> str:
    """The extensions that decide a vector's width; every flag of a CPU would be a page of its own."""
    telling = ("sse4_2", "sse4.2", "avx", "avx2", "fma", "avx512", "neon", "asimd", "sve")
    chosen = [name for name in isa if name.lower().startswith(telling)]
    return ", ".join(chosen[:12]) + (" …" if len(chosen) > 12 else "")


def _when(run: Run) -> str:
    told = f"{run.started.replace('T', ' ').replace('Z', ' UTC')}, preset {run.policy.preset}"
    version = run.hwbench.get("version")
    if isinstance(version, str):
        told += f", hwbench {version}"
        commit = run.hwbench.get("commit")
        if isinstance(commit, str) and commit:
            told += f" ({commit[:9]}{', with changes' if run.hwbench.get('dirty') is True else ''})"
    return told if run.finished else f"{told}; not finished"


def _disturbances(run: Run) -> list[str]:
    """What was found to disturb measuring, in short: what it does and the remedies stand under quality.

    A run of before these were kept has its description alone, which tells some of them.
    """
    if run.disturbances:
        return [f"{one.name}: {one.state} ({one.severity})." for one in run.disturbances]
    machine, cpu, found = run.machine, run.machine.cpu, []
    if machine.virtual:
        found.append(
            f"It is a virtual machine or container ({machine.virtual}): other guests can take processor time and "
            f"cache, "
            "and a cache size may be reported of which only a part is ours."
        )
    if cpu.quota is not None and cpu.quota < cpu.logical:
        found.append(f"A cgroup grants {text.amount(cpu.quota)} CPUs of time: more threads are stopped in turn.")
    if cpu.smt > 1:
        found.append("Two logical CPUs share a core: what runs on the sibling takes a part of the core's units.")
    if machine.memory.huge_pages == "never":
        found.append(
            "Transparent huge pages are off: large arrays pay for page walks, and no 'huge' case can be measured."
        )
    return found
