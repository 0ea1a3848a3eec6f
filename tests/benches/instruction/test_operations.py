"""The instructions of the table: their loops, their operands, and what a chain ends with."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.benches.instruction import _operations, table
from hwbench.benches.instruction._operations import CYCLE, OPERATIONS, TURN, after
from hwbench.kernels.assembly import architecture

WAYS = [(name, way) for name, one in OPERATIONS.items() for way in table.WAYS if one.of(way)]


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_a_call_is_whole_turns_of_the_loop(name, way):
    """As many instructions a call for every kind, so that times are cycles; x has numbers for all chains."""
    operation = OPERATIONS[name]
    code, turn = operation.code(way)
    assert turn == TURN * code.registers.count * operation.each
    assert table.COUNT % turn == 0
    x, a, b = operation.operands(np.random.default_rng(1))
    assert x.nbytes >= code.nbytes
    assert x.dtype == np.dtype(operation.dtype)
    assert {64 % one.nbytes for one in (a, b)} == {0}
    assert code.registers.count == (1 if way == "latency" else operation.chains)


def test_each_instruction_stands_as_often_as_it_is_counted():
    """Texts of several instructions: eight jumps, sixteen branches."""
    assert OPERATIONS["branch-taken"].throughput.count("jmp 1f") == OPERATIONS["branch-taken"].each == 8
    assert OPERATIONS["branch-not-taken"].throughput.count("jz 1f") == OPERATIONS["branch-not-taken"].each == 16
    assert {name for name, one in OPERATIONS.items() if one.each > 1} == {"branch-taken", "branch-not-taken"}


def test_there_are_latency_and_throughput_of_what_has_them():
    """A pause and a branch have no result to wait for; a locked instruction waits for the one before."""
    assert [name for name, one in OPERATIONS.items() if not one.of("latency")] == [
        "pause", "branch-taken", "branch-not-taken",
    ]  # fmt: skip
    assert [name for name, one in OPERATIONS.items() if not one.of("throughput")] == ["swap", "swap-shared"]
    assert CYCLE.code("latency")[0].text == "addq {a}, {x}"


def test_chains_end_where_arithmetic_says():
    """Products wrap around, lanes rotate, indices follow the table, a quotient of 128 bits fits into 64."""

    def end(name, count):
        operation = OPERATIONS[name]
        x, a, b = operation.operands(np.random.default_rng(1))
        return x, after(operation, x, a, b, count)

    x, last = end("multiply-i8", 3)
    assert int(last.view(np.uint64)[0]) == 3 * _operations.DIVISOR**3 % 2**64
    assert end("shuffle", 9)[1][:8].tolist() == [1, 2, 3, 4, 5, 6, 7, 0]
    assert end("gather", 5)[1][:4].tolist() == [0, 1, 2, 3]
    x, last = end("divide-i8", 1)
    whole = (_operations.UPPER << 64) + int(x.view(np.uint64)[0])
    assert int(last.view(np.uint64)[0]) == whole // _operations.DIVISOR < 2**64
    x, last = end("fma-f4", 128)
    assert (last - x).tolist() == [128 * 2.0**-14] * x.size


@pytest.mark.parametrize("kind", ["f8", "f4"])
def test_roots_are_of_large_numbers_after_each_turn(kind):
    """Sixteen square roots end near 1 and not at it; the exponent added makes the next turn as long."""
    operation = OPERATIONS[f"root-{kind}"]
    x, a, b = operation.operands(np.random.default_rng(1))
    before, last = after(operation, x, a, b, TURN - 1), after(operation, x, a, b, TURN)
    assert (before > 1).all()
    assert (last > 2.0 ** (500 if kind == "f8" else 60)).all()
    assert np.isfinite(after(operation, x, a, b, 20 * TURN)).all()


def test_x86_is_what_the_texts_are_of():
    """Elsewhere the bench says so, and compiles nothing."""
    assert (table.lacking("add-f8") is None) == (architecture() == "x86_64" and {"avx2", "fma"} <= table.features())
