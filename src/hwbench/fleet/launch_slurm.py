"""Runs as jobs of Slurm, through submitit: a job a node where the nodes are named, else one job of so many nodes."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import math
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import StoreError, UsageError
from ..record import installing
from ..version import __version__
from . import launch_task
from .launch import REFUSED, Ended, Order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from submitit import Job

CLUSTER = "slurm"
PERIOD = 1.0  # seconds between looks at jobs: each looks for a file on a disk that is shared
SHORT = {"-N": "nodes", "-p": "partition", "-t": "time", "-w": "nodelist", "-A": "account", "-C": "constraint",
         "-x": "exclude", "-q": "qos", "-J": "job-name"}  # fmt: skip
FORMS = '--slurm "--nodes=16 --partition=short --time=30", or --nodelist=node[01-16]'
# What submitit names; any other option goes to sbatch as it is.
KNOWN = ("partition", "qos", "account", "constraint", "exclude", "gres", "mem", "comment", "exclusive")
LOST = "its job ended without an answer"


@dataclass(frozen=True)
class Options:
    """What `--slurm` says: nodes by number or by name, minutes, and further options of sbatch."""

    nodes: int = 0
    nodelist: tuple[str, ...] = ()
    minutes: int | None = None
    others: Mapping[str, str | bool] = field(default_factory=dict)

    def only(self, nodes: Sequence[str]) -> Options:
        """These nodes of the list alone."""
        return dataclasses.replace(self, nodes=0, nodelist=tuple(nodes))

    def parameters(self, wait: float) -> dict[str, object]:
        """The parameters of submitit. A whole node is measured: alone, all its memory, bound to none of its CPUs."""
        known = {f"slurm_{name}": value for name, value in self.others.items() if name in KNOWN}
        further = {name: value for name, value in self.others.items() if name not in KNOWN}
        return {
            "timeout_min": self.minutes or max(1, math.ceil(wait / 60)), "slurm_exclusive": True, "slurm_mem": "0",
            "slurm_srun_args": ["--cpu-bind=none"],
            **({"slurm_additional_parameters": further} if further else {}), **known,
        }  # fmt: skip


def options(said: str) -> Options:
    """Options as sbatch has them, with or without dashes; UsageError for what is none."""
    try:
        words = shlex.split(said)
    except ValueError as error:
        raise UsageError(f"--slurm {said}: {error}") from None
    found: dict[str, str | bool] = {}
    while words:
        word = words.pop(0)
        if word in SHORT and words:
            found[SHORT[word]] = words.pop(0)
            continue
        name, equals, value = word.removeprefix("--").partition("=")
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name) or (equals and not value):
            raise UsageError(f"--slurm {word}: is no option of sbatch; write {FORMS}")
        if not equals and word.startswith("--") and words and "=" not in words[0] and not words[0].startswith("-"):
            value = words.pop(0)
        found[name] = value or True
    count, names, limit = (found.pop(name, "") for name in ("nodes", "nodelist", "time"))
    if count and not re.fullmatch(r"[1-9][0-9]{0,5}", str(count)):
        raise UsageError(f"--slurm nodes={count}: is no number of nodes")
    if names is True or (not count and not names):
        raise UsageError(f"--slurm {said}: does not say on which nodes; write {FORMS}")
    return Options(
        int(count or 0), tuple(node_names(str(names))) if names else (), minutes(str(limit)) if limit else None, found
    )


def minutes(said: str) -> int:
    """Slurm's times in minutes, rounded up: `30`, `30:00`, `1:30:00`, `2-0`, `2-12:30`; UsageError for others."""
    form = re.fullmatch(r"(?:(\d{1,4})-)?(\d{1,6})(?::(\d{1,2}))?(?::(\d{1,2}))?", said)
    if form is None:
        raise UsageError(f"--slurm time={said}: is none of Slurm's times: minutes, hours:minutes:seconds or days-hours")
    days, first, second, third = (int(part or 0) for part in form.groups())
    if form[1]:
        seconds = days * 86_400 + first * 3600 + second * 60 + third
    elif form[4]:
        seconds = first * 3600 + second * 60 + third
    else:
        seconds = first * 60 + second
    return max(1, math.ceil(seconds / 60))


