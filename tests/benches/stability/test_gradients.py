"""Numerical stability: closed forms, finite differences, every rounding checked, and a check that notices."""

import dataclasses
import itertools
import json
import math

import msgspec
import numba
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from doubles.strict_cupy import StrictGpu
from hwbench.analysis.findings import BenchResults, findings
from hwbench.bench import Skip
from hwbench.benches.stability import _backprop, _networks, activations, gradients, initialization
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels import float16
from hwbench.measure.verify_output import mismatch
from hwbench.record.model import Cpu, Machine, Memory, Record, Run

try:
    import ml_dtypes
except ImportError:
    ml_dtypes = None

DTYPES = ("f2", "bf16", "f4", "f8")
MAKERS = (_backprop.in_numpy, _backprop.in_numba)


def type_of(name):
    if name != "bf16":
        return np.dtype(name)
    if ml_dtypes is None:
        pytest.skip("bf16 needs the package ml_dtypes")
    return np.dtype(ml_dtypes.bfloat16)


def network(init, layers, width, seed=0):
    rng = np.random.default_rng(seed)
    weights = np.stack([_networks.draw(rng, init, width, width) for _ in range(layers)]).astype(np.float64)
    return weights, rng.standard_normal((2, width))


def run_chain(
    init, dtype, activation="identity", remedy="plain", make=_backprop.in_numba, layers=100, width=32, seed=0
):
    weights, x = network(init, layers, width, seed)
    chain = _backprop.prepare(weights.astype(type_of(dtype)), x, activation, remedy)
    make(chain)()
    return chain


def became(init, dtype, activation="identity", remedy="plain", make=_backprop.in_numba, **size):
    """What becomes of a chain by the variant that `make` stands for."""
    return _backprop.outcome(run_chain(init, dtype, activation, remedy, make, **size), make)


# --- float16 and bfloat16 in kernels ----------------------------------------------------------------------------------


@numba.njit
def widen_all(source, target):
    for i in range(len(source)):
        target[i] = float16.widen(source[i])


@numba.njit
def narrow_all(source, target):
    for i in range(len(source)):
        target[i] = float16.narrow(source[i], target[i])


@numba.njit
def widen_by_bits(source, target):
    for i in range(len(source)):
        target[i] = float16.half_to_float_by_bits(source[i])


@numba.njit
def narrow_by_bits(source, target):
    for i in range(len(source)):
        target[i] = float16.float_to_half_by_bits(source[i])


def hard_floats():
    """float32 numbers of all sizes, every midpoint between neighbouring float16 numbers, and what lies beside it."""
    rng = np.random.default_rng(3)
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
    middles = (halves[:-1] + halves[1:]) / 2
    words = rng.integers(0, 2**32, 100_000, dtype=np.uint64).astype(np.uint32).view(np.float32)
    near = [middles, np.nextafter(middles, np.float32(0)), np.nextafter(middles, np.float32(1e9))]
    special = np.array([65519.9, 65520.0, np.inf, np.nan, 0.0, 2.0**-25, 1e-45], np.float32)
    numbers = np.concatenate([words, *near, special])
    return np.concatenate([numbers, -numbers])


@pytest.mark.parametrize("convert", [widen_all, widen_by_bits], ids=["instruction", "bits"])
def test_every_float16_widens_exactly(convert):
    """All 65536 float16 numbers become the float32 numbers that NumPy makes of them, by instruction and by bits."""
    halves = np.arange(65536, dtype=np.uint16)
    found = np.zeros(65536, np.float32)
    convert(halves, found)
    np.testing.assert_array_equal(found, halves.view(np.float16).astype(np.float32))


@pytest.mark.parametrize("convert", [narrow_all, narrow_by_bits], ids=["instruction", "bits"])
def test_float32_narrows_to_the_nearest_float16(convert):
    """float32 rounds to nearest even, into subnormals, infinity and NaN, as NumPy rounds it."""
    numbers = hard_floats()
    found = np.zeros(len(numbers), np.uint16)
    convert(numbers, found)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        np.testing.assert_array_equal(found.view(np.float16), numbers.astype(np.float16))


def test_bfloat16_is_that_of_ml_dtypes():
    """bfloat16 widens and narrows as in ml_dtypes, for all its 65536 numbers and for hard float32 ones."""
    bfloat16 = type_of("bf16")
    every = np.arange(65536, dtype=np.uint16).view(np.int16)
    found = np.zeros(65536, np.float32)
    widen_all(every, found)
    np.testing.assert_array_equal(found, every.view(bfloat16).astype(np.float32))
    numbers = hard_floats()
    narrow = np.zeros(len(numbers), np.int16)
    narrow_all(numbers, narrow)
    with np.errstate(invalid="ignore", over="ignore"):
        expected = numbers.astype(bfloat16)
    np.testing.assert_array_equal(narrow.view(bfloat16).astype(np.float32), expected.astype(np.float32))


