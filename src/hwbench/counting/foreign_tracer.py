"""Records the calls of arrays of other libraries that have NumPy's protocols, as CuPy's: by their addresses alone."""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from . import numpy_costs as costs
from .inputs import ForeignArray, Function, is_foreign
from .ledger import Buffer, key
from .memory import Array, Dtype
from .numpy_costs import Cost, arrays
from .numpy_tracer import name_of, record_function, record_ufunc
from .recorder import RECORDER

# Reductions that run as one kernel, with flops an element.
_REDUCTIONS = {
    "sum": 1, "mean": 1, "prod": 1, "average": 1, "var": 4, "std": 4, "max": 0, "min": 0, "amax": 0, "amin": 0,
    "any": 0, "all": 0, "cumsum": 1, "cumprod": 1, "nansum": 1, "ptp": 0, "clip": 0, "round": 0,
}  # fmt: skip
KERNELS = ("RawKernel", "ElementwiseKernel", "ReductionKernel", "RawModule", "Function")
_HOMES = ("", ".linalg", ".fft", ".random")
_roots: weakref.WeakValueDictionary[int, Array] = weakref.WeakValueDictionary()


class _Memory:
    """Memory by address, which is never looked at."""

    def __init__(self, address: int, size: int) -> None:
        self.__array_interface__ = {"data": (address, True), "shape": (size,), "typestr": "|u1", "version": 3}


def shadow(inner: ForeignArray) -> Array:
    """An array of NumPy with the address, shape and strides of another library's; its elements cannot be read."""
    with RECORDER.hushed():
        return _shadow(inner)


def _shadow(inner: ForeignArray) -> Array:
    root = inner
    while is_foreign(base := getattr(root, "base", None)):
        root = base
    address, start = _address(inner), _address(root)
    if not address or not inner.size:
        return np.empty(inner.shape, inner.dtype)
    memory = _roots.get(start)
    if memory is None or memory.nbytes < root.nbytes:
        memory = np.asarray(_Memory(start, root.nbytes))
        _roots[start] = memory
    strides = getattr(inner, "strides", None)
    try:
        return np.ndarray(inner.shape, inner.dtype, memory, address - start, strides)
    except (ValueError, TypeError):  # its base is not what holds its elements
        return np.ndarray(inner.shape, inner.dtype, np.asarray(_Memory(address, inner.nbytes)))


def _address(inner: object) -> int:
    for name in ("__cuda_array_interface__", "__array_interface__"):
        found = getattr(inner, name, None)
        if found:
            return int(found["data"][0])
    return 0


