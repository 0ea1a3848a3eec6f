"""The views of the lecture's systems: what they show comes from the records, and no record can break them."""

import json

import msgspec
import numpy as np
import pytest

from hwbench.benches.dsp import convolution, fft
from hwbench.benches.dsp import dot as benches_dsp_dot
from hwbench.benches.systolic import matmul
from hwbench.benches.workload import house_prices
from hwbench.record.model import Cpu, Machine, Memory, Policy, Record, Run
from hwbench.report.sections import Figure, Steps, Table
from hwbench.report.views.applications.dsp import view as dsp_view
from hwbench.report.views.applications.house_prices import view as house_view
from hwbench.report.views.applications.systolic import view as systolic_view
from hwbench.report.views.applications.systolic_frames import SUBSCRIPT

BENCHES = {
    bench.name: bench
    for bench in (matmul.bench, benches_dsp_dot.dot, convolution.convolution, fft.fft, house_prices.bench)
}


def run_of(*records):
    machine = Machine(name="m", cpu=Cpu(model="x", arch="x86_64", logical=2, physical=2), memory=Memory(total=1 << 30))
    return Run(id="m-1", started="2026-01-01T00:00:00Z", machine=machine, policy=Policy(), records=list(records))


def record(bench, variant, params, seconds, counts=None, facts=None, status="ok", device="cpu"):
    plain = json.loads(msgspec.json.encode(facts or {}, enc_hook=lambda value: value.tolist()))
    return Record(
        bench=bench, version=1, variant=variant, device=device, params=params, status=status, loops=1,
        samples=[seconds] * 10, counts=counts or {}, facts=plain,
    )  # fmt: skip


def simulated(array, shape, variant="weight-stationary"):
    """A record with the facts of a real simulation and made-up seconds."""
    values = {"array": array, "shape": shape, "rng": np.random.default_rng(0)}
    work = matmul.bench.build(variant, values, matmul.bench.make_inputs(values))
    return record("systolic.matmul", variant, {"array": array, "shape": shape}, 1e-3, {"flops": 1.0}, work.facts)


def convolutions():
    """NumPy takes 1 µs a tap and overlap-add 100 µs: they cross at 100 taps."""
    return [
        record("dsp.convolution", name, {"n": 9999, "taps": taps, "dtype": "f8"}, seconds, {"flops": 2.0 * taps * 9999})
        for taps in (10, 40, 160, 640) for name, seconds in (("numpy", taps * 1e-6), ("oaconvolve", 1e-4))
    ]  # fmt: skip


def house(batch, dtype="f4", variant="numpy", seconds=0.01, **facts):
    whole = {
        "fold_rmse": [0.12, 0.14], "rmse": 0.13, "curve": [0.3, 0.2, 0.13], "steps": 9,
        "phases_s": {"gather": 1e-3, "forward": 3e-3, "backward": 4e-3, "update": 2e-3},
    }  # fmt: skip
    params = {"data": "ames", "batch": batch, "dtype": dtype, "optimizer": "adam"}
    device = "gpu:0" if variant.startswith("cupy") else "cpu"
    return record("workload.house_prices", variant, params, seconds, {"flops": 1.0}, whole | facts, device=device)


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
    assert len(busy.table.rows) == 2 * len(matmul.BATCHES)
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


def on_gpu(bench, variant, params, seconds, **more):
    """A record of gpu:0, whose data lie in its memory of 50 MiB of L2."""
    facts = {"footprint": 2**30, "l2_bytes": 50 * 2**20} | more.pop("facts", {})
    return record(bench, variant, params, seconds, facts=facts, device="gpu:0", **more)


def test_a_gpus_roof_is_its_own():
    """Half of its copy and a tenth of its peak, whatever the CPU loads; without roofs of its own it has none."""
    dot = {"bench": "dsp.dot", "variant": "cupy", "params": {"size": "HBM", "dtype": "f8"}, "seconds": 1.0}
    mine = on_gpu(**dot, counts={"bytes": 1e9, "flops": 125e6})
    level_of_the_cpu = on_gpu(
        **(dot | {"params": {"size": "L2", "dtype": "f8"}}), counts={"bytes": 1e9, "flops": 125e6}
    )
    copy = on_gpu("device.stream", "bytes16", {"kernel": "copy", "size": "HBM"}, 1.0, counts={"bytes": 2e9})
    peak = on_gpu("device.peak", "fma", {"dtype": "f8", "chains": 8}, 1.0, counts={"flops": 2.5e9})
    load = record("stream.load", "simd", {"size": "L2", "dtype": "f8"}, 1.0, {"bytes": 1e9}, {"threads": 1})
    fma = record("peak.fma", "512", {"dtype": "f8", "threads": 1, "chains": 12}, 1.0, {"flops": 1e9}, {"threads": 1})
    (table,) = blocks(dsp_view([run_of(mine, copy, peak, load, fma)]), Table)
    assert table.rows[0][3:5] == ("HBM copy", "50%")
    (table,) = blocks(dsp_view([run_of(mine, level_of_the_cpu, load, fma)]), Table)
    assert [row[3] for row in table.rows] == ["–", "–"]


