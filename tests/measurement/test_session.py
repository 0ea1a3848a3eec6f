"""A run from selection to file: what is saved when, what a budget does, what resuming goes on with."""

from __future__ import annotations

from pathlib import Path

import msgspec
import psutil
import pytest

from doubles.scripted import MACHINE, SIZES, ScriptedDevice, run_of, scripted_bench, scripted_work
from hwbench.analysis.plausibility import concluded
from hwbench.errors import StoreError, UsageError
from hwbench.host import disturbances
from hwbench.measurement import autosave, policy, session
from hwbench.measurement.autosave import Interrupted
from hwbench.measurement.cases import Group
from hwbench.measurement.planning import Request
from hwbench.measurement.session import execute
from hwbench.record import store
from hwbench.record.model import Disturbance, key
from hwbench.record.reasons import Reason, has


class Watcher:
    """An observer that writes down what it is told, and may step in."""

    def __init__(self, step=lambda group: None):
        self.step = step
        self.plan = None
        self.seen = []
        self.troubles = []

    def planned(self, groups, measured):
        self.plan = (len(groups), measured)

    def measuring(self, group):
        self.step(group)

    def doing(self, what):
        self.done = what

    def measured(self, group, records):
        self.seen.append((group, records))

    def trouble(self, message):
        self.troubles.append(message)


def stop_at(number: int):
    """Ctrl-C when the group of this number is about to be measured."""
    counted = []

    def step(_group):
        counted.append(1)
        if len(counted) == number:
            raise KeyboardInterrupt

    return step


def asked(out: Path, **more) -> Request:
    return Request(**{"select": ("access.steps",), "out": out} | more)


@pytest.fixture(autouse=True)
def _scripted(benches, device):
    """Every test here runs on scripted benches and a scripted device."""


def test_a_run_measures_what_was_selected_and_is_kept_finished(tmp_path):
    """Four contrasts of two variants; the file holds the run that is returned, with sizes and phases."""
    watcher = Watcher()
    run, path = execute(asked(tmp_path), watcher)
    assert watcher.plan == (4, 0)
    assert [r.status for r in run.records] == ["ok"] * 8
    assert path == tmp_path / "runs" / "box" / f"{run.id}.json"
    assert store.read(path) == run
    assert run.finished is not None
    assert run.policy.sizes == SIZES
    assert {"start-up", "sample", "warm-up", "save", "total"} <= set(run.policy.phases)
    assert run.machine == MACHINE
    assert run.hwbench["version"]
    assert run.software["numpy"]


def test_warnings_of_the_set_up_come_before_the_run(tmp_path, monkeypatch):
    """One line each with effect and remedy; a note is kept alone, and so is what telemetry judges by its effect."""
    found = [
        Disturbance("NUMBA_OPT", "0", "kernels are optimized less", "unset NUMBA_OPT"),
        Disturbance("busy neighbours", "2 threads", "slower", "stop them"),
        Disturbance("turbo", "on", "it varies", "switch it off", "note"),
    ]
    monkeypatch.setattr(disturbances, "here", lambda *_: found)
    watcher = Watcher(lambda _group: watcher.troubles.append("measuring"))
    run, path = execute(asked(tmp_path), watcher)
    assert watcher.troubles[:2] == ["NUMBA_OPT: 0; kernels are optimized less; unset NUMBA_OPT", "measuring"]
    assert store.read(path).disturbances == run.disturbances == found


def test_a_selected_bench_without_a_case_is_named_and_the_others_are_measured(tmp_path):
    """`loop` is a variant of one of the two: the other is named before anything is measured."""
    watcher = Watcher()
    run, _ = execute(asked(tmp_path, select=("access.steps", "sweep.sizes"), variants=("loop",)), watcher)
    assert {record.bench for record in run.records} == {"sweep.sizes"}
    assert watcher.troubles == [
        "nothing of access.steps has these variants and parameters; `hwbench list` shows what there is"
    ]
    for globs in (("access.*", "sweep.sizes"), ("access", "sweep.sizes")):  # which ask for no bench by name
        watcher = Watcher()
        execute(asked(tmp_path / globs[0].strip("*."), select=globs, variants=("loop",)), watcher)
        assert watcher.troubles == []


