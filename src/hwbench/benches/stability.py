"""Numerical stability: what precision, activation and initialisation do to a gradient, and what each costs in time.

A gradient goes down a deep network as a product of one Jacobian a layer. If each stretches it by 1.5, a hundred layers
make it 1.5¹⁰⁰ ≈ 4 × 10¹⁷; if each shrinks it to 0.8, 0.8¹⁰⁰ ≈ 2 × 10⁻¹⁰. float32 holds both. float16 holds normal
numbers from 6 × 10⁻⁵ to 65504, and loses either after some thirty layers; in return its weights are half the bytes. So
each case has two results: seconds, and among its facts how deep the network may be (`safe_depth`).

`stability.gradients` sends one input up and the gradient of one loss down 100 layers of 128 units. A layer's weights
are read once on the way up and once on the way down, 32 KiB in float16 and 128 KiB in float64, and each is used for one
multiply and add: it is the bandwidth of L2 and L3 that the compiled variant should touch.
`stability.initialization` compares variances layer by layer with their closed forms. `stability.activations` asks what
an activation costs for each element, and how far it is from its expansion at 0.

On a GPU CuPy does what NumPy does, each operation a launch. For networks as small as these, launches are what a layer
should cost there, whatever its precision. What becomes of the gradient is the same to within rounding, and checked by
the same rules.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..bench import Bench, Work
from ..quantity import format_seconds
from ..simd import compiled
from . import _chain, _network
from ._chain import activate
from ._gpu import cublas, fetched, sent, where
from ._halves import bits, narrow, wide, widen
from ._network import ACTIVATIONS

LAYERS = 100
WIDTH = 128
NAMES = {"f2": "float16", "bf16": "bfloat16", "f4": "float32", "f8": "float64"}
POWERS = ((1.5, "orthogonal-1.5", "4 × 10¹⁷"), (0.8, "orthogonal-0.8", "2 × 10⁻¹⁰"))

# --- gradients --------------------------------------------------------------------------------------------------------

MAPPED = ("normal-0.01", "xavier-normal", "he")
GRID = (*_network.INITS[:4], POWERS[0][1])  # initialisations of the map
KEPT = (1, 2, 5, *range(10, 31, 5), *range(40, LAYERS + 1, 10))  # depths of the norms that the map keeps: 7 KB
MAPPER = (np.dtype("f4"), POWERS[0][1], "identity", "plain")  # the case whose compiled record keeps the map

gradients = Bench(
    "stability.gradients",
    question="Through how many layers does a gradient survive in each precision, and what does a layer cost?",
    axes={
        "activation": ("identity",),
        "init": ("orthogonal-1.5",),
        "dtype": ("f2", "bf16", "f4", "f8"),
        "remedy": ("plain",),
    },
    baseline="numpy",
    version=3,
    core=False,
    limit="load",
    quick={"dtype": ("f2", "f4")},
    # What becomes of the gradient is the same in either variant, so all but the axes' values is done by the faster one.
    full={"variant": ("numba",), "activation": tuple(ACTIVATIONS), "init": _network.INITS, "remedy": _chain.REMEDIES},
    sweeps=(
        {"activation": ("identity",), "init": ("orthogonal-1.5",), "remedy": ("plain",)},
        {"variant": "numba", "init": ("orthogonal-0.8",), "dtype": ("f2", "f4", "f8")},
        {"variant": "numba", "activation": tuple(ACTIVATIONS), "init": MAPPED, "dtype": ("f2",)},
        {
            "variant": "numba",
            "activation": ("sigmoid", "tanh"),
            "init": ("xavier-normal",),
            "dtype": ("f4",),
        },
        # Each remedy where it is prescribed: clipping against what explodes, loss scaling against what vanishes.
        {"variant": "numba", "dtype": ("f2",), "remedy": ("residual", "normalised", "clipped")},
        {
            "variant": "numba",
            "init": ("orthogonal-0.8",),
            "dtype": ("f2",),
            "remedy": ("residual", "normalised", "loss-scaled"),
        },
        {
            "variant": "numba",
            "activation": ("sigmoid",),
            "init": ("xavier-normal",),
            "dtype": ("f2",),
            "remedy": ("residual", "normalised", "loss-scaled"),
        },
    ),
)


@gradients.inputs
def network(init: str, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Weights (100, 128, 128) in the type, and (2, 128) for input and gradient.

    From a seed of their own: every precision, activation and remedy is asked about the same network.
    """
    weights, x = seeded(init)
    return weights.astype(dtype), x


