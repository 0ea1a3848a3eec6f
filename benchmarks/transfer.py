"""The way to the GPU: what copies cost. All n/a where there is none."""

from __future__ import annotations

from ._glue import Records, _Suite, measure


class copy(_Suite):
    """Copies of all sizes, from pinned and ordinary memory."""

    bench = "transfer.copy"
    version = 2
    param_names = ("variant", "direction", "memory", "size")
    params = (
        ("raw", "cupy", "opencl"),
        ("h2d", "d2h"),
        ("pinned", "pageable"),
        ("64B", "1KiB", "16KiB", "256KiB", "1MiB", "4MiB", "16MiB", "64MiB", "256MiB", "1GiB"),
    )

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class chunks(_Suite):
    """The same bytes in one piece and in many."""

    bench = "transfer.chunks"
    version = 1
    param_names = ("variant", "direction", "size", "pieces")
    params = (("once", "each", "cupy"), ("h2d",), ("64MiB",), (1, 4, 16, 64, 256, 1024, 4096))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class engines(_Suite):
    """The same copy by the runtime and by a kernel."""

    bench = "transfer.engines"
    version = 1
    param_names = ("variant", "direction", "size")
    params = (("runtime", "kernel"), ("d2d", "h2d", "d2h"), ("64KiB", "1MiB", "16MiB", "256MiB"))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class latency(_Suite):
    """Loads across the link."""

    bench = "transfer.latency"
    version = 1
    param_names = ("variant", "memory")
    params = (("load",), ("host", "peer"))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class mailbox(_Suite):
    """A number to a running kernel and back."""

    bench = "transfer.mailbox"
    version = 1
    param_names = ("variant",)
    params = (("poll",),)

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class managed(_Suite):
    """Touching and prefetching managed memory."""

    bench = "transfer.managed"
    version = 1
    param_names = ("variant", "direction", "size")
    params = (("touch", "prefetch", "after"), ("h2d", "d2h"), ("64KiB", "1MiB", "16MiB", "256MiB"))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class peer(_Suite):
    """Copies from GPU to GPU."""

    bench = "transfer.peer"
    version = 1
    param_names = ("variant", "direction", "peer", "size")
    params = (("engine", "kernel"), ("to", "from", "both"), (1,), ("256MiB",))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)


class overlap(_Suite):
    """Copying there, computing and copying back on several streams."""

    bench = "transfer.overlap"
    version = 1
    param_names = ("variant", "stage", "streams", "size")
    params = (("pipeline",), ("all",), (1, 2, 4, 8), ("64MiB",))

    def setup_cache(self) -> Records:
        """Measure the whole bench, once a commit."""
        return measure(self)
