"""Whether verdicts can be trusted here: the same code compared with itself, and slowdowns that were planted.

    python scripts/tracking_experiments.py null --runs 21       # neighbouring runs of one code: who is called slower?
    python scripts/tracking_experiments.py planted --pairs 20   # a 10 ms kernel made 5% slower, in runs of their own
    python scripts/tracking_experiments.py ab --times 3         # made 2% slower: `hwbench ab` against two runs

Kernels are planted in a clone of this repository, one commit each. `--keep DIR` keeps what was measured, and `null`
goes on with what lies there. What is said is of this machine, as disturbed as it was: run it on a quiet one, too.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLANTED = '''"""A kernel of ten milliseconds in which a slowdown is planted."""

from __future__ import annotations

import numba

from ..bench import Bench, Work

N = 4_000_000
EXTRA = {extra}
planted = Bench("planted.loop", question="Is a planted slowdown found?", axes={{"n": (N,)}}, baseline="loop")


@numba.njit
def walk(n, extra):
    """Two walks of xorshift, each step waiting for the one before; the second is what was planted."""
    x = 88172645463325252
    for _ in range(n):
        x ^= (x << 13) & 0xFFFFFFFFFFFF
        x ^= x >> 7
        x ^= (x << 17) & 0xFFFFFFFFFFFF
    y = x
    for _ in range(extra):
        y ^= (y << 13) & 0xFFFFFFFFFFFF
        y ^= y >> 7
        y ^= (y << 17) & 0xFFFFFFFFFFFF
    return x, y


@planted.reference
def answer(n):
    """Where the first walk ends."""
    return walk(n, 0)[0]


@planted.counts
def counts(n):
    """A step an item."""
    return {{"items": n}}


@planted.variant("loop")
def loop(n):
    """Walk."""
    return Work(lambda: walk(n, int(n * EXTRA)), output=lambda: walk(n, int(n * EXTRA))[0])
'''


def hwbench(*arguments: str, cwd: Path = ROOT, source: Path = ROOT / "src") -> subprocess.CompletedProcess[str]:
    """An hwbench command with the package of `source`; its exit code may be 0 or 1."""
    variables = {**os.environ, "PYTHONPATH": str(source)}
    done = subprocess.run(
        [sys.executable, "-m", "hwbench", *arguments], cwd=cwd, env=variables, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        sys.exit(f"hwbench {' '.join(arguments)}: {done.stderr.strip()}")
    return done


def verdicts(base: Path, new: Path, out: Path, *more: str) -> collections.Counter[str]:
    """How many cases of which verdict."""
    done = hwbench("compare", str(base), str(new), "--out", str(out), "--json", *more)
    return collections.Counter(case["verdict"] for case in json.loads(done.stdout)["cases"])


def share(count: int, total: int) -> str:
    """`3 of 900 (0.33%)`."""
    return f"{count} of {total} ({count / total:.2%})" if total else "0 of 0"


# --- the same code ----------------------------------------------------------------------------------------------------


def null(asked: argparse.Namespace, out: Path) -> bool:
    """Neighbouring runs of one code, each pair compared; at most 1% of the cases may be called slower."""

    def there() -> list[Path]:
        return sorted((out / "runs").glob("*/*.json"), key=lambda path: path.name)

    while len(there()) < asked.runs:
        hwbench("run", "--preset", "quick", "--no-report", "--machine", "null", "--out", str(out), *asked.select)
        print(f"run {len(there())} of {asked.runs}", file=sys.stderr)
    paths = there()[: asked.runs]
    total: collections.Counter[str] = collections.Counter()
    for old, new in itertools.pairwise(paths):
        total += verdicts(old, new, out)
    alone: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as scratch:  # once more without the history of the machine
        for i, (old, new) in enumerate(itertools.pairwise(paths)):
            pair = [Path(scratch) / str(i) / side / path.name for side, path in (("old", old), ("new", new))]
            for path, source in zip(pair, (old, new), strict=True):
                path.parent.mkdir(parents=True)
                path.write_bytes(source.read_bytes())
            alone += verdicts(*pair, Path(scratch))
    for name, counts in (("with the machine's history", total), ("two runs alone", alone)):
        compared = sum(counts.values()) - counts["not measured"]
        print(f"null, {len(paths) - 1} comparisons, {name}: slower {share(counts['slower'], compared)}, " + ", ".join(
            f"{verdict} {count}" for verdict, count in sorted(counts.items()) if verdict != "slower"))  # fmt: skip
    return all(counts["slower"] <= 0.01 * sum(counts.values()) for counts in (total, alone))


# --- a planted slowdown -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def clone(extras: Sequence[float]) -> Iterator[tuple[Path, list[str]]]:
    """A clone with a commit for each planted kernel; its path and the commits."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "clone"
        git(Path(scratch), "clone", "-q", str(ROOT), str(root))
        commits = []
        for extra in extras:
            (root / "src" / "hwbench" / "benches" / "planted.py").write_text(PLANTED.format(extra=extra))
            git(root, "add", "-A")
            git(root, "-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "-qm", f"{extra:.0%} more")
            commits.append(git(root, "rev-parse", "HEAD").strip())
        yield root, commits


def git(where: Path, *arguments: str) -> str:
    """What a git command prints."""
    return subprocess.run(["git", *arguments], cwd=where, capture_output=True, text=True, check=True).stdout  # noqa: S607


def measure(root: Path, commit: str, out: Path, machine: str = "planted") -> Path:
    """A run of the planted kernel at a commit."""
    git(root, "checkout", "-q", commit)
    before = set((out / "runs").glob("*/*.json"))
    hwbench("run", "planted", "--preset", "full", "--no-report", "--machine", machine, "--out", str(out),
            cwd=root, source=root / "src")  # fmt: skip
    [path] = set((out / "runs").glob("*/*.json")) - before
    return path


def planted(asked: argparse.Namespace, out: Path) -> bool:
    """Pairs of single runs, the second of a kernel 5% slower; at least 95% are to be found."""
    counts: collections.Counter[str] = collections.Counter()
    with clone([0.0, asked.by]) as (root, (base, slow)):
        for pair in range(asked.pairs):
            where = out / str(pair)  # a place of its own, so that no pair is the history of another
            old, new = (measure(root, commit, where) for commit in (base, slow))
            counts += verdicts(old, new, where)
            print(f"pair {pair + 1} of {asked.pairs}: {dict(counts)}", file=sys.stderr)
    found = share(counts["slower"], asked.pairs)
    print(f"planted {asked.by:.0%}, {asked.pairs} pairs of runs: slower {found}, {dict(counts)}")
    return counts["slower"] >= 0.95 * asked.pairs


def ab(asked: argparse.Namespace, out: Path) -> bool:
    """`hwbench ab` of a kernel 2% slower, several times, beside two single runs of the same commits."""
    found: collections.Counter[str] = collections.Counter()
    alone: collections.Counter[str] = collections.Counter()
    with clone([0.0, asked.by]) as (root, (base, slow)):
        for turn in range(asked.times):
            done = hwbench("ab", base, slow, "planted", "--quads", str(asked.quads), "--json", cwd=root)
            [case] = json.loads(done.stdout)["cases"]
            found[case["verdict"]] += 1
            where = out / str(turn)
            alone += verdicts(measure(root, base, where), measure(root, slow, where), where)
            bounds = f"{case['ratio']:.4f} ({case['low']:.4f}–{case['high']:.4f})"
            print(
                f"ab {turn + 1} of {asked.times}: {case['verdict']} {bounds}; two runs: {dict(alone)}", file=sys.stderr
            )
    print(f"planted {asked.by:.0%}, {asked.times} times: ab {dict(found)}, two runs {dict(alone)}")
    return found["slower"] == asked.times


def main() -> int:
    """Run an experiment; 1 where it does not hold here."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", type=Path, metavar="DIR")
    kinds = parser.add_subparsers(required=True)
    one = kinds.add_parser("null")
    one.add_argument("--runs", type=int, default=21)
    one.add_argument("select", nargs="*")
    one.set_defaults(experiment=null)
    two = kinds.add_parser("planted")
    two.add_argument("--pairs", type=int, default=20)
    two.add_argument("--by", type=float, default=0.05)
    two.set_defaults(experiment=planted)
    three = kinds.add_parser("ab")
    three.add_argument("--times", type=int, default=3)
    three.add_argument("--quads", type=int, default=6)
    three.add_argument("--by", type=float, default=0.02)
    three.set_defaults(experiment=ab)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        return int(not asked.experiment(asked, (asked.keep or Path(scratch)).resolve()))


if __name__ == "__main__":
    sys.exit(main())
