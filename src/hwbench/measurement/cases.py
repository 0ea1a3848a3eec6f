"""The cases of benches: axes expanded, narrowed by the command line, and grouped for interleaving."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..bench import Axis, Bench, Grid, Pages, Sweep, Threads
from ..catalog import nearest
from ..devices import AxisValue
from ..errors import UsageError
from ..record import text as words
from ..record import units
from ..record.model import LEVELS, Case, CaseKey, Scalar, key
from ..record.phrases import listed

COUNTED = ("threads", "chains", "stride", "streams")  # axes that take any whole number from 1 on
_SOME = 3  # names of benches in a message
WHOLE = re.compile("[1-9][0-9]{0,9}")

Spread: TypeAlias = Callable[[AxisValue], Sequence[Scalar]]
"""What a value that depends on the machine stands for here."""


@dataclass(frozen=True)
class Group:
    """Cases measured interleaved: the variants of a contrast, at all values of the bench's `together` axes."""

    bench: Bench
    cases: tuple[Case, ...]


def groups(
    chosen: Iterable[Bench],
    *,
    preset: str = "standard",
    params: Mapping[str, Sequence[str]] | None = None,
    variants: Sequence[str] = (),
    devices: Mapping[str, str],
    spread: Spread,
) -> list[Group]:
    """The cases of the chosen benches, in groups to be measured interleaved.

    `devices` maps a device's name to its kind (`gpu:0` to `gpu`). `params` narrows an axis to the values given, or sets
    it to values that the standard set lacks; a bench without the axis is left out. UsageError where nothing is left.
    """
    chosen = list(chosen)
    params = params or {}
    _refuse_unknown(chosen, params, variants)
    out: list[Group] = []
    for bench in chosen:
        if all(axis in bench.axes for axis in params):
            out += _grouped(bench, preset, params, variants, devices, spread)
    if not out:
        on = ", ".join(devices) or "no device"
        if len(params) > 1 and not any(all(axis in bench.axes for axis in params) for bench in chosen):
            raise UsageError(_apart(chosen, params))
        raise UsageError(
            f"nothing to measure on {on} with these variants and parameters; `hwbench list` shows what there is"
        )
    return out


def _apart(chosen: Sequence[Bench], axes: Iterable[str]) -> str:
    """No bench has all of these axes: which bench has which."""
    axes = list(axes)
    with_axis = {axis: [bench.name for bench in chosen if axis in bench.axes] for axis in axes}
    told = "; ".join(
        f"{axis}: {', '.join(names[:_SOME])}{f' and {len(names) - _SOME} more' * (len(names) > _SOME)}"
        for axis, names in with_axis.items()
    )
    which = "both axes" if len(axes) == 2 else "all axes"
    return f"no selected bench has {which} {listed(axes)} ({told}); measure them by a run each"


def _grouped(
    bench: Bench, preset: str, params: Mapping[str, Sequence[str]], variants: Sequence[str],
    devices: Mapping[str, str], spread: Spread,
) -> list[Group]:  # fmt: skip
    """The groups of one bench; a case that several of its grids have is there once."""
    found: dict[tuple[tuple[str, Scalar], ...], list[Case]] = {}
    taken: set[CaseKey] = set()
    for grid in bench.grids(preset):
        for case in _expand(bench, grid, params, variants, devices, spread):
            if key(case) in taken:
                continue
            taken.add(key(case))
            apart = tuple((axis, value) for axis, value in case.params.items() if axis not in bench.together)
            found.setdefault((*apart, ("device", _own_group(case.device, devices))), []).append(case)
    return [Group(bench, tuple(cases)) for cases in found.values()]


def _own_group(device: str, devices: Mapping[str, str]) -> str:
    """The device's name where it is an accelerator but not the first that is there; else "".

    A group has the telemetry of one GPU, and one answer for all of its cases: some depend on the accelerator.
    """
    first = next((name for name, kind in devices.items() if kind != "cpu" and ":" in name), device)
    return device if devices[device] != "cpu" and device != first else ""


