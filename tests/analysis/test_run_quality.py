"""Whether a run says by itself that its machine was too noisy."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles.scripted import record
from hwbench.analysis.run_quality import (
    EVERY,
    REPEATS,
    Check,
    check,
    impossible,
    noisy,
    sentences,
    unrepeated,
    unseen,
    unsupported,
)
from hwbench.record.facts import telemetry
from hwbench.record.reasons import Reason
from made_up.declared import described
from made_up.sample import replace, sample_run

QUIET = {"wall_s": [0.1] * 10, "steal_s": [0.0] * 10, "others_s": [0.0] * 10, "clock_hz": [3e9] * 10}


def load(size="DRAM", samples=(1.0, 1.001, 1.002, 1.003, 1.01, 1.02), telemetry=QUIET, **more):
    """A record of stream.load that reads 10 GB at 10 GB/s at best."""
    params = {"size": size, "dtype": "f8", "threads": 1, "pages": "huge"}
    facts = {"threads": 1, "footprint": 128 * 2**20}
    return record("simd", bench="stream.load", samples=samples, counts={"bytes": 1e10}, params=params, facts=facts,
                  telemetry=telemetry, **more)  # fmt: skip


def run_of(*records):
    return described(replace(sample_run(benches=()), records=list(records)))


def failed(*records):
    return {one.name: one for one in check(run_of(*records)) if not one.passed}


def test_a_quiet_run_says_so():
    """Nothing taken, every best supported: one sentence, and every check was made that has telemetry."""
    run = run_of(load(), load("128MiB"), load("L1"))
    assert {one.name for one in check(run)} | {*impossible(check(run))} == {*EVERY}
    assert [one.name for one in check(run)] == [
        "time stolen by the hypervisor", "time taken by other processes", "cases that are suspect",
        "limits that rest on one lucky sample", "figures that do not repeat",
    ]  # fmt: skip
    assert not noisy(check(run))
    [told] = sentences(run)
    assert told.startswith("The machine was quiet enough")


def test_a_counter_that_does_not_count_us_is_not_believed():
    """CPUs that were busy for less than this process worked: neither others nor steal are known, and that is said."""
    lying = QUIET | {"own_s": [0.09] * 10, "others_s": [-0.09] * 10}
    run = run_of(load(telemetry=lying))
    assert not {"time stolen by the hypervisor", "time taken by other processes"} & {one.name for one in check(run)}
    assert sentences(run)[-1] == (
        "What other processes and the hypervisor took is not known: the CPUs were busy for 0 s by /proc/stat, while "
        "hwbench alone worked for 900 ms: that counter does not count this process."
    )


@pytest.mark.parametrize(("own", "others", "lies"), [(0.09, -0.03, False), (0.09, -0.04, True), (0.009, -0.009, False)])
def test_ticks_are_no_lie(own, others, lies):
    """The kernel's ticks may miss a third of a short contrast, and a run of some ticks shows nothing."""
    run = run_of(load(telemetry=QUIET | {"own_s": [own] * 10, "others_s": [others] * 10}))
    assert bool(unseen(telemetry(run.records))) is lies


def test_a_counter_that_is_not_read_is_told():
    """Quiet as far as it was seen, and how far that is."""
    without = {name: value for name, value in QUIET.items() if name not in ("others_s", "steal_s")}
    told = sentences(run_of(load(telemetry=without | {"own_s": [0.09] * 10})))
    assert told[-1] == "What other processes and the hypervisor took is not known: the system does not count it here."


@pytest.mark.parametrize(
    ("counter", "share", "word"),
    [
        ("steal_s", 0.011, "stolen by the hypervisor: 1.1% (allowed: 1.0%). Measure at a quieter hour"),
        ("others_s", 0.06, "taken by other processes: 6.0% (allowed: 5.0%). End other work"),
        ("throttled_s", 0.002, "CPU quota"),
    ],
)
def test_time_that_was_taken_makes_a_run_noisy(counter, share, word):
    """Each counter over its share of the rounds is told with both numbers and the remedy; just below it is not."""
    told = sentences(run_of(load(telemetry=QUIET | {counter: [share * 0.1] * 10})))
    assert "too noisy" in told[0]
    assert word in told[1]
    assert len(sentences(run_of(load(telemetry=QUIET | {counter: [share * 0.04] * 10})))) == 1


