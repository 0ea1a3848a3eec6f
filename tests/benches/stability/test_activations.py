"""stability.activations: every implementation has the lecture's coefficients, a wrong one is noticed, its findings."""

import dataclasses
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
from inspection.variants import built, record_of, values_of, verdict, without_bfloat16, without_cublas
from made_up.chains import DTYPES, TAYLOR


@pytest.mark.parametrize(
    ("variant", "dtype", "activation"), list(itertools.product(activations.variants, DTYPES, list(TAYLOR)))
)
def test_every_variant_gives_the_answer(variant, dtype, activation):
    """Each variant passes its check in every type and activation; its facts are small plain JSON."""
    values = values_of(activations, dtype=dtype, activation=activation)
    if reason := activations.lacks(variant, values):
        pytest.skip(str(reason))
    assert verdict(activations, variant, values) == ""
    work, _ = built(activations, variant, values)
    assert len(json.dumps(dict(work.facts), allow_nan=False)) < 20_000


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", list(TAYLOR))
@pytest.mark.parametrize("variant", list(activations.variants))
def test_every_implementation_has_taylors_coefficients(variant, activation, dtype):
    """The facts of each variant hold the lecture's coefficients, each to the tolerance stated beside it."""
    values = values_of(activations, dtype=dtype, activation=activation)
    if reason := activations.lacks(variant, values):
        pytest.skip(str(reason))
    facts = built(activations, variant, values)[0].facts
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


def test_findings_of_expansions():
    """Coefficients stand beside the cost of an element."""
    costs = [record_of(activations, "numpy", 4.096e-6, activation="sigmoid")]
    told = " ".join(findings(run_of(*costs), [activations])["stability.activations"])
    assert "numpy 1.00 ns" in told
    assert "0.500 + 0.250 x" in told


def test_findings_have_the_gpu_beside_numpy():
    """The cost of an element at the same n, and in many."""
    costs = [record_of(activations, variant, 4.096e-6, activation="tanh") for variant in ("numpy", "cupy")]
    many = msgspec.structs.replace(costs[1], params=costs[1].params | {"n": MANY}, counts={"items": float(MANY)})
    told = " ".join(findings(run_of(*costs, many), [activations])["stability.activations"])
    assert "tanh costs numpy 1.00 ns, cupy 1.00 ns, cupy on 2²⁴ of them 0.244 ps an element" in told
