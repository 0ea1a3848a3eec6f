"""Names the functions that are called through ctypes while a function runs: `sys.setprofile` does not see them."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Callable, Iterator
from pathlib import PurePath
from types import FrameType

from .numpy_tracer import plain


@contextlib.contextmanager
def named(tell: Callable[[str], None], users: Callable[[FrameType], bool]) -> Iterator[None]:
    """Tell each function that is called through ctypes from a frame of the user's.

    ctypes makes a class of functions for each library and signature: those that exist get a `__call__` meanwhile, and
    those that are made meanwhile inherit it.
    """
    home = vars(ctypes)
    base = home["_CFuncPtr"]

    def call(self: object, *args: object, **kwargs: object) -> object:
        if users(sys._getframe(1)):
            tell(name(self))
        return base.__call__(self, *map(plain, args), **kwargs)

    made = type(base)("_CFuncPtr", (base,), {"_flags_": 1, "__call__": call})
    changed = [made, *(one for one in _below(base) if one is not made and "__call__" not in vars(one))]
    for one in changed[1:]:
        one.__call__ = call
    home["_CFuncPtr"] = made
    try:
        yield
    finally:
        home["_CFuncPtr"] = base
        for one in changed:
            del one.__call__


def _below(kind: type) -> Iterator[type]:
    """All classes that inherit from a class."""
    inner: list[type] = kind.__subclasses__()
    for one in inner:
        yield one
        yield from _below(one)


def name(function: object) -> str:
    """`cos of libm.so.6`, `ctypes.memmove`."""
    own = getattr(function, "__name__", None)
    if own is None:
        known = (f"ctypes.{key}" for key, one in vars(ctypes).items() if one is function)
        return next(known, "a function by its address")
    library = getattr((getattr(function, "_objects", None) or {}).get("0"), "_name", None)
    return f"{own} of {PurePath(library).name}" if library else f"{own} (ctypes)"