class Foreign(NDArrayOperatorsMixin):
    """An array of another library whose calls are recorded; its results are traced, too."""

    def __init__(self, inner: ForeignArray) -> None:
        self.inner = inner
        self.shadow = shadow(inner)

    @property
    def shape(self) -> tuple[int, ...]:
        """As NumPy's."""
        return self.shadow.shape

    @property
    def dtype(self) -> Dtype:
        """As NumPy's."""
        return self.shadow.dtype

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **kwargs: Any) -> object:
        """Every ufunc, arithmetic operators included."""
        with RECORDER.hushed():
            result = getattr(ufunc, method)(*_bare_all(inputs), **_bare_named(kwargs))
        out = kwargs.get("out")
        given = out[0] if out and len(out) == 1 else foreign(result)
        _record(functools.partial(_ufunc, ufunc, method), inputs, kwargs, given)
        return given

    def __array_function__(
        self, func: Function, _types: object, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> object:
        """Every function of NumPy."""
        return call(name_of(func), func, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if callable(found) and not name.startswith("__"):
            return lambda *args, **kwargs: call(name, found, (self, *args), kwargs, bound=True)
        return foreign(found)

    def __getitem__(self, index: object) -> object:
        result = foreign(self.inner[bare(index)])
        parts = index if isinstance(index, tuple) else (index,)
        picked = [_shadows(one) for one in parts if isinstance(one, Foreign | np.ndarray | list)]
        if picked and RECORDER.on and RECORDER.ledger is not None and isinstance(result, Foreign):
            with RECORDER.hushed():
                cost = Cost(extra=result.shadow.nbytes)
                RECORDER.ledger.call("getitem", arrays(picked), [result.shadow], cost)
        return result

    def __setitem__(self, index: object, value: object) -> None:
        parts = index if isinstance(index, tuple) else (index,)
        picked = arrays([_shadows(one) for one in parts if isinstance(one, Foreign | np.ndarray | list)])
        target = None if picked else self.inner[bare(index)]
        into = [shadow(target)] if is_foreign(target) and not isinstance(target, np.generic) else []
        if into and isinstance(value, Foreign) and key(into[0]) == key(value.shadow):
            return  # `x[a:b] += y` has already written
        self.inner[bare(index)] = bare(value)
        if RECORDER.on and RECORDER.ledger is not None:
            size = max((one.size for one in picked), default=1)
            cost = Cost(kind="elementwise") if into else Cost(extra=size * self.shadow.itemsize)
            with RECORDER.hushed():
                RECORDER.ledger.call("setitem", [*picked, *arrays(_shadows(value))], into, cost)

    def __len__(self) -> int:
        return len(self.inner)

    def __iter__(self) -> Iterator[object]:
        return (self[number] for number in range(len(self)))

    def __float__(self) -> float:
        return float(self.inner)

    def __int__(self) -> int:
        return int(self.inner)

    def __bool__(self) -> bool:
        return bool(self.inner)

    def __index__(self) -> int:
        return int(self.inner)


def foreign(value: object) -> object:
    """The same arrays, traced; in lists and tuples too."""
    if is_foreign(value) and not isinstance(value, Foreign | np.ndarray | np.generic):
        return Foreign(value)
    return type(value)(map(foreign, value)) if isinstance(value, list | tuple) and _sequence(value) else value


def bare(value: object) -> object:
    """The library's own arrays."""
    if isinstance(value, Foreign):
        return value.inner
    if isinstance(value, list | tuple) and _sequence(value):
        return type(value)(map(bare, value))
    return _bare_named(value) if type(value) is dict else value


def _bare_all(values: Sequence[object]) -> list[object]:
    return [*map(bare, values)]


def _bare_named(values: Mapping[str, object]) -> dict[str, object]:
    return {name: bare(one) for name, one in values.items()}


def _sequence(value: object) -> bool:
    """Whether this is a list or a tuple, and none of a class of its own."""
    return type(value) in (list, tuple)


def _shadows(value: object) -> object:
    if isinstance(value, Foreign):
        return value.shadow
    if is_foreign(value) and not isinstance(value, np.ndarray | np.generic):
        return shadow(value)
    if isinstance(value, list | tuple) and _sequence(value):
        return type(value)(map(_shadows, value))
    return {name: _shadows(one) for name, one in value.items()} if type(value) is dict else value


def _record(
    how: Callable[..., Buffer | None], args: Sequence[object], kwargs: Mapping[str, object], result: object
) -> Buffer | None:
    if not RECORDER.on:
        return None
    with RECORDER.hushed():
        return how([*map(_shadows, args)], {name: _shadows(one) for name, one in kwargs.items()}, _shadows(result))


def _ufunc(ufunc: np.ufunc, method: str, raw: list[Any], options: dict[str, Any], result: Any) -> Buffer | None:
    ledger = RECORDER.ledger
    assert ledger is not None
    mask = options.pop("where", None)  # what it lets through cannot be seen
    if method == "at":
        ledger.unseen(f"{ufunc.__name__}.at")
        return None
    return record_ufunc(ufunc, method, [*raw, mask] if isinstance(mask, np.ndarray) else raw, options, result, ())


def _function(name: str, raw: list[Any], options: dict[str, Any], result: Any) -> Buffer | None:
    ledger = RECORDER.ledger
    assert ledger is not None
    if name in _REDUCTIONS and raw:
        flops = _REDUCTIONS[name] * raw[0].size * (raw[0].dtype.kind in "fc")
        return ledger.call(name, raw[:1], arrays(result), Cost(flops, kind="reduction"))
    if name in costs.COMPOSED:
        ledger.unseen(name)
    return record_function(ledger, name, raw, options, result)


def call(
    name: str, function: Function, args: Sequence[object], kwargs: Mapping[str, object], *, bound: bool = False
) -> object:
    """Run a function or method of the library and record it by the name of NumPy's."""
    if not RECORDER.on:  # the library calls itself
        return function(*args[bound:], **kwargs)
    with RECORDER.hushed():
        result = function(*_bare_all(args[bound:]), **_bare_named(kwargs))
    given = foreign(result)
    ufunc = getattr(np, name, None)
    if isinstance(ufunc, np.ufunc):
        _record(functools.partial(_ufunc, ufunc, "__call__"), args, kwargs, given)
    else:
        _record(functools.partial(_function, name), args, kwargs, given)
    return given


def kernel(name: str, original: Any) -> Function:
    """A compiled kernel: what it does is not known."""

    def launch(*args: object, **kwargs: object) -> object:
        if RECORDER.ledger is not None:
            RECORDER.ledger.unseen(getattr(original, "name", name))
        return foreign(original(*_bare_all(args), **_bare_named(kwargs)))

    return launch


@contextlib.contextmanager
def libraries(values: Sequence[object]) -> Iterator[None]:
    """Record the functions of the modules that these arrays come from."""
    undo: list[tuple[ModuleType, str, object]] = []
    try:
        for top in {type(one).__module__.partition(".")[0] for one in values}:
            for home in _HOMES:
                with contextlib.suppress(ImportError):
                    undo += _wrap(importlib.import_module(top + home) if home else sys.modules[top], home.strip("."))
        yield
    finally:
        for module, name, original in undo:
            setattr(module, name, original)


def _wrap(module: ModuleType, prefix: str) -> list[tuple[ModuleType, str, object]]:
    undo: list[tuple[ModuleType, str, object]] = []
    for name in [one for one in dir(module) if (not one.startswith("_") and hasattr(np, one)) or prefix]:
        original = getattr(module, name, None)
        if not callable(original) or isinstance(original, type):
            continue
        undo.append((module, name, original))
        called = f"{prefix}.{name}" if prefix else name
        setattr(
            module,
            name,
            lambda *args, _original=original, _called=called, **kwargs: call(_called, _original, args, kwargs),
        )
    return undo
