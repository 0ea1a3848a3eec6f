"""Whatever a run holds, what readers see of it agrees with itself: the page, `hwbench show`, findings and JSON.

Over committed runs and 96 mutations of them; `python scripts/consistency.py` tries 1,000 mutations of whole runs.
"""

from __future__ import annotations

import random
from dataclasses import replace as changed

import pytest
from msgspec.structs import replace

from hwbench import catalog
from hwbench.analysis.findings import findings
from hwbench.analysis.headline import Headline
from hwbench.analysis.reading import Reading, Share
from hwbench.record import phrases, text
from hwbench.report import charts
from hwbench.report.dataset import Runs, swept
from inspection import consistency
from inspection.consistency import Checked, agrees, check, check_lines, number, summary
from inspection.printed import MARK, ROW, SENTENCE, TILE, Line, of_json, of_page, of_sections, of_terminal, said
from made_up.declared import described
from made_up.mutations import RUNS, VERIFIED, above_limits, committed, mutated

MUTATIONS, CHUNKS, RECORDS = 96, 4, 40
WHOLE = committed(RUNS[-1])  # of a CPU, with everything that has a headline
NEEDED = (
    "stream.load", "stream.copy", "stream.triad", "latency.chase", "latency.loaded", "latency.parallel", "peak.fma",
    "vectorize.call", "vectorize.add", "access.row_column", "access.blocking", "dsp.dot", "peak.matmul",
)  # fmt: skip
PART = replace(WHOLE, records=[one for one in WHOLE.records if one.bench in NEEDED and not swept(one)])
KINDS = ("shares", "shares above", "suspect", "twins", "cases", "limits", "tiles", "machines", "sentences",
         "shares in JSON", "headline in JSON")  # fmt: skip


# --- runs that are ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*RUNS[:2], *RUNS[3:-1], *VERIFIED], ids=lambda path: path.stem)
def test_committed_runs_agree(path):
    """No committed run has a share, a doubtful figure or a quantity that contradicts another place.

    Two more of them are checked below.
    """
    checked = check(committed(path))
    assert not checked.faults, summary(checked.faults)
    assert checked.seen["cases"] >= 40


def test_the_page_of_a_whole_run_agrees():
    """The same of the HTML, its charts and the terminal's tables of a run that has every kind of figure."""
    checked = check(WHOLE, whole=True)
    assert not checked.faults, summary(checked.faults)
    least = {"shares": 1500, "suspect": 500, "cases": 3000, "limits": 50, "sentences": 60, "tiles": 6, "machines": 2}
    assert {kind: checked.seen[kind] for kind, count in least.items() if checked.seen[kind] < count} == {}


def test_machines_beside_each_other_agree():
    """What the page of two runs says of each, and the table that compares their machines, is what each alone says."""
    checked = check(committed(RUNS[2]), WHOLE)
    assert not checked.faults, summary(checked.faults)
    assert checked.seen["tiles"] >= 18  # nine figures of each in the table
    assert checked.seen["cases"] > 2000


# --- mutations --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_mutations_agree(chunk):
    """Nothing contradicts itself in runs that were changed at random; all kinds of figures are among them."""
    total = Checked()
    for seed in range(chunk, MUTATIONS, CHUNKS):
        checked = check(mutated(seed, RECORDS))
        assert not checked.faults, (seed, summary(checked.faults))
        total.add(checked)
    assert [kind for kind in KINDS if not total.seen[kind]] == []
    assert total.seen["cases"] > 2000


def test_a_mutation_is_the_same_for_the_same_seed():
    """And another for another seed; what is mutated stays as it was."""
    assert mutated(3, RECORDS) == mutated(3, RECORDS)
    assert len({tuple(tuple(one.samples) for one in mutated(seed, RECORDS).records) for seed in range(24)}) > 20
    assert committed(RUNS[0]) == committed.__wrapped__(RUNS[0])


# --- the checker sees everything --------------------------------------------------------------------------------------


