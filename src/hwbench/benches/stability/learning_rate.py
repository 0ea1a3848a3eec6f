"""Learning rates: between rates that stand still and rates that diverge lies the band that trains a deep network.

A network of 8 hidden layers of 32 units learns the house prices of Ames (34 numbers of each sale) for 100 steps in
batches of 64, by plain SGD, at 13 rates from 10⁻⁴ to 100 and from five initial networks. It learns where its loss
falls to half of that of predicting the mean, and diverges where the loss exceeds a hundred times that or is not finite;
else it stands still. Both edges of the band are then found by bisection to 7%, for each initial network.

With weights from N(0, 0.01²) the gradient vanishes on its way down, and no rate trains the network. Too large a rate
makes large weights, and these larger gradients. Clipping bounds the step; warm-up keeps it small while the weights are
still those of the start; loss scaling keeps gradients within float16.

One call is one training of 100 steps at a rate within the band; the map of rates is computed once for each case, not
timed, and kept for later runs. Most of a step is calls from Python to NumPy, so a method costs the operations that it
adds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from ...bench import Bench, Work
from ...protocols import Array, Cpu, Results, Values
from ...record import phrases, text
from ...record.model import Answer, Record, Scalar
from . import _bands, _training
from ._bands import RATES, STEPS, Band, Setting

DEPTH = 8
RATE = 0.01  # of the timed training where no rate learns
NAMES = {"f2": "float16", "f4": "float32", "f8": "float64"}
INITS = {"normal-0.01": "N(0, 0.01²)", "xavier-uniform": "Xavier", "he": "He"}

bench = Bench(
    "stability.learning_rate",
    question="Which learning rates train a deep network, and what widens the band?",
    axes={"depth": (DEPTH,), "init": ("xavier-uniform",), "activation": ("relu",), "dtype": ("f4",)},
    baseline="plain",
    measures="learning rates",
    answers=(Answer("decades", "width of the band of rates that learn", "decades", higher=True),),
    words={"depth": "hidden layers"},
    core=False,
    quick={"variant": ("plain", "clipped")},
    version=2,
    # Computing the map takes as long as all samples: depths and other activations are for the full set.
    sweeps=({"variant": "plain", "init": ("normal-0.01", "he")},),
    full={
        "depth": (2, 4, 8, 16, 32),
        "init": tuple(INITS),
        "activation": ("relu", "tanh", "sigmoid", "4sigmoid-2"),
        "dtype": ("f2", "f4", "f8"),
    },
)


@bench.inputs
def first_network(depth: int, init: str) -> tuple[list[Array], Array, Array]:
    """The weights of the first of the five networks, and the first batch; float64."""
    x, y = _bands.rows()
    weights = [w.astype(np.float64) for w in _training.drawn(init, x.shape[1], depth, 0)]
    return weights, x[: _training.BATCH], y[: _training.BATCH]


@bench.reference
def exact_gradient(weights: list[Array], x: Array, y: Array, activation: str, dtype: np.dtype, variant: str) -> Array:
    """The first step's gradient, example by example in float64, each step rounded to the type."""
    scale = _training.SCALE if variant == "loss-scaled" else 1.0
    x, y = (array.astype(dtype).astype(np.float64) for array in (x, y))
    return _training.gradient(weights, x, y, activation, dtype, scale)


@bench.counts
def counts(weights: list[Array]) -> dict[str, float]:
    """The products of all steps, forward and backward; no gradient is computed for the inputs."""
    each = [w.size for w in weights]
    return {"flops": 2 * STEPS * _training.BATCH * (3 * sum(each) - each[0]), "calls": STEPS}


@bench.memory
def memory(depth: int) -> int:
    """All networks of the map: for each its layers' outputs, slopes and errors of a batch, and the judged rows."""
    return len(RATES) * _bands.SEEDS * depth * _training.WIDTH * 8 * (4 * _training.BATCH + _bands.JUDGED)


def training(device: Cpu, setting: Setting) -> Work:
    """One training at a rate within the band. Its facts are the band, and the gradients of that training."""
    told: list[Values] = []
    data = _bands.data(setting.dtype)
    # The map is computed on one thread of BLAS, as the training is timed.
    device.blas(lambda: told.append(facts(setting, _bands.band(setting))), 1).call()
    stack = setting.stack([told[0]["rate"]], [0])

    def call() -> None:
        stack.reset()
        stack.train(data, STEPS)

    def first_gradient() -> Array:
        stack.reset()
        stack.backward(*data.batch(0))
        return np.concatenate([g.ravel().astype(np.float64) for g in stack.gradients]) / float(stack.scales[0])

    work: Work = device.blas(call, 1, output=first_gradient, facts=told[0])
    return work


def facts(setting: Setting, band: Band) -> Values:
    """What became of the networks at each rate, the band, and the gradients of one training within it.

    low, high
        Both edges, the geometric mean over the seeds that have them; None where no rate learns.
    spread
        The largest ratio of an edge between two seeds.
    decades
        log₁₀ of high / low, 0 without a band.
    rate
        That of the timed training, and of `bottom` and `top`: log₁₀ norms of the first and last layer's gradients.
    moved
        By layer, from the input, how far training moved the weights: ‖change‖ / ‖weights‖.
    """
    low, high = _mean(band.low), _mean(band.high)
    rate = RATE if low is None or high is None else math.sqrt(low * high)
    stack = setting.stack([rate], [0])
    data = _bands.data(setting.dtype)
    norms = []
    with np.errstate(all="ignore"):
        for step in range(STEPS):
            stack.backward(*data.batch(step))
            if step % 5 == 0:
                norms.append(stack.norms()[:, 0])
            stack.update(step, STEPS)
        moved = [
            float(np.linalg.norm(w.astype("f8") - s) / max(float(np.linalg.norm(s.astype("f8"))), 1e-300))
            for w, s in zip(stack.weights, stack.start, strict=True)
        ]
    return {
        "steps": STEPS, "width": _training.WIDTH, "seeds": _bands.SEEDS,
        "rates": list(RATES),
        "outcomes": [band.outcome(at) for at in range(len(RATES))],
        "loss": [_short(x) for x in np.median(band.loss, axis=1)],
        "lost_at": [_first(row) for row in band.lost],
        "lows": list(band.low), "highs": list(band.high),
        "low": low, "high": high,
        "spread": max(_spread(band.low), _spread(band.high)),
        "decades": 0.0 if low is None or high is None else round(math.log10(high / low), 3),
        "rate": float(f"{rate:.4g}"),
        "loss_after": _short(float(stack.loss(data)[0])),
        "bottom": [_logarithm(each[0]) for each in norms],
        "top": [_logarithm(each[-2]) for each in norms],
        "every": 5,
        "moved": [_short(x) for x in moved],
    }  # fmt: skip


