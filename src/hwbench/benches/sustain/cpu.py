"""Sustained load: the clock and the FLOP/s of all CPUs over a minute, from the boost to what cooling and power allow.

A processor begins above the clock that it can keep up: for a few milliseconds by its current limit, for seconds to a
minute by its power limit (turbo budgets of 28 s and 56 s are common), later by its temperature. Figures of some
milliseconds show nothing of that. All CPUs work for `seconds` without a pause, in steps of a quarter of a second:
multiply-adds of `peak.fma` in float64 and the widest vectors, then some milliseconds of the chain of `clock.frequency`
beside multiply-adds. Its best window is the clock, so that a thread that loses its CPU does not look like a slower one.
The samples are further steps, as long: the rate of a case is that of the settled load. A shorter sample would fit
between two stops of a quota, which come every tenth of a second.

`boost` is the median of the first second, `settled` that of the last third; the load has settled from the time on after
which the rate, a median of five steps, stays within 2% of it. A dip is one or more steps more than 5% below the settled
rate; where the clock stayed, another process, the hypervisor or a quota took the time. What takes time throughout makes
no dip: it is told by the cycles of a call in whole steps, against those in windows of a millisecond. The counters of
steal, other processes and the quota are read over the load as over the samples.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import NamedTuple

import numpy as np

from ...bench import Bench, Work
from ...kernels.cpu_features import widths
from ...protocols import Array, Cpu, Results
from ...record import text
from ...record.estimate import estimate
from ...record.facts import threads_of
from ...record.interference import TAKEN
from ...record.model import Record
from ...record.phrases import counted, listed, marked
from ..clock import frequency
from ..peak import fma

F8 = np.dtype("f8")
STEP_S = 0.25  # of load between two readings of the clock
WINDOWS, LOOPS = 8, 32  # of the clock, 0.1 ms each
CLEAR, CLEAR_CALLS = 4, 16  # windows of calls, 0.5 ms each: some are cut by nothing
FIRST = 8  # times as short is the first step, whose calls are found in such a window
STRAYED = 4  # times as many calls in a step as in the one before, at most
BOOST_S = 1.0
SETTLED = 2 / 3  # of the time, from which on rates are those of the settled load
STEADY, DIP = 0.02, 0.05  # of the settled rate
NEAR = 5  # steps of a median
LONGEST = 3600
KEPT = 240  # readings in the facts: all of a minute's
DIPS = 16  # in the facts


def seconds_of(seconds: str) -> int:
    """How long the load lasts; ValueError says what is wrong."""
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 5 and 1 <= int(seconds) <= LONGEST):
        raise ValueError(f"'{seconds}' is no whole number from 1 to {LONGEST}")
    return int(seconds)


bench = Bench(
    "sustain.cpu",
    question="Which clock and FLOP/s does the CPU keep up for a minute, and what interrupts it?",
    axes={"seconds": (60,)},
    quick={"seconds": (1,)},
    baseline="load",
    measures="sustained load",
    leading="flops",
    version=2,
    tolerance=0.0,
    free={"seconds": seconds_of},
    core=False,
    full_only=True,
)


class Reading(NamedTuple):
    """One step: seconds since the load began, of a call in it, and of one in the best window after it; the clock."""

    at_s: float
    call_s: float
    clock_hz: float
    clear_s: float


class Dip(NamedTuple):
    """When the rate was low, for how long, and the lowest shares of the settled rate and clock in it."""

    at_s: float
    seconds: float
    rate: float
    clock: float


@bench.inputs
def numbers(rng: np.random.Generator) -> tuple[Array, Array]:
    """Those of `peak.fma`, and those of the multiply-adds beside the clock's chain."""
    return fma.numbers(rng, F8, fma.BEST), frequency.numbers(rng)


@bench.reference
def closed_form(x: Array, _beside: Array, device: Cpu) -> Array:
    """What x is after all steps, a row for each thread."""
    return fma.closed_form(x, device.host.usable)


@bench.counts
def counts(x: Array, _beside: Array, device: Cpu) -> dict[str, float]:
    """Those of `peak.fma` on all threads."""
    return fma.counts(x, device.host.usable)


