"""The pictures of strides, blocks, reductions and a prange's price: what they mark, compare and leave out."""

from __future__ import annotations

import pytest

from hwbench.record.model import Record, Run
from hwbench.report.sections import Figure, Section
from hwbench.report.views.blocking import view as blocking
from hwbench.report.views.contrasts import view as contrasts
from hwbench.report.views.overhead import figure as overhead
from hwbench.report.views.reduction import view as reduction
from hwbench.report.views.scaling import view as scaling
from hwbench.report.views.stride import view as stride
from made_up.sample import LAPTOP, replace, sample_run


@pytest.fixture(scope="module")
def run() -> Run:
    return sample_run(every_status=False)


def figure(section: Section | None) -> Figure:
    assert section is not None
    [block] = [block for block in section.blocks if isinstance(block, Figure)]
    return block


def column(shown: Figure, head: str) -> list[str]:
    return [row[list(shown.table.head).index(head)] for row in shown.table.rows]


def labels(shown: Figure, name: str, panel: int = 0) -> list[str]:
    return [row["label"] for row in shown.panels[panel].spec["datasets"].get(name, [])]


def test_the_line_is_marked_where_it_was_measured(run: Run) -> None:
    """The line of L2 and the pair that memory moves stand as rules; a reported size that agrees needs no other."""
    section = stride([run])
    shown = figure(section)
    rules = {row["label"]: row["x"] for row in shown.panels[0].spec["datasets"]["solid"]}
    assert rules == {"line": 64, "pair": 128}
    assert labels(shown, "dashed") == []
    assert section is not None
    assert "a line of 64 bytes, as the system reports; memory moves 128 bytes at a time" in section.intro[1]


def test_a_reported_line_that_differs_is_marked_too(run: Run) -> None:
    """Where the system says 32 and 64 was measured, both are to be seen."""
    import msgspec

    caches = [msgspec.structs.replace(cache, line=32) for cache in run.machine.cpu.caches]
    cpu = msgspec.structs.replace(run.machine.cpu, caches=caches)
    other = replace(run, machine=msgspec.structs.replace(run.machine, cpu=cpu))
    section = stride([other])
    assert [(row["label"], row["x"]) for row in figure(section).panels[0].spec["datasets"]["dashed"]] == [("OS", 32)]
    assert section is not None
    assert "a line of 64 bytes, where the system reports 32" in section.intro[1]


def test_strides_are_set_against_the_first(run: Run) -> None:
    """In the table a stride of 128 bytes from memory costs 16 times a stride of 8."""
    shown = figure(stride([run]))
    places = zip(column(shown, "where"), column(shown, "bytes"), strict=True)
    found = dict(zip(places, column(shown, "× the first"), strict=True))
    assert found["numba, memory", "8 B"] == "1.00 ×"
    assert float(found["numba, memory", "128 B"].split()[0]) == pytest.approx(16, rel=0.05)


def test_each_work_has_its_own_unit_and_limit(run: Run) -> None:
    """A transposition is told in GB/s of a copy, a product in GFLOP/s of the peak; both beside the naive one."""
    shown = figure(blocking([run]))
    assert [panel.title for panel in shown.panels] == [
        "transposing 3064 × 3064", "transposing 3072 × 3072", "multiplying 408 × 408",
    ]  # fmt: skip
    assert dict.fromkeys(column(shown, "unit")) == dict.fromkeys(["GB/s", "GFLOP/s"])
    assert column(shown, "of the limit")[-1].endswith("of FP peak, 1 thread")
    assert labels(shown, "marks", 2)[2].endswith("× faster")


def test_time_and_error_stand_side_by_side(run: Run) -> None:
    """Each panel of times is followed by one of errors; a result that is exact says so in place of a bar."""
    shown = figure(reduction([run]))
    assert [panel.title.rpartition(": ")[2] for panel in shown.panels] == ["time", "error"] * 2
    assert labels(shown, "absent", 1) == ["exact"]
    assert labels(shown, "marks", 3) == ["2.0e-09", "2.0e-05", "6.0e-08"]
    assert column(shown, "relative error")[:2] == ["8.0e-15", "8.0e-15"]


