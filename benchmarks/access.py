"""Access: what walking through memory in another order costs."""

from __future__ import annotations

from ._glue import Records, _Suite, measure


class row_column(_Suite):
    """Sums along the rows and down the columns of a row-major matrix."""

    bench = "access.row_column"
    version = 4
    param_names = ("variant", "size", "dtype", "layout")
    params = (("row", "column", "numpy-row", "numpy-column"), ("L1", "L2", "L3", "DRAM"), ("f8",), ("C",))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class stride(_Suite):
    """Sums of every k-th element, the same number of them at each stride."""

    bench = "access.stride"
    version = 2
    param_names = ("variant", "size", "stride")
    params = (("numba", "numpy"), ("DRAM",), (1, 8, 64, 512))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class pattern(_Suite):
    """The same elements in another order."""

    bench = "access.pattern"
    version = 3
    param_names = ("variant", "size")
    params = (("sequential", "reverse", "strided", "page-random", "random"), ("L1", "L2", "L3", "DRAM"))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class blocking(_Suite):
    """Transposition and product with their loops in order, swapped and in blocks."""

    bench = "access.blocking"
    version = 1
    param_names = ("variant", "work", "n")
    params = (("naive", "loop-order", "blocked"), ("transpose",), (2040, 2048))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
