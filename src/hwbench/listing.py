"""`hwbench list`: the benches, and what of each this machine can run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from . import registry, runner
from .bench import Bench, Pages, Skip, Sweep, Threads
from .devices import Device
from .model import Scalar

if TYPE_CHECKING:
    from rich.console import Console


def entries(benches: Iterable[Bench]) -> list[dict[str, Any]]:
    """One entry a bench: question, variants, axes with their standard values, and why parts of it cannot run here."""
    device = runner.devices("cpu")["cpu"]
    return [
        {
            "name": bench.name, "version": bench.version, "question": bench.question, "baseline": bench.baseline,
            "limit": bench.limit,
            "axes": {axis: [_stated(value) for value in values] for axis, values in bench.axes.items()},
            "variants": [
                {"name": one.name, "on": one.on, "summary": one.summary, "missing": missing(bench, one.name, device)}
                for one in bench.variants.values()
            ],
        }
        for bench in benches
    ]  # fmt: skip


def missing(bench: Bench, variant: str, device: Device) -> dict[str, str]:
    """Which cases of a variant cannot run here, as `size=L3` or `*` against the reason; empty where all can."""
    if bench.variants[variant].on != device.kind:
        return {"*": f"runs on a {bench.variants[variant].on} only"}
    reasons: dict[str, str] = {}
    first = {axis: registry.plain(values[:1], device.spread)[0] for axis, values in bench.axes.items()}
    for axis, values in bench.axes.items():
        for value in registry.plain(values, device.spread):
            params: dict[str, Scalar] = {**first, axis: value}
            try:
                reason = bench.lacks(variant, {**device.resolve(params), "device": device})
            except Skip as skip:
                reason = str(skip)
            if reason:
                reasons[f"{axis}={value}"] = reason
    if reasons and len(reasons) == sum(len(registry.plain(v, device.spread)) for v in bench.axes.values()):
        return {"*": next(iter(reasons.values()))}
    return reasons


def _stated(value: Any) -> Scalar:
    if isinstance(value, Sweep):
        return f"{value.first} B … {value.last}, {value.points} an octave"
    if isinstance(value, Pages):
        return "huge, or 4K where there are none"
    return "1 … all" if isinstance(value, Threads) else value


def show(listed: Iterable[dict[str, Any]], console: Console) -> None:
    """Print the entries for people."""
    for entry in listed:
        console.print(f"[bold]{entry['name']}[/]  {entry['question']}", highlight=False)
        for axis, values in entry["axes"].items():
            console.print(f"    {axis}: {', '.join(str(value) for value in values)}", markup=False, highlight=False)
        for variant in entry["variants"]:
            mark = " (baseline)" if variant["name"] == entry["baseline"] else ""
            console.print(f"  - {variant['name']}{mark}: {variant['summary']}", markup=False, highlight=False)
            for where, reason in variant["missing"].items():
                console.print(
                    f"      not here{'' if where == '*' else f', {where}'}: {reason}", markup=False, highlight=False
                )
