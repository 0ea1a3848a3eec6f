"""A run as text: tables, findings, and what speaks against it."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from doubles.scripted import record, run_of, scripted_bench
from hwbench import catalog
from hwbench.analysis.reading import Reading
from hwbench.cli import tables
from hwbench.record.model import BenchInfo, Gpu
from hwbench.record.reasons import Reason


def printed(run, catalogue=None):
    """The tables of a run as a wide terminal shows them."""
    console = Console(file=io.StringIO(), width=200, color_system=None, force_terminal=True)
    tables.print_tables(Reading(run, catalogue), console)
    return console.file.getvalue()


@pytest.mark.parametrize(("columns", "most"), [("", 80), ("100", 100), ("200", 200)])
def test_tables_in_a_pipe_are_as_wide_as_columns_says(monkeypatch, columns, most):
    """80 columns where COLUMNS is not set; a table that does not fit is lines, each a case, which can be searched."""
    monkeypatch.setenv("COLUMNS", columns)
    run = run_of(record("a", status="suspect", reasons=[Reason("steal", "2% of a CPU, " + "for long, " * 5)]))
    console = Console(file=io.StringIO(), width=240, no_color=True)
    tables.print_tables(Reading(run, None), console)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= most
    assert ("2% of a CPU" in lines[-2 if most == 200 else -1]) == (most == 200)
    assert any("steal" in line for line in lines)


def test_shares_of_limits_and_questions_need_the_benches():
    """A load of 8 GB/s under a limit of 10 GB/s reaches 80% of it, where the bench says that loads bound it."""
    where = {"params": {"size": "L1", "dtype": "f8"}, "facts": {"threads": 1, "footprint": 2**14}}
    limit = record("simd", samples=(0.1,) * 5, bench="access.load", counts={"bytes": 1e9}, **where)
    mine = record("mine", samples=(0.125,) * 5, bench="access.mine", counts={"bytes": 1e9}, **where)
    run = run_of(limit, mine)
    bench = scripted_bench({"mine": 1.0}, "access.mine", {"size": ("L1",)})
    bench.limit = "load"
    plain, full = printed(run), printed(run, {"access.mine": bench, "access.load": catalog.benches()["stream.load"]})
    assert "8.00 GB/s" in plain
    assert "of limit" not in plain and "80%" not in plain
    assert "80%" in full and "Which script is shorter?" in full


def test_shares_name_their_limit_where_a_table_has_several_kinds():
    """Copies to and from a GPU have limits of their own; a table with one kind leaves its name out."""

    def sent(way, bench="transfer.copy", seconds=0.1):
        axes = {"direction": way}
        return record("mine", (seconds,) * 5, bench=bench, device="gpu:0", params=axes, counts={"bytes": 1e9})

    declared = {
        "transfer.copy": BenchInfo("How fast?", "mine", None, "{direction}", variants=["mine"]),
        "transfer.mine": BenchInfo("How near?", "mine", "link", variants=["mine"]),
    }
    ways = [sent("h2d"), sent("d2h"), sent("h2d", "transfer.mine", 0.125)]
    assert "80% │" in printed(run_of(*ways, benches=declared))
    both = printed(run_of(*ways, sent("d2h", "transfer.mine", 0.2), benches=declared))
    assert "80% of host to GPU │" in both
    assert "50% of GPU to host │" in both


def test_opencl_on_this_cpu_is_said_beside_the_variant():
    """And what it is sent goes to a device, not to a GPU."""
    axes = {"direction": "h2d", "memory": "pinned", "size": "1MiB"}
    copied = record("opencl", (0.1,) * 5, bench="transfer.copy", device="opencl:0", params=axes, counts={"bytes": 1e9})
    run = run_of(copied, benches={"transfer.copy": BenchInfo("What?", "raw", limit="h2d", measures="{direction}")})
    device = Gpu(name="pthread (this CPU)", state={"this_cpu": True})
    run = msgspec.structs.replace(run, machine=msgspec.structs.replace(run.machine, opencl=[device]))
    said = " ".join(printed(run).split())
    assert "opencl (this CPU)" in said
    run = msgspec.structs.replace(run, machine=msgspec.structs.replace(run.machine, opencl=[device, device]))
    assert "opencl (opencl:0, this CPU)" in " ".join(printed(run).split())
    [limit] = Reading(run).limits
    assert limit.what == "host to device"


def test_a_run_states_the_questions_and_limits_of_its_benches():
    """Then no bench is needed; markup in what a file states is shown, not obeyed."""
    where = {"params": {"size": "L1", "dtype": "f8"}, "facts": {"threads": 1, "footprint": 2**14}}
    limit = record("simd", samples=(0.1,) * 5, bench="stream.load", counts={"bytes": 1e9}, **where)
    mine = record("mine", samples=(0.125,) * 5, bench="access.mine", counts={"bytes": 1e9}, **where)
    stated = {
        "access.mine": BenchInfo("Is it [bold]mine\x1b[31m?", "mine", "load"),
        "stream.load": BenchInfo("How fast?", "simd", "load", "load"),
    }
    text = printed(run_of(limit, mine, benches=stated))
    assert "80%" in text
    assert "Is it [bold]mine\\x1b[31m?" in text


@pytest.mark.parametrize("cells", [["a", "80%", "x"], ["µ×–", "", "日本"]])
def test_a_table_that_fits_is_drawn_as_rich_draws_it(cells):
    """The same boxes, numbers flush right, wide characters counted as two columns."""
    heads, rows = ["case", "of limit", "status"], [cells, ["longer", "8.0%", ""]]
    made = Table()
    for head in heads:
        made.add_column(head, justify="right" if head in tables.RIGHT else "left")
    for row in rows:
        made.add_row(*map(Text, row))
    ours, theirs = (Console(file=io.StringIO(), width=60, no_color=True) for _ in range(2))
    tables._print_table(ours, "", "", heads, rows)
    theirs.print(made)
    assert ours.file.getvalue() == theirs.file.getvalue()


def test_a_table_on_a_terminal_has_a_bold_head_and_a_narrow_one_folds():
    """Styles are rich's, and a table wider than the terminal is laid out by it."""
    heads, rows = ["case", "status"], [["a", "word " * 20]]
    wide = Console(file=io.StringIO(), width=200, force_terminal=True, color_system="standard")
    tables._print_table(wide, "a.b", "Why?", heads, rows)
    assert "\x1b[1m case " in wide.file.getvalue() and "\x1b[2;3mWhy?" in wide.file.getvalue()
    narrow = Console(file=io.StringIO(), width=40, no_color=True)
    tables._print_table(narrow, "a.b", "", heads, rows)
    assert max(map(len, narrow.file.getvalue().splitlines())) <= 40