@functools.lru_cache(maxsize=3)  # the sweep goes through three initialisations for each activation
def seeded(init: str) -> tuple[np.ndarray, np.ndarray]:
    """The network before it is rounded."""
    rng = np.random.default_rng(157)
    x = rng.standard_normal((2, WIDTH))
    return np.stack([_network.draw(rng, init, WIDTH, WIDTH) for _ in range(LAYERS)]), x


@gradients.reference
def no_wrong_number() -> np.ndarray:
    """In no layer is a number that is not the exact result of the step before it to within rounding."""
    return np.zeros(LAYERS, np.int64)


@gradients.counts
def counts(dtype: np.dtype) -> dict[str, float]:
    """Each weight is read on the way up and on the way down, and multiplied and added once each time."""
    weights = LAYERS * WIDTH**2
    return {"bytes": 2 * weights * dtype.itemsize, "flops": 4 * weights}


@gradients.memory
def memory(dtype: np.dtype) -> int:
    """The weights; all else is a hundredth of them."""
    return LAYERS * WIDTH**2 * dtype.itemsize


@functools.cache
def range_of(dtype: np.dtype) -> _network.Format:
    """The type's range as its arithmetic shows it here."""
    return _network.measured_format(dtype)


@functools.lru_cache(maxsize=16)
def range_on(device: Any, dtype: np.dtype) -> _network.Format:
    """The same of a GPU's arithmetic, as CuPy has it compiled."""
    return _network.measured_format(dtype, device.xp)


def pass_through(
    network: tuple[np.ndarray, np.ndarray], activation: str, remedy: str, make: Callable[[Any], Callable[[], None]]
) -> Work:
    """The work of one way up and down, with what became of the gradient as facts."""
    weights, x = network
    chain = _chain.prepare(weights, x, activation, remedy)
    call = make(chain)
    call()
    found = range_of(weights.dtype)
    return Work(
        call=call,
        output=lambda: _chain.violations(chain),
        facts=_chain.outcome(chain, make) | {"smallest_normal": found.tiny, "largest": found.top},
    )


@functools.cache
def grid() -> dict[str, Any]:
    """What becomes of a gradient in every activation, initialisation and type, plain: nobody need time it to know.

    For each type a list with an entry for each of `networks`, pairs of activation and initialisation: `log10_norms`
    after `depths` layers of 100, to what a colour shows; `overflow` and `safe_depth` as in `outcome`. A type that is
    not to be had here is in `lacking`, with the reason.
    """
    types = {name: _network.type_of(name) for name in NAMES}
    told: dict[str, dict[str, list[Any]]] = {
        name: {"log10_norms": [], "overflow": [], "safe_depth": []} for name, dtype in types.items() if dtype
    }
    for init in GRID:
        for name, rows in told.items():
            weights, x = network(init, types[name])
            for activation in ACTIVATIONS:
                chain = _chain.prepare(weights, x, activation, "plain")
                _chain.in_numba(chain)()
                found = _chain.outcome(chain, _chain.in_numba)
                norms = [_coarse(found["log10_norms"][depth]) for depth in KEPT]
                for key, values in (found | {"log10_norms": norms}).items():
                    rows.get(key, []).append(values)
    return {
        "networks": [[activation, init] for init in GRID for activation in ACTIVATIONS],
        "depths": list(KEPT),
        "lacking": {name: _network.NO_BFLOAT16 for name in NAMES if name not in told},
        **told,
    }


def _coarse(norm: float | None) -> float | None:
    """A decimal place near 1, none far from it."""
    return norm if norm is None else round(norm, 1) if abs(norm) < 10 else round(norm)


@gradients.variant("numpy")
def gradients_numpy(device: Any, weights: np.ndarray, x: np.ndarray, activation: str, remedy: str) -> Work:
    """NumPy in the type itself, layer by layer: BLAS, on one thread, where there is one for it."""
    one = pass_through((weights, x), activation, remedy, _chain.in_numpy)
    work: Work = device.blas(one.call, 1, output=one.output, facts=one.facts)
    return work


