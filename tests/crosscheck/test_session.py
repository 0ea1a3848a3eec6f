"""Native tools: what their output says, how a comparison becomes records, and what is said where one is missing."""

import shutil
import stat
from contextlib import ExitStack

import numpy as np
import pytest

from hwbench.analysis.crosscheck import verdicts
from hwbench.bench import Skip
from hwbench.benches.stream import stream as bench_of_stream
from hwbench.cli.crosscheck import summary
from hwbench.crosscheck import comparisons, session
from hwbench.crosscheck.our_side import Ours, calibrate
from hwbench.crosscheck.tools import c_loops, likwid, mbw, stream
from hwbench.devices import cpu
from hwbench.devices.cpu import CpuDevice
from hwbench.errors import UsageError
from hwbench.kernels.cpu_features import widths
from hwbench.record.model import Record
from made_up.sample import proof_run

STREAM_SAYS = """
STREAM version $Revision: 5.10 $
Array size = 20000000 (elements), Offset = 0 (elements)
Each kernel will be executed 10 times.
Number of Threads requested = 2
Number of Threads counted = 2
Function    Best Rate MB/s  Avg time     Min time     Max time
Copy:           25000.0     0.013000     0.012800     0.014000
Scale:          16000.5     0.020000     0.019999     0.021000
Add:            18000.0     0.027000     0.026666     0.028000
Triad:          18500.0     0.026000     0.025945     0.027000
"""
needs_compiler = pytest.mark.skipif(bool(c_loops.why_not()), reason=c_loops.why_not())


@pytest.fixture(scope="module")
def device():
    made = CpuDevice()
    yield made
    made.close()


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Makes a program of some name the only one on the path: a shell script with this body."""

    def make(name, body):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path))
        likwid.tests.cache_clear()
        return path

    yield make
    likwid.tests.cache_clear()


LIKWID = """
if [ "$1" = -a ]; then
    for kind in sse avx avx512; do echo "load_$kind - x"; done; echo "stream_avx512 - x"
else
    echo "Time:                   2.0e+00 sec"
    echo "Number of Flops:        8000000000"
    echo "Data volume (Byte):     100000000000"
    echo "Size per thread:        15872"
fi
"""


def test_likwid_is_understood(tool):
    """Rates are volume and flops over the time it took; the footprint is what it rounded to."""
    tool("likwid-bench", LIKWID)
    run = likwid.Likwid("load_avx512", 16 * 1024, 2, seconds=0.5)
    said = run.run(100)
    assert (said.bytes, said.flops, said.seconds) == (5e10, 4e9, 2.0)
    assert run.footprint == 15872
    assert run.command == "likwid-bench -t load_avx512 -w S0:33kB:2 -i 16"


def test_the_widest_test_there_is(tool):
    """The test of a kernel is named after the registers; a fused one is taken where there is one, else the plain."""
    tool("likwid-bench", LIKWID)
    assert likwid.best_test("load", 256) == "load_avx"
    assert likwid.best_test("stream", 512, fma=True) == "stream_avx512"
    with pytest.raises(Skip, match="no test copy_sse"):
        likwid.best_test("copy", 128)


def test_a_tool_that_fails_is_a_reason_and_no_rate(tool):
    """Output without rates skips the comparison, with the tool's own words."""
    tool("likwid-bench", "echo 'cannot lock the CPU' >&2; exit 1")
    with pytest.raises(Skip, match="reported no rate: cannot lock the CPU"):
        likwid.Likwid("load_avx", 4096, 1, seconds=0.1)
    tool("mbw", "echo no")
    with pytest.raises(Skip, match=r"mbw -q .* reported no rate: no"):
        mbw.rate(mbw.arguments("memcpy", 64, 3))


def test_stream_is_understood():
    """The best rates are in 10⁶ B/s; the first repetition is not counted."""
    said = stream.parse(STREAM_SAYS, "stream")
    assert (said.elements, said.threads, said.times) == (20_000_000, 2, 10)
    assert said.rates == {"copy": 25e9, "scale": 16000.5e6, "add": 18e9, "triad": 18.5e9}
    with pytest.raises(Skip, match=r"hello: does not print what STREAM 5.10 prints"):
        stream.parse("hello", "hello")


def test_stream_runs_on_the_threads_asked_for(tool):
    """The binary is told the number of threads by OpenMP's variable."""
    path = tool("stream", f"cat <<END\n{STREAM_SAYS}\nNumber of Threads counted = $OMP_NUM_THREADS\nEND".replace(
        "Number of Threads counted = 2\n", ""))  # fmt: skip
    path.write_text(path.read_text().replace("cat ", shutil.which("cat", path="/bin:/usr/bin") + " "))
    assert stream.run(path, 7).threads == 7


