"""Launches without machines: an engine with a script, and hosts whose ssh and hwbench are scripts of a shell."""

from __future__ import annotations

import os

from doubles.stores import Folder, Memory
from hwbench.fleet.launch import Ended, Launch
from hwbench.fleet.launch_watch import Watch, today
from hwbench.version import __version__

LAUNCH = "abc1234"


def key(task, day=None, launch=LAUNCH, machine="box"):
    """The key of a task's run."""
    return f"runs/{day or today()}/{machine}-20261130T000000Z-{launch}{task:05x}.json.gz"


class Engine:
    """A launcher that does at given times what its script says: `(seconds, task, exit code or None)`."""

    def __init__(self, world, script, machines=3, whys=()):
        self.world, self.script, self.machines, self.whys = world, list(script), machines, dict(whys)
        self.started = []

    def names(self):
        return [f"node{task}" for task in range(self.machines)]

    def check(self, say):
        return self.whys

    def start(self, task, machines):
        self.started.append(task)
        self.asked = machines

    def ended(self):
        due = [step for step in self.script if step[0] <= self.world.now]
        self.script = [step for step in self.script if step[0] > self.world.now]
        for _, task, code in due:
            if code == "answers":
                self.world.store.objects[key(task)] = b""
        return [Ended(task, code, "") for _, task, code in due if code != "answers"]

    def close(self):
        pass


class World:
    """A clock, a store, and what is said."""

    def __init__(self):
        self.now, self.store, self.said, self.counts = 0.0, Memory(), [], []

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds

    def started(self, launch, machines):
        self.counts.append(machines)

    def answered(self, done, names):
        self.counts.append((done, *names))

    def say(self, line):
        self.said.append(line)

    def close(self):
        pass

    def launch(self, script, *, machines=3, whys=(), **options):
        self.engine = Engine(self, script, machines, whys)
        watch = Watch(self.store, LAUNCH)
        return Launch(self.engine, watch, self, clock=self.clock, sleep=self.sleep, **options)


SSH = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
host=${2#*@}
[ "$host" = gone ] && { echo "ssh: Could not resolve hostname gone" >&2; exit 255; }
export FAKE_HOST=$host
exec /bin/sh -c "$3"
"""
# What hwbench does there, in as few words as a shell has: it says its version, and puts a run with its ticket.
HWBENCH = f"""#!/bin/sh
echo "$FAKE_HOST $*" >> "$FAKE_STORE/../calls"
if [ "$1" = -V ]; then
    [ "$FAKE_HOST" = old ] && echo "hwbench 0.0.1" || echo "hwbench {__version__}"
    exit
fi
case "$FAKE_HOST" in
flaky) [ -e "$FAKE_STORE/../tried" ] || {{ touch "$FAKE_STORE/../tried"; exit 137; }} ;;
odd) echo "hwbench: --device gpu: there is none" >&2; exit 2 ;;
esac
mkdir -p "$FAKE_STORE/runs/{today()}"
ticket=$(printf %s%05x "$HWBENCH_LAUNCH" "$HWBENCH_TASK")
echo run > "$FAKE_STORE/runs/{today()}/$FAKE_HOST-20261130T000000Z-$ticket.json.gz"
"""


def hosts_and_store(tmp_path, monkeypatch):
    """A store that the fake hosts reach, with ssh and hwbench on the path."""
    for name, code in (("ssh", SSH), ("hwbench", HWBENCH)):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(code)
        path.chmod(0o755)
    (tmp_path / "store").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_STORE", str(tmp_path / "store"))
    return Folder(tmp_path / "store")
