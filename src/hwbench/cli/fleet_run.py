"""`hwbench fleet run`: start `hwbench run --to URL` on many machines by an engine, and watch the store."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import echo, echo_err, live, print_json
from .options import AsJson, Devices, Out, Param, Preset, Select, Variant, axis_values, seconds
from .signals import handle

if TYPE_CHECKING:
    from ..fleet.launch import Launch, Launcher, Listener, Order, Outcome
    from ..record.model import JsonObject

ENGINES = "--dask, --dask-local, --slurm, --ssh or --k8s"
MOST = 100_000  # machines of one launch: Kubernetes' limit for an Indexed Job
SHOWN = 20  # machines without an answer that are listed one by one
EVERY = 20.0  # seconds from group to group of --together


def fleet_run(
    select: Select = None,
    to: Annotated[
        str, typer.Option("--to", metavar="URL", help="The store that all machines reach: a path, s3://, gs://, az://.")
    ] = "",
    dask: Annotated[str, typer.Option(metavar="ADDRESS", help="On the hosts of a Dask cluster: tcp://host:8786.")] = "",
    dask_local: Annotated[
        int | None, typer.Option(metavar="N", help="On N Dask workers of this machine, to try it out.")
    ] = None,
    slurm: Annotated[str, typer.Option(metavar="OPTIONS", help='As Slurm jobs: "--nodes=16 --partition=short".')] = "",
    ssh: Annotated[
        Path | None, typer.Option(metavar="FILE", help="By ssh, on the hosts in a file, one a line.")
    ] = None,
    k8s: Annotated[
        int | None, typer.Option(metavar="N", help="Print an Indexed Job of Kubernetes for N nodes; needs --image.")
    ] = None,
    preset: Preset = "standard",
    device: Devices = "all",
    param: Param = None,
    variant: Variant = None,
    budget: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="The time that the run of each machine may take.")
    ] = None,
    machines: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Only these machines, one a line, as `fleet diagnose --retest` lists them."),
    ] = None,
    together: Annotated[
        bool, typer.Option("--together", help="Begin each group of cases on all machines in the same second.")
    ] = False,
    every: Annotated[
        str, typer.Option(metavar="TIME", help="For --together: the time from group to group; default: 20s.")
    ] = "",
    retries: Annotated[int, typer.Option(metavar="N", help="How often to start a run again that was cut off.")] = 1,
    wait: Annotated[str, typer.Option(metavar="TIME", help="How long to wait for answers.")] = "1h",
    lock: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Runs with the same lock take turns on a machine; {task} is the task's number."
        ),
    ] = "machine",
    program: Annotated[
        str, typer.Option("--as", metavar="COMMAND", help="For --ssh and --k8s: the command that starts hwbench there.")
    ] = "hwbench",
    image: Annotated[str, typer.Option(metavar="NAME", help="For --k8s: an image that has hwbench.")] = "",
    secret: Annotated[str, typer.Option(metavar="NAME", help="For --k8s: the Secret with the store's variables.")] = "",
    watch: Annotated[
        bool, typer.Option("--watch", help="For --k8s: print the Job, then wait for its answers.")
    ] = False,
    each: Annotated[str, typer.Option(metavar="host|worker", help="For --dask: what counts as a machine.")] = "host",
    out: Out = Path("reports"),
    json: AsJson = False,
) -> None:
    """Measure on many machines; name those that do not answer.

    hwbench fleet run --to s3://bench/fleet --ssh hosts.txt --preset quick

    Each machine runs `hwbench run --to URL` with the same benches, and with its own credentials for the store. Exit
    code 1 if a machine has not answered, 2 if none has.
    """
    from ..errors import UsageError
    from ..fleet.launch import Launch, Order
    from ..fleet.launch_watch import Watch
    from ..fleet.spool import absolute
    from ..fleet.store import Store
    from ..record import tickets

    asked = [name for name, one in (("--dask", dask), ("--dask-local", dask_local is not None), ("--slurm", slurm),
                                    ("--ssh", ssh is not None), ("--k8s", k8s is not None)) if one]  # fmt: skip
    if not to:
        raise UsageError("--to: is missing; name the store that all machines reach, such as --to s3://bench/fleet")
    if len(asked) != 1:
        raise UsageError(f"{' and '.join(asked) or 'no engine'}: choose one of {ENGINES}")
    if every and not together:
        raise UsageError("--every: is the time from group to group of --together; add that")
    if out != Path("reports") and not slurm and dask_local is None:
        raise UsageError("--out: is for --slurm and --dask-local; other machines use their own directory")
    if retries < 0:
        raise UsageError(f"--retries {retries}: is no number of times")
    for option, number in (("--dask-local", dask_local), ("--k8s", k8s)):
        if number is not None and not 1 <= number <= MOST:
            raise UsageError(f"{option} {number}: is no number of machines")
    if each not in ("host", "worker"):
        raise UsageError(f"--each {each}: must be host or worker")
    _check_lock(lock)
    limit = seconds("--wait", wait)
    beat = (seconds("--every", every) if every else EVERY) if together else None
    words = _words(select or (), preset, device, param or (), variant or (), budget)
    order = Order(absolute(to), words, tickets.new_launch(), lock, beat)
    store = Store.open(to)
    if k8s is not None:
        _print_job(order, k8s, image, program, secret, retries, limit, watch=watch)
        if not watch:
            return
    _check_reach(to, asked[0])
    handle(signal.default_int_handler)  # KeyboardInterrupt, after which it is said who has answered
    teller = _teller()
    launch: Launch | None = None
    only = _machines(machines) if machines is not None else ()
    try:
        with _launcher(order, only, dask=dask, dask_local=dask_local, slurm=slurm, ssh=ssh, k8s=k8s, program=program,
                       each=each, out=out, limit=limit) as launcher:  # fmt: skip
            launch = Launch(launcher, Watch(store, order.launch), teller, retries=retries, wait=limit)
            found = launch.run()
    except KeyboardInterrupt:
        teller.close()
        echo_err(_interrupted(launch, here=dask_local is not None))
        raise typer.Exit(130) from None
    finally:
        teller.close()
    _deliver(found, to, json=json)
    if found.silent:
        raise typer.Exit(1 if found.answered else 2)


def _words(
    select: Sequence[str], preset: str, device: str, param: Sequence[str], variant: Sequence[str], budget: float | None
) -> list[str]:
    """The further words of `hwbench run` on each machine; UsageError for what all of them would refuse."""
    from .. import catalog
    from ..measurement import planning

    axis_values(param)
    planning.check(planning.Request(preset=preset, budget=budget))
    catalog.select(select, preset)
    words = ["--preset", preset, "--device", device]
    for option, values in (("--param", param), ("--variant", variant)):
        for value in values:
            words += [option, value]
    words += ["--budget", f"{budget:g}"] if budget is not None else []
    return [*words, "--", *select] if select else words


def _check_lock(lock: str) -> None:
    from ..fleet import launch_task

    launch_task.lock_name(lock.replace("{task}", "0"))


def _check_reach(to: str, engine: str) -> None:
    """Say where a store is a directory: other machines reach it only where it is shared."""
    if "://" not in to and engine != "--dask-local":
        echo_err(f"note: {to} must be one directory on all machines; each puts its run there")


def _machines(path: Path) -> list[str]:
    """The names in a file, `-` for standard input; StoreError where it has none."""
    from ..errors import StoreError
    from ..record import files

    try:
        data = sys.stdin.buffer.read(2**20) if str(path) == "-" else files.read(path, 2**20)
        lines = data.decode().splitlines()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({files.why(error)})") from None
    except UnicodeDecodeError:
        raise StoreError(f"{path}: is no text; it has one machine a line") from None
    names = [name for line in lines if (name := line.partition("#")[0].strip())]
    if not names:
        raise StoreError(f"{path}: names no machine; it has one a line")
    return names


@contextlib.contextmanager
def _launcher(
    order: Order, only: Collection[str], *, dask: str, dask_local: int | None, slurm: str, ssh: Path | None,
    k8s: int | None, program: str, each: str, out: Path, limit: float,
) -> Iterator[Launcher]:  # fmt: skip
    """The engine that was asked for, given back at the end."""
    from ..errors import UsageError
    from ..fleet.launch import chosen

    with contextlib.ExitStack() as stack:
        launcher: Launcher
        if ssh is not None:
            from ..fleet import launch_ssh

            hosts = launch_ssh.hosts(ssh)
            kept = chosen([host.rpartition("@")[2] for host in hosts], only)
            launcher = launch_ssh.Ssh(order, [hosts[index] for index in kept], program)
        elif slurm:
            from ..fleet import launch_slurm

            asked = launch_slurm.options(slurm)
            if only and not asked.nodelist:
                raise UsageError("--machines: Slurm chooses among its nodes; name them by --slurm --nodelist=…")
            if only:
                asked = asked.only([asked.nodelist[index] for index in chosen(asked.nodelist, only)])
            launcher = launch_slurm.Slurm(order, asked, out / "slurm" / order.launch, wait=limit)
        elif k8s is not None:
            from ..fleet import launch_k8s

            if only:
                raise UsageError("--machines: Kubernetes chooses the nodes; cordon the others")
            launcher = launch_k8s.Applied(k8s)
        else:
            from ..fleet import launch_dask

            client = stack.enter_context(
                launch_dask.local(dask_local) if dask_local is not None else launch_dask.connected(dask)
            )
            if dask_local is not None:
                order = dataclasses.replace(order, words=["--out", str(out.absolute()), *order.words])
            launcher = launch_dask.Dask(order, client, each="worker" if dask_local is not None else each, only=only)
        stack.callback(launcher.close)
        yield launcher


def _print_job(
    order: Order, nodes: int, image: str, program: str, secret: str, retries: int, limit: float, *, watch: bool
) -> None:
    """The Job on standard output, which ends there to `watch`: `kubectl apply -f -` reads to the end of its pipe."""
    import shlex

    from ..errors import UsageError
    from ..fleet import launch_k8s

    try:
        words = shlex.split(program)
    except ValueError as error:
        raise UsageError(f"--as {program}: {error}") from None
    print_json(launch_k8s.job(order, nodes, image, program=words, secret=secret, retries=retries, wait=limit))
    if watch and not sys.stdout.isatty():
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _teller() -> Listener:
    """A bar on a terminal, plain lines elsewhere."""
    from .launching import Bar, Lines

    return Bar() if live(sys.stderr) else Lines()


def _interrupted(launch: Launch | None, *, here: bool) -> str:
    """Who has answered, and what becomes of the others: workers of this launch end with it."""
    if launch is None:
        return "interrupted: nothing was started"
    told = launch.outcome()
    others = "those under way were ended" if here else "those under way go on, and their runs still arrive"
    return f"interrupted: {len(told.answered)} of {told.asked} have answered; {others}"


def _deliver(found: Outcome, to: str, *, json: bool) -> None:
    """Who answered, and who did not."""
    if json:
        told: JsonObject = {
            "launch": found.launch, "store": to, "asked": found.asked,
            "answered": [{"machine": name, "run": key} for name, key in found.answered.items()],
            "silent": [{"machine": name, "why": why} for name, why in found.silent.items()],
        }  # fmt: skip
        print_json(told)
        return
    for name, why in [*found.silent.items()][:SHOWN]:
        echo_err(f"no answer: {name}: {why}")
    if len(found.silent) > SHOWN:
        echo_err(f"no answer from {len(found.silent) - SHOWN} more; --json has all")
    echo(f"{len(found.answered)} of {found.asked} machines have answered launch {found.launch}; their runs are in {to}")
