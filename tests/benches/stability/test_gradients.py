"""stability.gradients: right answers in every type, the same on a GPU, the map of all networks, and its findings."""

import itertools
import json

import msgspec
import numpy as np
import pytest

from doubles.scripted import run_of
from doubles.strict_cupy import StrictGpu
from hwbench.analysis.findings import BenchResults, findings
from hwbench.bench import Skip
from hwbench.benches.stability import _backprop, _formats, _rounding
from hwbench.benches.stability.gradients import gradients, grid, network
from hwbench.record.model import Record
from hwbench.record.reasons import because
from inspection.variants import built, checked, record_of, values_of, without_bfloat16, without_cublas
from made_up.chains import DTYPES, TAYLOR
from made_up.gpu_records import spread


def test_the_map_holds_every_network_in_every_type():
    """25 pairs of activation and initialisation in each type that is there, as a case of its own would find them."""
    told = grid()
    here = [name for name in DTYPES if name not in told["lacking"]]
    assert len(told["networks"]) == 25
    assert ["relu", "xavier-uniform"] in told["networks"]
    assert set(here) | set(told["lacking"]) == set(DTYPES)
    for name in here:
        assert {len(told[name][key]) for key in ("log10_norms", "overflow", "safe_depth")} == {25}
    at = told["networks"].index(["relu", "xavier-normal"])
    values = values_of(gradients, activation="relu", init="xavier-normal", dtype="f2")
    work, _ = built(gradients, "numba", values)
    assert told["f2"]["safe_depth"][at] == work.facts["safe_depth"]
    assert len(json.dumps(told, separators=(",", ":"))) < 10_000


def test_without_ml_dtypes_the_map_says_so(monkeypatch):
    """The reason stands where bfloat16's networks would."""
    kind = _formats.type_of
    monkeypatch.setattr(_formats, "type_of", lambda name: None if name == "bf16" else kind(name))
    grid.cache_clear()
    told = grid()
    grid.cache_clear()
    assert told["lacking"] == {"bf16": "bf16 needs the package ml_dtypes"}
    assert "bf16" not in told


def test_one_record_keeps_the_map():
    """The compiled float32 network of the lecture's first power, and no other."""
    for dtype, remedy in (("f4", "plain"), ("f8", "plain"), ("f4", "clipped")):
        values = values_of(gradients, dtype=dtype, remedy=remedy)
        work, _ = built(gradients, "numba", values)
        assert ("map" in work.facts) == ((dtype, remedy) == ("f4", "plain"))


@pytest.mark.parametrize(
    ("variant", "dtype", "activation"), list(itertools.product(gradients.variants, DTYPES, list(TAYLOR)))
)
def test_every_variant_gives_the_answer(variant, dtype, activation):
    """Each variant passes its check in every type and activation; its facts are small plain JSON."""
    values = values_of(gradients, dtype=dtype, activation=activation)
    if reason := gradients.lacks(variant, values):
        pytest.skip(str(reason))
    said, work = checked(gradients, variant, values)
    assert said == ""
    assert len(json.dumps(dict(work.facts), allow_nan=False)) < 20_000


# --- on a GPU ---------------------------------------------------------------------------------------------------------


NETWORKS = [
    ("identity", "orthogonal-1.5", "plain"), ("identity", "orthogonal-0.8", "loss-scaled"),
    ("sigmoid", "xavier-normal", "residual"), ("tanh", "he", "clipped"), ("relu", "he", "normalised"),
    ("4sigmoid-2", "normal-0.01", "plain"),
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("activation", "init", "remedy"), NETWORKS)
def test_the_same_becomes_of_a_gradient_in_cupy(activation, init, remedy, dtype):
    """Depths are NumPy's, and norms to 2% where both are safe: only what is flushed to 0 is lost sooner."""
    params = {"activation": activation, "init": init, "remedy": remedy, "dtype": dtype}
    work, _ = built(gradients, "cupy", values_of(gradients, **params))
    there, here = work.facts, built(gradients, "numpy", values_of(gradients, **params))[0].facts
    same = (
        "layers", "width", "overflow", "underflow", "forward_overflow", "forward_underflow", "safe_depth", "trouble",
        "proper_depth", "smallest_normal", "largest",
    )  # fmt: skip
    assert {name: there[name] for name in same} == {name: here[name] for name in same}
    assert (there["dead"] or 101) <= (here["dead"] or 101)
    for name in ("log10_norms", "log10_forward"):
        both = [(a, b) for a, b in zip(there[name], here[name], strict=True) if a is not None and b is not None]
        safe = both[: there["safe_depth"] + 1]
        np.testing.assert_allclose(*zip(*safe, strict=True), atol=0.01)


@pytest.mark.parametrize("params", [{}, {"remedy": "clipped"}, {"remedy": "normalised"}])
def test_a_call_in_cupy_waits_for_nothing_and_sends_nothing(params):
    """Launches follow each other; one wait ends a sample, and the host is told that nothing crossed."""
    device = StrictGpu()
    work, _ = built(gradients, "cupy", values_of(gradients, **params), device)
    launches, waits, sent = device.launches, device.waits, device.sent
    work.call()
    assert device.launches > launches
    assert (device.waits, device.sent) == (waits, sent)
    assert device.synced == ["end"]
    assert work.facts["transfers"] is False


def test_numbers_that_a_gpu_flushes_to_zero_are_not_wrong():
    """CuPy's float32 ends at its smallest normal number: its range is measured there, and the check reckons with it."""
    device = StrictGpu()
    values = values_of(gradients, activation="sigmoid", init="normal-0.01", dtype="f4")
    work, _ = built(gradients, "cupy", values, device)
    assert not work.output().any()
    assert _formats.range_on(device, np.dtype("f4")).least == np.finfo("f4").tiny
    weights, x = network("normal-0.01", np.dtype("f4"))
    chain = _backprop.prepare(weights, x, "sigmoid", "plain").moved(device.put)
    _backprop.in_numpy(chain, device.xp)()
    assert _rounding.violations(chain.moved(device.get)).any()  # by the range that the type states


