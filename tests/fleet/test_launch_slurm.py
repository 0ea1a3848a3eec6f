"""Runs as jobs of Slurm: its options and times, and jobs by submitit's local executor in place of a cluster."""

from __future__ import annotations

import math
import os
import re
import sys
import time

import pytest

from doubles.launches import LAUNCH
from hwbench.errors import StoreError, UsageError
from hwbench.fleet import launch_slurm
from hwbench.fleet.launch import Ended, Order
from hwbench.fleet.launch_slurm import Slurm, minutes, options
from hwbench.fleet.launch_task import Answer
from hwbench.version import __version__

ORDER = Order("s3://b/f", ["--", "stream"], LAUNCH)


@pytest.mark.parametrize(
    ("said", "nodes", "names", "limit", "others"),
    [
        ("--nodes=16 --partition=short --time=30", 16, (), 30, {"partition": "short"}),
        ("nodes=4 qos=low exclusive=user", 4, (), None, {"qos": "low", "exclusive": "user"}),
        ("-N 2 -p 'a b' -t 1:00:00 --nodelist n1,n2", 2, ("n1", "n2"), 60, {"partition": "a b"}),
        ("--nodelist=n1 --reservation=acceptance --overcommit", 0, ("n1",), None,
         {"reservation": "acceptance", "overcommit": True}),
    ],
)  # fmt: skip
def test_options_are_those_of_sbatch(said, nodes, names, limit, others):
    """With or without dashes; what submitit does not name goes to sbatch as it is."""
    found = options(said)
    assert (found.nodes, found.nodelist, found.minutes, found.others) == (nodes, names, limit, others)


def test_a_node_is_measured_as_a_whole():
    """Alone, with its memory and bound to no CPU, unless the user says otherwise, within the time of the launch."""
    found = options("nodes=2 --reservation=x").parameters(90)
    assert found == {
        "timeout_min": 2, "slurm_exclusive": True, "slurm_srun_args": ["--cpu-bind=none"], "slurm_mem": "0",
        "slurm_additional_parameters": {"reservation": "x"},
    }  # fmt: skip
    asked = options("nodes=2 exclusive=user mem=4G").parameters(60)
    assert (asked["slurm_exclusive"], asked["slurm_mem"]) == ("user", "4G")
    assert options("nodes=2 time=7").parameters(60)["timeout_min"] == 7


@pytest.mark.parametrize(
    ("said", "words"),
    [("", "does not say on which nodes"), ("--partition=x", "does not say on which nodes"), ("'", "No closing"),
     ("nodes=0", "nodes=0: is no number"), ("nodes=x", "is no number"), ("--nodes", "is no number"),
     ("nodes=2 ;rm", ";rm: is no option"), ("nodes=2 time=x", "time=x: is none of Slurm's times"),
     ("--nodelist", "does not say")],
)  # fmt: skip
def test_options_that_are_none_are_refused(said, words):
    """In one line, with an example where it helps."""
    with pytest.raises(UsageError, match=re.escape(words)):
        options(said)


@pytest.mark.parametrize(
    ("said", "found"), [("30", 30), ("0:30", 1), ("1:30:00", 90), ("2-0", 2880), ("1-2:30", 1590), ("0:59:01", 60)]
)
def test_times_of_slurm_are_minutes(said, found):
    """Rounded up."""
    assert minutes(said) == found


def test_nodes_in_brackets_are_slurms_to_expand(tmp_path, monkeypatch):
    """By scontrol; without one they cannot be had."""
    assert launch_slurm.node_names("n1,n2") == ["n1", "n2"]
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"nodelist=n\[1-2\]: scontrol cannot expand it"):
        launch_slurm.node_names("n[1-2]")
    (tmp_path / "scontrol").write_text("#!/bin/sh\necho n1\necho n2\n")
    (tmp_path / "scontrol").chmod(0o755)
    assert launch_slurm.node_names("n[1-2]") == ["n1", "n2"]


class Job:
    """A job that is done, of one task or of several."""

    def __init__(self, answers):
        self.answers = answers

    def task(self, rank):
        return Job([self.answers[rank]])

    def done(self):
        return True

    def result(self):
        [answer] = self.answers
        if isinstance(answer, Exception):
            raise answer
        return answer


class Executor:
    """What Slurm is told, and the answers that its jobs give in turn."""

    def __init__(self, *answers):
        self.answers, self.told, self.sent = list(answers), [], []

    def update_parameters(self, **parameters):
        self.told.append(parameters)

    def submit(self, _function, words, variables, version):
        answers = self.answers.pop(0)
        if isinstance(answers, Exception):
            raise answers
        self.sent.append((words, [one["HWBENCH_TASK"] for one in variables], version))
        return Job(answers)


@pytest.fixture
def slurm(monkeypatch, tmp_path):
    def made(said, *answers, order=ORDER):
        executor = Executor(*answers)
        monkeypatch.setattr(launch_slurm, "_executor", lambda folder, cluster: executor)
        return Slurm(order, options(said), tmp_path, wait=60, period=-math.inf), executor

    return made


def answer(host, code=0, said="", nodes=""):
    return Answer(code, host, said, nodes)


