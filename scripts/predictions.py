"""Do the gains that `hwbench place` predicts come true? Kernels that get advice, and their rewrites, timed in turn.

    python scripts/predictions.py [NAME…] [--json FILE]

For each kernel: the gain to expect, the gain that its rewrite reaches, and the bound. Exits with 1 where fewer than 80%
of the expected gains are within 15% of what is reached, or a bound is exceeded.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import functools
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hwbench.devices import selection
from hwbench.errors import UsageError
from hwbench.placing import engine, probe, roofs, timing
from hwbench.placing.subject import Inputs
from hwbench.record import text
from hwbench.record.estimate import paired_ratio

sys.path.insert(0, str(Path(__file__).parent))
from prediction_kernels import KERNELS, Kernel

NEAR, OF_ALL = 0.15, 0.8
TRIES, CERTAIN = 2, 0.05  # what is disturbed is measured again


KEPT = 2**30  # bytes that the allocator keeps
TRIM, MMAP = -1, -3  # malloc.h


def keep_memory() -> None:
    """Let glibc keep freed memory: else a function gets new pages at some calls and none at others.

    What new pages cost is another advice (`reuse`), and would hide what fusing, pieces and threads bring.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(MMAP, KEPT)
        libc.mallopt(TRIM, KEPT)


def predicted(kernel: Kernel, setting: engine.Setting) -> dict[str, object]:
    """What was expected of a kernel's rewrite, what it reached, and the bound; the reason where nothing was."""
    inputs = Inputs(kernel.inputs())
    try:
        point = engine.place(kernel.name, kernel.function, inputs, setting)[kernel.name]
    except UsageError as error:
        return {"name": kernel.name, "code": kernel.code, "why": str(error)}
    advice = {one.code: one for one in point.advice}
    if kernel.code not in advice:
        given = ", ".join(advice) or "none"
        return {"name": kernel.name, "code": kernel.code, "why": f"gets other advice: {given}", "share": point.share}
    calls = {"before": functools.partial(kernel.function, *inputs.args),
             "after": functools.partial(kernel.rewritten, *inputs.args)}  # fmt: skip
    with probe.quiet():
        calls["after"]()  # compiled
        for _ in range(TRIES):
            found = timing.measure(calls, setting.devices, point.seconds.value)
            reached = paired_ratio(found["before"].samples, found["after"].samples)
            if reached.relative < CERTAIN:
                break
    gain = advice[kernel.code].gain
    return {
        "name": kernel.name, "code": kernel.code, "expected": gain.expected, "at_most": gain.at_most,
        "reached": reached.value, "low": reached.low, "high": reached.high, "before": point.seconds.value,
        "pages": point.pages, "share": point.share, "doubt": point.doubt, "level": point.level,
        "beside": [point.beside.one, point.beside.every] if point.beside else None,
    }  # fmt: skip


def line(one: dict[str, object]) -> str:
    """`products  fuse  expected 1.80×, reached 1.75×, at most 2.9×`."""
    if "why" in one:
        return f"{one['name']:26}{one['code']:9}{one['why']}"
    off = float(str(one["expected"])) / float(str(one["reached"])) - 1
    figures = ", ".join(
        f"{name.replace('_', ' ')} {float(str(one[name])):.2f}" for name in ("expected", "reached", "at_most")
    )
    return f"{one['name']:26}{one['code']:9}{figures}: {off:+.0%}{'  ' + str(one['doubt']) if one['doubt'] else ''}"


def totals(found: Sequence[dict[str, object]]) -> tuple[int, int, int]:
    """How many kernels got their advice, of how many what was expected came true, and how many exceeded the bound."""
    told = [one for one in found if "why" not in one]
    ratios = [(float(str(one["expected"])), float(str(one["reached"])), float(str(one["at_most"]))) for one in told]
    near = sum(abs(expected / reached - 1) <= NEAR for expected, reached, _ in ratios)
    return len(told), near, sum(reached > at_most for _, reached, at_most in ratios)


def main(arguments: list[str] | None = None, echo: Callable[[str], object] = print) -> int:
    """Time the kernels; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="only these kernels, by the beginning of their names")
    parser.add_argument("--json", type=Path, help="where the figures go")
    parser.add_argument("--refresh", action="store_true", help="measure the roofs again")
    given = parser.parse_args(arguments)
    keep_memory()
    known = roofs.get(echo, refresh=given.refresh)
    setting = engine.Setting(lambda: known, selection.devices("cpu"))
    chosen = [one for one in KERNELS if not given.names or one.name.startswith(tuple(given.names))]
    found = []
    for kernel in chosen:
        found.append(predicted(kernel, setting))
        echo(line(found[-1]))
    told, near, above = totals(found)
    echo(f"{told} of {len(found)} kernels got the advice; of {near} the expected gain is within {text.share(NEAR)} of "
         f"what was reached ({text.share(near / max(told, 1))}); {above} exceeded the bound")  # fmt: skip
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return int(near < OF_ALL * told or above > 0)


if __name__ == "__main__":
    sys.exit(main())
