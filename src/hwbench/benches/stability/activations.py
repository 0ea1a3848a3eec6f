"""Activation functions: what each costs for an element, and how far it is from its Taylor expansion at 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from ...bench import Bench, Work
from ...kernels.compiling import compiled
from ...kernels.float16 import bits, narrow, wide, widen
from ...protocols import Array, Gpu, Results, Values
from ...record import phrases, text
from ...record.reasons import Reason, because
from .._gpu import fetched, sent
from . import _formats, _taylor
from ._networks import ACTIVATIONS, activate

Fill: TypeAlias = Callable[[Array, Array], Array | None]
"""Fills its second array with the activation of its first."""

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
    measures="activations",
    version=2,
    core=False,
    quick={"activation": ("sigmoid", "tanh")},
    full={"dtype": ("f2", "bf16", "f4", "f8")},
    sweeps=(
        {"variant": "numpy", "activation": ("sigmoid", "tanh"), "dtype": ("f8",)},
        # On a GPU 4096 elements take as long as one, a launch: only many show the cost of an element.
        {"variant": "cupy", "activation": ("sigmoid", "tanh"), "n": (MANY,)},
    ),
)


@activations.inputs
def around_zero(rng: np.random.Generator, n: int, dtype: np.dtype) -> Array:
    """Numbers (n) from N(0, 4): near 0 and on both flat tails."""
    return (2 * rng.standard_normal(n)).astype(dtype)


@activations.reference
def none_wrong() -> Array:
    """No element is off the exact value by more than the type's rounding."""
    return np.zeros(1, np.int64)


@activations.counts
def elements(n: int) -> dict[str, float]:
    """Elements alone: there is no agreed number of flops for a transcendental function."""
    return {"items": n}


def wrong(activation: str, x: Array, y: Array, form: _formats.Format | None = None) -> tuple[int, float]:
    """How many of y are wrong, and the largest error in steps of the type at 1 (ε).

    Allowed are four roundings: of numbers around 1 for the sigmoid (1 / (1 + …)), around 4 for 4 s - 2, relative ones
    for tanh and relu. `form` is the type's range where y was computed, if that is not what the type states.
    """
    sigma = ACTIVATIONS[activation]
    exact = sigma.value(x.astype(np.float64))
    form = form or _formats.format_of(x.dtype)
    around = {"sigmoid": 1.0, "4sigmoid-2": 4.0}.get(activation, 0.0)
    error = np.abs(y.astype(np.float64) - exact)
    # a comparison with NaN is false, so NaN counts as wrong
    count = int((~(error <= 4 * form.eps * (around + np.abs(exact)) + form.least)).sum())
    return count, float(f"{np.nanmax(error) / form.eps:.3g}")


def applied(activation: str, x: Array, y: Array, function: Fill) -> Work:
    """The work of `function(x, y)`; its values near 0 become facts."""

    def near_zero(points: Array) -> Array:
        out = np.empty_like(points)
        function(points, out)
        return out

    function(x, y)
    return Work(
        call=lambda: function(x, y),
        output=lambda: np.array([wrong(activation, x, y)[0]]),
        facts=expansion(activation, x.dtype, near_zero) | {"largest_error_eps": wrong(activation, x, y)[1]},
    )


def expansion(activation: str, dtype: np.dtype, near_zero: Callable[[Array], Array]) -> Values:
    """Facts: a function's values near 0, beside Taylor's expansion. It takes and returns host arrays."""
    sigma = ACTIVATIONS[activation]
    steps = np.array([0.125, 0.25, 0.5, 1.0]).astype(dtype)  # exact in every type
    values = near_zero(steps).astype(np.float64)
    return {
        "taylor": [float(f"{c:.8f}") for c in _taylor.taylor_of(near_zero, dtype, activation == "relu")],
        "taylor_expected": list(sigma.taylor),
        "taylor_tolerance": _taylor.taylor_tolerance(activation, dtype),
        "steps": [float(step) for step in steps],
        "cubic_errors": [
            float(f"{abs(value - _taylor.cubic(sigma.taylor, float(step))):.3g}")
            for step, value in zip(steps, values, strict=True)
        ],
    }


