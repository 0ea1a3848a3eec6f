"""systolic.matmul: every variant gives the exact product, texts of its axes, and what is too long to simulate."""

import msgspec
import numpy as np
import pytest

from doubles.scripted import record, run_of
from hwbench.analysis.findings import BenchResults, findings
from hwbench.benches.systolic import matmul
from hwbench.benches.systolic._tiling import FLOWS, Tiling
from hwbench.devices.cpu import CpuDevice
from hwbench.record.reasons import because


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


def simulated(variant, array, seconds=1e-3):
    """A record with the facts of a real simulation of the finding's layer."""
    values = {"array": array, "shape": matmul.LAYER, "rng": np.random.default_rng(0)}
    facts = matmul.bench.build(variant, values, matmul.bench.make_inputs(values)).facts
    params = {"array": array, "shape": matmul.LAYER}
    return record(variant, (seconds,) * 10, bench="systolic.matmul", params=params, facts=dict(facts))


def test_findings_tell_utilisation_double_buffering_and_the_simulators_speed():
    """A batch of 32 keeps a small array busier than a large one; each product's cycles equal the closed form."""
    told = findings(run_of(*(simulated(FLOWS[0], array) for array in ("8x8", "64x64"))), [matmul.bench])
    small, large = (Tiling(FLOWS[0], n, n, 256, 256, 32).utilisation for n in (8, 64))
    busy, saved, speed = told["systolic.matmul"]
    assert busy == (
        f"PEs in use on a 256 × 256 layer with a batch of 32, weight-stationary: {100 * small:.0f}% of an array of "
        f"8 × 8 and {100 * large:.0f}% of an array of 64 × 64."
    )
    assert saved.startswith("Loading the next tile's weights while computing saves most on an array of 64 × 64: ")
    assert saved.endswith("× faster.")
    assert speed.startswith("Simulator speed on 1 thread: ")
    assert " (weight-stationary, 8 × 8) to " in speed
    assert speed.endswith(" million PE-cycles per second; cycles equal the closed form in 2 of 2 products.")


def test_findings_of_one_array_and_of_none():
    """One array and one product are no list; a suspect speed is marked, cycles are not in doubt."""
    one = msgspec.structs.replace(simulated(FLOWS[0], "8x8"), status="suspect", reasons=[because("steal")])
    *_, speed = told = findings(run_of(one), [matmul.bench])["systolic.matmul"]
    assert told[0].count("%") == 1
    assert "8 × 8) (suspect: the hypervisor gave the CPU to other guests (steal)) million" in speed
    assert speed.endswith("in 1 of 1 product.")
    assert "suspect" not in told[0]
    assert list(matmul.bench.hooks["finding"](BenchResults(matmul.bench, run_of()))) == []