@pytest.mark.parametrize("name", DTYPES)
def test_range_by_arithmetic_is_the_stated_one(name):
    """Halving and doubling finds the step, smallest normal, smallest and largest number that the type states."""
    assert _networks.measured_format(type_of(name)) == _networks.format_of(type_of(name))


def test_float16_range_of_the_lecture():
    """float16 holds normal numbers from 6e-5 to 6e4, to the digit that the lecture gives."""
    half = _networks.measured_format(np.float16)
    assert half.tiny == pytest.approx(6e-5, rel=0.02)
    assert half.top == pytest.approx(6e4, rel=0.1)
    assert (half.tiny, half.top) == (2.0**-14, 65504.0)


# --- gradients --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("f8", 1e-9), ("f4", 1e-4), ("bf16", 0.1)])
@pytest.mark.parametrize(("factor", "lecture"), [(1.5, 4e17), (0.8, 2e-10)])
def test_powers_of_the_lecture(make, dtype, tolerance, factor, lecture):
    """A hundred layers that stretch by 1.5 or 0.8 give 1.5¹⁰⁰ ≈ 4e17 and 0.8¹⁰⁰ ≈ 2e-10, to the type's rounding."""
    chain = run_chain(f"orthogonal-{factor}", dtype, make=make)
    norm = float(np.linalg.norm(chain.g[-1].astype(np.float64)))
    assert norm == pytest.approx(factor**100, rel=tolerance)
    assert norm == pytest.approx(lecture, rel=0.15)
    assert 10 ** _backprop.trace(chain)["log10_norms"][-1] == pytest.approx(norm, rel=1e-4)


@pytest.mark.parametrize("make", MAKERS)
def test_float16_loses_both_chains_where_arithmetic_says(make):
    """In float16 the stretched chain overflows and the shrunk one fades within two layers of where its range ends."""
    width, form = 32, _networks.format_of(np.float16)
    stretched = became("orthogonal-1.5", "f2", make=make, width=width)
    # The first number beyond 65504 is the largest of 32, about 2.5 times their root mean square, which starts at 32^-½.
    expected = math.log(form.top * math.sqrt(width) / 2.5, 1.5)
    assert abs(stretched["overflow"] - expected) < 2.5
    assert stretched["safe_depth"] == stretched["forward_overflow"] - 1
    assert stretched["trouble"] == "forward_overflow"
    assert stretched["log10_norms"][-1] is None
    shrunk = became("orthogonal-0.8", "f2", make=make, width=width)
    assert abs(shrunk["underflow"] - math.log(form.tiny * math.sqrt(width), 0.8)) < 1.5
    assert abs(shrunk["safe_depth"] - shrunk["underflow"]) <= 2  # it enters behind another layer
    assert shrunk["trouble"] == "underflow"
    assert shrunk["underflow"] < shrunk["dead"] < 100
    assert shrunk["overflow"] is None


@pytest.mark.parametrize("make", MAKERS)
def test_a_network_is_safe_as_deep_as_its_own_gradient_reaches(make):
    """Relu with Xavier in float16 halves a mean square a layer: outputs die in 100 layers, a network of 20 works.

    A unit gradient's 128 numbers start at 128^-½ and go below 2⁻¹⁴ after 21 layers by 2^-½ each, outputs after 28; the
    cause of a depth of 0 was a gradient taken behind layer 100, where nothing is left to give it a slope.
    """
    found = became("xavier-normal", "f2", "relu", make=make, width=128)
    reach = 2 * (14 - math.log2(math.sqrt(128)))
    assert abs(found["safe_depth"] - reach) <= 4  # one draw of 128 units strays
    assert abs(found["forward_underflow"] - 28) <= 4
    assert found["forward_underflow"] < found["forward_dead"] < 100
    assert found["dead"] == 1  # of the network of 100
    assert found["trouble"] == "underflow"
    for layers, lost in ((found["safe_depth"], None), (found["safe_depth"] + 1, 1)):
        chain = run_chain("xavier-normal", "f2", "relu", make=make, width=128).first(layers)
        make(chain)()
        assert (_backprop.trace(chain)["underflow"] is None) == (lost is None)