def test_mbw_counts_a_copied_byte_once():
    """The median of its rates, doubled: STREAM counts a byte once read and once written."""
    text = "".join(
        f"{i}\tMethod: MEMCPY\tElapsed: 0.01\tMiB: 64.00000\tCopy: {rate} MiB/s\n"
        for i, rate in enumerate((900.0, 1000.0, 5000.0))
    )
    assert mbw.parse(text, "mbw") == 2 * 1000 * 2**20


def test_what_is_missing_is_named_with_the_remedy(tmp_path, monkeypatch):
    """Each tool that is not there is one sentence that says how to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert likwid.why_not() == "likwid-bench is not installed (Debian, Ubuntu: apt-get install likwid)"
    assert "apt-get install mbw" in mbw.why_not()
    assert "apt-get install gcc" in c_loops.why_not()
    assert "--stream PATH" in stream.why_not(None)
    assert "is no program that can be run" in stream.why_not(tmp_path)


def test_calibration_is_not_ended_by_one_slow_call():
    """A call that was disturbed does not pass for a long one."""
    slow = iter([5.0])
    assert calibrate(lambda n: next(slow, 1e-3 * n), 0.2) >= 100


def test_every_comparison_has_a_case_of_ours(device):
    """Names are unlike, variants exist, and each tool is there."""
    found = comparisons.cells(device, "4K", None)
    assert len({cell.name for cell in found}) == len(found)
    assert all(cell.variant in cell.bench.variants for cell in found)
    assert {cell.tool for cell in found} == {"likwid-bench", "clock", "C loop", "C with OpenMP", "STREAM", "mbw"}
    assert set(comparisons.KERNELS[0][3]) < set(comparisons.LEVELS)


@pytest.mark.parametrize(("rate", "units"), [(1.0, 1), (1.98, 2)])
def test_the_peak_is_compared_with_what_its_units_do_at_the_clock(device, monkeypatch, rate, units):
    """Units are as many as the peak takes; each sample of the other side is of a clock found beside as many."""
    cell = next(cell for cell in comparisons.cells(device, "4K", None) if cell.tool == "clock")
    if reason := cell.bench.lacks(cell.variant, {"chains": 12}):
        pytest.skip(reason)
    lanes = int(cell.variant) // 64
    asked = []

    class Scripted:
        """At 1 GHz, with so many multiply-adds a cycle."""

        def __init__(self, _device, bench, _variant, values, _seconds):
            self.clock = bench is not cell.bench
            self.counts = {"flops": 2e9}
            if self.clock:
                asked.append(values["units"])

        def __call__(self):
            return 7 * 2048 / 1e9 if self.clock else 2e9 / (2 * lanes * rate * 1e9)

    monkeypatch.setattr(comparisons, "Ours", Scripted)
    with ExitStack() as stack:
        pair = cell.prepare(cell, device, device.resolve(cell.params), 0.01, stack)
    assert pair.theirs() / pair.ours() == pytest.approx(rate / units)
    assert asked == [1, 2][:units]
    assert pair.facts == {"threads": 1, "units": units}
    assert f"{units} unit" in pair.command


def test_memory_goes_back_before_the_tool_s_turn(device, monkeypatch):
    """After a sample nothing idles, so that a tool's process may get the pages that ours had, and ours the tool's."""
    monkeypatch.setattr(cpu, "LENT", 4096)
    values = {"size": 2**20, "dtype": np.dtype("f8"), "threads": 1, "pages": "4K"}
    ours = Ours(device, bench_of_stream.copy_bench, "simd", values, 0.001)
    for _ in range(2):
        assert ours() > 0
        assert device._pool.idle == 0


def test_a_selection_that_matches_nothing_is_refused(device):
    """One line with the nearest name, and for numbers that make no comparison."""
    with pytest.raises(UsageError, match=r"no comparison matches 'stream.lod'; did you mean stream.load"):
        session.chosen(device, session.Plan(["stream.lod"]))
    for plan, words in (
        (session.Plan(rounds=2), "--rounds 2: an interval takes three"),
        (session.Plan(seconds=0.0), "--seconds 0: is no time"),
        (session.Plan(pages="1G"), "--pages 1G: is neither"),
    ):
        with pytest.raises(UsageError, match=words):
            session.chosen(device, plan)
    assert {cell.bench.name for cell in session.chosen(device, session.Plan(["store/*L1*"]))} == {"stream.store"}


def test_both_sides_become_a_contrast_of_one_file(tool, tmp_path):
    """Three rounds give both records three samples; the native ones are our work over the tool's rate, to the digit."""
    tool("likwid-bench", LIKWID)
    heard = []
    plan = session.Plan(["stream.load/simd L1 f8 1"], 3, 0.01, out=tmp_path)
    run, path = session.execute(plan, lambda cell, records: heard.append(cell.tool))
    ours, native = run.records
    assert heard == ["likwid-bench"]
    assert (ours.variant, native.variant) == ("ours", "native")
    assert ours.bench == native.bench == "verify.stream.load"
    assert len(ours.samples) == 3
    assert ours.counts["bytes"] == 15872 // 512 * 512
    assert native.samples == [ours.counts["bytes"] / 5e10] * 3
    assert ours.facts["command"].startswith(f"likwid-bench -t {likwid.best_test('load', widths()[-1])} ")
    assert path.parent.parent == tmp_path / "verify"
    assert run.finished