def node_names(said: str) -> list[str]:
    """The nodes of `node[01-03],other`, by Slurm's own `scontrol` where a bracket needs it."""
    if "[" not in said:
        return [name for name in said.split(",") if name]
    try:
        done = subprocess.run(  # noqa: S603
            ["scontrol", "show", "hostnames", said],  # noqa: S607
            capture_output=True, text=True, timeout=30, check=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError(f"--slurm nodelist={said}: scontrol cannot expand it ({type(error).__name__})") from None
    return done.stdout.split()


class Slurm:
    """A machine a node. The folder must be one that all nodes see."""

    def __init__(
        self, order: Order, asked: Options, folder: Path, *, wait: float, cluster: str = "", period: float = PERIOD
    ) -> None:
        self.order, self.asked, self.period = order, asked, period
        self.count = len(asked.nodelist) or asked.nodes
        self.known = list(asked.nodelist) or [f"node {number} of {self.count}" for number in range(1, self.count + 1)]
        # Each node has a job of its own where nodes are named; those that must begin together have one.
        self.apart = bool(asked.nodelist) and order.every is None
        self.named = self.apart  # whether the names are known in the order of the tasks
        self.started: set[int] = set()
        self.submitted = False
        self.jobs: dict[int, Job[launch_task.Answer]] = {}  # under way
        self.failed: list[Ended] = []
        self.looked = -math.inf
        self.cluster = cluster or CLUSTER
        self.executor = _executor(folder, self.cluster)
        self.parameters = asked.parameters(wait)

    def names(self) -> list[str]:
        """The nodes; where a number was asked for, by number until a run has ended."""
        return self.known

    def check(self, say: Callable[[str], object]) -> dict[int, str]:  # noqa: ARG002 - of the protocol
        """Nodes cannot be asked before they are given: each run compares its version before it measures."""
        return {}

    def start(self, task: int, machines: int) -> None:
        """Submit a job, that of all nodes once all tasks are there; one that is started again has its own."""
        again = task in self.started
        self.started.add(task)
        if again and not self.named:
            self.failed.append(Ended(task, REFUSED, f"{LOST}, and Slurm has not said on which node"))
        elif again or self.apart:
            self._submit([task], machines)
        elif len(self.started) == self.count:
            self._submit(sorted(self.started), machines)

    def ended(self) -> list[Ended]:
        """What ended since the last look."""
        found, self.failed = self.failed, []
        if time.monotonic() - self.looked < self.period:
            return found
        self.looked = time.monotonic()
        over = [task for task, job in self.jobs.items() if job.done()]
        return [*found, *(self._end(task, self.jobs.pop(task)) for task in over)]

    def close(self) -> None:
        """Leave the jobs: those that run end by themselves, those that wait are run in their turn."""

    def _submit(self, tasks: Sequence[int], machines: int) -> None:
        """One job of a node a task; StoreError where Slurm refuses the first."""
        nodes = [self.known[task] for task in tasks] if self.named else self.asked.nodelist
        named = {"slurm_nodelist": ",".join(nodes)} if nodes else {}
        # submitit's local executor, which stands in for Slurm, has one node.
        size = {"tasks_per_node": len(tasks)} if self.cluster == "local" else {"nodes": len(tasks), "tasks_per_node": 1}
        variables = [self.order.task(task, machines).variables() for task in tasks]
        try:
            self.executor.update_parameters(name="hwbench", **self.parameters, **named, **size)
            job = self.executor.submit(ranked, self.order.command(), variables, __version__)
        except Exception as error:  # noqa: BLE001 - submitit raises what sbatch says in errors of several kinds
            why = f"no job can be submitted: {' '.join(str(error).split())[-300:]}"
            if not self.submitted:
                raise StoreError(f"--slurm: {why}") from None
            self.failed += [Ended(task, REFUSED, why) for task in tasks]
            return
        self.submitted = True
        self.jobs |= {task: job.task(rank) if len(tasks) > 1 else job for rank, task in enumerate(tasks)}

    def _end(self, task: int, job: Job[launch_task.Answer]) -> Ended:
        try:
            answer = job.result()
        except Exception as error:  # noqa: BLE001 - whatever a job raised, or how Slurm ended it
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            return Ended(task, None, f"{LOST}: {lines[-1][:300]}" if lines else LOST)
        if not self.named:
            self._learn(task, answer)
        return Ended(task, answer.code, answer.said)

    def _learn(self, task: int, answer: launch_task.Answer) -> None:
        """The nodes of the one job, in the order of its tasks; where Slurm does not say, the host of this one."""
        self.known[task] = answer.host
        with contextlib.suppress(UsageError):
            nodes = node_names(answer.nodes)
            if len(nodes) == self.count:
                self.known, self.named = nodes, True


def ranked(words: Sequence[str], variables: Sequence[Mapping[str, str]], version: str) -> launch_task.Answer:
    """On a node: the run of the task that this is of its job."""
    import submitit

    return launch_task.measure(words, variables[submitit.JobEnvironment().global_rank], version)


def _executor(folder: Path, cluster: str) -> Any:
    """Submitit's executor; UsageError where it or Slurm is missing."""
    try:
        import submitit
    except ImportError:
        raise UsageError(f"--slurm: needs submitit: {installing.command('fleet')}") from None
    if cluster == "slurm" and not shutil.which("sbatch"):
        raise UsageError("--slurm: there is no sbatch here; run this where jobs are submitted")
    logging.getLogger("submitit").setLevel(logging.CRITICAL)
    try:
        return submitit.AutoExecutor(folder=folder, cluster=cluster)
    except OSError as error:
        why = f"cannot be written ({error.strerror}); name a directory that all nodes see by --out"
        raise StoreError(f"{folder}: {why}") from None
