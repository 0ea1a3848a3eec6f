"""Runs NumPy code on arrays that report each call: ufuncs, functions, methods, indexing, arithmetic of numbers."""

from __future__ import annotations

import functools
import math
import operator
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from . import numpy_costs as costs
from .inputs import Function
from .ledger import Buffer, Ledger, key
from .memory import Array
from .numpy_costs import COMPOSED, Cost, arrays
from .recorder import RECORDER, unwatched

T = TypeVar("T")

# Functions that write some elements of their first argument, and how many.
_SOME: dict[str, Callable[[Array, npt.ArrayLike], int]] = {
    "put": lambda _a, places: np.size(places), "put_along_axis": lambda _a, places: np.size(places),
    "putmask": lambda _a, mask: int(np.sum(mask)), "place": lambda _a, mask: int(np.sum(mask)),
    "fill_diagonal": lambda a, _value: min(a.shape),
}  # fmt: skip


_PLAIN = (int, float, np.ndarray, bool, type(None))


def plain(value: Any) -> Any:
    """The arrays and numbers behind traced ones, in lists, tuples and dictionaries too."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Traced):
        return value.view(np.ndarray)
    if isinstance(value, Number):
        return value.plain()
    if type(value) in (list, tuple):
        return type(value)(plain(one) for one in value)
    if type(value) is dict:
        return {name: plain(one) for name, one in value.items()}
    if type(value) is slice:
        return slice(plain(value.start), plain(value.stop), plain(value.step))
    return value


def traced(value: Any) -> Any:
    """The same arrays and numbers, traced; in lists and tuples too, named ones included."""
    if (number := _NUMBERS.get(type(value))) is not None:
        return number(value)
    if type(value) is np.ndarray and value.dtype.kind in "biufcmMSUV":
        return value.view(Traced)
    if type(value) in (list, tuple):
        return type(value)(traced(one) for one in value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(traced(one) for one in value))
    if isinstance(value, np.random.Generator | np.random.RandomState):
        return Randoms(value)
    return value


@unwatched
def call_ufunc(
    ufunc: np.ufunc, method: str, inputs: Sequence[object], out: object, kwargs: Mapping[str, object]
) -> object:
    """Run a ufunc's method on plain arrays and record it."""
    raw = [plain(one) for one in inputs]
    options = {name: plain(one) for name, one in kwargs.items()}
    targets = tuple(plain(one) for one in (out if isinstance(out, tuple) else (out,))) if out is not None else ()
    if targets:
        options["out"] = targets if method == "__call__" else targets[0]
    made, on = None, RECORDER.on
    with RECORDER.hushed():
        result = getattr(ufunc, method)(*raw, **options)
        if on:
            numbers = [one.source for one in inputs if isinstance(one, Number) and one.source is not None]
            made = record_ufunc(ufunc, method, raw, options, result, numbers)
    if method == "at":
        return None
    if targets:
        given = out if isinstance(out, tuple) else (out,)
        return given[0] if len(given) == 1 and not isinstance(result, tuple) else tuple(
            one if one is not None else traced(part) for one, part in zip(given, result, strict=True)
        )  # fmt: skip
    return _from(traced(result), made)


def _from(value: T, source: Buffer | None) -> T:
    """Say where a single number comes from: what uses it must wait for that call."""
    if isinstance(value, Number):
        value.source = source
    return value


