"""Functions of the C library, called by compiled code directly: no Python, no ctypes, no wrapper.

Their symbols are found in this process, as they are for any compiled program. A missing one would end the process when
a kernel is linked, so benches ask `lacking` first.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, types  # type: ignore[attr-defined,unused-ignore]
from numba.core.base import BaseContext
from numba.core.typing.context import Context
from numba.core.typing.templates import Signature
from numba.extending import register_jitable

from .simd import Typed, instruction

Function = Any  # as compiled code calls it: Numba finds the types of arguments and result

_WORD, _INT = types.int64, types.int32
_SIGNATURES = {
    "getppid": _INT(),
    "mmap": _WORD(_WORD, _WORD, _INT, _INT, _INT, _WORD),
    "munmap": _INT(_WORD, _WORD),
    "madvise": _INT(_WORD, _WORD, _INT),
    "memset": _WORD(_WORD, _INT, _WORD),
    "read": _WORD(_INT, _WORD, _WORD),
    "write": _WORD(_INT, _WORD, _WORD),
    "pread": _WORD(_INT, _WORD, _WORD, _WORD),
    "pwrite": _WORD(_INT, _WORD, _WORD, _WORD),
    "fsync": _INT(_INT),
    "pthread_create": _INT(_WORD, _WORD, _WORD, _WORD),
    "pthread_join": _INT(_WORD, _WORD),
}  # addresses, sizes and offsets are words; none of these has a variable number of arguments


def _function(name: str) -> Function:
    return types.ExternalFunction(name, _SIGNATURES[name])  # type: ignore[no-untyped-call,unused-ignore]


getppid = _function("getppid")
mmap = _function("mmap")
munmap = _function("munmap")
madvise = _function("madvise")
memset = _function("memset")
read = _function("read")
write = _function("write")
pread = _function("pread")
pwrite = _function("pwrite")
fsync = _function("fsync")
pthread_create = _function("pthread_create")
pthread_join = _function("pthread_join")


def lacking(*names: str) -> str:
    """Why compiled code cannot call these functions here; "" where it can."""
    if sys.platform == "win32" or sys.maxsize < 2**32:
        return "this system has no POSIX functions for words of 64 bits"
    library = ctypes.CDLL(None)
    missing = [name for name in names if not hasattr(library, name)]
    return f"the C library has no {', '.join(missing)}" if missing else ""


@instruction
def _pointer(_typing: Context, _address: types.Type) -> Typed:
    """An address as Numba's arrays take it."""

    def code(context: BaseContext, builder: ir.IRBuilder, signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return types.voidptr(types.intp), code


@register_jitable
def words_at(address: int, count: int) -> np.ndarray:
    """The words of 64 bits at an address, as an array."""
    return carray(_pointer(address), count, np.int64)
