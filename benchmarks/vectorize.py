"""Vectorisation: what a loop in Python costs against one in NumPy or compiled."""

from __future__ import annotations

from ._glue import Records, _Suite, measure


class add(_Suite):
    """Adding two arrays of n elements."""

    bench = "vectorize.add"
    version = 1
    param_names = ("variant", "n")
    params = (
        ("loop", "comprehension", "numpy", "numba", "prange", "cupy", "cupy-copies", "opencl"),
        (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000),
    )

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class call(_Suite):
    """A call that does nothing."""

    bench = "vectorize.call"
    version = 1
    param_names = ("variant",)
    params = (("nothing", "function", "method", "builtin", "numpy", "numba", "ctypes"),)

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class temporaries(_Suite):
    """a*b + c*d with temporaries, without, and in one loop."""

    bench = "vectorize.temporaries"
    version = 1
    param_names = ("variant", "n")
    params = (("numpy", "numpy-out", "numba", "prange"), (1_000, 10_000, 100_000, 5_000_000))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class reduction(_Suite):
    """Sums and dot products."""

    bench = "vectorize.reduction"
    version = 1
    param_names = ("variant", "operation", "dtype", "n")
    params = (("loop", "builtin", "numpy", "numba", "numba-fastmath"), ("sum", "dot"), ("f8",), (1_000, 100_000))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
