"""stability.initialization: variances follow theory, wrong ones are noticed, and its findings."""

import itertools
import json

import msgspec
import numpy as np
import pytest

from doubles.scripted import run_of
from doubles.strict_cupy import StrictGpu
from hwbench.analysis.findings import BenchResults, findings
from hwbench.bench import Skip
from hwbench.benches.stability import _networks
from hwbench.benches.stability.initialization import initialization, variances
from hwbench.measurement.verify_output import mismatch
from hwbench.record.model import Record
from hwbench.record.reasons import because
from inspection.variants import built, checked, record_of, values_of, without_cublas
from made_up.chains import TAYLOR
from made_up.gpu_records import spread


@pytest.mark.parametrize("activation", ["identity", "relu", "tanh"])
def test_measured_variances_follow_theory(activation):
    """Twelve layers of 256 units have the mean squares that theory expects, within a third, up and down."""
    rng = np.random.default_rng(4)
    widths = [256] * 13
    weights = [_networks.draw(rng, "he" if activation == "relu" else "xavier-normal", 256, 256) for _ in range(12)]
    x, g = (rng.standard_normal((256, 64)).astype(np.float32) for _ in range(2))
    found = variances(weights, x, g, activation)
    expected = _networks.expected("he" if activation == "relu" else "xavier-normal", activation, widths)
    np.testing.assert_allclose(found[0], expected[0], rtol=0.33)
    np.testing.assert_allclose(found[1], expected[1], rtol=0.33)


@pytest.mark.parametrize(
    ("variant", "dtype", "activation"), list(itertools.product(initialization.variants, ("f4", "f8"), list(TAYLOR)))
)
def test_every_variant_gives_the_answer(variant, dtype, activation):
    """Each variant passes its check in every type and activation; its facts are small plain JSON."""
    values = values_of(initialization, dtype=dtype, activation=activation)
    if reason := initialization.lacks(variant, values):
        pytest.skip(str(reason))
    said, work = checked(initialization, variant, values)
    assert said == ""
    assert len(json.dumps(dict(work.facts), allow_nan=False)) < 20_000


def test_wrong_variances_are_noticed(monkeypatch):
    """Variances of a network with one layer more stretched are refused."""
    values = values_of(initialization)
    inputs = initialization.make_inputs(values)
    answer = initialization.ask("reference", values, inputs)
    inputs[0][7] *= np.float32(1.01)
    work = initialization.build("numba", values, inputs)
    assert "differs" in mismatch(work.call(), answer, values, 1e6)


@pytest.mark.parametrize("params", [{}])
def test_a_call_in_cupy_waits_for_nothing_and_sends_nothing(params):
    """Launches follow each other; one wait ends a sample, and the host is told that nothing crossed."""
    device = StrictGpu()
    work, _ = built(initialization, "cupy", values_of(initialization, **params), device)
    launches, waits, sent = device.launches, device.waits, device.sent
    work.call()
    assert device.launches > launches
    assert (device.waits, device.sent) == (waits, sent)
    assert device.synced == ["end"]
    assert work.facts["transfers"] is False


def test_without_cublas_products_are_skipped_with_the_remedy():
    """CuPy loads cuBLAS when it first multiplies matrices."""
    with pytest.raises(Skip, match=r"pip install 'cuda-toolkit\[cublas\]==13"):
        built(initialization, "cupy", values_of(initialization), without_cublas())


def test_findings_say_nothing_of_what_was_not_measured():
    """Without records, and with failed ones alone, the bench says nothing."""
    failed = Record(bench="stability.gradients", version=1, variant="numba", device="cpu", params={}, status="error")
    assert list(initialization.hooks["finding"](BenchResults(initialization, run_of(failed)))) == []


def told(*records):
    return findings(run_of(*records), [initialization]).get("stability.initialization", [])


def test_findings_of_variances():
    """What 20 layers make of a variance of 1, and how far theory is off; one, two and many."""
    head = "Output variance after 20 layers of 128 units without activation, from 1 at the input: "
    one, two, *more = (
        record_of(initialization, "numpy", 1e-3, init=init)
        for init in ("he", "xavier-normal", "xavier-uniform", "normal-0.01")
    )
    assert told(one) == [f"{head}1\u202f080\u202f000 with He; theory agrees within 2.5%."]
    assert " with He and 1.02 with Xavier (normal); theory agrees within " in told(one, two)[0]
    assert (
        " with normal-0.01, 1\u202f080\u202f000 with He, 1.02 with Xavier (normal) and 0.9" in told(one, two, *more)[0]
    )


def test_findings_of_unlike_widths():
    """Outputs and gradients where widths alternate."""
    unlike = [
        record_of(initialization, "numpy", 1e-3, init=init, shape="alternating") for init in ("he", "xavier-normal")
    ]
    head = "Output and gradient variance of 20 layers alternating between 64 and 192 units: "
    [one] = told(unlike[0])
    assert one.startswith(f"{head}1\u202f0")
    assert " with He; theory agrees within " in one
    [two] = told(*unlike)
    assert " with He; 0.0567 and 0.0637 with Xavier (normal); theory agrees within 14%." in two


def test_findings_have_the_gpu_beside_numpy():
    """The time of a batch as a ratio, marked where it is suspect; of a GPU alone what became of the variances."""
    batches = [record_of(initialization, variant, s) for variant, s in (("numpy", 1e-3), ("cupy", 4e-3))]
    noisy = [*map(spread, batches)]
    last = told(*noisy)[-1]
    assert last.startswith("CuPy on the GPU, a batch of 32 forward and backward: 4.0")
    assert "× slower than NumPy (3.9" in last
    slow = msgspec.structs.replace(noisy[1], status="suspect", reasons=[because("gpu_low_clock")])
    assert told(noisy[0], slow)[-1].endswith(" (suspect: the GPU's clock was low).")
    [alone] = told(noisy[1])
    assert alone.endswith(" with Xavier (normal); theory agrees within 2.5%.")
