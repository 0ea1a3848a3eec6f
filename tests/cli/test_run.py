"""`hwbench run` in-process: exit codes, what goes to which stream, interruptions, files that cannot be written."""

from __future__ import annotations

import re
import sys

import msgspec
import pytest

from doubles.scripted import scripted_work
from hwbench import catalog, errors
from hwbench.analysis import reading
from hwbench.bench import Bench
from hwbench.cli import summary
from hwbench.measurement import autosave, session
from hwbench.record import store
from hwbench.record.model import Run
from hwbench.record.reasons import Reason
from made_up.commands import clean


def interrupted_in_the_second_contrast(device):
    """Ctrl-C comes while a device takes its samples."""
    real = device.time

    def time(work, loops):
        if len(device.timed) > 20:
            raise KeyboardInterrupt
        return real(work, loops)

    device.time = time


@pytest.mark.parametrize(("preset", "usual"), [("quick", 0.2), ("full", 0.4)])
def test_who_watches_knows_what_a_case_usually_takes(benches, device, command, out, monkeypatch, preset, usual):
    """The time left begins with what the preset has for a case, and not with what the first bench happened to take."""
    seen = []
    real = session.execute

    def execute(plan, observer, **more):
        seen.append(observer.usual)
        return real(plan, observer, **more)

    monkeypatch.setattr(session, "execute", execute)
    command("run", "--preset", preset, "--no-report", "--out", out)
    assert seen == [pytest.approx(usual)]


def test_run_prints_a_summary_that_ends_with_where_the_run_lies(benches, device, command, out):
    """On standard output; progress on standard error, a line for the bench; findings are not asked for."""
    benches["access.steps"].finding(lambda r: pytest.fail("findings were not asked for"))
    done = command("run", "access.steps", "--out", out, "--no-report", "--preset", "quick")
    [path] = store.find(out)
    said = done.out.splitlines()
    assert done.code == 0
    assert said[0] == "Scripted, 2 cores, bare metal"
    assert said[1].startswith("quiet: ")
    assert said[-1] == f"run       {path}"
    assert len(said) <= 25
    assert done.err.splitlines()[0] == "measuring 4 cases of 1 bench"
    assert done.err.splitlines()[-1].startswith("[1/1] access.steps          slow 4.00× slower than fast")
    assert len(done.err.splitlines()) == 2
    assert clean(done.err)


def test_findings_come_before_the_summary_where_they_are_asked_for(benches, device, command, out):
    """The summary stays the last thing that is printed."""
    benches["access.steps"].finding(lambda r: [f"{r.ratio('slow', 'fast').value:g} times"])
    done = command("run", "access.steps", "--out", out, "--no-report", "--preset", "quick", "--findings")
    said = done.out.splitlines()
    assert said[:2] == ["access.steps", "  4 times"]
    assert said.index("Scripted, 2 cores, bare metal") > 1
    assert said[-1].startswith("run       ")


def test_a_run_is_judged_once(benches, device, command, out, monkeypatch):
    """The page, the findings and the quality of the run share one reading."""
    judged, real = [], reading.concluded
    monkeypatch.setattr(reading, "concluded", lambda *given: judged.append(given[0].id) or real(*given))
    assert command("run", "access.share", "--out", out).code == 0
    assert judged == [store.read(store.newest(out)).id]


def test_json_to_stdout_is_alone_there(benches, device, command, out):
    """`--json -` gives one run and nothing else; summary and findings go to standard error."""
    benches["access.steps"].finding(lambda r: ["a finding"])
    done = command("run", "access.steps", "--out", out, "--no-report", "--json", "-", "--findings")
    assert msgspec.json.decode(done.out, type=Run) == store.read(store.newest(out))
    assert "a finding" in done.err
    assert done.err.splitlines()[-1].startswith("run       ")


def test_json_to_a_file_is_the_run(benches, device, command, out, tmp_path):
    """The same run, also in directories that are made for it."""
    assert command("run", "access.share", "--out", out, "--no-report", "--json", tmp_path / "new" / "x.json").code == 0
    assert store.read(tmp_path / "new" / "x.json") == store.read(store.newest(out))


def test_a_json_file_that_cannot_be_is_told_before_measuring(benches, device, command, out, tmp_path):
    """A directory of that name, or a file where its directory should be."""
    (tmp_path / "file").write_text("")
    for target in (tmp_path, tmp_path / "file" / "x.json"):
        done = command("run", "access.share", "--out", out, "--json", target)
        assert done.code == 2
        assert len(done.err.splitlines()) == 1
    assert device.timed == []


