"""The commands in-process: exit codes, what goes to which stream, and that files cannot talk to the terminal."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from doubles.scripted import MACHINE, record, run_of, scripted_work
from hwbench import errors
from hwbench.cli import tables
from hwbench.devices import selection
from hwbench.measure import autosave, session
from hwbench.record import store
from hwbench.record.model import Run
from made_up.sample import proof_run

HOSTILE = "\x1b[31m\x07</script><script>x\u202e[bold]\r\n\x9b2J"


@pytest.fixture
def out(tmp_path):
    """Where runs go."""
    return tmp_path / "reports"


def saved(out, *records, stamp="20261122T180000Z", **more):
    run = run_of(*records, id=f"box-{stamp}-ffffff", **more)
    path = store.path_of(run, out)
    store.write(run, path)
    return path


def clean(text: str) -> bool:
    """No control character but the newline, no escape sequence, no bidirectional override."""
    return not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


# --- run --------------------------------------------------------------------------------------------------------------


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


def test_run_prints_findings_and_where_the_run_lies(benches, device, command, out):
    """Findings and paths on standard output, progress on standard error, exit 0, the run as it was told."""
    benches["access.steps"].finding(lambda r: [f"{r.ratio('slow', 'fast').value:g} times"])
    done = command("run", "access.steps", "--out", out, "--no-report", "--preset", "quick")
    [path] = store.find(out)
    assert (done.code, done.out) == (0, f"access.steps\n  4 times\nrun: {path}\n")
    assert done.err.splitlines()[0] == "measuring 4 cases of 1 bench"
    assert done.err.splitlines()[-1].startswith("[2/2] access.steps L2 f8: fast 1.00 ms, slow 4.00 ms")
    assert len(done.err.splitlines()) == 3
    assert clean(done.err)


def test_json_to_stdout_is_alone_there(benches, device, command, out):
    """`--json -` gives one run and nothing else; findings go to standard error."""
    benches["access.steps"].finding(lambda r: ["a finding"])
    done = command("run", "access.steps", "--out", out, "--no-report", "--json", "-")
    assert msgspec.json.decode(done.out, type=Run) == store.read(store.newest(out))
    assert "a finding" in done.err


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
    assert re.search(r"^3 (wrong|error): ", done.out, re.MULTILINE)


def test_skipped_and_suspect_cases_are_exit_0(benches, device, command, out):
    """They are told, and nothing is wrong with them."""
    benches["access.share"].variant("bad", needs=lambda: "needs SMT")(lambda: scripted_work(0.01))
    device.rates["steal_s"] = 0.5
    done = command("run", "access.share", "--out", out, "--no-report")
    assert done.code == 0
    assert "3 skipped: needs SMT" in done.out
    assert "3 suspect: the hypervisor took 50% of a CPU (steal)" in done.out


def interrupted_in_the_second_contrast(device):
    """Ctrl-C comes while a device takes its samples."""
    real = device.time

    def time(work, loops):
        if len(device.timed) > 20:
            raise KeyboardInterrupt
        return real(work, loops)

    device.time = time


def test_an_interruption_is_exit_130_with_what_was_measured_saved(benches, device, command, out):
    """Ctrl-C in the second contrast: the first is in the file, and how to go on is said."""
    interrupted_in_the_second_contrast(device)
    done = command("run", "access.share", "--out", out)
    path = store.newest(out)
    assert done.code == 130
    assert done.err.splitlines()[-1] == f"interrupted: 1 cases are saved in {path}; --resume goes on with them"
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
    """A full or closed standard output costs the findings, and neither the JSON nor the report."""

    def full(told):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tables, "findings", full)
    done = command("run", "access.share", "--out", out, "--json", tmp_path / "x.json")
    assert (done.code, done.out) == (2, "")
    assert store.read(tmp_path / "x.json") == store.read(store.newest(out))
    assert (out / "index.html").exists()


def test_a_json_file_that_fails_at_the_end_does_not_cost_the_findings(
    benches, device, command, out, monkeypatch, tmp_path
):
    """They are printed, and what went wrong is the last line."""
    benches["access.share"].finding(lambda r: ["a finding"])
    write = store.write_bytes

    def full(data, path):
        if path.name == "x.json":
            raise errors.StoreError(f"{path}: cannot be written")
        write(data, path)

    monkeypatch.setattr(store, "write_bytes", full)
    done = command("run", "access.share", "--out", out, "--no-report", "--json", tmp_path / "x.json")
    assert done.code == 2
    assert "a finding" in done.out
    assert done.err.splitlines()[-1] == f"hwbench: {tmp_path / 'x.json'}: cannot be written"


def test_an_interruption_with_no_place_to_save_prints_what_was_measured(benches, device, command, out, monkeypatch):
    """What can be kept nowhere is shown."""

    def full(run, path):
        raise errors.StoreError(f"{path}: cannot be written")

    monkeypatch.setattr(store, "write", full)
    interrupted_in_the_second_contrast(device)
    done = command("run", "access.share", "--out", out)
    assert done.code == 130
    assert "share=0.0" in done.err
    assert "could be saved nowhere" in done.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "acces"], "no bench matches 'acces'; did you mean access"),
        (["run", "--variant", "fats"], "no selected bench has a variant 'fats'; did you mean fast?"),
        (["run", "--param", "sise=L1"], "no selected bench has an axis 'sise'; did you mean size?"),
        (["run", "--param", "size=1e400"], "size: '1e400' is too large"),
        (["run", "--param", "size=0"], "size: '0' is not at least 1 byte"),
        (["run", "--param", "size"], "--param size: is not of the form KEY=VALUE, such as size=L1"),
        (["run", "--param", "=L1"], "--param =L1: is not of the form KEY=VALUE"),
        (["run", "--param", "size="], "--param size=: is not of the form KEY=VALUE"),
        (["run", "--budget", "-1"], "--budget -1: is no time in seconds"),
        (["run", "--budget", "nan"], "--budget nan: is no time in seconds"),
        (["run", "--preset", "fast"], "--preset fast: is none of quick, standard, full"),
        (["run", HOSTILE], r"no bench matches '\x1b[31m\x07</script>"),
        (["list", "acces"], "did you mean access"),
        (["show", "none.json"], "none.json: cannot be read (No such file or directory)"),
        (["show", "box-1"], "box-1: is no file, and no run of this id lies below"),
        (["show", "x" * 5000], "is no file, and no run of this id"),
        (["show", "/" + "x" * 5000], "cannot be read (File name too long)"),
        (["show", HOSTILE], r"\x1b[31m\x07</script>"),
        (["compare", "a", "b", "--threshold", "-1"], "--threshold -1: is no relative difference"),
        (["compare", "a", "b", "--threshold", "nan"], "--threshold nan: is no relative difference"),
        (["report", "x" * 5000], "File name too long"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(benches, device, command, tmp_path, monkeypatch, arguments, said):
    """What does not exist, cannot be or makes no sense: said with the nearest, nothing measured, nothing made."""
    monkeypatch.chdir(tmp_path)
    done = command(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("hwbench: ")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert clean(done.err)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [["run", "--no-such"], ["run", "--budget", "soon"], ["compare", "one"], ["nothing"]]
)
def test_what_the_option_parser_refuses_is_exit_2(command, arguments):
    """Unknown options, words for numbers, missing arguments, unknown commands."""
    done = command(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("which", "said"),
    [("gpu", "nothing to measure on gpu "), ("gpu:0", "nothing to measure on gpu"), ("tpu", "--device tpu: is none"),
     ("gpu:x", "--device gpu:x: is none of cpu, gpu, gpu:N, all")],
)  # fmt: skip
def test_a_device_that_is_not_there_is_told(benches, command, tmp_path, which, said):
    """A bench without a GPU variant on a GPU, and devices of no kind."""
    done = command("run", "access.share", "--device", which, "--out", tmp_path / "new")
    assert done.code == 2
    assert done.err.startswith(f"hwbench: {said}")
    assert not (tmp_path / "new").exists()


def test_an_output_directory_that_cannot_be_is_told_before_measuring(benches, device, command, tmp_path):
    """A file in its place."""
    (tmp_path / "file").write_text("")
    done = command("run", "access.share", "--out", tmp_path / "file")
    assert done.code == 2
    assert "name another directory with --out" in done.err
    assert done.err.count("\n") == 1
    assert device.timed == []


# --- list, show, compare, machine -------------------------------------------------------------------------------------


def test_list_as_json_and_as_text(benches, device, command):
    """The same benches both ways; the text names what cannot be had."""
    benches["access.share"].variant("wide", needs=lambda: "needs 512-bit vectors")(lambda: None)
    data = json.loads(command("list", "--json").out)
    assert [entry["name"] for entry in data] == list(benches)
    text = command("list", "access").out
    assert "access.steps  Which script is shorter?" in text
    assert "- fast (baseline): Take what the script says." in text
    assert "not here: needs 512-bit vectors" in text
    assert "sweep.sizes" not in text
    assert clean(text)


def test_show_prints_figures_with_units_and_intervals(benches, command, out):
    """The newest run: rates in GB/s, the reason beside each record that is not ok."""
    saved(out, record(bench="old.bench"), stamp="20251122T180000Z")
    rows = (record("fast", samples=(0.5,) * 5, bench="access.steps", counts={"bytes": 1e9}, params={"size": "L1"}),
            record("slow", samples=(), bench="access.steps", status="skipped", reason="needs SMT"))  # fmt: skip
    path = saved(out, *rows)
    done = command("show", "--out", out)
    assert done.code == 0
    assert "2.00 GB/s (2.00–2.00)" in done.out
    assert "500 ms" in done.out
    assert "skipped: needs SMT" in done.out
    assert "old.bench" not in done.out
    assert command("show", path.stem, "--out", out).out == command("show", path).out == done.out


def test_show_as_json_adds_rates_limits_and_findings(benches, command, out):
    """The run's own fields stay as they are; derived ones carry their unit."""
    saved(
        out,
        record(samples=(0.5,) * 5, bench="stream.load", counts={"bytes": 1e9}, params={"size": "L1", "dtype": "f8"}),
    )
    data = json.loads(command("show", "--json", "--out", out).out)
    assert data["schema"] == 1
    assert data["records"][0]["rates"]["bandwidth"] == {"value": 2.0, "low": 2.0, "high": 2.0, "unit": "GB/s"}
    assert data["records"][0]["rates"]["median_s"] == 0.5
    [limit] = data["limits"]
    assert (limit["kind"], limit["level"], limit["value"], limit["unit"]) == ("load", "L1", 2e9, "B/s")
    assert (limit["device"], limit["name"]) == ("cpu", "L1 load, 1 thread")  # two GPUs differ in nothing else
    assert data["findings"] == {}


