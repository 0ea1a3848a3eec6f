"""The views of the lecture's systems: what they show comes from the records, and no record can break them."""

import json

import msgspec
import numpy as np
import pytest

from hwbench.benches import dsp, systolic, workload
from hwbench.model import Cpu, Machine, Memory, Policy, Record, Run
from hwbench.report.sections import Figure, Steps, Table
from hwbench.report.views.lecture_dsp import view as dsp_view
from hwbench.report.views.lecture_house import view as house_view
from hwbench.report.views.lecture_systolic import SUBSCRIPT
from hwbench.report.views.lecture_systolic import view as systolic_view

BENCHES = {bench.name: bench for bench in (systolic.bench, dsp.dot, dsp.convolution, dsp.fft, workload.bench)}


def run_of(*records):
    machine = Machine(name="m", cpu=Cpu(model="x", arch="x86_64", logical=2, physical=2), memory=Memory(total=1 << 30))
    return Run(id="m-1", started="2026-01-01T00:00:00Z", machine=machine, policy=Policy(), records=list(records))


def record(bench, variant, params, seconds, counts=None, facts=None, status="ok"):
    plain = json.loads(msgspec.json.encode(facts or {}, enc_hook=lambda value: value.tolist()))
    return Record(
        bench=bench, version=1, variant=variant, device="cpu", params=params, status=status, loops=1,
        samples=[seconds] * 10, counts=counts or {}, facts=plain,
    )  # fmt: skip


def simulated(array, shape, variant="weight-stationary"):
    """A record with the facts of a real simulation and made-up seconds."""
    values = {"array": array, "shape": shape, "rng": np.random.default_rng(0)}
    work = systolic.bench.build(variant, values, systolic.bench.make_inputs(values))
    return record("systolic.matmul", variant, {"array": array, "shape": shape}, 1e-3, {"flops": 1.0}, work.facts)


def convolutions():
    """NumPy takes 1 µs a tap and overlap-add 100 µs: they cross at 100 taps."""
    return [
        record("dsp.convolution", name, {"n": 9999, "taps": taps, "dtype": "f8"}, seconds, {"flops": 2.0 * taps * 9999})
        for taps in (10, 40, 160, 640) for name, seconds in (("numpy", taps * 1e-6), ("oaconvolve", 1e-4))
    ]  # fmt: skip


def house(batch, dtype="f4", variant="numpy", **facts):
    whole = {
        "fold_rmse": [0.12, 0.14], "rmse": 0.13, "curve": [0.3, 0.2, 0.13], "steps": 9,
        "phases_s": {"gather": 1e-3, "forward": 3e-3, "backward": 4e-3, "update": 2e-3},
    }  # fmt: skip
    params = {"data": "ames", "batch": batch, "dtype": dtype, "optimizer": "adam"}
    return record("workload.house_prices", variant, params, 0.01, {"flops": 1.0}, whole | facts)


def blocks(section, kind):
    return [block for block in section.blocks if isinstance(block, kind)]


# --- systolic ---------------------------------------------------------------------------------------------------------


def test_the_stepper_has_the_slides_frames():
    """Eight frames, time 0 to 7; y₁₁ first stands in the one of time 4, and is the only result there."""
    section = systolic_view([run_of(simulated("3x3", "3x3x2"))])
    (steps,) = blocks(section, Steps)
    texts = [" ".join(line for row in frame.rows for cell in row for line in cell.lines) for frame in steps.frames]
    assert [frame.title for frame in steps.frames] == [f"Time {time}" for time in range(8)]
    assert ["y₁₁" in text for text in texts] == [False] * 4 + [True] * 4
    assert "y₁₂" not in texts[4]
    assert "y₂₁" not in texts[4]
    assert all(f"y{row}{column}".translate(SUBSCRIPT) in texts[7] for row in "123" for column in "12")


def test_every_x_waits_until_it_enters():
    """At time 0 all six x wait outside, and at each time none is both outside and in its row's first element."""
    (steps,) = blocks(systolic_view([run_of(simulated("3x3", "3x3x2"))]), Steps)
    waiting = [[cell.lines[0] for row in frame.rows for cell in row if cell.mark == "wait"] for frame in steps.frames]
    assert sorted(waiting[0]) == sorted(f"x{i}{j}".translate(SUBSCRIPT) for i in "123" for j in "12")
    assert [len(names) for names in waiting] == [6, 5, 3, 1, 0, 0, 0, 0]


