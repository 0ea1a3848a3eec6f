"""`hwbench check`: is this machine all right? For people, and for the prologues of jobs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import echo, echo_err, print_json
from .options import AsJson, Out, relative
from .signals import Stop, handle, leave, load_numpy

if TYPE_CHECKING:
    from ..analysis.headline import Headline
    from ..record.model import JsonObject
    from .check_up import CheckUp

CODES = {"pass": 0, "fail": 1, "no answer": 2}
REASONS = 4  # that are printed
NOW = ("dram.latency", "dram.read.all", "dram.triad.all", "peak.f8.all")
CPU = ("dram.latency", "dram.read.one", "peak.f8.one")  # what does not depend on the number of cores
Bars = list[str] | None


def check(
    least: Annotated[
        Bars,
        typer.Option(
            "--min",
            metavar="NAME=QUANTITY",
            help="A figure's lowest good value, such as dram.read.all=50GB/s (repeatable).",
        ),
    ] = None,
    most: Annotated[
        Bars,
        typer.Option(
            "--max",
            metavar="NAME=QUANTITY",
            help="A figure's highest good value, such as dram.latency=120ns (repeatable).",
        ),
    ] = None,
    threshold: Annotated[
        str, typer.Option(metavar="SHARE", help="How much slower than usual a figure may be.")
    ] = "10%",
    out: Out = Path("reports"),
    machine: Annotated[str | None, typer.Option(metavar="NAME", help="What to call this machine.")] = None,
    json: AsJson = False,
) -> None:
    """Say in 20 s whether this machine is all right.

    Figures are judged by earlier runs and by bars (--min, --max). Exit 0: yes, 1: no, 2: no answer.
    """
    handle(leave)
    limit = relative(threshold)
    load_numpy()
    from ..analysis.bars import bars

    wanted = bars(least or (), most or ())
    if sys.stderr is not None and sys.stderr.isatty():
        echo_err("measuring for about 20 s")
    from ..measurement import numba_settings

    numba_settings.check()
    from ..measurement.autosave import Interrupted
    from ..measurement.observer import TroubleOnly
    from . import check_up

    stop = Stop()
    handle(stop.ask)
    try:
        found = check_up.run(out, machine, wanted, limit, TroubleOnly(echo_err), stop.check)
    except Interrupted as end:
        if end.path is not None:
            end.path.unlink(missing_ok=True)
        echo_err("interrupted: nothing is kept of this check")
        raise typer.Exit(130) from None
    handle(leave)
    if json:
        print_json(as_json(found))
    else:
        for line in lines(found):
            echo(line)
    raise typer.Exit(CODES[found.verdict])


def lines(found: CheckUp) -> list[str]:
    """At most ten lines: the verdict, its reasons, the main figures, those usual for the CPU, and the run's file."""
    from ..record import text

    reasons = _reasons(found)
    more = [f"  and {len(reasons) - REASONS} more: --json has all"] if len(reasons) > REASONS else []
    told = [
        f"{found.verdict}: {_subject(found)}", *(f"  {one}" for one in reasons[:REASONS]), *more,
        f"now    {_figures(found, NOW)}", *_usual(found),
        f"kept   {found.path or 'nowhere'} ({text.duration(found.seconds)})",
    ]  # fmt: skip
    return [text.printable(line) for line in told]


def _subject(found: CheckUp) -> str:
    """`AMD EPYC (Zen 3), 2 CPUs: 32 figures as in 5 earlier runs`."""
    from ..record.microarchitectures import title
    from ..record.phrases import counted

    cpu = found.reading.run.machine.cpu
    known = [one for one in found.judged if one.state != "unknown"]
    whose = "of like machines" if found.history.like else "of it"
    parts = []
    runs = len(found.history.own)
    if found.barred:
        met = sum(one.state == "good" for one in found.barred)
        parts.append(f"{met} of {counted(len(found.barred), 'bar')} met")
    if known:
        good = sum(one.state == "good" for one in known)
        parts.append(f"{good} of {counted(len(known), 'figure')} as in {counted(runs, 'run')} {whose}")
    else:
        more = "" if found.barred else "; check again (20 s each), or set bars by --min and --max"
        parts.append(f"{counted(runs, 'earlier run')} {whose}, of which 3 are needed{more}")
    return f"{title(cpu)}, {counted(len(cpu.allowed) or cpu.logical, 'CPU')}: {', '.join(parts)}"