@bench.memory
def memory(device: Cpu) -> int:
    """Some pages a thread."""
    return fma.memory(fma.BEST, device.host.usable) + 2 * frequency.BYTES * device.cores


@bench.variant("load", needs=lambda: fma.lacking(0)(fma.BEST))
def load(device: Cpu, x: Array, beside: Array, seconds: int) -> Work:
    """Multiply-adds on all threads without a pause for as many seconds; timed in steps that follow."""
    bits = widths()[-1]
    made = fma.on_crew(device, x, F8, device.host.usable, fma.BEST, bits)
    chain = frequency.on_crew(device, beside, device.cores, 1, bits)
    assert made.timer is not None and chain.timer is not None
    tick = chain.timer

    def clock() -> float:
        return frequency.CHAIN * frequency.STEPS * LOOPS / min(tick(LOOPS) for _ in range(WINDOWS))

    def told(at_s: float) -> None:
        device.busy(f"full load, {round(at_s)} of {seconds} s")

    before = device.counters()
    readings = under_load(made.timer, clock, seconds, told=told)
    disturbed = growth(before, device.counters())
    if chain.close is not None:
        chain.close()
    facts = {**made.facts, **summed_up(readings), "seconds": seconds, "load_telemetry": disturbed}
    return replace(made, facts=facts, least_s=STEP_S)


