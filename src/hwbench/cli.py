"""The commands; no logic. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import __version__, output
from .signals import handle, leave

if TYPE_CHECKING:
    from rich.console import Console

    from .model import Run
    from .runner import Interrupted
    from .tracking.side import Side
    from .tracking.verdict import Report as VerdictReport

app = typer.Typer(
    name="hwbench",
    help="What can this machine do, and how much of it does my Python get?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Select = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SELECT]...", help="Globs of bench names, or topics; none: the standard set."),
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where runs and the report go.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output, and nothing else.")]


def _version(wanted: bool) -> None:
    if wanted:
        _tell(f"hwbench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    select: Select = None,
    preset: Annotated[str, typer.Option(help="quick, standard or full.")] = "standard",
    device: Annotated[str, typer.Option(help="cpu, gpu, gpu:N or all.")] = "all",
    param: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Narrow or set an axis (repeatable).")
    ] = None,
    variant: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this variant (repeatable).")] = None,
    budget: Annotated[float | None, typer.Option(metavar="SECONDS", help="Time for the whole run.")] = None,
    out: Out = Path("reports"),
    json: Annotated[
        Path | None,
        typer.Option(
            "--json",
            metavar="FILE",
            help="Also write the run here; - is standard output, to which nothing else then goes.",
        ),
    ] = None,
    machine: Annotated[str | None, typer.Option(metavar="NAME", help="What to call this machine.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the newest run that was cut off.")] = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write the run, no HTML.")] = False,
) -> None:
    """Measure what matches, print the findings, write the run and the report."""
    handle(leave)
    from . import runner

    to_stdout = json is not None and str(json) == "-"
    if json is not None and not to_stdout:
        _prepare_file(json)
    plan = runner.Plan(
        select=select or (), preset=preset, device=device, params=_params(param or ()), variants=variant or (),
        budget=budget, out=out, machine=machine, resume=resume,
    )  # fmt: skip
    observer = _observer(runner.usual_seconds(preset))
    stop = _Stop()
    handle(stop.ask)
    try:
        done, path = runner.execute(plan, observer, stop=stop.check)
        handle(leave)
    except runner.Interrupted as end:
        observer.close()
        _interrupted(end)
        _deliver_json(end.run, json, to_stdout)
        raise typer.Exit(130) from None
    finally:
        observer.close()
    page = None if no_report else _report_beside(done, out)
    _deliver(done, path, page, json, quiet=to_stdout)
    if any(record.status in ("wrong", "error") for record in done.records):
        raise typer.Exit(1)


def _interrupted(stop: Interrupted) -> None:
    """Say where the part that was measured lies; print it where it could be written nowhere."""
    from . import registry, text

    cases = len(stop.run.records)
    if stop.path is None:
        with output.unheard(sys.stderr):
            text.tables(stop.run, registry.benches(), _console(stderr=True))
        _say(f"interrupted: {cases} cases could be saved nowhere, hence the tables above")
    else:
        further = "" if stop.spare else "; --resume goes on with them"  # --resume looks where runs belong
        _say(f"interrupted: {cases} cases are saved in {stop.path}{further}")


def _deliver(done: Run, path: Path | None, page: Path | None, json: Path | None, *, quiet: bool) -> None:
    """Write the run's JSON where asked; print the findings and what is to be said against the run.

    In this order: standard output may be full or closed, which is to cost nothing that was to be kept.
    """
    from . import registry, store, text
    from .findings import findings

    failed = None
    try:
        _deliver_json(done, json, quiet)
    except store.StoreError as error:
        failed = error  # said when the rest was
    echo = _say if quiet else _tell
    for line in text.findings(findings(done, registry.benches().values())):
        echo(line)
    for line in text.quality(done):
        echo(line)
    if path is None:
        text.tables(done, registry.benches(), _console(stderr=quiet))
    else:
        echo(f"run: {path}")
    if page is not None:
        echo(f"report: {page}")
    if failed is not None:
        raise failed


def _deliver_json(done: Run, json: Path | None, to_stdout: bool) -> None:
    """The run's JSON, where `--json` asked for it."""
    from . import store

    if to_stdout:
        sys.stdout.buffer.write(store.encode(done))
        sys.stdout.buffer.flush()
    elif json is not None:
        store.write(done, json)