@activations.variant("numpy")
def activation_numpy(x: Array, activation: str) -> Work:
    """The formula in NumPy, a temporary for each operation."""
    value = ACTIVATIONS[activation].value

    def function(points: Array, out: Array) -> None:
        out[:] = value(points)

    return applied(activation, x, np.empty_like(x), function)


def no_expit(activation: str, dtype: np.dtype) -> Reason | None:
    """Which function SciPy lacks."""
    if activation not in ("sigmoid", "4sigmoid-2"):
        return because("unsupported", f"SciPy has no {activation} of its own")
    return None if dtype.kind == "f" else because("unsupported", f"SciPy's expit does not take {dtype.name}")


@activations.variant("scipy", needs=no_expit)
def activation_scipy(x: Array, activation: str) -> Work:
    """scipy.special.expit, which computes a sigmoid in one pass."""
    from scipy.special import expit

    four, two = x.dtype.type(4), x.dtype.type(2)

    def stretched(points: Array, out: Array) -> None:
        expit(points, out=out)
        np.multiply(out, four, out=out)
        np.subtract(out, two, out=out)

    function = stretched if activation == "4sigmoid-2" else lambda points, out: expit(points, out=out)
    return applied(activation, x, np.empty_like(x), function)


@compiled
def each(x: Array, y: Array, code: int, one: float) -> None:
    """Fill y with σ(x), element by element; `one` is 1 in the type of the arithmetic."""
    for i in range(len(x)):
        y[i] = narrow(activate(code, widen(x[i]), one)[0], y[i])


@activations.variant("numba")
def activation_numba(x: Array, activation: str) -> Work:
    """A compiled loop with the C library's exp and tanh, in float32 for narrower types."""
    code, one = ACTIVATIONS[activation].code, wide(x.dtype).type(1)
    return applied(activation, x, np.empty_like(x), lambda points, out: each(bits(points), bits(out), code, one))


@activations.variant("cupy", on="gpu", inputs="host")
def activation_cupy(device: Gpu, x: Array, activation: str) -> Work:
    """The formula in CuPy on the GPU, a launch for each operation; one wait at the end of a sample."""
    value, points = ACTIVATIONS[activation].value, sent(device, x)
    y = device.xp.empty_like(points)

    def call() -> None:
        y[...] = value(points)

    def checked() -> tuple[int, float]:
        return wrong(activation, x, fetched(device, y), _formats.range_on(device, x.dtype))

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
def tell_activations(results: Results) -> Iterator[str]:
    """The widest gap between implementations or what many cost on a GPU, the fastest, and how far expansions carry."""
    fastest, many, gaps, errors = [], [], [], []
    for activation in ACTIVATIONS:
        one = results.find("numpy", activation=activation, dtype="f4")
        if one is None:
            continue
        place = {"activation": activation, "dtype": "f4", "n": one.params["n"]}
        found = [r for name in ("numpy", "scipy", "numba") if (r := results.find(name, **place)) is not None]
        best, worst = (choose(found, key=lambda record: float(np.median(record.samples))) for choose in (min, max))
        each, most = (text.seconds(results.each("items", record.variant, **place)) for record in (best, worst))
        fastest.append(phrases.Item(f"{activation} {each} by {best.variant}", (best,)))
        if worst is not best:
            ratio = results.versus(worst, best)
            beside = phrases.against(ratio, best.variant)
            told = f"{activation} by {worst.variant}: {most} per element (float32), {beside}"
            gaps.append((ratio.value, f"{told}{phrases.mark(worst, best)}."))
        crowd = results.find("cupy", **(place | {"n": MANY}))
        if crowd is not None:
            cost = results.each("items", "cupy", **(place | {"n": MANY}))
            many.append(phrases.Item(f"{activation} {text.seconds(cost)}", (crowd,)))
        off = one.facts["cubic_errors"][-1]
        if off:
            errors.append((-off, f"{text.amount(off)} for {activation}"))
    if many:
        yield f"CuPy on 2²⁴ elements, time per element: {phrases.entries(many)}."
    else:
        yield from phrases.ranked(gaps, 1)
    if fastest:
        yield f"Fastest time per element (float32): {phrases.entries(fastest)}."
    if errors:
        yield f"Error of the Taylor expansion to x³ at x = 1: {phrases.listed([told for _, told in sorted(errors)])}."
