"""Findings: what is said before them."""

from __future__ import annotations

import msgspec

from hwbench.report.sections import Notes, Table
from hwbench.report.views.findings import view as findings
from hwbench.report.views.quality import view as quality
from made_up.page import dataset, record, run_of


def test_a_noisy_run_says_so_before_its_findings() -> None:
    """The verdict heads the findings, and quality has each check with both numbers and the cases beyond."""
    params = {"size": "DRAM", "dtype": "f8", "threads": 1, "pages": "huge"}
    lonely = record("stream.load", "simd", 1.0, {"bytes": 1e10}, params=params)
    run = run_of(msgspec.structs.replace(lonely, samples=[1.0, *[1.1] * 9]))
    section = findings(dataset(run))
    assert section is not None
    first = section.blocks[0]
    assert isinstance(first, Notes)
    assert first.sentences[0].startswith("The machine was too noisy")
    section = quality(dataset(run))
    assert section is not None
    table = next(block for block in section.blocks if isinstance(block, Table))
    [row] = [row for row in table.rows if row[3] == "too much"]
    assert row[:3] == ("limits that rest on one lucky sample", "10%", "3.0%")
    assert "stream.load/simd [DRAM, f8, 1, huge] by 10%" in row[4]
