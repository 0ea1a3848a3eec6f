"""Blocks of registers: which are tried where, that each compiles to what it says, and that all give one answer."""

from dataclasses import replace

import numpy as np
import pytest

from hwbench.benches.stream import _arrays, _blocks, stream
from hwbench.devices.choices import Choice, Choices
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels.cpu_features import stream_width
from hwbench.kernels.simd import Registers
from inspection import listing
from inspection.variants import values_of, verdict

ROWS = {row.name: row for row in (stream.LOAD, stream.STORE, stream.COPY, stream.TRIAD, stream.ADD)}
BITS = stream_width()
ARGUMENTS = (listing.INT,) * 6


@pytest.fixture(scope="module")
def device():
    made = CpuDevice()
    yield made
    made.close()


def names(row, bits=BITS, nt=False, level="L2"):
    return [block.name for block in _blocks.blocks(ROWS[row], Registers("f8", bits, 8, nt), level)]


def test_candidates_are_three_at_most_and_the_default_comes_first():
    """Registers by row; for non-temporal stores one register a block and, where two arrays move, two streams."""
    assert names("load", 256) == names("copy", 256) == ["8", "4", "16"]
    assert names("store", 256) == ["8", "4"]
    assert names("add", 256) == ["8"]
    assert names("copy", 256, level="DRAM")[:2] == names("triad", 256, level="DRAM")[:2] == ["4", "8"]
    assert names("load", 256, level="DRAM")[0] == "8"
    assert names("copy", 256, nt=True) == names("triad", 256, nt=True) == ["2 in 2 streams", "8", "1"]
    assert names("store", 256, nt=True) == ["8", "1"]


def test_a_block_fits_the_arrays_and_the_registers(monkeypatch):
    """Arrays are cut to whole blocks of the largest candidate; a triad of sixteen needs more than AVX2 has."""
    for row in ROWS:
        for bits in (128, 256, 512):
            for nt in (False, True):
                registers = Registers("f8", bits, 8, nt)
                for block in _blocks.blocks(ROWS[row], registers, "DRAM"):
                    assert _arrays.GRANULE % (block.registers.nbytes * block.streams) == 0
    monkeypatch.setattr(_blocks, "vector_registers", lambda: 16)
    assert names("triad", 256) == ["8", "4"]
    monkeypatch.setattr(_blocks, "vector_registers", lambda: 32)
    assert names("triad", 256) == ["8", "4", "16"]


def here() -> list:
    found = []
    for row in ROWS.values():
        for nt in (False, True) if row.writes else (False,):
            registers = Registers("f8" if row.writes else "i8", BITS, 8, nt)
            found += [
                pytest.param(row, block, id=f"{row.name} {block.name}{' nt' * nt}")
                for block in _blocks.blocks(row, registers, "DRAM")
            ]
    return found


@listing.needs_x86
@pytest.mark.parametrize(("row", "block"), here())
def test_each_candidate_compiles_to_what_it_says(row, block):
    """A block is one load, operation and store a register of full width in the innermost loop, without spills."""
    code = listing.loops(listing.assembly(block.kernel, block.registers, ARGUMENTS))
    body = max(code, key=lambda body: listing.count(body, r"\(%.*[xyz]mm|[xyz]mm.*\(%"))
    register = rf"%{listing.NAMES[BITS]}\d+"
    steps = block.registers.count * block.streams
    stored = listing.count(body, rf"^v?mov{'nt' if block.registers.nt else 'a'}\w+\s+{register}, .*\)$")
    read = listing.count(body, rf"^v\w+\s.*\(.*{register}$")
    assert stored == row.writes * steps
    assert read == row.reads * steps
    assert listing.count(body, r"%rsp") == 0, body


@pytest.mark.parametrize("variant", ["simd", "simd-nt"])
@pytest.mark.parametrize("name", ["load", "store", "copy", "triad"])
@pytest.mark.parametrize("size", [60_000, 2**20])
def test_every_candidate_gives_the_reference_answer(monkeypatch, name, variant, size):
    """Whatever a probe chooses, the answer is right to the bit, and the facts say what was chosen."""
    row, bench = ROWS[name], getattr(stream, f"{name}_bench")
    if variant not in bench.variants:
        pytest.skip("no stores")
    registers = Registers("f8" if row.writes else "i8", BITS, 8, variant == "simd-nt")
    for block in _blocks.blocks(row, registers, "DRAM"):
        monkeypatch.setattr(Choices, "get", lambda *given, block=block: Choice(block.name))
        values = values_of(bench, size=size, threads=1, pages="4K")
        assert verdict(bench, variant, values) == ""
        work = bench.build(variant, values, bench.make_inputs(values))
        assert (work.facts["registers"], work.facts["streams"]) == (block.registers.count, block.streams)
        work.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_probe_runs_on_the_arrays_themselves(device, monkeypatch, threads):
    """Each call and pass of a way runs the kernel on every thread, on the next slice of large arrays."""
    if threads > device.host.usable:
        pytest.skip("one CPU may be used")
    monkeypatch.setattr(_blocks, "SLICE", 3 * 4096)
    row = replace(stream.TRIAD)
    made = _arrays.of_a_crew(row, device, [np.arange(1.0, 9), np.arange(1.0, 9)], 3 * 20_480, threads, "4K")
    calls = []

    def kernel(_registers, a, b, c, nbytes, passes, gate):
        calls.append((a, b, c, nbytes, passes))

    block = _blocks.Block(kernel, Registers("f8", BITS, 8))
    ways = _blocks.ways(row, {"8": block}, device, made)
    assert ways["8"](2) > 0
    first, later = calls[:threads], calls[threads:]
    assert {(nbytes, passes) for *_, nbytes, passes in calls} == {(4096, 1)}
    assert {a for a, *_ in first} == {arrays.words[0].ctypes.data for arrays in made}
    assert len(later) == 2 * threads
    assert {a for a, *_ in later} == {arrays.words[0].ctypes.data + k * 4096 for arrays in made for k in (1, 2)}
    for arrays in made:
        arrays.buffer.close()


def test_levels_are_those_that_hold_the_size(device):
    """By what each thread gets of the reported caches; memory beyond them."""
    levels = device.host.levels()
    if not levels:
        pytest.skip("no caches are reported")
    active = device.host.order[:1]
    assert _blocks.level_of(device, 4096, 1) == f"L{levels[0]}"
    for level in levels:
        assert _blocks.level_of(device, device.host.share(level, active), 1) == f"L{level}"
    assert _blocks.level_of(device, device.host.share(levels[-1], active) + 1, 1) == "DRAM"


def test_a_real_probe_chooses_one_of_the_candidates(device, monkeypatch):
    """From arrays to a name, by a clock; what is chosen is asked of the device by row, registers, level and threads."""
    asked = {}

    def get(_self, name, among, probe):
        asked[name] = (among, probe())
        return Choice(asked[name][1], contradicted="4")

    monkeypatch.setattr(Choices, "get", get)
    values = values_of(stream.copy_bench, size=16_384, threads=1, pages="4K")
    work = stream.copy_bench.build("simd", values | {"device": device}, stream.copy_bench.make_inputs(values))
    work.close()
    assert work.facts["choice_contradicted"] == "4"
    [(name, (among, found))] = asked.items()
    assert name.startswith(f"stream.copy f8 {BITS} ")
    assert name.endswith(" 1")
    assert found in among
