"""The systolic array: right results, cycles as in the closed form, and the frames of the lecture's example."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwbench.benches.systolic import _simulator
from hwbench.benches.systolic._simulator import SystolicArray, frames, simulate
from hwbench.benches.systolic._tiling import FLOWS, Tiling
from inspection.machine_code import moved_by_vectors, needs_x86, simple_loops

small = st.integers(1, 13)
sides = st.integers(1, 7)
large = st.integers(1, 300)


def operands(tiling, seed=0):
    rng = np.random.default_rng(seed)
    w = rng.integers(-8, 8, (tiling.m, tiling.k)).astype(np.float32)
    return w, rng.integers(-8, 8, (tiling.k, tiling.n)).astype(np.float32)


@pytest.mark.parametrize("flow", FLOWS)
@settings(max_examples=150, deadline=None)
@given(m=small, k=small, n=small, rows=sides, columns=sides, double=st.booleans())
def test_any_product_on_any_array_is_numpys_in_as_many_cycles_as_the_closed_form(flow, m, k, n, rows, columns, double):
    """Results equal NumPy's bit for bit; cycles and the words that crossed the edge equal the closed forms."""
    tiling = Tiling(flow, rows, columns, m, k, n, double)
    w, x = operands(tiling, seed=m * k * n)
    y = np.full((m, n), np.nan, np.float32)
    outcome = simulate(tiling, w, x, y)
    assert np.array_equal(y, w @ x)
    assert outcome.cycles == tiling.cycles
    assert outcome.words == tiling.words


@pytest.mark.parametrize("flow", FLOWS)
def test_each_computation_begins_with_an_array_at_rest(flow):
    """Thrice in one call gives what once does: results, cycles and words."""
    tiling = Tiling(flow, 3, 2, 5, 7, 4)
    w, x = operands(tiling)
    array = SystolicArray.of(tiling, w, x, np.full((5, 4), np.nan, np.float32))
    once, thrice = array.compute(), array.compute(3)
    assert once == thrice
    assert (once.cycles, once.words) == (tiling.cycles, tiling.words)
    assert np.array_equal(array.y, w @ x)


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_lies_between_the_rows_reaches_no_result(flow, value):
    """An x that is no number spoils its own column of results and no other."""
    tiling = Tiling(flow, 3, 2, 6, 6, 4)
    w, x = operands(tiling)
    w[w == 0] = 1
    x[2, 1] = value
    y = np.zeros((6, 4), np.float32)
    simulate(tiling, w, x, y)
    assert np.array_equal(y, w @ x, equal_nan=True)


@needs_x86
@pytest.mark.parametrize("flow", FLOWS)
def test_an_edge_is_one_loop_over_vectors(flow):
    """LLVM multiplies whole vectors of PEs, though an edge works on more arrays than it would compare addresses of."""
    array = SystolicArray.of(tiling := Tiling(flow, 3, 3, 3, 3, 2), *operands(tiling), np.zeros((3, 2), np.float32))
    kernel = _simulator.run_weights if tiling.weights_stay else _simulator.run_outputs
    loops = simple_loops(
        kernel, 1, 0, 1, array.state, array.tags, array.ports, array.w, array.x, array.y, tiling.numbers,
        array.moved,
    )  # fmt: skip
    assert any(moved_by_vectors(loop, "mul") for loop in loops)


@pytest.mark.parametrize(
    ("flow", "rows", "columns", "m", "k", "n", "cycles"),
    [
        ("weight-stationary", 3, 3, 3, 3, 2, 3 + 7),  # the lecture: 7 after the weights are in place
        ("weight-stationary", 1, 1, 1, 1, 1, 1 + 2),  # load, multiply, leave
        ("weight-stationary", 4, 4, 8, 8, 10, 4 + 3 * 10 + (10 + 4 + 4 - 1)),
        ("weight-stationary", 4, 4, 8, 8, 1, 4 + 3 * 4 + (1 + 4 + 4 - 1)),
        ("output-stationary", 3, 3, 3, 3, 2, 3 + 2 * 3 + 2 - 2),
        ("output-stationary", 1, 1, 1, 1, 1, 2),
    ],
)
def test_cycles_by_hand(flow, rows, columns, m, k, n, cycles):
    """Products whose cycles are counted by hand take so many, by the formula and in the simulator."""
    tiling = Tiling(flow, rows, columns, m, k, n)
    w, x = operands(tiling)
    assert tiling.cycles == cycles
    assert simulate(tiling, w, x, np.zeros((m, n), np.float32)).cycles == cycles


@pytest.mark.parametrize("flow", FLOWS)
def test_an_interval_that_is_too_short_is_noticed(flow, monkeypatch):
    """If tiles follow each other sooner than the links allow, the result is wrong or the simulator says so."""
    tiling = Tiling(flow, 4, 4, 8, 3 if flow == FLOWS[1] else 8, 8 if flow == FLOWS[1] else 2)
    w, x = operands(tiling)
    y = np.zeros((tiling.m, tiling.n), np.float32)
    short = tiling.interval - 1
    monkeypatch.setattr(Tiling, "interval", property(lambda self: short))
    try:
        simulate(tiling, w, x, y)
    except RuntimeError:
        return
    assert not np.array_equal(y, w @ x)


def lecture():
    tiling = Tiling("weight-stationary", 3, 3, 3, 3, 2)
    w, x = operands(tiling, seed=3)
    return w, x, frames(tiling, w, x)


def test_the_lectures_example_runs_from_time_0_to_7_and_y11_leaves_at_4():
    """Eight frames as in the slides: nothing has left at time 3, y11 has at time 4, everything at time 7."""
    _, _, shots = lecture()
    assert len(shots) == 8
    assert [shot["left"] for shot in shots[:5]] == [[], [], [], [], [[1, 1]]]
    assert sorted(shots[7]["left"]) == [[row, column] for row in (1, 2, 3) for column in (1, 2)]
    assert [3, 2] not in shots[6]["left"]


def test_each_frame_holds_partial_sums_of_the_definition():
    """PE (i, j) holding x's column n has the sum of w[j, 0..i] x[0..i, n], at time n + i + j + 1, and its weight."""
    w, x, shots = lecture()
    for time, shot in enumerate(shots):
        for i in range(3):
            for j in range(3):
                column = time - 1 - i - j
                if 0 <= column < 2:
                    assert shot["column"][i][j] == column + 1
                    assert shot["sum"][i][j] == w[j, : i + 1] @ x[: i + 1, column]
                else:
                    assert shot["column"][i][j] == 0
                assert shot["weights"][i][j] == w[j, i]


def test_frames_are_for_one_tile():
    """What does not fit into the array at once has no frames."""
    tiling = Tiling("weight-stationary", 2, 2, 3, 3, 2)
    with pytest.raises(ValueError, match="one tile"):
        frames(tiling, *operands(tiling))


def test_registers_latch_together():
    """One edge moves an x by one PE and no further."""
    tiling = Tiling("weight-stationary", 1, 3, 3, 1, 1)
    shots = frames(tiling, *operands(tiling))
    assert [[bool(tag) for tag in shot["column"][0]] for shot in shots[:4]] == [
        [False, False, False], [True, False, False], [False, True, False], [False, False, True],
    ]  # fmt: skip
