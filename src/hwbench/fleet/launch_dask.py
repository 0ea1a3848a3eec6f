"""Runs on the workers of a Dask cluster: one task a host, pinned to a worker of it, or one a worker where asked for."""

from __future__ import annotations

import contextlib
import logging
import math
import signal
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import StoreError, UsageError
from ..record import installing
from ..record.phrases import counted
from ..version import __version__
from . import launch_task
from .launch import Ended, Order, chosen
from .launch_task import LOST

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT = 15.0  # seconds until a scheduler is given up
FRESH = 1.0  # seconds that a list of workers is believed
REJOIN = 60.0  # seconds in which a worker that was lost may come back: its nanny starts it anew
PROGRAMS = ("Python", "NumPy", "Numba", "llvmlite")


@dataclass(frozen=True)
class Place:
    """Where a task runs. `machine` is what its run calls the machine, "" for the hostname."""

    host: str
    worker: str
    name: str
    machine: str = ""


@contextlib.contextmanager
def connected(address: str) -> Iterator[Client]:
    """A client of a scheduler; StoreError where none answers."""
    distributed = _distributed("--dask")
    try:
        client = distributed.Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        why = " ".join(str(error).split()) or "no answer"
        raise StoreError(
            f"--dask {address}: no scheduler answers there ({why[:200]}); start one by `dask scheduler`, and "
            "name it as it does: tcp://host:8786"
        ) from None
    try:
        yield client
    finally:
        with contextlib.suppress(OSError, TimeoutError):
            client.close()


@contextlib.contextmanager
def local(workers: int, *, processes: bool = True) -> Iterator[Client]:
    """A client of so many workers on this machine."""
    distributed = _distributed("--dask-local")
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches workers as well, which print tracebacks
    try:
        cluster = distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=processes, dashboard_address="localhost:0",
            silence_logs=logging.CRITICAL,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, handler)
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        yield client


class Dask:
    """A machine a host; with `each="worker"` a machine a worker, and the run is called as the worker is."""

    def __init__(
        self, order: Order, client: Client, *, each: str = "host", only: Collection[str] = (), rejoin: float = REJOIN
    ) -> None:
        self.order, self.client, self.each, self.rejoin = order, client, each, rejoin
        self.places: list[Place] = []
        self.facts: list[dict[str, str]] = []
        self.whys: dict[int, str] = {}
        self.under_way: dict[int, tuple[Future, str]] = {}
        self.homeless: dict[int, float] = {}  # tasks whose worker is gone, and since when
        self.machines = 0
        self.workers: dict[str, tuple[str, str]] = {}
        self.asked = -math.inf
        self.pids: dict[str, str] = {}  # of the workers, by their addresses
        self._ask()
        kept = chosen(self.names(), only)
        self.whys = {index: self.whys[task] for index, task in enumerate(kept) if task in self.whys}
        self.places = [self.places[task] for task in kept]
        self.differing = _differing([self.facts[task] for task in kept], self.names())

    def names(self) -> list[str]:
        """The hosts or the workers."""
        return [place.name for place in self.places]

    def check(self, say: Callable[[str], object]) -> dict[int, str]:
        """Workers with another hwbench than this one, or without; other versions that differ are told."""
        for line in self.differing:
            say(line)
        return dict(self.whys)

    def start(self, task: int, machines: int) -> None:
        """Submit the run of a task to its worker; it waits for one that was lost."""
        self.machines = machines
        place = self.places[task]
        worker = self._alive(place)
        pid = self._process(worker) if worker is not None else None
        if worker is None or pid is None:
            self.homeless.setdefault(task, time.monotonic())
            return
        self.homeless.pop(task, None)
        command = self.order.command()
        if place.machine:
            command[1:1] = ["--machine", place.machine]
        variables = self.order.task(task, self.machines).variables()
        future = self.client.submit(
            launch_task.measure, command, variables, __version__, pid, workers=[worker], allow_other_workers=False,
            pure=False, key=f"hwbench-{self.order.launch}-{task}-{time.monotonic_ns()}",
        )  # fmt: skip
        self.under_way[task] = (future, worker)

    def ended(self) -> list[Ended]:
        """What ended or lost its worker; those that waited for a worker are started where it has come back."""
        found = []
        alive = self._workers() if self.under_way or self.homeless else {}
        for task, (future, worker) in [*self.under_way.items()]:
            if future.status == "finished":
                answer = future.result()
                found.append(Ended(task, answer.code, answer.said))
            elif future.status == "error":
                why = future.exception()
                found.append(Ended(task, None, f"{LOST} ({type(why).__name__})"))
            elif future.status in ("cancelled", "lost") or worker not in alive:
                found.append(Ended(task, None, LOST))
                with contextlib.suppress(Exception):
                    future.cancel()
            else:
                continue
            del self.under_way[task]
            if found[-1].code is None or found[-1].code < 0:
                self.pids.pop(worker, None)
        for task, since in [*self.homeless.items()]:
            if time.monotonic() - since > self.rejoin:
                del self.homeless[task]
                found.append(Ended(task, None, f"{LOST}, and did not come back within {self.rejoin:g} s"))
            else:
                self.start(task, self.machines)
        return found

    def close(self) -> None:
        """Forget the runs: what a worker has begun it ends."""
        futures = [future for future, _ in self.under_way.values()]
        with contextlib.suppress(Exception):
            self.client.cancel(futures)

    def _workers(self) -> dict[str, tuple[str, str]]:
        """The host and the name of each worker, by its address; {} where the scheduler is lost."""
        now = time.monotonic()
        if now - self.asked > FRESH:
            found = _scheduler_info(self.client).get("workers", {})
            self.workers = {address: (str(one.get("host")), str(one.get("name"))) for address, one in found.items()}
            self.asked = now
        return self.workers

    def _alive(self, place: Place) -> str | None:
        """The address of a worker of a place."""
        wanted = [
            address for address, (host, name) in self._workers().items()
            if (name == place.worker if self.each == "worker" else host == place.host)
        ]  # fmt: skip
        return min(wanted, default=None)

    def _process(self, worker: str) -> str | None:
        """The process of a worker, asked for anew after one at its address was lost; None where it does not answer."""
        if worker not in self.pids:
            try:
                said = self.client.run(launch_task.facts, workers=[worker], on_error="return").get(worker)
            except Exception:  # noqa: BLE001 - whatever a connection that breaks raises
                return None
            if not isinstance(said, dict):
                return None
            self.pids[worker] = str(said.get("pid"))
        return self.pids[worker]

    def _ask(self) -> None:
        """What there is, and what is installed there; StoreError without a worker."""
        workers = self._workers()
        if not workers:
            raise StoreError("the Dask cluster has no worker; start some by `dask worker ADDRESS`")
        told = self.client.run(launch_task.facts, on_error="return")
        seen: set[str] = set()
        for address, (host, name) in sorted(workers.items(), key=lambda one: (one[1], one[0])):
            said = told.get(address)
            facts = said if isinstance(said, dict) else {}
            self.pids[address] = str(facts.get("pid"))
            mine = name if self.each == "worker" else host
            if mine in seen:
                continue
            seen.add(mine)
            here = str(facts.get("host") or host)
            machine = f"{here}-{name}" if self.each == "worker" else ""
            if why := _unlike(said):
                self.whys[len(self.places)] = why
            self.facts.append(facts)
            self.places.append(Place(host, name, machine or here, machine))


