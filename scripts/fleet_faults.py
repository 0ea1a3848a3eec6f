"""How often does `hwbench fleet diagnose` find a fault, and name it? Made-up fleets with planted faults, and the bound.

    python scripts/fleet_faults.py variances              # components of variance of the runs at hand (reports/runs)
    python scripts/fleet_faults.py recall                 # against the likelihood-ratio bound and fixed rules, 25 cells
    python scripts/fleet_faults.py strained               # fleets that break an assumption of the diagnosis
    python scripts/fleet_faults.py published              # 10,000 machines × 40 quantities × 3 runs, kept compressed
    python scripts/fleet_faults.py orders --times 100     # the same answer for the rows in any order
    python scripts/fleet_faults.py scale                  # seconds and bytes for the published set
    python scripts/fleet_faults.py chart                  # docs/pictures/fleet.svg
    python scripts/fleet_faults.py real --to DIR          # real faults in the small on this machine
    python scripts/fleet_faults.py told                   # the tables of all that was measured

A machine's figure is the centre, times the effect of its part (Student's t of 10 degrees of freedom, with a loading
for each quantity), times what is the quantity's own, times the noise of each run. A fault slows its quantities by size
times share, each share within 10%. The bound is the test by the ratio of the exact densities: the mixture of all kinds
and sizes of fault over healthy. It knows all centres, variances, loadings and shares, not which fault a machine has.
Results are added to `--out`.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import gammaln, roots_genlaguerre

from hwbench.fleet.components import UNKNOWN, part
from hwbench.fleet.cube import Group

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "reports" / "fleet"
SIZES = (0.04, 0.06, 0.08, 0.10, 0.15)
SPREADS = (0.005, 0.01, 0.02, 0.04, 0.08)
RUNS = 3
TAIL = 10.0
OWN = 0.3  # of a part's spread: what is a quantity's own
JITTER = 0.1
FALSE = 0.001

# Forty quantities: a typical value, and the part that the generator gives it.
QUANTITIES: dict[str, tuple[float, str]] = {
    "l1.latency": (1.1e-9, "l1"), "l2.latency": (5e-9, "l2"), "l3.latency": (1.6e-8, "l3"),
    "dram.latency": (1.5e-7, "dram"), "l1.read.one": (2.3e11, "l1"), "l1.read.all": (4.4e11, "l1"),
    "l1.triad.one": (2.7e11, "l1"), "l2.read.one": (1.2e11, "l2"), "l2.read.all": (2.2e11, "l2"),
    "l2.triad.one": (1.1e11, "l2"), "l3.read.one": (9.8e10, "l3"), "l3.read.all": (1.9e11, "l3"),
    "l3.triad.all": (1.7e11, "l3"), "dram.read.one": (3e10, "dram"), "dram.read.all": (2.4e11, "dram"),
    "dram.triad.one": (4e10, "dram"), "dram.triad.all": (2.1e11, "dram"), "dram.copy.all": (2.2e11, "dram"),
    "peak.f8.one": (5.9e10, "core"), "peak.f8.all": (1.9e12, "core"), "matmul.f8.one": (5.2e10, "core"),
    "matmul.f8.all": (1.6e12, "core"), "clock.one": (3.6e9, "core"), "clock.all": (3.4e9, "core"),
    "core_to_core": (4e-8, "l3"), "call.python": (2.3e-8, "calls"), "call.numpy": (2.1e-7, "calls"),
    "prange.compute": (30.0, "threads"), "hbm.read@gpu:0": (4.1e12, "hbm"), "hbm.triad@gpu:0": (4.3e12, "hbm"),
    "hbm.latency@gpu:0": (3.5e-7, "hbm"), "l2.read@gpu:0": (7.2e12, "gpu l2"), "l2.latency@gpu:0": (1.4e-7, "gpu l2"),
    "peak.f4@gpu:0": (5.9e13, "gpu core"), "tensor.bf16@gpu:0": (6.9e14, "gpu core"),
    "launch@gpu:0": (2e-6, "gpu core"), "h2d.pinned@gpu:0": (5.5e10, "link"), "d2h.pinned@gpu:0": (5.5e10, "link"),
    "both.pinned@gpu:0": (1e11, "link"), "h2d.pageable@gpu:0": (1.2e10, "link"),
}  # fmt: skip
NAMES = tuple(sorted(QUANTITIES))
TIMES = frozenset(name for name in NAMES if QUANTITIES[name][0] < 1e-3)  # seconds: the less the better
BETTER = np.array([-1 if name in TIMES else 1 for name in NAMES])

# What each planted fault does: the share of its size that a quantity suffers. Written apart from what diagnosis knows.
DRAM_ALL = {"dram.read.all": 1.0, "dram.triad.all": 1.0, "dram.copy.all": 1.0}
FAULTS: dict[str, tuple[str, dict[str, float]]] = {
    "memory channel": ("memory channel", DRAM_ALL | {"dram.read.one": 0.35, "dram.triad.one": 0.45}),
    "4 KiB pages": (
        "huge pages",
        {"dram.latency": 1.0, "l3.latency": 0.4, "dram.read.one": 0.3, "dram.triad.one": 0.3, "dram.read.all": 0.1},
    ),
    "thermal cap": (
        "clock",
        {name: 1.0 for name in NAMES if QUANTITIES[name][1] in ("core", "l1", "l2", "calls")}
        | {name: 0.6 for name in NAMES if QUANTITIES[name][1] == "l3"},
    ),
    "power cap": (
        "power cap",
        {"clock.all": 1.0, "peak.f8.all": 1.0, "matmul.f8.all": 1.0, "prange.compute": 0.9, "l1.read.all": 0.6,
         "l2.read.all": 0.6},
    ),
    "bad core": (
        "one core",
        {"clock.all": 0.9, "peak.f8.all": 1.0, "matmul.f8.all": 0.5, "prange.compute": 1.0, "l1.read.all": 1.0,
         "l2.read.all": 1.0, "l3.read.all": 0.6, "l3.triad.all": 0.6, "core_to_core": 0.5},
    ),
    "L3 clock": (
        "L3 cache",
        {"l3.latency": 1.0, "l3.read.one": 1.0, "l3.read.all": 1.0, "l3.triad.all": 1.0, "core_to_core": 0.4},
    ),
    "link width": (
        "gpu:0 link",
        {"h2d.pinned@gpu:0": 1.0, "d2h.pinned@gpu:0": 1.0, "both.pinned@gpu:0": 1.0, "h2d.pageable@gpu:0": 0.4},
    ),
    "GPU cap": (
        "gpu:0 clock",
        {"peak.f4@gpu:0": 1.0, "tensor.bf16@gpu:0": 1.0, "launch@gpu:0": 0.3, "l2.read@gpu:0": 0.7,
         "l2.latency@gpu:0": 0.7},
    ),
    "GPU memory": ("gpu:0 memory", {"hbm.read@gpu:0": 1.0, "hbm.triad@gpu:0": 1.0, "hbm.latency@gpu:0": 0.2}),
    "noisy neighbour": ("noisy neighbour", {}),
}  # fmt: skip
KINDS = tuple(FAULTS)
SHARES = np.array([[FAULTS[kind][1].get(name, 0.0) for name in NAMES] for kind in KINDS])
HEALTHY = -1


@dataclass(frozen=True)
class Truth:
    """What the generator knows: for each quantity its part and loading, and standard deviations, all relative."""

    part: np.ndarray
    loading: np.ndarray
    spread: np.ndarray  # by quantity, that of its part
    own: np.ndarray
    run: np.ndarray
    within: np.ndarray

    def of(self, number: int) -> np.ndarray:
        """The quantities of a part."""
        return np.flatnonzero(self.part == number)


@dataclass(frozen=True)
class Fleet:
    """A made-up fleet: logarithms of figures over their centres (the more the better), kind and size of each fault."""

    y: np.ndarray
    width: np.ndarray
    kind: np.ndarray
    size: np.ndarray

    def group(self) -> Group:
        """The fleet as diagnosis takes it."""
        machines = [f"node-{i:05d}" for i in range(len(self.y))]
        centre = BETTER * np.log([QUANTITIES[name][0] for name in NAMES])
        started = np.broadcast_to(np.arange(self.y.shape[2]) * 86400.0, (len(self.y), self.y.shape[2]))
        return Group("made-up", "made up", machines, NAMES, BETTER, self.y + centre[:, None], self.width, started)


def truth(spread: float | Mapping[str, float], noise: Mapping[str, tuple[float, float]]) -> Truth:
    """The made-up truth for a spread of machines (of all parts, or by part), and the noise by part of diagnosis."""
    rng = np.random.default_rng(7)
    parts = sorted({QUANTITIES[name][1] for name in NAMES})
    number = np.array([parts.index(QUANTITIES[name][1]) for name in NAMES])
    each = np.array([spread if isinstance(spread, float) else spread[QUANTITIES[name][1]] for name in NAMES])
    loading = 1 + 0.15 * rng.uniform(-1, 1, len(NAMES))
    run, within = (np.array([noise[part(name)][i] for name in NAMES]) for i in (0, 1))
    return Truth(number, loading, each, OWN * each * rng.uniform(0.7, 1.3, len(NAMES)), run, within)


def made(known: Truth, healthy: int, faulty: Mapping[float, int], seed: int, tail: float = TAIL) -> Fleet:
    """A fleet with `faulty` machines of each size, the kinds in turn; machines are shuffled."""
    rng = np.random.default_rng(seed)
    size = np.concatenate([np.zeros(healthy), *(np.full(number, one) for one, number in faulty.items())])
    kind = np.concatenate([np.full(healthy, HEALTHY), *(np.arange(number) % len(KINDS) for number in faulty.values())])
    order = rng.permutation(len(size))
    size, kind = size[order], kind[order]
    machines, parts = len(size), known.part.max() + 1
    effect = rng.standard_t(tail, (machines, parts)) * math.sqrt((tail - 2) / tail)
    level = effect[:, known.part] * known.loading * known.spread + rng.normal(size=(machines, len(NAMES))) * known.own
    share = np.where(kind[:, None] >= 0, SHARES[kind], 0.0) * (1 + JITTER * rng.normal(size=level.shape))
    level += np.log1p(-size)[:, None] * share
    noise = np.sqrt(known.run**2 + np.where(kind == KINDS.index("noisy neighbour"), size, 0.0)[:, None] ** 2)
    y = level[:, :, None] + noise[:, :, None] * rng.normal(size=(*level.shape, RUNS))
    widths = known.within[None, :, None] * (noise / known.run)[:, :, None] * rng.lognormal(0, 0.3, y.shape)
    return Fleet(y, widths, kind, size)


# --- the bound --------------------------------------------------------------------------------------------------------


def bound(fleet: Fleet, known: Truth, sizes: Sequence[float] = SIZES, tail: float = TAIL) -> np.ndarray:
    """The logarithm of the likelihood of each machine under the mixture of faults over that of a healthy one."""
    mean = fleet.y.mean(axis=2)
    squares = ((fleet.y - mean[:, :, None]) ** 2).sum(axis=2)
    parts = range(known.part.max() + 1)
    variance = known.own**2 + known.run**2 / RUNS
    base = [_density(known, mean, variance, number, tail) for number in parts]
    options = []
    for kind, name in enumerate(KINDS):
        for size in sizes:
            if name == "noisy neighbour":
                noisy = known.run**2 + size**2
                gain = (-squares / 2 * (1 / noisy - 1 / known.run**2)).sum(axis=1)
                gain -= (RUNS - 1) / 2 * np.log(noisy / known.run**2).sum()
                for number in parts:
                    gain += _density(known, mean, known.own**2 + noisy / RUNS, number, tail) - base[number]
            else:
                slow = np.log1p(-size) * SHARES[kind]
                gain = np.zeros(len(mean))
                for number in parts:
                    if SHARES[kind][known.of(number)].any():
                        wider = variance + (JITTER * slow) ** 2
                        gain += _density(known, mean - slow, wider, number, tail) - base[number]
            options.append(gain)
    return np.logaddexp.reduce(options, axis=0) - math.log(len(options))


def _density(known: Truth, x: np.ndarray, variance: np.ndarray, number: int, tail: float) -> np.ndarray:
    """The exact log-density of a part's quantities: normal about the effect, which is Student's t."""
    at = known.of(number)
    d, v, loading = x[:, at], variance[at], known.loading[at]
    error = 1 / (loading**2 / v).sum()
    effect = (d * loading / v).sum(axis=1) * error
    rest = -0.5 * (((d - loading * effect[:, None]) ** 2 / v).sum(axis=1) + np.log(2 * np.pi * v).sum())
    scale = known.spread[at[0]] * math.sqrt((tail - 2) / tail)
    # Student's t is a normal of gamma-distributed precision: summed over Gauss and Laguerre's nodes.
    node, weight = roots_genlaguerre(60, tail / 2 - 1)
    precision = node / (tail / 2)
    grid = np.concatenate([-np.geomspace(3, 1e-5, 1500), [0.0], np.geomspace(1e-5, 3, 1500)])
    spread = scale**2 / precision + error
    logs = np.log(weight) - gammaln(tail / 2) - 0.5 * np.log(2 * np.pi * spread)
    table = np.logaddexp.reduce(logs[:, None] - grid**2 / (2 * spread[:, None]), axis=0)
    return rest + 0.5 * math.log(2 * math.pi * error) + np.interp(effect, grid, table)


# --- the rules of others ----------------------------------------------------------------------------------------------


def shares(fleet: Fleet) -> np.ndarray:
    """Machine × quantity: how much worse a figure is than the mean of all, as others compute it (0.05: 5% worse)."""
    values = np.exp(fleet.y.mean(axis=2))
    return 1 - values / values.mean(axis=0)


def rules(fleet: Fleet) -> dict[str, np.ndarray]:
    """Who is accused by the fixed rules in use: any quantity is enough."""
    values = np.exp(fleet.y.mean(axis=2))
    worse = shares(fleet)
    sigma = values.std(axis=0) / values.mean(axis=0)
    return {
        "5% below the mean": (worse > 0.05).any(axis=1),
        "10% below the mean": (worse > 0.10).any(axis=1),
        "1 σ and 10%": ((worse > 0.10) & (worse > sigma)).any(axis=1),
        "0.7 of the best": (values < 0.7 * values.max(axis=0)).any(axis=1),
    }


# --- variances of real runs -------------------------------------------------------------------------------------------

QUIET_RUN = 0.01  # machines of a fleet are not shared: of what shared ones show at most this is taken
ASSUMED = (0.002, 0.0003)  # of GPUs, whose runs at hand measured different things


def variances(folder: Path = ROOT / "reports" / "runs") -> dict[str, Any]:
    """By part: the deviation from run to run of one machine and the standard error within a run, by runs at hand."""
    from hwbench import catalog
    from hwbench.analysis.reading import Reading
    from hwbench.record import store

    seen: dict[tuple[str, str], list[tuple[float, float]]] = {}
    runs = 0
    for path in sorted(folder.glob("*/*.json")):
        run = store.read(path)
        runs += 1
        for one in Reading(run, catalog.benches()).headline:
            name = one.name if one.device == "cpu" else f"{one.name}@{one.device}"
            known = one.low > 0 and math.isfinite(one.high)
            width = math.log(one.high / one.low) / (2 * 1.96) if known else math.nan
            seen.setdefault((run.machine.name, name), []).append((math.log(one.value), width))
    parts: dict[str, tuple[list[float], list[float]]] = {}
    for (_, name), figures in seen.items():
        between, within = parts.setdefault(part(name), ([], []))
        within += [width for _, width in figures if width > 0]
        if len(figures) > 1:
            between.append(float(np.std([value for value, _ in figures], ddof=1)))
    measured = {
        name: {
            "quantities": len(between), "run_to_run": round(float(np.median(between)), 5) if between else None,
            "within_run": round(float(np.median(within)), 5),
        }
        for name, (between, within) in sorted(parts.items()) if within
    }  # fmt: skip
    used = {
        name: [min(QUIET_RUN, one["run_to_run"] or ASSUMED[0]), max(ASSUMED[1], min(one["within_run"], QUIET_RUN / 2))]
        for name, one in measured.items()
    }
    return {"runs": runs, "measured": measured, "used": used}


def noise(results: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """The noise that made-up fleets get, by part."""
    found: dict[str, tuple[float, float]] = {name: tuple(one) for name, one in results["variances"]["used"].items()}
    return {part(name): found.get(part(name), ASSUMED) for name in NAMES}


# --- recall -----------------------------------------------------------------------------------------------------------


@dataclass
class Cell:
    """What is known of the machines of a spread: scores, and whether the right component was named."""

    bound: list[np.ndarray] = field(default_factory=list)
    ours: list[np.ndarray] = field(default_factory=list)
    percent: list[np.ndarray] = field(default_factory=list)
    size: list[np.ndarray] = field(default_factory=list)
    kind: list[np.ndarray] = field(default_factory=list)
    right: list[np.ndarray] = field(default_factory=list)
    chance: list[np.ndarray] = field(default_factory=list)
    odd: list[np.ndarray] = field(default_factory=list)
    rules: list[dict[str, np.ndarray]] = field(default_factory=list)


def recall(results: Mapping[str, Any], fleets: int, healthy: int = 10_000, each: int = 200) -> list[dict[str, Any]]:
    """The cells: spread × size, each with the recall of all rules at 0.1% of healthy machines, and its interval."""
    out = []
    for spread in SPREADS:
        known = truth(spread, noise(results))
        cell = Cell()
        for seed in range(fleets):
            fleet = made(known, healthy, dict.fromkeys(SIZES, each), 1000 + seed)
            judged(fleet, known, cell)
        out += list(_cells(spread, cell))
        print(*(f"spread {one['spread']:.1%} size {one['size']:.0%}: bound {one['bound']:.3f} ours {one['ours']:.3f} "
                f"({one['difference'][1]:+.3f} to {one['difference'][2]:+.3f}) odd {one['odd']:.3f} "
                f"named {one['named']:.3f}" for one in out[-len(SIZES):]), sep="\n", flush=True)  # fmt: skip
    return out


def judged(fleet: Fleet, known: Truth, cell: Cell) -> None:
    """Add a fleet to what is known of its spread."""
    total, logs, odd, right = _told(fleet)
    cell.bound.append(bound(fleet, known))
    cell.ours.append(total)
    cell.percent.append(shares(fleet).max(axis=1))
    cell.size.append(fleet.size)
    cell.kind.append(fleet.kind)
    cell.right.append(right)
    cell.chance.append(np.exp(logs.max(axis=1) - np.logaddexp.reduce(logs, axis=1)))
    cell.odd.append(odd)
    cell.rules.append(rules(fleet))


def _told(fleet: Fleet) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What diagnosis says of each machine: scores, those of components, who is odd, and who has the right component."""
    from hwbench.fleet.diagnosis import RATE, verdict

    found = verdict(fleet.group())
    scored = found.scores
    assert scored is not None
    name = np.array(scored.names)[scored.by_component.argmax(axis=1)]
    # A kind beyond those of FAULTS is one whose pattern diagnosis does not know.
    wanted = np.array(["", *(FAULTS[kind][0] for kind in KINDS), *[UNKNOWN] * len(FOREIGN)])[fleet.kind + 1]
    return scored.total, scored.by_component, found.adjusted <= RATE, name == wanted


