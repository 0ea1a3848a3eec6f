"""A whole workload: an epoch of a small network on house prices."""

from __future__ import annotations

from ._glue import Records, _Suite, measure


class house_prices(_Suite):
    """How long an epoch takes, by the batch size."""

    bench = "workload.house_prices"
    version = 2
    param_names = ("variant", "data", "batch", "dtype", "optimizer")
    params = (("numpy", "numba", "cupy", "cupy-copies"), ("ames",), (16, 64, 1024), ("f4",), ("adam",))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