def test_a_wrong_answer_of_ours_is_no_ratio(tool, tmp_path, monkeypatch):
    """A kernel of ours that gives another answer is told as wrong, without times."""
    tool("likwid-bench", LIKWID)
    monkeypatch.setattr("hwbench.native.ours.mismatch", lambda *_: "differs from the reference")
    run, _ = session.execute(session.Plan(["load/simd L1 f8 1"], 3, 0.01, out=tmp_path), lambda *_: None)
    assert [record.status for record in run.records] == ["wrong", "wrong"]
    assert verdicts(run.records)[0].ratio is None


def test_what_was_compared_is_kept_when_interrupted(tool, tmp_path):
    """A stop in the second comparison leaves the first in the file."""
    tool("likwid-bench", LIKWID)
    told = []

    def stop():
        if told:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.execute(session.Plan(["load/simd"], 3, 0.01, out=tmp_path), lambda *_: told.append(1), stop)
    (path,) = (tmp_path / "verify").glob("*/*.json")
    assert path.read_bytes().count(b'"variant":"ours"') == 1


def test_the_ratio_is_of_rates_and_paired():
    """Twice the time of the native tool is half its rate; the interval comes from the rounds' ratios."""
    records = [
        Record(bench="verify.stream.load", version=1, variant=name, device="cpu", params={"case": "simd", "tool": "t"},
               status="ok", samples=samples, counts={"bytes": 100.0}, facts={"command": "t -x"})
        for name, samples in (("ours", [2.0, 20.0, 4.0]), ("native", [1.0, 10.0, 2.0]))
    ]  # fmt: skip
    (one,) = verdicts(records)
    assert (one.ratio, one.ours.value, one.theirs.value) == ((0.5, 0.5, 0.5), 25.0, 50.0)
    assert (one.name, one.tool, one.command) == ("stream.load/simd ", "t", "t -x")


def test_the_summary_tells_the_median_and_what_is_below():
    """A line for each tool, and the names of the comparisons below the least ratio."""
    lines = summary(verdicts(proof_run().records), 0.95)
    assert lines[0] == "likwid-bench: 2 comparisons, median 0.875, from 0.500 to 1.250"
    assert lines[-1] == "below 0.95: peak.fma/512 f8 2 12"
    assert "nothing could be compared" in summary([], 0.95)[-1]


@needs_compiler
def test_the_c_loop_follows_our_ring(device, tmp_path):
    """The compiled loop comes to the same address as ours after as many hops."""
    ring = np.roll(np.arange(16), 3)
    words = np.zeros(16, np.int64)
    words[:] = words.ctypes.data + 8 * ring
    with c_loops.built("chase.c", c_loops.CHASE_FLAGS) as library:
        step = c_loops.chase_function(library)
        at = words.ctypes.data
        for hops in range(5):
            expected = at
            for _ in range(hops):
                expected = int(words[(expected - at) // 8])
            assert step(at, hops) == expected
    assert not library.exists()


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("pattern", ["latency.chase/follow L1 4K", "stream.triad/simd-nt DRAM f8 1 4K C with"])
def test_c_loops_are_compared(device, pattern):
    """A comparison with C that is compiled here gives both sides samples of the same work."""
    (cell,) = session.chosen(device, session.Plan([pattern]))
    records = session.measure(cell, device, session.Plan(rounds=3, seconds=0.01), lambda: None)
    assert [len(record.samples) for record in records] == [3, 3], records[0].reason
    assert records[0].counts == records[1].counts
    assert records[0].facts["command"].startswith(c_loops.compiler())


@needs_compiler
def test_a_source_that_does_not_compile_is_a_reason(monkeypatch, tmp_path):
    """The compiler's words become the reason."""
    (tmp_path / "broken.c").write_text("int main( {")
    monkeypatch.setattr(c_loops, "HERE", tmp_path)
    with pytest.raises(Skip, match=r"broken.c failed: .*error"), c_loops.built("broken.c", ()):
        pass