def test_utilisation_and_cycles_stand_in_the_tables():
    """Every array and batch is a row of the chart's table; counted cycles stand beside the closed form's."""
    section = systolic_view([run_of(simulated("8x8", "16x16x4"), simulated("16x16", "16x16x4"))])
    busy, _ = blocks(section, Figure)
    assert len(busy.table.rows) == 2 * len(systolic.BATCHES)
    (table,) = blocks(section, Table)
    assert all(row[3] == row[4] for row in table.rows)
    assert not blocks(section, Steps)


# --- signal processing ------------------------------------------------------------------------------------------------


def test_the_crossover_is_where_the_lines_cross():
    """Power laws that cross at 100 taps are said to cross there."""
    section = dsp_view([run_of(*convolutions())])
    (figure,) = blocks(section, Figure)
    assert "oaconvolve passes numpy at 100 taps" in figure.panels[0].note


def test_a_share_of_the_roof_is_of_own_operations_and_measured_limits():
    """Half the measured peak reads 50%; an FFT's saved operations do not count as done."""
    peak = record("peak.fma", "512", {"dtype": "f8", "threads": 1, "chains": 12}, 1.0, {"flops": 10e9}, {"threads": 1})
    params = {"n": 1, "taps": 8, "dtype": "f8"}
    direct = record("dsp.convolution", "numba", params, 1.0, {"flops": 1e9}, {"own_flops": 5e9})
    other = record("dsp.convolution", "oaconvolve", params, 0.001, {"flops": 1e9})
    (table,) = blocks(dsp_view([run_of(peak, direct, other)]), Table)
    assert [row[4] for row in table.rows] == ["50%", "–"]


# --- house prices -----------------------------------------------------------------------------------------------------


def test_house_prices_show_errors_times_and_shares():
    """The mean of the folds is the headline; shares of the phases add up to the epoch."""
    section = house_view([run_of(house(16), house(64), house(64, "f8"))])
    tiles, times, shares, quality = section.blocks
    assert tiles.tiles[0].value == "0.130"
    assert [row[1] for row in times.table.rows] == ["16", "64", "64"]
    assert shares.table.rows[0][2:] == ("10%", "30%", "40%", "20%", "10.0")
    drawn = [row for row in shares.panels[0].spec["datasets"]["marks"] if row["case"] == "numpy, float32, batch 16"]
    assert [(row["low"], row["high"]) for row in drawn] == [(0, 10), (10, 40), (40, 80), (80, 100)]
    assert quality.table.rows[0][-1] == "0.1300"


# --- what files may hold ----------------------------------------------------------------------------------------------

ODD = [None, "x", -1, 0, [], {}, [None], [[1]], {"a": 1}, 1e308, True]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "fact", ["frames", "w", "x", "y", "rows", "cycles", "batches", "cycles_by_batch", "utilisation", "words_per_cycle"]
)
def test_odd_facts_of_a_systolic_record_break_nothing(fact, odd):
    """A record may lose its place in the section, never the page."""
    good = simulated("3x3", "3x3x2")
    bad = msgspec.structs.replace(good, facts=good.facts | {fact: odd})
    section = systolic_view([run_of(bad, simulated("8x8", "16x16x4"))])
    assert section is not None


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("fact", ["fold_rmse", "curve", "phases_s", "steps"])
def test_odd_facts_of_a_house_record_break_nothing(fact, odd):
    """The sound record beside it is shown all the same."""
    assert house_view([run_of(house(16, **{fact: odd}), house(64))]) is not None


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("fact", ["own_flops", "own_bytes", "footprint", "threads"])
def test_odd_facts_of_a_transform_break_nothing(fact, odd):
    """The table stands whatever a file says of operations and bytes."""
    rows = [record("dsp.fft", "numpy", {"n": n, "dtype": "f8"}, 1e-3, {"flops": 1e6}, {fact: odd}) for n in (256, 4096)]
    assert dsp_view([run_of(*rows, *convolutions())]) is not None


@pytest.mark.parametrize("view", [systolic_view, dsp_view, house_view])
def test_a_run_without_these_benches_has_no_section(view):
    """None, and the page has no heading for nothing."""
    assert view([run_of()]) is None