def test_a_deeper_network_is_asked_of_outputs_before_gradients():
    """Where outputs are lost first, they are the trouble: 4 sigmoid - 2 of tiny numbers cancels to 0."""
    found = became("normal-0.01", "f4", "4sigmoid-2", width=128)
    assert found["trouble"] == "forward_underflow"
    assert found["safe_depth"] == found["forward_underflow"] - 1 < 20


@pytest.mark.parametrize(("factor", "bound"), [(1.5, 1e3), (0.8, 1e-6)])
def test_the_proper_depth_is_where_a_norm_leaves_the_lectures_range(factor, bound):
    """1.5 a layer leaves 10³ after 17 layers, 0.8 leaves 10⁻⁶ after 61: in float64 nothing else does."""
    found = became(f"orthogonal-{factor}", "f8")
    assert found["proper_depth"] == math.floor(math.log(bound, factor))
    assert found["safe_depth"] == 100


def test_the_map_holds_every_network_in_every_type():
    """25 pairs of activation and initialisation in each type that is there, as a case of its own would find them."""
    told = gradients.grid()
    here = [name for name in DTYPES if name not in told["lacking"]]
    assert len(told["networks"]) == 25
    assert ["relu", "xavier-uniform"] in told["networks"]
    assert set(here) | set(told["lacking"]) == set(DTYPES)
    for name in here:
        assert {len(told[name][key]) for key in ("log10_norms", "overflow", "safe_depth")} == {25}
    at = told["networks"].index(["relu", "xavier-normal"])
    work, _ = built(
        gradients.gradients,
        "numba",
        values_of(gradients.gradients, activation="relu", init="xavier-normal", dtype="f2"),
    )
    assert told["f2"]["safe_depth"][at] == work.facts["safe_depth"]
    assert len(json.dumps(told, separators=(",", ":"))) < 10_000


def test_without_ml_dtypes_the_map_says_so(monkeypatch):
    """The reason stands where bfloat16's networks would."""
    kind = _networks.type_of
    monkeypatch.setattr(_networks, "type_of", lambda name: None if name == "bf16" else kind(name))
    gradients.grid.cache_clear()
    told = gradients.grid()
    gradients.grid.cache_clear()
    assert told["lacking"] == {"bf16": "bf16 needs the package ml_dtypes"}
    assert "bf16" not in told


def test_one_record_keeps_the_map():
    """The compiled float32 network of the lecture's first power, and no other."""
    for dtype, remedy in (("f4", "plain"), ("f8", "plain"), ("f4", "clipped")):
        values = values_of(gradients.gradients, dtype=dtype, remedy=remedy)
        work, _ = built(gradients.gradients, "numba", values)
        assert ("map" in work.facts) == ((dtype, remedy) == ("f4", "plain"))


def loss(weights, x, direction, activation, remedy):
    """direction · h after all layers, in float64."""
    sigma, h = _networks.ACTIVATIONS[activation], x
    for w in weights:
        z = w @ h
        if remedy == "normalised":
            z = (z - z.mean()) / np.sqrt(z.var() + _backprop.EPSILON)
        h = sigma.value(z) + (h if remedy == "residual" else 0.0)
    return float(direction @ h)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("remedy", ["plain", "residual", "normalised"])
@pytest.mark.parametrize("activation", list(_networks.ACTIVATIONS))
def test_gradient_is_that_of_finite_differences(make, activation, remedy):
    """The gradient that reaches the input is the loss's central difference, for each activation and remedy."""
    weights, x = network("xavier-normal", 4, 12, seed=5)
    chain = _backprop.prepare(weights, x, activation, remedy)
    make(chain)()
    direction = x[1] / np.linalg.norm(x[1])
    step = 1e-6
    differences = [
        (
            loss(weights, x[0] + step * unit, direction, activation, remedy)
            - loss(weights, x[0] - step * unit, direction, activation, remedy)
        )
        / (2 * step)
        for unit in np.eye(12)
    ]
    np.testing.assert_allclose(chain.g[-1], differences, rtol=1e-6, atol=1e-8)


