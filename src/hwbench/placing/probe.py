"""One or two calls of a function before it is timed: what it prints, whether it forks, changes or repeats itself.

Each refusal is one line: what, where and what to do.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import os
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..counting.inputs import LIBRARIES
from ..errors import UsageError
from ..host import memory
from ..record import text
from ..record.installing import of_module
from .subject import Function, Inputs, described

MEMORY_SHARE = 0.6  # of what is free may be taken
COPIES = 3  # of the arguments: two to compare with, and what is made of them
ONCE_S = 10.0  # a function that takes longer is not called twice before it is timed
CLOSE = 1e-6  # relative: threads may add in another order
NUMBERS = (int, float, complex, np.generic)
CHANGES = "it changes its arguments: each call starts from what the last one left"  # a doubt
SHOWN = 40  # characters of what was printed


class _Forked(BaseException):
    """Raised in place of a fork; no `except Exception` in the function swallows it."""


@dataclass(frozen=True)
class Probed:
    """What the calls showed: seconds of the last, bytes that a call writes, those `made` anew, a doubt in words."""

    seconds: float
    written: int
    made: int = 0
    doubt: str = ""


# --- the arguments ----------------------------------------------------------------------------------------------------


def arrays(value: object) -> list[np.ndarray]:
    """The arrays in nested tuples, lists and dicts."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, Mapping):
        return [one for each in value.values() for one in arrays(each)]
    if isinstance(value, tuple | list):
        return [one for each in value for one in arrays(each)]
    return []


def check_inputs(name: str, inputs: Inputs) -> int:
    """Bytes of the arguments; UsageError for arrays of objects, and where copies of them do not fit in memory."""
    named = [*((f"argument {i}", one) for i, one in enumerate(inputs.args, 1)), *inputs.kwargs.items()]
    for where, one in named:
        for array in arrays(one):
            if array.dtype.hasobject:
                raise UsageError(
                    f"{name}: {where} is an array of objects, whose bytes are pointers; convert it to a number type: "
                    "a.astype(float)"
                )
    size = sum(array.nbytes for array in arrays([*inputs.args, *inputs.kwargs.values()]))
    needs_memory(name, size * COPIES)
    return size


def needs_memory(name: str, size: float) -> None:
    """UsageError where so many bytes are more than may be taken."""
    free = memory.free()
    if size > MEMORY_SHARE * free:
        raise UsageError(
            f"{name}: needs about {text.size(size)}, and {text.share(MEMORY_SHARE)} of the {text.size(free)} free may "
            "be taken; ask for a smaller n"
        )


# --- the calls --------------------------------------------------------------------------------------------------------


def probe(name: str, function: Function, inputs: Inputs, clock: Callable[[], float] = time.perf_counter) -> Probed:
    """Call the function with its arguments once or twice; UsageError for what cannot be timed."""
    before = _copied(name, inputs)
    seconds, first = _called(name, function, inputs, clock)
    changed = _changed(before, inputs)
    del before
    results = [one for one in arrays(first) if not any(np.may_share_memory(one, each) for each in _of(inputs))]
    _check_result(name, results)
    made = sum(one.nbytes for one in results)
    written = made + sum(array.nbytes for array in changed)
    if seconds > ONCE_S:
        return Probed(seconds, written, made)
    kept, after = None, _copied(name, inputs)
    with contextlib.suppress(Exception):  # a result that cannot be copied is not compared
        kept = copy.deepcopy(first)
    seconds, second = _called(name, function, inputs, clock)
    shape = [(one.shape, one.dtype) for one in _of(inputs)]
    if shape != [(one.shape, one.dtype) for one in _of(after)] or _sizes(inputs) != _sizes(after):
        raise UsageError(
            f"{name}: changes its arguments between calls, so that no call does the work of the one before; "
            "make what it changes inside of it"
        )
    again = _changed(after, inputs)
    if again:
        return Probed(seconds, written, made, CHANGES)
    if kept is not None and not _same(kept, second):
        raise UsageError(
            f"{name}: is not deterministic: two calls with the same arguments gave different results; seed its "
            "random numbers inside, or give them as an argument"
        )
    return Probed(seconds, written, made)


def _check_result(name: str, results: Sequence[np.ndarray]) -> None:
    if any(one.dtype.hasobject for one in results):
        raise UsageError(
            f"{name}: returns an array of objects, whose bytes are pointers; give it arrays of a number type"
        )


def _called(name: str, function: Function, inputs: Inputs, clock: Callable[[], float]) -> tuple[float, object]:
    """Seconds of a call and its result; UsageError where it fails, forks or prints."""
    with guarded(name) as printed:
        begun = clock()
        result = function(*inputs.args, **inputs.kwargs)
        taken = clock() - begun
    if inspect.isgenerator(result) or inspect.iscoroutine(result):
        raise UsageError(
            f"{name}: returns a {type(result).__name__}, which computes nothing until it is read; return an array"
        )
    if said := printed():
        shown = said if len(said) <= SHOWN else said[:SHOWN] + " …"
        raise UsageError(
            f"{name}: prints ({text.printable(shown)}); each of some thousand calls would; take the print out"
        )
    return taken, result