def test_break_evens_are_where_the_lines_meet(run: Run) -> None:
    """4 µs at 0.15 ns saved an element are 25 000 elements; interpolation between powers of ten finds it roughly."""
    shown = overhead([run])
    assert shown is not None
    found = dict(zip(column(shown, "variant"), column(shown, "wins from n"), strict=True))
    assert found["serial"] == "–"
    assert 15_000 < int(found["omp"].replace(" ", "")) < 45_000
    assert 80_000 < int(found["workqueue"].replace(" ", "")) < 250_000
    assert set(labels(shown, "solid")) == {"omp", "workqueue"}


def test_a_layer_that_never_wins_says_so(run: Run) -> None:
    """Up to the largest n measured it has not: no rule, and words in the table."""
    records = [r for r in run.records if r.bench == "parallel.overhead" and r.params["n"] in (100, 1000)]
    shown = overhead([replace(run, records=records)])
    assert shown is not None
    assert column(shown, "wins from n") == ["–", "not up to here", "not up to here"]
    assert labels(shown, "solid") == []


def test_the_price_of_a_prange_stands_with_scaling(run: Run) -> None:
    """Speed-up, efficiency and price are one section; the price alone makes one too."""
    section = scaling([run])
    assert section is not None
    assert [block.title for block in section.blocks if isinstance(block, Figure)] == [
        "Speed-up", "Efficiency", "The price of a prange",
    ]  # fmt: skip
    alone = scaling([replace(run, records=[r for r in run.records if r.bench == "parallel.overhead"])])
    assert figure(alone).title == "The price of a prange"


def test_efficiency_is_the_speed_up_a_thread(run: Run) -> None:
    """With one thread it is all of the ideal; in the table it stands beside the serial fraction."""
    section = scaling([run])
    assert section is not None
    efficiency = section.blocks[1]
    assert isinstance(efficiency, Figure)
    by_threads = dict(zip(column(efficiency, "threads"), column(efficiency, "efficiency"), strict=True))
    assert by_threads["1"] == "100%"
    assert 0 < float(by_threads["4"].rstrip("%")) <= 101


def test_contrasts_leave_out_what_has_its_own_picture(run: Run) -> None:
    """No bench is drawn twice."""
    section = contrasts([run])
    assert section is not None
    drawn = {block.title for block in section.blocks if isinstance(block, Figure)}
    assert not drawn & {"access.stride", "access.blocking", "vectorize.reduction", "parallel.overhead"}


@pytest.mark.parametrize("view", [stride, blocking, reduction, overhead])
def test_without_records_there_is_no_picture(view: object, run: Run) -> None:
    """A run that did not measure it has no such section."""
    assert callable(view)
    assert view([replace(run, records=[])]) is None


@pytest.mark.parametrize("view", [stride, blocking, reduction, overhead, scaling])
def test_several_runs_stand_side_by_side(view: object, run: Run) -> None:
    """Two machines have a panel each, named by its run."""
    assert callable(view)
    drawn = view([run, sample_run(LAPTOP, every_status=False)])
    shown = drawn if isinstance(drawn, Figure) else drawn.blocks[0]
    titles = " ".join(panel.title for panel in shown.panels)
    if view is not scaling:  # there the lines of all runs share a panel for each work
        assert "zen-vm" in titles
        assert "laptop" in titles
    assert shown.table.head[0] == "run"


def test_facts_that_are_none_are_left_out(run: Run) -> None:
    """A file may hold anything where a stride, an n or an error should be: it is not drawn, and nothing breaks."""
    import msgspec

    def spoilt(record: Record) -> Record:
        return msgspec.structs.replace(
            record, facts={"stride_bytes": "x", "relative_error": [1]}, params=record.params | {"n": "many"}
        )

    records = [
        spoilt(r) for r in run.records if r.bench in ("access.stride", "vectorize.reduction", "parallel.overhead")
    ]
    broken = replace(run, records=records)
    assert stride([broken]) is None
    assert reduction([broken]) is None
    assert overhead([broken]) is None
