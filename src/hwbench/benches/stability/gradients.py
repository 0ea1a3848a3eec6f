"""Gradients in a deep network: what precision, activation and initialisation do to them, and what each costs in time.

A gradient passes a deep network as a product of one Jacobian a layer. If each stretches it by 1.5, a hundred layers
make it 1.5¹⁰⁰ ≈ 4 × 10¹⁷; if each shrinks it to 0.8, 0.8¹⁰⁰ ≈ 2 × 10⁻¹⁰. float32 holds both. float16 holds normal
numbers from 6 × 10⁻⁵ to 65504, and loses either after some thirty layers; in return its weights are half the bytes. So
each case has two results: seconds, and among its facts how deep the network may be (`safe_depth`).

One input goes forward and the gradient of one loss backward through 100 layers of 128 units. A layer's weights, 32 KiB
in float16 and 128 KiB in float64, are read once each way, with one multiply-add for each: the bandwidth of L2 and L3
limits the compiled variant.

On a GPU CuPy does what NumPy does, each operation a launch. In networks as small as these a layer costs its launches,
whatever the precision. The gradient is the same to within rounding, and checked by the same rules.
"""

from __future__ import annotations

import functools
import math
from dataclasses import replace

import numpy as np

from ...bench import Bench, Work
from ...protocols import Array, Cpu, Gpu, Results, Values
from ...record import phrases, text
from ...record.model import Answer, Record
from .._gpu import cublas, fetched, sent, where
from . import _backprop, _batch_norm, _formats, _networks, _outcome, _rounding
from ._networks import ACTIVATIONS

LAYERS = 100
WIDTH = 128
NAMES = {"f2": "float16", "bf16": "bfloat16", "f4": "float32", "f8": "float64"}
POWERS = ((1.5, "orthogonal-1.5", "4 × 10¹⁷"), (0.8, "orthogonal-0.8", "2 × 10⁻¹⁰"))

GRID = (*_networks.INITS[:4], POWERS[0][1])  # initialisations of the map
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
    measures="gradients",
    answers=(Answer("safe_depth", "depth before outputs or gradients are lost", "layers", higher=True),),
    version=3,
    core=False,
    limit="load",
    quick={"dtype": ("f2", "f4")},
    # The gradient is the same in all variants, so the grid runs the fastest alone.
    full={
        "variant": ("numba",),
        "activation": tuple(ACTIVATIONS),
        "init": _networks.INITS,
        "remedy": _backprop.REMEDIES,
    },
    sweeps=(
        {"activation": ("identity",), "init": ("orthogonal-1.5",), "remedy": ("plain",)},
        {"variant": "numba", "init": ("orthogonal-0.8",), "dtype": ("f2", "f4", "f8")},
        # What becomes of all other networks is in the map, which one case computes.
        {
            "variant": "numba",
            "activation": ("sigmoid",),
            "init": ("xavier-normal",),
            "dtype": ("f2", "f4"),
        },
        # Each remedy where it is prescribed: clipping against what explodes, loss scaling against what vanishes.
        {"variant": "numba", "dtype": ("f2",), "remedy": ("residual", "gated", "normalised", "batch-norm", "clipped")},
        {
            "variant": "numba",
            "init": ("orthogonal-0.8",),
            "dtype": ("f2",),
            "remedy": ("residual", "gated", "normalised", "batch-norm", "loss-scaled"),
        },
        {
            "variant": "numba",
            "activation": ("sigmoid",),
            "init": ("xavier-normal",),
            "dtype": ("f2",),
            "remedy": ("residual", "gated", "normalised", "batch-norm", "loss-scaled"),
        },
    ),
)


@gradients.inputs
def network(init: str, dtype: np.dtype) -> tuple[Array, Array]:
    """Weights (100, 128, 128) in the type, and (2, 128) for input and gradient.

    From a fixed seed: every precision, activation and remedy gets the same network.
    """
    weights, x = seeded(init)
    return weights.astype(dtype), x