@gradients.variant("numba")
def gradients_numba(weights: np.ndarray, x: np.ndarray, init: str, activation: str, remedy: str) -> Work:
    """One compiled loop that reads narrow weights, widens them in registers and sums in float32 or float64."""
    work = pass_through((weights, x), activation, remedy, _chain.in_numba)
    if (weights.dtype, init, activation, remedy) == MAPPER:
        return replace(work, facts={**work.facts, "map": grid()})
    return work


@gradients.variant("cupy", on="gpu", inputs="host")
def gradients_cupy(device: Any, weights: np.ndarray, x: np.ndarray, activation: str, remedy: str) -> Work:
    """CuPy on the GPU, layer by layer as NumPy does it, each operation a launch; one wait at the end of a sample."""
    cublas(device)
    chain = _chain.prepare(weights, x, activation, remedy).moved(functools.partial(sent, device))
    make = functools.partial(_chain.in_numpy, xp=device.xp)
    call = make(chain)
    call()
    here = functools.partial(chain.moved, functools.partial(fetched, device))
    form_of = functools.partial(range_on, device)
    found = form_of(weights.dtype)
    made: Work = device.host_timed(
        call,
        output=lambda: _chain.violations(here(), form_of),
        sync="end",
        facts=_chain.outcome(chain, make, functools.partial(fetched, device))
        | {"smallest_normal": found.tiny, "largest": found.top}
        | where(device, weights.nbytes, transfers=False),
    )
    return made


@gradients.finding
def tell_gradients(read: Any) -> Iterator[str]:
    """The lecture's two powers, float16's range, its safe depth against its speed, and what each remedy does."""
    yield from _tell_powers(read)
    yield from _tell_half(read)
    yield from _tell_remedies(read)
    yield from _tell_map(read)
    yield from _tell_gpu(read)


def _find(read: Any, dtype: str, init: str, activation: str = "identity", remedy: str = "plain") -> Any:
    """The record of a chain on the CPU, compiled if it was measured so."""
    asked = {"dtype": dtype, "init": init, "activation": activation, "remedy": remedy}
    return read.find("numba", **asked) or read.find("numpy", **asked)


def _tell_gpu(read: Any) -> Iterator[str]:
    """What a layer costs on the GPU in each type, beside the CPU's, and whether the same becomes of the gradient."""
    costs, compared, unlike = [], [], []
    for dtype, name in NAMES.items():
        asked = {"dtype": dtype, "init": POWERS[0][1], "activation": "identity", "remedy": "plain"}
        there, here = read.find("cupy", **asked), _find(read, dtype, POWERS[0][1])
        if there is None:
            continue
        beside = f" (the CPU's {here.variant} {_median(here) / LAYERS * 1e6:.3g})" if here is not None else ""
        costs.append(f"{_median(there) / LAYERS * 1e6:.3g} in {name}{beside}")
        if here is not None:
            compared.append(name)
            if there.facts["safe_depth"] != here.facts["safe_depth"]:
                unlike.append(f"{name} is safe for {depth(there)} layers on the GPU, for {depth(here)} on the CPU")
    if costs:
        yield f"On the GPU a layer of {WIDTH} units takes CuPy, in µs: {', '.join(costs)}."
    if unlike:
        yield f"Safe depths differ: {'; '.join(unlike)}."
    elif compared:
        yield f"In {', '.join(compared)} a network is safe for as many layers on the GPU as on the CPU."


def _tell_powers(read: Any) -> Iterator[str]:
    for factor, init, lecture in POWERS:
        found = next(filter(None, (_find(read, dtype, init) for dtype in ("f8", "f4"))), None)
        if found is None or found.facts["log10_norms"][-1] is None:
            continue
        last = found.facts["log10_norms"][-1]
        yield (
            f"{found.facts['layers']} layers that each stretch a gradient by {factor} take its norm from 1 to "
            f"{power(last)} in {NAMES[found.params['dtype']]} (by arithmetic {factor}¹⁰⁰ = "
            f"{power(LAYERS * math.log10(factor))}; lecture: {lecture})."
        )


