"""Nodes: which pairs there are on made-up machines, and all of it on two CPUs that stand for nodes."""

from __future__ import annotations

import dataclasses
import mmap
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from hwbench.benches.numa import matrix
from hwbench.benches.numa.matrix import bench, members, pairs
from hwbench.devices.cpu import CpuDevice
from hwbench.devices.host_memory import Buffer
from hwbench.host import system
from hwbench.host.system import Host
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread

# Two sockets of two cores with two threads each, and a node of memory alone.
TWO = Host(
    allowed=tuple(range(8)),
    cores={cpu: (cpu // 2 % 2, cpu % 2) for cpu in range(8)},
    nodes={0: (0, 1, 4, 5), 1: (2, 3, 6, 7), 2: ()},
)


@pytest.fixture(scope="module")
def device() -> Iterator[CpuDevice]:
    """This machine, the first two of whose CPUs are taken for a node each."""
    host = system.read_host()
    if host.usable < 2:
        pytest.skip("two CPUs stand for nodes")
    made = CpuDevice(dataclasses.replace(host, nodes={cpu: (cpu,) for cpu in host.order[:2]}))
    yield made
    made.close()


def test_pairs_of_a_made_up_machine() -> None:
    """A thread for each core, each node with itself and with each other; memory without CPUs has no thread."""
    two = CpuDevice(TWO)
    assert members(two) == {0: (0, 1), 1: (2, 3)}
    assert pairs(two, "local") == [(0, 0), (1, 1)]
    assert pairs(two, "remote") == [(0, 1), (1, 0)]
    assert matrix.threads(two) == 2
    given = {"device": two, "size": 2**30}
    assert bench.count({**given, "what": "bandwidth"}) == {"bytes": 2**30}
    assert bench.ask("memory", {**given, "what": "bandwidth"}) == 2 * 2**30
    assert bench.count({**given, "what": "latency"}) == {"hops": matrix.HOPS}
    assert bench.lacks("remote", {"device": two}) is None


@pytest.mark.parametrize(
    ("host", "why"),
    [
        (Host(allowed=(0, 1), nodes={0: (0, 1)}), "needs 2 NUMA nodes; this machine has 1"),
        (Host(allowed=(0, 1)), "needs 2 NUMA nodes; the system reports none"),
        (dataclasses.replace(TWO, allowed=(0, 1)), "needs 2 NUMA nodes; 1 of 3 has CPUs that may be used"),
        (dataclasses.replace(TWO, quota=2.0), "needs 2 NUMA nodes; 1 of 3 has CPUs that may be used"),
    ],
)
def test_one_node_is_skipped_with_the_reason(host: Host, why: str) -> None:
    """Neither is there anything to compare where affinity or a quota leaves one node."""
    for variant in bench.variants:
        assert str(bench.lacks(variant, {"device": CpuDevice(host)})) == f"needs two NUMA nodes with CPUs: {why}"


@pytest.mark.parametrize("what", ["latency", "bandwidth"])
@pytest.mark.parametrize("variant", bench.variants)
def test_two_cpus_that_stand_for_nodes(variant: str, what: str, device: CpuDevice) -> None:
    """Every pair has its answer and its best round, which are of the record's size."""
    given = {"device": device, "what": what, "size": 2**16, "pages": "4K"}
    assert verdict(bench, variant, given) == ""
    work, inputs = work_of(bench, variant, given)
    assert work.timer is not None
    taken = work.timer(2) / 2
    amount = next(iter(bench.count(given, inputs).values()))
    rates = [row[2] for row in work.facts["between"]]
    assert [tuple(row[:2]) for row in work.facts["between"]] == pairs(device, variant)
    mean = sum(rates if what == "latency" else (1 / rate for rate in rates)) / len(rates)
    assert mean == pytest.approx(taken / amount)
    assert work.facts["nodes"] == list(members(device))
    assert work.close is not None
    work.close()


def test_a_node_that_reads_less_is_caught(device: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block less than there is, is another sum; a hop less another line."""
    load, chase = matrix.simd_load, matrix.chase
    monkeypatch.setattr(matrix, "simd_load", lambda r, a, b, c, n, *more: load(r, a, b, c, n - 512, *more))
    monkeypatch.setattr(matrix, "chase", lambda at, hops, gate: chase(at, hops - 16, gate))
    for what in ("latency", "bandwidth"):
        given = {"device": device, "what": what, "size": 2**16, "pages": "4K"}
        assert "differs" in verdict(bench, "remote", given)


def test_pages_elsewhere_are_told() -> None:
    """The share of pages on the node whose thread touched them; none where the kernel does not tell."""

    class Seen:
        def __init__(self, nodes: dict[int, int]) -> None:
            self.nodes = nodes

    lying: Any = {0: [Seen({0: 10})], 1: [Seen({0: 5, 1: 5})]}
    assert matrix.placed(lying) == 0.75
    silent: Any = {0: [Seen({})]}
    assert matrix.placed(silent) is None


def between(rows: list[list[float]], **facts: Any) -> dict[str, Any]:
    return {"between": rows, "threads": 1, "nodes": [0, 1], **facts}


def test_the_finding() -> None:
    """Remote against local, the worst pair where there are several, and pages that lie elsewhere."""
    given = [
        (name, {"what": what}, time)
        for what in ("latency", "bandwidth")
        for name, time in (("local", 1.0), ("remote", 2.0))
    ]
    read = spread(reading(bench, given, {"hops": 10**7, "bytes": 10**11}))
    far = {"latency": [[0, 1, 190e-9], [1, 0, 180e-9]], "bandwidth": [[0, 1, 60e9], [1, 0, 50e9], [2, 0, 40e9]]}
    read.records = [
        msgspec.structs.replace(
            record,
            facts=between(far[str(record.params["what"])], placed=0.5 if record.params["what"] == "bandwidth" else 1.0),
        )
        for record in read.records
    ]
    assert said(read) == [
        "A load from another node's memory takes 200 ns (…), 2.00× slower than from its own (…).",
        "The cores of a node read another node's memory at 50.0 GB/s (…), 2.00× slower than their own (…); at worst "
        "40.0 GB/s from node 2 to memory of node 0, in the best round. Only 50% of the pages lie on the node that they "
        "were meant for.",
    ]
    assert all(one.endswith(STOLEN) for one in said(doubt(read)))
    assert said(reading(bench, given[:1], {"hops": 1})) == []


def test_a_buffer_tells_where_it_lies(device: CpuDevice) -> None:
    """Pages that were touched lie on some node of this machine, where the kernel tells at all."""
    buffer = device.buffer(2**16)
    buffer.array[:] = 1
    assert isinstance(buffer, Buffer)
    assert sum(buffer.nodes.values()) in (0, 2**16 // mmap.PAGESIZE)
    assert np.all(buffer.array == 1)
    buffer.close()
