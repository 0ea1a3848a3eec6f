"""Can the verdicts of `hwbench ab` be trusted? Null runs, planted changes, and duets against processes in turn.

    python scripts/ab_errors.py simulated                # 400 made-up runs for each kind of noise
    python scripts/ab_errors.py null --times 20               # real runs of a made-up suite, both sides the same
    python scripts/ab_errors.py planted --times 10            # one of ten benchmarks made 2% slower
    python scripts/ab_errors.py planted --rounds 50 --keep DIR    # the rounds of all processes are kept
    python scripts/ab_errors.py planted --rounds 40 --see 4% --times 3    # until a change of 4% would be found
    python scripts/ab_errors.py rejudged DIR…                 # what other figures of kept rounds would have seen
    python scripts/ab_errors.py duet --times 6                # width of intervals: duet over in turn, same time spent
    python scripts/ab_errors.py duet --times 6 --beside       # the same beside `stress-ng --stream 1`
    python scripts/ab_errors.py warm                          # seconds of `hwbench ab HEAD~1 HEAD vectorize.add`
    python scripts/ab_errors.py told                          # the tables of all that was measured

The suite has ten benchmarks for pytest-benchmark, of a few milliseconds each, in a repository of two commits. Results
are added to `--out`, so that a long experiment can be done in pieces. They hold for this machine and its noise.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from hwbench.ab.interleave import PROCESSES, SIDES, SURE
from hwbench.ab.judging import THRESHOLD, WANTED, clear, judged, unseen
from hwbench.ab.looks import EARLY, FAMILY, LAST
from hwbench.ab.values import Quad, Value
from hwbench.tracking.stats import t_quantile

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "reports" / "ab" / "errors.json"
CASES = 10
QUADS = 10
PLANTED = 0.02
QUIET = 0.005  # a run-to-run deviation below which 2% must be found
ROUNDS = 7
MOST = 60  # quads of a made-up run that goes on until WANTED would be found
SUITE = '''"""Ten benchmarks of a few milliseconds."""

import pytest
from work import JOBS


@pytest.mark.parametrize("name", sorted(JOBS))
def test_job(benchmark, name):
    job = JOBS[name]
    job()
    benchmark.pedantic(job, rounds={rounds}, iterations=1, warmup_rounds=1)
'''
WORK = '''"""What is timed: loops, strings, sorting and dictionaries, each for some milliseconds."""

import json
import math
import random

source = random.Random(1)
numbers = [source.random() for _ in range(8000)]
words = [str(number) for number in numbers]
table = dict(zip(words, numbers))
tree = {{word: [number] * 2 for word, number in list(table.items())[:1200]}}
written = json.dumps(tree)


def loop(steps={steps}):
    x = 1
    for _ in range(steps):
        x = x * 5 % 1000003
    return x


def sums():
    return sum(a * b for a, b in zip(numbers * 5, numbers * 5))


def roots():
    return [math.sqrt(x) for x in numbers * 6]


def joined():
    return ",".join(words * 6).split(",")


def ordered():
    return sorted(numbers), sorted(words)


def looked_up():
    return sum(table[word] for word in words * 4)


def packed():
    return json.dumps(tree)


def unpacked():
    return json.loads(written), json.loads(written)


def grown():
    out = []
    for number in numbers * 10:
        out.append(number)
    return out


def counted():
    found = {{}}
    for word in words * 2:
        found[word[:3]] = found.get(word[:3], 0) + 1
    return found


JOBS = {{f.__name__: f for f in (loop, sums, roots, joined, ordered, looked_up, packed, unpacked, grown, counted)}}
'''

# --- made-up runs -----------------------------------------------------------------------------------------------------


def noise(kind: str, source: np.random.Generator, processes: int) -> np.ndarray:
    """Log times of all cases in each process of a run, beside their levels."""
    shape = (processes, CASES)
    if kind.startswith("normal"):
        return source.normal(0, float(kind.split()[1].rstrip("%")) / 100, shape)
    if kind == "t3":
        return 0.01 * source.standard_t(3, shape)
    if kind == "wild cases":
        return source.normal(0, 1, shape) * np.where(np.arange(CASES) % 10 == 0, 0.05, 0.01)
    if kind == "wild processes":
        return source.normal(0, 0.01, shape) * np.where(source.random(shape) < 0.1, 5, 1)
    if kind == "common":
        return source.normal(0, 0.02, (processes, 1)) + source.normal(0, 0.004, shape)
    if kind == "drift":
        return np.cumsum(source.normal(0, 0.01, (processes, 1)), axis=0) + source.normal(0, 0.003, shape)
    if kind == "bursts":
        # A neighbour comes and goes for two to six processes, and slows all cases by a fifth.
        busy = np.zeros(processes)
        at = 0
        while at < processes:
            at += int(source.integers(2, 12))
            long = int(source.integers(2, 7))
            busy[at : at + long] = 0.2
            at += long
        return busy[:, None] * source.uniform(0.5, 1, shape) + source.normal(0, 0.003, shape)
    if kind == "modes":
        return np.where(source.random(shape) < 0.5, 0.04, 0.0) + source.normal(0, 0.002, shape)
    if kind == "slow processes":
        # As measured beside a neighbour on the core's other thread: all cases of some processes, single ones of others.
        whole = np.where(source.random((processes, 1)) < 0.05, source.uniform(0.3, 0.6, shape), 0.0)
        single = np.where(source.random(shape) < 0.05, source.uniform(0.05, 0.45, shape), 0.0)
        return np.maximum(whole, single) + source.normal(0, 0.005, shape)
    if kind.startswith("slow rounds"):
        # A share of a process's rounds takes 1.5 times as long, and the share differs from process to process.
        share = source.uniform(0.05, 0.9, (processes, 1, 1))
        rounds = source.normal(0, 0.004, (*shape, ROUNDS)) + 0.4 * (source.random((*shape, ROUNDS)) < share)
        return rounds.min(2) if kind.endswith("fastest") else np.median(rounds, 2)
    raise ValueError(kind)


KINDS = (
    "normal 0.3%", "normal 1%", "normal 5%", "t3", "wild cases", "wild processes", "common", "drift", "bursts", "modes",
    "slow processes", "slow rounds, fastest", "slow rounds, median",
)  # fmt: skip


def simulated(
    kind: str, source: np.random.Generator, planted: float = 0.0, quads: int = QUADS, see: float | None = None
) -> Any:
    """The report of a made-up run, stopped as `ab` or `ab --see` stops; the first case is slower by `planted`."""
    logs = noise(kind, source, PROCESSES * quads)
    found, drawn = [], 0
    for quad in range(quads):
        drawn = int(source.integers(2)) if quad % 2 == 0 else drawn  # once for two quads, as `steps` does
        first = drawn ^ quad % 2
        sides: tuple[list[Any], list[Any]] = ([], [])
        for place, side in enumerate((first, 1 - first, 1 - first, first)):
            times = np.exp(logs[PROCESSES * quad + place])
            times[0] *= 1 + planted * side
            sides[side].append([Value(bench=f"case{i}", value=float(x)) for i, x in enumerate(times)])
        found.append(Quad(*sides))
        if see is not None:
            if len(found) >= SURE and not len(found) % 2 and not unseen(found, THRESHOLD, see)[0]:
                break
        elif len(found) == EARLY.due(quads) < quads:
            report = judged(found, ("a", "b"), THRESHOLD, EARLY)
            if clear(report, THRESHOLD):
                return report
    return judged(found, ("a", "b"), THRESHOLD, LAST)


def alarms(report: Any) -> list[str]:
    """The cases that a report calls slower or faster, the geometric mean among them."""
    every = [*report.cases, *([report.whole] if report.whole else [])]
    return [one.bench for one in every if one.verdict in ("slower", "faster")]


def simulate(times: int, seed: int = 1) -> dict[str, Any]:
    """False alarms, and how often planted changes are found."""
    out: dict[str, Any] = {
        "runs": times,
        "cases": CASES,
        "quads": QUADS,
        "false_alarms": {},
        "until_seen": {},
        "found": {},
    }
    for kind in KINDS:
        source = np.random.default_rng([seed, KINDS.index(kind)])
        out["false_alarms"][kind] = sum(bool(alarms(simulated(kind, source))) for _ in range(times))
        reports = [simulated(kind, source, quads=MOST, see=WANTED) for _ in range(times)]
        out["until_seen"][kind] = {
            "false_alarms": sum(bool(alarms(one)) for one in reports),
            "reached": sum(all((case.sees or math.inf) <= WANTED for case in one.cases) for one in reports),
        }
    for kind in ("normal 0.2%", "normal 0.3%", "normal 0.5%", "normal 1%", *KINDS[-3:]):
        for planted in (0.01, 0.02, 0.04):
            source = np.random.default_rng([seed, 100])
            few = max(1, times // 4)
            reports = [simulated(kind, source, planted) for _ in range(few)]
            out["found"][f"{kind}, {planted:.0%}"] = sum("case0" in alarms(one) for one in reports) / few
    return out


# --- real runs --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def suite(planted: float, rounds: int = ROUNDS) -> Iterator[Path]:
    """A repository whose second commit makes `loop` slower by a share."""
    with tempfile.TemporaryDirectory(prefix="hwbench-suite-") as name:
        root = Path(name)
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false"]
        subprocess.run([*git, "init", "-q"], cwd=root, check=True)
        for text, steps in (("one", 60_000), ("two", round(60_000 * (1 + planted)))):
            (root / "work.py").write_text(WORK.format(steps=steps) + f"\n# {text}\n")
            (root / "test_suite.py").write_text(SUITE.replace("{rounds}", str(rounds)))
            subprocess.run([*git, "add", "."], cwd=root, check=True)
            subprocess.run([*git, "commit", "-qm", text], cwd=root, check=True)
        yield root


def measured(root: Path, *options: str) -> dict[str, Any]:
    """The JSON of `hwbench ab` of the two commits."""
    pytest = ["pytest", "-q", "-p", "pytest_benchmark.plugin", "-p", "no:cacheprovider", "--benchmark-only"]
    command = [sys.executable, "-m", "hwbench", "ab", "--base", "HEAD~1", "--new", "HEAD", "--no-build", "--json"]
    done = subprocess.run(
        [*command, *options, "--", *pytest, "test_suite.py"],
        cwd=root, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    if not done.stdout:
        sys.exit(f"hwbench ab failed: {done.stderr[-500:]}")
    return json.loads(done.stdout)


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a run."""
    cases = [one for one in found["cases"] if one["ratio"] is not None]
    every = [*cases, found["whole"]]
    return {
        "mode": found["measured"]["mode"],
        "quads": found["measured"]["quads"],
        "seconds": round(found["measured"]["seconds"], 1),
        "cases": len(cases),
        "alarms": [[one["bench"], *one["params"].values(), one["verdict"], one["ratio"]]
                   for one in every if one["verdict"] in ("slower", "faster")],
        "deviation": round(found["run_to_run"]["deviation"], 5),
        "sees": sorted(round(one["sees"], 4) for one in cases if one["sees"] is not None),
        "log_width": round(float(np.mean([math.log(math.log(one["high"] / one["low"])) for one in cases])), 4),
        "loop": next(([one["verdict"], one["ratio"], one["sees"]] for one in cases
                      if "loop" in map(str, one["params"].values())), None),
    }  # fmt: skip