def _cells(spread: float, cell: Cell) -> Iterator[dict[str, Any]]:
    size, kind, right, odd, chance = (
        np.concatenate(one) for one in (cell.size, cell.kind, cell.right, cell.odd, cell.chance)
    )
    scored = {name: np.concatenate(getattr(cell, name)) for name in ("bound", "ours", "percent")}
    healthy = kind == HEALTHY
    limit = {name: float(np.quantile(one[healthy], 1 - FALSE)) for name, one in scored.items()}
    fixed = {name: np.concatenate([one[name] for one in cell.rules]) for name in cell.rules[0]}
    rng = np.random.default_rng(3)
    resampled = []
    for _ in range(200):
        at = rng.integers(0, healthy.sum(), healthy.sum())
        resampled.append({name: float(np.quantile(scored[name][healthy][at], 1 - FALSE)) for name in ("bound", "ours")})
    for one in SIZES:
        mine = size == one
        found = {name: scored[name][mine] > limit[name] for name in scored}
        differences = []
        for limits in resampled:
            at = rng.integers(0, mine.sum(), mine.sum())
            ours, best = (scored[name][mine][at] > limits[name] for name in ("ours", "bound"))
            differences.append(float(ours.mean() - best.mean()))
        low, high = np.quantile(differences, (0.025, 0.975))
        named = right[mine & odd]
        yield {
            "spread": spread, "size": one, "faulty": int(mine.sum()), "healthy": int(healthy.sum()),
            **{name: round(float(hit.mean()), 4) for name, hit in found.items()},
            "difference": [round(float(x), 4) for x in (found["ours"].mean() - found["bound"].mean(), low, high)],
            "odd": round(float(odd[mine].mean()), 4),
            "odd_healthy": round(float(odd[healthy].mean()), 6),
            "named": round(float(named.mean()), 4) if len(named) else None,
            "stated": round(float(chance[mine & odd].mean()), 4) if len(named) else None,
            "rules": {name: [round(float(hit[mine].mean()), 4), round(float(hit[healthy].mean()), 4)]
                      for name, hit in fixed.items()},
            "kinds": {KINDS[i]: round(float(found["ours"][kind[mine] == i].mean()), 3) for i in range(len(KINDS))},
        }  # fmt: skip


