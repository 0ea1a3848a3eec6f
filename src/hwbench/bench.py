"""What a bench is: one question, its axes, its reference answer, its counts and its variants.

A bench is data and plain functions. A function gets what its parameters name: an axis of the bench (`size` in bytes,
`threads` as a number, `dtype` as `numpy.dtype`), `device`, `rng`; every other parameter gets, in order, what `inputs`
returned. What `device` offers and what a finding is given: see `protocols`.
"""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from .record.measures import KNOWN, Measures
from .record.model import COUNTS, Answer, BenchInfo, Scalar
from .record.reasons import Reason, because

Hook: TypeAlias = Callable[..., Any]
"""A function of a bench, which is given what its parameters name."""

Call: TypeAlias = Callable[[], Any]
"""One call of a variant. What it returns is the output, where the work names no other."""

Loop: TypeAlias = Callable[[int], Any]
"""The work done n times by compiled code."""

Job: TypeAlias = Callable[[int, int], Any]
"""A thread's part of the work, done n times; its kernels are given the second number, their place at the gate."""

Facts: TypeAlias = Mapping[str, Any]
"""What is true of a case beside its time, as JSON can hold it."""

Values: TypeAlias = dict[str, Any]
"""What a bench's functions may name: values of its axes (`size` in bytes, `dtype` a `numpy.dtype`), `device`, `rng`."""

Inputs: TypeAlias = tuple[Any, ...]
"""What a bench's `inputs` made: arrays, and whatever else its builders take."""

CUDA_SOURCES: dict[str, Path] = {}
"""Where the CUDA C++ of a bench outside of hwbench lies, by the bench's name: beside its file."""


class Skip(Exception):  # noqa: N818 - not an error: a builder raises it to say why a case cannot run here
    """A case that cannot be measured here, and why, by a code of `record/reasons.py`: `Skip("needs_smt")`."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.reason = because(code, detail)
        super().__init__(str(self.reason))


@dataclass(frozen=True)
class Sweep:
    """Axis values that depend on the machine: sizes from `first` bytes to the size labelled `last`.

    `on` is the kind of device whose levels the label names, cpu or gpu.
    """

    first: int
    last: str = "DRAM"
    points: int = 2
    on: str = "cpu"


@dataclass(frozen=True)
class Threads:
    """Axis values that depend on the machine: 1, 2, 4 … and the number of CPUs that may be used."""


@dataclass(frozen=True)
class Pages:
    """An axis value that depends on the machine: huge pages where they can be asked for, else the small ones (`4K`)."""


Axis: TypeAlias = tuple[Scalar | Sweep | Threads | Pages, ...]
"""The values of an axis."""

Grid: TypeAlias = Mapping[str, Axis | str]
"""For some axes their values; under `variant` the name or names of the variants it is for."""


@dataclass(frozen=True)
class Work:
    """What a variant's builder returns: the callable to time and how to fetch its output.

    call
        Does the work of one call and nothing else: no allocation, no branch, no synchronisation beyond the question.
    output
        Fetches what the last call computed, for the check; None: `call` returned it.
    repeat
        Does the work n times inside compiled code, for calls that are short against a Python call.
    timer
        Seconds that n calls took, for work that times itself: threads of a crew, events of a GPU.
    facts
        What is true of the case beside its time: footprint, page size, any outcome that is not a time. Read when the
        work is built and again after the last sample.
    close
        Frees what the builder allocated, after the last sample.
    most
        The most calls in one sample, where each needs preparing (a cache flushed); None: any number.
    least_s
        The shortest sample in seconds, where the preset's would miss what is asked (the stops of a quota).
    past_caches
        Whether it writes past the caches (non-temporal stores), so that it leaves no dirty lines there.
    """

    call: Call
    output: Call | None = None
    repeat: Loop | None = None
    timer: Callable[[int], float] | None = None
    facts: Facts = field(default_factory=dict)
    close: Callable[[], None] | None = None
    most: int | None = None
    least_s: float = 0.0
    past_caches: bool = False


@dataclass(frozen=True)
class Variant:
    """One way to do a bench's work.

    `on` is the kind of device: cpu, gpu or opencl. `inputs` says where the builder gets the inputs: on that device, or
    as the host arrays they were made as. `needs` says in words what the machine lacks for this variant, or "" where it
    lacks nothing; it is called before anything is built.
    """

    name: str
    build: Callable[..., Work]
    on: str = "cpu"
    needs: Callable[..., Reason | None] | None = None
    inputs: Literal["device", "host"] = "device"

    @property
    def summary(self) -> str:
        """The first line of the builder's docstring."""
        return (inspect.getdoc(self.build) or "").partition("\n")[0]