def _mean(edges: Sequence[float | None]) -> float | None:
    """The geometric mean of the edges that were found."""
    found = [edge for edge in edges if edge is not None]
    return float(f"{math.exp(sum(map(math.log, found)) / len(found)):.4g}") if found else None


def _spread(edges: Sequence[float | None]) -> float:
    found = [edge for edge in edges if edge is not None]
    return round(max(found) / min(found), 3) if found else 1.0


def _first(steps: Array) -> int | None:
    """The median step at which networks of a rate diverged; None where none did."""
    lost = steps[steps >= 0]
    return int(np.median(lost)) if len(lost) else None


def _short(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _logarithm(norm: float) -> float | None:
    return round(math.log10(norm), 3) if math.isfinite(norm) and norm > 0 else None


def setting(method: str, depth: int, init: str, activation: str, dtype: np.dtype) -> Setting:
    """The setting of a case."""
    return Setting(depth, init, activation, dtype, method)


@bench.variant("plain")
def plain(device: Cpu, depth: int, init: str, activation: str, dtype: np.dtype) -> Work:
    """SGD at one rate from the first step to the last."""
    return training(device, setting("plain", depth, init, activation, dtype))


@bench.variant("clipped")
def clipped(device: Cpu, depth: int, init: str, activation: str, dtype: np.dtype) -> Work:
    """The gradient is shortened to norm 1 over all layers."""
    return training(device, setting("clipped", depth, init, activation, dtype))


@bench.variant("warm-up")
def warmed_up(device: Cpu, depth: int, init: str, activation: str, dtype: np.dtype) -> Work:
    """The rate rises to its value over the first 20 steps."""
    return training(device, setting("warm-up", depth, init, activation, dtype))


@bench.variant("decayed")
def decayed(device: Cpu, depth: int, init: str, activation: str, dtype: np.dtype) -> Work:
    """The rate falls to a hundredth over the 100 steps."""
    return training(device, setting("decayed", depth, init, activation, dtype))


@bench.variant("loss-scaled")
def loss_scaled(device: Cpu, depth: int, init: str, activation: str, dtype: np.dtype) -> Work:
    """The loss is multiplied by 1024; the scale halves after a gradient that is not finite."""
    return training(device, setting("loss-scaled", depth, init, activation, dtype))


def band_of(record: Record) -> str:
    """`0.033–0.41 (1.1 decades)`; `no rate`."""
    low, high = record.facts["low"], record.facts["high"]
    if low is None or high is None:
        return "no rate"
    return f"{text.amount(low)}–{text.amount(high)} ({text.amount(record.facts['decades'])} decades)"


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """The band by initialisation, what methods do to it in each type, and how far the bottom layers move."""
    place: dict[str, Scalar] = {"depth": DEPTH, "activation": "relu", "dtype": "f4"}
    by_init = [(name, results.find("plain", init=init, **place)) for init, name in INITS.items()]
    told = [f"{band_of(record)} with {name}" for name, record in by_init if record is not None]
    if told:
        spread = max(record.facts["spread"] for _, record in by_init if record is not None)
        yield (
            f"Learning rates that train {DEPTH} layers of {_training.WIDTH} units (float32): {'; '.join(told)}. "
            f"Between {_bands.SEEDS} initial networks an edge moves by up to {text.times(spread)}."
        )
    yield from _methods(results)
    record = results.find("plain", init="xavier-uniform", **place)
    if record is not None and record.facts["bottom"][0] is not None and record.facts["top"][0] is not None:
        apart = 10 ** (record.facts["top"][0] - record.facts["bottom"][0])
        moved = record.facts["moved"]
        yield (
            f"Xavier, first step: the last layer's gradient is {text.times(apart)} the first layer's; training moves "
            f"the last layer by {text.share(moved[-1])} of its norm and the second by {text.share(moved[1])}."
        )


def _methods(results: Results) -> Iterator[str]:
    """By how much each method moves the upper edge in each type, and what it costs."""
    for dtype, name in NAMES.items():
        place: dict[str, Scalar] = {"depth": DEPTH, "activation": "relu", "dtype": dtype, "init": "xavier-uniform"}
        base = results.find("plain", **place)
        if base is None or base.facts["high"] is None:
            continue
        told = []
        for method in _training.METHODS[1:]:
            record = results.find(method, **place)
            if record is None or record.facts["high"] is None:
                continue
            cost = phrases.compared(results.versus(record, base))
            edge = text.times(record.facts["high"] / base.facts["high"])
            told.append(phrases.Item(f"{method} {edge} ({band_of(record)}; a step is {cost})", (record, base)))
        if told:
            yield f"The largest rate that trains it in {name}, against plain SGD: {phrases.entries(told)}."
