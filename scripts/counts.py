"""Are bytes and flops counted as derived by hand? All textbook kernels, with totals.

    python scripts/counts.py [--size 100000] [--only NAME…]

For each kernel of `tests/counting/` the issued bytes and flops derived by hand and counted, whether they are equal, the
ratio of the interval's ends, and the seconds that counting took. Exit code: 0 where the totals are reached, else 1: 90%
of the NumPy kernels exact, the truth inside of all intervals, high / low at most 2 for 80%, at most four not known, at
most 10 s a function.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from counting.textbook import NUMPY, Kernel  # noqa: E402
from counting.textbook_numba import NUMBA  # noqa: E402
from hwbench.counting import Counts, Range, count  # noqa: E402

ROW = "{:22} {:>22} {:>22} {:>22} {:>22} {:>5} {:>7} {:>6}  {}"


@dataclass
class Row:
    """One kernel: what is known of it, and how the counts compare."""

    name: str
    numpy: bool
    known: bool
    exact: bool
    inside: bool
    tight: bool
    seconds: float


def compared(kernel: Kernel, size: int, numpy: bool, say: Callable[[str], object]) -> Row:
    """Count one kernel and print its line."""
    inputs = kernel.inputs(size)
    before = time.perf_counter()
    found = count(kernel.compiled(), inputs)
    seconds = time.perf_counter() - before
    truth = kernel.truth(*inputs)
    pairs = [(truth.issued, found.issued), (truth.flops, found.flops)]
    known = all(one is not None for one, _ in pairs) and not found.unknown
    inside = all(one is None or _within(one, given) for one, given in pairs)
    exact = known and all(given is not None and given.exact and _within(one, given) for one, given in pairs)
    ratio = max((given.high / given.low if given.low else 1.0) for _, given in pairs if given)
    say(ROW.format(
        kernel.name, _number(truth.issued), _range(found.issued), _number(truth.flops), _range(found.flops),
        "yes" if exact else "no", f"{ratio:.3g}", f"{seconds:.2f}", _notes(truth.compulsory, found, inside),
    ))  # fmt: skip
    return Row(kernel.name, numpy, known, exact, inside, ratio <= 2, seconds)


def _notes(compulsory: int | None, found: Counts, inside: bool) -> str:
    notes = [] if inside else ["OUTSIDE"]
    if compulsory is not None and found.compulsory != compulsory:
        notes.append(f"compulsory {compulsory:,}, counted {found.compulsory:,}")
    return "; ".join([*notes, *(f"not known: {one}" for one in found.unknown)])


def _within(truth: tuple[int, int] | int, given: Range | None) -> bool:
    low, high = truth if isinstance(truth, tuple) else (truth, truth)
    return given is not None and given.low <= high and low <= given.high


def _number(value: Any) -> str:
    if isinstance(value, tuple):
        return f"{value[0]:,}–{value[1]:,}"
    return "–" if value is None else f"{value:,}"


def _range(value: Range | None) -> str:
    if value is None:
        return "–"
    return f"{value.low:,.0f}" if value.exact else f"{value.low:,.0f}–{value.high:,.0f}"


def main(arguments: Sequence[str] | None = None, say: Callable[[str], object] = print) -> int:
    """Count all kernels and say how many are right; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--only", nargs="*")
    given = parser.parse_args(arguments)
    say(ROW.format("kernel", "bytes", "counted", "flops", "counted", "exact", "hi/lo", "s", ""))
    rows = [
        compared(kernel, given.size, kernel in NUMPY, say)
        for kernel in (*NUMPY, *NUMBA)
        if not given.only or kernel.name in given.only
    ]
    return verdict(rows, say)


def verdict(rows: Sequence[Row], say: Callable[[str], object]) -> int:
    """Print the totals; 0 where all are reached."""
    numpy = [one for one in rows if one.numpy]
    totals = (
        ("NumPy kernels exact", sum(one.exact for one in numpy), 0.9 * len(numpy), len(numpy)),
        ("truth inside", sum(one.inside for one in rows), len(rows), len(rows)),
        ("high/low at most 2", sum(one.tight for one in rows), 0.8 * len(rows), len(rows)),
        ("known, all but four", sum(one.known for one in rows), len(rows) - 4, len(rows)),
        ("at most 10 s", sum(one.seconds <= 10 for one in rows), len(rows), len(rows)),
    )
    for what, have, want, of in totals:
        say(f"{what}: {have} of {of}{'' if have >= want else f', {want:g} wanted'}")
    return 0 if all(have >= want for _, have, want, _ in totals) else 1


if __name__ == "__main__":
    sys.exit(main())