def test_sections_hold_what_the_page_shows():
    """The lines of sections, undrawn, are those of the HTML, but for what a chart draws beside its marks."""
    run = mutated(7, 200)
    quick, whole = (
        {(one.kind, one.place, " ".join(one.text.split())) for one in lines if not one.place.endswith(BESIDE)}
        for lines in (of_sections(Runs([run], catalogue=catalog.benches()), drawn=False), of_page([run]))
    )
    assert len(quick) > 300
    assert {one for one in quick - whole if not one[1].startswith("quality")} == set()
    assert {one for one in whole - quick if one[0] != SENTENCE} == set()


BESIDE = (": rule", ": roofs", ": solid", ": dashed", ": slopes", ": ceilings", ": ideal", ": head")  # data of charts


def test_the_terminal_is_read_as_it_is_printed():
    """Rows read from rich's tables are those that were handed to it."""
    reading = Reading(mutated(7, 100), catalog.benches())
    drawn, quick = (of_terminal(reading, {}, drawn=drawn) for drawn in (True, False))
    assert [" ".join(one.text.split()) for one in drawn] == [" ".join(one.text.split()) for one in quick]
    assert sum(one.kind == ROW for one in drawn) == len(reading.records)


@pytest.mark.parametrize(
    ("printed", "value", "alike"),
    [
        ("25.1", 25.149, True), ("25.1", 25.151, False), ("0.0147", 0.014631, False), ("350", 353.0, True),
        ("351", 351.6, False), ("12\u202f300", 12_340.0, True), ("12\u202f300", 12_360.0, False), ("7.0", 6.96, True),
        ("1.43 × 10⁻³⁸", 1.434e-38, True), ("1.43 × 10⁻³⁸", 1.44e-38, False), ("–", 1.0, False),
    ],
)  # fmt: skip
def test_figures_agree_to_the_digits_that_are_printed(printed, value, alike):
    """A printed number is a value if rounding the value gives it."""
    assert agrees(printed, value) is alike


def test_numbers_are_read_as_they_are_printed():
    """Groups of digits and powers of ten."""
    for value in (0.0, 3.0, 12_300.0, 1.43e-38, 2.5e12):
        assert number(text.amount(value)) == pytest.approx(value)


# --- the checker finds faults -----------------------------------------------------------------------------------------


def rules(checked):
    """Which rules are broken where, as `rule at section`."""
    return {f"{fault.rule} at {fault.place.partition(':')[0]}" for fault in checked.faults}


def above():
    """A run with shares above their limits in tables, charts, sentences and JSON."""
    run = above_limits(described(PART), random.Random(1))
    assert check(run).seen["shares above"] > 10
    return run


def test_a_share_that_lost_its_mark_is_found(monkeypatch):
    """In the page's tables and charts and on the terminal."""
    run = above()
    monkeypatch.setattr(Share, "text", property(lambda self: text.share(self.value)))
    found = {one for one in rules(check(run)) if one.startswith("share")}
    assert {f"share without its mark at {place}" for place in ("records", "show", "contrasts")} <= found


def test_a_share_in_a_sentence_that_lost_its_mark_is_found():
    """Each share needs its own mark: that of another, or of the sentence's other figures, is not enough."""
    reading = Reading(PART, catalog.benches())
    for sentence, count in (
        ("It reaches 130% of the peak (suspect: above the limit).", 0),
        ("It reaches 130%~ of the peak.", 0),
        ("It reaches 105% of the peak.", 0),
        ("It reaches 130% of the peak.", 1),
        ("It reaches 130% of the peak instead of 20% (suspect: the clock drifted).", 1),
        ("It reaches 130% of the peak (suspect: above the limit) instead of 1\u202f200%.", 1),
        ("The hypervisor took 130% of a CPU.", 0),
    ):
        assert len(check_lines(reading, [said("findings", sentence)]).faults) == count, sentence


def test_a_share_without_doubt_in_json_is_found():
    """A share above 1.05 has a code of doubt."""
    run = above()
    reading = Reading(run, catalog.benches())
    data = of_json(reading, {})
    assert not consistency.in_json(data).faults
    for record in data["records"]:
        record.get("rates", {}).get("limit", {}).update(doubt=[])
    assert rules(consistency.in_json(data)) == {"share without its mark at JSON"}


