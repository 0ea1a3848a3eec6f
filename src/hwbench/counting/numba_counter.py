"""Counts a call of a Numba function: its optimised code, with counters added, runs once on copies."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..errors import UsageError
from .guards import guarded
from .inputs import Arrays, Subject, walk
from .memory import Array, bounds, distinct
from .model import Counts, Range
from .numba_code import Compiled
from .numba_tally import tally
from .runs import Outcome, agree, copied_arrays, plain_run, same


def count_numba(made: Subject, found: Arrays) -> Counts:
    """The counts of one call."""
    expected, before = plain_run(made, found)
    copied = copied_arrays(found)
    with made.replaced(copied) as (args, kwargs):
        given = [*args, *kwargs.values()]
        try:
            compiled = Compiled(made.name, made.function, given)
        except RuntimeError:  # of LLVM: code that cannot be read
            return _bound(made, found, expected, before)
        result = guarded(made.name, compiled.run, [given], {})
    names = _passed(made)
    passed = {number: one for number, one in copied.items() if number in names}
    did = tally(compiled, [(found[number][0], one) for number, one in passed.items()])
    if not agree(made, found, (result, list(copied.values())), (expected, before)):
        did.unknown = (*did.unknown, "what depends on the number of threads")
    for piece, (number, one) in zip(did.pieces, passed.items(), strict=False):
        if not piece.written and not same(one, found[number][1]):
            piece.whole(store=True)  # by a function of C
    both = {piece.name for piece in did.pieces if piece.read and piece.written}
    unread = _overwritten(made, found, both, (expected, before))
    pieces = [(piece.low, piece.high) for piece in did.pieces]
    returned = [one for _, one in walk(result, "result")]
    new = [one for one in returned if not any(low <= bounds(one)[0] < high for low, high in pieces)]
    return did.counts(new, unread)


def _bound(made: Subject, found: Arrays, result: object, after: Sequence[Array]) -> Counts:
    """What is known without the code: arrays that go in, those that change, and those that come out."""
    given = [one for _, one in found.values()]
    nbytes = sum(distinct(one) for one in given)
    nbytes += sum(distinct(one) for one, new in zip(given, after, strict=True) if not same(one, new))
    nbytes += sum(distinct(one) for _, one in walk(result, "result"))
    some = Range(nbytes, math.inf)
    unknown = (f"the compiled code of {made.name}",)
    return Counts("numba", nbytes, nbytes, some, Range(0, math.inf), None, "", unknown, (), (), False, (), "", None)


def _passed(made: Subject) -> set[int]:
    """The arrays that are arguments: Numba copies those of globals and closures into its code."""
    inner = [*zip(made.names, made.args, strict=True), *made.kwargs.items()]
    return {id(array) for name, value in inner for _, array in walk(value, name)}


def _overwritten(made: Subject, found: Arrays, names: set[str], outcome: Outcome) -> set[str]:
    """Which arrays are written whatever was in them: other contents give the same results and the same arrays."""
    kept = set()
    for number, (name, _) in found.items():
        if name not in names:
            continue
        copied = copied_arrays(found)
        if copied[number].dtype.kind not in "fc" or not copied[number].flags.writeable:
            continue
        copied[number][...] = copied[number][::-1] + 0.5
        with made.replaced(copied) as (args, kwargs):
            try:
                result = guarded(made.name, made.function, args, kwargs)
            except UsageError:
                result = None  # contents matter
        if same(result, outcome[0]) and same(list(copied.values()), outcome[1]):
            kept.add(name)
    return kept