@settings(max_examples=60)
@given(
    layers=st.integers(1, 12),
    width=st.integers(1, 40),
    init=st.sampled_from(_networks.INITS),
    activation=st.sampled_from(list(_networks.ACTIVATIONS)),
    remedy=st.sampled_from(_backprop.REMEDIES),
    dtype=st.sampled_from(["f2", "f4", "f8"] + ["bf16"] * (ml_dtypes is not None)),
    make=st.sampled_from(MAKERS),
    seed=st.integers(0, 2**16),
)
@example(1, 1, "he", "relu", "normalised", "f2", _backprop.in_numba, 0)
def test_any_chain_has_no_wrong_number(layers, width, init, activation, remedy, dtype, make, seed):
    """Whatever its depth, width, type, activation and remedy: every number of a chain is exact to within rounding."""
    chain = run_chain(init, dtype, activation, remedy, make, layers, width, seed)
    assert not _backprop.violations(chain).any()
    found = _backprop.outcome(chain, make)
    assert 0 <= found["proper_depth"] <= found["safe_depth"] <= layers
    assert (found["trouble"] is None) == (found["safe_depth"] == layers)
    assert len(found["log10_norms"]) == len(found["log10_forward"]) == layers + 1
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("part", ["h", "z", "slope", "g"])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_the_check_notices_one_wrong_number(part, dtype):
    """A single number of any array that is off by a tenth is counted, and in its own layer or the next."""
    chain = run_chain("xavier-normal", dtype, "tanh", layers=6)
    assert not _backprop.violations(chain).any()
    array = getattr(chain, part)
    at = int(np.argmax(np.abs(array[2].astype(np.float64))))
    array[2, at] = array[2, at] * array.dtype.type(1.1)
    assert _backprop.violations(chain).any()


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_the_check_notices_a_chain_that_gives_up(value):
    """A gradient that turns to NaN, infinity or zero where the type could hold it is wrong, not lost."""
    chain = run_chain("xavier-normal", "f4", "tanh", layers=6)
    chain.g[3:] = value
    assert _backprop.violations(chain).any()


def test_the_check_notices_a_chain_that_did_not_run():
    """Arrays as they were prepared, nothing computed, are wrong in every layer that can be judged."""
    weights, x = network("xavier-normal", 3, 8)
    assert _backprop.violations(_backprop.prepare(weights, x, "tanh", "plain")).any()


def test_clipping_bounds_every_norm():
    """With clipping no gradient is longer than 1000, to rounding, and those below are untouched."""
    clipped = run_chain("orthogonal-1.5", "f4", remedy="clipped")
    plain = run_chain("orthogonal-1.5", "f4")
    norms = np.linalg.norm(clipped.g.astype(np.float64), axis=1)
    assert norms.max() == pytest.approx(_backprop.CLIP, rel=1e-5)
    below = int(math.log(_backprop.CLIP, 1.5))
    np.testing.assert_array_equal(clipped.g[:below], plain.g[:below])


def test_loss_scaling_delays_underflow_by_its_logarithm():
    """Scaled by 2¹⁵ a float16 gradient lasts as many layers longer as 0.8 needs to use 2¹⁵ up; its norms are equal."""
    plain = became("orthogonal-0.8", "f2")
    scaled = became("orthogonal-0.8", "f2", remedy="loss-scaled")
    assert abs(scaled["underflow"] - plain["underflow"] - math.log(2**15, 1 / 0.8)) < 1.5
    np.testing.assert_allclose(scaled["log10_norms"][:20], plain["log10_norms"][:20], atol=0.01)


def test_normalising_and_residuals_keep_what_they_are_for():
    """Layer normalisation undoes a stretch of 1.5 in float16, a residual path a sigmoid's shrinking."""
    stretched = became("orthogonal-1.5", "f2", remedy="normalised")
    shrunk = became("xavier-normal", "f2", "sigmoid", "residual")
    assert stretched["safe_depth"] == shrunk["safe_depth"] == 100
    assert became("xavier-normal", "f2", "sigmoid")["safe_depth"] < 10


# --- theory -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_in", "n_out"), [(300, 200), (200, 300), (256, 256)])
def test_xavier_draws_its_variance(n_in, n_out):
    """Xavier's weights have variance 2/(n_in + n_out) within 2%, the uniform ones none beyond √(6/(n_in + n_out))."""
    rng = np.random.default_rng(1)
    for init in ("xavier-normal", "xavier-uniform"):
        w = _networks.draw(rng, init, n_in, n_out)
        assert w.shape == (n_out, n_in)
        assert w.var() == pytest.approx(2 / (n_in + n_out), rel=0.02)
        assert abs(w.mean()) < 4 * math.sqrt(2 / (n_in + n_out) / w.size)
    bound = math.sqrt(6 / (n_in + n_out))
    assert 0.99 * bound < np.abs(w).max() <= bound * (1 + 1e-6)
    assert bound**2 / 3 == pytest.approx(_networks.gamma("xavier-uniform", n_in, n_out))


