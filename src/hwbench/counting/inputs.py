"""What a function is given and reads: arguments, defaults, closures and globals, those of functions it calls too."""

from __future__ import annotations

import contextlib
import copy
import dis
import functools
import inspect
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeGuard

from ..errors import UsageError

if TYPE_CHECKING:
    from .memory import Dtype

Function: TypeAlias = Callable[..., Any]
"""A function of anybody's, which is called and looked at."""

Arrays: TypeAlias = Mapping[int, tuple[str, Any]]
"""Arrays of any library by their identity, each with a name."""

DEPTH = 6  # of containers and objects inside of each other
_ARRAY_LIBRARIES = ("numpy", "numba", "cupy", "hwbench", "math", "cmath")
LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


@dataclass
class Outer:
    """A closure cell or a global that the code reads."""

    name: str
    value: object
    put: Callable[[object], None]


@dataclass
class Subject:
    """A function with all that one call of it is given and reads."""

    name: str
    function: Function
    args: tuple[object, ...]
    kwargs: dict[str, object]
    names: tuple[str, ...]  # of `args`
    outer: list[Outer] = field(default_factory=list)
    unseen: dict[str, None] = field(default_factory=dict)  # compiled functions by name, which nothing can look into
    top: str = ""  # the package that the function belongs to

    def given(self) -> list[tuple[str, object]]:
        """Everything by name."""
        inner = [*zip(self.names, self.args, strict=True), *self.kwargs.items()]
        return [*inner, *((one.name, one.value) for one in self.outer)]

    def arrays(self) -> Arrays:
        """The arrays in all of it, by identity, with a name for each."""
        found: dict[int, tuple[str, Any]] = {}
        for name, value in self.given():
            for inside, array in walk(value, name):
                found.setdefault(id(array), (inside, array))
        return found

    @contextlib.contextmanager
    def replaced(self, by: Mapping[int, object]) -> Iterator[tuple[list[object], dict[str, object]]]:
        """The arguments with their parts replaced by identity, while closures and globals hold replaced values."""
        args = [rebuilt(one, by) for one in self.args]
        kwargs = {name: rebuilt(one, by) for name, one in self.kwargs.items()}
        changed = [(one, new) for one in self.outer if (new := rebuilt(one.value, by)) is not one.value]
        try:
            for one, new in changed:
                one.put(new)
            yield args, kwargs
        finally:
            for one, _ in changed:
                one.put(one.value)


def subject(function: Function, args: Sequence[object], kwargs: Mapping[str, object]) -> Subject:
    """Look into a function, partial, method or callable object, bound to its arguments."""
    given, named = tuple(args), dict(kwargs)
    while isinstance(function, functools.partial):
        given, named, function = (*function.args, *given), {**function.keywords, **named}, function.func
    if isinstance(function, MethodType):
        given, function = (function.__self__, *given), function.__func__
    elif isinstance(vars(type(function)).get("__call__"), FunctionType) and not hasattr(function, "py_func"):
        given, function = (function, *given), vars(type(function))["__call__"]
    name = getattr(function, "__name__", type(function).__name__)
    if not callable(function):
        raise UsageError(f"{name} cannot be called: name a function")
    names = tuple(f"argument {number}" for number in range(1, len(given) + 1))
    python = getattr(function, "py_func", function)
    if isinstance(python, FunctionType):
        try:
            bound = inspect.signature(python).bind(*given, **named)
        except TypeError as error:
            raise UsageError(f"{name} cannot be called with these arguments: {error}") from None
        bound.apply_defaults()
        if len(bound.args) >= len(given):
            given, named = bound.args, dict(bound.kwargs)
        names = (*bound.arguments, *names[len(bound.arguments) :])[: len(given)]
    made = Subject(name, function, given, named, names)
    made.top = (getattr(function, "__module__", "") or "").partition(".")[0]
    if isinstance(python, FunctionType):
        _look_into(python, made, set())
    return made


def _look_into(function: FunctionType, made: Subject, seen: set[int]) -> None:
    """Collect the cells and globals that a function and those it calls read."""
    if id(function.__code__) in seen:
        return
    seen.add(id(function.__code__))
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # a cell that is not filled yet
            _outer(name, cell.cell_contents, functools.partial(_fill, cell), made, seen)
    space = function.__globals__
    for code in _codes(function.__code__):
        loaded: object = None
        called = False
        steps = list(dis.get_instructions(code))
        for step, after in zip(steps, [*steps[1:], None], strict=True):
            # What a call loads has a place for `self` beside it: before 3.13 in front of it, then behind it.
            null = "NULL" in step.argrepr or step.opname == "LOAD_METHOD" or (after and after.opname == "PUSH_NULL")
            called = bool(null or (called and step.opname == "LOAD_ATTR"))
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and step.argval in space:
                loaded = space[step.argval]
                _outer(step.argval, loaded, functools.partial(space.__setitem__, step.argval), made, seen)
            elif (
                step.opname in ("LOAD_ATTR", "LOAD_METHOD")
                and isinstance(loaded, ModuleType)
                and hasattr(loaded, step.argval)
            ):
                home, loaded = loaded, getattr(loaded, step.argval)
                if called and f"{home.__name__}.{step.argval}" == "numpy.ndarray":
                    made.unseen["numpy.ndarray (numpy.empty is followed)"] = None  # a class, which cannot stand aside
                put = functools.partial(setattr, home, step.argval)
                if not library(home):
                    _outer(f"{home.__name__}.{step.argval}", loaded, put, made, seen)
                elif _compiled(loaded):
                    made.unseen[f"{home.__name__}.{step.argval}"] = None
            else:
                loaded = None


