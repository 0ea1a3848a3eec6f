"""stability.activations: every implementation has the lecture's coefficients, a wrong one is noticed, its findings."""

import dataclasses
import functools
import itertools
import json

import msgspec
import pytest

from doubles.scripted import run_of
from doubles.strict_cupy import StrictGpu
from hwbench.analysis.findings import BenchResults, findings
from hwbench.bench import Skip
from hwbench.benches.stability import _networks
from hwbench.benches.stability.activations import MANY, activations
from hwbench.record.model import Record
from hwbench.record.reasons import because
from inspection.variants import built, checked, record_of, values_of, verdict, without_bfloat16, without_cublas
from made_up.chains import DTYPES, TAYLOR


@functools.cache
def outcome(variant, dtype, activation):
    """The verdict of a variant and its facts; skips what cannot be had here."""
    values = values_of(activations, dtype=dtype, activation=activation)
    if reason := activations.lacks(variant, values):
        pytest.skip(str(reason))
    said, work = checked(activations, variant, values)
    return said, dict(work.facts)


@pytest.mark.parametrize(
    ("variant", "dtype", "activation"), list(itertools.product(activations.variants, DTYPES, list(TAYLOR)))
)
def test_every_variant_gives_the_answer(variant, dtype, activation):
    """Each variant passes its check in every type and activation; its facts are small plain JSON."""
    said, facts = outcome(variant, dtype, activation)
    assert said == ""
    assert len(json.dumps(facts, allow_nan=False)) < 20_000


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", list(TAYLOR))
@pytest.mark.parametrize("variant", list(activations.variants))
def test_every_implementation_has_taylors_coefficients(variant, activation, dtype):
    """The facts of each variant hold the lecture's coefficients, each to the tolerance stated beside it."""
    _, facts = outcome(variant, dtype, activation)
    told = zip(facts["taylor"], TAYLOR[activation], facts["taylor_tolerance"], strict=True)
    assert all(abs(found - stated) <= most for found, stated, most in told)


def test_a_wrong_activation_is_noticed(monkeypatch):
    """A sigmoid whose kernel computes another function is refused by the check, with the count of wrong elements."""
    values = values_of(activations, activation="sigmoid", dtype="f4")
    sigma = _networks.ACTIVATIONS["sigmoid"]
    monkeypatch.setitem(_networks.ACTIVATIONS, "sigmoid", dataclasses.replace(sigma, code=3))
    assert "instead of 0" in verdict(activations, "numba", values)


def test_scipy_says_what_it_lacks():
    """SciPy has no tanh and no relu of its own, and says so instead of being timed."""
    assert "SciPy has no tanh" in str(activations.lacks("scipy", values_of(activations, activation="tanh")))
    assert not activations.lacks("scipy", values_of(activations, activation="sigmoid"))


@pytest.mark.parametrize("params", [{}])
def test_a_call_in_cupy_waits_for_nothing_and_sends_nothing(params):
    """Launches follow each other; one wait ends a sample, and the host is told that nothing crossed."""
    device = StrictGpu()
    work, _ = built(activations, "cupy", values_of(activations, **params), device)
    launches, waits, sent = device.launches, device.waits, device.sent
    work.call()
    assert device.launches > launches
    assert (device.waits, device.sent) == (waits, sent)
    assert device.synced == ["end"]
    assert work.facts["transfers"] is False


def test_a_type_that_cupy_does_not_know_is_skipped_with_the_reason():
    """bfloat16 lies on the device as bytes; a CuPy without it says so when it is to compute."""
    device = without_bfloat16()
    with pytest.raises(
        Skip, match=r"^CuPy 14\.2\.0 does not compute in bfloat16 \(TypeError: Unsupported dtype bfloat16\)$"
    ):
        built(activations, "cupy", values_of(activations, dtype="bf16"), device)
    built(activations, "cupy", values_of(activations, dtype="f2"), device)


def test_activations_need_no_cublas():
    """They multiply no matrices."""
    built(activations, "cupy", values_of(activations), without_cublas())


def test_findings_say_nothing_of_what_was_not_measured():
    """Without records, and with failed ones alone, the bench says nothing."""
    failed = Record(bench="stability.gradients", version=1, variant="numba", device="cpu", params={}, status="error")
    assert list(activations.hooks["finding"](BenchResults(activations, run_of(failed)))) == []


def told(*records):
    return findings(run_of(*records), [activations])["stability.activations"]


def costing(variant, seconds, activation="sigmoid"):
    made = record_of(activations, variant, seconds, activation=activation)
    return msgspec.structs.replace(made, samples=[seconds * (1 + 0.01 * (i % 3 - 1)) for i in range(9)])


def test_findings_of_expansions():
    """The cost of an element, and how far the expansion is off at 1; one implementation has no gap to another."""
    cost, error = told(costing("numpy", 4.096e-6))
    assert cost == "Fastest time per element (float32): sigmoid 1.00 ns (0.99–1.01) by numpy."
    assert error == "Error of the Taylor expansion to x³ at x = 1: 0.00189 for sigmoid."


def test_findings_of_several_activations():
    """The widest gap between two implementations first; expansions from the worst on, relu has none to be off."""
    rows = [costing("numpy", 4.096e-6), costing("numba", 4.096e-5), costing("numpy", 4.096e-6, "relu")]
    rows += [costing("numpy", 8.192e-6, "tanh"), costing("numba", 1.2288e-5, "tanh")]
    gap, cost, error = told(*rows)
    assert gap.startswith("sigmoid by numba: 10.0 ns (9.9–10.1) per element (float32), 10.0")
    assert "× slower than numpy" in gap
    assert ": relu 1.00 ns (0.99–1.01) by numpy, sigmoid 1.00 ns (0.99–1.01) by numpy and tanh 2.00 ns" in cost
    assert error.endswith(" at x = 1: 0.0949 for tanh and 0.00189 for sigmoid.")


def test_disturbed_costs_are_marked():
    """Both times of a ratio, and the fastest alone where the slower was disturbed."""
    rows = [costing("numpy", 4.096e-6), costing("numba", 4.096e-5)]
    slow = msgspec.structs.replace(rows[1], status="suspect", reasons=[because("bimodal")])
    gap, cost, _ = told(rows[0], slow)
    assert gap.endswith(" (suspect: the samples are bimodal).")
    assert "suspect" not in cost


def test_findings_have_the_gpu_beside_numpy():
    """The cost of an element in many comes first, where a launch counts for little."""
    costs = [costing(variant, 4.096e-6, "tanh") for variant in ("numpy", "cupy")]
    many = msgspec.structs.replace(costs[1], params=costs[1].params | {"n": MANY}, counts={"items": float(MANY)})
    assert told(*costs, many)[:2] == [
        "CuPy on 2²⁴ elements, time per element: tanh 0.244 ps (0.242–0.247).",
        "Fastest time per element (float32): tanh 1.00 ns (0.99–1.01) by numpy.",
    ]
