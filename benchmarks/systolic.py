"""The systolic array: simulating a product of matrices, beside the CPU's own."""

from __future__ import annotations

from ._glue import Records, _Suite, measure


class matmul(_Suite):
    """How fast an array is simulated."""

    bench = "systolic.matmul"
    version = 3
    param_names = ("variant", "array", "shape")
    params = (("weight-stationary", "output-stationary", "blas"), ("3x3",), ("3x3x2",))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