# --- what the model of health does not know ---------------------------------------------------------------------------


def strained(results: Mapping[str, Any], fleets: int = 2) -> list[dict[str, Any]]:
    """Faults of 8% at a spread of 1% in fleets that break an assumption: what `diagnose` accuses, and what it names."""
    out = []
    known = truth(0.01, noise(results))
    for name, change in STRAINS.items():
        healthy = accused = faulty = found = right = 0
        for seed in range(fleets):
            fleet = change(known, seed)
            _, _, odd, correct = _told(fleet)
            fault = fleet.kind >= 0
            healthy, accused = healthy + int((~fault).sum()), accused + int((odd & ~fault).sum())
            faulty, found = faulty + int(fault.sum()), found + int((odd & fault).sum())
            right += int((odd & fault & correct).sum())
        out.append({
            "strain": name, "healthy": healthy, "healthy_accused": accused, "faulty": faulty,
            "found": round(found / faulty, 4), "named": round(right / max(found, 1), 4),
        })  # fmt: skip
        print(out[-1], flush=True)
    return out


def _usual(known: Truth, seed: int, tail: float = TAIL) -> Fleet:
    return made(known, 9_900, {0.08: 100}, 2000 + seed, tail)


def _chips(known: Truth, seed: int) -> Fleet:
    """All of a machine's parts are faster or slower together, by 1%."""
    fleet = _usual(known, seed)
    rng = np.random.default_rng(seed)
    chip = 0.01 * rng.normal(size=(len(fleet.y), 1, 1))
    return Fleet(fleet.y + chip, fleet.width, fleet.kind, fleet.size)