def _report_beside(done: Run, out: Path) -> Path | None:
    """Write the report of a run, and say where it lies; a failure costs the page, never the run."""
    from . import report as pages
    from . import store

    page = out / "index.html"
    try:
        pages.write([done, *store.verified(out, done.machine.name)], page)
    except store.StoreError as error:
        _say(f"warning: no report: {error}")
        return None
    return page


@app.command("list")
def list_(select: Select = None, json: AsJson = False) -> None:
    """List the benches: question, variants, axes, what this machine can run and why not the rest."""
    from . import listing, registry, variables

    variables.check()  # how much there is of a cache is measured for this, too
    entries = listing.entries(registry.select(select or ()))
    if json:
        _json(entries)
    else:
        listing.show(entries, _console())


@app.command()
def show(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A run file, or a run's id; none: the newest.")
    ] = None,
    out: Out = Path("reports"),
    json: AsJson = False,
) -> None:
    """Show one run as tables and findings."""
    from . import derive, registry, text
    from .findings import findings

    done = _open(run, out)
    told = findings(done, registry.benches().values())
    if json:
        _json(derive.as_json(done, registry.benches(), told))
        return
    text.tables(done, registry.benches(), _console())
    for line in [*text.findings(told), *text.quality(done)]:
        _tell(line)


@app.command()
def report(
    path: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Run files, asv's results, files of pytest-benchmark, or directories of them; none: the newest run.",
        ),
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where the page goes.")] = Path(
        "reports/index.html"
    ),
    out: Out = Path("reports"),
) -> None:
    """Write one offline HTML page from runs, asv's results and files of pytest-benchmark."""
    from . import report as pages
    from . import store
    from .tracking import sources

    found = sources.gather(path or [store.newest(out)])
    proofs = [] if path else store.verified(out, found.runs[0].machine.name)
    pages.write([*found.runs, *proofs], output, found.histories)
    _tell(f"report: {output}")


@app.command()
def compare(
    base: Annotated[
        str,
        typer.Argument(
            metavar="BASE",
            help="A run (file, id, several with commas, directory), asv:COMMIT[@MACHINE][/ENVIRONMENT], "
            "files of pytest-benchmark, or a machine's name.",
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The same.")],
    threshold: Annotated[float, typer.Option(help="Relative difference that does not matter.")] = 0.02,
    across_machines: Annotated[
        bool, typer.Option("--across-machines", help="Compare unlike machines, each against its own limits.")
    ] = False,
    asv: Annotated[
        Path | None, typer.Option(metavar="DIR", help="asv's results; else asv/results below --out.")
    ] = None,
    out: Out = Path("reports"),
    json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="A table for a pull request.")] = False,
) -> None:
    """Give a verdict for each case: same, faster, slower, ambiguous, not measured. Exit 1 only where one is slower."""
    from .registry import UsageError
    from .tracking import side, sources, verdict

    _check_threshold(threshold)
    if json and markdown:
        raise UsageError("--json and --markdown: choose one")
    old, now = sources.sides(base, new, out, asv, across=across_machines)
    differences = side.differing(old, now)
    if differences and not across_machines:
        raise UsageError(
            f"the machines differ ({'; '.join(differences)}): times of one say nothing about the other; "
            "--across-machines sets each against its own limits"
        )
    told = verdict.sides(old, now, threshold, across=across_machines)
    _verdicts(told, old, now, threshold, verdict.REMEDY, json, markdown)