def _tell_half(read: Any) -> Iterator[str]:
    for _, init, _ in POWERS:
        half, single = _find(read, "f2", init), _find(read, "f4", init)
        if half is None or single is None:
            continue
        if init == POWERS[0][1]:
            yield (
                f"float16 holds normal numbers from {half.facts['smallest_normal']:.1e} to {half.facts['largest']:.0f} "
                "(lecture: 6e-5 to 6e4)."
            )
        seconds = {name: _median(record) / LAYERS * 1e6 for name, record in (("f2", half), ("f4", single))}
        yield (
            f"With {init.replace('-', ' layers × ')} float16 is safe for {half.facts['safe_depth']} layers at "
            f"{seconds['f2']:.3g} µs each, float32 for {depth(single)} at {seconds['f4']:.3g} µs: half the bytes are "
            f"{seconds['f4'] / seconds['f2']:.2g}× the speed."
        )


def _tell_remedies(read: Any) -> Iterator[str]:
    for init, activation in (
        ("orthogonal-1.5", "identity"),
        ("orthogonal-0.8", "identity"),
        ("xavier-normal", "sigmoid"),
    ):
        plain = _find(read, "f2", init, activation)
        told = []
        for remedy in _chain.REMEDIES[1:]:
            found = _find(read, "f2", init, activation, remedy)
            if found is not None and plain is not None:
                told.append(f"{remedy} {depth(found)} ({_median(found) / _median(plain):.2f}× the time)")
        if told:
            yield (f"In float16, {activation} with {init}: safe for {depth(plain)} layers as it is, {', '.join(told)}.")


def _tell_map(read: Any) -> Iterator[str]:
    """How many networks each type carries through all layers."""
    found = read.find("numba", dtype="f4", init=MAPPER[1], activation="identity", remedy="plain")
    told = found.facts.get("map") if found else None
    if not told:
        return
    kept = {NAMES[name]: sum(safe >= LAYERS for safe in told[name]["safe_depth"]) for name in NAMES if name in told}
    yield (
        f"Of {len(told['networks'])} pairs of activation and initialisation so many are safe for all {LAYERS} layers: "
        f"{', '.join(f'{count} in {name}' for name, count in kept.items())}."
    )


def depth(record: Any) -> str:
    """`24`, or `all 100` where nothing was lost."""
    safe, layers = record.facts["safe_depth"], record.facts["layers"]
    return f"all {layers}" if safe >= layers else str(safe)


def power(log10: float) -> str:
    """`4.07 × 10¹⁷` from a decimal logarithm."""
    exponent = math.floor(log10)
    raised = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{10 ** (log10 - exponent):.2f} × 10{raised}"


def _median(record: Any) -> float:
    return float(np.median(record.samples))


# --- initialisation ---------------------------------------------------------------------------------------------------

DEPTH = 20
BATCH = 32
SHAPES = {"square": (128, 128), "alternating": (64, 192)}  # widths of even and odd layers, the mean the same

initialization = Bench(
    "stability.initialization",
    question="Which initialisation keeps the variance of outputs and gradients from layer to layer?",
    axes={
        "init": ("xavier-normal",),
        "activation": ("identity",),
        "shape": ("square",),
        "dtype": ("f4",),
    },
    baseline="numpy",
    version=2,
    core=False,
    full={
        "init": ("normal-0.01", "xavier-normal", "xavier-uniform", "he"),
        "activation": tuple(ACTIVATIONS),
        "shape": tuple(SHAPES),
        "dtype": ("f4", "f8"),
    },
    sweeps=(
        {"variant": "numpy", "init": ("normal-0.01", "xavier-uniform", "he")},
        {"variant": "numpy", "shape": ("alternating",), "init": ("xavier-normal", "he")},
        {"variant": "numpy", "activation": ("relu",), "init": ("xavier-normal", "he")},
        {"variant": "numpy", "activation": ("tanh", "sigmoid", "4sigmoid-2"), "init": ("xavier-normal",)},
    ),
)


def widths_of(shape: str) -> list[int]:
    """Units of each layer, the input's first."""
    even, odd = SHAPES[shape]
    return [odd if t % 2 else even for t in range(DEPTH + 1)]


@initialization.inputs
def drawn(init: str, shape: str, dtype: np.dtype) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """The weights of each layer, a batch of inputs, and one of gradients, both of variance 1.

    From a seed of their own, so that every activation is asked about the same network.
    """
    rng = np.random.default_rng(2010)
    widths = widths_of(shape)
    weights = [
        np.ascontiguousarray(_network.draw(rng, init, n_in, n_out), dtype) for n_in, n_out in itertools.pairwise(widths)
    ]
    x, g = (rng.standard_normal((n, BATCH)).astype(dtype) for n in (widths[0], widths[-1]))
    return weights, x, g


