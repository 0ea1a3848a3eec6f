"""Bandwidth: reading, writing and the kernels of STREAM, in each cache and in memory."""

from __future__ import annotations

from ._glue import Records, _Suite, measure

LEVELS = ("L1", "L2", "L3", "DRAM")
AXES = (LEVELS, ("f8",), (1, "all"))


class load(_Suite):
    """How many bytes a second can be read."""

    bench = "stream.load"
    version = 5
    param_names = ("variant", "size", "dtype", "threads")
    params = (("simd", "simd-streams", "numba", "numpy"), *AXES)

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class store(_Suite):
    """How fast data is written."""

    bench = "stream.store"
    version = 6
    param_names = ("variant", "size", "dtype", "threads")
    params = (("simd", "simd-nt", "numba", "numpy"), *AXES)

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class copy(_Suite):
    """How fast data is copied."""

    bench = "stream.copy"
    version = 6
    param_names = ("variant", "size", "dtype", "threads")
    params = (("simd", "simd-nt", "numba", "numpy"), *AXES)

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class scale(_Suite):
    """How fast a = s·b goes."""

    bench = "stream.scale"
    version = 6
    param_names = ("variant", "size", "dtype", "threads")
    params = (("simd", "simd-nt", "numba", "numpy"), ("L1", "DRAM"), *AXES[1:])

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class add(_Suite):
    """How fast a = b + c goes."""

    bench = "stream.add"
    version = 6
    param_names = ("variant", "size", "dtype", "threads")
    params = (("simd", "simd-nt", "numba", "numpy"), ("L1", "DRAM"), *AXES[1:])

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class triad(_Suite):
    """How fast a = b + s·c goes."""

    bench = "stream.triad"
    version = 6
    param_names = ("variant", "size", "dtype", "threads")
    params = (("simd", "simd-nt", "numba", "numpy"), *AXES)

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