def growth(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """By how much each counter grew."""
    return {name: round(after[name] - value, 4) for name, value in before.items() if name in after}


def under_load(
    timer: Callable[[int], float], clock: Callable[[], float], seconds: float, *,
    told: Callable[[float], None] = lambda _at: None, now: Callable[[], float] = time.perf_counter,
) -> list[Reading]:  # fmt: skip
    """Work for `seconds` in steps of STEP_S, and read the clock after each.

    A step has as many calls as STEP_S takes by the one before: what a quota or a neighbour leaves makes it no longer.
    """

    def clear() -> float:
        return min(timer(CLEAR_CALLS) for _ in range(CLEAR)) / CLEAR_CALLS

    timer(1)  # compiles it
    clock()
    calls = max(1, round(STEP_S / FIRST / clear()))
    began, found = now(), list[Reading]()
    while not found or found[-1].at_s < seconds:
        taken = timer(calls)
        hz, best = clock(), clear()
        found.append(Reading(now() - began, taken / calls, hz, best))
        told(found[-1].at_s)
        calls = max(1, round(calls * min(STRAYED, max(1 / STRAYED, STEP_S / taken))))
    return found


def summed_up(readings: Sequence[Reading]) -> dict[str, object]:
    """The facts: seconds a call and clock of boost and settled load, when it settled, dips, and the readings."""
    whole = readings[-1].at_s
    parts = {
        "boost": [one for one in readings if one.at_s <= BOOST_S] or list(readings[:1]),
        "settled": [one for one in readings if one.at_s >= whole * SETTLED],
    }
    facts: dict[str, object] = {}
    for name, part in parts.items():
        facts[f"{name}_call_s"] = median(one.call_s for one in part)
        facts[f"{name}_clock_hz"] = median(one.clock_hz for one in part)
    settled, hz = (median(getattr(one, name) for one in parts["settled"]) for name in ("call_s", "clock_hz"))
    found = dips(readings, settled, hz)
    kept = readings[:: -(-len(readings) // KEPT)]
    return facts | {
        "settled_after_s": settled_after(readings, settled),
        "load_taken": round(taken(parts["settled"]), 4),
        "dip_count": len(found), "dip_s": sum(one.seconds for one in found),
        "dips": [[round(value, 3) for value in one] for one in sorted(found, key=lambda one: one.rate)[:DIPS]],
        "at_s": [round(one.at_s, 2) for one in kept],
        "call_s": [float(f"{one.call_s:.5g}") for one in kept],
        "clock_hz": [float(f"{one.clock_hz:.5g}") for one in kept],
    }  # fmt: skip


def taken(settled: Sequence[Reading]) -> float:
    """The share of the time that something else had: by cycles of a call, since the clock is no one's fault.

    The lower quartile of those in the best windows: one reading of a clock that was interrupted does not count.
    """
    clear = sorted(one.clear_s * one.clock_hz for one in settled)[len(settled) // 4]
    return max(0.0, 1 - clear / median(one.call_s * one.clock_hz for one in settled))


def _smooth(readings: Sequence[Reading]) -> list[float]:
    """Seconds a call of each step as the median of the steps around it, which no single one moves."""
    half = NEAR // 2
    return [
        median(one.call_s for one in readings[max(0, i - half) : i + half + 1]) for i in range(len(readings))
    ]  # fmt: skip


def settled_after(readings: Sequence[Reading], settled: float) -> float:
    """Seconds until the last step whose smoothed rate is further than STEADY from the settled one; 0 for none."""
    apart = [
        one.at_s
        for one, smooth in zip(readings, _smooth(readings), strict=True)
        if abs(smooth / settled - 1) > STEADY and one.at_s < readings[-1].at_s * SETTLED
    ]
    return round(max(apart, default=0.0), 2)


def dips(readings: Sequence[Reading], settled: float, hz: float) -> list[Dip]:
    """Steps in a row whose rate is more than DIP below the settled one."""
    found: list[list[tuple[Reading, float]]] = []
    before = False
    for i, one in enumerate(readings):
        low = settled / one.call_s < 1 - DIP
        if low:
            length = one.at_s - (readings[i - 1].at_s if i else 0.0)
            if before:
                found[-1].append((one, length))
            else:
                found.append([(one, length)])
        before = low
    return [
        Dip(steps[0][0].at_s, sum(length for _, length in steps), min(settled / one.call_s for one, _ in steps),
            min(one.clock_hz for one, _ in steps) / hz)
        for steps in found
    ]  # fmt: skip


# --- what it says -----------------------------------------------------------------------------------------------------


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """What is kept of the first second, at which clock, from when on; and the dips."""
    for record in (one for one in results.records if one.timed and one.facts.get("settled_call_s")):
        facts = record.facts
        boost = record.counts["flops"] / float(facts["boost_call_s"])
        kept = estimate(record.samples).inverse(record.counts["flops"]).value
        clocks = [float(facts[f"{part}_clock_hz"]) for part in ("boost", "settled")]
        after = float(facts["settled_after_s"])
        since = f"after {text.seconds(after)}" if after else "from the start"
        yield marked(
            f"Under {text.amount(facts['seconds'])} s of full load on {counted(threads_of(record), 'thread')} the CPU "
            f"keeps {text.share(kept / boost)} of its first second's rate: {text.rate(kept, 'GFLOP/s')} in float64 at "
            f"{text.rate(clocks[1], 'GHz')} (first second: {text.rate(clocks[0], 'GHz')}), settled {since}",
            record,
        )
        if TAKEN < (lost := float(facts.get("load_taken", 0.0))) < 1:
            clear = record.counts["flops"] / float(facts["settled_call_s"]) / (1 - lost)
            yield marked(
                f"Something else took {text.share(lost)} of the time throughout: without interruption the CPU does "
                f"{text.rate(clear, 'GFLOP/s')} at this clock",
                record,
            )
        yield marked(_dips(record), record)


def _dips(record: Record) -> str:
    """How many dips there were, for how long, the deepest, and in how many the clock stayed."""
    facts = record.facts
    many = int(facts["dip_count"])
    if not many:
        return f"No step of it fell more than {text.share(DIP)} below the settled rate"
    found = [Dip(*one) for one in facts["dips"]]
    deepest = found[0]
    told = [
        f"{counted(many, 'dip')} of more than {text.share(DIP)} below the settled rate, "
        f"{text.seconds(float(facts['dip_s']))} in all",
        f"the deepest to {text.share(deepest.rate)} at {text.seconds(deepest.at_s)}",
    ]
    stayed = sum(one.clock > 1 - DIP for one in found)
    of = f"{stayed} of the {len(found)} deepest" if many > len(found) else f"{stayed} of them"
    return f"{listed(told)}; in {of} the clock stayed, so something took CPU time"