@pytest.mark.parametrize(("builder", "code"), [(lambda: scripted_work(0.01, output=0), 1), (lambda: 1 / 0, 1)])
def test_wrong_and_failed_cases_are_exit_1(benches, device, command, out, builder, code):
    """Something is wrong: the run is kept and told, and the shell knows."""
    benches["access.share"].variant("bad")(builder)
    done = command("run", "access.share", "--out", out, "--no-report")
    assert done.code == code
    assert re.search(r"\(3 (wrong|failed)\)", done.out)
    assert len(re.findall(r"^(wrong|error): access.share/bad", done.err, re.MULTILINE)) == 3


def test_skipped_and_suspect_cases_are_exit_0(benches, device, command, out):
    """They are told, and nothing is wrong with them."""
    benches["access.share"].variant("bad", needs=lambda: Reason("needs_smt"))(lambda: scripted_work(0.01))
    device.rates["steal_s"] = 0.5
    done = command("run", "access.share", "--out", out, "--no-report", "--findings")
    assert done.code == 0
    assert "(3 suspect, 3 skipped)" in done.out
    assert "3 skipped: needs SMT" in done.out
    assert "3 suspect: the hypervisor gave the CPU to other guests (steal): 50% of a CPU" in done.out


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (("access.share",), 2),
        (("access.s*", "--variant", "fast"), 2),
        (("access.s*", "--param", "size=L1"), 2),
        (("access.share", "sweep.sizes"), 0),
        (("access.s*",), 0),
        (("access",), 0),
    ],
)
def test_a_run_of_what_was_named_is_exit_2_where_all_was_skipped(
    benches, device, command, out, monkeypatch, asked, code
):
    """Who names benches, values or variants expects an answer; a topic or a pattern takes what there is.

    What installs the missing library is said once, by the refusal or in the summary.
    """
    why = Reason("needs_library", "needs x: python -m pip install x")
    monkeypatch.setattr(Bench, "lacks", lambda self, *_: why if "access" in self.name else None)
    done = command("run", *asked, "--out", out, "--preset", "quick")
    assert done.code == code, done.err
    told = [line for line in done.err.splitlines() if line.startswith("hwbench: ")]
    assert bool(told) == bool(code)
    assert all(re.fullmatch(rf"hwbench: nothing was measured: \d cases? skipped: {why}", line) for line in told)
    assert (done.out + done.err).count("pip install x") == 1
    assert {record.status for record in store.read(store.newest(out)).records} >= {"skipped"}
    assert (out / "index.html").exists()


def test_an_interruption_is_exit_130_with_what_was_measured_saved(benches, device, command, out):
    """Ctrl-C in the second contrast: the first is in the file, and how to go on is said."""
    interrupted_in_the_second_contrast(device)
    done = command("run", "access.share", "--out", out)
    path = store.newest(out)
    assert done.code == 130
    assert done.err.splitlines()[-1] == f"interrupted: 1 cases are saved in {path}; --resume goes on with them"
    assert "; 1 case, interrupted" in done.out
    assert store.read(path).finished is None


def test_an_interruption_does_not_promise_to_resume_what_lies_elsewhere(
    benches, device, command, out, monkeypatch, tmp_path
):
    """The disk is full and the run in the temporary directory, where --resume does not look."""
    write = store.write_bytes

    def full(data, path):
        if "runs" in path.parts:
            raise errors.StoreError(f"{path}: cannot be written")
        write(data, path)

    monkeypatch.setattr(store, "write_bytes", full)
    monkeypatch.setattr(autosave.tempfile, "gettempdir", lambda: str(tmp_path))
    interrupted_in_the_second_contrast(device)
    done = command("run", "access.share", "--out", out)
    [path] = tmp_path.glob("box-*.json")
    assert done.err.splitlines()[-1] == f"interrupted: 1 cases are saved in {path}"


def test_what_is_to_be_kept_is_written_before_anything_is_printed(benches, device, command, out, monkeypatch, tmp_path):
    """A full or closed standard output costs the summary, and neither the JSON nor the report."""

    def full(*told):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(summary, "show", full)
    done = command("run", "access.share", "--out", out, "--json", tmp_path / "x.json")
    assert (done.code, done.out) == (2, "")
    assert store.read(tmp_path / "x.json") == store.read(store.newest(out))
    assert (out / "index.html").exists()


def test_a_json_file_that_fails_at_the_end_does_not_cost_the_summary(
    benches, device, command, out, monkeypatch, tmp_path
):
    """It is printed, and what went wrong is the last line."""
    write = store.write_bytes

    def full(data, path):
        if path.name == "x.json":
            raise errors.StoreError(f"{path}: cannot be written")
        write(data, path)

    monkeypatch.setattr(store, "write_bytes", full)
    done = command("run", "access.share", "--out", out, "--no-report", "--json", tmp_path / "x.json")
    assert done.code == 2
    assert "; 3 cases" in done.out
    assert done.err.splitlines()[-1] == f"hwbench: {tmp_path / 'x.json'}: cannot be written"