def _disturbed(known: Truth, seed: int) -> Fleet:
    """One run of 50 is slower by up to 30% in half of its figures."""
    fleet = _usual(known, seed)
    rng = np.random.default_rng(seed)
    hit = (rng.random((len(fleet.y), 1, RUNS)) < 0.02) & (rng.random(fleet.y.shape) < 0.5)
    return Fleet(fleet.y - hit * rng.uniform(0.02, 0.3, fleet.y.shape), fleet.width, fleet.kind, fleet.size)


def _skewed(known: Truth, seed: int) -> Fleet:
    """One healthy machine of 20 is slower, by a tenth of a percent to some percent, in a part of its own."""
    fleet = _usual(known, seed)
    rng = np.random.default_rng(seed)
    slow = (rng.random((len(fleet.y), known.part.max() + 1)) < 0.05) * rng.exponential(0.01, (len(fleet.y), 1))
    return Fleet(fleet.y - slow[:, known.part][:, :, None], fleet.width, fleet.kind, fleet.size)


def _otherwise(known: Truth, seed: int) -> Fleet:
    """Faults follow their patterns within 30% only."""
    fleet = _usual(known, seed)
    rng = np.random.default_rng(seed)
    share = np.where(fleet.kind[:, None] >= 0, SHARES[fleet.kind], 0.0) * 0.3 * rng.normal(size=fleet.y.shape[:2])
    return Fleet(
        fleet.y + np.log1p(-fleet.size)[:, None, None] * share[:, :, None], fleet.width, fleet.kind, fleet.size
    )


