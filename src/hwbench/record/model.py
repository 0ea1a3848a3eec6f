"""What a run file contains, as frozen structs: Case, Record, Machine, Run; and the metrics derived from counts.

Left of the `Record` hwbench measures, right of it it only reads. Values are in SI base units (s, B, Hz); `Metric` alone
applies a scale (GB/s, ns).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import msgspec

from .reasons import CONCLUDED, Reason, told

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Amount = TypeVar("Amount", float, "NDArray[np.float64]")

Json: TypeAlias = Any
"""A value out of a JSON file, which may hold anything."""

JsonObject: TypeAlias = dict[str, Json]

Scalar = int | float | str
Status = Literal["ok", "suspect", "wrong", "skipped", "error"]
STATUSES: tuple[Status, ...] = ("ok", "suspect", "wrong", "skipped", "error")
CaseKey: TypeAlias = tuple[str, str, str, tuple[tuple[str, Scalar], ...]]
COUNTS = ("bytes", "flops", "ops", "hops", "calls", "items", "cycles")
# Size labels, from the core outwards.
LEVELS = ("L1", "L2", "L3", "DRAM")
GPU_LEVELS = ("L2", "HBM")


class Case(msgspec.Struct, frozen=True):
    """One thing to measure: a variant of a bench on a device, with one value for each axis.

    `unnamed` has those that say where to measure, which builders get and no record keeps.
    """

    bench: str
    variant: str
    device: str
    params: dict[str, Scalar]
    unnamed: dict[str, Scalar] = {}

    @property
    def label(self) -> str:
        """`stream.load/simd [L1, f8, 1]`, for progress lines and messages."""
        values = ", ".join(map(str, self.params.values()))
        return f"{self.bench}/{self.variant} [{values}]"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The raw samples of one case.

    `samples` are seconds per call in time order, one a round, so that samples of one contrast pair by position.
    `counts` are the work of one call, by the names in COUNTS; rates are derived from them and never stored. `reasons`
    say why the status is not `ok`.
    """

    bench: str
    version: int
    variant: str
    device: str
    params: dict[str, Scalar]
    status: Status
    reasons: list[Reason] = []
    loops: int = 0
    samples: list[float] = []
    counts: dict[str, float] = {}
    facts: JsonObject = {}
    telemetry: JsonObject = {}

    def __repr__(self) -> str:
        from .text import seconds

        time = f", {seconds(sorted(self.samples)[len(self.samples) // 2])}" if self.samples else ""
        return f"<Record {self.case.label}: {self.status}{time}>"

    @property
    def case(self) -> Case:
        """The case that this record answers."""
        return Case(self.bench, self.variant, self.device, self.params)

    @property
    def why(self) -> str:
        """The reasons in words, in one line; "" without any."""
        return told(self.reasons)

    @property
    def codes(self) -> list[str]:
        """The codes of the reasons, each once; `other` where a suspect record of an old file gives none."""
        return list(dict.fromkeys(one.code for one in self.reasons)) or ["other"] * (self.status == "suspect")

    @property
    def timed(self) -> bool:
        """Whether there are samples to read: `ok` and `suspect` records have them, the others never do."""
        return self.status in ("ok", "suspect") and bool(self.samples)


def as_measured(record: Record) -> Record:
    """The record without what was concluded from the limits of its run."""
    return without(record, *CONCLUDED)


def without(record: Record, *codes: str) -> Record:
    """The record without the reasons of these codes; `ok` where it has no other."""
    kept = [one for one in record.reasons if one.code not in codes]
    if len(kept) == len(record.reasons) or record.status != "suspect":
        return record
    return msgspec.structs.replace(record, reasons=kept, status="suspect" if kept else "ok")


def key(case: Case | Record) -> CaseKey:
    """The identity of a case, hashable: the same for a case and its record."""
    return case.bench, case.variant, case.device, tuple(sorted(case.params.items()))


def contrast_key(case: Case | Record) -> tuple[str, tuple[tuple[str, Scalar], ...]]:
    """The identity of a contrast, which its variants share: the bench and the value of each axis."""
    return case.bench, tuple(sorted(case.params.items()))


def same_work(one: Record, other: Record) -> bool:
    """Whether two records belong to one contrast and have equal counts: `L2` is another size on a GPU than on a CPU."""
    return contrast_key(one) == contrast_key(other) and one.counts == other.counts


class Cache(msgspec.Struct, frozen=True):
    """One data or unified cache as the operating system reports it; `shared_by` counts logical CPUs."""

    level: int
    bytes: int
    line: int
    shared_by: int


class Cpu(msgspec.Struct, frozen=True, kw_only=True):
    """`allowed` are the logical CPUs of the affinity mask; `quota` is the cgroup's limit in CPUs, None without one.

    `model` is the name. The numbers are x86's; on Arm `vendor` is the implementer and `model_number` the part.
    """

    model: str
    arch: str
    vendor: str | None = None
    family: int | None = None
    model_number: int | None = None
    stepping: int | None = None
    microcode: str | None = None
    isa: list[str] = []
    logical: int
    physical: int
    smt: int = 1
    allowed: list[int] = []
    quota: float | None = None
    caches: list[Cache] = []


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """`total` in bytes, a cgroup's limit counted in; `huge_pages` is the kernel's policy for transparent huge pages."""

    total: int
    huge_pages: str | None = None


