"""A function and its arguments out of a user's file: what `FILE.py:name` means, and the variants that it names."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from ..catalog import nearest
from ..errors import UsageError
from ..record.installing import of_module

Function: TypeAlias = Callable[..., Any]

LIBRARIES = ("numpy", "numba", "cupy")  # what a variant's name may begin with
MAKES = "make_inputs"  # what makes the arguments where nothing else is named


@dataclass(frozen=True)
class Inputs:
    """What a function is called with."""

    args: tuple[object, ...] = ()
    kwargs: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """A function, its variants by name, and what makes its arguments (`make`, called with n where `sized`)."""

    name: str
    function: Function
    make: Function | None = None
    sized: bool = False
    variants: Mapping[str, Function] = field(default_factory=dict)

    def inputs(self, n: int | None) -> Inputs:
        """The arguments at this n; UsageError where they cannot be made."""
        if self.make is None:
            return Inputs()
        at = f" with n={n}" if self.sized else ""
        try:
            made = self.make(n) if self.sized else self.make()
        except MemoryError:
            raise UsageError(f"{self.name}: there is no memory for its inputs{at}; ask for a smaller n") from None
        except Exception as error:  # noqa: BLE001 - a user's code raises anything
            raise UsageError(f"{self.name}: {name_of(self.make)} failed{at}: {described(error)}") from None
        if isinstance(made, Mapping):
            return Inputs((), dict(made))
        return Inputs(tuple(made) if isinstance(made, tuple | list) else (made,))


def load(target: str, args: str | None = None) -> Subject:
    """The subject that `FILE.py:function` names; `args` is `FILE.py:function` or a function of the same file."""
    path, name = _split(target)
    module = _imported(path)
    function = _function(module, path, name)
    make = None
    if args is not None:
        file, _, maker = args.rpartition(":")
        other = Path(file) if file else path
        make = _function(module if other == path else _imported(other), other, maker)
    elif _parameters(function) and callable(vars(module).get(MAKES)):
        make = vars(module)[MAKES]
    if make is None and (wanted := needed(function)):
        raise UsageError(
            f"{target}: needs {', '.join(wanted)}; name a function that makes them (--args FILE.py:FUNCTION), or "
            f"define {MAKES} in {path.name}"
        )
    return Subject(name, function, make, make is not None and _takes_one(make), _variants(module, name))


def _split(target: str) -> tuple[Path, str]:
    file, colon, name = target.rpartition(":")
    if not colon or not file or not name:
        raise UsageError(f"{target}: is not of the form FILE.py:function")
    return Path(file), name


def _imported(path: Path) -> ModuleType:
    """The module in a file; UsageError in one line where there is none or it does not import."""
    if not path.is_file():
        raise UsageError(f"{path}: is not a file; name a Python file and a function in it: FILE.py:function")
    spec = importlib.util.spec_from_file_location(path.stem.replace("-", "_"), path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path}: is not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(spec.name, module)
    sys.path.insert(0, str(path.resolve().parent))  # what lies beside the file can be imported, as by `python FILE.py`
    try:
        spec.loader.exec_module(module)
    except SystemExit as error:
        raise UsageError(
            f"{path}: ends Python (exit {error.code}) while it is imported; put that below if __name__ == '__main__'"
        ) from None
    except Exception as error:  # noqa: BLE001 - a user's file raises anything
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        remedy = f"; {of_module(missing)}" if missing else ""
        raise UsageError(f"{path}{_line(error, path)}: does not import: {described(error)}{remedy}") from None
    finally:
        sys.path.remove(str(path.resolve().parent))
    return module


def _line(error: BaseException, path: Path) -> str:
    """`:12`, the last line of the file that the error went through."""
    if isinstance(error, SyntaxError):
        return f":{error.lineno}"
    numbers = []
    trace = error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename).resolve() == path.resolve():
            numbers.append(trace.tb_lineno)
        trace = trace.tb_next
    return f":{numbers[-1]}" if numbers else ""


def _function(module: ModuleType, path: Path, name: str) -> Function:
    found = vars(module).get(name)
    if found is None:
        known = [one for one, value in vars(module).items() if callable(value) and not one.startswith("_")]
        raise UsageError(f"{path}: has no function '{name}'{nearest(name, known)}")
    if not callable(found):
        raise UsageError(f"{path}:{name}: is not a function but {type(found).__name__}; name a function of the file")
    function: Function = found
    return function


def needed(function: Function) -> list[str]:
    """The parameters without a default."""
    return [
        one.name for one in _parameters(function)
        if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    ]  # fmt: skip


def _parameters(function: Function) -> list[inspect.Parameter]:
    """The parameters of a function; none of C code that does not tell them."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []


def _takes_one(make: Function) -> bool:
    """Whether a function takes a size."""
    parameters = _parameters(make)
    return bool(parameters) and parameters[0].kind in (
        inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD,
    )  # fmt: skip


def _variants(module: ModuleType, name: str) -> dict[str, Function]:
    """Other ways to do the same: the dict VARIANTS, else functions `numpy_NAME`, `numba_NAME` and `cupy_NAME`."""
    stated = vars(module).get("VARIANTS")
    if isinstance(stated, Mapping):
        found = {str(key): value for key, value in stated.items() if callable(value)}
    else:
        library, _, rest = name.partition("_")
        core = rest if library in LIBRARIES and rest else name
        names = [core, *(f"{library}_{core}" for library in LIBRARIES)]
        found = {one: vars(module)[one] for one in names if callable(vars(module).get(one))}
    return {key: function for key, function in found.items() if function is not vars(module)[name]}


def name_of(function: Function) -> str:
    """What a function is called."""
    return str(getattr(function, "__name__", None) or type(function).__name__)


def described(error: BaseException) -> str:
    """`ValueError: what it says`, in one line."""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