BANDWIDTH = (".read.", ".triad.", ".copy.")
FOREIGN: dict[str, tuple[str, ...]] = {
    "all bandwidths": tuple(name for name in NAMES if any(kind in name for kind in BANDWIDTH)),
    "all triads": tuple(name for name in NAMES if ".triad." in name),
    "a mixed subset": ("call.numpy", "dram.latency", "dram.triad.one", "l2.read.one", "l2.triad.one", "l3.read.one",
                       "matmul.f8.one"),
}  # fmt: skip


def _foreign(size: float) -> Callable[[Truth, int], Fleet]:
    """Steady faults whose patterns diagnosis does not know: bandwidths of all levels, all triads, a mixed subset."""

    def change(known: Truth, seed: int) -> Fleet:
        fleet = made(known, 9_999, {}, 2000 + seed)
        kind = fleet.kind.copy()
        kind[:99] = len(KINDS) + np.arange(99) % len(FOREIGN)
        which = np.array([[name in names for name in NAMES] for names in FOREIGN.values()])
        share = which[kind[:99] - len(KINDS)] * (1 + JITTER * np.random.default_rng(seed).normal(size=(99, len(NAMES))))
        y = fleet.y.copy()
        y[:99] -= size * share[:, :, None]
        return Fleet(y, fleet.width, kind, np.where(kind >= 0, size, 0.0))

    return change


STRAINS = {
    "none": _usual,
    "heavier tails (5 degrees of freedom)": lambda known, seed: _usual(known, seed, 5.0),
    "a common effect of 1% on all parts": _chips,
    "disturbed runs, 1 of 50": _disturbed,
    "healthy machines skewed to the slow side": _skewed,
    "patterns within 30%": _otherwise,
    **{f"patterns that are not known, {size:.0%}": _foreign(size) for size in (0.04, 0.08, 0.2)},
}


# --- published, orders, chart -----------------------------------------------------------------------------------------

BY_PART = {
    "core": 0.005, "l1": 0.01, "l2": 0.01, "l3": 0.02, "dram": 0.02, "calls": 0.01, "threads": 0.01, "hbm": 0.02,
    "gpu l2": 0.04, "gpu core": 0.08, "link": 0.01,
}  # fmt: skip


