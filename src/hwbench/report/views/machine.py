"""The machine card: its limits beside the lecture's as headline numbers, its description, what disturbs measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...analysis import datasheets
from ...analysis.headline import Headline
from ...analysis.reading import Reading
from ...record import text
from ...record.facts import caches
from ...record.microarchitectures import title
from ...record.model import Run
from ...record.reasons import words_of
from ..dataset import Runs
from ..sections import Block, Facts, Notes, Section, Table, Tile, Tiles


@dataclass(frozen=True)
class Card:
    """A headline quantity to head the page with.

    `threads`: its name ends in `.one` or `.all`. `lecture` is the slides' figure in `unit`, None where they give none.
    """

    label: str
    name: str
    unit: str
    scale: float
    lecture: float | None
    about: str
    threads: bool = True

    def of(self, reading: Reading, who: str) -> Headline | None:
        """The quantity in a run, on `one` or `all` threads."""
        return reading.get(f"{self.name}.{who}" if self.threads else self.name)

    def fitting(self, *found: Headline | None) -> tuple[str, float]:
        """The unit for these figures, GFLOP/s where one would be below 1 TFLOP/s, and what to multiply by."""
        small = self.unit.startswith("T") and any(one is not None and one.value * self.scale < 1 for one in found)
        return (f"G{self.unit[1:]}", 1000.0) if small else (self.unit, 1.0)


CARDS = (
    Card("Memory bandwidth", "dram.read", "GB/s", 1e-9, 30, "reading"),
    Card("L1 latency", "l1.latency", "ns", 1e9, 0.5, "one dependent load", threads=False),
    Card("L2 latency", "l2.latency", "ns", 1e9, 7, "one dependent load", threads=False),
    Card("Memory latency", "dram.latency", "ns", 1e9, 100, "one dependent load", threads=False),
    Card("FP64 peak", "peak.f8", "TFLOP/s", 1e-12, None, "fused multiply-add"),
    Card("FP32 peak", "peak.f4", "TFLOP/s", 1e-12, 0.15, "fused multiply-add"),
)


def view(runs: Runs) -> Section | None:
    """What these machines are and what they can do."""
    if not runs.runs:
        return None
    blocks: list[Block] = []
    numbers = _table(runs) if runs.several else _tiles(runs.readings[0])
    if numbers is not None:
        blocks.append(numbers)
    blocks.append(Facts([(label, _facts(run)) for label, run in zip(runs.labels, runs, strict=True)]))
    disturbing = [
        (f"{label}: {sentence}" if runs.several else sentence)
        for label, run in zip(runs.labels, runs, strict=True)
        for sentence in _disturbances(run)
    ]
    if disturbing:
        blocks.append(Notes("What disturbs measuring here", disturbing))
    title = "The machines" if runs.several else "The machine"
    intro = ["The machine, as the operating system describes it."]
    if numbers is not None:
        intro = [
            "Each headline number is the median of a bench that one limit of the machine bounds. Beside it is the "
            f"lecture's figure for a desktop machine ({datasheets.load().sources['lecture'].title}). More is better "
            "for rates, less for latencies."
        ]
    return Section("machine", "Machine", title, intro, blocks, topic="data")


def _tiles(reading: Reading) -> Tiles | None:
    """All figures on the same threads."""
    tiles = []
    for card in CARDS:
        found = card.of(reading, reading.who)
        if found is None:
            continue
        unit, times = card.fitting(found)
        lecture = f"lecture: {text.amount(card.lecture * times, unit)}" if card.lecture else ""
        note = f"{card.about}, {_threads(found)}"
        tiles.append(
            Tile(card.label, text.amount(found.value * card.scale * times), unit, note + doubts(found), lecture)
        )
    return Tiles(tiles) if tiles else None


def _table(runs: Runs) -> Table | None:
    """A row for each figure on one thread and on all, so that machines are compared on like threads."""
    rows = []
    for card in CARDS:
        for who in ("one", "all") if card.threads else ("one",):
            found = [card.of(reading, who) for reading in runs.readings]
            if not any(found):
                continue
            on = f" on {'one thread' if who == 'one' else 'all threads'}" if card.threads else ""
            unit, times = card.fitting(*found)
            cells = [_cell(card, one, times, count=who == "all") if one else text.NOTHING for one in found]
            lecture = text.amount(card.lecture * times) if card.lecture else text.NOTHING
            rows.append((f"{card.label}{on}, {unit}", *cells, lecture))
    return Table("Headline figures of each machine", ("figure", *runs.labels, "lecture"), rows) if rows else None


def _cell(card: Card, found: Headline, times: float, *, count: bool) -> str:
    threads = f" ({_threads(found)})" if count else ""
    return f"{text.amount(found.value * card.scale * times)}{threads}{doubts(found)}"


def _threads(found: Headline) -> str:
    return f"{found.threads} thread{'s' * (found.threads != 1)}"


def doubts(found: Headline) -> str:
    """`, suspect (the clock drifted)`; "" without a doubt."""
    return f", suspect ({', '.join(map(words_of, found.doubt))})" if found.doubt else ""


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
        ("OpenCL", ", ".join(f"opencl:{number}: {one.name}" for number, one in enumerate(machine.opencl))),
        ("System", machine.os + (f", in {machine.virtual}" if machine.virtual else "")),
        ("Microcode", cpu.microcode or ""),
        *((name[:1].upper() + name[1:], value) for name, value in machine.settings.items()),
        ("Variables", ", ".join(f"{name}={value}" for name, value in (run.variables or {}).items())),
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
            "cache, and the reported cache may be shared with them."
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