@contextlib.contextmanager
def beside(wanted: bool) -> Iterator[None]:
    """`stress-ng --stream 1` meanwhile."""
    if not wanted:
        yield
        return
    program = shutil.which("stress-ng")
    if program is None:
        sys.exit("stress-ng is not installed")
    noisy = subprocess.Popen([program, "--stream", "1", "--quiet"], start_new_session=True)
    try:
        yield
    finally:
        os.killpg(noisy.pid, 15)
        noisy.wait()


def added(out: Path, name: str, runs: Sequence[Any]) -> None:
    """Add runs to those that are kept under a name."""
    kept = json.loads(out.read_text()) if out.exists() else {}
    kept[name] = [*kept.get(name, []), *runs] if isinstance(kept.get(name, []), list) else list(runs)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(kept, indent=1) + "\n")


def real(
    kind: str, times: int, out: Path, seconds: str, quads: int, noisy: bool, rounds: int, keep: Path | None, see: str
) -> None:
    """Measure, and keep each run as soon as it is there."""
    with suite(PLANTED if kind == "planted" else 0.0, rounds) as root, beside(noisy):
        for number in range(times):
            if kind == "duet":
                ways = ["--duet", "--no-duet"][:: 1 if number % 2 else -1]
                pair = {way[2:]: summary(measured(root, way, "--for", seconds)) for way in ways}
                added(out, "duet beside" if noisy else "duet", [pair])
                print({way: (one["quads"], one["deviation"]) for way, one in pair.items()}, flush=True)
            else:
                kept = [] if keep is None else ["--keep", str(keep.absolute() / f"{kind}-{time.time():.0f}")]
                much = ["--see", see, "--for", seconds] if see else ["--quads", str(quads)]
                one = summary(measured(root, *much, *kept)) | {"rounds": rounds, "see": see}
                added(out, f"{kind} until seen" if see else kind, [one])
                print(one["mode"], one["seconds"], one["deviation"], one["alarms"], one["loop"], flush=True)