def published(results: Mapping[str, Any]) -> Fleet:
    """The made-up set: 9,700 healthy machines, 300 at fault, spreads from 0.5% to 8% by part."""
    return made(truth(BY_PART, noise(results)), 9_700, dict.fromkeys(SIZES, 60), 20261130)


def rows(group: Group, order: np.ndarray | None = None) -> Any:
    """A group as rows of a table, in any order."""
    from hwbench.fleet import cube

    runs = group.y.shape[2]
    m, q, r = (one.ravel() for one in np.indices(group.y.shape))
    at = np.arange(len(m)) if order is None else order
    m, q, r = m[at], q[at], r[at]
    value, half = np.exp(group.better[q] * group.y[m, q, r]), np.exp(1.959964 * group.width[m, q, r])
    names = [f"{name}-{i}" for name in group.machines for i in range(runs)]
    return cube.Rows(
        machine=cube.coded(m, group.machines), hardware=cube.coded(np.zeros(len(m), dtype=int), [group.hardware]),
        quantity=cube.coded(q, group.quantities), run=cube.coded(m * runs + r, names), better=group.better[q],
        value=value, low=value / half, high=value * half, started=group.started[m, r],
        suspect=np.zeros(len(m), dtype=bool),
    )  # fmt: skip


def orders(results: Mapping[str, Any], times: int) -> dict[str, Any]:
    """The answers of one fleet whose rows come in `times` orders: how many there are."""
    import msgspec

    from hwbench.fleet import cube, diagnosis

    known = truth(0.01, noise(results))
    group = made(known, 970, dict.fromkeys(SIZES, 6), 5).group()
    rng = np.random.default_rng(11)
    answers = set()
    for _ in range(times):
        order = rng.permutation(group.y.size)
        answers.add(msgspec.json.encode(diagnosis.diagnose(cube.cube(rows(group, order)))))
    return {"machines": len(group.machines), "times": times, "answers": len(answers)}


def scale(results: Mapping[str, Any]) -> dict[str, Any]:
    """Seconds and bytes of `hwbench fleet diagnose` and `report` for 10,000 machines × 40 quantities × 3 runs."""
    import tempfile

    group = published(results).group()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_store(group, folder)
        odd, diagnosed, peak = _timed(["diagnose", str(folder), "--json"])
        page = folder / "page.html"
        _, drawn, peak_page = _timed(["report", str(folder), "-o", str(page)])
        return {
            "odd": len(json.loads(odd)["odd"]), "diagnose_s": diagnosed, "diagnose_mib": peak, "report_s": drawn,
            "report_mib": peak_page, "page_mb": round(page.stat().st_size / 1e6, 2),
        }  # fmt: skip


def _timed(words: Sequence[str]) -> tuple[bytes, float, int]:
    """What a command of `hwbench fleet` prints, its seconds and its largest memory in MiB."""
    import os
    import subprocess

    begin = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", "hwbench", "fleet", *words], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    return said, round(time.perf_counter() - begin, 2), used.ru_maxrss // 1024


def write_store(group: Group, folder: Path) -> None:
    """A store whose Parquet has the group's figures, a file a day."""
    import duckdb

    from hwbench.fleet import database, table

    for r in range(group.y.shape[2]):
        m, q = (one.ravel() for one in np.indices(group.y.shape[:2]))
        value, half = np.exp(group.better[q] * group.y[m, q, r]), np.exp(1.959964 * group.width[m, q, r])
        seconds = group.better[q] < 0
        columns = {
            "run": [f"{group.machines[i]}-{r}" for i in m], "machine": [group.machines[i] for i in m],
            "quantity": [NAMES[i] for i in q], "better": group.better[q], "value": value, "low": value / half,
            "high": value * half, "unit": np.where(seconds, "s", "B/s").astype(object),
        }  # fmt: skip
        data = {name: np.asarray(one, dtype=object if isinstance(one, list) else None) for name, one in columns.items()}
        given = dict.fromkeys(table.COLUMNS, "NULL") | {name: f"data.{name}" for name in data}
        given |= {
            "hardware": "'made-up'", "model": "'made up'", "started": f"TIMESTAMP '2026-11-{28 + r} 12:00:00'",
            "bench": "'stream.load'", "\"case\"": "quantity", "status": "'ok'", "rounds": "7", "headline": "true",
            "version": "1", "hwbench": "'0.1.0'",
        }  # fmt: skip
        del given["case"]
        order = ", ".join(given.get(name, given.get(f'"{name}"', "NULL")) + f' AS "{name}"' for name in table.COLUMNS)
        path = folder / "parquet" / f"2026-11-{28 + r}" / f"{len(group.machines):08d}-{r:016x}.parquet"
        path.parent.mkdir(parents=True)
        connection = duckdb.connect()
        connection.register("data", data)
        connection.execute(f"COPY (SELECT {order} FROM data) TO '{path}' (FORMAT parquet)")  # noqa: S608
        assert database.FILE.fullmatch(str(path.relative_to(folder)))


def write_set(fleet: Fleet, known: Truth, path: Path) -> None:
    """Keep the made-up set: deviations from the centres in units of 0.0002 as 16-bit numbers, and the labels."""
    steps = np.clip(np.round(fleet.y / 2e-4), -32767, 32767).astype(np.int16)
    # Planes of bytes, quantity after quantity, pack best.
    np.savez_compressed(
        path, deviation=np.ascontiguousarray(steps.transpose(1, 2, 0)), kind=fleet.kind.astype(np.int8),
        size=fleet.size.astype(np.float32), kinds=np.array(KINDS), quantities=np.array(NAMES), better=BETTER,
        centre=np.array([QUANTITIES[name][0] for name in NAMES]), part=np.array([QUANTITIES[n][1] for n in NAMES]),
        spread=known.spread, own=known.own, run=known.run, within=known.within, loading=known.loading, shares=SHARES,
    )  # fmt: skip


