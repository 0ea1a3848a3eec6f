"""Headline quantities: each by its rule, from made-up runs and from the committed ones."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from doubles.scripted import SIZES, record, run_of
from hwbench import catalog
from hwbench.analysis.headline import CPU_NAMES, CPU_RATES, GPU_NAMES, GPU_RATES, TWELVE, headline
from hwbench.analysis.reading import Reading
from hwbench.record import store
from hwbench.record.reasons import Reason
from made_up.declared import DECLARED, described

ROOT = Path(__file__).parents[2]
RUNS = sorted((ROOT / "reports/runs").rglob("*.json"))


def bench_of(rate):
    """The bench of this hwbench that declares to measure it."""
    [name] = [name for name, info in DECLARED.items() if info.measures == rate.measures]
    return name


def only(*records):
    """The headline of a run of these records, by name."""
    found = headline(described(run_of(*records)))
    assert len({(one.name, one.device) for one in found}) == len(found)
    return {one.name: one for one in found}


# --- names ------------------------------------------------------------------------------------------------------------


def expand(pattern: str) -> list[str]:
    """`{a,b}.c` as `a.c` and `b.c`."""
    choice = re.search(r"\{([^}]*)\}", pattern)
    if choice is None:
        return [pattern]
    parts = (pattern[: choice.start()] + one + pattern[choice.end() :] for one in choice[1].split(","))
    return [name for part in parts for name in expand(part)]


def test_the_names_are_fixed() -> None:
    """Other tools refer to them."""
    cpu = (
        "{l1,l2,l3,dram}.latency {l1,l2,l3,dram}.{read,write,copy,triad}.{one,all} peak.{f8,f4}.{one,all} "
        "matmul.{f8,f4}.{one,all} clock.{one,all} core_to_core mispredict call.{python,numpy,numba} loop_over_numpy "
        "column_over_row prange.{triad,compute}"
    )
    gpu = (
        "{l1,l2,hbm}.latency l2.latency.near {l2,hbm}.{read,write,copy,triad} peak.{f8,f4} tensor.{bf16,f16,fp8} "
        "launch {h2d,d2h,both}.{pinned,pageable}"
    )
    assert sorted(CPU_NAMES) == sorted(name for pattern in cpu.split() for name in expand(pattern))
    assert sorted(GPU_NAMES) == sorted(name for pattern in gpu.split() for name in expand(pattern))
    assert set(TWELVE) <= set(CPU_NAMES)
    assert len(TWELVE) == 12


def test_every_name_is_documented() -> None:
    """Levels beyond the first are told as the same for them."""
    text = (ROOT / "docs/headline.md").read_text()
    cpu, gpu = text.split("## CPU")[1].split("## GPU")
    for names, part in ((CPU_NAMES, cpu), (GPU_NAMES, gpu)):
        told = set(re.findall(r"`([a-z0-9_.]+)`", part.split("## The twelve")[0]))
        missing = [name for name in names if name not in told and re.sub("^(l2|l3|dram)", "l1", name) not in told]
        assert missing == []
    twelve = re.findall(r"`([a-z0-9_.]+)`", text.split("## The twelve")[1].split("## Doubts")[0])
    assert tuple(twelve) == TWELVE


def test_every_rule_names_a_bench_its_axes_and_variants() -> None:
    """A name that no bench can give would be absent for ever."""
    benches = catalog.benches()
    for name, rate in {**CPU_RATES, **{f"gpu {name}": rate for name, rate in GPU_RATES.items()}}.items():
        bench = benches[bench_of(rate)]
        assert set(rate.params) <= set(bench.axes), name
        assert set(rate.variants) <= set(bench.variants), name


# --- rules ------------------------------------------------------------------------------------------------------------


def made(rate, seconds=2.0, device="cpu", **more):
    """A record that fits a rule, with 100 of what it counts."""
    params = {**rate.params, **({rate.largest: "64MiB"} if rate.largest else {})} | more.pop("params", {})
    facts = {"threads": 2 if params.get("threads") == "all" else 1}
    variant = rate.variants[0] if rate.variants else "simd"
    given = {"bench": bench_of(rate), "device": device, "params": params, "counts": {rate.count: 100.0}, "facts": facts}
    return record(more.pop("variant", variant), more.pop("samples", (seconds,) * 5), **given | more)


UNITS = {"bytes": "B/s", "flops": "FLOP/s", "cycles": "Hz", "hops": "s", "calls": "s"}


@pytest.mark.parametrize("name", CPU_RATES)
def test_a_quantity_of_a_cpu_is_the_median_of_its_record(name: str) -> None:
    """100 bytes in 2 s are 50 B/s; 100 hops in 2 s take 20 ms each; nothing else comes of that record."""
    rate = CPU_RATES[name]
    [found] = headline(described(run_of(made(rate))))
    value = 50.0 if rate.count in ("bytes", "flops", "cycles") else 0.02
    assert (found.name, found.device, found.value, found.low, found.high) == (name, "cpu", value, value, value)
    assert (found.unit, found.statistic, found.doubt) == (UNITS[rate.count], "median", None)
    assert found.threads == (2 if name.endswith(".all") else 1)
    assert found.record == made(rate).case.label


@pytest.mark.parametrize("name", GPU_RATES)
def test_a_quantity_of_a_gpu_has_no_threads(name: str) -> None:
    """Each GPU has its own; on the CPU the same record gives nothing."""
    rate = GPU_RATES[name]
    [first, second] = headline(described(run_of(made(rate, device="gpu:0"), made(rate, 4.0, device="gpu:1"))))
    assert (first.name, first.device, first.threads, first.unit) == (name, "gpu:0", None, UNITS[rate.count])
    assert (second.name, second.device) == (name, "gpu:1")
    assert first.value == (50.0 if rate.count in ("bytes", "flops") else 0.02)
    assert headline(described(run_of(made(rate)))) == []


def test_of_several_variants_the_fastest_median_counts() -> None:
    """Not the best sample, nor a wrong answer; disturbed records count, an implausible one where there is no other."""
    rate = CPU_RATES["dram.read.one"]
    steady = made(rate, 2.0, variant="numpy")
    lucky = record("simd", (0.1, 3.0, 3.0), bench=bench_of(rate), params=dict(rate.params), counts={"bytes": 100.0})
    wrong = made(rate, 0.5, variant="numba", status="wrong", samples=[])
    assert only(lucky, steady, wrong)["dram.read.one"].record == steady.case.label
    disturbed = made(
        rate, 1.0, variant="simd-nt", status="suspect", reasons=[Reason("other_processes", "40% of a CPU")]
    )
    found = only(lucky, steady, disturbed)["dram.read.one"]
    assert (found.value, found.doubt) == (100.0, ["other_processes"])
    refuted = made(rate, 0.1, variant="simd-nt", status="suspect", reasons=[Reason("implausible")])
    assert only(lucky, steady, refuted)["dram.read.one"].record == steady.case.label
    assert only(refuted)["dram.read.one"].doubt == ["implausible"]


def test_latency_is_that_of_the_label_in_random_order_on_huge_pages() -> None:
    """Small pages stand in only where there are no huge ones, and the case says so; a sweep and prefetching never."""
    rate = CPU_RATES["dram.latency"]
    small, huge = (made(rate, seconds, params={"pages": pages}) for pages, seconds in (("4K", 1.0), ("huge", 2.0)))
    assert only(small, huge)["dram.latency"].record == "latency.chase/simd [DRAM, random, huge]"
    assert only(small)["dram.latency"].record == "latency.chase/simd [DRAM, random, 4K]"
    others = [made(rate, params={"order": "page-local"}), made(rate, params={"size": "128MiB"})]
    assert only(*others) == {}


def test_threads_and_precision_are_chosen_first() -> None:
    """What ran on another number of threads or in float32 is another quantity."""
    rate = CPU_RATES["dram.triad.one"]
    assert only(made(rate, params={"threads": 2}), made(rate, params={"dtype": "f4"})) == {}


def test_a_copy_counts_at_its_largest_size() -> None:
    """Small copies are faster from a cache, or slower by their latency."""
    rate = GPU_RATES["h2d.pageable"]
    small = made(rate, 0.1, "gpu:0", params={"size": "1MiB"})
    large = made(rate, 4.0, "gpu:0", params={"size": "1GiB"}, counts={"bytes": 200.0})
    assert only(small, large)["h2d.pageable"].value == 50.0


def test_a_misprediction_is_what_random_order_adds() -> None:
    """At half taken, half of 100 branches are mispredicted and add 1 s: 20 ms each, round by round."""

    def branches(variant, samples, share=0.5, items=100.0):
        return record(variant, samples, bench="branch.prediction", params={"share": share, "n": int(items)},
                      counts={"items": items})  # fmt: skip

    slow, fast = branches("shuffled", (2.0, 3.0, 4.0)), branches("sorted", (1.0, 2.0, 3.0))
    found = only(slow, fast)["mispredict"]
    assert (found.value, found.low, found.high) == (pytest.approx(0.02),) * 3
    assert (found.unit, found.threads, found.record) == ("s", 1, slow.case.label)
    tenth = [branches(variant, (9.0,) * 3, 0.1) for variant in ("shuffled", "sorted")]
    assert only(*tenth, slow, fast)["mispredict"] == found
    assert only(slow) == only(*(branches(v, (1.0,) * 3, 0.0) for v in ("shuffled", "sorted"))) == {}
    assert only(*(branches(v, (1.0,) * 3, 5e-324) for v in ("shuffled", "sorted"))) == {}
    unpaired = only(slow, branches("sorted", (1.0, 2.0, 3.0, 2.0)))["mispredict"]
    assert unpaired.low < 0.02 < unpaired.high


def adds(variant, n, seconds, **more):
    return record(variant, (seconds, 2 * seconds, seconds), bench="vectorize.add", params={"n": n},
                  counts={"items": float(n)}, facts={"footprint": 24 * n}, **more)  # fmt: skip


def test_a_loop_is_set_against_numpy_in_memory() -> None:
    """At the largest n beyond the last-level cache; at 240 KB, in L2, there is no such ratio."""
    large = [adds("loop", 10**6, 3.0), adds("numpy", 10**6, 0.01)]
    small = [adds("loop", 10**4, 0.03), adds("numpy", 10**4, 0.001)]
    found = only(*small, *large)["loop_over_numpy"]
    assert (found.value, found.low, found.high) == (pytest.approx(300.0),) * 3  # drift is common to both
    assert (found.unit, found.record) == ("1", "vectorize.add/loop [1000000]")
    assert 24 * 10**6 > 2 * SIZES["L2"] > 24 * 10**4
    assert only(*small) == {}
    doubtful = [large[0], adds("numpy", 10**6, 0.01, status="suspect", reasons=[Reason("clock_drift", "5.0%")])]
    assert only(*doubtful)["loop_over_numpy"].doubt == ["clock_drift"]


def test_columns_are_set_against_rows_of_float64_in_memory() -> None:
    """In C order; where rows were not timed there is no ratio."""

    def summed(variant, seconds, size="DRAM", dtype="f8", layout="C"):
        return record(variant, (seconds,) * 3, bench="access.row_column",
                      params={"size": size, "dtype": dtype, "layout": layout})  # fmt: skip

    pair = [summed("column", 15.0), summed("row", 1.0)]
    others = [summed(v, s, *at) for v, s in (("column", 2.0), ("row", 1.0))
              for at in (("L1", "f8", "C"), ("DRAM", "f4", "C"), ("DRAM", "f8", "F"))]  # fmt: skip
    assert only(*others, *pair)["column_over_row"].value == 15.0
    assert only(*others, pair[0]) == {}


@pytest.mark.parametrize(("work", "name"), [("triad", "prange.triad"), ("polynomial", "prange.compute")])
def test_prange_is_set_against_one_thread(work: str, name: str) -> None:
    """On the most threads, in strong scaling; on one thread alone nothing is said."""

    def scaled(threads, seconds, scaling="strong"):
        params = {"work": work, "scaling": scaling, "threads": threads}
        return record("prange", (seconds,) * 3, bench="parallel.scaling", params=params, facts={"threads": threads})

    found = only(scaled(1, 8.0), scaled(2, 4.0), scaled(4, 2.0), scaled(4, 1.0, "weak"))[name]
    assert (found.value, found.threads, found.unit) == (4.0, 4, "1")
    assert only(scaled(1, 8.0)) == only(scaled(2, 8.0), scaled(4, 8.0)) == {}


def test_nothing_measured_gives_no_headline() -> None:
    """Skipped records, and benches without a quantity."""
    assert only(record("a", (), status="skipped"), record()) == {}


# --- the committed runs -----------------------------------------------------------------------------------------------

LEVELS = {"l1": "L1", "l2": "L2", "l3": "L3", "dram": "DRAM", "hbm": "HBM"}
STREAMS = {"read": "load", "write": "store", "copy": "copy", "triad": "triad"}


def candidates(records, name, device):
    """The records that may give a quantity, and what they count: written down apart from the rules under test."""
    first, *rest = name.split(".")
    gpu = device != "cpu"
    params, variants = {}, None
    if first in LEVELS and rest[0] == "latency":
        bench, count = ("device.latency" if gpu else "latency.chase"), "hops"
        size = "16KiB" if gpu and (first == "l1" or name.endswith(".near")) else LEVELS[first]
        params = {"size": size} if gpu else {"size": size, "order": "random"}
        variants = ({"l1"} if first == "l1" else {"l2"}) if gpu else None
    elif first in LEVELS:
        count = "bytes"
        bench = "device.stream" if gpu else f"stream.{STREAMS[rest[0]]}"
        params = {"size": LEVELS[first]}
        params |= {"kernel": rest[0]} if gpu else {"dtype": "f8", "threads": {"one": 1, "all": "all"}[rest[1]]}
    elif first in ("peak", "matmul"):
        bench, count = ("device.peak" if gpu else {"peak": "peak.fma", "matmul": "peak.matmul"}[first]), "flops"
        params = {"dtype": rest[0]} | ({} if gpu else {"threads": {"one": 1, "all": "all"}[rest[1]]})
    elif first == "tensor":
        bench, count, params = "device.matmul", "flops", {"precision": rest[0]}
    elif first == "clock":
        bench, count, params = "clock.frequency", "cycles", {"threads": {"one": 1, "all": "all"}[rest[0]]}
    elif first == "core_to_core":
        bench, count, variants = "latency.core_to_core", "hops", {"store"}
    elif first == "call":
        bench, count, variants = "vectorize.call", "calls", {"function" if rest == ["python"] else rest[0]}
    elif first in ("h2d", "d2h", "both"):
        bench, count, params = "transfer.copy", "bytes", {"direction": first, "memory": rest[0]}
    else:
        return [], ""
    found = [r for r in records if r.timed and (r.bench, r.device) == (bench, device)
             and params.items() <= r.params.items() and (variants is None or r.variant in variants)
             and r.params.get("units", 1) == 1]  # fmt: skip
    return found, count


def pairs_of(records, name):
    """Numerator, denominator and the factor of a quantity of two records."""

    def one(bench, variant, **params):
        found = [r for r in records if r.timed and (r.bench, r.variant) == (bench, variant)
                 and params.items() <= r.params.items()]  # fmt: skip
        return found[0] if found else None

    if name == "loop_over_numpy":
        return one("vectorize.add", "loop", n=10**6), one("vectorize.add", "numpy", n=10**6)
    if name == "column_over_row":
        return one("access.row_column", "column", size="DRAM"), one("access.row_column", "row", size="DRAM")
    if name == "mispredict":
        return one("branch.prediction", "shuffled", share=0.5), one("branch.prediction", "sorted", share=0.5)
    work = {"prange.triad": "triad", "prange.compute": "polynomial"}[name]
    at = {"work": work, "scaling": "strong"}
    return one("parallel.scaling", "prange", threads=1, **at), one("parallel.scaling", "prange", threads=2, **at)


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_a_committed_run_has_its_headline(path: Path) -> None:
    """All names are documented, all values equal those worked out here, and nothing measured is absent."""
    run = store.read(path)
    found = Reading(run, catalog.benches()).headline
    assert found or "sustain.cpu" in {record.bench for record in run.records}  # benches of the full set alone have none
    for one in found:
        assert one.name in (CPU_NAMES if one.device == "cpu" else GPU_NAMES)
        assert one.low <= one.value <= one.high
        assert one.statistic == "median"
        if one.unit == "1" or one.name == "mispredict":
            slow, fast = pairs_of(run.records, one.name)
            slow_s, fast_s = np.array(slow.samples), np.array(fast.samples)
            expected = (
                np.median(slow_s - fast_s) / (0.5 * slow.counts["items"]) if one.name == "mispredict"
                else np.median(slow_s / fast_s)
            )  # fmt: skip
            assert one.value == pytest.approx(expected), one.name
            continue
        records, count = candidates(run.records, one.name, one.device)
        huge = [r for r in records if r.params.get("pages") == "huge"] or records
        if one.name.startswith(("h2d", "d2h", "both")):
            most = max(r.counts["bytes"] for r in huge)
            huge = [r for r in huge if r.counts["bytes"] == most]
        each = min(float(np.median(r.samples)) / r.counts[count] for r in huge)
        expected = 1 / each if count in ("bytes", "flops", "cycles") else each
        assert one.value == pytest.approx(expected), one.name
        assert one.record in {r.case.label for r in huge}
    names = {(one.name, one.device) for one in found}
    for device in {r.device for r in run.records if r.timed}:
        for name in CPU_RATES if device == "cpu" else GPU_RATES:
            assert bool(candidates(run.records, name, device)[0]) == ((name, device) in names), name