def test_a_narrow_terminal_has_no_boxes():
    """Values of axes without names, a code for reasons, no number cut."""
    where = {"params": {"size": "L1", "dtype": "f8", "threads": "all", "pages": "huge"}, "counts": {"bytes": 1e9}}
    doubts = [Reason("steal", "9% of a CPU"), Reason("clock_drift", "5%")]
    run = run_of(
        record("simd", (0.1, 0.101, 0.102), bench="access.load", **where),
        record("simd-streams", (0.1,) * 5, bench="access.load", status="suspect", reasons=doubts, **where),
        record("numpy", (), bench="access.load", status="skipped", reasons=[Reason("one_thread")], **where),
    )
    console = Console(file=io.StringIO(), width=70, force_terminal=True, color_system=None)
    tables.print_tables(Reading(run), console)
    assert console.file.getvalue().splitlines() == [
        "access.load     variant        median (95% interval)",
        "L1 f8 all huge  simd          9.90 GB/s (9.80–10.00)",
        "L1 f8 all huge  simd-streams               10.0 GB/s  steal +1",
        "L1 f8 all huge  numpy                                 skipped",
    ]


def test_quality_has_each_check_and_each_doubtful_case():
    """With what is allowed, what to do where one failed, and the reason of each case."""
    run = run_of(record("a"), record("b", status="suspect", reasons=[Reason("steal", "9% of a CPU")]))
    lines = tables.doubts(Reading(run), run.records)
    assert lines[0].startswith("The machine was too noisy (1 of 1 check failed)")
    assert lines[1:] == [
        "  failed  cases that are suspect  50% (allowed: 10%)",
        "          see the reason at each case",
        "1 suspect:",
        f"  test.bench/b []: {run.records[1].why}",
    ]
    assert tables.doubts(Reading(run), run.records[:1])[-1] == "          see the reason at each case"
    again = {"median_s": 9.0, "low_s": 8.9, "high_s": 9.1, "after_s": 71.0}
    run = run_of(record("a", facts={"again": again}))
    found = tables.doubts(Reading(run), [])
    place = next(at for at, line in enumerate(found) if "figures that do not repeat" in line)
    assert found[place + 1].strip().startswith("test.bench/a [] by ")
    assert found[place + 1].endswith(" longer 71 s later)")