def variances(weights: list[np.ndarray], x: np.ndarray, g: np.ndarray, activation: str, xp: Any = np) -> np.ndarray:
    """Mean squares of h and of the gradient by layer, from input to loss: (2, d + 1) float64.

    Arrays are those of `xp`, NumPy or CuPy, and so is what is found.
    """
    sigma = ACTIVATIONS[activation]
    d = len(weights)
    found: np.ndarray = xp.empty((2, d + 1))
    found[0, 0] = _mean_square(x, xp)
    slopes = []
    h = x
    for t, w in enumerate(weights):
        z = w @ h
        h = sigma.value(z)
        slopes.append(sigma.slope(z, h))
        found[0, t + 1] = _mean_square(h, xp)
    found[1, d] = _mean_square(g, xp)
    for t in range(d - 1, -1, -1):
        g = weights[t].T @ (g * slopes[t])
        found[1, t] = _mean_square(g, xp)
    return found


def _mean_square(a: np.ndarray, xp: Any = np) -> Any:
    return xp.vdot(a, a) / a.size


@initialization.reference
def exact_variances(weights: list[np.ndarray], x: np.ndarray, g: np.ndarray, activation: str) -> np.ndarray:
    """The same in float64."""
    return variances([w.astype(np.float64) for w in weights], x.astype(np.float64), g.astype(np.float64), activation)


@initialization.counts
def products(shape: str) -> dict[str, float]:
    """A multiply and an add for each weight and example, up and down."""
    widths = widths_of(shape)
    return {"flops": 4 * BATCH * sum(n_in * n_out for n_in, n_out in itertools.pairwise(widths))}


@initialization.memory
def weight_bytes(shape: str, dtype: np.dtype) -> int:
    """Weights and slopes."""
    widths = widths_of(shape)
    return dtype.itemsize * sum(n_in * n_out + n_out * BATCH for n_in, n_out in itertools.pairwise(widths))


def variance_facts(
    weights: list[np.ndarray], found: np.ndarray, init: str, activation: str, shape: str
) -> dict[str, Any]:
    """What was found and what theory expects; both lists run from the input to the loss."""
    widths = widths_of(shape)
    forward, backward = _network.expected(init, activation, widths)
    return {
        "forward": [_short(v) for v in found[0]],
        "backward": [_short(v) for v in found[1]],
        "expected_forward": [_short(v) for v in forward],
        "expected_backward": [_short(v * found[1, -1]) for v in backward],
        "weight_variance": float(np.mean([w.var(dtype=np.float64) for w in weights])),
        "gamma": float(np.mean([_network.gamma(init, n_in, n_out) for n_in, n_out in itertools.pairwise(widths)])),
        "largest_weight": float(max(np.abs(w).max() for w in weights)),
    }


def _short(value: float) -> float:
    return float(f"{value:.4g}")


@initialization.variant("numpy")
def variance_numpy(
    device: Any, weights: list[np.ndarray], x: np.ndarray, g: np.ndarray, init: str, activation: str, shape: str
) -> Work:
    """Matrix products by NumPy's BLAS on one thread, a batch of 32 at once."""
    found = [variances(weights, x, g, activation)]

    def call() -> None:
        found[0] = variances(weights, x, g, activation)

    facts = variance_facts(weights, found[0], init, activation, shape)
    work: Work = device.blas(call, 1, output=lambda: found[0], facts=facts)
    return work


@compiled(fastmath={"reassoc", "contract"})
def up(w: Any, h: Any, z: Any, after: Any, slope: Any, code: int, one: Any) -> Any:
    """One layer forward for a batch: z = w h (n_out, batch), σ(z), σ'(z); the mean square of σ(z)."""
    n_out, n_in = w.shape
    batch = h.shape[1]
    total = 0.0
    for i in range(n_out):
        for b in range(batch):
            z[i, b] = one - one
        for j in range(n_in):
            for b in range(batch):
                z[i, b] += w[i, j] * h[j, b]
        for b in range(batch):
            after[i, b], slope[i, b] = activate(code, z[i, b], one)
            total += after[i, b] * after[i, b]
    return total / (n_out * batch)