# --- kept rounds ------------------------------------------------------------------------------------------------------

PLANTS = (0.02, 0.04)
FIGURES = {"min": np.min, "quartile": lambda rounds: np.quantile(rounds, 0.25), "median": np.median, "mean": np.mean}


def rounds_of(folder: Path) -> list[tuple[int, int, dict[str, list[float]]]]:
    """Quad, side and the rounds of each case, of the processes that `ab --keep` kept."""
    lines = [json.loads(line) for line in (folder / "ab.jsonl").read_text().splitlines()[1:]]
    found = []
    for one in lines:
        name = f"{PROCESSES * one['quad'] + one['step'] + 1:03}-{SIDES[one['side']]}.json"
        cases = json.loads((folder / name).read_text())["benchmarks"]
        found.append((one["quad"], one["side"], {case["name"]: case["stats"]["data"] for case in cases}))
    return found


def quads_of(found: Sequence[tuple[int, int, dict[str, list[float]]]], figure: str, rounds: int, means: bool) -> Any:
    """Quads by a figure of the first rounds; `means`: of both processes of a side, as they were judged before."""
    sides: dict[int, tuple[list[Any], list[Any]]] = {}
    for quad, side, cases in found:
        values = [Value(bench=name, value=float(FIGURES[figure](data[:rounds])), statistic="mean" if means else figure)
                  for name, data in cases.items()]  # fmt: skip
        sides.setdefault(quad, ([], []))[side].append(values)
    return [Quad(*sides[quad]) for quad in sorted(sides)]


