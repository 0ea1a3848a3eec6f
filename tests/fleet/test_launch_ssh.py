"""Runs by ssh, against a script of that name: it runs the remote command in a shell, as a login on the host would."""

from __future__ import annotations

import re
import time

import pytest

from doubles.launches import LAUNCH, World, hosts_and_store
from hwbench.errors import StoreError, UsageError
from hwbench.fleet import launch, launch_ssh
from hwbench.fleet.launch import Launch, Order
from hwbench.fleet.launch_ssh import Ssh
from hwbench.fleet.launch_watch import Watch
from hwbench.version import __version__


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store that the fake hosts reach, with ssh and hwbench on the path."""
    monkeypatch.setattr(launch, "PERIOD", 0.01)
    return hosts_and_store(tmp_path, monkeypatch)


def order(store, *words):
    return Order(str(store.root), words, LAUNCH)


def launched(ssh, store, world):
    """The outcome of a launch by ssh; time passes by the clock of the wall."""
    try:
        return Launch(ssh, Watch(store, LAUNCH), world, clock=time.monotonic, sleep=time.sleep).run()
    finally:
        ssh.close()


def test_every_host_answers_or_is_named(store, tmp_path):
    """Versions are compared first; a host that cannot be reached, an old one and one that refuses are named."""
    world = World()
    done = launched(Ssh(order(store), ["a", "me@b", "gone", "old", "flaky", "odd"]), store, world)
    assert set(done.answered) == {"a", "b", "flaky"}
    assert done.silent == {
        "gone": "cannot be asked for its version: ssh: Could not resolve hostname gone",
        "old": f"has hwbench 0.0.1, and here is {__version__}",
        "odd": "hwbench: --device gpu: there is none (exit code 2)",
    }
    assert [line for line in world.said if "again" in line] == ["flaky: ended by exit code 137; started again"]
    calls = (tmp_path / "calls").read_text().splitlines()
    first = next(index for index, line in enumerate(calls) if " run " in line)
    assert sorted(calls[:first]) == ["a -V", "b -V", "flaky -V", "odd -V", "old -V"]
    assert "old run" not in " ".join(calls)


def test_words_reach_the_host_as_they_are(store, tmp_path):
    """Through the host's shell; the program may have words of its own."""
    words = ["--param", "size=L1; touch /tmp/x", "--", "stream.*", "it's"]
    program = f"env FAKE=1 {tmp_path / 'bin' / 'hwbench'}"
    launched(Ssh(order(store, *words), ["a"], program), store, World())
    told = (tmp_path / "calls").read_text().splitlines()[-1]
    assert told == f"a {' '.join(order(store, *words).command())}"


def test_a_host_without_hwbench_is_not_asked_twice(store):
    """The shell says so."""
    with pytest.raises(StoreError, match=r"a cannot be asked for its version: .*nothere.*not found"):
        launched(Ssh(order(store), ["a"], "nothere"), store, World())


@pytest.mark.parametrize("program", ["", "'x"])
def test_a_program_that_is_none_is_refused(store, program):
    """As a shell would."""
    with pytest.raises(UsageError, match="--as"):
        Ssh(order(store), ["a"], program)


def test_without_ssh_there_is_one_line(store, monkeypatch):
    """It names what is missing."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="--ssh: ssh cannot be started"):
        launched(Ssh(order(store), ["a"]), store, World())


def test_hosts_are_read(tmp_path):
    """One a line, with or without a user; comments and empty lines are none."""
    path = tmp_path / "hosts.txt"
    path.write_text("# rack 1\nnode-1.example\n\n  me@node_2  # the second\n10.0.0.3\n[fe80::1%eth0]\n")
    assert launch_ssh.hosts(path) == ["node-1.example", "me@node_2", "10.0.0.3", "[fe80::1%eth0]"]


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "names no host"), (b"# x\n", "names no host"), (b"a\nb c\n", ":2: 'b c' is no host"),
     (b"-oProxyCommand=evil\n", ":1: '-oProxyCommand=evil' is no host"), (b"me@-x\n", ":1: 'me@-x' is no host"),
     (b"$(x)\n", "is no host"), (b"a\nb\na\n", ":3: a stands in line 1 already"), (b"\xff\xfe", "is no text"),
     (b"a" * (launch_ssh.MOST + 1), "is larger than")],
)  # fmt: skip
def test_a_file_that_lists_no_hosts_is_refused(tmp_path, data, said):
    """With its line, and what to write; no line becomes an option of ssh."""
    path = tmp_path / "hosts.txt"
    path.write_bytes(data)
    with pytest.raises(StoreError, match=re.escape(said)) as caught:
        launch_ssh.hosts(path)
    assert str(caught.value).startswith(str(path))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    """In one line."""
    with pytest.raises(StoreError, match="cannot be read"):
        launch_ssh.hosts(tmp_path / "hosts.txt")
