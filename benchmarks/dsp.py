"""Signal processing: dot product, convolution, Fourier transform."""

from __future__ import annotations

from ._glue import Records, _Suite, measure


class dot(_Suite):
    """How fast a dot product is."""

    bench = "dsp.dot"
    version = 3
    param_names = ("variant", "size", "dtype")
    params = (("numpy", "blas", "blas-all", "numba", "cupy", "opencl"), ("L1", "DRAM"), ("f8",))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class convolution(_Suite):
    """How long a convolution takes, by its taps."""

    bench = "dsp.convolution"
    version = 1
    param_names = ("variant", "n", "taps", "dtype")
    params = (("numpy", "numba", "oaconvolve", "cupy"), (16384,), (8, 64, 512, 2048), ("f8",))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class fft(_Suite):
    """How long Fourier transforms take."""

    bench = "dsp.fft"
    version = 1
    param_names = ("variant", "n", "dtype")
    params = (("numpy", "scipy", "scipy-workers", "cupy"), (256, 8192, 262144), ("f8",))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class packets(_Suite):
    """What compiling a loop for other processors costs; its facts are counts."""

    bench = "dsp.packets"
    version = 2
    param_names = ("variant", "loop", "dtype")
    params = (
        ("hexagon", "hexagon-hvx", "neon", "sve", "sse", "avx2", "avx512-vnni", "rvv", "gfx942"), ("dot",), ("i1",),
    )  # fmt: skip

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
