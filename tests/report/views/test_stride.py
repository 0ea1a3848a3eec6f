"""Strides: the line that is marked, and the cost against the first stride."""

from __future__ import annotations

import msgspec
import pytest

from hwbench.record.model import Run
from hwbench.record.reasons import because
from hwbench.report.views.stride import view as stride
from made_up.page import column, dataset, labels, only_figure
from made_up.sample import replace, sample_run


@pytest.fixture(scope="module")
def run() -> Run:
    return sample_run(every_status=False)


def test_the_line_is_marked_where_it_was_measured(run: Run) -> None:
    """The line of L2 and the pair that memory moves stand as rules; a reported size that agrees needs no other."""
    section = stride(dataset(run))
    shown = only_figure(section)
    rules = {row["label"]: row["x"] for row in shown.panels[0].spec["datasets"]["solid"]}
    assert rules == {"line": 64, "pair": 128}
    assert labels(shown, "dashed") == []
    assert section is not None
    assert (
        "a line of 64 B, as the system reports; in memory the cost per element grows up to a stride of 128 B, a pair"
        in (section.intro[1])
    )


def test_a_line_of_suspect_cases_is_marked(run: Run) -> None:
    """The reasons stand behind the size that rests on them."""
    drifted = [
        msgspec.structs.replace(one, status="suspect", reasons=[because("clock_drift")])
        if one.bench == "access.stride" and one.params["size"] == "DRAM"
        else one
        for one in run.records
    ]
    section = stride(dataset(replace(run, records=drifted)))
    assert section is not None
    assert section.intro[1].endswith("a stride of 128 B, a pair of lines (suspect: the clock drifted).")
    assert section.intro[1].count("suspect") == 1


def test_a_reported_line_that_differs_is_marked_too(run: Run) -> None:
    """Where the system says 32 and 64 was measured, both are to be seen."""

    caches = [msgspec.structs.replace(cache, line=32) for cache in run.machine.cpu.caches]
    cpu = msgspec.structs.replace(run.machine.cpu, caches=caches)
    other = replace(run, machine=msgspec.structs.replace(run.machine, cpu=cpu))
    section = stride(dataset(other))
    assert [(row["label"], row["x"]) for row in only_figure(section).panels[0].spec["datasets"]["dashed"]] == [
        ("OS", 32)
    ]
    assert section is not None
    assert "a line of 64 B, where the system reports 32" in section.intro[1]


def test_strides_are_set_against_the_first(run: Run) -> None:
    """In the table a stride of 128 bytes from memory costs 16 times a stride of 8."""
    shown = only_figure(stride(dataset(run)))
    places = zip(column(shown, "where"), column(shown, "bytes"), strict=True)
    found = dict(zip(places, column(shown, "× the first"), strict=True))
    assert found["numba, memory", "8 B"] == "1.00 ×"
    assert float(found["numba, memory", "128 B"].split()[0]) == pytest.approx(16, rel=0.05)