def test_few_samples_are_shown_without_a_crash(benches, command, out):
    """A file with one sample has an endless interval, which JSON writes as null."""
    saved(out, record(samples=(0.5,), counts={"bytes": 1e9}))
    assert "2.00 GB/s (0–inf)" in command("show", "--out", out).out
    data = json.loads(command("show", "--json", "--out", out).out)
    assert data["records"][0]["rates"]["bandwidth"]["high"] is None


def hostile_run(out, stamp="20261122T180000Z"):
    """A run whose every text is hostile, with a finding that repeats some of it."""
    cpu = msgspec.structs.replace(MACHINE.cpu, model=HOSTILE + stamp)
    return saved(
        out,
        record(HOSTILE, bench="access.steps", params={HOSTILE: HOSTILE}),
        record("x", bench=HOSTILE, status="suspect", reason=HOSTILE, params={"size": HOSTILE}),
        record("y", bench="[/]", status="error", samples=(), reason=HOSTILE),
        stamp=stamp, machine=msgspec.structs.replace(MACHINE, cpu=cpu),
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [["show"], ["compare", "--across-machines"]])
def test_nothing_in_a_file_reaches_the_terminal_raw(benches, command, out, arguments):
    """Escape sequences, markup and overrides in names, values, reasons and findings are shown, not obeyed."""
    benches["access.steps"].finding(lambda r: [f"measured on {next(iter(r.records[0].params))}"])
    paths = [hostile_run(out), hostile_run(out, "20261122T190000Z")]
    done = command(*arguments, *(paths[:1] if arguments == ["show"] else paths))
    assert done.code == 0
    assert clean(done.out)
    assert clean(done.err)
    assert r"\x1b[31m\x07</script>" in done.out
    assert "[bold]" in done.out


