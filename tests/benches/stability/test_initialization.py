"""stability.initialization: variances follow theory, wrong ones are noticed, and its findings."""

import itertools
import json

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
from inspection.variants import built, record_of, values_of, verdict, without_cublas
from made_up.chains import TAYLOR


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
    assert verdict(initialization, variant, values) == ""
    work, _ = built(initialization, variant, values)
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


def test_findings_of_variances():
    """Xavier's variance stands beside its formula, closed form beside outcome."""
    variances = [record_of(initialization, "numpy", 1e-3, init=init) for init in ("xavier-uniform", "he")]
    told = " ".join(findings(run_of(*variances), [initialization])["stability.initialization"])
    assert "where 2/(n_in + n_out) is 0.00781" in told
    assert "√(6/(n_in + n_out)) = 0.153" in told
    assert "(closed form 1\u202f050\u202f000)" in told


def test_findings_have_the_gpu_beside_numpy():
    """The time of a batch as a ratio; of a GPU alone what became of the variances."""
    batches = [record_of(initialization, variant, s) for variant, s in (("numpy", 1e-3), ("cupy", 4e-3))]
    told = findings(run_of(*batches), [initialization])["stability.initialization"]
    assert told[-1] == "A batch of 32 up and down takes CuPy on the GPU 4.00× the time of NumPy."
    alone = findings(run_of(*batches[1:]), [initialization])["stability.initialization"]
    assert "where 2/(n_in + n_out) is 0.00781" in alone[0]
    assert not [line for line in alone if "NumPy" in line]