@compiled(fastmath={"reassoc", "contract"})
def down(w: Any, g: Any, slope: Any, after: Any, row: Any) -> Any:
    """One layer backward for a batch: wᵀ (g ∘ slope) (n_in, batch); its mean square. `row` (batch) is scratch."""
    n_out, n_in = w.shape
    batch = g.shape[1]
    after[:] = 0
    for i in range(n_out):
        for b in range(batch):
            row[b] = g[i, b] * slope[i, b]
        for j in range(n_in):
            for b in range(batch):
                after[j, b] += w[i, j] * row[b]
    total = 0.0
    for j in range(n_in):
        for b in range(batch):
            total += after[j, b] * after[j, b]
    return total / (n_in * batch)


@initialization.variant("numba")
def variance_numba(
    weights: list[np.ndarray], x: np.ndarray, g: np.ndarray, init: str, activation: str, shape: str
) -> Work:
    """Compiled loops over the batch, activation and variance in the same pass."""
    d, dtype = len(weights), x.dtype
    code, one = ACTIVATIONS[activation].code, dtype.type(1)
    h = [x, *(np.empty((w.shape[0], BATCH), dtype) for w in weights)]
    z, slope = ([np.empty_like(a) for a in h[1:]] for _ in range(2))
    grad = [*(np.empty((w.shape[1], BATCH), dtype) for w in weights), g]
    row = np.empty(BATCH, dtype)
    found = np.empty((2, d + 1))
    found[0, 0], found[1, d] = _mean_square(x), _mean_square(g)

    def call() -> np.ndarray:
        for t in range(d):
            found[0, t + 1] = up(weights[t], h[t], z[t], h[t + 1], slope[t], code, one)
        for t in range(d - 1, -1, -1):
            found[1, t] = down(weights[t], grad[t + 1], slope[t], grad[t], row)
        return found

    return Work(call=call, facts=variance_facts(weights, call(), init, activation, shape))


@initialization.variant("cupy", on="gpu", inputs="host")
def variance_cupy(
    device: Any, weights: list[np.ndarray], x: np.ndarray, g: np.ndarray, init: str, activation: str, shape: str
) -> Work:
    """CuPy on the GPU, as NumPy does it, products by cuBLAS; one wait at the end of a sample."""
    cublas(device)
    there, x_there, g_there = [sent(device, w) for w in weights], sent(device, x), sent(device, g)
    found: list[Any] = [None]

    def call() -> None:
        found[0] = variances(there, x_there, g_there, activation, device.xp)

    call()
    made: Work = device.host_timed(
        call,
        output=lambda: fetched(device, found[0]),
        sync="end",
        facts=variance_facts(weights, fetched(device, found[0]), init, activation, shape) | {"transfers": False},
    )
    return made


def _variances_of(read: Any, **asked: str) -> Any:
    """The record of a network by NumPy, or by CuPy where that alone was measured."""
    return read.find("numpy", **asked) or read.find("cupy", **asked)


@initialization.finding
def tell_variances(read: Any) -> Iterator[str]:
    """Xavier's variance, what 20 layers do to outputs and gradients, and what unlike widths do to Xavier and He."""
    for init in ("xavier-normal", "xavier-uniform"):
        found = _variances_of(read, init=init, shape="square", activation="identity")
        if found is not None:
            facts = found.facts
            yield (
                f"{init}: the weights' variance is {facts['weight_variance']:.5f}, where 2/(n_in + n_out) is "
                f"{facts['gamma']:.5f}; "
                f"the largest is {facts['largest_weight']:.3f}"
                + (
                    f" (√(6/(n_in + n_out)) = {math.sqrt(3 * facts['gamma']):.3f})."
                    if init == "xavier-uniform"
                    else "."
                )
            )
    kept = []
    for init in ("normal-0.01", "xavier-normal", "xavier-uniform", "he"):
        found = _variances_of(read, init=init, shape="square", activation="identity")
        if found is not None:
            f = found.facts
            kept.append(f"{init} {f['forward'][-1]:.2g} (closed form {f['expected_forward'][-1]:.2g})")
    if kept:
        yield f"{DEPTH} layers without activation take an output's variance from 1 to: {', '.join(kept)}."
    for init in ("xavier-normal", "he"):
        found = _variances_of(read, init=init, shape="alternating", activation="identity")
        if found is not None:
            f = found.facts
            yield (
                f"Where layers of 64 and 192 units take turns, {init} makes of a variance of 1 "
                f"{f['forward'][-1]:.2g} at the output "
                f"and {f['backward'][0]:.2g} at the first gradient (closed forms {f['expected_forward'][-1]:.2g}, "
                f"{f['expected_backward'][0]:.2g})."
            )
    ratio = read.ratio("cupy", "numpy", shape="square", activation="identity")
    if ratio is not None:
        yield (
            f"A batch of {BATCH} up and down takes CuPy on the GPU {ratio.value:.3g}× the time of NumPy "
            f"({ratio.low:.3g}–{ratio.high:.3g})."
        )