@functools.lru_cache(maxsize=3)  # a sweep takes three initialisations for each activation
def seeded(init: str) -> tuple[Array, Array]:
    """The network before it is rounded."""
    rng = np.random.default_rng(157)
    x = rng.standard_normal((2, WIDTH))
    return np.stack([_networks.draw(rng, init, WIDTH, WIDTH) for _ in range(LAYERS)]), x


@gradients.reference
def no_wrong_number() -> Array:
    """No layer has a number that is off the exact result of its step by more than rounding."""
    return np.zeros(LAYERS, np.int64)


@gradients.counts
def counts(dtype: np.dtype, remedy: str) -> dict[str, float]:
    """Each weight is read forward and backward, with one multiply-add each time for each example of the batch."""
    weights = LAYERS * WIDTH**2
    return {"bytes": 2 * weights * dtype.itemsize, "flops": 4 * weights * examples(remedy)}


def examples(remedy: str) -> int:
    """How many examples go through the network together."""
    return _batch_norm.BATCH if remedy == "batch-norm" else 1


@gradients.memory
def memory(dtype: np.dtype, remedy: str) -> int:
    """The weights; all other arrays are a hundredth of them for each example."""
    return LAYERS * WIDTH * (WIDTH + 4 * examples(remedy)) * dtype.itemsize


def pass_through(network: tuple[Array, Array], activation: str, remedy: str, make: _backprop.Make) -> Work:
    """The work of one pass forward and backward; its facts say what became of the gradient."""
    weights, x = network
    chain = _backprop.prepare(weights, x, activation, remedy)
    call = make(chain)
    call()
    found = _formats.range_of(weights.dtype)
    return Work(
        call=call,
        output=lambda: _rounding.violations(chain),
        facts=_outcome.outcome(chain, make) | {"smallest_normal": found.tiny, "largest": found.top},
    )


@functools.cache
def grid() -> Values:
    """The gradient in every activation, initialisation and type, without remedies: computed once, not timed.

    For each type a list with an entry for each of `networks`, pairs of activation and initialisation: `log10_norms`
    after `depths` layers of 100, as fine as a colour shows; `overflow` and `safe_depth` as in `outcome`. `lacking` has
    the types that cannot be computed here, with the reason.
    """
    types: Values = {name: _formats.type_of(name) for name in NAMES}
    told: dict[str, Values] = {
        name: {"log10_norms": [], "overflow": [], "safe_depth": []} for name, dtype in types.items() if dtype
    }
    for init in GRID:
        for name, rows in told.items():
            weights, x = network(init, types[name])
            for activation in ACTIVATIONS:
                chain = _backprop.prepare(weights, x, activation, "plain")
                _backprop.in_numba(chain)()
                found = _outcome.outcome(chain, _backprop.in_numba)
                norms = [_coarse(found["log10_norms"][depth]) for depth in KEPT]
                for key, values in (found | {"log10_norms": norms}).items():
                    rows.get(key, []).append(values)
    return {
        "networks": [[activation, init] for init in GRID for activation in ACTIVATIONS],
        "depths": list(KEPT),
        "lacking": {name: _formats.NO_BFLOAT16 for name in NAMES if name not in told},
        **told,
    }


def _coarse(norm: float | None) -> float | None:
    """A decimal place near 1, none far from it."""
    return norm if norm is None else round(norm, 1) if abs(norm) < 10 else round(norm)


@gradients.variant("numpy")
def gradients_numpy(device: Cpu, weights: Array, x: Array, activation: str, remedy: str) -> Work:
    """NumPy in the type itself, layer by layer: BLAS on one thread, for types that BLAS knows."""
    one = pass_through((weights, x), activation, remedy, _backprop.in_numpy)
    work: Work = device.blas(one.call, 1, output=one.output, facts=one.facts)
    return work