def _expand(
    bench: Bench,
    grid: Grid,
    params: Mapping[str, Sequence[str]],
    variants: Sequence[str],
    devices: Mapping[str, str],
    spread: Spread,
) -> Iterable[Case]:
    """Every combination of a grid's axis values, in every variant, on every device of the variant's kind."""
    axes = {}
    for axis in bench.axes:
        values = plain_values(grid[axis], spread)
        axes[axis] = [_value(bench, axis, text) for text in params[axis]] if axis in params else values
        if axis in bench.unnamed and len(axes[axis]) > 1:
            raise UsageError(f"{axis}: a run takes one; measure {listed(map(str, axes[axis]))} by a run each")
    stated = grid["variant"] if isinstance(grid["variant"], tuple) else (grid["variant"],)
    wanted = [str(name) for name in stated if not variants or name in variants]
    for combination in itertools.product(*axes.values()):
        values_of = dict(zip(axes, combination, strict=True))
        unnamed = {axis: value for axis, value in values_of.items() if axis in bench.unnamed}
        named = {axis: value for axis, value in values_of.items() if axis not in bench.unnamed}
        for name in wanted:
            for device, kind in devices.items():
                if bench.variants[name].on == kind:
                    yield Case(bench.name, name, device, named, unnamed)


def plain_values(values: Axis | str, spread: Spread) -> list[Scalar]:
    """Axis values with those that depend on the machine spread out, each once."""
    out: list[Scalar] = []
    for value in values if isinstance(values, tuple) else (values,):
        out += spread(value) if isinstance(value, Pages | Sweep | Threads) else [value]
    return list(dict.fromkeys(out))


def _value(bench: Bench, axis: str, text: str) -> Scalar:
    """A value from the command line: as the bench states it, else a whole number as `int`, else text."""
    stated = {str(value): value for value in _stated(bench, axis)}
    if text in stated:
        return stated[text]
    if axis in bench.free:
        try:
            return bench.free[axis](text)
        except ValueError as error:
            raise UsageError(f"{axis}: {error}") from None
    if axis == "size":
        if text not in LEVELS:
            try:
                number = units.parse(text)
            except units.NoQuantityError as error:
                raise UsageError(f"size: {error}, nor one of {', '.join(LEVELS)}") from None
            except ValueError as error:
                remedy = f"name a quantity such as 24KiB, or one of {', '.join(LEVELS)}"
                raise UsageError(f"size: {error}; {remedy}") from None
            if number < 1:
                raise UsageError(f"size: '{text}' is not at least 1 byte")
            return units.exact(number)  # 4096 and 4KiB are one case
        return text
    try:
        number = units.parse(text)
    except ValueError as error:
        if axis == "n":
            raise UsageError(f"n: {error}") from None
        return text
    if axis == "n" and number < 1:
        raise UsageError(f"n: '{text}' is not at least 1")
    return number


def _refuse_unknown(chosen: Sequence[Bench], params: Mapping[str, Sequence[str]], variants: Sequence[str]) -> None:
    """UsageError with the nearest names for an axis, a value or a variant that no chosen bench has."""
    axes = dict.fromkeys(axis for bench in chosen for axis in bench.axes)
    for axis, given in params.items():
        if axis not in axes:
            raise UsageError(f"no selected bench has an axis '{axis}'{nearest(axis, axes)}")
        if axis == "size":
            _refuse_small(chosen, given)
        if axis in ("size", "n") or any(axis in bench.free for bench in chosen):
            continue  # any quantity, or what the bench parses itself: `_value` refuses the rest
        known = dict.fromkeys(str(value) for bench in chosen for value in _stated(bench, axis))
        for text in given:
            if text not in known and not (axis in COUNTED and WHOLE.fullmatch(text)):
                raise UsageError(f"axis '{axis}' has no value '{text}'{nearest(text, known)}")
    names = dict.fromkeys(name for bench in chosen for name in bench.variants)
    for name in variants:
        if name not in names:
            raise UsageError(f"no selected bench has a variant '{name}'{nearest(name, names)}")


def _refuse_small(chosen: Sequence[Bench], sizes: Iterable[str]) -> None:
    """UsageError for a size that no chosen bench can be measured with; what is no size, `_value` refuses."""
    least = min(bench.least for bench in chosen if "size" in bench.axes)
    for size in sizes:
        try:
            number = units.parse(size)
        except ValueError:
            continue
        if 1 <= number < least:
            raise UsageError(f"size: '{size}' is too small; give {words.size(least)} at least")


def _stated(bench: Bench, axis: str) -> Iterable[Scalar]:
    """Every value that a bench names for an axis in any preset or sweep."""
    if axis not in bench.axes:
        return
    sources: tuple[Grid, ...] = (bench.axes, *bench.presets.values(), *bench.sweeps)
    for source in sources:
        values = source.get(axis, ())
        for value in values if isinstance(values, tuple) else (values,):
            if isinstance(value, Threads):
                yield from (1, "all")
            elif isinstance(value, Pages):
                yield from ("4K", "huge")
            elif not isinstance(value, Sweep):
                yield value
