"""Gather and scatter: every element once, in the order named, by the instructions named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hwbench.bench import Skip
from hwbench.benches import _partitions
from hwbench.benches.access import gather
from hwbench.benches.access.gather import UNROLL, bench
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels.gather import gather_width, scatter_width
from hwbench.kernels.simd import Registers
from inspection import listing
from inspection.answers import reading, verdict
from inspection.told import STOLEN, doubt, said, spread

WORK = (listing.INT,) * 5


@pytest.fixture(scope="module")
def device() -> Iterator[CpuDevice]:
    made = CpuDevice()
    yield made
    made.close()


def values(device: CpuDevice, **more: Any) -> dict[str, Any]:
    return {"device": device, "size": 2**15, "order": "random", "threads": 1, "pages": "4K"} | more


def here(variant: str) -> None:
    """Skip where the processor lacks the instructions."""
    if bench.lacks(variant, {}) is not None:
        pytest.skip("the processor lacks the instructions")


@pytest.mark.parametrize("order", ["sequential", "strided", "random"])
@pytest.mark.parametrize("variant", bench.variants)
def test_every_element_counts_once(variant: str, order: str, device: CpuDevice) -> None:
    """The sum of all elements, or each offset in its place, on all threads; also where a call does a part."""
    here(variant)
    assert verdict(bench, variant, values(device, order=order, threads=device.host.usable)) == ""


@pytest.mark.parametrize("variant", bench.variants)
def test_parts_are_the_whole(variant: str, device: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call goes through one of five parts; what is checked is all of them, and counts are of one."""
    here(variant)
    monkeypatch.setattr(_partitions, "PART", 2**18)
    given = values(device, size=2**18)
    assert verdict(bench, variant, given) == ""
    assert bench.count(given) == {"items": 6 * 512, "bytes": 16 * 6 * 512}
    assert gather.elements(2**18) == 30 * 512


@pytest.mark.parametrize("kernel", ["gather_words", "scatter_words"])
def test_an_element_that_is_left_out_is_caught(kernel: str, device: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four elements missing at the end, or a kernel that does nothing, is a wrong answer."""
    right = getattr(gather, kernel)
    variant = kernel.partition("_")[0]
    for wrong in (lambda base, first, last, *more: right(base, first, last - 32, *more), lambda *_: 0):
        monkeypatch.setattr(gather, kernel, wrong)
        assert "differs" in verdict(bench, variant, values(device))


def test_variants_work_on_the_same_arrays(device: CpuDevice) -> None:
    """The index is written once for all, and a scatter's array is filled anew, so that no other answer passes."""
    given = values(device, rng=np.random.default_rng(7))
    inputs = bench.make_inputs(given)
    works = [bench.build(variant, given, inputs) for variant in ("scatter", "gather", "scatter")]
    [share] = inputs[0].common.get("shares", lambda: None)
    assert (share.words == -1).all()
    assert sorted(share.offsets.tolist()) == list(range(0, 8 * gather.elements(2**15), 8))
    assert works[0].facts["footprint"] == bench.ask("memory", given) == 16 * len(share.words)
    works[0].close()


# --- machine code -----------------------------------------------------------------------------------------------------


@listing.needs_x86
def test_scalar_code_has_no_vector() -> None:
    """Four offsets and four stores to what they name for a scatter."""
    body = listing.hot_loop(listing.assembly(gather.scatter_words, None, WORK))
    assert listing.count(body, r"^movq\s.*\(.*, %r") == listing.count(body, r"^movq\s+%r\w+, \(%r\w+,%r\w+\)") == 4
    assert len(body) == 11, body


@listing.needs_x86
def test_vector_code_is_the_instructions_it_is_named_after() -> None:
    """A gather or scatter for each register of a block, and no scalar access to the array."""
    here("gather-vector")
    bits = gather_width()
    registers = Registers("i8", bits, UNROLL)
    body = listing.hot_loop(listing.assembly(gather.gather_vectors, registers, WORK))
    assert listing.count(body, rf"^vpgatherqq\s.*%{listing.NAMES[bits]}\d+") == UNROLL
    assert listing.count(body, "^vpaddq") == UNROLL
    if scatter_width():
        body = listing.hot_loop(listing.assembly(gather.scatter_vectors, registers, WORK))
        assert listing.count(body, r"^vpscatterqq\s.*%zmm\d+") == UNROLL


# --- what it says -----------------------------------------------------------------------------------------------------


def test_less_than_a_page_is_too_small(device: CpuDevice) -> None:
    """Not measured by a page under the name of a byte."""
    assert bench.least == 8 * 2**10
    with pytest.raises(Skip, match="5000 bytes are too few"):
        bench.count(values(device, size=5000))


def rows(size: str, **times: float) -> list[tuple[str, dict[str, Any], float]]:
    at = {"size": size, "order": "random", "threads": 1}
    return [(name.replace("_", "-"), at, time) for name, time in times.items()]


def test_the_finding() -> None:
    """Random gathers in the furthest level against sequence and on all threads, scatters, what instructions gain."""
    ordered = {"size": "DRAM", "order": "sequential", "threads": 1}
    every = {"size": "DRAM", "order": "random", "threads": "all"}
    given = [
        *rows("L1", gather=1.0, gather_vector=2.0), *rows("DRAM", gather=10.0, gather_vector=10.0, scatter=15.0),
        ("gather", ordered, 1.0), ("gather", every, 5.0),
    ]  # fmt: skip
    read = spread(reading(bench, given, {"items": 10**9, "bytes": 16 * 10**9}))
    for record in read.records:
        record.facts["threads"] = 2 if record.params["threads"] == "all" else 1
    sentences = said(read)
    assert sentences == [
        "Gathers in memory in random order (1 thread): 1.60 GB/s (…), 10.0 ns an element, 10.0× slower than in "
        "sequence (…); 3.20 GB/s (…), 5.00 ns an element on 2 threads.",
        "Gather instructions against scalar code in random order (1 thread): 2.00× slower (…) in L1 and no "
        "difference (…) in memory.",
        "Scatters there take 1.07 GB/s (…), 15.0 ns an element, 1.50× slower than gathers (…).",
    ]
    assert all(one.endswith(STOLEN) for one in said(doubt(read, size="DRAM")))
    assert said(reading(bench, [], {})) == []