def test_a_device_that_is_lost_leaves_its_cases_to_resume(tmp_path, device, monkeypatch):
    """The run is not finished, one line says how to go on; the next process measures all others first."""
    calm, counted = device.time, []

    def fails(work, loops):
        counted.append(1)
        if len(counted) == 40:
            raise RuntimeError("the context is lost")
        return calm(work, loops)

    monkeypatch.setattr(device, "time", fails)
    watcher = Watcher()
    run, path = execute(asked(tmp_path), watcher)
    assert run.finished is None
    bad = [one for one in run.records if one.status == "error"]
    assert [one.reasons for one in bad] == [[Reason("gpu_lost", "the context is lost")]]
    left = 8 - len(run.records)
    assert left > 0
    assert watcher.troubles[-1].startswith("cpu was lost in ")
    assert f"the context is lost; {left} cases are left, which --resume measures" in watcher.troubles[-1]
    again, same = execute(asked(tmp_path, resume=True), Watcher())
    assert (same, again.id) == (path, run.id)
    assert [one.status for one in again.records] == ["ok"] * 8
    assert again.finished is not None
    assert key(bad[0]) in {key(one) for one in again.records[-2:]}


def test_every_contrast_is_saved_before_the_next_begins(tmp_path):
    """Whenever a run is killed, all that was told as measured is in the file, and no finish."""
    saved = []

    def look(_group):
        [path] = store.find(tmp_path)
        saved.append((len(store.read(path).records), store.read(path).finished))

    execute(asked(tmp_path), Watcher(look))
    assert saved == [(0, None), (2, None), (4, None), (6, None)]


def test_headline_cases_are_measured_once_more_at_the_end(tmp_path, monkeypatch):
    """With a fact in the file that says what they gave; not where the budget is spent."""

    def first(records, benches, _now):
        record = records[0]
        return iter([(Group(benches[record.bench], (record.case,)), record)])

    monkeypatch.setattr(session.again, "groups", first)
    monkeypatch.setattr("hwbench.devices.cpu.CpuDevice", ScriptedDevice)
    forgotten: list[int] = []
    monkeypatch.setattr(ScriptedDevice, "forget", lambda self: forgotten.append(len(self.timed)), raising=False)
    watcher = Watcher()
    run, path = execute(asked(tmp_path), watcher)
    assert forgotten  # so that large buffers lie on other pages
    assert watcher.done == "measuring 1 headline figure once more"
    assert len(run.records) == 8
    assert ["again" in one.facts for one in run.records] == [True] + [False] * 7
    assert store.read(path) == run
    monkeypatch.setattr(session.planning, "seconds_for", lambda *_: 0.0)
    run, _ = execute(asked(tmp_path, budget=1.0), Watcher())
    assert not any("again" in one.facts for one in run.records)


def test_an_interruption_carries_and_keeps_what_was_measured(tmp_path):
    """Ctrl-C before the third contrast: two are saved, the run is not finished."""
    with pytest.raises(Interrupted) as stop:
        execute(asked(tmp_path), Watcher(stop_at(3)))
    assert len(stop.value.run.records) == 4
    assert store.read(stop.value.path) == stop.value.run
    assert stop.value.run.finished is None


def test_an_interruption_while_saving_loses_nothing(tmp_path, monkeypatch):
    """Ctrl-C in the middle of the second contrast's save: it is saved once more."""
    write, counted = store.Rewriter.write, []

    def interrupted(writer, run, path):
        counted.append(1)
        if len(counted) == 3:
            raise KeyboardInterrupt
        write(writer, run, path)

    monkeypatch.setattr(store.Rewriter, "write", interrupted)
    with pytest.raises(Interrupted) as stop:
        execute(asked(tmp_path), Watcher())
    assert len(store.read(stop.value.path).records) == 4


def dead(path: Path) -> None:
    """As if the process that wrote the run were gone: this one, which both starts and resumes here, lives on."""
    run = store.read(path)
    store.write(msgspec.structs.replace(run, hwbench=run.hwbench | {"pid": 2**22 + 1}), path)


