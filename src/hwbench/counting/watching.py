"""Sees which functions of libraries a function calls while it runs, so that work that is not counted has a name."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from . import cffi_calls, ctypes_calls
from .inputs import LIBRARIES
from .ledger import Ledger
from .recorder import RECORDER

_HERE = str(Path(__file__).parent)
_KNOWN = ("numpy", "numba", "llvmlite", "cupy", "hwbench", "math", "cmath")
# NumPy's classes of arrays that are no plain ones: what they do cannot be followed.
_OTHERS = ("numpy._core.records", "numpy._core.strings", "numpy._core.defchararray", "numpy.ma", "numpy.matrixlib")
# Compiled modules of Python's own that work on bytes.
_OF_BYTES = ("zlib", "_bz2", "_lzma", "binascii", "_struct", "_pickle", "_hashlib", "_md5", "_sha", "_blake2")
# Functions of `math` that compute; each counts a flop.
_MATH = frozenset((
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "degrees", "dist", "erf",
    "erfc", "exp", "exp2", "expm1", "fmod", "gamma", "hypot", "lgamma", "log", "log10", "log1p", "log2", "pow",
    "radians", "sin", "sinh", "sqrt", "tan", "tanh",
))  # fmt: skip


@contextlib.contextmanager
def watching(ledger: Ledger, top: str) -> Iterator[None]:
    """Name calls of compiled code and of installed packages, other than those that report themselves."""

    def see(frame: FrameType, event: str, what: Any) -> None:
        if event == "c_call" and _users(frame, top):
            module = getattr(what, "__module__", None) or type(getattr(what, "__self__", None)).__module__
            home = module.partition(".")[0]
            if home in ("math", "cmath") and what.__name__ in _MATH:
                ledger.flops_low += 1
                ledger.flops_high += 1
            elif home not in _KNOWN and (home.startswith(_OF_BYTES) or home not in sys.stdlib_module_names):
                ledger.unseen(f"{module}.{what.__qualname__}")
        elif event == "call" and frame.f_back is not None and _users(frame.f_back, top) and not _users(frame, top):
            module = frame.f_globals.get("__name__", "")
            home = module.partition(".")[0]
            if module.startswith(_OTHERS) or (home not in _KNOWN and home not in sys.stdlib_module_names):
                ledger.unseen(f"{module}.{frame.f_code.co_qualname}")

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        by_user = lambda frame: RECORDER.on and _users(frame, top)  # noqa: E731
        with ctypes_calls.named(ledger.unseen, by_user), cffi_calls.named(ledger.unseen, by_user):
            yield
    finally:
        sys.setprofile(before)


def _users(frame: FrameType, top: str) -> bool:
    """Whether a frame runs the user's own code: that of the function's package, or of no library."""
    if frame.f_globals.get("__name__", "").partition(".")[0] == top:
        return True
    file = frame.f_code.co_filename
    return not file.startswith((_HERE, *LIBRARIES, "<frozen"))
