"""All records: the CSV, the downloads, the table."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest

from hwbench.record.model import Gpu
from hwbench.record.reasons import Reason
from hwbench.report.columns import INTERVAL
from hwbench.report.sections import Records
from hwbench.report.views.records import as_csv, file_name
from hwbench.report.views.records import view as records
from made_up.page import column, dataset, record, run_of
from made_up.sample import HOSTILE, replace, sample_run


def test_csv_has_a_line_a_record_in_si_units() -> None:
    """Every record is a line; a rate is the count over the median, in bytes a second."""
    run = run_of(record("stream.copy", "simd", 2e-3, {"bytes": 1e6}, params={"size": "L2"}))
    [line] = list(csv.DictReader(io.StringIO(as_csv(dataset(run)))))
    assert (line["bench"], line["size"], line["n"]) == ("stream.copy", "L2", "10")
    assert float(line["median_s"]) == 2e-3
    assert float(line["bytes_per_s"]) == pytest.approx(5e8)
    clock = run_of(record("clock.frequency", "scalar", 1e-3, {"cycles": 3e6, "flops": 1.0}))
    [line] = list(csv.DictReader(io.StringIO(as_csv(dataset(clock)))))
    assert float(line["cycles_per_s"]) == pytest.approx(3e9)
    whole = sample_run()
    assert len(list(csv.DictReader(io.StringIO(as_csv(dataset(whole)))))) == len(whole.records)


def test_a_variant_on_opencl_that_is_this_cpu_says_so() -> None:
    """In the table; the CSV has the device in a column of its own."""
    run = run_of(replace(record("b.c", "opencl", 1.0, {}), device="opencl:0"))
    device = Gpu(name="pthread (this CPU)", state={"this_cpu": True})
    source = dataset(replace(run, machine=replace(run.machine, opencl=[device])))
    section = records(source)
    assert section is not None
    [block] = section.blocks
    assert isinstance(block, Records)
    assert column(block.table, "variant") == ["opencl (this CPU)"]
    [line] = list(csv.DictReader(io.StringIO(as_csv(source))))
    assert (line["variant"], line["device"]) == ("opencl", "opencl:0")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_csv_cells_are_no_formulas(start: str) -> None:
    """A name that a spreadsheet would evaluate gets an apostrophe before it."""
    run = run_of(record("b.c", f"{start}HYPERLINK(1)", 1.0, {}))
    [line] = list(csv.DictReader(io.StringIO(as_csv(dataset(run)))))
    assert line["variant"] == f"'{start}HYPERLINK(1)"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("zen-2026T-ab", "zen-2026T-ab"),
        ("../../etc/passwd", "etc-passwd"),
        (HOSTILE, None),
        ("…", "run"),
        ("a" * 300, "a" * 100),
    ],
)
def test_a_download_is_named_by_harmless_characters(name: str, safe: str | None) -> None:
    """A run's id is data: what becomes a file's name has no separators, dots in front, or markup."""
    made = file_name(name)
    assert safe is None or made == safe
    assert not set(made) & set("/\\<>\"'&\u202e")


def test_digits_follow_the_interval_and_a_share_names_its_limit() -> None:
    """The median has the decimals of its bounds; 80% is of loads from L1 by one thread, not of the whole machine."""
    at = {"params": {"size": "L1", "dtype": "f8", "threads": 1}, "facts": {"threads": 1}}
    load = record("stream.load", "simd", 1e-6, {"bytes": 1e5}, **at)
    row = record("access.row_column", "row", 1e-6, {"bytes": 8e4}, **at)
    row = msgspec.structs.replace(row, samples=[one * 1e-6 for one in (1, 1.0006, 0.9994, 1.0003, 0.9997)])
    section = records(dataset(run_of(load, row)))
    assert section is not None
    table = next(block for block in section.blocks if isinstance(block, Records)).table
    assert column(table, "of the limit") == ["100% of L1 load, 1 thread", "80% of L1 load, 1 thread"]
    assert (column(table, "median")[1], column(table, INTERVAL)[1]) == ("80.00 GB/s", "79.95–80.05")


def test_every_record_is_in_the_raw_table() -> None:
    """No status is left out of the table; what was skipped for one reason is a row with the number of cases."""
    run = sample_run(benches=("stream.load",))
    absent = [
        msgspec.structs.replace(
            record("device.stream", "raw", 1.0, {}, params={"n": n}),
            status="skipped", reasons=[Reason("needs_gpu", "no GPU")], samples=[],
        )
        for n in range(7)
    ]  # fmt: skip
    section = records(dataset(replace(run, records=[*run.records, *absent])))
    assert section is not None
    block = next(block for block in section.blocks if isinstance(block, Records))
    skipped = {(one.bench, one.variant, one.why) for one in run.records if one.status == "skipped"}
    timed = [one for one in run.records if one.status != "skipped"]
    assert len(block.table.rows) == len(timed) + len(skipped) + 1
    assert column(block.table, "parameters")[-1] == "7 cases"
    assert b"device.stream" in block.downloads[0].data
    assert block.downloads[0].data.count(b"no GPU") == 7


def test_an_interval_wider_than_asked_for_has_its_half_width() -> None:
    """Where the median misses the run's precision, the interval says by how much."""
    wide = replace(record("b.c", "x", 1.0, {"bytes": 1e9}), samples=[1.0, 1.04] * 5)
    section = records(dataset(run_of(wide, record("b.c", "y", 1.0, {"bytes": 1e9}))))
    assert section is not None and isinstance(section.blocks[0], Records)
    assert column(section.blocks[0].table, INTERVAL) == ["0.962–1.000, ±2.0%", "–"]
