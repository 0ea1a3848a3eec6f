"""Machine code on the page: counts, peaks with their source, and listings side by side."""

from types import SimpleNamespace

from hwbench.record.model import Record
from hwbench.report.views.applications import assembly


def point(variant, lines, **facts):
    """A point whose record has a loop of these lines."""
    known = {
        "macs": 64, "instructions": len(lines), "packets": None, "loads": 2, "bytes": 49, "per_issue": 12.8,
        "peak": None, "source": None, "assembly": lines,
    }  # fmt: skip
    record = Record(
        bench="dsp.packets", version=1, variant=variant, device="cpu", status="ok", loops=1, samples=[1.0],
        params={"loop": "dot", "dtype": "i1"}, counts={}, facts=known | facts,
    )  # fmt: skip
    return SimpleNamespace(record=record)


def test_listings_stand_side_by_side():
    """A column for each target, a row for each instruction; a shorter loop ends with empty cells."""
    code = [point("neon", ["ldr", "sdot", "b.lo"]), point("avx2", ["vpmaddwd"], peak=16, source="uops.info")]
    counted, side = assembly.tables(code)
    assert (side.head, side.rows) == (("neon", "avx2"), [("ldr", "vpmaddwd"), ("sdot", ""), ("b.lo", "")])
    assert counted.rows[0][1:7] == ("neon", "64", "3", "–", "2", "49")
    assert counted.rows[1][8] == "16 (uops.info)"


def test_what_a_file_makes_up_is_left_out():
    """Without counts no table, without lines no listing."""
    assert assembly.tables([point("x", ["a"], macs="many")]) == []
    assert len(assembly.tables([point("x", ["a"], assembly={"a": 1})])) == 1
