"""Count the runs that are lost or doubled on their way into a store.

    python scripts/fleet_deliveries.py [--uploads 200] [--out reports/fleet/deliveries.json]

Each upload is a process of its own that files a finished run, notes it in a spool and delivers it to S3 (moto in server
mode) through a proxy of ours. By turns

- it is killed by SIGKILL after a random time, which falls before, within and after the put;
- the store is down: the proxy closes each connection;
- the store is slow: the proxy waits before it passes anything on;
- the clock of the machine is 3 hours off, before or after, in the run's id and times (moto checks no signature; S3
  itself refuses such a clock, and the run waits until it is set);
- two spoolers deliver the same spool at once.

Then the store is up again, two processes flush at once what is left, and the store is compared with what was filed:
every run once, under its key, with the bytes of its file, and each once in the Parquet. Exit code: 0 where that holds.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from hwbench.fleet import compact, database, objects, spool, sql
from hwbench.fleet.store import Store
from hwbench.record import store
from hwbench.record.model import Cpu, Machine, Memory, Record, Run

URL = "s3://fleet/site"
WAYS = ("killed", "down", "slow", "clock", "two")
AT_ONCE = 8  # uploads
chance = random.Random()  # noqa: S311 - for times of kills and of a slow store
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
}


def run_of(number: int, off_h: int) -> Run:
    """A finished run of a made-up machine whose clock is off by so many hours."""
    now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=off_h)
    record = Record(
        bench="stream.load", version=1, variant="simd", device="cpu", params={"size": "DRAM"}, status="ok", loops=1,
        samples=[1 + number / 1000] * 5, counts={"bytes": 1e10},
    )  # fmt: skip
    name = f"node{number % 50}"
    cpu = Cpu(model="made up", arch="x86_64", logical=2, physical=2)
    return Run(
        id=f"{name}-{now:%Y%m%dT%H%M%SZ}-{number:012x}", started=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        finished=f"{now:%Y-%m-%dT%H:%M:%SZ}", machine=Machine(name=name, cpu=cpu, memory=Memory(total=2**33)),
        records=[record],
    )  # fmt: skip


def upload(out: Path, number: int, off_h: int) -> None:
    """What `hwbench run --to` does of a run: its file, a note, the file when it is finished, the delivery."""
    run = run_of(number, off_h)
    path = store.path_of(run, out)
    store.write(msgspec.structs.replace(run, finished=None), path)
    note = spool.announce(out, path, URL)
    store.write(run, path)  # from here on the run is finished
    spool.hand_over(run, path, out, note)


class Proxy:
    """Passes connections on to the store, late where it is slow, not at all where it is down."""

    def __init__(self, port: int, *, down: bool = False, late_s: float = 0.0) -> None:
        self.to, self.down, self.late_s = port, down, late_s
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            one, _ = self.listening.accept()
            threading.Thread(target=self._pass, args=(one,), daemon=True).start()

    def _pass(self, one: socket.socket) -> None:
        with one, contextlib.suppress(OSError):
            if self.down:
                return
            time.sleep(chance.uniform(0, self.late_s))
            with socket.create_connection(("127.0.0.1", self.to)) as other:
                back = threading.Thread(target=self._copy, args=(other, one), daemon=True)
                back.start()
                self._copy(one, other)
                back.join(10)

    def _copy(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(2**16):
                time.sleep(chance.uniform(0, self.late_s))
                other.sendall(data)
        for each in (one, other):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def child(port: int, *arguments: object) -> subprocess.Popen[bytes]:
    """Start this script once more, as a process that may be killed, with its store at a port."""
    environment = os.environ | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    return subprocess.Popen(
        [sys.executable, __file__, *map(str, arguments)], stderr=subprocess.DEVNULL, env=environment
    )


def one_upload(way: str, number: int, ports: Mapping[str, int], out: Path) -> bool:
    """Upload a run; whether its process was killed before its end."""
    off_h = (3, -3)[number // len(WAYS) % 2] if way == "clock" else 0
    processes = [child(ports.get(way, ports["up"]), "--one", out, number, off_h)]
    if way == "two":
        processes.append(child(ports["up"], "--flush", out))
    ended = True
    if way == "killed":
        time.sleep(chance.uniform(0.2, 2.5))
        ended = processes[0].poll() is not None
        processes[0].send_signal(signal.SIGKILL)
    for one in processes:
        one.wait()
    return not ended


def experiment(uploads: int, seed: int) -> dict[str, object]:
    """All uploads, the flushes after them, and what the store holds then."""
    from moto.server import ThreadedMotoServer

    chance.seed(seed)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/fleet", method="PUT"))
    proxies = {"up": Proxy(port), "down": Proxy(port, down=True), "slow": Proxy(port, late_s=0.5)}
    ports = {name: one.port for name, one in proxies.items()} | {"killed": proxies["slow"].port}
    os.environ.update(ENVIRONMENT, AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}")
    ways = [WAYS[number % len(WAYS)] for number in range(uploads)]
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            killed = sum(pool.map(lambda at: one_upload(ways[at], at, ports, out), range(uploads)))
        left = len(list(spool.waiting(out)))
        for one in [child(ports["up"], "--flush", out) for _ in range(2)]:
            one.wait()
        filed = {objects.key_of(run): path for path in store.find(out) if (run := store.read(path)).finished}
        found = {key: data for key, data in Store(URL).get_many(Store(URL).keys("runs")) if isinstance(data, bytes)}
        both = filed.keys() & found.keys()
        for _ in range(2):
            failures = [line for day in compact.compact(URL) for line in day.failures]
        with database.opened(Store(URL), failures.append) as connection:
            rows = sql.ask(connection, "SELECT run, count(*) FROM cases WHERE NOT headline GROUP BY run").rows
        return {
            "uploads": uploads, "by way": dict(Counter(ways)), "killed before their end": killed,
            "finished runs": len(filed), "left in the spool before the last flush": left,
            "left in the spool": len([one for one in spool.waiting(out) if not one.unfinished]),
            "objects": len(found), "lost": len(filed.keys() - found.keys()),
            "foreign": len(found.keys() - filed.keys()),
            "other bytes": sum(objects.unpacked(found[key], key) != filed[key].read_bytes() for key in both),
            "doubled": len(found) - len({key.rpartition("/")[2] for key in found}),
            "runs in the table": len(rows), "doubled in the table": sum(count != 1 for _, count in rows),
            "failures": failures, "seed": seed,
        }  # fmt: skip


def main() -> int:
    """Run the experiment, or one of its processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--flush", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        upload(Path(given.one[0]), int(given.one[1]), int(given.one[2]))
        return 0
    if given.flush:
        spool.flush(Path(given.flush))
        return 0
    begun = time.perf_counter()
    found = experiment(given.uploads, given.seed)
    found["seconds"] = round(time.perf_counter() - begun, 1)
    text = json.dumps(found, indent=1)
    print(text)
    if given.out:
        given.out.write_text(text + "\n")
    bad = ("left in the spool", "lost", "foreign", "other bytes", "doubled", "doubled in the table")
    return int(any(found[name] for name in bad) or found["runs in the table"] != found["finished runs"])


if __name__ == "__main__":
    raise SystemExit(main())