def chart(results: Mapping[str, Any]) -> str:
    """Recall by size of fault, a panel for each spread; below, the healthy machines that each rule accuses."""
    import vl_convert

    from hwbench.report import theme
    from hwbench.report.svg import FONT

    colours = {"the bound": "ink", "hwbench": "c1", "largest deviation": "c3", "5% below the mean": "c2",
               "10% below the mean": "c6", "1 σ and 10%": "c4", "0.7 of the best": "c8"}  # fmt: skip
    marks, false = [], []
    for cell in results["recall"]:
        where = {"spread": f"spread {cell['spread']:.1%}".replace(".0%", "%"), "size": 100 * cell["size"]}
        found = {"the bound": cell["bound"], "hwbench": cell["ours"], "largest deviation": cell["percent"]}
        found |= {name: one[0] for name, one in cell["rules"].items()}
        marks += [{**where, "rule": name, "recall": value} for name, value in found.items()]
        if cell["size"] == SIZES[0]:
            wrong = dict.fromkeys(("the bound", "hwbench", "largest deviation"), FALSE)
            wrong |= {name: one[1] for name, one in cell["rules"].items()}
            false += [{**where, "rule": name, "share": value, "shown": f"{value:.1%}"} for name, value in wrong.items()]
    order = [f"spread {one:.1%}".replace(".0%", "%") for one in SPREADS]
    colour = {
        "field": "rule", "type": "nominal", "title": None, "sort": list(colours),
        "scale": {"domain": list(colours), "range": [theme.LIGHT[one] for one in colours.values()]},
        "legend": {"orient": "bottom", "columns": 4, "symbolType": "stroke"},
    }  # fmt: skip
    panel = {"field": "spread", "type": "nominal", "title": None, "sort": order, "header": {"labelFontSize": 12}}
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json", "background": "white",
        "padding": 12, "config": {"font": FONT, "view": {"stroke": "#d9dce1"}},
        "title": {"text": "Faults found, by size and by the spread of healthy machines", "anchor": "start",
                  "subtitle": "hwbench, the bound and the largest deviation accuse 0.1% of healthy machines; "
                              "the fixed rules accuse what the bars show"},
        "vconcat": [
            {"data": {"values": marks}, "facet": {"column": panel}, "spec": {
                "width": 130, "height": 150,
                "mark": {"type": "line", "point": {"size": 22}, "strokeWidth": 2},
                "encoding": {
                    "x": {"field": "size", "type": "quantitative", "title": "size of fault (%)",
                          "scale": {"domain": [3, 16]}, "axis": {"values": [4, 6, 8, 10, 15], "grid": False}},
                    "y": {"field": "recall", "type": "quantitative", "title": "found", "axis": {"format": "%"}},
                    "color": colour,
                    "strokeDash": {"value": [1, 0],
                                   "condition": {"test": "datum.rule == 'the bound'", "value": [5, 4]}},
                }}},
            {"data": {"values": false}, "facet": {"column": {**panel, "header": None}}, "spec": {
                "width": 130, "height": 95,
                "layer": [
                    {"mark": "bar", "encoding": {"color": colour}},
                    {"mark": {"type": "text", "align": "left", "dx": 3, "fontSize": 10},
                     "encoding": {"text": {"field": "shown"}}},
                ],
                "encoding": {
                    "y": {"field": "rule", "type": "nominal", "title": None, "sort": list(colours)},
                    "x": {"field": "share", "type": "quantitative", "title": "healthy accused",
                          "scale": {"domain": [0, 1.3]}, "axis": {"format": "%", "values": [0, 0.5, 1], "grid": False}},
                }}},
        ],
    }  # fmt: skip
    return str(vl_convert.vegalite_to_svg(json.dumps(spec)))


# --- real faults in the small -----------------------------------------------------------------------------------------

SELECT = ("stream.triad", "stream.load", "latency.chase", "peak.fma", "clock.frequency", "vectorize.call")
HEALTHY_RUNS, FAULTY_RUNS = 10, 2
REAL = {
    "thief": "one core", "thieves": "clock", "pages": "huge pages", "streams": "memory channel", "quota": "clock",
}  # fmt: skip


def real(folder: Path) -> dict[str, Any]:
    """Runs of this machine, each standing for a machine: healthy ones, and some with a fault that is made beside them.

    `thief`: a loop pinned to the last CPU; `thieves`: one to each; `pages`: no huge pages for the process; `streams`:
    memory traffic of another process; `quota`: half of each CPU's time, by stopping and continuing the run.
    """
    from hwbench.fleet import cube, diagnosis

    plan = ["healthy"] * HEALTHY_RUNS + [name for name in REAL for _ in range(FAULTY_RUNS)]
    rng = np.random.default_rng(1)
    made_runs: list[tuple[str, Path]] = []
    for number, name in enumerate(rng.permutation(plan)):
        out = folder / f"{number:02d}-{name}"
        if not list(out.glob("runs/*/*.json")):
            _beside(str(name), out)
        made_runs += [(f"{number:02d}-{name}", path) for path in out.glob("runs/*/*.json")]
    told = diagnosis.diagnose(cube.cube(_real_rows(made_runs)))
    named = {one.machine: one for one in (*told.odd, *told.doubtful)}
    return {
        "runs": len(made_runs),
        "machines": [
            {"machine": name, "wanted": REAL.get(name[3:]), "component": one.component if one else None,
             "probability": one.probability if one else None, "second": one.second if one else None}
            for name, one in ((name, named.get(name)) for name, _ in made_runs)
        ],
    }  # fmt: skip