@given(st.integers(1, 64))
def test_orthogonal_weights_stretch_every_vector_alike(n):
    """An orthogonal initialisation times 1.5 makes any vector 1.5 times as long."""
    rng = np.random.default_rng(n)
    w, v = _networks.draw(rng, "orthogonal-1.5", n, n), rng.standard_normal(n)
    assert np.linalg.norm(w @ v) == pytest.approx(1.5 * np.linalg.norm(v), rel=1e-12)


@given(st.lists(st.integers(1, 300), min_size=2, max_size=8), st.sampled_from(_networks.INITS[:4]))
def test_identity_variances_are_products_of_n_gamma(widths, init):
    """Without activation the expected variances are ∏ n_in γ forwards and ∏ n_out γ backwards."""
    forward, backward = _networks.expected(init, "identity", widths)
    pairs = list(itertools.pairwise(widths))
    assert forward[-1] == pytest.approx(math.prod(a * _networks.gamma(init, a, b) for a, b in pairs))
    assert backward[0] == pytest.approx(math.prod(b * _networks.gamma(init, a, b) for a, b in pairs))
    assert len(forward) == len(backward) == len(widths)


def test_relu_halves_and_he_makes_up_for_it():
    """Behind a relu a mean square is half of what went in, so He keeps it at 1 and Xavier halves it at each layer."""
    for init, factor in (("he", 1.0), ("xavier-normal", 0.5)):
        forward, backward = _networks.expected(init, "relu", [64] * 6)
        np.testing.assert_allclose(forward, [factor**t for t in range(6)], rtol=1e-6)
        # the node at 0 has no slope, which costs half a step of the integral
        np.testing.assert_allclose(backward, [factor ** (5 - t) for t in range(6)], rtol=0.02)


@pytest.mark.parametrize("activation", ["identity", "relu", "tanh"])
def test_measured_variances_follow_theory(activation):
    """Twelve layers of 256 units have the mean squares that theory expects, within a third, up and down."""
    rng = np.random.default_rng(4)
    widths = [256] * 13
    weights = [_networks.draw(rng, "he" if activation == "relu" else "xavier-normal", 256, 256) for _ in range(12)]
    x, g = (rng.standard_normal((256, 64)).astype(np.float32) for _ in range(2))
    found = initialization.variances(weights, x, g, activation)
    expected = _networks.expected("he" if activation == "relu" else "xavier-normal", activation, widths)
    np.testing.assert_allclose(found[0], expected[0], rtol=0.33)
    np.testing.assert_allclose(found[1], expected[1], rtol=0.33)


# --- activations ------------------------------------------------------------------------------------------------------

TAYLOR = {
    "sigmoid": (1 / 2, 1 / 4, 0, -1 / 48),
    "tanh": (0, 1, 0, -1 / 3),
    "relu": (0, 1, 0, 0),
    "4sigmoid-2": (0, 1, 0, -1 / 12),
}


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("activation", list(TAYLOR))
def test_taylor_coefficients(activation, name):
    """What an activation computes near 0 has the lecture's coefficients to the tolerance that the facts state."""
    dtype = type_of(name)
    found = _networks.taylor_of(_networks.ACTIVATIONS[activation].value, dtype, activation == "relu")
    tolerances = _networks.taylor_tolerance(activation, dtype)
    assert all(abs(a - b) <= most for a, b, most in zip(found, TAYLOR[activation], tolerances, strict=True))
    assert all(most < abs(c) for c, most in zip(TAYLOR[activation], tolerances, strict=True) if c)  # each is resolved
    assert _networks.ACTIVATIONS[activation].taylor == pytest.approx(TAYLOR[activation])


@given(st.sampled_from(list(TAYLOR)), st.floats(1e-3, 0.3))
def test_cubic_is_off_by_the_fifth_power(activation, x):
    """Near 0 an activation differs from its cubic by less than x⁵: the expansion's next term."""
    sigma = _networks.ACTIVATIONS[activation]
    value = float(sigma.value(np.array([x]))[0])
    assert abs(value - _networks.cubic(sigma.taylor, x)) <= x**5 + 1e-15


@pytest.mark.parametrize("activation", list(_networks.ACTIVATIONS))
def test_slopes_are_derivatives(activation):
    """σ' is the central difference of σ, wherever σ has one."""
    sigma = _networks.ACTIVATIONS[activation]
    z = np.concatenate([np.linspace(-6, -0.01, 50), np.linspace(0.01, 6, 50)])
    step = 1e-6
    difference = (sigma.value(z + step) - sigma.value(z - step)) / (2 * step)
    np.testing.assert_allclose(sigma.slope(z, sigma.value(z)), difference, atol=1e-8)