# --- activations ------------------------------------------------------------------------------------------------------

MANY = 1 << 24

activations = Bench(
    "stability.activations",
    question="What does an activation cost for each element, and how far is it from its expansion at 0?",
    axes={
        "activation": ("relu", "sigmoid", "tanh", "4sigmoid-2"),
        "dtype": ("f4",),
        "n": (4096,),
    },
    baseline="numpy",
    version=2,
    core=False,
    quick={"activation": ("sigmoid", "tanh")},
    full={"dtype": ("f2", "bf16", "f4", "f8")},
    sweeps=(
        {"variant": "numpy", "activation": ("sigmoid", "tanh"), "dtype": ("f8",)},
        # To a GPU 4096 elements are as good as one: what an element costs by itself shows in many.
        {"variant": "cupy", "activation": ("sigmoid", "tanh"), "n": (MANY,)},
    ),
)


@activations.inputs
def around_zero(rng: np.random.Generator, n: int, dtype: np.dtype) -> np.ndarray:
    """Numbers (n) from N(0, 4): near 0 and on both flat ends."""
    return (2 * rng.standard_normal(n)).astype(dtype)


@activations.reference
def none_wrong() -> np.ndarray:
    """No element is further from the exact value than the type's rounding explains."""
    return np.zeros(1, np.int64)


@activations.counts
def elements(n: int) -> dict[str, float]:
    """Time an element; what a transcendental function is in flops nobody agrees upon."""
    return {"items": n}


def wrong(activation: str, x: np.ndarray, y: np.ndarray, form: _network.Format | None = None) -> tuple[int, float]:
    """How many of y are wrong, and the largest error in steps of the type at 1 (ε).

    `form` is the type's range where y was computed, if that is not what the type states.

    Four roundings of numbers around 1 (a sigmoid is 1 / (1 + …)), around 4 in 4 s - 2; relative ones for tanh and relu.
    """
    sigma = ACTIVATIONS[activation]
    exact = sigma.value(x.astype(np.float64))
    form = form or _network.format_of(x.dtype)
    around = {"sigmoid": 1.0, "4sigmoid-2": 4.0}.get(activation, 0.0)
    error = np.abs(y.astype(np.float64) - exact)
    # NaN is wrong, too
    count = int((~(error <= 4 * form.eps * (around + np.abs(exact)) + form.least)).sum())
    return count, float(f"{np.nanmax(error) / form.eps:.3g}")


def applied(activation: str, x: np.ndarray, y: np.ndarray, function: Callable[[np.ndarray, np.ndarray], Any]) -> Work:
    """The work of `function(x, y)`, which fills y; what it computes near 0 becomes facts."""

    def near_zero(points: np.ndarray) -> np.ndarray:
        out = np.empty_like(points)
        function(points, out)
        return out

    function(x, y)
    return Work(
        call=lambda: function(x, y),
        output=lambda: np.array([wrong(activation, x, y)[0]]),
        facts=expansion(activation, x.dtype, near_zero) | {"largest_error_eps": wrong(activation, x, y)[1]},
    )


