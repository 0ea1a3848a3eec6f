"""Reasons to mark a record suspect: telemetry of its contrast, shape of its samples.

Each rule is a pure function that returns reasons; none for an undisturbed record. A suspect figure is shown
as such and never dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import log
from statistics import median, quantiles

from . import text
from .estimate import bimodal, drift
from .phrases import counted
from .reasons import Reason, because

STEAL = 0.01  # of a CPU, given by the hypervisor to other guests
OTHERS = 0.15  # of a CPU, used by other processes on the CPUs of our affinity mask
# Of all CPUs' time, used by other processes, and of the samples' lower quartile, by which the upper one is longer: both
# beyond it tell what neither tells alone. Over five runs of `scripts/trust.py` 88% of disturbed records are marked
# instead of 82%, 35% of undisturbed ones beside a disturbance instead of 32%, and as many quiet ones, 2.8%.
TOGETHER = 0.05
LEAST_STEAL_S = 0.02  # two of the kernel's 10 ms ticks: one may stem from before the contrast
LEAST_OTHERS_S = 0.03  # three of the kernel's 10 ms ticks; below, the counter is rounding
THROTTLED = 0.001  # of the wall time
TAKEN = 0.05  # of the time of a long load: more is no noise
JUDGED = ("busy neighbours", "virtualisation")  # disturbances that telemetry judges by their effect
DRIFT = 0.03  # of the clock
APART = 2.0  # × the time of a cache line's handover: slower, the two CPUs do not share their usual cache
ALONE = 0.75  # of a core's throughput: a CPU that has less shares its core with another thread
LONGER = 0.03  # what such threads add to a median before it is doubted
LOW_CLOCK = 0.75  # of the highest SM clock: below, a GPU is throttled or idle (nvbench's threshold)
POWER = "gpu_throttle_power"
THROTTLES = {
    POWER: "gpu_power_cap",
    "gpu_throttle_thermal": "gpu_thermal",
    "gpu_throttle_hardware": "gpu_hw_slowdown",
}


def disturbed(telemetry: Mapping[str, Sequence[float]]) -> list[Reason]:
    """What disturbed a contrast on the CPU: steal, other processes, the quota.

    The clock between rounds is no reason: it marks half of all records, disturbed or not.
    """
    wall = sum(telemetry.get("wall_s", ()))
    if wall <= 0:
        return []
    reasons = []

    def total(name: str) -> float:
        return sum(telemetry.get(name, ()))

    if total("steal_s") > STEAL * wall and total("steal_s") >= LEAST_STEAL_S:
        reasons.append(because("steal", f"{text.share(total('steal_s') / wall)} of a CPU"))
    if total("others_s") > OTHERS * wall and total("others_s") >= LEAST_OTHERS_S:
        reasons.append(because("other_processes", f"{text.share(total('others_s') / wall)} of a CPU"))
    if total("throttled_s") > THROTTLED * wall:
        reasons.append(because("quota", f"{text.share(total('throttled_s') / wall)} of the time"))
    return reasons


def beside(samples: Sequence[float], telemetry: Mapping[str, Sequence[float]]) -> list[Reason]:
    """Whether samples vary while other processes work, though these take less than `OTHERS` or too few ticks to tell.

    On many CPUs as many may work elsewhere, so what is judged is their share of each.
    """
    wall, own, others, idle = (sum(telemetry.get(name, ())) for name in ("wall_s", "own_s", "others_s", "idle_s"))
    if wall <= 0 or not telemetry.get("idle_s") or own + others + idle <= 0 or len(samples) < 3:
        return []
    low, _, high = quantiles(samples, n=4, method="inclusive")
    if min(others / (own + others + idle), high / low - 1) <= TOGETHER:
        return []
    spans = text.share(high / low - 1)
    return [because("other_processes", f"{text.share(others / wall)} of a CPU, and half of the samples span {spans}")]


def of_load(facts: Mapping[str, object], samples: Sequence[float]) -> list[Reason]:
    """What disturbed a long load of the CPU that a bench keeps up before its samples, by what its facts say of it.

    `load_telemetry` is read as the telemetry of samples; `load_taken` is the share of the time that something had which
    no counter need show, `settled_call_s` what samples have to agree with. Without `load_taken` there was no such load.
    """
    telemetry, taken, settled = (facts.get(name) for name in ("load_telemetry", "load_taken", "settled_call_s"))
    if not isinstance(taken, float):
        return []
    reasons = []
    if isinstance(telemetry, Mapping):
        reasons += disturbed({name: [value] for name, value in telemetry.items() if isinstance(value, float)})
    if taken > TAKEN:
        reasons.append(because("time_taken", f"{text.share(taken)} of the time throughout the load"))
    elif isinstance(settled, float) and settled > 0 and abs(median(samples) / settled - 1) > TAKEN:
        apart = text.share(abs(median(samples) / settled - 1))
        reasons.append(because("time_taken", f"the samples and the load before them are {apart} apart"))
    return reasons


def moved(telemetry: Mapping[str, Sequence[float]]) -> list[Reason]:
    """Whether vCPUs migrated between caches, from the time of a cache line's handover in each round.

    Both states must be seen in two rounds: one may be an outlier.
    """
    near, far = states(telemetry.get("handover_s", ()))
    if len(near) < 2 or len(far) < 2:
        return []
    return [
        because(
            "cpus_moved",
            f"a cache line moved in {text.seconds(median(near))} in {len(near)} rounds and in "
            f"{text.seconds(median(far))} in {len(far)}",
        )
    ]


def states(handovers: Sequence[float]) -> tuple[list[float], list[float]]:
    """Handover times, split into fast ones and slow ones where the medians of both are more than `APART` times apart.

    The split is that of the least variance within either part, by logarithms (Otsu's). A split by the fastest reading
    would be set by a moment in which both CPUs were threads of one core.
    """
    ordered = sorted(time for time in handovers if time > 0)
    sums = list(accumulate(map(log, ordered)))
    count, split, widest = len(ordered), len(ordered), 0.0
    for fast in range(1, count):
        between = fast * (count - fast) * (sums[fast - 1] / fast - (sums[-1] - sums[fast - 1]) / (count - fast)) ** 2
        if between > widest:
            split, widest = fast, between
    near, far = ordered[:split], ordered[split:]
    return (near, far) if far and median(far) > APART * median(near) else (ordered, [])


def shared(samples: Sequence[float], shares: Sequence[float]) -> list[Reason]:
    """Whether other threads on the same core made the median longer; `shares` are of the core, one after each sample.

    Samples of which the core was shared tell by themselves: work that waits for memory need not take longer. Where
    fewer than three are of a core alone, nothing tells, and `mostly_shared` decides.
    """
    if len(shares) != len(samples):
        return []
    alone = [time for time, share in zip(samples, shares, strict=True) if share >= ALONE]
    beside = len(samples) - len(alone)
    detail = f"after {beside} of {counted(len(samples), 'sample')}"
    if len(alone) < 3:
        return mostly_shared(shares)
    longer = median(samples) / median(alone) - 1
    if beside < 2 or longer <= LONGER:
        return []
    return [because("core_shared", f"{detail}, which makes the median {text.share(longer)} longer")]


def mostly_shared(shares: Sequence[float]) -> list[Reason]:
    """Whether other threads ran on the same core after most samples, by the readings alone."""
    beside = sum(share < ALONE for share in shares)
    if 2 * beside <= len(shares):
        return []
    return [because("core_shared", f"after {beside} of {counted(len(shares), 'sample')}")]


def disturbed_gpu(telemetry: Mapping[str, Sequence[float]], *, may_cap: bool = False) -> list[Reason]:
    """What disturbed a whole contrast on a GPU, by its driver's readings and the clock of its samples.

    Drift is computed from the clock during the samples alone, since the driver's readings may be older. If `may_cap`,
    the work itself drives the card to its power limit: the cap and the lower clock are then a fact (`power_cap`), not a
    reason for doubt.
    """
    reasons = []
    capped = may_cap and any(telemetry.get(POWER, ()))
    for name, code in THROTTLES.items():
        rounds = telemetry.get(name, ())
        if any(rounds) and not (may_cap and name == POWER):
            reasons.append(because(code, f"{sum(map(bool, rounds))} of {len(rounds)} rounds"))
    if not capped:
        clocks = telemetry.get("gpu_sm_clock_hz", ())
        moved = drift(clocks)
        if moved > DRIFT:
            reasons.append(because("gpu_clock_drift", text.share(moved)))
        limit = max(telemetry.get("gpu_clock_limit_hz", ()), default=0.0)
        middle = _clock(telemetry) or limit
        if middle < LOW_CLOCK * limit:
            reasons.append(because("gpu_low_clock", f"{text.rate(middle, 'GHz')} of at most {text.rate(limit, 'GHz')}"))
    opened = sum(telemetry.get("gpu_gate_timeouts", ()))
    if opened:
        reasons.append(because("gpu_gate", counted(int(opened), "time")))
    return reasons


def power_cap(telemetry: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The share of the rounds in which the power limit held the GPU back, and its clock; {} where it never did."""
    rounds = telemetry.get(POWER, ())
    if not any(rounds):
        return {}
    clock = _clock(telemetry)
    return {"rounds": sum(map(bool, rounds)) / len(rounds)} | ({"clock_hz": clock} if clock else {})


def _clock(telemetry: Mapping[str, Sequence[float]]) -> float:
    """The median clock of a contrast: of its samples, else as the driver read it; 0 where neither is known."""
    clocks = telemetry.get("gpu_sm_clock_hz") or telemetry.get("gpu_clock_hz") or (0.0,)
    return float(median(clocks))


def shape(samples: Sequence[float]) -> list[Reason]:
    """Whether samples are bimodal, so that their median describes neither mode."""
    modes = bimodal(samples)
    if modes is None:
        return []
    return [because("bimodal", f"{text.share(modes[1] / modes[0] - 1)} apart")]