def test_resume_measures_the_rest_into_the_same_run(tmp_path):
    """What was measured is kept to the digit, the rest follows, and the run is finished under its own id."""
    with pytest.raises(Interrupted) as stop:
        execute(asked(tmp_path), Watcher(stop_at(3)))
    dead(stop.value.path)
    cut = store.read(stop.value.path)
    policy = msgspec.structs.replace(cut.policy, phases=cut.policy.phases | {"start-up": 100.0})
    store.write(msgspec.structs.replace(cut, policy=policy), stop.value.path)
    watcher = Watcher()
    run, path = execute(asked(tmp_path, resume=True), watcher)
    assert watcher.plan == (2, 4)
    assert path == stop.value.path
    assert run.id == stop.value.run.id
    assert run.records[:4] == stop.value.run.records
    assert len({key(r) for r in run.records}) == len(run.records) == 8
    assert run.finished is not None
    assert run.policy.phases["start-up"] >= 100.0  # the clock of the run goes on, it does not begin anew
    assert store.find(tmp_path) == [path]


def test_resume_goes_on_with_the_preset_of_the_run(tmp_path):
    """A quick run that was cut off is finished as a quick run, and that is said."""
    with pytest.raises(Interrupted) as stop:
        execute(asked(tmp_path, preset="quick"), Watcher(stop_at(2)))
    dead(stop.value.path)
    watcher = Watcher()
    run, _ = execute(asked(tmp_path, resume=True), watcher)
    assert len(run.records) == 4
    assert watcher.troubles == ["going on with --preset quick, as the run was begun"]


def test_a_run_says_what_time_its_cases_had(tmp_path):
    """The policy in the file is the one that was measured by."""
    run, _ = execute(asked(tmp_path, preset="full"), Watcher())
    assert run.policy == msgspec.structs.replace(
        policy.fitted(policy.POLICIES["full"], len(run.records)),
        sizes=run.policy.sizes,
        phases=run.policy.phases,
        bench_phases=run.policy.bench_phases,
    )
    assert set(run.policy.bench_phases) == {record.bench for record in run.records}
    assert run.policy.case_s > policy.POLICIES["full"].case_s


def test_resume_measures_a_contrast_anew_that_was_had_in_part(tmp_path):
    """Variants of one contrast are measured interleaved: a half of it is replaced, and no case is there twice."""
    with pytest.raises(Interrupted) as stop:
        execute(asked(tmp_path, variants=("fast",)), Watcher(stop_at(3)))
    dead(stop.value.path)
    run, _ = execute(asked(tmp_path, resume=True), Watcher())
    assert len(run.records) == len({key(r) for r in run.records}) == 8


def test_resume_measures_anew_what_an_older_version_of_a_bench_timed(tmp_path, benches):
    """Results of unlike versions are never mixed."""
    with pytest.raises(Interrupted) as stop:
        execute(asked(tmp_path), Watcher(stop_at(3)))
    dead(stop.value.path)
    benches["access.steps"].version = 2
    watcher = Watcher()
    run, _ = execute(asked(tmp_path, resume=True), watcher)
    assert watcher.plan == (4, 0)
    assert {r.version for r in run.records} == {2}


def test_resume_without_a_run_is_told_before_anything_is_made(tmp_path):
    """One line, no directory."""
    with pytest.raises(StoreError, match="no run there was cut off"):
        execute(asked(tmp_path / "new", resume=True), Watcher())
    assert not (tmp_path / "new").exists()


def test_resume_of_a_run_by_an_unknown_preset_is_refused(tmp_path):
    """A file may say anything; it is data."""
    odd = run_of(finished=None, policy=msgspec.structs.replace(policy.POLICIES["quick"], preset="\x1b[31m"))
    store.write(odd, store.path_of(odd, tmp_path))
    with pytest.raises(StoreError, match="none of quick, standard, full"):
        execute(asked(tmp_path, resume=True), Watcher())