def test_an_interruption_with_no_place_to_save_prints_what_was_measured(benches, device, command, out, monkeypatch):
    """What can be kept nowhere is shown."""

    def full(writer, run, path):
        raise errors.StoreError(f"{path}: cannot be written")

    monkeypatch.setattr(store.Rewriter, "write", full)
    interrupted_in_the_second_contrast(device)
    done = command("run", "access.share", "--out", out)
    assert done.code == 130
    assert "share=0.0" in done.err
    assert "could be saved nowhere" in done.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("which", "said"),
    [("gpu", "nothing to measure on gpu "), ("gpu:0", "nothing to measure on gpu"), ("tpu", "--device tpu: must be"),
     ("gpu:x", "--device gpu:x: must be one of cpu, gpu, gpu:N, opencl, opencl:N, all")],
)  # fmt: skip
def test_a_device_that_is_not_there_is_told(benches, command, tmp_path, which, said):
    """A bench without a GPU variant on a GPU, and devices of no kind."""
    done = command("run", "access.share", "--device", which, "--out", tmp_path / "new")
    assert done.code == 2
    assert done.err.startswith(f"hwbench: {said}")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("which", ["opencl", "opencl:7"])
def test_without_the_device_that_was_asked_for_there_is_no_answer_and_no_run(command, tmp_path, monkeypatch, which):
    """One line with the remedy, exit code 2, as of a GPU; no file of nothing."""
    from hwbench.host import opencl_probe

    none = opencl_probe.OpenCls("no-platform", "no OpenCL platform was found", "install a driver")
    monkeypatch.setattr(opencl_probe, "probe", lambda: none)
    done = command("run", "device.peak", "--device", which, "--out", tmp_path / "new")
    assert (done.code, done.out) == (2, "")
    assert done.err == f"hwbench: --device {which}: no OpenCL platform was found; install a driver\n"
    assert not (tmp_path / "new").exists()


def test_an_output_directory_that_cannot_be_is_told_before_measuring(benches, device, command, tmp_path):
    """A file in its place."""
    (tmp_path / "file").write_text("")
    done = command("run", "access.share", "--out", tmp_path / "file")
    assert done.code == 2
    assert "name another directory with --out" in done.err
    assert done.err.count("\n") == 1
    assert device.timed == []


OWN = '''"""What a bench of one's own is about."""
from doubles.scripted import scripted_work
from hwbench import Bench

bench = Bench("mine.steps", question="Whose?", axes={"size": ("L1",)}, baseline="a", version=7, words={"size": "where"})
bench.reference(lambda: 42)
bench.variant("a")(lambda: scripted_work(0.002, "a"))
bench.variant("b")(lambda: scripted_work(0.001, "b"))
bench.finding(lambda results: [f"b against a: {results.ratio('b', 'a').value:.2f}"])
print("imported")
'''


def test_a_file_of_one_s_own_is_measured_and_read_without_it(benches, device, command, out, tmp_path, monkeypatch):
    """Listed, measured and told like hwbench's; its run is shown, paged and exported where the file is gone."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    file = tmp_path / "run_mine.py"
    file.write_text(OWN)
    assert command("list", file).out == "mine.steps  Whose?\n"
    assert "What a bench of one's own is about." in command("explain", file).out
    done = command("run", file, "access.share", "--findings", "--out", out, "--preset", "quick")
    assert done.code == 0
    assert "b against a: 0.50" in done.out
    [path] = store.find(out)
    run = store.read(path)
    assert {record.bench: record.version for record in run.records} == {"mine.steps": 7, "access.share": 1}
    assert run.benches["mine.steps"].axes == {"size": "where"}
    file.unlink()
    del benches["mine.steps"]
    for added in ("_added", "_sources"):
        monkeypatch.setattr(catalog, added, {})
    shown = command("show", path, "mine")
    assert shown.code == 0
    assert "mine.steps" in shown.out
    assert command("report", path, "-o", tmp_path / "page.html").code == 0
    assert "Whose?" in (tmp_path / "page.html").read_text("utf-8")
    assert command("export", path).out.count(",mine.steps,7,") == 2


def test_a_file_that_cannot_be_used_is_a_line(benches, device, command, out, tmp_path, monkeypatch, caplog):
    """With others it costs nothing; alone it is exit 2, and no run is begun."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    file = tmp_path / "run_broken.py"
    file.write_text("import nothing_of_this_name")
    assert command("run", file, "access.share", "--out", out, "--no-report", "--preset", "quick").code == 0
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"warning: {file}: needs the module nothing_of_this_name, which is not installed")
    done = command("run", file, "--out", tmp_path / "other")
    assert (done.code, done.out) == (2, "")
    assert done.err == f"hwbench: {line.removeprefix('warning: ')}\n"
    assert not (tmp_path / "other").exists()
