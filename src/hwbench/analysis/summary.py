"""The summary of a run: its headline quantities, quality and notable findings as data, for terminal and page alike.

Nothing is measured or concluded here: values are headline quantities (`docs/headline.md`), each with its doubts, and
what was not measured is None or absent. `docs/summary.md` explains each line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..record import microarchitectures, text
from ..record.estimate import estimate
from ..record.facts import gpu_of, level_on, this_cpu
from ..record.model import GPU_LEVELS, LEVELS, Run
from ..record.phrases import counted
from ..record.reasons import words_of
from . import causes, run_quality, wording
from .headline import CPU, Headline
from .hierarchy import CONTAINERS
from .measures import measuring
from .notable import Notable, notable
from .reading import Reading, Share
from .run_quality import Check
from .usual import matmul

MOST = 5  # findings
KERNELS = ("read", "write", "copy", "triad")
PRECISIONS = {"f8": "FP64", "f4": "FP32"}
TENSORS = {"bf16": "BF16", "f16": "FP16", "fp8": "FP8"}
WAYS = ("h2d", "d2h", "both")
WORKS = {"fma": "flops", "copy": "bytes"}  # of occupancy, with what their rates count
FULL = 0.9  # of the best rate: the GPU is busy
ABSENT = {"gpu": "GPU", "opencl": "OpenCL"}  # the device of records for which there was none, and what it is called


@dataclass(frozen=True)
class Host:
    """The machine. `cpus` may be used, of `logical`; `virtual` is `KVM guest`, `Docker`, `bare metal`.

    `no_gpu` is why cases that need a GPU were left out, "" where none were; `missing` says which: GPU or OpenCL.
    `opencl` are the names of the OpenCL devices on which something was timed, by device.
    """

    cpu: str
    cores: int
    cpus: int
    logical: int
    quota: float | None
    virtual: str
    gpus: tuple[str, ...]
    no_gpu: str = ""
    missing: str = "GPU"
    opencl: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Quality:
    """Whether the run can be trusted. `noisy` is None where nothing was timed.

    Of so many `checks` that were made some were `missed`; `impossible` are those that the run has nothing for. `worst`
    is the one that was missed by the largest factor. The other counts are of cases; those that need a GPU where there
    is none are left out. `seconds` is the time from start to end, None for a run that did not end.
    """

    noisy: bool | None
    checks: int
    missed: int
    impossible: int
    worst: Check | None
    cases: int
    suspect: int
    wrong: int
    failed: int
    skipped: int
    seconds: float | None

    @property
    def word(self) -> str:
        """`quiet`, `noisy`; "" where nothing was timed."""
        return "" if self.noisy is None else ("noisy" if self.noisy else "quiet")

    @property
    def verdict(self) -> str:
        """`quiet: 9 checks passed, 1 not possible`, `noisy: 2 of 10 checks failed`; "" where nothing was timed."""
        if not self.word:
            return ""
        made = counted(self.checks, "check")
        if self.noisy:
            return f"noisy: {self.missed} of {made} failed"
        return f"quiet: {made} passed" + f", {self.impossible} not possible" * bool(self.impossible)


@dataclass(frozen=True)
class Row:
    """A level of memory: its cells by column (`latency`, `read.one`, …), and the numbers of notes about it."""

    level: str
    cells: Mapping[str, Headline | None]
    notes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Peak:
    """The peak of a precision, `FP64` or `FP32`: on one thread and on all; a GPU's stands in `all`."""

    name: str
    one: Headline | None
    all: Headline | None


@dataclass(frozen=True)
class Matmul:
    """NumPy's product of matrices, its share of the peak, and what in the set-up holds it back (`why`, often "")."""

    value: Headline
    share: Share | None
    why: str


@dataclass(frozen=True)
class Note:
    """A remark about a row, by its number."""

    number: int
    said: str


@dataclass(frozen=True)
class Busy:
    """The fewest `threads` with which a GPU does `work` (`fma`, `copy`) at 90% of its best rate, `chains` in each."""

    work: str
    threads: int
    chains: int
    doubtful: bool


@dataclass(frozen=True)
class Accelerator:
    """A GPU that was measured: levels from the core outwards, peaks, tensor cores by precision, launch and link.

    `tensors` and `link` (`h2d.pinned` …) hold what was measured alone. `near` is the latency of an L2 that is not full,
    where it is clearly another than that of the L2 in `memory`, which `notes` then say.
    """

    device: str
    name: str
    memory: tuple[Row, ...]
    peaks: tuple[Peak, ...]
    tensors: Mapping[str, Headline]
    launch: Headline | None
    link: Mapping[str, Headline]
    near: Headline | None = None
    notes: tuple[Note, ...] = ()
    busy: tuple[Busy, ...] = ()
    own: bool = False  # an OpenCL device that is this CPU: it has no link, and other names for its levels

    @property
    def flops(self) -> tuple[float, str]:
        """What its rates are told in: TFLOP/s, or GFLOP/s where none reaches one of those."""
        every = [*(peak.all for peak in self.peaks), *self.tensors.values()]
        most = max((one.value for one in every if one is not None), default=0.0)
        return (1e12, "TFLOP/s") if most >= 1e12 else (1e9, "GFLOP/s")