class Gpu(msgspec.Struct, frozen=True, kw_only=True):
    """One visible GPU; `memory` in bytes, `sm` the count of multiprocessors.

    `versions` are those of the libraries that decide what code runs (nvrtc, cublas, the CUDA that the driver supports),
    `state` is how the card is set up: power limits, ECC, MIG, locked clocks, processes of others.
    """

    name: str
    memory: int | None = None
    sm: int | None = None
    driver: str | None = None
    cuda: str | None = None
    pcie: JsonObject | None = None
    uuid: str | None = None
    versions: JsonObject | None = None
    state: JsonObject | None = None


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured on.

    `numa` lists the logical CPUs of each node; `virtual` names the hypervisor or container. `settings` are those of the
    system that figures depend on, as far as it tells them: governor, turbo, mitigations, the kernel's command line.
    `opencl` are OpenCL's devices, in the order of their numbers: `state` has their type, whether one is this CPU, and
    what it lacks. `topology` says where sources of cores and caches disagree, and which is believed.
    """

    name: str
    cpu: Cpu
    memory: Memory
    numa: list[list[int]] = []
    virtual: str | None = None
    gpus: list[Gpu] = []
    opencl: list[Gpu] = []
    os: str = ""
    settings: dict[str, str] = {}
    topology: list[str] = []


class Disturbance(msgspec.Struct, frozen=True):
    """A setting of the machine that distorts figures: its state, which figures it affects and how, the remedy.

    A `warning` makes figures wrong or unrepeatable; a `note` explains them.
    """

    name: str
    state: str
    affects: str
    remedy: str
    severity: Literal["note", "warning"] = "warning"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How it was measured.

    `budget_s` is for the whole run (None: no limit), `case_s` for the rounds of one case and `warmup_s` for its
    warm-up; rounds stop early when every median's interval is within `precision`. `sizes` says what the size labels
    stood for, in bytes a thread; `phases` where the wall time went, in seconds, and `bench_phases` that of each bench.
    """

    preset: str = "standard"
    seed: int = 0
    min_sample_s: float = 0.010
    rounds: int = 10
    max_rounds: int = 100
    budget_s: float | None = None
    case_s: float = 0.2
    warmup_s: float = 0.2
    precision: float = 0.01
    sizes: dict[str, int] = {}
    phases: dict[str, float] = {}
    bench_phases: dict[str, dict[str, float]] = {}


class Answer(msgspec.Struct, frozen=True):
    """A fact that answers a bench's question where no rate does: `name` and `unit` are what a chart of it says.

    The fact is a number, or a list whose entry `at` counts (-1 for the last); `scale` turns it into the unit. `higher`
    says whether more is better, None where neither is.
    """

    fact: str
    name: str
    unit: str = ""
    scale: float = 1.0
    higher: bool | None = None
    at: int | None = None


class BenchInfo(msgspec.Struct, frozen=True):
    """What a bench declares and reading needs, so that a run is read without the bench's module.

    `limit` is the limit that it should touch. `measures` is one of `record.measures.KNOWN`; `where` restricts the cases
    that give a limit to these values of axes (or of `variant`). `leading` is the count whose rate is shown first, ""
    for the first that a record has; `answers` are the facts that a chart shows instead. `variants` are in order; `axes`
    gives the name of each axis in words.
    """

    question: str
    baseline: str
    limit: str | None = None
    measures: str = ""
    where: dict[str, Scalar] = {}
    leading: str = ""
    variants: list[str] = []
    axes: dict[str, str] = {}
    answers: list[Answer] = []


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run file, schema 2, as it was measured: what the machine's limits say of its records is concluded on reading.

    `variables` are those of the environment that change figures, None where they were not kept. `disturbances` are
    those that the machine showed before anything was measured. `witness` has the best bandwidths, in bytes a second,
    that earlier runs on this setup saw between rounds; {} for the first. `benches` describes the benches of the
    records; older files have none.
    """

    schema: int = 2
    id: str
    started: str
    finished: str | None = None
    hwbench: JsonObject = {}
    machine: Machine
    software: JsonObject = {}
    variables: dict[str, str] | None = None
    policy: Policy = Policy()
    disturbances: list[Disturbance] = []
    witness: dict[str, float] = {}
    benches: dict[str, BenchInfo] = {}
    records: list[Record] = []

    def __repr__(self) -> str:
        benches = len({record.bench for record in self.records})
        return f"<Run {self.id}: {len(self.records)} cases of {benches} bench{'es' * (benches != 1)}>"


class Metric(msgspec.Struct, frozen=True):
    """A rate derived from a record: `count` per second, or seconds per `count`.

    `scale` turns the SI base unit into `unit`. `higher`: more is better.
    """

    name: str
    count: str
    unit: str
    scale: float
    higher: bool

    def value(self, seconds: Amount, counts: dict[str, float]) -> Amount:
        """The metric in `unit` for a call of `seconds`; KeyError where the record has no such count."""
        amount = counts[self.count]
        return (amount / seconds if self.higher else seconds / amount) * self.scale


BANDWIDTH = Metric("bandwidth", "bytes", "GB/s", 1e-9, higher=True)
FLOP_RATE = Metric("floating-point rate", "flops", "GFLOP/s", 1e-9, higher=True)
OP_RATE = Metric("rate of operations", "ops", "GOP/s", 1e-9, higher=True)
HOP_TIME = Metric("latency", "hops", "ns", 1e9, higher=False)
CALL_TIME = Metric("time per call", "calls", "µs", 1e6, higher=False)
ITEM_TIME = Metric("time per element", "items", "ns", 1e9, higher=False)
CLOCK = Metric("clock", "cycles", "GHz", 1e-9, higher=True)
METRICS = (CLOCK, HOP_TIME, BANDWIDTH, FLOP_RATE, OP_RATE, ITEM_TIME, CALL_TIME)


def metrics(record: Record) -> tuple[Metric, ...]:
    """Every metric that the record's counts allow, the leading one first."""
    return tuple(metric for metric in METRICS if record.counts.get(metric.count))
