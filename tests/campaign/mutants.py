"""Files of runs, of asv and of pytest-benchmark, damaged or hostile: the same for the same seed."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from hwbench.record.model import Run
from made_up import histories, mutations
from made_up.commands import HOSTILE

Json = Any
NUMBERS: tuple[Json, ...] = (
    0, -1, 1, 2**31, 2**63, -(2**63), 2**64, 10**30, 10**309, -(10**400), 0.0, -0.0, 5e-324, 1e-300, 1e-12, 1e9, 1e30,
    1.7e308, -1.7e308, 0.1, 1e16, True, False,
)  # fmt: skip
TEXTS = (
    "", " ", "\0", "\ud800", "x\udfff", HOSTILE, "constructor", "__proto__", "toString", "../../secret", "/etc/passwd",
    ".", "nan", "Infinity", "1e999", "%s%n{0}", "{machine.name!r}", "[bold]", "😀" * 50, "a" * 3000, "\u202e", "\n",
    "<script>alert(1)</script>", "' onload='x", "${7*7}", "{{7*7}}", "L1", "DRAM", "all", "cpu", "gpu:0", "2026-13-45",
)  # fmt: skip
TOKENS = (
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"1e400",
    b"-1e400",
    b'"\\ud800"',
    b"1" * 5000,
    b"null",
    b"[[[[]]]]",
    b"{}",
)


def odd(rng: random.Random) -> Json:
    """A value that stands where another was expected."""
    return rng.choice(
        (
            lambda: rng.choice(NUMBERS), lambda: rng.choice(TEXTS), lambda: None, list, dict,
            lambda: [rng.choice(NUMBERS) for _ in range(rng.randint(1, 5))],
            lambda: {rng.choice(TEXTS): rng.choice(NUMBERS)}, lambda: [[[]]], lambda: [None, "x", 1.5, {}],
        )
    )()  # fmt: skip


def places(tree: Json) -> Iterator[tuple[Json, Json]]:
    """Every container in a tree with each of its keys or positions."""
    todo = [tree]
    while todo:
        one = todo.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one))
        for key in keys:
            yield one, key
            if isinstance(one[key], dict | list) and one[key]:
                todo.append(one[key])


def changed(tree: Json, rng: random.Random) -> None:
    """Change one place of a tree: another value, a near one, none, one more, or another name."""
    inside, key = rng.choice(list(places(tree)))
    kind = rng.randrange(6)
    if kind == 0:
        inside[key] = odd(rng)
    elif kind == 1:
        value = inside[key]
        inside[key] = rng.choice(NUMBERS) if isinstance(value, int | float) else rng.choice(TEXTS)
    elif kind == 2:
        del inside[key]
    elif kind == 3 and isinstance(inside, list):
        inside.extend(copy.deepcopy(inside[key]) for _ in range(rng.choice((1, 3, 50))))
    elif kind == 4 and isinstance(inside, dict):
        inside[rng.choice(TEXTS)] = inside.pop(key)
    elif isinstance(inside[key], int | float) and abs(inside[key]) < 1e300:
        inside[key] *= rng.choice((-1, 0, 1e-9, 1e-3, 1e3, 1e9))
    else:
        inside[key] = odd(rng)


def spoilt(data: bytes, rng: random.Random) -> bytes:
    """Change bytes: cut off, flipped, put in, doubled; or a number that JSON does not know."""
    at = rng.randrange(len(data))
    return rng.choice(
        (
            lambda: data[:at], lambda: data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :],
            lambda: data[:at] + rng.randbytes(3) + data[at:], lambda: data[:at] + data[at : at + 200] + data[at:],
            lambda: data[at:], lambda: data.replace(b": 1", b": " + rng.choice(TOKENS), 1),
            lambda: b"\xef\xbb\xbf" + data, lambda: data.decode().encode("utf-16"), lambda: b"",
        )
    )()  # fmt: skip


def mutant(tree: Json, rng: random.Random) -> bytes:
    """A file with one to four changes, and in one of eight cases damaged bytes."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if tree:
            changed(tree, rng)
    data = json.dumps(tree).encode()
    return spoilt(data, rng) if data and rng.random() < 0.125 else data


# --- what is mutated --------------------------------------------------------------------------------------------------


@cache
def runs() -> tuple[Json, ...]:
    """Committed runs and made-up ones of about forty records, among which every bench, device and status is."""
    made = []
    for path in (*mutations.RUNS, *mutations.VERIFIED):
        for schema in (1, 2):
            made += list(parts(mutations.committed(path), json.loads(path.read_bytes()) if schema == 1 else None))
    return tuple(made)


def parts(run: Run, stored: Json | None) -> Iterator[Json]:
    """A run in pieces of forty records each, in turn, so that every piece has some of every bench."""
    whole = stored if stored is not None else json.loads(msgspec.json.encode(run))
    count = max(1, len(whole["records"]) // 40)
    for first in range(min(count, 6)):
        yield {**whole, "records": whole["records"][first::count]}


def run_file(seed: int) -> tuple[bytes, bytes]:
    """A mutant of a run's file, and the file."""
    rng = random.Random(seed)
    tree = rng.choice(runs())
    return mutant(tree, rng), json.dumps(tree).encode()


@cache
def _asv(folder: Path) -> tuple[Json, Json, Json]:
    results = histories.three_commits(folder / "results")
    [machine] = [path for path in results.iterdir() if path.is_dir()]
    first = min(path for path in machine.glob("*.json") if path.name != "machine.json")
    return tuple(json.loads(p.read_bytes()) for p in (first, results / "benchmarks.json", machine / "machine.json"))


def asv_results(seed: int, folder: Path) -> tuple[bytes, bytes, bytes]:
    """A result file, benchmarks.json and machine.json of asv, one of them a mutant."""
    rng = random.Random(seed)
    trees = _asv(folder)
    which = rng.choice((0, 0, 0, 1, 2))
    made = [mutant(tree, rng) if i == which else json.dumps(tree).encode() for i, tree in enumerate(trees)]
    return made[0], made[1], made[2]


@cache
def _pytest(folder: Path) -> Json:
    entries: list[dict[str, Any]] = [
        {"name": "test_sum[1000-f8]", "fullname": "tests/test_a.py::test_sum[1000-f8]", "data": [1e-3, 1.1e-3, 1.2e-3],
         "params": {"n": 1000, "dtype": "f8"}, "group": "sums"},
        {"name": "test_plain", "fullname": "tests/test_a.py::test_plain", "data": [2e-3] * 5, "keep": False},
        {"name": "test_bench", "fullname": "tests/perf/test_b.py::test_bench", "data": [1e-6, 2e-6, 3e-6, 4e-6],
         "params": {"variant": "simd", "size": "L1"},
         "extra_info": {"bench": "stream.load", "version": 4, "counts": {"bytes": 1e6}, "GB/s": 5.0}},
    ]  # fmt: skip
    return json.loads(histories.pytest_file(folder / "base.json", entries).read_bytes())


def pytest_results(seed: int, folder: Path) -> bytes:
    """A mutant of pytest-benchmark's file."""
    return mutant(_pytest(folder), random.Random(seed))
