"""How often does `hwbench fleet diagnose` find a fault, and name it? Made-up fleets with planted faults, and the bound.

    python scripts/fleet_faults.py variances              # components of variance of the runs at hand (reports/runs)
    python scripts/fleet_faults.py recall                 # against the likelihood-ratio bound and fixed rules, 25 cells
    python scripts/fleet_faults.py published              # 10,000 machines × 40 quantities × 3 runs, kept compressed
    python scripts/fleet_faults.py orders --times 100     # the same answer for the rows in any order
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

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import gammaln, roots_genlaguerre

from hwbench.fleet.components import part
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