def by_arithmetic(quads: Sequence[Any], share: float) -> list[int]:
    """In how many cases, and of how many, a change is found that is made by multiplying new's times of one case."""
    names = [one.bench for one in quads[0].new[0]]

    def slower(one: Any, name: str) -> Any:
        return msgspec.structs.replace(one, value=one.value * (1 + share)) if one.bench == name else one

    def hit(name: str) -> bool:
        planted = [Quad(one.base, [[slower(x, name) for x in side] for side in one.new]) for one in quads]
        return name in alarms(judged(planted, ("a", "b"), THRESHOLD, LAST))

    return [sum(map(hit, names)), len(names)]


def scatter(found: Sequence[tuple[int, int, dict[str, list[float]]]], figure: str, rounds: int) -> float:
    """The deviation from process to process of the same side, relative: the median of the cases."""
    logs = np.array([[math.log(FIGURES[figure](data[:rounds])) for data in cases.values()] for _, _, cases in found])
    sides = np.array([side for _, side, _ in found])
    for side in (0, 1):
        logs[sides == side] -= logs[sides == side].mean(0)
    return float(np.median(np.sqrt((logs**2).sum(0) / (len(found) - 2))))


def rejudged(folders: Sequence[Path], out: Path) -> None:
    """What each figure of the kept rounds shows, and the smallest changes that would be found by it."""
    runs = []
    for folder in folders:
        found = rounds_of(folder)
        most = min(len(data) for _, _, cases in found for data in cases.values())
        for rounds in sorted({min(ROUNDS, most), most}):
            for figure in FIGURES:
                for means in (True, False):
                    quads = quads_of(found, figure, rounds, means)
                    report = judged(quads, ("a", "b"), THRESHOLD, LAST)
                    sees = sorted(one.sees if one.sees is not None else math.inf for one in report.cases)
                    loop = next(one for one in report.cases if "loop" in one.bench)
                    runs.append({
                        "quads": len(quads), "rounds": rounds, "figure": figure,
                        "sides": "means" if means else "chosen", "alarms": alarms(report),
                        "scatter": round(scatter(found, figure, rounds), 5),
                        "deviation": round(report.noise.common, 5), "sees": [min(round(x, 4), 9.0) for x in sees],
                        "loop": [loop.verdict, loop.ratio, loop.sees],
                        "found": {f"{one:.0%}": by_arithmetic(quads, one) for one in PLANTS if figure == "min"},
                    })  # fmt: skip
    kept = json.loads(out.read_text()) if out.exists() else {}
    out.write_text(json.dumps({**kept, "rejudged": runs}, indent=1) + "\n")


