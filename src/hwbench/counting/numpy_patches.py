"""Stands in for the functions of NumPy's modules while a function is traced: they may make arrays from none."""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Protocol

import numpy as np

from . import numpy_costs as costs
from .inputs import Function, is_foreign
from .ledger import Ledger
from .numpy_tracer import call_function
from .recorder import RECORDER

_FUNCTIONS = (
    "function", "builtin_function_or_method", "_ArrayFunctionDispatcher", "method", "cython_function_or_method",
)  # fmt: skip
_FUNCTION_HOMES = ("numpy", "numpy.linalg", "numpy.fft", "numpy.random", "numpy.lib.stride_tricks")


class Grids(Protocol):
    """What `np.mgrid` and `np.ogrid` have in common."""

    def __getitem__(self, ranges: object, /) -> object: ...


class Grid:
    """`np.mgrid` and `np.ogrid`, whose arrays are traced."""

    def __init__(self, grid: Grids) -> None:
        self.grid = grid

    def __getitem__(self, ranges: object) -> object:
        return call_function("indices", self.grid.__getitem__, [ranges], {})


def wrapped(name: str, function: Function) -> Function:
    """A function of a module of arrays, recorded also where no argument is traced."""

    @functools.wraps(function)
    def call(*args: object, **kwargs: object) -> object:
        if not RECORDER.on or _others(args):
            return function(*args, **kwargs)
        return call_function(name, function, args, kwargs)

    return call


def _others(args: Sequence[object]) -> bool:
    """Whether arrays of another library are among arguments: they report themselves."""
    flat = [one for part in args for one in (part if isinstance(part, list | tuple) else (part,))]
    return any(is_foreign(one) and not isinstance(one, np.ndarray) for one in flat)


@functools.cache
def replacements() -> dict[str, dict[str, object]]:
    """For each of NumPy's modules the functions by name, wrapped."""
    found: dict[str, dict[str, object]] = {}
    for home in _FUNCTION_HOMES:
        module = importlib.import_module(home)
        prefix = home.removeprefix("numpy").removeprefix(".")
        prefix = f"{prefix}." if prefix in ("linalg", "fft", "random") else ""
        found[home] = {
            name: wrapped(prefix + name, function)
            for name in dir(module)
            if not name.startswith("_") and _is_function(function := getattr(module, name))
        }
    return found | {"numpy": found["numpy"] | {name: Grid(getattr(np, name)) for name in ("mgrid", "ogrid")}}


def _scipy() -> dict[str, dict[str, object]]:
    """The functions of SciPy that NumPy has too, where SciPy is loaded."""
    found: dict[str, dict[str, object]] = {}
    for home in ("scipy.fft", "scipy.linalg"):
        prefix = home.removeprefix("scipy.")
        names = [one.partition(".")[2] for one in costs.FUNCTIONS if one.startswith(f"{prefix}.")]
        if module := sys.modules.get(home):
            known = {one: getattr(module, one) for one in names if hasattr(module, one)}
            found[home] = {one: wrapped(f"{prefix}.{one}", function) for one, function in known.items()}
    return found


def _is_function(value: object) -> bool:
    return type(value).__name__ in _FUNCTIONS


@contextlib.contextmanager
def tracing(ledger: Ledger) -> Iterator[dict[int, object]]:
    """Record NumPy's calls into a ledger; gives the replacements by the identity of what they replace."""
    by_identity: dict[int, object] = {}
    undo: list[tuple[ModuleType, str, object]] = []
    RECORDER.start(ledger)
    try:
        for home, functions in {**replacements(), **_scipy()}.items():
            module = importlib.import_module(home)
            for name, replacement in functions.items():
                original = getattr(module, name)
                by_identity[id(original)] = replacement
                undo.append((module, name, original))
                setattr(module, name, replacement)
        yield by_identity
    finally:
        for module, name, original in undo:
            setattr(module, name, original)
        RECORDER.ledger = None
