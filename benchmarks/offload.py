"""Break-even: the CPU against the GPU, with and without the way there and back."""

from __future__ import annotations

from ._glue import Records, _Suite, measure


class breakeven(_Suite):
    """Four kinds of work at growing sizes."""

    bench = "offload.breakeven"
    version = 2
    param_names = ("variant", "work", "n")
    params = (
        ("numpy", "parallel", "cupy", "resident", "opencl", "opencl-resident"),
        ("add", "sum", "matmul", "fft"),
        (1024, 4096, 16384, 65536, 262144, 1048576, 4194304),
    )

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
