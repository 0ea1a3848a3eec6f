"""Chains of an instruction: what threads are given, what they share, and what is checked after one call."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.benches import _chains
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels.assembly import Code, architecture
from hwbench.kernels.simd import Registers

ADD = {"x86_64": "addq {a}, {x}", "aarch64": "add {x}, {x}, {a}"}
LOAD = {"x86_64": "movq ({m}), {x}", "aarch64": "ldr {x}, [{m}]"}
here = pytest.mark.skipif(architecture() not in ADD, reason="no statement for this architecture")


@pytest.fixture(scope="module")
def device():
    made = CpuDevice()
    yield made
    made.close()


def code_of(texts, times=2):
    return Code(
        texts[architecture()], Registers("i8", 64, 2), times, clobbers=("flags",) * (architecture() == "x86_64")
    )


@here
def test_every_block_gets_every_step(device):
    """Two registers at a time, each `count` × `times` steps, from the same numbers at each call."""
    x, a = np.arange(6), np.array([5])
    threads = min(2, device.host.usable)
    work = _chains.on_crew(
        device, threads, code_of(ADD), 3, x, a, a,
        output=lambda places: np.array([place.target.view(np.int64) for place in places]), facts={"more": 1},
    )  # fmt: skip
    for _ in range(2):
        work.call()
        assert work.output().tolist() == [(x + 6 * 5).tolist()] * threads
    assert (work.facts["threads"], work.facts["more"]) == (threads, 1)
    work.close()


@here
@pytest.mark.parametrize("shared", [False, True])
def test_a_line_is_a_thread_s_own_unless_it_is_shared(device, shared):
    """What lies in a thread's line may be its address; shared it is that of the first thread."""
    if device.host.usable < 2:
        pytest.skip("one CPU may be used")
    work = _chains.on_crew(
        device, 2, code_of(LOAD), 1, np.zeros(2, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64),
        memory=lambda address: np.full(8, address), shared=shared, pointers=True,
        output=lambda places: [(int(place.target.view(np.int64)[0]), place.memory.ctypes.data,
                                int(place.source.view(np.int64)[1])) for place in places],
    )  # fmt: skip
    work.call()
    first, second = work.output()
    assert first == (first[1],) * 3
    assert second[0] == (first if shared else second)[1]
    assert second[2] == second[1]
    work.close()


def test_a_place_holds_what_it_is_given():
    """Numbers, a target that is no answer yet, operands of 64 bytes each, and a line."""
    x, a, b, line = np.arange(5.0), np.array([1, 2], np.int64), np.array([3], np.int64), np.arange(8)

    class Memory:
        array = np.zeros(_chains.Place.room(x, line), np.uint8)

    place = _chains.Place(Memory(), x, a, b, line)
    assert place.source.view(np.float64).tolist() == x.tolist()
    assert np.isnan(place.target.view(np.float64)).all()
    assert place.operands.view(np.int64).tolist() == [1, 2] * 4 + [3] * 8
    assert place.memory.view(np.int64).tolist() == line.tolist()