# --- the benches ------------------------------------------------------------------------------------------------------


CPU = CpuDevice()


def values_of(bench, **given):
    first = {axis: values[0] for axis, values in bench.axes.items()} | given
    return first | {
        "dtype": type_of(first["dtype"]),
        "device": CPU,
        "rng": np.random.default_rng(2),
    }


def built(bench, variant, values):
    inputs = bench.make_inputs(values)
    if bench.variants[variant].on == "gpu":
        assert bench.variants[variant].inputs == "host"
        values = {"device": StrictGpu()} | {name: value for name, value in values.items() if name != "device"}
    return bench.build(variant, values, inputs), inputs


def verdict(bench, variant, values):
    work, inputs = built(bench, variant, values)
    output = work.call()
    output = output if work.output is None else work.output()
    flops = bench.count(values, inputs).get("flops", 0.0)
    return mismatch(output, bench.ask("reference", values, inputs), values, flops, bench.tolerance)


def cases():
    for bench in (gradients.gradients, initialization.initialization, activations.activations):
        for variant in bench.variants:
            for dtype in ("f2", "bf16", "f4", "f8") if bench is not initialization.initialization else ("f4", "f8"):
                for activation in ("relu", "sigmoid", "tanh", "4sigmoid-2"):
                    yield pytest.param(
                        bench, variant, dtype, activation, id=f"{bench.name}-{variant}-{dtype}-{activation}"
                    )


@pytest.mark.parametrize(("bench", "variant", "dtype", "activation"), list(cases()))
def test_every_variant_gives_the_answer(bench, variant, dtype, activation):
    """Each variant of each bench passes its check in every type and activation; its facts are small plain JSON."""
    values = values_of(bench, dtype=dtype, activation=activation)
    if reason := bench.lacks(variant, values):
        pytest.skip(reason)
    assert verdict(bench, variant, values) == ""
    work, _ = built(bench, variant, values)
    assert len(json.dumps(dict(work.facts), allow_nan=False)) < 20_000


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", list(TAYLOR))
@pytest.mark.parametrize("variant", list(activations.activations.variants))
def test_every_implementation_has_taylors_coefficients(variant, activation, dtype):
    """The facts of each variant hold the lecture's coefficients, each to the tolerance stated beside it."""
    values = values_of(activations.activations, dtype=dtype, activation=activation)
    if reason := activations.activations.lacks(variant, values):
        pytest.skip(reason)
    facts = built(activations.activations, variant, values)[0].facts
    told = zip(facts["taylor"], TAYLOR[activation], facts["taylor_tolerance"], strict=True)
    assert all(abs(found - stated) <= most for found, stated, most in told)


def test_a_wrong_activation_is_noticed(monkeypatch):
    """A sigmoid whose kernel computes another function is refused by the check, with the count of wrong elements."""
    values = values_of(activations.activations, activation="sigmoid", dtype="f4")
    sigma = _networks.ACTIVATIONS["sigmoid"]
    monkeypatch.setitem(_networks.ACTIVATIONS, "sigmoid", dataclasses.replace(sigma, code=3))
    assert "instead of 0" in verdict(activations.activations, "numba", values)


def test_wrong_variances_are_noticed(monkeypatch):
    """Variances of a network with one layer more stretched are refused."""
    values = values_of(initialization.initialization)
    inputs = initialization.initialization.make_inputs(values)
    answer = initialization.initialization.ask("reference", values, inputs)
    inputs[0][7] *= np.float32(1.01)
    work = initialization.initialization.build("numba", values, inputs)
    assert "differs" in mismatch(work.call(), answer, values, 1e6)


def test_scipy_says_what_it_lacks():
    """SciPy has no tanh and no relu of its own, and says so instead of being timed."""
    assert "SciPy has no tanh" in activations.activations.lacks(
        "scipy", values_of(activations.activations, activation="tanh")
    )
    assert not activations.activations.lacks("scipy", values_of(activations.activations, activation="sigmoid"))


# --- on a GPU ---------------------------------------------------------------------------------------------------------


def on_gpu(bench, device=None, **params):
    """The work of the CuPy variant on a device that is strict, and that device."""
    device = device or StrictGpu()
    values = values_of(bench, **params) | {"device": device}
    return bench.build("cupy", values, bench.make_inputs(values)), device


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
    work, _ = on_gpu(gradients.gradients, **params)
    there, here = work.facts, built(gradients.gradients, "numpy", values_of(gradients.gradients, **params))[0].facts
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


