"""The GPU itself: memory, caches, arithmetic, starting and waiting. All n/a where there is none."""

from __future__ import annotations

from ._glue import Records, _Suite, measure


class coalescing(_Suite):
    """Reads that lie side by side, apart and in random order."""

    bench = "device.coalescing"
    version = 2
    param_names = ("variant", "n")
    params = (
        (
            "contiguous",
            "misaligned",
            "stride-2",
            "stride-4",
            "stride-8",
            "stride-16",
            "stride-32",
            "indexed",
            "gather",
            "opencl-contiguous",
            "opencl-misaligned",
            "opencl-stride-2",
            "opencl-stride-4",
            "opencl-stride-8",
            "opencl-stride-16",
            "opencl-stride-32",
            "opencl-indexed",
            "opencl-gather",
        ),
        (67108864,),
    )

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class layout(_Suite):
    """Records that lie together, and fields that do."""

    bench = "device.layout"
    version = 2
    param_names = ("variant", "fields")
    params = (("soa", "aos"), (4, 32, 1024))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class banks(_Suite):
    """Threads that meet in a bank of shared memory."""

    bench = "device.banks"
    version = 2
    param_names = ("variant", "stride")
    params = (("shared",), (1, 2, 4, 8, 16, 32, 33))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class divergence(_Suite):
    """Threads of a warp that branch apart."""

    bench = "device.divergence"
    version = 1
    param_names = ("variant", "paths")
    params = (("uniform", "divergent", "opencl-uniform", "opencl-divergent"), (1, 2, 4, 8, 16, 32))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class latency(_Suite):
    """One load that waits for the one before."""

    bench = "device.latency"
    version = 2
    param_names = ("variant", "size")
    params = (("l1", "l2", "opencl"), ("16KiB", "L2", "HBM"))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class occupancy(_Suite):
    """Few threads and many."""

    bench = "device.occupancy"
    version = 3
    param_names = ("variant", "work", "threads", "chains")
    params = (
        ("kernel", "opencl"),
        ("fma", "copy"),
        (32, 128, 512, 2048, 8192, 32768, 131072, 524288, 2097152),
        (1, 2, 4, 8),
    )

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class peak(_Suite):
    """Chains of fused multiply-adds."""

    bench = "device.peak"
    version = 3
    param_names = ("variant", "dtype", "chains")
    params = (("fma", "opencl"), ("f4", "f8", "f2", "i4"), (1, 2, 4, 8))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class roofline(_Suite):
    """Multiply-adds on the way through memory."""

    bench = "device.roofline"
    version = 1
    param_names = ("variant", "dtype", "fmas", "size")
    params = (("fused", "cupy"), ("f4", "f8"), (2, 4, 8, 16, 32, 64, 128, 256, 512), ("HBM",))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class tensor(_Suite):
    """Tensor cores from registers."""

    bench = "device.tensor"
    version = 2
    param_names = ("variant", "precision")
    params = (("mma",), ("tf32", "f16", "bf16", "fp8", "int8", "f16_sums"))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class matmul(_Suite):
    """Products of large matrices."""

    bench = "device.matmul"
    version = 2
    param_names = ("variant", "precision", "n")
    params = (("cublas",), ("f4", "tf32", "f16", "bf16", "int8", "fp8", "fp8_fast"), (8192,))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class stream(_Suite):
    """Copy, triad, reading and writing alone in device memory."""

    bench = "device.stream"
    version = 3
    param_names = ("variant", "kernel", "size")
    params = (
        ("bytes16", "bytes8", "bytes4", "cupy", "opencl4", "opencl16", "opencl64"),
        ("copy", "triad", "read", "write"),
        ("HBM",),
    )

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class launch(_Suite):
    """Starting a kernel."""

    bench = "device.launch"
    version = 2
    param_names = ("variant",)
    params = (("queued", "enqueue", "sync", "graph", "event", "cupy", "opencl", "opencl-enqueue", "opencl-sync"),)

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class graph(_Suite):
    """Small steps one after the other."""

    bench = "device.graph"
    version = 1
    param_names = ("variant", "n")
    params = (("python", "queued", "graph", "persistent"), (1024, 16384, 262144, 4194304))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class sync(_Suite):
    """Barriers."""

    bench = "device.sync"
    version = 2
    param_names = ("variant", "block")
    params = (("block", "grid", "launch"), (64, 256, 1024))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class atomics(_Suite):
    """Counting in few places."""

    bench = "device.atomics"
    version = 3
    param_names = ("variant", "addresses")
    params = (("global", "shared", "warp"), (1, 32, 1024, 1048576))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class cache(_Suite):
    """What multiprocessors read from L1 and shared memory."""

    bench = "device.cache"
    version = 1
    param_names = ("variant",)
    params = (("shared", "l1"),)

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class clock(_Suite):
    """The rate that is left of the first second after half a minute of load."""

    bench = "device.clock"
    version = 1
    param_names = ("variant", "work", "seconds")
    params = (("load",), ("fma", "copy", "product"), (30,))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