def test_a_gpu_stands_beside_the_cpu_where_it_was_measured():
    """Its convolutions are a line of the chart; without them nobody speaks of a GPU."""
    cpu = convolutions()
    gpu = [on_gpu("dsp.convolution", "cupy", r.params, 5e-5, counts=r.counts) for r in cpu if r.variant == "numpy"]
    with_gpu, without = dsp_view([run_of(*cpu, *gpu)]), dsp_view([run_of(*cpu)])
    assert "on this machine's GPU, by CuPy" in with_gpu.intro[0]
    assert [key.label for key in blocks(with_gpu, Figure)[0].legend] == ["numpy", "oaconvolve", "cupy"]
    assert "GPU" not in " ".join(without.intro)


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


def test_the_intro_tells_what_was_learnt_from():
    """Sales, table and columns are those of the records; without them no number is claimed."""
    own = house_view([run_of(house(16, sales=2930, columns=338))]).intro[0]
    assert "workload: 2,930 house sales in Ames, Iowa (De Cock 2011), 338 numbers each, a network" in own
    theirs = house(16, sales=1460, columns=331)
    theirs = msgspec.structs.replace(theirs, params=theirs.params | {"data": "/home/x/train.csv"})
    assert "workload: 1,460 house sales of train.csv, 331 numbers each, a" in house_view([run_of(theirs)]).intro[0]
    assert "workload: house sales in Ames, Iowa (De Cock 2011), a network" in house_view([run_of(house(16))]).intro[0]


def gpu_houses():
    """An epoch of 100 ms, of which the GPU works 10; with each batch sent it takes 150."""
    return [
        house(16, seconds=0.05),
        house(16, variant="cupy", seconds=0.1, busy_s=0.01),
        house(16, variant="cupy-copies", seconds=0.15,
              phases_s={"gather": 1e-3, "send": 4e-3, "forward": 1e-3, "backward": 1e-3, "update": 3e-3}),
    ]  # fmt: skip


def test_launch_and_transfer_are_what_the_gpu_does_not_work():
    """10% work and 90% launches; with copies a third waits for data. The CPU has no row."""
    section = house_view([run_of(*gpu_houses())])
    (figure,) = [block for block in blocks(section, Figure) if block.title == "Launch and transfer"]
    assert figure.table.rows == [
        ("cupy, float32", "16", "10%", "–", "90%", "100", "ok"),
        ("cupy-copies, float32", "16", "6.67%", "33%", "60%", "150", "ok"),
    ]
    drawn = figure.panels[0].spec["datasets"]["marks"]
    assert [(row["phase"], row["high"]) for row in drawn if row["case"].startswith("cupy-copies")] == [
        ("the GPU works", pytest.approx(20 / 3)), ("waits for data", pytest.approx(40)),
        ("waits for launches", pytest.approx(100)),
    ]  # fmt: skip


def test_sending_is_a_phase_of_those_that_send():
    """A column of the shares where somebody sends; a dash for who does not; no column where nobody does."""
    with_gpu = house_view([run_of(*gpu_houses())]).blocks[2].table
    assert with_gpu.head[2:4] == ("gather a batch", "send it to the GPU")
    assert [row[3] for row in with_gpu.rows] == ["–", "40%", "–"]
    assert "send it to the GPU" not in house_view([run_of(house(16))]).blocks[2].table.head


def test_without_a_gpus_own_working_time_no_share_is_claimed():
    """Nor for copies whose counterpart is missing."""
    cpu, kept, sent = gpu_houses()
    unknown = msgspec.structs.replace(kept, facts=kept.facts | {"busy_s": None})
    for records in ((cpu,), (cpu, unknown, sent), (cpu, sent)):
        titles = [block.title for block in blocks(house_view([run_of(*records)]), Figure)]
        assert "Launch and transfer" not in titles


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


@pytest.mark.parametrize("odd", [*ODD, 1e-3])
@pytest.mark.parametrize("fact", ["busy_s", "phases_s", "fold_rmse"])
def test_odd_facts_of_a_gpus_epoch_break_nothing(fact, odd):
    """The CPU beside it is shown all the same."""
    cpu, kept, sent = gpu_houses()
    bad = msgspec.structs.replace(kept, facts=kept.facts | {fact: odd})
    assert house_view([run_of(cpu, bad, sent)]) is not None


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
