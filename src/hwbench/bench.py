"""How a bench is written: one question, its axes, its reference answer, its counts and its variants.

A bench is data and plain functions. Each function names what it wants, and is given it: an axis of the bench by its
name (`size` in bytes and `threads` as a number, `dtype` as `numpy.dtype`), `device`, `rng`, and for every other
parameter, in order, what `inputs` returned.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from .record.model import COUNTS, Scalar

F = TypeVar("F", bound=Callable[..., Any])


class Skip(Exception):  # noqa: N818 - it is no error: a builder raises it to say why a case cannot be had here
    """A case that cannot be measured here, and why: `Skip("needs SMT")`."""


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


@dataclass(frozen=True)
class Work:
    """What a variant's builder returns: the callable to time and how to fetch its output.

    call
        Does the work of one call, and only that: no allocation, no branching, no synchronising beyond what is asked.
    output
        Fetches what the last call computed, for the check; None: it is what `call` returned.
    repeat
        Does the work n times inside compiled code, for calls that are short against a Python call.
    timer
        Seconds that n calls took, for work that only knows its own time: threads of a crew, events of a GPU.
    facts
        What is true of the case beside its time: resolved footprint, page size, any outcome that is not a time. Read
        when the work is built and again after the last sample, for what is only known then.
    close
        Frees what the builder took, after the last sample.
    most
        The most calls that one sample may have, where each is prepared on its own (a cache flushed); None: any number.
    """

    call: Callable[[], Any]
    output: Callable[[], Any] | None = None
    repeat: Callable[[int], Any] | None = None
    timer: Callable[[int], float] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    close: Callable[[], None] | None = None
    most: int | None = None


@dataclass(frozen=True)
class Variant:
    """One way to do a bench's work.

    `on` is the kind of device, cpu or gpu, and `inputs` where its builder gets the inputs: on that device, or as the
    host arrays they were made as. `needs` says in words what a machine lacks for it, or "" where it can be had; it is
    asked before anything is built.
    """

    name: str
    build: Callable[..., Work]
    on: str = "cpu"
    needs: Callable[..., str] | None = None
    inputs: Literal["device", "host"] = "device"

    @property
    def summary(self) -> str:
        """The first line of the builder's docstring."""
        return (inspect.getdoc(self.build) or "").partition("\n")[0]


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
    version
        To be raised with every change of what is timed; results of unlike versions are never compared.
    sweeps
        Further grids of the standard set: each overrides some axes, and may name the variants (`variant`) it is for.
    quick, standard, full
        What the presets of these names put in place of some axes, or as `variant` for which variants. `quick` leaves
        the sweeps out.
    together
        Axes whose values are measured interleaved too, as one contrast is (`threads` where a speed-up is asked for).
    tolerance
        Relative error allowed against the reference, where the default (by dtype and operation count) does not fit.
    free
        Axes for which `--param` may give values that no grid states: each with the function that makes the value of a
        text, or raises ValueError with one line on what is wrong with it.
    about
        The kind of device without which the question has no answer, if any: where it is missing, the standard set
        leaves out what other devices would do beside it.
    core
        Part of the quick set, which has half a minute for the whole machine. A bench that is not is measured by
        `--preset quick` only when it is selected.
    shared
        All cases of a contrast work on the one memory that `inputs` makes, so that it is counted once.
    """

    def __init__(
        self,
        name: str,
        *,
        question: str,
        axes: Mapping[str, tuple[Any, ...]],
        baseline: str,
        limit: str | None = None,
        version: int = 1,
        sweeps: tuple[Mapping[str, Any], ...] = (),
        quick: Mapping[str, tuple[Any, ...]] | None = None,
        standard: Mapping[str, tuple[Any, ...]] | None = None,
        full: Mapping[str, tuple[Any, ...]] | None = None,
        together: tuple[str, ...] = (),
        tolerance: float | None = None,
        free: Mapping[str, Callable[[str], Scalar]] | None = None,
        core: bool = True,
        about: str = "",
        shared: bool = False,
    ) -> None:
        self.name = name
        self.question = question
        self.axes = dict(axes)
        self.baseline = baseline
        self.limit = limit
        self.version = version
        self.sweeps = sweeps
        self.presets = {"quick": dict(quick or {}), "standard": dict(standard or {}), "full": dict(full or {})}
        self.together = together
        self.tolerance = tolerance
        self.free = dict(free or {})
        self.core = core
        self.about = about
        self.shared = shared
        self.variants: dict[str, Variant] = {}
        self.hooks: dict[str, Callable[..., Any]] = {}
        self.doc = ""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of device that its variants run on: cpu, gpu or both."""
        return tuple(dict.fromkeys(variant.on for variant in self.variants.values()))

    @property
    def topic(self) -> str:
        """The part of the name before the dot."""
        return self.name.partition(".")[0]

    def variant(
        self,
        name: str,
        on: str = "cpu",
        needs: Callable[..., str] | None = None,
        inputs: Literal["device", "host"] = "device",
    ) -> Callable[[F], F]:
        """Register a builder `(inputs…, axes…) -> Work`; its docstring's first line says what the variant is."""

        def register(build: F) -> F:
            self.variants[name] = Variant(name, build, on, needs, inputs)
            return build

        return register

    def inputs(self, function: F) -> F:
        """Register what makes the host arrays all variants share, from a seeded generator `rng`."""
        return self._hook("inputs", function)

    def reference(self, function: F) -> F:
        """Register the answer that every variant must give; one for each if it asks which `variant` it is for."""
        return self._hook("reference", function)

    def counts(self, function: F) -> F:
        """Register the work of one call, the same for all variants: some of what `model.COUNTS` names."""
        return self._hook("counts", function)

    def memory(self, function: F) -> F:
        """Register the bytes that one variant keeps while measured; `size` × `threads` where none is registered."""
        return self._hook("memory", function)

    def finding(self, function: F) -> F:
        """Register what the bench's records say in plain words: `(records) -> list of sentences`."""
        return self._hook("finding", function)

    def _hook(self, kind: str, function: F) -> F:
        self.hooks[kind] = function
        return function

    # --- what the engine asks -------------------------------------------------------------------------------------

    def lacks(self, variant: str, values: Mapping[str, Any]) -> str:
        """What the machine lacks for a variant at these axis values; "" where it can be had."""
        needs = self.variants[variant].needs
        return supply(needs, values) if needs else ""

    def ask(self, kind: str, values: Mapping[str, Any], inputs: tuple[Any, ...] = ()) -> Any:
        """What the function registered as `kind` says for these axis values and inputs."""
        if kind not in self.hooks:
            raise TypeError(f"{self.name} has no @{kind}")
        return supply(self.hooks[kind], values, inputs)

    def names(self, kind: str) -> tuple[str, ...]:
        """The parameters that the function registered as `kind` asks for; none where none is registered."""
        return tuple(inspect.signature(self.hooks[kind]).parameters) if kind in self.hooks else ()

    def build(self, variant: str, values: Mapping[str, Any], inputs: tuple[Any, ...] = ()) -> Work:
        """The work of a variant; raises `Skip` where it cannot be had."""
        work = supply(self.variants[variant].build, values, inputs)
        if not isinstance(work, Work):
            raise TypeError(f"{self.name}/{variant} built {type(work).__name__}, not Work")
        return work

    def make_inputs(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The host arrays of a contrast, always as a tuple."""
        if "inputs" not in self.hooks:
            return ()
        made = self.ask("inputs", values)
        return made if isinstance(made, tuple) else (made,)

    def count(self, values: Mapping[str, Any], inputs: tuple[Any, ...] = ()) -> dict[str, float]:
        """The counts of one call; ValueError for a name that no metric knows."""
        counts = self.ask("counts", values, inputs) if "counts" in self.hooks else {}
        if unknown := set(counts) - set(COUNTS):
            raise ValueError(f"{self.name} counts {', '.join(sorted(unknown))}; known are {', '.join(COUNTS)}")
        for name, amount in counts.items():
            if not (math.isfinite(amount) and amount >= 0):
                raise ValueError(f"{self.name} counts {amount} {name}, which is no amount of work")
        return {name: float(amount) for name, amount in counts.items()}

    def grids(self, preset: str) -> list[dict[str, Any]]:
        """The grids of a preset: for each axis its values, and under `variant` the variants it is for."""
        base = self.axes | self.presets[preset]
        sweeps = () if preset == "quick" else self.sweeps
        every = tuple(self.variants)
        return [{"variant": every, **base}, *({"variant": every, **base, **sweep} for sweep in sweeps)]


def supply(function: Callable[..., Any], values: Mapping[str, Any], inputs: Iterable[Any] = ()) -> Any:
    """Call `function` with the `values` it names, and with `inputs`, in order, for its other parameters."""
    rest = iter(inputs)
    given: dict[str, Any] = {}
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