@gradients.variant("numba")
def gradients_numba(weights: Array, x: Array, init: str, activation: str, remedy: str) -> Work:
    """One compiled loop that reads narrow weights, widens them in registers and sums in float32 or float64."""
    work = pass_through((weights, x), activation, remedy, _backprop.in_numba)
    if (weights.dtype, init, activation, remedy) == MAPPER:
        return replace(work, facts={**work.facts, "map": grid()})
    return work


@gradients.variant("cupy", on="gpu", inputs="host")
def gradients_cupy(device: Gpu, weights: Array, x: Array, activation: str, remedy: str) -> Work:
    """CuPy on the GPU, layer by layer as NumPy does it, each operation a launch; one wait at the end of a sample."""
    cublas(device)
    chain = _backprop.prepare(weights, x, activation, remedy).moved(functools.partial(sent, device))
    make = functools.partial(_backprop.in_numpy, xp=device.xp)
    call = make(chain)
    call()
    here = functools.partial(chain.moved, functools.partial(fetched, device))
    form_of = functools.partial(_formats.range_on, device)
    found = form_of(weights.dtype)
    made: Work = device.host_timed(
        call,
        output=lambda: _rounding.violations(here(), form_of),
        sync="end",
        facts=_outcome.outcome(chain, make, functools.partial(fetched, device))
        | {"smallest_normal": found.tiny, "largest": found.top}
        | where(device, weights.nbytes, transfers=False),
    )
    return made


@gradients.finding
def tell_gradients(results: Results) -> list[str]:
    """float16's safe depth and speed, what remedies do, the GPU, the map of networks, and the lecture's two powers."""
    said = (_half(results), _remedies(results), _on_the_gpu(results), _networks_kept(results), _powers(results))
    return phrases.ranked(one for one in said if one is not None)


def _find(
    results: Results, dtype: str, init: str, activation: str = "identity", remedy: str = "plain"
) -> Record | None:
    """The record of a chain on the CPU, of the compiled variant if that was measured."""
    asked = {"dtype": dtype, "init": init, "activation": activation, "remedy": remedy}
    return results.find("numba", **asked) or results.find("numpy", **asked)


def _half(results: Results) -> tuple[float, str] | None:
    """Through how many layers float16 carries a gradient that float32 carries further, and what a layer costs."""
    safe: list[str] = []
    compared = []
    for factor, init, _ in POWERS:
        half, single = _find(results, "f2", init), _find(results, "f4", init)
        if half is not None and single is not None:
            per_layer = "" if safe else " per layer"
            safe.append(f"{depth(half)} in float16 and {depth(single)} in float32 at a factor of {factor}{per_layer}")
            compared.append((half, single))
    if not compared:
        return None
    effect = max(_deeper(single, half) for half, single in compared)
    half, single = compared[0]
    ratio = phrases.against(results.versus(half, single), "float32")
    each = f"{text.seconds(_median(half) / LAYERS)}, {ratio}{phrases.mark(half, single)}"
    return effect, f"Layers that a gradient survives: {'; '.join(safe)}. A float16 layer takes {each}."


def _remedies(results: Results) -> tuple[float, str] | None:
    """For each network the remedy by which float16 carries a gradient furthest, the fastest of several."""
    told, effect = [], 1.0
    for name, init, activation in (
        ("at a factor of 1.5 per layer", "orthogonal-1.5", "identity"),
        ("at 0.8", "orthogonal-0.8", "identity"),
        ("with sigmoid and Xavier", "xavier-normal", "sigmoid"),
    ):
        plain = _find(results, "f2", init, activation)
        asked = [_find(results, "f2", init, activation, remedy) for remedy in _backprop.REMEDIES[1:]]
        treated = [record for record in asked if record is not None]
        if plain is None or not treated:
            continue
        best = max(treated, key=lambda record: (record.facts["safe_depth"], -_median(record)))
        if best.facts["safe_depth"] > plain.facts["safe_depth"]:
            times = results.versus(best, plain)
            cost = "as fast" if text.difference(times) == "none" else text.ratio(times, interval=False)
            depths = f"{depth(best)} instead of {depth(plain)} {name} ({best.params['remedy']}, {cost})"
            told.append(phrases.Item(depths, (best, plain)))
            effect = max(effect, _deeper(best, plain))
        else:
            told.append(phrases.Item(f"{depth(plain)} {name}, where no remedy helps", (plain,)))
    said = f"Layers that a gradient survives in float16 with the best remedy: {phrases.entries(told)}."
    return (effect, said) if told else None


