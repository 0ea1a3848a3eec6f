"""`hwbench place`: a function of a user's file, under the measured roofs of this machine."""

from __future__ import annotations

import functools
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import guardian
from .console import echo, echo_err, print_json
from .signals import Stop, handle, leave, load_numpy

if TYPE_CHECKING:
    from ..placing.engine import Declared
    from ..placing.sweep import Swept
    from ..record.model import JsonObject

STATED = re.compile(r"(bytes|flops)=([0-9.]+(?:[eE][+-]?[0-9]+)?)(\*?n)?")


def place(
    target: Annotated[str, typer.Argument(metavar="FILE.py:FUNCTION", help="The function, and the file that has it.")],
    args: Annotated[
        str | None,
        typer.Option(
            "--args",
            metavar="FILE.py:MAKE",
            help="The function that makes its arguments; default: make_inputs of FILE.",
        ),
    ] = None,
    sweep: Annotated[
        str | None,
        typer.Option("--sweep", metavar="n=1e3:1e8", help="Call MAKE with n from 1e3 to 1e8, two of each decade."),
    ] = None,
    json: Annotated[
        str | None,
        typer.Option(
            "--json",
            metavar="FILE|-",
            help="Write JSON to this file; with - to standard output, which then has nothing else.",
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write one HTML page.")] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Measure the roofs of this machine again.")] = False,
    declare: Annotated[
        list[str] | None,
        typer.Option("--declare", metavar="bytes=24n", help="Bytes or flops of a call, instead of what is counted."),
    ] = None,
) -> None:
    """Say how much of this machine a function of yours gets.

    It counts and times a call, and says what would make it faster.
    """
    from ..errors import UsageError

    stated = declared(declare or ())
    handle(leave)
    with guardian.guarded(target) as watch:
        load_numpy()
        from ..measurement import numba_settings

        numba_settings.check()
        from ..devices import selection
        from ..placing import gpu_roofs, lines, roofs, subject
        from ..placing import sweep as sweeps
        from ..placing.engine import Setting

        ns = sweeps.sizes(sweep)
        watch("is imported")
        wanted = subject.load(target, args)
        watch("")
        if sweep and not wanted.sized:
            raise UsageError(
                f"--sweep {sweep}: no function takes n; name one that makes the arguments from n: --args FILE.py:MAKE"
            )
        stop = Stop()
        handle(stop.ask)
        try:
            setting = Setting(
                functools.partial(roofs.get, echo_err, stop.check, refresh=refresh), selection.devices("cpu"),
                stop.check, echo_err, hardware=True, watch=watch,
                gpu_roofs=functools.partial(gpu_roofs.get, refresh=refresh),
            )  # fmt: skip
            found = sweeps.run(
                wanted, setting, list(ns) if wanted.sized else [None],
                declared=_amounts(stated), placed=lambda point: echo_err(lines.brief(wanted.name, point)),
            )  # fmt: skip
        except KeyboardInterrupt:
            echo_err("interrupted: nothing is kept")
            raise typer.Exit(130) from None
        handle(leave)
        _give(found, json)
        if output is not None:
            from ..placing import on_gpu, page

            page.write(found, on_gpu.roofs_for(found.functions[0].points, lambda: setting.roofs), output)
            echo_err(f"page: {output}")
        if found.stopped:
            raise UsageError(found.stopped)


def declared(texts: list[str] | tuple[str, ...]) -> dict[str, tuple[float, bool]]:
    """What `--declare` says: an amount by name, and whether it is for each n; UsageError for another form."""
    from ..errors import UsageError

    found: dict[str, tuple[float, bool]] = {}
    for text in texts:
        form = STATED.fullmatch(text.replace(" ", ""))
        if form is None:
            raise UsageError(f"--declare {text}: is not of the form bytes=24n or flops=2e6")
        found[form[1]] = (float(form[2]), bool(form[3]))
    return found


def _amounts(stated: dict[str, tuple[float, bool]]) -> Declared:
    from ..placing.engine import Declared

    each = tuple(name for name, (_, per_n) in stated.items() if per_n)
    return Declared(**{name: amount for name, (amount, _) in stated.items()}, each=each)


def _give(found: Swept, json: str | None) -> None:
    """The JSON where it is asked for, else lines."""
    from ..placing import lines
    from ..placing.model import as_json

    data: JsonObject = as_json(found.functions[0])
    if len(found.functions) > 1:
        data["variants"] = [as_json(one) for one in found.functions[1:]]
    if json == "-":
        print_json(data)
        return
    if json is not None:
        import msgspec

        from ..record.store import write_bytes

        write_bytes(msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n", Path(json))
    for line in lines.report(found.functions):
        echo(line)
    sys.stdout.flush()
