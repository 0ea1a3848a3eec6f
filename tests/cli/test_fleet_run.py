"""`hwbench fleet run`: what is started on which machines, who has answered, and bad input in one line."""

from __future__ import annotations

import io
import json
import sys

import pytest

from doubles.launches import hosts_and_store
from hwbench.cli import fleet_run
from hwbench.errors import StoreError
from hwbench.fleet import launch, launch_dask, launch_slurm
from hwbench.fleet.store import Store


@pytest.fixture
def there(tmp_path, monkeypatch):
    """The directory that hosts deliver to; ssh and hwbench are scripts."""
    monkeypatch.setattr(launch, "PERIOD", 0.01)
    return hosts_and_store(tmp_path, monkeypatch)


@pytest.fixture
def run(command, there, benches, monkeypatch, tmp_path):
    """`run("--ssh", hosts)` with a store and a bench, both of them there."""
    monkeypatch.setattr(Store, "open", lambda url: there)
    monkeypatch.setattr(launch, "GRACE", 0.1)
    monkeypatch.chdir(tmp_path)

    def asked(*words, to=True):
        return command("fleet", "run", *(["--to", there.root] if to else []), *words)

    return asked


def hosts(tmp_path, *names):
    path = tmp_path / "hosts.txt"
    path.write_text("\n".join(names))
    return path


def test_all_hosts_answer(run, tmp_path, there):
    """One line on standard output; each host measured what was asked for."""
    done = run("--ssh", hosts(tmp_path, "a", "b"), "--preset", "quick", "--param", "size=L1", "access.steps")
    assert (done.code, len(there.keys("runs/"))) == (0, 2)
    [line] = done.out.splitlines()
    assert line.startswith("2 of 2 machines have answered launch ")
    told = [line for line in (tmp_path / "calls").read_text().splitlines() if " run " in line]
    words = "--preset quick --device all --param size=L1 -- access.steps"
    assert sorted(told) == [f"{name} run --to {there.root} --no-report {words}" for name in "ab"]


def test_who_does_not_answer_is_named(run, tmp_path, there):
    """Exit code 1 where some have, 2 where none has; JSON has all."""
    done = run("--ssh", hosts(tmp_path, "a", "odd", "gone"))
    assert done.code == 1
    assert "no answer: odd: hwbench: --device gpu: there is none (exit code 2)" in done.err
    assert "no answer: gone: cannot be asked for its version" in done.err
    done = run("--ssh", hosts(tmp_path, "a", "odd"), "--json")
    told = json.loads(done.out)
    assert (told["asked"], [one["machine"] for one in told["answered"]]) == (2, ["a"])
    assert told["answered"][0]["run"] in there.keys("runs/")
    assert [set(one) for one in told["silent"]] == [{"machine", "why"}]
    assert run("--ssh", hosts(tmp_path, "odd")).code == 2


def test_machines_to_measure_again(run, tmp_path, monkeypatch):
    """From a file or standard input, by name; one that is not among the hosts is refused."""
    names = tmp_path / "again.txt"
    names.write_text("b.cluster.example  # doubtful\n")
    assert run("--ssh", hosts(tmp_path, "a", "me@b"), "--machines", names).out.startswith("1 of 1 machines")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\n")))
    assert run("--ssh", hosts(tmp_path, "a", "b"), "--machines", "-").out.startswith("1 of 1 machines")
    names.write_text("c\n")
    done = run("--ssh", hosts(tmp_path, "a"), "--machines", names)
    assert (done.code, done.err.splitlines()[-1]) == (2, "hwbench: --machines: c is not among the 1 machines here")


def test_a_job_is_printed(run):
    """JSON that kubectl applies, and nothing else; nothing is started."""
    done = run("--k8s", 3, "--image", "x/hwbench:1", "--as", "python -m hwbench", "access.steps")
    [container] = json.loads(done.out)["spec"]["template"]["spec"]["containers"]
    assert (done.code, done.err) == (0, "")
    assert container["command"] == ["python", "-m", "hwbench"]
    assert container["args"][-2:] == ["--", "access.steps"]


def test_a_job_is_watched_where_asked(run, monkeypatch):
    """Output ends with the Job; pods that do not answer in time are named by their index."""
    ended = []
    monkeypatch.setattr(fleet_run.os, "dup2", lambda _from, to: ended.append(to))
    done = run("--k8s", 2, "--image", "x", "--watch", "--wait", "300ms")
    assert done.code == 2
    assert done.err.splitlines()[-2:] == [
        f"no answer: index {index}: has not answered within 0 s (--wait)" for index in range(2)
    ]
    assert json.JSONDecoder().raw_decode(done.out)[0]["kind"] == "Job"
    assert len(ended) == 1


def test_ctrl_c_says_who_has_answered(run, tmp_path, monkeypatch):
    """And ends by 130."""

    def interrupted(_launch):
        raise KeyboardInterrupt

    monkeypatch.setattr(launch.Launch, "run", interrupted)
    done = run("--ssh", hosts(tmp_path, "a"))
    assert (done.code, done.err.splitlines()[-1]) == (
        130, "interrupted: 0 of 1 have answered; those under way go on, and their runs still arrive",
    )  # fmt: skip