def test_a_hostile_file_is_refused_without_its_escapes(benches, command, out):
    """The message about a value quotes it with its control characters made visible."""
    path = hostile_run(out)
    path.write_bytes(path.read_bytes().replace(b'"counts":{}', b'"counts":{"\\u001b[31m":1}', 1))
    done = command("show", path)
    assert done.code == 2
    assert r"counts: '\x1b[31m' is none of" in done.err
    assert clean(done.err)


def two(out, factor):
    old = saved(out, record("fast", samples=[1 + i / 1000 for i in range(12)]), stamp="20251122T180000Z")
    new = saved(out, record("fast", samples=[factor * (1 + i / 1000) for i in range(12)]))
    return old, new


@pytest.mark.parametrize(("factor", "verdict", "code"), [(1.5, "slower", 1), (0.5, "faster", 0), (1.0, "same", 0)])
def test_compare_exits_1_where_something_is_slower(command, out, factor, verdict, code):
    """Verdicts in words and as JSON; the shell learns of a regression."""
    old, new = two(out, factor)
    done = command("compare", old, new)
    assert done.code == code
    assert done.out.splitlines()[-1].strip() == f"1 {verdict}"
    as_json = command("compare", old.stem, new.stem, "--out", out, "--json")
    assert as_json.code == code
    [case] = json.loads(as_json.out)["cases"]
    assert (case["verdict"], case["ratio"]) == (verdict, pytest.approx(factor))