def _deeper(further: Record, other: Record) -> float:
    """How many times as many layers a gradient survives."""
    return float((further.facts["safe_depth"] + 1) / (other.facts["safe_depth"] + 1))


def _on_the_gpu(results: Results) -> tuple[float, str] | None:
    """What a layer costs on the GPU against the CPU in each type, and whether their safe depths agree."""
    costs, compared, unlike, ratios = [], [], [], []
    for dtype, name in NAMES.items():
        asked = {"dtype": dtype, "init": POWERS[0][1], "activation": "identity", "remedy": "plain"}
        there, here = results.find("cupy", **asked), _find(results, dtype, POWERS[0][1])
        if there is None:
            continue
        each = f"{text.seconds(_median(there) / LAYERS)} in {name}"
        if here is not None:
            ratios.append(results.versus(there, here))
            each += f", {phrases.against(ratios[-1], f'{here.variant} on the CPU')}"
            compared.append(name)
            if there.facts["safe_depth"] != here.facts["safe_depth"]:
                unlike.append(f"{name} survives {depth(there)} layers there and {depth(here)} on the CPU")
        costs.append(phrases.Item(each, (there,) if here is None else (there, here)))
    if not costs:
        return None
    agree = f"; safe depths agree in {phrases.listed(compared)}" if compared else ""
    depths = f"; {phrases.listed(unlike)}" if unlike else agree
    return phrases.largest(ratios), f"A layer of {WIDTH} units takes CuPy on the GPU {phrases.entries(costs)}{depths}."


def _networks_kept(results: Results) -> tuple[float, str] | None:
    """How many networks each type carries through all layers."""
    found = results.find("numba", dtype="f4", init=MAPPER[1], activation="identity", remedy="plain")
    stored = found.facts.get("map") if found else None
    if not stored:
        return None
    pairs = phrases.counted(len(stored["networks"]), "pair")
    kept = {
        name: sum(safe >= LAYERS for safe in stored[dtype]["safe_depth"])
        for dtype, name in NAMES.items()
        if dtype in stored
    }
    each = phrases.listed(f"{many} in {name}" for name, many in kept.items())
    effect = (max(kept.values(), default=0) + 1) / (min(kept.values(), default=0) + 1)
    return effect, f"Of {pairs} of activation and initialisation, {each} carry a gradient through all {LAYERS} layers."


def _powers(results: Results) -> tuple[float, str] | None:
    """The norm behind the last layer, measured and by arithmetic."""
    told = []
    for factor, init, _ in POWERS:
        found = next(filter(None, (_find(results, dtype, init) for dtype in ("f8", "f4"))), None)
        if found is None or found.facts["log10_norms"][-1] is None:
            continue
        exact = text.power(found.facts["layers"] * math.log10(factor))
        told.append(
            f"{text.power(found.facts['log10_norms'][-1])} at {factor} per layer (arithmetic {exact}, "
            f"in {NAMES[str(found.params['dtype'])]})"
        )
    said = f"Norm of a gradient after {LAYERS} layers, by its factor: {phrases.listed(told)}."
    return (1.0, said) if told else None


def depth(record: Record) -> str:
    """`24`, or `all 100` where nothing was lost."""
    safe, layers = record.facts["safe_depth"], record.facts["layers"]
    return f"all {layers}" if safe >= layers else str(safe)


def _median(record: Record) -> float:
    return float(np.median(record.samples))