@app.command()
def ab(
    base: Annotated[
        str, typer.Argument(metavar="BASE", help="A Python, the environment of one, or a commit of hwbench here.")
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The same.")],
    select: Select = None,
    quads: Annotated[int, typer.Option(help="Times four processes, in the order base new new base.")] = 6,
    threshold: Annotated[float, typer.Option(help="Relative difference that does not matter.")] = 0.005,
    preset: Annotated[str, typer.Option(help="quick, standard or full.")] = "quick",
    param: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Narrow or set an axis (repeatable).")
    ] = None,
    variant: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this variant (repeatable).")] = None,
    keep: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the run of each process here.")] = None,
    no_build: Annotated[
        bool,
        typer.Option("--no-build", help="Run a commit's sources by this Python, with the packages that are here."),
    ] = False,
    json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="A table for a pull request.")] = False,
) -> None:
    """Measure two environments or commits interleaved and give a verdict for each case. Exit 1 where one is slower.

    A commit is built by pip into a temporary environment, with the dependencies that it declares.
    """
    from . import registry, store, variables
    from .tracking import ab as duel
    from .tracking import environments

    variables.check()  # the processes of both sides inherit them
    _check_threshold(threshold)
    _params(param or ())
    if not duel.FEWEST <= quads <= 1000:
        raise registry.UsageError(f"--quads {quads}: at least {duel.FEWEST} are needed to bound a ratio")
    if json and markdown:
        raise registry.UsageError("--json and --markdown: choose one")
    if keep is not None:
        store.prepare(keep)
    handle(signal.default_int_handler)  # so that the process under way is ended, too
    asked = duel.Asked(select or (), preset, param or (), variant or ())
    try:
        with duel.workplace() as scratch:
            sides = environments.contenders((base, new), scratch / "sides", _say, build=not no_build)
            runs = duel.interleaved(sides, asked, quads, scratch, _say, keep)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    told = duel.judged(runs, (base, new), threshold)
    old, now = (duel.side(one, runs[0][i][0]) for i, one in enumerate(sides))
    _verdicts(told, old, now, threshold, duel.REMEDY, json, markdown)


def _check_threshold(threshold: float) -> None:
    from .registry import UsageError

    if not 0 <= threshold < 10:
        raise UsageError(f"--threshold {threshold:g}: is no relative difference such as 0.05")


def _verdicts(
    told: VerdictReport, old: Side, now: Side, threshold: float, remedy: str, json: bool, markdown: bool
) -> None:
    """Print verdicts the way that was asked for; exit 1 where one is slower, 2 where not a case could be compared."""
    from .tracking import table

    if json:
        _json(table.as_json(told, old, now, threshold))
    elif markdown:
        _tell(table.markdown(told, old, now, threshold))
    else:
        table.show(told, old, now, threshold, remedy, _console())
    if any(one.verdict == "slower" for one in told.cases):
        raise typer.Exit(1)
    if all(one.verdict == "not measured" for one in told.cases):
        _say("nothing was compared: no case was measured on both sides")
        raise typer.Exit(2)


@app.command()
def verify(
    select: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SELECT]...", help="Parts or globs of a comparison's name; none: all of them."),
    ] = None,
    rounds: Annotated[int, typer.Option(help="Pairs of samples in each comparison.")] = 9,
    seconds: Annotated[float, typer.Option(help="How long a sample of either side lasts.")] = 0.2,
    pages: Annotated[str, typer.Option(help="Pages of our memory: 4K, as the tools have, or huge.")] = "4K",
    stream: Annotated[
        Path | None, typer.Option("--stream", metavar="PATH", help="A compiled STREAM to compare with, too.")
    ] = None,
    least: Annotated[float, typer.Option(help="Exit 1 where a ratio's median is below this.")] = 0.95,
    out: Out = Path("reports"),
    machine: Annotated[str | None, typer.Option(metavar="NAME", help="What to call this machine.")] = None,
    json: AsJson = False,
) -> None:
    """Run native tools (likwid-bench, mbw, STREAM, C loops) and our benches in turn; print the paired ratios."""
    stop = _Stop()
    handle(leave)
    from . import variables

    variables.check()  # before the imports below, of which one is Numba
    from .native import table, verdict
    from .native import verify as natives

    plan = natives.Plan(select or (), rounds, seconds, pages, stream, out, machine)
    printer = table.Lines(_console(stderr=True) if json else _console())
    handle(stop.ask)
    try:
        done, path = natives.execute(plan, printer.told, stop.check)
    except KeyboardInterrupt:
        _say("interrupted: what was measured is below " + str(out / "verify"))
        raise typer.Exit(130) from None
    handle(leave)
    found = verdict.verdicts(done.records)
    if json:
        _json({"run": done.id, "least": least, "comparisons": found})
    else:
        for line in table.summary(found, least):
            _tell(line)
        _tell(f"kept: {path}")
    if any(one.status == "wrong" or (one.ratio is not None and one.ratio.value < least) for one in found):
        raise typer.Exit(1)