@contextlib.contextmanager
def guarded(name: str) -> Iterator[Callable[[], str]]:
    """A user's function runs inside: UsageError where it fails or forks; gives the first line that it printed."""
    try:
        with quiet(), _heard() as printed, _no_forks():
            yield printed
    except _Forked:
        raise UsageError(
            f"{name}: forks; the other process would be neither counted nor timed; use threads, or take the fork out"
        ) from None
    except MemoryError:
        raise UsageError(f"{name}: ran out of memory; ask for a smaller n") from None
    except (KeyboardInterrupt, UsageError):
        raise
    except BaseException as error:  # noqa: BLE001 - a user's function raises anything, SystemExit included
        raise UsageError(f"{name}{_where(error)}: fails: {described(error).rstrip(' .:;')}{_remedy(error)}") from None


def _remedy(error: BaseException) -> str:
    """What to do about a failure that is not the function's own."""
    if isinstance(error, ModuleNotFoundError):
        return f"; {of_module(str(error.name))}"
    if "CUDA" in type(error).__name__ or "cuda" in str(error).lower():
        return "; it needs an NVIDIA GPU and its driver, which hwbench machine did not find here"
    return ""


def _where(error: BaseException) -> str:
    """` (line 12 of x.py)`: the last line outside of Python and its packages where the function failed."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if not one.filename.startswith(LIBRARIES)]
    if not frames or frames[-1].filename == __file__:
        return ""
    return f" (line {frames[-1].lineno} of {os.path.basename(frames[-1].filename)})"  # noqa: PTH119


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No warnings meanwhile: of NumPy about values, of Numba about what it compiles."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _heard() -> Iterator[Callable[[], str]]:
    """Catch what is written to standard output and error meanwhile, by C code too; gives the first line of it."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    said: list[str] = []
    with tempfile.TemporaryFile() as file:
        saved: dict[int, int] = {}
        streams = sys.stdout, sys.stderr
        try:
            for number in (1, 2):
                with contextlib.suppress(OSError):
                    saved[number] = os.dup(number)
                    os.dup2(file.fileno(), number)
            # Python's streams may be something else: pytest's, a notebook's.
            sys.stdout = sys.stderr = open(os.dup(file.fileno()), "w", encoding="utf-8", errors="replace")  # noqa: PTH123, SIM115
            yield lambda: said[0] if said else ""
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.close()
            sys.stdout, sys.stderr = streams
            for number, old in saved.items():
                os.dup2(old, number)
                os.close(old)
            file.seek(0)
            lines = file.read(2**12).decode("utf-8", "replace").split("\n")
            said += [line.strip() for line in lines if line.strip()][:1]


_armed = False
_hooked = False
_forked = False


def _refuse_forks(event: str, _args: object) -> None:
    global _forked
    if _armed and event in ("os.fork", "os.forkpty"):
        _forked = True
        raise _Forked


@contextlib.contextmanager
def _no_forks() -> Iterator[None]:
    """Forks raise meanwhile, those of other threads at the end. A hook cannot be removed, so one is added once."""
    global _armed, _forked, _hooked
    if not _hooked:
        sys.addaudithook(_refuse_forks)
        _hooked = True
    _armed, _forked = True, False
    try:
        yield
    finally:
        _armed = False
    if _forked:
        raise _Forked


# --- comparing --------------------------------------------------------------------------------------------------------


def _of(inputs: Inputs) -> list[np.ndarray]:
    return arrays([*inputs.args, *inputs.kwargs.values()])


def _copied(name: str, inputs: Inputs) -> Inputs:
    try:
        return Inputs(copy.deepcopy(inputs.args), copy.deepcopy(dict(inputs.kwargs)))
    except MemoryError:
        raise UsageError(f"{name}: there is no memory for copies of its arguments; ask for a smaller n") from None
    except Exception:  # noqa: BLE001 - an argument that cannot be copied is compared by its arrays alone
        return Inputs(tuple(one.copy() for one in _of(inputs)))


def _changed(before: Inputs, after: Inputs) -> list[np.ndarray]:
    """The arrays of the arguments that hold something else than before."""
    pairs = zip(_of(before), _of(after), strict=False)
    return [new for old, new in pairs if old.shape != new.shape or not _equal(old, new)]


def _sizes(inputs: Inputs) -> list[int]:
    """The lengths of lists and dicts among the arguments, which a call may grow."""
    return [len(one) for one in (*inputs.args, *inputs.kwargs.values()) if isinstance(one, list | dict | set)]


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")


def _same(one: object, other: object) -> bool:
    """Whether two results are the same, but for the order of sums."""
    mine, yours = arrays(one), arrays(other)
    if len(mine) != len(yours):
        return False
    if not mine and isinstance(one, NUMBERS) and isinstance(other, NUMBERS):
        return bool(np.isclose(one, other, rtol=CLOSE, equal_nan=True))
    return all(
        a.shape == b.shape and a.dtype == b.dtype
        and (_equal(a, b) or (a.dtype.kind in "fc" and np.allclose(a, b, rtol=CLOSE, atol=0, equal_nan=True)))
        for a, b in zip(mine, yours, strict=True)
    )  # fmt: skip