AnyHook = TypeVar("AnyHook", bound=Hook)
Builder = TypeVar("Builder", bound=Callable[..., Work])
CountsHook = TypeVar("CountsHook", bound=Callable[..., Mapping[str, float]])
MemoryHook = TypeVar("MemoryHook", bound=Callable[..., int])
FindingHook = TypeVar("FindingHook", bound=Callable[..., Iterable[str]])


class Bench:
    """One question, asked of this machine in several variants.

    Parameters
    ----------
    name
        `topic.question`; with `variant` and the axes it names a case everywhere: command line, asv, pytest-benchmark.
    question
        The question, in one sentence that ends with a question mark.
    axes
        The values that the standard set takes for each axis.
    baseline
        The variant that the others are compared with.
    limit
        Which of the machine's limits the bench should touch: `load`, `copy`, `triad`, `fma`, `latency`; None where no
        limit of the hardware applies.
    measures
        What it measures, by which limits, charts and comparisons find it: `record.measures.Measures`. None where it
        stands among the contrasts alone.
    where
        Values of axes (or of `variant`) that a case needs to give the limit that the bench measures; None: every case.
    leading
        The count whose rate is shown first: `flops`; "" for the first in the order of `model.COUNTS`' metrics.
    answers
        Facts that answer the question where no rate does: the chart of the bench shows them.
    words
        Names of axes in words, for heads of tables: `{"k": "stride, elements"}`.
    version
        Raised with every change of what is timed; results of different versions are never compared.
    sweeps
        Further grids of the standard set: each overrides some axes, and may name the variants (`variant`) it is for.
    full_sweeps
        Further grids of the full set alone: points on plateaus that the standard set shows by fewer.
    quick, standard, full
        Axes that the preset of that name overrides, and under `variant` which variants it takes. `quick` leaves the
        sweeps out.
    together
        Axes whose values are measured interleaved, like the variants of a contrast (`threads` for a speed-up).
    tolerance
        Relative error allowed against the reference, where the default (by dtype and operation count) does not fit.
    free
        Axes for which `--param` may give values that no grid states, each with its parser: text to value, or
        ValueError with one line on what is wrong.
    least
        The least bytes of a `size` that any case of the bench can be measured with.
    unnamed
        Axes that say where to measure and not what, as the directory of a file: `--param` gives one value, which is no
        part of a case's name and in no record. What figures depend on there, the facts have.
    about
        The kind of device without which the question has no answer, if any. On a machine without it the standard set
        leaves the whole bench out, variants on other devices included.
    core
        Part of the quick set, which has half a minute for the whole machine. `--preset quick` measures any other
        bench only when it is selected.
    by_name
        In no set: measured only where it is selected, since it needs an extra and takes minutes.
    full_only
        Part of the full set alone. Other presets measure it only where it is selected.
    shared
        All cases of a contrast work on the one memory that `inputs` makes, so that it is counted once.
    scratch
        Inputs that variants may write, by the names that builders give them; each builder fills them anew.
    may_cap
        Computes so much that a GPU runs at its power limit: that is a fact then, and makes no figure suspect.
    """

    def __init__(
        self,
        name: str,
        *,
        question: str,
        axes: Mapping[str, Axis],
        baseline: str,
        limit: str | None = None,
        measures: Measures | None = None,
        where: Mapping[str, Scalar] | None = None,
        leading: str = "",
        answers: tuple[Answer, ...] = (),
        words: Mapping[str, str] | None = None,
        version: int = 1,
        sweeps: tuple[Grid, ...] = (),
        full_sweeps: tuple[Grid, ...] = (),
        quick: Grid | None = None,
        standard: Grid | None = None,
        full: Grid | None = None,
        together: tuple[str, ...] = (),
        tolerance: float | None = None,
        free: Mapping[str, Callable[[str], Scalar]] | None = None,
        least: int = 1,
        unnamed: tuple[str, ...] = (),
        core: bool = True,
        by_name: bool = False,
        full_only: bool = False,
        about: str = "",
        shared: bool = False,
        scratch: tuple[str, ...] = (),
        may_cap: bool = False,
    ) -> None:
        self.name = name
        self.question = question
        self.axes = dict(axes)
        self.baseline = baseline
        self.limit = limit
        self.measures = measures
        self.where = dict(where or {})
        self.leading = leading
        self.answers = answers
        self.words = dict(words or {})
        self.version = version
        self.sweeps = sweeps
        self.full_sweeps = full_sweeps
        self.presets = {"quick": dict(quick or {}), "standard": dict(standard or {}), "full": dict(full or {})}
        self.together = together
        self.tolerance = tolerance
        self.free = dict(free or {})
        self.least = least
        self.unnamed = unnamed
        self.core = core
        self.by_name = by_name
        self.full_only = full_only
        self.about = about
        self.shared = shared
        self.scratch = scratch
        self.may_cap = may_cap
        self.variants: dict[str, Variant] = {}
        self.hooks: dict[str, Hook] = {}
        self.doc = ""
        self._check_declared()

    def _check_declared(self) -> None:
        """ValueError for a declaration that nothing can read: it names what is wrong and what is known."""
        if self.measures is not None and self.measures not in KNOWN:
            close = difflib.get_close_matches(self.measures, KNOWN, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(KNOWN)}"
            raise ValueError(f"{self.name} measures '{self.measures}', which nothing reads; {hint}")
        if self.leading and self.leading not in COUNTS:
            raise ValueError(f"{self.name} leads with '{self.leading}'; known are {', '.join(COUNTS)}")
        for what, named in (("where", self.where), ("words", self.words), ("unnamed", self.unnamed)):
            if unknown := [axis for axis in named if axis not in self.axes and (what, axis) != ("where", "variant")]:
                raise ValueError(f"{self.name} has no axis '{unknown[0]}', which {what}= names")

    @property
    def info(self) -> BenchInfo:
        """What it declares, as a run file holds it."""
        return BenchInfo(
            self.question, self.baseline, self.limit, self.measures or "", self.where, self.leading,
            list(self.variants), {axis: self.words.get(axis, axis) for axis in self.axes if axis not in self.unnamed},
            list(self.answers),
        )  # fmt: skip

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of device that its variants run on: cpu, gpu, opencl."""
        return tuple(dict.fromkeys(variant.on for variant in self.variants.values()))

    @property
    def needs_gpu(self) -> bool:
        """Whether it says nothing without a GPU or OpenCL: it is about a GPU, or no variant runs on the CPU."""
        return self.about == "gpu" or "cpu" not in self.kinds

    @property
    def topic(self) -> str:
        """The part of the name before the dot."""
        return self.name.partition(".")[0]

    def variant(
        self,
        name: str,
        on: str = "cpu",
        needs: Callable[..., Reason | None] | None = None,
        inputs: Literal["device", "host"] = "device",
    ) -> Callable[[Builder], Builder]:
        """Register a builder `(inputs…, axes…) -> Work`; its docstring's first line says what the variant is."""

        def register(build: Builder) -> Builder:
            self.variants[name] = Variant(name, build, on, needs, inputs)
            return build

        return register

    def inputs(self, function: AnyHook) -> AnyHook:
        """Register what makes the host arrays all variants share, from a seeded generator `rng`."""
        return self._hook("inputs", function)

    def reference(self, function: AnyHook) -> AnyHook:
        """Register the answer that every variant must give; one for each if it has the parameter `variant`."""
        return self._hook("reference", function)

    def counts(self, function: CountsHook) -> CountsHook:
        """Register the work of one call, the same for all variants: some of `model.COUNTS`."""
        return self._hook("counts", function)

    def memory(self, function: MemoryHook) -> MemoryHook:
        """Register the bytes that one variant holds while measured; without it, `size` × `threads`."""
        return self._hook("memory", function)

    def finding(self, function: FindingHook) -> FindingHook:
        """Register what the bench's results say in plain words: `(results: Results) -> sentences`."""
        return self._hook("finding", function)

    def _hook(self, kind: str, function: AnyHook) -> AnyHook:
        self.hooks[kind] = function
        return function

    # --- what the engine asks -------------------------------------------------------------------------------------

    def lacks(self, variant: str, values: Values) -> Reason | None:
        """What the machine lacks for a variant at these axis values; None where it lacks nothing."""
        needs = self.variants[variant].needs
        return supply(needs, values) if needs else None

    def ask(self, kind: str, values: Values, inputs: Inputs = ()) -> Any:
        """What the function registered as `kind` returns for these axis values and inputs."""
        if kind not in self.hooks:
            raise TypeError(f"{self.name} has no @{kind}")
        return supply(self.hooks[kind], values, inputs)

    def names(self, kind: str) -> tuple[str, ...]:
        """The parameters of the function registered as `kind`; none where none is registered."""
        return tuple(inspect.signature(self.hooks[kind]).parameters) if kind in self.hooks else ()

    def build(self, variant: str, values: Values, inputs: Inputs = ()) -> Work:
        """The work of a variant; raises `Skip` where it cannot run."""
        work = supply(self.variants[variant].build, values, inputs)
        if not isinstance(work, Work):
            raise TypeError(f"{self.name}/{variant} built {type(work).__name__}, not Work")
        return work

    def make_inputs(self, values: Values) -> Inputs:
        """The host arrays of a contrast, always as a tuple."""
        if "inputs" not in self.hooks:
            return ()
        made = self.ask("inputs", values)
        return made if isinstance(made, tuple) else (made,)

    def count(self, values: Values, inputs: Inputs = ()) -> dict[str, float]:
        """The counts of one call; ValueError for a name that no metric knows."""
        counts = self.ask("counts", values, inputs) if "counts" in self.hooks else {}
        if unknown := set(counts) - set(COUNTS):
            raise ValueError(f"{self.name} counts {', '.join(sorted(unknown))}; known are {', '.join(COUNTS)}")
        for name, amount in counts.items():
            if not (math.isfinite(amount) and amount >= 0):
                raise ValueError(f"{self.name} counts {amount} {name}, which is no amount of work")
        return {name: float(amount) for name, amount in counts.items()}

    def grids(self, preset: str) -> list[dict[str, Axis | str]]:
        """The grids of a preset: for each axis its values, and under `variant` the variants it is for.

        `labels` has the axes as they are, without sweeps: what `hwbench check` chooses from.
        """
        base = self.axes | self.presets.get(preset, {})
        sweeps = () if preset in ("quick", "labels") else self.sweeps
        sweeps += self.full_sweeps if preset == "full" else ()
        every = tuple(self.variants)
        return [{"variant": every, **base}, *({"variant": every, **base, **sweep} for sweep in sweeps)]


def supply(function: Hook, values: Values, inputs: Inputs = ()) -> Any:
    """Call `function` with the `values` it names, and with `inputs`, in order, for its other parameters."""
    rest = iter(inputs)
    given = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name in values:
            given[name] = values[name]
        else:
            try:
                given[name] = next(rest)
            except StopIteration:
                if parameter.default is parameter.empty:
                    where = f"{function.__module__}.{function.__qualname__}"
                    raise TypeError(f"{where} asks for '{name}', which is no axis and no input of its bench") from None
    return function(**given)
