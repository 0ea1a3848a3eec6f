"""The view of signal processing: where lines cross, and each case's share of its roof."""

import pytest
from msgspec.structs import replace

from doubles.scripted import SIZES
from hwbench.record.model import Policy
from hwbench.report.sections import Figure, Table
from hwbench.report.views.applications.dsp import view as dsp_view
from made_up.applications import ODD, blocks, convolutions, on_gpu, record, run_of
from made_up.page import dataset


def test_the_crossover_is_where_the_lines_cross():
    """Power laws that cross at 100 taps are said to cross there."""
    section = dsp_view(dataset(run_of(*convolutions())))
    (figure,) = blocks(section, Figure)
    assert "oaconvolve passes numpy at 100 taps" in figure.panels[0].note


def test_a_share_of_the_roof_is_of_own_operations_and_measured_limits():
    """Half the measured peak reads 50%; an FFT's saved operations do not count as done."""
    peak = record("peak.fma", "512", {"dtype": "f8", "threads": 1, "chains": 12}, 1.0, {"flops": 10e9}, {"threads": 1})
    params = {"n": 1, "taps": 8, "dtype": "f8"}
    direct = record("dsp.convolution", "numba", params, 1.0, {"flops": 1e9}, {"own_flops": 5e9})
    other = record("dsp.convolution", "oaconvolve", params, 0.001, {"flops": 1e9})
    (table,) = blocks(dsp_view(dataset(run_of(peak, direct, other))), Table)
    assert [row[4] for row in table.rows] == ["50%", "–"]


def test_a_share_above_its_roof_is_marked():
    """Three times the peak that was measured is no share of it; the mark says so."""
    peak = record("peak.fma", "512", {"dtype": "f8", "threads": 1, "chains": 12}, 1.0, {"flops": 1e9}, {"threads": 1})
    dot = record("dsp.dot", "blas", {"size": "L1", "dtype": "f8"}, 1.0, {"flops": 3e9})
    (table,) = blocks(dsp_view(dataset(run_of(peak, dot))), Table)
    assert table.rows[0][3:5] == ("float64 peak, 1.00 GFLOP/s", "300%~")


def test_data_partly_in_a_nearer_level_are_bounded_by_it():
    """A footprint of 2.4 L1 is set against the load from L1, the best of the levels that may serve it."""
    loads = [
        record("stream.load", "simd", {"size": size, "dtype": "f8", "threads": 1}, 1.0, {"bytes": rate}, {"threads": 1})
        for size, rate in (("L1", 4e9), ("L2", 1e9))
    ]
    facts = {"threads": 1, "footprint": int(2.4 * SIZES["L1"])}
    dot = record("dsp.dot", "blas", {"n": 7, "dtype": "f8"}, 1.0, {"flops": 1e8, "bytes": 8e8}, facts)
    run = replace(run_of(*loads, dot), policy=Policy(sizes=SIZES))
    (table,) = blocks(dsp_view(dataset(run)), Table)
    assert table.rows[0][3:5] == ("L1 load, 4.00 GB/s", "20%")


def test_a_crossover_that_spans_a_decade_is_not_drawn():
    """Where one way scatters so much that they may cross anywhere, no line is drawn, and the note says why."""
    spread = (0.05, 0.05, 0.05, 0.2, 1, 1, 5, 20, 20, 20)
    wide = [
        replace(one, samples=[1e-4 * factor for factor in spread]) if one.variant == "oaconvolve" else one
        for one in convolutions()
    ]
    (figure,) = blocks(dsp_view(dataset(run_of(*wide))), Figure)
    assert figure.panels[0].note == "no clear crossover of oaconvolve with numpy: the interval is 10–∞ taps"
    assert not figure.panels[0].spec["datasets"].get("dashed")


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
    (table,) = blocks(dsp_view(dataset(run_of(mine, copy, peak, load, fma))), Table)
    assert table.rows[0][3:5] == ("HBM copy, 2.00 GB/s", "50%")
    (table,) = blocks(dsp_view(dataset(run_of(mine, level_of_the_cpu, load, fma))), Table)
    assert [row[3] for row in table.rows] == ["–", "–"]


def test_a_gpu_stands_beside_the_cpu_where_it_was_measured():
    """Its convolutions are a line of the chart; without them nobody speaks of a GPU."""
    cpu = convolutions()
    gpu = [on_gpu("dsp.convolution", "cupy", r.params, 5e-5, counts=r.counts) for r in cpu if r.variant == "numpy"]
    with_gpu, without = dsp_view(dataset(run_of(*cpu, *gpu))), dsp_view(dataset(run_of(*cpu)))
    assert "on this machine's GPU, by CuPy" in with_gpu.intro[0]
    assert [key.label for key in blocks(with_gpu, Figure)[0].legend] == ["numpy", "oaconvolve", "cupy"]
    assert "GPU" not in " ".join(without.intro)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("fact", ["own_flops", "own_bytes", "footprint", "threads"])
def test_odd_facts_of_a_transform_break_nothing(fact, odd):
    """The table stands whatever a file says of operations and bytes."""
    rows = [record("dsp.fft", "numpy", {"n": n, "dtype": "f8"}, 1e-3, {"flops": 1e6}, {fact: odd}) for n in (256, 4096)]
    assert dsp_view(dataset(run_of(*rows, *convolutions()))) is not None


def test_a_run_without_this_bench_has_no_section():
    """None, and the page has no heading for nothing."""
    assert dsp_view(dataset(run_of())) is None