def _fill(cell: CellType, value: object) -> None:
    cell.cell_contents = value


def _outer(name: str, value: object, put: Callable[[object], None], made: Subject, seen: set[int]) -> None:
    if isinstance(value, ModuleType):
        return
    if _compiled(value):
        made.unseen[name] = None
        return
    if not any(one.name == name and one.value is value for one in made.outer):
        made.outer.append(Outer(name, value, put))
    inner = getattr(value, "__wrapped__", value) if isinstance(value, FunctionType) else value
    if isinstance(inner, FunctionType) and not library(inner):
        _look_into(inner, made, seen)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _codes(one)


def library(value: object) -> bool:
    """Whether a function or module is Python's, or was installed."""
    name = value.__name__ if isinstance(value, ModuleType) else str(getattr(value, "__module__", None) or "")
    top = name.partition(".")[0]
    if top in (*sys.stdlib_module_names, *_ARRAY_LIBRARIES):
        return name != "__main__"
    module = sys.modules.get(top)
    file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    return bool(file) and str(file).startswith(LIBRARIES)


def _compiled(value: object) -> bool:
    """Whether this is C code of somebody else: a function of Cython, f2py or an extension module."""
    top = (getattr(value, "__module__", None) or "builtins").partition(".")[0]
    if top in (*_ARRAY_LIBRARIES, *sys.stdlib_module_names):
        return False
    if type(value).__name__ in ("cython_function_or_method", "fortran"):
        return True
    return isinstance(value, BuiltinFunctionType) and isinstance(value.__self__, ModuleType) and top != "builtins"


class ForeignArray(Protocol):
    """An array of another library: what is looked at of it."""

    shape: tuple[int, ...]
    dtype: Dtype
    size: int
    nbytes: int

    def __len__(self) -> int: ...
    def __int__(self) -> int: ...
    def __float__(self) -> float: ...
    def __getitem__(self, index: object, /) -> object: ...
    def __setitem__(self, index: object, value: object, /) -> None: ...


def is_foreign(value: object) -> TypeGuard[ForeignArray]:
    """Whether this is an array of another library that has NumPy's protocols."""
    return all(hasattr(type(value), name) for name in ("__array_ufunc__", "__array_function__", "shape", "dtype"))


def walk(value: object, name: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The arrays in a value, with names such as `weights[0]` and `self.mean`; an array of objects is refused."""
    import numpy as np

    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise UsageError(
                f"{name} is an array of objects, which have no bytes to count: .astype(float) gives numbers"
            )
        yield name, value
    elif isinstance(value, np.generic | str | bytes | int | float | complex | type | ModuleType | FunctionType):
        return
    elif is_foreign(value):
        yield name, value
    elif depth < DEPTH:
        for key, inner in _parts(value):
            yield from walk(inner, f"{name}{key}", depth + 1)


def _parts(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, list | tuple):
        if len(value) < 10_000:
            yield from ((f"[{number}]", one) for number, one in enumerate(value))
    elif isinstance(value, dict):
        yield from ((f"[{key!r}]", one) for key, one in value.items())
    elif _own(value):
        yield from ((f".{key}", one) for key, one in vars(value).items())


def _own(value: object) -> bool:
    """Whether this is an object of the user's with attributes: a dataclass, an instance."""
    return hasattr(value, "__dict__") and not library(type(value))


def rebuilt(value: object, by: Mapping[int, object], depth: int = 0) -> object:
    """The same value with parts replaced by identity; containers with a replaced part, and lists, are new ones."""
    if id(value) in by:
        return by[id(value)]
    if depth >= DEPTH or isinstance(value, str | bytes | int | float | type | ModuleType | FunctionType):
        return value
    if type(value) is list and len(value) < 10_000:
        return [rebuilt(one, by, depth + 1) for one in value]
    if isinstance(value, tuple):
        parts = [rebuilt(one, by, depth + 1) for one in value]
        if all(new is old for new, old in zip(parts, value, strict=True)):
            return value
        made: object = getattr(value, "_make", tuple)(parts)
        return made
    if type(value) is dict:
        return {key: rebuilt(one, by, depth + 1) for key, one in value.items()}
    if _own(value):
        changed = {key: new for key, old in vars(value).items() if (new := rebuilt(old, by, depth + 1)) is not old}
        if changed:
            value = copy.copy(value)
            vars(value).update(changed)
    return value
