"""Operations on Python's objects as statements, and what times them; as a program, a process that does so on request.

The program is run by another interpreter, which need not have hwbench or NumPy: this file uses the standard library
alone. It answers each line `OPERATION LOOPS` on standard input with the seconds of so many statements, and
`OPERATION check` with what the statement's answer is.
"""

from __future__ import annotations

import sys
import timeit
from typing import Any, NamedTuple

MIB = 2**20


class Operation(NamedTuple):
    """A statement, `copies` of which are timed in a row, as `pyperf timeit --duplicate` does.

    `given` is run once, before. A statement does the operation `times` times. `answer` is what `proof` gives after it.
    `before` and `after` are run around each sample, untimed; `end` when nobody needs the names any more.
    """

    what: str
    given: str
    statement: str
    proof: str
    answer: float
    times: int = 1
    copies: int = 1
    before: str = ""
    after: str = ""
    end: str = ""


_BOX = """\
class Box:
    def __init__(self):
        self.x = 7
    def get(self):
        return 7
box = Box()
"""
_TABLE = "keys = {f'key {i}': i for i in range(1000)}\nkey = 'key 500'\n"
_RAISED = "seen = 0\n"
_GENERATOR = """\
def numbers(n):
    for i in range(n):
        yield i
"""
_TASKS = """\
import asyncio
async def steps(n):
    for _ in range(n):
        await asyncio.sleep(0)
    return n
async def two(n):
    return sum(await asyncio.gather(steps(n), steps(n)))
loop = asyncio.new_event_loop()
run = loop.run_until_complete
done = 0
"""
_ROWS = """\
from pickle import dumps, loads
rows = [{'id': i, 'name': f'row {i}', 'value': i / 7} for i in range(32768)]
"""
_BLOCK = "block = bytes(range(256)) * 4096\n"
_TURNS = """\
import threading
there, here, over = threading.Lock(), threading.Lock(), []
there.acquire(), here.acquire()
def answer():
    while True:
        there.acquire()
        if over:
            break
        here.release()
partner = threading.Thread(target=answer, daemon=True)
partner.start()
"""
_BUSY = """\
import threading
from time import sleep
go, over = threading.Event(), []
def compute():
    while go.wait() and not over:
        while go.is_set() and not over:
            pass
partner = threading.Thread(target=compute, daemon=True)
partner.start()
"""

OPERATIONS = {
    "attribute": Operation("an attribute read", _BOX, "box.x", "box.x", 7, copies=100),
    "call": Operation("a method call", _BOX, "box.get()", "box.get()", 7, copies=100),
    "dict": Operation("a lookup in a dict of 1000", _TABLE, "keys[key]", "keys[key]", 500, copies=100),
    "list": Operation(
        "an append to a list and a pop", "items = []\n", "items.append(7); items.pop()", "len(items) == 0", 1,
        copies=50,
    ),
    "exception": Operation(
        "an exception, raised and caught", _RAISED, "try:\n    raise ValueError\nexcept ValueError:\n    seen = 1",
        "seen", 1, copies=10,
    ),
    "generator": Operation(
        "a value of a generator", _GENERATOR, "for last in numbers(1000):\n    pass", "last", 999, times=1000
    ),
    "task": Operation(
        "a switch between two asyncio tasks", _TASKS, "done = run(two(1000))", "done", 2000, times=2000,
        end="loop.close()",
    ),
    "copy": Operation("a copy of 1 MiB", _BLOCK, "copy = bytearray(block)", "len(copy) * (copy == block)", MIB),
    "pickle": Operation(
        "pickling 1 MiB of dicts, there and back,", _ROWS, "back = loads(dumps(rows, 5))", "len(back) * (back == rows)",
        32768,
    ),
    "handover": Operation(
        "a handover to a thread that waits for a lock", _TURNS, "there.release(); here.acquire()", "here.locked()", 1,
        times=2, end="over.append(1); there.release(); partner.join()",
    ),
    "wait": Operation(
        "getting the interpreter back from a thread that computes", _BUSY, "sleep(0)", "sleep(0) is None", 1,
        before="go.set()", after="go.clear()", end="over.append(1); go.set(); partner.join()",
    ),
}  # fmt: skip


class Timed:
    """An operation made ready in this interpreter."""

    def __init__(self, name: str) -> None:
        self.operation = OPERATIONS[name]
        self._names: dict[str, Any] = {}
        exec(self.operation.given, self._names)  # noqa: S102 - of this file
        given = [name for name in self._names if not name.startswith("__")]
        # As in `timeit -s`, the names are local ones.
        self._timer = timeit.Timer(
            "\n".join([self.operation.statement] * self.operation.copies),
            "; ".join(f"{name} = _given[{name!r}]" for name in given),
            globals={"_given": self._names},
        )
        self._before, self._after, self._end = (
            compile(code, __file__, "exec")
            for code in (self.operation.before, self.operation.after, self.operation.end)
        )

    def seconds(self, loops: int) -> float:
        """Seconds of so many times all copies of the statement, the loop around them counted in."""
        exec(self._before, self._names)  # noqa: S102
        try:
            return self._timer.timeit(loops)
        finally:
            exec(self._after, self._names)  # noqa: S102

    def check(self) -> float:
        """What proves that the statement does what it says, after one more."""
        exec(self.operation.statement, self._names)  # noqa: S102
        return float(eval(self.operation.proof, self._names))  # noqa: S307

    def close(self) -> None:
        """End its threads."""
        exec(self._end, self._names)  # noqa: S102


def gil() -> str:
    """Whether this interpreter has one lock for all threads."""
    return "on" if getattr(sys, "_is_gil_enabled", lambda: True)() else "off"


def serve() -> None:
    """Answer requests until standard input ends; first say which interpreter this is."""
    print(sys.version.split()[0], gil(), flush=True)  # noqa: T201 - standard output is the answer
    known: dict[str, Timed] = {}
    for line in sys.stdin:
        name, what = line.split()
        if name not in known:
            known[name] = Timed(name)
        print(known[name].check() if what == "check" else known[name].seconds(int(what)), flush=True)  # noqa: T201
    for one in known.values():
        one.close()


if __name__ == "__main__":
    serve()
