"""The systolic array: right results, cycles as in the closed form, and the frames of the lecture's example."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwbench.benches.systolic import _simulator, matmul
from hwbench.benches.systolic._simulator import FLOWS, Machine, Plan, frames, simulate
from hwbench.devices.cpu import CpuDevice
from inspection.machine_code import moved_by_vectors, needs_x86, simple_loops

small = st.integers(1, 13)
sides = st.integers(1, 7)
large = st.integers(1, 300)


def operands(plan, seed=0):
    rng = np.random.default_rng(seed)
    w = rng.integers(-8, 8, (plan.m, plan.k)).astype(np.float32)
    return w, rng.integers(-8, 8, (plan.k, plan.n)).astype(np.float32)


@pytest.mark.parametrize("flow", FLOWS)
@settings(max_examples=150, deadline=None)
@given(m=small, k=small, n=small, rows=sides, columns=sides, double=st.booleans())
def test_any_product_on_any_array_is_numpys_in_as_many_cycles_as_the_closed_form(flow, m, k, n, rows, columns, double):
    """Results equal NumPy's bit for bit; cycles and the words that crossed the edge equal the closed forms."""
    plan = Plan(flow, rows, columns, m, k, n, double)
    w, x = operands(plan, seed=m * k * n)
    y = np.full((m, n), np.nan, np.float32)
    outcome = simulate(plan, w, x, y)
    assert np.array_equal(y, w @ x)
    assert outcome.cycles == plan.cycles
    assert outcome.words == plan.words


@pytest.mark.parametrize("flow", FLOWS)
def test_each_computation_begins_with_an_array_at_rest(flow):
    """Thrice in one call gives what once does: results, cycles and words."""
    plan = Plan(flow, 3, 2, 5, 7, 4)
    w, x = operands(plan)
    machine = Machine.of(plan, w, x, np.full((5, 4), np.nan, np.float32))
    once, thrice = machine.compute(), machine.compute(3)
    assert once == thrice
    assert (once.cycles, once.words) == (plan.cycles, plan.words)
    assert np.array_equal(machine.y, w @ x)


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_lies_between_the_rows_reaches_no_result(flow, value):
    """An x that is no number spoils its own column of results and no other."""
    plan = Plan(flow, 3, 2, 6, 6, 4)
    w, x = operands(plan)
    w[w == 0] = 1
    x[2, 1] = value
    y = np.zeros((6, 4), np.float32)
    simulate(plan, w, x, y)
    assert np.array_equal(y, w @ x, equal_nan=True)