def test_findings_stand_below_their_bench():
    """Indented, with control characters made visible."""
    assert tables.findings({"a.b": ["one", "t\x07wo"], "c.d": ["three"]}) == [
        "a.b",
        "  one",
        "  t\\x07wo",
        "c.d",
        "  three",
    ]


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        ("bcc", "3 skipped: c | b"),
        ("abbccc", "6 skipped: c | b (and 1 more reason)"),
        ("dabbccc", "7 skipped: c | b (and 2 more reasons)"),
    ],
)
def test_the_commonest_reasons_are_told(reasons, said):
    """Two reasons of each status, the commonest first, and how many more there are."""
    run = run_of(
        *(
            record(f"v{i}", status="skipped", samples=(), reasons=[Reason("other", one)])
            for i, one in enumerate(reasons)
        )
    )
    assert tables.quality(Reading(run)) == [said]


@pytest.mark.parametrize(
    ("count", "said"), [(1, "1 case of 1 bench (device) needs"), (2, "2 cases of 1 bench (device) need")]
)
@pytest.mark.parametrize(("why", "remedy"), [("no driver", ""), ("no driver; install one", ": install one")])
def test_a_missing_gpu_is_told_once(count, said, why, remedy):
    """Not as so many skipped cases, and in no table; why there is none is said by the summary."""
    absent = [
        record(
            f"v{i}",
            bench="device.stream",
            status="skipped",
            samples=(),
            reasons=[Reason("needs_gpu", why)],
            device="gpu",
        )
        for i in range(count)
    ]
    run = run_of(*absent)
    assert tables.quality(Reading(run)) == [f"{said} a GPU{remedy}."]
    assert printed(run) == ""


def test_times_of_calls_are_in_a_unit_that_fits():
    """Ten calls an execution, 212 ns: 21.2 ns each, not 0.0212 µs."""
    told = printed(run_of(record("mine", samples=(212e-9,) * 5, counts={"calls": 10})))
    assert "one execution" in told and " 212 ns │" in told
    assert "21.2 ns" in told and "µs" not in told


def test_an_interval_wider_than_asked_for_is_marked_and_counted():
    """10 samples 4% apart miss ±1%: the case has its half width beside the interval, a quiet run says how many."""
    run = run_of(record("x", (1.0, 1.04) * 5, counts={"bytes": 1e9}), record("y", (1.0,) * 10, counts={"bytes": 1e9}))
    assert [line.split("│")[4].strip()[-6:] for line in printed(run).splitlines() if line.startswith("│")] == [
        " ±2.0%", "0 GB/s",
    ]  # fmt: skip
    assert tables.quality(Reading(run))[0].startswith("1 of 2 cases misses the ±1.0% asked for")


def test_what_is_unusual_of_a_machine_has_a_heading():
    """Each finding with its remedy in one line; no heading without one."""
    assert tables.notable(Reading(run_of(record()))) == []
    run = run_of(record(), variables={"OMP_NUM_THREADS": "1"})
    assert tables.notable(Reading(run)) == [
        "unusual on this machine",
        "  OMP_NUM_THREADS=1 is set: OpenMP leaves 1 of 2 CPUs unused. Unset OMP_NUM_THREADS, unless that is meant.",
    ]