@pytest.mark.parametrize("bench", [gradients.gradients, initialization.initialization, activations.activations])
def test_a_call_in_cupy_waits_for_nothing_and_sends_nothing(bench):
    """Launches follow each other; one wait ends a sample, and the host is told that nothing crossed."""
    for params in ({}, {"remedy": "clipped"}, {"remedy": "normalised"}) if bench is gradients.gradients else ({},):
        work, device = on_gpu(bench, **params)
        launches, waits, sent = device.launches, device.waits, device.sent
        work.call()
        assert device.launches > launches
        assert (device.waits, device.sent) == (waits, sent)
        assert device.synced == ["end"]
        assert work.facts["transfers"] is False


def test_numbers_that_a_gpu_flushes_to_zero_are_not_wrong():
    """CuPy's float32 ends at its smallest normal number: its range is measured there, and the check reckons with it."""
    work, device = on_gpu(gradients.gradients, activation="sigmoid", init="normal-0.01", dtype="f4")
    assert not work.output().any()
    assert gradients.range_on(device, np.dtype("f4")).least == np.finfo("f4").tiny
    weights, x = gradients.network("normal-0.01", np.dtype("f4"))
    chain = _backprop.prepare(weights, x, "sigmoid", "plain").moved(device.put)
    _backprop.in_numpy(chain, device.xp)()
    assert _backprop.violations(chain.moved(device.get)).any()  # by the range that the type states


@pytest.mark.parametrize("bench", [gradients.gradients, activations.activations])
def test_a_type_that_cupy_does_not_know_is_skipped_with_the_reason(bench):
    """bfloat16 lies on the device as bytes; a CuPy without it says so when it is to compute."""
    device, bfloat16 = StrictGpu(), type_of("bf16")
    launch = device.launch

    def refusing(function, *given, **more):
        if any(getattr(one, "dtype", None) == bfloat16 for one in given):
            raise TypeError("Unsupported dtype bfloat16\nin line 2")
        return launch(function, *given, **more)

    device.launch = refusing
    with pytest.raises(
        Skip, match=r"^CuPy 14\.2\.0 does not compute in bfloat16 \(TypeError: Unsupported dtype bfloat16\)$"
    ):
        on_gpu(bench, device, dtype="bf16")
    on_gpu(bench, device, dtype="f2")


def test_without_cublas_products_are_skipped_with_the_remedy():
    """CuPy loads cuBLAS when it first multiplies matrices."""
    device = StrictGpu()

    def missing():
        raise ImportError("libcublas.so.13: cannot open shared object file")

    device.xp.cuda.device.get_cublas_handle = missing
    for bench in (gradients.gradients, initialization.initialization):
        with pytest.raises(Skip, match="pip install nvidia-cublas"):
            on_gpu(bench, device)
    on_gpu(activations.activations, device)


# --- in plain words ---------------------------------------------------------------------------------------------------


def record(bench, variant, seconds, **params):
    values = values_of(bench, **params)
    device = "gpu:0" if bench.variants[variant].on == "gpu" else "cpu"
    work, inputs = built(bench, variant, values)
    shown = {axis: params.get(axis, bench.axes[axis][0]) for axis in bench.axes}
    return Record(
        bench=bench.name,
        version=1,
        variant=variant,
        device=device,
        params=shown,
        status="ok",
        loops=1,
        samples=[seconds] * 10,
        counts=bench.count(values, inputs),
        facts=json.loads(json.dumps(dict(work.facts))),
    )


def run_of(records):
    machine = Machine(name="m", cpu=Cpu(model="c", arch="x", logical=1, physical=1), memory=Memory(total=2**30))
    return Run(id="m-1", started="2026-01-01T00:00:00Z", machine=machine, records=records)