def _beside(name: str, out: Path) -> None:
    """One quick run, with what disturbs it."""
    import ctypes
    import os
    import signal
    import subprocess

    spin = [sys.executable, "-c", "while True: pass"]
    stream = [sys.executable, "-c", "import numpy as np\na = np.ones(2**26)\nb = a.copy()\nwhile True: np.copyto(b, a)"]
    cpus = sorted(os.sched_getaffinity(0))
    others = {
        "thief": [["taskset", "-c", str(cpus[-1]), *spin]],
        "thieves": [["taskset", "-c", str(cpu), *spin] for cpu in cpus],
        "streams": [stream] * len(cpus),
    }.get(name, [])

    def small_pages() -> None:
        ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)  # PR_SET_THP_DISABLE, which children inherit

    command = [sys.executable, "-m", "hwbench", "run", *SELECT, "--preset", "quick", "--out", str(out)]
    beside = [subprocess.Popen(one) for one in others]
    try:
        run = subprocess.Popen(
            command, start_new_session=True, preexec_fn=small_pages if name == "pages" else None,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while run.poll() is None:
            time.sleep(0.05)
            if name == "quota":
                os.killpg(run.pid, signal.SIGSTOP)
                time.sleep(0.05)
                os.killpg(run.pid, signal.SIGCONT)
    finally:
        for one in beside:
            one.kill()
            one.wait()


def _real_rows(runs: Sequence[tuple[str, Path]]) -> Any:
    """The headline quantities of run files, each of a machine of its own."""
    from hwbench import catalog
    from hwbench.analysis.headline import RATES, UNITS
    from hwbench.analysis.reading import Reading
    from hwbench.fleet import cube
    from hwbench.record import store

    table = []
    rates = {UNITS[one] for one in RATES} | {"1"}
    for name, path in runs:
        figures = Reading(store.read(path), catalog.benches()).headline
        table += [(name, one.name, 1 if one.unit in rates else -1, one.value, one.low, one.high) for one in figures]
    machine, quantity, better, value, low, high = zip(*table, strict=True)
    return cube.Rows(
        machine=machine, hardware=["this machine"] * len(table), quantity=quantity, better=better, value=value, low=low,
        high=high, started=[0.0] * len(table), run=machine, suspect=[False] * len(table),
    )  # fmt: skip


# --- what is asked ----------------------------------------------------------------------------------------------------


def told(results: Mapping[str, Any]) -> Iterator[str]:
    """The tables of all that was measured."""
    for name, one in results.get("variances", {}).get("measured", {}).items():
        run = "–" if one["run_to_run"] is None else f"{one['run_to_run']:.2%}"
        yield f"{name:14} run to run {run:>7}, within a run {one['within_run']:.2%}"
    yield "spread   size  bound  hwbench  difference            odd    named  largest   5%    10%   1 σ   0.7"
    for one in results.get("recall", ()):
        low, high = one["difference"][1:]
        rule = "  ".join(f"{one['rules'][name][0]:5.1%}" for name in one["rules"])
        named = "–" if one["named"] is None else f"{one['named']:.1%}"
        yield (
            f"{one['spread']:6.1%} {one['size']:6.0%} {one['bound']:6.1%}  {one['ours']:6.1%}  "
            f"{one['difference'][0]:+6.1%} ({low:+.1%} to {high:+.1%})  {one['odd']:6.1%} {named:>6}  "
            f"{one['percent']:6.1%}  {rule}"
        )
    for one in results.get("strained", ()):
        yield (
            f"{one['strain']}: found {one['found']:.1%}, named {one['named']:.1%}, "
            f"{one['healthy_accused']} of {one['healthy']} healthy machines accused"
        )
    for name in ("orders", "scale", "real"):
        if name in results:
            yield f"{name}: {json.dumps(results[name])}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked, and add it to the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=(
        "variances", "recall", "strained", "published", "orders", "scale", "chart", "real", "told"))  # fmt: skip
    parser.add_argument("--fleets", type=int, default=10, help="of a spread; each has 10,000 healthy machines")
    parser.add_argument("--times", type=int, default=100, help="orders of the rows")
    parser.add_argument("--to", type=Path, default=Path("fleet-real"), help="where real runs go")
    parser.add_argument("--out", type=Path, default=OUT, help="the folder of the results")
    given = parser.parse_args(arguments)
    path = given.out / "faults.json"
    results: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    if given.what == "told":
        print(*told(results), sep="\n")
        return 0
    if given.what == "chart":
        (ROOT / "docs" / "pictures" / "fleet.svg").write_text(chart(results), "utf-8")
        return 0
    if "variances" not in results or given.what == "variances":
        results["variances"] = variances()
    if given.what == "published":
        given.out.mkdir(parents=True, exist_ok=True)
        write_set(published(results), truth(BY_PART, noise(results)), given.out / "made-up.npz")
    elif given.what != "variances":
        actions = {
            "recall": lambda: recall(results, given.fleets), "strained": lambda: strained(results),
            "orders": lambda: orders(results, given.times), "scale": lambda: scale(results),
            "real": lambda: real(given.to),
        }  # fmt: skip
        results[given.what] = actions[given.what]()
    given.out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
