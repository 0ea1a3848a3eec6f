"""Native tools and our benches in turn: how a comparison becomes records, and what is kept."""

from functools import partial

import pytest

from hwbench.analysis.crosscheck import tool_comparisons
from hwbench.bench import Skip
from hwbench.benches.stream import stream
from hwbench.crosscheck import session
from hwbench.crosscheck.comparisons import Cell, Pair
from hwbench.crosscheck.tools import c_loops, likwid
from hwbench.errors import UsageError
from hwbench.kernels.cpu_features import widths

needs_compiler = pytest.mark.skipif(bool(c_loops.why_not()), reason=c_loops.why_not())


def test_a_selection_that_matches_nothing_is_refused(device):
    """One line with the nearest name, and for numbers that make no comparison."""
    with pytest.raises(UsageError, match=r"no comparison matches 'stream.lod'; did you mean stream.load"):
        session.chosen(device, session.Options(["stream.lod"]))
    for plan, words in (
        (session.Options(rounds=2), "--rounds 2: an interval takes three"),
        (session.Options(seconds=0.0), "--seconds 0: is no time"),
        (session.Options(pages="1G"), "--pages 1G: is neither"),
    ):
        with pytest.raises(UsageError, match=words):
            session.chosen(device, plan)
    assert {cell.bench.name for cell in session.chosen(device, session.Options(["store/*L1*"]))} == {"stream.store"}


def test_nothing_selected_is_the_sample_and_a_star_is_all(device):
    """The sample takes minutes; any comparison can be had by its name."""
    sample, every = (session.chosen(device, session.Options(select)) for select in ([], ["*"]))
    assert {cell.name for cell in sample} < {cell.name for cell in every}
    assert all(cell.sampled for cell in sample)


def test_both_sides_become_a_contrast_of_one_file(fake_likwid, tmp_path):
    """Three rounds give both records three samples; the native ones are our work over the tool's rate, to the digit."""
    heard = []
    plan = session.Options(["stream.load/simd L1 f8 1"], 3, 0.01, out=tmp_path)
    run, path = session.execute(plan, lambda cell, records: heard.append(cell.tool))
    ours, native = run.records
    assert heard == ["likwid-bench"]
    assert (ours.variant, native.variant) == ("ours", "native")
    assert ours.bench == native.bench == "verify.stream.load"
    assert len(ours.samples) == 3
    assert ours.counts["bytes"] == 15872 // 1024 * 1024
    assert native.samples == [ours.counts["bytes"] / 5e10] * 3
    assert ours.facts["command"].startswith(f"likwid-bench -t {likwid.best_test('load', widths()[-1])} ")
    assert path.parent.parent == tmp_path / "verify"
    assert run.finished


def test_a_wrong_answer_of_ours_is_no_ratio(fake_likwid, tmp_path, monkeypatch):
    """A kernel of ours that gives another answer is told as wrong, without times."""
    monkeypatch.setattr("hwbench.crosscheck.our_side.mismatch", lambda *_: "differs from the reference")
    run, _ = session.execute(session.Options(["load/simd L1 f8 1"], 3, 0.01, out=tmp_path), lambda *_: None)
    assert [record.status for record in run.records] == ["wrong", "wrong"]
    assert tool_comparisons(run.records)[0].ratio is None


def test_what_was_compared_is_kept_when_interrupted(fake_likwid, tmp_path):
    """A stop in the second comparison leaves the first in the file."""
    told = []

    def stop():
        if told:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.execute(session.Options(["load/simd"], 3, 0.01, out=tmp_path), lambda *_: told.append(1), stop)
    (path,) = (tmp_path / "verify").glob("*/*.json")
    assert path.read_bytes().count(b'"variant":"ours"') == 1


def test_an_interruption_is_no_failure_of_the_tool(device):
    """The signal ends the tool as well, whose output is then cut off."""

    def cut_off(*_):
        raise Skip("tool_failed", "reported no rate")

    def stop():
        raise KeyboardInterrupt

    cell = Cell(stream.load_bench, "numpy", {"size": "L1", "dtype": "f8", "threads": 1}, "tool", "", cut_off)
    with pytest.raises(KeyboardInterrupt):
        session.measure([cell], device, session.Options(), stop)


def test_comparisons_that_share_a_run_of_the_tool_take_turns(device, monkeypatch, tmp_path):
    """In each round the tool runs once for all of them; one that is impossible leaves the others their own runs."""
    order = []

    def took(who):
        order.append(who)
        return 1.0

    def beside(cell, *_):
        ours, theirs = partial(took, cell.params["size"]), partial(took, f"tool {cell.params['size']}")
        return Pair(ours, theirs, {"bytes": 8.0}, "", {})

    def refused(*_):
        raise Skip("tool_failed", "it has none")

    def of(size, prepare=beside, run="one run"):
        params = {"size": size, "dtype": "f8", "threads": 1}
        return Cell(stream.load_bench, "numpy", params, "tool", "", prepare, run=run)

    given = [of("L1"), of("L2"), of("DRAM", run="")]
    monkeypatch.setattr(session, "chosen", lambda *_: given)
    monkeypatch.setattr(session, "CpuDevice", lambda: device)
    monkeypatch.setattr(device, "close", lambda: None)
    told = []
    options = session.Options(rounds=3, out=tmp_path)
    run, _ = session.execute(options, lambda cell, both: told.append((cell.params["size"], len(both[1].samples))))
    assert told == [("L1", 3), ("L2", 3), ("DRAM", 3)]
    assert [record.params["size"] for record in run.records] == ["L1", "L1", "L2", "L2", "DRAM", "DRAM"]
    shared = order[: order.index("DRAM")]
    rounds = [shared[i : i + 4] for i in range(0, len(shared), 4)]
    assert [sorted(one) for one in rounds] == [["L1", "L2", "tool L1", "tool L2"]] * 4  # the first is no sample
    assert all(one[one.index("tool L1") + 1] == "tool L2" for one in rounds)

    given[1:] = [of("L2", refused)]
    run, _ = session.execute(options, lambda *_: None)
    assert [(record.status, len(record.samples)) for record in run.records] == [("ok", 3)] * 2 + [("skipped", 0)] * 2


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize(
    "pattern",
    ["latency.chase/follow L1 4K", "stream.triad/simd-nt DRAM f8 1 4K C with", "core_to_core/store", "overhead/omp"],
)
def test_c_loops_are_compared(device, pattern):
    """A comparison with C that is compiled here gives both sides samples of the same work."""
    (cell,) = session.chosen(device, session.Options([pattern]))
    records = session.measure([cell], device, session.Options(rounds=3, seconds=0.01), lambda: None)
    assert [len(record.samples) for record in records] == [3, 3], records[0].why
    assert records[0].counts == records[1].counts
    assert records[0].facts["command"].startswith(c_loops.compiler())