def test_compare_takes_a_threshold(command, out):
    """What does not matter is said by who compares."""
    old, new = two(out, 1.5)
    assert command("compare", old, new, "--threshold", "0.6").code == 0


def test_compare_of_runs_with_nothing_in_common(command, out):
    """Not measured is a verdict too; no cases at all are said."""
    one = saved(out, record("a"), stamp="20251122T180000Z")
    other = saved(out, record("b"))
    assert "2 not measured" in command("compare", one, other).out
    empty = saved(out, stamp="20241122T180000Z")
    assert "no cases" in command("compare", empty, empty).out


def test_machine_as_json_and_text(command):
    """This machine, its software and what disturbs, both ways."""
    data = json.loads(command("machine", "--json").out)
    assert set(data) == {"machine", "no_gpu", "software", "disturbances"}
    assert data["machine"]["cpu"]["logical"] >= 1
    assert data["machine"]["name"] in command("machine").out


# --- the rest ---------------------------------------------------------------------------------------------------------


def test_version(command):
    """`--version` is the package's."""
    import hwbench

    assert command("--version").out == f"hwbench {hwbench.__version__}\n"


def test_an_unforeseen_failure_is_one_line(benches, command, monkeypatch):
    """No traceback reaches a user, unless it is asked for; and 1 would say that it was done, and something slower."""

    def fail(*_):
        raise RuntimeError("one\ntwo")

    monkeypatch.setattr(selection, "devices", fail)
    done = command("list")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert done.err.startswith("hwbench: RuntimeError: one two (HWBENCH_DEBUG=1 shows where")
    monkeypatch.setenv("HWBENCH_DEBUG", "1")
    with pytest.raises(RuntimeError):
        command("list")


def test_the_report_shows_the_newest_comparison_with_native_tools(benches, command, out, tmp_path):
    """What `verify` kept of this machine is in its report, the newest readable one; not what another machine kept."""
    path = saved(out, record("loop"))
    page = tmp_path / "page.html"
    assert command("report", "--out", out, "-o", page).code == 0
    assert "Beside native tools" not in page.read_text("utf-8")
    kept = out / "verify" / MACHINE.name
    for stamp, tool in (("20261122T180000Z", "older-tool"), ("20261122T190000Z", "newer-tool")):
        proof = proof_run()
        records = [msgspec.structs.replace(one, params=one.params | {"tool": tool}) for one in proof.records]
        store.write(msgspec.structs.replace(proof, records=records), kept / f"box-{stamp}-ffffff.json")
    (kept / "box-20261122T200000Z-ffffff.json").write_text("{")
    store.write(proof_run(), out / "verify" / "elsewhere" / "box-20261122T210000Z-ffffff.json")
    assert command("report", "--out", out, "-o", page).code == 0
    text = page.read_text("utf-8")
    assert "Beside native tools" in text
    assert "newer-tool" in text
    assert "older-tool" not in text
    assert "likwid-bench</td>" not in text
    assert command("report", path, "-o", page).code == 0
    assert "Beside native tools" not in page.read_text("utf-8")