@dataclass(frozen=True)
class Summary:
    """What `hwbench run` says at its end and the page at its top; `columns` are those of `memory` with any value."""

    host: Host
    quality: Quality
    columns: tuple[str, ...]
    memory: tuple[Row, ...]
    peaks: tuple[Peak, ...]
    loop_over_numpy: Headline | None
    calls: Mapping[str, Headline]  # python, numpy, numba
    column_over_row: Headline | None
    prange: Mapping[str, Headline]  # triad, compute
    matmul: Matmul | None
    gpus: tuple[Accelerator, ...]
    notes: tuple[Note, ...]
    findings: tuple[Notable, ...]  # at most five, the most notable first

    @property
    def headlines(self) -> list[Headline]:
        """Every headline quantity that the summary shows."""
        return list(_shown(self))

    @property
    def doubts(self) -> list[str]:
        """Why values that it shows are doubtful, in words, the commonest reason first."""
        codes = [code for one in self.headlines for code in one.doubt or ()]
        return [words_of(code) for code in sorted(dict.fromkeys(codes), key=lambda code: -codes.count(code))]


def summary(reading: Reading) -> Summary:
    """The summary of a run."""
    run = reading.run
    memory, notes = _memory(reading)
    return Summary(
        host=_host(run),
        quality=_quality(reading),
        columns=tuple(name for name in _columns(reading) if any(row.cells.get(name) for row in memory)),
        memory=memory,
        peaks=_peaks(reading),
        loop_over_numpy=reading.get("loop_over_numpy"),
        calls=_measured(reading, "call", ("python", "numpy", "numba")),
        column_over_row=reading.get("column_over_row"),
        prange=_measured(reading, "prange", ("triad", "compute")),
        matmul=_matmul(reading),
        gpus=tuple(_gpus(reading, len(notes))),
        notes=notes,
        findings=tuple(notable(reading)[:MOST]),
    )


# --- parts ------------------------------------------------------------------------------------------------------------


def _host(run: Run) -> Host:
    cpu = run.machine.cpu
    allowed = len(cpu.allowed) or cpu.logical
    gpus = tuple(gpu.name for gpu in run.machine.gpus)
    timed = {record.device for record in run.records if record.timed}
    others = {f"opencl:{number}": one.name for number, one in enumerate(run.machine.opencl)}
    others = {device: name for device, name in others.items() if device in timed}
    missing, why = next(((ABSENT[one.device], one.why) for one in run.records if one.device in ABSENT), ("GPU", ""))
    return Host(
        name_of(run), cpu.physical, allowed, cpu.logical, cpu.quota, virtual(run.machine.virtual), gpus, why, missing,
        others,
    )  # fmt: skip


def name_of(run: Run) -> str:
    """The CPU's name without trademarks, and its microarchitecture: `AMD EPYC 9B14 (Zen 4)`."""
    cpu = run.machine.cpu
    name, known = microarchitectures.short(cpu.model), microarchitectures.generation(cpu)
    return f"{name} ({known})" if known and known.lower() not in name.lower() else name


def virtual(found: str | None) -> str:
    """`KVM guest, Docker` for `KVM, Docker`; `bare metal` where neither hypervisor nor container shows."""
    names = [name for name in (found or "").split(", ") if name]
    return ", ".join(name if name in CONTAINERS else f"{name} guest" for name in names) or "bare metal"


def _quality(reading: Reading) -> Quality:
    run, checks = reading.run, reading.checks
    missed = [one for one in checks if not one.passed]
    status = [record.status for record in run.records if record.device not in ABSENT]
    return Quality(
        noisy=run_quality.noisy(checks) if checks else None,
        checks=len(checks),
        missed=len(missed),
        impossible=len(run_quality.impossible(checks)),
        worst=max(missed, key=_excess, default=None),
        cases=sum(record.timed for record in run.records),
        suspect=status.count("suspect"),
        wrong=status.count("wrong"),
        failed=status.count("error"),
        skipped=status.count("skipped"),
        seconds=_seconds(run),
    )


def _excess(one: Check) -> float:
    return one.seen / one.allowed if one.allowed else float("inf")


def _seconds(run: Run) -> float | None:
    """The time that the run took; what an interrupted and resumed one lay idle is not counted."""
    if run.finished is None:
        return None
    if (total := run.policy.phases.get("total")) is not None:
        return total
    try:
        return (datetime.fromisoformat(run.finished) - datetime.fromisoformat(run.started)).total_seconds()
    except (ValueError, TypeError):
        return None


def _columns(reading: Reading) -> tuple[str, ...]:
    """Latency, what one thread reads, and what all threads (or the only one) read, copy and combine."""
    who = reading.who
    return tuple(dict.fromkeys(("latency", "read.one", f"read.{who}", f"copy.{who}", f"triad.{who}")))


