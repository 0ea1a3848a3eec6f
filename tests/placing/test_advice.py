"""Advice: when each sentence is given, and the arithmetic of its prediction."""

from __future__ import annotations

import msgspec
import pytest

from hwbench.counting import Range, Stride
from hwbench.placing import engine
from hwbench.placing.model import Beside
from hwbench.placing.roofs import Roofs
from hwbench.record.reasons import because
from made_up.placed import KIB, chain, counts, exactly, roof_run, roofs


def advice(given, seconds, **more):
    found = engine.point("f", given, exactly(seconds), roofs(), **more).advice
    return {one.code: one for one in found}


def test_two_temporaries_in_memory_are_worth_fusing():
    """A loop over 40 bytes an element at 15 GB/s takes 26.7 ms; a quarter of 3 flops at 35 GFLOP/s shows."""
    n = 10**7
    found = advice(chain(n), 48e-3, written=8 * n)["fuse"]
    assert found.gain.expected == pytest.approx(48e-3 / (400e6 / 15e9 + 0.212e-3), rel=1e-3)
    assert found.gain.at_most == pytest.approx(1.05 * 48e-3 / (400e6 / 24e9), rel=0.01)
    assert found.text.startswith("expect 1.79× as fast, at most ")
    assert found.text.endswith(
        "×: it asks for 687 MiB with 2 temporaries (multiply), and one loop would ask for 381 MiB. "
        "Write one loop: numba.njit or numexpr."
    )


def test_a_gain_is_bounded_by_what_a_cache_may_serve():
    """38 MiB lie between L3, which may hold 16 MiB, and the 64 MiB from which it serves nothing: L3 is the bound."""
    n = 10**6
    found = advice(chain(n), 4.8e-3, written=8 * n)["fuse"]
    assert found.gain.at_most == pytest.approx(1.05 * 4.8e-3 / (40e6 / 60e9), rel=0.01)


def test_a_loop_that_makes_its_result_has_its_pages():
    """Neither a call's cost nor new pages are added to what was timed with both."""
    n = 10**7
    given = {"written": 8 * n, "made": 8 * n, "pages": 5e-3}
    found = advice(chain(n), 0.2, beside=Beside(20e-3, 15e-3, made=True), **given)["fuse"]
    assert found.gain.expected == pytest.approx(0.2 / 20.212e-3, rel=1e-3)
    found = advice(chain(n), 0.2, beside=Beside(20e-3, 15e-3), **given)["fuse"]
    assert found.gain.expected == pytest.approx(0.2 / 0.1, rel=0.01)


def test_arithmetic_that_takes_long_stays():
    """An exponential of 20 ms over passes of 5 ms: fusing brings little."""
    n = 10**6
    given = chain(n)
    heavy = counts(**{**vars(given), "calls": ("exp", "multiply")})
    assert "fuse" not in advice(heavy, 25e-3, written=8 * n)


def test_nothing_is_said_where_nothing_is_to_be_had():
    """One pass, near its roof, on all threads, in float32."""
    given = counts(240 * 10**6, dtype="f4")
    assert advice(given, 240e6 / 28e9, threads=2) == {}


def test_one_thread_at_the_bandwidth_of_memory():
    """Both threads have 28 GB/s where one has 20."""
    given = counts(2 * 10**8, flops=Range(0, 0))
    found = advice(given, 1e-2)["threads"]
    assert found.gain.expected == pytest.approx(1.4, rel=0.01)
    assert found.text == (
        "expect 1.40× as fast, at most 1.47×: it runs on 1 of 2 threads, at the bandwidth of memory. "
        "Run it on all 2: numba.prange."
    )
    assert found.gain.at_most == pytest.approx(1.05 * 1.4, rel=0.01)


def test_a_disturbed_roof_of_both_threads_bounds_no_gain():
    """Both had 28 GB/s while somebody else used the CPUs; undisturbed they may have twice the 20 of one."""
    run = roof_run()
    records = [
        msgspec.structs.replace(one, status="suspect", reasons=[because("other_processes", "90% of a CPU")])
        if one.params.get("size") == "DRAM" and one.params["threads"] == "all" else one
        for one in run.records
    ]  # fmt: skip
    disturbed = Roofs(msgspec.structs.replace(run, records=records), {})
    given = counts(2 * 10**8, flops=Range(0, 0))
    found = {one.code: one for one in engine.point("f", given, exactly(1e-2), disturbed).advice}["threads"]
    assert found.gain.expected == pytest.approx(1.4, rel=0.01)
    assert found.gain.at_most == pytest.approx(1.05 * 2, rel=0.01)


def test_arithmetic_on_one_thread_gains_the_number_of_threads():
    """At most five per cent more than twice."""
    found = advice(counts(16 * KIB, flops=Range(1e6, 1e6)), 1e-3)["threads"]
    assert found.gain.expected == pytest.approx(2.0)
    assert found.gain.at_most == pytest.approx(2.1)


def test_a_short_function_is_not_worth_a_parallel_loop():
    """Which costs 10 µs."""
    assert "threads" not in advice(counts(16 * KIB), 40e-6)


def test_code_that_cannot_be_seen_is_not_sent_to_threads():
    """Nobody knows whether a parallel loop could call it."""
    assert "threads" not in advice(counts(16 * KIB, flops=Range(1e6, 1e6), unknown=("sin of libm.so.6",)), 1e-3)


def test_a_chain_may_be_cut_into_pieces():
    """What is asked for more than once comes from L2."""
    n = 10**7
    found = advice(chain(n), 80e-3, written=8 * n)["block"]
    assert "it asks memory for 687 MiB and needs 381 MiB. Work in pieces of 512 KiB, which stay in L2." in found.text
    assert 1.1 < found.gain.expected < found.gain.at_most


def test_of_a_strided_array_a_part_of_each_line_is_used():
    """8 of 64 bytes."""
    given = counts(2 * 10**8, strides=(Stride("x", 512, 8),))
    found = advice(given, 8e-2)["stride"]
    assert "x is read or written with a stride of 512 B, which uses 8 of each 64 bytes." in found.text
    assert found.gain.expected == pytest.approx(8.0, rel=0.05)


def test_half_the_bytes_in_float32():
    """Where memory is what it waits for."""
    found = advice(counts(2 * 10**8), 1e-2)["dtype"]
    assert found.gain.expected == pytest.approx(2.0, rel=0.05)


def test_new_pages_at_each_call_are_told():
    """Half of the time; fused, a third of them stays: the result's."""
    n = 10**7
    found = advice(chain(n), 96e-3, written=8 * n, made=8 * 10**6, pages=48e-3)
    assert found["reuse"].gain.expected == pytest.approx(2.0)
    assert "the system spends 48.0 ms of each call on new pages of memory" in found["reuse"].text
    assert found["fuse"].gain.expected == pytest.approx(96e-3 / (400e6 / 15e9 + 48e-3 / 21 + 0.2e-3), rel=0.02)


def test_large_results_of_compiled_code_take_new_small_pages():
    """80 MB at a nanosecond a byte."""
    n = 10**7
    found = advice(chain(n), 0.2, written=8 * n, made=8 * n, pages=0.05)
    assert found["fuse"].gain.expected == pytest.approx(0.2 / (400e6 / 15e9 + 0.3e-3 + 0.08), rel=0.01)


def test_no_gain_is_expected_above_what_is_possible():
    """Whatever the roofs are."""
    for one in advice(chain(10**6), 1e-4, written=8 * 10**6).values():
        assert one.gain.expected <= one.gain.at_most
