"""Records the calls of arrays of other libraries that have NumPy's protocols, as CuPy's: by their addresses alone."""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from . import numpy_costs as costs
from .inputs import is_foreign
from .ledger import Buffer, key
from .memory import Array
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
_roots: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


class _Memory:
    """Memory by address, which is never looked at."""

    def __init__(self, address: int, size: int) -> None:
        self.__array_interface__ = {"data": (address, True), "shape": (size,), "typestr": "|u1", "version": 3}


def shadow(inner: Any) -> Array:
    """An array of NumPy with the address, shape and strides of another library's; its elements cannot be read."""
    with RECORDER.hushed():
        return _shadow(inner)


def _shadow(inner: Any) -> Array:
    root = inner
    while is_foreign(getattr(root, "base", None)):
        root = root.base
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


def _address(inner: Any) -> int:
    for name in ("__cuda_array_interface__", "__array_interface__"):
        found = getattr(inner, name, None)
        if found:
            return int(found["data"][0])
    return 0


class Foreign(NDArrayOperatorsMixin):
    """An array of another library whose calls are recorded; its results are traced, too."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.shadow = shadow(inner)

    @property
    def shape(self) -> tuple[int, ...]:
        """As NumPy's."""
        return self.shadow.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """As NumPy's."""
        return self.shadow.dtype

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Every ufunc, arithmetic operators included."""
        with RECORDER.hushed():
            result = getattr(ufunc, method)(*bare(inputs), **bare(kwargs))
        out = kwargs.get("out")
        given = out[0] if out and len(out) == 1 else foreign(result)
        _record(functools.partial(_ufunc, ufunc, method), inputs, kwargs, given)
        return given

    def __array_function__(self, func: Any, _types: Any, args: Any, kwargs: Any) -> Any:
        """Every function of NumPy."""
        return call(name_of(func), func, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if callable(found) and not name.startswith("__"):
            return lambda *args, **kwargs: call(name, found, (self, *args), kwargs, bound=True)
        return foreign(found)

    def __getitem__(self, index: Any) -> Any:
        result = foreign(self.inner[bare(index)])
        parts = index if isinstance(index, tuple) else (index,)
        picked = [_shadows(one) for one in parts if isinstance(one, Foreign | np.ndarray | list)]
        if picked and RECORDER.on and RECORDER.ledger is not None and isinstance(result, Foreign):
            with RECORDER.hushed():
                cost = Cost(extra=result.shadow.nbytes)
                RECORDER.ledger.call("getitem", arrays(picked), [result.shadow], cost)
        return result

    def __setitem__(self, index: Any, value: Any) -> None:
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

    def __iter__(self) -> Iterator[Any]:
        return (self[number] for number in range(len(self)))

    def __float__(self) -> float:
        return float(self.inner)

    def __int__(self) -> int:
        return int(self.inner)

    def __bool__(self) -> bool:
        return bool(self.inner)

    def __index__(self) -> int:
        return int(self.inner)


def foreign(value: Any) -> Any:
    """The same arrays, traced; in lists and tuples too."""
    if is_foreign(value) and not isinstance(value, Foreign | np.ndarray | np.generic):
        return Foreign(value)
    return type(value)(foreign(one) for one in value) if type(value) in (list, tuple) else value


def bare(value: Any) -> Any:
    """The library's own arrays."""
    if isinstance(value, Foreign):
        return value.inner
    if type(value) in (list, tuple):
        return type(value)(bare(one) for one in value)
    return {name: bare(one) for name, one in value.items()} if type(value) is dict else value


def _shadows(value: Any) -> Any:
    if isinstance(value, Foreign):
        return value.shadow
    if is_foreign(value) and not isinstance(value, np.ndarray | np.generic):
        return shadow(value)
    if type(value) in (list, tuple):
        return type(value)(_shadows(one) for one in value)
    return {name: _shadows(one) for name, one in value.items()} if type(value) is dict else value


def _record(
    how: Callable[..., Buffer | None], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any
) -> Buffer | None:
    if not RECORDER.on:
        return None
    with RECORDER.hushed():
        return how(list(_shadows(list(args))), _shadows(dict(kwargs)), _shadows(result))


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
    name: str, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], *, bound: bool = False
) -> Any:
    """Run a function or method of the library and record it by the name of NumPy's."""
    if not RECORDER.on:  # the library calls itself
        return function(*args[bound:], **kwargs)
    with RECORDER.hushed():
        result = function(*bare(tuple(args[bound:])), **bare(dict(kwargs)))
    given = foreign(result)
    ufunc = getattr(np, name, None)
    if isinstance(ufunc, np.ufunc):
        _record(functools.partial(_ufunc, ufunc, "__call__"), args, kwargs, given)
    else:
        _record(functools.partial(_function, name), args, kwargs, given)
    return given


def kernel(name: str, original: Any) -> Callable[..., Any]:
    """A compiled kernel: what it does is not known."""

    def launch(*args: Any, **kwargs: Any) -> Any:
        if RECORDER.ledger is not None:
            RECORDER.ledger.unseen(getattr(original, "name", name))
        return foreign(original(*bare(args), **bare(kwargs)))

    return launch


@contextlib.contextmanager
def libraries(values: Sequence[Any]) -> Iterator[None]:
    """Record the functions of the modules that these arrays come from."""
    undo: list[tuple[Any, str, Any]] = []
    try:
        for top in {type(one).__module__.partition(".")[0] for one in values}:
            for home in _HOMES:
                with contextlib.suppress(ImportError):
                    undo += _wrap(importlib.import_module(top + home) if home else sys.modules[top], home.strip("."))
        yield
    finally:
        for module, name, original in undo:
            setattr(module, name, original)


def _wrap(module: Any, prefix: str) -> list[tuple[Any, str, Any]]:
    undo = []
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