def test_named_nodes_have_a_job_each(slurm):
    """So that none waits for all; one that was lost goes to its node again."""
    launcher, executor = slurm(
        "nodelist=n1,n2", [answer("n1")], [RuntimeError("x\nslurmstepd: killed")], [answer("n2")]
    )
    launcher.start(0, 2)
    launcher.start(1, 2)
    assert launcher.ended() == [Ended(0, 0), Ended(1, None, "its job ended without an answer: slurmstepd: killed")]
    launcher.start(1, 2)
    assert launcher.ended() == [Ended(1, 0)]
    assert [told["slurm_nodelist"] for told in executor.told] == ["n1", "n2", "n2"]
    assert [sent[1] for sent in executor.sent] == [["0"], ["1"], ["1"]]
    assert executor.sent[0] == (ORDER.command(), ["0"], __version__)


def test_a_number_of_nodes_is_one_job(slurm):
    """Its nodes are known once one of them has answered: a lost one is then named, and can be started again."""
    launcher, executor = slurm("nodes=2", [answer("n7", nodes="n7,n9"), RuntimeError("")], [answer("n9", 1)])
    launcher.start(0, 2)
    assert (launcher.names(), executor.told) == (["node 1 of 2", "node 2 of 2"], [])
    launcher.start(1, 2)
    assert (executor.told[0]["nodes"], executor.told[0]["tasks_per_node"]) == (2, 1)
    assert launcher.ended() == [Ended(0, 0), Ended(1, None, "its job ended without an answer")]
    assert launcher.names() == ["n7", "n9"]
    launcher.start(1, 2)
    assert executor.told[1]["slurm_nodelist"] == "n9"
    assert launcher.ended() == [Ended(1, 1)]


def test_a_lost_node_that_nobody_knows_is_not_started_again(slurm):
    """Any other node would answer in its place."""
    launcher, _ = slurm("nodes=1", [RuntimeError("")])
    launcher.start(0, 1)
    launcher.ended()
    launcher.start(0, 1)
    assert launcher.ended() == [Ended(0, 2, "its job ended without an answer, and Slurm has not said on which node")]


def test_nodes_that_begin_together_have_one_job(slurm):
    """With the nodes that are named."""
    order = Order("s3://b/f", [], LAUNCH, every=20.0)
    launcher, executor = slurm("nodelist=n1,n2", [answer("n1"), answer("n2")], order=order)
    launcher.start(0, 2)
    launcher.start(1, 2)
    assert [(told["nodes"], told["slurm_nodelist"]) for told in executor.told] == [(2, "n1,n2")]


def test_what_sbatch_refuses_is_one_line(slurm):
    """Of the first job an error, of a later one the reason of its node."""
    refused = RuntimeError("sbatch: error: invalid partition\nspecified: x")
    launcher, _ = slurm("nodelist=n1,n2", [answer("n1")], refused)
    launcher.start(0, 2)
    launcher.start(1, 2)
    assert launcher.ended()[0] == Ended(1, 2, "no job can be submitted: sbatch: error: invalid partition specified: x")
    launcher, _ = slurm("nodelist=n1", refused)
    with pytest.raises(StoreError, match="--slurm: no job can be submitted: sbatch: error"):
        launcher.start(0, 1)


def test_without_slurm_or_submitit_there_is_one_line(tmp_path, monkeypatch):
    """It says what is missing."""
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="--slurm: there is no sbatch here"):
        launch_slurm._executor(tmp_path, "slurm")
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UsageError, match="--slurm: needs submitit: python -m pip install"):
        launch_slurm._executor(tmp_path, "slurm")


def test_sbatch_gets_the_options(tmp_path, monkeypatch):
    """By submitit's own script: it knows the names of all that is asked for."""
    pytest.importorskip("submitit")
    for name in ("sbatch", "srun"):
        (tmp_path / name).write_text(f'#!/bin/sh\ncat "$1" > {tmp_path}/script\necho Submitted batch job 7\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    said = "--nodes=2 --partition=short --time=1:00:00 --reservation=r1 --overcommit"
    launcher = Slurm(ORDER, options(said), tmp_path / "jobs", wait=600)
    for task in range(2):
        launcher.start(task, 2)
    script = (tmp_path / "script").read_text().splitlines()
    wanted = ["--exclusive", "--mem=0", "--nodes=2", "--ntasks-per-node=1", "--partition=short", "--reservation=r1",
              "--overcommit", "--time=60"]  # fmt: skip
    assert {f"#SBATCH {option}" for option in wanted} <= set(script)
    assert [line for line in script if line.startswith("srun ") and " --cpu-bind=none " in line]


@pytest.mark.slow
def test_submitits_local_executor_runs_the_tasks_of_a_job(tmp_path, monkeypatch):
    """Each task of the one job starts hwbench in a process, with its own ticket."""
    pytest.importorskip("submitit")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(tmp_path / "fake"), *sys.path))))
    package = tmp_path / "fake" / "sitecustomize.py"
    package.parent.mkdir()
    package.write_text(
        "import os, sys\n"
        "if 'HWBENCH_TASK' in os.environ:\n"
        "    print('task', os.environ['HWBENCH_TASK'], file=sys.stderr)\n"
        "    os._exit(int(os.environ['HWBENCH_TASK']))\n"
    )
    launcher = Slurm(ORDER, options("nodes=2"), tmp_path / "jobs", wait=60, cluster="local", period=0.05)
    for task in range(2):
        launcher.start(task, 2)
    found: list[Ended] = []
    until = time.monotonic() + 60
    while len(found) < 2 and time.monotonic() < until:
        time.sleep(0.05)
        found += launcher.ended()
    launcher.close()
    assert sorted(found, key=lambda one: one.task) == [Ended(0, 0, "task 0"), Ended(1, 1, "task 1")]