def _unlike(said: object) -> str:
    """Why a worker cannot measure; "" where its hwbench is that of the launcher."""
    if isinstance(said, dict):
        version = said.get("version")
        return "" if version == __version__ else f"has hwbench {version}, and here is {__version__}"
    if isinstance(said, ImportError):
        return f"has no hwbench that takes part in launches ({said}); install hwbench-suite {__version__} there"
    return f"cannot be asked for its version ({' '.join(str(said).split())[:200] or 'no answer'})"


def _differing(facts: Sequence[dict[str, str]], names: Sequence[str]) -> list[str]:
    """A line for each program of which machines have several versions: their figures may differ by that alone."""
    found = []
    for program in PROGRAMS:
        having: dict[str, list[str]] = {}
        for one, name in zip(facts, names, strict=True):
            if program in one:
                having.setdefault(one[program], []).append(name)
        if len(having) > 1:
            most = sorted(having.items(), key=lambda one: (-len(one[1]), one[0]))
            rest = "; ".join(
                f"{version} on {', '.join(some[:3])}{' …' * (len(some) > 3)}" for version, some in most[1:4]
            )
            found.append(f"warning: {program} {most[0][0]} on {counted(len(most[0][1]), 'machine')}, but {rest}")
    return found


def _scheduler_info(client: Client) -> dict[str, dict[str, dict[str, object]]]:
    """What the scheduler knows of all workers, {} where it is lost; some versions give five unless asked for more."""
    ask: Callable[..., dict[str, dict[str, dict[str, object]]]] = client.scheduler_info
    if client.status != "running":
        return {}
    try:
        return ask(n_workers=-1)
    except TypeError:
        return ask()
    except Exception:  # noqa: BLE001 - whatever a connection that breaks raises
        return {}


def _distributed(option: str) -> Any:
    """The library; UsageError where it is not installed. Its loggers tell what the user is told in one line."""
    try:
        import distributed
    except ImportError:
        raise UsageError(f"{option}: needs dask.distributed: {installing.command('fleet')}") from None
    for name in ("distributed", "distributed.client", "distributed.scheduler", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return distributed
