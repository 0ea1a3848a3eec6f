"""The benches with their variants, their axes, and what this machine cannot run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

from ..bench import Bench, Pages, Skip, Sweep, Threads
from ..devices import AxisValue, Device, selection
from ..devices.absent import AbsentGpu
from ..measurement import cases
from ..record.model import Scalar

if TYPE_CHECKING:
    from rich.console import Console


class VariantEntry(TypedDict):
    """A variant: the kind of device it runs on, and which of its cases cannot run here with the reason."""

    name: str
    on: str
    summary: str
    missing: dict[str, str]


class Entry(TypedDict):
    """A bench as `hwbench list --json` has it."""

    name: str
    version: int
    question: str
    baseline: str
    limit: str | None
    axes: dict[str, list[Scalar]]
    variants: list[VariantEntry]


def entries(benches: Iterable[Bench]) -> list[Entry]:
    """One entry a bench: question, variants, axes with their standard values, and why parts of it cannot run here."""
    benches = list(benches)
    known = selection.devices(selection.needed("all", benches), measuring=False)
    return [
        {
            "name": bench.name, "version": bench.version, "question": bench.question, "baseline": bench.baseline,
            "limit": bench.limit,
            "axes": {axis: [_stated(value) for value in values] for axis, values in bench.axes.items()},
            "variants": [
                {"name": one.name, "on": one.on, "summary": one.summary,
                 "missing": missing(bench, one.name, _first(known, one.on), selection.spread(known))}
                for one in bench.variants.values()
            ],
        }
        for bench in benches
    ]  # fmt: skip


def _first(known: Mapping[str, Device], kind: str) -> Device | None:
    """The first device of a kind: several are taken to be alike."""
    return next((device for device in known.values() if device.kind == kind), None)


def missing(
    bench: Bench, variant: str, device: Device | None, spread: Callable[[AxisValue], Sequence[Scalar]]
) -> dict[str, str]:
    """Which cases of a variant cannot run here, as `size=L3` or `*` against the reason; empty where all can."""
    if device is None:
        on = bench.variants[variant].on
        return {"*": "needs an OpenCL device (hwbench machine)" if on == "opencl" else f"runs on a {on} only"}
    if isinstance(device, AbsentGpu):
        return {"*": str(device.why)}
    reasons: dict[str, str] = {}
    plain = {axis: cases.plain_values(values, spread) for axis, values in bench.axes.items()}
    first = {axis: values[0] for axis, values in plain.items()}
    for axis, values in plain.items():
        for value in values:
            params: dict[str, Scalar] = {**first, axis: value}
            try:
                reason = bench.lacks(variant, {**device.resolve(params), "device": device})
            except Skip as skip:
                reason = skip.reason
            if reason:
                reasons[f"{axis}={value}"] = str(reason)
    if reasons and len(reasons) == sum(map(len, plain.values())):
        return {"*": next(iter(reasons.values()))}
    return reasons


def _stated(value: Scalar | AxisValue) -> Scalar:
    if isinstance(value, Sweep):
        return f"{value.first} B … {value.last}, {value.points} an octave"
    if isinstance(value, Pages):
        return "huge, or 4K where there are none"
    return "1 … all" if isinstance(value, Threads) else value


def print_entries(listed: Iterable[Entry], console: Console) -> None:
    """Print the entries for people; why there is no GPU is said once, at the end."""
    no_gpu: dict[str, int] = {}
    for entry in listed:
        console.print(f"[bold]{entry['name']}[/]  {entry['question']}", highlight=False)
        for axis, values in entry["axes"].items():
            console.print(f"    {axis}: {', '.join(str(value) for value in values)}", markup=False, highlight=False)
        for variant in entry["variants"]:
            mark = " (baseline)" if variant["name"] == entry["baseline"] else ""
            console.print(f"  - {variant['name']}{mark}: {variant['summary']}", markup=False, highlight=False)
            for where, reason in variant["missing"].items():
                if where == "*" and variant["on"] == "gpu":
                    no_gpu[reason] = no_gpu.get(reason, 0) + 1
                    console.print("      not here: needs a GPU", markup=False, highlight=False)
                    continue
                console.print(
                    f"      not here{'' if where == '*' else f', {where}'}: {reason}", markup=False, highlight=False
                )
    for reason, count in no_gpu.items():
        variants = "1 variant cannot" if count == 1 else f"{count} variants cannot"
        console.print(f"\nGPU: {variants} run here: {reason}.", markup=False, highlight=False, soft_wrap=True)
