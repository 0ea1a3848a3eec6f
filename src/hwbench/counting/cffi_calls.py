"""Names the functions of C that are called through cffi's libraries (`ffi.dlopen`): `sys.setprofile` sees no call."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import PurePath
from types import FrameType
from typing import Any

PREFIX = "FFILibrary"  # of the classes that cffi makes, one a library


def is_function(value: object) -> bool:
    """Whether this is a function of C as cffi has it."""
    backend = sys.modules.get("_cffi_backend")
    return backend is not None and isinstance(value, backend._CDataBase) and backend.typeof(value).kind == "function"


@contextlib.contextmanager
def named(tell: Callable[[str], None], users: Callable[[FrameType], bool]) -> Iterator[None]:
    """Tell each function that a frame of the user's takes out of a library, of those opened meanwhile, too."""
    api = sys.modules.get("cffi.api")
    if api is None:
        yield
        return
    home = vars(api)
    opened = home["_make_ffi_library"]
    lookups: list[tuple[Any, Any]] = []

    def watch(library: type) -> None:
        def get(self: Any, name: str) -> Any:
            found = object.__getattribute__(self, name)
            if is_function(found) and users(sys._getframe(1)):
                tell(_name(name, library))
            return found

        def first(self: Any, name: str) -> Any:  # cffi looks a function up when it is first asked for
            found = lookup(self, name)
            if is_function(found) and users(sys._getframe(1)):
                tell(_name(name, library))
            return found

        lookup = vars(library)["__getattr__"]
        lookups.append((library, lookup))
        library.__getattribute__ = get  # type: ignore[method-assign,assignment]
        library.__getattr__ = first  # type: ignore[attr-defined]

    def opening(*args: Any, **kwargs: Any) -> Any:
        library, functions = opened(*args, **kwargs)
        watch(type(library))
        return library, functions

    for one in object.__subclasses__():
        if one.__module__ == "cffi.api" and one.__name__.startswith(PREFIX) and "__getattr__" in vars(one):
            watch(one)
    home["_make_ffi_library"] = opening
    try:
        yield
    finally:
        home["_make_ffi_library"] = opened
        for library, lookup in lookups:
            del library.__getattribute__
            library.__getattr__ = lookup


def _name(name: str, library: type) -> str:
    """`cos of libm.so.6`; a library without a name is Python's own process."""
    file = library.__name__.removeprefix(PREFIX).strip("_")
    return f"{name} of {PurePath(file).name} (cffi)" if file else f"{name} (cffi)"