@needs_x86
@pytest.mark.parametrize("flow", FLOWS)
def test_an_edge_is_one_loop_over_vectors(flow):
    """LLVM multiplies whole vectors of PEs, though an edge works on more arrays than it would compare addresses of."""
    machine = Machine.of(plan := Plan(flow, 3, 3, 3, 3, 2), *operands(plan), np.zeros((3, 2), np.float32))
    kernel = _simulator.run_weights if plan.weights_stay else _simulator.run_outputs
    loops = simple_loops(
        kernel, 1, 0, 1, machine.state, machine.tags, machine.ports, machine.w, machine.x, machine.y, plan.numbers,
        machine.moved,
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
    plan = Plan(flow, rows, columns, m, k, n)
    w, x = operands(plan)
    assert plan.cycles == cycles
    assert simulate(plan, w, x, np.zeros((m, n), np.float32)).cycles == cycles


def test_double_buffering_hides_the_loading_of_weights():
    """With a second register a tile follows after max(n, rows) cycles, with one after n + rows."""
    double, single = (Plan("weight-stationary", 8, 8, 64, 64, 16, twice) for twice in (True, False))
    assert single.cycles - double.cycles == (double.tiles - 1) * 8


@pytest.mark.parametrize("flow", FLOWS)
def test_an_interval_that_is_too_short_is_noticed(flow, monkeypatch):
    """If tiles follow each other sooner than the links allow, the result is wrong or the simulator says so."""
    plan = Plan(flow, 4, 4, 8, 3 if flow == FLOWS[1] else 8, 8 if flow == FLOWS[1] else 2)
    w, x = operands(plan)
    y = np.zeros((plan.m, plan.n), np.float32)
    short = plan.interval - 1
    monkeypatch.setattr(Plan, "interval", property(lambda self: short))
    try:
        simulate(plan, w, x, y)
    except RuntimeError:
        return
    assert not np.array_equal(y, w @ x)


def lecture():
    plan = Plan("weight-stationary", 3, 3, 3, 3, 2)
    w, x = operands(plan, seed=3)
    return w, x, frames(plan, w, x)


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
    plan = Plan("weight-stationary", 2, 2, 3, 3, 2)
    with pytest.raises(ValueError, match="one tile"):
        frames(plan, *operands(plan))


@settings(max_examples=200, deadline=None)
@given(m=large, k=large, n=large, rows=st.integers(1, 64), columns=st.integers(1, 64))
def test_no_array_does_more_than_all_its_multipliers_can(m, k, n, rows, columns):
    """Utilisation lies above 0 and never above 1, and weight-stationary rises with the batch."""
    for flow in FLOWS:
        assert 0 < Plan(flow, rows, columns, m, k, n).utilisation <= 1
    more = Plan(FLOWS[0], rows, columns, m, k, n + 1).utilisation
    assert more >= Plan(FLOWS[0], rows, columns, m, k, n).utilisation


@pytest.mark.parametrize("text", ["", "3", "3x", "3x3x3", "0x3", "-1x3", "2000x2", "3 x 3 x", "axb", "1e3x2", "٣x٣"])
def test_an_array_that_is_none_is_refused_in_one_line(text):
    """What is no two sides from 1 to 1024 raises ValueError that quotes it."""
    with pytest.raises(ValueError, match="'") as caught:
        matmul.text_of_array(text)
    assert "\n" not in str(caught.value)


def test_sides_are_read_as_people_write_them():
    """Both kinds of cross are read; the axis states one."""
    assert matmul.text_of_array("128×64") == "128x64"
    assert matmul.text_of_shape("2X3x4") == "2x3x4"


@pytest.mark.parametrize("variant", list(matmul.bench.variants))
def test_each_variant_gives_the_exact_product_and_plain_facts(variant):
    """On an array that the operands do not fit, every variant gives W X, and cycles equal the closed form."""
    values = {"array": "4x3", "shape": "7x9x5", "rng": np.random.default_rng(1), "device": CpuDevice()}
    inputs = matmul.bench.make_inputs(values)
    work = matmul.bench.build(variant, values, inputs)
    for call in [work.call, lambda: work.repeat(3)] if work.repeat else [work.call]:
        work.output()[:] = 0
        call()
        assert np.array_equal(work.output(), matmul.bench.ask("reference", values, inputs))
    if variant in FLOWS:
        assert work.facts["cycles"] == work.facts["closed_form"]
        assert len(work.facts["batches"]) == len(work.facts["cycles_by_batch"])


def test_a_product_that_would_take_hours_is_skipped_with_a_reason():
    """Before anything is simulated."""
    w = np.zeros((65536, 4096), np.float32)
    with pytest.raises(matmul.Skip, match="PE-cycles"):
        matmul.simulated("weight-stationary", w, np.zeros((4096, 4096), np.float32), "1x1")


def test_registers_latch_together():
    """One edge moves an x by one PE and no further."""
    plan = Plan("weight-stationary", 1, 3, 3, 1, 1)
    shots = _simulator.frames(plan, *operands(plan))
    assert [[bool(tag) for tag in shot["column"][0]] for shot in shots[:4]] == [
        [False, False, False], [True, False, False], [False, True, False], [False, False, True],
    ]  # fmt: skip