def warm(out: Path) -> None:
    """The time of two commits of hwbench by one bench, with environments and kernels that are there."""
    command = [sys.executable, "-m", "hwbench", "ab", "HEAD~1", "HEAD", "vectorize.add", "--json"]
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    took = time.monotonic() - began
    if not done.stdout:
        sys.exit(done.stderr[-500:])
    found = json.loads(done.stdout)
    quads, deviation = found["measured"]["quads"], found["run_to_run"]["deviation"]
    built = "building" in done.stderr
    added(out, "warm", [{"seconds": round(took, 1), "quads": quads, "built": built, "deviation": deviation}])
    print(f"{took:.1f} s")


# --- what is told -----------------------------------------------------------------------------------------------------


def ratio(pairs: Sequence[Any]) -> tuple[float, float, float]:
    """The width of duets' intervals over that of processes in turn: geometric mean and 95% interval over pairs."""
    logs = [one["duet"]["log_width"] - one["no-duet"]["log_width"] for one in pairs]
    reach = t_quantile(0.975, len(logs) - 1) * float(np.std(logs, ddof=1)) / math.sqrt(len(logs)) if logs[1:] else 9.0
    middle = float(np.mean(logs))
    return math.exp(middle), math.exp(middle - reach), math.exp(middle + reach)


def told(kept: dict[str, Any]) -> Iterator[str]:
    """The tables."""
    if made := kept.get("simulated"):
        yield f"Made-up runs: {made['runs']} of {made['cases']} cases and {made['quads']} quads for each kind of noise."
        yield (
            f"| noise of a process | runs with a false alarm | with --see {WANTED:.0%}, at most {MOST} quads |"
            f" where every case saw {WANTED:.0%} |\n| --- | ---: | ---: | ---: |"
        )
        for kind, count in made["false_alarms"].items():
            seen = made.get("until_seen", {}).get(kind, {})
            alarmed, reached = (seen.get(name, "–") for name in ("false_alarms", "reached"))
            yield f"| {kind} | {count} of {made['runs']} | {alarmed} | {reached} |"
        yield "| noise of a process, slower by | found |\n| --- | ---: |"
        for kind, share in made["found"].items():
            yield f"| {kind} | {share:.0%} |"
    if null := kept.get("null"):
        bad = sum(bool(one["alarms"]) for one in null)
        yield f"Real null runs: {len(null)}, {bad} with a false alarm; {_spread(null)}."
    for planted in filter(None, (kept.get("planted"), kept.get("planted until seen"))):
        hits = sum(one["loop"][0] == "slower" for one in planted)
        wrong = sum(
            any("loop" not in alarm and "geometric mean" not in alarm for alarm in one["alarms"]) for one in planted
        )
        quiet = sum(one["deviation"] <= QUIET for one in planted)
        sees = sorted(one["loop"][2] or math.inf for one in planted)
        yield (
            f"2% planted: found in {hits} of {len(planted)} runs, {wrong} with another alarm; {_spread(planted)}; "
            f"{quiet} with a deviation of at most {QUIET:.1%}; smallest change that would be seen in the planted case: "
            f"{sees[0]:.1%} to {sees[-1]:.1%}"
        )
    for name in ("duet", "duet beside"):
        if pairs := kept.get(name):
            middle, low, high = ratio(pairs)
            quads = [np.median([one[way]["quads"] for one in pairs]) for way in ("duet", "no-duet")]
            deviations = [np.median([one[way]["deviation"] for one in pairs]) for way in ("duet", "no-duet")]
            yield (
                f"{name}: {len(pairs)} pairs; width of duets' intervals over those in turn {middle:.2f} ({low:.2f} to "
                f"{high:.2f}); quads {quads[0]:.0f} and {quads[1]:.0f}; quads differ by {deviations[0]:.2%} and "
                f"{deviations[1]:.2%}"
            )
    if runs := kept.get("rejudged"):
        yield (
            "| rounds | figure | side of a quad | runs | processes differ by | quads differ by | smallest change seen: "
            "best, middle and worst case | 2% found | 4% found | false alarms |\n"
            "| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
        )
        for key in dict.fromkeys((one["rounds"], one["figure"], one["sides"]) for one in runs):
            mine = [one for one in runs if (one["rounds"], one["figure"], one["sides"]) == key]
            sees = [[one["sees"][at] for one in mine] for at in (0, 4, -1)]
            wrong = sum(any("loop" not in name for name in one["alarms"]) for one in mine)
            yield (
                f"| {key[0]} | {key[1]} | {key[2]} | {len(mine)} | {np.median([one['scatter'] for one in mine]):.1%} | "
                f"{np.median([one['deviation'] for one in mine]):.1%} | "
                f"{', '.join(f'{np.median(one):.1%}' for one in sees)} | "
                f"{' | '.join(_found(mine, size) for size in ('2%', '4%'))} | {wrong} |"
            )
    if runs := kept.get("warm"):
        yield f"ab HEAD~1 HEAD vectorize.add: {', '.join(str(one['seconds']) for one in runs)} s"