def test_what_was_taken_from_the_host_is_nothing_to_events_of_a_gpu():
    """Where one variant of a contrast is timed by the host it counts; where all are timed by events it does not."""
    stolen = QUIET | {"steal_s": [0.05] * 10, "others_s": [0.05] * 10, "clock_hz": [3e9] * 5 + [2e9] * 5}
    by_events = [
        record(
            name, bench="device.x", device="gpu:0", samples=(1.0,) * 5, facts={"timed_by": "events"}, telemetry=stolen
        )
        for name in ("a", "b")
    ]
    names = {one.name for one in check(run_of(*by_events))}
    assert names == {"cases that are suspect"}
    by_host = record(
        "c", bench="device.x", device="gpu:0", samples=(1.0,) * 5, facts={"timed_by": "host"}, telemetry=stolen
    )
    assert {"time stolen by the hypervisor", "time taken by other processes"} <= set(failed(*by_events, by_host))


def test_a_clock_that_moves_between_contrasts_is_noise():
    """Steady in each contrast, and 10% apart over the run: no contrast is suspect, the run is."""
    sizes = ["L1", "L2", "L3", "DRAM", "1GiB"]
    clocks = [3e9, 3.05e9, 3.1e9, 3.2e9, 3.3e9]
    records = [load(size, telemetry=QUIET | {"clock_hz": [hz] * 10}) for size, hz in zip(sizes, clocks, strict=True)]
    assert "drift of the clock over the run" in failed(*records)


def test_cpus_that_were_moved_make_a_run_noisy():
    """Apart in 5% of the rounds is told with both times; apart throughout, or hardly ever, is the machine as it is."""

    def at(near, far):
        return QUIET | {"handover_s": [42e-9] * near + [163e-9] * far}

    told = sentences(run_of(load(telemetry=at(95, 5))))
    assert told[1].startswith("Rounds with CPUs moved to another cache: 5.0% (allowed: 1.0%). Ask the host to pin")
    assert "42.0 ns or 163 ns" in told[1]
    for steady in (at(0, 100), at(100, 0), at(999, 1), at(1, 999)):
        assert not failed(load(telemetry=steady))


def test_cores_that_were_shared_make_a_run_noisy():
    """A neighbour beside one sample in ten is told with its remedy; beside one in a hundred it is not."""

    def beside(few):
        return QUIET | {"core_share": [0.55] * few + [0.98] * (100 - few)}

    told = sentences(run_of(load(telemetry=beside(10))))
    assert told[1].startswith("Samples beside another thread on the same core: 10% (allowed: 5.0%). A neighbour or")
    assert not failed(load(telemetry=beside(1)))


def test_a_best_sample_that_stands_alone_is_told():
    """One sample in ten 8% faster than the rest is a limit that another run would miss."""
    lonely = load(samples=(1.0, *[1.08 + i / 1000 for i in range(9)]))
    [one] = failed(lonely).values()
    assert one.cases == ["stream.load/simd [DRAM, f8, 1, huge] by 8.1%"]
    assert unsupported(run_of(lonely, load()))["stream.load/simd [DRAM, f8, 1, huge]"] == pytest.approx(0.08125)


def test_of_the_variants_of_a_limit_the_best_counts():
    """What is no limit may be as unsteady as it is."""
    slow = msgspec.structs.replace(load(samples=(2.0, 3.0, 3.0, 3.0, 3.0)), variant="numpy")
    assert not failed(load(), slow)
    assert failed(load(samples=(4.0, 4.01, 4.01, 4.02)), slow)