def _reasons(found: CheckUp) -> list[str]:
    """What speaks against the machine, the bad before the doubtful, the greatest difference first."""
    from ..analysis.bars import shown
    from ..record import text

    missed = [bar for bar in found.barred if bar.state != "good"]
    told = [(bar.state, 0.0, f"{_figure(bar.now)}: wanted {bar.bar.words}") for bar in missed]
    for one in found.judged:
        if one.state in ("bad", "doubtful") and one.usual is not None and one.slower is not None:
            usual = f"usually {shown(one.usual.value, one.now.unit)}"
            told.append((one.state, -one.slower.value, f"{_figure(one.now)}: {usual}, {text.ratio(one.slower)}"))
    order = sorted(told, key=lambda each: (each[0] != "bad", each[1]))
    wrong = [f"{one.case.label}: {one.status}: {one.why}" for one in found.reading.records if one.status == "wrong"]
    return [*wrong, *(said + "; doubtful, measured twice" * (state == "doubtful") for state, _, said in order)]


def _figure(now: Headline) -> str:
    from ..analysis.bars import shown
    from ..record import text

    return f"{now.name} {shown(now.value, now.unit)}{text.DOUBTFUL * bool(now.doubt)}"


def _figures(found: CheckUp, names: Sequence[str]) -> str:
    """`dram.latency 151 ns, dram.read.all 54.5 GB/s`, a `~` at suspect ones."""
    known = [one for name in names if (one := found.reading.get(name)) is not None]
    return ", ".join(map(_figure, known)) or "nothing was measured"


def _usual(found: CheckUp) -> list[str]:
    """What runs at hand say of this CPU: the range of figures that do not depend on the number of cores."""
    from ..analysis.bars import shown
    from ..record.phrases import counted

    parts = []
    for name in CPU:
        values = [one for each in found.history.cpu if (one := each.get(name)) is not None]
        if values:
            ordered = sorted(values, key=lambda one: one.value)
            first, last = (shown(one.value, one.unit) for one in (ordered[0], ordered[-1]))
            (number, _, unit), same = first.rpartition(" "), first == last
            ends = first if same else f"{number if last.endswith(f' {unit}') else first}–{last}"
            parts.append(f"{name} {ends}")
    return [f"usual  for this CPU in {counted(len(found.history.cpu), 'run')}: {', '.join(parts)}"] if parts else []


def as_json(found: CheckUp) -> JsonObject:
    """The check as plain data, in SI units."""
    return {
        "verdict": found.verdict,
        "exit": CODES[found.verdict],
        "reasons": _reasons(found),
        "machine": found.reading.run.machine.name,
        "run": str(found.path) if found.path else None,
        "seconds": round(found.seconds, 1),
        "earlier_runs": [one.run.id for one in found.history.own],
        "like_machines": found.history.like,
        "measured_twice": found.repeated,
        "figures": [
            {"name": one.now.name, "value": one.now.value, "low": one.now.low, "high": one.now.high,
             "unit": one.now.unit, "threads": one.now.threads, "doubt": one.now.doubt, "state": one.state,
             "usual": one.usual._asdict() if one.usual else None, "runs": one.runs,
             "slower": one.slower._asdict() if one.slower else None}
            for one in found.judged
        ],
        "bars": [
            {"name": one.bar.name, "bar": one.bar.value, "least": one.bar.least, "value": one.now.value,
             "low": one.now.low, "high": one.now.high, "unit": one.now.unit, "state": one.state}
            for one in found.barred
        ],
        "cpu": {
            name: [one.value for each in found.history.cpu if (one := each.get(name)) is not None] for name in CPU
        },
    }  # fmt: skip
