"""Counts the work of one call: by a traced run of NumPy code, by the machine code of Numba."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..errors import UsageError
from ..host.memory import free
from ..record import text
from .guards import same_chances
from .inputs import Arrays, Function, Subject, is_foreign, subject
from .model import Counts


def count(
    function: Function, args: Sequence[object] = (), kwargs: Mapping[str, object] | None = None, *,
    hardware: bool = False,
) -> Counts:  # fmt: skip
    """The bytes and flops of one call of `function(*args, **kwargs)`.

    The function runs on copies of its arguments, and of the arrays that it reads from closures and globals, so that
    nothing of the caller's changes: once as it is and once traced. Both must give the same. Arrays of more bytes than
    are free, functions that fail, print, start processes or are not deterministic raise `UsageError`.

    - Compulsory bytes: each byte from outside once if it is read before it is written, once if it is written, and each
      byte of new results once. `x += 1` on n bytes has 2 n, `np.add(x, y, out=z)` 3 n.
    - Issued bytes: each call reads its operands and writes its results; an operand named twice is read once, a repeated
      row of a broadcast operand once. Single numbers cost nothing, elements that are read one at a time their size.
    - Flops: see `numpy_costs`. The counts hold for the values given: elements that a mask picks are those of this call.

    `hardware` adds the bytes that memory moved, where the system has counters.
    """
    made = subject(function, args, kwargs or {})
    found = made.arrays()
    _fits(made, found)
    with same_chances():
        if hasattr(made.function, "inspect_llvm"):
            from .numba_counter import count_numba

            counts = count_numba(made, found)
        else:
            from .numpy_counter import count_numpy

            counts = count_numpy(made, found)
    if hardware and counts.kind == "cupy":
        return replace(counts, moved_note="the counters are the CPU's")
    if hardware:
        from .hardware import with_moved

        return with_moved(counts, made, found)
    return counts


def _fits(made: Subject, found: Arrays) -> None:
    """Copies of all arrays, and marks for their bytes, must fit."""
    need = sum(2 * one.nbytes for _, one in found.values() if not is_foreign(one) or hasattr(one, "base"))
    if need > 0.8 * free():
        raise UsageError(
            f"{made.name} is given {text.size(need / 2)} of arrays, and copies of them do not fit into the "
            f"{text.size(free())} that are free: give it smaller inputs"
        )
