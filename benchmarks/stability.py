"""Numerical stability: gradients through deep networks, variances by layer, activations."""

from __future__ import annotations

from ._glue import Records, _Suite, measure


class gradients(_Suite):
    """What a gradient through 100 layers costs."""

    bench = "stability.gradients"
    version = 3
    param_names = ("variant", "activation", "init", "dtype", "remedy")
    params = (("numpy", "numba", "cupy"), ("identity",), ("orthogonal-1.5",), ("f2", "bf16", "f4", "f8"), ("plain",))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class initialization(_Suite):
    """What a batch through 20 layers and back costs."""

    bench = "stability.initialization"
    version = 2
    param_names = ("variant", "init", "activation", "shape", "dtype")
    params = (("numpy", "numba", "cupy"), ("xavier-normal",), ("identity",), ("square",), ("f4",))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class activations(_Suite):
    """What an activation costs for each element."""

    bench = "stability.activations"
    version = 2
    param_names = ("variant", "activation", "dtype", "n")
    params = (("numpy", "scipy", "numba", "cupy"), ("relu", "sigmoid", "tanh", "4sigmoid-2"), ("f4",), (4096,))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class learning_rate(_Suite):
    """What a training of 100 steps costs."""

    bench = "stability.learning_rate"
    version = 2
    param_names = ("variant", "depth", "init", "activation", "dtype")
    params = (
        ("plain", "clipped", "warm-up", "decayed", "loss-scaled"), (8,), ("xavier-uniform",), ("relu",), ("f4",),
    )  # fmt: skip

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
