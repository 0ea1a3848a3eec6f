"""Mixes: each ratio has its loop, its answer and its bytes; plain and non-temporal stores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hwbench.bench import Skip
from hwbench.benches.stream import mix
from hwbench.benches.stream.mix import MIXES, ROWS, bench
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels import cpu_features
from inspection import listing
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread


@pytest.fixture(scope="module")
def device() -> Iterator[CpuDevice]:
    made = CpuDevice()
    yield made
    made.close()


def values(device: CpuDevice, mixed: str, **more: Any) -> dict[str, Any]:
    return {"device": device, "size": 2**14, "mix": mixed, "threads": 1, "pages": "4K"} | more


@pytest.mark.parametrize("mixed", MIXES)
def test_a_mix_is_what_its_name_says(mixed: str) -> None:
    """As many arrays are read and written; bytes are of both."""
    reads, writes = map(int, mixed.split(":"))
    assert (ROWS[mixed].reads, ROWS[mixed].writes) == (reads, writes)
    size = 12 * 2**10
    assert bench.count({"size": size, "mix": mixed, "threads": 2})["bytes"] == 2 * size


@pytest.mark.parametrize("variant", ["simd", "simd-nt"])
def test_the_new_mix_is_right(variant: str, device: CpuDevice) -> None:
    """The others are the loops of `stream`, with tests of their own."""
    assert verdict(bench, variant, values(device, "3:1")) == ""


@pytest.mark.parametrize("mixed", ["1:0", "1:1", "0:1"])
def test_answers_of_the_other_mixes(mixed: str, device: CpuDevice) -> None:
    """Reads alone, a copy and writes alone, each by its own reference."""
    assert verdict(bench, "simd", values(device, mixed)) == ""


def test_a_block_that_is_left_out_is_caught(device: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last block of the sum is not written."""
    real = mix.SUM.simd

    def short(r: Any, a: int, b: int, c: int, d: int, nbytes: int, *more: int) -> None:
        real(r, a, b, c, d, nbytes - r.nbytes, *more)

    monkeypatch.setitem(ROWS, "3:1", mix.replace(mix.SUM, simd=short, tuned=()))
    assert "differs" in verdict(bench, "simd", values(device, "3:1"))


def test_reads_alone_have_no_stores(device: CpuDevice) -> None:
    """Non-temporal stores of nothing are no case."""
    with pytest.raises(Skip, match="1:0 has no stores"):
        work_of(bench, "simd-nt", values(device, "1:0"))


def test_the_sum_in_numpy_and_numba() -> None:
    """What the reference and Numba's loop compute is the sum of three arrays."""
    a, b, c, d = (np.full(8, value) for value in (0.0, 1.0, 2.0, 4.0))
    mix.numpy_sum(a, b, c, d, 3.0)
    assert (a == 7).all()
    mix.numba_sum.py_func(a, d, d, d, 3.0)
    assert (a == 12).all()


@listing.needs_x86
@pytest.mark.parametrize("nt", [False, True])
def test_the_sum_is_three_loads_and_a_store_for_each_register(nt: bool) -> None:
    """A block is eight loads, sixteen additions from memory and eight stores of full width, as asked."""
    bits = cpu_features.stream_width()
    body = listing.hot_loop(listing.assembly(mix.simd_sum, mix.registers_of(mix.SUM, nt=nt), (listing.INT,) * 7))
    name = listing.NAMES[bits]
    assert listing.count(body, rf"^v?mova\w+\s.*\(.*, %{name}\d+$") == 8
    assert listing.count(body, rf"^v?addpd\s.*\(.*%{name}\d+$") == 16
    assert listing.count(body, rf"^v?mov{'nt' if nt else 'a'}\w+\s+%{name}\d+, .*\)$") == 8


def test_the_finding() -> None:
    """Each mix in memory on all threads, in L1 on one, and what non-temporal stores gain or lose."""
    far: dict[str, Any] = {"size": "DRAM", "threads": "all"}
    near: dict[str, Any] = {"size": "L1", "threads": 1}
    rows = [
        *(("simd", far | {"mix": one}, time) for one, time in (("1:0", 1.0), ("1:1", 1.25), ("0:1", 2.0))),
        *(("simd", near | {"mix": one}, time) for one, time in (("1:0", 0.1), ("2:1", 0.05))),
        ("simd-nt", far | {"mix": "1:1"}, 1.25), ("simd-nt", far | {"mix": "0:1"}, 1.0),
    ]  # fmt: skip
    read = spread(reading(bench, rows, {"bytes": 40e9}))
    for record in read.records:
        record.facts["threads"] = 2 if record.params["threads"] == "all" else 1
    assert said(read) == [
        "Bandwidth in memory on 2 threads by reads to writes: 40.0 GB/s (…) at 1:0, 32.0 GB/s (…) at 1:1 and "
        "20.0 GB/s (…) at 0:1.",
        "Bandwidth in L1 on 1 thread by reads to writes: 400 GB/s (…) at 1:0 and 800 GB/s (…) at 2:1.",
        "Non-temporal stores against plain ones in memory on all threads: 2.00× faster (…) at 0:1.",
    ]
    assert all(one.endswith(STOLEN) for one in said(doubt(read)))
    assert said(reading(bench, [], {})) == []
