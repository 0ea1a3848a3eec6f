"""Access: what walking through memory in another order costs."""

from __future__ import annotations

from ._glue import Records, _Suite, measure


class row_column(_Suite):
    """Sums along the rows and down the columns of a row-major matrix."""

    bench = "access.row_column"
    version = 1
    param_names = ("variant", "size", "dtype", "layout")
    params = (("row", "column", "numpy-row", "numpy-column"), ("L1", "L2", "L3", "DRAM"), ("f8",), ("C",))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