def _memory(reading: Reading) -> tuple[tuple[Row, ...], tuple[Note, ...]]:
    """The levels with any value, and notes about them."""
    rows: list[Row] = []
    notes: list[Note] = []
    columns = _columns(reading)
    remark = wording.shortfall(reading.levels.last, reading.run.machine.virtual)
    for level in LEVELS:
        cells = {name: reading.get(f"{level.lower()}.{name}") for name in columns}
        if not any(cells.values()):
            continue
        numbers: tuple[int, ...] = ()
        if remark and remark[0] == level:
            notes.append(Note(len(notes) + 1, remark[1]))
            numbers = (len(notes),)
        rows.append(Row(level, cells, numbers))
    return tuple(rows), tuple(notes)


def _peaks(reading: Reading, device: str = CPU) -> tuple[Peak, ...]:
    found = []
    for dtype, name in PRECISIONS.items():
        stem = f"peak.{dtype}"
        ends = (None, stem) if device != CPU else (f"{stem}.one", f"{stem}.all")
        one, every = (reading.get(end, device) if end else None for end in ends)
        found += [Peak(name, one, every)] if one or every else []
    return tuple(found)


def _matmul(reading: Reading) -> Matmul | None:
    found = matmul(reading)
    return None if found is None else Matmul(*found, causes.blas(reading.run))


def _gpus(reading: Reading, numbered: int) -> Iterator[Accelerator]:
    """The GPUs; their notes go on from the number `numbered`."""
    devices = dict.fromkeys(one.device for one in reading.headline if one.device != CPU)
    for device in devices:
        gpu, own = gpu_of(reading.run, device), this_cpu(reading.run, device)
        near, notes = _near(reading, device, numbered + 1)
        numbered += len(notes)
        rows = []
        for level in ("L1", *GPU_LEVELS):
            cells = {name: reading.get(f"{level.lower()}.{name}", device) for name in ("latency", *KERNELS)}
            numbers = tuple(note.number for note in notes) if level == "L2" else ()
            rows += [Row(level_on(level, own=own), cells, numbers)] if any(cells.values()) else []
        yield Accelerator(
            device=device,
            name=gpu.name if gpu else device,
            memory=tuple(rows),
            peaks=_peaks(reading, device),
            tensors=_measured(reading, "tensor", TENSORS, device),
            launch=reading.get("launch", device),
            link={
                f"{way}.{memory}": found
                for way in WAYS
                for memory in ("pinned", "pageable")
                if (found := reading.get(f"{way}.{memory}", device)) is not None
            },
            near=near,
            notes=notes,
            busy=tuple(_busy(reading, device)),
            own=own,
        )


def _busy(reading: Reading, device: str) -> Iterator[Busy]:
    for work, count in WORKS.items():
        rates: dict[tuple[int, int], tuple[float, bool]] = {}
        for record in measuring(reading.run, "occupancy"):
            threads, chains = (record.params.get(axis) for axis in ("threads", "chains"))
            mine = record.timed and (record.device, record.params.get("work")) == (device, work)
            if mine and record.counts.get(count) and isinstance(threads, int) and isinstance(chains, int):
                rate = record.counts[count] / estimate(record.samples).value
                rates[threads, chains] = rate, record.status == "suspect"
        best = max((rate for rate, _ in rates.values()), default=0.0)
        enough = min((place for place, (rate, _) in rates.items() if rate >= FULL * best), default=None)
        if enough is not None and len(rates) > 1:
            yield Busy(work, *enough, doubtful=rates[enough][1])


def _near(reading: Reading, device: str, number: int) -> tuple[Headline | None, tuple[Note, ...]]:
    """The latency of the L2's near part where that of half of the L2 is clearly longer, and the note on both."""
    near, half = (reading.get(name, device) for name in ("l2.latency.near", "l2.latency"))
    if near is None or half is None or half.low <= near.high * (1 + text.EVEN):
        return None, ()
    shown = [text.seconds(one.value) + text.DOUBTFUL * bool(one.doubt) for one in (near, half)]
    said = f"near L2 {shown[0]} (16 KiB); half of the L2 {shown[1]}, a part far or in memory"
    return near, (Note(number, said),)


def _measured(reading: Reading, stem: str, names: Iterable[str], device: str = CPU) -> dict[str, Headline]:
    """Of `stem.name` those that were measured, by name."""
    found = {name: reading.get(f"{stem}.{name}", device) for name in names}
    return {name: one for name, one in found.items() if one is not None}


def _shown(made: Summary) -> Iterator[Headline]:
    rows: Sequence[Row] = (*made.memory, *(row for gpu in made.gpus for row in gpu.memory))
    peaks = (*made.peaks, *(peak for gpu in made.gpus for peak in gpu.peaks))
    several: list[Iterable[Headline | None]] = [
        *(row.cells.values() for row in rows),
        *((peak.one, peak.all) for peak in peaks),
        made.calls.values(),
        made.prange.values(),
        (made.loop_over_numpy, made.column_over_row, made.matmul.value if made.matmul else None),
        *((*gpu.tensors.values(), gpu.launch, gpu.near, *gpu.link.values()) for gpu in made.gpus),
    ]
    yield from (one for values in several for one in values if one is not None)
