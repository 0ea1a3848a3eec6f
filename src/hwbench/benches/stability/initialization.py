"""Initialisations: the variance of outputs and gradients, layer by layer, beside its closed form."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from types import ModuleType

import numpy as np

from ...bench import Bench, Work
from ...kernels.compiling import compiled
from ...protocols import Array, Cpu, EitherArray, Gpu, Results, Values
from ...record import phrases, text
from ...record.model import Answer, Record
from .._gpu import cublas, fetched, sent
from . import _networks
from ._networks import ACTIVATIONS, activate

DEPTH = 20
BATCH = 32
NAMES = {
    "normal-0.01": "normal-0.01", "he": "He", "xavier-normal": "Xavier (normal)",
    "xavier-uniform": "Xavier (uniform)",
}  # fmt: skip
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
    measures="initialization",
    answers=(
        Answer("forward", "variance after the last layer, inputs 1", at=-1),
        Answer("backward", "gradient variance at the first layer, at the loss 1", at=0),
    ),
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
def drawn(init: str, shape: str, dtype: np.dtype) -> tuple[list[Array], Array, Array]:
    """The weights of each layer, a batch of inputs, and one of gradients, both of variance 1.

    From a fixed seed, so that every activation gets the same network.
    """
    rng = np.random.default_rng(2010)
    widths = widths_of(shape)
    weights = [
        np.ascontiguousarray(_networks.draw(rng, init, n_in, n_out), dtype)
        for n_in, n_out in itertools.pairwise(widths)
    ]
    x, g = (rng.standard_normal((n, BATCH)).astype(dtype) for n in (widths[0], widths[-1]))
    return weights, x, g


def variances(
    weights: Sequence[EitherArray], x: EitherArray, g: EitherArray, activation: str, xp: ModuleType = np
) -> EitherArray:
    """Mean squares of h and of the gradient by layer, from input to loss: (2, d + 1) float64.

    Arrays and the result are of `xp`, NumPy or CuPy.
    """
    sigma = ACTIVATIONS[activation]
    d = len(weights)
    found: Array = xp.empty((2, d + 1))
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


def _mean_square(a: EitherArray, xp: ModuleType = np) -> EitherArray:
    return xp.vdot(a, a) / a.size


@initialization.reference
def exact_variances(weights: list[Array], x: Array, g: Array, activation: str) -> Array:
    """The variances in float64."""
    return variances([w.astype(np.float64) for w in weights], x.astype(np.float64), g.astype(np.float64), activation)


@initialization.counts
def products(shape: str) -> dict[str, float]:
    """A multiply-add for each weight and example, forward and backward."""
    widths = widths_of(shape)
    return {"flops": 4 * BATCH * sum(n_in * n_out for n_in, n_out in itertools.pairwise(widths))}


@initialization.memory
def weight_bytes(shape: str, dtype: np.dtype) -> int:
    """Weights and slopes."""
    widths = widths_of(shape)
    return dtype.itemsize * sum(n_in * n_out + n_out * BATCH for n_in, n_out in itertools.pairwise(widths))


def variance_facts(weights: list[Array], found: Array, init: str, activation: str, shape: str) -> Values:
    """Facts: measured and expected variances, each list from the input to the loss; and the weights' own."""
    widths = widths_of(shape)
    forward, backward = _networks.expected(init, activation, widths)
    return {
        "forward": [_short(v) for v in found[0]],
        "backward": [_short(v) for v in found[1]],
        "expected_forward": [_short(v) for v in forward],
        "expected_backward": [_short(v * found[1, -1]) for v in backward],
        "weight_variance": float(np.mean([w.var(dtype=np.float64) for w in weights])),
        "gamma": float(np.mean([_networks.gamma(init, n_in, n_out) for n_in, n_out in itertools.pairwise(widths)])),
        "largest_weight": float(max(np.abs(w).max() for w in weights)),
    }


def _short(value: float) -> float:
    return float(f"{value:.4g}")


@initialization.variant("numpy")
def variance_numpy(
    device: Cpu, weights: list[Array], x: Array, g: Array, init: str, activation: str, shape: str
) -> Work:
    """Matrix products by NumPy's BLAS on one thread, a batch of 32 at once."""
    found = [variances(weights, x, g, activation)]

    def call() -> None:
        found[0] = variances(weights, x, g, activation)

    facts = variance_facts(weights, found[0], init, activation, shape)
    work: Work = device.blas(call, 1, output=lambda: found[0], facts=facts)
    return work