def test_what_the_budget_leaves_no_time_for_is_skipped_with_the_reason(tmp_path, monkeypatch):
    """Once the seconds are spent the rest is skipped; records say so."""
    ticks = iter(range(1000))
    monkeypatch.setattr(session.time, "perf_counter", lambda: float(next(ticks)))
    run, _ = execute(asked(tmp_path, budget=7.0), Watcher())
    statuses = [r.status for r in run.records]
    assert statuses == sorted(statuses)  # ok … skipped
    assert {"ok", "skipped"} == set(statuses)
    assert run.records[-1].why == "the budget was spent before its turn: 7 s"
    assert run.policy.budget_s == 7.0


@pytest.mark.parametrize(
    ("more", "message"),
    [({"budget": 0.0}, "--budget 0: must be a time in seconds above 0"), ({"budget": -3.0}, "--budget -3"),
     ({"budget": float("nan")}, "--budget nan"), ({"budget": float("inf")}, "--budget inf"),
     ({"preset": "fast"}, "--preset fast: must be one of quick"),
     ({"select": ("acces",)}, "did you mean access"), ({"params": {"x": ["1"]}}, "no selected bench has an axis 'x'")],
)  # fmt: skip
def test_usage_errors_come_before_anything_is_made(tmp_path, more, message):
    """No directory, no file, no measuring."""
    with pytest.raises(UsageError, match=message):
        execute(asked(tmp_path / "new", **more), Watcher())
    assert not (tmp_path / "new").exists()


def test_an_observer_that_cannot_print_does_not_end_the_run(tmp_path, monkeypatch):
    """Standard error on a full disk or into a closed pipe: nobody sees the run, and it is kept."""

    class Mute(Watcher):
        def fail(self, *_):
            raise BrokenPipeError(32, "Broken pipe")

        planned = measuring = measured = trouble = fail

    write, counted = store.write_bytes, []

    def full_once(data, path):
        counted.append(1)
        if len(counted) == 2:
            raise StoreError(f"{path}: cannot be written (No space left on device)")
        write(data, path)

    monkeypatch.setattr(store, "write_bytes", full_once)
    monkeypatch.setattr(autosave.tempfile, "gettempdir", lambda: str(tmp_path))
    run, path = execute(asked(tmp_path / "out"), Mute())
    assert [r.status for r in store.read(path).records] == ["ok"] * 8
    assert run.finished


def test_an_interruption_says_whether_resume_would_find_the_run(tmp_path, monkeypatch):
    """What lies in the temporary directory is no run that --resume looks at."""
    with pytest.raises(Interrupted) as stop:
        execute(asked(tmp_path / "out"), Watcher(stop_at(3)))
    assert not stop.value.spare
    write = store.write_bytes

    def full(data, path):
        if "runs" in path.parts:
            raise StoreError(f"{path}: cannot be written (No space left on device)")
        write(data, path)

    monkeypatch.setattr(store, "write_bytes", full)
    monkeypatch.setattr(autosave.tempfile, "gettempdir", lambda: str(tmp_path))
    with pytest.raises(Interrupted) as stop:
        execute(asked(tmp_path / "out"), Watcher(stop_at(3)))
    assert stop.value.spare
    assert stop.value.path == tmp_path / f"{stop.value.run.id}.json"


def test_verdicts_are_concluded_and_never_stored(tmp_path, benches):
    """A bench in L1 twice as fast as its limit: refused in what Ctrl-C left, once only after --resume, in no file."""
    benches["stream.load"] = scripted_bench({"simd": 0.002}, "stream.load", {"size": ("L1",), "dtype": ("f8", "f4")})
    benches["stream.load"].counts(lambda: {"bytes": 1e6})
    benches["access.steps"].counts(lambda: {"bytes": 1e6})
    benches["access.steps"].limit = "load"
    benches["stream.load"].measures = "load"
    chosen = {"select": ("stream.load", "access.steps"), "params": {"size": ["L1"]}}
    with pytest.raises(Interrupted) as stop:
        execute(asked(tmp_path, **chosen), Watcher(stop_at(4)))
    assert {one.status for one in stop.value.run.records} == {"ok"}
    assert store.read(stop.value.path) == stop.value.run
    refused = [one for one in concluded(stop.value.run).records if has(one.reasons, "implausible")]
    assert [(one.bench, one.variant) for one in refused] == [("access.steps", "fast")] * 2  # f8's limit serves f4
    dead(stop.value.path)
    run, path = execute(asked(tmp_path, resume=True, **chosen), Watcher())
    assert {one.status for one in store.read(path).records} == {"ok"}
    told = [one.reasons for one in concluded(run).records if one.bench == "access.steps" and one.variant == "fast"]
    assert [sum(has([one], "implausible") for one in reasons) for reasons in told] == [1, 1]