def test_twins_that_lost_their_mark_are_found(monkeypatch):
    """In sentences, rows, charts and the headline."""
    reading = Reading(PART, catalog.benches())
    assert reading.get("dram.latency").doubt == ["twins"]
    runs = Runs([PART], catalogue=catalog.benches())
    monkeypatch.setattr(phrases, "_doubts", lambda records: [])
    told = findings(reading, catalog.benches().values())
    assert "doubt without its mark at show" in rules(check_lines(reading, of_terminal(reading, told, drawn=False)))
    monkeypatch.undo()
    unmarked = [
        changed(line, cells=tuple(cell for cell in line.cells if cell[0] not in ("status", "suspect")))
        for line in of_sections(runs, drawn=False)
        if line.kind in (ROW, MARK)
    ]
    found = {fault.place for fault in check_lines(reading, unmarked).faults if fault.rule == "doubt without its mark"}
    assert {"records: Every record", "latency: marks", "latency: Every footprint"} <= found
    data = of_json(reading, {})
    for one in data["headline"]:
        one["doubt"] = None
    assert rules(consistency.in_json(data)) == {"doubt without its mark at JSON"}


def test_a_tile_with_another_figure_is_found(monkeypatch):
    """A tile that is not the headline's value, by one digit."""
    original = Reading.get

    def other(self: Reading, name: str, device: str = "cpu") -> Headline | None:
        found = original(self, name, device)
        return found and replace(found, value=found.value * 1.01)

    monkeypatch.setattr(Reading, "get", other)
    faults = [fault for fault in check(PART).faults if fault.place == "machine"]
    assert len(faults) == 6
    faults = [
        fault
        for fault in check(PART, replace(PART, started="2026-11-28T00:00:00Z")).faults
        if fault.place.startswith("machine")
    ]
    assert len(faults) == 18


@pytest.mark.parametrize(
    "line",
    [
        said("findings", "Load bandwidth: 17.6 GB/s (17.5–17.7) in memory on 1 thread (numba)."),
        said("findings", "Load latency (random order, huge pages, 1 thread): 1.47 ns (1.43–1.49) in L1."),
        said("findings", "Peak in float32: 424 GFLOP/s (422–425) on 1 thread (512-bit)."),
        said("findings", "Summing down columns in memory (float64, 1 thread) is 33.2× slower than along rows."),
        said("roofline", "Under DRAM load, 2 threads: 39.9 GB/s."),
        Line(ROW, "bandwidth: Best samples by level",
             (("level", "L1"), ("work", "load"), ("threads", "1"), ("best, GB/s", "398"))),
        Line(ROW, "records: Every record",
             (("bench", "vectorize.call"), ("variant", "numba"), ("parameters", ""), ("one execution", "154 ns"))),
        Line(ROW, "show: vectorize.call", (("case", ""), ("variant", "numba"), ("one execution", "154 ns"))),
        Line(MARK, "contrasts: marks", (("case", "vectorize.call numba"), ("shown", "0.154 µs"))),
        Line(TILE, "machine", (("label", "FP64 peak"), ("value", "0.107 TFLOP/s"), ("about", "on 2 threads"))),
        Line(ROW, "lecture: CPU against GPU",
             (("device", "x"), ("figures", "measured here"), ("cores", "2"), ("TFLOP/s float32", "0.43"))),
    ],
    ids=lambda line: line.text[:40],
)  # fmt: skip
def test_another_figure_is_found(line):
    """A sentence, row, mark or tile that says another figure of a quantity than the run."""
    checked = check_lines(Reading(PART, catalog.benches()), [line])
    assert "another figure" in {fault.rule for fault in checked.faults}


def test_a_chart_of_another_statistic_is_found(monkeypatch):
    """Tooltips that give the best sample of a case where tables give its median."""
    original = charts.mark_of

    def best(runs: Runs, point: object, **more: object) -> charts.Mark:
        mark = original(runs, point, **more)
        return changed(mark, value=mark.value * 1.02 if mark.value else None)

    monkeypatch.setattr(charts, "mark_of", best)
    assert "another figure at contrasts" in rules(check(PART))


def test_another_headline_in_json_is_found():
    """A headline value that is not the median of the record that it names."""
    data = of_json(Reading(PART, catalog.benches()), {})
    data["headline"][0]["value"] *= 1.001
    assert rules(consistency.in_json(data)) == {"another figure at JSON"}