@app.command()
def machine(json: AsJson = False) -> None:
    """Say what this machine is and what will disturb measuring on it, with the remedy."""
    from . import disturbances, machine_text, runner, variables
    from . import machine as facts

    variables.check()

    here, no_gpu = runner.with_gpus(facts.describe(), runner.gpus())
    troubles = disturbances.find(here)
    if json:
        _json({"machine": here, "no_gpu": no_gpu, "software": facts.software(), "disturbances": troubles})
    else:
        machine_text.show(here, facts.software(), troubles, _console(), no_gpu)


# --- what the commands share ------------------------------------------------------------------------------------------


def _params(texts: Sequence[str]) -> dict[str, list[str]]:
    from .registry import UsageError

    found: dict[str, list[str]] = {}
    for pair in texts:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise UsageError(f"--param {pair}: is not of the form KEY=VALUE, such as size=L1")
        found.setdefault(name, []).append(value)
    return found


def _prepare_file(path: Path) -> None:
    """See that a file can be written before anything is measured for it."""
    from . import store

    if path.is_dir():
        raise store.StoreError(f"{path}: is a directory; name a file")
    store.prepare(path.parent)


def _open(name: str | None, out: Path) -> Run:
    """A run by file or id; the newest where none is named."""
    from . import store

    if name is None:
        return store.read(store.newest(out))
    if os.path.exists(name) or os.sep in name or name.endswith(".json"):  # noqa: PTH110 - Path raises for a long name
        return store.read(Path(name))
    for path in store.find(out):
        if path.stem == name:
            return store.read(path)
    raise store.StoreError(f"{name}: is no file, and no run of this id lies below {out / 'runs'}")


def _observer(usual: float) -> Any:
    from .progress import Bar, Lines

    console = _console(stderr=True)
    return Bar(console, usual) if console.is_terminal else Lines(usual=usual)


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr)
    # Off a terminal rich would fold tables at 80 columns, which nobody can search or cut.
    return console if console.is_terminal else Console(stderr=stderr, width=240, no_color=True)


def _json(data: Any) -> None:
    import msgspec

    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n")
    sys.stdout.buffer.flush()


def _tell(line: str) -> None:
    """One line on standard output. Click's own way would take ASCII for a mistake, and write UTF-8."""
    print(line, flush=True)  # noqa: T201


def _say(line: str) -> None:
    """One line on standard error, whatever the names and values in it hold, and whether anybody can hear it."""
    from .text import plain

    with output.unheard(sys.stderr):
        print(plain(line), file=sys.stderr, flush=True)  # noqa: T201


class _Stop:
    """A signal's wish to stop, granted where the engine asks: the first is noted, a second ends the process at once.

    An exception out of a signal handler may surface anywhere: inside a callback, which swallows it, or inside the code
    that Numba executes, after which Python ends by the signal whatever the exit code was to be.
    """

    def __init__(self) -> None:
        self.asked = False

    def ask(self, number: int, frame: Any) -> None:
        """The signal handler."""
        if self.asked:
            leave(number, frame)
        self.asked = True

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal came."""
        if self.asked:
            raise KeyboardInterrupt


def main() -> None:
    """Run a command; every failure is one line on standard error and the design's exit code."""
    from .registry import UsageError
    from .store import StoreError

    output.prepare()
    try:
        app()
    except (UsageError, StoreError) as error:
        _say(f"hwbench: {error}")
        sys.exit(2)
    except OSError as error:
        # What the commands look at before they read or write it: a name too long, a folder that may not be listed.
        output.silence(sys.stdout, error)
        _say(f"hwbench: {error.filename or 'output'}: {error.strerror or error}")
        sys.exit(2)
    except Exception as error:
        if os.environ.get("HWBENCH_DEBUG"):
            raise
        _say(f"hwbench: {type(error).__name__}: {' '.join(str(error).split())} (HWBENCH_DEBUG=1 shows where)")
        sys.exit(2)  # 1 says that something is slower, and a gate on pull requests would believe it