def test_a_run_describes_the_benches_of_its_records(tmp_path, benches):
    """What the benches of its records declare, and no other's; the file has it from the start."""
    seen = []

    def look(_group):
        [path] = store.find(tmp_path)
        seen.append(store.read(path).benches)

    benches["access.share"].limit = "load"
    run, _ = execute(asked(tmp_path, select=("access.share",)), Watcher(look))
    declared = run.benches["access.share"]
    assert run.benches == {"access.share": benches["access.share"].info}
    assert (declared.question, declared.baseline, declared.limit) == ("Which script is shorter?", "fast", "load")
    assert declared.variants == list(benches["access.share"].variants)
    assert seen[0] == run.benches


def test_what_an_older_hwbench_concluded_is_concluded_anew_after_resume(tmp_path, benches):
    """A cut-off run without `benches` holds verdicts; resumed it describes all its benches, and they are judged."""
    with pytest.raises(Interrupted) as stop:
        execute(asked(tmp_path, select=("access",)), Watcher(stop_at(3)))
    old = msgspec.structs.replace(stop.value.run, benches={}, hwbench=stop.value.run.hwbench | {"pid": 2**22 + 1})
    doubted = msgspec.structs.replace(
        old.records[0], status="suspect", reasons=[Reason("implausible", "2 times its limit")]
    )
    stored = msgspec.json.encode(msgspec.structs.replace(old, records=[doubted, *old.records[1:]]))
    stop.value.path.write_bytes(stored)  # `store.write` would leave the verdict out
    run, path = execute(asked(tmp_path, select=("access.share",), resume=True), Watcher())
    assert set(run.benches) == {"access.steps", "access.share"}
    assert store.read(path).records[0] == old.records[0]
    assert concluded(run).records[0] == old.records[0]


def test_a_run_that_can_be_kept_nowhere_is_returned(tmp_path, monkeypatch):
    """Measured is not lost because no disk takes it."""

    def full(data, path):
        raise StoreError(f"{path}: cannot be written (No space left on device)")

    monkeypatch.setattr(store, "write_bytes", full)
    watcher = Watcher()
    run, path = execute(asked(tmp_path), watcher)
    assert path is None
    assert len(run.records) == 8
    assert len(watcher.troubles) == 2
    assert "in memory" in watcher.troubles[1]


def test_trouble_in_a_bench_does_not_end_the_run(tmp_path, benches):
    """Wrong and failing variants are records among the others."""
    benches["access.steps"].variant("wrong")(lambda: scripted_work(0.01, output=0))
    benches["access.steps"].variant("fails")(lambda: 1 / 0)
    run, _ = execute(asked(tmp_path), Watcher())
    assert [r.status for r in run.records] == ["ok", "ok", "wrong", "error"] * 4


def test_two_runs_into_one_directory_have_a_file_each(tmp_path):
    """Nothing is overwritten, also within one second."""
    paths = {execute(asked(tmp_path), Watcher())[1] for _ in range(3)}
    assert len(paths) == 3
    assert {len(store.read(path).records) for path in paths} == {8}


@pytest.mark.parametrize(
    "error", [psutil.AccessDenied(1), psutil.NoSuchProcess(1), RuntimeError("line 'btime' not found")]
)
def test_a_process_whose_start_is_unreadable_measures(tmp_path, monkeypatch, error):
    """Without /proc a run is measured and kept; only --resume has less to go by."""

    def refuse(*_given):
        raise error

    monkeypatch.setattr(psutil, "Process", refuse)
    done, path = execute(asked(tmp_path), Watcher())
    assert done.finished
    assert done.hwbench["process_started"] is None
    assert store.read(path).records