@compiled(fastmath={"reassoc", "contract"})
def up(w: Array, h: Array, z: Array, after: Array, slope: Array, code: int, one: float) -> float:
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
def down(w: Array, g: Array, slope: Array, after: Array, row: Array) -> float:
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
def variance_numba(weights: list[Array], x: Array, g: Array, init: str, activation: str, shape: str) -> Work:
    """Compiled loops over the batch, activation and variance in the same pass."""
    d, dtype = len(weights), x.dtype
    code, one = ACTIVATIONS[activation].code, dtype.type(1)
    h = [x, *(np.empty((w.shape[0], BATCH), dtype) for w in weights)]
    z, slope = ([np.empty_like(a) for a in h[1:]] for _ in range(2))
    grad = [*(np.empty((w.shape[1], BATCH), dtype) for w in weights), g]
    row = np.empty(BATCH, dtype)
    found = np.empty((2, d + 1))
    found[0, 0], found[1, d] = _mean_square(x), _mean_square(g)

    def call() -> Array:
        for t in range(d):
            found[0, t + 1] = up(weights[t], h[t], z[t], h[t + 1], slope[t], code, one)
        for t in range(d - 1, -1, -1):
            found[1, t] = down(weights[t], grad[t + 1], slope[t], grad[t], row)
        return found

    return Work(call=call, facts=variance_facts(weights, call(), init, activation, shape))


@initialization.variant("cupy", on="gpu", inputs="host")
def variance_cupy(
    device: Gpu, weights: list[Array], x: Array, g: Array, init: str, activation: str, shape: str
) -> Work:
    """CuPy on the GPU, as NumPy does it, products by cuBLAS; one wait at the end of a sample."""
    cublas(device)
    there, x_there, g_there = [sent(device, w) for w in weights], sent(device, x), sent(device, g)
    found: list[EitherArray] = [None]

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


def _variances_of(results: Results, **asked: str) -> Record | None:
    """The record of a network by NumPy, or by CuPy where that alone was measured."""
    return results.find("numpy", **asked) or results.find("cupy", **asked)


@initialization.finding
def tell_variances(results: Results) -> list[str]:
    """What 20 layers do to outputs and gradients, what unlike widths do, and the time of a batch on a GPU."""
    said = [_square(results), _alternating(results), _on_the_gpu(results)]
    return [sentence for sentence in said if sentence]


def _square(results: Results) -> str:
    told, pairs = [], []
    for init in ("normal-0.01", "he", "xavier-normal", "xavier-uniform"):
        found = _variances_of(results, init=init, shape="square", activation="identity")
        if found is not None:
            output, expected = (found.facts[name][-1] for name in ("forward", "expected_forward"))
            pairs.append((output, expected))
            told.append(f"{text.amount(output)} with {NAMES[init]}")
    layers = f"{DEPTH} layers of {SHAPES['square'][0]} units without activation, from 1 at the input"
    return f"Output variance after {layers}: {phrases.listed(told)}{_agrees(pairs)}." if told else ""


def _alternating(results: Results) -> str:
    told, pairs = [], []
    for init in ("he", "xavier-normal"):
        found = _variances_of(results, init=init, shape="alternating", activation="identity")
        if found is not None:
            outputs, expected = (found.facts[name][-1] for name in ("forward", "expected_forward"))
            gradients, back = (found.facts[name][0] for name in ("backward", "expected_backward"))
            pairs += [(outputs, expected), (gradients, back)]
            told.append(f"{text.amount(outputs)} and {text.amount(gradients)} with {NAMES[init]}")
    layers = f"{DEPTH} layers alternating between {' and '.join(map(str, SHAPES['alternating']))} units"
    return f"Output and gradient variance of {layers}: {'; '.join(told)}{_agrees(pairs)}." if told else ""


def _agrees(pairs: Sequence[tuple[float, float]]) -> str:
    """How far measured variances are from their closed form at most."""
    return f"; theory agrees within {text.share(max(abs(found / expected - 1) for found, expected in pairs))}"


def _on_the_gpu(results: Results) -> str:
    there, here = (results.find(name, shape="square", activation="identity") for name in ("cupy", "numpy"))
    if there is None:
        return ""
    here = results.find("numpy", **there.params)
    if here is None:
        return ""
    ratio = phrases.against(results.versus(there, here), "NumPy")
    return f"CuPy on the GPU, a batch of {BATCH} forward and backward: {ratio}{phrases.mark(there, here)}."