def test_a_type_that_cupy_does_not_know_is_skipped_with_the_reason():
    """bfloat16 lies on the device as bytes; a CuPy without it says so when it is to compute."""
    device = without_bfloat16()
    with pytest.raises(
        Skip, match=r"^CuPy 14\.2\.0 does not compute in bfloat16 \(TypeError: Unsupported dtype bfloat16\)$"
    ):
        built(gradients, "cupy", values_of(gradients, dtype="bf16"), device)
    built(gradients, "cupy", values_of(gradients, dtype="f2"), device)


def test_without_cublas_products_are_skipped_with_the_remedy():
    """CuPy loads cuBLAS when it first multiplies matrices."""
    with pytest.raises(Skip, match=r"pip install 'cuda-toolkit\[cublas\]==13"):
        built(gradients, "cupy", values_of(gradients), without_cublas())


# --- findings ---------------------------------------------------------------------------------------------------------


def told(*records):
    return findings(run_of(*records), [gradients]).get("stability.gradients", [])


def chain(dtype, seconds, variant="numba", **params):
    """A network as it is built, with some spread of its own around so many seconds."""
    return spread(record_of(gradients, variant, seconds, dtype=dtype, **params))


def test_findings_tell_depths_remedies_and_the_map():
    """float16's safe depth with its speed, what the best remedy brings, and how many networks each type carries."""
    chains = [
        chain(dtype, 1e-4 if dtype == "f2" else 2e-4, init=init)
        for init in ("orthogonal-1.5", "orthogonal-0.8")
        for dtype in ("f2", "f4", "f8")
    ]
    chains.append(chain("f2", 1.5e-4, init="orthogonal-0.8", remedy="loss-scaled"))
    depths, kept, remedies = told(*chains)
    assert depths.startswith(
        "Layers that a gradient survives: 24 in float16 and all 100 in float32 at a factor of 1.5 per layer; 32 in "
        "float16 and all 100 in float32 at a factor of 0.8. A float16 layer takes 1.0"
    )
    assert " faster than float32 (" in depths
    assert remedies.startswith("Layers that a gradient survives in float16 with the best remedy: ")
    assert " instead of 32 at 0.8 (loss-scaled, 1.5" in remedies
    assert kept.startswith("Of 25 pairs of activation and initialisation, 12 in float16")
    assert kept.endswith(" carry a gradient through all 100 layers.")


def test_findings_of_one_type_set_arithmetic_beside_the_measured():
    """The lecture's two powers, each with what arithmetic gives."""
    [one] = told(chain("f8", 2e-4))
    assert one == (
        "Norm of a gradient after 100 layers, by its factor: 4.07 × 10¹⁷ at 1.5 per layer (arithmetic 4.07 × 10¹⁷, in "
        "float64)."
    )
    [two] = told(chain("f8", 2e-4), chain("f8", 2e-4, init="orthogonal-0.8"))
    assert " and 2.04 × 10⁻¹⁰ at 0.8 per layer (arithmetic 2.04 × 10⁻¹⁰, in float64)." in two


def test_remedies_that_do_not_help_are_told():
    """Depths are compared as they were found; one that was disturbed is marked."""
    plain, clipped = chain("f2", 1e-4), chain("f2", 2e-4, remedy="clipped")
    clipped.facts["safe_depth"] = plain.facts["safe_depth"]
    assert told(plain, clipped)[0].endswith(": 24 at a factor of 1.5 per layer, where no remedy helps.")
    clipped.facts["safe_depth"] = 90
    slow = msgspec.structs.replace(clipped, status="suspect", reasons=[because("steal")])
    assert "90 instead of 24 at a factor of 1.5 per layer (clipped, 2." in told(plain, slow)[0]
    assert told(plain, slow)[0].endswith("slower) (suspect: the hypervisor gave the CPU to other guests (steal)).")


def test_findings_say_nothing_of_what_was_not_measured():
    """Without records, and with failed ones alone, the bench says nothing."""
    failed = Record(bench="stability.gradients", version=1, variant="numba", device="cpu", params={}, status="error")
    assert list(gradients.hooks["finding"](BenchResults(gradients, run_of(failed)))) == []


def test_findings_set_the_gpus_layers_beside_the_cpus():
    """Microseconds a layer by type on both, and that depths are the same; nothing of a GPU where none was measured."""
    chains = [
        chain(dtype, seconds, variant)
        for dtype in ("f2", "f4") for variant, seconds in (("numba", 1e-4), ("cupy", 5e-3))
    ]  # fmt: skip
    [gpu] = [line for line in told(*chains) if "GPU" in line]
    assert gpu.startswith("A layer of 128 units takes CuPy on the GPU ")
    assert " in float16, 50" in gpu
    assert "× slower than numba on the CPU (" in gpu
    assert gpu.endswith("; safe depths agree in float16 and float32.")
    [one] = [line for line in told(*chains[:2]) if "GPU" in line]
    assert one.endswith("; safe depths agree in float16.")
    assert not [line for line in told(*(one for one in chains if one.device == "cpu")) if "GPU" in line]


def test_depths_that_differ_are_told():
    """A GPU that loses a gradient sooner is not said to agree."""
    half = [chain("f2", 1e-4, variant) for variant in ("numpy", "cupy")]
    half[1].facts["safe_depth"] = 7
    assert told(*half)[-1].endswith("; float16 survives 7 layers there and 24 on the CPU.")