def _found(runs: Sequence[Any], size: str) -> str:
    """`14 of 30` changes of a size that were found."""
    counts = [one["found"][size] for one in runs if one["found"]]
    return f"{sum(hits for hits, _ in counts)} of {sum(every for _, every in counts)}" if counts else ""


def _spread(runs: Sequence[Any]) -> str:
    seconds = sorted(one["seconds"] for one in runs)
    deviations = sorted(one["deviation"] for one in runs)
    modes = {mode: sum(one["mode"] == mode for one in runs) for mode in ("duet", "abba")}
    return (
        f"{seconds[0]:.0f} to {seconds[-1]:.0f} s each, {modes['duet']} as duets; quads differ by "
        f"{deviations[0]:.2%} to {deviations[-1]:.2%}, {deviations[len(deviations) // 2]:.2%} in the middle"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure or tell; 1 where a target is missed by what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("simulated", "null", "planted", "rejudged", "duet", "warm", "told"))
    parser.add_argument("folders", nargs="*", type=Path, help="of `rejudged`: what --keep kept")
    parser.add_argument("--times", type=int, default=0, help="runs; 400 simulated, else 10")
    parser.add_argument("--quads", type=int, default=QUADS)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each benchmark in a process")
    parser.add_argument("--keep", type=Path, help="where each run's processes are kept")
    parser.add_argument("--for", dest="seconds", help="time of each run of `duet` (12s), or at most with --see (30m)")
    parser.add_argument("--see", default="", help="until a change of this share would be found")
    parser.add_argument("--beside", action="store_true", help="beside stress-ng --stream 1")
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args(arguments)
    if asked.what == "simulated":
        kept = json.loads(asked.out.read_text()) if asked.out.exists() else {}
        kept["simulated"] = simulate(asked.times or 400)
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(json.dumps(kept, indent=1) + "\n")
    elif asked.what == "warm":
        warm(asked.out)
    elif asked.what == "rejudged":
        rejudged(asked.folders, asked.out)
    elif asked.what != "told":
        seconds = asked.seconds or ("30m" if asked.see else "12s")
        real(asked.what, asked.times or 10, asked.out, seconds, asked.quads, asked.beside, asked.rounds,
             asked.keep, asked.see)  # fmt: skip
    kept = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    print("\n".join(told(kept)))
    made = kept.get("simulated", {})
    alarmed = [*made.get("false_alarms", {}).values()]
    alarmed += [one["false_alarms"] for one in made.get("until_seen", {}).values()]
    missed = any(count > math.ceil(FAMILY * made["runs"]) for count in alarmed)
    return int(missed or any(one["alarms"] for one in kept.get("null", ())))


if __name__ == "__main__":
    sys.exit(main())
