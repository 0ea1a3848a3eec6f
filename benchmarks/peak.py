"""Floating-point peak: what each vector width computes at best."""

from __future__ import annotations

from ._glue import Records, _Suite, measure


class fma(_Suite):
    """Fused multiply-adds in independent chains; widths that the machine lacks are n/a."""

    bench = "peak.fma"
    version = 3
    param_names = ("variant", "dtype", "threads", "chains")
    params = (("scalar", "128", "256", "512"), ("f8", "f4"), (1, "all"), ("best",))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class matmul(_Suite):
    """NumPy's matrix product."""

    bench = "peak.matmul"
    version = 1
    param_names = ("variant", "n", "dtype", "threads")
    params = (("numpy",), (1024,), ("f8", "f4"), (1, "all"))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