def expansion(activation: str, dtype: np.dtype, near_zero: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    """What a function, which takes host arrays and gives them, computes near 0, beside Taylor's expansion."""
    sigma = ACTIVATIONS[activation]
    steps = np.array([0.125, 0.25, 0.5, 1.0]).astype(dtype)  # exact in every type
    values = near_zero(steps).astype(np.float64)
    return {
        "taylor": [float(f"{c:.8f}") for c in _network.taylor_of(near_zero, dtype, activation == "relu")],
        "taylor_expected": list(sigma.taylor),
        "taylor_tolerance": _network.taylor_tolerance(activation, dtype),
        "steps": [float(step) for step in steps],
        "cubic_errors": [
            float(f"{abs(value - _network.cubic(sigma.taylor, float(step))):.3g}")
            for step, value in zip(steps, values, strict=True)
        ],
    }


@activations.variant("numpy")
def activation_numpy(x: np.ndarray, activation: str) -> Work:
    """The formula in NumPy, a temporary for each operation."""
    value = ACTIVATIONS[activation].value

    def function(points: np.ndarray, out: np.ndarray) -> None:
        out[:] = value(points)

    return applied(activation, x, np.empty_like(x), function)


def no_expit(activation: str, dtype: np.dtype) -> str:
    """What SciPy lacks."""
    if activation not in ("sigmoid", "4sigmoid-2"):
        return f"SciPy has no {activation} of its own"
    return "" if dtype.kind == "f" else f"SciPy's expit does not take {dtype.name}"


@activations.variant("scipy", needs=no_expit)
def activation_scipy(x: np.ndarray, activation: str) -> Work:
    """scipy.special.expit, which computes a sigmoid in one pass."""
    from scipy.special import expit

    four, two = x.dtype.type(4), x.dtype.type(2)

    def stretched(points: np.ndarray, out: np.ndarray) -> None:
        expit(points, out=out)
        np.multiply(out, four, out=out)
        np.subtract(out, two, out=out)

    function = stretched if activation == "4sigmoid-2" else lambda points, out: expit(points, out=out)
    return applied(activation, x, np.empty_like(x), function)


@compiled
def each(x: Any, y: Any, code: int, one: Any) -> None:
    """Fill y with σ(x), element by element; `one` is 1 in the type that is computed in."""
    for i in range(len(x)):
        y[i] = narrow(activate(code, widen(x[i]), one)[0], y[i])


@activations.variant("numba")
def activation_numba(x: np.ndarray, activation: str) -> Work:
    """A compiled loop with the C library's exp and tanh, in float32 for narrower types."""
    code, one = ACTIVATIONS[activation].code, wide(x.dtype).type(1)
    return applied(activation, x, np.empty_like(x), lambda points, out: each(bits(points), bits(out), code, one))


@activations.variant("cupy", on="gpu", inputs="host")
def activation_cupy(device: Any, x: np.ndarray, activation: str) -> Work:
    """The formula in CuPy on the GPU, a launch for each operation; one wait at the end of a sample."""
    value, points = ACTIVATIONS[activation].value, sent(device, x)
    y = device.xp.empty_like(points)

    def call() -> None:
        y[...] = value(points)

    def checked() -> tuple[int, float]:
        return wrong(activation, x, fetched(device, y), range_on(device, x.dtype))

    call()
    made: Work = device.host_timed(
        call,
        output=lambda: np.array([checked()[0]]),
        sync="end",
        facts=expansion(activation, x.dtype, lambda host: fetched(device, value(sent(device, host))))
        | {"largest_error_eps": checked()[1], "transfers": False},
    )
    return made


@activations.finding
def tell_activations(read: Any) -> Iterator[str]:
    """Cost by implementation, and the expansions."""
    for activation in ACTIVATIONS:
        found = read.find("numpy", activation=activation, dtype="f4")
        if found is None:
            continue
        asked = {"activation": activation, "dtype": "f4", "n": found.params["n"]}
        costs = {name: read.each("items", name, **asked) for name in ("numpy", "scipy", "numba", "cupy")}
        told = [f"{name} {format_seconds(cost.value)}" for name, cost in costs.items() if cost is not None]
        many = read.each("items", "cupy", **(asked | {"n": MANY}))
        if many is not None:
            told.append(f"cupy on 2²⁴ of them {format_seconds(many.value)}")
        series = " + ".join(f"{c:.5f} x{'⁰¹²³'[k]}" for k, c in enumerate(found.facts["taylor"]) if abs(c) > 1e-4)
        yield (
            f"{activation} costs {', '.join(told)} an element in float32; near 0 it is "
            f"{series.replace(' x⁰', '').replace('x¹', 'x').replace('+ -', '- ')} "
            f"to {np.max(found.facts['taylor_tolerance']):g}, and off its expansion to x³ by "
            f"{found.facts['cubic_errors'][1]:.1g} at x = 1/4 and by "
            f"{found.facts['cubic_errors'][3]:.1g} at x = 1."
        )