def test_findings_set_the_lecture_beside_the_measured():
    """The findings name both powers, float16's range and safe depth with its speed, and what loss scaling brings."""
    chains = [
        record(gradients.gradients, "numba", 1e-4 if dtype == "f2" else 2e-4, init=init, dtype=dtype)
        for init in ("orthogonal-1.5", "orthogonal-0.8")
        for dtype in ("f2", "f4", "f8")
    ]
    chains.append(record(gradients.gradients, "numba", 1.5e-4, init="orthogonal-0.8", dtype="f2", remedy="loss-scaled"))
    told = " ".join(findings(run_of(chains), [gradients.gradients])["stability.gradients"])
    assert "4.07 × 10¹⁷ in float64 (by arithmetic 1.5¹⁰⁰ = 4.07 × 10¹⁷; lecture: 4 × 10¹⁷)" in told
    assert "2.04 × 10⁻¹⁰" in told
    assert "from 6.1e-05 to 65504 (lecture: 6e-5 to 6e4)" in told
    assert (
        "float16 is safe for 24 layers at 1 µs each, float32 for all 100 at 2 µs: half the bytes are 2× the speed"
        in told
    )
    assert "25 pairs of activation and initialisation so many are safe for all 100 layers: 12 in float16" in told
    assert "loss-scaled" in told
    assert "(1.50× the time)" in told


def test_findings_say_nothing_of_what_was_not_measured():
    """Without records, and with failed ones alone, no bench says anything."""
    failed = Record(bench="stability.gradients", version=1, variant="numba", device="cpu", params={}, status="error")
    for bench in (gradients.gradients, initialization.initialization, activations.activations):
        assert list(bench.hooks["finding"](BenchResults(bench, run_of([failed])))) == []


def test_findings_of_variances_and_expansions():
    """Xavier's variance stands beside its formula, closed form beside outcome, coefficients beside cost."""
    variances = [record(initialization.initialization, "numpy", 1e-3, init=init) for init in ("xavier-uniform", "he")]
    told = " ".join(findings(run_of(variances), [initialization.initialization])["stability.initialization"])
    assert "where 2/(n_in + n_out) is 0.00781" in told
    assert "√(6/(n_in + n_out)) = 0.153" in told
    assert "(closed form 1e+06)" in told
    costs = [record(activations.activations, "numpy", 4.096e-6, activation="sigmoid")]
    told = " ".join(findings(run_of(costs), [activations.activations])["stability.activations"])
    assert "numpy 1 ns" in told
    assert "0.50000 + 0.25000 x" in told


def test_findings_set_the_gpus_layers_beside_the_cpus():
    """Microseconds a layer by type on both, and that depths are the same; nothing of a GPU where none was measured."""
    chains = [
        record(gradients.gradients, variant, seconds, dtype=dtype)
        for dtype in ("f2", "f4") for variant, seconds in (("numba", 1e-4), ("cupy", 5e-3))
    ]  # fmt: skip
    told = findings(run_of(chains), [gradients.gradients])["stability.gradients"]
    assert told[-2:] == [
        "On the GPU a layer of 128 units takes CuPy, in µs: 50 in float16 (the CPU's numba 1), 50 in float32 (the "
        "CPU's numba 1).",
        "In float16, float32 a network is safe for as many layers on the GPU as on the CPU.",
    ]
    without = findings(run_of([chain for chain in chains if chain.device == "cpu"]), [gradients.gradients])
    assert not [line for line in without["stability.gradients"] if "GPU" in line]


def test_depths_that_differ_are_told():
    """A GPU that loses a gradient sooner is not said to agree."""
    half = [record(gradients.gradients, variant, 1e-4, dtype="f2") for variant in ("numpy", "cupy")]
    half[1].facts["safe_depth"] = 7
    told = findings(run_of(half), [gradients.gradients])["stability.gradients"]
    assert told[-1] == "Safe depths differ: float16 is safe for 7 layers on the GPU, for 24 on the CPU."


def test_findings_of_activations_and_variances_have_the_gpu_beside_numpy():
    """The cost of an element at the same n, and in many; the time of a batch as a ratio."""
    costs = [record(activations.activations, variant, 4.096e-6, activation="tanh") for variant in ("numpy", "cupy")]
    many = msgspec.structs.replace(
        costs[1], params=costs[1].params | {"n": activations.MANY}, counts={"items": float(activations.MANY)}
    )
    told = " ".join(findings(run_of([*costs, many]), [activations.activations])["stability.activations"])
    assert "tanh costs numpy 1 ns, cupy 1 ns, cupy on 2²⁴ of them 0.000244 ns an element" in told
    batches = [record(initialization.initialization, variant, s) for variant, s in (("numpy", 1e-3), ("cupy", 4e-3))]
    told = findings(run_of(batches), [initialization.initialization])["stability.initialization"]
    assert told[-1] == "A batch of 32 up and down takes CuPy on the GPU 4× the time of NumPy (4–4)."
    alone = findings(run_of(batches[1:]), [initialization.initialization])["stability.initialization"]
    assert "where 2/(n_in + n_out) is 0.00781" in alone[0]
    assert not [line for line in alone if "NumPy" in line]
