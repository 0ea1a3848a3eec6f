"""Managed memory: the first touch on the other side, a prefetch, and the touch after one.

Pages of managed memory are on one side at a time. A touch on the other side is a page fault, which moves a page and
some of its neighbours: many faults for a large array. `cudaMemPrefetchAsync` moves all of them at once, as a copy does.

`touch` is the first touch: a kernel that reads (h2d), or NumPy's copy (d2h). `prefetch` is the prefetch by itself, and
`after` the touch that follows it, which then finds its pages. Before each call, outside its time, the pages are brought
back to where they come from. What runs on the GPU is timed by its events, NumPy's copy by the host's clock. Where the
CPU may not touch managed memory while the GPU works (concurrentManagedAccess: WSL, Windows), all are skipped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np

from ...bench import Bench, Skip, Work
from ...protocols import Array, Gpu, Results
from ...record import phrases, text
from ...record.model import Record
from ._copies import WORD, by_kernel, pattern

WAYS = {"h2d": "to the GPU", "d2h": "to the host"}
How = Literal["touch", "prefetch", "after"]

bench = Bench(
    "transfer.managed",
    question="What does the first touch of managed memory cost, and what does a prefetch save?",
    axes={"direction": tuple(WAYS), "size": ("64KiB", "1MiB", "16MiB", "256MiB")},
    quick={"size": ("16MiB",)},
    baseline="touch",
    tolerance=0.0,
    core=False,
)


@bench.inputs
def whole_words(rng: np.random.Generator, size: int) -> Array:
    """`size` random bytes, the first MiB over and over."""
    if size % WORD:
        raise Skip("bad_value", f"the kernel takes {WORD} bytes at a time, and {size} are no multiple")
    return pattern(rng, size)


@bench.reference
def what_was_moved(data: Array) -> Array:
    """The same bytes on the other side."""
    return data


@bench.counts
def counts(size: int) -> dict[str, float]:
    """Each byte once."""
    return {"bytes": size, "calls": 1}


@bench.memory
def memory(size: int) -> int:
    """Managed memory, an array on the device and one on the host."""
    return 3 * size


def build(how: How) -> Callable[..., Work]:
    """A builder for one way."""

    def moved(device: Gpu, data: Array, size: int, direction: str) -> Work:
        if direction not in WAYS:
            raise Skip("bad_value", f"pages go {', '.join(WAYS)}; not '{direction}'")
        there = direction == "h2d"
        pages = device.host("managed", size)
        ordinary = device.put(np.zeros_like(data) if there else data)
        here = np.zeros_like(data)
        managed = np.uint64(pages.device_ptr)
        kernel = by_kernel(device, (managed, ordinary) if there else (ordinary, managed), size)
        prefetch = device.prefetcher(pages, to_host=not there)
        kernel()  # what runs behind the gate has run before
        device.synchronize()

        def back() -> None:
            """Bring the pages to where they come from, with the data in them."""
            if there:
                pages.array[:] = data
            else:
                kernel()
                device.read_gauges()
                device.synchronize()

        def by_numpy() -> float:
            start = time.perf_counter()
            np.copyto(here, pages.array)
            return time.perf_counter() - start

        def once() -> float:
            back()
            if how == "prefetch":
                return float(device.seconds(prefetch))
            if how == "after":
                prefetch()
                device.synchronize()
            return float(device.seconds(kernel)) if there else by_numpy()

        def output() -> Array:
            if how == "prefetch" and there:
                kernel()
            device.synchronize()
            if there:
                return device.get(ordinary)
            return np.array(pages.array) if how == "prefetch" else here

        timed_by = "host" if how != "prefetch" and not there else "events"
        return Work(
            call=once,
            output=output,
            timer=lambda loops: sum(once() for _ in range(loops)),
            facts={"memory": "managed", "footprint": size, "timed_by": timed_by},
            close=pages.close,
        )

    moved.__doc__ = {
        "touch": "The first touch of all pages: by a kernel (h2d), by NumPy (d2h).",
        "prefetch": "cudaMemPrefetchAsync of all pages.",
        "after": "The first touch after a prefetch.",
    }[how]
    return moved


bench.variant("touch", on="gpu", inputs="host")(build("touch"))
bench.variant("prefetch", on="gpu", inputs="host")(build("prefetch"))
bench.variant("after", on="gpu", inputs="host")(build("after"))


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """Of each direction at the largest size the rate of the first touch, of a prefetch, and of a touch after one."""
    for way, name in WAYS.items():
        touched = _largest(results, way)
        if touched is None:
            continue
        rate = text.rate(results.rate("touch", "bytes", **touched.params), "GB/s")
        said = f"Managed memory, {text.size(touched.counts['bytes'])} {name}: {rate} by the first touch"
        shown = [touched]
        prefetch = results.find("prefetch", **touched.params)
        if prefetch is not None:
            times = results.versus(prefetch, touched)
            said += f"; a prefetch is {phrases.against(times, 'it')}"
            shown.append(prefetch)
        after = results.find("after", **touched.params)
        if after is not None:
            said += f"; the touch after one takes {text.share(results.versus(after, touched))} of its time"
            shown.append(after)
        yield phrases.marked(said, *shown)


def _largest(results: Results, way: str) -> Record | None:
    """The first touch of the most bytes in a direction."""
    found = [r for r in results.records if r.timed and (r.variant, r.params["direction"]) == ("touch", way)]
    return max(found, key=lambda record: record.counts["bytes"], default=None)