def test_each_engine_gets_what_it_needs(monkeypatch, tmp_path, there):
    """Dask a client that is given back, Slurm a folder that all nodes see."""
    order = launch.Order("s3://b/f", [], "abc1234")
    made = []
    monkeypatch.setattr(launch_slurm, "Slurm", lambda *words, **more: made.append((words, more)) or FakeLauncher())
    monkeypatch.setattr(launch_dask, "Dask", lambda *words, **more: made.append((words, more)) or FakeLauncher())
    monkeypatch.setattr(launch_dask, "local", lambda count: FakeClient(f"local {count}"))
    monkeypatch.setattr(launch_dask, "connected", lambda address: FakeClient(address))
    usual = {"dask": "", "dask_local": None, "slurm": "", "ssh": None, "k8s": None, "program": "hwbench",
             "each": "host", "out": tmp_path, "limit": 60.0}  # fmt: skip
    for given, only in (
        ({"slurm": "nodelist=n1,n2"}, ["n2"]),
        ({"dask": "tcp://x:1"}, ["n1"]),
        ({"dask_local": 3}, []),
    ):
        with fleet_run._launcher(order, only, **usual | given):
            pass
    (slurm, _), (dask, how), (local, each) = made
    assert (slurm[1].nodelist, slurm[2]) == (("n2",), tmp_path / "slurm" / "abc1234")
    assert (dask[1], how) == ("tcp://x:1", {"each": "host", "only": ["n1"]})
    assert (local[1], each["each"]) == ("local 3", "worker")
    assert local[0].command()[-2:] == ["--out", str(tmp_path)]  # workers of this machine keep their runs where told


class FakeLauncher:
    def close(self):
        pass


class FakeClient:
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        return self.name

    def __exit__(self, *_):
        pass


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no engine: choose one of --dask, --dask-local, --slurm, --ssh or --k8s"),
        (["--dask-local", 2, "--k8s", 2], "--dask-local and --k8s: choose one of"),
        (["--k8s", 2, "--out", "x"], "--out: is for --slurm and --dask-local; other machines use"),
        (["--dask-local", 0], "--dask-local 0: is no number of machines"),
        (["--k8s", 10**9, "--image", "x"], "--k8s 1000000000: is no number of machines"),
        (["--k8s", 2], "--k8s: needs --image"),
        (["--k8s", 2, "--image", "x", "--as", "'"], "--as ': No closing quotation"),
        (["--slurm", "x"], "--slurm x: does not say on which nodes"),
        (["--ssh", "none.txt"], "none.txt: cannot be read"),
        (["--ssh", "none.txt", "--lock", "a/b"], "--lock a/b: has other characters"),
        (["--ssh", "none.txt", "--wait", "long"], "--wait long: is no time"),
        (["--ssh", "none.txt", "--every", "5s"], "--every: is the time from group to group of --together"),
        (["--ssh", "none.txt", "--retries", -1], "--retries -1: is no number of times"),
        (["--ssh", "none.txt", "--each", "core"], "--each core: must be host or worker"),
        (["--ssh", "none.txt", "--preset", "slow"], "--preset slow: must be one of"),
        (["--ssh", "none.txt", "--param", "x"], "--param x: is not of the form"),
        (["--slurm", "nodes=2", "--machines", __file__], "--machines: Slurm chooses among its nodes"),
        (["--ssh", "none.txt", "--machines", "none.txt"], "none.txt: cannot be read"),
        (["--ssh", "none.txt", "acess.steps"], "no bench matches 'acess.steps'; did you mean access.steps"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(run, words, said):
    """Exit code 2, and nothing is started."""
    done = run(*words)
    [line] = [one for one in done.err.splitlines() if not one.startswith("note: ")]
    assert done.code == 2
    assert line.startswith(f"hwbench: {said}")


def test_a_store_is_needed(run):
    """It is the only thing that machines have in common."""
    done = run("--dask-local", 2, to=False)
    assert (done.code, done.err.startswith("hwbench: --to: is missing")) == (2, True)


@pytest.mark.parametrize(("data", "said"), [(b"\xff", "is no text"), (b"# none\n", "names no machine")])
def test_a_list_that_names_no_machine_is_refused(tmp_path, data, said):
    """As a list of hosts is."""
    path = tmp_path / "again.txt"
    path.write_bytes(data)
    with pytest.raises(StoreError, match=said):
        fleet_run._machines(path)


def test_a_list_of_many_is_cut(capsys):
    """JSON has the rest."""
    found = launch.Outcome("abc1234", 30, {}, {f"n{number}": "is away" for number in range(30)})
    fleet_run._deliver(found, "s3://b/f", json=False)
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == fleet_run.SHOWN + 1
    assert said.err.splitlines()[-1] == "no answer from 10 more; --json has all"
    assert said.out == "0 of 30 machines have answered launch abc1234; their runs are in s3://b/f\n"


def test_a_directory_must_be_one_for_all(run, tmp_path):
    """It is said, since nobody can look."""
    assert run("--ssh", hosts(tmp_path, "a")).err.startswith(f"note: {tmp_path / 'store'} must be one directory on all")