def test_one_footprint_measured_twice_must_agree():
    """Each record steady, 5% apart between label and sweep: a neighbour came or went, which no interval shows."""
    later = load("128MiB", samples=tuple(1.05 * s for s in load().samples))
    [one] = failed(load(), later).values()
    assert one.seen == pytest.approx(0.05)
    assert one.cases == ["stream.load/simd [DRAM, f8, 1, huge] by 5.0%"]
    assert unrepeated(run_of(load(), load("128MiB"))) == {"stream.load/simd [DRAM, f8, 1, huge]": 0.0}
    assert unrepeated(run_of(load())) == {}


def test_what_cannot_be_true_is_no_limit_here_either():
    """A record that the limits refuted is no reason to call the machine noisy: it is suspect already."""
    wrong = load("128MiB", samples=(0.5,) * 5, status="suspect", reasons=[Reason("implausible", "faster than L1")])
    assert unrepeated(run_of(load(), wrong)) == {}


def lonely(*gaps):
    """Limits of other levels, whose best sample is ahead of the rest by these shares."""
    return [load(f"L{i}", samples=(1.0, *[1 + gap + k / 1e6 for k in range(9)])) for i, gap in enumerate(gaps, 1)]


@pytest.mark.parametrize(
    ("gaps", "named"),
    [
        ((0.08,), "L1, f8, 1, huge] by 8.0%. Measure again"),
        ((0.08, 0.05), "by 8.0%; stream.load/simd [L2, f8, 1, huge] by 5.0%. Measure again"),
        ((0.08, 0.05, 0.06), "by 8.0%; stream.load/simd [L3, f8, 1, huge] by 6.0%; stream.load/simd [L2"),
    ],
)
def test_limits_that_may_move_are_named_the_worst_first(gaps, named):
    """One, two and three are listed; the verdict has the largest, and how many checks failed."""
    first, second = sentences(run_of(*lonely(*gaps)))
    assert first.startswith("The machine was too noisy (1 of ")
    assert first.endswith("figures may change by up to 8.0% in another run; smaller differences mean nothing.")
    assert second.startswith("Limits that rest on one lucky sample (allowed: 3.0%): stream.load/simd [")
    assert named in second


def test_more_limits_than_are_named_are_counted():
    """The fourth is told by its number; without a limit among the failed, the figures may not repeat."""
    sizes = [
        msgspec.structs.replace(one, bench=f"stream.{kernel}")
        for kernel, one in zip(("load", "store", "copy", "scale"), [*lonely(0.1, 0.1, 0.1), *lonely(0.1)], strict=True)
    ]
    assert "; and 1 more. Measure again" in sentences(run_of(*sizes))[1]
    stolen = sentences(run_of(load(telemetry=QUIET | {"steal_s": [0.05] * 10})))
    assert stolen[0] == "The machine was too noisy (1 of 4 checks failed): figures may not repeat."


def test_a_run_without_times_has_no_verdict():
    """Nothing timed, nothing to say; and without telemetry the samples alone speak."""
    assert check(run_of()) == []
    assert sentences(run_of(load(status="skipped", samples=()))) == []
    names = {one.name.split(" ")[0] for one in check(run_of(load(telemetry={})))}
    assert names == {"cases", "limits"}


def test_a_check_passes_at_its_limit():
    """What is allowed is allowed."""
    assert Check("x", REPEATS, REPEATS, "").passed
    assert not Check("x", REPEATS + 1e-9, REPEATS, "").passed


@given(
    st.dictionaries(
        st.sampled_from(["wall_s", "steal_s", "clock_hz", "others_s"]),
        st.one_of(
            st.none(), st.text(), st.lists(st.one_of(st.floats(), st.text(), st.booleans(), st.none()), max_size=5)
        ),
    )
)
def test_telemetry_of_a_foreign_file_may_hold_anything(telemetry):
    """Whatever stands there, there is a verdict and no failure."""
    assert sentences(run_of(load(telemetry=telemetry), load("L1"), load("L2")))
