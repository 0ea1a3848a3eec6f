"""What is compiled into a kernel from outside of its file: Numba's cache does not notice when that changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

PACKAGE = str(Path(__file__).parents[1])
# Their versions are in the key of the cache, or their functions are compiled by Numba's own code.
OTHERS = {"numpy", "numba", "llvmlite", "scipy", "math", "cmath", "operator", "builtins", "hwbench"}
CONSTANTS = (bool, int, float, complex, str, bytes, tuple, np.generic, np.dtype)


def digest(function: Callable[..., Any]) -> str:
    """A digest of the constants that a kernel names and of the files of the functions that it calls, and these call.

    "" for hwbench's own kernels: the name of the kernel cache stands for all files of hwbench.
    """
    if function.__code__.co_filename.startswith(PACKAGE):
        return ""
    return hashlib.sha256("\0".join(_parts(function, set())).encode("utf-8", "replace")).hexdigest()[:16]


def _parts(function: Callable[..., Any], seen: set[object]) -> Iterator[str]:
    if function in seen:
        return
    seen.add(function)
    names = sorted(set(_names(function.__code__)))
    for name in names:
        if name in function.__globals__:
            yield from _of_value(name, function.__globals__[name], names, seen)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _of_value(name: str, value: object, names: list[str], seen: set[object]) -> Iterator[str]:
    """What stands for a value: of a module the attributes that are named, of a function its file and what it names."""
    if isinstance(value, ModuleType):
        if not _known(value.__name__):
            for attribute in names:
                if attribute in vars(value) and not isinstance(vars(value)[attribute], ModuleType):
                    yield from _of_value(f"{name}.{attribute}", vars(value)[attribute], names, seen)
    elif isinstance(value, Dispatcher | FunctionType):
        python: Callable[..., Any] = getattr(value, "py_func", value)
        if not _known(python.__module__):
            yield f"{name} {_content(python.__code__.co_filename)}"
            yield from _parts(python, seen)
    elif isinstance(value, np.ndarray):
        yield f"{name} {value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    elif isinstance(value, CONSTANTS):
        yield f"{name} {value!r}"


def _known(module: str | None) -> bool:
    """Whether a module is one whose changes the key of the cache has; the files of hwbench's benches are not."""
    return (module or "").partition(".")[0] in OTHERS and not (module or "").startswith("hwbench.benches.")


def _content(file: str) -> str:
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError:
        return file  # a notebook's cell, whose name is of its text
