"""The array as hardware on the page: a row for each array and part, and no record can break it."""

import msgspec
import pytest

from hwbench.record.model import Record
from hwbench.report.views.applications import fpga
from hwbench.report.views.applications.lecture import view as lecture
from made_up.applications import ODD
from made_up.page import dataset
from made_up.stability_records import run_of

FACTS = {
    "rows": 4, "columns": 4, "cycles": 43, "closed_form": 43, "part": "LFE5U-85F", "clocks": [110e6, 90e6, 100e6],
    "luts": 266, "luts_of": 83640, "flip_flops": 500, "flip_flops_of": 83640, "multipliers": 16, "multipliers_of": 156,
    "synthesis_s": 2.0, "place_and_route_s": [5.0, 6.0, 4.0], "largest": 12, "limited_by": "multipliers",
}  # fmt: skip
COMPILED = Record(
    bench="fpga.systolic", version=1, variant="ecp5-85k", device="cpu", status="ok", loops=1, samples=[1e-2] * 5,
    params={"array": "4x4", "batch": 32}, counts={"calls": 1.0}, facts=FACTS,
)  # fmt: skip


def test_each_compiled_array_is_a_row():
    """Cells of those that there are, the clock with its interval over seeds, and what would fit."""
    section = fpga.view(dataset(run_of([COMPILED])))
    [row] = section.blocks[0].rows
    assert row[:5] == ("4 × 4", "LFE5U-85F", "266 of 83\u202f640", "500 of 83\u202f640", "16 of 156")
    assert row[5:8] == ("100 (90–110)", "3.20 (2.88–3.52)", "12 × 12 (multipliers)")
    assert row[8:12] == ("2.00 s", "5.00 s", "43", "43")
    assert section.intro[1].endswith("may take several hours. Here, on small parts, it took 7.00 s a seed.")


def test_a_simulation_alone_has_no_section():
    """Nothing was compiled."""
    simulated = msgspec.structs.replace(COMPILED, facts={"rows": 4, "columns": 4, "cycles": 43, "closed_form": 43})
    assert fpga.view(dataset(run_of([simulated]))) is None


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("fact", sorted(FACTS))
def test_odd_facts_break_nothing(fact, odd):
    """A record may lose a cell or its row, never the page."""
    bad = msgspec.structs.replace(COMPILED, facts=FACTS | {fact: odd})
    data = dataset(run_of([bad, COMPILED]))
    assert fpga.view(data) is not None
    assert lecture(data) is not None


def test_the_summary_of_hardware_says_that_it_was_synthesised():
    """Beside the measured, simulated and published figures."""
    rows = {row[0]: row for row in lecture(dataset(run_of([COMPILED]))).blocks[0].rows}
    assert rows["FPGA"][3] == "3.20 GOP/s (2.88–3.52) in int8, 4 × 4 PEs at 100 MHz on an LFE5U-85F (synthesised)"
