"""Can verdicts be trusted on this machine? The same code compared with itself, and planted slowdowns.

    python scripts/tracking_experiments.py null --runs 21       # neighbouring runs of one code: who is called slower?
    python scripts/tracking_experiments.py planted --pairs 20   # a 10 ms kernel made 5% slower, in runs of their own
    python scripts/tracking_experiments.py planted --beside     # the same among twenty other cases
    python scripts/tracking_experiments.py ab --times 3         # made 2% slower: `hwbench ab` against two runs
    python scripts/tracking_experiments.py power                # made-up runs: what is found among how many

Kernels are planted in a clone of this repository, one commit each. `--keep DIR` keeps the measurements, and `null`
continues with those in DIR. Results hold for this machine and its noise: run it on a quiet machine, too.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import itertools
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
OTHERS = ("peak.fma", "latency.chase")  # twenty cases of the quick set
PLANTED = '''"""A kernel of ten milliseconds in which a slowdown is planted."""

from __future__ import annotations

import numba

from ...bench import Bench, Work

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
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        sys.exit(f"hwbench {' '.join(arguments)}: {done.stderr.strip()}")
    return done


def verdicts(base: Path, new: Path, out: Path, *more: str, bench: str = "") -> collections.Counter[str]:
    """How many cases of which verdict; of one bench where that is named."""
    done = hwbench("compare", str(base), str(new), "--out", str(out), "--json", *more)
    cases = json.loads(done.stdout)["cases"]
    return collections.Counter(case["verdict"] for case in cases if bench in ("", case["bench"]))


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
    holds = True
    for name, counts in (("with the machine's history", total), ("two runs alone", alone)):
        compared = sum(counts.values()) - counts["not measured"]
        holds &= counts["slower"] <= 0.01 * compared
        print(f"null, {len(paths) - 1} comparisons, {name}: slower {share(counts['slower'], compared)}, " + ", ".join(
            f"{verdict} {count}" for verdict, count in sorted(counts.items()) if verdict != "slower"))  # fmt: skip
    return holds


# --- a planted slowdown -----------------------------------------------------------------------------------------------


def plant(root: Path, kernel: str) -> None:
    """Write the planted bench into the benches of a clone."""
    topic = root / "src" / "hwbench" / "benches" / "planted"
    topic.mkdir(exist_ok=True)
    (topic / "__init__.py").write_text('"""A kernel in which a slowdown is planted."""\n')
    (topic / "loop.py").write_text(kernel)


@contextlib.contextmanager
def clone(extras: Sequence[float]) -> Iterator[tuple[Path, list[str]]]:
    """A clone with a commit for each planted kernel; its path and the commits."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "clone"
        git(Path(scratch), "clone", "-q", str(ROOT), str(root))
        commits = []
        for extra in extras:
            plant(root, PLANTED.format(extra=extra))
            git(root, "add", "-A")
            git(root, "-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "-qm", f"{extra:.0%} more")
            commits.append(git(root, "rev-parse", "HEAD").strip())
        yield root, commits


def git(where: Path, *arguments: str) -> str:
    """What a git command prints."""
    return subprocess.run(["git", *arguments], cwd=where, capture_output=True, text=True, check=True).stdout  # noqa: S607


def measure(root: Path, commit: str, out: Path, beside: Sequence[str] = ()) -> Path:
    """A run of the planted kernel at a commit, and of other benches beside it where they are named."""
    git(root, "checkout", "-q", commit)
    before = set((out / "runs").glob("*/*.json"))
    hwbench("run", "planted", *beside, "--preset", "quick" if beside else "full", "--no-report", "--machine", "planted",
            "--out", str(out), cwd=root, source=root / "src")  # fmt: skip
    [path] = set((out / "runs").glob("*/*.json")) - before
    return path


def planted(asked: argparse.Namespace, out: Path) -> bool:
    """Pairs of single runs, the second of a kernel 5% slower; at least 95% are to be found.

    With `--earlier` so many runs of the old kernel come first, and are the history of each pair.
    """
    counts: collections.Counter[str] = collections.Counter()
    with clone([0.0, asked.by]) as (root, (base, slow)):
        for _ in range(asked.earlier):
            measure(root, base, out / "earlier", asked.beside)
        for pair in range(asked.pairs):
            where = out / str(pair)  # a place of its own, so that no pair is the history of another
            if asked.earlier:
                shutil.copytree(out / "earlier", where)
            old, new = (measure(root, commit, where, asked.beside) for commit in (base, slow))
            counts += verdicts(old, new, where, bench="planted.loop")
            print(f"pair {pair + 1} of {asked.pairs}: {dict(counts)}", file=sys.stderr)
    found = share(counts["slower"], asked.pairs)
    among = f" beside {', '.join(asked.beside)}" if asked.beside else ""
    among += f" after {asked.earlier} runs" * bool(asked.earlier)
    print(f"planted {asked.by:.0%}{among}, {asked.pairs} pairs of runs: slower {found}, {dict(counts)}")
    return counts["slower"] >= 0.95 * asked.pairs


def ab(asked: argparse.Namespace, out: Path) -> bool:
    """`hwbench ab` of a kernel 2% slower, several times, beside two single runs of the same commits.

    Both by the same threshold; ab must find it every time, and two runs must not in most.
    """
    threshold = ("--threshold", "0.005")
    found: collections.Counter[str] = collections.Counter()
    alone: collections.Counter[str] = collections.Counter()
    with clone([0.0, asked.by]) as (root, (base, slow)):
        for turn in range(asked.times):
            # The two differ in a kernel alone: what they depend on is here.
            done = hwbench("ab", base, slow, "planted", "--no-build", "--quads", str(asked.quads), "--json", *threshold,
                           cwd=root)  # fmt: skip
            [case] = json.loads(done.stdout)["cases"]
            found[case["verdict"]] += 1
            where = out / str(turn)
            alone += verdicts(measure(root, base, where), measure(root, slow, where), where, *threshold)
            bounds = f"{case['ratio']:.4f} ({case['low']:.4f}–{case['high']:.4f})"
            print(
                f"ab {turn + 1} of {asked.times}: {case['verdict']} {bounds}; two runs: {dict(alone)}", file=sys.stderr
            )
    print(f"planted {asked.by:.0%}, {asked.times} times: ab {dict(found)}, two runs {dict(alone)}")
    return found["slower"] == asked.times and alone["slower"] <= asked.times / 2


# --- made-up runs -----------------------------------------------------------------------------------------------------

WITHIN = 0.0005  # standard error of a median as its own run knows it
SIZES = (0.02, 0.03, 0.05, 0.1)
CASES = (1, 10, 20, 40, 100)
KINDS = ("normal", "t3", "wild cases", "wild runs", "common")
WAYS: dict[str, dict[str, int]] = {"single runs": {}, "with 8 earlier": {"earlier": 8}, "3 runs a side": {"runs": 3}}


def noise(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Run-to-run deviations of medians in standard deviations; the last axis are cases.

    `normal`, Student's `t3`, `wild cases` (every tenth case has five times the noise), `wild runs` (every tenth
    median), or `common`: the noise common to all cases of a run is five times their own.
    """
    if kind == "common":
        return rng.normal(size=(shape[0], 1)) + 0.2 * rng.normal(size=shape)
    if kind == "t3":
        return rng.standard_t(3, size=shape)
    wild = {"wild cases": np.arange(shape[-1]) % 10 == 0, "wild runs": rng.random(shape) < 0.1}.get(kind, False)
    return rng.normal(size=shape) * np.where(wild, 5.0, 1.0)


def made_up(
    rng: np.random.Generator, cases: int, deviation: float, by: float = 0.0, *, runs: int = 1, earlier: int = 0,
    kind: str = "normal", changed: Sequence[int] = (0,),
) -> tuple[Any, Any]:  # fmt: skip
    """Two sides of `runs` runs with scattered medians; the changed cases of the second are slower by `by`."""
    from hwbench.tracking.sides import Entry, Measurement, Side

    logs = noise(kind, (2 * runs + earlier, cases), rng) * deviation
    logs[runs : 2 * runs, list(changed)] += math.log1p(by)
    logs[: 2 * runs] += rng.normal(size=(2 * runs, cases)) * WITHIN
    medians, known = np.exp(logs), WITHIN * np.sqrt(rng.chisquare(6, (2 * runs, cases)) / 6)

    def measured(median: float, relative: float) -> Measurement:
        return Measurement(float(median), float(median * relative))

    def side(rows: range) -> Side:
        entries = [
            Entry(
                "made.up", str(i), "cpu", {}, earlier=medians[2 * runs :, i].tolist(),
                measurements=[measured(medians[row, i], known[row, i]) for row in rows],
            )
            for i in range(cases)
        ]  # fmt: skip
        return Side("made up", "box", {}, entries)

    return side(range(runs)), side(range(runs, 2 * runs))


def found(rng: np.random.Generator, cases: int, deviation: float, by: float, times: int, **how: Any) -> float:
    """The share of comparisons that call the one slower case slower."""
    from hwbench.tracking.verdicts import compare_sides

    told = (compare_sides(*made_up(rng, cases, deviation, by, **how)).cases[0].verdict for _ in range(times))
    return sum(one == "slower" for one in told) / times


def found_by_ab(rng: np.random.Generator, cases: int, deviation: float, by: float, times: int) -> float:
    """The same for `hwbench ab` with its default number of quads."""
    from hwbench.ab import judging
    from hwbench.ab.interleave import Budget
    from hwbench.ab.values import Quad, Value

    def process(slow: int) -> list[Value]:
        times = np.exp(rng.normal(0, deviation, cases))
        times[0] *= 1 + by * slow
        return [Value(bench="made.up", variant=str(i), value=float(x)) for i, x in enumerate(times)]

    def once() -> str:
        quads = [Quad([process(0), process(0)], [process(1), process(1)]) for _ in range(Budget().quads)]
        return str(judging.judged(quads, ("base", "new"), judging.THRESHOLD).cases[0].verdict)

    return sum(once() == "slower" for _ in range(times)) / times


def accused(rng: np.random.Generator, cases: int, deviation: float, times: int, **how: Any) -> tuple[float, float]:
    """Where nothing changed: the share of cases called slower, and of comparisons in which one is."""
    from hwbench.tracking.verdicts import compare_sides

    sides = (made_up(rng, cases, deviation, **how) for _ in range(times))
    told = [sum(one.verdict == "slower" for one in compare_sides(*pair).cases) for pair in sides]
    return sum(told) / cases / times, sum(map(bool, told)) / times


def power(asked: argparse.Namespace, _: Path) -> bool:
    """Tables of made-up comparisons: which slowdown of one case is found among how many, and who else is accused."""
    rng = np.random.default_rng(0)
    print(f"medians stray by {asked.noise:.1%} from run to run; found in so many of {asked.times} comparisons\n")
    print("| cases | slower by | " + " | ".join([*WAYS, "ab"]) + " |\n| ---: | ---: |" + " ---: |" * (len(WAYS) + 1))
    for cases, by in itertools.product(CASES, SIZES):
        shares = [found(rng, cases, asked.noise, by, asked.times, **how) for how in WAYS.values()]
        shares.append(found_by_ab(rng, cases, asked.noise, by, max(10, asked.times // 5)))
        print(f"| {cases} | {by:.0%} | " + " | ".join(f"{share:.0%}" for share in shares) + " |", flush=True)
    told = "cases called slower (comparisons in which one is)"
    print(f"\nnothing changed, medians stray by 5% (common: by 2%, together): {told}\n")
    print("| noise | cases | " + " | ".join(WAYS) + " |\n| --- | ---: |" + " ---: |" * len(WAYS))
    worst = 0.0
    for kind, cases in itertools.product(KINDS, (20, 100)):
        told = [
            accused(rng, cases, 0.02 if kind == "common" else 0.05, asked.times, kind=kind, **how)
            for how in WAYS.values()
        ]
        worst = max(worst, *(share for share, _ in told))
        cells = (f"{share:.2%} ({once:.0%})" for share, once in told)
        print(f"| {kind} | {cases} | " + " | ".join(cells) + " |", flush=True)
    return worst <= 0.01


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
    two.add_argument("--earlier", type=int, default=0, help="runs of the old kernel before, as a history has them")
    two.add_argument(
        "--beside",
        action="store_const",
        const=OTHERS,
        default=(),
        help=f"measure {', '.join(OTHERS)}, too: twenty other cases",
    )
    two.set_defaults(experiment=planted)
    three = kinds.add_parser("ab")
    three.add_argument("--times", type=int, default=3)
    three.add_argument("--quads", type=int, default=6)
    three.add_argument("--by", type=float, default=0.02)
    three.set_defaults(experiment=ab)
    four = kinds.add_parser("power")
    four.add_argument("--noise", type=float, default=0.003, help="from run to run, relative; 0.003")
    four.add_argument("--times", type=int, default=100)
    four.set_defaults(experiment=power)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        return int(not asked.experiment(asked, (asked.keep or Path(scratch)).resolve()))


if __name__ == "__main__":
    sys.exit(main())