def record_ufunc(
    ufunc: np.ufunc, method: str, raw: list[Any], options: dict[str, Any], result: Any, numbers: Sequence[Buffer]
) -> Buffer | None:
    """Record a ufunc's method by its plain operands and results."""
    ledger = RECORDER.ledger
    assert ledger is not None
    name = ufunc.__name__
    inputs = [one for one in raw if isinstance(one, np.ndarray)]
    given = result if isinstance(result, tuple) else (result,)
    results = [one for one in given if isinstance(one, np.ndarray | np.generic)]
    dtypes = [one.dtype for one in (*raw, *results) if isinstance(one, np.ndarray | np.generic)]
    flops = costs.element(name, dtypes)
    if name not in costs.KNOWN_UFUNCS and ufunc is not getattr(sys.modules.get("scipy.special"), name, None):
        ledger.unseen(name)
    if method == "at":
        target, index, *rest = raw
        picked = np.empty(np.shape(target[index]), target.dtype) if isinstance(target, np.ndarray) else np.empty(())
        extra = 2 * picked.nbytes
        sources = [*arrays(index if isinstance(index, tuple) else [index]), *arrays(list(rest))]
        ledger.call(f"{name}.at", sources, [], Cost(flops * picked.size, extra=extra))
        ledger.pick_marks(target, index)
        return None
    outs = [one for one in results if isinstance(one, np.ndarray)]
    mask = options.get("where", True)
    if isinstance(mask, np.ndarray):
        inputs.append(mask)
    if ufunc.signature is not None:
        product = name in ("matmul", "vecdot", "matvec", "vecmat")
        cost = costs.matmul(raw[0], raw[1], results[0]) if product else Cost(0, math.inf)
    elif method == "__call__" or method == "outer":
        size = max((one.size for one in results), default=0)
        if isinstance(mask, np.ndarray):
            size = int(np.broadcast_to(mask, results[0].shape).sum())
        cost = Cost(flops * size, kind="elementwise")
    elif method == "reduce":
        size = raw[0].size if not isinstance(mask, np.ndarray) else int(np.broadcast_to(mask, raw[0].shape).sum())
        saved = 0 if options.get("initial") is not None else results[0].size if results else 1
        cost = Cost(flops * max(size - saved, 0), kind="reduction")
    elif method == "reduceat":
        cost = Cost(flops * max(raw[0].size - results[0].size, 0), kind="reduction")
    else:  # accumulate: one less for each row
        axis = options.get("axis", raw[1] if len(raw) > 1 and raw[1] is not None else 0)
        cost = Cost(flops * max(raw[0].size - raw[0].size // max(raw[0].shape[axis], 1), 0))
    return ledger.call(name if method == "__call__" else f"{name}.{method}", inputs, outs, cost, numbers)


@unwatched
def call_function(name: str, function: Function, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
    """Run one of NumPy's functions and record it, or what it is made of."""
    ledger = RECORDER.ledger
    if ledger is None or not RECORDER.on:
        with RECORDER.hushed():
            return function(*plain(list(args)), **plain(dict(kwargs)))
    if name in COMPOSED:
        before = ledger.calls
        result = getattr(function, "_implementation", function)(*traced(list(args)), **kwargs)  # not by the protocol
        if ledger.calls == before and arrays(plain([*args, result])):
            ledger.unseen(f"numpy.{name}")
        elif new := [one for one in arrays(plain(result)) if not ledger.knows(one)]:
            ledger.call(name, [], new, Cost())  # put together from what the calls gave
        return traced(result)
    raw, options = plain(list(args)), plain(dict(kwargs))
    with RECORDER.hushed():
        result = function(*raw, **options)
        target = next((number for number, one in enumerate(raw) if number and one is result), None)
        if target is not None:  # `out` by its place
            options["out"] = raw.pop(target)
        made = record_function(ledger, name, raw, options, result)
    if target is not None:
        return args[target]
    if options.get("out") is not None:
        return kwargs["out"]
    # What came back as it went in stays the same object, as `np.asarray(x) is x`.
    passed = [one for one in args if isinstance(one, Traced)] if isinstance(result, np.ndarray) else []
    same = [one for one in passed if key(one) == key(result)]
    return same[0] if same else _from(traced(result), made)


def record_function(ledger: Ledger, name: str, raw: list[Any], options: dict[str, Any], result: Any) -> Buffer | None:
    """Record a function by its plain arguments and results."""
    target = arrays(options.get("out"))
    inputs, outputs = arrays([raw, {key: one for key, one in options.items() if key != "out"}]), arrays(result)
    price = costs.FUNCTIONS.get(name)
    if price is None:
        if not name.startswith("random.") and (inputs or outputs):
            ledger.unseen(f"numpy.{name}")
        price = costs.FUNCTIONS["copy"]
    cost = price(raw, options, result)
    if cost.kind == "view":
        return None
    new = [one for one in outputs if not any(_same_memory(one, other) for other in inputs)]
    written = target or new
    if name in ("copyto", "fill"):
        written, inputs = inputs[:1], inputs[1:]
    elif name in _SOME:
        written, inputs, cost = [], inputs[1:], Cost(extra=_SOME[name](*raw[:2]) * raw[0].itemsize)
    elif outputs and not written and not cost.flops:
        return None  # a view
    return ledger.call(name, cost.reads if cost.reads is not None else inputs, written, cost)


def _same_memory(one: Array, other: Array) -> bool:
    return one is other or (one.base is not None and np.may_share_memory(one, other))


class Traced(np.ndarray):
    """An array whose calls are recorded; its results are traced, too."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        """Every ufunc, arithmetic operators included."""
        return call_ufunc(ufunc, method, inputs, out, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Every function that looks at the types of its arguments."""
        return call_function(name_of(func), func, args, kwargs)

    @unwatched
    def __getitem__(self, index: Any) -> Any:
        """A view costs nothing; elements that are picked by numbers or a mask are read and written."""
        raw, mine = plain(index), self.view(np.ndarray)
        result = mine[raw]
        if RECORDER.on and RECORDER.ledger is not None:
            if not isinstance(result, np.ndarray):
                if result.dtype.names is None:
                    RECORDER.ledger.element(mine, raw, write=False)
            elif _picks(raw):
                RECORDER.ledger.pick("getitem", mine, raw, result)
        return traced(result)

    @unwatched
    def __setitem__(self, index: Any, value: Any) -> None:
        """Writes the elements and reads the value; `x[a:b] += y` has already written."""
        raw, mine, given = plain(index), self.view(np.ndarray), plain(value)
        if not RECORDER.on or RECORDER.ledger is None:
            mine[raw] = given
            return
        source = given if isinstance(given, np.ndarray) else None
        if _picks(raw):
            mine[raw] = given
            RECORDER.ledger.pick("setitem", mine, raw, mine[raw], write=True, value=source)
            return
        target = mine[raw]
        if not isinstance(target, np.ndarray):
            mine[raw] = given
            RECORDER.ledger.element(mine, raw, write=True)
            return
        if source is not None and key(source) == key(target):
            return  # NumPy skips the copy of an array onto itself
        mine[raw] = given
        RECORDER.ledger.call("setitem", [] if source is None else [source], [target], Cost(kind="elementwise"))

    def __iter__(self) -> Iterator[Any]:
        """Row by row."""
        return (self[number] for number in range(len(self)))

    @property
    def ctypes(self) -> Any:
        """The address, which code in C works with."""
        if RECORDER.on and RECORDER.ledger is not None:
            RECORDER.ledger.unseen("what is done by way of .ctypes")
        return self.view(np.ndarray).ctypes

    def __reduce__(self) -> Any:
        return self.view(np.ndarray).__reduce__()

    def __deepcopy__(self, _memo: object) -> Self:
        return self.copy()


def _picks(index: object) -> bool:
    """Whether an index copies: it holds an array, a list or a mask."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(one, np.ndarray | list | bool | np.bool_) for one in parts)


def _method(name: str) -> Function:
    """A method that NumPy runs in C, without a ufunc: recorded as the function of its name."""
    original = getattr(np.ndarray, name)

    def method(self: Traced, *args: object, **kwargs: object) -> object:
        called = "dot" if name == "__matmul__" else name.strip("_")
        return call_function(called, original, (self, *args), kwargs)

    return functools.wraps(original)(method)


for _each in (
    "argmax", "argmin", "argsort", "argpartition", "astype", "byteswap", "choose", "compress", "copy", "diagonal",
    "dot", "fill", "flatten", "nonzero", "put", "ravel", "repeat", "reshape", "searchsorted", "take", "tobytes",
    "trace", "tolist",
):  # fmt: skip
    setattr(Traced, _each, _method(_each))


def _in_place_sort(name: str) -> Callable[..., None]:
    """`x.sort()` and `x.partition()` read and write x."""

    def method(self: Traced, *args: object, **kwargs: object) -> None:
        mine = self.view(np.ndarray)
        with RECORDER.hushed():
            getattr(mine, name)(*plain(args), **plain(kwargs))
        if RECORDER.on and RECORDER.ledger is not None:
            RECORDER.ledger.call(name, [mine], [mine], costs.FUNCTIONS[name]([mine], {}, mine))

    return method


setattr(Traced, "sort", _in_place_sort("sort"))  # noqa: B010
setattr(Traced, "partition", _in_place_sort("partition"))  # noqa: B010


# --- single numbers


class Number:
    """What the traced numbers share: arithmetic counts a flop."""

    source: Buffer | None = None  # the call that the number comes from

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: object, out: object = None, **kwargs: object
    ) -> object:
        """`np.sqrt` of a number."""
        return call_ufunc(ufunc, method, inputs, out, kwargs)

    def plain(self) -> np.generic:
        """NumPy's own number."""
        number: np.generic = _NUMPY[type(self)](self)
        return number

    def __reduce__(self) -> Any:
        return self.plain().__reduce__()

    def __deepcopy__(self, _memo: object) -> Self:
        return self


def _arithmetic(name: str, flops: int) -> Function:
    """An operator of a number: one flop where the result is a floating number."""
    swapped = name.startswith("r")
    operation = getattr(operator, name[1:] if swapped else name)

    @unwatched
    def method(self: Number, other: object = None) -> object:
        if isinstance(other, np.ndarray):
            return NotImplemented
        mine, given = self.plain(), plain(other)
        result = operation(mine) if other is None else operation(given, mine) if swapped else operation(mine, given)
        if flops and RECORDER.on and RECORDER.ledger is not None and isinstance(result, float | complex | np.inexact):
            RECORDER.ledger.flops_low += flops
            RECORDER.ledger.flops_high += flops
        source = other.source if isinstance(other, Number) and self.source is None else self.source
        return _from(traced(result), source)

    return method


_OPERATORS = {
    f"__{side}{name}__": _arithmetic(side + name, flops)
    for name, flops in (("add", 1), ("sub", 1), ("mul", 1), ("truediv", 1), ("floordiv", 1), ("mod", 1), ("pow", 1))
    for side in ("", "r")
}
_OPERATORS |= {f"__{name}__": _arithmetic(name, 0) for name in ("neg", "pos", "abs")}
# NumPy finds the type of a number by its first base, whose methods would come first.
_SHARED = {name: vars(Number)[name] for name in ("__array_ufunc__", "__reduce__", "__deepcopy__")}
_NUMBERS: dict[type, Callable[[np.generic], Number]] = {
    kind: type(kind.__name__, (kind, Number), {**_OPERATORS, **_SHARED})
    for kind in dict.fromkeys(np.dtype(code).type for code in "bhilqBHILQefdFD")
}
_NUMPY = {made: kind for kind, made in _NUMBERS.items()}


# --- random numbers


class Randoms:
    """A generator of random numbers whose arrays are traced."""

    def __init__(self, generator: np.random.Generator | np.random.RandomState) -> None:
        self._generator = generator

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._generator, name)
        if not callable(found):
            return found
        return lambda *args, **kwargs: call_function(f"random.{name}", found, args, kwargs)


def name_of(function: object) -> str:
    """`linalg.solve`: the name of a function without `numpy.`."""
    module = (getattr(function, "__module__", None) or "").removeprefix("numpy").removeprefix(".")
    name = getattr(function, "__name__", str(function))
    return f"{module}.{name}" if module in ("linalg", "fft", "random") else name
